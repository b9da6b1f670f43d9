//! Figures as SVG, drawn by `plotters`; light or dark as the viewer prefers.
//!
//! `plotters` places everything on whole units, so a figure is drawn on a canvas of [`UNITS`] units to the pixel and shown through
//! a view box: curves have no kinks. What it draws has the colours of a light page as attributes, for viewers that know no style
//! sheets; a style sheet puts the colours of a dark page in their place.

use std::fmt::Display;
use std::ops::Range;

use plotters::chart::MeshStyle;
use plotters::coord::Shift;
use plotters::coord::combinators::BindKeyPoints;
use plotters::coord::ranged1d::{
    AsRangedCoord, BoldPoints, DefaultFormatting, KeyPointHint, Ranged, ValueFormatter,
};
use plotters::coord::types::RangedCoordf64;
use plotters::element::{DashedPathElement, DottedPathElement};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::curve::thinned;
use super::panels::panels;
use super::theme::{
    AXIS, CHARACTER, COLOURS, FONT, FONT_UNITS, GREY_AREA, GREY_LINE, GRID, HEIGHT, INK,
    LEGEND_ROW, PAPER, SOFT, TITLE, TITLE_ROW, UNITS, WIDTH, X_TICKS, Y_TICKS, open, text, units,
};
use super::{Figure, Mark, Series, escape, number, power_of_ten, trimmed};

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
    draw_on(figure, Scales { log_x: figure.log_x, log_y: figure.log_y })
}

/// Draws a figure on axes of one's own choice; points that these cannot show are left out. Where `plotters` fails, the picture
/// says why.
pub fn draw_on(figure: &Figure, scales: Scales) -> String {
    if !figure.panels.is_empty() {
        return panels(figure);
    }
    curves(figure, scales).unwrap_or_else(|why| {
        let why = escape(&why);
        open(&figure.title, HEIGHT, 1)
            + &format!("<text x=\"12\" y=\"40\" font-size=\"12\">{why}</text></svg>\n")
    })
}

fn curves(figure: &Figure, scales: Scales) -> Result<String, String> {
    let shown = Shown::new(figure, scales);
    let [x, y] = [shown.range(0, scales.log_x, 0.02), shown.range(1, scales.log_y, 0.06)];
    let logarithmic = |r: &Range<f64>| r.clone().log_scale().with_key_points(decades(r));
    let linear = |r: &Range<f64>| Stepped { axis: r.clone().into(), ticks: shown.steps(r) };
    match (scales.log_x, scales.log_y) {
        (false, false) => shown.draw(linear(&x), y),
        (false, true) => shown.draw(linear(&x), logarithmic(&y)),
        (true, false) => shown.draw(logarithmic(&x), y),
        (true, true) => shown.draw(logarithmic(&x), logarithmic(&y)),
    }
}

/// Ticks of a logarithmic axis: about six powers of ten, with 2 and 5 times them where these are few, or round numbers where the
/// axis holds less than half a decade.
pub(super) fn decades(range: &Range<f64>) -> Vec<f64> {
    let (low, high) = (range.start.log10(), range.end.log10());
    if high - low < 0.5 {
        return RangedCoordf64::from(range.clone()).key_points(5);
    }
    let stride = ((high - low) / 6.0).ceil().max(1.0);
    let multiples: &[f64] = if high - low < 2.5 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let mut ticks = Vec::new();
    let mut decade = (low / stride).floor() * stride;
    while decade <= high {
        ticks
            .extend(multiples.iter().map(|m| m * 10f64.powf(decade)).filter(|v| range.contains(v)));
        decade += stride;
    }
    ticks
}

/// A linear axis with ticks of its own.
pub(super) struct Stepped {
    pub(super) axis: RangedCoordf64,
    pub(super) ticks: Vec<f64>,
}

impl Ranged for Stepped {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        self.axis.map(value, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.axis.range()
    }
}

