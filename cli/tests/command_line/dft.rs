//! The other one-dimensional kinds from the outside: their templates run on a coarse grid and meet their goals, and what is wrong with
//! a molecule, a density or a functional is named with its place.

use super::place::{Place, json, stderr};

const COARSE: [&str; 4] = ["--set", "grid.points=161", "--set", "grid.spacing=0.16"];

fn place(kind: &str) -> Place {
    let place = Place::new();
    let made = place.run(&["init", kind, "."]);
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    place
}

#[test]
fn bonds_and_potentials_are_found_on_a_coarse_grid() {
    let bond = bond();
    let potential = place("dft-1d-potential");
    for (place, artifact, set) in [
        (bond, "scalars.csv", "scenario.seed=0"),
        (potential, "potential.csv", "molecule.formula=\"H 4.8 H\""),
    ] {
        let words = ["run", "scenario.toml", "--out", "r", "--format", "json", "--set", set];
        let output = place.run(&[words.as_slice(), &COARSE].concat());
        let summary = json(&output);
        assert_eq!(summary["goal_met"], true, "{artifact}: {}", stderr(&output));
        let findings = summary["findings"].as_array().expect("goals as numbers");
        assert!(findings.len() >= 2 && findings.iter().all(|f| f["met"] == true), "{findings:?}");
        assert_eq!(output.status.code(), Some(0), "{artifact}");
        assert!(place.path(&format!("r/artifacts/{artifact}")).is_file(), "{artifact}");
    }
}

/// The bond of H2.
fn bond() -> Place {
    let place = Place::new();
    place.write("scenario.toml", include_str!("../../../scenarios/h2-bond.toml"));
    place
}

/// `check` refuses with exit code 2 and says all of these.
fn refused(place: &Place, sets: &[&str], words: &[&str]) {
    let mut all = vec!["check", "scenario.toml"];
    sets.iter().for_each(|set| all.extend(["--set", set]));
    let output = place.run(&all);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is in {said}");
    }
}

#[test]
fn molecules_that_cannot_be_are_named_with_a_remedy() {
    let place = bond();
    for (formula, words) in [
        ("H R H", ["a distance R that nothing says", "write the distance"]),
        ("H 1.5 Q", ["\"Q\" is no nucleus", "alternate"]),
        ("H", ["`molecule.h2.positions` has 1 entries", "entries count from 0"]),
        ("H 40 H", ["comes within 5 bohr", "more grid points"]),
        ("H 2.0 H ++", ["leave 0 electrons", "alternate"]),
    ] {
        refused(&place, &[&format!("molecule.h2.formula=\"{formula}\"")], &words);
    }
    let exact = ["functional.kind=exact", "molecule.h2.formula=\"B 2.0 H\""];
    refused(&place, &exact, &["has 6 electrons", "at most 4"]);
    let fine = ["functional.kind=exact", "grid.points=8001", "grid.spacing=0.01"];
    refused(&place, &fine, &["MB that are", "8001 points", "fewer"]);
    let trained = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/h2-functional.npy");
    let set = format!("functional.file={trained}");
    refused(&place, &[&set], &["another interaction", "exponential"]);
    refused(&place, &["grid.points=512"], &["odd", "513"]);
    place.write("text.npy", "text");
    refused(
        &place,
        &["functional.file=text.npy"],
        &["not a functional", "artifacts/functional.npy"],
    );
}

#[test]
fn the_same_system_in_other_words_is_no_test_of_a_training() {
    let place = place("dft-1d");
    for (train, test, words) in [
        ("H R H: 1.28", "H 1.280 H", ["H 1.280 H", "the same system"]),
        ("H R H: 1.28", "Z1 R Z1: 1.28", ["Z1 1.28 Z1", "the same system"]),
        ("He R H +: 1.52", "H R He +: 1.52", ["H 1.52 He +", "the same system"]),
        ("H R H: 1.28", "H R H: 1.28", ["H 1.28 H", "stands in both"]),
    ] {
        let sets =
            [format!("train.molecules=[\"{train}\"]"), format!("test.molecules=[\"{test}\"]")];
        refused(&place, &[&sets[0], &sets[1]], &words);
    }
}

