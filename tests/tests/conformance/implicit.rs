//! Functions defined by equations.

use cotangent_ad::Real;
use cotangent_ad::implicit::{Energy, Options, Residual, minimiser, root};

use super::{entry, function, sum};

#[derive(Clone)]
struct Quintic;
impl Residual for Quintic {
    fn residual<R: Real>(&self, y: &[R], p: &[R]) -> Vec<R> {
        vec![y[0].powi(5) + p[0] * y[0] + p[1]]
    }
}

#[test]
fn implicit_quintic() {
    function!(Root, |x: &[R]| root(&Quintic, &[1.0], x, &Options::default()).unwrap());
    let program = entry("implicit_quintic");
    program.hessian(&Root);
    program.two_tapes(&Root);
}

/// `|M x - b|^2`.
fn misfit<R: Real>(m: &[[f64; 2]], x: &[R], b: &[f64]) -> R {
    sum(m.iter().zip(b).map(|(row, b)| {
        let r = x[0] * row[0] + x[1] * row[1] - *b;
        r * r
    }))
}

#[derive(Clone)]
struct Ridge;
impl Energy for Ridge {
    fn energy<R: Real>(&self, w: &[R], p: &[R]) -> R {
        let a = [[1.0, 0.5], [0.25, -1.0], [2.0, 1.0], [-0.5, 0.75]];
        misfit(&a, w, &[1.0, -0.5, 2.0, 0.25]) + p[0].exp() * (w[0] * w[0] + w[1] * w[1])
    }
}

#[test]
fn bilevel_ridge() {
    function!(Validation, |x: &[R]| {
        let w = minimiser(&Ridge, &[0.0, 0.0], x, &Options::default()).unwrap();
        vec![misfit(&[[0.5, 1.0], [1.0, -0.25]], &w, &[1.0, 0.5])]
    });
    entry("bilevel_ridge").hessian(&Validation);
}
