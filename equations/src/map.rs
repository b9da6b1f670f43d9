//! The map from picked inputs to picked outputs, and its derivatives.

use std::sync::Arc;

use cotangent_ad::ode::{Method, OdeError, Solution, solve};
use cotangent_ad::rule::DerivativeFailure;
use cotangent_ad::{Dual, Num, Real, Session, Var, try_value_and_grad};
use cotangent_problem::{
    Cost, Keep, Linearised, Map, MapError, Quantity, SampleKey, Simulation, Switch, TrialFailure,
    Values, Workspace, check_picks, fix_quantity,
};

use crate::code::Code;
use crate::dynamics::Evolution;
use crate::simulation::{EquationsSimulation, What};

/// Free inputs up to which the whole Jacobian is carried along forwards: for so many it costs less than one adjoint.
const FORWARD_MOST: usize = 32;

/// Tangents that are carried along at once.
const LANES: usize = 8;

/// Why there are no outputs.
#[derive(Debug)]
enum RunError {
    /// The integration has no end.
    Ode(OdeError),
    /// A derivative that does not exist.
    Derivative(DerivativeFailure),
    /// What was asked has no value.
    Outside(String),
}

impl From<OdeError> for RunError {
    fn from(error: OdeError) -> Self {
        Self::Ode(error)
    }
}

impl From<DerivativeFailure> for RunError {
    fn from(error: DerivativeFailure) -> Self {
        Self::Derivative(error)
    }
}

/// Outputs with their derivatives along tangents, a column a tangent.
#[derive(Debug, Default)]
struct Along {
    values: Vec<f64>,
    columns: Vec<Vec<f64>>,
    switches: Vec<Switch>,
}

/// What is picked of an experiment.
#[derive(Debug)]
struct Course {
    experiment: usize,
    /// What is picked, with the first entry among the outputs.
    picks: Vec<(What, usize)>,
    /// The definitions among that.
    definitions: Vec<usize>,
    code: Code,
}

/// The map from picked inputs to picked outputs of an [`EquationsSimulation`].
#[derive(Debug)]
pub(crate) struct EquationsMap {
    simulation: Arc<EquationsSimulation>,
    free: Vec<usize>,
    base: Vec<f64>,
    len: usize,
    courses: Vec<Course>,
}

impl EquationsMap {
    pub(crate) fn new(
        simulation: Arc<EquationsSimulation>,
        inputs: &[usize],
        outputs: &[usize],
    ) -> Self {
        let base = simulation.inputs().iter().map(|q| q.value[0]).collect();
        let mut courses: Vec<Course> = Vec::new();
        let mut len = 0;
        for &output in outputs {
            let (experiment, what) = simulation.told[output];
            let known = courses.iter().position(|c| c.experiment == experiment);
            let place = known.unwrap_or_else(|| {
                let (picks, definitions) = (Vec::new(), Vec::new());
                courses.push(Course { experiment, picks, definitions, code: Code::default() });
                courses.len() - 1
            });
            courses[place].picks.push((what, len));
            if let What::Definition(k) | What::EndDefinition(k) = what
                && !courses[place].definitions.contains(&k)
            {
                courses[place].definitions.push(k);
            }
            len += simulation.outputs()[output].len();
        }
        for course in &mut courses {
            course.code = simulation.model.code_of(&course.definitions);
        }
        Self { simulation, free: inputs.to_vec(), base, len, courses }
    }

    /// All outputs at `x`, and how often which event happened.
    fn outputs<R: Real>(&self, x: &[R]) -> Result<(Vec<R>, Vec<Switch>), RunError> {
        let mut all: Vec<R> = self.base.iter().map(|v| R::lit(*v)).collect();
        self.free.iter().zip(x).for_each(|(k, x)| all[*k] = *x);
        let mut y = vec![R::lit(0.0); self.len];
        let mut switches = Vec::new();
        for course in &self.courses {
            self.run_course(course, &all, &mut y, &mut switches)?;
        }
        Ok((y, switches))
    }

