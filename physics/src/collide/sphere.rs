//! A sphere with everything that is no plane.

use cotangent_ad::{Num, Pose, Real, Vec3};

use super::Touches;

/// A ball, and the third axis of its frame.
pub(super) struct Ball<T> {
    pub(super) radius: T,
    pub(super) center: Vec3<T>,
    pub(super) axis: Vec3<T>,
}

/// Two balls. Where their centres coincide the normal is across their axes, as MuJoCo's.
pub(super) fn balls<T: Real>(a: &Ball<T>, b: &Ball<T>, margin: T, out: &mut Touches<T>) {
    let between = b.center - a.center;
    let square = between.norm_squared();
    let reach = margin + a.radius + b.radius;
    if square > reach * reach {
        return;
    }
    let (length, normal) = if square >= 1e-30 {
        let length = square.sqrt();
        (length, between * length.recip())
    } else {
        let across = a.axis.cross(b.axis);
        let parallel = across.norm_squared() < 1e-30;
        let normal = if parallel { Vec3::unit(0) } else { across.normalized() };
        (T::lit(0.0), normal)
    };
    let distance = length - a.radius - b.radius;
    out.push(distance, a.center + normal * (a.radius + distance * 0.5), normal, None);
}

type Round<'a, T> = (T, &'a Pose<T>);
type Shaped<'a, T> = ([T; 3], &'a Pose<T>);

fn ball<T: Num>((radius, at): Round<'_, T>) -> Ball<T> {
    Ball { radius, center: at.translation, axis: at.rotation.column(2) }
}

pub(super) fn sphere<T: Real>(a: Round<'_, T>, b: Round<'_, T>, margin: T, out: &mut Touches<T>) {
    balls(&ball(a), &ball(b), margin, out);
}

/// The ball of the capsule that is nearest.
pub(super) fn capsule<T: Real>(
    a: Round<'_, T>,
    (size, at): Shaped<'_, T>,
    margin: T,
    out: &mut Touches<T>,
) {
    let axis = at.rotation.column(2);
    let along = axis.dot(a.1.translation - at.translation);
    let x = along.max(-size[1]).min(size[1]);
    let nearest = Ball { radius: size[0], center: at.translation + axis * x, axis };
    balls(&ball(a), &nearest, margin, out);
}

/// The side, a cap, or the rim.
pub(super) fn cylinder<T: Real>(
    a: Round<'_, T>,
    ([radius, half, _], at): Shaped<'_, T>,
    margin: T,
    out: &mut Touches<T>,
) {
    let (center, axis) = (a.1.translation, at.rotation.column(2));
    let from_center = center - at.translation;
    let x = axis.dot(from_center);
    let across = from_center - axis * x;
    let square = across.norm_squared();
    let (mut side, mut cap) = (x.abs() < half, square < radius * radius);
    if side && cap {
        // the centre is inside: the nearer surface
        side = half - x.abs() >= radius - square.sqrt();
        cap = !side;
    }
    let up = if x > 0.0 { axis } else { -axis };
    if side {
        let nearest = Ball { radius, center: at.translation + axis * x, axis };
        balls(&ball(a), &nearest, margin, out);
    } else if cap {
        let distance = up.dot(from_center) - half - a.0;
        if distance <= margin {
            out.push(distance, center - up * (distance * 0.5 + a.0), -up, None);
        }
    } else {
        let rim = at.translation + up * half + across * (radius / square.sqrt());
        balls(&ball(a), &Ball { radius: T::lit(0.0), center: rim, axis }, margin, out);
    }
}

/// The nearest point of the box, or the nearest face where the centre is inside.
pub(super) fn cuboid<T: Real>(
    a: Round<'_, T>,
    (half, at): Shaped<'_, T>,
    margin: T,
    out: &mut Touches<T>,
) {
    let center = at.inverse_point(a.1.translation);
    let clamped = Vec3(std::array::from_fn(|k| center[k].max(-half[k]).min(half[k])));
    let toward = clamped - center;
    let square = toward.norm_squared();
    if square > 1e-30 {
        let length = square.sqrt();
        let distance = length - a.0;
        if distance > margin {
            return;
        }
        let normal = toward * length.recip();
        let deepest = center + normal * a.0;
        let position = at.point((clamped + deepest) * T::lit(0.5));
        out.push(distance, position, at.direction(normal), None);
        return;
    }
    let depth = |face: usize| {
        let k = face / 2;
        let side = if face % 2 == 1 { half[k] } else { -half[k] };
        (side - center[k]).abs()
    };
    let nearer = |best: usize, face: usize| if depth(best) > depth(face) { face } else { best };
    let face = (1..6).fold(0, nearer);
    let inward = Vec3::unit(face / 2) * T::lit(if face % 2 == 1 { -1.0 } else { 1.0 });
    let depth = depth(face);
    let position = at.point(center + inward * ((a.0 - depth) * 0.5));
    out.push(-depth - a.0, position, at.direction(inward), None);
}
