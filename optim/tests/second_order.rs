//! Hessian-vector products, transforms under them, and many starts.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use cotangent_ad::{Real, grad, hvp};
use cotangent_optim::{Method, MultiStart, Problem, Stop, minimize, multi_start::best};
use cotangent_problem::{
    Capabilities, Evaluation, Objective, SampleKey, TrialFailure, Want, Workspace,
};
use cotangent_problem::{Parameter, Space, Transform};

/// A curved valley in `ln x`, `logit y` and `w`, with exact products or none.
struct Valley {
    products: bool,
}

fn valley<R: Real>(x: &[R]) -> R {
    let (rate, albedo) = (x[0].ln(), (x[1] / (-x[1] + 1.0)).ln());
    let bend = albedo - rate * rate;
    bend * bend * 30.0 + (rate - 1.0) * (rate - 1.0) + (x[2] - rate) * (x[2] - rate) * 5.0
}

impl Objective for Valley {
    fn dim(&self) -> usize {
        3
    }
    fn capabilities(&self) -> Capabilities {
        Capabilities { gradient: true, hvp: self.products, ..Default::default() }
    }
    fn evaluate(
        &self,
        x: &[f64],
        want: Want,
        _: SampleKey,
        _: &mut Workspace,
    ) -> Result<Evaluation, TrialFailure> {
        let gradient = want.gradient.then(|| grad(valley, x));
        Ok(Evaluation { value: valley(x), gradient, ..Default::default() })
    }
    fn hvp(
        &self,
        x: &[f64],
        v: &[f64],
        _: SampleKey,
        _: &mut Workspace,
    ) -> Result<Vec<f64>, TrialFailure> {
        Ok(hvp(valley, x, v))
    }
}

fn space() -> Space {
    let scalar = |name: &str, lower, upper, scale, transform| {
        Parameter::scalar(name).within(lower, upper).scaled(scale).through(transform)
    };
    Space::new(vec![
        scalar("rate", 0.0, f64::INFINITY, 0.7, Transform::Log),
        scalar("albedo", 0.0, 1.0, 1.3, Transform::Logit),
        scalar("free", -5.0, 5.0, 2.0, Transform::Identity),
    ])
    .unwrap()
}

#[test]
fn exact_products_through_transforms_agree_with_differences_and_converge_faster() {
    let space = space();
    let run = |products| {
        let objective = Valley { products };
        let problem = Problem { objective: &objective, space: &space };
        let method = Method::named("trust-region").unwrap();
        let stop = Stop { gradient_tolerance: 1e-10, ..Default::default() };
        minimize(&problem, method, stop, &[0.2, 0.3, -2.0], SampleKey(0), &mut ()).unwrap()
    };
    let (exact, differences) = (run(true), run(false));
    for end in [&exact, &differences] {
        assert!(end.status.is_success(), "{:?}", end.status);
        let e = std::f64::consts::E;
        assert!((end.x[0] - e).abs() < 1e-6 && (end.x[1] - e / (1.0 + e)).abs() < 1e-6);
        assert!((end.x[2] - 1.0).abs() < 1e-6);
    }
    // a wrong curvature of a transform would cost the quadratic end
    assert!(exact.iterations <= differences.iterations + 1 && exact.iterations < 40);
}

/// Many minima: the least is at 0.
struct Rastrigin;
impl Objective for Rastrigin {
    fn dim(&self) -> usize {
        2
    }
    fn capabilities(&self) -> Capabilities {
        Capabilities { gradient: true, ..Default::default() }
    }
    fn evaluate(
        &self,
        x: &[f64],
        want: Want,
        _: SampleKey,
        _: &mut Workspace,
    ) -> Result<Evaluation, TrialFailure> {
        fn f<R: Real>(x: &[R]) -> R {
            x.iter().fold(R::lit(0.0), |s, x| {
                s + *x * *x + 3.0 - (*x * std::f64::consts::TAU).cos() * 3.0
            })
        }
        let gradient = want.gradient.then(|| grad(f, x));
        Ok(Evaluation { value: f(x), gradient, ..Default::default() })
    }
}

#[test]
fn many_starts_find_the_least_minimum_on_any_number_of_threads() {
    let space = Space::new(vec![Parameter::vector("x", 2).within(-4.0, 4.0)]).unwrap();
    let problem = Problem { objective: &Rastrigin, space: &space };
    let run = |threads: usize, starts: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let many = MultiStart { starts, ..Default::default() };
        let method = Method::named("lbfgsb").unwrap();
        pool.install(|| {
            many.minimize(&problem, &method, Stop::default(), &[3.1, -2.2], SampleKey(0))
        })
    };
    let one = run(1, 1);
    assert!(best(&one).unwrap().value > 1.0, "the start alone ends in a local minimum");
    let many = run(1, 60);
    assert!(best(&many).unwrap().value < 1e-10, "{:?}", best(&many));
    assert_eq!(many[0], one[0]);
    assert_eq!(many, run(3, 60));
}
