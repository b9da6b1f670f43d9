//! `balls`: balls in free flight among walls, through rigid impacts.

use cotangent_ad::Vec3;
use cotangent_physics::impact::{
    self, Ball, BallPart, BallsSimulation, FlightError, Pair, Path, Sampling, Wall, WallPart,
};
use cotangent_problem::Simulation;

use super::super::document::{Grammar, Settings};
use super::super::general::{self, Draw, Model, Study};
use super::super::keys::{Key, Kind, List};
use super::super::{Domain, Scenario};
use super::{key, look, number, numbers, required, same_scale, series};
use crate::diagnostic::Diagnostic;
use crate::look::Look;
use cotangent_harness::figure::{Figure, Mark};

/// The kind.
pub(crate) struct Balls;

const KEYS: &[Key] = &[
    key("world.gravity", numbers("m/s^2"), "[0.0, 0.0, -9.81]", "acceleration of free fall"),
    key(
        "world.restitution",
        number("", 0.0, 1.0),
        "0.8",
        "normal speed after an impact over before",
    ),
    key("motion.duration", number("s", 0.0, 1e6), "0.0", "how long the balls are watched"),
    key("motion.step", number("s", 1e-6, 1e6), "0.01", "time between two observations"),
    key(
        "motion.impacts",
        Kind::Integer { min: 0, max: 10_000 },
        "0",
        "how many impacts are watched, from the first",
    ),
];

const BALL_KEYS: &[Key] = &[
    required("label", Kind::Text, "its name, as in ball.LABEL.position"),
    key("radius", number("m", 1e-9, 1e6), "0.1", "its radius"),
    key("mass", number("kg", 1e-12, 1e12), "1.0", "its mass"),
    required("position", numbers("m"), "its centre at the start"),
    key("velocity", numbers("m/s"), "[0.0, 0.0, 0.0]", "its velocity at the start"),
];

const WALL_KEYS: &[Key] = &[
    required("label", Kind::Text, "its name, as in wall.LABEL.offset"),
    key("normal", numbers(""), "[0.0, 0.0, 1.0]", "direction out of the wall, of any length"),
    key("offset", number("m", -1e6, 1e6), "0.0", "distance from the origin along the normal"),
];

const LISTS: &[List] = &[
    List { name: "ball", keys: BALL_KEYS, required: true, doc: "a ball" },
    List { name: "wall", keys: WALL_KEYS, required: false, doc: "a plane that balls bounce off" },
    general::LISTS[0],
    general::LISTS[1],
    general::LISTS[2],
    general::LISTS[4],
];

const TEMPLATE: &[u8] = include_bytes!("../../thrown-ball.toml");
const CONTRADICTION: &str = "cotangent::scenario::contradiction";

impl Domain for Balls {
    fn kind(&self) -> &'static str {
        "balls"
    }
    fn summary(&self) -> &'static str {
        "balls in free flight through rigid impacts: throws, billiards, restitution and masses from recordings"
    }
    fn grammar(&self) -> Grammar {
        Grammar { keys: KEYS, lists: LISTS, open_tables: general::OPEN_TABLES }
    }
    fn template(&self) -> &'static [(&'static str, &'static [u8])] {
        &[("scenario.toml", TEMPLATE)]
    }
    fn simulation(&self, s: &Settings) -> Option<Result<Box<dyn Simulation>, Vec<Diagnostic>>> {
        Some(model(s).and_then(|m| Ok(m.fixed(s)?.simulation)))
    }
    fn load(&self, s: &Settings) -> Result<Box<dyn Scenario>, Vec<Diagnostic>> {
        Ok(Box::new(Study::new(model(s)?, s)?))
    }
}

/// Three numbers of a key, or what is wrong with them.
fn vector(s: &Settings, path: &str, problems: &mut Vec<Diagnostic>) -> Vec3<f64> {
    let given = s.numbers(path);
    if let Ok(three) = given.try_into() {
        return Vec3(three);
    }
    let message = format!("`{path}` has {} numbers", given.len());
    problems.push(s.problem("cotangent::scenario::length", path, message, "write [x, y, z]"));
    Vec3::zero()
}

/// The simulation of the file's balls.
fn model(s: &Settings) -> Result<Model, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let ball = |b: &Settings, problems: &mut Vec<Diagnostic>| BallPart {
        name: b.text("label").to_owned(),
        ball: Ball { radius: b.number("radius"), mass: b.number("mass") },
        position: vector(b, "position", problems),
        velocity: vector(b, "velocity", problems),
    };
    let balls: Vec<BallPart> = s.list("ball").iter().map(|b| ball(b, &mut problems)).collect();
    let walls: Vec<WallPart> =
        s.list("wall").iter().filter_map(|w| wall(w, &mut problems)).collect();
    let gravity = vector(s, "world.gravity", &mut problems);
    let sampling = sampling(s, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let restitution = s.number("world.restitution");
    let simulation = BallsSimulation::new(&balls, &walls, gravity.0, restitution, sampling)
        .map_err(|e| vec![misplaced(s, &e)])?;
    let draw: Option<Box<dyn Draw>> = Some(Box::new(Paths(simulation.clone())));
    Ok(Model { simulation: Box::new(simulation), notes: Vec::new(), draw })
}

fn wall(w: &Settings, problems: &mut Vec<Diagnostic>) -> Option<WallPart> {
    let normal = vector(w, "normal", problems);
    let length = normal.norm();
    if length <= 0.0 {
        let (message, help) = ("the wall has no direction", "write a normal such as [0, 0, 1]");
        problems.push(w.problem(CONTRADICTION, "normal", message, help));
        return None;
    }
    let wall = Wall { normal: normal * length.recip(), offset: w.number("offset") };
    Some(WallPart { name: w.text("label").to_owned(), wall })
}

