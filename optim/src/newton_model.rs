//! The quadratic model of a trust region whose Hessian is known whole.
//!
//! In the scaled step `q = D p` over the free variables the Hessian is `D^-1 H D^-1 = V E V^T`, and the minimum within
//! `|q| <= radius` is `-V (E + lambda)^-1 V^T D^-1 g` with the least `lambda >= 0` that makes `E + lambda` positive and the step
//! short enough; in the hard case the rest of the radius is filled along the lowest eigenvector. More & Sorensen, SIAM J.
//! Sci. Stat. Comput. 4, 553 (1983), sect. 2 and 3.

use faer::{Mat, Side};

use crate::convergence::{Left, Sizes};
use crate::evaluator::dot;

/// What a direction is to bodies that have positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whole {
    /// It moves something else, or more.
    No,
    /// It moves positions alone, and the value with them. Their lengths are shared, so that rounding says nothing of it.
    Moves,
    /// A step as long as the positions are changes the value by nothing that it shows: a body is moved as a whole. A slope that ends far
    /// away is not level over that distance.
    Neutral,
}

/// Spectrum of the scaled Hessian over the free variables.
pub(crate) struct Dense {
    n: usize,
    hessian: Vec<f64>,
    free: Vec<usize>,
    values: Vec<f64>,
    basis: Mat<f64>,
    /// `V^T D^-1 g`.
    slopes: Vec<f64>,
    whole: Vec<Whole>,
}

/// Fraction of the root of the value over a parameter's size that counts as curvature.
const STRAIGHT: f64 = 1e-3;

/// Largest share of entries that are no positions in a direction that moves positions alone.
const ALONE: f64 = 1e-6;
/// Multiple of the error from which on a curvature is believed.
pub(crate) const BELIEVED: f64 = 100.0;

/// What rounding makes of a scaled gradient that is zero.
pub(crate) struct Rounding {
    /// `|D z|`.
    reach: f64,
    /// Root of the value: the length of the residuals, where it is a sum of squares.
    residual: f64,
}

impl Rounding {
    pub(crate) fn at(z: &[f64], lengths: &[f64], value: f64) -> Self {
        let reach: Vec<f64> = z.iter().zip(lengths).map(|(z, d)| z * d).collect();
        Self { reach: length(&reach), residual: value.abs().sqrt() }
    }

    /// Along a direction of curvature `e`, in units of the rounding: `|J z|`, to which the residuals' terms cancel, seen along it, and
    /// the residuals' own.
    fn slope(&self, e: f64, largest: f64) -> f64 {
        (e.abs() * largest).sqrt() * self.reach + self.residual * largest.sqrt()
    }
}

/// Eigenvalues of the scaled Hessian within this fraction of the largest are rounding.
pub(crate) const ROUNDING: f64 = 64.0 * f64::EPSILON;

impl Dense {
    /// `None` where the eigenvalues cannot be found, or the scaled gradient is not finite.
    pub(crate) fn new(
        rows: &[Vec<f64>],
        gradient: &[f64],
        lengths: &[f64],
        free: Vec<usize>,
    ) -> Option<Self> {
        let (n, k) = (rows.len(), free.len());
        let symmetric = |i: usize, j: usize| 0.5 * (rows[i][j] + rows[j][i]);
        let hessian = (0..n * n).map(|e| symmetric(e / n, e % n)).collect();
        if k == 0 {
            let (values, basis, slopes) = (Vec::new(), Mat::zeros(0, 0), Vec::new());
            return Some(Self { n, hessian, free, values, basis, slopes, whole: Vec::new() });
        }
        let scaled = Mat::from_fn(k, k, |a, b| {
            symmetric(free[a], free[b]) / lengths[free[a]] / lengths[free[b]]
        });
        let eigen = scaled.self_adjoint_eigen(Side::Lower).ok()?;
        let basis = eigen.U().to_owned();
        let values: Vec<f64> = (0..k).map(|e| eigen.S()[e]).collect();
        let slope = |e: usize| {
            free.iter().enumerate().map(|(a, &i)| basis[(a, e)] * gradient[i] / lengths[i]).sum()
        };
        let slopes: Vec<f64> = (0..k).map(slope).collect();
        if slopes.iter().chain(&values).any(|v| !v.is_finite()) {
            return None;
        }
        Some(Self { n, hessian, free, values, basis, slopes, whole: vec![Whole::No; k] })
    }

    /// The same, told which entries are positions, how far they lie from zero, and which change of the value is none.
    pub(crate) fn with_positions(mut self, lengths: &[f64], sizes: Sizes, unseen: f64) -> Self {
        let placed = |i: &usize| sizes.positions[*i].is_some();
        let reach =
            self.free.iter().filter(|i| placed(i)).fold(1.0, |r: f64, i| r.max(sizes.most[*i]));
        for (e, whole) in self.whole.iter_mut().enumerate() {
            let (mut own, mut others) = (0.0_f64, 0.0_f64);
            for (a, &i) in self.free.iter().enumerate() {
                let moved = (self.basis[(a, e)] / lengths[i]).abs();
                let of = if placed(&i) { &mut own } else { &mut others };
                *of = of.max(moved);
            }
            let level = (self.slopes[e] / own).abs() * reach <= unseen;
            *whole = match others <= ALONE * own {
                true if level => Whole::Neutral,
                true => Whole::Moves,
                false => Whole::No,
            };
        }
        self
    }

    /// `H v`.
    pub(crate) fn product(&self, v: &[f64]) -> Vec<f64> {
        self.hessian.chunks_exact(self.n).map(|row| dot(row, v)).collect()
    }

