//! Programs of trades: filters, splines, queues, transport, spins, equilibria, in every mode against duals and differences.

use cotangent_ad::implicit::{self, Map, Residual, fixed_point, root};
use cotangent_ad::linalg::{
    Banded, Matrix, MatrixFactor, dot, inverse, ln_symmetric, qr, singular_values, solve_banded,
    solve_sylvester, sqrt_symmetric,
};
use cotangent_ad::ode::{self, Dynamics};
use cotangent_ad::special::{
    bessel_j, beta_inc, digamma, erf_inv, log_1m_exp, log_sigmoid, log_sum_exp, maximum, median,
    minimum, normal_quantile, polygamma, quantile, softplus,
};
use cotangent_ad::{Dual, Num, Real, Var, VectorFn, grad, jacobian_forward};

use super::further::agree;
use super::{function, sum};

/// Entropic transport between points of a line, by Sinkhorn's scaling in logarithms.
fn transported<R: Real>(x: &[R]) -> R {
    let n = 3;
    let cost = |i: usize, j: usize| (x[i] - x[3 + j]) * (x[i] - x[3 + j]);
    let epsilon = 0.4;
    let (mut f, mut g) = (vec![R::lit(0.0); n], vec![R::lit(0.0); n]);
    for _ in 0..60 {
        for i in 0..n {
            let row: Vec<R> = (0..n).map(|j| (g[j] - cost(i, j)) / epsilon).collect();
            f[i] = -log_sum_exp(&row) * epsilon;
        }
        for j in 0..n {
            let column: Vec<R> = (0..n).map(|i| (f[i] - cost(i, j)) / epsilon).collect();
            g[j] = -log_sum_exp(&column) * epsilon;
        }
    }
    sum(f) + sum(g)
}

#[test]
fn points_are_carried_to_points() {
    function!(Transport, |x: &[R]| vec![transported(x)]);
    agree("entropic transport", &Transport, &[0.1, 0.9, 2.0, 0.4, 1.1, 1.6]);
}

#[test]
fn a_filter_sees_a_trend() {
    function!(Kalman, |x: &[R]| {
        // a local linear trend: log likelihood of a Kalman filter
        let (q, r) = (x[0].exp(), x[1].exp());
        let mut m = [x[2], R::lit(0.1)];
        let mut p = Matrix::from_rows(&[[R::lit(1.0), R::lit(0.2)], [R::lit(0.2), R::lit(0.5)]]);
        let a = Matrix::from_rows(&[[R::lit(1.0), R::lit(1.0)], [R::lit(0.0), x[3]]]);
        let mut log = R::lit(0.0);
        for y in [0.2, 1.1, 1.7, 3.2, 3.9] {
            m = [m[0] + m[1], x[3] * m[1]];
            p = a.matmul(&p).matmul(&a.transpose());
            p = Matrix::from_fn(2, 2, |i, j| if i == j { p[(i, j)] + q } else { p[(i, j)] });
            let s = p[(0, 0)] + r;
            let e = -m[0] + y;
            log -= (s.ln() + e * e / s) * 0.5;
            let k = [p[(0, 0)] / s, p[(1, 0)] / s];
            m = [m[0] + k[0] * e, m[1] + k[1] * e];
            let old = p.clone();
            p = Matrix::from_fn(2, 2, |i, j| old[(i, j)] - k[i] * old[(0, j)]);
        }
        vec![log]
    });
    agree("a Kalman filter", &Kalman, &[-1.2, -0.5, 0.3, 0.9]);
}

#[test]
fn a_spline_bends_with_its_values() {
    function!(Spline, |x: &[R]| {
        // natural cubic spline through values, at a place that is a variable, its second derivatives by a tridiagonal solve
        let n = 6;
        let y = &x[..n];
        let a = Banded::from_fn(n, 1, 1, |i, j| {
            R::lit(match (i, j) {
                (0, 0) | (5, 5) => 1.0,
                (0, 1) | (5, 4) => 0.0,
                (i, j) if i == j => 4.0,
                _ => 1.0,
            })
        });
        let rhs: Vec<R> = (0..n)
            .map(|i| {
                if i == 0 || i == n - 1 {
                    R::lit(0.0)
                } else {
                    (y[i - 1] - y[i] * 2.0 + y[i + 1]) * 6.0
                }
            })
            .collect();
        let m = solve_banded(&a, &Matrix::new(n, 1, rhs)).unwrap().into_data();
        let at = x[n];
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 4")]
        let k = at.concrete().floor() as usize;
        let (s, t) = (at - k as f64, -at + (k as f64 + 1.0));
        let value = m[k] * t.powi(3) / 6.0
            + m[k + 1] * s.powi(3) / 6.0
            + (y[k] - m[k] / 6.0) * t
            + (y[k + 1] - m[k + 1] / 6.0) * s;
        vec![value * value.exp()]
    });
    agree("a spline", &Spline, &[0.1, 0.7, -0.3, 0.5, 0.9, 0.2, 2.3]);
}

