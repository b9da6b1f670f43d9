//! Optimizers on the problems of More, Garbow & Hillstrom and on NIST's regressions, beside SciPy's.
//!
//! Both sides minimise the very same functions: SciPy asks this process for residuals and Jacobians. A run counts as solved
//! where it says success at the known answer, and as a false claim where it says success and Newton's method in 31 digits finds
//! no stationary point there.

#[expect(dead_code, reason = "the tests of the library tell their names")]
#[path = "../../../optim/tests/mgh/mod.rs"]
mod mgh;
#[expect(dead_code, reason = "the tests of the library compare standard errors too")]
#[path = "../../../optim/tests/nist/mod.rs"]
mod nist;
#[path = "../../../optim/tests/stationary/mod.rs"]
mod stationary;

mod objective;
mod scipy;

use std::fmt;

use cotangent_ad::VectorFn;
use cotangent_optim::{Method, Problem, Stop, minimize};
use cotangent_problem::{Parameter, SampleKey, Space};

use super::Measure;
use crate::peer::{PeerError, Peers};
use crate::report::{Item, Proof};
use objective::Residuals;
use scipy::Scipy;
use stationary::{Verdict, judge};

pub(super) const ROWS: &[Measure] = measurements![];
pub(super) const PROOFS: &[Measure] = measurements![mgh_near, mgh_far, nist_first, nist_second];

const OURS: [&str; 6] = ["gauss-newton", "trust-region", "lbfgsb", "nelder-mead", "cma-es", "adam"];
const MOST: u64 = 5000;

/// Whether a point with this sum of squares is the known answer.
type IsAnswer = Box<dyn Fn(&[f64], f64) -> bool>;

/// A function with its start, and whether a point is its known answer.
struct Case {
    function: Box<dyn Function>,
    start: Vec<f64>,
    answer: IsAnswer,
}

/// A residual function behind a pointer.
trait Function: Sync {
    fn residuals(&self, x: &[f64]) -> Vec<f64>;
    fn jacobian(&self, x: &[f64]) -> Vec<f64>;
    fn judge(&self, x: &[f64], start: &[f64]) -> Verdict;
}

impl<F: VectorFn + Sync> Function for F {
    fn residuals(&self, x: &[f64]) -> Vec<f64> {
        self.call(x)
    }
    fn jacobian(&self, x: &[f64]) -> Vec<f64> {
        cotangent_ad::jacobian(self, x)
    }
    fn judge(&self, x: &[f64], start: &[f64]) -> Verdict {
        judge(self, x, start)
    }
}

/// Where a run ended.
struct End {
    success: bool,
    x: Vec<f64>,
    functions: u64,
    derivatives: u64,
}

/// How the runs of a collection ended.
#[derive(Clone, Copy, Default)]
struct Table {
    solved: usize,
    elsewhere: usize,
    honest: usize,
    false_claims: usize,
    functions: u64,
    derivatives: u64,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} solved, {} at another stationary point, {} not claimed, {} false claims; {} evaluations, {} with derivatives",
            self.solved,
            self.elsewhere,
            self.honest,
            self.false_claims,
            self.functions,
            self.derivatives
        )
    }
}

impl Table {
    fn add(&mut self, case: &Case, end: &End) {
        let r = case.function.residuals(&end.x);
        let value = r.iter().map(|r| r * r).sum();
        self.functions += end.functions;
        self.derivatives += end.derivatives;
        if !end.success {
            self.honest += 1;
        } else if case.function.judge(&end.x, &case.start) != Verdict::Stationary {
            self.false_claims += 1;
        } else if (case.answer)(&end.x, value) {
            self.solved += 1;
        } else {
            self.elsewhere += 1;
        }
    }
}

