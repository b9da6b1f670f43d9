//! Any parameter against any output: what a scenario may say, and what is said of it where it makes no sense.

use super::place::{Place, json, stderr, stdout};

const MODEL: &str = r#"
<mujoco>
  <option timestep="0.01"/>
  <worldbody>
    <body name="arm">
      <joint name="lift" type="hinge" axis="0 1 0" damping="0.1" range="-2 2" limited="false"/>
      <geom type="capsule" fromto="0 0 0 0.5 0 0" size="0.03" mass="1" contype="0" conaffinity="0"/>
      <site name="tip" pos="0.5 0 0"/>
    </body>
  </worldbody>
  <actuator><motor name="lift" joint="lift" ctrlrange="-9 9"/></actuator>
</mujoco>
"#;

const SCENARIO: &str = r#"
[scenario]
name = "lift"
kind = "motion"

[model]
file = "arm.xml"

[[motion]]
duration = "0.5 s"

[values]
"joint.lift.stiffness" = "2 N m/rad"

[[parameter]]
name = "actuator.lift.control"
hold = "100 ms"
spread = 0.02

[[term]]
label = "tip"
output = "site.tip.position"
at = [0.2, 0.5]
target = [[0.4975, 0.0, 0.0499], [0.4605, 0.0, 0.1947]]
scale = "1 cm"

[[term]]
output = "actuator.lift.force"
minimise = "square"
weight = 1e-6

[[goal]]
of = "tip"
within = "1 mm"
"#;

fn place() -> Place {
    let place = Place::new();
    place.write("arm.xml", MODEL);
    place.write("lift.toml", SCENARIO);
    place
}

