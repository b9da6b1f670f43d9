//! A function of density, orbital energies and overlap, as what it adds to the energy.

use super::ResponseError;
use crate::molecule::matrix::Matrix;
use crate::molecule::scf::{FockBuilder, Orbitals, Reference, Scf};

/// Levels nearer than this are one degenerate level, hartree: a grid parts what symmetry holds together by about as much.
pub(super) const DEGENERATE_HA: f64 = 1e-5;

/// A linear combination of properties of a field: `f = tr(A P) + tr(F q)` at the orbitals, with `df = - tr(M dS)` by the overlap
/// beside what `A` and `q` say.
///
/// Properties add up, so that any function of all of them takes one solve for the response of the orbitals.
#[derive(Clone, Debug)]
pub struct Property<'a> {
    pub(super) builder: &'a dyn FockBuilder,
    pub(super) scf: &'a Scf,
    /// What is added to the electric field.
    pub(super) electric_field: [f64; 3],
    /// Derivatives by the nuclear charges at constant density.
    pub(super) charges: Vec<f64>,
    /// `A`, by set of orbitals.
    pub(super) operator: Vec<Matrix>,
    /// `q`, a density of one spin, by set of orbitals.
    pub(super) density: Vec<Matrix>,
    /// `M`, both spins.
    pub(super) overlap: Matrix,
}

impl<'a> Property<'a> {
    /// The property that is 0.
    pub fn zero(builder: &'a dyn FockBuilder, scf: &'a Scf) -> Self {
        let core = builder.core();
        let n = core.basis.len();
        let zeros = vec![Matrix::zeros(n, n); scf.orbitals.len()];
        Self {
            builder,
            scf,
            electric_field: [0.0; 3],
            charges: vec![0.0; core.molecule.atoms().len()],
            operator: zeros.clone(),
            density: zeros,
            overlap: Matrix::zeros(n, n),
        }
    }

    /// Adds `m.mu` of the dipole moment for a direction `m`.
    #[must_use]
    pub fn with_dipole(mut self, direction: [f64; 3]) -> Self {
        // mu = -dE/dF
        for (axis, m) in direction.into_iter().enumerate() {
            self.electric_field[axis] -= m;
            for operator in &mut self.operator {
                operator.add(-m, &self.builder.core().dipole[axis]);
            }
        }
        self
    }

    /// Adds `sum_k w_k e_k` of the energies of a set's orbitals: `de_k = tr(dF c_k c_k^T) - e_k tr(dS c_k c_k^T)`.
    ///
    /// # Errors
    /// [`ResponseError::Degenerate`] where levels of one degenerate group have different weights: only sums over the group have a derivative.
    ///
    /// # Panics
    /// Unless the set exists and has as many orbitals as there are weights.
    pub fn with_levels(mut self, set: usize, weights: &[f64]) -> Result<Self, ResponseError> {
        let orbitals = &self.scf.orbitals[set];
        assert_eq!(weights.len(), orbitals.energies_ha.len(), "a weight for every level");
        check_degenerate(orbitals, weights)?;
        let levels = |factor: &dyn Fn(usize) -> f64| {
            let mut scaled = orbitals.coefficients.clone();
            for row in scaled.entries_mut().chunks_mut(weights.len().max(1)) {
                row.iter_mut().enumerate().for_each(|(k, x)| *x *= weights[k] * factor(k));
            }
            scaled.times(&orbitals.coefficients.transposed())
        };
        // an electron of a restricted level is half of each spin
        let share = 1.0 / self.scf.reference.spins_per_set();
        self.density[set].add(share, &levels(&|_| 1.0));
        self.overlap.add(1.0, &levels(&|k| orbitals.energies_ha[k]));
        Ok(self)
    }

    /// Adds `sum_A w_A q_A` of Mulliken's charges, `q_A = Z_A - sum_(a on A) (D S)_aa`.
    ///
    /// # Panics
    /// Unless there is a weight for every atom.
    #[must_use]
    pub fn with_mulliken(mut self, weights: &[f64]) -> Self {
        assert_eq!(weights.len(), self.charges.len(), "a weight for every atom");
        let core = self.builder.core();
        let mut of_function = vec![0.0; core.basis.len()];
        for (index, shell) in core.basis.shells().iter().enumerate() {
            of_function[core.basis.functions(index)].fill(weights[shell.atom]);
        }
        // (Pi X + X Pi)/2 with the functions' weights as Pi
        let averaged = |x: &Matrix| {
            let n = of_function.len();
            let mut out = x.clone();
            for (at, entry) in out.entries_mut().iter_mut().enumerate() {
                *entry *= 0.5 * (of_function[at / n] + of_function[at % n]);
            }
            out
        };
        for operator in &mut self.operator {
            operator.add(-1.0, &averaged(&core.overlap));
        }
        self.overlap.add(1.0, &averaged(&self.scf.total_density()));
        self.charges.iter_mut().zip(weights).for_each(|(c, w)| *c += w);
        self
    }

    /// Adds `w <S^2>`, of which `- w tr(P_up S P_down S)` is not constant; of orbitals that spins share, nothing is.
    #[must_use]
    pub fn with_spin_square(mut self, weight: f64) -> Self {
        if self.scf.reference == Reference::Restricted {
            return self;
        }
        let overlap = &self.builder.core().overlap;
        let densities = self.scf.densities();
        for (operator, other) in self.operator.iter_mut().zip([&densities[1], &densities[0]]) {
            operator.add(-weight, &overlap.times(other).times(overlap));
        }
        let product = densities[0].times(overlap).times(&densities[1]);
        self.overlap.add(weight, &product);
        self.overlap.add(weight, &product.transposed());
        self
    }
}

/// Refuses weights that tell levels of one degenerate group apart.
fn check_degenerate(orbitals: &Orbitals, weights: &[f64]) -> Result<(), ResponseError> {
    let size = weights.iter().fold(0.0_f64, |most, w| most.max(w.abs()));
    for k in 1..weights.len() {
        let gap_ha = orbitals.energies_ha[k] - orbitals.energies_ha[k - 1];
        let apart = (weights[k] - weights[k - 1]).abs() > 1e-12 * size;
        if k != orbitals.occupied && gap_ha < DEGENERATE_HA && apart {
            return Err(ResponseError::Degenerate { levels: [k - 1, k], gap_ha });
        }
    }
    Ok(())
}