/// De Boor's recursion with the knots as variables.
fn de_boor<R: Real>(t: R, knots: &[R], c: &[f64]) -> R {
    let degree = 3;
    let k = (degree..knots.len() - degree - 1).rfind(|k| knots[*k] <= t).unwrap();
    let mut d: Vec<R> = (0..=degree).map(|j| R::lit(c[j + k - degree])).collect();
    for r in 1..=degree {
        for j in (r..=degree).rev() {
            let (left, right) = (knots[j + k - degree], knots[j + 1 + k - r]);
            let share = (t - left) / (right - left);
            d[j] = d[j - 1] * (-share + 1.0) + d[j] * share;
        }
    }
    d[degree]
}

#[test]
fn a_curve_moves_with_its_knots() {
    function!(Curve, |x: &[R]| {
        let end = |v: f64| [R::lit(v); 4];
        let knots: Vec<R> =
            end(0.0).into_iter().chain(x[1..].iter().copied()).chain(end(5.0)).collect();
        vec![de_boor(x[0], &knots, &[0.2, 1.0, -0.5, 0.8, 0.1, 1.3, 0.4]).sin()]
    });
    agree("a B-spline by its knots", &Curve, &[2.4, 1.1, 1.9, 3.2]);
}

#[test]
fn customers_wait() {
    function!(Queue, |x: &[R]| {
        // waiting times after Lindley
        let mut wait = R::lit(0.0);
        let mut total = R::lit(0.0);
        for k in 0..25 {
            let (service, gap) = (
                x[0] * (1.0 + 0.6 * (1.3 * f64::from(k)).sin()),
                x[1] * (1.0 + 0.5 * (2.1 * f64::from(k)).cos()),
            );
            wait = (wait + service - gap).max(R::lit(0.0));
            total += wait * wait;
        }
        vec![total]
    });
    agree("a queue", &Queue, &[1.07, 0.93]);
}

#[test]
fn a_descent_depends_on_its_rates() {
    function!(Learned, |x: &[R]| {
        // the loss after ten steps of gradient descent with momentum, by its rates: a derivative within
        let mut w = [R::lit(0.7), R::lit(-0.4)];
        let mut v = [R::lit(0.0); 2];
        for _ in 0..10 {
            let g: Vec<R> = (0..2)
                .map(|k| {
                    let seeded: Vec<Dual<R, 1>> = (0..2)
                        .map(|j| Dual { re: w[j], eps: [R::lit(f64::from(u8::from(j == k)))] })
                        .collect();
                    let loss = (seeded[0] * seeded[0] - seeded[1]).powi(2)
                        + (seeded[0] - 1.0).powi(2) * 0.1;
                    loss.eps[0]
                })
                .collect();
            for k in 0..2 {
                v[k] = v[k] * x[1] - g[k] * x[0];
                w[k] += v[k];
            }
        }
        vec![(w[0] * w[0] - w[1]).powi(2) + (w[0] - 1.0).powi(2) * 0.1]
    });
    agree("unrolled descent", &Learned, &[0.05, 0.6]);
}

/// The misfit of a network of two layers, whose rows are slices of its weights.
fn misfit<R: Real>(weights: &[R], input: &[R]) -> R {
    let (inner, rest) = weights.split_at(20);
    let (bias, outer) = rest.split_at(5);
    let neuron = |(row, bias): (&[R], &R)| (dot(row, input) + *bias).tanh();
    let hidden: Vec<R> = inner.chunks(4).zip(bias).map(neuron).collect();
    let output: Vec<R> = outer.chunks(5).map(|row| dot(row, &hidden)).collect();
    dot(&output, &output) + dot(&weights[..8], &weights[4..12]) * 0.1
}

