//! Forces on a model beside its inertia: one element a file, its value and its pullback together.
//!
//! Two kinds. Forces on coordinates depend on `q`, `v` and what drives the actuators: [`apply`] and [`pull`] are folds over them.
//! Forces on links are wrenches that depend on the motion of one link: [`subtract_link_forces`] and [`pull_link_forces`].

mod actuator;
mod damping;
mod external;
mod fluid;
mod gravity_compensation;
mod implicit;
mod spring;
mod tendon;

pub use actuator::actuator_forces;
pub(crate) use actuator::{
    actuation, actuator_force, clamp, control_gain, geared_force, moments, pull_actuation,
    pull_force, pull_geared, pull_travel, travel,
};
pub(crate) use damping::{implicit_pull as pull_implicit_damping, slope as damping_slope};
pub(crate) use external::{each_push, pull_power, push_matrices};
pub(crate) use fluid::{each_matrix as each_drag_matrix, each_slope as each_drag};
pub(crate) use implicit::ImplicitPull;

use cotangent_ad::{Real, Vec3};

use crate::activation::follow;
use crate::integrate::StepOptions;
use crate::kinematics::place_links;
use crate::model::{Model, Parameters};
use crate::routes::{Routes, lay};
use crate::scratch::Scratch;
use crate::spatial::{Force, Motion};
use crate::state::State;

/// Calls its argument with each coordinate that something moves, and its moment there.
pub(crate) type Moments<'a, T> = &'a dyn Fn(&mut dyn FnMut(usize, T));

/// What a force on the coordinates reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point<'a, T> {
    pub(crate) model: &'a Model,
    pub(crate) parameters: &'a Parameters<T>,
    /// Configuration, velocity, and what drives the actuators.
    pub(crate) q: &'a [T],
    pub(crate) v: &'a [T],
    pub(crate) drive: &'a [T],
    /// Tendons at the configuration.
    pub(crate) routes: &'a Routes<T>,
}

/// Where the pullbacks of forces add up.
#[derive(Debug)]
pub(crate) struct Bars<'a> {
    /// By the configuration, in its tangent space.
    pub(crate) q: &'a mut [f64],
    pub(crate) v: &'a mut [f64],
    pub(crate) drive: &'a mut [f64],
    /// By the moments of the tendons.
    pub(crate) moments: &'a mut [f64],
    pub(crate) parameters: Option<&'a mut Parameters<f64>>,
}

/// Forces of actuators, damping, springs and tendons on the coordinates.
///
/// # Shapes
/// `u`: `nu`; `tau`: `nv`.
pub fn applied_forces<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    options: &StepOptions,
    (state, u): (&State<T>, &[T]),
    tau: &mut [T],
    s: &mut Scratch<T>,
) {
    follow(model, parameters, options, (&state.act, u), s);
    place_links(model, parameters, &state.q, s);
    lay(model, &state.q, s);
    let (drive, routes) = (&s.stages[0].drive, &s.routes);
    apply(&Point { model, parameters, q: &state.q, v: &state.v, drive, routes }, tau);
}

/// [`applied_forces`] at a point.
pub(crate) fn apply<T: Real>(point: &Point<'_, T>, tau: &mut [T]) {
    tau.fill(T::lit(0.0));
    // first, as limits of a joint's actuation clamp what stands in `tau`
    actuator::add(point, tau);
    damping::add(point, tau);
    spring::add(point, tau);
    tendon::add(point, tau);
}

/// Calls `f` with `-d tau/dv` of everything that acts along one direction of several coordinates: the slope of its force, and what calls
/// its argument with each coordinate and its moment there.
pub(crate) fn each_slope<T: Real>(p: &Point<'_, T>, mut f: impl FnMut(T, Moments<'_, T>)) {
    for (k, actuator) in p.model.actuators.iter().enumerate() {
        if let Some(slope) = actuator::slope(p, k) {
            f(slope, &|visit| moments(p, &actuator.transmission, visit));
        }
    }
    for (k, damping) in p.parameters.tendon_damping.iter().enumerate() {
        f(*damping, &|visit| p.routes.parts(p.model, k).for_each(|(d, m)| visit(d, m)));
    }
}

/// Adds the derivatives of `tau_bar . tau`. `work` has `nv` entries.
pub(crate) fn pull(point: &Point<'_, f64>, tau_bar: &[f64], work: &mut [f64], bars: &mut Bars<'_>) {
    actuator::pull(point, tau_bar, work, bars);
    damping::pull(point, tau_bar, bars);
    spring::pull(point, tau_bar, bars);
    tendon::pull(point, tau_bar, bars);
}

/// Energy of all springs, J.
pub(crate) fn spring_energy<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    q: &[T],
    routes: &Routes<T>,
) -> T {
    spring::energy(model, parameters, q) + tendon::energy(model, parameters, routes)
}

/// Adds the derivatives of `energy_bar` times [`spring_energy`].
pub(crate) fn pull_spring_energy(
    model: &Model,
    parameters: &Parameters<f64>,
    (q, routes): (&[f64], &Routes<f64>),
    energy_bar: f64,
    (q_bar, parameters_bar): (&mut [f64], &mut Parameters<f64>),
) {
    spring::pull_energy(model, parameters, q, energy_bar, (&mut *q_bar, &mut *parameters_bar));
    tendon::pull_energy(model, parameters, routes, energy_bar, (q_bar, parameters_bar));
}

/// Takes the forces of the fluid around, those that compensate gravity and those from outside from the forces that the motion needs: `s.force`, after
/// the velocities.
pub(crate) fn subtract_link_forces<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    s: &mut Scratch<T>,
) {
    fluid::subtract(model, parameters, s);
    gravity_compensation::subtract(model, parameters, s);
    external::subtract(model, parameters, s);
}

/// Sums over subtrees that the derivative of inverse dynamics keeps; see `derivative/inverse_dynamics.rs`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinkSums {
    /// The link's force.
    pub(crate) f: Force<f64>,
    /// `I w`, which the accelerations contract with.
    pub(crate) h: Force<f64>,
    /// What the velocity contracts with.
    pub(crate) g: Force<f64>,
    /// What gravity's share in forces other than inertia contracts with.
    pub(crate) c: Force<f64>,
    /// What a turn of the world contracts with, by forces from outside, which do not turn with their link.
    pub(crate) turning: Vec3<f64>,
}

impl LinkSums {
    pub(crate) fn zero() -> Self {
        let (none, turning) = (Force::zero(), Vec3::zero());
        Self { f: none, h: none, g: none, c: none, turning }
    }

    pub(crate) fn add(&mut self, b: &Self) {
        self.f += b.f;
        self.h += b.h;
        self.g += b.g;
        self.c += b.c;
        self.turning += b.turning;
    }
}

/// The part of [`subtract_link_forces`] in `sum_i w_i . f_i`: adds to the sums of each link and to the parameters' cotangent.
pub(crate) fn pull_link_forces(
    model: &Model,
    parameters: &Parameters<f64>,
    s: &Scratch,
    virtual_velocity: &[Motion<f64>],
    sums: &mut [LinkSums],
    mut parameters_bar: Option<&mut Parameters<f64>>,
) {
    fluid::pull(model, parameters, s, virtual_velocity, sums, parameters_bar.as_deref_mut());
    let bar = parameters_bar.as_deref_mut();
    gravity_compensation::pull(model, parameters, s, virtual_velocity, sums, bar);
    external::pull(model, parameters, s, virtual_velocity, sums, parameters_bar);
}
