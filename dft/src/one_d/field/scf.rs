//! The self-consistent field.
//!
//! Density mixing `n <- n + alpha_k (n_out - n)`, `alpha_k = alpha decay^k`, from the non-interacting density of the external
//! potential, linear or Anderson's (DIIS). With a decay below 1 the trajectory is that of Li et al. (2021): a fixed number of
//! steps whose late energies are trained on. With [`ScfOptions::tol_density`] it stops when density in and out agree.

use thiserror::Error;

use crate::one_d::field::mixing::{History, mix};
use crate::one_d::field::prepared::Prepared;
use crate::one_d::functional::{Functional, Kept};
use crate::one_d::grid::Grid;
use crate::one_d::interaction::Interaction;
use crate::one_d::kinetic::Stencil;
use crate::one_d::linear::eigen::{EigenError, EigenOptions, EigenPairs, lowest_states};
use crate::one_d::system::SystemError;

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
    /// First step whose energy is computed, from 0; the last step always has one. What is asked of the late steps alone saves the
    /// energies of the others.
    pub energies_from: usize,
    /// Keep of each step what the functional's adjoint would compute again: for a trajectory that is to be reversed.
    pub keep: bool,
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
            energies_from: 0,
            keep: false,
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
    pub(in crate::one_d) fn fraction(&self, index: usize) -> f64 {
        self.mixing * self.mixing_decay.powi(i32::try_from(index).unwrap_or(i32::MAX))
    }
}

/// One step of the trajectory.
#[derive(Clone, Debug)]
pub struct ScfStep {
    /// Density that the potential was made of, `channels x n`.
    pub density_in: Vec<f64>,
    /// Density of the orbitals, before mixing, `channels x n`.
    pub density_out: Vec<f64>,
    /// Kohn-Sham potential in hartree, `channels x n`.
    pub potential_ha: Vec<f64>,
    /// Occupied orbitals of each channel.
    pub states: Vec<EigenPairs>,
    /// Electronic energy of `density_out` in hartree, without the repulsion of the nuclei; where it was computed.
    pub energy_ha: Option<f64>,
    /// `integral |n_out - n_in| dx`.
    pub residual: f64,
    /// Of the functional's evaluation at `density_in`, where that was to be kept.
    pub kept: Kept,
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
    /// Density after the last mixing, `channels x n`.
    pub density: Vec<f64>,
    /// Spin channels: 1, or 2 for spin up and spin down.
    pub channels: usize,
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
    /// The functional is not one of this number of densities.
    #[error(
        "the functional cannot take {channels} spin channel(s); a spin-polarised system needs a spin-adapted functional, a restricted one a functional of the density"
    )]
    Channels {
        /// Spin channels of the system.
        channels: usize,
    },
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
        self.last().energy_ha.unwrap_or_else(|| unreachable!("the last step has its energy"))
    }

    /// The last step.
    pub fn last(&self) -> &ScfStep {
        &self.steps[self.steps.len() - 1]
    }

    /// Distance in hartree from the highest occupied to the lowest empty state of the last potential: the least of the spin
    /// channels, infinite where the grid holds no other state. The empty state is solved for here.
    pub fn gap_ha(&self, model: &Model) -> f64 {
        let ScfStep { potential_ha, states, .. } = self.last();
        let of_channel = |(v, occupied): (&[f64], &EigenPairs)| {
            let h = model.stencil.hamiltonian(&model.grid, v);
            let count = occupied.states.len();
            let with_empty = lowest_states(&h, count + 1, &[], &EigenOptions::default()).ok()?;
            Some(with_empty.energies_ha[count] - occupied.energies_ha.last()?)
        };
        let channels = potential_ha.chunks_exact(model.grid.points()).zip(states);
        channels.filter_map(of_channel).fold(f64::INFINITY, f64::min)
    }

    /// Density of both spins together after the last mixing, `n` entries.
    pub fn total_density(&self) -> Vec<f64> {
        total(self.channels, &self.density)
    }

    /// Density of spin up minus that of spin down, `n` entries; zero where the spins are not told apart.
    pub fn spin_density(&self) -> Vec<f64> {
        let n = self.density.len() / self.channels;
        let (up, down) = self.density.split_at(n);
        if down.is_empty() { vec![0.0; n] } else { difference(up, down) }
    }

    /// Density at the ends of the box in 1/bohr: the larger of both.
    pub fn edge_density(&self) -> f64 {
        let density = self.total_density();
        density[0].abs().max(density[density.len() - 1].abs())
    }

    /// What makes a converged result doubtful; empty where nothing does.
    pub fn warnings(&self, model: &Model) -> Vec<String> {
        let (mut warnings, gap_ha) = (Vec::new(), self.gap_ha(model));
        if self.edge_density() > EDGE_DENSITY {
            warnings.push(format!(
                "the density at the edge of the box is {:.1e} per bohr, above {EDGE_DENSITY:.0e}: use more grid points",
                self.edge_density()
            ));
        }
        if gap_ha < SMALL_GAP_HA {
            warnings.push(format!(
                "the gap is {gap_ha:.1e} Ha, below {SMALL_GAP_HA:.0e}: occupations are uncertain and derivatives large"
            ));
        }
        warnings
    }

    /// What to do about an SCF that did not converge; empty where there is nothing to do.
    pub fn advice(&self, model: &Model) -> String {
        let ScfStatus::MaxSteps { residual } = self.status else { return String::new() };
        let falling =
            self.steps.len() < 3 || residual < 0.9 * self.steps[self.steps.len() - 3].residual;
        if falling {
            return format!("still falling at {residual:.1e} electrons: allow more steps");
        }
        let gap_ha = self.gap_ha(model);
        if gap_ha < 1e-3 {
            format!(
                "the gap is {gap_ha:.1e} Ha, occupations may swap: mix less than now, or minimise the energy directly"
            )
        } else {
            format!(
                "the density oscillates at {residual:.1e} electrons: mix less than now, or minimise the energy directly"
            )
        }
    }
}

