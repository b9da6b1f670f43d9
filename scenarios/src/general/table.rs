//! Quantities as CSV.

use std::fmt::Write as _;

use cotangent_harness::history::csv_field;
use cotangent_problem::Quantity;

/// Rows that share their coordinates.
struct Table {
    head: String,
    coordinates: Vec<f64>,
    lines: Vec<String>,
}

/// A CSV table for each axis, and one of what has none: file names and texts.
pub fn tables(quantities: &[&Quantity], y: &[f64]) -> Vec<(String, String)> {
    let mut tables: Vec<Table> = Vec::new();
    let mut scalars = String::new();
    let mut first = 0;
    for quantity in quantities {
        let values = &y[first..first + quantity.len()];
        first += quantity.len();
        if matches!(quantity.shape[..], [_, _, 3]) && quantity.axis.is_none() {
            continue; // an image
        }
        let name = csv_field(&quantity.name);
        let Some(axis) = &quantity.axis else {
            let shown: Vec<String> = values.iter().map(f64::to_string).collect();
            let _ = writeln!(scalars, "{name},{},{}", quantity.unit, shown.join(","));
            continue;
        };
        let known = tables.iter().position(|t| t.coordinates == axis.values);
        let index = known.unwrap_or_else(|| {
            let lines = axis.values.iter().map(f64::to_string).collect();
            let (head, coordinates) = (axis.name.clone(), axis.values.clone());
            tables.push(Table { head, coordinates, lines });
            tables.len() - 1
        });
        for (name, column) in columns(quantity, values) {
            let table = &mut tables[index];
            let _ = write!(table.head, ",{}", csv_field(&name));
            for (line, value) in table.lines.iter_mut().zip(column) {
                let _ = write!(line, ",{value}");
            }
        }
    }
    let name = |k: usize| match k {
        0 => "outputs.csv".to_owned(),
        k => format!("outputs-{}.csv", k + 1),
    };
    let text = |t: &Table| format!("{}\n{}\n", t.head, t.lines.join("\n"));
    let mut files: Vec<(String, String)> =
        tables.iter().enumerate().map(|(k, table)| (name(k), text(table))).collect();
    if !scalars.is_empty() {
        files.push(("scalars.csv".into(), format!("name,unit,value\n{scalars}")));
    }
    files
}

/// Columns of a quantity along its axis, with their names.
pub(super) fn columns(quantity: &Quantity, y: &[f64]) -> Vec<(String, Vec<f64>)> {
    let column = |c: usize| y.iter().skip(c).step_by(quantity.row_len()).copied().collect();
    column_names(quantity).into_iter().enumerate().map(|(c, name)| (name, column(c))).collect()
}

/// Names of the columns that a quantity has in a table along its axis.
pub(super) fn column_names(quantity: &Quantity) -> Vec<String> {
    let row = quantity.row_len();
    let component = |c: usize| match (row, quantity.is_vector) {
        (1, _) => quantity.name.clone(),
        (3, true) => format!("{}.{}", quantity.name, ["x", "y", "z"][c]),
        _ => format!("{}[{c}]", quantity.name),
    };
    (0..row).map(component).collect()
}
