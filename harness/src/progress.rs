//! What a run tells while it goes on.

use std::path::Path;

use cotangent_optim::{Iteration, Stop};

use crate::Score;

/// What takes time beside the iterations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The objective is evaluated at the start and its gradient checked there.
    Start,
    /// The answer is judged; what led to it is safe in the run folder.
    Judging,
    /// Nothing more is computed.
    Over,
}

/// Is told of a run as it goes on.
pub trait Progress {
    /// A stage begins; `folder` is the run folder, once there is one.
    fn stage(&mut self, stage: Stage, folder: Option<&Path>) {
        let _ = (stage, folder);
    }

    /// An iteration was made, of at most as many as `stop` says.
    fn iteration(&mut self, iteration: &Iteration, score: Option<Score>, stop: &Stop) {
        let _ = (iteration, score, stop);
    }

    /// Whether the run should write a checkpoint and stop, as by Ctrl-C; asked before each iteration.
    fn is_stopped(&mut self) -> bool {
        false
    }
}

/// Shows nothing.
impl Progress for () {}
