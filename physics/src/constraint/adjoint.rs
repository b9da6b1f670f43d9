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
//! The last is taken by duals through [`law`], in all numbers at once. Of ties, `J' v` stands in `e` too: [`Drift`] has its derivative.

use cotangent_ad::{Dual, Real};

use super::block::{Block, Blocks, Source};
use super::contact::Slopes;
use super::contact_rows::ContactRows;
use super::law::{self, MOST, NUMBERS, Numbers};
use super::{contact, coupling, dry_friction, stop, tie};
use crate::force::{Bars, Point};
use crate::model::{Model, Parameters};
use crate::routes::Routes;
use crate::scratch::Scratch;
use crate::spatial::{Force, Motion};

/// What the adjoint adds up over the links, in the frame of the world.
#[derive(Clone, Debug)]
pub(super) struct LinkSums {
    /// Velocity of each link under `lambda`, `a` and `v`.
    pub(super) fields: [Vec<Motion<f64>>; 3],
    /// What they are contracted with.
    pub(super) wrenches: [Vec<Force<f64>>; 3],
    /// Sum of `V x* W` over the fields.
    pub(super) gyration: Vec<Force<f64>>,
    /// Cotangent of the displacement of what is fixed to each link.
    pub(super) geometry: Vec<Force<f64>>,
    pub(super) drift: Drift,
}

/// Memory of the adjoint.
#[derive(Clone, Debug)]
pub(crate) struct ConstraintAdjoint {
    links: LinkSums,
    /// What does not depend on `lambda`, of each block and of each contact.
    blocks: Vec<Prepared>,
    contacts: Vec<Slopes>,
}

/// What the adjoint of a block has at a point, whatever `lambda` is.
#[derive(Clone, Copy, Debug)]
struct Prepared {
    /// Along its directions: the accelerations and the velocities.
    acceleration: [f64; MOST],
    velocity: [f64; MOST],
    /// Derivative of its forces by its gap, where parameters are not wanted.
    gap_slope: [f64; MOST],
}

/// The derivative of what depends on the velocities of links, and on their accelerations where the coordinates do not accelerate.
///
/// Those are `A_i = sum V_p x S_j v_j`, as in inverse dynamics. Of `sum W_i . A_i` with wrenches summed over the subtree of `j` to `W`,
/// and `G = sum V_i x* W_i`:
///
/// ```text
/// by v_j   S_j . G + ((V_p + V_j) x S_j) . W
/// by q_j   S_j . (sum A_i x* W_i - A_p x* W - V_p x* (G - V_p x* W))
/// ```
#[derive(Clone, Debug)]
pub(super) struct Drift {
    /// `A`.
    pub(super) bias: Vec<Motion<f64>>,
    /// `W`.
    pub(super) wrench: Vec<Force<f64>>,
    /// `V x* W`.
    pub(super) spin: Vec<Force<f64>>,
    /// By the velocities.
    by_velocity: Vec<Force<f64>>,
}

impl Drift {
    /// Empty where nothing needs it.
    fn new(model: &Model) -> Self {
        let links = if model.ties().is_empty() { 0 } else { model.links().len() };
        let forces = vec![Force::zero(); links];
        let (spin, by_velocity) = (forces.clone(), forces.clone());
        Self { bias: vec![Motion::zero(); links], wrench: forces, spin, by_velocity }
    }

    fn clear(&mut self) {
        for forces in [&mut self.wrench, &mut self.spin, &mut self.by_velocity] {
            forces.fill(Force::zero());
        }
    }

    fn begin(&mut self, model: &Model, (v, velocity): (&[f64], &[Motion<f64>]), s: &Scratch) {
        for i in 0..self.bias.len() {
            let link = &model.links()[i];
            let dofs = link.v_at..link.v_at + link.joint.nv();
            let own = dofs.fold(Motion::zero(), |sum, d| sum + s.axis[d] * v[d]);
            self.bias[i] =
                link.parent.map_or_else(Motion::zero, |p| self.bias[p] + velocity[p].cross(own));
        }
    }

    /// Adds the derivatives by the coordinates of link `i` and their rates, and what is below to its parent.
    fn gather(
        &mut self,
        (i, model): (usize, &Model),
        velocity: &[Motion<f64>],
        (q_bar, v_bar): (&mut [f64], &mut [f64]),
        s: &Scratch,
    ) {
        let link = &model.links()[i];
        let (w, g, rest) = (self.wrench[i], self.spin[i], self.by_velocity[i]);
        let around = link.parent.map_or_else(Motion::zero, |p| velocity[p]);
        let bias = link.parent.map_or_else(Motion::zero, |p| self.bias[p]);
        let turned = bias.cross_force(w) + around.cross_force(g - around.cross_force(w));
        for d in link.v_at..link.v_at + link.joint.nv() {
            let axis = s.axis[d];
            q_bar[d] -= axis.dot(turned);
            v_bar[d] += axis.dot(g + rest) + (around + velocity[i]).cross(axis).dot(w);
        }
        if let Some(p) = link.parent {
            self.wrench[p] += w;
            self.spin[p] += g;
            self.by_velocity[p] += rest;
        }
    }
}

