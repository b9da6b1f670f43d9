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
mod inputs;
pub(crate) mod map_sum;
mod parallel;
mod scan;
mod slice_scan;
mod sum;
mod sweep;
mod var;

use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use crate::real::Num;
use crate::rule::DerivativeFailure;
use crate::rules::{along, chain};

use inputs::Lent;
use sweep::Sweep;

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
#[derive(Clone, Copy)]
struct Block {
    first: u32,
    outputs: u32,
    /// How many words among the tape's arguments name its inputs, and the number of the first of them; of a sum, among its runs.
    inputs: u32,
    arguments: usize,
    /// Number of its first entry among `entries`.
    entries: usize,
    kind: Kind,
}

/// What a block's arguments and entries are.
#[derive(Clone, Copy)]
enum Kind {
    /// A statement an argument, and rows of the local Jacobian by the statements, an output a row.
    Jacobian,
    /// One output. It reads runs, and has no entries of its own.
    Sum,
    /// A statement an argument, entries the derivatives of the inputs by their statements.
    Pullback {
        /// Its number among the tape's pullbacks.
        pull: u32,
        /// Whether it is called for cotangents of zero that a seed reaches as well: a loop may have poles within.
        is_loop: bool,
    },
}

/// Statements at equal distances, and where the derivatives by them begin among the tape's entries: the sweep adds whole rows.
struct Run {
    first: u32,
    stride: u32,
    length: u32,
    entries: usize,
}

impl Run {
    fn statements(&self) -> impl Iterator<Item = usize> {
        (self.first as usize..).step_by(self.stride as usize).take(self.length as usize)
    }

    fn derivatives<'a, T>(&self, entries: &'a [T]) -> &'a [T] {
        &entries[self.entries..][..self.length as usize]
    }
}

impl Block {
    /// Where its inputs are named.
    fn range(&self) -> std::ops::Range<usize> {
        self.arguments..self.arguments + self.inputs as usize
    }

    /// The statements that it reads.
    fn reads<T>(&self, nodes: &Nodes<T>, mut each: impl FnMut(usize)) {
        match self.kind {
            Kind::Sum => nodes.runs[self.range()].iter().flat_map(Run::statements).for_each(each),
            Kind::Jacobian | Kind::Pullback { .. } => {
                nodes.arguments[self.range()].iter().for_each(|id| each(*id as usize));
            }
        }
    }
}

struct Nodes<T> {
    statements: Vec<Statement<T>>,
    blocks: Vec<Block>,
    pullbacks: Vec<Pull<T>>,
    arguments: Vec<u32>,
    entries: Vec<T>,
    /// What sums read.
    runs: Vec<Run>,
    /// Inputs that functions have been given, innermost last.
    lent: Vec<Lent>,
}

impl<T> Nodes<T> {
    const EMPTY: Self = Self {
        statements: Vec::new(),
        blocks: Vec::new(),
        pullbacks: Vec::new(),
        arguments: Vec::new(),
        entries: Vec::new(),
        runs: Vec::new(),
        lent: Vec::new(),
    };
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
        *self.nodes.borrow_mut() = Nodes::EMPTY;
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

/// An arena of a scalar type from the pool of this thread. Not generic, so that the pool is compiled once.
fn from_pool(scalar: TypeId) -> Option<Box<dyn Waiting>> {
    POOL.with_borrow_mut(|pool| pool.get_mut(&scalar).and_then(Vec::pop))
}

/// Puts an arena into the pool of this thread. At the end of a thread that may be gone already: then the arena stays leaked.
fn to_pool(scalar: TypeId, arena: Box<dyn Waiting>) {
    let _ = POOL.try_with(|pool| pool.borrow_mut().entry(scalar).or_default().push(arena));
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
        let arena = from_pool(TypeId::of::<T>())
            .and_then(|a| a.into_any().downcast::<&'static Arena<T>>().ok())
            .map_or_else(
                || {
                    &*Box::leak(Box::new(Arena {
                        generation: Cell::new(0),
                        nodes: RefCell::new(Nodes::EMPTY),
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
    pullbacks: usize,
    arguments: usize,
    entries: usize,
    runs: usize,
}

impl Mark {
    /// Above the sink.
    const START: Self =
        Self { statements: 1, blocks: 0, pullbacks: 0, arguments: 0, entries: 0, runs: 0 };
}

impl<T: Num> Session<T> {
    /// Where the tape stands.
    fn mark(&self) -> Mark {
        let nodes = self.arena.nodes.borrow();
        Mark {
            statements: nodes.statements.len(),
            blocks: nodes.blocks.len(),
            pullbacks: nodes.pullbacks.len(),
            arguments: nodes.arguments.len(),
            entries: nodes.entries.len(),
            runs: nodes.runs.len(),
        }
    }

    /// Forgets what was recorded since. Handles to it must not be used any more.
    fn rewind(&self, mark: &Mark) {
        let mut nodes = self.arena.nodes.borrow_mut();
        nodes.statements.truncate(mark.statements);
        nodes.blocks.truncate(mark.blocks);
        nodes.pullbacks.truncate(mark.pullbacks);
        nodes.arguments.truncate(mark.arguments);
        nodes.entries.truncate(mark.entries);
        nodes.runs.truncate(mark.runs);
    }

    /// Sweeps back what was recorded since, for cotangents `seeds` of `outputs`; cotangents of the first `kept` statements, which stand
    /// below the mark, are added to `adjoint`, which has an entry for each of them. Those between are inputs.
    ///
    /// # Errors
    /// The first rule without a derivative.
    fn pull_back_to(
        &self,
        (mark, kept): (&Mark, usize),
        outputs: &[Var<T>],
        seeds: &[T],
        adjoint: &mut Vec<T>,
    ) -> Result<(), DerivativeFailure> {
        let nodes = self.arena.nodes.borrow();
        adjoint.truncate(kept);
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
        nodes.pullbacks.clear();
        nodes.arguments.clear();
        nodes.entries.clear();
        nodes.runs.clear();
        nodes.lent.clear();
        drop(nodes);
        to_pool(TypeId::of::<T>(), Box::new(self.arena));
    }
}

impl<T: Num> Statement<T> {
    fn leaf() -> Self {
        Self { arguments: [0; 2], partials: [T::lit(0.0); 2] }
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
                nodes.pullbacks.capacity(),
                nodes.arguments.capacity(),
                nodes.entries.capacity(),
                nodes.runs.capacity(),
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
            let y = vec![sum.value()];
            sum = Var::with_pullback(&[sum], y, |y_bar, x_bar| x_bar.copy_from_slice(y_bar))[0];
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
