//! Hand tracking: distances of measured points from a skinned hand, by its 26 pose parameters.
//!
//! A bone's pose in its parent's frame is its rest pose times a rotation by Euler angles, `R_z R_y R_x`; a vertex is the
//! weighted mean of where its bones carry it (linear blend skinning), then the whole hand is turned and moved.
//! `theta`: rotation vector, translation, then for each finger two angles of its second bone and one of the two after it.
//! *Simple*: a point belongs to a vertex. *Complicated*: to a place in a triangle, whose two coordinates are inputs as well.

use std::fs;
use std::path::Path;

use cotangent_ad::program::{Program, ReplayError, Traced};
use cotangent_ad::random::Stream;
use cotangent_ad::{Dual, Mat3, Real, Vec3};

/// Pose parameters.
pub(crate) const POSE: usize = 26;
const FINGERS: usize = 5;
/// Bones in a finger.
const JOINTS: usize = 4;

/// A rigid motion of the rest pose.
#[derive(Clone, Copy, Debug)]
struct Rest {
    turn: [[f64; 3]; 3],
    shift: [f64; 3],
}

#[derive(Clone, Debug)]
struct Bone {
    parent: Option<usize>,
    relative: Rest,
    /// From the rest pose of the hand to that of the bone.
    inverse: Rest,
}

#[derive(Clone, Debug)]
struct Vertex {
    at: [f64; 3],
    /// Bones and their weights.
    weights: Vec<(usize, f64)>,
}

/// The bones of a hand as a file has them.
#[derive(Clone, Debug)]
pub(crate) struct Skeleton {
    /// The bone that each hangs on.
    pub(crate) parents: Vec<Option<usize>>,
    /// Where each is in its parent's frame: a 4x4 matrix, row by row.
    pub(crate) relatives: Vec<Vec<f64>>,
    /// From the rest pose of the hand to that of each, likewise.
    pub(crate) inverses: Vec<Vec<f64>>,
}

impl Skeleton {
    /// The bones.
    ///
    /// # Errors
    /// Matrices of another size or number, and a bone that hangs on a later one.
    fn bones(&self) -> Result<Vec<Bone>, String> {
        let Self { parents, relatives, inverses } = self;
        let are_matrices = relatives.iter().chain(inverses).all(|m| m.len() == 16);
        let hang = parents.iter().enumerate().all(|(k, p)| p.is_none_or(|p| p < k));
        if !are_matrices || !hang || [relatives.len(), inverses.len()] != [parents.len(); 2] {
            return Err("the bones do not fit each other".into());
        }
        let bone = |((parent, relative), inverse): ((&Option<usize>, &Vec<f64>), &Vec<f64>)| Bone {
            parent: *parent,
            relative: rest(relative),
            inverse: rest(inverse),
        };
        Ok(parents.iter().zip(relatives).zip(inverses).map(bone).collect())
    }
}

/// A hand and the points measured on it.
#[derive(Clone, Debug)]
pub(crate) struct Hand {
    bones: Vec<Bone>,
    vertices: Vec<Vertex>,
    /// The vertex of a point, or the three of its triangle.
    on: Vec<Vec<usize>>,
    points: Vec<[f64; 3]>,
}

