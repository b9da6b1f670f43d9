//! Systems of the test set of Bari (Mazzia & Magherini) and of population dynamics, with their references of 20 digits.
//!
//! `tests/data/ivp_reference.csv` is written by the script beside it.

pub(crate) mod falling;

use cotangent_ad::Real;
use cotangent_ad::linalg::Matrix;
use cotangent_ad::ode::{Dynamics, Method, Options, solve};

/// The end state of a system: hares after 20 years, stars at 3, van der Pol's oscillator at 2000, the plant at 321.8122, Robertson's
/// reaction at 1e11.
pub(crate) fn reference(name: &str) -> Vec<f64> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/tests/data/ivp_reference.csv");
    let text = std::fs::read_to_string(path).expect("the references stand beside the tests");
    let line = text.lines().find(|line| line.split(',').next() == Some(name));
    let numbers = line.expect("a system of the table").split(',').skip(2);
    numbers.map(|number| number.parse().expect("a number")).collect()
}

/// The largest difference, in units of the largest component.
pub(crate) fn off(found: &[f64], right: &[f64]) -> f64 {
    let size = right.iter().fold(0.0_f64, |s, r| s.max(r.abs()));
    found.iter().zip(right).fold(0.0, |e, (f, r)| f64::max(e, (f - r).abs() / size))
}

/// Hare and lynx.
#[derive(Clone)]
pub(crate) struct LotkaVolterra;
impl Dynamics for LotkaVolterra {
    fn rate<R: Real>(&self, _: R, y: &[R], p: &[R]) -> Vec<R> {
        vec![(p[0] - p[1] * y[1]) * y[0], (p[3] * y[0] - p[2]) * y[1]]
    }
}
/// Parameters and start.
pub(crate) const HARES: ([f64; 4], [f64; 2]) = ([0.55, 0.028, 0.80, 0.024], [33.956, 5.933]);

/// Seven stars of masses 1 to 7 in a plane.
#[derive(Clone)]
pub(crate) struct Pleiades;
impl Dynamics for Pleiades {
    fn rate<R: Real>(&self, _: R, y: &[R], p: &[R]) -> Vec<R> {
        let (x, z) = (&y[..7], &y[7..14]);
        let mut rate = y[14..].to_vec();
        rate.resize(28, R::lit(0.0));
        for (i, j) in (0..7).flat_map(|i| (i + 1..7).map(move |j| (i, j))) {
            let (across, along) = (x[j] - x[i], z[j] - z[i]);
            let square = across * across + along * along;
            let share = (square * square.sqrt()).recip();
            for (row, pull) in [(14, across * share), (21, along * share)] {
                rate[row + i] += pull * p[j];
                rate[row + j] -= pull * p[i];
            }
        }
        rate
    }
}

/// Masses, and places and speeds at the start.
pub(crate) fn stars() -> (Vec<f64>, Vec<f64>) {
    let places = [3.0, 3.0, -1.0, -3.0, 2.0, -2.0, 2.0, 3.0, -3.0, 2.0, 0.0, 0.0, -4.0, 4.0];
    let speeds = [0.0, 0.0, 0.0, 0.0, 0.0, 1.75, -1.5, 0.0, 0.0, 0.0, -1.25, 1.0, 0.0, 0.0];
    ((1..=7).map(f64::from).collect(), [places, speeds].concat())
}

/// Van der Pol's oscillator.
#[derive(Clone)]
pub(crate) struct VanDerPol;
impl Dynamics for VanDerPol {
    fn rate<R: Real>(&self, _: R, y: &[R], p: &[R]) -> Vec<R> {
        vec![y[1], p[0] * (R::lit(1.0) - y[0] * y[0]) * y[1] - y[0]]
    }
}

/// High irradiance response of a plant: eight reactants.
#[derive(Clone)]
pub(crate) struct Hires;
impl Dynamics for Hires {
    fn rate<R: Real>(&self, _: R, y: &[R], p: &[R]) -> Vec<R> {
        let bound = p[0] * y[5] * y[7];
        vec![
            y[1] * 0.43 - y[0] * 1.71 + y[2] * 8.32 + 0.0007,
            y[0] * 1.71 - y[1] * 8.75,
            y[3] * 0.43 - y[2] * 10.03 + y[4] * 0.035,
            y[1] * 8.32 + y[2] * 1.71 - y[3] * 1.12,
            (y[5] + y[6]) * 0.43 - y[4] * 1.745,
            y[3] * 0.69 - bound + y[4] * 1.71 - y[5] * 0.43 + y[6] * 0.69,
            bound - y[6] * 1.81,
            y[6] * 1.81 - bound,
        ]
    }
}

/// Of the plant.
pub(crate) const GREEN: [f64; 8] = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0057];

/// `A -> B`, `2 B -> B + C`, `B + C -> A + C`; the last as a differential equation, or by the conservation of the sum.
#[derive(Clone)]
pub(crate) struct Robertson {
    pub(crate) conserved: bool,
}
impl Dynamics for Robertson {
    fn rate<R: Real>(&self, _: R, y: &[R], p: &[R]) -> Vec<R> {
        let (decay, pair, catalysed) = (p[0] * y[0], p[1] * y[1] * y[1], p[2] * y[1] * y[2]);
        let last = if self.conserved { y[0] + y[1] + y[2] - 1.0 } else { pair };
        vec![catalysed - decay, decay - catalysed - pair, last]
    }
    fn mass<R: Real>(&self, _: &[R]) -> Option<Matrix<R>> {
        self.conserved.then(|| Matrix::diagonal(&[1.0, 1.0, 0.0].map(R::lit)))
    }
}
/// Rates of the three reactions.
pub(crate) const RATES: [f64; 3] = [0.04, 3e7, 1e4];

/// The end state, weighed, by the logarithms of the parameters.
pub(crate) fn weighed<R: Real, D: Dynamics>(
    d: &D,
    end: f64,
    y: &[f64],
    x: &[R],
    options: &Options,
) -> R {
    let (p, start): (Vec<R>, Vec<R>) =
        (x.iter().map(|x| x.exp()).collect(), y.iter().map(|y| R::lit(*y)).collect());
    let found = solve(d, 0.0, R::lit(end), &start, &p, &[], options).expect("a solution");
    found.state.iter().enumerate().map(|(k, y)| *y * (k as f64 + 1.0)).sum()
}

/// `y' = y cos t`, whose solution from 1 is `e^(sin t)`.
#[derive(Clone)]
struct Swelling;
impl Dynamics for Swelling {
    fn rate<R: Real>(&self, t: R, y: &[R], _: &[R]) -> Vec<R> {
        vec![y[0] * t.cos()]
    }
}

/// The order of a method: how fast its error falls from one number of equal steps to twice as many.
///
/// The tolerance is so loose that steps end at saved times only.
pub(crate) fn order(method: Method) -> f64 {
    let options = Options { method, relative: 1.0, absolute: 1e6, ..Options::default() };
    // errors above rounding, and where the next power of the step no longer shows
    let (end, least) = if method == Method::Dop853 { (5.0, 8) } else { (3.0_f64, 64) };
    let error = |steps: u32| {
        let ends: Vec<f64> = (1..steps).map(|k| end * f64::from(k) / f64::from(steps)).collect();
        let found = solve(&Swelling, 0.0, end, &[1.0], &[], &ends, &options);
        (found.expect("a solution").state[0] - end.sin().exp()).abs()
    };
    (error(least) / error(2 * least)).log2()
}
