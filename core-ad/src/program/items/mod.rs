//! The same program over many items.

pub(super) mod sum;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use crate::program::code::Code;
use crate::program::code::replay::{Items, Job, Sink, once, over_items};
use crate::program::derive::{self, Derivation, Sensitivity};
use crate::program::error::{ReplayError, Stop};
use crate::program::graph::{Graph, GuardLine, Id};
use crate::program::record::{Recorder, Traced};
use crate::program::simd::simd_level;

/// Items that are worked off together; partial sums are of this many, whatever the number of workers.
const CHUNK: usize = 512;
/// Most paths through the code that are recorded.
const PATHS: usize = 32;

pub(in crate::program) type Record =
    dyn Fn(&[Traced], &[Traced]) -> Result<Vec<Traced>, ReplayError> + Send + Sync;

/// A function of an item and of parameters that all items share, `R^d x R^p -> R^m`.
///
/// It is recorded at the first item. Where a branch goes another way for some items, it is recorded anew at the first of
/// them, and items are regrouped by the path that they take, up to 32 paths.
///
/// ```
/// use cotangent_ad::{Num, program::{ItemProgram, Traced}};
///
/// // least squares: sum_i (a exp(b t_i) - y_i)^2
/// let residual = |item: &[Traced], p: &[Traced]| {
///     let r = p[0] * (p[1] * item[0]).exp() - item[1];
///     vec![r * r]
/// };
/// let data = [0.0, 1.0, 1.0, 2.0, 2.0, 5.0];
/// let program = ItemProgram::record(residual, 2, &[1.0, 0.5], &data)?;
/// let (y, g) = program.sum_vjp(&data, &[1.0, 0.5], &[1.0])?;
/// assert!((y[0] - (0.5_f64.exp() - 2.0).powi(2) - (1.0_f64.exp() - 5.0).powi(2)).abs() < 1e-13);
/// assert_eq!(g.len(), 2);
/// # Ok::<(), cotangent_ad::program::ReplayError>(())
/// ```
pub struct ItemProgram {
    record: Arc<Record>,
    width: usize,
    parameters: usize,
    outputs: usize,
    paths: Mutex<Vec<Arc<Path>>>,
}

impl fmt::Debug for ItemProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ItemProgram({} x {} -> {})", self.width, self.parameters, self.outputs)
    }
}

/// What is computed of every item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wanted {
    /// Nothing but the guards.
    Guards,
    /// The outputs.
    Values,
    /// The outputs, then the cotangents of the parameters; those of the outputs are further parameters.
    Pullback,
    /// Entries of the Jacobian by these inputs (items' columns, then parameters).
    Jacobian(Vec<u32>),
}

/// The function along one path through its branches.
struct Path {
    graph: Graph,
    outputs: Vec<Id>,
    compiled: Mutex<BTreeMap<Wanted, Arc<Compiled>>>,
}

/// Code for one path and purpose.
struct Compiled {
    graph: Graph,
    code: Code,
    /// Rows and columns of entries of the Jacobian.
    pattern: Vec<[usize; 2]>,
    /// Which of the wanted numbers each of the code's outputs is; the others are 0.
    targets: Vec<usize>,
}

/// A graph and its outputs; [`Compiled`]'s pattern and targets.
type Derived = (Graph, Vec<Id>, Vec<[usize; 2]>, Vec<usize>);

/// Jacobian blocks of all items.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemJacobian {
    /// Output and input (place in what was asked) of every entry of a block.
    pub pattern: Vec<[usize; 2]>,
    /// Entries, a row an item, in the pattern's order.
    pub entries: Vec<f64>,
}

