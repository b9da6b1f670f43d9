//! Building sensors.

use super::{BuildError, ModelBuilder};
use crate::model::{Reading, Sensor};

impl ModelBuilder {
    /// Adds a sensor. Returns its index.
    ///
    /// # Errors
    /// A name that exists; what it is of has not one coordinate, or not three.
    ///
    /// # Panics
    /// Where there is no such joint, tendon or actuator.
    pub fn sensor(&mut self, name: &str, reading: Reading) -> Result<usize, BuildError> {
        self.unique("sensors", name)?;
        let joint = match reading {
            Reading::JointPosition(joint) | Reading::JointActuatorForce(joint) => Some((joint, 1)),
            Reading::BallOrientation(joint) => Some((joint, 3)),
            Reading::JointVelocity(joint) => Some((joint, self.model.joints[joint].v.1.min(3))),
            _ => None,
        };
        if let Some((joint, coordinates)) = joint {
            let joint = &self.model.joints[joint];
            if joint.v.1 != coordinates {
                let (what, joint, nv) = ("what a sensor measures", joint.name.clone(), joint.v.1);
                return Err(BuildError::NotScalar { what, joint, nv });
            }
        }
        self.model.sensors.push(Sensor { name: name.into(), reading });
        Ok(self.model.sensors.len() - 1)
    }
}
