//! The Kohn-Sham potential of a given density.
//!
//! Newton's method on `n[v] = n` over the potential `v`, with the full static response
//! `dn_i/dv_j = -(2/h) sum_k f_k phi_ki G_k,ij phi_kj`, `G_k = (H - e_k)^+`: one banded solve a grid point and orbital. The
//! density of the tails does not determine the potential there to any precision, so the step is damped (Levenberg and
//! Marquardt): where the response vanishes the potential stays what it started as, the Fermi-Amaldi potential
//! `v_ext + (1 - 1/N) v_H[n]`, which has the right asymptote. (Wu & Yang, J. Chem. Phys. 118, 2498 (2003), with the Newton step.)
//!
//! A step is taken where Lieb's functional `F(v) = int v n dx - sum_k f_k e_k[v]` falls. It is convex, and least at the wanted
//! potential ([`LiebFunctional`](crate::one_d::LiebFunctional)), so the search arrives from wherever it starts. One orbital is known in
//! closed form, `phi = sqrt(n h/f)`: the search starts from its potential `e - (T phi)/phi` wherever the density is more than rounding.

use thiserror::Error;

use crate::one_d::field::prepared::Prepared;
use crate::one_d::field::scf::{Model, density_of};
use crate::one_d::linear::banded::BandedLu;
use crate::one_d::linear::eigen::{EigenError, EigenOptions, EigenPairs, lowest_states};
use crate::one_d::linear::vector::dot;

/// Settings of [`invert`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InversionOptions {
    /// `integral |n[v] - n| dx` to reach, in electrons.
    pub tol_density: f64,
    /// Most Newton steps.
    pub max_iterations: usize,
    /// Most bytes for the response matrix and its factor, which more than one orbital needs: `16 n^2`.
    pub most_bytes: usize,
}

impl Default for InversionOptions {
    fn default() -> Self {
        Self { tol_density: 1e-8, max_iterations: 200, most_bytes: 1 << 31 }
    }
}

/// A potential that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Inversion {
    /// The Kohn-Sham potential in hartree, `n` entries.
    pub potential_ha: Vec<f64>,
    /// `v - v_ext - v_H[n]` in hartree, `n` entries.
    pub exchange_correlation_ha: Vec<f64>,
    /// Orbital energies in hartree, of the occupied orbitals.
    pub energies_ha: Vec<f64>,
    /// `integral |n[v] - n| dx` that is left.
    pub residual: f64,
    /// Newton steps made.
    pub iterations: usize,
}

/// Why there is no potential.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum InversionError {
    /// The density is not that of as many electrons.
    #[error("the density holds {found} electrons, the orbitals {expected}")]
    Electrons {
        /// What the occupations sum to.
        expected: f64,
        /// What the density integrates to.
        found: f64,
    },
    /// The spins have potentials of their own: invert each density by itself.
    #[error(
        "an inversion is of one density in orbitals that both spins share, not of {channels} spin channels"
    )]
    Polarised {
        /// Spin channels.
        channels: usize,
    },
    /// The response matrix would take too much memory.
    #[error(
        "the response of the density takes {} MB, more than the {} MB that are allowed; use fewer grid points",
        bytes / 1_000_000, most / 1_000_000
    )]
    Memory {
        /// What it takes.
        bytes: usize,
        /// What is allowed.
        most: usize,
    },
    /// The eigen-solver failed.
    #[error("step {iteration}: {source}")]
    Eigen {
        /// Newton step, from 0.
        iteration: usize,
        /// Why.
        source: EigenError,
    },
    /// The iteration stopped short.
    #[error(
        "the potential is {residual:.1e} electrons off the density after {iterations} steps; allow more steps or a larger error, or look whether the density is smooth"
    )]
    NotConverged {
        /// `integral |n[v] - n| dx` that is left.
        residual: f64,
        /// Newton steps made.
        iterations: usize,
    },
}

/// A potential with its states and density.
struct Trial {
    potential: Vec<f64>,
    states: EigenPairs,
    density: Vec<f64>,
    /// Lieb's functional in hartree, and what rounding leaves uncertain of it.
    value: f64,
    rounding: f64,
    /// `integral |n[v] - n| dx`.
    residual: f64,
}

