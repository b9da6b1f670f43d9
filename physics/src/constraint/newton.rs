//! The accelerations under constraints: the minimum of a strictly convex function, by Newton's method with an exact line search.
//!
//! ```text
//! minimise  (a - a_0)^T M (a - a_0) / 2 + sum_b s_b(J_b a - a_ref,b),      M a_0 the forces without constraints
//! ```
//!
//! The function is once differentiable and piecewise smooth, its second derivative `H = M + J^T W J` (Todorov 2014; MuJoCo's primal
//! Newton solver, which stops by a tolerance: this one goes to the rounding of the gradient).

use super::block::{Block, Blocks};
use super::hessian::{Hessian, Runs, mass_times};
use super::law::{self, Law, MOST, Point, Response};
use crate::model::{ConstraintOptions, Model};

/// Most iterations, far more than any convex problem of this kind needs.
const ITERATIONS: usize = 200;
const LINE_ITERATIONS: usize = 60;
/// A gradient below this share of the forces in it is rounding.
const ROUNDING: f64 = 4e-16;
/// What rounding may leave where the gradient no longer falls.
const ACCEPTED: f64 = 1e-9;
/// The same as a share of the forces of a pyramid's edges, of which a gradient sums differences.
const ACCEPTED_OF_EDGES: f64 = 64.0 * ROUNDING;

/// The search did not end: where it stood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NotConverged {
    /// Gradient, of the largest force in it.
    pub(crate) gradient: f64,
}

/// Memory of the search, and where it ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Newton {
    pub(crate) hessian: Hessian,
    /// What each block's numbers make of it.
    pub(crate) responses: Vec<Response<f64>>,
    /// Cost, force and curvature of each block.
    pub(crate) points: Vec<Point>,
    /// `-b J v - k d r - J' v` of each block.
    targets: Vec<[f64; MOST]>,
    residuals: Vec<[f64; MOST]>,
    changes: Vec<[f64; MOST]>,
    gradient: Vec<f64>,
    direction: Vec<f64>,
    inertial: Vec<f64>,
    size: Vec<f64>,
    edges: Vec<f64>,
    /// Curvatures of the blocks of which the factors are.
    factored: Vec<[[f64; MOST]; MOST]>,
    /// `W J` of a block.
    curved: Vec<f64>,
    /// Of the mass matrix.
    pub(super) branches: Runs,
}

/// The size of a gradient, as a share of two sums of forces.
#[derive(Clone, Copy, Debug)]
struct Relative {
    to_forces: f64,
    /// The forces of the edges of pyramids counting each.
    to_edges: f64,
}

impl Relative {
    /// Whether it is small enough where it no longer falls.
    fn is_rounding(self) -> bool {
        self.to_forces <= ACCEPTED || self.to_edges <= ACCEPTED_OF_EDGES
    }
}

impl Newton {
    /// Minimises from the accelerations without constraints; the solution is left in `a`. The factors of its Hessian are kept, and the forces
    /// in `points`. `forces` are those without constraints.
    ///
    /// # Errors
    /// Where the minimum is not found: with numbers that are not finite, or scales that rounding cannot hold together.
    pub(crate) fn solve(
        &mut self,
        model: &Model,
        blocks: &Blocks<f64>,
        (mass, forces, v): (&[f64], &[f64], &[f64]),
        a: &mut Vec<f64>,
    ) -> Result<(), NotConverged> {
        self.begin(model, blocks, v);
        let n = v.len();
        a.clear();
        a.extend_from_slice(forces);
        self.hessian.set(mass);
        if !self.hessian.factorize() {
            return Err(NotConverged { gradient: f64::NAN });
        }
        self.factored.clear();
        self.factored.resize(blocks.list.len(), [[0.0; MOST]; MOST]);
        self.hessian.solve(a);
        for x in [&mut self.gradient, &mut self.direction, &mut self.inertial] {
            x.resize(n, 0.0);
        }
        self.size.resize(n, 0.0);
        self.edges.resize(n, 0.0);
        self.begin_residuals(blocks, a);
        let mut least = f64::INFINITY;
        for _ in 0..ITERATIONS {
            let found = self.evaluate(blocks, (mass, forces), a);
            let relative = found.to_forces;
            if !self.factorize(mass, blocks) {
                return Err(NotConverged { gradient: f64::NAN });
            }
            // done, or as far as rounding lets it fall
            if relative <= ROUNDING || (found.is_rounding() && relative > 0.25 * least) {
                return Ok(());
            }
            least = least.min(relative);
            self.direction.copy_from_slice(&self.gradient);
            self.hessian.solve(&mut self.direction);
            self.direction.iter_mut().for_each(|d| *d = -*d);
            let step = self.line_search(blocks, mass);
            if !step.is_finite() {
                break;
            }
            for (a, d) in a.iter_mut().zip(&self.direction) {
                *a += step * d;
            }
            self.move_residuals(step);
        }
        Err(NotConverged { gradient: least })
    }

