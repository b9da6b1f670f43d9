//! Sums of products as one statement each: `y = sum_k a_k b_k`, with `dy/da_k = b_k` and `dy/db_k = a_k`.
//!
//! What a sweep needs is a derivative for each active factor. A side whose factors are inputs that were [lent](super::inputs) has
//! its values on the tape already: they are the derivatives by the other side, and nothing is put down. The values of any other
//! side are put down once, where they serve the sum itself and then, times the weights of the factors, as derivatives.

use super::inputs::{Place, place_of};
use super::var::{Var, common, tape_index};
use super::{Arena, Block, Kind, Nodes, Run, Statement};
use crate::real::Num;
use crate::rules::along;

impl<T: Num> Var<T> {
    /// The sum of products as one statement.
    ///
    /// # Panics
    /// Where factors are of two sessions, or of one that ended.
    #[track_caller]
    pub(super) fn sum_of_products(a: &[Self], b: &[Self]) -> Self {
        let n = a.len().min(b.len());
        let (a, b) = (&a[..n], &b[..n]);
        let Some(arena) = common(first_tape(a), first_tape(b)) else {
            let values = |x: &[Self]| -> Vec<T> { x.iter().map(|x| x.value()).collect() };
            return Self::konst(T::dot(&values(a), &values(b)));
        };
        let mut nodes = arena.nodes.borrow_mut();
        let arguments = nodes.runs.len();
        let value = nodes.put_down_products(arena, a, b);
        let inputs = tape_index(nodes.runs.len() - arguments);
        let first = tape_index(nodes.statements.len());
        let kind = Kind::Sum;
        nodes.blocks.push(Block { first, outputs: 1, inputs, arguments, entries: 0, kind });
        drop(nodes);
        Self::recorded(arena, Statement::leaf(), value)
    }
}

impl<T: Num> Nodes<T> {
    /// The sum of products, and the derivatives by their active factors as runs.
    #[track_caller]
    fn put_down_products(&mut self, arena: &'static Arena<T>, a: &[Var<T>], b: &[Var<T>]) -> T {
        let n = a.len();
        let places = [place_of(&self.lent, a), place_of(&self.lent, b)];
        let known = places.map(|place| place.map(|place| place.values));
        let at_a = known[0].unwrap_or_else(|| self.put_down_values(a));
        let at_b = known[1].unwrap_or_else(|| self.put_down_values(b));
        let value = T::dot(&self.entries[at_a..][..n], &self.entries[at_b..][..n]);
        let (by_a, by_b) = match known {
            [Some(_), Some(_)] => (at_b, at_a),
            [Some(_), None] => (at_b, self.put_down_weighed(b, a)),
            [None, Some(_)] => (self.put_down_weighed(a, b), at_a),
            [None, None] => {
                // their last use: each side's values become the derivatives by the other
                self.weigh_in_place(at_b, a);
                self.weigh_in_place(at_a, b);
                (at_b, at_a)
            }
        };
        for (place, x, entries) in [(places[0], a, by_a), (places[1], b, by_b)] {
            match place {
                Some(Place { first, .. }) => {
                    self.runs.push(Run { first, stride: 1, length: tape_index(n), entries });
                }
                None => self.put_down_runs(arena, x, entries),
            }
        }
        value
    }

    /// The values of `x`, and where they begin.
    fn put_down_values(&mut self, x: &[Var<T>]) -> usize {
        let start = self.entries.len();
        self.entries.extend(x.iter().map(|x| x.value()));
        start
    }

    /// The values of `factors` times the weights of `x`, and where they begin.
    fn put_down_weighed(&mut self, x: &[Var<T>], factors: &[Var<T>]) -> usize {
        let start = self.entries.len();
        self.entries.extend(x.iter().zip(factors).map(|(x, factor)| weigh(x, factor.value())));
        start
    }

