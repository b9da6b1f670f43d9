//! The force of a constraint: MuJoCo's convex model of soft contact (Todorov 2014; MuJoCo documentation, *Computation*).
//!
//! With the violation `r` (negative where it penetrates), the velocity `w = J v` and the acceleration `J a` along a constraint's
//! directions, the force is the negative derivative of a convex cost `s` at `e = J a - a_ref`, `a_ref = -b w - k d(r) r`; of a tie also
//! less `J' v`. The
//! impedance `d` in (0, 1) also sets the regularisation `R = (1 - d)/d` times the inverse inertia, `D = 1/R`:
//!
//! ```text
//! equality          s = sum_j D_j e_j^2 / 2
//! dry friction      the same within |e| <= R loss, then linear: |f| <= loss
//! one-sided         s = D e^2 / 2 where e < 0, else 0
//! pyramid           one-sided along each edge e_0 +- mu_j e_j
//! ellipse           with N = mu e_0, U_j = mu_j e_j, T = |U|: 0 where N >= mu T, the squares where mu N + T <= 0, and between
//!                   D_0 (N - mu T)^2 / (2 mu^2 (1 + mu^2))
//! ```

use cotangent_ad::Real;

use crate::model::{Cone, ConstraintOptions};

/// Most directions of a constraint.
pub(crate) const MOST: usize = 6;
/// The smallest number that counts, in MuJoCo.
const LEAST: f64 = 1e-15;
/// Bounds of the impedance.
const IMPEDANCE: [f64; 2] = [1e-4, 0.9999];
/// The least coefficient of friction.
pub(crate) const LEAST_FRICTION: f64 = 1e-5;

/// The form of a constraint's cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Law {
    Equality,
    DryFriction,
    OneSided,
    Pyramid,
    Ellipse,
}

impl Law {
    /// That of a contact.
    pub(crate) fn of_contact(cone: Cone, directions: usize) -> Self {
        match (directions, cone) {
            (1, _) => Self::OneSided,
            (_, Cone::Pyramidal) => Self::Pyramid,
            (_, Cone::Elliptic) => Self::Ellipse,
        }
    }
}

/// How many numbers [`Numbers`] holds.
pub(crate) const NUMBERS: usize = 15;

/// The numbers on which the force of a constraint depends, beside velocity and acceleration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers<T> {
    /// The violation `r`: distance less margin; of a tie, its length over all directions.
    pub(crate) gap: T,
    pub(crate) reference: [T; 2],
    pub(crate) impedance: [T; 5],
    /// Inverse inertia, for translation and rotation.
    pub(crate) weight: [T; 2],
    /// Coefficients of friction; of dry friction, the first is the greatest force.
    pub(crate) friction: [T; 5],
}

impl<T: Copy> Numbers<T> {
    pub(crate) fn to_array(self) -> [T; NUMBERS] {
        let ([a, b], [c, d, e, f, g], [h, i], [j, k, l, m, n]) =
            (self.reference, self.impedance, self.weight, self.friction);
        [self.gap, a, b, c, d, e, f, g, h, i, j, k, l, m, n]
    }

    pub(crate) fn from_array(
        [gap, a, b, c, d, e, f, g, h, i, j, k, l, m, n]: [T; NUMBERS],
    ) -> Self {
        let (reference, impedance) = ([a, b], [c, d, e, f, g]);
        Self { gap, reference, impedance, weight: [h, i], friction: [j, k, l, m, n] }
    }
}

/// What the numbers of a constraint make of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Response<T> {
    /// `k d(r)`: what a violation of 1 asks for.
    pub(crate) restoring: T,
    /// `b`.
    pub(crate) damping: T,
    /// `D` of each direction; of a pyramid, of each edge, in the first.
    pub(crate) stiffness: [T; MOST],
    /// The regularised cone's coefficient.
    pub(crate) cone: T,
    pub(crate) friction: [T; 5],
}

/// `x^p`, at the exponents that files mostly have without a logarithm; with its derivative by `p` where that is carried.
fn power<T: Real>(x: T, p: T) -> T {
    if T::ORDER > 0 {
        return x.powf(p);
    }
    let exponent = p.concrete();
    if exponent.to_bits() == 2.0_f64.to_bits() {
        x * x
    } else if exponent.to_bits() == 1.0_f64.to_bits() {
        x
    } else {
        x.powf(p)
    }
}

fn within<T: Real>(x: T, least: f64, greatest: f64) -> T {
    x.max(T::lit(least)).min(T::lit(greatest))
}

