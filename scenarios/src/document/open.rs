//! Open tables, whose keys are names that the user chooses: `[parameters] birth = "0.55 1/year"`, or
//! `birth = { value = 0.55, unit = "1/year", lower = 0 }`.

use std::ops::Range;

use super::super::diagnostic::{Diagnostic, Source, nearest};
use super::super::keys::{Amounts, Key, Named};
use super::super::units::convert;
use super::raw::{Entry, Raw};
use super::settings::Settings;

/// A number or a text as a text; `None` for anything else.
fn as_text(raw: &Raw) -> Option<String> {
    match raw {
        Raw::Text(text) => Some(text.clone()),
        Raw::Integer(Some(v)) => Some(v.to_string()),
        Raw::Float(v) => Some(v.to_string()),
        _ => None,
    }
}

/// Bytes of the source that a part of a text takes; the whole text where its letters are written as escapes.
fn place_within(
    source: &Source,
    value: &Range<usize>,
    text: &str,
    part: &Range<usize>,
) -> Range<usize> {
    let written = &source.text[value.clone()];
    let quotes = ["\"\"\"\n", "'''\n", "\"\"\"", "'''", "\"", "'"];
    let skipped = quotes.iter().find(|q| written.starts_with(**q)).map_or(0, |q| q.len());
    if !written[skipped..].starts_with(text) {
        return value.clone();
    }
    let start = value.start + skipped;
    start + part.start..start + part.end
}

impl Settings {
    /// The names of an open table's entries, in the order of the file.
    pub fn open_names(&self, table: &str) -> Vec<&str> {
        let mut found: Vec<(usize, &str)> = Vec::new();
        for key in self.open_keys(table) {
            let name = key.split_once('.').map_or(key, |(name, _)| name);
            let place = self.open[&format!("{table}.{key}")].key.start;
            match found.iter_mut().find(|(_, n)| *n == name) {
                Some((first, _)) => *first = place.min(*first),
                None => found.push((place, name)),
            }
        }
        found.sort_unstable();
        found.into_iter().map(|(_, name)| name).collect()
    }

    /// What stands at `name = ...` of an open table, or at `name = { key = ... }`, as a text.
    pub fn open_text(&self, table: &str, name: &str, key: &str) -> Option<String> {
        let whole = (key.is_empty()).then(|| self.open.get(&format!("{table}.{name}"))).flatten();
        let part = || self.open.get(&format!("{table}.{name}.{key}"));
        as_text(&whole.or_else(part)?.raw)
    }

    /// A number at `name = { key = ... }` in `unit`.
    ///
    /// # Errors
    /// Something that is none.
    pub fn open_number(
        &self,
        table: &str,
        name: &str,
        key: &str,
        unit: &str,
    ) -> Result<Option<f64>, Diagnostic> {
        let path = format!("{table}.{name}.{key}");
        let Some(entry) = self.open.get(&path) else { return Ok(None) };
        let number = as_text(&entry.raw).and_then(|text| convert(&text, unit).ok());
        number.filter(|v| v.is_finite()).map(Some).ok_or_else(|| {
            let message = format!("`{path}` must be a number in {unit}");
            let message = message.trim_end_matches(" in ").to_owned();
            let help = "a bare number is in the quantity's own unit";
            self.open_problem("cotangent::scenario::wrong_type", &path, message, help)
        })
    }

    /// Entries of an open table that are neither a text or number nor a table of these keys.
    pub fn open_strays(&self, table: &str, keys: &[&str]) -> Vec<Diagnostic> {
        let stray = |path: &&str| match path.split_once('.') {
            None => as_text(&self.open[&format!("{table}.{path}")].raw).is_none(),
            Some((_, key)) => !keys.contains(&key),
        };
        let problem = |path: &str| {
            let entry = &self.open[&format!("{table}.{path}")];
            let key = path.split_once('.').map_or("", |(_, key)| key);
            let help = match nearest(key, keys.iter().copied()).filter(|_| !key.is_empty()) {
                Some(name) => format!("did you mean `{name}`?"),
                None if keys.is_empty() => "it is a number or a text".into(),
                None => format!("it is a number, a text, or a table of: {}", keys.join(", ")),
            };
            let (message, span) = (format!("`{table}.{path}` means nothing"), entry.key.clone());
            let code = "cotangent::scenario::unknown_key";
            Diagnostic::at(code, message, &entry.source, span, "not a key", help)
        };
        self.open_keys(table).into_iter().filter(stray).map(problem).collect()
    }

    /// A problem with a part of the text at `path`, in a list's entry or an open table.
    pub fn part_problem(
        &self,
        code: &'static str,
        path: &str,
        part: Option<Range<usize>>,
        message: String,
        help: String,
    ) -> Diagnostic {
        let found = |path: &str| self.entries.get(path).or_else(|| self.open.get(path));
        // a list's entry is meant by its number, an entry of an open table perhaps by the table that it is
        let (list, place) = path.rsplit_once('.').unwrap_or((path, ""));
        let item = || match (&found(list)?.raw, place.parse::<usize>().ok()?) {
            (Raw::List(items), k) => {
                let entry = found(list)?;
                let (raw, value) = items.get(k)?.clone();
                Some(Entry { raw, value, ..entry.clone() })
            }
            _ => found(list).cloned(),
        };
        let within = || {
            let first = |all: &'_ super::Entries| {
                let inside = |p: &&String| p.starts_with(&format!("{path}."));
                let main = ["expression", "start", "value"].map(|key| format!("{path}.{key}"));
                let named = main.iter().find_map(|p| all.get(p));
                named.or_else(|| all.keys().find(inside).and_then(|p| all.get(p))).cloned()
            };
            first(&self.open)
        };
        let Some(entry) = found(path).cloned().or_else(item).or_else(within) else {
            return self.open_problem(code, path, message, help);
        };
        let text = as_text(&entry.raw).unwrap_or_default();
        let span = part.map_or(entry.value.clone(), |part| {
            place_within(&entry.source, &entry.value, &text, &part)
        });
        Diagnostic::at(code, message, &entry.source, span, "here", help)
    }

    /// The numbers and texts of a list, or the only one, as texts.
    pub fn items(&self, key: Key<Amounts>) -> Vec<String> {
        match self.entries.get(key.path()).map(|e| &e.raw) {
            Some(Raw::List(items)) => items.iter().filter_map(|(raw, _)| as_text(raw)).collect(),
            Some(raw) => as_text(raw).into_iter().collect(),
            None => Vec::new(),
        }
    }
}
