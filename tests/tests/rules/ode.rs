//! Differential equations: against closed forms, and derivatives of every mode against each other.

use cotangent_ad::check::central_difference;
use cotangent_ad::ode::{Dynamics, Method, OdeError, Options, Solution, solve};
use cotangent_ad::{
    Dual, Num, Real, Schedule, Var, grad, hvp, jacobian_forward, jvp, value_and_grad,
};

use crate::systems::LotkaVolterra;
use crate::systems::falling::{
    Ball, both_dropped, bounced, given, given_by_hand, one_dropped, thrown,
};
use crate::weighted;

const TIGHT: fn() -> Options =
    || Options { relative: 1e-12, absolute: 1e-13, ..Options::default() };

fn close(found: &[f64], right: &[f64], tolerance: f64) {
    assert_eq!(found.len(), right.len());
    let size = right.iter().fold(1e-300_f64, |s, r| s.max(r.abs()));
    for (f, r) in found.iter().zip(right) {
        assert!((f - r).abs() <= tolerance * size, "{found:?} are not {right:?}");
    }
}

const HARES: [f64; 6] = [0.55, 0.028, 0.80, 0.024, 33.956, 5.933];

fn hares<R: Real>(x: &[R], options: &Options) -> R {
    let years: Vec<f64> = (1..=10).map(f64::from).collect();
    let solution = solve(&LotkaVolterra, 0.0, R::lit(10.0), &x[4..], &x[..4], &years, options);
    let saved = solution.unwrap().saved;
    assert_eq!(saved.len(), 10);
    saved.iter().fold(R::lit(0.0), |s, y| s + y[0].ln() * 0.3 + y[1].ln())
}

#[test]
fn a_gradient_is_that_of_the_discrete_solution_in_every_mode_under_every_schedule() {
    for method in [Method::Tsit5, Method::Dop853, Method::Rodas5p] {
        let options = Options { method, relative: 1e-7, absolute: 1e-9, ..Options::default() };
        let reverse = grad(|x| hares(x, &options), &HARES);
        let forward = jacobian_forward(|x| vec![hares(x, &options)], &HARES);
        close(&reverse, &forward, 1e-11);
        for slots in [1, 3, 7] {
            let fewer = Options { schedule: Schedule::Revolve { slots }, ..options };
            assert_eq!(grad(|x| hares(x, &fewer), &HARES), reverse, "{slots} slots");
        }
    }
}

/// Heat in a row of cells that is warmed at its end now and then: stiff, driven, with rates that bend.
#[derive(Clone)]
struct Row;
impl Dynamics for Row {
    fn rate<R: Real>(&self, t: R, y: &[R], p: &[R]) -> Vec<R> {
        let at = |k: Option<usize>| k.and_then(|k| y.get(k).copied()).unwrap_or(R::lit(0.0));
        let cell = |k: usize| {
            let warmed = if k == 0 { (t * 3.0).cos() * p[2] * y[0] } else { R::lit(0.0) };
            let flow = at(k.checked_sub(1)) - y[k] * 2.0 + at(Some(k + 1));
            p[0] * flow - p[1] * y[k].powi(3) + warmed
        };
        (0..y.len()).map(cell).collect()
    }
}

