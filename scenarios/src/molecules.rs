//! `molecules`: a molecule in a Gaussian basis set.

mod bonds;
mod picture;
mod species;

use std::path::Path;

use cotangent_dft::molecule::integrals::repulsion::store::RepulsionOptions;
use cotangent_dft::molecule::scf::{
    ScfOptions, StabilityCheck, Start, check_orbitals, orbitals_from_json,
};
use cotangent_dft::molecule::{
    Basis, BasisSet, Conditions, Form, GridOptions, LengthUnit, Molecule, MoleculeOptions,
    MoleculeSimulation, ReferenceChoice, StandardFunctional, Theory, UnknownFunctional,
    basis_names, basis_set, parse_basis, parse_xyz,
};
use cotangent_problem::Simulation;

use super::document::{Grammar, Settings};
use super::general::{self, Model, Study};
use super::keys::{Key, Kind, List, key};
use super::{Domain, Scenario};
use crate::diagnostic::{Diagnostic, nearest};
use picture::{Extent, Portrait, Scan};

/// The kind.
pub(super) struct Molecules;

const fn energy(min: f64, max: f64) -> Kind {
    Kind::Number { unit: "Ha", min, max }
}

const KEYS: &[Key] = &[
    key("molecule.file", Kind::File, "\"\"", "XYZ or extended XYZ file; [[species]] are several"),
    key(
        "molecule.unit",
        Kind::Choice(&["angstrom", "bohr"]),
        "\"angstrom\"",
        "unit of the file's coordinates",
    ),
    key("molecule.charge", Kind::Integer { min: -100, max: 1000 }, "0", "charge of the whole"),
    key(
        "molecule.multiplicity",
        Kind::Integer { min: 1, max: 1000 },
        "1",
        "unpaired electrons and one: 1 singlet, 2 doublet, ...",
    ),
    key(
        "basis.name",
        Kind::Text,
        "\"6-31G*\"",
        "STO-3G, 6-31G, 6-31G*, 6-311++G**, cc-pVDZ, cc-pVTZ, def2-SVP or def2-TZVP",
    ),
    key(
        "basis.file",
        Kind::File,
        "\"\"",
        "instead: a file in NWChem's or Gaussian's format, or JSON of the Basis Set Exchange",
    ),
    key(
        "basis.form",
        Kind::Choice(&["spherical", "cartesian"]),
        "\"spherical\"",
        "five d functions and seven f functions, or six and ten",
    ),
    key(
        "method.reference",
        Kind::Choice(&["auto", "restricted", "unrestricted"]),
        "\"auto\"",
        "whether both spins share orbitals; auto: they do in a singlet",
    ),
    key(
        "method.functional",
        Kind::Text,
        "\"\"",
        "Kohn-Sham with lda, pbe, pbe0, blyp, b3lyp, r2scan, ...; Hartree-Fock where it is empty",
    ),
    key(
        "method.grid",
        Kind::Integer { min: 0, max: 8 },
        "3",
        "of Kohn-Sham: level of the grid of points, 0 is coarse and 3 usual",
    ),
    key(
        "scf.start",
        Kind::Choice(&["atoms", "core"]),
        "\"atoms\"",
        "a sum of atoms, or the orbitals of the nuclei alone",
    ),
    key(
        "scf.orbitals",
        Kind::File,
        "\"\"",
        "start from these, which a run left as artifacts/orbitals.json, instead",
    ),
    key("scf.tol_energy", energy(1e-14, 1.0), "1e-9", "change of the energy at convergence"),
    key("scf.tol_gradient", energy(1e-12, 1.0), "1e-7", "largest orbital gradient at convergence"),
    key(
        "scf.max_iterations",
        Kind::Integer { min: 1, max: 100_000 },
        "50",
        "of DIIS, and then of the second-order method",
    ),
    key("scf.level_shift", energy(0.0, 100.0), "0.0", "raises empty levels, against oscillation"),
    key("scf.stability", Kind::Flag, "true", "test whether the answer is a minimum"),
    key("scf.follow_down", Kind::Flag, "true", "go on from an answer that is none"),
    key(
        "scf.memory",
        Kind::Number { unit: "", min: 0.0, max: 1e6 },
        "2.0",
        "gigabytes for repulsion integrals; beyond, they are made anew in every iteration",
    ),
    key(
        "thermo.temperature",
        Kind::Number { unit: "", min: 1e-3, max: 1e6 },
        "298.15",
        "kelvin, of what thermo.* says",
    ),
    key(
        "thermo.pressure",
        Kind::Number { unit: "", min: 1e-9, max: 1e12 },
        "101325.0",
        "pascal, of what thermo.* says",
    ),
    key(
        "thermo.symmetry_number",
        Kind::Integer { min: 1, max: 60 },
        "1",
        "how often the molecule comes upon itself when it turns: 2 for H2O, 12 for CH4",
    ),
    key(
        "scan.to",
        Kind::Number { unit: "bohr", min: 0.0, max: 1e3 },
        "0.0",
        "draw the energy of the answer along a bond up to this distance; not drawn where it is 0",
    ),
    key("scan.from_atom", Kind::Integer { min: 0, max: 10_000 }, "0", "the atom that stands"),
    key("scan.atom", Kind::Integer { min: 0, max: 10_000 }, "1", "the atom that moves away"),
    key("scan.points", Kind::Integer { min: 2, max: 1000 }, "30", "points of the curve"),
    key(
        "volume.spacing",
        Kind::Number { unit: "bohr", min: 1e-3, max: 10.0 },
        "0.2",
        "distance of the points at which --export writes densities and orbitals",
    ),
    key(
        "volume.margin",
        Kind::Number { unit: "bohr", min: 0.0, max: 1e3 },
        "5.0",
        "how far these points reach beyond the outermost nuclei",
    ),
    key(
        "volume.orbitals",
        Kind::Integer { min: 0, max: 10_000 },
        "1",
        "how many occupied and how many empty orbitals, nearest to the gap, are among them",
    ),
];

