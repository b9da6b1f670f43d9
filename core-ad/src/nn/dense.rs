//! A dense layer.

use std::convert::Infallible;

use super::Activation;
use crate::linalg::Matrix;
use crate::real::{Num, Real};
use crate::rule::SliceRule;

/// `Y = f(X W^T + 1 b^T)`: arguments `X: batch x inputs`, `W: outputs x inputs`, `b: outputs`.
#[derive(Clone, Debug)]
struct Dense {
    batch: usize,
    inputs: usize,
    outputs: usize,
    activation: Activation,
}

/// Multiplications up to which a layer is plain loops: one point, or a few, through a small layer. More are products of matrices.
const FEW: usize = 1024;

impl Dense {
    fn split<'a, R>(&self, x: &'a [R]) -> (&'a [R], &'a [R], &'a [R]) {
        let (points, rest) = x.split_at(self.batch * self.inputs);
        let (weights, bias) = rest.split_at(self.outputs * self.inputs);
        (points, weights, bias)
    }

    fn is_small(&self) -> bool {
        (1..=FEW).contains(&(self.batch * self.inputs * self.outputs))
    }

    fn points<R: Copy>(&self, x: &[R]) -> Matrix<R> {
        Matrix::new(self.batch, self.inputs, x.to_vec())
    }

    fn weights<R: Copy>(&self, w: &[R]) -> Matrix<R> {
        Matrix::new(self.outputs, self.inputs, w.to_vec())
    }

    /// `X W^T`.
    fn product<R: Real>(&self, x: &[R], w: &[R]) -> Vec<R> {
        if self.is_small() {
            let rows = || w.chunks_exact(self.inputs);
            let points = x.chunks_exact(self.inputs);
            return points.flat_map(|x| rows().map(move |row| R::dot(row, x))).collect();
        }
        self.points(x).matmul(&self.weights(w).transpose()).into_data()
    }

    /// `X W^T + 1 b^T`.
    fn affine<R: Real>(&self, x: &[R], w: &[R], b: &[R]) -> Vec<R> {
        let mut z = self.product(x, w);
        z.chunks_exact_mut(self.outputs.max(1))
            .for_each(|z| z.iter_mut().zip(b).for_each(|(z, b)| *z += *b));
        z
    }

    /// `f'` times `z`.
    fn through<R: Real>(&self, y: &[R], z: &[R]) -> Vec<R> {
        y.iter().zip(z).map(|(y, z)| self.activation.slope(*y) * *z).collect()
    }

    /// `X_bar = Z_bar W` and `W_bar = Z_bar^T X`, one after the other.
    fn pulled<R: Real>(&self, x: &[R], w: &[R], z_bar: &[R]) -> Vec<R> {
        if !self.is_small() {
            let z_bar = Matrix::new(self.batch, self.outputs, z_bar.to_vec());
            let x_bar = z_bar.matmul(&self.weights(w));
            let w_bar = z_bar.transpose().matmul(&self.points(x));
            return [x_bar.into_data(), w_bar.into_data()].concat();
        }
        let mut bars = vec![R::lit(0.0); x.len() + w.len()];
        let (x_bar, w_bar) = bars.split_at_mut(x.len());
        let n = self.inputs;
        let points = x.chunks_exact(n).zip(x_bar.chunks_exact_mut(n));
        for ((x, x_bar), z_bar) in points.zip(z_bar.chunks_exact(self.outputs)) {
            let rows = w.chunks_exact(n).zip(w_bar.chunks_exact_mut(n));
            for ((row, row_bar), z_bar) in rows.zip(z_bar) {
                x_bar.iter_mut().zip(row).for_each(|(x_bar, w)| *x_bar += *z_bar * *w);
                row_bar.iter_mut().zip(x).for_each(|(w_bar, x)| *w_bar += *z_bar * *x);
            }
        }
        bars
    }
}

impl SliceRule for Dense {
    type Error = Infallible;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, Infallible> {
        let (x, w, b) = self.split(x);
        Ok(self.affine(x, w, b).into_iter().map(|z| self.activation.value(z)).collect())
    }

    fn jvp<R: Real>(&self, x: &[R], y: &[R], x_dot: &[R]) -> Result<Vec<R>, Infallible> {
        let ((x, w, _), (x_dot, w_dot, b_dot)) = (self.split(x), self.split(x_dot));
        let mut z_dot = self.affine(x, w_dot, b_dot);
        if !x_dot.iter().all(Num::is_constant_zero) {
            z_dot.iter_mut().zip(self.product(x_dot, w)).for_each(|(z, more)| *z += more);
        }
        Ok(self.through(y, &z_dot))
    }

    fn vjp<R: Real>(&self, x: &[R], y: &[R], y_bar: &[R]) -> Result<Vec<R>, Infallible> {
        let (x, w, _) = self.split(x);
        let z_bar = self.through(y, y_bar);
        let mut bars = self.pulled(x, w, &z_bar);
        let b_bar = |j: usize| -> R { z_bar.iter().skip(j).step_by(self.outputs).copied().sum() };
        bars.extend((0..self.outputs).map(b_bar));
        Ok(bars)
    }
}

/// The outputs of a layer for a batch of points, one after the other.
pub(super) fn layer<R: Real>(
    x: &[R],
    (w, b): (&[R], &[R]),
    [batch, inputs]: [usize; 2],
    activation: Activation,
) -> Vec<R> {
    let rule = Dense { batch, inputs, outputs: b.len(), activation };
    let Ok(y) = R::slice_rule(&rule, &[x, w, b].concat());
    y
}

/// `f(X W^T + 1 b^T)` for a batch `X` of points, one a row.
///
/// # Shapes
/// `x: batch x inputs`, `w: outputs x inputs`, `b: outputs`; the result `batch x outputs`.
///
/// # Panics
/// Where they do not fit.
pub fn dense<R: Real>(x: &Matrix<R>, w: &Matrix<R>, b: &[R], activation: Activation) -> Matrix<R> {
    assert!(w.cols() == x.cols() && b.len() == w.rows(), "inputs of X and W, outputs of W and b");
    let y = layer(x.data(), (w.data(), b), [x.rows(), x.cols()], activation);
    Matrix::new(x.rows(), w.rows(), y)
}