#[test]
fn the_adjoint_of_a_method_is_that_of_its_steps_in_every_mode() {
    fn warmth<R: Real>(x: &[R], options: &Options) -> R {
        let (p, start) = x.split_at(3);
        let state = solve(&Row, 0.5, R::lit(1.5), start, p, &[0.9], options).unwrap().state;
        state.iter().enumerate().fold(R::lit(0.0), |s, (k, y)| s + *y * *y * (1.0 + k as f64))
    }
    // linear systems of few unknowns and of many
    for (method, cells) in
        [(Method::Tsit5, 3), (Method::Dop853, 3), (Method::Rodas5p, 3), (Method::Rodas5p, 11)]
    {
        let options = Options { method, relative: 1e-5, absolute: 1e-7, ..Options::default() };
        let mut x = vec![20.0, 0.7, 5.0];
        x.extend((0..cells).map(|k| 1.0 + 0.3 * f64::from(k).sin()));
        let (value, reverse) = value_and_grad(|x| warmth(x, &options), &x);
        assert_eq!(value, warmth(&x[..], &options), "the states that a tape takes over");
        let forward = jacobian_forward(|x| vec![warmth(x, &options)], &x);
        close(&reverse, &forward, 1e-11);
        let v: Vec<f64> = (0..x.len()).map(|k| 0.3 + (k as f64).cos()).collect();
        let twice = |x: &[Dual<Dual<f64, 1>, 1>]| vec![warmth(x, &options)];
        let along = |u: usize| {
            let seed = |k: usize| f64::from(u8::from(k == u));
            let moved = |k: usize| Dual {
                re: Dual { re: x[k], eps: [v[k]] },
                eps: [Dual { re: seed(k), eps: [0.0] }],
            };
            twice(&(0..x.len()).map(moved).collect::<Vec<_>>())[0].eps[0].eps[0]
        };
        let second: Vec<f64> = (0..x.len()).map(along).collect();
        close(&hvp(|x| warmth(x, &options), &x, &v), &second, 1e-10);
        let slope = |x: &[Var<f64>]| weighted(&grad(|x| warmth(x, &options), x), &v);
        close(&grad(slope, &x), &second, 1e-10);
    }
}

#[test]
fn derivatives_agree_with_differences_to_second_order() {
    let options = TIGHT();
    let v = [0.1, 0.01, -0.2, 0.003, 1.0, -0.5];
    let along: f64 = grad(|x| hares(x, &options), &HARES).iter().zip(v).map(|(g, v)| g * v).sum();
    let value = |x: &[f64]| Ok::<_, std::convert::Infallible>(hares(x, &options));
    let difference = central_difference(value, &HARES, &v, 1e-4).unwrap();
    assert!((along - difference).abs() < 1e-6 * along.abs(), "{along} {difference}");
    let second = hvp(|x| hares(x, &options), &HARES, &v);
    let moved = |t: f64| -> Vec<f64> { HARES.iter().zip(v).map(|(x, v)| x + t * v).collect() };
    let gradient = |t: f64| grad(|x| hares(x, &options), &moved(t));
    let (above, below) = (gradient(1e-5), gradient(-1e-5));
    let differences: Vec<f64> = above.iter().zip(&below).map(|(a, b)| (a - b) / 2e-5).collect();
    close(&second, &differences, 1e-6);
    // reverse over reverse: the sweep of a step is swept again
    for method in [Method::Tsit5, Method::Rodas5p] {
        let options = Options { method, relative: 1e-7, absolute: 1e-9, ..Options::default() };
        let gradient = |x: &[Var<f64>]| grad(|z: &[Var<Var<f64>>]| hares(z, &options), x);
        let by_reverse = grad(|x| weighted(&gradient(x), &v), &HARES);
        close(&by_reverse, &hvp(|x| hares(x, &options), &HARES, &v), 1e-11);
    }
}

#[test]
fn the_end_may_be_a_parameter() {
    #[derive(Clone)]
    struct Decay;
    impl Dynamics for Decay {
        fn rate<R: Real>(&self, t: R, y: &[R], p: &[R]) -> Vec<R> {
            vec![-y[0] * p[0] + t * 0.0]
        }
    }
    let end = |x: &[Var<f64>]| {
        solve(&Decay, 0.0, x[1], &[Var::lit(2.0)], &x[..1], &[], &TIGHT()).unwrap().state[0]
    };
    let y = 2.0 * (-0.7_f64 * 1.5).exp();
    close(&grad(end, &[0.7, 1.5]), &[-1.5 * y, -0.7 * y], 1e-11);
}

