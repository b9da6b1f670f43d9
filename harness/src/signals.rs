//! Ctrl-C, SIGTERM and a closed terminal: the first asks the run to write a checkpoint and stop, the second ends the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Which signal came, if any.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signals {
    which: Arc<AtomicUsize>,
    /// Whether the next signal ends the process at once.
    armed: Arc<AtomicBool>,
}

impl Signals {
    /// Starts listening. Where the system refuses, signals act as they always do; one that the process was started to ignore (by
    /// `nohup`, or in the background of a script) is still ignored.
    pub(crate) fn listen() -> Self {
        let signals = Self::default();
        #[cfg(unix)]
        unix::register(&signals);
        signals
    }

    /// The signal that came; 0 for none.
    pub(crate) fn received(&self) -> i32 {
        i32::try_from(self.which.load(Ordering::SeqCst)).unwrap_or(0)
    }

    /// From now on the first signal ends the process at once: there is nothing left to save.
    pub(crate) fn end_at_once(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }
}

#[cfg(unix)]
mod unix {
    #![expect(unsafe_code, reason = "the disposition of a signal can only be asked of the system")]

    use std::sync::Arc;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::flag;

    use super::Signals;

    pub(super) fn register(signals: &Signals) {
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            if ignored(signal) {
                continue;
            }
            // the order matters: the shutdown is armed by the signal before
            let _ = flag::register_conditional_shutdown(
                signal,
                128 + signal,
                Arc::clone(&signals.armed),
            );
            let _ = flag::register(signal, Arc::clone(&signals.armed));
            let number = usize::try_from(signal).unwrap_or(0);
            let _ = flag::register_usize(signal, Arc::clone(&signals.which), number);
        }
    }

    /// Whether the process ignores the signal, as it may have inherited from its parent.
    fn ignored(signal: i32) -> bool {
        // SAFETY: a zeroed `sigaction` is a valid one to write into, a null pointer for the new action asks without changing, and
        // what was written is read only where the call succeeded.
        unsafe {
            let mut now: libc::sigaction = std::mem::zeroed();
            libc::sigaction(signal, std::ptr::null(), &raw mut now) == 0
                && now.sa_sigaction == libc::SIG_IGN
        }
    }
}
