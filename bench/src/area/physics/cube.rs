//! A cube tossed on a plane: where it is after a second, and how that moves with its speed at the start, through soft contact.
//!
//! The set-up is that of `DiffMJX` (arXiv 2506.14186, experiment "time-toss") with hard corners. The reference is of C MuJoCo's steps of Runge-Kutta's
//! method, whose central differences agree between steps of 1e-5, 5e-6 and 2.5e-6 s.

use cotangent_ad::Schedule;
use cotangent_physics::derivative::{Cost, Cotangent, Rollout};
use cotangent_physics::io::mjcf::read_mjcf;
use cotangent_physics::{Integrator, Scratch, State, StepOptions};

use crate::clock;
use crate::peer::{PeerError, Peers};
use crate::report::{Item, Proof};

const MODEL: &str = r#"<mujoco>
  <option gravity="0 0 -2" timestep="1e-2" cone="pyramidal"><flag refsafe="disable" eulerdamp="disable"/></option>
  <default><geom solimp="0 .95 .001 .5 2" solref=".005 1"/></default>
  <worldbody>
    <geom type="plane" contype="0" conaffinity="1" size="20 20 .1"/>
    <body pos="0 0 .1"><freejoint/><geom type="box" size=".05 .05 .05" density="100" euler="60 0 0"/></body>
  </worldbody>
</mujoco>"#;
const STEPS: usize = 100;
const TOLERANCE: f64 = 1e-8;
/// Place along `y`, m, and its derivative by the first speed along `z`, s.
const REFERENCE: [f64; 2] = [-0.26090, 0.5758];

/// Place along `y` at the end.
struct Place;

impl Cost for Place {
    fn value(&self, k: usize, state: &State, _: &mut Scratch) -> f64 {
        if k == STEPS { state.q[1] } else { 0.0 }
    }
    fn pull(&self, k: usize, _: &State, bar: &mut Cotangent, _: &mut Scratch) {
        if k == STEPS {
            bar.q[1] += 1.0;
        }
    }
}

/// Value and derivative, and the CPU time of both.
pub(super) fn tossed(_: &Peers) -> Result<Vec<Item>, PeerError> {
    let read = read_mjcf(MODEL)
        .map_err(|e| PeerError::Failed { what: "the cube".into(), stderr: e.to_string() })?;
    let model = &read.model;
    let rollout = Rollout {
        model,
        parameters: model.parameters(),
        options: StepOptions {
            integrator: Integrator::Adaptive { tolerance: TOLERANCE },
            ..read.options
        },
        steps: STEPS,
        schedule: Schedule::StoreAll,
    };
    let mut start = State::at_reference(model);
    start.q[2] = 0.2;
    (start.v[1], start.v[2]) = (-0.1, -2.0);
    let mut scratch = Scratch::new(model);
    let mut found = None;
    let seconds = clock::once(|| {
        found = Some(rollout.gradient(&start, &[], &Place, false, &mut scratch));
    });
    let (place, slope) = found.map_or((f64::NAN, f64::NAN), |f| (f.value, f.initial.v[2]));
    let off = (slope / REFERENCE[1] - 1.0).abs();
    let proof = |what: &str, must: &str, measured: String, holds: bool| {
        let what = format!("a cube tossed on a plane, to a tolerance of {TOLERANCE:e}: {what}");
        Item::Proof(Proof { what, must: must.into(), measured, holds })
    };
    let near = (place - REFERENCE[0]).abs() <= 2e-5;
    Ok(vec![
        proof("its place after 1 s", "-0.26090 within 2e-5", format!("{place:.6}"), near),
        proof(
            "the derivative by its first speed",
            "0.5758 within 0.3 %",
            format!("{slope:.5}, {:.2} % off", 100.0 * off),
            off <= 3e-3,
        ),
        proof("both, CPU time", "1 s", format!("{seconds:.2} s"), seconds < 1.0),
    ])
}
