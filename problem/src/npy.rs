//! NumPy's NPY: an array of numbers as a file.
//!
//! Formats 1.0 and 2.0 of <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>: a magic string, the length of a header, the
//! header (a dictionary of Python, padded so that data begin at a multiple of 64 bytes), data in the order of C.

use thiserror::Error;

/// An array of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Its shape; empty for a single number.
    pub shape: Vec<usize>,
    /// Its entries, the last index fastest.
    pub values: Vec<f64>,
}

/// Why an array cannot be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum NpyError {
    /// Another kind of file.
    #[error("it is no NPY file")]
    NoNpy,
    /// The file ends too early.
    #[error("it is cut short in its {part}")]
    CutShort {
        /// Where.
        part: &'static str,
    },
    /// The header does not say what NumPy's do.
    #[error("its header has no {what}")]
    Header {
        /// What is missing.
        what: &'static str,
    },
    /// Entries of another type.
    #[error("its entries are \"{descr}\"; write it as numpy.save(file, array.astype(\"<f8\"))")]
    Type {
        /// The type as NumPy writes it.
        descr: String,
    },
    /// The first index is the fastest.
    #[error(
        "its entries are in the order of Fortran; write it as numpy.save(file, numpy.ascontiguousarray(array))"
    )]
    Fortran,
}

const MAGIC: &[u8] = b"\x93NUMPY";

/// The file of an array whose entries are of type `descr` and stand in `data`.
pub fn file(descr: &str, shape: &[usize], data: &[u8]) -> Vec<u8> {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    // a tuple of one entry ends with a comma
    let comma = if shape.len() == 1 { "," } else { "" };
    let dictionary = format!(
        "{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}{comma}), }}",
        sizes.join(", ")
    );
    // the newline that ends the header is the last byte before a multiple of 64
    let padded = |prefix: usize| {
        let end = (prefix + dictionary.len() + 1).next_multiple_of(64);
        format!("{dictionary}{}\n", " ".repeat(end - prefix - 1 - dictionary.len()))
    };
    let short = padded(MAGIC.len() + 4);
    let head = if let Ok(length) = u16::try_from(short.len()) {
        [&[1, 0], &length.to_le_bytes()[..], short.as_bytes()].concat()
    } else {
        let long = padded(MAGIC.len() + 6);
        let length = u32::try_from(long.len()).unwrap_or(u32::MAX);
        [&[2, 0], &length.to_le_bytes()[..], long.as_bytes()].concat()
    };
    [MAGIC, &head, data].concat()
}

/// The file of an array of `f64`.
pub fn write(shape: &[usize], values: &[f64]) -> Vec<u8> {
    let data: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    file("<f8", shape, &data)
}

/// The array of a file, and the bytes that stand after it.
///
/// Floating-point numbers of 4 and 8 bytes, integers of 1, 4 and 8, and flags are read.
///
/// # Errors
/// [`NpyError`].
pub fn read(bytes: &[u8]) -> Result<(Array, &[u8]), NpyError> {
    let cut = |part| NpyError::CutShort { part };
    let rest = bytes.strip_prefix(MAGIC).ok_or(NpyError::NoNpy)?;
    let (version, rest) = rest.split_first_chunk::<2>().ok_or(cut("version"))?;
    let (length, rest) = match version {
        [1, _] => {
            let (length, rest) = rest.split_first_chunk::<2>().ok_or(cut("header"))?;
            (usize::from(u16::from_le_bytes(*length)), rest)
        }
        [2 | 3, _] => {
            let (length, rest) = rest.split_first_chunk::<4>().ok_or(cut("header"))?;
            (usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX), rest)
        }
        _ => return Err(NpyError::NoNpy),
    };
    let (header, rest) = rest.split_at_checked(length).ok_or(cut("header"))?;
    let header = String::from_utf8_lossy(header);
    let shape = shape(&header).ok_or(NpyError::Header { what: "shape" })?;
    let after = |key: &str| header.split_once(key).map(|(_, text)| text.trim_start());
    let descr = after("'descr':")
        .and_then(|text| text.strip_prefix('\'')?.split_once('\''))
        .ok_or(NpyError::Header { what: "type of its entries" })?
        .0;
    let decode = decoder(descr).ok_or_else(|| NpyError::Type { descr: descr.into() })?;
    if shape.len() > 1 && !after("'fortran_order':").is_some_and(|text| text.starts_with("False")) {
        return Err(NpyError::Fortran);
    }
    let count = shape.iter().try_fold(1_usize, |n, d| n.checked_mul(*d)).ok_or(cut("entries"))?;
    let size = count.checked_mul(decode.size).ok_or(cut("entries"))?;
    let (data, rest) = rest.split_at_checked(size).ok_or(cut("entries"))?;
    let values = data.chunks_exact(decode.size).map(decode.entry).collect();
    Ok((Array { shape, values }, rest))
}