#[test]
fn a_bouncing_ball_is_right_to_its_fifth_impact() {
    let x = [9.81, 0.8, 1.0];
    let time = 2.75;
    let solution = thrown(&x[..], time, &TIGHT());
    let [height, fifth] = bounced(&x[..], time);
    assert_eq!(solution.events.len(), 5);
    close(&[solution.state[0], solution.events[4].time], &[height, fifth], 1e-11);
    close(
        &grad(|x| thrown(x, time, &TIGHT()).state[0], &x),
        &grad(|x| bounced(x, time)[0], &x),
        1e-9,
    );
    close(
        &grad(|x| thrown(x, time, &TIGHT()).events[4].time, &x),
        &grad(|x| bounced(x, time)[1], &x),
        1e-9,
    );
    let v = [0.3, -0.1, 0.7];
    close(
        &hvp(|x| thrown(x, time, &TIGHT()).state[0], &x, &v),
        &hvp(|x| bounced(x, time)[0], &x, &v),
        1e-9,
    );
}

#[test]
fn an_event_that_ends_the_integration_gives_its_time_and_state() {
    fn landed<R: Real>(x: &[R]) -> Solution<R> {
        let ball = Ball { stops: true };
        let saved = [0.1, 0.2, 5.0];
        solve(&ball, 0.0, R::lit(10.0), &[x[1], R::lit(0.0)], &x[..1], &saved, &TIGHT()).unwrap()
    }
    let x = [9.81, 2.0];
    let solution = landed(&x[..]);
    let fall = (2.0 * 2.0 / 9.81_f64).sqrt();
    assert_eq!((solution.saved.len(), solution.events.len()), (2, 1));
    close(&[solution.time, solution.state[1]], &[fall, -9.81 * fall], 1e-12);
    close(&grad(|x| landed(x).time, &x), &[-0.5 * fall / 9.81, 0.5 * fall / 2.0], 1e-11);
    // the height is 0 whatever the parameters
    assert!(grad(|x| landed(x).state[0], &x).iter().all(|g| g.abs() < 1e-12));
    assert!(hvp(|x| landed(x).state[0], &x, &[1.0, 0.4]).iter().all(|h| h.abs() < 1e-11));
}

#[test]
fn the_time_of_an_event_may_be_a_parameter() {
    for method in [Method::Tsit5, Method::Rodas5p] {
        let options = match method {
            Method::Tsit5 | Method::Dop853 => TIGHT(),
            Method::Rodas5p => {
                Options { method, relative: 1e-11, absolute: 1e-12, ..Options::default() }
            }
        };
        // at the very start the parameter may only grow
        for x in [[0.9, 0.7, 1.2], [0.9, 0.0, 1.2]] {
            close(&grad(|x| given(x, &options), &x), &grad(given_by_hand, &x), 1e-9);
        }
    }
}

#[test]
fn a_ball_that_starts_on_the_ground_bounces_once_if_it_moves_down() {
    let height = |v: f64| {
        let p = [9.81, 0.5];
        let found = solve(&Ball { stops: false }, 0.0, 0.05, &[0.0, v], &p, &[], &TIGHT()).unwrap();
        (found.state[0], found.events.len())
    };
    let flight = |v: f64| v * 0.05 - 9.81 * 0.5 * 0.05 * 0.05;
    let (down, up) = (height(-2.0), height(2.0));
    assert_eq!((down.1, up.1), (1, 0));
    close(&[down.0, up.0], &[flight(1.0), flight(2.0)], 1e-13);
    let slope = grad(
        |x| {
            let p = [Var::lit(9.81), Var::lit(0.5)];
            let ball = Ball { stops: false };
            solve(&ball, 0.0, Var::lit(0.05), &[Var::lit(0.0), x[0]], &p, &[], &TIGHT())
                .unwrap()
                .state[0]
        },
        &[-2.0],
    );
    close(&slope, &[-0.5 * 0.05], 1e-12);
}

