//! Derivatives of the total energy by the nuclei: forces and force constants.

use crate::one_d::field::implicit::{
    FixedPointAdjoint, ImplicitError, ImplicitOptions, implicit_adjoint,
};
use crate::one_d::field::prepared::Prepared;
use crate::one_d::field::scf::{Model, Scf, ScfOptions, total};
use crate::one_d::functional::Functional;
use crate::one_d::system::System;

/// A converged SCF with what made it.
#[derive(Clone, Copy)]
pub struct Converged<'a> {
    /// Discretisation and interaction.
    pub model: &'a Model,
    /// The system.
    pub system: &'a System,
    /// Its external potential and occupations.
    pub prepared: &'a Prepared,
    /// The functional.
    pub functional: &'a dyn Functional,
    /// Settings of the SCF.
    pub options: &'a ScfOptions,
    /// The SCF.
    pub scf: &'a Scf,
}

impl std::fmt::Debug for Converged<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Converged").field("system", self.system).finish_non_exhaustive()
    }
}

impl Converged<'_> {
    /// Total energy in hartree, the repulsion of the nuclei included.
    pub fn energy_total_ha(&self) -> f64 {
        self.scf.energy_ha() + self.system.nuclear_repulsion_ha(self.model.interaction)
    }

    fn adjoint(
        &self,
        energy_bar: f64,
        density_bar: &[f64],
    ) -> Result<FixedPointAdjoint, ImplicitError> {
        let Self { model, prepared, functional, options, scf, .. } = *self;
        let linear = ImplicitOptions::default();
        implicit_adjoint(
            model,
            prepared,
            functional,
            options,
            scf,
            energy_bar,
            density_bar,
            &linear,
        )
    }

    /// `(dE/dX_a, dE/dZ_a)` of the total energy for each nucleus, in hartree per bohr and hartree per charge; a force is
    /// minus the first. At a kink of the interaction (a nucleus on a grid point, exponential interaction) the derivative
    /// by position is the mean of both sides.
    ///
    /// # Errors
    /// [`ImplicitError`].
    pub fn gradient(&self) -> Result<Vec<(f64, f64)>, ImplicitError> {
        let none = vec![0.0; self.scf.density.len()];
        let electrons = self.adjoint(1.0, &none)?.nuclei(self.model, self.system);
        let nuclei = self.system.nuclear_repulsion_gradient(self.model.interaction);
        Ok(electrons.iter().zip(&nuclei).map(|(e, n)| (e.0 + n.0, e.1 + n.1)).collect())
    }

    /// Force constants `d^2 E/dX_a dX_b` in hartree per bohr squared: row `a`, column `b`.
    ///
    /// One linear response a nucleus. With `g_a = sum_i h n_i dv_i/dX_a + dE_nn/dX_a` (Hellmann and Feynman),
    /// `dg_a/dX_b` is the implicit derivative of the density plus the explicit second derivatives.
    ///
    /// # Errors
    /// [`ImplicitError`]; [`ImplicitError::NotSmooth`] for the exponential interaction, whose kink at a nucleus leaves the
    /// energy on a grid without a second derivative.
    pub fn force_constants(&self) -> Result<Vec<Vec<f64>>, ImplicitError> {
        let Self { model, system, scf, .. } = *self;
        let w = model.interaction;
        let curvature = |u: f64| w.curvature(u).ok_or(ImplicitError::NotSmooth);
        let (nuclei, h) = (system.nuclei(), model.grid.spacing_bohr());
        let density = &total(scf.channels, &scf.last().density_out);
        let mut rows = Vec::with_capacity(nuclei.len());
        for (a, nucleus) in nuclei.iter().enumerate() {
            let from = |i: usize| model.grid.x(i) - nucleus.position_bohr;
            let seed: Vec<f64> =
                (0..density.len()).map(|i| h * nucleus.charge * w.slope(from(i))).collect();
            let response = self.adjoint(0.0, &seed.repeat(scf.channels))?.nuclei(model, system);
            let mut row: Vec<f64> = response.iter().map(|(by_x, _)| *by_x).collect();
            for (i, n) in density.iter().enumerate() {
                row[a] -= h * n * nucleus.charge * curvature(from(i))?;
            }
            for (b, other) in nuclei.iter().enumerate().filter(|(b, _)| *b != a) {
                let u = nucleus.position_bohr - other.position_bohr;
                let repulsion = nucleus.charge * other.charge * curvature(u)?;
                row[a] += repulsion;
                row[b] -= repulsion;
            }
            rows.push(row);
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::Converged;
    use crate::one_d::{
        EigenOptions, Grid, ImplicitError, Interaction, Lda, Model, Prepared, ScfOptions, Stencil,
        System, self_consistent_field,
    };

    fn model() -> Model {
        Model {
            grid: Grid::new(101, 0.2).unwrap(),
            stencil: Stencil::FivePoint,
            interaction: Interaction::SoftCoulomb { softening_bohr: 1.0 },
        }
    }

    fn with<T>(model: &Model, x: f64, z: f64, f: impl Fn(Converged) -> T) -> T {
        let eigen = EigenOptions { tol_residual_ha: 1e-12 };
        let options = ScfOptions { tol_density: 1e-11, eigen, ..ScfOptions::converged() };
        let system = System::molecule(&[(-0.9, 1.0), (x, z)], 2).unwrap();
        let prepared = Prepared::new(model, &system).unwrap();
        let lda = Lda::default();
        let scf = self_consistent_field(model, &prepared, &lda, &options).unwrap();
        f(Converged {
            model,
            system: &system,
            prepared: &prepared,
            functional: &lda,
            options: &options,
            scf: &scf,
        })
    }

    #[test]
    fn forces_agree_with_differences_of_the_energy() {
        for interaction in [model().interaction, Interaction::BAKER] {
            let model = Model { interaction, ..model() };
            let energy = |x, z| with(&model, x, z, |c| c.energy_total_ha());
            let (by_x, by_z) = with(&model, 0.83, 1.2, |c| c.gradient()).unwrap()[1];
            let t = 1e-4;
            let fd_x = (energy(0.83 + t, 1.2) - energy(0.83 - t, 1.2)) / (2.0 * t);
            let fd_z = (energy(0.83, 1.2 + t) - energy(0.83, 1.2 - t)) / (2.0 * t);
            assert!((by_x - fd_x).abs() < 1e-7, "{by_x} {fd_x}");
            assert!((by_z - fd_z).abs() < 1e-7, "{by_z} {fd_z}");
        }
    }

    #[test]
    fn force_constants_agree_with_differences_of_the_forces() {
        let model = model();
        let constants = with(&model, 0.83, 1.2, |c| c.force_constants()).unwrap();
        let gradient = |x| with(&model, x, 1.2, |c| c.gradient()).unwrap();
        let t = 1e-3;
        let (above, below) = (gradient(0.83 + t), gradient(0.83 - t));
        for a in 0..2 {
            let fd = (above[a].0 - below[a].0) / (2.0 * t);
            assert!((constants[a][1] - fd).abs() < 1e-6, "{a}: {} {fd}", constants[a][1]);
        }
        assert!((constants[0][1] - constants[1][0]).abs() < 1e-9);
        let kink = Model { interaction: Interaction::BAKER, ..model };
        let refused = with(&kink, 0.83, 1.2, |c| c.force_constants());
        assert_eq!(refused, Err(ImplicitError::NotSmooth));
    }
}
