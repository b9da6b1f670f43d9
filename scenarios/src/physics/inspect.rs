//! What a model file holds, read with the places of what is wrong with it.

use std::path::Path;

use cotangent_physics::Inspection;
use cotangent_physics::io::urdf::UrdfOptions;
use cotangent_physics::io::{Note, Unsimulated};

use super::model_file::{is_urdf, read_file};
use crate::diagnostic::Diagnostic;

/// Reads a model in MJCF or URDF.
///
/// # Errors
/// Everything that is wrong with the file.
pub fn inspect(path: &Path) -> Result<Inspection, Vec<Diagnostic>> {
    let plain = |code, message, help: &'static str| Diagnostic::plain(code, message, help);
    let read = read_file(path, &UrdfOptions::default(), &plain)?;
    let (format, step) =
        if is_urdf(path) { ("URDF", None) } else { ("MJCF", Some(read.options.dt)) };
    let mut found = Inspection::of(format, &read.model, step);
    let of = |file: &Option<String>| file.as_ref().map_or_else(String::new, |f| format!("{f}, "));
    let missing = |u: &Unsimulated| {
        let which = u.which.as_ref().map(|w| format!(" of {w}")).unwrap_or_default();
        format!("{}line {}: {}{which}", of(&u.file), u.line, u.what.name())
    };
    found.not_simulated = read.unsimulated.iter().map(missing).collect();
    let note = |n: &Note| format!("{}line {}: {}", of(&n.file), n.line, n.message);
    found.notes = read.notes.iter().map(note).collect();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::inspect;

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
}