/// What a tick says: a number as people write it, a power of ten without its factor 1. `span` is that of a linear axis, or 0.
pub(super) fn tick(value: f64, span: f64) -> String {
    let exponent = value.log10();
    // 0.0001 is as long as to run into the axis' own name
    if span == 0.0 && exponent.abs() > 3.5 && (exponent - exponent.round()).abs() < 1e-9 {
        #[expect(clippy::cast_possible_truncation, reason = "an exponent of ten")]
        return power_of_ten(exponent.round() as i32);
    }
    // six digits do not tell ticks of a short axis far from 0 apart
    if span > 0.0 && span < 1e-3 * value.abs() && value.abs() < 1e15 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 15")]
        let places = (2.0 - span.log10()).ceil().clamp(0.0, 15.0) as usize;
        return trimmed(&format!("{value:.places$}"));
    }
    // what rounding leaves of 0 is 0
    let said = number(if value.abs() < 1e-9 * span { 0.0 } else { value });
    said.strip_prefix("1×").map_or(said.clone(), str::to_owned)
}

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A series with its points that can be shown, and its colour; what is drawn in grey has none.
type ShownSeries<'a> = (&'a Series, Vec<(f64, f64)>, Option<RGBColor>);

/// A figure with what its axes can show of it.
struct Shown<'a> {
    figure: &'a Figure,
    scales: Scales,
    series: Vec<ShownSeries<'a>>,
}

impl<'a> Shown<'a> {
    fn new(figure: &'a Figure, scales: Scales) -> Self {
        let drawable = |p: &&(f64, f64)| {
            let fits = |v: f64, log: bool| v.is_finite() && (!log || v > 0.0);
            fits(p.0, scales.log_x) && fits(p.1, scales.log_y)
        };
        let mut coloured = 0;
        let mut series = Vec::new();
        for s in &figure.series {
            let colour = (!matches!(s.mark, Mark::Thin | Mark::Band)).then(|| {
                coloured += 1;
                COLOURS[(coloured - 1) % COLOURS.len()]
            });
            series.push((s, s.points.iter().filter(drawable).copied().collect(), colour));
        }
        Self { figure, scales, series }
    }

    /// Range of an axis (0: x, 1: y) that holds all points, with a share of it as margin at both ends.
    fn range(&self, axis: usize, log: bool, margin: f64) -> Range<f64> {
        let values = self.series.iter().flat_map(|(_, points, _)| points).map(|p| [p.0, p.1][axis]);
        let scaled = values.map(|v| if log { v.log10() } else { v });
        let (low, high) =
            scaled.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        if low > high {
            return if log { 0.1..1.0 } else { 0.0..1.0 };
        }
        // one value, or several that only rounding tells apart, stand in the middle of something that can be read
        let least = if log { 0.1 } else { 1e-9 * high.abs().max(low.abs()) };
        let pad = match (high - low > least, log) {
            (true, _) => margin * (high - low),
            (false, true) => 0.5,
            (false, false) if high == 0.0 => 0.5,
            (false, false) => 0.5 * high.abs().max(1e-300),
        };
        let (low, high) = (low - pad, high + pad);
        if log { 10f64.powf(low)..10f64.powf(high) } else { low..high }
    }

    /// Ticks of a linear x axis: round numbers, and no fractions between few whole ones.
    fn steps(&self, range: &Range<f64>) -> Vec<f64> {
        let ticks = RangedCoordf64::from(range.clone()).key_points(BoldPoints(X_TICKS));
        let mut values = self.series.iter().flat_map(|(_, points, _)| points).map(|p| p.0);
        if values.all(|v| v.fract() == 0.0) {
            return ticks.into_iter().filter(|v| v.fract().abs() < 1e-9).map(f64::round).collect();
        }
        ticks
    }

    /// The whole picture on these axes.
    fn draw<X, Y>(&self, x: X, y: Y) -> Result<String, String>
    where
        X: AsRangedCoord<Value = f64>,
        Y: AsRangedCoord<Value = f64>,
        X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
        Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
    {
        let entries = self.legend();
        let title = in_rows(&self.figure.title, TITLE_ROW);
        let top = TITLE + LEGEND_ROW * u32::try_from(title.len() - 1).unwrap_or(0);
        let rows = entries.iter().map(|e| e.row + 1).max().unwrap_or(0);
        let height = HEIGHT + top - TITLE + LEGEND_ROW * rows.saturating_sub(1);
        let mut drawn = String::new();
        {
            let root = SVGBackend::with_string(&mut drawn, (WIDTH * UNITS, height * UNITS))
                .into_drawing_area();
            root.fill(&PAPER).map_err(|e| said(&e))?;
            let (head, body) = root.split_vertically(units(f64::from(top + LEGEND_ROW * rows)));
            draw_title(&head, &title)?;
            for entry in &entries {
                entry.draw(&head, top)?;
            }
            self.chart(&root, &body, x, y)?;
            root.present().map_err(|e| said(&e))?;
        }
        let inner = drawn.split_once('>').map_or("", |(_, rest)| rest);
        Ok(open(&self.figure.title, height, UNITS) + inner.trim_start())
    }

