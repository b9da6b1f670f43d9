//! The swing-up of a cart-pole, stage by stage, beside Crocoddyl's box-constrained solver.

use std::process::Command;

use cotangent_optim::{Problem, Stop, minimize};
use cotangent_problem::{SampleKey, Want, Workspace};

use super::path;
use crate::clock;
use crate::peer::{self, PeerError, Peers};
use crate::report::{Item, Proof, Row};

const REPEATS: usize = 3;
/// As the scenario has them: weights of positions, velocities and effort, and the last positions.
const ASKED: [&str; 4] = ["1000", "100", "0.001", "0,3.141592653589793"];
const STEPS: usize = 250;
const FORCE: &str = "0.5";

/// CPU time to the cost at which the peer ends, from the same first controls; whether both give these the same cost, and where each ends.
pub(super) fn beside_crocoddyl(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let fail = |stderr: String| PeerError::Failed { what: "swing-up.toml".into(), stderr };
    let loaded = cotangent_scenarios::load(&path("bench/models/swing-up.toml"), &[]);
    let loaded = loaded.map_err(|e| fail(e[0].message.clone()))?;
    let (space, start) = (loaded.scenario.space(), loaded.scenario.start(loaded.seed));
    let prepared = loaded.scenario.prepare().map_err(fail)?;
    let problem = Problem { objective: prepared.objective(), space: &space };
    let run = |stop: Stop| {
        let (method, key) = (loaded.method.clone(), SampleKey(loaded.seed));
        minimize(&problem, method, stop, &start, key, &mut ())
    };
    let swing_up = format!("swing-up of a cart-pole, {STEPS} controls within their limits");
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
    command.arg(peer::script("physics_crocoddyl.py")).arg(path("bench/models/cart-pole.xml"));
    command.args(["rail", &STEPS.to_string(), &REPEATS.to_string()]).args(ASKED);
    let found = peer::run(command.args([FORCE; STEPS]))?;
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
