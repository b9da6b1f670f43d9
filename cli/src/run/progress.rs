//! Progress on stderr: a moving bar on a terminal, plain lines elsewhere.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use cotangent_optim::Iteration;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Score;

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Not at all.
    Quiet,
    /// A moving bar on a terminal, else lines at 1, 2, 5, 10, 20, ... and every 30 s.
    Lines,
    /// A line each iteration.
    Every,
}

/// Shows progress.
#[derive(Debug)]
pub struct Progress {
    style: Style,
    bar: Option<ProgressBar>,
    last: Instant,
}

impl Progress {
    /// Progress towards at most `iterations`.
    pub fn new(style: Style, iterations: usize) -> Self {
        let moving = style == Style::Lines
            && io::stderr().is_terminal()
            && std::env::var_os("COTANGENT_NO_PROGRESS").is_none();
        let bar = moving.then(|| {
            let bar = ProgressBar::with_draw_target(
                Some(iterations as u64),
                ProgressDrawTarget::stderr(),
            );
            let template = "[{bar:40}] {pos}/{len} in {elapsed}, at most {eta} more\n{wide_msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar
        });
        Self { style, bar, last: Instant::now() }
    }

    /// Shows one iteration.
    pub fn show(&mut self, it: &Iteration, score: Option<Score>) {
        let text = describe(it, score);
        if let Some(bar) = &self.bar {
            bar.set_position(it.index as u64);
            bar.set_message(text);
            return;
        }
        let due = match self.style {
            Style::Quiet => false,
            Style::Every => true,
            Style::Lines => milestone(it.index) || self.last.elapsed() > Duration::from_secs(30),
        };
        if due {
            self.last = Instant::now();
            say(&format!("{:>5}  {text}", it.index));
        }
        if let (Some(note), true) = (&it.note, self.style != Style::Quiet) {
            say(&format!("note: {note}"));
        }
    }

    /// Ends the moving bar.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A line on stderr; a closed stderr is nobody listening.
pub fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

fn milestone(index: usize) -> bool {
    let mut leading = index;
    while leading >= 10 && leading.is_multiple_of(10) {
        leading /= 10;
    }
    matches!(leading, 0 | 1 | 2 | 5)
}

fn describe(it: &Iteration, score: Option<Score>) -> String {
    let gradient = it.gradient_norm.map_or(String::new(), |g| format!("  |g| {g:.2e}"));
    let score = score.map_or(String::new(), |s| format!("  {} {:.3} {}", s.name, s.value, s.unit));
    format!(
        "objective {:.6e}{gradient}  step {:.2e}  evaluations {}{score}",
        it.value, it.step_norm, it.evaluations
    )
}
