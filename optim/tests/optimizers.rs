//! Every optimizer on problems with known solutions, under bounds, failures, serialisation and threads.
#![allow(clippy::float_cmp, reason = "equal bits are what is tested")]
#![allow(
    clippy::unwrap_used,
    clippy::items_after_statements,
    reason = "a test: it may panic, and defines an objective beside its use"
)]

mod mgh;
mod nist;
mod stationary;
mod truth;

use std::f64::consts::SQRT_2;

use cotangent_ad::{Real, VectorFn, grad, jacobian_forward};
use cotangent_optim::{
    AdamOptions, CmaEsOptions, Method, Outcome, Problem, Run, StartError, Status, StepResult, Stop,
    minimize,
};
use cotangent_problem::{
    Capabilities, Evaluation, Objective, SampleKey, TrialFailure, Want, Workspace,
};
use cotangent_problem::{Parameter, Space, Transform};

/// `1/2 |r|^2` of a generic residual function, refused where `x[0]` exceeds `wall` and checked against its bounds.
struct Residuals<F> {
    f: F,
    n: usize,
    m: usize,
    wall: f64,
    bounds: [f64; 2],
}

impl<F: VectorFn + Sync> Objective for Residuals<F> {
    fn dim(&self) -> usize {
        self.n
    }
    fn capabilities(&self) -> Capabilities {
        Capabilities { gradient: true, residuals: Some(self.m), ..Default::default() }
    }
    fn evaluate(
        &self,
        x: &[f64],
        want: Want,
        _: SampleKey,
        _: &mut Workspace,
    ) -> Result<Evaluation, TrialFailure> {
        let [lower, upper] = self.bounds;
        assert!(
            x.iter().all(|x| (lower..=upper).contains(x)),
            "bounds hold at every evaluation: {x:?}"
        );
        if x[0] > self.wall {
            return Err(TrialFailure::OutOfDomain { why: "beyond the wall".into() });
        }
        let r = self.f.call(x);
        let half = |x: &[cotangent_ad::Var<f64>]| {
            self.f
                .call(x)
                .into_iter()
                .fold(cotangent_ad::Num::lit(0.0), |s: cotangent_ad::Var<f64>, r| s + r * r)
                * 0.5
        };
        Ok(Evaluation {
            value: 0.5 * r.iter().map(|r| r * r).sum::<f64>(),
            gradient: want.gradient.then(|| grad(half, x)),
            jacobian: want.jacobian.then(|| jacobian_forward(|x| self.f.call(x), x)),
            residuals: want.residuals.then_some(r),
            ..Default::default()
        })
    }
}

/// Rosenbrock's function as residuals, chained over any number of variables.
struct Rosenbrock;
impl VectorFn for Rosenbrock {
    fn call<R: Real>(&self, x: &[R]) -> Vec<R> {
        x.windows(2)
            .flat_map(|w| [(w[1] - w[0] * w[0]) * (10.0 * SQRT_2), (w[0] - 1.0) * SQRT_2])
            .collect()
    }
}

fn rosenbrock(n: usize) -> Residuals<Rosenbrock> {
    Residuals {
        f: Rosenbrock,
        n,
        m: 2 * (n - 1),
        wall: f64::INFINITY,
        bounds: [f64::NEG_INFINITY, f64::INFINITY],
    }
}

fn space(n: usize, bounds: [f64; 2]) -> Space {
    Space::new(vec![Parameter::vector("x", n).within(bounds[0], bounds[1])]).unwrap()
}

fn solve(
    objective: &dyn Objective,
    space: &Space,
    method: Method,
    stop: Stop,
    x0: &[f64],
) -> Outcome {
    minimize(&Problem { objective, space }, method, stop, x0, SampleKey(0), &mut ()).unwrap()
}

fn named(name: &str) -> Method {
    Method::named(name).unwrap()
}

