//! The self-consistent field.
//!
//! Density mixing `n <- n + alpha_k (n_out - n)`, `alpha_k = alpha decay^k`, from the non-interacting density of the external
//! potential, linear or Anderson's (DIIS). With a decay below 1 the trajectory is that of Li et al. (2021): a fixed number of
//! steps whose late energies are trained on. With [`ScfOptions::tol_density`] it stops when density in and out agree.

use thiserror::Error;

use super::eigen::{EigenError, EigenOptions, EigenPairs, lowest_states};
use super::functional::Functional;
use super::grid::Grid;
use super::interaction::Interaction;
use super::kinetic::Stencil;
use super::mirror::Mirror;
use super::mixing::{History, mix};
use super::system::{System, SystemError};

/// Discretisation and interaction: what is the same for all systems of a study.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Model {
    /// The grid.
    pub grid: Grid,
    /// The kinetic stencil.
    pub stencil: Stencil,
    /// The interaction.
    pub interaction: Interaction,
}

impl Default for Model {
    /// The setting of Li et al. (2021).
    fn default() -> Self {
        Self { grid: Grid::PAPER, stencil: Stencil::FivePoint, interaction: Interaction::BAKER }
    }
}

/// Settings of [`self_consistent_field`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScfOptions {
    /// Most steps.
    pub steps: usize,
    /// First mixing fraction `alpha`, in `(0, 1]`.
    pub mixing: f64,
    /// Factor on the mixing fraction each step, in `(0, 1]`.
    pub mixing_decay: f64,
    /// Earlier steps that Anderson mixing combines; 0 mixes linearly.
    pub history: usize,
    /// Stop when `integral |n_out - n| dx` falls to this many electrons; never where 0.
    pub tol_density: f64,
    /// Enforce the mirror symmetry of systems that have it, on the density and on the functional.
    pub mirror_symmetric: bool,
    /// Settings of the eigen-solver.
    pub eigen: EigenOptions,
}

impl ScfOptions {
    /// The paper's trajectory: 15 steps, `alpha = 0.5`, decay 0.9, no stopping, mirror-symmetric.
    pub fn paper() -> Self {
        Self {
            steps: 15,
            mixing: 0.5,
            mixing_decay: 0.9,
            history: 0,
            tol_density: 0.0,
            mirror_symmetric: true,
            eigen: EigenOptions::default(),
        }
    }

    /// To convergence by Anderson mixing over 6 steps.
    pub fn converged() -> Self {
        let tol_density = 1e-9;
        Self {
            steps: 200,
            mixing: 0.4,
            mixing_decay: 1.0,
            history: 6,
            tol_density,
            ..Self::paper()
        }
    }

    /// Mixing fraction of step `index`.
    pub(super) fn fraction(&self, index: usize) -> f64 {
        self.mixing * self.mixing_decay.powi(i32::try_from(index).unwrap_or(i32::MAX))
    }
}

/// One step of the trajectory.
#[derive(Clone, Debug)]
pub struct ScfStep {
    /// Density that the potential was made of, `n` entries.
    pub density_in: Vec<f64>,
    /// Density of the orbitals, before mixing, `n` entries.
    pub density_out: Vec<f64>,
    /// Kohn-Sham potential in hartree, `n` entries.
    pub potential_ha: Vec<f64>,
    /// Occupied orbitals and guards.
    pub states: EigenPairs,
    /// Electronic energy of `density_out` in hartree, without the repulsion of the nuclei.
    pub energy_ha: f64,
    /// `integral |n_out - n_in| dx`.
    pub residual: f64,
}

/// How an SCF ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ScfStatus {
    /// Density in and out agree to the tolerance.
    Converged,
    /// The wanted number of steps was made, with no tolerance to meet.
    FixedSteps,
    /// The steps ran out before the tolerance was met.
    MaxSteps {
        /// `integral |n_out - n_in| dx` at the end.
        residual: f64,
    },
}

