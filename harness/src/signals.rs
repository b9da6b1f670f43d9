//! Ctrl-C, SIGTERM and a closed terminal: the first asks the run to write a checkpoint and stop, the second ends the process.
//!
//! A process may make several runs, one after the other or at once, and may have handlers of its own, as Python has. A run listens
//! while it lasts. Afterwards a signal does what it did before: the process's own handler is called, and where it had none the
//! process ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Which signal came since one listens, if any; listening ends where this is dropped.
#[derive(Debug, Default)]
pub struct Signals {
    which: Arc<AtomicUsize>,
    /// Whether the next signal ends the process at once.
    armed: Arc<AtomicBool>,
    #[cfg(unix)]
    registered: Vec<signal_hook::SigId>,
}

impl Signals {
    /// Starts listening. Where the system refuses, signals act as they always do; one that the process was started to ignore (by
    /// `nohup`, or in the background of a script) is still ignored.
    pub fn listen() -> Self {
        #[cfg_attr(not(unix), expect(unused_mut, reason = "nothing is registered"))]
        let mut signals = Self::default();
        #[cfg(unix)]
        unix::register(&mut signals);
        signals
    }

    /// The signal that came; 0 for none.
    pub fn received(&self) -> i32 {
        i32::try_from(self.which.load(Ordering::SeqCst)).unwrap_or(0)
    }

    /// From now on the first signal ends the process at once: there is nothing left to save.
    pub(crate) fn end_at_once(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }
}

#[cfg(unix)]
impl Drop for Signals {
    fn drop(&mut self) {
        unix::unregister(self);
    }
}

#[cfg(unix)]
mod unix {
    #![expect(unsafe_code, reason = "the disposition of a signal can only be asked of the system")]

    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::{Mutex, OnceLock, PoisonError};

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::{flag, low_level};

    use super::Signals;

    /// Runs that listen.
    static LISTENING: AtomicUsize = AtomicUsize::new(0);
    /// Signals that are taken over while a run listens.
    static TAKEN: Mutex<Option<Vec<i32>>> = Mutex::new(None);

    /// Set while no run listens.
    fn idle() -> &'static Arc<AtomicBool> {
        static IDLE: OnceLock<Arc<AtomicBool>> = OnceLock::new();
        IDLE.get_or_init(Arc::default)
    }

    /// The signals to listen for. At the first call those that had no handler get one that ends the process while no run listens:
    /// what the system does by itself does not come back once a handler was there.
    fn taken() -> Vec<i32> {
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        let first = || {
            let all = [SIGINT, SIGTERM, SIGHUP].into_iter();
            let heard: Vec<i32> = all.filter(|s| disposition(*s) != Some(libc::SIG_IGN)).collect();
            for &signal in heard.iter().filter(|s| disposition(**s) == Some(libc::SIG_DFL)) {
                let _ =
                    flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(idle()));
            }
            heard
        };
        taken.get_or_insert_with(first).clone()
    }

    pub(super) fn register(signals: &mut Signals) {
        let taken = taken();
        LISTENING.fetch_add(1, Ordering::SeqCst);
        idle().store(false, Ordering::SeqCst);
        for signal in taken {
            // the order matters: the shutdown is armed by the signal before
            let armed = || Arc::clone(&signals.armed);
            let number = usize::try_from(signal).unwrap_or(0);
            let actions = [
                flag::register_conditional_shutdown(signal, 128 + signal, armed()),
                flag::register(signal, armed()),
                flag::register_usize(signal, Arc::clone(&signals.which), number),
            ];
            signals.registered.extend(actions.into_iter().flatten());
        }
    }

    pub(super) fn unregister(signals: &mut Signals) {
        if LISTENING.fetch_sub(1, Ordering::SeqCst) == 1 {
            idle().store(true, Ordering::SeqCst);
        }
        for id in signals.registered.drain(..) {
            low_level::unregister(id);
        }
    }

    /// What a signal does now; `None` where the system does not say.
    fn disposition(signal: i32) -> Option<libc::sighandler_t> {
        // SAFETY: a zeroed `sigaction` is a valid one to write into, a null pointer for the new action asks without changing, and
        // what was written is read only where the call succeeded.
        unsafe {
            let mut now: libc::sigaction = std::mem::zeroed();
            (libc::sigaction(signal, std::ptr::null(), &raw mut now) == 0)
                .then_some(now.sa_sigaction)
        }
    }
}
