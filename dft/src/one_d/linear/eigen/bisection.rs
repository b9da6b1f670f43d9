//! Bisection by counts of eigenvalues, and inverse iteration for their states.
//!
//! The number of negative pivots of `H - s` is the number of eigenvalues below `s` (Sylvester), so halving an interval encloses
//! any eigenvalue. One that stands alone within [`CLOSE_HA`] is improved from inside its interval; several that stand together are
//! found together, with Rayleigh-Ritz steps that tell their states apart. (Parlett, ch. 3; Wilkinson's method.)

use super::{CLOSE_HA, EigenError, EigenPairs, Pair, inverse_iteration, rayleigh_ritz, sorted};
use crate::one_d::linear::banded::Pentadiagonal;
use crate::one_d::linear::twisted::Twisted;

/// Most inverse iterations: of a state that is three times nearer than any other, or of a group with no more than twice that.
const MOST_ITERATIONS: usize = 40;
const MOST_OF_GROUP: usize = 200;

/// The `wanted` lowest eigenpairs.
pub(super) fn lowest(
    h: &Pentadiagonal,
    wanted: usize,
    tolerance: f64,
) -> Result<EigenPairs, EigenError> {
    let mut counts = Counts::new(h);
    let mut pairs: Vec<Pair> = Vec::with_capacity(wanted);
    let mut solves = 0;
    while pairs.len() < wanted {
        let k = pairs.len();
        let (low, high, group) = counts.enclose(k);
        let states = (0..group).map(|j| seed(h, k + j)).collect();
        let found = if group == 1 {
            alone(h, [low, high], states, &pairs, tolerance)
        } else {
            together(h, low, states, &pairs, tolerance)
        };
        let (found, made) = found.map_err(|(residual_ha, made)| EigenError::NotConverged {
            residual_ha,
            tolerance_ha: tolerance,
            solves: solves + made,
        })?;
        pairs.extend(found);
        solves += made;
    }
    pairs.truncate(wanted);
    Ok(sorted(pairs, solves))
}

/// Found pairs with the solves made; or the last residual with them.
type Found = Result<(Vec<Pair>, usize), (f64, usize)>;

/// The one eigenpair of an interval.
fn alone(
    h: &Pentadiagonal,
    [low, high]: [f64; 2],
    states: Vec<Vec<f64>>,
    others: &[Pair],
    tolerance: f64,
) -> Found {
    let middle = f64::midpoint(low, high);
    let mut pair = rayleigh_ritz(h, states).swap_remove(0);
    for solves in 1..=MOST_ITERATIONS {
        // the Rayleigh quotient is the better shift as soon as it lies where the eigenvalue does
        let shift = if (low..high).contains(&pair.energy) { pair.energy } else { middle };
        pair = inverse_iteration(h, shift, &pair.state, others);
        let inside = pair.energy > low - tolerance && pair.energy < high + tolerance;
        if pair.residual <= tolerance && inside {
            return Ok((vec![pair], solves));
        }
    }
    Err((pair.residual, MOST_ITERATIONS))
}

/// The eigenpairs above `low` that stand together. The shift stays off them, so that none of them drowns the others.
fn together(
    h: &Pentadiagonal,
    low: f64,
    states: Vec<Vec<f64>>,
    others: &[Pair],
    tolerance: f64,
) -> Found {
    let group = states.len();
    let mut pairs = rayleigh_ritz(h, states);
    let mut residual = f64::INFINITY;
    for iteration in 1..=MOST_OF_GROUP {
        let shift = low - CLOSE_HA;
        let solved = pairs.iter().map(|p| inverse_iteration(h, shift, &p.state, others).state);
        pairs = rayleigh_ritz(h, solved.collect());
        residual = pairs.iter().fold(0.0, |m: f64, p| m.max(p.residual));
        if residual <= tolerance {
            return Ok((pairs, group * iteration));
        }
    }
    Err((residual, group * MOST_OF_GROUP))
}

/// Numbers of eigenvalues below the shifts that were looked at.
struct Counts<'a> {
    h: &'a Pentadiagonal,
    /// Ascending; the ends enclose all eigenvalues (Gershgorin).
    known: Vec<(f64, usize)>,
}

impl<'a> Counts<'a> {
    fn new(h: &'a Pentadiagonal) -> Self {
        let reach = 2.0 * (h.first.abs() + h.second.abs());
        let lowest = h.diagonal.iter().copied().fold(f64::INFINITY, f64::min) - reach;
        let highest = h.diagonal.iter().copied().fold(f64::NEG_INFINITY, f64::max) + reach;
        let beyond = 1e-6 * (highest - lowest).max(1.0);
        Self { h, known: vec![(lowest - beyond, 0), (highest + beyond, h.len())] }
    }

    /// The shifts next to eigenvalue `k`, from 0, with their places.
    fn around(&self, k: usize) -> (usize, usize) {
        let above = self.known.partition_point(|(_, count)| *count <= k);
        (above - 1, above)
    }

    /// An interval with eigenvalue `k` as its lowest, and how many it holds: one with nothing else as near as the interval is
    /// wide, or all of a chain of neighbours each closer than [`CLOSE_HA`] to the next.
    fn enclose(&mut self, k: usize) -> (f64, f64, usize) {
        loop {
            let (below, above) = self.around(k);
            let ((low, before), (high, upto)) = (self.known[below], self.known[above]);
            let (width, middle) = (high - low, f64::midpoint(low, high));
            if (before, upto) == (k, k + 1) && width < 0.05 {
                let clear = self.look_at(low - width) == k && self.look_at(high + width) == k + 1;
                if clear {
                    return (low, high, 1);
                }
            }
            if width < 0.25 * CLOSE_HA || middle <= low || middle >= high {
                return self.chain(k);
            }
            self.look_at(middle);
        }
    }

    fn chain(&mut self, k: usize) -> (f64, f64, usize) {
        let (below, above) = self.around(k);
        let ((low, _), (mut high, mut upto)) = (self.known[below], self.known[above]);
        // further while something stands within reach
        loop {
            let next = self.look_at(high + CLOSE_HA);
            if next == upto {
                return (low, high, upto - k);
            }
            (high, upto) = (high + CLOSE_HA, next);
        }
    }

    /// The count at a shift, kept.
    fn look_at(&mut self, shift: f64) -> usize {
        let place = self.known.partition_point(|(s, _)| *s < shift);
        if place == 0 || place == self.known.len() {
            return if place == 0 { 0 } else { self.h.len() };
        }
        let count = Twisted::new(self.h, shift, self.h.len() / 2).negative_pivots();
        // rounding must not make counts descend
        let count = count.clamp(self.known[place - 1].1, self.known[place].1);
        self.known.insert(place, (shift, count));
        count
    }
}

/// A vector that no state is orthogonal to: waves over the wells.
fn seed(h: &Pentadiagonal, k: usize) -> Vec<f64> {
    let n = h.len();
    let lowest = h.diagonal.iter().copied().fold(f64::INFINITY, f64::min);
    let wave = |i: usize| {
        let t = (i as f64 + 1.0) / (n as f64 + 1.0);
        let well = 1.0 / (0.05 + h.diagonal[i] - lowest);
        well * (1.0 + (2.4 * (k as f64 + 1.0) * t + 0.7 * k as f64).sin())
            + 1e-3 * ((i * (k + 3)) as f64).sin()
    };
    (0..n).map(wave).collect()
}
