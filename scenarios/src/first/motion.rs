//! A first scenario for any articulated model: its controls where it has motors, else its masses bring its last site or body to a place.

use std::path::Path;

use cotangent_physics::io::urdf::UrdfOptions;
use cotangent_problem::name::element;

use super::{filled, name_of, quoted};
use crate::diagnostic::Diagnostic;
use crate::physics::{is_urdf, read_file};

/// The scenario of the model in `path`, which it calls `file`.
pub(crate) fn scenario(path: &Path, file: &str) -> Result<String, Vec<Diagnostic>> {
    let plain = |code, message, help: &'static str| Diagnostic::plain(code, message, help);
    // a robot of URDF has joints, and nothing that drives them
    let urdf = UrdfOptions { motors: true, ..UrdfOptions::default() };
    let read = read_file(path, &urdf, &plain)?;
    let model = &read.model;
    let place = match (model.sites().last(), model.bodies().last()) {
        (Some(site), _) => element("site", &site.name, model.sites().len() - 1),
        (None, Some(body)) => element("body", &body.name, model.bodies().len() - 1),
        (None, None) => "site.*".into(),
    };
    let mut more = if is_urdf(path) {
        "motors = true                  # on every hinge and slide\n".to_owned()
    } else {
        String::new()
    };
    let mut names: Vec<String> = read.unsimulated.iter().map(|u| quoted(u.what.name())).collect();
    names.dedup();
    if !names.is_empty() {
        let about = "the file asks for these, and not all of it is simulated";
        more.push_str(&["ignore = [", &names.join(", "), "]        # ", about, "\n"].concat());
    }
    let steps = (1.0 / read.options.dt).round().max(1.0);
    let (free, spread) =
        if model.nu() > 0 { ("actuator.*.control", "0.05") } else { ("body.*.mass", "0.2 ") };
    let values = [
        ("name", quoted(&name_of(path))),
        ("file", quoted(file)),
        ("model", more),
        ("duration", (steps * read.options.dt).to_string()),
        ("free", quoted(free)),
        ("spread", spread.into()),
        ("place", quoted(&format!("{place}.position"))),
    ];
    Ok(filled(include_str!("motion.toml"), &values))
}
