//! What a scenario of equations may say.

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
