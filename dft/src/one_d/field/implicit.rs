//! The gradient of a function of the self-consistent fixed point, by the implicit function theorem.
//!
//! At `n = G(n, theta, v_ext)`, a cotangent `n_bar` of the density becomes `lambda` with
//! `(1 - dG/dn)^T lambda = n_bar`, and `lambda` is pulled once through `G`. The energy is a function of the density in, so its
//! own cotangent joins `n_bar`. Memory does not depend on the number of iterations that led to the fixed point, nor on how
//! they mixed. (Blondel et al., NeurIPS 2022, eq. 2, for `F = G - n`.)

use thiserror::Error;

use crate::one_d::field::prepared::Prepared;
use crate::one_d::field::scf::{Model, Scf, ScfOptions, ScfStatus};
use crate::one_d::field::unrolled::{Pulled, pull_step};
use crate::one_d::functional::Functional;
use crate::one_d::linear::gmres::gmres;
use crate::one_d::system::System;

/// Settings of the linear solve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImplicitOptions {
    /// Relative residual to reach.
    pub tolerance: f64,
    /// Most applications of the adjoint of one SCF step.
    pub max_applications: usize,
}

impl Default for ImplicitOptions {
    fn default() -> Self {
        Self { tolerance: 1e-11, max_applications: 200 }
    }
}

/// Cotangents of what a fixed point depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct FixedPointAdjoint {
    /// `dL/dtheta`, the functional's parameters.
    pub parameters: Vec<f64>,
    /// `dL/dv_ext` at each grid point; [`FixedPointAdjoint::nuclei`] leads to nuclear positions and charges.
    pub external: Vec<f64>,
    /// Relative residual of the linear solve.
    pub residual: f64,
    /// Applications of the adjoint of one SCF step.
    pub applications: usize,
}

impl FixedPointAdjoint {
    /// `(dL/dX_a, dL/dZ_a)` of each nucleus, through the external potential; the repulsion of the nuclei is not part of it.
    pub fn nuclei(&self, model: &Model, system: &System) -> Vec<(f64, f64)> {
        system.external_potential_vjp(&model.grid, model.interaction, &self.external)
    }
}

/// Why there is no implicit gradient.
#[derive(Clone, Copy, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ImplicitError {
    /// The SCF is not at a fixed point.
    #[error(
        "the SCF stopped at a residual of {residual:.1e} electrons: there is no fixed point to differentiate; converge it first"
    )]
    NotConverged {
        /// `integral |n_out - n_in| dx` of the last step.
        residual: f64,
    },
    /// The energy has no second derivative.
    #[error(
        "the exponential interaction has a kink at a nucleus, so the energy on a grid has no second derivative by positions; take the soft Coulomb interaction, or fit the curve"
    )]
    NotSmooth,
    /// The linear solve stopped short.
    #[error(
        "the response did not converge: relative residual {residual:.1e} after {applications} applications; the fixed point is nearly unstable, look at the gap"
    )]
    Response {
        /// Where it stopped.
        residual: f64,
        /// Applications made.
        applications: usize,
    },
}

