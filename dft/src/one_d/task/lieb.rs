//! The Kohn-Sham potential of a density as a minimisation: Lieb's functional.
//!
//! Among all potentials `v`, `F(v) = int v n dx - sum_k f_k e_k[v]` is convex, and least where the orbitals of `v` have the
//! density `n` (Lieb, Int. J. Quantum Chem. 24, 243 (1983); Wu & Yang, J. Chem. Phys. 118, 2498 (2003), eq. 9). Its gradient is
//! the error of the density, its Hessian the static response: a product costs one banded solve an orbital.
//! [`invert`](crate::one_d::task::inversion::invert) solves the same equation by Newton's method with the whole response matrix.

use cotangent_problem::{
    Capabilities, Evaluation, Objective, SampleKey, TrialFailure, Want, Workspace,
};

use crate::one_d::field::prepared::Prepared;
use crate::one_d::field::scf::{Model, channel_states, density_of};
use crate::one_d::field::unrolled::pull_orbitals;
use crate::one_d::linear::eigen::{EigenOptions, EigenPairs};

/// `F` as a function of what the exchange-correlation potential is beyond Fermi and Amaldi's `-v_H[n]/N`, in hartree; `n`
/// parameters. What the tails of a density do not determine stays as it starts: from zeros the potential keeps the right
/// asymptote.
#[derive(Clone, Debug)]
pub struct LiebFunctional {
    model: Model,
    occupations: Vec<f64>,
    density: Vec<f64>,
    /// `v_ext + (1 - 1/N) v_H[n]`.
    known_ha: Vec<f64>,
    /// `-v_H[n]/N`.
    fermi_amaldi_ha: Vec<f64>,
}

/// What a potential does.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// Density of its orbitals, `n` entries, in 1/bohr.
    pub density: Vec<f64>,
    /// Energies of the occupied orbitals in hartree.
    pub energies_ha: Vec<f64>,
    /// `integral |n[v] - n| dx`, in electrons.
    pub residual: f64,
}

impl LiebFunctional {
    /// For a density of `n` entries, in orbitals that both spins share; `None` for a system of two spin channels or a
    /// density of another number of electrons.
    pub fn new(model: Model, prepared: &Prepared, density: Vec<f64>) -> Option<Self> {
        let [occupations] = prepared.occupations.as_slice() else { return None };
        let electrons: f64 = occupations.iter().sum();
        if (model.grid.integral(&density) - electrons).abs() > 1e-6 {
            return None;
        }
        let hartree_ha = model.interaction.hartree_potential(&model.grid, &density);
        let fermi_amaldi_ha: Vec<f64> = hartree_ha.iter().map(|u| -u / electrons).collect();
        let classical = prepared.external_ha.iter().zip(&hartree_ha).map(|(v, u)| v + u);
        let known_ha = classical.zip(&fermi_amaldi_ha).map(|(c, f)| c + f).collect();
        Some(Self { model, occupations: occupations.clone(), density, known_ha, fermi_amaldi_ha })
    }

    /// The whole exchange-correlation potential in hartree, `n` entries.
    pub fn exchange_correlation_ha(&self, x: &[f64]) -> Vec<f64> {
        self.fermi_amaldi_ha.iter().zip(x).map(|(f, x)| f + x).collect()
    }

    fn states(&self, x: &[f64]) -> Result<(Vec<f64>, EigenPairs), TrialFailure> {
        let potential: Vec<f64> = self.known_ha.iter().zip(x).map(|(c, x)| c + x).collect();
        let eigen = EigenOptions { tol_residual_ha: 1e-12 };
        let states = channel_states(&self.model, &potential, &self.occupations, &[], &eigen)?;
        Ok((potential, states))
    }

    /// Density and orbital energies at a point.
    ///
    /// # Errors
    /// A failed eigen-solve.
    pub fn respond(&self, x: &[f64]) -> Result<Response, TrialFailure> {
        let (_, states) = self.states(x)?;
        let density = density_of(&self.model.grid, &self.occupations, &states);
        let error: Vec<f64> =
            density.iter().zip(&self.density).map(|(a, b)| (a - b).abs()).collect();
        let residual = self.model.grid.integral(&error);
        let energies_ha = states.energies_ha.clone();
        Ok(Response { density, energies_ha, residual })
    }
}

impl Objective for LiebFunctional {
    fn dim(&self) -> usize {
        self.density.len()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { gradient: true, hvp: true, ..Capabilities::default() }
    }

