//! Arrays on the wire: `{"shape", "dtype", "data": {"buffer", "encoding"}}`, nested lists, or plain numbers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// How numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Nested lists of decimal numbers, each the shortest that is read back to the same bits.
    Lists,
    /// The bytes of the numbers, little end first, in base64.
    Base64,
}

impl Encoding {
    /// What a header `Accept` asks for.
    pub(super) fn of_accept(accept: &str) -> Self {
        if accept.contains("application/json+base64") { Self::Base64 } else { Self::Lists }
    }
}

/// An array of `shape` as it is sent.
pub(super) fn encode(entries: &[f64], shape: &[usize], encoding: Encoding) -> Value {
    let data = match encoding {
        Encoding::Lists => json!({ "buffer": nested(entries, shape), "encoding": "json" }),
        Encoding::Base64 => {
            let bytes: Vec<u8> = entries.iter().flat_map(|v| v.to_le_bytes()).collect();
            json!({ "buffer": STANDARD.encode(bytes), "encoding": "base64" })
        }
    };
    json!({ "object_type": "array", "shape": shape, "dtype": "float64", "data": data })
}

fn nested(entries: &[f64], shape: &[usize]) -> Value {
    let Some((first, rest)) = shape.split_first() else { return json!(entries.first()) };
    let len: usize = rest.iter().product();
    Value::Array((0..*first).map(|k| nested(&entries[k * len..(k + 1) * len], rest)).collect())
}

/// The shape of an array, of nested lists or of a number.
pub(super) fn shape_of(value: &Value) -> Result<Vec<usize>, String> {
    match value {
        Value::Object(object) => {
            let Some(Value::Array(sizes)) = object.get("shape") else {
                return Err("`shape` must be a list of sizes".into());
            };
            let size = |v: &Value| v.as_u64().and_then(|n| usize::try_from(n).ok());
            let sizes: Option<Vec<usize>> = sizes.iter().map(size).collect();
            sizes.ok_or_else(|| "`shape` must be a list of sizes".into())
        }
        Value::Array(list) => {
            let mut shape = vec![list.len()];
            if let Some(first) = list.first() {
                shape.extend(shape_of(first)?);
            }
            Ok(shape)
        }
        Value::Number(_) => Ok(Vec::new()),
        _ => Err("it must be an array".into()),
    }
}

/// The entries of an array, which must have this shape. Integers and short floats are taken where a `f64` holds them exactly.
pub(super) fn decode(value: &Value, shape: &[usize]) -> Result<Vec<f64>, String> {
    let given = shape_of(value)?;
    if given != shape {
        return Err(format!("its shape is {given:?}, {shape:?} is needed"));
    }
    let Value::Object(object) = value else { return from_lists(value, shape) };
    let dtype = object.get("dtype").and_then(Value::as_str).unwrap_or("float64");
    let width = width(dtype)?;
    let data = object.get("data").ok_or("`data` is missing")?;
    let buffer = data.get("buffer").ok_or("`data.buffer` is missing")?;
    if let Some(compression) = data.get("compression").filter(|c| !c.is_null()) {
        return Err(format!(
            "data compressed by {compression} are not read; send them as they are"
        ));
    }
    match data.get("encoding").and_then(Value::as_str) {
        Some("base64") => from_base64(buffer, dtype, width, shape),
        Some("json" | "raw") => from_lists(buffer, shape),
        Some(other) => Err(format!("the encoding {other:?} is not read; use base64 or json")),
        None => Err("`data.encoding` is missing".into()),
    }
}

/// Refuses an array of numbers that are not read, such as complex ones; what says nothing of its numbers is taken.
pub(super) fn check_dtype(value: &Value) -> Result<(), String> {
    let dtype = value.get("dtype").and_then(Value::as_str).unwrap_or("float64");
    width(dtype).map(|_| ())
}

/// Bytes of a number.
fn width(dtype: &str) -> Result<usize, String> {
    match dtype {
        "float64" | "int64" => Ok(8),
        "float32" | "int32" => Ok(4),
        _ => Err(format!(
            "the dtype {dtype:?} is not read; use float64 (float32, int64 and int32 are converted)"
        )),
    }
}

