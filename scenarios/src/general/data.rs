//! Numbers from files: targets in CSV with a header line, NPY and pictures; starts in NPY and the answers of other runs.

use std::path::{Path, PathBuf};

use cotangent_problem::{Quantity, npy};
use cotangent_raytrace::read_picture;

use super::super::document::{Numbers, Settings};
use super::super::keys::{Amounts, Key};
use super::super::units::convert;
use super::parameter_keys::START;
use super::table::column_names;
use super::term_keys::{AT, COLUMNS, OUTPUT, TARGET, TIME_COLUMN, UNIT};
use super::{GOAL, TERM};
use crate::diagnostic::{CONTRADICTION, Diagnostic};

/// Columns of a file, row by row.
pub(super) struct Table {
    /// Coordinates along the axis, where the file has a column of them.
    pub(super) times: Option<Vec<f64>>,
    /// `rows x columns`, row-major.
    pub(super) values: Vec<f64>,
    /// Number of rows.
    pub(super) rows: usize,
}

/// The columns that an entry of a list names of its file.
///
/// # Errors
/// No such file or column, a field that is no number, a file without rows.
pub(super) fn table(s: &Settings, quantity: &Quantity) -> Result<Option<Table>, Diagnostic> {
    let Some(name) = s.get(TARGET) else { return Ok(None) };
    let path = PathBuf::from(name);
    let refuse =
        |message: String, help: &str| s.problem("cotangent::scenario::data", TARGET, message, help);
    if ["exr", "png"].iter().any(|e| path.extension().is_some_and(|x| x.eq_ignore_ascii_case(e))) {
        return picture(s, &path, quantity).map(Some);
    }
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("npy")) {
        return block(s, &path, quantity).map(Some);
    }
    if path.extension().is_none_or(|e| !e.eq_ignore_ascii_case("csv")) {
        return Err(refuse(
            format!("{name} is no CSV file"),
            "a target is numbers, or a file ending in .csv, .npy, .exr or .png",
        ));
    }
    let (header, rows) =
        read(&path).map_err(|e| refuse(e, "a header line of names, then rows of numbers"))?;
    let position = |column: &str| {
        header.iter().position(|h| h == column).ok_or_else(|| {
            let message = format!("{name} has no column \"{column}\"");
            refuse(message, &format!("its columns are: {}", header.join(", ")))
        })
    };
    let mut columns: Vec<usize> =
        s.get(COLUMNS).iter().map(|c| position(c)).collect::<Result<_, _>>()?;
    let time = s.get(TIME_COLUMN);
    let time = if time.is_empty() {
        header.iter().position(|h| h == "time")
    } else {
        Some(position(time)?)
    };
    if columns.is_empty() {
        // a file that `simulate` wrote names its columns after the outputs
        columns = column_names(quantity)
            .iter()
            .map(|name| header.iter().position(|h| h == name))
            .collect::<Option<_>>()
            .unwrap_or_default();
    }
    if columns.is_empty() {
        columns = (0..header.len()).filter(|k| Some(*k) != time).collect();
    }
    let factor = factor(s, &quantity.unit)?;
    let pick = |row: &Vec<f64>| columns.iter().map(|c| row[*c] * factor).collect::<Vec<_>>();
    Ok(Some(Table {
        times: time.map(|k| rows.iter().map(|row| row[k]).collect()),
        values: rows.iter().flat_map(pick).collect(),
        rows: rows.len(),
    }))
}

/// The times at which terms and goals ask for outputs whose names begin with `prefix`, in `unit`: by `at`, or by the column of
/// times of their file. What is wrong with either is found when the term is read.
pub(crate) fn asked_times(s: &Settings, prefix: &str, unit: &str) -> Vec<f64> {
    let mut times = Vec::new();
    for entry in s.list(TERM).iter().chain(s.list(GOAL)) {
        let output = entry.get(OUTPUT);
        if !(output.starts_with(prefix) || output.contains('*')) {
            continue;
        }
        if let Ok(Some(at)) = entry.quantities(AT, unit) {
            times.extend(at.values);
        }
        let Some(Ok((header, rows))) = entry.get(TARGET).map(|f| read(Path::new(f))) else {
            continue;
        };
        let name = match entry.get(TIME_COLUMN) {
            "" => "time",
            name => name,
        };
        let column = header.iter().position(|h| h == name);
        times.extend(column.into_iter().flat_map(|k| rows.iter().map(move |row| row[k])));
    }
    times
}

/// An array as what is measured: along the output's axis first, where it has one.
fn block(s: &Settings, path: &Path, quantity: &Quantity) -> Result<Table, Diagnostic> {
    for key in [COLUMNS.any, TIME_COLUMN.any] {
        if s.is_given(key) {
            let message = format!("`{}` has no effect here", key.path);
            let help = "an array has no columns with names; leave it out, or give a CSV file";
            return Err(s.problem(CONTRADICTION, key, message, help));
        }
    }
    let Numbers { shape, mut values } = array(s, TARGET, path)?;
    let factor = factor(s, &quantity.unit)?;
    values.iter_mut().for_each(|v| *v *= factor);
    let Some(axis) = &quantity.axis else { return Ok(Table { times: None, values, rows: 1 }) };
    let rows = shape.first().copied().unwrap_or(1);
    let whole = rows == axis.values.len() && !s.is_given(AT);
    Ok(Table { times: whole.then(|| axis.values.clone()), values, rows })
}

