//! Pairs of shells, differentiated by the position of one nucleus, in lanes.

use super::slopes::slopes;
use crate::molecule::integrals::hermite::count;
use crate::molecule::integrals::lane::LANES;
use crate::molecule::integrals::repulsion::list::{Batch, PairList, ShellPair, charge_factor};

/// Batches of the pairs with a function on `atom`: each has the functions of its pairs three times, differentiated by the atom's `x`, `y`
/// and `z`, and a degree more.
pub(super) fn differentiated(list: &PairList, atom: usize) -> Vec<Batch> {
    let on = |pair: &ShellPair| pair.shells.map(|s| list.shells[s].atom == atom);
    let places: Vec<usize> =
        (0..list.pairs.len()).filter(|at| on(&list.pairs[*at]).contains(&true)).collect();
    let derived: Vec<ShellPair> =
        places.iter().map(|at| derivative(list, &list.pairs[*at], on(&list.pairs[*at]))).collect();
    let mut batches = Vec::new();
    let mut start = 0;
    while start < derived.len() {
        let of = |pair: &ShellPair| (pair.degree, pair.functions);
        let class = of(&derived[start]);
        let same = derived[start..].iter().take(LANES).take_while(|p| of(p) == class).count();
        let members: Vec<usize> = (start..start + same).collect();
        let mut batch = Batch::new(&derived, &members);
        batch.pairs = batch.pairs.map(|at| places[at]);
        batches.push(batch);
        start += same;
    }
    batches
}

/// A pair whose functions are the derivatives of those of another by the position of the sides that move, axis by axis.
fn derivative(list: &PairList, pair: &ShellPair, moves: [bool; 2]) -> ShellPair {
    let (hermites, size) = (count(pair.degree + 1), pair.size());
    let block = hermites * 3 * size;
    let mut coefficients = vec![0.0; pair.products.len() * block];
    for (product, out) in pair.products.iter().zip(coefficients.chunks_mut(block)) {
        let factor = charge_factor(product.exponent);
        let slopes = slopes(&list.shells, pair, product);
        for (k, slope) in slopes.iter().enumerate().filter(|(k, _)| moves[k / 3]) {
            for (row, values) in out.chunks_mut(3 * size).zip(slope.chunks(size)) {
                let target = &mut row[k % 3 * size..][..size];
                target.iter_mut().zip(values).for_each(|(x, y)| *x += factor * y);
            }
        }
    }
    ShellPair {
        functions: [3 * pair.functions[0], pair.functions[1]],
        degree: pair.degree + 1,
        coefficients,
        ..pair.clone()
    }
}
