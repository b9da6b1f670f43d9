//! `balls`: balls in free flight among walls, through rigid impacts.

use cotangent_ad::Vec3;
use cotangent_physics::impact::{
    Ball, BallPart, BallsSimulation, FlightError, Pair, Sampling, Wall, WallPart,
};

use super::super::document::{Grammar, Settings};
use super::super::domain::{Domain, Makes};
use super::super::general::{self, COMBINATION, GOAL, Model, PARAMETER, TERM};
use super::super::keys::{List, TEXT, count, key, keys, list, number, required, vector};
use crate::diagnostic::{CONTRADICTION, Diagnostic};

keys! {
    KEYS;
    GRAVITY: [f64; 3] = key("world.gravity", vector("m/s^2", -FAR, FAR), "[0.0, 0.0, -9.81]",
        "acceleration of free fall");
    RESTITUTION: f64 = key("world.restitution", number("", 0.0, 1.0), "0.8",
        "normal speed after an impact over before");
    DURATION: f64 = key("motion.duration", number("s", 0.0, 1e6), "0.0",
        "how long the balls are watched");
    STEP: f64 = key("motion.step", number("s", 1e-6, 1e6), "0.01", "time between two observations");
    IMPACTS: usize = key("motion.impacts", count(0, 10_000), "0",
        "how many impacts are watched, from the first");
}

/// Coordinates have at most this size.
const FAR: f64 = 1e6;

keys! {
    BALL_KEYS;
    BALL_LABEL: str = required("label", TEXT, "its name, as in ball.LABEL.position");
    RADIUS: f64 = key("radius", number("m", 1e-9, 1e6), "0.1", "its radius");
    MASS: f64 = key("mass", number("kg", 1e-12, 1e12), "1.0", "its mass");
    POSITION: [f64; 3] = required("position", vector("m", -FAR, FAR), "its centre at the start");
    VELOCITY: [f64; 3] = key("velocity", vector("m/s", -FAR, FAR), "[0.0, 0.0, 0.0]",
        "its velocity at the start");
}

keys! {
    WALL_KEYS;
    WALL_LABEL: str = required("label", TEXT, "its name, as in wall.LABEL.offset");
    NORMAL: [f64; 3] = key("normal", vector("", -FAR, FAR), "[0.0, 0.0, 1.0]",
        "direction out of the wall, of any length");
    OFFSET: f64 = key("offset", number("m", -1e6, 1e6), "0.0",
        "distance from the origin along the normal");
}

const BALL: List = list("ball", BALL_KEYS, "a ball").needed();
const WALL: List = list("wall", WALL_KEYS, "a plane that balls bounce off");

const LISTS: &[List] = &[BALL, WALL, PARAMETER, TERM, GOAL, COMBINATION];

/// The kind.
pub(crate) const DOMAIN: Domain = Domain {
    kind: "balls",
    summary: "balls in free flight through rigid impacts: throws, billiards, restitution and masses from recordings",
    grammar: Grammar { keys: KEYS, lists: LISTS, open_tables: general::OPEN_TABLES },
    template: &[("scenario.toml", include_bytes!("../../thrown-ball.toml"))],
    makes: Makes::Simulation(model),
    first: None,
};

/// The simulation of the file's balls.
fn model(s: &Settings) -> Result<Model, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let ball = |b: &Settings| BallPart {
        name: b.get(BALL_LABEL).to_owned(),
        ball: Ball { radius: b.get(RADIUS), mass: b.get(MASS) },
        position: Vec3(b.get(POSITION)),
        velocity: Vec3(b.get(VELOCITY)),
    };
    let balls: Vec<BallPart> = s.list(BALL).iter().map(ball).collect();
    let walls: Vec<WallPart> = s.list(WALL).iter().filter_map(|w| wall(w, &mut problems)).collect();
    let sampling = sampling(s, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let (gravity, restitution) = (s.get(GRAVITY), s.get(RESTITUTION));
    let simulation = BallsSimulation::new(&balls, &walls, gravity, restitution, sampling)
        .map_err(|e| vec![misplaced(s, &e)])?;
    Ok(Model::with_portrait(simulation))
}

fn wall(w: &Settings, problems: &mut Vec<Diagnostic>) -> Option<WallPart> {
    let normal = Vec3(w.get(NORMAL));
    let length = normal.norm();
    if length <= 0.0 {
        let (message, help) = ("the wall has no direction", "write a normal such as [0, 0, 1]");
        problems.push(w.problem(CONTRADICTION, NORMAL, message, help));
        return None;
    }
    let wall = Wall { normal: normal * length.recip(), offset: w.get(OFFSET) };
    Some(WallPart { name: w.get(WALL_LABEL).to_owned(), wall })
}

fn sampling(s: &Settings, problems: &mut Vec<Diagnostic>) -> Sampling {
    let (duration, step) = (s.get(DURATION), s.get(STEP));
    let steps = (duration / step).round();
    if (steps * step - duration).abs() > 1e-9 * duration {
        let message = format!("{duration} s is no whole number of steps of {step} s");
        let help = format!("the nearest is {:.6} s", steps.max(1.0) * step);
        problems.push(s.problem("cotangent::scenario::off_grid", DURATION, message, help));
    }
    let impacts = s.get(IMPACTS);
    if steps < 1.0 && impacts == 0 {
        let message = "nothing is watched of the motion";
        let help =
            "set motion.duration for positions over time, motion.impacts for impacts, or both";
        problems.push(s.problem(CONTRADICTION, DURATION, message, help));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    let steps = steps.clamp(0.0, 1e7) as usize;
    Sampling { step, steps, impacts }
}

/// What cannot be at the start, at the entry of the ball that it is about.
fn misplaced(s: &Settings, e: &FlightError) -> Diagnostic {
    let FlightError::Overlap { pair, depth } = e else {
        return s.problem(CONTRADICTION, BALL, e.to_string(), "see the keys of its balls");
    };
    let (Pair::Wall(i, _) | Pair::Balls(i, _)) = *pair;
    let ball = |k: usize| s.list(BALL)[k].get(BALL_LABEL);
    let other = match *pair {
        Pair::Wall(_, w) => format!("wall `{}`", s.list(WALL)[w].get(WALL_LABEL)),
        Pair::Balls(_, j) => format!("ball `{}`", ball(j)),
    };
    let message = format!("ball `{}` starts {depth:.3e} m inside {other}", ball(i));
    s.list(BALL)[i].problem(CONTRADICTION, POSITION, message, "it is the place of its centre")
}
