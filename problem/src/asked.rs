//! The objective that a simulation, a choice of its inputs and terms on its outputs make.
//!
//! ```text
//! F(x) = sum_t value_t(f(u_0 + S x)),      dF/dx = S^T J^T sum_t dvalue_t/dy
//! ```
//!
//! # Stochastic maps
//!
//! With `y` drawn anew, `E[dF] = E[J^T] E[dvalue/dy]` only if both factors are independent, so values and derivatives are of
//! two draws under keys of their own. A squared difference of an estimate with variance `s^2` is too large by `s^2`; the
//! value is corrected for it, and for distances of groups without tolerance. Other losses keep a bias of the order of the
//! variance, which vanishes with the number of samples.

use std::sync::Arc;

use crate::choice::Choice;
use crate::failure::TrialFailure;
use crate::key::SampleKey;
use crate::objective::{Capabilities, Evaluation, Objective, TermValue, Want, Workspace};
use crate::simulation::{Keep, Linearised, Map, MapError, Simulation, Values};
use crate::staged;
use crate::stages::{InStages, NoStages};
use crate::term::{Misfit, Term};

/// The objective of a simulation's map and of what is asked of its outputs.
pub struct Asked {
    map: Box<dyn Map>,
    /// Picked outputs, by position.
    outputs: Vec<usize>,
    choice: Choice,
    terms: Vec<Term>,
    differentiated: bool,
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asked").field("terms", &self.terms.len()).finish_non_exhaustive()
    }
}

impl Asked {
    /// The sum of `terms` over these outputs, as a function of the chosen inputs. It has no gradient where
    /// `differentiated` is false.
    ///
    /// # Errors
    /// What [`Simulation::map`] refuses.
    ///
    /// # Panics
    /// Where a term names an entry that the outputs do not have.
    pub fn new(
        simulation: Arc<dyn Simulation>,
        choice: Choice,
        outputs: &[usize],
        terms: Vec<Term>,
        differentiated: bool,
    ) -> Result<Self, MapError> {
        let map = simulation.map(choice.inputs(), outputs, differentiated)?;
        let m = map.output_len();
        let known = terms.iter().flat_map(|t| &t.entries).all(|e| *e < m);
        assert!(known, "terms name entries of the outputs");
        Ok(Self { map, outputs: outputs.to_vec(), choice, terms, differentiated })
    }

    /// The map.
    pub fn map(&self) -> &dyn Map {
        self.map.as_ref()
    }

    /// The outputs that terms may speak of, by position in the simulation, in the order of the map.
    pub fn picked(&self) -> &[usize] {
        &self.outputs
    }

    /// The choice of inputs.
    pub fn choice(&self) -> &Choice {
        &self.choice
    }

    /// The terms.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// The outputs at `x`, without derivatives.
    ///
    /// # Errors
    /// A [`TrialFailure`] where they have no value.
    pub fn outputs(
        &self,
        x: &[f64],
        key: SampleKey,
        ws: &mut Workspace,
    ) -> Result<Values, TrialFailure> {
        let run = self.map.run(&self.choice.scatter(x), Keep::Values, value_key(key), ws)?;
        Ok(run.values().clone())
    }

    fn has_residuals(&self) -> bool {
        self.terms.iter().all(|t| t.loss.is_square())
    }

    fn residual_count(&self) -> usize {
        self.terms.iter().map(Term::groups).sum()
    }

    /// Refuses outputs that are not finite where a term speaks of them: a misfit of NaN would cost nothing.
    fn check_finite(&self, y: &[f64]) -> Result<(), TrialFailure> {
        for term in &self.terms {
            if term.entries.iter().any(|e| !y[*e].is_finite()) {
                return Err(TrialFailure::NonFinite {
                    what: format!("an output of `{}`", term.label),
                });
            }
        }
        Ok(())
    }

