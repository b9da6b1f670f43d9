//! Adam: adaptive moments for stochastic gradients.
//!
//! Kingma & Ba, ICLR 2015, algorithm 1, with projection onto the bounds. Every iteration draws another sample: its
//! key is the stream (the run's key, `SAMPLES`, iteration). A gradient that is longer than a limit, where there is one, is shortened to it (Pascanu, Mikolov,
//! Bengio, ICML 2013): through long motions and recurrences some are longer by orders of magnitude, and the second moment remembers them.

use cotangent_ad::random::Stream;
use cotangent_problem::{SampleKey, TermValue};
use serde::{Deserialize, Serialize};

use crate::context::{Advance, Algorithm, Context, MethodInfo, NoValue};
use crate::evaluator::{distance, projected_gradient_norm};
use crate::hessian::{Point, objective_slopes, zero_gradient};
use crate::outcome::Status;

/// How the learning rate changes over the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Always the same.
    #[default]
    Constant,
    /// Half a cosine down to zero at the last iteration.
    Cosine,
    /// Down to a hundredth, geometrically, at the last iteration.
    Exponential,
}

/// Options of Adam.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamOptions {
    /// Step in optimizer coordinates.
    pub learning_rate: f64,
    /// How it changes.
    pub schedule: Schedule,
    /// Length, in optimizer coordinates, to which longer gradients are shortened; 0 is none.
    pub clip: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
}

impl Default for AdamOptions {
    fn default() -> Self {
        Self {
            learning_rate: 0.05,
            schedule: Schedule::Constant,
            clip: 0.0,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
        }
    }
}

/// Names the stream of sample keys ("adam").
const SAMPLES: u64 = 0x6164_616d;
/// Halvings of a step whose end has no value.
const MOST_HALVINGS: usize = 20;

/// State between two iterations.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    z: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
    gradient_norm: f64,
    terms: Vec<TermValue>,
}

impl Algorithm for State {
    type Options = AdamOptions;
    const INFO: MethodInfo = MethodInfo {
        name: "adam",
        summary: "adaptive moments for stochastic gradients (Kingma, Ba 2015)",
        needs_gradient: true,
        needs_residuals: false,
        needs_stages: false,
        accepts_stochastic: true,
        draws_anew: true,
    };

    fn start(context: &mut Context, z: Vec<f64>, _: &AdamOptions) -> Result<(Self, f64), NoValue> {
        let (found, gradient) = context.value_and_gradient(&z)?;
        let n = z.len();
        let gradient_norm = projected_gradient_norm(&z, &gradient, context.lower, context.upper);
        let (value, terms) = (found.value, found.terms);
        let (first, second) = (vec![0.0; n], vec![0.0; n]);
        Ok((Self { z, value, gradient, first, second, gradient_norm, terms }, value))
    }

    fn gradient_norm(&self, _: &[f64], _: &[f64]) -> Option<f64> {
        Some(self.gradient_norm)
    }

    fn terms(&self) -> &[TermValue] {
        &self.terms
    }

    fn iterate(&mut self, context: &mut Context, o: &AdamOptions) -> Advance {
        // the gradient of one sample says nothing about that of the mean
        let sampled = context.problem.objective.capabilities().stochastic;
        if !sampled && self.gradient_norm <= context.stop.gradient_tolerance {
            return self.report(0.0, Some(self.without_gradient(context)));
        }
        let (first, second) = (self.first.clone(), self.second.clone());
        let step = self.moments(context, o);
        let end = match self.take(context, &step) {
            Ok(moved) => return self.report(moved, None),
            Err(error) => error.status(),
        };
        // the iteration has not been made
        (self.first, self.second) = (first, second);
        self.report(0.0, Some(end))
    }
}

impl State {
    /// The gradient is below the tolerance; where it is zero, this may be a plateau.
    fn without_gradient(&self, context: &mut Context) -> Status {
        let gradient_norm = self.gradient_norm;
        if gradient_norm > 0.0 {
            return Status::GradientConverged { gradient_norm };
        }
        // a second moment remembers whether the value has depended on the parameter
        let mattered: Vec<bool> = self.second.iter().map(|s| *s > 0.0).collect();
        let (z, value, gradient) = (&self.z[..], self.value, &self.gradient[..]);
        let point = Point { z, value, gradient, mattered: &mattered };
        zero_gradient(context, &point, &mut objective_slopes).unwrap_or_else(NoValue::status)
    }

    /// Updates the moments; the step that they give. Algorithm 1.
    fn moments(&mut self, context: &Context, o: &AdamOptions) -> Vec<f64> {
        let t = i32::try_from(context.iteration).unwrap_or(i32::MAX);
        let (correct1, correct2) = (1.0 - o.beta1.powi(t), 1.0 - o.beta2.powi(t));
        let rate =
            o.learning_rate * decay(o.schedule, context.iteration, context.stop.max_iterations);
        let length = self.gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
        let shorter = if o.clip > 0.0 && length > o.clip { o.clip / length } else { 1.0 };
        let mut step = vec![0.0; self.z.len()];
        for (i, step) in step.iter_mut().enumerate() {
            let g = shorter * self.gradient[i];
            self.first[i] = o.beta1 * self.first[i] + (1.0 - o.beta1) * g;
            self.second[i] = o.beta2 * self.second[i] + (1.0 - o.beta2) * g * g;
            let root = (self.second[i] / correct2).sqrt() + o.epsilon;
            *step = -rate * self.first[i] / correct1 / root;
        }
        step
    }

    /// Takes the step, halved while its end has no value; its length.
    fn take(&mut self, context: &mut Context, step: &[f64]) -> Result<f64, NoValue> {
        let stream = Stream::new(&[context.key.0, SAMPLES, context.iteration as u64]);
        context.key = SampleKey(stream.bits(0));
        let (mut fraction, mut halvings) = (1.0, 0);
        loop {
            let mut z: Vec<f64> = self.z.iter().zip(step).map(|(z, s)| z + fraction * s).collect();
            context.project(&mut z);
            match context.value_and_gradient(&z) {
                Ok((found, gradient)) => {
                    let moved = distance(&z, &self.z);
                    self.gradient_norm =
                        projected_gradient_norm(&z, &gradient, context.lower, context.upper);
                    (self.z, self.value, self.gradient) = (z, found.value, gradient);
                    self.terms = found.terms;
                    return Ok(moved);
                }
                Err(error) if error.is_recoverable() && halvings < MOST_HALVINGS => {
                    halvings += 1;
                    fraction *= 0.5;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn report(&self, step_norm: f64, end: Option<Status>) -> Advance {
        Advance {
            z: self.z.clone(),
            value: self.value,
            gradient_norm: Some(self.gradient_norm),
            step_norm,
            terms: self.terms.clone(),
            end,
        }
    }
}

/// Factor on the learning rate at iteration `t` of `last`.
fn decay(schedule: Schedule, t: usize, last: usize) -> f64 {
    let progress = (t as f64 / last.max(1) as f64).min(1.0);
    match schedule {
        Schedule::Constant => 1.0,
        Schedule::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * progress).cos()),
        Schedule::Exponential => 0.01_f64.powf(progress),
    }
}
