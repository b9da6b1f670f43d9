//! Convex shapes as [`convex`](super::convex) sees them: their features (faces, edges, corners, round sides) with points of one or two parameters, and
//! the points that are farthest along a direction.

use cotangent_ad::{Pose, Real, Vec3};

use crate::model::Shape;

/// A part of a surface on which points have up to two parameters.
#[derive(Clone, Copy, Debug)]
pub(super) enum Feature {
    /// The centre of a sphere.
    Center,
    /// A capsule's segment between its ends, by its coordinate.
    Segment,
    /// An end of it, by its side.
    End(f64),
    /// An ellipsoid around a direction of its unit sphere, by two directions across.
    Ellipsoid([Vec3<f64>; 3]),
    /// A cylinder's side, by the angle from this one and the height.
    Side(f64),
    /// The edge of a cylinder's cap, by the angle from this one; which cap.
    Rim(f64, f64),
    /// A cap, by two coordinates.
    Cap(f64),
    /// A box where coordinates are at their least or greatest; 0 where they are free.
    Box([f64; 3]),
}

/// Points on a feature and how they move with its parameters.
pub(super) struct On<T> {
    pub(super) point: Vec3<T>,
    pub(super) tangents: [Option<Vec3<T>>; 2],
}

/// A shape with its numbers: sizes and pose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Solid<'a, T> {
    pub(super) shape: &'a Shape,
    pub(super) size: [T; 3],
    pub(super) pose: &'a Pose<T>,
}

impl<T: Real> Solid<'_, T> {
    /// Of the ball around its points.
    pub(super) fn radius(&self) -> T {
        match self.shape {
            Shape::Sphere { .. } | Shape::Capsule { .. } => self.size[0],
            _ => T::lit(0.0),
        }
    }

    /// A point of a feature in the world.
    pub(super) fn on(&self, feature: Feature, p: [T; 2]) -> On<T> {
        let (zero, one) = (T::lit(0.0), T::lit(1.0));
        let [a, b, _] = self.size;
        let along = |k: usize| Vec3::unit(k);
        let around = |angle: f64, z: T| {
            let (sin, cos) = (p[0] + angle).sin_cos();
            (Vec3([a * cos, a * sin, z]), Vec3([-(a * sin), a * cos, zero]))
        };
        let (point, tangents) = match feature {
            Feature::Center => (Vec3::zero(), [None, None]),
            Feature::Segment => (Vec3([zero, zero, p[0]]), [Some(along(2)), None]),
            Feature::End(side) => (Vec3([zero, zero, b * side]), [None, None]),
            Feature::Ellipsoid([w, e, f]) => {
                let (e, f) = (Vec3::lit(e.0), Vec3::lit(f.0));
                let w = Vec3::<T>::lit(w.0) + e * p[0] + f * p[1];
                let scale = w.norm().recip();
                let unit = w * scale;
                let stretched = |x: Vec3<T>| Vec3(std::array::from_fn(|k| x[k] * self.size[k]));
                let across = |x: Vec3<T>| Some(stretched((x - unit * unit.dot(x)) * scale));
                (stretched(unit), [across(e), across(f)])
            }
            Feature::Side(angle) => {
                let (point, tangent) = around(angle, p[1]);
                (point, [Some(tangent), Some(along(2))])
            }
            Feature::Rim(angle, side) => {
                let (point, tangent) = around(angle, b * side);
                (point, [Some(tangent), None])
            }
            Feature::Cap(side) => (Vec3([p[0], p[1], b * side]), [Some(along(0)), Some(along(1))]),
            Feature::Box(sides) => {
                let (mut point, mut tangents, mut free) = (Vec3::zero(), [None, None], 0);
                for (k, side) in sides.into_iter().enumerate() {
                    if side == 0.0 && free < 2 {
                        (point[k], tangents[free]) = (p[free], Some(along(k)));
                        free += 1;
                    } else {
                        point[k] = self.size[k] * side;
                    }
                }
                (point, tangents)
            }
        };
        let turned = |t: Option<Vec3<T>>| t.map(|t| self.pose.direction(t * one));
        On { point: self.pose.point(point), tangents: tangents.map(turned) }
    }
}

