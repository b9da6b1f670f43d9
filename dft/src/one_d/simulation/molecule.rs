//! One molecule of a [`LineSimulation`](super::LineSimulation): its ground state, and derivatives of what is asked of it.
//!
//! A cotangent of the density, or of the forces through the density, goes through the self-consistent field by the implicit
//! function theorem ([`implicit_adjoint`]); one of the energy alone does not, for the energy is stationary in the orbitals
//! (Hellmann and Feynman): `dE/dv_i = h n_i`.
//!
//! The static response `dn_i/dv_j` is symmetric, so the same solve is also the tangent: with a change `dv` of the potential in
//! the place of a cotangent of the density, it returns the change of the density.

use std::sync::Arc;

use cotangent_problem::TrialFailure;

use crate::one_d::exact::reference::ground_state;
use crate::one_d::failure;
use crate::one_d::field::implicit::{FixedPointAdjoint, ImplicitOptions, implicit_adjoint};
use crate::one_d::field::nuclear::Converged;
use crate::one_d::field::prepared::Prepared;
use crate::one_d::field::scf::{Model, Scf, self_consistent_field};
use crate::one_d::functional::Functional;
use crate::one_d::system::System;
use crate::one_d::task::geometry::{Relaxation, Theory, tight};

/// A functional that several molecules share.
pub(super) type SharedFunctional = Arc<dyn Functional + Send + Sync>;

/// What goes into a molecule; derivatives by it have the same shapes.
#[derive(Clone, Debug, Default)]
pub(super) struct MoleculeInputs {
    /// Positions of the nuclei in bohr.
    pub positions: Vec<f64>,
    /// Their charges.
    pub charges: Vec<f64>,
    /// What acts on the electrons besides the nuclei, in hartree, `points` entries.
    pub potential: Vec<f64>,
    /// Parameters of the functional.
    pub parameters: Vec<f64>,
}

/// What comes out of a molecule; cotangents and tangents of it have the same shapes.
#[derive(Clone, Debug, Default)]
pub(super) struct MoleculeOutputs {
    /// Total energy in hartree.
    pub energy: f64,
    /// Density in 1/bohr, `points` entries.
    pub density: Vec<f64>,
    /// Forces on the nuclei in hartree per bohr.
    pub forces: Vec<f64>,
    /// From each nucleus to the next in bohr.
    pub distances: Vec<f64>,
    /// Second derivatives of the energy by positions in hartree per bohr squared, row by row; empty where they are not asked.
    pub force_constants: Vec<f64>,
}

/// A molecule's ground state.
pub(super) struct Solution<'a> {
    model: &'a Model,
    system: System,
    density: Vec<f64>,
    /// Electronic energy in hartree.
    electronic_ha: f64,
    /// The field and its functional; none of an exact state.
    field: Option<(Prepared, Scf, SharedFunctional)>,
}

impl<'a> Solution<'a> {
    /// The self-consistent field with a functional, or the exact ground state.
    ///
    /// # Errors
    /// No molecule, a nucleus outside the box, no convergence.
    pub(super) fn new(
        model: &'a Model,
        electrons: usize,
        inputs: &MoleculeInputs,
        functional: Option<SharedFunctional>,
    ) -> Result<Self, TrialFailure> {
        let nuclei: Vec<(f64, f64)> =
            inputs.positions.iter().copied().zip(inputs.charges.iter().copied()).collect();
        let system = System::molecule(&nuclei, electrons)?;
        system.check_inside(&model.grid)?;
        let Some(functional) = functional else {
            let state = ground_state(model, &system)?;
            let (density, electronic_ha) = (state.density, state.energy_ha);
            return Ok(Self { model, system, density, electronic_ha, field: None });
        };
        let prepared = Prepared::in_potential(model, &system, &inputs.potential)?;
        let scf = self_consistent_field(model, &prepared, functional.as_ref(), &tight())?;
        let scf = failure::converged(model, scf)?;
        let (density, electronic_ha) = (scf.last().density_out.clone(), scf.energy_ha());
        Ok(Self { model, system, density, electronic_ha, field: Some((prepared, scf, functional)) })
    }

    /// Everything that may be asked.
    pub(super) fn outputs(&self) -> MoleculeOutputs {
        let positions: Vec<f64> = self.system.nuclei().iter().map(|n| n.position_bohr).collect();
        let repulsion = self.system.nuclear_repulsion_ha(self.model.interaction);
        MoleculeOutputs {
            energy: self.electronic_ha + repulsion,
            density: self.density.clone(),
            forces: self.nuclear_gradient().iter().map(|(by_x, _)| -by_x).collect(),
            distances: positions.windows(2).map(|w| w[1] - w[0]).collect(),
            force_constants: Vec::new(),
        }
    }

