//! Derivatives of accelerations without constraints beside Pinocchio's.

use std::process::Command;

use cotangent_ad::random::Stream;
use cotangent_physics::derivative::{StepAdjoint, StepJacobian};
use cotangent_physics::io::mjcf::read_mjcf_file;
use cotangent_physics::{Integrator, Scratch, State, StepOptions};

use super::{REPEATS, ROUNDS, path};
use crate::clock;
use crate::peer::{self, PeerError, Peers};
use crate::report::{Item, Proof, Row};

const FILE: &str = "bench/models/thirty-eight.xml";
/// Evaluations that are timed together.
const BATCH: usize = 100;
const H: f64 = 1e-3;

/// The Jacobian of an Euler step, `da/dq` and `da/dv` with what the step makes of them, beside Pinocchio's derivatives of ABA, which are these alone.
pub(super) fn beside_pinocchio(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let failed = |stderr: String| PeerError::Failed { what: FILE.into(), stderr };
    let read = read_mjcf_file(&path(FILE)).map_err(|e| failed(e.0[0].problem.to_string()))?;
    let (model, n) = (&read.model, read.model.nv());
    let options = StepOptions { dt: H, integrator: Integrator::EulerExplicitDamping };
    let random = Stream::new(&[9]);
    let number = |k: usize| 2.0 * random.uniform(k as u64) - 1.0;
    let state =
        State { q: (0..n).map(number).collect(), v: (n..2 * n).map(number).collect(), act: vec![] };
    let (mut s, mut adjoint) = (Scratch::new(model), StepAdjoint::new(model));
    let mut whole = StepJacobian::default();
    let (mut ours, mut theirs) = (f64::INFINITY, None);
    let python = peers.python("pinocchio");
    for _ in 0..ROUNDS {
        let seconds = clock::best(REPEATS, || {
            for _ in 0..BATCH {
                let point = (&state, &[][..]);
                adjoint.jacobian(model, model.parameters(), &options, point, &mut whole, &mut s);
            }
        });
        ours = ours.min(seconds / BATCH as f64);
        if let Ok(python) = python {
            let mut command = Command::new(python);
            command.arg(peer::script("physics_pinocchio.py")).arg(path(FILE));
            command.args([REPEATS.to_string(), BATCH.to_string()]);
            command.args(state.q.iter().chain(&state.v).map(ToString::to_string));
            let measured = peer::run(&mut command)?.remove("derivatives");
            let measured = measured.ok_or_else(|| failed("no derivatives".into()))?;
            let best = theirs.as_ref().map_or(f64::INFINITY, |(best, _): &(f64, Vec<f64>)| *best);
            theirs = Some((best.min(measured.cpu_s), measured.values));
        }
    }
    let work = format!("{n} coordinates without constraints: derivatives of the acceleration");
    let Some((seconds, values)) = theirs else {
        let why = python.err().unwrap_or_default();
        return Ok(vec![Row::skipped(&work, ours, "Pinocchio's derivatives of ABA", &why)]);
    };
    let (by_q, by_v) = values.split_at(n * n);
    let largest = |x: &[f64]| x.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    let mut errors = [0.0_f64; 2];
    for row in 0..n {
        for column in 0..n {
            let own = &whole.a[(n + row) * 2 * n..][..2 * n];
            let identity = f64::from(u8::from(row == column));
            let k = row * n + column;
            errors[0] = errors[0].max((own[column] / H - by_q[k]).abs());
            errors[1] = errors[1].max(((own[n + column] - identity) / H - by_v[k]).abs());
        }
    }
    let error = (errors[0] / largest(by_q)).max(errors[1] / largest(by_v));
    Ok(vec![
        Row::cpu_us(&work, ours, ("Pinocchio's derivatives of ABA", seconds), Some(1.5)),
        Item::Proof(Proof {
            what: format!("{work}, against Pinocchio's"),
            must: "1e-10 of the largest".into(),
            measured: format!("{error:.1e}"),
            holds: error <= 1e-10,
        }),
    ])
}
