//! Direct minimisation of the energy over orthonormal orbitals.
//!
//! `E[phi] = sum_k f <phi_k| -1/2 d^2/dx^2 + v_ext |phi_k> + U[n] + E_xc[n]` falls in every step, so it converges where mixing
//! densities sloshes. Conjugate gradients (Polak & Ribiere) of the residuals `r_k = H phi_k - sum_j phi_j <phi_j|H|phi_k>`,
//! preconditioned by `(H - sigma)^-1` with `sigma` below the spectrum: for a fixed potential a step of inverse iteration.
//! (Payne et al., Rev. Mod. Phys. 64, 1045 (1992), sec. V.)

use crate::one_d::field::prepared::Prepared;
use crate::one_d::field::scf::{
    Model, Scf, ScfError, ScfOptions, ScfStatus, ScfStep, check, fixed_density_step, total,
};
use crate::one_d::functional::Functional;
use crate::one_d::interaction::Interaction;
use crate::one_d::linear::banded::{Ldl, Pentadiagonal};
use crate::one_d::linear::eigen::{EigenOptions, lowest_states, orthonormalise};
use crate::one_d::linear::vector::dot;
use crate::one_d::mirror::Mirror;

/// Orbitals, or directions of them, of each channel.
type Orbitals = Vec<Vec<Vec<f64>>>;

/// Ground state of a prepared system whose occupations are equal within each channel: closed shells, or spin-polarised.
///
/// Of `options`, `steps`, `tol_density`, `mirror_symmetric` and `eigen` count. The result has one step, the last: the
/// eigenstates of the final density's own potential, so derivatives through the fixed point apply.
///
/// # Errors
/// [`ScfError`]; [`ScfError::Setting`] for occupations that differ within a channel. Not converging is a status.
pub fn minimise_energy(
    model: &Model,
    prepared: &Prepared,
    functional: &dyn Functional,
    options: &ScfOptions,
) -> Result<Scf, ScfError> {
    check(options, functional, prepared)?;
    for channel in &prepared.occupations {
        if let Some(&found) = channel.iter().find(|f| f.to_bits() != channel[0].to_bits()) {
            let range = "equal within a channel (polarise the spins)";
            return Err(ScfError::Setting { setting: "occupation", range, found });
        }
    }
    let surface = Surface { model, prepared, functional, mirror: prepared.enforced(options) };
    let mut point = surface.at(surface.start()?);
    let (mut direction, mut before): (Orbitals, Option<f64>) = (Vec::new(), None);
    let mut step = surface.own_step(&point, options)?;
    // a residual of the orbitals is an error of the density
    let mut next_look = 0.1;
    for _ in 0..options.steps {
        let size = inner(&point.residual, &point.residual).sqrt();
        if size <= next_look {
            step = surface.own_step(&point, options)?;
            if step.residual <= options.tol_density {
                break;
            }
            next_look = 0.3 * size.min(next_look);
        }
        let preconditioned = point.preconditioned();
        let now = inner(&preconditioned, &point.residual);
        let keep = before.map_or(0.0, |b| (now - inner(&preconditioned, &point.last)).max(0.0) / b);
        before = Some(now);
        direction = added(&preconditioned, -1.0, &point.projected(&direction), -keep);
        if inner(&direction, &point.residual) >= 0.0 {
            direction = added(&preconditioned, -1.0, &Vec::new(), 0.0);
        }
        let Some(next) = surface.line_search(&point, &direction) else { break };
        point = next;
    }
    if step.residual > options.tol_density {
        step = surface.own_step(&point, options)?;
    }
    let residual = step.residual;
    let converged = residual <= options.tol_density;
    let status = if converged { ScfStatus::Converged } else { ScfStatus::MaxSteps { residual } };
    let density = step.density_in.clone();
    Ok(Scf { status, steps: vec![step], density, channels: prepared.channels() })
}

/// The energy as a function of orbitals.
struct Surface<'a> {
    model: &'a Model,
    prepared: &'a Prepared,
    functional: &'a dyn Functional,
    mirror: Option<Mirror>,
}

/// Orbitals with what the energy says of them.
struct Point {
    orbitals: Orbitals,
    density: Vec<f64>,
    energy_ha: f64,
    hamiltonians: Vec<Pentadiagonal>,
    /// `r_k`.
    residual: Orbitals,
    /// Residual of the point before.
    last: Orbitals,
}

