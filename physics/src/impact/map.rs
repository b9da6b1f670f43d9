//! The map of a [`BallsSimulation`]: values and reverse mode by one flight, forward mode by a flight of duals.

use std::sync::Arc;

use cotangent_ad::{Dual, Real, Vec3};
use cotangent_problem::simulation::check_len;
use cotangent_problem::{
    Cost, Keep, Linearised, Map, SampleKey, Simulation, Switch, TrialFailure, Values, Workspace,
};

use super::adjoint::pull_normal;
use super::simulation::{BallsSimulation, InputKind, OutputKind, World};
use super::{Arena, Balls, Flight, FlightCotangent, FlightError, Moment, Observed, Pair, Until};

/// From picked inputs to picked outputs.
pub(super) struct BallsMap {
    simulation: Arc<BallsSimulation>,
    inputs: Vec<usize>,
    outputs: Vec<usize>,
    input_len: usize,
    output_len: usize,
}

impl BallsMap {
    pub(super) fn new(
        simulation: Arc<BallsSimulation>,
        inputs: &[usize],
        outputs: &[usize],
    ) -> Self {
        let input_len = inputs.iter().map(|k| simulation.inputs()[*k].len()).sum();
        let output_len = outputs.iter().map(|k| simulation.outputs()[*k].len()).sum();
        Self { simulation, inputs: inputs.into(), outputs: outputs.into(), input_len, output_len }
    }

    /// The world at `x`; what is not picked stays at its present value.
    fn world<T: Real>(&self, x: &[T]) -> World<T> {
        let lift = |v: &Vec<f64>| v.iter().map(|v| T::lit(*v)).collect();
        let mut values: Vec<Vec<T>> =
            self.simulation.inputs().iter().map(|q| lift(&q.value)).collect();
        let mut first = 0;
        for &input in &self.inputs {
            let len = values[input].len();
            values[input].copy_from_slice(&x[first..first + len]);
            first += len;
        }
        self.simulation.world(&values)
    }

    fn kinds(&self) -> impl Iterator<Item = OutputKind> + '_ {
        self.outputs.iter().map(|k| self.simulation.output_kinds[*k])
    }

    /// Time of observation `k`, s.
    fn time(&self, k: usize) -> f64 {
        k as f64 * self.simulation.sampling.step
    }

    /// The motions that the picked outputs are of: to the end of the times, and to the last impact.
    fn flights<T: Real>(&self, world: &World<T>) -> Result<Flights<T>, FlightError> {
        let sampling = self.simulation.sampling;
        let fly = |until| world.arena.fly(&world.start, world.restitution, until);
        let is_of_impacts =
            |k: &OutputKind| matches!(k, OutputKind::ImpactTime | OutputKind::ImpactPosition);
        let timed = self.kinds().any(|k| !is_of_impacts(&k));
        let struck = self.kinds().any(|k| is_of_impacts(&k));
        Ok(Flights {
            timed: timed.then(|| fly(Until::Time(self.time(sampling.steps)))).transpose()?,
            struck: struck.then(|| fly(Until::Impact(sampling.impacts))).transpose()?,
        })
    }

    /// The picked outputs.
    fn measure<T: Real>(&self, world: &World<T>, flights: &Flights<T>) -> Vec<T> {
        let mut y = Vec::with_capacity(self.output_len);
        let states: Vec<Balls<T>> =
            flights.timed.iter().flat_map(|f| self.over_time(world, f)).collect();
        for kind in self.kinds() {
            match (kind, &flights.struck) {
                (OutputKind::Position(i), _) => y.extend(states.iter().flat_map(|s| s.x[i].0)),
                (OutputKind::Velocity(i), _) => y.extend(states.iter().flat_map(|s| s.v[i].0)),
                (OutputKind::ImpactTime, Some(f)) => y.extend(f.impact_times()),
                (OutputKind::ImpactPosition, Some(f)) => {
                    y.extend(f.impacts().flat_map(|(pair, at)| contact(&world.arena, pair, at).0));
                }
                (_, None) => {}
            }
        }
        y
    }

    fn over_time<T: Real>(&self, world: &World<T>, flight: &Flight<T>) -> Vec<Balls<T>> {
        let times = 0..=self.simulation.sampling.steps;
        times.map(|k| flight.at(&world.arena, self.time(k))).collect()
    }
}

