//! The keys of a molecule.

use cotangent_dft::molecule::{CoordinateSystem, Form, LengthUnit, ReferenceChoice};

use crate::keys::{
    FLAG, File, Kind, List, OPTIONAL_FILE, TEXT, choice, count, integer, key, keys, list, number,
    one_of,
};

choice! { LengthUnit: "angstrom" => Self::Angstrom, "bohr" => Self::Bohr }

choice! { Form: "spherical" => Self::Spherical, "cartesian" => Self::Cartesian }

choice! { ReferenceChoice:
    "auto" => Self::ByMultiplicity,
    "restricted" => Self::Restricted,
    "unrestricted" => Self::Unrestricted,
}

/// Where the field starts, by its name in a file.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum FirstField {
    Atoms,
    Core,
}

choice! { FirstField: "atoms" => Self::Atoms, "core" => Self::Core }

const fn energy(min: f64, max: f64) -> Kind<f64> {
    number("Ha", min, max)
}

const ATOM: Kind<usize> = count(0, 10_000);

/// The usual level of the grid of points.
pub(super) const USUAL_GRID: usize = 3;

keys! {
    pub(super) KEYS;
    FILE: Option<File> = key("molecule.file", OPTIONAL_FILE, "\"\"",
        "XYZ or extended XYZ file; [[species]] are several");
    UNIT: LengthUnit = key("molecule.unit", one_of(), "\"angstrom\"",
        "unit of the file's coordinates");
    CHARGE: i64 = key("molecule.charge", integer(-100, 1000), "0", "charge of the whole");
    MULTIPLICITY: usize = key("molecule.multiplicity", count(1, 1000), "1",
        "unpaired electrons and one: 1 singlet, 2 doublet, ...");
    COORDINATES: CoordinateSystem = key("molecule.coordinates", one_of(), "\"cartesian\"",
        "whether atoms are moved by their positions, or by each [[coordinate]] and `internal`, collective coordinates for the rest");
    BASIS: str = key("basis.name", TEXT, "\"6-31G*\"",
        "STO-3G, 6-31G, 6-31G*, 6-311++G**, cc-pVDZ, cc-pVTZ, def2-SVP or def2-TZVP");
    BASIS_FILE: Option<File> = key("basis.file", OPTIONAL_FILE, "\"\"",
        "instead: a file in NWChem's or Gaussian's format, or JSON of the Basis Set Exchange");
    FORM: Form = key("basis.form", one_of(), "\"spherical\"",
        "five d functions and seven f functions, or six and ten");
    REFERENCE: ReferenceChoice = key("method.reference", one_of(), "\"auto\"",
        "whether both spins share orbitals; auto: they do in a singlet");
    FUNCTIONAL: str = key("method.functional", TEXT, "\"\"",
        "Kohn-Sham with lda, pbe, pbe0, blyp, b3lyp, r2scan, ...; Hartree-Fock where it is empty");
    GRID: usize = key("method.grid", count(0, 8), "3",
        "of Kohn-Sham: level of the grid of points, 0 is coarse and 3 usual");
    START: FirstField = key("scf.start", one_of(), "\"atoms\"",
        "a sum of atoms, or the orbitals of the nuclei alone");
    ORBITALS: Option<File> = key("scf.orbitals", OPTIONAL_FILE, "\"\"",
        "start from these, which a run left as artifacts/orbitals.json, instead");
    TOL_ENERGY: f64 = key("scf.tol_energy", energy(1e-14, 1.0), "1e-9",
        "change of the energy at convergence");
    TOL_GRADIENT: f64 = key("scf.tol_gradient", energy(1e-12, 1.0), "1e-8",
        "largest orbital gradient at convergence");
    MAX_ITERATIONS: usize = key("scf.max_iterations", count(1, 100_000), "50",
        "of DIIS, and then of the second-order method");
    LEVEL_SHIFT: f64 = key("scf.level_shift", energy(0.0, 100.0), "0.0",
        "raises empty levels, against oscillation");
    STABILITY: bool = key("scf.stability", FLAG, "true", "test whether the answer is a minimum");
    FOLLOW_DOWN: bool = key("scf.follow_down", FLAG, "true", "go on from an answer that is none");
    MEMORY: f64 = key("scf.memory", number("", 0.0, 1e6), "2.0",
        "gigabytes for repulsion integrals; beyond, they are made anew in every iteration");
    TEMPERATURE: f64 = key("thermo.temperature", number("", 1e-3, 1e6), "298.15",
        "kelvin, of what thermo.* says");
    PRESSURE: f64 = key("thermo.pressure", number("", 1e-9, 1e12), "101325.0",
        "pascal, of what thermo.* says");
    SYMMETRY_NUMBER: usize = key("thermo.symmetry_number", count(1, 60), "1",
        "how often the molecule comes upon itself when it turns: 2 for H2O, 12 for CH4");
    SCAN_TO: f64 = key("scan.to", number("bohr", 0.0, 1e3), "0.0",
        "draw the energy of the answer along a bond up to this distance; not drawn where it is 0");
    SCAN_FROM: usize = key("scan.from_atom", ATOM, "0", "the atom that stands");
    SCAN_ATOM: usize = key("scan.atom", ATOM, "1", "the atom that moves away");
    SCAN_POINTS: usize = key("scan.points", count(2, 1000), "30", "points of the curve");
    VOLUME_SPACING: f64 = key("volume.spacing", number("bohr", 1e-3, 10.0), "0.2",
        "distance of the points at which --export writes densities and orbitals");
    VOLUME_MARGIN: f64 = key("volume.margin", number("bohr", 0.0, 1e3), "5.0",
        "how far these points reach beyond the outermost nuclei");
    VOLUME_ORBITALS: usize = key("volume.orbitals", count(0, 10_000), "1",
        "how many occupied and how many empty orbitals, nearest to the gap, are among them");
}

pub(super) const SPECIES: List = list(
    "species",
    super::species::KEYS,
    "one of several molecules that share the functional's parameters",
);

pub(super) const COORDINATE: List = list(
    "coordinate",
    super::coordinates::KEYS,
    "a distance, an angle or a dihedral angle of atoms",
);
