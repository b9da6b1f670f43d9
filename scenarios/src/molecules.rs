//! `molecules`: a molecule in a Gaussian basis set.

mod coordinates;
mod keys;
mod species;

use cotangent_dft::molecule::integrals::repulsion::store::RepulsionOptions;
use cotangent_dft::molecule::scf::{
    ScfOptions, StabilityCheck, Start, check_orbitals, orbitals_from_json,
};
use cotangent_dft::molecule::{
    Basis, BasisSet, Conditions, CoordinateSystem, Extent, GridOptions, LengthUnit, Molecule,
    MoleculeOptions, MoleculePortrait, MoleculeSimulation, ReferenceChoice, Scan,
    StandardFunctional, Theory, UnknownFunctional, basis_names, basis_set, parse_basis, parse_xyz,
};
use cotangent_problem::Simulation;

use super::document::{Grammar, Settings};
use super::domain::{Domain, Makes};
use super::first;
use super::general::{self, COMBINATION, CONSTRAINT, GOAL, Model, OUTPUT, PARAMETER, TERM};
use super::keys::{AnyKey, Key, List};
use crate::diagnostic::{CONTRADICTION, Diagnostic, nearest};

const LISTS: &[List] =
    &[keys::SPECIES, keys::COORDINATE, PARAMETER, TERM, GOAL, CONSTRAINT, COMBINATION];

/// The kind.
pub(super) const DOMAIN: Domain = Domain {
    kind: "molecules",
    summary: "a molecule from an XYZ file in a Gaussian basis set: geometries, fields, basis functions",
    grammar: Grammar { keys: keys::KEYS, lists: LISTS, open_tables: general::OPEN_TABLES },
    template: &[
        ("scenario.toml", include_bytes!("../water.toml")),
        ("water.xyz", include_bytes!("../water.xyz")),
    ],
    makes: Makes::Simulation(model),
    first: Some((&["xyz"], first::molecules::scenario)),
};

fn model(s: &Settings) -> Result<Model, Vec<Diagnostic>> {
    let has_species = !s.list(keys::SPECIES).is_empty();
    if has_species { species::model(s) } else { one_molecule(s) }
}

/// The simulation of the molecule that `[molecule]` says.
fn one_molecule(s: &Settings) -> Result<Model, Vec<Diagnostic>> {
    let mut portrait = portrait(s).map_err(|problem| vec![problem])?;
    let MoleculePortrait { molecule, basis, options, .. } = &portrait;
    let plain = MoleculeSimulation::new(molecule.clone(), basis.clone(), options.clone());
    portrait.coordinates = coordinates::with_coordinates(s, &plain)?;
    let simulation: Box<dyn Simulation> = match &portrait.coordinates {
        None => Box::new(plain),
        Some(with_coordinates) => Box::new(with_coordinates.clone()),
    };
    let by_internal = s.get(keys::COORDINATES) == CoordinateSystem::Internal;
    let in_field = s.open_keys(general::VALUES).contains(&"field")
        || s.list(PARAMETER).iter().any(|p| p.get(general::INPUT) == "field");
    let note = "in a field the energy depends on how the molecule is turned, which no internal coordinate changes: search by positions where that counts";
    let notes = if by_internal && in_field { vec![note.into()] } else { Vec::new() };
    Ok(Model { simulation, notes, portrait: Some(Box::new(portrait)) })
}

/// What draws the molecule that `[molecule]` says.
fn portrait(s: &Settings) -> Result<MoleculePortrait, Diagnostic> {
    let Some(file) = s.get(keys::FILE) else {
        let message = "there is no molecule";
        let help = "molecule.file = \"water.xyz\", or [[species]] with a label and a file each";
        let code = "cotangent::scenario::missing_key";
        return Err(s.problem(code, keys::FILE, message, help));
    };
    let molecule =
        molecule(s, (keys::FILE.any, file), keys::UNIT, keys::CHARGE, keys::MULTIPLICITY)?;
    let basis = basis_on(s, &molecule)?;
    let options = options(s, &molecule, &basis)?;
    let scan = scan(s, &molecule)?;
    let of_vibrations = |name: &str| name.starts_with("vibration.") || name.starts_with("thermo.");
    let speaks = |asked: &Settings| of_vibrations(asked.get(OUTPUT));
    let vibrates = [TERM, GOAL].into_iter().any(|list| s.list(list).iter().any(speaks));
    let extent = Extent {
        spacing_bohr: s.get(keys::VOLUME_SPACING),
        margin_bohr: s.get(keys::VOLUME_MARGIN),
        orbitals: s.get(keys::VOLUME_ORBITALS),
    };
    Ok(MoleculePortrait { molecule, basis, options, coordinates: None, vibrates, scan, extent })
}