/// The impedance `d(r)`, its numbers within their bounds.
fn impedance<T: Real>([least, greatest, width, middle, exponent]: [T; 5], gap: T) -> T {
    if least.concrete().to_bits() == greatest.concrete().to_bits() || width <= LEAST {
        return (least + greatest) * 0.5;
    }
    let x = gap.abs() / width;
    if x >= 1.0 {
        return greatest;
    }
    if x <= 0.0 {
        return least;
    }
    let y = if exponent.concrete().to_bits() == 1.0_f64.to_bits() && T::ORDER == 0 {
        x
    } else if x <= middle {
        power(x, exponent) / power(middle, exponent - 1.0)
    } else {
        let one = T::lit(1.0);
        one - power(one - x, exponent) / power(one - middle, exponent - 1.0)
    };
    least + y * (greatest - least)
}

/// `k` and `b` from `solref`, where MuJoCo replaces mixed signs by the default.
fn reference<T: Real>([first, second]: [T; 2], greatest: T, least_time: f64) -> (T, T) {
    let (mut first, mut second) = (first, second);
    if (first > 0.0) != (second > 0.0) {
        (first, second) = (T::lit(0.02), T::lit(1.0));
    }
    if first > 0.0 {
        let first = first.max(T::lit(least_time));
        let k = (greatest * greatest * first * first * second * second).max(T::lit(LEAST)).recip();
        (k, (greatest * first).max(T::lit(LEAST)).recip() * 2.0)
    } else {
        (-first / (greatest * greatest), -second / greatest)
    }
}

/// What a constraint's numbers make of it (MuJoCo's `mj_makeImpedance`).
pub(crate) fn response<T: Real>(
    law: Law,
    directions: usize,
    n: &Numbers<T>,
    options: &ConstraintOptions,
) -> Response<T> {
    let [least, greatest, width, middle, exponent] = n.impedance;
    let solimp = [
        within(least, IMPEDANCE[0], IMPEDANCE[1]),
        within(greatest, IMPEDANCE[0], IMPEDANCE[1]),
        width.max(T::lit(0.0)),
        within(middle, IMPEDANCE[0], IMPEDANCE[1]),
        exponent.max(T::lit(1.0)),
    ];
    let d = impedance(solimp, n.gap);
    let (k, damping) = reference(n.reference, solimp[1], options.least_time_constant);
    let soft = |weight: T| ((-d + 1.0) / d * weight).max(T::lit(LEAST));
    let (mut stiffness, mut cone) = ([T::lit(0.0); MOST], T::lit(0.0));
    match law {
        Law::Equality => {
            for (j, stiffness) in stiffness.iter_mut().enumerate().take(directions) {
                *stiffness = soft(n.weight[j / 3]).recip();
            }
        }
        Law::DryFriction | Law::OneSided => stiffness[0] = soft(n.weight[0]).recip(),
        Law::Pyramid => {
            let mu = n.friction[0];
            let first = soft(n.weight[0] + mu * mu * n.weight[0]);
            cone = mu * (1.0 / options.friction_impedance).sqrt();
            stiffness[0] = (cone * cone * first * 2.0).recip();
        }
        Law::Ellipse => {
            let mu = n.friction[0];
            stiffness[0] = soft(n.weight[0]).recip();
            cone = mu * (1.0 / options.friction_impedance).sqrt();
            for j in 1..directions {
                let ratio = n.friction[j - 1] / mu;
                stiffness[j] = stiffness[0] * options.friction_impedance * ratio * ratio;
            }
        }
    }
    Response { restoring: k * d, damping, stiffness, cone, friction: n.friction }
}

/// The force along each direction at `e`.
pub(crate) fn force<T: Real>(
    law: Law,
    directions: usize,
    e: &[T; MOST],
    r: &Response<T>,
) -> [T; MOST] {
    let mut f = [T::lit(0.0); MOST];
    match law {
        Law::Equality => (0..directions).for_each(|j| f[j] = -(r.stiffness[j] * e[j])),
        Law::DryFriction => {
            let loss = r.friction[0];
            f[0] = (-(r.stiffness[0] * e[0])).max(-loss).min(loss);
        }
        Law::OneSided => f[0] = one_sided(r.stiffness[0], e[0]),
        Law::Pyramid => {
            for j in 1..directions {
                let along = e[j] * r.friction[j - 1];
                let (up, down) = (
                    one_sided(r.stiffness[0], e[0] + along),
                    one_sided(r.stiffness[0], e[0] - along),
                );
                f[0] += up + down;
                f[j] = (up - down) * r.friction[j - 1];
            }
        }
        Law::Ellipse => ellipse(directions, e, r, &mut f),
    }
    f
}