    fn run_course<R: Real>(
        &self,
        course: &Course,
        all: &[R],
        y: &mut [R],
        switches: &mut Vec<Switch>,
    ) -> Result<(), RunError> {
        let s = &self.simulation;
        let (experiment, places) =
            (&s.experiments[course.experiment], &s.places[course.experiment]);
        let system = &s.model.system;
        let pick = |places: &[usize]| places.iter().map(|k| all[*k]).collect::<Vec<R>>();
        let (p, given) = (pick(&places.parameters), pick(&places.starts));
        for trigger in &system.triggers {
            let Some(time) = &trigger.time else { continue };
            let time = time.one(R::lit(experiment.start), &[], &p).concrete();
            if time < experiment.start {
                let label = &s.model.events[trigger.event].label;
                let start = experiment.start;
                return Err(RunError::Outside(format!(
                    "event `{label}` is to happen at {time}, before the start at {start}"
                )));
            }
        }
        let start = system.start(experiment.start, &given, &p);
        let end = experiment.times.last().copied().unwrap_or(experiment.start);
        let slack = self.simulation.options.absolute;
        let evolution = Evolution { system: Arc::clone(system), slack };
        let t1 = R::lit(end);
        let solution =
            solve(&evolution, experiment.start, t1, &start, &p, &experiment.times, &s.options)?;
        self.count_events(course, &solution, switches);
        self.tell(course, &solution, &p, y)
    }

    /// How often each event happened, and each condition changed.
    fn count_events<R: Real>(
        &self,
        course: &Course,
        solution: &Solution<R>,
        switches: &mut Vec<Switch>,
    ) {
        let (prefix, model) = (self.simulation.prefix(course.experiment), &self.simulation.model);
        let triggers = &model.system.triggers;
        let event_of = |which: usize| triggers.get(which).map(|t| t.event);
        let count = |is: &dyn Fn(usize) -> bool| {
            let happened = solution.events.iter().filter(|h| is(h.which)).count();
            i64::try_from(happened).unwrap_or(i64::MAX)
        };
        for (k, event) in model.events.iter().enumerate() {
            let name = format!("{prefix}event.{}", event.label);
            switches.push(Switch { name, state: count(&|which| event_of(which) == Some(k)) });
        }
        for mode in 0..model.system.gaps.len() {
            let name = format!("{prefix}condition {}", mode + 1);
            let state = count(&|which| which == triggers.len() + mode);
            switches.push(Switch { name, state });
        }
    }

    /// Writes what is picked of a solution.
    fn tell<R: Real>(
        &self,
        course: &Course,
        solution: &Solution<R>,
        p: &[R],
        y: &mut [R],
    ) -> Result<(), RunError> {
        let experiment = &self.simulation.experiments[course.experiment];
        let held = (solution.time, &solution.state);
        let time = |k: usize| R::lit(experiment.times[k]);
        // after an event that ends the integration all is as it was then
        let moments: Vec<(R, &Vec<R>)> = (0..experiment.times.len())
            .map(|k| solution.saved.get(k).map_or(held, |state| (time(k), state)))
            .chain([held])
            .collect();
        let mut defined = Vec::with_capacity(moments.len() * course.definitions.len());
        if !course.definitions.is_empty() {
            for (t, state) in &moments {
                course.code.run(*t, state, p, &mut defined);
            }
        }
        let (count, last) = (course.definitions.len(), moments.len() - 1);
        let definition = |k: usize, moment: usize| {
            let place = course.definitions.iter().position(|d| *d == k).unwrap_or(0);
            defined[moment * count + place]
        };
        for (what, first) in &course.picks {
            match *what {
                What::State(i) => (0..last).for_each(|k| y[first + k] = moments[k].1[i]),
                What::Definition(d) => (0..last).for_each(|k| y[first + k] = definition(d, k)),
                What::EndTime => y[*first] = solution.time,
                What::EndState(i) => y[*first] = solution.state[i],
                What::EndDefinition(d) => y[*first] = definition(d, last),
                What::EventTime(e) => y[*first] = self.first_time(e, solution)?,
            }
        }
        Ok(())
    }

