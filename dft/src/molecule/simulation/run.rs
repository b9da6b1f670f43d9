//! A molecule at one point: its outputs, and their derivatives.
//!
//! What is asked of the energy takes its gradient; what is asked of density, levels, charges and spins is one property with one response,
//! whatever it is made of.

use cotangent_problem::{Linearised, Map as _, TrialFailure, Values};

use super::quantities::Output;
use super::second::second_derivatives;
use super::{EACH, FIXED_INPUTS, MoleculeMap};
use crate::molecule::gradient::{EnergyGradient, Inputs};
use crate::molecule::hessian::SecondDerivatives;
use crate::molecule::response::{Property, ResponseError, polarisability};
use crate::molecule::scf::{Scf, ScfStatus, Stability};
use crate::molecule::theory::MeanField;
use crate::molecule::vibrations::{Vibrations, number_of_vibrations};

/// One run of a map, and what it knows.
pub(super) struct MoleculeRun<'a> {
    map: &'a MoleculeMap,
    field: MeanField,
    scf: Scf,
    /// Values of all inputs.
    inputs: Vec<Vec<f64>>,
    values: Values,
}

impl<'a> MoleculeRun<'a> {
    /// Computes the picked outputs.
    pub(super) fn new(
        map: &'a MoleculeMap,
        field: MeanField,
        scf: Scf,
        inputs: Vec<Vec<f64>>,
    ) -> Result<Self, TrialFailure> {
        let mut run = Self { map, field, scf, inputs, values: Values::default() };
        run.values.entries = run.entries()?;
        Ok(run)
    }

    fn is_picked(&self, is_wanted: impl Fn(&Output) -> bool) -> bool {
        self.map.outputs.iter().any(|k| is_wanted(&self.map.simulation.output_kinds[*k]))
    }

    /// The picked outputs.
    fn entries(&self) -> Result<Vec<f64>, TrialFailure> {
        let (core, density) = (self.field.core(), self.scf.total_density());
        let positions = if self.is_picked(|output| matches!(output, Output::Force(_))) {
            self.field.gradient(&self.scf, Inputs::Molecule)?.positions
        } else {
            Vec::new()
        };
        let mulliken = core.mulliken_charges(&density);
        let stability = match self.scf.status {
            ScfStatus::Minimum(stability) | ScfStatus::Saddle(stability) => stability,
            _ => Stability { internal_ha: f64::NAN, external_ha: None },
        };
        let vibrating = self.is_picked(|output| output.is_of_vibrations());
        let vibrating = vibrating.then(|| self.vibrating()).transpose()?;
        let mut entries = Vec::new();
        for output in &self.map.outputs {
            match self.map.simulation.output_kinds[*output] {
                Output::Energy => entries.push(self.scf.energy_ha()),
                Output::Dipole => entries.extend(core.dipole_moment(&density)),
                Output::Polarisability => {
                    let alpha = polarisability(self.field.builder(), &self.scf)?;
                    entries.extend_from_slice(alpha.as_flattened());
                }
                Output::SpinSquare => entries.push(self.scf.spin_square(core)),
                Output::Stability => entries.push(stability.internal_ha),
                Output::Unrestricted => entries.push(stability.external_ha.unwrap_or(f64::NAN)),
                Output::Levels(set) => {
                    entries.extend_from_slice(&self.scf.orbitals[set].energies_ha);
                }
                Output::Force(atom) => entries.extend(positions[atom].map(|g| -g)),
                Output::Mulliken(atom) => entries.push(mulliken[atom]),
                kind => {
                    let vibrating = vibrating.as_ref().ok_or_else(|| {
                        TrialFailure::Contract(
                            "vibrations are computed where they are picked".into(),
                        )
                    })?;
                    self.push_vibrational(kind, vibrating, &mut entries)?;
                }
            }
        }
        Ok(entries)
    }

    /// Second derivatives by the positions, and vibrations.
    fn vibrating(&self) -> Result<(SecondDerivatives, Vibrations), TrialFailure> {
        let simulation = &self.map.simulation;
        let options = &simulation.options;
        let second = simulation.second.at(&self.inputs, || {
            let functional = self.field.builder().two_electron().functional;
            let parameters = functional.map_or(&[] as &[f64], |f| f.parameters());
            let theory = (&options.theory, options.repulsion, parameters);
            second_derivatives(&self.field, &self.scf, &options.scf, theory)
        })?;
        let vibrations = Vibrations::new(&self.field.core().molecule, &second.hessian)?;
        Ok((second, vibrations))
    }

    fn push_vibrational(
        &self,
        kind: Output,
        (second, vibrations): &(SecondDerivatives, Vibrations),
        entries: &mut Vec<f64>,
    ) -> Result<(), TrialFailure> {
        match kind {
            Output::Hessian => entries.extend_from_slice(second.hessian.entries()),
            Output::Frequencies => entries.extend_from_slice(self.expected(vibrations)?),
            Output::Intensities => {
                self.expected(vibrations)?;
                let by_positions = &second.dipole_by_positions;
                entries.extend(vibrations.intensities_km_per_mol(by_positions));
            }
            _ => {
                let multiplicity = self.field.core().molecule.multiplicity();
                let conditions = &self.map.simulation.options.conditions;
                let thermo = vibrations.thermochemistry(multiplicity, conditions)?;
                let energy = self.scf.energy_ha();
                entries.push(match kind {
                    Output::ZeroPoint => thermo.zero_point_ha,
                    Output::Enthalpy => energy + thermo.enthalpy_ha,
                    Output::Entropy => thermo.entropy_ha_per_k,
                    _ => energy + thermo.gibbs_ha,
                });
            }
        }
        Ok(())
    }