impl Path {
    fn record(program: &Record, item: &[f64], p: &[f64]) -> Result<Self, ReplayError> {
        let record = |recorder: &'static Recorder| -> Result<Vec<Id>, ReplayError> {
            let item: Vec<Traced> = item.iter().map(|x| recorder.input(*x)).collect();
            let p: Vec<Traced> = p.iter().map(|x| recorder.input(*x)).collect();
            Ok(program(&item, &p)?.into_iter().map(|y| recorder.node(y)).collect())
        };
        let (outputs, graph) = Recorder::extend(Graph::default(), record);
        Ok(Self { graph, outputs: outputs?, compiled: Mutex::default() })
    }

    fn compiled(&self, wanted: &Wanted, width: u32) -> Result<Arc<Compiled>, ReplayError> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(code) = compiled.get(wanted) {
            return Ok(Arc::clone(code));
        }
        let (graph, outputs, pattern, targets) = self.derived(wanted, width)?;
        let code = Code::compile(&graph, &outputs, |k| k < width);
        let code = Arc::new(Compiled { graph, code, pattern, targets });
        compiled.insert(wanted.clone(), Arc::clone(&code));
        Ok(code)
    }

    fn derived(&self, wanted: &Wanted, width: u32) -> Result<Derived, ReplayError> {
        let all = |n: usize| (0..n).collect();
        Ok(match wanted {
            Wanted::Guards => (self.graph.clone(), Vec::new(), Vec::new(), Vec::new()),
            Wanted::Values => {
                let n = self.outputs.len();
                (self.graph.clone(), self.outputs.clone(), Vec::new(), all(n))
            }
            Wanted::Pullback => {
                let mut targets: Vec<usize> = all(self.outputs.len());
                let record = |recorder: &'static Recorder| -> Result<Vec<Id>, ReplayError> {
                    let y_bar: Vec<_> = self.outputs.iter().map(|_| recorder.input(1.0)).collect();
                    let derivation = Derivation::new(recorder, self.graph.clone());
                    let seeds = y_bar.into_iter().map(Sensitivity::of_seed);
                    let x_bar = derivation.reverse(&self.outputs, seeds, |k| k >= width)?;
                    let mut outputs = self.outputs.clone();
                    for (k, x_bar) in x_bar.into_iter().skip(width as usize).enumerate() {
                        if let Some(x_bar) = x_bar {
                            targets.push(self.outputs.len() + k);
                            outputs.push(recorder.node(x_bar));
                        }
                    }
                    Ok(outputs)
                };
                let (outputs, graph) = Recorder::extend(self.graph.clone(), record);
                (graph, outputs?, Vec::new(), targets)
            }
            Wanted::Jacobian(columns) => {
                let (graph, entries, pattern) =
                    derive::jacobian(&self.graph, &self.outputs, columns)?;
                let n = entries.len();
                (graph, entries, pattern, all(n))
            }
        })
    }
}

impl ItemProgram {
    /// Records `f` for items of `width` numbers, at the first of `items` and parameters `p`.
    ///
    /// # Errors
    /// Where `items` is empty or no whole number of items.
    pub fn record(
        f: impl Fn(&[Traced], &[Traced]) -> Vec<Traced> + Send + Sync + 'static,
        width: usize,
        p: &[f64],
        items: &[f64],
    ) -> Result<Self, ReplayError> {
        Self::try_record(
            Arc::new(move |item: &[Traced], p: &[Traced]| Ok(f(item, p))),
            width,
            p,
            items,
        )
    }

    /// [`ItemProgram::record`] of a function that may fail to be recorded.
    pub(in crate::program) fn try_record(
        record: Arc<Record>,
        width: usize,
        p: &[f64],
        items: &[f64],
    ) -> Result<Self, ReplayError> {
        if width == 0 || items.is_empty() || !items.len().is_multiple_of(width) {
            return Err(ReplayError::Items { width, found: items.len() });
        }
        let path = Path::record(&*record, &items[..width], p)?;
        let outputs = path.outputs.len();
        let paths = Mutex::new(vec![Arc::new(path)]);
        Ok(Self { record, width, parameters: p.len(), outputs, paths })
    }

