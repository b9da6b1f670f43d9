//! Watertight rays against triangles (Woop, Benthin & Wald, JCGT 2(1), 2013).
//!
//! The ray becomes the third axis by a shear of the corners, and the signs of three edge functions decide. Two faces that share an
//! edge compute its function from the same two numbers with the opposite sign, so a ray at the edge meets one of them or
//! both: rounding opens no crack between faces whose corners are equal.
#![expect(clippy::inline_always, reason = "tests take the instruction set of their caller")]

use crate::geometry::V3;

/// A triangle as rays see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Triangle {
    pub(super) corners: [V3; 3],
    pub(super) face: u32,
}

/// A ray with the shear that makes it the third axis.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ray {
    pub(super) origin: V3,
    /// The axis along which the direction is longest stands last.
    pub(super) axes: [usize; 3],
    pub(super) shear: [f64; 3],
}

impl Ray {
    #[inline]
    pub(crate) fn new(origin: V3, direction: V3) -> Self {
        let main = Self::main(direction);
        let axes = Self::axes(main);
        let along = direction[main];
        let shear = [direction[axes[0]] / along, direction[axes[1]] / along, along.recip()];
        Self { origin, axes, shear }
    }

    /// The ray whose origin and shear are given by `axes`.
    #[inline]
    pub(super) fn sheared_by(axes: [usize; 3], origin: [f64; 3], shear: [f64; 3]) -> Self {
        let mut place = V3::zero();
        (0..3).for_each(|k| place[axes[k]] = origin[k]);
        Self { origin: place, axes, shear }
    }

    /// The axis along which a direction is longest.
    #[inline]
    pub(super) fn main(direction: V3) -> usize {
        let [x, y, z] = direction.0.map(f64::abs);
        // without branches: rays of a bundle may have any
        let first = usize::from(x >= y) * usize::from(x >= z);
        (2 - usize::from(y >= z)) * (1 - first)
    }

    /// The axes with the main one last.
    #[inline]
    pub(super) fn axes(main: usize) -> [usize; 3] {
        [(main + 1) % 3, (main + 2) % 3, main]
    }

    /// A corner in the ray's frame: the two sheared coordinates across it, and its distance along it.
    #[inline(always)]
    fn seen(&self, corner: V3) -> [f64; 3] {
        let v = corner - self.origin;
        let [a, b, c] = [v[self.axes[0]], v[self.axes[1]], v[self.axes[2]]];
        [a - self.shear[0] * c, b - self.shear[1] * c, self.shear[2] * c]
    }
}

impl Triangle {
    pub(super) fn new(corners: [V3; 3], face: u32) -> Self {
        Self { corners, face }
    }

    /// Distance in multiples of the ray's direction, and barycentric coordinates of the second and third corner.
    #[inline(always)]
    pub(super) fn intersect(&self, ray: &Ray) -> Option<[f64; 3]> {
        let [a, b, c] = self.corners;
        let [a, b, c] = [ray.seen(a), ray.seen(b), ray.seen(c)];
        let u = c[0] * b[1] - c[1] * b[0];
        let v = a[0] * c[1] - a[1] * c[0];
        let w = b[0] * a[1] - b[1] * a[0];
        // a zero is on the edge and belongs to both sides
        if (u < 0.0 || v < 0.0 || w < 0.0) && (u > 0.0 || v > 0.0 || w > 0.0) {
            return None;
        }
        let sum = u + v + w;
        let distance = u * a[2] + v * b[2] + w * c[2];
        // the triangle is seen from its side, or the direction has no length
        (sum != 0.0 && sum.is_finite()).then(|| {
            let inverse = sum.recip();
            [distance * inverse, v * inverse, w * inverse]
        })
    }
}
