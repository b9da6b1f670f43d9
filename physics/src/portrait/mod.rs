//! What there is to see of motions: paths and postures in two planes, and shapes in space.

mod balls;
mod look;
mod motion;

use cotangent_answer::{Figure, Mark, Series};

/// Width of a plot's area over its height.
const ASPECT: f64 = 1.75;

/// Two planes in which a motion is drawn: what it is called, and the coordinates across and up.
const VIEWS: [(&str, [usize; 2]); 2] = [("side", [0, 2]), ("above", [0, 1])];

/// What is drawn of a motion in one of [`VIEWS`], at the same scale across and up.
fn plane(
    name: &str,
    title: &str,
    (view, axes): (&str, [usize; 2]),
    mut drawn: Vec<Series>,
) -> Figure {
    drawn.extend(same_scale(&drawn));
    let seen = if view == "side" { "from the side" } else { "from above" };
    let [across, up] = axes.map(|k| format!("{} (m)", ["x", "y", "z"][k]));
    Figure::lines(&format!("{name}-{view}"), &format!("{title} {seen}"), [&across, &up], drawn)
}

/// Two invisible points that give both axes the same scale around `drawn`.
fn same_scale(drawn: &[Series]) -> [Series; 2] {
    let all = || drawn.iter().flat_map(|s| &s.points);
    let extent = |of: &dyn Fn(&(f64, f64)) -> f64| {
        let start = (f64::INFINITY, f64::NEG_INFINITY);
        all().map(of).fold(start, |(l, h), v| (l.min(v), h.max(v)))
    };
    let ((x0, x1), (y0, y1)) = (extent(&|p| p.0), extent(&|p| p.1));
    let height = (y1 - y0).max((x1 - x0) / ASPECT);
    let (half_x, half_y) = (0.5 * height * ASPECT, 0.5 * height);
    let (x, y) = (f64::midpoint(x0, x1), f64::midpoint(y0, y1));
    [-1.0, 1.0].map(|s| Series::new("", Mark::Thin, [(x + s * half_x, y + s * half_y)]))
}
