//! The Boys function `F_n(T) = int_0^1 t^(2n) exp(-T t^2) dt`.
//!
//! Up to [`LAST`] the highest order comes from a Taylor series about the nearest point of a table, by `F_n' = -F_(n+1)`, and the
//! lower ones by the recurrence downwards; beyond, `F_0 = sqrt(pi/T)/2` to rounding, and the recurrence upwards is stable. Helgaker,
//! Jorgensen & Olsen, *Molecular Electronic-Structure Theory* (2000), section 9.8.

use std::sync::OnceLock;

use crate::molecule::integrals::lane::{LANES, Lane};

/// The highest order that is tabulated for: four f functions with two derivatives.
pub(in crate::molecule) const MAX_ORDER: usize = 14;

/// Where the table ends.
const LAST: f64 = 40.0;
/// Points of the table in an interval of length 1.
const PER_UNIT: f64 = 16.0;
/// Terms of the Taylor series: the first one left out is below `(1/32)^8/8! = 2e-17` of the value.
const TERMS: usize = 8;
/// Beyond this `exp(-T)` does not reach the sixteenth digit of any order.
const EXPONENTIAL_ENDS: f64 = 64.0;
/// Entries of a point: orders from 0 to `MAX_ORDER + TERMS - 1`, then `exp(-T)`.
const ROW: usize = MAX_ORDER + TERMS + 1;

/// `1/k!`.
const INVERSE_FACTORIALS: [f64; TERMS] =
    [1.0, 1.0, 0.5, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0, 1.0 / 5040.0];

/// The table, made once a process.
#[derive(Debug)]
pub(in crate::molecule) struct Boys {
    rows: Vec<f64>,
}

impl Boys {
    /// The table.
    pub(in crate::molecule) fn table() -> &'static Self {
        static TABLE: OnceLock<Boys> = OnceLock::new();
        TABLE.get_or_init(|| {
            let mut rows = Vec::new();
            let mut t = 0.0;
            while t <= LAST + 0.5 {
                rows.extend_from_slice(&row(t));
                t += 1.0 / PER_UNIT;
            }
            Self { rows }
        })
    }

    /// `F_0, ..., F_n` of every lane into `out`; `exp(-T)`, or 0 where that is of no account, is returned.
    #[inline(always)]
    pub(in crate::molecule) fn evaluate(&self, n: usize, t: Lane, out: &mut [Lane]) -> Lane {
        let small = t.0.iter().filter(|t| **t < LAST).count();
        if small == LANES {
            return self.downwards(n, t, out);
        }
        let mut large = [Lane::ZERO; MAX_ORDER + 1];
        let inside = t.map(|t| t.min(LAST));
        let far = upwards(n, t.map(|t| t.max(LAST)), &mut large);
        if small == 0 {
            out[..=n].copy_from_slice(&large[..=n]);
            return far;
        }
        let mut exponential = self.downwards(n, inside, out);
        let replaced = out[..=n].iter_mut().zip(&large).chain([(&mut exponential, &far)]);
        for (out, large) in replaced {
            for k in 0..LANES {
                if t.0[k] >= LAST {
                    out.0[k] = large.0[k];
                }
            }
        }
        exponential
    }

    #[inline(always)]
    fn downwards(&self, n: usize, t: Lane, out: &mut [Lane]) -> Lane {
        let mut values = [Lane::ZERO; TERMS];
        let mut exponential = Lane::ZERO;
        let mut step = Lane::ZERO; // T0 - T
        for k in 0..LANES {
            let point = (t.0[k] * PER_UNIT + 0.5).floor();
            step.0[k] = point / PER_UNIT - t.0[k];
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a small number at or above zero; anything else finds the first or last row"
            )]
            let start = (point as usize).min(self.rows.len() / ROW - 1) * ROW;
            let row = &self.rows[start..start + ROW];
            for (value, entry) in values.iter_mut().zip(&row[n..]) {
                value.0[k] = *entry;
            }
            exponential.0[k] = row[ROW - 1];
        }
        let mut highest = Lane::ZERO;
        let mut growth = Lane::ZERO;
        for (value, inverse) in values.iter().zip(INVERSE_FACTORIALS).rev() {
            highest = highest * step + *value * inverse;
            growth = growth * step + Lane::splat(inverse);
        }
        exponential = exponential * growth;
        out[n] = highest;
        let twice = t * 2.0;
        for k in (0..n).rev() {
            out[k] = (twice * out[k + 1] + exponential) * (1.0 / (2 * k + 1) as f64);
        }
        exponential
    }
}

