//! What an `AtomicInput` asks for, with everything that it says made sense of.

use serde_json::{Map, Value};

use super::QcSchemaError;
use crate::molecule::basis::Basis;
use crate::molecule::basis::harmonics::Form;
use crate::molecule::basis::library::{basis_set, names};
use crate::molecule::functional::{StandardFunctional, UnknownFunctional};
use crate::molecule::geometry::element::Element;
use crate::molecule::geometry::{Atom, Molecule};
use crate::molecule::grid::GridOptions;
use crate::molecule::scf::{Reference, ScfOptions};
use crate::molecule::theory::Theory;

/// What is to be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Driver {
    Energy,
    Gradient,
    Hessian,
    Properties,
}

/// An input, made sense of.
#[derive(Debug)]
pub(super) struct Task {
    pub molecule: Molecule,
    pub basis: Basis,
    pub driver: Driver,
    pub theory: Theory,
    pub reference: Reference,
    pub scf: ScfOptions,
    pub electric_field: [f64; 3],
}

/// Keywords that are known.
const KEYWORDS: &[&str] = &[
    "reference",
    "cartesian",
    "grid_level",
    "electric_field",
    "max_iterations",
    "tol_energy",
    "tol_gradient",
    "level_shift",
    "follow_down",
];

impl Task {
    /// Reads an input.
    pub(super) fn read(given: &Value) -> Result<Self, QcSchemaError> {
        check_schema(given)?;
        let molecule = molecule(field(given, "molecule")?)?;
        let driver = driver(&text(given, "driver", "driver")?)?;
        let model = field(given, "model")?;
        let keywords = match given.get("keywords") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(keywords)) => keywords.clone(),
            Some(_) => return Err(QcSchemaError::field("keywords", "must be an object")),
        };
        let method = text(model, "method", "model.method")?;
        let (theory, reference) = theory(&method, &molecule, &keywords)?;
        let cartesian = flag(&keywords, "cartesian")?.unwrap_or(false);
        let form = if cartesian { Form::Cartesian } else { Form::Spherical };
        let basis = basis(model, &molecule, form)?;
        let scf = options(&keywords)?;
        let electric_field = electric_field(&keywords)?;
        Ok(Self { molecule, basis, driver, theory, reference, scf, electric_field })
    }

    /// The functional's parameters, as published.
    pub(super) fn parameters(&self) -> Vec<f64> {
        match &self.theory {
            Theory::HartreeFock => Vec::new(),
            Theory::KohnSham { functional, .. } => {
                functional.parameters().iter().map(|p| p.value).collect()
            }
        }
    }
}

fn check_schema(given: &Value) -> Result<(), QcSchemaError> {
    if let Some(name) = given.get("schema_name").and_then(Value::as_str)
        && !matches!(name, "qcschema_input" | "qc_schema_input" | "qcschema_atomic_input")
    {
        let why = format!("{name:?} is not computed; an AtomicInput (\"qcschema_input\") is");
        return Err(QcSchemaError::field("schema_name", why));
    }
    match given.get("schema_version") {
        None | Some(Value::Null) => Ok(()),
        Some(version) if version.as_u64() == Some(1) => Ok(()),
        Some(version) => {
            let why = format!("{version} is not read; version 1 is");
            Err(QcSchemaError::field("schema_version", why))
        }
    }
}

fn field<'a>(of: &'a Value, name: &str) -> Result<&'a Value, QcSchemaError> {
    of.get(name).ok_or_else(|| QcSchemaError::field(name, "is missing"))
}

fn text(of: &Value, name: &str, path: &str) -> Result<String, QcSchemaError> {
    let found = of.get(name).ok_or_else(|| QcSchemaError::field(path, "is missing"))?;
    let text = found.as_str().map(str::to_owned);
    text.ok_or_else(|| QcSchemaError::field(path, format!("{found} is no name")))
}

fn driver(name: &str) -> Result<Driver, QcSchemaError> {
    Ok(match name {
        "energy" => Driver::Energy,
        "gradient" => Driver::Gradient,
        "hessian" => Driver::Hessian,
        "properties" => Driver::Properties,
        _ => {
            let why = format!("{name:?} is none of energy, gradient, hessian, properties");
            return Err(QcSchemaError::field("driver", why));
        }
    })
}

