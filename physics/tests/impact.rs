//! Rigid impacts localised in time, against closed forms and duals.

#![allow(clippy::unwrap_used, reason = "a test may end")]

mod common;

use common::close;
use std::sync::Arc;

use cotangent_ad::{Dual, Vec3, jacobian_forward};
use cotangent_physics::impact::{
    Arena, Ball, BallPart, Balls, BallsSimulation, FlightError, Pair, Sampling, Until, Wall,
    WallPart,
};
use cotangent_problem::{Keep, Map, SampleKey, Simulation, TrialFailure, Workspace};

fn floor(balls: usize) -> Arena {
    Arena {
        balls: vec![Ball { radius: 0.1, mass: 1.0 }; balls],
        walls: vec![Wall { normal: Vec3([0.0, 0.0, 1.0]), offset: 0.0 }],
        gravity: Vec3([0.0, 0.0, -9.81]),
    }
}

fn one(x: [f64; 3], v: [f64; 3]) -> Balls {
    Balls { x: vec![Vec3(x)], v: vec![Vec3(v)] }
}

/// A ball that falls from `h` rises to `e^2 h`.
#[test]
fn a_dropped_ball_rises_to_e_squared_h() {
    let (arena, e, h) = (floor(1), 0.7, 1.5);
    let top_after = (2.0 * h / 9.81_f64).sqrt() * (1.0 + e);
    let start = one([0.0, 0.0, h + 0.1], [0.0; 3]);
    let flight = arena.fly(&start, e, Until::Time(top_after)).unwrap();
    close(&flight.end().x[0].0, &[0.0, 0.0, e * e * h + 0.1], 1e-14);
    close(&flight.end().v[0].0, &[0.0; 3], 1e-14);
    assert_eq!(flight.impacts().count(), 1);
    close(&flight.at(&arena, top_after).x[0].0, &flight.end().x[0].0, 1e-14);
}

/// `x_2(T)` of two equal elastic balls on a line, `x_2 - x_1 > 2 r`: they swap velocities, so `x_2(T) = x_1 + v_0 T + 2 r` and the
/// gradient by `(x_1, x_2, v_0, u_0)` is `(1, 0, 1, 0)` for `T = 1`.
#[test]
fn two_elastic_balls_have_the_exact_gradient() {
    let mut arena = floor(2);
    (arena.gravity, arena.walls) = (Vec3([0.0; 3]), vec![]);
    let line = |x: f64| Vec3([x, 0.0, 0.0]);
    let start = Balls { x: vec![line(0.0), line(0.7)], v: vec![line(1.0), line(0.0)] };
    let flight = arena.fly(&start, 1.0, Until::Time(1.0)).unwrap();
    assert!((flight.end().x[1][0] - 1.2).abs() < 1e-15);
    let bar = Balls { x: vec![line(0.0), line(1.0)], v: vec![line(0.0); 2] };
    let by = flight.pull(&arena, &bar).start;
    close(&[by.x[0][0], by.x[1][0], by.v[0][0], by.v[1][0]], &[1.0, 0.0, 1.0, 0.0], 1e-14);
}

/// Landing point after one bounce, closed form: `x + v_x (t_1 + 2 e w / g)`, `w` the speed at the ground.
#[test]
fn a_thrown_ball_lands_where_the_closed_form_says() {
    let (arena, e, g) = (floor(1), 0.8, 9.81_f64);
    let landing = |v: [Dual<f64, 8>; 3]| {
        let height = 1.2 - 0.1;
        let w = cotangent_ad::Num::sqrt(v[2] * v[2] + 2.0 * g * height);
        let time = (v[2] + w) / g + w * (2.0 * e / g);
        vec![v[0] * time, v[1] * time]
    };
    let v = [3.0, 0.5, 2.0];
    let flight = arena.fly(&one([0.0, 0.0, 1.2], v), e, Until::Impact(2)).unwrap();
    let expected = landing(v.map(Dual::konst));
    close(&flight.end().x[0].0[..2], &[expected[0].re, expected[1].re], 1e-14);
    let by_hand: Vec<f64> = [0, 1]
        .map(|k| {
            let bar = Balls { x: vec![Vec3::unit(k)], v: vec![Vec3([0.0; 3])] };
            flight.pull(&arena, &bar).start.v[0].0
        })
        .concat();
    let closed_form = jacobian_forward(|v| landing([v[0], v[1], v[2]]), &v);
    close(&by_hand, &closed_form, 1e-13);
}

