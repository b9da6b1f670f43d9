//! The engine of this machine: a few processes, each of which runs one point after the other.
//!
//! A worker reads numbers of points from its standard input, a line each, and answers each with a line `NUMBER STATE`. One that dies,
//! however it dies, takes nothing along but the iteration at hand: its point goes on from its checkpoint in another worker. A
//! point in which two workers died is given up. A worker whose input is closed while it runs a point leaves a checkpoint and ends: so
//! none goes on alone, however the process that started it has ended.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use crate::study::{State, Study, SweepError};

/// Workers that may die at one point before it is given up.
const DEATHS: usize = 2;

/// How long a signal may wait until it is heeded.
const PATIENCE: Duration = Duration::from_millis(100);

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

/// Runs points by `workers` processes that `command` starts, whose input stays open as long as they are to work. Where `stopped` says so
/// they leave checkpoints, and are waited for. Returns the points that were given up because workers died there.
///
/// # Errors
/// A worker that cannot be started.
pub fn run(
    points: &[usize],
    workers: usize,
    command: &mut dyn FnMut() -> Command,
    stopped: &dyn Fn() -> bool,
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
        let heard = hear.recv_timeout(PATIENCE);
        if stopped() {
            // all are told before any is waited for
            let children: Vec<Child> = alive.drain(..).flatten().map(|w| w.child).collect();
            for mut child in children {
                let _ = child.wait();
            }
            break;
        }
        let (number, ran) = match heard {
            Ok(said) => said,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => break,
        };
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

/// What a worker does: runs the points whose numbers it reads, until there are no more. One that is `attached` stops with a checkpoint
/// where its input is closed while it runs a point.
///
/// # Errors
/// The sweep is not to go on; a pipe that is closed.
pub fn work(
    study: &Study,
    failed: bool,
    attached: bool,
    input: impl BufRead + Send + 'static,
    mut output: impl Write,
) -> Result<(), SweepError> {
    let io = |source| cotangent_harness::HarnessError::Io { path: study.folder().into(), source };
    let busy = Arc::new(AtomicBool::new(false));
    for line in read_ahead(input, attached.then(|| Arc::clone(&busy))) {
        let Ok(point) = line.map_err(io)?.trim().parse() else { continue };
        busy.store(true, Ordering::SeqCst);
        let state = study.run(point, failed);
        busy.store(false, Ordering::SeqCst);
        let state = match state? {
            State::Waiting => "waiting",
            State::Started => "started",
            State::Done { .. } => "done",
            State::Failed(_) => "failed",
        };
        writeln!(output, "{point} {state}").and_then(|()| output.flush()).map_err(io)?;
    }
    Ok(())
}

/// Lines as they come, read by a thread of its own, which stops this process by a signal where they end while it is `busy`.
fn read_ahead(
    input: impl BufRead + Send + 'static,
    busy: Option<Arc<AtomicBool>>,
) -> impl Iterator<Item = io::Result<String>> {
    let (send, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in input.lines() {
            if send.send(line).is_err() {
                return;
            }
        }
        if busy.is_some_and(|busy| busy.load(Ordering::SeqCst)) {
            stop();
        }
    });
    lines.into_iter()
}

/// Asks the run at hand to leave a checkpoint and stop.
fn stop() {
    #[cfg(unix)]
    let _ = signal_hook::low_level::raise(signal_hook::consts::SIGTERM);
}
