//! Light from infinitely far away, from all directions.
//!
//! A picture is laid around the scene by longitude and latitude: its middle column is seen along `-z`, columns to the right
//! towards `+x`, its first row up along `+y`. Between texels it is bilinear. Directions are drawn from its texels in
//! proportion to the light around them.

use std::f64::consts::{FRAC_1_PI, PI};
use std::sync::Arc;

use cotangent_ad::{Mat3, Quat, Vec3};

use super::texture::{Lookup, Texture};
use crate::geometry::{Rgb, V3};

/// A texel is drawn at least so often as if its light were this part of the mean: what is dark has a derivative as well.
const LEAST_RADIANCE: f64 = 0.1;

/// Light from all around.
#[derive(Clone, Debug, PartialEq)]
pub struct Environment {
    /// Factor of the picture.
    pub radiance: Rgb,
    /// Turns the picture about the origin: rotation vector, radians.
    pub rotation: [f64; 3],
    /// The picture, of all directions.
    pub picture: Arc<Texture>,
}

impl Environment {
    /// The same light from everywhere.
    ///
    /// # Panics
    /// Never: a white pixel is a texture.
    pub fn constant(radiance: Rgb) -> Self {
        let white = crate::film::Image { width: 1, height: 1, pixels: vec![Rgb::WHITE] };
        let picture = Texture::new(white).expect("a white pixel is a texture");
        Self { radiance, rotation: [0.0; 3], picture: Arc::new(picture) }
    }

    /// The light of a picture.
    pub fn new(picture: Texture) -> Self {
        Self { radiance: Rgb::WHITE, rotation: [0.0; 3], picture: Arc::new(picture) }
    }
}

/// The environment made ready for sampling.
#[derive(Clone, Debug)]
pub(crate) struct Sky {
    pub(crate) radiance: Rgb,
    picture: Arc<Texture>,
    /// From the picture's coordinates to the world's.
    turn: Mat3<f64>,
    /// Probabilities of the texels, summed up; the last is 1.
    cumulative: Vec<f64>,
}

/// The sky in a direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SkyLookup {
    pub(crate) lookup: Lookup,
    /// Derivatives of the texture coordinates by the direction, across it.
    slopes: [V3; 2],
}

impl Sky {
    pub(super) fn new(environment: &Environment) -> Self {
        let image = environment.picture.image();
        let (w, h) = (image.width, image.height);
        let light = |i: usize, j: usize| image.pixels[i * w + j].max_channel();
        // bilinear values within a texel's cell are between those of its neighbours
        let around = |i: usize, j: usize| {
            let rows = [i.saturating_sub(1), i, (i + 1).min(h - 1)];
            let columns = [(j + w - 1) % w, j, (j + 1) % w];
            rows.iter().flat_map(|r| columns.map(|c| light(*r, c))).sum::<f64>() / 9.0
        };
        let mean = (0..w * h).map(|k| around(k / w, k % w)).sum::<f64>() / (w * h) as f64;
        let least = if mean > 0.0 { LEAST_RADIANCE * mean } else { 1.0 };
        let powers: Vec<f64> = (0..w * h)
            .map(|k| around(k / w, k % w).max(least) * solid_angle(k / w, h, w))
            .collect();
        let total: f64 = powers.iter().sum();
        let mut sum = 0.0;
        let mut cumulative: Vec<f64> = powers
            .iter()
            .map(|p| {
                sum += p / total;
                sum
            })
            .collect();
        if let Some(last) = cumulative.last_mut() {
            *last = 1.0;
        }
        Self {
            radiance: environment.radiance,
            picture: Arc::clone(&environment.picture),
            turn: Quat::exp(Vec3(environment.rotation)).to_mat(),
            cumulative,
        }
    }

    fn size(&self) -> (usize, usize) {
        (self.picture.image().width, self.picture.image().height)
    }

    /// Texture coordinates of a unit vector.
    fn coordinates(local: V3) -> [f64; 2] {
        let longitude = local[0].atan2(-local[2]);
        [0.5 + 0.5 * longitude * FRAC_1_PI, 1.0 - local[1].clamp(-1.0, 1.0).acos() * FRAC_1_PI]
    }

    /// The picture in the direction of the unit vector `d`.
    pub(crate) fn at(&self, d: V3) -> SkyLookup {
        let local = self.turn.transpose() * d;
        let lookup = self.picture.at_bounded(Self::coordinates(local));
        let across = local[0] * local[0] + local[2] * local[2];
        let slopes = if across > 1e-24 {
            let by_longitude = V3::from([-local[2], 0.0, local[0]]) * (0.5 * FRAC_1_PI / across);
            let up = V3::unit(1) - local * local[1];
            [self.turn * by_longitude, self.turn * up * (FRAC_1_PI / across.sqrt())]
        } else {
            [V3::zero(); 2] // at the poles all columns meet
        };
        SkyLookup { lookup, slopes }
    }