/// Vector-Jacobian product of the map from parameters and external potential to the energy and density of the fixed point.
///
/// `scf` is a converged run with these settings; derivatives are exact to its residual.
///
/// # Shapes
/// `density_bar`: `channels x n`, `dL/dn`.
///
/// # Errors
/// [`ImplicitError`]: an SCF that did not converge, a response that does not.
pub fn implicit_adjoint(
    model: &Model,
    prepared: &Prepared,
    functional: &dyn Functional,
    options: &ScfOptions,
    scf: &Scf,
    energy_bar: f64,
    density_bar: &[f64],
    linear: &ImplicitOptions,
) -> Result<FixedPointAdjoint, ImplicitError> {
    let step = scf.last();
    if scf.status != ScfStatus::Converged {
        return Err(ImplicitError::NotConverged { residual: step.residual });
    }
    let (n, all) = (model.grid.points(), density_bar.len());
    // the functional is pulled back at one density, once for each application
    let mut step = step.clone();
    step.kept =
        functional.evaluate_and_keep(&model.grid, &step.density_in, prepared.enforced(options)).1;
    let step = &step;
    let nothing =
        || Pulled { parameters: vec![0.0; functional.parameter_count()], external: vec![0.0; n] };
    let pull = |energy_bar: f64, out_bar: &[f64], pulled: &mut Pulled| {
        pull_step(model, prepared, functional, options, step, energy_bar, out_bar, pulled)
    };
    let mut pulled = nothing();
    let mut right = pull(energy_bar, &vec![0.0; all], &mut pulled);
    right.iter_mut().zip(density_bar).for_each(|(r, b)| *r += b);
    let solution = gmres(&right, linear.tolerance, linear.max_applications, |lambda| {
        let through = pull(0.0, lambda, &mut nothing());
        lambda.iter().zip(&through).map(|(l, t)| l - t).collect()
    });
    if solution.residual > linear.tolerance {
        let (residual, applications) = (solution.residual, solution.applications);
        return Err(ImplicitError::Response { residual, applications });
    }
    pull(0.0, &solution.x, &mut pulled);
    Ok(FixedPointAdjoint {
        parameters: pulled.parameters,
        external: pulled.external,
        residual: solution.residual,
        applications: solution.applications,
    })
}

#[cfg(test)]
mod tests {
    use super::{ImplicitError, ImplicitOptions, implicit_adjoint};
    use crate::one_d::field::unrolled::reverse_trajectory;
    use crate::one_d::{
        Architecture, Functional, Grid, Interaction, Lda, Model, Network, Prepared, Scf,
        ScfOptions, Stencil, System, self_consistent_field,
    };

    fn model() -> Model {
        Model {
            grid: Grid::new(81, 0.25).unwrap(),
            stencil: Stencil::FivePoint,
            interaction: Interaction::SoftCoulomb { softening_bohr: 1.0 },
        }
    }

    fn tight() -> ScfOptions {
        let eigen = crate::one_d::EigenOptions { tol_residual_ha: 1e-12 };
        ScfOptions { tol_density: 1e-11, mirror_symmetric: false, eigen, ..ScfOptions::converged() }
    }

    fn converged(prepared: &Prepared, functional: &dyn Functional) -> Scf {
        self_consistent_field(&model(), prepared, functional, &tight()).unwrap()
    }

    fn weights() -> Vec<f64> {
        (0..81).map(|i| (0.2 * f64::from(i)).sin()).collect()
    }

    /// `0.6 E + sum_i w_i n_i`.
    fn loss(scf: &Scf) -> f64 {
        let density: f64 = scf.last().density_out.iter().zip(weights()).map(|(n, w)| n * w).sum();
        0.6 * scf.energy_ha() + density
    }

    fn adjoint(prepared: &Prepared, functional: &dyn Functional) -> super::FixedPointAdjoint {
        let scf = converged(prepared, functional);
        let linear = ImplicitOptions::default();
        implicit_adjoint(&model(), prepared, functional, &tight(), &scf, 0.6, &weights(), &linear)
            .unwrap()
    }

    fn network() -> (Architecture, Vec<f64>) {
        let architecture = Architecture {
            global_features: 2,
            hidden: vec![3],
            grid_spacing_bohr: 0.25,
            interaction: model().interaction,
            ..Architecture::paper()
        };
        let parameters = architecture.initial_parameters(3);
        (architecture, parameters)
    }

