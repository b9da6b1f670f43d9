//! A scenario file as settings with places.
//!
//! The file is parsed to a tree that keeps spans, flattened to dotted keys, overlaid with `--set`, and checked against the
//! tables of [`keys`](super::keys). Every problem is collected, not only the first.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{COMMON, Key, Kind, METHOD_OPTIONS};
use super::units::{QuantityError, convert};
use crate::diagnostic::{Diagnostic, Source, nearest};

/// Name of the source of an override.
const OVERRIDE: &str = "--set";

/// A value as written.
#[derive(Clone, Debug, PartialEq)]
enum Raw {
    Integer(Option<i64>),
    Float(f64),
    Flag(bool),
    Text(String),
    List(Vec<(Raw, Range<usize>)>),
    Other(&'static str),
}

/// A key as written.
#[derive(Clone, Debug)]
struct Entry {
    raw: Raw,
    source: Source,
    key: Range<usize>,
    value: Range<usize>,
}

/// A checked value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number in the key's unit.
    Number(f64),
    /// Numbers in the key's unit.
    Numbers(Vec<f64>),
    /// A whole number.
    Integer(i64),
    /// Whole numbers.
    Integers(Vec<i64>),
    /// A flag.
    Flag(bool),
    /// A text, a choice or a path.
    Text(String),
    /// Texts.
    Texts(Vec<String>),
}

/// A parsed scenario file with its overrides, not yet checked.
#[derive(Debug)]
pub struct Document {
    /// Where relative paths start.
    folder: PathBuf,
    /// The file's own text.
    pub source: Source,
    entries: BTreeMap<String, Entry>,
}

/// Checked settings: every key of the tables has a value.
#[derive(Debug)]
pub struct Settings {
    values: BTreeMap<&'static str, Value>,
    entries: BTreeMap<String, Entry>,
    source: Source,
    folder: PathBuf,
    keys: &'static [Key],
}

impl Document {
    /// Parses `text`, named `name`, with `--set` overrides.
    ///
    /// # Errors
    /// Every syntax error of the text and of the overrides.
    pub fn parse(path: &Path, text: &str, overrides: &[String]) -> Result<Self, Vec<Diagnostic>> {
        let source = Source { name: path.display().to_string(), text: Arc::from(text) };
        let mut problems = Vec::new();
        let mut entries = BTreeMap::new();
        read(&source, &mut entries, &mut problems);
        for text in overrides {
            let toml = quoted(text);
            let source = Source { name: OVERRIDE.into(), text: Arc::from(toml.as_str()) };
            if !text.contains('=') {
                let help = "write --set key=value, as in --set stop.max_iterations=50";
                let code = "cotangent::scenario::override";
                problems.push(Diagnostic::at(
                    code,
                    "an override needs a key and a value",
                    &source,
                    0..text.len(),
                    "no `=` here",
                    help,
                ));
                continue;
            }
            read(&source, &mut entries, &mut problems);
        }
        if problems.is_empty() {
            let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
            Ok(Self { folder, source, entries })
        } else {
            Err(problems)
        }
    }

