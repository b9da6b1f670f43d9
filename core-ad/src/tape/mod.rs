//! Dynamic reverse mode: a tape that a session owns.
//!
//! A [`Session`] lends an arena from a pool and hands out [`Var`]s: `Copy` handles with no lifetime, that carry their
//! value. Every operation on them appends a statement with its local partials; [`Session::pullback`] sweeps the statements
//! backwards. There is no "current tape": two sessions may be open at once, on one thread or many, and a `Var` that
//! outlives its session, or meets one of another session, panics with a message that says so. A `Var` cannot be sent to
//! another thread:
//!
//! ```compile_fail
//! let session = cotangent_ad::Session::<f64>::new();
//! let x = session.input(1.0);
//! std::thread::spawn(move || x * x);
//! ```

mod block;
pub(crate) mod map_sum;
mod parallel;
mod scan;
mod slice_scan;
mod var;

use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use crate::real::Num;
use crate::rule::DerivativeFailure;
use crate::rules::{along, chain};

pub use parallel::{parallel_map, parallel_sum};
#[doc(hidden)]
pub use slice_scan::{Part, StepTape};
pub use var::Var;

/// Pulls cotangents of a block's outputs back to its inputs, adding to the second slice.
type Pull<T> = Box<dyn Fn(&[T], &mut [T])>;

/// One statement of two arguments. Argument 0 is the sink that constants write to.
#[derive(Clone, Copy, Debug)]
struct Statement<T> {
    arguments: [u32; 2],
    partials: [T; 2],
}

/// A statement of any arity; its outputs are the statements from `first` on.
struct Block<T> {
    first: u32,
    outputs: u32,
    /// How many words among `arguments` name its inputs, and the number of the first of them.
    inputs: u32,
    arguments: usize,
    /// Number of its first entry among `entries`.
    entries: usize,
    kind: Kind<T>,
}

/// What a block's arguments and entries are.
enum Kind<T> {
    /// A statement an argument, and rows of the local Jacobian by the statements, an output a row.
    Jacobian,
    /// One output. Arguments are runs of statements that follow each other, as pairs of the first and their number; entries are the
    /// derivatives by them, run after run: the sweep adds whole rows.
    Sum,
    /// A statement an argument, entries the derivatives of the inputs by their statements.
    Pullback {
        pull: Pull<T>,
        /// Whether it is called for cotangents of zero that a seed reaches as well: a loop may have poles within.
        is_loop: bool,
    },
}

impl<T> Block<T> {
    /// The words that name its inputs.
    fn words<'a>(&self, arguments: &'a [u32]) -> &'a [u32] {
        &arguments[self.arguments..][..self.inputs as usize]
    }

    /// The statements that it reads.
    fn reads(&self, arguments: &[u32], mut each: impl FnMut(usize)) {
        let words = self.words(arguments);
        match self.kind {
            Kind::Sum => runs(words).flatten().for_each(each),
            Kind::Jacobian | Kind::Pullback { .. } => {
                words.iter().for_each(|id| each(*id as usize));
            }
        }
    }
}

/// Statements of the runs that pairs of words name.
fn runs(words: &[u32]) -> impl Iterator<Item = std::ops::Range<usize>> {
    words.chunks_exact(2).map(|run| run[0] as usize..(run[0] + run[1]) as usize)
}

struct Nodes<T> {
    statements: Vec<Statement<T>>,
    blocks: Vec<Block<T>>,
    arguments: Vec<u32>,
    entries: Vec<T>,
}

/// Where a session's statements live. Arenas are recycled, never freed: a stale handle finds another generation.
pub struct Arena<T: Num> {
    generation: Cell<u32>,
    nodes: RefCell<Nodes<T>>,
    /// The first rule without a derivative in the sweep that runs.
    failure: RefCell<Option<DerivativeFailure>>,
    /// The last sweep's cotangents, kept for their memory.
    adjoint: Cell<Vec<T>>,
}

impl<T: Num> std::fmt::Debug for Arena<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Arena(generation {})", self.generation.get())
    }
}

