//! Gradients by either mode at any level of nesting, and the benchmark's gradient descent.

use cotangent_ad::{Dual, Real, Var, grad};

/// A function of many variables, written once.
pub(super) trait Function {
    /// Its value.
    fn value<R: Real>(&self, x: &[R]) -> R;
}

/// A way to differentiate, at any level.
pub(super) trait Mode {
    /// The gradient of `f`, which depends on `outer` variables too.
    fn gradient<R: Real, F: Inner>(f: &F, x: &[R], outer: &[R]) -> Vec<R>;
}

/// A function of inner variables, and of outer ones that are constants to it.
pub(super) trait Inner {
    /// Its value.
    fn value<R: Real>(&self, x: &[R], outer: &[R]) -> R;
}

/// By duals, one variable a pass.
pub(super) struct Forward;

impl Mode for Forward {
    fn gradient<R: Real, F: Inner>(f: &F, x: &[R], outer: &[R]) -> Vec<R> {
        let outer: Vec<Dual<R, 1>> = outer.iter().map(|v| Dual::konst(*v)).collect();
        let partial = |k: usize| {
            let seed =
                |(i, x): (usize, &R)| if i == k { Dual::seed(*x, 0) } else { Dual::konst(*x) };
            let x: Vec<Dual<R, 1>> = x.iter().enumerate().map(seed).collect();
            f.value(&x, &outer).eps[0]
        };
        (0..x.len()).map(partial).collect()
    }
}

/// By a tape.
pub(super) struct Reverse;

impl Mode for Reverse {
    fn gradient<R: Real, F: Inner>(f: &F, x: &[R], outer: &[R]) -> Vec<R> {
        let outer: Vec<Var<R>> = outer.iter().map(|v| Var::konst(*v)).collect();
        grad(|x| f.value(x, &outer), x)
    }
}

/// A function without outer variables.
pub(super) struct Alone<F>(pub(super) F);

impl<F: Function> Inner for Alone<F> {
    fn value<R: Real>(&self, x: &[R], _: &[R]) -> R {
        self.0.value(x)
    }
}

fn norm<R: Real>(x: impl Iterator<Item = R>) -> R {
    x.fold(R::lit(0.0), |sum, x| sum + x * x).sqrt()
}

/// The least of a function by gradient descent: a step of 1e-5 that doubles after ten descents in a row and halves where the
/// function does not fall, until the gradient or a step is shorter than 1e-5.
pub(super) fn argmin<R: Real, F: Inner, M: Mode>(f: &F, start: &[R], outer: &[R]) -> Vec<R> {
    let mut x = start.to_vec();
    let mut value = f.value(&x, outer);
    let mut gradient = M::gradient(f, &x, outer);
    let (mut step, mut descents) = (1e-5, 0);
    loop {
        if norm(gradient.iter().copied()) <= R::lit(1e-5) {
            return x;
        }
        if descents == 10 {
            step *= 2.0;
            descents = 0;
            continue;
        }
        let next: Vec<R> = x.iter().zip(&gradient).map(|(x, g)| *x - *g * step).collect();
        if norm(x.iter().zip(&next).map(|(a, b)| *a - *b)) <= R::lit(1e-5) {
            return x;
        }
        let there = f.value(&next, outer);
        if there < value {
            (x, value) = (next, there);
            gradient = M::gradient(f, &x, outer);
            descents += 1;
        } else {
            step /= 2.0;
            descents = 0;
        }
    }
}
