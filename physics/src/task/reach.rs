//! An arm whose tip is to pass given points at given times with little effort, by torques over time.

use cotangent_ad::{Schedule, Vec3};
use cotangent_problem::{
    Capabilities, Evaluation, Objective, SampleKey, TermValue, TrialFailure, Want, Workspace,
};
use thiserror::Error;

use crate::derivative::{Cost, Cotangent, Rollout};
use crate::force::clamp;
use crate::integrate::StepOptions;
use crate::kinematics::kinematics;
use crate::model::{Actuator, Model};
use crate::scratch::Scratch;
use crate::state::State;

/// Where the tip must be, and when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Waypoint {
    /// The state, counted in steps from the start.
    pub step: usize,
    /// The place, m.
    pub position: Vec3<f64>,
}

/// What is wrong with a task.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ReachError {
    /// No site of that name.
    #[error("the model has no site `{0}`")]
    NoSite(String),
    /// Nothing to drive.
    #[error("the model has no motor")]
    NoMotor,
    /// An actuator whose torque is not its control times its gear.
    #[error("actuator `{0}` is not a motor on a hinge or slide")]
    NotMotor(String),
    /// A waypoint after the end.
    #[error("a waypoint at step {step}, but the motion has {steps}")]
    Late {
        /// The waypoint's step.
        step: usize,
        /// Steps of the motion.
        steps: usize,
    },
}

/// The task, as a sum of two parts:
///
/// ```text
/// effort = sum_k dt |tau_k|^2                                              N^2 m^2 s
/// excess = sum_w p((|tip - p_w| - 0.6 tolerance) / tolerance)
///        + sum_k dt sum_j p((q_j beyond its range less 0.02) / 0.01)
/// value  = effort_weight effort + excess,      p(e) = e^3 / (1 + e) for e > 0, else 0
/// ```
///
/// A feasible motion misses no waypoint by more than the tolerance and leaves no joint range. The excess starts at
/// 0.6 of the tolerance and a margin before the range's end, so a small excess is still feasible; `p` is a square from afar
/// and twice continuously differentiable at 0. With `effort_weight = 0` it is the task of reaching at any price.
///
/// The parameters are the controls, each held for `hold` steps: `nu x intervals`, row-major: one row a motor.
#[derive(Clone, Debug, PartialEq)]
pub struct Reach {
    model: Model,
    options: StepOptions,
    start: State,
    steps: usize,
    hold: usize,
    tip: usize,
    waypoints: Vec<Waypoint>,
    tolerance: f64,
    effort_weight: f64,
}

/// A motion and what it achieves.
#[derive(Clone, Debug, PartialEq)]
pub struct Reached {
    /// States `0..=steps`.
    pub states: Vec<State>,
    /// The tip at each, m.
    pub tip: Vec<Vec3<f64>>,
    /// Distance to each waypoint at its time, m.
    pub misses: Vec<f64>,
    /// By how much a joint leaves its range at most, rad or m; 0 where none does.
    pub beyond_range: f64,
    /// `sum_k dt |tau_k|^2`, N^2 m^2 s.
    pub effort: f64,
}

impl Reached {
    /// Whether every waypoint is within `tolerance` and every joint within its range.
    pub fn is_feasible(&self, tolerance: f64) -> bool {
        self.misses.iter().all(|m| *m <= tolerance) && self.beyond_range <= 0.0
    }
}

/// Distance before a range's end at which the excess starts, rad or m.
const MARGIN: f64 = 0.02;
/// Share of the tolerance at which the excess starts.
const INNER: f64 = 0.6;

impl Reach {
    /// A motion of `steps` steps from rest at `q`, every control held for `hold` of them.
    ///
    /// # Errors
    /// [`ReachError`].
    ///
    /// # Panics
    /// Where `q` has not `nq` entries or `hold` is 0.
    pub fn new(
        model: Model,
        options: StepOptions,
        q: Vec<f64>,
        (steps, hold): (usize, usize),
        tip: &str,
        waypoints: Vec<Waypoint>,
        tolerance: f64,
    ) -> Result<Self, ReachError> {
        assert!(q.len() == model.nq() && hold > 0, "a configuration of the model, held controls");
        let tip = model.site(tip).ok_or_else(|| ReachError::NoSite(tip.into()))?;
        if model.nu() == 0 {
            return Err(ReachError::NoMotor);
        }
        if let Some(other) = model.actuators().iter().find(|a| a.dof().is_none() || a.servo) {
            return Err(ReachError::NotMotor(other.name.clone()));
        }
        if let Some(late) = waypoints.iter().find(|w| w.step > steps) {
            return Err(ReachError::Late { step: late.step, steps });
        }
        let start = State { q, v: vec![0.0; model.nv()] };
        let effort_weight = 0.0;
        Ok(Self { model, options, start, steps, hold, tip, waypoints, tolerance, effort_weight })
    }

