//! The gradient of a function of an SCF trajectory, by reversing the trajectory.
//!
//! Every step is kept (densities, potential, orbitals: a few vectors a step), and its adjoint is written out: one banded
//! solve per occupied orbital, recursive filters for the Hartree terms, and the functional's own adjoint. No
//! eigen-decomposition is differentiated and no tape is made.

use crate::one_d::field::mixing::{History, HistoryBar, mix_adjoint};
use crate::one_d::field::prepared::Prepared;
use crate::one_d::field::scf::{
    Model, Scf, ScfOptions, ScfStep, channel_states, difference, history, total,
};
use crate::one_d::functional::Functional;
use crate::one_d::linear::eigen::{EigenError, EigenOptions, EigenPairs, eigenvector_adjoint};
use crate::one_d::system::System;

/// Cotangents of what a trajectory depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct TrajectoryAdjoint {
    /// `dL/dtheta`, the functional's parameters.
    pub parameters: Vec<f64>,
    /// `dL/dv_ext` at each grid point: the door to nuclear positions and charges
    /// ([`System::external_potential_vjp`](crate::one_d::System::external_potential_vjp)).
    pub external: Vec<f64>,
    /// `dL/dn_0`, the starting density.
    pub start: Vec<f64>,
}

impl TrajectoryAdjoint {
    /// `(dL/dX_a, dL/dZ_a)` of each nucleus, through the external potential and through the starting density, which is that of
    /// independent electrons in it; the repulsion of the nuclei is not part of it.
    ///
    /// # Errors
    /// The orbitals of the starting density were not found.
    pub fn nuclei(
        &self,
        model: &Model,
        system: &System,
        prepared: &Prepared,
    ) -> Result<Vec<(f64, f64)>, EigenError> {
        let (n, v) = (model.grid.points(), &prepared.external_ha);
        let mut bar = self.external.clone();
        for (occupations, start_bar) in prepared.occupations.iter().zip(self.start.chunks_exact(n))
        {
            let states = channel_states(model, v, occupations, &[], &EigenOptions::default())?;
            pull_orbitals(model, occupations, v, &states, 0.0, start_bar, &mut bar);
        }
        Ok(system.external_potential_vjp(&model.grid, model.interaction, &bar))
    }
}

/// Vector-Jacobian product of the map from parameters, external potential and starting density to the energies of all steps
/// and the final density.
///
/// # Shapes
/// `energies_bar`: one entry a step; `density_bar`: `n`, `dL/dn` of [`Scf::density`].
///
/// # Panics
/// Where shapes differ.
pub fn reverse_trajectory(
    model: &Model,
    prepared: &Prepared,
    functional: &dyn Functional,
    options: &ScfOptions,
    scf: &Scf,
    energies_bar: &[f64],
    density_bar: &[f64],
) -> TrajectoryAdjoint {
    assert_eq!(energies_bar.len(), scf.steps.len(), "one energy cotangent a step");
    let residuals: Vec<Vec<f64>> =
        scf.steps.iter().map(|s| difference(&s.density_out, &s.density_in)).collect();
    let mut reversal = Reversal::new(model, prepared, functional, options, density_bar);
    for (index, step) in scf.steps.iter().enumerate().rev() {
        let used = index.saturating_sub(options.history)..=index;
        let so_far = history(&scf.steps[used.clone()], &residuals[used]);
        reversal.pull(index, step, &so_far, energies_bar[index]);
    }
    reversal.finish()
}

/// A trajectory on its way back.
pub(in crate::one_d) struct Reversal<'a> {
    model: &'a Model,
    prepared: &'a Prepared,
    functional: &'a dyn Functional,
    options: &'a ScfOptions,
    pulled: Pulled,
    /// Of the density after the step that comes next.
    density_bar: Vec<f64>,
    /// Of densities and residuals of earlier steps, through the mixing of later ones; the latest last.
    pending: HistoryBar,
}

