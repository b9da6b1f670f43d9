//! A first scenario for any table of measurements over time: a state for each column, which grows or decays at a rate that is fitted.

use std::fmt::Write as _;
use std::path::Path;

use super::name_of;
use crate::diagnostic::Diagnostic;
use crate::general::read_csv;

/// The scenario of the table in `path`, which it calls `file`.
pub(crate) fn scenario(path: &Path, file: &str) -> Result<String, Vec<Diagnostic>> {
    let refuse = |why: String, help: &str| {
        let message = format!("{}: {why}", path.display());
        vec![Diagnostic::plain("cotangent::scenario::data", message, help)]
    };
    let help = "a header line of names, then rows of numbers";
    let (header, rows) = read_csv(path).map_err(|e| refuse(e, help))?;
    let named = header.iter().position(|h| h.eq_ignore_ascii_case("time") || h == "t");
    let time = named.unwrap_or(0);
    if header.len() < 2 || rows.len() < 2 {
        let help = "a column of times, one for each thing measured, and a row for each time";
        return Err(refuse("there is nothing measured over time".into(), help));
    }
    let times: Vec<f64> = rows.iter().map(|row| row[time]).collect();
    let start = times.iter().copied().fold(f64::INFINITY, f64::min);
    let duration = times.iter().copied().fold(f64::NEG_INFINITY, f64::max) - start;
    if duration <= 0.0 {
        let what = format!("its times, column \"{}\", do not go on", header[time]);
        return Err(refuse(what, "times that differ"));
    }
    let states = state_names(&header, time);
    let mut text = format!(
        "# `cotangent list` prints every input and output of this file with its unit. Here each column grows or decays at a\n\
         # rate of its own; write your equations instead, with units where there are any (docs/equations.md).\n\n[scenario]\n\
         name = {:?}\nkind = \"equations\"\n\n[time]\nstart = {start}\nduration = {duration}\n\n[parameters]\n",
        name_of(path)
    );
    for (_, state) in &states {
        let _ = writeln!(text, "{state}_rate = {{ value = 0.0, scale = {} }}", 1.0 / duration);
    }
    text.push_str("\n[states]\n");
    for (column, state) in &states {
        let values = || rows.iter().map(|row| row[*column]);
        let size = values().fold(0.0_f64, |m, v| m.max(v.abs())).max(1e-300);
        let _ = writeln!(text, "{state} = {{ start = {}, scale = {size} }}", rows[0][*column]);
    }
    text.push_str("\n[equations]\n");
    for (_, state) in &states {
        let _ = writeln!(text, "{state} = \"{state}_rate * {state}\"");
    }
    for (_, state) in &states {
        let _ = write!(
            text,
            "\n[[parameter]]\nname = \"{state}_rate\"\n\n[[parameter]]\nname = \"start.{state}\"\n"
        );
    }
    for (column, state) in &states {
        let _ = write!(text, "\n[[term]]\noutput = \"{state}\"\ntarget = {file:?}\n");
        let _ = writeln!(text, "columns = [{:?}]", header[*column]);
        if named.is_none_or(|k| header[k] != "time") {
            let _ = writeln!(text, "time_column = {:?}", header[time]);
        }
    }
    text.push_str("\n[optimizer]\nmethod = \"gauss-newton\"\n");
    Ok(text)
}

/// Columns besides that of times, and what their states are called: letters, digits and `_`, none twice.
fn state_names(header: &[String], time: usize) -> Vec<(usize, String)> {
    let mut states: Vec<(usize, String)> = Vec::new();
    for (column, title) in header.iter().enumerate().filter(|(k, _)| *k != time) {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
        let mut name: String = title.chars().map(plain).collect();
        let reserved = ["t", "pi", "e", ""].contains(&name.as_str());
        if reserved || !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            name = format!("y_{name}");
        }
        if states.iter().any(|(_, known)| *known == name) {
            name = format!("{name}_{column}");
        }
        states.push((column, name));
    }
    states
}
