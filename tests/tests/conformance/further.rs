//! Programs of the kinds that users write, in every mode against duals, and against differences.

use cotangent_ad::implicit::{self, Residual, root};
use cotangent_ad::linalg::{
    Matrix, cholesky, dot, eigenvalues, expm, fft, inverse, log_det, polar, qr, solve,
};
use cotangent_ad::ode::{self, Dynamics};
use cotangent_ad::program::Program;
use cotangent_ad::special::{
    bessel_i, bessel_k, gamma_q, ln_gamma, log_sum_exp, normal_cdf, softmax, sort, xlogy,
};
use cotangent_ad::{
    Dual, Num, Real, ScanOptions, SliceStep, Step, Var, VectorFn, derivative, grad, hvp,
    jacobian_forward, tape,
};

use super::{function, sum};

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Differences at two lengths, of which the third power is gone.
fn difference(f: impl Fn(f64) -> f64) -> f64 {
    let central = |h: f64| (f(h) - f(-h)) / (2.0 * h);
    (4.0 * central(1e-4) - central(2e-4)) / 3.0
}

/// Proves that all modes agree on the gradient of `f` at `x` and on its Hessian times a direction.
pub(super) fn agree(name: &str, f: &impl VectorFn, x: &[f64]) {
    let v: Vec<f64> = (0..x.len()).map(|k| (1.7 * k as f64 + 0.4).cos()).collect();
    let moved = |h: f64| -> Vec<f64> { x.iter().zip(&v).map(|(x, v)| x + h * v).collect() };
    let by_duals = jacobian_forward(|x| f.call(x), x);
    let program = Program::record(|x| f.call(x), x);
    let near = |mode: &str, found: &[f64], right: &[f64], tolerance: f64| {
        let size = right.iter().fold(1e-3_f64, |s, r| s.max(r.abs()));
        for (found, right) in found.iter().zip(right) {
            let error = (found - right).abs() / size;
            assert!(error < tolerance, "{name} by {mode}: {found} is not {right} ({error:e})");
        }
    };
    let gradient = |x: &[f64]| grad(|x| f.call(x)[0], x);
    near("reverse", &gradient(x), &by_duals, 1e-11);
    near("a program, reverse", &program.vjp(x, &[1.0]).unwrap().1, &by_duals, 1e-11);
    let along = inner(&by_duals, &v);
    near("a program, forward", &program.jvp(x, &v).unwrap().1, &[along], 1e-11);
    near("differences", &[difference(|h| f.call(&moved(h))[0])], &[along], 1e-6);
    let nested: Vec<Dual<Dual<f64, 1>, 1>> = x
        .iter()
        .zip(&v)
        .map(|(x, v)| Dual { re: Dual { re: *x, eps: [*v] }, eps: [Dual { re: *v, eps: [0.0] }] })
        .collect();
    let curvature = f.call(&nested)[0].eps[0].eps[0];
    let product = hvp(|x| f.call(x)[0], x, &v);
    near("forward over reverse", &[inner(&product, &v)], &[curvature], 1e-10);
    let over_forward = grad(
        |x| {
            let along = |(x, v): (&Var<f64>, &f64)| Dual { re: *x, eps: [Var::lit(*v)] };
            f.call(&x.iter().zip(&v).map(along).collect::<Vec<_>>())[0].eps[0]
        },
        x,
    );
    near("reverse over forward", &over_forward, &product, 1e-10);
    near("a program, second order", &program.hvp(x, &v).unwrap().1, &product, 1e-10);
    let bent = difference(|h| inner(&gradient(&moved(h)), &v));
    near("differences of gradients", &[bent], &[curvature], 1e-5);
}

/// `E` of Kepler's equation `E - e sin E = M`, by Newton's method until it stands.
fn anomaly<R: Real>(e: R, m: R) -> R {
    let mut at = m;
    for _ in 0..50 {
        let step = (at - e * at.sin() - m) / (-(e * at.cos()) + 1.0);
        at -= step;
        if step.abs() < 1e-15 {
            break;
        }
    }
    at
}

/// A continued fraction, by recursion.
fn fraction<R: Real>(x: &[R]) -> R {
    match x {
        [last] => *last,
        [first, rest @ ..] => *first + fraction(rest).recip(),
        [] => R::lit(0.0),
    }
}

