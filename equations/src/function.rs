//! The functions that an expression may call.

use cotangent_ad::Real;

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unary {
    Negative,
    Exp,
    Expm1,
    Log,
    Log1p,
    Sqrt,
    Cbrt,
    Abs,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
}

/// A function of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Min,
    Max,
    Atan2,
    Hypot,
}

/// What a name followed by a bracket means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Function {
    /// Of one pure number; the result is one.
    Pure(Unary),
    /// The magnitude, in the unit of its argument.
    Abs,
    /// Argument to the power of one over this.
    Root(Unary, f64),
    /// The decimal logarithm.
    Log10,
    /// The least or greatest of two or more, in their common unit.
    Extreme(Binary),
    /// Of two numbers of one unit; an angle.
    Atan2,
    /// Of two numbers of one unit, in that unit.
    Hypot,
    /// `if(condition, a, b)`.
    If,
}

const FUNCTIONS: &[(&str, Function)] = &[
    ("exp", Function::Pure(Unary::Exp)),
    ("expm1", Function::Pure(Unary::Expm1)),
    ("log", Function::Pure(Unary::Log)),
    ("ln", Function::Pure(Unary::Log)),
    ("log1p", Function::Pure(Unary::Log1p)),
    ("log10", Function::Log10),
    ("sqrt", Function::Root(Unary::Sqrt, 2.0)),
    ("cbrt", Function::Root(Unary::Cbrt, 3.0)),
    ("abs", Function::Abs),
    ("sin", Function::Pure(Unary::Sin)),
    ("cos", Function::Pure(Unary::Cos)),
    ("tan", Function::Pure(Unary::Tan)),
    ("asin", Function::Pure(Unary::Asin)),
    ("acos", Function::Pure(Unary::Acos)),
    ("atan", Function::Pure(Unary::Atan)),
    ("sinh", Function::Pure(Unary::Sinh)),
    ("cosh", Function::Pure(Unary::Cosh)),
    ("tanh", Function::Pure(Unary::Tanh)),
    ("min", Function::Extreme(Binary::Min)),
    ("max", Function::Extreme(Binary::Max)),
    ("atan2", Function::Atan2),
    ("hypot", Function::Hypot),
    ("if", Function::If),
];

impl Function {
    /// The function of a name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        FUNCTIONS.iter().find(|(n, _)| *n == name).map(|(_, f)| *f)
    }

    /// How many arguments it takes: least, most, and both in words.
    pub(crate) fn arity(self) -> (usize, usize, &'static str) {
        match self {
            Self::Pure(_) | Self::Abs | Self::Root(..) | Self::Log10 => (1, 1, "one argument"),
            Self::Atan2 | Self::Hypot => (2, 2, "two arguments"),
            Self::Extreme(_) => (2, usize::MAX, "two or more arguments"),
            Self::If => (3, 3, "three arguments: a condition and two numbers"),
        }
    }
}

/// The names of all functions.
pub(crate) fn names() -> Vec<&'static str> {
    FUNCTIONS.iter().map(|(n, _)| *n).collect()
}

impl Unary {
    pub(crate) fn of<R: Real>(self, x: R) -> R {
        match self {
            Self::Negative => -x,
            Self::Exp => x.exp(),
            Self::Expm1 => x.exp_m1(),
            Self::Log => x.ln(),
            Self::Log1p => x.ln_1p(),
            Self::Sqrt => x.sqrt(),
            Self::Cbrt => x.cbrt(),
            Self::Abs => x.abs(),
            Self::Sin => x.sin(),
            Self::Cos => x.cos(),
            Self::Tan => x.tan(),
            Self::Asin => x.asin(),
            Self::Acos => x.acos(),
            Self::Atan => x.atan(),
            Self::Sinh => x.sinh(),
            Self::Cosh => x.cosh(),
            Self::Tanh => x.tanh(),
        }
    }
}

impl Binary {
    pub(crate) fn of<R: Real>(self, a: R, b: R) -> R {
        match self {
            Self::Add => a + b,
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            Self::Divide => a / b,
            Self::Power => a.powf(b),
            Self::Min => a.min(b),
            Self::Max => a.max(b),
            Self::Atan2 => a.atan2(b),
            Self::Hypot => a.hypot(b),
        }
    }
}
