//! PNG: numbers of a display, made linear.
//!
//! Colours go through the inverse of the curve of sRGB (IEC 61966-2-1), or through the power that the file's gamma states. A
//! PNG's colours are not yet times its alpha: they are here.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;

use png::{BitDepth, ColorType, Decoder, Encoder, Transformations};

use super::picture::checked_size;
use super::{Image, ImageError, Picture};
use crate::geometry::Rgb;

/// The gamma that a file states beside or instead of sRGB.
const SRGB_GAMMA: f64 = 0.45455;

/// Linear light of a number in `[0, 1]` of sRGB.
fn linear(v: f64) -> f64 {
    if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
}

/// The number of sRGB for linear light.
fn display(c: f64) -> f64 {
    let c = c.clamp(0.0, 1.0);
    if c <= 0.003_130_8 { 12.92 * c } else { 1.055 * c.powf(1.0 / 2.4) - 0.055 }
}

pub(super) fn read(path: &Path) -> Result<Picture, ImageError> {
    let wrong = |why: String| ImageError::Png { path: path.to_owned(), why };
    let file =
        File::open(path).map_err(|source| ImageError::Read { path: path.to_owned(), source })?;
    let mut decoder = Decoder::new(BufReader::new(file));
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(|e| wrong(e.to_string()))?;
    let info = reader.info();
    let (width, height) = (info.width as usize, info.height as usize);
    checked_size(path, width, height)?;
    let gamma = info.gama_chunk.map(|g| f64::from(g.into_value()));
    let power = gamma
        .filter(|g| info.srgb.is_none() && *g > 0.0 && (g - SRGB_GAMMA).abs() > 1e-3)
        .map(f64::recip);
    let size = reader.output_buffer_size().ok_or_else(|| wrong("it is too large".into()))?;
    let mut bytes = vec![0; size];
    let frame = reader.next_frame(&mut bytes).map_err(|e| wrong(e.to_string()))?;
    let (channels, colours) = match frame.color_type {
        ColorType::Grayscale => (1, 1),
        ColorType::GrayscaleAlpha => (2, 1),
        ColorType::Rgb => (3, 3),
        ColorType::Rgba => (4, 3),
        ColorType::Indexed => return Err(wrong("its palette is missing".into())),
    };
    let numbers: Vec<f64> = match frame.bit_depth {
        BitDepth::Sixteen => bytes
            .chunks_exact(2)
            .map(|b| f64::from(u16::from_be_bytes([b[0], b[1]])) / 65535.0)
            .collect(),
        _ => bytes.iter().map(|b| f64::from(*b) / 255.0).collect(),
    };
    let light = |v: f64| power.map_or_else(|| linear(v), |p| v.powf(p));
    let pixels: Vec<&[f64]> = numbers.chunks_exact(channels).take(width * height).collect();
    let has_alpha = channels > colours;
    let pixel = |p: &&[f64]| {
        let alpha = if has_alpha { p[colours] } else { 1.0 };
        Rgb([0, 1, 2].map(|c| light(p[c.min(colours - 1)]) * alpha))
    };
    Ok(Picture {
        image: Image { width, height, pixels: pixels.iter().map(pixel).collect() },
        alpha: has_alpha.then(|| pixels.iter().map(|p| p[colours]).collect()),
    })
}

