//! Values over two numbers as colours: cells where the numbers make a grid, circles where they are scattered.
//!
//! Both axes are drawn in the coordinate that is linear on the picture (the number, or its logarithm to the base 10), so that one
//! kind of axis serves all; only the ticks know which it is.

use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::ranged1d::{BoldPoints, Ranged};
use plotters::coord::types::RangedCoordf64;
use plotters::drawing::DrawingAreaErrorKind;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::svg::{Area, Stepped, decades, draw_title, in_rows, said, styled, tick};
use super::theme::{
    INK, LEGEND_ROW, PAPER, SOFT, TITLE, TITLE_ROW, UNITS, WIDTH, open, text, units,
};
use super::{WIDE, escape};

/// Height of the part with the axes, in pixels.
const BODY: u32 = 300;
/// Width of the bar that explains the colours, with its numbers.
const BAR: u32 = 96;
/// Steps of colour along the bar.
const SHADES: u32 = 64;

type Plane<'a> = DrawingArea<SVGBackend<'a>, Cartesian2d<Stepped, Stepped>>;
type Fault = DrawingAreaErrorKind<std::io::Error>;

/// Values over two numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatMap {
    /// Title.
    pub title: String,
    /// Labels of the x axis, of the y axis and of the colours, with their units.
    pub labels: [String; 3],
    /// `(x, y, value)`, each pair of x and y once; samples that are not finite are left out.
    pub samples: Vec<(f64, f64, f64)>,
}

/// A number of every sample (0: x, 1: y, 2: value) on a scale that suits it.
struct Axis {
    log: bool,
    /// The numbers on the scale, ascending, each once; at least one.
    values: Vec<f64>,
}

impl Axis {
    fn new(samples: &[(f64, f64, f64)], number: impl Fn(&(f64, f64, f64)) -> f64) -> Self {
        let mut values: Vec<f64> = samples.iter().map(number).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        // an axis of nothing shows its 0
        values.extend(values.is_empty().then_some(0.0));
        let log = values.first().zip(values.last()).is_some_and(|(l, h)| *l > 0.0 && h / l >= WIDE);
        if log {
            values.iter_mut().for_each(|v| *v = v.log10());
        }
        Self { log, values }
    }

    /// Where a number stands on the scale.
    fn place(&self, value: f64) -> f64 {
        if self.log { value.log10() } else { value }
    }

    fn ends(&self) -> (f64, f64) {
        (self.values[0], self.values[self.values.len() - 1])
    }

    /// Edges of the cell of a value: half way to its neighbours; beyond the first and the last as far as within.
    fn cell(&self, value: f64) -> (f64, f64) {
        let v = &self.values;
        let k = v.iter().position(|other| *other >= value).unwrap_or(0);
        let half = |a: usize, b: usize| 0.5 * (v[b] - v[a]);
        let alone = 0.5 * v[k].abs().max(1.0);
        let (below, above) = match (k > 0, k + 1 < v.len()) {
            (true, true) => (half(k - 1, k), half(k, k + 1)),
            (true, false) => (half(k - 1, k), half(k - 1, k)),
            (false, true) => (half(k, k + 1), half(k, k + 1)),
            (false, false) => (alone, alone),
        };
        (v[k] - below, v[k] + above)
    }

    /// The range with `margin` of its length at both ends, and its ticks.
    fn stepped(&self, low: f64, high: f64, margin: f64) -> Stepped {
        let pad = margin * (high - low);
        let range = low - pad..high + pad;
        let axis = RangedCoordf64::from(range.clone());
        let ticks = if self.log {
            let numbers = 10f64.powf(range.start)..10f64.powf(range.end);
            decades(&numbers).into_iter().map(f64::log10).collect()
        } else {
            axis.key_points(BoldPoints(6))
        };
        Stepped { axis, ticks }
    }

    /// What the tick at a place says.
    fn tick(&self, place: f64) -> String {
        let (low, high) = self.ends();
        if self.log { tick(10f64.powf(place), 0.0) } else { tick(place, high - low) }
    }
}

impl HeatMap {
    /// Draws it. Where `plotters` fails, the picture says why.
    pub fn draw(&self) -> String {
        let title = in_rows(&self.title, TITLE_ROW);
        let height = TITLE + LEGEND_ROW * u32::try_from(title.len()).unwrap_or(1) + BODY;
        let head = open(&self.title, height, UNITS);
        match self.drawn(&title, height) {
            // the opening tag is ours
            Ok(drawn) => head + drawn.split_once('>').map_or("", |(_, rest)| rest).trim_start(),
            Err(why) => format!(
                "{head}<text x=\"1200\" y=\"4000\" font-size=\"1200\">{}</text></svg>\n",
                escape(&why)
            ),
        }
    }

