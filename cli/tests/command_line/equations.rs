//! Equations that a scenario writes down: from `init` to a report.

use super::place::{Place, json, stderr, stdout};

/// A file of `scenarios/`.
fn file(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios").join(name);
    std::fs::read_to_string(path).unwrap()
}

fn place(name: &str) -> Place {
    let place = Place::new();
    place.write("s.toml", &file(&format!("{name}.toml")));
    if name != "trebuchet" {
        place.write(&format!("{name}.csv"), &file(&format!("{name}.csv")));
    }
    place
}

#[test]
fn a_template_is_listed_checked_simulated_and_run_to_its_goals() {
    let place = Place::new();
    assert_eq!(place.run(&["init", "equations", "."]).status.code(), Some(0));
    let listed = place.run(&["list", "scenario.toml"]);
    let text = stdout(&listed);
    for name in ["birth", "start.hare", "log_lynx", "caught", "1/(pelt year)"] {
        assert!(text.contains(name), "{name}: {text}");
    }
    for words in [&["check", "scenario.toml"][..], &["simulate", "scenario.toml", "--out", "out"]] {
        let output = place.run(words);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    assert!(
        place
            .read("out/outputs.csv")
            .starts_with("time,hare,lynx,caught,log_hare,log_lynx\n1900,30,4,")
    );
    let output = place.run(&["run", "scenario.toml", "--out", "r", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(json(&output)["criteria"].as_array().unwrap().len(), 2);
    let answer = place.read("r/artifacts/answer.csv");
    let errors = answer.lines().skip(1).map(|l| l.rsplit(',').next().unwrap().parse::<f64>());
    assert!(errors.clone().count() == 6 && errors.flatten().all(|e| e > 0.0), "{answer}");
    assert!(place.path("r/plots/course-1.svg").exists());
}

#[test]
fn gradients_through_equations_and_their_events_pass() {
    for name in ["lynx-hare", "two-compartments", "lockdown", "trebuchet"] {
        let output = place(name).run(&["gradcheck", "s.toml"]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", stderr(&output));
    }
}

#[test]
fn the_moment_of_a_jump_and_a_throw_are_found() {
    for name in ["lockdown", "trebuchet"] {
        let output = place(name).run(&["run", "s.toml", "--out", "r"]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", stderr(&output));
    }
}

#[test]
fn a_slip_in_an_expression_is_shown_in_its_line() {
    let place = place("lynx-hare");
    place.write(
        "s.toml",
        &file("lynx-hare.toml").replace("birth * hare - caught", "brith * hare - caught"),
    );
    let output = place.run(&["run", "s.toml"]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("there is no `brith`") && said.contains("did you mean `birth`?"),
        "{said}"
    );
    assert!(!place.path("runs").exists());
    // a column that the file lacks, an event without end, steps that have none
    for (from, to, code, expected) in [
        (
            "target = \"lynx-hare.csv\"",
            "columns = [\"hares\"]\ntarget = \"lynx-hare.csv\"",
            2,
            "has no column \"hares\"",
        ),
        (
            "hare = \"birth * hare - caught\"",
            "hare = \"one * birth * (hare / one)^3\"",
            3,
            "a singularity",
        ),
    ] {
        place.write("s.toml", &file("lynx-hare.toml").replacen(from, to, 1));
        let output = place.run(&["run", "s.toml", "--out", "bad"]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(expected), "{expected}: {said}");
    }
}
