//! A trainable functional: global exponential features, convolutions, and a gate that removes self-interaction.
//!
//! The architecture of Li et al., Phys. Rev. Lett. 126, 036401 (2021) ("KSR-global"), of any size:
//!
//! * features: the density itself, and `m` filters `f_c = h/(2 l_c) sum_j exp(-|x_i - x_j|/l_c) n_j` with trainable lengths
//!   `l_c = l_min + (l_max - l_min) sigmoid(eta_c)`;
//! * convolutions of width 3 over the grid, zero outside, without bias, each followed by `SiLU(z) = z sigmoid(z)`;
//! * a convolution of width 1 to one channel, and `eps = -SiLU(.)`, which is at most 0.278;
//! * the gate `E_xc = -beta U[n] + (1 - beta) E_net`, `beta = exp(-((N - 1)/w)^2)`: exact for one electron.
//!
//! Derivatives are written by hand. The potential needs the gradient of the energy; training needs the gradient's own
//! derivative along one direction of the density. Everything but SiLU is linear in the signal, so that direction is a
//! second signal that runs through the same passes.

use cotangent_ad::random::Stream;
use cotangent_ad::{Dual, Num};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::convolution::{Convolution, Signal};
use super::functional::{ExchangeCorrelation, Functional};
use super::grid::Grid;
use super::interaction::{Interaction, exponential_filter};
use super::mirror::Mirror;

/// Sizes and fixed constants of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    /// Number `m` of global exponential features beside the density.
    pub global_features: usize,
    /// Channels of each hidden convolution.
    pub hidden: Vec<usize>,
    /// Shortest length of a global feature, in bohr.
    pub length_min_bohr: f64,
    /// Longest length of a global feature, in bohr.
    pub length_max_bohr: f64,
    /// The interaction that the gate removes.
    pub interaction: Interaction,
    /// Spacing of the grid that the convolutions are in units of, in bohr.
    pub grid_spacing_bohr: f64,
}

impl Architecture {
    /// The paper's: 15 global features, two hidden convolutions of 16 channels, 1568 parameters.
    pub fn paper() -> Self {
        Self {
            global_features: 15,
            hidden: vec![16, 16],
            length_min_bohr: 0.1,
            length_max_bohr: 2.385345,
            interaction: Interaction::BAKER,
            grid_spacing_bohr: 0.08,
        }
    }

    /// Named blocks of the parameter vector, in order, with their shapes.
    pub fn blocks(&self) -> Vec<(String, Vec<usize>)> {
        let mut blocks = vec![("eta".to_owned(), vec![self.global_features])];
        let mut inputs = self.global_features + 1;
        for (k, &outputs) in self.hidden.iter().enumerate() {
            blocks.push((format!("convolution{}", k + 1), vec![3, inputs, outputs]));
            inputs = outputs;
        }
        blocks.push(("output".to_owned(), vec![1, inputs, 1]));
        blocks.push(("gate_width".to_owned(), vec![]));
        blocks
    }

    /// Number of parameters.
    pub fn parameter_count(&self) -> usize {
        self.blocks().iter().map(|(_, shape)| shape.iter().product::<usize>()).sum()
    }

    /// Initial parameters: `eta` normal of deviation 0.01, convolutions normal of variance `2/fan-in` (He et al. 2015), gate
    /// width 1.
    pub fn initial_parameters(&self, seed: u64) -> Vec<f64> {
        let mut parameters = Vec::with_capacity(self.parameter_count());
        for (k, (name, shape)) in self.blocks().iter().enumerate() {
            let stream = Stream::new(&[seed, 0x6e65_7477, k as u64]);
            let count = shape.iter().product::<usize>() as u64;
            match name.as_str() {
                "gate_width" => parameters.push(1.0),
                "eta" => parameters.extend((0..count).map(|i| 0.01 * stream.normal(i))),
                _ => {
                    let deviation = (2.0 / (shape[0] * shape[1]) as f64).sqrt();
                    parameters.extend((0..count).map(|i| deviation * stream.normal(i)));
                }
            }
        }
        parameters
    }
}