    /// The frequencies, where there are as many as the molecule had when it was given.
    fn expected<'v>(&self, vibrations: &'v Vibrations) -> Result<&'v [f64], TrialFailure> {
        let found = &vibrations.frequencies_per_cm;
        let expected = number_of_vibrations(&self.map.simulation.molecule)?;
        if found.len() != expected {
            let why = format!(
                "the molecule has {} vibrations here and {expected} where it was given: it became linear, or ceased to be",
                found.len()
            );
            return Err(TrialFailure::OutOfDomain { why });
        }
        Ok(found)
    }

    /// Which derivatives are needed.
    fn wanted(&self) -> Inputs {
        let core = self.field.core();
        let first = FIXED_INPUTS + EACH * core.molecule.atoms().len();
        let shells = first..first + EACH * core.basis.shells().len();
        if self.map.inputs.iter().any(|input| shells.contains(input)) {
            Inputs::MoleculeAndBasis
        } else {
            Inputs::Molecule
        }
    }

    /// A gradient in the order of the picked inputs, and derivatives by the functional's parameters.
    fn picked(&self, gradient: &EnergyGradient, by_parameters: &[f64]) -> Vec<f64> {
        let atoms = gradient.positions.len();
        let shells = self.field.core().basis.shells().len();
        let mut entries = Vec::with_capacity(self.map.input_len());
        for input in &self.map.inputs {
            match input.checked_sub(FIXED_INPUTS) {
                None => entries.extend(gradient.electric_field),
                Some(at) if at < EACH * atoms => match at % EACH {
                    0 => entries.extend(gradient.positions[at / EACH]),
                    _ => entries.push(gradient.charges[at / EACH]),
                },
                Some(at) if at >= EACH * (atoms + shells) => {
                    entries.push(by_parameters[at - EACH * (atoms + shells)]);
                }
                Some(at) => {
                    let (shell, which) = ((at - EACH * atoms) / EACH, at % EACH);
                    let of = if which == 0 { &gradient.exponents } else { &gradient.coefficients };
                    entries.extend_from_slice(&of[shell]);
                }
            }
        }
        entries
    }

    /// What a cotangent of the picked outputs asks of the energy, and of everything else that answers.
    fn asked(&self, y_bar: &[f64]) -> Result<(f64, Option<Property<'_>>), ResponseError> {
        let mut energy = 0.0;
        let mut property = Property::zero(self.field.builder(), &self.scf);
        let mut mulliken = vec![0.0; self.field.core().molecule.atoms().len()];
        let (mut rest, mut responds) = (y_bar, false);
        for output in &self.map.outputs {
            let (bar, after) = rest.split_at(self.map.simulation.outputs[*output].len());
            rest = after;
            if bar.iter().all(|b| *b == 0.0) {
                continue;
            }
            let kind = &self.map.simulation.output_kinds[*output];
            responds |= *kind != Output::Energy;
            property = match *kind {
                Output::Dipole => property.with_dipole([bar[0], bar[1], bar[2]]),
                Output::SpinSquare => property.with_spin_square(bar[0]),
                Output::Levels(set) => property.with_levels(set, bar)?,
                _ => property,
            };
            match *kind {
                Output::Energy => energy = bar[0],
                Output::Mulliken(atom) => mulliken[atom] = bar[0],
                _ => {}
            }
        }
        Ok((energy, responds.then(|| property.with_mulliken(&mulliken))))
    }
}

impl Linearised for MoleculeRun<'_> {
    fn values(&self) -> &Values {
        &self.values
    }

    fn pullback(&self, cotangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        let inputs = self.wanted();
        let one = |y_bar: &&[f64]| {
            let (energy, property) = self.asked(y_bar)?;
            let mut x_bar = vec![0.0; self.map.input_len()];
            let mut add = |factor: f64, gradient: &EnergyGradient, by_parameters: &[f64]| {
                let entries = self.picked(gradient, by_parameters);
                x_bar.iter_mut().zip(entries).for_each(|(x, g)| *x += factor * g);
            };
            if energy != 0.0 {
                let by_parameters = self.field.by_parameters(&self.scf)?;
                add(energy, &self.field.gradient(&self.scf, inputs)?, &by_parameters);
            }
            if let Some(property) = property {
                let found = property.gradient(inputs)?;
                add(1.0, &found.by, &found.parameters);
            }
            Ok(x_bar)
        };
        cotangents.iter().map(one).collect()
    }

    fn pushforward(&self, tangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        let m = self.map.output_len();
        let mut rows = Vec::new();
        let mut first = 0;
        for output in &self.map.outputs {
            let quantity = &self.map.simulation.outputs[*output];
            if quantity.not_differentiable.is_none() {
                rows.extend(first..first + quantity.len());
            }
            first += quantity.len();
        }
        let unit =
            |row: usize| -> Vec<f64> { (0..m).map(|k| f64::from(u8::from(k == row))).collect() };
        let units: Vec<Vec<f64>> = rows.iter().map(|row| unit(*row)).collect();
        let cotangents: Vec<&[f64]> = units.iter().map(Vec::as_slice).collect();
        let jacobian = self.pullback(&cotangents)?;
        let one = |x_dot: &&[f64]| {
            let mut y_dot = vec![0.0; m];
            for (row, entries) in rows.iter().zip(&jacobian) {
                y_dot[*row] = entries.iter().zip(*x_dot).map(|(g, x)| g * x).sum();
            }
            y_dot
        };
        Ok(tangents.iter().map(one).collect())
    }
}
