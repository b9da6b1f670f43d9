//! The run folder: who owns it, what in it is the run's, and writing that never leaves half a file.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant};

use crate::HarnessError;
use crate::manifest::{Manifest, now};
use crate::name::check_name;
use crate::whole_file::{Safe, failed, temporary, write_safe};

/// Is held as long as a process works in the folder.
const LOCK: &str = ".lock";
/// Files that every run writes.
pub(crate) const ALWAYS: &[&str] = &[
    LOCK,
    "manifest.json",
    "resolved.toml",
    "history.csv",
    "events.jsonl",
    "checkpoints/latest.json",
];
/// The parameters of the answer.
pub(crate) const ANSWER: &str = "artifacts/answer.json";

/// A run that has taken less than this is sooner made again than kept safe from a power failure: a sweep of short runs would wait
/// for the disk half of its time. What is killed, and not the machine, loses nothing either way.
const SHORT: Duration = Duration::from_secs(1);

/// A run folder that this process holds.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    manifest: Manifest,
    /// Whether the manifest says more than its file does.
    unsaved: bool,
    /// When its run began here; `None` for one that goes on.
    begun: Option<Instant>,
    /// Keeps other processes out until it is dropped.
    _lock: Lock,
}

impl Folder {
    /// Makes the folder of a new run: `asked`, or `runs/NAME/TIME-HASH` with a link `latest` beside it. With `force` the files of
    /// an earlier run go; what is not that run's stays. The first [`write`](Self::write) writes the manifest.
    ///
    /// # Errors
    /// As [`probe`]; another process works in it.
    pub(crate) fn create(
        name: &str,
        asked: Option<&Path>,
        force: bool,
        manifest: Manifest,
    ) -> Result<Self, HarnessError> {
        probe(name, asked, force)?;
        let path = match asked {
            Some(path) => {
                fs::create_dir_all(path).map_err(failed(path))?;
                path.to_path_buf()
            }
            None => create_timed(name, &manifest.input_hash)?,
        };
        let lock = lock(&path)?;
        if let Some(earlier) = Manifest::read(&path)? {
            remove(&path, earlier.files.iter().map(String::as_str).filter(|f| *f != LOCK));
        }
        let mut folder =
            Self { path, manifest, unsaved: true, begun: Some(Instant::now()), _lock: lock };
        folder.add(ALWAYS.iter().chain(&[ANSWER]).copied());
        Ok(folder)
    }

    /// Opens the folder of a run that goes on.
    ///
    /// # Errors
    /// There is no run; another process works in it.
    pub(crate) fn open(path: &Path) -> Result<Self, HarnessError> {
        let Some(manifest) = Manifest::read(path)? else {
            let source = io::Error::new(ErrorKind::NotFound, "no manifest.json of a run is here");
            return Err(HarnessError::Io { path: path.into(), source });
        };
        Ok(Self { path: path.into(), manifest, unsaved: false, begun: None, _lock: lock(path)? })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What its files are to be safe from now.
    pub(crate) fn safe(&self) -> Safe {
        let short = self.begun.is_some_and(|begun| begun.elapsed() < SHORT);
        if short { Safe::FromKill } else { Safe::FromPowerFailure }
    }

    /// Its manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Changes the manifest.
    pub(crate) fn note(&mut self, change: impl FnOnce(&mut Manifest)) -> Result<(), HarnessError> {
        change(&mut self.manifest);
        self.save()
    }

    /// Writes the manifest.
    fn save(&mut self) -> Result<(), HarnessError> {
        self.manifest.write(&self.path, self.safe())?;
        self.unsaved = false;
        Ok(())
    }

    /// Counts files among the run's.
    fn add<'a>(&mut self, names: impl Iterator<Item = &'a str>) {
        for name in names {
            if !self.manifest.files.iter().any(|f| f == name) {
                self.manifest.files.push(name.to_owned());
                self.unsaved = true;
            }
        }
    }

    /// Writes files whole and counts them among the run's, so that they go where the run is overwritten. Names are relative to
    /// the folder, with `/` between their parts.
    ///
    /// # Errors
    /// A name that leads out of the folder; a file that cannot be written.
    pub fn write(&mut self, files: &[(String, Vec<u8>)]) -> Result<(), HarnessError> {
        if let Some((name, _)) = files.iter().find(|(name, _)| !within(name)) {
            let source = io::Error::new(ErrorKind::InvalidInput, "leads out of the run folder");
            return Err(HarnessError::Io { path: name.into(), source });
        }
        self.add(files.iter().map(|(name, _)| name.as_str()));
        // before them: a file that no manifest names would never go
        if self.unsaved {
            self.save()?;
        }
        let write = |(name, content): &(String, Vec<u8>)| {
            write_safe(&self.path.join(name), content, self.safe())
        };
        files.iter().try_for_each(write)
    }

    /// [`write`](Self::write) of the last files of a run, whose manifest says from then on that it has finished.
    pub(crate) fn finish(&mut self, files: &[(String, Vec<u8>)]) -> Result<(), HarnessError> {
        self.manifest.finished = Some(now());
        self.unsaved = true;
        self.write(files)
    }

    /// Removes what told the result of a run that goes on, so that it does not stand beside a longer history.
    pub(crate) fn withdraw_result(&mut self) -> Result<(), HarnessError> {
        let lasting = |f: &String| {
            ALWAYS.contains(&f.as_str()) || f == "scenario.toml" || f.starts_with("inputs/")
        };
        let (kept, gone): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.manifest.files).into_iter().partition(lasting);
        remove(&self.path, gone.iter().map(String::as_str));
        self.manifest.files = kept;
        self.manifest.finished = None;
        self.save()
    }
}

