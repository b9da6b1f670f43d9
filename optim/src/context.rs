//! What an algorithm sees of the run that it works for, and what it must offer to be one.

use cotangent_problem::{Evaluation, SampleKey, TermValue, TrialFailure, Want, Workspace};

use crate::convergence::Sizes;
use crate::evaluator::{Counts, evaluate};
use crate::outcome::{Status, Stop};
use crate::problem::Problem;

/// What a method is and needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts of a method")]
pub struct MethodInfo {
    /// Name in scenarios.
    pub name: &'static str,
    /// One line.
    pub summary: &'static str,
    /// Needs gradients.
    pub needs_gradient: bool,
    /// Needs residuals and their Jacobian.
    pub needs_residuals: bool,
    /// Needs the problem in stages: the controls of a trajectory.
    pub needs_stages: bool,
    /// Works with a value that changes from sample to sample.
    pub accepts_stochastic: bool,
    /// Draws another sample of a stochastic objective at every iteration; the others freeze the first.
    pub draws_anew: bool,
}

/// Why an algorithm did not get the evaluation that it asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum NoValue {
    /// The objective has no value there.
    Failed(TrialFailure),
    /// `max_evaluations` calls have been made: nothing was called.
    Spent,
}

impl NoValue {
    /// Whether another point may have a value.
    pub(crate) fn is_recoverable(&self) -> bool {
        matches!(self, Self::Failed(failure) if failure.is_recoverable())
    }

    /// How a run ends that cannot go on without this value.
    pub(crate) fn status(self) -> Status {
        match self {
            Self::Failed(failure) => Status::Failed { failure },
            Self::Spent => Status::MaxEvaluations,
        }
    }
}

impl From<TrialFailure> for NoValue {
    fn from(failure: TrialFailure) -> Self {
        Self::Failed(failure)
    }
}

/// What an algorithm sees of the run.
pub(crate) struct Context<'a> {
    pub problem: &'a Problem<'a>,
    /// Bounds in optimizer coordinates.
    pub lower: &'a [f64],
    pub upper: &'a [f64],
    /// How large the parameters count.
    pub sizes: Sizes<'a>,
    pub key: SampleKey,
    pub counts: &'a mut Counts,
    pub ws: &'a mut Workspace,
    pub iteration: usize,
    pub stop: &'a Stop,
}

