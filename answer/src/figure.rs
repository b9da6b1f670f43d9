//! Figures as data: what a domain or a run has to show, not how it is drawn.

use serde::{Deserialize, Serialize};

use crate::Panel;

/// How a series is drawn. Lines differ by dash and points by shape, so that a print in black and white can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mark {
    /// A solid line.
    Line,
    /// A dashed line.
    Dashes,
    /// A dotted line.
    Dots,
    /// A thin grey line.
    Thin,
    /// Circles.
    Circles,
    /// Crosses.
    Crosses,
    /// A grey area: its points go along one side and back along the other.
    Band,
}

/// Points with a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Name in the legend; empty for none.
    pub label: String,
    /// How it is drawn.
    pub mark: Mark,
    /// `(x, y)`; points that are not finite (or not positive, on a log axis) are left out.
    pub points: Vec<(f64, f64)>,
}

impl Series {
    /// Points with a name.
    pub fn new(label: &str, mark: Mark, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Self { label: label.into(), mark, points: points.into_iter().collect() }
    }

    /// The area up to `half` above and below these points.
    pub fn band(label: &str, half: f64, points: &[(f64, f64)]) -> Self {
        let above = points.iter().map(|(x, y)| (*x, y + half));
        let below = points.iter().rev().map(|(x, y)| (*x, y - half));
        Self::new(label, Mark::Band, above.chain(below))
    }
}

/// A picture with axes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// File name without ending.
    pub name: String,
    /// Title.
    pub title: String,
    /// Label of the x axis, with its unit.
    pub x_label: String,
    /// Label of the y axis, with its unit.
    pub y_label: String,
    /// Logarithmic x axis.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub log_x: bool,
    /// Logarithmic y axis.
    pub log_y: bool,
    /// What is drawn.
    pub series: Vec<Series>,
    /// Images side by side; where there are any, they are the picture and there are no axes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub panels: Vec<Panel>,
}

impl Figure {
    /// Series over linear axes; the labels are those of x and y.
    pub fn lines(name: &str, title: &str, labels: [&str; 2], series: Vec<Series>) -> Self {
        let [x_label, y_label] = labels.map(str::to_owned);
        let (name, title) = (name.into(), title.into());
        let (log_x, log_y, panels) = (false, false, Vec::new());
        Self { name, title, x_label, y_label, log_x, log_y, series, panels }
    }
}

/// Whether places along an axis are spread over its decades: over three or more of them, and half of them within the first hundredth.
///
/// ```
/// use cotangent_answer::spread_over_decades;
/// assert!(spread_over_decades(&[0.0, 0.1, 1.0, 10.0, 100.0, 1000.0]));
/// assert!(!spread_over_decades(&[0.0, 0.1, 300.0, 600.0, 900.0]));
/// ```
pub fn spread_over_decades(places: &[f64]) -> bool {
    let last = places.iter().copied().fold(0.0, f64::max);
    let first = places.iter().copied().filter(|x| *x > 0.0).fold(f64::INFINITY, f64::min);
    let early = places.iter().filter(|x| **x <= 0.01 * last).count();
    places.iter().all(|x| *x >= 0.0) && last >= 1e3 * first && 2 * early >= places.len()
}