    /// Second derivatives of the energy by positions in hartree per bohr squared: by linear response, or of an exact state by
    /// differences of its forces.
    ///
    /// # Errors
    /// An interaction with a kink, a response that does not converge.
    pub(super) fn force_constants(&self) -> Result<Vec<Vec<f64>>, TrialFailure> {
        let (model, system) = (self.model, &self.system);
        if let Some((prepared, scf, functional)) = &self.field {
            let (functional, options) = (functional.as_ref(), &tight());
            return Ok(Converged { model, system, prepared, functional, options, scf }
                .force_constants()?);
        }
        let nuclei = system.nuclei();
        let charges = nuclei.iter().map(|n| n.charge).collect();
        let spacings: Vec<f64> =
            nuclei.windows(2).map(|w| w[1].position_bohr - w[0].position_bohr).collect();
        Relaxation::new(*model, charges, system.electrons(), Theory::Exact)
            .force_constants(&spacings)
    }

    /// `(dE/dX_a, dE/dZ_a)` by Hellmann and Feynman.
    fn nuclear_gradient(&self) -> Vec<(f64, f64)> {
        let (grid, w) = (&self.model.grid, self.model.interaction);
        let by_potential = self.by_potential(1.0);
        let electrons = self.system.external_potential_vjp(grid, w, &by_potential);
        let nuclei = self.system.nuclear_repulsion_gradient(w);
        electrons.iter().zip(&nuclei).map(|(e, n)| (e.0 + n.0, e.1 + n.1)).collect()
    }

    /// `energy_bar dE/dv_i = energy_bar h n_i`.
    fn by_potential(&self, energy_bar: f64) -> Vec<f64> {
        let h = self.model.grid.spacing_bohr();
        self.density.iter().map(|n| energy_bar * h * n).collect()
    }

    /// The adjoint of the fixed point.
    fn response(
        &self,
        energy_bar: f64,
        density_bar: &[f64],
    ) -> Result<FixedPointAdjoint, TrialFailure> {
        let Some((prepared, scf, functional)) = &self.field else {
            let parameter = "the exact state".into();
            let why = "only the energy of an exact state has derivatives".into();
            return Err(TrialFailure::NotDifferentiable { parameter, why });
        };
        let linear = ImplicitOptions::default();
        let options = tight();
        Ok(implicit_adjoint(
            self.model,
            prepared,
            functional.as_ref(),
            &options,
            scf,
            energy_bar,
            density_bar,
            &linear,
        )?)
    }

    /// `J^T` of a cotangent of the outputs; empty arrays of it are zeros.
    ///
    /// # Errors
    /// A response that does not converge; forces under an interaction with a kink.
    pub(super) fn pull(&self, bar: &MoleculeOutputs) -> Result<MoleculeInputs, TrialFailure> {
        let model = self.model;
        let mut density_bar = bar.density.clone();
        density_bar.resize(self.density.len(), 0.0);
        let explicit = self.pull_forces(&bar.forces, &mut density_bar)?;
        let parameters = self.field.as_ref().map_or(0, |(.., f)| f.parameter_count());
        let through_field = density_bar.iter().any(|b| *b != 0.0);
        let (external, parameters) = if through_field || (parameters > 0 && bar.energy != 0.0) {
            let adjoint = self.response(bar.energy, &density_bar)?;
            (adjoint.external, adjoint.parameters)
        } else {
            (self.by_potential(bar.energy), vec![0.0; parameters])
        };
        let w = model.interaction;
        let electrons = self.system.external_potential_vjp(&model.grid, w, &external);
        let nuclei = self.system.nuclear_repulsion_gradient(w);
        let each = electrons.iter().zip(&nuclei).zip(&explicit);
        let (mut positions, charges): (Vec<f64>, Vec<f64>) = each
            .map(|((e, n), f)| (e.0 + bar.energy * n.0 + f.0, e.1 + bar.energy * n.1 + f.1))
            .unzip();
        for (k, d) in bar.distances.iter().enumerate() {
            positions[k + 1] += d;
            positions[k] -= d;
        }
        Ok(MoleculeInputs { positions, charges, potential: external, parameters })
    }

