//! Second derivatives of a molecule's energy by its positions, by whichever way its theory has.

use std::sync::{Arc, Mutex, PoisonError};

use cotangent_problem::TrialFailure;

use crate::molecule::gradient::Inputs;
use crate::molecule::hessian::SecondDerivatives;
use crate::molecule::integrals::repulsion::store::RepulsionOptions;
use crate::molecule::response::dipole_response;
use crate::molecule::scf::{Core, Scf, ScfOptions, StabilityCheck, Start, self_consistent_field};
use crate::molecule::theory::{MeanField, Theory};
use crate::molecule::vibrations::hessian_by_differences;

/// What was last computed, and at which values of all inputs. One set of second derivatives takes minutes and several ask for the same: terms, goals and
/// pictures of one answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory(Arc<Mutex<Option<Known>>>);

/// Second derivatives, and the bits of the values that they were found at.
type Known = (Vec<u64>, SecondDerivatives);

impl Memory {
    /// What is known at these values, or is found now.
    pub(super) fn at(
        &self,
        values: &[Vec<f64>],
        find: impl FnOnce() -> Result<SecondDerivatives, TrialFailure>,
    ) -> Result<SecondDerivatives, TrialFailure> {
        let key: Vec<u64> = values.iter().flatten().map(|x| x.to_bits()).collect();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.as_ref() {
            Some((known, found)) if *known == key => Ok(found.clone()),
            _ => {
                let found = find()?;
                *kept = Some((key, found.clone()));
                Ok(found)
            }
        }
    }
}

/// How fields near a field are made: from its orbitals, and as tight as second derivatives need.
fn tight(scf: &Scf, options: &ScfOptions) -> ScfOptions {
    ScfOptions {
        start: Start::Orbitals(scf.orbitals.clone()),
        tol_energy_ha: options.tol_energy_ha.min(1e-10),
        tol_gradient_ha: options.tol_gradient_ha.min(1e-9),
        stability: StabilityCheck::Off,
        follow_down: false,
        ..options.clone()
    }
}

/// Second derivatives of the energy of a field, and what its dipole moment does meanwhile: of Hartree-Fock by response, of Kohn-Sham by
/// differences of analytic forces.
///
/// # Errors
/// A field that does not converge, and a response that does not exist.
pub(in crate::molecule) fn second_derivatives(
    field: &MeanField,
    scf: &Scf,
    options: &ScfOptions,
    (theory, repulsion, parameters): (&Theory, RepulsionOptions, &[f64]),
) -> Result<SecondDerivatives, TrialFailure> {
    let options = tight(scf, options);
    let scf = self_consistent_field(field.builder(), scf.reference, &options)?;
    if let MeanField::HartreeFock(builder) = field {
        return Ok(SecondDerivatives::hartree_fock(builder, &scf)?);
    }
    let core = field.core();
    let hessian = hessian_by_differences(&core.molecule, |positions| {
        let molecule = core
            .molecule
            .with_positions(positions)
            .map_err(|error| TrialFailure::OutOfDomain { why: error.to_string() })?;
        let moved = Core::new(&molecule, &core.basis, core.electric_field)?;
        let field = theory.mean_field(moved, repulsion, parameters)?;
        let scf = self_consistent_field(field.builder(), scf.reference, &tight(&scf, &options))?;
        Ok::<_, TrialFailure>(field.gradient(&scf, Inputs::Molecule)?.positions)
    })?;
    let dipole_by_positions = dipole_response(field.builder(), &scf)?.by_positions;
    Ok(SecondDerivatives { hessian, dipole_by_positions })
}
