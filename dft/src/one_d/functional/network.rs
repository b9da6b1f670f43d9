//! A trainable functional: global exponential features, convolutions, and a gate that removes self-interaction.
//!
//! The architecture of Li et al., Phys. Rev. Lett. 126, 036401 (2021) ("KSR-global"), of any size:
//!
//! * features: the density itself, and `m` filters `f_c = h/(2 l_c) sum_j exp(-|x_i - x_j|/l_c) n_j` with trainable lengths
//!   `l_c = l_min + (l_max - l_min) sigmoid(eta_c)`;
//! * convolutions of width 3 (or 1, see [`Window`]) over the grid, zero outside, without bias, each followed by
//!   `SiLU(z) = z sigmoid(z)`;
//! * a convolution of width 1 to one channel, and `eps = -SiLU(.)`, which is at most 0.278;
//! * the gate `E_xc = -beta U[n] + (1 - beta) E_net`, `beta = exp(-((N - 1)/w)^2)`: exact for one electron.
//!
//! A spin-adapted network (after Kalita et al., J. Phys. Chem. Lett. 13, 2540 (2022)) sees the polarisation `m = n_up - n_down`
//! beside the density: a convolution `V` of the features of `m` joins the first one of those of `n`, and
//! `E_net[n, m] = (E(W f[n] + V f[m]) + E(W f[n] - V f[m]))/2`. So exchanging the spins changes nothing, and without
//! polarisation it is the network of the density alone.
//!
//! Derivatives are written by hand. The potential needs the gradient of the energy; training needs the gradient's own
//! derivative along one direction of the density. Everything but SiLU is linear in the signal, so that direction is a
//! second signal that runs through the same passes.

mod architecture;
mod passed;

use cotangent_ad::{Dual, Num};
use thiserror::Error;

use crate::one_d::functional::convolution::{Convolution, Pull};
use crate::one_d::functional::features::Features;
use crate::one_d::functional::signal::{Line, Signal, Slopes};
use crate::one_d::functional::{ExchangeCorrelation, Functional, Kept};
use crate::one_d::grid::Grid;
use crate::one_d::interaction::Interaction;
use crate::one_d::mirror::Mirror;

pub use architecture::{Architecture, Window};
use passed::Passed;

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
    features: Features,
    layers: Vec<Convolution>,
    /// Of the polarisation's features, beside the first of `layers`; where the network is spin-adapted.
    polarisation: Option<Convolution>,
    /// Weights of the last convolution, of width 1 and one output.
    readout: Vec<f64>,
    gate_width: f64,
}

/// Gradient of the network's energy, and the derivative of all of it along a direction of the density.
struct Gradient {
    /// `E_net` and its directional derivative.
    energy: Dual<f64, 1>,
    /// `dE_net/dn` and its directional derivative.
    by_density: Line,
    /// `dE_net/dtheta`, combined with its directional derivative as the pull says, `eta` first; empty where not wanted.
    by_parameters: Vec<f64>,
    /// Cotangent of what the polarisation adds to the first convolution, where it adds something.
    by_polarisation: Option<Signal>,
}

/// A network's energy with its derivatives, of one spin channel or of two.
struct Channels {
    energy: Dual<f64, 1>,
    /// `dE_net/dn_s` of each channel.
    by_density: Vec<Line>,
    by_parameters: Vec<f64>,
}