impl LinkSums {
    fn new(model: &Model) -> Self {
        let links = model.links().len();
        let (motions, forces) = (vec![Motion::zero(); links], vec![Force::zero(); links]);
        Self {
            fields: std::array::from_fn(|_| motions.clone()),
            wrenches: std::array::from_fn(|_| forces.clone()),
            gyration: forces.clone(),
            geometry: forces,
            drift: Drift::new(model),
        }
    }

    /// What does not depend on `lambda`.
    fn prepare(&mut self, model: &Model, (a, v): (&[f64], &[f64]), s: &Scratch) {
        velocities(model, a, s, &mut self.fields[1]);
        velocities(model, v, s, &mut self.fields[2]);
        self.drift.begin(model, (v, &self.fields[2]), s);
    }

    /// The links under `lambda`, and nothing summed yet.
    fn begin(&mut self, model: &Model, lambda: &[f64], s: &Scratch) {
        velocities(model, lambda, s, &mut self.fields[0]);
        self.wrenches.iter_mut().for_each(|w| w.fill(Force::zero()));
        self.gyration.fill(Force::zero());
        self.geometry.fill(Force::zero());
        self.drift.clear();
    }

    /// The derivative by the coordinates' axes, and by the displacement of links: sums over subtrees.
    fn gather(&mut self, model: &Model, s: &Scratch, (q_bar, v_bar): (&mut [f64], &mut [f64])) {
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
            if !self.drift.bias.is_empty() {
                let bars = (&mut *q_bar, &mut *v_bar);
                self.drift.gather((i, model), &self.fields[2], bars, s);
            }
        }
    }
}

/// Cotangents of the Jacobian of one block.
#[derive(Clone, Copy)]
pub(super) struct Rates<'a> {
    along: [[f64; MOST]; 3],
    vectors: [&'a [f64]; 3],
}

impl Rates<'_> {
    /// By the entry at a coordinate and a direction.
    pub(super) fn bar(&self, dof: usize, direction: usize) -> f64 {
        (0..3).map(|field| self.along[field][direction] * self.vectors[field][dof]).sum()
    }
}

/// What the adjoint of one block reads and adds to.
pub(super) struct Pull<'a> {
    pub(super) model: &'a Model,
    pub(super) parameters: &'a Parameters<f64>,
    pub(super) q: &'a [f64],
    pub(super) routes: &'a Routes<f64>,
    /// `lambda`, `a`, `v`.
    vectors: [&'a [f64]; 3],
    /// Weights of the block's directions under each field.
    pub(super) along: [[f64; MOST]; 3],
    /// By the block's numbers.
    pub(super) numbers_bar: Numbers<f64>,
    pub(super) q_bar: &'a mut [f64],
    v_bar: &'a mut [f64],
    pub(super) moments: &'a mut [f64],
    pub(super) parameters_bar: Option<&'a mut Parameters<f64>>,
    pub(super) links: &'a mut LinkSums,
}

impl<'a> Pull<'a> {
    /// Of no block yet.
    fn new(
        point: &Point<'a, f64>,
        vectors: [&'a [f64]; 3],
        links: &'a mut LinkSums,
        bars: &'a mut Bars<'_>,
    ) -> Self {
        Self {
            model: point.model,
            parameters: point.parameters,
            q: point.q,
            routes: point.routes,
            vectors,
            along: [[0.0; MOST]; 3],
            numbers_bar: Numbers::from_array([0.0; NUMBERS]),
            q_bar: &mut *bars.q,
            v_bar: &mut *bars.v,
            moments: &mut *bars.moments,
            parameters_bar: bars.parameters.as_deref_mut(),
            links,
        }
    }

    /// Adds a cotangent of a link's velocity.
    pub(super) fn add_by_velocity(&mut self, link: usize, wrench: Force<f64>) {
        let sums = &mut *self.links;
        sums.drift.by_velocity[link] += wrench;
        sums.wrenches[2][link] += wrench;
        sums.gyration[link] += sums.fields[2][link].cross_force(wrench);
    }

    /// By the entry of the block's Jacobian at a coordinate and a direction.
    pub(super) fn jacobian_bar(&self, dof: usize, direction: usize) -> f64 {
        self.rates().bar(dof, direction)
    }

    /// What the cotangents of the block's Jacobian are made of.
    pub(super) fn rates(&self) -> Rates<'a> {
        Rates { along: self.along, vectors: self.vectors }
    }
}