    /// A text that stands at `path`, before any table is known.
    pub fn peek(&self, path: &str) -> Option<&str> {
        match &self.entries.get(path)?.raw {
            Raw::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A problem with the value at `path`, or with the file where it is absent.
    pub fn problem(
        &self,
        code: &'static str,
        path: &str,
        message: String,
        help: String,
    ) -> Diagnostic {
        problem(&self.entries, &self.source, code, path, message, help)
    }

    /// Checks every key against the common table and the domain's.
    ///
    /// # Errors
    /// All problems: unknown keys, missing keys, wrong types, units, bounds and files.
    pub fn check(self, domain: &'static [Key]) -> Result<Settings, Vec<Diagnostic>> {
        let keys = || COMMON.iter().chain(domain);
        let mut problems = Vec::new();
        for (path, entry) in &self.entries {
            if !keys().any(|k| k.path == path) {
                problems.push(unknown_key(path, entry, keys().map(|k| k.path)));
            }
        }
        let mut values = BTreeMap::new();
        for key in keys() {
            match self.entries.get(key.path) {
                Some(entry) => match checked(key, entry, &self.folder) {
                    Ok(value) => drop(values.insert(key.path, value)),
                    Err(diagnostic) => problems.push(diagnostic),
                },
                None => match key.default {
                    Some(text) => drop(values.insert(key.path, default(key, text))),
                    None => problems.push(missing(key, &self.source)),
                },
            }
        }
        self.foreign_options(&values, &mut problems);
        if problems.is_empty() {
            let Self { folder, source, entries } = self;
            Ok(Settings { values, entries, source, folder, keys: domain })
        } else {
            Err(problems)
        }
    }

    /// Options that are written down but belong to another method.
    fn foreign_options(
        &self,
        values: &BTreeMap<&'static str, Value>,
        problems: &mut Vec<Diagnostic>,
    ) {
        let Some(Value::Text(method)) = values.get("optimizer.method") else { return };
        // a method of the command line comes in place of the file's, options and all
        let typed = |path: &str| self.entries.get(path).is_some_and(|e| e.source.name == OVERRIDE);
        for (path, owner) in METHOD_OPTIONS {
            let replaced = typed("optimizer.method") && !typed(path);
            if owner == method || !self.entries.contains_key(*path) || replaced {
                continue;
            }
            let message = format!("`{path}` belongs to {owner}, but the method is {method}");
            let help = format!("remove it, or set optimizer.method = \"{owner}\"");
            problems.push(self.problem("cotangent::scenario::contradiction", path, message, help));
        }
    }
}

fn problem(
    entries: &BTreeMap<String, Entry>,
    source: &Source,
    code: &'static str,
    path: &str,
    message: String,
    help: String,
) -> Diagnostic {
    match entries.get(path) {
        Some(e) => Diagnostic::at(code, message, &e.source, e.value.clone(), "here", help),
        None => Diagnostic::at(code, message, source, 0..0, format!("`{path}` is not set"), help),
    }
}

/// `key=word` with the quotes that a shell has eaten, or that nobody likes to type; anything that TOML knows stays as it is.
fn quoted(text: &str) -> String {
    let Some((key, value)) = text.split_once('=') else { return text.to_owned() };
    let structured = value.contains(['"', '\'', '[', '{', '\n', '#']) || value.trim().is_empty();
    if structured || DeTable::parse(text).is_ok() {
        return text.to_owned();
    }
    format!("{key}={}", toml::Value::from(value.trim()))
}

/// Adds what `source` says to `entries`; later ones win.
fn read(source: &Source, entries: &mut BTreeMap<String, Entry>, problems: &mut Vec<Diagnostic>) {
    let (tree, errors) = DeTable::parse_recoverable(&source.text);
    // one slip makes many more: only the first is worth reading
    if let Some(error) = errors.into_iter().next() {
        let span = error.span().unwrap_or(0..0);
        let code = "cotangent::scenario::syntax";
        let help = "it must be TOML: `key = value` lines under [table] headings, texts in quotes; look above for an open bracket or quote";
        let message = error.message().lines().next().unwrap_or("not TOML").to_owned();
        problems.push(Diagnostic::at(code, message, source, span, "here", help));
    }
    flatten(source, "", tree.get_ref(), entries);
}

fn flatten(source: &Source, prefix: &str, table: &DeTable, entries: &mut BTreeMap<String, Entry>) {
    for (key, value) in table {
        let path = if prefix.is_empty() {
            key.get_ref().to_string()
        } else {
            format!("{prefix}.{}", key.get_ref())
        };
        if let DeValue::Table(inner) = value.get_ref() {
            flatten(source, &path, inner, entries);
        } else {
            let (key, value_span) = (key.span(), value.span());
            let entry = Entry { raw: raw(value), source: source.clone(), key, value: value_span };
            entries.insert(path, entry);
        }
    }
}

fn raw(value: &Spanned<DeValue>) -> Raw {
    match value.get_ref() {
        DeValue::String(s) => Raw::Text(s.to_string()),
        DeValue::Integer(i) => Raw::Integer(i64::from_str_radix(i.as_str(), i.radix()).ok()),
        DeValue::Float(f) => f.as_str().parse().map_or(Raw::Other("float"), Raw::Float),
        DeValue::Boolean(b) => Raw::Flag(*b),
        DeValue::Array(items) => Raw::List(items.iter().map(|i| (raw(i), i.span())).collect()),
        other => Raw::Other(other.type_str()),
    }
}

fn unknown_key<'a>(path: &str, entry: &Entry, known: impl Iterator<Item = &'a str>) -> Diagnostic {
    let help = match nearest(path, known) {
        Some(name) => format!("did you mean `{name}`?"),
        None => "`cotangent schema` lists every key".into(),
    };
    let message = format!("unknown key `{path}`");
    Diagnostic::at(
        "cotangent::scenario::unknown_key",
        message,
        &entry.source,
        entry.key.clone(),
        "not a key",
        help,
    )
}

fn missing(key: &Key, source: &Source) -> Diagnostic {
    let message = format!("`{}` is missing", key.path);
    let help = format!("add it: {}; {}", key.kind.describe(), key.doc);
    Diagnostic::at("cotangent::scenario::missing_key", message, source, 0..0, "in this file", help)
}

fn wrong_type(key: &Key, entry: &Entry, span: Range<usize>) -> Diagnostic {
    let wanted = key.kind.describe();
    let message = format!("`{}` must be {wanted}", key.path);
    let help = format!(
        "{}{}",
        key.doc,
        key.default.map_or(String::new(), |d| format!("; the default is {d}"))
    );
    Diagnostic::at(
        "cotangent::scenario::wrong_type",
        message,
        &entry.source,
        span,
        "not that",
        help,
    )
}

fn out_of_range(
    key: &Key,
    entry: &Entry,
    span: Range<usize>,
    value: impl std::fmt::Display,
) -> Diagnostic {
    let message = format!("`{}` = {value} is out of range", key.path);
    let help = format!("it must be {}", key.kind.describe());
    Diagnostic::at(
        "cotangent::scenario::out_of_range",
        message,
        &entry.source,
        span,
        "out of range",
        help,
    )
}

/// The value of a key, or what is wrong with it.
fn checked(key: &Key, entry: &Entry, folder: &Path) -> Result<Value, Diagnostic> {
    let span = || entry.value.clone();
    match (key.kind, &entry.raw) {
        (Kind::Number { unit, min, max }, raw) => {
            number(key, entry, raw, span(), unit, min, max).map(Value::Number)
        }
        (Kind::Numbers { unit, min, max }, Raw::List(items)) => {
            let each = items
                .iter()
                .map(|(raw, span)| number(key, entry, raw, span.clone(), unit, min, max));
            each.collect::<Result<_, _>>().map(Value::Numbers)
        }
        (Kind::Integer { min, max }, raw) => {
            integer(key, entry, raw, span(), min, max).map(Value::Integer)
        }
        (Kind::Integers { min, max }, Raw::List(items)) => {
            let each =
                items.iter().map(|(raw, span)| integer(key, entry, raw, span.clone(), min, max));
            each.collect::<Result<_, _>>().map(Value::Integers)
        }
        (Kind::Flag, Raw::Flag(flag)) => Ok(Value::Flag(*flag)),
        (Kind::Text, Raw::Text(text)) => Ok(Value::Text(text.clone())),
        (Kind::Texts, Raw::List(items)) => {
            let text = |(raw, span): &(Raw, Range<usize>)| match raw {
                Raw::Text(text) => Ok(text.clone()),
                _ => Err(wrong_type(key, entry, span.clone())),
            };
            items.iter().map(text).collect::<Result<_, _>>().map(Value::Texts)
        }
        (Kind::File, Raw::Text(text)) if text.is_empty() => Ok(Value::Text(String::new())),
        (Kind::Choice(names), Raw::Text(text)) => {
            if names.contains(&text.as_str()) {
                return Ok(Value::Text(text.clone()));
            }
            let near = nearest(text, names.iter().copied());
            let help = near.map_or_else(
                || format!("it must be {}", key.kind.describe()),
                |n| format!("did you mean \"{n}\"?"),
            );
            let message = format!("`{}` has no choice \"{text}\"", key.path);
            Err(Diagnostic::at(
                "cotangent::scenario::unknown_choice",
                message,
                &entry.source,
                span(),
                "no such choice",
                help,
            ))
        }
        (Kind::File, Raw::Text(text)) => {
            let path = folder.join(text);
            if path.is_file() {
                let path = path.canonicalize().unwrap_or(path);
                return Ok(Value::Text(path.display().to_string()));
            }
            let message = format!("`{}`: there is no file {}", key.path, path.display());
            let help = "paths are relative to the scenario file";
            Err(Diagnostic::at(
                "cotangent::scenario::missing_file",
                message,
                &entry.source,
                span(),
                "not found",
                help,
            ))
        }
        _ => Err(wrong_type(key, entry, span())),
    }
}

fn number(
    key: &Key,
    entry: &Entry,
    raw: &Raw,
    span: Range<usize>,
    unit: &str,
    min: f64,
    max: f64,
) -> Result<f64, Diagnostic> {
    let value = match raw {
        Raw::Float(v) => *v,
        #[expect(clippy::cast_precision_loss, reason = "a count, or rounded as the user would")]
        Raw::Integer(Some(v)) => *v as f64,
        Raw::Text(text) => {
            convert(text, unit).map_err(|e| quantity_problem(key, entry, span.clone(), unit, &e))?
        }
        _ => return Err(wrong_type(key, entry, span)),
    };
    if value.is_finite() && value >= min && value <= max {
        Ok(value)
    } else {
        Err(out_of_range(key, entry, span, value))
    }
}

fn quantity_problem(
    key: &Key,
    entry: &Entry,
    span: Range<usize>,
    unit: &str,
    error: &QuantityError,
) -> Diagnostic {
    let (label, help) = match error {
        QuantityError::Malformed => return wrong_type(key, entry, span),
        QuantityError::UnknownUnit(name, near) => {
            let near = near.map_or_else(
                || format!("a bare number is in {unit}"),
                |n| format!("did you mean `{n}`?"),
            );
            (format!("unknown unit `{name}`"), near)
        }
        QuantityError::WrongDimension(found) => {
            (format!("this is a unit of {found}"), format!("`{}` is in {unit}", key.path))
        }
        QuantityError::Dimensionless => {
            ("this is a pure number".into(), "leave the unit out".into())
        }
    };
    let message = format!("`{}` has a wrong unit", key.path);
    Diagnostic::at("cotangent::scenario::wrong_unit", message, &entry.source, span, label, help)
}

fn integer(
    key: &Key,
    entry: &Entry,
    raw: &Raw,
    span: Range<usize>,
    min: i64,
    max: i64,
) -> Result<i64, Diagnostic> {
    match raw {
        Raw::Integer(Some(v)) if (min..=max).contains(v) => Ok(*v),
        Raw::Integer(Some(v)) => Err(out_of_range(key, entry, span, v)),
        Raw::Integer(None) => Err(out_of_range(key, entry, span, "this number")),
        _ => Err(wrong_type(key, entry, span)),
    }
}

/// A default from the tables, which a test parses all of.
fn default(key: &Key, text: &str) -> Value {
    let source = Source { name: "default".into(), text: Arc::from(format!("default = {text}")) };
    let mut entries = BTreeMap::new();
    read(&source, &mut entries, &mut Vec::new());
    match checked(key, &entries["default"], Path::new("")) {
        Ok(value) => value,
        Err(diagnostic) => {
            unreachable!("the table's default for {} is wrong: {diagnostic}", key.path)
        }
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

    /// A whole number that the table bounds from below by 0.
    pub fn count(&self, path: &str) -> usize {
        let Value::Integer(v) = self.value(path) else {
            unreachable!("`{path}` is no whole number")
        };
        usize::try_from(*v).unwrap_or(usize::MAX)
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
        let keys = self.keys.iter().filter(|k| k.kind == Kind::File);
        let named = keys.map(|k| self.text(k.path)).filter(|path| !path.is_empty());
        named.map(PathBuf::from).collect()
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
        problem(&self.entries, &self.source, code, path, message.into(), help.into())
    }

    /// Every setting, defaults included, as TOML with dotted keys.
    pub fn resolved(&self) -> String {
        let quote = |s: &str| toml::Value::from(s).to_string();
        let number = |v: &f64| toml::Value::from(*v).to_string();
        let list = |items: Vec<String>| format!("[{}]", items.join(", "));
        let text = |value: &Value| match value {
            Value::Number(v) => number(v),
            Value::Numbers(v) => list(v.iter().map(number).collect()),
            Value::Integer(v) => v.to_string(),
            Value::Integers(v) => list(v.iter().map(i64::to_string).collect()),
            Value::Flag(v) => v.to_string(),
            Value::Text(v) => quote(v),
            Value::Texts(v) => list(v.iter().map(|v| quote(v)).collect()),
        };
        let method = self.text("optimizer.method");
        let foreign = |path: &str| METHOD_OPTIONS.iter().any(|(p, m)| *p == path && *m != method);
        let used = self.values.iter().filter(|(path, _)| !foreign(path));
        used.map(|(path, value)| format!("{path} = {}\n", text(value))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{COMMON, default};
    use crate::scenario::DOMAINS;

    #[test]
    fn every_default_is_a_value_of_its_kind() {
        for key in COMMON.iter().chain(DOMAINS.iter().flat_map(|d| d.keys())) {
            if let Some(text) = key.default {
                default(key, text);
            }
        }
    }
}