impl<'a> Reversal<'a> {
    /// From the cotangent of the final density.
    pub(in crate::one_d) fn new(
        model: &'a Model,
        prepared: &'a Prepared,
        functional: &'a dyn Functional,
        options: &'a ScfOptions,
        density_bar: &[f64],
    ) -> Self {
        let parameters = vec![0.0; functional.parameter_count()];
        let pulled = Pulled { parameters, external: vec![0.0; model.grid.points()] };
        let pending = HistoryBar { densities: Vec::new(), residuals: Vec::new() };
        let density_bar = density_bar.to_vec();
        Self { model, prepared, functional, options, pulled, density_bar, pending }
    }

    /// Through step `index`, whose mixing used `history`.
    pub(in crate::one_d) fn pull(
        &mut self,
        index: usize,
        step: &ScfStep,
        history: &History,
        energy_bar: f64,
    ) {
        let HistoryBar { densities, residuals } = &mut self.pending;
        while densities.len() < history.densities.len() {
            densities.insert(0, vec![0.0; self.density_bar.len()]);
            residuals.insert(0, vec![0.0; self.density_bar.len()]);
        }
        let alpha = self.options.fraction(index);
        mix_adjoint(history, self.options.history, alpha, &self.density_bar, &mut self.pending);
        let taken = (self.pending.densities.pop(), self.pending.residuals.pop());
        let (Some(in_bar), Some(out_bar)) = taken else { unreachable!("the step itself") };
        self.density_bar = difference(&in_bar, &out_bar);
        let through = pull_step(
            self.model,
            self.prepared,
            self.functional,
            self.options,
            step,
            energy_bar,
            &out_bar,
            &mut self.pulled,
        );
        self.density_bar.iter_mut().zip(&through).for_each(|(b, t)| *b += t);
    }

    pub(in crate::one_d) fn finish(self) -> TrajectoryAdjoint {
        let Pulled { parameters, external } = self.pulled;
        TrajectoryAdjoint { parameters, external, start: self.density_bar }
    }
}

/// Cotangents that all steps share.
pub(in crate::one_d) struct Pulled {
    pub parameters: Vec<f64>,
    pub external: Vec<f64>,
}

/// Vector-Jacobian product of one step, from density in to energy and density out: the cotangent of the density in, with
/// those of parameters and external potential added to `pulled`.
pub(in crate::one_d) fn pull_step(
    model: &Model,
    prepared: &Prepared,
    functional: &dyn Functional,
    options: &ScfOptions,
    step: &ScfStep,
    energy_bar: f64,
    out_bar: &[f64],
    pulled: &mut Pulled,
) -> Vec<f64> {
    let mirror = prepared.enforced(options);
    let (n, channels) = (model.grid.points(), prepared.channels());
    let h = model.grid.spacing_bohr();
    let hartree = |x: &[f64]| model.interaction.hartree_potential(&model.grid, &total(channels, x));
    let mut out_bar = out_bar.to_vec();
    let mut potential_bar = vec![0.0; channels * n];
    if energy_bar != 0.0 {
        // E = sum f e + int (v_ext - v) n_out + U[n_out] + E_xc[n_out]
        let parameters = &mut pulled.parameters;
        let out = &step.density_out;
        let none = vec![0.0; channels * n];
        let xc = functional.adjoint(&model.grid, out, mirror, energy_bar, &none, parameters);
        let hartree_out = hartree(out);
        for k in 0..channels * n {
            let difference =
                prepared.external_ha[k % n] - step.potential_ha[k] + hartree_out[k % n];
            out_bar[k] += energy_bar * h * difference + xc[k];
            pulled.external[k % n] += energy_bar * h * out[k];
            potential_bar[k] -= energy_bar * h * out[k];
        }
    }
    for (c, occupations) in prepared.occupations.iter().enumerate() {
        let channel = c * n..(c + 1) * n;
        let out_bar = &mut out_bar[channel.clone()];
        if let Some(mirror) = mirror {
            mirror.symmetrise(out_bar);
        }
        let (potential, states) = (&step.potential_ha[channel.clone()], &step.states[c]);
        let bar = &mut potential_bar[channel];
        pull_orbitals(model, occupations, potential, states, energy_bar, out_bar, bar);
    }
    let parameters = &mut pulled.parameters;
    let density = &step.density_in;
    let (grid, kept) = (&model.grid, &step.kept);
    let xc = functional.adjoint_of(kept, grid, density, mirror, 0.0, &potential_bar, parameters);
    let hartree_bar = hartree(&potential_bar); // the map is symmetric
    for k in 0..channels * n {
        pulled.external[k % n] += potential_bar[k];
    }
    (0..channels * n).map(|k| hartree_bar[k % n] + xc[k]).collect()
}

