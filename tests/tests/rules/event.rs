//! Events of differential equations that a step may hide: several within one step, touches, and events without an end.

use cotangent_ad::ode::{Direction, Dynamics, Method, OdeError, Options, Solution, solve};
use cotangent_ad::{Real, grad};

const METHODS: [Method; 3] = [Method::Tsit5, Method::Dop853, Method::Rodas5p];

/// A potential that rises at the rate `p[0]`, and fires at 1: it goes back to 0 and the count rises.
#[derive(Clone)]
struct Fires {
    direction: Direction,
}
impl Dynamics for Fires {
    fn rate<R: Real>(&self, _: R, _: &[R], p: &[R]) -> Vec<R> {
        vec![p[0], R::lit(0.0)]
    }
    fn events(&self) -> usize {
        1
    }
    fn event<R: Real>(&self, _: usize, _: R, y: &[R], _: &[R]) -> R {
        y[0] - 1.0
    }
    fn direction(&self, _: usize) -> Direction {
        self.direction
    }
    fn after<R: Real>(&self, _: usize, _: R, y: &[R], _: &[R]) -> Option<Vec<R>> {
        Some(vec![R::lit(0.0), y[1] + 1.0])
    }
}

#[test]
fn an_event_that_jumps_away_from_its_own_zero_happens_again_however_long_the_steps() {
    fn end<R: Real>(rate: R, direction: Direction, options: &Options) -> Vec<R> {
        let start = [R::lit(0.0), R::lit(0.0)];
        let fires = Fires { direction };
        solve(&fires, 0.0, R::lit(10.0), &start, &[rate], &[], options).unwrap().state
    }
    for method in METHODS {
        for direction in [Direction::Rising, Direction::Both] {
            let options = Options { method, ..Options::default() };
            for rate in [0.35, 3.05, 7.3, 99.95] {
                let fired = (10.0_f64 * rate).floor();
                let state = end(rate, direction, &options);
                assert_eq!(state[1], fired, "{method:?} {direction:?} at rate {rate}");
                assert!((state[0] - (10.0 * rate - fired)).abs() < 1e-9, "{state:?}");
                // after its last firing the potential is 10 rate - fired
                let slope = grad(|x| end(x[0], direction, &options)[0], &[rate])[0];
                assert!((slope - 10.0).abs() < 1e-8, "{method:?} at rate {rate}: {slope}");
            }
        }
    }
}

/// Falls freely; where it hits the ground it keeps the share `p[0]` of its speed.
#[derive(Clone)]
struct Falls;
impl Dynamics for Falls {
    fn rate<R: Real>(&self, _: R, y: &[R], _: &[R]) -> Vec<R> {
        vec![y[1], R::lit(-9.81)]
    }
    fn events(&self) -> usize {
        1
    }
    fn event<R: Real>(&self, _: usize, _: R, y: &[R], _: &[R]) -> R {
        y[0]
    }
    fn direction(&self, _: usize) -> Direction {
        Direction::Falling
    }
    fn after<R: Real>(&self, _: usize, _: R, y: &[R], p: &[R]) -> Option<Vec<R>> {
        Some(vec![R::lit(0.0), -y[1] * p[0]])
    }
}

#[test]
fn a_ball_never_falls_through_the_ground() {
    let drop = |share: f64, end: f64, options: &Options| {
        solve(&Falls, 0.0, end, &[1.0, 0.0], &[share], &[], options)
    };
    let first = (2.0_f64 / 9.81).sqrt();
    for method in METHODS {
        // the flights of a ball that keeps half its speed are shorter than rounding after fifty
        let options = Options { method, max_events: 400, ..Options::default() };
        for share in [0.0, 1e-300, 1e-9, 0.5] {
            let rest = first * (1.0 + 2.0 * share / (1.0 - share));
            for end in [1.001 * rest, 100.0] {
                // impacts without an end before it: there is no state then
                let error = drop(share, end, &options).map(|s| s.state).unwrap_err();
                let told = matches!(
                    error,
                    OdeError::TooManyEvents { which: 0, .. } | OdeError::Tangent { which: 0, .. }
                );
                assert!(told, "{method:?}, share {share} to {end}: {error}");
            }
            let before = drop(share, 0.99 * first * (1.0 + share), &options).unwrap().state[0];
            assert!(before >= 0.0, "{method:?}, share {share}: {before}");
        }
    }
}

/// A point that moves evenly along a line, watched by a function of time and place.
#[derive(Clone)]
struct Watched<F>(F);
trait Watch: Clone + Send + Sync + 'static {
    fn see<R: Real>(&self, t: R, y: R, p: &[R]) -> R;
}
impl<F: Watch> Dynamics for Watched<F> {
    fn rate<R: Real>(&self, _: R, y: &[R], _: &[R]) -> Vec<R> {
        vec![R::lit(1.0), y[1] * 0.0]
    }
    fn events(&self) -> usize {
        1
    }
    fn event<R: Real>(&self, _: usize, t: R, y: &[R], p: &[R]) -> R {
        self.0.see(t, y[0], p)
    }
    fn direction(&self, _: usize) -> Direction {
        Direction::Falling
    }
    fn after<R: Real>(&self, _: usize, _: R, y: &[R], _: &[R]) -> Option<Vec<R>> {
        Some(vec![y[0], y[1] + 1.0])
    }
}

fn watched<F: Watch>(watch: F, p: &[f64], options: &Options) -> Solution<f64> {
    solve(&Watched(watch), 0.0, 10.0, &[0.0, 0.0], p, &[], options).unwrap()
}

#[test]
fn two_crossings_within_a_step_are_seen() {
    /// Falls below zero between `p[0] - p[1]` and `p[0] + p[1]`, and is steep on the way.
    #[derive(Clone)]
    struct Well;
    impl Watch for Well {
        fn see<R: Real>(&self, _: R, y: R, p: &[R]) -> R {
            (y - p[0]).powi(2) - p[1] * p[1]
        }
    }
    for method in METHODS {
        let options = Options { method, ..Options::default() };
        for center in [0.7, 2.6, 7.9, 9.3] {
            for half in [0.3, 1e-2, 1e-4] {
                let solution = watched(Well, &[center, half], &options);
                let times: Vec<f64> = solution.events.iter().map(|e| e.time).collect();
                assert_eq!(times.len(), 1, "{method:?}: {center} +- {half}: {times:?}");
                assert!((times[0] - (center - half)).abs() < 1e-9, "{times:?}");
            }
        }
    }
}

#[test]
fn a_function_that_oscillates_within_a_step_shortens_it() {
    /// Falls through zero at the middle of every period.
    #[derive(Clone)]
    struct Wave;
    impl Watch for Wave {
        fn see<R: Real>(&self, t: R, _: R, p: &[R]) -> R {
            (t * p[0]).sin()
        }
    }
    for method in METHODS {
        let options = Options { method, ..Options::default() };
        for frequency in [3.0, 20.3, 100.7, 500.1] {
            let solution = watched(Wave, &[frequency], &options);
            // at t = (2 k + 1) pi / frequency
            let half_periods = 10.0 * frequency / std::f64::consts::PI;
            let right = (0.5 * (half_periods + 1.0)).floor();
            assert_eq!(solution.state[1], right, "{method:?} at {frequency}");
        }
    }
}
