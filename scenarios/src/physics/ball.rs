//! `thrown-ball`: the initial velocity with which a ball lands on a target after it has bounced.

use std::fmt::Write as _;

use cotangent_ad::random::Stream;
use cotangent_physics::impact::Flight;
use cotangent_physics::task::Throw;
use cotangent_problem::{Capabilities, Objective};
use cotangent_problem::{Parameter, Space};

use super::super::document::{Grammar, Settings};
use super::super::keys::{Key, Kind};
use super::super::{Domain, Prepared, Scenario};
use super::{key, number, numbers, required, same_scale, series};
use crate::diagnostic::Diagnostic;
use cotangent_harness::figure::{Figure, Mark};
use cotangent_harness::{Conclusion, Criterion, Finished, Judge};

/// The domain.
pub(crate) struct Ball;

const INF: f64 = f64::INFINITY;

const KEYS: &[Key] = &[
    key("ball.radius", number("m", 1e-6, 1e3), "0.1", "radius of the ball"),
    key("ball.restitution", number("", 0.0, 1.0), "0.8", "speed after an impact over that before"),
    key("throw.position", numbers("m"), "[0.0, 0.0, 1.5]", "centre of the ball when it is thrown"),
    required("throw.velocity", numbers("m/s"), "initial velocity to start from; it is optimised"),
    key("throw.fastest", number("m/s", 1e-3, 1e4), "30.0", "bound of each part of the velocity"),
    key("throw.perturbation", number("m/s", 0.0, 1e3), "1.0", "the seed moves the start this far"),
    key("world.gravity", number("m/s^2", 1e-6, 1e6), "9.81", "gravity, downwards"),
    key(
        "target.bounces",
        Kind::Integer { min: 0, max: 100 },
        "1",
        "bounces on the ground before the ball lands",
    ),
    required("target.position", numbers("m"), "where the ball is to land on the ground: x, y"),
    key("goal.miss", number("m", 0.0, INF), "0.001", "the ball must land this close to the target"),
];

const TEMPLATE: &[u8] = include_bytes!("../../thrown-ball.toml");

impl Domain for Ball {
    fn kind(&self) -> &'static str {
        "thrown-ball"
    }
    fn summary(&self) -> &'static str {
        "throw a ball so that it bounces and lands on a target, through rigid impacts"
    }
    fn grammar(&self) -> Grammar {
        Grammar::of_keys(KEYS)
    }
    fn template(&self) -> &'static [(&'static str, &'static [u8])] {
        &[("scenario.toml", TEMPLATE)]
    }

    fn load(&self, s: &Settings) -> Result<Box<dyn Scenario>, Vec<Diagnostic>> {
        let mut problems = Vec::new();
        for (path, count) in [("throw.position", 3), ("throw.velocity", 3), ("target.position", 2)]
        {
            let found = s.numbers(path).len();
            if found != count {
                let message = format!("`{path}` has {found} numbers");
                let help = format!("write {count} numbers");
                problems.push(s.problem("cotangent::scenario::length", path, message, help));
            }
        }
        let radius = s.number("ball.radius");
        if s.numbers("throw.position").get(2).is_some_and(|z| *z < radius) {
            let message = format!("the ball, of radius {radius} m, starts inside the ground");
            let help = "the ground is z = 0, and the position is the ball's centre";
            problems.push(s.problem(
                "cotangent::scenario::contradiction",
                "throw.position",
                message,
                help,
            ));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let three = |path: &str| [0, 1, 2].map(|k| s.numbers(path)[k]);
        let target = [0, 1].map(|k| s.numbers("target.position")[k]);
        let throw = Throw::new(
            radius,
            three("throw.position"),
            s.number("world.gravity"),
            s.number("ball.restitution"),
            s.count("target.bounces"),
            target,
        );
        Ok(Box::new(Study {
            throw,
            velocity: three("throw.velocity"),
            fastest: s.number("throw.fastest"),
            perturbation: s.number("throw.perturbation"),
            bounces: s.count("target.bounces"),
            miss: s.number("goal.miss"),
        }))
    }
}

struct Study {
    throw: Throw,
    velocity: [f64; 3],
    fastest: f64,
    perturbation: f64,
    bounces: usize,
    miss: f64,
}

impl Scenario for Study {
    fn space(&self) -> Space {
        let velocity =
            Parameter::vector("throw.velocity", 3).unit("m/s").within(-self.fastest, self.fastest);
        Space::new(vec![velocity]).unwrap_or_else(|e| unreachable!("one bounded vector: {e}"))
    }

    fn start(&self, seed: u64) -> Vec<f64> {
        let noise = Stream::new(&[seed, 0x74_6872_6f77]);
        let moved = |k: usize| {
            let by = self.perturbation * (2.0 * noise.uniform(k as u64) - 1.0);
            (self.velocity[k] + by).clamp(-self.fastest, self.fastest)
        };
        (0..3).map(moved).collect()
    }