    /// Points and factors at a solution, from the residuals that [`Newton::solve`] left there: what a search would end with. `false` as
    /// [`Hessian::factorize`].
    pub(super) fn stand_at(
        &mut self,
        model: &Model,
        blocks: &Blocks<f64>,
        mass: &[f64],
        residuals: &[[f64; MOST]],
    ) -> bool {
        self.lay_out(model, blocks);
        self.residuals.clear();
        self.residuals.extend_from_slice(residuals);
        self.points.clear();
        let each = blocks.list.iter().zip(residuals).zip(&self.responses);
        self.points.extend(
            each.map(|((block, e), response)| law::at(block.law, block.directions, e, response)),
        );
        self.factorize_anew(mass, blocks)
    }

    /// `e = J a - a_ref` of each block, where the last search ended.
    pub(super) fn residuals(&self) -> &[[f64; MOST]] {
        &self.residuals
    }

    /// Which smooth piece of the law of block `b` holds at the solution.
    pub(crate) fn piece<T>(&self, b: usize, block: &Block<T>) -> u16 {
        law::piece(block.law, block.directions, &self.residuals[b], &self.responses[b])
    }

    /// What the blocks make of their numbers, and where the Hessian has entries.
    fn lay_out(&mut self, model: &Model, blocks: &Blocks<f64>) {
        let options: &ConstraintOptions = &model.constraint_options;
        self.responses.clear();
        self.hessian.begin(&model.dof_parent);
        for block in &blocks.list {
            let response = law::response(block.law, block.directions, &block.numbers, options);
            self.responses.push(response);
            self.hessian.join(&blocks.dofs[block.dofs.clone()]);
        }
        self.hessian.end();
    }

    fn begin(&mut self, model: &Model, blocks: &Blocks<f64>, v: &[f64]) {
        self.lay_out(model, blocks);
        self.branches.of_tree(&model.dof_parent);
        self.targets.clear();
        for (block, response) in blocks.list.iter().zip(&self.responses) {
            let mut target = blocks.along(block, v).map(|w| -response.damping * w);
            let rest = blocks.at_rest(block, response.restoring);
            target.iter_mut().zip(rest).for_each(|(target, rest)| *target -= rest);
            self.targets.push(target);
        }
        self.residuals.resize(blocks.list.len(), [0.0; MOST]);
        self.changes.resize(blocks.list.len(), [0.0; MOST]);
    }

    /// `e = J a - a_ref` of each block.
    fn begin_residuals(&mut self, blocks: &Blocks<f64>, a: &[f64]) {
        for (b, block) in blocks.list.iter().enumerate() {
            let mut e = blocks.along(block, a);
            e.iter_mut().zip(&self.targets[b]).for_each(|(e, t)| *e -= t);
            self.residuals[b] = e;
        }
    }

    /// Residuals after a step along the direction. A stiff constraint has a residual that is far below the terms of `J a - a_ref`, and a
    /// force that their rounding would drown; moved along, it keeps its digits, as if `a_ref` had been another by that rounding.
    fn move_residuals(&mut self, step: f64) {
        for (e, change) in self.residuals.iter_mut().zip(&self.changes) {
            e.iter_mut().zip(change).for_each(|(e, change)| *e += step * change);
        }
    }