    /// The same with this weight of the effort, 1/(N^2 m^2 s).
    #[must_use]
    pub fn with_effort_weight(mut self, weight: f64) -> Self {
        self.effort_weight = weight;
        self
    }

    /// Number of intervals of constant controls.
    pub fn intervals(&self) -> usize {
        self.steps.div_ceil(self.hold)
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Length of a step, s.
    pub fn dt(&self) -> f64 {
        self.options.dt
    }

    /// Steps of the motion.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The waypoints.
    pub fn waypoints(&self) -> &[Waypoint] {
        &self.waypoints
    }

    /// Controls that hold the start against gravity, within the motors' ranges, in every interval.
    pub fn holding(&self) -> Vec<f64> {
        let (model, p) = (&self.model, self.model.parameters());
        let mut s = Scratch::new(model);
        let mut placed = kinematics(model, p, &self.start.q, &mut s);
        let tau = crate::rnea(model, p, &self.start.v, None, &mut placed);
        let hold = |(k, motor): (usize, &Actuator)| {
            let dof = motor.dof().unwrap_or_else(|| unreachable!("motors, as `new` checks"));
            clamp(motor.range, tau[dof] / p.gear[k])
        };
        let controls = model.actuators().iter().enumerate().map(hold);
        controls.flat_map(|u| vec![u; self.intervals()]).collect()
    }

    /// Controls of every step, `steps x nu`.
    fn controls(&self, x: &[f64]) -> Vec<f64> {
        let (nu, n) = (self.model.nu(), self.intervals());
        let of_step = |k: usize| (0..nu).map(move |motor| x[motor * n + k / self.hold]);
        (0..self.steps).flat_map(of_step).collect()
    }

    fn rollout(&self) -> Rollout<'_> {
        Rollout {
            model: &self.model,
            parameters: self.model.parameters(),
            options: self.options,
            steps: self.steps,
            schedule: Schedule::StoreAll,
        }
    }

    /// `sum_k dt |tau_k|^2`; adds its derivative, times a weight, to `x_bar`.
    fn effort(&self, x: &[f64], bar: Option<(f64, &mut [f64])>) -> f64 {
        let (n, motors) = (self.intervals(), self.model.actuators());
        let gear = &self.model.parameters().gear;
        let seconds =
            |k: usize| self.hold.min(self.steps - k % n * self.hold) as f64 * self.options.dt;
        let clamped = |k: usize| clamp(motors[k / n].range, x[k]);
        let torque = |k: usize| gear[k / n] * clamped(k);
        if let Some((weight, bar)) = bar {
            for k in (0..x.len()).filter(|k| clamped(*k).to_bits() == x[*k].to_bits()) {
                bar[k] += weight * seconds(k) * 2.0 * gear[k / n] * torque(k);
            }
        }
        (0..x.len()).map(|k| seconds(k) * torque(k).powi(2)).sum()
    }

    /// The motion under the controls `x`.
    pub fn motion(&self, x: &[f64]) -> Reached {
        let mut s = Scratch::new(&self.model);
        let (mut states, mut tip, mut beyond) = (vec![], vec![], 0.0_f64);
        self.rollout().run(&self.start, &self.controls(x), &mut s, |_, state, s| {
            let placed = kinematics(&self.model, self.model.parameters(), &state.q, s);
            tip.push(placed.site_pose(&self.model, self.tip).translation);
            self.ranged(state, |_, q, [least, greatest]| {
                beyond = beyond.max(least - q).max(q - greatest);
            });
            states.push(state.clone());
        });
        let misses = self.waypoints.iter().map(|w| (tip[w.step] - w.position).norm()).collect();
        Reached { states, tip, misses, beyond_range: beyond, effort: self.effort(x, None) }
    }