impl Surface<'_> {
    fn start(&self) -> Result<Orbitals, ScfError> {
        let h = self.model.stencil.hamiltonian(&self.model.grid, &self.prepared.external_ha);
        let of_channel = |occupations: &Vec<f64>| {
            if occupations.is_empty() {
                return Ok(Vec::new());
            }
            let found = lowest_states(&h, occupations.len(), &[], &EigenOptions::default())
                .map_err(|source| ScfError::Eigen { step: 0, source })?;
            Ok(found.states)
        };
        self.prepared.occupations.iter().map(of_channel).collect()
    }

    fn at(&self, orbitals: Orbitals) -> Point {
        let Model { grid, stencil, interaction } = self.model;
        let (n, h, channels) = (grid.points(), grid.spacing_bohr(), self.prepared.channels());
        let mut density = vec![0.0; channels * n];
        for (c, states) in orbitals.iter().enumerate() {
            let target = &mut density[c * n..(c + 1) * n];
            for (f, phi) in self.prepared.occupations[c].iter().zip(states) {
                target.iter_mut().zip(phi).for_each(|(d, p)| *d += f / h * p * p);
            }
            if let Some(mirror) = self.mirror {
                mirror.symmetrise(target);
            }
        }
        let all = total(channels, &density);
        let hartree = interaction.hartree_potential(grid, &all);
        let xc = self.functional.evaluate(grid, &density, self.mirror);
        let potential: Vec<f64> = (0..channels * n)
            .map(|k| self.prepared.external_ha[k % n] + hartree[k % n] + xc.potential_ha[k])
            .collect();
        let hamiltonians: Vec<Pentadiagonal> =
            potential.chunks_exact(n).map(|v| stencil.hamiltonian(grid, v)).collect();
        let mut energy_ha = xc.energy_ha + Interaction::hartree_energy(grid, &all, &hartree);
        let mut residual = Vec::with_capacity(channels);
        for (c, states) in orbitals.iter().enumerate() {
            let images: Vec<Vec<f64>> = states.iter().map(|s| image(&hamiltonians[c], s)).collect();
            for (k, (f, phi)) in self.prepared.occupations[c].iter().zip(states).enumerate() {
                energy_ha += f * dot(phi, &images[k]);
                let added = (0..n).map(|i| potential[c * n + i] - self.prepared.external_ha[i]);
                energy_ha -= f * phi.iter().zip(added).map(|(p, v)| p * p * v).sum::<f64>();
            }
            residual.push(images.into_iter().map(|r| orthogonal(states, r)).collect());
        }
        Point { orbitals, density, energy_ha, hamiltonians, residual, last: Vec::new() }
    }

    /// The point along the direction where the slope vanishes by the secant rule; nearer where the energy would rise.
    fn line_search(&self, from: &Point, direction: &Orbitals) -> Option<Point> {
        let slope = |p: &Point| inner(direction, &p.residual);
        let moved = |t: f64| {
            let mut orbitals = added(&from.orbitals, 1.0, direction, t);
            orbitals.iter_mut().for_each(|states| orthonormalise(states));
            self.at(orbitals)
        };
        let rounding = 1e-13 * from.energy_ha.abs().max(1.0);
        let falls = |p: &Point| p.energy_ha <= from.energy_ha + rounding;
        let (first, trial) = (slope(from), moved(1.0));
        let curvature = first - slope(&trial);
        let t = if curvature < 0.0 { (first / curvature).min(4.0) } else { 1.0 };
        let near = (t - 1.0).abs() < 0.05;
        let mut t = if near { 1.0 } else { t };
        let mut best = if near { trial } else { moved(t) };
        for _ in 0..30 {
            if falls(&best) {
                best.last.clone_from(&from.residual);
                return Some(best);
            }
            t *= 0.3;
            best = moved(t);
        }
        None
    }

    /// One step of the self-consistent field at the point's density.
    fn own_step(&self, point: &Point, options: &ScfOptions) -> Result<ScfStep, ScfError> {
        let Self { model, prepared, functional, .. } = *self;
        fixed_density_step(model, prepared, functional, options, &point.density)
            .map_err(|source| ScfError::Eigen { step: 0, source })
    }
}

impl Point {
    /// `(H - sigma)^-1 r`, outside the orbitals.
    fn preconditioned(&self) -> Orbitals {
        let of_channel = |c: usize| {
            let (h, states) = (&self.hamiltonians[c], &self.orbitals[c]);
            let lowest = states.iter().map(|s| dot(s, &image(h, s))).fold(f64::INFINITY, f64::min);
            let factor = below_spectrum(h, lowest);
            let solved = |r: &Vec<f64>| {
                let mut x = r.clone();
                factor.solve(&mut x);
                orthogonal(states, x)
            };
            self.residual[c].iter().map(solved).collect()
        };
        (0..self.orbitals.len()).map(of_channel).collect()
    }

    /// A direction of the point before, brought to this one.
    fn projected(&self, direction: &Orbitals) -> Orbitals {
        let of_channel = |(states, d): (&Vec<Vec<f64>>, &Vec<Vec<f64>>)| {
            d.iter().map(|x| orthogonal(states, x.clone())).collect()
        };
        self.orbitals.iter().zip(direction).map(of_channel).collect()
    }
}

/// Factor of `H - sigma`, positive definite, `sigma` at least 0.3 Ha below `energy`.
fn below_spectrum(h: &Pentadiagonal, energy: f64) -> Ldl {
    let mut distance = 0.3;
    loop {
        let factor = h.ldl(energy - distance);
        if factor.negative_pivots() == 0 {
            return factor;
        }
        distance *= 2.0;
    }
}

