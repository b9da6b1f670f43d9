//! Trust-region Newton with conjugate gradients, with bounds.
//!
//! Steihaug, SIAM J. Numer. Anal. 20, 626 (1983), over the variables that no bound stops; the step is brought back within the
//! bounds and judged by what it gains there. Hessian-vector products are the objective's where it has them, with the curvature
//! of the transforms added; else differences of gradients.

use cotangent_problem::{TermValue, TrialFailure, Want};
use serde::{Deserialize, Serialize};

use crate::evaluator::{distance, dot, projected_gradient_norm};
use crate::outcome::Status;
use crate::run::{Advance, Context, Problem};

/// Options of the trust-region method.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrustRegionOptions {
    /// First radius in optimizer coordinates.
    pub radius: f64,
    /// Most conjugate-gradient steps an iteration; 0 for twice the number of variables, at most 200.
    pub inner_iterations: usize,
}

impl Default for TrustRegionOptions {
    fn default() -> Self {
        Self { radius: 1.0, inner_iterations: 0 }
    }
}

/// State between two iterations.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    z: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
    radius: f64,
    /// The last relative decrease, where it was below the tolerance: the next call ends the run.
    flat: Option<f64>,
    pub terms: Vec<TermValue>,
}

impl State {
    pub(crate) fn start(
        context: &mut Context,
        z: Vec<f64>,
        options: &TrustRegionOptions,
    ) -> Result<(Self, f64), TrialFailure> {
        let found = context.evaluate(&z, Want::GRADIENT)?;
        let gradient = found.gradient.ok_or_else(no_gradient)?;
        let (value, terms, radius) = (found.value, found.terms, options.radius);
        Ok((Self { z, value, gradient, radius, flat: None, terms }, value))
    }

    pub(crate) fn gradient_norm(&self, problem: &Problem) -> f64 {
        let (lower, upper) = problem.space.bounds();
        projected_gradient_norm(&self.z, &self.gradient, &lower, &upper)
    }

    pub(crate) fn iterate(
        &mut self,
        context: &mut Context,
        options: &TrustRegionOptions,
    ) -> Advance {
        let norm = projected_gradient_norm(&self.z, &self.gradient, context.lower, context.upper);
        if norm <= context.stop.gradient_tolerance {
            return self.advance(0.0, Some(Status::GradientConverged { gradient_norm: norm }));
        }
        if let Some(relative_decrease) = self.flat {
            return self.advance(0.0, Some(Status::ValueConverged { relative_decrease }));
        }
        let mut failure = None;
        let least = 1e-14 * (1.0 + self.z.iter().fold(0.0, |s: f64, z| s.max(z.abs())));
        while self.radius > least {
            let step = match self.step(context, options) {
                Ok(step) => step,
                Err(error) => return self.advance(0.0, Some(Status::Failed { failure: error })),
            };
            let mut z: Vec<f64> = self.z.iter().zip(&step).map(|(z, s)| z + s).collect();
            context.project(&mut z);
            let step: Vec<f64> = z.iter().zip(&self.z).map(|(a, b)| a - b).collect();
            let length = dot(&step, &step).sqrt();
            let curved = match self.product(context, &step) {
                Ok(curved) => curved,
                Err(error) => return self.advance(0.0, Some(Status::Failed { failure: error })),
            };
            let predicted = -dot(&self.gradient, &step) - 0.5 * dot(&step, &curved);
            if length == 0.0 || predicted <= 0.0 {
                self.radius *= 0.25;
                continue;
            }
            match context.evaluate(&z, Want::GRADIENT) {
                Ok(found) => {
                    let gained = self.value - found.value;
                    // below the rounding of the value the model decides
                    let noise = 8.0 * f64::EPSILON * self.value.abs();
                    let ratio = (gained + noise) / (predicted + noise);
                    self.resize(ratio, length);
                    if ratio > 1e-4 {
                        let Some(gradient) = found.gradient else {
                            let failure = no_gradient();
                            return self.advance(0.0, Some(Status::Failed { failure }));
                        };
                        let relative = gained.abs() / self.value.abs().max(1e-12);
                        self.flat = (relative < context.stop.value_tolerance).then_some(relative);
                        let moved = distance(&z, &self.z);
                        (self.z, self.value, self.gradient) = (z, found.value, gradient);
                        self.terms = found.terms;
                        return self.advance(moved, None);
                    }
                }
                Err(error) if error.is_recoverable() => {
                    self.radius = 0.25 * length;
                    failure = Some(error);
                }
                Err(error) => return self.advance(0.0, Some(Status::Failed { failure: error })),
            }
        }
        let end = match failure {
            Some(failure) => Status::Failed { failure },
            None => Status::Stalled {
                gradient_norm: Some(norm),
                why: "no step within the smallest trust region lowers the value".into(),
            },
        };
        self.advance(0.0, Some(end))
    }