    fn largest(&self) -> f64 {
        self.values.iter().fold(0.0, |most, e| most.max(e.abs()))
    }

    /// The smallest curvature of a free direction, as a fraction of the largest.
    pub(crate) fn weakest(&self) -> f64 {
        let least = self.values.iter().fold(f64::INFINITY, |least, e| least.min(e.abs()));
        if self.values.is_empty() { 1.0 } else { least / self.largest() }
    }

    /// Which directions have neither slope nor curvature beyond rounding. `noise` is the relative error of the Hessian's entries.
    fn flat(&self, noise: f64, rounding: &Rounding) -> Vec<bool> {
        let (largest, steepest) = (self.largest(), length(&self.slopes));
        let is_flat = |((e, s), whole): ((&f64, &f64), &Whole)| match whole {
            Whole::No => {
                let slope = ROUNDING * (steepest + rounding.slope(*e, largest));
                e.abs() <= noise * largest && s.abs() <= slope
            }
            Whole::Moves => false,
            Whole::Neutral => e.abs() <= BELIEVED * noise * largest,
        };
        self.values.iter().zip(&self.slopes).zip(&self.whole).map(is_flat).collect()
    }

    /// Newton's step, where the Hessian is positive along every direction that is not flat. `noise` is the relative error of the
    /// Hessian's entries; eigenvalues below the fraction `least` of the largest are not believed.
    pub(crate) fn left(
        &self,
        lengths: &[f64],
        gradient: &[f64],
        [noise, least]: [f64; 2],
        rounding: &Rounding,
    ) -> Option<Left> {
        let least = least * self.largest();
        let flat = self.flat(noise, rounding);
        let mut coefficients = Vec::with_capacity(self.values.len());
        for ((e, s), flat) in self.values.iter().zip(&self.slopes).zip(flat) {
            if !flat && *e <= least {
                return None;
            }
            coefficients.push(if flat { 0.0 } else { -s / e });
        }
        let step = self.unscaled(&coefficients, lengths);
        let decrease = -dot(gradient, &step) - 0.5 * dot(&step, &self.product(&step));
        Some(Left { decrease, step })
    }

    /// The minimum within the radius, and whether it lies inside. Flat directions are not followed.
    pub(crate) fn within(
        &self,
        radius: f64,
        lengths: &[f64],
        noise: f64,
        rounding: &Rounding,
    ) -> (Vec<f64>, bool) {
        let flat = self.flat(noise, rounding);
        let followed = || (0..flat.len()).filter(|&k| !flat[k]);
        let Some(k) = followed().reduce(|a, b| if self.values[b] < self.values[a] { b } else { a })
        else {
            return (vec![0.0; lengths.len()], true);
        };
        let lowest = self.values[k];
        let least = ROUNDING * self.largest();
        let at = |lambda: f64| -> Vec<f64> {
            let floor = least.max(f64::MIN_POSITIVE);
            let entry = |k: usize| -self.slopes[k] / (self.values[k] + lambda).max(floor);
            (0..flat.len()).map(|k| if flat[k] { 0.0 } else { entry(k) }).collect()
        };
        let newton = at(0.0);
        if lowest > least && length(&newton) <= radius {
            return (self.unscaled(&newton, lengths), true);
        }
        // |step| falls with lambda: bisection in the exponent, then in the number
        let pull = length(&self.slopes) / radius;
        let (mut low, mut high) = ((-lowest).max(0.0), (-lowest).max(0.0) + pull + least);
        let mut coefficients = at(low);
        if length(&coefficients) > radius {
            for _ in 0..200 {
                let middle = 0.5 * (low + high);
                coefficients = at(middle);
                let long = length(&coefficients);
                if (long - radius).abs() <= 1e-3 * radius || high - low <= f64::EPSILON * high {
                    break;
                }
                if long > radius { low = middle } else { high = middle }
            }
        } else if lowest <= least {
            // the hard case: the gradient has no share in the lowest direction
            let rest = (radius * radius - dot(&coefficients, &coefficients)).max(0.0).sqrt();
            coefficients[k] += if self.slopes[k] > 0.0 { -rest } else { rest };
        }
        (self.unscaled(&coefficients, lengths), false)
    }

    fn unscaled(&self, coefficients: &[f64], lengths: &[f64]) -> Vec<f64> {
        let mut step = vec![0.0; lengths.len()];
        for (a, &i) in self.free.iter().enumerate() {
            let scaled: f64 =
                coefficients.iter().enumerate().map(|(e, c)| self.basis[(a, e)] * c).sum();
            step[i] = scaled / lengths[i];
        }
        step
    }
}

/// Least `D` of a parameter: where the value is straight along it, its slope, and the value itself, still say how far is far.
pub(crate) fn straight(value: f64, slope: f64, size: f64) -> f64 {
    (STRAIGHT * value.abs().sqrt() / size).max((STRAIGHT * slope.abs() / size).sqrt() * STRAIGHT)
}

fn length(v: &[f64]) -> f64 {
    dot(v, v).sqrt()
}

/// `step + tau d` of length `radius`, `tau > 0`.
pub(crate) fn to_the_border(step: &[f64], d: &[f64], radius: f64) -> Vec<f64> {
    let (a, b, c) = (dot(d, d), dot(step, d), dot(step, step) - radius * radius);
    let tau = (-b + (b * b - a * c).max(0.0).sqrt()) / a;
    step.iter().zip(d).map(|(s, d)| s + tau * d).collect()
}
