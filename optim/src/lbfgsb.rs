//! L-BFGS-B: limited-memory quasi-Newton with bounds.
//!
//! Byrd, Lu, Nocedal & Zhu, SIAM J. Sci. Comput. 16, 1190 (1995): compact representation `B = theta I - W M W^T`, generalised
//! Cauchy point, subspace minimisation over the free variables (direct primal method), with the projection of Morales &
//! Nocedal, ACM Trans. Math. Softw. 38, 7 (2011).

use cotangent_problem::{Evaluation, TermValue, TrialFailure, Want};
use faer::Mat;
use faer::linalg::solvers::Solve;
use serde::{Deserialize, Serialize};

use crate::evaluator::{distance, dot, projected_gradient_norm};
use crate::line_search::{Search, strong_wolfe};
use crate::outcome::Status;
use crate::run::{Advance, Context, Problem};

/// Options of L-BFGS-B.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LbfgsbOptions {
    /// Pairs of steps and gradient changes that are remembered.
    pub memory: usize,
}

impl Default for LbfgsbOptions {
    fn default() -> Self {
        Self { memory: 20 }
    }
}

/// State between two iterations.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    z: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
    steps: Vec<Vec<f64>>,
    changes: Vec<Vec<f64>>,
    /// The last relative decrease, where it was below the tolerance: the next call ends the run.
    flat: Option<f64>,
    pub terms: Vec<TermValue>,
}

/// `B = theta I - W M W^T`, `W = [Y, theta S]`.
struct Compact<'a> {
    theta: f64,
    steps: &'a [Vec<f64>],
    changes: &'a [Vec<f64>],
    /// `M`, `2k x 2k`.
    m: Mat<f64>,
}

impl<'a> Compact<'a> {
    /// `None` where the pairs are numerically dependent.
    fn new(steps: &'a [Vec<f64>], changes: &'a [Vec<f64>]) -> Option<Self> {
        let k = steps.len();
        let Some(last) = k.checked_sub(1) else {
            return Some(Self { theta: 1.0, steps, changes, m: Mat::zeros(0, 0) });
        };
        let theta = dot(&changes[last], &changes[last]) / dot(&changes[last], &steps[last]);
        let inverse = Mat::from_fn(2 * k, 2 * k, |i, j| match (i < k, j < k) {
            (true, true) => {
                if i == j {
                    -dot(&steps[i], &changes[i])
                } else {
                    0.0
                }
            }
            // L_ij = s_i . y_j for i > j
            (false, true) => {
                if i - k > j {
                    dot(&steps[i - k], &changes[j])
                } else {
                    0.0
                }
            }
            (true, false) => {
                if j - k > i {
                    dot(&steps[j - k], &changes[i])
                } else {
                    0.0
                }
            }
            (false, false) => theta * dot(&steps[i - k], &steps[j - k]),
        });
        let m = inverse.partial_piv_lu().solve(Mat::<f64>::identity(2 * k, 2 * k));
        let finite = (0..2 * k).all(|j| m.col_as_slice(j).iter().all(|x| x.is_finite()));
        finite.then_some(Self { theta, steps, changes, m })
    }

    fn rank(&self) -> usize {
        2 * self.steps.len()
    }

    /// Row `i` of `W`.
    fn row(&self, i: usize) -> Vec<f64> {
        let (y, s) = (self.changes.iter(), self.steps.iter());
        y.map(|y| y[i]).chain(s.map(|s| self.theta * s[i])).collect()
    }

    /// `W^T v`.
    fn transposed(&self, v: &[f64]) -> Vec<f64> {
        let (y, s) = (self.changes.iter(), self.steps.iter());
        y.map(|y| dot(y, v)).chain(s.map(|s| self.theta * dot(s, v))).collect()
    }

    /// `M u`.
    fn middle(&self, u: &[f64]) -> Vec<f64> {
        let entry = |i: usize| (0..u.len()).map(|j| self.m[(i, j)] * u[j]).sum();
        (0..u.len()).map(entry).collect()
    }
}

impl State {
    pub(crate) fn start(context: &mut Context, z: Vec<f64>) -> Result<(Self, f64), TrialFailure> {
        let found = context.evaluate(&z, Want::GRADIENT)?;
        let value = found.value;
        let gradient = gradient_of(&found)?;
        let state = Self {
            z,
            value,
            gradient,
            steps: Vec::new(),
            changes: Vec::new(),
            flat: None,
            terms: found.terms,
        };
        Ok((state, value))
    }

    pub(crate) fn gradient_norm(&self, problem: &Problem) -> f64 {
        let (lower, upper) = problem.space.bounds();
        projected_gradient_norm(&self.z, &self.gradient, &lower, &upper)
    }