/// What the way back needs of the way forth.
struct Trace {
    /// What went into each hidden convolution, then into the readout.
    inputs: Vec<Signal>,
    slopes: Vec<Slopes>,
    /// `SiLU` of the readout, `-eps`.
    activation: Line,
    activation_slopes: Slopes,
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
        let Architecture { length_min_bohr: low, length_max_bohr: high, .. } = architecture;
        let features =
            Features::new(take(architecture.global_features), low, high, grid.spacing_bohr());
        let mut inputs = features.channels();
        let mut layers = Vec::new();
        for (k, &outputs) in architecture.hidden.iter().enumerate() {
            let taps = architecture.window.taps(k);
            layers.push(Convolution::new(taps, inputs, outputs, take(taps * inputs * outputs)));
            inputs = outputs;
        }
        let readout = take(inputs).to_vec();
        let polarisation = architecture.hidden.first().filter(|_| architecture.spin_adapted);
        let polarisation = polarisation.map(|&outputs| {
            let (taps, inputs) = (architecture.window.taps(0), architecture.global_features + 1);
            Convolution::new(taps, inputs, outputs, take(taps * inputs * outputs))
        });
        let gate_width = take(1)[0];
        Ok(Self { architecture, features, layers, polarisation, readout, gate_width })
    }

    /// The architecture.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// `polarised` is what the polarisation adds to the first convolution.
    fn forward(&self, density: &Line, polarised: Option<&Signal>) -> Trace {
        let mut inputs = vec![self.features.forward(density)];
        let mut slopes = Vec::with_capacity(self.layers.len());
        for (k, layer) in self.layers.iter().enumerate() {
            let mut z = layer.forward(&inputs[inputs.len() - 1]);
            if let (0, Some(polarised)) = (k, polarised) {
                z.add(1.0, polarised);
            }
            let (activation, slope) = z.silu();
            inputs.push(activation);
            slopes.push(slope);
        }
        let last = &inputs[inputs.len() - 1];
        let sum = |plane: &[f64]| self.read_out(last, plane);
        let tangent = if last.tangent.is_empty() { Vec::new() } else { sum(&last.tangent) };
        let (activation, activation_slopes) = Line { value: sum(&last.value), tangent }.silu();
        Trace { inputs, slopes, activation, activation_slopes }
    }

    /// The readout of a plane of `signal`'s size.
    fn read_out(&self, signal: &Signal, plane: &[f64]) -> Vec<f64> {
        let rows = plane[signal.inner()].chunks_exact(signal.width);
        rows.map(|row| row.iter().zip(&self.readout).map(|(x, w)| x * w).sum()).collect()
    }

    /// Energy, gradient, and with a tangent in `density` the derivative of both along it.
    fn gradient(
        &self,
        h: f64,
        density: &Line,
        polarised: Option<&Signal>,
        pull: Option<&Pull>,
    ) -> Gradient {
        let Trace { inputs, slopes, activation, activation_slopes } =
            self.forward(density, polarised);
        // E = sum_i n_i (-a_i) h, a the last activation
        let energy = density.dot(&activation) * -h;
        let mut line_bar = density.scaled(-h);
        activation_slopes.pull(&mut line_bar.value, &mut line_bar.tangent);
        let mut blocks = Vec::new(); // of the parameters' gradient, last first
        if let Some(pull) = pull {
            let last = &inputs[self.layers.len()];
            blocks.push(self.readout_gradient(last, &last.tangent, &line_bar, pull));
        }
        let mut bar = self.pull_readout(&line_bar);
        let mut by_polarisation = None;
        for (k, layer) in self.layers.iter().enumerate().rev() {
            bar = bar.pull_silu(&slopes[k]);
            if k == 0 && polarised.is_some() {
                by_polarisation = Some(bar.clone());
            }
            if let Some(pull) = pull {
                blocks.push(layer.weight_gradient(&inputs[k], &bar, pull));
            }
            bar = layer.backward(&bar);
        }
        if let Some(pull) = pull {
            blocks.push(self.features.eta_gradient(density, [&*bar.value, &*bar.tangent], pull));
        }
        let mut by_density = activation.scaled(-h);
        self.features.backward(&bar, &mut by_density);
        blocks.reverse();
        Gradient { energy, by_density, by_parameters: blocks.concat(), by_polarisation }
    }

    /// [`Network::gradient`] of one spin channel, or of two: the mean over both signs of the polarisation.
    fn channels(&self, h: f64, densities: &[Line], pull: Option<&Pull>) -> Channels {
        let (Some(convolution), [up, down]) = (&self.polarisation, densities) else {
            let found = self.gradient(h, &densities[0], None, pull);
            let Gradient { energy, by_density, mut by_parameters, .. } = found;
            if pull.is_some() {
                // what sees the polarisation alone has no part in it
                by_parameters.resize(self.architecture.parameter_count() - 1, 0.0);
            }
            return Channels { energy, by_density: vec![by_density], by_parameters };
        };
        let (density, spin) = (up.plus(1.0, down), up.plus(-1.0, down));
        let features = self.features.forward(&spin);
        let mut polarised = convolution.forward(&features);
        let [plus, minus] = [1.0, -1.0].map(|sign| {
            polarised.scale(sign);
            self.gradient(h, &density, Some(&polarised), pull)
        });
        let (Some(mut bar), Some(other)) = (plus.by_polarisation, minus.by_polarisation) else {
            unreachable!("both were polarised")
        };
        bar.add(-1.0, &other);
        bar.scale(0.5);
        let mut by_parameters = plus.by_parameters;
        by_parameters.iter_mut().zip(&minus.by_parameters).for_each(|(p, m)| *p = 0.5 * (*p + m));
        let features_bar = convolution.backward(&bar);
        if let Some(pull) = pull {
            let planes = [&*features_bar.value, &*features_bar.tangent];
            let eta = self.features.eta_gradient(&spin, planes, pull);
            by_parameters.iter_mut().zip(&eta).for_each(|(p, e)| *p += e);
            by_parameters.extend(convolution.weight_gradient(&features, &bar, pull));
        }
        let by_density = plus.by_density.plus(1.0, &minus.by_density).scaled(0.5);
        let mut by_spin = by_density.scaled(0.0);
        self.features.backward(&features_bar, &mut by_spin);
        Channels {
            energy: (plus.energy + minus.energy) * 0.5,
            by_density: vec![by_density.plus(1.0, &by_spin), by_density.plus(-1.0, &by_spin)],
            by_parameters,
        }
    }

    /// Cotangent of what goes into the readout.
    fn pull_readout(&self, line_bar: &Line) -> Signal {
        let points = line_bar.value.len();
        let mut bar = Signal::zeros(points, self.readout.len(), !line_bar.tangent.is_empty());
        let (inner, width) = (bar.inner(), bar.width);
        for (source, target) in
            [&line_bar.value, &line_bar.tangent].into_iter().zip(bar.planes_mut())
        {
            for (b, row) in source.iter().zip(target[inner.clone()].chunks_exact_mut(width)) {
                row.iter_mut().zip(&self.readout).for_each(|(x, w)| *x = w * b);
            }
        }
        bar
    }

    /// Cotangent of the readout's weights.
    fn readout_gradient(
        &self,
        x: &Signal,
        tangent: &[f64],
        line_bar: &Line,
        pull: &Pull,
    ) -> Vec<f64> {
        let mut gradient = vec![0.0; self.readout.len()];
        let mut add = |plane: &[f64], bar: &[f64], weight: f64| {
            for (row, b) in plane[x.inner()].chunks_exact(x.width).zip(bar) {
                gradient.iter_mut().zip(row).for_each(|(g, x)| *g += weight * b * x);
            }
        };
        add(&x.value, &line_bar.value, pull.value_weight);
        if !tangent.is_empty() {
            add(&x.value, &line_bar.tangent, pull.tangent_weight);
            add(tangent, &line_bar.value, pull.tangent_weight);
        }
        gradient
    }

    /// The density of each channel as a signal, averaged with its image: `E[n] = E_0[S n]`, so that the potential is
    /// `S v_0[S n]`. `direction` may be empty.
    fn lines(grid: &Grid, density: &[f64], direction: &[f64], mirror: Option<Mirror>) -> Vec<Line> {
        let n = grid.points();
        let line = |(c, value): (usize, &[f64])| {
            let tangent = direction.get(c * n..(c + 1) * n).unwrap_or_default().to_vec();
            let mut line = Line { value: value.to_vec(), tangent };
            if let Some(mirror) = mirror {
                line.planes_mut().for_each(|p| mirror.symmetrise(p));
            }
            line
        };
        density.chunks_exact(n).enumerate().map(line).collect()
    }

    /// The density of all channels together.
    fn together(lines: &[Line]) -> Line {
        lines[1..].iter().fold(lines[0].clone(), |sum, line| sum.plus(1.0, line))
    }

    /// `beta` and `1 - beta` as functions of the electron number and the gate's width.
    fn gate<T: Num>(electrons: T, width: T) -> T {
        let z = (electrons - 1.0) / width;
        (-(z * z)).exp()
    }
}

