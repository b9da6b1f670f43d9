//! Densities in CSV files: a header, then lines of x in bohr and density in 1/bohr, x ascending.

use cotangent_dft::one_d::Grid;

use super::super::document::Settings;
use super::super::keys::{File, Key};
use crate::diagnostic::{Diagnostic, Source};

/// The density in the file that `key` names, on the grid: linear between its points, zero outside.
pub(super) fn read(
    s: &Settings,
    key: Key<Option<File>>,
    path: &str,
    grid: &Grid,
) -> Result<Vec<f64>, Diagnostic> {
    let code = "cotangent::model::density";
    let refuse = |message: String| {
        let help = "a header, then lines of x and density: -20.48,1.3e-9";
        s.problem(code, key, message, help)
    };
    let text = std::fs::read_to_string(path).map_err(|e| refuse(format!("cannot be read: {e}")))?;
    let source = Source { name: path.into(), text: text.as_str().into() };
    let mut points: Vec<(f64, f64)> = Vec::new();
    let mut from = 0;
    for (k, line) in text.split_inclusive('\n').enumerate() {
        let span = from..from + line.trim_end().len();
        from += line.len();
        if k == 0 || line.trim().is_empty() {
            continue;
        }
        let mut words = line.split(',').map(|w| w.trim().parse::<f64>());
        let found = match (words.next(), words.next()) {
            (Some(Ok(x)), Some(Ok(n))) if x.is_finite() && n.is_finite() && n >= 0.0 => (x, n),
            _ => {
                let message = "a line of a density is x and a density that is not negative";
                let help = "such as -20.48,1.3e-9";
                return Err(Diagnostic::at(code, message, &source, span, "here", help));
            }
        };
        if points.last().is_some_and(|last| last.0 >= found.0) {
            let help = "sort the lines by x, each x once";
            let message = "x does not ascend";
            return Err(Diagnostic::at(code, message, &source, span, "here", help));
        }
        points.push(found);
    }
    if points.len() < 2 {
        return Err(refuse(format!("the file has {} points", points.len())));
    }
    Ok((0..grid.points()).map(|i| interpolate(&points, grid.x(i))).collect())
}

fn interpolate(points: &[(f64, f64)], x: f64) -> f64 {
    let k = points.partition_point(|p| p.0 < x - 1e-9);
    match (k.checked_sub(1).map(|l| points[l]), points.get(k)) {
        (_, Some((right, n))) if (right - x).abs() <= 1e-9 => *n,
        (Some((left, n)), Some((right, m))) => n + (m - n) * (x - left) / (right - left),
        _ => 0.0,
    }
}
