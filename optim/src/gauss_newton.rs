//! Levenberg-Marquardt for sums of squares, with bounds.
//!
//! More, *The Levenberg-Marquardt algorithm*, Lecture Notes in Mathematics 630, 105 (1978): steps from the QR factorization of
//! the Jacobian augmented by `sqrt(lambda) D`, damping by the gain ratio (Nielsen 1999). Variables at a bound that the
//! gradient presses against are held; the step is projected.

use cotangent_problem::{Evaluation, TermValue, TrialFailure, Want};
use faer::Mat;
use faer::linalg::solvers::SolveLstsq;
use serde::{Deserialize, Serialize};

use crate::evaluator::{distance, dot, projected_gradient_norm};
use crate::outcome::Status;
use crate::run::{Advance, Context, Problem};

/// Options of Levenberg-Marquardt.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GaussNewtonOptions {
    /// First damping, relative to the largest squared column of the Jacobian.
    pub initial_damping: f64,
}

impl Default for GaussNewtonOptions {
    fn default() -> Self {
        Self { initial_damping: 1e-3 }
    }
}

/// Dampings tried in one iteration.
const MOST_TRIES: usize = 40;

/// State between two iterations.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    z: Vec<f64>,
    value: f64,
    residuals: Vec<f64>,
    jacobian: Vec<f64>,
    gradient: Vec<f64>,
    damping: f64,
    growth: f64,
    flat: Option<f64>,
    pub terms: Vec<TermValue>,
}

impl State {
    pub(crate) fn start(
        context: &mut Context,
        z: Vec<f64>,
        options: &GaussNewtonOptions,
    ) -> Result<(Self, f64), TrialFailure> {
        let found = context.evaluate(&z, Want::JACOBIAN)?;
        let n = z.len();
        let mut state = Self {
            z,
            value: found.value,
            residuals: Vec::new(),
            jacobian: Vec::new(),
            gradient: Vec::new(),
            damping: 0.0,
            growth: 2.0,
            flat: None,
            terms: Vec::new(),
        };
        state.keep(found)?;
        let column =
            |j: usize| state.jacobian.chunks_exact(n).map(|row| row[j] * row[j]).sum::<f64>();
        let largest = (0..n).map(column).fold(0.0, f64::max);
        state.damping = options.initial_damping * largest.max(f64::MIN_POSITIVE);
        let value = state.value;
        Ok((state, value))
    }

    fn keep(&mut self, found: Evaluation) -> Result<(), TrialFailure> {
        let missing =
            || TrialFailure::Contract("the objective gave no residuals and Jacobian".into());
        self.residuals = found.residuals.ok_or_else(missing)?;
        self.jacobian = found.jacobian.ok_or_else(missing)?;
        let n = self.z.len();
        self.gradient = vec![0.0; n];
        for (row, r) in self.jacobian.chunks_exact(n).zip(&self.residuals) {
            self.gradient.iter_mut().zip(row).for_each(|(g, j)| *g += j * r);
        }
        (self.value, self.terms) = (found.value, found.terms);
        Ok(())
    }

    pub(crate) fn gradient_norm(&self, problem: &Problem) -> f64 {
        let (lower, upper) = problem.space.bounds();
        projected_gradient_norm(&self.z, &self.gradient, &lower, &upper)
    }

    pub(crate) fn iterate(&mut self, context: &mut Context, _: &GaussNewtonOptions) -> Advance {
        let norm = projected_gradient_norm(&self.z, &self.gradient, context.lower, context.upper);
        if norm <= context.stop.gradient_tolerance {
            return self.report(norm, 0.0, Some(Status::GradientConverged { gradient_norm: norm }));
        }
        if let Some(relative_decrease) = self.flat {
            return self.report(norm, 0.0, Some(Status::ValueConverged { relative_decrease }));
        }
        let mut failure = None;
        for _ in 0..MOST_TRIES {
            let mut z = self.trial(context);
            context.project(&mut z);
            let step: Vec<f64> = z.iter().zip(&self.z).map(|(a, b)| a - b).collect();
            let predicted = self.predicted_decrease(&step);
            match context.evaluate(&z, Want::JACOBIAN) {
                Ok(found) if predicted > 0.0 && found.value < self.value => {
                    return self.accept(context, z, found, predicted);
                }
                Ok(_) => {}
                Err(f) if f.is_recoverable() => failure = Some(f),
                Err(f) => return self.report(norm, 0.0, Some(Status::Failed { failure: f })),
            }
            self.damping *= self.growth;
            self.growth *= 2.0;
        }
        let stalled = Status::Stalled {
            gradient_norm: Some(norm),
            why: "no damping gives a step that lowers the value".into(),
        };
        let status = failure.map_or(stalled, |failure| Status::Failed { failure });
        self.report(norm, 0.0, Some(status))
    }

    /// The damped Gauss-Newton step from the current point, over the variables that no bound holds.
    fn trial(&self, context: &Context) -> Vec<f64> {
        let n = self.z.len();
        let held = |i: usize| {
            (self.z[i] <= context.lower[i] && self.gradient[i] > 0.0)
                || (self.z[i] >= context.upper[i] && self.gradient[i] < 0.0)
        };
        let free: Vec<usize> = (0..n).filter(|&i| !held(i)).collect();
        let (m, k) = (self.residuals.len(), free.len());
        let root = self.damping.sqrt();
        let augmented = Mat::from_fn(m + k, k, |i, j| match i.checked_sub(m) {
            None => self.jacobian[i * n + free[j]],
            Some(row) if row == j => root,
            Some(_) => 0.0,
        });
        let rhs = Mat::from_fn(m + k, 1, |i, _| if i < m { -self.residuals[i] } else { 0.0 });
        let step = augmented.qr().solve_lstsq(rhs);
        let mut z = self.z.clone();
        for (j, &i) in free.iter().enumerate() {
            z[i] += step[(j, 0)];
        }
        z
    }

    /// `-g.p - |J p|^2/2`.
    fn predicted_decrease(&self, step: &[f64]) -> f64 {
        let image: f64 =
            self.jacobian.chunks_exact(step.len()).map(|row| dot(row, step).powi(2)).sum();
        -dot(&self.gradient, step) - 0.5 * image
    }

    fn accept(
        &mut self,
        context: &Context,
        z: Vec<f64>,
        found: Evaluation,
        predicted: f64,
    ) -> Advance {
        let gain = (self.value - found.value) / predicted;
        let decrease = (self.value - found.value) / self.value.abs().max(1e-12);
        self.damping *= (1.0 - (2.0 * gain - 1.0).powi(3)).max(1.0 / 3.0);
        self.growth = 2.0;
        let step_norm = distance(&z, &self.z);
        self.z = z;
        if let Err(failure) = self.keep(found) {
            return self.report(f64::NAN, 0.0, Some(Status::Failed { failure }));
        }
        self.flat = (decrease <= context.stop.value_tolerance).then_some(decrease);
        let norm = projected_gradient_norm(&self.z, &self.gradient, context.lower, context.upper);
        self.report(norm, step_norm, None)
    }

    fn report(&self, norm: f64, step_norm: f64, end: Option<Status>) -> Advance {
        Advance {
            z: self.z.clone(),
            value: self.value,
            gradient_norm: Some(norm),
            step_norm,
            terms: self.terms.clone(),
            end,
        }
    }
}
