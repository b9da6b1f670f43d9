//! The adjoint of a flight, by hand.
//!
//! The legs are gone through from the last to the first. `bar` is the cotangent of the state that ends a leg, `clock_bar` that of
//! the time at which it ends: what is observed at a fixed time `t` lies `t - begun` into its leg, so that every impact before moves
//! it against the clock.

use cotangent_ad::Vec3;

use super::{Arena, Ball, Balls, Flight, Leg, Pair};

/// Derivatives by everything that a motion starts from.
#[derive(Clone, Debug, PartialEq)]
pub struct FlightCotangent {
    /// By centres and velocities.
    pub start: Balls,
    /// By the restitution.
    pub restitution: f64,
    /// By radii and masses.
    pub balls: Vec<Ball>,
    /// By the offsets of the walls.
    pub offsets: Vec<f64>,
    /// By gravity.
    pub gravity: Vec3<f64>,
}

/// When a state is observed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Moment {
    /// This many seconds after the start.
    Time(f64),
    /// At this impact, counted from 1, before it changes velocities.
    Impact(usize),
}

/// The cotangent of a state that was observed on the way.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// When.
    pub moment: Moment,
    /// Cotangent of centres and velocities.
    pub state: Balls,
    /// Cotangent of the impact's time; of no meaning at a fixed time.
    pub time: f64,
}

impl FlightCotangent {
    /// No derivative yet, for this arena.
    pub fn zero(arena: &Arena) -> Self {
        let n = arena.balls.len();
        Self {
            start: Balls { x: vec![Vec3::zero(); n], v: vec![Vec3::zero(); n] },
            restitution: 0.0,
            balls: vec![Ball { radius: 0.0, mass: 0.0 }; n],
            offsets: vec![0.0; arena.walls.len()],
            gravity: Vec3::zero(),
        }
    }

    /// Adds another of the same arena.
    pub(super) fn add(&mut self, other: &Self) {
        add(&mut self.start, &other.start);
        self.restitution += other.restitution;
        for (a, b) in self.balls.iter_mut().zip(&other.balls) {
            a.radius += b.radius;
            a.mass += b.mass;
        }
        self.offsets.iter_mut().zip(&other.offsets).for_each(|(a, b)| *a += b);
        self.gravity += other.gravity;
    }
}

impl Flight {
    /// Pulls the cotangent of [`Flight::end`] back to the start.
    pub fn pull(&self, arena: &Arena, end_bar: &Balls) -> FlightCotangent {
        let moment = match self.legs.last().and_then(|leg| leg.pair) {
            Some(_) => Moment::Impact(self.legs.len()),
            None => Moment::Time(self.duration()),
        };
        self.pull_observed(arena, &[Observed { moment, state: end_bar.clone(), time: 0.0 }])
    }

    /// Pulls cotangents of states on the way back to the start.
    pub fn pull_observed(&self, arena: &Arena, observed: &[Observed]) -> FlightCotangent {
        let mut by = FlightCotangent::zero(arena);
        let ends: Vec<f64> = self
            .legs
            .iter()
            .scan(0.0, |t, leg| {
                *t += leg.duration;
                Some(*t)
            })
            .collect();
        // the leg of each time is the one that `Flight::at` takes
        let leg_of = |t: f64| ends.partition_point(|end| *end < t).min(ends.len() - 1);
        let mut clock_bar = 0.0;
        for (k, leg) in self.legs.iter().enumerate().rev() {
            if let (Some(pair), false) = (leg.pair, k + 1 == self.legs.len()) {
                self.pull_rebound(arena, leg, pair, &mut by);
            }
            for o in observed.iter().filter(|o| o.moment == Moment::Impact(k + 1)) {
                add(&mut by.start, &o.state);
                clock_bar += o.time;
            }
            if let Some(pair) = leg.pair {
                pull_duration(arena, leg, pair, clock_bar, &mut by);
            }
            pull_fall(&mut by, leg.duration);
            let begun = if k == 0 { 0.0 } else { ends[k - 1] };
            for o in observed {
                if let Moment::Time(t) = o.moment
                    && leg_of(t) == k
                {
                    clock_bar -= pull_fixed_time(arena, leg, t - begun, &o.state, &mut by);
                }
            }
        }
        by
    }

