//! How derivatives are sampled, and which of their terms are.

use crate::sampler::Draw;

/// How derivatives are sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DerivativeOptions {
    /// Paths a pixel for the interior term.
    pub spp: u32,
    /// Names the random numbers, together with the key. They are independent of those of a [`render`](crate::render) of the same
    /// names, so that a gradient of a loss, whose adjoint image is rendered, is that of the converged image on average.
    pub seed: u64,
    /// Names one draw under the seed: each iteration of an optimizer has another.
    pub key: u64,
    /// Samples per pixel length of the edges that the camera sees, where the radiance may jump by all of it.
    pub edge_samples: u32,
    /// Shading points a pixel for the borders of shadows.
    pub shadow_spp: u32,
    /// Border points for each of them, and for each point that a path reaches from there.
    pub shadow_points: u32,
    /// Which terms are computed.
    pub terms: Terms,
}

/// The terms of a derivative. Without one of them the derivative of what moves is wrong; the switches are there to see by how
/// much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "one switch for each term")]
pub struct Terms {
    /// Of everything that is smooth.
    pub interior: bool,
    /// Of edges that the camera sees.
    pub visible: bool,
    /// Of the borders of shadows: on lights as a point sees them, and those that lamps throw into the picture.
    pub shadows: bool,
    /// Of edges, and lamps' shadows, that a reflecting point sees before the sky or before what other points reflect.
    pub indirect: bool,
}

impl Terms {
    /// All of them.
    pub const ALL: Self = Self { interior: true, visible: true, shadows: true, indirect: true };
    /// The interior alone.
    pub const INTERIOR: Self =
        Self { interior: true, visible: false, shadows: false, indirect: false };
}

impl Default for DerivativeOptions {
    fn default() -> Self {
        Self {
            spp: 64,
            seed: 0,
            key: 0,
            edge_samples: 64,
            shadow_spp: 16,
            shadow_points: 2,
            terms: Terms::ALL,
        }
    }
}

impl DerivativeOptions {
    pub(crate) fn draw(&self, camera: usize) -> Draw {
        Draw { seed: self.seed, key: self.key, camera }
    }
}
