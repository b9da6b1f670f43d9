//! Two models that the library was not designed for: a Kalman filter and stiff chemical kinetics.

use cotangent_ad::check::taylor;
use cotangent_ad::implicit::{ImplicitError, Options, Residual, root};
use cotangent_ad::linalg::{LinalgError, Matrix, dot, log_det_spd, solve_spd};
use cotangent_ad::{Real, grad, hessian, try_value_and_grad};

/// Minus log-likelihood, but for a constant, of positions seen through noise, for a body whose velocity wanders.
///
/// `x = (log q, log r)`: variances of the velocity's steps and of the observations.
fn kalman<R: Real>(x: &[R], seen: &[f64]) -> Result<R, LinalgError> {
    let (q, r) = (x[0].exp(), x[1].exp());
    let lit = |a: [[f64; 2]; 2]| Matrix::lit(&Matrix::from_rows(&a));
    let (f, wander) = (lit([[1.0, 1.0], [0.0, 1.0]]), lit([[1.0 / 3.0, 0.5], [0.5, 1.0]]));
    let h = Matrix::lit(&Matrix::from_rows(&[[1.0, 0.0]]));
    let (mut m, mut p) = (vec![R::lit(0.0); 2], Matrix::identity(2));
    let mut total = R::lit(0.0);
    for z in seen {
        m = f.matvec(&m);
        p = &f.matmul(&p).matmul(&f.transpose()) + &wander.scale(q);
        let s = &h.matmul(&p).matmul(&h.transpose()) + &Matrix::identity(1).scale(r);
        let innovation = vec![-h.matvec(&m)[0] + *z];
        let gain = solve_spd(&s, &h.matmul(&p))?.transpose();
        let weighed = solve_spd(&s, &Matrix::new(1, 1, innovation.clone()))?;
        total += (dot(&innovation, weighed.data()) + log_det_spd(&s)?) * 0.5;
        m.iter_mut().zip(gain.matvec(&innovation)).for_each(|(m, k)| *m += k);
        p = &p - &gain.matmul(&h).matmul(&p);
    }
    Ok(total)
}

#[test]
fn a_kalman_filter_s_likelihood() {
    let seen: Vec<f64> = (0..25)
        .map(|k| (0.3 * f64::from(k)).sin() * 2.0 + (2.9 * f64::from(k)).cos() * 0.1)
        .collect();
    let x = [-2.0, -3.0];
    let (value, g) = try_value_and_grad(|x| kalman(x, &seen), &x).unwrap();
    assert_eq!(value, kalman(&x, &seen).unwrap());
    let v = [0.7, -0.4];
    let slope = g[0] * v[0] + g[1] * v[1];
    assert!(taylor(|x| kalman(x, &seen), &x, &v, slope, 0.1, 10).unwrap().passes());
    let h = hessian(|x| kalman(x, &seen).unwrap(), &x);
    let moved = |t: f64| grad(|x| kalman(x, &seen).unwrap(), &[x[0] + t * v[0], x[1] + t * v[1]]);
    let (above, below) = (moved(1e-5), moved(-1e-5));
    for i in 0..2 {
        let difference = (above[i] - below[i]) / 2e-5;
        let exact = h[2 * i] * v[0] + h[2 * i + 1] * v[1];
        assert!((exact - difference).abs() < 1e-7 * exact.abs().max(1.0), "{exact} {difference}");
    }
}

/// A step of implicit Euler for Robertson's reactions: `y - y0 - dt f(y) = 0`, rates in `p`, `p[3..6]` the state before.
#[derive(Clone)]
struct Robertson {
    dt: f64,
}

impl Residual for Robertson {
    fn residual<R: Real>(&self, y: &[R], p: &[R]) -> Vec<R> {
        let (decay, pair, catalysed) = (p[0] * y[0], p[1] * y[1] * y[1], p[2] * y[1] * y[2]);
        let rates = [catalysed - decay, decay - catalysed - pair, pair];
        (0..3).map(|i| y[i] - p[3 + i] - rates[i] * self.dt).collect()
    }
}

/// Concentrations after steps that double from 1e-4, up to about `t = 400`: rates from 0.04 to 3e7.
fn kinetics<R: Real>(log_rates: &[R]) -> Result<Vec<R>, ImplicitError> {
    let rates: Vec<R> = log_rates.iter().map(|k| k.exp()).collect();
    let mut y = vec![R::lit(1.0), R::lit(0.0), R::lit(0.0)];
    let mut guess = vec![1.0, 1e-5, 0.0];
    for k in 0..22 {
        let step = Robertson { dt: 1e-4 * 2.0_f64.powi(k) };
        y = root(&step, &guess, &[&rates[..], &y].concat(), &Options::default())?;
        guess = vec![0.9, 1e-5, 0.1];
    }
    Ok(y)
}

#[test]
fn stiff_chemical_kinetics() {
    let x = [0.04_f64.ln(), 3e7_f64.ln(), 1e4_f64.ln()];
    let end = kinetics(&x).unwrap();
    assert!((end.iter().sum::<f64>() - 1.0).abs() < 1e-12, "mass is conserved: {end:?}");
    let (_, g) = try_value_and_grad(|x| Ok::<_, ImplicitError>(kinetics(x)?[0]), &x).unwrap();
    let v = [0.5, -0.3, 0.8];
    let slope = g.iter().zip(v).map(|(g, v)| g * v).sum();
    let value = |x: &[f64]| Ok::<_, ImplicitError>(kinetics(x)?[0]);
    let test = taylor(value, &x, &v, slope, 0.1, 8).unwrap();
    assert!(test.passes(), "{test:?}");
}
