//! A stiffly accurate, L-stable method of order 4 whose stages are solved one after the other.
//!
//! Hairer & Wanner, "Solving Ordinary Differential Equations II" (1996), section IV.6, table 6.5: SDIRK of order 4 with five
//! stages and `gamma = 1/4`, with its embedded method of order 3. Derivatives go through the stages by the implicit function
//! theorem, no iteration of Newton's method is differentiated.

use super::Dynamics;
use crate::implicit::{ImplicitError, Options, Residual, root_from};
use crate::real::Real;

const GAMMA: f64 = 0.25;
const C: [f64; 5] = [0.25, 0.75, 11.0 / 20.0, 0.5, 1.0];
/// Weights of the stages before; the last row gives the state, together with the last stage itself.
const A: [[f64; 4]; 5] = [
    [0.0; 4],
    [0.5, 0.0, 0.0, 0.0],
    [17.0 / 50.0, -1.0 / 25.0, 0.0, 0.0],
    [371.0 / 1360.0, -137.0 / 2720.0, 15.0 / 544.0, 0.0],
    [25.0 / 24.0, -49.0 / 48.0, 125.0 / 16.0, -85.0 / 12.0],
];
/// Weights of order 4 less those of order 3.
const ERROR: [f64; 5] = [
    25.0 / 24.0 - 59.0 / 48.0,
    -49.0 / 48.0 + 17.0 / 96.0,
    125.0 / 16.0 - 225.0 / 32.0,
    0.0,
    GAMMA,
];

/// `z - base - gamma h f(t, z, p) = 0`, with `(base, h, t, p)` as parameters.
#[derive(Clone)]
struct Stage<D> {
    dynamics: D,
    size: usize,
}

impl<D: Dynamics> Residual for Stage<D> {
    fn residual<R: Real>(&self, z: &[R], q: &[R]) -> Vec<R> {
        let (base, rest) = q.split_at(self.size);
        let (h, t, p) = (rest[0], rest[1], &rest[2..]);
        let rate = self.dynamics.rate(t, z, p);
        (0..self.size).map(|i| z[i] - base[i] - h * GAMMA * rate[i]).collect()
    }
}

/// The five slopes, and the state after the step.
fn stages<R: Real, D: Dynamics>(
    d: &D,
    t: R,
    h: R,
    y: &[R],
    p: &[R],
) -> Result<(Vec<Vec<R>>, Vec<R>), ImplicitError> {
    let n = y.len();
    let rule = Stage { dynamics: d.clone(), size: n };
    let mut k: Vec<Vec<R>> = Vec::with_capacity(C.len());
    let mut z = y.to_vec();
    for (c, a) in C.iter().zip(&A) {
        let slope = |i: usize| a.iter().zip(&k).fold(R::lit(0.0), |s, (a, k)| s + k[i] * *a);
        let base: Vec<R> = (0..n).map(|i| y[i] + h * slope(i)).collect();
        let parameters = [&base[..], &[h, t + h * *c], p].concat();
        z = root_from(&rule, move |q| q[..n].to_vec(), &parameters, &Options::default())?;
        let rate = d.rate(t + h * *c, &z, p);
        k.push(rate);
    }
    Ok((k, z))
}

/// The state after a step of `h` from `t`.
pub(super) fn step<R: Real, D: Dynamics>(
    d: &D,
    t: R,
    h: R,
    y: &[R],
    p: &[R],
) -> Result<Vec<R>, ImplicitError> {
    Ok(stages(d, t, h, y, p)?.1)
}

/// The same with an estimate of its error; in plain numbers.
pub(super) fn step_with_error<D: Dynamics>(
    d: &D,
    t: f64,
    h: f64,
    y: &[f64],
    p: &[f64],
) -> Result<(Vec<f64>, Vec<f64>), ImplicitError> {
    let (k, end) = stages(d, t, h, y, p)?;
    let entry = |i: usize| h * ERROR.iter().zip(&k).map(|(e, k)| e * k[i]).sum::<f64>();
    Ok((end, (0..y.len()).map(entry).collect()))
}

#[cfg(test)]
mod tests {
    use super::{A, C, ERROR, GAMMA};

    #[test]
    fn the_tableau_satisfies_its_order_conditions() {
        for (row, c) in A.iter().zip(C) {
            assert!((row.iter().sum::<f64>() + GAMMA - c).abs() < 1e-14);
        }
        let b: Vec<f64> = A[4].iter().copied().chain([GAMMA]).collect();
        for k in 0..4 {
            let sum: f64 = b.iter().zip(C).map(|(b, c)| b * c.powi(k)).sum();
            assert!((sum - 1.0 / f64::from(k + 1)).abs() < 1e-13, "{k}: {sum}");
        }
        // the difference of both methods is blind to polynomials up to order 3
        for k in 0..3 {
            let sum: f64 = ERROR.iter().zip(C).map(|(e, c)| e * c.powi(k)).sum();
            assert!(sum.abs() < 1e-13, "{k}: {sum}");
        }
    }
}
