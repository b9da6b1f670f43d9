//! Figures as SVG: coordinates to a hundredth of a pixel, light or dark as the viewer prefers.
//!
//! Attributes say how it looks in light, for viewers that know no style sheets; the classes' style sheet says how in dark.

use std::fmt::Write as _;

use super::axis::{Axis, Tick};
use super::curve::thinned;
use super::panels::panels;
use super::{Figure, Mark, Series, escape};

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 320.0;
/// Left, right and lower margin, where the labels of the axes stand.
const LEFT: f64 = 66.0;
const RIGHT: f64 = 14.0;
const BELOW: f64 = 44.0;
const TITLE: f64 = 34.0;
const LEGEND_ROW: f64 = 17.0;
/// About the width of a character of the legend, which is the viewer's.
const CHARACTER: f64 = 6.6;

/// Colours that differ for all eyes (after Okabe & Ito), in light and in dark.
const COLOURS: [(&str, &str); 6] = [
    ("#0064b0", "#6cb8f5"),
    ("#c8500a", "#f79a5b"),
    ("#00825f", "#4fcf9f"),
    ("#a8457d", "#e7a3cb"),
    ("#8a6700", "#e8c14a"),
    ("#5b5fc7", "#b3b5ff"),
];

/// Which axes are logarithmic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scales {
    /// The x axis.
    pub log_x: bool,
    /// The y axis.
    pub log_y: bool,
}

/// Draws a figure.
pub fn draw(figure: &Figure) -> String {
    draw_on(figure, Scales { log_x: false, log_y: figure.log_y })
}

/// Draws a figure on axes of one's own choice; points that these cannot show are left out.
pub fn draw_on(figure: &Figure, scales: Scales) -> String {
    if !figure.panels.is_empty() {
        return panels(figure);
    }
    let shown: Vec<_> = figure.series.iter().map(|s| showable(s, scales)).collect();
    let points = || shown.iter().flatten();
    let x = Axis::fit(points().map(|p| p.0), scales.log_x, 0.02);
    let y = Axis::fit(points().map(|p| p.1), scales.log_y, 0.06);
    let colours = colours(&figure.series);
    let (legend, rows) = legend(&figure.series, &colours);
    let top = TITLE + LEGEND_ROW * rows as f64;
    let height = HEIGHT + LEGEND_ROW * rows.saturating_sub(1) as f64;
    let frame = Frame { top, bottom: height - BELOW };
    let mut svg = open(figure, height);
    svg.push_str(&legend);
    axes(&mut svg, figure, &frame, &x.ticks(6), &y.ticks(5));
    let _ = write!(
        svg,
        "<svg x=\"{LEFT}\" y=\"{top}\" width=\"{:.2}\" height=\"{:.2}\" overflow=\"hidden\">",
        FRAME_WIDTH,
        frame.height()
    );
    for ((series, points), colour) in figure.series.iter().zip(&shown).zip(&colours) {
        let place =
            |p: &(f64, f64)| (x.share(p.0) * FRAME_WIDTH, (1.0 - y.share(p.1)) * frame.height());
        let placed: Vec<_> = points.iter().map(place).collect();
        mark(&mut svg, series.mark, &placed, *colour);
    }
    svg.push_str("</svg>\n");
    close(svg)
}

/// Where the data are drawn.
struct Frame {
    top: f64,
    bottom: f64,
}

/// Width of a plot's area.
const FRAME_WIDTH: f64 = WIDTH - LEFT - RIGHT;

impl Frame {
    fn height(&self) -> f64 {
        self.bottom - self.top
    }
}

/// The beginning of a picture: size, style, paper and title.
pub(super) fn open(figure: &Figure, height: f64) -> String {
    let mut dark = String::new();
    for (k, (_, colour)) in COLOURS.iter().enumerate() {
        let _ = write!(dark, ".ct .l{k}{{stroke:{colour}}}.ct .f{k}{{fill:{colour}}}");
    }
    format!(
        "<svg class=\"ct\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\" \
         xmlns=\"http://www.w3.org/2000/svg\" font-family=\"system-ui,-apple-system,'Segoe UI',Roboto,sans-serif\">\n\
         <title>{title}</title>\n\
         <style>@media (prefers-color-scheme:dark){{.ct .paper{{fill:#15191e}}.ct .ink{{fill:#e4e8ec}}.ct .soft{{fill:#a9b2bb}}\
         .ct .grid{{stroke:#2c333b}}.ct .axis{{stroke:#6e7781}}.ct .lgrey{{stroke:#98a1aa}}.ct .fgrey{{fill:#3a424b}}{dark}}}</style>\n\
         <rect class=\"paper\" width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text class=\"ink\" fill=\"#1b1f24\" x=\"12\" y=\"22\" font-size=\"14.5\" font-weight=\"600\">{title}</text>\n",
        title = escape(&figure.title)
    )
}

