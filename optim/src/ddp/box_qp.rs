//! A quadratic minimum in a box.
//!
//! Projected Newton with Cholesky factors of the free part: Tassa, Mansard & Todorov, *Control-limited differential dynamic
//! programming*, ICRA 2014, section IV and algorithm 1.

/// Iterations of the search, and of a line search.
const MOST: usize = 100;
/// Sufficient decrease of Armijo's condition.
const ARMIJO: f64 = 0.1;
/// Relative improvement below which the search ends.
const FLAT: f64 = 1e-14;

/// The search and where it ended; reused memory.
#[derive(Default)]
pub(crate) struct BoxMinimum {
    /// The point.
    pub x: Vec<f64>,
    /// Entries that no bound holds there.
    pub free: Vec<usize>,
    /// Cholesky's factor `L` of `H` over them, `k x k`, row-major; the lower triangle is filled.
    factor: Vec<f64>,
    slope: Vec<f64>,
    direction: Vec<f64>,
    trial: Vec<f64>,
}

/// A quadratic `1/2 x^T H x + g^T x` and bounds.
pub(crate) struct BoxProblem<'a> {
    /// `H`, row-major; its lower and upper triangles are the same.
    pub h: &'a [f64],
    /// `g`.
    pub g: &'a [f64],
    /// Least and greatest `x`.
    pub bounds: [&'a [f64]; 2],
}

impl BoxProblem<'_> {
    fn clamp(&self, i: usize, x: f64) -> f64 {
        x.max(self.bounds[0][i]).min(self.bounds[1][i])
    }

    /// Entry `i` of `H x`.
    fn product(&self, x: &[f64], i: usize) -> f64 {
        self.h[i * x.len()..].iter().zip(x).map(|(h, x)| h * x).sum()
    }

    fn value(&self, x: &[f64]) -> f64 {
        x.iter().enumerate().map(|(i, xi)| xi * (0.5 * self.product(x, i) + self.g[i])).sum()
    }

    fn holds(&self, i: usize, x: f64, slope: f64) -> bool {
        (x <= self.bounds[0][i] && slope > 0.0) || (x >= self.bounds[1][i] && slope < 0.0)
    }
}

impl BoxMinimum {
    /// Finds the minimum, from `x` as it is; `false` where `H` is not positive over the free entries, or where the search does not end.
    pub(crate) fn find(&mut self, problem: &BoxProblem<'_>) -> bool {
        let n = problem.g.len();
        self.x.resize(n, 0.0);
        self.x.iter_mut().enumerate().for_each(|(i, x)| *x = problem.clamp(i, *x));
        let mut before = problem.value(&self.x);
        for _ in 0..MOST {
            self.slope.clear();
            self.slope.extend((0..n).map(|i| problem.product(&self.x, i) + problem.g[i]));
            self.free.clear();
            let held = |i: &usize| problem.holds(*i, self.x[*i], self.slope[*i]);
            self.free.extend((0..n).filter(|i| !held(i)));
            if self.free.is_empty() {
                return true;
            }
            if !self.factorize(problem.h, n) {
                return false;
            }
            self.direction.clear();
            self.direction.resize(n, 0.0);
            self.free.iter().for_each(|&i| self.direction[i] = -self.slope[i]);
            substitute(&self.factor, &self.free, &mut self.direction, 1);
            let descent: f64 = self.slope.iter().zip(&self.direction).map(|(s, d)| s * d).sum();
            if descent >= -FLAT * (before.abs() + f64::MIN_POSITIVE) {
                return true;
            }
            let Some(after) = self.shorten(problem, before) else { return true };
            std::mem::swap(&mut self.x, &mut self.trial);
            before = after;
        }
        false
    }

    /// The longest step along the direction that brings enough, into `trial`; its value.
    fn shorten(&mut self, problem: &BoxProblem<'_>, before: f64) -> Option<f64> {
        let mut length = 1.0;
        while length >= 1e-16 {
            let there = self.x.iter().zip(&self.direction).map(|(x, d)| x + length * d);
            self.trial.clear();
            self.trial.extend(there.enumerate().map(|(i, x)| problem.clamp(i, x)));
            let moved = self.trial.iter().zip(&self.x).map(|(to, from)| to - from);
            let moved: f64 = self.slope.iter().zip(moved).map(|(s, d)| s * d).sum();
            let value = problem.value(&self.trial);
            if value - before <= ARMIJO * moved {
                return Some(value);
            }
            length *= 0.6;
        }
        None
    }