    fn drawn(&self, title: &[String], height: u32) -> Result<String, String> {
        let finite = |s: &&(f64, f64, f64)| s.0.is_finite() && s.1.is_finite() && s.2.is_finite();
        let samples: Vec<_> = self.samples.iter().filter(finite).copied().collect();
        let mut drawn = String::new();
        {
            let root = SVGBackend::with_string(&mut drawn, (WIDTH * UNITS, height * UNITS))
                .into_drawing_area();
            root.fill(&PAPER).map_err(|e| said(&e))?;
            draw_title(&root, title)?;
            let (_, body) = root.split_vertically(units(f64::from(height - BODY)));
            let (chart, bar) = body.split_horizontally(units(f64::from(WIDTH - BAR)));
            let colours = Axis::new(&samples, |s| s.2);
            self.chart(&chart, &samples, &colours)?;
            self.bar(&bar, &colours)?;
            root.present().map_err(|e| said(&e))?;
        }
        Ok(drawn)
    }

    /// The axes and the samples. Cells where at least half of a grid is filled, circles else.
    fn chart(
        &self,
        area: &Area,
        samples: &[(f64, f64, f64)],
        colours: &Axis,
    ) -> Result<(), String> {
        let (x, y) = (Axis::new(samples, |s| s.0), Axis::new(samples, |s| s.1));
        let grid = 2 * samples.len() >= x.values.len() * y.values.len();
        let range = |axis: &Axis| {
            let (low, high) = axis.ends();
            if grid {
                axis.stepped(axis.cell(low).0, axis.cell(high).1, 0.0)
            } else {
                axis.stepped(low, high, 0.06)
            }
        };
        let mut chart = ChartBuilder::on(area)
            .margin_left(units(5.0))
            .margin_right(units(8.0))
            .x_label_area_size(units(44.0))
            .y_label_area_size(units(66.0))
            .build_cartesian_2d(range(&x), range(&y))
            .map_err(|e| said(&e))?;
        styled(&mut chart.configure_mesh())
            .x_desc(self.labels[0].clone())
            .y_desc(self.labels[1].clone())
            .x_label_formatter(&|v| x.tick(*v))
            .y_label_formatter(&|v| y.tick(*v))
            .draw()
            .map_err(|e| said(&e))?;
        let cells = Cells { axes: [&x, &y], colours, grid };
        cells.draw(chart.plotting_area(), samples).map_err(|e| said(&e))
    }

    /// What the colours say: a bar of them with numbers to its right.
    fn bar(&self, area: &Area, colours: &Axis) -> Result<(), String> {
        let (low, high) = colours.ends();
        let (left, width, top, length) = (6.0, 14.0, 8.0, f64::from(BODY) - 52.0);
        let down = |share: f64| units(top + length * (1.0 - share));
        for shade in 0..SHADES {
            let share = |k: u32| f64::from(k) / f64::from(SHADES);
            let fill = ViridisRGB.get_color(share(shade) + 0.5 / f64::from(SHADES)).filled();
            let corners =
                [(units(left), down(share(shade + 1))), (units(left + width), down(share(shade)))];
            area.draw(&Rectangle::new(corners, fill)).map_err(|e| said(&e))?;
        }
        let style = text(12.0, &SOFT).pos(Pos::new(HPos::Left, VPos::Center));
        let Stepped { ticks, .. } = colours.stepped(low, high, 0.0);
        for place in ticks.into_iter().filter(|v| (low..=high).contains(v) && high > low) {
            let at = (units(left + width + 5.0), down((place - low) / (high - low)));
            area.draw(&Text::new(colours.tick(place), at, style.clone())).map_err(|e| said(&e))?;
        }
        let name = (units(left), units(top + length + 22.0));
        let style = text(12.5, &INK).pos(Pos::new(HPos::Left, VPos::Center));
        area.draw(&Text::new(self.labels[2].clone(), name, style)).map_err(|e| said(&e))
    }
}

/// Samples on their axes.
struct Cells<'a> {
    axes: [&'a Axis; 2],
    colours: &'a Axis,
    /// Cells of a grid; circles else.
    grid: bool,
}

