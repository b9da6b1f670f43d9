//! The triangular factor of a Jacobian whose rows come in blocks.
//!
//! `J = Q R` is made block by block: the factor so far, stacked on the next rows, is factored again (sequential QR; Golub &
//! Van Loan, *Matrix Computations*, sect. 5.2 and 12.5). Only `n + 1` columns and a block of rows are ever held, so the price in memory
//! does not depend on the number of rows. The residuals travel as one more column, which becomes `Q^T r`.

use faer::Mat;
use serde::{Deserialize, Serialize};

/// `R` and `Q^T r` of `J = Q R`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Triangle {
    n: usize,
    /// `n + 1` columns, at most `n + 1` rows, row-major: `[R, Q^T r]`, and below it the length of the rest of `r`.
    factor: Vec<f64>,
    /// Rows that wait for the next factorization; empty between two iterations.
    #[serde(skip)]
    waiting: Vec<f64>,
    /// `|r|^2`.
    square: f64,
    /// `|J_j|^2`.
    columns: Vec<f64>,
}

/// Rows that are factored at once, at least.
const BLOCK: usize = 64;

impl Triangle {
    pub(crate) fn new(n: usize) -> Self {
        Self { n, factor: Vec::new(), waiting: Vec::new(), square: 0.0, columns: vec![0.0; n] }
    }

    /// Takes rows of the Jacobian (`n` entries each) with their residuals.
    pub(crate) fn absorb(&mut self, residuals: &[f64], rows: &[f64]) {
        let most = BLOCK.max(2 * (self.n + 1)) * (self.n + 1);
        for (r, row) in residuals.iter().zip(rows.chunks_exact(self.n)) {
            self.square += r * r;
            self.columns.iter_mut().zip(row).for_each(|(c, j)| *c += j * j);
            self.waiting.extend_from_slice(row);
            self.waiting.push(*r);
            if self.waiting.len() >= most {
                self.reduce();
            }
        }
    }

    /// Factors what waits. To be called after the last rows.
    pub(crate) fn reduce(&mut self) {
        let width = self.n + 1;
        if self.waiting.is_empty() {
            return;
        }
        self.factor.append(&mut self.waiting);
        let height = self.factor.len() / width;
        let stacked = Mat::from_fn(height, width, |i, j| self.factor[i * width + j]);
        let qr = stacked.qr();
        let r = qr.thin_R();
        let kept = height.min(width);
        self.factor = vec![0.0; kept * width];
        for i in 0..kept {
            for j in i..width {
                self.factor[i * width + j] = r[(i, j)];
            }
        }
    }

    /// `|r|^2/2`.
    pub(crate) fn half_square(&self) -> f64 {
        0.5 * self.square
    }

    /// Length of column `j` of the Jacobian.
    pub(crate) fn column_norm(&self, j: usize) -> f64 {
        self.columns[j].sqrt()
    }

    /// `R` of the columns `chosen`, over all rows that the factor has, and `Q^T r` beside it.
    pub(crate) fn columns(&self, chosen: &[usize]) -> (Mat<f64>, Vec<f64>) {
        let width = self.n + 1;
        let height = self.factor.len() / width;
        let entry = |i: usize, j: usize| self.factor[i * width + j];
        let matrix = Mat::from_fn(height, chosen.len(), |i, j| entry(i, chosen[j]));
        (matrix, (0..height).map(|i| entry(i, self.n)).collect())
    }

    /// `J^T r`.
    pub(crate) fn gradient(&self) -> Vec<f64> {
        let mut gradient = vec![0.0; self.n];
        for row in self.factor.chunks_exact(self.n + 1) {
            gradient.iter_mut().zip(row).for_each(|(g, j)| *g += j * row[self.n]);
        }
        gradient
    }

    /// `|J v|^2`.
    pub(crate) fn squared_image(&self, v: &[f64]) -> f64 {
        let image = |row: &[f64]| row.iter().zip(v).map(|(j, v)| j * v).sum::<f64>().powi(2);
        self.factor.chunks_exact(self.n + 1).map(image).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::Triangle;

    /// Rows of a Jacobian with known products.
    fn rows(m: usize, n: usize) -> (Vec<f64>, Vec<f64>) {
        let entry = |k: usize| ((k * k % 101) as f64 * 0.37).sin();
        ((0..m).map(|i| entry(7 * i + 3)).collect(), (0..m * n).map(entry).collect())
    }

    #[test]
    fn blocks_of_rows_give_the_gradient_and_the_images_of_the_whole_jacobian() {
        for (m, n) in [(500, 3), (130, 7), (2, 4)] {
            let (r, j) = rows(m, n);
            let mut triangle = Triangle::new(n);
            for (r, j) in r.chunks(17).zip(j.chunks(17 * n)) {
                triangle.absorb(r, j);
            }
            triangle.reduce();
            let v: Vec<f64> = (0..n).map(|i| 1.0 - 0.3 * i as f64).collect();
            let image: f64 = j
                .chunks(n)
                .map(|row| row.iter().zip(&v).map(|(a, b)| a * b).sum::<f64>().powi(2))
                .sum();
            assert!((triangle.squared_image(&v) - image).abs() < 1e-12 * image);
            for (i, g) in triangle.gradient().iter().enumerate() {
                let right: f64 = r.iter().zip(j.chunks(n)).map(|(r, row)| r * row[i]).sum();
                assert!((g - right).abs() < 1e-12 * m as f64, "{g} {right}");
            }
        }
    }
}
