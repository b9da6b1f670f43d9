//! From a start to a self-consistent field, and what is to be said of it.

use thiserror::Error;

use crate::molecule::matrix::Matrix;
use crate::molecule::scf::core::Core;
use crate::molecule::scf::diis::Diis;
use crate::molecule::scf::fock::{Energies, FockBuilder};
use crate::molecule::scf::guess::superposition_of_atoms;
use crate::molecule::scf::newton::{State, largest_entry, minimise};
use crate::molecule::scf::orbitals::{Orbitals, Reference};
use crate::molecule::scf::rotation::{Rotation, Symmetry, rotated};
use crate::molecule::scf::stability::{Stability, StabilityCheck, lowest};

/// Where the iteration starts.
#[derive(Clone, Debug, Default)]
pub enum Start {
    /// A sum of atoms.
    #[default]
    Atoms,
    /// The orbitals of the core Hamiltonian.
    CoreHamiltonian,
    /// Given orbitals, of another geometry perhaps: they are made orthonormal.
    Orbitals(Vec<Orbitals>),
}

/// How the field is made self-consistent.
#[derive(Clone, Debug)]
pub struct ScfOptions {
    /// Where it starts.
    pub start: Start,
    /// Change of the energy below which it may have converged, hartree.
    pub tol_energy_ha: f64,
    /// Largest entry of the gradient `F_ai` between occupied and empty orbitals at which it has converged, hartree.
    pub tol_gradient_ha: f64,
    /// Iterations of DIIS before the second-order method takes over.
    pub max_diis: usize,
    /// Steps of the second-order method.
    pub max_newton: usize,
    /// By how much empty orbitals are raised in DIIS iterations, hartree: damps an oscillation, and slows down.
    pub level_shift_ha: f64,
    /// Whether the result is tested for stability.
    pub stability: StabilityCheck,
    /// Whether an instability within the kind of orbitals is followed down.
    pub follow_down: bool,
}

impl Default for ScfOptions {
    fn default() -> Self {
        Self {
            start: Start::Atoms,
            tol_energy_ha: 1e-9,
            tol_gradient_ha: 1e-6,
            max_diis: 50,
            max_newton: 50,
            level_shift_ha: 0.0,
            stability: StabilityCheck::On,
            follow_down: false,
        }
    }
}

/// Times that an instability is followed down.
const DESCENTS: usize = 4;

/// Which step was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Diagonalisation of an extrapolated Fock matrix.
    Diis,
    /// A Newton step of the orbitals.
    Newton,
    /// A step along an instability.
    Descent,
}

/// An iteration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Iteration {
    /// How it was made.
    pub method: Method,
    /// The total energy, hartree.
    pub energy_ha: f64,
    /// The largest entry of `F_ai`, hartree.
    pub gradient_ha: f64,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ScfStatus {
    /// Stationary, and not tested for more.
    Stationary,
    /// A minimum: stable against rotations of its kind of orbitals.
    Minimum(Stability),
    /// Stationary, but no minimum.
    Saddle(Stability),
    /// Not stationary.
    NotConverged {
        /// The largest entry of `F_ai`, hartree.
        gradient_ha: f64,
    },
}

/// A self-consistent field, or how far it came.
#[derive(Clone, Debug)]
pub struct Scf {
    /// Whether spins share orbitals.
    pub reference: Reference,
    /// The orbitals: one set or two.
    pub orbitals: Vec<Orbitals>,
    /// Fock matrices of these orbitals, hartree.
    pub fock: Vec<Matrix>,
    /// The energy.
    pub energies: Energies,
    /// How it ended.
    pub status: ScfStatus,
    /// What was done.
    pub iterations: Vec<Iteration>,
}

/// What stops a field before it has an energy.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ScfError {
    /// A matrix is not finite.
    #[error("the Fock matrix is not finite after {iterations} iterations")]
    NonFinite {
        /// Iterations that were made.
        iterations: usize,
    },
    /// Spins that share orbitals must be equal.
    #[error(
        "{up} electrons of spin up and {down} of spin down cannot share orbitals: take unrestricted ones"
    )]
    OpenShell {
        /// Electrons of spin up.
        up: usize,
        /// Electrons of spin down.
        down: usize,
    },
    /// Orbitals to start from do not fit.
    #[error(
        "the orbitals to start from are of another basis, another number of electrons, or another kind"
    )]
    StartDoesNotFit,
}