    /// Calls `f` with coordinate of `v`, value and range of each joint that has one.
    fn ranged(&self, state: &State, mut f: impl FnMut(usize, f64, [f64; 2])) {
        for joint in self.model.joints() {
            if let (Some(range), 1) = (joint.range, joint.v.1) {
                f(joint.v.0, state.q[joint.q.0], range);
            }
        }
    }
}

/// How far `q` is beyond `[least + margin, greatest - margin]`, in half margins, and on which side.
fn beyond(q: f64, [least, greatest]: [f64; 2]) -> (f64, f64) {
    let (above, below) = (q - (greatest - MARGIN), (least + MARGIN) - q);
    let half = 0.5 * MARGIN;
    if above > below { (above / half, 1.0) } else { (below / half, -1.0) }
}

/// `p(e)` and its derivative.
fn penalty(e: f64) -> (f64, f64) {
    if e <= 0.0 {
        return (0.0, 0.0);
    }
    (e.powi(3) / (1.0 + e), e * e * (3.0 + 2.0 * e) / (1.0 + e).powi(2))
}

impl Cost for Reach {
    fn value(&self, k: usize, state: &State, s: &mut Scratch) -> f64 {
        let mut sum = 0.0;
        self.ranged(state, |_, q, range| {
            sum += self.options.dt * penalty(beyond(q, range).0).0;
        });
        for w in self.waypoints.iter().filter(|w| w.step == k) {
            let placed = kinematics(&self.model, self.model.parameters(), &state.q, s);
            let miss = (placed.site_pose(&self.model, self.tip).translation - w.position).norm();
            sum += penalty(miss / self.tolerance - INNER).0;
        }
        sum
    }

    fn pull(&self, k: usize, state: &State, bar: &mut Cotangent, s: &mut Scratch) {
        self.ranged(state, |d, q, range| {
            let (excess, side) = beyond(q, range);
            bar.q[d] += self.options.dt * penalty(excess).1 * side / (0.5 * MARGIN);
        });
        for w in self.waypoints.iter().filter(|w| w.step == k) {
            let placed = kinematics(&self.model, self.model.parameters(), &state.q, s);
            let tip = placed.site_pose(&self.model, self.tip).translation;
            let (between, link) = (tip - w.position, self.model.sites()[self.tip].link);
            let miss = between.norm();
            let (_, slope) = penalty(miss / self.tolerance - INNER);
            if slope > 0.0 {
                let by_tip = between * (slope / (self.tolerance * miss));
                placed.point_pullback(&self.model, link, tip, by_tip, &mut bar.q);
            }
        }
    }
}

impl Objective for Reach {
    fn dim(&self) -> usize {
        self.intervals() * self.model.nu()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { gradient: true, ..Capabilities::default() }
    }

    fn evaluate(
        &self,
        x: &[f64],
        want: Want,
        _: SampleKey,
        ws: &mut Workspace,
    ) -> Result<Evaluation, TrialFailure> {
        if x.len() != self.dim() || want.residuals || want.jacobian {
            let what = format!("{} controls and a gradient at most, found {}", self.dim(), x.len());
            return Err(TrialFailure::Contract(what));
        }
        let s = ws.get_or_insert_with(|| Scratch::new(&self.model));
        if !s.fits(&self.model) {
            *s = Scratch::new(&self.model);
        }
        let (controls, rollout) = (self.controls(x), self.rollout());
        let (excess, mut gradient) = if want.gradient {
            let found = rollout.gradient(&self.start, &controls, self, false, s);
            let mut bar = vec![0.0; x.len()];
            let (nu, n) = (self.model.nu(), self.intervals());
            for (k, u_bar) in found.controls.iter().enumerate() {
                bar[k % nu * n + k / nu / self.hold] += u_bar;
            }
            (found.value, Some(bar))
        } else {
            let mut sum = 0.0;
            rollout.run(&self.start, &controls, s, |k, state, s| sum += self.value(k, state, s));
            (sum, None)
        };
        let effort = self.effort(x, gradient.as_deref_mut().map(|g| (self.effort_weight, g)));
        let value = self.effort_weight * effort + excess;
        let finite = gradient.iter().flatten().all(|g| g.is_finite());
        if !value.is_finite() || !finite {
            return Err(TrialFailure::NonFinite { what: "the motion".into() });
        }
        let term = |name: &str, value| TermValue { name: name.into(), value };
        let terms = vec![term("effort", self.effort_weight * effort), term("excess", excess)];
        Ok(Evaluation { value, gradient, terms, ..Evaluation::default() })
    }
}
