//! Building sensors.

use super::error::named;
use super::{BuildError, ModelBuilder, check};
use crate::model::{Model, Reading, Sensor, Shape, Sight, Tie};

impl ModelBuilder {
    /// How rays see a geom, by index; without it they see it whole, planes without end, and of a [`Shape::Solid`] and a [`Shape::HeightField`] no
    /// facets: a model with rangefinders that might meet such a one is refused.
    ///
    /// # Panics
    /// Where there is no such geom.
    pub fn sight(&mut self, geom: usize, sight: Sight) {
        self.model.sights[geom] = sight;
    }

    /// Adds a sensor. `cutoff`: the greatest size of its numbers. Returns its index.
    ///
    /// # Errors
    /// A name that exists; what it is of has not one coordinate, or not three; a cutoff that is not positive, or of an axis or a quaternion.
    ///
    /// # Panics
    /// Where there is no such joint, tendon or actuator.
    pub fn sensor(
        &mut self,
        name: &str,
        reading: Reading,
        cutoff: Option<f64>,
    ) -> Result<usize, BuildError> {
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
        let of = &named("sensor", name);
        let sense = |c: f64| c > 0.0 && !reading.is_direction();
        check("cutoff", of, cutoff.as_slice(), "positive, and not of a direction", sense)?;
        self.model.sensors.push(Sensor { name: name.into(), reading, cutoff });
        Ok(self.model.sensors.len() - 1)
    }
}

/// What a sensor of the force between `body` and the body that carries it would leave out: it knows nothing of the forces of ties and of
/// tendons from site to site on the bodies that it carries, and nothing of a body that stands still.
pub(crate) fn unmeasured(model: &Model, body: usize) -> Option<&'static str> {
    if model.bodies[body].link.is_none() {
        return Some("what stands still");
    }
    let carried = |of: usize| {
        let above = |b: &usize| model.bodies[*b].parent;
        std::iter::successors(Some(of), above).any(|b| b == body)
    };
    let bodies = (body..model.bodies.len()).filter(|b| carried(*b));
    let links: Vec<_> = bodies.map(|b| model.bodies[b].link).collect();
    let pieces = || model.tendons.iter().flat_map(|t| &t.pieces);
    let mut ends = pieces().flat_map(|p| &p.ends).map(|end| end.link);
    let mut windings = pieces().filter_map(|p| p.winding.map(|w| w.link));
    if ends.any(|link| links.contains(&link)) || windings.any(|link| links.contains(&link)) {
        return Some("what a spatial tendon pulls");
    }
    let tied = |tie: &Tie| tie.ends.iter().filter_map(|end| end.body).any(carried);
    model.ties.iter().any(tied).then_some("what is tied to another body")
}

/// Whether a ray from a body may meet what has a surface that is not known.
pub(crate) fn sees_the_unknown(model: &Model, body: Option<usize>) -> bool {
    let by_facets = |shape: &Shape| matches!(shape, Shape::Solid { .. } | Shape::HeightField);
    let mut geoms = model.geoms.iter().zip(&model.sights);
    geoms.any(|(geom, sight)| {
        by_facets(&geom.shape) && sight.facets.is_none() && geom.body != body && sight.seen
    })
}

/// Whether all sensors of forces between bodies know all forces there, and all rays all surfaces.
pub(super) fn all_known(model: &Model) -> Result<(), BuildError> {
    for sensor in &model.sensors {
        let of = match sensor.reading {
            Reading::Interaction { body, .. } => unmeasured(model, body),
            Reading::Range { body, .. } if sees_the_unknown(model, body) => {
                Some("what a surface that is not known may hide")
            }
            _ => None,
        };
        if let Some(of) = of {
            return Err(BuildError::Unmeasured { sensor: sensor.name.clone(), of });
        }
    }
    Ok(())
}
