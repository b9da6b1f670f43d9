//! Problems of Hock & Schittkowski, *Test Examples for Nonlinear Programming Codes*, Springer 1981, by their numbers there.
//!
//! Starts, bounds and least values are the book's; a start outside the bounds is brought within them. Inequalities are `c >= 0`, equalities
//! come first.

use cotangent_ad::{Real, grad, jacobian_forward};
use cotangent_problem::{
    Capabilities, Constraint, ConstraintValues, Constraints, Evaluation, Objective, Parameter,
    SampleKey, Space, TrialFailure, Want, Workspace,
};

const FREE: f64 = f64::INFINITY;

/// A problem of the collection.
pub(crate) struct Problem {
    /// Its number in the book.
    pub number: u32,
    /// The book's least value.
    pub least: f64,
    start: Vec<f64>,
    lower: Vec<f64>,
    upper: Vec<f64>,
    constraints: Vec<Constraint>,
}

/// `(number, equalities, inequalities, least value, start, lower bounds, upper bounds)`; no bounds where a list is empty.
type Row = (u32, usize, usize, f64, &'static [f64], &'static [f64], &'static [f64]);

const ROWS: &[Row] = &[
    (1, 0, 0, 0.0, &[-2.0, 1.0], &[-FREE, -1.5], &[]),
    (2, 0, 0, 0.050_426_187_9, &[-2.0, 1.0], &[-FREE, 1.5], &[]),
    (3, 0, 0, 0.0, &[10.0, 1.0], &[-FREE, 0.0], &[]),
    (4, 0, 0, 8.0 / 3.0, &[1.125, 0.125], &[1.0, 0.0], &[]),
    (5, 0, 0, -1.913_222_954_98, &[0.0, 0.0], &[-1.5, -3.0], &[4.0, 3.0]),
    (6, 1, 0, 0.0, &[-1.2, 1.0], &[], &[]),
    (7, 1, 0, -1.732_050_807_57, &[2.0, 2.0], &[], &[]),
    (8, 2, 0, -1.0, &[2.0, 1.0], &[], &[]),
    (9, 1, 0, -0.5, &[0.0, 0.0], &[], &[]),
    (10, 0, 1, -1.0, &[-10.0, 10.0], &[], &[]),
    (11, 0, 1, -8.498_464_223, &[4.9, 0.1], &[], &[]),
    (12, 0, 1, -30.0, &[0.0, 0.0], &[], &[]),
    (14, 1, 1, 1.393_464_980_7, &[2.0, 2.0], &[], &[]),
    (15, 0, 2, 306.5, &[-2.0, 1.0], &[], &[0.5, FREE]),
    (16, 0, 2, 0.25, &[-2.0, 1.0], &[-0.5, -FREE], &[0.5, 1.0]),
    (17, 0, 2, 1.0, &[-2.0, 1.0], &[-0.5, -FREE], &[0.5, 1.0]),
    (18, 0, 2, 5.0, &[2.0, 2.0], &[2.0, 0.0], &[50.0, 50.0]),
    (19, 0, 2, -6_961.813_875_6, &[20.1, 5.84], &[13.0, 0.0], &[100.0, 100.0]),
    (20, 0, 3, 38.198_729_810_8, &[-2.0, 1.0], &[-0.5, -FREE], &[0.5, FREE]),
    (21, 0, 1, -99.96, &[-1.0, -1.0], &[2.0, -50.0], &[50.0, 50.0]),
    (22, 0, 2, 1.0, &[2.0, 2.0], &[], &[]),
    (23, 0, 5, 2.0, &[3.0, 1.0], &[-50.0, -50.0], &[50.0, 50.0]),
    (24, 0, 3, -1.0, &[1.0, 0.5], &[0.0, 0.0], &[]),
    (26, 1, 0, 0.0, &[-2.6, 2.0, 2.0], &[], &[]),
    (27, 1, 0, 0.04, &[2.0, 2.0, 2.0], &[], &[]),
    (28, 1, 0, 0.0, &[-4.0, 1.0, 1.0], &[], &[]),
    (29, 0, 1, -22.627_416_997_97, &[1.0, 1.0, 1.0], &[], &[]),
    (30, 0, 1, 1.0, &[1.0, 1.0, 1.0], &[1.0, -10.0, -10.0], &[10.0, 10.0, 10.0]),
    (31, 0, 1, 6.0, &[1.0, 1.0, 1.0], &[-10.0, 1.0, -10.0], &[10.0, 10.0, 1.0]),
    (32, 1, 1, 1.0, &[0.1, 0.7, 0.2], &[0.0, 0.0, 0.0], &[]),
    (33, 0, 2, -4.585_786_437_627, &[0.0, 0.0, 3.0], &[0.0, 0.0, 0.0], &[FREE, FREE, 5.0]),
    (34, 0, 2, -0.834_032_445_248, &[0.0, 1.05, 2.9], &[0.0, 0.0, 0.0], &[100.0, 100.0, 10.0]),
    (35, 0, 1, 1.0 / 9.0, &[0.5, 0.5, 0.5], &[0.0, 0.0, 0.0], &[]),
    (36, 0, 1, -3300.0, &[10.0, 10.0, 10.0], &[0.0, 0.0, 0.0], &[20.0, 11.0, 42.0]),
    (37, 0, 2, -3456.0, &[10.0, 10.0, 10.0], &[0.0, 0.0, 0.0], &[42.0, 42.0, 42.0]),
    (39, 2, 0, -1.0, &[2.0, 2.0, 2.0, 2.0], &[], &[]),
    (40, 3, 0, -0.25, &[0.8, 0.8, 0.8, 0.8], &[], &[]),
    (41, 1, 0, 52.0 / 27.0, &[1.0, 1.0, 1.0, 2.0], &[0.0, 0.0, 0.0, 0.0], &[1.0, 1.0, 1.0, 2.0]),
    (42, 2, 0, 13.857_864_376_27, &[1.0, 1.0, 1.0, 1.0], &[], &[]),
    (43, 0, 3, -44.0, &[0.0, 0.0, 0.0, 0.0], &[], &[]),
    (44, 0, 6, -15.0, &[0.0, 0.0, 0.0, 0.0], &[0.0, 0.0, 0.0, 0.0], &[]),
    (48, 2, 0, 0.0, &[3.0, 5.0, -3.0, 2.0, -2.0], &[], &[]),
    (50, 3, 0, 0.0, &[35.0, -31.0, 11.0, 5.0, -5.0], &[], &[]),
    (51, 3, 0, 0.0, &[2.5, 0.5, 2.0, -1.0, 0.5], &[], &[]),
    (52, 3, 0, 5.326_647_564_47, &[2.0, 2.0, 2.0, 2.0, 2.0], &[], &[]),
    (60, 1, 0, 0.032_568_200_25, &[2.0, 2.0, 2.0], &[-10.0, -10.0, -10.0], &[10.0, 10.0, 10.0]),
    (65, 0, 1, 0.953_528_856_7, &[-4.5, 4.5, 0.0], &[-4.5, -4.5, -5.0], &[4.5, 4.5, 5.0]),
    (71, 1, 1, 17.014_017_289_1, &[1.0, 5.0, 5.0, 1.0], &[1.0; 4], &[5.0; 4]),
    (76, 0, 3, -4.681_818_181_8, &[0.5, 0.5, 0.5, 0.5], &[0.0; 4], &[]),
    (77, 2, 0, 0.241_505_128_8, &[2.0, 2.0, 2.0, 2.0, 2.0], &[], &[]),
    (78, 3, 0, -2.919_700_409_1, &[-2.0, 1.5, 2.0, -1.0, -1.0], &[], &[]),
    (79, 3, 0, 0.078_776_820_9, &[2.0, 2.0, 2.0, 2.0, 2.0], &[], &[]),
    (
        80,
        3,
        0,
        0.053_949_847_8,
        &[-2.0, 2.0, 2.0, -1.0, -1.0],
        &[-2.3, -2.3, -3.2, -3.2, -3.2],
        &[2.3, 2.3, 3.2, 3.2, 3.2],
    ),
    (100, 0, 4, 680.630_057_3, &[1.0, 2.0, 0.0, 4.0, 0.0, 1.0, 1.0], &[], &[]),
];

/// All problems.
pub(crate) fn problems() -> Vec<Problem> {
    let or = |bounds: &[f64], n: usize, other: f64| {
        if bounds.is_empty() { vec![other; n] } else { bounds.to_vec() }
    };
    let problem = |&(number, equalities, inequalities, least, start, lower, upper): &Row| {
        let n = start.len();
        let (lower, upper) = (or(lower, n, -FREE), or(upper, n, FREE));
        let start = (0..n).map(|i| start[i].max(lower[i]).min(upper[i])).collect();
        let equality = |k: usize| Constraint::equals(format!("equality {k}"), 0.0);
        let inequality = |k: usize| Constraint::at_least(format!("inequality {k}"), 0.0);
        let constraints = (0..equalities).map(equality).chain((0..inequalities).map(inequality));
        Problem { number, least, start, lower, upper, constraints: constraints.collect() }
    };
    ROWS.iter().map(problem).collect()
}

impl Problem {
    /// Its parameters, and its start.
    pub(crate) fn space(&self) -> (Space, Vec<f64>) {
        let (lower, upper) = (self.lower.clone(), self.upper.clone());
        let parameter = Parameter { lower, upper, ..Parameter::vector("x", self.start.len()) };
        (Space::new(vec![parameter]).unwrap(), self.start.clone())
    }
}

impl Objective for Problem {
    fn dim(&self) -> usize {
        self.start.len()
    }
    fn capabilities(&self) -> Capabilities {
        Capabilities { gradient: true, ..Default::default() }
    }
    fn evaluate(
        &self,
        x: &[f64],
        want: Want,
        _: SampleKey,
        _: &mut Workspace,
    ) -> Result<Evaluation, TrialFailure> {
        let inside = (0..x.len()).all(|i| self.lower[i] <= x[i] && x[i] <= self.upper[i]);
        assert!(inside, "bounds hold at every evaluation: {x:?}");
        let gradient = want.gradient.then(|| grad(|x| value(self.number, x), x));
        Ok(Evaluation { value: value(self.number, x), gradient, ..Default::default() })
    }
}

impl Constraints for Problem {
    fn constraints(&self) -> &[Constraint] {
        &self.constraints
    }
    fn evaluate(
        &self,
        x: &[f64],
        jacobian: bool,
        _: SampleKey,
        _: &mut Workspace,
    ) -> Result<ConstraintValues, TrialFailure> {
        let jacobian = jacobian.then(|| jacobian_forward(|x| constraints(self.number, x), x));
        Ok(ConstraintValues { values: constraints(self.number, x), jacobian })
    }
}

fn sq<R: Real>(x: R) -> R {
    x * x
}

fn rosenbrock<R: Real>(x: &[R]) -> R {
    sq(x[1] - sq(x[0])) * 100.0 + sq(x[0] - 1.0)
}

/// Objectives up to number 37.
fn value<R: Real>(number: u32, x: &[R]) -> R {
    let root3 = 3.0_f64.sqrt();
    match number {
        1 | 2 | 15..=17 | 20 => rosenbrock(x),
        3 => x[1] + sq(x[1] - x[0]) * 1e-5,
        4 => (x[0] + 1.0).powi(3) / 3.0 + x[1],
        5 => (x[0] + x[1]).sin() + sq(x[0] - x[1]) - x[0] * 1.5 + x[1] * 2.5 + 1.0,
        6 => sq(x[0] - 1.0),
        7 => (sq(x[0]) + 1.0).ln() - x[1],
        8 => x[0] * 0.0 - 1.0,
        9 => {
            let angle = |x: R, d: f64| x * (std::f64::consts::PI / d);
            angle(x[0], 12.0).sin() * angle(x[1], 16.0).cos()
        }
        10 => x[0] - x[1],
        11 => sq(x[0] - 5.0) + sq(x[1]) - 25.0,
        12 => sq(x[0]) * 0.5 + sq(x[1]) - x[0] * x[1] - (x[0] + x[1]) * 7.0,
        14 | 22 => sq(x[0] - 2.0) + sq(x[1] - 1.0),
        18 => sq(x[0]) * 0.01 + sq(x[1]),
        19 => (x[0] - 10.0).powi(3) + (x[1] - 20.0).powi(3),
        21 => sq(x[0]) * 0.01 + sq(x[1]) - 100.0,
        23 => sq(x[0]) + sq(x[1]),
        24 => (sq(x[0] - 3.0) - 9.0) * x[1].powi(3) / (27.0 * root3),
        26 => sq(x[0] - x[1]) + (x[1] - x[2]).powi(4),
        27 => sq(x[0] - 1.0) * 0.01 + sq(x[1] - sq(x[0])),
        28 => sq(x[0] + x[1]) + sq(x[1] + x[2]),
        29 | 36 | 37 => -x[0] * x[1] * x[2],
        30 => sq(x[0]) + sq(x[1]) + sq(x[2]),
        31 => sq(x[0]) * 9.0 + sq(x[1]) + sq(x[2]) * 9.0,
        32 => sq(x[0] + x[1] * 3.0 + x[2]) + sq(x[0] - x[1]) * 4.0,
        33 => (x[0] - 1.0) * (x[0] - 2.0) * (x[0] - 3.0) + x[2],
        34 | 39 => -x[0],
        35 => {
            let squares = sq(x[0]) * 2.0 + sq(x[1]) * 2.0 + sq(x[2]);
            let mixed = (x[1] + x[2]) * x[0] * 2.0;
            squares + mixed - x[0] * 8.0 - x[1] * 6.0 - x[2] * 4.0 + 9.0
        }
        _ => larger(number, x),
    }
}

/// Objectives of four variables and more.
fn larger<R: Real>(number: u32, x: &[R]) -> R {
    match number {
        40 => -x[0] * x[1] * x[2] * x[3],
        41 => -x[0] * x[1] * x[2] + 2.0,
        42 => (0..4).map(|i| sq(x[i] - (i as f64 + 1.0))).sum(),
        43 => {
            let squares = sq(x[0]) + sq(x[1]) + sq(x[2]) * 2.0 + sq(x[3]);
            squares - (x[0] + x[1]) * 5.0 - x[2] * 21.0 + x[3] * 7.0
        }
        44 => x[0] - x[1] - x[2] - x[0] * x[2] + x[0] * x[3] + x[1] * x[2] - x[1] * x[3],
        48 => sq(x[0] - 1.0) + sq(x[1] - x[2]) + sq(x[3] - x[4]),
        50 => {
            let steps = sq(x[0] - x[1]) + sq(x[1] - x[2]);
            steps + (x[2] - x[3]).powi(4) + sq(x[3] - x[4])
        }
        51 => sq(x[0] - x[1]) + sq(x[1] + x[2] - 2.0) + sq(x[3] - 1.0) + sq(x[4] - 1.0),
        52 => sq(x[0] * 4.0 - x[1]) + sq(x[1] + x[2] - 2.0) + sq(x[3] - 1.0) + sq(x[4] - 1.0),
        60 => sq(x[0] - 1.0) + sq(x[0] - x[1]) + (x[1] - x[2]).powi(4),
        65 => sq(x[0] - x[1]) + sq(x[0] + x[1] - 10.0) / 9.0 + sq(x[2] - 5.0),
        71 => x[0] * x[3] * (x[0] + x[1] + x[2]) + x[2],
        76 => {
            let squares = sq(x[0]) + sq(x[1]) * 0.5 + sq(x[2]) + sq(x[3]) * 0.5;
            let mixed = x[2] * x[3] - x[0] * x[2];
            squares + mixed - x[0] - x[1] * 3.0 + x[2] - x[3]
        }
        77 => {
            let squares = sq(x[0] - 1.0) + sq(x[0] - x[1]) + sq(x[2] - 1.0);
            squares + (x[3] - 1.0).powi(4) + (x[4] - 1.0).powi(6)
        }
        78 => x[0] * x[1] * x[2] * x[3] * x[4],
        79 => {
            let squares = sq(x[0] - 1.0) + sq(x[0] - x[1]) + sq(x[1] - x[2]);
            squares + (x[2] - x[3]).powi(4) + (x[3] - x[4]).powi(4)
        }
        80 => (x[0] * x[1] * x[2] * x[3] * x[4]).exp(),
        100 => {
            let first = sq(x[0] - 10.0) + sq(x[1] - 12.0) * 5.0 + x[2].powi(4);
            let second = sq(x[3] - 11.0) * 3.0 + x[4].powi(6) * 10.0 + sq(x[5]) * 7.0;
            first + second + x[6].powi(4) - x[5] * x[6] * 4.0 - x[5] * 10.0 - x[6] * 8.0
        }
        other => unreachable!("no objective {other}"),
    }
}

/// Constraints up to number 37, of up to three variables.
fn constraints<R: Real>(number: u32, x: &[R]) -> Vec<R> {
    let root3 = 3.0_f64.sqrt();
    match number {
        1..=5 => vec![],
        6 => vec![(x[1] - sq(x[0])) * 10.0],
        7 => vec![sq(sq(x[0]) + 1.0) + sq(x[1]) - 4.0],
        8 => vec![sq(x[0]) + sq(x[1]) - 25.0, x[0] * x[1] - 9.0],
        9 => vec![x[0] * 4.0 - x[1] * 3.0],
        10 => vec![sq(x[0]) * -3.0 + x[0] * x[1] * 2.0 - sq(x[1]) + 1.0],
        11 => vec![x[1] - sq(x[0])],
        12 => vec![sq(x[0]) * -4.0 - sq(x[1]) + 25.0],
        14 => vec![x[0] - x[1] * 2.0 + 1.0, sq(x[0]) * -0.25 - sq(x[1]) + 1.0],
        15 => vec![x[0] * x[1] - 1.0, x[0] + sq(x[1])],
        16 => vec![x[0] + sq(x[1]), sq(x[0]) + x[1]],
        17 => vec![sq(x[1]) - x[0], sq(x[0]) - x[1]],
        18 => vec![x[0] * x[1] - 25.0, sq(x[0]) + sq(x[1]) - 25.0],
        19 => {
            vec![sq(x[0] - 5.0) + sq(x[1] - 5.0) - 100.0, -sq(x[1] - 5.0) - sq(x[0] - 6.0) + 82.81]
        }
        20 => vec![x[0] + sq(x[1]), sq(x[0]) + x[1], sq(x[0]) + sq(x[1]) - 1.0],
        21 => vec![x[0] * 10.0 - x[1] - 10.0],
        22 => vec![-x[0] - x[1] + 2.0, x[1] - sq(x[0])],
        23 => {
            let (a, b) = (sq(x[0]), sq(x[1]));
            vec![x[0] + x[1] - 1.0, a + b - 1.0, a * 9.0 + b - 9.0, a - x[1], b - x[0]]
        }
        24 => {
            let far = x[1] * root3;
            vec![x[0] / root3 - x[1], x[0] + far, -x[0] - far + 6.0]
        }
        26 => vec![(sq(x[1]) + 1.0) * x[0] + x[2].powi(4) - 3.0],
        27 => vec![x[0] + sq(x[2]) + 1.0],
        28 => vec![x[0] + x[1] * 2.0 + x[2] * 3.0 - 1.0],
        29 => vec![-sq(x[0]) - sq(x[1]) * 2.0 - sq(x[2]) * 4.0 + 48.0],
        30 => vec![sq(x[0]) + sq(x[1]) - 1.0],
        31 => vec![x[0] * x[1] - 1.0],
        32 => vec![-x[0] - x[1] - x[2] + 1.0, x[1] * 6.0 + x[2] * 4.0 - x[0].powi(3) - 3.0],
        33 => vec![sq(x[2]) - sq(x[1]) - sq(x[0]), sq(x[0]) + sq(x[1]) + sq(x[2]) - 4.0],
        34 => vec![x[1] - x[0].exp(), x[2] - x[1].exp()],
        35 => vec![-x[0] - x[1] - x[2] * 2.0 + 3.0],
        36 => vec![-x[0] - (x[1] + x[2]) * 2.0 + 72.0],
        37 => vec![-x[0] - (x[1] + x[2]) * 2.0 + 72.0, x[0] + (x[1] + x[2]) * 2.0],
        60 => vec![x[0] * (sq(x[1]) + 1.0) + x[2].powi(4) - 4.0 - 3.0 * std::f64::consts::SQRT_2],
        65 => vec![-sq(x[0]) - sq(x[1]) - sq(x[2]) + 48.0],
        _ => more_constraints(number, x),
    }
}

/// Constraints of four variables and more.
fn more_constraints<R: Real>(number: u32, x: &[R]) -> Vec<R> {
    let root2 = std::f64::consts::SQRT_2;
    match number {
        39 => vec![x[1] - x[0].powi(3) - sq(x[2]), sq(x[0]) - x[1] - sq(x[3])],
        40 => vec![x[0].powi(3) + sq(x[1]) - 1.0, sq(x[0]) * x[3] - x[2], sq(x[3]) - x[1]],
        41 => vec![x[0] + (x[1] + x[2]) * 2.0 - x[3]],
        42 => vec![x[0] - 2.0, sq(x[2]) + sq(x[3]) - 2.0],
        43 => {
            let [a, b, c, d] = [sq(x[0]), sq(x[1]), sq(x[2]), sq(x[3])];
            vec![
                -a - b - c - d - x[0] + x[1] - x[2] + x[3] + 8.0,
                -a - b * 2.0 - c - d * 2.0 + x[0] + x[3] + 10.0,
                a * -2.0 - b - c - x[0] * 2.0 + x[1] + x[3] + 5.0,
            ]
        }
        44 => vec![
            -x[0] - x[1] * 2.0 + 8.0,
            x[0] * -4.0 - x[1] + 12.0,
            x[0] * -3.0 - x[1] * 4.0 + 12.0,
            x[2] * -2.0 - x[3] + 8.0,
            -x[2] - x[3] * 2.0 + 8.0,
            -x[2] - x[3] + 5.0,
        ],
        48 => vec![x[0] + x[1] + x[2] + x[3] + x[4] - 5.0, x[2] - (x[3] + x[4]) * 2.0 + 3.0],
        50 => (0..3).map(|k| x[k] + x[k + 1] * 2.0 + x[k + 2] * 3.0 - 6.0).collect(),
        51 | 52 => {
            let right = if number == 51 { 4.0 } else { 0.0 };
            vec![x[0] + x[1] * 3.0 - right, x[2] + x[3] - x[4] * 2.0, x[1] - x[4]]
        }
        71 => {
            let squares: R = x.iter().map(|x| sq(*x)).sum();
            vec![squares - 40.0, x[0] * x[1] * x[2] * x[3] - 25.0]
        }
        76 => vec![
            -x[0] - x[1] * 2.0 - x[2] - x[3] + 5.0,
            x[0] * -3.0 - x[1] - x[2] * 2.0 + x[3] + 4.0,
            x[1] + x[2] * 4.0 - 1.5,
        ],
        77 => vec![
            sq(x[0]) * x[3] + (x[3] - x[4]).sin() - 2.0 * root2,
            x[1] + x[2].powi(4) * sq(x[3]) - 8.0 - root2,
        ],
        78 | 80 => {
            let squares: R = x.iter().map(|x| sq(*x)).sum();
            let cubes = x[0].powi(3) + x[1].powi(3);
            vec![squares - 10.0, x[1] * x[2] - x[3] * x[4] * 5.0, cubes + 1.0]
        }
        79 => vec![
            x[0] + sq(x[1]) + x[2].powi(3) - 2.0 - 3.0 * root2,
            x[1] - sq(x[2]) + x[3] + 2.0 - 2.0 * root2,
            x[0] * x[4] - 2.0,
        ],
        100 => vec![
            sq(x[0]) * -2.0 - x[1].powi(4) * 3.0 - x[2] - sq(x[3]) * 4.0 - x[4] * 5.0 + 127.0,
            x[0] * -7.0 - x[1] * 3.0 - sq(x[2]) * 10.0 - x[3] + x[4] + 282.0,
            x[0] * -23.0 - sq(x[1]) - sq(x[5]) * 6.0 + x[6] * 8.0 + 196.0,
            sq(x[0]) * -4.0 - sq(x[1]) + x[0] * x[1] * 3.0 - sq(x[2]) * 2.0 - x[5] * 5.0
                + x[6] * 11.0,
        ],
        other => unreachable!("no constraints {other}"),
    }
}
