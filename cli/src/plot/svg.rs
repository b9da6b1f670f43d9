//! Figures as SVG by plotters.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::ShapeStyle;

use super::raster::panels;
use super::{Figure, Mark, Series};

const SIZE: (u32, u32) = (820, 500);
/// Okabe & Ito's palette, safe for colour-blind eyes.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 0, 0),
    RGBColor(213, 94, 0),
    RGBColor(0, 114, 178),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
];

type Failure = String;

/// Draws a figure.
///
/// # Errors
/// What the drawing library says.
pub fn draw(figure: &Figure) -> Result<String, Failure> {
    if !figure.panels.is_empty() {
        return Ok(panels(figure));
    }
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        root.fill(&WHITE).map_err(|e| e.to_string())?;
        let points = || figure.series.iter().flat_map(|s| finite(s, figure.log_y));
        let height = |p: (f64, f64)| if figure.log_y { p.1.log10() } else { p.1 };
        let x = padded(points().map(|p| p.0), 0.02);
        let mut y = padded(points().map(height), 0.06);
        let legend = legend_size(figure);
        let (corner, covered) =
            emptiest_corner(legend, points().map(|p| (fraction(&x, p.0), fraction(&y, height(p)))));
        if covered {
            // a strip of its own, above the data
            y.end += (y.end - y.start) * legend.1 / (1.0 - legend.1);
        }
        if figure.log_y {
            let y = (10f64.powf(y.start)..10f64.powf(y.end)).log_scale();
            draw_in(&root, figure, corner, x, y, &power)?;
        } else {
            draw_in(&root, figure, corner, x, y, &plain)?;
        }
        root.present().map_err(|e| e.to_string())?;
    }
    Ok(text)
}

/// The range of the values with a margin; `0..1` where there are none.
fn padded(values: impl Iterator<Item = f64>, margin: f64) -> Range<f64> {
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if low > high {
        return 0.0..1.0;
    }
    let width = (high - low).max(1e-12 * high.abs()).max(1e-300);
    let pad = if high > low { margin * width } else { 0.5 * high.abs().max(1.0) };
    low - pad..high + pad
}

fn fraction(range: &Range<f64>, v: f64) -> f64 {
    (v - range.start) / (range.end - range.start)
}

/// Width and height of the legend as shares of the plot's sides; about, for the fonts are the viewer's.
fn legend_size(figure: &Figure) -> (f64, f64) {
    let labels = || figure.series.iter().map(|s| s.label.len()).filter(|length| *length > 0);
    let (rows, longest) = (labels().count(), labels().max().unwrap_or(0));
    if rows < 2 {
        return (0.0, 0.0);
    }
    let (width, height) = (f64::from(SIZE.0) - 130.0, f64::from(SIZE.1) - 110.0);
    let share = |pixels: f64, of: f64| (pixels / of).min(0.6);
    (share(70.0 + 8.0 * longest as f64, width), share(26.0 + 19.0 * rows as f64, height))
}

/// The corner where a legend of this size covers the fewest points, which are given as fractions of the plot's sides, and
/// whether it covers any: then the upper right one.
fn emptiest_corner(
    (width, height): (f64, f64),
    points: impl Iterator<Item = (f64, f64)>,
) -> (SeriesLabelPosition, bool) {
    let mut covered = [false; 4];
    for (x, y) in points {
        let (left, right, low, high) = (x < width, x > 1.0 - width, y < height, y > 1.0 - height);
        let inside = [right && high, left && high, right && low, left && low];
        covered.iter_mut().zip(inside).for_each(|(covered, inside)| *covered |= inside);
    }
    let corners = [
        SeriesLabelPosition::UpperRight,
        SeriesLabelPosition::UpperLeft,
        SeriesLabelPosition::LowerRight,
        SeriesLabelPosition::LowerLeft,
    ];
    let free = corners.into_iter().zip(covered).find(|(_, covered)| !covered);
    free.map_or((SeriesLabelPosition::UpperRight, true), |(corner, _)| (corner, false))
}

