//! What determines a run: the settings, and the files that they name.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::{HarnessError, Job};

/// The scenario that a run came from, with the content of every file that it names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Input {
    /// Its text.
    pub given: String,
    /// `--set` overrides.
    pub overrides: Vec<String>,
    /// Every setting, defaults included; files stand in it by their names in the run folder.
    pub resolved: String,
    /// Files that it names.
    pub files: Vec<InputFile>,
}

/// A file that a scenario names, as it is copied into the run folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFile {
    /// Its name in the run folder: `inputs/arm.xml`.
    pub name: String,
    /// Its content.
    pub content: Vec<u8>,
}

/// SHA-256 of the parts and their lengths, in hexadecimal.
pub(crate) fn hash(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_le_bytes());
        hasher.update(part);
    }
    hexadecimal(hasher)
}

/// The digest in hexadecimal.
pub(crate) fn hexadecimal(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// Whether a line of the settings determines the numbers of a run: limits may be raised before resuming.
pub(crate) fn lasting(line: &str) -> bool {
    !line.starts_with("stop.max_")
}

impl InputFile {
    /// Reads files to be copied; each has a name of its own, which says what the file was called. Copies keep the names.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn read(paths: &[PathBuf]) -> Result<Vec<Self>, HarnessError> {
        let mut taken = BTreeSet::new();
        let mut file = |path: &PathBuf| {
            let content =
                fs::read(path).map_err(|source| HarnessError::Io { path: path.clone(), source })?;
            let own = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let mut name = own.clone();
            for k in 2.. {
                if taken.insert(name.clone()) {
                    break;
                }
                name = format!("{k}-{own}");
            }
            Ok(Self { name: format!("inputs/{name}"), content })
        };
        paths.iter().map(&mut file).collect()
    }

    /// SHA-256 of the content.
    pub fn hash(&self) -> String {
        hash(&[&self.content])
    }
}

impl Input {
    /// What determines the run of a job: its scenario, or the job itself where there is none.
    pub(crate) fn of(job: &Job) -> Self {
        let own = || {
            let Job { name, method, start, seed, restarts, .. } = job;
            let resolved = format!(
                "name = {name}\nmethod = {method:?}\nstart = {start:?}\nseed = {seed}\nrestarts = {restarts:?}\n"
            );
            Self { resolved, ..Self::default() }
        };
        job.input.clone().unwrap_or_else(own)
    }

    /// Hash of everything that determines a run: settings (the stopping limits aside) and the files that they name.
    pub fn hash(&self) -> String {
        let lines = self.resolved.lines().filter(|l| lasting(l));
        let settings: String = lines.collect::<Vec<_>>().join("\n");
        let mut parts: Vec<&[u8]> = vec![settings.as_bytes()];
        parts.extend(self.files.iter().map(|f| f.content.as_slice()));
        hash(&parts)
    }

    /// Hash of everything that was asked for, the stopping limits included: two runs of one address are the same run.
    pub fn address(&self) -> String {
        let mut parts: Vec<&[u8]> = vec![self.resolved.as_bytes()];
        parts.extend(self.files.iter().map(|f| f.content.as_slice()));
        hash(&parts)
    }

    /// Which settings and files differ from those that the run in `folder` was started with.
    pub(crate) fn differences(&self, folder: &Path, then: &[(String, String)]) -> String {
        let resolved = fs::read_to_string(folder.join("resolved.toml")).unwrap_or_default();
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let (before, now) = (lines(&resolved), lines(&self.resolved));
        let mut differ = Vec::new();
        differ.extend(
            before.iter().filter(|l| lasting(l) && !now.contains(l)).map(|l| format!("then `{l}`")),
        );
        differ.extend(
            now.iter().filter(|l| lasting(l) && !before.contains(l)).map(|l| format!("now `{l}`")),
        );
        let same = |f: &&InputFile| !then.contains(&(f.name.clone(), f.hash()));
        differ.extend(self.files.iter().filter(same).map(|f| format!("{} has changed", f.name)));
        format!("its input differs: {}", differ.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::InputFile;

    #[test]
    fn copies_of_copies_keep_their_names() {
        let place = tempfile::TempDir::new().unwrap();
        let paths = ["a/m.xml", "b/m.xml", "b/2-m.xml"].map(|name| place.path().join(name));
        for path in &paths {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, path.display().to_string()).unwrap();
        }
        let files = InputFile::read(&paths).unwrap();
        let names: Vec<_> = files.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, ["inputs/m.xml", "inputs/2-m.xml", "inputs/2-2-m.xml"]);
        let run = place.path().join("run");
        for file in &files {
            crate::whole_file::write_whole(&run.join(&file.name), &file.content).unwrap();
        }
        let copies: Vec<_> = files.iter().map(|f| run.join(&f.name)).collect();
        assert_eq!(InputFile::read(&copies).unwrap(), files);
    }
}
