//! What a model file holds: its tree, what drives it, what a derivative can be taken to, and what was not understood.

use std::collections::BTreeMap;
use std::path::Path;

use cotangent_physics::io::urdf::{UrdfError, read_urdf};
use cotangent_physics::model::{JointKind, Transmission};
use cotangent_physics::{Model, MotionPart, MotionSimulation, State, StepOptions};
use cotangent_problem::Simulation;
use cotangent_problem::name::element;

use super::motion::read_file;
use crate::diagnostic::{Diagnostic, Source};

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

/// Reads a model in MJCF or URDF.
///
/// # Errors
/// Everything that is wrong with the file.
pub fn inspect(path: &Path) -> Result<Inspection, Vec<Diagnostic>> {
    let plain = |code, message, help: &'static str| Diagnostic::plain(code, message, help);
    if is_urdf(path) {
        let model = urdf(path)?;
        return Ok(inspected("URDF", &model, None));
    }
    let read = read_file(path, &plain)?;
    let mut found = inspected("MJCF", &read.model, Some(read.options));
    let of = |file: &Option<String>| file.as_ref().map_or_else(String::new, |f| format!("{f}, "));
    let missing = |u: &cotangent_physics::io::mjcf::Unsimulated| {
        let which = u.which.as_ref().map(|w| format!(" of {w}")).unwrap_or_default();
        format!("{}line {}: {}{which}", of(&u.file), u.line, u.what.name())
    };
    found.not_simulated = read.unsimulated.iter().map(missing).collect();
    let note = |n: &cotangent_physics::io::mjcf::Note| {
        format!("{}line {}: {}", of(&n.file), n.line, n.message)
    };
    found.notes = read.notes.iter().map(note).collect();
    Ok(found)
}

/// Whether a file is one of URDF: by its name, else by its first element.
fn is_urdf(path: &Path) -> bool {
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("urdf")) {
        return true;
    }
    std::fs::read_to_string(path).is_ok_and(|text| {
        let mujoco = text.find("<mujoco").unwrap_or(usize::MAX);
        text.find("<robot").is_some_and(|robot| robot < mujoco)
    })
}

fn urdf(path: &Path) -> Result<Model, Vec<Diagnostic>> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        let message = format!("cannot read {}: {e}", path.display());
        let code = "cotangent::scenario::unreadable";
        vec![Diagnostic::plain(code, message, "a URDF file is text in UTF-8")]
    })?;
    read_urdf(&text, false).map_err(|errors| {
        let source = Source { name: path.display().to_string(), text: text.as_str().into() };
        let at = |e: &UrdfError| {
            let before = text.lines().take(e.line.saturating_sub(1) as usize);
            let start = before.map(|line| line.len() + 1).sum::<usize>();
            let start = (start + e.column.saturating_sub(1) as usize).min(text.len());
            let (code, help) =
                ("cotangent::model::urdf", "docs/physics.md lists what is read of URDF");
            let end = (start + 1).min(text.len());
            Diagnostic::at(code, e.message.clone(), &source, start..end, "here", help)
        };
        errors.iter().map(at).collect()
    })
}

fn inspected(format: &'static str, model: &Model, options: Option<StepOptions>) -> Inspection {
    let sizes = [("nq", model.nq()), ("nv", model.nv()), ("na", model.na()), ("nu", model.nu())];
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
    Inspection {
        format,
        sizes,
        mass: model.mass(),
        step: options.map(|o| o.dt),
        bodies: (0..model.bodies().len()).map(|k| body(model, k)).collect(),
        drives,
        inputs: inputs(model),
        not_simulated: Vec::new(),
        notes: Vec::new(),
    }
}

fn acts_on(model: &Model, transmission: &Transmission) -> String {
    let joint_of = |dof: usize| {
        let holds = |j: &cotangent_physics::model::Joint| (j.v.0..j.v.0 + j.v.1).contains(&dof);
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
    let joint = |(k, j): (usize, &cotangent_physics::model::Joint)| {
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
    let options = StepOptions { dt: 1.0, integrator: cotangent_physics::Integrator::Euler };
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
    use super::{inspect, pattern};

    #[test]
    fn a_model_is_told_as_its_file_has_it() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/cart-pole.xml");
        let found = inspect(file.as_ref()).unwrap();
        assert_eq!(found.sizes, [("nq", 2), ("nv", 2), ("na", 0), ("nu", 1)]);
        assert!((found.mass - 1.2).abs() < 1e-12);
        let [cart, pole] = found.bodies.as_slice() else { panic!("{found:?}") };
        assert_eq!((cart.depth, cart.on.as_deref(), cart.mass), (0, None, Some(1.0)));
        assert_eq!((pole.depth, pole.on.as_deref()), (1, Some("body.cart")));
        assert_eq!(pole.joints, [("joint.hinge".into(), "hinge", None)]);
        assert_eq!(cart.joints, [("joint.rail".into(), "slide", Some([-1.0, 1.0]))]);
        assert_eq!(found.drives, [("actuator.push".into(), "joint.rail".into())]);
        assert!(found.inputs.contains(&("body.*.mass".into(), "kg".into(), 2)));
    }

    #[test]
    fn a_robot_of_urdf_is_read_and_what_is_wrong_with_one_has_its_line() {
        let folder = std::env::temp_dir().join(format!("cotangent-inspect-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("pole.urdf");
        let text = "<robot name=\"pole\">\n<link name=\"base\"/>\n<link name=\"rod\"><inertial><mass value=\"1\"/>\n\
            <inertia ixx=\"0.1\" iyy=\"0.1\" izz=\"0.1\" ixy=\"0\" ixz=\"0\" iyz=\"0\"/></inertial></link>\n\
            <joint name=\"pivot\" type=\"continuous\"><parent link=\"base\"/><child link=\"rod\"/></joint>\n</robot>\n";
        std::fs::write(&file, text).unwrap();
        let found = inspect(&file).unwrap();
        assert_eq!((found.format, found.sizes[1]), ("URDF", ("nv", 1)));
        std::fs::write(&file, text.replace("continuous", "screw")).unwrap();
        let problems = inspect(&file).unwrap_err();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(problems.len(), 1, "{problems:?}");
    }

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