/// The end of a picture.
pub(super) fn close(mut svg: String) -> String {
    svg.push_str("</svg>\n");
    svg
}

/// Points that can be drawn on these axes.
fn showable(series: &Series, scales: Scales) -> Vec<(f64, f64)> {
    let finite = |p: &&(f64, f64)| {
        p.0.is_finite()
            && p.1.is_finite()
            && (!scales.log_x || p.0 > 0.0)
            && (!scales.log_y || p.1 > 0.0)
    };
    series.points.iter().filter(finite).copied().collect()
}

/// The colour of each series; what is drawn in grey takes none.
fn colours(series: &[Series]) -> Vec<Option<usize>> {
    let mut next = 0;
    let colour = |s: &Series| {
        let coloured = !matches!(s.mark, Mark::Thin | Mark::Band);
        next += usize::from(coloured);
        coloured.then(|| (next - 1) % COLOURS.len())
    };
    series.iter().map(colour).collect()
}

/// The attributes of a stroke, or of a fill.
fn paint(colour: Option<usize>, fill: bool) -> String {
    let (class, what) = if fill { ('f', "fill") } else { ('l', "stroke") };
    if let Some(k) = colour {
        return format!("class=\"{class}{k}\" {what}=\"{}\"", COLOURS[k].0);
    }
    let grey = if fill { "#d5d9de" } else { "#6a737d" };
    format!("class=\"{class}grey\" {what}=\"{grey}\"")
}

fn axes(svg: &mut String, figure: &Figure, frame: &Frame, x: &[Tick], y: &[Tick]) {
    let (right, bottom) = (LEFT + FRAME_WIDTH, frame.bottom);
    for tick in x {
        let at = LEFT + tick.share * FRAME_WIDTH;
        let _ = writeln!(
            svg,
            "<path class=\"grid\" stroke=\"#e3e6ea\" d=\"M{at:.2} {:.2}V{bottom:.2}\"/>\
             <text class=\"soft\" fill=\"#57606a\" x=\"{at:.2}\" y=\"{:.2}\" text-anchor=\"middle\" font-size=\"12\">{}</text>",
            frame.top,
            bottom + 16.0,
            tick.label
        );
    }
    for tick in y {
        let at = bottom - tick.share * frame.height();
        let _ = writeln!(
            svg,
            "<path class=\"grid\" stroke=\"#e3e6ea\" d=\"M{LEFT} {at:.2}H{right:.2}\"/>\
             <text class=\"soft\" fill=\"#57606a\" x=\"{:.2}\" y=\"{:.2}\" text-anchor=\"end\" font-size=\"12\">{}</text>",
            LEFT - 6.0,
            at + 4.0,
            tick.label
        );
    }
    let _ = writeln!(
        svg,
        "<path class=\"axis\" stroke=\"#8b949e\" fill=\"none\" d=\"M{LEFT} {:.2}V{bottom:.2}H{right:.2}\"/>\n\
         <text class=\"ink\" fill=\"#1b1f24\" x=\"{:.2}\" y=\"{:.2}\" text-anchor=\"middle\" font-size=\"12.5\">{}</text>\n\
         <text class=\"ink\" fill=\"#1b1f24\" transform=\"translate(14 {:.2}) rotate(-90)\" text-anchor=\"middle\" \
         font-size=\"12.5\">{}</text>",
        frame.top,
        f64::midpoint(LEFT, right),
        bottom + 35.0,
        escape(&figure.x_label),
        f64::midpoint(frame.top, bottom),
        escape(&figure.y_label)
    );
}

/// Draws placed points; a series of very many marks has small ones.
fn mark(svg: &mut String, mark: Mark, points: &[(f64, f64)], colour: Option<usize>) {
    let many = points.len() > 80;
    let line = |dash: &str, width: f64| {
        let path = path(&thinned(points));
        format!(
            "<path {} fill=\"none\" stroke-width=\"{width}\" stroke-linejoin=\"round\"{dash} d=\"{path}\"/>\n",
            paint(colour, false)
        )
    };
    let drawn = match mark {
        Mark::Line => line("", 1.8),
        Mark::Dashes => line(" stroke-dasharray=\"7 4\"", 1.8),
        Mark::Dots => line(" stroke-dasharray=\"0.1 4.2\" stroke-linecap=\"round\"", 2.4),
        Mark::Thin => line("", 0.9),
        Mark::Band => format!("<path {} d=\"{}Z\"/>\n", paint(colour, true), path(points)),
        Mark::Circles | Mark::Crosses if many => {
            let dots: String = points.iter().map(|(x, y)| format!("M{x:.2} {y:.2}h0")).collect();
            let paint = paint(colour, false);
            format!(
                "<path {paint} fill=\"none\" stroke-width=\"3\" stroke-linecap=\"round\" d=\"{dots}\"/>\n"
            )
        }
        Mark::Circles => {
            let circle = |(x, y): &(f64, f64)| {
                format!("M{:.2} {y:.2}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0", x - 4.0)
            };
            shapes(points.iter().map(circle), colour)
        }
        Mark::Crosses => {
            let cross =
                |(x, y): &(f64, f64)| format!("M{:.2} {:.2}l7 7m0 -7l-7 7", x - 3.5, y - 3.5);
            shapes(points.iter().map(cross), colour)
        }
    };
    svg.push_str(&drawn);
}

