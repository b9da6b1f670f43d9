//! CMA-ES: covariance matrix adaptation without gradients.
//!
//! Hansen, *The CMA Evolution Strategy: A Tutorial*, arXiv:1604.00772, fig. 6, with the default weights and rates of its table 1;
//! beyond [`DIAGONAL_ABOVE`] variables the covariance is diagonal (Ros & Hansen, PPSN X, 2008). Individuals outside the
//! bounds are evaluated at their projection and charged for the distance. Individuals are evaluated in parallel; their
//! random numbers come from keyed counters and sums run in a fixed order, so any number of threads gives the same bits.

use cotangent_ad::random::Stream;
use cotangent_problem::{SampleKey, TermValue, TrialFailure, Want, Workspace};
use faer::{Mat, Side};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::context::{Advance, Algorithm, Context, MethodInfo, NoValue};
use crate::convergence::{Left, Tolerance, claim};
use crate::evaluator::{distance, evaluate};
use crate::outcome::Status;
use crate::quadratic::{Judgement, judge_by_values};

/// Options of CMA-ES.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CmaEsOptions {
    /// First standard deviation in optimizer coordinates.
    pub sigma: f64,
    /// Individuals of a generation; 0 for `4 + 3 ln n`.
    pub population: usize,
    /// Seed of the sampling.
    pub seed: u64,
}

impl Default for CmaEsOptions {
    fn default() -> Self {
        Self { sigma: 0.3, population: 0, seed: 0 }
    }
}

/// Most variables with a full covariance matrix.
pub const DIAGONAL_ABOVE: usize = 100;

/// State between two generations.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    mean: Vec<f64>,
    sigma: f64,
    path_sigma: Vec<f64>,
    path_c: Vec<f64>,
    /// Covariance: `n x n` row-major, or its diagonal.
    covariance: Vec<f64>,
    generation: u64,
    /// Value of the start.
    start: f64,
    /// The best individual so far: its value, and where it is.
    best: (f64, Vec<f64>),
    /// Best values of the last generations, newest last.
    recent: Vec<f64>,
}

/// Rates and weights that depend on the dimension alone. Table 1 of the tutorial.
struct Strategy {
    weights: Vec<f64>,
    mu_eff: f64,
    c_sigma: f64,
    d_sigma: f64,
    c_c: f64,
    c_1: f64,
    c_mu: f64,
    /// Expected length of a standard normal vector.
    chi: f64,
    lambda: usize,
}

impl Strategy {
    fn new(n: usize, population: usize, diagonal: bool) -> Self {
        let d = n as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small positive number"
        )]
        let lambda = if population > 1 { population } else { 4 + (3.0 * d.ln()) as usize };
        let mu = lambda / 2;
        let raw: Vec<f64> =
            (0..mu).map(|i| (0.5 * (lambda as f64 + 1.0)).ln() - (i as f64 + 1.0).ln()).collect();
        let sum: f64 = raw.iter().sum();
        let weights: Vec<f64> = raw.iter().map(|w| w / sum).collect();
        let mu_eff = 1.0 / weights.iter().map(|w| w * w).sum::<f64>();
        let c_sigma = (mu_eff + 2.0) / (d + mu_eff + 5.0);
        let d_sigma = 1.0 + 2.0 * (((mu_eff - 1.0) / (d + 1.0)).sqrt() - 1.0).max(0.0) + c_sigma;
        let c_c = (4.0 + mu_eff / d) / (d + 4.0 + 2.0 * mu_eff / d);
        let faster = if diagonal { (d + 2.0) / 3.0 } else { 1.0 };
        let c_1 = faster * 2.0 / ((d + 1.3).powi(2) + mu_eff);
        let rank_mu = 2.0 * (mu_eff - 2.0 + 1.0 / mu_eff) / ((d + 2.0).powi(2) + mu_eff);
        let c_1 = c_1.min(0.5);
        let c_mu = (faster * rank_mu).min(1.0 - c_1);
        let chi = d.sqrt() * (1.0 - 1.0 / (4.0 * d) + 1.0 / (21.0 * d * d));
        Self { weights, mu_eff, c_sigma, d_sigma, c_c, c_1, c_mu, chi, lambda }
    }

    /// Generations over which values must be flat (appendix B.3 of the tutorial).
    fn memory(&self, n: usize) -> usize {
        10 + (30 * n).div_ceil(self.lambda)
    }
}

