//! A stochastic objective `f(x) = E f(x, key)`, along a direction `d` and over an interval of length `2h`: the mean of the gradient
//! over the interval is the difference quotient,
//!
//! `1/(2h) integral from -h to h of d.g(x + t d) dt = (f(x + h d) - f(x - h d)) / (2h)`,
//!
//! with no error of a finite step, however bent or kinked `f` is; and over a long interval a difference has little noise. Each
//! sample takes, all under one key, the difference and the gradient at a random `t` and at `-t`, so that what is odd in `t`
//! cancels. What is even is taken out by regression over the samples on the Legendre polynomials of degrees 2 to 8, whose mean over
//! the interval is 0; the rest counts as noise.
//!
//! Passed where the mean disagreement and three standard errors more are below the tolerance: an error of the tolerance is
//! then excluded, not only unseen. Where three standard errors less are above it, they differ. An entry is sampled until one of
//! both is so, or until there are no more samples: what is seen at once costs little, and the samples go where they are needed.
//! The standard error is known from few samples at first, so that its multiples are those of Student's distribution.

use cotangent_ad::random::Stream;
use cotangent_problem::Space;
use cotangent_problem::{Objective, SampleKey, TrialFailure, Want};
use rayon::prelude::*;

use super::{Direction, Entry, GradcheckOptions, Told, dot, evaluate, moved, room};

/// Half the interval in optimizer coordinates.
const STEP: f64 = 0.08;
/// Standard errors at which an error is excluded, or seen.
const SEEN: f64 = 3.0;
/// Samples before the first look, more than the regression has terms; each look comes after half as many again.
const FIRST: u32 = 8;

/// One sample along one direction.
#[derive(Clone, Copy)]
struct Slopes {
    /// Where the gradient was taken: at `t h` and `-t h`.
    t: f64,
    gradient: f64,
    difference: f64,
}

/// What the samples of one direction say.
struct Found {
    gradient: f64,
    /// Gradient less difference, and its standard error.
    off: (f64, f64),
    /// Degrees of freedom of the standard error.
    freedom: f64,
}

impl Found {
    fn new(samples: &[Slopes]) -> Self {
        let over = |f: &dyn Fn(&Slopes) -> f64| {
            mean_and_error(&samples.iter().map(|s| (s.t, f(s))).collect::<Vec<_>>())
        };
        Self {
            gradient: over(&|s| s.gradient).0,
            off: over(&|s| s.gradient - s.difference),
            freedom: (samples.len() as f64 - TERMS).max(1.0),
        }
    }

    /// What a relative error is relative to, beside the `largest` slope of all directions.
    fn scale(&self, largest: f64) -> f64 {
        self.gradient.abs().max(1e-4 * largest).max(f64::MIN_POSITIVE)
    }

    /// The least and the largest error that are not excluded.
    fn possible(&self) -> (f64, f64) {
        let (off, uncertainty) = (self.off.0.abs(), student(SEEN, self.freedom) * self.off.1);
        (off - uncertainty, off + uncertainty)
    }

    /// Whether gradient and difference agree to what `tolerated` may be off; `None` where more samples must tell.
    fn agrees(&self, tolerated: f64) -> Option<bool> {
        let (least, largest) = self.possible();
        if largest <= tolerated { Some(true) } else { (least > tolerated).then_some(false) }
    }

