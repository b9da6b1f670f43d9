//! A stochastic objective: gradient and finite difference are averaged over samples, with common random numbers in the four
//! evaluations of a difference. Passed where the mean disagreement lies within 3.5 standard errors of 0 and these are small
//! enough to see an error of the tolerance.
//!
//! The difference is extrapolated once, `(4 D(h/2) - D(h)) / 3`: the mean of a picture is smooth, but its edges cross a pixel
//! within a few `h`. What the extrapolation takes away must itself be below the tolerance, or the step was too long to tell.

use cotangent_ad::{Objective, SampleKey, TrialFailure, Want};
use cotangent_optim::Space;
use rayon::prelude::*;

use super::{Direction, Entry, GradcheckOptions, dot, evaluate, moved, room};

/// The longer step of the differences in optimizer coordinates: a compromise between their bias and their noise.
const STEP: f64 = 0.04;
/// Standard errors within which two means agree.
const AGREE: f64 = 3.5;
/// Standard errors at which a bias of the tolerance must be seen.
const SEEN: f64 = 3.0;

/// Along one direction, for one sample.
#[derive(Clone, Copy)]
struct Slopes {
    gradient: f64,
    /// Central difference over the longer step.
    long: f64,
    /// Central difference over half of it.
    short: f64,
}

impl Slopes {
    fn difference(&self) -> f64 {
        (4.0 * self.short - self.long) / 3.0
    }
}

pub(super) fn entries(
    objective: &dyn Objective,
    space: &Space,
    x: &[f64],
    directions: &[Direction],
    options: &GradcheckOptions,
) -> Result<Vec<Entry>, TrialFailure> {
    let sample = |k: u32| one_sample(objective, space, x, directions, options.seed + u64::from(k));
    let samples: Vec<Result<Vec<Slopes>, TrialFailure>> =
        (0..options.samples).into_par_iter().map(sample).collect();
    let samples = samples.into_iter().collect::<Result<Vec<_>, _>>()?;
    let over = |d: usize, f: &dyn Fn(&Slopes) -> f64| -> (f64, f64) {
        mean_and_error(&samples.iter().map(|s| f(&s[d])).collect::<Vec<_>>())
    };
    let gradients: Vec<f64> = (0..directions.len()).map(|d| over(d, &|s| s.gradient).0).collect();
    let largest = gradients.iter().map(|g| g.abs()).fold(0.0, f64::max);
    let entry = |(d, direction): (usize, &Direction)| {
        let (off, uncertainty) = over(d, &|s| s.gradient - s.difference());
        let (curved, noise) = over(d, &|s| (s.short - s.long) / 3.0);
        let bias = (curved.abs() - SEEN * noise).max(0.0);
        let scale = gradients[d].abs().max(1e-4 * largest).max(f64::MIN_POSITIVE);
        Entry {
            name: direction.name.clone(),
            gradient: gradients[d],
            finite_difference: gradients[d] - off,
            uncertainty,
            relative_error: off.abs() / scale,
            taylor_slope: None,
            problem: verdict(off, uncertainty, bias, options.tolerance * scale),
        }
    };
    Ok(directions.iter().enumerate().map(entry).collect())
}

/// Mean and its standard error.
fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    (mean, (squares / (n * (n - 1.0).max(1.0))).sqrt())
}

/// What speaks against an entry: `off` with its standard error, and the bias of the difference that its extrapolation removes
/// for the most part.
fn verdict(off: f64, uncertainty: f64, bias: f64, tolerated: f64) -> Option<String> {
    if off.abs() > AGREE * uncertainty && off.abs() > 0.01 * tolerated {
        Some(format!("differs by {:.1} standard errors", off.abs() / uncertainty))
    } else if SEEN * uncertainty > tolerated {
        Some(format!(
            "undecided: 3 standard errors are {:.1} times the tolerance; raise --samples",
            SEEN * uncertainty / tolerated
        ))
    } else if bias > tolerated {
        let times = bias / tolerated;
        Some(format!(
            "undecided: the step of the difference is too long, by {times:.1} times the tolerance"
        ))
    } else {
        None
    }
}

