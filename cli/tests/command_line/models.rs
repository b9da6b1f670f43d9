//! Models of URDF in scenarios, and motions from a model's keyframes.

use super::place::{Place, stderr};

/// A ball that carries a lever, on the floor where there is one.
const ROBOT: &str = r#"<robot name="rover">
  <link name="ball">
    <inertial><mass value="2"/><inertia ixx="0.01" iyy="0.01" izz="0.01" ixy="0" ixz="0" iyz="0"/></inertial>
    <collision><geometry><sphere radius="0.1"/></geometry></collision>
  </link>
  <joint name="hinge" type="revolute"><parent link="ball"/><child link="lever"/><axis xyz="0 1 0"/>
    <limit lower="-0.5" upper="0.5" effort="3" velocity="1"/></joint>
  <link name="lever">
    <inertial><origin xyz="0 0 0.1"/><mass value="0.1"/><inertia ixx="1e-4" iyy="1e-4" izz="1e-4" ixy="0" ixz="0" iyz="0"/></inertial>
  </link>
</robot>"#;

const MOTION: &str = r#"[scenario]
name = "rover"
kind = "motion"

[model]
file = "rover.urdf"

[[motion]]
duration = "1 s"

[[parameter]]
name = "body.lever.mass"

[[term]]
output = "joint.hinge.position"
at = "1 s"
target = 0.1
"#;

fn place() -> Place {
    let place = Place::new();
    place.write("rover.urdf", ROBOT);
    place.write("s.toml", MOTION);
    place
}

/// The last row of an output that `simulate` leaves.
fn end(place: &Place, more: &[&str], output: &str) -> Vec<f64> {
    let words = ["simulate", "s.toml", "--out", "o", "--force", "--output", output];
    let made = place.run(&[&words[..], more].concat());
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    let table = place.read("o/outputs.csv");
    let last = table.lines().last().unwrap();
    last.split(',').map(|x| x.parse().unwrap()).collect()
}

#[test]
fn a_robot_stands_on_its_floor_or_falls() {
    let place = place();
    let floating = ["--set", "model.base=floating"];
    let falls = end(&place, &floating, "body.ball.position");
    assert!((falls[3] + 0.5 * 9.81).abs() < 0.02, "{falls:?}");
    let floor = ["--set", "model.ground=-0.1 m", "--set", "model.timestep=0.001"];
    let stands = end(&place, &[&floating[..], &floor].concat(), "body.ball.position");
    assert!(stands[3].abs() < 0.002, "{stands:?}");
    // the lever falls from upright against its stop once something moves it
    let leans = end(&place, &["--set", "values.\"gravity\"=[1, 0, -9.81]"], "joint.hinge.position");
    assert!((0.5..0.52).contains(&leans[1]), "{leans:?}");
    let pushed = ["--set", "model.motors=true", "--set", "values.\"actuator.hinge.control\"=-0.5"];
    let pushed = end(&place, &pushed, "joint.hinge.position");
    assert!((-0.56..-0.5).contains(&pushed[1]), "{pushed:?}");
}

#[test]
fn a_robot_becomes_a_scenario_that_drives_it() {
    let place = place();
    let made = place.run(&["init", "rover.urdf"]);
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    assert_eq!(place.run(&["check", "rover.toml"]).status.code(), Some(0));
}