    /// The adjoint of [`Arena::rebound`], the normal's turn with the centres and the shares of the masses included.
    fn pull_rebound(&self, arena: &Arena, leg: &Leg<f64>, pair: Pair, by: &mut FlightCotangent) {
        let (gap, normal) = arena.gap(&leg.end, pair);
        let u = Arena::approach(&leg.end, pair);
        let closing = normal.dot(u);
        let bar = &mut by.start;
        // v+ = v - share (1 + e) (n.u) n
        let mut change_bar = Vec3::zero();
        for (ball, share) in arena.shares(pair) {
            change_bar -= bar.v[ball] * share;
        }
        let along = normal.dot(change_bar);
        let factor = 1.0 + self.restitution;
        by.restitution += closing * along;
        let u_bar = normal * (factor * along);
        match pair {
            Pair::Wall(i, _) => bar.v[i] += u_bar,
            Pair::Balls(i, j) => {
                // both shares grow by dm_j m_i / M^2 and shrink by dm_i m_j / M^2
                let (a, b) = (arena.balls[i].mass, arena.balls[j].mass);
                let share_bar = -factor * closing * normal.dot(bar.v[i] + bar.v[j]);
                let per_mass = share_bar / ((a + b) * (a + b));
                by.balls[i].mass -= per_mass * b;
                by.balls[j].mass += per_mass * a;
                bar.v[i] += u_bar;
                bar.v[j] -= u_bar;
                let normal_bar = (u * along + change_bar * closing) * factor;
                let distance = gap + arena.balls[i].radius + arena.balls[j].radius;
                pull_normal(normal, distance, normal_bar, [i, j], bar);
            }
        }
    }
}

/// Cotangent of the unit vector from ball `j` to ball `i` to their centres.
pub(super) fn pull_normal(
    normal: Vec3<f64>,
    distance: f64,
    normal_bar: Vec3<f64>,
    [i, j]: [usize; 2],
    bar: &mut Balls,
) {
    let across = normal_bar - normal * normal.dot(normal_bar);
    let x_bar = across * distance.recip();
    bar.x[i] += x_bar;
    bar.x[j] -= x_bar;
}

/// The gap closes at the end of the leg: `dd = -(grad g . dx - d offset - d radius) / g'`.
fn pull_duration(
    arena: &Arena,
    leg: &Leg<f64>,
    pair: Pair,
    clock_bar: f64,
    by: &mut FlightCotangent,
) {
    let bar = &mut by.start;
    let moved = bar.x.iter().zip(&leg.end.v).map(|(x, v)| x.dot(*v)).sum::<f64>();
    let faster = bar.v.iter().map(|v| v.dot(arena.gravity)).sum::<f64>();
    let (_, normal) = arena.gap(&leg.end, pair);
    let rate = normal.dot(Arena::approach(&leg.end, pair));
    let gap_bar = -(moved + faster + clock_bar) / rate;
    match pair {
        Pair::Wall(i, w) => {
            bar.x[i] += normal * gap_bar;
            by.balls[i].radius -= gap_bar;
            by.offsets[w] -= gap_bar;
        }
        Pair::Balls(i, j) => {
            bar.x[i] += normal * gap_bar;
            bar.x[j] -= normal * gap_bar;
            by.balls[i].radius -= gap_bar;
            by.balls[j].radius -= gap_bar;
        }
    }
}

/// From the state after `d` seconds of free fall to that before.
fn pull_fall(by: &mut FlightCotangent, d: f64) {
    for (x, v) in by.start.x.iter().zip(&mut by.start.v) {
        by.gravity += *x * (0.5 * d * d) + *v * d;
        *v += *x * d;
    }
}

/// Adds the cotangent of the state `d` seconds into a leg to that of its start; by `d` is returned.
fn pull_fixed_time(
    arena: &Arena,
    leg: &Leg<f64>,
    d: f64,
    state_bar: &Balls,
    by: &mut FlightCotangent,
) -> f64 {
    let state = leg.start.after(arena.gravity, d);
    let mut d_bar = 0.0;
    for (k, (x_bar, v_bar)) in state_bar.x.iter().zip(&state_bar.v).enumerate() {
        by.start.x[k] += *x_bar;
        by.start.v[k] += *v_bar + *x_bar * d;
        by.gravity += *x_bar * (0.5 * d * d) + *v_bar * d;
        d_bar += x_bar.dot(state.v[k]) + v_bar.dot(arena.gravity);
    }
    d_bar
}

fn add(into: &mut Balls, other: &Balls) {
    let pairs = into.x.iter_mut().zip(&other.x).chain(into.v.iter_mut().zip(&other.v));
    pairs.for_each(|(a, b)| *a += *b);
}