    pub(crate) fn iterate(&mut self, context: &mut Context, options: &LbfgsbOptions) -> Advance {
        let norm = projected_gradient_norm(&self.z, &self.gradient, context.lower, context.upper);
        if norm <= context.stop.gradient_tolerance {
            return self.end(norm, Status::GradientConverged { gradient_norm: norm });
        }
        if let Some(relative_decrease) = self.flat {
            return self.end(norm, Status::ValueConverged { relative_decrease });
        }
        let mut last_failure = None;
        // a second try from steepest descent where the model of the curvature leads nowhere
        for attempt in 0..2 {
            if attempt == 1 {
                if self.steps.is_empty() {
                    break;
                }
                self.steps.clear();
                self.changes.clear();
            }
            let direction = self.direction(context);
            let slope = dot(&direction, &self.gradient);
            if slope >= 0.0 || !slope.is_finite() {
                continue;
            }
            let length = dot(&direction, &direction).sqrt();
            let first = if self.steps.is_empty() { (1.0 / length).min(1.0) } else { 1.0 };
            let longest = longest_step(&self.z, &direction, context.lower, context.upper).min(1e10);
            let here = Evaluation {
                value: self.value,
                gradient: Some(self.gradient.clone()),
                ..Default::default()
            };
            match strong_wolfe(context, &self.z, &here, &direction, slope, first, longest) {
                Search::Found { z, evaluation } => {
                    return self.accept(context, options, z, evaluation);
                }
                Search::None { last_failure: failure } => last_failure = failure.or(last_failure),
            }
        }
        let status = match last_failure {
            Some(failure) => Status::Failed { failure },
            None => Status::Stalled {
                gradient_norm: Some(norm),
                why: "no step along the search direction lowers the value".into(),
            },
        };
        self.end(norm, status)
    }

    fn accept(
        &mut self,
        context: &Context,
        options: &LbfgsbOptions,
        z: Vec<f64>,
        found: Evaluation,
    ) -> Advance {
        let Ok(gradient) = gradient_of(&found) else {
            let why = "the objective gave no gradient".into();
            return self.end(f64::NAN, Status::Stalled { gradient_norm: None, why });
        };
        let step: Vec<f64> = z.iter().zip(&self.z).map(|(a, b)| a - b).collect();
        let change: Vec<f64> = gradient.iter().zip(&self.gradient).map(|(a, b)| a - b).collect();
        // the pair must have positive curvature, or B would lose definiteness
        if dot(&step, &change) > f64::EPSILON * dot(&change, &change) {
            if self.steps.len() == options.memory.max(1) {
                self.steps.remove(0);
                self.changes.remove(0);
            }
            self.steps.push(step);
            self.changes.push(change);
        }
        let decrease = (self.value - found.value) / self.value.abs().max(1e-12);
        let step_norm = distance(&z, &self.z);
        (self.z, self.value, self.gradient) = (z, found.value, gradient);
        self.terms = found.terms;
        let norm = projected_gradient_norm(&self.z, &self.gradient, context.lower, context.upper);
        let mut advance = self.end(norm, Status::Interrupted);
        advance.step_norm = step_norm;
        advance.end = None;
        self.flat = (decrease.abs() <= context.stop.value_tolerance).then_some(decrease);
        advance
    }

    fn end(&self, norm: f64, status: Status) -> Advance {
        Advance {
            z: self.z.clone(),
            value: self.value,
            gradient_norm: Some(norm),
            step_norm: 0.0,
            terms: self.terms.clone(),
            end: Some(status),
        }
    }

    /// From the current point to the minimum of the quadratic model within the bounds.
    fn direction(&self, context: &Context) -> Vec<f64> {
        let Some(b) = Compact::new(&self.steps, &self.changes) else {
            return self.gradient.iter().map(|g| -g).collect();
        };
        let (cauchy, c) = self.cauchy_point(&b, context);
        let target = self.subspace_minimum(&b, &cauchy, &c, context);
        target.iter().zip(&self.z).map(|(t, z)| t - z).collect()
    }

    /// The first local minimum of the model along the projected steepest descent, and `W^T (z_c - z)`. Algorithm CP.
    fn cauchy_point(&self, b: &Compact, context: &Context) -> (Vec<f64>, Vec<f64>) {
        let (z, g) = (&self.z, &self.gradient);
        let breakpoint = |i: usize| match g[i] {
            g if g < 0.0 => (z[i] - context.upper[i]) / g,
            g if g > 0.0 => (z[i] - context.lower[i]) / g,
            _ => f64::INFINITY,
        };
        let times: Vec<f64> = (0..z.len()).map(breakpoint).collect();
        let mut d: Vec<f64> =
            (0..z.len()).map(|i| if times[i] > 0.0 { -g[i] } else { 0.0 }).collect();
        let mut order: Vec<usize> =
            (0..z.len()).filter(|&i| times[i] > 0.0 && times[i].is_finite()).collect();
        order.sort_by(|&i, &j| times[i].total_cmp(&times[j]).then(i.cmp(&j)));
        let mut point = z.clone();
        let mut p = b.transposed(&d);
        let mut c = vec![0.0; b.rank()];
        let mut slope = -dot(&d, &d);
        let mut curvature = -b.theta * slope - dot(&p, &b.middle(&p));
        let (mut t, mut to_minimum) = (0.0, -slope / curvature);
        for i in order {
            let dt = times[i] - t;
            if to_minimum < dt {
                break;
            }
            // variable i reaches its bound and stays
            t = times[i];
            point[i] = if d[i] > 0.0 { context.upper[i] } else { context.lower[i] };
            let moved = point[i] - z[i];
            c.iter_mut().zip(&p).for_each(|(c, p)| *c += dt * p);
            let w = b.row(i);
            let (mc, mp, mw) = (b.middle(&c), b.middle(&p), b.middle(&w));
            slope += dt * curvature + g[i] * g[i] + b.theta * g[i] * moved - g[i] * dot(&w, &mc);
            curvature -=
                b.theta * g[i] * g[i] + 2.0 * g[i] * dot(&w, &mp) + g[i] * g[i] * dot(&w, &mw);
            curvature = curvature.max(f64::EPSILON * b.theta * g[i] * g[i]);
            p.iter_mut().zip(&w).for_each(|(p, w)| *p += g[i] * w);
            d[i] = 0.0;
            to_minimum = -slope / curvature;
        }
        let rest = if to_minimum.is_finite() { to_minimum.max(0.0) } else { 0.0 };
        t += rest;
        for i in 0..z.len() {
            if d[i] != 0.0 {
                point[i] = (z[i] + t * d[i]).clamp(context.lower[i], context.upper[i]);
            }
        }
        c.iter_mut().zip(&p).for_each(|(c, p)| *c += rest * p);
        (point, c)
    }

