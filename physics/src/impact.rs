//! Balls in free flight with rigid impacts, localised in time.
//!
//! Between impacts every ball moves on its parabola, so the first impact is the least root of quadratics. An impact of
//! restitution `e` along the unit normal `n` reverses the approach, `n . u+ = -e n . u-`, without friction and with the momentum kept.
//!
//! **Derivative.** A motion that is stopped after a fixed time has the derivative of the flow, but a motion through an impact has
//! in addition the derivative of the impact's own time: with the gap `g(x)` and its rate `g' < 0` before the impact,
//! `dd = -(grad g . dx) / g'` for the flight's duration `d`. This saltation term (Aizerman & Gantmakher 1958) is what a
//! fixed step lacks, however small it is. The adjoint in [`Flight::pull`] is by hand.

use cotangent_ad::{Num, Real, Vec3};
use thiserror::Error;

/// A ball.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ball {
    /// Radius, m.
    pub radius: f64,
    /// Mass, kg.
    pub mass: f64,
}

/// An obstacle: the half-space `normal . x <= offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wall {
    /// Unit normal, out of the obstacle.
    pub normal: Vec3<f64>,
    /// Distance from the origin along the normal, m.
    pub offset: f64,
}

/// Balls and walls.
#[derive(Clone, Debug, PartialEq)]
pub struct Arena {
    /// The balls.
    pub balls: Vec<Ball>,
    /// The walls.
    pub walls: Vec<Wall>,
    /// Acceleration of gravity, m/s^2.
    pub gravity: Vec3<f64>,
}

/// What meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pair {
    /// A ball and a wall.
    Wall(usize, usize),
    /// Two balls.
    Balls(usize, usize),
}

/// When a motion ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Until {
    /// After this many seconds.
    Time(f64),
    /// At this impact, counted from 1, before it changes velocities.
    Impact(usize),
}

/// Centres and velocities, one entry a ball.
#[derive(Clone, Debug, PartialEq)]
pub struct Balls<T = f64> {
    /// Centres, m.
    pub x: Vec<Vec3<T>>,
    /// Velocities, m/s.
    pub v: Vec<Vec3<T>>,
}

/// Why a motion cannot be followed.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum FlightError {
    /// The impact that ends the motion never happens.
    #[error("the motion has {found} impacts and then none, {wanted} were to come")]
    NoImpact {
        /// Impacts that happened.
        found: usize,
        /// Impacts that were wanted.
        wanted: usize,
    },
    /// Impacts accumulate: a ball comes to rest.
    #[error(
        "more than {limit} impacts by t = {time_s:.3} s: they accumulate, and a ball that rests is not a flight"
    )]
    Accumulation {
        /// The limit.
        limit: usize,
        /// When it was reached.
        time_s: f64,
    },
    /// Two bodies overlap at the start.
    #[error("{pair:?} overlap by {depth:.3e} m at the start")]
    Overlap {
        /// Which.
        pair: Pair,
        /// How deep.
        depth: f64,
    },
}

/// Most impacts of one motion.
const MOST_IMPACTS: usize = 10_000;

/// One flight between impacts.
#[derive(Clone, Debug, PartialEq)]
struct Leg<T> {
    start: Balls<T>,
    duration: T,
    /// The impact that ends it; `None` where the time is over.
    pair: Option<Pair>,
    /// State at its end, before the impact.
    end: Balls<T>,
}

/// A motion, leg by leg.
#[derive(Clone, Debug, PartialEq)]
pub struct Flight<T = f64> {
    legs: Vec<Leg<T>>,
    restitution: T,
    until: Until,
}

/// Derivatives by the start of a motion.
#[derive(Clone, Debug, PartialEq)]
pub struct FlightCotangent {
    /// By centres and velocities.
    pub start: Balls,
    /// By the restitution.
    pub restitution: f64,
}

fn lit<T: Num>(v: Vec3<f64>) -> Vec3<T> {
    Vec3::lit(v.0)
}

