//! Derivatives along a line by Richardson extrapolation of differences.

use cotangent_problem::{Evaluation, TrialFailure};

/// Halvings of the first step: down to where rounding begins, so that a jump of a higher derivative beside the point is left behind.
pub const LEVELS: usize = 11;

/// What finite differences say of a function along a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Extrapolated derivative.
    pub derivative: f64,
    /// Its estimated error.
    pub error: f64,
    /// Slope of the Taylor remainder with the gradient that was given; `None` at rounding.
    pub taylor_slope: Option<f64>,
    /// A switch that was crossed, or a kink, in words.
    pub crossed: Option<String>,
}

/// A line through a point: evaluations at signed distances from it.
pub struct Line<'a> {
    /// The function.
    pub evaluate: &'a dyn Fn(f64) -> Result<Evaluation, TrialFailure>,
    /// Evaluation at 0.
    pub at_zero: &'a Evaluation,
    /// First step; the bounds allow it on the sides that are used.
    pub step: f64,
    /// Sides that may be used: below, above.
    pub sides: (bool, bool),
    /// Number of steps, each half the last; [`LEVELS`] for all that rounding allows.
    pub levels: usize,
}

impl std::fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line").field("step", &self.step).finish_non_exhaustive()
    }
}

impl Line<'_> {
    /// Compares with `slope`, the directional derivative that a gradient claims.
    ///
    /// # Errors
    /// A point without a value.
    pub fn compare(&self, slope: f64) -> Result<Difference, TrialFailure> {
        let (mut estimates, mut kinks, mut remainders) = (Vec::new(), Vec::new(), Vec::new());
        let mut crossed = None;
        let zero = self.at_zero.value;
        for level in 0..self.levels {
            let h = self.step * 0.5_f64.powi(i32::try_from(level).unwrap_or(0));
            let side = |wanted: bool, h: f64| wanted.then(|| (self.evaluate)(h)).transpose();
            let (below, above) = (side(self.sides.0, -h)?, side(self.sides.1, h)?);
            let there = above.as_ref().or(below.as_ref()).unwrap_or(self.at_zero);
            let signed = if above.is_some() { h } else { -h };
            remainders.push((h, (there.value - zero - signed * slope).abs(), there.value));
            // only the shortest steps tell whether the point itself lies beside a switch
            crossed = [&below, &above].into_iter().flatten().find_map(|e| self.switched(e, h));
            estimates.push(match (&below, &above) {
                (Some(b), Some(a)) => {
                    kinks.push(((a.value - zero) / h, (zero - b.value) / h, h));
                    (a.value - b.value) / (2.0 * h)
                }
                _ => (there.value - zero) / signed,
            });
        }
        let order = if self.sides == (true, true) { 4.0 } else { 2.0 };
        let (derivative, error) = extrapolate(&estimates, order);
        let crossed = crossed.or_else(|| kink(&kinks, zero));
        Ok(Difference { derivative, error, taylor_slope: taylor_slope(&remainders, zero), crossed })
    }

    fn switched(&self, there: &Evaluation, h: f64) -> Option<String> {
        let mut pairs = self.at_zero.switches.iter().zip(&there.switches);
        let (here, there) = pairs.find(|(a, b)| a != b)?;
        Some(format!(
            "switch `{}`: {} becomes {} within {h:.1e}",
            here.name, here.state, there.state
        ))
    }
}

/// Richardson's triangle: the entry that agrees best with its neighbours, and by how much (Ridders 1982).
///
/// Beside a jump of a higher derivative two neighbours may agree by accident; the same entry of the next shorter step, the third
/// one asked here, then does not.
fn extrapolate(estimates: &[f64], order: f64) -> (f64, f64) {
    let mut best = (estimates[0], f64::INFINITY);
    let mut column = estimates.to_vec();
    let mut factor = order;
    while column.len() > 1 {
        let next: Vec<f64> =
            column.windows(2).map(|w| w[1] + (w[1] - w[0]) / (factor - 1.0)).collect();
        for (k, value) in next.iter().enumerate() {
            let shorter = next.get(k + 1).map_or(0.0, |shorter| (value - shorter).abs());
            let error = (value - column[k]).abs().max((value - column[k + 1]).abs()).max(shorter);
            if error < best.1 {
                best = (*value, error);
            }
        }
        column = next;
        factor *= order;
    }
    best
}

