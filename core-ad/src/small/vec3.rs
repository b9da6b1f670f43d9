//! Vectors of three.

use std::ops::{Add, AddAssign, Index, IndexMut, Mul, Neg, Sub, SubAssign};

use super::Mat3;
use crate::real::Num;

/// A vector of three numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(transparent)]
pub struct Vec3<T>(pub [T; 3]);

impl<T: Num> Vec3<T> {
    /// The null vector.
    #[inline]
    pub fn zero() -> Self {
        Self([T::lit(0.0); 3])
    }

    /// The unit vector along axis `k`.
    ///
    /// # Panics
    /// Where `k` is not 0, 1 or 2.
    #[inline]
    pub fn unit(k: usize) -> Self {
        let mut v = Self::zero();
        v.0[k] = T::lit(1.0);
        v
    }

    /// The constant `v`: its derivative is zero.
    #[inline]
    pub fn lit(v: [f64; 3]) -> Self {
        Self(v.map(T::lit))
    }

    /// `a . b`.
    #[inline]
    pub fn dot(self, b: Self) -> T {
        let [x, y, z] = self.0;
        x * b.0[0] + y * b.0[1] + z * b.0[2]
    }

    /// `a x b`.
    #[inline]
    pub fn cross(self, b: Self) -> Self {
        let ([x, y, z], [u, v, w]) = (self.0, b.0);
        Self([y * w - z * v, z * u - x * w, x * v - y * u])
    }

    /// `|a|^2`.
    #[inline]
    pub fn norm_squared(self) -> T {
        self.dot(self)
    }

    /// `|a|`, without overflow; its derivative at the origin is 0, the least of the subgradients.
    #[inline]
    pub fn norm(self) -> T {
        let [x, y, z] = self.0;
        x.hypot(y).hypot(z)
    }

    /// `a / |a|`. Neither value nor derivative exists at the origin: both are NaN there.
    #[inline]
    pub fn normalized(self) -> Self {
        self * self.norm().recip()
    }

    /// `a b^T`.
    #[inline]
    pub fn outer(self, b: Self) -> Mat3<T> {
        Mat3(self.0.map(|a| (b * a).0))
    }

    /// The matrix of the cross product: `[a] b = a x b`.
    #[inline]
    pub fn skew(self) -> Mat3<T> {
        let ([x, y, z], o) = (self.0, T::lit(0.0));
        Mat3([[o, -z, y], [z, o, -x], [-y, x, o]])
    }
}

impl<T> From<[T; 3]> for Vec3<T> {
    fn from(v: [T; 3]) -> Self {
        Self(v)
    }
}

impl<T> From<Vec3<T>> for [T; 3] {
    fn from(v: Vec3<T>) -> Self {
        v.0
    }
}

impl<T> Index<usize> for Vec3<T> {
    type Output = T;
    #[inline]
    fn index(&self, k: usize) -> &T {
        &self.0[k]
    }
}

impl<T> IndexMut<usize> for Vec3<T> {
    #[inline]
    fn index_mut(&mut self, k: usize) -> &mut T {
        &mut self.0[k]
    }
}

impl<T: Num> Add for Vec3<T> {
    type Output = Self;
    #[inline]
    fn add(self, b: Self) -> Self {
        Self([self.0[0] + b.0[0], self.0[1] + b.0[1], self.0[2] + b.0[2]])
    }
}

impl<T: Num> Sub for Vec3<T> {
    type Output = Self;
    #[inline]
    fn sub(self, b: Self) -> Self {
        Self([self.0[0] - b.0[0], self.0[1] - b.0[1], self.0[2] - b.0[2]])
    }
}

impl<T: Num> AddAssign for Vec3<T> {
    #[inline]
    fn add_assign(&mut self, b: Self) {
        *self = *self + b;
    }
}

impl<T: Num> SubAssign for Vec3<T> {
    #[inline]
    fn sub_assign(&mut self, b: Self) {
        *self = *self - b;
    }
}

impl<T: Num> Neg for Vec3<T> {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        Self(self.0.map(|x| -x))
    }
}

impl<T: Num> Mul<T> for Vec3<T> {
    type Output = Self;
    #[inline]
    fn mul(self, s: T) -> Self {
        Self(self.0.map(|x| x * s))
    }
}
