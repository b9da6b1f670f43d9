//! The trajectory optimizer as a method by name, over objectives that have stages.

use cotangent_problem::{InStages, Objective, TermValue, TrialFailure, Want};
use serde::{Deserialize, Serialize};

use super::{Ddp, DdpOptions, DdpStep};
use crate::context::{Advance, Algorithm, Context, MethodInfo, NoValue};
use crate::convergence::Tolerance;
use crate::evaluator::{Counts, distance};
use crate::hessian::{Judgement, Point, judge, note, objective_slopes, on_a_plateau};
use crate::outcome::{Status, Stop};

/// State between two iterations.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    run: Ddp,
    /// The controls, and the objective's value there.
    z: Vec<f64>,
    value: f64,
    terms: Vec<TermValue>,
    /// Whether the value has depended on a control at a point where its gradient was asked for.
    mattered: Vec<bool>,
}

fn in_stages(objective: &dyn Objective) -> Result<InStages<'_>, TrialFailure> {
    objective.stages().map_err(|why| TrialFailure::Contract(why.to_string()))
}

impl Algorithm for State {
    type Options = DdpOptions;
    const INFO: MethodInfo = MethodInfo {
        name: "ddp",
        summary: "the controls of a motion, stage by stage within their limits (Tassa, Mansard, Todorov 2014)",
        needs_gradient: true,
        needs_residuals: false,
        needs_stages: true,
        accepts_stochastic: false,
        draws_anew: false,
    };

    fn start(
        context: &mut Context,
        z: Vec<f64>,
        options: &DdpOptions,
    ) -> Result<(Self, f64), NoValue> {
        let found = context.evaluate(&z, Want::VALUE)?;
        let problem = in_stages(context.problem.objective)?;
        let controls = problem.controls(&context.problem.space.decode(&z));
        let run = Ddp::start(problem.stages.as_ref(), controls, *options)?;
        context.counts.add(Want::VALUE, false);
        let (value, terms, mattered) = (found.value, found.terms, vec![false; z.len()]);
        Ok((Self { run, z, value, terms, mattered }, value))
    }

    fn gradient_norm(&self, _: &[f64], _: &[f64]) -> Option<f64> {
        None
    }

    fn terms(&self) -> &[TermValue] {
        &self.terms
    }

    fn iterate(&mut self, context: &mut Context, _: &DdpOptions) -> Advance {
        match self.improve(context) {
            Ok(advance) => advance,
            Err(status) => self.end(status),
        }
    }
}

impl State {
    fn end(&self, status: Status) -> Advance {
        self.advance(0.0, Some(status))
    }

    fn advance(&self, step_norm: f64, end: Option<Status>) -> Advance {
        let (z, terms) = (self.z.clone(), self.terms.clone());
        Advance { z, value: self.value, gradient_norm: None, step_norm, terms, end }
    }

    fn improve(&mut self, context: &mut Context) -> Result<Advance, Status> {
        let problem = context.problem.objective;
        let problem = in_stages(problem).map_err(|failure| Status::Failed { failure })?;
        let Self { run, z, value, mattered, .. } = self;
        let before = run.counts();
        // one call is kept for the value of what comes out
        let left = context.stop.max_evaluations.saturating_sub(context.counts.evaluations + 1);
        let stop = Stop { max_evaluations: before.evaluations + left, ..*context.stop };
        let mut seen = before;
        let mut confirm = |run: &mut Ddp| {
            carry(run, &mut seen, context);
            let calls = context.counts.evaluations;
            let stands = stands(context, (z, *value), mattered);
            let asked = context.counts.evaluations - calls;
            // counted already
            run.counts.evaluations += asked;
            seen.evaluations += asked;
            stands
        };
        let step = run.improve(problem.stages.as_ref(), &stop, &mut confirm);
        carry(run, &mut seen, context);
        match step? {
            DdpStep::Done(status) => Ok(self.end(status)),
            DdpStep::Improved { .. } => {
                let x = problem.free_numbers(self.run.controls());
                let mut z = context.problem.space.encode(&x);
                context.project(&mut z);
                let found = context.evaluate(&z, Want::VALUE).map_err(NoValue::status)?;
                let step_norm = distance(&z, &self.z);
                (self.z, self.value, self.terms) = (z, found.value, found.terms);
                Ok(self.advance(step_norm, None))
            }
        }
    }
}

/// Counts what the search has asked since it was last seen.
fn carry(run: &Ddp, seen: &mut Counts, context: &mut Context) {
    let now = run.counts();
    context.counts.evaluations += now.evaluations - seen.evaluations;
    context.counts.gradient_evaluations += now.gradient_evaluations - seen.gradient_evaluations;
    context.counts.failures += now.failures - seen.failures;
    *seen = now;
}

/// Whether the objective's own gradient and curvature agree that nothing is left to gain.
fn stands(
    context: &mut Context,
    (z, value): (&[f64], f64),
    mattered: &mut [bool],
) -> Result<bool, Status> {
    let gradient = objective_slopes(context, z).map_err(NoValue::status)?;
    note(mattered, &gradient);
    let point = Point { z, value, gradient: &gradient, mattered };
    let tolerance = Tolerance::asked(context.stop);
    match judge(context, &point, &mut objective_slopes, tolerance).map_err(NoValue::status)? {
        Judgement::Stands(_) => Ok(true),
        Judgement::Refuted { .. } => Ok(false),
        Judgement::Plateau(plateau) => {
            let norm = gradient.iter().fold(0.0_f64, |most, g| most.max(g.abs()));
            Err(on_a_plateau(context, &plateau, norm))
        }
    }
}
