//! Exit codes, the same for every verb.

use std::process::ExitCode;

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done; a run met its goal.
    Done,
    /// Finished, but the goal was not met: not converged, a gradient check failed.
    GoalNotMet,
    /// Bad usage or a bad scenario.
    Usage,
    /// A numerical failure: non-finite values, no trial point with a value.
    Numerical,
    /// A file could not be read or written.
    Io,
    /// A bug of the program itself.
    Bug,
    /// Interrupted by Ctrl-C, with a checkpoint written.
    Interrupted,
    /// The terminal was closed (SIGHUP), with a checkpoint written.
    HungUp,
    /// Ended by SIGTERM, with a checkpoint written.
    Terminated,
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::GoalNotMet => 1,
            Self::Usage => 2,
            Self::Numerical => 3,
            Self::Io => 4,
            Self::Bug => 70,
            Self::HungUp => 129,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
