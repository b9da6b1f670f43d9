//! Area lights: every face of a mesh that emits.

use std::f64::consts::PI;

use crate::geometry::{V3, id, length};
use crate::scene::{Face, Surface};

/// A light face is chosen at least so often as if its radiance were this part of the mean over all lights: a dark light has a
/// derivative by its radiance as well.
const LEAST_RADIANCE: f64 = 0.2;

/// A face that emits, and how often it is chosen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LightFace {
    pub(crate) face: u32,
    pub(crate) probability: f64,
    /// One over the probability.
    pub(crate) inverse: f64,
}

/// All faces that emit, chosen in proportion to area times radiance.
#[derive(Clone, Debug)]
pub(crate) struct Lights {
    pub(crate) faces: Vec<LightFace>,
    /// Probability of all faces before each, and of all: the last is 1.
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
        // (face, area, radiance) of every face of a light
        let emitting: Vec<(u32, f64, f64)> = faces
            .iter()
            .enumerate()
            .filter_map(|(k, f)| {
                let surface = &surfaces[f.mesh as usize];
                let [a, b, c] =
                    surface.tints(f).map_or([1.0; 3], |t| t.map(crate::geometry::Rgb::max_channel));
                let radiance = surface.emission?.max_channel() * (a + b + c) / 3.0;
                Some((id(k), length(f.normal) * PI * 0.5, radiance))
            })
            .collect();
        let area: f64 = emitting.iter().map(|f| f.1).sum();
        let mean = emitting.iter().map(|f| f.1 * f.2).sum::<f64>() / area;
        let least = if mean > 0.0 { LEAST_RADIANCE * mean } else { 1.0 };
        let power = |f: &(u32, f64, f64)| f.1 * f.2.max(least);
        let total: f64 = emitting.iter().map(power).sum();
        let mut sum = 0.0;
        let mut cumulative = vec![0.0];
        cumulative.extend(emitting.iter().map(|f| {
            sum += power(f) / total;
            sum
        }));
        cumulative[emitting.len()] = 1.0;
        let faces = emitting
            .iter()
            .map(|f| LightFace {
                face: f.0,
                probability: power(f) / total,
                inverse: total / power(f),
            })
            .collect();
        Self { faces, cumulative }
    }

    /// The light face of this number; `None` where it is no light.
    #[inline]
    pub(crate) fn of_face(&self, face: u32) -> Option<&LightFace> {
        self.faces.binary_search_by_key(&face, |l| l.face).ok().map(|k| &self.faces[k])
    }

    /// The point of `u` in the unit square; `None` without lights. Uniform over the area of the face that the first
    /// coordinate chooses.
    #[inline]
    pub(crate) fn sample(&self, u: [f64; 2]) -> Option<LightPoint> {
        let k = self.cumulative[1..].partition_point(|c| *c <= u[0]);
        let light = *self.faces.get(k)?;
        let within = ((u[0] - self.cumulative[k]) * light.inverse).clamp(0.0, 1.0);
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
