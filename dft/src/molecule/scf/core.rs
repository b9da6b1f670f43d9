//! What does not change while the field becomes self-consistent.

use thiserror::Error;

use crate::molecule::basis::Basis;
use crate::molecule::geometry::Molecule;
use crate::molecule::integrals::one_electron::{attraction, dipole, kinetic, overlap};
use crate::molecule::matrix::Matrix;

/// Combinations of basis functions whose overlap has an eigenvalue below this are left out.
const DEPENDENT: f64 = 1e-8;

/// One-electron matrices of a molecule in a basis.
#[derive(Clone, Debug)]
pub struct Core {
    /// The molecule.
    pub molecule: Molecule,
    /// The basis.
    pub basis: Basis,
    /// Homogeneous electric field, hartree/(e bohr): electrons have the energy `+F.r`.
    pub electric_field: [f64; 3],
    /// `S_ab = <a|b>`.
    pub overlap: Matrix,
    /// `h_ab = <a|-1/2 nabla^2 - sum Z/|r - R| + F.r|b>`, hartree.
    pub hamiltonian: Matrix,
    /// `<a|r|b>` about the origin, bohr.
    pub dipole: [Matrix; 3],
    /// Repulsion of the nuclei and their energy in the field, hartree.
    pub nuclear_ha: f64,
    /// `X` with `X^T S X = 1`, functions by independent functions.
    pub orthonormal: Matrix,
}

/// What is wrong with a molecule in a basis.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum CoreError {
    /// An integral is not finite.
    #[error("the overlap or the core Hamiltonian is not finite: an exponent is too extreme")]
    NonFinite,
    /// More electrons of a spin than independent functions.
    #[error(
        "{electrons} electrons of one spin do not fit into {functions} independent basis functions: take a larger basis set"
    )]
    TooFewFunctions {
        /// Electrons of the spin that has more.
        electrons: usize,
        /// Independent functions.
        functions: usize,
    },
}

impl Core {
    /// One-electron matrices in a homogeneous electric field.
    ///
    /// # Errors
    /// [`CoreError`].
    pub fn new(
        molecule: &Molecule,
        basis: &Basis,
        electric_field: [f64; 3],
    ) -> Result<Self, CoreError> {
        let overlap = overlap(molecule, basis);
        let dipole = dipole(molecule, basis, [0.0; 3]);
        let mut hamiltonian = kinetic(molecule, basis);
        hamiltonian.add(1.0, &attraction(molecule, basis));
        let mut nuclear_ha = molecule.nuclear_repulsion_ha();
        for (axis, strength) in electric_field.into_iter().enumerate() {
            hamiltonian.add(strength, &dipole[axis]);
            for atom in molecule.atoms() {
                nuclear_ha -= strength * atom.charge * atom.position_bohr[axis];
            }
        }
        if !hamiltonian.entries().iter().all(|x| x.is_finite()) {
            return Err(CoreError::NonFinite);
        }
        let orthonormal = canonical(&overlap).ok_or(CoreError::NonFinite)?;
        let functions = orthonormal.columns();
        let electrons = molecule.electrons()[0];
        if electrons > functions {
            return Err(CoreError::TooFewFunctions { electrons, functions });
        }
        let (molecule, basis) = (molecule.clone(), basis.clone());
        Ok(Self {
            molecule,
            basis,
            electric_field,
            overlap,
            hamiltonian,
            dipole,
            nuclear_ha,
            orthonormal,
        })
    }

    /// Combinations of functions that were left out because others make them.
    pub fn dependent_functions(&self) -> usize {
        self.basis.len() - self.orthonormal.columns()
    }

    /// The dipole moment of nuclei and electrons of a total density about the origin, e bohr.
    pub fn dipole_moment(&self, density: &Matrix) -> [f64; 3] {
        [0, 1, 2].map(|axis| {
            let nuclei: f64 = self
                .molecule
                .atoms()
                .iter()
                .map(|atom| atom.charge * atom.position_bohr[axis])
                .sum();
            nuclei - density.dot(&self.dipole[axis])
        })
    }

    /// Mulliken's charges: `q_A = Z_A - sum_(a on A) (D S)_aa`.
    pub fn mulliken_charges(&self, density: &Matrix) -> Vec<f64> {
        let mut charges: Vec<f64> = self.molecule.atoms().iter().map(|a| a.charge).collect();
        let n = self.basis.len();
        for (index, shell) in self.basis.shells().iter().enumerate() {
            for a in self.basis.functions(index) {
                let row = a * n..(a + 1) * n;
                let overlap = &self.overlap.entries()[row.clone()];
                let pairs = density.entries()[row].iter().zip(overlap);
                charges[shell.atom] -= pairs.map(|(d, s)| d * s).sum::<f64>();
            }
        }
        charges
    }
}

/// `X = U s^(-1/2)` over the eigenvalues `s` that are not negligible (Löwdin's canonical orthogonalisation).
fn canonical(overlap: &Matrix) -> Option<Matrix> {
    let (values, vectors) = overlap.eigen()?;
    let n = values.len();
    let kept: Vec<usize> = (0..n).filter(|k| values[*k] > DEPENDENT).collect();
    let mut x = Matrix::zeros(n, kept.len());
    for row in 0..n {
        for (column, k) in kept.iter().enumerate() {
            x.entries_mut()[row * kept.len() + column] = vectors.at(row, *k) / values[*k].sqrt();
        }
    }
    Some(x)
}
