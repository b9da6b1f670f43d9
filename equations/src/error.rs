//! What is wrong with a model, where, and what to do about it.

use std::fmt;
use std::ops::Range;

use thiserror::Error;

use crate::unit::UnitError;

/// A problem with a part of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelError {
    /// The part, as the description names it: `equations.hare`, `event.0.when`.
    pub path: String,
    /// Bytes of the part's text; `None` where the whole is meant.
    pub span: Option<Range<usize>>,
    /// What is wrong.
    pub problem: Problem,
}

impl ModelError {
    pub(crate) fn new(path: impl Into<String>, problem: Problem) -> Self {
        Self { path: path.into(), span: None, problem }
    }

    pub(crate) fn at(path: &str, (problem, span): (Problem, Range<usize>)) -> Self {
        Self { path: path.into(), span: Some(span), problem }
    }
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.span {
            Some(span) => {
                write!(f, "{}, character {}: {}", self.path, span.start + 1, self.problem)
            }
            None => write!(f, "{}: {}", self.path, self.problem),
        }
    }
}

impl std::error::Error for ModelError {}

/// What is wrong.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum Problem {
    /// Digits that are no finite number.
    #[error("`{text}` is no number")]
    Number {
        /// They.
        text: String,
    },
    /// A letter that means nothing.
    #[error("`{letter}` means nothing in an expression")]
    Letter {
        /// It.
        letter: char,
    },
    /// Something that cannot stand there.
    #[error("`{text}` cannot stand here")]
    Unexpected {
        /// It.
        text: String,
    },
    /// Two operands without a sign between them.
    #[error("there is no sign before `{text}`")]
    NoSign {
        /// The second.
        text: String,
    },
    /// The end where an operand should be.
    #[error("the expression is not complete")]
    Incomplete,
    /// A bracket without its end.
    #[error("this bracket is not closed")]
    Unclosed,
    /// `a < b < c`.
    #[error("a comparison of a comparison")]
    ChainedComparison,
    /// Too many brackets or signs in each other.
    #[error("the expression nests more than {most} deep")]
    TooDeep {
        /// The limit.
        most: usize,
    },
    /// A name that stands for nothing.
    #[error("there is no `{name}`")]
    UnknownName {
        /// It.
        name: String,
        /// One that is spelled nearly so.
        nearest: Option<String>,
    },
    /// A function that does not exist.
    #[error("there is no function `{name}`")]
    UnknownFunction {
        /// It.
        name: String,
        /// One that is spelled nearly so.
        nearest: Option<String>,
    },
    /// A function with a wrong number of arguments.
    #[error("`{name}` takes {takes}, {found} stand here")]
    Arity {
        /// It.
        name: String,
        /// How many it takes, in words.
        takes: &'static str,
        /// How many there are.
        found: usize,
    },
    /// Definitions or starts that need each other.
    #[error("{} depends on itself: {}", .names[0], .names.join(" -> "))]
    Cycle {
        /// The round, its first name again at its end.
        names: Vec<String>,
    },
    /// What is added, compared or chosen between has no common unit.
    #[error("{what} in {} and {}", in_words(.left), in_words(.right))]
    Units {
        /// What is done with them.
        what: &'static str,
        /// Unit of one.
        left: String,
        /// Unit of the other.
        right: String,
    },
    /// Something has another unit than it must.
    #[error("{what} is in {}, not in {}", in_words(.found), in_words(.expected))]
    WrongUnit {
        /// What.
        what: String,
        /// Its unit.
        found: String,
        /// The unit that it must have.
        expected: String,
    },
    /// A condition where a number should be.
    #[error("a condition stands where a number is needed")]
    NotANumber,
    /// A number where a condition should be.
    #[error("a number stands where a condition is needed")]
    NotACondition,
    /// `a = b` as a condition.
    #[error("two numbers are equal at single moments only")]
    Equality,
    /// A text that cannot be a name.
    #[error("`{name}` cannot be a name")]
    NoName {
        /// It.
        name: String,
    },
    /// A name that means something already.
    #[error("`{name}` is {meaning} already")]
    Taken {
        /// It.
        name: String,
        /// What it means.
        meaning: String,
    },
    /// A text that is no unit.
    #[error(transparent)]
    Unit(#[from] UnitError),
    /// There is nothing to integrate.
    #[error("there is no state")]
    NoState,
    /// A state without its equation.
    #[error("`{state}` has no equation")]
    NoEquation {
        /// It.
        state: String,
    },
    /// An equation or a change of something that is no state.
    #[error("`{name}` is no state")]
    NotAState {
        /// It.
        name: String,
        /// One that is spelled nearly so.
        nearest: Option<String>,
    },
    /// A trigger that is no comparison.
    #[error("an event happens when a comparison becomes true, and this is none")]
    NotATrigger,
    /// A trigger that jumps itself.
    #[error("what an event waits for may not jump: `if` cannot stand here")]
    JumpingTrigger,
    /// A bend or a comparison of a rate that looks at something which jumps.
    #[error("in a rate no `if` can stand within a condition, `abs`, `min` or `max`")]
    JumpingChoice,
    /// An event's time that changes with the solution.
    #[error("the time of an event is a number or depends on parameters alone")]
    MovingTime,
    /// An event that has no moment, or no effect, or two ends.
    #[error("{what}")]
    Event {
        /// What is wrong.
        what: &'static str,
    },
    /// Times that cannot be.
    #[error("{what}")]
    Time {
        /// What is wrong.
        what: String,
    },
    /// A value outside of its bounds, or not finite.
    #[error("{what}")]
    Value {
        /// What is wrong.
        what: String,
    },
}

