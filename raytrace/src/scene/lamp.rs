//! Lights without extent: points, spots, and directions from which light arrives in parallel.
//!
//! A point lamp of intensity `I` gives a surface at the distance `r` the irradiance `I cos / r^2`. A spot's intensity is `I` times
//! `t^2 (3 - 2 t)`, `t = (cos(theta) - cos(outer)) / (cos(inner) - cos(outer))` within `[0, 1]`: it fades smoothly between two
//! angles to its axis, so that its cone has no edge. A distant lamp of irradiance `I` shines along its direction.

use super::SceneError;
use crate::geometry::{Rgb, V3, length};

/// Where a lamp is and how it shines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LampKind {
    /// From a point, to all sides.
    Point {
        /// The point.
        position: [f64; 3],
    },
    /// From a point, within a cone.
    Spot {
        /// The point.
        position: [f64; 3],
        /// The cone's axis, away from the lamp; its length does not matter.
        direction: [f64; 3],
        /// Angles to the axis up to which it shines in full, and from which it does not shine; radians.
        cone: [f64; 2],
    },
    /// From infinitely far away.
    Distant {
        /// The way of the light; its length does not matter.
        direction: [f64; 3],
    },
}

/// A lamp in the scene.
#[derive(Clone, Debug, PartialEq)]
pub struct SceneLamp {
    /// Name, the middle part of `light.NAME.intensity`.
    pub name: String,
    /// Where it is and how it shines.
    pub kind: LampKind,
    /// Power per solid angle; of a distant lamp the irradiance of a surface across its light.
    pub intensity: Rgb,
}

impl SceneLamp {
    /// Whether it shines anywhere.
    pub(super) fn check(&self) -> Result<(), SceneError> {
        let refuse = |why| Err(SceneError::Lamp { name: self.name.clone(), why });
        if let Some(axis) = self.kind.direction() {
            let size = V3::from(axis).norm_squared();
            if !(size > 0.0 && size.is_finite()) {
                return refuse("its direction must not be zero");
            }
        }
        match self.kind {
            LampKind::Spot { cone: [inner, outer], .. }
                if !(inner >= 0.0 && inner < outer && outer <= std::f64::consts::PI) =>
            {
                refuse(
                    "the angles of its cone must be 0 <= inner < outer <= 180 degrees: a cone with a sharp border is not \
                     followed when it moves",
                )
            }
            _ => Ok(()),
        }
    }
}

impl LampKind {
    /// The place of it, where it has one.
    pub fn position(&self) -> Option<[f64; 3]> {
        match *self {
            Self::Point { position } | Self::Spot { position, .. } => Some(position),
            Self::Distant { .. } => None,
        }
    }

    /// The direction of it, where it has one.
    pub fn direction(&self) -> Option<[f64; 3]> {
        match *self {
            Self::Point { .. } => None,
            Self::Spot { direction, .. } | Self::Distant { direction } => Some(direction),
        }
    }
}

/// Cotangents of a lamp, and of the difference from a lit point to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LampBar {
    pub(crate) d: V3,
    pub(crate) direction: V3,
    pub(crate) cone: [f64; 2],
}

impl LampKind {
    /// From a point to the lamp; of a distant one the unit vector against its light.
    #[inline]
    pub(crate) fn towards(&self, x: V3) -> V3 {
        match *self {
            Self::Point { position } | Self::Spot { position, .. } => V3::from(position) - x,
            Self::Distant { direction } => {
                let a = V3::from(direction);
                -a * length(a).recip()
            }
        }
    }

    /// Share of the intensity that leaves against `d`, and its derivatives by the cosine to the axis and by the cone's angles.
    #[inline]
    fn profile(&self, d: V3) -> (f64, f64, [f64; 2]) {
        let Self::Spot { direction, cone, .. } = *self else { return (1.0, 0.0, [0.0; 2]) };
        let axis = V3::from(direction);
        let cos = -d.dot(axis) / (length(d) * length(axis));
        let [inner, outer] = cone.map(f64::cos);
        let t = (cos - outer) / (inner - outer);
        if t <= 0.0 {
            return (0.0, 0.0, [0.0; 2]);
        }
        if t >= 1.0 {
            return (1.0, 0.0, [0.0; 2]);
        }
        let slope = 6.0 * t * (1.0 - t) / (inner - outer);
        // d cos(angle) = - sin(angle)
        let by_cone = [slope * t * cone[0].sin(), slope * (1.0 - t) * cone[1].sin()];
        (t * t * (3.0 - 2.0 * t), slope, by_cone)
    }

    /// What multiplies intensity and response at `d` from the lit point to the lamp: `profile / |d|^3`, 1 of a distant lamp.
    #[inline]
    pub(crate) fn factor(&self, d: V3) -> f64 {
        match self {
            Self::Distant { .. } => 1.0,
            _ => self.profile(d).0 / (d.norm_squared() * length(d)),
        }
    }

    /// Cotangents for the cotangent of the factor, where `d_bar` is known of everything else.
    pub(crate) fn pullback(&self, d: V3, factor_bar: f64, d_bar: V3) -> LampBar {
        match *self {
            Self::Distant { direction } => {
                let (a, size) = (V3::from(direction), length(V3::from(direction)));
                let along = a * (a.dot(d_bar) / (size * size));
                let direction = (d_bar - along) * -size.recip();
                LampBar { d: V3::zero(), direction, cone: [0.0; 2] }
            }
            Self::Point { .. } => {
                let d_bar = d_bar + self.by_distance(d, factor_bar);
                LampBar { d: d_bar, direction: V3::zero(), cone: [0.0; 2] }
            }
            Self::Spot { direction, .. } => {
                let (_, by_cos, by_cone) = self.profile(d);
                let (a, r) = (V3::from(direction), length(d));
                let size = length(a);
                let (e, axis) = (d * r.recip(), a * size.recip());
                let bar = factor_bar / (r * r * r);
                let cos = -e.dot(axis);
                // d cos = -(axis . de + e . d axis)
                let by_d = (axis + e * cos) * (-bar * by_cos / r);
                let by_axis = (e + axis * cos) * (-bar * by_cos / size);
                LampBar {
                    d: d_bar + self.by_distance(d, factor_bar) + by_d,
                    direction: by_axis,
                    cone: by_cone.map(|c| c * bar),
                }
            }
        }
    }

    fn by_distance(&self, d: V3, factor_bar: f64) -> V3 {
        d * (-3.0 * self.factor(d) * factor_bar / d.norm_squared())
    }
}
