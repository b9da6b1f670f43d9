//! L-BFGS-B: limited-memory quasi-Newton with bounds.
//!
//! Byrd, Lu, Nocedal & Zhu, SIAM J. Sci. Comput. 16, 1190 (1995): compact representation `B = theta I - W M W^T`, generalised
//! Cauchy point, subspace minimisation over the free variables (direct primal method), with the projection of Morales &
//! Nocedal, ACM Trans. Math. Softw. 38, 7 (2011).

use cotangent_problem::TermValue;
use faer::Mat;
use faer::linalg::solvers::Solve;
use serde::{Deserialize, Serialize};

use crate::context::{Advance, Algorithm, Context, MethodInfo, NoValue};
use crate::convergence::{Left, Tolerance, claim};
use crate::evaluator::{distance, dot, norm, projected_gradient_norm};
use crate::hessian::{
    Judgement, Point, judge, note, objective_slopes, on_a_plateau, zero_gradient,
};
use crate::line_search::{Origin, Search, strong_wolfe};
use crate::outcome::Status;

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
    /// Whether the value has depended on the parameter.
    mattered: Vec<bool>,
    terms: Vec<TermValue>,
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

    /// `v . B v`.
    fn curvature(&self, v: &[f64]) -> f64 {
        let w = self.transposed(v);
        self.theta * dot(v, v) - dot(&w, &self.middle(&w))
    }

    /// `M u`.
    fn middle(&self, u: &[f64]) -> Vec<f64> {
        let entry = |i: usize| (0..u.len()).map(|j| self.m[(i, j)] * u[j]).sum();
        (0..u.len()).map(entry).collect()
    }
}

impl Algorithm for State {
    type Options = LbfgsbOptions;
    const INFO: MethodInfo = MethodInfo {
        name: "lbfgsb",
        summary: "limited-memory quasi-Newton with bounds (Byrd, Lu, Nocedal, Zhu 1995)",
        needs_gradient: true,
        needs_residuals: false,
        needs_stages: false,
        accepts_stochastic: false,
        draws_anew: false,
    };

    fn start(
        context: &mut Context,
        z: Vec<f64>,
        _: &LbfgsbOptions,
    ) -> Result<(Self, f64), NoValue> {
        let (found, gradient) = context.value_and_gradient(&z)?;
        let (value, terms) = (found.value, found.terms);
        let mattered = gradient.iter().map(|g| *g != 0.0).collect();
        let (steps, changes) = (Vec::new(), Vec::new());
        Ok((Self { z, value, gradient, steps, changes, mattered, terms }, value))
    }

    fn gradient_norm(&self, lower: &[f64], upper: &[f64]) -> Option<f64> {
        Some(projected_gradient_norm(&self.z, &self.gradient, lower, upper))
    }

    fn terms(&self) -> &[TermValue] {
        &self.terms
    }

    fn iterate(&mut self, context: &mut Context, options: &LbfgsbOptions) -> Advance {
        let norm = projected_gradient_norm(&self.z, &self.gradient, context.lower, context.upper);
        let advanced = if norm <= context.stop.gradient_tolerance {
            self.without_gradient(context, norm)
        } else {
            self.improve(context, options)
        };
        advanced.unwrap_or_else(|error| self.end(norm, error.status()))
    }
}

/// What a search along a direction led to.
enum Tried {
    Accepted(Advance),
    /// Why there is no lower point, where a point had no value.
    Nothing(Option<NoValue>),
}

