//! The swing-up of a cart-pole, stage by stage, beside Crocoddyl's box-constrained solver.

use std::process::Command;

use cotangent_optim::{Problem, minimize};
use cotangent_problem::SampleKey;

use super::path;
use crate::clock;
use crate::peer::{self, PeerError, Peers};
use crate::report::{Item, Proof, Row};

const REPEATS: usize = 3;
/// As the scenario has them: weights of positions, velocities and effort, and the last positions.
const ASKED: [&str; 4] = ["1000", "100", "0.001", "0,3.141592653589793"];
const STEPS: usize = 250;
const FORCE: &str = "0.5";

/// CPU time to the end of the search, and the cost there.
pub(super) fn beside_crocoddyl(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let fail = |stderr: String| PeerError::Failed { what: "swing-up.toml".into(), stderr };
    let loaded = cotangent_scenarios::load(&path("bench/models/swing-up.toml"), &[]);
    let loaded = loaded.map_err(|e| fail(e[0].message.clone()))?;
    let (space, start) = (loaded.scenario.space(), loaded.scenario.start(loaded.seed));
    let prepared = loaded.scenario.prepare().map_err(fail)?;
    let problem = Problem { objective: prepared.objective(), space: &space };
    let run = || {
        let (method, key) = (loaded.method.clone(), SampleKey(loaded.seed));
        minimize(&problem, method, loaded.stop, &start, key, &mut ())
    };
    let end = run().map_err(|e| fail(e.to_string()))?;
    let ours = clock::best(REPEATS, run);
    let work = format!("swing-up of a cart-pole, {STEPS} controls within their limits: to the end");
    let python = match peers.python("crocoddyl") {
        Ok(python) => python,
        Err(why) => return Ok(vec![Row::skipped(&work, ours, "Crocoddyl's BoxFDDP", &why)]),
    };
    let mut command = Command::new(python);
    command.arg(peer::script("physics_crocoddyl.py")).arg(path("bench/models/cart-pole.xml"));
    command.args(["rail", &STEPS.to_string(), &REPEATS.to_string()]).args(ASKED);
    let found = peer::run(command.args([FORCE; STEPS]))?;
    let theirs = &found["swing-up"];
    let (cost, iterations) = (theirs.values[0], theirs.values[1]);
    let measured = format!(
        "{:.6} after {} iterations; theirs {cost:.6} after {iterations}",
        end.value, end.iterations
    );
    let same = Proof {
        what: format!("{work}, its cost"),
        must: "at most the cost where Crocoddyl's BoxFDDP ends".into(),
        measured,
        holds: end.value <= cost * (1.0 + 1e-6) && end.status.is_success(),
    };
    let peer = ("Crocoddyl's BoxFDDP, to where it ends", theirs.cpu_s);
    Ok(vec![Row::cpu_us(&work, ours, peer, Some(1.0)), Item::Proof(same)])
}
