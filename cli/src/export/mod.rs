//! The answer of a run in formats of other programs: numbers as CSV and NPY, bodies as glTF, both and volumes as VTK,
//! volumes as cube files.

mod cube;
pub(crate) mod gltf;
mod npy;
mod vtk;

use std::path::Path;

use clap::ValueEnum;
use cotangent_answer::Look;
use cotangent_problem::{Keep, Quantity, SampleKey, Workspace};
use cotangent_scenarios::diagnostic::Diagnostic;
use cotangent_scenarios::{self as scenario, Loaded};
use thiserror::Error;

use crate::run::{HarnessError, Record};

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Export {
    /// Outputs as tables, one for each axis.
    Csv,
    /// Outputs as arrays of NumPy, with an index of names, units and axes.
    Npy,
    /// Bodies over time, outputs along their axes, and densities in space, for ParaView and others.
    Vtk,
    /// Densities and orbitals in space as Gaussian's cube files, for programs that draw molecules.
    Cube,
    /// Bodies over time as one file, for viewers and Blender.
    Gltf,
}

/// Why a run cannot be exported.
#[derive(Debug, Error)]
pub enum ExportError {
    /// A file of the run.
    #[error(transparent)]
    Run(#[from] HarnessError),
    /// Its scenario does not load.
    #[error("the scenario of the run cannot be loaded")]
    Scenario(Vec<Diagnostic>),
    /// The kind has nothing to show in this format.
    #[error("{0}")]
    Nothing(&'static str),
    /// The simulation has no value at the answer.
    #[error("the simulation has no value at the answer: {0}")]
    Value(String),
}

/// The outputs of an answer: quantities, and their entries one after the other.
struct Outputs {
    quantities: Vec<Quantity>,
    entries: Vec<f64>,
}

impl Outputs {
    /// Each quantity with its entries.
    fn each(&self) -> impl Iterator<Item = (&Quantity, &[f64])> {
        let mut rest = self.entries.as_slice();
        self.quantities.iter().map(move |quantity| {
            let (own, after) = rest.split_at(quantity.len());
            rest = after;
            (quantity, own)
        })
    }
}

/// Which outputs a format has a place for.
fn has_place(format: Export, quantity: &Quantity) -> bool {
    match format {
        Export::Csv | Export::Npy => true,
        Export::Vtk => quantity.axis.is_some(),
        Export::Gltf | Export::Cube => false,
    }
}

/// Moments of a motion in a file at most.
const MOMENTS: usize = 1001;

/// A name that is fit for a file.
fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || "-_.[]".contains(c) { c } else { '_' };
    name.replace('"', "").chars().map(plain).collect()
}

/// The answer of the run in `folder` in each of these formats: files in `export/`, relative to the folder.
///
/// # Errors
/// [`ExportError`].
pub fn export(folder: &Path, formats: &[Export]) -> Result<Vec<(String, Vec<u8>)>, ExportError> {
    if formats.is_empty() {
        return Ok(Vec::new());
    }
    let (loaded, x) = answer(folder, &Record::read(folder)?)?;
    let mut files = Vec::new();
    for format in formats {
        let own = of_answer(&loaded, &x, *format)?;
        files.extend(own.into_iter().map(|(name, bytes)| (format!("export/{name}"), bytes)));
    }
    Ok(files)
}

/// The scenario of the run in `folder`, and its answer.
fn answer(folder: &Path, record: &Record) -> Result<(Loaded, Vec<f64>), ExportError> {
    let resolved = folder.join("resolved.toml");
    let loaded = scenario::load_text(&resolved, &record.resolved, &[]);
    let x = record.found.iter().flat_map(|p| p.value.iter().copied()).collect();
    Ok((loaded.map_err(ExportError::Scenario)?, x))
}

/// What there is to see of the answer of the run in `folder`.
///
/// # Errors
/// [`ExportError`].
pub fn looks(folder: &Path, record: &Record) -> Result<Vec<Look>, ExportError> {
    let (loaded, x) = answer(folder, record)?;
    loaded.scenario.looks(&x).map_err(ExportError::Value)
}

/// Whether a scenario has anything to show in a format, before its run: one without an answer at its start may have one at its end.
///
/// # Errors
/// [`ExportError::Nothing`].
pub fn check(loaded: &Loaded, format: Export) -> Result<(), ExportError> {
    let start = loaded.scenario.start(loaded.seed);
    match format {
        Export::Csv | Export::Npy if loaded.scenario.simulation().is_some() => Ok(()),
        _ => match of_answer(loaded, &start, format) {
            Err(error @ ExportError::Nothing(_)) => Err(error),
            _ => Ok(()),
        },
    }
}

fn of_answer(
    loaded: &Loaded,
    x: &[f64],
    format: Export,
) -> Result<Vec<(String, Vec<u8>)>, ExportError> {
    let looks = || loaded.scenario.looks(x).map_err(ExportError::Value);
    let volumes = || loaded.scenario.volumes(x).map_err(ExportError::Value);
    let files = match format {
        Export::Csv => {
            let y = outputs(loaded, x, format)?;
            let quantities: Vec<&Quantity> = y.quantities.iter().collect();
            let tables = scenario::tables(&quantities, &y.entries);
            tables.into_iter().map(|(name, text)| (name, text.into_bytes())).collect()
        }
        Export::Npy => npy::files(&outputs(loaded, x, format)?),
        Export::Gltf => {
            looks()?.iter().map(|l| (format!("{}.gltf", l.name), gltf::file(l, MOMENTS))).collect()
        }
        Export::Vtk => {
            let along = outputs(loaded, x, format).map(|y| vtk::grids(&y)).unwrap_or_default();
            let mut files: Vec<_> = looks()?.iter().flat_map(vtk::bodies).chain(along).collect();
            files.extend(volumes()?.iter().map(vtk::volume));
            files
        }
        Export::Cube => volumes()?.iter().flat_map(cube::files).collect(),
    };
    if files.is_empty() {
        return Err(ExportError::Nothing(match format {
            Export::Gltf => "this kind of scenario has no bodies in space; take csv, npy or vtk",
            Export::Vtk => {
                "this kind of scenario has no bodies and no outputs along an axis; take csv or npy"
            }
            Export::Cube => {
                "this kind of scenario has no densities in space, which one molecule has; take csv, npy, vtk or gltf"
            }
            Export::Csv | Export::Npy => "this scenario has no outputs",
        }));
    }
    Ok(files)
}

/// The outputs at the answer for which a format has a place.
fn outputs(loaded: &Loaded, x: &[f64], format: Export) -> Result<Outputs, ExportError> {
    let (Some(simulation), Some(asked)) = (loaded.scenario.simulation(), loaded.scenario.asked())
    else {
        let why = "this kind of scenario has no simulation that runs by itself; its figures are in artifacts/figures.json";
        return Err(ExportError::Nothing(why));
    };
    let all = simulation.outputs();
    let picked: Vec<usize> = (0..all.len()).filter(|k| has_place(format, &all[*k])).collect();
    let quantities = picked.iter().map(|k| all[*k].clone()).collect();
    let choice = asked.choice();
    let map = std::sync::Arc::clone(&simulation)
        .map(choice.inputs(), &picked, false)
        .map_err(|e| ExportError::Value(e.to_string()))?;
    let key = SampleKey(0).child("judge", 0);
    let run = map
        .run(&choice.scatter(x), Keep::Values, key, &mut Workspace::new())
        .map_err(|e| ExportError::Value(e.to_string()))?;
    Ok(Outputs { quantities, entries: run.values().entries.clone() })
}

/// Positions of at most `most` of the times of a look, the first and the last among them.
fn moments(look: &Look, most: usize) -> Vec<usize> {
    let last = look.times.len().saturating_sub(1);
    let count = last.min(most - 1).max(1);
    let mut moments: Vec<usize> = (0..=count).map(|k| (k * last + count / 2) / count).collect();
    moments.dedup();
    moments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(times: usize) -> Look {
        let times = (0..times).map(|t| t as f64).collect();
        Look { name: "motion".into(), unit: "m", up: 2, times, bodies: Vec::new() }
    }

    #[test]
    fn moments_begin_and_end_with_the_motion() {
        assert_eq!(moments(&look(1), 5), [0]);
        assert_eq!(moments(&look(3), 5), [0, 1, 2]);
        assert_eq!(moments(&look(801), 5), [0, 200, 400, 600, 800]);
        assert_eq!(moments(&look(1000), 120).len(), 120);
    }
}