#[test]
fn two_events_at_one_time_are_passed_where_their_order_does_not_matter_and_refused_where_it_does() {
    // both dropped from 1 with acceleration 2: at t = 1
    let x = [0.5, 1.0, 1.0];
    let sum = |x: &[Var<f64>]| {
        let found = both_dropped(x, false, &TIGHT()).unwrap();
        assert_eq!(found.events.len(), 2);
        found.state[0] + found.state[2] * 0.3
    };
    let right = |x: &[Var<f64>]| one_dropped(x[0], x[1]) + one_dropped(x[0], x[2]) * 0.3;
    close(&grad(sum, &x), &grad(right, &x), 1e-9);
    let refused = both_dropped(&x[..], true, &TIGHT());
    assert!(
        matches!(refused, Err(OdeError::NotDifferentiable { first: 0, second: 1, time }) if (time - 1.0).abs() < 1e-12),
        "{refused:?}"
    );
}

/// `A -> B`, `2 B -> B + C`, `B + C -> A + C`.
#[derive(Clone)]
struct Robertson;
impl Dynamics for Robertson {
    fn rate<R: Real>(&self, _: R, y: &[R], p: &[R]) -> Vec<R> {
        let (decay, pair, catalysed) = (p[0] * y[0], p[1] * y[1] * y[1], p[2] * y[1] * y[2]);
        vec![catalysed - decay, decay - catalysed - pair, pair]
    }
}

fn last<R: Real>(x: &[R], options: &Options) -> R {
    let start = [R::lit(1.0), R::lit(0.0), R::lit(0.0)];
    let rates: Vec<R> = x.iter().map(|k| k.exp()).collect();
    solve(&Robertson, 0.0, R::lit(40.0), &start, &rates, &[], options).unwrap().state[2]
}

#[test]
fn a_stiff_system_agrees_between_methods_and_goes_where_the_explicit_one_cannot() {
    let (rates, start) = ([0.04, 3e7, 1e4], [1.0, 0.0, 0.0]);
    let by = |method, end: f64, relative: f64| {
        let options = Options { method, relative, absolute: relative * 1e-5, ..Options::default() };
        solve(&Robertson, 0.0, end, &start, &rates, &[], &options).unwrap()
    };
    let (explicit, implicit) = (by(Method::Tsit5, 0.05, 1e-8), by(Method::Rodas5p, 0.05, 1e-8));
    close(&implicit.state, &explicit.state, 1e-8);
    assert!((implicit.state[1] - explicit.state[1]).abs() < 1e-6 * explicit.state[1]);
    // the invariant and the printed solution of the literature at t = 40
    let later = by(Method::Rodas5p, 40.0, 1e-6);
    close(&later.state, &[0.7158, 9.185e-6, 0.2842], 1e-4);
    assert!((later.state[1] / 9.1855e-6 - 1.0).abs() < 1e-4, "{:e}", later.state[1]);
    let sum: f64 = later.state.iter().sum();
    // an explicit method would need some 40 * 3e3 steps
    assert!((sum - 1.0).abs() < 1e-10 && later.steps < 1000, "{sum} in {} steps", later.steps);
    // gradients by rates through it, reverse against forward
    let options =
        Options { method: Method::Rodas5p, relative: 1e-5, absolute: 1e-9, ..Options::default() };
    let logs = rates.map(f64::ln);
    let reverse = grad(|x| last(x, &options), &logs);
    let forward: Vec<f64> = (0..3)
        .map(|k| {
            let x: Vec<Dual<f64, 1>> = logs
                .iter()
                .enumerate()
                .map(|(i, x)| if i == k { Dual::seed(*x, 0) } else { Dual::konst(*x) })
                .collect();
            last(&x, &options).eps[0]
        })
        .collect();
    close(&reverse, &forward, 1e-9);
}

#[derive(Clone)]
struct Short;
impl Dynamics for Short {
    fn rate<R: Real>(&self, _: R, _: &[R], _: &[R]) -> Vec<R> {
        Vec::new()
    }
}