/// The potential whose lowest orbitals, with the occupations of `prepared`, have this density (`n` entries, in 1/bohr).
///
/// # Errors
/// [`InversionError`].
pub fn invert(
    model: &Model,
    prepared: &Prepared,
    density: &[f64],
    options: &InversionOptions,
) -> Result<Inversion, InversionError> {
    let grid = &model.grid;
    let [occupations] = prepared.occupations.as_slice() else {
        return Err(InversionError::Polarised { channels: prepared.channels() });
    };
    let expected: f64 = occupations.iter().sum();
    let found = grid.integral(density);
    // written so that a density that is no number is refused
    let holds_them = (found - expected).abs() <= 1e-6;
    if !holds_them {
        return Err(InversionError::Electrons { expected, found });
    }
    let bytes = 2 * 8 * grid.points() * grid.points();
    if occupations.len() > 1 && bytes > options.most_bytes {
        return Err(InversionError::Memory { bytes, most: options.most_bytes });
    }
    let hartree = model.interaction.hartree_potential(grid, density);
    let amaldi = 1.0 - 1.0 / expected.max(1.0);
    let fermi_amaldi: Vec<f64> =
        prepared.external_ha.iter().zip(&hartree).map(|(v, u)| v + amaldi * u).collect();
    let start = match occupations.as_slice() {
        [occupation] => one_orbital(model, density, *occupation, &fermi_amaldi),
        _ => fermi_amaldi,
    };
    let mut search = Search { model, occupations, wanted: density, iterations: 0 };
    let found = search.newton(start, options)?;
    // written so that a residual that is no number is no success
    let reached = found.residual <= options.tol_density;
    if !reached {
        let (residual, iterations) = (found.residual, search.iterations);
        return Err(InversionError::NotConverged { residual, iterations });
    }
    let xc = |i: usize| found.potential[i] - prepared.external_ha[i] - hartree[i];
    Ok(Inversion {
        exchange_correlation_ha: (0..density.len()).map(xc).collect(),
        potential_ha: found.potential,
        energies_ha: found.states.energies_ha,
        residual: found.residual,
        iterations: search.iterations,
    })
}

/// `-(T phi)/phi` of `phi = sqrt(n h/f)`, raised so that it meets `tail` where the density falls to rounding, and `tail` beyond.
fn one_orbital(model: &Model, density: &[f64], occupation: f64, tail: &[f64]) -> Vec<f64> {
    /// Share of the largest density below which its roots are rounding.
    const ROUNDING: f64 = 1e-9;
    let n = density.len();
    let scale = model.grid.spacing_bohr() / occupation;
    let phi: Vec<f64> = density.iter().map(|n| (n.max(0.0) * scale).sqrt()).collect();
    let mut image = vec![0.0; n];
    model.stencil.hamiltonian(&model.grid, &vec![0.0; n]).apply(&phi, &mut image);
    let largest = density.iter().copied().fold(0.0, f64::max);
    // the points that are told by the density, from the first to the last
    let told = |i: &usize| density[*i] > ROUNDING * largest;
    let (Some(first), Some(last)) = ((0..n).find(told), (0..n).rev().find(told)) else {
        return tail.to_vec();
    };
    let closed = |i: usize| -image[i] / phi[i].max(f64::MIN_POSITIVE);
    let ends = [first, last].map(|i| tail[i] - closed(i));
    let raised = 0.5 * (ends[0] + ends[1]);
    let inside = |i: usize| (first..=last).contains(&i) && density[i] > 0.0;
    (0..n).map(|i| if inside(i) { closed(i) + raised } else { tail[i] }).collect()
}

/// Newton's method on its way.
struct Search<'a> {
    model: &'a Model,
    occupations: &'a [f64],
    wanted: &'a [f64],
    /// Newton steps made.
    iterations: usize,
}

impl Search<'_> {
    fn trial(&self, potential: Vec<f64>) -> Result<Trial, InversionError> {
        let grid = &self.model.grid;
        let h = self.model.stencil.hamiltonian(grid, &potential);
        let states = lowest_states(&h, self.occupations.len(), &[], &EigenOptions::default())
            .map_err(|source| InversionError::Eigen { iteration: self.iterations, source })?;
        let density = density_of(grid, self.occupations, &states);
        let error: f64 = density.iter().zip(self.wanted).map(|(a, b)| (a - b).abs()).sum();
        let with = grid.spacing_bohr() * dot(&potential, self.wanted);
        let energies: f64 =
            self.occupations.iter().zip(&states.energies_ha).map(|(f, e)| f * e).sum();
        Ok(Trial {
            potential,
            states,
            density,
            value: with - energies,
            rounding: 1e-13 * (with.abs() + energies.abs()),
            residual: error * grid.spacing_bohr(),
        })
    }

    /// As near to the wanted density as damped Newton steps lead, at most to the tolerance.
    fn newton(
        &mut self,
        start: Vec<f64>,
        options: &InversionOptions,
    ) -> Result<Trial, InversionError> {
        let mut best = self.trial(start)?;
        let mut damping = 1e-3;
        while best.residual > options.tol_density && self.iterations < options.max_iterations {
            self.iterations += 1;
            let response = response(self.model, self.occupations, &best);
            let error: Vec<f64> =
                best.density.iter().zip(self.wanted).map(|(a, b)| a - b).collect();
            let mut better = None;
            // a step that does not help is tried again, shorter
            for _ in 0..30 {
                let step = damped_step(&response, damping, &error);
                let moved = best.potential.iter().zip(&step).map(|(v, s)| v + s).collect();
                let next = self.trial(moved)?;
                // near the end the functional falls by less than its rounding, and the error of the density decides
                let falls = best.value - next.value;
                let nearer = falls > -best.rounding && next.residual < best.residual;
                if falls > best.rounding || nearer {
                    better = Some(next);
                    break;
                }
                damping *= 4.0;
            }
            let Some(next) = better else { break };
            best = next;
            damping = (0.1 * damping).max(1e-14);
        }
        Ok(best)
    }
}

