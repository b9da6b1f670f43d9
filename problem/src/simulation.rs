//! A simulation as a differentiable map from named inputs to named outputs.
//!
//! A [`Simulation`] says what goes in and what comes out. [`Simulation::map`] picks some of both; the [`Map`] that it returns
//! computes and differentiates only what was picked, and owns what it needs. A [`Map::run`] is one forward run, and the
//! [`Linearised`] that it returns is asked for derivatives as often as is wanted.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use crate::failure::TrialFailure;
use crate::key::SampleKey;
use crate::objective::{Switch, Workspace};
use crate::quantity::Quantity;
use crate::trajectory::Trajectory;

/// Why a map or a value was refused.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum MapError {
    /// There is no such input or output.
    #[error("there is no {role} number {index}; there are {count}")]
    Index {
        /// `input` or `output`.
        role: &'static str,
        /// What was picked.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// A derivative was picked that does not exist.
    #[error("`{name}` cannot be differentiated: {why}")]
    NotDifferentiable {
        /// The input or output.
        name: String,
        /// The reason.
        why: String,
    },
    /// A value does not fit.
    #[error("`{name}`: {why}")]
    Value {
        /// The input.
        name: String,
        /// What is wrong.
        why: String,
    },
}

/// What a run keeps besides its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Nothing: derivatives will not be asked for.
    Values,
    /// What derivatives need.
    Linearisation,
}

/// What a run will cost, said before it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cost {
    /// What is done, in words with numbers: `300 steps of 5 coordinates`.
    pub work: String,
    /// Memory at the most, bytes.
    pub bytes: u64,
}

/// A differentiable map from named inputs to named outputs.
pub trait Simulation: Send + Sync + fmt::Debug {
    /// Everything that goes in, with its present values.
    fn inputs(&self) -> &[Quantity];

    /// Everything that may come out.
    fn outputs(&self) -> &[Quantity];

    /// Gives an input other present values, one for each entry, without making it free.
    ///
    /// # Errors
    /// [`MapError`]: no such input, a wrong length, values that have no meaning.
    fn fix(&mut self, input: usize, value: &[f64]) -> Result<(), MapError>;

    /// An initial value of an input by its name, such as controls that hold a start still.
    fn initial(&self, input: usize, name: &str) -> Option<Vec<f64>> {
        let _ = (input, name);
        None
    }

    /// The names that [`Self::initial`] knows for an input.
    fn initial_names(&self, input: usize) -> &[&str] {
        let _ = input;
        &[]
    }

    /// The map from these inputs to these outputs, both by position, each at most once. Inputs that are not picked stay at
    /// their present values.
    ///
    /// # Errors
    /// [`MapError`]: no such input or output; no derivative by an input or of an output where `differentiated`.
    fn map(
        self: Arc<Self>,
        inputs: &[usize],
        outputs: &[usize],
        differentiated: bool,
    ) -> Result<Box<dyn Map>, MapError>;
}

/// `y = f(x)`: `x` the entries of the picked inputs, `y` those of the picked outputs, each in the order of the picks.
pub trait Map: Send + Sync {
    /// Number of entries of the picked inputs, `n`.
    fn input_len(&self) -> usize;

    /// Number of entries of the picked outputs, `m`.
    fn output_len(&self) -> usize;

    /// What a run costs.
    fn plan(&self, keep: Keep) -> Cost;

    /// Whether the outputs depend on the key.
    fn is_stochastic(&self) -> bool {
        false
    }

    /// Whether [`Linearised::second`] gives something.
    fn has_second(&self) -> bool {
        false
    }

    /// The states that the outputs are seen of, where these follow each other by steps with controls of their own.
    ///
    /// # Errors
    /// Why there are none.
    fn trajectory(&self) -> Result<Box<dyn Trajectory + '_>, String> {
        Err("its outputs are not those of states that follow each other".into())
    }

    /// One forward run at `x` (`n` entries).
    ///
    /// A stochastic map draws by `key`, the same draws for values and derivatives of this run.
    ///
    /// # Errors
    /// A [`TrialFailure`] where the outputs have no value.
    fn run<'a>(
        &'a self,
        x: &[f64],
        keep: Keep,
        key: SampleKey,
        ws: &mut Workspace,
    ) -> Result<Box<dyn Linearised + 'a>, TrialFailure>;
}

/// The outputs of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values {
    /// Entries of the picked outputs, `m`.
    pub entries: Vec<f64>,
    /// Their standard errors, where the map is stochastic.
    pub standard_errors: Option<Vec<f64>>,
    /// Discrete states that the entries depend on; the same names in the same order at every point.
    pub switches: Vec<Switch>,
}

/// A run that can be asked for derivatives. `J` is the `m x n` Jacobian at its point.
pub trait Linearised {
    /// The outputs.
    fn values(&self) -> &Values;

