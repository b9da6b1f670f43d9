//! Figures that the studies share.

use std::fmt::Write as _;

use cotangent_answer::{Figure, Mark, Series};

use crate::one_d::grid::Grid;

/// Chemical accuracy in hartree.
pub(super) const CHEMICAL_HA: f64 = 1.6e-3;

/// A function on the grid, within `reach` of the origin.
pub(super) fn on_grid(label: &str, mark: Mark, grid: &Grid, f: &[f64], reach: f64) -> Series {
    let inside = (0..grid.points()).filter(|i| grid.x(*i).abs() <= reach);
    Series::new(label, mark, inside.map(|i| (grid.x(i), f[i])))
}

/// Densities beside each other.
pub(super) fn densities(name: &str, title: &str, series: Vec<Series>) -> Figure {
    Figure::lines(name, title, ["x (bohr)", "density (1/bohr)"], series)
}

/// Potentials beside each other.
pub(super) fn potentials(name: &str, title: &str, series: Vec<Series>) -> Figure {
    Figure::lines(name, title, ["x (bohr)", "potential (Ha)"], series)
}

/// The exact curve in its band of chemical accuracy.
pub(super) fn exact_in_band(points: &[(f64, f64)]) -> [Series; 2] {
    [
        Series::band("exact +-1.6 mHa", CHEMICAL_HA, points),
        Series::new("exact", Mark::Line, points.iter().copied()),
    ]
}

/// Columns under a header, one row a grid point.
pub(super) fn table(grid: &Grid, columns: &[(&str, &[f64])]) -> Vec<u8> {
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let mut text = format!("x_bohr,{}\n", names.join(","));
    for i in 0..grid.points() {
        let row: Vec<String> = columns.iter().map(|(_, f)| format!("{:.12e}", f[i])).collect();
        let _ = writeln!(text, "{:.6},{}", grid.x(i), row.join(","));
    }
    text.into_bytes()
}
