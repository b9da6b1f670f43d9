//! What is made of answers: runs side by side, files for other programs, completions of shells.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::place::{Place, json, names, stderr, stdout};

const MODEL: &str = r#"
<mujoco>
  <option timestep="0.01"/>
  <worldbody>
    <geom name="floor" type="plane" pos="0 0 -1" size="1 1 1" contype="0" conaffinity="0"/>
    <body name="arm" pos="0 0 0.5">
      <joint name="lift" type="hinge" axis="0 1 0" damping="0.1"/>
      <geom name="rod" type="capsule" fromto="0 0 0 0.5 0 0" size="0.03" mass="1" contype="0" conaffinity="0"/>
      <site name="tip" pos="0.5 0 0"/>
    </body>
  </worldbody>
</mujoco>
"#;

const SCENARIO: &str = r#"[scenario]
name = "lift"
kind = "motion"
[model]
file = "arm.xml"
[[motion]]
duration = "0.2 s"
[[parameter]]
name = "start.joint.lift.velocity"
spread = 0.1
[[term]]
label = "tip"
output = "site.tip.position"
at = 0.2
target = [0.45, 0.0, 0.7]
scale = "1 cm"
[[goal]]
of = "tip"
within = "10 cm"
"#;

fn place() -> Place {
    let place = Place::new();
    place.write("arm.xml", MODEL);
    place.write("lift.toml", SCENARIO);
    place
}

