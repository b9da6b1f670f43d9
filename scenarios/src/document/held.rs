//! From checked values to the types that keys hold.

use super::value::Value;
use crate::keys::{Amounts, Choice, File};

/// What a key may hold. No other crate adds to it, because this module is private.
pub trait Held {
    /// How it is read.
    type Read<'a>;

    /// `value` as that; `None` where it is of another kind.
    fn read(value: &Value) -> Option<Self::Read<'_>>;
}

/// `Held as Read: pattern of the value => what is read of it`, for each line.
macro_rules! held {
    ($a:lifetime; $($held:ty as $read:ty: $value:pat => $what:expr;)*) => { $(
        impl Held for $held {
            type Read<$a> = $read;

            fn read<$a>(value: &$a Value) -> Option<$read> {
                match value {
                    $value => Some($what),
                    _ => None,
                }
            }
        }
    )* };
}

held! { 'a;
    f64 as f64: Value::Number(v) => *v;
    [f64] as &'a [f64]: Value::Numbers(v) => v;
    i64 as i64: Value::Integer(v) => *v;
    usize as usize: Value::Integer(v) => usize::try_from(*v).unwrap_or(usize::MAX);
    [usize] as &'a [usize]: Value::Counts(v) => v;
    bool as bool: Value::Flag(v) => *v;
    str as &'a str: Value::Text(v) => v;
    [String] as &'a [String]: Value::Texts(v) => v;
    File as &'a str: Value::Text(v) => v;
    Option<File> as Option<&'a str>: text @ Value::Text(_) => text.file();
    Amounts as Option<&'a str>: given @ (Value::Text(_) | Value::Amounts) => given.file();
}

impl<const N: usize> Held for [f64; N] {
    type Read<'a> = Self;

    fn read(value: &Value) -> Option<Self> {
        <[f64]>::read(value)?.try_into().ok()
    }
}

impl<const N: usize> Held for Option<[f64; N]> {
    type Read<'a> = Self;

    fn read(value: &Value) -> Option<Self> {
        let numbers = <[f64]>::read(value)?;
        if numbers.is_empty() { Some(None) } else { numbers.try_into().ok().map(Some) }
    }
}

impl<E: Choice> Held for E {
    type Read<'a> = Self;

    fn read(value: &Value) -> Option<Self> {
        let text = <str>::read(value)?;
        let place = E::NAMES.iter().position(|name| *name == text)?;
        E::VALUES.get(place).copied()
    }
}
