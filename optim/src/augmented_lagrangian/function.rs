//! The augmented Lagrangian as an objective.
//!
//! `L(x) = f(x) + rho/2 |c/s + lambda/rho - P(c/s + lambda/rho)|^2`, `P` the projection onto the limits in units of the
//! constraints' scales `s`: the function of Powell, Hestenes and Rockafellar without its constant. Where `f` is a sum of squares so
//! is `L`.

use cotangent_problem::{
    Capabilities, ConstraintValues, Constraints, Evaluation, Objective, SampleKey, TermValue,
    TrialFailure, Want, Workspace,
};

/// Name of the share of the value that stands for the constraints.
pub(crate) const PENALTY: &str = "augmented Lagrangian of the constraints";

/// `L`.
pub(crate) struct Lagrangian<'a> {
    pub objective: &'a dyn Objective,
    pub constraints: &'a dyn Constraints,
    /// `s`.
    pub scales: &'a [f64],
    /// `lambda`.
    pub multipliers: &'a [f64],
    /// `rho`.
    pub penalty: f64,
}

#[derive(Default)]
struct Workspaces {
    objective: Workspace,
    constraints: Workspace,
}

/// Values of the constraints, with the lengths and the numbers that the contract promises.
pub(crate) fn constraints_at(
    constraints: &dyn Constraints,
    x: &[f64],
    jacobian: bool,
    key: SampleKey,
    ws: &mut Workspace,
) -> Result<ConstraintValues, TrialFailure> {
    let found = constraints.evaluate(x, jacobian, key, ws)?;
    let (m, n) = (constraints.constraints().len(), x.len());
    let name = |k: usize| format!("the constraint `{}`", constraints.constraints()[k].name);
    let entries = found.jacobian.as_ref().map_or(0, Vec::len);
    if found.values.len() != m || (jacobian && entries != m * n) {
        let message = format!(
            "{m} constraints of {n} parameters gave {} values and {entries} derivatives",
            found.values.len()
        );
        return Err(TrialFailure::Contract(message));
    }
    if let Some(k) = found.values.iter().position(|c| !c.is_finite()) {
        return Err(TrialFailure::NonFinite { what: name(k) });
    }
    if let Some(k) = found.jacobian.iter().flatten().position(|j| !j.is_finite()) {
        return Err(TrialFailure::NonFinite { what: format!("a derivative of {}", name(k / n)) });
    }
    Ok(found)
}

impl Lagrangian<'_> {
    /// `c/s + lambda/rho - P(c/s + lambda/rho)` for each constraint.
    pub(crate) fn excess(&self, values: &[f64]) -> Vec<f64> {
        let list = self.constraints.constraints().iter().zip(values);
        list.enumerate()
            .map(|(k, (constraint, c))| {
                let shift = self.multipliers[k] / self.penalty;
                let shifted = c + shift * self.scales[k];
                (shifted - constraint.nearest(shifted)) / self.scales[k]
            })
            .collect()
    }
}

impl Objective for Lagrangian<'_> {
    fn dim(&self) -> usize {
        self.objective.dim()
    }

    fn capabilities(&self) -> Capabilities {
        let own = self.objective.capabilities();
        let residuals = own.residuals.map(|m| m + self.constraints.constraints().len());
        Capabilities { residuals, hvp: false, ..own }
    }

    fn evaluate(
        &self,
        x: &[f64],
        want: Want,
        key: SampleKey,
        ws: &mut Workspace,
    ) -> Result<Evaluation, TrialFailure> {
        let both = ws.get_or_insert_with(Workspaces::default);
        let mut found = self.objective.evaluate(x, want, key, &mut both.objective)?;
        let slopes = want.gradient || want.jacobian;
        let constraints = constraints_at(self.constraints, x, slopes, key, &mut both.constraints)?;
        let excess = self.excess(&constraints.values);
        let penalty = 0.5 * self.penalty * excess.iter().map(|e| e * e).sum::<f64>();
        found.value += penalty;
        found.terms.push(TermValue { name: PENALTY.into(), value: penalty });
        let root = self.penalty.sqrt();
        if let Some(residuals) = &mut found.residuals {
            residuals.extend(excess.iter().map(|e| root * e));
        }
        let rows = constraints.jacobian.unwrap_or_default();
        for ((row, e), s) in rows.chunks_exact(x.len().max(1)).zip(&excess).zip(self.scales) {
            if let Some(gradient) = &mut found.gradient {
                let weight = self.penalty * e / s;
                gradient.iter_mut().zip(row).for_each(|(g, j)| *g += weight * j);
            }
            if let Some(jacobian) = &mut found.jacobian {
                // within the limits the residual does not move
                let weight = if *e == 0.0 { 0.0 } else { root / s };
                jacobian.extend(row.iter().map(|j| weight * j));
            }
        }
        Ok(found)
    }
}