/// The bond whose curve is drawn.
fn scan(s: &Settings, molecule: &Molecule) -> Result<Option<Scan>, Diagnostic> {
    let to_bohr = s.get(keys::SCAN_TO);
    if to_bohr == 0.0 {
        return Ok(None);
    }
    let keys = [keys::SCAN_FROM, keys::SCAN_ATOM];
    let atoms = keys.map(|key| s.get(key));
    let count = molecule.atoms().len();
    for (atom, key) in atoms.iter().zip(keys) {
        if *atom >= count {
            let message = format!("there is no atom {atom}: the molecule has {count}");
            let help = "atoms are counted from 0, in the order of the file";
            return Err(s.problem("cotangent::molecule::scan", key, message, help));
        }
    }
    if atoms[0] == atoms[1] {
        let (message, help) = ("a bond has two atoms", "name another in scan.atom");
        return Err(s.problem("cotangent::molecule::scan", keys::SCAN_ATOM, message, help));
    }
    Ok(Some(Scan { atoms, to_bohr, points: s.get(keys::SCAN_POINTS) }))
}

/// The basis of a molecule.
fn basis_on(s: &Settings, molecule: &Molecule) -> Result<Basis, Diagnostic> {
    Basis::new(molecule, &set(s)?, s.get(keys::FORM)).map_err(|e| {
        let help = "take another set, or give one in basis.file";
        s.problem("cotangent::molecule::basis", keys::BASIS, e.to_string(), help)
    })
}

fn read(s: &Settings, (key, file): (AnyKey, &str)) -> Result<String, Diagnostic> {
    std::fs::read_to_string(file).map_err(|e| {
        let message = format!("cannot read {file}: {e}");
        s.problem("cotangent::scenario::unreadable", key, message, "it must be text in UTF-8")
    })
}

fn molecule(
    s: &Settings,
    (key, file): (AnyKey, &str),
    unit: Key<LengthUnit>,
    charge: Key<i64>,
    multiplicity: Key<usize>,
) -> Result<Molecule, Diagnostic> {
    let text = read(s, (key, file))?;
    let charge = i32::try_from(s.get(charge)).unwrap_or(i32::MAX);
    parse_xyz(&text, file, s.get(unit), charge, s.get(multiplicity)).map_err(|e| {
        let help = "charge and multiplicity say what the file does not";
        s.problem("cotangent::molecule::xyz", key, e.to_string(), help)
    })
}

fn set(s: &Settings) -> Result<BasisSet, Diagnostic> {
    let code = "cotangent::molecule::basis";
    if let Some(file) = s.get(keys::BASIS_FILE) {
        let text = read(s, (keys::BASIS_FILE.any, file))?;
        return parse_basis(&text, file).map_err(|e| {
            let help = "NWChem's or Gaussian's format, or JSON of the Basis Set Exchange";
            s.problem(code, keys::BASIS_FILE, e.to_string(), help)
        });
    }
    let name = s.get(keys::BASIS);
    let known = basis_set(name).map_err(|e| {
        s.problem(code, keys::BASIS, e.to_string(), "this is a fault of the program")
    })?;
    known.ok_or_else(|| {
        let help = match nearest(name, basis_names()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!(
                "there are {}; give others in basis.file",
                basis_names().collect::<Vec<_>>().join(", ")
            ),
        };
        s.problem(code, keys::BASIS, format!("no basis set is called \"{name}\""), help)
    })
}

