//! Files of other programs: Molden and QCSchema out, orbitals to go on from.

#![expect(clippy::unwrap_used, reason = "tests fail where a fixed case is wrong")]

use cotangent_dft::molecule::integrals::repulsion::store::RepulsionOptions;
use cotangent_dft::molecule::scf::{
    Core, FockBuilder as _, HartreeFock, Reference, Scf, ScfOptions, Start, check_orbitals,
    orbitals_from_json, orbitals_to_json, self_consistent_field,
};
use cotangent_dft::molecule::{
    Atom, Basis, Element, Form, Matrix, MoldenError, Molecule, Shell, atomic_result, basis_set,
    failed_operation, molden,
};
use serde_json::{Value, json};

/// OH, with shells up to f, turned out of every plane.
fn hydroxyl(form: Form, multiplicity: usize, charge: i32) -> HartreeFock {
    let atom = |symbol, position| Atom::new(Element::of_symbol(symbol).unwrap(), position);
    let atoms = vec![atom("O", [0.1, -0.2, 0.3]), atom("H", [0.4, 0.5, 1.9])];
    let molecule = Molecule::new(atoms, charge, multiplicity).unwrap();
    let set = basis_set("cc-pVTZ").unwrap().unwrap();
    let basis = Basis::new(&molecule, &set, form).unwrap();
    HartreeFock::new(Core::new(&molecule, &basis, [0.0; 3]).unwrap(), RepulsionOptions::default())
}

fn solve(builder: &HartreeFock, start: Start) -> Scf {
    let reference = match builder.core().molecule.multiplicity() {
        1 => Reference::Restricted,
        _ => Reference::Unrestricted,
    };
    let options = ScfOptions { start, ..ScfOptions::default() };
    self_consistent_field(builder, reference, &options).unwrap()
}

/// Shells, columns of coefficients, and of each the energy and the occupation.
type MoldenText = (Vec<Shell>, Vec<Vec<f64>>, Vec<(f64, f64)>);

/// Shells and orbital columns of a Molden file, read by its own rules: each shell's functions in the order `0, +1, -1, ...`, put back here to rising `m`.
fn read_molden(text: &str) -> MoldenText {
    let lines: Vec<&str> = text.lines().collect();
    let section = |name: &str| lines.iter().position(|l| l.trim() == name).unwrap();
    let (mut shells, mut atom) = (Vec::new(), 0);
    let mut at = section("[GTO]") + 1;
    while !lines[at].starts_with('[') {
        let words: Vec<&str> = lines[at].split_whitespace().collect();
        at += 1;
        match words.as_slice() {
            [number, "0"] => atom = number.parse::<usize>().unwrap() - 1,
            [letter, count, _] => {
                let count: usize = count.parse().unwrap();
                let rows = lines[at..at + count].iter().map(|l| {
                    let mut numbers = l.split_whitespace().map(|w| w.parse::<f64>().unwrap());
                    (numbers.next().unwrap(), numbers.next().unwrap())
                });
                let (exponents, coefficients) = rows.unzip();
                let l = "spdf".find(letter).unwrap();
                shells.push(Shell { atom, l, exponents, coefficients });
                at += count;
            }
            _ => {}
        }
    }
    let (mut columns, mut levels) = (Vec::<Vec<f64>>::new(), Vec::new());
    for line in &lines[section("[MO]") + 1..] {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["Ene=", energy] => {
                columns.push(Vec::new());
                levels.push((energy.parse().unwrap(), 0.0));
            }
            ["Occup=", occupation] => levels.last_mut().unwrap().1 = occupation.parse().unwrap(),
            [_, value] if !line.contains('=') => {
                columns.last_mut().unwrap().push(value.parse().unwrap());
            }
            _ => {}
        }
    }
    let place = |l: usize, m: usize| {
        if l < 2 {
            m
        } else if m > l {
            2 * (m - l) - 1
        } else {
            2 * (l - m)
        }
    };
    let sorted = |column: &Vec<f64>| {
        let (mut start, mut sorted) = (0, Vec::new());
        for shell in &shells {
            sorted.extend((0..=2 * shell.l).map(|m| column[start + place(shell.l, m)]));
            start += 2 * shell.l + 1;
        }
        sorted
    };
    let columns = columns.iter().map(sorted).collect();
    (shells, columns, levels)
}

