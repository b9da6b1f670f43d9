//! What is wrong with a key, and where.

use std::ops::Range;

use super::super::keys::{AnyKey, List};
use super::super::units::QuantityError;
use super::raw::{Block, Entries, Entry, LABEL, Raw};
use crate::diagnostic::{Diagnostic, Source, nearest};

/// A problem with the value at `path`, or at `home` where it is not set.
pub(super) fn of_entry(
    entries: &Entries,
    (source, home): (&Source, Range<usize>),
    code: &'static str,
    path: &str,
    message: String,
    help: String,
) -> Diagnostic {
    match entries.get(path) {
        Some(e) => Diagnostic::at(code, message, &e.source, e.value.clone(), "here", help),
        None => Diagnostic::at(code, message, source, home, format!("`{path}` is not set"), help),
    }
}

pub(super) fn unknown_key<'a>(
    path: &str,
    entry: &Entry,
    known: impl Iterator<Item = &'a str>,
) -> Diagnostic {
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

pub(super) fn missing(key: &AnyKey, source: &Source, home: Range<usize>) -> Diagnostic {
    let message = format!("`{}` is missing", key.path);
    let help = format!("add it: {}; {}", key.kind.describe(), key.doc);
    let label = if home.is_empty() { "in this file" } else { "in this table" };
    Diagnostic::at("cotangent::scenario::missing_key", message, source, home, label, help)
}

/// A list of tables that must be there.
pub(super) fn missing_list(list: &List, source: &Source) -> Diagnostic {
    let message = format!("there is no `[[{}]]`", list.name);
    let help = format!("add one: {}", list.doc);
    let code = "cotangent::scenario::missing_key";
    Diagnostic::at(code, message, source, 0..0, "in this file", help)
}

pub(super) fn unknown_list(name: &str, block: &Block, lists: &[List]) -> Diagnostic {
    let names = || lists.iter().map(|l| l.name);
    let help = match nearest(name, names()) {
        Some(near) => format!("did you mean `[[{near}]]`?"),
        None if lists.is_empty() => "this kind of scenario has no lists of tables".into(),
        None => format!("its lists are: {}", names().collect::<Vec<_>>().join(", ")),
    };
    let (code, message) =
        ("cotangent::scenario::unknown_key", format!("unknown list `[[{name}]]`"));
    Diagnostic::at(code, message, &block.source, block.header.clone(), "not a list", help)
}

/// Labels name entries on the command line and in reports, so each stands once.
pub(super) fn labels_given_twice(list: &str, blocks: &[Block], problems: &mut Vec<Diagnostic>) {
    for (k, block) in blocks.iter().enumerate() {
        let Some(label) = block.label() else { continue };
        if blocks[..k].iter().any(|b| b.label() == Some(label)) {
            let entry = &block.entries[LABEL];
            let message = format!("two entries of `[[{list}]]` have the label \"{label}\"");
            let help = "give each a label of its own";
            let (code, span) = ("cotangent::scenario::label", entry.value.clone());
            problems.push(Diagnostic::at(code, message, &entry.source, span, "the second", help));
        }
    }
}

pub(super) fn wrong_type(key: &AnyKey, entry: &Entry, span: Range<usize>) -> Diagnostic {
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

/// A list of another number of numbers than `length`.
pub(super) fn wrong_length(key: &AnyKey, entry: &Entry, length: usize) -> Diagnostic {
    let Raw::List(items) = &entry.raw else { return wrong_type(key, entry, entry.value.clone()) };
    let number = if items.len() == 1 { "number" } else { "numbers" };
    let message = format!("`{}` has {} {number}", key.path, items.len());
    let help = match length {
        3 => "write three numbers: [x, y, z]".to_owned(),
        length => format!("write {length} numbers"),
    };
    let (code, span) = ("cotangent::scenario::length", entry.value.clone());
    Diagnostic::at(code, message, &entry.source, span, "here", help)
}

pub(super) fn out_of_range(
    key: &AnyKey,
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

pub(super) fn quantity_problem(
    key: &AnyKey,
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