    /// What a cotangent of the forces gives `(X_a, Z_a)` at a fixed density; what it gives the density is added to `density_bar`.
    ///
    /// `F_a = -sum_i h n_i Z_a w'(x_i - X_a) - sum_b Z_a Z_b w'(X_a - X_b)`.
    fn pull_forces(
        &self,
        forces_bar: &[f64],
        density_bar: &mut [f64],
    ) -> Result<Vec<(f64, f64)>, TrialFailure> {
        let nuclei = self.system.nuclei();
        let mut pulled = vec![(0.0, 0.0); nuclei.len()];
        let (grid, w) = (&self.model.grid, self.model.interaction);
        let h = grid.spacing_bohr();
        for (a, bar) in forces_bar.iter().enumerate().filter(|(_, bar)| **bar != 0.0) {
            let nucleus = nuclei[a];
            for (i, n) in self.density.iter().enumerate() {
                let u = grid.x(i) - nucleus.position_bohr;
                density_bar[i] -= bar * h * nucleus.charge * w.slope(u);
                pulled[a].0 += bar * h * n * nucleus.charge * self.curvature(u)?;
                pulled[a].1 -= bar * h * n * w.slope(u);
            }
            for (b, other) in nuclei.iter().enumerate().filter(|(b, _)| *b != a) {
                let u = nucleus.position_bohr - other.position_bohr;
                let stiffness = bar * nucleus.charge * other.charge * self.curvature(u)?;
                pulled[a].0 -= stiffness;
                pulled[b].0 += stiffness;
                pulled[a].1 -= bar * other.charge * w.slope(u);
                pulled[b].1 -= bar * nucleus.charge * w.slope(u);
            }
        }
        Ok(pulled)
    }

    fn curvature(&self, u: f64) -> Result<f64, TrialFailure> {
        self.model.interaction.curvature(u).ok_or_else(|| TrialFailure::NotDifferentiable {
            parameter: "the forces on the nuclei".into(),
            why: "the interaction has a kink at a nucleus".into(),
        })
    }

    /// `J` of a tangent of the inputs whose parameters do not move; density and forces only where `through_field`.
    ///
    /// # Errors
    /// As [`Solution::pull`].
    pub(super) fn push(
        &self,
        dot: &MoleculeInputs,
        through_field: bool,
    ) -> Result<MoleculeOutputs, TrialFailure> {
        let (grid, w) = (&self.model.grid, self.model.interaction);
        let mut potential_dot = dot.potential.clone();
        potential_dot.resize(self.density.len(), 0.0);
        for (a, nucleus) in self.system.nuclei().iter().enumerate() {
            for (i, v) in potential_dot.iter_mut().enumerate() {
                let u = grid.x(i) - nucleus.position_bohr;
                *v += nucleus.charge * w.slope(u) * dot.positions[a] - w.energy(u) * dot.charges[a];
            }
        }
        let along = |bar: &[f64], dot: &[f64]| bar.iter().zip(dot).map(|(b, d)| b * d).sum::<f64>();
        let nuclei = self.system.nuclear_repulsion_gradient(w);
        let (by_x, by_z): (Vec<f64>, Vec<f64>) = nuclei.into_iter().unzip();
        let energy = along(&self.by_potential(1.0), &potential_dot)
            + along(&by_x, &dot.positions)
            + along(&by_z, &dot.charges);
        let distances = dot.positions.windows(2).map(|x| x[1] - x[0]).collect();
        let mut outputs = MoleculeOutputs { energy, distances, ..MoleculeOutputs::default() };
        if through_field {
            outputs.density = self.response(0.0, &potential_dot)?.external;
            outputs.forces = self.push_forces(dot, &outputs.density)?;
        }
        Ok(outputs)
    }

    /// Change of the forces with nuclei and density: the transpose of [`Solution::pull_forces`], row by row.
    fn push_forces(
        &self,
        dot: &MoleculeInputs,
        density_dot: &[f64],
    ) -> Result<Vec<f64>, TrialFailure> {
        let count = self.system.nuclei().len();
        let row = |a: usize| -> Result<f64, TrialFailure> {
            let mut unit = vec![0.0; count];
            unit[a] = 1.0;
            let mut by_density = vec![0.0; density_dot.len()];
            let pulled = self.pull_forces(&unit, &mut by_density)?;
            let nuclei: f64 = pulled
                .iter()
                .enumerate()
                .map(|(b, (by_x, by_z))| by_x * dot.positions[b] + by_z * dot.charges[b])
                .sum();
            Ok(nuclei + by_density.iter().zip(density_dot).map(|(b, d)| b * d).sum::<f64>())
        };
        (0..count).map(row).collect()
    }
}
