//! Spatial vectors and inertias, Featherstone, *Rigid Body Dynamics Algorithms* (2008), chapter 2, in Plücker coordinates
//! `(angular, linear)` with world axes about a fixed point.

use std::ops::{Add, AddAssign, Mul, Neg, Sub};

use cotangent_ad::{Mat3, Num, Pose, Quat, Vec3};
use thiserror::Error;

/// A spatial velocity, acceleration or axis: angular part, and linear velocity of the body point at the reference point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Motion<T> {
    /// Angular part, rad/s.
    pub angular: Vec3<T>,
    /// Linear part, m/s.
    pub linear: Vec3<T>,
}

/// A spatial force or momentum: moment about the reference point, and linear part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Force<T> {
    /// Moment, N m.
    pub angular: Vec3<T>,
    /// Force, N.
    pub linear: Vec3<T>,
}

macro_rules! vector_space {
    ($name:ident) => {
        impl<T: Num> $name<T> {
            /// Zero.
            #[inline]
            pub fn zero() -> Self {
                Self { angular: Vec3::zero(), linear: Vec3::zero() }
            }
        }
        impl<T: Num> Add for $name<T> {
            type Output = Self;
            #[inline]
            fn add(self, b: Self) -> Self {
                Self { angular: self.angular + b.angular, linear: self.linear + b.linear }
            }
        }
        impl<T: Num> AddAssign for $name<T> {
            #[inline]
            fn add_assign(&mut self, b: Self) {
                *self = *self + b;
            }
        }
        impl<T: Num> Sub for $name<T> {
            type Output = Self;
            #[inline]
            fn sub(self, b: Self) -> Self {
                Self { angular: self.angular - b.angular, linear: self.linear - b.linear }
            }
        }
        impl<T: Num> Neg for $name<T> {
            type Output = Self;
            #[inline]
            fn neg(self) -> Self {
                Self { angular: -self.angular, linear: -self.linear }
            }
        }
        impl<T: Num> Mul<T> for $name<T> {
            type Output = Self;
            #[inline]
            fn mul(self, s: T) -> Self {
                Self { angular: self.angular * s, linear: self.linear * s }
            }
        }
    };
}
vector_space!(Motion);
vector_space!(Force);

impl<T: Num> Motion<T> {
    /// `v x m` (eq. 2.31).
    #[inline]
    pub fn cross(self, m: Self) -> Self {
        Self {
            angular: self.angular.cross(m.angular),
            linear: self.angular.cross(m.linear) + self.linear.cross(m.angular),
        }
    }

    /// `v x* f` (eq. 2.32); `(v x m) . f = -m . (v x* f)`.
    #[inline]
    pub fn cross_force(self, f: Force<T>) -> Force<T> {
        Force {
            angular: self.angular.cross(f.angular) + self.linear.cross(f.linear),
            linear: self.angular.cross(f.linear),
        }
    }

    /// Power `m . f`.
    #[inline]
    pub fn dot(self, f: Force<T>) -> T {
        self.angular.dot(f.angular) + self.linear.dot(f.linear)
    }

    /// Linear velocity of the body point at `x` from the reference point.
    #[inline]
    pub fn at(self, x: Vec3<T>) -> Vec3<T> {
        self.linear + self.angular.cross(x)
    }
}

impl<T: Num> Force<T> {
    /// The force `f` applied at `x` from the reference point.
    #[inline]
    pub fn at(x: Vec3<T>, f: Vec3<T>) -> Self {
        Self { angular: x.cross(f), linear: f }
    }
}

/// The inertia of a rigid body about a reference point: ten numbers, in which every equation of motion is linear.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpatialInertia<T> {
    /// Mass, kg.
    pub mass: T,
    /// Mass times the centre of mass, from the reference point, kg m.
    pub moment: Vec3<T>,
    /// Rotational inertia about the reference point, kg m^2: `xx, yy, zz, xy, xz, yz` of the symmetric tensor.
    pub rotational: [T; 6],
}

/// Why no body has an inertia.
#[derive(Clone, Copy, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum Unphysical {
    /// A number is not finite.
    #[error("a number is not finite")]
    NotFinite,
    /// The mass is negative.
    #[error("the mass is {0} kg")]
    NegativeMass(f64),
    /// No mass, but a centre of mass.
    #[error("it has a centre of mass without a mass")]
    MassAtInfinity,
    /// The greatest moment of inertia about the centre of mass exceeds the sum of the others, or one is negative: no
    /// distribution of mass has these.
    #[error(
        "its principal moments of inertia {0:?} kg m^2 must not be negative, and none may exceed the sum of the others"
    )]
    Moments([f64; 3]),
}

