//! Which outputs depend on which inputs.

use std::array;
use std::cmp::Ordering;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Range, Sub, SubAssign};
use std::sync::Arc;

use crate::api::{VectorFn, grad};
use crate::real::{Num, Real, sum_by_addition};
use crate::rule::{Rule, SliceRule};
use crate::tape::Var;

/// Words of 64 inputs that a number carries; larger functions are called once for every such group.
const WORDS: usize = 4;
const GROUP: usize = 64 * WORDS;

/// A function of many inputs and one output, written once over [`Real`].
pub trait ScalarFn {
    /// The value at `x`.
    fn call<R: Real>(&self, x: &[R]) -> R;
}

/// The places of a sparse matrix, row by row, columns ascending. A clone shares them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    cols: usize,
    starts: Arc<[usize]>,
    columns: Arc<[usize]>,
}

impl Pattern {
    /// From the columns of each row, ascending.
    ///
    /// # Panics
    /// Where they are not, or a column is not below `cols`.
    pub fn new(cols: usize, rows: &[Vec<usize>]) -> Self {
        let sorted = |row: &Vec<usize>| {
            row.windows(2).all(|w| w[0] < w[1]) && row.last().is_none_or(|j| *j < cols)
        };
        assert!(rows.iter().all(sorted), "ascending columns below {cols}");
        let mut starts = vec![0];
        starts.extend(rows.iter().scan(0, |end, row| {
            *end += row.len();
            Some(*end)
        }));
        Self { cols, starts: starts.into(), columns: rows.concat().into() }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Number of entries.
    pub fn entries(&self) -> usize {
        self.columns.len()
    }

    /// Columns of row `i`.
    pub fn row(&self, i: usize) -> &[usize] {
        &self.columns[self.range(i)]
    }

    /// Where row `i` stands among all entries.
    pub fn range(&self, i: usize) -> Range<usize> {
        self.starts[i]..self.starts[i + 1]
    }
}

/// A value and the set of inputs that it was computed from.
#[derive(Clone, Copy, Debug)]
struct Footprint {
    value: f64,
    inputs: [u64; WORDS],
}

impl Footprint {
    fn konst(value: f64) -> Self {
        Self { value, inputs: [0; WORDS] }
    }

    fn union(self, other: Self) -> [u64; WORDS] {
        array::from_fn(|k| self.inputs[k] | other.inputs[k])
    }

