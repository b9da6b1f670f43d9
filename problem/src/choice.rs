//! Which entries of which inputs are free.
//!
//! The free numbers `x` set entries of the picked inputs `u`; the others keep their present values:
//!
//! ```text
//! u = u_0 + S x,      S_{e,j} = 1 where entry e follows free number j, else 0
//! ```
//!
//! One number may set many entries: a control that is held over an interval, a value that several elements share.

use thiserror::Error;

use crate::quantity::Quantity;
use crate::simulation::Simulation;
use crate::space::{Parameter, Space, SpaceError};

/// A free parameter: what it is, where it starts, and what it sets.
#[derive(Clone, Debug, PartialEq)]
pub struct Free {
    /// Name, unit, shape, bounds, scale and transform.
    pub parameter: Parameter,
    /// Where it starts, before the seed moves it; one number for each entry.
    pub start: Vec<f64>,
    /// How far the seed moves the start ([`Space::spread`]).
    pub spread: f64,
    /// For each entry of the parameter the entries of inputs that follow it: `(input, entry)`.
    pub sets: Vec<Vec<(usize, usize)>>,
}

impl Free {
    /// All entries of input `index` of a simulation, one free number each, from their present values.
    pub fn whole(index: usize, quantity: &Quantity) -> Self {
        let sets = (0..quantity.len()).map(|k| vec![(index, k)]).collect();
        Self { parameter: like(quantity), start: quantity.value.clone(), spread: 0.0, sets }
    }
}

/// A parameter with a quantity's name, unit, shape, bounds, scale and transform.
fn like(q: &Quantity) -> Parameter {
    Parameter {
        name: q.name.clone(),
        unit: q.unit.clone(),
        shape: q.shape.clone(),
        lower: q.lower.clone(),
        upper: q.upper.clone(),
        scale: q.scale,
        transform: q.transform,
        is_position: q.is_position,
    }
}

/// Why a choice makes no sense.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ChoiceError {
    /// The parameters contradict themselves or each other.
    #[error(transparent)]
    Space(#[from] SpaceError),
    /// An entry of an input would follow two numbers.
    #[error("`{input}`, entry {entry}, is chosen by `{first}` and by `{second}`")]
    Twice {
        /// The input.
        input: String,
        /// The entry.
        entry: usize,
        /// The parameter that has it.
        first: String,
        /// The parameter that wants it too.
        second: String,
    },
}

/// The free numbers, and how they set the inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    free: Vec<Free>,
    space: Space,
    /// Picked inputs, ascending.
    inputs: Vec<usize>,
    /// Their present entries, `u_0` where nothing follows.
    base: Vec<f64>,
    /// `(entry of u, entry of x)`.
    links: Vec<(usize, usize)>,
}

impl Choice {
    /// The choice of `free` among the inputs of `simulation`.
    ///
    /// # Errors
    /// [`ChoiceError`].
    ///
    /// # Panics
    /// Where `free` names an input or an entry that does not exist, or starts with another number of entries.
    pub fn new(simulation: &dyn Simulation, free: Vec<Free>) -> Result<Self, ChoiceError> {
        let space = Space::new(free.iter().map(|f| f.parameter.clone()).collect())?;
        let quantities = simulation.inputs();
        let touched =
            |f: &Free| f.sets.iter().flatten().map(|(input, _)| *input).collect::<Vec<_>>();
        let mut inputs: Vec<usize> = free.iter().flat_map(touched).collect();
        inputs.sort_unstable();
        inputs.dedup();
        let mut offsets = vec![usize::MAX; quantities.len()];
        let mut base = Vec::new();
        for &input in &inputs {
            offsets[input] = base.len();
            base.extend_from_slice(&quantities[input].value);
        }
        let mut owner: Vec<Option<usize>> = vec![None; base.len()];
        let (mut links, mut first) = (Vec::new(), 0);
        for (k, f) in free.iter().enumerate() {
            assert_eq!(
                f.start.len(),
                f.sets.len(),
                "a start for each entry of {}",
                f.parameter.name
            );
            for (j, &(input, entry)) in
                f.sets.iter().enumerate().flat_map(|(j, set)| set.iter().map(move |s| (j, s)))
            {
                let position = offsets[input] + entry;
                if let Some(other) = owner[position].replace(k) {
                    return Err(ChoiceError::Twice {
                        input: quantities[input].name.clone(),
                        entry,
                        first: free[other].parameter.name.clone(),
                        second: f.parameter.name.clone(),
                    });
                }
                links.push((position, first + j));
            }
            first += f.sets.len();
        }
        Ok(Self { free, space, inputs, base, links })
    }

    /// The free parameters.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// The free parameters with what they set.
    pub fn free(&self) -> &[Free] {
        &self.free
    }

    /// The picked inputs, by position, ascending: what [`Simulation::map`] is asked for.
    pub fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    /// Which entry of the picked inputs follows which free number: `(entry of u, entry of x)`.
    pub(crate) fn links(&self) -> &[(usize, usize)] {
        &self.links
    }

    /// Number of free numbers.
    pub fn dim(&self) -> usize {
        self.space.dim()
    }

    /// The start of a seed: that of each parameter, moved by its spread.
    pub fn start(&self, seed: u64) -> Vec<f64> {
        let start: Vec<f64> = self.free.iter().flat_map(|f| f.start.iter().copied()).collect();
        let spread: Vec<f64> = self.free.iter().map(|f| f.spread).collect();
        self.space.spread(&start, &spread, seed)
    }

    /// `u = u_0 + S x`: the entries of the picked inputs.
    pub fn scatter(&self, x: &[f64]) -> Vec<f64> {
        let mut u = self.base.clone();
        self.links.iter().for_each(|&(position, j)| u[position] = x[j]);
        u
    }

    /// `S x_dot`.
    pub fn push(&self, x_dot: &[f64]) -> Vec<f64> {
        let mut u_dot = vec![0.0; self.base.len()];
        self.links.iter().for_each(|&(position, j)| u_dot[position] = x_dot[j]);
        u_dot
    }

    /// `S^T u_bar`.
    pub fn pull(&self, u_bar: &[f64]) -> Vec<f64> {
        let mut x_bar = vec![0.0; self.dim()];
        self.links.iter().for_each(|&(position, j)| x_bar[j] += u_bar[position]);
        x_bar
    }
}
