//! Files that are there whole, or not at all.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::HarnessError;

/// What a file that was written is safe from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Safe {
    /// The end of the process.
    FromKill,
    /// That of the machine too: it has reached the disk.
    FromPowerFailure,
}

pub(crate) fn failed(path: &Path) -> impl Fn(io::Error) -> HarnessError {
    let path = path.to_path_buf();
    move |source| HarnessError::Io { path: path.clone(), source }
}

/// Writes through a temporary file and a rename, and waits for the disk: the file is there whole, or not at all.
///
/// # Errors
/// [`HarnessError::Io`].
pub fn write_whole(path: &Path, content: &[u8]) -> Result<(), HarnessError> {
    write_safe(path, content, Safe::FromPowerFailure)
}

/// [`write_whole`]; waits for the disk where the file must be safe from a power failure.
pub(crate) fn write_safe(path: &Path, content: &[u8], safe: Safe) -> Result<(), HarnessError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed(folder))?;
    }
    let temporary = temporary(path);
    let file = File::create(&temporary).map_err(failed(&temporary))?;
    let sync = |()| if safe == Safe::FromPowerFailure { file.sync_all() } else { Ok(()) };
    (&file).write_all(content).and_then(sync).map_err(failed(&temporary))?;
    drop(file);
    fs::rename(&temporary, path).map_err(failed(path))
}

pub(crate) fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    // two processes may write the same file
    name.push(format!(".{}.tmp", std::process::id()));
    name.into()
}
