//! A multilayer perceptron and its adjoint by hand, in memory of its caller.

use cotangent_ad::Real;
use cotangent_ad::nn::Activation;

/// `y = tanh(W_n f(... f(W_1 x + b_1) ...) + b_n)`: its shape, without its weights.
///
/// Weights are those of [`cotangent_ad::nn::Mlp`]: layer by layer `W: outputs x inputs`, row-major, then `b`. Its values are
/// `x` and then what each layer gives, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Network {
    /// Inputs, hidden units, outputs.
    pub(super) sizes: Vec<usize>,
    /// `f`.
    pub(super) hidden: Activation,
}

/// A layer: where its weights begin among all, where its inputs begin among the values, and how many units it joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layer {
    pub(super) weights: usize,
    inputs_at: usize,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
}

impl Layer {
    /// Its matrix and its bias.
    fn of<'a, T>(&self, weights: &'a [T]) -> (&'a [T], &'a [T]) {
        let len = (self.inputs + 1) * self.outputs;
        weights[self.weights..][..len].split_at(self.inputs * self.outputs)
    }

    fn of_mut<'a, T>(&self, weights: &'a mut [T]) -> (&'a mut [T], &'a mut [T]) {
        let len = (self.inputs + 1) * self.outputs;
        weights[self.weights..][..len].split_at_mut(self.inputs * self.outputs)
    }

    /// What goes in, and what comes out.
    fn ends<'a, T>(&self, values: &'a mut [T]) -> (&'a mut [T], &'a mut [T]) {
        values[self.inputs_at..][..self.inputs + self.outputs].split_at_mut(self.inputs)
    }
}

impl Network {
    /// The layers from the first to the last.
    pub(super) fn layers(&self) -> Vec<Layer> {
        let (mut weights, mut inputs_at) = (0, 0);
        let next = |s: &[usize]| {
            let layer = Layer { weights, inputs_at, inputs: s[0], outputs: s[1] };
            weights += (s[0] + 1) * s[1];
            inputs_at += s[0];
            layer
        };
        self.sizes.windows(2).map(next).collect()
    }

    /// Number of weights and biases.
    pub(super) fn weights(&self) -> usize {
        self.sizes.windows(2).map(|s| (s[0] + 1) * s[1]).sum()
    }

    /// Number of values.
    pub(super) fn values(&self) -> usize {
        self.sizes.iter().sum()
    }

    fn activation(&self, layer: usize) -> Activation {
        if layer + 2 == self.sizes.len() { Activation::Tanh } else { self.hidden }
    }

    /// Fills the values of all layers from those that go into the first one.
    pub(super) fn forward<T: Real>(&self, weights: &[T], values: &mut [T]) {
        for (k, layer) in self.layers().iter().enumerate() {
            let ((w, b), (x, y)) = (layer.of(weights), layer.ends(values));
            for ((y, row), b) in y.iter_mut().zip(w.chunks_exact(layer.inputs)).zip(b) {
                *y = self.activation(k).value(T::dot(row, x) + *b);
            }
        }
    }

    /// Of `bars`, the cotangents of the values, those of the last layer are given; the others are replaced, and the weights' added
    /// to `weights_bar`.
    ///
    /// With `z_bar = f'(z) y_bar`: `x_bar = W^T z_bar`, `W_bar += z_bar x^T`, `b_bar += z_bar`.
    pub(super) fn pull(
        &self,
        weights: &[f64],
        values: &mut [f64],
        bars: &mut [f64],
        weights_bar: &mut [f64],
    ) {
        for (k, layer) in self.layers().iter().enumerate().rev() {
            let ((w, _), (w_bar, b_bar)) = (layer.of(weights), layer.of_mut(weights_bar));
            let ((x, y), (x_bar, y_bar)) = (layer.ends(values), layer.ends(bars));
            x_bar.fill(0.0);
            let rows = w.chunks_exact(layer.inputs).zip(w_bar.chunks_exact_mut(layer.inputs));
            for (((row, row_bar), b_bar), (y, y_bar)) in rows.zip(b_bar).zip(y.iter().zip(y_bar)) {
                let z_bar = self.activation(k).slope(*y) * *y_bar;
                *b_bar += z_bar;
                x_bar.iter_mut().zip(row).for_each(|(x_bar, w)| *x_bar += z_bar * w);
                row_bar.iter_mut().zip(&*x).for_each(|(w_bar, x)| *w_bar += z_bar * x);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use cotangent_ad::nn::{Activation, Init, Mlp};
    use cotangent_ad::random::Stream;
    use cotangent_ad::{Var, grad};

    use super::Network;

    #[test]
    fn values_and_adjoint_are_those_of_the_perceptron_of_core_ad() {
        for hidden in [Activation::Tanh, Activation::Softplus] {
            let sizes = [3, 5, 4, 2];
            let (network, mlp) = (
                Network { sizes: sizes.to_vec(), hidden },
                Mlp::new(&sizes, hidden, Activation::Tanh),
            );
            let mut weights = mlp.initial(Init::Glorot, &Stream::new(&[3]));
            weights.iter_mut().enumerate().for_each(|(k, w)| *w += 0.01 * (k % 7) as f64);
            let (x, y_bar) = ([0.3, -1.2, 0.7], [0.8, -0.4]);
            let mut values = vec![0.0; network.values()];
            values[..3].copy_from_slice(&x);
            network.forward(&weights, &mut values);
            let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-15);
            assert!(close(&values[12..], &mlp.forward(&weights, &x)));

            let (mut bars, mut weights_bar) = (vec![f64::NAN; 14], vec![0.0; weights.len()]);
            bars[12..].copy_from_slice(&y_bar);
            network.pull(&weights, &mut values, &mut bars, &mut weights_bar);
            let all = [weights.as_slice(), &x].concat();
            let cost = |v: &[Var<f64>]| {
                let (weights, x) = v.split_at(weights.len());
                let y = mlp.forward(weights, x);
                y[0] * Var::konst(y_bar[0]) + y[1] * Var::konst(y_bar[1])
            };
            let expected = grad(cost, &all);
            assert!(close(&[&weights_bar, &bars[..3]].concat(), &expected), "{hidden:?}");
        }
    }
}