    /// What speaks against it where `tolerated` may be off.
    fn verdict(&self, tolerated: f64) -> Option<String> {
        match self.agrees(tolerated) {
            Some(true) => None,
            Some(false) => {
                let (off, uncertainty) = self.off;
                Some(format!("differs by {:.1} standard errors", off.abs() / uncertainty))
            }
            None => Some(format!(
                "undecided: an error of {:.1} times the tolerance is not excluded at 3 standard errors; raise --samples",
                self.possible().1 / tolerated
            )),
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
    let mut samples: Vec<Vec<Slopes>> = vec![Vec::new(); directions.len()];
    let mut open: Vec<usize> = (0..directions.len()).collect();
    let (mut done, mut found) = (0, Vec::new());
    while done < options.samples && !open.is_empty() {
        let next = options.samples.min(done + FIRST.max(done / 2));
        let line = Line { objective, space, x, seed: options.seed };
        let work: Vec<(usize, u32)> =
            open.iter().flat_map(|d| (done..next).map(move |k| (*d, k))).collect();
        let slopes: Vec<_> =
            work.par_iter().map(|(d, k)| line.sample(&directions[*d].vector, *k)).collect();
        for ((d, _), slopes) in work.iter().zip(slopes) {
            samples[*d].push(slopes?);
        }
        done = next;
        found = samples.iter().map(|s| Found::new(s)).collect();
        let largest = largest(&found);
        open.retain(|d| {
            let f: &Found = &found[*d];
            f.agrees(options.tolerance * f.scale(largest)).is_none()
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

/// Terms of the regression: the mean, and polynomials of degrees 2, 4, 6, 8.
const TERMS: f64 = 5.0;

/// The mean over `t` from 0 to 1 of `y = mean + sum_k a_k P_2k(t) + noise`, and its standard error, by least squares from samples
/// `(t, y)`; as many samples as terms, or fewer, say nothing of the error.
fn mean_and_error(samples: &[(f64, f64)]) -> (f64, f64) {
    let freedom = samples.len() as f64 - TERMS;
    if freedom <= 0.0 {
        let mean = samples.iter().map(|s| s.1).sum::<f64>() / samples.len() as f64;
        return (mean, f64::INFINITY);
    }
    let degree = |n: usize| samples.iter().map(|s| legendre(n, s.0)).collect::<Vec<f64>>();
    let mut rest: Vec<f64> = samples.iter().map(|s| s.1).collect();
    // the mean's column last: what the others cannot say
    let mut done: Vec<Vec<f64>> = Vec::new();
    let (mut mean, mut length) = (0.0, 0.0);
    for mut q in [8, 6, 4, 2, 0].map(degree) {
        for earlier in &done {
            take_out(earlier, &mut q);
        }
        mean = take_out(&q, &mut rest);
        length = dot(&q, &q).sqrt();
        done.push(q);
    }
    (mean, (dot(&rest, &rest) / freedom).sqrt() / length)
}

/// `P_n(t)`, by `(k + 1) P_{k+1} = (2k + 1) t P_k - k P_{k-1}`.
fn legendre(n: usize, t: f64) -> f64 {
    let (mut before, mut p) = (0.0, 1.0);
    for k in 0..n {
        let k = k as f64;
        (before, p) = (p, ((2.0 * k + 1.0) * t * p - k * before) / (k + 1.0));
    }
    p
}

/// Takes from `y` its part along `q`; how often it holds `q`.
fn take_out(q: &[f64], y: &mut [f64]) -> f64 {
    let c = dot(q, y) / dot(q, q);
    y.iter_mut().zip(q).for_each(|(y, q)| *y -= c * q);
    c
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

/// Where samples are taken.
struct Line<'a> {
    objective: &'a dyn Objective,
    space: &'a Space,
    x: &'a [f64],
    seed: u64,
}

impl Line<'_> {
    /// Sample `k` along `v`; bounds shorten the interval.
    fn sample(&self, v: &[f64], k: u32) -> Result<Slopes, TrialFailure> {
        let (below, above) = room(self.space, self.x, v);
        let (below, above) = (below.min(STEP), above.min(STEP));
        let (middle, half) = (0.5 * (above - below), 0.5 * (above + below));
        let key = SampleKey(self.seed + u64::from(k));
        let at = |t: f64, want: Want| {
            evaluate(self.objective, &moved(self.x, v, middle + t * half), want, key)
        };
        let slope = |t: f64| -> Result<f64, TrialFailure> {
            Ok(dot(v, at(t, Want::GRADIENT)?.gradient.as_deref().unwrap_or_default()))
        };
        let t = Stream::new(&[self.seed, u64::from(k)]).uniform(0);
        let difference = at(1.0, Want::VALUE)?.value - at(-1.0, Want::VALUE)?.value;
        Ok(Slopes {
            t,
            gradient: 0.5 * (slope(t)? + slope(-t)?),
            difference: difference / (2.0 * half),
        })
    }
}

#[cfg(test)]
mod tests {
    use cotangent_ad::random::Stream;
    use cotangent_problem::{
        Capabilities, Evaluation, Objective, SampleKey, TrialFailure, Want, Workspace,
    };
    use cotangent_problem::{Parameter, Space};

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
        let options = GradcheckOptions { tolerance: 0.02, samples, seed: 7, only: vec![] };
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
        assert!(problem(&found, 1).starts_with("undecided"), "{found:?}");
        let found = check(&Noisy { factor: 1.04, ..right }, 256);
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
    }

    /// At the start the slope is 1, over the interval 1.19 on average.
    #[test]
    fn a_long_interval_is_no_error() {
        let curved = Noisy { noise: 0.0, cubic: 30.0, factor: 1.0 };
        assert!(check(&curved, 16).passed);
        assert!(!check(&Noisy { factor: 1.04, ..curved }, 16).passed);
    }
}