/// The motions that are followed for an answer.
struct Flights<T> {
    timed: Option<Flight<T>>,
    struck: Option<Flight<T>>,
}

/// Where the two that meet touch: the centre of the first ball less its radius along the normal.
fn contact<T: Real>(arena: &Arena<T>, pair: Pair, at: &Balls<T>) -> Vec3<T> {
    let (_, normal) = arena.gap(at, pair);
    let (Pair::Wall(i, _) | Pair::Balls(i, _)) = pair;
    at.x[i] - normal * arena.balls[i].radius
}

impl Map for BallsMap {
    fn input_len(&self) -> usize {
        self.input_len
    }

    fn output_len(&self) -> usize {
        self.output_len
    }

    fn plan(&self, _: Keep) -> Cost {
        let s = &self.simulation.sampling;
        let balls = self.simulation.balls;
        Cost {
            work: match (s.steps, s.impacts) {
                (0, impacts) => format!("a flight through {impacts} impacts"),
                (steps, _) => format!("a flight observed {} times", steps + 1),
            },
            bytes: (8 * 6 * balls * (s.steps + s.impacts + 2)) as u64,
        }
    }

    fn run<'a>(
        &'a self,
        x: &[f64],
        _: Keep,
        _: SampleKey,
        _: &mut Workspace,
    ) -> Result<Box<dyn Linearised + 'a>, TrialFailure> {
        check_len("an input", x, self.input_len)?;
        let world = self.world(x);
        let flights = self.flights(&world).map_err(refused)?;
        let values = Values {
            entries: self.measure(&world, &flights),
            switches: switches(&flights),
            ..Values::default()
        };
        Ok(Box::new(BallsRun { map: self, x: x.to_vec(), world, flights, values }))
    }
}

fn refused(e: FlightError) -> TrialFailure {
    match e {
        FlightError::BadNumber { .. } => TrialFailure::NonFinite { what: e.to_string() },
        e => TrialFailure::OutOfDomain { why: e.to_string() },
    }
}

/// Which pairs meet in which order, as one number for each flight.
fn switches(flights: &Flights<f64>) -> Vec<Switch> {
    let named = [("impacts over time", &flights.timed), ("impacts", &flights.struck)];
    let state = |flight: &Flight| {
        // FNV-1a over the pairs: only equality is asked of it
        let mix = |h: u64, n: usize| (h ^ n as u64).wrapping_mul(0x0100_0000_01b3);
        let code = |h: u64, pair: Pair| match pair {
            Pair::Wall(i, w) => mix(mix(mix(h, 1), i), w),
            Pair::Balls(i, j) => mix(mix(mix(h, 2), i), j),
        };
        flight.impacts().fold(0xcbf2_9ce4_8422_2325, |h, (pair, _)| code(h, pair))
    };
    let of = |(name, flight): (&str, &Option<Flight>)| {
        let state = state(flight.as_ref()?).cast_signed();
        Some(Switch { name: name.into(), state })
    };
    named.into_iter().filter_map(of).collect()
}

/// One motion.
struct BallsRun<'a> {
    map: &'a BallsMap,
    x: Vec<f64>,
    world: World<f64>,
    flights: Flights<f64>,
    values: Values,
}

impl Linearised for BallsRun<'_> {
    fn values(&self) -> &Values {
        &self.values
    }

    fn pullback(&self, cotangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        cotangents.iter().map(|y_bar| self.pulled(y_bar)).collect()
    }

    fn pushforward(&self, tangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        tangents.iter().map(|x_dot| self.pushed(x_dot)).collect()
    }
}