impl<T: Num> Balls<T> {
    fn after(&self, gravity: Vec3<f64>, d: T) -> Self {
        let fall = lit(gravity) * d;
        Self {
            x: self
                .x
                .iter()
                .zip(&self.v)
                .map(|(x, v)| *x + (*v + fall * T::lit(0.5)) * d)
                .collect(),
            v: self.v.iter().map(|v| *v + fall).collect(),
        }
    }
}

impl Arena {
    /// Follows the balls from `start`.
    ///
    /// # Errors
    /// [`FlightError`].
    ///
    /// # Panics
    /// Where `start` has not one entry a ball.
    pub fn fly<T: Real>(
        &self,
        start: &Balls<T>,
        restitution: T,
        until: Until,
    ) -> Result<Flight<T>, FlightError> {
        let n = self.balls.len();
        assert!(start.x.len() == n && start.v.len() == n, "one centre and velocity a ball");
        self.check_apart(start)?;
        let mut flight = Flight { legs: vec![], restitution, until };
        let (mut now, mut last, mut elapsed) = (start.clone(), None, T::lit(0.0));
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
            flight.legs.push(Leg { start: now, duration, pair, end: end.clone() });
            let impacts = flight.legs.len();
            match (pair, until) {
                (None, _) => return Ok(flight),
                (_, Until::Impact(wanted)) if impacts >= wanted => return Ok(flight),
                (Some(_), _) if impacts >= MOST_IMPACTS => {
                    return Err(FlightError::Accumulation {
                        limit: MOST_IMPACTS,
                        time_s: flight.seconds(),
                    });
                }
                (Some(hit), _) => {
                    now = self.rebound(&end, hit, restitution);
                    (last, elapsed) = (Some(hit), elapsed + duration);
                }
            }
        }
    }

    fn pairs(&self) -> impl Iterator<Item = Pair> + '_ {
        let n = self.balls.len();
        (0..n).flat_map(move |i| {
            let walls = (0..self.walls.len()).map(move |w| Pair::Wall(i, w));
            walls.chain((i + 1..n).map(move |j| Pair::Balls(i, j)))
        })
    }

    /// Distance of two surfaces, and its gradient by the (first) ball: a unit vector.
    fn gap<T: Num>(&self, at: &Balls<T>, pair: Pair) -> (T, Vec3<T>) {
        match pair {
            Pair::Wall(i, w) => {
                let (wall, radius) = (&self.walls[w], self.balls[i].radius);
                let normal: Vec3<T> = lit(wall.normal);
                (normal.dot(at.x[i]) - (wall.offset + radius), normal)
            }
            Pair::Balls(i, j) => {
                let between = at.x[i] - at.x[j];
                let distance = between.norm();
                let reach = self.balls[i].radius + self.balls[j].radius;
                (distance - reach, between * distance.recip())
            }
        }
    }

    fn check_apart<T: Real>(&self, start: &Balls<T>) -> Result<(), FlightError> {
        for pair in self.pairs() {
            let (gap, _) = self.gap(start, pair);
            if gap < T::lit(-1e-12) {
                // found by halving: a value does not leave the graph
                let (mut low, mut high) = (0.0, 1e6);
                for _ in 0..80 {
                    let middle = f64::midpoint(low, high);
                    if -gap > T::lit(middle) { low = middle } else { high = middle }
                }
                return Err(FlightError::Overlap { pair, depth: low });
            }
        }
        Ok(())
    }

    /// Velocity of the first ball against the second, or the wall.
    fn approach<T: Num>(at: &Balls<T>, pair: Pair) -> Vec3<T> {
        match pair {
            Pair::Wall(i, _) => at.v[i],
            Pair::Balls(i, j) => at.v[i] - at.v[j],
        }
    }

    /// The first impact. The pair that has just met is at distance 0, whatever rounding says.
    fn next_impact<T: Real>(&self, now: &Balls<T>, last: Option<Pair>) -> Option<(T, Pair)> {
        let mut first: Option<(T, Pair)> = None;
        for pair in self.pairs() {
            let touching = last == Some(pair);
            let time = match pair {
                Pair::Wall(..) => self.time_to_wall(now, pair, touching),
                Pair::Balls(..) if touching => None, // they part on straight lines
                Pair::Balls(i, j) => self.time_to_ball(now, i, j),
            };
            if let Some(time) = time
                && first.is_none_or(|(t, _)| time < t)
            {
                first = Some((time, pair));
            }
        }
        first
    }

    /// Least root of `g + s t + a t^2 / 2` with a falling gap, in the form without cancellation.
    fn time_to_wall<T: Real>(&self, now: &Balls<T>, pair: Pair, touching: bool) -> Option<T> {
        let (gap, normal) = self.gap(now, pair);
        let gap = if touching { T::lit(0.0) } else { gap };
        let (s, a) = (normal.dot(Self::approach(now, pair)), normal.dot(lit(self.gravity)));
        let zero = T::lit(0.0);
        let discriminant = s * s - a * gap * 2.0;
        if a < zero && s >= zero {
            return Some((s + discriminant.sqrt()) / -a);
        }
        if s < zero && discriminant >= zero && !touching {
            return Some(gap * 2.0 / (discriminant.sqrt() - s));
        }
        None
    }

    /// Both fall alike: they approach on straight lines, `|x + u t| = r`.
    fn time_to_ball<T: Real>(&self, now: &Balls<T>, i: usize, j: usize) -> Option<T> {
        let (x, u) = (now.x[i] - now.x[j], now.v[i] - now.v[j]);
        let reach = self.balls[i].radius + self.balls[j].radius;
        let (a, b, c) = (u.norm_squared(), x.dot(u), x.norm_squared() - reach * reach);
        let discriminant = b * b - a * c;
        let meets = b < T::lit(0.0) && discriminant > T::lit(0.0);
        meets.then(|| c / (discriminant.sqrt() - b))
    }

    /// `v_i += p n / m_i`, `v_j -= p n / m_j` with `p = -(1 + e) m u.n`, `m` the reduced mass.
    fn rebound<T: Num>(&self, end: &Balls<T>, pair: Pair, restitution: T) -> Balls<T> {
        let (_, normal) = self.gap(end, pair);
        let closing = normal.dot(Self::approach(end, pair));
        let change = normal * (closing * (restitution + 1.0));
        let mut after = end.clone();
        for (ball, share) in self.shares(pair) {
            after.v[ball] -= change * T::lit(share);
        }
        after
    }

    /// How the change of relative velocity is shared: `m_j / (m_i + m_j)` and `-m_i / (m_i + m_j)`.
    fn shares(&self, pair: Pair) -> impl Iterator<Item = (usize, f64)> {
        let [first, second] = match pair {
            Pair::Wall(i, _) => [Some((i, 1.0)), None],
            Pair::Balls(i, j) => {
                let (a, b) = (self.balls[i].mass, self.balls[j].mass);
                [Some((i, b / (a + b))), Some((j, -a / (a + b)))]
            }
        };
        first.into_iter().chain(second)
    }
}

