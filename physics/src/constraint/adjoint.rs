//! The adjoint of the constraints' forces, by the implicit function theorem at the solution.
//!
//! The solution has `R = M a - tau - J^T f(e) = 0`, `e = J (a + b v) + k d r`. With a multiplier `lambda` and `y = J lambda` the part of
//! `lambda . R` that is the constraints' is `-y . f(e)`. Its derivative, `W = -df/de` and `p = W y`:
//!
//! ```text
//! dJ . (-f lambda^T + p (a + b v)^T)  +  b (J^T p) . dv  -  y . df/d(numbers)
//! ```
//!
//! The first term is the derivative of three relative velocities, under the fields `lambda`, `a` and `v`, with weights held: by the axes
//! of the coordinates as in `derivative/inverse_dynamics.rs`, by the point and the frame of a contact through the geometry of its pair.
//! The last is taken by duals through [`law`], in all numbers at once.

use cotangent_ad::{Dual, Real};

use super::block::{Block, Source};
use super::law::{self, MOST, NUMBERS, Numbers};
use super::{contact, coupling, dry_friction, stop};
use crate::force::{Bars, Point};
use crate::model::{ConstraintOptions, Model, Parameters};
use crate::scratch::Scratch;
use crate::spatial::{Force, Motion};

/// Memory of the adjoint.
#[derive(Clone, Debug)]
pub(crate) struct ConstraintAdjoint {
    /// Velocity of each link under `lambda`, `a` and `v`.
    fields: [Vec<Motion<f64>>; 3],
    /// What they are contracted with.
    wrenches: [Vec<Force<f64>>; 3],
    /// Sum of `V x* W` over the fields.
    gyration: Vec<Force<f64>>,
    /// Cotangent of the displacement of what is fixed to each link.
    geometry: Vec<Force<f64>>,
}

/// What the adjoint of one block reads and adds to.
pub(super) struct Pull<'a> {
    pub(super) model: &'a Model,
    pub(super) parameters: &'a Parameters<f64>,
    pub(super) q: &'a [f64],
    /// `lambda`, `a`, `v`.
    vectors: [&'a [f64]; 3],
    /// Weights of the block's directions under each field.
    pub(super) along: [[f64; MOST]; 3],
    /// By the block's numbers.
    pub(super) numbers_bar: Numbers<f64>,
    pub(super) q_bar: &'a mut [f64],
    pub(super) parameters_bar: Option<&'a mut Parameters<f64>>,
    pub(super) fields: &'a [Vec<Motion<f64>>; 3],
    pub(super) wrenches: &'a mut [Vec<Force<f64>>; 3],
    pub(super) gyration: &'a mut [Force<f64>],
    pub(super) geometry: &'a mut [Force<f64>],
}

impl Pull<'_> {
    /// By the entry of the block's Jacobian at a coordinate and a direction.
    pub(super) fn jacobian_bar(&self, dof: usize, direction: usize) -> f64 {
        (0..3).map(|field| self.along[field][direction] * self.vectors[field][dof]).sum()
    }
}

impl ConstraintAdjoint {
    /// Memory for `model`.
    pub(crate) fn new(model: &Model) -> Self {
        let links = model.links().len();
        let (motions, forces) = (vec![Motion::zero(); links], vec![Force::zero(); links]);
        Self {
            fields: std::array::from_fn(|_| motions.clone()),
            wrenches: std::array::from_fn(|_| forces.clone()),
            gyration: forces.clone(),
            geometry: forces,
        }
    }

