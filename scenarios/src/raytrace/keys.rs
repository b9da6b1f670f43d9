//! What the keys of a scene may be.

use crate::keys::Kind;

pub(super) const INF: f64 = f64::INFINITY;
pub(super) const POINT: Kind = Kind::Numbers { unit: "", min: -INF, max: INF };
pub(super) const ANGLES: Kind = Kind::Numbers { unit: "rad", min: -INF, max: INF };
pub(super) const ALBEDO: Kind = Kind::Numbers { unit: "", min: 0.0, max: 1.0 };
pub(super) const RADIANCE: Kind = Kind::Numbers { unit: "", min: 0.0, max: INF };
pub(super) const fn number(unit: &'static str, min: f64, max: f64) -> Kind {
    Kind::Number { unit, min, max }
}