#[test]
fn networks_take_slices_of_their_weights() {
    let weights: Vec<f64> = (0..49).map(|k| 0.4 * (f64::from(k) * 1.3).sin()).collect();
    function!(Slices, |x: &[R]| vec![misfit(&x[..45], &x[45..])]);
    agree("a network of slices", &Slices, &weights);
    function!(Learned, |x: &[R]| {
        // after a step of descent by a gradient within, on the slices of another tape
        let (weights, input) = x.split_at(45);
        let slopes =
            grad(|w| misfit(w, &input.iter().map(|x| Var::konst(*x)).collect::<Vec<_>>()), weights);
        let moved: Vec<R> = weights.iter().zip(&slopes).map(|(w, s)| *w - *s * 0.1).collect();
        vec![misfit(&moved, input)]
    });
    agree("a network after a step", &Learned, &weights);
}

#[test]
fn a_strip_of_spins() {
    function!(Ising, |x: &[R]| {
        // free energy of a strip by its transfer matrix
        let spins = |s: usize, k: usize| if s >> k & 1 == 0 { 1.0 } else { -1.0 };
        let t = Matrix::from_fn(4, 4, |a, b| {
            let within = |s: usize| spins(s, 0) * spins(s, 1);
            let across: f64 = (0..2).map(|k| spins(a, k) * spins(b, k)).sum();
            let field: f64 = (0..2).map(|k| spins(a, k) + spins(b, k)).sum();
            (x[0] * (across + 0.5 * (within(a) + within(b))) + x[1] * (0.5 * field)).exp()
        });
        let mut power = t.clone();
        let mut log = R::lit(0.0);
        for _ in 0..7 {
            power = power.matmul(&power);
            let size = power.trace();
            log = log * 2.0 + size.ln();
            power = power.scale(size.recip());
        }
        vec![log / 128.0 - x[0] * x[1]]
    });
    agree("a transfer matrix", &Ising, &[0.44, 0.13]);
}

#[test]
fn distributions_and_order_statistics() {
    function!(Beta, |x: &[R]| vec![
        beta_inc(2.5, 0.7, x[0]).ln()
            + erf_inv(x[1]) * normal_quantile(x[0])
            + bessel_j(2, x[0] * 9.0)
    ]);
    agree("distribution functions", &Beta, &[0.37, 0.81]);
    function!(Logs, |x: &[R]| vec![
        log_1m_exp(-x[0])
            + softplus(x[1] * 40.0) * 0.01
            + log_sigmoid(-(x[1] * 30.0))
            + polygamma(1, x[0]) * digamma(x[1])
    ]);
    agree("stable logarithms", &Logs, &[0.02, 1.4]);
    function!(Quantiles, |x: &[R]| vec![
        quantile(x, 0.3) * median(x) + maximum(x).exp() - minimum(x).powi(3)
    ]);
    agree("quantiles", &Quantiles, &[0.3, 1.7, -0.6, 0.9, 2.2]);
}