fn one_sided<T: Real>(stiffness: T, e: T) -> T {
    if e < 0.0 { -(stiffness * e) } else { T::lit(0.0) }
}

/// Where `e` is in the dual of the elliptic cone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zone {
    Free,
    Quadratic,
    Cone,
}

fn zone<T: Real>(mu: T, normal: T, tangent: T) -> Zone {
    if normal >= mu * tangent {
        Zone::Free
    } else if mu * normal + tangent <= 0.0 {
        Zone::Quadratic
    } else {
        Zone::Cone
    }
}

/// `U_1 .. U_5`, `T` and `N`.
fn tangents<T: Real>(directions: usize, e: &[T; MOST], r: &Response<T>) -> ([T; MOST], T, T) {
    let mut u = [T::lit(0.0); MOST];
    let mut square = T::lit(0.0);
    for j in 1..directions {
        u[j] = e[j] * r.friction[j - 1];
        square += u[j] * u[j];
    }
    // at rest the zone is one of those that have no use for the root's derivative
    let tangent = if square > 0.0 { square.sqrt() } else { T::lit(0.0) };
    (u, tangent, e[0] * r.cone)
}

fn ellipse<T: Real>(directions: usize, e: &[T; MOST], r: &Response<T>, f: &mut [T; MOST]) {
    let (u, tangent, normal) = tangents(directions, e, r);
    let mu = r.cone;
    match zone(mu, normal, tangent) {
        Zone::Free => {}
        Zone::Quadratic => (0..directions).for_each(|j| f[j] = -(r.stiffness[j] * e[j])),
        Zone::Cone => {
            let scale = r.stiffness[0] / (mu * mu * (mu * mu + 1.0));
            f[0] = -(scale * (normal - mu * tangent) * mu);
            for j in 1..directions {
                f[j] = -(f[0] / tangent * u[j] * r.friction[j - 1]);
            }
        }
    }
}

/// Which smooth piece of the law holds at `e`, as a number.
pub(crate) fn piece(law: Law, directions: usize, e: &[f64; MOST], r: &Response<f64>) -> u16 {
    let bears = |e: f64| u16::from(e < 0.0);
    match law {
        Law::Equality => 0,
        Law::DryFriction => {
            let (force, loss) = (r.stiffness[0] * e[0], r.friction[0]);
            u16::from(force >= loss) + 2 * u16::from(force <= -loss)
        }
        Law::OneSided => bears(e[0]),
        Law::Pyramid => (1..directions).fold(0, |bits, j| {
            let along = e[j] * r.friction[j - 1];
            4 * bits + 2 * bears(e[0] + along) + bears(e[0] - along)
        }),
        Law::Ellipse => {
            let (_, tangent, normal) = tangents(directions, e, r);
            zone(r.cone, normal, tangent) as u16
        }
    }
}

/// Cost, force and curvature `-df/de` at a point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) cost: f64,
    pub(crate) force: [f64; MOST],
    pub(crate) curvature: [[f64; MOST]; MOST],
}

/// [`force`] with the cost and its second derivative.
pub(crate) fn at(law: Law, directions: usize, e: &[f64; MOST], r: &Response<f64>) -> Point {
    let mut p = Point { cost: 0.0, force: [0.0; MOST], curvature: [[0.0; MOST]; MOST] };
    let d = r.stiffness[0];
    let edge = |p: &mut Point, e: f64| {
        if e < 0.0 {
            p.cost += 0.5 * d * e * e;
            (-d * e, d)
        } else {
            (0.0, 0.0)
        }
    };
    match law {
        Law::Equality => {
            for j in 0..directions {
                p.cost += 0.5 * r.stiffness[j] * e[j] * e[j];
                (p.force[j], p.curvature[j][j]) = (-r.stiffness[j] * e[j], r.stiffness[j]);
            }
        }
        Law::DryFriction => {
            let loss = r.friction[0];
            if (d * e[0]).abs() < loss {
                p.cost = 0.5 * d * e[0] * e[0];
                (p.force[0], p.curvature[0][0]) = (-d * e[0], d);
            } else {
                p.cost = loss * (e[0].abs() - 0.5 * loss / d);
                p.force[0] = -loss * e[0].signum();
            }
        }
        Law::OneSided => (p.force[0], p.curvature[0][0]) = edge(&mut p, e[0]),
        Law::Pyramid => {
            for j in 1..directions {
                let mu = r.friction[j - 1];
                let (up, up_d) = edge(&mut p, e[0] + mu * e[j]);
                let (down, down_d) = edge(&mut p, e[0] - mu * e[j]);
                p.force[0] += up + down;
                p.force[j] = mu * (up - down);
                p.curvature[0][0] += up_d + down_d;
                p.curvature[j][j] = mu * mu * (up_d + down_d);
                p.curvature[0][j] = mu * (up_d - down_d);
                p.curvature[j][0] = p.curvature[0][j];
            }
        }
        Law::Ellipse => ellipse_at(directions, e, r, &mut p),
    }
    p
}

