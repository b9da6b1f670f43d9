//! Maximum likelihood through a Kalman filter: how much a body's velocity wanders, and how noisy its observer is.
//!
//! The filter is written once over `Real`; Newton's method takes its gradient and Hessian, and the inverse Hessian at the
//! maximum gives standard errors.
//!
//! `cargo run --release -p cotangent-ad --example kalman`

use std::io::{Write as _, stdout};

use cotangent_ad::linalg::{LinalgError, Matrix, dot, inverse, log_det_spd, solve, solve_spd};
use cotangent_ad::random::Stream;
use cotangent_ad::{Real, try_hessian, try_value_and_grad};

/// Minus log-likelihood, but for a constant, of positions seen through noise, for a body whose velocity wanders.
///
/// `x = (log q, log r)`: variances of the velocity's steps and of the observations.
fn minus_log_likelihood<R: Real>(x: &[R], seen: &[f64]) -> Result<R, LinalgError> {
    let (q, r) = (x[0].exp(), x[1].exp());
    let (f, h) = (Matrix::literal(&[[1.0, 1.0], [0.0, 1.0]]), Matrix::literal(&[[1.0, 0.0]]));
    let wander = Matrix::literal(&[[1.0 / 3.0, 0.5], [0.5, 1.0]]).scale(q);
    let noise = Matrix::identity(1).scale(r);
    let (mut m, mut p) = (vec![R::lit(0.0); 2], Matrix::identity(2));
    let mut total = R::lit(0.0);
    for z in seen {
        m = f.matvec(&m);
        p = &f.matmul(&p).matmul(&f.transpose()) + &wander;
        let s = &h.matmul(&p).matmul(&h.transpose()) + &noise;
        let innovation = vec![-h.matvec(&m)[0] + *z];
        let gain = solve_spd(&s, &h.matmul(&p))?.transpose();
        let weighed = solve_spd(&s, &Matrix::new(1, 1, innovation.clone()))?;
        total += (dot(&innovation, weighed.data()) + log_det_spd(&s)?) * 0.5;
        m.iter_mut().zip(gain.matvec(&innovation)).for_each(|(m, k)| *m += k);
        p = &p - &gain.matmul(&h).matmul(&p);
    }
    Ok(total)
}

/// Positions of a body under random velocity steps of variance `q`, seen with noise of variance `r`.
fn observations(n: u64, q: f64, r: f64) -> Vec<f64> {
    let (pushes, noise) = (Stream::new(&[1]), Stream::new(&[2]));
    let (mut position, mut velocity) = (0.0, 0.0);
    let one = |k| {
        // the two of a step have covariance q [[1/3, 1/2], [1/2, 1]]
        let (a, b) = (pushes.normal(2 * k) * q.sqrt(), pushes.normal(2 * k + 1) * q.sqrt());
        position += velocity + 0.5 * a + b / 12.0_f64.sqrt();
        velocity += a;
        position + r.sqrt() * noise.normal(k)
    };
    (0..n).map(one).collect()
}

/// Newton's method on the log-likelihood, each step halved until it descends: the maximum and the Hessian there.
fn maximum(seen: &[f64], start: [f64; 2]) -> Result<(Vec<f64>, Matrix<f64>), LinalgError> {
    let mut x = start.to_vec();
    loop {
        let (value, g) = try_value_and_grad(|x| minus_log_likelihood(x, seen), &x)?;
        let h = Matrix::new(2, 2, try_hessian(|x| minus_log_likelihood(x, seen), &x)?);
        let newton = solve(&h, &g)?;
        // far from the maximum the Hessian may not be definite
        let step = if dot(&newton, &g) > 0.0 { newton } else { g };
        if step.iter().all(|s| s.abs() < 1e-9) {
            return Ok((x, h));
        }
        let moved = |t: f64| -> Vec<f64> { x.iter().zip(&step).map(|(x, s)| x - t * s).collect() };
        let mut share = 1.0 / step.iter().fold(1.0_f64, |most, s| most.max(s.abs()));
        while minus_log_likelihood(&moved(share), seen)? >= value && share > 1e-9 {
            share *= 0.5;
        }
        x = moved(share);
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (q, r) = (0.01, 0.25);
    let (x, h) = maximum(&observations(1000, q, r), [0.0, 0.0])?;
    let covariance = inverse(&h)?;
    let mut out = stdout().lock();
    for (k, (name, truth)) in [("q", q), ("r", r)].into_iter().enumerate() {
        let (found, error) = (x[k], covariance[(k, k)].sqrt());
        writeln!(out, "log {name} = {found:.3} +- {error:.3}, the truth {:.3}", truth.ln())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use cotangent_ad::check::taylor;
    use cotangent_ad::linalg::inverse;
    use cotangent_ad::{try_hessian, try_value_and_grad};

    use super::{maximum, minus_log_likelihood, observations};

    #[test]
    fn gradient_and_hessian_are_those_of_the_filter() {
        let seen = observations(40, 0.1, 0.3);
        let (x, v) = ([-2.0, -3.0], [0.7, -0.4]);
        let along = |g: &[f64]| g[0] * v[0] + g[1] * v[1];
        let gradient = |x: &[f64]| try_value_and_grad(|x| minus_log_likelihood(x, &seen), x);
        let (value, g) = gradient(&x).unwrap();
        assert_eq!(value.to_bits(), minus_log_likelihood(&x, &seen).unwrap().to_bits());
        let test = taylor(|x| minus_log_likelihood(x, &seen), &x, &v, along(&g), 0.1, 10).unwrap();
        assert!(test.passes(), "{test:?}");
        let h = try_hessian(|x| minus_log_likelihood(x, &seen), &x).unwrap();
        for i in 0..2 {
            let entry = |x: &[f64]| Ok::<_, cotangent_ad::linalg::LinalgError>(gradient(x)?.1[i]);
            let test = taylor(entry, &x, &v, along(&h[2 * i..][..2]), 0.1, 10).unwrap();
            assert!(test.passes(), "row {i}: {test:?}");
        }
    }

    #[test]
    fn the_maximum_is_within_three_standard_errors_of_the_truth() {
        let (x, h) = maximum(&observations(1000, 0.01, 0.25), [0.0, 0.0]).unwrap();
        let covariance = inverse(&h).unwrap();
        for (k, truth) in [0.01_f64.ln(), 0.25_f64.ln()].into_iter().enumerate() {
            let error = covariance[(k, k)].sqrt();
            assert!((x[k] - truth).abs() < 3.0 * error && error < 0.5, "{k}: {} {error}", x[k]);
        }
    }
}
