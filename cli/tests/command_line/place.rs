//! Running the program in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A small scenario that runs in a second or two.
pub(crate) const SMALL: &str = r#"[scenario]
name = "small"
kind = "dft-1d"

[grid]
points = 161
spacing = 0.16

[train]
molecules = ["H R H: 1.28, 3.84"]

[validate]
molecules = ["H R H: 2.56"]

[test]
molecules = ["H R H: 1.92, 3.2"]

[network]
global_features = 3
hidden = [4]

[scf]
steps = 8

[loss]
skip_steps = 5

[stop]
max_iterations = 24

[goal]
loss_reduction = 2.0
"#;

/// A folder in which the program is run, removed in the end.
#[derive(Debug)]
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// A place with [`SMALL`] in `scenario.toml`, some of its text replaced.
    pub(crate) fn with_scenario(replace: &[(&str, &str)]) -> Self {
        let mut text = SMALL.to_owned();
        for (from, to) in replace {
            assert!(text.contains(from), "{from:?} is in the scenario");
            text = text.replace(from, to);
        }
        let place = Self::new();
        place.write("scenario.toml", &text);
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cotangent"));
        command.args(words).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env_remove("CLICOLOR_FORCE").env_remove("COTANGENT_SIMD").env("NO_COLOR", "1");
        command
    }

    /// Runs to the end.
    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub(crate) fn json(output: &Output) -> serde_json::Value {
    let text = stdout(output);
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e} in {text}\n{}", stderr(output)))
}

/// A CSV without the columns whose names end in `_s`.
pub(crate) fn timeless(csv: &str) -> Vec<Vec<String>> {
    let names: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let keep = |line: &str| {
        let kept = line.split(',').zip(&names).filter(|(_, n)| !n.ends_with("_s"));
        kept.map(|(field, _)| field.to_owned()).collect()
    };
    csv.lines().map(keep).collect()
}

/// Names in a folder, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|n| n.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