/// The shape that a header says.
fn shape(header: &str) -> Option<Vec<usize>> {
    let (_, text) = header.split_once("'shape':")?;
    let (inside, _) = text.trim_start().strip_prefix('(')?.split_once(')')?;
    let sizes = inside.split(',').map(str::trim).filter(|t| !t.is_empty());
    sizes.map(|t| t.parse().ok()).collect()
}

/// How entries are read.
struct Decoder {
    size: usize,
    entry: fn(&[u8]) -> f64,
}

#[expect(clippy::cast_precision_loss, reason = "a large integer is rounded as NumPy rounds it")]
fn decoder(descr: &str) -> Option<Decoder> {
    fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
        std::array::from_fn(|k| bytes[k])
    }
    let (size, entry): (usize, fn(&[u8]) -> f64) = match descr {
        "<f8" => (8, |b| f64::from_le_bytes(first(b))),
        "<f4" => (4, |b| f64::from(f32::from_le_bytes(first(b)))),
        "<i8" => (8, |b| i64::from_le_bytes(first(b)) as f64),
        "<i4" => (4, |b| f64::from(i32::from_le_bytes(first(b)))),
        "|u1" | "|b1" => (1, |b| f64::from(b[0])),
        _ => return None,
    };
    Some(Decoder { size, entry })
}

#[cfg(test)]
mod tests {
    use super::{Array, NpyError, file, read, write};

    #[test]
    fn an_array_is_written_as_numpy_writes_it_and_read_back() {
        for (shape, dictionary) in [
            (vec![], "{'descr': '<f8', 'fortran_order': False, 'shape': (), }"),
            (vec![3], "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }"),
            (vec![2, 3], "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }"),
        ] {
            let values: Vec<f64> = (0..shape.iter().product()).map(|k| 0.1 + k as f64).collect();
            let bytes = write(&shape, &values);
            let text = String::from_utf8_lossy(&bytes[10..]);
            assert!(text.starts_with(dictionary), "{text}");
            let data = bytes.iter().position(|b| *b == b'\n').unwrap() + 1;
            assert_eq!(data % 64, 0);
            let (array, rest) = read(&bytes).unwrap();
            assert_eq!((array, rest.len()), (Array { shape, values }, 0));
        }
        // 30 000 axes have a header beyond format 1.0
        let ones = vec![1; 30_000];
        let bytes = write(&ones, &[7.0]);
        assert_eq!(bytes[6], 2);
        assert_eq!(read(&bytes).unwrap().0, Array { shape: ones, values: vec![7.0] });
    }

    #[test]
    fn other_types_are_read_and_what_follows_is_left() {
        let with_rest =
            [file("<i4", &[2], &[1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]), b"more".to_vec()];
        let bytes = with_rest.concat();
        let (array, rest) = read(&bytes).unwrap();
        assert_eq!((array.values, rest), (vec![1.0, -1.0], &b"more"[..]));
        assert_eq!(read(&file("|b1", &[2], &[0, 1])).unwrap().0.values, [0.0, 1.0]);
        assert_eq!(read(&file("<f4", &[], &1.5_f32.to_le_bytes())).unwrap().0.values, [1.5]);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        let good = write(&[2, 2], &[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(read(b"PK\x03\x04").unwrap_err(), NpyError::NoNpy);
        for cut in [6, 8, 9, 40] {
            assert!(matches!(read(&good[..cut]), Err(NpyError::CutShort { .. })), "{cut}");
        }
        let short = read(&good[..good.len() - 1]).unwrap_err();
        assert_eq!(short, NpyError::CutShort { part: "entries" });
        let edited = |from: &str, to: &str| {
            let at = good.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
            [&good[..at], to.as_bytes(), &good[at + from.len()..]].concat()
        };
        assert_eq!(read(&edited("False", "True ")).unwrap_err(), NpyError::Fortran);
        assert!(read(&edited("<f8", ">f8")).unwrap_err().to_string().contains("astype"));
        let huge = edited("(2, 2)", "(99999999999999,)");
        assert!(matches!(read(&huge), Err(NpyError::CutShort { .. } | NpyError::Header { .. })));
        assert_eq!(
            read(&edited("'shape'", "'sharp'")).unwrap_err(),
            NpyError::Header { what: "shape" }
        );
    }
}
