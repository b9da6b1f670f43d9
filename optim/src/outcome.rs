//! Stopping, progress, and how a run ended.

use std::ops::ControlFlow;

use cotangent_problem::{TermValue, TrialFailure};
use serde::{Deserialize, Serialize};

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stop {
    /// Most iterations.
    pub max_iterations: usize,
    /// Most calls of the objective, Hessian-vector products and trial points of line searches included. Never exceeded;
    /// the start is always evaluated.
    pub max_evaluations: u64,
    /// Converged when the projected gradient in optimizer coordinates falls to this: a number with the unit of the value.
    /// 0, the default, leaves the judgement to the two tolerances below, which do not depend on units; an exactly zero
    /// gradient is converged whatever the tolerances.
    pub gradient_tolerance: f64,
    /// Converged when the decrease that is left, as the method predicts it where nothing limits its step, is at most this
    /// fraction of `|f|`. CMA-ES and Nelder-Mead, which have no model, take it for the spread of values.
    pub value_tolerance: f64,
    /// Converged when the step that is left is at most this fraction of every parameter, optimizer coordinates.
    pub step_tolerance: f64,
    /// Success as soon as the value is at most this.
    pub target_value: Option<f64>,
}

impl Default for Stop {
    fn default() -> Self {
        Self {
            max_iterations: 500,
            max_evaluations: 100_000,
            gradient_tolerance: 0.0,
            value_tolerance: 1e-13,
            step_tolerance: 1e-9,
            target_value: None,
        }
    }
}

/// Progress of one iteration. Iteration 0 is the start.
#[derive(Clone, Debug, PartialEq)]
pub struct Iteration {
    /// Number, from 0.
    pub index: usize,
    /// Value of the iterate (of the best individual, for CMA-ES).
    pub value: f64,
    /// Least value so far.
    pub best_value: f64,
    /// Projected gradient in optimizer coordinates, infinity norm.
    pub gradient_norm: Option<f64>,
    /// Length of the step in optimizer coordinates.
    pub step_norm: f64,
    /// Calls of the objective so far.
    pub evaluations: u64,
    /// Calls with derivatives so far.
    pub gradient_evaluations: u64,
    /// Failed calls so far.
    pub failures: u64,
    /// The iterate, in physical units.
    pub x: Vec<f64>,
    /// Named parts of the value.
    pub terms: Vec<TermValue>,
    /// Something to know, such as that a stochastic objective is frozen.
    pub note: Option<String>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Status {
    /// The gradient is small enough.
    GradientConverged {
        /// Projected gradient.
        gradient_norm: f64,
    },
    /// What is left to gain is below what the value can resolve.
    ValueConverged {
        /// Decrease that is left, relative to the value.
        relative_decrease: f64,
    },
    /// The step that is left is below what the parameters can resolve.
    StepConverged {
        /// Its largest entry, relative to the parameter.
        relative_step: f64,
    },
    /// The target was reached.
    TargetReached,
    /// The iterations ran out.
    MaxIterations,
    /// The evaluations ran out.
    MaxEvaluations,
    /// No step lowers the value, and nothing shows that this is a minimum.
    Stalled {
        /// Projected gradient, where there is one.
        gradient_norm: Option<f64>,
        /// What was tried.
        why: String,
    },
    /// No point was found that satisfies the constraints.
    Infeasible {
        /// The constraint that is furthest from holding.
        constraint: String,
        /// How far, in its unit.
        violation: f64,
    },
    /// No trial point had a value.
    Failed {
        /// The last failure.
        failure: TrialFailure,
    },
    /// An observer stopped the run.
    Interrupted,
}

impl Status {
    /// A stable name for machines.
    pub fn name(&self) -> &'static str {
        match self {
            Self::GradientConverged { .. } => "gradient_converged",
            Self::ValueConverged { .. } => "value_converged",
            Self::StepConverged { .. } => "step_converged",
            Self::TargetReached => "target_reached",
            Self::MaxIterations => "max_iterations",
            Self::MaxEvaluations => "max_evaluations",
            Self::Stalled { .. } => "stalled",
            Self::Infeasible { .. } => "infeasible",
            Self::Failed { .. } => "failed",
            Self::Interrupted => "interrupted",
        }
    }

    /// Whether the optimizer did what it was asked for.
    pub fn is_success(&self) -> bool {
        matches!(
            self,
            Self::GradientConverged { .. }
                | Self::ValueConverged { .. }
                | Self::StepConverged { .. }
                | Self::TargetReached
        )
    }

    /// What to do next, in a sentence.
    pub fn advice(&self) -> String {
        match self {
            Self::GradientConverged { .. }
            | Self::ValueConverged { .. }
            | Self::StepConverged { .. }
            | Self::TargetReached => String::new(),
            Self::MaxIterations => "raise `max_iterations`, or resume with more".into(),
            Self::MaxEvaluations => "raise `max_evaluations`, or resume with more".into(),
            Self::Stalled { why, .. } => {
                format!(
                    "{why}; check the gradient (`gradcheck`), the parameters' scales, and whether the objective is noisy"
                )
            }
            Self::Infeasible { constraint, violation } => format!(
                "the constraint `{constraint}` is off by {violation:.3e} and comes no closer from here; relax it or start elsewhere"
            ),
            Self::Failed { failure } => format!("{failure}; start elsewhere or tighten the bounds"),
            Self::Interrupted => "resume to go on".into(),
        }
    }
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// How it ended.
    pub status: Status,
    /// Best point, in physical units.
    pub x: Vec<f64>,
    /// Its value.
    pub value: f64,
    /// Iterations made.
    pub iterations: usize,
    /// Calls of the objective.
    pub evaluations: u64,
    /// Calls with derivatives.
    pub gradient_evaluations: u64,
    /// Failed calls.
    pub failures: u64,
}

/// Watches a run; may stop it.
pub trait Observer {
    /// Called after each iteration.
    fn iteration(&mut self, iteration: &Iteration) -> ControlFlow<()>;
}

/// Watches nothing.
impl Observer for () {
    fn iteration(&mut self, _: &Iteration) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}
