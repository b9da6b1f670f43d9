//! How well data determine the answer of a least-squares problem.
//!
//! At an answer with residuals `r` (`m`) and their Jacobian `J` (`m x n`), divided by the noise's standard deviation, the
//! covariance of the free numbers is `(J^T J)^-1`; where the noise is not known it is estimated from what is left,
//! `s^2 = |r|^2 / (m - n)` (Seber & Wild, *Nonlinear Regression*, 1989, section 2.1.2). It is computed from the singular values
//! of `J` with its columns in the parameters' scales, so that a direction that the data do not determine is seen as such:
//! its singular value is below `1e-9` of the largest.

use faer::Mat;
use serde::{Deserialize, Serialize};

use crate::space::Space;

/// Relative singular value below which a direction counts as undetermined: the derivatives are right to about `1e-11`.
const UNDETERMINED: f64 = 1e-9;
/// Share of an undetermined direction from which on an entry belongs to it.
const BELONGS: f64 = 1e-3;

/// Why a number has no standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoError {
    /// It stands on a bound.
    OnBound,
    /// It belongs to a direction that the data do not determine.
    Undetermined,
}

/// A direction along which the residuals do not change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Undetermined {
    /// Names of the entries that belong to it, with their shares in the parameters' scales; the largest is positive.
    pub shares: Vec<(String, f64)>,
}

/// What the data say of the answer's precision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Uncertainty {
    /// Standard error of each entry, in its unit, or why it has none.
    pub standard_errors: Vec<Result<f64, NoError>>,
    /// Correlations of the entries that have a standard error, row-major, in their order.
    pub correlations: Vec<f64>,
    /// Directions that the data do not determine.
    pub undetermined: Vec<Undetermined>,
    /// Factor on the noise's standard deviation that the residuals speak for: `|r| / sqrt(m - n)`; `None` without spare data.
    pub noise_factor: Option<f64>,
    /// Whether the standard errors were multiplied by it.
    pub noise_estimated: bool,
}

/// The uncertainty of the answer `x` with these residuals and their Jacobian by `x` (row-major).
///
/// `noise_known`: the residuals were divided by the noise's standard deviation; otherwise it is estimated, which needs more
/// residuals than free numbers. `None` where it cannot be estimated.
///
/// # Panics
/// Where the Jacobian has not an entry for each residual and number.
pub fn uncertainty(
    space: &Space,
    x: &[f64],
    residuals: &[f64],
    jacobian: &[f64],
    noise_known: bool,
) -> Option<Uncertainty> {
    let (n, m) = (x.len(), residuals.len());
    assert_eq!(jacobian.len(), m * n, "a row for each residual, a column for each number");
    let entries: Vec<_> = space.entries().collect();
    let on_bound = |j: usize| {
        let span = 1e-9 * entries[j].scale;
        x[j] - entries[j].lower <= span || entries[j].upper - x[j] <= span
    };
    let free: Vec<usize> = (0..n).filter(|j| !on_bound(*j)).collect();
    let slopes = space.slopes(x);
    let spare = m.checked_sub(free.len()).filter(|spare| *spare > 0);
    let square: f64 = residuals.iter().map(|r| r * r).sum();
    let noise_factor = spare.map(|spare| (square / spare as f64).sqrt());
    let factor = if noise_known { 1.0 } else { noise_factor? };

    // J D = U S V^T, D the parameters' scales at x
    let scaled = Mat::from_fn(m.max(free.len()), free.len(), |i, j| {
        if i < m { jacobian[i * n + free[j]] * slopes[free[j]] } else { 0.0 }
    });
    let svd = scaled.thin_svd().ok()?;
    let (s, v) = (svd.S().column_vector(), svd.V());
    let largest = (0..free.len()).map(|k| s[k]).fold(0.0, f64::max);
    let null: Vec<usize> = (0..free.len()).filter(|k| s[*k] <= UNDETERMINED * largest).collect();

    let belongs = |j: usize| null.iter().any(|k| v[(j, *k)].abs() > BELONGS);
    let determined: Vec<usize> = (0..free.len()).filter(|j| !belongs(*j)).collect();
    let kept: Vec<usize> = (0..free.len()).filter(|k| !null.contains(k)).collect();
    let covariance = |a: usize, b: usize| -> f64 {
        kept.iter().map(|k| v[(a, *k)] * v[(b, *k)] / (s[*k] * s[*k])).sum()
    };
    let mut standard_errors = vec![Err(NoError::OnBound); n];
    free.iter().for_each(|j| standard_errors[*j] = Err(NoError::Undetermined));
    for &j in &determined {
        let error = factor * covariance(j, j).sqrt() * slopes[free[j]].abs();
        standard_errors[free[j]] = Ok(error);
    }
    let correlation =
        |a: usize, b: usize| covariance(a, b) / (covariance(a, a) * covariance(b, b)).sqrt();
    let correlations =
        determined.iter().flat_map(|a| determined.iter().map(|b| correlation(*a, *b))).collect();
    let undetermined = null
        .iter()
        .map(|k| direction((0..free.len()).map(|j| (space.name_of(free[j]), v[(j, *k)])).collect()))
        .collect();
    let noise_estimated = !noise_known;
    Some(Uncertainty { standard_errors, correlations, undetermined, noise_factor, noise_estimated })
}

