//! `molecules`: a molecule in a Gaussian basis set.

mod keys;
mod picture;
mod species;

use std::path::Path;

use cotangent_dft::molecule::integrals::repulsion::store::RepulsionOptions;
use cotangent_dft::molecule::scf::{
    ScfOptions, StabilityCheck, Start, check_orbitals, orbitals_from_json,
};
use cotangent_dft::molecule::{
    Basis, BasisSet, Conditions, GridOptions, LengthUnit, Molecule, MoleculeOptions,
    MoleculeSimulation, ReferenceChoice, StandardFunctional, Theory, UnknownFunctional,
    basis_names, basis_set, parse_basis, parse_xyz,
};
use cotangent_problem::Simulation;

use super::document::{Grammar, Settings};
use super::general::{self, COMBINATION, CONSTRAINT, GOAL, Model, OUTPUT, PARAMETER, Study, TERM};
use super::keys::{AnyKey, Key, List};
use super::{Domain, Scenario};
use crate::diagnostic::{Diagnostic, nearest};
use keys::{
    BASIS, BASIS_FILE, CHARGE, FILE, FOLLOW_DOWN, FORM, FUNCTIONAL, FirstField, GRID, LEVEL_SHIFT,
    MAX_ITERATIONS, MEMORY, MULTIPLICITY, ORBITALS, PRESSURE, REFERENCE, SCAN_ATOM, SCAN_FROM,
    SCAN_POINTS, SCAN_TO, SPECIES, STABILITY, START, SYMMETRY_NUMBER, TEMPERATURE, TOL_ENERGY,
    TOL_GRADIENT, UNIT, USUAL_GRID, VOLUME_MARGIN, VOLUME_ORBITALS, VOLUME_SPACING,
};
use picture::{Extent, Portrait, Scan};

/// The kind.
pub(super) struct Molecules;

const LISTS: &[List] = &[SPECIES, PARAMETER, TERM, GOAL, CONSTRAINT, COMBINATION];

const CONTRADICTION: &str = "cotangent::scenario::contradiction";

const TEMPLATE: &[u8] = include_bytes!("../water.toml");
const TEMPLATE_FILE: &[u8] = include_bytes!("../water.xyz");

impl Domain for Molecules {
    fn kind(&self) -> &'static str {
        "molecules"
    }
    fn summary(&self) -> &'static str {
        "a molecule from an XYZ file in a Gaussian basis set: geometries, fields, basis functions"
    }
    fn grammar(&self) -> Grammar {
        Grammar { keys: keys::KEYS, lists: LISTS, open_tables: general::OPEN_TABLES }
    }
    fn template(&self) -> &'static [(&'static str, &'static [u8])] {
        &[("scenario.toml", TEMPLATE), ("water.xyz", TEMPLATE_FILE)]
    }
    fn simulation(&self, s: &Settings) -> Option<Result<Box<dyn Simulation>, Vec<Diagnostic>>> {
        Some(model(s).and_then(|m| Ok(m.fixed(s)?.simulation)))
    }
    fn scenario_for(&self, path: &Path, file: &str) -> Option<Result<String, Vec<Diagnostic>>> {
        path.extension().filter(|e| e.eq_ignore_ascii_case("xyz"))?;
        Some(first_scenario(path, file))
    }
    fn load(&self, s: &Settings) -> Result<Box<dyn Scenario>, Vec<Diagnostic>> {
        Ok(Box::new(Study::new(model(s)?, s)?))
    }
}