    /// Value, its parts, its standard error, and what was wanted of the residuals' values.
    fn valued(&self, values: &Values, want: Want) -> Evaluation {
        let y = &values.entries;
        let term_value = |t: &Term| TermValue {
            name: t.label.clone(),
            value: t.value(y) - excess(t, values.standard_errors.as_deref()),
        };
        let terms: Vec<TermValue> = self.terms.iter().map(term_value).collect();
        let standard_error = values.standard_errors.as_ref().map(|errors| {
            let y_bar = self.output_cotangent(y);
            let squares = y_bar.iter().zip(errors).map(|(bar, e)| (bar * e).powi(2));
            squares.sum::<f64>().sqrt()
        });
        Evaluation {
            value: terms.iter().map(|t| t.value).sum(),
            residuals: want.residuals.then(|| self.residuals(y)),
            standard_error,
            terms,
            switches: values.switches.clone(),
            ..Evaluation::default()
        }
    }

    fn output_cotangent(&self, y: &[f64]) -> Vec<f64> {
        let mut y_bar = vec![0.0; y.len()];
        self.terms.iter().for_each(|t| t.pull(y, &mut y_bar));
        y_bar
    }

    fn residuals(&self, y: &[f64]) -> Vec<f64> {
        let of_term = |t: &Term| {
            (0..t.groups()).map(|g| t.residual_factor(g) * t.misfit(y, g).0).collect::<Vec<_>>()
        };
        self.terms.iter().flat_map(of_term).collect()
    }

    /// Derivatives of each residual by the outputs: entries and factors.
    fn residual_rows(&self, y: &[f64]) -> Vec<Vec<(usize, f64)>> {
        let of_group = |t: &Term, g: usize| {
            let (_, slopes) = t.misfit(y, g);
            let entries = &t.entries[g * t.group..];
            slopes.iter().zip(entries).map(|(s, e)| (*e, s * t.residual_factor(g))).collect()
        };
        let of_term = |t: &Term| (0..t.groups()).map(|g| of_group(t, g)).collect::<Vec<_>>();
        self.terms.iter().flat_map(of_term).collect()
    }

    /// Jacobian of the residuals by `x`, row-major, in the mode with fewer sweeps.
    fn jacobian(&self, y: &[f64], run: &dyn Linearised) -> Result<Vec<f64>, TrialFailure> {
        let (n, rows) = (self.choice.dim(), self.residual_rows(y));
        if n <= rows.len() {
            let unit = |j: usize| (0..n).map(|k| f64::from(u8::from(k == j))).collect::<Vec<_>>();
            let tangents: Vec<Vec<f64>> = (0..n).map(|j| self.choice.push(&unit(j))).collect();
            let tangents: Vec<&[f64]> = tangents.iter().map(Vec::as_slice).collect();
            let columns = run.pushforward(&tangents)?;
            let entry = |row: &Vec<(usize, f64)>, column: &Vec<f64>| {
                row.iter().map(|(e, factor)| factor * column[*e]).sum::<f64>()
            };
            return Ok(rows
                .iter()
                .flat_map(|r| columns.iter().map(move |c| entry(r, c)))
                .collect());
        }
        let mut jacobian = Vec::with_capacity(rows.len() * n);
        for block in rows.chunks(16) {
            let cotangent = |row: &Vec<(usize, f64)>| {
                let mut y_bar = vec![0.0; y.len()];
                row.iter().for_each(|(e, factor)| y_bar[*e] += *factor);
                y_bar
            };
            let cotangents: Vec<Vec<f64>> = block.iter().map(cotangent).collect();
            let cotangents: Vec<&[f64]> = cotangents.iter().map(Vec::as_slice).collect();
            for by_input in run.pullback(&cotangents)? {
                jacobian.extend(self.choice.pull(&by_input));
            }
        }
        Ok(jacobian)
    }
}

/// Key of the draw that values are of.
fn value_key(key: SampleKey) -> SampleKey {
    key.child("value", 0)
}

/// Key of the draw that derivatives are of.
fn derivative_key(key: SampleKey) -> SampleKey {
    key.child("derivative", 0)
}

/// By how much the expectation of a term's squares exceeds the squares of the expectation.
fn excess(term: &Term, standard_errors: Option<&[f64]>) -> f64 {
    let unbiased = matches!(term.misfit, Misfit::Difference)
        || matches!(term.misfit, Misfit::Distance { tolerance } if tolerance <= 0.0);
    let Some(errors) = standard_errors.filter(|_| term.loss.is_square() && unbiased) else {
        return 0.0;
    };
    let of_entry = |(k, e): (usize, &usize)| {
        0.5 * term.weights[k / term.group] * (errors[*e] / term.scale).powi(2)
    };
    term.weight * term.entries.iter().enumerate().map(of_entry).sum::<f64>()
}