/// `C = B D^2 B^T`, or its diagonal.
enum Factor {
    Full { basis: Mat<f64>, deviations: Vec<f64> },
    Diagonal { deviations: Vec<f64> },
}

impl Factor {
    /// `None` where the covariance cannot be diagonalised.
    fn of(covariance: &[f64], n: usize) -> Option<Self> {
        if covariance.len() == n && n > 1 {
            return Some(Self::Diagonal {
                deviations: covariance.iter().map(|c| c.sqrt()).collect(),
            });
        }
        let matrix =
            Mat::from_fn(n, n, |i, j| 0.5 * (covariance[i * n + j] + covariance[j * n + i]));
        let eigen = matrix.self_adjoint_eigen(Side::Lower).ok()?;
        let deviations = (0..n).map(|k| eigen.S()[k].max(0.0).sqrt()).collect();
        Some(Self::Full { basis: eigen.U().to_owned(), deviations })
    }

    /// `B D x`.
    fn colour(&self, x: &[f64]) -> Vec<f64> {
        match self {
            Self::Diagonal { deviations } => x.iter().zip(deviations).map(|(x, d)| x * d).collect(),
            Self::Full { basis, deviations } => {
                let n = x.len();
                (0..n).map(|i| (0..n).map(|k| basis[(i, k)] * deviations[k] * x[k]).sum()).collect()
            }
        }
    }

    /// `C^(-1/2) y`.
    fn whiten(&self, y: &[f64]) -> Vec<f64> {
        let over = |y: f64, d: f64| if d > 0.0 { y / d } else { 0.0 };
        match self {
            Self::Diagonal { deviations } => {
                y.iter().zip(deviations).map(|(y, d)| over(*y, *d)).collect()
            }
            Self::Full { basis, deviations } => {
                let n = y.len();
                let inner: Vec<f64> = (0..n)
                    .map(|k| over((0..n).map(|i| basis[(i, k)] * y[i]).sum(), deviations[k]))
                    .collect();
                (0..n).map(|i| (0..n).map(|k| basis[(i, k)] * inner[k]).sum()).collect()
            }
        }
    }
}

/// An individual of a generation.
struct Individual {
    /// `(z - mean)/sigma`.
    step: Vec<f64>,
    /// Where it was evaluated, within the bounds.
    z: Vec<f64>,
    value: Result<f64, TrialFailure>,
    /// Squared distance to the bounds in deviations.
    outside: f64,
}

/// Relative spread of values that counts as flat, at least: Hansen's `TolFunHist`, made relative.
const FLAT: f64 = 1e-12;

impl Algorithm for State {
    type Options = CmaEsOptions;
    const INFO: MethodInfo = MethodInfo {
        name: "cma-es",
        summary: "covariance matrix adaptation without gradients (Hansen 2016)",
        needs_gradient: false,
        needs_residuals: false,
        needs_stages: false,
        accepts_stochastic: true,
        draws_anew: false,
    };

    fn start(
        context: &mut Context,
        z: Vec<f64>,
        options: &CmaEsOptions,
    ) -> Result<(Self, f64), NoValue> {
        let n = z.len();
        let value = context.evaluate(&z, Want::VALUE)?.value;
        let covariance = if n > DIAGONAL_ABOVE {
            vec![1.0; n]
        } else {
            (0..n * n).map(|k| f64::from(u8::from(k % (n + 1) == 0))).collect()
        };
        let state = Self {
            best: (value, z.clone()),
            mean: z,
            sigma: options.sigma,
            path_sigma: vec![0.0; n],
            path_c: vec![0.0; n],
            covariance,
            generation: 0,
            start: value,
            recent: Vec::new(),
        };
        Ok((state, value))
    }

    fn gradient_norm(&self, _: &[f64], _: &[f64]) -> Option<f64> {
        None
    }

    fn terms(&self) -> &[TermValue] {
        &[]
    }

