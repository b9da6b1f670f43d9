//! A guess at how stiff a molecule is along its coordinates, for the shape of the collective ones: it changes how fast a search is, not
//! where it ends.
//!
//! Constants of Lindh, Bernhardsson, Karlstroem & Malmqvist, Chem. Phys. Lett. 241, 423 (1995), with the bond orders of Swart &
//! Bickelhaupt, Int. J. Quantum Chem. 106, 2536 (2006): `rho_AB = exp(1 - r_AB/(r_A + r_B))` of the covalent radii.

use super::coordinate::Coordinate;
use crate::molecule::geometry::{Molecule, distance};

/// Of a distance, Ha/bohr^2.
const STRETCH: f64 = 0.45;
/// Of a distance of parts that no bond holds together, Ha/bohr^2.
const BETWEEN: f64 = 0.1;
/// Of an angle, Ha/rad^2.
const BEND: f64 = 0.15;
/// Of a turn about a bond, Ha/rad^2.
const TURN: f64 = 0.015;
/// Of a flat centre that leaves the plane of its neighbours, Ha/rad^2.
const RISE: f64 = 0.045;
/// Of a Cartesian coordinate, Ha/bohr^2.
const CARTESIAN: f64 = 0.005;

/// A coordinate of the redundant set.
#[derive(Clone, Debug)]
pub(super) struct Redundant {
    pub(super) coordinate: Coordinate,
    /// The second derivative of the guessed energy by it, Ha/bohr^2 or Ha/rad^2.
    pub(super) stiffness: f64,
}

impl Redundant {
    /// A distance, an angle or a turn along bonded atoms, or a Cartesian coordinate.
    pub(super) fn along_bonds(coordinate: Coordinate, molecule: &Molecule) -> Self {
        let constant = match coordinate {
            Coordinate::Distance(_) => STRETCH,
            Coordinate::Angle(_) | Coordinate::Bow { .. } => BEND,
            Coordinate::Dihedral(_) => TURN,
            Coordinate::Cartesian { .. } => CARTESIAN,
        };
        let pairs = coordinate.atoms().windows(2);
        let orders: f64 = pairs.map(|pair| bond_order(molecule, [pair[0], pair[1]])).product();
        Self { coordinate, stiffness: constant * orders }
    }

    /// A distance of atoms of two parts that no bond holds together.
    pub(super) fn between_parts(pair: [usize; 2], molecule: &Molecule) -> Self {
        let stiffness = BETWEEN * bond_order(molecule, pair);
        Self { coordinate: Coordinate::Distance(pair), stiffness }
    }

    /// The rise of a centre from the plane of its neighbours: the second of four atoms, with a bond to each of the others.
    pub(super) fn rise(atoms: [usize; 4], molecule: &Molecule) -> Self {
        let [a, centre, b, c] = atoms;
        let orders: f64 = [a, b, c].map(|end| bond_order(molecule, [end, centre])).iter().product();
        Self { coordinate: Coordinate::Dihedral(atoms), stiffness: RISE * orders }
    }
}

/// `rho_AB`.
fn bond_order(molecule: &Molecule, pair: [usize; 2]) -> f64 {
    let [a, b] = pair.map(|atom| &molecule.atoms()[atom]);
    let radii = a.element.covalent_radius_bohr() + b.element.covalent_radius_bohr();
    (1.0 - distance(a.position_bohr, b.position_bohr) / radii).exp()
}