    /// Adds the derivatives of the constraints' part of `lambda . R`, less those of `force_bars . f` (an entry for each block, where there
    /// are any). Kinematics and solution are those of the point.
    pub(crate) fn pull(
        &mut self,
        point: &Point<'_, f64>,
        lambda: &[f64],
        force_bars: &[[f64; MOST]],
        s: &Scratch,
        bars: &mut Bars<'_>,
    ) {
        let (model, c) = (point.model, &s.constraints);
        let vectors = [lambda, c.a.as_slice(), point.v];
        for (field, x) in self.fields.iter_mut().zip(vectors) {
            velocities(model, x, s, field);
        }
        self.wrenches.iter_mut().for_each(|w| w.fill(Force::zero()));
        self.gyration.fill(Force::zero());
        self.geometry.fill(Force::zero());
        let mut pull = Pull {
            model,
            parameters: point.parameters,
            q: point.q,
            vectors,
            along: [[0.0; MOST]; 3],
            numbers_bar: Numbers::from_array([0.0; NUMBERS]),
            q_bar: &mut *bars.q,
            parameters_bar: bars.parameters.as_deref_mut(),
            fields: &self.fields,
            wrenches: &mut self.wrenches,
            gyration: &mut self.gyration,
            geometry: &mut self.geometry,
        };
        for (b, block) in c.blocks.list.iter().enumerate() {
            let [mut y, by_a, by_v] = vectors.map(|x| c.blocks.along(block, x));
            if let Some(bar) = force_bars.get(b) {
                y.iter_mut().zip(bar).for_each(|(y, bar)| *y -= bar);
            }
            let (here, response) = (&c.newton.points[b], &c.newton.responses[b]);
            let p: [f64; MOST] =
                here.curvature.map(|row| row.iter().zip(y).map(|(w, y)| w * y).sum());
            let by_rate = p.map(|p| response.damping * p);
            c.blocks.add_transposed(block, &by_rate, bars.v);
            pull.along = [here.force.map(|f| -f), p, by_rate];
            let options = &model.constraint_options;
            pull.numbers_bar = if pull.parameters_bar.is_some() {
                numbers_bar::<NUMBERS>(block, [y, by_a, by_v], options)
            } else {
                numbers_bar::<1>(block, [y, by_a, by_v], options)
            };
            match block.source {
                Source::Stop { stop, upper } => stop::pull(&mut pull, (stop, upper)),
                Source::DryFriction { friction, dof } => {
                    dry_friction::pull(&mut pull, (friction, dof));
                }
                Source::Coupling(coupling) => coupling::pull(&mut pull, coupling),
                Source::Contact(k) => {
                    contact::pull(&mut pull, &c.blocks.contacts[k], block.directions, s);
                }
            }
        }
        self.gather(model, s, bars.q);
    }

    /// The derivative by the coordinates' axes, and by the displacement of links: sums over subtrees.
    fn gather(&mut self, model: &Model, s: &Scratch, q_bar: &mut [f64]) {
        for (i, link) in model.links().iter().enumerate().rev() {
            let mut sum = self.gyration[i] + self.geometry[i];
            if let Some(p) = link.parent {
                for (field, wrench) in self.fields.iter().zip(&self.wrenches) {
                    sum = sum - field[p].cross_force(wrench[i]);
                }
            }
            for d in link.v_at..link.v_at + link.joint.nv() {
                q_bar[d] += s.axis[d].dot(sum);
            }
            if let Some(p) = link.parent {
                let (own, displaced) = (self.gyration[i], self.geometry[i]);
                self.gyration[p] += own;
                self.geometry[p] += displaced;
                for wrench in &mut self.wrenches {
                    let own = wrench[i];
                    wrench[p] += own;
                }
            }
        }
    }
}

fn velocities(model: &Model, x: &[f64], s: &Scratch, out: &mut [Motion<f64>]) {
    for (i, link) in model.links().iter().enumerate() {
        let mut velocity = link.parent.map_or_else(Motion::zero, |p| out[p]);
        for d in link.v_at..link.v_at + link.joint.nv() {
            velocity += s.axis[d] * x[d];
        }
        out[i] = velocity;
    }
}

/// The derivative of `-y . f` by the first `N` numbers of a block.
fn numbers_bar<const N: usize>(
    block: &Block<f64>,
    [y, by_a, by_v]: [[f64; MOST]; 3],
    options: &ConstraintOptions,
) -> Numbers<f64> {
    let numbers = block.numbers.to_array();
    let seeded = std::array::from_fn(|k| {
        if k < N { Dual::<f64, N>::seed(numbers[k], k) } else { Dual::konst(numbers[k]) }
    });
    let (law, directions) = (block.law, block.directions);
    let response = law::response(law, directions, &Numbers::from_array(seeded), options);
    let mut e: [Dual<f64, N>; MOST] = std::array::from_fn(|k| response.damping * by_v[k] + by_a[k]);
    e[0] += response.push;
    let f = law::force(law, directions, &e, &response);
    let mut bar = [0.0; NUMBERS];
    for (f, y) in f.iter().zip(y).take(directions) {
        (0..N).for_each(|k| bar[k] -= y * f.eps[k]);
    }
    debug_assert!(f.iter().all(|f| f.concrete().is_finite()), "a solution is finite");
    Numbers::from_array(bar)
}