    fn iterate(&mut self, context: &mut Context, options: &CmaEsOptions) -> Advance {
        let n = self.mean.len();
        let strategy = Strategy::new(n, options.population, n > DIAGONAL_ABOVE);
        let Some(factor) = Factor::of(&self.covariance, n) else {
            let why = "the covariance matrix cannot be diagonalised".into();
            return self.ended(Status::Stalled { gradient_norm: None, why });
        };
        if self.settled(context, &strategy) {
            return self.ended(self.judged(context));
        }
        // a generation is judged as a whole or not at all
        if let Err(error) = context.spend(strategy.lambda as u64) {
            return self.ended(error.status());
        }
        let generation = self.sample(context, options, &strategy, &factor);
        for individual in &generation {
            context.counts.add(Want::VALUE, individual.value.is_err());
        }
        let Some(fitness) = fitness(&generation) else {
            let failure = generation.into_iter().find_map(|i| i.value.err());
            let none = TrialFailure::NonFinite { what: "every individual".into() };
            return self.ended(Status::Failed { failure: failure.unwrap_or(none) });
        };
        if self.generation == 0 && generation.iter().all(|i| i.value == Ok(self.start)) {
            let why = format!(
                "all {} values of the first generation equal that of the start: the objective does not depend on the                  parameters within `sigma` of it",
                generation.len()
            );
            return self.ended(Status::Stalled { gradient_norm: None, why });
        }
        self.select(&strategy, &factor, &generation, &fitness)
    }
}

impl State {
    /// Whether the last generations have been flat, or the deviations are below what the parameters can resolve.
    fn settled(&self, context: &Context, s: &Strategy) -> bool {
        let n = self.mean.len();
        let deviation = |i: usize| {
            let variance = if self.covariance.len() == n { i } else { i * (n + 1) };
            self.sigma * self.covariance[variance].sqrt()
        };
        let left = Left { decrease: f64::INFINITY, step: (0..n).map(deviation).collect() };
        let tolerance = Tolerance::asked(context.stop);
        if claim(&left, &self.mean, 1.0, context.sizes, tolerance).is_some() {
            return true;
        }
        let most = self.recent.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let least = self.recent.iter().copied().fold(f64::INFINITY, f64::min);
        let flat = context.stop.value_tolerance.max(FLAT);
        let long = self.recent.len() >= s.memory(n);
        long && most - least <= flat * least.abs()
    }

    /// What a distribution that has settled has found: it also does in narrow valleys and on plateaus, so differences of values
    /// around the best individual decide.
    fn judged(&self, context: &mut Context) -> Status {
        let (value, z) = &self.best;
        match judge_by_values(context, z, *value) {
            Ok(Judgement::Stands(status)) => status,
            Ok(judgement) => {
                let why = format!("the distribution has settled, but {}", judgement.objection());
                Status::Stalled { gradient_norm: None, why }
            }
            Err(error) => error.status(),
        }
    }

    /// Recombines the best of a generation, and adapts to them.
    fn select(
        &mut self,
        strategy: &Strategy,
        factor: &Factor,
        generation: &[Individual],
        fitness: &[f64],
    ) -> Advance {
        let mut order: Vec<usize> = (0..generation.len()).collect();
        order.sort_by(|&i, &j| fitness[i].total_cmp(&fitness[j]).then(i.cmp(&j)));
        let parents: Vec<&Individual> =
            order.iter().take(strategy.weights.len()).map(|&i| &generation[i]).collect();
        let before = self.mean.clone();
        self.adapt(strategy, factor, &parents);
        self.generation += 1;
        let value_of = |i: usize| generation[i].value.as_ref().copied().unwrap_or(f64::INFINITY);
        let best = (0..generation.len())
            .min_by(|&i, &j| value_of(i).total_cmp(&value_of(j)))
            .unwrap_or(order[0]);
        if self.recent.len() >= strategy.memory(before.len()) {
            self.recent.remove(0);
        }
        self.recent.push(value_of(best));
        if value_of(best) < self.best.0 {
            self.best = (value_of(best), generation[best].z.clone());
        }
        Advance {
            z: generation[best].z.clone(),
            value: value_of(best),
            gradient_norm: None,
            step_norm: distance(&before, &self.mean),
            terms: Vec::new(),
            end: None,
        }
    }

    fn ended(&self, status: Status) -> Advance {
        Advance {
            z: self.mean.clone(),
            value: f64::INFINITY,
            gradient_norm: None,
            step_norm: 0.0,
            terms: Vec::new(),
            end: Some(status),
        }
    }