/// Least-squares slope of the remainder over the steps where it stands above rounding.
fn taylor_slope(remainders: &[(f64, f64, f64)], zero: f64) -> Option<f64> {
    let above = |r: &&(f64, f64, f64)| r.1 > 640.0 * f64::EPSILON * (zero.abs() + r.2.abs());
    let points: Vec<_> = remainders.iter().filter(above).map(|r| (r.0.ln(), r.1.ln())).collect();
    if points.len() < 3 {
        return None;
    }
    let n = points.len() as f64;
    let mean = |f: fn(&(f64, f64)) -> f64| points.iter().map(f).sum::<f64>() / n;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let covariance: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    let variance: f64 = points.iter().map(|p| (p.0 - x).powi(2)).sum();
    Some(covariance / variance)
}

/// Slopes from both sides that stay apart as the step shrinks. `kinks` are (above, below, step).
fn kink(kinks: &[(f64, f64, f64)], zero: f64) -> Option<String> {
    let [.., before, last] = kinks else { return None };
    let gap = |k: &(f64, f64, f64)| (k.0 - k.1).abs();
    let noise = 64.0 * f64::EPSILON * zero.abs() / last.2;
    let scale = last.0.abs().max(last.1.abs());
    // a smooth function's gap halves with the step
    let stays = gap(last) > 0.8 * gap(before) && gap(last) > 1e-3 * scale + 10.0 * noise;
    stays.then(|| format!("a kink: slope {:.4e} from below, {:.4e} from above", last.1, last.0))
}

#[cfg(test)]
mod tests {
    use cotangent_problem::{Evaluation, Switch};

    use super::{Difference, LEVELS, Line};

    fn along(f: &dyn Fn(f64) -> f64, slope: f64, sides: (bool, bool)) -> Difference {
        let evaluate = |h: f64| Ok(Evaluation { value: f(h), ..Evaluation::default() });
        let at_zero = Evaluation { value: f(0.0), ..Evaluation::default() };
        let line =
            Line { evaluate: &evaluate, at_zero: &at_zero, step: 0.1, sides, levels: LEVELS };
        line.compare(slope).unwrap()
    }

    #[test]
    fn a_smooth_function_is_differentiated_to_ten_digits_from_either_side() {
        let f = |h: f64| (0.3 + h).sin() * (1.0 + h).exp();
        let exact = (0.3_f64.cos() + 0.3_f64.sin()) * 1.0_f64.exp();
        for (sides, within) in [((true, true), 1e-10), ((false, true), 1e-8), ((true, false), 1e-8)]
        {
            let d = along(&f, exact, sides);
            assert!((d.derivative - exact).abs() < within, "{sides:?} {d:?}");
            assert!(d.crossed.is_none() && d.taylor_slope.unwrap() > 1.9);
        }
        assert!(along(&f, exact + 0.1, (true, true)).taylor_slope.unwrap() < 1.7);
    }

    #[test]
    fn a_jump_of_the_third_derivative_beside_the_point_is_left_behind() {
        for beside in [3e-3, 1e-3, 3e-4] {
            let jump = |h: f64| 1e4 * (h - beside).max(0.0).powi(3);
            let f = |h: f64| (0.3 + h).sin() * (1.0 + h).exp() + jump(h);
            let exact = (0.3_f64.cos() + 0.3_f64.sin()) * 1.0_f64.exp();
            let d = along(&f, exact, (true, true));
            assert!((d.derivative - exact).abs() < 1e-8, "{beside} {d:?}");
        }
    }

    #[test]
    fn a_kink_and_a_switch_are_named() {
        let kinked = along(&|h: f64| h.abs(), 0.0, (true, true)).crossed.unwrap();
        assert!(kinked.starts_with("a kink: slope -1"), "{kinked}");
        let switch = |h: f64| vec![Switch { name: "bounces".into(), state: i64::from(h > 5e-5) }];
        let evaluate = |h: f64| Ok(Evaluation { switches: switch(h), ..Evaluation::default() });
        let at_zero = Evaluation { switches: switch(0.0), ..Evaluation::default() };
        let sides = (true, true);
        let line =
            Line { evaluate: &evaluate, at_zero: &at_zero, step: 0.1, sides, levels: LEVELS };
        let crossed = line.compare(0.0).unwrap().crossed.unwrap();
        assert!(crossed.starts_with("switch `bounces`: 0 becomes 1"), "{crossed}");
    }
}
