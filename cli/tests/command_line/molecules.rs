//! Molecules in Gaussian basis sets as a user meets them: what a scenario lists, simulates, optimises and checks, and what is said of
//! one that cannot be.

use super::place::{Place, json, stderr};

const WATER: &str = "3\n\nO 0 0 0.1173\nH 0 0.7572 -0.4692\nH 0 -0.7572 -0.4692\n";

/// A scenario of a file `molecule.xyz`, with these lines in its tables.
fn scenario(molecule: &str, basis: &str, rest: &str) -> String {
    format!(
        "[scenario]\nname = \"m\"\nkind = \"molecules\"\n\n[molecule]\nfile = \"molecule.xyz\"\n{molecule}\n\n[basis]\n{basis}\n\n{rest}\n"
    )
}

const FREE: &str = "[[parameter]]\nname = \"atom[*].position\"\n\n[[term]]\noutput = \"energy\"\nminimise = \"value\"\n";

fn place(xyz: &str, scenario: &str) -> Place {
    let place = Place::new();
    place.write("molecule.xyz", xyz);
    place.write("m.toml", scenario);
    place
}

#[test]
fn what_a_molecule_has_is_listed_simulated_and_differentiated() {
    let rest = format!("[method]\nfunctional = \"pbe\"\ngrid = 1\n\n{FREE}");
    let place = place(WATER, &scenario("", "name = \"STO-3G\"", &rest));
    let listed = place.run(&["list", "m.toml"]);
    assert_eq!(listed.status.code(), Some(0), "{}", stderr(&listed));
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    for word in [
        "atom[0].position",
        "functional.kappa",
        "shell[0].exponents",
        "polarisability",
        "orbital.energies",
        "atom[2].mulliken",
        "bohr^3",
    ] {
        assert!(text.contains(word), "{word} is in {text}");
    }
    let words = ["simulate", "m.toml", "--out", "s", "--format", "json"];
    let simulated = place.run(&words);
    assert_eq!(simulated.status.code(), Some(0), "{}", stderr(&simulated));
    let scalars = place.read("s/scalars.csv");
    let energy = scalars.lines().find_map(|line| {
        let line = line.strip_prefix("energy,")?;
        line.split(',').find_map(|word| word.parse::<f64>().ok())
    });
    // PySCF 2.14.0 on a fine grid has -75.22556651; level 1 is coarse
    assert!((energy.unwrap() + 75.225_566_51).abs() < 1e-3, "{scalars}");
    // levels, charges and the dipole answer to every input
    let words = ["simulate", "m.toml", "--out", "j", "--jacobian", "--output", "dipole"];
    let output = place.run(&[words.as_slice(), &["--by", "functional.kappa"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(place.path("j/jacobian.csv").is_file());
}

#[test]
fn a_fit_to_what_orbitals_answer_has_the_right_gradient() {
    let rest = "[method]\nfunctional = \"b3lyp\"\ngrid = 0\n\n[scf]\ntol_gradient = 1e-10\n\n\
                [[parameter]]\nname = \"atom[1].position\"\n\n[[parameter]]\nname = \"functional.exact_exchange\"\n\n\
                [[term]]\noutput = \"dipole\"\ntarget = [0.0, 0.0, -0.5]\n\n\
                [[term]]\noutput = \"atom[0].mulliken\"\ntarget = -0.3\n\n\
                [[term]]\noutput = \"orbital.energies\"\nentries = [4]\ntarget = -0.2\n";
    let place = place(WATER, &scenario("", "name = \"STO-3G\"", rest));
    let output = place.run(&["gradcheck", "m.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn a_geometry_is_found_and_its_dipole_designed() {
    let rest = "[[parameter]]\nname = \"atom[1].position\"\nentries = [2]\n\n\
                [[term]]\noutput = \"dipole\"\ntarget = [0.0, 0.0, 0.5]\nscale = 1e-3\n\n\
                [[goal]]\noutput = \"dipole\"\ntarget = [0.0, 0.0, 0.5]\nwithin = 1e-4\n";
    let hydride = "2\n\nF 0 0 0\nH 0 0 0.9\n";
    let place = place(hydride, &scenario("", "name = \"STO-3G\"", rest));
    let output = place.run(&["run", "m.toml", "--out", "r", "--format", "json"]);
    assert_eq!(json(&output)["goal_met"], true, "{}", stderr(&output));
    assert_eq!(output.status.code(), Some(0));
}

/// `check` of a scenario refuses with exit code 2 and says all of these.
fn refused(xyz: &str, scenario: &str, files: &[(&str, &str)], words: &[&str]) {
    let place = place(xyz, scenario);
    files.iter().for_each(|(name, text)| place.write(name, text));
    let output = place.run(&["check", "m.toml"]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is in {said}");
    }
}

#[test]
fn what_is_no_molecule_is_named_with_its_place_and_a_remedy() {
    let sto = "name = \"STO-3G\"";
    let plain = scenario("", sto, FREE);
    refused("1\n\nXx 0 0 0\n", &plain, &[], &["molecule.xyz:3", "Xx"]);
    refused("2\n\nH 0 0 0\n", &plain, &[], &["molecule.xyz", "2"]);
    refused("2\n\nH 0 0 0\nO 0 0 0.97\n", &plain, &[], &["9 electrons", "multiplicity"]);
    refused("2\n\nH 0 0 0\nH 0 0 0\n", &plain, &[], &["molecule.xyz", "bohr apart", "given twice"]);
    refused("1\n\nI 0 0 0\n", &scenario("multiplicity = 2", sto, FREE), &[], &["I", "basis.file"]);
    let of = |basis: &str, rest: &str| scenario("", basis, &format!("{rest}{FREE}"));
    refused(WATER, &of("name = \"6-31H\"", ""), &[], &["6-31H", "did you mean"]);
    refused(WATER, &of(sto, "[method]\nfunctional = \"pbf\"\n\n"), &[], &["pbf", "did you mean"]);
    refused(WATER, &of(sto, "[method]\ngrid = 2\n\n"), &[], &["no grid", "method.functional"]);
    let restricted = "[method]\nreference = \"restricted\"\n\n";
    let radical = scenario("multiplicity = 2", sto, &format!("{restricted}{FREE}"));
    refused("1\n\nH 0 0 0\n", &radical, &[], &["cannot share orbitals", "unrestricted"]);
    // a shell that is cut off, at its line
    let shell = "O    S\n      130.7    0.154\n      23.8\n";
    let files = [("cut.nw", shell)];
    refused(WATER, &of("file = \"cut.nw\"", ""), &files, &["cut.nw:3"]);
}

/// The same of a run: exit code 3, and the words.
fn fails(xyz: &str, scenario: &str, words: &[&str]) {
    let place = place(xyz, scenario);
    let output = place.run(&["run", "m.toml", "--out", "r"]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is in {said}");
    }
}

#[test]
fn a_field_without_an_answer_says_what_to_do() {
    let twins = place("2\n\nH 0 0 0\nH 0 0 0.8\n", &scenario("", "file = \"twins.nw\"", FREE));
    twins.write("twins.nw", "H    S\n 1.0 1.0\nH    S\n 1.00001 1.0\n");
    let output = twins.run(&["run", "m.toml", "--out", "r"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("combinations of others"), "{}", stderr(&output));
    let few = format!("[scf]\nmax_iterations = 1\n\n{FREE}");
    let sto = "name = \"STO-3G\"";
    fails(WATER, &scenario("", sto, &few), &["did not converge", "orbital gradient"]);
    // hydrogen torn apart is a minimum among restricted orbitals, and a verdict that a goal may ask for
    let torn = format!(
        "{FREE}\n[stop]\nmax_evaluations = 1\n\n[[goal]]\noutput = \"stability.unrestricted\"\nat_least = -1e-5\n"
    );
    let place = place("2\n\nH 0 0 0\nH 0 0 3.0\n", &scenario("", sto, &torn));
    let output = place.run(&["run", "m.toml", "--out", "r", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(json(&output)["goal_met"], false);
}

#[test]
fn a_saddle_is_said_and_followed_down_when_asked() {
    let oxygen = "2\n\nO 0 0 0\nO 0 0 2.2\n";
    let unrestricted = |follow: bool| {
        format!(
            "[method]\nreference = \"unrestricted\"\n\n[scf]\nfollow_down = {follow}\n\n{FREE}\n[stop]\nmax_iterations = 1\n"
        )
    };
    let sto = "name = \"STO-3G\"";
    fails(oxygen, &scenario("", sto, &unrestricted(false)), &["no minimum", "follow it down"]);
    let place = place(oxygen, &scenario("", sto, &unrestricted(true)));
    let words = ["simulate", "m.toml", "--out", "s", "--output", "stability.internal"];
    let output = place.run(&words);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn memory_is_estimated_before_it_is_taken() {
    let place = place(WATER, &scenario("", "name = \"cc-pVTZ\"", FREE));
    let output = place.run(&["check", "m.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let said = format!("{}{}", stderr(&output), String::from_utf8_lossy(&output.stdout));
    assert!(said.contains("58 basis functions"), "{said}");
}

const HYDRIDE: &str = "2\n\nF 0 0 0\nH 0 0 0.9\n";

#[test]
fn a_run_leaves_orbitals_to_draw_and_to_go_on_from() {
    let bond = "[[parameter]]\nname = \"atom[1].position\"\nentries = [2]\n\n[[term]]\noutput = \"energy\"\nminimise = \"value\"\n";
    let sto = "name = \"STO-3G\"";
    let place =
        place(HYDRIDE, &scenario("", sto, &format!("[scan]\nto = 6.0\npoints = 4\n\n{bond}")));
    let output = place.run(&["run", "m.toml", "--out", "r"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(place.read("r/artifacts/orbitals.molden").starts_with("[Molden Format]"));
    for plot in ["levels", "field", "bond"] {
        assert!(place.path(&format!("r/plots/{plot}.svg")).is_file(), "{plot}");
    }
    let from = "[scf]\norbitals = \"r/artifacts/orbitals.json\"\n\n";
    place.write("again.toml", &scenario("", sto, &format!("{from}{bond}")));
    let output = place.run(&["run", "again.toml", "--out", "again"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    place.write("other.toml", &scenario("", "name = \"6-31G\"", &format!("{from}{bond}")));
    let output = place.run(&["check", "other.toml"]);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(said.contains("over 6 functions") && said.contains("over 11 functions"), "{said}");
    let scan = format!("[scan]\nto = 6.0\natom = 2\n\n{FREE}");
    refused(HYDRIDE, &scenario("", sto, &scan), &[], &["no atom 2", "counted from 0"]);
}

#[test]
fn an_atomic_input_is_computed_and_a_wrong_one_answered_in_its_schema() {
    let place = Place::new();
    let input = |method: &str| {
        format!(
            r#"{{"schema_name": "qcschema_input", "schema_version": 1, "driver": "energy",
            "molecule": {{"symbols": ["H", "H"], "geometry": [0, 0, 0, 0, 0, 1.4]}},
            "model": {{"method": "{method}", "basis": "STO-3G"}}, "keywords": {{}}}}"#
        )
    };
    place.write("in.json", &input("hf"));
    let output = place.run(&["qcschema", "in.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    // Szabo & Ostlund, table 3.11, with zeta = 1.24: -1.1167
    let energy = json(&output)["return_result"].as_f64().unwrap();
    assert!((energy + 1.1167).abs() < 1e-4, "{energy}");
    place.write("wrong.json", &input("mp2"));
    let output = place.run(&["qcschema", "wrong.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(json(&output)["error"]["error_type"], "input_error");
    assert!(stderr(&output).contains("model.method"));
    assert_eq!(place.run(&["qcschema", "missing.json"]).status.code(), Some(4));
}

#[test]
fn a_program_that_moves_atoms_gets_energies_and_forces() {
    use std::io::{Read, Write};
    let place = place(HYDRIDE, &scenario("", "name = \"STO-3G\"", ""));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let client = place.command(&["drive", "m.toml", "--connect", &address]).spawn().unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    let mut energy_at = |length: f64| {
        stream.write_all(b"POSDATA     ").unwrap();
        stream.write_all(&[0; 18 * 8]).unwrap();
        stream.write_all(&2_i32.to_le_bytes()).unwrap();
        for x in [0.0, 0.0, 0.0, 0.0, 0.0, length] {
            stream.write_all(&f64::to_le_bytes(x)).unwrap();
        }
        stream.write_all(b"GETFORCE    ").unwrap();
        let mut fixed = [0; 12 + 8 + 4 + 6 * 8 + 9 * 8 + 4];
        stream.read_exact(&mut fixed).unwrap();
        assert_eq!(&fixed[..12], b"FORCEREADY  ");
        let number = |at: usize| f64::from_le_bytes(fixed[at..at + 8].try_into().unwrap());
        let extra = i32::from_le_bytes(fixed[144..].try_into().unwrap());
        let mut text = vec![0; usize::try_from(extra).unwrap()];
        stream.read_exact(&mut text).unwrap();
        assert!(String::from_utf8_lossy(&text).contains("dipole"));
        // the energy, and the last number of the second force
        (number(12), number(24 + 5 * 8))
    };
    let (_, force) = energy_at(1.8);
    let difference = (energy_at(1.801).0 - energy_at(1.799).0) / 2e-3;
    assert!((force + difference).abs() < 1e-5, "{force} for {}", -difference);
    stream.write_all(b"EXIT        ").unwrap();
    let output = client.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let nobody = place.run(&["drive", "m.toml", "--connect", "127.0.0.1:1"]);
    assert_eq!(nobody.status.code(), Some(2));
    assert!(stderr(&nobody).contains("first"), "{}", stderr(&nobody));
}

const PEROXIDE: &str = "4\n\nO 0 0.73 -0.05\nO 0 -0.73 -0.05\nH 0.8 0.9 0.4\nH -0.8 -0.9 0.4\n";

#[test]
fn a_geometry_is_found_with_a_bond_held_and_an_angle_at_its_bound() {
    let rest = "[values]\n\"coordinate.bond\" = 2.8\n\n[[coordinate]]\nlabel = \"bond\"\natoms = [0, 1]\n\n\
                [[coordinate]]\nlabel = \"turn\"\natoms = [2, 0, 1, 3]\n\n\
                [[parameter]]\nname = \"coordinate.turn\"\nupper = \"121.5 deg\"\n\n[[parameter]]\nname = \"internal\"\n\n\
                [[term]]\noutput = \"energy\"\nminimise = \"value\"\n\n[stop]\ngradient_tolerance = 1e-4\n\n\
                [[goal]]\noutput = \"coordinate.bond\"\ntarget = 2.8\nwithin = 1e-9\n\n\
                [[goal]]\noutput = \"coordinate.turn\"\ntarget = \"121.5 deg\"\nwithin = 1e-9\n";
    let place = place(PEROXIDE, &scenario("coordinates = \"internal\"", "name = \"STO-3G\"", rest));
    let output = place.run(&["run", "m.toml", "--out", "r", "--format", "json"]);
    assert_eq!(json(&output)["goal_met"], true, "{}", stderr(&output));
    // the answer's atoms are those of a file that can be read again
    let atoms = place.read("r/artifacts/answer.xyz");
    let again = self::place(&atoms, &scenario("", "name = \"STO-3G\"", FREE));
    assert_eq!(again.run(&["check", "m.toml"]).status.code(), Some(0));
    assert!(place.read("r/report.html").contains("Iteration by iteration"));
}

#[test]
fn goals_of_angles_hold_at_half_a_turn_and_on_a_line() {
    // the mirror image turns the other way; both end flat, half a turn from where both hydrogens are on one side
    let diazene = |side: &str| {
        let atoms = format!(
            "4\n\nN 0 0.62 0\nN 0 -0.62 {side}0.05\nH 0.9 1.05 {side}0.1\nH -0.9 -1.05 -{side}0.15\n"
        );
        atoms.replace("--", "")
    };
    for (side, target) in [("", "-180"), ("-", "180")] {
        let rest = format!(
            "[[coordinate]]\nlabel = \"turn\"\natoms = [2, 0, 1, 3]\n\n[[parameter]]\nname = \"coordinate.turn\"\n\n\
             [[parameter]]\nname = \"internal\"\n\n[[term]]\noutput = \"energy\"\nminimise = \"value\"\n\n\
             [stop]\ngradient_tolerance = 1e-4\n\n\
             [[goal]]\noutput = \"coordinate.turn\"\ntarget = \"{target} deg\"\nwithin = \"1 deg\"\n"
        );
        let scenario = scenario("coordinates = \"internal\"", "name = \"STO-3G\"", &rest);
        let place = place(&diazene(side), &scenario);
        let output = place.run(&["run", "m.toml", "--out", "r", "--format", "json"]);
        assert_eq!(json(&output)["goal_met"], true, "{side} {}", stderr(&output));
    }
    let dioxide = "3\n\nO 0 0 -1.17\nC 0 0 0\nO 0 0 1.17\n";
    let rest = format!(
        "[[coordinate]]\nlabel = \"bend\"\natoms = [0, 1, 2]\n\n{FREE}\n[stop]\ngradient_tolerance = 1e-4\n\n\
         [[goal]]\noutput = \"coordinate.bend\"\ntarget = \"180 deg\"\nwithin = \"1 deg\"\n"
    );
    let place = place(dioxide, &scenario("", "name = \"STO-3G\"", &rest));
    let output = place.run(&["run", "m.toml", "--out", "r", "--format", "json"]);
    assert_eq!(json(&output)["goal_met"], true, "{}", stderr(&output));
}

#[test]
fn a_coordinate_that_is_none_is_said_where_it_stands() {
    for (atoms, said) in [
        ("[0, 4]", "there is no atom 4: the molecule has 4"),
        ("[0, 1, 0]", "no distance, angle or dihedral angle"),
        ("[1]", "no distance, angle or dihedral angle"),
    ] {
        let rest = format!("[[coordinate]]\nlabel = \"a\"\natoms = {atoms}\n\n{FREE}");
        let place = place(PEROXIDE, &scenario("", "name = \"STO-3G\"", &rest));
        let output = place.run(&["check", "m.toml"]);
        assert_eq!(output.status.code(), Some(2));
        let text = stderr(&output);
        assert!(text.contains(said) && text.contains("m.toml:"), "{text}");
    }
    let twice = "[[coordinate]]\natoms = [0, 1]\n\n[[coordinate]]\natoms = [1, 0]\n";
    let place =
        place(PEROXIDE, &scenario("coordinates = \"internal\"", "name = \"STO-3G\"", twice));
    let output = place.run(&["list", "m.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("`coordinate[1]` cannot change"), "{}", stderr(&output));
}
