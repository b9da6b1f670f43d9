//! From impact to impact.

use std::collections::BTreeMap;

use cotangent_ad::{Real, Vec3};

use super::{Arena, Balls, Flight, FlightError, Leg, Pair, Until, lit};

/// Most impacts of one motion: what bounds its memory.
const MOST_IMPACTS: usize = 1_000_000;
/// A pair that meets again within this share of the time so far, with loss, accumulates.
const ZENO: f64 = 1e-9;
/// Impacts nearer than this share of the time so far are at once.
const AT_ONCE: f64 = 1e-12;
/// Velocities nearer than this share of the fastest are the same.
const SAME: f64 = 1e-9;

impl<T: Real> Arena<T> {
    /// Follows the balls from `start`.
    ///
    /// # Errors
    /// [`FlightError`].
    ///
    /// # Panics
    /// Where `start` has not one entry a ball.
    pub fn fly(
        &self,
        start: &Balls<T>,
        restitution: T,
        until: Until,
    ) -> Result<Flight<T>, FlightError> {
        let n = self.balls.len();
        assert!(start.x.len() == n && start.v.len() == n, "one centre and velocity a ball");
        self.check(start, restitution, until)?;
        let mut flight = Flight { legs: vec![], restitution, until };
        let (mut now, mut last, mut elapsed) = (start.clone(), None, T::lit(0.0));
        let mut met: BTreeMap<Pair, T> = BTreeMap::new();
        loop {
            let next = self.next_impact(&now, last);
            let left = match until {
                Until::Time(time) => Some(T::lit(time) - elapsed),
                Until::Impact(_) => None,
            };
            let (duration, pair) = match (next, left) {
                (Some((d, _)), Some(left)) if left <= d => (left, None),
                (None, Some(left)) => (left, None),
                (Some((d, pair)), _) => (d, Some(pair)),
                (None, None) => {
                    let Until::Impact(wanted) = until else { unreachable!("no time limit") };
                    return Err(FlightError::NoImpact { found: flight.legs.len(), wanted });
                }
            };
            let end = now.after(self.gravity, duration);
            flight.legs.push(Leg { start: now.clone(), duration, pair, end: end.clone() });
            elapsed += duration;
            let impacts = flight.legs.len();
            let time_s = || elapsed.concrete();
            let Some(hit) = pair else { return Ok(flight) };
            if matches!(until, Until::Impact(wanted) if impacts >= wanted) {
                return Ok(flight);
            }
            if impacts >= MOST_IMPACTS {
                return Err(FlightError::TooMany { limit: MOST_IMPACTS, time_s: time_s() });
            }
            self.check_order(&now, &end, (hit, duration), (elapsed, restitution), last)?;
            now = self.rebound(&end, hit, restitution);
            let before = met.insert(hit, elapsed);
            let again = before.is_some_and(|t| elapsed - t <= elapsed * ZENO);
            let lossy = restitution < T::lit(1.0);
            self.check_parting(&now, hit, again && lossy, time_s())?;
            last = Some(hit);
        }
    }

    pub(super) fn check(
        &self,
        start: &Balls<T>,
        restitution: T,
        until: Until,
    ) -> Result<(), FlightError> {
        let bad =
            |what: String, value, condition| Err(FlightError::BadNumber { what, value, condition });
        let positive = |x: f64| x > 0.0 && x.is_finite();
        for (i, ball) in self.balls.iter().enumerate() {
            for (name, value) in [("radius", ball.radius), ("mass", ball.mass)] {
                if !positive(value.concrete()) {
                    let what = format!("the {name} of ball {i}");
                    return bad(what, value.concrete(), "positive and finite");
                }
            }
        }
        for (w, wall) in self.walls.iter().enumerate() {
            let length = wall.normal.norm();
            if length.is_nan() || (length - 1.0).abs() > 1e-9 {
                return bad(format!("the length of the normal of wall {w}"), length, "1");
            }
            if !is_finite(wall.offset) {
                return bad(format!("the offset of wall {w}"), wall.offset.concrete(), "finite");
            }
        }
        if let Some(value) = self.gravity.0.into_iter().find(|x| !is_finite(*x)) {
            return bad("gravity".into(), value.concrete(), "finite");
        }
        for (i, (x, v)) in start.x.iter().zip(&start.v).enumerate() {
            for (name, vector) in [("centre", x), ("velocity", v)] {
                if let Some(value) = vector.0.iter().find(|x| !is_finite(**x)) {
                    return bad(format!("the {name} of ball {i}"), value.concrete(), "finite");
                }
            }
        }
        if !(restitution >= T::lit(0.0) && restitution <= T::lit(1.0)) {
            return bad("the restitution".into(), restitution.concrete(), "between 0 and 1");
        }
        match until {
            Until::Time(time) if !(time >= 0.0 && time.is_finite()) => {
                return bad("the duration".into(), time, "finite and not negative");
            }
            Until::Impact(0) => return bad("the impact that ends it".into(), 0.0, "1 at least"),
            _ => {}
        }
        for pair in self.pairs() {
            let (gap, _) = self.gap(start, pair);
            if gap < T::lit(-1e-12) || !is_finite(gap) {
                return Err(FlightError::Overlap { pair, depth: -gap.concrete() });
            }
        }
        Ok(())
    }

