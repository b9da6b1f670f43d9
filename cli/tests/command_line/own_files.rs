//! From a file of one's own: a first scenario for it, targets and starts from arrays and from other runs.

use cotangent_problem::npy;

use super::place::{Place, json, stderr};

#[test]
fn a_table_of_measurements_becomes_a_scenario_that_fits_it() {
    let place = Place::new();
    let row = |t: f64| format!("{t},{},{}\n", 3.0 * (-0.5 * t).exp(), 2.0 * (0.1 * t).exp());
    let rows: String = (0..9).map(|k| row(f64::from(k))).collect();
    place.write("growth.csv", &format!("hour,Sugar (g/l),2nd\n{rows}"));
    let made = json(&place.run(&["init", "growth.csv", "--format", "json"]));
    assert_eq!(made["scenario"].as_str(), Some("growth.toml"));
    let output = place.run(&["run", "growth.toml", "--out", "r", "--format", "json"]);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", stderr(&output));
    let answer: serde_json::Value =
        serde_json::from_str(&place.read("r/artifacts/answer.json")).unwrap();
    for (name, right) in [("sugar__g_l__rate", -0.5), ("y_2nd_rate", 0.1)] {
        let parameters = answer["parameters"].as_array().unwrap();
        let found = parameters.iter().find(|p| p["name"] == name).unwrap();
        let value = found["value"][0].as_f64().unwrap();
        assert!((value - right).abs() < 1e-6, "{name}: {value}");
    }
}

