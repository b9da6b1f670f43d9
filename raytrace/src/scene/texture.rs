//! Textures: a colour at every point of the plane of texture coordinates, by bilinear interpolation between texels.
//!
//! Texel `(i, j)` of row `i` and column `j` stands at `u = (j + 1/2)/W`, `v = 1 - (i + 1/2)/H`, so that `(0, 0)` is the lower left
//! corner of the picture. Beyond its borders a texture goes on periodically. It is continuous; its slope jumps at texels.

use crate::film::Image;
use crate::geometry::Rgb;
use crate::scene::SceneError;

/// A picture that is laid over a mesh by its texture coordinates.
#[derive(Clone, Debug, PartialEq)]
pub struct Texture {
    image: Image,
}

/// A texture at a point.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Lookup {
    pub(crate) value: Rgb,
    /// Derivatives by `u` and `v`.
    pub(crate) slopes: [Rgb; 2],
    /// Texels with their weights.
    pub(crate) texels: [(u32, f64); 4],
}

impl Texture {
    /// The texture of an image, row 0 at the top.
    ///
    /// # Errors
    /// [`SceneError::Texture`] without pixels, or where one is negative or not finite.
    pub fn new(image: Image) -> Result<Self, SceneError> {
        let refuse = |why: String| Err(SceneError::Texture { why });
        if image.pixels.is_empty() || image.pixels.len() != image.width * image.height {
            return refuse("has no pixels, or not as many as its size says".into());
        }
        let fit = |p: &Rgb| p.0.iter().all(|c| c.is_finite() && *c >= 0.0);
        match image.pixels.iter().position(|p| !fit(p)) {
            None => Ok(Self { image }),
            Some(k) => refuse(format!(
                "has {:?} in row {}, column {}: colours are finite and not negative",
                image.pixels[k].0,
                k / image.width,
                k % image.width
            )),
        }
    }

    /// The picture.
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// Its value and slopes at texture coordinates.
    #[inline]
    pub(crate) fn at(&self, uv: [f64; 2]) -> Lookup {
        self.between(uv, cell((1.0 - uv[1]) * self.image.height as f64 - 0.5, self.image.height))
    }

    /// The same where the first row goes on above the picture, and the last below it.
    #[inline]
    pub(crate) fn at_bounded(&self, uv: [f64; 2]) -> Lookup {
        let h = self.image.height;
        let place = (1.0 - uv[1]) * h as f64 - 0.5;
        let (mut rows, y) = cell(place, h);
        if place < 0.0 {
            rows = [0, 0];
        } else if place >= h as f64 - 1.0 {
            rows = [h - 1, h - 1];
        }
        self.between(uv, (rows, y))
    }

    #[inline]
    fn between(&self, [u, _]: [f64; 2], (row, y): ([usize; 2], f64)) -> Lookup {
        let (w, h) = (self.image.width, self.image.height);
        let (column, x) = cell(u * w as f64 - 0.5, w);
        let index = |i: usize, j: usize| crate::geometry::id((row[i]) * w + column[j]);
        let weights = [(1.0 - y) * (1.0 - x), (1.0 - y) * x, y * (1.0 - x), y * x];
        let places = [index(0, 0), index(0, 1), index(1, 0), index(1, 1)];
        let [a, b, c, d] = places.map(|k| self.image.pixels[k as usize]);
        let value = a * weights[0] + b * weights[1] + c * weights[2] + d * weights[3];
        let along_u = ((b - a) * (1.0 - y) + (d - c) * y) * w as f64;
        let along_v = ((a - c) * (1.0 - x) + (b - d) * x) * h as f64;
        let texels = [0, 1, 2, 3].map(|k| (places[k], weights[k]));
        Lookup { value, slopes: [along_u, along_v], texels }
    }
}

/// The two neighbours of a place among `n` that repeat, and how far it is from the first to the second.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a remainder by a small count; a coordinate beyond all counts has no texel anyway"
)]
fn cell(place: f64, n: usize) -> ([usize; 2], f64) {
    let floor = place.floor();
    let first = (floor.rem_euclid(n as f64) as usize).min(n - 1);
    ([first, if first + 1 == n { 0 } else { first + 1 }], place - floor)
}

#[cfg(test)]
mod tests {
    use super::Texture;
    use crate::film::Image;
    use crate::geometry::Rgb;

    #[test]
    fn texels_stand_where_the_picture_has_them_and_slopes_are_differences() {
        let image = Image::from_fn(3, 2, |r, c| Rgb([r as f64, c as f64, (r * c) as f64 + 0.5]));
        let texture = Texture::new(image.clone()).unwrap();
        for r in 0..2 {
            for c in 0..3 {
                let uv = [(c as f64 + 0.5) / 3.0, 0.75 - r as f64 / 2.0];
                for shift in [0.0, 1.0, -2.0] {
                    let found = texture.at([uv[0] + shift, uv[1] - shift]).value;
                    let right = image.pixels[r * 3 + c];
                    assert!((found - right).0.iter().all(|e| e.abs() < 1e-12), "{found:?}");
                }
            }
        }
        for uv in [[0.31, 0.62], [0.95, 0.03], [-0.4, 3.3]] {
            let h = 1e-6;
            for axis in 0..2 {
                let at = |h: f64| {
                    let mut there = uv;
                    there[axis] += h;
                    texture.at(there).value
                };
                let difference = (at(h) - at(-h)) * (0.5 / h);
                let error = texture.at(uv).slopes[axis] - difference;
                assert!(error.0.iter().all(|e| e.abs() < 1e-8), "{error:?}");
            }
        }
        assert!(Texture::new(Image::new(0, 0)).is_err());
        assert!(Texture::new(Image::from_fn(1, 1, |_, _| Rgb([f64::NAN; 3]))).is_err());
    }
}
