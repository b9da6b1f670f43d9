//! Implicit functions.

use cotangent_ad::implicit::{
    Energy, ImplicitError, Map, Options, Residual, Residuals, fixed_point, least_squares,
    minimiser, root, root_krylov, root_sparse, unknowns_colouring,
};
use cotangent_ad::linalg::{Iteration, KrylovOptions, LinalgError};
use cotangent_ad::{Num, Real, VectorFn, grad, try_value_and_grad};

use crate::{numbers, prove};

/// Two circles and a line: `y0^2 + y1^2 = p0`, `y0 - p1 y1 = p2`.
#[derive(Clone)]
struct Crossing;
impl Residual for Crossing {
    fn residual<R: Real>(&self, y: &[R], p: &[R]) -> Vec<R> {
        vec![y[0] * y[0] + y[1] * y[1] - p[0], y[0] - p[1] * y[1] - p[2]]
    }
}

struct Crossed;
impl VectorFn for Crossed {
    fn call<R: Real>(&self, p: &[R]) -> Vec<R> {
        root(&Crossing, &[1.0, 0.5], p, &Options::default()).unwrap()
    }
}

/// `G = cos(W y + p)`, a contraction.
#[derive(Clone)]
struct Contraction;
impl Map for Contraction {
    fn map<R: Real>(&self, y: &[R], p: &[R]) -> Vec<R> {
        let n = y.len();
        let row =
            |i: usize| (0..n).fold(p[i], |s, j| s + y[j] * p[n] * ((i * n + j) as f64).sin()).cos();
        (0..n).map(row).collect()
    }
}

struct Fixed;
impl VectorFn for Fixed {
    fn call<R: Real>(&self, p: &[R]) -> Vec<R> {
        fixed_point(&Contraction, &[0.0; 4], p, &Options::default()).unwrap()
    }
}

/// The same fixed point as the root of `y - G(y)`.
#[derive(Clone)]
struct Residue;
impl Residual for Residue {
    fn residual<R: Real>(&self, y: &[R], p: &[R]) -> Vec<R> {
        y.iter().zip(Contraction.map(y, p)).map(|(y, g)| *y - g).collect()
    }
}

/// A quartic well, tilted and coupled.
#[derive(Clone)]
struct Well;
impl Energy for Well {
    fn energy<R: Real>(&self, y: &[R], p: &[R]) -> R {
        let bend = y.iter().fold(R::lit(0.0), |s, y| s + y.powi(4) * 0.25 + y.sin());
        bend + p[0] * y[0] * y[1] + p[1] * y[0] + (p[2] * y[1]).exp()
    }
}

struct Lowest;
impl VectorFn for Lowest {
    fn call<R: Real>(&self, p: &[R]) -> Vec<R> {
        minimiser(&Well, &[-1.0, -1.0], p, &Options::default()).unwrap()
    }
}

/// A decay curve with large residuals: Gauss and Newton's Hessian would be wrong.
#[derive(Clone)]
struct Decay;
impl Residuals for Decay {
    fn residuals<R: Real>(&self, y: &[R], data: &[R]) -> Vec<R> {
        data.iter().zip(0..).map(|(d, t)| y[0] * (y[1] * -0.3 * f64::from(t)).exp() - *d).collect()
    }
}

struct Fit;
impl VectorFn for Fit {
    fn call<R: Real>(&self, data: &[R]) -> Vec<R> {
        least_squares(&Decay, &[1.0, 1.0], data, &Options::default()).unwrap()
    }
}

/// An implicit function of an implicit function.
#[derive(Clone)]
struct Outer;
impl Residual for Outer {
    fn residual<R: Real>(&self, z: &[R], p: &[R]) -> Vec<R> {
        let shifted = [p[0] + z[0] * 0.1, p[1], p[2]];
        vec![z[0] + Crossed.call(&shifted)[1] * 0.5 - p[1]]
    }
}

struct Nested;
impl VectorFn for Nested {
    fn call<R: Real>(&self, p: &[R]) -> Vec<R> {
        root(&Outer, &[0.0], p, &Options::default()).unwrap()
    }
}