/// An arena that waits for a session, without its scalar type.
trait Waiting {
    /// Gives its memory back; the arena itself, a few words, stays.
    fn release(&self);
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

impl<T: Num> Waiting for &'static Arena<T> {
    fn release(&self) {
        let mut nodes = self.nodes.borrow_mut();
        *nodes = Nodes {
            statements: Vec::new(),
            blocks: Vec::new(),
            arguments: Vec::new(),
            entries: Vec::new(),
        };
        self.adjoint.take();
    }
    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// Arenas waiting for a session, by scalar type.
type Pool = BTreeMap<TypeId, Vec<Box<dyn Waiting>>>;

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(BTreeMap::new()) };
}

/// A recording in progress. Dropping it ends the life of its [`Var`]s and returns the memory to the pool.
#[derive(Debug)]
pub struct Session<T: Num> {
    arena: &'static Arena<T>,
}

/// Gives the memory back that ended sessions of this thread left for the next ones.
///
/// A session's memory is kept for the next session, which then starts without allocating. After one large gradient among
/// small ones, or before another part of a program needs the memory, this frees it. Sessions in progress are not touched.
///
/// ```
/// use cotangent_ad::{grad, tape};
/// let long = |x: &[cotangent_ad::Var<f64>]| (0..100_000).fold(x[0], |s, _| s * x[1] + x[0]);
/// let g = grad(long, &[1.0, 0.5]);
/// tape::trim();
/// assert_eq!(grad(long, &[1.0, 0.5]), g);
/// ```
pub fn trim() {
    POOL.with_borrow(|pool| pool.values().flatten().for_each(|arena| arena.release()));
}

impl<T: Num> Default for Session<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Num> Session<T> {
    /// Opens a session on this thread.
    pub fn new() -> Self {
        let pooled =
            POOL.with_borrow_mut(|pool| pool.get_mut(&TypeId::of::<T>()).and_then(Vec::pop));
        let arena =
            pooled.and_then(|a| a.into_any().downcast::<&'static Arena<T>>().ok()).map_or_else(
                || {
                    let nodes = Nodes {
                        statements: Vec::new(),
                        blocks: Vec::new(),
                        arguments: Vec::new(),
                        entries: Vec::new(),
                    };
                    &*Box::leak(Box::new(Arena {
                        generation: Cell::new(0),
                        nodes: RefCell::new(nodes),
                        failure: RefCell::new(None),
                        adjoint: Cell::default(),
                    }))
                },
                |a| *a,
            );
        arena.nodes.borrow_mut().statements.push(Statement::leaf());
        Self { arena }
    }

    /// An independent variable.
    pub fn input(&self, value: T) -> Var<T> {
        Var::recorded(self.arena, Statement::leaf(), value)
    }

    /// Independent variables, whose statements follow each other.
    fn inputs(&self, values: &[T]) -> Vec<Var<T>> {
        let mut nodes = self.arena.nodes.borrow_mut();
        let first = nodes.statements.len();
        nodes.statements.resize(first + values.len(), Statement::leaf());
        let input = |(id, value): (usize, &T)| Var::of_statement(self.arena, id, *value);
        (first..).zip(values).map(input).collect()
    }

    /// Number of statements recorded so far.
    pub fn len(&self) -> usize {
        self.arena.nodes.borrow().statements.len() - 1
    }