#[test]
fn rosenbrock_is_solved() {
    for (n, name) in [
        (2, "lbfgsb"),
        (50, "lbfgsb"),
        (2, "gauss-newton"),
        (50, "gauss-newton"),
        (5, "cma-es"),
        (2, "trust-region"),
        (50, "trust-region"),
        (2, "nelder-mead"),
        (5, "nelder-mead"),
    ] {
        let objective = rosenbrock(n);
        let x0: Vec<f64> = (0..n).map(|k| if k % 2 == 0 { -1.2 } else { 1.0 }).collect();
        let stop = Stop { max_iterations: 5000, ..Default::default() };
        let end = solve(&objective, &space(n, objective.bounds), named(name), stop, &x0);
        assert!(end.status.is_success(), "{name} {n}: {:?}", end.status);
        assert!(end.x.iter().all(|x| (x - 1.0).abs() < 1e-6), "{name} {n}: {:?}", end.x);
    }
}

#[test]
fn lbfgsb_needs_no_more_evaluations_than_scipy() {
    // scipy 1.17.1, fmin_l_bfgs_b(m = 20, factr = 10, pgtol = 1e-8) from the same starts: 46 and 321 evaluations
    for (n, scipy) in [(2_usize, 46.0), (50, 321.0)] {
        let objective = rosenbrock(n);
        let x0: Vec<f64> = (0..n).map(|k| if k % 2 == 0 { -1.2 } else { 1.0 }).collect();
        let end =
            solve(&objective, &space(n, objective.bounds), named("lbfgsb"), Stop::default(), &x0);
        assert!(end.evaluations as f64 <= 1.2 * scipy, "n {n}: {} evaluations", end.evaluations);
    }
}

#[test]
fn active_bounds_are_found_and_hold_at_every_evaluation() {
    // the minimum of Rosenbrock's function in x <= 0.5 is (0.5, 0.25)
    for name in ["lbfgsb", "gauss-newton", "cma-es", "trust-region", "nelder-mead"] {
        let objective = Residuals { bounds: [-3.0, 0.5], ..rosenbrock(2) };
        let stop = Stop { max_iterations: 2000, ..Default::default() };
        let end = solve(&objective, &space(2, objective.bounds), named(name), stop, &[-1.2, 0.4]);
        assert!(
            (end.x[0] - 0.5).abs() < 1e-7 && (end.x[1] - 0.25).abs() < 1e-6,
            "{name}: {:?} {:?}",
            end.x,
            end.status
        );
    }
}

#[test]
fn many_active_bounds() {
    // minimise sum (x_i - c_i)^2 and a coupling, in [0, 1]: checked by the conditions of Karush, Kuhn and Tucker
    struct Coupled;
    impl VectorFn for Coupled {
        fn call<R: Real>(&self, x: &[R]) -> Vec<R> {
            let target = |k: usize| (1.3 * k as f64).sin() * 1.5;
            let own = (0..x.len()).map(|k| x[k] - target(k));
            own.chain(x.windows(2).map(|w| (w[0] - w[1]) * 0.7)).collect()
        }
    }
    let n = 40;
    let objective =
        Residuals { f: Coupled, n, m: 2 * n - 1, wall: f64::INFINITY, bounds: [0.0, 1.0] };
    let space = space(n, objective.bounds);
    for name in ["lbfgsb", "gauss-newton", "trust-region"] {
        let end = solve(
            &objective,
            &space,
            named(name),
            // to the gradient alone: the value cannot tell gradients of 1e-7 from none
            Stop { gradient_tolerance: 1e-10, value_tolerance: 0.0, ..Default::default() },
            &[0.5; 40],
        );
        let g = objective
            .evaluate(&end.x, Want::GRADIENT, SampleKey(0), &mut Workspace::new())
            .unwrap()
            .gradient
            .unwrap();
        for (x, g) in end.x.iter().zip(&g) {
            let ok = if *x == 0.0 {
                *g >= -1e-9
            } else if *x == 1.0 {
                *g <= 1e-9
            } else {
                g.abs() < 1e-7
            };
            assert!(ok, "{name}: x {x} g {g} {:?}", end.status);
        }
    }
}

