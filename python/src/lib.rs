//! The extension module `cotangent._cotangent`: maps and objectives over flat buffers of `f64`.
//!
//! Names, shapes and dictionaries are the Python package's; here every call takes and gives flat arrays, checks nothing that
//! [`CheckedMap`](cotangent_problem::CheckedMap) checks, and computes without the interpreter's lock.

mod error;
mod map;
mod objective;
mod quantity;
mod run;
mod scenario;

use pyo3::prelude::*;

/// The extension module.
#[pymodule]
mod _cotangent {
    use super::*;

    #[pymodule_export]
    use super::map::Map;
    #[pymodule_export]
    use super::objective::Objective;
    #[pymodule_export]
    use super::run::{resume, run};
    #[pymodule_export]
    use super::scenario::Scenario;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        super::error::add(module)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }

    /// Uses this many threads; once, before anything is computed. Results do not depend on it.
    #[pyfunction]
    fn set_threads(n: usize) -> PyResult<()> {
        let most = 64.max(2 * std::thread::available_parallelism().map_or(1, usize::from));
        if n == 0 || n > most {
            return Err(super::error::input(format!(
                "between 1 and {most} threads can be of use, not {n}"
            )));
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n);
        pool.build_global().map_err(|_| {
            super::error::input(
                "the threads have been started already: choose their number first".into(),
            )
        })
    }
}
