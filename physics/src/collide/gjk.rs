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

/// Support points of two sets, and the second less the first.
#[derive(Clone, Copy, Debug)]
struct Corner {
    points: [Vec3<f64>; 2],
    difference: Vec3<f64>,
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
    let mut simplex = vec![corner(start)];
    let mut weights = vec![1.0];
    let mut v = simplex[0].difference;
    for _ in 0..ITERATIONS {
        let (square, next) = (v.norm_squared(), corner(v));
        if square == 0.0 {
            return None;
        }
        let known = simplex.iter().any(|c| c.difference == next.difference);
        if known || square - v.dot(next.difference) <= RESOLUTION * square {
            break;
        }
        simplex.push(next);
        let (kept, found, closer) = nearest_face(&simplex);
        // rounding is all that is left
        if closer.norm_squared() >= square {
            simplex.pop();
            break;
        }
        if kept.len() == 4 {
            return None;
        }
        simplex = kept.into_iter().map(|k| simplex[k]).collect();
        (weights, v) = (found, closer);
    }
    let point = |side: usize| {
        let parts = simplex.iter().zip(&weights).map(|(c, w)| c.points[side] * *w);
        parts.fold(Vec3::zero(), |sum, x| sum + x)
    };
    Some([point(0), point(1)])
}

/// The face of a simplex that is nearest to the origin: its corners, their weights and the point.
fn nearest_face(simplex: &[Corner]) -> (Vec<usize>, Vec<f64>, Vec3<f64>) {
    let mut best = (vec![0], vec![1.0], simplex[0].difference);
    for mask in 1_usize..1 << simplex.len() {
        let corners: Vec<usize> = (0..simplex.len()).filter(|k| mask >> k & 1 == 1).collect();
        let Some(weights) = foot(simplex, &corners) else { continue };
        let parts = corners.iter().zip(&weights).map(|(k, w)| simplex[*k].difference * *w);
        let point = parts.fold(Vec3::zero(), |sum, x| sum + x);
        if weights.iter().all(|w| *w > 0.0) && point.norm_squared() < best.2.norm_squared() {
            best = (corners, weights, point);
        }
    }
    best
}

/// Weights of the point of the plane through some corners that is nearest to the origin; `None` where they do not span it.
fn foot(simplex: &[Corner], corners: &[usize]) -> Option<Vec<f64>> {
    let origin = simplex[corners[0]].difference;
    let edges: Vec<Vec3<f64>> =
        corners[1..].iter().map(|k| simplex[*k].difference - origin).collect();
    let n = edges.len();
    let mut rows: Vec<Vec<f64>> = edges
        .iter()
        .map(|e| edges.iter().map(|f| e.dot(*f)).chain([-e.dot(origin)]).collect())
        .collect();
    for k in 0..n {
        let pivot = (k..n).max_by(|i, j| rows[*i][k].abs().total_cmp(&rows[*j][k].abs()))?;
        rows.swap(k, pivot);
        let above = rows[k].clone();
        if above[k].abs() <= 1e-14 * edges[k].norm_squared() {
            return None;
        }
        for row in &mut rows[k + 1..] {
            let factor = row[k] / above[k];
            row.iter_mut().zip(&above).for_each(|(x, a)| *x -= factor * a);
        }
    }
    let mut weights = vec![0.0; n];
    for k in (0..n).rev() {
        let known: f64 = (k + 1..n).map(|j| rows[k][j] * weights[j]).sum();
        weights[k] = (rows[k][n] - known) / rows[k][k];
    }
    let rest = 1.0 - weights.iter().sum::<f64>();
    weights.insert(0, rest);
    Some(weights)
}
