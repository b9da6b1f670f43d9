//! The map of a [`LineSimulation`] and its derivatives: molecules side by side, each by [`Solution`].

use std::sync::Arc;

use cotangent_problem::simulation::check_len;
use cotangent_problem::{Cost, Keep, Linearised, Map, SampleKey, TrialFailure, Values, Workspace};
use rayon::prelude::*;

use crate::one_d::task::geometry::wave_numbers;

use super::molecule::{MoleculeInputs, MoleculeOutputs, SharedFunctional, Solution};
use super::{InputKind, LineSimulation, LineTheory, OutputKind};

/// A picked input or output: its molecule, its kind, and where its entries stand.
#[derive(Clone, Copy, Debug)]
struct Pick<K> {
    molecule: usize,
    kind: K,
    first: usize,
    len: usize,
}

impl<K> Pick<K> {
    fn of<'a, T>(&self, entries: &'a [T]) -> &'a [T] {
        &entries[self.first..][..self.len]
    }
}

fn picks<K: Copy>(
    kinds: &[(usize, K)],
    picked: &[usize],
    len: impl Fn(usize) -> usize,
) -> (Vec<Pick<K>>, usize) {
    let (mut picks, mut first) = (Vec::new(), 0);
    for &index in picked {
        let (molecule, kind) = kinds[index];
        picks.push(Pick { molecule, kind, first, len: len(index) });
        first += len(index);
    }
    (picks, first)
}

/// From picked inputs to picked outputs.
pub(super) struct LineMap {
    simulation: Arc<LineSimulation>,
    inputs: Vec<Pick<InputKind>>,
    outputs: Vec<Pick<OutputKind>>,
    input_len: usize,
    output_len: usize,
    /// Molecules of which something was picked, ascending.
    molecules: Vec<usize>,
}

impl LineMap {
    pub(super) fn new(
        simulation: Arc<LineSimulation>,
        inputs: &[usize],
        outputs: &[usize],
    ) -> Self {
        let s = &simulation;
        let (inputs, input_len) = picks(&s.input_kinds, inputs, |k| s.inputs[k].len());
        let (outputs, output_len) = picks(&s.output_kinds, outputs, |k| s.outputs[k].len());
        let mut molecules: Vec<usize> = outputs.iter().map(|o| o.molecule).collect();
        molecules.sort_unstable();
        molecules.dedup();
        Self { simulation, inputs, outputs, input_len, output_len, molecules }
    }

    /// What goes into a molecule at `x`.
    fn molecule_inputs(&self, molecule: usize, x: &[f64]) -> MoleculeInputs {
        let mut inputs = MoleculeInputs::default();
        let s = &self.simulation;
        for (quantity, (m, kind)) in s.inputs.iter().zip(&s.input_kinds) {
            if *m == molecule || *kind == InputKind::Parameters {
                slot(&mut inputs, *kind).clone_from(&quantity.value);
            }
        }
        for pick in self.inputs_of(molecule) {
            *slot(&mut inputs, pick.kind) = pick.of(x).to_vec();
        }
        inputs
    }

    fn inputs_of(&self, molecule: usize) -> impl Iterator<Item = &Pick<InputKind>> {
        self.inputs
            .iter()
            .filter(move |p| p.molecule == molecule || p.kind == InputKind::Parameters)
    }

    fn outputs_of(&self, molecule: usize) -> impl Iterator<Item = &Pick<OutputKind>> {
        self.outputs.iter().filter(move |p| p.molecule == molecule)
    }

    /// The tangent of a molecule's inputs within one of `x`; what was not picked does not move.
    fn molecule_tangent(&self, molecule: usize, x_dot: &[f64]) -> MoleculeInputs {
        let nuclei = self.simulation.molecules[molecule].charges.len();
        let still = vec![0.0; nuclei];
        let mut tangent = MoleculeInputs {
            positions: still.clone(),
            charges: still,
            ..MoleculeInputs::default()
        };
        for pick in self.inputs_of(molecule) {
            *slot(&mut tangent, pick.kind) = pick.of(x_dot).to_vec();
        }
        tangent
    }