    /// The outputs of every item, a row an item.
    ///
    /// # Errors
    /// Wrong lengths; more than 32 paths; a rule without a value.
    pub fn map(&self, items: &[f64], p: &[f64]) -> Result<Vec<f64>, ReplayError> {
        self.check(items, p)?;
        self.rows(&Wanted::Values, self.outputs, items, p)
    }

    /// The outputs, summed over items.
    ///
    /// # Errors
    /// As [`ItemProgram::map`].
    pub fn sum(&self, items: &[f64], p: &[f64]) -> Result<Vec<f64>, ReplayError> {
        self.check(items, p)?;
        self.total(&Wanted::Values, self.outputs, items, p)
    }

    /// The outputs summed over items, and the cotangents of the parameters for cotangents `y_bar` of the sums.
    ///
    /// # Errors
    /// As [`ItemProgram::map`].
    pub fn sum_vjp(
        &self,
        items: &[f64],
        p: &[f64],
        y_bar: &[f64],
    ) -> Result<(Vec<f64>, Vec<f64>), ReplayError> {
        self.check(items, p)?;
        ReplayError::shape("y_bar", self.outputs, y_bar.len())?;
        let size = self.outputs + self.parameters;
        let mut y = self.total(&Wanted::Pullback, size, items, &[p, y_bar].concat())?;
        let p_bar = y.split_off(self.outputs);
        Ok((y, p_bar))
    }

    /// The block of every item's Jacobian by the inputs `by`: columns of the item come first, parameters after them.
    ///
    /// # Errors
    /// As [`ItemProgram::map`]. [`ReplayError::TooManyPaths`] at the second path: blocks must have one pattern.
    pub fn jacobian(
        &self,
        items: &[f64],
        p: &[f64],
        by: &[usize],
    ) -> Result<ItemJacobian, ReplayError> {
        self.check(items, p)?;
        let inputs = self.width + self.parameters;
        if let Some(&k) = by.iter().find(|k| **k >= inputs) {
            return Err(ReplayError::Shape { what: "by", expected: inputs, found: k });
        }
        let columns = by.iter().map(|k| number(*k)).collect();
        let wanted = Wanted::Jacobian(columns);
        let pattern = self.path(0).compiled(&wanted, self.width_u32())?.pattern.clone();
        let entries = self.rows(&wanted, pattern.len(), items, p)?;
        Ok(ItemJacobian { pattern, entries })
    }

    fn check(&self, items: &[f64], p: &[f64]) -> Result<(), ReplayError> {
        ReplayError::shape("parameters", self.parameters, p.len())?;
        if items.len().is_multiple_of(self.width) {
            Ok(())
        } else {
            Err(ReplayError::Items { width: self.width, found: items.len() })
        }
    }

    fn width_u32(&self) -> u32 {
        number(self.width)
    }

    fn path(&self, k: usize) -> Arc<Path> {
        Arc::clone(&self.paths.lock().unwrap_or_else(PoisonError::into_inner)[k])
    }

    /// Rows of `size` numbers of every item.
    fn rows(
        &self,
        wanted: &Wanted,
        size: usize,
        items: &[f64],
        p: &[f64],
    ) -> Result<Vec<f64>, ReplayError> {
        let count = items.len() / self.width;
        let mut rows = vec![0.0; count * size];
        if size == 0 || count == 0 {
            return Ok(rows);
        }
        let run = Run::new(self, wanted, size, p)?;
        let chunks: Vec<Result<(), ReplayError>> = rows
            .par_chunks_mut(CHUNK * size)
            .zip(items.par_chunks(CHUNK * self.width))
            .enumerate()
            .map(|(k, (rows, items))| run.chunk(k * CHUNK, items, Sink::Rows(rows)))
            .collect();
        chunks.into_iter().collect::<Result<(), _>>()?;
        Ok(rows)
    }

