//! The ground state of any few electrons, by the method that is exact for their number.

use thiserror::Error;

use crate::one_d::exact::ci_operator::MOST_ELECTRONS;
use crate::one_d::exact::full_ci::{FullCiError, FullCiOptions, full_ci};
use crate::one_d::exact::two_electrons::{ExactError, ExactOptions, GroundState, two_electrons};
use crate::one_d::field::scf::Model;
use crate::one_d::linear::eigen::{EigenError, EigenOptions, lowest_states};
use crate::one_d::system::{System, SystemError};

/// Why there is no reference.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ReferenceError {
    /// The system does not fit the grid.
    #[error(transparent)]
    System(#[from] SystemError),
    /// One electron.
    #[error(transparent)]
    OneElectron(#[from] EigenError),
    /// A singlet of two electrons.
    #[error(transparent)]
    Exact(#[from] ExactError),
    /// Other electrons.
    #[error(transparent)]
    FullCi(#[from] FullCiError),
}

/// The ground state: one electron by its Hamiltonian, a singlet of two on the product grid, else by full CI, whose estimated
/// error it states.
///
/// # Errors
/// [`ReferenceError`]; more than 4 electrons.
pub fn ground_state(model: &Model, system: &System) -> Result<GroundState, ReferenceError> {
    system.check_inside(&model.grid)?;
    match system.electrons_by_spin() {
        [1, 0] | [0, 1] => {
            let v = system.external_potential(&model.grid, model.interaction);
            let h = model.stencil.hamiltonian(&model.grid, &v);
            let found = lowest_states(&h, 1, &[], &EigenOptions::default())?;
            let density = |phi: &f64| phi * phi / model.grid.spacing_bohr();
            Ok(GroundState {
                energy_ha: found.energies_ha[0],
                density: found.states[0].iter().map(density).collect(),
                residual_ha: found.residual_ha,
                error_ha: 0.0,
                iterations: found.solves,
            })
        }
        [1, 1] => Ok(two_electrons(model, system, &ExactOptions::default())?),
        _ => Ok(full_ci(model, system, &FullCiOptions::default())?.ground),
    }
}

/// Memory in bytes that [`ground_state`] takes for so many electrons, and what it may take at most; a system that needs more is
/// refused before it is made.
pub fn ground_state_bytes(model: &Model, electrons_by_spin: [usize; 2]) -> (usize, usize) {
    let points = model.grid.points();
    match electrons_by_spin {
        [1, 0] | [0, 1] => (8 * 16 * points, usize::MAX),
        [1, 1] => (ExactOptions::default().bytes(points), ExactOptions::default().most_bytes),
        [up, down] => {
            let options = FullCiOptions::default();
            (options.bytes(points, (up + down).min(MOST_ELECTRONS)), options.most_bytes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ground_state, ground_state_bytes};
    use crate::one_d::{Grid, Model, System};

    #[test]
    fn every_number_of_electrons_has_its_method() {
        let model = Model { grid: Grid::new(101, 0.2).unwrap(), ..Model::default() };
        let mut energies = Vec::new();
        for electrons in 1..=3 {
            let atom = System::molecule(&[(0.0, 4.0)], electrons).unwrap();
            let state = ground_state(&model, &atom).unwrap();
            assert!((model.grid.integral(&state.density) - electrons as f64).abs() < 1e-9);
            assert_eq!(state.error_ha > 0.0, electrons > 2);
            energies.push(state.energy_ha);
        }
        assert!(energies.windows(2).all(|e| e[1] < e[0]), "each electron is bound: {energies:?}");
        assert!(ground_state(&model, &System::molecule(&[(0.0, 6.0)], 6).unwrap()).is_err());
    }

    #[test]
    fn what_does_not_fit_in_memory_is_refused_before_it_is_made() {
        let model = Model { grid: Grid::new(8001, 0.01).unwrap(), ..Model::default() };
        for (electrons, spins) in [(2, [1, 1]), (3, [2, 1]), (4, [2, 2])] {
            let (bytes, most) = ground_state_bytes(&model, spins);
            assert!(bytes > most, "{electrons}");
            let atom = System::molecule(&[(0.0, 4.0)], electrons).unwrap();
            let refused = ground_state(&model, &atom).unwrap_err().to_string();
            assert!(refused.contains(&format!("{} MB", bytes / 1_000_000)), "{refused}");
        }
        let (bytes, most) = ground_state_bytes(&model, [1, 0]);
        assert!(bytes < most);
    }
}
