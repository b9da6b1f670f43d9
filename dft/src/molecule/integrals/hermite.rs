//! Hermite Gaussians: their order, their expansion of a product of Gaussians in one dimension, their repulsion.

use std::sync::OnceLock;

use crate::molecule::basis::harmonics::monomials;
use crate::molecule::integrals::boys::{Boys, MAX_ORDER};
use crate::molecule::integrals::lane::Lane;

/// Number of Hermite Gaussians up to a degree.
pub(in crate::molecule) const fn count(degree: usize) -> usize {
    (degree + 1) * (degree + 2) * (degree + 3) / 6
}

/// How [`repulsion`] makes one entry from lower ones: `R_k = x_axis R_(one less) + factor R_(two less)`.
#[derive(Clone, Copy, Debug)]
struct Step {
    axis: usize,
    one_less: usize,
    two_less: usize,
    factor: f64,
}

/// Hermite Gaussians by falling out of order of degree: those up to a degree are a prefix.
#[derive(Debug)]
pub(in crate::molecule) struct Order {
    /// `t, u, v` by index.
    pub powers: Vec<[usize; 3]>,
    /// `(-1)^(t+u+v)` by index.
    pub signs: Vec<f64>,
    positions: Vec<usize>,
    steps: Vec<Step>,
}

const SIDE: usize = MAX_ORDER + 1;

impl Order {
    /// The table, made once a process.
    pub(in crate::molecule) fn table() -> &'static Self {
        static TABLE: OnceLock<Order> = OnceLock::new();
        TABLE.get_or_init(Self::new)
    }

    fn new() -> Self {
        let powers: Vec<[usize; 3]> = (0..=MAX_ORDER).flat_map(monomials).collect();
        let mut positions = vec![usize::MAX; SIDE * SIDE * SIDE];
        for (k, [t, u, v]) in powers.iter().enumerate() {
            positions[(t * SIDE + u) * SIDE + v] = k;
        }
        let sign = |p: &[usize; 3]| if p.iter().sum::<usize>() % 2 == 0 { 1.0 } else { -1.0 };
        let signs = powers.iter().map(sign).collect();
        let mut order = Self { powers, signs, positions, steps: Vec::new() };
        order.steps = (0..order.powers.len()).map(|k| order.step(order.powers[k])).collect();
        order
    }

    /// Along the axis with the lowest power above zero, where there is no second term if that is 1.
    fn step(&self, powers: [usize; 3]) -> Step {
        let raised = (0..3).filter(|axis| powers[*axis] > 0).min_by_key(|axis| powers[*axis]);
        let Some(axis) = raised else {
            return Step { axis: 0, one_less: 0, two_less: 0, factor: 0.0 };
        };
        let mut less = powers;
        less[axis] -= 1;
        let one_less = self.position(less);
        let factor = less[axis] as f64;
        let two_less = if less[axis] > 0 {
            less[axis] -= 1;
            self.position(less)
        } else {
            0
        };
        Step { axis, one_less, two_less, factor }
    }

    /// The index of `t, u, v`.
    pub(in crate::molecule) fn position(&self, [t, u, v]: [usize; 3]) -> usize {
        self.positions[(t * SIDE + u) * SIDE + v]
    }

    /// Indices of sums: of the `k`-th up to `first` and the `j`-th up to `second`, row-major.
    pub(in crate::molecule) fn sums(&self, first: usize, second: usize) -> Vec<usize> {
        let mut sums = Vec::with_capacity(count(first) * count(second));
        for a in &self.powers[..count(first)] {
            for b in &self.powers[..count(second)] {
                sums.push(self.position([a[0] + b[0], a[1] + b[1], a[2] + b[2]]));
            }
        }
        sums
    }
}