impl Solid<'_, f64> {
    /// The point, without the radius around, that is farthest along a direction of the world.
    pub(super) fn support(&self, direction: Vec3<f64>) -> Vec3<f64> {
        let d = self.pose.rotation.transpose_mul(direction);
        let side = |x: f64| if x < 0.0 { -1.0 } else { 1.0 };
        let [a, b, _] = self.size;
        let point = match self.shape {
            Shape::Capsule { .. } => Vec3([0.0, 0.0, b * side(d[2])]),
            Shape::Cylinder { .. } => {
                let across = d[0].hypot(d[1]);
                let [x, y] = if across > 0.0 { [d[0] / across, d[1] / across] } else { [1.0, 0.0] };
                Vec3([a * x, a * y, b * side(d[2])])
            }
            Shape::Ellipsoid { .. } => {
                let scaled = Vec3(std::array::from_fn(|k| d[k] * self.size[k]));
                let length = scaled.norm();
                Vec3(std::array::from_fn(|k| {
                    if length > 0.0 { scaled[k] * self.size[k] / length } else { 0.0 }
                }))
            }
            Shape::Box { .. } => Vec3(std::array::from_fn(|k| self.size[k] * side(d[k]))),
            _ => Vec3::zero(),
        };
        self.pose.point(point)
    }

    /// The feature on which a point of the surface is, and its parameters.
    pub(super) fn feature(&self, at: Vec3<f64>) -> (Feature, [f64; 2]) {
        let x = self.pose.inverse_point(at);
        let side = |x: f64| if x < 0.0 { -1.0 } else { 1.0 };
        let [a, b, _] = self.size;
        let near = |gap: f64, size: f64| gap.abs() <= 1e-6 * size;
        match self.shape {
            Shape::Capsule { .. } if near(b - x[2].abs(), b) => {
                (Feature::End(side(x[2])), [0.0; 2])
            }
            Shape::Capsule { .. } => (Feature::Segment, [x[2], 0.0]),
            Shape::Ellipsoid { .. } => {
                let w = Vec3(std::array::from_fn(|k| x[k] / self.size[k])).normalized();
                let least = (0..3).min_by(|i, j| w[*i].abs().total_cmp(&w[*j].abs())).unwrap_or(0);
                let e = w.cross(Vec3::unit(least)).normalized();
                (Feature::Ellipsoid([w, e, w.cross(e)]), [0.0; 2])
            }
            Shape::Cylinder { .. } => {
                let (across, angle) = (x[0].hypot(x[1]), x[1].atan2(x[0]));
                match (near(b - x[2].abs(), b), near(a - across, a)) {
                    (true, true) => (Feature::Rim(angle, side(x[2])), [0.0; 2]),
                    (true, false) => (Feature::Cap(side(x[2])), [x[0], x[1]]),
                    _ => (Feature::Side(angle), [0.0, x[2]]),
                }
            }
            Shape::Box { .. } => {
                let gap = |k: &usize| (self.size[*k] - x[*k].abs()).abs();
                let nearest = (0..3).min_by(|i, j| gap(i).total_cmp(&gap(j))).unwrap_or(0);
                let fixed = |k: usize| k == nearest || near(gap(&k), self.size[k]);
                let sides = std::array::from_fn(|k| if fixed(k) { side(x[k]) } else { 0.0 });
                (Feature::Box(sides), free_coordinates(sides, x.0))
            }
            _ => (Feature::Center, [0.0; 2]),
        }
    }

    /// The feature to go on with where the parameters, or the normal out of the shape, say that the solution is on another one.
    pub(super) fn neighbour(
        &self,
        feature: Feature,
        p: [f64; 2],
        out: Vec3<f64>,
    ) -> Option<(Feature, [f64; 2])> {
        let n = self.pose.rotation.transpose_mul(out);
        let [a, b, _] = self.size;
        let side = |x: f64| if x < 0.0 { -1.0 } else { 1.0 };
        // a normal may leave its cone by rounding
        let outward = -1e-12;
        match feature {
            Feature::Segment if p[0].abs() > b => Some((Feature::End(side(p[0])), [0.0; 2])),
            Feature::End(end) if n[2] * end < outward => Some((Feature::Segment, [end * b, 0.0])),
            Feature::Side(angle) if p[1].abs() > b => {
                Some((Feature::Rim(angle + p[0], side(p[1])), [0.0; 2]))
            }
            Feature::Cap(end) if p[0].hypot(p[1]) > a => {
                Some((Feature::Rim(p[1].atan2(p[0]), end), [0.0; 2]))
            }
            Feature::Rim(angle, end) => {
                let (sin, cos) = (angle + p[0]).sin_cos();
                if n[2] * end < outward {
                    Some((Feature::Side(angle + p[0]), [0.0, end * b]))
                } else if n[0] * cos + n[1] * sin < outward {
                    Some((Feature::Cap(end), [a * cos, a * sin]))
                } else {
                    None
                }
            }
            Feature::Box(sides) => self.neighbour_of_box(sides, p, n),
            _ => None,
        }
    }

    fn neighbour_of_box(
        &self,
        sides: [f64; 3],
        p: [f64; 2],
        n: Vec3<f64>,
    ) -> Option<(Feature, [f64; 2])> {
        let mut free = p.into_iter();
        let x: [f64; 3] = std::array::from_fn(|k| {
            if sides[k] == 0.0 { free.next().unwrap_or(0.0) } else { sides[k] * self.size[k] }
        });
        let beyond = (0..3).find(|k| sides[*k] == 0.0 && x[*k].abs() > self.size[*k]);
        let fixed = sides.iter().filter(|s| **s != 0.0).count();
        let inward = (0..3).find(|k| fixed > 1 && sides[*k] * n[*k] < -1e-12);
        let mut changed = sides;
        if let Some(k) = beyond {
            changed[k] = if x[k] < 0.0 { -1.0 } else { 1.0 };
        } else {
            changed[inward?] = 0.0;
        }
        Some((Feature::Box(changed), free_coordinates(changed, x)))
    }
}

/// The coordinates of a point of a box that its feature leaves free.
fn free_coordinates(sides: [f64; 3], x: [f64; 3]) -> [f64; 2] {
    let mut free = sides.into_iter().zip(x).filter(|(side, _)| *side == 0.0).map(|(_, x)| x);
    std::array::from_fn(|_| free.next().unwrap_or(0.0))
}

/// Distance along a direction: how far the second shape is beyond the first.
pub(super) fn gap([first, second]: [&Solid<'_, f64>; 2], n: Vec3<f64>) -> f64 {
    (second.support(-n) - first.support(n)).dot(n)
}

/// What is larger of two shapes, or more.
pub(super) fn extent(solids: [&Solid<'_, f64>; 2]) -> f64 {
    solids.iter().map(|s| s.size.iter().fold(0.0_f64, |m, x| m.max(x.abs()))).sum()
}
