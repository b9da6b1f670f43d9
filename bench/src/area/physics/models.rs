//! Widely used models: which of them are read, and whether they step as MuJoCo does.

use std::path::Path;
use std::process::Command;

use cotangent_physics::io::mjcf::read_mjcf_file;
use cotangent_physics::io::{Effect, ModelFile};
use cotangent_physics::{Integrator, Model, Scratch, State, StepOptions, difference, step};

use crate::peer::{self, PeerError, Peers};
use crate::report::{Item, Proof};

/// Steps of models in contact agree to this share of the largest velocity, or of 1.
const TOLERANCE: f64 = 1e-8;
/// 45 of 52.
const SHARE: f64 = 45.0 / 52.0;

/// What became of the models.
#[derive(Default)]
struct Tally {
    refused: Vec<String>,
    agree: usize,
    /// Beside them: models whose contact is not simulated, or goes through a convex collision.
    free: usize,
    differ: Vec<String>,
}

/// The models of the packages of the peer's interpreter.
pub(super) fn beside_mujoco(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let Ok(python) = peers.python("mujoco") else { return Ok(vec![]) };
    let found = peer::run(Command::new(python).arg(peer::script("physics_models.py")))?;
    let mut tally = Tally::default();
    for (file, numbers) in &found {
        tally.add(file, &numbers.values);
    }
    let (all, read) = (found.len(), found.len() - tally.refused.len());
    let list = |names: &[String]| {
        if names.is_empty() { String::new() } else { format!(" ({})", names.join("; ")) }
    };
    let loads = Proof {
        what: format!("{all} models of dm_control, gymnasium and metaworld: are read"),
        must: "45 of 52".into(),
        measured: format!("{read} of {all}{}", list(&tally.refused)),
        holds: read as f64 >= SHARE * all as f64 && all > 0,
    };
    let steps = Proof {
        what: "those that are read: a step from the reference with small velocities and controls against MuJoCo's".into(),
        must: format!("{TOLERANCE:e}"),
        measured: format!(
            "{} of {read} with contact, {} without that of meshes and hulls{}",
            tally.agree,
            tally.free,
            list(&tally.differ)
        ),
        holds: tally.differ.is_empty(),
    };
    Ok(vec![Item::Proof(loads), Item::Proof(steps)])
}

impl Tally {
    fn add(&mut self, file: &str, numbers: &[f64]) {
        let name = Path::new(file).file_stem().map(|s| s.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        let read = match read_mjcf_file(Path::new(file)) {
            Ok(read) => read,
            Err(errors) => {
                self.refused.push(format!("{name}: {}", errors.0[0]));
                return;
            }
        };
        let (whole, free) = steps(&read, numbers);
        let has_contact = read.unsimulated.iter().all(|u| u.what != Effect::Contact);
        if has_contact && whole <= TOLERANCE {
            self.agree += 1;
        } else if free <= TOLERANCE {
            self.free += 1;
            if has_contact {
                self.differ.push(format!("{name}: {whole:.0e} in contact"));
            }
        } else {
            self.differ.push(format!("{name}: {free:.0e}"));
        }
    }
}

/// What a peer says of a model: sizes, then states and controls.
pub(super) struct Numbers<'a> {
    sizes: [usize; 3],
    rest: &'a [f64],
}

impl<'a> Numbers<'a> {
    /// After the sizes; `None` where they are not the model's.
    pub(super) fn of(model: &Model, numbers: &'a [f64]) -> Option<Self> {
        let sizes = [model.nq(), model.nv(), model.na(), model.nu()];
        let (theirs, rest) = numbers.split_at(4);
        let same = sizes.iter().zip(theirs).all(|(n, size)| (*n as f64 - size).abs() < 0.5);
        same.then_some(Self { sizes: [sizes[0], sizes[1], sizes[2]], rest })
    }

    pub(super) fn take(&mut self, count: usize) -> Vec<f64> {
        let (head, rest) = self.rest.split_at(count);
        self.rest = rest;
        head.to_vec()
    }

    pub(super) fn state(&mut self) -> State {
        let [q, v, act] = self.sizes.map(|n| self.take(n));
        State { q, v, act }
    }
}

/// How far our steps, with and without contact, end from MuJoCo's.
fn steps(read: &ModelFile, numbers: &[f64]) -> (f64, f64) {
    let model = &read.model;
    let Some(mut numbers) = Numbers::of(model, numbers) else {
        return (f64::INFINITY, f64::INFINITY);
    };
    let start = numbers.state();
    let u = numbers.take(model.nu());
    let ends = [numbers.state(), numbers.state()];
    let integrator = match read.options.integrator {
        Integrator::RungeKutta4 => Integrator::Euler,
        other => other,
    };
    let options = StepOptions { integrator, ..read.options };
    let without = read.clone().without(Effect::Contact);
    let [whole, free] =
        [(&read.model, &ends[0]), (&without.model, &ends[1])].map(|(model, end)| {
            let (mut now, mut s) = (start.clone(), Scratch::new(model));
            step(model, model.parameters(), &options, &mut now, &u, &mut s);
            apart(model, &now, end)
        });
    (whole, free)
}

/// The largest difference of two states as a share of the largest velocity of the second, or of 1.
pub(super) fn apart(model: &Model, now: &State, end: &State) -> f64 {
    let mut apart = vec![0.0; model.nv()];
    difference(model, &end.q, &now.q, &mut apart);
    let pairs = now.v.iter().chain(&now.act).zip(end.v.iter().chain(&end.act));
    apart.extend(pairs.map(|(a, b)| a - b));
    let largest = end.v.iter().fold(1.0_f64, |m, v| m.max(v.abs()));
    // NaN is far
    apart.iter().fold(0.0_f64, |m, x| if x.abs() <= m { m } else { x.abs() }) / largest
}
