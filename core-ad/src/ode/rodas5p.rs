//! A linearly implicit method of order 5 with an embedded one of order 4: one factorization a step, no iteration.
//!
//! G. Steinebach, "Construction of Rosenbrock-Wanner method Rodas5P and numerical benchmarks within the Julia Differential
//! Equations package", BIT Numer. Math. 63, 27 (2023); stiffly accurate and L-stable, for `M y' = f(t, y)` with a mass matrix that may be
//! singular (index 1). The form of its stages is that of Hairer & Wanner, "Solving Ordinary Differential Equations II" (1996), equation
//! IV.7.25: with `J = f_y` at the start of the step,
//!
//! `(M / (gamma h) - J) k_i = f(t + c_i h, y + sum_j a_ij k_j) + M sum_j (c_ij / h) k_j + d_i h f_t`.

use super::Dynamics;
use super::field::{Plain, Sloped};
use super::stages::{add_weighed, combine};
use crate::dual::Dual;
use crate::linalg::{LinalgError, Matrix, MatrixFactor};
use crate::real::{Num, Real};
use crate::rule::DerivativeFailure;
use crate::tape::{Part, StepTape, Var};

const STAGES: usize = 8;
const GAMMA: f64 = 0.211_937_563_194_290_14;
/// Times of the stages.
const TIMES: [f64; STAGES] = [
    0.0,
    0.635_812_689_582_870_4,
    0.409_579_839_339_753_5,
    0.976_930_672_506_071_6,
    0.428_840_360_955_866_4,
    1.0,
    1.0,
    1.0,
];
/// Weights of `f_t`.
const BY_TIME: [f64; STAGES] = [
    GAMMA,
    -0.423_875_126_388_580_27,
    -0.338_462_712_623_592_4,
    1.804_645_287_288_273_4,
    2.325_825_639_765_069,
    0.0,
    0.0,
    0.0,
];
/// Weights of the stages before, within `f`.
const A: [[f64; 7]; STAGES] = [
    [0.0; 7],
    [3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    [2.849_394_379_747_939, 0.458_422_422_044_639_23, 0.0, 0.0, 0.0, 0.0, 0.0],
    [-6.954_028_509_809_101, 2.489_845_061_869_568, -10.358_996_098_473_584, 0.0, 0.0, 0.0, 0.0],
    [
        2.802_998_627_562_896_4,
        0.507_246_473_622_820_6,
        -0.398_831_254_177_052_4,
        -0.047_211_872_304_046_41,
        0.0,
        0.0,
        0.0,
    ],
    SIXTH,
    [SIXTH[0], SIXTH[1], SIXTH[2], SIXTH[3], SIXTH[4], 1.0, 0.0],
    [SIXTH[0], SIXTH[1], SIXTH[2], SIXTH[3], SIXTH[4], 1.0, 1.0],
];
const SIXTH: [f64; 7] = [
    -7.502_846_399_306_121,
    2.561_846_144_803_919,
    -11.627_539_656_261_098,
    -0.182_687_676_599_422_56,
    0.030_198_172_008_377_946,
    0.0,
    0.0,
];
/// Weights of the stages before, outside of it.
const C: [[f64; 7]; STAGES] = [
    [0.0; 7],
    [-14.155_112_264_123_755, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    [-17.972_960_358_859_52, -2.859_693_295_451_294, 0.0, 0.0, 0.0, 0.0, 0.0],
    [147.121_502_757_117_16, -1.412_214_027_182_13, 71.689_402_513_023_58, 0.0, 0.0, 0.0, 0.0],
    [
        165.435_170_248_716_76,
        -0.459_282_345_649_112_6,
        42.909_383_369_586_03,
        -5.961_986_721_573_306,
        0.0,
        0.0,
        0.0,
    ],
    [
        24.854_864_614_690_072,
        -3.000_922_700_283_218_6,
        47.493_111_002_076_8,
        5.581_419_782_155_812_5,
        -0.661_069_182_524_947_1,
        0.0,
        0.0,
    ],
    [
        30.912_732_140_285_99,
        -3.120_824_334_993_797_4,
        77.799_546_460_708_92,
        34.286_460_282_947_83,
        -19.097_331_116_725_623,
        -28.087_943_162_872_662,
        0.0,
    ],
    [
        37.802_771_233_905_63,
        -3.257_196_902_907_227_6,
        112.269_188_494_963_27,
        66.934_723_124_404_7,
        -40.066_189_370_910_02,
        -54.667_802_628_779_68,
        -9.488_616_523_096_27,
    ],
];

/// Tangents carried along at once: few, because a stiff system of a chemist has three to ten components.
const LANES: usize = 4;

/// `f_y`, and `f_t`.
pub(super) fn slopes<R: Real, D: Dynamics>(d: &D, t: R, y: &[R], p: &[R]) -> (Matrix<R>, Vec<R>) {
    let n = y.len();
    let fixed: Vec<Dual<R, LANES>> = p.iter().map(|p| Dual::konst(*p)).collect();
    let mut by_state = Matrix::from_fn(n, n, |_, _| R::lit(0.0));
    let mut by_time = vec![R::lit(0.0); n];
    for first in (0..=n).step_by(LANES) {
        let seeded = |(k, x): (usize, &R)| match k.checked_sub(first) {
            Some(lane) if lane < LANES => Dual::seed(*x, lane),
            _ => Dual::konst(*x),
        };
        let state: Vec<_> = y.iter().enumerate().map(seeded).collect();
        let rate = Dynamics::rate(d, seeded((n, &t)), &state, &fixed);
        for (i, rate) in rate.iter().enumerate() {
            for (j, slope) in (first..=n).zip(rate.eps) {
                if j < n {
                    by_state[(i, j)] = slope;
                } else {
                    by_time[i] = slope;
                }
            }
        }
    }
    (by_state, by_time)
}

/// The eight stages.
fn stages<R: Real>(
    d: &(impl Sloped<R> + ?Sized),
    t: R,
    h: R,
    y: &[R],
    p: &[R],
) -> Result<Vec<Vec<R>>, LinalgError> {
    let n = y.len();
    let (by_state, by_time) = d.slopes(t, y, p);
    let mass = d.mass(p);
    let share = (h * GAMMA).recip();
    let system = Matrix::from_fn(n, n, |i, j| {
        let weighed = match &mass {
            Some(mass) => mass[(i, j)] * share,
            None if i == j => share,
            None => R::lit(0.0),
        };
        weighed - by_state[(i, j)]
    });
    let factor = MatrixFactor::lu(&system)?;
    let per_step = h.recip();
    let mut k: Vec<Vec<R>> = Vec::with_capacity(STAGES);
    let (mut at, mut before) = (y.to_vec(), y.to_vec());
    for stage in 0..STAGES {
        combine(&mut at, &A[stage], &k);
        at.iter_mut().zip(y).for_each(|(at, y)| *at = *y + *at);
        combine(&mut before, &C[stage], &k);
        before.iter_mut().for_each(|b| *b *= per_step);
        if let Some(mass) = &mass {
            before = mass.matvec(&before);
        }
        let mut right = d.rate(t + h * TIMES[stage], &at, p);
        right.iter_mut().zip(&before).for_each(|(right, before)| *right += *before);
        if BY_TIME[stage] != 0.0 {
            let share = h * BY_TIME[stage];
            right.iter_mut().zip(&by_time).for_each(|(right, slope)| *right += *slope * share);
        }
        k.push(factor.solve(&right)?);
    }
    Ok(k)
}

/// The state after the stages: that of the last one's rate, and the last stage.
fn end<R: Real>(y: &[R], k: &[Vec<R>]) -> Vec<R> {
    let last = STAGES - 1;
    let mut end = y.to_vec();
    combine(&mut end, &A[last], k);
    end.iter_mut().zip(y).zip(&k[last]).for_each(|((end, y), k)| *end = *y + *end + *k);
    end
}

/// The state after a step of `h` from `t`.
pub(super) fn step<R: Real>(
    d: &(impl Sloped<R> + ?Sized),
    t: R,
    h: R,
    y: &[R],
    p: &[R],
) -> Result<Vec<R>, LinalgError> {
    Ok(end(y, &stages(d, t, h, y, p)?))
}

/// The same with an estimate of its error, which is the last stage; in plain numbers.
pub(super) fn step_with_error(
    d: &dyn Plain,
    t: f64,
    h: f64,
    y: &[f64],
    p: &[f64],
) -> Result<(Vec<f64>, Vec<f64>), LinalgError> {
    let mut k = stages(d, t, h, y, p)?;
    let end = end(y, &k);
    Ok((end, k.swap_remove(STAGES - 1)))
}

/// What the adjoint of a step needs of it, without a mass matrix.
struct Linearised<T: Real> {
    /// `f_y` and `f_t`, recorded.
    slopes: Part<T>,
    /// Of `I / (gamma h) - f_y`.
    factor: MatrixFactor<T>,
    /// The rates of the stages, recorded.
    rates: Vec<Part<T>>,
    k: Vec<Vec<T>>,
}

impl<T: Real> Linearised<T> {
    fn new(
        d: &impl Sloped<Var<T>>,
        (t, h): (f64, f64),
        y: &[T],
        tape: &mut StepTape<T>,
    ) -> Result<Self, LinalgError> {
        let n = y.len();
        let slopes = tape.record(y, |y, p| {
            let (by_state, by_time) = d.slopes(Var::lit(t), y, p);
            [by_state.into_data(), by_time].concat()
        });
        let mut system = slopes.values();
        let by_time = system.split_off(n * n);
        system.iter_mut().for_each(|slope| *slope = -*slope);
        let share = (h * GAMMA).recip();
        (0..n).for_each(|i| system[i * (n + 1)] += T::lit(share));
        let factor = MatrixFactor::lu(&Matrix::new(n, n, system))?;
        let mut made = Self { slopes, factor, rates: Vec::new(), k: Vec::with_capacity(STAGES) };
        let (mut at, mut before) = (y.to_vec(), y.to_vec());
        for stage in 0..STAGES {
            combine(&mut at, &A[stage], &made.k);
            add_weighed(&mut at, 1.0, y);
            combine(&mut before, &C[stage], &made.k);
            let rate = tape.record(&at, |y, p| d.rate(Var::lit(t + h * TIMES[stage]), y, p));
            let mut right = rate.values();
            add_weighed(&mut right, h.recip(), &before);
            add_weighed(&mut right, h * BY_TIME[stage], &by_time);
            made.k.push(made.factor.solve(&right)?);
            made.rates.push(rate);
        }
        Ok(made)
    }
}

/// Pulls cotangents back through a step without a mass matrix, of which the tape records `f` and its slopes; false where there are
/// no stages.
///
/// With `W = I / (gamma h) - J`, last stage first, `k_bar_i = b_i y_1_bar + sum_j (a_ji Y_bar_j + (c_ji / h) u_j)`, `u_i = W^-T k_bar_i` and
/// `Y_bar_i = f_y^T u_i`; then `J_bar = sum_i u_i k_i^T` and `f_t_bar = h sum_i d_i u_i` are pulled back through the slopes. One
/// factorization serves all.
///
/// # Errors
/// The first rule without a derivative.
pub(super) fn pull_back<T: Real>(
    d: &impl Sloped<Var<T>>,
    (t, h): (f64, f64),
    y: &[T],
    tape: &mut StepTape<T>,
) -> Result<bool, DerivativeFailure> {
    let Ok(step) = Linearised::new(d, (t, h), y, tape) else { return Ok(false) };
    let (n, last) = (y.len(), STAGES - 1);
    let end_bar = tape.state_bar().clone();
    let mut slopes_bar = vec![T::lit(0.0); n * (n + 1)];
    let (mut at_bar, mut right_bar) = (vec![Vec::new(); STAGES], vec![Vec::new(); STAGES]);
    for stage in (0..STAGES).rev() {
        let mut k_bar = end_bar.clone();
        if stage != last {
            k_bar.iter_mut().for_each(|k_bar| *k_bar = *k_bar * A[last][stage]);
        }
        for later in stage + 1..STAGES {
            add_weighed(&mut k_bar, A[later][stage], &at_bar[later]);
            add_weighed(&mut k_bar, C[later][stage] / h, &right_bar[later]);
        }
        // the stages were solved with these factors already
        let u = step.factor.solve_transposed(&k_bar).unwrap_or_else(|_| vec![T::lit(f64::NAN); n]);
        at_bar[stage] = tape.pull(&step.rates[stage], &u)?;
        add_weighed(tape.state_bar(), 1.0, &at_bar[stage]);
        for (row, u) in slopes_bar.chunks_exact_mut(n).zip(&u) {
            row.iter_mut().zip(&step.k[stage]).for_each(|(slope, k)| *slope += *u * *k);
        }
        add_weighed(&mut slopes_bar[n * n..], h * BY_TIME[stage], &u);
        right_bar[stage] = u;
    }
    let by_slopes = tape.pull(&step.slopes, &slopes_bar)?;
    add_weighed(tape.state_bar(), 1.0, &by_slopes);
    Ok(true)
}
