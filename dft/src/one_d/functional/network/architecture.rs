//! Sizes and fixed constants of a network, and its initial parameters.

use cotangent_ad::random::Stream;
use serde::{Deserialize, Serialize};

use crate::one_d::interaction::Interaction;

/// How far the hidden convolutions reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Window {
    /// Three points in each: KSR-global.
    #[default]
    Everywhere,
    /// Three points in the first, one in the others: what a gradient of the density tells.
    First,
    /// One point in each: KSR-LDA, where there are no global features.
    Point,
}

impl Window {
    /// Points that hidden convolution `layer` reaches.
    pub(super) fn taps(self, layer: usize) -> usize {
        match self {
            Self::Everywhere => 3,
            Self::First if layer == 0 => 3,
            Self::First | Self::Point => 1,
        }
    }
}

/// Sizes and fixed constants of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    /// Number `m` of global exponential features beside the density.
    pub global_features: usize,
    /// Channels of each hidden convolution.
    pub hidden: Vec<usize>,
    /// Sees the polarisation beside the density.
    #[serde(default)]
    pub spin_adapted: bool,
    /// How far the hidden convolutions reach.
    #[serde(default)]
    pub window: Window,
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
            spin_adapted: false,
            window: Window::Everywhere,
            length_min_bohr: 0.1,
            length_max_bohr: 2.385345,
            interaction: Interaction::BAKER,
            grid_spacing_bohr: 0.08,
        }
    }

    /// A local functional, KSR-LDA: three hidden layers of 16 channels over the density at one point.
    pub fn local() -> Self {
        Self { global_features: 0, hidden: vec![16; 3], window: Window::Point, ..Self::paper() }
    }

    /// A semilocal functional: as [`Architecture::local`], of three neighbouring points.
    pub fn semilocal() -> Self {
        Self { window: Window::First, ..Self::local() }
    }

    /// Named blocks of the parameter vector, in order, with their shapes.
    pub fn blocks(&self) -> Vec<(String, Vec<usize>)> {
        let mut blocks = vec![("eta".to_owned(), vec![self.global_features])];
        let mut inputs = self.global_features + 1;
        for (k, &outputs) in self.hidden.iter().enumerate() {
            blocks.push((
                format!("convolution{}", k + 1),
                vec![self.window.taps(k), inputs, outputs],
            ));
            inputs = outputs;
        }
        blocks.push(("output".to_owned(), vec![1, inputs, 1]));
        if let (true, Some(&outputs)) = (self.spin_adapted, self.hidden.first()) {
            let shape = vec![self.window.taps(0), self.global_features + 1, outputs];
            blocks.push(("polarisation".to_owned(), shape));
        }
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