    /// Multiplies the numbers from `start` on by the weights of `x`.
    fn weigh_in_place(&mut self, start: usize, x: &[Var<T>]) {
        self.entries[start..].iter_mut().zip(x).for_each(|(entry, x)| *entry = weigh(x, *entry));
    }

    /// The active ones among `x` as runs of statements at equal distances, whose derivatives begin at `entries`.
    #[track_caller]
    fn put_down_runs(&mut self, arena: &'static Arena<T>, x: &[Var<T>], entries: usize) {
        let end = x.iter().rposition(Var::is_active).map_or(0, |last| last + 1);
        let mut put_down = |start: usize, stride: u32, length: usize| {
            let (first, entries) = (x[start].id(), entries + start);
            self.runs.push(Run { first, stride, length: tape_index(length), entries });
        };
        if end > 0 && are_at_distances(distance(x), arena, &x[..end]) {
            put_down(0, distance(x), end);
            return;
        }
        let mut start = 0;
        while start < end {
            let (first, stride) = (x[start].id_in(arena), distance(&x[start..]));
            let ids = (first..).step_by(stride as usize);
            let follows = |(id, x): &(u32, &Var<T>)| x.is_active() && x.id_in(arena) == *id;
            let length = ids.zip(&x[start..end]).take_while(follows).count();
            if length > 0 {
                put_down(start, stride, length);
            }
            start += length.max(1);
        }
    }
}

/// The derivative by the statement of `x`. A plain number has no zero that says more than its value: its product is as good as
/// [`along`], and has no branch.
#[inline]
fn weigh<T: Num>(x: &Var<T>, factor: T) -> T {
    if T::ORDER == 0 { x.weight() * factor } else { along(x.weight(), factor) }
}

/// How far the second statement lies behind the first; 1 where there is none or it does not lie behind.
fn distance<T: Num>(x: &[Var<T>]) -> u32 {
    x.get(1).map_or(1, |second| second.id().saturating_sub(x[0].id()).max(1))
}

/// Whether all are active, of the arena's recording, and as far from each other as is said.
fn are_at_distances<T: Num>(stride: u32, arena: &'static Arena<T>, x: &[Var<T>]) -> bool {
    let first = x[0].id();
    // no way out within, so that the loop has no branches
    let ids = (0..).map(|k| first.wrapping_add(stride.wrapping_mul(k)));
    ids.zip(x).fold(0, |differs, (id, x)| differs | x.differs_from(arena, id)) == 0
}

/// The tape of the first active one among `x`.
#[track_caller]
fn first_tape<T: Num>(x: &[Var<T>]) -> Option<&'static Arena<T>> {
    x.iter().find_map(Var::checked_arena)
}

#[cfg(test)]
mod tests {
    use crate::{Dual, Num, Real, Session, grad, vjp};

    /// Factors of many kinds, made of the inputs of a function.
    fn sides<R: Real>(x: &[R]) -> Vec<Vec<R>> {
        let n = 6;
        vec![
            x[..n].to_vec(),
            x[2..2 + n].to_vec(),
            x.iter().rev().take(n).copied().collect(),
            x.iter().step_by(2).take(n).copied().collect(),
            x[..n].iter().map(|x| *x + 1.0).collect(),
            x[1..=n].iter().map(|x| (*x * 2.0).sin()).collect(),
            (0..n).map(|k| x[k] * x[k + 1]).collect(),
            (0..n).map(|k| (x[k] * x[k + 1] + x[k + 2] * x[k + 3]).tanh()).collect(),
            vec![x[3]; n],
            (0..n).map(|k| if k % 3 == 1 { R::lit(0.7) } else { x[k] }).collect(),
            [vec![R::lit(1.5); 2], x[4..8].to_vec()].concat(),
            [x[4..8].to_vec(), vec![R::lit(1.5); 2]].concat(),
            vec![R::lit(-0.3); n],
            vec![x[0], x[5], x[1], x[2], x[9], x[4]],
        ]
    }