    /// Cholesky's factor over the free entries; `false` where there is none.
    fn factorize(&mut self, h: &[f64], n: usize) -> bool {
        let k = self.free.len();
        self.factor.clear();
        self.factor.resize(k * k, 0.0);
        for r in 0..k {
            for c in 0..=r {
                let (above, row) = self.factor.split_at(r * k);
                let other = if c == r { row } else { &above[c * k..] };
                let sum: f64 = row[..c].iter().zip(&other[..c]).map(|(a, b)| a * b).sum();
                let rest = h[self.free[r] * n + self.free[c]] - sum;
                self.factor[r * k + c] = if c == r {
                    if rest.is_nan() || rest <= 0.0 {
                        return false;
                    }
                    rest.sqrt()
                } else {
                    rest / self.factor[c * k + c]
                };
            }
        }
        true
    }

    /// `-H_ff^-1 m_f` into `gain`, the other rows zero: how the free entries follow a change of the gradient, `m` of `width` columns,
    /// row-major.
    pub(crate) fn gain(&self, m: &[f64], width: usize, gain: &mut [f64]) {
        gain.fill(0.0);
        for &i in &self.free {
            let to = &mut gain[i * width..][..width];
            to.iter_mut().zip(&m[i * width..]).for_each(|(to, m)| *to = -m);
        }
        substitute(&self.factor, &self.free, gain, width);
    }
}

/// `X_f <- (L L^T)^-1 X_f` of the rows `free` of `x`, each `width` long.
fn substitute(factor: &[f64], free: &[usize], x: &mut [f64], width: usize) {
    let k = free.len();
    for r in 0..k {
        for c in 0..r {
            subtract(x, width, (free[r], factor[r * k + c], free[c]));
        }
        x[free[r] * width..][..width].iter_mut().for_each(|x| *x /= factor[r * k + r]);
    }
    for r in (0..k).rev() {
        for c in r + 1..k {
            subtract(x, width, (free[r], factor[c * k + r], free[c]));
        }
        x[free[r] * width..][..width].iter_mut().for_each(|x| *x /= factor[r * k + r]);
    }
}

/// Subtracts `factor` times a row from another.
fn subtract(x: &mut [f64], width: usize, (to, factor, from): (usize, f64, usize)) {
    for j in 0..width {
        x[to * width + j] -= factor * x[from * width + j];
    }
}

#[cfg(test)]
mod tests {
    use super::{BoxMinimum, BoxProblem};

    #[test]
    fn the_conditions_of_karush_kuhn_and_tucker_hold_and_the_gain_is_of_the_free_entries() {
        // H = L L^T of a fixed L, gradients that press against different bounds
        let n = 4;
        let l = [2.0, 0.0, 0.0, 0.0, 0.5, 1.5, 0.0, 0.0, -0.7, 0.3, 1.0, 0.0, 0.2, -0.4, 0.6, 0.9];
        let h: Vec<f64> =
            (0..16).map(|e| (0..n).map(|k| l[e / n * n + k] * l[e % n * n + k]).sum()).collect();
        for seed in 0..50 {
            let g: Vec<f64> =
                (0..n).map(|i| 3.0 * f64::from(7 * seed + 13 * i as i32).sin()).collect();
            let (lower, upper) = ([-0.5, -1.0, -0.2, -f64::INFINITY], [0.5, 0.3, 2.0, 0.4]);
            let mut found = BoxMinimum::default();
            assert!(found.find(&BoxProblem { h: &h, g: &g, bounds: [&lower, &upper] }));
            let slope = |i: usize| (0..n).map(|j| h[i * n + j] * found.x[j]).sum::<f64>() + g[i];
            for i in 0..n {
                let inside = lower[i] < found.x[i] && found.x[i] < upper[i];
                let ok = match slope(i) {
                    s if s.abs() < 1e-7 => true,
                    s if s > 0.0 => found.x[i] == lower[i],
                    _ => found.x[i] == upper[i],
                };
                assert!(ok && (!inside || found.free.contains(&i)), "{seed}: {i} {}", slope(i));
            }
            // H_ff gain_f = -m_f
            let mut gain = [0.0; 4];
            found.gain(&[1.0, -2.0, 0.5, 3.0], 1, &mut gain);
            for &i in &found.free {
                let row: f64 = found.free.iter().map(|&j| h[i * n + j] * gain[j]).sum();
                assert!((row + [1.0, -2.0, 0.5, 3.0][i]).abs() < 1e-10);
            }
        }
    }
}