fn ellipse_at(directions: usize, e: &[f64; MOST], r: &Response<f64>, p: &mut Point) {
    let (u, tangent, normal) = tangents(directions, e, r);
    let mu = r.cone;
    match zone(mu, normal, tangent) {
        Zone::Free => {}
        Zone::Quadratic => {
            for j in 0..directions {
                p.cost += 0.5 * r.stiffness[j] * e[j] * e[j];
                (p.force[j], p.curvature[j][j]) = (-r.stiffness[j] * e[j], r.stiffness[j]);
            }
        }
        Zone::Cone => {
            let scale = r.stiffness[0] / (mu * mu * (1.0 + mu * mu));
            let inside = normal - mu * tangent;
            p.cost = 0.5 * scale * inside * inside;
            ellipse(directions, e, r, &mut p.force);
            let weight = |j: usize| if j == 0 { mu } else { r.friction[j - 1] };
            for j in 0..directions {
                for k in 0..directions {
                    let inner = match (j, k) {
                        (0, 0) => 1.0,
                        (0, i) | (i, 0) => -mu / tangent * u[i],
                        _ => {
                            let along = mu * normal / tangent.powi(3) * u[j] * u[k];
                            along + if j == k { mu * mu - mu * normal / tangent } else { 0.0 }
                        }
                    };
                    p.curvature[j][k] = scale * weight(j) * weight(k) * inner;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cotangent_ad::Dual;

    /// Uniform in [-1, 1), from a counter.
    fn random(k: usize) -> f64 {
        (k as f64 * 12.9898).sin() * 43758.5453 % 1.0
    }

    /// Force and curvature are the derivatives of the cost, in every zone of every law.
    #[test]
    fn cost_force_and_curvature_agree() {
        let laws = [Law::Equality, Law::DryFriction, Law::OneSided, Law::Pyramid, Law::Ellipse];
        let mut zones = std::collections::BTreeSet::new();
        for (k, law) in laws.into_iter().cycle().take(600).enumerate() {
            let directions = match law {
                Law::Pyramid | Law::Ellipse => [3, 4, 6][k % 3],
                Law::Equality => [1, 3, 6][k % 3],
                _ => 1,
            };
            let mut e = [0.0; MOST];
            for (j, e) in e.iter_mut().enumerate().take(directions) {
                *e = 3.0 * random(31 * k + j);
            }
            let numbers = Numbers {
                gap: -4e-4,
                reference: [0.02, 1.0],
                impedance: [0.8, 0.95, 0.001, 0.4, 2.0],
                weight: [0.7, 1.3],
                friction: [0.6, 0.5, 0.1, 0.2, 0.3],
            };
            let options = ConstraintOptions { friction_impedance: 1.7, ..Default::default() };
            let r = response(law, directions, &numbers, &options);
            let here = at(law, directions, &e, &r);
            let lifted = Response {
                restoring: Dual::konst(0.0),
                damping: Dual::konst(0.0),
                stiffness: r.stiffness.map(Dual::konst),
                cone: Dual::konst(r.cone),
                friction: r.friction.map(Dual::konst),
            };
            let seeded = std::array::from_fn(|j| Dual::<f64, MOST>::seed(e[j], j));
            let by_duals = force(law, directions, &seeded, &lifted);
            let h = 1e-6;
            for j in 0..directions {
                let cost = |s: f64| {
                    let mut moved = e;
                    moved[j] += s;
                    at(law, directions, &moved, &r).cost
                };
                let slope = (cost(h) - cost(-h)) / (2.0 * h);
                let scale = 1.0 + here.force[j].abs();
                assert!((here.force[j] + slope).abs() < 1e-6 * scale, "{law:?} {e:?} {j}");
                assert!((here.force[j] - by_duals[j].re).abs() < 1e-12 * scale);
                for i in 0..directions {
                    let (by_hand, dual) = (here.curvature[j][i], -by_duals[j].eps[i]);
                    assert!((by_hand - dual).abs() < 1e-11 * (1.0 + dual.abs()), "{law:?} {e:?}");
                }
            }
            zones.insert((law as usize, here.curvature[0][1] != 0.0, here.force[0] != 0.0));
        }
        assert!(zones.len() >= 9, "{zones:?}");
    }
}