    /// When an event first happened.
    fn first_time<R: Real>(&self, event: usize, solution: &Solution<R>) -> Result<R, RunError> {
        let model = &self.simulation.model;
        let is = |which: usize| model.system.triggers.get(which).is_some_and(|t| t.event == event);
        let happened = solution.events.iter().find(|h| is(h.which));
        happened.map(|h| h.time).ok_or_else(|| {
            let label = &model.events[event].label;
            let end = solution.time.concrete();
            let why = format!(
                "event `{label}` does not happen until the end at {end}, so it has no time"
            );
            RunError::Outside(why)
        })
    }

    /// Outputs and their derivatives along tangents.
    fn along(&self, x: &[f64], tangents: &[&[f64]]) -> Result<Along, RunError> {
        let mut along = Along::default();
        for tangents in tangents.chunks(LANES) {
            let seeded = |(k, x): (usize, &f64)| {
                let eps = std::array::from_fn(|lane| tangents.get(lane).map_or(0.0, |t| t[k]));
                Dual::<f64, LANES> { re: *x, eps }
            };
            let x: Vec<_> = x.iter().enumerate().map(seeded).collect();
            let (y, switches) = self.outputs(&x)?;
            along.values = y.iter().map(|y| y.re).collect();
            let column = |lane: usize| y.iter().map(|y| y.eps[lane]).collect();
            along.columns.extend((0..tangents.len()).map(column));
            along.switches = switches;
        }
        Ok(along)
    }

    /// [`Self::along`] with derivatives that are numbers.
    fn tangents(&self, x: &[f64], tangents: &[&[f64]]) -> Result<Along, TrialFailure> {
        let found = self.along(x, tangents).map_err(|e| self.failure(e))?;
        self.finite(found.columns.iter().flatten(), "a derivative of the outputs")?;
        Ok(found)
    }

    /// What an error is called where the map is used.
    fn failure(&self, error: RunError) -> TrialFailure {
        let (model, stiff) =
            (&self.simulation.model, self.simulation.options.method != Method::Tsit5);
        let named = |which: usize| match model.system.triggers.get(which) {
            Some(trigger) => format!("event `{}`", model.events[trigger.event].label),
            None => format!("condition {} of the rates", which - model.system.triggers.len() + 1),
        };
        let outside = |why: String| TrialFailure::OutOfDomain { why };
        let method = if stiff { "looser tolerances" } else { "solver.method = \"stiff\"" };
        match error {
            RunError::Outside(why) => outside(why),
            RunError::Derivative(failure) => outside(failure.to_string()),
            RunError::Ode(OdeError::StepUnderflow { time, step }) => outside(format!(
                "at t = {time} the tolerance demands steps below {step:.1e}: a singularity, a rate that is no number, or \
                 stiff equations; try {method}, or start elsewhere"
            )),
            RunError::Ode(OdeError::TooManySteps { steps, time }) => outside(format!(
                "{steps} steps have been made at t = {time}; try {method}, or raise solver.max_steps"
            )),
            RunError::Ode(OdeError::TooManyEvents { events, which, time }) => outside(format!(
                "{events} events have happened at t = {time}, the last of them {}: they may have no end (Zeno); end the \
                 integration by an event before, or raise solver.max_events",
                named(which)
            )),
            RunError::Ode(OdeError::Sliding { which, time }) => outside(format!(
                "at t = {time} the rates on both sides of {} lead back to it, so no solution passes (dry friction at rest, a \
                 switch that chatters); replace the jump by a steep slope, as tanh(v / small), or end by an event",
                named(which)
            )),
            RunError::Ode(OdeError::NotDifferentiable { first, second, time }) => {
                let (parameter, other) = (named(first), named(second));
                let why = format!("{other} happens with it at t = {time}, and their order matters");
                TrialFailure::NotDifferentiable { parameter, why }
            }
            RunError::Ode(OdeError::Tangent { which, time }) => {
                let why = format!("at t = {time} it is touched and not crossed");
                TrialFailure::NotDifferentiable { parameter: named(which), why }
            }
            RunError::Ode(OdeError::NonFinite { what, time }) => {
                TrialFailure::NonFinite { what: format!("{what} (t = {time})") }
            }
            RunError::Ode(OdeError::Stage { time, source }) => outside(format!(
                "at t = {time} an implicit step has no solution, for the slopes of a rate are no number or singular ({source}); \
                 start elsewhere, or try solver.method = \"explicit\""
            )),
            RunError::Ode(other) => outside(other.to_string()),
        }
    }

