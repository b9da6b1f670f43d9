//! The program from the outside: files, exit codes, determinism, resuming.

use std::process::Stdio;

use super::place::{Place, json, names, stderr, stdout, timeless};

#[test]
fn a_run_leaves_everything_that_it_learned() {
    let place = Place::with_scenario(&[]);
    let output = place.run(&["run", "scenario.toml", "--out", "r", "--format", "json"]);
    let summary = json(&output);
    let met = summary["goal_met"].as_bool().unwrap();
    assert_eq!(output.status.code(), Some(i32::from(!met)), "{}", stderr(&output));
    for key in [
        "scenario",
        "status",
        "goal_met",
        "objective_initial",
        "objective_final",
        "iterations",
        "evaluations",
        "gradient_evaluations",
        "wall_s",
        "run_dir",
    ] {
        assert!(!summary[key].is_null(), "{key}");
    }
    assert_eq!(summary["start_check"]["verdict"], "agrees", "{}", summary["start_check"]);
    // each goal is a number too
    let findings = summary["findings"].as_array().expect("goals as numbers");
    let reduction = ["objective_initial", "objective_final"].map(|k| summary[k].as_f64().unwrap());
    let measured = findings[0]["measured"].as_f64().unwrap();
    assert!((measured / (reduction[0] / reduction[1]) - 1.0).abs() < 1e-12, "{findings:?}");
    assert_eq!(findings[0]["met"], measured >= 2.0);
    assert_eq!((&findings[1]["unit"], findings[1]["met"].as_bool()), (&"mHa".into(), None));
    let expected = [
        ".lock",
        "artifacts",
        "checkpoints",
        "events.jsonl",
        "history.csv",
        "manifest.json",
        "plots",
        "report.html",
        "resolved.toml",
        "result.json",
        "scenario.toml",
    ];
    assert_eq!(names(&place.path("r")), expected);
    assert_eq!(place.read("r/scenario.toml"), place.read("scenario.toml"));
    let rows = place.read("r/history.csv").lines().count() - 1;
    assert_eq!(rows as u64, summary["iterations"].as_u64().unwrap() + 1);
    let report = place.read("r/report.html");
    assert!(
        report.contains("<svg") && !report.contains("http-equiv") && !report.contains("src=\"http")
    );
    // a settings file can be run again, and says the same
    let again = place.run(&["run", "r/resolved.toml", "--out", "again", "--quiet"]);
    assert_eq!(again.status.code(), output.status.code());
    assert!(again.stderr.is_empty() && again.stdout.is_empty());
    assert_eq!(timeless(&place.read("r/history.csv")), timeless(&place.read("again/history.csv")));
    // the folder of a run is not overwritten unasked
    assert_eq!(place.run(&["run", "scenario.toml", "--out", "r"]).status.code(), Some(2));
    assert_eq!(timeless(&place.read("r/history.csv")), timeless(&place.read("again/history.csv")));
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let place = Place::with_scenario(&[]);
    for method in ["lbfgsb", "adam", "cma-es"] {
        let histories = ["1", "2", "3"].map(|threads| {
            let folder = format!("{method}-{threads}");
            let set = format!("optimizer.method=\"{method}\"");
            let output = place.run(&[
                "run",
                "scenario.toml",
                "--out",
                &folder,
                "--threads",
                threads,
                "--set",
                &set,
                "--set",
                "stop.max_iterations=6",
                "--quiet",
            ]);
            assert!(matches!(output.status.code(), Some(0 | 1)), "{}", stderr(&output));
            timeless(&place.read(&format!("{folder}/history.csv")))
        });
        assert_eq!(histories[0], histories[1], "{method}");
        assert_eq!(histories[0], histories[2], "{method}");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_resumes_to_the_same_bits() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let place = Place::with_scenario(&[]);
        let whole = place.run(&["run", "scenario.toml", "--out", "whole", "--quiet"]);
        let mut child = place
            .command(&["run", "scenario.toml", "--out", "parts"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = || {
            let text = std::fs::read_to_string(place.path("parts/history.csv")).unwrap_or_default();
            text.lines().count()
        };
        while lines() < 5 && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        let kill = std::process::Command::new("kill")
            .args([&format!("-{signal}"), &child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert!(!place.path("parts/result.json").exists(), "an interrupted run is not complete");
        let resumed = place.run(&["resume", "parts", "--quiet"]);
        assert_eq!(resumed.status.code(), whole.status.code(), "{}", stderr(&resumed));
        let (whole, parts) = (place.read("whole/history.csv"), place.read("parts/history.csv"));
        assert_eq!(timeless(&whole), timeless(&parts));
    }
}

#[test]
fn every_method_resumes_to_the_same_bits_from_a_limit() {
    for method in ["lbfgsb", "adam", "cma-es"] {
        let place = Place::with_scenario(&[]);
        let set = format!("optimizer.method=\"{method}\"");
        let run = |out: &str, limit: &str| {
            let limit = format!("stop.max_iterations={limit}");
            place.run(&[
                "run",
                "scenario.toml",
                "--out",
                out,
                "--set",
                &set,
                "--set",
                &limit,
                "--quiet",
            ])
        };
        run("whole", "8");
        run("parts", "3");
        let resumed = place.run(&["resume", "parts", "--set", "stop.max_iterations=8", "--quiet"]);
        assert!(matches!(resumed.status.code(), Some(0 | 1)), "{}", stderr(&resumed));
        let (whole, parts) = (place.read("whole/history.csv"), place.read("parts/history.csv"));
        assert_eq!(timeless(&whole), timeless(&parts), "{method}");
    }
}

#[test]
fn a_checkpoint_of_something_else_is_refused_and_the_difference_named() {
    let place = Place::with_scenario(&[]);
    place.run(&["run", "scenario.toml", "--out", "r", "--set", "stop.max_iterations=2", "--quiet"]);
    let output = place.run(&["resume", "r", "--set", "scf.mixing=0.3"]);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output).replace("\n  │ ", " ");
    assert!(said.contains("then `scf.mixing = 0.5`; now `scf.mixing = 0.3`"), "{said}");
    let manifest = place.read("r/manifest.json");
    for (from, to, says) in [
        ("\"version\": \"", "\"version\": \"9.", "written by version 9."),
        ("\"simd\": \"", "\"simd\": \"wide-", "SIMD level wide-"),
    ] {
        place.write("r/manifest.json", &manifest.replacen(from, to, 1));
        let output = place.run(&["resume", "r"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(says), "{}", stderr(&output));
    }
    assert_eq!(place.run(&["resume", "nowhere"]).status.code(), Some(4));
}

#[test]
fn gradcheck_passes_and_would_see_a_wrong_tolerance() {
    let place = Place::with_scenario(&[]);
    let output = place.run(&["gradcheck", "scenario.toml", "--format", "json"]);
    let found = json(&output);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(found["max_relative_error"].as_f64().unwrap() <= 1e-6 && found["passed"] == true);
    assert_eq!(
        found["parameters"].as_array().unwrap().len() as u64,
        found["dimension"].as_u64().unwrap()
    );
    let strict = place.run(&["gradcheck", "scenario.toml", "--tolerance", "1e-18"]);
    assert_eq!(strict.status.code(), Some(1));
}

#[test]
fn gradcheck_of_some_entries_checks_only_these() {
    let place = Place::with_scenario(&[]);
    let names = |only: &str| {
        let output = place.run(&["gradcheck", "scenario.toml", "--only", only, "--format", "json"]);
        let found = json(&output);
        let names = found["parameters"].as_array().unwrap().iter();
        names.map(|e| e["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("network.output[0,1,0]"), ["network.output[0,1,0]"]);
    let eta = names("network.eta");
    assert!(eta.len() > 1 && eta.iter().all(|n| n.starts_with("network.eta[")), "{eta:?}");
    let unknown = place.run(&["gradcheck", "scenario.toml", "--only", "network.etta"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("no parameter's name begins so"), "{}", stderr(&unknown));
}

#[test]
fn what_can_be_known_before_a_run_is_said_without_one() {
    let place = Place::with_scenario(&[]);
    let check = place.run(&["check", "scenario.toml", "--format", "json"]);
    assert_eq!(
        json(&check)["scenarios"][0]["parameters"],
        json(&place.run(&["list", "scenario.toml", "--format", "json"]))["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| p["shape"]
                .as_array()
                .unwrap()
                .iter()
                .map(|n| n.as_u64().unwrap())
                .product::<u64>())
            .sum::<u64>()
    );
    let plan = place.run(&["run", "scenario.toml", "--dry-run"]);
    assert_eq!(plan.status.code(), Some(0));
    assert!(stderr(&plan).contains("Kohn-Sham steps"));
    let all = json(&place.run(&["list", "--format", "json"]));
    assert!(all["optimizers"].as_array().unwrap().len() >= 4 && !all["kinds"][0]["kind"].is_null());
    assert_eq!(names(place.path("").as_path()), ["scenario.toml"]);
}

#[test]
fn init_writes_a_scenario_that_checks_for_every_kind() {
    let place = Place::new();
    let kinds = json(&place.run(&["list", "--format", "json"]));
    for kind in kinds["kinds"].as_array().unwrap() {
        let kind = kind["kind"].as_str().unwrap();
        let written = json(&place.run(&["init", kind, "--format", "json"]));
        let scenario = written["scenario"].as_str().unwrap();
        let check = place.run(&["check", scenario]);
        assert_eq!(check.status.code(), Some(0), "{kind}: {}", stderr(&check));
        // the schema that editors look for is there
        let text = place.read(scenario);
        let schema = text.lines().next().and_then(|line| line.strip_prefix("#:schema "));
        assert!(place.read(&format!("{kind}/{}", schema.unwrap())).contains(kind), "{kind}");
    }
}

#[test]
fn plots_and_report_are_made_anew() {
    let place = Place::with_scenario(&[]);
    for out in ["a", "b"] {
        place.run(&[
            "run",
            "scenario.toml",
            "--out",
            out,
            "--set",
            "stop.max_iterations=3",
            "--quiet",
        ]);
    }
    let (plot, report) = (place.read("a/plots/convergence.svg"), place.read("a/report.html"));
    std::fs::remove_dir_all(place.path("a/plots")).unwrap();
    std::fs::remove_file(place.path("a/report.html")).unwrap();
    assert_eq!(place.run(&["plot", "a"]).status.code(), Some(0));
    assert_eq!(place.run(&["report", "a"]).status.code(), Some(0));
    assert_eq!(
        (place.read("a/plots/convergence.svg"), place.read("a/report.html")),
        (plot, report)
    );
    assert_eq!(place.run(&["plot", "a", "b"]).status.code(), Some(0));
    let picture = place.read("comparison.svg");
    for text in ["evaluations", "lbfgsb (a)", "lbfgsb (b)"] {
        assert!(picture.contains(text), "{text}");
    }
    // a picture that is there is somebody's
    place.write("comparison.svg", "mine");
    let output = place.run(&["plot", "a", "b"]);
    assert_eq!((output.status.code(), place.read("comparison.svg").as_str()), (Some(2), "mine"));
    assert_eq!(place.run(&["plot", "a", "b", "--force"]).status.code(), Some(0));
    assert_eq!(place.read("comparison.svg"), picture);
}

#[test]
fn the_schema_in_docs_is_the_program_s() {
    let place = Place::new();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/scenario.schema.json");
    let kept: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let made = json(&place.run(&["schema"]));
    assert!(
        kept == made,
        "write it anew: cargo run -p cotangent-cli -- schema > docs/scenario.schema.json"
    );
}

#[test]
fn a_closed_pipe_changes_no_exit_code() {
    let place = Place::with_scenario(&[]);
    let closed = |words: &[&str]| {
        let mut child =
            place.command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        output.status.code()
    };
    assert_eq!(closed(&["schema"]), Some(0));
    assert_eq!(closed(&["gradcheck", "scenario.toml", "--tolerance", "1e-30"]), Some(1));
    assert_eq!(closed(&["check", "absent.toml", "--format", "json"]), Some(4));
}
