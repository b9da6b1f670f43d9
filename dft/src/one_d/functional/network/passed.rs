//! A network's way forth and back at a density, kept, and the derivative of both along a direction of the density.
//!
//! Energy and gradient are computed once, in the evaluation; the adjoint then runs the direction alone through the same passes. That is
//! [`Network::gradient`](super::Network) with a tangent, less what is known.

use cotangent_ad::Dual;

use super::{Channels, Network, Trace};
use crate::one_d::functional::convolution::Pull;
use crate::one_d::functional::plane::Plane;
use crate::one_d::functional::signal::{Line, Signal};

/// What an evaluation of one channel leaves.
pub(super) struct Passed {
    pub density: Line,
    /// `E_net`.
    pub energy: f64,
    /// `dE_net/dn`.
    pub by_density: Line,
    trace: Trace,
    /// Of each hidden convolution the cotangents of its activation, and of what it is the activation of.
    bars: Vec<[Signal; 2]>,
    /// Of the sum that the readout makes: cotangent of its activation, and its own.
    line_bars: [Line; 2],
    features_bar: Signal,
}

impl Network {
    /// Energy and gradient at the density of one channel, with all that led there.
    pub(super) fn pass(&self, h: f64, density: Line) -> Passed {
        let trace = self.forward(&density, None);
        let energy = density.dot(&trace.activation).re * -h;
        let outer = density.scaled(-h);
        let mut line_bar = outer.clone();
        trace.activation_slopes.pull(&mut line_bar.value, &mut line_bar.tangent);
        let mut bar = self.pull_readout(&line_bar);
        let mut bars = Vec::with_capacity(self.layers.len());
        for (layer, slopes) in self.layers.iter().zip(&trace.slopes).rev() {
            let activation_bar = bar.clone();
            let z_bar = bar.pull_silu(slopes);
            bar = layer.backward(&z_bar);
            bars.push([activation_bar, z_bar]);
        }
        bars.reverse();
        let mut by_density = trace.activation.scaled(-h);
        self.features.backward(&bar, &mut by_density);
        let line_bars = [outer, line_bar];
        Passed { density, energy, by_density, trace, bars, line_bars, features_bar: bar }
    }

    /// Energy, gradient and the gradient by the parameters as `pull` says, with their derivatives along `direction`.
    pub(super) fn tangent(
        &self,
        h: f64,
        passed: &Passed,
        direction: &[f64],
        pull: &Pull,
    ) -> Channels {
        let Passed { density, trace, bars, line_bars: [outer, line_bar], .. } = passed;
        let alone = |value: Vec<f64>| Line { value, tangent: Vec::new() };
        // forth: the tangents of what goes into each convolution, and of what comes out
        let mut inputs_dot = vec![self.features.forward(&alone(direction.to_vec()))];
        let mut z_dots = Vec::with_capacity(self.layers.len());
        for (k, layer) in self.layers.iter().enumerate() {
            let z_dot = layer.forward(&inputs_dot[k]);
            let (points, width) = (z_dot.points, z_dot.width);
            let (value, tangent) = (trace.slopes[k].pushed(&z_dot.value), Plane::default());
            inputs_dot.push(Signal { points, width, value, tangent });
            z_dots.push(z_dot);
        }
        let last_dot = &inputs_dot[self.layers.len()];
        let sum_dot = self.read_out(last_dot, &last_dot.value);
        let activation_dot = trace.activation_slopes.pushed(&sum_dot).into_vec();
        let along = Line { value: density.value.clone(), tangent: direction.to_vec() };
        let activation = trace.activation.value.clone();
        let activation = Line { value: activation, tangent: activation_dot };
        let energy: Dual<f64, 1> = along.dot(&activation) * -h;
        // back: the tangents of the cotangents
        let mut line_bar_dot: Vec<f64> = direction.iter().map(|d| -h * d).collect();
        trace.activation_slopes.pull_tangent(&outer.value, &sum_dot, &mut line_bar_dot);
        let both = Line { value: line_bar.value.clone(), tangent: line_bar_dot.clone() };
        let last = &trace.inputs[self.layers.len()];
        let mut blocks = vec![self.readout_gradient(last, &last_dot.value, &both, pull)];
        let mut bar_dot = self.pull_readout(&alone(line_bar_dot));
        for (k, layer) in self.layers.iter().enumerate().rev() {
            let [activation_bar, z_bar] = &bars[k];
            let z_dot = &z_dots[k].value;
            trace.slopes[k].pull_tangent(&activation_bar.value, z_dot, &mut bar_dot.value);
            let (x, x_dot) = (&trace.inputs[k], &inputs_dot[k].value);
            let z_bars = [&*z_bar.value, &*bar_dot.value];
            blocks.push(layer.pulled(x, x_dot, z_bars, z_bar.width, pull));
            bar_dot = layer.backward(&bar_dot);
        }
        let planes = [&*passed.features_bar.value, &*bar_dot.value];
        blocks.push(self.features.eta_gradient(&along, planes, pull));
        blocks.reverse();
        let mut by_parameters = blocks.concat();
        // what sees the polarisation alone has no part in it
        by_parameters.resize(self.architecture.parameter_count() - 1, 0.0);
        let mut gradient_dot = alone(activation.tangent.iter().map(|a| -h * a).collect());
        self.features.backward(&bar_dot, &mut gradient_dot);
        let value = passed.by_density.value.clone();
        let by_density = vec![Line { value, tangent: gradient_dot.value }];
        Channels { energy, by_density, by_parameters }
    }
}
