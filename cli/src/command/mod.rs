//! The verbs.

mod check;
mod compare;
mod drive;
mod gradcheck;
mod init;
mod inspect;
mod jacobian;
mod list;
mod qcschema;
mod redraw;
mod resume;
mod run;
mod schema;
mod serve;
mod simulate;
mod sweep;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use clap::{CommandFactory, Parser};

use crate::args::{Args, Colour, Format, General, Verb};
use crate::diagnostic;
use crate::exit::Exit;
use crate::export::ExportError;
use crate::progress::{Shown, Style, dumb, say};
use crate::run::HarnessError;
use cotangent_scenarios::diagnostic::Diagnostic;

pub use schema::schema;

/// Why a verb failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something is wrong with the input.
    Input(Vec<Diagnostic>),
    /// The run could not be carried out.
    Harness(HarnessError),
    /// A computation before the run failed.
    Numerical(String),
    /// Standard output is not to be written: nobody listens, or worse.
    Output(io::Error),
}

impl From<Vec<Diagnostic>> for Failure {
    fn from(problems: Vec<Diagnostic>) -> Self {
        Self::Input(problems)
    }
}

impl From<HarnessError> for Failure {
    fn from(error: HarnessError) -> Self {
        Self::Harness(error)
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Run(error) => Self::Harness(error),
            ExportError::Scenario(problems) => Self::Input(problems),
            ExportError::Nothing(why) => {
                let (message, help) = why.split_once("; ").unwrap_or((why, ""));
                Self::Input(vec![Diagnostic::plain("cotangent::export", message, help)])
            }
            ExportError::Value(_) => Self::Numerical(error.to_string()),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// A path in JSON, which has no bytes that are not UTF-8.
pub(crate) fn as_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// How things are said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Voice {
    format: Format,
    quiet: bool,
    verbose: bool,
    colour: bool,
}

impl Voice {
    fn new(general: &General) -> Self {
        let colour = match general.color {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => {
                let off = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty()) || dumb();
                let forced = std::env::var_os("CLICOLOR_FORCE").is_some_and(|v| v != "0");
                forced || (!off && io::stderr().is_terminal())
            }
        };
        let General { format, quiet, verbose, .. } = *general;
        Self { format, quiet, verbose: verbose > 0, colour }
    }

    fn json(self) -> bool {
        self.format == Format::Json
    }

    /// A line for people.
    fn tell(self, text: &str) {
        if !self.quiet {
            say(text);
        }
    }

    /// Data: the text, or the JSON value.
    fn data(self, text: &str, json: &serde_json::Value) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let written = match self.format {
            Format::Human => writeln!(out, "{}", text.trim_end_matches('\n')),
            Format::Json => writeln!(out, "{json}"),
        };
        // where nobody listens any more the verdict stands all the same
        written.or_else(|e| if e.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(e) })
    }

    fn progress(self) -> Shown {
        Shown::new(match (self.quiet, self.verbose) {
            (true, _) => Style::Quiet,
            (_, true) => Style::Every,
            _ => Style::Lines,
        })
    }
}

/// The program: parses the words, does what they say, and says how it ended.
pub fn main(words: impl IntoIterator<Item = OsString>) -> Exit {
    let args = match Args::try_parse_from(words) {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    let voice = Voice::new(&args.general);
    if let Some(threads) = args.general.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        if let Err(error) = pool.build_global() {
            say(&format!("error: {threads} threads cannot be started: {error}"));
            return Exit::Usage;
        }
    }
    let done = catch_unwind(AssertUnwindSafe(|| perform(&args.verb, voice)));
    match done {
        Ok(Ok(exit)) => exit,
        Ok(Err(failure)) => explain(voice, failure),
        Err(_) => {
            say("this is a bug in cotangent; please report the message above with the scenario");
            Exit::Bug
        }
    }
}

/// The table of arguments without what is not for people.
fn spoken() -> clap::Command {
    let all = Args::command();
    let shown = all.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned();
    clap::Command::new("cotangent").args(all.get_arguments().cloned()).subcommands(shown)
}