fn split<T: cotangent_ad::Num>(x: &[T]) -> Balls<T> {
    let triples: Vec<Vec3<T>> = x[..18].chunks(3).map(|c| Vec3([c[0], c[1], c[2]])).collect();
    Balls { x: triples[..3].to_vec(), v: triples[3..].to_vec() }
}

/// Three balls between tilted walls, many impacts of both kinds: the adjoint by saltation against duals through the
/// quadratic formula. The motion is chaotic: the derivative grows with each impact.
#[test]
fn the_adjoint_agrees_with_duals_through_many_impacts() {
    let mut arena = floor(3);
    arena.balls[1] = Ball { radius: 0.15, mass: 2.5 };
    let wall = |n: [f64; 3], offset: f64| Wall { normal: Vec3(n).normalized(), offset };
    arena.walls.extend([
        wall([1.0, 0.1, 0.2], -1.0),
        wall([-1.0, 0.2, 0.0], -1.0),
        wall([0.0, 1.0, 0.0], -0.5),
        wall([0.1, -1.0, 0.1], -0.5),
    ]);
    let x: Vec<f64> = vec![
        -0.5, 0.0, 0.8, 0.4, 0.1, 0.5, 0.0, -0.2, 1.4, // centres
        1.5, 0.3, 0.2, -1.0, -0.2, 0.8, 0.5, 0.7, -0.3, // velocities
        0.9,  // restitution
    ];
    for until in [Until::Time(1.2), Until::Impact(7)] {
        let flight = arena.fly(&split(&x), x[18], until).unwrap();
        let pairs: Vec<Pair> = flight.impacts().map(|(pair, _)| pair).collect();
        assert!(pairs.iter().any(|p| matches!(p, Pair::Balls(..))), "{pairs:?}");
        assert!(pairs.len() >= 7 && pairs.len() < 40, "{pairs:?}");
        let end = |x: &[Dual<f64, 8>]| {
            let end = arena.lift().fly(&split(x), x[18], until).unwrap().end().clone();
            end.x.iter().chain(&end.v).flat_map(|v| v.0).collect::<Vec<_>>()
        };
        let jacobian = jacobian_forward(end, &x);
        let weights = common::randoms(3, 18);
        let by_duals: Vec<f64> =
            (0..19).map(|j| (0..18).map(|i| weights[i] * jacobian[i * 19 + j]).sum()).collect();
        let bar = flight.pull(&arena, &split(&weights));
        let mut by_hand: Vec<f64> =
            bar.start.x.iter().chain(&bar.start.v).flat_map(|v| v.0).collect();
        by_hand.push(bar.restitution);
        close(&by_hand, &by_duals, 1e-11);
    }
}

#[test]
fn what_cannot_be_followed_is_said() {
    let arena = floor(1);
    let still = one([0.0, 0.0, 0.5], [0.3, 0.0, 0.0]);
    // heights shrink by e^2: the impacts end at t (1 + e) / (1 - e), and the ball slides
    let end = (2.0 * 0.4 / 9.81_f64).sqrt() * 3.0;
    match arena.fly(&still, 0.5, Until::Time(10.0)).unwrap_err() {
        FlightError::Rests { ball: 0, wall: 0, time_s, speed } => {
            assert!((time_s - end).abs() < 1e-7 && (speed - 0.3).abs() < 1e-7, "{time_s} {speed}");
        }
        other => panic!("{other}"),
    }
    let inside = arena.fly(&one([0.0, 0.0, 0.05], [0.0; 3]), 0.5, Until::Time(1.0)).unwrap_err();
    assert!(matches!(inside, FlightError::Overlap { depth, .. } if (depth - 0.05).abs() < 1e-9));
    let mut space = arena;
    space.gravity = Vec3([0.0; 3]);
    let lost = space.fly(&still, 0.5, Until::Impact(1)).unwrap_err();
    assert_eq!(lost, FlightError::NoImpact { found: 0, wanted: 1 });
}

