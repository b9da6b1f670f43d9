//! Rayleigh-quotient iteration from states of a similar Hamiltonian.
//!
//! Each solve is shifted by the state's own energy, so an error falls to its cube: from one step of a self-consistent field to
//! the next, two solves a state. (Parlett, ch. 4.)

use super::{CLOSE_HA, EigenPairs, Pair, inverse_iteration, rayleigh_ritz, sorted};
use crate::one_d::linear::banded::Pentadiagonal;
use crate::one_d::linear::twisted::Twisted;
use crate::one_d::linear::vector::{normalise, project_out};

/// Most solves of a state: where these do not do, it is not near an eigenstate.
const MOST_SOLVES: usize = 8;

/// The lowest eigenpairs, as many as there are states to start from; `None` where some state does not converge soon, where an
/// eigenvalue was missed, or where the next one is so close that it has to be found too.
pub(super) fn improved(
    h: &Pentadiagonal,
    start: &[Vec<f64>],
    tolerance: f64,
) -> Option<EigenPairs> {
    let mut pairs: Vec<Pair> = Vec::with_capacity(start.len());
    let mut solves = 0;
    for mut pair in rayleigh_ritz(h, start.to_vec()) {
        if !pairs.is_empty() {
            // what came before has moved, and may have moved onto this one
            project_out(pairs.iter().map(|p| p.state.as_slice()), &mut pair.state);
            normalise(&mut pair.state);
            pair = Pair::of(h, pair.state);
        }
        let most = solves + MOST_SOLVES;
        while pair.residual > tolerance || pair.residual.is_nan() {
            if solves == most || pair.residual.is_nan() {
                return None;
            }
            pair = inverse_iteration(h, pair.energy, &pair.state, &pairs);
            solves += 1;
        }
        pairs.push(pair);
    }
    // orthonormal eigenpairs, as many as there are eigenvalues up to here: none was missed
    let highest = pairs.iter().fold(f64::NEG_INFINITY, |m, p| m.max(p.energy));
    let below = Twisted::new(h, highest + CLOSE_HA, h.len() / 2).negative_pivots();
    (below == pairs.len()).then(|| sorted(pairs, solves))
}
