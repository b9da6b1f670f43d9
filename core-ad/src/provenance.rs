//! Where a NaN or an infinity came from.
//!
//! A [`Traced`] number is an `f64` that remembers the first operation, with its source line, that made it not finite out of
//! finite operands. It is an ordinary scalar, so it runs under duals and under the tape, whose partial derivatives then
//! remember as well: a gradient that is not finite names the line of the model whose derivative has the pole.

use std::array;
use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};
use std::panic::Location;

use crate::api::{VectorFn, vjp};
use crate::dual::Dual;
use crate::real::{Num, Real, sum_by_addition};
use crate::rule::{Rule, SliceRule};

/// The operation that first made a number not finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Origin {
    /// Its name.
    pub operation: &'static str,
    /// Its operands; the second is absent where there is one.
    pub operands: (f64, Option<f64>),
    /// What it gave.
    pub result: f64,
    /// Where it stands in the source.
    pub location: &'static Location<'static>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, operands: (a, b), result, location } = self;
        match b {
            Some(b) => write!(f, "{operation}({a}, {b}) = {result} at {location}"),
            None => write!(f, "{operation}({a}) = {result} at {location}"),
        }
    }
}

/// An `f64` with the [`Origin`] of what is not finite in it.
#[derive(Clone, Copy)]
pub struct Traced {
    value: f64,
    origin: Option<Origin>,
}

impl fmt::Debug for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.value)
    }
}

impl Traced {
    /// A number without a history; one that is not finite has no origin.
    pub fn new(value: f64) -> Self {
        Self { value, origin: None }
    }

    /// The number.
    pub fn value(self) -> f64 {
        self.value
    }

    /// What made it not finite.
    pub fn origin(self) -> Option<Origin> {
        self.origin
    }

    #[track_caller]
    fn made(operation: &'static str, a: Self, b: Option<Self>, result: f64) -> Self {
        let inherited = a.origin.or(b.and_then(|b| b.origin));
        // not inside of a closure, which would be the caller itself
        let location = Location::caller();
        let operands = (a.value, b.map(|b| b.value));
        let fresh = Origin { operation, operands, result, location };
        let origin = if result.is_finite() { None } else { Some(inherited.unwrap_or(fresh)) };
        Self { value: result, origin }
    }
}

/// What is not finite in a function's values or derivatives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NonFinite {
    /// Input `index` was given so.
    Input {
        /// Which.
        index: usize,
    },
    /// A value.
    Value {
        /// Which output.
        index: usize,
        /// What made it, where an operation did.
        origin: Option<Origin>,
    },
    /// A derivative of the sum of outputs.
    Derivative {
        /// By which input.
        index: usize,
        /// What made it: an operation of the derivative, at the line of the model that it is the derivative of.
        origin: Option<Origin>,
    },
    /// A second derivative of the sum of outputs, along a direction.
    SecondDerivative {
        /// By which input.
        index: usize,
        /// What made it, as for a derivative.
        origin: Option<Origin>,
    },
}

impl fmt::Display for NonFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = |f: &mut fmt::Formatter<'_>, origin: &Option<Origin>| match origin {
            Some(origin) => write!(f, ": {origin}"),
            None => write!(f, ": given as a constant"),
        };
        match self {
            Self::Input { index } => write!(f, "input {index} is not finite"),
            Self::Value { index, origin } => {
                write!(f, "output {index} is not finite").and_then(|()| told(f, origin))
            }
            Self::Derivative { index, origin } => {
                write!(f, "the derivative by input {index} is not finite")
                    .and_then(|()| told(f, origin))
            }
            Self::SecondDerivative { index, origin } => {
                write!(f, "the second derivative by input {index} is not finite")
                    .and_then(|()| told(f, origin))
            }
        }
    }
}

/// The first thing that is not finite in the values and the reverse derivatives of `f` at `x`.
///
/// ```
/// use cotangent_ad::{Num, Real, VectorFn, provenance::{NonFinite, find}};
/// struct Distance;
/// impl VectorFn for Distance {
///     fn call<R: Real>(&self, x: &[R]) -> Vec<R> {
///         let along = x[0] + x[1];
///         vec![along.sqrt()] // its derivative has a pole at 0
///     }
/// }
/// let Some(NonFinite::Derivative { origin: Some(origin), .. }) = find(&Distance, &[0.0, 0.0]) else {
///     panic!("a pole")
/// };
/// assert_eq!(origin.operands.0, 0.0);
/// assert!(origin.location.file().ends_with(".rs") && find(&Distance, &[3.0, 4.0]).is_none());
/// ```
pub fn find(f: &impl VectorFn, x: &[f64]) -> Option<NonFinite> {
    if let Some(index) = x.iter().position(|x| !x.is_finite()) {
        return Some(NonFinite::Input { index });
    }
    let traced: Vec<Traced> = x.iter().map(|x| Traced::new(*x)).collect();
    let bad = |v: &[Traced]| {
        v.iter().position(|v| !v.value.is_finite()).map(|index| (index, v[index].origin))
    };
    if let Some((index, origin)) = bad(&f.call(&traced)) {
        return Some(NonFinite::Value { index, origin });
    }
    let outputs = f.call(&traced).len();
    let (_, x_bar) = vjp(|x| f.call(x), &traced, &vec![Traced::new(1.0); outputs]);
    bad(&x_bar).map(|(index, origin)| NonFinite::Derivative { index, origin })
}

