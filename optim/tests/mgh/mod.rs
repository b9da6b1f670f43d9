//! The test problems of More, Garbow & Hillstrom, ACM Trans. Math. Softw. 7, 17 (1981): 35 sums of squares with standard starts.
//!
//! Numbers, names, starts and data are those of the paper's section 3; its objective is `|r|^2`, ours is half of that.

use cotangent_ad::{Real, VectorFn};

/// A problem of the collection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mgh {
    /// Its number in the paper.
    pub number: u32,
    /// Name.
    pub name: &'static str,
    /// Number of residuals.
    pub m: usize,
    /// Standard start.
    pub start: fn() -> Vec<f64>,
}

/// `|r|^2` at the minimum that the standard start leads to, where it is not 0: the paper's, with further digits from this
/// crate's own runs. Those of 2 and 26 are local minima, as the paper lists them.
pub(crate) const MINIMA: [(u32, f64); 17] = [
    (2, 48.984_253_68),
    (6, 124.362_182_4),
    (8, 8.214_877e-3),
    (9, 1.127_933e-8),
    (10, 87.945_855_17),
    (15, 3.075_056e-4),
    (16, 85_822.201_63),
    (17, 5.464_895e-5),
    (19, 4.013_774e-2),
    (20, 2.287_670e-3),
    (23, 2.249_978e-5),
    (24, 9.376_293e-6),
    (26, 2.795_056e-5),
    (32, 10.0),
    (33, 190.0 / 41.0),
    (34, 454.0 / 74.0),
    (35, 3.516_874e-3),
];

/// Entries `f(1), ..., f(n)`.
fn each(n: usize, f: impl Fn(f64) -> f64) -> Vec<f64> {
    (1..=n).map(|j| f(j as f64)).collect()
}

macro_rules! problems {
    ($($number:literal $name:literal $m:literal $start:expr;)+) => {
        /// All 35.
        pub(crate) const PROBLEMS: [Mgh; 35] =
            [$(Mgh { number: $number, name: $name, m: $m, start: || $start },)+];
    };
}

problems! {
    1 "Rosenbrock" 2 vec![-1.2, 1.0];
    2 "Freudenstein and Roth" 2 vec![0.5, -2.0];
    3 "Powell badly scaled" 2 vec![0.0, 1.0];
    4 "Brown badly scaled" 3 vec![1.0, 1.0];
    5 "Beale" 3 vec![1.0, 1.0];
    6 "Jennrich and Sampson" 10 vec![0.3, 0.4];
    7 "helical valley" 3 vec![-1.0, 0.0, 0.0];
    8 "Bard" 15 vec![1.0, 1.0, 1.0];
    9 "Gaussian" 15 vec![0.4, 1.0, 0.0];
    10 "Meyer" 16 vec![0.02, 4000.0, 250.0];
    11 "Gulf" 99 vec![5.0, 2.5, 0.15];
    12 "Box three-dimensional" 10 vec![0.0, 10.0, 20.0];
    13 "Powell singular" 4 vec![3.0, -1.0, 0.0, 1.0];
    14 "Wood" 6 vec![-3.0, -1.0, -3.0, -1.0];
    15 "Kowalik and Osborne" 11 vec![0.25, 0.39, 0.415, 0.39];
    16 "Brown and Dennis" 20 vec![25.0, 5.0, -5.0, -1.0];
    17 "Osborne 1" 33 vec![0.5, 1.5, -1.0, 0.01, 0.02];
    18 "Biggs EXP6" 13 vec![1.0, 2.0, 1.0, 1.0, 1.0, 1.0];
    19 "Osborne 2" 65 vec![1.3, 0.65, 0.65, 0.7, 0.6, 3.0, 5.0, 7.0, 2.0, 4.5, 5.5];
    20 "Watson" 31 vec![0.0; 6];
    21 "extended Rosenbrock" 10 [-1.2, 1.0].repeat(5);
    22 "extended Powell singular" 12 [3.0, -1.0, 0.0, 1.0].repeat(3);
    23 "penalty I" 5 each(4, |j| j);
    24 "penalty II" 8 vec![0.5; 4];
    25 "variably dimensioned" 12 each(10, |j| 1.0 - j / 10.0);
    26 "trigonometric" 10 vec![0.1; 10];
    27 "Brown almost-linear" 10 vec![0.5; 10];
    28 "discrete boundary value" 10 each(10, |j| j / 11.0 * (j / 11.0 - 1.0));
    29 "discrete integral equation" 10 each(10, |j| j / 11.0 * (j / 11.0 - 1.0));
    30 "Broyden tridiagonal" 10 vec![-1.0; 10];
    31 "Broyden banded" 10 vec![-1.0; 10];
    32 "linear, full rank" 20 vec![1.0; 10];
    33 "linear, rank 1" 20 vec![1.0; 10];
    34 "linear, rank 1, zero columns and rows" 20 vec![1.0; 10];
    35 "Chebyquad" 8 each(8, |j| j / 9.0);
}

