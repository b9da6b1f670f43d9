//! Nuclei and electrons of a molecule.

pub mod element;
pub mod xyz;

use thiserror::Error;

use element::Element;

/// One bohr in angstrom (CODATA 2022).
pub const BOHR_ANGSTROM: f64 = 0.529_177_210_544;

/// Nuclei nearer than this stand on top of each other.
const CLOSEST_BOHR: f64 = 0.1;

/// A nucleus.
#[derive(Clone, Debug, PartialEq)]
pub struct Atom {
    /// Which shells it carries.
    pub element: Element,
    /// Charge of the nucleus in elementary charges: the atomic number, unless it is varied, or 0 for a ghost that has shells only.
    pub charge: f64,
    /// Where it stands.
    pub position_bohr: [f64; 3],
}

impl Atom {
    /// An atom of the element's own charge.
    pub fn new(element: Element, position_bohr: [f64; 3]) -> Self {
        Self { element, charge: element.number() as f64, position_bohr }
    }
}

/// Nuclei with a number of electrons of each spin.
#[derive(Clone, Debug, PartialEq)]
pub struct Molecule {
    atoms: Vec<Atom>,
    electrons: [usize; 2],
}

/// What is wrong with a molecule.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum GeometryError {
    /// There are no atoms.
    #[error("a molecule needs an atom at least")]
    Empty,
    /// A coordinate or a charge is not finite.
    #[error("atom {atom} ({element}) has a position or charge that is not finite")]
    NonFinite {
        /// Position of the atom in the list, from 1.
        atom: usize,
        /// Its element.
        element: Element,
    },
    /// A nuclear charge below zero.
    #[error("atom {atom} ({element}) has a nuclear charge of {charge}, below zero")]
    NegativeCharge {
        /// Position of the atom in the list, from 1.
        atom: usize,
        /// Its element.
        element: Element,
        /// Its charge.
        charge: f64,
    },
    /// Two nuclei stand on top of each other.
    #[error(
        "atoms {first} and {second} are {distance_bohr:.4} bohr apart, nearer than {CLOSEST_BOHR}: is a line given twice, or the \
         unit wrong?"
    )]
    OnTop {
        /// The one, from 1.
        first: usize,
        /// The other, from 1.
        second: usize,
        /// Their distance.
        distance_bohr: f64,
    },
    /// More charge than protons.
    #[error("{protons} protons and a charge of {charge:+} leave no electron")]
    NoElectrons {
        /// Sum of the atomic numbers.
        protons: usize,
        /// Total charge.
        charge: i32,
    },
    /// Electrons and multiplicity do not go together.
    #[error(
        "{electrons} electrons cannot have a multiplicity of {multiplicity}: it must be {} and at most {}",
        if electrons % 2 == 0 { "odd" } else { "even" }, electrons + 1
    )]
    Multiplicity {
        /// Number of electrons.
        electrons: usize,
        /// `2 S + 1`.
        multiplicity: usize,
    },
}

impl Molecule {
    /// Atoms with a total `charge` and a `multiplicity` of `2 S + 1`. Electrons are counted by atomic numbers.
    ///
    /// # Errors
    /// [`GeometryError`].
    pub fn new(atoms: Vec<Atom>, charge: i32, multiplicity: usize) -> Result<Self, GeometryError> {
        let protons: usize = atoms.iter().map(|atom| atom.element.number()).sum();
        let removed = charge.unsigned_abs() as usize;
        let left = if charge < 0 { Some(protons + removed) } else { protons.checked_sub(removed) };
        let electrons = left
            .filter(|count| *count > 0 || atoms.is_empty())
            .ok_or(GeometryError::NoElectrons { protons, charge })?;
        let unpaired = multiplicity.wrapping_sub(1);
        if !atoms.is_empty() && (unpaired > electrons || (electrons - unpaired) % 2 == 1) {
            return Err(GeometryError::Multiplicity { electrons, multiplicity });
        }
        let down = (electrons - unpaired.min(electrons)) / 2;
        let molecule = Self { atoms, electrons: [electrons - down, down] };
        molecule.check()?;
        Ok(molecule)
    }

    fn check(&self) -> Result<(), GeometryError> {
        if self.atoms.is_empty() {
            return Err(GeometryError::Empty);
        }
        for (k, atom) in self.atoms.iter().enumerate() {
            let (element, charge) = (atom.element, atom.charge);
            if !(charge.is_finite() && atom.position_bohr.iter().all(|x| x.is_finite())) {
                return Err(GeometryError::NonFinite { atom: k + 1, element });
            }
            if charge < 0.0 {
                return Err(GeometryError::NegativeCharge { atom: k + 1, element, charge });
            }
            for (j, other) in self.atoms[..k].iter().enumerate() {
                let distance_bohr = distance(atom.position_bohr, other.position_bohr);
                if distance_bohr < CLOSEST_BOHR {
                    return Err(GeometryError::OnTop {
                        first: j + 1,
                        second: k + 1,
                        distance_bohr,
                    });
                }
            }
        }
        Ok(())
    }

    /// The same electrons about nuclei at other places.
    ///
    /// # Errors
    /// [`GeometryError`] where nuclei stand on top of each other or a coordinate is not finite.
    ///
    /// # Panics
    /// Unless there is a position for each atom.
    pub fn with_positions(&self, positions_bohr: &[[f64; 3]]) -> Result<Self, GeometryError> {
        assert_eq!(positions_bohr.len(), self.atoms.len(), "a position for each atom");
        let mut moved = self.clone();
        for (atom, position) in moved.atoms.iter_mut().zip(positions_bohr) {
            atom.position_bohr = *position;
        }
        moved.check()?;
        Ok(moved)
    }

    /// The same electrons about nuclei of other charges.
    ///
    /// # Errors
    /// [`GeometryError`] for a charge that is negative or not finite.
    ///
    /// # Panics
    /// Unless there is a charge for each atom.
    pub fn with_charges(&self, charges: &[f64]) -> Result<Self, GeometryError> {
        assert_eq!(charges.len(), self.atoms.len(), "a charge for each atom");
        let mut changed = self.clone();
        for (atom, charge) in changed.atoms.iter_mut().zip(charges) {
            atom.charge = *charge;
        }
        changed.check()?;
        Ok(changed)
    }

    /// The nuclei.
    pub fn atoms(&self) -> &[Atom] {
        &self.atoms
    }

    /// Where the nuclei stand.
    pub fn positions_bohr(&self) -> Vec<[f64; 3]> {
        self.atoms.iter().map(|atom| atom.position_bohr).collect()
    }

    /// Electrons of spin up and of spin down.
    pub fn electrons(&self) -> [usize; 2] {
        self.electrons
    }

    /// `2 S + 1`.
    pub fn multiplicity(&self) -> usize {
        self.electrons[0] - self.electrons[1] + 1
    }

    /// Repulsion of the nuclei, `sum_{A<B} Z_A Z_B/R_AB`, in hartree.
    pub fn nuclear_repulsion_ha(&self) -> f64 {
        let mut energy = 0.0;
        for (k, a) in self.atoms.iter().enumerate() {
            for b in &self.atoms[..k] {
                energy += a.charge * b.charge / distance(a.position_bohr, b.position_bohr);
            }
        }
        energy
    }
}

pub(in crate::molecule) fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    (0..3).map(|k| (a[k] - b[k]).powi(2)).sum::<f64>().sqrt()
}
