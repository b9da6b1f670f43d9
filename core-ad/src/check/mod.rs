//! Checks that a derivative is right, by means that share no code with it.

mod branching;
mod edge;
mod expression;
mod precise;

pub use branching::Branching;
pub use edge::edge_disagreement;
pub use expression::{Disagreement, Expression, disagreement};
pub use precise::Precise;

/// Remainders of a Taylor expansion along one direction.
#[derive(Clone, Debug, PartialEq)]
pub struct Taylor {
    /// Order of the expansion: 1 of [`taylor`], 2 of [`taylor_second`].
    pub order: u32,
    /// Steps `h`.
    pub steps: Vec<f64>,
    /// `|f(x + h v) - f(x) - h g.v|`, of order 2 less `h^2 v.H v / 2`.
    pub remainders: Vec<f64>,
    /// Least-squares slope of `log remainder` against `log h` over the steps above rounding: `order + 1` for right derivatives
    /// of a smooth function, less for wrong ones. `None` where all remainders are at rounding (a polynomial of this order).
    pub slope: Option<f64>,
}

impl Taylor {
    /// Whether the derivatives are right: the remainder is one order smaller than they, or there is none at all.
    pub fn passes(&self) -> bool {
        self.slope.is_none_or(|s| s >= f64::from(self.order) + 0.95)
    }
}

/// Taylor-remainder test of the directional derivative `slope_along_v = g.v` of `f` at `x`.
///
/// Steps start at `largest_step` and halve `count` times.
///
/// # Errors
/// The first error of `f`.
pub fn taylor<E>(
    f: impl FnMut(&[f64]) -> Result<f64, E>,
    x: &[f64],
    v: &[f64],
    slope_along_v: f64,
    largest_step: f64,
    count: usize,
) -> Result<Taylor, E> {
    expansion(f, x, v, (1, [slope_along_v, 0.0]), largest_step, count)
}

/// Taylor-remainder test of `g.v` and of the curvature `v.H v` of `f` at `x`; steps as those of [`taylor`].
///
/// # Errors
/// The first error of `f`.
pub fn taylor_second<E>(
    f: impl FnMut(&[f64]) -> Result<f64, E>,
    x: &[f64],
    v: &[f64],
    [slope, curvature]: [f64; 2],
    largest_step: f64,
    count: usize,
) -> Result<Taylor, E> {
    expansion(f, x, v, (2, [slope, curvature]), largest_step, count)
}

fn expansion<E>(
    mut f: impl FnMut(&[f64]) -> Result<f64, E>,
    x: &[f64],
    v: &[f64],
    (order, [slope_along_v, curvature]): (u32, [f64; 2]),
    largest_step: f64,
    count: usize,
) -> Result<Taylor, E> {
    let at_x = f(x)?;
    let mut steps = Vec::with_capacity(count);
    let mut remainders = Vec::with_capacity(count);
    let mut moved = vec![0.0; x.len()];
    let mut rounding = Vec::with_capacity(count);
    for k in 0..count {
        let h = largest_step * 0.5_f64.powi(i32::try_from(k).unwrap_or(i32::MAX));
        for i in 0..x.len() {
            moved[i] = x[i] + h * v[i];
        }
        let there = f(&moved)?;
        steps.push(h);
        remainders.push((there - at_x - h * (slope_along_v + 0.5 * h * curvature)).abs());
        rounding.push(64.0 * f64::EPSILON * (at_x.abs() + there.abs()));
    }
    let above = |k: &usize| remainders[*k] > 10.0 * rounding[*k];
    let points: Vec<(f64, f64)> =
        (0..count).filter(above).map(|k| (steps[k].ln(), remainders[k].ln())).collect();
    Ok(Taylor { order, slope: fit_slope(&points), steps, remainders })
}

/// Least-squares slope; `None` with fewer than three points.
fn fit_slope(points: &[(f64, f64)]) -> Option<f64> {
    if points.len() < 3 {
        return None;
    }
    let n = points.len() as f64;
    let (mean_x, mean_y) =
        (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    let covariance: f64 = points.iter().map(|p| (p.0 - mean_x) * (p.1 - mean_y)).sum();
    let variance: f64 = points.iter().map(|p| (p.0 - mean_x).powi(2)).sum();
    Some(covariance / variance)
}

/// Relative error of the dot-product test `<J x_dot, y_bar> = <x_dot, J^T y_bar>`.
///
/// # Panics
/// Where lengths differ.
pub fn dot_product(y_dot: &[f64], y_bar: &[f64], x_dot: &[f64], x_bar: &[f64]) -> f64 {
    assert!(y_dot.len() == y_bar.len() && x_dot.len() == x_bar.len(), "pairs of equal length");
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let size = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a * b).abs()).sum::<f64>();
    let scale = size(y_dot, y_bar).max(size(x_dot, x_bar)).max(f64::MIN_POSITIVE);
    (dot(y_dot, y_bar) - dot(x_dot, x_bar)).abs() / scale
}

/// Central difference `(f(x + h v) - f(x - h v)) / 2h`.
///
/// # Errors
/// The first error of `f`.
pub fn central_difference<E>(
    mut f: impl FnMut(&[f64]) -> Result<f64, E>,
    x: &[f64],
    v: &[f64],
    h: f64,
) -> Result<f64, E> {
    let moved = |h: f64| -> Vec<f64> { x.iter().zip(v).map(|(x, v)| x + h * v).collect() };
    Ok((f(&moved(h))? - f(&moved(-h))?) / (2.0 * h))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::{taylor, taylor_second};

    #[test]
    fn a_right_gradient_passes_and_a_wrong_one_does_not() {
        let f = |x: &[f64]| Ok::<_, Infallible>(x[0].sin() * x[1]);
        let test = |slope| taylor(f, &[0.4, 2.0], &[1.0, -0.5], slope, 0.1, 12).unwrap();
        let right = 0.4_f64.cos() * 2.0 - 0.5 * 0.4_f64.sin();
        assert!(test(right).passes());
        assert!(!test(right + 1e-3).passes());
        let bend = -2.0 * 0.4_f64.sin() - 0.4_f64.cos();
        let test = |bend| taylor_second(f, &[0.4, 2.0], &[1.0, -0.5], [right, bend], 0.1, 12);
        assert!(test(bend).unwrap().passes());
        assert!(!test(bend + 1e-3).unwrap().passes());
        let linear = |x: &[f64]| Ok::<_, Infallible>(3.0 * x[0]);
        assert_eq!(taylor(linear, &[1.0], &[1.0], 3.0, 0.1, 8).unwrap().slope, None);
    }
}