impl BallsRun<'_> {
    fn pushed(&self, x_dot: &[f64]) -> Result<Vec<f64>, TrialFailure> {
        check_len("a tangent", x_dot, self.map.input_len)?;
        let x: Vec<Dual<f64, 1>> =
            self.x.iter().zip(x_dot).map(|(x, d)| Dual { re: *x, eps: [*d] }).collect();
        let world = self.map.world(&x);
        let flights = self.map.flights(&world).map_err(refused)?;
        let y = self.map.measure(&world, &flights);
        finite(y.iter().map(|y| y.eps[0]).collect())
    }

    fn pulled(&self, y_bar: &[f64]) -> Result<Vec<f64>, TrialFailure> {
        check_len("a cotangent", y_bar, self.map.output_len)?;
        let arena = &self.world.arena;
        let (mut timed, mut struck) = self.observed();
        // what the points of contact say of radii directly
        let mut by = FlightCotangent::zero(arena);
        let mut rest = y_bar;
        for kind in self.map.kinds() {
            let s = &self.map.simulation.sampling;
            let rows = match kind {
                OutputKind::Position(_) | OutputKind::Velocity(_) => 3 * (s.steps + 1),
                OutputKind::ImpactTime => s.impacts,
                OutputKind::ImpactPosition => 3 * s.impacts,
            };
            let (own, others) = rest.split_at(rows);
            rest = others;
            let vectors = own.chunks_exact(3).map(|v| Vec3([v[0], v[1], v[2]]));
            match kind {
                OutputKind::Position(i) => {
                    timed.iter_mut().zip(vectors).for_each(|(o, v)| o.state.x[i] += v);
                }
                OutputKind::Velocity(i) => {
                    timed.iter_mut().zip(vectors).for_each(|(o, v)| o.state.v[i] += v);
                }
                OutputKind::ImpactTime => {
                    struck.iter_mut().zip(own).for_each(|(o, t)| o.time += t);
                }
                OutputKind::ImpactPosition => {
                    let impacts = self.flights.struck.iter().flat_map(Flight::impacts);
                    for ((o, v), (pair, at)) in struck.iter_mut().zip(vectors).zip(impacts) {
                        pull_contact(arena, pair, at, v, &mut o.state, &mut by);
                    }
                }
            }
        }
        for (flight, observed) in [(&self.flights.timed, &timed), (&self.flights.struck, &struck)] {
            if let Some(flight) = flight {
                by.add(&flight.pull_observed(arena, observed));
            }
        }
        finite(self.gather(&by))
    }

    /// Nothing asked yet of each moment that is observed.
    fn observed(&self) -> (Vec<Observed>, Vec<Observed>) {
        let zero = FlightCotangent::zero(&self.world.arena).start;
        let at = |moment| Observed { moment, state: zero.clone(), time: 0.0 };
        let s = &self.map.simulation.sampling;
        let timed = (0..=s.steps).map(|k| at(Moment::Time(self.map.time(k)))).collect();
        let struck = (1..=s.impacts).map(|k| at(Moment::Impact(k))).collect();
        (timed, struck)
    }

    /// Cotangents of the picked inputs.
    fn gather(&self, by: &FlightCotangent) -> Vec<f64> {
        let entries = |k: &usize| match self.map.simulation.input_kinds[*k] {
            InputKind::Position(i) => by.start.x[i].0.to_vec(),
            InputKind::Velocity(i) => by.start.v[i].0.to_vec(),
            InputKind::Radius(i) => vec![by.balls[i].radius],
            InputKind::Mass(i) => vec![by.balls[i].mass],
            InputKind::Offset(w) => vec![by.offsets[w]],
            InputKind::Gravity => by.gravity.0.to_vec(),
            InputKind::Restitution => vec![by.restitution],
        };
        self.map.inputs.iter().flat_map(entries).collect()
    }
}

/// The adjoint of [`contact`].
fn pull_contact(
    arena: &Arena,
    pair: Pair,
    at: &Balls,
    contact_bar: Vec3<f64>,
    state_bar: &mut Balls,
    by: &mut FlightCotangent,
) {
    let (gap, normal) = arena.gap(at, pair);
    let (Pair::Wall(i, _) | Pair::Balls(i, _)) = pair;
    state_bar.x[i] += contact_bar;
    by.balls[i].radius -= normal.dot(contact_bar);
    if let Pair::Balls(i, j) = pair {
        let distance = gap + arena.balls[i].radius + arena.balls[j].radius;
        let normal_bar = contact_bar * -arena.balls[i].radius;
        pull_normal(normal, distance, normal_bar, [i, j], state_bar);
    }
}

fn finite(entries: Vec<f64>) -> Result<Vec<f64>, TrialFailure> {
    if entries.iter().all(|v| v.is_finite()) {
        return Ok(entries);
    }
    let what = "a derivative through an impact: it grazes, or two balls touch without approach";
    Err(TrialFailure::NonFinite { what: what.into() })
}
