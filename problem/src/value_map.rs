//! An objective as a map to one number, so that who holds maps holds objectives too.

use crate::failure::TrialFailure;
use crate::key::SampleKey;
use crate::objective::{Objective, Want, Workspace};
use crate::quantity::Quantity;
use crate::simulation::{Cost, Keep, Linearised, Map, Values};
use crate::space::Space;

/// `y = F(x)`: the parameters of a space to the value of an objective.
pub struct ValueMap<'a> {
    objective: &'a dyn Objective,
}

impl std::fmt::Debug for ValueMap<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ValueMap").field("dim", &self.objective.dim()).finish_non_exhaustive()
    }
}

impl<'a> ValueMap<'a> {
    /// The map of an objective.
    pub fn new(objective: &'a dyn Objective) -> Self {
        Self { objective }
    }

    /// The parameters of a space as quantities with these values, one for each entry.
    ///
    /// # Panics
    /// Where `x` has not as many entries as the space.
    pub fn inputs(space: &Space, x: &[f64]) -> Vec<Quantity> {
        let mut rest = x;
        let quantity = |p: &crate::Parameter| {
            let (own, after) = rest.split_at(p.len());
            rest = after;
            Quantity {
                lower: p.lower.clone(),
                upper: p.upper.clone(),
                scale: p.scale,
                transform: p.transform,
                ..Quantity::input(p.name.clone(), &p.unit, &p.shape, own.to_vec())
            }
        };
        space.parameters().iter().map(quantity).collect()
    }

    /// The value as an output.
    pub fn output() -> Quantity {
        Quantity::output("objective", "", &[]).about("the value that is minimised")
    }
}

impl Map for ValueMap<'_> {
    fn input_len(&self) -> usize {
        self.objective.dim()
    }

    fn output_len(&self) -> usize {
        1
    }

    fn plan(&self, _: Keep) -> Cost {
        Cost { work: "one evaluation of the objective".into(), bytes: 0 }
    }

    fn is_stochastic(&self) -> bool {
        self.objective.capabilities().stochastic
    }

    fn has_second(&self) -> bool {
        self.objective.capabilities().hvp
    }

    fn run<'a>(
        &'a self,
        x: &[f64],
        keep: Keep,
        key: SampleKey,
        ws: &mut Workspace,
    ) -> Result<Box<dyn Linearised + 'a>, TrialFailure> {
        let want = if keep == Keep::Linearisation { Want::GRADIENT } else { Want::VALUE };
        let found = self.objective.evaluate(x, want, key, ws)?;
        let values = Values {
            entries: vec![found.value],
            standard_errors: found.standard_error.map(|e| vec![e]),
            switches: found.switches,
        };
        let (objective, x) = (self.objective, x.to_vec());
        Ok(Box::new(Evaluated { objective, x, key, values, gradient: found.gradient }))
    }
}

/// An evaluation that can be asked on.
struct Evaluated<'a> {
    objective: &'a dyn Objective,
    x: Vec<f64>,
    key: SampleKey,
    values: Values,
    gradient: Option<Vec<f64>>,
}

impl Evaluated<'_> {
    fn gradient(&self) -> Result<&[f64], TrialFailure> {
        let refuse = || TrialFailure::Contract("this objective gives no gradient".into());
        self.gradient.as_deref().ok_or_else(refuse)
    }
}

impl Linearised for Evaluated<'_> {
    fn values(&self) -> &Values {
        &self.values
    }

    fn pullback(&self, cotangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        let gradient = self.gradient()?;
        Ok(cotangents.iter().map(|bar| gradient.iter().map(|g| g * bar[0]).collect()).collect())
    }

    fn pushforward(&self, tangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        let gradient = self.gradient()?;
        let along = |dot: &&[f64]| vec![gradient.iter().zip(*dot).map(|(g, d)| g * d).sum()];
        Ok(tangents.iter().map(along).collect())
    }

    fn second(&self, y_bar: &[f64], x_dot: &[f64]) -> Option<Result<Vec<f64>, TrialFailure>> {
        if !self.objective.capabilities().hvp {
            return None;
        }
        let product = self.objective.hvp(&self.x, x_dot, self.key, &mut Workspace::new());
        Some(product.map(|h| h.iter().map(|h| h * y_bar[0]).collect()))
    }
}
