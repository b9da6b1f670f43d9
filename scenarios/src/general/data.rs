//! Targets from files: CSV with a header line, pictures.

use std::path::{Path, PathBuf};

use cotangent_problem::Quantity;
use cotangent_raytrace::read_picture;

use super::super::document::Settings;
use super::super::units::convert;
use super::table::column_names;
use crate::diagnostic::Diagnostic;

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
    let Some(name) = s.file("target") else { return Ok(None) };
    let path = PathBuf::from(name);
    let refuse = |message: String, help: &str| {
        s.problem("cotangent::scenario::data", "target", message, help)
    };
    if ["exr", "png"].iter().any(|e| path.extension().is_some_and(|x| x.eq_ignore_ascii_case(e))) {
        return picture(s, &path, quantity).map(Some);
    }
    if path.extension().is_none_or(|e| !e.eq_ignore_ascii_case("csv")) {
        return Err(refuse(
            format!("{name} is no CSV file"),
            "a target is numbers, or a file ending in .csv, .exr or .png",
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
        s.texts("columns").iter().map(|c| position(c)).collect::<Result<_, _>>()?;
    let time = s.text("time_column");
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
    for entry in s.list("term").iter().chain(s.list("goal")) {
        let output = entry.text("output");
        if !(output.starts_with(prefix) || output.contains('*')) {
            continue;
        }
        if let Ok(Some(at)) = entry.quantities("at", unit) {
            times.extend(at.values);
        }
        let Some(Ok((header, rows))) = entry.file("target").map(|f| read(Path::new(f))) else {
            continue;
        };
        let name = match entry.text("time_column") {
            "" => "time",
            name => name,
        };
        let column = header.iter().position(|h| h == name);
        times.extend(column.into_iter().flat_map(|k| rows.iter().map(move |row| row[k])));
    }
    times
}

/// A picture as the numbers of an image: linear radiance, row 0 at the top.
fn picture(s: &Settings, path: &Path, quantity: &Quantity) -> Result<Table, Diagnostic> {
    let picture = read_picture(path).map_err(|e| {
        let help = "it must be an OpenEXR or PNG file";
        s.problem("cotangent::scenario::picture", "target", e.to_string(), help)
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
        return Err(s.problem("cotangent::scenario::length", "target", message, help));
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
    let given = s.text("unit");
    if given.is_empty() {
        return Ok(1.0);
    }
    convert(&format!("1 {given}"), unit).map_err(|_| {
        let message = format!("\"{given}\" is no unit of what is measured in \"{unit}\"");
        s.problem("cotangent::scenario::wrong_unit", "unit", message, "the file's unit")
    })
}

fn read(path: &Path) -> Result<(Vec<String>, Vec<Vec<f64>>), String> {
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
