//! The equations of a free body with nothing on it, implicit in its bias forces.
//!
//! With the rotation `R`, the angular velocity `w`, the moment of mass `m` and the inertia `I`, all but `R` in the body's axes about its
//! origin, the bias forces are `R (w x (w x m))` and `w x I w`. Their derivative along an angular velocity `d`:
//!
//! ```text
//! force   R (d x (w x m) + w x (d x m))          torque   d x I w + w x I d
//! ```

use cotangent_ad::{Num, Real, Vec3};

use crate::force::{Bars, Point};
use crate::scratch::Scratch;
use crate::spatial::symmetric;

/// Coordinates of a free joint.
pub(super) const SIZE: usize = 6;

type Square<T> = [[T; SIZE]; SIZE];

/// The equations of one body as factors `P A = L U`.
#[derive(Clone, Debug)]
pub(super) struct Block<T> {
    /// Its first coordinate.
    first: usize,
    /// Unit lower and upper triangle.
    factors: Square<T>,
    /// Which row of the matrix each row of the factors is.
    rows: [usize; SIZE],
    right: [T; SIZE],
}

impl<T: Real> Block<T> {
    /// Gauss's elimination with the greatest pivot of each column.
    pub(super) fn factorized(first: usize, mut a: Square<T>) -> Self {
        let mut rows = std::array::from_fn(|k| k);
        for k in 0..SIZE {
            let size = |i: &usize| a[*i][k].concrete().abs();
            let greatest = (k..SIZE).max_by(|i, j| size(i).total_cmp(&size(j))).unwrap_or(k);
            a.swap(k, greatest);
            rows.swap(k, greatest);
            let pivot = a[k];
            for row in &mut a[k + 1..] {
                row[k] /= pivot[k];
                let factor = row[k];
                (k + 1..SIZE).for_each(|j| row[j] -= factor * pivot[j]);
            }
        }
        Self { first, factors: a, rows, right: [T::lit(0.0); SIZE] }
    }
}

impl<T: Num> Block<T> {
    /// Keeps the right side before the other equations are solved.
    pub(super) fn take(&mut self, x: &[T]) {
        self.right.copy_from_slice(&x[self.first..][..SIZE]);
    }

    /// Writes the solution with the matrix, or with its transpose.
    pub(super) fn solve(&self, x: &mut [T], transposed: bool) {
        let (lu, x) = (&self.factors, &mut x[self.first..][..SIZE]);
        if transposed {
            let mut y = self.right;
            for i in 0..SIZE {
                (0..i).for_each(|j| y[i] -= lu[j][i] * y[j]);
                y[i] /= lu[i][i];
            }
            for i in (0..SIZE).rev() {
                (i + 1..SIZE).for_each(|j| y[i] -= lu[j][i] * y[j]);
            }
            (0..SIZE).for_each(|i| x[self.rows[i]] = y[i]);
        } else {
            for i in 0..SIZE {
                x[i] = self.right[self.rows[i]];
                (0..i).for_each(|j| x[i] -= lu[i][j] * x[j]);
            }
            for i in (0..SIZE).rev() {
                (i + 1..SIZE).for_each(|j| x[i] -= lu[i][j] * x[j]);
                x[i] /= lu[i][i];
            }
        }
    }
}

/// Adds `h` times the derivative of the bias forces by the velocity to a body's equations.
pub(super) fn add_slope<T: Real>(
    p: &Point<'_, T>,
    link: usize,
    h: f64,
    block: &mut Square<T>,
    s: &Scratch<T>,
) {
    let (rotation, w) = (s.pose[link].rotation, angular(p.model.links[link].v_at, p.v));
    let (m, inertia) = (p.parameters.inertia[link].moment, inertia(p, link));
    for k in 0..3 {
        let d = Vec3::unit(k);
        let force = rotation * (d.cross(w.cross(m)) + w.cross(d.cross(m)));
        let torque = d.cross(inertia * w) + w.cross(inertia * d);
        for i in 0..3 {
            block[i][3 + k] += force[i] * h;
            block[3 + i][3 + k] += torque[i] * h;
        }
    }
}

fn angular<T: Num>(at: usize, x: &[T]) -> Vec3<T> {
    Vec3([x[at], x[at + 1], x[at + 2]])
}

fn inertia<T: Num>(p: &Point<'_, T>, link: usize) -> cotangent_ad::Mat3<T> {
    symmetric(p.parameters.inertia[link].rotational)
}

/// Adds the derivatives of `h lambda . B(q, v) a` over all lone free bodies, `B` being what [`add_slope`] adds.
pub(crate) fn pull(
    p: &Point<'_, f64>,
    (h, lambda, a): (f64, &[f64], &[f64]),
    bars: &mut Bars<'_>,
    s: &Scratch,
) {
    for &link in &p.model.free_bodies {
        let at = p.model.links[link].v_at;
        let (w, d, m) = (angular(at, p.v), angular(at, a), p.parameters.inertia[link].moment);
        let inertia = inertia(p, link);
        let force_bar = s.pose[link].rotation.transpose_mul(angular(at - 3, lambda)) * h;
        let torque_bar = angular(at, lambda) * h;
        let force = d.cross(w.cross(m)) + w.cross(d.cross(m));
        let by_turn = force.cross(force_bar);
        let across = torque_bar.cross(d);
        let by_velocity = m.cross(force_bar.cross(d))
            + d.cross(m).cross(force_bar)
            + inertia * across
            + (inertia * d).cross(torque_bar);
        for k in 0..3 {
            bars.q[at + k] += by_turn[k];
            bars.v[at + k] += by_velocity[k];
        }
        if let Some(bar) = &mut bars.parameters {
            let bar = &mut bar.inertia[link];
            bar.moment += force_bar.cross(d).cross(w) + force_bar.cross(w).cross(d);
            for (x, y) in [(across, w), (torque_bar.cross(w), d)] {
                let mixed = |i: usize, j: usize| x[i] * y[j] + x[j] * y[i];
                let by =
                    [x[0] * y[0], x[1] * y[1], x[2] * y[2], mixed(0, 1), mixed(0, 2), mixed(1, 2)];
                bar.rotational.iter_mut().zip(by).for_each(|(bar, by)| *bar += by);
            }
        }
    }
}