#[test]
fn a_molden_file_has_orthonormal_orbitals_with_the_energy_of_the_field() {
    let builder = hydroxyl(Form::Spherical, 2, 0);
    let scf = solve(&builder, Start::Atoms);
    let text = molden(builder.core(), &scf).unwrap();
    let (shells, columns, levels) = read_molden(&text);
    let molecule = &builder.core().molecule;
    let basis = Basis::from_shells(shells, Form::Spherical).unwrap();
    let n = basis.len();
    let read = HartreeFock::new(
        Core::new(molecule, &basis, [0.0; 3]).unwrap(),
        RepulsionOptions::default(),
    );
    assert_eq!((columns.len(), n), (2 * 44, 44));
    let mut densities = Vec::new();
    for (set, half) in columns.chunks(n).enumerate() {
        let entries = half.concat();
        let c = Matrix::from_entries(n, n, entries).transposed();
        let unit = c.transposed().times(&read.core().overlap).times(&c);
        for at in 0..n * n {
            let wanted = f64::from(u8::from(at / n == at % n));
            assert!((unit.entries()[at] - wanted).abs() < 1e-9, "set {set}, {at}");
        }
        let occupied = (0..n).filter(|k| levels[set * n + k].1 > 0.5).count();
        let c = c.column_range(0..occupied);
        densities.push(c.times(&c.transposed()));
    }
    let energy = read.build(&densities, None).energies.total_ha();
    assert!((energy - scf.energy_ha()).abs() < 1e-8, "{energy} for {}", scf.energy_ha());
    assert!((levels[0].0 - scf.orbitals[0].energies_ha[0]).abs() < 1e-9);
    let cartesian = hydroxyl(Form::Cartesian, 1, -1);
    let scf = solve(&cartesian, Start::Atoms);
    assert_eq!(molden(cartesian.core(), &scf), Err(MoldenError::Cartesian));
}

