//! Positions and orientations.

use cotangent_ad::{Mat3, Pose, Quat, Vec3};

use super::attributes::Attributes;
use super::error::{MjcfError, Problem};

/// How angles are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Angles {
    /// Radians in a unit of the file.
    pub(super) unit: f64,
    /// Axes of Euler angles: lower case turns with the body, upper case stays.
    pub(super) sequence: [char; 3],
}

/// The ways to write an orientation.
pub(super) const ORIENTATION: [&str; 5] = ["quat", "axisangle", "euler", "xyaxes", "zaxis"];

/// The pose that `pos` and an orientation give.
pub(super) fn pose(a: &Attributes<'_>, angles: Angles) -> Result<Pose<f64>, MjcfError> {
    let translation = Vec3(a.array::<3>("pos")?.unwrap_or_default());
    Ok(Pose { rotation: rotation(a, angles)?, translation })
}

fn rotation(a: &Attributes<'_>, angles: Angles) -> Result<Mat3<f64>, MjcfError> {
    let mut given = ORIENTATION.iter().filter(|name| a.has(name));
    let first = given.next();
    if let (Some(first), Some(second)) = (first, given.next()) {
        return Err(a.error(second, Problem::Both { first, second }));
    }
    let direction = |name: &str, v: [f64; 3]| {
        let length = Vec3(v).norm();
        if length > 1e-12 { Ok(Vec3(v) * length.recip()) } else { Err(zero(a, name)) }
    };
    if let Some(q) = a.array::<4>("quat")? {
        if Quat(q).norm_squared() < 1e-24 {
            return Err(zero(a, "quat"));
        }
        return Ok(Quat(q).normalized().to_mat());
    }
    if let Some([x, y, z, angle]) = a.array::<4>("axisangle")? {
        let axis = direction("axisangle", [x, y, z])?;
        return Ok(Quat::from_axis_angle(axis, angle * angles.unit).to_mat());
    }
    if let Some(turns) = a.array::<3>("euler")? {
        let mut q = Quat::identity();
        for (axis, turn) in angles.sequence.iter().zip(turns) {
            let k = match axis.to_ascii_lowercase() {
                'x' => 0,
                'y' => 1,
                _ => 2,
            };
            let own = Quat::from_axis_angle(Vec3::unit(k), turn * angles.unit);
            q = if axis.is_ascii_lowercase() { q * own } else { own * q };
        }
        return Ok(q.to_mat());
    }
    if let Some([a0, a1, a2, b0, b1, b2]) = a.array::<6>("xyaxes")? {
        let x = direction("xyaxes", [a0, a1, a2])?;
        let y = Vec3([b0, b1, b2]);
        let y = direction("xyaxes", (y - x * x.dot(y)).0)?;
        return Ok(Mat3::from_columns(x, y, x.cross(y)));
    }
    if let Some(z) = a.array::<3>("zaxis")? {
        return Ok(turn_z_to(direction("zaxis", z)?));
    }
    Ok(Mat3::identity())
}

fn zero(a: &Attributes<'_>, name: &str) -> MjcfError {
    let value = a.text(name).unwrap_or_default().to_owned();
    let expected = "a direction that is not zero".into();
    a.error(name, Problem::Numbers { attribute: name.into(), value, expected })
}

/// The least rotation that takes z to a unit vector.
fn turn_z_to(to: Vec3<f64>) -> Mat3<f64> {
    let z = Vec3::unit(2);
    let axis = z.cross(to);
    let (sin, cos) = (axis.norm(), z.dot(to));
    if sin < 1e-10 {
        return if cos > 0.0 { Mat3::identity() } else { Mat3::diagonal([1.0, -1.0, -1.0]) };
    }
    Quat::from_axis_angle(axis * sin.recip(), sin.atan2(cos)).to_mat()
}

/// The pose between the two ends of `fromto`, z along it, and half the distance; `None` where there is no `fromto`. It
/// wins over a position and an orientation, as MuJoCo lets it.
pub(super) fn between(a: &Attributes<'_>) -> Result<Option<(Pose<f64>, f64)>, MjcfError> {
    let Some([a0, a1, a2, b0, b1, b2]) = a.array::<6>("fromto")? else { return Ok(None) };
    let (from, to) = (Vec3([a0, a1, a2]), Vec3([b0, b1, b2]));
    let length = (to - from).norm();
    if length < 1e-12 {
        return Err(zero(a, "fromto"));
    }
    // MuJoCo's z points from the second end to the first
    let rotation = turn_z_to((from - to) * length.recip());
    Ok(Some((Pose { rotation, translation: (from + to) * 0.5 }, length / 2.0)))
}
