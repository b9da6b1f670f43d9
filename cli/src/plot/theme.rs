//! Sizes, colours and fonts of figures, for light and dark pages.

use std::fmt::Write as _;

use plotters::prelude::*;

use super::escape;

/// Size of a figure in pixels; every row of the legend but the first adds to its height.
pub(super) const WIDTH: u32 = 480;
pub(super) const HEIGHT: u32 = 320;
/// Units of the canvas to a pixel.
pub(super) const UNITS: u32 = 100;
/// Heights of the title and of a row of the legend, in pixels.
pub(super) const TITLE: u32 = 34;
pub(super) const LEGEND_ROW: u32 = 17;
/// About the width in pixels of a character of the legend, whose font is the viewer's.
pub(super) const CHARACTER: usize = 7;
/// Characters of the title in a row.
pub(super) const TITLE_ROW: usize = 56;
/// Most numbers along the y axis.
pub(super) const Y_TICKS: usize = 6;
/// The most ticks of a linear x axis.
pub(super) const X_TICKS: usize = 7;
pub(super) const FONT: &str = "system-ui,sans-serif";

pub(super) const PAPER: RGBColor = RGBColor(255, 255, 255);
pub(super) const INK: RGBColor = RGBColor(27, 31, 36);
pub(super) const SOFT: RGBColor = RGBColor(87, 96, 106);
pub(super) const GRID: RGBColor = RGBColor(227, 230, 234);
pub(super) const AXIS: RGBColor = RGBColor(139, 148, 158);
pub(super) const GREY_LINE: RGBColor = RGBColor(106, 115, 125);
pub(super) const GREY_AREA: RGBColor = RGBColor(213, 217, 222);

/// Colours of series that differ for all eyes (after Okabe & Ito).
pub(super) const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 100, 176),
    RGBColor(200, 80, 10),
    RGBColor(0, 130, 95),
    RGBColor(168, 69, 125),
    RGBColor(138, 103, 0),
    RGBColor(91, 95, 199),
];

/// Each colour on a light page with what stands in its place on a dark one.
pub(super) const DARK: [(RGBColor, &str); 13] = [
    (PAPER, "#15191e"),
    (INK, "#e4e8ec"),
    (SOFT, "#a9b2bb"),
    (GRID, "#2c333b"),
    (AXIS, "#6e7781"),
    (GREY_LINE, "#98a1aa"),
    (GREY_AREA, "#3a424b"),
    (COLOURS[0], "#6cb8f5"),
    (COLOURS[1], "#f79a5b"),
    (COLOURS[2], "#4fcf9f"),
    (COLOURS[3], "#e7a3cb"),
    (COLOURS[4], "#e8c14a"),
    (COLOURS[5], "#b3b5ff"),
];

/// The beginning of a picture of this height in pixels with `units` units to a pixel: size, name, colours of a dark page.
pub(super) fn open(title: &str, height: u32, units: u32) -> String {
    let mut dark = String::new();
    for (light, dark_hex) in DARK {
        let hex = hex(light);
        let _ = write!(
            dark,
            ".ct [fill=\"{hex}\"]{{fill:{dark_hex}}}.ct [stroke=\"{hex}\"]{{stroke:{dark_hex}}}"
        );
    }
    format!(
        "<svg class=\"ct\" viewBox=\"0 0 {} {}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\" \
         xmlns=\"http://www.w3.org/2000/svg\" font-family=\"{FONT}\">\n<title>{}</title>\n\
         <style>@media (prefers-color-scheme:dark){{{dark}}}</style>\n",
        WIDTH * units,
        height * units,
        escape(title)
    )
}

fn hex(RGBColor(r, g, b): RGBColor) -> String {
    format!("#{r:02X}{g:02X}{b:02X}")
}

/// So many pixels in units of the canvas.
#[expect(clippy::cast_possible_truncation, reason = "a few thousand pixels")]
pub(super) fn units(pixels: f64) -> i32 {
    (pixels * f64::from(UNITS)).round() as i32
}

/// What the backend makes a pixel of a font of; it divides sizes by 1.24.
pub(super) const FONT_UNITS: f64 = UNITS as f64 * 1.24;

pub(super) fn text(size: f64, colour: &RGBColor) -> TextStyle<'_> {
    TextStyle::from((FONT, FONT_UNITS * size)).color(colour)
}
