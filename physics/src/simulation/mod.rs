//! Motions of a model as a simulation: a map from starts, controls and the model's numbers to what moves.
//!
//! One model, one or several motions of it that share its numbers (recordings from different starts, say). Every input and
//! output has a name: `joint.lift.position`, `body.forearm.mass`; those of a motion among several begin with `motion.LABEL.`.
//!
//! | input | unit | what |
//! |---|---|---|
//! | `gravity` | m/s^2 | acceleration of gravity, three components |
//! | `body.B.mass` | kg | mass of everything fixed to B; the shape stays, so rotational inertia grows with it |
//! | `body.B.center` | m | its centre of mass in the link's frame |
//! | `body.B.gyration` | m^2 | rotational inertia about that centre per mass: `xx, yy, zz, xy, xz, yz` |
//! | `body.B.gravcomp`, `joint.J.damping_poly`, `.stiffness_poly`, `fluid.density`, `.viscosity` | | where the model has such |
//! | `joint.J.damping`, `.armature` | by joint | the same number for each of its coordinates |
//! | `joint.J.stiffness`, `.rest` | by joint | spring of a hinge or slide |
//! | `actuator.A.gear`, `.gain`, `.bias` | | force on the coordinate per control; constant, by length, by velocity |
//! | `tendon.T.stiffness`, `.damping` | N/m, N s/m | of its spring and its damper |
//! | `actuator.A.time_constant` | s | in which a filter follows its control |
//! | `joint.J.range`, `.margin`, `.frictionloss`, `tendon.T....` | by joint | where stops are and begin to act; dry friction |
//! | `equality.E.polycoef` | | the polynomial of a coupling |
//! | `equality.E.torquescale` | m | weight of a turn against a shift in a weld |
//! | `geom.G.size`, `.friction`, `.margin` | m, -, m | its surface, where it may touch another (its size too where a rangefinder may meet it); of a listed pair, `pair[k].friction`, ... |
//! | `....solref`, `....solimp` | | how soft each of them is; of joints `solreflimit`, `solreffriction`, ... |
//! | `start.joint.J.position`, `.rotation`, `.velocity` | by joint | where the motion starts |
//! | `start.actuator.A.activation` | | where an activation starts |
//! | `body.B.force`, `.torque` | N, N m | from outside, during each step x 3, in world axes, at the centre of mass of the file |
//! | `actuator.A.control` | | one number for each step; of a motion without a policy |
//! | `policy.layer[k].weight`, `.bias` | | of the network that makes the controls, the same in every motion |
//!
//! | output | shape | what |
//! |---|---|---|
//! | `joint.J.position`, `.velocity` | times (x components) | coordinates; `.orientation` of a ball or free joint is a matrix |
//! | `actuator.A.activation` | times | what drives it in the place of its control |
//! | `tendon.T.length`, `.velocity` | times | m, m/s; of a fixed tendon in the units of its coordinates |
//! | `site.S.position`, `body.B.position` | times x 3 | in the world |
//! | `site.S.orientation`, `body.B.orientation` | times x 3 x 3 | rotation matrix, row-major |
//! | `actuator.A.force` | steps | on its coordinate |
//! | `actuator.A.control` | steps | what a policy decided |
//! | `geom.G.normal_force`, `joint.J.constraint_force` | steps (x coordinates) | of contacts; of everything that constrains |
//! | `energy.kinetic`, `.potential`, `.total` | times | J; gravity and springs |
//!
//! Values and tangents come from the generic step over `f64` and duals; the pullback is the hand-written adjoint of
//! [`derivative`](crate::derivative), replayed from stored states.

mod constraint;
mod course;
mod during;
mod energy;
mod input;
mod map;
mod observed;
mod output;
mod policy;
mod sensor;
mod setting;
mod trajectory;

use std::sync::Arc;

use cotangent_problem::{Axis, Map, MapError, Quantity, Simulation, check_picks, fix_quantity};

use self::input::InputKind;
use self::map::MotionMap;
use self::output::OutputKind;
use self::policy::{Controller, STARTS};
use self::setting::Setting;

pub use self::policy::{Observation, Policy, PolicyError};
use crate::forward::holding_controls;
use crate::integrate::StepOptions;
use crate::model::Model;
use crate::state::State;

/// Name of the controls that hold a start still.
const HOLDING: &str = "holding";

/// One motion of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct MotionPart {
    /// Its name; may be empty where it is the only one.
    pub label: String,
    /// Where it starts.
    pub start: State,
    /// Number of steps.
    pub steps: usize,
}

/// Motions of one model.
#[derive(Clone, Debug)]
pub struct MotionSimulation {
    model: Model,
    options: StepOptions,
    parts: Vec<MotionPart>,
    /// What makes the controls, where they are no inputs.
    controller: Option<Controller>,
    inputs: Vec<Quantity>,
    input_kinds: Vec<InputKind>,
    outputs: Vec<Quantity>,
    output_kinds: Vec<OutputKind>,
}

impl MotionSimulation {
    /// The motions `parts` of `model`, all controls at 0 (or the nearest to it in their range).
    ///
    /// # Panics
    /// Where a start has another size than the model, or two of several motions have the same label.
    pub fn new(model: Model, options: StepOptions, parts: Vec<MotionPart>) -> Self {
        for (k, part) in parts.iter().enumerate() {
            let sizes = (part.start.q.len(), part.start.v.len(), part.start.act.len());
            assert_eq!(sizes, (model.nq(), model.nv(), model.na()), "a start of the model");
            let twice = parts[..k].iter().any(|p| p.label == part.label);
            assert!(!twice, "each motion has a label of its own");
        }
        let axes = axes(&options, &parts);
        let (input_kinds, inputs) = input::table(&model, &parts, &axes).into_iter().unzip();
        let (output_kinds, outputs) = output::table(&model, &parts, &axes).into_iter().unzip();
        let controller = None;
        Self { model, options, parts, controller, inputs, input_kinds, outputs, output_kinds }
    }