#[test]
fn a_line_search_backs_off_from_points_without_a_value() {
    for name in ["lbfgsb", "gauss-newton", "cma-es", "adam", "trust-region", "nelder-mead"] {
        let objective = Residuals { wall: 1.05, ..rosenbrock(2) };
        // Adam with a constant rate closes in slowly
        let target = if name == "adam" { 1e-6 } else { 1e-8 };
        let stop = Stop { max_iterations: 3000, target_value: Some(target), ..Default::default() };
        let method = if name == "adam" {
            Method::Adam(AdamOptions { learning_rate: 0.02, ..Default::default() })
        } else {
            named(name)
        };
        let end = solve(&objective, &space(2, objective.bounds), method, stop, &[-1.2, 1.0]);
        assert_eq!(end.status, Status::TargetReached, "{name}: {} {:?}", end.value, end.x);
    }
}

/// A gradient a million times longer than all others stops Adam for a thousand steps, as the second moment remembers it; shortened, it does not.
#[test]
fn a_long_gradient_is_shortened() {
    /// A bowl with a cliff at the start.
    struct Cliff;
    impl VectorFn for Cliff {
        fn call<R: Real>(&self, x: &[R]) -> Vec<R> {
            let cliff = if x[0] > 2.99 { (x[0] - 2.99) * 1e6 } else { R::lit(0.0) };
            vec![x[0] + cliff, x[1]]
        }
    }
    let objective = Residuals {
        f: Cliff,
        n: 2,
        m: 2,
        wall: f64::INFINITY,
        bounds: [f64::NEG_INFINITY, f64::INFINITY],
    };
    let left = |clip| {
        let options = AdamOptions { learning_rate: 0.02, clip, ..Default::default() };
        let stop = Stop { max_iterations: 300, ..Default::default() };
        let space = space(2, objective.bounds);
        solve(&objective, &space, Method::Adam(options), stop, &[3.0, 3.0]).value
    };
    assert!(left(0.0) > 1.0, "{}", left(0.0));
    assert!(left(5.0) < 1e-2, "{}", left(5.0));
}

#[test]
fn transforms_and_scales() {
    /// Minimum at (1e-4, 0.7).
    struct Scaled;
    impl VectorFn for Scaled {
        fn call<R: Real>(&self, x: &[R]) -> Vec<R> {
            vec![(x[0] * 1e4).ln(), (x[1] - 0.7) * 3.0, (x[0] * 1e4).ln() * (x[1] - 0.7)]
        }
    }
    let parameter = |name: &str, lower, upper, transform| {
        Parameter::scalar(name).within(lower, upper).through(transform)
    };
    let space = Space::new(vec![
        parameter("rate", 0.0, f64::INFINITY, Transform::Log),
        parameter("albedo", 0.0, 1.0, Transform::Logit),
    ])
    .unwrap();
    let objective =
        Residuals { f: Scaled, n: 2, m: 3, wall: f64::INFINITY, bounds: [0.0, f64::INFINITY] };
    for name in ["lbfgsb", "gauss-newton", "cma-es", "trust-region", "nelder-mead"] {
        let end = solve(&objective, &space, named(name), Stop::default(), &[2.0, 0.05]);
        assert!(
            (end.x[0] / 1e-4 - 1.0).abs() < 1e-5 && (end.x[1] - 0.7).abs() < 1e-5,
            "{name}: {:?}",
            end.x
        );
    }
}

