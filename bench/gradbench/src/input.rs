//! Numbers of a message's input, by name.

use serde_json::Value;

fn missing(key: &str, what: &str) -> String {
    format!("the input has no {key:?} that is {what}")
}

/// A number.
pub(crate) fn number(input: &Value, key: &str) -> Result<f64, String> {
    input[key].as_f64().ok_or_else(|| missing(key, "a number"))
}

/// A whole number that is not negative.
pub(crate) fn count(input: &Value, key: &str) -> Result<usize, String> {
    let found = input[key].as_u64().and_then(|n| usize::try_from(n).ok());
    found.ok_or_else(|| missing(key, "a count"))
}

fn numbers(value: &Value) -> Option<Vec<f64>> {
    value.as_array()?.iter().map(Value::as_f64).collect()
}

/// A list of numbers.
pub(crate) fn list(input: &Value, key: &str) -> Result<Vec<f64>, String> {
    numbers(&input[key]).ok_or_else(|| missing(key, "a list of numbers"))
}

/// Exactly so many numbers.
pub(crate) fn array<const N: usize>(input: &Value, key: &str) -> Result<[f64; N], String> {
    list(input, key)?.try_into().map_err(|_| missing(key, "a list of the right length"))
}

/// Lists of numbers.
pub(crate) fn rows(input: &Value, key: &str) -> Result<Vec<Vec<f64>>, String> {
    let rows = input[key].as_array().and_then(|rows| rows.iter().map(numbers).collect());
    rows.ok_or_else(|| missing(key, "a list of lists of numbers"))
}

/// Lists of as many numbers each, one after the other, and their length.
pub(crate) fn matrix(input: &Value, key: &str) -> Result<(Vec<f64>, usize), String> {
    let rows = rows(input, key)?;
    let width = rows.first().map_or(0, Vec::len);
    if rows.iter().any(|row| row.len() != width) {
        return Err(missing(key, "a matrix"));
    }
    Ok((rows.concat(), width))
}

/// Counts.
pub(crate) fn counts(input: &Value, key: &str) -> Result<Vec<usize>, String> {
    let of = |v: &Value| v.as_u64().and_then(|n| usize::try_from(n).ok());
    let found = input[key].as_array().and_then(|list| list.iter().map(of).collect());
    found.ok_or_else(|| missing(key, "a list of counts"))
}
