//! Which contacts a touch sensor feels: those of its body from which a ray along the normal, away from the body, meets the sensor's
//! volume. A contact within the volume always does.

use cotangent_ad::{Real, Vec3};

use crate::constraint::ContactAt;
use crate::model::{Model, Mount, Shape};
use crate::scratch::{Scratch, lift_pose};

/// Whether the ray from `x` along `d`, in the volume's frame, meets its surface.
fn meets(volume: &Shape, x: Vec3<f64>, d: Vec3<f64>) -> bool {
    match *volume {
        Shape::Sphere { radius } => meets_ellipsoid([radius; 3], x, d),
        Shape::Ellipsoid { half } => meets_ellipsoid(half, x, d),
        Shape::Box { half } => meets_box(half, x, d),
        Shape::Cylinder { radius, half_length } => meets_cylinder(radius, half_length, x, d),
        Shape::Capsule { radius, half_length } => {
            let ball = |end: f64| meets_ellipsoid([radius; 3], x - Vec3([0.0, 0.0, end]), d);
            meets_cylinder(radius, half_length, x, d) || ball(half_length) || ball(-half_length)
        }
        Shape::Solid { .. } | Shape::Plane | Shape::HeightField => false,
    }
}

/// Whether one root of `a t^2 + 2 b t + c` is positive; `a >= 0`.
fn positive_root(a: f64, b: f64, c: f64) -> Option<[f64; 2]> {
    let square = b * b - a * c;
    if a <= 0.0 || square < 0.0 {
        return None;
    }
    let root = square.sqrt();
    Some([(-b - root) / a, (-b + root) / a])
}

fn meets_ellipsoid(half: [f64; 3], x: Vec3<f64>, d: Vec3<f64>) -> bool {
    let scaled = |v: Vec3<f64>| Vec3([v[0] / half[0], v[1] / half[1], v[2] / half[2]]);
    let (x, d) = (scaled(x), scaled(d));
    positive_root(d.dot(d), x.dot(d), x.dot(x) - 1.0).is_some_and(|[_, last]| last >= 0.0)
}

fn meets_box(half: [f64; 3], x: Vec3<f64>, d: Vec3<f64>) -> bool {
    let (mut first, mut last) = (f64::NEG_INFINITY, f64::INFINITY);
    for k in 0..3 {
        if d[k] == 0.0 {
            if x[k].abs() > half[k] {
                return false;
            }
            continue;
        }
        let [a, b] = [(-half[k] - x[k]) / d[k], (half[k] - x[k]) / d[k]];
        first = first.max(a.min(b));
        last = last.min(a.max(b));
    }
    first <= last && last >= 0.0
}

fn meets_cylinder(radius: f64, half_length: f64, x: Vec3<f64>, d: Vec3<f64>) -> bool {
    let along = |t: f64| x[2] + t * d[2];
    let (a, b) = (d[0] * d[0] + d[1] * d[1], x[0] * d[0] + x[1] * d[1]);
    let c = x[0] * x[0] + x[1] * x[1] - radius * radius;
    let on_side = positive_root(a, b, c)
        .is_some_and(|roots| roots.iter().any(|t| *t >= 0.0 && along(*t).abs() <= half_length));
    let on_end = |end: f64| {
        let t = (end - x[2]) / d[2];
        let [p, q] = [x[0] + t * d[0], x[1] + t * d[1]];
        t.is_finite() && t >= 0.0 && p * p + q * q <= radius * radius
    };
    on_side || on_end(half_length) || on_end(-half_length)
}

/// Whether a contact counts for the sensor of `body` with its `volume`.
pub(crate) fn feels<T: Real>(
    model: &Model,
    (body, at, volume): (Option<usize>, &Mount, &Shape),
    contact: &ContactAt<T>,
    s: &Scratch<T>,
) -> bool {
    let geoms = model.touch_pairs[contact.pair].geoms;
    let side = geoms.iter().position(|g| model.geoms[*g].body == body);
    let Some(side) = side else { return false };
    // the normal points from the first geom to the second
    let (x, normal) = (contact.position, contact.frame[0]);
    let away = if side == 0 { normal } else { -normal };
    let pose = s.link_pose(at.link) * lift_pose(&at.placement);
    let concrete = |v: Vec3<T>| Vec3(v.0.map(Real::concrete));
    let inside = |v: Vec3<T>| concrete(pose.rotation.transpose_mul(v));
    meets(volume, inside(x - pose.translation), inside(away))
}
