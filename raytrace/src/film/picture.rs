//! What a file of a picture holds, whatever its format, and why it may not be read.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::Image;

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

/// Whether a picture of this size can be held.
pub(super) fn checked_size(path: &Path, width: usize, height: usize) -> Result<(), ImageError> {
    let fits = width.checked_mul(height).is_some_and(|n| n > 0 && n <= MOST_PIXELS);
    if fits { Ok(()) } else { Err(ImageError::Size { path: path.to_owned(), width, height }) }
}
