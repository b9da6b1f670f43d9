//! Linear combinations of a simulation's outputs as outputs of their own: differences of energies, gaps between levels, distances of means.
//!
//! `y_c = sum_i w_i y_i` over whole outputs of one shape, or over single entries; its derivative is that of its parts.

use std::sync::Arc;

use crate::failure::TrialFailure;
use crate::key::SampleKey;
use crate::objective::Workspace;
use crate::quantity::Quantity;
use crate::simulation::{
    Cost, Keep, Linearised, Map, MapError, Simulation, Values, check_len, check_picks,
};

/// What counts in a combination, and how much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// Place of the output.
    pub output: usize,
    /// Its entry that counts; all of them, one by one, where there is none.
    pub entry: Option<usize>,
    /// Its weight.
    pub weight: f64,
}

/// A linear combination of outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Combination {
    /// Name of the output that it is.
    pub name: String,
    /// What it is made of; units and lengths are the same.
    pub parts: Vec<Part>,
}

/// A simulation with combinations of its outputs behind its own.
#[derive(Debug)]
pub struct Combined {
    inner: Arc<dyn Simulation>,
    outputs: Vec<Quantity>,
    combinations: Vec<Combination>,
}

impl Combined {
    /// Adds combinations to a simulation.
    ///
    /// # Errors
    /// [`MapError`]: a part that does not exist, or one that goes with the others neither in unit nor in length.
    pub fn new(
        inner: Box<dyn Simulation>,
        combinations: Vec<Combination>,
    ) -> Result<Self, MapError> {
        let inner: Arc<dyn Simulation> = Arc::from(inner);
        let mut outputs = inner.outputs().to_vec();
        for combination in &combinations {
            let quantity = quantity_of(combination, inner.outputs())?;
            outputs.push(quantity);
        }
        Ok(Self { inner, outputs, combinations })
    }
}

/// What a combination is: as its first part, without a derivative where a part has none.
fn quantity_of(combination: &Combination, outputs: &[Quantity]) -> Result<Quantity, MapError> {
    let refuse = |why: String| Err(MapError::Value { name: combination.name.clone(), why });
    let mut found: Option<Quantity> = None;
    for part in &combination.parts {
        let (index, count) = (part.output, outputs.len());
        let Some(of) = outputs.get(index) else {
            return Err(MapError::Index { role: "output", index, count });
        };
        let own = match part.entry {
            None => Quantity { name: combination.name.clone(), ..of.clone() },
            Some(entry) if entry < of.len() => {
                let single = Quantity::output(combination.name.clone(), &of.unit, &[]);
                Quantity { not_differentiable: of.not_differentiable.clone(), ..single }
            }
            Some(entry) => return refuse(format!("`{}` has no entry {entry}", of.name)),
        };
        let Some(sum) = &mut found else {
            found = Some(own.about("a linear combination of outputs"));
            continue;
        };
        if own.unit != sum.unit || own.shape != sum.shape {
            return refuse(format!(
                "`{}` is {:?} in \"{}\", its first part {:?} in \"{}\"",
                of.name, own.shape, own.unit, sum.shape, sum.unit
            ));
        }
        if sum.not_differentiable.is_none() {
            sum.not_differentiable = own.not_differentiable;
        }
    }
    match found {
        Some(found) => Ok(found),
        None => refuse("it has no part".into()),
    }
}

impl Simulation for Combined {
    fn inputs(&self) -> &[Quantity] {
        self.inner.inputs()
    }

    fn outputs(&self) -> &[Quantity] {
        &self.outputs
    }

    fn fix(&mut self, input: usize, value: &[f64]) -> Result<(), MapError> {
        let name = self.inner.inputs().get(input).map(|q| q.name.clone()).unwrap_or_default();
        match Arc::get_mut(&mut self.inner) {
            Some(inner) => inner.fix(input, value),
            None => Err(MapError::Value { name, why: "a map of it is in use".into() }),
        }
    }

    fn initial(&self, input: usize, name: &str) -> Option<Vec<f64>> {
        self.inner.initial(input, name)
    }

    fn initial_names(&self, input: usize) -> &[&str] {
        self.inner.initial_names(input)
    }