/// The entries that belong to a direction, the largest first and positive.
fn direction(mut shares: Vec<(String, f64)>) -> Undetermined {
    shares.retain(|(_, share)| share.abs() > BELONGS);
    shares.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    let sign = shares.first().map_or(1.0, |(_, share)| share.signum());
    shares.iter_mut().for_each(|(_, share)| *share *= sign);
    Undetermined { shares }
}

#[cfg(test)]
mod tests {
    use super::{NoError, uncertainty};
    use crate::space::{Parameter, Space, Transform};

    #[test]
    fn a_straight_line_has_its_textbook_errors() {
        // y = a + b t at t = 0 ... 4: var(b) = s^2 / 10, var(a) = s^2 (1/5 + 4/10), correlation -2 / sqrt(6)
        let space = Space::new(vec![
            Parameter::scalar("a").scaled(10.0),
            Parameter::scalar("b").scaled(0.01),
        ])
        .unwrap();
        let jacobian: Vec<f64> = (0..5).flat_map(|t| [1.0, f64::from(t)]).collect();
        let residuals = [0.1, -0.2, 0.0, 0.2, -0.1];
        let s = (0.1_f64 / 3.0).sqrt();
        let found = uncertainty(&space, &[1.0, 2.0], &residuals, &jacobian, false).unwrap();
        for (error, expected) in found.standard_errors.iter().zip([0.6_f64.sqrt(), 0.1_f64.sqrt()])
        {
            assert!((error.unwrap() - s * expected).abs() < 1e-14);
        }
        assert!((found.correlations[1] + 2.0 / 6.0_f64.sqrt()).abs() < 1e-12);
        let known = uncertainty(&space, &[1.0, 2.0], &residuals, &jacobian, true).unwrap();
        assert!((known.standard_errors[1].unwrap() - 0.1_f64.sqrt()).abs() < 1e-14);
        assert!((known.noise_factor.unwrap() - s).abs() < 1e-15);
    }

    #[test]
    fn what_the_data_do_not_determine_is_named_and_a_bound_has_no_error() {
        // only a + b is seen; c is on its bound; the log of d is as good as d
        let space = Space::new(vec![
            Parameter::scalar("a"),
            Parameter::scalar("b"),
            Parameter::scalar("c").within(0.0, 1.0),
            Parameter::scalar("d").within(0.0, f64::INFINITY).through(Transform::Log),
        ])
        .unwrap();
        let jacobian =
            [1.0, 1.0, 0.0, 0.0, 2.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0, 4.0, 1.0, 1.0, 0.0, 0.0];
        let found = uncertainty(&space, &[1.0, 1.0, 0.0, 3.0], &[0.1; 4], &jacobian, true).unwrap();
        assert_eq!(
            found.standard_errors[..3],
            [Err(NoError::Undetermined), Err(NoError::Undetermined), Err(NoError::OnBound)]
        );
        assert!((found.standard_errors[3].unwrap() - 0.25).abs() < 1e-14);
        let shares = &found.undetermined[0].shares;
        assert!(found.undetermined.len() == 1 && shares.len() == 2);
        assert!((shares[0].1 - 0.5_f64.sqrt()).abs() < 1e-12);
        assert!((shares[1].1 + 0.5_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn noise_is_not_estimated_without_spare_data() {
        let space = Space::new(vec![Parameter::scalar("a")]).unwrap();
        assert_eq!(uncertainty(&space, &[1.0], &[0.3], &[2.0], false), None);
        let known = uncertainty(&space, &[1.0], &[0.3], &[2.0], true).unwrap();
        assert_eq!((known.standard_errors[0], known.noise_factor), (Ok(0.5), None));
    }
}