    /// Axes and series in `body`, a part of `root`.
    fn chart<X, Y>(&self, root: &Area, body: &Area, x: X, y: Y) -> Result<(), String>
    where
        X: AsRangedCoord<Value = f64>,
        Y: AsRangedCoord<Value = f64>,
        X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
        Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
    {
        let (x, y): (X::CoordDescType, Y::CoordDescType) = (x.into(), y.into());
        let span = |range: Range<f64>, log: bool| if log { 0.0 } else { range.end - range.start };
        let x_span = span(x.range(), self.scales.log_x);
        let y_span = span(y.range(), self.scales.log_y);
        let write_x = |v: &f64| tick(*v, x_span);
        let write_y = |v: &f64| tick(*v, y_span);
        // the axis' own name stands to the left of the longest number
        let ticks = y.key_points(BoldPoints(Y_TICKS));
        let longest = ticks.iter().map(|v| write_y(v).chars().count()).max().unwrap_or(0);
        let numbers = f64::from(u16::try_from(CHARACTER * longest).unwrap_or(0));
        let mut chart = ChartBuilder::on(body)
            .margin_left(units(5.0))
            .margin_right(units(14.0))
            .x_label_area_size(units(44.0))
            .y_label_area_size(units((numbers + 26.0).max(61.0)))
            .build_cartesian_2d(x, y)
            .map_err(|e| said(&e))?;
        styled(&mut chart.configure_mesh())
            .x_labels(X_TICKS)
            .y_labels(Y_TICKS)
            .x_desc(self.figure.x_label.clone())
            .y_desc(self.figure.y_label.clone())
            .x_label_formatter(&write_x)
            .y_label_formatter(&write_y)
            .draw()
            .map_err(|e| said(&e))?;
        for (series, points, colour) in &self.series {
            let place = |p: &(f64, f64)| chart.plotting_area().map_coordinate(p);
            let placed: Vec<(i32, i32)> = match series.mark {
                Mark::Circles | Mark::Crosses | Mark::Band => points.iter().map(place).collect(),
                _ => thinned(points).iter().map(place).collect(),
            };
            mark(root, series.mark, &placed, *colour)?;
        }
        Ok(())
    }

    /// The legend in rows under the title, where it covers nothing; one series needs none.
    fn legend(&self) -> Vec<Entry<'a>> {
        let named: Vec<_> = self.series.iter().filter(|(s, ..)| !s.label.is_empty()).collect();
        let (mut entries, mut left, mut row) = (Vec::new(), 12, 0);
        for (series, _, colour) in named.iter().filter(|_| named.len() > 1) {
            let characters = CHARACTER * series.label.chars().count();
            let width = 48 + u32::try_from(characters).unwrap_or(WIDTH);
            if left > 12 && left + width > WIDTH {
                (left, row) = (12, row + 1);
            }
            entries.push(Entry { series, colour: *colour, left, row });
            left += width;
        }
        entries
    }
}

/// An entry of the legend, with its place: pixels from the left, and a row.
struct Entry<'a> {
    series: &'a Series,
    colour: Option<RGBColor>,
    left: u32,
    row: u32,
}

impl Entry<'_> {
    /// Under a title that takes `top` pixels.
    fn draw(&self, head: &Area, top: u32) -> Result<(), String> {
        let x = f64::from(self.left);
        let y = f64::from(top + LEGEND_ROW * self.row) + 6.0;
        let point = |x: f64, y: f64| (units(x), units(y));
        let sample = match self.series.mark {
            Mark::Circles | Mark::Crosses => vec![point(x + 13.0, y)],
            Mark::Band => [(0.0, -5.0), (26.0, -5.0), (26.0, 5.0), (0.0, 5.0)]
                .map(|(dx, dy)| point(x + dx, y + dy))
                .to_vec(),
            _ => vec![point(x, y), point(x + 26.0, y)],
        };
        mark(head, self.series.mark, &sample, self.colour)?;
        let style = text(12.0, &INK).pos(Pos::new(HPos::Left, VPos::Center));
        let label = Text::new(self.series.label.clone(), point(x + 32.0, y), style);
        head.draw(&label).map_err(|e| said(&e))
    }
}