    /// Sums of `size` numbers over items.
    fn total(
        &self,
        wanted: &Wanted,
        size: usize,
        items: &[f64],
        p: &[f64],
    ) -> Result<Vec<f64>, ReplayError> {
        let run = Run::new(self, wanted, size, p)?;
        let chunks: Vec<Result<Vec<f64>, ReplayError>> = items
            .par_chunks(CHUNK * self.width)
            .enumerate()
            .map(|(k, items)| {
                let mut sums = vec![0.0; size];
                run.chunk(k * CHUNK, items, Sink::Sum(&mut sums))?;
                Ok(sums)
            })
            .collect();
        let mut total = vec![0.0; size];
        for chunk in chunks {
            total.iter_mut().zip(chunk?).for_each(|(t, s)| *t += s);
        }
        Ok(total)
    }
}

fn number(k: usize) -> u32 {
    u32::try_from(k).expect("fewer than 2^32 inputs")
}

/// One call: what is wanted, at these parameters.
struct Run<'a> {
    program: &'a ItemProgram,
    wanted: &'a Wanted,
    size: usize,
    p: &'a [f64],
    /// The first path, ready.
    first: Option<Ready>,
}

/// A path with its uniform values at the parameters.
#[derive(Clone)]
struct Ready {
    compiled: Arc<Compiled>,
    uniform: Vec<f64>,
}

impl<'a> Run<'a> {
    fn new(
        program: &'a ItemProgram,
        wanted: &'a Wanted,
        size: usize,
        p: &'a [f64],
    ) -> Result<Self, ReplayError> {
        let mut run = Self { program, wanted, size, p, first: None };
        run.first = run.ready(&program.path(0), wanted)?;
        Ok(run)
    }

    /// The path, unless its own uniform branches exclude it here.
    fn ready(&self, path: &Path, wanted: &Wanted) -> Result<Option<Ready>, ReplayError> {
        let compiled = path.compiled(wanted, self.program.width_u32())?;
        let width = self.program.width;
        let parameter = |k: u32| self.p[k as usize - width];
        match once(&compiled.code, &compiled.graph, parameter) {
            Ok(uniform) => Ok(Some(Ready { compiled, uniform })),
            Err(Stop::Flipped { .. }) => Ok(None),
            Err(Stop::Rule { error, .. }) => Err(error.at(0)),
        }
    }

    /// Works off a chunk whose first item is `first`.
    fn chunk(&self, first: usize, items: &[f64], mut sink: Sink<'_>) -> Result<(), ReplayError> {
        if let Some(ready) = self.first.as_ref().filter(|r| r.compiled.targets.len() == self.size) {
            // the outputs are what is wanted, in order
            match ready.fill(self, items, &mut sink) {
                Ok(()) => return Ok(()),
                Err((item, Stop::Rule { error, .. })) => return Err(error.at(first + item)),
                Err(_) => {}
            }
            if let Sink::Sum(sums) = &mut sink {
                sums.fill(0.0);
            }
        } else if let Some(ready) = &self.first {
            let mut results = self.results(items, &sink);
            match ready.over(self, items, &mut results) {
                Ok(()) => {
                    ready.deliver(&results, &mut sink, self.size, None);
                    return Ok(());
                }
                Err((item, Stop::Rule { error, .. })) => return Err(error.at(first + item)),
                Err(_) => {}
            }
        }
        self.by_path(first, items, &mut sink)
    }

    /// Regroups the items by the path that they take. Groups come in the order of their first items, so that sums do not
    /// depend on which paths were known before.
    fn by_path(&self, first: usize, items: &[f64], sink: &mut Sink<'_>) -> Result<(), ReplayError> {
        let width = self.program.width;
        let mut groups: Vec<(usize, Vec<usize>)> = Vec::new();
        for (k, item) in items.chunks_exact(width).enumerate() {
            let path = self.path_of(item, first + k)?;
            match groups.iter_mut().find(|g| g.0 == path) {
                Some(group) => group.1.push(k),
                None => groups.push((path, vec![k])),
            }
        }
        if groups.len() > 1 && matches!(self.wanted, Wanted::Jacobian(_)) {
            return Err(ReplayError::TooManyPaths { limit: 1, item: first + groups[1].1[0] });
        }
        for (path, members) in groups {
            let path = self.program.path(path);
            let group: Vec<f64> =
                members.iter().flat_map(|k| &items[k * width..(k + 1) * width]).copied().collect();
            let at = |k: usize| first + members[k];
            let guard = |g: u32| GuardLine(&path.graph, &path.graph.guards[g as usize]).to_string();
            let ready = self.ready(&path, self.wanted)?.ok_or_else(|| {
                ReplayError::GuardFlipped { item: at(0), guard: "on the parameters".into() }
            })?;
            let mut results = self.results(&group, sink);
            ready
                .over(self, &group, &mut results)
                .map_err(|(k, stop)| ReplayError::stopped(at(k), stop, guard))?;
            ready.deliver(&results, sink, self.size, Some(&members));
        }
        Ok(())
    }

