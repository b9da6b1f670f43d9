//! What inputs set: a model's numbers, starts, controls and weights; and how cotangents come back.

use cotangent_ad::{Quat, Real, Vec3};

use super::MotionPart;
use super::course::CourseBar;
use super::input::InputKind;
use crate::constraint::pull_weights;
use crate::derivative::Cotangent;
use crate::model::{Model, Parameters};
use crate::spatial::SpatialInertia;
use crate::state::State;

/// Everything that inputs set.
#[derive(Clone, Debug)]
pub(super) struct Setting<T> {
    /// The model's numbers.
    pub(super) parameters: Parameters<T>,
    /// Mass, centre and gyration of each link, of which the inertias are made.
    bodies: Vec<BodyNumbers<T>>,
    /// Start of each motion.
    pub(super) starts: Vec<State<T>>,
    /// Controls of each motion, `steps x nu`.
    pub(super) controls: Vec<Vec<T>>,
    /// Force and torque from outside of each motion, `steps x links`; empty where nothing pushes.
    pub(super) external: Vec<Vec<[T; 6]>>,
    /// Weights of the policy that makes them; none without one.
    pub(super) policy: Vec<T>,
}

/// The inertia of a link as mass, centre of mass and gyration tensor: physical for any positive mass.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyNumbers<T> {
    pub(super) mass: T,
    pub(super) center: Vec3<T>,
    pub(super) gyration: [T; 6],
}

/// `|c|^2 1 - c c^T`, its six numbers.
fn steiner<T: Real>(c: Vec3<T>) -> [T; 6] {
    let [x, y, z] = c.0;
    [y * y + z * z, x * x + z * z, x * x + y * y, -(x * y), -(x * z), -(y * z)]
}

impl BodyNumbers<f64> {
    pub(super) fn of(inertia: &SpatialInertia<f64>) -> Self {
        let mass = inertia.mass;
        let center = if mass > 0.0 { inertia.moment * (1.0 / mass) } else { Vec3::zero() };
        let about = steiner(center);
        let per_mass = |k: usize| inertia.rotational[k] / mass - about[k];
        let gyration = std::array::from_fn(|k| if mass > 0.0 { per_mass(k) } else { 0.0 });
        Self { mass, center, gyration }
    }

    fn lift<T: Real>(&self) -> BodyNumbers<T> {
        BodyNumbers {
            mass: T::lit(self.mass),
            center: Vec3::lit(self.center.0),
            gyration: self.gyration.map(T::lit),
        }
    }
}

impl<T: Real> BodyNumbers<T> {
    /// `m, m c, m (G + |c|^2 1 - c c^T)`.
    fn inertia(&self) -> SpatialInertia<T> {
        let about = steiner(self.center);
        SpatialInertia {
            mass: self.mass,
            moment: self.center * self.mass,
            rotational: std::array::from_fn(|k| (self.gyration[k] + about[k]) * self.mass),
        }
    }
}

impl Setting<f64> {
    /// What the model and the motions are without inputs: their own numbers, controls of 0, and so many weights of 0.
    pub(super) fn of(model: &Model, parts: &[MotionPart], weights: usize) -> Self {
        Self {
            bodies: model.parameters().inertia.iter().map(BodyNumbers::of).collect(),
            parameters: model.parameters().clone(),
            starts: parts.iter().map(|p| p.start.clone()).collect(),
            controls: parts.iter().map(|p| vec![0.0; p.steps * model.nu()]).collect(),
            external: vec![vec![]; parts.len()],
            policy: vec![0.0; weights],
        }
    }

    /// The same in another scalar.
    pub(super) fn lift<T: Real>(&self) -> Setting<T> {
        let lift = |x: &Vec<f64>| x.iter().map(|x| T::lit(*x)).collect();
        let lift_pushes = |x: &Vec<[f64; 6]>| x.iter().map(|x| x.map(T::lit)).collect();
        let lift_state = |s: &State| State { q: lift(&s.q), v: lift(&s.v), act: lift(&s.act) };
        Setting {
            parameters: self.parameters.lift(),
            bodies: self.bodies.iter().map(BodyNumbers::lift).collect(),
            starts: self.starts.iter().map(lift_state).collect(),
            controls: self.controls.iter().map(lift).collect(),
            external: self.external.iter().map(lift_pushes).collect(),
            policy: lift(&self.policy),
        }
    }
}

