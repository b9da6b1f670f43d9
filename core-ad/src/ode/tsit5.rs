//! Tsitouras' explicit pair of orders 5 and 4.
//!
//! Ch. Tsitouras, "Runge-Kutta pairs of order 5(4) satisfying only the first column simplifying assumption", Comput. Math.
//! Appl. 62, 770 (2011), table 1 and its interpolant.

use super::field::Plain;
use super::stages::{Tableau, moved};

const C: [f64; 5] = [0.161, 0.327, 0.9, 0.980_025_540_904_509_7, 1.0];
const A: [[f64; 5]; 5] = [
    [0.161, 0.0, 0.0, 0.0, 0.0],
    [-0.008_480_655_492_356_989, 0.335_480_655_492_357, 0.0, 0.0, 0.0],
    [2.897_153_057_105_493_5, -6.359_448_489_975_075, 4.362_295_432_869_581_5, 0.0, 0.0],
    [
        5.325_864_828_439_257,
        -11.748_883_564_062_828,
        7.495_539_342_889_836_5,
        -0.092_495_066_361_755_25,
        0.0,
    ],
    [
        5.861_455_442_946_42,
        -12.920_969_317_847_11,
        8.159_367_898_576_159,
        -0.071_584_973_281_401,
        -0.028_269_050_394_068_383,
    ],
];
/// Weights of order 5; the seventh stage, at the end of the step, has none.
const B: [f64; 6] = [
    0.096_460_766_818_065_23,
    0.01,
    0.479_889_650_414_499_6,
    1.379_008_574_103_742,
    -3.290_069_515_436_081,
    2.324_710_524_099_774,
];
/// Weights of order 5 less those of order 4.
const ERROR: [f64; 7] = [
    -0.001_780_011_052_225_777,
    -0.000_816_434_459_656_746_9,
    0.007_880_878_010_261_995,
    -0.144_711_007_173_262_9,
    0.582_357_165_452_555_2,
    -0.458_082_105_929_186_97,
    0.015_151_515_151_515_152,
];

/// The method; a seventh stage, the rate at the end, is for the estimate alone.
pub(super) const TSIT5: Tableau = Tableau { c: &C, a: A.as_flattened(), b: &B };

/// The state after a step, an estimate of its error, and the rates at both ends; in plain numbers, from the rate at `y`.
pub(super) fn step_with_error(
    d: &dyn Plain,
    t: f64,
    h: f64,
    y: &[f64],
    p: &[f64],
    first: Vec<f64>,
) -> (Vec<f64>, Vec<f64>, [Vec<f64>; 2]) {
    let mut k = TSIT5.stages(d, (t, h), y, p, first);
    let end = moved(y, h, &B, &k);
    k.push(d.rate(t + h, &end, p));
    let error = moved(&vec![0.0; y.len()], h, &ERROR, &k);
    let last = k.swap_remove(B.len());
    (end, error, [k.swap_remove(0), last])
}

#[cfg(test)]
mod tests {
    use super::{A, B, C, ERROR};

    #[test]
    fn the_tableau_satisfies_its_order_conditions() {
        let nodes: Vec<f64> = std::iter::once(0.0).chain(C).collect();
        for (row, c) in A.iter().zip(C) {
            assert!((row.iter().sum::<f64>() - c).abs() < 1e-14);
        }
        // quadrature: sum b c^k = 1 / (k + 1)
        for k in 0..5 {
            let sum: f64 = B.iter().zip(&nodes).map(|(b, c)| b * c.powi(k)).sum();
            assert!((sum - 1.0 / f64::from(k + 1)).abs() < 1e-14, "{k}: {sum}");
        }
        // sum b_i a_ij c_j^k = 1 / ((k + 1)(k + 2))
        for k in 1..4 {
            let inner = |row: &[f64; 5]| -> f64 {
                row.iter().zip(&nodes).map(|(a, c)| a * c.powi(k)).sum()
            };
            let sum: f64 = B[1..].iter().zip(&A).map(|(b, row)| b * inner(row)).sum();
            assert!((sum - 1.0 / f64::from((k + 1) * (k + 2))).abs() < 1e-14, "{k}: {sum}");
        }
        assert!(ERROR.iter().sum::<f64>().abs() < 1e-14);
    }
}
