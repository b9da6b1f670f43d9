//! Rotations between occupied and empty orbitals, and the second derivative of the energy by them.
//!
//! A rotation `kappa`, empty by occupied for each set of orbitals, changes the occupied orbitals by `C_v kappa`. The energy is
//! `E + w (2 g.kappa + kappa.h kappa)` to second order, with `w` the spins of a set, `g_ai = F_ai` and
//! `h kappa = F_vv kappa - kappa F_oo + C_v^T dF C_o`, where `dF` answers `dP = C_v kappa C_o^T + C_o kappa^T C_v^T`.

use crate::molecule::matrix::Matrix;
use crate::molecule::scf::fock::FockBuilder;
use crate::molecule::scf::orbitals::Orbitals;

/// Entries of a rotation, set after set, row-major.
pub(in crate::molecule) type Rotation = Vec<f64>;

/// Orbitals at which rotations are looked at. They are canonical.
#[derive(Debug)]
pub(in crate::molecule) struct Point<'a> {
    pub builder: &'a dyn FockBuilder,
    pub orbitals: &'a [Orbitals],
    pub fock: &'a [Matrix],
    densities: Vec<Matrix>,
    spaces: Vec<(Matrix, Matrix)>,
}

/// How the two spins move, where they share their orbitals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::molecule) enum Symmetry {
    /// Each set for itself: both spins alike where there is one set.
    Own,
    /// Spin down opposite to spin up, of one set of orbitals.
    Opposite,
}

impl<'a> Point<'a> {
    pub(in crate::molecule) fn new(
        builder: &'a dyn FockBuilder,
        orbitals: &'a [Orbitals],
        fock: &'a [Matrix],
    ) -> Self {
        let densities = orbitals.iter().map(Orbitals::density).collect();
        let spaces =
            orbitals.iter().map(|o| (o.occupied_coefficients(), o.empty_coefficients())).collect();
        Self { builder, orbitals, fock, densities, spaces }
    }

    /// `g_ai = (C_v^T F C_o)_ai`.
    pub(in crate::molecule) fn gradient(&self) -> Rotation {
        let blocks = self.spaces.iter().zip(self.fock);
        blocks.flat_map(|((o, v), f)| v.transposed().times(f).times(o).entries().to_vec()).collect()
    }

    /// `e_a - e_i`, the diagonal of `h` without the answer of the field.
    pub(in crate::molecule) fn gaps(&self) -> Rotation {
        let mut gaps = Vec::new();
        for orbitals in self.orbitals {
            let (occupied, empty) = orbitals.energies_ha.split_at(orbitals.occupied);
            gaps.extend(empty.iter().flat_map(|a| occupied.iter().map(move |i| a - i)));
        }
        gaps
    }

    /// The change of the densities by a rotation.
    pub(in crate::molecule) fn density_change(&self, kappa: &[f64]) -> Vec<Matrix> {
        let mut rest = kappa;
        let one = |(o, v): &(Matrix, Matrix)| {
            let (own, after) = rest.split_at(o.columns() * v.columns());
            rest = after;
            let kappa = Matrix::from_entries(v.columns(), o.columns(), own.to_vec());
            let half = v.times(&kappa).times(&o.transposed());
            let mut change = half.transposed();
            change.add(1.0, &half);
            change
        };
        self.spaces.iter().map(one).collect()
    }

    /// `h kappa` of several rotations.
    pub(in crate::molecule) fn hessian(
        &self,
        symmetry: Symmetry,
        rotations: &[Rotation],
    ) -> Vec<Rotation> {
        let changes: Vec<Vec<Matrix>> = rotations
            .iter()
            .map(|kappa| {
                let mut change = self.density_change(kappa);
                if symmetry == Symmetry::Opposite {
                    change.push(change[0].scaled(-1.0));
                }
                change
            })
            .collect();
        let densities = match symmetry {
            Symmetry::Own => self.densities.clone(),
            Symmetry::Opposite => vec![self.densities[0].clone(), self.densities[0].clone()],
        };
        let answers = self.builder.response(&densities, &changes);
        let gaps = self.gaps();
        rotations
            .iter()
            .zip(answers)
            .map(|(kappa, answer)| {
                let mut image: Rotation = kappa.iter().zip(&gaps).map(|(k, gap)| k * gap).collect();
                let coupling = self.project(&answer[..self.orbitals.len()]);
                image.iter_mut().zip(coupling).for_each(|(x, c)| *x += c);
                image
            })
            .collect()
    }

    /// `C_v^T M C_o` of a matrix for each set.
    pub(in crate::molecule) fn project(&self, matrices: &[Matrix]) -> Rotation {
        let blocks = self.spaces.iter().zip(matrices);
        blocks.flat_map(|((o, v), m)| v.transposed().times(m).times(o).entries().to_vec()).collect()
    }
}

/// The orbitals turned by `exp` of the antisymmetric matrix of a rotation; orthonormality is restored to rounding.
pub(in crate::molecule) fn rotated(
    orbitals: &[Orbitals],
    kappa: &[f64],
    overlap: &Matrix,
) -> Vec<Orbitals> {
    let mut rest = kappa;
    let one = |set: &Orbitals| {
        let (own, after) = rest.split_at(set.occupied * set.empty());
        rest = after;
        let n = set.coefficients.columns();
        let mut generator = Matrix::zeros(n, n);
        for (at, value) in own.iter().enumerate() {
            let (a, i) = (set.occupied + at / set.occupied, at % set.occupied);
            generator.entries_mut()[a * n + i] = *value;
            generator.entries_mut()[i * n + a] = -value;
        }
        let turned = set.coefficients.times(&exponential(&generator));
        let coefficients = orthonormalised(&turned, overlap);
        Orbitals { coefficients, energies_ha: set.energies_ha.clone(), occupied: set.occupied }
    };
    orbitals.iter().map(one).collect()
}

/// `exp(A)` by its series after scaling, squared back.
fn exponential(generator: &Matrix) -> Matrix {
    let n = generator.rows();
    let mut identity = Matrix::zeros(n, n);
    (0..n).for_each(|k| identity.entries_mut()[k * n + k] = 1.0);
    let size = generator.dot(generator).sqrt();
    let mut halvings = 0;
    let mut scale = 1.0;
    while size * scale > 0.1 {
        scale *= 0.5;
        halvings += 1;
    }
    let step = generator.scaled(scale);
    let mut sum = identity.clone();
    let mut term = identity;
    for k in 1..=10 {
        term = term.times(&step).scaled(1.0 / f64::from(k));
        sum.add(1.0, &term);
    }
    for _ in 0..halvings {
        sum = sum.times(&sum);
    }
    sum
}

/// One step of Newton's iteration for `C (C^T S C)^(-1/2)`, enough for what a product of orthogonal matrices has lost.
fn orthonormalised(coefficients: &Matrix, overlap: &Matrix) -> Matrix {
    let n = coefficients.columns();
    let mut correction = coefficients.transposed().times(overlap).times(coefficients).scaled(-0.5);
    (0..n).for_each(|k| correction.entries_mut()[k * n + k] += 1.5);
    coefficients.times(&correction)
}