impl Hand {
    /// Of the original's shape: 22 bones, 544 vertices on up to four bones each, `n` points; and parameters.
    pub(crate) fn generate(n: usize, complicated: bool) -> (Self, Vec<f64>) {
        let stream = Stream::new(&[0x6861_6e64, n as u64, u64::from(complicated)]);
        let mut drawn = 0;
        let mut draw = || {
            drawn += 1;
            stream.uniform(drawn)
        };
        let parent = |k: usize| match k {
            0 => None,
            k if k % JOINTS == 1 => Some(0),
            k => Some(k - 1),
        };
        let rest = |shift: [f64; 3]| Rest { turn: unit(), shift };
        let bones = (0..22).map(|k| Bone {
            parent: parent(k),
            relative: rest([0.3, 0.1, 0.05]),
            inverse: rest([-0.3 * k as f64 * 0.2, -0.1, -0.05]),
        });
        let bones = bones.collect();
        let mut vertex = || {
            let first = (draw() * 19.0).floor();
            let at = [draw(), draw(), draw()];
            let shares: Vec<f64> = (0..3).map(|_| draw() + 0.1).collect();
            let sum: f64 = shares.iter().sum();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0..19")]
            let bones = (first as usize..).zip(shares).map(|(k, s)| (k, s / sum)).collect();
            Vertex { at, weights: bones }
        };
        let vertices: Vec<Vertex> = (0..544).map(|_| vertex()).collect();
        let corners = if complicated { 3 } else { 1 };
        let on = (0..n).map(|k| (0..corners).map(|c| (7 * k + 31 * c) % 544).collect()).collect();
        let points = (0..n).map(|_| [draw(), draw(), draw()]).collect();
        let size = POSE + if complicated { 2 * n } else { 0 };
        let p = (0..size).map(|_| 0.5 * draw()).collect();
        (Self { bones, vertices, on, points }, p)
    }

    /// A skeleton, vertices with a weight for each bone, what each point is on (a vertex, or the three of a triangle), and the points.
    ///
    /// # Errors
    /// What does not fit.
    pub(crate) fn new(
        skeleton: &Skeleton,
        positions: &[Vec<f64>],
        weights: &[Vec<f64>],
        on: Vec<Vec<usize>>,
        points: &[Vec<f64>],
    ) -> Result<Self, String> {
        let bones = skeleton.bones()?;
        let three = |x: &Vec<f64>| x.as_slice().try_into().map_err(|_| "a place has three numbers");
        let vertex = |(at, weights): (&Vec<f64>, &Vec<f64>)| -> Result<Vertex, String> {
            if weights.len() != bones.len() {
                return Err("a vertex has a weight for each bone".into());
            }
            let weights = weights.iter().copied().enumerate().filter(|(_, w)| *w != 0.0).collect();
            Ok(Vertex { at: three(at)?, weights })
        };
        let vertices: Vec<Vertex> =
            positions.iter().zip(weights).map(vertex).collect::<Result<_, _>>()?;
        let points: Vec<[f64; 3]> = points.iter().map(three).collect::<Result<_, _>>()?;
        let known = |on: &Vec<usize>| {
            matches!(on.len(), 1 | 3) && on.iter().all(|vertex| *vertex < vertices.len())
        };
        let alike = on.iter().all(|o| o.len() == on[0].len());
        if on.is_empty() || points.len() != on.len() || !alike || !on.iter().all(known) {
            return Err("every point is on a vertex or on a triangle".into());
        }
        Ok(Self { bones, vertices, on, points })
    }

    /// An original file, with the model beside it.
    pub(crate) fn read(file: &Path, complicated: bool) -> Option<(Self, Vec<f64>)> {
        let model = file.parent()?.parent()?.join("model");
        let fields = |name: &str| -> Option<Vec<Vec<f64>>> {
            let text = fs::read_to_string(model.join(name)).ok()?;
            let numbers = |line: &str| line.split(':').map(|w| w.parse().unwrap_or(0.0)).collect();
            Some(text.lines().map(numbers).collect())
        };
        let bones = fields("bones.txt")?;
        let skeleton = Skeleton {
            parents: bones.iter().map(|f| (f[1] >= 0.0).then_some(whole(f[1]))).collect(),
            relatives: bones.iter().map(|f| f[2..18].to_vec()).collect(),
            inverses: bones.iter().map(|f| f[18..34].to_vec()).collect(),
        };
        let vertices = fields("vertices.txt")?;
        let positions: Vec<Vec<f64>> = vertices.iter().map(|f| f[..3].to_vec()).collect();
        let of_bones = |f: &Vec<f64>| {
            let mut weights = vec![0.0; bones.len()];
            f[9..].chunks_exact(2).take(whole(f[8])).for_each(|w| weights[whole(w[0])] = w[1]);
            weights
        };
        let weights: Vec<Vec<f64>> = vertices.iter().map(of_bones).collect();
        let triangles = fields("triangles.txt")?;
        let all = super::numbers(file)?;
        let n = whole(all[0]);
        let (mut on, mut points) = (Vec::new(), Vec::new());
        let (rows, rest) = all[2..].split_at(4 * n);
        for row in rows.chunks_exact(4) {
            let k = whole(row[0]);
            let corners = |t: &Vec<f64>| t.iter().map(|v| whole(*v)).collect();
            on.push(if complicated { corners(&triangles[k]) } else { vec![k] });
            points.push(row[1..].to_vec());
        }
        let (us, theta) = rest.split_at(if complicated { 2 * n } else { 0 });
        let p = [&theta[..POSE], us].concat();
        Some((Self::new(&skeleton, &positions, &weights, on, &points).ok()?, p))
    }