/// The first thing that is not finite in the values, the derivatives, and the second derivatives along `v` of `f` at `x`.
///
/// ```
/// use cotangent_ad::{Num, Real, VectorFn, provenance::{NonFinite, find_second}};
/// struct Squared;
/// impl VectorFn for Squared {
///     fn call<R: Real>(&self, x: &[R]) -> Vec<R> {
///         let r = x[0].hypot(x[1]); // a kink at the origin
///         vec![r * r]
///     }
/// }
/// let found = find_second(&Squared, &[0.0, 0.0], &[1.0, 0.0]);
/// assert!(matches!(found, Some(NonFinite::SecondDerivative { index: 0, .. })));
/// ```
///
/// # Panics
/// Where `x` and `v` differ in length.
pub fn find_second(f: &impl VectorFn, x: &[f64], v: &[f64]) -> Option<NonFinite> {
    assert_eq!(x.len(), v.len(), "one component of the direction an input");
    if let Some(found) = find(f, x) {
        return Some(found);
    }
    let moving: Vec<Dual<Traced, 1>> = x
        .iter()
        .zip(v)
        .map(|(x, v)| Dual { re: Traced::new(*x), eps: [Traced::new(*v)] })
        .collect();
    let outputs = f.call(&moving).len();
    let (_, x_bar) = vjp(|x| f.call(x), &moving, &vec![Dual::lit(1.0); outputs]);
    let index = x_bar.iter().position(|g| !g.eps[0].value.is_finite())?;
    Some(NonFinite::SecondDerivative { index, origin: x_bar[index].eps[0].origin })
}

impl PartialEq for Traced {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl PartialOrd for Traced {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl PartialEq<f64> for Traced {
    fn eq(&self, other: &f64) -> bool {
        self.value == *other
    }
}

impl PartialOrd<f64> for Traced {
    fn partial_cmp(&self, other: &f64) -> Option<Ordering> {
        self.value.partial_cmp(other)
    }
}

sum_by_addition!([] Traced;);

impl Neg for Traced {
    type Output = Self;
    fn neg(self) -> Self {
        Self { value: -self.value, ..self }
    }
}

macro_rules! arithmetic {
    ($($op:ident $method:ident $assign:ident $assigning:ident $name:literal;)*) => { $(
        impl $op for Traced {
            type Output = Self;
            #[track_caller]
            fn $method(self, other: Self) -> Self {
                Self::made($name, self, Some(other), self.value.$method(other.value))
            }
        }
        impl $op<f64> for Traced {
            type Output = Self;
            #[track_caller]
            fn $method(self, other: f64) -> Self {
                Self::made($name, self, Some(Self::new(other)), self.value.$method(other))
            }
        }
        impl $assign for Traced {
            #[track_caller]
            fn $assigning(&mut self, other: Self) {
                *self = self.$method(other);
            }
        }
    )* };
}
arithmetic! {
    Add add AddAssign add_assign "add";
    Sub sub SubAssign sub_assign "sub";
    Mul mul MulAssign mul_assign "mul";
    Div div DivAssign div_assign "div";
}

macro_rules! unary {
    ($($name:ident),*) => { $(
        #[track_caller]
        fn $name(self) -> Self {
            Self::made(stringify!($name), self, None, Num::$name(self.value))
        }
    )* };
}

macro_rules! binary {
    ($($name:ident),*) => { $(
        #[track_caller]
        fn $name(self, other: Self) -> Self {
            Self::made(stringify!($name), self, Some(other), self.value.$name(other.value))
        }
    )* };
}

impl Num for Traced {
    fn lit(v: f64) -> Self {
        Self::new(v)
    }
    fn is_constant_zero(&self) -> bool {
        self.value == 0.0
    }
    unary! {
        sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, asinh, acosh, atanh, exp, exp_m1, ln, ln_1p, sqrt, cbrt,
        recip, abs, sign
    }
    binary!(powf, atan2, hypot);
    const ORDER: usize = 0;
    fn known(&self) -> Option<f64> {
        Some(self.value)
    }
    fn is_sound(&self) -> bool {
        self.value.is_finite()
    }
    fn undifferentiable(self) -> Self {
        self
    }
    #[track_caller]
    fn power_log(self, p: Self, k: u8) -> Self {
        Self::made("power_log", self, Some(p), self.value.power_log(p.value, k))
    }
    #[track_caller]
    fn powi(self, n: i32) -> Self {
        let exponent = Self::new(f64::from(n));
        Self::made("powi", self, Some(exponent), self.value.powi(n))
    }
}

impl Real for Traced {
    fn concrete(self) -> f64 {
        self.value
    }

    #[track_caller]
    fn rule<const I: usize, const O: usize, U: Rule<I, O>>(rule: &U, x: [Self; I]) -> [Self; O] {
        let y = rule.primal(x.map(|x| x.value));
        let out = outputs::<U>(&x, &y);
        array::from_fn(|k| out[k])
    }

    #[track_caller]
    fn slice_rule<U: SliceRule>(rule: &U, x: &[Self]) -> Result<Vec<Self>, U::Error> {
        let values: Vec<f64> = x.iter().map(|x| x.value).collect();
        Ok(outputs::<U>(x, &rule.primal(&values)?))
    }
}

/// The outputs of a rule: it is named by its type, and its operands by the first.
#[track_caller]
fn outputs<U>(x: &[Traced], y: &[f64]) -> Vec<Traced> {
    let first = x.iter().find(|x| x.origin.is_some()).or(x.first()).copied();
    let first = first.unwrap_or(Traced::new(0.0));
    let mut out = Vec::with_capacity(y.len());
    for y in y {
        out.push(Traced::made(std::any::type_name::<U>(), first, None, *y));
    }
    out
}
