//! A stochastic objective: gradient and finite difference are averaged over samples, with common random numbers in the four
//! evaluations of a difference. Passed where the mean disagreement lies within 3.5 standard errors of 0, and with three
//! standard errors more is still below the tolerance: an error of the tolerance is then excluded, not only unseen.
//!
//! An entry is sampled until that is so, or until it differs, or until there are no more samples: what is seen at once costs
//! little, and the samples go where they are needed. The standard error is known from few samples at first, so that its
//! multiples are those of Student's distribution.
//!
//! The difference is extrapolated once, `(4 D(h/2) - D(h)) / 3`: the mean of a picture is smooth, but its edges cross a pixel
//! within a few `h`. What the extrapolation takes away must itself be below the tolerance: where it is seen not to be, the entry
//! is sampled anew with a shorter step.

use cotangent_ad::{Objective, SampleKey, TrialFailure, Want};
use cotangent_optim::Space;
use rayon::prelude::*;

use super::{Direction, Entry, GradcheckOptions, Told, dot, evaluate, moved, room};

/// The longer step of the differences in optimizer coordinates: a compromise between their bias and their noise.
const STEP: f64 = 0.04;
/// Standard errors within which two means agree.
const AGREE: f64 = 3.5;
/// Standard errors at which a bias of the tolerance must be seen.
const SEEN: f64 = 3.0;
/// An entry's step that is too long is multiplied by this, so many times at most.
const SHORTER: (f64, u32) = (0.7, 4);
/// Samples before the first look; from then on each look comes after half as many again.
const FIRST: u32 = 4;

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

/// A direction with its samples.
struct Sampled<'a> {
    direction: &'a Direction,
    slopes: Vec<Slopes>,
    step: f64,
    /// How often the step was made shorter.
    shortened: u32,
}

/// What the samples of one direction say.
struct Found {
    gradient: f64,
    /// Gradient less difference, and its standard error.
    off: (f64, f64),
    /// What the extrapolation takes away, and its standard error.
    curved: (f64, f64),
    /// Degrees of freedom of the standard errors.
    freedom: f64,
}

impl Found {
    fn new(samples: &[Slopes]) -> Self {
        let over =
            |f: &dyn Fn(&Slopes) -> f64| mean_and_error(&samples.iter().map(f).collect::<Vec<_>>());
        Self {
            gradient: over(&|s| s.gradient).0,
            off: over(&|s| s.gradient - s.difference()),
            curved: over(&|s| (s.short - s.long) / 3.0),
            freedom: (samples.len() as f64 - 1.0).max(1.0),
        }
    }

    /// What a relative error is relative to, beside the `largest` slope of all directions.
    fn scale(&self, largest: f64) -> f64 {
        self.gradient.abs().max(1e-4 * largest).max(f64::MIN_POSITIVE)
    }

    /// The error that is not excluded at three standard errors.
    fn possible(&self) -> f64 {
        self.off.0.abs() + student(SEEN, self.freedom) * self.off.1
    }

    /// Whether three standard errors are below the tolerance: before, a difference is no reason to stop.
    fn sees(&self, tolerated: f64) -> bool {
        student(SEEN, self.freedom) * self.off.1 <= tolerated
    }

    /// Whether the means differ, by more than rounding could.
    fn differs(&self, tolerated: f64) -> bool {
        let (off, uncertainty) = self.off;
        off.abs() > student(AGREE, self.freedom) * uncertainty && off.abs() > 0.01 * tolerated
    }

    /// What the extrapolation is seen to take away.
    fn bias(&self) -> f64 {
        let (curved, uncertainty) = self.curved;
        (curved.abs() - student(SEEN, self.freedom) * uncertainty).max(0.0)
    }

    /// What speaks against it where `tolerated` may be off.
    fn verdict(&self, tolerated: f64) -> Option<String> {
        if self.differs(tolerated) {
            let (off, uncertainty) = self.off;
            Some(format!("differs by {:.1} standard errors", off.abs() / uncertainty))
        } else if self.possible() > tolerated {
            Some(format!(
                "undecided: an error of {:.1} times the tolerance is not excluded at 3 standard errors; raise --samples",
                self.possible() / tolerated
            ))
        } else if self.bias() > tolerated {
            let times = self.bias() / tolerated;
            Some(format!(
                "undecided: the step of the difference is too long, by {times:.1} times the tolerance"
            ))
        } else {
            None
        }
    }
}

fn largest(found: &[Found]) -> f64 {
    found.iter().map(|f| f.gradient.abs()).fold(0.0, f64::max)
}