fn molecule(given: &Value) -> Result<Molecule, QcSchemaError> {
    let of = |name: &str| format!("molecule.{name}");
    let list = |name: &str| -> Result<&Vec<Value>, QcSchemaError> {
        let found = given.get(name).and_then(Value::as_array);
        found.ok_or_else(|| QcSchemaError::field(of(name), "must be a list"))
    };
    let flat = list("geometry")?.iter().flat_map(|entry| match entry {
        Value::Array(row) => row.iter().collect(),
        one => vec![one],
    });
    let numbers: Option<Vec<f64>> = flat.map(Value::as_f64).collect();
    let numbers = numbers
        .ok_or_else(|| QcSchemaError::field(of("geometry"), "must hold numbers, in bohr"))?;
    let symbols = list("symbols")?;
    if numbers.len() != 3 * symbols.len() {
        let why = format!("{} numbers for {} atoms, not three each", numbers.len(), symbols.len());
        return Err(QcSchemaError::field(of("geometry"), why));
    }
    if let Some(Value::Array(real)) = given.get("real")
        && real.iter().any(|r| *r != Value::Bool(true))
    {
        return Err(QcSchemaError::field(of("real"), "ghost atoms are not supported"));
    }
    let atom = |(symbol, r): (&Value, &[f64])| {
        let element = symbol.as_str().and_then(Element::of_symbol).ok_or_else(|| {
            QcSchemaError::field(of("symbols"), format!("{symbol} is no chemical element"))
        })?;
        Ok(Atom::new(element, [r[0], r[1], r[2]]))
    };
    let pairs = symbols.iter().zip(numbers.chunks_exact(3));
    let atoms: Vec<Atom> = pairs.map(atom).collect::<Result<_, QcSchemaError>>()?;
    let charge = whole(given, "molecular_charge", 0)?;
    let multiplicity = whole(given, "molecular_multiplicity", 1)?;
    let multiplicity = usize::try_from(multiplicity)
        .map_err(|_| QcSchemaError::field(of("molecular_multiplicity"), "must be at least 1"))?;
    Molecule::new(atoms, charge, multiplicity).map_err(|e| QcSchemaError::field("molecule", e))
}

/// A whole number of the molecule, which the schema may write with a point.
fn whole(molecule: &Value, name: &str, default: i32) -> Result<i32, QcSchemaError> {
    let Some(given) = molecule.get(name).filter(|v| !v.is_null()) else { return Ok(default) };
    let number = given.as_f64().filter(|x| x.fract() == 0.0 && x.abs() < 1e6);
    #[expect(clippy::cast_possible_truncation, reason = "a small whole number")]
    number.map(|x| x as i32).ok_or_else(|| {
        QcSchemaError::field(format!("molecule.{name}"), format!("{given} is no whole number"))
    })
}

/// Hartree-Fock or a functional, and which orbitals; `rhf` and `uhf` say both.
fn theory(
    method: &str,
    molecule: &Molecule,
    keywords: &Map<String, Value>,
) -> Result<(Theory, Reference), QcSchemaError> {
    let lower = method.to_lowercase();
    let is_hartree_fock = matches!(lower.as_str(), "hf" | "scf" | "rhf" | "uhf");
    let theory = if is_hartree_fock {
        if keywords.contains_key("grid_level") {
            return Err(QcSchemaError::field("keywords.grid_level", "Hartree-Fock needs no grid"));
        }
        Theory::HartreeFock
    } else {
        let functional: StandardFunctional = method.parse().map_err(|e: UnknownFunctional| {
            let why = format!("{method:?} is neither hf nor one of {}", e.known);
            QcSchemaError::field("model.method", why)
        })?;
        let mut grid = GridOptions::default();
        if let Some(level) = count(keywords, "grid_level", 0, 8)? {
            grid.level = level;
        }
        Theory::KohnSham { functional: functional.into(), grid }
    };
    let named = match keywords.get("reference").map(|v| v.as_str().unwrap_or_default()) {
        None | Some("auto") => None,
        Some("restricted" | "rhf" | "rks") => Some(Reference::Restricted),
        Some("unrestricted" | "uhf" | "uks") => Some(Reference::Unrestricted),
        Some(_) => {
            let why = "must be auto, restricted (rhf, rks) or unrestricted (uhf, uks)";
            return Err(QcSchemaError::field("keywords.reference", why));
        }
    };
    let of_method = match lower.as_str() {
        "rhf" => Some(Reference::Restricted),
        "uhf" => Some(Reference::Unrestricted),
        _ => None,
    };
    if let (Some(a), Some(b)) = (named, of_method)
        && a != b
    {
        return Err(QcSchemaError::field("keywords.reference", "contradicts model.method"));
    }
    let closed = molecule.multiplicity() == 1;
    let usual = if closed { Reference::Restricted } else { Reference::Unrestricted };
    let reference = named.or(of_method).unwrap_or(usual);
    if reference == Reference::Restricted && !closed {
        let why = "orbitals that both spins share need as many electrons of one as of the other";
        return Err(QcSchemaError::field("keywords.reference", why));
    }
    Ok((theory, reference))
}