    /// Where every bone carries the rest pose: rotation, shift.
    fn motions<R: Real>(&self, theta: &[R]) -> Vec<(Mat3<R>, Vec3<R>)> {
        let mut frames: Vec<(Mat3<R>, Vec3<R>)> = Vec::with_capacity(self.bones.len());
        for (k, bone) in self.bones.iter().enumerate() {
            let (mut turn, shift) = bone.relative.constant();
            if let Some(local) = bend(theta, k) {
                turn = turn * local;
            }
            frames.push(match bone.parent {
                None => (turn, shift),
                Some(parent) => {
                    let (r, t) = frames[parent];
                    (r * turn, r * shift + t)
                }
            });
        }
        let inverse = |((r, t), bone): ((Mat3<R>, Vec3<R>), &Bone)| {
            let (turn, shift) = bone.inverse.constant();
            (r * turn, r * shift + t)
        };
        frames.into_iter().zip(&self.bones).map(inverse).collect()
    }

    /// The objective: three distances a point. Inputs: `theta`, then two coordinates of each point where it is complicated.
    pub(crate) fn distances<R: Real>(&self, p: &[R]) -> Vec<R> {
        let motions = self.motions(&p[..POSE]);
        let turn = turned([p[0], p[1], p[2]]);
        let shift = Vec3([p[3], p[4], p[5]]);
        let vertex = |v: usize| {
            let Vertex { at, weights } = &self.vertices[v];
            weights.iter().fold(Vec3::zero(), |sum, &(bone, w)| {
                let (r, t) = &motions[bone];
                let carried = |i: usize| {
                    let row = (0..3).map(|j| r.0[i][j] * (at[j] * w));
                    row.fold(t.0[i] * w, |s, x| s + x)
                };
                sum + Vec3([carried(0), carried(1), carried(2)])
            })
        };
        let mut distances = Vec::with_capacity(3 * self.points.len());
        for (k, (on, point)) in self.on.iter().zip(&self.points).enumerate() {
            let place = match on[..] {
                [a, b, c] => {
                    let (u, v) = (p[POSE + 2 * k], p[POSE + 2 * k + 1]);
                    vertex(a) * u + vertex(b) * v + vertex(c) * (-(u + v) + 1.0)
                }
                _ => vertex(on[0]),
            };
            let place = turn * place + shift;
            distances.extend((0..3).map(|i| -place.0[i] + point[i]));
        }
        distances
    }

    pub(crate) fn record(&self, p: &[f64]) -> Program {
        Program::record(|p: &[Traced]| self.distances(p), p)
    }

    /// Columns of the Jacobian: a point's own coordinates, where it has them, then the pose.
    pub(crate) fn columns(&self) -> usize {
        if self.on[0].len() == 3 { POSE + 2 } else { POSE }
    }

