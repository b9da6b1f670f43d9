//! Building actuators.

use super::error::named;
use super::{
    ActivationSpec, ActuatorSpec, BuildError, Drive, ModelBuilder, check, finite, proper_range,
};
use cotangent_ad::{Pose, Vec3};

use crate::model::{Activation, Actuator, Crank, Mount, PieceEnd, Thrust, Transmission};

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
    /// A name that exists, numbers that are not finite, a gear of length 0 on a ball or free joint or at a site, a rod that is
    /// not positive.
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
        let turns = match transmission {
            Transmission::Ball { .. } => true,
            Transmission::Site(thrust) => {
                let thrust = &self.model.thrusts[thrust];
                thrust.against.is_some() && thrust.force == Vec3::zero()
            }
            _ => false,
        };
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
            wraps: to_position && turns,
        });
        let p = &mut self.model.parameters;
        p.gear.push(gear);
        p.gain.push(spec.gain);
        p.bias.push(spec.bias);
        p.time_constant.push(spec.activation.map_or(1.0, |a| a.time_constant));
        Ok(self.model.actuators.len() - 1)
    }

    fn site_mount(&self, site: usize) -> Mount {
        let site = &self.model.sites[site];
        Mount { link: site.link, placement: site.placement }
    }

    /// Adds a force and a torque at a site.
    fn thrust(&mut self, (site, against): (usize, Option<usize>), gear: [f64; 6]) -> Transmission {
        let world = Mount { link: None, placement: Pose::identity() };
        let other = against.map_or(world, |site| self.site_mount(site));
        let mounts = [self.site_mount(site), other];
        let moving = mounts.map(|mount| self.dofs_of([mount.link]));
        let dofs_of = |side: usize| {
            let other = &moving[1 - side];
            moving[side].iter().filter(|d| !other.contains(d)).map(move |d| (*d, side))
        };
        let mut dofs: Vec<_> = dofs_of(0).chain(dofs_of(1)).collect();
        dofs.sort_unstable();
        let (dofs, sides) = dofs.into_iter().unzip();
        let [fx, fy, fz, tx, ty, tz] = gear;
        let (force, torque) = (Vec3([fx, fy, fz]), Vec3([tx, ty, tz]));
        self.model.thrusts.push(Thrust {
            site,
            against,
            mounts,
            force,
            torque,
            dofs,
            sides,
            at: 0,
        });
        Transmission::Site(self.model.thrusts.len() - 1)
    }

    /// Adds a slider-crank.
    fn crank(&mut self, crank: usize, slider: usize, rod: f64) -> Transmission {
        let (end, mount) = (self.site_mount(crank), self.site_mount(slider));
        let dofs = self.dofs_of([end.link, mount.link]);
        let end = PieceEnd { link: end.link, point: end.placement.translation };
        self.model.cranks.push(Crank { crank, slider, rod, end, mount, dofs, at: 0 });
        Transmission::SliderCrank(self.model.cranks.len() - 1)
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
                (self.thrust((site, None), spec.gear.map(|x| x / gear)), gear)
            }
            Drive::SiteAgainst { site, other } => {
                let gear = length(&spec.gear);
                (self.thrust((site, Some(other)), spec.gear.map(|x| x / gear)), gear)
            }
            Drive::SliderCrank { crank, slider, rod } => {
                let of = &named("actuator", &spec.name);
                check("length of the rod", of, &[rod], "positive", |x| x > 0.0)?;
                (self.crank(crank, slider, rod), spec.gear[0])
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
