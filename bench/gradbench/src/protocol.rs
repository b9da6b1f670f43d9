//! The protocol: every message has an `id` and a `kind`, and is answered by an object with the same `id`.

use std::io::{self, BufRead, Write};
use std::time::Instant;

use serde_json::{Value, json};

use crate::evals;
use crate::output::Output;

/// Answers messages until there are no more.
///
/// # Errors
/// A pipe that is closed, or a line that is no message.
pub(crate) fn serve(input: impl BufRead, output: &mut impl Write) -> io::Result<()> {
    for line in input.lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let message: Value = serde_json::from_str(&line)?;
        let mut answer = answer(&message);
        answer["id"] = message["id"].clone();
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
    Ok(())
}

fn answer(message: &Value) -> Value {
    let word = |key: &str| message[key].as_str().unwrap_or_default();
    match word("kind") {
        "start" => json!({ "tool": "cotangent" }),
        "define" if evals::find(word("module")).is_some() => json!({ "success": true }),
        "define" => failed(&format!("there is no module {:?}", word("module"))),
        "evaluate" => evaluate(word("module"), word("function"), &message["input"])
            .unwrap_or_else(|error| failed(&error)),
        _ => json!({}),
    }
}

fn failed(error: &str) -> Value {
    json!({ "success": false, "error": error })
}

/// Prepares a function once and runs it as often and as long as its input asks for.
fn evaluate(module: &str, function: &str, input: &Value) -> Result<Value, String> {
    let prepare = evals::find(module).ok_or_else(|| format!("there is no module {module:?}"))?;
    let least_runs = input["min_runs"].as_u64().unwrap_or(1).max(1);
    let least_seconds = input["min_seconds"].as_f64().unwrap_or(0.0);
    let mut timings = Vec::new();
    let mut time = |name: &str, since: Instant| {
        let taken = since.elapsed();
        timings.push(json!({
            "name": name,
            "nanoseconds": u64::try_from(taken.as_nanos()).unwrap_or(u64::MAX),
        }));
        taken.as_secs_f64()
    };
    let start = Instant::now();
    let mut compute = prepare(function, input)?;
    time("prepare", start);
    let (mut runs, mut seconds) = (0, 0.0);
    let output: Output = loop {
        let start = Instant::now();
        let output = compute()?;
        seconds += time("evaluate", start);
        runs += 1;
        if runs >= least_runs && seconds >= least_seconds {
            break output;
        }
    };
    if !output.is_finite() {
        return Err(format!("{module}: {function} has an entry that is no finite number"));
    }
    Ok(json!({ "success": true, "output": output.to_json(), "timings": timings }))
}
