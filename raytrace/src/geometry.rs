//! Points, directions and linear RGB in `f64`.

use std::ops::{Add, AddAssign, Mul, Sub};

use cotangent_ad::Vec3;
use serde::{Deserialize, Serialize};

/// A point, vector or cotangent in scene units.
pub type V3 = Vec3<f64>;

/// No cotangent, no motion.
pub(crate) const ZERO: V3 = Vec3([0.0; 3]);

/// `|v|` by a plain square root: coordinates of scenes do not overflow when squared.
#[inline]
pub(crate) fn length(v: V3) -> f64 {
    v.norm_squared().sqrt()
}

/// `v / |v|`.
#[inline]
pub(crate) fn unit(v: V3) -> V3 {
    v * length(v).recip()
}

/// Barycentric coordinates of a point in the plane of a triangle.
#[inline]
pub(crate) fn barycentric([a, b, c]: [V3; 3], p: V3) -> [f64; 3] {
    let n = (b - a).cross(c - a);
    let inverse = n.norm_squared().recip();
    let of = |u: V3, v: V3| (u - p).cross(v - p).dot(n) * inverse;
    [of(b, c), of(c, a), of(a, b)]
}

/// An index that fits the compact arrays of meshes and trees.
#[inline]
pub(crate) fn id(n: usize) -> u32 {
    u32::try_from(n).expect("a scene has fewer than 2^32 vertices, faces and edges")
}

/// Linear RGB: radiance, albedo, or a factor of either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rgb(pub [f64; 3]);

impl Rgb {
    /// No light.
    pub const BLACK: Self = Self([0.0; 3]);
    /// One in every channel.
    pub const WHITE: Self = Self([1.0; 3]);

    /// Sum of the products channel by channel.
    #[inline]
    pub fn dot(self, other: Self) -> f64 {
        self.0[0] * other.0[0] + self.0[1] * other.0[1] + self.0[2] * other.0[2]
    }

    /// Greatest channel.
    #[inline]
    pub fn max_channel(self) -> f64 {
        self.0[0].max(self.0[1]).max(self.0[2])
    }

    /// Whether every channel is zero.
    #[inline]
    pub fn is_black(self) -> bool {
        self == Self::BLACK
    }
}

impl Add for Rgb {
    type Output = Self;
    #[inline]
    fn add(self, b: Self) -> Self {
        Self([self.0[0] + b.0[0], self.0[1] + b.0[1], self.0[2] + b.0[2]])
    }
}

impl AddAssign for Rgb {
    #[inline]
    fn add_assign(&mut self, b: Self) {
        *self = *self + b;
    }
}

impl Sub for Rgb {
    type Output = Self;
    #[inline]
    fn sub(self, b: Self) -> Self {
        Self([self.0[0] - b.0[0], self.0[1] - b.0[1], self.0[2] - b.0[2]])
    }
}

impl Mul for Rgb {
    type Output = Self;
    #[inline]
    fn mul(self, b: Self) -> Self {
        Self([self.0[0] * b.0[0], self.0[1] * b.0[1], self.0[2] * b.0[2]])
    }
}

impl Mul<f64> for Rgb {
    type Output = Self;
    #[inline]
    fn mul(self, s: f64) -> Self {
        Self(self.0.map(|c| c * s))
    }
}