const LISTS: &[List] = &[
    List {
        name: "species",
        keys: species::KEYS,
        required: false,
        doc: "one of several molecules that share the functional's parameters",
    },
    general::LISTS[0],
    general::LISTS[1],
    general::LISTS[2],
    general::LISTS[3],
    general::LISTS[4],
];

const CONTRADICTION: &str = "cotangent::scenario::contradiction";

/// Where the file says what a molecule is: file, unit, charge, multiplicity.
const WHOLE: [&str; 4] =
    ["molecule.file", "molecule.unit", "molecule.charge", "molecule.multiplicity"];

/// The default of `method.grid`.
const USUAL_GRID: i64 = 3;

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
        Grammar { keys: KEYS, lists: LISTS, open_tables: general::OPEN_TABLES }
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
    if !s.list("species").is_empty() {
        return species::model(s);
    }
    if s.text("molecule.file").is_empty() {
        let message = "there is no molecule";
        let help = "molecule.file = \"water.xyz\", or [[species]] with a label and a file each";
        let code = "cotangent::scenario::missing_key";
        return Err(vec![s.problem(code, "molecule.file", message, help)]);
    }
    let molecule = molecule(s, WHOLE).map_err(|d| vec![d])?;
    let basis = basis_on(s, &molecule).map_err(|d| vec![d])?;
    let options = options(s, &molecule, &basis).map_err(|d| vec![d])?;
    let scan = scan(s, &molecule).map_err(|d| vec![d])?;
    let of_vibrations = |name: &str| name.starts_with("vibration.") || name.starts_with("thermo.");
    let speaks = |asked: &Settings| asked.is_given("output") && of_vibrations(asked.text("output"));
    let vibrates = ["term", "goal"].iter().any(|list| s.list(list).iter().any(speaks));
    let simulation =
        Box::new(MoleculeSimulation::new(molecule.clone(), basis.clone(), options.clone()));
    let extent = Extent {
        spacing_bohr: s.number("volume.spacing"),
        margin_bohr: s.number("volume.margin"),
        orbitals: s.count("volume.orbitals"),
    };
    let portrait = Portrait { molecule, basis, options, vibrates, scan, extent };
    Ok(Model { simulation, notes: Vec::new(), draw: Some(Box::new(portrait)) })
}