    /// Forces and the gradient at `a` and its residuals; the gradient's size as a share of the forces that it sums.
    fn evaluate(
        &mut self,
        blocks: &Blocks<f64>,
        (mass, forces): (&[f64], &[f64]),
        a: &[f64],
    ) -> Relative {
        mass_times(&self.branches, mass, a, &mut self.gradient);
        for d in 0..a.len() {
            self.size[d] = self.gradient[d].abs() + forces[d].abs();
            self.edges[d] = self.size[d];
            self.gradient[d] -= forces[d];
        }
        self.points.clear();
        for (b, block) in blocks.list.iter().enumerate() {
            let response = &self.responses[b];
            let point = law::at(block.law, block.directions, &self.residuals[b], response);
            blocks.add_transposed(block, &point.force.map(|f| -f), &mut self.gradient);
            let (dofs, jacobian) = blocks.of(block);
            for (k, row) in jacobian.chunks_exact(dofs.len()).enumerate() {
                let force = point.force[k].abs();
                let edges = match block.law {
                    Law::Pyramid if k > 0 => block.numbers.friction[k - 1] * point.force[0],
                    _ => force,
                };
                for (d, j) in dofs.iter().zip(row) {
                    self.size[*d] += j.abs() * force;
                    self.edges[*d] += j.abs() * edges;
                }
            }
            self.points.push(point);
        }
        let largest = |x: &[f64]| x.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
        let gradient = largest(&self.gradient);
        if self.gradient.iter().any(|x| !x.is_finite()) {
            return Relative { to_forces: f64::NAN, to_edges: f64::NAN };
        }
        let share = |x: &[f64]| if gradient == 0.0 { 0.0 } else { gradient / largest(x) };
        Relative { to_forces: share(&self.size), to_edges: share(&self.edges) }
    }

    /// Factors `H` at the last point, unless they are there already: a piece of the function is a quadratic one where no cone is elliptic. `false` as
    /// [`Hessian::factorize`].
    fn factorize(&mut self, mass: &[f64], blocks: &Blocks<f64>) -> bool {
        let known = |(w, point): (&[[f64; MOST]; MOST], &Point)| *w == point.curvature;
        if self.factored.iter().zip(&self.points).all(known) {
            return true;
        }
        self.factorize_anew(mass, blocks)
    }

    fn factorize_anew(&mut self, mass: &[f64], blocks: &Blocks<f64>) -> bool {
        self.factored.clear();
        self.factored.extend(self.points.iter().map(|point| point.curvature));
        self.hessian.set(mass);
        for (block, w) in blocks.list.iter().zip(&self.factored) {
            let (dofs, jacobian) = blocks.of(block);
            if w.iter().flatten().all(|w| *w == 0.0) {
                continue;
            }
            self.curved.clear();
            for w in &w[..block.directions] {
                let sum = |i: usize| {
                    let column = jacobian[i..].iter().step_by(dofs.len());
                    w.iter().zip(column).map(|(w, j)| w * j).sum::<f64>()
                };
                self.curved.extend((0..dofs.len()).map(sum));
            }
            self.hessian.add_products(dofs, jacobian, &self.curved);
        }
        self.hessian.factorize()
    }

    /// The step along the direction at which the function is least.
    fn line_search(&mut self, blocks: &Blocks<f64>, mass: &[f64]) -> f64 {
        for (b, block) in blocks.list.iter().enumerate() {
            self.changes[b] = blocks.along(block, &self.direction);
        }
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        mass_times(&self.branches, mass, &self.direction, &mut self.inertial);
        let curvature = dot(&self.direction, &self.inertial);
        // what the gradient is without the constraints' share
        let mut smooth = dot(&self.direction, &self.gradient);
        for (point, change) in self.points.iter().zip(&self.changes) {
            smooth += dot(&point.force, change);
        }
        let at = |step: f64| {
            let (mut slope, mut second) = (smooth + step * curvature, curvature);
            for (b, block) in blocks.list.iter().enumerate() {
                let (e, change) = (&self.residuals[b], &self.changes[b]);
                let moved = std::array::from_fn(|k| e[k] + step * change[k]);
                let p = law::at(block.law, block.directions, &moved, &self.responses[b]);
                slope -= dot(&p.force, change);
                for r in 0..block.directions {
                    second += change[r] * dot(&p.curvature[r], change);
                }
            }
            (slope, second)
        };
        let start = dot(&self.direction, &self.gradient).abs();
        let (mut low, mut high, mut step) = (0.0, f64::INFINITY, 1.0);
        for _ in 0..LINE_ITERATIONS {
            let (slope, second) = at(step);
            if slope.abs() <= 1e-12 * start || slope.is_nan() {
                break;
            }
            *(if slope < 0.0 { &mut low } else { &mut high }) = step;
            let newton = step - slope / second;
            step = if newton > low && newton < high {
                newton
            } else if high.is_finite() {
                f64::midpoint(low, high)
            } else {
                2.0 * step
            };
            if high - low <= 1e-14 * high {
                break;
            }
        }
        step
    }
}
