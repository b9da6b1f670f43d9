//! Distances of nuclei by the total energy, force constants and vibrations.

use cotangent_problem::{
    Capabilities, Evaluation, Objective, SampleKey, TrialFailure, Want, Workspace,
};

use crate::one_d::exact::reference::ground_state;
use crate::one_d::failure;
use crate::one_d::field::nuclear::Converged;
use crate::one_d::formula::centred;
use crate::one_d::functional::Functional;
use crate::one_d::linear::eigen::EigenOptions;

use crate::one_d::field::prepared::Prepared;
use crate::one_d::field::scf::{Model, Scf, ScfOptions, self_consistent_field};
use crate::one_d::system::System;

/// How the electrons are solved for.
pub enum Theory {
    /// Kohn-Sham with a functional.
    KohnSham(Box<dyn Functional + Send>),
    /// The exact ground state; full CI where there are more than two electrons.
    Exact,
}

impl std::fmt::Debug for Theory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if matches!(self, Self::Exact) { "Exact" } else { "KohnSham" })
    }
}

/// To 1e-10 electrons, so that a derivative has nine digits. No symmetry is enforced: the nuclei move.
pub(in crate::one_d) fn tight() -> ScfOptions {
    let eigen = EigenOptions { tol_residual_ha: 1e-12 };
    ScfOptions { tol_density: 1e-10, mirror_symmetric: false, eigen, ..ScfOptions::converged() }
}

/// The field of a system, converged.
fn converged(
    model: &Model,
    system: &System,
    functional: &dyn Functional,
) -> Result<(Prepared, Scf), TrialFailure> {
    let prepared = Prepared::new(model, system)?;
    let scf = self_consistent_field(model, &prepared, functional, &tight())?;
    Ok((prepared, failure::converged(model, scf)?))
}

/// Total energy of a molecule in hartree, as a function of the distances between neighbours, in bohr.
#[derive(Debug)]
pub struct Relaxation {
    model: Model,
    charges: Vec<f64>,
    electrons: usize,
    theory: Theory,
}

/// Positions by distances, transposed: from a gradient by positions to one by distances.
fn by_spacings(by_positions: &[f64]) -> Vec<f64> {
    let all: f64 = by_positions.iter().sum();
    let mut right = all;
    // distance k moves what is right of it by +1/2, what is left by -1/2
    let one = |left: &f64| {
        right -= left;
        right - 0.5 * all
    };
    by_positions[..by_positions.len() - 1].iter().map(one).collect()
}

impl Relaxation {
    /// For nuclei of these charges from left to right, the electrons paired as far as possible.
    pub fn new(model: Model, charges: Vec<f64>, electrons: usize, theory: Theory) -> Self {
        Self { model, charges, electrons, theory }
    }

    /// The molecule with these distances, its middle at the origin.
    ///
    /// # Errors
    /// A distance that is no positive number, a nucleus outside the box.
    pub fn system(&self, spacings_bohr: &[f64]) -> Result<System, TrialFailure> {
        if let Some(r) = spacings_bohr.iter().find(|r| r.is_nan() || **r <= 0.0) {
            let why = format!("a distance of {r} bohr between neighbours");
            return Err(TrialFailure::OutOfDomain { why });
        }
        let positions = centred(spacings_bohr);
        let nuclei: Vec<_> = positions.into_iter().zip(self.charges.iter().copied()).collect();
        let system = System::molecule(&nuclei, self.electrons)?;
        system.check_inside(&self.model.grid)?;
        Ok(system)
    }

    /// Total energy in hartree, and its gradient by the distances in hartree per bohr.
    ///
    /// # Errors
    /// A field that does not converge, distances that are no molecule.
    pub fn energy(&self, spacings_bohr: &[f64]) -> Result<(f64, Vec<f64>), TrialFailure> {
        let Self { model, theory, .. } = self;
        let system = self.system(spacings_bohr)?;
        let (electronic_ha, density) = match theory {
            Theory::Exact => {
                let state = ground_state(model, &system)?;
                (state.energy_ha, state.density)
            }
            Theory::KohnSham(functional) => {
                let (_, scf) = converged(model, &system, functional.as_ref())?;
                (scf.energy_ha(), scf.last().density_out.clone())
            }
        };
        let energy = electronic_ha + system.nuclear_repulsion_ha(model.interaction);
        // the energy is stationary in what it was minimised over (Hellmann and Feynman)
        let h = model.grid.spacing_bohr();
        let weights: Vec<f64> = density.iter().map(|n| h * n).collect();
        let electrons = system.external_potential_vjp(&model.grid, model.interaction, &weights);
        let nuclei = system.nuclear_repulsion_gradient(model.interaction);
        let by_positions: Vec<f64> =
            electrons.iter().zip(&nuclei).map(|(e, n)| e.0 + n.0).collect();
        Ok((energy, by_spacings(&by_positions)))
    }

