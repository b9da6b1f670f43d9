//! The handle that user code computes with.

use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};
use std::ptr;

use super::scan::record_scan;
use super::slice_scan::record_slice_scan;
use super::{Arena, Statement};
use crate::checkpoint::ScanOptions;
use crate::map::Kernel;
use crate::real::{Num, Real, number, sum_by_addition};
use crate::rule::{DerivativeFailure, Rule, SliceRule};
use crate::rules::{
    along, arithmetic_table, binary_table, integer_power, is_singular, power_by_base,
    unary_table_but_circles,
};
use crate::scan::{NotEnded, SliceStep, Step};

/// A value on a tape: a `Copy` handle without lifetime. See [`crate::tape`].
///
/// It is a function of one statement, whose derivative `weight` it carries: functions of one active argument scale the
/// weight and record nothing. Constants ([`Num::lit`], [`Var::konst`]) belong to no session.
#[derive(Clone, Copy)]
pub struct Var<T: Num> {
    arena: Option<&'static Arena<T>>,
    generation: u32,
    id: u32,
    value: T,
    /// Derivative of the value by the statement `id`.
    weight: T,
}

/// The generation of a number that belongs to no tape and is a literal.
const LITERAL: u32 = 1;

impl<T: Num> fmt::Debug for Var<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Var({:?})", self.value)
    }
}

impl<T: Num> Var<T> {
    /// A constant. How an outer variable enters an inner recording.
    #[inline]
    pub fn konst(value: T) -> Self {
        Self { arena: None, generation: 0, id: 0, value, weight: T::lit(0.0) }
    }

    /// The value.
    #[inline]
    pub fn value(self) -> T {
        self.value
    }

    /// Appends a statement.
    #[expect(clippy::inline_always, reason = "a handle must stay in registers")]
    #[inline(always)]
    pub(super) fn recorded(arena: &'static Arena<T>, statement: Statement<T>, value: T) -> Self {
        let mut nodes = arena.nodes.borrow_mut();
        let id = nodes.statements.len();
        nodes.statements.push(statement);
        Self::of_statement(arena, id, value)
    }

    /// The value of statement `id`.
    #[expect(clippy::inline_always, reason = "a handle must stay in registers")]
    #[inline(always)]
    pub(super) fn of_statement(arena: &'static Arena<T>, id: usize, value: T) -> Self {
        let (generation, id) = (arena.generation.get(), tape_index(id));
        Self { arena: Some(arena), generation, id, value, weight: T::lit(1.0) }
    }

    /// Whether it depends on an input.
    #[inline]
    pub(super) fn is_active(&self) -> bool {
        self.arena.is_some()
    }

    /// Zero if it is a function of statement `id` of the recording of `arena`.
    #[inline]
    pub(super) fn differs_from(&self, arena: &'static Arena<T>, id: u32) -> usize {
        let address = self.arena.map_or(0, |own| ptr::from_ref(own).addr());
        let numbers = (self.generation ^ arena.generation.get()) | (self.id ^ id);
        (address ^ ptr::from_ref(arena).addr()) | numbers as usize
    }

    /// Its number on `arena`; 0 for a constant.
    pub(super) fn id_in(&self, arena: &'static Arena<T>) -> u32 {
        if let Some(own) = self.checked_arena() {
            assert!(ptr::eq(own, arena), "this Var belongs to another session");
        }
        self.id
    }