#[test]
fn what_a_robot_cannot_have_is_refused_where_it_stands() {
    let place = place();
    let check = |file: &str, robot: &str, scenario: &str| {
        place.write(file, robot);
        place.write("s.toml", scenario);
        let output = place.run(&["check", "s.toml"]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        stderr(&output)
    };
    let said = check("rover.urdf", &ROBOT.replace("revolute", "screw"), MOTION);
    assert!(said.contains("rover.urdf:6:") && said.contains("`screw`"), "{said}");
    let mesh = ROBOT.replace(
        "</link>\n</robot>",
        "<collision><geometry><mesh filename='a.stl'/></geometry></collision></link>\n</robot>",
    );
    let grounded = MOTION.replace("rover.urdf\"", "rover.urdf\"\nground = -0.1");
    let said = check("rover.urdf", &mesh, &grounded);
    assert!(said.contains("the mesh of link `lever` and a sphere"), "{said}");
    assert!(said.contains("model.ignore = [\"contact\"]"), "{said}");
    let model = "<mujoco><worldbody><body><joint name='j' type='slide' axis='0 0 1'/><geom size='.1'/></body></worldbody>
        <keyframe><key name='raised' qpos='0.5'/></keyframe></mujoco>";
    let slide = MOTION.replace("rover.urdf", "m.xml").replace("body.lever", "body[0]");
    let slide = slide.replace("joint.hinge", "joint.j");
    let said = check("m.xml", model, &slide.replace("m.xml\"", "m.xml\"\nbase = \"floating\""));
    assert!(said.contains("`model.base` has no effect: an MJCF file says it itself"), "{said}");
    let said = check(
        "m.xml",
        model,
        &slide.replace("\"1 s\"\n\n[[p", "\"1 s\"\nkeyframe = \"rised\"\n\n[[p"),
    );
    assert!(said.contains("did you mean \"raised\"?"), "{said}");
}

#[test]
fn a_motion_starts_from_a_keyframe_with_its_controls() {
    let place = Place::new();
    let model = "<mujoco><option gravity='0 0 0'/><worldbody><body><joint name='j' type='slide' axis='0 0 1'/>
        <geom size='.1' mass='2'/></body></worldbody><actuator><motor name='m' joint='j' ctrlrange='-1 1'/></actuator>
        <keyframe><key name='raised' qpos='0.5' qvel='0.25' ctrl='3'/></keyframe></mujoco>";
    place.write("m.xml", model);
    let scenario = MOTION.replace("rover.urdf", "m.xml").replace("body.lever", "body[0]");
    let scenario =
        scenario.replace("hinge", "j").replace("\"1 s\"\n\n", "\"1 s\"\nkeyframe = \"raised\"\n\n");
    place.write("s.toml", &scenario);
    // half a second squared under the force that the range allows, on 2 kg
    let moved = end(&place, &[], "joint.j.position");
    assert!((moved[1] - (0.5 + 0.25 + 0.25)).abs() < 2e-3, "{moved:?}");
    let given = end(&place, &["--set", "values.\"actuator.m.control\"=0"], "joint.j.position");
    assert!((given[1] - 0.75).abs() < 1e-9, "{given:?}");
}

#[test]
fn a_push_from_outside_is_an_input_of_each_step() {
    let place = place();
    let floating = ["--set", "model.base=floating"];
    // all of its weight: the lever stands upright on what rests
    let held = "values.\"body.ball.force\"=[0, 0, 20.601]";
    let rests = end(&place, &[&floating[..], &["--set", held]].concat(), "body.ball.position");
    assert!(rests[3].abs() < 1e-9, "{rests:?}");
    let lifted = MOTION
        .replace("\n[[motion]]", "base = \"floating\"\n[[motion]]")
        .replace("name = \"body.lever.mass\"", "name = \"body.ball.force\"\nhold = \"0.25 s\"")
        .replace("joint.hinge.position", "body.ball.position")
        .replace("target = 0.1", "target = [0.2, 0, 0.3]\nscale = \"1 cm\"\nlabel = \"there\"\n\n[[goal]]\nof = \"there\"\nwithin = \"1 mm\"");
    place.write("s.toml", &lifted);
    let run = place.run(&["run", "s.toml", "--quiet", "--out", "r"]);
    assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
    // a line for each component, not one that goes from one to the next
    let picture = place.read("r/plots/inputs-1.svg");
    assert!(["x", "y", "z"].iter().all(|k| picture.contains(&format!("body.ball.force.{k}"))));
    // three numbers are asked of twelve
    let report = place.read("r/report.html");
    assert_eq!(report.matches("do not determine the direction").count(), 3);
    assert!(report.contains("do not determine 6 further directions"));
}
