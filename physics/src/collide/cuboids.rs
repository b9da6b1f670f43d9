//! Two boxes: the axis that separates them most, among the normals of their faces and the products of their edges (Gottschalk 1996), and the
//! points there, as MuJoCo has them since 3.12: of a face, the other box's face clipped by its sides (Sutherland & Hodgman 1974); of
//! two edges, midway between their nearest points.
//!
//! Which axis and which edges is decided by values.

use cotangent_ad::{Mat3, Pose, Real, Vec3};

use super::Touches;

type Shaped<'a, T> = ([T; 3], &'a Pose<T>);

/// Rounding of a separation, as a share of the boxes' sizes.
const ROUNDING: f64 = 1e-13;
/// Square of the sine of an angle between edges below which they are parallel.
const PARALLEL: f64 = 1e-16;
/// By how much, as a share, two edges must separate more than a face.
const PREFERENCE: f64 = 1e-6;
/// The same where their axis is within about 8 degrees of the face's normal.
const ALIKE: f64 = 0.05;
/// A component of the axis below which both sides of a box support it.
const AMBIGUOUS: f64 = 1e-9;
/// Square of the distance of equal points, as a share of the face.
const SAME: f64 = 1e-14;
/// What counts as zero in MuJoCo.
const LEAST: f64 = 1e-15;

/// The axis that separates two boxes most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Axis {
    /// The normal of a face of the first or the second box.
    Face { second: bool, axis: usize },
    /// Across an edge of the first along its axis `i` and one of the second along `j`.
    Edges(usize, usize),
}

/// Two boxes, each seen from the other.
struct Boxes<T> {
    sizes: [[T; 3]; 2],
    /// Axes of the second in the first's frame, as columns.
    turn: Mat3<T>,
    /// Centre of the second in the first's frame, and of the first in the second's.
    centers: [Vec3<T>; 2],
    margin: T,
}

fn others(k: usize) -> [usize; 2] {
    [(k + 1) % 3, (k + 2) % 3]
}

/// The unit vector across axis `i` of the first box and axis `j` of the second, in the first's frame; none where they are parallel.
fn across<T: Real>(turn: &Mat3<T>, i: usize, j: usize) -> Option<Vec3<T>> {
    let [i1, i2] = others(i);
    let mut axis = Vec3::zero();
    (axis[i1], axis[i2]) = (-turn.0[i2][j], turn.0[i1][j]);
    let square = axis.norm_squared();
    (square >= PARALLEL).then(|| axis * square.sqrt().recip())
}

impl Boxes<f64> {
    /// The axis, unless one separates the boxes by more than the margin.
    fn axis(&self) -> Option<Axis> {
        let [first, second] = self.sizes;
        let most = self.margin + ROUNDING * first.iter().chain(&second).sum::<f64>();
        let turn = &self.turn;
        let mut face = (f64::NEG_INFINITY, Axis::Face { second: false, axis: 0 });
        for (side, (own, other)) in [(first, second), (second, first)].into_iter().enumerate() {
            for k in 0..3 {
                let entry = |c: usize| if side == 0 { turn.0[k][c] } else { turn.0[c][k] };
                let reach: f64 = (0..3).map(|c| entry(c).abs() * other[c]).sum();
                let apart = self.centers[side][k].abs() - own[k] - reach;
                if apart > most {
                    return None;
                }
                if apart > face.0 {
                    face = (apart, Axis::Face { second: side == 1, axis: k });
                }
            }
        }
        let mut best = face;
        for (i, j) in (0..9).map(|k| (k / 3, k % 3)) {
            let Some(axis) = across(turn, i, j) else { continue };
            let in_second = turn.transpose_mul(axis);
            let reach: f64 =
                (0..3).map(|k| first[k] * axis[k].abs() + second[k] * in_second[k].abs()).sum();
            let apart = axis.dot(self.centers[0]).abs() - reach;
            if apart > most {
                return None;
            }
            if apart - PREFERENCE * apart.abs() > best.0 && apart > face.0 {
                best = (apart, Axis::Edges(i, j));
            }
        }
        // edges whose axis is nearly the face's normal: a face bears better
        if let (apart, Axis::Edges(i, j)) = best
            && let (Some(axis), Axis::Face { second, axis: k }) = (across(turn, i, j), face.1)
        {
            let along = if second { turn.transpose_mul(axis)[k] } else { axis[k] };
            if along.abs() > 0.99 && apart < face.0 + ALIKE * face.0.abs() + LEAST {
                best = face;
            }
        }
        Some(best.1)
    }
}