impl<T: Real> Setting<T> {
    /// Gives input `kind` the value `x`.
    pub(super) fn set(&mut self, model: &Model, kind: InputKind, x: &[T]) {
        match kind {
            InputKind::Gravity => self.parameters.gravity = Vec3([x[0], x[1], x[2]]),
            InputKind::Fluid { index } => self.parameters.fluid[index] = x[0],
            InputKind::Held { link } => self.parameters.gravity_compensation[link] = x[0],
            InputKind::Mass { link } => self.set_body(link, |b| b.mass = x[0]),
            InputKind::Center { link } => {
                self.set_body(link, |b| b.center = Vec3([x[0], x[1], x[2]]));
            }
            InputKind::Gyration { link } => {
                self.set_body(link, |b| b.gyration.copy_from_slice(x));
            }
            InputKind::Joint { joint, number } => {
                let (first, count) = model.joints()[joint].v;
                number.of(&mut self.parameters)[first..first + count].fill(x[0]);
            }
            InputKind::Polynomial { joint, is_spring } => {
                let (first, count) = model.joints()[joint].v;
                polynomials(&mut self.parameters, is_spring)[first..][..count].fill([x[0], x[1]]);
            }
            InputKind::Gear { actuator } => self.parameters.gear[actuator] = x[0],
            InputKind::Actuator { actuator, number } => {
                number.of(&mut self.parameters, actuator).copy_from_slice(x);
            }
            InputKind::Tendon { tendon, number } => {
                number.of(&mut self.parameters)[tendon] = x[0];
            }
            InputKind::Constraint(input) => {
                input.of(&mut self.parameters.constraints).copy_from_slice(x);
            }
            InputKind::StartPosition { part, joint } => {
                let first = model.joints()[joint].q.0;
                self.starts[part].q[first..first + x.len()].copy_from_slice(x);
            }
            InputKind::StartRotation { part, joint } => {
                let (first, count) = model.joints()[joint].q;
                let turned = Quat::exp(Vec3([x[0], x[1], x[2]]));
                self.starts[part].q[first + count - 4..first + count].copy_from_slice(&turned.0);
            }
            InputKind::StartVelocity { part, joint } => {
                let first = model.joints()[joint].v.0;
                self.starts[part].v[first..first + x.len()].copy_from_slice(x);
            }
            InputKind::StartActivation { part, actuator } => {
                if let Some(activation) = model.actuators()[actuator].activation {
                    self.starts[part].act[activation.at] = x[0];
                }
            }
            InputKind::Control { part, actuator } => {
                let controls = self.controls[part][actuator..].iter_mut().step_by(model.nu());
                controls.zip(x).for_each(|(u, x)| *u = *x);
            }
            InputKind::External { part, link, is_torque } => {
                let (links, pushes) = (model.links().len(), &mut self.external[part]);
                pushes.resize(x.len() / 3 * links, [T::lit(0.0); 6]);
                for (push, x) in pushes[link..].iter_mut().step_by(links).zip(x.chunks_exact(3)) {
                    push[3 * usize::from(is_torque)..][..3].copy_from_slice(x);
                }
            }
            InputKind::Policy { first } => self.policy[first..][..x.len()].copy_from_slice(x),
        }
    }

    /// After all inputs of `kinds` are set: the inverse inertias that scale constraints, where one of them moves the mass matrix.
    pub(super) fn weigh(&mut self, model: &Model, mut kinds: impl Iterator<Item = InputKind>) {
        if model.is_constrained() && kinds.any(InputKind::moves_mass) {
            self.parameters.constraints.weights = model.weights_at_reference(&self.parameters);
        }
    }

    fn set_body(&mut self, link: usize, change: impl FnOnce(&mut BodyNumbers<T>)) {
        change(&mut self.bodies[link]);
        self.parameters.inertia[link] = self.bodies[link].inertia();
    }
}

/// Cotangents of everything that inputs set.
pub(super) struct SettingBar {
    pub(super) parameters: Parameters<f64>,
    pub(super) starts: Vec<Cotangent>,
    pub(super) controls: Vec<Vec<f64>>,
    pub(super) external: Vec<Vec<[f64; 6]>>,
    pub(super) policy: Vec<f64>,
}

/// Further terms of the dampings, or of the springs.
fn polynomials<T>(parameters: &mut Parameters<T>, is_spring: bool) -> &mut [[T; 2]] {
    if is_spring { &mut parameters.stiffness_poly } else { &mut parameters.damping_poly }
}

impl SettingBar {
    /// Those of nothing.
    pub(super) fn zero(setting: &Setting<f64>) -> Self {
        Self {
            parameters: setting.parameters.zero_like(),
            starts: vec![],
            controls: vec![],
            external: vec![],
            policy: vec![0.0; setting.policy.len()],
        }
    }

    /// Adds those of the next motion.
    pub(super) fn add(&mut self, next: CourseBar) {
        let mut numbers = next.parameters.numbers().into_iter();
        self.parameters = self.parameters.map(|sum| sum + numbers.next().unwrap_or_default());
        self.policy.iter_mut().zip(next.policy).for_each(|(sum, bar)| *sum += bar);
        self.starts.push(next.start);
        self.controls.push(next.controls);
        self.external.push(next.external);
    }

