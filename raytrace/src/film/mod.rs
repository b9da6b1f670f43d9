//! Images of linear radiance, and the files they are kept in.

mod exr;
mod picture;
mod png;
mod read;

pub use exr::write_exr;
pub use picture::{ImageError, Picture};
pub use png::write_png;
pub use read::read_picture;

use crate::geometry::Rgb;

/// An image of `height x width` pixels, row 0 at the top, linear RGB. A pixel is the mean over its area.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Pixels, row by row.
    pub pixels: Vec<Rgb>,
}

impl Image {
    /// A black image.
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![Rgb::BLACK; width * height] }
    }

    /// The image whose pixel at `(row, column)` is given by `f`.
    pub fn from_fn(width: usize, height: usize, f: impl Fn(usize, usize) -> Rgb) -> Self {
        let pixels = (0..width * height).map(|k| f(k / width, k % width)).collect();
        Self { width, height, pixels }
    }

    /// Sum over pixels and channels of the product with another image of the same size.
    ///
    /// # Panics
    /// Where the sizes differ.
    pub fn dot(&self, other: &Self) -> f64 {
        assert_eq!((self.width, self.height), (other.width, other.height), "images of one size");
        self.pixels.iter().zip(&other.pixels).map(|(a, b)| a.dot(*b)).sum()
    }
}