#[test]
fn loops_recursion_and_tables() {
    function!(Kepler, |x: &[R]| vec![anomaly(x[0], x[1]).cos() * x[1]]);
    agree("Kepler's equation", &Kepler, &[0.4, 1.3]);
    function!(Fraction, |x: &[R]| vec![fraction(x).ln()]);
    agree("a continued fraction", &Fraction, &[1.2, 0.7, 2.1, 0.9, 1.6]);
    function!(Clenshaw, |x: &[R]| {
        let t = x[0];
        let [mut after, mut at] = [R::lit(0.0); 2];
        for c in x[1..].iter().rev() {
            (after, at) = (at, t * at * 2.0 - after + *c);
        }
        vec![(at - t * after) * (at - t * after)]
    });
    agree("a Chebyshev series", &Clenshaw, &[0.3, 1.0, -0.4, 0.2, 0.7]);
    function!(Delays, |x: &[R]| {
        // a ring buffer that is written in place
        let mut ring = [x[0], x[1], x[2], x[0] * x[1]];
        for k in 0..40 {
            let (now, old) = (ring[k % 4], ring[(k + 1) % 4]);
            ring[k % 4] = now * 0.9 + (old * x[2]).tanh() * x[0];
        }
        vec![sum(ring.map(|r| r * r))]
    });
    agree("a loop with delays", &Delays, &[0.6, -0.3, 1.4]);
    function!(Escape, |x: &[R]| {
        let (mut re, mut im, mut steps) = (R::lit(0.0), R::lit(0.0), 0.0);
        while (re * re + im * im) < 400.0 && steps < 60.0 {
            (re, im) = (re * re - im * im + x[0], re * im * 2.0 + x[1]);
            steps += 1.0;
        }
        vec![-((re * re + im * im).ln() * 0.5).ln() / std::f64::consts::LN_2 + steps]
    });
    agree("smooth escape time", &Escape, &[0.38, 0.41]);
    function!(Sorted, |x: &[R]| {
        let y = sort(&x.iter().map(|x| x.sin()).collect::<Vec<_>>());
        vec![sum(y.iter().enumerate().map(|(k, y)| *y * *y * (k as f64 - 1.5)))]
    });
    agree("a weighted order", &Sorted, &[0.9, 2.2, -0.7, 4.0, 0.1]);
}

#[test]
fn statistics() {
    function!(Markov, |x: &[R]| {
        // two hidden states, Gaussian observations, in logarithms
        let stay = [x[0], x[1]].map(|s| -((-s).exp().ln_1p()));
        let leave = [x[0], x[1]].map(|s| -(s.exp().ln_1p()));
        let mut log = [R::lit(-0.7), R::lit(-0.7)];
        for y in [0.3, 1.9, 2.2, -0.1, 0.4, 2.5] {
            let seen = [x[2], x[3]].map(|mean| (mean - y) * (mean - y) * -0.5);
            let first = log_sum_exp(&[log[0] + stay[0], log[1] + leave[1]]) + seen[0];
            let second = log_sum_exp(&[log[0] + leave[0], log[1] + stay[1]]) + seen[1];
            log = [first, second];
        }
        vec![log_sum_exp(&log)]
    });
    agree("a hidden Markov model", &Markov, &[1.1, 0.6, 0.2, 2.1]);
    function!(Counts, |x: &[R]| {
        // negative binomial, with counts of zero
        let terms = [0.0, 3.0, 1.0, 7.0].map(|k| {
            let share = x[1] / (x[0] + x[1]);
            ln_gamma(x[0] + k) - ln_gamma(x[0]) + xlogy(R::lit(k), share) + x[0] * (-share).ln_1p()
        });
        vec![sum(terms)]
    });
    agree("overdispersed counts", &Counts, &[1.7, 2.4]);
    function!(Attention, |x: &[R]| {
        let keys: Vec<&[R]> = x.chunks(2).collect();
        let mixed = |query: &[R]| {
            let scores: Vec<R> = keys.iter().map(|k| dot(query, k)).collect();
            sum(softmax(&scores).iter().zip(&keys).map(|(w, k)| *w * k[0] * k[1].exp()))
        };
        vec![sum(keys.iter().map(|k| mixed(k)))]
    });
    agree("attention", &Attention, &[0.3, -0.8, 1.1, 0.4, -0.5, 0.9]);
    function!(Spatial, |x: &[R]| {
        // Matern's covariance of order 0.8 between points of a line, and a von Mises density
        let at = [0.0, 0.7, 1.9, 3.1];
        let covariance = Matrix::from_fn(4, 4, |i, j| {
            if i == j {
                return R::lit(1.1);
            }
            let far = x[0] * (at[i] - at[j]).abs();
            far.powf(R::lit(0.8)) * bessel_k(0.8, far) * (2.0_f64.powf(0.2) / gamma(0.8))
        });
        let l = cholesky(&covariance).unwrap();
        let log_det = sum((0..4).map(|i| l[(i, i)].ln()));
        vec![log_det + (x[1] * 0.8).cos() - bessel_i(0, x[1]).ln()]
    });
    agree("Matern and von Mises", &Spatial, &[1.3, 0.9]);
    function!(Survival, |x: &[R]| {
        let tail = |t: f64| gamma_q(2.3, x[0] * t).ln() + normal_cdf(x[1] * t - 1.0).ln();
        vec![sum([0.4, 1.3, 2.6].map(tail))]
    });
    agree("censored times", &Survival, &[0.9, 1.4]);
}

