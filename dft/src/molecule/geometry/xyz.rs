//! Molecules from XYZ and extended XYZ files.
//!
//! A count, a comment, and a line `symbol x y z` for each atom. In an extended file the comment holds `key=value` words, of which
//! `Properties` says which columns are what; others are passed over, except a `Lattice` that is periodic, which is refused.

use std::fmt::{self, Write as _};

use thiserror::Error;

use crate::molecule::geometry::element::Element;
use crate::molecule::geometry::{Atom, BOHR_ANGSTROM, GeometryError, Molecule};

/// The unit of the coordinates of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LengthUnit {
    /// Angstrom, as the format means.
    #[default]
    Angstrom,
    /// Bohr.
    Bohr,
}

/// What is wrong with a file, and where.
#[derive(Clone, Debug, Error, PartialEq)]
#[error("{file}:{line}: {problem}")]
pub struct XyzError {
    /// Name of the file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: XyzProblem,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum XyzProblem {
    /// The first line is no number of atoms.
    Count {
        /// What stands there.
        found: String,
    },
    /// The file ends before all atoms were there.
    Ended {
        /// Atoms that were announced.
        announced: usize,
        /// Atoms that came.
        found: usize,
    },
    /// There is more after the last atom.
    Surplus {
        /// Atoms that were announced.
        announced: usize,
        /// What stands there.
        found: String,
    },
    /// An atom's line has too few words.
    Words {
        /// How many are needed.
        needed: usize,
        /// How many there are.
        found: usize,
    },
    /// No element has this symbol or number.
    Element {
        /// What stands there.
        found: String,
    },
    /// A coordinate is no finite number.
    Coordinate {
        /// What stands there.
        found: String,
    },
    /// The columns of an extended file do not say where the atoms are.
    Properties {
        /// What stands there.
        found: String,
    },
    /// The file is of a crystal.
    Periodic,
    /// The atoms are no molecule.
    Geometry(GeometryError),
}

impl fmt::Display for XyzProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count { found } => {
                write!(f, "\"{found}\" is no number of atoms, which the first line must be")
            }
            Self::Ended { announced, found } => {
                write!(f, "{announced} atoms are announced, and the file ends after {found}")
            }
            Self::Surplus { announced, found } => write!(
                f,
                "\"{found}\" stands after the {announced} atoms that are announced; a file has one molecule"
            ),
            Self::Words { needed, found } => write!(
                f,
                "an atom has a symbol and three coordinates, {needed} words; {found} stand here"
            ),
            Self::Element { found } => {
                write!(f, "\"{found}\" is no element; write a symbol as He, or an atomic number")
            }
            Self::Coordinate { found } => write!(f, "\"{found}\" is no finite coordinate"),
            Self::Properties { found } => {
                write!(f, "Properties={found} must have species:S:1 (or Z:I:1) and pos:R:3")
            }
            Self::Periodic => write!(
                f,
                "a periodic lattice; only molecules are supported: remove Lattice, or write pbc=\"F F F\""
            ),
            Self::Geometry(source) => write!(f, "{source}"),
        }
    }
}

/// Where an atom's line has its element and its first coordinate, and how many words it must have.
#[derive(Clone, Copy)]
struct Columns {
    element: usize,
    position: usize,
    needed: usize,
}

/// The text of an XYZ file, in angstrom; `comment` is its second line.
pub fn to_xyz(molecule: &Molecule, comment: &str) -> String {
    let mut text = format!("{}\n{}\n", molecule.atoms().len(), comment.replace('\n', " "));
    for atom in molecule.atoms() {
        let [x, y, z] = atom.position_bohr.map(|x| x * BOHR_ANGSTROM);
        let _ = writeln!(text, "{} {x:.10} {y:.10} {z:.10}", atom.element);
    }
    text
}

/// The molecule of a file's text, with the total `charge` and the `multiplicity` of `2 S + 1`; `file` is its name in messages.
///
/// # Errors
/// [`XyzError`] with the line.
pub fn parse_xyz(
    text: &str,
    file: &str,
    unit: LengthUnit,
    charge: i32,
    multiplicity: usize,
) -> Result<Molecule, XyzError> {
    let fault = |line, problem| XyzError { file: file.to_owned(), line, problem };
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.first().map_or("", |line| line.trim());
    let announced: usize =
        first.parse().map_err(|_| fault(1, XyzProblem::Count { found: first.to_owned() }))?;
    let columns =
        columns(lines.get(1).copied().unwrap_or("")).map_err(|problem| fault(2, problem))?;
    let mut atoms = Vec::new();
    for at in 2..announced.saturating_add(2) {
        let line = lines.get(at).map_or("", |line| line.trim());
        if line.is_empty() {
            let problem = XyzProblem::Ended { announced, found: at - 2 };
            return Err(fault(at.min(lines.len()) + 1, problem));
        }
        atoms.push(atom(line, columns, unit).map_err(|problem| fault(at + 1, problem))?);
    }
    for (k, line) in lines.iter().enumerate().skip(announced + 2) {
        if !line.trim().is_empty() {
            let found = line.trim().to_owned();
            return Err(fault(k + 1, XyzProblem::Surplus { announced, found }));
        }
    }
    Molecule::new(atoms, charge, multiplicity).map_err(|source| {
        let line = match source {
            GeometryError::OnTop { second, .. } => second + 2,
            _ => 1,
        };
        fault(line, XyzProblem::Geometry(source))
    })
}