/// Axes and grid as all figures have them.
pub(super) fn styled<'m, 'a, 'b, X: Ranged, Y: Ranged, B: DrawingBackend>(
    mesh: &'m mut MeshStyle<'a, 'b, X, Y, B>,
) -> &'m mut MeshStyle<'a, 'b, X, Y, B> {
    mesh.max_light_lines(0)
        .bold_line_style(GRID.stroke_width(UNITS))
        .axis_style(AXIS.stroke_width(UNITS))
        .set_all_tick_mark_size(units(4.0))
        .label_style(text(12.0, &SOFT))
        .axis_desc_style(text(12.5, &INK))
}

/// A title in rows at the top of an area.
pub(super) fn draw_title(area: &Area, rows: &[String]) -> Result<(), String> {
    let bold =
        FontDesc::new(FontFamily::Name(FONT), FONT_UNITS * 14.5, FontStyle::Bold).color(&INK);
    let mut down = 10.0;
    for row in rows {
        area.draw(&Text::new(row.clone(), (units(12.0), units(down)), bold.clone()))
            .map_err(|e| said(&e))?;
        down += f64::from(LEGEND_ROW);
    }
    Ok(())
}

/// Words in rows of at most `most` characters, where no word is longer.
pub(super) fn in_rows(words: &str, most: usize) -> Vec<String> {
    let mut rows = vec![String::new()];
    for word in words.split(' ') {
        let last = rows.len() - 1;
        let row = &mut rows[last];
        if !row.is_empty() && row.chars().count() + 1 + word.chars().count() > most {
            rows.push(word.to_owned());
        } else {
            if !row.is_empty() {
                row.push(' ');
            }
            row.push_str(word);
        }
    }
    rows
}

pub(super) fn said(error: &dyn Display) -> String {
    format!("the figure cannot be drawn: {error}")
}

/// Draws placed points; a series of very many marks has small ones.
fn mark(
    area: &Area,
    mark: Mark,
    points: &[(i32, i32)],
    colour: Option<RGBColor>,
) -> Result<(), String> {
    let pixels = |p: f64| units(p).unsigned_abs();
    let line = colour.unwrap_or(GREY_LINE);
    let stroke = |width: f64| line.stroke_width(pixels(width));
    let drawn = match mark {
        Mark::Line => area.draw(&PathElement::new(points, stroke(1.8))),
        Mark::Thin => area.draw(&PathElement::new(points, stroke(0.9))),
        Mark::Dashes => area.draw(&DashedPathElement::new(
            points.iter().copied(),
            units(7.0),
            units(4.0),
            stroke(1.8),
        )),
        Mark::Dots => {
            let dot = move |at: (i32, i32)| Circle::new(at, units(1.2), line.filled());
            area.draw(&DottedPathElement::new(points.iter().copied(), 0, units(4.3), dot))
        }
        Mark::Band => area.draw(&Polygon::new(points, colour.unwrap_or(GREY_AREA).filled())),
        Mark::Circles | Mark::Crosses if points.len() > 80 => {
            points.iter().try_for_each(|p| area.draw(&Circle::new(*p, units(1.5), line.filled())))
        }
        Mark::Circles => {
            points.iter().try_for_each(|p| area.draw(&Circle::new(*p, units(4.0), stroke(1.6))))
        }
        Mark::Crosses => {
            points.iter().try_for_each(|p| area.draw(&Cross::new(*p, units(3.5), stroke(1.6))))
        }
    };
    drawn.map_err(|e| said(&e))
}

#[cfg(test)]
mod tests {
    use super::super::theme::{HEIGHT, LEGEND_ROW};
    use super::{Scales, Shown, decades, draw, draw_on, in_rows, tick};
    use crate::plot::{Figure, Mark, Series};

    fn figure(points: Vec<(f64, f64)>) -> Figure {
        let series = vec![Series::new("a & b", Mark::Line, points)];
        Figure::lines("f", "Title <1>", ["x", "y"], series)
    }

