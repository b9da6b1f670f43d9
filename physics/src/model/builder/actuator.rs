//! Building actuators.

use super::error::named;
use super::{
    ActivationSpec, ActuatorSpec, BuildError, Drive, ModelBuilder, check, finite, proper_range,
};
use cotangent_ad::Vec3;

use crate::model::{Activation, Actuator, Thrust, Transmission};
use crate::spatial::Force;

impl ModelBuilder {
    /// Adds a motor on a hinge or slide: an actuator with `f = u`. Returns its index.
    ///
    /// # Errors
    /// As [`ModelBuilder::actuator`]'s; a joint of more than one coordinate.
    ///
    /// # Panics
    /// Where there is no such joint.
    pub fn motor(
        &mut self,
        name: &str,
        joint: usize,
        gear: f64,
        range: Option<[f64; 2]>,
    ) -> Result<usize, BuildError> {
        let driven = &self.model.joints[joint];
        if driven.v.1 != 1 {
            let (what, joint, nv) = ("a single gear", driven.name.clone(), driven.v.1);
            return Err(BuildError::NotScalar { what, joint, nv });
        }
        let gear = [gear, 0.0, 0.0, 0.0, 0.0, 0.0];
        self.actuator(&ActuatorSpec {
            gear,
            range,
            ..ActuatorSpec::motor(name, Drive::Joint(joint))
        })
    }

    /// Adds an actuator. Returns its index.
    ///
    /// # Errors
    /// A name that exists, numbers that are not finite, a gear of length 0 on a ball or free joint or at a site.
    ///
    /// # Panics
    /// Where there is no such joint, tendon or site.
    pub fn actuator(&mut self, spec: &ActuatorSpec) -> Result<usize, BuildError> {
        self.unique("actuators", &spec.name)?;
        let of = &named("actuator", &spec.name);
        finite("gear", of, &spec.gear)?;
        finite("gain", of, &spec.gain)?;
        finite("bias", of, &spec.bias)?;
        proper_range("control range", of, spec.range)?;
        proper_range("force range", of, spec.force_range)?;
        if let Some(activation) = &spec.activation {
            let time_constant = [activation.time_constant];
            check("time constant", of, &time_constant, "positive", |x| x > 0.0)?;
            proper_range("range of the activation", of, activation.range)?;
        }
        let (transmission, gear) = self.transmission(spec)?;
        let servo = [spec.gain, spec.bias].iter().any(|x| x[1] != 0.0 || x[2] != 0.0);
        let [[gain, g1, g2], [_, stiffness, _]] = [spec.gain, spec.bias];
        let to_position = [g1, g2, gain + stiffness].iter().all(|x| x.abs() <= 0.0) && gain != 0.0;
        let wraps = to_position && matches!(transmission, Transmission::Ball { .. });
        let at = self.model.na();
        let activation = spec
            .activation
            .map(|ActivationSpec { law, range, early, .. }| Activation { law, range, early, at });
        self.model.actuators.push(Actuator {
            name: spec.name.clone(),
            transmission,
            range: spec.range,
            activation,
            force_range: spec.force_range,
            servo,
            wraps,
        });
        let p = &mut self.model.parameters;
        p.gear.push(gear);
        p.gain.push(spec.gain);
        p.bias.push(spec.bias);
        p.time_constant.push(spec.activation.map_or(1.0, |a| a.time_constant));
        Ok(self.model.actuators.len() - 1)
    }

    /// Adds a force and a torque in the axes of a site.
    fn thrust(&mut self, site: usize, [fx, fy, fz, tx, ty, tz]: [f64; 6]) {
        let (link, placement) = (self.model.sites[site].link, self.model.sites[site].placement);
        let turned = |x| placement.rotation * Vec3(x);
        let pushed = Force::at(placement.translation, turned([fx, fy, fz]));
        let wrench = Force { angular: pushed.angular + turned([tx, ty, tz]), ..pushed };
        let before = |d: &usize| self.model.dof_parent[*d];
        let mut dofs: Vec<usize> =
            std::iter::successors(self.model.last_dof(link), before).collect();
        dofs.reverse();
        self.model.thrusts.push(Thrust { site, link, wrench, dofs, at: 0 });
    }

    /// How its force reaches the coordinates, and the gear along it.
    fn transmission(&mut self, spec: &ActuatorSpec) -> Result<(Transmission, f64), BuildError> {
        let length = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
        let (transmission, gear) = match spec.drive {
            Drive::Tendon(tendon) => {
                assert!(tendon < self.model.tendons.len(), "no tendon {tendon}");
                (Transmission::Tendon(tendon), spec.gear[0])
            }
            Drive::Site(site) => {
                let gear = length(&spec.gear);
                self.thrust(site, spec.gear.map(|x| x / gear));
                (Transmission::Site(self.model.thrusts.len() - 1), gear)
            }
            Drive::Joint(joint) => {
                let joint = &self.model.joints[joint];
                let (dof, q_at) = (joint.v.0, joint.q.0);
                match joint.v.1 {
                    1 => (Transmission::Coordinate { dof, q_at }, spec.gear[0]),
                    3 => {
                        let torque = [spec.gear[0], spec.gear[1], spec.gear[2]];
                        let gear = length(&torque);
                        let direction = torque.map(|x| x / gear);
                        (Transmission::Ball { link: joint.link, direction }, gear)
                    }
                    _ => {
                        let gear = length(&spec.gear);
                        let direction = spec.gear.map(|x| x / gear);
                        (Transmission::Free { dof, direction }, gear)
                    }
                }
            }
        };
        let directed = matches!(
            transmission,
            Transmission::Ball { .. } | Transmission::Free { .. } | Transmission::Site(_)
        );
        if directed && gear == 0.0 {
            return Err(BuildError::ZeroGear(spec.name.clone()));
        }
        Ok((transmission, gear))
    }
}