fn one_sample(
    objective: &dyn Objective,
    space: &Space,
    x: &[f64],
    directions: &[Direction],
    key: u64,
) -> Result<Vec<Slopes>, TrialFailure> {
    let key = SampleKey(key);
    let at_x = evaluate(objective, x, Want::GRADIENT, key)?;
    let gradient = at_x.gradient.as_deref().unwrap_or_default();
    let along = |d: &Direction| {
        let (below, above) = room(space, x, &d.vector);
        let (below, above) = (below.min(STEP), above.min(STEP));
        let there = |h: f64| evaluate(objective, &moved(x, &d.vector, h), Want::VALUE, key);
        let over = |share: f64| -> Result<f64, TrialFailure> {
            let (above, below) = (share * above, share * below);
            Ok((there(above)?.value - there(-below)?.value) / (above + below))
        };
        Ok(Slopes { gradient: dot(&d.vector, gradient), long: over(1.0)?, short: over(0.5)? })
    };
    directions.iter().map(along).collect()
}

#[cfg(test)]
mod tests {
    use cotangent_ad::random::Stream;
    use cotangent_ad::{
        Capabilities, Evaluation, Objective, SampleKey, TrialFailure, Want, Workspace,
    };
    use cotangent_optim::{Parameter, Space};

    use super::super::{Gradcheck, GradcheckOptions, gradcheck};

    /// `x + cubic x^3` and three times as much of another entry, with `noise` of its own on value and gradient.
    struct Noisy {
        noise: f64,
        cubic: f64,
        /// What the gradient of the second entry is multiplied by: 1 where it is right.
        factor: f64,
    }

    impl Objective for Noisy {
        fn dim(&self) -> usize {
            2
        }
        fn capabilities(&self) -> Capabilities {
            Capabilities { gradient: true, stochastic: true, ..Capabilities::default() }
        }
        fn evaluate(
            &self,
            x: &[f64],
            _: Want,
            key: SampleKey,
            _: &mut Workspace,
        ) -> Result<Evaluation, TrialFailure> {
            let random =
                |purpose: u64, i: u64| self.noise * Stream::new(&[key.0, purpose]).normal(i);
            let smooth = |x: f64| x + self.cubic * x.powi(3);
            let slope = |x: f64| 1.0 + 3.0 * self.cubic * x * x;
            let value =
                smooth(x[0]) + 3.0 * smooth(x[1]) + random(0, 0) * x[0] + random(0, 1) * x[1];
            let gradient =
                vec![slope(x[0]) + random(1, 0), (3.0 * slope(x[1]) + random(1, 1)) * self.factor];
            Ok(Evaluation { value, gradient: Some(gradient), ..Evaluation::default() })
        }
    }

    fn check(objective: &Noisy, samples: u32) -> Gradcheck {
        let space = Space::new(vec![Parameter::vector("x", 2)]).unwrap();
        let options = GradcheckOptions { tolerance: 0.02, samples, seed: 7 };
        gradcheck(objective, &space, &[0.0, 0.0], &options).unwrap()
    }

    fn problem(found: &Gradcheck, entry: usize) -> &str {
        found.parameters[entry].problem.as_deref().unwrap_or("none")
    }

    #[test]
    fn a_right_gradient_passes_and_one_that_is_two_percent_off_does_not() {
        let right = Noisy { noise: 0.05, cubic: 1.0, factor: 1.0 };
        assert!(check(&right, 256).passed);
        let found = check(&Noisy { factor: 1.02, ..right }, 256);
        assert_eq!(problem(&found, 0), "none");
        assert!(problem(&found, 1).starts_with("differs by"), "{found:?}");
    }

    #[test]
    fn what_cannot_be_told_is_undecided_and_says_why() {
        let found = check(&Noisy { noise: 1.0, cubic: 0.0, factor: 1.0 }, 64);
        assert!(!found.passed && problem(&found, 0).contains("raise --samples"), "{found:?}");
        let found = check(&Noisy { noise: 0.0, cubic: 100.0, factor: 1.0 }, 4);
        assert!(!found.passed && problem(&found, 0).contains("too long"), "{found:?}");
    }
}