    /// Points of the first curve, in pixels.
    fn curve(svg: &str) -> Vec<(f64, f64)> {
        let line = svg.lines().find(|l| l.contains("stroke-width=\"180\"")).unwrap();
        let points = line.split("points=\"").nth(1).unwrap().split('"').next().unwrap();
        let pair = |p: &str| {
            let (x, y) = p.split_once(',').unwrap();
            (x.parse::<f64>().unwrap() / 100.0, y.parse::<f64>().unwrap() / 100.0)
        };
        points.split_whitespace().map(pair).collect()
    }

    #[test]
    fn points_stand_between_pixels_where_they_belong() {
        let svg = draw(&figure(vec![(0.0, 0.0), (1.0, 1.0), (3.0, 2.0)]));
        // 2 % and 6 % of margin on a frame of 400 by 242
        let share = |v: f64, range: f64, margin: f64| (v / range + margin) / (1.0 + 2.0 * margin);
        let (x, y) = (400.0 * share(1.0, 3.0, 0.02), 242.0 * (1.0 - share(1.0, 2.0, 0.06)));
        let point = curve(&svg)[1];
        assert!(
            (point.0 - 66.0 - x).abs() < 0.02 && (point.1 - 34.0 - y).abs() < 0.02,
            "{point:?}"
        );
        assert!(svg.contains("Title &lt;1&gt;") && !svg.contains("Title <1>"));
    }

    #[test]
    fn ticks_stand_at_round_numbers() {
        let said = |low: f64, high: f64| -> Vec<String> {
            decades(&(low..high)).into_iter().map(|v| tick(v, 0.0)).collect()
        };
        assert_eq!(said(1e-13, 2.0), ["10⁻¹²", "10⁻⁹", "10⁻⁶", "0.001", "1"]);
        assert_eq!(said(0.9, 101.0), ["1", "2", "5", "10", "20", "50", "100"]);
        assert_eq!(said(3.0, 4.0), ["3", "3.5", "4"]);
        assert_eq!(tick(2e-18, 0.02), "0");
        let near = [-113.8652, -113.8654, -113.865].map(|v| tick(v, 1.1e-3));
        assert_eq!(near, ["-113.8652", "-113.8654", "-113.865"]);
        assert_eq!(tick(2_000_001.5, 4.0), "2000001.5");
        assert_eq!([1e-4, 1e4, 2e-4].map(|v| tick(v, 0.0)), ["10⁻⁴", "10⁴", "0.0002"]);
    }

    #[test]
    fn no_fractions_stand_between_few_whole_numbers() {
        let said = |points: Vec<(f64, f64)>| {
            let figure = figure(points);
            let shown = Shown::new(&figure, Scales { log_x: false, log_y: false });
            shown.steps(&shown.range(0, false, 0.02))
        };
        assert_eq!(said(vec![(1.0, 0.3), (2.0, 0.4)]), [1.0, 2.0]);
        assert_eq!(said(vec![(0.0, 0.3), (12.0, 0.4)]), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0]);
        assert_eq!(said(vec![(1.0, 0.3), (1.5, 0.4), (2.0, 0.4)]).len(), 6);
    }

    #[test]
    fn a_long_title_is_broken_between_words() {
        assert_eq!(in_rows("one two three", 7), ["one two", "three"]);
        assert_eq!(in_rows("alphabetically", 7), ["alphabetically"]);
        let title = "Potential of H 6.00 H ".repeat(4);
        let svg = draw(&Figure::lines("f", title.trim(), ["x", "y"], Vec::new()));
        assert!(svg.contains(&format!("height=\"{}\"", HEIGHT + LEGEND_ROW)), "{svg}");
    }

    #[test]
    fn what_an_axis_cannot_show_is_left_out() {
        let points = vec![(0.0, 1.0), (1.0, -1.0), (2.0, f64::NAN), (3.0, 10.0), (10.0, 100.0)];
        let svg = draw_on(&figure(points), Scales { log_x: true, log_y: true });
        assert_eq!(curve(&svg).len(), 2, "two points are left: {svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn an_empty_figure_and_one_of_one_point_are_drawn_too() {
        let one = |v: f64| vec![Series::new("one", Mark::Circles, [(v, v)])];
        let none = vec![Series::new("none", Mark::Circles, [])];
        for series in [Vec::new(), none, one(0.0), one(-3.0), one(1e300), one(5e-324)] {
            let svg = draw(&Figure::lines("f", "Nothing", ["x", "y"], series));
            assert!(svg.contains("<svg") && !svg.contains("NaN"));
        }
    }
}