/// Whether a run may be written to where it is asked for, before anything is computed: the name is one, the folder is new, or
/// empty, or with `force` that of an earlier run, and it can be written to.
///
/// # Errors
/// [`HarnessError::Name`], [`HarnessError::Exists`], [`HarnessError::NotARun`], [`HarnessError::Io`].
pub fn probe(name: &str, asked: Option<&Path>, force: bool) -> Result<(), HarnessError> {
    check_name(name)?;
    let target = asked.map_or_else(|| Path::new("runs").join(name), Path::to_path_buf);
    if let Some(folder) = asked {
        let occupied = match fs::read_dir(folder) {
            Ok(mut entries) => entries.next().is_some(),
            Err(e) if e.kind() == ErrorKind::NotFound => false,
            Err(e) => return Err(failed(folder)(e)),
        };
        match (occupied, Manifest::read(folder)?) {
            (true, None) if !only_a_lock(folder) => {
                return Err(HarnessError::NotARun(folder.into()));
            }
            (true, Some(_)) if !force => return Err(HarnessError::Exists(folder.into())),
            _ => {}
        }
    }
    // the nearest folder that is there takes the new one, or its files
    let mut there = target.as_path();
    while !there.exists() {
        there = match there.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
    }
    if !there.is_dir() {
        let source = io::Error::new(ErrorKind::NotADirectory, "is not a folder");
        return Err(HarnessError::Io { path: there.into(), source });
    }
    let trial = there.join(format!(".cotangent-{}.tmp", std::process::id()));
    File::create_new(&trial).and_then(|_| fs::remove_file(&trial)).map_err(failed(there))
}

/// A run that was killed right after it had made its folder.
fn only_a_lock(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|entries| {
        entries.flatten().all(|e| {
            let name = e.file_name();
            name == LOCK || name.to_string_lossy().starts_with("manifest.json.")
        })
    })
}

/// Empties a folder that its caller knows to be a run's, though no manifest in it says so: after a power failure it may be empty.
/// A folder with a manifest stays as it is.
///
/// # Errors
/// Another process works in it; a file cannot be removed.
pub fn clear(folder: &Path) -> Result<(), HarnessError> {
    if !folder.is_dir() {
        return Ok(());
    }
    let _lock = lock(folder)?;
    if Manifest::read(folder)?.is_some() {
        return Ok(());
    }
    for entry in fs::read_dir(folder).map_err(failed(folder))?.flatten() {
        let path = entry.path();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder {
            fs::remove_dir_all(&path).map_err(failed(&path))?;
        } else if entry.file_name() != LOCK {
            fs::remove_file(&path).map_err(failed(&path))?;
        }
    }
    Ok(())
}

/// Whether a name stays within the folder that it is joined to.
fn within(name: &str) -> bool {
    let mut parts = Path::new(name).components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

/// Removes a run's files, and those of its folders that are empty then.
fn remove<'a>(folder: &Path, files: impl Iterator<Item = &'a str>) {
    let mut folders = Vec::new();
    for name in files.filter(|name| within(name)) {
        let path = folder.join(name);
        let _ = fs::remove_file(&path);
        let _ = fs::remove_file(temporary(&path));
        let parents = Path::new(name).ancestors().skip(1);
        folders.extend(parents.filter(|p| !p.as_os_str().is_empty()).map(Path::to_path_buf));
    }
    // the deepest first
    folders.sort_by_key(|p| std::cmp::Reverse(p.components().count()));
    folders.dedup();
    for name in folders {
        let _ = fs::remove_dir(folder.join(name));
    }
}

/// A folder's lock, given back by name: a process that is just being started holds every open file for a moment, and with it a lock that is
/// given back by closing alone.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// Takes the folder's lock, which the system gives back when the process ends, however it ends.
fn lock(folder: &Path) -> Result<Lock, HarnessError> {
    let path = folder.join(LOCK);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(failed(&path))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(HarnessError::InUse(folder.into())),
        // a file system without locks does without
        Ok(()) | Err(TryLockError::Error(_)) => Ok(Lock(file)),
    }
}

fn create_timed(name: &str, hash: &str) -> Result<PathBuf, HarnessError> {
    let parent = Path::new("runs").join(name);
    fs::create_dir_all(&parent).map_err(failed(&parent))?;
    let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let short = &hash[..6.min(hash.len())];
    for attempt in 0..1000 {
        let suffix = if attempt == 0 { String::new() } else { format!("-{attempt}") };
        let base = format!("{time}-{short}{suffix}");
        let folder = parent.join(&base);
        // made by one process only, though two may begin in the same second
        match fs::create_dir(&folder) {
            Ok(()) => {
                link_latest(&parent, &base);
                return Ok(folder);
            }
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            Err(e) => return Err(failed(&folder)(e)),
        }
    }
    Err(HarnessError::Exists(parent))
}

/// `latest` points to the newest run; a file system without links does without, and a folder of that name stays.
fn link_latest(parent: &Path, base: &str) {
    #[cfg(unix)]
    {
        let link = parent.join("latest");
        if fs::symlink_metadata(&link).is_ok_and(|m| m.is_symlink()) {
            let _ = fs::remove_file(&link);
        }
        let _ = std::os::unix::fs::symlink(base, link);
    }
    #[cfg(not(unix))]
    let _ = (parent, base);
}
