//! The value of a key: its type, unit, bounds and default.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::super::keys::{AnyKey, AnyKind, Length};
use super::super::units::convert;
use super::problem::{out_of_range, quantity_problem, wrong_length, wrong_type};
use super::raw::{Entry, Raw};
use super::read;
use crate::diagnostic::{Diagnostic, Source, nearest};

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
    Counts(Vec<usize>),
    /// A flag.
    Flag(bool),
    /// A text, a choice or a path.
    Text(String),
    /// Texts.
    Texts(Vec<String>),
    /// Numbers whose unit is not known before the simulation is; they stay as written.
    Amounts,
}

impl Value {
    /// The file that it names; `None` where it names none, or has numbers.
    pub(super) fn file(&self) -> Option<&str> {
        match self {
            Self::Text(file) if !file.is_empty() => Some(file),
            _ => None,
        }
    }
}

/// A text that is no number with or without a unit: the name of a file or of a rule.
pub(super) fn file_name(raw: &Raw) -> Option<&str> {
    let Raw::Text(text) = raw else { return None };
    let first = text.split_whitespace().next();
    let is_number = first.is_some_and(|word| word.parse::<f64>().is_ok());
    (!is_number).then_some(text)
}

/// Whether a text is the name of a file of numbers.
fn has_numbers(text: &str) -> bool {
    let extension = Path::new(text).extension();
    extension.is_some_and(|e| ["npy", "json"].iter().any(|known| e.eq_ignore_ascii_case(known)))
}

/// Numbers, texts, and lists of them.
fn is_quantity(raw: &Raw) -> bool {
    match raw {
        Raw::Integer(Some(_)) | Raw::Float(_) | Raw::Text(_) => true,
        Raw::List(items) => items.iter().all(|(item, _)| is_quantity(item)),
        Raw::Integer(None) | Raw::Flag(_) | Raw::Other(_) => false,
    }
}

/// The value of a key, or what is wrong with it.
pub(super) fn checked(key: &AnyKey, entry: &Entry, folder: &Path) -> Result<Value, Diagnostic> {
    let span = || entry.value.clone();
    match (key.kind, &entry.raw) {
        (AnyKind::Number { unit, min, max }, raw) => {
            number(key, entry, raw, span(), unit, min, max).map(Value::Number)
        }
        (AnyKind::Numbers { unit, min, max, length }, Raw::List(items)) => {
            let each = items
                .iter()
                .map(|(raw, span)| number(key, entry, raw, span.clone(), unit, min, max));
            let numbers: Vec<f64> = each.collect::<Result<_, _>>()?;
            match length {
                Length::Exactly(n) if numbers.len() != n => Err(wrong_length(key, entry, n)),
                Length::NoneOr(n) if ![0, n].contains(&numbers.len()) => {
                    Err(wrong_length(key, entry, n))
                }
                _ => Ok(Value::Numbers(numbers)),
            }
        }
        (AnyKind::Integer { min, max }, raw) => {
            integer(key, entry, raw, span(), min, max).map(Value::Integer)
        }
        (AnyKind::Counts { min, max }, Raw::List(items)) => {
            let each = items.iter().map(|(raw, span)| {
                let count = integer(key, entry, raw, span.clone(), min, max)?;
                Ok(usize::try_from(count).unwrap_or(usize::MAX))
            });
            each.collect::<Result<_, _>>().map(Value::Counts)
        }
        (AnyKind::Amounts, Raw::Text(text)) if has_numbers(text) => {
            existing(key, entry, text, folder)
        }
        (AnyKind::Amounts, raw) if is_quantity(raw) => Ok(Value::Amounts),
        (AnyKind::Flag, Raw::Flag(flag)) => Ok(Value::Flag(*flag)),
        (AnyKind::Text, Raw::Text(text)) => Ok(Value::Text(text.clone())),
        (AnyKind::Texts, Raw::List(items)) => {
            let text = |(raw, span): &(Raw, Range<usize>)| match raw {
                Raw::Text(text) => Ok(text.clone()),
                _ => Err(wrong_type(key, entry, span.clone())),
            };
            items.iter().map(text).collect::<Result<_, _>>().map(Value::Texts)
        }
        (AnyKind::File, Raw::Text(text)) if text.is_empty() => Ok(Value::Text(String::new())),
        (AnyKind::Choice(names), Raw::Text(text)) => {
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
        (AnyKind::Data, raw) if is_quantity(raw) && file_name(raw).is_none() => Ok(Value::Amounts),
        (AnyKind::File | AnyKind::Data, Raw::Text(text)) => existing(key, entry, text, folder),
        _ => Err(wrong_type(key, entry, span())),
    }
}

/// The whole path of a file that is there.
fn existing(key: &AnyKey, entry: &Entry, text: &str, folder: &Path) -> Result<Value, Diagnostic> {
    let path = folder.join(text);
    if path.is_file() {
        // settings are texts: where a folder above has no name in UTF-8, the path stays relative
        let whole = path.canonicalize().ok().filter(|p| p.to_str().is_some());
        if let Some(text) = whole.unwrap_or_else(|| path.clone()).to_str() {
            return Ok(Value::Text(text.to_owned()));
        }
    }
    let message = format!("`{}`: there is no file {}", key.path, path.display());
    let help = "paths are relative to the scenario file";
    let (code, span) = ("cotangent::scenario::missing_file", entry.value.clone());
    Err(Diagnostic::at(code, message, &entry.source, span, "not found", help))
}

pub(super) fn number(
    key: &AnyKey,
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

fn integer(
    key: &AnyKey,
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

/// A default from the tables. A test reads all of them.
pub(super) fn default(key: &AnyKey, text: &str) -> Result<Value, Diagnostic> {
    let source = Source { name: "default".into(), text: Arc::from(format!("default = {text}")) };
    checked(key, &read::entries_of(&source)["default"], Path::new(""))
}