/// Adds to the potential's cotangent what comes through eigenvalues (`energy_bar` times the occupations) and through the
/// density of the orbitals.
pub(in crate::one_d) fn pull_orbitals(
    model: &Model,
    occupations: &[f64],
    potential: &[f64],
    states: &EigenPairs,
    energy_bar: f64,
    out_bar: &[f64],
    potential_bar: &mut [f64],
) {
    let n = model.grid.points();
    let spacing = model.grid.spacing_bohr();
    let h = model.stencil.hamiltonian(&model.grid, potential);
    let mut phi_bar = vec![0.0; n];
    for (k, &occupation) in occupations.iter().enumerate() {
        let phi = &states.states[k];
        for i in 0..n {
            phi_bar[i] = 2.0 * occupation / spacing * out_bar[i] * phi[i];
        }
        let same_occupation =
            |&j: &usize| j != k && occupations[j].to_bits() == occupation.to_bits();
        let with: Vec<&[f64]> = (0..occupations.len())
            .filter(same_occupation)
            .map(|j| states.states[j].as_slice())
            .collect();
        let x = eigenvector_adjoint(&h, states.energies_ha[k], phi, &with, &phi_bar);
        for i in 0..n {
            potential_bar[i] += phi[i] * (energy_bar * occupation * phi[i] - x[i]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::reverse_trajectory;
    use crate::one_d::field::prepared::Prepared;
    use crate::one_d::field::scf::{Model, ScfOptions, self_consistent_field};
    use crate::one_d::functional::network::{Architecture, Network};
    use crate::one_d::{EigenOptions, Functional, Grid, Interaction, Lda, Stencil, System};

    fn model() -> Model {
        Model {
            grid: Grid::new(81, 0.25).unwrap(),
            stencil: Stencil::FivePoint,
            interaction: Interaction::BAKER,
        }
    }

    /// Linear mixing with the paper's decay, or Anderson's.
    fn options(history: usize) -> ScfOptions {
        let eigen = EigenOptions { tol_residual_ha: 1e-12 };
        ScfOptions { steps: 5, mirror_symmetric: false, eigen, history, ..ScfOptions::paper() }
    }

    /// A function of all energies and the final density, with its cotangents.
    fn loss(
        prepared: &Prepared,
        functional: &dyn Functional,
        history: usize,
    ) -> (f64, crate::one_d::field::scf::Scf, Vec<f64>, Vec<f64>) {
        let scf = self_consistent_field(&model(), prepared, functional, &options(history)).unwrap();
        let energies_bar: Vec<f64> = (0..5).map(|k| 0.3 + 0.1 * f64::from(k)).collect();
        let density_bar: Vec<f64> = (0..81).map(|i| (0.2 * f64::from(i)).sin()).collect();
        let energies: f64 =
            scf.steps.iter().zip(&energies_bar).map(|(s, b)| s.energy_ha.unwrap() * b).sum();
        let density: f64 = scf.density.iter().zip(&density_bar).map(|(n, b)| n * b).sum();
        (energies + density, scf, energies_bar, density_bar)
    }

    fn adjoint(
        prepared: &Prepared,
        functional: &dyn Functional,
        history: usize,
    ) -> super::TrajectoryAdjoint {
        let (_, scf, energies_bar, density_bar) = loss(prepared, functional, history);
        let options = options(history);
        reverse_trajectory(
            &model(),
            prepared,
            functional,
            &options,
            &scf,
            &energies_bar,
            &density_bar,
        )
    }

    #[test]
    fn external_potential_and_start_agree_with_differences() {
        let system = System::molecule(&[(-1.1, 1.0), (0.9, 2.0)], 3).unwrap();
        let fractional = vec![2.0, 0.7, 0.3];
        for (prepared, history) in [
            (Prepared::new(&model(), &system).unwrap(), 0),
            (Prepared::new(&model(), &system).unwrap(), 3),
            (Prepared::with_occupations(&model(), &system, fractional).unwrap(), 0),
        ] {
            let adjoint = adjoint(&prepared, &Lda::default(), history);
            let direction: Vec<f64> = (0..81).map(|i| (0.31 * f64::from(i)).cos()).collect();
            let along = |g: &[f64]| g.iter().zip(&direction).map(|(g, d)| g * d).sum::<f64>();
            let moved = |t: f64, of_start: bool| {
                let mut moved = prepared.clone();
                if of_start {
                    moved.start.iter_mut().zip(&direction).for_each(|(n, d)| *n *= 1.0 + t * d);
                } else {
                    moved.external_ha.iter_mut().zip(&direction).for_each(|(v, d)| *v += t * d);
                }
                loss(&moved, &Lda::default(), history).0
            };
            let t = 1e-4;
            let fd = (moved(t, false) - moved(-t, false)) / (2.0 * t);
            let exact = along(&adjoint.external);
            assert!((exact - fd).abs() < 1e-7 * fd.abs().max(1.0), "{exact} {fd}");
            let fd = (moved(t, true) - moved(-t, true)) / (2.0 * t);
            let exact = adjoint.start.iter().zip(&prepared.start).map(|(b, n)| b * n);
            let exact = along(&exact.collect::<Vec<_>>());
            assert!((exact - fd).abs() < 1e-7 * fd.abs().max(1.0), "{exact} {fd}");
        }
    }

    #[test]
    fn functional_parameters_agree_with_differences() {
        let architecture = Architecture {
            global_features: 2,
            hidden: vec![3],
            grid_spacing_bohr: 0.25,
            ..Architecture::paper()
        };
        let parameters = architecture.initial_parameters(3);
        let network = |p: &[f64]| Network::new(architecture.clone(), p, &model().grid).unwrap();
        let prepared = Prepared::new(&model(), &System::chain(2, 1.0, 1.5).unwrap()).unwrap();
        for history in [0, 2] {
            let adjoint = adjoint(&prepared, &network(&parameters), history);
            for k in 0..parameters.len() {
                let at = |t: f64| {
                    let mut moved = parameters.clone();
                    moved[k] += t;
                    loss(&prepared, &network(&moved), history).0
                };
                let t = 2e-4; // fourth order
                let fd = (8.0 * (at(t) - at(-t)) - (at(2.0 * t) - at(-2.0 * t))) / (12.0 * t);
                let exact = adjoint.parameters[k];
                assert!((exact - fd).abs() < 1e-7 * fd.abs().max(1.0), "{k}: {exact} {fd}");
            }
        }
    }

    /// Steps beyond convergence hold nothing but rounding, and their mixing must not amplify it.
    #[test]
    fn a_trajectory_that_goes_on_after_it_has_converged_has_the_converged_derivative() {
        let system = System::chain(2, 1.0, 1.5).unwrap();
        let prepared = Prepared::new(&model(), &system).unwrap();
        for steps in [30, 60, 120] {
            let options = ScfOptions {
                steps,
                tol_density: 0.0,
                mixing: 0.5,
                mixing_decay: 1.0,
                ..options(6)
            };
            let lda = Lda::default();
            let scf = self_consistent_field(&model(), &prepared, &lda, &options).unwrap();
            let mut energies_bar = vec![0.0; steps];
            energies_bar[steps - 1] = 1.0;
            let none = [0.0; 81];
            let found =
                reverse_trajectory(&model(), &prepared, &lda, &options, &scf, &energies_bar, &none);
            // Hellmann and Feynman: dE/dv_ext is the density
            let expected = scf.density.iter().map(|n| 0.25 * n);
            let miss = found.external.iter().zip(expected).map(|(a, b)| (a - b).abs());
            let miss = miss.fold(0.0, f64::max);
            assert!(miss < 1e-14, "{steps} steps: {miss:e}");
        }
    }
}