fn in_words(unit: &str) -> String {
    if unit.is_empty() { "a pure number".into() } else { format!("`{unit}`") }
}

impl Problem {
    /// What to do about it.
    pub fn help(&self) -> String {
        let near = |nearest: &Option<String>, else_: &str| match nearest {
            Some(name) => format!("did you mean `{name}`?"),
            None => else_.to_owned(),
        };
        match self {
            Self::UnknownName { nearest, .. } => {
                near(nearest, "name a state, a parameter or a definition; the time is `t`")
            }
            Self::UnknownFunction { nearest, .. } => near(
                nearest,
                &format!("the functions are: {}", crate::function::names().join(", ")),
            ),
            Self::NotAState { nearest, .. } => near(nearest, "declare it under [states]"),
            Self::Unit(e) => e.help(),
            Self::NoSign { text } => format!("write * for a product: 2 * {text}"),
            other => other.remedy().to_owned(),
        }
    }

    /// A remedy that is the same for all of a kind.
    fn remedy(&self) -> &'static str {
        match self {
            Self::Number { .. } => "such as 0.5 or 3e-7",
            Self::Letter { .. } | Self::Unexpected { .. } => {
                "an expression has names, numbers, + - * / ^, brackets, functions and comparisons"
            }
            Self::Incomplete => "something is missing at its end",
            Self::Unclosed => "add a )",
            Self::ChainedComparison => "join two with and: a < b and b < c",
            Self::TooDeep { .. } => "give parts of it names of their own under [definitions]",
            Self::Arity { .. } => "docs/equations.md lists the functions",
            Self::Cycle { .. } => "one of them must not need the next",
            Self::Units { .. } => {
                "both must be of one dimension; a bare number has none, but 0 fits every unit"
            }
            Self::WrongUnit { .. } => "change the units, or the expression",
            Self::NotANumber => "choose numbers by it: if(condition, a, b)",
            Self::NotACondition => "compare it with something: x > 0",
            Self::Equality => "compare with < or >",
            Self::NoName { .. } => "a letter, then letters, digits and _",
            Self::Taken { .. } => "choose another name",
            Self::NoState => "declare one under [states]: hare = 30",
            Self::NoEquation { .. } => {
                "write its rate of change under [equations]; \"0\" if it stays"
            }
            Self::NotATrigger => "such as when = \"height < 0\"",
            Self::JumpingTrigger => "write an event for each case",
            Self::JumpingChoice => {
                "put it outside: if(condition, max(a, 0), max(b, 0)) for max(if(condition, a, b), 0)"
            }
            Self::MovingTime => "use when = \"...\" for what depends on states",
            Self::Event { .. } => "docs/equations.md says what an event may be",
            Self::Time { .. } => "times ascend from the start",
            _ => "change it",
        }
    }

    /// A stable name of its kind.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownName { .. } | Self::UnknownFunction { .. } | Self::NotAState { .. } => {
                "cotangent::equations::unknown_name"
            }
            Self::Arity { .. } => "cotangent::equations::arity",
            Self::Cycle { .. } => "cotangent::equations::cycle",
            Self::Units { .. } | Self::WrongUnit { .. } | Self::Unit(_) => {
                "cotangent::equations::unit"
            }
            Self::NotANumber | Self::NotACondition | Self::Equality => {
                "cotangent::equations::condition"
            }
            Self::NoName { .. } | Self::Taken { .. } => "cotangent::equations::name",
            Self::NoState | Self::NoEquation { .. } => "cotangent::equations::state",
            Self::NotATrigger
            | Self::JumpingTrigger
            | Self::JumpingChoice
            | Self::MovingTime
            | Self::Event { .. } => "cotangent::equations::event",
            Self::Time { .. } => "cotangent::equations::time",
            Self::Value { .. } => "cotangent::equations::value",
            _ => "cotangent::equations::syntax",
        }
    }
}

/// The nearest of `names`, where one is near enough to be what was meant.
pub(crate) fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let length = name.chars().count();
    let allowed = |n: &str| 1 + n.len() / 3;
    let close = |n: &&str| length.abs_diff(n.chars().count()) <= allowed(n);
    let scored = names.into_iter().filter(close).map(|n| (strsim::osa_distance(name, n), n));
    let near = scored.filter(|(d, n)| *d <= allowed(n) && *d < length).min();
    near.map(|(_, n)| n.to_owned())
}
