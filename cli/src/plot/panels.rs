//! Images within a figure: PNG inside SVG.

use std::fmt::Write as _;

use super::theme::open;
use super::{Figure, Panel, escape};

/// Width of a panel as drawn.
const PANEL: u32 = 226;
const GAP: u32 = 9;
const TITLE: u32 = 34;
const LABEL: u32 = 22;

/// The figure's panels, two in a row, with their labels.
pub(super) fn panels(figure: &Figure) -> String {
    let drawn_height = |p: &Panel| PANEL * p.height / p.width.max(1);
    let row_height = LABEL + figure.panels.iter().map(drawn_height).max().unwrap_or(0) + GAP;
    let rows = u32::try_from(figure.panels.len().div_ceil(2)).unwrap_or(u32::MAX);
    let mut svg = open(&figure.title, TITLE + rows * row_height, 1);
    let _ = writeln!(
        svg,
        "<rect width=\"100%\" height=\"100%\" fill=\"#FFFFFF\"/>\n\
         <text fill=\"#1B1F24\" x=\"12\" y=\"22\" font-size=\"14.5\" font-weight=\"bold\">{}</text>",
        escape(&figure.title)
    );
    for (k, p) in (0_u32..).zip(&figure.panels) {
        let (x, y) = (GAP + (k % 2) * (PANEL + GAP), TITLE + (k / 2) * row_height);
        let (top, height) = (y + LABEL, drawn_height(p));
        let _ = writeln!(
            svg,
            "<text fill=\"#1B1F24\" x=\"{x}\" y=\"{}\" font-size=\"12\">{}</text>\n\
             <image x=\"{x}\" y=\"{top}\" width=\"{PANEL}\" height=\"{height}\" style=\"image-rendering:pixelated\" \
             href=\"data:image/png;base64,{}\"/>\n\
             <rect x=\"{x}\" y=\"{top}\" width=\"{PANEL}\" height=\"{height}\" fill=\"none\" stroke=\"#8B949E\" \
             stroke-width=\"0.6\"/>",
            y + LABEL - 7,
            escape(&p.label),
            p.png,
        );
    }
    svg + "</svg>\n"
}

#[cfg(test)]
mod tests {
    use crate::plot::{Figure, Panel, draw};

    #[test]
    fn panels_stand_in_the_picture_as_png() {
        let pixels = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 9, 9], [1, 2, 3], [4, 5, 6]];
        let panel = Panel::new("a < b", [3, 2], &pixels).unwrap();
        let figure = Figure {
            panels: vec![panel.clone(), panel],
            ..Figure::lines("f", "Two", ["", ""], Vec::new())
        };
        let svg = draw(&figure);
        assert_eq!(svg.matches("data:image/png;base64,iVBOR").count(), 2);
        assert!(svg.contains("a &lt; b"));
    }
}