impl Objective for Asked {
    fn dim(&self) -> usize {
        self.choice.dim()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            gradient: self.differentiated,
            residuals: (self.differentiated && self.has_residuals()).then(|| self.residual_count()),
            hvp: self.differentiated && self.map.has_second(),
            stochastic: self.map.is_stochastic(),
        }
    }

    fn evaluate(
        &self,
        x: &[f64],
        want: Want,
        key: SampleKey,
        ws: &mut Workspace,
    ) -> Result<Evaluation, TrialFailure> {
        self.check(x, want)?;
        let u = self.choice.scatter(x);
        let derivatives = want.gradient || want.jacobian;
        if !derivatives {
            let run = self.map.run(&u, Keep::Values, value_key(key), ws)?;
            self.check_finite(&run.values().entries)?;
            return Ok(self.valued(run.values(), want));
        }
        let stochastic = self.map.is_stochastic();
        let values = stochastic
            .then(|| self.map.run(&u, Keep::Values, value_key(key), ws).map(|r| r.values().clone()))
            .transpose()?;
        let draw = if stochastic { derivative_key(key) } else { value_key(key) };
        let run = self.map.run(&u, Keep::Linearisation, draw, ws)?;
        let values = values.unwrap_or_else(|| run.values().clone());
        self.check_finite(&values.entries)?;
        let mut evaluation = self.valued(&values, want);
        let y = &values.entries;
        if want.gradient {
            let by_input = run.pullback(&[&self.output_cotangent(y)])?;
            evaluation.gradient = by_input.first().map(|bar| self.choice.pull(bar));
        }
        if want.jacobian {
            evaluation.jacobian = Some(self.jacobian(y, run.as_ref())?);
        }
        Ok(evaluation)
    }

    fn hvp(
        &self,
        x: &[f64],
        v: &[f64],
        key: SampleKey,
        ws: &mut Workspace,
    ) -> Result<Vec<f64>, TrialFailure> {
        let refuse = || TrialFailure::Contract("this simulation has no second derivatives".into());
        if !self.capabilities().hvp {
            return Err(refuse());
        }
        let u_dot = self.choice.push(v);
        let run = self.map.run(&self.choice.scatter(x), Keep::Linearisation, value_key(key), ws)?;
        let y = &run.values().entries;
        let y_dot = run.pushforward(&[&u_dot])?.pop().unwrap_or_default();
        let mut y_bar_dot = vec![0.0; y.len()];
        self.terms.iter().for_each(|t| t.curvature(y, &y_dot, &mut y_bar_dot));
        // d(J^T y_bar) = J^T d(y_bar) + (dJ)^T y_bar
        let mut by_input = run.pullback(&[&y_bar_dot])?.pop().unwrap_or_default();
        let curved = run.second(&self.output_cotangent(y), &u_dot).ok_or_else(refuse)??;
        by_input.iter_mut().zip(curved).for_each(|(a, b)| *a += b);
        Ok(self.choice.pull(&by_input))
    }

    fn stages(&self) -> Result<InStages<'_>, NoStages> {
        let trajectory = self.map.trajectory().map_err(NoStages::NoTrajectory)?;
        staged::in_stages(trajectory, &self.choice, &self.terms)
    }
}

impl Asked {
    fn check(&self, x: &[f64], want: Want) -> Result<(), TrialFailure> {
        let refuse = |what: String| Err(TrialFailure::Contract(what));
        if x.len() != self.dim() {
            return refuse(format!("{} numbers are free, {} were given", self.dim(), x.len()));
        }
        if (want.residuals || want.jacobian) && !self.has_residuals() {
            return refuse("the terms are no sum of squares, so there are no residuals".into());
        }
        if (want.gradient || want.jacobian) && !self.differentiated {
            return refuse("this objective was made without derivatives".into());
        }
        Ok(())
    }
}
