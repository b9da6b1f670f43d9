//! Cones of directions, by the sine and the cosine of half their opening: none is joined to another by way of an angle.

use cotangent_ad::Vec3;

use crate::geometry::{V3, length};

/// A cone of directions, in which every direction is if it is as wide as a right angle from the middle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cone {
    pub(super) axis: V3,
    /// Sine and cosine of half the opening.
    pub(super) sin: f64,
    pub(super) cos: f64,
}

impl Cone {
    pub(super) const ALL: Self = Self { axis: Vec3([1.0, 0.0, 0.0]), sin: 1.0, cos: 0.0 };

    /// Of one direction.
    pub(super) fn of(axis: V3) -> Self {
        Self { axis, sin: 0.0, cos: 1.0 }
    }

    /// A cone around both: as wide as the wider one, and half the angle between the axes.
    pub(super) fn with(self, other: Self) -> Self {
        let (wide, narrow) = if self.cos <= other.cos { (self, other) } else { (other, self) };
        let sum = wide.axis + narrow.axis;
        let (sin, cos) = (0.5 * length(wide.axis - narrow.axis), 0.5 * length(sum));
        // by the cosines of the angle between the axes, and of what the wider cone is wider by
        if 1.0 - 2.0 * sin * sin >= wide.cos * narrow.cos + wide.sin * narrow.sin {
            return wide;
        }
        let axis = sum * (2.0 * cos).recip();
        let (sin, cos) = (sin * wide.cos + cos * wide.sin, cos * wide.cos - sin * wide.sin);
        if cos > 0.0 { Self { axis, sin, cos } } else { Self::ALL }
    }

    /// Sine and cosine of half the opening, which is widened by so little that its square does not count.
    pub(super) fn widened(self, by: f64) -> [f64; 2] {
        let (sin, cos) = (self.sin + by * self.cos, self.cos - by * self.sin);
        if cos > 0.0 { [sin, cos] } else { [1.0, 0.0] }
    }
}

#[cfg(test)]
mod tests {
    use cotangent_ad::random::Stream;

    use super::Cone;
    use crate::geometry::{V3, unit};

    #[test]
    fn joined_cones_hold_what_each_holds_and_little_more() {
        let stream = Stream::new(&[29]);
        let mut all = 0;
        for k in 0..300_u64 {
            // normals of a patch of a surface that is bent more and more
            let bend = 0.004 * k as f64;
            let near = |c: u64| {
                let u = |d: u64| bend * (2.0 * stream.uniform(100 * k + 3 * c + d) - 1.0);
                unit(V3::from([1.0 + u(0), 0.5 + u(1), u(2)]))
            };
            let normals: Vec<V3> = (0..16).map(near).collect();
            let mut cones: Vec<Cone> = normals.iter().map(|n| Cone::of(*n)).collect();
            while cones.len() > 1 {
                cones = cones.chunks(2).map(|pair| pair[0].with(pair[1])).collect();
            }
            let cone = cones[0];
            if cone.cos <= 0.0 {
                all += 1;
                continue;
            }
            assert!((cone.sin.hypot(cone.cos) - 1.0).abs() < 1e-12);
            assert!((cone.axis.norm() - 1.0).abs() < 1e-12);
            let widest = normals.iter().map(|n| cone.axis.dot(*n)).fold(1.0, f64::min);
            assert!(widest >= cone.cos - 1e-12, "{k}: a normal is left out");
            assert!(widest.acos() > 0.3 * cone.cos.acos() || bend == 0.0, "{k}: a wide cone");
        }
        assert!(all > 10 && all < 150, "{all} of 300 have all directions");
    }
}
