//! What was typed.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::export::Export;

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 finished but the goal was not met, 2 bad usage or scenario, 3 numerical failure, \
4 input or output, 70 a bug, 129, 130 or 143 interrupted with a checkpoint written.";

/// The largest seed that a scenario can hold: TOML's whole numbers are signed.
const LARGEST_SEED: u64 = i64::MAX as u64;

/// A number of threads: from 1 to 64, or to twice the processors where these are more. Beyond that they only stand in each
/// other's way, and so many that the system runs out of them take more than this program down.
fn threads(text: &str) -> Result<usize, String> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let most = 64.max(2 * processors);
    match text.parse() {
        Ok(0) => Err("at least 1 thread is needed".into()),
        Ok(n) if n <= most => Ok(n),
        Ok(_) => Err(format!("at most {most} threads can be of use on {processors} processors")),
        Err(_) => Err("it must be a whole number".into()),
    }
}

/// Optimises scenarios by their own gradients.
#[derive(Clone, Debug, Parser)]
#[command(name = "cotangent", version, about, after_help = EXIT_CODES)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// What holds for every verb.
    #[command(flatten)]
    pub general: General,
}

/// What holds for every verb.
#[derive(Clone, Debug, ClapArgs)]
#[command(next_help_heading = "General options")]
pub struct General {
    /// How data are printed on standard output.
    #[arg(long, global = true, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Say nothing but errors.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Say more: every iteration.
    #[arg(long, short, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// When to use colour; NO_COLOR turns it off too.
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto)]
    pub color: Colour,
    /// Threads to use; results do not depend on it [default: one a processor].
    #[arg(long, global = true, value_name = "N", value_parser = threads)]
    pub threads: Option<usize>,
}

/// How data are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Human,
    /// One JSON object.
    Json,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// A protocol over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Wire {
    /// UM-Bridge 1.0.
    UmBridge,
    /// Tesseract.
    Tesseract,
}

/// Who runs the points of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// Processes on this machine.
    Local,
    /// An array of HyperQueue's tasks.
    Hyperqueue,
    /// An array of Slurm's tasks.
    Slurm,
}

/// Which map of a scenario is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ServedMap {
    /// From inputs of its simulation to outputs.
    Simulation,
    /// From its parameters to the value that is minimised.
    Objective,
}

/// A scenario and what is changed of it.
#[derive(Clone, Debug, ClapArgs)]
pub struct Input {
    /// The scenario file.
    #[arg(value_name = "SCENARIO")]
    pub scenario: PathBuf,
    /// Overrides and seed.
    #[command(flatten)]
    pub changes: Changes,
}

/// What is changed of a scenario.
#[derive(Clone, Debug, Default, ClapArgs)]
pub struct Changes {
    /// Set a key, in TOML: `--set stop.max_iterations=50`; repeatable.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// The seed, which perturbs the start, in place of the scenario's.
    #[arg(long, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u64).range(..=LARGEST_SEED))]
    pub seed: Option<u64>,
}

impl Changes {
    /// All of them as overrides of keys.
    pub fn overrides(&self) -> Vec<String> {
        let seed = self.seed.map(|s| format!("scenario.seed = {s}"));
        self.set.iter().cloned().chain(seed).collect()
    }
}

