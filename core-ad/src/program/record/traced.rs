//! The scalar that records.

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};
use std::ptr;
use std::sync::Arc;

use super::rule::TracedRule;
use crate::program::graph::{Binary, Call, Graph, Id, Node, Relation, Unary, evaluate};
use crate::real::{Num, sum_by_addition};
use crate::rules::unary_table;

/// Where a recording in progress lives; recycled, never freed, so that a handle needs no lifetime.
pub(in crate::program) struct Recorder {
    generation: Cell<u32>,
    graph: RefCell<Graph>,
}

thread_local! {
    static POOL: RefCell<Vec<&'static Recorder>> = const { RefCell::new(Vec::new()) };
}

impl Recorder {
    /// Runs `record` on a recorder that holds `graph` already, and returns what it made and the graph with it.
    pub(in crate::program) fn extend<X>(
        graph: Graph,
        record: impl FnOnce(&'static Self) -> X,
    ) -> (X, Graph) {
        let recorder = POOL.with_borrow_mut(Vec::pop).unwrap_or_else(|| {
            Box::leak(Box::new(Self { generation: Cell::new(0), graph: RefCell::default() }))
        });
        recorder.graph.replace(graph);
        let made = record(recorder);
        let graph = recorder.graph.take();
        recorder.generation.set(recorder.generation.get().wrapping_add(1));
        POOL.with_borrow_mut(|pool| pool.push(recorder));
        (made, graph)
    }

    /// A new input.
    pub(in crate::program) fn input(&'static self, value: f64) -> Traced {
        let id = self.graph.borrow_mut().input(value);
        self.handle(id, value)
    }

    /// A handle to the recorded value `id`.
    pub(in crate::program) fn value(&'static self, id: Id) -> Traced {
        let (node, value) = {
            let graph = self.graph.borrow();
            (graph.nodes[id as usize], graph.values[id as usize])
        };
        match node {
            Node::Constant(_) => Traced::konst(value),
            _ => self.handle(id, value),
        }
    }

    /// The node of a value: a constant gets one.
    pub(in crate::program) fn node(&'static self, x: Traced) -> Id {
        match x.checked() {
            None => self.graph.borrow_mut().push(Node::Constant(x.value.to_bits()), x.value),
            Some(recorder) => {
                assert!(ptr::eq(recorder, self), "values of two recordings meet");
                x.id
            }
        }
    }

    /// Notes that what is recorded from now on is a derivative.
    pub(in crate::program) fn mark_as_derivative(&self) {
        self.graph.borrow_mut().is_derivative = true;
    }

    /// What is recorded so far.
    pub(in crate::program) fn graph(&self) -> Graph {
        self.graph.borrow().clone()
    }

    fn handle(&'static self, id: Id, value: f64) -> Traced {
        Traced { recorder: Some(self), generation: self.generation.get(), id, value }
    }

    fn push(&'static self, node: Node, value: f64) -> Traced {
        let id = self.graph.borrow_mut().push(node, value);
        self.handle(id, value)
    }

    /// Records a rule's call.
    pub(in crate::program) fn call(
        &'static self,
        rule: Arc<dyn TracedRule>,
        x: &[Traced],
        y: &[f64],
    ) -> Vec<Traced> {
        let inputs = x.iter().map(|x| self.node(*x)).collect();
        let mut graph = self.graph.borrow_mut();
        let call = u32::try_from(graph.calls.len()).expect("fewer than 2^32 calls");
        let ids: Vec<Id> =
            (0..).zip(y).map(|(output, y)| graph.push(Node::Output { call, output }, *y)).collect();
        let outputs = u32::try_from(y.len()).expect("fewer than 2^32 outputs");
        graph.calls.push(Call { rule, inputs, first: ids.first().copied().unwrap_or(0), outputs });
        drop(graph);
        ids.into_iter().zip(y).map(|(id, y)| self.handle(id, *y)).collect()
    }
}

/// A value that records what is done to it: a `Copy` handle, see [`Program`](crate::program::Program).
///
/// A comparison returns what holds for the values at hand and leaves a guard in the program.
#[derive(Clone, Copy)]
pub struct Traced {
    recorder: Option<&'static Recorder>,
    generation: u32,
    id: Id,
    pub(in crate::program) value: f64,
}

impl fmt::Debug for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Traced({:?})", self.value)
    }
}

