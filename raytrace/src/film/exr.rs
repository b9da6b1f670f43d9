//! OpenEXR: linear radiance as it is.
//!
//! Colours of an EXR file are already times its alpha, as ours are. The file keeps the pixels of its data window; the picture is
//! that of the display window, black where there are no data.

use std::path::Path;

use exr::prelude::{AnyChannels, FlatSamples, Layer, ReadChannels, ReadLayers};

use super::picture::checked_size;
use super::{Image, ImageError, Picture};
use crate::geometry::Rgb;

/// Channels of one layer that are a colour: indices into its list.
struct Colour {
    layer: usize,
    rgb: [usize; 3],
    alpha: Option<usize>,
    /// Part of the channels' names in front of `R`, `G` and `B`.
    prefix: String,
}

pub(super) fn read(path: &Path) -> Result<Picture, ImageError> {
    let failed = |source| ImageError::Exr { path: path.to_owned(), source };
    let image = exr::prelude::read()
        .no_deep_data()
        .largest_resolution_level()
        .all_channels()
        .all_layers()
        .all_attributes()
        .from_file(path)
        .map_err(failed)?;
    let window = image.attributes.display_window;
    let (width, height) = (window.size.width(), window.size.height());
    checked_size(path, width, height)?;
    let Some(colour) = colour(&image.layer_data) else {
        let found = names(&image.layer_data);
        return Err(ImageError::Channels { path: path.to_owned(), found });
    };
    let layer = &image.layer_data[colour.layer];
    let plane = |k: usize| -> Vec<f64> {
        layer.channel_data.list[k].sample_data.values_as_f32().map(f64::from).collect()
    };
    let planes = colour.rgb.map(plane);
    let alpha_plane = colour.alpha.map(plane);
    let mut picture = Picture {
        image: Image::new(width, height),
        alpha: alpha_plane.as_ref().map(|_| vec![0.0; width * height]),
    };
    let position = layer.attributes.layer_position - window.position;
    let within = |k: usize, shift: i32, size: usize| {
        i64::try_from(k)
            .ok()
            .and_then(|k| usize::try_from(k + i64::from(shift)).ok())
            .filter(|k| *k < size)
    };
    for y in 0..layer.size.height() {
        let Some(row) = within(y, position.y(), height) else { continue };
        for x in 0..layer.size.width() {
            let Some(column) = within(x, position.x(), width) else { continue };
            let (from, to) = (y * layer.size.width() + x, row * width + column);
            picture.image.pixels[to] = Rgb([0, 1, 2].map(|c| planes[c][from]));
            if let (Some(alpha), Some(plane)) = (&mut picture.alpha, &alpha_plane) {
                alpha[to] = plane[from];
            }
        }
    }
    Ok(picture)
}

/// The channels that are the picture: R, G and B without a prefix where a layer has them, or of the first layer that
/// has them with one, or Y alone as grey.
fn colour(layers: &[Layer<AnyChannels<FlatSamples>>]) -> Option<Colour> {
    let mut found: Vec<Colour> = Vec::new();
    for (layer, of) in layers.iter().enumerate() {
        let names: Vec<String> = of.channel_data.list.iter().map(|c| c.name.to_string()).collect();
        let full_size = |k: &usize| of.channel_data.list[*k].sample_data.len() == of.size.area();
        let index = |name: String| names.iter().position(|n| *n == name).filter(full_size);
        for name in &names {
            let (prefix, last) = name.rsplit_once('.').map_or(("", name.as_str()), |(p, l)| (p, l));
            let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}.") };
            let alpha = index(format!("{prefix}A"));
            let rgb = match last {
                "R" => [
                    index(format!("{prefix}R")),
                    index(format!("{prefix}G")),
                    index(format!("{prefix}B")),
                ],
                "Y" if index(format!("{prefix}RY")).or(index(format!("{prefix}BY"))).is_none()
                    && !names.iter().any(|n| *n == format!("{prefix}RY")) =>
                {
                    // grey, unless it is one of X, Y and Z
                    let grey = index(format!("{prefix}Y"))
                        .filter(|_| !names.iter().any(|n| *n == format!("{prefix}X")));
                    [grey; 3]
                }
                _ => continue,
            };
            if let [Some(r), Some(g), Some(b)] = rgb {
                found.push(Colour { layer, rgb: [r, g, b], alpha, prefix });
            }
        }
    }
    let grey = |c: &Colour| c.rgb[0] == c.rgb[1];
    // stable: of equal ones the first of the file
    found.sort_by_key(|c| (grey(c), !c.prefix.is_empty()));
    found.into_iter().next()
}