    /// All sums of products of two sides, and of a side and a slice of `x` itself.
    fn sums<R: Real>(x: &[R], sum: impl Fn(&[R], &[R]) -> R) -> Vec<R> {
        let sides = sides(x);
        let mut sums = vec![sum(&x[1..7], &x[3..9]), sum(&x[..6], &x[..6]), sum(x, x)];
        for a in &sides {
            sums.extend([sum(a, &x[2..8]), sum(&x[5..11], a)]);
            sums.extend(sides.iter().map(|b| sum(a, b)));
        }
        sums
    }

    fn one_by_one<R: Real>(a: &[R], b: &[R]) -> R {
        a.iter().zip(b).fold(R::lit(0.0), |sum, (a, b)| sum + *a * *b)
    }

    fn point() -> Vec<f64> {
        (0..12).map(|k| 0.4 + 0.1 * f64::from(k * k % 7)).collect()
    }

    #[test]
    fn every_kind_of_side_has_the_derivatives_of_its_products() {
        let x = point();
        let seeds: Vec<f64> = (0..sums(&x, one_by_one).len()).map(|k| (k as f64).cos()).collect();
        let (values, slopes) = vjp(|x| sums(x, Num::dot), &x, &seeds);
        let (their_values, their_slopes) = vjp(|x| sums(x, one_by_one), &x, &seeds);
        assert_eq!(values.len(), 3 + 14 * 16);
        for (ours, theirs) in
            values.iter().zip(&their_values).chain(slopes.iter().zip(&their_slopes))
        {
            assert!((ours - theirs).abs() < 1e-12 * (1.0 + theirs.abs()), "{ours} {theirs}");
        }
        // each sum by itself, so that no error hides in another
        for k in 0..values.len() {
            let ours = grad(|x| sums(x, Num::dot)[k], &x);
            let theirs = grad(|x| sums(x, one_by_one)[k], &x);
            for (ours, theirs) in ours.iter().zip(theirs) {
                assert!((ours - theirs).abs() < 1e-14, "sum {k}: {ours} {theirs}");
            }
        }
    }

    #[test]
    fn so_it_is_for_second_derivatives() {
        let moving = |(k, x): (usize, f64)| Dual { re: x, eps: [(k as f64).sin()] };
        let x: Vec<Dual<f64, 1>> = point().into_iter().enumerate().map(moving).collect();
        let total = |sums: Vec<crate::Var<_>>| {
            sums.into_iter().enumerate().fold(Num::lit(0.0), |t, (k, s)| t + s * (k as f64).cos())
        };
        let ours = grad(|x| total(sums(x, Num::dot)), &x);
        let theirs = grad(|x| total(sums(x, one_by_one)), &x);
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert!((ours.eps[0] - theirs.eps[0]).abs() < 1e-10, "{ours:?} {theirs:?}");
        }
    }

    #[test]
    fn a_function_that_panics_gives_back_what_it_was_lent() {
        let session = Session::<f64>::new();
        let inputs = session.inputs(&point());
        let panics =
            std::panic::AssertUnwindSafe(|| session.lend(&inputs, |_| panic!("of its own")));
        std::panic::catch_unwind(panics).expect_err("it panics");
        assert!(session.arena.nodes.borrow().lent.is_empty());
    }

    #[test]
    #[should_panic(expected = "session")]
    fn a_factor_of_another_session_panics() {
        let other = Session::<f64>::new();
        let stranger = other.input(1.0);
        grad(|x| Num::dot(&[x[0], x[1], stranger, x[3]], &x[..4]), &point());
    }

    #[test]
    #[should_panic(expected = "after its session ended")]
    fn a_stale_factor_panics() {
        let stale = Session::<f64>::new().input(1.0);
        grad(|x| Num::dot(&[x[0], x[1], stale, x[3]], &x[..4]), &point());
    }
}
