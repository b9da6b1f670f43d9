//! Atoms as balls and bonds as sticks, in the colours that chemists know.
//!
//! Two atoms are drawn as bonded where they are nearer than [`REACH`] times the sum of their covalent radii: a picture's convention, of
//! which nothing that is computed knows.

use cotangent_ad::{Mat3, Pose, Vec3};
use cotangent_answer::{Body, Surface};

use crate::molecule::geometry::Atom;

/// How far a bond is drawn, in sums of covalent radii.
const REACH: f64 = 1.25;
/// Radius of a stick, bohr.
const STICK: f64 = 0.18;

/// Reflectances of elements after Corey, Pauling and Koltun's models; metals and what has no colour of its own are grey.
const COLOURS: [(&str, [f64; 3]); 12] = [
    ("H", [0.9, 0.9, 0.9]),
    ("Li", [0.5, 0.2, 0.8]),
    ("B", [0.9, 0.45, 0.45]),
    ("C", [0.12, 0.12, 0.12]),
    ("N", [0.06, 0.12, 0.8]),
    ("O", [0.8, 0.04, 0.04]),
    ("F", [0.2, 0.7, 0.2]),
    ("Na", [0.35, 0.12, 0.7]),
    ("Si", [0.7, 0.5, 0.3]),
    ("P", [0.9, 0.3, 0.02]),
    ("S", [0.9, 0.75, 0.08]),
    ("Cl", [0.06, 0.7, 0.06]),
];
const GREY: [f64; 3] = [0.4, 0.4, 0.4];

fn colour(atom: &Atom) -> [f64; 3] {
    let known = COLOURS.iter().find(|(symbol, _)| *symbol == atom.element.symbol());
    known.map_or(GREY, |(_, colour)| *colour)
}

/// Balls for these atoms, at `places` in bohr, and half a stick for each end of a bond.
pub(super) fn balls_and_sticks(atoms: &[Atom], places: &[Vec3<f64>]) -> Vec<Body> {
    let mut bodies: Vec<Body> = atoms
        .iter()
        .zip(places)
        .enumerate()
        .map(|(k, (atom, place))| {
            // bonded atoms do not touch
            let radius = 0.35 + 0.25 * atom.element.covalent_radius_bohr();
            let pose = Pose { translation: *place, ..Pose::identity() };
            let name = format!("{} {k}", atom.element);
            body(name, Surface::ellipsoid([radius; 3]), colour(atom), pose)
        })
        .collect();
    for (k, (a, p)) in atoms.iter().zip(places).enumerate() {
        for (l, (b, q)) in atoms.iter().zip(places).enumerate() {
            let reach =
                REACH * (a.element.covalent_radius_bohr() + b.element.covalent_radius_bohr());
            let length = (*q - *p).norm();
            if k != l && length < reach {
                let name = format!("bond {k} {l}");
                let stick = Surface::cylinder(STICK, 0.25 * length);
                bodies.push(body(name, stick, colour(a), along(*p, *q)));
            }
        }
    }
    bodies
}

/// The frame in the middle of the half from `p` to the middle of `p` and `q`, whose z axis points to `q`.
fn along(p: Vec3<f64>, q: Vec3<f64>) -> Pose<f64> {
    let z = (q - p) * (q - p).norm().recip();
    let least = (0..3).min_by(|i, j| z[*i].abs().total_cmp(&z[*j].abs())).unwrap_or(0);
    let across = z.cross(Vec3::unit(least));
    let x = across * across.norm().recip();
    let rotation = Mat3::from_columns(x, z.cross(x), z);
    Pose { rotation, translation: p * 0.75 + q * 0.25 }
}

fn body(name: String, surface: Surface, colour: [f64; 3], pose: Pose<f64>) -> Body {
    let Surface { corners, faces } = surface;
    Body { name, corners, faces, colour, glow: [0.0; 3], poses: vec![pose] }
}

#[cfg(test)]
mod tests {
    use crate::molecule::{LengthUnit, parse_xyz};
    use cotangent_ad::Vec3;

    use super::balls_and_sticks;

    #[test]
    fn water_has_two_bonds_that_meet_its_atoms_and_a_torn_bond_is_none() {
        let text = "3\n\nO 0.0 0.0 0.0\nH 0.0 0.76 0.59\nH 0.0 -0.76 0.59\n";
        let molecule = parse_xyz(text, "water.xyz", LengthUnit::Angstrom, 0, 1).unwrap();
        let atoms = molecule.atoms();
        let mut places: Vec<Vec3<f64>> = atoms.iter().map(|a| Vec3(a.position_bohr)).collect();
        let bodies = balls_and_sticks(atoms, &places);
        let names: Vec<&str> = bodies.iter().map(|b| b.name.as_str()).collect();
        assert_eq!(names, ["O 0", "H 1", "H 2", "bond 0 1", "bond 0 2", "bond 1 0", "bond 2 0"]);
        // the ends of a half stick: at the atom, and in the middle of the bond
        let half = &bodies[3];
        let [bottom, top] =
            [half.corners[0], *half.corners.last().unwrap()].map(|c| half.poses[0].point(Vec3(c)));
        assert!((bottom - places[0]).norm() < 1e-12);
        assert!((top - (places[0] + places[1]) * 0.5).norm() < 1e-12);
        places[1] = Vec3([9.0, 0.0, 0.0]);
        assert_eq!(balls_and_sticks(atoms, &places).len(), 5);
    }
}
