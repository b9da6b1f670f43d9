//! Outputs as arrays of NumPy: one file each, one for each axis, and `outputs.json`, which says what is in them.

use cotangent_problem::npy;
use serde_json::{Value, json};

use super::{Outputs, file_name};

pub(super) fn files(outputs: &Outputs) -> Vec<(String, Vec<u8>)> {
    let (mut files, mut index) = (Vec::new(), Vec::new());
    let mut axes: Vec<(&[f64], String)> = Vec::new();
    for (quantity, entries) in outputs.each() {
        let name = format!("{}.npy", file_name(&quantity.name));
        let axis = quantity.axis.as_ref().map(|axis| {
            let known = axes.iter().position(|(values, _)| *values == axis.values);
            let k = known.unwrap_or_else(|| {
                let file = format!("axis-{}-{}.npy", axes.len() + 1, file_name(&axis.name));
                files.push((file.clone(), npy::write(&[axis.values.len()], &axis.values)));
                axes.push((&axis.values, file));
                axes.len() - 1
            });
            json!({ "name": axis.name, "unit": axis.unit, "file": axes[k].1 })
        });
        files.push((name.clone(), npy::write(&quantity.shape, entries)));
        index.push(json!({
            "name": quantity.name,
            "unit": quantity.unit,
            "shape": quantity.shape,
            "file": name,
            "axis": axis,
        }));
    }
    if !files.is_empty() {
        files.push(("outputs.json".into(), format!("{:#}\n", Value::Array(index)).into_bytes()));
    }
    files
}