fn from_base64(
    buffer: &Value,
    dtype: &str,
    width: usize,
    shape: &[usize],
) -> Result<Vec<f64>, String> {
    let text = buffer.as_str().ok_or("`data.buffer` must be text in base64")?;
    let bytes = STANDARD.decode(text).map_err(|e| format!("`data.buffer` is no base64: {e}"))?;
    let wanted = shape.iter().product::<usize>() * width;
    if bytes.len() != wanted {
        return Err(format!("`data.buffer` has {} bytes, {wanted} are needed", bytes.len()));
    }
    let number = |bytes: &[u8]| match (dtype, bytes) {
        ("float64", &[a, b, c, d, e, f, g, h]) => Ok(f64::from_le_bytes([a, b, c, d, e, f, g, h])),
        ("float32", &[a, b, c, d]) => Ok(f64::from(f32::from_le_bytes([a, b, c, d]))),
        ("int32", &[a, b, c, d]) => Ok(f64::from(i32::from_le_bytes([a, b, c, d]))),
        (_, &[a, b, c, d, e, f, g, h]) => exact(i64::from_le_bytes([a, b, c, d, e, f, g, h])),
        _ => Err("`data.buffer` ends within a number".into()),
    };
    bytes.chunks(width).map(number).collect()
}

/// A whole number that a `f64` holds.
fn exact(value: i64) -> Result<f64, String> {
    if value.unsigned_abs() <= 1 << f64::MANTISSA_DIGITS {
        return Ok(value as f64);
    }
    Err(format!("{value} is not exact as a float64"))
}

fn from_lists(value: &Value, shape: &[usize]) -> Result<Vec<f64>, String> {
    let mut entries = Vec::new();
    collect(value, shape, &mut entries)?;
    Ok(entries)
}

fn collect(value: &Value, shape: &[usize], entries: &mut Vec<f64>) -> Result<(), String> {
    match (shape.split_first(), value) {
        (None, Value::Number(number)) => {
            entries.extend(number.as_f64());
            Ok(())
        }
        (Some((len, rest)), Value::Array(list)) if list.len() == *len => {
            list.iter().try_for_each(|inner| collect(inner, rest, entries))
        }
        _ => Err("its lists are not those of one array of numbers".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Encoding, decode, encode};
    use serde_json::json;

    #[test]
    fn what_is_sent_is_read_back_to_the_same_bits() {
        let entries = [0.1, -1.0 / 3.0, 5e-324, f64::MAX, 1.0, -0.0];
        for encoding in [Encoding::Lists, Encoding::Base64] {
            let sent = encode(&entries, &[2, 3], encoding);
            let text: serde_json::Value = serde_json::from_str(&sent.to_string()).unwrap();
            let read: Vec<u64> =
                decode(&text, &[2, 3]).unwrap().iter().map(|v| v.to_bits()).collect();
            assert_eq!(read, entries.map(f64::to_bits), "{encoding:?}");
        }
        assert_eq!(decode(&encode(&[7.0], &[], Encoding::Lists), &[]).unwrap(), [7.0]);
    }

    #[test]
    fn malformed_arrays_are_refused() {
        let array = |dtype: &str, buffer: &str, encoding: &str| json!({ "shape": [1], "dtype": dtype, "data": { "buffer": buffer, "encoding": encoding } });
        let refused = |value| decode(&value, &[1]).unwrap_err();
        assert!(refused(array("float64", "AAAA*AAA", "base64")).contains("no base64"));
        assert!(refused(array("float64", "AAAA", "base64")).contains("3 bytes, 8"));
        assert!(refused(array("complex64", "AAAA", "base64")).contains("dtype"));
        assert!(refused(array("float64", "AAAA", "binref")).contains("encoding"));
        assert!(refused(json!([[1.0]])).contains("shape"));
        assert!(refused(json!(["a"])).contains("array"));
        assert!(decode(&json!([[1.0, 2.0], [3.0]]), &[2, 2]).unwrap_err().contains("lists"));
        let int = json!({ "shape": [1], "dtype": "int32", "data": { "buffer": "AgAAAA==", "encoding": "base64" } });
        assert_eq!(decode(&int, &[1]).unwrap(), [2.0]);
    }
}
