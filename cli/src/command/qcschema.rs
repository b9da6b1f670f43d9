//! `qcschema`: an AtomicInput in, an AtomicResult out.

use std::io::{Read, Write};
use std::path::Path;

use cotangent_scenarios::diagnostic::Diagnostic;
use cotangent_scenarios::qcschema::{QcSchemaError, atomic_result, failed_operation};

use super::{Failure, Voice};
use crate::exit::Exit;

/// Computes what a file asks for. What failed is printed too, as the schema's FailedOperation.
pub(super) fn qcschema(file: &Path, voice: Voice) -> Result<Exit, Failure> {
    let text = read(file).map_err(|e| {
        let message = format!("cannot read {}: {e}", file.display());
        let help = "an AtomicInput is JSON in UTF-8";
        vec![Diagnostic::plain("cotangent::scenario::unreadable", message, help)]
    })?;
    let answer = atomic_result(&text);
    let mut out = std::io::stdout().lock();
    match answer {
        Ok(result) => {
            writeln!(out, "{result}")?;
            Ok(Exit::Done)
        }
        Err(error) => {
            writeln!(out, "{}", failed_operation(&text, &error))?;
            drop(out);
            voice.tell(&format!("error: {error}"));
            Ok(match error {
                QcSchemaError::Json(_) | QcSchemaError::Field { .. } => Exit::Usage,
                _ => Exit::Numerical,
            })
        }
    }
}

fn read(file: &Path) -> std::io::Result<String> {
    if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(file)
}
