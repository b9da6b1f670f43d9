//! Quantities: a bare number is in the key's unit, a text carries its own.

use cotangent_equations::unit::Units;

/// Factors to a dimension's base unit.
const UNITS: &[(&str, &str, f64)] = &[
    // length, in metres (bohr: CODATA 2018), so that decimal units stay exact
    ("m", "length", 1.0),
    ("cm", "length", 1e-2),
    ("mm", "length", 1e-3),
    ("nm", "length", 1e-9),
    ("angstrom", "length", 1e-10),
    ("pm", "length", 1e-12),
    ("bohr", "length", 5.291_772_109_03e-11),
    // energy, in hartree
    ("Ha", "energy", 1.0),
    ("mHa", "energy", 1e-3),
    ("eV", "energy", 1.0 / 27.211_386_245_988),
    ("kcal/mol", "energy", 1.0 / 627.509_474_063),
    ("kJ/mol", "energy", 1.0 / 2_625.499_639_479),
    // force on a nucleus and dipole moment, in atomic units
    ("Ha/bohr", "atomic force", 1.0),
    ("eV/angstrom", "atomic force", 0.529_177_210_903 / 27.211_386_245_988),
    ("e bohr", "dipole moment", 1.0),
    ("debye", "dipole moment", 0.393_430_269_5),
    // time, in seconds
    ("s", "time", 1.0),
    ("ms", "time", 1e-3),
    ("us", "time", 1e-6),
    ("min", "time", 60.0),
    // inverse time, in 1/s
    ("1/s", "rate", 1.0),
    ("Hz", "rate", 1.0),
    ("kHz", "rate", 1e3),
    ("1/ms", "rate", 1e3),
    ("1/min", "rate", 1.0 / 60.0),
    // speed and acceleration, in SI units
    ("m/s", "speed", 1.0),
    ("km/h", "speed", 1.0 / 3.6),
    ("m/s^2", "acceleration", 1.0),
    // angular speed, in rad/s
    ("rad/s", "angular speed", 1.0),
    ("deg/s", "angular speed", std::f64::consts::PI / 180.0),
    ("rpm", "angular speed", std::f64::consts::PI / 30.0),
    // mass and inertia, in SI units
    ("kg", "mass", 1.0),
    ("g", "mass", 1e-3),
    ("kg m^2", "moment of inertia", 1.0),
    ("m^2", "area", 1.0),
    ("cm^2", "area", 1e-4),
    // force, torque and what they are per length, angle and speed, in SI units
    ("N", "force", 1.0),
    ("mN", "force", 1e-3),
    ("kN", "force", 1e3),
    ("N m", "torque", 1.0),
    ("N/m", "stiffness", 1.0),
    ("N m/rad", "rotary stiffness", 1.0),
    ("N s/m", "damping", 1.0),
    ("N m s/rad", "rotary damping", 1.0),
    ("J", "mechanical energy", 1.0),
    // angle, in radians
    ("rad", "angle", 1.0),
    ("deg", "angle", std::f64::consts::PI / 180.0),
];

/// Why a quantity makes no sense.
#[derive(Clone, Debug, PartialEq)]
pub enum QuantityError {
    /// It is not a number followed by a unit.
    Malformed,
    /// The unit is not known; the nearest known one, if any.
    UnknownUnit(String, Option<&'static str>),
    /// The unit is of another dimension.
    WrongDimension(&'static str),
    /// The key takes a pure number.
    Dimensionless,
}

/// `"12 cm"` in `unit`.
///
/// # Errors
/// [`QuantityError`].
pub fn convert(text: &str, unit: &str) -> Result<f64, QuantityError> {
    let text = text.trim();
    let split = text.find(|c: char| c.is_whitespace()).unwrap_or(text.len());
    let (number, name) = text.split_at(split);
    let number: f64 = number.parse().map_err(|_| QuantityError::Malformed)?;
    let name = name.trim();
    if name.is_empty() {
        return Ok(number);
    }
    if name == unit {
        return Ok(number);
    }
    if unit.is_empty() {
        return Err(QuantityError::Dimensionless);
    }
    let find = |n: &str| UNITS.iter().find(|(u, ..)| *u == n);
    // products of powers that do not stand in the table, such as mg/(L h)
    if let (true, [Ok(given), Ok(wanted)]) = (
        find(name).is_none() || find(unit).is_none(),
        [name, unit].map(|u| Units::default().parse(u)),
    ) {
        let factor = given.conversion(&wanted);
        return factor
            .map(|f| number * f)
            .ok_or(QuantityError::WrongDimension("another dimension"));
    }
    let Some((_, dimension, factor)) = find(name) else {
        let nearest = crate::diagnostic::nearest(name, UNITS.iter().map(|(u, ..)| *u));
        return Err(QuantityError::UnknownUnit(name.into(), nearest));
    };
    match find(unit) {
        Some((_, wanted, base)) if wanted == dimension => Ok(number * factor / base),
        _ => Err(QuantityError::WrongDimension(dimension)),
    }
}

#[cfg(test)]
mod tests {
    use super::{QuantityError, convert};

    #[test]
    fn quantities_are_converted_and_other_dimensions_refused() {
        assert!((convert("1 angstrom", "bohr").unwrap() - 1.889_726_124_6).abs() < 1e-9);
        assert!((convert("27.211386245988 eV", "Ha").unwrap() - 1.0).abs() < 1e-15);
        assert_eq!(convert("2.5", "bohr"), Ok(2.5));
        assert_eq!(convert("5 mm", "m"), Ok(0.005));
        assert_eq!(convert("2 g/L", "mg/mL"), Ok(2.0));
        assert_eq!(convert("2 g/L", "mg"), Err(QuantityError::WrongDimension("another dimension")));
        assert_eq!(convert("2.5 eV", "bohr"), Err(QuantityError::WrongDimension("energy")));
        assert_eq!(
            convert("2 borh", "bohr"),
            Err(QuantityError::UnknownUnit("borh".into(), Some("bohr")))
        );
        assert_eq!(convert("two bohr", "bohr"), Err(QuantityError::Malformed));
        assert_eq!(convert("2 bohr", ""), Err(QuantityError::Dimensionless));
    }
}