/// A number that has the sign of another.
fn signed<T: Real>(size: T, sign: T) -> T {
    if sign >= 0.0 { size } else { -size }
}

fn clip<T: Real>(x: T, most: T) -> T {
    x.max(-most).min(most)
}

impl<T: Real> Boxes<T> {
    fn values(&self) -> Boxes<f64> {
        let vector = |x: &Vec3<T>| Vec3(x.0.map(Real::concrete));
        Boxes {
            sizes: self.sizes.map(|s| s.map(Real::concrete)),
            turn: Mat3(self.turn.0.map(|row| row.map(Real::concrete))),
            centers: self.centers.each_ref().map(vector),
            margin: self.margin.concrete(),
        }
    }

    /// The nearest points of the two edges along `i` and `j` that face each other, and the axis from the first to the second, in the first's frame.
    fn edges(&self, i: usize, j: usize) -> Option<(Vec3<T>, [Vec3<T>; 2])> {
        let axis = across(&self.turn, i, j)?;
        let axis = if axis.dot(self.centers[0]) < 0.0 { -axis } else { axis };
        let in_second = self.turn.transpose_mul(axis);
        let ambiguous = |axis: Vec3<T>, [k1, k2]: [usize; 2]| {
            [k1, k2].into_iter().find(|k| axis[*k].abs() < AMBIGUOUS)
        };
        let unclear = [ambiguous(axis, others(i)), ambiguous(in_second, others(j))];
        let mut best: Option<(T, [Vec3<T>; 2])> = None;
        for choice in 0..4 {
            let flipped = |side: usize| choice >> (1 - side) & 1 == 1;
            if (0..2).any(|side| flipped(side) && unclear[side].is_none()) {
                continue;
            }
            let mut corners = [Vec3::zero(); 2];
            let facing = [(i, axis, 1.0), (j, in_second, -1.0)];
            for (side, (own, along, sign)) in facing.into_iter().enumerate() {
                for k in others(own) {
                    let corner = signed(self.sizes[side][k], along[k]) * sign;
                    let other = flipped(side) && unclear[side] == Some(k);
                    corners[side][k] = if other { -corner } else { corner };
                }
            }
            let points = self.nearest((i, j), corners);
            let square = (points[1] - points[0]).norm_squared();
            if best.as_ref().is_none_or(|(least, _)| square < *least) {
                best = Some((square, points));
            }
        }
        best.map(|(_, points)| (axis, points))
    }

    /// Nearest points of edges along `i` and `j` through points of the two boxes in their own frames.
    fn nearest(&self, (i, j): (usize, usize), [first, second]: [Vec3<T>; 2]) -> [Vec3<T>; 2] {
        let second = self.turn * second + self.centers[0];
        let along = self.turn.column(j);
        let between = second - first;
        let (cosine, along_first, along_second) = (along[i], between[i], along.dot(between));
        let denominator = -(cosine * cosine) + 1.0;
        let [most_s, most_t] = [self.sizes[0][i], self.sizes[1][j]];
        let start = if denominator < LEAST {
            T::lit(0.0)
        } else {
            (along_first - cosine * along_second) / denominator
        };
        let t = clip(cosine * clip(start, most_s) - along_second, most_t);
        let s = clip(along_first + cosine * t, most_s);
        let mut point = first;
        point[i] += s;
        [point, second + along * t]
    }
}

/// Most corners of a clipped face.
const CORNERS: usize = 12;

/// A polygon over a face: two coordinates along it, and the height above.
#[derive(Clone, Copy)]
struct Polygon<T> {
    count: usize,
    corners: [[T; 3]; CORNERS],
}

impl<T: Real> Polygon<T> {
    fn push(&mut self, corner: [T; 3]) {
        if self.count < CORNERS {
            self.corners[self.count] = corner;
            self.count += 1;
        }
    }

    fn corners(&self) -> &[[T; 3]] {
        &self.corners[..self.count]
    }

