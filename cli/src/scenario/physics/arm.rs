//! `arm`: torques over time with which an arm's tip passes given points at given times, with little effort.

use cotangent_ad::Vec3;
use cotangent_ad::random::Stream;
use cotangent_optim::{LbfgsbOptions, Method, Problem, Run, StepResult, Stop};
use cotangent_physics::io::mjcf::{Folder, Mjcf, MjcfError, read_mjcf_with};
use cotangent_physics::task::{Reach, Waypoint};
use cotangent_problem::{Capabilities, Objective, SampleKey};
use cotangent_problem::{Parameter, Space};

use super::super::document::Settings;
use super::super::keys::{Key, Kind};
use super::super::{Domain, Prepared, Scenario};
use super::{key, number, numbers, required};
use crate::diagnostic::{Diagnostic, Source};
use crate::run::{Conclusion, Finished, Judge};

/// The domain.
pub(crate) struct Arm;

const INF: f64 = f64::INFINITY;

const KEYS: &[Key] = &[
    required("model.file", Kind::File, "MJCF file with the arm; its timestep is the step"),
    key("model.tip", Kind::Text, "\"tip\"", "site that is to pass the points"),
    key("motion.start", numbers("rad"), "[]", "joint coordinates at the start; empty: the file's"),
    key("motion.steps", Kind::Integer { min: 1, max: 1_000_000 }, "300", "steps of the motion"),
    key("motion.hold", Kind::Integer { min: 1, max: 100_000 }, "6", "steps a control is held for"),
    key(
        "motion.perturbation",
        number("", 0.0, 1.0),
        "0.05",
        "the seed moves each starting control this far, as a share of its range",
    ),
    required("targets.times", numbers("s"), "when the tip must be at each point"),
    required("targets.x", numbers("m"), "x of the points"),
    required("targets.y", numbers("m"), "y of the points"),
    required("targets.z", numbers("m"), "z of the points"),
    key(
        "objective.effort",
        number("", 0.0, INF),
        "10.0",
        "weight of the effort, in units of what holding the start still would take",
    ),
    key("goal.miss", number("m", 1e-9, INF), "0.005", "the tip must pass each point this close"),
    key(
        "goal.effort_reduction",
        number("", 0.0, 1.0),
        "0.3",
        "the effort must be less than the first feasible solution's by this share",
    ),
];

const TEMPLATE: &[u8] = include_bytes!("../../../../scenarios/arm.toml");
const TEMPLATE_MODEL: &[u8] = include_bytes!("../../../../scenarios/arm.xml");

impl Domain for Arm {
    fn kind(&self) -> &'static str {
        "arm"
    }
    fn summary(&self) -> &'static str {
        "drive an arm's tip through points at given times with little effort, from an MJCF file"
    }
    fn keys(&self) -> &'static [Key] {
        KEYS
    }
    fn template(&self) -> &'static [(&'static str, &'static [u8])] {
        &[("scenario.toml", TEMPLATE), ("arm.xml", TEMPLATE_MODEL)]
    }

    fn load(&self, s: &Settings) -> Result<Box<dyn Scenario>, Vec<Diagnostic>> {
        let read = read(s)?;
        let start = start(s, &read)?;
        let waypoints = waypoints(s, read.options.dt)?;
        let size = (s.count("motion.steps"), s.count("motion.hold"));
        let (tip, miss) = (s.text("model.tip"), s.number("goal.miss"));
        let notes = read.unsimulated.iter().map(|u| {
            format!("; line {} of the model: `{}` is not simulated", u.line, u.what.name())
        });
        let notes = notes.collect();
        let reach = Reach::new(read.model, read.options, start, size, tip, waypoints, miss);
        let reach = reach.map_err(|e| {
            use cotangent_physics::task::ReachError as E;
            let (path, help) = match e {
                E::NoSite(_) => ("model.tip", "name a `site` of the model"),
                E::Late { .. } => ("targets.times", "make more steps, or ask for it earlier"),
                _ => ("model.file", "give the model motors"),
            };
            vec![s.problem("cotangent::scenario::contradiction", path, e.to_string(), help)]
        })?;
        let holding = reach.motion(&reach.holding()).effort;
        let weight = s.number("objective.effort") / holding.max(f64::MIN_POSITIVE);
        Ok(Box::new(Study {
            reaching: reach.clone(),
            reach: reach.with_effort_weight(weight),
            miss,
            reduction: s.number("goal.effort_reduction"),
            perturbation: s.number("motion.perturbation"),
            notes,
        }))
    }
}

