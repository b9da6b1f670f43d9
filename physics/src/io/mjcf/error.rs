//! What is wrong with a file, and where.

use std::ops::Range;

use thiserror::Error;

use crate::model::BuildError;

/// A file that cannot be read as a model.
#[derive(Clone, Debug, Error, PartialEq)]
#[error("line {line}, column {column}: {problem}")]
pub struct MjcfError {
    /// What is wrong.
    pub problem: Problem,
    /// Where, in bytes of the text.
    pub span: Range<usize>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// What is wrong.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum Problem {
    /// Not well-formed XML.
    #[error("not well-formed XML: {0}")]
    Xml(String),
    /// The root is not `mujoco`.
    #[error("the root element is `{0}`, not `mujoco`")]
    NotMujoco(String),
    /// An element that this reader does not know.
    #[error("element `{element}` in `{parent}` is not supported")]
    Element {
        /// The element.
        element: String,
        /// Where it stands.
        parent: String,
    },
    /// An attribute that this reader does not know.
    #[error("attribute `{attribute}` of `{element}` is not supported")]
    Attribute {
        /// The attribute.
        attribute: String,
        /// Of which element.
        element: String,
    },
    /// A value that is not one of those that are supported.
    #[error("`{attribute}=\"{value}\"`: {expected} is supported")]
    Value {
        /// The attribute.
        attribute: String,
        /// Its value.
        value: String,
        /// What would do.
        expected: String,
    },
    /// Not as many finite numbers as needed.
    #[error("`{attribute}=\"{value}\"`: expected {expected}")]
    Numbers {
        /// The attribute.
        attribute: String,
        /// Its value.
        value: String,
        /// What would do.
        expected: String,
    },
    /// A needed attribute is absent.
    #[error("`{element}` needs {what}")]
    Missing {
        /// The element.
        element: String,
        /// What it needs.
        what: String,
    },
    /// A name that nothing has.
    #[error("no {kind} is named `{name}`; there {}", list(.known))]
    Unknown {
        /// Joint, class.
        kind: &'static str,
        /// The name.
        name: String,
        /// Names that exist.
        known: Vec<String>,
    },
    /// Two ways to say one thing.
    #[error("`{first}` and `{second}` exclude each other")]
    Both {
        /// One attribute.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// The model has no meaning.
    #[error(transparent)]
    Build(#[from] BuildError),
}

fn list(names: &[String]) -> String {
    match names {
        [] => "is none".into(),
        _ => format!("are {}", names.join(", ")),
    }
}

/// Something that the file asks for and the simulation does not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What.
    pub message: String,
    /// Line, from 1.
    pub line: u32,
}
