//! A quadratic model of the objective from its values alone.
//!
//! Central differences of values give gradient and Hessian around a point; what is left to gain by them is the only evidence
//! of a stationary point that a method without gradients can show. `h_i = eps^(1/4)` of the parameter's size, so truncation
//! and rounding of a second difference are alike (Gill, Murray & Wright, *Practical Optimization*, sect. 4.6.1).
//!
//! Along a direction whose slope and curvature both drown in the rounding of the value, values alone cannot tell the floor of
//! a valley from a slope that flattens out, so nothing is claimed there.

use cotangent_problem::Want;
use faer::{Mat, Side};

use crate::context::{Context, NoValue};
use crate::convergence::{Left, Tolerance, claim};
use crate::outcome::Status;

/// Fractions of a parameter's size that a difference moves it by: the second, where the value is so small that its rounding
/// allows it, has a ten-thousandth of the truncation.
const FRACTIONS: [f64; 2] = [1.2e-4, 1.2e-6];
/// The same for a direction whose curvature the first does not show.
const WIDE: f64 = 1e-2;
/// Most variables whose mixed derivatives are measured.
const MIXED_UP_TO: usize = 12;
/// Multiple of the rounding of a second difference from which on it is believed.
const RESOLVED: f64 = 1e3;

/// Gradient and Hessian by the parameters in units of their sizes.
struct Model {
    fraction: f64,
    sizes: Vec<f64>,
    /// Variables that may move.
    free: Vec<usize>,
    gradient: Vec<f64>,
    hessian: Mat<f64>,
}

/// What differences of values say of a point that a method takes for the end.
pub(crate) enum Judgement {
    /// Nothing is left to gain.
    Stands(Status),
    /// Something may be: this decrease, along this step.
    Refuted(Left),
    /// Along some direction the value does not change by more than its rounding.
    Flat,
}

impl Judgement {
    /// Why this is not an end that can be claimed.
    pub(crate) fn objection(&self) -> String {
        match self {
            Self::Stands(_) => String::new(),
            Self::Refuted(left) => {
                format!("differences of values promise a decrease of {:.1e}", left.decrease)
            }
            Self::Flat => "along some direction the value changes by no more than its rounding, so this may be a \
                           minimum or a plateau"
                .into(),
        }
    }
}

/// Whether `z`, whose value is `value`, is an end.
pub(crate) fn judge_by_values(
    context: &mut Context,
    z: &[f64],
    value: f64,
) -> Result<Judgement, NoValue> {
    let tolerance = Tolerance::noise(context.stop);
    let mut judgement = Judgement::Flat;
    for fraction in FRACTIONS {
        let model = Model::measure(context, z, value, fraction)?;
        let Some(left) = model.left(z, value, context)? else {
            continue;
        };
        if let Some(status) = claim(&left, z, value, context.sizes, tolerance) {
            return Ok(Judgement::Stands(status));
        }
        judgement = Judgement::Refuted(left);
    }
    Ok(judgement)
}

impl Model {
    fn measure(
        context: &mut Context,
        z: &[f64],
        value: f64,
        fraction: f64,
    ) -> Result<Self, NoValue> {
        let n = z.len();
        let sizes: Vec<f64> = (0..n).map(|i| context.size_of(z, i)).collect();
        let (mut free, mut steps, mut gradient, mut diagonal) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut forward_values = Vec::new();
        for i in 0..n {
            let h = fraction * sizes[i];
            let room = |s: f64| (context.lower[i]..=context.upper[i]).contains(&(z[i] + s));
            let h = if room(h) { h } else { -h };
            if !room(h) {
                continue; // held between its bounds
            }
            let forward = value_at(context, z, &[(i, h)])?;
            if room(-h) {
                let backward = value_at(context, z, &[(i, -h)])?;
                let unit = h / sizes[i];
                gradient.push((forward - backward) / (2.0 * unit));
                diagonal.push((forward - 2.0 * value + backward) / (unit * unit));
            } else {
                // at a bound: one side; it is held where that rises
                if forward >= value {
                    continue;
                }
                gradient.push((forward - value) / (h / sizes[i]));
                diagonal.push(0.0);
            }
            free.push(i);
            steps.push(h);
            forward_values.push(forward);
        }
        let k = free.len();
        let mut hessian = Mat::from_fn(k, k, |a, b| if a == b { diagonal[a] } else { 0.0 });
        for a in 0..k {
            for b in 0..a {
                if n > MIXED_UP_TO {
                    break;
                }
                let (i, j) = (free[a], free[b]);
                let both = value_at(context, z, &[(i, steps[a]), (j, steps[b])])?;
                let units = steps[a] / sizes[i] * (steps[b] / sizes[j]);
                let mixed = (both - forward_values[a] - forward_values[b] + value) / units;
                // forward differences hold half the third derivatives; those of the diagonal are left as they are
                (hessian[(a, b)], hessian[(b, a)]) = (mixed, mixed);
            }
        }
        Ok(Self { fraction, sizes, free, gradient, hessian })
    }