impl Scf {
    /// The total energy, hartree.
    pub fn energy_ha(&self) -> f64 {
        self.energies.total_ha()
    }

    /// Whether it is stationary.
    pub fn is_stationary(&self) -> bool {
        !matches!(self.status, ScfStatus::NotConverged { .. })
    }

    /// Density matrices of one spin, by set of orbitals.
    pub fn densities(&self) -> Vec<Matrix> {
        self.orbitals.iter().map(Orbitals::density).collect()
    }

    /// The density matrix of all electrons.
    pub fn total_density(&self) -> Matrix {
        total(&self.densities())
    }

    /// `<S^2> = S_z (S_z + 1) + N_down - sum_ij |<i_up|S|j_down>|^2`.
    pub fn spin_square(&self, core: &Core) -> f64 {
        let [up, down] = core.molecule.electrons();
        let half = 0.5 * (up - down) as f64;
        let [first, last] = [&self.orbitals[0], &self.orbitals[self.orbitals.len() - 1]];
        let overlap = first.occupied_coefficients().transposed();
        let overlap = overlap.times(&core.overlap).times(&last.occupied_coefficients());
        half * (half + 1.0) + down as f64 - overlap.dot(&overlap)
    }

    /// What to do about a field that is no minimum, or nothing.
    pub fn advice(&self) -> Option<String> {
        match self.status {
            ScfStatus::NotConverged { gradient_ha } => {
                let other = match self.reference {
                    Reference::Restricted => "take unrestricted orbitals",
                    Reference::Unrestricted => {
                        "start from the core Hamiltonian, or from another multiplicity if this one was a guess"
                    }
                };
                Some(format!(
                    "the field did not converge: the largest orbital gradient is {gradient_ha:.1e} Ha after {} iterations; allow \
                     more of them, raise the empty levels by 0.3 Ha, start from the orbitals of a nearby geometry, or {other}",
                    self.iterations.len()
                ))
            }
            ScfStatus::Saddle(stability) => Some(format!(
                "stationary, but no minimum: a rotation of the orbitals has the curvature {:.2e} Ha; follow it down: set follow_down of its options \
                 (scf.follow_down of a scenario)",
                stability.internal_ha
            )),
            ScfStatus::Minimum(stability) if stability.spins_want_to_differ() => Some(format!(
                "a minimum among restricted orbitals only: unrestricted ones have a lower energy (curvature {:.2e} Ha)",
                stability.external_ha.unwrap_or(0.0)
            )),
            ScfStatus::Minimum(_) | ScfStatus::Stationary => None,
        }
    }
}

/// Of both spins.
fn total(densities: &[Matrix]) -> Matrix {
    let mut sum = densities[0].clone();
    sum.add(1.0, &densities[densities.len() - 1]);
    sum
}

/// Makes a field self-consistent.
///
/// # Errors
/// [`ScfError`]. A field that does not converge is no error: see [`ScfStatus`].
pub fn self_consistent_field(
    builder: &dyn FockBuilder,
    reference: Reference,
    options: &ScfOptions,
) -> Result<Scf, ScfError> {
    let [up, down] = builder.core().molecule.electrons();
    if reference == Reference::Restricted && up != down {
        return Err(ScfError::OpenShell { up, down });
    }
    let mut iterations = Vec::new();
    let orbitals = start(builder, reference, options)?;
    let (mut state, mut gradient) = diis(builder, orbitals, options, &mut iterations)?;
    if gradient > options.tol_gradient_ha {
        (state, gradient) = newton(builder, state, options, &mut iterations);
    }
    let mut status = verdict(builder, &state, gradient, options);
    for _ in 0..DESCENTS {
        let (ScfStatus::Saddle(_), true) = (status, options.follow_down) else { break };
        let Some((_, mode)) = lowest(&state.point(builder), Symmetry::Own) else { break };
        state = along(builder, &state, &mode).unwrap_or(state);
        iterations.push(Iteration {
            method: Method::Descent,
            energy_ha: state.energy_ha(),
            gradient_ha: largest_entry(&state.point(builder).gradient()),
        });
        (state, gradient) = newton(builder, state, options, &mut iterations);
        status = verdict(builder, &state, gradient, options);
    }
    let (orbitals, field) = (state.orbitals, state.field);
    let (fock, energies) = (field.fock, field.energies);
    Ok(Scf { reference, orbitals, fock, energies, status, iterations })
}

