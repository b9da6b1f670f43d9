//! A capsule and a box: the ball of the capsule that is nearest to the box and, where the capsule lies along the box, the ball at the other
//! end of their overlap, as MuJoCo chooses them.
//!
//! Everything is in the box's frame, where the capsule's axis is `c + x h`, `x` in [-1, 1]. The nearest point is an end over a face, or
//! on the shortest way from the axis to one of the twelve edges. Which it is, is decided by values.

use cotangent_ad::{Pose, Real, Vec3};

use super::Touches;
use super::sphere;

type Shaped<'a, T> = ([T; 3], &'a Pose<T>);

/// What counts as zero in MuJoCo.
const LEAST: f64 = 1e-15;

/// What of a box is nearest to a segment.
#[derive(Clone, Copy, Debug)]
enum Feature<T> {
    /// A face across an axis from an end of the segment; no axis where the end is inside.
    Face(Option<usize>),
    /// An edge along an axis, between corners whose bits say on which side they are.
    Edge { axis: usize, corner: usize, at: T, end: End },
}

/// Where on an edge its nearest point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Lower,
    Middle,
    Upper,
}

struct Nearest<T> {
    /// On the segment.
    at: T,
    feature: Feature<T>,
    square: T,
}

/// A segment in the frame of a box.
struct Segment<T> {
    center: Vec3<T>,
    half: Vec3<T>,
    axis: Vec3<T>,
    /// Bits of the axes along which it points forward.
    direction: usize,
    /// Half the edges of the box.
    size: [T; 3],
}

fn clipped<T: Real>(x: T) -> (T, End) {
    if x > 1.0 {
        (T::lit(1.0), End::Upper)
    } else if x < -1.0 {
        (T::lit(-1.0), End::Lower)
    } else {
        (x, End::Middle)
    }
}

impl<T: Real> Segment<T> {
    fn at(&self, x: T) -> Vec3<T> {
        self.center + self.half * x
    }

    /// An end, where it is over a face or inside.
    fn end(&self, side: f64) -> Option<Nearest<T>> {
        let point = self.at(T::lit(side));
        let (mut beyond, mut face, mut square) = (0, None, T::lit(0.0));
        for k in 0..3 {
            let outside = point[k].abs() - self.size[k];
            if outside > 0.0 {
                (beyond, face) = (beyond + 1, Some(k));
                square += outside * outside;
            }
        }
        let feature = Feature::Face(face);
        (beyond < 2).then_some(Nearest { at: T::lit(side), feature, square })
    }

    /// The shortest way to the edge along `axis` through `corner`, the lower of its two.
    fn edge(&self, axis: usize, corner: usize) -> Option<Nearest<T>> {
        let mut middle = Vec3(std::array::from_fn(|k| {
            if corner >> k & 1 == 1 { self.size[k] } else { -self.size[k] }
        }));
        middle[axis] = T::lit(0.0);
        let between = middle - self.center;
        let size = self.size[axis];
        let (aa, ab, bb) = (size * size, -size * self.half[axis], self.half.dot(self.half));
        let (u, v) = (-size * between[axis], self.half.dot(between));
        let det = aa * bb - ab * ab;
        if det.abs() < LEAST {
            return None;
        }
        let (mut y, mut end) = clipped((bb * u - ab * v) / det);
        let mut x = match end {
            End::Middle => (aa * v - ab * u) / det,
            End::Upper => (v - ab) / bb,
            End::Lower => (v + ab) / bb,
        };
        let (at, clip) = clipped(x);
        if clip != End::Middle {
            x = at;
            let again = if clip == End::Upper { u - ab } else { u + ab };
            let (at, clip) = clipped(again / aa);
            // as MuJoCo: an edge's end that was reached before is kept in mind
            (y, end) = (at, if clip == End::Middle { end } else { clip });
        }
        let mut way = between - self.half * x;
        way[axis] += size * y;
        let corner = corner + if end == End::Upper { 1 << axis } else { 0 };
        let feature = Feature::Edge { axis, corner, at: y, end };
        Some(Nearest { at: x, feature, square: way.norm_squared() })
    }

