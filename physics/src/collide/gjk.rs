//! The nearest points of two convex sets that do not meet: E. G. Gilbert, D. W. Johnson & S. S. Keerthi, IEEE J. Robotics Automation 4,
//! 193 (1988).
//!
//! A simplex of differences of support points goes towards the origin; the part of it that is nearest to the origin is found among all
//! its faces, of which there are at most fifteen.

use cotangent_ad::Vec3;

/// Most support points that are asked for.
const ITERATIONS: usize = 200;
/// Of the square of the distance: what a further support point must bring.
const RESOLUTION: f64 = 1e-13;
/// Corners of a simplex.
const MOST: usize = 4;

/// Support points of two sets, and the second less the first.
#[derive(Clone, Copy, Debug)]
struct Corner {
    points: [Vec3<f64>; 2],
    difference: Vec3<f64>,
}

/// Corners with weights, and the point that they make.
#[derive(Clone, Copy, Debug)]
struct Simplex {
    corners: [Corner; MOST],
    weights: [f64; MOST],
    count: usize,
    point: Vec3<f64>,
}

impl Simplex {
    fn of(corner: Corner) -> Self {
        let weights = [1.0, 0.0, 0.0, 0.0];
        Self { corners: [corner; MOST], weights, count: 1, point: corner.difference }
    }

    fn corners(&self) -> &[Corner] {
        &self.corners[..self.count]
    }
}

/// A point of each set, nearest to the other; `None` where the sets meet. `support` gives the point of each set (0, 1) that is farthest
/// along a direction.
pub(super) fn nearest(
    support: impl Fn(usize, Vec3<f64>) -> Vec3<f64>,
    start: Vec3<f64>,
) -> Option<[Vec3<f64>; 2]> {
    let corner = |towards: Vec3<f64>| {
        let points = [support(0, towards), support(1, -towards)];
        Corner { points, difference: points[1] - points[0] }
    };
    let mut simplex = Simplex::of(corner(start));
    for _ in 0..ITERATIONS {
        let (square, next) = (simplex.point.norm_squared(), corner(simplex.point));
        if square == 0.0 || simplex.count == MOST {
            return None;
        }
        let known = simplex.corners().iter().any(|c| c.difference == next.difference);
        if known || square - simplex.point.dot(next.difference) <= RESOLUTION * square {
            break;
        }
        let closer = nearest_face(&simplex, next);
        // rounding is all that is left
        if closer.point.norm_squared() >= square {
            break;
        }
        simplex = closer;
    }
    let point = |side: usize| {
        let parts = simplex.corners().iter().zip(simplex.weights).map(|(c, w)| c.points[side] * w);
        parts.fold(Vec3::zero(), |sum, x| sum + x)
    };
    Some([point(0), point(1)])
}

/// The face, of a simplex and one more corner, that is nearest to the origin.
fn nearest_face(simplex: &Simplex, next: Corner) -> Simplex {
    let mut all = simplex.corners;
    all[simplex.count] = next;
    let mut best = *simplex;
    for mask in 1_usize..1 << (simplex.count + 1) {
        let mut face = Simplex::of(next);
        face.count = 0;
        for (k, corner) in all.iter().enumerate().filter(|(k, _)| mask >> k & 1 == 1) {
            debug_assert!(k <= simplex.count, "a corner of the simplex");
            face.corners[face.count] = *corner;
            face.count += 1;
        }
        let Some(weights) = foot(face.corners()) else { continue };
        face.weights = weights;
        let parts = face.corners().iter().zip(weights).map(|(c, w)| c.difference * w);
        face.point = parts.fold(Vec3::zero(), |sum, x| sum + x);
        let inside = weights[..face.count].iter().all(|w| *w > 0.0);
        if inside && face.point.norm_squared() < best.point.norm_squared() {
            best = face;
        }
    }
    best
}

/// Weights of the point of the plane through some corners that is nearest to the origin; `None` where they do not span it.
fn foot(corners: &[Corner]) -> Option<[f64; MOST]> {
    let (origin, n) = (corners[0].difference, corners.len() - 1);
    let edge = |k: usize| corners[k + 1].difference - origin;
    // Gram's matrix of the edges, and the right side in the last column
    let mut rows = [[0.0; MOST]; MOST - 1];
    for (i, row) in rows.iter_mut().enumerate().take(n) {
        (0..n).for_each(|j| row[j] = edge(i).dot(edge(j)));
        row[MOST - 1] = -edge(i).dot(origin);
    }
    for k in 0..n {
        let pivot = (k..n).max_by(|i, j| rows[*i][k].abs().total_cmp(&rows[*j][k].abs()))?;
        rows.swap(k, pivot);
        let above = rows[k];
        if above[k].abs() <= 1e-14 * edge(k).norm_squared() {
            return None;
        }
        for row in &mut rows[k + 1..] {
            let factor = row[k] / above[k];
            row.iter_mut().zip(above).for_each(|(x, a)| *x -= factor * a);
        }
    }
    let mut weights = [0.0; MOST];
    for k in (0..n).rev() {
        let known: f64 = (k + 1..n).map(|j| rows[k][j] * weights[j + 1]).sum();
        weights[k + 1] = (rows[k][MOST - 1] - known) / rows[k][k];
    }
    weights[0] = 1.0 - weights[1..].iter().sum::<f64>();
    Some(weights)
}
