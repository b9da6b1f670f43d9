//! Pictures from files of any kind that is understood.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::picture::{ImageError, Picture};
use super::{exr, png};

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
