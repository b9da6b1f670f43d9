//! Rigid impacts localised in time, against closed forms and duals.

#![allow(clippy::unwrap_used, reason = "a test may end")]

mod common;

use common::close;
use cotangent_ad::{Dual, Vec3, jacobian_forward};
use cotangent_physics::impact::{Arena, Ball, Balls, FlightError, Pair, Until, Wall};

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
            let end = arena.fly(&split(x), x[18], until).unwrap().end().clone();
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
    let still = one([0.0, 0.0, 0.5], [0.0; 3]);
    let rolling = arena.fly(&still, 0.5, Until::Time(10.0)).unwrap_err();
    assert!(matches!(rolling, FlightError::Accumulation { .. }), "{rolling}");
    let inside = arena.fly(&one([0.0, 0.0, 0.05], [0.0; 3]), 0.5, Until::Time(1.0)).unwrap_err();
    assert!(matches!(inside, FlightError::Overlap { depth, .. } if (depth - 0.05).abs() < 1e-9));
    let mut space = arena;
    space.gravity = Vec3([0.0; 3]);
    let lost = space.fly(&still, 0.5, Until::Impact(1)).unwrap_err();
    assert_eq!(lost, FlightError::NoImpact { found: 0, wanted: 1 });
}
