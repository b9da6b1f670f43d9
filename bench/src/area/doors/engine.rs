//! Engines that take sweeps: processes of this machine, a Slurm that runs, a HyperQueue that is started here.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::peer::{self, Peers};

/// An engine that is ready to take sweeps.
pub(super) enum Engine {
    Local,
    Slurm,
    Hq(Hq),
    HyperQueue(Client),
}

/// HyperQueue by its command: a server with a journal, and a worker.
pub(super) struct Hq {
    folder: PathBuf,
    server: Child,
    worker: Child,
    restarts: u32,
}

/// HyperQueue by the client of its Python package, which holds server and worker.
pub(super) struct Client {
    server: Child,
    folder: String,
    python: PathBuf,
}

impl Hq {
    fn command(folder: &Path, words: &[&str]) -> std::io::Result<Command> {
        let log = File::options().create(true).append(true).open(folder.join("log"))?;
        let mut command = Command::new("hq");
        command.args(words).env("HQ_SERVER_DIR", folder).stdin(Stdio::null());
        command.stdout(log.try_clone()?).stderr(log);
        Ok(command)
    }

    /// A server that goes on from its journal, where there is one, and a worker.
    fn up(folder: &Path) -> std::io::Result<(Child, Child)> {
        let journal = folder.join("journal").to_string_lossy().into_owned();
        let server = Self::command(folder, &["server", "start", "--journal", &journal])?.spawn()?;
        Self::command(folder, &["server", "wait", "--timeout", "30s"])?.status()?;
        let worker = Self::command(folder, &["worker", "start", "--cpus", "2"])?.spawn()?;
        Ok((server, worker))
    }

    fn start(folder: PathBuf) -> std::io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let (server, worker) = Self::up(&folder)?;
        Ok(Self { folder, server, worker, restarts: 0 })
    }

    /// Kills the server, waits until its worker has gone too, and starts both again.
    fn restart(&mut self) -> std::io::Result<()> {
        self.server.kill()?;
        self.server.wait()?;
        let _ = self.worker.kill();
        self.worker.wait()?;
        (self.server, self.worker) = Self::up(&self.folder)?;
        self.restarts += 1;
        Ok(())
    }
}

impl Engine {
    /// How a sweep is submitted.
    pub(super) fn words(&self) -> &'static [&'static str] {
        match self {
            Self::Local => &["--jobs", "2"],
            Self::Slurm => &["--engine", "slurm", "--tasks", "4", "--option=--ntasks=1"],
            Self::Hq(_) | Self::HyperQueue(_) => &["--engine", "hyperqueue", "--tasks", "4"],
        }
    }

    /// What the command that submits must know.
    pub(super) fn environment(&self, command: &mut Command) {
        match self {
            Self::Local | Self::Slurm => {}
            Self::Hq(hq) => drop(command.env("HQ_SERVER_DIR", &hq.folder)),
            Self::HyperQueue(Client { folder, python, .. }) => {
                command.env("HQ_SERVER_DIR", folder).env("COTANGENT_PYTHON", python);
            }
        }
    }

    /// Whether the command that submits waits for the points.
    pub(super) fn waits(&self) -> bool {
        matches!(self, Self::Local)
    }

    /// Kills the server of the engine once and starts it again, where it is ours.
    pub(super) fn disturb(&mut self) -> std::io::Result<()> {
        match self {
            Self::Hq(hq) if hq.restarts == 0 => hq.restart(),
            _ => Ok(()),
        }
    }

    /// How often its server was started again.
    pub(super) fn restarts(&self) -> u32 {
        if let Self::Hq(hq) = self { hq.restarts } else { 0 }
    }

    /// HyperQueue by `hq`, where that is at hand, else by Python's client.
    pub(super) fn hyperqueue(peers: &Peers, folder: PathBuf) -> Result<Self, String> {
        if Command::new("hq").arg("--version").output().is_ok_and(|out| out.status.success()) {
            return Hq::start(folder).map(Self::Hq).map_err(|e| e.to_string());
        }
        let python = peers.python("hyperqueue")?.to_path_buf();
        let folder = folder.to_string_lossy().into_owned();
        let mut server = Command::new(&python)
            .arg(peer::script("doors_hyperqueue.py"))
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| e.to_string())?;
        let said = server.stdout.take().map(BufReader::new);
        let is_up = |line: String| line.trim() == folder;
        let up = said.is_some_and(|said| said.lines().map_while(Result::ok).any(is_up));
        if up {
            Ok(Self::HyperQueue(Client { server, folder, python }))
        } else {
            Err("its server did not start".into())
        }
    }

    pub(super) fn slurm() -> Result<Self, String> {
        let up = Command::new("sinfo").arg("-h").output();
        match up {
            Err(_) => Err("there is no `sinfo`".into()),
            Ok(out) if !out.status.success() || out.stdout.is_empty() => {
                Err("its controller does not answer".into())
            }
            Ok(_) => Ok(Self::Slurm),
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        match self {
            Self::Local | Self::Slurm => {}
            Self::Hq(Hq { server, worker, .. }) => {
                for process in [worker, server] {
                    let _ = process.kill();
                    let _ = process.wait();
                }
            }
            Self::HyperQueue(Client { server, .. }) => {
                drop(server.stdin.take());
                let _ = server.wait();
            }
        }
    }
}