    /// The path that an item takes; recorded where it is new.
    fn path_of(&self, item: &[f64], number: usize) -> Result<usize, ReplayError> {
        let parameters = &self.p[..self.program.parameters];
        let mut paths = self.program.paths.lock().unwrap_or_else(PoisonError::into_inner);
        for (k, path) in paths.iter().enumerate() {
            if let Ok(Some(ready)) = self.ready(path, &Wanted::Guards)
                && ready.over(self, item, &mut Results::Sum(Vec::new())).is_ok()
            {
                return Ok(k);
            }
        }
        if paths.len() >= PATHS {
            return Err(ReplayError::TooManyPaths { limit: PATHS, item: number });
        }
        paths.push(Arc::new(Path::record(&*self.program.record, item, parameters)?));
        Ok(paths.len() - 1)
    }

    fn results(&self, items: &[f64], sink: &Sink<'_>) -> Results {
        match sink {
            Sink::Sum(_) => Results::Sum(Vec::new()),
            Sink::Rows(_) => Results::Rows(Vec::new(), items.len() / self.program.width),
        }
    }
}

/// Outputs of a code, before they are put where they belong.
enum Results {
    Sum(Vec<f64>),
    Rows(Vec<f64>, usize),
}

impl Ready {
    fn fill(&self, run: &Run<'_>, items: &[f64], sink: &mut Sink<'_>) -> Result<(), (usize, Stop)> {
        let Compiled { graph, code, .. } = &*self.compiled;
        let items = Items { rows: items, width: run.program.width };
        let job = Job { code, graph, uniform: &self.uniform };
        over_items(&job, &items, sink, simd_level())
    }

    fn over(
        &self,
        run: &Run<'_>,
        items: &[f64],
        results: &mut Results,
    ) -> Result<(), (usize, Stop)> {
        let Compiled { graph, code, .. } = &*self.compiled;
        let items = Items { rows: items, width: run.program.width };
        let mut sink = match results {
            Results::Sum(sums) => {
                sums.resize(code.outputs, 0.0);
                Sink::Sum(sums)
            }
            Results::Rows(rows, count) => {
                rows.resize(code.outputs * *count, 0.0);
                Sink::Rows(rows)
            }
        };
        let job = Job { code, graph, uniform: &self.uniform };
        over_items(&job, &items, &mut sink, simd_level())
    }

    /// Puts the outputs to their targets: of the items `members`, or of all in order.
    fn deliver(
        &self,
        results: &Results,
        sink: &mut Sink<'_>,
        size: usize,
        members: Option<&[usize]>,
    ) {
        let targets = &self.compiled.targets;
        match (results, sink) {
            (Results::Sum(sums), Sink::Sum(total)) => {
                targets.iter().zip(sums).for_each(|(to, s)| total[*to] += s);
            }
            (Results::Rows(found, _), Sink::Rows(rows)) => {
                for (k, row) in found.chunks_exact(targets.len().max(1)).enumerate() {
                    let item = members.map_or(k, |m| m[k]);
                    targets.iter().zip(row).for_each(|(to, y)| rows[item * size + to] = *y);
                }
            }
            _ => unreachable!("results are made for their sink"),
        }
    }
}