impl<T: Num> Flight<T> {
    /// The state at the end; before the impact, where one ends the motion.
    #[expect(clippy::missing_panics_doc, reason = "a flight has a leg at least")]
    pub fn end(&self) -> &Balls<T> {
        &self.legs.last().expect("a flight has a leg at least").end
    }

    /// Impacts on the way, with the state before each.
    pub fn impacts(&self) -> impl Iterator<Item = (Pair, &Balls<T>)> {
        self.legs.iter().filter_map(|leg| Some((leg.pair?, &leg.end)))
    }
}

impl<T: Real> Flight<T> {
    /// Its duration to a microsecond, for messages.
    fn seconds(&self) -> f64 {
        let mut total = T::lit(0.0);
        self.legs.iter().for_each(|leg| total += leg.duration);
        let (mut low, mut high) = (0.0, 1e9);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if total > T::lit(middle) { low = middle } else { high = middle }
        }
        low
    }
}

impl Flight {
    /// Duration, s.
    pub fn duration(&self) -> f64 {
        self.legs.iter().map(|leg| leg.duration).sum()
    }

    /// The state `t` seconds after the start.
    pub fn at(&self, arena: &Arena, t: f64) -> Balls {
        let mut begun = 0.0;
        for leg in &self.legs {
            if t <= begun + leg.duration {
                return leg.start.after(arena.gravity, t - begun);
            }
            begun += leg.duration;
        }
        self.end().clone()
    }

