//! The Jacobian of a simulation at its present values, as a table.

use std::fmt::Write as _;

use cotangent_harness::history::csv_field;
use cotangent_problem::{At, CallError, CheckedMap, Quantity, SampleKey, Workspace};
use cotangent_scenarios::diagnostic::Diagnostic;

use super::Failure;

/// Entries up to which a Jacobian is written: as text they take some 200 MB.
const MOST_ENTRIES: usize = 10_000_000;

/// `J` as CSV: a line for each entry of each output, with a column for each entry of each input, in the output's unit per the
/// input's.
///
/// # Errors
/// What is asked has no derivative, no value, or too many entries for a table.
pub(super) fn table(map: &CheckedMap<'_>, key: SampleKey) -> Result<String, Failure> {
    let (rows, columns) = (map.output_len(), map.input_len());
    if columns == 0 || rows * columns > MOST_ENTRIES {
        let message = format!("the Jacobian has {rows} rows and {columns} columns");
        let help = "choose inputs with --by and outputs with --output";
        return Err(vec![Diagnostic::plain("cotangent::simulate::jacobian", message, help)].into());
    }
    if let Some(why) = map.no_derivative() {
        let help =
            "`cotangent list FILE` says what has a derivative: choose it with --by and --output";
        let code = "cotangent::simulate::jacobian";
        return Err(vec![Diagnostic::plain(code, why.to_owned(), help)].into());
    }
    let x = map.present();
    let at = At { x: &x, key };
    let failed = |e: CallError| Failure::Numerical(e.to_string());
    let mut ws = Workspace::new();
    let run = map.linearise(at, &mut ws).map_err(failed)?;
    let all = |len: usize| (0..len).collect::<Vec<_>>();
    let jacobian = run.jacobian(&all(rows), &all(columns)).map_err(failed)?;
    let mut text = String::from("output,unit");
    names(map.inputs()).for_each(|(name, _)| {
        let _ = write!(text, ",{}", csv_field(&name));
    });
    text.push('\n');
    for ((name, unit), row) in names(map.outputs()).zip(jacobian.chunks(columns)) {
        let _ = write!(text, "{},{unit}", csv_field(&name));
        row.iter().for_each(|value| {
            let _ = write!(text, ",{value}");
        });
        text.push('\n');
    }
    Ok(text)
}

/// The name of each entry of all quantities, and its unit.
fn names(quantities: &[Quantity]) -> impl Iterator<Item = (String, &str)> {
    quantities.iter().flat_map(|q| {
        let entry = |k: usize| match q.len() {
            1 => q.name.clone(),
            _ => format!("{}[{k}]", q.name),
        };
        (0..q.len()).map(move |k| (entry(k), q.unit.as_str()))
    })
}