/// Why a network cannot be made.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum NetworkError {
    /// The parameter vector has another length.
    #[error("the architecture has {expected} parameters, found {found}")]
    ParameterCount {
        /// What the architecture has.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// The grid is another one than the network was trained on.
    #[error(
        "a network trained on a grid of {trained_bohr} bohr cannot be used on one of {found_bohr} bohr: its convolutions are in grid units"
    )]
    GridSpacing {
        /// The network's.
        trained_bohr: f64,
        /// The grid's.
        found_bohr: f64,
    },
}

/// A network with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    architecture: Architecture,
    eta: Vec<f64>,
    layers: Vec<Convolution>,
    gate_width: f64,
}

/// Gradient of the network's energy, and the derivative of all of it along a direction of the density.
struct Gradient {
    /// `E_net` and its directional derivative.
    energy: Dual<f64, 1>,
    /// `dE_net/dn` and its directional derivative.
    by_density: Signal,
    /// `dE_net/dtheta` and its directional derivative, `eta` first; empty where not wanted.
    by_parameters: Vec<[f64; 2]>,
}

impl Network {
    /// A network of `architecture` with `parameters` on `grid`.
    ///
    /// # Errors
    /// A wrong number of parameters, another grid spacing.
    pub fn new(
        architecture: Architecture,
        parameters: &[f64],
        grid: &Grid,
    ) -> Result<Self, NetworkError> {
        let expected = architecture.parameter_count();
        if parameters.len() != expected {
            return Err(NetworkError::ParameterCount { expected, found: parameters.len() });
        }
        let (trained_bohr, found_bohr) = (architecture.grid_spacing_bohr, grid.spacing_bohr());
        if (trained_bohr - found_bohr).abs() > 1e-12 * trained_bohr {
            return Err(NetworkError::GridSpacing { trained_bohr, found_bohr });
        }
        let mut rest = parameters;
        let mut take = |count: usize| {
            let (head, tail) = rest.split_at(count);
            rest = tail;
            head
        };
        let eta = take(architecture.global_features).to_vec();
        let mut layers = Vec::new();
        for (_, shape) in architecture.blocks().iter().filter(|(_, s)| s.len() == 3) {
            let weights = take(shape.iter().product()).to_vec();
            layers.push(Convolution {
                width: shape[0],
                inputs: shape[1],
                outputs: shape[2],
                weights,
            });
        }
        let gate_width = take(1)[0];
        Ok(Self { architecture, eta, layers, gate_width })
    }

    /// The architecture.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Length of global feature `c` and its derivative by `eta_c`.
    fn length(&self, c: usize) -> (f64, f64) {
        let Architecture { length_min_bohr: low, length_max_bohr: high, .. } = self.architecture;
        let s = 1.0 / (1.0 + (-self.eta[c]).exp());
        (low + (high - low) * s, (high - low) * s * (1.0 - s))
    }

    /// The feature channels of a signal: itself, then the filters.
    fn features(&self, h: f64, signal: &Signal) -> Signal {
        let n = signal.points;
        let mut features = Signal::zeros(1 + self.eta.len(), n, signal.has_tangent());
        for (source, target) in signal.planes().zip(features.planes_mut()) {
            target[..n].copy_from_slice(source);
            for c in 0..self.eta.len() {
                let (length, _) = self.length(c);
                let channel = &mut target[(c + 1) * n..(c + 2) * n];
                exponential_filter((-h / length).exp(), source, channel);
                channel.iter_mut().for_each(|y| *y *= 0.5 * h / length);
            }
        }
        features
    }