    #[expect(clippy::inline_always, reason = "a handle must stay in registers")]
    #[inline(always)]
    pub(super) fn checked_arena(&self) -> Option<&'static Arena<T>> {
        if let Some(arena) = self.arena {
            assert!(
                arena.generation.get() == self.generation,
                "a Var was used after its session ended"
            );
        }
        self.arena
    }

    /// Its statement, of whatever arena.
    #[inline]
    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// Its derivative by its statement.
    #[inline]
    pub(super) fn weight(&self) -> T {
        self.weight
    }

    /// Its statement on `arena` and its derivative by it.
    pub(super) fn node_in(&self, arena: &'static Arena<T>) -> (usize, T) {
        (self.id_in(arena) as usize, self.weight)
    }

    #[expect(clippy::inline_always, reason = "a handle must stay in registers")]
    #[inline(always)]
    #[track_caller]
    fn unary(self, value: T, partial: T) -> Self {
        if self.checked_arena().is_none() {
            return self.made_of_constants(value, true);
        }
        let singular = is_singular(value, partial);
        let value = if singular { value.undifferentiable() } else { value };
        Self { value, weight: along(self.weight, partial), ..self }
    }

    /// `|self|` at 0 within a second derivative.
    #[cold]
    #[track_caller]
    fn size_at_zero(self) -> Self {
        match self.value.heading() {
            side if side > 0.0 => self,
            side if side < 0.0 => -self,
            _ if self.checked_arena().is_none() => self.made_of_constants(self.value.abs(), true),
            // a tangent of 0 may be that of a square, or of its negative: the slope is 0 by convention, and has no derivative
            _ => {
                let slope = (self.value * 0.0).undifferentiable();
                let value = self.value.abs();
                Self { value, weight: along(self.weight, slope), ..self }
            }
        }
    }

    /// A function of two: only the derivative by an active operand is computed.
    #[expect(clippy::inline_always, reason = "a handle must stay in registers")]
    #[inline(always)]
    #[track_caller]
    fn binary(
        self,
        other: Self,
        value: T,
        by_self: impl FnOnce() -> T,
        by_other: impl FnOnce() -> T,
    ) -> Self {
        match (self.checked_arena(), other.checked_arena()) {
            (Some(arena), Some(other_arena)) => {
                assert!(ptr::eq(arena, other_arena), "Vars of two sessions meet in one operation");
                let (by_self, by_other) = (by_self(), by_other());
                let singular = is_singular(value, by_self) || is_singular(value, by_other);
                let value = if singular { value.undifferentiable() } else { value };
                let partials = [along(self.weight, by_self), along(other.weight, by_other)];
                if self.id == other.id {
                    return Self { value, weight: partials[0] + partials[1], ..self };
                }
                let arguments = [self.id, other.id];
                Self::recorded(arena, Statement { arguments, partials }, value)
            }
            (Some(_), None) => self.unary(value, by_self()),
            (None, Some(_)) => other.unary(value, by_other()),
            (None, None) => self.made_of_constants(value, other.is_literal()),
        }
    }

    /// A number of the program's text, which no derivative of any level moves.
    #[inline]
    fn literal(v: f64) -> Self {
        Self { generation: LITERAL, ..Self::konst(T::lit(v)) }
    }

    #[inline]
    fn is_literal(&self) -> bool {
        self.arena.is_none() && self.generation == LITERAL
    }

    /// A function of this constant and, where there is one, of another: of literals a literal, so that `sqrt(0)` of a number that
    /// a guard put in the place of a variable has derivatives of zero at the levels within `T` as well.
    #[inline]
    fn made_of_constants(self, value: T, other_is_literal: bool) -> Self {
        if !(self.is_literal() && other_is_literal) {
            Self::konst(value)
        } else if value.is_sound() {
            Self { generation: LITERAL, ..Self::konst(value) }
        } else {
            Self::literal(number(&value))
        }
    }

    /// Notes the first failure of a sweep for its caller.
    pub(super) fn fail(arena: Option<&'static Arena<T>>, failure: DerivativeFailure) {
        let arena = arena.expect("a block stands on an arena");
        arena.failure.borrow_mut().get_or_insert(failure);
    }
}

pub(super) fn tape_index(n: usize) -> u32 {
    u32::try_from(n).expect("a tape holds at most 2^32 statements; put the loop into a `scan`")
}

#[inline]
pub(super) fn common<T: Num>(
    a: Option<&'static Arena<T>>,
    b: Option<&'static Arena<T>>,
) -> Option<&'static Arena<T>> {
    if let (Some(a), Some(b)) = (a, b) {
        assert!(ptr::eq(a, b), "Vars of two sessions meet in one operation");
    }
    a.or(b)
}