/// The gamma function.
fn gamma(x: f64) -> f64 {
    ln_gamma(x).exp()
}

#[test]
fn matrices() {
    function!(Toeplitz, |x: &[R]| {
        let apart = |i: usize, j: usize| x[i.abs_diff(j)];
        vec![log_det(&Matrix::from_fn(4, 4, apart)).unwrap()]
    });
    agree("a Toeplitz determinant", &Toeplitz, &[2.1, 0.7, -0.3, 0.4]);
    function!(Chain, |x: &[R]| {
        let rate = |i: usize, j: usize| match j.abs_diff(i) {
            1 => x[(i + j) % 3],
            0 => -x[(i + 1) % 3] - x[2],
            _ => R::lit(0.0),
        };
        let p = expm(&Matrix::from_fn(3, 3, rate)).unwrap();
        vec![p[(0, 2)].ln() + p[(1, 1)]]
    });
    agree("a chain in continuous time", &Chain, &[0.6, 1.2, 0.3]);
    function!(Rotation, |x: &[R]| {
        let a = Matrix::from_fn(3, 3, |i, j| {
            x[(i + 2 * j) % 4] + f64::from(u8::from(i == j)) * 2.0 + i as f64 * 0.3
        });
        let (q, u) = (qr(&a).unwrap(), polar(&a).unwrap());
        vec![q.r[(2, 2)].ln() + q.q[(0, 1)] * u[(1, 2)]]
    });
    agree("orthogonal factors", &Rotation, &[0.4, -0.7, 1.1, 0.2]);
    function!(Spectrum, |x: &[R]| {
        let zeros = vec![R::lit(0.0); x.len()];
        let (re, im) = fft(x, &zeros);
        vec![sum(re.iter().zip(&im).map(|(a, b)| (*a * *a + *b * *b + 0.1).ln()))]
    });
    agree("a flat spectrum", &Spectrum, &[0.3, 1.1, -0.4, 0.8, 2.0, -1.3]);
    function!(Whitened, |x: &[R]| {
        let a =
            Matrix::from_fn(
                3,
                3,
                |i, j| {
                    if i == j { x[i] * x[i] + 1.0 } else { x[(i + j) % 3] * 0.4 }
                },
            );
        let values = eigenvalues(&a).unwrap();
        let x = solve(&a, x).unwrap();
        vec![values[0] * inverse(&a).unwrap().trace() + x[1] * values[2].ln()]
    });
    // the second derivative of a single eigenvalue is refused where it is not needed of a pair
    let x = [0.8, -0.5, 1.3];
    let [reverse, forward] =
        [grad(|x| Whitened.call(x)[0], &x), jacobian_forward(|x| Whitened.call(x), &x)];
    assert!(reverse.iter().zip(&forward).all(|(a, b)| (a - b).abs() < 1e-12));
}

/// A recurrent step of run-time sizes.
#[derive(Clone)]
struct Recurrent;
impl SliceStep for Recurrent {
    fn step<R: Real>(&self, number: usize, state: &[R], weights: &[R]) -> Vec<R> {
        let push = 0.1 * (number as f64).sin();
        weights.chunks(state.len()).map(|row| (dot(row, state) + push).tanh()).collect()
    }
}

/// A double well, by a symplectic step.
#[derive(Clone)]
struct Well;
impl Step<2, 2> for Well {
    fn step<R: Real>(&self, [x, v]: [R; 2], [depth, width]: [R; 2]) -> [R; 2] {
        let v = v + (x - x * x * x * width) * depth * 0.02;
        [x + v * 0.02, v]
    }
}