    /// Newton's step along the directions whose curvature is resolved; the parameters' own sizes down the slope along the others.
    /// `None` where a direction shows neither.
    fn left(&self, z: &[f64], value: f64, context: &mut Context) -> Result<Option<Left>, NoValue> {
        let mut left = Left { decrease: 0.0, step: vec![0.0; z.len()] };
        if self.free.is_empty() {
            return Ok(Some(left));
        }
        let Ok(eigen) = self.hessian.self_adjoint_eigen(Side::Lower) else {
            left.decrease = f64::NAN;
            return Ok(Some(left));
        };
        let rounding = f64::EPSILON * value.abs() / self.fraction;
        for k in 0..self.free.len() {
            let direction: Vec<f64> = (0..self.free.len()).map(|a| eigen.U()[(a, k)]).collect();
            let slope: f64 = direction.iter().zip(&self.gradient).map(|(d, g)| d * g).sum();
            let curvature = eigen.S()[k];
            let resolved = curvature > RESOLVED * rounding / self.fraction;
            if slope.abs() <= 4.0 * rounding {
                if !resolved && !self.is_curved(z, value, &direction, context)? {
                    return Ok(None);
                }
                continue;
            }
            let length = if resolved { (slope / curvature).abs().min(1.0) } else { 1.0 };
            left.decrease += 0.5 * slope.abs() * length;
            for (a, &i) in self.free.iter().enumerate() {
                left.step[i] -= direction[a] * slope.signum() * length * self.sizes[i];
            }
        }
        for &i in &self.free {
            left.step[i] = (z[i] + left.step[i]).clamp(context.lower[i], context.upper[i]) - z[i];
        }
        Ok(Some(left))
    }

    /// Whether the value rises along the direction on both sides when wider steps are taken, and as a parabola does: along the
    /// tangent of a curved valley, of which nothing is known, it rises with the fourth power.
    fn is_curved(
        &self,
        z: &[f64],
        value: f64,
        direction: &[f64],
        context: &mut Context,
    ) -> Result<bool, NoValue> {
        let resolved = RESOLVED * f64::EPSILON * value.abs();
        for side in [WIDE, -WIDE] {
            let moves = |share: f64| -> Vec<(usize, f64)> {
                let step = |(d, &i): (&f64, &usize)| (i, share * side * d * self.sizes[i]);
                direction.iter().zip(&self.free).map(step).collect()
            };
            // within the bounds: a side without room has nothing to offer
            let room = |&(i, h): &(usize, f64)| {
                (context.lower[i]..=context.upper[i]).contains(&(z[i] + h))
            };
            if !moves(1.0).iter().all(room) {
                continue;
            }
            let far = value_at(context, z, &moves(1.0))? - value;
            let near = value_at(context, z, &moves(0.5))? - value;
            if near <= resolved || far > 8.0 * near {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The value at `z` with some entries moved.
fn value_at(context: &mut Context, z: &[f64], moves: &[(usize, f64)]) -> Result<f64, NoValue> {
    let mut there = z.to_vec();
    for &(i, h) in moves {
        there[i] += h;
    }
    Ok(context.evaluate(&there, Want::VALUE)?.value)
}