    fn sample(
        &self,
        context: &Context,
        options: &CmaEsOptions,
        strategy: &Strategy,
        factor: &Factor,
    ) -> Vec<Individual> {
        let (problem, key): (_, SampleKey) = (context.problem, context.key);
        let individual = |ws: &mut Workspace, k: usize| {
            let stream = Stream::new(&[options.seed, 0x0063_6d61, self.generation, k as u64]);
            let normal: Vec<f64> = (0..self.mean.len() as u64).map(|i| stream.normal(i)).collect();
            let step = factor.colour(&normal);
            let free: Vec<f64> =
                self.mean.iter().zip(&step).map(|(m, s)| m + self.sigma * s).collect();
            let mut z = free.clone();
            context_project(context.lower, context.upper, &mut z);
            let outside = z.iter().zip(&free).map(|(a, b)| ((a - b) / self.sigma).powi(2)).sum();
            let value = evaluate(problem, &z, Want::VALUE, key, ws).map(|e| e.value);
            Individual { step, z, value, outside }
        };
        (0..strategy.lambda).into_par_iter().map_init(Workspace::new, individual).collect()
    }

    /// Moves mean, paths, covariance and step size. Eqs. 41-47 of the tutorial, without negative weights.
    fn adapt(&mut self, s: &Strategy, factor: &Factor, parents: &[&Individual]) {
        let n = self.mean.len();
        let mut step = vec![0.0; n];
        for (w, parent) in s.weights.iter().zip(parents) {
            step.iter_mut().zip(&parent.step).for_each(|(t, p)| *t += w * p);
        }
        self.mean.iter_mut().zip(&step).for_each(|(m, t)| *m += self.sigma * t);
        let white = factor.whiten(&step);
        let gain = (s.c_sigma * (2.0 - s.c_sigma) * s.mu_eff).sqrt();
        for i in 0..n {
            self.path_sigma[i] = (1.0 - s.c_sigma) * self.path_sigma[i] + gain * white[i];
        }
        let length = self.path_sigma.iter().map(|p| p * p).sum::<f64>().sqrt();
        let t = i32::try_from(2 * (self.generation + 1)).unwrap_or(i32::MAX);
        let settled = length / (1.0 - (1.0 - s.c_sigma).powi(t)).sqrt()
            < (1.4 + 2.0 / (n as f64 + 1.0)) * s.chi;
        let h = f64::from(u8::from(settled));
        let gain = h * (s.c_c * (2.0 - s.c_c) * s.mu_eff).sqrt();
        for i in 0..n {
            self.path_c[i] = (1.0 - s.c_c) * self.path_c[i] + gain * step[i];
        }
        let keep = 1.0 - s.c_1 - s.c_mu + (1.0 - h) * s.c_1 * s.c_c * (2.0 - s.c_c);
        let full = self.covariance.len() != n || n == 1;
        let mut update = |k: usize, i: usize, j: usize| {
            let rank_mu: f64 =
                s.weights.iter().zip(parents).map(|(w, p)| w * p.step[i] * p.step[j]).sum();
            self.covariance[k] = keep * self.covariance[k]
                + s.c_1 * self.path_c[i] * self.path_c[j]
                + s.c_mu * rank_mu;
        };
        if full {
            (0..n * n).for_each(|k| update(k, k / n, k % n));
        } else {
            (0..n).for_each(|i| update(i, i, i));
        }
        self.sigma *= (s.c_sigma / s.d_sigma * (length / s.chi - 1.0)).exp().min(2.0);
    }
}

fn context_project(lower: &[f64], upper: &[f64], z: &mut [f64]) {
    for i in 0..z.len() {
        z[i] = z[i].clamp(lower[i], upper[i]);
    }
}

/// Values, with a charge for lying outside the bounds and the failed ones last; `None` where all failed.
fn fitness(generation: &[Individual]) -> Option<Vec<f64>> {
    let mut values: Vec<f64> =
        generation.iter().filter_map(|i| i.value.as_ref().ok().copied()).collect();
    values.sort_by(f64::total_cmp);
    let (least, most) = (*values.first()?, *values.last()?);
    let spread = (most - least).max(f64::EPSILON * most.abs());
    let charge = |i: &Individual| match i.value {
        Ok(value) => value + spread * i.outside / i.step.len() as f64,
        Err(_) => f64::INFINITY,
    };
    Some(generation.iter().map(charge).collect())
}