const BARD: [f64; 15] =
    [0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39];
const GAUSSIAN: [f64; 8] = [0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521, 0.3989];
const MEYER: [f64; 16] = [
    34780.0, 28610.0, 23650.0, 19630.0, 16370.0, 13720.0, 11540.0, 9744.0, 8261.0, 7030.0, 6005.0,
    5147.0, 4427.0, 3820.0, 3307.0, 2872.0,
];
const KOWALIK_Y: [f64; 11] =
    [0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246];
const KOWALIK_U: [f64; 11] = [4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625];
const OSBORNE_1: [f64; 33] = [
    0.844, 0.908, 0.932, 0.936, 0.925, 0.908, 0.881, 0.850, 0.818, 0.784, 0.751, 0.718, 0.685,
    0.658, 0.628, 0.603, 0.580, 0.558, 0.538, 0.522, 0.506, 0.490, 0.478, 0.467, 0.457, 0.448,
    0.438, 0.431, 0.424, 0.420, 0.414, 0.411, 0.406,
];
const OSBORNE_2: [f64; 65] = [
    1.366, 1.191, 1.112, 1.013, 0.991, 0.885, 0.831, 0.847, 0.786, 0.725, 0.746, 0.679, 0.608,
    0.655, 0.616, 0.606, 0.602, 0.626, 0.651, 0.724, 0.649, 0.649, 0.694, 0.644, 0.624, 0.661,
    0.612, 0.558, 0.533, 0.495, 0.500, 0.423, 0.395, 0.375, 0.372, 0.391, 0.396, 0.405, 0.428,
    0.429, 0.523, 0.562, 0.607, 0.653, 0.672, 0.708, 0.633, 0.668, 0.645, 0.632, 0.591, 0.559,
    0.597, 0.625, 0.739, 0.710, 0.729, 0.720, 0.636, 0.581, 0.428, 0.292, 0.162, 0.098, 0.054,
];

impl VectorFn for Mgh {
    fn call<R: Real>(&self, x: &[R]) -> Vec<R> {
        match self.number {
            1 | 21 => {
                x.chunks(2).flat_map(|x| [(x[1] - x[0] * x[0]) * 10.0, -x[0] + 1.0]).collect()
            }
            2..=7 => small(self.number, x),
            8..=12 => three(self.number, x),
            13 | 22 => x.chunks(4).flat_map(powell_singular).collect(),
            14..=16 => four(self.number, x),
            17..=19 => exponentials(self.number, x),
            20 => watson(x),
            23..=27 => sums(self.number, x),
            28..=31 => discretised(self.number, x),
            32..=34 => linear(self.number, self.m, x),
            _ => chebyquad(x),
        }
    }
}

/// Problems of two variables, and the helical valley.
fn small<R: Real>(number: u32, x: &[R]) -> Vec<R> {
    match number {
        2 => vec![
            x[0] + ((-x[1] + 5.0) * x[1] - 2.0) * x[1] - 13.0,
            x[0] + ((x[1] + 1.0) * x[1] - 14.0) * x[1] - 29.0,
        ],
        3 => vec![x[0] * x[1] * 1e4 - 1.0, (-x[0]).exp() + (-x[1]).exp() - 1.0001],
        4 => vec![x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2.0],
        5 => [(1, 1.5), (2, 2.25), (3, 2.625)]
            .map(|(i, y)| -x[0] * (-x[1].powi(i) + 1.0) + y)
            .to_vec(),
        6 => (1..=10)
            .map(f64::from)
            .map(|i| -(x[0] * i).exp() - (x[1] * i).exp() + (2.0 + 2.0 * i))
            .collect(),
        _ => {
            let turn = (x[1] / x[0]).atan() / std::f64::consts::TAU;
            let theta = if x[0] > R::lit(0.0) { turn } else { turn + 0.5 };
            let radius = (x[0] * x[0] + x[1] * x[1]).sqrt();
            vec![(x[2] - theta * 10.0) * 10.0, (radius - 1.0) * 10.0, x[2]]
        }
    }
}