    /// Radiance from the direction of the unit vector `d`.
    pub(crate) fn light(&self, d: V3) -> Rgb {
        self.radiance * self.at(d).lookup.value
    }

    fn probability(&self, texel: usize) -> f64 {
        let below = if texel == 0 { 0.0 } else { self.cumulative[texel - 1] };
        self.cumulative[texel] - below
    }

    /// A direction for `u` in the unit square.
    pub(crate) fn sample(&self, u: [f64; 2]) -> V3 {
        let (w, h) = self.size();
        let k = self.cumulative.partition_point(|c| *c <= u[0]).min(self.cumulative.len() - 1);
        let below = if k == 0 { 0.0 } else { self.cumulative[k - 1] };
        let within = ((u[0] - below) / (self.cumulative[k] - below)).clamp(0.0, 1.0);
        let (row, column) = (k / w, k % w);
        let longitude = ((column as f64 + within) / w as f64 - 0.5) * 2.0 * PI;
        let [top, bottom] = [row, row + 1].map(|r| (PI * r as f64 / h as f64).cos());
        let y = top + (bottom - top) * u[1];
        let across = (1.0 - y * y).max(0.0).sqrt();
        let local = V3::from([across * longitude.sin(), y, -across * longitude.cos()]);
        self.turn * local
    }

    /// Density of [`Self::sample`] by solid angle.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "coordinates within the picture; the cast drops the fraction on purpose"
    )]
    pub(crate) fn density(&self, d: V3) -> f64 {
        let (w, h) = self.size();
        let [u, v] = Self::coordinates(self.turn.transpose() * d);
        let column = ((u * w as f64) as usize).min(w - 1);
        let row = (((1.0 - v) * h as f64) as usize).min(h - 1);
        self.probability(row * w + column) / solid_angle(row, h, w)
    }
}

impl SkyLookup {
    /// Derivatives by the direction for the cotangent of the picture's value.
    pub(crate) fn by_direction(&self, bar: Rgb) -> V3 {
        let [u, v] = self.lookup.slopes.map(|s| s.dot(bar));
        self.slopes[0] * u + self.slopes[1] * v
    }
}

/// Solid angle of a texel of row `i` of `h`, with `w` of them.
fn solid_angle(i: usize, h: usize, w: usize) -> f64 {
    let [top, bottom] = [i, i + 1].map(|r| (PI * r as f64 / h as f64).cos());
    (top - bottom) * 2.0 * PI / w as f64
}

#[cfg(test)]
mod tests {
    use cotangent_ad::random::Stream;

    use super::{Environment, Sky};
    use crate::film::Image;
    use crate::geometry::{Rgb, V3, unit};
    use crate::scene::Texture;

    fn sky() -> Sky {
        let image = Image::from_fn(8, 5, |r, c| Rgb([(r * c) as f64, 0.3, r as f64]));
        let mut environment = Environment::new(Texture::new(image).unwrap());
        environment.rotation = [0.3, -0.8, 0.2];
        Sky::new(&environment)
    }

    #[test]
    fn directions_are_drawn_with_their_density() {
        let sky = sky();
        // the mean of 1/density over drawn directions is the sphere's solid angle; of f/density the integral of f
        let stream = Stream::new(&[4]);
        let n = 20_000_u64;
        let (mut area, mut above) = (0.0, 0.0);
        for k in 0..n {
            let d = sky.sample([stream.uniform(2 * k), stream.uniform(2 * k + 1)]);
            assert!((d.norm_squared() - 1.0).abs() < 1e-12);
            let inverse = sky.density(d).recip() / n as f64;
            area += inverse;
            above += inverse * d[0].max(0.0);
        }
        let pi = std::f64::consts::PI;
        assert!((area - 4.0 * pi).abs() < 0.15, "{area}");
        assert!((above - pi).abs() < 0.1, "{above}");
    }

    #[test]
    fn the_slope_by_direction_is_a_difference() {
        let sky = sky();
        for d in [[0.3, 0.5, -0.8], [-0.6, -0.2, 0.4], [0.1, 0.9, 0.3]] {
            let d = unit(V3::from(d));
            let weights = Rgb([1.0, 0.7, -0.4]);
            let bar = sky.at(d).by_direction(weights);
            for k in 0..3 {
                let side = V3::unit(k) - d * d[k];
                let h = 1e-6;
                let at = |h: f64| sky.at(unit(d + side * h)).lookup.value.dot(weights);
                let difference = (at(h) - at(-h)) / (2.0 * h);
                assert!((bar.dot(side) - difference).abs() < 1e-6, "{bar:?}");
            }
        }
    }
}
