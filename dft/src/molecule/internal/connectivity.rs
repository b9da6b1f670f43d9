//! Which coordinates describe a molecule: the lengths of its bonds, the angles between them, the turns about them.
//!
//! Two atoms are bonded where they are nearer than [`REACH`] times the sum of their covalent radii. Parts of a molecule that no bond
//! holds together are joined where they come nearest. There are more of these coordinates than degrees of freedom.

use cotangent_ad::Vec3;

use super::coordinate::Coordinate;
use super::force_field::Redundant;
use crate::molecule::geometry::{Molecule, distance};

/// How far a bond reaches, in sums of covalent radii.
const REACH: f64 = 1.3;
/// An angle whose sine is below this and whose cosine is negative is that of three atoms on a line: its deviations in two directions are
/// taken, and nothing turns about its arms.
const STRAIGHT_SINE: f64 = 0.26;
/// A centre whose first three neighbours rise from their plane by less than this, in radian, can leave it.
const FLAT: f64 = 0.35;

/// The coordinates of a molecule, and whether it has parts that no bond holds together.
pub(super) fn coordinates(molecule: &Molecule) -> (Vec<Redundant>, bool) {
    let places = molecule.positions_bohr();
    let (bonds, links) = bonds(molecule);
    let mut neighbours = vec![Vec::new(); places.len()];
    for [a, b] in &bonds {
        neighbours[*a].push(*b);
        neighbours[*b].push(*a);
    }
    let mut all: Vec<Coordinate> = bonds.iter().map(|bond| Coordinate::Distance(*bond)).collect();
    for (centre, around) in neighbours.iter().enumerate() {
        for (k, a) in around.iter().enumerate() {
            for b in &around[..k] {
                all.extend(bends([*b, centre, *a], &places));
            }
        }
    }
    for [b, c] in &bonds {
        for a in neighbours[*b].iter().filter(|a| *a != c) {
            for d in neighbours[*c].iter().filter(|d| *d != b && *d != a) {
                if !is_straight([*a, *b, *c], &places) && !is_straight([*b, *c, *d], &places) {
                    all.push(Coordinate::Dihedral([*a, *b, *c, *d]));
                }
            }
        }
    }
    let has_parts = !links.is_empty();
    let mut between = Vec::new();
    for [b, c] in links {
        let around = |atom: usize| std::iter::once(atom).chain(neighbours[atom].iter().copied());
        let pairs = around(b).flat_map(|a| around(c).map(move |d| [a, d]));
        between.extend(pairs.map(|pair| Redundant::between_parts(pair, molecule)));
    }
    let along = |coordinate| Redundant::along_bonds(coordinate, molecule);
    let mut all: Vec<Redundant> = all.into_iter().map(along).collect();
    let rises = neighbours.iter().enumerate().filter_map(|(c, around)| rise(c, around, &places));
    all.extend(rises.map(|atoms| Redundant::rise(atoms, molecule)));
    all.append(&mut between);
    (all, has_parts)
}

/// Pairs of atoms that are bonded, and pairs by which parts that would stand alone are joined.
fn bonds(molecule: &Molecule) -> (Vec<[usize; 2]>, Vec<[usize; 2]>) {
    let atoms = molecule.atoms();
    let mut part: Vec<usize> = (0..atoms.len()).collect();
    let mut bonds = Vec::new();
    let (mut apart, mut links) = (Vec::new(), Vec::new());
    for (b, second) in atoms.iter().enumerate() {
        for (a, first) in atoms[..b].iter().enumerate() {
            let radii =
                first.element.covalent_radius_bohr() + second.element.covalent_radius_bohr();
            let length = distance(first.position_bohr, second.position_bohr);
            if length < REACH * radii {
                bonds.push([a, b]);
                join(&mut part, a, b);
            } else {
                apart.push((length, [a, b]));
            }
        }
    }
    apart.sort_by(|(x, _), (y, _)| x.total_cmp(y));
    for (_, [a, b]) in apart {
        if part[a] != part[b] {
            links.push([a, b]);
            join(&mut part, a, b);
        }
    }
    (bonds, links)
}

/// Makes the parts of two atoms one.
fn join(part: &mut [usize], a: usize, b: usize) {
    let (kept, gone) = (part[a], part[b]);
    part.iter_mut().filter(|p| **p == gone).for_each(|p| *p = kept);
}

/// The angle of three atoms, or its two deviations from a line.
fn bends(atoms: [usize; 3], places: &[[f64; 3]]) -> Vec<Coordinate> {
    if !is_straight(atoms, places) {
        return vec![Coordinate::Angle(atoms)];
    }
    let along = Vec3(places[atoms[2]]) - Vec3(places[atoms[0]]);
    let least = (0..3).min_by(|i, j| along[*i].abs().total_cmp(&along[*j].abs())).unwrap_or(0);
    let first = along.cross(Vec3::unit(least)).normalized();
    let second = along.cross(first).normalized();
    [first, second].map(|axis| Coordinate::Bow { atoms, axis: axis.into() }).into()
}

fn is_straight([a, b, c]: [usize; 3], places: &[[f64; 3]]) -> bool {
    let arm = |end: usize| (Vec3(places[end]) - Vec3(places[b])).normalized();
    arm(a).dot(arm(c)) < 0.0 && arm(a).cross(arm(c)).norm() < STRAIGHT_SINE
}

/// The atoms of the dihedral angle by which a flat centre leaves the plane of its neighbours.
fn rise(centre: usize, around: &[usize], places: &[[f64; 3]]) -> Option<[usize; 4]> {
    for (i, a) in around.iter().enumerate() {
        for (j, b) in around.iter().enumerate() {
            for c in around[i + 1..].iter().filter(|c| i != j && *c != b) {
                let atoms = [*a, centre, *b, *c];
                // the angle is near 0 or pi where all four lie in a plane
                let turn = Coordinate::Dihedral(atoms).value(places);
                if turn.is_some_and(|turn| turn.sin().abs() < FLAT) {
                    return Some(atoms);
                }
            }
        }
    }
    None
}
