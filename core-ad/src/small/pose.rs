//! Rigid transforms.

use std::ops::Mul;

use super::{Mat3, Vec3};
use crate::real::Num;

/// A rigid transform: a point `x` of the child frame is `R x + t` in the parent's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pose<T> {
    /// `R`, orthogonal with determinant 1.
    pub rotation: Mat3<T>,
    /// `t`, the child's origin in the parent frame.
    pub translation: Vec3<T>,
}

impl<T: Num> Pose<T> {
    /// The child frame is the parent's.
    #[inline]
    pub fn identity() -> Self {
        Self { rotation: Mat3::identity(), translation: Vec3::zero() }
    }

    /// `R x + t`.
    #[inline]
    pub fn point(&self, x: Vec3<T>) -> Vec3<T> {
        self.rotation * x + self.translation
    }

    /// `R v`: a direction has no place.
    #[inline]
    pub fn direction(&self, v: Vec3<T>) -> Vec3<T> {
        self.rotation * v
    }

    /// `R^T (x - t)`.
    #[inline]
    pub fn inverse_point(&self, x: Vec3<T>) -> Vec3<T> {
        self.rotation.transpose_mul(x - self.translation)
    }

    /// The transform from the parent frame to the child's.
    #[inline]
    pub fn inverse(&self) -> Self {
        let rotation = self.rotation.transpose();
        Self { rotation, translation: -(rotation * self.translation) }
    }
}

impl<T: Num> Mul for Pose<T> {
    type Output = Self;
    /// First `b`, then `self`.
    #[inline]
    fn mul(self, b: Self) -> Self {
        Self { rotation: self.rotation * b.rotation, translation: self.point(b.translation) }
    }
}