    /// The dense Jacobian by the library, row by row.
    pub(crate) fn jacobian(&self, program: &Program, p: &[f64]) -> Result<Vec<f64>, ReplayError> {
        let (pattern, entries) = program.jacobian(p)?;
        let columns = self.columns();
        let mut dense = vec![0.0; 3 * self.points.len() * columns];
        for ([row, column], entry) in pattern.iter().zip(entries) {
            let column = match *column {
                k if k < POSE => columns - POSE + k,
                k => (k - POSE) % 2,
            };
            dense[row * columns + column] = entry;
        }
        Ok(dense)
    }

    /// The dense Jacobian by duals, all columns at once: coordinates of different points do not meet.
    pub(crate) fn by_duals(&self, p: &[f64]) -> Vec<f64> {
        let columns = self.columns();
        let lane = |k: usize| match k {
            k if k < POSE => columns - POSE + k,
            k => (k - POSE) % 2,
        };
        let seed = |(k, x): (usize, &f64)| Dual::<f64, { POSE + 2 }>::seed(*x, lane(k));
        let x: Vec<_> = p.iter().enumerate().map(seed).collect();
        self.distances(&x).iter().flat_map(|y| y.eps[..columns].to_vec()).collect()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small whole numbers, written as such"
)]
fn whole(v: f64) -> usize {
    v.max(0.0) as usize
}

fn unit() -> [[f64; 3]; 3] {
    std::array::from_fn(|i| std::array::from_fn(|j| f64::from(u8::from(i == j))))
}

/// The upper part of a 4x4 matrix, row by row.
fn rest(m: &[f64]) -> Rest {
    Rest {
        turn: std::array::from_fn(|i| std::array::from_fn(|j| m[4 * i + j])),
        shift: std::array::from_fn(|i| m[4 * i + 3]),
    }
}

impl Rest {
    fn constant<R: Real>(&self) -> (Mat3<R>, Vec3<R>) {
        (Mat3::lit(self.turn), Vec3::lit(self.shift))
    }
}

/// The rotation of bone `k` in its rest frame; none where no parameter turns it.
fn bend<R: Real>(theta: &[R], k: usize) -> Option<Mat3<R>> {
    let (finger, joint) = (k.checked_sub(1)? / JOINTS, (k - 1) % JOINTS);
    if finger >= FINGERS || joint == 0 {
        return None;
    }
    let angles = &theta[6 + 4 * finger..][..4];
    let (sin, cos) = angles[if joint == 1 { 0 } else { joint }].sin_cos();
    let (zero, one) = (R::lit(0.0), R::lit(1.0));
    let about_x = Mat3([[one, zero, zero], [zero, cos, -sin], [zero, sin, cos]]);
    if joint > 1 {
        return Some(about_x);
    }
    let (sin, cos) = angles[1].sin_cos();
    Some(Mat3([[cos, -sin, zero], [sin, cos, zero], [zero, zero, one]]) * about_x)
}

/// The rotation by a vector, which is the unit at 0.
fn turned<R: Real>(r: [R; 3]) -> Mat3<R> {
    let angle = Vec3(r).norm();
    if angle < R::lit(1e-4) {
        return Mat3::identity();
    }
    let [x, y, z] = r.map(|r| r / angle);
    let (s, c) = angle.sin_cos();
    let t = -c + 1.0;
    Mat3([
        [x * x * t + c, x * y * t - z * s, x * z * t + y * s],
        [x * y * t + z * s, y * y * t + c, y * z * t - x * s],
        [x * z * t - y * s, z * y * t + x * s, z * z * t + c],
    ])
}

#[cfg(test)]
mod tests {
    use super::Hand;
    use crate::adbench::difference;

    #[test]
    fn the_jacobians_agree_with_duals() {
        for complicated in [false, true] {
            let (hand, p) = Hand::generate(9, complicated);
            let program = hand.record(&p);
            let found = hand.jacobian(&program, &p).unwrap();
            assert!(difference(&found, &hand.by_duals(&p)) < 1e-12);
        }
    }
}