    /// Energy, gradient, and with a tangent in `density` the derivative of both along it.
    fn gradient(&self, h: f64, density: &Signal, wants_parameters: bool) -> Gradient {
        let mut inputs = vec![self.features(h, density)];
        let mut pre_activations = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let z = layer.forward(&inputs[inputs.len() - 1]);
            inputs.push(z.map_silu());
            pre_activations.push(z);
        }
        // E = sum_i n_i (-a_i) h, a the last activation
        let activation = inputs.pop().unwrap_or_else(|| Signal::zeros(1, density.points, false));
        let energy = density.dot(&activation) * -h;
        let mut bar = density.scaled(-h);
        let mut by_parameters = Vec::new();
        for (k, layer) in self.layers.iter().enumerate().rev() {
            bar = pre_activations[k].pull_silu(&bar);
            if wants_parameters {
                by_parameters.push(layer.weight_gradient(&inputs[k], &bar));
            }
            bar = layer.backward(&bar);
        }
        let mut by_density = activation.scaled(-h);
        let by_eta = self.pull_features(h, density, &bar, &mut by_density, wants_parameters);
        by_parameters.push(by_eta);
        by_parameters.reverse();
        Gradient { energy, by_density, by_parameters: by_parameters.concat() }
    }

    /// Adjoint of [`Network::features`]: adds to the density's cotangent, returns that of `eta`.
    fn pull_features(
        &self,
        h: f64,
        density: &Signal,
        bar: &Signal,
        by_density: &mut Signal,
        wants_parameters: bool,
    ) -> Vec<[f64; 2]> {
        let n = density.points;
        let mut filtered = vec![0.0; n];
        for (bar, target) in bar.planes().zip(by_density.planes_mut()) {
            target.iter_mut().zip(&bar[..n]).for_each(|(t, b)| *t += b);
            for c in 0..self.eta.len() {
                let (length, _) = self.length(c);
                exponential_filter(
                    (-h / length).exp(),
                    &bar[(c + 1) * n..(c + 2) * n],
                    &mut filtered,
                );
                target.iter_mut().zip(&filtered).for_each(|(t, f)| *t += 0.5 * h / length * f);
            }
        }
        if !wants_parameters {
            return Vec::new();
        }
        (0..self.eta.len()).map(|c| self.eta_gradient(h, c, density, bar)).collect()
    }

    /// `sum_i fbar_i df_i/deta_c`, and its directional derivative.
    fn eta_gradient(&self, h: f64, c: usize, density: &Signal, bar: &Signal) -> [f64; 2] {
        let n = density.points;
        let (length, slope) = self.length(c);
        let q = (-h / length).exp();
        let by_length = |source: &[f64]| -> Vec<f64> {
            let mut sum = vec![0.0; n];
            exponential_filter(q, source, &mut sum);
            let moment = first_moment_filter(q, source);
            let scale = 0.5 * h / length;
            (0..n).map(|i| scale / length * (h / length * moment[i] - sum[i])).collect()
        };
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() * slope;
        let channel = (c + 1) * n..(c + 2) * n;
        let value_slope = by_length(&density.value);
        let value = dot(&bar.value[channel.clone()], &value_slope);
        let tangent = if density.has_tangent() {
            let moving = by_length(&density.tangent);
            dot(&bar.tangent[channel.clone()], &value_slope) + dot(&bar.value[channel], &moving)
        } else {
            0.0
        };
        [value, tangent]
    }

    /// The density as a signal, averaged with its image: `E[n] = E_0[S n]`, so that the potential is `S v_0[S n]`.
    fn signal(density: &[f64], direction: &[f64], mirror: Option<Mirror>) -> Signal {
        let mut signal = Signal::new(density.to_vec(), direction.to_vec());
        if let Some(mirror) = mirror {
            signal.planes_mut().for_each(|p| mirror.symmetrise(p));
        }
        signal
    }

    /// `beta` and `1 - beta` as functions of the electron number and the gate's width.
    fn gate<T: Num>(electrons: T, width: T) -> T {
        let z = (electrons - 1.0) / width;
        (-(z * z)).exp()
    }
}

/// `y_i = sum_j |i - j| q^|i-j| x_j`, by two recursive passes.
fn first_moment_filter(q: f64, x: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; x.len()];
    let (mut sum, mut moment) = (0.0, 0.0);
    for (y, x) in y.iter_mut().zip(x) {
        moment = q * (moment + sum);
        sum = x + q * sum;
        *y = moment;
    }
    (sum, moment) = (0.0, 0.0);
    for (y, x) in y.iter_mut().zip(x).rev() {
        moment = q * (moment + sum);
        sum = x + q * sum;
        *y += moment;
    }
    y
}

