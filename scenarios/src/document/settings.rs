//! Checked settings: every key of the tables has a value.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::super::common::{METHOD, METHOD_OPTIONS};
use super::super::keys::{Amounts, AnyKey, AnyKind, Key, List, Named};
use super::held::Held;
use super::problem::of_entry;
use super::raw::{Entries, Entry, Raw};
use super::value::{self, Value};
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
    pub(super) keys: Vec<&'static AnyKey>,
}

/// A number, or a block of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    /// Shape; empty for a single number.
    pub shape: Vec<usize>,
    /// Entries, row-major.
    pub values: Vec<f64>,
}

impl Numbers {
    /// What an entry says, in `unit`.
    fn of(path: &str, entry: &Entry, unit: &str) -> Result<Self, Diagnostic> {
        let mut numbers = Self { shape: Vec::new(), values: Vec::new() };
        let mut shape = Some(Vec::new());
        collect(path, entry, (&entry.raw, &entry.value), unit, 0, &mut numbers.values, &mut shape)?;
        let Some(shape) = shape else {
            let message = format!("`{path}` has rows of different lengths");
            let help = "give each row as many numbers";
            let (code, span) = ("cotangent::scenario::length", entry.value.clone());
            return Err(Diagnostic::at(code, message, &entry.source, span, "not a block", help));
        };
        Ok(Self { shape, ..numbers })
    }
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

    /// What a key holds; of [`Amounts`] the file that it names, where it names one.
    ///
    /// # Panics
    /// These settings were checked against tables without the key.
    pub fn get<T: Held + ?Sized>(&self, key: Key<T>) -> T::Read<'_> {
        let path = key.path();
        let value = self.values.get(path).and_then(T::read);
        value.unwrap_or_else(|| unreachable!("`{path}` is in no table of these settings"))
    }

    /// Every file that the scenario names.
    pub fn files(&self) -> Vec<PathBuf> {
        let may_be =
            |k: &&&AnyKey| matches!(k.kind, AnyKind::File | AnyKind::Data | AnyKind::Amounts);
        let named = self.keys.iter().filter(may_be).filter_map(|k| self.values.get(k.path)?.file());
        let mut files: Vec<PathBuf> = named.map(PathBuf::from).collect();
        files.extend(self.lists.values().flatten().flat_map(Self::files));
        // a file that several entries name is one file
        let mut seen = std::collections::BTreeSet::new();
        files.retain(|file| seen.insert(file.clone()));
        files
    }

    /// A problem with the value of a key, or with a list.
    pub fn problem(
        &self,
        code: &'static str,
        key: impl Named,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Diagnostic {
        let home = (&self.source, self.home.clone());
        of_entry(&self.entries, home, code, key.path(), message.into(), help.into())
    }

    /// The entries of a list, in the order of the file.
    pub fn list(&self, list: List) -> &[Settings] {
        self.lists.get(list.name).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a key is written down.
    pub fn is_given(&self, key: impl Named) -> bool {
        self.entries.contains_key(key.path())
    }

    /// The keys of an open table, without its name, in the order of the alphabet.
    pub fn open_keys(&self, table: &str) -> Vec<&str> {
        let within = |path: &'_ String| path.starts_with(&format!("{table}."));
        let first = table.len() + 1;
        self.open.keys().filter(|p| within(p)).map(|p| &p[first..]).collect()
    }

    /// What is written for a key, in `unit`; `None` where nothing is.
    ///
    /// # Errors
    /// Something that is no number in that unit.
    pub fn quantities(&self, key: Key<Amounts>, unit: &str) -> Result<Option<Numbers>, Diagnostic> {
        let path = key.path();
        self.entries.get(path).map(|entry| Numbers::of(path, entry, unit)).transpose()
    }

    /// What is written at `path` of an open table, in `unit`; `None` where nothing is.
    ///
    /// # Errors
    /// Something that is no number in that unit.
    pub fn open_quantities(&self, path: &str, unit: &str) -> Result<Option<Numbers>, Diagnostic> {
        self.open.get(path).map(|entry| Numbers::of(path, entry, unit)).transpose()
    }

    /// The one number of a key in `unit`; `None` where nothing is written.
    ///
    /// # Errors
    /// Something that is not one number in that unit.
    pub fn quantity(&self, key: Key<Amounts>, unit: &str) -> Result<Option<f64>, Diagnostic> {
        match self.quantities(key, unit)? {
            Some(Numbers { shape, values }) if shape.is_empty() => Ok(Some(values[0])),
            Some(_) => {
                let message = format!("`{}` must be one number", key.path());
                Err(self.problem("cotangent::scenario::wrong_type", key, message, "not a list"))
            }
            None => Ok(None),
        }
    }

    /// A number of percent: `"2 %"`.
    pub fn percent(&self, key: Key<Amounts>) -> Option<f64> {
        match &self.entries.get(key.path())?.raw {
            Raw::Text(text) => text.trim().strip_suffix('%')?.trim().parse().ok(),
            _ => None,
        }
    }

    /// The same with the defaults of `keys` for keys that it does not know.
    #[must_use]
    pub fn completed(&self, keys: &'static [AnyKey]) -> Self {
        let mut completed = self.clone();
        for key in keys.iter().filter(|k| !self.values.contains_key(k.path)) {
            let default = key.default.and_then(|text| value::default(key, text).ok());
            completed.values.extend(default.map(|value| (key.path, value)));
        }
        completed
    }

    /// A text that is no number: the name of a file or of a rule.
    pub fn word(&self, key: Key<Amounts>) -> Option<&str> {
        value::file_name(&self.entries.get(key.path())?.raw)
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
        let method = self.values.get(METHOD.path());
        let foreign = |path: &str| {
            let other = |m: &str| method.is_some_and(|v| *v != Value::Text(m.to_owned()));
            METHOD_OPTIONS.iter().any(|(key, m)| key.path == path && other(m))
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
                for (path, value) in
                    block.values.iter().filter(|(path, _)| block.entries.contains_key(**path))
                {
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
            Value::Counts(v) => list(v.iter().map(usize::to_string).collect()),
            Value::Flag(v) => v.to_string(),
            Value::Text(v) => quote(v),
            Value::Texts(v) => list(v.iter().map(|v| quote(v)).collect()),
            Value::Amounts => written(&self.entries.get(path)?.raw),
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
        let key = AnyKey { path: "", kind: AnyKind::Amounts, default: None, doc: "" };
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