/// The verbs.
#[derive(Clone, Debug, Subcommand)]
pub enum Verb {
    /// Optimise a scenario; writes a run folder with history, plots and a report.
    Run {
        /// The scenario.
        #[command(flatten)]
        input: Input,
        /// The run folder [default: runs/NAME/TIME-HASH].
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// Overwrite the folder of an earlier run.
        #[arg(long)]
        force: bool,
        /// Check and plan only; write nothing.
        #[arg(long)]
        dry_run: bool,
        /// Write the answer in a format of other programs, too, into the folder `export` of the run; repeatable.
        #[arg(long, value_name = "FORMAT", value_enum)]
        export: Vec<Export>,
    },
    /// Check scenarios: keys, units, files, start; predict the cost of an evaluation.
    Check {
        /// The scenario files.
        #[arg(value_name = "SCENARIO", required = true)]
        scenarios: Vec<PathBuf>,
        /// Overrides and seed.
        #[command(flatten)]
        changes: Changes,
    },
    /// Compare the gradient at the start with finite differences.
    Gradcheck {
        /// The scenario.
        #[command(flatten)]
        input: Input,
        /// Largest relative error that passes [default: 1e-6; 0.02 where the objective is stochastic].
        #[arg(long, value_name = "X")]
        tolerance: Option<f64>,
        /// Samples at most over which an entry of a stochastic objective is averaged; fewer where they tell.
        #[arg(long, value_name = "N", default_value_t = 1024)]
        samples: u32,
        /// Check only the entries whose names begin so: `--only object.translation`; repeatable.
        #[arg(long, value_name = "NAME")]
        only: Vec<String>,
    },
    /// Go on with an interrupted run, to the same bits as if it had not been interrupted.
    Resume {
        /// The run folder.
        #[arg(value_name = "RUN_DIR")]
        run: PathBuf,
        /// Raise a limit: `--set stop.max_iterations=500`; anything else that differs is refused.
        #[arg(long, value_name = "KEY=VALUE")]
        set: Vec<String>,
    },
    /// Tell what a model file holds: its tree, what drives it, what can be differentiated, what was not understood.
    Inspect {
        /// The model: MJCF or URDF.
        #[arg(value_name = "MODEL")]
        model: PathBuf,
    },
    /// List kinds of scenarios and optimizers, or the parameters of one scenario.
    List {
        /// A scenario whose parameters are listed.
        #[arg(value_name = "SCENARIO")]
        scenario: Option<PathBuf>,
        /// Overrides and seed.
        #[command(flatten)]
        changes: Changes,
    },
    /// Run a scenario's simulation once, at its start, and write what comes out.
    Simulate {
        /// The scenario.
        #[command(flatten)]
        input: Input,
        /// Outputs to write, by name or pattern; repeatable [default: all].
        #[arg(long, value_name = "NAME")]
        output: Vec<String>,
        /// Write the derivative of these outputs too, those that have one, as `jacobian.csv`, in each output's unit per each input's.
        #[arg(long)]
        jacobian: bool,
        /// Inputs of the Jacobian, by name or pattern; repeatable [default: those that the scenario makes free].
        #[arg(long, value_name = "NAME", requires = "jacobian")]
        by: Vec<String>,
        /// Add normal noise of this standard deviation, in each output's unit, drawn by the seed.
        #[arg(long, value_name = "SIGMA", default_value_t = 0.0)]
        noise: f64,
        /// The folder to write into.
        #[arg(long, value_name = "DIR", default_value = "simulated")]
        out: PathBuf,
        /// Overwrite files of the same names.
        #[arg(long)]
        force: bool,
    },
    /// Answer over HTTP, as UM-Bridge or Tesseract: values and derivatives of the simulation and of the objective.
    Serve {
        /// The scenario.
        #[command(flatten)]
        input: Input,
        /// The protocol.
        #[arg(long = "as", value_name = "PROTOCOL", value_enum)]
        wire: Wire,
        /// Which map a Tesseract is of; UM-Bridge offers both.
        #[arg(long, value_enum, default_value_t = ServedMap::Simulation)]
        map: ServedMap,
        /// Inputs of the simulation, by name or pattern; repeatable [default: those that the scenario makes free].
        #[arg(long = "input", value_name = "NAME")]
        inputs: Vec<String>,
        /// Outputs of the simulation, by name or pattern; repeatable [default: those that the scenario asks of].
        #[arg(long = "output", value_name = "NAME")]
        outputs: Vec<String>,
        /// The address to listen at; another than loopback is open to everyone who reaches it.
        #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
        address: IpAddr,
        /// The port; 0 takes one that is free [default: 4242, or the environment's PORT, as um-bridge; 8000 as tesseract].
        #[arg(long, value_name = "N")]
        port: Option<u16>,
    },
    /// Compute energies and forces for a program that moves atoms and listens at i-PI's socket: i-PI, ASE, LAMMPS.
    Drive {
        /// The scenario, of a kind with atoms.
        #[command(flatten)]
        input: Input,
        /// Where the program listens.
        #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:31415")]
        connect: String,
        /// Connect to the Unix socket `/tmp/ipi_NAME` instead.
        #[arg(long, value_name = "NAME", conflicts_with = "connect")]
        unix: Option<String>,
    },
    /// Compute what a QCSchema AtomicInput asks for, and print its AtomicResult.
    Qcschema {
        /// The JSON file; `-` is standard input.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Run many variations of a scenario, here or on a cluster; what is finished is not run again.
    #[command(
        after_help = "`cotangent sweep status DIR` says how far a sweep is, `cotangent gather DIR` makes a table of it."
    )]
    Sweep {
        /// The file of the sweep; or `status` and the folder of one.
        #[arg(value_name = "SWEEP", num_args = 1..=2, required = true)]
        what: Vec<PathBuf>,
        /// The folder [default: sweeps/NAME].
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// Processes at once [default: one a processor].
        #[arg(long, value_name = "N")]
        #[arg(value_parser = clap::value_parser!(u16).range(1..=1024))]
        jobs: Option<u16>,
        /// Run those points again that have no answer.
        #[arg(long)]
        failed: bool,
        /// Show the points, and the script of a cluster; write and run nothing.
        #[arg(long)]
        dry_run: bool,
        /// Who runs the points.
        #[arg(long, value_enum, default_value_t = Engine::Local)]
        engine: Engine,
        /// Tasks of a cluster's array, each with a share of the points [default: one a point].
        #[arg(long, value_name = "N")]
        #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        tasks: Option<u32>,
        /// An option of the cluster's scheduler: `--option=--time=1:00:00`; repeatable.
        #[arg(long = "option", value_name = "TEXT", allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// Run points of a sweep whose numbers come on standard input.
    #[command(hide = true)]
    SweepWorker {
        /// The folder of the sweep.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Run those points again that have no answer.
        #[arg(long)]
        failed: bool,
        /// Stop with a checkpoint where standard input is closed.
        #[arg(long)]
        attached: bool,
    },
    /// Make one table of what a sweep has found: CSV, and NPZ for NumPy.
    Gather {
        /// The folder of the sweep.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Write a commented scenario with the files that it names; it runs as it is.
    Init {
        /// Kind of scenario, as `cotangent list` shows them, or a model file of your own (.xml).
        #[arg(value_name = "KIND|FILE")]
        kind: String,
        /// The folder to write into [default: a folder of the kind's name, or beside the file].
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
        /// Overwrite files of the same names.
        #[arg(long)]
        force: bool,
    },
    /// Draw a run's plots anew, or several runs in one picture, on logarithmic axes.
    Plot {
        /// Run folders.
        #[arg(value_name = "RUN_DIR", required = true)]
        runs: Vec<PathBuf>,
        /// Where the pictures go [default: RUN_DIR/plots; for several runs, the working folder].
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// Overwrite an earlier comparison.
        #[arg(long)]
        force: bool,
    },
    /// Compare runs: a table, a picture on logarithmic axes, and one page of both.
    Compare {
        /// Run folders; unfinished ones are compared by their histories.
        #[arg(value_name = "RUN_DIR", num_args = 2.., required = true)]
        runs: Vec<PathBuf>,
        /// Where `comparison.html`, `comparison.csv` and `comparison.svg` go.
        #[arg(long, value_name = "DIR", default_value = ".")]
        out: PathBuf,
        /// Overwrite an earlier comparison.
        #[arg(long)]
        force: bool,
    },
    /// Write a finished run's report anew.
    Report {
        /// The run folder.
        #[arg(value_name = "RUN_DIR")]
        run: PathBuf,
        /// Write the answer in a format of other programs, too, into the folder `export` of the run; repeatable.
        #[arg(long, value_name = "FORMAT", value_enum)]
        export: Vec<Export>,
    },
    /// Print the completions of a shell, to be read by it at its start.
    #[command(
        after_help = "bash: source <(cotangent completions bash)\nzsh:  cotangent completions zsh > \"${fpath[1]}/_cotangent\"\nfish: cotangent completions fish | source"
    )]
    Completions {
        /// The shell.
        #[arg(value_name = "SHELL", value_enum)]
        shell: Shell,
    },
    /// Print the JSON Schema (draft-07) of scenario files, for editors.
    Schema,
}