impl Functional for Network {
    fn evaluate(
        &self,
        grid: &Grid,
        density: &[f64],
        mirror: Option<Mirror>,
    ) -> ExchangeCorrelation {
        let h = grid.spacing_bohr();
        let signal = Self::signal(density, &[], mirror);
        let net = self.gradient(h, &signal, false);
        let hartree = self.architecture.interaction.hartree_potential(grid, &signal.value);
        let u = Interaction::hartree_energy(grid, &signal.value, &hartree);
        let beta =
            Self::gate(Dual::<f64, 1>::seed(grid.integral(density), 0), Dual::lit(self.gate_width));
        let difference = net.energy.re + u; // E_net - (-U)
        let energy_ha = net.energy.re - beta.re * difference;
        let potential =
            |(g, v): (&f64, &f64)| (1.0 - beta.re) * g / h - beta.re * v - beta.eps[0] * difference;
        let mut potential_ha: Vec<f64> =
            net.by_density.value.iter().zip(&hartree).map(potential).collect();
        if let Some(mirror) = mirror {
            mirror.symmetrise(&mut potential_ha);
        }
        ExchangeCorrelation { energy_ha, potential_ha }
    }

    fn parameter_count(&self) -> usize {
        self.architecture.parameter_count()
    }

    /// `E` and `v = grad E/h` pulled back together: with the tangent `potential_bar/h` on the density, the gradient's value
    /// times `energy_bar` plus its tangent is the whole adjoint.
    fn adjoint(
        &self,
        grid: &Grid,
        density: &[f64],
        mirror: Option<Mirror>,
        energy_bar: f64,
        potential_bar: &[f64],
        parameters_bar: &mut [f64],
    ) -> Vec<f64> {
        type D = Dual<f64, 1>;
        let h = grid.spacing_bohr();
        let direction: Vec<f64> = potential_bar.iter().map(|b| b / h).collect();
        let signal = Self::signal(density, &direction, mirror);
        let net = self.gradient(h, &signal, true);
        let w = self.architecture.interaction;
        let hartree = w.hartree_potential(grid, &signal.value);
        let hartree_dot = w.hartree_potential(grid, &signal.tangent);
        let u = D {
            re: Interaction::hartree_energy(grid, &signal.value, &hartree),
            eps: [grid.integral(
                &signal.value.iter().zip(&hartree_dot).map(|(n, v)| n * v).collect::<Vec<_>>(),
            )],
        };
        // beta and its first derivatives, each with its derivative along the direction
        let electrons = D { re: grid.integral(density), eps: [grid.integral(&direction)] };
        let width = D::lit(self.gate_width);
        let by_electrons = Self::gate(Dual::<D, 1>::seed(electrons, 0), Dual::konst(width));
        let by_width = Self::gate(Dual::<D, 1>::konst(electrons), Dual::seed(width, 0)).eps[0];
        let (beta, slope) = (by_electrons.re, by_electrons.eps[0]);
        let difference = net.energy + u;
        let adjoint = |x: D| energy_bar * x.re + x.eps[0];
        let by_density = |i: usize| {
            let g = D { re: net.by_density.value[i], eps: [net.by_density.tangent[i]] };
            let v = D { re: hartree[i], eps: [hartree_dot[i]] };
            adjoint((-beta + 1.0) * g - (beta * v + slope * difference) * h)
        };
        let mut density_bar: Vec<f64> = (0..density.len()).map(by_density).collect();
        if let Some(mirror) = mirror {
            mirror.symmetrise(&mut density_bar);
        }
        let (gate_bar, weights_bar) =
            parameters_bar.split_last_mut().unwrap_or_else(|| unreachable!("a gate"));
        for (bar, [re, eps]) in weights_bar.iter_mut().zip(&net.by_parameters) {
            *bar += adjoint((-beta + 1.0) * D { re: *re, eps: [*eps] });
        }
        *gate_bar -= adjoint(by_width * difference);
        density_bar
    }
}