fn sampling(s: &Settings, problems: &mut Vec<Diagnostic>) -> Sampling {
    let (duration, step) = (s.number("motion.duration"), s.number("motion.step"));
    let steps = (duration / step).round();
    if (steps * step - duration).abs() > 1e-9 * duration {
        let message = format!("{duration} s is no whole number of steps of {step} s");
        let help = format!("the nearest is {:.6} s", steps.max(1.0) * step);
        problems.push(s.problem("cotangent::scenario::off_grid", "motion.duration", message, help));
    }
    let impacts = s.count("motion.impacts");
    if steps < 1.0 && impacts == 0 {
        let message = "nothing is watched of the motion";
        let help =
            "set motion.duration for positions over time, motion.impacts for impacts, or both";
        problems.push(s.problem(CONTRADICTION, "motion.duration", message, help));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    let steps = steps.clamp(0.0, 1e7) as usize;
    Sampling { step, steps, impacts }
}

/// What cannot be at the start, at the entry of the ball that it is about.
fn misplaced(s: &Settings, e: &FlightError) -> Diagnostic {
    let FlightError::Overlap { pair, depth } = e else {
        return s.problem(CONTRADICTION, "ball", e.to_string(), "see the keys of its balls");
    };
    let (Pair::Wall(i, _) | Pair::Balls(i, _)) = *pair;
    let label = |list: &str, k: usize| s.list(list)[k].text("label").to_owned();
    let other = match *pair {
        Pair::Wall(_, w) => format!("wall `{}`", label("wall", w)),
        Pair::Balls(_, j) => format!("ball `{}`", label("ball", j)),
    };
    let message = format!("ball `{}` starts {depth:.3e} m inside {other}", label("ball", i));
    s.list("ball")[i].problem(CONTRADICTION, "position", message, "it is the place of its centre")
}

/// Draws where the balls fly.
struct Paths(BallsSimulation);

/// Pictures of a motion have this many points.
const POINTS: usize = 240;
/// As many balls are drawn one by one.
const MOST_BALLS: usize = 6;

impl Draw for Paths {
    fn figures(&self, start: &[Vec<f64>], answer: &[Vec<f64>]) -> Vec<Figure> {
        let (before, Some(after)) = (self.path(start), self.path(answer)) else {
            return Vec::new();
        };
        // a game on a table has no side view
        let moves = |up: usize| {
            let height = |s: &impact::Balls| s.x[0][up];
            after.states.iter().any(|s| (height(s) - height(&after.states[0])).abs() > 0.0)
        };
        let views = [("side", 0, 2), ("above", 0, 1)];
        let view = |(view, across, up)| self.view(view, [across, up], before.as_ref(), &after);
        views.into_iter().filter(|(_, _, up)| moves(*up)).map(view).collect()
    }

    fn looks(&self, inputs: &[Vec<f64>]) -> Result<Vec<Look>, String> {
        let path = self.path(inputs).ok_or("the balls cannot be followed at the answer")?;
        let times = (0..=POINTS).map(|k| path.duration * k as f64 / POINTS as f64).collect();
        let radius = |name: &String| {
            let radius = format!("{name}.radius");
            let k = self.0.inputs().iter().position(|q| q.name == radius);
            k.map_or(0.0, |k| inputs[k][0])
        };
        let names = self.names();
        let radii: Vec<f64> = names.iter().map(radius).collect();
        Ok(vec![look::balls(&names, &radii, times, |t, i| path.states[t].x[i])])
    }
}

impl Paths {
    /// The motion with these inputs; `None` where there is none.
    fn path(&self, inputs: &[Vec<f64>]) -> Option<Path> {
        look::fixed(&self.0, inputs)?.path(POINTS).ok()
    }

    fn names(&self) -> Vec<String> {
        let own = |name: &str| name.strip_suffix(".radius").map(str::to_owned);
        self.0.inputs().iter().filter_map(|q| own(&q.name)).collect()
    }

    fn view(
        &self,
        view: &str,
        [across, up]: [usize; 2],
        before: Option<&Path>,
        after: &Path,
    ) -> Figure {
        let names = self.names();
        let track = |path: &Path, i: usize| -> Vec<(f64, f64)> {
            path.states.iter().map(|s| (s.x[i][across], s.x[i][up])).collect()
        };
        let mut drawn = Vec::new();
        for (i, name) in names.iter().enumerate().take(MOST_BALLS) {
            let mark = [Mark::Line, Mark::Dashes, Mark::Dots][i % 3];
            drawn.push(series(&format!("{name}, answer"), mark, track(after, i)));
            if let Some(before) = before {
                let label = if i == 0 { "at the start of the search" } else { "" };
                drawn.push(series(label, Mark::Thin, track(before, i)));
            }
        }
        let centre = |(pair, state): &(Pair, impact::Balls)| {
            let (Pair::Wall(i, _) | Pair::Balls(i, _)) = *pair;
            (state.x[i][across], state.x[i][up])
        };
        drawn.push(series("impacts", Mark::Crosses, after.impacts.iter().map(centre)));
        let ends = after.states.last().into_iter().flat_map(|s| &s.x);
        drawn.push(series("end", Mark::Circles, ends.map(|x| (x[across], x[up]))));
        drawn.extend(same_scale(&drawn));
        let title = if view == "side" { "from the side" } else { "from above" };
        let axis = |k: usize| format!("{} (m)", ["x", "y", "z"][k]);
        let labels = [axis(across), axis(up)];
        let title = format!("Centres of the balls {title}");
        Figure::lines(&format!("motion-{view}"), &title, [&labels[0], &labels[1]], drawn)
    }
}
