//! Geometries by internal coordinates beside geomeTRIC and pyberny: how many fields lead to the minimum.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Arc, Mutex};

use cotangent_dft::molecule::{
    Basis, CoordinateSystem, Form, LengthUnit, MoleculeOptions, MoleculeSimulation,
    WithCoordinates, basis_set, parse_xyz,
};
use cotangent_optim::{Method, Problem, Stop, minimize};
use cotangent_problem::{
    Capabilities, Evaluation, Keep, Map, Objective, Parameter, SampleKey, Simulation, Space,
    TrialFailure, Want, Workspace,
};

use crate::peer::{self, PeerError, Peers, script};
use crate::report::{Item, Proof};

/// Atoms as lines of an XYZ file, by name; `peers/geometry_pyscf.py` reads the same.
const MOLECULES: &str = include_str!("../../../peers/geometries.json");
/// A geometry counts as found where its energy is as near to the least, hartree.
const NEAR: f64 = 1e-6;

/// An energy as an objective that remembers its values.
struct Energy {
    map: Box<dyn Map>,
    energies: Mutex<Vec<f64>>,
}

impl Objective for Energy {
    fn dim(&self) -> usize {
        self.map.input_len()
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
        let run = self.map.run(x, Keep::Linearisation, key, ws)?;
        let gradient = Some(run.pullback(&[&[1.0]])?.remove(0));
        let value = run.values().entries[0];
        self.energies.lock().expect("no panic holds it").push(value);
        Ok(Evaluation { value, gradient, ..Evaluation::default() })
    }
}

/// The energies of Hartree-Fock in STO-3G on the way to the minimum.
fn energies(name: &str, atoms: &str, system: CoordinateSystem) -> Vec<f64> {
    let text = format!("{}\n\n{atoms}\n", atoms.lines().count());
    let molecule = parse_xyz(&text, name, LengthUnit::Angstrom, 0, 1).expect("a molecule");
    let set = basis_set("STO-3G").ok().flatten().expect("a set that the crate carries");
    let basis = Basis::new(&molecule, &set, Form::Spherical).expect("its elements are there");
    let molecule = MoleculeSimulation::new(molecule, basis, MoleculeOptions::default());
    let simulation = WithCoordinates::new(molecule, Vec::new(), system).expect("coordinates");
    let (inputs, outputs) = (simulation.inputs(), simulation.outputs());
    let moves = |name: &str| name == "internal" || name.ends_with(".position");
    let free: Vec<usize> = (0..inputs.len()).filter(|k| moves(&inputs[*k].name)).collect();
    let energy = outputs.iter().position(|q| q.name == "energy").expect("an energy");
    let parameter = |k: &usize| {
        let quantity = &inputs[*k];
        Parameter::vector(quantity.name.clone(), quantity.len()).scaled(quantity.scale)
    };
    let space = Space::new(free.iter().map(parameter).collect()).expect("a space");
    let start: Vec<f64> = free.iter().flat_map(|k| inputs[*k].value.clone()).collect();
    let map = Arc::new(simulation).map(&free, &[energy], true).expect("a map");
    let objective = Energy { map, energies: Mutex::default() };
    let problem = Problem { objective: &objective, space: &space };
    let stop = Stop { gradient_tolerance: 1e-5, ..Stop::default() };
    let method = Method::named("lbfgsb").expect("a method");
    minimize(&problem, method, stop, &start, SampleKey(0), &mut ()).expect("a search");
    objective.energies.into_inner().expect("no panic holds it")
}

/// How many fields were solved before one was near to the least energy.
fn fields(energies: &[f64], least: f64) -> usize {
    energies.iter().position(|energy| energy - least < NEAR).map_or(usize::MAX, |k| k + 1)
}

fn least(energies: &[f64]) -> f64 {
    energies.iter().copied().fold(f64::INFINITY, f64::min)
}

pub(super) fn geometries(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let molecules: BTreeMap<String, String> =
        serde_json::from_str(MOLECULES).expect("geometries.json is a table of texts");
    let what = "fields to the geometries of a set of molecules, RHF/STO-3G";
    let python = match peers.python("geometric") {
        Ok(python) => python,
        Err(why) => {
            return Ok(vec![Item::Proof(Proof {
                what: what.into(),
                must: "half of what positions take".into(),
                measured: format!("skipped: {why}"),
                holds: true,
            })]);
        }
    };
    let found = peer::run(Command::new(python).arg(script("geometry_pyscf.py")))?;
    let (mut counts, mut told) = ([0; 4], Vec::new());
    let mut furthest: f64 = 0.0;
    for (name, atoms) in &molecules {
        let theirs = ["geometric", "berny"]
            .map(|peer| &found[&format!("{peer}-{}", name.replace(' ', "-"))].values);
        let ours = [CoordinateSystem::Internal, CoordinateSystem::Cartesian]
            .map(|system| energies(name, atoms, system));
        furthest = furthest.max((least(&ours[0]) - least(theirs[0])).abs());
        let four = [&ours[0], theirs[0], theirs[1], &ours[1]].map(|e| fields(e, least(e)));
        told.push(format!("{name} {four:?}"));
        counts.iter_mut().zip(four).for_each(|(sum, count)| *sum += count);
    }
    let [internal, geometric, berny, cartesian] = counts;
    Ok(vec![
        Item::Proof(Proof {
            what: what.into(),
            must: "half of what positions take".into(),
            measured: format!(
                "{internal} in internal coordinates, geomeTRIC {geometric}, pyberny {berny}, {cartesian} by positions ({})",
                told.join(", ")
            ),
            holds: 2 * internal <= cartesian,
        }),
        Item::Proof(Proof {
            what: "energies of these geometries equal those of geomeTRIC's".into(),
            must: "to 2e-6 hartree".into(),
            measured: format!("{furthest:.1e}"),
            holds: furthest < 2e-6,
        }),
    ])
}