impl State {
    fn point(&self) -> Point<'_> {
        let (value, mattered) = (self.value, &self.mattered[..]);
        Point { z: &self.z, value, gradient: &self.gradient, mattered }
    }

    /// The gradient is below the tolerance; where it is zero, this may be a plateau.
    fn without_gradient(&self, context: &mut Context, norm: f64) -> Result<Advance, NoValue> {
        let status = if norm == 0.0 {
            zero_gradient(context, &self.point(), &mut objective_slopes)?
        } else {
            Status::GradientConverged { gradient_norm: norm }
        };
        Ok(self.end(norm, status))
    }

    /// A claim of convergence that the objective confirms, or a step: by the model, from steepest descent where that leads
    /// nowhere, and along the parameters' own curvatures where the confirmation has shown the model wrong.
    fn improve(
        &mut self,
        context: &mut Context,
        options: &LbfgsbOptions,
    ) -> Result<Advance, NoValue> {
        let norm = projected_gradient_norm(&self.z, &self.gradient, context.lower, context.upper);
        let (direction, left) = self.model(context);
        let tolerance = Tolerance::asked(context.stop);
        // at the start there is no model yet
        let claimed = left.as_ref().filter(|_| !self.steps.is_empty());
        let claimed = claimed.and_then(|l| claim(l, &self.z, self.value, context.sizes, tolerance));
        if let Some(status) = claimed {
            match judge(context, &self.point(), &mut objective_slopes, tolerance)? {
                Judgement::Stands(_) => return Ok(self.end(norm, status)),
                Judgement::Plateau(plateau) => {
                    return Ok(self.end(norm, on_a_plateau(context, &plateau, norm)));
                }
                Judgement::Refuted { step } => {
                    if let Tried::Accepted(advance) = self.anew(context, options, &step)? {
                        return Ok(advance);
                    }
                }
            }
        }
        let mut failure = None;
        for attempt in 0..2 {
            let direction = if attempt == 0 { direction.clone() } else { self.model(context).0 };
            match self.along(context, options, &direction)? {
                Tried::Accepted(advance) => return Ok(advance),
                Tried::Nothing(error) => failure = error.or(failure),
            }
            // a second try from steepest descent where the model of the curvature leads nowhere
            if attempt == 0 && self.steps.is_empty() {
                break;
            }
            self.steps.clear();
            self.changes.clear();
        }
        if let Some(error) = failure {
            return Ok(self.end(norm, error.status()));
        }
        self.last_resort(context, options, norm, left)
    }

    /// No step lowers the value: that is convergence where what is left is below the noise, by the model that led here and by
    /// the objective's own curvatures; else one more step along these.
    fn last_resort(
        &mut self,
        context: &mut Context,
        options: &LbfgsbOptions,
        norm: f64,
        left: Option<Left>,
    ) -> Result<Advance, NoValue> {
        let tolerance = Tolerance::noise(context.stop);
        let judgement = judge(context, &self.point(), &mut objective_slopes, tolerance)?;
        let claimed = left.and_then(|l| claim(&l, &self.z, self.value, context.sizes, tolerance));
        match (judgement, claimed) {
            (Judgement::Stands(_), Some(status)) => return Ok(self.end(norm, status)),
            (Judgement::Stands(_), None) => {}
            (Judgement::Plateau(plateau), _) => {
                return Ok(self.end(norm, on_a_plateau(context, &plateau, norm)));
            }
            (Judgement::Refuted { step }, _) => {
                if let Tried::Accepted(advance) = self.anew(context, options, &step)? {
                    return Ok(advance);
                }
            }
        }
        let why = "no step along the search direction lowers the value".into();
        Ok(self.end(norm, Status::Stalled { gradient_norm: Some(norm), why }))
    }

    /// Forgets the pairs, which a confirmation has shown to be misleading, and goes along `step`.
    fn anew(
        &mut self,
        context: &mut Context,
        options: &LbfgsbOptions,
        step: &[f64],
    ) -> Result<Tried, NoValue> {
        self.steps.clear();
        self.changes.clear();
        self.along(context, options, step)
    }

    /// A line search.
    fn along(
        &mut self,
        context: &mut Context,
        options: &LbfgsbOptions,
        direction: &[f64],
    ) -> Result<Tried, NoValue> {
        let slope = dot(direction, &self.gradient);
        if slope >= 0.0 || !slope.is_finite() {
            return Ok(Tried::Nothing(None));
        }
        let longest = longest_step(&self.z, direction, context.lower, context.upper).min(1e10);
        let origin = Origin { z: &self.z, value: self.value, gradient: &self.gradient };
        match strong_wolfe(context, &origin, direction, 1.0, longest) {
            // what a trial without a value leaves may be a step that is rounded away
            Search::Found { z, .. } if z == self.z => Ok(Tried::Nothing(None)),
            Search::Found { z, gradient, evaluation } => {
                self.remember(options, &z, &gradient);
                let step_norm = distance(&z, &self.z);
                (self.z, self.value, self.gradient) = (z, evaluation.value, gradient);
                note(&mut self.mattered, &self.gradient);
                self.terms = evaluation.terms;
                Ok(Tried::Accepted(self.report(context, step_norm)))
            }
            Search::None { last_failure } => Ok(Tried::Nothing(last_failure.map(NoValue::Failed))),
            Search::Broken(error) => Err(error),
        }
    }

    /// Keeps the pair of step and change of the gradient, where its curvature is positive: `B` would lose definiteness.
    fn remember(&mut self, options: &LbfgsbOptions, z: &[f64], gradient: &[f64]) {
        let step: Vec<f64> = z.iter().zip(&self.z).map(|(a, b)| a - b).collect();
        let change: Vec<f64> = gradient.iter().zip(&self.gradient).map(|(a, b)| a - b).collect();
        if dot(&step, &change) > f64::EPSILON * norm(&step) * norm(&change) {
            if self.steps.len() == options.memory.max(1) {
                self.steps.remove(0);
                self.changes.remove(0);
            }
            self.steps.push(step);
            self.changes.push(change);
        }
    }

    fn report(&self, context: &Context, step_norm: f64) -> Advance {
        let norm = projected_gradient_norm(&self.z, &self.gradient, context.lower, context.upper);
        Advance {
            z: self.z.clone(),
            value: self.value,
            gradient_norm: Some(norm),
            step_norm,
            terms: self.terms.clone(),
            end: None,
        }
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

    /// From the current point to the minimum of the quadratic model within the bounds, and what the model says is left
    /// there; `None` where the pairs are dependent. Without pairs: steepest descent by at most length 1.
    fn model(&self, context: &Context) -> (Vec<f64>, Option<Left>) {
        let steepest = || self.gradient.iter().map(|g| -g).collect();
        let Some(b) = Compact::new(&self.steps, &self.changes) else {
            return (steepest(), None);
        };
        let (cauchy, c) = self.cauchy_point(&b, context);
        let target = self.subspace_minimum(&b, &cauchy, &c, context);
        let mut step: Vec<f64> = target.iter().zip(&self.z).map(|(t, z)| t - z).collect();
        let decrease = -dot(&self.gradient, &step) - 0.5 * b.curvature(&step);
        let left = Left { decrease, step: step.clone() };
        if self.steps.is_empty() {
            let length = norm(&step);
            step.iter_mut().for_each(|s| *s *= (1.0 / length).min(1.0));
        }
        (step, Some(left))
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