/// The problems of More, Garbow & Hillstrom; a start at the origin becomes the factor itself.
fn mgh_cases(factor: f64) -> Vec<Case> {
    let case = |problem: mgh::Mgh| {
        let mut start = (problem.start)();
        let origin = start.iter().all(|x| *x == 0.0);
        let moved = |x: f64| if origin && factor > 1.0 { factor } else { factor * x };
        start.iter_mut().for_each(|x| *x = moved(*x));
        let known = mgh::MINIMA.iter().find(|(k, _)| *k == problem.number);
        let right = known.map_or(0.0, |(_, value)| *value);
        let answer = move |_: &[f64], value: f64| (value - right).abs() <= 1e-6 * right + 1e-12;
        Case { function: Box::new(problem), start, answer: Box::new(answer) }
    };
    mgh::PROBLEMS.into_iter().map(case).collect()
}

/// NIST's regressions from one of their starts: solved to six digits of every parameter.
fn nist_cases(start: usize) -> Vec<Case> {
    let case = |problem: nist::Nist| {
        let (start, certified) = (problem.starts[start].clone(), problem.certified.clone());
        let ordering = problem.clone();
        let answer = move |x: &[f64], _: f64| {
            let near = |(x, c): (&f64, &f64)| ((x - c) / c).abs() <= 1e-6;
            ordering.ordered(x).iter().zip(&certified).all(near)
        };
        Case { function: Box::new(problem), start, answer: Box::new(answer) }
    };
    nist::problems().into_iter().map(case).collect()
}

/// A run of one of ours.
fn ours(method: &str, case: &Case) -> End {
    let n = case.start.len();
    let nothing = End { success: false, x: case.start.clone(), functions: 1, derivatives: 1 };
    let objective = Residuals {
        function: case.function.as_ref(),
        n,
        m: case.function.residuals(&case.start).len(),
    };
    let Ok(space) = Space::new(vec![Parameter::vector("x", n)]) else { return nothing };
    let problem = Problem { objective: &objective, space: &space };
    let stop = Stop { max_evaluations: MOST, max_iterations: 5000, ..Stop::default() };
    let Some(method) = Method::named(method) else { return nothing };
    let Ok(end) = minimize(&problem, method, stop, &case.start, SampleKey(0), &mut ()) else {
        return nothing; // no value at the start
    };
    End {
        success: end.status.is_success(),
        x: end.x,
        functions: end.evaluations,
        derivatives: end.gradient_evaluations,
    }
}

fn mgh_near(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    collection(peers, "35 of More, Garbow & Hillstrom, standard starts", &mgh_cases(1.0))
}

fn mgh_far(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    collection(peers, "the same, 10 times the starts", &mgh_cases(10.0))
}

fn nist_first(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    collection(peers, "27 of NIST StRD, first starts", &nist_cases(0))
}

fn nist_second(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    collection(peers, "27 of NIST StRD, second starts", &nist_cases(1))
}

/// Every method of ours and of SciPy's on the cases of a set, and the best of both.
fn collection(peers: &Peers, set: &str, cases: &[Case]) -> Result<Vec<Item>, PeerError> {
    let proof = |what: String, must: &str, measured: String, holds: bool| {
        Item::Proof(Proof { what, must: must.into(), measured, holds })
    };
    let (mut items, mut best) = (Vec::new(), 0);
    for method in OURS {
        let mut table = Table::default();
        cases.iter().for_each(|case| table.add(case, &ours(method, case)));
        best = best.max(table.solved);
        let holds = table.false_claims == 0;
        items.push(proof(format!("{set}: {method}"), "no false claim", table.to_string(), holds));
    }
    let mut scipy = match peers.python("scipy") {
        Ok(python) => Scipy::start(python)?,
        Err(why) => {
            items.push(proof(format!("{set}: SciPy"), "", format!("skipped, {why}"), true));
            return Ok(items);
        }
    };
    let mut least = 0;
    for method in scipy::METHODS {
        let mut table = Table::default();
        for case in cases {
            table.add(case, &scipy.run(method, case)?);
        }
        least = least.max(table.solved);
        items.push(proof(format!("{set}: SciPy {method}"), "", table.to_string(), true));
    }
    let what = format!("{set}: solved by the best of ours beside SciPy's best");
    items.push(proof(what, "at least as many", format!("{best} beside {least}"), best >= least));
    Ok(items)
}
