//! The gradient through a trajectory whose steps are not all kept.
//!
//! A first run finds energies and final density. For the way back a schedule (Revolve: the fewest recomputed steps for a number
//! of states; Griewank & Walther, ACM Trans. Math. Softw. 26, 19 (2000)) says which states are kept and what is computed
//! again. What a step reads is in the state, so the gradient is that of [`reverse_trajectory`](crate::one_d::field::unrolled::reverse_trajectory)
//! bit for bit.

use cotangent_ad::checkpoint::{Action, Schedule};

use crate::one_d::field::prepared::Prepared;
use crate::one_d::field::scf::{Iteration, Model, ScfError, ScfOptions, ScfStep, check};
use crate::one_d::field::unrolled::{Reversal, TrajectoryAdjoint};
use crate::one_d::functional::Functional;

/// What a loss says of a trajectory: its value, and its cotangents of the energies (one a step) and of the final density
/// (`channels x n`).
#[derive(Clone, Debug, PartialEq)]
pub struct Pulled {
    /// The loss.
    pub value: f64,
    /// `dL/dE_k`, one a step.
    pub energies_bar: Vec<f64>,
    /// `dL/dn` of the density after the last mixing.
    pub density_bar: Vec<f64>,
}

/// What a slot of the schedule holds.
#[derive(Clone)]
enum Kept {
    /// A state.
    State(Iteration),
    /// A step with the state after it, whose history its mixing used.
    Step(Box<(ScfStep, Iteration)>),
}

/// Value and gradient of `loss(energies, density)` over [`ScfOptions::steps`] steps. A tolerance does not stop them.
///
/// # Errors
/// As [`self_consistent_field`](crate::one_d::self_consistent_field).
///
/// # Panics
/// Where the loss returns cotangents of other shapes.
pub fn checkpointed_gradient(
    model: &Model,
    prepared: &Prepared,
    functional: &dyn Functional,
    options: &ScfOptions,
    schedule: Schedule,
    loss: impl FnOnce(&[f64], &[f64]) -> Pulled,
) -> Result<(f64, TrajectoryAdjoint), ScfError> {
    check(options, functional, prepared)?;
    // what is computed again is not asked for its energy
    let with_energies = ScfOptions { energies_from: 0, ..*options };
    let without = ScfOptions { energies_from: usize::MAX, ..*options };
    let advance = |state: &mut Iteration, index: usize| {
        state.advance(model, prepared, functional, &without, index)
    };
    let mut state = Iteration::start(prepared);
    let mut energies = Vec::with_capacity(options.steps);
    for index in 0..options.steps {
        let step = state.advance(model, prepared, functional, &with_energies, index)?;
        energies.extend(step.energy_ha);
    }
    let Pulled { value, energies_bar, density_bar } = loss(&energies, &state.density);
    assert_eq!(energies_bar.len(), options.steps, "one energy cotangent a step");
    let mut reversal = Reversal::new(model, prepared, functional, options, &density_bar);
    let mut slots: Vec<Option<Kept>> = vec![None; schedule.slots(options.steps)];
    state = Iteration::start(prepared);
    for action in schedule.actions(options.steps) {
        match action {
            Action::Advance { from, to } => {
                for index in from..to {
                    advance(&mut state, index)?;
                }
            }
            Action::Store { slot, .. } => slots[slot] = Some(Kept::State(state.clone())),
            Action::Restore { slot, .. } => {
                if let Some(Kept::State(kept)) = &slots[slot] {
                    state.clone_from(kept);
                }
            }
            Action::Discard { slot } => slots[slot] = None,
            Action::Tape { step: index, slot } => {
                let step = advance(&mut state, index)?;
                slots[slot] = Some(Kept::Step(Box::new((step, state.clone()))));
            }
            Action::ReverseTaped { step: index, slot } => {
                if let Some(Kept::Step(taped)) = slots[slot].take() {
                    let (step, after) = &*taped;
                    reversal.pull(index, step, &after.history(), energies_bar[index]);
                }
            }
            Action::Reverse { step: index } => {
                let step = advance(&mut state, index)?;
                reversal.pull(index, &step, &state.history(), energies_bar[index]);
            }
        }
    }
    Ok((value, reversal.finish()))
}

#[cfg(test)]
mod tests {
    use cotangent_ad::checkpoint::Schedule;

    use super::{Pulled, checkpointed_gradient};
    use crate::one_d::field::unrolled::reverse_trajectory;
    use crate::one_d::{
        Grid, Lda, Model, Prepared, ScfError, ScfOptions, System, self_consistent_field,
    };

    #[test]
    fn any_schedule_gives_the_bits_of_the_stored_trajectory() {
        let model = Model { grid: Grid::new(81, 0.25).unwrap(), ..Model::default() };
        let system = System::molecule(&[(-1.1, 1.0), (0.9, 2.0)], 3).unwrap();
        for prepared in [Prepared::new(&model, &system), Prepared::polarised(&model, &system)] {
            let prepared = prepared.unwrap();
            for history in [0, 3] {
                let options = ScfOptions { steps: 11, history, ..ScfOptions::paper() };
                let density_bar: Vec<f64> =
                    (0..prepared.start.len()).map(|i| (0.2 * i as f64).sin()).collect();
                let energies_bar: Vec<f64> = (0..11).map(|k| 0.1 * f64::from(k)).collect();
                let lda = Lda::default();
                let scf = self_consistent_field(&model, &prepared, &lda, &options).unwrap();
                let stored = reverse_trajectory(
                    &model,
                    &prepared,
                    &lda,
                    &options,
                    &scf,
                    &energies_bar,
                    &density_bar,
                );
                let revolve = [1, 2, 4].map(|slots| Schedule::Revolve { slots });
                let mixed = [2, 4].map(|slots| Schedule::Mixed { slots });
                for schedule in revolve.into_iter().chain(mixed) {
                    let loss = |energies: &[f64], _: &[f64]| Pulled {
                        value: energies.iter().sum(),
                        energies_bar: energies_bar.clone(),
                        density_bar: density_bar.clone(),
                    };
                    let (value, found) =
                        checkpointed_gradient(&model, &prepared, &lda, &options, schedule, loss)
                            .unwrap();
                    assert_eq!(value, scf.steps.iter().map(|s| s.energy_ha.unwrap()).sum::<f64>());
                    assert_eq!(found, stored, "{schedule:?}, history {history}");
                }
            }
        }
    }

    #[test]
    fn settings_are_checked_before_the_first_step() {
        let model = Model { grid: Grid::new(81, 0.25).unwrap(), ..Model::default() };
        let prepared = Prepared::new(&model, &System::chain(2, 1.0, 1.5).unwrap()).unwrap();
        let options = ScfOptions { mixing: 0.0, ..ScfOptions::paper() };
        let never = |_: &[f64], _: &[f64]| unreachable!("no step is made");
        let refused = checkpointed_gradient(
            &model,
            &prepared,
            &Lda::default(),
            &options,
            Schedule::StoreAll,
            never,
        );
        assert!(matches!(refused, Err(ScfError::Setting { setting: "mixing", .. })));
    }
}