/// Writes a PNG file of 8 bits a channel in sRGB: radiance 1 is white, and so is more.
///
/// # Errors
/// [`ImageError::Png`] where the file cannot be written.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the argument is within [0, 255]"
)]
pub fn write_png(path: &Path, image: &Image) -> Result<(), ImageError> {
    let wrong = |why: String| ImageError::Png { path: path.to_owned(), why };
    let side = |n: usize| u32::try_from(n).map_err(|e| wrong(e.to_string()));
    let file = File::create(path).map_err(|e| wrong(e.to_string()))?;
    let mut encoder = Encoder::new(BufWriter::new(file), side(image.width)?, side(image.height)?);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_source_srgb(png::SrgbRenderingIntent::RelativeColorimetric);
    let bytes: Vec<u8> =
        image.pixels.iter().flat_map(|p| p.0.map(|c| (255.0 * display(c)).round() as u8)).collect();
    let mut writer = encoder.write_header().map_err(|e| wrong(e.to_string()))?;
    writer.write_image_data(&bytes).map_err(|e| wrong(e.to_string()))?;
    writer.finish().map_err(|e| wrong(e.to_string()))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::path::Path;

    use png::{BitDepth, ColorType, Encoder, ScaledFloat};

    use super::{linear, write_png};
    use crate::film::{Image, read_picture};
    use crate::geometry::Rgb;

    fn write(path: &Path, color: ColorType, depth: BitDepth, data: &[u8], gamma: Option<f32>) {
        let mut encoder = Encoder::new(File::create(path).unwrap(), 2, 1);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if color == ColorType::Indexed {
            encoder.set_palette(vec![0, 0, 0, 255, 0, 51]);
            encoder.set_trns(vec![255, 102]);
        }
        if let Some(gamma) = gamma {
            encoder.set_source_gamma(ScaledFloat::new(gamma));
        }
        encoder.write_header().unwrap().write_image_data(data).unwrap();
    }

    #[test]
    fn every_kind_of_pixel_becomes_linear_light_over_black() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let read = |color, depth, data: &[u8], gamma| {
            write(&path, color, depth, data, gamma);
            let picture = read_picture(&path).unwrap();
            (picture.image.pixels[1].0, picture.alpha.map(|a| a[1]))
        };
        let close = |(found, alpha): ([f64; 3], Option<f64>),
                     expected: [f64; 3],
                     a: Option<f64>| {
            assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-12), "{found:?}");
            assert_eq!(alpha, a);
        };
        // half of white in sRGB is 0.2140 of its light
        let half = linear(128.0 / 255.0);
        assert!((linear(0.5) - 0.214_041).abs() < 1e-6);
        let rgb = read(ColorType::Rgb, BitDepth::Eight, &[0, 0, 0, 255, 128, 0], None);
        close(rgb, [1.0, half, 0.0], None);
        close(read(ColorType::Grayscale, BitDepth::Eight, &[9, 128], None), [half; 3], None);
        let alpha = 51.0 / 255.0;
        let grey = read(ColorType::GrayscaleAlpha, BitDepth::Eight, &[9, 9, 255, 51], None);
        close(grey, [alpha; 3], Some(alpha));
        let deep = read(
            ColorType::Rgb,
            BitDepth::Sixteen,
            &[0, 0, 0, 0, 0, 0, 128, 0, 0, 0, 255, 255],
            None,
        );
        close(deep, [linear(32768.0 / 65535.0), 0.0, 1.0], None);
        let rgba = read(ColorType::Rgba, BitDepth::Eight, &[0, 0, 0, 0, 255, 128, 0, 51], None);
        close(rgba, [alpha, alpha * half, 0.0], Some(alpha));
        // two bits: pixel 0 is colour 0, pixel 1 is colour 1 of the palette
        let indexed = read(ColorType::Indexed, BitDepth::Eight, &[0, 1], None);
        close(indexed, [0.4, 0.0, 0.4 * linear(0.2)], Some(0.4));
        let plain = read(ColorType::Grayscale, BitDepth::Eight, &[9, 128], Some(1.0));
        close(plain, [128.0 / 255.0; 3], None);
    }

    #[test]
    fn what_is_written_comes_back_within_a_step() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b.png");
        let image = Image::from_fn(7, 3, |r, c| Rgb([r as f64 / 2.0, c as f64 / 6.0, 0.3]));
        write_png(&path, &image).unwrap();
        let back = read_picture(&path).unwrap().image;
        for (a, b) in back.pixels.iter().zip(&image.pixels) {
            for c in 0..3 {
                assert!((super::display(a.0[c]) - super::display(b.0[c])).abs() < 0.51 / 255.0);
            }
        }
        std::fs::write(&path, b"\x89PNG\r\n\x1a\nno more").unwrap();
        assert!(read_picture(&path).unwrap_err().to_string().contains("b.png"));
    }
}
