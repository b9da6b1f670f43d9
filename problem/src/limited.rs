//! Constraints on outputs of a simulation and on the free numbers themselves.

use crate::asked::Asked;
use crate::constraint::{Constraint, ConstraintValues, Constraints};
use crate::failure::TrialFailure;
use crate::key::SampleKey;
use crate::objective::{Objective, Want, Workspace};

/// What a constraint speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An output: the residual of this number of the [`Asked`].
    Output(usize),
    /// A free number.
    Free(usize),
}

/// Constraints whose values are residuals of an [`Asked`] or free numbers, in physical units.
#[derive(Debug)]
pub struct Limited {
    /// A term for every constrained output: its difference from 0, with scale and weight 1.
    asked: Asked,
    constraints: Vec<Constraint>,
    subjects: Vec<Subject>,
}

impl Limited {
    /// Each constraint limits the subject of its number.
    ///
    /// # Panics
    /// Where there are not as many subjects as constraints, or one of them is a residual or number that there is not.
    pub fn new(asked: Asked, constraints: Vec<Constraint>, subjects: Vec<Subject>) -> Self {
        assert_eq!(constraints.len(), subjects.len(), "a subject for each constraint");
        let residuals = asked.capabilities().residuals.unwrap_or(0);
        let exists = |s: &Subject| match *s {
            Subject::Output(k) => k < residuals,
            Subject::Free(k) => k < asked.dim(),
        };
        assert!(subjects.iter().all(exists), "subjects are residuals and free numbers");
        Self { asked, constraints, subjects }
    }

    fn speaks_of_outputs(&self) -> bool {
        self.subjects.iter().any(|s| matches!(s, Subject::Output(_)))
    }
}

impl Constraints for Limited {
    fn constraints(&self) -> &[Constraint] {
        &self.constraints
    }

    fn evaluate(
        &self,
        x: &[f64],
        jacobian: bool,
        key: SampleKey,
        ws: &mut Workspace,
    ) -> Result<ConstraintValues, TrialFailure> {
        let n = x.len();
        let (mut residuals, mut rows) = (Vec::new(), Vec::new());
        if self.speaks_of_outputs() {
            let want = if jacobian { Want::JACOBIAN } else { Want::RESIDUALS };
            let found = self.asked.evaluate(x, want, key, ws)?;
            residuals = found.residuals.unwrap_or_default();
            rows = found.jacobian.unwrap_or_default();
        }
        let value = |s: &Subject| match *s {
            Subject::Output(k) => residuals[k],
            Subject::Free(k) => x[k],
        };
        let row = |s: &Subject| match *s {
            Subject::Output(k) => rows[k * n..(k + 1) * n].to_vec(),
            Subject::Free(k) => (0..n).map(|i| f64::from(u8::from(i == k))).collect(),
        };
        Ok(ConstraintValues {
            values: self.subjects.iter().map(value).collect(),
            jacobian: jacobian.then(|| self.subjects.iter().flat_map(row).collect()),
        })
    }
}