    fn nearest(&self) -> Option<Nearest<T>> {
        let mut best: Option<Nearest<T>> = None;
        for side in [-1.0, 1.0] {
            let found = self.end(side);
            if let Some(n) = found
                && best.as_ref().is_none_or(|b| n.square < b.square)
            {
                best = Some(n);
            }
        }
        for axis in 0..3 {
            for corner in (0..8).filter(|c| c >> axis & 1 == 0) {
                let found = self.edge(axis, corner);
                if let Some(n) = found
                    && best.as_ref().is_none_or(|b| n.square < b.square - LEAST)
                {
                    best = Some(n);
                }
            }
        }
        best
    }

    /// How far along the segment from the nearest point the second one is.
    fn second(&self, nearest: &Nearest<T>) -> Option<T> {
        match nearest.feature {
            Feature::Face(face) => face.map(|face| self.along_face(face, nearest.at)),
            Feature::Edge { axis, corner, at, end: End::Middle } => {
                self.across_edge((axis, corner, at), nearest.at)
            }
            Feature::Edge { corner, .. } => self.leaving_corner(corner, nearest.at),
        }
    }

    /// How much of the segment passes the box's whole width along an axis.
    fn passes(&self, axis: usize) -> T {
        self.size[axis] * 2.0 / self.half[axis].abs()
    }

    /// From an end at `x` to where the segment leaves the face.
    fn along_face(&self, face: usize, x: T) -> T {
        let (end, back) = (self.at(x), -x);
        let mut second = T::lit(2.0);
        for k in (0..3).filter(|k| *k != face) {
            for side in [self.size[k], -self.size[k]] {
                let way = (side - end[k]) / self.half[k] * back;
                if way > 0.0 && way < second {
                    second = way;
                }
            }
        }
        second * back
    }

    /// From a corner along an edge, or over a face.
    fn leaving_corner(&self, corner: usize, x: T) -> Option<T> {
        let differs = self.direction ^ corner;
        let (sign, differs) = match differs {
            0 | 7 => return None,
            1 | 2 | 4 => (1.0, differs),
            _ => (-1.0, 7 - differs),
        };
        let axis = differs.ilog2() as usize;
        let (ahead, behind) = (T::lit(1.0) - x * sign, T::lit(1.0) + x * sign);
        if self.axis[axis] * self.axis[axis] > 0.5 {
            return Some(ahead.min(self.passes(axis)) * sign);
        }
        let over = behind.min(self.passes((axis + 1) % 3)).min(self.passes((axis + 2) % 3));
        Some(over * -sign)
    }

    /// From the middle of an edge over the face that is less steep.
    fn across_edge(&self, (axis, corner, at): (usize, usize, T), x: T) -> Option<T> {
        let differs = (self.direction ^ corner) & !(1 << axis);
        if !differs.is_power_of_two() {
            return None;
        }
        let [one, two] = [(axis + 1) % 3, (axis + 2) % 3];
        let along = if self.axis[one].abs() > self.axis[two].abs() { one } else { two };
        let forward = differs >> along & 1 == 1;
        let sign = if forward { 1.0 } else { -1.0 };
        let one = T::lit(1.0);
        let rest = (self.direction >> axis & 1 == 1) == forward;
        let rest = if rest { one - at } else { one + at };
        let to_side = self.size[axis] * rest / self.half[axis].abs();
        Some((one - x * sign).min(self.passes(along)).min(to_side) * sign)
    }
}

/// One ball of the capsule, or two.
pub(super) fn cuboid<T: Real>(
    (size, at): Shaped<'_, T>,
    (edges, around): Shaped<'_, T>,
    margin: T,
    out: &mut Touches<T>,
) {
    let axis = around.rotation.transpose_mul(at.rotation.column(2));
    let half = axis * size[1];
    let direction = (0..3).filter(|k| half[*k] > 0.0).map(|k| 1 << k).sum();
    let center = around.inverse_point(at.translation);
    let segment = Segment { center, half, axis, direction, size: edges };
    let Some(nearest) = segment.nearest() else { return };
    let mut ball = |x: T| {
        let pose = Pose { rotation: at.rotation, translation: around.point(segment.at(x)) };
        sphere::cuboid((size[0], &pose), (edges, around), margin, out);
    };
    ball(nearest.at);
    if let Some(second) = segment.second(&nearest) {
        ball(nearest.at + second);
    }
}