#[test]
fn a_mesh_becomes_a_scenario_whose_own_picture_it_can_look_for() {
    let place = Place::new();
    // far from the origin and small, so that nothing of the scene can be by accident right
    let corner = |x: f64, y: f64, z: f64| format!("v {} {} {}\n", 40.0 + x, 7.0 + y, z - 3.0);
    let corners = [[0.0, 0.0, 0.0], [0.02, 0.0, 0.0], [0.0, 0.03, 0.0], [0.0, 0.0, 0.02]];
    let vertices: String = corners.iter().map(|[x, y, z]| corner(*x, *y, *z)).collect();
    place.write("my rock.obj", &format!("{vertices}f 1 3 2\nf 1 4 3\nf 1 2 4\nf 2 3 4\n"));
    let made = place.run(&["init", "my rock.obj"]);
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    let small = ["--set", "camera.front.width=16", "--set", "camera.front.height=12"];
    let words =
        ["simulate", "my rock.toml", "--out", "my-rock-picture", "--output", "camera.front.*"];
    let output = place.run(&[&words[..], &small].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    // the mesh is in the middle of what is seen, and lit
    let depth = std::fs::read(place.path("my-rock-picture/camera.front.depth.exr")).unwrap();
    assert!(!depth.is_empty());
    let check = place.run(&[&["check", "my rock.toml"][..], &small].concat());
    assert_eq!(check.status.code(), Some(0), "{}", stderr(&check));
    let picture = cotangent_raytrace::read_picture(
        place.path("my-rock-picture/camera.front.image.exr").as_path(),
    );
    let brightest = picture.unwrap().image.pixels.iter().map(|p| p.0[0]).fold(0.0, f64::max);
    assert!((0.05..5.0).contains(&brightest), "{brightest}");
}

#[test]
fn a_file_that_nothing_can_be_made_of_says_so_and_leaves_nothing() {
    let place = Place::new();
    for (file, text, says) in [
        ("a.csv", "time,x\n0,1\n", "nothing measured over time"),
        ("b.csv", "time,x\n1,1\n1,2\n", "do not go on"),
        ("c.csv", "time,x\n1,1\n2,?\n", "no finite number"),
        ("d.obj", "v 0 0 0\n", "d.obj"),
        ("e.ply", "obj", "e.ply"),
        ("f.stl", "solid", "give a model"),
    ] {
        place.write(file, text);
        let output = place.run(&["init", file]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{file}: {said}");
        assert!(said.contains(says), "{file}: {said}");
        assert!(!place.path(file).with_extension("toml").exists());
    }
}

const DECAY: &str = r#"
[scenario]
name = "decay"
kind = "equations"

[time]
unit = "s"
duration = 4
every = "1 s"

[parameters]
rate = { value = 0.1, unit = "1/s" }

[states]
x = { start = 2, unit = "m" }

[equations]
x = "-rate * x"

[[parameter]]
name = "rate"

[[parameter]]
name = "start.x"

[[term]]
output = "x"
target = "seen.npy"

[optimizer]
method = "gauss-newton"
"#;

#[test]
fn targets_and_starts_are_read_from_arrays_and_from_answers() {
    let place = Place::new();
    place.write("decay.toml", DECAY);
    let seen: Vec<f64> = (0..5).map(|t| 3.0 * (-0.5 * f64::from(t)).exp()).collect();
    std::fs::write(place.path("seen.npy"), npy::write(&[5], &seen)).unwrap();
    let output = place.run(&["run", "decay.toml", "--out", "r", "--format", "json"]);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", stderr(&output));
    let first = json(&output);
    assert!(first["objective_final"].as_f64().unwrap() < 1e-12, "{first}");
    // what the file says is kept with the run, though the file is gone
    std::fs::remove_file(place.path("seen.npy")).unwrap();
    let again = place.run(&["resume", "r"]);
    assert!(matches!(again.status.code(), Some(0 | 1)), "{}", stderr(&again));
    std::fs::write(place.path("seen.npy"), npy::write(&[5], &seen)).unwrap();
    // from the answer of that run, and from arrays
    std::fs::write(place.path("rate.npy"), npy::write(&[], &[0.5])).unwrap();
    for (rate, start) in [("r/artifacts/answer.json", "r/artifacts/answer.json"), ("rate.npy", "3")]
    {
        let text = DECAY
            .replace("name = \"rate\"", &format!("name = \"rate\"\nstart = \"{rate}\""))
            .replace("name = \"start.x\"", &format!("name = \"start.x\"\nstart = \"{start}\""));
        place.write("from.toml", &text.replace("start = \"3\"", "start = 3"));
        let words = ["run", "from.toml", "--out", "r2", "--force", "--format", "json"];
        let output = place.run(&words);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{}", stderr(&output));
        let initial = json(&output)["objective_initial"].as_f64().unwrap();
        assert!(initial < 1e-12, "{rate}: {initial}");
    }
}

#[test]
fn arrays_and_answers_that_do_not_fit_are_refused_with_the_place() {
    let place = Place::new();
    let array = |shape: &[usize], values: &[f64]| npy::write(shape, values);
    std::fs::write(place.path("long.npy"), array(&[6], &[1.0; 6])).unwrap();
    std::fs::write(place.path("nan.npy"), array(&[5], &[1.0, 1.0, f64::NAN, 1.0, 1.0])).unwrap();
    std::fs::write(place.path("cut.npy"), &array(&[5], &[1.0; 5])[..100]).unwrap();
    std::fs::write(place.path("seen.npy"), array(&[5], &[1.0; 5])).unwrap();
    place
        .write("other.json", r#"{"parameters": [{"name": "rat", "unit": "1/s", "value": [1.0]}]}"#);
    place.write("unit.json", r#"{"parameters": [{"name": "rate", "unit": "m", "value": [1.0]}]}"#);
    place.write("list.json", "[1, 2]");
    let target = |file: &str| DECAY.replace("seen.npy", file);
    let start = |file: &str| {
        DECAY.replace("name = \"rate\"", &format!("name = \"rate\"\nstart = \"{file}\""))
    };
    for (text, says) in [
        (target("long.npy"), "no column of times"),
        (target("nan.npy"), "entry 2 is NaN"),
        (target("cut.npy"), "cut short"),
        (target("seen.npy\"\ncolumns = [\"x\"]\nunit = \"m"), "no effect"),
        (target("none.npy"), "there is no file"),
        (start("seen.npy"), "must be one number"),
        (start("other.json"), "its parameters are: rat"),
        (start("unit.json"), "is in \"m\" there"),
        (start("list.json"), "no list of parameters"),
        (start("none.json"), "there is no file"),
    ] {
        place.write("decay.toml", &text);
        let output = place.run(&["check", "decay.toml"]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{says}: {said}");
        assert!(said.contains(says) && said.contains("decay.toml:"), "{says}: {said}");
    }
}
