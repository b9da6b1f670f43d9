//! What a scenario of equations may say, and what is said of its slips.

use std::path::Path;

use cotangent_problem::{SampleKey, Want, Workspace};

use crate::{load_text, simulation_of_text};

const SCENARIO: &str = r#"
[scenario]
name = "dose"
kind = "equations"

[model]
own_units = ["cell"]

[time]
unit = "h"
duration = "1 d"
every = "4 h"

[parameters]
k = { value = 0.2, unit = "1/h", lower = 0, upper = 2 }
volume = "5 L"
dose = "10 mg"

[states]
x = "3000 ug"
cells = { start = "2 * seeded", unit = "cell" }

[definitions]
level = { expression = "x / volume", unit = "ug/mL" }
seeded = { expression = "n0", about = "cells that were put there" }
n0 = "if(volume > 0, 5, 6) * one"
one = "c"

[equations]
x = """
-k * x
  + inflow"""
cells = 0

[[event]]
label = "again"
at = ["8 h"]
set = ["x = x + dose"]

[[parameter]]
name = "k"

[[term]]
output = "level"
at = [7.5, 20]
target = "0.4 mg/L"
"#;

fn complete() -> String {
    SCENARIO.replace("dose = \"10 mg\"", "dose = \"10 mg\"\ninflow = \"0.1 mg/h\"\nc = \"1 cell\"")
}

/// What is said of the scenario with a text replaced, as `line:column: message; help`.
fn said(from: &str, to: &str) -> Vec<String> {
    let text = complete();
    assert!(text.contains(from), "{from:?} is in the scenario");
    let text = text.replacen(from, to, 1);
    let problems = load_text(Path::new("s.toml"), &text, &[]).err().unwrap_or_default();
    problems.iter().map(|d| format!("{}; {}", d.short(), d.help)).collect()
}

#[test]
fn quantities_units_and_times_are_as_they_are_written() {
    let loaded = load_text(Path::new("s.toml"), &complete(), &["parameters.dose=20 mg".into()]);
    let loaded = loaded.unwrap_or_else(|e| panic!("{e:?}"));
    let prepared = loaded.scenario.prepare().unwrap();
    let found = prepared
        .objective()
        .evaluate(&[0.2], Want::JACOBIAN, SampleKey(0), &mut Workspace::new())
        .unwrap();
    // x in ug, decaying to inflow / k, with 20 mg at 8 h; the level in ug/mL is in mg/L
    let rest = 0.1 / 0.2;
    let x = |t: f64, x0: f64| rest + (x0 - rest) * (-0.2 * t).exp();
    let early = x(7.5, 3.0) / 5.0 - 0.4;
    let late = x(12.0, x(8.0, 3.0) + 20.0) / 5.0 - 0.4;
    let residuals = found.residuals.unwrap();
    assert!(
        (residuals[0] - early).abs() < 1e-7 && (residuals[1] - late).abs() < 1e-7,
        "{residuals:?}"
    );
    let made = simulation_of_text(Path::new("s.toml"), &complete(), &[]).unwrap().unwrap();
    let names: Vec<&str> = made.outputs().iter().map(|q| q.name.as_str()).collect();
    assert_eq!(names, ["x", "cells", "level", "seeded", "n0", "one", "event.again.time"]);
    // times that a term asks for are added to the grid
    let axis = made.outputs()[0].axis.clone().unwrap();
    assert_eq!(axis.values, [0.0, 4.0, 7.5, 8.0, 12.0, 16.0, 20.0, 24.0]);
    assert!((axis.weights.iter().sum::<f64>() - 24.0).abs() < 1e-12);
}

