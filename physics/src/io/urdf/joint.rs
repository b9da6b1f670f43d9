//! `joint`: how a link moves against its parent, its limits and its motor.

use roxmltree::Node;

use super::{Robot, UrdfError, child};
use crate::model::{ActuatorSpec, Drive, JointSpec, Mobility, ModelBuilder, StopSpec};

impl<'a, 'd> Robot<'a, 'd> {
    pub(super) fn joint(&self, joint: Node<'d, 'a>) -> Result<Vec<JointSpec>, UrdfError> {
        let name = joint.attribute("name").unwrap_or_default();
        if let Some(mimic) = child(joint, "mimic") {
            return Err(self.error(mimic, format!("joint `{name}`: `mimic` is not supported")));
        }
        let axis = match child(joint, "axis") {
            Some(axis) => self.numbers(axis, "xyz")?.unwrap_or([1.0, 0.0, 0.0]),
            None => [1.0, 0.0, 0.0],
        };
        let kind = joint.attribute("type").unwrap_or_default();
        let mobility = match kind {
            "fixed" => return Ok(vec![]),
            "revolute" | "continuous" => Mobility::Hinge(axis),
            "prismatic" => Mobility::Slide(axis),
            "floating" => Mobility::Free,
            _ => {
                let message = format!(
                    "joint `{name}` is `{kind}`: fixed, revolute, continuous, prismatic or floating is supported"
                );
                return Err(self.error(joint, message));
            }
        };
        let mut spec = JointSpec::new(name, mobility);
        if let Some(dynamics) = child(joint, "dynamics") {
            spec.damping = self.number(dynamics, "damping")?.unwrap_or(0.0);
            spec.friction_loss = self.number(dynamics, "friction")?.unwrap_or(0.0);
        }
        if let Some(limit) = child(joint, "limit") {
            let bound = |name| self.number(limit, name).map(|x| x.unwrap_or(0.0));
            let range = [bound("lower")?, bound("upper")?];
            let limited = ["revolute", "prismatic"].contains(&kind) && range[0] < range[1];
            spec.range = limited.then_some(range);
            spec.stop = limited.then(StopSpec::default);
            let effort = bound("effort")?;
            spec.force_range = (is_scalar(&spec) && effort > 0.0).then_some([-effort, effort]);
        }
        Ok(vec![spec])
    }

    /// A motor on every hinge and slide, whose control is its force, within the joint's effort where that is limited.
    pub(super) fn motors(&self, builder: &mut ModelBuilder) -> Result<(), UrdfError> {
        let joints: Vec<_> = builder.so_far().joints().iter().enumerate().collect();
        let motor = |(k, joint): (usize, &crate::model::Joint)| ActuatorSpec {
            range: joint.force_range,
            ..ActuatorSpec::motor(&joint.name, Drive::Joint(k))
        };
        let motors: Vec<ActuatorSpec> =
            joints.into_iter().filter(|(_, joint)| joint.v.1 == 1).map(motor).collect();
        for spec in motors {
            let root = self.document.root_element();
            builder.actuator(&spec).map_err(|e| self.error(root, e.to_string()))?;
        }
        Ok(())
    }
}

fn is_scalar(spec: &JointSpec) -> bool {
    matches!(spec.mobility, Mobility::Hinge(_) | Mobility::Slide(_))
}
