//! What a model file holds: its tree, what drives it, what a derivative can be taken to, and what was not understood.

use std::collections::BTreeMap;

use cotangent_problem::Simulation;
use cotangent_problem::name::element;

use crate::integrate::{Integrator, StepOptions};
use crate::model::{Joint, JointKind, Model, Transmission};
use crate::simulation::{MotionPart, MotionSimulation};
use crate::state::State;

/// What a model file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    /// The format: `MJCF` or `URDF`.
    pub format: &'static str,
    /// Numbers of a configuration, a velocity, the activations and the controls.
    pub sizes: [(&'static str, usize); 4],
    /// Mass of all that moves, kg.
    pub mass: f64,
    /// Length of a step, s, where the file says it.
    pub step: Option<f64>,
    /// Bodies in the order of the file.
    pub bodies: Vec<InspectedBody>,
    /// Actuators and tendons: name, and what they act on or run over.
    pub drives: Vec<(String, String)>,
    /// How many elements have an input of a motion that a derivative can be taken to: pattern of its name, unit, count.
    pub inputs: Vec<(String, String, usize)>,
    /// What the file enables and a motion does not have.
    pub not_simulated: Vec<String>,
    /// What else has no effect.
    pub notes: Vec<String>,
}

/// A body of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct InspectedBody {
    /// Its name, as inputs and outputs have it.
    pub name: String,
    /// How many moving bodies are between it and the world.
    pub depth: usize,
    /// The body that its joints hang on; `None` is the world.
    pub on: Option<String>,
    /// Whether it is fixed to that body.
    pub is_fixed: bool,
    /// Mass of everything fixed to it, kg; `None` where that counts for another body.
    pub mass: Option<f64>,
    /// Its joints: name, kind, and range where there is one.
    pub joints: Vec<(String, &'static str, Option<[f64; 2]>)>,
    /// Its shapes.
    pub shapes: Vec<&'static str>,
}

impl Inspection {
    /// What a model holds that was read from a file of this format, with the length of its step where the file says it.
    pub fn of(format: &'static str, model: &Model, step: Option<f64>) -> Self {
        let sizes =
            [("nq", model.nq()), ("nv", model.nv()), ("na", model.na()), ("nu", model.nu())];
        let mut drives: Vec<(String, String)> = Vec::new();
        for (k, actuator) in model.actuators().iter().enumerate() {
            let on = acts_on(model, &actuator.transmission);
            drives.push((element("actuator", &actuator.name, k), on));
        }
        for (k, tendon) in model.tendons().iter().enumerate() {
            let over = match tendon.pieces.len() {
                0 => format!("over {} joints", tendon.parts.len()),
                n => format!("along {n} straight pieces"),
            };
            drives.push((element("tendon", &tendon.name, k), over));
        }
        Self {
            format,
            sizes,
            mass: model.mass(),
            step,
            bodies: (0..model.bodies().len()).map(|k| body(model, k)).collect(),
            drives,
            inputs: inputs(model),
            not_simulated: Vec::new(),
            notes: Vec::new(),
        }
    }
}

fn acts_on(model: &Model, transmission: &Transmission) -> String {
    let joint_of = |dof: usize| {
        let holds = |j: &Joint| (j.v.0..j.v.0 + j.v.1).contains(&dof);
        let k = model.joints().iter().position(holds).unwrap_or(0);
        element("joint", &model.joints()[k].name, k)
    };
    let site = |k: usize| element("site", &model.sites()[k].name, k);
    match transmission {
        Transmission::Coordinate { dof, .. } | Transmission::Free { dof, .. } => joint_of(*dof),
        Transmission::Ball { link, .. } => joint_of(model.links()[*link].v_at),
        Transmission::Tendon(tendon) => element("tendon", &model.tendons()[*tendon].name, *tendon),
        Transmission::Site(thrust) => {
            let thrust = &model.thrusts()[*thrust];
            match thrust.against {
                Some(other) => format!("{} against {}", site(thrust.site), site(other)),
                None => site(thrust.site),
            }
        }
        Transmission::SliderCrank(crank) => {
            let crank = &model.cranks()[*crank];
            format!("crank at {}, slider at {}", site(crank.crank), site(crank.slider))
        }
    }
}

fn body(model: &Model, k: usize) -> InspectedBody {
    let bodies = model.bodies();
    let name_of = |k: usize| element("body", &bodies[k].name, k);
    let first_on = |link: usize| bodies.iter().position(|b| b.link == Some(link));
    let link = bodies[k].link;
    let is_fixed = link.is_none_or(|link| first_on(link) != Some(k));
    // the links of its joints, up to that of another body
    let mut own = Vec::new();
    let mut above = link;
    while let Some(at) =
        above.filter(|at| !is_fixed && (Some(*at) == link || first_on(*at).is_none()))
    {
        own.push(at);
        above = model.links()[at].parent;
    }
    let carrier = if is_fixed { link } else { above };
    let mut depth = 0;
    let mut up = above;
    while let Some(at) = up {
        depth += usize::from(first_on(at).is_some());
        up = model.links()[at].parent;
    }
    let joints = model.joints().iter().enumerate().filter(|(_, j)| own.contains(&j.link));
    let joint = |(k, j): (usize, &Joint)| {
        let kind = match (model.links()[j.link].joint, j.v.1) {
            (_, 6) => "free",
            (JointKind::Hinge(_), _) => "hinge",
            (JointKind::Slide(_), _) => "slide",
            (JointKind::Ball, _) => "ball",
            (JointKind::Translation, _) => "translation",
        };
        (element("joint", &j.name, k), kind, j.range)
    };
    let own_geoms = model.geoms().iter().filter(|g| g.body == Some(k));
    InspectedBody {
        name: name_of(k),
        depth,
        on: carrier.and_then(first_on).map(name_of),
        is_fixed,
        mass: link.filter(|_| !is_fixed).map(|link| model.parameters().inertia[link].mass),
        joints: joints.map(joint).collect(),
        shapes: own_geoms.map(|g| g.shape.name()).collect(),
    }
}

/// The inputs of a motion that have a derivative, by kind.
fn inputs(model: &Model) -> Vec<(String, String, usize)> {
    let options = StepOptions { dt: 1.0, integrator: Integrator::Euler };
    let part = MotionPart { label: String::new(), start: State::at_reference(model), steps: 1 };
    let simulation = MotionSimulation::new(model.clone(), options, vec![part]);
    let mut order = Vec::new();
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for quantity in simulation.inputs().iter().filter(|q| q.not_differentiable.is_none()) {
        let key = (pattern(&quantity.name), quantity.unit.clone());
        let count = counts.entry(key.clone()).or_default();
        if *count == 0 {
            order.push(key);
        }
        *count += 1;
    }
    order.into_iter().map(|key| (key.0.clone(), key.1.clone(), counts[&key])).collect()
}

/// A name with `*` in the place of the element's own.
fn pattern(name: &str) -> String {
    let (before, rest) = name.strip_prefix("start.").map_or(("", name), |rest| ("start.", rest));
    let kind = rest.split(['.', '[']).next().unwrap_or(rest);
    match rest.rsplit_once('.') {
        Some((_, what)) => format!("{before}{kind}.*.{what}"),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn names_become_patterns() {
        for (name, expected) in [
            ("gravity", "gravity"),
            ("body.upper arm.mass", "body.*.mass"),
            ("body[3].mass", "body.*.mass"),
            ("start.joint.\"a.b\".position", "start.joint.*.position"),
        ] {
            assert_eq!(pattern(name), expected);
        }
    }
}
