//! Constraints: what acts at a state, one kind a file, and the accelerations under it.
//!
//! MuJoCo's model of soft constraints as a convex problem ([`law`] has the formulas), solved to rounding by [`newton`], with the exact
//! derivative of the solution by the implicit function theorem ([`adjoint`]).
//!
//! Over a scalar that carries derivatives the problem is solved for its values; every Newton step from the solution, with the
//! Hessian of the values, then adds one order of exact derivatives. The values stay those of the solution: over a thousand steps in contact, what rounding
//! moved would grow until the derivatives are those of another motion.

mod adjoint;
mod block;
mod contact;
mod contact_rows;
mod coupling;
mod dry_friction;
mod hessian;
mod law;
mod newton;
mod solution;
mod stop;
mod tie;
mod weights;

pub(crate) use adjoint::ConstraintAdjoint;
pub(crate) use block::{Block, Blocks, ContactAt, Source};
pub(crate) use contact::pull_point;
use hessian::mass_times;
pub(crate) use law::MOST;
pub(crate) use newton::{Newton, NotConverged};
pub(crate) use solution::Solution;
pub(crate) use weights::{pull_weights, weights};

use cotangent_ad::Real;

use crate::crba::mass_matrix;
use crate::force::Point;
use crate::model::Model;
use crate::scratch::Scratch;

/// Reused memory of the constraints of one model.
#[derive(Clone, Debug)]
pub(crate) struct Constraints<T> {
    /// What acts at the last state.
    pub(crate) blocks: Blocks<T>,
    /// The same as values, where `T` carries derivatives; and the mass matrix.
    concrete: Blocks<f64>,
    mass: Vec<f64>,
    pub(crate) newton: Newton,
    /// Velocities, forces without constraints and accelerations, as values.
    rates: Vec<f64>,
    applied: Vec<f64>,
    solution: Vec<f64>,
    /// Forces without constraints.
    forces: Vec<T>,
    /// Force of each block along its directions.
    pub(crate) block_forces: Vec<[T; MOST]>,
    /// The accelerations that solve the problem.
    pub(crate) a: Vec<T>,
    /// Why the problem of the last state has no solution; there then may be neither factors nor points of it.
    pub(crate) failure: Option<NotConverged>,
}

impl<T> Default for Constraints<T> {
    fn default() -> Self {
        Self {
            blocks: Blocks::default(),
            concrete: Blocks::default(),
            mass: vec![],
            newton: Newton::default(),
            rates: vec![],
            applied: vec![],
            solution: vec![],
            forces: vec![],
            block_forces: vec![],
            a: vec![],
            failure: None,
        }
    }
}

impl<T: Real> Constraints<T> {
    /// Sum of the normal forces on a geom, N.
    pub(crate) fn normal_force(&self, model: &Model, geom: usize) -> T {
        let on = self.blocks.list.iter().zip(&self.block_forces);
        on.filter(|(block, _)| self.touches(model, block, geom))
            .fold(T::lit(0.0), |sum, (_, force)| sum + force[0])
    }

    /// Whether a block is a contact of a geom.
    pub(crate) fn touches(&self, model: &Model, block: &Block<T>, geom: usize) -> bool {
        let Source::Contact(k) = block.source else { return false };
        model.touch_pairs[self.blocks.contacts[k].pair].geoms.contains(&geom)
    }

    /// `J^T f` at a coordinate.
    pub(crate) fn coordinate_force(&self, dof: usize) -> T {
        let mut sum = T::lit(0.0);
        for (block, force) in self.blocks.list.iter().zip(&self.block_forces) {
            let (dofs, jacobian) = self.blocks.of(block);
            let Some(c) = dofs.iter().position(|d| *d == dof) else { continue };
            for (f, row) in force.iter().zip(jacobian.chunks_exact(dofs.len())) {
                sum += *f * row[c];
            }
        }
        sum
    }
}

impl Constraints<f64> {
    /// `y = J^T W J x` at the solution.
    pub(crate) fn curve(&self, x: &[f64], y: &mut [f64]) {
        y.fill(0.0);
        for (block, point) in self.blocks.list.iter().zip(&self.newton.points) {
            let along = self.blocks.along(block, x);
            let curved = point.curvature.map(|w| w.iter().zip(&along).map(|(w, x)| w * x).sum());
            self.blocks.add_transposed(block, &curved, y);
        }
    }
}