    /// What is left where `sign x_k <= most`.
    fn clip(&self, k: usize, sign: f64, most: T) -> Self {
        let mut left = Self { count: 0, ..*self };
        let corners = self.corners();
        for (at, p) in corners.iter().enumerate() {
            let q = &corners[(at + 1) % corners.len()];
            let [beyond_p, beyond_q] = [p, q].map(|x| x[k] * sign - most);
            if beyond_p <= 0.0 {
                left.push(*p);
            }
            if (beyond_p < 0.0 && beyond_q > 0.0) || (beyond_p > 0.0 && beyond_q < 0.0) {
                let share = beyond_p / (beyond_p - beyond_q);
                left.push(std::array::from_fn(|c| p[c] + share * (q[c] - p[c])));
            }
        }
        left
    }
}

/// The face of the other box that faces face `axis` of a box, in its frame: two coordinates along the face and the height above it.
/// `turn` has the other's axes as columns, and `sign` says on which side it is.
fn facing<T: Real>(
    [size, other]: [[T; 3]; 2],
    (turn, center): (&Mat3<T>, Vec3<T>),
    (axis, sign): (usize, f64),
) -> Polygon<T> {
    let row = turn.0[axis];
    let mut opposed = 0;
    for k in 1..3 {
        if row[k].abs() > row[opposed].abs() {
            opposed = k;
        }
    }
    let toward = if row[opposed] * sign > 0.0 { -1.0 } else { 1.0 };
    let ([x, y], [u, v]) = (others(axis), others(opposed));
    let seen = |vector: Vec3<T>| [vector[x], vector[y], vector[axis] * sign];
    let middle = seen(center + turn.column(opposed) * (other[opposed] * toward));
    let (along_u, along_v) = (seen(turn.column(u) * other[u]), seen(turn.column(v) * other[v]));
    let mut face = Polygon { count: 0, corners: [[T::lit(0.0); 3]; CORNERS] };
    for (su, sv) in [(1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0), (1.0, -1.0)] {
        let mut corner: [T; 3] =
            std::array::from_fn(|c| middle[c] + along_u[c] * su + along_v[c] * sv);
        corner[2] -= size[axis];
        face.push(corner);
    }
    face
}

/// Up to eight points on a face, or one between two edges.
pub(super) fn cuboids<T: Real>(
    (size_a, a): Shaped<'_, T>,
    (size_b, b): Shaped<'_, T>,
    margin: T,
    out: &mut Touches<T>,
) {
    let columns = [0, 1, 2].map(|k| a.rotation.transpose_mul(b.rotation.column(k)));
    let turn = Mat3::from_columns(columns[0], columns[1], columns[2]);
    let centers = [a.inverse_point(b.translation), b.inverse_point(a.translation)];
    let boxes = Boxes { sizes: [size_a, size_b], turn, centers, margin };
    match boxes.values().axis() {
        None => {}
        Some(Axis::Edges(i, j)) => {
            let Some((axis, [p, q])) = boxes.edges(i, j) else { return };
            let distance = (q - p).dot(axis);
            out.push(distance, a.point((p + q) * T::lit(0.5)), a.rotation * axis, None);
        }
        Some(Axis::Face { second, axis }) => boxes.face((second, axis), [a, b], out),
    }
}

impl<T: Real> Boxes<T> {
    /// The points over a face of the first or the second box.
    fn face(&self, (second, axis): (bool, usize), poses: [&Pose<T>; 2], out: &mut Touches<T>) {
        let side = usize::from(second);
        let turn = if second { self.turn.transpose() } else { self.turn };
        let (size, center) = (self.sizes[side], self.centers[side]);
        let sign = if center[axis] >= 0.0 { 1.0 } else { -1.0 };
        let [x, y] = others(axis);
        let mut face = facing([size, self.sizes[1 - side]], (&turn, center), (axis, sign));
        for (k, most) in [(0, size[x]), (1, size[y])] {
            face = face.clip(k, 1.0, most).clip(k, -1.0, most);
        }
        let same = (size[x] * size[x] + size[y] * size[y]) * SAME;
        let outward = if second { -sign } else { sign };
        let normal = poses[side].rotation.column(axis) * T::lit(outward);
        let mut taken = Polygon { count: 0, ..face };
        for corner in face.corners() {
            let [u, v, height] = *corner;
            let near = |p: &[T; 3]| (p[0] - u) * (p[0] - u) + (p[1] - v) * (p[1] - v) < same;
            if height > self.margin || taken.corners().iter().any(near) {
                continue;
            }
            taken.push(*corner);
            let mut point = Vec3::zero();
            (point[x], point[y]) = (u, v);
            point[axis] = (size[axis] + height * 0.5) * sign;
            out.push(height, poses[side].point(point), normal, None);
        }
    }
}
