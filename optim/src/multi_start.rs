//! Many starts of one method: the remedy for local minima.

use cotangent_ad::random::Stream;
use cotangent_problem::SampleKey;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::method::Method;
use crate::outcome::{Outcome, Stop};
use crate::problem::Problem;
use crate::run::{StartError, minimize};

/// How starts are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MultiStart {
    /// Number of runs, the given start among them.
    pub starts: usize,
    /// Standard deviation, in optimizer coordinates, of entries that are not bounded on both sides; the others are uniform
    /// between their bounds.
    pub spread: f64,
    /// Seed of the drawing.
    pub seed: u64,
}

impl Default for MultiStart {
    fn default() -> Self {
        Self { starts: 10, spread: 1.0, seed: 0 }
    }
}

impl MultiStart {
    /// Start `k` in physical units: number 0 is `x0` itself.
    pub fn start(&self, problem: &Problem, x0: &[f64], k: usize) -> Vec<f64> {
        if k == 0 {
            return x0.to_vec();
        }
        let stream = Stream::new(&[self.seed, 0x6d73, k as u64]);
        let (lower, upper) = problem.space.bounds();
        let mut z = problem.space.encode(x0);
        for (i, z) in z.iter_mut().enumerate() {
            let (lower, upper, index) = (lower[i], upper[i], i as u64);
            *z = if lower.is_finite() && upper.is_finite() {
                lower + (upper - lower) * stream.uniform(index)
            } else {
                (*z + self.spread * stream.normal(index)).clamp(lower, upper)
            };
        }
        problem.space.decode(&z)
    }

    /// Runs `method` from every start, in parallel; the outcomes in the order of the starts, the same on any number of
    /// threads. A start without a value is an error of its own, not of the whole.
    pub fn minimize(
        &self,
        problem: &Problem,
        method: &Method,
        stop: Stop,
        x0: &[f64],
        key: SampleKey,
    ) -> Vec<Result<Outcome, StartError>> {
        let run = |k: usize| {
            let start = self.start(problem, x0, k);
            minimize(problem, method.clone(), stop, &start, key, &mut ())
        };
        (0..self.starts).into_par_iter().map(run).collect()
    }
}

/// The outcome of least value; the first where they tie.
pub fn best(outcomes: &[Result<Outcome, StartError>]) -> Option<&Outcome> {
    outcomes
        .iter()
        .flatten()
        .reduce(|best, other| if other.value < best.value { other } else { best })
}
