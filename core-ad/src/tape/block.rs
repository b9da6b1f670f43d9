//! Statements of any arity: one record for a function of many inputs and outputs.
//!
//! The sweep costs a multiplication an entry of the local Jacobian, whatever it took to compute: a function of few inputs and
//! many operations is best differentiated locally, by duals ([`Var::preaccumulate`]), and enters the tape as its
//! Jacobian ([`Var::statement`]). A function with a better derivative than its arithmetic brings a pullback
//! ([`Var::with_pullback`]); one that is used at other levels as well is a [`SliceRule`](crate::SliceRule).

use super::var::{Var, common, tape_index};
use super::{Arena, Block, Kind, Pull, Statement};
use crate::dual::Dual;
use crate::real::{Num, Real};
use crate::rules::along;

impl<T: Num> Var<T> {
    /// Values `y` of a function of `x` that was computed elsewhere, with its Jacobian, `m x n` row-major.
    ///
    /// ```
    /// use cotangent_ad::{Session, Var};
    /// let session = Session::new();
    /// let x = [session.input(2.0), session.input(3.0)];
    /// // (x0 x1, x0 + x1)
    /// let y = Var::statement(&x, vec![6.0, 5.0], &[3.0, 2.0, 1.0, 1.0]);
    /// assert_eq!(session.pullback(&y, &[1.0, 10.0], &x), [13.0, 12.0]);
    /// ```
    ///
    /// # Panics
    /// Where the Jacobian has not `m n` entries, or inputs are of two sessions.
    pub fn statement(x: &[Self], y: Vec<T>, jacobian: &[T]) -> Vec<Self> {
        let (m, n) = (y.len(), x.len());
        assert_eq!(jacobian.len(), m * n, "a Jacobian of {m} outputs and {n} inputs");
        let Some(arena) = arena_of(x) else {
            return y.into_iter().map(Self::konst).collect();
        };
        let mut nodes = arena.nodes.borrow_mut();
        let (arguments, entries) = (nodes.arguments.len(), nodes.entries.len());
        let active: Vec<usize> = (0..n).filter(|k| x[*k].is_active()).collect();
        let ids = active.iter().map(|k| x[*k].node_in(arena));
        nodes.arguments.extend(ids.clone().map(|(id, _)| tape_index(id)));
        let weights: Vec<T> = ids.map(|(_, weight)| weight).collect();
        for row in jacobian.chunks_exact(n) {
            nodes.entries.extend(active.iter().zip(&weights).map(|(k, w)| along(*w, row[*k])));
        }
        drop(nodes);
        let inputs = tape_index(active.len());
        let kind = Kind::Jacobian;
        record(arena, y, Block { first: 0, outputs: 0, inputs, arguments, entries, kind })
    }

    /// Values `y` of a function of `x` that was computed elsewhere, with its pullback: from the cotangents of `y` to those of
    /// `x`, which are zeros when it is called. It is called in every sweep in which some cotangent of `y` is not zero.
    ///
    /// ```
    /// use cotangent_ad::{Session, Var};
    /// let session = Session::new();
    /// let x: Vec<_> = [3.0, 1.0, 2.0].map(|x| session.input(x)).to_vec();
    /// // reversed
    /// let y = x.iter().rev().map(|x| x.value()).collect();
    /// let y = Var::with_pullback(&x, y, |y_bar, x_bar| {
    ///     x_bar.iter_mut().zip(y_bar.iter().rev()).for_each(|(x, y)| *x = *y);
    /// });
    /// assert_eq!(session.pullback(&y, &[1.0, 2.0, 3.0], &x), [3.0, 2.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// Where inputs are of two sessions.
    pub fn with_pullback(
        x: &[Self],
        y: Vec<T>,
        pull: impl Fn(&[T], &mut [T]) + 'static,
    ) -> Vec<Self> {
        Self::block(x, y, Box::new(pull))
    }