    /// Pulls the cotangent of [`Flight::end`] back to the start.
    pub fn pull(&self, arena: &Arena, end_bar: &Balls) -> FlightCotangent {
        let g = arena.gravity;
        let mut bar = end_bar.clone();
        let mut restitution_bar = 0.0;
        // cotangent of the time that the impacts so far have left to the last leg
        let mut time_bar = 0.0;
        for (k, leg) in self.legs.iter().enumerate().rev() {
            let last = k + 1 == self.legs.len();
            if let (Some(pair), false) = (leg.pair, last) {
                restitution_bar += self.pull_rebound(arena, leg, pair, &mut bar);
            }
            let moved = bar.x.iter().zip(&leg.end.v).map(|(x, v)| x.dot(*v)).sum::<f64>();
            let duration_bar = moved + bar.v.iter().map(|v| v.dot(g)).sum::<f64>();
            match (leg.pair, self.until) {
                (None, Until::Time(_)) => time_bar = -duration_bar,
                (Some(pair), _) => {
                    // the gap closes: dd = -(grad g . dx) / g'
                    let (_, normal) = arena.gap(&leg.end, pair);
                    let rate = normal.dot(Arena::approach(&leg.end, pair));
                    let saltation = normal * (-(duration_bar + time_bar) / rate);
                    match pair {
                        Pair::Wall(i, _) => bar.x[i] += saltation,
                        Pair::Balls(i, j) => {
                            bar.x[i] += saltation;
                            bar.x[j] -= saltation;
                        }
                    }
                }
                (None, Until::Impact(_)) => {}
            }
            for (x, v) in bar.x.iter().zip(&mut bar.v) {
                *v += *x * leg.duration;
            }
        }
        FlightCotangent { start: bar, restitution: restitution_bar }
    }

    /// The adjoint of [`Arena::rebound`], the normal's turn with the centres included; the restitution's part is returned.
    fn pull_rebound(&self, arena: &Arena, leg: &Leg<f64>, pair: Pair, bar: &mut Balls) -> f64 {
        let (gap, normal) = arena.gap(&leg.end, pair);
        let u = Arena::approach(&leg.end, pair);
        let closing = normal.dot(u);
        // v+ = v - share (1 + e) (n.u) n
        let mut change_bar = Vec3::zero();
        for (ball, share) in arena.shares(pair) {
            change_bar -= bar.v[ball] * share;
        }
        let along = normal.dot(change_bar);
        let factor = 1.0 + self.restitution;
        let u_bar = normal * (factor * along);
        match pair {
            Pair::Wall(i, _) => bar.v[i] += u_bar,
            Pair::Balls(i, j) => {
                bar.v[i] += u_bar;
                bar.v[j] -= u_bar;
                let normal_bar = (u * along + change_bar * closing) * factor;
                let across = normal_bar - normal * normal.dot(normal_bar);
                let distance = gap + arena.balls[i].radius + arena.balls[j].radius;
                let x_bar = across * distance.recip();
                bar.x[i] += x_bar;
                bar.x[j] -= x_bar;
            }
        }
        closing * along
    }
}
