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
mod compile;
mod derive;
mod error;
mod functions;
mod graph;
mod index;
mod inline;
mod item_sum;
mod items;
mod machine;
mod replay;
mod rule;
mod scan;
mod scan_tangent;
mod traced;
mod vector;
mod wide;
mod wide_run;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::fmt;
use std::sync::OnceLock;

use self::derive::Derivation;
use self::graph::{Graph, GuardLine, Id, Line};
use self::traced::Recorder;
use self::wide::Wide;
use self::wide_run::Values;

pub use self::error::ReplayError;
pub use self::items::{ItemJacobian, ItemProgram};
pub use self::replay::{SimdLevel, simd_level};
pub use self::scan::{ScanGradient, ScanProgram};
pub use self::scan_tangent::{ScanCurvature, ScanTangent};
pub use self::traced::Traced;

/// A recorded, optimised function `R^n -> R^m`. `Send + Sync`.
#[derive(Debug)]
pub struct Program {
    graph: Graph,
    outputs: Vec<Id>,
    code: Wide,
    vjp: OnceLock<Box<Program>>,
    jvp: OnceLock<Box<Program>>,
    jacobian: OnceLock<(Box<Program>, Vec<[usize; 2]>)>,
}

impl Program {
    /// Records `f` at `at`: branches are taken as they go there.
    pub fn record(f: impl FnOnce(&[Traced]) -> Vec<Traced>, at: &[f64]) -> Self {
        Self::extend(Graph::default(), |recorder| {
            let x: Vec<Traced> = at.iter().map(|x| recorder.input(*x)).collect();
            f(&x)
        })
    }

    fn extend(graph: Graph, f: impl FnOnce(&'static Recorder) -> Vec<Traced>) -> Self {
        let record = |recorder: &'static Recorder| -> Vec<Id> {
            f(recorder).into_iter().map(|y| recorder.node(y)).collect()
        };
        let (outputs, graph) = Recorder::extend(graph, record);
        let code = Wide::compile(&graph, &outputs);
        let (vjp, jvp, jacobian) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Self { graph, outputs, code, vjp, jvp, jacobian }
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.graph.inputs as usize
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.outputs.len()
    }

    /// Number of values that were recorded, inputs and constants among them.
    pub fn len(&self) -> usize {
        self.graph.nodes.len()
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
        let stopped = |stop| {
            ReplayError::stopped(0, stop, |g| {
                GuardLine(&self.graph, &self.graph.guards[g as usize]).to_string()
            })
        };
        let mut values = Values::new(&self.code);
        values.inputs(&self.code).copy_from_slice(x);
        wide_run::run(&self.code, &self.graph, &mut values).map_err(stopped)?;
        Ok(values.outputs(&self.code).collect())
    }

    /// Values and `J^T y_bar`.
    ///
    /// # Errors
    /// As [`Program::call`].
    pub fn vjp(&self, x: &[f64], y_bar: &[f64]) -> Result<(Vec<f64>, Vec<f64>), ReplayError> {
        self.with_sensitivities(self.vjp_program(), x, ("y_bar", y_bar, self.outputs()))
    }

    /// Values and `J x_dot`.
    ///
    /// # Errors
    /// As [`Program::call`].
    pub fn jvp(&self, x: &[f64], x_dot: &[f64]) -> Result<(Vec<f64>, Vec<f64>), ReplayError> {
        self.with_sensitivities(self.jvp_program(), x, ("x_dot", x_dot, self.inputs()))
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
    /// As [`Program::call`].
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
        let (values, dots) = self.vjp_program().jvp(&at, &direction)?;
        Ok((values[m..m + n].to_vec(), dots[m..m + n].to_vec()))
    }

    /// Entries of the Jacobian that are not zero by structure, with their rows and columns; ordered by rows.
    ///
    /// # Errors
    /// As [`Program::call`].
    pub fn jacobian(&self, x: &[f64]) -> Result<(&[[usize; 2]], Vec<f64>), ReplayError> {
        ReplayError::shape("x", self.inputs(), x.len())?;
        let (program, pattern) = self.jacobian.get_or_init(|| {
            let columns: Vec<u32> = (0..self.graph.inputs).collect();
            let (graph, outputs, pattern) = derive::jacobian(&self.graph, &self.outputs, &columns);
            let code = Wide::compile(&graph, &outputs);
            let (vjp, jvp, jacobian) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
            (Box::new(Self { graph, outputs, code, vjp, jvp, jacobian }), pattern)
        });
        Ok((pattern, program.call(x)?))
    }

    /// `(x, y_bar) -> (y, J^T y_bar)`.
    fn vjp_program(&self) -> &Self {
        self.vjp.get_or_init(|| {
            Box::new(Self::extend(self.graph.clone(), |recorder| {
                let y_bar: Vec<Traced> = self.outputs.iter().map(|_| recorder.input(1.0)).collect();
                let derivation = Derivation::new(recorder, self.graph.clone());
                let x_bar = derivation.reverse(&self.outputs, &y_bar, |_| true);
                let zero = |x: Option<Traced>| x.unwrap_or(Traced::konst(0.0));
                let values = self.outputs.iter().map(|id| recorder.value(*id));
                values.chain(x_bar.into_iter().map(zero)).collect()
            }))
        })
    }

    /// `(x, x_dot) -> (y, J x_dot)`.
    fn jvp_program(&self) -> &Self {
        self.jvp.get_or_init(|| {
            Box::new(Self::extend(self.graph.clone(), |recorder| {
                let x_dot: Vec<_> =
                    (0..self.graph.inputs).map(|_| Some(recorder.input(1.0))).collect();
                let derivation = Derivation::new(recorder, self.graph.clone());
                let y_dot = derivation.forward(&self.outputs, &x_dot);
                let zero = |x: Option<Traced>| x.unwrap_or(Traced::konst(0.0));
                let values = self.outputs.iter().map(|id| recorder.value(*id));
                values.chain(y_dot.into_iter().map(zero)).collect()
            }))
        })
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "program of {} inputs", self.inputs())?;
        write!(f, "{}", self.graph)?;
        write!(f, "return")?;
        self.outputs.iter().try_for_each(|id| write!(f, " {}", Line(&self.graph, *id)))
    }
}