/// Tilted walls, all restitutions down to 0: the motion ends above the wall, or is refused as rest.
#[test]
fn a_ball_never_passes_a_wall() {
    let (mut rests, mut flies) = (0, 0);
    for key in 0..1000 {
        let r = common::randoms(key, 8);
        let normal = Vec3([r[0], r[1], 1.2 + r[2]]).normalized();
        let mut arena = floor(1);
        arena.walls[0] = Wall { normal, offset: 0.2 * r[3] };
        let x = normal * (arena.walls[0].offset + 0.1 + 0.3 * (1.0 + r[4]));
        let start = one(x.0, [r[5], r[6], r[7]]);
        let e = [0.0, 0.0, 0.1, 0.5, 1.0][(key % 5) as usize];
        match arena.fly(&start, e, Until::Time(2.0)) {
            Ok(flight) => {
                let gap = normal.dot(flight.end().x[0]) - arena.walls[0].offset - 0.1;
                assert!(gap > -1e-9, "{key}: {gap}");
                flies += 1;
            }
            Err(FlightError::Rests { time_s, .. }) => {
                assert!(e < 1.0 && time_s < 2.0);
                rests += 1;
            }
            Err(other) => panic!("{key}: {other}"),
        }
    }
    assert!(rests > 300 && flies > 200, "{rests} {flies}");
}

/// A ball that lies on the floor from the start rests.
#[test]
fn a_ball_at_rest_is_said_to_rest() {
    let error = floor(1).fly(&one([0.0, 0.0, 0.1], [0.0; 3]), 0.5, Until::Time(1.0)).unwrap_err();
    assert!(matches!(error, FlightError::Rests { .. }), "{error}");
}

/// 12 000 bounces that lose nothing are no accumulation.
#[test]
fn many_elastic_impacts_are_followed() {
    let arena = floor(1);
    let height = 0.05;
    let period = 2.0 * (2.0 * height / 9.81_f64).sqrt();
    let start = one([0.0, 0.0, 0.1 + height], [0.0; 3]);
    let flight = arena.fly(&start, 1.0, Until::Time(12_000.0 * period)).unwrap();
    assert_eq!(flight.impacts().count(), 12_000);
    assert!((flight.end().x[0][2] - 0.15).abs() < 1e-6);
}

/// A symmetric break: the cue ball meets two touching balls at once, and the order would decide. A corner of two walls at right
/// angles, too, is met at once, but there the order does not matter.
#[test]
fn impacts_at_once_are_named_where_their_order_decides() {
    let mut arena = floor(3);
    (arena.gravity, arena.walls) = (Vec3([0.0; 3]), vec![]);
    let x = [[0.0, 0.0, 0.0], [1.0, 0.100_000_1, 0.0], [1.0, -0.100_000_1, 0.0]];
    for order in [[0, 1, 2], [1, 0, 2], [2, 1, 0]] {
        let start = Balls {
            x: order.map(|k| Vec3(x[k])).to_vec(),
            v: order.map(|k| Vec3([if k == 0 { 1.0 } else { 0.0 }, 0.0, 0.0])).to_vec(),
        };
        let error = arena.fly(&start, 1.0, Until::Time(2.0)).unwrap_err();
        assert!(matches!(error, FlightError::Simultaneous { .. }), "{error}");
    }
    let mut corner = floor(1);
    corner.gravity = Vec3([0.0; 3]);
    corner.walls.push(Wall { normal: Vec3([1.0, 0.0, 0.0]), offset: 0.0 });
    let flight = corner.fly(&one([0.6, 0.0, 0.6], [-1.0, 0.2, -1.0]), 1.0, Until::Time(1.0));
    close(&flight.unwrap().end().x[0].0, &[0.6, 0.2, 0.6], 1e-14);
}