/// The bond whose curve is drawn.
fn scan(s: &Settings, molecule: &Molecule) -> Result<Option<Scan>, Diagnostic> {
    let to_bohr = s.number("scan.to");
    if to_bohr == 0.0 {
        return Ok(None);
    }
    let atoms = [s.count("scan.from_atom"), s.count("scan.atom")];
    let count = molecule.atoms().len();
    for (atom, path) in atoms.iter().zip(["scan.from_atom", "scan.atom"]) {
        if *atom >= count {
            let message = format!("there is no atom {atom}: the molecule has {count}");
            let help = "atoms are counted from 0, in the order of the file";
            return Err(s.problem("cotangent::molecule::scan", path, message, help));
        }
    }
    if atoms[0] == atoms[1] {
        let (message, help) = ("a bond has two atoms", "name another in scan.atom");
        return Err(s.problem("cotangent::molecule::scan", "scan.atom", message, help));
    }
    Ok(Some(Scan { atoms, to_bohr, points: s.count("scan.points") }))
}

/// The basis of a molecule.
fn basis_on(s: &Settings, molecule: &Molecule) -> Result<Basis, Diagnostic> {
    let form = if s.text("basis.form") == "cartesian" { Form::Cartesian } else { Form::Spherical };
    Basis::new(molecule, &set(s)?, form).map_err(|e| {
        let help = "take another set, or give one in basis.file";
        s.problem("cotangent::molecule::basis", "basis.name", e.to_string(), help)
    })
}

fn read(s: &Settings, path: &'static str) -> Result<String, Diagnostic> {
    let file = s.text(path);
    std::fs::read_to_string(file).map_err(|e| {
        let message = format!("cannot read {file}: {e}");
        s.problem("cotangent::scenario::unreadable", path, message, "it must be text in UTF-8")
    })
}