/// The finite numbers of an NPY file.
fn array(s: &Settings, key: Key<Amounts>, path: &Path) -> Result<Numbers, Diagnostic> {
    let refuse = |what: String| {
        let message = format!("{}: {what}", path.display());
        s.problem(
            "cotangent::scenario::data",
            key,
            message,
            "an array of finite numbers as NumPy saves it",
        )
    };
    let bytes = std::fs::read(path).map_err(|e| refuse(e.to_string()))?;
    let (npy::Array { shape, values }, _) = npy::read(&bytes).map_err(|e| refuse(e.to_string()))?;
    match values.iter().position(|v| !v.is_finite()) {
        Some(bad) => Err(refuse(format!("its entry {bad} is {}", values[bad]))),
        None => Ok(Numbers { shape, values }),
    }
}

/// The start that a file has for an input: an array, or the parameter `name` of another run's answer.
///
/// # Errors
/// Files that are neither, a name that the answer does not have, another unit.
pub(super) fn start(
    s: &Settings,
    path: &Path,
    [name, unit]: [&str; 2],
) -> Result<Numbers, Diagnostic> {
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("npy")) {
        return array(s, START, path);
    }
    let refuse = |what: &str, help: &str| {
        let message = format!("{}: {what}", path.display());
        s.problem("cotangent::scenario::data", START, message, help)
    };
    let help = "a start is numbers, an array (.npy), or the artifacts/answer.json of a run";
    let text = std::fs::read_to_string(path).map_err(|e| refuse(&e.to_string(), help))?;
    let answer: serde_json::Value =
        serde_json::from_str(&text).map_err(|e| refuse(&e.to_string(), help))?;
    let Some(parameters) = answer["parameters"].as_array() else {
        return Err(refuse("it has no list of parameters", help));
    };
    let Some(known) = parameters.iter().find(|p| p["name"].as_str() == Some(name)) else {
        let names: Vec<&str> = parameters.iter().filter_map(|p| p["name"].as_str()).collect();
        let what = format!("it has no parameter `{name}`");
        return Err(refuse(&what, &format!("its parameters are: {}", names.join(", "))));
    };
    let given = known["unit"].as_str().unwrap_or_default();
    let factor = if given == unit {
        1.0
    } else {
        convert(&format!("1 {given}"), unit).map_err(|_| {
            refuse(&format!("`{name}` is in \"{given}\" there, not in \"{unit}\""), help)
        })?
    };
    let values = known["value"].as_array().map(Vec::as_slice).unwrap_or_default();
    let values: Option<Vec<f64>> = values.iter().map(serde_json::Value::as_f64).collect();
    match values.filter(|v| v.iter().all(|v| v.is_finite())) {
        Some(values) if !values.is_empty() => {
            let values: Vec<f64> = values.iter().map(|v| v * factor).collect();
            Ok(Numbers { shape: vec![values.len()], values })
        }
        _ => Err(refuse(&format!("`{name}` has no finite numbers there"), help)),
    }
}

/// A picture as the numbers of an image: linear radiance, row 0 at the top.
fn picture(s: &Settings, path: &Path, quantity: &Quantity) -> Result<Table, Diagnostic> {
    let picture = read_picture(path).map_err(|e| {
        let help = "it must be an OpenEXR or PNG file";
        s.problem("cotangent::scenario::picture", TARGET, e.to_string(), help)
    })?;
    let image = picture.image;
    let one_number = quantity.shape == [image.height, image.width];
    if quantity.shape != [image.height, image.width, 3] && !one_number {
        let (width, height) = (image.width, image.height);
        let message = format!(
            "the picture has {width} x {height} pixels, `{}` is {} (rows x columns, x colours)",
            quantity.name,
            super::select::shape(&quantity.shape)
        );
        let help = "give the camera the picture's width and height";
        return Err(s.problem("cotangent::scenario::length", TARGET, message, help));
    }
    // of what is one number a pixel: the covered part where the file has it, else the red channel
    let is_coverage = quantity.name.rsplit('.').next() == Some("alpha");
    let values = match picture.alpha {
        Some(alpha) if one_number && is_coverage => alpha,
        _ if one_number => image.pixels.iter().map(|p| p.0[0]).collect(),
        _ => image.pixels.iter().flat_map(|p| p.0).collect(),
    };
    Ok(Table { times: None, values, rows: 1 })
}

/// What numbers of the file are multiplied by.
fn factor(s: &Settings, unit: &str) -> Result<f64, Diagnostic> {
    let given = s.get(UNIT);
    if given.is_empty() {
        return Ok(1.0);
    }
    convert(&format!("1 {given}"), unit).map_err(|_| {
        let message = format!("\"{given}\" is no unit of what is measured in \"{unit}\"");
        s.problem("cotangent::scenario::wrong_unit", UNIT, message, "the file's unit")
    })
}

/// The header of a CSV file, and its rows of numbers.
pub(in super::super) fn read(path: &Path) -> Result<(Vec<String>, Vec<Vec<f64>>), String> {
    let shown = path.display();
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .from_path(path)
        .map_err(|e| format!("cannot read {shown}: {e}"))?;
    let header = reader.headers().map_err(|e| format!("{shown}: {e}"))?;
    let header: Vec<String> = header.iter().map(str::to_owned).collect();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| format!("{shown}: {e}"))?;
        let line = record.position().map_or(0, csv::Position::line);
        let number = |field: &str| match field.parse::<f64>() {
            Ok(v) if v.is_finite() => Ok(v),
            _ => Err(format!("{shown}, line {line}: \"{field}\" is no finite number")),
        };
        rows.push(record.iter().map(number).collect::<Result<Vec<_>, _>>()?);
    }
    if rows.is_empty() { Err(format!("{shown} has no rows")) } else { Ok((header, rows)) }
}
