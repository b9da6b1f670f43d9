//! Rates of stiff chemical kinetics from measured concentrations: Robertson's reactions, by Gauss-Newton.
//!
//! Rates differ by nine orders of magnitude, so each step of implicit Euler is a root of its equations; derivatives go through
//! the roots by the implicit function theorem and no iteration of Newton's method is recorded.
//!
//! `cargo run --release -p cotangent-ad --example kinetics`

use std::io::{Write as _, stdout};

use cotangent_ad::implicit::{ImplicitError, Options, Residual, root_from};
use cotangent_ad::linalg::{Matrix, solve};
use cotangent_ad::{Real, try_jacobian_forward};

/// A step of implicit Euler: `y - y0 - dt f(y) = 0`, with the three rates in `p[..3]` and `y0` in `p[3..]`.
///
/// `A -> B`, `2 B -> B + C`, `B + C -> A + C` (Robertson 1966).
#[derive(Clone)]
struct Step {
    dt: f64,
}

impl Residual for Step {
    fn residual<R: Real>(&self, y: &[R], p: &[R]) -> Vec<R> {
        let (decay, pair, catalysed) = (p[0] * y[0], p[1] * y[1] * y[1], p[2] * y[1] * y[2]);
        let rates = [catalysed - decay, decay - catalysed - pair, pair];
        (0..3).map(|i| y[i] - p[3 + i] - rates[i] * self.dt).collect()
    }
}

/// Steps, each 1.5 times the one before; the last ends at about 1.5e4.
const STEPS: i32 = 44;

/// Concentrations of A, B and C after every fourth step from pure A.
fn concentrations<R: Real>(log_rates: &[R]) -> Result<Vec<R>, ImplicitError> {
    let rates: Vec<R> = log_rates.iter().map(|k| k.exp()).collect();
    let mut y = vec![R::lit(1.0), R::lit(0.0), R::lit(0.0)];
    let mut seen = Vec::new();
    for k in 0..STEPS {
        let (step, p) = (Step { dt: 1e-4 * 1.5_f64.powi(k) }, [&rates[..], &y].concat());
        y = root_from(&step, |p| p[3..].to_vec(), &p, &Options::default())?;
        if k % 4 == 3 {
            seen.extend(&y);
        }
    }
    Ok(seen)
}

/// Weights of the residuals: B is five orders of magnitude rarer than A and C.
fn weight(entry: usize) -> f64 {
    if entry % 3 == 1 { 1e5 } else { 1.0 }
}

/// Gauss-Newton steps on `sum w^2 (y - measured)^2 / 2`, until they are small: the logarithms of the rates, and steps taken.
fn fit(measured: &[f64], start: [f64; 3]) -> Result<(Vec<f64>, usize), Box<dyn std::error::Error>> {
    let mut x = start.to_vec();
    for taken in 1..=50 {
        let y = concentrations(&x)?;
        let jacobian = try_jacobian_forward(concentrations, &x)?;
        let j = Matrix::from_fn(y.len(), 3, |i, k| weight(i) * jacobian[3 * i + k]);
        let r: Vec<f64> = (0..y.len()).map(|i| weight(i) * (y[i] - measured[i])).collect();
        let normal = j.transpose().matmul(&j);
        let step = solve(&normal, &j.transpose().matvec(&r))?;
        // no rate changes by more than a factor e at once
        let longest = step.iter().fold(1.0_f64, |most, s| most.max(s.abs()));
        x.iter_mut().zip(&step).for_each(|(x, s)| *x -= s / longest);
        if step.iter().all(|s| s.abs() < 1e-10) {
            return Ok((x, taken));
        }
    }
    Err("Gauss-Newton did not converge in 50 steps; start closer".into())
}

const TRUTH: [f64; 3] = [0.04, 3e7, 1e4];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let measured = concentrations(&TRUTH.map(f64::ln))?;
    let start = [0.1, 1e7, 3e4];
    let (x, taken) = fit(&measured, start.map(f64::ln))?;
    let mut out = stdout().lock();
    writeln!(out, "after {taken} steps of Gauss-Newton")?;
    for k in 0..3 {
        let (found, truth) = (x[k].exp(), TRUTH[k]);
        writeln!(
            out,
            "rate {}: from {:.1e} to {found:.9e}, the truth {truth:.1e}",
            k + 1,
            start[k]
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use cotangent_ad::check::taylor;
    use cotangent_ad::implicit::ImplicitError;
    use cotangent_ad::try_value_and_grad;

    use super::{TRUTH, concentrations, fit};

    #[test]
    fn derivatives_go_through_the_stiff_steps() {
        let x = TRUTH.map(f64::ln);
        let y = concentrations(&x).unwrap();
        for at in y.chunks(3) {
            assert!((at.iter().sum::<f64>() - 1.0).abs() < 1e-12, "mass is conserved: {at:?}");
        }
        let (last, v) = (y.len() - 3, [0.5, -0.3, 0.8]);
        let (_, g) =
            try_value_and_grad(|x| Ok::<_, ImplicitError>(concentrations(x)?[last]), &x).unwrap();
        let slope = g.iter().zip(v).map(|(g, v)| g * v).sum();
        let value = |x: &[f64]| Ok::<_, ImplicitError>(concentrations(x)?[last]);
        let test = taylor(value, &x, &v, slope, 0.1, 8).unwrap();
        assert!(test.passes(), "{test:?}");
    }

    #[test]
    fn the_rates_are_found_again() {
        let measured = concentrations(&TRUTH.map(f64::ln)).unwrap();
        let (x, _) = fit(&measured, [0.1_f64.ln(), 1e7_f64.ln(), 3e4_f64.ln()]).unwrap();
        for (x, truth) in x.iter().zip(TRUTH) {
            assert!((x.exp() / truth - 1.0).abs() < 1e-8, "{} {truth}", x.exp());
        }
    }
}