/// Problems of three variables.
fn three<R: Real>(number: u32, x: &[R]) -> Vec<R> {
    let residual = |i: usize| {
        let t = i as f64;
        match number {
            8 => {
                let (u, v) = (t, 16.0 - t);
                -(x[0] + R::lit(u) / (x[1] * v + x[2] * u.min(v))) + BARD[i - 1]
            }
            9 => {
                let off = -x[2] + 0.5 * (8.0 - t);
                x[0] * (-x[1] * off * off * 0.5).exp() - GAUSSIAN[i.min(16 - i) - 1]
            }
            10 => x[0] * (x[1] / (x[2] + (45.0 + 5.0 * t))).exp() - MEYER[i - 1],
            11 => {
                let level = 0.01 * t;
                let off = -x[1] + (25.0 + (-50.0 * level.ln()).powf(2.0 / 3.0));
                let size = if off < R::lit(0.0) { -off } else { off };
                (-(x[2] * size.ln()).exp() / x[0]).exp() - level
            }
            _ => {
                let t = 0.1 * t;
                (-x[0] * t).exp() - (-x[1] * t).exp() - x[2] * ((-t).exp() - (-10.0 * t).exp())
            }
        }
    };
    let m = [15, 15, 16, 99, 10][number as usize - 8];
    (1..=m).map(residual).collect()
}

fn powell_singular<R: Real>(x: &[R]) -> [R; 4] {
    let (a, b) = (x[1] - x[2] * 2.0, x[0] - x[3]);
    [x[0] + x[1] * 10.0, (x[2] - x[3]) * 5.0_f64.sqrt(), a * a, b * b * 10.0_f64.sqrt()]
}

/// Problems of four variables.
fn four<R: Real>(number: u32, x: &[R]) -> Vec<R> {
    match number {
        14 => vec![
            (x[1] - x[0] * x[0]) * 10.0,
            -x[0] + 1.0,
            (x[3] - x[2] * x[2]) * 90.0_f64.sqrt(),
            -x[2] + 1.0,
            (x[1] + x[3] - 2.0) * 10.0_f64.sqrt(),
            (x[1] - x[3]) / 10.0_f64.sqrt(),
        ],
        15 => KOWALIK_U
            .iter()
            .zip(KOWALIK_Y)
            .map(|(&u, y)| -x[0] * (x[1] * u + u * u) / (x[2] * u + x[3] + u * u) + y)
            .collect(),
        _ => (1..=20)
            .map(|i| {
                let t = 0.2 * f64::from(i);
                let a = x[0] + x[1] * t - t.exp();
                let b = x[2] + x[3] * t.sin() - t.cos();
                a * a + b * b
            })
            .collect(),
    }
}

/// Sums of exponentials: Osborne's and Biggs's.
fn exponentials<R: Real>(number: u32, x: &[R]) -> Vec<R> {
    match number {
        17 => (0..33)
            .map(|i| {
                let t = 10.0 * i as f64;
                -(x[0] + x[1] * (-x[3] * t).exp() + x[2] * (-x[4] * t).exp()) + OSBORNE_1[i]
            })
            .collect(),
        18 => (1..=13)
            .map(|i| {
                let t = 0.1 * f64::from(i);
                let y = (-t).exp() - 5.0 * (-10.0 * t).exp() + 3.0 * (-4.0 * t).exp();
                x[2] * (-x[0] * t).exp() - x[3] * (-x[1] * t).exp() + x[5] * (-x[4] * t).exp() - y
            })
            .collect(),
        _ => (0..65)
            .map(|i| {
                let t = 0.1 * i as f64;
                let peak = |k: usize| {
                    let off = -x[8 + k] + t;
                    x[1 + k] * (-off * off * x[5 + k]).exp()
                };
                -(x[0] * (-x[4] * t).exp() + peak(0) + peak(1) + peak(2)) + OSBORNE_2[i]
            })
            .collect(),
    }
}

fn watson<R: Real>(x: &[R]) -> Vec<R> {
    let mut residuals: Vec<R> = (1..=29)
        .map(|i| {
            let t = f64::from(i) / 29.0;
            let (mut slope, mut sum, mut power) = (R::lit(0.0), R::lit(0.0), 1.0);
            for j in 0..x.len() {
                sum += x[j] * power;
                if j + 1 < x.len() {
                    slope += x[j + 1] * ((j + 1) as f64 * power);
                }
                power *= t;
            }
            slope - sum * sum - 1.0
        })
        .collect();
    residuals.extend([x[0], x[1] - x[0] * x[0] - 1.0]);
    residuals
}

/// `sum_j f(j) x_j`, with `j` from 1.
fn weighted<R: Real>(x: &[R], f: impl Fn(f64) -> f64) -> R {
    x.iter().enumerate().fold(R::lit(0.0), |sum, (j, x)| sum + *x * f(j as f64 + 1.0))
}

