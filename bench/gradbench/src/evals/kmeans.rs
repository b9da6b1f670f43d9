//! The cost of centroids, the sum of squared distances of points from the nearest, and Newton's direction: the gradient over the
//! diagonal of the Hessian, both from one reverse sweep over duals.

use cotangent_ad::{Dual, Real, grad};
use serde_json::Value;

use super::{Compute, unknown};
use crate::input::matrix;
use crate::output::Output;

/// `sum_i min_j |x_i - c_j|^2`. Which centroid is nearest is decided by value: only its distance is differentiated.
fn cost<R: Real>(points: &[f64], centroids: &[R], d: usize) -> R {
    let values: Vec<f64> = centroids.iter().map(|c| c.concrete()).collect();
    let mut total = R::lit(0.0);
    for x in points.chunks_exact(d) {
        let square = |c: &[f64]| x.iter().zip(c).map(|(x, c)| (x - c) * (x - c)).sum::<f64>();
        let squares = values.chunks_exact(d).map(square).enumerate();
        let Some((nearest, _)) = squares.min_by(|a, b| a.1.total_cmp(&b.1)) else { continue };
        for (x, c) in x.iter().zip(&centroids[nearest * d..][..d]) {
            let away = *c - *x;
            total += away * away;
        }
    }
    total
}

/// `g_k / H_kk`: the Hessian is diagonal, so `H 1` is its diagonal.
fn direction(points: &[f64], centroids: &[f64], d: usize) -> Vec<f64> {
    let x: Vec<Dual<f64, 1>> = centroids.iter().map(|c| Dual::seed(*c, 0)).collect();
    grad(|c| cost(points, c, d), &x).iter().map(|g| g.re / g.eps[0]).collect()
}

pub(super) fn prepare(function: &str, input: &Value) -> Result<Compute, String> {
    let ((points, d), (centroids, width)) = (matrix(input, "points")?, matrix(input, "centroids")?);
    if d == 0 || width != d {
        return Err(format!("points of {d} and centroids of {width} coordinates"));
    }
    Ok(match function {
        "cost" => Box::new(move || Ok(Output::Number(cost(&points, &centroids, d)))),
        "dir" => Box::new(move || Ok(Output::Rows(direction(&points, &centroids, d), d))),
        _ => return unknown(function),
    })
}
