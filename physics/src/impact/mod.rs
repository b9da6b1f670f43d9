//! Balls in free flight with rigid impacts, localised in time.
//!
//! Between impacts every ball moves on its parabola, so the first impact is the least root of quadratics. An impact of
//! restitution `e` along the unit normal `n` reverses the approach, `n . u+ = -e n . u-`, without friction and with the momentum kept.
//!
//! What is not a flight is refused by name: a ball that comes to rest on a wall or slides along it, impacts that accumulate, and
//! impacts that happen at once where their order decides the outcome.
//!
//! **Derivative.** A motion that is stopped after a fixed time has the derivative of the flow, but a motion through an impact has
//! in addition the derivative of the impact's own time: with the gap `g(x)` and its rate `g' < 0` before the impact,
//! `dd = -(grad g . dx) / g'` for the flight's duration `d`. This saltation term (Aizerman & Gantmakher 1958) is what a
//! fixed step lacks, however small it is. The adjoint in [`Flight::pull`] is by hand.

mod adjoint;
mod error;
mod fly;
mod map;
mod simulation;

use cotangent_ad::{Num, Real, Vec3};

pub use adjoint::{FlightCotangent, Moment, Observed};
pub use error::FlightError;
pub use simulation::{BallPart, BallsSimulation, Path, Sampling, WallPart};

/// A ball.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ball<T = f64> {
    /// Radius, m.
    pub radius: T,
    /// Mass, kg.
    pub mass: T,
}

/// An obstacle: the half-space `normal . x <= offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wall<T = f64> {
    /// Unit normal, out of the obstacle.
    pub normal: Vec3<f64>,
    /// Distance from the origin along the normal, m.
    pub offset: T,
}

/// Balls and walls.
#[derive(Clone, Debug, PartialEq)]
pub struct Arena<T = f64> {
    /// The balls.
    pub balls: Vec<Ball<T>>,
    /// The walls.
    pub walls: Vec<Wall<T>>,
    /// Acceleration of gravity, m/s^2.
    pub gravity: Vec3<T>,
}

/// What meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

/// An impact that hardly hits: its time, and with it every derivative, grows as one over the sine of its angle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Graze {
    /// Which impact, counted from 1.
    pub impact: usize,
    /// What meets.
    pub pair: Pair,
    /// Share of the approach that is along the normal: the sine of the angle to the surface.
    pub sine: f64,
}

/// An angle to the surface below which an impact grazes, as its sine.
pub const GRAZING: f64 = 0.02;

/// How far the derivative of a flight can be trusted.
#[derive(Clone, Debug, PartialEq)]
pub struct Quality {
    /// Impacts that graze, by [`GRAZING`]: beside them lies a motion without that impact, where value and derivative jump.
    pub grazing: Vec<Graze>,
    /// The least sine of all impacts; 1 where there is none.
    pub least_sine: f64,
}

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

fn lit<T: Num>(v: Vec3<f64>) -> Vec3<T> {
    Vec3::lit(v.0)
}

impl<T: Num> Balls<T> {
    fn after(&self, gravity: Vec3<T>, d: T) -> Self {
        let fall = gravity * d;
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
    /// The same arena in other scalars, as constants.
    pub fn lift<T: Num>(&self) -> Arena<T> {
        let ball = |b: &Ball| Ball { radius: T::lit(b.radius), mass: T::lit(b.mass) };
        let wall = |w: &Wall| Wall { normal: w.normal, offset: T::lit(w.offset) };
        Arena {
            balls: self.balls.iter().map(ball).collect(),
            walls: self.walls.iter().map(wall).collect(),
            gravity: lit(self.gravity),
        }
    }
}

impl<T: Num> Arena<T> {
    fn pairs(&self) -> impl Iterator<Item = Pair> + '_ {
        let n = self.balls.len();
        (0..n).flat_map(move |i| {
            let walls = (0..self.walls.len()).map(move |w| Pair::Wall(i, w));
            walls.chain((i + 1..n).map(move |j| Pair::Balls(i, j)))
        })
    }

    /// Distance of two surfaces, and its gradient by the (first) ball: a unit vector.
    fn gap(&self, at: &Balls<T>, pair: Pair) -> (T, Vec3<T>) {
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

    /// Velocity of the first ball against the second, or the wall.
    fn approach(at: &Balls<T>, pair: Pair) -> Vec3<T> {
        match pair {
            Pair::Wall(i, _) => at.v[i],
            Pair::Balls(i, j) => at.v[i] - at.v[j],
        }
    }

    /// How the change of relative velocity is shared: `m_j / (m_i + m_j)` and `-m_i / (m_i + m_j)`.
    fn shares(&self, pair: Pair) -> impl Iterator<Item = (usize, T)> {
        let [first, second] = match pair {
            Pair::Wall(i, _) => [Some((i, T::lit(1.0))), None],
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
    /// Duration, s.
    pub fn duration(&self) -> T {
        self.legs.iter().fold(T::lit(0.0), |sum, leg| sum + leg.duration)
    }

    /// The state `t` seconds after the start.
    pub fn at(&self, arena: &Arena<T>, t: f64) -> Balls<T> {
        let mut begun = T::lit(0.0);
        for leg in &self.legs {
            if T::lit(t) <= begun + leg.duration {
                return leg.start.after(arena.gravity, T::lit(t) - begun);
            }
            begun += leg.duration;
        }
        self.end().clone()
    }

    /// Time of each impact, s.
    pub fn impact_times(&self) -> impl Iterator<Item = T> + '_ {
        let mut begun = T::lit(0.0);
        self.legs.iter().filter_map(move |leg| {
            begun += leg.duration;
            leg.pair.map(|_| begun)
        })
    }
}

impl Flight {
    /// Which impacts graze: there the derivative is large, and the motion beside it another.
    pub fn quality(&self, arena: &Arena) -> Quality {
        let mut quality = Quality { grazing: vec![], least_sine: 1.0 };
        for (k, (pair, state)) in self.impacts().enumerate() {
            let (_, normal) = arena.gap(state, pair);
            let approach = Arena::approach(state, pair);
            let sine = (normal.dot(approach) / approach.norm()).abs();
            quality.least_sine = quality.least_sine.min(sine);
            if sine < GRAZING {
                quality.grazing.push(Graze { impact: k + 1, pair, sine });
            }
        }
        quality
    }
}
