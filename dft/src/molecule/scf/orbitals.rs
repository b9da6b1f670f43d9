//! Molecular orbitals.

use crate::molecule::matrix::Matrix;

/// Whether electrons of both spins share their orbitals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// They do: one set of orbitals, one density.
    Restricted,
    /// Each spin has its own.
    Unrestricted,
}

impl Reference {
    /// Number of sets of orbitals.
    pub fn sets(self) -> usize {
        match self {
            Self::Restricted => 1,
            Self::Unrestricted => 2,
        }
    }

    /// How many spins a set stands for.
    pub fn spins_per_set(self) -> f64 {
        match self {
            Self::Restricted => 2.0,
            Self::Unrestricted => 1.0,
        }
    }
}

/// Orbitals of a spin, or of both.
#[derive(Clone, Debug, PartialEq)]
pub struct Orbitals {
    /// Functions by orbitals; the occupied ones come first.
    pub coefficients: Matrix,
    /// Their energies, hartree: eigenvalues of the Fock matrix among the occupied and among the empty ones.
    pub energies_ha: Vec<f64>,
    /// Number of occupied ones.
    pub occupied: usize,
}

impl Orbitals {
    /// Eigenvectors of a Fock matrix in the orthonormal functions `x`, the lowest occupied. `None` where it is not finite.
    pub(in crate::molecule) fn of_fock(fock: &Matrix, x: &Matrix, occupied: usize) -> Option<Self> {
        let (energies_ha, vectors) = x.transposed().times(fock).times(x).eigen()?;
        Some(Self { coefficients: x.times(&vectors), energies_ha, occupied })
    }

    /// Density matrix of one spin, `P_ab = sum_i C_ai C_bi` over the occupied.
    pub fn density(&self) -> Matrix {
        let occupied = self.occupied_coefficients();
        occupied.times(&occupied.transposed())
    }

    /// Coefficients of the occupied orbitals.
    pub fn occupied_coefficients(&self) -> Matrix {
        self.coefficients.column_range(0..self.occupied)
    }

    /// Coefficients of the empty orbitals.
    pub fn empty_coefficients(&self) -> Matrix {
        self.coefficients.column_range(self.occupied..self.coefficients.columns())
    }

    /// Number of empty orbitals.
    pub fn empty(&self) -> usize {
        self.coefficients.columns() - self.occupied
    }

    /// The same spaces of occupied and empty orbitals, in which the Fock matrix is diagonal. `None` where it is not finite.
    pub(in crate::molecule) fn canonical(&self, fock: &Matrix) -> Option<Self> {
        let mut blocks = Vec::new();
        let mut energies_ha = Vec::new();
        for coefficients in [self.occupied_coefficients(), self.empty_coefficients()] {
            if coefficients.columns() > 0 {
                let block = coefficients.transposed().times(fock).times(&coefficients);
                let (values, vectors) = block.eigen()?;
                energies_ha.extend(values);
                blocks.push(coefficients.times(&vectors));
            }
        }
        let rows = self.coefficients.rows();
        let row = |row: usize| {
            blocks.iter().flat_map(move |b| (0..b.columns()).map(move |k| b.at(row, k)))
        };
        let entries = (0..rows).flat_map(row).collect();
        let coefficients = Matrix::from_entries(rows, energies_ha.len(), entries);
        Some(Self { coefficients, energies_ha, occupied: self.occupied })
    }

    /// The energies of the highest occupied and the lowest empty orbital, hartree.
    pub fn frontier_ha(&self) -> (Option<f64>, Option<f64>) {
        let highest = self.occupied.checked_sub(1).map(|k| self.energies_ha[k]);
        (highest, self.energies_ha.get(self.occupied).copied())
    }
}