/// Unrestricted orbitals from restricted ones that are not stable against it, spin up turned one way and spin down the other along the
/// instability; to go on from. `None` where there is no instability.
pub fn with_spins_apart(builder: &dyn FockBuilder, scf: &Scf) -> Option<Start> {
    let (Reference::Restricted, [orbitals]) = (scf.reference, scf.orbitals.as_slice()) else {
        return None;
    };
    let state = State::new(builder, std::slice::from_ref(orbitals), None)?;
    let (value, mode) = lowest(&state.point(builder), Symmetry::Opposite)?;
    if value > crate::molecule::scf::stability::UNSTABLE_HA {
        return None;
    }
    let overlap = &builder.core().overlap;
    let turned = |angle: f64| {
        let step: Rotation = mode.iter().map(|x| angle * x).collect();
        rotated(&state.orbitals, &step, overlap).remove(0)
    };
    Some(Start::Orbitals(vec![turned(0.5), turned(-0.5)]))
}

/// The state along a mode, on either side, that has the lowest energy.
fn along(builder: &dyn FockBuilder, state: &State, mode: &[f64]) -> Option<State> {
    let overlap = &builder.core().overlap;
    let turned = |angle: f64| {
        let step: Rotation = mode.iter().map(|x| angle * x).collect();
        State::new(builder, &rotated(&state.orbitals, &step, overlap), Some(state))
    };
    let tried = [-0.8, -0.4, -0.2, 0.2, 0.4, 0.8].into_iter().filter_map(turned);
    tried.min_by(|a, b| a.energy_ha().total_cmp(&b.energy_ha()))
}

fn verdict(
    builder: &dyn FockBuilder,
    state: &State,
    gradient_ha: f64,
    options: &ScfOptions,
) -> ScfStatus {
    if gradient_ha.is_nan() || gradient_ha > options.tol_gradient_ha {
        return ScfStatus::NotConverged { gradient_ha };
    }
    if options.stability == StabilityCheck::Off {
        return ScfStatus::Stationary;
    }
    let point = state.point(builder);
    let value = |symmetry| lowest(&point, symmetry).map_or(f64::INFINITY, |(value, _)| value);
    let external_ha = (state.orbitals.len() == 1).then(|| value(Symmetry::Opposite));
    let stability = Stability { internal_ha: value(Symmetry::Own), external_ha };
    if stability.is_minimum() {
        ScfStatus::Minimum(stability)
    } else {
        ScfStatus::Saddle(stability)
    }
}

/// Orbitals to start from.
fn start(
    builder: &dyn FockBuilder,
    reference: Reference,
    options: &ScfOptions,
) -> Result<Vec<Orbitals>, ScfError> {
    let core = builder.core();
    let electrons = core.molecule.electrons();
    let failed = || ScfError::NonFinite { iterations: 0 };
    let of_focks = |focks: &[Matrix]| -> Option<Vec<Orbitals>> {
        let pairs = focks.iter().zip(electrons);
        pairs.map(|(f, count)| Orbitals::of_fock(f, &core.orthonormal, count)).collect()
    };
    match &options.start {
        Start::CoreHamiltonian => {
            let focks = vec![core.hamiltonian.clone(); reference.sets()];
            of_focks(&focks).ok_or_else(failed)
        }
        Start::Atoms => {
            let atoms = superposition_of_atoms(&core.molecule, &core.basis).ok_or_else(failed)?;
            let count = atoms.dot(&core.overlap).max(1e-3);
            let share = |electrons: usize| atoms.scaled(electrons as f64 / count);
            let densities: Vec<Matrix> =
                electrons[..reference.sets()].iter().map(|count| share(*count)).collect();
            of_focks(&builder.build(&densities, None).fock).ok_or_else(failed)
        }
        Start::Orbitals(given) => {
            let fits = given.len() == reference.sets()
                && given.iter().zip(electrons).all(|(orbitals, count)| {
                    orbitals.occupied == count && orbitals.coefficients.rows() == core.basis.len()
                });
            if !fits {
                return Err(ScfError::StartDoesNotFit);
            }
            given.iter().map(|o| orthonormal(o, core)).collect::<Option<_>>().ok_or_else(failed)
        }
    }
}

