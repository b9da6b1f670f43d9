//! Internal coordinates: what they measure, that positions have the coordinates they were made of, and every derivative.

use std::f64::consts::PI;
use std::sync::{Arc, Mutex};

use cotangent_dft::molecule::internal::{Chart, ChartError};
use cotangent_dft::molecule::{
    BOHR_ANGSTROM, Basis, Coordinate, CoordinateSystem, Form, LengthUnit, Molecule,
    MoleculeOptions, MoleculeSimulation, NamedCoordinate, WithCoordinates, basis_set, parse_xyz,
};
use cotangent_optim::{Method, Problem, Stop, minimize};
use cotangent_problem::{
    Capabilities, Evaluation, Keep, Map, Objective, Parameter, SampleKey, Simulation, Space,
    TrialFailure, Want, Workspace,
};

/// Molecules of every shape: bent, on a line, flat, a ring, a turn about a bond, a turn about a line of atoms, two parts.
const MOLECULES: [(&str, &str); 12] = [
    ("water", "O 0 0 0.12\nH 0 0.76 -0.47\nH 0 -0.76 -0.47"),
    ("hydrogen", "H 0 0 0\nH 0.1 0.2 0.7"),
    ("hydrogen cyanide", "H 0 0 -1.06\nC 0 0 0\nN 0 0 1.15"),
    ("carbon dioxide", "O 0 0.02 -1.16\nC 0 0 0\nO 0.01 0 1.16"),
    ("acetylene", "H 0 0 -1.66\nC 0 0 -0.6\nC 0 0 0.6\nH 0 0 1.66"),
    ("formaldehyde", "O 0 0 1.2\nC 0 0 0\nH 0 0.94 -0.58\nH 0 -0.94 -0.58"),
    ("boron fluoride", "B 0 0 0\nF 1.3 0 0\nF -0.65 1.126 0\nF -0.65 -1.126 0"),
    ("hydrogen peroxide", "O 0 0.73 -0.05\nO 0 -0.73 -0.05\nH 0.8 0.9 0.4\nH -0.8 -0.9 0.4"),
    (
        "cyclopropane",
        "C 0.87 0 0\nC -0.435 0.753 0\nC -0.435 -0.753 0\nH 1.46 0 0.91\nH 1.46 0 -0.91\nH -0.73 1.26 0.91\nH -0.73 1.26 -0.91\n\
         H -0.73 -1.26 0.91\nH -0.73 -1.26 -0.91",
    ),
    (
        "dimethylacetylene",
        "C 0 0 -2.07\nC 0 0 -0.6\nC 0 0 0.6\nC 0 0 2.07\nH 1.02 0 -2.45\nH -0.51 0.88 -2.45\nH -0.51 -0.88 -2.45\n\
         H 1.02 0.1 2.45\nH -0.51 0.88 2.45\nH -0.51 -0.88 2.45",
    ),
    (
        "two waters that face away",
        "O 0 0 0\nH 0.6519 -0.1509 0.6854\nH -0.8314 -0.2557 0.4012\nO 0 0 3.2\nH 0.8520 0.0242 3.6372\nH -0.3974 0.8471 3.4051",
    ),
    (
        "two waters",
        "O -1.55 -0.11 0\nH -1.93 0.76 0.1\nH -0.6 0.04 0\nO 1.35 0.11 0\nH 1.68 -0.37 -0.76\nH 1.68 -0.37 0.76",
    ),
];

fn molecule(name: &str) -> Molecule {
    let (_, atoms) = MOLECULES.iter().find(|(known, _)| *known == name).expect("a known molecule");
    let text = format!("{}\n\n{atoms}\n", atoms.lines().count());
    parse_xyz(&text, name, LengthUnit::Angstrom, 0, 1).expect("a molecule")
}

fn positions(molecule: &Molecule) -> Vec<[f64; 3]> {
    molecule.positions_bohr()
}

/// Numbers between -1 and 1 that are the same in every run.
fn numbers(count: usize, seed: usize) -> Vec<f64> {
    (0..count).map(|k| ((k * 7 + seed * 13 + 1) as f64 * 12.9898).sin()).collect()
}