/// Problems whose residuals share a sum over all variables.
fn sums<R: Real>(number: u32, x: &[R]) -> Vec<R> {
    let n = x.len();
    let root = 1e-5_f64.sqrt();
    match number {
        23 => {
            let square = x.iter().fold(R::lit(-0.25), |s, x| s + *x * *x);
            x.iter().map(|x| (*x - 1.0) * root).chain([square]).collect()
        }
        24 => {
            let tenth = |x: R| (x * 0.1).exp();
            let mut residuals = vec![x[0] - 0.2];
            for i in 1..n {
                let y = (0.1 * (i as f64 + 1.0)).exp() + (0.1 * i as f64).exp();
                residuals.push((tenth(x[i]) + tenth(x[i - 1]) - y) * root);
            }
            residuals.extend(x[1..].iter().map(|x| (tenth(*x) - (-0.1_f64).exp()) * root));
            let square =
                x.iter().enumerate().fold(R::lit(-1.0), |s, (j, x)| s + *x * *x * (n - j) as f64);
            residuals.push(square);
            residuals
        }
        25 => {
            let off: Vec<R> = x.iter().map(|x| *x - 1.0).collect();
            let sum = weighted(&off, |j| j);
            off.into_iter().chain([sum, sum * sum]).collect()
        }
        26 => {
            let rest = x.iter().fold(R::lit(n as f64), |s, x| s - x.cos());
            let own = |(i, x): (usize, &R)| rest + (-x.cos() + 1.0) * (i as f64 + 1.0) - x.sin();
            x.iter().enumerate().map(own).collect()
        }
        _ => {
            let sum = weighted(x, |_| 1.0) - (n as f64 + 1.0);
            let product = x.iter().fold(R::lit(1.0), |p, x| p * *x) - 1.0;
            x[..n - 1].iter().map(|x| *x + sum).chain([product]).collect()
        }
    }
}

/// Discretised equations, and Broyden's systems.
fn discretised<R: Real>(number: u32, x: &[R]) -> Vec<R> {
    let n = x.len();
    let h = 1.0 / (n as f64 + 1.0);
    let t = |i: usize| (i as f64 + 1.0) * h;
    let cube = |i: usize| {
        let a = x[i] + (t(i) + 1.0);
        a * a * a
    };
    let neighbour = |i: Option<usize>| i.and_then(|i| x.get(i).copied()).unwrap_or(R::lit(0.0));
    let residual = |i: usize| {
        let (before, after) = (neighbour(i.checked_sub(1)), neighbour(Some(i + 1)));
        match number {
            28 => x[i] * 2.0 - before - after + cube(i) * (0.5 * h * h),
            29 => {
                let left = (0..=i).fold(R::lit(0.0), |s, j| s + cube(j) * t(j));
                let right = (i + 1..n).fold(R::lit(0.0), |s, j| s + cube(j) * (1.0 - t(j)));
                x[i] + (left * (1.0 - t(i)) + right * t(i)) * (0.5 * h)
            }
            30 => (-x[i] * 2.0 + 3.0) * x[i] - before - after * 2.0 + 1.0,
            _ => {
                let others = (i.saturating_sub(5)..(i + 2).min(n)).filter(|j| *j != i);
                let sum = others.fold(R::lit(0.0), |s, j| s + x[j] * (x[j] + 1.0));
                x[i] * (x[i] * x[i] * 5.0 + 2.0) + 1.0 - sum
            }
        }
    };
    (0..n).map(residual).collect()
}

fn linear<R: Real>(number: u32, m: usize, x: &[R]) -> Vec<R> {
    let n = x.len();
    let residual = |i: usize| match number {
        32 => {
            let shared = weighted(x, |_| 1.0) * (-2.0 / m as f64) - 1.0;
            if i < n { x[i] + shared } else { shared }
        }
        33 => weighted(x, |j| j) * (i as f64 + 1.0) - 1.0,
        _ if i == 0 || i + 1 == m => R::lit(-1.0),
        _ => weighted(x, |j| if j > 1.0 && j < n as f64 { j } else { 0.0 }) * i as f64 - 1.0,
    };
    (0..m).map(residual).collect()
}

fn chebyquad<R: Real>(x: &[R]) -> Vec<R> {
    let n = x.len();
    let mut residuals = vec![R::lit(0.0); n];
    for x in x {
        let twice = *x * 4.0 - 2.0;
        let (mut before, mut polynomial) = (R::lit(1.0), *x * 2.0 - 1.0);
        for residual in &mut residuals {
            *residual += polynomial / n as f64;
            (before, polynomial) = (polynomial, twice * polynomial - before);
        }
    }
    let integral = |i: usize| if i.is_multiple_of(2) { -1.0 / ((i * i) as f64 - 1.0) } else { 0.0 };
    residuals.iter().enumerate().map(|(i, r)| *r - integral(i + 1)).collect()
}