/// The model, or what is wrong with its file.
fn read(s: &Settings) -> Result<Mjcf, Vec<Diagnostic>> {
    let path = s.text("model.file");
    let text = std::fs::read_to_string(path).map_err(|e| {
        let message = format!("cannot read {path}: {e}");
        let help = "an MJCF file is text in UTF-8";
        vec![s.problem("cotangent::scenario::unreadable", "model.file", message, help)]
    })?;
    let folder = std::path::Path::new(path).parent().map(std::path::Path::to_path_buf);
    read_mjcf_with(&text, &mut Folder(folder.unwrap_or_default())).map_err(|errors| {
        let source = Source { name: path.into(), text: text.as_str().into() };
        let (code, help) = ("cotangent::model::mjcf", "docs/physics.md lists what is read of MJCF");
        let diagnostic = |e: MjcfError| match &e.file {
            None => Diagnostic::at(code, e.problem.to_string(), &source, e.span, "here", help),
            // the text of an included file is not at hand
            Some(_) => s.problem(code, "model.file", e.to_string(), help),
        };
        errors.0.into_iter().map(diagnostic).collect()
    })
}

fn start(s: &Settings, read: &Mjcf) -> Result<Vec<f64>, Vec<Diagnostic>> {
    let (given, nq) = (s.numbers("motion.start"), read.model.nq());
    if given.is_empty() {
        return Ok(read.model.reference_configuration().to_vec());
    }
    if given.len() != nq {
        let message = format!("`motion.start` has {} numbers, the model has {nq}", given.len());
        let help = "one number a joint, in the order of the file";
        let code = "cotangent::scenario::length";
        return Err(vec![s.problem(code, "motion.start", message, help)]);
    }
    Ok(given.to_vec())
}

