//! What is wrong with a file, and where.

use std::fmt;
use std::ops::Range;

use thiserror::Error;

use crate::model::BuildError;

/// All that is wrong with a model, in the order in which it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct MjcfErrors(pub Vec<MjcfError>);

/// Most problems that are printed.
const MOST_PRINTED: usize = 50;

impl fmt::Display for MjcfErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (k, error) in self.0.iter().take(MOST_PRINTED).enumerate() {
            let newline = if k == 0 { "" } else { "\n" };
            write!(f, "{newline}{error}")?;
        }
        match self.0.len().saturating_sub(MOST_PRINTED) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl std::error::Error for MjcfErrors {}

/// One thing that is wrong with a file.
#[derive(Clone, Debug, Error, PartialEq)]
#[error("{}line {line}, column {column}: {problem}", .file.as_ref().map(|f| format!("{f}, ")).unwrap_or_default())]
pub struct MjcfError {
    /// What is wrong.
    pub problem: Box<Problem>,
    /// The included file; `None` is the model's own.
    pub file: Option<String>,
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
    /// A file that cannot be read.
    #[error("cannot read `{name}`: {why}")]
    File {
        /// The file.
        name: String,
        /// Why.
        why: String,
    },
    /// A file that includes itself, or is included twice.
    #[error("`{0}` is included already: a file may be included once")]
    IncludedTwice(String),
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
    /// A mesh whose inertia is needed and cannot be had.
    #[error("mesh `{name}`: {why}")]
    Mesh {
        /// The mesh.
        name: String,
        /// Why.
        why: String,
    },
    /// The model has no meaning.
    #[error(transparent)]
    Build(#[from] BuildError),
}

fn list(names: &[String]) -> String {
    match names {
        [] => "is none".into(),
        _ if names.len() > 12 => format!("are {}, ...", names[..12].join(", ")),
        _ => format!("are {}", names.join(", ")),
    }
}