    fn capabilities(&self) -> Capabilities {
        self.throw.capabilities()
    }

    fn cost(&self) -> String {
        format!("3 parameters; {} flights between impacts an evaluation", self.bounces + 1)
    }

    fn prepare(&self) -> Result<Box<dyn Prepared + '_>, String> {
        Ok(Box::new(Ready(self)))
    }
}

struct Ready<'a>(&'a Study);

impl Prepared for Ready<'_> {
    fn objective(&self) -> &dyn Objective {
        &self.0.throw
    }
}

impl Judge for Ready<'_> {
    fn conclude(&self, run: &Finished) -> Result<Conclusion, String> {
        let study = self.0;
        let flight = |v: &[f64]| study.throw.flight(v).map_err(|e| e.to_string());
        let (before, after) = (flight(run.start)?, flight(run.answer)?);
        let [dx, dy] = study.throw.miss(&after);
        let miss = dx.hypot(dy);
        let bounces = after.impacts().count() - 1;
        let criteria = vec![
            Criterion {
                what: "the ball lands on the target".into(),
                must: format!("within {:.1} mm", 1e3 * study.miss),
                measured: format!("{:.2e} mm away", 1e3 * miss),
                met: Some(miss <= study.miss),
            },
            Criterion {
                what: "it bounces before".into(),
                must: format!("{} times", study.bounces),
                measured: format!("{bounces} times, in {:.3} s", after.duration()),
                met: Some(bounces == study.bounces),
            },
        ];
        let csv = study.table(&after).into_bytes();
        Ok(Conclusion {
            criteria,
            figures: vec![study.side(&before, &after), study.above(&before, &after)],
            artifacts: vec![("motion.csv".into(), csv)],
            ..Conclusion::default()
        })
    }
}

/// Pictures of a flight have this many points.
const POINTS: usize = 240;

impl Study {
    /// Time and centre of the ball along a flight.
    fn path(&self, flight: &Flight) -> Vec<(f64, [f64; 3])> {
        let time = |k: usize| flight.duration() * k as f64 / POINTS as f64;
        let at = |t: f64| flight.at(self.throw.arena(), t).x[0].0;
        (0..=POINTS).map(|k| (time(k), at(time(k)))).collect()
    }

    /// Height over the ground distance from where the ball is thrown.
    fn side(&self, before: &Flight, after: &Flight) -> Figure {
        let origin = self.path(after)[0].1;
        let distance = |x: &[f64]| (x[0] - origin[0]).hypot(x[1] - origin[1]);
        let line = |label: &str, mark, flight: &Flight| {
            let points = self.path(flight).into_iter().map(|(_, x)| (distance(&x), x[2]));
            series(label, mark, points)
        };
        let mut drawn = vec![
            line("optimised", Mark::Line, after),
            line("start", Mark::Dashes, before),
            series("target", Mark::Circles, [(distance(&self.throw.target()), 0.0)]),
        ];
        let far = drawn[..2].iter().flat_map(|s| &s.points).map(|p| p.0).fold(0.0, f64::max);
        drawn.push(series("ground", Mark::Thin, [(0.0, 0.0), (far, 0.0)]));
        drawn.extend(same_scale(&drawn));
        Figure {
            name: "motion".into(),
            title: "The throw from the side: centre of the ball".into(),
            x_label: "distance over the ground (m)".into(),
            y_label: "height (m)".into(),
            log_y: false,
            series: drawn,
            panels: Vec::new(),
        }
    }

    fn above(&self, before: &Flight, after: &Flight) -> Figure {
        let line = |label: &str, mark, flight: &Flight| {
            series(label, mark, self.path(flight).into_iter().map(|(_, x)| (x[0], x[1])))
        };
        let impacts = after.impacts().map(|(_, at)| (at.x[0][0], at.x[0][1]));
        let mut drawn = vec![
            line("optimised", Mark::Line, after),
            line("start", Mark::Dashes, before),
            series("target", Mark::Circles, [self.throw.target().into()]),
            series("impacts", Mark::Crosses, impacts),
        ];
        drawn.extend(same_scale(&drawn));
        Figure {
            name: "motion-above".into(),
            title: "The throw from above".into(),
            x_label: "x (m)".into(),
            y_label: "y (m)".into(),
            log_y: false,
            series: drawn,
            panels: Vec::new(),
        }
    }

    fn table(&self, flight: &Flight) -> String {
        let mut text = String::from("time_s,x_m,y_m,z_m\n");
        for (t, [x, y, z]) in self.path(flight) {
            let _ = writeln!(text, "{t:.6},{x:.9},{y:.9},{z:.9}");
        }
        text
    }
}
