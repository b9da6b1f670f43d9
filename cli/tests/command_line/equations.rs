//! Equations of the scenario's own from the command line: constraints, and what is said where equations make no sense.

use super::place::{Place, json, names, stderr};

const THROW: &str = include_str!("../../../scenarios/farthest-throw.toml");

/// A place with the throw in `throw.toml`, some of its text replaced.
fn place(replace: &[(&str, &str)]) -> Place {
    let mut text = THROW.to_owned();
    for (from, to) in replace {
        assert!(text.contains(from), "{from:?} is in the scenario");
        text = text.replace(from, to);
    }
    let place = Place::new();
    place.write("throw.toml", &text);
    place
}

#[test]
fn a_constraint_holds_at_the_answer_and_its_multiplier_is_what_the_limit_is_worth() {
    // without air x = v^2 / g = 2 E / (m g) at 45 degrees
    let (energy, worth) = (144.0, 2.0 / (2.0 * 9.81));
    let speed = (2.0 * energy / 2.0_f64).sqrt() * 0.5_f64.sqrt();
    for method in ["lbfgsb", "trust-region"] {
        let place = place(&[]);
        let set = format!("optimizer.method={method}");
        let output =
            place.run(&["run", "throw.toml", "--set", &set, "--out", "r", "--format", "json"]);
        assert_eq!(output.status.code(), Some(0), "{method}: {}", stderr(&output));
        let result = json(&output);
        let held = &result["constraints"][0];
        assert_eq!(
            (held["name"].as_str(), held["unit"].as_str()),
            (Some("end.energy"), Some("kg m^2/s^2"))
        );
        assert_eq!((held["upper"].as_f64(), held["lower"].as_f64()), (Some(energy), None));
        let number = |key: &str| held[key].as_f64().unwrap();
        assert!((number("value") - energy).abs() < 1e-6 * energy, "{method}: {held}");
        assert!((number("multiplier") - worth).abs() < 1e-5 * worth, "{method}: {held}");
        let distance = -result["objective_final"].as_f64().unwrap();
        assert!((distance - energy * worth).abs() < 1e-6 * distance, "{method}: {distance}");
        let answer: serde_json::Value =
            serde_json::from_str(&place.read("r/artifacts/answer.json")).unwrap();
        for k in 0..2 {
            let found = answer["parameters"][k]["value"][0].as_f64().unwrap();
            assert!((found - speed).abs() < 1e-4 * speed, "{method}: {found} is not {speed}");
        }
        assert!(stderr(&output).contains("constraint end.energy: "), "{}", stderr(&output));
        assert!(place.read("r/report.html").contains("<h2>Constraints</h2>"));
    }
}

#[test]
fn a_run_with_constraints_goes_on_after_a_limit_and_an_end_stays_an_end() {
    let place = place(&[]);
    let whole = place.run(&["run", "throw.toml", "--out", "whole", "--format", "json"]);
    assert_eq!(whole.status.code(), Some(0), "{}", stderr(&whole));
    let words = ["run", "throw.toml", "--out", "part", "--set", "stop.max_iterations=3"];
    let part = place.run(&words);
    assert_eq!(part.status.code(), Some(1), "a limit is no success: {}", stderr(&part));
    let words = ["resume", "part", "--set", "stop.max_iterations=500", "--format", "json"];
    let resumed = place.run(&words);
    assert_eq!(resumed.status.code(), Some(0), "{}", stderr(&resumed));
    let value = json(&resumed)["constraints"][0]["value"].as_f64().unwrap();
    assert!((value - 144.0).abs() < 1e-4, "{value}");
    let again = place.run(&["resume", "part", "--format", "json"]);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    for key in ["constraints", "objective_final", "iterations"] {
        assert_eq!(json(&again)[key], json(&resumed)[key], "{key}");
    }
}