impl ConstraintAdjoint {
    /// Memory for `model`.
    pub(crate) fn new(model: &Model) -> Self {
        Self { links: LinkSums::new(model), blocks: vec![], contacts: vec![] }
    }

    /// What the pulls at one point share. Kinematics and solution are those of the point. Parameters may be asked for unless
    /// `by_state_alone`.
    pub(crate) fn prepare(&mut self, point: &Point<'_, f64>, by_state_alone: bool, s: &Scratch) {
        let (model, c) = (point.model, &s.constraints);
        self.links.prepare(model, (&c.a, point.v), s);
        self.blocks.clear();
        for block in &c.blocks.list {
            let (by_a, by_v) = (c.blocks.along(block, &c.a), c.blocks.along(block, point.v));
            let mut by_gap = [0.0; MOST];
            if by_state_alone {
                let f = seeded_force::<1>((block, &c.blocks), [by_a, by_v], model);
                by_gap.iter_mut().zip(f).for_each(|(by, f)| *by = f.eps[0]);
            }
            self.blocks.push(Prepared { acceleration: by_a, velocity: by_v, gap_slope: by_gap });
        }
        let contacts = (c.blocks.contacts.as_slice(), by_state_alone);
        contact::differentiate(model, point.parameters, contacts, s, &mut self.contacts);
    }

    /// Adds the contacts' part of `dR/d(q, v)` to rows of coordinates, each `width` long, after [`ConstraintAdjoint::prepare`].
    pub(crate) fn add_contact_rows(
        &self,
        point: &Point<'_, f64>,
        (rows, width): (&mut [f64], usize),
        s: &Scratch,
    ) {
        let c = &s.constraints;
        for (b, block) in c.blocks.list.iter().enumerate() {
            let Source::Contact(k) = block.source else { continue };
            let contact = ContactRows {
                point,
                s,
                block,
                contact: &c.blocks.contacts[k],
                slopes: &self.contacts[k],
                gap_slope: self.blocks[b].gap_slope,
                damping: c.newton.responses[b].damping,
                force: c.newton.points[b].force,
                curvature: c.newton.points[b].curvature,
                fields: [&self.links.fields[1], &self.links.fields[2]],
            };
            contact.add((&mut *rows, width));
        }
    }

    /// [`ConstraintAdjoint::pull`] of what is no contact.
    pub(crate) fn pull_without_contacts(
        &mut self,
        point: &Point<'_, f64>,
        lambda: &[f64],
        s: &Scratch,
        bars: &mut Bars<'_>,
    ) {
        self.pull_of(point, (lambda, &[], false), s, bars);
    }

    /// Adds the derivatives of the constraints' part of `lambda . R`, less those of `force_bars . f` (an entry for each block, where there
    /// are any), after [`ConstraintAdjoint::prepare`].
    pub(crate) fn pull(
        &mut self,
        point: &Point<'_, f64>,
        lambda: &[f64],
        force_bars: &[[f64; MOST]],
        s: &Scratch,
        bars: &mut Bars<'_>,
    ) {
        self.pull_of(point, (lambda, force_bars, true), s, bars);
    }

