//! Unit quaternions and rotation vectors.

use std::ops::Mul;

use super::{Mat3, Vec3, bernoulli_root, cos_root, cubic_root, sinc_root, versine_root};
use crate::real::{Num, Real};

/// A quaternion `[w, x, y, z]`, Hamilton's product. As a rotation it is unit and takes body coordinates to the parent's.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(transparent)]
pub struct Quat<T>(pub [T; 4]);

impl<T: Num> Quat<T> {
    /// No rotation.
    #[inline]
    pub fn identity() -> Self {
        Self::lit([1.0, 0.0, 0.0, 0.0])
    }

    /// The constant `q`: its derivative is zero.
    #[inline]
    pub fn lit(q: [f64; 4]) -> Self {
        Self(q.map(T::lit))
    }

    /// The vector part `(x, y, z)`.
    #[inline]
    pub fn vector(self) -> Vec3<T> {
        Vec3([self.0[1], self.0[2], self.0[3]])
    }

    /// The conjugate: of a unit quaternion, the inverse rotation.
    #[inline]
    pub fn conjugate(self) -> Self {
        let [w, x, y, z] = self.0;
        Self([w, -x, -y, -z])
    }

    /// `w^2 + x^2 + y^2 + z^2`.
    #[inline]
    pub fn norm_squared(self) -> T {
        let [w, x, y, z] = self.0;
        w * w + x * x + y * y + z * z
    }

    /// `q / |q|`.
    #[inline]
    pub fn normalized(self) -> Self {
        let s = self.norm_squared().sqrt().recip();
        Self(self.0.map(|x| x * s))
    }

    /// `q v q*`, of a unit quaternion.
    #[inline]
    pub fn rotate(self, v: Vec3<T>) -> Vec3<T> {
        let u = self.vector();
        let t = u.cross(v) * T::lit(2.0);
        v + t * self.0[0] + u.cross(t)
    }

    /// The rotation matrix of a unit quaternion: `R v = q v q*`.
    #[inline]
    pub fn to_mat(self) -> Mat3<T> {
        let [w, x, y, z] = self.0;
        let [x2, y2, z2] = [x * 2.0, y * 2.0, z * 2.0];
        let one = T::lit(1.0);
        let (xx, yy, zz) = (x * x2, y * y2, z * z2);
        let (xy, xz, yz, wx, wy, wz) = (x * y2, x * z2, y * z2, w * x2, w * y2, w * z2);
        Mat3([
            [one - yy - zz, xy - wz, xz + wy],
            [xy + wz, one - xx - zz, yz - wx],
            [xz - wy, yz + wx, one - xx - yy],
        ])
    }
}

impl<T: Real> Quat<T> {
    /// The rotation by `|v|` radians about `v`; smooth at `v = 0`.
    ///
    /// `w = cos(|v|/2)`, `(x, y, z) = v sin(|v|/2) / |v|`.
    #[inline]
    pub fn exp(v: Vec3<T>) -> Self {
        let s = v.norm_squared() * 0.25;
        let Vec3([x, y, z]) = v * (sinc_root(s) * 0.5);
        Self([cos_root(s), x, y, z])
    }

    /// The rotation vector of a unit quaternion, of length at most pi: the inverse of [`Quat::exp`], smooth at the identity.
    ///
    /// At a half turn the axis changes sign: there is no derivative there.
    pub fn log(self) -> Vec3<T> {
        let (w, v) = (self.0[0], self.vector());
        let (w, v) = if w < T::lit(0.0) { (-w, -v) } else { (w, v) };
        let n = v.norm_squared();
        if n < w * w * 0.01 {
            // atan(t)/t = 1 - t^2/3 + t^4/5 - ...
            let t = n / (w * w);
            let mut sum = T::lit(0.0);
            for k in (0..12).rev() {
                sum = T::lit(1.0 / f64::from(2 * k + 1)) - t * sum;
            }
            v * (sum * 2.0 / w)
        } else {
            let n = n.sqrt();
            v * (n.atan2(w) * 2.0 / n)
        }
    }

    /// The rotation by `angle` radians about the unit vector `axis`.
    #[inline]
    pub fn from_axis_angle(axis: Vec3<T>, angle: T) -> Self {
        let (sin, cos) = (angle * 0.5).sin_cos();
        let Vec3([x, y, z]) = axis * sin;
        Self([cos, x, y, z])
    }

    /// The quaternion of a rotation matrix, dividing by its largest entry (Shepperd 1978).
    pub fn from_mat(m: &Mat3<T>) -> Self {
        let [[a, b, c], [d, e, f], [g, h, i]] = m.0;
        let one = T::lit(1.0);
        let squares = [one + a + e + i, one + a - e - i, one - a + e - i, one - a - e + i];
        let mut largest = 0;
        for k in 1..4 {
            if squares[k] > squares[largest] {
                largest = k;
            }
        }
        let twice = squares[largest].sqrt();
        let s = twice.recip() * 0.5;
        Self(match largest {
            0 => [twice * 0.5, (h - f) * s, (c - g) * s, (d - b) * s],
            1 => [(h - f) * s, twice * 0.5, (b + d) * s, (c + g) * s],
            2 => [(c - g) * s, (b + d) * s, twice * 0.5, (f + h) * s],
            _ => [(d - b) * s, (c + g) * s, (f + h) * s, twice * 0.5],
        })
    }

    /// The right Jacobian of [`Quat::exp`]: `exp(v + d) = exp(v) exp(J_r(v) d) + O(d^2)`.
    ///
    /// `J_r = 1 - (1 - cos a)/a^2 [v] + (a - sin a)/a^3 [v]^2`, `a = |v|` (Chirikjian 2011, eq. 10.86).
    pub fn exp_right_jacobian(v: Vec3<T>) -> Mat3<T> {
        let (s, skew) = (v.norm_squared(), v.skew());
        Mat3::identity() + skew * skew * cubic_root(s) - skew * versine_root(s)
    }

    /// `J_r(v)^-1 w`: the rate of `v` where the body turns at `w` in its own axes, with `exp(v)` its rotation; `|v| < 2 pi`.
    ///
    /// `w + [v] w / 2 + (1/a^2 - (1 + cos a)/(2 a sin a)) [v]^2 w` (Chirikjian 2011, eq. 10.87).
    pub fn exp_rate(v: Vec3<T>, w: Vec3<T>) -> Vec3<T> {
        let s = v.norm_squared();
        let turned = v.cross(w);
        w + turned * T::lit(0.5) + v.cross(turned) * bernoulli_root(s)
    }
}

impl<T: Num> Mul for Quat<T> {
    type Output = Self;
    #[inline]
    fn mul(self, b: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, b.0);
        Self([
            a * e - b * f - c * g - d * h,
            a * f + b * e + c * h - d * g,
            a * g - b * h + c * e + d * f,
            a * h + b * g - c * f + d * e,
        ])
    }
}
