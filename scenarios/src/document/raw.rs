//! A scenario file as written, with places.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::diagnostic::Source;

/// A value as written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Raw {
    Integer(Option<i64>),
    Float(f64),
    Flag(bool),
    Text(String),
    List(Vec<(Raw, Range<usize>)>),
    Other(&'static str),
}

/// A key as written.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) raw: Raw,
    pub(super) source: Source,
    pub(super) key: Range<usize>,
    pub(super) value: Range<usize>,
}

/// Settings under dotted keys, as written.
pub(super) type Entries = BTreeMap<String, Entry>;

/// One `[[table]]` of a list.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) entries: Entries,
    pub(super) source: Source,
    pub(super) header: Range<usize>,
}

/// The key that names an entry of a list, in whichever list.
pub(super) const LABEL: &str = "label";

impl Block {
    /// Its `label`, where it has one.
    pub(super) fn label(&self) -> Option<&str> {
        match &self.entries.get(LABEL)?.raw {
            Raw::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }
}