fn molecule(
    s: &Settings,
    [path, unit, charge, multiplicity]: [&'static str; 4],
) -> Result<Molecule, Diagnostic> {
    let text = read(s, path)?;
    let unit = match s.text(unit) {
        "bohr" => LengthUnit::Bohr,
        _ => LengthUnit::Angstrom,
    };
    let multiplicity = s.count(multiplicity);
    let charge = i32::try_from(s.integer(charge)).unwrap_or(i32::MAX);
    parse_xyz(&text, s.text(path), unit, charge, multiplicity).map_err(|e| {
        let help = "charge and multiplicity say what the file does not";
        s.problem("cotangent::molecule::xyz", path, e.to_string(), help)
    })
}

fn set(s: &Settings) -> Result<BasisSet, Diagnostic> {
    let code = "cotangent::molecule::basis";
    if !s.text("basis.file").is_empty() {
        let text = read(s, "basis.file")?;
        return parse_basis(&text, s.text("basis.file")).map_err(|e| {
            let help = "NWChem's or Gaussian's format, or JSON of the Basis Set Exchange";
            s.problem(code, "basis.file", e.to_string(), help)
        });
    }
    let name = s.text("basis.name");
    let known = basis_set(name).map_err(|e| {
        s.problem(code, "basis.name", e.to_string(), "this is a fault of the program")
    })?;
    known.ok_or_else(|| {
        let help = match nearest(name, basis_names()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!(
                "there are {}; give others in basis.file",
                basis_names().collect::<Vec<_>>().join(", ")
            ),
        };
        s.problem(code, "basis.name", format!("no basis set is called \"{name}\""), help)
    })
}

fn options(
    s: &Settings,
    molecule: &Molecule,
    basis: &Basis,
) -> Result<MoleculeOptions, Diagnostic> {
    let reference = match s.text("method.reference") {
        "restricted" => ReferenceChoice::Restricted,
        "unrestricted" => ReferenceChoice::Unrestricted,
        _ => ReferenceChoice::ByMultiplicity,
    };
    let [up, down] = molecule.electrons();
    if reference == ReferenceChoice::Restricted && up != down {
        let message =
            format!("{up} electrons of spin up and {down} of spin down cannot share orbitals");
        let help = "method.reference = \"unrestricted\"";
        let code = "cotangent::scenario::contradiction";
        return Err(s.problem(code, "method.reference", message, help));
    }
    let start = start(s, reference, molecule, basis)?;
    let most = s.count("scf.max_iterations");
    let scf = ScfOptions {
        start,
        tol_energy_ha: s.number("scf.tol_energy"),
        tol_gradient_ha: s.number("scf.tol_gradient"),
        max_diis: most,
        max_newton: most,
        level_shift_ha: s.number("scf.level_shift"),
        stability: if s.flag("scf.stability") { StabilityCheck::On } else { StabilityCheck::Off },
        follow_down: s.flag("scf.follow_down"),
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a size in bytes")]
    let memory_bytes = (s.number("scf.memory") * 1e9) as u64;
    let repulsion = RepulsionOptions { memory_bytes, ..RepulsionOptions::default() };
    let conditions = Conditions {
        temperature_k: s.number("thermo.temperature"),
        pressure_pa: s.number("thermo.pressure"),
        symmetry_number: s.count("thermo.symmetry_number") as f64,
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
    let path = "scf.orbitals";
    if s.text(path).is_empty() {
        let core = s.text("scf.start") == "core";
        return Ok(if core { Start::CoreHamiltonian } else { Start::Atoms });
    }
    let code = "cotangent::molecule::orbitals";
    if s.is_given("scf.start") {
        let message = "scf.start and scf.orbitals both say where the field starts";
        return Err(s.problem(code, path, message, "leave one of them out"));
    }
    let text = read(s, path)?;
    let found = orbitals_from_json(&text).and_then(|orbitals| {
        check_orbitals(&orbitals, reference.of(molecule), molecule.electrons(), basis)?;
        Ok(orbitals)
    });
    found.map(Start::Orbitals).map_err(|e| {
        let help = "take artifacts/orbitals.json of a run with the same atoms, electrons, basis and kind of orbitals";
        s.problem(code, path, e.to_string(), help)
    })
}

/// Hartree-Fock, or Kohn-Sham with the functional that is named.
fn theory(s: &Settings) -> Result<Theory, Diagnostic> {
    let (path, name) = ("method.functional", s.text("method.functional"));
    if name.is_empty() {
        // every setting stands in a run folder's settings, with its default where it was not given
        if s.integer("method.grid") != USUAL_GRID {
            let message = "Hartree-Fock needs no grid";
            let help = "name a functional in method.functional, or leave method.grid out";
            let code = "cotangent::scenario::contradiction";
            return Err(s.problem(code, "method.grid", message, help));
        }
        return Ok(Theory::HartreeFock);
    }
    let functional: StandardFunctional = name.parse().map_err(|e: UnknownFunctional| {
        let names: Vec<String> = StandardFunctional::all().map(|f| f.to_string()).collect();
        let near = nearest(name, names.iter().map(String::as_str));
        let help = near
            .map_or(format!("there are {}", e.known), |near| format!("did you mean \"{near}\"?"));
        let code = "cotangent::molecule::functional";
        s.problem(code, path, format!("no functional is called \"{name}\""), help)
    })?;
    let grid = GridOptions { level: s.count("method.grid"), ..GridOptions::default() };
    Ok(Theory::KohnSham { functional: functional.into(), grid })
}
