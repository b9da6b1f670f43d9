//! Systems with events, and what they do in closed form.

use cotangent_ad::Real;
use cotangent_ad::ode::{Direction, Dynamics, OdeError, Options, Solution, solve};

/// Falls with acceleration `p[0]`, and keeps the share `p[1]` of its speed when it hits the ground, or stops there.
#[derive(Clone)]
pub(crate) struct Ball {
    pub(crate) stops: bool,
}
impl Dynamics for Ball {
    fn rate<R: Real>(&self, _: R, y: &[R], p: &[R]) -> Vec<R> {
        vec![y[1], -p[0]]
    }
    fn events(&self) -> usize {
        1
    }
    fn event<R: Real>(&self, _: usize, _: R, y: &[R], _: &[R]) -> R {
        y[0]
    }
    fn after<R: Real>(&self, _: usize, _: R, y: &[R], p: &[R]) -> Option<Vec<R>> {
        (!self.stops).then(|| vec![R::lit(0.0), -y[1] * p[1]])
    }
}

/// Height after `time` of a ball dropped from `x[2]` in closed form, after five impacts.
pub(crate) fn bounced<R: Real>(x: &[R], time: f64) -> [R; 2] {
    let [g, e, height] = [x[0], x[1], x[2]];
    let fall = (height * 2.0 / g).sqrt();
    let mut impact = fall;
    let mut speed = g * fall * e;
    for _ in 1..5 {
        impact += speed * 2.0 / g;
        speed *= e;
    }
    let since = -impact + time;
    [speed * since - g * since * since * 0.5, impact]
}

/// The same by integration.
pub(crate) fn thrown<R: Real>(x: &[R], time: f64, options: &Options) -> Solution<R> {
    let start = [x[2], R::lit(0.0)];
    let ball = Ball { stops: false };
    solve(&ball, 0.0, R::lit(time), &start, &x[..2], &[], options).expect("five impacts")
}

/// A drug that decays with rate `p[0]`, with a dose `p[2]` at time `p[1]`.
#[derive(Clone)]
struct Dose;
impl Dynamics for Dose {
    fn rate<R: Real>(&self, _: R, y: &[R], p: &[R]) -> Vec<R> {
        vec![-y[0] * p[0]]
    }
    fn events(&self) -> usize {
        1
    }
    fn event<R: Real>(&self, _: usize, t: R, _: &[R], p: &[R]) -> R {
        t - p[1]
    }
    fn direction(&self, _: usize) -> Direction {
        Direction::Rising
    }
    fn after<R: Real>(&self, _: usize, _: R, y: &[R], p: &[R]) -> Option<Vec<R>> {
        Some(vec![y[0] + p[2]])
    }
}

/// What is left of 1.5 at time 2.
pub(crate) fn given<R: Real>(x: &[R], options: &Options) -> R {
    let found = solve(&Dose, 0.0, R::lit(2.0), &[R::lit(1.5)], x, &[], options);
    found.expect("one dose").state[0]
}

/// The same in closed form.
pub(crate) fn given_by_hand<R: Real>(x: &[R]) -> R {
    let left = -x[1] + 2.0;
    (((-(x[0] * x[1])).exp() * 1.5) + x[2]) * (-(x[0] * left)).exp()
}

/// Two balls side by side; or two jumps of one number at one time.
#[derive(Clone)]
struct Pair {
    coupled: bool,
}
impl Dynamics for Pair {
    fn rate<R: Real>(&self, _: R, y: &[R], _: &[R]) -> Vec<R> {
        vec![y[1], R::lit(-2.0), y[3], R::lit(-2.0)]
    }
    fn events(&self) -> usize {
        2
    }
    fn event<R: Real>(&self, which: usize, _: R, y: &[R], _: &[R]) -> R {
        y[2 * which]
    }
    fn after<R: Real>(&self, which: usize, _: R, y: &[R], p: &[R]) -> Option<Vec<R>> {
        let mut after = y.to_vec();
        let speed = 2 * which + 1;
        after[2 * which] = R::lit(0.0);
        after[speed] = -y[speed] * p[0];
        if self.coupled && which == 0 {
            after[3] = y[3] + y[1];
        }
        Some(after)
    }
}

/// At time 1.5, dropped from `x[1]` and `x[2]`.
pub(crate) fn both_dropped<R: Real>(
    x: &[R],
    coupled: bool,
    options: &Options,
) -> Result<Solution<R>, OdeError> {
    let start = [x[1], R::lit(0.0), x[2], R::lit(0.0)];
    solve(&Pair { coupled }, 0.0, R::lit(1.5), &start, &x[..1], &[], options)
}

/// The height of one of them in closed form: it falls for `sqrt(h)` and flies up with `2 e sqrt(h)`.
pub(crate) fn one_dropped<R: Real>(e: R, height: R) -> R {
    let fall = height.sqrt();
    let since = -fall + 1.5;
    fall * e * 2.0 * since - since * since
}
