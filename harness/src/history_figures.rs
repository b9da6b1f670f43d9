//! Figures of a history: convergence, gradient, score, parameters.

use cotangent_answer::{Figure, Mark, Series};

use crate::history::Row;

/// Convergence, gradient, score and parameters. `score` is what the score measures, with its unit, where that is known.
pub fn history_figures(trace_names: &[String], rows: &[Row], score: Option<&str>) -> Vec<Figure> {
    let series = |label: &str, mark, value: &dyn Fn(&Row) -> Option<f64>| Series {
        label: label.into(),
        mark,
        points: rows.iter().filter_map(|r| value(r).map(|v| (r.index as f64, v))).collect(),
    };
    let figure = |name: &str, title: &str, y_label: &str, log_y, series| Figure {
        name: name.into(),
        title: title.into(),
        x_label: "iteration".into(),
        y_label: y_label.into(),
        log_x: false,
        log_y,
        series,
        panels: Vec::new(),
    };
    let positive = rows.iter().all(|r| r.value > 0.0);
    let mut figures = vec![figure(
        "convergence",
        "Objective",
        "objective",
        positive,
        vec![series("objective", Mark::Line, &|r| Some(r.value))],
    )];
    if rows.iter().any(|r| r.gradient_norm.is_some()) {
        let gradient = series("projected gradient", Mark::Line, &|r| r.gradient_norm);
        figures.push(figure(
            "gradient",
            "Projected gradient",
            "infinity norm, optimizer coordinates",
            true,
            vec![gradient],
        ));
    }
    if rows.iter().any(|r| r.score.is_some()) {
        let scores = series("validation", Mark::Line, &|r| r.score);
        figures.push(figure(
            "validation",
            "Validation score of each iterate",
            score.unwrap_or("score"),
            true,
            vec![scores],
        ));
    }
    figures.extend(trace_names.chunks(PAGE).enumerate().map(|(page, names)| {
        let traces: Vec<_> = names
            .iter()
            .enumerate()
            .map(|(k, name)| {
                let mark = MARKS[k % MARKS.len()];
                series(name, mark, &|r| r.traces.get(PAGE * page + k).copied())
            })
            .collect();
        let suffix = if page == 0 { String::new() } else { format!("-{}", page + 1) };
        let (title, y_label, traces) = on_one_axis(traces);
        figure(&format!("parameters{suffix}"), title, y_label, false, traces)
    }));
    figures
}

/// Traces of one figure.
const PAGE: usize = 6;
const MARKS: [Mark; 3] = [Mark::Line, Mark::Dashes, Mark::Dots];
/// Ratio of the largest travel to the least beyond which one axis does not show both.
const APART: f64 = 30.0;

/// Traces as they are, or, where one axis cannot show them all, each as its distance from its last value in shares of its
/// largest distance; with title and label of the axis.
fn on_one_axis(mut traces: Vec<Series>) -> (&'static str, &'static str, Vec<Series>) {
    let last = |s: &Series| s.points.last().map_or(0.0, |p| p.1);
    let extent = |s: &Series| {
        let last = last(s);
        s.points.iter().map(|p| (p.1 - last).abs()).fold(0.0, f64::max)
    };
    let largest = traces.iter().map(extent).fold(0.0, f64::max);
    let moved = traces.iter().map(extent).filter(|e| *e > 0.0);
    let apart = moved.fold(largest, f64::min) * APART < largest;
    // values that hardly move, far from each other, are not told apart either
    let offsets = traces.iter().map(|s| last(s).abs()).fold(0.0, f64::max) > APART * largest;
    if !(apart || offsets) || largest == 0.0 {
        return ("Parameters", "value or norm", traces);
    }
    for s in &mut traces {
        let (last, extent) = (last(s), extent(s));
        for p in &mut s.points {
            p.1 = if extent > 0.0 { (p.1 - last) / extent } else { 0.0 };
        }
    }
    ("Parameters on their way", "share of the way that is left", traces)
}

#[cfg(test)]
mod tests {
    use super::{Mark, Series, on_one_axis};

    #[test]
    fn traces_of_different_size_share_an_axis_by_their_travel() {
        let trace = |values: [f64; 3]| {
            Series::new("p", Mark::Line, values.into_iter().enumerate().map(|(k, v)| (k as f64, v)))
        };
        let values = |s: &Series| s.points.iter().map(|p| p.1).collect::<Vec<_>>();
        let (title, _, same) = on_one_axis(vec![trace([1.0, 2.0, 3.0]), trace([0.0, -5.0, 4.0])]);
        assert_eq!((title, values(&same[0])), ("Parameters", vec![1.0, 2.0, 3.0]));
        let (title, _, shares) =
            on_one_axis(vec![trace([900.0, 1000.0, 800.0]), trace([0.5, 0.75, 1.0])]);
        assert_eq!(title, "Parameters on their way");
        assert_eq!(values(&shares[0]), [0.5, 1.0, 0.0]);
        assert_eq!(values(&shares[1]), [-1.0, -0.5, 0.0]);
    }
}
