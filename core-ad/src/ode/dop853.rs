//! Dormand and Prince's explicit method of order 8 with two estimates of its error.
//!
//! Hairer, Norsett & Wanner, "Solving Ordinary Differential Equations I" (1993), section II.5 and table 5.4 (DOP853): twelve stages,
//! embedded methods of orders 5 and 3 whose combination is the estimate.

use super::Dynamics;
use super::stages::{self, move_to, moved};
use crate::real::Real;
use crate::rule::DerivativeFailure;
use crate::tape::StepTape;

const C: [f64; 11] = [
    0.052_600_151_958_767_73,
    0.078_900_227_938_151_6,
    0.118_350_341_907_227_4,
    0.281_649_658_092_772_6,
    0.333_333_333_333_333_3,
    0.25,
    0.307_692_307_692_307_7,
    0.651_282_051_282_051_3,
    0.6,
    0.857_142_857_142_857_1,
    1.0,
];
const A: [[f64; 11]; 11] = [
    [0.052_600_151_958_767_73, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    [0.019_725_056_984_537_9, 0.059_175_170_953_613_7, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    [
        0.029_587_585_476_806_85,
        0.0,
        0.088_762_756_430_420_54,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
    ],
    [
        0.241_365_134_159_266_7,
        0.0,
        -0.884_549_479_328_286_1,
        0.924_834_003_261_792,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
    ],
    [
        0.037_037_037_037_037_035,
        0.0,
        0.0,
        0.170_828_608_729_473_86,
        0.125_467_687_566_822_42,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
    ],
    [
        0.037_109_375,
        0.0,
        0.0,
        0.170_252_211_019_544_05,
        0.060_216_538_980_455_96,
        -0.017_578_125,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
    ],
    [
        0.037_092_000_118_504_79,
        0.0,
        0.0,
        0.170_383_925_712_239_98,
        0.107_262_030_446_373_28,
        -0.015_319_437_748_624_402,
        0.008_273_789_163_814_023,
        0.0,
        0.0,
        0.0,
        0.0,
    ],
    [
        0.624_110_958_716_075_7,
        0.0,
        0.0,
        -3.360_892_629_446_941_4,
        -0.868_219_346_841_726,
        27.592_099_699_446_71,
        20.154_067_550_477_894,
        -43.489_884_181_069_96,
        0.0,
        0.0,
        0.0,
    ],
    [
        0.477_662_536_438_264_34,
        0.0,
        0.0,
        -2.488_114_619_971_667_7,
        -0.590_290_826_836_843,
        21.230_051_448_181_193,
        15.279_233_632_882_423,
        -33.288_210_968_984_86,
        -0.020_331_201_708_508_627,
        0.0,
        0.0,
    ],
    [
        -0.937_142_430_085_987_3,
        0.0,
        0.0,
        5.186_372_428_844_064,
        1.091_437_348_996_729_5,
        -8.149_787_010_746_927,
        -18.520_065_659_996_96,
        22.739_487_099_350_505,
        2.493_605_552_679_652_3,
        -3.046_764_471_898_219_6,
        0.0,
    ],
    [
        2.273_310_147_516_538,
        0.0,
        0.0,
        -10.534_495_466_737_25,
        -2.000_872_058_224_862_5,
        -17.958_931_863_118_8,
        27.948_884_529_419_96,
        -2.858_998_277_135_023_5,
        -8.872_856_933_530_63,
        12.360_567_175_794_303,
        0.643_392_746_015_763_6,
    ],
];
const B: [f64; 12] = [
    0.054_293_734_116_568_765,
    0.0,
    0.0,
    0.0,
    0.0,
    4.450_312_892_752_409,
    1.891_517_899_314_500_3,
    -5.801_203_960_010_585,
    0.311_164_366_957_819_9,
    -0.152_160_949_662_516_1,
    0.201_365_400_804_030_34,
    0.044_710_615_727_772_59,
];
/// Weights of order 8 less those of the embedded method of order 5.
const ERROR_5: [f64; 12] = [
    0.013_120_044_994_194_88,
    0.0,
    0.0,
    0.0,
    0.0,
    -1.225_156_446_376_204_4,
    -0.495_758_949_657_250_2,
    1.664_377_182_454_986_4,
    -0.350_328_848_749_973_66,
    0.334_179_118_713_017_5,
    0.081_923_206_485_115_71,
    -0.022_355_307_863_886_294,
];
/// Weights of order 8 less those of the embedded method of order 3.
const ERROR_3: [f64; 12] = [
    -0.189_800_754_072_407_62,
    0.0,
    0.0,
    0.0,
    0.0,
    4.450_312_892_752_409,
    1.891_517_899_314_500_3,
    -5.801_203_960_010_585,
    -0.422_682_321_323_791_9,
    -0.152_160_949_662_516_1,
    0.201_365_400_804_030_34,
    0.022_651_792_198_360_82,
];

/// The twelve stages, the first of which is the rate at `y`.
fn stages<R: Real, D: Dynamics>(d: &D, t: R, h: R, y: &[R], p: &[R], first: Vec<R>) -> Vec<Vec<R>> {
    let mut k = Vec::with_capacity(B.len());
    k.push(first);
    let mut at = y.to_vec();
    for (c, a) in C.iter().zip(&A) {
        move_to(&mut at, y, h, a, &k);
        k.push(d.rate(t + h * *c, &at, p));
    }
    k
}

/// The state after a step of `h` from `t`.
pub(super) fn step<R: Real, D: Dynamics>(d: &D, t: R, h: R, y: &[R], p: &[R]) -> Vec<R> {
    moved(y, h, &B, &stages(d, t, h, y, p, d.rate(t, y, p)))
}

/// Pulls cotangents back through such a step.
///
/// # Errors
/// The first rule without a derivative.
pub(super) fn pull_back<T: Real, D: Dynamics>(
    d: &D,
    interval: (f64, f64),
    y: &[T],
    tape: &mut StepTape<T>,
) -> Result<(), DerivativeFailure> {
    stages::pull_back(d, (&C, &A, &B), interval, y, tape)
}

/// The same with its errors by the methods of orders 5 and 3, and the rate at `y`, from which it is made; in plain numbers.
pub(super) fn step_with_errors<D: Dynamics>(
    d: &D,
    t: f64,
    h: f64,
    y: &[f64],
    p: &[f64],
    first: Vec<f64>,
) -> (Vec<f64>, [Vec<f64>; 2], Vec<f64>) {
    let mut k = stages(d, t, h, y, p, first);
    let (end, zero) = (moved(y, h, &B, &k), vec![0.0; y.len()]);
    let errors = [ERROR_5, ERROR_3].map(|weights| moved(&zero, h, &weights, &k));
    (end, errors, k.swap_remove(0))
}

#[cfg(test)]
mod tests {
    use super::{A, B, C, ERROR_3, ERROR_5};

    #[test]
    fn the_tableau_satisfies_its_order_conditions() {
        let nodes: Vec<f64> = std::iter::once(0.0).chain(C).collect();
        for (row, c) in A.iter().zip(C) {
            assert!((row.iter().sum::<f64>() - c).abs() < 1e-14);
        }
        let quadrature = |weights: &[f64], k: i32| -> f64 {
            weights.iter().zip(&nodes).map(|(b, c)| b * c.powi(k)).sum()
        };
        for k in 0..8 {
            let sum = quadrature(&B, k);
            assert!((sum - 1.0 / f64::from(k + 1)).abs() < 1e-14, "{k}: {sum}");
        }
        // the differences are blind to polynomials up to the order of the embedded method
        assert!((0..5).all(|k| quadrature(&ERROR_5, k).abs() < 1e-13));
        assert!((0..3).all(|k| quadrature(&ERROR_3, k).abs() < 1e-13));
    }
}