#[test]
fn implicit_functions() {
    prove(&Crossed, &[2.0, 0.5, 0.3]);
    prove(&Fixed, &[0.1, -0.4, 0.7, 0.2, 0.3]);
    prove(&Lowest, &[0.3, 0.2, 0.5]);
    prove(&Fit, &[2.1, 1.0, 1.4, 0.2, 0.6]);
    prove(&Nested, &[2.0, 0.5, 0.3]);
}

#[test]
fn a_fixed_point_is_a_root() {
    let p = [0.1, -0.4, 0.7, 0.2, 0.3];
    let w = numbers(40, 4);
    let weigh = |y: Vec<_>| {
        y.iter().zip(&w).fold(Num::lit(0.0), |s: cotangent_ad::Var<f64>, (y, w)| s + *y * *w)
    };
    let options = Options::default();
    let by_map = grad(|p| weigh(fixed_point(&Contraction, &[0.0; 4], p, &options).unwrap()), &p);
    let by_root = grad(|p| weigh(root(&Residue, &[0.5; 4], p, &options).unwrap()), &p);
    assert!(
        by_map.iter().zip(&by_root).all(|(a, b)| (a - b).abs() < 1e-13),
        "{by_map:?} {by_root:?}"
    );
}

#[derive(Clone)]
struct NoRoot;
impl Residual for NoRoot {
    fn residual<R: Real>(&self, y: &[R], p: &[R]) -> Vec<R> {
        vec![y[0] * y[0] + p[0]]
    }
}

#[derive(Clone)]
struct Growth;
impl Map for Growth {
    fn map<R: Real>(&self, y: &[R], p: &[R]) -> Vec<R> {
        vec![y[0] + p[0] * (y[0] * y[0] + 1.0)]
    }
}

#[derive(Clone)]
struct Saddle;
impl Energy for Saddle {
    fn energy<R: Real>(&self, y: &[R], p: &[R]) -> R {
        y[0] * y[0] - p[0] * y[1] * y[1]
    }
}

#[derive(Clone)]
struct TwoOfOne;
impl Residual for TwoOfOne {
    fn residual<R: Real>(&self, y: &[R], p: &[R]) -> Vec<R> {
        vec![y[0] - p[0], y[0]]
    }
}

/// An equation that holds at the start without a slope, beside one that does not hold yet.
#[derive(Clone)]
struct Resting;
impl Residual for Resting {
    fn residual<R: Real>(&self, y: &[R], p: &[R]) -> Vec<R> {
        vec![y[0] * y[0], y[1] * y[1] - p[0]]
    }
}

#[test]
fn bad_input_is_answered() {
    let options = Options::default();
    let resting = root(&Resting, &[0.0, 1.0], &[4.0], &options);
    let Err(ImplicitError::Linear(LinalgError::Singular { pivot, ratio })) = resting else {
        panic!("{resting:?}")
    };
    assert_eq!((pivot, ratio), (0, 0.0));
    assert_eq!(root(&Resting, &[0.0, 2.0], &[4.0], &options).unwrap(), [0.0, 2.0]);
    let none = root(&NoRoot, &[0.7], &[1.0], &options);
    let Err(ImplicitError::NotConverged { residual, .. }) = none else { panic!("{none:?}") };
    assert!(residual >= 1.0);
    // a double root: a value without a derivative
    let double: Result<_, ImplicitError> =
        try_value_and_grad(|p| Ok(root(&NoRoot, &[0.0], p, &options)?[0]), &[0.0]);
    assert!(matches!(double, Err(ImplicitError::Linear(_))), "{double:?}");
    let grows = fixed_point(&Growth, &[0.0], &[0.5], &options);
    assert!(matches!(
        grows,
        Err(ImplicitError::NotConverged { .. } | ImplicitError::NonFinite { .. })
    ));
    let saddle = minimiser(&Saddle, &[0.0, 0.0], &[1.0], &options);
    assert!(matches!(saddle, Err(ImplicitError::NotAMinimum { pivot: 1 })), "{saddle:?}");
    let nan = root(&NoRoot, &[f64::NAN], &[1.0], &options);
    assert!(matches!(nan, Err(ImplicitError::NonFinite { iteration: 0, .. })));
    let shape = root(&TwoOfOne, &[1.0], &[1.0], &options);
    assert!(matches!(shape, Err(ImplicitError::Shape { expected: 1, found: 2 })));
}