/// A tank that drains by the root of its level, and is filled anew where it falls to a mark.
#[derive(Clone)]
struct Tank;
impl Dynamics for Tank {
    fn rate<R: Real>(&self, _: R, y: &[R], p: &[R]) -> Vec<R> {
        vec![-(y[0].sqrt() * p[0])]
    }
    fn events(&self) -> usize {
        1
    }
    fn event<R: Real>(&self, _: usize, _: R, y: &[R], p: &[R]) -> R {
        y[0] - p[1]
    }
    fn after<R: Real>(&self, _: usize, _: R, y: &[R], p: &[R]) -> Option<Vec<R>> {
        Some(vec![y[0] + p[2]])
    }
}

/// A circuit with a diode: `(u - v) / r = i (e^v - 1)`.
#[derive(Clone)]
struct Diode;
impl Residual for Diode {
    fn residual<R: Real>(&self, y: &[R], p: &[R]) -> Vec<R> {
        vec![(p[0] - y[0]) / p[1] - p[2] * y[0].exp_m1()]
    }
}

#[test]
fn solvers_and_closures() {
    function!(Trained, |x: &[R]| {
        let start = [R::lit(0.3), R::lit(-0.2), R::lit(0.5), R::lit(0.1)];
        let end = R::scan_slice(&Recurrent, 30, &start, x, &ScanOptions::default());
        vec![dot(&end, &end)]
    });
    let weights: Vec<f64> = (0..16).map(|k| 0.5 * f64::from(k * k).sin()).collect();
    agree("a recurrent network", &Trained, &weights);
    function!(Swings, |x: &[R]| {
        let end = R::scan(&Well, 200, [x[0], x[1]], [x[2], x[3]]);
        vec![end[0] * end[1] + end[0]]
    });
    agree("a double well", &Swings, &[0.4, 0.1, 1.2, 0.9]);
    function!(Filled, |x: &[R]| {
        let options = ode::Options { relative: 1e-12, absolute: 1e-12, ..Default::default() };
        let found = ode::solve(&Tank, 0.0, R::lit(3.0), &x[..1], &x[1..], &[], &options).unwrap();
        vec![found.state[0] * found.events[0].time]
    });
    agree("a tank with an event", &Filled, &[1.0, 0.8, 0.3, 0.5]);
    function!(Biased, |x: &[R]| {
        let v = root(&Diode, &[0.3], x, &implicit::Options::default()).unwrap()[0];
        vec![v * v + (x[0] - v) / x[1]]
    });
    agree("a diode", &Biased, &[1.5, 0.8, 0.2]);
    function!(Inside, |x: &[R]| {
        // a derivative within an integral by Simpson's rule
        let slope = |t: f64| {
            derivative(|y| (y * Dual::konst(x[0])).sin() * y.exp() + Dual::konst(x[1]), R::lit(t))
        };
        let weights = [1.0, 4.0, 2.0, 4.0, 2.0, 4.0, 1.0];
        let terms = weights.iter().enumerate().map(|(k, w)| slope(k as f64 / 6.0) * (w / 18.0));
        vec![sum(terms) * x[1]]
    });
    agree("a derivative in an integral", &Inside, &[1.3, 0.7]);
}

/// Half a million steps towards `x0 x1 / (1 - x1)`.
fn long<R: Real>(x: &[R]) -> R {
    (0..500_000).fold(x[0], |s, _| s * x[1] + x[0] * x[1])
}

#[test]
fn a_million_statements_need_no_more_stack_than_a_few() {
    // neither recorded, swept, replayed, differentiated again nor dropped by recursion
    let modes = || {
        let (x, v) = ([0.3, 0.5], [1.0, 0.0]);
        let near = |found: f64, right: f64| assert!((found - right).abs() < 1e-10, "{found}");
        let g = grad(long, &x);
        near(g[0], 1.0);
        near(hvp(long, &x, &v)[1], 4.0);
        let program = Program::record(|x| vec![long(x)], &x);
        assert!(program.len() > 400_000);
        near(program.vjp(&x, &[1.0]).unwrap().1[0], 1.0);
        near(program.jvp(&x, &v).unwrap().1[0], 1.0);
        near(program.hvp(&x, &v).unwrap().1[1], 4.0);
        drop(program);
        tape::trim();
        assert_eq!(grad(long, &x), g);
    };
    let small = std::thread::Builder::new().stack_size(512 * 1024);
    small.spawn(modes).unwrap().join().unwrap();
}
