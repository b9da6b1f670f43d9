//! Checkpoints: the whole state of a run between two iterations, with a checksum.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::folder::Folder;
use crate::gradcheck::StartCheck;
use crate::history::Mark;
use crate::input::hash;
use crate::manifest::Manifest;
use crate::restarts::Earlier;
use crate::search::Search;
use crate::whole_file::write_safe;
use crate::{HarnessError, Input, Note, simd};

/// Version of the program that a checkpoint is of.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A checkpoint: of a borrowed run while it is written, of an owned one when it is read.
#[derive(Debug, Serialize, Deserialize)]
pub struct Checkpoint<R = Search> {
    /// [`VERSION`] of the program that wrote it.
    pub version: String,
    /// [`simd::level`] of the machine that wrote it.
    pub simd: String,
    /// Hash of the scenario.
    pub input: String,
    /// The optimizer's state.
    pub run: R,
    /// What the searches before this one found and cost.
    pub(crate) earlier: Earlier,
    /// Value at the start.
    pub initial: f64,
    /// What the check of the gradient at the start said.
    pub start_check: StartCheck,
    /// Things to know that were noted so far.
    pub notes: Vec<Note>,
    /// The answer so far.
    pub answer: Option<Answer>,
    /// The part of the history that belongs to it.
    pub history: Mark,
    /// Wall time so far.
    pub wall_s: f64,
}

/// Where it stands in a run folder.
pub fn path(folder: &Path) -> PathBuf {
    folder.join("checkpoints").join("latest.json")
}

// The file is one JSON object: the checksum of the checkpoint's text, and that text. It is taken apart by length, so that what the
// checksum is of is what stands in the file, digit by digit.
const HEAD: &str = "{\"sha256\":\"";
const MIDDLE: &str = "\",\"checkpoint\":";
const DIGEST: usize = 64;

/// The checkpoint's text in a file with its checksum.
fn sealed(body: &str) -> String {
    format!("{HEAD}{}{MIDDLE}{body}}}", hash(&[body.as_bytes()]))
}

/// The checkpoint's text; `None` where one bit of the file is not as it was written.
fn unsealed(file: &[u8]) -> Option<&str> {
    let rest = std::str::from_utf8(file).ok()?.strip_prefix(HEAD)?;
    let (digest, rest) = rest.split_at_checked(DIGEST)?;
    let body = rest.strip_prefix(MIDDLE)?.strip_suffix('}')?;
    (hash(&[body.as_bytes()]) == digest).then_some(body)
}

impl<R: Serialize> Checkpoint<R> {
    /// Writes it whole.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn write(&self, folder: &Folder) -> Result<(), HarnessError> {
        let path = path(folder.path());
        let body = serde_json::to_string(self).map_err(|e| HarnessError::json(&path, e))?;
        write_safe(&path, sealed(&body).as_bytes(), folder.safe())
    }
}

impl Checkpoint {
    /// Reads the one in `folder`, where there is one, and checks that it is whole and of this program, this SIMD level and this
    /// input.
    ///
    /// # Errors
    /// It cannot be read, is damaged, or is of something else: the message says what differs.
    pub fn read(
        folder: &Path,
        input: &Input,
        manifest: &Manifest,
    ) -> Result<Option<Self>, HarnessError> {
        let refuse = |why: String| HarnessError::Checkpoint { folder: folder.into(), why };
        if manifest.version != VERSION {
            let then = &manifest.version;
            return Err(refuse(format!("it was written by version {then}, this is {VERSION}")));
        }
        let now = simd::level();
        if manifest.simd != now {
            let then = &manifest.simd;
            let hint = "COTANGENT_SIMD chooses a level that this machine has";
            return Err(refuse(format!(
                "it was computed on SIMD level {then}, this is {now}; {hint}"
            )));
        }
        if manifest.input_hash != input.hash() {
            return Err(refuse(input.differences(folder, &manifest.inputs)));
        }
        let path = path(folder);
        let file = match fs::read(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(HarnessError::Io { path, source }),
        };
        let damaged = || refuse("the file is damaged: its checksum is not that of its text".into());
        let body = unsealed(&file).ok_or_else(damaged)?;
        let unreadable = |e| refuse(format!("it is not a checkpoint of this version: {e}"));
        let found: Self = serde_json::from_str(body).map_err(unreadable)?;
        let of_this_run = (&found.version, &found.simd, &found.input)
            == (&manifest.version, &manifest.simd, &manifest.input_hash);
        if of_this_run {
            Ok(Some(found))
        } else {
            Err(refuse("it is of another run than the manifest beside it".into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{sealed, unsealed};

    #[test]
    fn one_flipped_bit_anywhere_is_seen() {
        let body = r#"{"run":{"value":0.1,"x":[1.5e-3,-2]},"wall_s":0.25}"#;
        let file = sealed(body).into_bytes();
        assert_eq!(unsealed(&file), Some(body));
        assert!(serde_json::from_slice::<serde_json::Value>(&file).is_ok(), "it is JSON");
        for bit in 0..8 * file.len() {
            let mut flipped = file.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(unsealed(&flipped), None, "bit {bit}");
        }
        for length in 0..file.len() {
            assert_eq!(unsealed(&file[..length]), None, "cut to {length} bytes");
        }
    }
}
