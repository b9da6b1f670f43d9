//! The engine of this machine: a few processes, each of which runs one point after the other.
//!
//! A worker reads numbers of points from its standard input, a line each, and answers each with a line `NUMBER STATE`. One that dies,
//! however it dies, takes nothing along but the iteration at hand: its point goes on from its checkpoint in another worker. A
//! point in which two workers died is given up.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;

use crate::study::{State, Study, SweepError};

/// Workers that may die at one point before it is given up.
const DEATHS: usize = 2;

/// What is told of a sweep as it goes on.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A point was run.
    Ran(usize),
    /// A worker died at a point; it is tried again, or given up.
    Died {
        /// The point.
        point: usize,
        /// Whether it is tried again.
        again: bool,
    },
}

/// A worker process.
struct Worker {
    child: Child,
    input: ChildStdin,
    point: usize,
}

/// What a worker said: its number, and the point that it has run, or that it is gone.
type Said = (usize, Option<usize>);

/// Runs points by `workers` processes that `command` starts. Returns the points that were given up because workers died there.
///
/// # Errors
/// A worker that cannot be started.
pub fn run(
    points: &[usize],
    workers: usize,
    command: &mut dyn FnMut() -> Command,
    tell: &mut dyn FnMut(&Event),
) -> io::Result<Vec<usize>> {
    let (said, hear) = mpsc::channel::<Said>();
    let mut waiting: Vec<usize> = points.iter().rev().copied().collect();
    let mut alive: Vec<Option<Worker>> = Vec::new();
    let (mut deaths, mut given_up) = (std::collections::BTreeMap::new(), Vec::new());
    while alive.len() < workers.max(1).min(points.len()) {
        let number = alive.len();
        let Some(point) = waiting.pop() else { break };
        alive.push(Some(start(command, point, number, &said)?));
    }
    while alive.iter().any(Option::is_some) {
        let Ok((number, ran)) = hear.recv() else { break };
        let Some(worker) = &mut alive[number] else { continue };
        if let Some(point) = ran {
            tell(&Event::Ran(point));
            match waiting.pop() {
                Some(next) => {
                    worker.point = next;
                    // a worker that died meanwhile is heard of as gone
                    let _ = writeln!(worker.input, "{next}");
                }
                None => end(alive[number].take()),
            }
            continue;
        }
        let point = worker.point;
        let died: &mut usize = deaths.entry(point).or_default();
        *died += 1;
        let again = *died < DEATHS;
        tell(&Event::Died { point, again });
        end(alive[number].take());
        if again {
            waiting.push(point);
        } else {
            given_up.push(point);
        }
        if let Some(next) = waiting.pop() {
            alive[number] = Some(start(command, next, number, &said)?);
        }
    }
    Ok(given_up)
}

/// Starts a worker at a point, with a thread that hears it.
fn start(
    command: &mut dyn FnMut() -> Command,
    point: usize,
    number: usize,
    said: &mpsc::Sender<Said>,
) -> io::Result<Worker> {
    let mut child = command().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let (Some(mut input), Some(output)) = (input, output) else {
        return Err(io::Error::other("a worker has no pipes"));
    };
    let _ = writeln!(input, "{point}");
    let said = said.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let point = line.split(' ').next().and_then(|word| word.parse().ok());
            if let Some(point) = point {
                let _ = said.send((number, Some(point)));
            }
        }
        let _ = said.send((number, None));
    });
    Ok(Worker { child, input, point })
}

/// Closes a worker's input, upon which it ends, and waits for that.
fn end(worker: Option<Worker>) {
    if let Some(Worker { mut child, input, .. }) = worker {
        drop(input);
        let _ = child.wait();
    }
}

/// What a worker does: runs the points whose numbers it reads, until there are no more.
///
/// # Errors
/// The sweep is not to go on; a pipe that is closed.
pub fn work(
    study: &Study,
    failed: bool,
    input: impl BufRead,
    mut output: impl Write,
) -> Result<(), SweepError> {
    let io = |source| cotangent_harness::HarnessError::Io { path: study.folder().into(), source };
    for line in input.lines() {
        let line = line.map_err(io)?;
        let Ok(point) = line.trim().parse() else { continue };
        let state = match study.run(point, failed)? {
            State::Waiting => "waiting",
            State::Started => "started",
            State::Done { .. } => "done",
            State::Failed(_) => "failed",
        };
        writeln!(output, "{point} {state}").and_then(|()| output.flush()).map_err(io)?;
    }
    Ok(())
}
