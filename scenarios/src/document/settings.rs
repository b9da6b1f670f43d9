//! Checked settings: every key of the tables has a value.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::super::keys::{Key, Kind, METHOD_OPTIONS};
use super::problem::of_entry;
use super::value::{self, Value};
use super::{Entries, Entry, Raw};
use crate::diagnostic::{Diagnostic, Source};

/// Checked settings of a file, or of one entry of a list.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) values: BTreeMap<&'static str, Value>,
    pub(super) entries: Entries,
    pub(super) lists: BTreeMap<&'static str, Vec<Settings>>,
    pub(super) open: Entries,
    pub(super) source: Source,
    /// Where a key that is missing would stand.
    pub(super) home: Range<usize>,
    pub(super) folder: PathBuf,
    pub(super) keys: Vec<&'static Key>,
}

/// A number, or a block of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    /// Shape; empty for a single number.
    pub shape: Vec<usize>,
    /// Entries, row-major.
    pub values: Vec<f64>,
}

impl Settings {
    /// The scenario's own text.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Where relative paths start.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn value(&self, path: &str) -> &Value {
        self.values.get(path).unwrap_or_else(|| unreachable!("`{path}` is not in the tables"))
    }

    /// A number in its key's unit.
    pub fn number(&self, path: &str) -> f64 {
        if let Value::Number(v) = self.value(path) {
            *v
        } else {
            unreachable!("`{path}` is no number")
        }
    }

    /// Numbers in their key's unit.
    pub fn numbers(&self, path: &str) -> &[f64] {
        if let Value::Numbers(v) = self.value(path) {
            v
        } else {
            unreachable!("`{path}` is no list of numbers")
        }
    }

    /// A whole number.
    pub fn integer(&self, path: &str) -> i64 {
        if let Value::Integer(v) = self.value(path) {
            *v
        } else {
            unreachable!("`{path}` is no whole number")
        }
    }

    /// A whole number that the table bounds from below by 0.
    pub fn count(&self, path: &str) -> usize {
        usize::try_from(self.integer(path)).unwrap_or(usize::MAX)
    }

    /// Whole numbers that the table bounds from below by 0.
    pub fn counts(&self, path: &str) -> Vec<usize> {
        let Value::Integers(v) = self.value(path) else {
            unreachable!("`{path}` is no list of whole numbers")
        };
        v.iter().map(|v| usize::try_from(*v).unwrap_or(usize::MAX)).collect()
    }

    /// Every file that the scenario names.
    pub fn files(&self) -> Vec<PathBuf> {
        let may_be = |k: &&&Key| matches!(k.kind, Kind::File | Kind::Data | Kind::Quantity);
        let named = self.keys.iter().filter(may_be).filter_map(|k| self.file(k.path));
        let mut files: Vec<PathBuf> = named.map(PathBuf::from).collect();
        files.extend(self.lists.values().flatten().flat_map(Self::files));
        // a file that several entries name is one file
        let mut seen = std::collections::BTreeSet::new();
        files.retain(|file| seen.insert(file.clone()));
        files
    }

    /// The file that a key names; `None` where it names none, or has numbers.
    pub fn file(&self, path: &str) -> Option<&str> {
        match self.values.get(path) {
            Some(Value::Text(file)) if !file.is_empty() => Some(file),
            _ => None,
        }
    }

    /// A flag.
    pub fn flag(&self, path: &str) -> bool {
        if let Value::Flag(v) = self.value(path) { *v } else { unreachable!("`{path}` is no flag") }
    }

    /// A text, choice or path.
    pub fn text(&self, path: &str) -> &str {
        if let Value::Text(v) = self.value(path) { v } else { unreachable!("`{path}` is no text") }
    }

    /// Texts.
    pub fn texts(&self, path: &str) -> &[String] {
        if let Value::Texts(v) = self.value(path) {
            v
        } else {
            unreachable!("`{path}` is no list of texts")
        }
    }

    /// A problem with the value at `path`.
    pub fn problem(
        &self,
        code: &'static str,
        path: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Diagnostic {
        of_entry(
            &self.entries,
            (&self.source, self.home.clone()),
            code,
            path,
            message.into(),
            help.into(),
        )
    }

    /// The entries of a list, in the order of the file.
    pub fn list(&self, name: &str) -> &[Settings] {
        self.lists.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a key is written down.
    pub fn is_given(&self, path: &str) -> bool {
        self.entries.contains_key(path)
    }

    /// The keys of an open table, without its name, in the order of the alphabet.
    pub fn open_keys(&self, table: &str) -> Vec<&str> {
        let within = |path: &'_ String| path.starts_with(&format!("{table}."));
        let first = table.len() + 1;
        self.open.keys().filter(|p| within(p)).map(|p| &p[first..]).collect()
    }

    /// What is written at `path`, in a list's entry or an open table, in `unit`; `None` where nothing is.
    ///
    /// # Errors
    /// Something that is no number in that unit.
    pub fn quantities(&self, path: &str, unit: &str) -> Result<Option<Numbers>, Diagnostic> {
        let Some(entry) = self.entries.get(path).or_else(|| self.open.get(path)) else {
            return Ok(None);
        };
        let mut numbers = Numbers { shape: Vec::new(), values: Vec::new() };
        let mut shape = Some(Vec::new());
        collect(path, entry, (&entry.raw, &entry.value), unit, 0, &mut numbers.values, &mut shape)?;
        let Some(shape) = shape else {
            let (message, help) = (
                format!("`{path}` has rows of different lengths"),
                "give each row as many numbers",
            );
            let (code, span) = ("cotangent::scenario::length", entry.value.clone());
            return Err(Diagnostic::at(code, message, &entry.source, span, "not a block", help));
        };
        Ok(Some(Numbers { shape, ..numbers }))
    }

    /// One number at `path` in `unit`; `None` where nothing is written.
    ///
    /// # Errors
    /// Something that is not one number in that unit.
    pub fn quantity(&self, path: &str, unit: &str) -> Result<Option<f64>, Diagnostic> {
        match self.quantities(path, unit)? {
            Some(Numbers { shape, values }) if shape.is_empty() => Ok(Some(values[0])),
            Some(_) => {
                let message = format!("`{path}` must be one number");
                Err(self.problem("cotangent::scenario::wrong_type", path, message, "not a list"))
            }
            None => Ok(None),
        }
    }

    /// A number of percent at `path`: `"2 %"`.
    pub fn percent(&self, path: &str) -> Option<f64> {
        match &self.entries.get(path)?.raw {
            Raw::Text(text) => text.trim().strip_suffix('%')?.trim().parse().ok(),
            _ => None,
        }
    }

    /// The same with the defaults of `keys` for keys that it does not know, and other texts for some.
    #[must_use]
    pub fn completed(&self, keys: &'static [Key], texts: &[(&'static str, &str)]) -> Self {
        let mut completed = self.clone();
        for key in keys.iter().filter(|k| !self.values.contains_key(k.path)) {
            if let Some(text) = key.default {
                completed.values.insert(key.path, value::default(key, text));
            }
        }
        for (path, text) in texts {
            completed.values.insert(path, Value::Text((*text).to_owned()));
        }
        completed
    }

    /// A text at `path` that is no number: the name of a file or of a rule.
    pub fn word(&self, path: &str) -> Option<&str> {
        value::file_name(&self.entries.get(path)?.raw)
    }

    /// A problem with a key of an open table, or with the file where it is absent.
    pub fn open_problem(
        &self,
        code: &'static str,
        path: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Diagnostic {
        let home = (&self.source, self.home.clone());
        of_entry(&self.open, home, code, path, message.into(), help.into())
    }

    /// Every setting, defaults included, as TOML; of an entry of a list what is given, because there a key means something by
    /// being there.
    pub fn resolved(&self) -> String {
        let method = self.values.get("optimizer.method");
        let foreign = |path: &str| {
            let other = |m: &str| method.is_some_and(|v| *v != Value::Text(m.to_owned()));
            METHOD_OPTIONS.iter().any(|(p, m)| *p == path && other(m))
        };
        let mut text = String::new();
        for (path, value) in self.values.iter().filter(|(path, _)| !foreign(path)) {
            if let Some(line) = self.resolved_value(path, value) {
                let _ = writeln!(text, "{path} = {line}");
            }
        }
        for (path, entry) in &self.open {
            let (table, key) = path.split_once('.').unwrap_or(("", path));
            let _ = writeln!(text, "{table}.{} = {}", quote(key), written(&entry.raw));
        }
        for (name, blocks) in &self.lists {
            for block in blocks {
                let _ = writeln!(text, "\n[[{name}]]");
                for (path, value) in block.values.iter().filter(|(path, _)| block.is_given(path)) {
                    if let Some(line) = block.resolved_value(path, value) {
                        let _ = writeln!(text, "{path} = {line}");
                    }
                }
            }
        }
        text
    }

    fn resolved_value(&self, path: &str, value: &Value) -> Option<String> {
        let list = |items: Vec<String>| format!("[{}]", items.join(", "));
        Some(match value {
            Value::Number(v) => number(*v),
            Value::Numbers(v) => list(v.iter().map(|v| number(*v)).collect()),
            Value::Integer(v) => v.to_string(),
            Value::Integers(v) => list(v.iter().map(i64::to_string).collect()),
            Value::Flag(v) => v.to_string(),
            Value::Text(v) => quote(v),
            Value::Texts(v) => list(v.iter().map(|v| quote(v)).collect()),
            Value::Quantity => written(&self.entries.get(path)?.raw),
        })
    }
}