impl Traced {
    /// A constant.
    pub fn konst(value: f64) -> Self {
        Self { recorder: None, generation: 0, id: 0, value }
    }

    pub(in crate::program) fn checked(self) -> Option<&'static Recorder> {
        if let Some(recorder) = self.recorder {
            let alive = recorder.generation.get() == self.generation;
            assert!(alive, "a traced value was used after its recording ended");
        }
        self.recorder
    }

    /// Whether it is a constant of the recording.
    pub(in crate::program) fn is_konst(self) -> bool {
        self.recorder.is_none()
    }

    /// Whether both are the same recorded value.
    pub(in crate::program) fn is_same(self, other: Self) -> bool {
        self.recorder.is_some() && other.recorder.is_some() && self.id == other.id
    }

    fn is(self, v: f64) -> bool {
        self.recorder.is_none() && self.value.to_bits() == v.to_bits()
    }

    fn unary(self, op: Unary) -> Self {
        let value = op.value(self.value);
        match self.checked() {
            None => Self::konst(value),
            Some(recorder) => recorder.push(Node::Unary(op, self.id), value),
        }
    }

    /// Records `op`; the identities that are exact at every finite argument are applied.
    pub(in crate::program) fn binary(self, op: Binary, other: Self) -> Self {
        let value = evaluate(op, self.value, other.value);
        let Some(recorder) = self.checked().or(other.checked()) else {
            return Self::konst(value);
        };
        match op {
            Binary::Add if other.is(0.0) || other.is(-0.0) => return self,
            Binary::Add if self.is(0.0) || self.is(-0.0) => return other,
            Binary::Sub if other.is(0.0) => return self,
            Binary::Mul | Binary::Div if other.is(1.0) => return self,
            Binary::Mul if self.is(1.0) => return other,
            Binary::Mul if other.is(-1.0) => return -self,
            Binary::Mul if self.is(-1.0) => return -other,
            Binary::Gated if self.recorder.is_none() => {
                return if self.value == 0.0 { Self::konst(0.0) } else { other };
            }
            Binary::Gated if other.is(0.0) => return other,
            _ => {}
        }
        let (mut a, mut b) = (recorder.node(self), recorder.node(other));
        if matches!(op, Binary::Add | Binary::Mul) && a > b {
            (a, b) = (b, a);
        }
        recorder.push(Node::Binary(op, a, b), value)
    }

    pub(in crate::program) fn compare(self, relation: Relation, other: Self) -> bool {
        match self.checked().or(other.checked()) {
            None => relation.holds(self.value, other.value),
            Some(recorder) => {
                let (a, b) = (recorder.node(self), recorder.node(other));
                recorder.graph.borrow_mut().guard(relation, a, b)
            }
        }
    }
}

impl PartialEq for Traced {
    fn eq(&self, other: &Self) -> bool {
        self.compare(Relation::Equal, *other)
    }
}

impl PartialOrd for Traced {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let order = self.value.partial_cmp(&other.value);
        match order {
            Some(Ordering::Less) => self.compare(Relation::Less, *other),
            Some(Ordering::Greater) => other.compare(Relation::Less, *self),
            Some(Ordering::Equal) | None => self.compare(Relation::Equal, *other),
        };
        order
    }
    fn lt(&self, other: &Self) -> bool {
        self.compare(Relation::Less, *other)
    }
    fn le(&self, other: &Self) -> bool {
        self.compare(Relation::LessOrEqual, *other)
    }
    fn gt(&self, other: &Self) -> bool {
        other.compare(Relation::Less, *self)
    }
    fn ge(&self, other: &Self) -> bool {
        other.compare(Relation::LessOrEqual, *self)
    }
}

