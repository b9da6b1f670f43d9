//! Balls in flight as a simulation: start, balls, walls and gravity in; positions over time and impacts out.
//!
//! | input | shape | unit |
//! |---|---|---|
//! | `ball.red.position`, `ball.red.velocity` | 3 | m, m/s |
//! | `ball.red.radius`, `ball.red.mass` | | m, kg |
//! | `wall.ground.offset` | | m |
//! | `gravity` | 3 | m/s^2 |
//! | `restitution` | | |
//!
//! Over the times of the motion come `ball.red.position` and `ball.red.velocity`; of the first impacts `impact.time` and
//! `impact.position`, the point of contact. A motion that is only observed up to an impact is not followed beyond it.

use std::sync::Arc;

use cotangent_ad::{Real, Vec3};
use cotangent_problem::simulation::{check_picks, fix_quantity};
use cotangent_problem::{Axis, Map, MapError, Quantity, Simulation, Transform, name};

use super::map::BallsMap;
use super::{Arena, Ball, Balls, FlightError, Pair, Until, Wall};

/// A ball with its name and start.
#[derive(Clone, Debug, PartialEq)]
pub struct BallPart {
    /// Its name in the names of inputs and outputs.
    pub name: String,
    /// Radius and mass.
    pub ball: Ball,
    /// Centre at the start, m.
    pub position: Vec3<f64>,
    /// Velocity at the start, m/s.
    pub velocity: Vec3<f64>,
}

/// A wall with its name.
#[derive(Clone, Debug, PartialEq)]
pub struct WallPart {
    /// Its name in the names of inputs.
    pub name: String,
    /// The obstacle.
    pub wall: Wall,
}

/// What is observed of a motion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Time between two observations, s.
    pub step: f64,
    /// Number of steps; 0 where nothing is observed over time.
    pub steps: usize,
    /// Impacts that are observed, from the first.
    pub impacts: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InputKind {
    Position(usize),
    Velocity(usize),
    Radius(usize),
    Mass(usize),
    Offset(usize),
    Gravity,
    Restitution,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OutputKind {
    Position(usize),
    Velocity(usize),
    ImpactTime,
    ImpactPosition,
}

/// Balls among walls as a map from starts and properties to positions and impacts.
#[derive(Clone, Debug)]
pub struct BallsSimulation {
    normals: Vec<Vec3<f64>>,
    pub(super) balls: usize,
    pub(super) sampling: Sampling,
    inputs: Vec<Quantity>,
    outputs: Vec<Quantity>,
    pub(super) input_kinds: Vec<InputKind>,
    pub(super) output_kinds: Vec<OutputKind>,
}

/// A motion as it is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// States at equal distances of time.
    pub states: Vec<Balls>,
    /// Time from the first state to the last, s.
    pub duration: f64,
    /// What met, and the state at it.
    pub impacts: Vec<(Pair, Balls)>,
}

/// Everything that a motion starts from, in any scalars.
pub(super) struct World<T> {
    pub(super) arena: Arena<T>,
    pub(super) start: Balls<T>,
    pub(super) restitution: T,
}

impl BallsSimulation {
    /// The simulation of these balls, from their starts.
    ///
    /// # Errors
    /// A [`FlightError`] where a number has no meaning or two things overlap at the start.
    pub fn new(
        balls: &[BallPart],
        walls: &[WallPart],
        gravity: [f64; 3],
        restitution: f64,
        sampling: Sampling,
    ) -> Result<Self, FlightError> {
        let (inputs, input_kinds) = inputs(balls, walls, gravity, restitution);
        let (outputs, output_kinds) = outputs(balls, sampling);
        let normals = walls.iter().map(|w| w.wall.normal).collect();
        let simulation = Self {
            normals,
            balls: balls.len(),
            sampling,
            inputs,
            outputs,
            input_kinds,
            output_kinds,
        };
        let values: Vec<Vec<f64>> = simulation.inputs.iter().map(|q| q.value.clone()).collect();
        let world = simulation.world(&values);
        world.arena.check(&world.start, world.restitution, Until::Impact(1))?;
        Ok(simulation)
    }

    /// The motion from the present inputs at `points + 1` times from its start to its end, and the states at its impacts.
    ///
    /// # Errors
    /// A [`FlightError`] where it cannot be followed.
    pub fn path(&self, points: usize) -> Result<Path, FlightError> {
        let values: Vec<Vec<f64>> = self.inputs.iter().map(|q| q.value.clone()).collect();
        let World { arena, start, restitution } = self.world(&values);
        let until = match self.sampling.steps {
            0 => Until::Impact(self.sampling.impacts),
            steps => Until::Time(steps as f64 * self.sampling.step),
        };
        let flight = arena.fly(&start, restitution, until)?;
        let at = |k: usize| flight.at(&arena, flight.duration() * k as f64 / points as f64);
        Ok(Path {
            states: (0..=points).map(at).collect(),
            duration: flight.duration(),
            impacts: flight.impacts().map(|(pair, state)| (pair, state.clone())).collect(),
        })
    }