fn basis(model: &Value, molecule: &Molecule, form: Form) -> Result<Basis, QcSchemaError> {
    let path = "model.basis";
    let name = text(model, "basis", path)?;
    let known = || names().collect::<Vec<_>>().join(", ");
    let set = basis_set(&name).map_err(|e| QcSchemaError::field(path, e))?;
    let set = set.ok_or_else(|| {
        QcSchemaError::field(path, format!("{name:?} is not here; there are {}", known()))
    })?;
    Basis::new(molecule, &set, form).map_err(|e| QcSchemaError::field(path, e))
}

/// The field's options; forces of a looser field would not be right to the digits that they show.
fn options(keywords: &Map<String, Value>) -> Result<ScfOptions, QcSchemaError> {
    if let Some(unknown) = keywords.keys().find(|k| !KEYWORDS.contains(&k.as_str())) {
        let why = format!("is not known; there are {}", KEYWORDS.join(", "));
        return Err(QcSchemaError::field(format!("keywords.{unknown}"), why));
    }
    let mut options =
        ScfOptions { tol_gradient_ha: 1e-7, follow_down: true, ..ScfOptions::default() };
    if let Some(most) = count(keywords, "max_iterations", 1, 100_000)? {
        (options.max_diis, options.max_newton) = (most, most);
    }
    if let Some(tolerance) = positive(keywords, "tol_energy")? {
        options.tol_energy_ha = tolerance;
    }
    if let Some(tolerance) = positive(keywords, "tol_gradient")? {
        options.tol_gradient_ha = tolerance;
    }
    if let Some(shift) = positive(keywords, "level_shift")? {
        options.level_shift_ha = shift;
    }
    if let Some(follow) = flag(keywords, "follow_down")? {
        options.follow_down = follow;
    }
    Ok(options)
}

fn electric_field(keywords: &Map<String, Value>) -> Result<[f64; 3], QcSchemaError> {
    let Some(given) = keywords.get("electric_field") else { return Ok([0.0; 3]) };
    let entries: Option<Vec<f64>> =
        given.as_array().and_then(|list| list.iter().map(Value::as_f64).collect());
    entries.and_then(|e| <[f64; 3]>::try_from(e).ok()).ok_or_else(|| {
        QcSchemaError::field("keywords.electric_field", "must be three numbers, Ha/(e bohr)")
    })
}

fn flag(keywords: &Map<String, Value>, name: &str) -> Result<Option<bool>, QcSchemaError> {
    let wrong = || QcSchemaError::field(format!("keywords.{name}"), "must be true or false");
    keywords.get(name).map(|v| v.as_bool().ok_or_else(wrong)).transpose()
}

fn positive(keywords: &Map<String, Value>, name: &str) -> Result<Option<f64>, QcSchemaError> {
    let wrong = || QcSchemaError::field(format!("keywords.{name}"), "must be a positive number");
    let number = |v: &Value| v.as_f64().filter(|x| *x > 0.0 && x.is_finite()).ok_or_else(wrong);
    keywords.get(name).map(number).transpose()
}

fn count(
    keywords: &Map<String, Value>,
    name: &str,
    least: u64,
    most: u64,
) -> Result<Option<usize>, QcSchemaError> {
    let wrong = || {
        let why = format!("must be a whole number from {least} to {most}");
        QcSchemaError::field(format!("keywords.{name}"), why)
    };
    let number = |v: &Value| {
        let found = v.as_u64().filter(|n| (least..=most).contains(n));
        found.and_then(|n| usize::try_from(n).ok()).ok_or_else(wrong)
    };
    keywords.get(name).map(number).transpose()
}