/// `-u'' + c u' + p0 u^3 = p1 + i p2` on a line of points between walls at 0, the middle one coupled with the first.
#[derive(Clone)]
struct Reaction;
impl Residual for Reaction {
    fn residual<R: Real>(&self, u: &[R], p: &[R]) -> Vec<R> {
        let n = u.len();
        let at = |i: usize| if i == 0 || i > n { R::lit(0.0) } else { u[i - 1] };
        let bend = |i: usize| at(i) * 2.1 - at(i - 1) * 1.2 - at(i + 1) * 0.8;
        let source = |i: usize| p[1] + p[2] * (i as f64 / n as f64);
        let row = |i: usize| bend(i) + p[0] * at(i).powi(3) - source(i);
        let mut r: Vec<R> = (1..=n).map(row).collect();
        r[n / 2] -= u[0] * 0.3;
        r
    }
    fn precondition(&self, u: &[f64], p: &[f64], r: &[f64], _: bool) -> Vec<f64> {
        r.iter().zip(u).map(|(r, u)| r / (2.1 + 3.0 * p[0] * u * u)).collect()
    }
}

const GMRES: KrylovOptions = KrylovOptions {
    iteration: Iteration::Gmres { restart: 40 },
    tolerance: 1e-13,
    max_products: 2000,
};

fn by_factors<R: Real>(n: usize, p: &[R]) -> Vec<R> {
    let colours = unknowns_colouring(&Reaction, &vec![0.2; n], &[0.7, 0.3, 0.2]);
    root_sparse(&Reaction, &colours, &vec![0.0; n], p, &Options::default()).unwrap()
}

fn by_products<R: Real>(n: usize, p: &[R]) -> Vec<R> {
    root_krylov(&Reaction, &vec![0.0; n], p, &Options::default(), &GMRES).unwrap()
}

#[test]
fn roots_of_large_systems_by_sparse_factors_and_by_products_alone() {
    struct ByFactors;
    impl VectorFn for ByFactors {
        fn call<R: Real>(&self, p: &[R]) -> Vec<R> {
            by_factors(7, p)
        }
    }
    struct ByProducts;
    impl VectorFn for ByProducts {
        fn call<R: Real>(&self, p: &[R]) -> Vec<R> {
            by_products(7, p)
        }
    }
    let p = [0.7, 0.3, 0.2];
    prove(&ByFactors, &p);
    prove(&ByProducts, &p);
    let dense = root(&Reaction, &[0.0; 7], &p, &Options::default()).unwrap();
    assert!(dense.iter().zip(by_factors(7, &p)).all(|(d, s)| (d - s).abs() < 1e-13));
    // ten thousand unknowns, in both ways
    let n = 10_000;
    let sum = |y: &[_]| y.iter().copied().reduce(|a, b| a + b).unwrap();
    let (direct, iterated) =
        (grad(|p| sum(&by_factors(n, p)), &p), grad(|p| sum(&by_products(n, p)), &p));
    for (d, i) in direct.iter().zip(&iterated) {
        assert!((d - i).abs() < 1e-8 * d.abs(), "{direct:?} {iterated:?}");
    }
    let h = 1e-4;
    let value = |p0: f64| by_factors(n, &[p0, 0.3, 0.2]).iter().sum::<f64>();
    let difference = (value(0.7 + h) - value(0.7 - h)) / (2.0 * h);
    assert!((direct[0] - difference).abs() < 1e-6 * difference.abs());
    // what is not reached is said
    let few = KrylovOptions { max_products: 3, ..GMRES };
    let refused = root_krylov(&Reaction, &[0.0; 50], &p, &Options::default(), &few);
    assert!(matches!(refused, Err(ImplicitError::Linear(LinalgError::NotSolved { .. }))));
    let colours = unknowns_colouring(&Reaction, &[0.2; 7], &p);
    let other = root_sparse(&Reaction, &colours, &[0.0; 9], &p, &Options::default());
    assert!(matches!(other, Err(ImplicitError::Shape { expected: 7, found: 9 })));
}

