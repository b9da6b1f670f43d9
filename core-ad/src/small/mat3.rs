//! Matrices of three by three.

use std::ops::{Add, AddAssign, Mul, Neg, Sub};

use super::Vec3;
use crate::real::Num;

/// A matrix `3 x 3`, row-major: `m.0[row][column]`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(transparent)]
pub struct Mat3<T>(pub [[T; 3]; 3]);

impl<T: Num> Mat3<T> {
    /// The null matrix.
    #[inline]
    pub fn zero() -> Self {
        Self([[T::lit(0.0); 3]; 3])
    }

    /// The identity.
    #[inline]
    pub fn identity() -> Self {
        Self::diagonal([T::lit(1.0); 3])
    }

    /// The diagonal matrix of `d`.
    #[inline]
    pub fn diagonal([a, b, c]: [T; 3]) -> Self {
        let o = T::lit(0.0);
        Self([[a, o, o], [o, b, o], [o, o, c]])
    }

    /// The constant `m`: its derivative is zero.
    #[inline]
    pub fn lit(m: [[f64; 3]; 3]) -> Self {
        Self(m.map(|row| row.map(T::lit)))
    }

    /// The matrix with these columns.
    #[inline]
    pub fn from_columns(a: Vec3<T>, b: Vec3<T>, c: Vec3<T>) -> Self {
        Self([0, 1, 2].map(|k| [a.0[k], b.0[k], c.0[k]]))
    }

    /// Row `k`.
    ///
    /// # Panics
    /// Where `k` is not 0, 1 or 2.
    #[inline]
    pub fn row(&self, k: usize) -> Vec3<T> {
        Vec3(self.0[k])
    }

    /// Column `k`.
    ///
    /// # Panics
    /// Where `k` is not 0, 1 or 2.
    #[inline]
    pub fn column(&self, k: usize) -> Vec3<T> {
        Vec3([self.0[0][k], self.0[1][k], self.0[2][k]])
    }

    /// `M^T`.
    #[inline]
    pub fn transpose(&self) -> Self {
        Self([self.column(0).0, self.column(1).0, self.column(2).0])
    }

    /// `M^T v`.
    #[inline]
    pub fn transpose_mul(&self, v: Vec3<T>) -> Vec3<T> {
        self.row(0) * v.0[0] + self.row(1) * v.0[1] + self.row(2) * v.0[2]
    }

    /// Sum of the diagonal.
    #[inline]
    pub fn trace(&self) -> T {
        self.0[0][0] + self.0[1][1] + self.0[2][2]
    }

    /// Determinant.
    #[inline]
    pub fn det(&self) -> T {
        self.row(0).dot(self.row(1).cross(self.row(2)))
    }

    /// Inverse, by the adjugate; NaN or infinite where the matrix is singular.
    #[inline]
    pub fn inverse(&self) -> Self {
        let (a, b, c) = (self.row(0), self.row(1), self.row(2));
        Self::from_columns(b.cross(c), c.cross(a), a.cross(b)) * self.det().recip()
    }
}

impl<T: Num> Add for Mat3<T> {
    type Output = Self;
    #[inline]
    fn add(self, b: Self) -> Self {
        Self([0, 1, 2].map(|k| (self.row(k) + b.row(k)).0))
    }
}

impl<T: Num> AddAssign for Mat3<T> {
    #[inline]
    fn add_assign(&mut self, b: Self) {
        *self = *self + b;
    }
}

impl<T: Num> Sub for Mat3<T> {
    type Output = Self;
    #[inline]
    fn sub(self, b: Self) -> Self {
        Self([0, 1, 2].map(|k| (self.row(k) - b.row(k)).0))
    }
}

impl<T: Num> Neg for Mat3<T> {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        Self(self.0.map(|row| row.map(|x| -x)))
    }
}

impl<T: Num> Mul<T> for Mat3<T> {
    type Output = Self;
    #[inline]
    fn mul(self, s: T) -> Self {
        Self(self.0.map(|row| row.map(|x| x * s)))
    }
}

impl<T: Num> Mul<Vec3<T>> for Mat3<T> {
    type Output = Vec3<T>;
    #[inline]
    fn mul(self, v: Vec3<T>) -> Vec3<T> {
        Vec3([self.row(0).dot(v), self.row(1).dot(v), self.row(2).dot(v)])
    }
}

impl<T: Num> Mul for Mat3<T> {
    type Output = Self;
    #[inline]
    fn mul(self, b: Self) -> Self {
        // written out: `map` over rows is a loop of calls
        let row = |k: usize| b.transpose_mul(self.row(k)).0;
        Self([row(0), row(1), row(2)])
    }
}