impl Context<'_> {
    /// One counted evaluation, with derivatives by `z`.
    pub(crate) fn evaluate(&mut self, z: &[f64], want: Want) -> Result<Evaluation, NoValue> {
        self.spend(1)?;
        let found = evaluate(self.problem, z, want, self.key, self.ws);
        self.counts.add(want, found.is_err());
        Ok(found?)
    }

    /// Value and gradient by `z`, which is there and has one entry a parameter.
    pub(crate) fn value_and_gradient(
        &mut self,
        z: &[f64],
    ) -> Result<(Evaluation, Vec<f64>), NoValue> {
        let mut found = self.evaluate(z, Want::GRADIENT)?;
        let gradient = found.gradient.take().unwrap_or_default();
        Ok((found, gradient))
    }

    /// `H v` in optimizer coordinates: the objective's product with the curvature of the transforms added where it has
    /// products, else a difference of gradients. `gradient` is that by `z` at `z`.
    ///
    /// With `x = x(z)` entry by entry, `H_z v = x' (H_x (x' v)) + (x''/x') g_z v`.
    pub(crate) fn product(
        &mut self,
        z: &[f64],
        gradient: &[f64],
        v: &[f64],
    ) -> Result<Vec<f64>, NoValue> {
        let Problem { objective, space } = *self.problem;
        if !objective.capabilities().hvp {
            return self.product_by_difference(z, gradient, v);
        }
        self.spend(1)?;
        let x = space.decode(z);
        let slopes = space.slopes(&x);
        let along: Vec<f64> = v.iter().zip(&slopes).map(|(v, s)| v * s).collect();
        let product = objective.hvp(&x, &along, self.key, self.ws);
        self.counts.add(Want::GRADIENT, product.is_err());
        let product = product?;
        if product.len() != z.len() {
            return Err(TrialFailure::Contract(format!(
                "the Hessian-vector product has {} entries for {} parameters",
                product.len(),
                z.len()
            ))
            .into());
        }
        let curvatures = space.curvatures(&x);
        let entry = |i: usize| product[i] * slopes[i] + gradient[i] * curvatures[i] * v[i];
        let product: Vec<f64> = (0..z.len()).map(entry).collect();
        match product.iter().position(|h| !h.is_finite()) {
            Some(i) => {
                let what = format!("entry {} of a Hessian-vector product", space.name_of(i));
                Err(TrialFailure::NonFinite { what }.into())
            }
            None => Ok(product),
        }
    }

    /// Forward or backward, whichever stays within the bounds; no entry moves by more than a small fraction of its size,
    /// so the truncation does not depend on the parameters' units.
    fn product_by_difference(
        &mut self,
        z: &[f64],
        gradient: &[f64],
        v: &[f64],
    ) -> Result<Vec<f64>, NoValue> {
        /// Near the root of the rounding: truncation and rounding of the difference are alike.
        const FRACTION: f64 = 1e-7;
        let reach = (0..z.len())
            .filter(|&i| v[i] != 0.0)
            .map(|i| self.size_of(z, i) / v[i].abs())
            .fold(f64::INFINITY, f64::min);
        if reach.is_infinite() {
            return Ok(vec![0.0; v.len()]);
        }
        let forward = FRACTION * reach;
        let moved = |h: f64| -> Vec<f64> { z.iter().zip(v).map(|(z, v)| z + h * v).collect() };
        let inside =
            |z: &[f64]| (0..z.len()).all(|i| self.lower[i] <= z[i] && z[i] <= self.upper[i]);
        let h = if inside(&moved(forward)) { forward } else { -forward };
        let mut there = moved(h);
        self.project(&mut there);
        let (_, other) = self.value_and_gradient(&there)?;
        Ok(other.iter().zip(gradient).map(|(a, b)| (a - b) / h).collect())
    }

    /// How large entry `i` is: its own size, or a small fraction of what it has been where it passes through zero.
    pub(crate) fn size_of(&self, z: &[f64], i: usize) -> f64 {
        self.sizes.at(i, z[i])
    }

    /// Refuses where fewer than `calls` calls are left.
    pub(crate) fn spend(&self, calls: u64) -> Result<(), NoValue> {
        let left = self.stop.max_evaluations.saturating_sub(self.counts.evaluations);
        if calls > left { Err(NoValue::Spent) } else { Ok(()) }
    }

    /// `z` brought within the bounds.
    pub(crate) fn project(&self, z: &mut [f64]) {
        for i in 0..z.len() {
            z[i] = z[i].clamp(self.lower[i], self.upper[i]);
        }
    }

    /// Whether a bound stops entry `i` from following the steepest descent.
    pub(crate) fn is_held(&self, z: &[f64], gradient: &[f64], i: usize) -> bool {
        (z[i] <= self.lower[i] && gradient[i] > 0.0) || (z[i] >= self.upper[i] && gradient[i] < 0.0)
    }
}

/// What an iteration did.
pub(crate) struct Advance {
    pub z: Vec<f64>,
    pub value: f64,
    /// Projected gradient, infinity norm.
    pub gradient_norm: Option<f64>,
    pub step_norm: f64,
    pub terms: Vec<TermValue>,
    /// Set where the algorithm itself ends the run.
    pub end: Option<Status>,
}

/// An optimizer: its state between two iterations, and how it goes from one to the next.
///
/// An algorithm is one file that implements this and one line in the list of [`crate::method`].
pub(crate) trait Algorithm: Sized {
    /// What a user may choose.
    type Options;
    /// What it is and needs.
    const INFO: MethodInfo;

    /// The state at the start `z`, which lies within the bounds, and the value there.
    fn start(
        context: &mut Context,
        z: Vec<f64>,
        options: &Self::Options,
    ) -> Result<(Self, f64), NoValue>;

    /// One iteration. Where it cannot be made, the state stays as it was, so that a run whose limits are raised goes on.
    fn iterate(&mut self, context: &mut Context, options: &Self::Options) -> Advance;

    /// Projected gradient, where there is one; bounds in optimizer coordinates.
    fn gradient_norm(&self, lower: &[f64], upper: &[f64]) -> Option<f64>;

    /// Named parts of the value.
    fn terms(&self) -> &[TermValue];
}
