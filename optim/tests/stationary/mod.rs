//! Whether a stationary point of a sum of squares is where an optimizer says, judged in 31 digits.
//!
//! Newton's method on `J^T r = 0`, all of it in double-double arithmetic ([`Precise`]), starts at the claimed point. At a
//! stationary point it stays: every parameter moves by a small fraction of its size, and the gradient vanishes. On a slope that
//! only flattens out towards infinity it runs away, by a fixed fraction of the parameters at every step, however small the
//! gradient is; so does it where a claim was made too early. Nothing is shared with the optimizers but the functions.

use cotangent_ad::check::Precise;
use cotangent_ad::{Dual, Num, Real, VectorFn, jacobian_forward};

/// What a claimed point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A stationary point lies here.
    Stationary,
    /// Newton's method leaves.
    RunsAway,
    /// Value and derivatives have underflowed by a parameter that they depend on elsewhere: a plateau.
    Plateau,
}

/// Steps of Newton's method; at a singular minimum it gains a factor of 2 or so in each.
const STEPS: usize = 45;
/// Fraction of its size by which a parameter may have moved.
const NEAR: f64 = 1e-2;

/// `J^T r` and `1/2 |r|^2`.
fn gradient<R: Real, F: VectorFn>(f: &F, x: &[R]) -> (R, Vec<R>) {
    let r = f.call(x);
    let jacobian = jacobian_forward(|x| f.call(x), x);
    let mut gradient = vec![R::lit(0.0); x.len()];
    for (r, row) in r.iter().zip(jacobian.chunks_exact(x.len())) {
        gradient.iter_mut().zip(row).for_each(|(g, j)| *g += *r * *j);
    }
    (r.iter().fold(R::lit(0.0), |s, r| s + *r * *r) * 0.5, gradient)
}

/// Gradient and Hessian, row-major.
fn second<F: VectorFn>(f: &F, x: &[Precise]) -> (f64, Vec<Precise>, Vec<Precise>) {
    let n = x.len();
    let (value, slopes) = gradient(f, x);
    let mut hessian = Vec::with_capacity(n * n);
    for i in 0..n {
        let seeded: Vec<Dual<Precise, 1>> = (0..n)
            .map(|j| Dual { re: x[j], eps: [Precise::lit(if i == j { 1.0 } else { 0.0 })] })
            .collect();
        hessian.extend(gradient(f, &seeded).1.iter().map(|g| g.eps[0]));
    }
    (value.value(), slopes, hessian)
}

/// `x` of `A x = b`, `A` symmetric: Gauss-Jordan elimination with the largest diagonal entry as pivot, which stops where
/// none is left, so that directions without curvature stay where they are.
fn solve(mut a: Vec<Precise>, mut b: Vec<Precise>) -> Vec<Precise> {
    let n = b.len();
    let largest = |a: &[Precise], left: &[usize]| {
        left.iter()
            .copied()
            .max_by(|&i, &j| a[i * n + i].value().abs().total_cmp(&a[j * n + j].value().abs()))
    };
    let first = (0..n).map(|i| a[i * n + i].value().abs()).fold(0.0, f64::max);
    let (mut left, mut done): (Vec<usize>, Vec<usize>) = ((0..n).collect(), Vec::new());
    while let Some(p) = largest(&a, &left) {
        if a[p * n + p].value().abs() <= 1e-24 * first {
            break;
        }
        left.retain(|i| *i != p);
        done.push(p);
        for i in (0..n).filter(|i| *i != p) {
            let factor = a[i * n + p] / a[p * n + p];
            for j in 0..n {
                let change = factor * a[p * n + j];
                a[i * n + j] -= change;
            }
            let change = factor * b[p];
            b[i] -= change;
        }
    }
    (0..n)
        .map(|i| if done.contains(&i) { b[i] / a[i * n + i] } else { Precise::lit(0.0) })
        .collect()
}

/// What the point is. `start`: where the optimizer came from.
pub(crate) fn judge<F: VectorFn>(f: &F, x: &[f64], start: &[f64]) -> Verdict {
    let n = x.len();
    let mut point: Vec<Precise> = x.iter().map(|x| Precise::lit(*x)).collect();
    let size = |i: usize| x[i].abs().max(1e-3 * start[i].abs()).max(1e-3);
    // in units of the curvature: a parameter may have become smaller by tens of orders
    let length = |h: &[Precise], i: usize| match h[i * n + i].value().abs() {
        curvature if curvature > 0.0 => 1.0 / curvature.sqrt(),
        _ => size(i),
    };
    let scaled = |g: &[Precise], h: &[Precise]| {
        (0..n).map(|i| g[i].value().abs() * length(h, i)).fold(0.0, f64::max)
    };
    let influences = |h: &[Precise], g: &[Precise], i: usize| {
        g[i].value() != 0.0 || (0..n).any(|j| h[i * n + j].value() != 0.0)
    };
    let (first, slopes, hessian) = second(f, &point);
    if first <= 1e-26 {
        return Verdict::Stationary; // all residuals vanish, and there is nothing below zero
    }
    let origin: Vec<Precise> = start.iter().map(|x| Precise::lit(*x)).collect();
    let (_, slopes_there, hessian_there) = second(f, &origin);
    for i in 0..n {
        if !influences(&hessian, &slopes, i) && influences(&hessian_there, &slopes_there, i) {
            return Verdict::Plateau;
        }
    }
    let before = scaled(&slopes, &hessian);
    let mut after = before;
    for _ in 0..STEPS {
        let (value, slopes, hessian) = second(f, &point);
        after = scaled(&slopes, &hessian);
        if after <= 1e-20 * first.max(value).sqrt() || after == 0.0 {
            break;
        }
        let by_curvature = (0..n * n)
            .map(|k| hessian[k] * length(&hessian, k / n) * length(&hessian, k % n))
            .collect::<Vec<_>>();
        let step = solve(by_curvature, (0..n).map(|i| slopes[i] * length(&hessian, i)).collect());
        for i in 0..n {
            point[i] -= step[i] * length(&hessian, i);
        }
        let near = |i: usize| (point[i].value() - x[i]).abs() <= NEAR * size(i);
        if !(0..n).all(near) {
            return Verdict::RunsAway;
        }
    }
    let vanished = after <= 1e-8 * before || after <= 1e-16 * first.sqrt();
    if vanished { Verdict::Stationary } else { Verdict::RunsAway }
}
