//! Activation: what drives the actuators, and how it follows their controls.
//!
//! An actuator's force multiplies its *drive*: the control within its range or, where the actuator has an activation `a`, that. With the
//! time constant `T`:
//!
//! ```text
//! integrator        a' = u
//! filter            a' = (u - a)/T
//! ```
//!
//! A step of length `h` takes `a` to `a + h a'`, an exact filter's to `a + T (1 - exp(-h/T)) a'`, and then into its range. An actuator that acts
//! early is driven by what `a` will be after such a step. A Runge-Kutta step has `a'` at each of its stages, whose activations no range bounds, and goes on
//! with their weighted mean (MuJoCo's). Neither the configuration nor the velocity counts, so all drives of a step are known before it. Where the length of
//! a step is the method's own choice nothing acts early: that would be another motion for every length.

use cotangent_ad::{Dual, Real};

use crate::force::clamp;
use crate::integrate::{StepOptions, Tableau};
use crate::model::{Activation, ActivationLaw, Actuator, Model, Parameters};
use crate::scratch::Scratch;

/// The way of one actuator through a step.
#[derive(Clone, Copy, Debug)]
struct Course<T> {
    /// What drives it at each stage, and after the last one.
    drives: [T; 4],
    /// Its activation after the step.
    next: T,
}

impl Activation {
    fn rate<T: Real>(&self, (time_constant, a, u): (T, T, T)) -> T {
        match self.law {
            ActivationLaw::Integrator => u,
            ActivationLaw::Filter | ActivationLaw::ExactFilter => (u - a) / time_constant,
        }
    }

    fn advance<T: Real>(&self, (time_constant, h): (T, T), a: T, rate: T) -> T {
        let after = match self.law {
            ActivationLaw::Integrator | ActivationLaw::Filter => a + rate * h,
            ActivationLaw::ExactFilter => {
                a - rate * time_constant * (-time_constant.recip() * h).exp_m1()
            }
        };
        clamp(self.range, after)
    }

    fn course<T: Real>(&self, (tableau, h): (&Tableau, T), (t, a, u): (T, T, T)) -> Course<T> {
        let (mut at, mut rate, mut mean) = (a, T::lit(0.0), T::lit(0.0));
        let mut drives = [a; 4];
        for (i, (node, weight)) in tableau.nodes.iter().zip(tableau.weights).enumerate() {
            if i > 0 {
                at = a + rate * (h * *node);
            }
            rate = self.rate((t, at, u));
            mean += rate * *weight;
            let ahead = self.early && !tableau.adaptive;
            drives[i] = if ahead { self.advance((t, h), at, rate) } else { at };
        }
        let next = self.advance((t, h), a, mean);
        if tableau.adaptive {
            drives[tableau.nodes.len()] = next;
        }
        Course { drives, next }
    }
}

/// Drives of all stages of a step from the activations `act` (`na`) under the controls `u` (`nu`), into the stages of `s`, and the
/// activations after it into `s.activation`.
pub(crate) fn follow<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    options: &StepOptions,
    point: (&[T], &[T]),
    s: &mut Scratch<T>,
) {
    let part = (options.integrator.tableau(), T::lit(options.dt));
    follow_part(model, parameters, part, point, s);
}

/// [`follow`] through a step of a method and of a length that may carry derivatives.
pub(crate) fn follow_part<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    part: (&Tableau, T),
    (act, u): (&[T], &[T]),
    s: &mut Scratch<T>,
) {
    for (k, actuator) in model.actuators.iter().enumerate() {
        let control = clamp(actuator.range, u[k]);
        let Some(activation) = &actuator.activation else {
            s.stages.iter_mut().for_each(|stage| stage.drive[k] = control);
            continue;
        };
        let numbers = (parameters.time_constant[k], act[activation.at], control);
        let course = activation.course(part, numbers);
        s.stages.iter_mut().zip(course.drives).for_each(|(stage, drive)| stage.drive[k] = drive);
        s.activation[activation.at] = course.next;
    }
}

/// The derivatives of one actuator's way through a step, in lanes: by its activation, its control, its time constant and the step's length.
fn slopes(
    (actuator, activation): (&Actuator, &Activation),
    (tableau, h): (&Tableau, f64),
    (time_constant, a, u): (f64, f64, f64),
) -> Course<Dual<f64, 4>> {
    let lanes = [(a, 0), (u, 1), (time_constant, 2), (h, 3)];
    let [a, u, t, h] = lanes.map(|(x, lane)| Dual::seed(x, lane));
    activation.course((tableau, h), (t, a, clamp(actuator.range, u)))
}

/// Whether a control is within its range, where its derivative is 1.
fn passes(actuator: &Actuator, u: f64) -> bool {
    clamp(actuator.range, u).to_bits() == u.to_bits()
}

/// The adjoint of [`follow`]: `act_bar` holds the cotangents of the activations after the step and becomes that of those before it; those of
/// the controls and time constants are added. Returned is that of the step's length.
pub(crate) fn pull(
    (model, parameters): (&Model, &Parameters<f64>),
    part: (&Tableau, f64),
    (act, u): (&[f64], &[f64]),
    drive_bars: &[Vec<f64>],
    (act_bar, u_bar): (&mut [f64], &mut [f64]),
    mut parameters_bar: Option<&mut Parameters<f64>>,
) -> f64 {
    let mut length_bar = 0.0;
    for (k, actuator) in model.actuators.iter().enumerate() {
        let Some(activation) = &actuator.activation else {
            if passes(actuator, u[k]) {
                u_bar[k] += drive_bars.iter().map(|bar| bar[k]).sum::<f64>();
            }
            continue;
        };
        let numbers = (parameters.time_constant[k], act[activation.at], u[k]);
        let course = slopes((actuator, activation), part, numbers);
        let after = act_bar[activation.at];
        let by = |lane: usize| {
            let drives = course.drives.iter().zip(drive_bars);
            drives.map(|(drive, bar)| drive.eps[lane] * bar[k]).sum::<f64>()
                + course.next.eps[lane] * after
        };
        act_bar[activation.at] = by(0);
        u_bar[k] += by(1);
        length_bar += by(3);
        if let Some(bar) = parameters_bar.as_deref_mut() {
            bar.time_constant[k] += by(2);
        }
    }
    length_bar
}

/// The derivatives of an actuator's drive at the start of a step and of its activation after it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DriveSlopes {
    /// Of the drive, by the control.
    pub(crate) drive_by_control: f64,
    /// Where it has an activation, at this place: of the drive by it, and of the next one by it and by the control.
    pub(crate) by_activation: Option<(usize, f64, [f64; 2])>,
}

/// [`DriveSlopes`] of actuator `k` in a step of Euler's kinds.
pub(crate) fn drive_slopes(
    (model, parameters): (&Model, &Parameters<f64>),
    options: &StepOptions,
    (act, u): (&[f64], &[f64]),
    k: usize,
) -> DriveSlopes {
    let actuator = &model.actuators[k];
    let Some(activation) = &actuator.activation else {
        let drive_by_control = if passes(actuator, u[k]) { 1.0 } else { 0.0 };
        return DriveSlopes { drive_by_control, by_activation: None };
    };
    let numbers = (parameters.time_constant[k], act[activation.at], u[k]);
    let Course { drives: [drive, ..], next } =
        slopes((actuator, activation), (options.integrator.tableau(), options.dt), numbers);
    let by_activation = Some((activation.at, drive.eps[0], [next.eps[0], next.eps[1]]));
    DriveSlopes { drive_by_control: drive.eps[1], by_activation }
}