    /// [`Var::with_pullback`] of a boxed function.
    pub(super) fn block(x: &[Self], y: Vec<T>, pull: Pull<T>) -> Vec<Self> {
        Self::block_of(x, y, pull, false)
    }

    /// The same of a loop, whose pullback is called for zeros that were computed as well.
    pub(super) fn loop_block(x: &[Self], y: Vec<T>, pull: Pull<T>) -> Vec<Self> {
        Self::block_of(x, y, pull, true)
    }

    fn block_of(x: &[Self], y: Vec<T>, pull: Pull<T>, is_loop: bool) -> Vec<Self> {
        let Some(arena) = arena_of(x) else {
            return y.into_iter().map(Self::konst).collect();
        };
        let mut nodes = arena.nodes.borrow_mut();
        let (arguments, entries) = (nodes.arguments.len(), nodes.entries.len());
        nodes.arguments.extend(x.iter().map(Self::id));
        nodes.entries.extend(x.iter().map(Self::weight));
        let kind = Kind::Pullback { pull: tape_index(nodes.pullbacks.len()), is_loop };
        nodes.pullbacks.push(pull);
        drop(nodes);
        let inputs = tape_index(x.len());
        record(arena, y, Block { first: 0, outputs: 0, inputs, arguments, entries, kind })
    }
}

impl<T: Real> Var<T> {
    /// `f` of `x` as one statement: differentiated by duals on the spot, `N` inputs a pass, so that the tape holds its Jacobian
    /// and none of its operations.
    ///
    /// ```
    /// use cotangent_ad::{Num, Var, grad};
    /// let g = grad(
    ///     |x| {
    ///         let y = Var::preaccumulate::<2>(x, |x| vec![(0..50).fold(x[0], |s, _| s.sin() + x[1])]);
    ///         y[0] * y[0]
    ///     },
    ///     &[0.3, 0.4],
    /// );
    /// # let plain = grad(|x| { let y = (0..50).fold(x[0], |s, _| s.sin() + x[1]); y * y }, &[0.3, 0.4]);
    /// # assert!((g[0] - plain[0]).abs() < 1e-15 && (g[1] - plain[1]).abs() < 1e-14);
    /// ```
    ///
    /// # Panics
    /// Where inputs are of two sessions.
    pub fn preaccumulate<const N: usize>(
        x: &[Self],
        f: impl Fn(&[Dual<T, N>]) -> Vec<Dual<T, N>>,
    ) -> Vec<Self> {
        let n = x.len();
        let (mut y, mut jacobian) = (Vec::new(), Vec::new());
        let mut first = 0;
        loop {
            let seeded = x.iter().enumerate().map(|(k, x)| match k.checked_sub(first) {
                Some(lane) if lane < N => Dual::seed(x.value(), lane),
                _ => Dual::konst(x.value()),
            });
            let found = f(&seeded.collect::<Vec<_>>());
            jacobian.resize(found.len() * n, T::lit(0.0));
            let taken = N.min(n - first);
            for (row, y) in found.iter().enumerate() {
                jacobian[row * n + first..][..taken].copy_from_slice(&y.eps[..taken]);
            }
            first += N;
            if first >= n {
                y.extend(found.iter().map(|y| y.re));
                return Self::statement(x, y, &jacobian);
            }
        }
    }
}

/// The tape of the active ones among `x`.
fn arena_of<T: Num>(x: &[Var<T>]) -> Option<&'static Arena<T>> {
    x.iter().fold(None, |arena, x| common(arena, x.checked_arena()))
}

/// The outputs of a block, whose inputs are put down.
fn record<T: Num>(arena: &'static Arena<T>, y: Vec<T>, block: Block) -> Vec<Var<T>> {
    let first = tape_index(arena.nodes.borrow().statements.len());
    let outputs = tape_index(y.len());
    let vars = y.into_iter().map(|y| Var::recorded(arena, Statement::leaf(), y)).collect();
    arena.nodes.borrow_mut().blocks.push(Block { first, outputs, ..block });
    vars
}