fn waypoints(s: &Settings, dt: f64) -> Result<Vec<Waypoint>, Vec<Diagnostic>> {
    let times = s.numbers("targets.times");
    let mut problems = Vec::new();
    for path in ["targets.x", "targets.y", "targets.z"] {
        let found = s.numbers(path).len();
        if found != times.len() {
            let message = format!("`{path}` has {found} numbers, `targets.times` {}", times.len());
            let help = "one of each for every point";
            problems.push(s.problem("cotangent::scenario::length", path, message, help));
        }
    }
    let mut steps = Vec::new();
    for time in times {
        let step = (time / dt).round();
        if *time <= 0.0 || (step * dt - time).abs() > 1e-9 {
            let message = format!("{time} s is not a positive whole number of steps of {dt} s");
            let help = format!("the nearest is {:.6} s", step.max(1.0) * dt);
            let code = "cotangent::scenario::off_grid";
            problems.push(s.problem(code, "targets.times", message, help));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        steps.push(step.max(0.0) as usize);
    }
    if times.is_empty() {
        let (code, help) = ("cotangent::scenario::contradiction", "name at least one point");
        problems.push(s.problem(code, "targets.times", "there is no point to reach", help));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let at = |k: usize| ["targets.x", "targets.y", "targets.z"].map(|path| s.numbers(path)[k]);
    let one = |(k, step): (usize, usize)| Waypoint { step, position: Vec3(at(k)) };
    Ok(steps.into_iter().enumerate().map(one).collect())
}

pub(super) struct Study {
    /// The task with its effort, which is optimised.
    pub(super) reach: Reach,
    /// The task of reaching at any price: its first feasible solution is what the effort is compared with.
    reaching: Reach,
    pub(super) miss: f64,
    pub(super) reduction: f64,
    perturbation: f64,
    /// What the model asks for and the simulation does not do.
    notes: String,
}

impl Scenario for Study {
    fn space(&self) -> Space {
        let parameter = |motor: &cotangent_physics::model::Actuator| {
            let [lower, upper] = motor.range.unwrap_or([f64::NEG_INFINITY, INF]);
            let scale = if upper.is_finite() { 0.5 * (upper - lower) } else { 1.0 };
            Parameter::vector(format!("control.{}", motor.name), self.reach.intervals())
                .within(lower, upper)
                .scaled(scale)
        };
        Space::new(self.reach.model().actuators().iter().map(parameter).collect())
            .unwrap_or_else(|e| unreachable!("motors have names and ranges of their own: {e}"))
    }

    /// The controls that hold the arm still, each moved within the perturbation.
    fn start(&self, seed: u64) -> Vec<f64> {
        let noise = Stream::new(&[seed, 0x61_726d]);
        let motors = self.reach.model().actuators();
        let moved = |(k, u): (usize, f64)| {
            let [lower, upper] = motors[k / self.reach.intervals()].range.unwrap_or([-INF, INF]);
            let width = if upper.is_finite() { upper - lower } else { 2.0 };
            let by = self.perturbation * width * (noise.uniform(k as u64) - 0.5);
            (u + by).clamp(lower, upper)
        };
        self.reach.holding().into_iter().enumerate().map(moved).collect()
    }

    fn capabilities(&self) -> Capabilities {
        self.reach.capabilities()
    }

    fn cost(&self) -> String {
        let (model, steps) = (self.reach.model(), self.reach.steps());
        format!(
            "{} parameters; {steps} steps of {} coordinates forward and {steps} adjoint steps an evaluation, {} kB of states \
             kept; a run to the first feasible solution beforehand{}",
            self.reach.dim(),
            model.nv(),
            steps * (model.nq() + model.nv()) * 8 / 1000,
            self.notes
        )
    }

    fn prepare(&self) -> Result<Box<dyn Prepared + '_>, String> {
        Ok(Box::new(Ready { study: self, first: self.first_feasible()? }))
    }
}

/// The first feasible iterate of the run that only reaches.
pub(super) struct First {
    pub(super) x: Vec<f64>,
    pub(super) iteration: usize,
    pub(super) evaluations: u64,
}

impl Study {
    /// Minimises the miss alone, from controls that hold the arm still, up to the first iterate that is feasible: the seed's
    /// moves of the start would be effort too, and would make the reference an easy one.
    fn first_feasible(&self) -> Result<Option<First>, String> {
        let space = self.space();
        let problem = Problem { objective: &self.reaching, space: &space };
        let method = Method::Lbfgsb(LbfgsbOptions::default());
        let stop = Stop { max_iterations: 1000, ..Stop::default() };
        let start = self.reach.holding();
        let mut run =
            Run::start(&problem, method, stop, &start, SampleKey(0)).map_err(|e| e.to_string())?;
        while let StepResult::Continue(it) = run.step(&problem) {
            if self.reaching.motion(&it.x).is_feasible(self.miss) {
                let evaluations = run.counts().evaluations;
                return Ok(Some(First { x: it.x, iteration: it.index, evaluations }));
            }
        }
        Ok(None)
    }
}

/// A study with its reference.
pub(super) struct Ready<'a> {
    pub(super) study: &'a Study,
    pub(super) first: Option<First>,
}

impl Prepared for Ready<'_> {
    fn objective(&self) -> &dyn Objective {
        &self.study.reach
    }
}

impl Judge for Ready<'_> {
    fn conclude(&self, run: &Finished) -> Result<Conclusion, String> {
        Ok(self.judge(run))
    }
}