fn named(name: &str, atoms: &[usize]) -> NamedCoordinate {
    let coordinate = Coordinate::between(atoms).expect("different atoms");
    NamedCoordinate { name: format!("coordinate.{name}"), coordinate }
}

#[test]
fn a_square_has_the_distances_angles_and_turns_that_it_has() {
    let corners = [[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [2.0, 2.0, 0.0], [2.0, 2.0, 3.0]];
    let value = |atoms: &[usize]| Coordinate::between(atoms).unwrap().value(&corners).unwrap();
    assert!((value(&[0, 2]) - 8.0_f64.sqrt()).abs() < 1e-14);
    assert!((value(&[0, 1, 2]) - 0.5 * PI).abs() < 1e-14);
    // seen along 1 -> 2, atom 0 lies at -x and atom 3 at +z; y runs away from the eye, so z is clockwise from -x by a quarter
    assert!((value(&[0, 1, 2, 3]) - 0.5 * PI).abs() < 1e-14);
    assert!((value(&[3, 2, 1, 0]) - 0.5 * PI).abs() < 1e-14, "the same from the other end");
    let mirrored = corners.map(|[x, y, z]| [x, y, -z]);
    let turn = Coordinate::between(&[0, 1, 2, 3]).unwrap();
    assert!((turn.value(&mirrored).unwrap() + 0.5 * PI).abs() < 1e-14);
    assert_eq!(Coordinate::between(&[0, 1, 0]), None);
    let line = [[0.0; 3], [1.0, 0.0, 0.0], [2.0, 0.0, 0.0]];
    let straight = Coordinate::between(&[0, 1, 2]).unwrap();
    assert_eq!((straight.value(&line), straight.gradient(&line)), (Some(PI), None));
}

#[test]
fn coordinates_have_the_derivatives_of_their_differences() {
    let places = positions(&molecule("hydrogen peroxide"));
    let bow = Coordinate::Bow { atoms: [2, 0, 1], axis: [0.6, 0.0, 0.8] };
    let between = |atoms: &[usize]| Coordinate::between(atoms).unwrap();
    for coordinate in [between(&[0, 2]), between(&[2, 0, 1]), between(&[2, 0, 1, 3]), bow] {
        let gradient = coordinate.gradient(&places).unwrap();
        for (atom, by) in coordinate.atoms().iter().zip(&gradient) {
            for axis in 0..3 {
                let value = |step: f64| {
                    let mut moved = places.clone();
                    moved[*atom][axis] += step;
                    coordinate.value(&moved).unwrap()
                };
                let difference = (value(1e-4) - value(-1e-4)) / 2e-4;
                assert!((difference - by[axis]).abs() < 1e-8, "{coordinate:?} {atom} {axis}");
            }
        }
    }
}

#[test]
fn positions_have_the_internal_coordinates_they_were_made_of_and_their_derivatives() {
    for (name, _) in MOLECULES {
        let molecule = molecule(name);
        let bond = named("bond", &[0, 1]);
        let length = bond.coordinate.value(&positions(&molecule)).unwrap();
        let chart = Chart::new(&molecule, vec![bond.clone()]).unwrap();
        let freedom = 3 * molecule.atoms().len() - 1 - chart.collective_len();
        let on_a_line = ["hydrogen", "hydrogen cyanide", "acetylene"].contains(&name);
        assert_eq!(freedom, if on_a_line { 5 } else { 6 }, "{name}");
        let kept = chart.place(&[length], &vec![0.0; chart.collective_len()]).unwrap();
        assert_eq!(kept.positions_bohr, positions(&molecule), "{name}: the reference is exact");

        let collective: Vec<f64> =
            numbers(chart.collective_len(), 1).iter().map(|x| 0.05 * x).collect();
        let target = length + 0.3;
        let placed = chart.place(&[target], &collective).unwrap();
        let measured = bond.coordinate.value(&placed.positions_bohr).unwrap();
        assert!((measured - target).abs() < 1e-11, "{name}: {measured} for {target}");

        let (by_named, by_collective) = (0.7, numbers(collective.len(), 2));
        let tangent = placed.pushforward(&[by_named], &by_collective);
        let at = |step: f64| {
            let moved: Vec<f64> =
                collective.iter().zip(&by_collective).map(|(s, d)| s + step * d).collect();
            chart.place(&[target + step * by_named], &moved).unwrap().positions_bohr
        };
        let (above, below) = (at(1e-4), at(-1e-4));
        let differences = above.as_flattened().iter().zip(below.as_flattened());
        for ((a, b), d) in differences.zip(&tangent) {
            assert!(((a - b) / 2e-4 - d).abs() < 1e-5 * (1.0 + d.abs()), "{name}: {d}");
        }
        let bar = numbers(tangent.len(), 3);
        let [named_bar, collective_bar] = placed.pullback(&bar);
        let forward: f64 = bar.iter().zip(&tangent).map(|(x, y)| x * y).sum();
        let backward = named_bar[0] * by_named
            + collective_bar.iter().zip(&by_collective).map(|(x, y)| x * y).sum::<f64>();
        assert!((forward - backward).abs() < 1e-9 * (1.0 + forward.abs()), "{name}");
    }
}

#[test]
fn a_turn_goes_round_further_than_half() {
    let molecule = molecule("hydrogen peroxide");
    let turn = named("turn", &[2, 0, 1, 3]);
    let first = turn.coordinate.value(&positions(&molecule)).unwrap();
    let chart = Chart::new(&molecule, vec![turn.clone(), named("bond", &[0, 1])]).unwrap();
    let rest = vec![0.0; chart.collective_len()];
    let bond = chart.values()[1];
    for whole in [-1.9, -0.7, 0.4, 0.9, 1.0] {
        let target = first + whole * 2.0 * PI;
        let placed = chart.place(&[target, bond], &rest).unwrap();
        let measured = turn.coordinate.value(&placed.positions_bohr).unwrap();
        let error = turn.coordinate.difference(measured, target).abs();
        assert!(error < 1e-10, "{whole} turns: {measured}");
    }
}

#[test]
fn a_dihedral_angle_as_an_output_does_not_jump_where_it_is_half_a_turn() {
    let turn = || vec![named("turn", &[2, 0, 1, 3])];
    let internal = simulation("hydrogen peroxide", turn(), CoordinateSystem::Internal);
    let first = internal.inputs()[place(internal.inputs(), "coordinate.turn")].value[0];
    let measure = |simulation: WithCoordinates, input: &str, x: &[f64]| {
        let (input, output) =
            (place(simulation.inputs(), input), place(simulation.outputs(), "coordinate.turn"));
        values(Arc::new(simulation).map(&[input], &[output], true).unwrap().as_ref(), x)[0]
    };
    for turned in [0.3, PI - first - 1e-3, PI - first + 1e-3, 4.0] {
        let placed = Chart::new(&molecule("hydrogen peroxide"), turn()).unwrap();
        let rest = vec![0.0; placed.collective_len()];
        let atom = placed.place(&[first + turned], &rest).unwrap().positions_bohr[3];
        let as_set = measure(internal.clone(), "coordinate.turn", &[first + turned]);
        assert!((as_set - first - turned).abs() < 1e-15, "{turned}: {as_set}");
        // by positions within half a turn of the file's
        let by_one = simulation("hydrogen peroxide", turn(), CoordinateSystem::Cartesian);
        let found = measure(by_one, "atom[3].position", &atom);
        assert!((found - first).abs() <= PI, "{turned}: {found}");
    }
}

#[test]
fn two_molecules_turn_freely_beside_each_other() {
    let chart = Chart::new(&molecule("two waters"), Vec::new()).unwrap();
    for seed in 0..20 {
        let far: Vec<f64> =
            numbers(chart.collective_len(), seed).iter().map(|x| 0.05 * x).collect();
        assert!(chart.place(&[], &far).is_ok(), "{seed}");
    }
    // they turn round to the same minimum, which is not near
    let (energy, _) = relaxed("two waters that face away", CoordinateSystem::Internal);
    assert!((energy + 149.941_244_36).abs() < 1e-6, "{energy}");
}

#[test]
fn what_is_no_coordinate_is_refused_by_name() {
    let line = Chart::new(&molecule("acetylene"), vec![named("bend", &[0, 1, 2])]);
    assert_eq!(line.unwrap_err(), ChartError::OnALine { name: "coordinate.bend".into() });
    let twice = vec![named("a", &[0, 1]), named("b", &[1, 0])];
    let twice = Chart::new(&molecule("water"), twice).unwrap_err();
    assert_eq!(twice, ChartError::Dependent { name: "coordinate.b".into() });
    let angles = vec![named("a", &[1, 0, 2]), named("b", &[0, 1, 2]), named("c", &[0, 2, 1])];
    let angles = Chart::new(&molecule("water"), angles).unwrap_err();
    assert_eq!(angles, ChartError::Dependent { name: "coordinate.c".into() }, "they sum to pi");
    let impossible = Chart::new(&molecule("water"), vec![named("bond", &[0, 1])]).unwrap();
    let error = impossible.place(&[-1.0], &[0.0, 0.0]).unwrap_err();
    assert!(matches!(error, ChartError::NoPositions { .. }), "{error}");
}

fn simulation(
    name: &str,
    coordinates: Vec<NamedCoordinate>,
    system: CoordinateSystem,
) -> WithCoordinates {
    let molecule = molecule(name);
    let set = basis_set("STO-3G").expect("a table").expect("a known set");
    let basis = Basis::new(&molecule, &set, Form::Spherical).expect("a basis");
    let plain = MoleculeSimulation::new(molecule, basis, MoleculeOptions::default());
    WithCoordinates::new(plain, coordinates, system).expect("coordinates")
}

fn place(quantities: &[cotangent_problem::Quantity], name: &str) -> usize {
    quantities.iter().position(|q| q.name == name).unwrap_or_else(|| panic!("no {name}"))
}

fn values(map: &dyn Map, x: &[f64]) -> Vec<f64> {
    let run = map.run(x, Keep::Values, SampleKey(0), &mut Workspace::new()).expect("a value");
    run.values().entries.clone()
}

/// `J` by both modes, against central differences.
fn check_jacobian(map: &dyn Map, x: &[f64]) {
    let run =
        map.run(x, Keep::Linearisation, SampleKey(0), &mut Workspace::new()).expect("a value");
    let (n, m) = (map.input_len(), map.output_len());
    let unit = |k: usize, len: usize| (0..len).map(|j| f64::from(u8::from(j == k))).collect();
    let tangents: Vec<Vec<f64>> = (0..n).map(|k| unit(k, n)).collect();
    let cotangents: Vec<Vec<f64>> = (0..m).map(|k| unit(k, m)).collect();
    let forward = run
        .pushforward(&tangents.iter().map(Vec::as_slice).collect::<Vec<_>>())
        .expect("a derivative");
    let reverse = run
        .pullback(&cotangents.iter().map(Vec::as_slice).collect::<Vec<_>>())
        .expect("a derivative");
    for k in 0..n {
        let at = |step: f64| {
            let mut moved = x.to_vec();
            moved[k] += step;
            values(map, &moved)
        };
        let (above, below) = (at(1e-3), at(-1e-3));
        for j in 0..m {
            let difference = (above[j] - below[j]) / 2e-3;
            let exact = forward[k][j];
            assert!((exact - reverse[j][k]).abs() < 1e-9 * (1.0 + exact.abs()), "{k} {j}: modes");
            let error = (exact - difference).abs();
            assert!(error < 3e-5 * (1.0 + exact.abs()), "{k} {j}: {exact} for {difference}");
        }
    }
}

#[test]
fn a_molecule_is_differentiable_by_its_internal_coordinates() {
    let coordinates = vec![named("turn", &[2, 0, 1, 3]), named("bond", &[0, 1])];
    let simulation = simulation("hydrogen peroxide", coordinates, CoordinateSystem::Internal);
    let inputs = ["coordinate.bond", "field", "internal", "coordinate.turn"];
    let inputs = inputs.map(|name| place(simulation.inputs(), name));
    let outputs = ["atom[3].position", "energy", "coordinate.turn", "dipole", "coordinate.bond"];
    let outputs = outputs.map(|name| place(simulation.outputs(), name));
    let start = inputs.iter().flat_map(|k| simulation.inputs()[*k].value.clone());
    let shifts = numbers(4 + 3 + 2, 5);
    let x: Vec<f64> = start.zip(&shifts).map(|(x, d)| x + 0.02 * d).collect();
    let map = Arc::new(simulation).map(&inputs, &outputs, true).unwrap();
    assert_eq!(x.len(), map.input_len());
    check_jacobian(map.as_ref(), &x);
}

#[test]
fn distances_and_angles_are_outputs_of_positions() {
    let coordinates = vec![named("angle", &[1, 0, 2]), named("length", &[0, 2])];
    let simulation = simulation("water", coordinates, CoordinateSystem::Cartesian);
    let inputs = ["atom[2].position", "field", "atom[0].position"];
    let inputs = inputs.map(|name| place(simulation.inputs(), name));
    let outputs = ["coordinate.angle", "energy", "coordinate.length"];
    let outputs = outputs.map(|name| place(simulation.outputs(), name));
    let x: Vec<f64> = inputs.iter().flat_map(|k| simulation.inputs()[*k].value.clone()).collect();
    let simulation = Arc::new(simulation);
    check_jacobian(Arc::clone(&simulation).map(&inputs, &outputs, true).unwrap().as_ref(), &x);
    // alone, they take no field
    let alone = simulation.map(&inputs, &outputs[2..], true).unwrap();
    assert!(!alone.plan(Keep::Values).work.contains("self-consistent"));
    assert!((values(alone.as_ref(), &x)[0] - 0.962_133 / BOHR_ANGSTROM).abs() < 1e-5);
}

/// The energy of a molecule by what moves its atoms, and the energies so far.
struct Energy(Box<dyn Map>, Mutex<Vec<f64>>);

impl Objective for Energy {
    fn dim(&self) -> usize {
        self.0.input_len()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { gradient: true, ..Capabilities::default() }
    }

    fn evaluate(
        &self,
        x: &[f64],
        _: Want,
        key: SampleKey,
        ws: &mut Workspace,
    ) -> Result<Evaluation, TrialFailure> {
        let run = self.0.run(x, Keep::Linearisation, key, ws)?;
        let gradient = Some(run.pullback(&[&[1.0]])?.remove(0));
        let value = run.values().entries[0];
        self.1.lock().expect("no panic holds it").push(value);
        Ok(Evaluation { value, gradient, ..Evaluation::default() })
    }
}

/// The least energy, and how many fields were solved before one was within `1e-6` of it.
fn relaxed(name: &str, system: CoordinateSystem) -> (f64, usize) {
    let simulation = simulation(name, Vec::new(), system);
    let moves = |name: &str| name == "internal" || name.ends_with(".position");
    let all = simulation.inputs();
    let inputs: Vec<usize> = (0..all.len()).filter(|k| moves(&all[*k].name)).collect();
    let energy = place(simulation.outputs(), "energy");
    let parameters = inputs.iter().map(|k| Parameter {
        scale: all[*k].scale,
        ..Parameter::vector(all[*k].name.clone(), all[*k].len())
    });
    let space = Space::new(parameters.collect()).expect("a space");
    let start: Vec<f64> = inputs.iter().flat_map(|k| all[*k].value.clone()).collect();
    let map = Arc::new(simulation).map(&inputs, &[energy], true).expect("a map");
    let objective = Energy(map, Mutex::default());
    let problem = Problem { objective: &objective, space: &space };
    let stop = Stop { gradient_tolerance: 1e-5, ..Stop::default() };
    let method = Method::named("lbfgsb").expect("a method");
    let end = minimize(&problem, method, stop, &start, SampleKey(0), &mut ()).expect("a search");
    assert!(end.status.is_success(), "{name}: {:?}", end.status);
    let energies = objective.1.into_inner().expect("no panic holds it");
    let close = energies.iter().position(|energy| energy - end.value < 1e-6).expect("the last one");
    (end.value, close + 1)
}

#[test]
fn internal_coordinates_lead_to_the_same_minimum_in_fewer_steps() {
    for (name, most) in [("water", 4), ("acetylene", 5), ("formaldehyde", 5), ("cyclopropane", 4)] {
        let (cartesian, slow) = relaxed(name, CoordinateSystem::Cartesian);
        let (internal, fast) = relaxed(name, CoordinateSystem::Internal);
        assert!((internal - cartesian).abs() < 1e-6, "{name}: {internal} and {cartesian}");
        assert!(fast <= most && fast < slow, "{name}: {fast} fields, {slow} by positions");
    }
}
