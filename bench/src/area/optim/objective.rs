//! A residual function as an objective.

use cotangent_problem::{
    Capabilities, Evaluation, Objective, SampleKey, TrialFailure, Want, Workspace,
};

use super::Function;

/// `1/2 |r|^2`.
pub(super) struct Residuals<'a> {
    pub function: &'a dyn Function,
    pub n: usize,
    pub m: usize,
}

impl Objective for Residuals<'_> {
    fn dim(&self) -> usize {
        self.n
    }
    fn capabilities(&self) -> Capabilities {
        Capabilities { gradient: true, residuals: Some(self.m), ..Default::default() }
    }
    fn evaluate(
        &self,
        x: &[f64],
        want: Want,
        _: SampleKey,
        _: &mut Workspace,
    ) -> Result<Evaluation, TrialFailure> {
        let r = self.function.residuals(x);
        let jacobian = (want.jacobian || want.gradient).then(|| self.function.jacobian(x));
        let gradient = jacobian.as_ref().filter(|_| want.gradient).map(|jacobian| {
            let mut gradient = vec![0.0; self.n];
            for (r, row) in r.iter().zip(jacobian.chunks_exact(self.n)) {
                gradient.iter_mut().zip(row).for_each(|(g, j)| *g += r * j);
            }
            gradient
        });
        Ok(Evaluation {
            value: 0.5 * r.iter().map(|r| r * r).sum::<f64>(),
            gradient,
            jacobian: jacobian.filter(|_| want.jacobian),
            residuals: want.residuals.then_some(r),
            ..Default::default()
        })
    }
}