    /// Whether nothing is recorded yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Cotangents of `inputs` for cotangents `seeds` of `outputs`: `x_bar = J^T y_bar`.
    ///
    /// An output whose seed is exactly zero is not asked for: a pole on a path to it contributes nothing, nor does one on a path
    /// to no output. On a path to an output that is asked for, a cotangent that comes out as zero times an infinite derivative
    /// is NaN.
    ///
    /// # Panics
    /// Where a `Var` is not of this session, the numbers of outputs and seeds differ, a rule has no derivative, or `inputs`
    /// holds a multiple of an input (`x * 2.0`): the tape knows the cotangent of `x` only.
    pub fn pullback(&self, outputs: &[Var<T>], seeds: &[T], inputs: &[Var<T>]) -> Vec<T> {
        self.try_pullback(outputs, seeds, inputs).unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// [`Session::pullback`] through rules that may have no derivative.
    ///
    /// # Errors
    /// The first [`SliceRule::vjp`](crate::SliceRule::vjp) that failed.
    ///
    /// # Panics
    /// Where a `Var` is not of this session, or the numbers of outputs and seeds differ.
    pub fn try_pullback(
        &self,
        outputs: &[Var<T>],
        seeds: &[T],
        inputs: &[Var<T>],
    ) -> Result<Vec<T>, DerivativeFailure> {
        assert_eq!(outputs.len(), seeds.len(), "one cotangent an output");
        let nodes = self.arena.nodes.borrow();
        let mut adjoint = self.arena.adjoint.take();
        adjoint.clear();
        adjoint.resize(nodes.statements.len(), T::lit(0.0));
        for (y, seed) in outputs.iter().zip(seeds) {
            let (id, weight) = y.node_in(self.arena);
            adjoint[id] += chain(*seed, weight);
        }
        let seeded = || {
            let seeded = outputs.iter().zip(seeds).filter(|(_, seed)| !seed.is_constant_zero());
            seeded.map(|(y, _)| y.node_in(self.arena).0).collect()
        };
        Sweep { nodes: &nodes, mark: &Mark::START, seeded: &seeded, reached: None }
            .run(&mut adjoint);
        if let Some(failure) = self.arena.failure.take() {
            self.arena.adjoint.set(adjoint);
            return Err(failure);
        }
        let read = |x: &Var<T>| match x.node_in(self.arena) {
            (0, _) => T::lit(0.0),
            (id, weight) => {
                let unit = (weight - 1.0).is_constant_zero();
                assert!(unit, "a cotangent is asked of an input, not of a function of one");
                adjoint[id]
            }
        };
        let x_bar = inputs.iter().map(read).collect();
        self.arena.adjoint.set(adjoint);
        Ok(x_bar)
    }
}

/// Where a tape stood at some time.
#[derive(Clone, Copy, Debug)]
struct Mark {
    statements: usize,
    blocks: usize,
    arguments: usize,
    entries: usize,
}

impl Mark {
    /// Above the sink.
    const START: Self = Self { statements: 1, blocks: 0, arguments: 0, entries: 0 };
}

impl<T: Num> Session<T> {
    /// Where the tape stands.
    fn mark(&self) -> Mark {
        let nodes = self.arena.nodes.borrow();
        Mark {
            statements: nodes.statements.len(),
            blocks: nodes.blocks.len(),
            arguments: nodes.arguments.len(),
            entries: nodes.entries.len(),
        }
    }

    /// Forgets what was recorded since. Handles to it must not be used any more.
    fn rewind(&self, mark: &Mark) {
        let mut nodes = self.arena.nodes.borrow_mut();
        nodes.statements.truncate(mark.statements);
        nodes.blocks.truncate(mark.blocks);
        nodes.arguments.truncate(mark.arguments);
        nodes.entries.truncate(mark.entries);
    }

    /// Sweeps back what was recorded since, for cotangents `seeds` of `outputs`; cotangents of what stands below the mark
    /// are added to `adjoint`, which has an entry for every statement there.
    ///
    /// # Errors
    /// The first rule without a derivative.
    fn pull_back_to(
        &self,
        mark: &Mark,
        outputs: &[Var<T>],
        seeds: &[T],
        adjoint: &mut Vec<T>,
    ) -> Result<(), DerivativeFailure> {
        let nodes = self.arena.nodes.borrow();
        adjoint.truncate(mark.statements);
        adjoint.resize(nodes.statements.len(), T::lit(0.0));
        for (y, seed) in outputs.iter().zip(seeds) {
            let (id, weight) = y.node_in(self.arena);
            adjoint[id] += along(weight, *seed);
        }
        // these cotangents were computed: none of their zeros says that an output is not asked for
        let seeded = || outputs.iter().map(|y| y.node_in(self.arena).0).collect();
        Sweep { nodes: &nodes, mark, seeded: &seeded, reached: None }.run(adjoint);
        self.arena.failure.take().map_or(Ok(()), Err)
    }
}

impl<T: Num> Drop for Session<T> {
    fn drop(&mut self) {
        self.arena.generation.set(self.arena.generation.get().wrapping_add(1));
        let mut nodes = self.arena.nodes.borrow_mut();
        nodes.statements.clear();
        nodes.blocks.clear();
        nodes.arguments.clear();
        nodes.entries.clear();
        drop(nodes);
        // at the end of a thread the pool may be gone already: then the arena stays leaked
        let _ = POOL.try_with(|pool| {
            pool.borrow_mut().entry(TypeId::of::<T>()).or_default().push(Box::new(self.arena));
        });
    }
}

impl<T: Num> Statement<T> {
    fn leaf() -> Self {
        Self { arguments: [0; 2], partials: [T::lit(0.0); 2] }
    }
}

/// A reverse sweep over the statements above a mark, last to first.
struct Sweep<'a, T> {
    nodes: &'a Nodes<T>,
    mark: &'a Mark,
    /// The statements that the sweep starts from.
    seeded: &'a dyn Fn() -> Vec<usize>,
    /// Which statements a seed reaches, once that was asked.
    reached: Option<Vec<bool>>,
}