/// `-dn_i/dv_j`, `n x n`, symmetric and positive semidefinite.
fn response(model: &Model, occupations: &[f64], trial: &Trial) -> Vec<f64> {
    let n = trial.potential.len();
    let h = model.stencil.hamiltonian(&model.grid, &trial.potential);
    let mut response = vec![0.0; n * n];
    for (k, &occupation) in occupations.iter().enumerate() {
        let phi = &trial.states.states[k];
        let largest = (0..n).fold(0, |p, i| if phi[i].abs() > phi[p].abs() { i } else { p });
        let factor = BandedLu::pinned(&h, trial.states.energies_ha[k], largest);
        let scale = 2.0 * occupation / model.grid.spacing_bohr();
        for j in 0..n {
            // G e_j phi_j, outside phi
            let mut x: Vec<f64> = phi.iter().map(|p| -p * phi[j] * phi[j]).collect();
            x[j] += phi[j];
            factor.solve(&mut x);
            let along: f64 = x.iter().zip(phi).map(|(x, p)| x * p).sum();
            for (i, entry) in response[j * n..(j + 1) * n].iter_mut().enumerate() {
                *entry += scale * phi[i] * (x[i] - along * phi[i]);
            }
        }
    }
    response
}

/// `(A + damping max_i A_ii)^-1 b`, by Cholesky; the zero step where the matrix is not positive definite.
fn damped_step(a: &[f64], damping: f64, b: &[f64]) -> Vec<f64> {
    let n = b.len();
    let largest = (0..n).map(|i| a[i * n + i]).fold(0.0, f64::max);
    let mut l = a.to_vec();
    for i in 0..n {
        l[i * n + i] += damping * largest;
        for j in 0..=i {
            let (above, row) = l.split_at(i * n);
            let known: f64 = if j < i {
                above[j * n..j * n + j].iter().zip(row).map(|(x, y)| x * y).sum()
            } else {
                row[..i].iter().map(|x| x * x).sum()
            };
            let rest = l[i * n + j] - known;
            if i == j && rest <= 0.0 {
                return vec![0.0; n];
            }
            l[i * n + j] = if i == j { rest.sqrt() } else { rest / l[j * n + j] };
        }
    }
    let mut x = b.to_vec();
    for i in 0..n {
        let known: f64 = l[i * n..i * n + i].iter().zip(&x).map(|(l, x)| l * x).sum();
        x[i] = (x[i] - known) / l[i * n + i];
    }
    for i in (0..n).rev() {
        x[i] /= l[i * n + i];
        let value = x[i];
        let (before, row) = (&mut x[..i], &l[i * n..i * n + i]);
        before.iter_mut().zip(row).for_each(|(x, l)| *x -= l * value);
    }
    x
}

#[cfg(test)]
mod tests {
    use super::{InversionError, InversionOptions, density_of, invert};
    use crate::one_d::{
        EigenOptions, ExactOptions, Grid, Interaction, Lda, Model, Prepared, ScfOptions, Stencil,
        System, lowest_states, self_consistent_field, two_electrons,
    };

    fn model() -> Model {
        Model {
            grid: Grid::new(121, 0.2).unwrap(),
            stencil: Stencil::FivePoint,
            interaction: Interaction::BAKER,
        }
    }