#[test]
fn factors_of_matrices() {
    function!(Fitted, |x: &[R]| {
        // a line through points by QR, of which the abscissae are variables
        let a = Matrix::from_fn(5, 2, |i, j| if j == 0 { R::lit(1.0) } else { x[i] });
        let f = qr(&a).unwrap();
        let y = [0.3, 0.8, 1.4, 1.1, 2.3];
        let q: Vec<R> = (0..2).map(|j| sum((0..5).map(|i| f.q[(i, j)] * y[i]))).collect();
        let slope = q[1] / f.r[(1, 1)];
        vec![slope * ((q[0] - f.r[(0, 1)] * slope) / f.r[(0, 0)])]
    });
    agree("a fit by orthogonal factors", &Fitted, &[0.1, 0.9, 1.7, 2.4, 3.6]);
    function!(Condition, |x: &[R]| {
        let a = Matrix::from_fn(4, 3, |i, j| {
            (x[j] * (i as f64 + 0.5)).sin() + f64::from(u8::from(i == j))
        });
        let s = singular_values(&a).unwrap();
        vec![s[0] / s[2]]
    });
    let x = [0.7, 1.3, 2.2];
    let [r, f] = [grad(|x| Condition.call(x)[0], &x), jacobian_forward(|x| Condition.call(x), &x)];
    assert!(r.iter().zip(&f).all(|(a, b)| (a - b).abs() < 1e-11 * b.abs().max(1.0)));
    function!(Mean, |x: &[R]| {
        // geometric mean of two symmetric matrices
        let spd = |a: R, b: R, c: R| Matrix::from_rows(&[[a.exp(), b], [b, c.exp() + 1.0]]);
        let (a, b) = (spd(x[0], x[1], x[2]), spd(x[2], x[0] * 0.3, x[1]));
        let half = sqrt_symmetric(&a).unwrap();
        let back = inverse(&half).unwrap();
        let inner = sqrt_symmetric(&back.matmul(&b).matmul(&back).symmetric_part()).unwrap();
        let mean = half.matmul(&inner).matmul(&half);
        vec![mean.trace() + ln_symmetric(&mean.symmetric_part()).unwrap()[(0, 1)]]
    });
    agree("a geometric mean of matrices", &Mean, &[0.3, 0.2, 0.6]);
    function!(Lyapunov, |x: &[R]| {
        let a = Matrix::from_rows(&[[x[0] + 1.0, x[1]], [x[1], x[2] + 1.0]]);
        let q = Matrix::from_rows(&[[R::lit(1.0), x[1]], [x[1] * 0.3, R::lit(2.0)]]);
        let p = solve_sylvester(&a, &a.scale(R::lit(-1.0)), &q).unwrap();
        vec![p.trace() * p[(0, 1)]]
    });
    agree("Lyapunov's equation", &Lyapunov, &[0.9, 0.4, 0.7]);
    function!(Factor, |x: &[R]| {
        let a = Matrix::from_fn(4, 4, |i, j| {
            x[(i * 3 + j) % 5] + if i == j { R::lit(0.0) } else { x[j] * x[i] }
        });
        let f = MatrixFactor::lu(&a).unwrap();
        let once = f.solve(&x[..4]).unwrap();
        let twice = f.solve_transposed(&once).unwrap();
        vec![dot(&once, &twice)]
    });
    agree("one factor, two solves", &Factor, &[0.3, 1.2, -0.8, 0.5, 2.0]);
}

/// A closed loop: `x = tanh(W x + b)`.
#[derive(Clone)]
struct Loop;
impl Map for Loop {
    fn map<R: Real>(&self, y: &[R], p: &[R]) -> Vec<R> {
        (0..2).map(|i| (y[0] * p[2 * i] + y[1] * p[2 * i + 1] + p[4 + i]).tanh()).collect()
    }
}

/// Equilibrium of a game: both players' conditions.
#[derive(Clone)]
struct Game;
impl Residual for Game {
    fn residual<R: Real>(&self, y: &[R], p: &[R]) -> Vec<R> {
        let price = -(y[0] + y[1]) * p[0] + 10.0;
        vec![price - y[0] * p[0] - p[1] * y[0], price - y[1] * p[0] - y[1] * y[1] * p[2]]
    }
}

/// Two reactions, stiff.
#[derive(Clone)]
struct Reaction;
impl Dynamics for Reaction {
    fn rate<R: Real>(&self, t: R, y: &[R], p: &[R]) -> Vec<R> {
        let fast = p[0] * (y[0] * y[0] - y[1]);
        vec![-fast * 2.0 + (t * p[1]).sin(), fast - y[1] * p[2]]
    }
}

#[test]
fn equilibria_and_stiff_equations() {
    function!(Equilibrium, |x: &[R]| {
        let y = fixed_point(&Loop, &[0.1, 0.1], x, &implicit::Options::default()).unwrap();
        vec![y[0] * y[1] + y[0].exp()]
    });
    agree("a deep equilibrium", &Equilibrium, &[0.4, -0.3, 0.2, 0.5, 0.3, -0.6]);
    function!(Duopoly, |x: &[R]| {
        let y = root(&Game, &[1.0, 1.0], x, &implicit::Options::default()).unwrap();
        vec![y[0] * y[1] * x[0]]
    });
    agree("an equilibrium of two", &Duopoly, &[1.1, 0.4, 0.3]);
    function!(Stiff, |x: &[R]| {
        let options = ode::Options {
            relative: 1e-11,
            absolute: 1e-12,
            method: ode::Method::Rodas5p,
            ..Default::default()
        };
        let end =
            ode::solve(&Reaction, 0.0, R::lit(1.5), &[x[3], R::lit(0.2)], &x[..3], &[], &options)
                .unwrap();
        vec![end.state[0] * end.state[1]]
    });
    agree("a stiff reaction", &Stiff, &[300.0, 2.0, 0.7, 1.2]);
}
