//! The tests of the Python package, by what they prove.

use std::collections::BTreeMap;
use std::process::Command;

use super::{command, root, skipped};
use crate::peer::{PeerError, Peers};
use crate::report::{Item, Proof};

/// What is proved, by the beginnings of the names of the tests that prove it: the file and the function.
const PROVED: &[(&str, &[&str])] = &[
    (
        "SciPy on a scenario of each domain: values and gradients of the command line, to the bit",
        &["test_domains.py::test_values"],
    ),
    (
        "JAX on a scenario of each domain, to the bit: jit, vmap, grad, jvp of grad where there are second derivatives",
        &["test_domains.py::test_jax"],
    ),
    (
        "torch on a scenario of each domain, to the bit; its own gradcheck",
        &["test_domains.py::test_torch", "test_bridges.py::test_torch"],
    ),
    ("UM-Bridge: its client in Python", &["test_servers.py::test_um_bridge_s_client"]),
    ("UM-Bridge: its own conformance suite", &["test_servers.py::test_um_bridge_s_own"]),
    ("UM-Bridge: PyMC samples two parameters by the gradient", &["test_servers.py::test_pymc"]),
    (
        "Tesseract: from_url with apply, jacobian, vjp and jvp, and jax.grad through it",
        &["test_servers.py::test_tesseract"],
    ),
    ("the snippets of the documentation of Python", &["test_docs.py"]),
    (
        "values, derivatives, runs, interrupts and bad input of the package",
        &["test_simulation.py", "test_bridges.py"],
    ),
];

const MUST: &str = "pass";

/// How a test may end.
const ENDS: [&str; 4] = ["PASSED", "FAILED", "ERROR", "SKIPPED"];

/// How each test ended, by its file and name, and why those that were skipped were.
struct Ended {
    tests: BTreeMap<String, String>,
    whys: Vec<String>,
}

impl Ended {
    /// Reads what `pytest -v -rs` said.
    fn read(said: &str) -> Self {
        let mut ended = Self { tests: BTreeMap::new(), whys: Vec::new() };
        for line in said.lines() {
            if let Some(why) = line.strip_prefix("SKIPPED ") {
                ended.whys.push(why.to_owned());
            }
            // a name may have words of its own, in brackets
            let is_of = |how: &&&str| line.contains(&format!(" {how} ")) && line.contains("::test");
            if let Some(how) = ENDS.iter().find(is_of) {
                let (name, _) = line.split_once(&format!(" {how} ")).unwrap_or((line, ""));
                let (path, test) = name.split_once("::").unwrap_or((name, ""));
                let file = path.rsplit('/').next().unwrap_or(path);
                ended.tests.insert(format!("{file}::{test}"), (*how).to_owned());
            }
        }
        ended
    }

    fn item(&self, what: &str, names: &[&str]) -> Item {
        let of = |test: &&String| names.iter().any(|name| test.starts_with(name));
        let counted = |how: &str| self.tests.iter().filter(|(t, h)| of(t) && *h == how).count();
        let all = self.tests.keys().filter(of).count();
        let (passed, left) = (counted("PASSED"), counted("SKIPPED"));
        if left == all {
            let files: Vec<&str> = names.iter().filter_map(|n| n.split("::").next()).collect();
            let own = |why: &&String| files.iter().any(|file| why.contains(file));
            let why = self.whys.iter().find(own).and_then(|why| why.split_once(": "));
            return skipped(what, MUST, why.map_or("no such test was run", |(_, why)| why));
        }
        let also = if left > 0 { format!(", {left} skipped") } else { String::new() };
        let measured = format!("{passed} of {} passed{also}", all - left);
        let holds = passed == all - left;
        Item::Proof(Proof { what: what.into(), must: MUST.into(), measured, holds })
    }
}

/// Runs the package's tests and tells what each group of them proves.
pub(super) fn tests(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let ready = peers.python("cotangent, pytest").and_then(|python| Ok((python, command()?)));
    let (python, program) = match ready {
        Ok(ready) => ready,
        Err(why) => return Ok(PROVED.iter().map(|(what, _)| skipped(what, MUST, &why)).collect()),
    };
    let mut pytest = Command::new(python);
    pytest.args([
        "-m",
        "pytest",
        "-v",
        "-rs",
        "-p",
        "no:cacheprovider",
        "--color=no",
        "--cotangent",
    ]);
    pytest.arg(&program);
    if let Some(suite) = &peers.copies.umbridge {
        pytest.arg("--umbridge-suite").arg(suite);
    }
    let done = pytest.arg(root().join("python/tests")).env("COLUMNS", "500").output()?;
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let ended = Ended::read(&said);
    if ended.tests.is_empty() {
        let stderr = said + &String::from_utf8_lossy(&done.stderr);
        return Err(PeerError::Failed { what: "pytest python/tests".into(), stderr });
    }
    Ok(PROVED.iter().map(|(what, names)| ended.item(what, names)).collect())
}

#[cfg(test)]
mod tests {
    use super::{Ended, Item};

    #[test]
    fn tests_are_counted_by_what_they_prove() {
        let ended = Ended::read(
            "../python/tests/test_a.py::test_x[did you mean] PASSED  [ 10%]\npython/tests/test_a.py::test_x[2] FAILED [ 20%]\n\
             python/tests/test_b.py::test_y SKIPPED (no peer) [ 30%]\nSKIPPED [1] python/tests/test_b.py:5: no peer\n",
        );
        let Item::Proof(found) = ended.item("x", &["test_a.py::test_x"]) else { panic!("it ran") };
        assert_eq!((found.measured.as_str(), found.holds), ("1 of 2 passed", false));
        let Item::Skipped(left) = ended.item("y", &["test_b.py"]) else { panic!("it was skipped") };
        assert_eq!(left.why, "no peer");
    }
}
