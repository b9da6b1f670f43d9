//! How weights start.

use crate::random::Stream;

/// A distribution of first weights; biases start at 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Init {
    /// Uniform with variance `2 / (inputs + outputs)` (Glorot & Bengio 2010): for tanh and sigmoid.
    Glorot,
    /// Normal with variance `2 / inputs` (He et al. 2015): for rectifiers.
    He,
    /// Normal with variance `1 / inputs` (LeCun et al. 1998).
    LeCun,
}

impl Init {
    /// The `index`-th weight of a stream, for a layer of these sizes.
    pub fn weight(self, inputs: usize, outputs: usize, stream: &Stream, index: u64) -> f64 {
        let (into, out) = (inputs as f64, outputs as f64);
        match self {
            Self::Glorot => (6.0 / (into + out)).sqrt() * (2.0 * stream.uniform(index) - 1.0),
            Self::He => (2.0 / into).sqrt() * stream.normal(index),
            Self::LeCun => into.recip().sqrt() * stream.normal(index),
        }
    }
}