fn perform(verb: &Verb, voice: Voice) -> Result<Exit, Failure> {
    match verb {
        Verb::Run { input, out, force, dry_run, export } => {
            if *dry_run {
                run::plan(input, out.as_deref(), *force, voice)
            } else {
                run::run(input, out.as_deref(), *force, export, voice)
            }
        }
        Verb::Check { scenarios, changes } => check::check(scenarios, changes, voice),
        Verb::Gradcheck { input, tolerance, samples, only } => {
            gradcheck::gradcheck(input, *tolerance, *samples, only, voice)
        }
        Verb::Resume { run, set } => resume::resume(run, set, voice),
        Verb::Inspect { model } => inspect::inspect(model, voice),
        Verb::List { scenario: Some(path), changes } => list::names(path, changes, voice),
        Verb::List { scenario: None, .. } => list::everything(voice),
        Verb::Simulate { input, output, jacobian, by, noise, out, force } => {
            let (jacobian, noise, force) = (jacobian.then_some(by.as_slice()), *noise, *force);
            let wanted = simulate::Wanted { outputs: output, jacobian, noise, out, force };
            simulate::simulate(input, &wanted, voice)
        }
        Verb::Serve { input, wire, map, inputs, outputs, address, port } => {
            let (wire, map, address, port) = (*wire, *map, *address, *port);
            let wanted = serve::Wanted { wire, map, inputs, outputs, address, port };
            serve::serve(input, &wanted, voice)
        }
        Verb::Drive { input, connect, unix } => {
            drive::drive(input, connect, unix.as_deref(), voice)
        }
        Verb::Qcschema { file } => qcschema::qcschema(file, voice),
        Verb::Sweep { what, out, jobs, failed, dry_run, engine, tasks, options } => {
            let (failed, dry_run, engine) = (*failed, *dry_run, *engine);
            let tasks = tasks.and_then(|n| usize::try_from(n).ok());
            match sweep::typed(what)? {
                sweep::Typed::Status(folder) => sweep::status(folder, voice),
                sweep::Typed::Plan(plan) => {
                    let (out, jobs) = (out.as_deref(), jobs.map(usize::from));
                    let wanted =
                        sweep::Wanted { plan, out, jobs, failed, dry_run, engine, tasks, options };
                    sweep::sweep(&wanted, voice)
                }
            }
        }
        Verb::SweepWorker { folder, failed, attached } => sweep::worker(folder, *failed, *attached),
        Verb::Gather { folder } => sweep::gather(folder, voice),
        Verb::Init { kind, folder, force } => init::init(kind, folder.as_deref(), *force, voice),
        Verb::Plot { runs, out, force } => redraw::plot(runs, out.as_deref(), *force, voice),
        Verb::Compare { runs, out, force } => compare::compare(runs, out, *force, voice),
        Verb::Report { run, export } => redraw::report(run, export, voice),
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut spoken(), "cotangent", &mut script);
            let script = String::from_utf8_lossy(&script);
            voice.data(&script, &serde_json::json!({ "completions": script }))?;
            Ok(Exit::Done)
        }
        Verb::Schema => {
            let schema = schema();
            voice.data(&format!("{schema:#}"), &schema)?;
            Ok(Exit::Done)
        }
    }
}

/// Says what went wrong: for people on stderr, and with `--format json` as data too.
fn explain(voice: Voice, failure: Failure) -> Exit {
    let (problems, exit) = match failure {
        Failure::Output(error) => {
            (vec![Diagnostic::plain("cotangent::io", error.to_string(), "")], Exit::Io)
        }
        Failure::Input(problems) => {
            let unreadable = problems.iter().all(|p| p.code == "cotangent::scenario::unreadable");
            (problems, if unreadable { Exit::Io } else { Exit::Usage })
        }
        Failure::Numerical(message) => {
            (vec![Diagnostic::plain("cotangent::numerical", message, "")], Exit::Numerical)
        }
        Failure::Harness(error) => harness_problem(&error),
    };
    say(diagnostic::render(&problems, voice.colour).trim_end());
    if voice.json() {
        let each = problems.iter().take(diagnostic::MOST_AS_DATA).map(Diagnostic::to_json);
        let each: Vec<_> = each.collect();
        let data = serde_json::json!({ "errors": each, "number": problems.len() });
        let _ = voice.data("", &data);
    }
    exit
}

fn harness_problem(error: &HarnessError) -> (Vec<Diagnostic>, Exit) {
    use cotangent_optim::StartError;
    let (code, help, exit) = match error {
        HarnessError::Io { .. } => ("cotangent::io", "", Exit::Io),
        HarnessError::Exists(_) => ("cotangent::run::exists", "", Exit::Usage),
        HarnessError::NoRun(_) => ("cotangent::run::no_run", "", Exit::Io),
        HarnessError::NotARun(_) => ("cotangent::run::not_a_run", "", Exit::Usage),
        HarnessError::Unfinished(_) => {
            let help = "`cotangent resume FOLDER` goes on with it; `cotangent plot FOLDER` draws how far it is";
            ("cotangent::run::unfinished", help, Exit::Usage)
        }
        HarnessError::InUse(_) => ("cotangent::run::in_use", "", Exit::Usage),
        HarnessError::Name(_) => {
            ("cotangent::run::name", "set `scenario.name` to a plain name", Exit::Usage)
        }
        HarnessError::Start(StartError::Start(_)) => {
            ("cotangent::run::start", "start elsewhere, or tighten the bounds", Exit::Numerical)
        }
        HarnessError::Start(_) => ("cotangent::run::start", "", Exit::Usage),
        HarnessError::Checkpoint { .. } => {
            ("cotangent::run::checkpoint", "start a new run with `cotangent run`", Exit::Usage)
        }
        HarnessError::Conclude(_) => {
            let help = "what was computed until then is in the run folder";
            ("cotangent::run::conclude", help, Exit::Numerical)
        }
        _ => ("cotangent::run", "", Exit::Usage),
    };
    (vec![Diagnostic::plain(code, error.to_string(), help)], exit)
}