    /// The world that the values of all inputs describe.
    pub(super) fn world<T: Real>(&self, values: &[Vec<T>]) -> World<T> {
        let zero = T::lit(0.0);
        let mut world = World {
            arena: Arena {
                balls: vec![Ball { radius: zero, mass: zero }; self.balls],
                walls: self.normals.iter().map(|&n| Wall { normal: n, offset: zero }).collect(),
                gravity: Vec3::zero(),
            },
            start: Balls { x: vec![Vec3::zero(); self.balls], v: vec![Vec3::zero(); self.balls] },
            restitution: zero,
        };
        for (kind, value) in self.input_kinds.iter().zip(values) {
            let vector = || Vec3([value[0], value[1], value[2]]);
            match *kind {
                InputKind::Position(i) => world.start.x[i] = vector(),
                InputKind::Velocity(i) => world.start.v[i] = vector(),
                InputKind::Radius(i) => world.arena.balls[i].radius = value[0],
                InputKind::Mass(i) => world.arena.balls[i].mass = value[0],
                InputKind::Offset(w) => world.arena.walls[w].offset = value[0],
                InputKind::Gravity => world.arena.gravity = vector(),
                InputKind::Restitution => world.restitution = value[0],
            }
        }
        world
    }
}

fn inputs(
    balls: &[BallPart],
    walls: &[WallPart],
    gravity: [f64; 3],
    restitution: f64,
) -> (Vec<Quantity>, Vec<InputKind>) {
    let mut all = Vec::new();
    let positive = |name: String, unit: &str, value: f64| {
        Quantity::scalar(name, unit, value)
            .within(f64::MIN_POSITIVE, f64::INFINITY)
            .through(Transform::Log)
            .scaled(0.1)
    };
    for (i, b) in balls.iter().enumerate() {
        let own = |what: &str| format!("ball.{}.{what}", name::segment(&b.name));
        let position = Quantity::input(own("position"), "m", &[3], b.position.0.to_vec());
        all.push((InputKind::Position(i), position.vectors().about("centre at the start")));
        let velocity = Quantity::input(own("velocity"), "m/s", &[3], b.velocity.0.to_vec());
        all.push((InputKind::Velocity(i), velocity.vectors().about("velocity at the start")));
        let radius = positive(own("radius"), "m", b.ball.radius);
        all.push((InputKind::Radius(i), radius.about("radius of the ball")));
        let mass = positive(own("mass"), "kg", b.ball.mass);
        all.push((InputKind::Mass(i), mass.about("mass; only ratios of masses matter")));
    }
    for (w, wall) in walls.iter().enumerate() {
        let name = format!("wall.{}.offset", name::segment(&wall.name));
        let offset = Quantity::scalar(name, "m", wall.wall.offset);
        all.push((InputKind::Offset(w), offset.about("distance from the origin along its normal")));
    }
    let gravity = Quantity::input("gravity", "m/s^2", &[3], gravity.to_vec());
    all.push((InputKind::Gravity, gravity.vectors().about("acceleration of free fall")));
    let restitution = Quantity::scalar("restitution", "", restitution).within(0.0, 1.0).scaled(0.1);
    all.push((
        InputKind::Restitution,
        restitution.about("normal speed after an impact over before"),
    ));
    let (kinds, quantities) = all.into_iter().unzip();
    (quantities, kinds)
}

fn outputs(balls: &[BallPart], sampling: Sampling) -> (Vec<Quantity>, Vec<OutputKind>) {
    let mut all = Vec::new();
    if sampling.steps > 0 {
        let axis = Arc::new(Axis::points("time", "s", sampling.steps, sampling.step));
        let shape = [sampling.steps + 1, 3];
        for (i, b) in balls.iter().enumerate() {
            let over_time = |what: &str, unit| {
                let name = format!("ball.{}.{what}", name::segment(&b.name));
                Quantity::output(name, unit, &shape).vectors().along(&axis)
            };
            let position = over_time("position", "m").about("its centre");
            all.push((OutputKind::Position(i), position));
            let velocity = over_time("velocity", "m/s").about("its velocity");
            all.push((OutputKind::Velocity(i), velocity));
        }
    }
    if sampling.impacts > 0 {
        let n = sampling.impacts;
        let time = Quantity::output("impact.time", "s", &[n]).about("when each impact happens");
        all.push((OutputKind::ImpactTime, time));
        let position = Quantity::output("impact.position", "m", &[n, 3]).vectors();
        all.push((OutputKind::ImpactPosition, position.about("the point where they touch")));
    }
    let (kinds, quantities) = all.into_iter().unzip();
    (quantities, kinds)
}

impl Simulation for BallsSimulation {
    fn inputs(&self) -> &[Quantity] {
        &self.inputs
    }

    fn outputs(&self) -> &[Quantity] {
        &self.outputs
    }

    fn fix(&mut self, input: usize, value: &[f64]) -> Result<(), MapError> {
        fix_quantity(&mut self.inputs, input, value)
    }

    fn map(
        self: Arc<Self>,
        inputs: &[usize],
        outputs: &[usize],
        differentiated: bool,
    ) -> Result<Box<dyn Map>, MapError> {
        check_picks(self.as_ref(), inputs, outputs, differentiated)?;
        Ok(Box::new(BallsMap::new(self, inputs, outputs)))
    }
}