/// `y0 = p0`, `y1^2 = p1`, with unknowns of sizes that have nothing to do with each other.
#[derive(Clone)]
struct Scales;
impl Residual for Scales {
    fn residual<R: Real>(&self, y: &[R], p: &[R]) -> Vec<R> {
        vec![y[0] * y[0] - p[0] * p[0], y[1] * y[1] - p[1]]
    }
    fn precondition(&self, y: &[f64], _: &[f64], r: &[f64], _: bool) -> Vec<f64> {
        vec![r[0] / (2.0 * y[0]), r[1] / (2.0 * y[1])]
    }
}
impl Map for Scales {
    fn map<R: Real>(&self, y: &[R], p: &[R]) -> Vec<R> {
        vec![(y[0] + p[0]) * 0.5, (y[1] + p[1] / y[1]) * 0.5]
    }
}
impl Energy for Scales {
    fn energy<R: Real>(&self, y: &[R], p: &[R]) -> R {
        let [a, b] = [y[0] / p[0] - 1.0, y[1] * y[1] / p[1].concrete() - p[1] / p[1].concrete()];
        a * a + b * b
    }
}
impl Residuals for Scales {
    fn residuals<R: Real>(&self, y: &[R], p: &[R]) -> Vec<R> {
        vec![y[0] / p[0] - 1.0, y[1] * y[1] / p[1].concrete() - p[1] / p[1].concrete()]
    }
}

#[test]
fn small_unknowns_are_as_exact_as_large_ones() {
    type Found = Result<Vec<f64>, ImplicitError>;
    let options = Options::default();
    for (large, square, start) in
        [(1e10, 1e-20, 1e-6), (300.0, 1e-14, 1e-4), (1.0, 1e-30, 1e-13), (1e-3, 1e-26, 3e-13)]
    {
        let (p, start) = ([large, square], [0.9 * large, start]);
        let colouring = unknowns_colouring(&Scales, &start, &p);
        let ways: [(&str, Found, Vec<f64>); 6] = [
            (
                "root",
                root(&Scales, &start, &p, &options),
                grad(|p| root(&Scales, &start, p, &options).unwrap()[1], &p),
            ),
            (
                "root_sparse",
                root_sparse(&Scales, &colouring, &start, &p, &options),
                grad(|p| root_sparse(&Scales, &colouring, &start, p, &options).unwrap()[1], &p),
            ),
            (
                "root_krylov",
                root_krylov(&Scales, &start, &p, &options, &GMRES),
                grad(|p| root_krylov(&Scales, &start, p, &options, &GMRES).unwrap()[1], &p),
            ),
            (
                "fixed_point",
                fixed_point(&Scales, &start, &p, &options),
                grad(|p| fixed_point(&Scales, &start, p, &options).unwrap()[1], &p),
            ),
            (
                "minimiser",
                minimiser(&Scales, &start, &p, &options),
                grad(|p| minimiser(&Scales, &start, p, &options).unwrap()[1], &p),
            ),
            (
                "least_squares",
                least_squares(&Scales, &start, &p, &options),
                grad(|p| least_squares(&Scales, &start, p, &options).unwrap()[1], &p),
            ),
        ];
        let small = square.sqrt();
        for (way, found, slopes) in ways {
            let y = found.unwrap();
            let close = |found: f64, right: f64| (found - right).abs() <= 1e-9 * right.abs();
            assert!(
                close(y[0], large) && close(y[1], small),
                "{way}: {y:?} for {large} and {small}"
            );
            assert!(close(slopes[1], 0.5 / small), "{way}: {slopes:?} for {small}");
        }
    }
}