    fn evaluate(
        &self,
        x: &[f64],
        want: Want,
        _: SampleKey,
        _: &mut Workspace,
    ) -> Result<Evaluation, TrialFailure> {
        let (potential, states) = self.states(x)?;
        let h = self.model.grid.spacing_bohr();
        let with: f64 = potential.iter().zip(&self.density).map(|(v, n)| v * n).sum();
        let energies = self.occupations.iter().zip(&states.energies_ha);
        let value = h * with - energies.map(|(f, e)| f * e).sum::<f64>();
        let gradient = want.gradient.then(|| {
            let found = density_of(&self.model.grid, &self.occupations, &states);
            self.density.iter().zip(&found).map(|(n, found)| h * (n - found)).collect()
        });
        Ok(Evaluation { value, gradient, ..Evaluation::default() })
    }

    /// `-h dn/dv` times `v`, a symmetric matrix: the response is its own adjoint.
    fn hvp(
        &self,
        x: &[f64],
        v: &[f64],
        _: SampleKey,
        ws: &mut Workspace,
    ) -> Result<Vec<f64>, TrialFailure> {
        type Latest = Option<(Vec<f64>, Vec<f64>, EigenPairs)>;
        let latest = ws.get_or_insert_with::<Latest>(|| None);
        if latest.as_ref().is_none_or(|(at, ..)| at != x) {
            let (potential, states) = self.states(x)?;
            *latest = Some((x.to_vec(), potential, states));
        }
        let Some((_, potential, states)) = latest else { unreachable!("made just above") };
        let mut bar = vec![0.0; x.len()];
        pull_orbitals(&self.model, &self.occupations, potential, states, 0.0, v, &mut bar);
        let h = self.model.grid.spacing_bohr();
        bar.iter_mut().for_each(|b| *b *= -h);
        Ok(bar)
    }
}

#[cfg(test)]
mod tests {
    use cotangent_problem::{Objective, SampleKey, Want, Workspace};

    use super::LiebFunctional;
    use crate::one_d::{Grid, Model, Prepared, System, ground_state};

    /// Three electrons, whose density is that of two orbitals.
    fn atom() -> (LiebFunctional, Prepared) {
        let model = Model { grid: Grid::new(61, 0.3).unwrap(), ..Model::default() };
        let system = System::molecule(&[(-0.6, 2.0), (0.6, 1.0)], 3).unwrap();
        let exact = ground_state(&model, &system).unwrap();
        let prepared = Prepared::new(&model, &system).unwrap();
        (LiebFunctional::new(model, &prepared, exact.density).unwrap(), prepared)
    }

    #[test]
    fn gradient_and_hessian_agree_with_differences() {
        let (f, _) = atom();
        let x: Vec<f64> = (0..61).map(|i| 0.05 * (0.3 * f64::from(i)).sin()).collect();
        let d: Vec<f64> = (0..61).map(|i| (0.21 * f64::from(i)).cos()).collect();
        let at = |t: f64| {
            let moved: Vec<f64> = x.iter().zip(&d).map(|(x, d)| x + t * d).collect();
            let found = f.evaluate(&moved, Want::GRADIENT, SampleKey(0), &mut Workspace::new());
            let found = found.unwrap();
            (found.value, found.gradient.unwrap())
        };
        let along = |g: &[f64]| g.iter().zip(&d).map(|(g, d)| g * d).sum::<f64>();
        let t = 1e-3; // fourth order
        let [near, far] = [t, 2.0 * t].map(|t| (at(t), at(-t)));
        let difference = |near: f64, far: f64| (8.0 * near - far) / (12.0 * t);
        let fd = difference(near.0.0 - near.1.0, far.0.0 - far.1.0);
        let slope = along(&at(0.0).1);
        assert!((slope - fd).abs() < 1e-7 * fd.abs().max(1e-2), "{slope} {fd}");
        let mut ws = Workspace::new();
        let product = f.hvp(&x, &d, SampleKey(0), &mut ws).unwrap();
        for i in 0..61 {
            let fd = difference(near.0.1[i] - near.1.1[i], far.0.1[i] - far.1.1[i]);
            assert!((product[i] - fd).abs() < 1e-7, "{i}: {} {fd}", product[i]);
        }
        assert!(along(&product) > 0.0, "F is convex");
    }

    #[test]
    fn what_is_no_density_of_the_system_is_refused() {
        let (f, prepared) = atom();
        let half: Vec<f64> = f.density.iter().map(|n| 0.5 * n).collect();
        assert!(LiebFunctional::new(f.model, &prepared, half).is_none());
    }
}
