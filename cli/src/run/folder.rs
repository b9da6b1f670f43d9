//! The run folder, and writing that never leaves half a file.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{HarnessError, Input};

/// SHA-256 of the parts, in hexadecimal.
pub fn hash(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// Whether a line of the settings determines the numbers of a run: limits may be raised before resuming.
pub(super) fn lasting(line: &str) -> bool {
    !line.starts_with("stop.max_")
}

/// Hash of everything that determines a run: settings (the stopping limits aside) and the files that they name.
pub fn input_hash(input: &Input) -> String {
    let lasting: String =
        input.resolved.lines().filter(|l| lasting(l)).collect::<Vec<_>>().join("\n");
    let files: Vec<Vec<u8>> = input.files.iter().map(|f| fs::read(f).unwrap_or_default()).collect();
    let mut parts: Vec<&[u8]> = vec![lasting.as_bytes()];
    parts.extend(files.iter().map(Vec::as_slice));
    hash(&parts)
}

/// Writes through a temporary file and a rename: the file is there whole, or not at all.
///
/// # Errors
/// [`HarnessError::Io`].
pub fn write_whole(path: &Path, content: &[u8]) -> Result<(), HarnessError> {
    let failed = |source| HarnessError::Io { path: path.into(), source };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    let mut file = File::create(&temporary).map_err(failed)?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(failed)?;
    drop(file);
    fs::rename(&temporary, path).map_err(failed)
}

/// Makes the folder of a new run: the one asked for, or `runs/NAME/TIME-HASH` with a link `latest` beside it.
///
/// # Errors
/// The folder exists and may not be overwritten; it cannot be made.
pub fn create(
    name: &str,
    asked: Option<&Path>,
    force: bool,
    hash: &str,
) -> Result<PathBuf, HarnessError> {
    let Some(folder) = asked else { return create_timed(name, hash) };
    if folder.exists() {
        if !force && fs::read_dir(folder).is_ok_and(|mut d| d.next().is_some()) {
            return Err(HarnessError::Exists(folder.into()));
        }
        // what another run left must not pass for this one's
        for stale in ["result.json", "history.csv", "events.jsonl", "report.html"] {
            let _ = fs::remove_file(folder.join(stale));
        }
        for stale in ["checkpoints", "plots", "artifacts"] {
            let _ = fs::remove_dir_all(folder.join(stale));
        }
    }
    fs::create_dir_all(folder)
        .map_err(|source| HarnessError::Io { path: folder.into(), source })?;
    Ok(folder.into())
}

fn create_timed(name: &str, hash: &str) -> Result<PathBuf, HarnessError> {
    let parent = Path::new("runs").join(name);
    let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let short = &hash[..6.min(hash.len())];
    for attempt in 0..1000 {
        let suffix = if attempt == 0 { String::new() } else { format!("-{attempt}") };
        let base = format!("{time}-{short}{suffix}");
        let folder = parent.join(&base);
        if folder.exists() {
            continue;
        }
        fs::create_dir_all(&folder)
            .map_err(|source| HarnessError::Io { path: folder.clone(), source })?;
        link_latest(&parent, &base);
        return Ok(folder);
    }
    Err(HarnessError::Exists(parent))
}

/// `latest` points to the newest run; a file system without links does without.
fn link_latest(parent: &Path, base: &str) {
    #[cfg(unix)]
    {
        let link = parent.join("latest");
        let _ = fs::remove_file(&link);
        let _ = std::os::unix::fs::symlink(base, link);
    }
    #[cfg(not(unix))]
    let _ = (parent, base);
}