    fn finite<'a>(
        &self,
        mut numbers: impl Iterator<Item = &'a f64>,
        what: &str,
    ) -> Result<(), TrialFailure> {
        match numbers.position(|v| !v.is_finite()) {
            None => Ok(()),
            Some(k) => {
                let entry = k % self.len.max(1);
                let picks = self.courses.iter().flat_map(|c| {
                    c.picks.iter().map(|(what, first)| (c.experiment, *what, *first))
                });
                let pick = picks.filter(|(.., first)| *first <= entry).max_by_key(|(.., f)| *f);
                let told = &self.simulation.told;
                let output =
                    pick.and_then(|(e, what, _)| told.iter().position(|t| *t == (e, what)));
                let name = output.map_or("", |k| &self.simulation.outputs()[k].name);
                Err(TrialFailure::NonFinite { what: format!("{what}, `{name}`") })
            }
        }
    }
}

/// The columns of the unit matrix.
fn unit_tangents(n: usize) -> Vec<Vec<f64>> {
    (0..n).map(|j| (0..n).map(|k| f64::from(u8::from(k == j))).collect()).collect()
}

impl Simulation for EquationsSimulation {
    fn inputs(&self) -> &[Quantity] {
        &self.inputs
    }

    fn outputs(&self) -> &[Quantity] {
        &self.outputs
    }

    fn fix(&mut self, input: usize, value: &[f64]) -> Result<(), MapError> {
        fix_quantity(&mut self.inputs, input, value)
    }

    fn map(
        self: Arc<Self>,
        inputs: &[usize],
        outputs: &[usize],
        differentiated: bool,
    ) -> Result<Box<dyn Map>, MapError> {
        check_picks(self.as_ref(), inputs, outputs, differentiated)?;
        Ok(Box::new(EquationsMap::new(self, inputs, outputs)))
    }
}

impl Map for EquationsMap {
    fn input_len(&self) -> usize {
        self.free.len()
    }

    fn output_len(&self) -> usize {
        self.len
    }

    fn plan(&self, keep: Keep) -> Cost {
        let s = &self.simulation;
        let times: usize =
            self.courses.iter().map(|c| s.experiments[c.experiment].times.len()).sum();
        let method = if s.options.method == Method::Tsit5 { "explicit" } else { "stiff" };
        let (states, courses) = (s.model.states.len(), self.courses.len());
        let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let work = format!(
            "{} over {} in {}, {method} steps to {:.0e}",
            count(states, "state"),
            count(times, "time"),
            count(courses, "experiment"),
            s.options.relative
        );
        let columns = match keep {
            Keep::Values => 1,
            Keep::Linearisation => 1 + self.free.len().min(FORWARD_MOST),
        };
        Cost { work, bytes: 8 * ((self.len + times * states) * columns) as u64 }
    }

    fn has_second(&self) -> bool {
        true
    }

