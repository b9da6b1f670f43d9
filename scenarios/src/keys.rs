//! The keys of a scenario: one source for parsing, checking, defaults, `schema` and documentation.
//!
//! A [`Key`] is a constant that knows where it stands, what it holds and what it is where nothing is written:
//! `settings.get(RADIUS)` is a number because `RADIUS` is a `Key<f64>`. `keys!` declares the keys of a table together with the
//! table, so that no key stands outside one.

use std::marker::PhantomData;

/// What a key holds.
#[derive(Clone, Copy, Debug)]
pub enum AnyKind {
    /// A number in a unit, within bounds.
    Number {
        /// Unit of a bare number; empty for a pure number.
        unit: &'static str,
        /// Least value.
        min: f64,
        /// Greatest value.
        max: f64,
    },
    /// A list of numbers in a unit, within bounds.
    Numbers {
        /// Unit of bare numbers.
        unit: &'static str,
        /// Least value.
        min: f64,
        /// Greatest value.
        max: f64,
        /// How many there are.
        length: Length,
    },
    /// A whole number within bounds.
    Integer {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
    },
    /// A list of whole numbers within bounds, none below 0.
    Counts {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
    },
    /// `true` or `false`.
    Flag,
    /// Any text.
    Text,
    /// A list of texts.
    Texts,
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// Path of a file that must exist, relative to the scenario; an empty text names none.
    File,
    /// As [`AnyKind::Amounts`], or the path of a file with the numbers, which must exist.
    Data,
    /// A number or a block of numbers in the unit of the simulation's quantity that it speaks of, which is known later; or a
    /// text that names a file or a rule.
    Amounts,
}

/// How many numbers a list has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Length {
    /// As many as are written.
    Any,
    /// As many as this.
    Exactly(usize),
    /// As many as this, or none.
    NoneOr(usize),
}

/// A list of tables, `[[name]]`.
#[derive(Clone, Copy, Debug)]
pub struct List {
    /// Its name.
    pub name: &'static str,
    /// Keys of each of its tables.
    pub keys: &'static [AnyKey],
    /// Whether there must be one.
    pub required: bool,
    /// One line.
    pub doc: &'static str,
}

/// A key, whatever it holds.
#[derive(Clone, Copy, Debug)]
pub struct AnyKey {
    /// Dotted path.
    pub path: &'static str,
    /// What it holds.
    pub kind: AnyKind,
    /// Default, as TOML; `None` where the key is required.
    pub default: Option<&'static str>,
    /// One line.
    pub doc: &'static str,
}

/// A key that holds a `T`: `f64`, `[f64]`, `[f64; N]`, `Option<[f64; N]>`, `i64`, `usize`, `[usize]`, `bool`, `str`, `[String]`,
/// a [`Choice`], a [`File`] or `Option<File>`, or [`Amounts`].
pub struct Key<T: ?Sized> {
    /// The same without the type.
    pub any: AnyKey,
    held: PhantomData<fn(&T)>,
}

impl<T: ?Sized> Clone for Key<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Key<T> {}

impl<T: ?Sized> std::fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.any.fmt(f)
    }
}

/// What a problem is told of: a key, or a list of tables.
pub trait Named: Copy {
    /// Its path in a file.
    fn path(&self) -> &'static str;
}

impl<T: ?Sized> Named for Key<T> {
    fn path(&self) -> &'static str {
        self.any.path
    }
}

impl Named for AnyKey {
    fn path(&self) -> &'static str {
        self.path
    }
}

impl Named for List {
    fn path(&self) -> &'static str {
        self.name
    }
}

/// Held by a key that names a file.
#[derive(Debug)]
pub struct File;

/// Held by a key of numbers in the unit of a simulation's quantity, or of a text that names a file or a rule.
#[derive(Debug)]
pub struct Amounts;

/// A type of which a key chooses one value by its name.
pub trait Choice: Copy + 'static {
    /// What a file may say.
    const NAMES: &'static [&'static str];
    /// What each of the names means.
    const VALUES: &'static [Self];
}

/// `choice! { Type: "name" => value, ... }`: what the names of a choice mean.
macro_rules! choice {
    ($chosen:ty: $($name:literal => $value:expr),+ $(,)?) => {
        impl $crate::keys::Choice for $chosen {
            const NAMES: &'static [&'static str] = &[$($name),+];
            const VALUES: &'static [Self] = &[$($value),+];
        }
    };
}
pub(crate) use choice;