/// Collects what acts at a state, after the velocities and accelerations of the links without those of the coordinates. `false` where nothing does.
pub(crate) fn collect<T: Real>(p: &Point<'_, T>, s: &mut Scratch<T>) -> bool {
    let model = p.model;
    let mut blocks = std::mem::take(&mut s.constraints.blocks);
    blocks.clear();
    s.constraints.failure = None;
    if model.is_constrained() {
        coupling::add(p, &mut blocks);
        tie::add(model, p.parameters, s, &mut blocks);
        dry_friction::add(p, &mut blocks);
        stop::add(p, &mut blocks);
        contact::add(model, p.parameters, s, &mut blocks);
    }
    s.constraints.blocks = blocks;
    !s.constraints.blocks.list.is_empty()
}

/// The accelerations under the constraints that [`collect`] found, into `s.constraints.a`; `a` holds the forces without them and becomes the
/// forces with them. NaN where the problem has no solution, which `s.constraints.failure` then says.
pub(crate) fn constrain<T: Real>(p: &Point<'_, T>, a: &mut [T], s: &mut Scratch<T>) {
    mass_matrix(p.model, p.parameters, s);
    let mut c = std::mem::take(&mut s.constraints);
    c.forces.clear();
    c.forces.extend_from_slice(a);
    let fill = |to: &mut Vec<f64>, from: &[T]| {
        to.clear();
        to.extend(from.iter().map(|x| x.concrete()));
    };
    fill(&mut c.mass, &s.mass);
    fill(&mut c.rates, p.v);
    fill(&mut c.applied, a);
    c.blocks.concrete(&mut c.concrete);
    let problem = (c.mass.as_slice(), c.applied.as_slice(), c.rates.as_slice());
    c.failure = c.newton.solve(p.model, &c.concrete, problem, &mut c.solution).err();
    c.a.clear();
    let solved = c.failure.is_none();
    c.a.extend(c.solution.iter().map(|x| T::lit(if solved { *x } else { f64::NAN })));
    // without a solution there may be neither factors nor points
    for _ in 0..if solved { T::ORDER } else { 0 } {
        correct(p, &s.mass, &mut c);
        c.a.iter_mut().zip(&c.solution).for_each(|(a, value)| *a = of_value(*a, *value));
    }
    c.block_forces.clear();
    for (b, block) in c.blocks.list.iter().enumerate() {
        let value = if solved { c.newton.points[b].force } else { [f64::NAN; MOST] };
        let mut force = value.map(T::lit);
        if solved && T::ORDER > 0 {
            let derived = block_force(p, block, &c.blocks, &c.a);
            force = std::array::from_fn(|k| of_value(derived[k], value[k]));
        }
        c.blocks.add_transposed(block, &force, a);
        c.block_forces.push(force);
    }
    s.constraints = c;
}

/// What [`constrain`] leaves but the forces of the coordinates, at a solution that was found before at the same state, to the same bits.
pub(crate) fn constrain_again(p: &Point<'_, f64>, solution: &Solution, s: &mut Scratch) {
    mass_matrix(p.model, p.parameters, s);
    let c = &mut s.constraints;
    let is_definite = c.newton.stand_at(p.model, &c.blocks, &s.mass, &solution.residuals);
    debug_assert!(is_definite, "the factors of a solution exist, as they did before");
    c.a.clone_from(&solution.a);
    c.block_forces.clear();
    c.block_forces.extend(c.newton.points.iter().map(|point| point.force));
}

/// The derivatives of `x` about `value`, from which `x` differs by rounding: a motion with derivatives is that without them, bit for bit.
fn of_value<T: Real>(x: T, value: f64) -> T {
    x - T::lit(x.concrete()) + T::lit(value)
}

/// The force of a block under the accelerations `a`.
fn block_force<T: Real>(
    p: &Point<'_, T>,
    block: &Block<T>,
    blocks: &Blocks<T>,
    a: &[T],
) -> [T; MOST] {
    let options = &p.model.constraint_options;
    let response = law::response(block.law, block.directions, &block.numbers, options);
    let (mut e, w) = (blocks.along(block, a), blocks.along(block, p.v));
    let rest = blocks.at_rest(block, response.restoring);
    (0..MOST).for_each(|j| e[j] += response.damping * w[j] + rest[j]);
    law::force(block.law, block.directions, &e, &response)
}

/// One Newton step with the Hessian of the values: `a -= H^-1 (M a - tau - J^T f)`.
fn correct<T: Real>(p: &Point<'_, T>, mass: &[T], c: &mut Constraints<T>) {
    let mut residual = vec![T::lit(0.0); c.a.len()];
    mass_times(&c.newton.branches, mass, &c.a, &mut residual);
    residual.iter_mut().zip(&c.forces).for_each(|(r, f)| *r -= *f);
    for block in &c.blocks.list {
        let force = block_force(p, block, &c.blocks, &c.a).map(|f| -f);
        c.blocks.add_transposed(block, &force, &mut residual);
    }
    c.newton.hessian.solve(&mut residual);
    c.a.iter_mut().zip(&residual).for_each(|(a, r)| *a -= *r);
}
