//! Vectors, matrices and rotations in three dimensions, over any [`Num`](crate::Num): what generic models use where
//! `f64` code would use a linear-algebra library.
//!
//! Matrices are row-major, quaternions are Hamilton's `[w, x, y, z]` and rotate body coordinates into the parent's,
//! rotation vectors are axis times angle. Functions of a rotation angle are evaluated as power series of its
//! square near zero, so that they have every derivative there.
//!
//! ```
//! use cotangent_ad::{Num, Quat, Vec3, grad};
//! // d/dv of the z coordinate of x turned by the rotation vector v, at v = 0: -e_y
//! let turned = |v: &[_]| Quat::exp(Vec3([v[0], v[1], v[2]])).rotate(Vec3::unit(0)).0[2];
//! assert_eq!(grad(turned, &[0.0, 0.0, 0.0]), [0.0, -1.0, 0.0]);
//! ```

mod mat3;
mod pose;
mod quat;
mod vec3;

pub use mat3::Mat3;
pub use pose::Pose;
pub use quat::Quat;
pub use vec3::Vec3;

use crate::real::Real;

/// Below this square of an angle the power series is used: ten terms are then exact to rounding.
const SERIES_BELOW: f64 = 1.0;

/// `sum_k c_k s^k` with `c_0 = first` and `c_(k+1) = -c_k / divisor(k)`, ten terms, by Horner.
fn alternating_series<T: Real>(s: T, first: f64, divisor: impl Fn(f64) -> f64) -> T {
    let mut sum = T::lit(1.0);
    for k in (0..10).rev() {
        sum = T::lit(1.0) - s / divisor(f64::from(k)) * sum;
    }
    sum * first
}

/// `cos(sqrt(s))`.
fn cos_root<T: Real>(s: T) -> T {
    if s < T::lit(SERIES_BELOW) {
        alternating_series(s, 1.0, |k| (2.0 * k + 1.0) * (2.0 * k + 2.0))
    } else {
        s.sqrt().cos()
    }
}

/// `sin(sqrt(s)) / sqrt(s)`.
fn sinc_root<T: Real>(s: T) -> T {
    if s < T::lit(SERIES_BELOW) {
        alternating_series(s, 1.0, |k| (2.0 * k + 2.0) * (2.0 * k + 3.0))
    } else {
        let root = s.sqrt();
        root.sin() / root
    }
}

/// `(1 - cos(sqrt(s))) / s`.
fn versine_root<T: Real>(s: T) -> T {
    if s < T::lit(SERIES_BELOW) {
        alternating_series(s, 0.5, |k| (2.0 * k + 3.0) * (2.0 * k + 4.0))
    } else {
        (T::lit(1.0) - s.sqrt().cos()) / s
    }
}

/// `(sqrt(s) - sin(sqrt(s))) / sqrt(s)^3`.
fn cubic_root<T: Real>(s: T) -> T {
    if s < T::lit(SERIES_BELOW) {
        alternating_series(s, 1.0 / 6.0, |k| (2.0 * k + 4.0) * (2.0 * k + 5.0))
    } else {
        let root = s.sqrt();
        (root - root.sin()) / (s * root)
    }
}

/// `1/s - (1 + cos a)/(2 a sin a)`, `a = sqrt(s)`.
fn bernoulli_root<T: Real>(s: T) -> T {
    // twice the versine less the sinc, over s, over twice the versine
    let versine = versine_root(s);
    let difference = if s < T::lit(SERIES_BELOW) {
        let divisor = |k: f64| (k + 1.0) * (2.0 * k + 5.0) * (2.0 * k + 6.0) / (k + 2.0);
        alternating_series(s, 1.0 / 12.0, divisor)
    } else {
        (versine * 2.0 - sinc_root(s)) / s
    };
    difference / (versine * 2.0)
}

#[cfg(test)]
mod tests;
