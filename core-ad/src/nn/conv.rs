//! A convolution in one dimension.

use std::convert::Infallible;

use super::Activation;
use crate::real::Real;
use crate::rule::SliceRule;

/// `y_(o, t) = f(b_o + sum_(i, k) w_(o, i, k) x_(i, t + k - padding))`, zero outside of the signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv1d {
    /// Channels of the signal.
    pub inputs: usize,
    /// Channels of the result.
    pub outputs: usize,
    /// Length of the kernel.
    pub kernel: usize,
    /// Zeros added at each end; `kernel / 2` keeps the length for an odd kernel.
    pub padding: usize,
    /// What follows.
    pub activation: Activation,
}

/// A [`Conv1d`] of a signal of known length: arguments `x, w, b`.
#[derive(Clone, Debug)]
struct Layer {
    shape: Conv1d,
    length: usize,
}

impl Layer {
    fn weights(&self) -> usize {
        self.shape.outputs * self.shape.inputs * self.shape.kernel
    }

    fn split<'a, R>(&self, x: &'a [R]) -> (&'a [R], &'a [R], &'a [R]) {
        let (signal, rest) = x.split_at(self.shape.inputs * self.length);
        let (w, b) = rest.split_at(self.weights());
        (signal, w, b)
    }

    /// Calls `f(index of y, of w, of x)` for every product of the sum.
    fn each(&self, mut f: impl FnMut(usize, usize, usize)) {
        let Conv1d { inputs, outputs, kernel, padding, .. } = self.shape;
        let after = self.shape.length(self.length);
        for o in 0..outputs {
            for i in 0..inputs {
                for k in 0..kernel {
                    for t in padding.saturating_sub(k)
                        ..after.min((self.length + padding).saturating_sub(k))
                    {
                        f(
                            o * after + t,
                            (o * inputs + i) * kernel + k,
                            i * self.length + t + k - padding,
                        );
                    }
                }
            }
        }
    }

    /// The sum, before `f`.
    fn sum<R: Real>(&self, x: &[R], w: &[R], b: &[R]) -> Vec<R> {
        let after = self.shape.length(self.length);
        let mut z: Vec<R> = b.iter().flat_map(|b| std::iter::repeat_n(*b, after)).collect();
        self.each(|y, k, t| z[y] += w[k] * x[t]);
        z
    }
}

impl SliceRule for Layer {
    type Error = Infallible;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, Infallible> {
        let (x, w, b) = self.split(x);
        Ok(self.sum(x, w, b).into_iter().map(|z| self.shape.activation.value(z)).collect())
    }

    fn jvp<R: Real>(&self, x: &[R], y: &[R], x_dot: &[R]) -> Result<Vec<R>, Infallible> {
        let ((x, w, _), (x_dot, w_dot, b_dot)) = (self.split(x), self.split(x_dot));
        let mut z_dot = self.sum(x, w_dot, b_dot);
        self.each(|y, k, t| z_dot[y] += w[k] * x_dot[t]);
        Ok(y.iter().zip(z_dot).map(|(y, z)| self.shape.activation.slope(*y) * z).collect())
    }

    fn vjp<R: Real>(&self, x: &[R], y: &[R], y_bar: &[R]) -> Result<Vec<R>, Infallible> {
        let (x, w, b) = self.split(x);
        let slope = |(y, y_bar): (&R, &R)| self.shape.activation.slope(*y) * *y_bar;
        let z_bar: Vec<R> = y.iter().zip(y_bar).map(slope).collect();
        let (mut x_bar, mut w_bar) = (vec![R::lit(0.0); x.len()], vec![R::lit(0.0); w.len()]);
        self.each(|y, k, t| {
            x_bar[t] += w[k] * z_bar[y];
            w_bar[k] += x[t] * z_bar[y];
        });
        let after = self.shape.length(self.length);
        let total = |o: usize| z_bar[o * after..][..after].iter().fold(R::lit(0.0), |s, z| s + *z);
        let b_bar = (0..b.len()).map(total).collect();
        Ok([x_bar, w_bar, b_bar].concat())
    }
}

impl Conv1d {
    /// Number of weights and biases.
    pub fn parameters(&self) -> usize {
        self.outputs * (self.inputs * self.kernel + 1)
    }

    /// Length of the result for a signal of `length`.
    ///
    /// # Panics
    /// Where the padded signal is shorter than the kernel.
    pub fn length(&self, length: usize) -> usize {
        (length + 2 * self.padding + 1)
            .checked_sub(self.kernel)
            .filter(|after| *after > 0)
            .expect("a kernel at most as long as the padded signal")
    }

    /// Applies it to a signal.
    ///
    /// # Shapes
    /// `parameters`: `w: outputs x inputs x kernel`, then `b: outputs`; `x: inputs x length`; the result `outputs x length'`.
    ///
    /// # Panics
    /// Where they do not fit.
    pub fn forward<R: Real>(&self, parameters: &[R], x: &[R]) -> Vec<R> {
        assert_eq!(parameters.len(), self.parameters(), "weights and biases");
        assert_eq!(x.len() % self.inputs, 0, "a whole number of samples a channel");
        let layer = Layer { shape: *self, length: x.len() / self.inputs };
        let Ok(y) = R::slice_rule(&layer, &[x, parameters].concat());
        y
    }
}
