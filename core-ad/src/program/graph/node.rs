//! What a node computes, and what a branch asks.

use crate::real::{Num, Real};
use crate::rules::unary_table;

/// Number of a node: operands come before their users.
pub(in crate::program) type Id = u32;

macro_rules! define_unary {
    ($($name:ident: |$x:ident, $y:ident| $partial:expr;)*) => {
        /// Functions of one argument: those of the table of partials, and three without an entry there.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[expect(non_camel_case_types, reason = "named as the table names them")]
        pub(in crate::program) enum Unary { neg, sign, abs, $($name),* }

        impl Unary {
            /// The value.
            #[inline(always)]
            pub(in crate::program) fn value<T: Num>(self, x: T) -> T {
                match self {
                    Self::neg => -x,
                    Self::sign => x.sign(),
                    Self::abs => x.abs(),
                    $(Self::$name => x.$name(),)*
                }
            }

            /// The derivative by the table; none where it is zero everywhere.
            pub(in crate::program) fn partial<T: Num>(self, x: T, y: T) -> Option<T> {
                match self {
                    Self::neg => Some(T::lit(-1.0)),
                    Self::sign => None,
                    Self::abs => Some(x.sign()),
                    $(Self::$name => { let ($x, $y) = (x, y); Some($partial) })*
                }
            }

            /// The function of a name.
            pub(in crate::program) fn by_name(name: &str) -> Option<Self> {
                match name {
                    "neg" => Some(Self::neg),
                    "sign" => Some(Self::sign),
                    "abs" => Some(Self::abs),
                    $(stringify!($name) => Some(Self::$name),)*
                    _ => None,
                }
            }

            pub(in crate::program) fn name(self) -> &'static str {
                match self {
                    Self::neg => "neg",
                    Self::sign => "sign",
                    Self::abs => "abs",
                    $(Self::$name => stringify!($name),)*
                }
            }
        }
    };
}
unary_table!(define_unary);

impl Unary {
    /// Whether the derivative is finite wherever the argument is, up to overflow.
    pub(in crate::program) fn is_smooth(self) -> bool {
        matches!(
            self,
            Self::neg
                | Self::sin
                | Self::cos
                | Self::atan
                | Self::sinh
                | Self::cosh
                | Self::tanh
                | Self::asinh
                | Self::exp
                | Self::exp_m1
                | Self::abs
        )
    }

    /// Whether replays have vector code for it, which may differ from `f64`'s in the last bits.
    pub(in crate::program) fn has_vector_code(self) -> bool {
        matches!(self, Self::exp | Self::ln | Self::sin | Self::cos | Self::tanh)
    }
}

/// Functions of two arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::program) enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    /// `a^b ln^k a`.
    PowerLog(u8),
    Atan2,
    Hypot,
    /// The larger.
    Max,
    /// The smaller.
    Min,
    /// What a maximum takes of its first operand: 0 where the second is larger, 1/2 where they tie, else 1.
    Share,
    /// The second, and exactly 0 where the first is 0, whatever the second.
    Gated,
    /// The quotient, and exactly 0 where the divisor is 0.
    OverNorm,
}

impl Binary {
    /// A number of its own, above those of the functions of one argument.
    pub(in crate::program) fn code(self) -> u32 {
        match self {
            Self::Add => 64,
            Self::Sub => 65,
            Self::Mul => 66,
            Self::Div => 67,
            Self::Atan2 => 68,
            Self::Hypot => 69,
            Self::Max => 70,
            Self::Min => 71,
            // 72, 73 and 75 were others once
            Self::OverNorm => 74,
            Self::Gated => 76,
            Self::Share => 77,
            Self::PowerLog(k) => 256 + u32::from(k),
        }
    }

    /// The operation of such a number.
    pub(in crate::program) fn by_code(code: u32) -> Option<Self> {
        const NAMED: [Binary; 11] = [
            Binary::Add,
            Binary::Sub,
            Binary::Mul,
            Binary::Div,
            Binary::Atan2,
            Binary::Hypot,
            Binary::Max,
            Binary::Min,
            Binary::OverNorm,
            Binary::Gated,
            Binary::Share,
        ];
        match code.checked_sub(256) {
            Some(k) => u8::try_from(k).ok().map(Self::PowerLog),
            None => NAMED.into_iter().find(|op| op.code() == code),
        }
    }
}

/// One value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::program) enum Node {
    Input(u32),
    /// Bits of an `f64`.
    Constant(u64),
    Unary(Unary, Id),
    Binary(Binary, Id, Id),
    Power(Id, i32),
    /// An output of a rule's call.
    Output {
        call: u32,
        output: u32,
    },
}

impl Node {
    /// The operands, those of calls aside.
    pub(in crate::program) fn operands(self) -> [Option<Id>; 2] {
        match self {
            Self::Input(_) | Self::Constant(_) | Self::Output { .. } => [None; 2],
            Self::Unary(_, a) | Self::Power(a, _) => [Some(a), None],
            Self::Binary(_, a, b) => [Some(a), Some(b)],
        }
    }
}

/// What a branch of the recorded code asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::program) enum Relation {
    Less,
    LessOrEqual,
    Equal,
}

impl Relation {
    pub(in crate::program) fn holds(self, a: f64, b: f64) -> bool {
        match self {
            Self::Less => a < b,
            Self::LessOrEqual => a <= b,
            #[expect(clippy::float_cmp, reason = "the recorded code compared exactly")]
            Self::Equal => a == b,
        }
    }
}

/// A function of two arguments in `f64`.
pub(in crate::program) fn evaluate(op: Binary, a: f64, b: f64) -> f64 {
    match op {
        Binary::Add => a + b,
        Binary::Sub => a - b,
        Binary::Div => a / b,
        Binary::PowerLog(k) => a.power_log(b, k),
        Binary::Atan2 => a.atan2(b),
        Binary::Hypot => a.hypot(b),
        Binary::Max => Real::max(a, b),
        Binary::Min => Real::min(a, b),
        Binary::Share if a < b => 0.0,
        Binary::Share => {
            if a - b == 0.0 {
                0.5
            } else {
                1.0
            }
        }
        Binary::Mul => a * b,
        Binary::Gated => {
            if a == 0.0 {
                0.0
            } else {
                b
            }
        }
        Binary::OverNorm => a.over_norm(b),
    }
}