fn options(
    s: &Settings,
    molecule: &Molecule,
    basis: &Basis,
) -> Result<MoleculeOptions, Diagnostic> {
    let reference = s.get(keys::REFERENCE);
    let [up, down] = molecule.electrons();
    if reference == ReferenceChoice::Restricted && up != down {
        let message =
            format!("{up} electrons of spin up and {down} of spin down cannot share orbitals");
        let help = "method.reference = \"unrestricted\"";
        return Err(s.problem(CONTRADICTION, keys::REFERENCE, message, help));
    }
    let start = start(s, reference, molecule, basis)?;
    let most = s.get(keys::MAX_ITERATIONS);
    let scf = ScfOptions {
        start,
        tol_energy_ha: s.get(keys::TOL_ENERGY),
        tol_gradient_ha: s.get(keys::TOL_GRADIENT),
        max_diis: most,
        max_newton: most,
        level_shift_ha: s.get(keys::LEVEL_SHIFT),
        stability: if s.get(keys::STABILITY) { StabilityCheck::On } else { StabilityCheck::Off },
        follow_down: s.get(keys::FOLLOW_DOWN),
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a size in bytes")]
    let memory_bytes = (s.get(keys::MEMORY) * 1e9) as u64;
    let repulsion = RepulsionOptions { memory_bytes, ..RepulsionOptions::default() };
    let conditions = Conditions {
        temperature_k: s.get(keys::TEMPERATURE),
        pressure_pa: s.get(keys::PRESSURE),
        symmetry_number: s.get(keys::SYMMETRY_NUMBER) as f64,
    };
    Ok(MoleculeOptions { reference, repulsion, scf, theory: theory(s)?, conditions })
}

/// Where the field starts: orbitals of a file, where one is given.
fn start(
    s: &Settings,
    reference: ReferenceChoice,
    molecule: &Molecule,
    basis: &Basis,
) -> Result<Start, Diagnostic> {
    let Some(file) = s.get(keys::ORBITALS) else {
        return Ok(match s.get(keys::START) {
            keys::FirstField::Core => Start::CoreHamiltonian,
            keys::FirstField::Atoms => Start::Atoms,
        });
    };
    let code = "cotangent::molecule::orbitals";
    if s.is_given(keys::START) {
        let message = "scf.start and scf.orbitals both say where the field starts";
        return Err(s.problem(code, keys::ORBITALS, message, "leave one of them out"));
    }
    let text = read(s, (keys::ORBITALS.any, file))?;
    let found = orbitals_from_json(&text).and_then(|orbitals| {
        check_orbitals(&orbitals, reference.of(molecule), molecule.electrons(), basis)?;
        Ok(orbitals)
    });
    found.map(Start::Orbitals).map_err(|e| {
        let help = "take artifacts/orbitals.json of a run with the same atoms, electrons, basis and kind of orbitals";
        s.problem(code, keys::ORBITALS, e.to_string(), help)
    })
}

/// Hartree-Fock, or Kohn-Sham with the functional that is named.
fn theory(s: &Settings) -> Result<Theory, Diagnostic> {
    let name = s.get(keys::FUNCTIONAL);
    if name.is_empty() {
        // every setting stands in a run folder's settings, with its default where it was not given
        if s.get(keys::GRID) != keys::USUAL_GRID {
            let message = "Hartree-Fock needs no grid";
            let help = "name a functional in method.functional, or leave method.grid out";
            return Err(s.problem(CONTRADICTION, keys::GRID, message, help));
        }
        return Ok(Theory::HartreeFock);
    }
    let functional: StandardFunctional = name.parse().map_err(|e: UnknownFunctional| {
        let names: Vec<String> = StandardFunctional::all().map(|f| f.to_string()).collect();
        let near = nearest(name, names.iter().map(String::as_str));
        let help = near
            .map_or(format!("there are {}", e.known), |near| format!("did you mean \"{near}\"?"));
        let code = "cotangent::molecule::functional";
        s.problem(code, keys::FUNCTIONAL, format!("no functional is called \"{name}\""), help)
    })?;
    let grid = GridOptions { level: s.get(keys::GRID), ..GridOptions::default() };
    Ok(Theory::KohnSham { functional: functional.into(), grid })
}
