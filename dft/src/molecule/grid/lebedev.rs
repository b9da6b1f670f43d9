//! Quadrature of the sphere.

use super::lebedev_rules::RULES;

/// A quadrature that has the symmetry of the octahedron, as the generators of its orbits.
///
/// # Source
/// Lebedev & Laikov, Doklady Mathematics 59, 477 (1999).
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) points: usize,
    /// All polynomials up to this degree are integrated exactly.
    pub(super) degree: usize,
    /// Weight of the 6 points `(1, 0, 0)`; 0 where there are none.
    pub(super) axes: f64,
    /// Weight of the 12 points `(1, 1, 0)/2^(1/2)`.
    pub(super) edges: f64,
    /// Weight of the 8 points `(1, 1, 1)/3^(1/2)`.
    pub(super) corners: f64,
    /// 24 points `(l, l, m)` each: `l`, weight.
    pub(super) pairs: &'static [[f64; 2]],
    /// 24 points `(p, q, 0)` each: `p`, weight.
    pub(super) planes: &'static [[f64; 2]],
    /// 48 points `(r, u, w)` each: `r`, `u`, weight.
    pub(super) general: &'static [[f64; 3]],
}

/// A direction and its weight; weights add to 1.
pub(super) type Direction = ([f64; 3], f64);

impl Rule {
    /// The rule of so many points.
    pub(super) fn of_points(points: usize) -> Option<&'static Self> {
        RULES.iter().find(|rule| rule.points == points)
    }

    /// The rule that is exact up to this degree.
    pub(super) fn of_degree(degree: usize) -> Option<&'static Self> {
        RULES.iter().find(|rule| rule.degree == degree)
    }

    /// Numbers of points that there are rules of.
    pub(super) fn known() -> impl Iterator<Item = usize> {
        RULES.iter().map(|rule| rule.points)
    }

    /// All points.
    pub(super) fn directions(&self) -> Vec<Direction> {
        let mut all = Vec::with_capacity(self.points);
        let mut orbit = |point: [f64; 3], weight: f64| {
            if weight != 0.0 {
                all.extend(images(point).into_iter().map(|image| (image, weight)));
            }
        };
        orbit([1.0, 0.0, 0.0], self.axes);
        orbit([0.5_f64.sqrt(), 0.5_f64.sqrt(), 0.0], self.edges);
        orbit([(1.0_f64 / 3.0).sqrt(); 3], self.corners);
        for &[l, weight] in self.pairs {
            orbit([l, l, (1.0 - 2.0 * l * l).sqrt()], weight);
        }
        for &[p, weight] in self.planes {
            orbit([p, (1.0 - p * p).sqrt(), 0.0], weight);
        }
        for &[r, u, weight] in self.general {
            orbit([r, u, (1.0 - r * r - u * u).sqrt()], weight);
        }
        all
    }
}

/// The different images of a point under permutations of its coordinates and changes of their signs.
fn images(point: [f64; 3]) -> Vec<[f64; 3]> {
    const ORDERS: [[usize; 3]; 6] =
        [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let mut found: Vec<[f64; 3]> = Vec::with_capacity(48);
    for order in ORDERS {
        for signs in 0..8 {
            let image: [f64; 3] = std::array::from_fn(|k| {
                let x = point[order[k]];
                if signs >> k & 1 == 1 && x != 0.0 { -x } else { x }
            });
            if !found.contains(&image) {
                found.push(image);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{RULES, Rule};

    /// Mean over the rule of the Legendre polynomial `P_k(u.r)`, for a unit vector `u`; over the sphere it is 0.
    fn mean(rule: &Rule, degree: usize, axis: [f64; 3]) -> f64 {
        let legendre = |(r, weight): ([f64; 3], f64)| {
            let x: f64 = (0..3).map(|k| r[k] * axis[k]).sum();
            let [mut before, mut now] = [1.0, x];
            for k in 1..degree {
                let next = ((2 * k + 1) as f64 * x * now - k as f64 * before) / (k + 1) as f64;
                (before, now) = (now, next);
            }
            weight * now
        };
        rule.directions().into_iter().map(legendre).sum()
    }

    #[test]
    fn every_rule_is_exact_up_to_its_degree_and_not_beyond() {
        let axes = [[1.0, 0.0, 0.0], [0.36, 0.48, 0.8], [0.5, 0.7, 0.26_f64.sqrt()]];
        for rule in RULES {
            let directions = rule.directions();
            assert_eq!(directions.len(), rule.points);
            assert!((directions.iter().map(|d| d.1).sum::<f64>() - 1.0).abs() < 1e-14);
            for axis in axes {
                for degree in 1..=rule.degree {
                    let off = mean(rule, degree, axis).abs();
                    assert!(off < 1e-14, "{}, {degree}: {off:e}", rule.points);
                }
            }
            let beyond = axes.map(|axis| mean(rule, rule.degree + 1, axis).abs());
            assert!(beyond.iter().any(|off| *off > 1e-4), "{}: {beyond:?}", rule.points);
        }
        assert_eq!(Rule::of_degree(47).map(|r| r.points), Some(770));
    }
}