    /// The motions `parts` of `model` under one policy: its weights are inputs in the place of the controls, and these are outputs.
    ///
    /// # Errors
    /// [`PolicyError`].
    ///
    /// # Panics
    /// As [`MotionSimulation::new`].
    pub fn with_policy(
        model: Model,
        options: StepOptions,
        parts: Vec<MotionPart>,
        policy: &Policy,
    ) -> Result<Self, PolicyError> {
        let controller = Controller::new(&model, policy, &observable(&model, &options))?;
        let mut whole = Self::new(model, options, parts);
        let axes = axes(&options, &whole.parts);
        let is_control = |kind: &InputKind| matches!(kind, InputKind::Control { .. });
        let rows = whole.input_kinds.into_iter().zip(whole.inputs);
        let rows = rows.filter(|(kind, _)| !is_control(kind)).chain(controller.inputs());
        (whole.input_kinds, whole.inputs) = rows.unzip();
        let decided = output::decided(&whole.model, &whole.parts, &axes);
        let rows = whole.output_kinds.into_iter().zip(whole.outputs).chain(decided);
        (whole.output_kinds, whole.outputs) = rows.unzip();
        Ok(Self { controller: Some(controller), ..whole })
    }

    /// What a policy may observe of a state of `model`, as outputs of one motion are named.
    pub fn observable(model: &Model, options: &StepOptions) -> Vec<Quantity> {
        observable(model, options).into_iter().map(|(_, quantity)| quantity).collect()
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Length and method of a step.
    pub fn options(&self) -> &StepOptions {
        &self.options
    }

    /// The motions.
    pub fn parts(&self) -> &[MotionPart] {
        &self.parts
    }

    /// Model, starts and controls with every input at its present value.
    fn setting(&self) -> Setting<f64> {
        let weights = self.controller.as_ref().map_or(0, Controller::weights);
        let mut setting = Setting::of(&self.model, &self.parts, weights);
        // where nothing pushes there is nothing to keep
        let pushed = !self.model.parameters().external.is_empty();
        let idle = |kind: &InputKind, q: &Quantity| {
            let external = matches!(kind, InputKind::External { .. });
            external && !pushed && q.value.iter().all(|x| *x == 0.0)
        };
        let rows = self.input_kinds.iter().zip(&self.inputs);
        for (kind, quantity) in rows.filter(|(kind, q)| !idle(kind, q)) {
            setting.set(&self.model, *kind, &quantity.value);
        }
        setting.weigh(&self.model, self.input_kinds.iter().copied());
        setting
    }
}

/// Times of the states and of the steps of each motion.
fn axes(options: &StepOptions, parts: &[MotionPart]) -> Vec<[Arc<Axis>; 2]> {
    let times = |part: &MotionPart| {
        let dt = options.dt;
        let points = Arc::new(Axis::points("time", "s", part.steps, dt));
        let steps = Arc::new(Axis::intervals("time", "s", part.steps, dt));
        [points, steps]
    };
    parts.iter().map(times).collect()
}

/// The outputs of a state of one motion without a label.
fn observable(model: &Model, options: &StepOptions) -> Vec<(OutputKind, Quantity)> {
    let part = MotionPart { label: String::new(), start: State::at_reference(model), steps: 1 };
    let parts = [part];
    let mut rows = output::table(model, &parts, &axes(options, &parts));
    rows.retain(|(kind, _)| !kind.what.is_of_step());
    rows
}

/// `motion.LABEL.` before the names of a labelled motion's own quantities.
fn prefix(part: &MotionPart) -> String {
    if part.label.is_empty() {
        return String::new();
    }
    format!("motion.{}.", cotangent_problem::name::segment(&part.label))
}

impl Simulation for MotionSimulation {
    fn inputs(&self) -> &[Quantity] {
        &self.inputs
    }

    fn outputs(&self) -> &[Quantity] {
        &self.outputs
    }

    fn fix(&mut self, input: usize, value: &[f64]) -> Result<(), MapError> {
        fix_quantity(&mut self.inputs, input, value)
    }

    /// `holding` of a control: constant, and holds the start still against gravity and springs as far as its range allows. Of weights of
    /// a policy the distributions of [`cotangent_ad::nn::Init`], biases at 0.
    fn initial(&self, input: usize, name: &str) -> Option<Vec<f64>> {
        match self.input_kinds.get(input)? {
            InputKind::Control { part, actuator } if name == HOLDING => {
                let setting = self.setting();
                let controls =
                    holding_controls(&self.model, &setting.parameters, &setting.starts[*part]);
                Some(vec![controls[*actuator]; self.parts[*part].steps])
            }
            InputKind::Policy { first } => {
                let weights = self.controller.as_ref()?.start(name)?;
                Some(weights[*first..][..self.inputs[input].len()].to_vec())
            }
            _ => None,
        }
    }

    fn initial_names(&self, input: usize) -> &[&str] {
        match self.input_kinds.get(input) {
            Some(InputKind::Control { .. }) => &[HOLDING],
            Some(InputKind::Policy { .. }) => STARTS,
            _ => &[],
        }
    }

    fn map(
        self: Arc<Self>,
        inputs: &[usize],
        outputs: &[usize],
        differentiated: bool,
    ) -> Result<Box<dyn Map>, MapError> {
        check_picks(self.as_ref(), inputs, outputs, differentiated)?;
        Ok(Box::new(MotionMap::new(self, inputs, outputs)))
    }
}
