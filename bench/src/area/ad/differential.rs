//! Every mode against every other on random expressions, and programs at their own recording points.

use cotangent_ad::check::{Branching, Expression, disagreement, edge_disagreement};
use cotangent_ad::program::Program;
use rayon::prelude::*;

use crate::peer::{PeerError, Peers};
use crate::report::{Item, Proof};

/// Expressions that are compared.
const EXPRESSIONS: u64 = 1_000_000;
/// Expressions at kinks and poles.
const EDGES: u64 = 1_000_000;
/// Programs that are replayed.
const PROGRAMS: u64 = 100_000;

/// No mode differs from the others to second order; no program is refused where it was recorded.
pub(super) fn proofs(_: &Peers) -> Result<Vec<Item>, PeerError> {
    let differ = |number: &u64| disagreement(&Expression::random(*number, 3, 9)).is_some();
    let disagreements = (0..EXPRESSIONS).into_par_iter().filter(differ).count();
    let wrong = |number: &u64| edge_disagreement(&Expression::at_an_edge(*number, 6)).is_some();
    let wrong = (0..EDGES).into_par_iter().filter(wrong).count();
    let refused = |number: &u64| {
        let f = Branching::random(*number);
        let x = f.point();
        Program::record(|x| f.call(x), &x).call(&x).is_err()
    };
    let refusals = (0..PROGRAMS).into_par_iter().filter(refused).count();
    let none = |what: &str, found: usize| {
        Item::Proof(Proof {
            what: what.into(),
            must: "none".into(),
            measured: found.to_string(),
            holds: found == 0,
        })
    };
    Ok(vec![
        none(
            "random expressions of 10^6 in which a mode disagrees, to second order, with differences in 31 digits",
            disagreements,
        ),
        none(
            "random expressions of 10^6 at kinks and poles in which a mode has a finite derivative outside of the one-sided differences",
            wrong,
        ),
        none(
            "random programs of 10^5 with guards that are refused at their own recording point",
            refusals,
        ),
    ])
}
