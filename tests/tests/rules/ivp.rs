//! Initial value problems of the test set of Bari, against references of 20 digits; constraints.

use cotangent_ad::linalg::{LinalgError, Matrix};
use cotangent_ad::ode::{Dynamics, Method, OdeError, Options, Solution, solve};
use cotangent_ad::{Num, Real, Var, grad, hvp, jacobian_forward};

use crate::systems::{
    GREEN, HARES, Hires, LotkaVolterra, Pleiades, RATES, Robertson, VanDerPol, off, order,
    reference, stars, weighed,
};

fn options(method: Method, relative: f64, absolute: f64) -> Options {
    Options { method, relative, absolute, ..Options::default() }
}

/// Of the largest derivative.
fn close(found: &[f64], right: &[f64], tolerance: f64) {
    assert!(off(found, right) < tolerance, "{found:?} are not {right:?}");
}

#[test]
fn end_states_are_right_to_eight_digits_of_the_largest_component() {
    let (p, y) = HARES;
    for method in [Method::Tsit5, Method::Dop853] {
        let found = solve(&LotkaVolterra, 0.0, 20.0, &y, &p, &[], &options(method, 1e-11, 1e-12));
        assert!(off(&found.unwrap().state, &reference("lotka_volterra")) < 1e-8);
    }
    let (masses, start) = stars();
    let eighth = options(Method::Dop853, 1e-13, 1e-13);
    let found = solve(&Pleiades, 0.0, 3.0, &start, &masses, &[], &eighth).unwrap();
    let error = off(&found.state, &reference("pleiades"));
    assert!(error < 1e-8, "Pleiades: {error:e} in {} steps", found.steps);
    let stiff = |relative, absolute| options(Method::Rodas5p, relative, absolute);
    let found = solve(&VanDerPol, 0.0, 2000.0, &[2.0, 0.0], &[1e3], &[], &stiff(1e-11, 1e-12));
    let found = found.unwrap();
    let error = off(&found.state, &reference("van_der_pol"));
    assert!(error < 1e-8, "van der Pol: {error:e} in {} steps", found.steps);
    let found = solve(&Hires, 0.0, 321.8122, &GREEN, &[280.0], &[], &stiff(1e-10, 1e-14)).unwrap();
    let error = off(&found.state, &reference("hires"));
    assert!(error < 1e-8, "HIRES: {error:e} in {} steps", found.steps);
    for conserved in [false, true] {
        let robertson = Robertson { conserved };
        let found =
            solve(&robertson, 0.0, 1e11, &[1.0, 0.0, 0.0], &RATES, &[], &stiff(1e-10, 1e-18));
        let found = found.unwrap();
        let error = off(&found.state, &reference("robertson"));
        assert!(error < 1e-8, "Robertson, {conserved}: {error:e} in {} steps", found.steps);
    }
}

/// Both derivatives by the logarithms of the parameters.
fn both_ways<D: Dynamics>(d: &D, end: f64, y: &[f64], p: &[f64], o: &Options) -> [Vec<f64>; 2] {
    let x: Vec<f64> = p.iter().map(|p| p.ln()).collect();
    let reverse = grad(|x| weighed(d, end, y, x, o), &x);
    [reverse, jacobian_forward(|x| vec![weighed(d, end, y, x, o)], &x)]
}

fn reverse_agrees_with_forward<D: Dynamics>(d: &D, end: f64, y: &[f64], p: &[f64], o: &Options) {
    let [reverse, forward] = both_ways(d, end, y, p, o);
    close(&reverse, &forward, 1e-9);
}

#[test]
fn errors_fall_with_the_step_as_the_order_says() {
    for (method, right) in [(Method::Tsit5, 5.0), (Method::Dop853, 8.0), (Method::Rodas5p, 5.0)] {
        let found = order(method);
        assert!((found - right).abs() < 0.3, "{method:?}: {found}");
    }
}

#[test]
fn gradients_agree_with_tangents_on_stiff_problems_and_with_differences() {
    let stiff = options(Method::Rodas5p, 1e-6, 1e-12);
    reverse_agrees_with_forward(&VanDerPol, 800.0, &[2.0, 0.0], &[1e3], &stiff);
    // within a jump the speed's slope by the parameter is 1e9, and it comes back to 1: rounding to 16 digits leaves eight to nine
    let [reverse, forward] = both_ways(&VanDerPol, 2000.0, &[2.0, 0.0], &[1e3], &stiff);
    close(&reverse, &forward, 1e-8);
    reverse_agrees_with_forward(&Hires, 321.8122, &GREEN, &[280.0], &stiff);
    for conserved in [false, true] {
        let robertson = Robertson { conserved };
        let start = [1.0, 0.0, 0.0];
        reverse_agrees_with_forward(&robertson, 1e6, &start, &RATES, &stiff);
        let tight = options(Method::Rodas5p, 1e-10, 1e-15);
        let x = RATES.map(f64::ln);
        let value = |x: &[f64]| weighed(&robertson, 40.0, &start, x, &tight);
        let slope = grad(|x| weighed(&robertson, 40.0, &start, x, &tight), &x);
        let moved = |k: usize, h: f64| {
            let mut x = x;
            x[k] += h;
            value(&x)
        };
        let difference = |k: usize| (moved(k, 1e-4) - moved(k, -1e-4)) / 2e-4;
        close(&slope, &(0..3).map(difference).collect::<Vec<_>>(), 1e-6);
        let v = [0.3, -0.5, 0.8];
        let second = hvp(|x| weighed(&robertson, 40.0, &start, x, &tight), &x, &v);
        let along = |t: f64| {
            let x: Vec<f64> = x.iter().zip(v).map(|(x, v)| x + t * v).collect();
            grad(|x| weighed(&robertson, 40.0, &start, x, &tight), &x)
        };
        let (above, below) = (along(1e-4), along(-1e-4));
        let differences: Vec<f64> = above.iter().zip(&below).map(|(a, b)| (a - b) / 2e-4).collect();
        close(&second, &differences, 1e-5);
    }
}