#[test]
fn constraints_on_parameters_equalities_and_what_cannot_hold() {
    let more = "[[constraint]]\nparameter = \"up\"\nequals = \"6 m/s\"\n\n[[goal]]";
    let slow = place(&[("[[goal]]", more), ("14.6788", "10")]);
    let output = slow.run(&["run", "throw.toml", "--out", "r", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let held = json(&output)["constraints"].as_array().unwrap().clone();
    assert!((held[1]["value"].as_f64().unwrap() - 6.0).abs() < 1e-7, "{held:?}");
    // across = sqrt(144 - 36), and d(2 across up / g) at a fixed energy by up
    let across = 108.0_f64.sqrt();
    let worth = 2.0 / 9.81 * (across - 36.0 / across);
    let multiplier = held[1]["multiplier"].as_f64().unwrap();
    assert!((multiplier - worth).abs() < 1e-4 * worth, "{multiplier} is not {worth}");
    // 0.5 m up^2 is already 196 J
    let never = place(&[
        ("lower = 0, scale = 3 }\nup", "lower = 14, scale = 3 }\nup"),
        ("value = 4,", "value = 15,"),
    ]);
    let output = never.run(&["run", "throw.toml", "--out", "r", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let result = json(&output);
    assert_eq!(
        (result["status"].as_str(), result["goal_met"].as_bool()),
        (Some("infeasible"), Some(false))
    );
    assert!(result["advice"].as_str().unwrap().contains("end.energy"), "{result}");
}

/// What is said of a scenario that is refused before anything is made, with its code.
fn refusal(replace: &[(&str, &str)]) -> String {
    let place = place(replace);
    let output = place.run(&["run", "throw.toml"]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{replace:?}: {said}");
    assert_eq!(names(place.path("").as_path()), ["throw.toml"], "nothing was made");
    said
}

#[test]
fn constraints_that_make_no_sense_are_refused_with_the_place_and_a_remedy() {
    let limit = "at_most = \"144 J\"";
    let output = "[[constraint]]\noutput = \"end.energy\"";
    for (from, to, says) in [
        (limit, "", "a constraint without a limit"),
        (limit, "at_most = \"144 J\"\nequals = 3", "`equals` stands beside a limit"),
        (limit, "at_most = \"1 J\"\nat_least = \"2 J\"", "nothing is at least 2 and at most 1"),
        (limit, "at_most = \"144 m\"", "144 m"),
        (limit, "at_most = inf", "inf"),
        (output, "[[constraint]]\noutput = \"end.enrgy\"", "there is no output `end.enrgy`"),
        (output, "[[constraint]]", "speaks of one thing"),
        (output, "[[constraint]]\nparameter = \"uq\"", "did you mean `up`?"),
        (output, "[[constraint]]\nparameter = \"up\"\nentries = [1]", "has no entry 1"),
        (output, "[[constraint]]\nparameter = \"up\"\nat = 3", "`at` has no effect here"),
        (output, "[[constraint]]\nlimit = 3\noutput = \"end.energy\"", "limit"),
    ] {
        let said = refusal(&[(from, to)]);
        assert!(said.contains(says) && said.contains("throw.toml"), "{to}: {said}");
    }
}

#[test]
fn equations_that_make_no_sense_are_refused_with_the_place() {
    for (from, to, says) in [
        // a name that nobody knows, a cycle, a wrong unit, a wrong number of arguments
        ("climb  = \"-g\"", "climb  = \"-gg\"", "gg"),
        ("energy = \"0.5", "energy = \"energy + 0.5", "energy"),
        ("climb  = \"-g\"", "climb  = \"-g * mass\"", "kg"),
        ("climb  = \"-g\"", "climb  = \"-max(g)\"", "max"),
        ("climb  = \"-g\"", "climb  = \"-(g\"", "-(g"),
        ("height = \"climb\"", "heigth = \"climb\"", "heigth"),
        ("when = \"height < 0\"", "when = \"height < 0 s\"", "height"),
    ] {
        let said = refusal(&[(from, to)]);
        assert!(said.contains(says) && said.contains("throw.toml"), "{to}: {said}");
    }
}

#[test]
fn equations_without_a_solution_end_as_failures_that_say_why() {
    fn fails(replace: &[(&str, &str)], says: &str) {
        let place = place(replace);
        let output = place.run(&["simulate", "throw.toml"]);
        let said = stderr(&output);
        assert!(matches!(output.status.code(), Some(1..=3)), "{said}");
        assert!(said.contains(says) && !said.contains("panicked"), "{said}");
    }
    // an event that happens for ever within a finite time
    let landed = "label = \"landed\"\nwhen = \"height < 0\"\nends = true";
    let bounce = "label = \"bounce\"\nwhen = \"height < 0\"\nset = [\"height = 0\", \"climb = -0.5 * climb\"]";
    fails(&[(landed, bounce)], "bounce");
    // a solution that grows beyond all bounds
    let grows = "climb  = \"g + climb^2 / (x + one)\"";
    fails(&[("climb  = \"-g\"", grows), ("mass   =", "one    = \"1 m\"\nmass   =")], "step");
}