    /// What makes the field of these distances doubtful; of exact theory nothing does.
    ///
    /// # Errors
    /// As [`Relaxation::energy`].
    pub fn warnings(&self, spacings_bohr: &[f64]) -> Result<Vec<String>, TrialFailure> {
        let Theory::KohnSham(functional) = &self.theory else { return Ok(Vec::new()) };
        let system = self.system(spacings_bohr)?;
        Ok(converged(&self.model, &system, functional.as_ref())?.1.warnings(&self.model))
    }

    /// Second derivatives of the total energy by the positions of the nuclei in hartree per bohr squared, row by row: by linear
    /// response, or for exact states by central differences of their forces over 1e-3 bohr.
    ///
    /// # Errors
    /// As [`Relaxation::energy`]; an interaction with a kink.
    pub fn force_constants(&self, spacings_bohr: &[f64]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        let Self { model, theory, .. } = self;
        let Theory::KohnSham(functional) = theory else {
            return self.differences_of_forces(spacings_bohr);
        };
        let system = self.system(spacings_bohr)?;
        let functional = functional.as_ref();
        let (prepared, scf) = converged(model, &system, functional)?;
        let options = tight();
        let (system, prepared, scf, options) = (&system, &prepared, &scf, &options);
        Ok(Converged { model, system, prepared, functional, options, scf }.force_constants()?)
    }

    /// The matrix by distances, and from it that by positions: a molecule has no energy of translation.
    fn differences_of_forces(&self, spacings_bohr: &[f64]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        const STEP_BOHR: f64 = 1e-3;
        let (m, n) = (spacings_bohr.len(), self.charges.len());
        let mut inner = Vec::with_capacity(m);
        for k in 0..m {
            let at = |step: f64| {
                let mut moved = spacings_bohr.to_vec();
                moved[k] += step;
                self.energy(&moved).map(|(_, g)| g)
            };
            let (above, below) = (at(STEP_BOHR)?, at(-STEP_BOHR)?);
            let slope = |(a, b): (&f64, &f64)| (a - b) / (2.0 * STEP_BOHR);
            inner.push(above.iter().zip(&below).map(slope).collect::<Vec<f64>>());
        }
        // distance k = X_(k+1) - X_k
        let one =
            |a: usize, k: usize| f64::from(u8::from(a == k + 1)) - f64::from(u8::from(a == k));
        let entry = |a: usize, b: usize| {
            let sum = |k: usize| (0..m).map(|l| one(a, k) * inner[k][l] * one(b, l)).sum::<f64>();
            (0..m).map(sum).sum()
        };
        Ok((0..n).map(|a| (0..n).map(|b| entry(a, b)).collect()).collect())
    }
}

impl Objective for Relaxation {
    fn dim(&self) -> usize {
        self.charges.len() - 1
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { gradient: true, ..Capabilities::default() }
    }

    fn evaluate(
        &self,
        x: &[f64],
        want: Want,
        _: SampleKey,
        _: &mut Workspace,
    ) -> Result<Evaluation, TrialFailure> {
        let (value, gradient) = self.energy(x)?;
        Ok(Evaluation {
            value,
            gradient: want.gradient.then_some(gradient),
            ..Evaluation::default()
        })
    }
}

/// Wave numbers in 1/cm of the harmonic vibrations of nuclei on a line, ascending; a negative one is the rate of an instability.
///
/// Eigenvalues of `K_ab/sqrt(m_a m_b)`, by Jacobi's rotations; the smallest in size, of the translation, is left out.
///
/// # Shapes
/// `force_constants`: `n x n` in hartree per bohr squared; `masses_u`: `n`, in unified atomic mass units.
pub fn wave_numbers(force_constants: &[Vec<f64>], masses_u: &[f64]) -> Vec<f64> {
    /// `sqrt(hartree/(bohr^2 u))/(2 pi c)` in 1/cm (CODATA 2018).
    const PER_CM: f64 = 5140.487;
    let n = masses_u.len();
    let mut a: Vec<Vec<f64>> = (0..n)
        .map(|i| {
            let scaled = |j: usize| force_constants[i][j] / (masses_u[i] * masses_u[j]).sqrt();
            (0..n).map(scaled).collect()
        })
        .collect();
    for _ in 0..50 {
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut a, p, q);
            }
        }
    }
    let mut values: Vec<f64> = (0..n).map(|i| a[i][i]).collect();
    values.sort_by(|x, y| x.abs().total_cmp(&y.abs()));
    let mut found: Vec<f64> =
        values[1..].iter().map(|v| v.signum() * v.abs().sqrt() * PER_CM).collect();
    found.sort_by(f64::total_cmp);
    found
}

/// One rotation of the symmetric `a` that makes `a_pq` zero.
fn rotate(a: &mut [Vec<f64>], p: usize, q: usize) {
    if a[p][q] == 0.0 {
        return;
    }
    let angle = 0.5 * (2.0 * a[p][q]).atan2(a[q][q] - a[p][p]);
    let (s, c) = angle.sin_cos();
    for row in a.iter_mut() {
        (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
    }
    for k in 0..a.len() {
        (a[p][k], a[q][k]) = (c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]);
    }
}

