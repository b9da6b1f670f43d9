//! The adjoint of a flight, by hand.

use cotangent_ad::Vec3;

use super::{Arena, Balls, Flight, Leg, Pair, Until};

/// Derivatives by the start of a motion.
#[derive(Clone, Debug, PartialEq)]
pub struct FlightCotangent {
    /// By centres and velocities.
    pub start: Balls,
    /// By the restitution.
    pub restitution: f64,
}

impl Flight {
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