    /// The cotangent of a molecule's outputs within one of `y`.
    fn molecule_cotangent(&self, molecule: usize, y_bar: &[f64]) -> MoleculeOutputs {
        let mut bar = MoleculeOutputs::default();
        for pick in self.outputs_of(molecule) {
            let entries = pick.of(y_bar);
            match pick.kind {
                OutputKind::Energy => bar.energy = entries[0],
                OutputKind::Density => bar.density = entries.to_vec(),
                OutputKind::Forces => bar.forces = entries.to_vec(),
                OutputKind::Distances => bar.distances = entries.to_vec(),
                // they have no derivative, so that none is asked of them
                OutputKind::ForceConstants | OutputKind::WaveNumbers => {}
            }
        }
        bar
    }

    /// Writes a molecule's outputs into `y`.
    fn write(&self, molecule: usize, outputs: &MoleculeOutputs, y: &mut [f64]) {
        for pick in self.outputs_of(molecule) {
            let into = &mut y[pick.first..][..pick.len];
            match pick.kind {
                OutputKind::Energy => into[0] = outputs.energy,
                OutputKind::Density => into.copy_from_slice(&outputs.density),
                OutputKind::Forces => into.copy_from_slice(&outputs.forces),
                OutputKind::Distances => into.copy_from_slice(&outputs.distances),
                OutputKind::ForceConstants if outputs.force_constants.is_empty() => {}
                OutputKind::ForceConstants => into.copy_from_slice(&outputs.force_constants),
                OutputKind::WaveNumbers => {
                    let masses = self.simulation.molecules[molecule].masses_u.as_ref();
                    if let Some(masses) = masses.filter(|_| !outputs.force_constants.is_empty()) {
                        let rows: Vec<Vec<f64>> =
                            outputs.force_constants.chunks(masses.len()).map(Vec::from).collect();
                        into.copy_from_slice(&wave_numbers(&rows, masses));
                    }
                }
            }
        }
    }

    /// The functional at `x`; `None` for exact theory.
    fn functional(&self, x: &[f64]) -> Result<Option<SharedFunctional>, TrialFailure> {
        match &self.simulation.theory {
            LineTheory::Exact => Ok(None),
            LineTheory::KohnSham(functional) => Ok(Some(Arc::clone(functional))),
            LineTheory::Trained(file) => {
                let mut file = file.clone();
                file.parameters = self.molecule_inputs(0, x).parameters;
                let network = file.network(&self.simulation.model.grid);
                let network = network.map_err(|e| TrialFailure::Contract(e.to_string()))?;
                Ok(Some(Arc::new(network)))
            }
        }
    }
}

fn slot(inputs: &mut MoleculeInputs, kind: InputKind) -> &mut Vec<f64> {
    match kind {
        InputKind::Positions => &mut inputs.positions,
        InputKind::Charges => &mut inputs.charges,
        InputKind::Potential => &mut inputs.potential,
        InputKind::Parameters => &mut inputs.parameters,
    }
}

impl Map for LineMap {
    fn input_len(&self) -> usize {
        self.input_len
    }

    fn output_len(&self) -> usize {
        self.output_len
    }

    fn plan(&self, _: Keep) -> Cost {
        let points = self.simulation.model.grid.points();
        let state = match self.simulation.theory {
            LineTheory::Exact => "an exact ground state",
            _ => "a self-consistent field",
        };
        let count = self.molecules.len();
        let plural = if count == 1 { "" } else { "s" };
        Cost {
            work: format!("{count} molecule{plural}, {state} on {points} points each"),
            bytes: (64 * 8 * points * count) as u64,
        }
    }