/// Orbitals with the density nearest to that of given ones: eigenvectors of `X^T S P S X` by falling occupation.
fn orthonormal(given: &Orbitals, core: &Core) -> Option<Orbitals> {
    let half = core.overlap.times(&given.density()).times(&core.overlap).scaled(-1.0);
    Orbitals::of_fock(&half, &core.orthonormal, given.occupied)
}

/// DIIS until convergence or as long as the options allow; the state, canonical, and its largest gradient.
fn diis(
    builder: &dyn FockBuilder,
    mut orbitals: Vec<Orbitals>,
    options: &ScfOptions,
    iterations: &mut Vec<Iteration>,
) -> Result<(State, f64), ScfError> {
    let core = builder.core();
    let x = &core.orthonormal;
    let mut diis = Diis::default();
    let mut last: Option<State> = None;
    for iteration in 0..=options.max_diis {
        let state = State::new(builder, &orbitals, last.as_ref())
            .ok_or(ScfError::NonFinite { iterations: iteration })?;
        let gradient_ha = largest_entry(&state.point(builder).gradient());
        let energy_ha = state.energy_ha();
        iterations.push(Iteration { method: Method::Diis, energy_ha, gradient_ha });
        let last_energy = last.map_or(f64::INFINITY, |last| last.energy_ha());
        let settled = (energy_ha - last_energy).abs() < options.tol_energy_ha;
        if (settled && gradient_ha <= options.tol_gradient_ha) || iteration == options.max_diis {
            return Ok((state, gradient_ha));
        }
        let mut error = Vec::new();
        for (fock, orbitals) in state.field.fock.iter().zip(&state.orbitals) {
            let product = fock.times(&orbitals.density()).times(&core.overlap);
            let mut commutator = product.clone();
            commutator.add(-1.0, &product.transposed());
            error.extend_from_slice(x.transposed().times(&commutator).times(x).entries());
        }
        let mut next = diis.extrapolate(&state.field.fock, error);
        if options.level_shift_ha != 0.0 {
            for (fock, orbitals) in next.iter_mut().zip(&state.orbitals) {
                raise_empty(fock, orbitals, &core.overlap, options.level_shift_ha);
            }
        }
        let pairs = next.iter().zip(&state.orbitals);
        let turned = pairs.map(|(f, o)| Orbitals::of_fock(f, x, o.occupied));
        orbitals =
            turned.collect::<Option<_>>().ok_or(ScfError::NonFinite { iterations: iteration })?;
        last = Some(state);
    }
    Err(ScfError::NonFinite { iterations: options.max_diis })
}

/// `F += b (S - S P S)`, which raises the empty orbitals by `b`.
fn raise_empty(fock: &mut Matrix, orbitals: &Orbitals, overlap: &Matrix, shift: f64) {
    fock.add(shift, overlap);
    fock.add(-shift, &overlap.times(&orbitals.density()).times(overlap));
}

fn newton(
    builder: &dyn FockBuilder,
    state: State,
    options: &ScfOptions,
    iterations: &mut Vec<Iteration>,
) -> (State, f64) {
    let tell = |state: &State, gradient_ha: f64| {
        let energy_ha = state.energy_ha();
        iterations.push(Iteration { method: Method::Newton, energy_ha, gradient_ha });
    };
    minimise(builder, state, options.tol_gradient_ha, options.max_newton, tell)
}
