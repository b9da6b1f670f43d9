//! From TOML to entries with places, and what `--set` changes of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::raw::{Block, Entries, Entry, Raw};
use crate::diagnostic::{Diagnostic, Source};

/// Name of the source of an override.
pub(super) const OVERRIDE: &str = "--set";

/// A file with its overrides, and what is wrong with them.
pub(super) struct Overlay {
    pub(super) source: Source,
    pub(super) entries: Entries,
    pub(super) lists: BTreeMap<String, Vec<Block>>,
    pub(super) problems: Vec<Diagnostic>,
}

impl Overlay {
    /// What `text` at `path` says.
    pub(super) fn of(path: &Path, text: &str) -> Self {
        let source = Source { name: path.display().to_string(), text: Arc::from(text) };
        let mut overlay = Self {
            source: source.clone(),
            entries: Entries::new(),
            lists: BTreeMap::new(),
            problems: Vec::new(),
        };
        overlay.read(&source);
        overlay
    }

    /// `key=value`: sets a key, or a key of the entry of a list that is named by its label or its number.
    pub(super) fn set(&mut self, text: &str) {
        let toml = quoted(text);
        let source = Source { name: OVERRIDE.into(), text: Arc::from(toml.as_str()) };
        if !text.contains('=') {
            let help = "write --set key=value, as in --set stop.max_iterations=50";
            let code = "cotangent::scenario::override";
            let (message, label) = ("an override needs a key and a value", "no `=` here");
            self.problems.push(Diagnostic::at(code, message, &source, 0..text.len(), label, help));
            return;
        }
        let mut read = Self {
            source: source.clone(),
            entries: Entries::new(),
            lists: BTreeMap::new(),
            problems: Vec::new(),
        };
        read.read(&source);
        self.problems.append(&mut read.problems);
        self.lists.extend(read.lists);
        for (path, entry) in read.entries {
            self.overlay(path, entry);
        }
    }

    fn overlay(&mut self, path: String, entry: Entry) {
        let place = path.split_once('.').filter(|(list, _)| self.lists.contains_key(*list));
        let Some((list, rest)) = place else {
            self.entries.insert(path, entry);
            return;
        };
        let blocks = self.lists.get_mut(list).map(Vec::as_mut_slice).unwrap_or_default();
        let named = |b: &Block| {
            b.label().and_then(|l| rest.strip_prefix(l)?.strip_prefix('.').map(str::to_owned))
        };
        let by_label = blocks.iter().enumerate().find_map(|(k, b)| Some((k, named(b)?)));
        let by_number = || {
            let (number, key) = rest.split_once('.')?;
            let index: usize = number.parse().ok()?;
            (index < blocks.len()).then(|| (index, key.to_owned()))
        };
        if let Some((index, key)) = by_label.or_else(by_number) {
            blocks[index].entries.insert(key, entry);
            return;
        }
        let labels: Vec<&str> = blocks.iter().filter_map(Block::label).collect();
        let help = if labels.is_empty() {
            format!("its entries have no label: write {list}.0.KEY for the first")
        } else {
            format!("the labels are: {}", labels.join(", "))
        };
        let message = format!("no entry of `[[{list}]]` is meant by `{path}`");
        let code = "cotangent::scenario::unknown_key";
        let span = entry.key.clone();
        self.problems.push(Diagnostic::at(
            code,
            message,
            &entry.source,
            span,
            "no such entry",
            help,
        ));
    }

    /// Adds what `source` says.
    fn read(&mut self, source: &Source) {
        let (tree, errors) = DeTable::parse_recoverable(&source.text);
        // one slip makes many more: only the first is worth reading
        if let Some(error) = errors.into_iter().next() {
            let span = error.span().unwrap_or(0..0);
            let code = "cotangent::scenario::syntax";
            let help = "it must be TOML: `key = value` lines under [table] headings, texts in quotes; look above for an open bracket or quote";
            let message = error.message().lines().next().unwrap_or("not TOML").to_owned();
            self.problems.push(Diagnostic::at(code, message, source, span, "here", help));
        }
        for (key, value) in tree.get_ref() {
            if let Some(tables) = tables(value) {
                let problems = &mut self.problems;
                let block = |(table, header): (&DeTable, _)| {
                    let mut entries = Entries::new();
                    flatten(source, "", table, &mut entries, problems);
                    Block { entries, source: source.clone(), header }
                };
                let blocks = tables.into_iter().map(block).collect();
                self.lists.insert(key.get_ref().to_string(), blocks);
            }
        }
        flatten(source, "", tree.get_ref(), &mut self.entries, &mut self.problems);
        self.entries.retain(|path, _| !self.lists.contains_key(path));
    }
}

/// The tables of a list of tables with the places of their headers.
fn tables<'a>(
    value: &'a Spanned<DeValue<'a>>,
) -> Option<Vec<(&'a DeTable<'a>, std::ops::Range<usize>)>> {
    let DeValue::Array(items) = value.get_ref() else { return None };
    let table = |item: &'a Spanned<DeValue<'a>>| match item.get_ref() {
        DeValue::Table(table) => Some((table, item.span())),
        _ => None,
    };
    let tables: Vec<_> = items.iter().map(table).collect::<Option<_>>()?;
    (!tables.is_empty()).then_some(tables)
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

/// Adds the keys of a table under dotted paths; one path may be written in two ways, but not twice.
fn flatten(
    source: &Source,
    prefix: &str,
    table: &DeTable,
    entries: &mut Entries,
    problems: &mut Vec<Diagnostic>,
) {
    for (key, value) in table {
        let path = if prefix.is_empty() {
            key.get_ref().to_string()
        } else {
            format!("{prefix}.{}", key.get_ref())
        };
        if let DeValue::Table(inner) = value.get_ref() {
            flatten(source, &path, inner, entries, problems);
        } else {
            let (key, value_span) = (key.span(), value.span());
            let entry = Entry { raw: raw(value), source: source.clone(), key, value: value_span };
            if entries.contains_key(&path) {
                let message = format!("`{path}` is given twice");
                let (code, help) = ("cotangent::scenario::syntax", "leave one of them out");
                let span = entry.key.clone();
                problems.push(Diagnostic::at(code, message, source, span, "the second", help));
            }
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

/// The entries of `text`, which is a table's default.
pub(super) fn entries_of(source: &Source) -> Entries {
    let mut entries = Entries::new();
    let (tree, _) = DeTable::parse_recoverable(&source.text);
    flatten(source, "", tree.get_ref(), &mut entries, &mut Vec::new());
    entries
}