    /// The largest deviation from `v + constant` where the density is above 1e-4.
    fn deviation(density: &[f64], found: &[f64], v: &[f64]) -> f64 {
        let inside: Vec<usize> = (0..density.len()).filter(|&i| density[i] > 1e-4).collect();
        let constant = inside.iter().map(|&i| found[i] - v[i]).sum::<f64>() / inside.len() as f64;
        inside.iter().map(|&i| (found[i] - v[i] - constant).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn the_potential_of_a_kohn_sham_density_is_found_again() {
        for (count, electrons) in [(2_u8, 2_u8), (4, 4), (1, 3)] {
            let charge = f64::from(electrons) / f64::from(count);
            let centre = 0.5 * (f64::from(count) - 1.0);
            let nuclei: Vec<(f64, f64)> =
                (0..count).map(|k| ((f64::from(k) - centre) * 1.8, charge)).collect();
            let system = System::molecule(&nuclei, electrons.into()).unwrap();
            let prepared = Prepared::new(&model(), &system).unwrap();
            let options = ScfOptions { tol_density: 1e-10, ..ScfOptions::converged() };
            let scf =
                self_consistent_field(&model(), &prepared, &Lda::default(), &options).unwrap();
            let step = scf.last();
            let density = &step.density_out;
            let options = InversionOptions { tol_density: 1e-10, ..InversionOptions::default() };
            let found = invert(&model(), &prepared, density, &options).unwrap();
            let error = deviation(density, &found.potential_ha, &step.potential_ha);
            assert!(error < 1e-4, "{electrons} electrons: {error:.1e}");
        }
    }

    #[test]
    fn the_exact_potential_of_two_electrons_is_the_closed_form() {
        // one orbital: phi = sqrt(n h/2), v = e - (T phi)/phi
        let model = model();
        let system = System::chain(2, 1.0, 4.0).unwrap();
        let exact = two_electrons(&model, &system, &ExactOptions::default()).unwrap();
        let prepared = Prepared::new(&model, &system).unwrap();
        let options = InversionOptions::default();
        let found = invert(&model, &prepared, &exact.density, &options).unwrap();
        let phi: Vec<f64> = exact.density.iter().map(|n| (0.5 * n * 0.2).sqrt()).collect();
        let kinetic = model.stencil.hamiltonian(&model.grid, &[0.0; 121]);
        let mut image = vec![0.0; 121];
        kinetic.apply(&phi, &mut image);
        let closed: Vec<f64> = image.iter().zip(&phi).map(|(t, p)| -t / p).collect();
        let error = deviation(&exact.density, &found.potential_ha, &closed);
        assert!(error < 1e-4, "{error:.1e}");
        // between the atoms of a stretched molecule the exact v_xc has a peak that no local functional has
        let xc = &found.exchange_correlation_ha;
        assert!(xc[60] > xc[50] + 0.05, "{} {}", xc[60], xc[50]);
    }

    #[test]
    fn torn_apart_systems_have_their_potentials() {
        // two electrons of three nuclei, and four of four: far from the Fermi-Amaldi potential's own density
        let model = Model { grid: Grid::new(201, 0.2).unwrap(), ..model() };
        for separation in [5.2, 6.4, 8.0] {
            let nuclei = [-1.0, 0.0, 1.0].map(|k| (k * separation, 1.0));
            let system = System::molecule(&nuclei, 2).unwrap();
            let exact = two_electrons(&model, &system, &ExactOptions::default()).unwrap();
            let prepared = Prepared::new(&model, &system).unwrap();
            let found =
                invert(&model, &prepared, &exact.density, &InversionOptions::default()).unwrap();
            assert!(found.residual <= 1e-8, "{separation}: {:.1e}", found.residual);
        }
    }

    #[test]
    fn a_density_far_from_the_start_s_is_found() {
        // of a potential that Fermi and Amaldi's is nowhere near: two deep wells away from the nuclei
        let model = model();
        let v: Vec<f64> =
            (0..121).map(|i| if matches!(i, 25..=35 | 88..=95) { -3.0 } else { 0.0 }).collect();
        let h = model.stencil.hamiltonian(&model.grid, &v);
        let states = lowest_states(&h, 2, &[], &EigenOptions::default()).unwrap();
        let density = density_of(&model.grid, &[2.0, 2.0], &states);
        let system = System::chain(4, 1.0, 1.0).unwrap();
        let prepared = Prepared::new(&model, &system).unwrap();
        let found = invert(&model, &prepared, &density, &InversionOptions::default()).unwrap();
        assert!(found.residual <= 1e-8, "{:.1e}", found.residual);
        let small = InversionOptions { most_bytes: 1000, ..InversionOptions::default() };
        let refused = invert(&model, &prepared, &density, &small);
        assert_eq!(refused, Err(InversionError::Memory { bytes: 234_256, most: 1000 }));
    }

    #[test]
    fn another_number_of_electrons_is_refused() {
        let system = System::chain(2, 1.0, 2.0).unwrap();
        let prepared = Prepared::new(&model(), &system).unwrap();
        let refused = invert(&model(), &prepared, &[0.1; 121], &InversionOptions::default());
        assert!(matches!(refused, Err(InversionError::Electrons { .. })));
        let spins = Prepared::polarised(&model(), &system).unwrap();
        let refused = invert(&model(), &spins, &spins.start, &InversionOptions::default());
        assert_eq!(refused, Err(InversionError::Polarised { channels: 2 }));
    }
}
