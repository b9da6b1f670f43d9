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
fn bonds_designs_and_potentials_are_found_on_a_coarse_grid() {
    for (kind, artifact, set) in [
        ("dft-1d-relax", "minimum.csv", "goal.force=1e-6"),
        ("dft-1d-design", "nuclei.csv", "design.charges=false"),
        ("dft-1d-potential", "potential.csv", "molecule.formula=\"H 4.8 H\""),
    ] {
        let place = place(kind);
        let words = ["run", "scenario.toml", "--out", "r", "--format", "json", "--set", set];
        let output = place.run(&[words.as_slice(), &COARSE].concat());
        let summary = json(&output);
        assert_eq!(summary["goal_met"], true, "{kind}: {}", stderr(&output));
        assert_eq!(output.status.code(), Some(0), "{kind}");
        assert!(place.path(&format!("r/artifacts/{artifact}")).is_file(), "{kind}");
    }
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
    let place = place("dft-1d-relax");
    for (formula, words) in [
        ("H R H", ["a distance R that nothing says", "write the distance"]),
        ("H 1.5 Q", ["\"Q\" is no nucleus", "alternate"]),
        ("H", ["is an atom", "name a molecule"]),
        ("H 40 H", ["comes within 5 bohr", "more grid points"]),
        ("B 2.0 H", ["has 6 electrons", "at most 4"]),
        ("H 2.0 H ++", ["leave 0 electrons", "alternate"]),
    ] {
        refused(&place, &[&format!("molecule.formula=\"{formula}\"")], &words);
    }
    refused(&place, &["interaction.kind=exponential"], &["kink", "soft-coulomb"]);
    refused(&place, &["grid.points=512"], &["odd", "513"]);
    place.write("text.npy", "text");
    refused(
        &place,
        &["functional.file=text.npy"],
        &["not a functional", "artifacts/functional.npy"],
    );
}

#[test]
fn densities_that_cannot_be_are_named_at_their_line() {
    let place = place("dft-1d-design");
    for (text, words) in [
        ("x,n\n-1,0.5\n0,-0.1\n", ["h4-density.csv:3", "not negative"]),
        ("x,n\n-1,0.5\n-2,0.1\n", ["h4-density.csv:3", "ascend"]),
        ("x,n\n-1,half\n", ["h4-density.csv:2", "not negative"]),
        ("x,n\n", ["has 0 points", "header"]),
        (
            "x,n\n-1,0.0\n0,1.0\n1,0.0\n",
            ["holds 1.0016 electrons", "\"H 2.4 H 2.4 H 2.4 H\" has 4"],
        ),
    ] {
        place.write("h4-density.csv", text);
        refused(&place, &[], &words);
    }
}
