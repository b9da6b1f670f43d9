//! Polygons cut into triangles by their ears (Meisters 1975).

use crate::geometry::{V3, length};

/// Area below which three corners stand on a line, relative to the square of the polygon's extent.
const FLAT: f64 = 1e-12;
/// How far the areas of the triangles may add up to another than the polygon's, relative to it.
const LOST: f64 = 1e-9;

/// Twice the signed area of a triangle in the plane.
fn area([a, b, c]: [[f64; 2]; 3]) -> f64 {
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

/// Triangles, as positions in the polygon, that run the same way round; `None` where its sides cross each other or it
/// has no area. A convex polygon becomes the fan of its first corner.
pub(super) fn triangulate(points: &[V3]) -> Option<Vec<[usize; 3]>> {
    if points.len() == 3 {
        return Some(vec![[0, 1, 2]]);
    }
    let flat = projected(points)?;
    let extent = points.iter().fold(0.0_f64, |m, p| m.max((*p - points[0]).norm_squared()));
    let least = FLAT * extent;
    let total: f64 = (1..points.len() - 1).map(|k| area([flat[0], flat[k], flat[k + 1]])).sum();
    let fan: Vec<[usize; 3]> = (1..points.len() - 1).map(|k| [0, k, k + 1]).collect();
    let next = |k: usize| (k + 1) % points.len();
    let convex = (0..points.len())
        .all(|k| area([flat[k], flat[next(k)], flat[next(next(k))]]) > least)
        && fan.iter().all(|t| area(t.map(|k| flat[k])) > least);
    if convex {
        return Some(fan);
    }
    let triangles = ears(&flat, least)?;
    let sum: f64 = triangles.iter().map(|t| area(t.map(|k| flat[k]))).sum();
    ((sum - total).abs() <= LOST * sum && total > least).then_some(triangles)
}

/// The polygon on the plane of two axes on which it has the greatest area, counter-clockwise.
fn projected(points: &[V3]) -> Option<Vec<[f64; 2]>> {
    // Newell's normal: twice the area on each plane
    let normal = (1..points.len() - 1)
        .fold(V3::zero(), |n, k| n + (points[k] - points[0]).cross(points[k + 1] - points[0]));
    if !(length(normal) > 0.0 && length(normal).is_finite()) {
        return None;
    }
    let size = normal.0.map(f64::abs);
    let axis = (0..3).fold(0, |m, k| if size[k] > size[m] { k } else { m });
    let (mut x, mut y) = ((axis + 1) % 3, (axis + 2) % 3);
    if normal[axis] < 0.0 {
        std::mem::swap(&mut x, &mut y);
    }
    Some(points.iter().map(|p| [p[x], p[y]]).collect())
}

/// Cuts off ears until a triangle is left.
fn ears(flat: &[[f64; 2]], least: f64) -> Option<Vec<[usize; 3]>> {
    let mut left: Vec<usize> = (0..flat.len()).collect();
    let mut triangles = Vec::new();
    while left.len() > 2 {
        let n = left.len();
        let at = |k: usize| [left[(k + n - 1) % n], left[k], left[(k + 1) % n]];
        let is_ear = |k: &usize| {
            let corners = at(*k);
            let t = corners.map(|c| flat[c]);
            let inside = |p: [f64; 2]| {
                // a corner in the same place as one of the ear's does not stand in its way
                !t.contains(&p)
                    && area([t[0], t[1], p]) >= 0.0
                    && area([t[1], t[2], p]) >= 0.0
                    && area([t[2], t[0], p]) >= 0.0
            };
            area(t) > least && !left.iter().any(|c| !corners.contains(c) && inside(flat[*c]))
        };
        if let Some(k) = (0..n).find(is_ear) {
            triangles.push(at(k));
            left.remove(k);
        } else {
            // a corner on a line between its neighbours has no area to cut off
            let k = (0..n).find(|k| area(at(*k).map(|c| flat[c])).abs() <= least)?;
            left.remove(k);
        }
    }
    Some(triangles)
}

#[cfg(test)]
mod tests {
    use super::triangulate;
    use crate::geometry::{V3, length};

    fn total(points: &[V3]) -> Option<f64> {
        let triangles = triangulate(points)?;
        let area = |t: &[usize; 3]| {
            let [a, b, c] = t.map(|k| points[k]);
            0.5 * length((b - a).cross(c - a))
        };
        Some(triangles.iter().map(area).sum())
    }

    fn polygon(corners: &[[f64; 2]]) -> Vec<V3> {
        // on a tilted plane, whose area is that of the drawing times sqrt(1 + 0.3^2 + 0.2^2)
        corners.iter().map(|[x, y]| V3::from([*x, *y, 0.3 * x - 0.2 * y])).collect()
    }

    #[test]
    fn a_concave_polygon_keeps_its_area() {
        let stretch = (1.0_f64 + 0.09 + 0.04).sqrt();
        let l = [[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [1.0, 1.0], [1.0, 2.0], [0.0, 2.0]];
        let arrow = [[0.0, 0.0], [1.0, 1.0], [0.0, 0.5], [-1.0, 1.0]];
        for (corners, area) in [(&l[..], 3.0), (&arrow[..], 0.5)] {
            for turn in 0..corners.len() {
                let mut corners = corners.to_vec();
                corners.rotate_left(turn);
                let there = total(&polygon(&corners)).unwrap();
                corners.reverse();
                let back = total(&polygon(&corners)).unwrap();
                assert!((there - area * stretch).abs() < 1e-12, "{there} from corner {turn}");
                assert!((back - area * stretch).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn corners_on_a_line_do_no_harm_and_crossing_sides_are_refused() {
        let with_middle = [[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]];
        let area = total(&polygon(&with_middle)).unwrap();
        assert!((area - 4.0 * 1.13_f64.sqrt()).abs() < 1e-12);
        let bow = [[0.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0]];
        let knot = [[0.0, 0.0], [3.0, 0.0], [3.0, 3.0], [1.0, -1.0], [0.0, 3.0]];
        assert!(triangulate(&polygon(&bow)).is_none());
        assert!(triangulate(&polygon(&knot)).is_none());
    }
}