    fn map(
        self: Arc<Self>,
        inputs: &[usize],
        outputs: &[usize],
        differentiated: bool,
    ) -> Result<Box<dyn Map>, MapError> {
        check_picks(self.as_ref(), inputs, outputs, differentiated)?;
        let own = self.inner.outputs();
        // the outputs that are needed, and the first entry of each
        let mut needed: Vec<(usize, usize)> = Vec::new();
        let mut len = 0;
        let mut rows = Vec::new();
        for &output in outputs {
            let whole = [Part { output, entry: None, weight: 1.0 }];
            let parts = match output.checked_sub(own.len()) {
                Some(at) => self.combinations[at].parts.as_slice(),
                None => &whole,
            };
            let mut block = vec![Vec::new(); self.outputs[output].len()];
            for part in parts {
                let known = needed.iter().find(|(k, _)| *k == part.output).map(|(_, first)| *first);
                let first = known.unwrap_or(len);
                if known.is_none() {
                    needed.push((part.output, len));
                    len += own[part.output].len();
                }
                for (k, row) in block.iter_mut().enumerate() {
                    row.push((first + part.entry.unwrap_or(k), part.weight));
                }
            }
            rows.extend(block);
        }
        let needed: Vec<usize> = needed.into_iter().map(|(output, _)| output).collect();
        let inner = Arc::clone(&self.inner).map(inputs, &needed, differentiated)?;
        Ok(Box::new(CombinedMap { inner, rows }))
    }
}

/// Each entry of the picked outputs as entries of the inner map with weights.
type Rows = Vec<Vec<(usize, f64)>>;

struct CombinedMap {
    inner: Box<dyn Map>,
    rows: Rows,
}

impl Map for CombinedMap {
    fn input_len(&self) -> usize {
        self.inner.input_len()
    }

    fn output_len(&self) -> usize {
        self.rows.len()
    }

    fn plan(&self, keep: Keep) -> Cost {
        self.inner.plan(keep)
    }

    fn is_stochastic(&self) -> bool {
        self.inner.is_stochastic()
    }

    fn has_second(&self) -> bool {
        self.inner.has_second()
    }

    fn run<'a>(
        &'a self,
        x: &[f64],
        keep: Keep,
        key: SampleKey,
        ws: &mut Workspace,
    ) -> Result<Box<dyn Linearised + 'a>, TrialFailure> {
        let inner = self.inner.run(x, keep, key, ws)?;
        let found = inner.values();
        // parts of one run share its samples: their errors may add up
        let errors = found.standard_errors.as_ref().map(|errors| {
            let row = |row: &Vec<(usize, f64)>| row.iter().map(|(k, w)| w.abs() * errors[*k]).sum();
            self.rows.iter().map(row).collect()
        });
        let values = Values {
            entries: combine(&self.rows, &found.entries),
            standard_errors: errors,
            switches: found.switches.clone(),
        };
        Ok(Box::new(CombinedRun { inner, rows: &self.rows, values }))
    }
}

fn combine(rows: &Rows, y: &[f64]) -> Vec<f64> {
    // what counts not at all is no part, though it were infinite
    let row = |row: &Vec<(usize, f64)>| {
        row.iter().filter(|(_, w)| *w != 0.0).map(|(k, w)| w * y[*k]).sum()
    };
    rows.iter().map(row).collect()
}

struct CombinedRun<'a> {
    inner: Box<dyn Linearised + 'a>,
    rows: &'a Rows,
    values: Values,
}

impl CombinedRun<'_> {
    /// The transposed combination.
    fn spread(&self, y_bar: &[f64]) -> Result<Vec<f64>, TrialFailure> {
        check_len("the cotangent", y_bar, self.rows.len())?;
        let mut bar = vec![0.0; self.inner.values().entries.len()];
        for (row, y_bar) in self.rows.iter().zip(y_bar) {
            row.iter().for_each(|(k, w)| bar[*k] += w * y_bar);
        }
        Ok(bar)
    }
}

impl Linearised for CombinedRun<'_> {
    fn values(&self) -> &Values {
        &self.values
    }

    fn pullback(&self, cotangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        let spread: Vec<Vec<f64>> =
            cotangents.iter().map(|bar| self.spread(bar)).collect::<Result<_, _>>()?;
        self.inner.pullback(&spread.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    fn pushforward(&self, tangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        let found = self.inner.pushforward(tangents)?;
        Ok(found.iter().map(|y_dot| combine(self.rows, y_dot)).collect())
    }

    fn second(&self, y_bar: &[f64], x_dot: &[f64]) -> Option<Result<Vec<f64>, TrialFailure>> {
        match self.spread(y_bar) {
            Ok(bar) => self.inner.second(&bar, x_dot),
            Err(error) => Some(Err(error)),
        }
    }
}