/// Names of all channels, with their layers'.
fn names(layers: &[Layer<AnyChannels<FlatSamples>>]) -> String {
    let of = |layer: &Layer<AnyChannels<FlatSamples>>| -> Vec<String> {
        let prefix = match &layer.attributes.layer_name {
            Some(name) => format!("{name}: "),
            None => String::new(),
        };
        layer.channel_data.list.iter().map(|c| format!("{prefix}{}", c.name)).collect()
    };
    layers.iter().flat_map(of).collect::<Vec<_>>().join(", ")
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
    use std::path::Path;

    use exr::prelude::{
        AnyChannel, AnyChannels, Encoding, FlatSamples, ImageAttributes, IntegerBounds, Layer,
        LayerAttributes, WritableImage,
    };

    use super::write_exr;
    use crate::film::{Image, ImageError, read_picture};
    use crate::geometry::Rgb;

    #[test]
    fn an_image_comes_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.exr");
        let pixel = |r: usize, c: usize| Rgb([r as f64 * 0.25, c as f64 * 8.5, 0.125]);
        let image = Image::from_fn(5, 3, pixel);
        write_exr(&path, &image).unwrap();
        assert_eq!(read_picture(&path).unwrap().image, image);
        let mut bad = image;
        bad.pixels[7].0[1] = f64::NAN;
        write_exr(&path, &bad).unwrap();
        assert!(matches!(
            read_picture(&path),
            Err(ImageError::NotFinite { row: 1, column: 2, .. })
        ));
        std::fs::write(&path, b"\x76\x2f\x31\x01 and nothing").unwrap();
        assert!(matches!(read_picture(&path), Err(ImageError::Exr { .. })));
    }

    /// Writes planes of constant value `k + 1`, `2 x 2` pixels at `(1, 1)` of a display of `4 x 3`.
    fn write(path: &Path, channels: &[&str]) {
        let list = channels
            .iter()
            .enumerate()
            .map(|(k, name)| AnyChannel::new(*name, FlatSamples::F32(vec![k as f32 + 1.0; 4])));
        let layer = Layer::new(
            (2, 2),
            LayerAttributes { layer_position: (1, 1).into(), ..LayerAttributes::default() },
            Encoding::UNCOMPRESSED,
            AnyChannels::sort(list.collect()),
        );
        let display = IntegerBounds::new((0, 0), (4, 3));
        let image = exr::prelude::Image::new(ImageAttributes::new(display), layer);
        image.write().to_file(path).unwrap();
    }

    #[test]
    fn the_data_window_stands_within_the_display_and_alpha_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b.exr");
        write(&path, &["R", "G", "B", "A"]);
        let picture = read_picture(&path).unwrap();
        assert_eq!([picture.image.width, picture.image.height], [4, 3]);
        let alpha = picture.alpha.unwrap();
        for (k, pixel) in picture.image.pixels.iter().enumerate() {
            let inside = (1..3).contains(&(k % 4)) && (1..3).contains(&(k / 4));
            let expected = if inside { [1.0, 2.0, 3.0] } else { [0.0; 3] };
            assert_eq!((pixel.0, alpha[k]), (expected, if inside { 4.0 } else { 0.0 }));
        }
    }

    #[test]
    fn layers_and_grey_are_read_and_other_channels_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.exr");
        let read = |channels: &[&str]| {
            write(&path, channels);
            read_picture(&path).map(|p| p.image.pixels[5].0)
        };
        assert_eq!(
            read(&["Combined.R", "Combined.G", "Combined.B", "Depth.Z"]).unwrap(),
            [1.0, 2.0, 3.0]
        );
        assert_eq!(read(&["mist.Y", "R", "G", "B"]).unwrap(), [2.0, 3.0, 4.0]);
        assert_eq!(read(&["Y"]).unwrap(), [1.0; 3]);
        let refused = read(&["X", "Y", "Z"]).unwrap_err().to_string();
        assert!(refused.ends_with("there are: X, Y, Z"), "{refused}");
        let refused = read(&["Y", "RY", "BY"]).unwrap_err().to_string();
        assert!(refused.ends_with("there are: BY, RY, Y"), "{refused}");
    }
}
