//! Area lights: every face of a mesh that emits.

use std::f64::consts::PI;

use crate::geometry::{V3, id, length};
use crate::scene::{Face, Surface};

/// A face that emits, and how often it is chosen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LightFace {
    pub(crate) face: u32,
    pub(crate) probability: f64,
}

/// All faces that emit, chosen in proportion to area times radiance.
#[derive(Clone, Debug)]
pub(crate) struct Lights {
    pub(crate) faces: Vec<LightFace>,
    /// Cumulative probabilities; the last is 1.
    cumulative: Vec<f64>,
}

/// A point on a light.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LightPoint {
    pub(crate) light: LightFace,
    pub(crate) barycentric: [f64; 3],
}

impl Lights {
    pub(crate) fn new(faces: &[Face], surfaces: &[Surface]) -> Self {
        let power = |f: &Face| {
            length(f.normal) * surfaces[f.mesh as usize].emission.max_channel() * PI * 0.5
        };
        let emitting: Vec<(u32, f64)> = faces
            .iter()
            .enumerate()
            .map(|(k, f)| (id(k), power(f)))
            .filter(|f| f.1 > 0.0)
            .collect();
        let total: f64 = emitting.iter().map(|f| f.1).sum();
        let mut sum = 0.0;
        let mut cumulative: Vec<f64> = emitting
            .iter()
            .map(|f| {
                sum += f.1 / total;
                sum
            })
            .collect();
        if let Some(last) = cumulative.last_mut() {
            *last = 1.0;
        }
        let faces =
            emitting.iter().map(|f| LightFace { face: f.0, probability: f.1 / total }).collect();
        Self { faces, cumulative }
    }

    /// The point of `u` in the unit square; `None` without lights. Uniform over the area of the face that the first
    /// coordinate chooses.
    #[inline]
    pub(crate) fn sample(&self, u: [f64; 2]) -> Option<LightPoint> {
        let k = self.cumulative.partition_point(|c| *c <= u[0]);
        let light = *self.faces.get(k)?;
        let below = if k == 0 { 0.0 } else { self.cumulative[k - 1] };
        let within = ((u[0] - below) / (self.cumulative[k] - below)).clamp(0.0, 1.0);
        let root = within.sqrt();
        let barycentric = [1.0 - root, root * (1.0 - u[1]), root * u[1]];
        Some(LightPoint { light, barycentric })
    }
}

/// The point with these barycentric coordinates.
#[inline]
pub(crate) fn at(corners: [V3; 3], b: [f64; 3]) -> V3 {
    corners[0] * b[0] + corners[1] * b[1] + corners[2] * b[2]
}