#[test]
fn geometries_of_more_than_four_electrons_and_potentials_of_given_densities_are_found() {
    let six = bond();
    let mut text = six.read("scenario.toml");
    // the coarse grid leaves a force on both together
    for (from, to) in [
        ("H 2.6 H", "Li 4.0 Li"),
        ("within = 1e-6", "within = 1e-4"),
        ("target = 1.5998", "target = 5.05"),
        ("at_least = 1000.0", "at_least = 100.0"),
    ] {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    six.write("scenario.toml", &text);
    let words = ["run", "scenario.toml", "--out", "r", "--format", "json"];
    let output = six.run(&[words.as_slice(), &COARSE].concat());
    assert_eq!(json(&output)["goal_met"], true, "{}", stderr(&output));
    // the exact density of one run is the given one of the next
    let ion = place("dft-1d-potential");
    let set = "molecule.formula=\"Z1.5 2.4 Z2 +1.5\"";
    let words = ["run", "scenario.toml", "--out", "r", "--format", "json", "--set", set];
    let first = ion.run(&[words.as_slice(), &COARSE].concat());
    assert_eq!(json(&first)["goal_met"], true, "{}", stderr(&first));
    let given = ["--set", "density.file=r/artifacts/potential.csv", "--set", set];
    let words = ["run", "scenario.toml", "--out", "s", "--format", "json"];
    let second = ion.run(&[words.as_slice(), &given, &COARSE].concat());
    assert_eq!(json(&second)["goal_met"], true, "{}", stderr(&second));
}

#[test]
fn densities_that_cannot_be_are_named_at_their_line() {
    let place = place("dft-1d-potential");
    for (text, words) in [
        ("x,n\n-1,0.5\n0,-0.1\n", ["given.csv:3", "not negative"]),
        ("x,n\n-1,0.5\n-2,0.1\n", ["given.csv:3", "ascend"]),
        ("x,n\n-1,half\n", ["given.csv:2", "not negative"]),
        ("x,n\n", ["has 0 points", "header"]),
    ] {
        place.write("given.csv", text);
        refused(&place, &["density.file=given.csv"], &words);
    }
}

#[test]
fn nuclei_are_found_that_have_a_wanted_density() {
    let place = place("dft-1d-molecules");
    let output = place.run(&["run", "scenario.toml", "--out", "r", "--format", "json"]);
    assert_eq!(json(&output)["goal_met"], true, "{}", stderr(&output));
    for (sets, words) in [
        (vec!["interaction.kind=exponential"], ["has a kink", "soft Coulomb"]),
        (vec!["molecule.h4.formula=\"H R H\""], ["that nothing says", "write the distance"]),
        (vec!["molecule.h4.formula=\"H 60 H\""], ["comes within 5 bohr", "more grid points"]),
        (
            vec!["functional.kind=exact", "molecule.h4.formula=\"B 2.0 H\""],
            ["has 6 electrons", "at most 4"],
        ),
        (vec!["functional.kind=exact"], ["cannot be differentiated", "exact"]),
        (vec!["term.density.time_column=n"], ["has no column", "x_bohr"]),
    ] {
        refused(&place, &sets, &words);
    }
}

const HYDROGEN: &str = r#"
[scenario]
name = "hydrogen"
kind = "molecules"

[molecule]
file = "hydrogen.xyz"

[basis]
name = "STO-3G"

[volume]
spacing = 0.4
margin = 6.0

[[parameter]]
name = "atom[1].position"
entries = [2]

[[term]]
output = "energy"
minimise = "value"

[[goal]]
label = "charge"
output = "atom[0].mulliken"
within = 1e-6

[[goal]]
label = "minimum"
output = "stability.internal"
at_least = -1e-5
"#;

#[test]
fn a_goal_may_speak_of_what_has_no_derivative_and_a_term_may_not() {
    let place = Place::new();
    place.write("hydrogen.xyz", "2\n\nH 0 0 0\nH 0 0 0.9\n");
    place.write("hydrogen.toml", HYDROGEN);
    let output = place.run(&["run", "hydrogen.toml", "--out", "r", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let findings = &json(&output)["findings"];
    assert_eq!(findings[0]["label"], "charge", "{findings}");
    assert!(findings[0]["measured"].as_f64().unwrap() < 1e-9, "{findings}");
    assert!(findings[1]["measured"].as_f64().unwrap() > 0.1, "{findings}");
    // the settings of a run folder are a scenario, with every default in it
    let exported = place.run(&["report", "r", "--export", "gltf", "--format", "json"]);
    assert_eq!(exported.status.code(), Some(0), "{}", stderr(&exported));
    assert!(place.read("r/export/molecule.gltf").contains("\"unit\":\"bohr\""));
    densities_are_exported(&place);
    let again = place.run(&["resume", "r"]);
    assert!(!stderr(&again).contains("needs no grid"), "{}", stderr(&again));
    // what goals alone speak of is computed for the answer, and written beside it
    assert!(place.read("r/artifacts/scalars.csv").contains("atom[0].mulliken"));
    let words = ["simulate", "hydrogen.toml", "--jacobian", "--output", "stability.internal"];
    let said = stderr(&place.run(&words));
    assert!(said.contains("`stability.internal` cannot be differentiated"), "{said}");
    place.write("hydrogen.toml", &HYDROGEN.replace("\"energy\"", "\"stability.internal\""));
    let output = place.run(&["check", "hydrogen.toml"]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("`stability.internal` cannot be differentiated"), "{said}");
}

/// The run `r` of H2 has its two electrons in cube files and in VTK's.
fn densities_are_exported(place: &Place) {
    let formats = ["--export", "cube", "--export", "vtk", "--format", "json"];
    let exported = place.run(&[["report", "r"].as_slice(), &formats].concat());
    assert_eq!(exported.status.code(), Some(0), "{}", stderr(&exported));
    let cube = place.read("r/export/density.cube");
    let lines: Vec<&str> = cube.lines().collect();
    let numbers = |line: &str| -> Vec<f64> {
        line.split_whitespace().map(|word| word.parse().unwrap()).collect()
    };
    assert!(lines[0].starts_with("density of the electrons"), "{}", lines[0]);
    let word = |line: usize, at: usize| lines[line].split_whitespace().nth(at).unwrap();
    assert_eq!(word(2, 0), "2", "two atoms");
    let [nx, ny, nz] = [3, 4, 5].map(|k| word(k, 0).parse::<usize>().unwrap());
    assert_eq!([word(3, 1), word(5, 3)], ["0.400000"; 2]);
    assert_eq!([word(6, 0), word(6, 1)], ["1", "1.000000"], "hydrogen and its charge");
    let values: Vec<f64> = lines[8..].iter().flat_map(|line| numbers(line)).collect();
    assert_eq!(values.len(), nx * ny * nz);
    let electrons = values.iter().sum::<f64>() * 0.4_f64.powi(3);
    assert!((electrons - 2.0).abs() < 1e-3, "{electrons}");
    // the occupied orbital is the only one: its square is half of the density
    let orbital = place.read("r/export/orbital-0.cube");
    let orbital = orbital.lines().skip(8).flat_map(numbers);
    let largest = values.iter().zip(orbital).map(|(n, psi)| (n - 2.0 * psi * psi).abs());
    assert!(largest.fold(0.0, f64::max) < 1e-5);
    assert!(place.path("r/export/orbital-1.cube").exists());
    // the same numbers, x fastest
    let vti = place.read("r/export/molecule-volume.vti");
    let density = vti.split("Name=\"density (1/bohr^3)\"").nth(1).unwrap();
    let density = numbers(density.split('>').nth(1).unwrap().split('<').next().unwrap());
    let extent = format!("Extent=\"0 {} 0 {} 0 {}\"", nx - 1, ny - 1, nz - 1);
    assert!(vti.contains(&extent), "{extent}");
    for [x, y, z] in [[nx / 2, ny / 3, nz / 4], [1, ny / 2, nz / 2], [nx / 2, 2, nz - 9]] {
        let [there, here] = [density[(z * ny + y) * nx + x], values[(x * ny + y) * nz + z]];
        assert!((there - here).abs() <= 1e-5 * there.abs(), "{there} {here}");
    }
}