#[test]
fn what_cannot_be_integrated_says_why() {
    #[derive(Clone)]
    struct Power(f64);
    impl Dynamics for Power {
        fn rate<R: Real>(&self, _: R, y: &[R], _: &[R]) -> Vec<R> {
            vec![y[0] * y[0] * self.0]
        }
    }
    let plain = Options::default();
    let run = |d: &Power, end: f64, y: &[f64], saved: &[f64], options: &Options| {
        solve(d, 0.0, end, y, &[], saved, options)
    };
    let blown = run(&Power(1.0), 2.0, &[1.0], &[], &plain);
    assert!(
        matches!(blown, Err(OdeError::StepUnderflow { time, .. }) if (time - 1.0).abs() < 1e-6),
        "{blown:?}"
    );
    assert!(matches!(run(&Power(1.0), 1.0, &[], &[], &plain), Err(OdeError::EmptyState)));
    assert!(matches!(
        run(&Power(f64::NAN), 1.0, &[1.0], &[], &plain),
        Err(OdeError::NonFinite { .. })
    ));
    let stiff = Options { method: Method::Rodas5p, ..plain };
    assert!(matches!(
        run(&Power(f64::NAN), 1.0, &[1.0], &[], &stiff),
        Err(OdeError::NonFinite { .. })
    ));
    assert!(matches!(run(&Power(1.0), -1.0, &[1.0], &[], &plain), Err(OdeError::Time { .. })));
    let late = run(&Power(1.0), 0.5, &[1.0], &[0.4, 0.3], &plain);
    assert!(matches!(late, Err(OdeError::Time { what: "a saved time", value }) if value == 0.3));
    let none = Options { relative: 0.0, absolute: 0.0, ..plain };
    assert!(matches!(run(&Power(1.0), 0.5, &[1.0], &[], &none), Err(OdeError::Tolerance { .. })));
    let few = Options { max_steps: 3, ..TIGHT() };
    let long = run(&Power(1.0), 0.9, &[1.0], &[], &few);
    assert!(matches!(long, Err(OdeError::TooManySteps { steps: 3, .. })));
    // a ball whose impacts accumulate
    let p = [9.81, 0.5];
    let zeno = solve(
        &Ball { stops: false },
        0.0,
        10.0,
        &[1.0, 0.0],
        &p,
        &[],
        &Options { max_events: 40, ..plain },
    );
    assert!(
        matches!(zeno, Err(OdeError::TooManyEvents { .. } | OdeError::Tangent { .. })),
        "{zeno:?}"
    );
    let short = solve(&Short, 0.0, 1.0, &[1.0], &[], &[], &plain);
    assert!(matches!(short, Err(OdeError::Shape { expected: 1, found: 0, .. })));
}

#[test]
fn the_state_moves_with_its_end_where_that_is_the_start_or_a_saved_time() {
    /// `y' = -p y`.
    #[derive(Clone)]
    struct Decay;
    impl Dynamics for Decay {
        fn rate<R: Real>(&self, _: R, y: &[R], p: &[R]) -> Vec<R> {
            vec![-y[0] * p[0]]
        }
    }
    fn end<R: Real>(x: &[R], method: Method, saved: &[f64]) -> R {
        let options = Options { method, ..Options::default() };
        let found = solve(&Decay, 1.0, x[0], &x[1..2], &x[2..], saved, &options).unwrap();
        found.state[0] + found.saved.iter().map(|y| y[0] * 0.0).sum::<R>()
    }
    for method in [Method::Tsit5, Method::Dop853, Method::Rodas5p] {
        for (t1, saved) in [(1.0, vec![]), (1.0, vec![1.0]), (1.5, vec![1.2, 1.5])] {
            let x = [t1, 2.0, 0.5];
            let slope = -0.5 * 2.0 * (-0.5 * (t1 - 1.0)).exp();
            let reverse = grad(|x| end(x, method, &saved), &x)[0];
            let forward = jvp(|x| vec![end(x, method, &saved)], &x, &[1.0, 0.0, 0.0]).1[0];
            let second = hvp(|x| end(x, method, &saved), &x, &[1.0, 0.0, 0.0])[0];
            for found in [reverse, forward, second / -0.5] {
                assert!((found - slope).abs() < 1e-7, "{method:?} {t1} {saved:?}: {found} {slope}");
            }
        }
    }
}
