//! Record once, then replay: a generic function as an optimised program.
//!
//! A [`Program`] is recorded by running the function on [`Traced`] values. Equal expressions are shared, what no output
//! needs is dropped, sums of products become single instructions. Its derivatives are programs as well, derived on the
//! recorded graph and optimised with it: values, [`Program::vjp`], [`Program::jvp`], [`Program::hvp`],
//! [`Program::jacobian`]. Branches leave guards: a replay in which one goes the other way returns
//! [`ReplayError::GuardFlipped`], never a stale number.
//!
//! ```
//! use cotangent_ad::{Num, Real, program::{Program, ReplayError}};
//!
//! fn model<R: Real>(x: &[R]) -> Vec<R> {
//!     let r = x[0].hypot(x[1]);
//!     vec![if r > R::lit(1.0) { r.ln() } else { (r * r - 1.0) * 0.5 }]
//! }
//! let p = Program::record(|x| model(x), &[3.0, 4.0]);
//! let (y, g) = p.vjp(&[6.0, 8.0], &[1.0])?;
//! assert!((y[0] - 10.0_f64.ln()).abs() < 1e-15 && (g[0] - 6.0 / 100.0).abs() < 1e-16);
//! assert!(matches!(p.call(&[0.3, 0.4]), Err(ReplayError::GuardFlipped { .. })));
//! # Ok::<(), ReplayError>(())
//! ```
//!
//! The same function of many items is an [`ItemProgram`]: it runs over blocks of 32 items, at the processor's widest
//! [`simd_level`], on all workers of the current thread pool, with the same bits for any number of them. A loop whose step is a program is
//! a [`ScanProgram`].

mod code;
mod derive;
mod error;
mod graph;
mod items;
mod real;
mod record;
mod save;
mod scan;
mod simd;
mod wide;

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, OnceLock};

use self::derive::{Derivation, Sensitivity};
use self::graph::{Graph, GuardLine, Id, Line};
use self::record::Recorder;
use self::wide::Wide;
use self::wide::run::Values;
use crate::real::Real;
use crate::rule::SliceRule;

pub use self::error::ReplayError;
pub use self::items::{ItemJacobian, ItemProgram};
pub use self::record::Traced;
pub use self::save::{LoadError, SaveError};
pub use self::scan::tangent::{ScanCurvature, ScanTangent};
pub use self::scan::{ScanGradient, ScanProgram};
pub use self::simd::{SimdLevel, simd_level, widest_simd_level};

/// A recorded, optimised function `R^n -> R^m`. `Send + Sync`; a clone is the same program.
///
/// It is a [`SliceRule`]: `R::slice_rule(&program, x)` calls it inside generic code, as one block on a tape and inside another
/// program, with derivatives of any order.
#[derive(Clone, Debug)]
pub struct Program(Arc<Recorded>);

#[derive(Debug)]
struct Recorded {
    graph: Graph,
    outputs: Vec<Id>,
    code: Wide,
    vjp: OnceLock<Result<Program, ReplayError>>,
    jvp: OnceLock<Result<Program, ReplayError>>,
    jacobian: OnceLock<Result<Sparse, ReplayError>>,
}

/// Entries, with their rows and columns.
type Sparse = (Program, Vec<[usize; 2]>);

impl Program {
    /// Records `f` at `at`: branches are taken as they go there.
    pub fn record(f: impl FnOnce(&[Traced]) -> Vec<Traced>, at: &[f64]) -> Self {
        let Ok(program) = Self::try_record(|x| Ok::<_, Infallible>(f(x)), at);
        program
    }

    /// [`Program::record`] of a function that may fail, because a rule in it has no value at `at`.
    ///
    /// # Errors
    /// What `f` returns.
    pub fn try_record<E>(
        f: impl FnOnce(&[Traced]) -> Result<Vec<Traced>, E>,
        at: &[f64],
    ) -> Result<Self, E> {
        Self::extend(Graph::default(), |recorder| {
            let x: Vec<Traced> = at.iter().map(|x| recorder.input(*x)).collect();
            f(&x)
        })
    }