impl Network {
    /// Energy and potential by the network's energy and its gradient by each channel. `all` is the density of all of them.
    fn gated(
        &self,
        grid: &Grid,
        all: &[f64],
        net_energy: f64,
        by_density: &[&[f64]],
        mirror: Option<Mirror>,
    ) -> ExchangeCorrelation {
        let h = grid.spacing_bohr();
        let hartree = self.architecture.interaction.hartree_potential(grid, all);
        let u = Interaction::hartree_energy(grid, all, &hartree);
        let electrons = Dual::<f64, 1>::seed(grid.integral(all), 0);
        let beta = Self::gate(electrons, Dual::lit(self.gate_width));
        let difference = net_energy + u; // E_net - (-U)
        let energy_ha = net_energy - beta.re * difference;
        let potential =
            |(g, v): (&f64, &f64)| (1.0 - beta.re) * g / h - beta.re * v - beta.eps[0] * difference;
        let mut potential_ha = Vec::with_capacity(by_density.len() * grid.points());
        for by_density in by_density {
            let mut channel: Vec<f64> = by_density.iter().zip(&hartree).map(potential).collect();
            if let Some(mirror) = mirror {
                mirror.symmetrise(&mut channel);
            }
            potential_ha.extend(channel);
        }
        ExchangeCorrelation { energy_ha, potential_ha }
    }