/// A scenario for any molecule: its geometry is optimised.
fn first_scenario(path: &Path, file: &str) -> Result<String, Vec<Diagnostic>> {
    let code = "cotangent::scenario::unreadable";
    let text = std::fs::read_to_string(path).map_err(|e| {
        let message = format!("cannot read {}: {e}", path.display());
        vec![Diagnostic::plain(code, message, "an XYZ file is text in UTF-8")]
    })?;
    // a multiplicity that goes with the electrons, where there is nothing else wrong
    let read = |multiplicity| parse_xyz(&text, file, LengthUnit::Angstrom, 0, multiplicity);
    let multiplicity = if read(1).is_err() && read(2).is_ok() { 2 } else { 1 };
    read(multiplicity).map_err(|e| {
        let help = "a count, a comment, and a line `symbol x y z` for each atom";
        vec![Diagnostic::plain("cotangent::molecule::xyz", e.to_string(), help)]
    })?;
    let name = general::name_of(path);
    Ok(format!(
        "# `cotangent list` prints every input and output of this file with its unit.\n\n[scenario]\nname = {name:?}\n\
         kind = \"molecules\"\n\n[molecule]\nfile = {file:?}\nmultiplicity = {multiplicity}\n\n[basis]\nname = \"6-31G*\"\n\n\
         [[parameter]]\nname = \"atom[*].position\"\n\n[[term]]\noutput = \"energy\"\nminimise = \"value\"\n\n\
         [stop]\ngradient_tolerance = 1e-5      # largest force that may be left, times the scale of a position\n"
    ))
}

fn model(s: &Settings) -> Result<Model, Vec<Diagnostic>> {
    if !s.list(SPECIES).is_empty() {
        return species::model(s);
    }
    let Some(file) = s.get(FILE) else {
        let message = "there is no molecule";
        let help = "molecule.file = \"water.xyz\", or [[species]] with a label and a file each";
        let code = "cotangent::scenario::missing_key";
        return Err(vec![s.problem(code, FILE, message, help)]);
    };
    let molecule =
        molecule(s, (FILE.any, file), UNIT, CHARGE, MULTIPLICITY).map_err(|d| vec![d])?;
    let basis = basis_on(s, &molecule).map_err(|d| vec![d])?;
    let options = options(s, &molecule, &basis).map_err(|d| vec![d])?;
    let scan = scan(s, &molecule).map_err(|d| vec![d])?;
    let of_vibrations = |name: &str| name.starts_with("vibration.") || name.starts_with("thermo.");
    let speaks = |asked: &Settings| of_vibrations(asked.get(OUTPUT));
    let vibrates = [TERM, GOAL].into_iter().any(|list| s.list(list).iter().any(speaks));
    let simulation =
        Box::new(MoleculeSimulation::new(molecule.clone(), basis.clone(), options.clone()));
    let extent = Extent {
        spacing_bohr: s.get(VOLUME_SPACING),
        margin_bohr: s.get(VOLUME_MARGIN),
        orbitals: s.get(VOLUME_ORBITALS),
    };
    let portrait = Portrait { molecule, basis, options, vibrates, scan, extent };
    Ok(Model { simulation, notes: Vec::new(), draw: Some(Box::new(portrait)) })
}

/// The bond whose curve is drawn.
fn scan(s: &Settings, molecule: &Molecule) -> Result<Option<Scan>, Diagnostic> {
    let to_bohr = s.get(SCAN_TO);
    if to_bohr == 0.0 {
        return Ok(None);
    }
    let keys = [SCAN_FROM, SCAN_ATOM];
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
        return Err(s.problem("cotangent::molecule::scan", SCAN_ATOM, message, help));
    }
    Ok(Some(Scan { atoms, to_bohr, points: s.get(SCAN_POINTS) }))
}

