//! Newton's method in a trust region, with bounds.
//!
//! Up to [`DENSE_UP_TO`] variables the Hessian is made column by column and the step is the exact minimum of the model within
//! `|D p| <= radius` (More & Sorensen, SIAM J. Sci. Stat. Comput. 4, 553 (1983), by the eigenvalues of `D^-1 H D^-1`), `D` the roots of the largest
//! diagonal entries so far, so nothing depends on the parameters' units; a direction of negative curvature is followed to
//! the border. Beyond, conjugate gradients (Steihaug, SIAM J. Numer. Anal. 20, 626 (1983)) and `D = 1`. Variables that a bound stops are held; the
//! step is brought back within the bounds and judged by what it gains there. Hessian-vector products are the objective's
//! where it has them, with the curvature of the transforms added; else differences of gradients.

use cotangent_problem::{TermValue, TrialFailure};
use serde::{Deserialize, Serialize};

use crate::context::{Advance, Algorithm, Context, MethodInfo, NoValue};
use crate::convergence::{Left, Tolerance, claim};
use crate::evaluator::{distance, dot, norm, projected_gradient_norm};
use crate::hessian::{
    Judgement, Point, judge, noise_of_products, note, objective_slopes, on_a_plateau, zero_gradient,
};
use crate::newton_model::{Dense, ROUNDING, Rounding, straight, to_the_border};
use crate::outcome::Status;

/// Options of the trust-region method.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrustRegionOptions {
    /// First radius, relative to the size of the parameters.
    pub radius: f64,
    /// Most conjugate-gradient steps an iteration; 0 for twice the number of variables, at most 200.
    pub inner_iterations: usize,
}

impl Default for TrustRegionOptions {
    fn default() -> Self {
        Self { radius: 0.1, inner_iterations: 0 }
    }
}

/// Most variables whose Hessian is made whole.
pub const DENSE_UP_TO: usize = crate::hessian::WHOLE_UP_TO;
/// Radii tried in one iteration.
const MOST_TRIES: usize = 60;

/// State between two iterations.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    z: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
    /// Largest length that the gradient has had.
    steepest: f64,
    /// `D`.
    lengths: Vec<f64>,
    radius: Option<f64>,
    /// Whether the value has depended on the parameter.
    mattered: Vec<bool>,
    terms: Vec<TermValue>,
}

/// The model of an iteration.
enum Model {
    Dense(Dense),
    /// Products are asked for as conjugate gradients need them.
    Products,
}

/// A step within the radius.
struct Step {
    displacement: Vec<f64>,
    /// `-(g.p + p.H p/2)`.
    predicted: f64,
    /// Whether neither radius nor bounds limit it: the minimum of the model.
    interior: bool,
}

impl Algorithm for State {
    type Options = TrustRegionOptions;
    const INFO: MethodInfo = MethodInfo {
        name: "trust-region",
        summary: "Newton in a trust region, with bounds (More, Sorensen 1983; Steihaug 1983)",
        needs_gradient: true,
        needs_residuals: false,
        needs_stages: false,
        accepts_stochastic: false,
        draws_anew: false,
    };

    fn start(
        context: &mut Context,
        z: Vec<f64>,
        _: &TrustRegionOptions,
    ) -> Result<(Self, f64), NoValue> {
        let (found, gradient) = context.value_and_gradient(&z)?;
        let (value, terms) = (found.value, found.terms);
        let (steepest, lengths) = (norm(&gradient), vec![0.0; z.len()]);
        let mattered = gradient.iter().map(|g| *g != 0.0).collect();
        Ok((Self { z, value, gradient, steepest, lengths, radius: None, mattered, terms }, value))
    }

    fn gradient_norm(&self, lower: &[f64], upper: &[f64]) -> Option<f64> {
        Some(projected_gradient_norm(&self.z, &self.gradient, lower, upper))
    }

    fn terms(&self) -> &[TermValue] {
        &self.terms
    }

    fn iterate(&mut self, context: &mut Context, options: &TrustRegionOptions) -> Advance {
        let norm = projected_gradient_norm(&self.z, &self.gradient, context.lower, context.upper);
        let advanced = if norm <= context.stop.gradient_tolerance {
            self.without_gradient(context, norm)
        } else {
            self.improve(context, options)
        };
        advanced.unwrap_or_else(|error| self.end(context, error.status()))
    }
}