impl Cells<'_> {
    fn draw(&self, area: &Plane<'_>, samples: &[(f64, f64, f64)]) -> Result<(), Fault> {
        let [x, y] = self.axes;
        let (low, high) = self.colours.ends();
        for (a, b, value) in samples {
            let share =
                if high > low { (self.colours.place(*value) - low) / (high - low) } else { 0.5 };
            let fill = ViridisRGB.get_color(share).filled();
            let (a, b) = (x.place(*a), y.place(*b));
            if self.grid {
                let ((left, right), (bottom, top)) = (x.cell(a), y.cell(b));
                area.draw(&Rectangle::new([(left, bottom), (right, top)], fill))?;
            } else {
                area.draw(&Circle::new((a, b), units(6.0), fill))?;
            }
        }
        let Some(least) = samples.iter().min_by(|a, b| a.2.total_cmp(&b.2)) else { return Ok(()) };
        let place = (x.place(least.0), y.place(least.1));
        let size = units(5.0);
        area.draw(&Cross::new(place, size, PAPER.stroke_width(units(4.0).unsigned_abs())))?;
        area.draw(&Cross::new(place, size, INK.stroke_width(units(1.8).unsigned_abs())))
    }
}

#[cfg(test)]
mod tests {
    use super::{Axis, HeatMap};

    fn map(samples: Vec<(f64, f64, f64)>) -> HeatMap {
        HeatMap {
            title: "Two <keys>".into(),
            labels: ["a (m)", "b", "objective"].map(str::to_owned),
            samples,
        }
    }

    /// Colours of what is filled before the bar, in their order; the paper is the first.
    fn fills(svg: &str, tag: &str) -> Vec<String> {
        let filled = svg.lines().filter(|l| l.starts_with(tag) && l.contains("stroke=\"none\""));
        filled
            .map(|l| l.split("fill=\"").nth(1).unwrap().split('"').next().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn a_grid_has_a_cell_for_each_pair_that_has_a_value() {
        let samples = |missing: f64| {
            vec![(1.0, 1.0, 0.0), (1.0, 2.0, 5.0), (2.0, 1.0, 10.0), (2.0, 2.0, missing)]
        };
        let svg = map(samples(5.0)).draw();
        assert_eq!(
            fills(&svg, "<rect")[1..5],
            ["#440154", "#23918C", "#FEE825", "#23918C"].map(str::to_owned),
            "{svg}"
        );
        assert!(fills(&svg, "<circle").is_empty() && svg.contains("Two &lt;keys&gt;"));
        // the paper, the cells and the shades of the bar
        assert_eq!(fills(&svg, "<rect").len(), 1 + 4 + 64);
        assert_eq!(
            fills(&map(samples(f64::NAN)).draw(), "<rect").len(),
            1 + 3 + 64,
            "no answer leaves a gap"
        );
    }

    #[test]
    fn scattered_samples_are_circles() {
        let scattered =
            (0..9).map(|k| (f64::from(k), f64::from(k * k % 7), f64::from(k))).collect();
        let svg = map(scattered).draw();
        assert_eq!(fills(&svg, "<circle").len(), 9, "{svg}");
    }

    #[test]
    fn cells_end_half_way_to_their_neighbours_on_the_axis_that_is_drawn() {
        let axis = Axis::new(&[(1.0, 0.0, 0.0), (10.0, 0.0, 0.0), (1000.0, 0.0, 0.0)], |s| s.0);
        assert!(axis.log);
        let rounded = |place: f64| {
            let (low, high) = axis.cell(place);
            (10.0 * low, 10.0 * high)
        };
        assert_eq!(
            [rounded(0.0), rounded(1.0), rounded(3.0)],
            [(-5.0, 5.0), (5.0, 20.0), (20.0, 40.0)]
        );
        let single = Axis::new(&[(3.0, 0.0, 0.0)], |s| s.0);
        assert_eq!((single.log, single.cell(3.0)), (false, (1.5, 4.5)));
    }

    #[test]
    fn what_cannot_be_shown_is_drawn_all_the_same() {
        for samples in [
            Vec::new(),
            vec![(1.0, 1.0, f64::NAN)],
            vec![(0.0, 0.0, 0.0)],
            vec![(1.0, 1.0, 2.0), (2.0, 2.0, 2.0)],
        ] {
            let svg = map(samples).draw();
            assert!(
                svg.contains("<svg") && !svg.contains("NaN") && !svg.contains("cannot be drawn"),
                "{svg}"
            );
        }
    }
}