/// The occupied orbitals of one channel.
pub(in crate::one_d) fn channel_states(
    model: &Model,
    potential: &[f64],
    occupations: &[f64],
    warm: &[Vec<f64>],
    options: &EigenOptions,
) -> Result<EigenPairs, EigenError> {
    if occupations.is_empty() {
        return Ok(EigenPairs::none());
    }
    let h = model.stencil.hamiltonian(&model.grid, potential);
    lowest_states(&h, occupations.len(), warm, options)
}

/// The sum over channels.
pub(in crate::one_d) fn total(channels: usize, density: &[f64]) -> Vec<f64> {
    let n = density.len() / channels;
    let mut sum = density[..n].to_vec();
    for channel in density[n..].chunks_exact(n) {
        sum.iter_mut().zip(channel).for_each(|(s, x)| *s += x);
    }
    sum
}

/// `n_i = sum_k f_k phi_ki^2 / h`.
pub(in crate::one_d) fn density_of(
    grid: &Grid,
    occupations: &[f64],
    states: &EigenPairs,
) -> Vec<f64> {
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
    check(options, functional, prepared)?;
    let mut iteration = Iteration::start(prepared);
    let mut steps: Vec<ScfStep> = Vec::with_capacity(options.steps);
    let mut status = ScfStatus::FixedSteps;
    for index in 0..options.steps {
        let step = iteration.advance(model, prepared, functional, options, index)?;
        let residual = step.residual;
        steps.push(step);
        if options.tol_density > 0.0 {
            if residual <= options.tol_density {
                status = ScfStatus::Converged;
                break;
            }
            status = ScfStatus::MaxSteps { residual };
        }
    }
    if let Some(last) = steps.last_mut() {
        let energy_ha = || step_energy(model, prepared, functional, options, last);
        last.energy_ha = Some(last.energy_ha.unwrap_or_else(energy_ha));
    }
    Ok(Scf { status, steps, density: iteration.density, channels: prepared.channels() })
}

/// What the steps to come depend on: all that a checkpoint keeps.
#[derive(Clone, Debug)]
pub(in crate::one_d) struct Iteration {
    /// The density that the next potential is made of.
    pub density: Vec<f64>,
    /// Densities and residuals of the latest steps, as many as mixing looks back.
    latest: Vec<(Vec<f64>, Vec<f64>)>,
    /// Orbitals of the latest step.
    warm: Vec<EigenPairs>,
}

impl Iteration {
    pub(in crate::one_d) fn start(prepared: &Prepared) -> Self {
        Self { density: prepared.start.clone(), latest: Vec::new(), warm: Vec::new() }
    }

    /// Step `index`, after which the state is that of the next.
    pub(in crate::one_d) fn advance(
        &mut self,
        model: &Model,
        prepared: &Prepared,
        functional: &dyn Functional,
        options: &ScfOptions,
        index: usize,
    ) -> Result<ScfStep, ScfError> {
        let mut step = scf_step(model, prepared, functional, options, &self.density, &self.warm)
            .map_err(|source| ScfError::Eigen { step: index, source })?;
        if index >= options.energies_from {
            step.energy_ha = Some(step_energy(model, prepared, functional, options, &step));
        }
        let residual = difference(&step.density_out, &step.density_in);
        self.latest.push((step.density_in.clone(), residual));
        if self.latest.len() > options.history + 1 {
            self.latest.remove(0);
        }
        self.density = mix(&self.history(), options.history, options.fraction(index));
        self.warm.clone_from(&step.states);
        Ok(step)
    }

