//! Where a sweep looks: combinations of lists, and points spread over ranges.

use cotangent_ad::random::Stream;
use cotangent_problem::name_word;

use crate::sobol;

/// How points are spread over the ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spread {
    /// Each range is cut into as many parts as there are points, and each part of each range has one.
    LatinHypercube,
    /// Sobol's sequence, shifted by the seed.
    Sobol,
}

/// `count` points of the unit cube, spread by a seed.
pub(crate) fn unit_points(
    spread: Spread,
    count: usize,
    dimensions: usize,
    seed: u64,
) -> Vec<Vec<f64>> {
    let stream = |what: &str, d: usize| Stream::new(&[seed, name_word(what), d as u64]);
    let column = |d: usize| -> Vec<f64> {
        match spread {
            Spread::LatinHypercube => {
                let (order, within) = (stream("order", d), stream("within", d));
                let mut cells: Vec<usize> = (0..count).collect();
                cells.sort_by_key(|k| (order.bits(*k as u64), *k));
                let place = |(k, cell): (usize, &usize)| {
                    (*cell as f64 + within.uniform(k as u64)) / count as f64
                };
                cells.iter().enumerate().map(place).collect()
            }
            Spread::Sobol => {
                let shift = stream("shift", d).uniform(0);
                let place = |k: usize| {
                    let index = u32::try_from(k).unwrap_or(u32::MAX);
                    (sobol::coordinate(index, d) + shift).fract()
                };
                (0..count).map(place).collect()
            }
        }
    };
    let columns: Vec<Vec<f64>> = (0..dimensions).map(column).collect();
    (0..count).map(|k| columns.iter().map(|c| c[k]).collect()).collect()
}

/// All combinations of one choice each, the last varying fastest.
pub(crate) fn product<T: Clone>(choices: &[Vec<T>]) -> Vec<Vec<T>> {
    let mut all = vec![Vec::new()];
    for choice in choices {
        let extended = |row: &Vec<T>| {
            let with = |c: &T| row.iter().chain(std::iter::once(c)).cloned().collect();
            choice.iter().map(with).collect::<Vec<Vec<T>>>()
        };
        all = all.iter().flat_map(extended).collect();
    }
    all
}

#[cfg(test)]
mod tests {
    use super::{Spread, product, unit_points};

    #[test]
    fn a_latin_hypercube_has_one_point_in_every_part_and_a_seed_moves_it() {
        let points = unit_points(Spread::LatinHypercube, 40, 3, 7);
        for d in 0..3 {
            let mut parts: Vec<u64> =
                points.iter().map(|p| (p[d] * 40.0).floor().to_bits()).collect();
            parts.sort_unstable();
            parts.dedup();
            assert_eq!(parts.len(), 40);
        }
        assert_ne!(points, unit_points(Spread::LatinHypercube, 40, 3, 8));
        assert_eq!(points, unit_points(Spread::LatinHypercube, 40, 3, 7));
        let inside = |p: &Vec<f64>| p.iter().all(|v| (0.0..1.0).contains(v));
        assert!(unit_points(Spread::Sobol, 64, 4, 1).iter().all(inside));
    }

    #[test]
    fn the_last_choice_varies_fastest() {
        assert_eq!(product(&[vec![1, 2], vec![3, 4]]), [[1, 3], [1, 4], [2, 3], [2, 4]]);
        assert_eq!(product::<u8>(&[]), [Vec::<u8>::new()]);
    }
}