#[test]
fn bad_numbers_are_refused() {
    let arena = floor(1);
    let start = one([0.0, 0.0, 0.5], [0.0; 3]);
    let bad = |arena: &Arena, start: &Balls, e: f64, until| {
        let error = arena.fly(start, e, until).unwrap_err();
        assert!(matches!(error, FlightError::BadNumber { .. }), "{error}");
    };
    let time = Until::Time(1.0);
    for e in [f64::NAN, -0.1, 1.1] {
        bad(&arena, &start, e, time);
    }
    bad(&arena, &one([0.0, f64::NAN, 0.5], [0.0; 3]), 0.5, time);
    bad(&arena, &one([0.0, 0.0, 0.5], [f64::INFINITY, 0.0, 0.0]), 0.5, time);
    for until in [Until::Impact(0), Until::Time(f64::NAN), Until::Time(-1.0)] {
        bad(&arena, &start, 0.5, until);
    }
    for normal in [[0.0, 0.0, 2.0], [0.0; 3], [f64::NAN, 0.0, 1.0]] {
        let mut tilted = arena.clone();
        tilted.walls[0].normal = Vec3(normal);
        bad(&tilted, &start, 0.5, time);
    }
    for ball in [Ball { radius: 0.0, mass: 1.0 }, Ball { radius: 0.1, mass: f64::NAN }] {
        let mut odd = arena.clone();
        odd.balls[0] = ball;
        bad(&odd, &start, 0.5, time);
    }
}

/// Two balls that hardly meet: the gradient is large, and the quality says why.
#[test]
fn a_grazing_impact_is_named() {
    let mut arena = floor(2);
    (arena.gravity, arena.walls) = (Vec3([0.0; 3]), vec![]);
    let flight = |aside: f64| {
        let x = vec![Vec3([0.0, 0.0, 0.0]), Vec3([1.0, aside, 0.0])];
        let v = vec![Vec3([1.0, 0.0, 0.0]), Vec3([0.0; 3])];
        arena.fly(&Balls { x, v }, 1.0, Until::Time(2.0)).unwrap()
    };
    let full = flight(0.05).quality(&arena);
    // sine of the angle to the surface: sqrt(1 - (aside / 2 r)^2)
    assert!(full.grazing.is_empty() && (full.least_sine - 0.9375_f64.sqrt()).abs() < 1e-12);
    let near = flight(0.2 - 1e-9).quality(&arena);
    assert_eq!(near.grazing.len(), 1);
    assert_eq!((near.grazing[0].impact, near.grazing[0].pair), (1, Pair::Balls(0, 1)));
    assert!((near.grazing[0].sine - 1e-4).abs() < 1e-6, "{}", near.grazing[0].sine);
}

/// Two balls of different mass in a tilted box, observed over time and at their first five impacts.
fn two_in_a_box(sampling: Sampling) -> BallsSimulation {
    let ball = |name: &str, x: [f64; 3], v: [f64; 3], radius, mass| BallPart {
        name: name.into(),
        ball: Ball { radius, mass },
        position: Vec3(x),
        velocity: Vec3(v),
    };
    let wall = |name: &str, n: [f64; 3], offset| WallPart {
        name: name.into(),
        wall: Wall { normal: Vec3(n).normalized(), offset },
    };
    let balls = [
        ball("red", [-0.5, 0.0, 0.8], [1.5, 0.3, 0.2], 0.1, 1.0),
        ball("blue", [0.4, 0.1, 0.5], [-1.0, -0.2, 0.8], 0.15, 2.5),
    ];
    let walls = [
        wall("ground", [0.0, 0.0, 1.0], 0.0),
        wall("left", [1.0, 0.1, 0.2], -1.0),
        wall("right", [-1.0, 0.2, 0.0], -1.0),
    ];
    BallsSimulation::new(&balls, &walls, [0.1, 0.0, -9.81], 0.9, sampling).unwrap()
}