    /// The adjoint, from what an evaluation at the density left where it left something.
    fn pull(
        &self,
        passed: Option<&Passed>,
        grid: &Grid,
        density: &[f64],
        mirror: Option<Mirror>,
        energy_bar: f64,
        potential_bar: &[f64],
        parameters_bar: &mut [f64],
    ) -> Vec<f64> {
        type D = Dual<f64, 1>;
        let h = grid.spacing_bohr();
        let moves = potential_bar.iter().any(|b| *b != 0.0);
        let direction: Vec<f64> =
            if moves { potential_bar.iter().map(|b| b / h).collect() } else { Vec::new() };
        // beta and its first derivatives, each with its derivative along the direction
        let electrons = D { re: grid.integral(density), eps: [grid.integral(&direction)] };
        let width = D::lit(self.gate_width);
        let by_electrons = Self::gate(Dual::<D, 1>::seed(electrons, 0), Dual::konst(width));
        let by_width = Self::gate(Dual::<D, 1>::konst(electrons), Dual::seed(width, 0)).eps[0];
        let (beta, slope) = (by_electrons.re, by_electrons.eps[0]);
        let lines = Self::lines(grid, density, &direction, mirror);
        // the adjoint of (1 - beta) g, for any component g of the network's gradient
        let value_weight = energy_bar * (1.0 - beta.re) - beta.eps[0];
        let pull = Pull { value_weight, tangent_weight: 1.0 - beta.re };
        let net = match passed {
            Some(passed) if moves => self.tangent(h, passed, &lines[0].tangent, &pull),
            _ => self.channels(h, &lines, Some(&pull)),
        };
        let all = Self::together(&lines);
        let w = self.architecture.interaction;
        let hartree = w.hartree_potential(grid, &all.value);
        let hartree_dot = w.hartree_potential(grid, &all.tangent);
        let moved: f64 = all.value.iter().zip(&hartree_dot).map(|(n, v)| n * v).sum();
        let u = D { re: Interaction::hartree_energy(grid, &all.value, &hartree), eps: [h * moved] };
        let difference = net.energy + u;
        let adjoint = |x: D| energy_bar * x.re + x.eps[0];
        let at = |line: &[f64], i: usize| line.get(i).copied().unwrap_or(0.0);
        let mut density_bar = Vec::with_capacity(density.len());
        for by_density in &net.by_density {
            let one = |i: usize| {
                let g = D { re: by_density.value[i], eps: [at(&by_density.tangent, i)] };
                let v = D { re: hartree[i], eps: [at(&hartree_dot, i)] };
                adjoint((-beta + 1.0) * g - (beta * v + slope * difference) * h)
            };
            let mut channel: Vec<f64> = (0..grid.points()).map(one).collect();
            if let Some(mirror) = mirror {
                mirror.symmetrise(&mut channel);
            }
            density_bar.extend(channel);
        }
        let (gate_bar, weights_bar) =
            parameters_bar.split_last_mut().unwrap_or_else(|| unreachable!("a gate"));
        weights_bar.iter_mut().zip(&net.by_parameters).for_each(|(bar, g)| *bar += g);
        *gate_bar -= adjoint(by_width * difference);
        density_bar
    }
}