    /// The numbers of the group that starts at `first`.
    fn members(self, first: usize) -> impl Iterator<Item = usize> {
        (0..GROUP).filter(move |j| self.inputs[j / 64] >> (j % 64) & 1 == 1).map(move |j| first + j)
    }
}

/// The inputs that each output of `f` depends on, group by group.
fn dependencies(x: &[f64], f: impl Fn(&[Footprint]) -> Vec<Footprint>) -> Vec<Vec<usize>> {
    let mut rows: Vec<Vec<usize>> = Vec::new();
    for first in (0..x.len().max(1)).step_by(GROUP) {
        let mark = |(j, x): (usize, &f64)| {
            let mut marked = Footprint::konst(*x);
            if let Some(j) = j.checked_sub(first).filter(|j| *j < GROUP) {
                marked.inputs[j / 64] = 1 << (j % 64);
            }
            marked
        };
        let marked: Vec<Footprint> = x.iter().enumerate().map(mark).collect();
        let y = f(&marked);
        rows.resize(y.len(), Vec::new());
        rows.iter_mut().zip(y).for_each(|(row, y)| row.extend(y.members(first)));
    }
    rows
}

/// The pattern of the Jacobian of `f` on the branches that it takes at `x`.
///
/// A derivative that happens to be zero there is an entry; an output of a rule depends on every input of the rule.
pub fn jacobian_pattern(f: &impl VectorFn, x: &[f64]) -> Pattern {
    Pattern::new(x.len(), &dependencies(x, |x| f.call(x)))
}

/// The pattern of the Hessian of `f` on the branches that it takes at `x`: what each entry of its gradient depends on.
pub fn hessian_pattern(f: &impl ScalarFn, x: &[f64]) -> Pattern {
    let mut rows = dependencies(x, |x| grad(|x: &[Var<Footprint>]| f.call(x), x));
    for (i, j) in rows
        .iter()
        .enumerate()
        .flat_map(|(i, row)| row.iter().map(move |j| (i, *j)))
        .collect::<Vec<_>>()
    {
        if let Err(at) = rows[j].binary_search(&i) {
            rows[j].insert(at, i);
        }
    }
    Pattern::new(x.len(), &rows)
}

impl PartialEq for Footprint {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl PartialOrd for Footprint {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl PartialEq<f64> for Footprint {
    fn eq(&self, other: &f64) -> bool {
        self.value == *other
    }
}

impl PartialOrd<f64> for Footprint {
    fn partial_cmp(&self, other: &f64) -> Option<Ordering> {
        self.value.partial_cmp(other)
    }
}

sum_by_addition!([] Footprint;);

impl Neg for Footprint {
    type Output = Self;
    fn neg(self) -> Self {
        Self { value: -self.value, ..self }
    }
}

macro_rules! arithmetic {
    ($($op:ident $method:ident $assign:ident $assigning:ident;)*) => { $(
        impl $op for Footprint {
            type Output = Self;
            fn $method(self, other: Self) -> Self {
                Self { value: self.value.$method(other.value), inputs: self.union(other) }
            }
        }
        impl $op<f64> for Footprint {
            type Output = Self;
            fn $method(self, other: f64) -> Self {
                Self { value: self.value.$method(other), ..self }
            }
        }
        impl $assign for Footprint {
            fn $assigning(&mut self, other: Self) {
                *self = self.$method(other);
            }
        }
    )* };
}
arithmetic! {
    Add add AddAssign add_assign;
    Sub sub SubAssign sub_assign;
    Mul mul MulAssign mul_assign;
    Div div DivAssign div_assign;
}

macro_rules! functions {
    (unary $($name:ident),*; binary $($other:ident),*) => {
        $(
            fn $name(self) -> Self {
                Self { value: Num::$name(self.value), ..self }
            }
        )*
        $(
            fn $other(self, other: Self) -> Self {
                Self { value: self.value.$other(other.value), inputs: self.union(other) }
            }
        )*
    };
}

impl Num for Footprint {
    fn lit(v: f64) -> Self {
        Self::konst(v)
    }
    fn is_constant_zero(&self) -> bool {
        self.value == 0.0 && self.inputs == [0; WORDS]
    }
    functions! {
        unary sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, asinh, acosh, atanh, exp, exp_m1, ln, ln_1p, sqrt,
            cbrt, recip, abs;
        binary powf, atan2, hypot, over_norm
    }
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
    fn power_log(self, p: Self, k: u8) -> Self {
        Self { value: self.value.power_log(p.value, k), inputs: self.union(p) }
    }
    /// Piecewise constant: it depends on nothing.
    fn sign(self) -> Self {
        Self::konst(Num::sign(self.value))
    }
    fn powi(self, n: i32) -> Self {
        if n == 0 { Self::konst(1.0) } else { Self { value: self.value.powi(n), ..self } }
    }
}

/// Every output depends on every input.
fn through(x: &[Footprint], y: &[f64]) -> Vec<Footprint> {
    let all = x.iter().fold([0; WORDS], |all, x| x.union(Footprint { value: 0.0, inputs: all }));
    y.iter().map(|y| Footprint { value: *y, inputs: all }).collect()
}

impl Real for Footprint {
    fn concrete(self) -> f64 {
        self.value
    }

    fn rule<const I: usize, const O: usize, U: Rule<I, O>>(rule: &U, x: [Self; I]) -> [Self; O] {
        let out = through(&x, &rule.primal(x.map(|x| x.value)));
        array::from_fn(|k| out[k])
    }

    fn slice_rule<U: SliceRule>(rule: &U, x: &[Self]) -> Result<Vec<Self>, U::Error> {
        let values: Vec<f64> = x.iter().map(|x| x.value).collect();
        Ok(through(x, &rule.primal(&values)?))
    }
}
