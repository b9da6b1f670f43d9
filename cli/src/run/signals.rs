//! Ctrl-C and SIGTERM: the first asks the run to write a checkpoint and stop, the second ends the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Which signal came, if any.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    which: Arc<AtomicUsize>,
}

impl Signals {
    /// Starts listening. Where the system refuses, signals act as they always do.
    pub fn listen() -> Self {
        let signals = Self::default();
        let seen = Arc::new(AtomicBool::new(false));
        for (signal, code) in [(SIGINT, 130), (SIGTERM, 143)] {
            // the order matters: the shutdown is armed by the signal before
            let _ = flag::register_conditional_shutdown(signal, code, Arc::clone(&seen));
            let _ = flag::register(signal, Arc::clone(&seen));
            let number = usize::try_from(signal).unwrap_or(0);
            let _ = flag::register_usize(signal, Arc::clone(&signals.which), number);
        }
        signals
    }

    /// The signal that came; 0 for none.
    pub fn received(&self) -> i32 {
        i32::try_from(self.which.load(Ordering::SeqCst)).unwrap_or(0)
    }
}
