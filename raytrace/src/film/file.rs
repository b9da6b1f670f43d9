//! OpenEXR: linear radiance as it is.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::Image;
use crate::geometry::Rgb;

/// Why an image file cannot be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The file is missing, not an EXR file, or has no R, G and B channels.
    #[error("{}: {source}", path.display())]
    Exr {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: exr::error::Error,
    },
    /// A pixel is infinite or not a number.
    #[error("{}: the pixel in row {row}, column {column} is not finite", path.display())]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// Row from the top.
        row: usize,
        /// Column from the left.
        column: usize,
    },
}

/// Reads the first layer with R, G and B channels of an EXR file.
///
/// # Errors
/// [`ImageError`] where the file cannot be read or a pixel is not finite.
pub fn read_exr(path: &Path) -> Result<Image, ImageError> {
    type Pixels = (usize, Vec<Rgb>);
    let read = exr::prelude::read_first_rgba_layer_from_file(
        path,
        |size, _| -> Pixels { (size.width(), vec![Rgb::BLACK; size.area()]) },
        |pixels: &mut Pixels, at, (r, g, b, _): (f32, f32, f32, f32)| {
            pixels.1[at.y() * pixels.0 + at.x()] = Rgb([r, g, b].map(f64::from));
        },
    );
    let image = read.map_err(|source| ImageError::Exr { path: path.to_owned(), source })?;
    let size = image.layer_data.size;
    let (width, pixels) = image.layer_data.channel_data.pixels;
    if let Some(k) = pixels.iter().position(|p| !p.0.iter().all(|c| c.is_finite())) {
        let (row, column) = (k / width, k % width);
        return Err(ImageError::NotFinite { path: path.to_owned(), row, column });
    }
    Ok(Image { width, height: size.height(), pixels })
}

/// Writes an EXR file of 32-bit floats.
///
/// # Errors
/// [`ImageError::Exr`] where the file cannot be written.
#[expect(clippy::cast_possible_truncation, reason = "the format has 24 bits of mantissa")]
pub fn write_exr(path: &Path, image: &Image) -> Result<(), ImageError> {
    exr::prelude::write_rgb_file(path, image.width, image.height, |x, y| {
        let [r, g, b] = image.pixels[y * image.width + x].0.map(|c| c as f32);
        (r, g, b)
    })
    .map_err(|source| ImageError::Exr { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::{ImageError, read_exr, write_exr};
    use crate::film::Image;
    use crate::geometry::Rgb;

    #[test]
    fn an_image_comes_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.exr");
        let pixel = |r: usize, c: usize| Rgb([r as f64 * 0.25, c as f64 * 8.5, 0.125]);
        let image = Image::from_fn(5, 3, pixel);
        write_exr(&path, &image).unwrap();
        assert_eq!(read_exr(&path).unwrap(), image);
        let mut bad = image;
        bad.pixels[7].0[1] = f64::NAN;
        write_exr(&path, &bad).unwrap();
        assert!(matches!(read_exr(&path), Err(ImageError::NotFinite { row: 1, column: 2, .. })));
        std::fs::write(&path, "no image").unwrap();
        assert!(matches!(read_exr(&path), Err(ImageError::Exr { .. })));
        let missing = read_exr(&folder.path().join("b.exr")).unwrap_err().to_string();
        assert!(missing.contains("b.exr"), "{missing}");
    }
}
