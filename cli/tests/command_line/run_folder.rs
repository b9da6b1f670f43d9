//! The run folder: whose files are whose, and what a run survives.

#[cfg(unix)]
use std::process::Stdio;

use super::place::{Place, json, names, stderr, timeless};

const SHORT: [&str; 3] = ["--set", "stop.max_iterations=2", "--quiet"];

fn words<'a>(first: &[&'a str], rest: &[&'a str]) -> Vec<&'a str> {
    first.iter().chain(rest).copied().collect()
}

#[test]
fn a_folder_of_the_user_is_no_run_folder_even_with_force() {
    let place = Place::with_scenario(&[]);
    std::fs::create_dir_all(place.path("plots")).unwrap();
    place.write("plots/mine.svg", "mine");
    place.write("report.html", "mine");
    for verb in [
        &["run", "scenario.toml", "--out", ".", "--force"][..],
        &["run", "scenario.toml", "--out", ".", "--force", "--dry-run"],
    ] {
        let output = place.run(verb);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains("not a run's"), "{}", stderr(&output));
    }
    assert_eq!(names(&place.path("")), ["plots", "report.html", "scenario.toml"]);
    assert_eq!(place.read("plots/mine.svg") + &place.read("report.html"), "minemine");
}

#[test]
fn a_name_is_one_part_of_a_path() {
    for name in ["../../../escaped", "/abs", "", "..", "a/b", "a\\\\u001b[2J"] {
        let place = Place::with_scenario(&[(
            "name = \"small\"",
            &format!("name = \"{}\"", name.replace("\\\\", "\\")),
        )]);
        for verb in ["run", "check"] {
            let output = place.run(&[verb, "scenario.toml"]);
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{name:?}: {said}");
            assert!(said.contains("bad_name") && said.contains("scenario.toml:2:"), "{said}");
            assert!(!said.contains('\u{1b}'), "{said:?}");
        }
        assert_eq!(names(&place.path("")), ["scenario.toml"], "{name:?}");
    }
}

#[test]
fn a_place_that_cannot_be_written_is_found_at_once_and_by_a_dry_run() {
    let place = Place::with_scenario(&[]);
    place.write("file", "no folder");
    for out in ["file", "file/deep"] {
        for extra in [&["--dry-run"][..], &[]] {
            let output = place.run(&words(&["run", "scenario.toml", "--out", out], extra));
            assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
            assert!(!stderr(&output).contains("evaluating the start"), "{}", stderr(&output));
        }
    }
}

#[test]
fn a_run_folder_is_all_that_a_run_needs() {
    let place = Place::new();
    let written = json(&place.run(&["init", "motion", "there", "--format", "json"]));
    let scenario = written["scenario"].as_str().unwrap();
    let files: Vec<_> =
        names(&place.path("there")).into_iter().filter(|n| n.contains(".xml")).collect();
    let [model] = files.as_slice() else { panic!("{files:?}") };
    let text = place.read(&format!("there/{model}"));
    let run = |out: &str, limit: &str| {
        let limit = format!("stop.max_iterations={limit}");
        let all = ["run", scenario, "--out", out, "--set", &limit, "--quiet"];
        let output = place.run(&all);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{}", stderr(&output));
    };
    run("whole", "4");
    run("parts", "2");
    assert_eq!(place.read(&format!("parts/inputs/{model}")), text);
    // its inputs are gone, and it has been moved
    std::fs::remove_dir_all(place.path("there")).unwrap();
    std::fs::create_dir(place.path("deep")).unwrap();
    std::fs::rename(place.path("parts"), place.path("deep/moved")).unwrap();
    let output = place.run(&["resume", "deep/moved", "--set", "stop.max_iterations=4", "--quiet"]);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", stderr(&output));
    let (whole, moved) = (place.read("whole/history.csv"), place.read("deep/moved/history.csv"));
    assert_eq!(timeless(&whole), timeless(&moved));
    let folder = place.path("").display().to_string();
    for name in ["manifest.json", "resolved.toml", "report.html", "result.json"] {
        let text = place.read(&format!("deep/moved/{name}"));
        assert!(!text.contains(folder.trim_end_matches('/')), "{name} has no absolute path");
    }
    // the limit that was raised is remembered, and a changed input is named
    assert!(place.read("deep/moved/resolved.toml").contains("stop.max_iterations = 4"));
    place.write(&format!("deep/moved/inputs/{model}"), &(text + "<!-- -->\n"));
    let output = place.run(&["resume", "deep/moved"]);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output).replace("\n  │ ", " ");
    assert!(said.contains(&format!("inputs/{model} has changed")), "{said}");
}

#[test]
fn the_simd_level_in_use_is_recorded_and_asked_for_on_resuming() {
    let place = Place::with_scenario(&[]);
    let run = |out: &str, level: Option<&str>| {
        let mut command = place.command(&words(&["run", "scenario.toml", "--out", out], &SHORT));
        if let Some(level) = level {
            command.env("COTANGENT_SIMD", level);
        }
        let output = command.output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 1)), "{}", stderr(&output));
        let text = place.read(&format!("{out}/manifest.json"));
        let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
        manifest["simd"].as_str().unwrap().to_owned()
    };
    assert_eq!(run("widest", None), cotangent_cli::run::simd::level());
    let baseline = run("baseline", Some("baseline"));
    assert!(baseline.contains(" baseline"), "{baseline}");
    let output = place.run(&["resume", "baseline"]);
    if baseline == cotangent_cli::run::simd::level() {
        return; // this machine has no other
    }
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output).replace("\n  │ ", " ");
    assert!(said.contains(&format!("computed on SIMD level {baseline}")), "{said}");
    let mut forced = place.command(&["resume", "baseline", "--quiet"]);
    let output = forced.env("COTANGENT_SIMD", "baseline").output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", stderr(&output));
}