/// A trajectory.
#[derive(Clone, Debug)]
pub struct Scf {
    /// How it ended.
    pub status: ScfStatus,
    /// All steps; at least one.
    pub steps: Vec<ScfStep>,
    /// Density after the last mixing, `n` entries.
    pub density: Vec<f64>,
}

/// Above this density at the ends, in 1/bohr, the box cuts off what matters.
const EDGE_DENSITY: f64 = 1e-6;

/// Below this gap, in hartree, the orbitals may change places.
const SMALL_GAP_HA: f64 = 1e-4;

/// Why there is no trajectory.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ScfError {
    /// The eigen-solver failed.
    #[error("step {step}: {source}")]
    Eigen {
        /// Step, from 0.
        step: usize,
        /// Why.
        source: EigenError,
    },
    /// The system does not fit the grid.
    #[error(transparent)]
    System(#[from] SystemError),
    /// A setting is out of range.
    #[error("{setting} must be {range} (found {found})")]
    Setting {
        /// Its name.
        setting: &'static str,
        /// What it may be.
        range: &'static str,
        /// What it was.
        found: f64,
    },
}

impl Scf {
    /// Electronic energy of the last step in hartree.
    pub fn energy_ha(&self) -> f64 {
        self.last().energy_ha
    }

    /// The last step.
    pub fn last(&self) -> &ScfStep {
        &self.steps[self.steps.len() - 1]
    }

    /// Distance in hartree from the highest occupied to the lowest empty state.
    pub fn gap_ha(&self) -> f64 {
        let states = &self.last().states;
        states
            .energies_ha
            .get(states.wanted)
            .map_or(f64::INFINITY, |e| e - states.energies_ha[states.wanted - 1])
    }

    /// Density at the ends of the box in 1/bohr: the larger of both.
    pub fn edge_density(&self) -> f64 {
        self.density[0].abs().max(self.density[self.density.len() - 1].abs())
    }

    /// What makes a converged result doubtful; empty where nothing does.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.edge_density() > EDGE_DENSITY {
            warnings.push(format!(
                "the density at the edge of the box is {:.1e} per bohr, above {EDGE_DENSITY:.0e}: use more grid points",
                self.edge_density()
            ));
        }
        if self.gap_ha() < SMALL_GAP_HA {
            warnings.push(format!(
                "the gap is {:.1e} Ha, below {SMALL_GAP_HA:.0e}: occupations are uncertain and derivatives large",
                self.gap_ha()
            ));
        }
        warnings
    }

    /// What to do about an SCF that did not converge; empty where there is nothing to do.
    pub fn advice(&self) -> String {
        let ScfStatus::MaxSteps { residual } = self.status else { return String::new() };
        let falling =
            self.steps.len() < 3 || residual < 0.9 * self.steps[self.steps.len() - 3].residual;
        if falling {
            format!("still falling at {residual:.1e} electrons: allow more steps")
        } else if self.gap_ha() < 1e-3 {
            format!("the gap is {:.1e} Ha, occupations may swap: mix less than now", self.gap_ha())
        } else {
            format!("the density oscillates at {residual:.1e} electrons: mix less than now")
        }
    }
}

/// External potential and starting density of a system: what every SCF of it shares.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Occupations of the spatial orbitals.
    pub occupations: Vec<f64>,
    /// External potential in hartree, `n` entries.
    pub external_ha: Vec<f64>,
    /// Non-interacting ground-state density of the external potential, `n` entries.
    pub start: Vec<f64>,
    /// The system's mirror symmetry, where it has one.
    pub mirror: Option<Mirror>,
}

impl Prepared {
    /// The symmetry that an SCF with these settings enforces.
    pub(super) fn enforced(&self, options: &ScfOptions) -> Option<Mirror> {
        self.mirror.filter(|_| options.mirror_symmetric)
    }

