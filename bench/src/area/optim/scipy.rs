//! SciPy in a process of its own, which asks this one for residuals and Jacobians.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::{Case, End};
use crate::peer::{PeerError, script};

/// Methods by the names of the script; `+jac` scales the variables by the Jacobian.
pub(super) const METHODS: [&str; 6] = ["lm", "lm+jac", "trf", "trf+jac", "BFGS", "L-BFGS-B"];

/// The running script.
pub(super) struct Scipy {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Drop for Scipy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn words(numbers: &[f64]) -> String {
    numbers.iter().map(|x| format!(" {x:?}")).collect()
}

impl Scipy {
    pub(super) fn start(python: &Path) -> Result<Self, PeerError> {
        let mut child = Command::new(python)
            .arg(script("optim_scipy.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (to, from) = (child.stdin.take(), child.stdout.take());
        let (Some(to), Some(from)) = (to, from) else { return Err(PeerError::Gone) };
        Ok(Self { child, to, from: BufReader::new(from) })
    }

    /// Runs one method on one case.
    pub(super) fn run(&mut self, method: &str, case: &Case) -> Result<End, PeerError> {
        let m = case.function.residuals(&case.start).len();
        writeln!(self.to, "{method} {m} {}{}", case.start.len(), words(&case.start))?;
        loop {
            let mut line = String::new();
            if self.from.read_line(&mut line)? == 0 {
                return Err(PeerError::Gone);
            }
            let mut parts = line.split_whitespace();
            let what = parts.next().unwrap_or_default();
            let numbers: Option<Vec<f64>> = parts.map(|w| w.parse().ok()).collect();
            let output = || PeerError::Output { what: "optim_scipy.py".into(), line: line.clone() };
            let numbers = numbers.ok_or_else(output)?;
            let answer = match what {
                "r" => case.function.residuals(&numbers),
                "j" => case.function.jacobian(&numbers),
                "done" if numbers.len() == 3 + case.start.len() => return Ok(end(&numbers)),
                _ => return Err(output()),
            };
            // a value that is not finite is none
            let finite = answer.iter().all(|v| v.is_finite());
            writeln!(self.to, "{}", if finite { words(&answer) } else { String::new() })?;
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts of calls")]
fn end(numbers: &[f64]) -> End {
    End {
        success: numbers[0] > 0.0,
        functions: numbers[1] as u64,
        derivatives: numbers[2] as u64,
        x: numbers[3..].to_vec(),
    }
}