#[test]
fn thousands_of_unknown_keys_are_counted() {
    let place = Place::new();
    let keys: String = (0..5000).map(|k| format!("no_such_key_number_{k} = {k}\n")).collect();
    place.write("s.toml", &format!("[scenario]\nname = \"many\"\nkind = \"motion\"\n{keys}"));
    let output = place.run(&["check", "s.toml"]);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(said.len() < 20_000 && said.contains("more problems"), "{}", said.len());
    let output = place.run(&["check", "s.toml", "--format", "json"]);
    assert!(json(&output)["number"].as_u64().unwrap() >= 5000);
}

#[test]
fn threads_are_bounded_and_seeds_are_as_long_as_the_key_s() {
    let place = Place::with_scenario(&[]);
    let output = place.run(&["check", "scenario.toml", "--threads", "65535"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("threads can be of use"), "{}", stderr(&output));
    let largest = i64::MAX.to_string();
    let output = place.run(&["check", "scenario.toml", "--seed", &largest, "--format", "json"]);
    assert_eq!(json(&output)["scenarios"][0]["seed"].as_u64(), Some(i64::MAX as u64));
    let output = place.run(&["check", "scenario.toml", "--seed", "9223372036854775808"]);
    assert_eq!(output.status.code(), Some(2));
}

#[cfg(target_os = "linux")]
#[test]
fn a_path_that_is_not_utf8_is_a_path() {
    use std::os::unix::ffi::OsStrExt;

    let place = Place::new();
    let folder = place.path("").join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("scenario.toml"), super::place::SMALL).unwrap();
    let run = |words: &[&str]| {
        let mut command = place.command(words);
        let output = command.current_dir(&folder).output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 1)), "{words:?} {}", stderr(&output));
        output
    };
    json(&run(&words(&["run", "scenario.toml", "--out", "r", "--format", "json"], &SHORT)));
    // by its whole path, too
    let mut command = place.command(&["report"]);
    let output = command.arg(folder.join("r")).args(["--format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    json(&run(&["check", "scenario.toml", "--format", "json"]));
    let written = json(&run(&["init", "motion", "--format", "json"]));
    run(&["check", written["scenario"].as_str().unwrap()]);
    json(&run(&["plot", "r", "--format", "json"]));
    run(&["resume", "r", "--quiet"]);
}

/// A run that goes on for long enough to be stopped.
#[cfg(unix)]
fn long_run(place: &Place, command: &str) -> std::process::Child {
    let program = env!("CARGO_BIN_EXE_cotangent");
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &format!("{command} exec {program} run scenario.toml --out r --quiet")]);
    let mut child = shell.current_dir(place.path("")).stdin(Stdio::null()).spawn().unwrap();
    let has_iterated = || {
        let history = std::fs::read_to_string(place.path("r/history.csv"));
        history.is_ok_and(|text| text.lines().count() > 1)
    };
    while !has_iterated() {
        assert!(child.try_wait().unwrap().is_none(), "it ended without an iteration");
        std::thread::yield_now();
    }
    child
}

#[cfg(unix)]
fn kill(signal: &str, child: &std::process::Child) {
    let id = child.id().to_string();
    let status = std::process::Command::new("kill").args([signal, &id]).status();
    assert!(status.unwrap().success());
}

#[cfg(unix)]
#[test]
fn a_run_that_was_killed_at_its_start_is_resumed() {
    let place = Place::with_scenario(&[]);
    let mut child = long_run(&place, "");
    kill("-KILL", &child);
    child.wait().unwrap();
    let output = place.run(&["resume", "r", "--quiet"]);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", stderr(&output));
    let whole = place.run(&["run", "scenario.toml", "--out", "whole", "--quiet"]);
    assert_eq!(whole.status.code(), output.status.code());
    let (whole, parts) = (place.read("whole/history.csv"), place.read("r/history.csv"));
    assert_eq!(timeless(&whole), timeless(&parts));
}

#[cfg(unix)]
#[test]
fn a_signal_that_was_ignored_before_is_still_ignored() {
    let place = Place::with_scenario(&[]);
    let mut child = long_run(&place, "trap '' INT HUP;");
    kill("-INT", &child);
    kill("-HUP", &child);
    let code = child.wait().unwrap().code();
    assert!(matches!(code, Some(0 | 1)), "it ran to its end: {code:?}");
    assert!(place.path("r/result.json").exists());
}

#[cfg(unix)]
#[test]
fn a_run_in_use_is_neither_resumed_nor_overwritten() {
    let place = Place::with_scenario(&[("max_iterations = 24", "max_iterations = 400")]);
    let mut child = long_run(&place, "");
    for verb in [&["resume", "r"][..], &["run", "scenario.toml", "--out", "r", "--force"]] {
        let output = place.run(verb);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains("another process is working"), "{}", stderr(&output));
    }
    kill("-INT", &child);
    assert_eq!(child.wait().unwrap().code(), Some(130), "it was not disturbed");
}