impl<T: Num> Sweep<'_, T> {
    fn run(mut self, adjoint: &mut [T]) {
        let mut end = self.nodes.statements.len();
        for block in self.nodes.blocks[self.mark.blocks..].iter().rev() {
            let first = block.first as usize;
            let last = first + block.outputs as usize;
            self.sweep_statements(last..end, adjoint);
            // what a block reads was recorded before it
            let (before, outputs) = adjoint.split_at_mut(first);
            self.sweep_block(block, before, &outputs[..block.outputs as usize]);
            end = first;
        }
        self.sweep_statements(self.mark.statements..end, adjoint);
    }

    fn sweep_block(&mut self, block: &Block<T>, adjoint: &mut [T], y_bar: &[T]) {
        let arguments = block.words(&self.nodes.arguments);
        let entries = &self.nodes.entries[block.entries..];
        let first = block.first as usize;
        match &block.kind {
            Kind::Jacobian => {
                for ((y_bar, row), id) in
                    y_bar.iter().zip(entries.chunks_exact(arguments.len())).zip(first..)
                {
                    if y_bar.is_constant_zero() && self.may_pass_over(id, row) {
                        continue;
                    }
                    for (id, partial) in arguments.iter().zip(row) {
                        adjoint[*id as usize] += *y_bar * *partial;
                    }
                }
            }
            Kind::Sum => self.sweep_sum(first, arguments, entries, adjoint, y_bar[0]),
            Kind::Pullback { pull, is_loop } => {
                let is_asked = |sweep: &mut Self| {
                    *is_loop && (first..first + y_bar.len()).any(|id| sweep.is_reached(id))
                };
                if y_bar.iter().all(Num::is_constant_zero) && !is_asked(self) {
                    return;
                }
                let mut x_bar = vec![T::lit(0.0); arguments.len()];
                pull(y_bar, &mut x_bar);
                for ((id, weight), x_bar) in arguments.iter().zip(entries).zip(x_bar) {
                    adjoint[*id as usize] += along(*weight, x_bar);
                }
            }
        }
    }

    fn sweep_sum(&mut self, id: usize, words: &[u32], entries: &[T], adjoint: &mut [T], y_bar: T) {
        if y_bar.is_constant_zero() {
            let terms = runs(words).map(|run| run.len()).sum();
            if self.may_pass_over(id, &entries[..terms]) {
                return;
            }
        }
        let mut rest = entries;
        for run in runs(words) {
            let (row, others) = rest.split_at(run.len());
            rest = others;
            for (x_bar, partial) in adjoint[run].iter_mut().zip(row) {
                *x_bar += y_bar * *partial;
            }
        }
    }

    fn sweep_statements(&mut self, range: std::ops::Range<usize>, adjoint: &mut [T]) {
        for (i, s) in range.clone().zip(&self.nodes.statements[range]).rev() {
            let y_bar = adjoint[i];
            if y_bar.is_constant_zero() && self.may_pass_over(i, &s.partials) {
                continue;
            }
            adjoint[s.arguments[0] as usize] += y_bar * s.partials[0];
            adjoint[s.arguments[1] as usize] += y_bar * s.partials[1];
        }
    }

    /// Whether a statement whose cotangent is zero contributes nothing: its derivatives are finite, or no seed reaches it. A zero
    /// that was computed on the way from a seed may be the product of what vanishes there and what grows beyond all bounds.
    #[inline]
    fn may_pass_over(&mut self, id: usize, partials: &[T]) -> bool {
        partials.iter().all(Num::is_sound) || !self.is_reached(id)
    }

    /// Whether a seed reaches the statement; found for all statements when it is first asked, as poles are rare.
    #[cold]
    fn is_reached(&mut self, id: usize) -> bool {
        let Self { nodes, mark, seeded, reached } = self;
        reached.get_or_insert_with(|| nodes.reached(mark, &seeded()))[id]
    }
}