impl Functional for Network {
    fn takes(&self, channels: usize) -> bool {
        channels == 1 || (channels == 2 && self.polarisation.is_some())
    }

    fn evaluate(
        &self,
        grid: &Grid,
        density: &[f64],
        mirror: Option<Mirror>,
    ) -> ExchangeCorrelation {
        let lines = Self::lines(grid, density, &[], mirror);
        let Channels { energy, by_density, .. } = self.channels(grid.spacing_bohr(), &lines, None);
        let slopes: Vec<&[f64]> = by_density.iter().map(|l| l.value.as_slice()).collect();
        self.gated(grid, &Self::together(&lines).value, energy.re, &slopes, mirror)
    }

    fn evaluate_and_keep(
        &self,
        grid: &Grid,
        density: &[f64],
        mirror: Option<Mirror>,
    ) -> (ExchangeCorrelation, Kept) {
        if density.len() != grid.points() {
            return (self.evaluate(grid, density, mirror), Kept::default());
        }
        let line = Self::lines(grid, density, &[], mirror).swap_remove(0);
        let passed = self.pass(grid.spacing_bohr(), line);
        let slopes = [passed.by_density.value.as_slice()];
        let xc = self.gated(grid, &passed.density.value, passed.energy, &slopes, mirror);
        (xc, Kept::new(passed))
    }

    fn energy(&self, grid: &Grid, density: &[f64], mirror: Option<Mirror>) -> f64 {
        let lines = Self::lines(grid, density, &[], mirror);
        let all = Self::together(&lines);
        let h = grid.spacing_bohr();
        let with = |p: Option<&Signal>| all.dot(&self.forward(&all, p).activation).re * -h;
        let net = match (&self.polarisation, lines.as_slice()) {
            (Some(convolution), [up, down]) => {
                let mut polarised =
                    convolution.forward(&self.features.forward(&up.plus(-1.0, down)));
                let plus = with(Some(&polarised));
                polarised.scale(-1.0);
                0.5 * (plus + with(Some(&polarised)))
            }
            _ => with(None),
        };
        let hartree = self.architecture.interaction.hartree_potential(grid, &all.value);
        let u = Interaction::hartree_energy(grid, &all.value, &hartree);
        let beta = Self::gate(grid.integral(density), self.gate_width);
        net - beta * (net + u)
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
        self.pull(None, grid, density, mirror, energy_bar, potential_bar, parameters_bar)
    }

    fn adjoint_of(
        &self,
        kept: &Kept,
        grid: &Grid,
        density: &[f64],
        mirror: Option<Mirror>,
        energy_bar: f64,
        potential_bar: &[f64],
        parameters_bar: &mut [f64],
    ) -> Vec<f64> {
        let passed = kept.get::<Passed>();
        self.pull(passed, grid, density, mirror, energy_bar, potential_bar, parameters_bar)
    }
}

#[cfg(test)]
mod tests;