fn quote(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn number(value: f64) -> String {
    toml::Value::from(value).to_string()
}

/// A value as it was written.
fn written(raw: &Raw) -> String {
    match raw {
        Raw::Integer(Some(v)) => v.to_string(),
        Raw::Float(v) => number(*v),
        Raw::Flag(v) => v.to_string(),
        Raw::Text(text) => quote(text),
        Raw::List(items) => {
            let items: Vec<String> = items.iter().map(|(item, _)| written(item)).collect();
            format!("[{}]", items.join(", "))
        }
        Raw::Integer(None) | Raw::Other(_) => String::new(),
    }
}

/// Adds the numbers of a nested list to `values`; `shape` becomes `None` where its rows differ.
fn collect(
    path: &str,
    entry: &Entry,
    (raw, span): (&Raw, &Range<usize>),
    unit: &str,
    depth: usize,
    values: &mut Vec<f64>,
    shape: &mut Option<Vec<usize>>,
) -> Result<(), Diagnostic> {
    let Raw::List(items) = raw else {
        let key = Key { path: "", kind: Kind::Quantity, default: None, doc: "" };
        let name = |text: &str| text.replace("``", &format!("`{path}`"));
        let named =
            |d: Diagnostic| Diagnostic { message: name(&d.message), help: name(&d.help), ..d };
        let (least, greatest) = (f64::MIN, f64::MAX);
        values.push(
            value::number(&key, entry, raw, span.clone(), unit, least, greatest).map_err(named)?,
        );
        if shape.as_ref().is_some_and(|s| s.len() > depth) {
            *shape = None; // a number beside a list
        }
        return Ok(());
    };
    match shape {
        Some(shape) if shape.len() == depth => shape.push(items.len()),
        Some(known) if known[depth] == items.len() => {}
        _ => *shape = None,
    }
    for (item, span) in items {
        collect(path, entry, (item, span), unit, depth + 1, values, shape)?;
    }
    Ok(())
}