/// All entries, and the number of samples of the one that needed most.
pub(super) fn entries(
    objective: &dyn Objective,
    space: &Space,
    x: &[f64],
    directions: &[Direction],
    options: &GradcheckOptions,
    told: Told<'_>,
) -> Result<(Vec<Entry>, u32), TrialFailure> {
    let sampled = |direction| Sampled { direction, slopes: Vec::new(), step: STEP, shortened: 0 };
    let mut sampled: Vec<Sampled<'_>> = directions.iter().map(sampled).collect();
    let mut open: Vec<usize> = (0..directions.len()).collect();
    let (mut done, mut found) = (0, Vec::new());
    while done < options.samples && !open.is_empty() {
        let next = options.samples.min(done + FIRST.max(done / 2));
        let along: Vec<_> =
            open.iter().map(|d| (sampled[*d].direction, sampled[*d].step)).collect();
        let sample = |k: u32| one_sample(objective, space, x, &along, options.seed + u64::from(k));
        let batch: Vec<_> = (done..next).into_par_iter().map(sample).collect();
        for slopes in batch {
            open.iter().zip(slopes?).for_each(|(d, s)| sampled[*d].slopes.push(s));
        }
        done = next;
        found = sampled.iter().map(|s| Found::new(&s.slopes)).collect();
        let largest = largest(&found);
        open.retain(|d| {
            let (f, tolerated) = (&found[*d], options.tolerance * found[*d].scale(largest));
            let told = f.possible() <= tolerated || (f.sees(tolerated) && f.differs(tolerated));
            !told || (f.bias() > tolerated && sampled[*d].shorten(done, options))
        });
        told(done, open.len());
    }
    let largest = largest(&found);
    let entry = |(direction, f): (&Direction, &Found)| {
        let scale = f.scale(largest);
        Entry {
            name: direction.name.clone(),
            gradient: f.gradient,
            finite_difference: f.gradient - f.off.0,
            uncertainty: f.off.1,
            relative_error: f.off.0.abs() / scale,
            taylor_slope: None,
            problem: f.verdict(options.tolerance * scale),
        }
    };
    Ok((directions.iter().zip(&found).map(entry).collect(), done))
}

impl Sampled<'_> {
    /// Begins anew with a shorter step, unless that was done too often or no sample is left for it.
    fn shorten(&mut self, done: u32, options: &GradcheckOptions) -> bool {
        let (factor, times) = SHORTER;
        let may = self.shortened < times && done < options.samples;
        if may {
            self.step *= factor;
            self.shortened += 1;
            self.slopes.clear();
        }
        may
    }
}

/// Mean and its standard error; one value has none that is known.
fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    (mean, if n > 1.0 { (squares / (n * (n - 1.0))).sqrt() } else { f64::INFINITY })
}

/// The quantile of Student's distribution that is as rare as `z` of the normal one (Abramowitz & Stegun 26.7.5): 2 % low
/// at 3 degrees of freedom and `z = 3`, exact to all that matters from 7 on.
fn student(z: f64, freedom: f64) -> f64 {
    let (z2, n) = (z * z, freedom);
    let polynomial = |c: &[f64]| c.iter().fold(0.0, |sum, c| sum * z2 + c);
    let orders = [
        polynomial(&[1.0, 1.0]) / 4.0,
        polynomial(&[5.0, 16.0, 3.0]) / 96.0,
        polynomial(&[3.0, 19.0, 17.0, -15.0]) / 384.0,
        polynomial(&[79.0, 776.0, 1482.0, -1920.0, -945.0]) / 92_160.0,
    ];
    z * (1.0 + orders.iter().rev().fold(0.0, |sum, g| (sum + g) / n))
}

fn one_sample(
    objective: &dyn Objective,
    space: &Space,
    x: &[f64],
    directions: &[(&Direction, f64)],
    key: u64,
) -> Result<Vec<Slopes>, TrialFailure> {
    let key = SampleKey(key);
    let at_x = evaluate(objective, x, Want::GRADIENT, key)?;
    let gradient = at_x.gradient.as_deref().unwrap_or_default();
    let along = |(d, step): &(&Direction, f64)| {
        let (below, above) = room(space, x, &d.vector);
        let (below, above) = (below.min(*step), above.min(*step));
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
        gradcheck(objective, &space, &[0.0, 0.0], &options, &|_, _| ()).unwrap()
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
    fn samples_go_where_they_are_needed() {
        let exact = check(&Noisy { noise: 0.0, cubic: 0.0, factor: 1.0 }, 1000);
        assert!(exact.passed && exact.samples == super::FIRST, "{exact:?}");
        let noisy = check(&Noisy { noise: 0.05, cubic: 0.0, factor: 1.0 }, 1000);
        assert!(noisy.passed && noisy.samples > 20 && noisy.samples < 1000, "{noisy:?}");
        assert!(!check(&Noisy { noise: 0.0, cubic: 0.0, factor: 1.0 }, 1).passed);
    }

    #[test]
    fn few_samples_widen_the_bounds_as_students_distribution_does() {
        // two-sided quantiles of probability 0.0027
        for (freedom, exact) in [(3.0, 9.2187), (7.0, 4.5300), (30.0, 3.2703), (1e9, 3.0)] {
            let found = super::student(3.0, freedom);
            assert!((found / exact - 1.0).abs() < 0.03, "{freedom}: {found} for {exact}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_undecided_and_says_why() {
        let found = check(&Noisy { noise: 1.0, cubic: 0.0, factor: 1.0 }, 64);
        assert!(!found.passed && problem(&found, 0).contains("raise --samples"), "{found:?}");
        let curved = Noisy { noise: 0.0, cubic: 100.0, factor: 1.0 };
        let found = check(&curved, 4);
        assert!(!found.passed && problem(&found, 0).contains("too long"), "{found:?}");
        assert!(check(&curved, 64).passed, "a shorter step tells");
    }
}
