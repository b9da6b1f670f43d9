//! The discrete Fourier transform.

use std::convert::Infallible;

use rustfft::FftPlanner;
use rustfft::num_complex::Complex;

use crate::real::Real;
use crate::rule::SliceRule;

/// `X_k = sum_j x_j exp(-+ 2 pi i j k / n)`, real parts first. Linear, and symmetric as a complex matrix.
#[derive(Clone, Debug)]
struct Fourier {
    n: usize,
    inverse: bool,
}

impl SliceRule for Fourier {
    type Error = Infallible;

    fn primal(&self, x: &[f64]) -> Result<Vec<f64>, Infallible> {
        let n = self.n;
        let mut planner = FftPlanner::<f64>::new();
        let plan =
            if self.inverse { planner.plan_fft_inverse(n) } else { planner.plan_fft_forward(n) };
        let mut buffer: Vec<_> = (0..n).map(|k| Complex::new(x[k], x[n + k])).collect();
        plan.process(&mut buffer);
        Ok(buffer.iter().map(|z| z.re).chain(buffer.iter().map(|z| z.im)).collect())
    }

    fn jvp<R: Real>(&self, _: &[R], _: &[R], x_dot: &[R]) -> Result<Vec<R>, Infallible> {
        R::slice_rule(self, x_dot)
    }

    /// The transpose over the reals is the conjugate transform.
    fn vjp<R: Real>(&self, _: &[R], _: &[R], y_bar: &[R]) -> Result<Vec<R>, Infallible> {
        R::slice_rule(&Self { inverse: !self.inverse, ..*self }, y_bar)
    }
}

fn transform<R: Real>(inverse: bool, re: &[R], im: &[R]) -> (Vec<R>, Vec<R>) {
    let n = re.len();
    assert_eq!(n, im.len(), "as many real as imaginary parts");
    if n == 0 {
        return (Vec::new(), Vec::new());
    }
    let Ok(mut y) = R::slice_rule(&Fourier { n, inverse }, &[re, im].concat());
    let imaginary = y.split_off(n);
    (y, imaginary)
}

/// `X_k = sum_j x_j exp(-2 pi i j k / n)`: real and imaginary parts.
///
/// # Panics
/// Where their numbers differ.
pub fn fft<R: Real>(re: &[R], im: &[R]) -> (Vec<R>, Vec<R>) {
    transform(false, re, im)
}

/// `x_j = 1/n sum_k X_k exp(2 pi i j k / n)`: the inverse of [`fft`].
///
/// # Panics
/// Where the numbers of real and imaginary parts differ.
pub fn ifft<R: Real>(re: &[R], im: &[R]) -> (Vec<R>, Vec<R>) {
    let (re, im) = transform(true, re, im);
    let n = re.len() as f64;
    (re.iter().map(|x| *x / n).collect(), im.iter().map(|x| *x / n).collect())
}