    /// Refuses an impact that changes nothing while the ball is pressed on, and one of a pair that meets again at once.
    fn check_parting(
        &self,
        after: &Balls<T>,
        pair: Pair,
        again: bool,
        time_s: f64,
    ) -> Result<(), FlightError> {
        match pair {
            Pair::Wall(ball, wall) => {
                let normal: Vec3<T> = lit(self.walls[wall].normal);
                let parting = normal.dot(after.v[ball]);
                let pressed = normal.dot(self.gravity) < T::lit(0.0);
                // what rounding leaves of a velocity that is all along the wall
                let speed = after.v[ball].norm().concrete();
                let stays = parting <= T::lit(4.0 * f64::EPSILON * speed);
                if pressed && (stays || again) {
                    return Err(FlightError::Rests { ball, wall, time_s, speed });
                }
                Ok(())
            }
            Pair::Balls(..) if again => Err(FlightError::Accumulation { pair, time_s }),
            Pair::Balls(..) => Ok(()),
        }
    }

    /// Refuses an impact that another of the same ball accompanies, where the order of the two matters.
    fn check_order(
        &self,
        now: &Balls<T>,
        end: &Balls<T>,
        (hit, duration): (Pair, T),
        (elapsed, restitution): (T, T),
        last: Option<Pair>,
    ) -> Result<(), FlightError> {
        for other in self.pairs().filter(|other| *other != hit && share(*other, hit)) {
            let Some(time) = self.time_to(now, other, last) else { continue };
            if time - duration > elapsed * AT_ONCE {
                continue;
            }
            let order = |first, second| {
                let after = self.rebound(end, first, restitution);
                let (_, normal) = self.gap(&after, second);
                let approaching = normal.dot(Self::approach(&after, second)) < T::lit(0.0);
                if approaching { self.rebound(&after, second, restitution) } else { after }
            };
            let (one, two) = (order(hit, other), order(other, hit));
            let fastest = end.v.iter().map(|v| v.norm().concrete()).fold(0.0, f64::max);
            let differs =
                |(a, b): (&Vec3<T>, &Vec3<T>)| (*a - *b).norm().concrete() > SAME * fastest;
            if one.v.iter().zip(&two.v).any(differs) {
                let time_s = elapsed.concrete();
                return Err(FlightError::Simultaneous { first: hit, second: other, time_s });
            }
        }
        Ok(())
    }

    /// The first impact. The pair that has just met is at distance 0, whatever rounding says.
    fn next_impact(&self, now: &Balls<T>, last: Option<Pair>) -> Option<(T, Pair)> {
        let mut first: Option<(T, Pair)> = None;
        for pair in self.pairs() {
            if let Some(time) = self.time_to(now, pair, last)
                && first.is_none_or(|(t, _)| time < t)
            {
                first = Some((time, pair));
            }
        }
        first
    }

    fn time_to(&self, now: &Balls<T>, pair: Pair, last: Option<Pair>) -> Option<T> {
        let touching = last == Some(pair);
        match pair {
            Pair::Wall(..) => self.time_to_wall(now, pair, touching),
            Pair::Balls(..) if touching => None, // they part on straight lines
            Pair::Balls(i, j) => self.time_to_ball(now, i, j),
        }
    }

    /// Least root of `g + s t + a t^2 / 2` with a falling gap, in the form without cancellation.
    ///
    /// The gap of a pair that has just met is 0, and so is its speed where rounding turned it back: the
    /// wall is never passed.
    fn time_to_wall(&self, now: &Balls<T>, pair: Pair, touching: bool) -> Option<T> {
        let (gap, normal) = self.gap(now, pair);
        let zero = T::lit(0.0);
        let (mut s, a) = (normal.dot(Self::approach(now, pair)), normal.dot(self.gravity));
        if touching && s < zero {
            s = zero;
        }
        let gap = if touching || (gap < zero && s >= zero) { zero } else { gap };
        let discriminant = s * s - a * gap * 2.0;
        if a < zero && s >= zero {
            return Some((s + discriminant.sqrt()) / -a);
        }
        if s < zero && discriminant >= zero {
            return Some(gap * 2.0 / (discriminant.sqrt() - s));
        }
        None
    }

    /// Both fall alike: they approach on straight lines, `|x + u t| = r`.
    fn time_to_ball(&self, now: &Balls<T>, i: usize, j: usize) -> Option<T> {
        let (x, u) = (now.x[i] - now.x[j], now.v[i] - now.v[j]);
        let reach = self.balls[i].radius + self.balls[j].radius;
        let (a, b, c) = (u.norm_squared(), x.dot(u), x.norm_squared() - reach * reach);
        let discriminant = b * b - a * c;
        let meets = b < T::lit(0.0) && discriminant > T::lit(0.0);
        meets.then(|| c / (discriminant.sqrt() - b))
    }

    /// `v_i += p n / m_i`, `v_j -= p n / m_j` with `p = -(1 + e) m u.n`, `m` the reduced mass.
    fn rebound(&self, end: &Balls<T>, pair: Pair, restitution: T) -> Balls<T> {
        let (_, normal) = self.gap(end, pair);
        let closing = normal.dot(Self::approach(end, pair));
        let change = normal * (closing * (restitution + 1.0));
        let mut after = end.clone();
        for (ball, share) in self.shares(pair) {
            after.v[ball] -= change * share;
        }
        after
    }
}

/// Whether two pairs have a ball in common.
fn share(a: Pair, b: Pair) -> bool {
    let balls = |pair| match pair {
        Pair::Wall(i, _) => [i, i],
        Pair::Balls(i, j) => [i, j],
    };
    balls(a).iter().any(|i| balls(b).contains(i))
}

fn is_finite<T: Real>(x: T) -> bool {
    x.concrete().is_finite()
}