fn everything(simulation: &Arc<BallsSimulation>) -> (Box<dyn Map>, Vec<f64>) {
    let inputs: Vec<usize> = (0..simulation.inputs().len()).collect();
    let outputs: Vec<usize> = (0..simulation.outputs().len()).collect();
    let x = simulation.inputs().iter().flat_map(|q| q.value.clone()).collect();
    (Arc::clone(simulation).map(&inputs, &outputs, true).unwrap(), x)
}

/// The adjoint by hand against flights of duals, and these against central differences: all inputs, all outputs.
#[test]
fn every_input_has_its_derivative_on_every_output() {
    let sampling = Sampling { step: 0.05, steps: 16, impacts: 5 };
    let (map, x) = everything(&Arc::new(two_in_a_box(sampling)));
    let values = |x: &[f64]| {
        let run = map.run(x, Keep::Values, SampleKey(0), &mut Workspace::new()).unwrap();
        (run.values().entries.clone(), run.values().switches.clone())
    };
    let run = map.run(&x, Keep::Linearisation, SampleKey(0), &mut Workspace::new()).unwrap();
    let (n, m) = (map.input_len(), map.output_len());
    assert_eq!((n, m), (2 * 8 + 3 + 3 + 1, 2 * 2 * 3 * 17 + 5 + 15));
    let unit = |len: usize, k: usize| (0..len).map(|i| f64::from(u8::from(i == k))).collect();
    let columns: Vec<Vec<f64>> = (0..n).map(|k| unit(n, k)).collect();
    let columns = run.pushforward(&columns.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap();
    let rows: Vec<Vec<f64>> = (0..m).map(|k| unit(m, k)).collect();
    let rows = run.pullback(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap();
    let by_hand: Vec<f64> = rows.concat();
    let by_duals: Vec<f64> = (0..m).flat_map(|i| columns.iter().map(move |c| c[i])).collect();
    close(&by_hand, &by_duals, 1e-12);
    for k in 0..n {
        let moved = |step: f64| {
            let mut x = x.clone();
            x[k] += step;
            values(&x)
        };
        let (step, (above, way), (below, back)) = (1e-6, moved(1e-6), moved(-1e-6));
        assert!(way == back && way == run.values().switches, "input {k}: other impacts");
        let central: Vec<f64> =
            above.iter().zip(&below).map(|(a, b)| (a - b) / (2.0 * step)).collect();
        close(&columns[k], &central, 1e-7);
    }
}

#[test]
fn a_motion_without_its_impacts_is_refused() {
    let sampling = Sampling { step: 0.05, steps: 16, impacts: 5 };
    let simulation = Arc::new(two_in_a_box(sampling));
    let (map, mut x) = everything(&simulation);
    let mut at = |k: usize, value: f64| {
        let before = std::mem::replace(&mut x[k], value);
        let run = map.run(&x, Keep::Values, SampleKey(0), &mut Workspace::new());
        x[k] = before;
        run.err().unwrap()
    };
    assert!(matches!(at(0, f64::NAN), TrialFailure::NonFinite { .. }));
    assert!(matches!(at(2, 0.05), TrialFailure::OutOfDomain { .. }), "inside the ground");
    let many = Sampling { step: 0.0, steps: 0, impacts: 4 };
    let mut rising = two_in_a_box(many);
    assert!(rising.outputs().iter().all(|q| q.name.starts_with("impact.")));
    let gravity = rising.inputs().iter().position(|q| q.name == "gravity").unwrap();
    rising.fix(gravity, &[0.0, 0.0, 9.81]).unwrap();
    let (map, x) = everything(&Arc::new(rising));
    let lost = map.run(&x, Keep::Values, SampleKey(0), &mut Workspace::new()).err().unwrap();
    assert!(lost.to_string().contains("4 were to come"), "{lost}");
}
