//! `motion` and `balls`: motions of rigid bodies.

mod balls;
mod inspect;
mod look;
mod motion;

pub(super) use balls::Balls;
pub use inspect::{InspectedBody, Inspection, inspect};
pub(super) use motion::Motion;

use cotangent_harness::figure::{Mark, Series};

fn series(label: &str, mark: Mark, points: impl IntoIterator<Item = (f64, f64)>) -> Series {
    Series { label: label.into(), mark, points: points.into_iter().collect() }
}

/// Width of a plot's area over its height.
const ASPECT: f64 = 1.75;

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
    [-1.0, 1.0].map(|s| series("", Mark::Thin, [(x + s * half_x, y + s * half_y)]))
}