#[test]
fn a_field_goes_on_from_orbitals_in_a_file() {
    let builder = hydroxyl(Form::Spherical, 2, 0);
    let scf = solve(&builder, Start::Atoms);
    let text = orbitals_to_json(&scf.orbitals);
    let orbitals = orbitals_from_json(&text).unwrap();
    assert_eq!(orbitals, scf.orbitals);
    let core = builder.core();
    let fits = |reference, electrons| check_orbitals(&orbitals, reference, electrons, &core.basis);
    fits(Reference::Unrestricted, [5, 4]).unwrap();
    let said = fits(Reference::Restricted, [5, 5]).unwrap_err().to_string();
    assert!(said.contains("2 sets") && said.contains("1 set of 5"), "{said}");
    let again = solve(&builder, Start::Orbitals(orbitals));
    assert!(again.iterations.len() <= 3, "{} iterations", again.iterations.len());
    assert!((again.energy_ha() - scf.energy_ha()).abs() < 1e-9);
    for (broken, word) in [
        ("{", "no file of orbitals"),
        (r#"{"format": "x", "sets": []}"#, "calls itself"),
        (
            r#"{"format": "cotangent-orbitals-1", "sets": [{"occupied": 3, "energies_ha": [1.0], "coefficients": [[1.0]]}]}"#,
            "3 occupied",
        ),
        (
            r#"{"format": "cotangent-orbitals-1", "sets": [{"occupied": 0, "energies_ha": [1.0], "coefficients": [[]]}]}"#,
            "a row of 0",
        ),
    ] {
        let said = orbitals_from_json(broken).unwrap_err().to_string();
        assert!(said.contains(word), "{said}");
    }
}

/// Water as QCElemental writes it, with a change.
fn input(change: impl FnOnce(&mut Value)) -> String {
    let mut input = json!({
        "schema_name": "qcschema_input", "schema_version": 1, "id": "water",
        "molecule": {
            "schema_name": "qcschema_molecule", "schema_version": 2, "symbols": ["O", "H", "H"],
            "geometry": [0.0, 0.0, 0.2217, 0.0, 1.4309, -0.8867, 0.0, -1.4309, -0.8867],
            "molecular_charge": 0.0, "molecular_multiplicity": 1
        },
        "driver": "energy", "model": { "method": "hf", "basis": "sto-3g" }, "keywords": {},
        "extras": { "mine": 1 }
    });
    change(&mut input);
    input.to_string()
}

#[test]
fn an_atomic_input_is_answered_by_an_atomic_result() {
    let energy = atomic_result(&input(|_| {})).unwrap();
    assert_eq!((&energy["success"], &energy["id"]), (&json!(true), &json!("water")));
    assert_eq!(energy["schema_name"], "qcschema_output");
    assert_eq!(energy["extras"]["mine"], 1);
    assert_eq!(energy["extras"]["cotangent"]["verdict"], "minimum");
    assert_eq!(energy["properties"]["calcinfo_nbasis"], 7);
    let parts = ["scf_one_electron_energy", "scf_two_electron_energy", "nuclear_repulsion_energy"];
    let of = |name: &str| energy["properties"][name].as_f64().unwrap();
    let total: f64 = parts.iter().map(|p| of(p)).sum();
    assert!((total - energy["return_result"].as_f64().unwrap()).abs() < 1e-10);
    let gradient = atomic_result(&input(|i| i["driver"] = json!("gradient"))).unwrap();
    let found: Vec<f64> = serde_json::from_value(gradient["return_result"].clone()).unwrap();
    // central differences of the energies that the same door gives
    let at = |coordinate: usize, step: f64| {
        let moved = input(|i| {
            let x = &mut i["molecule"]["geometry"][coordinate];
            *x = json!(x.as_f64().unwrap() + step);
        });
        atomic_result(&moved).unwrap()["return_result"].as_f64().unwrap()
    };
    for coordinate in [2, 4, 8] {
        let difference = (at(coordinate, 1e-3) - at(coordinate, -1e-3)) / 2e-3;
        assert!((found[coordinate] - difference).abs() < 1e-6, "{coordinate}");
    }
    let hessian = atomic_result(&input(|i| i["driver"] = json!("hessian"))).unwrap();
    let entries: Vec<f64> = serde_json::from_value(hessian["return_result"].clone()).unwrap();
    let second = (at(2, 1e-2) - 2.0 * at(2, 0.0) + at(2, -1e-2)) / 1e-4;
    assert!((entries[2 * 9 + 2] - second).abs() < 1e-3, "{} for {second}", entries[2 * 9 + 2]);
    let properties = atomic_result(&input(|i| {
        i["driver"] = json!("properties");
        i["model"]["method"] = json!("PBE");
        i["keywords"]["grid_level"] = json!(0);
    }));
    let charges = &properties.unwrap()["return_result"]["mulliken_charges"];
    assert!(charges[0].as_f64().unwrap() < -0.1);
}

#[test]
fn an_input_that_cannot_be_computed_is_refused_by_its_field() {
    let refused = |change: &dyn Fn(&mut Value), kind: &str, word: &str| {
        let text = input(change);
        let error = atomic_result(&text).unwrap_err();
        let failed = failed_operation(&text, &error);
        assert_eq!(failed["success"], false);
        assert_eq!(failed["error"]["error_type"], kind, "{error}");
        let said = failed["error"]["error_message"].as_str().unwrap();
        assert!(said.contains(word), "{said}");
    };
    let wrong = "input_error";
    refused(&|i| i["driver"] = json!("forces"), wrong, "driver");
    refused(&|i| i["model"]["method"] = json!("mp2"), wrong, "model.method");
    refused(&|i| i["model"]["basis"] = json!("cc-pv9z"), wrong, "model.basis");
    refused(&|i| i["molecule"]["symbols"][0] = json!("Xx"), wrong, "molecule.symbols");
    refused(&|i| i["molecule"]["molecular_multiplicity"] = json!(2), wrong, "multiplicity");
    refused(&|i| i["molecule"]["molecular_charge"] = json!(0.5), wrong, "molecular_charge");
    refused(&|i| i["molecule"]["real"] = json!([true, false, true]), wrong, "ghost");
    refused(&|i| i["keywords"]["d_convergence"] = json!(8), wrong, "keywords.d_convergence");
    refused(&|i| i["keywords"]["grid_level"] = json!(3), wrong, "no grid");
    refused(&|i| i["schema_version"] = json!(2), wrong, "schema_version");
    refused(&|i| i["keywords"]["max_iterations"] = json!(1), "convergence_error", "converge");
    let broken = atomic_result("{").unwrap_err();
    assert_eq!(failed_operation("{", &broken)["input_data"], "{");
}