impl State {
    fn point(&self) -> Point<'_> {
        let (value, mattered) = (self.value, &self.mattered[..]);
        Point { z: &self.z, value, gradient: &self.gradient, mattered }
    }

    fn rounding(&self) -> Rounding {
        Rounding::at(&self.z, &self.lengths, self.value)
    }

    /// The gradient is below the tolerance; where it is zero, this may be a plateau.
    fn without_gradient(&self, context: &mut Context, norm: f64) -> Result<Advance, NoValue> {
        let status = if norm == 0.0 {
            zero_gradient(context, &self.point(), &mut objective_slopes)?
        } else {
            Status::GradientConverged { gradient_norm: norm }
        };
        Ok(self.end(context, status))
    }

    fn improve(
        &mut self,
        context: &mut Context,
        options: &TrustRegionOptions,
    ) -> Result<Advance, NoValue> {
        let model = self.model(context)?;
        let lengths = self.lengths.iter().enumerate();
        let sizes = lengths.map(|(i, d)| (context.sizes.largest(i) * d).powi(2));
        let mut radius = self.radius.unwrap_or(options.radius * sizes.sum::<f64>().sqrt());
        let noise = noise_of_products(context.problem.objective.capabilities().hvp);
        let unlimited = match &model {
            Model::Dense(dense) => {
                let accuracy = [noise, ROUNDING];
                dense.left(&self.lengths, &self.gradient, accuracy, &self.rounding())
            }
            Model::Products => None,
        };
        let (asked, noise) = (Tolerance::asked(context.stop), Tolerance::noise(context.stop));
        if let Some(status) = self.claimed(context, unlimited.as_ref(), asked)? {
            return Ok(self.end(context, status));
        }
        let (mut failure, mut last) = (None, unlimited);
        for _ in 0..MOST_TRIES {
            let found = self.within(context, &model, options, radius)?;
            if found.interior && found.predicted >= 0.0 && matches!(model, Model::Products) {
                let left = Left { decrease: found.predicted, step: found.displacement.clone() };
                if let Some(status) = self.claimed(context, Some(&left), asked)? {
                    return Ok(self.end(context, status));
                }
                last = Some(left);
            }
            match self.attempt(context, &model, &found, &mut radius) {
                Ok(Some(advance)) => {
                    self.radius = Some(radius);
                    return Ok(advance);
                }
                Ok(None) => {}
                Err(NoValue::Failed(error)) if error.is_recoverable() => {
                    radius *= 0.25;
                    failure = Some(error);
                }
                Err(error) => return Err(error),
            }
            if (0.0..=f64::EPSILON * self.value.abs()).contains(&found.predicted) {
                break; // below what the value can show
            }
        }
        if let Some(failure) = failure {
            return Ok(self.end(context, Status::Failed { failure }));
        }
        let status = self.claimed(context, last.as_ref(), noise)?.unwrap_or_else(|| {
            let why = "no step within the smallest trust region lowers the value".into();
            Status::Stalled { gradient_norm: Some(norm(&self.gradient)), why }
        });
        Ok(self.end(context, status))
    }

    /// How the run ends, where the model claims it and the objective confirms that or has lost its dependence.
    fn claimed(
        &self,
        context: &mut Context,
        left: Option<&Left>,
        tolerance: Tolerance,
    ) -> Result<Option<Status>, NoValue> {
        let status = left.and_then(|l| claim(l, &self.z, self.value, context.sizes, tolerance));
        if status.is_none() {
            return Ok(None);
        }
        Ok(match judge(context, &self.point(), &mut objective_slopes, tolerance)? {
            Judgement::Stands(_) => status,
            Judgement::Refuted { .. } => None,
            Judgement::Plateau(plateau) => {
                Some(on_a_plateau(context, &plateau, norm(&self.gradient)))
            }
        })
    }

    fn model(&mut self, context: &mut Context) -> Result<Model, NoValue> {
        let n = self.z.len();
        if n > DENSE_UP_TO {
            self.lengths = vec![1.0; n];
            return Ok(Model::Products);
        }
        let mut rows = Vec::with_capacity(n);
        for i in 0..n {
            let mut unit = vec![0.0; n];
            unit[i] = 1.0;
            rows.push(context.product(&self.z, &self.gradient, &unit)?);
        }
        for (i, length) in self.lengths.iter_mut().enumerate() {
            let straight = straight(self.value, self.gradient[i], context.sizes.largest(i));
            *length = length.max(rows[i][i].abs().sqrt()).max(straight).max(f64::MIN_POSITIVE);
        }
        context.sizes.share(&mut self.lengths);
        let free = (0..n).filter(|&i| !context.is_held(&self.z, &self.gradient, i)).collect();
        let unseen = context.stop.value_tolerance * self.value.abs();
        match Dense::new(&rows, &self.gradient, &self.lengths, free) {
            Some(dense) => {
                Ok(Model::Dense(dense.with_positions(&self.lengths, context.sizes, unseen)))
            }
            None => Err(TrialFailure::NonFinite { what: "the Hessian's spectrum".into() }.into()),
        }
    }

    /// The step of the model within the radius, brought back within the bounds.
    fn within(
        &self,
        context: &mut Context,
        model: &Model,
        options: &TrustRegionOptions,
        radius: f64,
    ) -> Result<Step, NoValue> {
        let (step, interior) = match model {
            Model::Dense(dense) => {
                let noise = noise_of_products(context.problem.objective.capabilities().hvp);
                dense.within(radius, &self.lengths, noise, &self.rounding())
            }
            Model::Products => self.steihaug(context, options, radius)?,
        };
        let mut z: Vec<f64> = self.z.iter().zip(&step).map(|(z, s)| z + s).collect();
        context.project(&mut z);
        let straight =
            step.iter().zip(&self.z).zip(&z).all(|((s, old), new)| (old + s - new).abs() <= 0.0);
        let bent: Vec<f64> = z.iter().zip(&self.z).map(|(a, b)| a - b).collect();
        let curved = match model {
            Model::Dense(dense) => dense.product(&bent),
            Model::Products => context.product(&self.z, &self.gradient, &bent)?,
        };
        let predicted = -dot(&self.gradient, &bent) - 0.5 * dot(&bent, &curved);
        Ok(Step { displacement: bent, predicted, interior: interior && straight })
    }

    /// One trial; `None` where the radius has been made smaller.
    fn attempt(
        &mut self,
        context: &mut Context,
        model: &Model,
        found: &Step,
        radius: &mut f64,
    ) -> Result<Option<Advance>, NoValue> {
        let scaled: Vec<f64> =
            found.displacement.iter().zip(&self.lengths).map(|(p, d)| p * d).collect();
        let length = norm(&scaled);
        if length == 0.0 || found.predicted <= 0.0 {
            *radius *= 0.25;
            return Ok(None);
        }
        let z: Vec<f64> = self.z.iter().zip(&found.displacement).map(|(z, s)| z + s).collect();
        let (evaluation, gradient) = context.value_and_gradient(&z)?;
        let gained = self.value - evaluation.value;
        // below the rounding of the value the model decides
        let rounding = 8.0 * f64::EPSILON * self.value.abs();
        let ratio = (gained + rounding) / (found.predicted + rounding);
        // Nocedal & Wright, algorithm 4.1
        if ratio < 0.25 {
            *radius = 0.25 * length.min(*radius);
        } else if ratio > 0.75 && length > 0.8 * *radius {
            *radius *= if matches!(model, Model::Dense(_)) && ratio > 0.9 { 10.0 } else { 2.0 };
        }
        if ratio <= 1e-4 {
            return Ok(None);
        }
        let moved = distance(&z, &self.z);
        (self.z, self.value, self.gradient) = (z, evaluation.value, gradient);
        self.steepest = self.steepest.max(norm(&self.gradient));
        note(&mut self.mattered, &self.gradient);
        self.terms = evaluation.terms;
        Ok(Some(self.report(context, moved, None)))
    }

    /// Conjugate gradients: the minimum of the model within the radius, along directions that no bound stops, and whether
    /// neither the radius nor the number of steps has cut it short.
    fn steihaug(
        &self,
        context: &mut Context,
        options: &TrustRegionOptions,
        radius: f64,
    ) -> Result<(Vec<f64>, bool), NoValue> {
        let n = self.z.len();
        let free: Vec<bool> =
            (0..n).map(|i| !context.is_held(&self.z, &self.gradient, i)).collect();
        let masked = |v: &[f64]| -> Vec<f64> {
            v.iter().zip(&free).map(|(v, free)| if *free { *v } else { 0.0 }).collect()
        };
        let mut step = vec![0.0; n];
        let mut r: Vec<f64> = masked(&self.gradient).iter().map(|g| -g).collect();
        let mut d = r.clone();
        let start = norm(&r);
        // looser far from the end, where the gradient is not yet small beside what it has been
        let enough = start * (start / self.steepest).sqrt().min(0.5);
        let most =
            if options.inner_iterations > 0 { options.inner_iterations } else { (2 * n).min(200) };
        for _ in 0..most {
            let hd = masked(&context.product(&self.z, &self.gradient, &d)?);
            let (rr, curvature) = (dot(&r, &r), dot(&d, &hd));
            let alpha = rr / curvature;
            let next: Vec<f64> = step.iter().zip(&d).map(|(s, d)| s + alpha * d).collect();
            if curvature <= 0.0 || norm(&next) >= radius {
                return Ok((to_the_border(&step, &d, radius), false));
            }
            step = next;
            r.iter_mut().zip(&hd).for_each(|(r, h)| *r -= alpha * h);
            let after = dot(&r, &r);
            if after.sqrt() <= enough {
                return Ok((step, true));
            }
            d.iter_mut().zip(&r).for_each(|(d, r)| *d = r + after / rr * *d);
        }
        Ok((step, false))
    }

    fn end(&self, context: &Context, status: Status) -> Advance {
        self.report(context, 0.0, Some(status))
    }

    fn report(&self, context: &Context, step_norm: f64, end: Option<Status>) -> Advance {
        let norm = projected_gradient_norm(&self.z, &self.gradient, context.lower, context.upper);
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
