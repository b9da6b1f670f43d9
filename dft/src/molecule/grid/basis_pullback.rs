//! Derivatives by exponents and weights of primitives, from derivatives by values and slopes of basis functions.
//!
//! A function is `S sum_k w_k e_k`, `e_k = exp(-a_k r^2)`, and its slope `sum_k w_k (S_j - 2 a_k x_j S) e_k`. With cotangents `u` of the value
//! and `u_j` of the slopes, and `A = sum (u S + sum_j u_j S_j)`, `B = 2 sum_j u_j x_j S`, both summed over the functions of the shell:
//! by `w_k` it is `sum_g e_k (A - a_k B)`, by `a_k` it is `sum_g w_k e_k (-r^2 A - B + a_k r^2 B)`.

use super::basis_values::{Active, BasisOnGrid, Derivatives, Workspace};
use crate::exponential::exp;

/// Derivatives by the primitives of a shell.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::molecule) struct ShellBars {
    /// By exponents, at fixed weights.
    pub(in crate::molecule) exponents: Vec<f64>,
    /// By weights, [`crate::molecule::Shell::weights`].
    pub(in crate::molecule) weights: Vec<f64>,
}

impl ShellBars {
    pub(in crate::molecule) fn add(&mut self, other: &Self) {
        let own = self.exponents.iter_mut().chain(&mut self.weights);
        own.zip(other.exponents.iter().chain(&other.weights)).for_each(|(a, b)| *a += b);
    }
}

impl BasisOnGrid {
    /// Zeros for every shell.
    pub(in crate::molecule) fn zero_bars(&self) -> Vec<ShellBars> {
        let zeros = |n: usize| ShellBars { exponents: vec![0.0; n], weights: vec![0.0; n] };
        self.shells().iter().map(|shell| zeros(shell.exponents.len())).collect()
    }

    /// Adds the derivatives for cotangents of values and slopes, matrices of points by active functions; there may be none of slopes.
    pub(in crate::molecule) fn pullback(
        &self,
        active: &Active,
        points: &[[f64; 3]],
        value: &[f64],
        slopes: &[Vec<f64>; 3],
        sums: &mut [ShellBars],
    ) {
        let n = points.len();
        let has_slopes = !slopes[0].is_empty();
        let mut workspace = Workspace::new(n);
        let [mut a, mut b] = [vec![0.0; n], vec![0.0; n]];
        let mut column = 0;
        for index in active.shells() {
            let shell = &self.shells()[*index];
            workspace.place(points, shell.centre);
            a.fill(0.0);
            b.fill(0.0);
            for angular in self.angular(shell.l) {
                let range = column * n..(column + 1) * n;
                workspace.polynomials(angular, Derivatives::First);
                let s = workspace.angular();
                (0..n).for_each(|g| a[g] += value[range.start + g] * s[0][g]);
                for j in (0..3).filter(|_| has_slopes) {
                    let (u, x) = (&slopes[j][range.clone()], &workspace.coordinates()[j]);
                    for g in 0..n {
                        a[g] += u[g] * s[1 + j][g];
                        b[g] += 2.0 * u[g] * x[g] * s[0][g];
                    }
                }
                column += 1;
            }
            let sums = &mut sums[*index];
            for (k, (&exponent, &weight)) in shell.exponents.iter().zip(&shell.weights).enumerate()
            {
                let [mut by_weight, mut by_exponent] = [0.0; 2];
                for (g, square) in workspace.square().iter().enumerate() {
                    let e = exp(-exponent * square);
                    let difference = a[g] - exponent * b[g];
                    by_weight += e * difference;
                    by_exponent -= e * (square * difference + b[g]);
                }
                sums.weights[k] += by_weight;
                sums.exponents[k] += weight * by_exponent;
            }
        }
    }
}
