//! Images within a figure: PNG inside SVG.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::Figure;

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

/// Width of a panel as drawn.
const PANEL: u32 = 380;
const GAP: u32 = 14;
const TITLE: u32 = 40;
const LABEL: u32 = 26;

/// The figure's panels, two in a row, with their labels.
pub(super) fn panels(figure: &Figure) -> String {
    let drawn_height = |p: &Panel| PANEL * p.height / p.width.max(1);
    let row_height = LABEL + figure.panels.iter().map(drawn_height).max().unwrap_or(0) + GAP;
    let rows = u32::try_from(figure.panels.len().div_ceil(2)).unwrap_or(u32::MAX);
    let (width, height) = (2 * PANEL + 3 * GAP, TITLE + rows * row_height);
    let mut svg = format!(
        "<svg width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         xmlns=\"http://www.w3.org/2000/svg\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"#FFFFFF\"/>\n\
         <text x=\"{}\" y=\"26\" text-anchor=\"middle\" font-family=\"sans-serif\" font-size=\"16\">{}</text>\n",
        width / 2,
        escape(&figure.title)
    );
    for (k, p) in (0_u32..).zip(&figure.panels) {
        let (x, y) = (GAP + (k % 2) * (PANEL + GAP), TITLE + (k / 2) * row_height);
        let _ = writeln!(
            svg,
            "<text x=\"{x}\" y=\"{}\" font-family=\"sans-serif\" font-size=\"14\">{}</text>\n\
             <image x=\"{x}\" y=\"{}\" width=\"{PANEL}\" height=\"{}\" style=\"image-rendering:pixelated\" \
             href=\"data:image/png;base64,{}\"/>\n\
             <rect x=\"{x}\" y=\"{}\" width=\"{PANEL}\" height=\"{}\" fill=\"none\" stroke=\"#A0A0A0\"/>",
            y + LABEL - 8,
            escape(&p.label),
            y + LABEL,
            drawn_height(p),
            p.png,
            y + LABEL,
            drawn_height(p)
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::{Panel, encode_png};
    use crate::plot::{Figure, draw};

    #[test]
    fn panels_stand_in_the_picture_as_png() {
        let pixels = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 9, 9], [1, 2, 3], [4, 5, 6]];
        let panel = Panel::new("a < b", [3, 2], &pixels).unwrap();
        let figure = Figure {
            name: "f".into(),
            title: "Two".into(),
            x_label: String::new(),
            y_label: String::new(),
            log_y: false,
            series: Vec::new(),
            panels: vec![panel.clone(), panel],
        };
        let svg = draw(&figure).unwrap();
        assert_eq!(svg.matches("data:image/png;base64,iVBOR").count(), 2);
        assert!(svg.contains("a &lt; b"));
        let bytes = encode_png([3, 2], &pixels).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut back = vec![0; 18];
        reader.next_frame(&mut back).unwrap();
        assert_eq!(back, pixels.as_flattened());
        assert!(encode_png([3, 3], &pixels).is_err());
    }
}