#[cfg(test)]
mod tests {
    use super::{Architecture, Network, NetworkError};
    use crate::one_d::functional::tests::adjoint_agrees_with_differences;
    use crate::one_d::{Functional, Grid, Interaction, Mirror, System};

    fn small() -> (Grid, Architecture, Vec<f64>) {
        let grid = Grid::new(41, 0.3).unwrap();
        let architecture = Architecture {
            global_features: 3,
            hidden: vec![4, 5],
            grid_spacing_bohr: 0.3,
            ..Architecture::paper()
        };
        let mut parameters = architecture.initial_parameters(7);
        parameters.iter_mut().enumerate().for_each(|(k, p)| *p += 0.1 * (k as f64).sin());
        (grid, architecture, parameters)
    }

    fn density(grid: &Grid, shift: f64) -> Vec<f64> {
        (0..grid.points()).map(|i| 0.6 * (-(grid.x(i) - shift).powi(2) / 3.0).exp()).collect()
    }

    #[test]
    fn the_paper_s_network_has_1568_parameters() {
        assert_eq!(Architecture::paper().parameter_count(), 1568);
    }

    #[test]
    fn potential_and_density_adjoint_agree_with_differences() {
        let centred = System::molecule(&[(0.3, 1.0)], 1).unwrap();
        for mirror in [None, Mirror::of(&centred, &small().0)] {
            let (grid, architecture, parameters) = small();
            let network = Network::new(architecture, &parameters, &grid).unwrap();
            adjoint_agrees_with_differences(&network, &grid, &density(&grid, 0.4), mirror);
        }
    }

    #[test]
    fn parameter_adjoint_agrees_with_differences() {
        let (grid, architecture, parameters) = small();
        let n = density(&grid, 0.2);
        let bar: Vec<f64> = (0..41).map(|i| (0.3 * f64::from(i)).sin()).collect();
        let value = |p: &[f64]| {
            let xc =
                Network::new(architecture.clone(), p, &grid).unwrap().evaluate(&grid, &n, None);
            0.7 * xc.energy_ha + xc.potential_ha.iter().zip(&bar).map(|(v, b)| v * b).sum::<f64>()
        };
        let network = Network::new(architecture.clone(), &parameters, &grid).unwrap();
        let mut gradient = vec![0.0; parameters.len()];
        network.adjoint(&grid, &n, None, 0.7, &bar, &mut gradient);
        for k in 0..parameters.len() {
            let mut moved = parameters.clone();
            moved[k] += 1e-5;
            let above = value(&moved);
            moved[k] -= 2e-5;
            let fd = (above - value(&moved)) / 2e-5;
            assert!(
                (gradient[k] - fd).abs() < 1e-8 * fd.abs().max(1.0),
                "parameter {k}: {} {fd}",
                gradient[k]
            );
        }
    }

    #[test]
    fn one_electron_has_no_self_interaction() {
        let (grid, architecture, parameters) = small();
        let mut n = density(&grid, 0.0);
        let electrons = grid.integral(&n);
        n.iter_mut().for_each(|n| *n /= electrons);
        let network = Network::new(architecture, &parameters, &grid).unwrap();
        let u = Interaction::hartree_energy(
            &grid,
            &n,
            &Interaction::BAKER.hartree_potential(&grid, &n),
        );
        assert!((network.evaluate(&grid, &n, None).energy_ha + u).abs() < 1e-14);
    }

    #[test]
    fn another_grid_or_parameter_count_is_refused() {
        let (_, architecture, parameters) = small();
        let wrong = Network::new(architecture.clone(), &parameters, &Grid::PAPER).unwrap_err();
        assert!(matches!(wrong, NetworkError::GridSpacing { .. }));
        let grid = Grid::new(41, 0.3).unwrap();
        let wrong = Network::new(architecture, &parameters[1..], &grid).unwrap_err();
        assert!(matches!(wrong, NetworkError::ParameterCount { .. }));
    }
}
