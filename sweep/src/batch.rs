//! The engines of clusters: one array of tasks, each of which is a worker with a share of the points.
//!
//! Task `i` of `n` runs the points `i, i + n, i + 2 n, ...` of those that were open when it was submitted, by the same worker as on one
//! machine: what another task has finished meanwhile is not run again, and a task that is requeued goes on from its checkpoints.

use std::fmt::Write as _;
use std::path::Path;

/// A program in Python that submits an array to HyperQueue by the client of its Python package, where there is no `hq`: its words are the
/// script, the number of tasks and the name.
pub const HYPERQUEUE_CLIENT: &str = include_str!("hyperqueue.py");

/// A scheduler of clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batch {
    /// Slurm, by `sbatch`.
    Slurm,
    /// HyperQueue, by `hq`.
    HyperQueue,
}

/// An array of tasks.
#[derive(Clone, Debug)]
pub struct Tasks<'a> {
    /// This program.
    pub program: &'a Path,
    /// The folder of the sweep.
    pub folder: &'a Path,
    /// Name of the sweep.
    pub name: &'a str,
    /// Points that are to be run.
    pub points: &'a [usize],
    /// Number of tasks.
    pub tasks: usize,
    /// Run those points again that have no answer.
    pub failed: bool,
    /// Further options of the scheduler, such as `--time=1:00:00`.
    pub options: &'a [String],
}

/// A word as a shell reads it.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    let is_plain = !text.is_empty() && text.chars().all(plain);
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

impl Batch {
    /// The command that submits a script.
    pub fn command(self) -> &'static str {
        match self {
            Self::Slurm => "sbatch",
            Self::HyperQueue => "hq",
        }
    }

    /// What to do where the command is not there, or does not work.
    pub fn help(self) -> &'static str {
        match self {
            Self::Slurm => {
                "`sbatch` is of Slurm: submit from a machine of the cluster; --dry-run shows the script"
            }
            Self::HyperQueue => {
                "`hq` is of HyperQueue: put it on the PATH, start `hq server start` and `hq worker start`, or name a Python with its package in COTANGENT_PYTHON; --dry-run shows the script"
            }
        }
    }

    /// The words of the command, before the script's path.
    pub fn words(self, tasks: &Tasks<'_>) -> Vec<String> {
        let last = tasks.tasks.max(1) - 1;
        let mut words = match self {
            Self::Slurm => Vec::new(), // the script says it all
            Self::HyperQueue => [
                "submit",
                "--name",
                tasks.name,
                "--array",
                &format!("0-{last}"),
                "--crash-limit",
                "5",
            ]
            .map(str::to_owned)
            .to_vec(),
        };
        if self == Self::HyperQueue {
            words.extend_from_slice(tasks.options);
            words.push("bash".into());
        }
        words
    }

    /// The script of the array.
    pub fn script(self, tasks: &Tasks<'_>) -> String {
        let Tasks { program, folder, name, points, options, .. } = tasks;
        let count = tasks.tasks.max(1);
        let path = |p: &Path| word(&p.to_string_lossy());
        let mut script = String::from("#!/bin/bash\n");
        if self == Self::Slurm {
            let _ = writeln!(script, "#SBATCH --job-name={}", word(name));
            let _ = writeln!(script, "#SBATCH --array=0-{}", count - 1);
            let _ = writeln!(script, "#SBATCH --output={}/log-%a.txt", path(folder));
            script.push_str("#SBATCH --requeue\n");
            for option in *options {
                let _ = writeln!(script, "#SBATCH {option}");
            }
        }
        let task = match self {
            Self::Slurm => "SLURM_ARRAY_TASK_ID",
            Self::HyperQueue => "HQ_TASK_ID",
        };
        let numbers: Vec<String> = points.iter().map(usize::to_string).collect();
        let failed = if tasks.failed { " --failed" } else { "" };
        let _ = write!(
            script,
            "points=({})\nfor ((k = {task}; k < ${{#points[@]}}; k += {count})); do echo \"${{points[k]}}\"; done |\n    exec {} sweep-worker {}{failed} --quiet --threads 1\n",
            numbers.join(" "),
            path(program),
            path(folder),
        );
        script
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::{Batch, Tasks};

    #[test]
    fn the_tasks_of_an_array_share_the_points_among_them() {
        let place = tempfile::TempDir::new().unwrap();
        // a worker that repeats what it is told
        let echo = place.path().join("it's an echo");
        std::fs::write(&echo, "#!/bin/sh\nsed \"s|^|$2 |\"\n").unwrap();
        assert!(Command::new("chmod").arg("+x").arg(&echo).status().unwrap().success());
        let options = ["--time=1:00:00".to_owned()];
        let tasks = Tasks {
            program: &echo,
            folder: Path::new("sweeps/s"),
            name: "s",
            points: &[3, 5, 8, 13, 21],
            tasks: 2,
            failed: false,
            options: &options,
        };
        for (batch, variable) in
            [(Batch::Slurm, "SLURM_ARRAY_TASK_ID"), (Batch::HyperQueue, "HQ_TASK_ID")]
        {
            let script = place.path().join("script");
            std::fs::write(&script, batch.script(&tasks)).unwrap();
            let said = |task: &str| {
                let done = Command::new("bash").arg(&script).env(variable, task).output().unwrap();
                assert!(done.status.success(), "{done:?}");
                String::from_utf8(done.stdout).unwrap().replace("sweeps/s ", "").replace('\n', " ")
            };
            assert_eq!((said("0").as_str(), said("1").as_str()), ("3 8 21 ", "5 13 "));
        }
        let script = Batch::Slurm.script(&tasks);
        assert!(
            script.contains("#SBATCH --array=0-1\n") && script.contains("#SBATCH --time=1:00:00\n")
        );
        assert!(
            Batch::HyperQueue
                .words(&tasks)
                .join(" ")
                .contains("--array 0-1 --crash-limit 5 --time=1:00:00 bash")
        );
    }
}