    /// The adjoint of [`Setting::weigh`], before the first [`SettingBar::pull`].
    pub(super) fn unweigh(
        &mut self,
        model: &Model,
        parameters: &Parameters<f64>,
        mut kinds: impl Iterator<Item = InputKind>,
    ) {
        if model.is_constrained() && kinds.any(InputKind::moves_mass) {
            pull_weights(model, parameters, &mut self.parameters);
        }
    }

    /// The cotangent of input `kind`, whose value is `x`.
    pub(super) fn pull(
        &mut self,
        model: &Model,
        setting: &Setting<f64>,
        kind: InputKind,
        x: &[f64],
    ) -> Vec<f64> {
        match kind {
            InputKind::Gravity => self.parameters.gravity.0.to_vec(),
            InputKind::Fluid { index } => vec![self.parameters.fluid[index]],
            InputKind::Held { link } => vec![self.parameters.gravity_compensation[link]],
            InputKind::Mass { link } => vec![self.body(setting, link).0],
            InputKind::Center { link } => self.body(setting, link).1.0.to_vec(),
            InputKind::Gyration { link } => self.body(setting, link).2.to_vec(),
            InputKind::Joint { joint, number } => {
                let (first, count) = model.joints()[joint].v;
                vec![number.of(&mut self.parameters)[first..first + count].iter().sum()]
            }
            InputKind::Polynomial { joint, is_spring } => {
                let (first, count) = model.joints()[joint].v;
                let bars = &polynomials(&mut self.parameters, is_spring)[first..][..count];
                (0..2).map(|k| bars.iter().map(|bar| bar[k]).sum()).collect()
            }
            InputKind::Gear { actuator } => vec![self.parameters.gear[actuator]],
            InputKind::Actuator { actuator, number } => {
                number.of(&mut self.parameters, actuator).to_vec()
            }
            InputKind::Tendon { tendon, number } => {
                vec![number.of(&mut self.parameters)[tendon]]
            }
            InputKind::Constraint(input) => input.of(&mut self.parameters.constraints).to_vec(),
            InputKind::StartPosition { part, joint } => {
                self.starts[part].q[model.joints()[joint].v.0..][..x.len()].to_vec()
            }
            InputKind::StartRotation { part, joint } => {
                // q = exp(x) moves by exp(J_r(x) dx) on its right
                let (first, count) = model.joints()[joint].v;
                let bar = &self.starts[part].q[first + count - 3..];
                let through = Quat::exp_right_jacobian(Vec3([x[0], x[1], x[2]]));
                through.transpose_mul(Vec3([bar[0], bar[1], bar[2]])).0.to_vec()
            }
            InputKind::StartVelocity { part, joint } => {
                self.starts[part].v[model.joints()[joint].v.0..][..x.len()].to_vec()
            }
            InputKind::StartActivation { part, actuator } => {
                let at = model.actuators()[actuator].activation.map(|a| a.at);
                vec![at.map_or(0.0, |at| self.starts[part].act[at])]
            }
            InputKind::Control { part, actuator } => {
                self.controls[part][actuator..].iter().step_by(model.nu()).copied().collect()
            }
            InputKind::External { part, link, is_torque } => {
                let bars = self.external[part][link..].iter().step_by(model.links().len());
                bars.flat_map(|bar| &bar[3 * usize::from(is_torque)..][..3]).copied().collect()
            }
            InputKind::Policy { first } => self.policy[first..][..x.len()].to_vec(),
        }
    }

    /// Cotangents of mass, centre and gyration of a link, from those of its ten numbers.
    fn body(&self, setting: &Setting<f64>, link: usize) -> (f64, Vec3<f64>, [f64; 6]) {
        let (b, bar) = (&setting.bodies[link], &self.parameters.inertia[link]);
        let about = steiner(b.center);
        let [xx, yy, zz, xy, xz, yz] = bar.rotational;
        let [x, y, z] = b.center.0;
        let per_mass = (0..6).map(|k| bar.rotational[k] * (b.gyration[k] + about[k])).sum::<f64>();
        let mass = bar.mass + bar.moment.dot(b.center) + per_mass;
        let by_steiner = Vec3([
            2.0 * x * (yy + zz) - y * xy - z * xz,
            2.0 * y * (xx + zz) - x * xy - z * yz,
            2.0 * z * (xx + yy) - x * xz - y * yz,
        ]);
        let center = (bar.moment + by_steiner) * b.mass;
        (mass, center, bar.rotational.map(|r| r * b.mass))
    }
}
