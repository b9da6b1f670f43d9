//! Values of a simulation's outputs where its inputs have given ones: what pictures of an answer are drawn from.

use std::sync::Arc;

use crate::{Keep, SampleKey, Simulation, Workspace};

/// A simulation with every input at these values.
///
/// # Errors
/// An input that cannot have its value.
pub fn with_inputs<S: Simulation + Clone>(
    simulation: &S,
    inputs: &[Vec<f64>],
) -> Result<S, String> {
    let mut simulation = simulation.clone();
    let mut fixed = inputs.iter().enumerate().map(|(k, value)| simulation.fix(k, value));
    fixed.try_for_each(|done| done).map_err(|e| e.to_string())?;
    Ok(simulation)
}

/// The entries of each of these outputs, where the inputs are as they stand.
///
/// # Errors
/// The simulation has no value there.
pub fn output_values<S: Simulation>(
    simulation: &Arc<S>,
    outputs: &[usize],
) -> Result<Vec<Vec<f64>>, String> {
    let map = Arc::clone(simulation).map(&[], outputs, false).map_err(|e| e.to_string())?;
    let run = map.run(&[], Keep::Values, SampleKey(0), &mut Workspace::new());
    let run = run.map_err(|e| e.to_string())?;
    let mut entries = run.values().entries.iter().copied();
    let lengths = outputs.iter().map(|k| simulation.outputs()[*k].len());
    Ok(lengths.map(|len| entries.by_ref().take(len).collect()).collect())
}