    /// Prepares `system` on the grid of `model`.
    ///
    /// # Errors
    /// A nucleus outside the box, an eigen-solve that fails.
    pub fn new(model: &Model, system: &System) -> Result<Self, ScfError> {
        Self::with_occupations(model, system, system.restricted_occupations())
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
        system.check_inside(&model.grid)?;
        let external_ha = system.external_potential(&model.grid, model.interaction);
        let h = model.stencil.hamiltonian(&model.grid, &external_ha);
        let states = lowest_states(&h, occupations.len(), &[], &EigenOptions::default())
            .map_err(|source| ScfError::Eigen { step: 0, source })?;
        let start = density_of(&model.grid, &occupations, &states);
        Ok(Self { occupations, external_ha, start, mirror: Mirror::of(system, &model.grid) })
    }
}

/// `n_i = sum_k f_k phi_ki^2 / h`.
pub(super) fn density_of(grid: &Grid, occupations: &[f64], states: &EigenPairs) -> Vec<f64> {
    let mut density = vec![0.0; grid.points()];
    for (occupation, state) in occupations.iter().zip(&states.states) {
        let weight = occupation / grid.spacing_bohr();
        density.iter_mut().zip(state).for_each(|(n, phi)| *n += weight * phi * phi);
    }
    density
}

/// Runs the SCF of a prepared system.
///
/// # Errors
/// [`ScfError`]. Not converging is no error but a status: see [`Scf::advice`].
pub fn self_consistent_field(
    model: &Model,
    prepared: &Prepared,
    functional: &dyn Functional,
    options: &ScfOptions,
) -> Result<Scf, ScfError> {
    check(options)?;
    let mut density = prepared.start.clone();
    let mut steps: Vec<ScfStep> = Vec::with_capacity(options.steps);
    let mut residuals: Vec<Vec<f64>> = Vec::with_capacity(options.steps);
    let mut status = ScfStatus::FixedSteps;
    for index in 0..options.steps {
        let warm = steps.last().map_or(&[][..], |s| s.states.states.as_slice());
        let step = scf_step(model, prepared, functional, options, &density, warm)
            .map_err(|source| ScfError::Eigen { step: index, source })?;
        let residual = step.residual;
        residuals.push(difference(&step.density_out, &step.density_in));
        steps.push(step);
        density = mix(&history(&steps, &residuals), options.history, options.fraction(index));
        if options.tol_density > 0.0 {
            if residual <= options.tol_density {
                status = ScfStatus::Converged;
                break;
            }
            status = ScfStatus::MaxSteps { residual };
        }
    }
    Ok(Scf { status, steps, density })
}

/// `n_out - n_in`.
pub(super) fn difference(out: &[f64], density: &[f64]) -> Vec<f64> {
    out.iter().zip(density).map(|(o, n)| o - n).collect()
}

/// Densities and residuals of these steps.
pub(super) fn history<'a>(steps: &'a [ScfStep], residuals: &'a [Vec<f64>]) -> History<'a> {
    History {
        densities: steps.iter().map(|s| s.density_in.as_slice()).collect(),
        residuals: residuals.iter().map(Vec::as_slice).collect(),
    }
}

fn check(options: &ScfOptions) -> Result<(), ScfError> {
    let fraction = |setting, found: f64| {
        let inside = found > 0.0 && found <= 1.0;
        if inside { Ok(()) } else { Err(ScfError::Setting { setting, range: "in (0, 1]", found }) }
    };
    fraction("mixing", options.mixing)?;
    fraction("mixing_decay", options.mixing_decay)?;
    if options.steps == 0 {
        return Err(ScfError::Setting { setting: "steps", range: "at least 1", found: 0.0 });
    }
    Ok(())
}