/// Derivatives of the repulsion `d^(t+u+v)/dx^t dy^u dz^v F_0(alpha |x|^2)` times `scale`, up to a degree, into `out`.
///
/// `R^n_000 = (-2 alpha)^n F_n(alpha x^2)`, `R^n_(t+1)uv = t R^(n+1)_(t-1)uv + x R^(n+1)_tuv`: Helgaker et al., eqs. 9.9.18-9.9.20. An
/// entry of level `n` needs entries of lower degree of level `n + 1` only, so that each level overwrites the one before from its end.
///
/// Returned is the Laplacian of the undifferentiated one, `-2 alpha scale exp(-alpha |x|^2)`: what repels, as Poisson's equation has it.
#[inline(always)]
pub(in crate::molecule) fn repulsion(
    order: &Order,
    boys: &Boys,
    degree: usize,
    alpha: Lane,
    scale: Lane,
    x: [Lane; 3],
    out: &mut [Lane],
) -> Lane {
    let mut f = [Lane::ZERO; MAX_ORDER + 1];
    let square = x[0] * x[0] + x[1] * x[1] + x[2] * x[2];
    let exponential = boys.evaluate(degree, alpha * square, &mut f);
    let twice = alpha * -2.0;
    let mut power = scale;
    for f in &mut f[..=degree] {
        *f = *f * power;
        power = power * twice;
    }
    out[0] = f[degree];
    for level in (0..degree).rev() {
        let filled = count(degree - level);
        let out = &mut out[..filled];
        for (k, step) in order.steps[..filled].iter().enumerate().skip(1).rev() {
            let mut value = x[step.axis] * out[step.one_less];
            if step.factor != 0.0 {
                value += out[step.two_less] * step.factor;
            }
            out[k] = value;
        }
        out[0] = f[level];
    }
    twice * scale * exponential
}

/// Derivatives `d^(t+u+v)/dx^t dy^u dz^v` of `value = c exp(-alpha |x|^2)` up to a degree into `out`: `h_(t+1) = -2 alpha (x h_t + t h_(t-1))`.
#[inline(always)]
pub(in crate::molecule) fn gaussian(
    order: &Order,
    degree: usize,
    alpha: Lane,
    value: Lane,
    x: [Lane; 3],
    out: &mut [Lane],
) {
    let twice = alpha * -2.0;
    let arms = x.map(|x| twice * x);
    out[0] = value;
    for (k, step) in order.steps[..count(degree)].iter().enumerate().skip(1) {
        let mut value = arms[step.axis] * out[step.one_less];
        if step.factor != 0.0 {
            value += twice * (out[step.two_less] * step.factor);
        }
        out[k] = value;
    }
}

/// Coefficients `E_t^ij` of Gaussians in one dimension, `x_A^i x_B^j exp(-a x_A^2 - b x_B^2) = sum_t E_t^ij Lambda_t`.
#[derive(Debug)]
pub(in crate::molecule) struct Expansion {
    values: Vec<f64>,
    j_count: usize,
    t_count: usize,
}

impl Expansion {
    /// Up to `i_max` and `j_max` for exponents `a` and `b` at a distance `A - B`; the factor `exp(-a b/(a + b) (A - B)^2)` is in them.
    ///
    /// Helgaker et al., eqs. 9.5.6, 9.5.7: `E_t^(i+1,j) = E_(t-1)^ij/(2p) + X_PA E_t^ij + (t+1) E_(t+1)^ij`.
    pub(in crate::molecule) fn new(
        i_max: usize,
        j_max: usize,
        a: f64,
        b: f64,
        distance: f64,
    ) -> Self {
        let (j_count, t_count) = (j_max + 1, i_max + j_max + 1);
        let mut values = vec![0.0; (i_max + 1) * j_count * t_count];
        let p = a + b;
        let (half, from_a, from_b) = (0.5 / p, -b / p * distance, a / p * distance);
        values[0] = (-a * b / p * distance * distance).exp();
        for i in 0..=i_max {
            for j in 0..=j_max {
                if i + j == 0 {
                    continue;
                }
                let (less, arm) =
                    if j > 0 { (i * j_count + j - 1, from_b) } else { ((i - 1) * j_count, from_a) };
                for t in 0..=i + j {
                    let source = &values[less * t_count..(less + 1) * t_count];
                    let mut value = arm * source[t];
                    if t > 0 {
                        value += half * source[t - 1];
                    }
                    if t + 1 < t_count {
                        value += (t + 1) as f64 * source[t + 1];
                    }
                    values[(i * j_count + j) * t_count + t] = value;
                }
            }
        }
        Self { values, j_count, t_count }
    }

    /// `E_t^ij` for `t = 0, ..., i_max + j_max`.
    pub(in crate::molecule) fn row(&self, i: usize, j: usize) -> &[f64] {
        let start = (i * self.j_count + j) * self.t_count;
        &self.values[start..start + self.t_count]
    }
}