    fn extend<E>(
        graph: Graph,
        f: impl FnOnce(&'static Recorder) -> Result<Vec<Traced>, E>,
    ) -> Result<Self, E> {
        let record = |recorder: &'static Recorder| -> Result<Vec<Id>, E> {
            Ok(f(recorder)?.into_iter().map(|y| recorder.node(y)).collect())
        };
        let (outputs, graph) = Recorder::extend(graph, record);
        Ok(Self::compiled(graph, outputs?))
    }

    fn compiled(graph: Graph, outputs: Vec<Id>) -> Self {
        let code = Wide::compile(&graph, &outputs);
        let (vjp, jvp, jacobian) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Self(Arc::new(Recorded { graph, outputs, code, vjp, jvp, jacobian }))
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.0.graph.inputs as usize
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.0.outputs.len()
    }

    /// Number of values that were recorded, inputs and constants among them.
    pub fn len(&self) -> usize {
        self.0.graph.nodes.len()
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values at `x`.
    ///
    /// # Errors
    /// A wrong length, a branch that goes another way here, a rule without a value.
    pub fn call(&self, x: &[f64]) -> Result<Vec<f64>, ReplayError> {
        ReplayError::shape("x", self.inputs(), x.len())?;
        let Recorded { graph, code, .. } = &*self.0;
        let stopped = |stop| {
            ReplayError::stopped(0, stop, |g| {
                GuardLine(graph, &graph.guards[g as usize]).to_string()
            })
        };
        let mut values = Values::new(code);
        values.inputs(code).copy_from_slice(x);
        wide::run::run(code, graph, &mut values).map_err(stopped)?;
        Ok(values.outputs(code).collect())
    }

    /// Values and `J^T y_bar`.
    ///
    /// # Errors
    /// As [`Program::call`]; a rule without a derivative.
    pub fn vjp(&self, x: &[f64], y_bar: &[f64]) -> Result<(Vec<f64>, Vec<f64>), ReplayError> {
        self.with_sensitivities(self.vjp_program()?, x, ("y_bar", y_bar, self.outputs()))
    }

    /// Values and `J x_dot`.
    ///
    /// # Errors
    /// As [`Program::vjp`].
    pub fn jvp(&self, x: &[f64], x_dot: &[f64]) -> Result<(Vec<f64>, Vec<f64>), ReplayError> {
        self.with_sensitivities(self.jvp_program()?, x, ("x_dot", x_dot, self.inputs()))
    }

    fn with_sensitivities(
        &self,
        derived: &Self,
        x: &[f64],
        (what, s, expected): (&'static str, &[f64], usize),
    ) -> Result<(Vec<f64>, Vec<f64>), ReplayError> {
        ReplayError::shape("x", self.inputs(), x.len())?;
        ReplayError::shape(what, expected, s.len())?;
        let mut values = derived.call(&[x, s].concat())?;
        let sensitivities = values.split_off(self.outputs());
        Ok((values, sensitivities))
    }

    /// Gradient of the first output and its Hessian times `v`.
    ///
    /// # Errors
    /// As [`Program::vjp`].
    ///
    /// # Panics
    /// Where there is no output.
    pub fn hvp(&self, x: &[f64], v: &[f64]) -> Result<(Vec<f64>, Vec<f64>), ReplayError> {
        ReplayError::shape("x", self.inputs(), x.len())?;
        ReplayError::shape("v", self.inputs(), v.len())?;
        assert!(self.outputs() > 0, "a Hessian is of an output");
        let (n, m) = (self.inputs(), self.outputs());
        let mut y_bar = vec![0.0; m];
        y_bar[0] = 1.0;
        let at = [x, &y_bar].concat();
        let direction = [v, &vec![0.0; m]].concat();
        let (values, dots) = self.vjp_program()?.jvp(&at, &direction)?;
        Ok((values[m..m + n].to_vec(), dots[m..m + n].to_vec()))
    }

    /// Entries of the Jacobian that are not zero by structure, with their rows and columns; ordered by rows.
    ///
    /// # Errors
    /// As [`Program::vjp`].
    pub fn jacobian(&self, x: &[f64]) -> Result<(&[[usize; 2]], Vec<f64>), ReplayError> {
        ReplayError::shape("x", self.inputs(), x.len())?;
        let found = self.0.jacobian.get_or_init(|| {
            let Recorded { graph, outputs, .. } = &*self.0;
            let columns: Vec<u32> = (0..graph.inputs).collect();
            let (graph, entries, pattern) = derive::jacobian(graph, outputs, &columns)?;
            Ok((Self::compiled(graph, entries), pattern))
        });
        let (program, pattern) = found.as_ref().map_err(Clone::clone)?;
        Ok((pattern, program.call(x)?))
    }

    /// `(x, y_bar) -> (y, J^T y_bar)`.
    fn vjp_program(&self) -> Result<&Self, ReplayError> {
        let Recorded { graph, outputs, vjp, .. } = &*self.0;
        let found = vjp.get_or_init(|| {
            Self::extend(graph.clone(), |recorder| {
                let y_bar: Vec<Traced> = outputs.iter().map(|_| recorder.input(1.0)).collect();
                let derivation = Derivation::new(recorder, graph.clone());
                let seeds = y_bar.into_iter().map(Sensitivity::of_seed);
                let x_bar = derivation.reverse(outputs, seeds, |_| true)?;
                Ok(with_values(recorder, outputs, x_bar))
            })
        });
        found.as_ref().map_err(Clone::clone)
    }

    /// `(x, x_dot) -> (y, J x_dot)`.
    fn jvp_program(&self) -> Result<&Self, ReplayError> {
        let Recorded { graph, outputs, jvp, .. } = &*self.0;
        let found = jvp.get_or_init(|| {
            Self::extend(graph.clone(), |recorder| {
                let x_dot: Vec<_> = (0..graph.inputs).map(|_| Some(recorder.input(1.0))).collect();
                let derivation = Derivation::new(recorder, graph.clone());
                let y_dot = derivation.forward(outputs, &x_dot)?;
                Ok(with_values(recorder, outputs, y_dot))
            })
        });
        found.as_ref().map_err(Clone::clone)
    }
}

/// The values of `outputs`, then sensitivities.
fn with_values(
    recorder: &'static Recorder,
    outputs: &[Id],
    sensitivities: Vec<Option<Traced>>,
) -> Vec<Traced> {
    let values = outputs.iter().map(|id| recorder.value(*id));
    values.chain(sensitivities.into_iter().map(|s| s.unwrap_or(Traced::konst(0.0)))).collect()
}

/// The derivative of a call is a call of the derived program.
impl SliceRule for Program {
    type Error = ReplayError;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, ReplayError> {
        self.call(x)
    }

    fn jvp<R: Real>(&self, x: &[R], _: &[R], x_dot: &[R]) -> Result<Vec<R>, ReplayError> {
        let mut found = R::slice_rule(self.jvp_program()?, &[x, x_dot].concat())?;
        Ok(found.split_off(self.outputs()))
    }

    fn vjp<R: Real>(&self, x: &[R], _: &[R], y_bar: &[R]) -> Result<Vec<R>, ReplayError> {
        let mut found = R::slice_rule(self.vjp_program()?, &[x, y_bar].concat())?;
        Ok(found.split_off(self.outputs()))
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "program of {} inputs", self.inputs())?;
        write!(f, "{}", self.0.graph)?;
        write!(f, "return")?;
        self.0.outputs.iter().try_for_each(|id| write!(f, " {}", Line(&self.0.graph, *id)))
    }
}