    /// `J^T y_bar` of each cotangent (`m` entries); `n` entries each.
    ///
    /// # Errors
    /// A [`TrialFailure`] where a derivative is not finite or does not exist.
    fn pullback(&self, cotangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure>;

    /// `J x_dot` of each tangent (`n` entries); `m` entries each.
    ///
    /// # Errors
    /// As [`Self::pullback`].
    fn pushforward(&self, tangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure>;

    /// Rows of `J D`, where the columns of `D` are `directions` (`n` entries each): calls `into(row, entries)` for each of
    /// `rows` in turn. It takes the mode with fewer sweeps.
    ///
    /// # Errors
    /// As [`Self::pullback`].
    fn jacobian_rows(
        &self,
        rows: &[usize],
        directions: &[Vec<f64>],
        into: &mut dyn FnMut(usize, &[f64]),
    ) -> Result<(), TrialFailure> {
        if directions.len() <= rows.len() {
            let tangents: Vec<&[f64]> = directions.iter().map(Vec::as_slice).collect();
            let columns = self.pushforward(&tangents)?;
            for &row in rows {
                into(row, &columns.iter().map(|column| column[row]).collect::<Vec<_>>());
            }
            return Ok(());
        }
        let m = self.values().entries.len();
        // a block of cotangents at a time, so that memory is bounded by the block
        for block in rows.chunks(16) {
            let unit = |row: usize| (0..m).map(|k| f64::from(u8::from(k == row))).collect();
            let units: Vec<Vec<f64>> = block.iter().map(|row| unit(*row)).collect();
            let cotangents: Vec<&[f64]> = units.iter().map(Vec::as_slice).collect();
            for (row, by_input) in block.iter().zip(self.pullback(&cotangents)?) {
                let dot = |d: &Vec<f64>| d.iter().zip(&by_input).map(|(d, g)| d * g).sum::<f64>();
                into(*row, &directions.iter().map(dot).collect::<Vec<_>>());
            }
        }
        Ok(())
    }

    /// `d/dt J(x + t x_dot)^T y_bar` at `t = 0`: the second derivative of `<y_bar, f>` along `x_dot`. `None` where the map
    /// has no second derivatives.
    fn second(&self, y_bar: &[f64], x_dot: &[f64]) -> Option<Result<Vec<f64>, TrialFailure>> {
        let _ = (y_bar, x_dot);
        None
    }
}

/// Checks that picks exist and, where `differentiated`, that each has a derivative.
///
/// # Errors
/// [`MapError`].
pub fn check_picks(
    simulation: &dyn Simulation,
    inputs: &[usize],
    outputs: &[usize],
    differentiated: bool,
) -> Result<(), MapError> {
    let check = |role, picks: &[usize], all: &[Quantity]| {
        for &index in picks {
            let count = all.len();
            let Some(quantity) = all.get(index) else {
                return Err(MapError::Index { role, index, count });
            };
            if let (true, Some(why)) = (differentiated, &quantity.not_differentiable) {
                let (name, why) = (quantity.name.clone(), why.clone());
                return Err(MapError::NotDifferentiable { name, why });
            }
        }
        Ok(())
    };
    check("input", inputs, simulation.inputs())?;
    check("output", outputs, simulation.outputs())
}

/// [`Simulation::fix`] of a simulation whose quantities hold all that it knows of its inputs.
///
/// # Errors
/// [`MapError::Index`] without such an input, [`MapError::Value`] for a value that [`check_value`] refuses.
pub fn fix_quantity(inputs: &mut [Quantity], input: usize, value: &[f64]) -> Result<(), MapError> {
    let count = inputs.len();
    let Some(quantity) = inputs.get_mut(input) else {
        return Err(MapError::Index { role: "input", index: input, count });
    };
    check_value(quantity, value)?;
    quantity.value = value.to_vec();
    Ok(())
}

/// Checks that `entries`, which a message calls `what`, are as many as they must be.
///
/// # Errors
/// [`TrialFailure::Contract`].
pub fn check_len(what: &str, entries: &[f64], len: usize) -> Result<(), TrialFailure> {
    if entries.len() == len {
        return Ok(());
    }
    Err(TrialFailure::Contract(format!("{what} has {} entries instead of {len}", entries.len())))
}

/// Checks a value for [`Simulation::fix`]: its length, and that it is finite and within the quantity's bounds.
///
/// # Errors
/// [`MapError::Value`].
pub fn check_value(quantity: &Quantity, value: &[f64]) -> Result<(), MapError> {
    let refuse = |why: String| Err(MapError::Value { name: quantity.name.clone(), why });
    if value.len() != quantity.len() {
        return refuse(format!("it has {} entries, {} were given", quantity.len(), value.len()));
    }
    for (k, v) in value.iter().enumerate() {
        let (lower, upper) = (quantity.lower[k], quantity.upper[k]);
        if !(v.is_finite() && *v >= lower && *v <= upper) {
            return refuse(format!("entry {k} is {v}, outside [{lower}, {upper}]"));
        }
    }
    Ok(())
}