fn image(h: &Pentadiagonal, x: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; x.len()];
    h.apply(x, &mut y);
    y
}

/// The part of `x` outside orthonormal states.
fn orthogonal(states: &[Vec<f64>], mut x: Vec<f64>) -> Vec<f64> {
    for state in states {
        let c = dot(state, &x);
        x.iter_mut().zip(state).for_each(|(x, s)| *x -= c * s);
    }
    x
}

/// `a x + b y`; `y` may be empty.
fn added(x: &Orbitals, a: f64, y: &Orbitals, b: f64) -> Orbitals {
    let mut sum = x.clone();
    for (c, channel) in sum.iter_mut().enumerate() {
        for (k, state) in channel.iter_mut().enumerate() {
            state.iter_mut().for_each(|x| *x *= a);
            if let Some(other) = y.get(c).and_then(|channel| channel.get(k)) {
                state.iter_mut().zip(other).for_each(|(x, y)| *x += b * y);
            }
        }
    }
    sum
}

fn inner(x: &Orbitals, y: &Orbitals) -> f64 {
    x.iter().flatten().zip(y.iter().flatten()).map(|(a, b)| dot(a, b)).sum()
}

#[cfg(test)]
mod tests {
    use super::minimise_energy;
    use crate::one_d::{
        ExchangeCorrelation, Functional, Grid, Lda, Mirror, Model, Prepared, ScfError, ScfOptions,
        ScfStatus, System, self_consistent_field,
    };

    fn model() -> Model {
        Model { grid: Grid::new(161, 0.16).unwrap(), ..Model::default() }
    }

    #[test]
    fn the_minimum_is_the_fixed_point_of_mixing() {
        let model = model();
        let chain = |count| System::chain(count, 1.0, 1.6).unwrap();
        for prepared in [
            Prepared::new(&model, &chain(2)).unwrap(),
            Prepared::new(&model, &chain(4)).unwrap(),
            Prepared::polarised(&model, &chain(3)).unwrap(),
            Prepared::polarised(&model, &System::with_spin(&[(0.0, 1.0)], 1, 1).unwrap()).unwrap(),
        ] {
            let options = ScfOptions { mirror_symmetric: false, ..ScfOptions::converged() };
            let lda = Lda::default();
            let mixed = self_consistent_field(&model, &prepared, &lda, &options).unwrap();
            let direct = minimise_energy(&model, &prepared, &lda, &options).unwrap();
            assert_eq!(direct.status, ScfStatus::Converged, "{:?}", direct.last().residual);
            let difference = direct.energy_ha() - mixed.energy_ha();
            assert!(difference.abs() < 1e-11, "{difference:.1e}");
        }
    }

    /// Many times the LDA: linear mixing of it oscillates.
    struct Strong(f64);

    impl Functional for Strong {
        fn evaluate(&self, grid: &Grid, n: &[f64], mirror: Option<Mirror>) -> ExchangeCorrelation {
            let xc = Lda::default().evaluate(grid, n, mirror);
            let potential_ha = xc.potential_ha.iter().map(|v| self.0 * v).collect();
            ExchangeCorrelation { energy_ha: self.0 * xc.energy_ha, potential_ha }
        }
        fn adjoint(
            &self,
            _: &Grid,
            _: &[f64],
            _: Option<Mirror>,
            _: f64,
            _: &[f64],
            _: &mut [f64],
        ) -> Vec<f64> {
            unreachable!("no derivative is asked for")
        }
    }

    #[test]
    fn it_converges_where_linear_mixing_oscillates_and_says_what_to_do() {
        let model = model();
        let prepared = Prepared::new(&model, &System::chain(2, 1.0, 5.6).unwrap()).unwrap();
        let strong = Strong(2.5);
        let options = ScfOptions {
            history: 0,
            mixing: 1.0,
            mirror_symmetric: false,
            ..ScfOptions::converged()
        };
        let mixed = self_consistent_field(&model, &prepared, &strong, &options).unwrap();
        assert!(matches!(mixed.status, ScfStatus::MaxSteps { .. }));
        assert!(mixed.advice(&model).contains("minimise"), "{}", mixed.advice(&model));
        let direct = minimise_energy(&model, &prepared, &strong, &options).unwrap();
        assert_eq!(direct.status, ScfStatus::Converged, "{:?}", direct.last().residual);
        assert!(direct.energy_ha() <= mixed.energy_ha() + 1e-9);
    }

    #[test]
    fn unequal_occupations_are_refused() {
        let model = model();
        let prepared = Prepared::new(&model, &System::chain(3, 1.0, 1.6).unwrap()).unwrap();
        let refused = minimise_energy(&model, &prepared, &Lda::default(), &ScfOptions::converged());
        assert!(matches!(refused, Err(ScfError::Setting { setting: "occupation", .. })));
    }
}
