//! Widely used models on the floor: a step, an adjoint step and the whole Jacobian beside MuJoCo.

use std::path::Path;
use std::process::Command;

use cotangent_physics::derivative::{Cotangent, StepAdjoint, StepJacobian};
use cotangent_physics::io::mjcf::read_mjcf_file;
use cotangent_physics::io::{Effect, ModelFile};
use cotangent_physics::{Integrator, Scratch, State, StepOptions, step};

use crate::clock;
use crate::peer::{self, Measured, PeerError, Peers};
use crate::report::{Item, Row, Skipped};

/// Steps before the state that is measured.
const BEFORE: usize = 400;
const REPEATS: usize = 20;
const ROUNDS: usize = 3;
/// Steps that are timed together, as the peer's.
const BATCH: usize = 20;

/// A model at the peer's state.
struct Standing {
    read: ModelFile,
    options: StepOptions,
    state: State,
    u: Vec<f64>,
}

impl Standing {
    fn new(file: &str, numbers: &[f64]) -> Result<Self, String> {
        let read = read_mjcf_file(Path::new(file)).map_err(|e| e.0[0].problem.to_string())?;
        if let Some(u) = read.unsimulated.iter().find(|u| u.what == Effect::Contact) {
            let which = u.which.clone().unwrap_or_default();
            return Err(format!("its contact of {which} is not simulated"));
        }
        let integrator = match read.options.integrator {
            Integrator::RungeKutta4 => Integrator::Euler,
            other => other,
        };
        let options = StepOptions { integrator, ..read.options };
        let (sizes, rest) = numbers.split_at(4);
        let model = &read.model;
        let own = [model.nq(), model.nv(), model.na(), model.nu()];
        if !own.iter().zip(sizes).all(|(n, size)| (*n as f64 - size).abs() < 0.5) {
            return Err(format!("sizes {own:?}, the peer's are {sizes:?}"));
        }
        let (q, rest) = rest.split_at(own[0]);
        let (v, act) = rest.split_at(own[1]);
        let state = State { q: q.to_vec(), v: v.to_vec(), act: act.to_vec() };
        let u = vec![0.1; own[3]];
        Ok(Self { read, options, state, u })
    }

    /// Least CPU seconds of a step, of a pullback through one, and of the whole Jacobian.
    fn measure(&self) -> [f64; 3] {
        let (model, p, options) = (&self.read.model, self.read.model.parameters(), &self.options);
        let mut s = Scratch::new(model);
        let (mut adjoint, mut whole) = (StepAdjoint::new(model), StepJacobian::default());
        let steps = clock::best(REPEATS, || {
            let mut now = self.state.clone();
            for _ in 0..BATCH {
                step(model, p, options, &mut now, &self.u, &mut s);
            }
        });
        let point = (&self.state, self.u.as_slice());
        let mut u_bar = vec![0.0; model.nu()];
        let pulls = clock::best(REPEATS, || {
            for _ in 0..BATCH {
                let mut bar = Cotangent::zero(model);
                bar.v.fill(1.0);
                adjoint.pull(model, p, options, point, &mut bar, &mut u_bar, None, &mut s);
            }
        });
        let jacobians = clock::best(REPEATS, || {
            adjoint.jacobian(model, p, options, point, &mut whole, &mut s);
        });
        [steps / BATCH as f64, pulls / BATCH as f64, jacobians]
    }
}

/// Models of `dm_control`, where the package is at hand.
pub(super) fn beside_mujoco(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let python = match peers.python("dm_control") {
        Ok(python) => python,
        Err(why) => {
            return Ok(vec![skipped("models of dm_control on the floor", why)]);
        }
    };
    let counts = [BEFORE.to_string(), REPEATS.to_string()];
    let ask =
        || peer::run(Command::new(python).arg(peer::script("physics_contact.py")).args(&counts));
    let first = ask()?;
    let is_step = |(file, _): &(&String, &Measured)| !file.ends_with(":jacobian");
    let mut models = Vec::new();
    let mut items = Vec::new();
    for (file, measured) in first.iter().filter(is_step) {
        match Standing::new(file, &measured.values) {
            Ok(standing) => {
                models.push((file, standing, [f64::INFINITY; 3], [f64::INFINITY; 2]));
            }
            Err(why) => items.push(skipped(&name_of(file), why)),
        }
    }
    for round in 0..ROUNDS {
        let again = if round > 0 { Some(ask()?) } else { None };
        let theirs = again.as_ref().unwrap_or(&first);
        for (file, standing, best, peer) in &mut models {
            let found = standing.measure();
            best.iter_mut().zip(found).for_each(|(best, found)| *best = best.min(found));
            let found = [theirs[*file].cpu_s, theirs[&format!("{file}:jacobian")].cpu_s];
            peer.iter_mut().zip(found).for_each(|(best, found)| *best = best.min(found));
        }
    }
    let rows = |(file, standing, ours, theirs): &(&String, Standing, [f64; 3], [f64; 2])| {
        let nv = standing.read.model.nv();
        let name = format!("{}, {nv} coordinates on the floor", name_of(file));
        [
            ("a step", "a step of C MuJoCo", ours[0], theirs[0], 1.2),
            ("value and pullback of a step", "a step of C MuJoCo", ours[1], theirs[0], 4.0),
            ("A and B of a step", "mjd_transitionFD, one-sided", ours[2], theirs[1], 0.2),
        ]
        .map(|(work, peer, ours, theirs, must)| {
            Row::cpu_us(&format!("{name}: {work}"), ours, (peer, theirs), Some(must))
        })
    };
    items.extend(models.iter().flat_map(rows));
    Ok(items)
}

fn name_of(file: &str) -> String {
    Path::new(file).file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
}

fn skipped(model: &str, why: String) -> Item {
    let what = format!("{model}: a step in contact and its derivatives");
    Item::Skipped(Skipped { what, must: "1.2, 4 and 0.2 of MuJoCo's".into(), why })
}
