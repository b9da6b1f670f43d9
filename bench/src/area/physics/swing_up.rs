//! Swing-ups of a cart-pole and of an acrobot, stage by stage, beside Crocoddyl's box-constrained solver.

use std::process::Command;

use cotangent_optim::{Problem, Stop, minimize};
use cotangent_problem::{SampleKey, Want, Workspace};

use super::path;
use crate::clock;
use crate::peer::{self, PeerError, Peers};
use crate::report::{Item, Proof, Row};

const REPEATS: usize = 3;
/// Every first control, of both.
const FORCE: &str = "0.5";

/// A model to swing up, as its scenario has it.
struct SwingUp {
    what: &'static str,
    scenario: &'static str,
    model: &'static str,
    /// The joint with the motor.
    driven: &'static str,
    steps: usize,
    /// Weights of positions, velocities and effort, and the last positions.
    asked: [&'static str; 4],
}

const CART_POLE: SwingUp = SwingUp {
    what: "a cart-pole",
    scenario: "bench/models/swing-up.toml",
    model: "bench/models/cart-pole.xml",
    driven: "rail",
    steps: 250,
    asked: ["1000", "100", "0.001", "0,3.141592653589793"],
};
const ACROBOT: SwingUp = SwingUp {
    what: "an acrobot",
    scenario: "bench/models/acrobot.toml",
    model: "scenarios/acrobot.xml",
    driven: "elbow",
    steps: 400,
    asked: ["1000", "100", "0.01", "3.141592653589793,0"],
};

/// A cart-pole's.
pub(super) fn cart_pole(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    beside_crocoddyl(peers, &CART_POLE)
}

/// That of two rods with a motor between them.
pub(super) fn acrobot(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    beside_crocoddyl(peers, &ACROBOT)
}

/// CPU time to the cost at which the peer ends, from the same first controls; whether both give these the same cost, and where each ends.
fn beside_crocoddyl(peers: &Peers, of: &SwingUp) -> Result<Vec<Item>, PeerError> {
    let fail = |stderr: String| PeerError::Failed { what: of.scenario.into(), stderr };
    let loaded = cotangent_scenarios::load(&path(of.scenario), &[]);
    let loaded = loaded.map_err(|e| fail(e[0].message.clone()))?;
    let (space, start) = (loaded.scenario.space(), loaded.scenario.start(loaded.seed));
    let prepared = loaded.scenario.prepare().map_err(fail)?;
    let problem = Problem { objective: prepared.objective(), space: &space };
    let run = |stop: Stop| {
        let (method, key) = (loaded.method.clone(), SampleKey(loaded.seed));
        minimize(&problem, method, stop, &start, key, &mut ())
    };
    let (what, steps) = (of.what, of.steps);
    let swing_up = format!("swing-up of {what}, {steps} controls within their limits");
    let work = format!("{swing_up}: to the cost where Crocoddyl's BoxFDDP ends");
    let name = "Crocoddyl's BoxFDDP, to where it ends";
    let python = match peers.python("crocoddyl") {
        Ok(python) => python,
        Err(why) => {
            let ours = clock::best(REPEATS, || run(loaded.stop));
            let work = format!("{swing_up}: to the end");
            return Ok(vec![Row::skipped(&work, ours, name, &why)]);
        }
    };
    let mut command = Command::new(python);
    command.arg(peer::script("physics_crocoddyl.py")).arg(path(of.model));
    command.args([of.driven, &steps.to_string(), &REPEATS.to_string()]).args(of.asked);
    let found = peer::run(command.args(vec![FORCE; steps]))?;
    let theirs = &found["swing-up"];
    let (cost, iterations, first) = (theirs.values[0], theirs.values[1], theirs.values[2]);
    let own_first = prepared
        .objective()
        .evaluate(&start, Want::VALUE, SampleKey(loaded.seed), &mut Workspace::new())
        .map_err(|e| fail(e.to_string()))?
        .value;
    let same = Proof {
        what: format!("{swing_up}: the cost of the first controls"),
        must: "both sides the same to 1e-6 of it".into(),
        measured: format!("{own_first:.6}; theirs {first:.6}"),
        holds: (own_first - first).abs() <= 1e-6 * first.abs(),
    };
    if !same.holds {
        let why = "it computes another motion; see the versions in physics_crocoddyl.py";
        return Ok(vec![
            Row::skipped(&work, clock::best(1, || run(loaded.stop)), name, why),
            Item::Proof(same),
        ]);
    }
    let ours = clock::best(REPEATS, || run(Stop { target_value: Some(cost), ..loaded.stop }));
    let end = run(loaded.stop).map_err(|e| fail(e.to_string()))?;
    let further = Proof {
        what: format!("{swing_up}: where the search ends"),
        must: "at most the cost where Crocoddyl's BoxFDDP ends".into(),
        measured: format!(
            "{:.6} after {} iterations; theirs {cost:.6} after {iterations}",
            end.value, end.iterations
        ),
        holds: end.value <= cost * (1.0 + 1e-6) && end.status.is_success(),
    };
    let peer = (name, theirs.cpu_s);
    let row = Row::cpu_us(&work, ours, peer, Some(1.0));
    Ok(vec![row, Item::Proof(same), Item::Proof(further)])
}