    fn run<'a>(
        &'a self,
        x: &[f64],
        _: Keep,
        _: SampleKey,
        _: &mut Workspace,
    ) -> Result<Box<dyn Linearised + 'a>, TrialFailure> {
        let functional = self.functional(x)?;
        let model = &self.simulation.model;
        let solve = |&m: &usize| {
            let electrons = self.simulation.molecules[m].electrons;
            Solution::new(model, electrons, &self.molecule_inputs(m, x), functional.clone())
        };
        let solutions: Vec<Solution> =
            self.molecules.par_iter().map(solve).collect::<Result<_, _>>()?;
        let mut entries = vec![0.0; self.output_len];
        for (&molecule, solution) in self.molecules.iter().zip(&solutions) {
            let mut outputs = solution.outputs();
            let is_second = |p: &Pick<OutputKind>| {
                matches!(p.kind, OutputKind::ForceConstants | OutputKind::WaveNumbers)
            };
            if self.outputs_of(molecule).any(is_second) {
                outputs.force_constants = solution.force_constants()?.concat();
            }
            self.write(molecule, &outputs, &mut entries);
        }
        let values = Values { entries, ..Values::default() };
        Ok(Box::new(LineRun { map: self, solutions, values }))
    }
}

/// One forward run: a solution for each molecule of the map.
struct LineRun<'a> {
    map: &'a LineMap,
    solutions: Vec<Solution<'a>>,
    values: Values,
}

impl Linearised for LineRun<'_> {
    fn values(&self) -> &Values {
        &self.values
    }

    fn pullback(&self, cotangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        cotangents.iter().map(|y_bar| self.pulled(y_bar)).collect()
    }

    fn pushforward(&self, tangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        tangents.iter().map(|x_dot| self.pushed(x_dot)).collect()
    }
}

impl LineRun<'_> {
    fn solved(&self) -> impl IndexedParallelIterator<Item = (usize, &Solution<'_>)> {
        self.map.molecules.par_iter().copied().zip(&self.solutions)
    }

    fn pulled(&self, y_bar: &[f64]) -> Result<Vec<f64>, TrialFailure> {
        let map = self.map;
        check_len("a cotangent", y_bar, map.output_len)?;
        let pull = |(m, solution): (usize, &Solution)| {
            solution.pull(&map.molecule_cotangent(m, y_bar)).map(|inputs| (m, inputs))
        };
        let pulled: Vec<_> = self.solved().map(pull).collect::<Result<_, _>>()?;
        // in the order of the molecules, so that the sum of what they share has the same bits on any number of threads
        let mut x_bar = vec![0.0; map.input_len];
        for (m, mut inputs) in pulled {
            for pick in map.inputs_of(m) {
                let by_pick = slot(&mut inputs, pick.kind).iter();
                x_bar[pick.first..][..pick.len].iter_mut().zip(by_pick).for_each(|(x, b)| *x += b);
            }
        }
        Ok(x_bar)
    }

    fn pushed(&self, x_dot: &[f64]) -> Result<Vec<f64>, TrialFailure> {
        let map = self.map;
        check_len("a tangent", x_dot, map.input_len)?;
        let push = |(m, solution): (usize, &Solution)| {
            let responds =
                |p: &Pick<OutputKind>| matches!(p.kind, OutputKind::Density | OutputKind::Forces);
            let through_field = map.outputs_of(m).any(responds);
            solution
                .push(&map.molecule_tangent(m, x_dot), through_field)
                .map(|outputs| (m, outputs))
        };
        let pushed: Vec<_> = self.solved().map(push).collect::<Result<_, _>>()?;
        let mut y_dot = vec![0.0; map.output_len];
        for (m, outputs) in &pushed {
            map.write(*m, outputs, &mut y_dot);
        }
        self.add_parameters(x_dot, &mut y_dot)?;
        Ok(y_dot)
    }

    /// Adds what a change of the functional's parameters does. A functional has its adjoint only, so each output is pulled back.
    fn add_parameters(&self, x_dot: &[f64], y_dot: &mut [f64]) -> Result<(), TrialFailure> {
        let parameters = self.map.inputs.iter().find(|p| p.kind == InputKind::Parameters);
        let Some(pick) = parameters.filter(|p| p.of(x_dot).iter().any(|d| *d != 0.0)) else {
            return Ok(());
        };
        for row in 0..y_dot.len() {
            let mut unit = vec![0.0; y_dot.len()];
            unit[row] = 1.0;
            let by_input = self.pulled(&unit)?;
            let along = pick.of(&by_input).iter().zip(pick.of(x_dot));
            y_dot[row] += along.map(|(b, d)| b * d).sum::<f64>();
        }
        Ok(())
    }
}