    /// Nocedal & Wright, algorithm 4.1.
    fn resize(&mut self, ratio: f64, length: f64) {
        if ratio < 0.25 {
            self.radius = 0.25 * length;
        } else if ratio > 0.75 && length > 0.8 * self.radius {
            self.radius *= 2.0;
        }
    }

    fn advance(&self, step_norm: f64, end: Option<Status>) -> Advance {
        Advance {
            z: self.z.clone(),
            value: self.value,
            gradient_norm: Some(self.gradient.iter().fold(0.0, |s: f64, g| s.max(g.abs()))),
            step_norm,
            terms: self.terms.clone(),
            end,
        }
    }

    /// Steihaug's conjugate gradients: the minimum of the model within the radius, along directions that no bound stops.
    fn step(
        &self,
        context: &mut Context,
        options: &TrustRegionOptions,
    ) -> Result<Vec<f64>, TrialFailure> {
        let n = self.z.len();
        let free: Vec<bool> = (0..n)
            .map(|i| {
                let (z, g) = (self.z[i], self.gradient[i]);
                !(z <= context.lower[i] && g > 0.0 || z >= context.upper[i] && g < 0.0)
            })
            .collect();
        let masked = |v: &[f64]| -> Vec<f64> {
            v.iter().zip(&free).map(|(v, free)| if *free { *v } else { 0.0 }).collect()
        };
        let mut step = vec![0.0; n];
        let mut r: Vec<f64> = masked(&self.gradient).iter().map(|g| -g).collect();
        let mut d = r.clone();
        let start = dot(&r, &r).sqrt();
        let enough = start * start.sqrt().min(0.5);
        let most =
            if options.inner_iterations > 0 { options.inner_iterations } else { (2 * n).min(200) };
        for _ in 0..most {
            let hd = masked(&self.product(context, &d)?);
            let (rr, curvature) = (dot(&r, &r), dot(&d, &hd));
            let alpha = rr / curvature;
            let next: Vec<f64> = step.iter().zip(&d).map(|(s, d)| s + alpha * d).collect();
            if curvature <= 0.0 || dot(&next, &next).sqrt() >= self.radius {
                return Ok(to_the_border(&step, &d, self.radius));
            }
            step = next;
            r.iter_mut().zip(&hd).for_each(|(r, h)| *r -= alpha * h);
            let after = dot(&r, &r);
            if after.sqrt() <= enough {
                break;
            }
            d.iter_mut().zip(&r).for_each(|(d, r)| *d = r + after / rr * *d);
        }
        Ok(step)
    }

    /// `H v` in optimizer coordinates.
    fn product(&self, context: &mut Context, v: &[f64]) -> Result<Vec<f64>, TrialFailure> {
        let length = dot(v, v).sqrt();
        if length == 0.0 {
            return Ok(vec![0.0; v.len()]);
        }
        let Problem { objective, space } = *context.problem;
        if objective.capabilities().hvp {
            let x = space.decode(&self.z);
            let slopes = space.slopes(&x);
            let along: Vec<f64> = v.iter().zip(&slopes).map(|(v, s)| v * s).collect();
            let product = objective.hvp(&x, &along, context.key, context.ws);
            context.counts.add(Want::GRADIENT, product.is_err());
            let curved = space.curvatures(&x);
            let entry = |(i, h): (usize, f64)| h * slopes[i] + self.gradient[i] * curved[i] * v[i];
            return Ok(product?.into_iter().enumerate().map(entry).collect());
        }
        // forward or backward, whichever stays within the bounds
        let size = 1e-7 * (1.0 + dot(&self.z, &self.z).sqrt()) / length;
        let moved = |h: f64| -> Vec<f64> { self.z.iter().zip(v).map(|(z, v)| z + h * v).collect() };
        let inside =
            |z: &[f64]| (0..z.len()).all(|i| (context.lower[i]..=context.upper[i]).contains(&z[i]));
        let h = if inside(&moved(size)) { size } else { -size };
        let mut there = moved(h);
        context.project(&mut there);
        let gradient =
            context.evaluate(&there, Want::GRADIENT)?.gradient.ok_or_else(no_gradient)?;
        Ok(gradient.iter().zip(&self.gradient).map(|(a, b)| (a - b) / h).collect())
    }
}

fn no_gradient() -> TrialFailure {
    TrialFailure::Contract("a gradient was wanted and not given".into())
}

/// `step + tau d` of length `radius`, `tau > 0`.
fn to_the_border(step: &[f64], d: &[f64], radius: f64) -> Vec<f64> {
    let (a, b, c) = (dot(d, d), dot(step, d), dot(step, step) - radius * radius);
    let tau = (-b + (b * b - a * c).max(0.0).sqrt()) / a;
    step.iter().zip(d).map(|(s, d)| s + tau * d).collect()
}
