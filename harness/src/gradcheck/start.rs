//! One random direction at the start of a run: a wrong gradient is seen before its result is believed.

use cotangent_problem::{Objective, SampleKey, Space, TrialFailure, Want};
use serde::{Deserialize, Serialize};

use super::{LEVELS, Line, STEP, dot, evaluate, moved, random_direction, steps};

/// Relative disagreement that is told.
const TOLERANCE: f64 = 1e-3;
/// An error counts where it is this many times what the difference itself may be off.
const CERTAIN: f64 = 10.0;
/// Steps of the first look: eight evaluations.
const FEW: usize = 4;
/// Number of the direction's stream, apart from those of `gradcheck`.
const DIRECTION: u64 = u64::from_be_bytes(*b"at start");

/// What a difference along one random direction says of the gradient at the start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum StartCheck {
    /// Both agree to [`relative_error`](Self::Agrees::relative_error).
    Agrees {
        /// Derivative along the direction by the gradient.
        gradient: f64,
        /// By extrapolated differences.
        difference: f64,
        /// `|gradient - difference| / max(|gradient|, |difference|)`.
        relative_error: f64,
    },
    /// They differ by more than 1e-3, and by far more than the difference is uncertain.
    Disagrees {
        /// Derivative along the direction by the gradient.
        gradient: f64,
        /// By extrapolated differences.
        difference: f64,
        /// `|gradient - difference| / max(|gradient|, |difference|)`.
        relative_error: f64,
    },
    /// The difference does not tell.
    Undecided {
        /// Why.
        why: String,
    },
    /// There was nothing to check, or not at this price.
    NotChecked {
        /// Why.
        why: String,
    },
}

impl StartCheck {
    /// What to say of it; `None` where all is well.
    pub fn warning(&self) -> Option<String> {
        let Self::Disagrees { gradient, difference, relative_error } = self else { return None };
        Some(format!(
            "the gradient at the start is wrong: along a random direction it says {gradient:.6e}, finite differences say \
             {difference:.6e}, {:.1} % apart; `gradcheck` names the entries",
            100.0 * relative_error
        ))
    }
}

/// Compares the gradient of `objective` at `x` with differences along one random direction, which `seed` chooses: one gradient
/// and eight values, and fourteen more where these disagree.
///
/// ```
/// use cotangent_harness::gradcheck::{StartCheck, check_start};
/// use cotangent_problem::{Capabilities, Evaluation, Objective, Parameter, SampleKey, Space, TrialFailure, Want, Workspace};
///
/// /// `x^2 + 3 y`, with a gradient that is a tenth too long.
/// struct Off;
/// impl Objective for Off {
///     fn dim(&self) -> usize {
///         2
///     }
///     fn capabilities(&self) -> Capabilities {
///         Capabilities { gradient: true, ..Default::default() }
///     }
///     fn evaluate(&self, x: &[f64], _: Want, _: SampleKey, _: &mut Workspace) -> Result<Evaluation, TrialFailure> {
///         let gradient = vec![1.1 * 2.0 * x[0], 1.1 * 3.0];
///         Ok(Evaluation { value: x[0] * x[0] + 3.0 * x[1], gradient: Some(gradient), ..Default::default() })
///     }
/// }
/// let space = Space::new(vec![Parameter::vector("x", 2)]).unwrap();
/// let StartCheck::Disagrees { relative_error, .. } = check_start(&Off, &space, &[1.0, 2.0], 0) else { panic!() };
/// assert!((relative_error - 0.1 / 1.1).abs() < 1e-9);
/// ```
pub fn check_start(objective: &dyn Objective, space: &Space, x: &[f64], seed: u64) -> StartCheck {
    let can = objective.capabilities();
    let not_checked = |why: &str| StartCheck::NotChecked { why: why.into() };
    if !can.gradient {
        return not_checked("the objective has no gradient");
    }
    if can.stochastic {
        return not_checked(
            "the objective is stochastic; `gradcheck` takes as many samples as it needs",
        );
    }
    match compare(objective, space, x, seed, FEW) {
        // before a gradient is called wrong, all steps are asked
        Ok(StartCheck::Disagrees { .. }) => compare(objective, space, x, seed, LEVELS)
            .unwrap_or_else(|failure| StartCheck::Undecided { why: failure.to_string() }),
        Ok(found) => found,
        Err(failure) => StartCheck::Undecided { why: failure.to_string() },
    }
}

fn compare(
    objective: &dyn Objective,
    space: &Space,
    x: &[f64],
    seed: u64,
    levels: usize,
) -> Result<StartCheck, TrialFailure> {
    let key = SampleKey(seed);
    let at_x = evaluate(objective, x, Want::GRADIENT, key)?;
    let vector = inward(space, x, random_direction(&space.slopes(x), seed, DIRECTION));
    let gradient = dot(&vector, at_x.gradient.as_deref().unwrap_or_default());
    let (sides, step) = steps(space, x, &vector, STEP);
    let undecided = |why: String| Ok(StartCheck::Undecided { why });
    if sides == (false, false) {
        return undecided("no parameter can move within its bounds".into());
    }
    let at = |h: f64| evaluate(objective, &moved(x, &vector, h), Want::VALUE, key);
    let found = Line { evaluate: &at, at_zero: &at_x, step, sides, levels }.compare(gradient)?;
    let difference = found.derivative;
    let scale = gradient.abs().max(difference.abs()).max(f64::MIN_POSITIVE);
    let (error, uncertain) = ((gradient - difference).abs(), found.error);
    let relative_error = error / scale;
    if let Some(crossed) = found.crossed {
        undecided(crossed)
    } else if relative_error > TOLERANCE && error > CERTAIN * uncertain {
        Ok(StartCheck::Disagrees { gradient, difference, relative_error })
    } else if relative_error > TOLERANCE || uncertain > TOLERANCE * scale {
        undecided(format!("differences are uncertain to {:.1e} of the slope", uncertain / scale))
    } else {
        Ok(StartCheck::Agrees { gradient, difference, relative_error })
    }
}

/// The direction with the entries that are on a bound turned away from it, and those held that cannot move.
fn inward(space: &Space, x: &[f64], mut v: Vec<f64>) -> Vec<f64> {
    for ((p, x), v) in space.entries().zip(x).zip(&mut v) {
        let needed = STEP * v.abs();
        let (down, up) = (x - p.lower >= needed, p.upper - x >= needed);
        *v = match (down, up) {
            (true, true) => *v,
            (false, true) => v.abs(),
            (true, false) => -v.abs(),
            (false, false) => 0.0,
        };
    }
    v
}