/// `p0 y' = -z`, with `z` given by `0 = p1 y - z (1 + p2)`; `p2` so that the constraint's slope may vanish.
#[derive(Clone)]
struct Drain {
    kind: Drained,
}
#[derive(Clone, Copy, PartialEq)]
enum Drained {
    Right,
    Watched,
    TwoMasses,
}
impl Dynamics for Drain {
    fn rate<R: Real>(&self, _: R, y: &[R], p: &[R]) -> Vec<R> {
        vec![-y[1], p[1] * y[0] - y[1] * (p[2] + 1.0)]
    }
    fn mass<R: Real>(&self, p: &[R]) -> Option<Matrix<R>> {
        let zero = R::lit(0.0);
        let sides = if self.kind == Drained::TwoMasses { 3 } else { 2 };
        Some(Matrix::from_fn(sides, sides, |i, j| if i + j == 0 { p[0] } else { zero }))
    }
    fn events(&self) -> usize {
        usize::from(self.kind == Drained::Watched)
    }
}

fn drained<R: Real>(
    kind: Drained,
    method: Method,
    z: f64,
    p: &[R],
) -> Result<Solution<R>, OdeError> {
    let start = [R::lit(2.0), R::lit(z)];
    solve(&Drain { kind }, 0.0, R::lit(1.5), &start, p, &[], &options(method, 1e-10, 1e-10))
}

#[test]
fn a_mass_matrix_of_parameters_is_differentiated_and_constraints_are_kept() {
    // y = 2 exp(-p1 t / (p0 (1 + p2))), z = p1 y / (1 + p2)
    let p = [0.8, 1.2, 0.5];
    let (z, stiff) = (1.2 * 2.0 / 1.5, Method::Rodas5p);
    let closed = |p: &[Var<f64>]| {
        let y = (-(p[1] * 1.5 / (p[0] * (p[2] + 1.0)))).exp() * 2.0;
        y + p[1] * y / (p[2] + 1.0) * 3.0
    };
    let numerical = |p: &[Var<f64>]| {
        let found = drained(Drained::Right, stiff, z, p).unwrap();
        found.state[0] + found.state[1] * 3.0
    };
    close(&grad(numerical, &p), &grad(closed, &p), 1e-8);
    let found = drained(Drained::Right, stiff, z, &p[..]).unwrap();
    assert!((found.state[0] * 1.2 - found.state[1] * 1.5).abs() < 1e-12);
}

#[test]
fn what_has_no_consistent_start_or_no_index_of_one_says_so() {
    let p = [0.8, 1.2, 0.5];
    let (z, stiff) = (1.6, Method::Rodas5p);
    let off_the_constraint = drained(Drained::Right, stiff, z + 1e-3, &p[..]);
    assert!(
        matches!(off_the_constraint, Err(OdeError::Inconsistent { distance }) if distance > 1e5)
    );
    let undetermined = drained(Drained::Right, stiff, z, &[0.8, 1.2, -1.0]);
    assert!(matches!(undetermined, Err(OdeError::HigherIndex { time: 0.0 })), "{undetermined:?}");
    for method in [Method::Tsit5, Method::Dop853] {
        let explicit = drained(Drained::Right, method, z, &p[..]);
        assert!(matches!(explicit, Err(OdeError::MassMatrix { .. })));
    }
    let watched = drained(Drained::Watched, stiff, z, &p[..]);
    assert!(matches!(watched, Err(OdeError::MassMatrix { .. })));
    let wide = drained(Drained::TwoMasses, stiff, z, &p[..]);
    assert!(matches!(wide, Err(OdeError::Shape { expected: 2, found: 3, .. })));
    let nan = drained(Drained::Right, stiff, z, &[f64::NAN, 1.2, 0.5]);
    assert!(matches!(nan, Err(OdeError::NonFinite { what: "the mass matrix", .. })), "{nan:?}");
}

#[test]
fn a_jacobian_that_is_not_finite_is_named() {
    #[derive(Clone)]
    struct Root;
    impl Dynamics for Root {
        fn rate<R: Real>(&self, _: R, y: &[R], _: &[R]) -> Vec<R> {
            vec![y[0].sqrt() + 1.0]
        }
    }
    let found = solve(&Root, 0.0, 1.0, &[0.0], &[], &[], &options(Method::Rodas5p, 1e-6, 1e-6));
    let named =
        matches!(found, Err(OdeError::Stage { time: 0.0, source: LinalgError::NonFinite { .. } }));
    assert!(named, "{found:?}");
}
