//! A plane, the half-space `z <= 0` of its frame, with everything else.

use cotangent_ad::{Pose, Real, Vec3};

use super::Touches;

/// The sizes and the pose of a shape.
type Shaped<'a, T> = ([T; 3], &'a Pose<T>);

/// A ball of `radius` at `center`.
fn ball<T: Real>(
    plane: &Pose<T>,
    (radius, center): (T, Vec3<T>),
    tangent: Option<Vec3<T>>,
    margin: T,
    out: &mut Touches<T>,
) {
    let normal = plane.rotation.column(2);
    let distance = (center - plane.translation).dot(normal) - radius;
    if distance <= margin {
        out.push(distance, center - normal * (distance * 0.5 + radius), normal, tangent);
    }
}

pub(super) fn sphere<T: Real>(
    plane: &Pose<T>,
    (size, at): Shaped<'_, T>,
    margin: T,
    out: &mut Touches<T>,
) {
    ball(plane, (size[0], at.translation), None, margin, out);
}

/// The two ends, with tangents along the axis.
pub(super) fn capsule<T: Real>(
    plane: &Pose<T>,
    (size, at): Shaped<'_, T>,
    margin: T,
    out: &mut Touches<T>,
) {
    let axis = at.rotation.column(2);
    let half = axis * size[1];
    for end in [at.translation + half, at.translation - half] {
        ball(plane, (size[0], end), Some(axis), margin, out);
    }
}

/// The point of the ellipsoid that is farthest along the normal's opposite.
pub(super) fn ellipsoid<T: Real>(
    plane: &Pose<T>,
    (size, at): Shaped<'_, T>,
    margin: T,
    out: &mut Touches<T>,
) {
    let normal = plane.rotation.column(2);
    let inside = at.rotation.transpose_mul(normal);
    let scaled = Vec3(std::array::from_fn(|k| inside[k] * size[k]));
    let length = scaled.norm();
    let lowest = at.point(Vec3(std::array::from_fn(|k| -(scaled[k] * size[k] / length))));
    let distance = (lowest - plane.translation).dot(normal);
    if distance <= margin {
        out.push(distance, lowest - normal * (distance * 0.5), normal, None);
    }
}

/// Up to four corners that point down.
pub(super) fn cuboid<T: Real>(
    plane: &Pose<T>,
    (size, at): Shaped<'_, T>,
    margin: T,
    out: &mut Touches<T>,
) {
    let normal = plane.rotation.column(2);
    let center = (at.translation - plane.translation).dot(normal);
    for corner in 0..8 {
        let sides = std::array::from_fn(|k| if corner >> k & 1 == 1 { size[k] } else { -size[k] });
        let corner = at.rotation * Vec3(sides);
        let below = normal.dot(corner);
        let distance = center + below;
        if distance > margin || below > 0.0 {
            continue;
        }
        out.push(distance, corner + at.translation - normal * (distance * 0.5), normal, None);
        if out.count == 4 {
            return;
        }
    }
}

/// The lowest point of the lower disk and, where they are near, that of the upper one and two more of the lower.
pub(super) fn cylinder<T: Real>(
    plane: &Pose<T>,
    ([radius, half, _], at): Shaped<'_, T>,
    margin: T,
    out: &mut Touches<T>,
) {
    let normal = plane.rotation.column(2);
    let up = at.rotation.column(2);
    let axis = if normal.dot(up) > 0.0 { -up } else { up };
    let along = normal.dot(axis);
    let center = (at.translation - plane.translation).dot(normal);
    // the direction of the lower disk that points down most
    let down = axis * along - normal;
    let square = down.norm_squared();
    let rim = if square >= 1e-30 {
        down * (radius / square.sqrt())
    } else {
        at.rotation.column(0) * radius // a disk parallel to the plane
    };
    let (axis, along, fall) = (axis * half, along * half, rim.dot(normal));
    let mut push = |distance: T, from_center: Vec3<T>| {
        let position = at.translation + from_center - normal * (distance * 0.5);
        out.push(distance, position, normal, None);
    };
    if center + along + fall > margin {
        return;
    }
    push(center + along + fall, rim + axis);
    if center - along + fall <= margin {
        push(center - along + fall, rim - axis);
    }
    let distance = center + along - fall * 0.5;
    if distance <= margin {
        let sideways = rim.cross(axis).normalized() * (radius * (3.0_f64.sqrt() / 2.0));
        push(distance, sideways + axis - rim * T::lit(0.5));
        push(distance, axis - rim * T::lit(0.5) - sideways);
    }
}
