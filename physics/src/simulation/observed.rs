//! Cutoffs of what a policy observes: where an observed number goes beyond one, the motion that the policy makes has a kink.

use cotangent_problem::Switch;

use super::MotionSimulation;
use super::map::Picked;
use super::output::{OutputKind, What, see};
use super::policy::Controller;
use super::setting::Setting;
use crate::scratch::Scratch;
use crate::state::State;

/// The sensors with a cutoff that the policy of a motion observes and that are no outputs of it, which count for themselves.
pub(super) struct ObservedCutoffs<'a> {
    simulation: &'a MotionSimulation,
    whats: Vec<What>,
    sensors: Vec<Observed<'a>>,
    /// The number of the state that comes next, and of the last one.
    next: usize,
    last: usize,
    memory: Scratch,
}

struct Observed<'a> {
    /// Its output.
    output: usize,
    entries: &'a [usize],
    cutoff: f64,
    /// How many of its observed numbers were beyond the cutoff.
    beyond: i64,
}

impl<'a> ObservedCutoffs<'a> {
    /// Of motion `part`, of which `picked` is seen.
    pub(super) fn new(simulation: &'a MotionSimulation, part: usize, picked: &[Picked]) -> Self {
        let (mut whats, mut sensors) = (vec![], vec![]);
        // a motion of which nothing is seen is not made
        let policy = simulation.controller.as_ref().filter(|_| !picked.is_empty());
        for (what, entries) in policy.into_iter().flat_map(Controller::observed) {
            let What::Sensor(sensor) = what else { continue };
            let Some(cutoff) = simulation.model.sensors[sensor].cutoff else { continue };
            let is_it = |kind: &OutputKind| kind.part == part && kind.what == what;
            let Some(output) = simulation.output_kinds.iter().position(is_it) else { continue };
            if picked.iter().all(|o| o.index != output) {
                whats.push(what);
                sensors.push(Observed { output, entries, cutoff, beyond: 0 });
            }
        }
        let memory = Scratch::new(&simulation.model);
        let last = simulation.parts[part].steps;
        Self { simulation, whats, sensors, next: 0, last, memory }
    }

    /// One more state of the motion.
    pub(super) fn follow(&mut self, setting: &Setting<f64>, state: &State) {
        let k = self.next;
        self.next += 1;
        let Some(policy) = &self.simulation.controller else { return };
        if self.sensors.is_empty() || k == self.last || !k.is_multiple_of(policy.hold) {
            return;
        }
        let (model, parameters) = (&self.simulation.model, &setting.parameters);
        see(model, parameters, state, &self.whats, &mut self.memory, &mut |index, numbers| {
            let Observed { entries, cutoff, beyond, .. } = &mut self.sensors[index];
            let is_beyond = |entry: &&usize| numbers[**entry].abs() >= *cutoff;
            *beyond += entries.iter().filter(is_beyond).map(|_| 1).sum::<i64>();
        });
    }

    pub(super) fn switches(&self) -> Vec<Switch> {
        let switch = |of: &Observed<'_>| {
            let name = &self.simulation.outputs[of.output].name;
            Switch { name: format!("{name}, as observed, beyond its cutoff"), state: of.beyond }
        };
        self.sensors.iter().map(switch).collect()
    }
}
