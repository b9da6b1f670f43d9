//! What an SCF of a system starts from.

use crate::one_d::field::scf::{Model, ScfError, ScfOptions, channel_states, density_of};
use crate::one_d::linear::eigen::EigenOptions;
use crate::one_d::mirror::Mirror;
use crate::one_d::system::System;

/// External potential and starting density of a system: what every SCF of it shares.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Occupations of the orbitals of each spin channel: of spatial orbitals, or of spin up and of spin down.
    pub occupations: Vec<Vec<f64>>,
    /// External potential in hartree, `n` entries.
    pub external_ha: Vec<f64>,
    /// Non-interacting ground-state density of the external potential, `channels x n`.
    pub start: Vec<f64>,
    /// The system's mirror symmetry, where it has one.
    pub mirror: Option<Mirror>,
}

impl Prepared {
    /// The symmetry that an SCF with these settings enforces.
    pub(in crate::one_d) fn enforced(&self, options: &ScfOptions) -> Option<Mirror> {
        self.mirror.filter(|_| options.mirror_symmetric)
    }

    /// Number of spin channels: 1, or 2 where the spins have orbitals of their own.
    pub fn channels(&self) -> usize {
        self.occupations.len()
    }

    /// Prepares `system` on the grid of `model`, both spins in the same orbitals.
    ///
    /// # Errors
    /// A nucleus outside the box, an eigen-solve that fails.
    pub fn new(model: &Model, system: &System) -> Result<Self, ScfError> {
        Self::with_occupations(model, system, system.restricted_occupations())
    }

    /// Prepares `system` with orbitals of their own for spin up and spin down.
    ///
    /// # Errors
    /// As [`Prepared::new`].
    pub fn polarised(model: &Model, system: &System) -> Result<Self, ScfError> {
        let full = |count: usize| vec![1.0; count];
        Self::in_channels(model, system, system.electrons_by_spin().map(full).to_vec())
    }

    /// Prepares `system` with these occupations of the lowest orbitals instead of the system's own; they may be fractions.
    ///
    /// # Errors
    /// An occupation outside `[0, 2]` or none above 0; as [`Prepared::new`].
    pub fn with_occupations(
        model: &Model,
        system: &System,
        occupations: Vec<f64>,
    ) -> Result<Self, ScfError> {
        let setting = "occupation";
        if let Some(&found) = occupations.iter().find(|f| !(0.0..=2.0).contains(*f)) {
            return Err(ScfError::Setting { setting, range: "in [0, 2]", found });
        }
        let found: f64 = occupations.iter().sum();
        if found <= 0.0 {
            return Err(ScfError::Setting { setting: "electrons", range: "above 0", found });
        }
        Self::in_channels(model, system, vec![occupations])
    }

    /// Prepares `system` with a potential in hartree (`n` entries) beside that of its nuclei, both spins in the same orbitals.
    ///
    /// # Errors
    /// A potential of another length or one that is not finite; as [`Prepared::new`].
    pub fn in_potential(
        model: &Model,
        system: &System,
        potential_ha: &[f64],
    ) -> Result<Self, ScfError> {
        let refuse = |range, found| {
            Err(ScfError::Setting { setting: "the potential beside the nuclei", range, found })
        };
        if potential_ha.len() != model.grid.points() {
            return refuse("one number for each grid point", potential_ha.len() as f64);
        }
        if let Some(found) = potential_ha.iter().find(|v| !v.is_finite()) {
            return refuse("finite", *found);
        }
        if potential_ha.iter().all(|v| *v == 0.0) {
            return Self::new(model, system);
        }
        let mut external_ha = system.external_potential(&model.grid, model.interaction);
        external_ha.iter_mut().zip(potential_ha).for_each(|(v, beside)| *v += beside);
        let occupations = vec![system.restricted_occupations()];
        Self::in_external(model, system, occupations, external_ha, None)
    }

    fn in_channels(
        model: &Model,
        system: &System,
        occupations: Vec<Vec<f64>>,
    ) -> Result<Self, ScfError> {
        let external_ha = system.external_potential(&model.grid, model.interaction);
        let mirror = Mirror::of(system, &model.grid);
        Self::in_external(model, system, occupations, external_ha, mirror)
    }

    fn in_external(
        model: &Model,
        system: &System,
        occupations: Vec<Vec<f64>>,
        external_ha: Vec<f64>,
        mirror: Option<Mirror>,
    ) -> Result<Self, ScfError> {
        system.check_inside(&model.grid)?;
        let mut start = Vec::new();
        for channel in &occupations {
            let states =
                channel_states(model, &external_ha, channel, &[], &EigenOptions::default())
                    .map_err(|source| ScfError::Eigen { step: 0, source })?;
            start.extend(density_of(&model.grid, channel, &states));
        }
        Ok(Self { occupations, external_ha, start, mirror })
    }
}
