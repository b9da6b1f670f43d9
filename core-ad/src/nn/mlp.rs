//! Layers in sequence.

use super::dense::layer;
use super::{Activation, Init};
use crate::random::Stream;
use crate::real::Real;

/// A multilayer perceptron: its shape, without its weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mlp {
    sizes: Vec<usize>,
    hidden: Activation,
    output: Activation,
}

impl Mlp {
    /// Layers of `sizes[0]` inputs, hidden units, and the last as outputs.
    ///
    /// # Panics
    /// With fewer than two sizes, or a size of zero.
    pub fn new(sizes: &[usize], hidden: Activation, output: Activation) -> Self {
        assert!(sizes.len() >= 2 && sizes.iter().all(|n| *n > 0), "inputs and outputs, none empty");
        Self { sizes: sizes.to_vec(), hidden, output }
    }

    /// Number of weights and biases.
    pub fn parameters(&self) -> usize {
        self.sizes.windows(2).map(|s| (s[0] + 1) * s[1]).sum()
    }

    /// First weights, layer by layer `w: outputs x inputs`, then `b`.
    pub fn initial(&self, init: Init, stream: &Stream) -> Vec<f64> {
        let mut parameters = Vec::with_capacity(self.parameters());
        for s in self.sizes.windows(2) {
            for _ in 0..s[0] * s[1] {
                let index = parameters.len() as u64;
                parameters.push(init.weight(s[0], s[1], stream, index));
            }
            parameters.resize(parameters.len() + s[1], 0.0);
        }
        parameters
    }

    /// The outputs for a batch of points, one after the other.
    ///
    /// # Shapes
    /// `x: batch x inputs`; the result `batch x outputs`.
    ///
    /// # Panics
    /// Where `x` is no whole number of points, or the parameters are of another shape.
    pub fn forward<R: Real>(&self, parameters: &[R], x: &[R]) -> Vec<R> {
        assert_eq!(parameters.len(), self.parameters(), "weights and biases");
        assert_eq!(x.len() % self.sizes[0], 0, "a whole number of points");
        let (batch, mut y) = (x.len() / self.sizes[0], x.to_vec());
        let (mut rest, last) = (parameters, self.sizes.len() - 2);
        for (number, s) in self.sizes.windows(2).enumerate() {
            let (w, after) = rest.split_at(s[0] * s[1]);
            let (b, after) = after.split_at(s[1]);
            rest = after;
            let activation = if number == last { self.output } else { self.hidden };
            y = layer(&y, (w, b), [batch, s[0]], activation);
        }
        y
    }
}