#[cfg(test)]
mod tests {
    use cotangent_problem::{Objective, SampleKey, TrialFailure, Want, Workspace};

    use super::{Relaxation, Theory, by_spacings, wave_numbers};
    use crate::one_d::{Grid, Interaction, Lda, Model};

    fn model() -> Model {
        let interaction = Interaction::SoftCoulomb { softening_bohr: 1.0 };
        Model { grid: Grid::new(81, 0.25).unwrap(), interaction, ..Model::default() }
    }

    fn evaluate(f: &impl Objective, x: &[f64]) -> (f64, Vec<f64>) {
        let found = f.evaluate(x, Want::GRADIENT, SampleKey(0), &mut Workspace::new()).unwrap();
        (found.value, found.gradient.unwrap())
    }

    /// Every entry of the gradient against a difference of fourth order.
    fn gradient_agrees_with_differences(f: &impl Objective, x: &[f64]) {
        let (_, gradient) = evaluate(f, x);
        for k in 0..x.len() {
            let at = |t: f64| {
                let mut moved = x.to_vec();
                moved[k] += t;
                evaluate(f, &moved).0
            };
            let t = 1e-3;
            let fd = (8.0 * (at(t) - at(-t)) - (at(2.0 * t) - at(-2.0 * t))) / (12.0 * t);
            let g = gradient[k];
            assert!((g - fd).abs() < 1e-7 * fd.abs().max(0.1), "{k}: {g} {fd}");
        }
    }

    #[test]
    fn energies_have_gradients_by_distances() {
        let charges = vec![1.0, 2.0, 1.0];
        let lda = || Theory::KohnSham(Box::new(Lda::default()));
        gradient_agrees_with_differences(
            &Relaxation::new(model(), charges.clone(), 4, lda()),
            &[1.9, 2.3],
        );
        let exact = Relaxation::new(model(), vec![1.0, 1.2], 2, Theory::Exact);
        gradient_agrees_with_differences(&exact, &[2.1]);
    }

    #[test]
    fn force_constants_by_response_and_by_differences_agree() {
        let relaxation = Relaxation::new(
            model(),
            vec![1.0, 1.5, 1.0],
            4,
            Theory::KohnSham(Box::new(Lda::default())),
        );
        // by distances: a grid has a little energy of translation, which the differences leave out
        let by_distances = |k: &[Vec<f64>]| -> Vec<f64> {
            let rows: Vec<Vec<f64>> = k.iter().map(|row| by_spacings(row)).collect();
            let column = |l: usize| -> Vec<f64> { rows.iter().map(|row| row[l]).collect() };
            [0, 1].into_iter().flat_map(|l| by_spacings(&column(l))).collect()
        };
        let by_response = by_distances(&relaxation.force_constants(&[1.9, 2.3]).unwrap());
        let differences = relaxation.differences_of_forces(&[1.9, 2.3]).unwrap();
        for (a, b) in by_response.iter().zip(by_distances(&differences)) {
            assert!((a - b).abs() < 1e-6, "{a} {b}");
        }
        let kink = Model { interaction: Interaction::BAKER, ..model() };
        let kink =
            Relaxation::new(kink, vec![1.0, 1.0], 2, Theory::KohnSham(Box::new(Lda::default())));
        let refused = kink.force_constants(&[2.0]);
        assert!(matches!(refused, Err(TrialFailure::NotDifferentiable { .. })));
    }

    #[test]
    fn wave_numbers_are_those_of_springs() {
        // two masses: sqrt(k/mu); three equal ones on equal springs: sqrt(k/m) and sqrt(3 k/m)
        let two = wave_numbers(&[vec![0.4, -0.4], vec![-0.4, 0.4]], &[1.0, 3.0]);
        assert!((two[0] - 5140.487 * (0.4_f64 / 0.75).sqrt()).abs() < 1e-6, "{two:?}");
        let k = [vec![1.0, -1.0, 0.0], vec![-1.0, 2.0, -1.0], vec![0.0, -1.0, 1.0]];
        let three = wave_numbers(&k, &[2.0; 3]);
        assert!((three[0] - 5140.487 * 0.5_f64.sqrt()).abs() < 1e-6, "{three:?}");
        assert!((three[1] - 5140.487 * 1.5_f64.sqrt()).abs() < 1e-6, "{three:?}");
        assert!(wave_numbers(&[vec![-0.1, 0.1], vec![0.1, -0.1]], &[1.0, 1.0])[0] < 0.0);
    }

    #[test]
    fn distances_that_are_no_molecule_are_refused() {
        let relaxation =
            Relaxation::new(model(), vec![1.0, 1.0], 2, Theory::KohnSham(Box::new(Lda::default())));
        for r in [0.0, -1.0, 30.0, f64::NAN] {
            assert!(
                matches!(relaxation.energy(&[r]), Err(TrialFailure::OutOfDomain { .. })),
                "{r}"
            );
        }
    }
}