/// A symmetric tensor from its six numbers.
#[inline]
pub(crate) fn symmetric<T: Num>([xx, yy, zz, xy, xz, yz]: [T; 6]) -> Mat3<T> {
    Mat3([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
}

/// The six numbers of a symmetric tensor: those of its upper triangle.
#[inline]
pub(crate) fn upper<T: Num>(m: &Mat3<T>) -> [T; 6] {
    let [[xx, xy, xz], [_, yy, yz], [_, _, zz]] = m.0;
    [xx, yy, zz, xy, xz, yz]
}

impl<T: Num> SpatialInertia<T> {
    /// No mass.
    #[inline]
    pub fn zero() -> Self {
        Self { mass: T::lit(0.0), moment: Vec3::zero(), rotational: [T::lit(0.0); 6] }
    }

    /// A body of this mass, centre of mass, and rotational inertia about the centre of mass (world axes).
    ///
    /// `I = I_c + m (|c|^2 1 - c c^T)` (eq. 2.62).
    pub fn from_center(mass: T, center: Vec3<T>, at_center: Mat3<T>) -> Self {
        let at_center = Self { mass, moment: Vec3::zero(), rotational: upper(&at_center) };
        at_center.transformed(&Pose { rotation: Mat3::identity(), translation: center })
    }

    /// The same body seen from the parent frame of `pose`.
    #[inline]
    pub fn transformed(&self, pose: &Pose<T>) -> Self {
        let (r, p) = (&pose.rotation, pose.translation);
        let h = *r * self.moment;
        let rotated = *r * symmetric(self.rotational) * r.transpose();
        let [x, y, z] = p.0;
        let [a, b, c] = h.0;
        // J + 2 (p.h) 1 - p h^T - h p^T + m (|p|^2 1 - p p^T)
        let m = self.mass;
        let (u, v, w) = (a * 2.0 + m * x, b * 2.0 + m * y, c * 2.0 + m * z);
        let [xx, yy, zz, xy, xz, yz] = upper(&rotated);
        Self {
            mass: m,
            moment: h + p * m,
            rotational: [
                xx + y * v + z * w,
                yy + x * u + z * w,
                zz + x * u + y * v,
                xy - (x * b + y * a + m * x * y),
                xz - (x * c + z * a + m * x * z),
                yz - (y * c + z * b + m * y * z),
            ],
        }
    }

    /// Momentum of the motion `v` (eq. 2.63).
    #[inline]
    pub fn apply(&self, v: Motion<T>) -> Force<T> {
        let [xx, yy, zz, xy, xz, yz] = self.rotational;
        let [a, b, c] = v.angular.0;
        let rotated =
            Vec3([xx * a + xy * b + xz * c, xy * a + yy * b + yz * c, xz * a + yz * b + zz * c]);
        Force {
            angular: rotated + self.moment.cross(v.linear),
            linear: v.linear * self.mass - self.moment.cross(v.angular),
        }
    }

    /// The cotangent of the ten numbers under `sum_k u_k . I v_k`, in the frame whose parent is the frame of `u` and `v`:
    /// the derivative of that sum by each number of an inertia stated in the child frame of `pose`.
    pub fn cotangent(pose: &Pose<T>, pairs: &[(Motion<T>, Motion<T>)]) -> Self {
        let inside = |m: &Motion<T>| Motion {
            angular: pose.rotation.transpose_mul(m.angular),
            linear: pose.rotation.transpose_mul(m.at(pose.translation)),
        };
        let mut sum = Self::zero();
        for (u, v) in pairs {
            let (u, v) = (inside(u), inside(v));
            sum.mass += u.linear.dot(v.linear);
            // u_ang . (h x v_lin) - u_lin . (h x v_ang)
            sum.moment += v.linear.cross(u.angular) - v.angular.cross(u.linear);
            let (a, b) = (u.angular.0, v.angular.0);
            for (k, (i, j)) in [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)].iter().enumerate() {
                sum.rotational[k] += a[*i] * b[*j];
                if i != j {
                    sum.rotational[k] += a[*j] * b[*i];
                }
            }
        }
        sum
    }

    /// Sum of squares and cross products with every entry as it is: `sum_k a_k b_k` over the ten numbers.
    pub fn dot(&self, b: &Self) -> T {
        let mut sum = self.mass * b.mass + self.moment.dot(b.moment);
        for k in 0..6 {
            sum += self.rotational[k] * b.rotational[k];
        }
        sum
    }

    /// The ten numbers: mass, moment, rotational.
    pub fn numbers(&self) -> [T; 10] {
        let (h, [xx, yy, zz, xy, xz, yz]) = (self.moment.0, self.rotational);
        [self.mass, h[0], h[1], h[2], xx, yy, zz, xy, xz, yz]
    }
}

impl SpatialInertia<f64> {
    /// Rotational inertia about the centre of mass, along the same axes; about the reference point where there is no mass.
    pub(crate) fn at_center(&self) -> Mat3<f64> {
        if self.mass <= 0.0 {
            return symmetric(self.rotational);
        }
        let center = self.moment * self.mass.recip();
        let (square, mut at_center) = (center.norm_squared(), symmetric(self.rotational));
        for i in 0..3 {
            for j in 0..3 {
                let along = if i == j { square } else { 0.0 } - center[i] * center[j];
                at_center.0[i][j] -= self.mass * along;
            }
        }
        at_center
    }

    /// Whether some distribution of mass has this inertia: a mass, and principal moments about its centre that are not negative
    /// and of which none exceeds the sum of the others, to rounding.
    ///
    /// # Errors
    /// [`Unphysical`].
    pub fn check(&self) -> Result<(), Unphysical> {
        if self.numbers().iter().any(|x| !x.is_finite()) {
            return Err(Unphysical::NotFinite);
        }
        if self.mass < 0.0 {
            return Err(Unphysical::NegativeMass(self.mass));
        }
        if self.mass == 0.0 && self.moment.0.iter().any(|x| *x != 0.0) {
            return Err(Unphysical::MassAtInfinity);
        }
        let [xx, yy, zz, ..] = self.rotational;
        let scale = xx.abs() + yy.abs() + zz.abs();
        if scale == 0.0 {
            return Ok(());
        }
        let (moments, _) = principal_axes(&(self.at_center() * scale.recip()));
        let [a, b, c] = moments;
        let least = a.min(b).min(c).min(a + b - c).min(b + c - a).min(c + a - b);
        // what the shift to the centre may have rounded away
        let physical = least >= -1e-10;
        if physical { Ok(()) } else { Err(Unphysical::Moments(moments.map(|m| m * scale))) }
    }
}

/// Principal moments, greatest first, and axes (columns) of a symmetric tensor, by Jacobi's method on a quaternion.
///
/// The rotations, their order and the thresholds are MuJoCo's (`mju_eig3`), so that where moments are equal, and any axes would do,
/// these are the axes that it takes.
pub(crate) fn principal_axes(m: &Mat3<f64>) -> ([f64; 3], Quat<f64>) {
    const SMALL: f64 = 1e-12;
    let mut turn = Quat::identity();
    let mut moments = [0.0; 3];
    for _ in 0..500 {
        let axes = turn.to_mat();
        let d = axes.transpose() * *m * axes;
        moments = [d.0[0][0], d.0[1][1], d.0[2][2]];
        let [xy, xz, yz] = [d.0[0][1].abs(), d.0[0][2].abs(), d.0[1][2].abs()];
        let (r, c, about) = if xy > xz && xy > yz {
            (0, 1, 2)
        } else if xz > yz {
            (0, 2, 1)
        } else {
            (1, 2, 0)
        };
        let off = d.0[r][c];
        if off.abs() < SMALL {
            break;
        }
        let tau = (d.0[c][c] - d.0[r][r]) / (2.0 * off);
        let root = (1.0 + tau * tau).sqrt();
        let t = if tau >= 0.0 { 1.0 / (tau + root) } else { -1.0 / (root - tau) };
        let cosine = (1.0 + t * t).sqrt().recip();
        // half the angle, free of the cancellation in 1 - cos
        let cosine_half = (0.5 + 0.5 * cosine).sqrt();
        let sine_half = 0.5 * t.abs() * cosine / cosine_half;
        let mut step = [cosine_half, 0.0, 0.0, 0.0];
        step[about + 1] = if (tau >= 0.0) == (about == 1) { sine_half } else { -sine_half };
        turn = (turn * Quat(step).normalized()).normalized();
    }
    for j in [0, 1, 0] {
        if moments[j] + SMALL < moments[j + 1] {
            moments.swap(j, j + 1);
            let mut step = [std::f64::consts::FRAC_1_SQRT_2, 0.0, 0.0, 0.0];
            step[(j + 2) % 3 + 1] = step[0];
            turn = (turn * Quat(step)).normalized();
        }
    }
    (moments, turn)
}

impl<T: Num> Add for SpatialInertia<T> {
    type Output = Self;
    #[inline]
    fn add(mut self, b: Self) -> Self {
        self += b;
        self
    }
}

impl<T: Num> AddAssign for SpatialInertia<T> {
    #[inline]
    fn add_assign(&mut self, b: Self) {
        self.mass += b.mass;
        self.moment += b.moment;
        for k in 0..6 {
            self.rotational[k] += b.rotational[k];
        }
    }
}

impl<T: Num> Mul<T> for SpatialInertia<T> {
    type Output = Self;
    #[inline]
    fn mul(self, s: T) -> Self {
        Self {
            mass: self.mass * s,
            moment: self.moment * s,
            rotational: self.rotational.map(|x| x * s),
        }
    }
}
