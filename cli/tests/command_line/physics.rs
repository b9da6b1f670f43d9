//! Scenarios of moving bodies: their goals, threads, and models that cannot be read.

use super::place::{Place, json, stderr, timeless};

/// A place with the template of `kind`.
fn template(kind: &str) -> Place {
    let place = Place::new();
    let output = place.run(&["init", kind, "."]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    place
}

#[test]
fn a_thrown_ball_lands_on_its_target_from_any_seed() {
    let place = template("balls");
    for seed in ["0", "1", "2"] {
        let set = format!("scenario.seed={seed}");
        let words = ["run", "scenario.toml", "--out", seed, "--set", &set, "--format", "json"];
        let output = place.run(&words);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let summary = json(&output);
        assert_eq!(summary["findings"].as_array().unwrap().len(), 1);
        assert!(summary["evaluations"].as_u64().unwrap() < 30, "{summary}");
        for file in ["plots/motion-side.svg", "plots/motion-above.svg", "artifacts/answer.csv"] {
            assert!(place.path(seed).join(file).exists(), "{file}");
        }
    }
    let residuals = ["run", "scenario.toml", "--set", "optimizer.method=gauss-newton"];
    assert_eq!(place.run(&residuals).status.code(), Some(0));
}

/// Newton's steps stage by stage go on from a checkpoint with the same bits, on any number of threads; what has no stages is refused.
#[test]
fn a_pole_swings_up_stage_by_stage() {
    let place = Place::new();
    for file in ["cart-pole.toml", "cart-pole.xml"] {
        let from = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/");
        std::fs::copy(format!("{from}{file}"), place.path(file)).unwrap();
    }
    let method = ["--set", "optimizer.method=ddp", "--set", "stop.value_tolerance=1e-7"];
    let run = |threads: &str, most: &str| {
        let most = format!("stop.max_iterations={most}");
        let words = ["run", "cart-pole.toml", "--out", threads, "--threads", threads, "--quiet"];
        place.run(&[&words[..], &method, &["--set", &most]].concat())
    };
    for threads in ["1", "2"] {
        let output = run(threads, "300");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    assert_eq!(timeless(&place.read("1/history.csv")), timeless(&place.read("2/history.csv")));
    assert_eq!(run("3", "4").status.code(), Some(1), "four iterations are too few");
    let output = place.run(&["resume", "3", "--set", "stop.max_iterations=300", "--quiet"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(timeless(&place.read("1/history.csv")), timeless(&place.read("3/history.csv")));
    let identified = template("balls");
    let output = identified.run(&["check", "scenario.toml", "--set", "optimizer.method=ddp"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("stages of a trajectory"), "{}", stderr(&output));
}

#[test]
fn a_model_is_inspected_without_a_scenario() {
    let place = Place::new();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/arm.xml");
    let output = place.run(&["inspect", file, "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let found = json(&output);
    assert_eq!((found["sizes"]["nv"].as_u64(), found["sizes"]["nu"].as_u64()), (Some(5), Some(5)));
    assert_eq!(place.run(&["inspect", "nowhere.xml"]).status.code(), Some(4));
}

#[test]
fn gradients_of_motions_pass() {
    for (kind, seed) in [("balls", "0"), ("motion", "0"), ("motion", "1"), ("motion", "2")] {
        let output = template(kind).run(&["gradcheck", "scenario.toml", "--seed", seed]);
        assert_eq!(output.status.code(), Some(0), "{kind} {seed}: {}", stderr(&output));
    }
}

#[test]
fn motions_have_the_same_bits_on_any_number_of_threads() {
    for (kind, method) in [("balls", "lbfgsb"), ("motion", "lbfgsb"), ("motion", "cma-es")] {
        let place = template(kind);
        let set = format!("optimizer.method=\"{method}\"");
        let histories = ["1", "2", "3"].map(|threads| {
            let mut words = vec!["run", "scenario.toml", "--out", threads, "--threads", threads];
            words.extend(["--set", &set, "--set", "stop.max_iterations=5", "--quiet"]);
            if method == "cma-es" {
                words.extend(["--set", "optimizer.sigma=0.01"]);
            } else if kind == "motion" {
                words.extend(["--set", "optimizer.memory=10"]);
            }
            let output = place.run(&words);
            assert!(matches!(output.status.code(), Some(0 | 1)), "{}", stderr(&output));
            timeless(&place.read(&format!("{threads}/history.csv")))
        });
        assert!(histories[0].len() > 3, "{kind} moved");
        assert_eq!(histories[0], histories[1], "{kind} {method}");
        assert_eq!(histories[0], histories[2], "{kind} {method}");
    }
}

/// The arm with some text replaced, in the scenario or the model; what is said about it.
fn refused(replace: &[(&str, &str)]) -> String {
    let place = template("motion");
    for (from, to) in replace {
        let file = ["scenario.toml", "arm.xml"].into_iter().find(|f| place.read(f).contains(from));
        let file = file.unwrap_or_else(|| panic!("{from:?} is in no file"));
        place.write(file, &place.read(file).replacen(from, to, 1));
    }
    let output = place.run(&["check", "scenario.toml"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    stderr(&output)
}

#[test]
fn models_that_cannot_be_read_are_named_by_line() {
    let cases: &[(&str, &str, &str, &str)] = &[
        (
            "size=\"0.07\"/>",
            "size=\"0.07\" mass=\"-1\"/>",
            "mass of geom `turret` is -1",
            "arm.xml:16",
        ),
        ("</mujoco>", "", "not well-formed XML", "arm.xml:"),
        (
            "<mujoco model",
            "<!DOCTYPE m [<!ENTITY a \"&b;\"><!ENTITY b \"&a;\">]>\n<mujoco note=\"&a;\" model",
            "not well-formed XML",
            "arm.xml:2",
        ),
        ("<worldbody>", "<wrench/>\n  <worldbody>", "`wrench`", "arm.xml:12"),
        ("joint=\"flex\"", "joint=\"flexx\"", "no joint is named `flexx`", "arm.xml:38"),
        ("file = \"arm.xml\"", "file = \"leg.xml\"", "there is no file", "scenario.toml:11"),
    ];
    for (from, to, expected, place) in cases {
        let said = refused(&[(from, to)]);
        let flat = said.split_whitespace().collect::<Vec<_>>().join(" ").replace("│ ", "");
        assert!(flat.contains(expected), "{expected}: {said}");
        assert!(said.contains(place), "{place}: {said}");
    }
}

#[test]
fn what_is_not_simulated_is_refused_unless_it_is_turned_off_by_name() {
    let place = template("motion");
    let model = place.read("arm.xml").replace(" limit=\"disable\"", "");
    let model = model.replace(" contact=\"disable\"", "");
    let stone = "<body><freejoint/><geom type=\"mesh\" mesh=\"stone\"/></body>";
    let stones = format!("{stone}{stone}</worldbody>");
    let mesh = "<asset><mesh name=\"stone\" vertex=\"0 0 0 .1 0 0 0 .1 0 0 0 .1\" face=\"0 2 1 0 1 3 0 3 2 1 2 3\"/></asset><worldbody>";
    let model = model.replace("<worldbody>", mesh);
    place.write("arm.xml", &model.replace("</worldbody>", &stones));
    let output = place.run(&["check", "scenario.toml"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("`contact` of"), "{}", stderr(&output));
    let ignoring = ["check", "scenario.toml", "--set", "model.ignore=[\"contact\", \"limit\"]"];
    assert_eq!(place.run(&ignoring).status.code(), Some(0), "{}", stderr(&place.run(&ignoring)));
    let needless = ["check", "scenario.toml", "--set", "model.ignore=[\"contact\", \"equality\"]"];
    let output = place.run(&needless);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("does not ask for \"equality\""), "{}", stderr(&output));
}

#[test]
fn balls_that_make_no_sense_are_refused() {
    let twin = "[[ball]]\nlabel = \"twin\"\nposition = [0.1, 0.0, 1.5]\n\n[[wall]]";
    let cases = [
        ("velocity = [2.0, 0.0, 2.0]", "velocity = [2.0, 2.0]", "`velocity` has 2 numbers"),
        ("velocity = [2.0, 0.0, 2.0]", "velocity = [2.0, nan, 2.0]", "NaN is out of range"),
        ("position = [0.0, 0.0, 1.5]", "position = [0.0, 0.0, 0.05]", "inside wall `ground`"),
        ("[[wall]]", twin, "inside ball `twin`"),
        ("normal = [0.0, 0.0, 1.0]", "normal = [0.0, 0.0, 0.0]", "has no direction"),
        ("impacts = 2 ", "impacts = 0 ", "nothing is watched"),
        ("impacts = 2 ", "duration = 0.015 ", "no whole number of steps"),
        ("within = \"1 mm\"", "within = \"1 kg\"", "kg"),
    ];
    for (from, to, expected) in cases {
        let place = template("balls");
        let text = place.read("scenario.toml");
        assert!(text.contains(from), "{from}");
        place.write("scenario.toml", &text.replacen(from, to, 1));
        let output = place.run(&["check", "scenario.toml"]);
        assert_eq!(output.status.code(), Some(2), "{from} -> {to}");
        let said = stderr(&output);
        let flat = said.split_whitespace().collect::<Vec<_>>().join(" ").replace("│ ", "");
        assert!(flat.contains(expected), "{expected}: {said}");
    }
}

/// A ball that flies up and away has no second impact: the start is refused, and the reason is said.
#[test]
fn a_motion_without_its_impacts_says_so() {
    let place = template("balls");
    let words = ["run", "scenario.toml", "--set", "world.gravity=[0.0, 0.0, 9.81]"];
    let output = place.run(&words);
    assert_ne!(output.status.code(), Some(0));
    assert!(stderr(&output).contains("2 were to come"), "{}", stderr(&output));
}