#[test]
fn a_run_resumed_from_text_at_any_iteration_gives_the_same_bits() {
    for name in ["lbfgsb", "adam", "gauss-newton", "cma-es", "trust-region", "nelder-mead"] {
        let objective = rosenbrock(3);
        let space = space(3, objective.bounds);
        let problem = Problem { objective: &objective, space: &space };
        let stop = Stop { max_iterations: 12, ..Default::default() };
        let start =
            || Run::start(&problem, named(name), stop, &[-1.2, 1.0, 0.3], SampleKey(5)).unwrap();
        let mut whole = start();
        let mut broken = start();
        loop {
            let text = serde_json::to_string(&broken).unwrap();
            broken = serde_json::from_str(&text).unwrap();
            let (a, b) = (whole.step(&problem), broken.step(&problem));
            assert_eq!(a, b, "{name}");
            if let StepResult::Done(_) = a {
                break;
            }
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let objective = rosenbrock(6);
        let stop = Stop { max_iterations: 40, ..Default::default() };
        pool.install(|| {
            solve(&objective, &space(6, objective.bounds), named("cma-es"), stop, &[0.0; 6])
        })
    };
    assert_eq!(run(1), run(2));
    assert_eq!(run(1), run(3));
}

#[test]
fn a_diagonal_covariance_serves_many_variables() {
    struct Ellipsoid;
    impl VectorFn for Ellipsoid {
        fn call<R: Real>(&self, x: &[R]) -> Vec<R> {
            let n = x.len() as f64;
            x.iter()
                .enumerate()
                .map(|(k, x)| (*x - 0.5) * 10.0_f64.powf(1.5 * k as f64 / n))
                .collect()
        }
    }
    let n = 120;
    let objective = Residuals {
        f: Ellipsoid,
        n,
        m: n,
        wall: f64::INFINITY,
        bounds: [f64::NEG_INFINITY, f64::INFINITY],
    };
    let stop = Stop { max_iterations: 4000, target_value: Some(1e-8), ..Default::default() };
    let end = solve(
        &objective,
        &space(n, objective.bounds),
        Method::CmaEs(CmaEsOptions::default()),
        stop,
        &[0.0; 120],
    );
    assert_eq!(end.status, Status::TargetReached, "{}", end.value);
}

#[test]
fn what_cannot_start_is_refused() {
    let objective = Residuals { wall: -5.0, ..rosenbrock(2) };
    let space2 = space(2, objective.bounds);
    let start = |objective: &dyn Objective, space: &Space, name, x0: &[f64]| {
        Run::start(&Problem { objective, space }, named(name), Stop::default(), x0, SampleKey(0))
            .unwrap_err()
    };
    assert!(matches!(start(&objective, &space2, "lbfgsb", &[0.0, 0.0]), StartError::Start(_)));
    assert!(matches!(start(&objective, &space2, "lbfgsb", &[f64::NAN, 0.0]), StartError::Space(_)));
    let space3 = space(3, objective.bounds);
    assert_eq!(
        start(&objective, &space3, "adam", &[0.0; 3]),
        StartError::Dimension { objective: 2, space: 3 }
    );
    struct Blind;
    impl Objective for Blind {
        fn dim(&self) -> usize {
            2
        }
        fn capabilities(&self) -> Capabilities {
            Capabilities::default()
        }
        fn evaluate(
            &self,
            _: &[f64],
            _: Want,
            _: SampleKey,
            _: &mut Workspace,
        ) -> Result<Evaluation, TrialFailure> {
            Ok(Evaluation::default())
        }
    }
    let refused = start(&Blind, &space2, "gauss-newton", &[0.0, 0.0]);
    assert!(matches!(
        refused,
        StartError::Unsupported { needs: "residuals", instead: "cma-es", .. }
    ));
}

#[test]
fn running_out_says_what_to_do() {
    let objective = rosenbrock(2);
    let stop = Stop { max_iterations: 3, ..Default::default() };
    let end = solve(&objective, &space(2, objective.bounds), named("lbfgsb"), stop, &[-1.2, 1.0]);
    assert_eq!((end.status.clone(), end.iterations), (Status::MaxIterations, 3));
    assert!(!end.status.is_success() && end.status.advice().contains("max_iterations"));
}