fn columns(comment: &str) -> Result<Columns, XyzProblem> {
    let lower = comment.to_ascii_lowercase();
    if lower.contains("lattice=") {
        let free = ["pbc=\"f f f\"", "pbc=\"0 0 0\"", "pbc=\"false false false\""];
        if !free.iter().any(|free| lower.contains(free)) {
            return Err(XyzProblem::Periodic);
        }
    }
    let Some(start) = lower.find("properties=") else {
        return Ok(Columns { element: 0, position: 1, needed: 4 });
    };
    let found = comment[start + "properties=".len()..].split_whitespace().next().unwrap_or("");
    let missing = || XyzProblem::Properties { found: found.to_owned() };
    let (mut element, mut position, mut column) = (None, None, 0);
    let words: Vec<&str> = found.trim_matches('"').split(':').collect();
    for property in words.chunks(3) {
        let &[name, _, width] = property else { return Err(missing()) };
        let width: usize = width.parse().map_err(|_| missing())?;
        match (name.to_ascii_lowercase().as_str(), width) {
            ("species" | "z", 1) => element = element.or(Some(column)),
            ("pos", 3) => position = Some(column),
            _ => {}
        }
        column += width;
    }
    let (element, position) = element.zip(position).ok_or_else(missing)?;
    Ok(Columns { element, position, needed: column })
}

fn atom(line: &str, columns: Columns, unit: LengthUnit) -> Result<Atom, XyzProblem> {
    let words: Vec<&str> = line.split_whitespace().collect();
    if words.len() < columns.needed {
        return Err(XyzProblem::Words { needed: columns.needed, found: words.len() });
    }
    let symbol = words[columns.element];
    let element = match symbol.parse() {
        Ok(number) => Element::of_number(number),
        Err(_) => Element::of_symbol(symbol),
    };
    let element = element.ok_or_else(|| XyzProblem::Element { found: symbol.to_owned() })?;
    let mut position = [0.0; 3];
    for (axis, word) in words[columns.position..columns.position + 3].iter().enumerate() {
        let value: f64 = word.parse().unwrap_or(f64::NAN);
        if !value.is_finite() {
            return Err(XyzProblem::Coordinate { found: (*word).to_owned() });
        }
        position[axis] = match unit {
            LengthUnit::Angstrom => value / BOHR_ANGSTROM,
            LengthUnit::Bohr => value,
        };
    }
    Ok(Atom::new(element, position))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WATER: &str = "3\nwater\nO 0 0 0.1173\nH 0 0.7572 -0.4692\n1 0 -0.7572 -0.4692\n\n";

    fn fault(text: &str, multiplicity: usize) -> (usize, XyzProblem) {
        let error = parse_xyz(text, "m.xyz", LengthUnit::Angstrom, 0, multiplicity).unwrap_err();
        assert!(error.to_string().starts_with(&format!("m.xyz:{}: ", error.line)), "{error}");
        (error.line, error.problem)
    }

    #[test]
    fn plain_and_extended_files_are_the_same_molecule() {
        let plain = parse_xyz(WATER, "w", LengthUnit::Angstrom, 0, 1).unwrap();
        assert_eq!(plain.electrons(), [5, 5]);
        assert!((plain.atoms()[1].position_bohr[1] * BOHR_ANGSTROM - 0.7572).abs() < 1e-15);
        let extended = "3\nProperties=forces:R:1:species:S:1:pos:R:3 Lattice=\"9 0 0 0 9 0 0 0 9\" pbc=\"F F F\"\n\
                        7 O 0 0 0.1173\n8 H 0 0.7572 -0.4692\n9 H 0 -0.7572 -0.4692\n";
        assert_eq!(parse_xyz(extended, "w", LengthUnit::Angstrom, 0, 1).unwrap(), plain);
        let bohr = parse_xyz(WATER, "w", LengthUnit::Bohr, 0, 1).unwrap();
        assert_eq!(bohr.atoms()[0].position_bohr, [0.0, 0.0, 0.1173]);
    }

    #[test]
    fn every_fault_is_named_with_its_line() {
        let with = |from: &str, to: &str| fault(&WATER.replacen(from, to, 1), 1);
        assert!(matches!(with("3\n", "x\n"), (1, XyzProblem::Count { .. })));
        assert!(matches!(with("3\n", "4\n"), (6, XyzProblem::Ended { announced: 4, found: 3 })));
        assert!(matches!(with("3\n", "2\n"), (5, XyzProblem::Surplus { .. })));
        assert!(matches!(with("O 0 ", "Xx 0 "), (3, XyzProblem::Element { .. })));
        assert!(matches!(with("O 0 ", "0 0 "), (3, XyzProblem::Element { .. })));
        assert!(matches!(with("0.7572", "nan"), (4, XyzProblem::Coordinate { .. })));
        assert!(matches!(with("O 0 ", "O "), (3, XyzProblem::Words { needed: 4, found: 3 })));
        assert!(matches!(with("water", "Properties=pos:R:3"), (2, XyzProblem::Properties { .. })));
        assert!(matches!(with("water", "Lattice=\"9 0 0\""), (2, XyzProblem::Periodic)));
        let on_top = with("1 0 -0.7572", "1 0 0.7572");
        let expected = GeometryError::OnTop { first: 2, second: 3, distance_bohr: 0.0 };
        assert_eq!(on_top, (5, XyzProblem::Geometry(expected)));
        let doublet = GeometryError::Multiplicity { electrons: 10, multiplicity: 2 };
        assert_eq!(fault(WATER, 2), (1, XyzProblem::Geometry(doublet)));
        assert!(matches!(fault(WATER, 13), (1, XyzProblem::Geometry(_))));
        assert!(matches!(fault("0\n\n", 1), (1, XyzProblem::Geometry(GeometryError::Empty))));
    }
}
