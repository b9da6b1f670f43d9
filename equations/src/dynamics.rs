//! A model as a system of differential equations with events.
//!
//! Where a rate chooses between expressions by a comparison (`if(t < lockdown, ...)`), the side on which the comparison stands is a
//! state of its own, a *mode*, 1 where it holds and 0 where not, which an event changes when the compared numbers cross. So steps
//! end where a rate jumps, and the derivative by whatever moves the crossing has its saltation term; a rate that
//! chose for itself would have a derivative that is wrong by that term. Where a rate bends (`max(x, 0)`) a mode turns over only when the
//! bend has been passed by some slack: a solution that rests on a bend, but for the errors of its steps, is not stopped there again and
//! again, and the slack is as small as these errors.

use std::sync::Arc;

use cotangent_ad::ode::{Direction, Dynamics};
use cotangent_ad::{Dual, Real};

use crate::code::Code;

/// The compiled parts of a model.
#[derive(Debug)]
pub(crate) struct System {
    /// Rates of the states; modes are read as states after them.
    pub(crate) rate: Code,
    /// Starts that are expressions.
    pub(crate) starts: Code,
    pub(crate) is_start_computed: Vec<bool>,
    /// Each mode's comparison.
    pub(crate) sides: Code,
    /// Each mode's gap, negative where the comparison holds.
    pub(crate) gaps: Vec<Code>,
    /// Whether the mode is that of a bend, over which the rates do not jump.
    pub(crate) bends: Vec<bool>,
    pub(crate) triggers: Vec<Trigger>,
}

/// A moment that is watched for.
#[derive(Clone, Debug)]
pub(crate) struct Trigger {
    /// The event that happens then.
    pub(crate) event: usize,
    /// It crosses zero.
    pub(crate) gap: Code,
    pub(crate) direction: Direction,
    /// The moment, where it is given.
    pub(crate) time: Option<Code>,
    pub(crate) effect: Effect,
}

/// What happens at an event.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// States get new values.
    Change { changed: Vec<usize>, values: Code },
    /// The integration ends.
    End,
}

impl System {
    /// Number of states, modes not among them.
    pub(crate) fn states(&self) -> usize {
        self.is_start_computed.len()
    }

    /// The state at the start, modes included, from the starts that are numbers.
    pub(crate) fn start<R: Real>(&self, t0: f64, given: &[R], p: &[R]) -> Vec<R> {
        let zero = R::lit(0.0);
        let mut numbers = given.iter().copied();
        let mut y: Vec<R> = (self.is_start_computed.iter())
            .map(|computed| if *computed { zero } else { numbers.next().unwrap_or(zero) })
            .collect();
        let mut computed = Vec::new();
        self.starts.run(R::lit(t0), &y, p, &mut computed);
        let places = (0..y.len()).filter(|k| self.is_start_computed[*k]);
        places.zip(computed).for_each(|(k, value)| y[k] = value);
        let mut modes = Vec::new();
        self.sides.run(R::lit(t0), &y, p, &mut modes);
        y.extend(modes);
        y
    }
}

/// A system as something that can be integrated.
#[derive(Clone, Debug)]
pub(crate) struct Evolution {
    pub(crate) system: Arc<System>,
    /// By how much a bend is passed before its mode turns over, in the unit of what is compared.
    pub(crate) slack: f64,
}

impl Dynamics for Evolution {
    fn rate<R: Real>(&self, t: R, y: &[R], p: &[R]) -> Vec<R> {
        let mut rate = Vec::with_capacity(y.len());
        self.system.rate.run(t, y, p, &mut rate);
        rate.resize(y.len(), R::lit(0.0)); // modes stay between events
        rate
    }

    fn events(&self) -> usize {
        self.system.triggers.len() + self.system.gaps.len()
    }

    fn event<R: Real>(&self, which: usize, t: R, y: &[R], p: &[R]) -> R {
        self.gap(which).one(t, y, p) + self.slack(which, y)
    }

    fn direction(&self, which: usize) -> Direction {
        self.system.triggers.get(which).map_or(Direction::Both, |t| t.direction)
    }

    fn side(&self, which: usize, y: &[f64]) -> Option<f64> {
        // a gap is negative where its comparison holds
        let mode = which.checked_sub(self.system.triggers.len())?;
        Some(if self.holds(mode, y) { -1.0 } else { 1.0 })
    }

    fn after<R: Real>(&self, which: usize, t: R, y: &[R], p: &[R]) -> Option<Vec<R>> {
        let mut after = y.to_vec();
        let Some(trigger) = self.system.triggers.get(which) else {
            let mode = which - self.system.triggers.len();
            let holds = self.gap_falls(mode, t, y, p);
            after[self.system.states() + mode] = R::lit(f64::from(u8::from(holds)));
            return Some(after);
        };
        let Effect::Change { changed, values } = &trigger.effect else { return None };
        let mut new = Vec::with_capacity(changed.len());
        values.run(t, y, p, &mut new);
        changed.iter().zip(new).for_each(|(k, value)| after[*k] = value);
        self.follow_jump(t, y, p, &mut after);
        Some(after)
    }
}

impl Evolution {
    /// Whether a mode says that its comparison holds.
    fn holds<R: Real>(&self, mode: usize, y: &[R]) -> bool {
        y[self.system.states() + mode] > 0.5
    }

    /// What is added to the function of an event.
    fn slack<R: Real>(&self, which: usize, y: &[R]) -> f64 {
        match which.checked_sub(self.system.triggers.len()) {
            Some(mode) if self.system.bends[mode] && self.holds(mode, y) => -self.slack,
            Some(mode) if self.system.bends[mode] => self.slack,
            _ => 0.0,
        }
    }

    fn gap(&self, which: usize) -> &Code {
        let triggers = &self.system.triggers;
        match triggers.get(which) {
            Some(trigger) => &trigger.gap,
            None => &self.system.gaps[which - triggers.len()],
        }
    }

    /// Whether a mode's gap falls along the solution: its comparison holds from now on.
    fn gap_falls<R: Real>(&self, mode: usize, t: R, y: &[R], p: &[R]) -> bool {
        let rate = self.rate(t, y, p);
        let along: Vec<Dual<R, 1>> =
            y.iter().zip(&rate).map(|(y, f)| Dual { re: *y, eps: [*f] }).collect();
        let fixed: Vec<Dual<R, 1>> = p.iter().map(|p| Dual::konst(*p)).collect();
        let gap = self.system.gaps[mode].one(Dual::seed(t, 0), &along, &fixed);
        gap.eps[0] < 0.0
    }

    /// Modes whose comparison a jump of the states turns over.
    fn follow_jump<R: Real>(&self, t: R, before: &[R], p: &[R], after: &mut [R]) {
        for (mode, gap) in self.system.gaps.iter().enumerate() {
            let [old, new] = [before, &*after].map(|y| gap.one(t, y, p));
            // a comparison that does not see the jump may be at its own crossing, where its sign is rounding
            if old.concrete().to_bits() != new.concrete().to_bits() {
                let holds = new < 0.0;
                after[self.system.states() + mode] = R::lit(f64::from(u8::from(holds)));
            }
        }
    }
}
