//! Volumes and inertias of solids.

use std::f64::consts::PI;

/// A solid centred at its frame's origin, or a half-space.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Of this radius.
    Sphere {
        /// Radius, m.
        radius: f64,
    },
    /// A cylinder along z with half balls on its ends.
    Capsule {
        /// Radius, m.
        radius: f64,
        /// Half the cylinder's length, m.
        half_length: f64,
    },
    /// A cylinder along z.
    Cylinder {
        /// Radius, m.
        radius: f64,
        /// Half its length, m.
        half_length: f64,
    },
    /// A box.
    Box {
        /// Half its edges, m.
        half: [f64; 3],
    },
    /// An ellipsoid.
    Ellipsoid {
        /// Semi-axes, m.
        half: [f64; 3],
    },
    /// A homogeneous solid of any form, with its principal axes along the frame's: what is known of a mesh.
    Solid {
        /// Volume, m^3.
        volume: f64,
        /// Principal moments of inertia of mass 1, m^2.
        unit_inertia: [f64; 3],
    },
    /// The half-space `z <= 0`: it has no mass.
    Plane,
    /// The land above a rectangle; it has no mass.
    HeightField,
}

impl Shape {
    /// What it is called.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sphere { .. } => "sphere",
            Self::Capsule { .. } => "capsule",
            Self::Cylinder { .. } => "cylinder",
            Self::Box { .. } => "box",
            Self::Ellipsoid { .. } => "ellipsoid",
            Self::Solid { .. } => "mesh",
            Self::Plane => "plane",
            Self::HeightField => "height field",
        }
    }

    /// Volume, m^3; planes and height fields have none.
    pub fn volume(&self) -> f64 {
        match *self {
            Self::Sphere { radius } => 4.0 / 3.0 * PI * radius.powi(3),
            Self::Capsule { radius, half_length } => {
                PI * radius.powi(2) * (2.0 * half_length + 4.0 / 3.0 * radius)
            }
            Self::Cylinder { radius, half_length } => PI * radius.powi(2) * 2.0 * half_length,
            Self::Box { half: [a, b, c] } => 8.0 * a * b * c,
            Self::Ellipsoid { half: [a, b, c] } => 4.0 / 3.0 * PI * a * b * c,
            Self::Solid { volume, .. } => volume,
            Self::Plane | Self::HeightField => 0.0,
        }
    }

    /// Principal moments of inertia about the centre, along the frame's axes, of a homogeneous solid of mass 1, m^2.
    pub fn unit_inertia(&self) -> [f64; 3] {
        match *self {
            Self::Sphere { radius } => [0.4 * radius * radius; 3],
            Self::Capsule { radius: r, half_length } => {
                let h = 2.0 * half_length;
                let balls = 4.0 / 3.0 * r / (4.0 / 3.0 * r + h);
                let tube = 1.0 - balls;
                let across = tube * (3.0 * r * r + h * h) / 12.0
                    + balls * (0.4 * r * r + h * (3.0 * r + 2.0 * h) / 8.0);
                [across, across, tube * r * r / 2.0 + balls * 0.4 * r * r]
            }
            Self::Cylinder { radius: r, half_length } => {
                let across = (3.0 * r * r + 4.0 * half_length * half_length) / 12.0;
                [across, across, r * r / 2.0]
            }
            Self::Box { half } => pairs(half).map(|s| s / 3.0),
            Self::Ellipsoid { half } => pairs(half).map(|s| s / 5.0),
            Self::Solid { unit_inertia, .. } => unit_inertia,
            Self::Plane | Self::HeightField => [0.0; 3],
        }
    }

    /// Whether every size is finite and positive.
    pub fn is_proper(&self) -> bool {
        let positive = |x: &f64| x.is_finite() && *x > 0.0;
        match self {
            Self::Sphere { radius } => positive(radius),
            Self::Capsule { radius, half_length } | Self::Cylinder { radius, half_length } => {
                positive(radius) && positive(half_length)
            }
            Self::Box { half } | Self::Ellipsoid { half } => half.iter().all(positive),
            Self::Solid { volume, unit_inertia } => {
                positive(volume) && unit_inertia.iter().all(positive)
            }
            Self::Plane | Self::HeightField => true,
        }
    }
}

fn pairs([a, b, c]: [f64; 3]) -> [f64; 3] {
    [b * b + c * c, a * a + c * c, a * a + b * b]
}