/// The basis of a molecule.
fn basis_on(s: &Settings, molecule: &Molecule) -> Result<Basis, Diagnostic> {
    Basis::new(molecule, &set(s)?, s.get(FORM)).map_err(|e| {
        let help = "take another set, or give one in basis.file";
        s.problem("cotangent::molecule::basis", BASIS, e.to_string(), help)
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
    if let Some(file) = s.get(BASIS_FILE) {
        let text = read(s, (BASIS_FILE.any, file))?;
        return parse_basis(&text, file).map_err(|e| {
            let help = "NWChem's or Gaussian's format, or JSON of the Basis Set Exchange";
            s.problem(code, BASIS_FILE, e.to_string(), help)
        });
    }
    let name = s.get(BASIS);
    let known = basis_set(name)
        .map_err(|e| s.problem(code, BASIS, e.to_string(), "this is a fault of the program"))?;
    known.ok_or_else(|| {
        let help = match nearest(name, basis_names()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!(
                "there are {}; give others in basis.file",
                basis_names().collect::<Vec<_>>().join(", ")
            ),
        };
        s.problem(code, BASIS, format!("no basis set is called \"{name}\""), help)
    })
}

fn options(
    s: &Settings,
    molecule: &Molecule,
    basis: &Basis,
) -> Result<MoleculeOptions, Diagnostic> {
    let reference = s.get(REFERENCE);
    let [up, down] = molecule.electrons();
    if reference == ReferenceChoice::Restricted && up != down {
        let message =
            format!("{up} electrons of spin up and {down} of spin down cannot share orbitals");
        let help = "method.reference = \"unrestricted\"";
        let code = "cotangent::scenario::contradiction";
        return Err(s.problem(code, REFERENCE, message, help));
    }
    let start = start(s, reference, molecule, basis)?;
    let most = s.get(MAX_ITERATIONS);
    let scf = ScfOptions {
        start,
        tol_energy_ha: s.get(TOL_ENERGY),
        tol_gradient_ha: s.get(TOL_GRADIENT),
        max_diis: most,
        max_newton: most,
        level_shift_ha: s.get(LEVEL_SHIFT),
        stability: if s.get(STABILITY) { StabilityCheck::On } else { StabilityCheck::Off },
        follow_down: s.get(FOLLOW_DOWN),
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a size in bytes")]
    let memory_bytes = (s.get(MEMORY) * 1e9) as u64;
    let repulsion = RepulsionOptions { memory_bytes, ..RepulsionOptions::default() };
    let conditions = Conditions {
        temperature_k: s.get(TEMPERATURE),
        pressure_pa: s.get(PRESSURE),
        symmetry_number: s.get(SYMMETRY_NUMBER) as f64,
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
    let Some(file) = s.get(ORBITALS) else {
        return Ok(match s.get(START) {
            FirstField::Core => Start::CoreHamiltonian,
            FirstField::Atoms => Start::Atoms,
        });
    };
    let code = "cotangent::molecule::orbitals";
    if s.is_given(START) {
        let message = "scf.start and scf.orbitals both say where the field starts";
        return Err(s.problem(code, ORBITALS, message, "leave one of them out"));
    }
    let text = read(s, (ORBITALS.any, file))?;
    let found = orbitals_from_json(&text).and_then(|orbitals| {
        check_orbitals(&orbitals, reference.of(molecule), molecule.electrons(), basis)?;
        Ok(orbitals)
    });
    found.map(Start::Orbitals).map_err(|e| {
        let help = "take artifacts/orbitals.json of a run with the same atoms, electrons, basis and kind of orbitals";
        s.problem(code, ORBITALS, e.to_string(), help)
    })
}

/// Hartree-Fock, or Kohn-Sham with the functional that is named.
fn theory(s: &Settings) -> Result<Theory, Diagnostic> {
    let name = s.get(FUNCTIONAL);
    if name.is_empty() {
        // every setting stands in a run folder's settings, with its default where it was not given
        if s.get(GRID) != USUAL_GRID {
            let message = "Hartree-Fock needs no grid";
            let help = "name a functional in method.functional, or leave method.grid out";
            let code = "cotangent::scenario::contradiction";
            return Err(s.problem(code, GRID, message, help));
        }
        return Ok(Theory::HartreeFock);
    }
    let functional: StandardFunctional = name.parse().map_err(|e: UnknownFunctional| {
        let names: Vec<String> = StandardFunctional::all().map(|f| f.to_string()).collect();
        let near = nearest(name, names.iter().map(String::as_str));
        let help = near
            .map_or(format!("there are {}", e.known), |near| format!("did you mean \"{near}\"?"));
        let code = "cotangent::molecule::functional";
        s.problem(code, FUNCTIONAL, format!("no functional is called \"{name}\""), help)
    })?;
    let grid = GridOptions { level: s.get(GRID), ..GridOptions::default() };
    Ok(Theory::KohnSham { functional: functional.into(), grid })
}