    /// Minimum of the model over the variables that are free at the Cauchy point. Sect. 5.1, direct primal method.
    fn subspace_minimum(
        &self,
        b: &Compact,
        cauchy: &[f64],
        c: &[f64],
        context: &Context,
    ) -> Vec<f64> {
        let (z, g) = (&self.z, &self.gradient);
        let free: Vec<usize> = (0..z.len())
            .filter(|&i| cauchy[i] > context.lower[i] && cauchy[i] < context.upper[i])
            .collect();
        if free.is_empty() || b.rank() == 0 {
            return cauchy.to_vec();
        }
        let mc = b.middle(c);
        let rows: Vec<Vec<f64>> = free.iter().map(|&i| b.row(i)).collect();
        let r: Vec<f64> = free
            .iter()
            .zip(&rows)
            .map(|(&i, w)| g[i] + b.theta * (cauchy[i] - z[i]) - dot(w, &mc))
            .collect();
        let k = b.rank();
        let mut wr = vec![0.0; k];
        let mut ww = Mat::<f64>::zeros(k, k);
        for (w, r) in rows.iter().zip(&r) {
            for i in 0..k {
                wr[i] += w[i] * r;
                for j in 0..k {
                    ww[(i, j)] += w[i] * w[j] / b.theta;
                }
            }
        }
        let n = Mat::<f64>::identity(k, k) - &b.m * &ww;
        let rhs = b.middle(&wr);
        let v = n.partial_piv_lu().solve(Mat::from_fn(k, 1, |i, _| rhs[i]));
        let v: Vec<f64> = (0..k).map(|i| v[(i, 0)]).collect();
        let newton = |(w, r): (&Vec<f64>, &f64)| -r / b.theta - dot(w, &v) / (b.theta * b.theta);
        let step: Vec<f64> = rows.iter().zip(&r).map(newton).collect();
        self.inside(cauchy, &free, &step, context)
    }

    /// The subspace step, projected; where that is no descent direction, cut short at the first bound.
    fn inside(&self, cauchy: &[f64], free: &[usize], step: &[f64], context: &Context) -> Vec<f64> {
        let mut target = cauchy.to_vec();
        for (&i, s) in free.iter().zip(step) {
            target[i] = (cauchy[i] + s).clamp(context.lower[i], context.upper[i]);
        }
        let slope: f64 =
            (0..target.len()).map(|i| (target[i] - self.z[i]) * self.gradient[i]).sum();
        if slope < 0.0 {
            return target;
        }
        let room = |(&i, &s): (&usize, &f64)| {
            let bound = if s > 0.0 { context.upper[i] } else { context.lower[i] };
            if s == 0.0 { 1.0 } else { (bound - cauchy[i]) / s }
        };
        let fraction = free.iter().zip(step).map(room).fold(1.0, f64::min);
        for (&i, s) in free.iter().zip(step) {
            target[i] = (cauchy[i] + fraction * s).clamp(context.lower[i], context.upper[i]);
        }
        target
    }
}

/// Largest multiple of `d` that stays within the bounds, up to rounding; at least 1, since the model's minimum does.
fn longest_step(z: &[f64], d: &[f64], lower: &[f64], upper: &[f64]) -> f64 {
    let room = |i: usize| match d[i] {
        d if d > 0.0 => (upper[i] - z[i]) / d,
        d if d < 0.0 => (lower[i] - z[i]) / d,
        _ => f64::INFINITY,
    };
    (0..z.len()).map(room).fold(f64::INFINITY, f64::min).max(1.0)
}

fn gradient_of(found: &Evaluation) -> Result<Vec<f64>, TrialFailure> {
    let missing = || TrialFailure::Contract("the objective gave no gradient".into());
    found.gradient.clone().ok_or_else(missing)
}