impl<T: Num> Nodes<T> {
    /// Which statements are on a path from a statement above the mark to one of `seeded`.
    fn reached(&self, mark: &Mark, seeded: &[usize]) -> Vec<bool> {
        let mut reached = vec![false; self.statements.len()];
        seeded.iter().for_each(|id| reached[*id] = true);
        let mut blocks = self.blocks[mark.blocks..].iter().rev().peekable();
        for id in (mark.statements..self.statements.len()).rev() {
            if reached[id] {
                self.statements[id].arguments.iter().for_each(|a| reached[*a as usize] = true);
            }
            // the first output of a block is the last of them that is met
            if let Some(block) = blocks.next_if(|block| block.first as usize == id)
                && reached[id..id + block.outputs as usize].contains(&true)
            {
                block.reads(&self.arguments, |a| reached[a] = true);
            }
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use super::Session;
    use crate::{Num, Var};

    #[test]
    fn an_inactive_pole_contributes_nothing() {
        let session = Session::<f64>::new();
        let x = session.input(0.0);
        let pole = x.sqrt();
        let y = if pole > Var::lit(1.0) { pole } else { x * 3.0 };
        assert_eq!(session.pullback(&[y], &[1.0], &[x]), [3.0]);
    }

    #[test]
    fn memory_is_recycled_and_constants_are_not_recorded() {
        for _ in 0..3 {
            let session = Session::<f64>::new();
            assert!(session.is_empty());
            let x = session.input(2.0);
            let _ = Var::<f64>::lit(3.0) * Var::lit(4.0);
            let _ = (x * x).sin() * 2.0;
            assert_eq!(session.len(), 1, "functions of one argument are not recorded");
            let _ = x * session.input(3.0);
            assert_eq!(session.len(), 3);
        }
    }

    #[test]
    fn trimming_gives_the_memory_of_ended_sessions_back() {
        // a scalar of this test alone, whose arenas no other test has filled
        type Scalar = crate::Dual<f64, 3>;
        let capacities = || {
            let session = Session::<Scalar>::new();
            let nodes = session.arena.nodes.borrow();
            let adjoint = session.arena.adjoint.take();
            let found = [
                nodes.statements.capacity(),
                nodes.blocks.capacity(),
                nodes.arguments.capacity(),
                nodes.entries.capacity(),
                adjoint.capacity(),
            ];
            session.arena.adjoint.set(adjoint);
            found
        };
        let session = Session::<Scalar>::new();
        let x = [session.input(Num::lit(1.0)), session.input(Num::lit(0.5))];
        let mut sum = x[0];
        for _ in 0..10_000 {
            sum = sum * x[1] + Num::dot(&[sum, x[0], x[1], x[0]], &[x[1]; 4]);
        }
        session.pullback(&[sum], &[Num::lit(1.0)], &x);
        drop(session);
        let kept = capacities();
        assert!(kept.iter().all(|kept| *kept >= 10_000), "kept for the next session: {kept:?}");
        super::trim();
        let left = capacities();
        assert!(left.iter().all(|left| *left < 100), "given back: {left:?}");
    }

    #[test]
    #[should_panic(expected = "after its session ended")]
    fn a_stale_var_panics() {
        let stale = Session::<f64>::new().input(1.0);
        let _ = stale * stale;
    }

    #[test]
    #[should_panic(expected = "two sessions")]
    fn vars_of_two_sessions_panic() {
        let (a, b) = (Session::<f64>::new(), Session::<f64>::new());
        let _ = a.input(1.0) * b.input(2.0);
    }

    #[test]
    #[should_panic(expected = "another session")]
    fn a_pullback_of_another_session_s_var_panics() {
        let (a, b) = (Session::<f64>::new(), Session::<f64>::new());
        let x = a.input(1.0);
        b.pullback(&[x], &[1.0], &[]);
    }
}