    #[test]
    fn positions_and_charges_agree_with_differences() {
        let value = |x: f64, z: f64| {
            let system = System::molecule(&[(-1.1, 1.0), (x, z)], 3).unwrap();
            loss(&converged(&Prepared::new(&model(), &system).unwrap(), &Lda::default()))
        };
        let system = System::molecule(&[(-1.1, 1.0), (0.9, 2.1)], 3).unwrap();
        let adjoint = adjoint(&Prepared::new(&model(), &system).unwrap(), &Lda::default());
        let (by_x, by_z) = adjoint.nuclei(&model(), &system)[1];
        let t = 1e-4;
        let fd_x = (value(0.9 + t, 2.1) - value(0.9 - t, 2.1)) / (2.0 * t);
        let fd_z = (value(0.9, 2.1 + t) - value(0.9, 2.1 - t)) / (2.0 * t);
        assert!((by_x - fd_x).abs() < 1e-7 * fd_x.abs().max(1.0), "{by_x} {fd_x}");
        assert!((by_z - fd_z).abs() < 1e-7 * fd_z.abs().max(1.0), "{by_z} {fd_z}");
    }

    #[test]
    fn functional_parameters_agree_with_differences() {
        let (architecture, parameters) = network();
        let prepared = Prepared::new(&model(), &System::chain(2, 1.0, 1.5).unwrap()).unwrap();
        let at = |p: &[f64]| Network::new(architecture.clone(), p, &model().grid).unwrap();
        let adjoint = adjoint(&prepared, &at(&parameters));
        for k in 0..parameters.len() {
            let value = |t: f64| {
                let mut moved = parameters.clone();
                moved[k] += t;
                loss(&converged(&prepared, &at(&moved)))
            };
            let t = 2e-4; // fourth order
            let fd =
                (8.0 * (value(t) - value(-t)) - (value(2.0 * t) - value(-2.0 * t))) / (12.0 * t);
            let exact = adjoint.parameters[k];
            assert!((exact - fd).abs() < 1e-7 * fd.abs().max(1.0), "{k}: {exact} {fd}");
        }
    }

    /// The difference of the unrolled gradient by the external potential from the implicit one.
    fn distance(options: &ScfOptions) -> f64 {
        let (architecture, parameters) = network();
        let network = Network::new(architecture, &parameters, &model().grid).unwrap();
        let prepared = Prepared::new(&model(), &System::chain(2, 1.0, 1.5).unwrap()).unwrap();
        let implicit = adjoint(&prepared, &network);
        let scf = self_consistent_field(&model(), &prepared, &network, options).unwrap();
        let mut energies_bar = vec![0.0; scf.steps.len()];
        energies_bar[scf.steps.len() - 1] = 0.6;
        let unrolled = reverse_trajectory(
            &model(),
            &prepared,
            &network,
            options,
            &scf,
            &energies_bar,
            &weights(),
        );
        let pairs = implicit.parameters.iter().zip(&unrolled.parameters);
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn the_unrolled_gradient_converges_to_the_implicit_one() {
        let anderson = |steps| ScfOptions { steps, tol_density: 0.0, ..tight() };
        let constant = |steps| ScfOptions { history: 0, ..anderson(steps) };
        let (few, many) = (distance(&constant(8)), distance(&constant(110)));
        assert!(many < 1e-7 && few > 100.0 * many, "constant mixing: {few:.1e} {many:.1e}");
        let (few, many) = (distance(&anderson(4)), distance(&anderson(14)));
        assert!(many < 1e-7 && few > 100.0 * many, "Anderson: {few:.1e} {many:.1e}");
        // with the paper's decay the mixing dies out before the fixed point is reached
        let paper = |steps| ScfOptions { steps, mirror_symmetric: false, ..ScfOptions::paper() };
        assert!(distance(&paper(60)) > 1e-7);
    }

    #[test]
    fn what_has_no_fixed_point_is_refused() {
        let prepared = Prepared::new(&model(), &System::chain(2, 1.0, 1.5).unwrap()).unwrap();
        let short = ScfOptions { steps: 2, ..tight() };
        let lda = Lda::default();
        let scf = self_consistent_field(&model(), &prepared, &lda, &short).unwrap();
        let linear = ImplicitOptions::default();
        let refused =
            implicit_adjoint(&model(), &prepared, &lda, &short, &scf, 1.0, &weights(), &linear);
        assert!(matches!(refused, Err(ImplicitError::NotConverged { .. })));
    }
}