    fn pull_of(
        &mut self,
        point: &Point<'_, f64>,
        (lambda, force_bars, with_contacts): (&[f64], &[[f64; MOST]], bool),
        s: &Scratch,
        bars: &mut Bars<'_>,
    ) {
        let (model, c) = (point.model, &s.constraints);
        let vectors = [lambda, c.a.as_slice(), point.v];
        // what acts along coordinates and tendons has no part in the links' sums
        let on_links = with_contacts || !c.blocks.ties.is_empty();
        if on_links {
            self.links.begin(model, lambda, s);
        }
        let mut pull = Pull::new(point, vectors, &mut self.links, bars);
        for (b, block) in c.blocks.list.iter().enumerate() {
            // a multiplier that does not move it has no part in it
            let moved = c.blocks.of(block).0.iter().any(|d| lambda[*d] != 0.0);
            let left_out = !with_contacts && c.blocks.contact(block).is_some();
            if left_out || (!moved && force_bars.is_empty()) {
                continue;
            }
            let Prepared { acceleration: by_a, velocity: by_v, gap_slope } = self.blocks[b];
            let mut y = c.blocks.along(block, lambda);
            if let Some(bar) = force_bars.get(b) {
                y.iter_mut().zip(bar).for_each(|(y, bar)| *y -= bar);
            }
            let (here, response) = (&c.newton.points[b], &c.newton.responses[b]);
            let p: [f64; MOST] =
                here.curvature.map(|row| row.iter().zip(y).map(|(w, y)| w * y).sum());
            let by_rate = p.map(|p| response.damping * p);
            c.blocks.add_transposed(block, &by_rate, pull.v_bar);
            pull.along = [here.force.map(|f| -f), p, by_rate];
            pull.numbers_bar = if pull.parameters_bar.is_some() {
                numbers_bar((block, &c.blocks), [y, by_a, by_v], model)
            } else {
                let by_gap: f64 = y.iter().zip(gap_slope).map(|(y, f)| y * f).sum();
                Numbers { gap: -by_gap, ..Numbers::from_array([0.0; NUMBERS]) }
            };
            match block.source {
                Source::Stop { stop, upper } => stop::pull(&mut pull, (stop, upper)),
                Source::DryFriction { friction, dof } => {
                    dry_friction::pull(&mut pull, (friction, dof));
                }
                Source::Coupling(coupling) => coupling::pull(&mut pull, coupling),
                Source::Tie(k) => tie::pull(&mut pull, &c.blocks.ties[k], response.restoring, s),
                Source::Contact(k) => {
                    let contact = (&c.blocks.contacts[k], &self.contacts[k]);
                    contact::pull(&mut pull, contact, block.directions, s);
                }
            }
        }
        if on_links {
            self.links.gather(model, s, (bars.q, bars.v));
        }
    }

    /// Adds the derivatives of the sum of `weight` times the gaps of some blocks, contacts and stops, after [`ConstraintAdjoint::prepare`].
    pub(crate) fn pull_gaps(
        &mut self,
        point: &Point<'_, f64>,
        (gaps, weight): (&[usize], f64),
        s: &Scratch,
        bars: &mut Bars<'_>,
    ) {
        let (model, c) = (point.model, &s.constraints);
        let still = vec![0.0; model.nv()];
        self.links.begin(model, &still, s);
        let mut pull = Pull::new(point, [&still; 3], &mut self.links, bars);
        pull.numbers_bar.gap = weight;
        for block in gaps.iter().map(|b| &c.blocks.list[*b]) {
            match block.source {
                Source::Stop { stop, upper } => stop::pull(&mut pull, (stop, upper)),
                Source::Contact(k) => {
                    let contact = (&c.blocks.contacts[k], &self.contacts[k]);
                    contact::pull(&mut pull, contact, block.directions, s);
                }
                _ => {}
            }
        }
        self.links.gather(model, s, (bars.q, bars.v));
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

/// The force of a block, with its derivatives by the first `N` of its numbers.
fn seeded_force<const N: usize>(
    (block, blocks): (&Block<f64>, &Blocks<f64>),
    [by_a, by_v]: [[f64; MOST]; 2],
    model: &Model,
) -> [Dual<f64, N>; MOST] {
    let numbers = block.numbers.to_array();
    let seeded = std::array::from_fn(|k| {
        if k < N { Dual::<f64, N>::seed(numbers[k], k) } else { Dual::konst(numbers[k]) }
    });
    let (law, directions) = (block.law, block.directions);
    let seeded = Numbers::from_array(seeded);
    let response = law::response(law, directions, &seeded, &model.constraint_options);
    let mut e: [Dual<f64, N>; MOST] = std::array::from_fn(|k| response.damping * by_v[k] + by_a[k]);
    if let Source::Tie(k) = block.source {
        let tie = &blocks.ties[k];
        (0..MOST).for_each(|j| e[j] += response.restoring * tie.apart[j] + tie.drift[j]);
    } else {
        e[0] += response.restoring * seeded.gap;
    }
    law::force(law, directions, &e, &response)
}

/// The derivative of `-y . f` by the numbers of a block.
fn numbers_bar(
    (block, blocks): (&Block<f64>, &Blocks<f64>),
    [y, by_a, by_v]: [[f64; MOST]; 3],
    model: &Model,
) -> Numbers<f64> {
    let f = seeded_force::<NUMBERS>((block, blocks), [by_a, by_v], model);
    let mut bar = [0.0; NUMBERS];
    for (f, y) in f.iter().zip(y).take(block.directions) {
        (0..NUMBERS).for_each(|k| bar[k] -= y * f.eps[k]);
    }
    debug_assert!(f.iter().all(|f| f.concrete().is_finite()), "a solution is finite");
    Numbers::from_array(bar)
}
