//! Building tendons.

use super::constraint::check_line;
use super::error::named;
use super::{BuildError, ModelBuilder, TendonSpec, check, finite, not_negative, proper_range};
use crate::model::{Line, Tendon, TendonPart};

impl ModelBuilder {
    /// Adds a fixed tendon. Returns its index.
    ///
    /// # Errors
    /// A name that exists, numbers that are not finite, no joint, a joint of more than one coordinate.
    ///
    /// # Panics
    /// Where there is no such joint.
    pub fn tendon(&mut self, spec: &TendonSpec) -> Result<usize, BuildError> {
        self.unique("tendons", &spec.name)?;
        let of = &named("tendon", &spec.name);
        not_negative("stiffness", of, &[spec.stiffness])?;
        not_negative("damping", of, &[spec.damping])?;
        not_negative("friction", of, &[spec.friction_loss])?;
        proper_range("range", of, spec.range)?;
        if spec.joints.is_empty() {
            return Err(BuildError::EmptyTendon(spec.name.clone()));
        }
        let (mut parts, mut at_rest) = (vec![], 0.0);
        for (joint, coefficient) in &spec.joints {
            finite("coefficient", of, &[*coefficient])?;
            let joint = &self.model.joints[*joint];
            if joint.v.1 != 1 {
                let (what, joint, nv) = ("a part of a tendon", joint.name.clone(), joint.v.1);
                return Err(BuildError::NotScalar { what, joint, nv });
            }
            at_rest += coefficient * self.model.parameters.rest[joint.v.0];
            parts.push(TendonPart { dof: joint.v.0, q_at: joint.q.0, coefficient: *coefficient });
        }
        parts.sort_by_key(|part: &TendonPart| part.dof);
        parts.dedup_by(|next, part| {
            let same = next.dof == part.dof;
            part.coefficient += if same { next.coefficient } else { 0.0 };
            same
        });
        let rest = spec.rest.unwrap_or([at_rest; 2]);
        finite("rest length", of, &rest)?;
        check("rest length", of, &[rest[1] - rest[0]], "in order", |x| x >= 0.0)?;
        check_line(of, spec.stop, &spec.friction)?;
        let (name, range) = (spec.name.clone(), spec.range);
        self.model.tendons.push(Tendon { name, parts, rest, range });
        let line = Line::Tendon(self.model.tendons.len() - 1);
        self.constrain_line(line, (range, spec.stop), (spec.friction_loss, spec.friction));
        self.model.parameters.tendon_stiffness.push(spec.stiffness);
        self.model.parameters.tendon_damping.push(spec.damping);
        Ok(self.model.tendons.len() - 1)
    }
}
