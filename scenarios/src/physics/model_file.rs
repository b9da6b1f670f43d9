//! The file of a model: MJCF, or URDF with what such a file does not say.

use std::path::Path;

use cotangent_physics::StepOptions;
use cotangent_physics::io::ModelFile;
use cotangent_physics::io::mjcf::{Folder, MjcfError, read_mjcf_with};
use cotangent_physics::io::urdf::{UrdfError, UrdfOptions, read_urdf};

use super::super::document::Settings;
use super::super::keys::{
    AMOUNTS, Amounts, AnyKey, FILE, FLAG, File, Key, choice, key, number, one_of, required,
};
use crate::diagnostic::{CONTRADICTION, Diagnostic, Source};

/// What the root of a robot does, by its name in a file.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Base {
    Fixed,
    Floating,
}

choice! { Base: "fixed" => Self::Fixed, "floating" => Self::Floating }

/// The step of a URDF file where nothing is said, s: MuJoCo's.
const USUAL_STEP: f64 = 0.002;

/// Where it is.
pub(super) const MODEL_FILE: Key<File> =
    required("model.file", FILE, "MJCF or URDF file; the timestep of an MJCF file is the step");
pub(super) const BASE: Key<Base> =
    key("model.base", one_of(), "\"fixed\"", "of a URDF file: whether its root link floats");
pub(super) const GROUND: Key<Amounts> =
    key("model.ground", AMOUNTS, "[]", "of a URDF file: height of a floor; none");
pub(super) const MOTORS: Key<bool> = key(
    "model.motors",
    FLAG,
    "false",
    "of a URDF file: a motor on every hinge and slide, its control the force, within the joint's effort",
);
pub(super) const TIMESTEP: Key<f64> =
    key("model.timestep", number("s", 1e-9, 1.0), "0.002", "of a URDF file: the step");

/// Makes a problem that has no place in the model's own text: code, message, remedy.
pub(crate) type Elsewhere<'a> = &'a dyn Fn(&'static str, String, &'static str) -> Diagnostic;

/// The model of a scenario, or what is wrong with its file.
pub(super) fn read(s: &Settings) -> Result<ModelFile, Vec<Diagnostic>> {
    let path = Path::new(s.get(MODEL_FILE));
    let ground = s.quantity(GROUND, "m").map_err(|problem| vec![problem])?;
    let options = UrdfOptions {
        floating: s.get(BASE) == Base::Floating,
        ground,
        motors: s.get(MOTORS),
        step: StepOptions { dt: s.get(TIMESTEP), ..UrdfOptions::default().step },
    };
    // what a run's folder repeats of the defaults says nothing
    let says: [(AnyKey, bool); 4] = [
        (BASE.any, options.floating),
        (GROUND.any, ground.is_some()),
        (MOTORS.any, options.motors),
        (TIMESTEP.any, options.step.dt.to_bits() != USUAL_STEP.to_bits()),
    ];
    let idle = says.into_iter().filter(|(_, says)| *says && !is_urdf(path));
    let idle: Vec<Diagnostic> = idle.map(|(key, _)| of_urdf_alone(s, key)).collect();
    if !idle.is_empty() {
        return Err(idle);
    }
    read_file(path, &options, &|code, message, help| s.problem(code, MODEL_FILE, message, help))
}

fn of_urdf_alone(s: &Settings, key: AnyKey) -> Diagnostic {
    let message = format!("`{}` has no effect: an MJCF file says it itself", key.path);
    s.problem(CONTRADICTION, key, message, "leave it out, and change the model's file")
}

/// Reads a model in MJCF or URDF, or says what is wrong with its file.
pub(crate) fn read_file(
    path: &Path,
    options: &UrdfOptions,
    elsewhere: Elsewhere<'_>,
) -> Result<ModelFile, Vec<Diagnostic>> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        let message = format!("cannot read {}: {e}", path.display());
        let help = "a model is text in UTF-8: MJCF or URDF";
        vec![elsewhere("cotangent::scenario::unreadable", message, help)]
    })?;
    let source = Source { name: path.display().to_string(), text: text.as_str().into() };
    if is_urdf(path) {
        let at = |e: &UrdfError| urdf_problem(e, &source);
        return read_urdf(&text, options).map_err(|errors| errors.iter().map(at).collect());
    }
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    read_mjcf_with(&text, &mut Folder(folder)).map_err(|errors| {
        let (code, help) = ("cotangent::model::mjcf", "docs/physics.md lists what is read of MJCF");
        let diagnostic = |e: MjcfError| match &e.file {
            None => Diagnostic::at(code, e.problem.to_string(), &source, e.span, "here", help),
            // the text of an included file is not at hand
            Some(_) => elsewhere(code, e.to_string(), help),
        };
        errors.0.into_iter().map(diagnostic).collect()
    })
}

/// Whether a file is one of URDF: by its name, else by its first element.
pub(crate) fn is_urdf(path: &Path) -> bool {
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("urdf")) {
        return true;
    }
    std::fs::read_to_string(path).is_ok_and(|text| {
        let mujoco = text.find("<mujoco").unwrap_or(usize::MAX);
        text.find("<robot").is_some_and(|robot| robot < mujoco)
    })
}

/// A problem at its place in the text.
fn urdf_problem(e: &UrdfError, source: &Source) -> Diagnostic {
    let text = &*source.text;
    let before = text.lines().take(e.line.saturating_sub(1) as usize);
    let start = before.map(|line| line.len() + 1).sum::<usize>();
    let start = (start + e.column.saturating_sub(1) as usize).min(text.len());
    let (code, help) = ("cotangent::model::urdf", "docs/physics.md lists what is read of URDF");
    let end = (start + 1).min(text.len());
    Diagnostic::at(code, e.message.clone(), source, start..end, "here", help)
}
