//! Progress on stderr: a moving bar on a terminal, plain lines elsewhere.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use cotangent_harness::{Progress, Score, Stage};
use cotangent_optim::{Iteration, Stop};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

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
pub struct Shown {
    style: Style,
    bar: Option<ProgressBar>,
    last: Instant,
}

impl Shown {
    /// Progress in a style; the bar appears with the first iteration.
    pub fn new(style: Style) -> Self {
        let moving = style == Style::Lines
            && io::stderr().is_terminal()
            && !dumb()
            && std::env::var_os("COTANGENT_NO_PROGRESS").is_none();
        let bar = moving.then(|| ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()));
        if let Some(bar) = &bar {
            let template = "[{bar:40}] {prefix} in {elapsed}, at most {eta} more\n{wide_msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> "));
            }
        }
        Self { style, bar, last: Instant::now() }
    }

    /// A line that stays, above the bar where there is one.
    fn tell(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say(text)),
            None if self.style != Style::Quiet => say(text),
            None => {}
        }
    }
}

impl Progress for Shown {
    fn stage(&mut self, stage: Stage, folder: Option<&Path>) {
        match stage {
            Stage::Start => self.tell("evaluating the start and checking the gradient there"),
            Stage::Judging => {
                let folder = folder.map_or_else(String::new, |f| f.display().to_string());
                self.tell(&format!(
                    "judging the answer; Ctrl-C ends this at once, `cotangent resume {folder}` judges again"
                ));
            }
            Stage::Over => {
                if let Some(bar) = &self.bar {
                    bar.finish_and_clear();
                }
            }
        }
    }

    fn iteration(&mut self, it: &Iteration, score: Option<Score>, stop: &Stop) {
        if let Some(note) = &it.note {
            self.tell(&format!("note: {note}"));
        }
        let text = describe(it, score);
        if let Some(bar) = &self.bar {
            let (done, most, unit) = nearest_limit(it, stop);
            bar.set_length(most);
            bar.set_position(done);
            bar.set_prefix(format!("{done}/{most} {unit}"));
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
    }
}

/// What ends the run first at this pace: how much is done, of how much, of what.
fn nearest_limit(it: &Iteration, stop: &Stop) -> (u64, u64, &'static str) {
    let iterations = (it.index as u64, stop.max_iterations as u64, "iterations");
    let evaluations = (it.evaluations, stop.max_evaluations, "evaluations");
    let share = |(done, most, _): (u64, u64, &str)| done as f64 / most.max(1) as f64;
    if share(evaluations) > share(iterations) { evaluations } else { iterations }
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

/// Whether the terminal can neither move its cursor nor show colours.
pub(crate) fn dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

#[cfg(test)]
mod tests {
    use cotangent_optim::{Iteration, Stop};

    use super::nearest_limit;

    #[test]
    fn the_bar_counts_what_ends_the_run_first() {
        let it = Iteration {
            index: 10,
            value: 0.0,
            best_value: 0.0,
            gradient_norm: None,
            step_norm: 0.0,
            evaluations: 300,
            gradient_evaluations: 0,
            failures: 0,
            x: Vec::new(),
            terms: Vec::new(),
            note: None,
        };
        let stop = |max_iterations, max_evaluations| Stop {
            max_iterations,
            max_evaluations,
            ..Stop::default()
        };
        assert_eq!(nearest_limit(&it, &stop(20, 100_000)), (10, 20, "iterations"));
        assert_eq!(nearest_limit(&it, &stop(500, 400)), (300, 400, "evaluations"));
    }
}
