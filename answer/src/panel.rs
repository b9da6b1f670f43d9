//! Images within a figure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// An image with a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Panel {
    /// Name above it.
    pub label: String,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// The PNG file, in base 64.
    pub png: String,
}

impl Panel {
    /// A panel of `width * height` pixels, row by row, sRGB.
    ///
    /// # Errors
    /// As [`encode_png`].
    pub fn new(label: &str, [width, height]: [u32; 2], pixels: &[[u8; 3]]) -> Result<Self, String> {
        let png = STANDARD.encode(encode_png([width, height], pixels)?);
        Ok(Self { label: label.into(), width, height, png })
    }
}

/// A PNG file of `width * height` pixels, row by row, sRGB.
///
/// # Errors
/// What the encoder says, such as a wrong number of pixels.
pub fn encode_png([width, height]: [u32; 2], pixels: &[[u8; 3]]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(|e| e.to_string())?;
    writer.write_image_data(pixels.as_flattened()).map_err(|e| e.to_string())?;
    writer.finish().map_err(|e| e.to_string())?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::{Panel, STANDARD, encode_png};

    #[test]
    fn a_panel_holds_the_pixels_that_it_was_given() {
        let pixels = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 9, 9], [1, 2, 3], [4, 5, 6]];
        let panel = Panel::new("a < b", [3, 2], &pixels).unwrap();
        let bytes = STANDARD.decode(&panel.png).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut back = vec![0; 18];
        reader.next_frame(&mut back).unwrap();
        assert_eq!(back, pixels.as_flattened());
        assert!(encode_png([3, 3], &pixels).is_err());
    }
}
