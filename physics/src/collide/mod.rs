//! Where two shapes touch: distance, position and frame over any scalar, by the closed forms that MuJoCo has, and of ellipsoids and cylinders by
//! one convex collision ([`convex`]), of cylinders with more points where a flat side bears ([`manifold`]).
//!
//! | with | plane | sphere | capsule | ellipsoid | cylinder | box |
//! |---|---|---|---|---|---|---|
//! | plane | | closed | closed, two points | closed | closed, up to four | closed, up to four |
//! | sphere | | closed | closed | convex | closed | closed |
//! | capsule | | | closed, one or two | convex | convex, one or two | closed, one or two |
//! | ellipsoid | | | | convex | convex | convex |
//! | cylinder | | | | | convex, up to four | convex, up to four |
//! | box | | | | | | closed, up to eight |
//!
//! A pair that is not in the table is refused where a model is built of it, see [`is_supported`]. Which of a shape's features are nearest is
//! chosen by values; the derivative is that of the chosen ones.

mod capsule;
mod capsule_box;
mod convex;
mod cuboids;
mod gjk;
mod manifold;
mod plane;
mod solid;
mod sphere;

use cotangent_ad::{Num, Pose, Real, Vec3};

use self::solid::Solid;
use crate::model::Shape;

/// One point of contact.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Touch<T> {
    /// Distance of the surfaces, negative where they penetrate.
    pub(crate) distance: T,
    /// Midway between the surfaces.
    pub(crate) position: Vec3<T>,
    /// Normal from the first shape to the second, and two tangents.
    pub(crate) frame: [Vec3<T>; 3],
}

/// Most points of contact of a pair.
const MOST: usize = 8;

/// The points of contact of a pair.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Touches<T> {
    count: usize,
    all: [Touch<T>; MOST],
}

impl<T: Num> Touches<T> {
    pub(crate) fn new() -> Self {
        let zero = Vec3::zero();
        let none = Touch { distance: T::lit(0.0), position: zero, frame: [zero; 3] };
        Self { count: 0, all: [none; MOST] }
    }

    pub(crate) fn all(&self) -> &[Touch<T>] {
        &self.all[..self.count]
    }
}

impl<T: Real> Touches<T> {
    /// Adds a point, its tangents as near to `tangent` as they can be, or as MuJoCo chooses them.
    fn push(&mut self, distance: T, position: Vec3<T>, normal: Vec3<T>, tangent: Option<Vec3<T>>) {
        if self.count < MOST {
            let frame = frame(normal, tangent);
            self.all[self.count] = Touch { distance, position, frame };
            self.count += 1;
        }
    }
}

/// A right-handed frame of a normal (MuJoCo's `mju_makeFrame`).
fn frame<T: Real>(normal: Vec3<T>, tangent: Option<Vec3<T>>) -> [Vec3<T>; 3] {
    let usual = || Vec3::unit(if normal[1] < 0.5 && normal[1] > -0.5 { 1 } else { 2 });
    let guess = tangent.unwrap_or_else(usual);
    let first = (guess - normal * normal.dot(guess)).normalized();
    [normal, first, normal.cross(first)]
}

/// Rank of a shape in the order that decides which of two is first; none of what does not collide.
pub(crate) fn rank(shape: &Shape) -> Option<usize> {
    Some(match shape {
        Shape::Plane => 0,
        Shape::Sphere { .. } => 1,
        Shape::Capsule { .. } => 2,
        Shape::Ellipsoid { .. } => 3,
        Shape::Cylinder { .. } => 4,
        Shape::Box { .. } => 5,
        Shape::Solid { .. } | Shape::HeightField => return None,
    })
}

/// Whether the contact of a pair of shapes, in the order of their ranks, is known here.
pub(crate) fn is_supported(first: &Shape, second: &Shape) -> bool {
    match (rank(first), rank(second)) {
        (Some(0), Some(second)) => second > 0,
        (Some(_), Some(_)) => true,
        _ => false,
    }
}

/// Radius of a sphere around a shape's origin that holds it; a plane has none.
pub(crate) fn bound(shape: &Shape, [a, b, c]: [f64; 3]) -> Option<f64> {
    match shape {
        Shape::Plane => None,
        Shape::Sphere { .. } => Some(a),
        Shape::Capsule { .. } => Some(a + b),
        Shape::Cylinder { .. } => Some(a.hypot(b)),
        Shape::Ellipsoid { .. } => Some(a.max(b).max(c)),
        Shape::Box { .. } => Some(a.hypot(b).hypot(c)),
        Shape::Solid { .. } | Shape::HeightField => Some(0.0),
    }
}

/// The points at which two shapes, in the order of their ranks, are nearer than `margin`.
pub(crate) fn collide<T: Real>(
    shapes: [&Shape; 2],
    [a, b]: [[T; 3]; 2],
    [at_a, at_b]: [&Pose<T>; 2],
    margin: T,
    out: &mut Touches<T>,
) {
    out.count = 0;
    match shapes {
        [Shape::Plane, Shape::Sphere { .. }] => plane::sphere(at_a, (b, at_b), margin, out),
        [Shape::Plane, Shape::Capsule { .. }] => plane::capsule(at_a, (b, at_b), margin, out),
        [Shape::Plane, Shape::Ellipsoid { .. }] => plane::ellipsoid(at_a, (b, at_b), margin, out),
        [Shape::Plane, Shape::Cylinder { .. }] => plane::cylinder(at_a, (b, at_b), margin, out),
        [Shape::Plane, Shape::Box { .. }] => plane::cuboid(at_a, (b, at_b), margin, out),
        [Shape::Sphere { .. }, Shape::Sphere { .. }] => {
            sphere::sphere((a[0], at_a), (b[0], at_b), margin, out);
        }
        [Shape::Sphere { .. }, Shape::Capsule { .. }] => {
            sphere::capsule((a[0], at_a), (b, at_b), margin, out);
        }
        [Shape::Sphere { .. }, Shape::Cylinder { .. }] => {
            sphere::cylinder((a[0], at_a), (b, at_b), margin, out);
        }
        [Shape::Sphere { .. }, Shape::Box { .. }] => {
            sphere::cuboid((a[0], at_a), (b, at_b), margin, out);
        }
        [Shape::Capsule { .. }, Shape::Capsule { .. }] => {
            capsule::capsule((a, at_a), (b, at_b), margin, out);
        }
        [Shape::Capsule { .. }, Shape::Box { .. }] => {
            capsule_box::cuboid((a, at_a), (b, at_b), margin, out);
        }
        [Shape::Box { .. }, Shape::Box { .. }] => {
            cuboids::cuboids((a, at_a), (b, at_b), margin, out);
        }
        [first, second] => {
            let solid =
                |k: usize| Solid { shape: shapes[k], size: [a, b][k], pose: [at_a, at_b][k] };
            let solids = [solid(0), solid(1)];
            match (first, second) {
                (Shape::Ellipsoid { .. }, _) | (_, Shape::Ellipsoid { .. }) => {
                    convex::collide(solids, margin, out);
                }
                (Shape::Cylinder { .. }, _) | (_, Shape::Cylinder { .. }) => {
                    manifold::collide(solids, margin, out);
                }
                _ => {}
            }
        }
    }
}
