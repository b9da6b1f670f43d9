//! The determinant of an `n x n` matrix by expansion along rows, and its gradient.
//!
//! The expansion of 11 rows has a hundred million products. On a tape each minor of five rows is one statement with its
//! derivatives, so that the tape holds a hundredth of them.

use cotangent_ad::{Num, Var, grad};
use serde_json::Value;

use super::{Compute, unknown};
use crate::input::{count, list};
use crate::output::Output;

/// Rows of a minor that is one statement, and its entries.
const KERNEL: usize = 5;
const ENTRIES: usize = KERNEL * KERNEL;

/// The determinant of the rows of `a` from `row` on, in these columns; `small` knows those of [`KERNEL`] rows.
fn minor<R: Num>(
    a: &[R],
    n: usize,
    row: usize,
    columns: &[usize],
    small: &impl Fn(&[R], usize, &[usize]) -> Option<R>,
) -> R {
    if let [column] = columns {
        return a[row * n + column];
    }
    if columns.len() == KERNEL
        && let Some(known) = small(a, row, columns)
    {
        return known;
    }
    let mut sum = R::lit(0.0);
    for (k, column) in columns.iter().enumerate() {
        let rest: Vec<usize> = columns.iter().copied().filter(|c| c != column).collect();
        let term = a[row * n + column] * minor(a, n, row + 1, &rest, small);
        sum = if k % 2 == 0 { sum + term } else { sum - term };
    }
    sum
}

fn all(n: usize) -> Vec<usize> {
    (0..n).collect()
}

fn determinant(a: &[f64], n: usize) -> f64 {
    minor(a, n, 0, &all(n), &|_, _, _| None)
}

fn gradient(a: &[f64], n: usize) -> Vec<f64> {
    let small = |a: &[Var<f64>], row: usize, columns: &[usize]| {
        let entry = |k: usize| a[(row + k / KERNEL) * n + columns[k % KERNEL]];
        let block: Vec<Var<f64>> = (0..ENTRIES).map(entry).collect();
        let plain = |x: &[_]| vec![minor(x, KERNEL, 0, &all(KERNEL), &|_, _, _| None)];
        Var::preaccumulate::<ENTRIES>(&block, plain).pop()
    };
    grad(|a| minor(a, n, 0, &all(n), &small), a)
}

pub(super) fn prepare(function: &str, input: &Value) -> Result<Compute, String> {
    let (a, n) = (list(input, "A")?, count(input, "ell")?);
    if n == 0 || a.len() != n * n {
        return Err(format!("{} entries are no matrix of {n} rows", a.len()));
    }
    Ok(match function {
        "primal" => Box::new(move || Ok(Output::Number(determinant(&a, n)))),
        "gradient" => Box::new(move || Ok(Output::List(gradient(&a, n)))),
        _ => return unknown(function),
    })
}
