//! Two capsules: the nearest points of two segments.

use cotangent_ad::{Pose, Real, Vec3};

use super::Touches;
use super::sphere::{Ball, balls};

type Shaped<'a, T> = ([T; 3], &'a Pose<T>);

/// A capsule as a radius and a segment.
struct Segment<T> {
    radius: T,
    center: Vec3<T>,
    /// Half the segment.
    half: Vec3<T>,
    axis: Vec3<T>,
}

impl<T: Real> Segment<T> {
    fn new((size, at): Shaped<'_, T>) -> Self {
        let axis = at.rotation.column(2);
        Self { radius: size[0], center: at.translation, half: axis * size[1], axis }
    }

    /// The ball around the point `x` in [-1, 1] of the segment.
    fn ball(&self, x: T) -> Ball<T> {
        Ball { radius: self.radius, center: self.center + self.half * x, axis: self.axis }
    }
}

fn clip<T: Real>(x: T) -> T {
    x.max(T::lit(-1.0)).min(T::lit(1.0))
}

/// One point, or up to two where the axes are parallel.
pub(super) fn capsule<T: Real>(
    a: Shaped<'_, T>,
    b: Shaped<'_, T>,
    margin: T,
    out: &mut Touches<T>,
) {
    let (one, a, b) = (T::lit(1.0), Segment::new(a), Segment::new(b));
    let between = a.center - b.center;
    let (aa, ab, bb) = (a.half.dot(a.half), -a.half.dot(b.half), b.half.dot(b.half));
    let (u, v) = (-a.half.dot(between), b.half.dot(between));
    let det = aa * bb - ab * ab;
    if det.abs() < 1e-15 {
        let ends = [
            (one, clip((v - ab) / bb)),
            (-one, clip((v + ab) / bb)),
            (clip((u - ab) / aa), one),
            (clip((u + ab) / aa), -one),
        ];
        for (k, (x, y)) in ends.into_iter().enumerate() {
            if k >= 2 && out.count >= 2 {
                return;
            }
            balls(&a.ball(x), &b.ball(y), margin, out);
        }
        return;
    }
    let (mut x, mut y) = ((bb * u - ab * v) / det, (aa * v - ab * u) / det);
    if x > 1.0 {
        (x, y) = (one, (v - ab) / bb);
    } else if x < -1.0 {
        (x, y) = (-one, (v + ab) / bb);
    }
    if y > 1.0 {
        (x, y) = (clip((u - ab) / aa), one);
    } else if y < -1.0 {
        (x, y) = (clip((u + ab) / aa), -one);
    }
    balls(&a.ball(x), &b.ball(y), margin, out);
}