fn scf_step(
    model: &Model,
    prepared: &Prepared,
    functional: &dyn Functional,
    options: &ScfOptions,
    density: &[f64],
    warm: &[Vec<f64>],
) -> Result<ScfStep, EigenError> {
    let Model { grid, stencil, interaction } = model;
    let hartree = interaction.hartree_potential(grid, density);
    let mirror = prepared.enforced(options);
    let xc = functional.evaluate(grid, density, mirror);
    let potential_ha: Vec<f64> = (0..grid.points())
        .map(|i| prepared.external_ha[i] + hartree[i] + xc.potential_ha[i])
        .collect();
    let h = stencil.hamiltonian(grid, &potential_ha);
    let states = lowest_states(&h, prepared.occupations.len(), warm, &options.eigen)?;
    let mut density_out = density_of(grid, &prepared.occupations, &states);
    if let Some(mirror) = mirror {
        mirror.symmetrise(&mut density_out);
    }
    let eigen_sum: f64 =
        prepared.occupations.iter().zip(&states.energies_ha).map(|(f, e)| f * e).sum();
    let hartree_out = interaction.hartree_potential(grid, &density_out);
    let (mut outside, mut residual) = (0.0, 0.0);
    for i in 0..grid.points() {
        outside += (prepared.external_ha[i] - potential_ha[i]) * density_out[i];
        residual += (density_out[i] - density[i]).abs();
    }
    let energy_ha = eigen_sum
        + outside * grid.spacing_bohr()
        + Interaction::hartree_energy(grid, &density_out, &hartree_out)
        + functional.energy(grid, &density_out, mirror);
    Ok(ScfStep {
        density_in: density.to_vec(),
        density_out,
        potential_ha,
        states,
        energy_ha,
        residual: residual * grid.spacing_bohr(),
    })
}

#[cfg(test)]
mod tests {
    use super::{Model, Prepared, ScfError, ScfOptions, ScfStatus, self_consistent_field};
    use crate::one_d::{Lda, System};

    #[test]
    fn lda_energies_match_another_scf() {
        // dft/peers/scf_lda.py: numpy 2.4.6, dense eigh, linear mixing to 1e-10 electrons
        let model = Model::default();
        for (separation, reference) in LDA_H2 {
            let prepared =
                Prepared::new(&model, &System::chain(2, 1.0, separation).unwrap()).unwrap();
            let scf =
                self_consistent_field(&model, &prepared, &Lda::default(), &ScfOptions::converged())
                    .unwrap();
            assert_eq!(scf.status, ScfStatus::Converged);
            assert!(
                (scf.energy_ha() - reference).abs() < 1e-9,
                "R {separation}: {} {reference}",
                scf.energy_ha()
            );
            assert!((model.grid.integral(&scf.density) - 2.0).abs() < 1e-12);
        }
    }

    const LDA_H2: [(f64, f64); 3] =
        [(1.28, -2.026503589750307), (3.84, -1.5177880171963603), (6.0, -1.3160986822840224)];

    #[test]
    fn stopping_short_is_an_outcome_with_advice() {
        let model = Model::default();
        let prepared = Prepared::new(&model, &System::chain(2, 1.0, 1.6).unwrap()).unwrap();
        let options = ScfOptions { steps: 3, ..ScfOptions::converged() };
        let scf = self_consistent_field(&model, &prepared, &Lda::default(), &options).unwrap();
        assert!(matches!(scf.status, ScfStatus::MaxSteps { residual } if residual > 1e-9));
        assert!(scf.advice().contains("more steps"), "{}", scf.advice());
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let model = Model::default();
        let prepared = Prepared::new(&model, &System::chain(2, 1.0, 1.6).unwrap()).unwrap();
        let run = |options| {
            self_consistent_field(&model, &prepared, &Lda::default(), &options).unwrap_err()
        };
        let paper = ScfOptions::paper();
        assert!(matches!(
            run(ScfOptions { mixing: 1.5, ..paper }),
            ScfError::Setting { setting: "mixing", .. }
        ));
        assert!(matches!(
            run(ScfOptions { steps: 0, ..paper }),
            ScfError::Setting { setting: "steps", .. }
        ));
    }
}