fn plain(v: &f64) -> String {
    let text = format!("{v:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text.is_empty() || text == "-" || text == "-0" { "0".into() } else { text.into() }
}

fn power(v: &f64) -> String {
    format!("{v:.0e}")
}

fn draw_in<Y>(
    root: &DrawingArea<SVGBackend, Shift>,
    figure: &Figure,
    corner: SeriesLabelPosition,
    x: Range<f64>,
    y: Y,
    y_text: &dyn Fn(&f64) -> String,
) -> Result<(), Failure>
where
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let failed = |e: &dyn std::fmt::Display| e.to_string();
    let mut chart = ChartBuilder::on(root)
        .caption(&figure.title, ("sans-serif", 20))
        .margin(14)
        .margin_right(26)
        .x_label_area_size(46)
        .y_label_area_size(78)
        .build_cartesian_2d(x, y)
        .map_err(|e| failed(&e))?;
    chart
        .configure_mesh()
        .x_desc(&figure.x_label)
        .y_desc(&figure.y_label)
        .axis_desc_style(("sans-serif", 16))
        .label_style(("sans-serif", 13))
        .x_label_formatter(&plain)
        .y_label_formatter(y_text)
        .light_line_style(RGBColor(240, 240, 240))
        .draw()
        .map_err(|e| failed(&e))?;
    let mut coloured = 0;
    for series in &figure.series {
        draw_one(&mut chart, series, coloured, figure.log_y)?;
        coloured += usize::from(!is_grey(series.mark));
    }
    if figure.series.iter().filter(|s| !s.label.is_empty()).count() > 1 {
        chart
            .configure_series_labels()
            .position(corner)
            .background_style(WHITE.mix(0.85))
            .border_style(RGBColor(160, 160, 160))
            .label_font(("sans-serif", 14))
            .legend_area_size(34)
            .margin(8)
            .draw()
            .map_err(|e| failed(&e))?;
    }
    Ok(())
}

/// What is drawn in grey takes no colour.
fn is_grey(mark: Mark) -> bool {
    matches!(mark, Mark::Thin | Mark::Band)
}

/// Draws a series in colour number `k`.
fn draw_one<'a, Y: Ranged<ValueType = f64>>(
    chart: &mut ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, Y>>,
    series: &Series,
    k: usize,
    log_y: bool,
) -> Result<(), Failure> {
    let colour = match series.mark {
        Mark::Band => RGBColor(205, 205, 205),
        Mark::Thin => RGBColor(120, 120, 120),
        _ => COLOURS[k % COLOURS.len()],
    };
    let width = if series.mark == Mark::Thin { 1 } else { 2 };
    let style = ShapeStyle { color: colour.to_rgba(), filled: false, stroke_width: width };
    let points = finite(series, log_y);
    let drawn = match series.mark {
        Mark::Line | Mark::Thin => chart.draw_series(LineSeries::new(points, style)),
        Mark::Dashes => chart.draw_series(DashedLineSeries::new(points, 9, 5, style)),
        Mark::Dots => {
            let style = ShapeStyle { stroke_width: 3, ..style };
            chart.draw_series(DashedLineSeries::new(points, 2, 4, style))
        }
        Mark::Band => chart.draw_series([Polygon::new(points, colour.filled())]),
        Mark::Circles => chart.draw_series(points.into_iter().map(|p| Circle::new(p, 6, style))),
        Mark::Crosses => chart.draw_series(points.into_iter().map(|p| Cross::new(p, 4, style))),
    };
    label(drawn.map_err(|e| e.to_string())?, series, style);
    Ok(())
}

fn finite(series: &Series, log_y: bool) -> Vec<(f64, f64)> {
    let shown = |p: &&(f64, f64)| p.0.is_finite() && p.1.is_finite() && (!log_y || p.1 > 0.0);
    series.points.iter().filter(shown).copied().collect()
}

/// The same mark in the legend as in the picture.
fn label<'a>(
    annotation: &mut plotters::chart::SeriesAnno<'a, SVGBackend<'a>>,
    series: &Series,
    style: ShapeStyle,
) {
    if series.label.is_empty() {
        return;
    }
    let stroke_width = match series.mark {
        Mark::Band => 9,
        Mark::Dots => 3,
        _ => 2,
    };
    let style = ShapeStyle { stroke_width, ..style };
    let mark = series.mark;
    annotation.label(series.label.clone()).legend(move |at| {
        let [a, b, c, d] = strokes(mark).map(|points| PathElement::new(points, style));
        EmptyElement::at(at) + a + b + c + d
    });
}

/// A mark of the legend as at most four strokes, so that every mark is of one type.
fn strokes(mark: Mark) -> [Vec<(i32, i32)>; 4] {
    let dash = |from: i32, to: i32| vec![(from, 0), (to, 0)];
    let none = || vec![(0, 0)];
    match mark {
        Mark::Line | Mark::Thin | Mark::Band => [dash(0, 28), none(), none(), none()],
        Mark::Dashes => [dash(0, 9), dash(14, 23), none(), none()],
        Mark::Dots => [dash(0, 3), dash(8, 11), dash(16, 19), dash(24, 27)],
        Mark::Circles => {
            let round =
                [(5, 0), (4, 4), (0, 5), (-4, 4), (-5, 0), (-4, -4), (0, -5), (4, -4), (5, 0)];
            [round.map(|(x, y)| (14 + x, y)).to_vec(), none(), none(), none()]
        }
        Mark::Crosses => [vec![(10, -4), (18, 4)], vec![(10, 4), (18, -4)], none(), none()],
    }
}
