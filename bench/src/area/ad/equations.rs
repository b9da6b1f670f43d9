//! Differential equations and their gradients beside diffrax and diffsol.

use std::collections::BTreeMap;
use std::process::Command;

use cotangent_ad::linalg::dot;
use cotangent_ad::ode::{Dynamics, Method, Options, solve};
use cotangent_ad::{Real, grad, jacobian_forward};

use super::systems::{
    GREEN, HARES, Hires, LotkaVolterra, Pleiades, RATES, Robertson, VanDerPol, off, stars, weighed,
};
use crate::clock;
use crate::peer::{self, Measured, PeerError, Peers};
use crate::report::{Item, Row};

const REPEATS: usize = 30;

/// Tolerances of both sides beside diffrax.
fn to_six_digits() -> Options {
    Options { relative: 1e-6, absolute: 1e-6, ..Options::default() }
}

/// Hare and lynx, 1900 to 1920, at the posterior mean of `hudson_lynx_hare`: parameters and start.
fn hares<R: Real>(x: &[R]) -> R {
    let years: Vec<f64> = (1..=20).map(f64::from).collect();
    let (p, start) = x.split_at(4);
    let solution = solve(&LotkaVolterra, 0.0, R::lit(20.0), start, p, &years, &to_six_digits());
    let saved = solution.expect("it does not explode").saved;
    saved.iter().fold(R::lit(0.0), |s, y| s + y[0].ln() + y[1].ln())
}

/// The gradient beside the solution, and beside diffrax.
pub(super) fn hares_rows(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let work = "Lotka-Volterra gradient, 20 years, relative tolerance 1e-6";
    let x: Vec<f64> = HARES.0.into_iter().chain(HARES.1).collect();
    let solution = clock::best(REPEATS, || hares(&x));
    let ours = clock::best(REPEATS, || grad(hares, &x));
    let mut items = vec![Row::cpu_us(work, ours, ("the solution", solution), None)];
    match diffrax(peers, "hares")? {
        Err(why) => items.push(Row::skipped(work, ours, "diffrax", &why)),
        Ok(found) => {
            assert_near(work, &grad(hares, &x), &found.values[2..]);
            items.push(Row::cpu_us(work, ours, ("diffrax, jit", found.cpu_s), Some(0.2)));
        }
    }
    Ok(items)
}

/// Sizes of the network: 28 (4 + 1 + 4) = 252 weights.
const STATE: usize = 4;
const HIDDEN: usize = 28;

/// `y' = W2 tanh(W1 y + b)`.
#[derive(Clone)]
struct Network;
impl Dynamics for Network {
    fn rate<R: Real>(&self, _: R, y: &[R], weights: &[R]) -> Vec<R> {
        let (inner, rest) = weights.split_at(HIDDEN * STATE);
        let (bias, outer) = rest.split_at(HIDDEN);
        let neuron = |(row, bias): (&[R], &R)| (dot(row, y) + *bias).tanh();
        let hidden: Vec<R> = inner.chunks(STATE).zip(bias).map(neuron).collect();
        outer.chunks(HIDDEN).map(|row| dot(row, &hidden)).collect()
    }
}

/// The square of where it ends after time 10, and the steps that this took.
fn network<R: Real>(weights: &[R]) -> (R, usize) {
    let start: Vec<R> = (0..STATE).map(|k| R::lit(0.5 - 0.3 * k as f64)).collect();
    let found = solve(&Network, 0.0, R::lit(10.0), &start, weights, &[], &to_six_digits());
    let found = found.expect("a bounded rate");
    (dot(&found.state, &found.state), found.steps)
}

/// A step with its gradient beside diffrax.
pub(super) fn network_rows(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let work = "neural differential equation of 252 parameters, a step with gradient";
    let weights: Vec<f64> = (0..252).map(|k| (0.3 * f64::from(k * k)).cos()).collect();
    let gradient = || grad(|w| network(w).0, &weights);
    let step = clock::best(REPEATS, gradient) / network(&weights).1 as f64;
    Ok(vec![match diffrax(peers, "network")? {
        Err(why) => Row::skipped(work, step, "diffrax", &why),
        Ok(found) => {
            assert_near(work, &gradient(), &found.values[2..]);
            let theirs = found.cpu_s / found.values[0];
            Row::cpu_us(work, step, ("diffrax, jit", theirs), Some(0.5))
        }
    }])
}

/// The peer's measurement, or why there is none.
fn diffrax(peers: &Peers, name: &str) -> Result<Result<Measured, String>, PeerError> {
    let python = match peers.python("diffrax") {
        Ok(python) => python,
        Err(why) => return Ok(Err(why)),
    };
    let script = peer::script("ode_diffrax.py");
    let found = peer::run(Command::new(python).arg(script).args([name, &REPEATS.to_string()]))?;
    Ok(Ok(found[name].clone()))
}

/// Both sides have solved the same equation, each with steps of its own.
fn assert_near(work: &str, ours: &[f64], theirs: &[f64]) {
    let apart = off(ours, theirs);
    assert!(apart < 1e-3, "{work}: the gradients differ by {apart:e}");
}

/// Of the largest entry of the state, and of the derivatives: what both sides have to reach.
const ACCURACY: f64 = 1e-6;

/// A problem of the suite.
struct Problem<'a, D> {
    name: &'a str,
    title: &'a str,
    dynamics: D,
    end: f64,
    start: &'a [f64],
    parameters: &'a [f64],
    /// The absolute tolerance as a share of the relative one.
    share: f64,
    methods: &'a [Method],
    /// That of the reference, at a relative tolerance of 1e-12.
    best: Method,
}