#[inline(always)]
fn upwards(n: usize, t: Lane, out: &mut [Lane]) -> Lane {
    let exponential = t.map(|t| if t < EXPONENTIAL_ENDS { (-t).exp() } else { 0.0 });
    let half = t.map(|t| 0.5 / t);
    out[0] = t.map(|t| 0.5 * (std::f64::consts::PI / t).sqrt());
    for k in 0..n {
        out[k + 1] = (out[k] * (2 * k + 1) as f64 - exponential) * half;
    }
    exponential
}

/// Every order at a point: the highest by `F_n = exp(-T) sum_i (2T)^i/((2n+1)(2n+3)...(2n+2i+1))`, all of whose terms are positive.
fn row(t: f64) -> [f64; ROW] {
    let mut row = [0.0; ROW];
    let exponential = (-t).exp();
    let n = ROW - 2;
    let mut divisor = (2 * n + 1) as f64;
    let mut term = 1.0 / divisor;
    let mut sum = 0.0;
    while term > 1e-18 * sum {
        sum += term;
        divisor += 2.0;
        term *= 2.0 * t / divisor;
    }
    row[n] = exponential * sum;
    for k in (0..n).rev() {
        row[k] = (2.0 * t * row[k + 1] + exponential) / (2 * k + 1) as f64;
    }
    row[ROW - 1] = exponential;
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `F_n(T)` by Simpson's rule with 40 000 intervals.
    fn simpson(n: usize, t: f64) -> f64 {
        let count = 40_000;
        let f = |k: usize| {
            let x = k as f64 / count as f64;
            x.powi(2 * n as i32) * (-t * x * x).exp()
        };
        let inner: f64 = (1..count).map(|k| if k % 2 == 1 { 4.0 * f(k) } else { 2.0 * f(k) }).sum();
        (f(0) + inner + f(count)) / (3 * count) as f64
    }

    #[test]
    fn every_order_is_the_integral_on_both_sides_of_the_end_of_the_table() {
        let table = Boys::table();
        let mut out = [Lane::ZERO; MAX_ORDER + 1];
        for t in [[0.0, 1e-9, 0.03, 0.031_25], [0.5, 3.3, 12.07, 25.0], [39.98, 40.0, 41.0, 70.0]] {
            for n in [0, 1, 5, MAX_ORDER] {
                let exponential = table.evaluate(n, Lane(t), &mut out);
                for (t, value) in t.iter().zip(exponential.0) {
                    let error = (value - (-t).exp()).abs();
                    assert!(error < 4e-16, "exp(-{t}) is off by {error:e}");
                }
                for order in 0..=n {
                    for k in 0..LANES {
                        let exact = simpson(order, t[k]);
                        let error = (out[order].0[k] - exact).abs();
                        assert!(error < 1e-14, "F_{order}({}) is off by {error:e}", t[k]);
                    }
                }
            }
        }
    }

    #[test]
    fn high_orders_have_their_digits_where_they_are_tiny() {
        // mpmath 1.4.1, 30 digits: gammainc(n + 1/2, 0, T)/(2 T^(n + 1/2))
        let known = [
            (14, 39.99, 6.825_613_077_740_892e-14),
            (14, 45.0, 1.232_696_227_201_037e-14),
            (10, 20.0, 1.228145542293862e-8),
            (3, 100.0, 1.661_675_485_223_921e-7),
        ];
        let mut out = [Lane::ZERO; MAX_ORDER + 1];
        for (n, t, value) in known {
            Boys::table().evaluate(n, Lane::splat(t), &mut out);
            let error = (out[n].0[0] / value - 1.0).abs();
            assert!(error < 1e-13, "F_{n}({t}) is off by {error:e} of itself");
        }
    }
}