/// `keys! { TABLE; NAME: held = key(...); SHARED; ... }`: keys as constants, and the table of them. A name alone is a key that
/// several tables share.
macro_rules! keys {
    ($(#[$about:meta])* $seen:vis $table:ident; $($name:ident $(: $held:ty = $key:expr)?;)*) => {
        $($(pub(crate) const $name: $crate::keys::Key<$held> = $key;)?)*
        $(#[$about])* $seen const $table: &[$crate::keys::AnyKey] = &[$($name.any),*];
    };
}
pub(crate) use keys;

/// What a key holds, as a type too.
pub(crate) struct Kind<T: ?Sized> {
    any: AnyKind,
    held: PhantomData<fn(&T)>,
}

impl<T: ?Sized> Kind<T> {
    const fn of(any: AnyKind) -> Self {
        Self { any, held: PhantomData }
    }
}

/// A key with a default.
pub(crate) const fn key<T: ?Sized>(
    path: &'static str,
    Kind { any: kind, .. }: Kind<T>,
    default: &'static str,
    doc: &'static str,
) -> Key<T> {
    Key { any: AnyKey { path, kind, default: Some(default), doc }, held: PhantomData }
}

/// A key that must be given.
pub(crate) const fn required<T: ?Sized>(
    path: &'static str,
    Kind { any: kind, .. }: Kind<T>,
    doc: &'static str,
) -> Key<T> {
    Key { any: AnyKey { path, kind, default: None, doc }, held: PhantomData }
}

/// A list of tables that may be absent.
pub(crate) const fn list(name: &'static str, keys: &'static [AnyKey], doc: &'static str) -> List {
    List { name, keys, required: false, doc }
}

impl List {
    /// The same, of which there must be one.
    pub(crate) const fn needed(self) -> Self {
        Self { required: true, ..self }
    }
}

impl<T: ?Sized> Key<T> {
    /// The same with another default.
    pub(crate) const fn or(self, default: &'static str) -> Self {
        Self { any: AnyKey { default: Some(default), ..self.any }, held: PhantomData }
    }

    /// The same with another line about it.
    pub(crate) const fn about(self, doc: &'static str) -> Self {
        Self { any: AnyKey { doc, ..self.any }, held: PhantomData }
    }
}

pub(crate) const INF: f64 = f64::INFINITY;
pub(crate) const POSITIVE: f64 = f64::MIN_POSITIVE;
/// The greatest whole number of TOML.
pub(crate) const MOST: i64 = i64::MAX;

pub(crate) const FLAG: Kind<bool> = Kind::of(AnyKind::Flag);
pub(crate) const TEXT: Kind<str> = Kind::of(AnyKind::Text);
pub(crate) const TEXTS: Kind<[String]> = Kind::of(AnyKind::Texts);
pub(crate) const FILE: Kind<File> = Kind::of(AnyKind::File);
pub(crate) const OPTIONAL_FILE: Kind<Option<File>> = Kind::of(AnyKind::File);
pub(crate) const DATA: Kind<Amounts> = Kind::of(AnyKind::Data);
pub(crate) const AMOUNTS: Kind<Amounts> = Kind::of(AnyKind::Amounts);

/// A number in `unit`.
pub(crate) const fn number(unit: &'static str, min: f64, max: f64) -> Kind<f64> {
    Kind::of(AnyKind::Number { unit, min, max })
}

/// A list of numbers in `unit`.
pub(crate) const fn numbers(unit: &'static str, min: f64, max: f64) -> Kind<[f64]> {
    Kind::of(AnyKind::Numbers { unit, min, max, length: Length::Any })
}

/// `N` numbers in `unit`.
pub(crate) const fn vector<const N: usize>(
    unit: &'static str,
    min: f64,
    max: f64,
) -> Kind<[f64; N]> {
    Kind::of(AnyKind::Numbers { unit, min, max, length: Length::Exactly(N) })
}

/// `N` numbers in `unit`, or none.
pub(crate) const fn optional_vector<const N: usize>(
    unit: &'static str,
    min: f64,
    max: f64,
) -> Kind<Option<[f64; N]>> {
    Kind::of(AnyKind::Numbers { unit, min, max, length: Length::NoneOr(N) })
}

/// A whole number.
pub(crate) const fn integer(min: i64, max: i64) -> Kind<i64> {
    Kind::of(AnyKind::Integer { min, max })
}

/// A whole number that is not negative.
pub(crate) const fn count(min: u32, max: i64) -> Kind<usize> {
    Kind::of(AnyKind::Integer { min: min as i64, max })
}

/// A list of whole numbers that are not negative.
pub(crate) const fn counts(min: u32, max: i64) -> Kind<[usize]> {
    Kind::of(AnyKind::Counts { min: min as i64, max })
}

/// One of the names of `E`.
pub(crate) const fn one_of<E: Choice>() -> Kind<E> {
    Kind::of(AnyKind::Choice(E::NAMES))
}

impl AnyKind {
    /// What it holds, in words.
    pub fn describe(&self) -> String {
        let within = |min: f64, max: f64| match (min, max) {
            (f64::NEG_INFINITY, INF) => String::new(),
            (POSITIVE, INF) => ", positive".into(),
            (min, INF) => format!(", at least {min}"),
            (min, max) => format!(", from {min} to {max}"),
        };
        let whole = |min: i64, max: i64| {
            if max == MOST { format!(", at least {min}") } else { format!(", from {min} to {max}") }
        };
        let named =
            |unit: &str| if unit.is_empty() { String::new() } else { format!(" in {unit}") };
        match self {
            Self::Number { unit, min, max } => {
                format!("a number{}{}", named(unit), within(*min, *max))
            }
            Self::Numbers { unit, min, max, .. } => {
                format!("a list of numbers{}{}", named(unit), within(*min, *max))
            }
            Self::Integer { min, max } => format!("a whole number{}", whole(*min, *max)),
            Self::Counts { min, max } => format!("a list of whole numbers{}", whole(*min, *max)),
            Self::Flag => "true or false".into(),
            Self::Text => "a text".into(),
            Self::Texts => "a list of texts".into(),
            Self::Choice(names) => format!(
                "one of {}",
                names.iter().map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(", ")
            ),
            Self::File => "the path of a file".into(),
            Self::Amounts => "a number or a list of numbers".into(),
            Self::Data => "a number, a list of numbers or the path of a file".into(),
        }
    }
}