impl<T: Num + PartialEq> PartialEq for Var<T> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Num + PartialOrd> PartialOrd for Var<T> {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<T: Num + PartialEq<f64>> PartialEq<f64> for Var<T> {
    #[inline]
    fn eq(&self, other: &f64) -> bool {
        self.value == *other
    }
}

impl<T: Num + PartialOrd<f64>> PartialOrd<f64> for Var<T> {
    #[inline]
    fn partial_cmp(&self, other: &f64) -> Option<Ordering> {
        self.value.partial_cmp(other)
    }
}

sum_by_addition!([T: Num] Var<T>;);

impl<T: Num> Neg for Var<T> {
    type Output = Self;
    #[expect(clippy::inline_always, reason = "a handle must stay in registers")]
    #[inline(always)]
    #[track_caller]
    fn neg(self) -> Self {
        self.unary(-self.value, T::lit(-1.0))
    }
}

macro_rules! arithmetic {
    ($($op:ident $method:ident $assign:ident $assigning:ident
        |$a:ident, $b:ident, $y:ident| $value:expr; $by_a:expr, $by_b:expr;)*) => { $(
        impl<T: Num> $op for Var<T> {
            type Output = Self;
            #[inline(always)]
            #[track_caller]
            fn $method(self, other: Self) -> Self {
                let ($a, $b) = (self.value, other.value);
                let $y = $value;
                self.binary(other, $y, || $by_a, || $by_b)
            }
        }
        impl<T: Num> $op<f64> for Var<T> {
            type Output = Self;
            #[inline(always)]
            #[track_caller]
            fn $method(self, other: f64) -> Self {
                self.$method(Var::lit(other))
            }
        }
        impl<T: Num> $op<Var<T>> for f64 {
            type Output = Var<T>;
            #[inline(always)]
            #[track_caller]
            fn $method(self, other: Var<T>) -> Var<T> {
                Var::lit(self).$method(other)
            }
        }
        impl<T: Num> $assign for Var<T> {
            #[inline(always)]
            #[track_caller]
            fn $assigning(&mut self, other: Self) {
                *self = self.$method(other);
            }
        }
    )* };
}
arithmetic_table!(arithmetic);

macro_rules! unary_functions {
    ($($name:ident: |$x:ident, $y:ident| $partial:expr;)*) => { $(
        #[inline]
        #[track_caller]
        fn $name(self) -> Self {
            let $x = self.value;
            let $y = $x.$name();
            self.unary($y, $partial)
        }
    )* };
}

macro_rules! binary_functions {
    ($($name:ident: |$a:ident, $b:ident, $y:ident| $by_a:expr, $by_b:expr;)*) => { $(
        #[inline]
        #[track_caller]
        fn $name(self, other: Self) -> Self {
            let ($a, $b) = (self.value, other.value);
            let $y = $a.$name($b);
            self.binary(other, $y, || $by_a, || $by_b)
        }
    )* };
}

/// Products from which on their sum is one statement.
const SMALL_SUM: usize = 4;

impl<T: Num> Num for Var<T> {
    #[inline]
    fn lit(v: f64) -> Self {
        Self::literal(v)
    }
    #[inline]
    fn is_constant_zero(&self) -> bool {
        !self.is_active() && self.value.is_constant_zero()
    }
    const ORDER: usize = T::ORDER + 1;
    #[inline]
    fn known(&self) -> Option<f64> {
        self.value.known()
    }
    #[inline]
    fn is_sound(&self) -> bool {
        self.value.is_sound() && self.weight.is_sound()
    }
    #[track_caller]
    fn undifferentiable(self) -> Self {
        let undefined = T::lit(0.0) / T::lit(0.0);
        let weight = if self.is_active() { undefined } else { self.weight };
        Self { value: self.value.undifferentiable(), weight, ..self }
    }
    unary_table_but_circles!(unary_functions);
    #[inline]
    #[track_caller]
    fn sin_cos(self) -> (Self, Self) {
        let (sin, cos) = self.value.sin_cos();
        (self.unary(sin, cos), self.unary(cos, -sin))
    }
    #[inline]
    #[track_caller]
    fn sin(self) -> Self {
        let (sin, cos) = self.value.sin_cos();
        self.unary(sin, cos)
    }
    #[inline]
    #[track_caller]
    fn cos(self) -> Self {
        let (sin, cos) = self.value.sin_cos();
        self.unary(cos, -sin)
    }
    binary_table!(binary_functions);
    fn dot(a: &[Self], b: &[Self]) -> Self {
        if a.len() < SMALL_SUM {
            return a.iter().zip(b).map(|(a, b)| *a * *b).sum();
        }
        Self::sum_of_products(a, b)
    }
    #[track_caller]
    fn power_log(self, p: Self, k: u8) -> Self {
        let (x, q) = (self.value, p.value);
        let by_base = || power_by_base(x, q, k);
        self.binary(p, x.power_log(q, k), by_base, || x.power_log(q, k + 1))
    }
    #[inline]
    #[track_caller]
    fn abs(self) -> Self {
        if T::ORDER > 0 && self.value.known() == Some(0.0) {
            return self.size_at_zero();
        }
        self.unary(self.value.abs(), self.value.slope_of_size())
    }
    #[inline]
    #[track_caller]
    fn sign(self) -> Self {
        Self::konst(self.value.sign())
    }
    #[inline]
    #[track_caller]
    fn powi(self, n: i32) -> Self {
        if n == 0 {
            return Self::lit(1.0);
        }
        self.unary(self.value.powi(n), integer_power(self.value, n))
    }
}

impl<T: Real> Real for Var<T> {
    fn scan_with<const S: usize, const P: usize, F: Step<S, P>>(
        step: &F,
        n: usize,
        state: [Self; S],
        parameters: [Self; P],
        options: &ScanOptions,
    ) -> [Self; S] {
        record_scan(step, n, state, parameters, options)
    }

