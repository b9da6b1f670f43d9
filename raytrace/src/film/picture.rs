//! Pictures from files of any kind that is understood.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{Image, exr, png};

/// Most pixels of a picture: more than any camera has, fewer than a header may claim.
pub(super) const MOST_PIXELS: usize = 1 << 28;

/// A picture: linear radiance, and what part of each pixel it covers.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// The light of what is shown, over black: where a pixel is covered in part, already times that part.
    pub image: Image,
    /// The covered part of each pixel, row by row; `None` where the file says nothing about it. It can serve as a mask.
    pub alpha: Option<Vec<f64>>,
}

/// Why an image file cannot be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The file cannot be opened.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// The file is of a kind that is not read.
    #[error("{}: {what}", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// What it is, and what to do.
        what: &'static str,
    },
    /// The EXR file is broken, or cannot be written.
    #[error("{}: {source}", path.display())]
    Exr {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: ::exr::error::Error,
    },
    /// The EXR file has no channels that are a colour.
    #[error("{}: there are no channels R, G and B, nor Y alone; there are: {found}", path.display())]
    Channels {
        /// The file.
        path: PathBuf,
        /// Names of its channels.
        found: String,
    },
    /// The PNG file is broken, or cannot be written.
    #[error("{}: {why}", path.display())]
    Png {
        /// The file.
        path: PathBuf,
        /// The reason.
        why: String,
    },
    /// The picture has no pixels, or more than memory holds.
    #[error("{}: a picture of {width} x {height} pixels", path.display())]
    Size {
        /// The file.
        path: PathBuf,
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
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

/// Reads a picture: OpenEXR as linear radiance, PNG by the curve of sRGB, or by the gamma that the file states.
///
/// # Errors
/// [`ImageError`] where the file cannot be read, is of another kind, or holds a pixel that is not finite.
pub fn read_picture(path: &Path) -> Result<Picture, ImageError> {
    let mut start = [0; 8];
    let failed = |source| ImageError::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    let mut length = 0;
    while length < start.len() {
        match file.read(&mut start[length..]).map_err(failed)? {
            0 => break,
            n => length += n,
        }
    }
    let kind = |what| Err(ImageError::Kind { path: path.to_owned(), what });
    let picture = match &start[..length] {
        [0x76, 0x2f, 0x31, 0x01, ..] => exr::read(path)?,
        [0x89, b'P', b'N', b'G', ..] => png::read(path)?,
        [0xff, 0xd8, 0xff, ..] => {
            return kind(
                "this is a JPEG file: its colours are changed by a lossy code and often by the camera. Save the picture as \
                 PNG, or better develop it to linear EXR",
            );
        }
        [b'G', b'I', b'F', b'8', ..] | [b'B', b'M', ..] | [b'R', b'I', b'F', b'F', ..] => {
            return kind("this is a GIF, BMP or WebP file; save the picture as PNG or EXR");
        }
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => {
            return kind("this is a TIFF or raw file; save the picture as PNG or EXR");
        }
        _ => return kind("this is neither an EXR nor a PNG file"),
    };
    let Picture { image, alpha } = &picture;
    let finite = |k: usize| {
        image.pixels[k].0.iter().all(|c| c.is_finite())
            && alpha.as_ref().is_none_or(|a| a[k].is_finite())
    };
    if let Some(k) = (0..image.pixels.len()).find(|k| !finite(*k)) {
        let (row, column) = (k / image.width, k % image.width);
        return Err(ImageError::NotFinite { path: path.to_owned(), row, column });
    }
    Ok(picture)
}

/// Whether a picture of this size can be held.
pub(super) fn checked_size(path: &Path, width: usize, height: usize) -> Result<(), ImageError> {
    let fits = width.checked_mul(height).is_some_and(|n| n > 0 && n <= MOST_PIXELS);
    if fits { Ok(()) } else { Err(ImageError::Size { path: path.to_owned(), width, height }) }
}

#[cfg(test)]
mod tests {
    use super::read_picture;

    #[test]
    fn a_file_of_another_kind_is_told_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let why = |bytes: &[u8]| {
            let path = folder.path().join("p");
            std::fs::write(&path, bytes).unwrap();
            read_picture(&path).unwrap_err().to_string()
        };
        assert!(why(&[0xff, 0xd8, 0xff, 0xe0, 0, 16]).contains("JPEG"));
        assert!(why(b"no image").contains("neither an EXR nor a PNG"));
        assert!(why(b"").contains("neither"));
        assert!(why(b"MM\0\x2a").contains("TIFF"));
        let missing = read_picture(&folder.path().join("b.exr")).unwrap_err().to_string();
        assert!(missing.contains("b.exr"), "{missing}");
    }
}