    fn run<'a>(
        &'a self,
        x: &[f64],
        keep: Keep,
        _: SampleKey,
        _: &mut Workspace,
    ) -> Result<Box<dyn Linearised + 'a>, TrialFailure> {
        let n = self.free.len();
        let forward = keep == Keep::Linearisation && (1..=FORWARD_MOST).contains(&n);
        let (entries, columns, switches) = if forward {
            let units = unit_tangents(n);
            let units: Vec<&[f64]> = units.iter().map(Vec::as_slice).collect();
            let along = self.tangents(x, &units)?;
            (along.values, Some(along.columns), along.switches)
        } else {
            let (values, switches) = self.outputs(x).map_err(|e| self.failure(e))?;
            (values, None, switches)
        };
        self.finite(entries.iter(), "an output")?;
        let values = Values { entries, switches, standard_errors: None };
        Ok(Box::new(EquationsRun { map: self, x: x.to_vec(), values, columns }))
    }
}

struct EquationsRun<'a> {
    map: &'a EquationsMap,
    x: Vec<f64>,
    values: Values,
    /// Columns of the Jacobian, where they were carried along.
    columns: Option<Vec<Vec<f64>>>,
}

impl Linearised for EquationsRun<'_> {
    fn values(&self) -> &Values {
        &self.values
    }

    fn pullback(&self, cotangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        if let Some(columns) = &self.columns {
            let dot = |y_bar: &[f64], column: &Vec<f64>| {
                let terms = y_bar.iter().zip(column).filter(|(b, _)| **b != 0.0);
                terms.map(|(b, c)| b * c).sum::<f64>()
            };
            let pull = |y_bar: &&[f64]| columns.iter().map(|c| dot(y_bar, c)).collect();
            return Ok(cotangents.iter().map(pull).collect());
        }
        let session = Session::<f64>::new();
        let x: Vec<Var<f64>> = self.x.iter().map(|x| session.input(*x)).collect();
        let (y, _) = self.map.outputs(&x).map_err(|e| self.map.failure(e))?;
        let pull = |y_bar: &&[f64]| {
            let found = session.try_pullback(&y, y_bar, &x);
            let x_bar = found.map_err(|e| self.map.failure(e.into()))?;
            match x_bar.iter().position(|v| !v.is_finite()) {
                None => Ok(x_bar),
                Some(k) => {
                    let name = &self.map.simulation.inputs()[self.map.free[k]].name;
                    Err(TrialFailure::NonFinite { what: format!("the derivative by `{name}`") })
                }
            }
        };
        cotangents.iter().map(pull).collect()
    }

    fn pushforward(&self, tangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        let Some(columns) = &self.columns else {
            return Ok(self.map.tangents(&self.x, tangents)?.columns);
        };
        let push = |x_dot: &&[f64]| {
            let mut y_dot = vec![0.0; self.map.len];
            for (column, x_dot) in columns.iter().zip(*x_dot).filter(|(_, x)| **x != 0.0) {
                y_dot.iter_mut().zip(column).for_each(|(y, c)| *y += c * x_dot);
            }
            y_dot
        };
        Ok(tangents.iter().map(push).collect())
    }

    fn second(&self, y_bar: &[f64], x_dot: &[f64]) -> Option<Result<Vec<f64>, TrialFailure>> {
        let seeded = self.x.iter().zip(x_dot).map(|(x, d)| Dual::<f64, 1> { re: *x, eps: [*d] });
        let x: Vec<Dual<f64, 1>> = seeded.collect();
        let weighted = |x: &[Var<Dual<f64, 1>>]| -> Result<Var<Dual<f64, 1>>, RunError> {
            let (y, _) = self.map.outputs(x)?;
            let asked = y.iter().zip(y_bar).filter(|(_, b)| **b != 0.0);
            Ok(asked.fold(Num::lit(0.0), |sum, (y, b)| sum + *y * *b))
        };
        let found = try_value_and_grad::<_, RunError>(weighted, &x);
        Some(found.map_err(|e| self.map.failure(e)).and_then(|(_, gradient)| {
            let product: Vec<f64> = gradient.iter().map(|g| g.eps[0]).collect();
            if product.iter().all(|v| v.is_finite()) {
                Ok(product)
            } else {
                Err(TrialFailure::NonFinite { what: "a second derivative".into() })
            }
        }))
    }
}
