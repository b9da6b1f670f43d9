//! Points, directions and linear RGB in `f64`.

use std::f64::consts::PI;
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

/// Cosine and sine of `2 pi u` for `u` in `[0, 1]`, to one rounding: Taylor's series within an eighth of the circle. Without branches, for
/// directions are drawn side by side.
#[expect(
    clippy::inline_always,
    reason = "loops over directions take the instruction set of the caller"
)]
#[inline(always)]
pub(crate) fn circle(u: f64) -> [f64; 2] {
    let quarter = (4.0 * u + 0.5).floor();
    let x = (u - 0.25 * quarter) * (2.0 * PI);
    let x2 = x * x;
    let series = |last: f64, pairs: [f64; 8]| {
        pairs.into_iter().fold(last, |sum, pair| 1.0 - x2 * sum * pair)
    };
    // 1 - x^2/(n (n + 1)) (1 - x^2/((n + 2) (n + 3)) (...
    let over = |n: f64| (n * (n + 1.0)).recip();
    let sin = x * series(1.0, [16.0, 14.0, 12.0, 10.0, 8.0, 6.0, 4.0, 2.0].map(over));
    let cos = series(1.0, [15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0].map(over));
    let odd = ((quarter - 2.0).abs() - 1.0).abs() < 0.5;
    let (along, beside) = if odd { (sin, cos) } else { (cos, sin) };
    [
        if (quarter - 1.5).abs() < 1.0 { -along } else { along },
        if (quarter - 2.5).abs() < 1.0 { -beside } else { beside },
    ]
}

/// Two unit vectors across a unit vector and across each other (Duff et al., JCGT 6(1), 2017).
#[expect(
    clippy::inline_always,
    reason = "loops over directions take the instruction set of the caller"
)]
#[inline(always)]
pub(crate) fn across(n: V3) -> [V3; 2] {
    let sign = 1.0_f64.copysign(n[2]);
    let a = -(sign + n[2]).recip();
    let b = n[0] * n[1] * a;
    [
        V3::from([1.0 + sign * n[0] * n[0] * a, sign * b, -sign * n[0]]),
        V3::from([b, sign + n[1] * n[1] * a, -n[1]]),
    ]
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