#[test]
fn a_question_that_no_adapter_knew_is_answered_and_its_gradient_checked() {
    let place = place();
    let output = place.run(&["gradcheck", "lift.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    for method in ["lbfgsb", "gauss-newton"] {
        let set = format!("optimizer.method={method}");
        let words = ["run", "lift.toml", "--set", &set, "--out", method, "--format", "json"];
        let output = place.run(&words);
        assert_eq!(output.status.code(), Some(0), "{method}: {}", stderr(&output));
        let finding = &json(&output)["findings"][0];
        assert_eq!((finding["label"].as_str(), finding["unit"].as_str()), (Some("tip"), Some("m")));
        assert!(finding["measured"].as_f64().unwrap() < 1e-3, "{finding}");
        let answer = place.read(&format!("{method}/artifacts/answer.csv"));
        assert!(
            answer.starts_with("name,unit,start,answer,standard_error\nactuator.lift.control[0],")
        );
        assert_eq!(answer.lines().count(), 1 + 5);
    }
}

#[test]
fn within_is_a_distance_and_a_run_without_a_goal_has_met_none() {
    let place = place();
    // the arm falls: its velocity is far from 0 on the negative side of some axis
    let goal = |of: &str| SCENARIO.replace("of = \"tip\"\nwithin = \"1 mm\"", of);
    for axis in ["0 1 0", "0 -1 0"] {
        place.write("arm.xml", &MODEL.replace("axis=\"0 1 0\"", &format!("axis=\"{axis}\"")));
        let of = "output = \"joint.lift.velocity\"\nat = 0.3\nwithin = 1e-4";
        place.write("lift.toml", &goal(of));
        let words = ["run", "lift.toml", "--out", "w", "--force", "--set", "stop.max_iterations=1"];
        let output = place.run(&words);
        assert_eq!(output.status.code(), Some(1), "{axis}: {}", stderr(&output));
        assert!(stderr(&output).contains("NOT MET"), "{}", stderr(&output));
    }
    place.write("lift.toml", &goal("").replace("[[goal]]\n", ""));
    let output = place.run(&["run", "lift.toml", "--out", "n"]);
    assert!(stderr(&output).contains("no goal was stated"), "{}", stderr(&output));
}

#[test]
fn a_run_is_resumed_when_the_file_of_its_target_is_gone() {
    let place = place();
    let rows: String =
        (0..=50).map(|k| format!("{},{}\n", f64::from(k) * 0.01, f64::from(k) * 0.001)).collect();
    place.write("wanted.csv", &format!("time,joint.lift.position\n{rows}"));
    let term = "[[term]]\noutput = \"joint.lift.position\"\ntarget = \"wanted.csv\"\n";
    place.write("lift.toml", &(SCENARIO.to_owned() + term));
    let output = place.run(&["run", "lift.toml", "--out", "r", "--set", "stop.max_iterations=2"]);
    assert_eq!(place.read("r/inputs/wanted.csv"), place.read("wanted.csv"), "{}", stderr(&output));
    std::fs::remove_file(place.path("wanted.csv")).unwrap();
    let output = place.run(&["resume", "r", "--set", "stop.max_iterations=4"]);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", stderr(&output));
    assert!(place.read("r/history.csv").lines().count() > 4);
}

#[test]
fn a_label_names_a_term_on_the_command_line_and_a_number_one_without() {
    let place = place();
    for (set, code) in [
        ("term.tip.scale=\"2 cm\"", 0),
        ("term.1.weight=0.5", 0),
        ("term.tap.weight=3", 2),
        ("term.7.weight=3", 2),
        ("term.tip.wieght=3", 2),
        ("values.\"joint.lift.damping\"=0.2", 0),
    ] {
        let output = place.run(&["check", "lift.toml", "--set", set]);
        assert_eq!(output.status.code(), Some(code), "{set}: {}", stderr(&output));
    }
}

#[test]
fn every_name_that_is_listed_can_be_used() {
    let place = place();
    let output = place.run(&["list", "lift.toml", "--format", "json"]);
    let listed = json(&output);
    let names = |role: &str| -> Vec<String> {
        let all = listed[role].as_array().unwrap().iter();
        all.map(|q| q["name"].as_str().unwrap().to_owned()).collect()
    };
    for name in names("inputs") {
        let scenario =
            SCENARIO.replace("\"actuator.lift.control\"\nhold = \"100 ms\"", &format!("{name:?}"));
        let scenario = scenario.replace("\"joint.lift.stiffness\" = \"2 N m/rad\"", "");
        place.write("one.toml", &scenario);
        let output = place.run(&["check", "one.toml"]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", stderr(&output));
    }
    for name in names("outputs") {
        let term = format!("[[term]]\noutput = {name:?}\nminimise = \"square\"\n");
        place.write("one.toml", &(SCENARIO.to_owned() + &term));
        let output = place.run(&["check", "one.toml"]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", stderr(&output));
    }
}

#[test]
fn what_is_simulated_with_noise_can_be_a_target() {
    let place = place();
    // a scenario may make the file that it will be compared with
    let lift = place.read("lift.toml");
    let term = "[[term]]\noutput = \"joint.lift.position\"\ntarget = \"recorded.csv\"\n";
    place.write("own.toml", &format!("{lift}\n{term}"));
    let words = ["simulate", "own.toml", "--output", "joint.lift.position", "--out", "own"];
    assert_eq!(place.run(&words).status.code(), Some(0), "{}", stderr(&place.run(&words)));
    let run = place.run(&["check", "own.toml"]);
    assert_eq!(run.status.code(), Some(2));
    assert!(stderr(&run).contains("recorded.csv"), "{}", stderr(&run));
    let words = ["simulate", "lift.toml", "--output", "joint.lift.position", "--noise", "0.001"];
    let output = place.run(&words);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let again = place.run(&words);
    assert_eq!(again.status.code(), Some(2), "nothing is overwritten: {}", stdout(&again));
    place.write(
        "identify.toml",
        r#"
[scenario]
name = "identify"
kind = "motion"
[model]
file = "arm.xml"
[[motion]]
duration = "0.5 s"
[[parameter]]
name = "joint.lift.stiffness"
start = 3
lower = 0.1
[[parameter]]
name = "joint.lift.damping"
start = 0.2
[[term]]
output = "joint.lift.position"
target = "simulated/outputs.csv"
scale = "0.001 rad"
[optimizer]
method = "gauss-newton"
[[goal]]
parameter = "joint.lift.stiffness"
true = 2.0
within = "2 %"
[[goal]]
parameter = "joint.lift.damping"
true = 0.1
within = "5 %"
"#,
    );
    let output = place.run(&["run", "identify.toml", "--out", "found"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let answer = place.read("found/artifacts/answer.csv");
    let stiffness: Vec<f64> =
        answer.lines().nth(1).unwrap().split(',').skip(2).map(|f| f.parse().unwrap()).collect();
    let [_, value, error] = stiffness[..] else { panic!("{answer}") };
    assert!(error > 0.0 && (value - 2.0).abs() < 4.0 * error, "{answer}");
}

#[test]
fn what_is_simulated_starts_where_parameters_do_unless_a_value_is_given() {
    let place = place();
    let start = "[[parameter]]\nname = \"start.joint.lift.position\"\nstart = \"0.3 rad\"\nspread = 0.05\n\n[[term]]";
    place.write("from.toml", &SCENARIO.replacen("[[term]]", start, 1));
    let first = |words: &[&str]| {
        let common = ["simulate", "from.toml", "--output", "joint.lift.position", "--force"];
        let output = place.run(&[&common[..], &["--out", "o"], words].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let table = place.read("o/outputs.csv");
        table.lines().nth(1).unwrap().split(',').nth(1).unwrap().to_owned()
    };
    assert_eq!(first(&[]), "0.3");
    assert_eq!(first(&["--jacobian", "--by", "start.joint.lift.position"]), "0.3");
    assert!(place.read("o/jacobian.csv").contains("joint.lift.position[0],rad,1"));
    assert_eq!(first(&["--set", "values.\"start.joint.lift.position\"=0.1"]), "0.1");
    assert_eq!(first(&["--set", "values.\"start.*.*.position\"=0.2"]), "0.2");
}

#[test]
fn a_jacobian_is_that_of_differences_and_says_what_it_cannot_be_of() {
    let place = place();
    let position = ["--output", "joint.lift.position"];
    let angles = |stiffness: f64| {
        let set = format!("values.\"joint.lift.stiffness\"={stiffness}");
        let words = ["simulate", "lift.toml", "--set", &set, "--force"];
        let output = place.run(&[words.as_slice(), &position].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let text = place.read("simulated/outputs.csv");
        let angle = |line: &str| line.split(',').nth(1).unwrap().parse::<f64>().unwrap();
        text.lines().skip(1).map(angle).collect::<Vec<_>>()
    };
    let (less, more) = (angles(2.0 - 1e-4), angles(2.0 + 1e-4));
    let words = ["simulate", "lift.toml", "--jacobian", "--by", "joint.lift.stiffness", "--force"];
    let output = place.run(&[words.as_slice(), &position].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = place.read("simulated/jacobian.csv");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("output,unit,joint.lift.stiffness"));
    let slopes: Vec<f64> =
        lines.map(|line| line.split(',').nth(2).unwrap().parse().unwrap()).collect();
    assert_eq!(slopes.len(), less.len());
    let largest = slopes.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
    for (slope, (less, more)) in slopes.iter().zip(less.iter().zip(&more)) {
        assert!((slope - (more - less) / 2e-4).abs() < 1e-7 * largest, "{slope}");
    }
    let output = place.run(&["simulate", "lift.toml", "--jacobian", "--out", "free"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let head = place.read("free/jacobian.csv");
    assert!(head.starts_with("output,unit,actuator.lift.control[0],"), "by what is free");
    let named = ["simulate", "lift.toml", "--jacobian", "--by", "gravity", "--out", "named"];
    let output = place.run(&named);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(place.read("named/jacobian.csv").contains("\nenergy.total[0],J,"), "of all outputs");
    for (word, said) in [("joint.lift.stifness", "did you mean"), ("gravty", "no input `gravty`")] {
        let output =
            place.run(&["simulate", "lift.toml", "--jacobian", "--by", word, "--out", "x"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
        assert!(!place.path("x").exists(), "nothing is written by halves");
    }
}

/// The scenario with one text replaced, and what is said about it.
fn refused(from: &str, to: &str) -> String {
    let place = place();
    assert!(SCENARIO.contains(from), "{from:?}");
    place.write("lift.toml", &SCENARIO.replacen(from, to, 1));
    let output = place.run(&["check", "lift.toml"]);
    assert_eq!(output.status.code(), Some(2), "{to}: {}", stderr(&output));
    stderr(&output).split_whitespace().collect::<Vec<_>>().join(" ").replace("│ ", "")
}

/// What is replaced in the scenario, by what, and what must be said of it.
const MISTAKES: &[(&str, &str, &str)] = &[
    (
        "\"actuator.lift.control\"",
        "\"actuator.lfit.control\"",
        "did you mean `actuator.lift.control`?",
    ),
    ("\"actuator.lift.control\"", "\"actuator.*.gain\"", "there is no input `actuator.*.gain`"),
    ("\"site.tip.position\"", "\"site.top.position\"", "did you mean `site.tip.position`?"),
    ("at = [0.2, 0.5]", "at = [0.2, 0.505]", "0.505 s is not on the grid of times"),
    ("at = [0.2, 0.5]", "at = [0.2, 0.505]", "the last is 0.5 s"),
    ("at = [0.2, 0.5]", "at = [0.203, 0.5]", "its neighbours are 0.2 s and 0.21 s"),
    (
        "target = [[0.4975, 0.0, 0.0499], [0.4605, 0.0, 0.1947]]",
        "target = [[0.5, 0.0], [0.45, 0.0]]",
        "the target has shape 2 x 2",
    ),
    (
        "target = [[0.4975, 0.0, 0.0499], [0.4605, 0.0, 0.1947]]",
        "target = [[0.5, 0.0, 0.05], [0.45]]",
        "rows of different lengths",
    ),
    (
        "target = [[0.4975, 0.0, 0.0499], [0.4605, 0.0, 0.1947]]",
        "target = \"none.csv\"",
        "there is no file",
    ),
    (
        "target = [[0.4975, 0.0, 0.0499], [0.4605, 0.0, 0.1947]]",
        "",
        "a term asks one thing of its output",
    ),
    ("scale = \"1 cm\"", "scale = \"1 kg\"", "this is a unit of mass"),
    ("scale = \"1 cm\"", "scale = 0", "make it positive"),
    ("hold = \"100 ms\"", "hold = \"105 ms\"", "no whole number of steps"),
    ("hold = \"100 ms\"", "entries = [50]", "there is no entry 50"),
    ("spread = 0.02", "lower = 2\nupper = 1", "exceeds its upper bound"),
    ("of = \"tip\"", "of = \"tap\"", "did you mean \"tip\"?"),
    ("of = \"tip\"", "", "a goal speaks of one thing"),
    ("of = \"tip\"", "parameter = \"mass\"", "no free parameter is called `mass`"),
    ("within = \"1 mm\"", "", "a goal has one bound"),
    ("within = \"1 mm\"", "within = 1\nat_most = 2", "a goal has one bound"),
    (
        "\"joint.lift.stiffness\" = \"2 N m/rad\"",
        "\"joint.lift.stifness\" = 2",
        "did you mean `joint.lift.stiffness`?",
    ),
    (
        "\"joint.lift.stiffness\" = \"2 N m/rad\"",
        "\"joint.lift.stiffness\" = -2",
        "outside [0, inf]",
    ),
    ("\"joint.lift.stiffness\" = \"2 N m/rad\"", "gravity = [1, 2]", "`gravity` has shape 3"),
    ("[[motion]]\nduration = \"0.5 s\"", "", "there is no `[[motion]]`"),
    ("duration = \"0.5 s\"", "duration = \"0.505 s\"", "the nearest is 0.510000 s"),
    ("[[term]]\nlabel = \"tip\"", "[[trem]]\nlabel = \"tip\"", "did you mean `[[term]]`?"),
    (
        "[[term]]\noutput = \"actuator",
        "[[term]]\nlabel = \"tip\"\noutput = \"actuator",
        "have the label \"tip\"",
    ),
    ("[[goal]]", "[[parameter]]\nname = \"actuator.*.control\"\n[[goal]]", "is chosen twice"),
    ("minimise = \"square\"", "minimise = \"square\"\nbeyond = \"range\"", "a term asks one thing"),
    (
        "minimise = \"square\"",
        "minimise = \"square\"\nloss = \"huber\"",
        "`loss` has no effect here",
    ),
    ("minimise = \"square\"", "minimise = \"square\"\nat = []", "nothing is selected"),
    ("scale = \"1 cm\"", "scale = \"1 cm\"\ncolumns = [\"a\"]", "`columns` has no effect here"),
    ("scale = \"1 cm\"", "scale = \"1 cm\"\ntolerance = -1", "a distance is not negative"),
    ("scale = \"1 cm\"", "scale = \"1 cm\"\nentries = [0, 0]", "an entry is named twice"),
    ("hold = \"100 ms\"", "hold = \"100 ms\"\nentries = [1]", "`entries` has no effect beside"),
    ("spread = 0.02", "shared = true", "nothing to share"),
    ("spread = 0.02", "start = 20", "starts at 20"),
    ("spread = 0.02", "upper = 20", "goes beyond what"),
    ("within = \"1 mm\"", "within = -1", "out of range"),
    ("of = \"tip\"", "of = \"tip\"\nat = [0.1]", "`at` has no effect here"),
];

#[test]
fn what_makes_no_sense_is_named_with_its_place_and_a_remedy() {
    for (from, to, expected) in MISTAKES {
        let said = refused(from, to);
        assert!(said.contains(expected), "{expected}: {said}");
        assert!(said.contains("lift.toml:"), "a place: {said}");
    }
}