#[test]
fn runs_of_a_gradient_and_without_one_stand_side_by_side() {
    let place = place();
    for (out, method, limit) in [("descent", "lbfgsb", 50), ("sampled", "cma-es", 30)] {
        let (method, limit) =
            (format!("optimizer.method={method}"), format!("stop.max_iterations={limit}"));
        let words = ["run", "lift.toml", "--set", &method, "--set", &limit, "--out", out];
        let output = place.run(&words);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{}", stderr(&output));
    }
    let output = place.run(&["compare", "descent", "sampled", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let compared = json(&output);
    let runs = compared["runs"].as_array().unwrap();
    assert_eq!(
        (&runs[0]["optimizer"], &runs[1]["optimizer"]),
        (&"lbfgsb".into(), &"cma-es".into())
    );
    let number = |run: usize, key: &str| runs[run][key].as_f64().unwrap();
    assert!((0..2).all(|run| number(run, "evaluations_to_level") <= number(run, "evaluations")));
    let least = number(0, "objective_least").max(number(1, "objective_least"));
    assert_eq!(compared["level"].as_f64(), Some(least));
    // the gradient needs fewer
    assert!(number(0, "evaluations_to_level") < number(1, "evaluations_to_level"));

    let table = place.read("comparison.csv");
    assert!(
        table.starts_with("run,scenario,optimizer,seed,status,goal_met,objective_at_the_start,")
    );
    assert!(
        table.lines().next().unwrap().ends_with("goal tip (m),start.joint.lift.velocity (rad/s)")
    );
    assert_eq!(table.lines().count(), 3);
    let page = place.read("comparison.html");
    for text in ["lbfgsb (descent)", "cma-es (sampled)", "optimizer.method", "<svg", "goal tip (m)"]
    {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("different scenarios"));

    // what is there is somebody's
    place.write("comparison.csv", "mine");
    let again = place.run(&["compare", "descent", "sampled"]);
    assert_eq!((again.status.code(), place.read("comparison.csv").as_str()), (Some(2), "mine"));
    let forced = place.run(&["compare", "descent", "sampled", "--force"]);
    assert!(stdout(&forced).contains("the level, which every run reaches"), "{}", stdout(&forced));
    assert_eq!(place.read("comparison.csv"), table);
    let single = place.run(&["compare", "descent"]);
    assert_eq!(single.status.code(), Some(2));
    let none = place.run(&["compare", "descent", "nowhere"]);
    assert_eq!(none.status.code(), Some(4), "{}", stderr(&none));
}

/// The numbers of an accessor of a glTF file.
fn accessor(file: &Value, number: &Value) -> Vec<f32> {
    let number = usize::try_from(number.as_u64().unwrap()).unwrap();
    let view = &file["bufferViews"][number];
    let uri = file["buffers"][0]["uri"].as_str().unwrap();
    let bytes = STANDARD.decode(uri.split_once(',').unwrap().1).unwrap();
    let at = |key: &str| usize::try_from(view[key].as_u64().unwrap()).unwrap();
    let own = &bytes[at("byteOffset")..at("byteOffset") + at("byteLength")];
    own.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

#[test]
fn an_answer_goes_to_other_programs_with_its_own_numbers() {
    let place = place();
    let words = ["run", "lift.toml", "--out", "r", "--export", "csv", "--export", "npy"];
    let run = place.run(&words);
    assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
    let report =
        place.run(&["report", "r", "--export", "gltf", "--export", "vtk", "--format", "json"]);
    assert_eq!(report.status.code(), Some(0), "{}", stderr(&report));
    let files = json(&report);
    assert!(files["export"].as_array().unwrap().iter().any(|f| f == "r/export/motion.gltf"));

    // the angle at the end, in every format
    let csv = place.read("r/export/outputs.csv");
    let head: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let last: Vec<&str> = csv.lines().last().unwrap().split(',').collect();
    let column = |name: &str| -> f64 {
        last[head.iter().position(|h| *h == name).unwrap()].parse().unwrap()
    };
    let angle = column("joint.lift.position");
    let index: Value = serde_json::from_str(&place.read("r/export/outputs.json")).unwrap();
    let entry =
        index.as_array().unwrap().iter().find(|e| e["name"] == "joint.lift.position").unwrap();
    assert_eq!(
        (&entry["unit"], &entry["shape"], &entry["axis"]["unit"]),
        (&"rad".into(), &[21].into(), &"s".into())
    );
    let array = std::fs::read(place.path("r/export/joint.lift.position.npy")).unwrap();
    assert_eq!(array[array.len() - 8..], angle.to_le_bytes());
    let grid = place.read("r/export/along-1-time.vtr");
    let own = grid.split("Name=\"joint.lift.position (rad)\"").nth(1).unwrap();
    let numbers = own.split('>').nth(1).unwrap().split('<').next().unwrap();
    assert_eq!(numbers.split(' ').next_back().unwrap().parse(), Ok(angle));

    // a capsule along x turns about y where the joint does, the floor stays
    let gltf: Value = serde_json::from_str(&place.read("r/export/motion.gltf")).unwrap();
    let bodies: Vec<&str> =
        gltf["meshes"].as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap()).collect();
    assert_eq!(bodies, ["geom.floor", "geom.rod", "site.tip"]);
    let animation = &gltf["animations"][0];
    let channels = animation["channels"].as_array().unwrap();
    assert!(channels.iter().all(|c| c["target"]["node"] != 1), "the floor is node 1");
    let track = |path: &str| {
        let of = |c: &&Value| c["target"]["node"] == 2 && c["target"]["path"] == path;
        let sampler =
            usize::try_from(channels.iter().find(of).unwrap()["sampler"].as_u64().unwrap());
        accessor(&gltf, &animation["samplers"][sampler.unwrap()]["output"])
    };
    let turns = track("rotation");
    let (first, end) = (&turns[..4], &turns[turns.len() - 4..]);
    // the angle between two unit quaternions is twice the arc between them
    let cosine: f32 = first.iter().zip(end).map(|(a, b)| a * b).sum();
    assert!((2.0 * f64::from(cosine.min(1.0)).acos() - angle.abs()).abs() < 1e-3);
    let places = track("translation");
    let middle: Vec<f64> = places[places.len() - 3..].iter().map(|v| f64::from(*v)).collect();
    let tip = [column("site.tip.position.x"), column("site.tip.position.z")];
    assert!(
        (middle[0] - 0.5 * tip[0]).abs() < 1e-6 && (middle[2] - 0.5 * (tip[1] + 0.5)).abs() < 1e-6
    );

    let collection = place.read("r/export/motion.pvd");
    assert_eq!(collection.matches("<DataSet").count(), 21);
    assert_eq!(names(&place.path("r/export/motion")).len(), 21);
    let moment = place.read("r/export/motion/0020.vtp");
    let points = moment.split("Name=\"points\"").nth(1).unwrap().split('>').nth(1).unwrap();
    let points: Vec<f64> =
        points.split('<').next().unwrap().split(' ').map(|v| v.parse().unwrap()).collect();
    assert!(points.chunks(3).any(|p| (p[0] - tip[0]).abs() < 0.04 && (p[2] - tip[1]).abs() < 0.04));
}

#[test]
fn what_has_no_bodies_is_refused_before_it_runs() {
    let place = Place::with_scenario(&[]);
    for format in ["gltf", "csv"] {
        let output = place.run(&["run", "scenario.toml", "--out", "r", "--export", format]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains("this kind of scenario has no"), "{}", stderr(&output));
        assert!(!place.path("r").exists());
    }
    let missing = place.run(&["report", "nowhere", "--export", "csv"]);
    assert_eq!(missing.status.code(), Some(4), "{}", stderr(&missing));
}

#[test]
fn completions_know_every_verb_and_its_words() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        let output = place.run(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0));
        let script = stdout(&output);
        for word in ["gradcheck", "compare", "export", "gauss-newton", "um-bridge", "hyperqueue"] {
            // methods stand in scenarios, not on the command line
            assert_eq!(script.contains(word), word != "gauss-newton", "{shell}: {word}");
        }
        assert!(!script.contains("whose numbers come on"), "hidden verbs stay hidden");
    }
    let bash = std::process::Command::new("bash")
        .args(["-c", "source /dev/stdin; complete -p cotangent"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn();
    if let Ok(mut bash) = bash {
        let script = place.run(&["completions", "bash"]).stdout;
        std::io::Write::write_all(&mut bash.stdin.take().unwrap(), &script).unwrap();
        assert!(bash.wait_with_output().unwrap().status.success(), "bash reads it");
    }
    assert_eq!(place.run(&["completions", "tcsh"]).status.code(), Some(2));
}