fn shapes(each: impl Iterator<Item = String>, colour: Option<usize>) -> String {
    let paint = paint(colour, false);
    format!(
        "<path {paint} fill=\"none\" stroke-width=\"1.6\" d=\"{}\"/>\n",
        each.collect::<String>()
    )
}

fn path(points: &[(f64, f64)]) -> String {
    let mut text = String::new();
    for (k, (x, y)) in points.iter().enumerate() {
        let _ = write!(text, "{}{x:.2} {y:.2}", if k == 0 { 'M' } else { 'L' });
    }
    text
}

/// The legend in rows under the title, where it covers nothing, and the number of its rows; there is none for one series.
fn legend(series: &[Series], colours: &[Option<usize>]) -> (String, usize) {
    let named: Vec<_> = series.iter().zip(colours).filter(|(s, _)| !s.label.is_empty()).collect();
    if named.len() < 2 {
        return (String::new(), 0);
    }
    let (mut svg, mut x, mut row) = (String::new(), 12.0, 0);
    for (s, colour) in named {
        let width = 34.0 + CHARACTER * s.label.chars().count() as f64 + 14.0;
        if x > 12.0 && x + width > WIDTH {
            (x, row) = (12.0, row + 1);
        }
        let y = TITLE + 6.0 + LEGEND_ROW * f64::from(row);
        let ends = [(x, y), (x + 26.0, y)];
        match s.mark {
            Mark::Circles | Mark::Crosses => mark(&mut svg, s.mark, &[(x + 13.0, y)], *colour),
            Mark::Band => {
                let band = [(x, y - 5.0), (x + 26.0, y - 5.0), (x + 26.0, y + 5.0), (x, y + 5.0)];
                mark(&mut svg, s.mark, &band, *colour);
            }
            _ => mark(&mut svg, s.mark, &ends, *colour),
        }
        let _ = writeln!(
            svg,
            "<text class=\"ink\" fill=\"#1b1f24\" x=\"{:.2}\" y=\"{:.2}\" font-size=\"12\">{}</text>",
            x + 32.0,
            y + 4.0,
            escape(&s.label)
        );
        x += width;
    }
    (svg, usize::try_from(row).unwrap_or(0) + 1)
}

#[cfg(test)]
mod tests {
    use super::{Scales, draw, draw_on};
    use crate::plot::{Figure, Mark, Series};

    fn figure(points: Vec<(f64, f64)>) -> Figure {
        let series = vec![Series::new("a & b", Mark::Line, points)];
        Figure::lines("f", "Title <1>", ["x", "y"], series)
    }

    #[test]
    fn points_stand_between_pixels_where_they_belong() {
        let svg = draw(&figure(vec![(0.0, 0.0), (1.0, 1.0), (3.0, 2.0)]));
        // 2 % and 6 % of margin on a frame of 400 by 242
        let share = |v: f64, range: f64, margin: f64| (v / range + margin) / (1.0 + 2.0 * margin);
        let (x, y) = (400.0 * share(1.0, 3.0, 0.02), 242.0 * (1.0 - share(1.0, 2.0, 0.06)));
        assert!(svg.contains(&format!("L{x:.2} {y:.2}")), "{x:.2} {y:.2} {svg}");
        assert!(svg.contains("Title &lt;1&gt;") && !svg.contains("Title <1>"));
    }

    #[test]
    fn what_an_axis_cannot_show_is_left_out() {
        let points = vec![(0.0, 1.0), (1.0, -1.0), (2.0, f64::NAN), (3.0, 10.0), (10.0, 100.0)];
        let svg = draw_on(&figure(points), Scales { log_x: true, log_y: true });
        let path = svg.lines().find(|l| l.contains("stroke-linejoin")).unwrap();
        assert_eq!(path.matches('L').count(), 1, "two points are left: {path}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn an_empty_figure_is_drawn_too() {
        for series in [Vec::new(), vec![Series::new("none", Mark::Circles, [])]] {
            let svg = draw(&Figure::lines("f", "Nothing", ["x", "y"], series));
            assert!(svg.contains("<svg") && !svg.contains("NaN"));
        }
    }
}
