//! Natural variations of the programs: nested and shifted closures, degenerate spectra, memo tables, chaos, events.

use std::collections::BTreeMap;

use cotangent_ad::implicit::{Options, Residual, root};
use cotangent_ad::linalg::{Matrix, eigh, expm};
use cotangent_ad::{Dual, Num, Real, Var, VectorFn, derivative, grad, hessian, jvp};

use super::{function, sum};

/// `s(f)(x) = f(x + shift)`: the derivative operator applied to shifted functions, where tags go wrong (Manzyuk et al. 2019).
#[test]
fn a_shifted_derivative_is_the_derivative_shifted() {
    // g(s, x) = (D f)(x + s) with f = sin; then d/ds and d/dx of g agree
    fn shifted<R: Real>(s: R, x: R) -> R {
        derivative(|y| (Dual::konst(s) + y).sin(), x)
    }
    let by_shift = derivative(|s| shifted(s, Dual::konst(0.3)), 0.4);
    let by_point = derivative(|x| shifted(Dual::konst(0.4), x), 0.3);
    assert_eq!(by_shift, -0.7_f64.sin());
    assert_eq!(by_point, by_shift);
    // the same through a tape inside a tape
    let taped = grad(|s| grad(|x| (Var::konst(s[0]) + x[0]).sin(), &[Var::lit(0.3)])[0], &[0.4]);
    assert_eq!(taped[0], by_shift);
}

#[test]
fn a_derivative_of_a_closure_that_returns_a_closure() {
    // D_a [ (x -> a x^2) applied where D_x is taken ] at x = a: d/da 2 a^2 = 4 a
    let scaled = |a: Dual<Dual<f64, 1>, 1>| move |x: Dual<Dual<f64, 1>, 1>| a * x * x;
    let outer = derivative(|a: Dual<f64, 1>| derivative(|x| scaled(Dual::konst(a))(x), a), 1.5);
    assert_eq!(outer, 6.0);
}

#[test]
fn functions_of_a_matrix_with_equal_eigenvalues() {
    // tr exp(A) by eigenvalues and by the matrix exponential, at A = Q diag(1, 1, 1) Q^T and at diag(2, 2, 5)
    function!(ByValues, |x: &[R]| {
        let pairs = eigh(&Matrix::new(3, 3, x.to_vec())).unwrap();
        vec![sum(pairs.values.iter().map(|l| l.exp()))]
    });
    function!(ByExpm, |x: &[R]| {
        let e = expm(&Matrix::new(3, 3, x.to_vec())).unwrap();
        vec![e.trace()]
    });
    for diagonal in [[1.0, 1.0, 1.0], [2.0, 2.0, 5.0]] {
        let x = Matrix::diagonal(&diagonal).into_data();
        let trace = grad(|x| ByExpm.call(x)[0], &x);
        assert!(
            grad(|x| ByValues.call(x)[0], &x)
                .iter()
                .zip(&trace)
                .all(|(a, b)| (a - b).abs() < 1e-11)
        );
    }
}

/// Dynamic time warping with soft minima, by recursion and a table of what is known.
fn soft_dtw<R: Real>(
    a: &[R],
    b: &[f64],
    (i, j): (usize, usize),
    known: &mut BTreeMap<(usize, usize), R>,
) -> R {
    match (i, j) {
        (0, 0) => R::lit(0.0),
        (0, _) | (_, 0) => R::lit(1e10),
        _ => {
            if let Some(found) = known.get(&(i, j)) {
                return *found;
            }
            let before =
                [(i - 1, j), (i, j - 1), (i - 1, j - 1)].map(|cell| -soft_dtw(a, b, cell, known));
            let gap = a[i - 1] - b[j - 1];
            let cost = gap * gap - cotangent_ad::special::log_sum_exp(&before);
            known.insert((i, j), cost);
            cost
        }
    }
}

#[test]
fn recursion_with_a_memo_table() {
    function!(Warp, |x: &[R]| {
        let b = [0.0, 0.4, 1.1, 0.3, -0.6];
        vec![soft_dtw(x, &b, (x.len(), b.len()), &mut BTreeMap::new())]
    });
    let x = [0.1, 0.9, 0.5, -0.4];
    let reverse = grad(|x| Warp.call(x)[0], &x);
    for k in 0..4 {
        let mut e = [0.0; 4];
        e[k] = 1.0;
        let (_, forward) = jvp(|x| Warp.call(x), &x, &e);
        let moved = |h: f64| {
            let mut x = x;
            x[k] += h;
            Warp.call(&x)[0]
        };
        let difference = (moved(1e-6) - moved(-1e-6)) / 2e-6;
        assert!((reverse[k] - forward[0]).abs() < 1e-13);
        assert!((reverse[k] - difference).abs() < 1e-8);
    }
}

#[test]
fn a_chaotic_map_against_its_closed_form() {
    // x_n = sin^2(2^n asin sqrt x_0) for the logistic map at 4; dx_n/dx_0 grows like 2^n
    function!(Logistic, |x: &[R]| {
        let mut y = x[0];
        for _ in 0..20 {
            y = y * (-y + 1.0) * 4.0;
        }
        vec![y]
    });
    let x = 0.3_f64;
    let phase = 2.0_f64.powi(20) * x.sqrt().asin();
    let exact = 2.0_f64.powi(20) * (2.0 * phase).sin() / (2.0 * (x * (1.0 - x)).sqrt());
    let reverse = grad(|x| Logistic.call(x)[0], &[x])[0];
    let (_, forward) = jvp(|x| Logistic.call(x), &[x], &[1.0]);
    // 2^20 amplifies the rounding of x itself
    assert!((reverse - exact).abs() < 1e-8 * exact.abs(), "{reverse} {exact}");
    assert!((reverse - forward[0]).abs() < 1e-13 * exact.abs());
}

/// Height of a ball after `t`, thrown from `p[0]` with speed `p[1]`.
#[derive(Clone)]
struct Landing;
impl Residual for Landing {
    fn residual<R: Real>(&self, t: &[R], p: &[R]) -> Vec<R> {
        vec![p[0] + p[1] * t[0] - t[0] * t[0] * (0.5 * 9.81)]
    }
}

#[test]
fn an_event_moves_with_the_parameters() {
    // a ball falls, bounces with restitution p[2], and is looked at 0.3 s later: the time of the bounce is a root
    function!(Bounce, |p: &[R]| {
        let hit = root(&Landing, &[1.0], &p[..2], &Options::default()).unwrap()[0];
        let speed = (hit * 9.81 - p[1]) * p[2];
        let after = -hit + 0.9;
        vec![speed * after - after * after * (0.5 * 9.81)]
    });
    let p = [1.0, 0.5, 0.8];
    let g = grad(|p| Bounce.call(p)[0], &p);
    let h = hessian(|p| Bounce.call(p)[0], &p);
    // closed form: hit = (v + sqrt(v^2 + 2 g h)) / g
    function!(Closed, |p: &[R]| {
        let root = (p[1] * p[1] + p[0] * (2.0 * 9.81)).sqrt();
        let after = -((p[1] + root) / 9.81) + 0.9;
        vec![root * p[2] * after - after * after * (0.5 * 9.81)]
    });
    let (gc, hc) = (grad(|p| Closed.call(p)[0], &p), hessian(|p| Closed.call(p)[0], &p));
    assert!(
        g.iter().zip(&gc).all(|(a, b)| (a - b).abs() < 1e-13 * b.abs().max(1.0)),
        "{g:?} {gc:?}"
    );
    assert!(h.iter().zip(&hc).all(|(a, b)| (a - b).abs() < 1e-12 * b.abs().max(1.0)));
}
