//! Residuals of bundle adjustment, and their sparse Jacobian by a program of one observation.

use serde_json::Value;

use super::{Compute, unknown};
use crate::adbench::ba::{ACTIVE, Ba, Csr};
use crate::input::{array, count, number};
use crate::output::Output;

/// Entries of the Jacobian that are looked at, before the last.
const SHOWN: usize = 2 * ACTIVE;

/// The Jacobian in the benchmark's order: both residuals of every reprojection, then those of the weights, each with every column that
/// it may have. The library's has the three residuals of each observation together, without what is zero by structure.
fn ordered(jacobian: &Csr, [n, m, p]: [usize; 3]) -> Output {
    let weights = 11 * n + 3 * m;
    let block: Vec<usize> = (0..11).chain(11 * n..11 * n + 3).chain([weights]).collect();
    let mut values: Vec<f64> = (0..2).flat_map(|row| jacobian.dense_row(&block, row)).collect();
    values.extend(jacobian.dense_row(&[weights + p - 1], 3 * p - 1));
    let rows = (0..SHOWN).map(|row| ACTIVE * row).chain([(2 * ACTIVE + 1) * p]).collect();
    let columns = [&block[..], &block, &[weights + p - 1]].concat();
    Output::Sparse { rows, columns, values }
}

pub(super) fn prepare(function: &str, input: &Value) -> Result<Compute, String> {
    let (n, m, p) = (count(input, "n")?, count(input, "m")?, count(input, "p")?);
    if n == 0 || m == 0 || p < SHOWN {
        return Err(format!("{n} cameras, {m} points and {p} observations are too few"));
    }
    let (camera, point) = (array(input, "cam")?, array(input, "x")?);
    let (weight, feature) = (number(input, "w")?, array(input, "feat")?);
    let problem = Ba::repeated([n, m, p], camera, point, weight, feature);
    Ok(match function {
        "objective" => Box::new(move || {
            let r = problem.residuals();
            Ok(Output::Residuals { reprojection: [r[0], r[1]], weight: r[2], observations: p })
        }),
        "jacobian" => {
            let program = problem.record().map_err(|e| e.to_string())?;
            Box::new(move || {
                let jacobian = problem.jacobian(&program).map_err(|e| e.to_string())?;
                Ok(ordered(&jacobian, [n, m, p]))
            })
        }
        _ => return unknown(function),
    })
}
