//! Process CPU time. Wall time on a shared machine says little; CPU time of two things measured in turn
//! says what their ratio is.

use cpu_time::ProcessTime;

/// CPU seconds of one call of `work`.
pub(crate) fn once<T>(work: impl FnOnce() -> T) -> f64 {
    let start = ProcessTime::now();
    std::hint::black_box(work());
    start.elapsed().as_secs_f64()
}

/// The least CPU seconds of `repeats` calls.
pub(crate) fn best<T>(repeats: usize, mut work: impl FnMut() -> T) -> f64 {
    (0..repeats).map(|_| once(&mut work)).fold(f64::INFINITY, f64::min)
}
