//! A dense layer.

use std::convert::Infallible;

use super::Activation;
use crate::linalg::Matrix;
use crate::real::Real;
use crate::rule::SliceRule;

/// `Y = f(X W^T + 1 b^T)`: arguments `X: batch x inputs`, `W: outputs x inputs`, `b: outputs`.
#[derive(Clone, Debug)]
struct Dense {
    batch: usize,
    inputs: usize,
    outputs: usize,
    activation: Activation,
}

impl Dense {
    fn split<R: Copy>(&self, x: &[R]) -> (Matrix<R>, Matrix<R>, Vec<R>) {
        let (points, rest) = x.split_at(self.batch * self.inputs);
        let (weights, bias) = rest.split_at(self.outputs * self.inputs);
        (
            Matrix::new(self.batch, self.inputs, points.to_vec()),
            Matrix::new(self.outputs, self.inputs, weights.to_vec()),
            bias.to_vec(),
        )
    }

    /// `X W^T + 1 b^T`.
    fn affine<R: Real>(x: &Matrix<R>, w: &Matrix<R>, b: &[R]) -> Matrix<R> {
        let z = x.matmul(&w.transpose());
        Matrix::from_fn(z.rows(), z.cols(), |i, j| z[(i, j)] + b[j])
    }

    fn out<R: Copy>(&self, y: &[R]) -> Matrix<R> {
        Matrix::new(self.batch, self.outputs, y.to_vec())
    }

    /// `f'` times `z`.
    fn through<R: Real>(&self, y: &[R], z: &[R]) -> Matrix<R> {
        self.out(&y.iter().zip(z).map(|(y, z)| self.activation.slope(*y) * *z).collect::<Vec<R>>())
    }
}

impl SliceRule for Dense {
    type Error = Infallible;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, Infallible> {
        let (x, w, b) = self.split(x);
        Ok(Self::affine(&x, &w, &b).map(|z| self.activation.value(z)).into_data())
    }

    fn jvp<R: Real>(&self, x: &[R], y: &[R], x_dot: &[R]) -> Result<Vec<R>, Infallible> {
        let ((x, w, _), (x_dot, w_dot, b_dot)) = (self.split(x), self.split(x_dot));
        let mut z_dot = Self::affine(&x, &w_dot, &b_dot);
        if !x_dot.is_zero() {
            z_dot = &z_dot + &x_dot.matmul(&w.transpose());
        }
        Ok(self.through(y, z_dot.data()).into_data())
    }

    fn vjp<R: Real>(&self, x: &[R], y: &[R], y_bar: &[R]) -> Result<Vec<R>, Infallible> {
        let (x, w, _) = self.split(x);
        let z_bar = self.through(y, y_bar);
        let x_bar = z_bar.matmul(&w);
        let w_bar = z_bar.transpose().matmul(&x);
        let b_bar: Vec<R> = (0..self.outputs)
            .map(|j| (0..self.batch).fold(R::lit(0.0), |s, i| s + z_bar[(i, j)]))
            .collect();
        Ok([x_bar.into_data(), w_bar.into_data(), b_bar].concat())
    }
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
    let rule = Dense { batch: x.rows(), inputs: x.cols(), outputs: w.rows(), activation };
    let Ok(y) = R::slice_rule(&rule, &[x.data(), w.data(), b].concat());
    rule.out(&y)
}