    /// Densities and residuals that the latest mixing used.
    pub(in crate::one_d) fn history(&self) -> History<'_> {
        let (densities, residuals) =
            self.latest.iter().map(|(n, f)| (n.as_slice(), f.as_slice())).unzip();
        History { densities, residuals }
    }
}

/// `n_out - n_in`.
pub(in crate::one_d) fn difference(out: &[f64], density: &[f64]) -> Vec<f64> {
    out.iter().zip(density).map(|(o, n)| o - n).collect()
}

/// Densities and residuals of these steps.
pub(in crate::one_d) fn history<'a>(
    steps: &'a [ScfStep],
    residuals: &'a [Vec<f64>],
) -> History<'a> {
    History {
        densities: steps.iter().map(|s| s.density_in.as_slice()).collect(),
        residuals: residuals.iter().map(Vec::as_slice).collect(),
    }
}

/// Whether settings, functional and system fit each other.
pub(in crate::one_d) fn check(
    options: &ScfOptions,
    functional: &dyn Functional,
    prepared: &Prepared,
) -> Result<(), ScfError> {
    let channels = prepared.channels();
    if !functional.takes(channels) {
        return Err(ScfError::Channels { channels });
    }
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

/// The step that this density makes, from no other, with its energy.
pub(in crate::one_d) fn fixed_density_step(
    model: &Model,
    prepared: &Prepared,
    functional: &dyn Functional,
    options: &ScfOptions,
    density: &[f64],
) -> Result<ScfStep, EigenError> {
    let mut step = scf_step(model, prepared, functional, options, density, &[])?;
    step.energy_ha = Some(step_energy(model, prepared, functional, options, &step));
    Ok(step)
}

/// `sum f e + int (v_ext - v) n_out + U[n_out] + E_xc[n_out]`.
fn step_energy(
    model: &Model,
    prepared: &Prepared,
    functional: &dyn Functional,
    options: &ScfOptions,
    step: &ScfStep,
) -> f64 {
    let Model { grid, interaction, .. } = model;
    let (n, out) = (grid.points(), &step.density_out);
    let total_out = total(prepared.channels(), out);
    let hartree = interaction.hartree_potential(grid, &total_out);
    let of_channel = |(f, s): (&Vec<f64>, &EigenPairs)| {
        f.iter().zip(&s.energies_ha).map(|(f, e)| f * e).sum::<f64>()
    };
    let eigen_sum: f64 = prepared.occupations.iter().zip(&step.states).map(of_channel).sum();
    let outside: f64 =
        (0..out.len()).map(|k| (prepared.external_ha[k % n] - step.potential_ha[k]) * out[k]).sum();
    eigen_sum
        + outside * grid.spacing_bohr()
        + Interaction::hartree_energy(grid, &total_out, &hartree)
        + functional.energy(grid, out, prepared.enforced(options))
}

fn scf_step(
    model: &Model,
    prepared: &Prepared,
    functional: &dyn Functional,
    options: &ScfOptions,
    density: &[f64],
    warm: &[EigenPairs],
) -> Result<ScfStep, EigenError> {
    let Model { grid, interaction, .. } = model;
    let (n, channels) = (grid.points(), prepared.channels());
    let hartree = interaction.hartree_potential(grid, &total(channels, density));
    let mirror = prepared.enforced(options);
    let (xc, kept) = if options.keep {
        functional.evaluate_and_keep(grid, density, mirror)
    } else {
        (functional.evaluate(grid, density, mirror), Kept::default())
    };
    let potential_ha: Vec<f64> = (0..channels * n)
        .map(|k| prepared.external_ha[k % n] + hartree[k % n] + xc.potential_ha[k])
        .collect();
    let mut states = Vec::with_capacity(channels);
    let mut density_out = Vec::with_capacity(channels * n);
    for (c, occupations) in prepared.occupations.iter().enumerate() {
        let warm = warm.get(c).map_or(&[][..], |s| s.states.as_slice());
        let potential = &potential_ha[c * n..(c + 1) * n];
        let found = channel_states(model, potential, occupations, warm, &options.eigen)?;
        let mut density = density_of(grid, occupations, &found);
        if let Some(mirror) = mirror {
            mirror.symmetrise(&mut density);
        }
        density_out.extend(density);
        states.push(found);
    }
    let moved: f64 = density_out.iter().zip(density).map(|(out, n)| (out - n).abs()).sum();
    Ok(ScfStep {
        density_in: density.to_vec(),
        density_out,
        potential_ha,
        states,
        energy_ha: None,
        residual: moved * grid.spacing_bohr(),
        kept,
    })
}

#[cfg(test)]
mod tests;
