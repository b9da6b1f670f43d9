//! Surfaces of plain bodies as triangles.

use std::f64::consts::{PI, TAU};

/// A surface of triangles.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Surface {
    /// Corners.
    pub corners: Vec<[f64; 3]>,
    /// Triangles of corners, counterclockwise seen from outside.
    pub faces: Vec<[u32; 3]>,
}

/// Sides of what is round, around its axis.
const AROUND: u32 = 24;

impl Surface {
    /// A surface of revolution about z: rings of these radii at these heights, lowest first, closed by a point at each end.
    fn revolved(rings: &[[f64; 2]], bottom: f64, top: f64) -> Self {
        let mut surface = Self { corners: vec![[0.0, 0.0, bottom]], faces: Vec::new() };
        for [radius, z] in rings {
            for k in 0..AROUND {
                let (sin, cos) = (TAU * f64::from(k) / f64::from(AROUND)).sin_cos();
                surface.corners.push([radius * cos, radius * sin, *z]);
            }
        }
        surface.corners.push([0.0, 0.0, top]);
        let count = u32::try_from(rings.len()).unwrap_or(u32::MAX);
        let last = 1 + count * AROUND;
        let at = |ring: u32, k: u32| 1 + ring * AROUND + k % AROUND;
        for k in 0..AROUND {
            surface.faces.push([0, at(0, k + 1), at(0, k)]);
            for ring in 1..count {
                let [a, b] = [at(ring - 1, k), at(ring - 1, k + 1)];
                let [c, d] = [at(ring, k), at(ring, k + 1)];
                surface.faces.extend([[a, b, d], [a, d, c]]);
            }
            surface.faces.push([at(count - 1, k), at(count - 1, k + 1), last]);
        }
        surface
    }

    /// An ellipsoid of these half axes.
    pub fn ellipsoid(half: [f64; 3]) -> Self {
        let ring = |k: u32| {
            let (sin, cos) = (PI * f64::from(k) / f64::from(AROUND / 2)).sin_cos();
            [sin, -cos]
        };
        let rings: Vec<[f64; 2]> = (1..AROUND / 2).map(ring).collect();
        let mut surface = Self::revolved(&rings, -1.0, 1.0);
        for corner in &mut surface.corners {
            *corner = std::array::from_fn(|c| corner[c] * half[c]);
        }
        surface
    }

    /// A capsule along z: a cylinder with half balls on its ends.
    pub fn capsule(radius: f64, half_length: f64) -> Self {
        let ring = |k: u32| {
            let (sin, cos) = (PI * f64::from(k) / f64::from(AROUND / 2)).sin_cos();
            let shift = if k <= AROUND / 4 { -half_length } else { half_length };
            [radius * sin, shift - radius * cos]
        };
        let mut rings: Vec<[f64; 2]> = (1..=AROUND / 4).map(ring).collect();
        rings.push([radius, half_length]);
        rings.extend((AROUND / 4 + 1..AROUND / 2).map(ring));
        Self::revolved(&rings, -half_length - radius, half_length + radius)
    }

    /// A cylinder along z.
    pub fn cylinder(radius: f64, half_length: f64) -> Self {
        let rings = [[radius, -half_length], [radius, half_length]];
        Self::revolved(&rings, -half_length, half_length)
    }

    /// A box of these half edges.
    pub fn cuboid(half: [f64; 3]) -> Self {
        let sign = |k: usize, c: usize| if k >> c & 1 == 1 { half[c] } else { -half[c] };
        let corners = (0..8).map(|k| [0, 1, 2].map(|c| sign(k, c))).collect();
        let sides: [[u32; 4]; 6] =
            [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]];
        let faces = sides.iter().flat_map(|[a, b, c, d]| [[*a, *b, *c], [*a, *c, *d]]).collect();
        Self { corners, faces }
    }

    /// A square in the plane `z = 0`, of this half edge, seen from above.
    pub fn square(half: f64) -> Self {
        let corners = [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]];
        Self {
            corners: corners.map(|[x, y]| [half * x, half * y, 0.0]).to_vec(),
            faces: vec![[0, 1, 2], [0, 2, 3]],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::Surface;

    /// The volume within a closed surface, by the divergence theorem.
    fn volume(surface: &Surface) -> f64 {
        let corner = |k: u32| surface.corners[k as usize];
        let tetrahedron = |face: &[u32; 3]| {
            let [a, b, c] = face.map(corner);
            let cross =
                [b[1] * c[2] - b[2] * c[1], b[2] * c[0] - b[0] * c[2], b[0] * c[1] - b[1] * c[0]];
            a.iter().zip(cross).map(|(a, b)| a * b).sum::<f64>() / 6.0
        };
        surface.faces.iter().map(tetrahedron).sum()
    }

    #[test]
    fn solids_are_closed_outward_and_of_nearly_their_volume() {
        let ball = 4.0 / 3.0 * PI;
        for (surface, exact) in [
            (Surface::cuboid([0.5, 1.0, 1.5]), 6.0),
            (Surface::cylinder(0.5, 2.0), PI),
            (Surface::ellipsoid([1.0, 2.0, 3.0]), 6.0 * ball),
            (Surface::capsule(0.5, 1.0), 0.125 * ball + 0.5 * PI),
        ] {
            let found = volume(&surface) / exact;
            // inscribed polyhedra of 24 sides lose a few percent
            assert!((0.93..1.0 + 1e-12).contains(&found), "{found}");
            let mut edges = std::collections::BTreeMap::new();
            for [a, b, c] in &surface.faces {
                for (from, to) in [(a, b), (b, c), (c, a)] {
                    *edges.entry((from, to)).or_insert(0) += 1;
                }
            }
            let met = |(from, to): (&u32, &u32)| edges.get(&(to, from)) == Some(&1);
            assert!(edges.iter().all(|(edge, count)| *count == 1 && met(*edge)));
        }
    }
}