impl<D: Dynamics> Problem<'_, D> {
    fn options(&self, method: Method, relative: f64) -> Options {
        Options { method, relative, absolute: relative * self.share, ..Options::default() }
    }

    fn state(&self, options: &Options) -> Option<Vec<f64>> {
        let Self { dynamics, end, start, parameters, .. } = self;
        solve(dynamics, 0.0, *end, start, parameters, &[], options).ok().map(|s| s.state)
    }

    /// Of the weighed end state by the logarithms of the parameters.
    fn gradient(&self, options: &Options) -> Vec<f64> {
        let Self { dynamics, end, start, .. } = self;
        grad(|x| weighed(dynamics, *end, start, x, options), &self.logarithms())
    }

    fn logarithms(&self) -> Vec<f64> {
        self.parameters.iter().map(|p| p.ln()).collect()
    }

    /// End state and derivatives, at a tolerance far below all others; the derivatives by duals.
    fn right(&self) -> [Vec<f64>; 2] {
        let options = self.options(self.best, 1e-12);
        let Self { dynamics, end, start, .. } = self;
        let value = |x: &[_]| vec![weighed(dynamics, *end, start, x, &options)];
        let state = self.state(&options).expect("a solution at a tight tolerance");
        [state, jacobian_forward(value, &self.logarithms())]
    }

    /// The least times of a value and of a gradient that are right to [`ACCURACY`], over methods and tolerances.
    fn best_times(&self, right: &[Vec<f64>; 2]) -> [f64; 2] {
        let mut best = [f64::INFINITY; 2];
        for &method in self.methods {
            for exponent in 3..=12 {
                let options = self.options(method, 10.0_f64.powi(-exponent));
                let Some(state) = self.state(&options) else { continue };
                if off(&state, &right[0]) <= ACCURACY {
                    best[0] = best[0].min(clock::best(REPEATS, || self.state(&options)));
                }
                if off(&self.gradient(&options), &right[1]) <= ACCURACY {
                    best[1] = best[1].min(clock::best(REPEATS, || self.gradient(&options)));
                }
            }
        }
        best
    }

    fn beside_diffsol(&self, peers: &Peers) -> Result<Vec<Item>, PeerError> {
        let right = self.right();
        let ours = self.best_times(&right);
        let works = ["value", "gradient"].map(|what| format!("{}, {what} to 1e-6", self.title));
        let theirs: BTreeMap<String, Measured> = match peers.python("pydiffsol") {
            Err(why) => {
                let row = |(work, ours): (&String, f64)| Row::skipped(work, ours, "diffsol", &why);
                return Ok(works.iter().zip(ours).map(row).collect());
            }
            Ok(python) => {
                let text = |x: &[f64]| -> Vec<String> { x.iter().map(f64::to_string).collect() };
                let mut command = Command::new(python);
                command.arg(peer::script("ode_diffsol.py")).arg(self.name);
                command.args([ACCURACY.to_string(), REPEATS.to_string()]);
                command.args(text(&right[0])).arg("--").args(text(&right[1]));
                peer::run(&mut command)?
            }
        };
        let row = |((work, ours), name): ((&String, f64), &str)| match theirs.get(name) {
            Some(found) => {
                Row::cpu_us(work, ours, ("diffsol's best method", found.cpu_s), Some(1.0))
            }
            None => Row::skipped(work, ours, "diffsol", "it does not get there"),
        };
        Ok(works.iter().zip(ours).zip(["forward", "adjoint"]).map(row).collect())
    }
}

const EXPLICIT: [Method; 2] = [Method::Tsit5, Method::Dop853];
const STIFF: [Method; 1] = [Method::Rodas5p];

/// Hares and stars.
pub(super) fn explicit_rows(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let hares = Problem {
        name: "lotka_volterra",
        title: "Lotka-Volterra",
        dynamics: LotkaVolterra,
        end: 20.0,
        start: &HARES.1,
        parameters: &HARES.0,
        share: 1.0,
        methods: &EXPLICIT,
        best: Method::Dop853,
    };
    let (masses, start) = stars();
    let stars = Problem {
        name: "pleiades",
        title: "Pleiades",
        dynamics: Pleiades,
        end: 3.0,
        start: &start,
        parameters: &masses,
        share: 1.0,
        methods: &EXPLICIT,
        best: Method::Dop853,
    };
    Ok([hares.beside_diffsol(peers)?, stars.beside_diffsol(peers)?].concat())
}

/// Oscillator, plant and reaction.
pub(super) fn stiff_rows(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let oscillator = Problem {
        name: "van_der_pol",
        title: "van der Pol's oscillator at 1e3, to t = 800",
        dynamics: VanDerPol,
        end: 800.0,
        start: &[2.0, 0.0],
        parameters: &[1e3],
        share: 1.0,
        methods: &STIFF,
        best: Method::Rodas5p,
    };
    let plant = Problem {
        name: "hires",
        title: "HIRES",
        dynamics: Hires,
        end: 321.8122,
        start: &GREEN,
        parameters: &[280.0],
        share: 1e-4,
        methods: &STIFF,
        best: Method::Rodas5p,
    };
    let reaction = Problem {
        name: "robertson",
        title: "Robertson's reaction, to t = 40",
        dynamics: Robertson { conserved: false },
        end: 40.0,
        start: &[1.0, 0.0, 0.0],
        parameters: &RATES,
        share: 1e-4,
        methods: &STIFF,
        best: Method::Rodas5p,
    };
    let items = [
        oscillator.beside_diffsol(peers)?,
        plant.beside_diffsol(peers)?,
        reaction.beside_diffsol(peers)?,
    ];
    Ok(items.concat())
}