#[test]
fn slips_are_shown_in_their_places() {
    for (from, to, place, expected) in [
        (
            "+ inflow\"\"\"",
            "+ inflw\"\"\"",
            "s.toml:33:5",
            "there is no `inflw`; did you mean `inflow`?",
        ),
        ("-k * x", "-k * exp(x)", "s.toml:32:10", "the argument of `exp` is in `ug`"),
        ("x / volume", "x / volme", "s.toml:26:29", "did you mean `volume`?"),
        ("x / volume", "x / volume +", "s.toml:26:37", "not complete"),
        ("\"2 * seeded\"", "\"2 * seeded * cells\"", "s.toml:22:", "cells -> cells"),
        ("one = \"c\"", "one = \"n0\"", "s.toml:", "depends on itself"),
        ("\"x = x + dose\"", "\"x = x + k\"", "s.toml:40:8", "a sum of numbers in `ug` and `1/h`"),
        ("\"x = x + dose\"", "\"x = x + dos\"", "s.toml:40:17", "did you mean `dose`?"),
        (
            "at = [\"8 h\"]",
            "at = [\"8 h\", \"x\"]",
            "s.toml:39:",
            "the time of an event is in `ug`",
        ),
        ("at = [\"8 h\"]", "when = \"x\"", "s.toml:39:9", "this is none"),
        ("lower = 0", "lowr = 0", "s.toml:16:", "did you mean `lower`?"),
        ("lower = 0", "lower = \"1 kg\"", "s.toml:16:", "must be a number in 1/h"),
        ("lower = 0", "lower = 1", "s.toml:16:", "`k` = 0.2 is outside of [1, 2]"),
        ("unit = \"1/h\"", "unit = \"1/hr\"", "s.toml:16:", "there is no unit `hr`"),
        ("cells = 0", "cels = 0", "s.toml:", "`cels` is no state; did you mean `cells`?"),
        ("volume = \"5 L\"", "volume = \"a lot\"", "s.toml:17:", "needs a number"),
        ("volume = \"5 L\"", "volume = [5]", "s.toml:17:", "means nothing"),
        (
            "volume = \"5 L\"",
            "volume = \"5 L\"\nmax = 3",
            "s.toml:18:",
            "`max` is a function already",
        ),
        (
            "volume = \"5 L\"",
            "volume = \"5 L\"\nx = 3",
            "s.toml:",
            "named under [parameters] already",
        ),
        ("duration = \"1 d\"", "duration = \"1 m\"", "s.toml:11:", "wrong unit"),
        ("duration = \"1 d\"", "duration = -1", "s.toml:11:", "a duration of -1"),
        ("every = \"4 h\"", "every = 0", "s.toml:12:", "outputs every 0"),
        ("own_units = [\"cell\"]", "own_units = [\"mg\"]", "s.toml:7:", "known already"),
        ("[7.5, 20]", "[7.5, 25]", "s.toml:", "not on the grid"),
        ("\"0.4 mg/L\"", "\"0.4 mg\"", "s.toml:", "wrong unit"),
        ("\"0.4 mg/L\"", "\"none.csv\"", "s.toml:", "there is no file"),
        ("output = \"level\"", "output = \"lvel\"", "s.toml:", "did you mean `level`?"),
        ("label = \"again\"\nat", "at", "s.toml:", "`label` is missing"),
    ] {
        let said = said(from, to);
        let is_met = said.len() == 1 && said[0].starts_with(place) && said[0].contains(expected);
        assert!(is_met, "{place} {expected}: {said:?}");
    }
    let states =
        said("[states]\nx = \"3000 ug\"\ncells = { start = \"2 * seeded\", unit = \"cell\" }", "");
    assert!(states[0].contains("there is no state"), "{states:?}");
}

#[test]
fn experiments_have_values_of_their_own() {
    let two = "[[experiment]]\nlabel = \"a\"\n[[experiment]]\nlabel = \"b\"\nduration = \"8 h\"\nvalues = [\"dose = 0.5 g\"]\n";
    let text = (complete() + two)
        .replace("output = \"level\"\nat = [7.5, 20]", "output = \"experiment.*.level\"\nat = 7.5");
    let made = simulation_of_text(Path::new("s.toml"), &text, &[]).unwrap().unwrap();
    let of = |name: &str| made.inputs().iter().find(|q| q.name == name).map(|q| q.value[0]);
    assert_eq!(
        (of("dose"), of("experiment.b.dose"), of("experiment.a.dose")),
        (Some(10.0), Some(500.0), None)
    );
    assert_eq!(of("experiment.b.start.x"), Some(3000.0));
    let last = |name: &str| {
        let q = made.outputs().iter().find(|q| q.name == name).unwrap();
        *q.axis.as_ref().unwrap().values.last().unwrap()
    };
    assert_eq!((last("experiment.a.x"), last("experiment.b.x")), (24.0, 8.0));
    for (from, to, expected) in [
        ("dose = 0.5 g", "dos = 0.5", "did you mean `dose`?"),
        ("dose = 0.5 g", "dose = 0.5 L", "is no value in mg"),
        ("dose = 0.5 g", "k = 7", "outside of [0, 2]"),
        ("label = \"b\"", "label = \"a\"", "have the label \"a\""),
    ] {
        let text = text.replacen(from, to, 1);
        let problems = load_text(Path::new("s.toml"), &text, &[]).err().unwrap_or_default();
        let said: Vec<String> =
            problems.iter().map(|d| format!("{}; {}", d.short(), d.help)).collect();
        assert!(said.len() == 1 && said[0].contains(expected), "{expected}: {said:?}");
    }
}