    fn scan_slice<F: SliceStep>(
        step: &F,
        n: usize,
        state: &[Self],
        parameters: &[Self],
        options: &ScanOptions,
    ) -> Vec<Self> {
        record_slice_scan(step, n, state, parameters, options)
    }

    fn map_sum<const D: usize, const O: usize, K: Kernel<D, O>>(
        kernel: &K,
        items: &[[f64; D]],
        parameters: &[Self],
    ) -> [Self; O] {
        let p: Vec<T> = parameters.iter().map(|p| p.value).collect();
        let sum = T::map_sum(kernel, items, &p);
        let arena = parameters.iter().find_map(|p| p.arena);
        let (kernel, items) = (kernel.clone(), items.to_vec());
        let pull = move |y_bar: &[T], x_bar: &mut [T]| match T::map_sum_pullback(
            &kernel, &items, &p, y_bar,
        ) {
            Ok(found) => x_bar.copy_from_slice(&found),
            Err(failure) => Self::fail(arena, failure),
        };
        let block = Self::block(parameters, sum.to_vec(), Box::new(pull));
        std::array::from_fn(|k| block[k])
    }

    fn concrete(self) -> f64 {
        self.value.concrete()
    }

    fn scan_while<const S: usize, const P: usize, F: Step<S, P>>(
        step: &F,
        goes_on: impl Fn(&[Self; S], &[Self; P]) -> bool,
        most: usize,
        state: [Self; S],
        parameters: [Self; P],
        options: &ScanOptions,
    ) -> Result<([Self; S], usize), NotEnded> {
        let fixed = parameters.map(|p| Self::konst(p.value));
        let (mut at, mut steps) = (state.map(|s| Self::konst(s.value)), 0);
        while goes_on(&at, &fixed) {
            if steps == most {
                return Err(NotEnded { steps });
            }
            at = step.step(at, fixed);
            steps += 1;
        }
        Ok((record_scan(step, steps, state, parameters, options), steps))
    }

    fn rule<const I: usize, const O: usize, U: Rule<I, O>>(rule: &U, x: [Self; I]) -> [Self; O] {
        let values = x.map(|x| x.value);
        let y = T::rule(rule, values);
        if O == 1 && I <= 2 {
            // a statement is ten times cheaper than a block
            let by = rule.vjp::<T>(values, y, [T::lit(1.0); O]);
            let var = if I == 1 {
                x[0].unary(y[0], by[0])
            } else {
                x[0].binary(x[1], y[0], || by[0], || by[1])
            };
            return [var; O];
        }
        let rule = rule.clone();
        let pull = move |y_bar: &[T], x_bar: &mut [T]| {
            x_bar.copy_from_slice(&rule.vjp::<T>(values, y, std::array::from_fn(|k| y_bar[k])));
        };
        let out = Self::block(&x, y.to_vec(), Box::new(pull));
        std::array::from_fn(|k| out[k])
    }

    fn slice_rule<U: SliceRule>(rule: &U, x: &[Self]) -> Result<Vec<Self>, U::Error> {
        let values: Vec<T> = x.iter().map(|x| x.value).collect();
        let y = T::slice_rule(rule, &values)?;
        let arena = x.iter().find_map(|x| x.arena);
        let (rule, kept) = (rule.clone(), y.clone());
        let pull = move |y_bar: &[T], x_bar: &mut [T]| match rule.vjp::<T>(&values, &kept, y_bar) {
            Ok(found) => x_bar.copy_from_slice(&found),
            Err(error) => Self::fail(arena, DerivativeFailure::of::<U>(error)),
        };
        Ok(Self::block(x, y, Box::new(pull)))
    }
}