impl PartialEq<f64> for Traced {
    fn eq(&self, other: &f64) -> bool {
        *self == Self::konst(*other)
    }
}

impl PartialOrd<f64> for Traced {
    fn partial_cmp(&self, other: &f64) -> Option<Ordering> {
        self.partial_cmp(&Self::konst(*other))
    }
    fn lt(&self, other: &f64) -> bool {
        *self < Self::konst(*other)
    }
    fn le(&self, other: &f64) -> bool {
        *self <= Self::konst(*other)
    }
    fn gt(&self, other: &f64) -> bool {
        *self > Self::konst(*other)
    }
    fn ge(&self, other: &f64) -> bool {
        *self >= Self::konst(*other)
    }
}

sum_by_addition!([] Traced;);

impl Neg for Traced {
    type Output = Self;
    fn neg(self) -> Self {
        self.unary(Unary::neg)
    }
}

macro_rules! arithmetic {
    ($($op:ident $method:ident $assign:ident $assigning:ident;)*) => { $(
        impl $op for Traced {
            type Output = Self;
            fn $method(self, other: Self) -> Self {
                self.binary(Binary::$op, other)
            }
        }
        impl $op<f64> for Traced {
            type Output = Self;
            fn $method(self, other: f64) -> Self {
                self.binary(Binary::$op, Self::konst(other))
            }
        }
        impl $op<Traced> for f64 {
            type Output = Traced;
            fn $method(self, other: Traced) -> Traced {
                Traced::konst(self).binary(Binary::$op, other)
            }
        }
        impl $assign for Traced {
            fn $assigning(&mut self, other: Self) {
                *self = self.binary(Binary::$op, other);
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

macro_rules! unary_functions {
    ($($name:ident: |$x:ident, $y:ident| $partial:expr;)*) => { $(
        fn $name(self) -> Self {
            self.unary(Unary::$name)
        }
    )* };
}

impl Num for Traced {
    fn lit(v: f64) -> Self {
        Self::konst(v)
    }
    fn is_constant_zero(&self) -> bool {
        self.recorder.is_none() && self.value == 0.0
    }
    const ORDER: usize = 0;
    fn known(&self) -> Option<f64> {
        self.recorder.is_none().then_some(self.value)
    }
    fn is_sound(&self) -> bool {
        self.recorder.is_some() || self.value.is_finite()
    }
    fn undifferentiable(self) -> Self {
        self
    }
    fn slope_of_size(self) -> Self {
        if let Some(recorder) = self.checked() {
            recorder.mark_as_derivative();
        }
        self.sign()
    }
    unary_table!(unary_functions);
    fn abs(self) -> Self {
        self.unary(Unary::abs)
    }
    fn sign(self) -> Self {
        self.unary(Unary::sign)
    }
    fn powi(self, n: i32) -> Self {
        let value = self.value.powi(n);
        match (self.checked(), n) {
            (None, _) => Self::konst(value),
            (Some(_), 0) => Self::konst(1.0),
            (Some(_), 1) => self,
            (Some(_), 2) => self * self,
            (Some(recorder), n) => recorder.push(Node::Power(self.id, n), value),
        }
    }
    fn powf(self, p: Self) -> Self {
        self.power_log(p, 0)
    }
    fn power_log(self, p: Self, k: u8) -> Self {
        self.binary(Binary::PowerLog(k), p)
    }
    /// Exactly 0 where `x` is, in every replay.
    fn over_norm(self, norm: Self) -> Self {
        self.binary(Binary::OverNorm, norm)
    }
    fn atan2(self, x: Self) -> Self {
        self.binary(Binary::Atan2, x)
    }
    fn hypot(self, y: Self) -> Self {
        self.binary(Binary::Hypot, y)
    }
}
