//! Distances, angles and dihedral angles between nuclei, with their derivatives by the positions.

use std::f64::consts::{PI, TAU};

use cotangent_ad::{Dual, Real, Vec3};

/// Arms of an angle or a dihedral angle whose sine is below this lie on a line: what is measured from them has no derivative.
const ON_A_LINE: f64 = 1e-4;

/// A number that the positions of some nuclei give.
#[derive(Clone, Debug, PartialEq)]
pub enum Coordinate {
    /// `|x_b - x_a|`, bohr.
    Distance([usize; 2]),
    /// The angle at the second of three atoms, radian, from 0 to pi.
    Angle([usize; 3]),
    /// How far the second of three atoms on a line stands beside it along a fixed unit vector: `axis . (u + v)` with the unit vectors
    /// `u` and `v` to its neighbours, which is the deviation from pi in radian where it is small, and smooth where an angle is not.
    Bow {
        /// The atoms, the middle one second.
        atoms: [usize; 3],
        /// The direction.
        axis: [f64; 3],
    },
    /// The angle between the planes of the first three and of the last three atoms, radian, from -pi to pi; positive where the last
    /// atom is turned clockwise, seen along the bond in the middle.
    Dihedral([usize; 4]),
    /// A Cartesian coordinate of one atom, bohr.
    Cartesian {
        /// The atom.
        atoms: [usize; 1],
        /// 0, 1 or 2.
        axis: usize,
    },
}

impl Coordinate {
    /// What two, three or four atoms measure: their distance, angle or dihedral angle. `None` for another number, or for an atom twice.
    pub fn between(atoms: &[usize]) -> Option<Self> {
        let repeated = atoms.iter().enumerate().any(|(k, atom)| atoms[..k].contains(atom));
        match *atoms {
            _ if repeated => None,
            [a, b] => Some(Self::Distance([a, b])),
            [a, b, c] => Some(Self::Angle([a, b, c])),
            [a, b, c, d] => Some(Self::Dihedral([a, b, c, d])),
            _ => None,
        }
    }

    /// The atoms that it depends on.
    pub fn atoms(&self) -> &[usize] {
        match self {
            Self::Distance(atoms) => atoms,
            Self::Angle(atoms) | Self::Bow { atoms, .. } => atoms,
            Self::Dihedral(atoms) => atoms,
            Self::Cartesian { atoms, .. } => atoms,
        }
    }

    /// Its unit.
    pub fn unit(&self) -> &'static str {
        match self {
            Self::Distance(_) | Self::Cartesian { .. } => "bohr",
            Self::Angle(_) | Self::Bow { .. } | Self::Dihedral(_) => "rad",
        }
    }

    /// Its value. `None` of a dihedral angle one of whose planes is none, because three atoms lie on a line.
    pub fn value(&self, positions_bohr: &[[f64; 3]]) -> Option<f64> {
        let places = || self.atoms().iter().map(|atom| Vec3(positions_bohr[*atom]));
        if let Self::Angle([a, b, c]) = self {
            // it has a value on a line, and no derivative
            let arm = |end: usize| Vec3(positions_bohr[end]) - Vec3(positions_bohr[*b]);
            return Some(arm(*a).cross(arm(*c)).norm().atan2(arm(*a).dot(arm(*c))));
        }
        self.of(places())
    }

    /// Its derivatives by the positions of [`Self::atoms`], in their order. `None` where it has none: of an angle on a line.
    pub fn gradient(&self, positions_bohr: &[[f64; 3]]) -> Option<Vec<[f64; 3]>> {
        let seeded = |(k, atom): (usize, &usize)| {
            let x = positions_bohr[*atom];
            Vec3(std::array::from_fn(|axis| Dual::<f64, 12>::seed(x[axis], 3 * k + axis)))
        };
        let atoms = self.atoms();
        let found = self.of(atoms.iter().enumerate().map(seeded))?;
        Some(
            (0..atoms.len()).map(|k| std::array::from_fn(|axis| found.eps[3 * k + axis])).collect(),
        )
    }

    /// `to - from`, of a dihedral angle the shorter way round.
    pub fn difference(&self, to: f64, from: f64) -> f64 {
        match self {
            Self::Dihedral(_) => (to - from + PI).rem_euclid(TAU) - PI,
            _ => to - from,
        }
    }

    fn of<R: Real>(&self, places: impl Iterator<Item = Vec3<R>>) -> Option<R> {
        let x: Vec<Vec3<R>> = places.collect();
        match self {
            Self::Distance(_) => Some((x[1] - x[0]).norm()),
            Self::Angle(_) => {
                let (u, v) = (x[0] - x[1], x[2] - x[1]);
                let across = span(u, v)?;
                Some(across.norm().atan2(u.dot(v)))
            }
            Self::Bow { axis, .. } => {
                let sum = (x[0] - x[1]).normalized() + (x[2] - x[1]).normalized();
                Some(sum.dot(Vec3::lit(*axis)))
            }
            Self::Dihedral(_) => {
                let arms = [x[1] - x[0], x[2] - x[1], x[3] - x[2]];
                let (first, last) = (span(arms[0], arms[1])?, span(arms[1], arms[2])?);
                Some((arms[1].norm() * arms[0].dot(last)).atan2(first.dot(last)))
            }
            Self::Cartesian { axis, .. } => Some(x[0][*axis]),
        }
    }
}

/// `u x v`; `None` where they lie on a line.
fn span<R: Real>(u: Vec3<R>, v: Vec3<R>) -> Option<Vec3<R>> {
    let across = u.cross(v);
    let sine = across.norm_squared().concrete().sqrt();
    let lengths = (u.norm_squared() * v.norm_squared()).concrete().sqrt();
    (sine > ON_A_LINE * lengths).then_some(across)
}
