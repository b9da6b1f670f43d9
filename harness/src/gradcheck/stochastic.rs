//! A stochastic objective `f(x) = E f(x, key)`, over a box around the point: `x + sum_j t_j h d_j` with every `t_j` in `[-1, 1]`, `d_j` the
//! directions that are checked. Along each of them the mean of the gradient is that of difference quotients between opposite sides,
//!
//! `E d_i . g = E (f(t_i = 1) - f(t_i = -1)) / (2h)`,
//!
//! with no error of a finite step, however bent or kinked `f` is; and over a long way a difference has little noise. One gradient
//! at a random point of the box serves all directions. Points come in pairs, each with its mirror image through the middle, so
//! that what is odd cancels.
//!
//! Where the objective is a sum of squares its value is taken as half the product of the residuals of two draws: the mean
//! of a square would contain the residuals' variance, whose derivative is in no gradient.
//!
//! **The size of the box.** In a small one differences are noisy, in a large one the gradient varies. A few samples of boxes of several sizes,
//! which are not used again, choose the one in which both together cost least.
//!
//! **When an entry is decided.** Three standard errors are the uncertainty. Passed where it is at most the tolerance and the
//! disagreement is no more than it: an error of twice the tolerance is then excluded, not only unseen. Passed too where both
//! together are below the tolerance. Where the disagreement exceeds the tolerance by more than the uncertainty, they differ. Gradients and
//! differences are sampled where they are the uncertain ones, until one of these is so, or until there are no more samples. The
//! tolerance is relative to the entry, or to a tenth of the largest where the entry is less: beside the noise that moves all of them
//! its own percents could not be told. Standard errors are known from few samples at first, so that their multiples are those of
//! Student's distribution.

use cotangent_ad::random::Stream;
use cotangent_problem::Space;
use cotangent_problem::{Objective, SampleKey, TrialFailure, Want};
use rayon::prelude::*;

use super::{Direction, Entry, GradcheckOptions, Told, dot, evaluate, moved};

/// Half a side of the boxes that are tried, in optimizer coordinates.
const HALVES: [f64; 5] = [0.02, 0.04, 0.08, 0.16, 0.32];
/// Pairs of points by which a box is judged, and along how many directions.
const TRIED: usize = 6;
const TRIED_ALONG: usize = 4;
/// Price of a gradient in values, by which a box is judged; a difference takes four.
const GRADIENT_PRICE: f64 = 4.0;
/// Beside the largest slope, the least to which an error is compared.
const LEAST: f64 = 0.1;
/// Standard errors at which an error is excluded, or seen.
const SEEN: f64 = 3.0;
/// Pairs of points before the first look; each look comes after half as many again.
const FIRST: usize = 8;
/// What is sampled more: that whose standard error is at least this part of the other's.
const MATTERS: f64 = 0.5;

/// Mean and standard error of samples.
#[derive(Clone, Copy, Debug)]
struct Mean {
    value: f64,
    error: f64,
    /// Degrees of freedom of the error.
    freedom: f64,
}

impl Mean {
    fn of(samples: &[f64]) -> Self {
        let n = samples.len() as f64;
        let value = samples.iter().sum::<f64>() / n;
        let squares: f64 = samples.iter().map(|s| (s - value).powi(2)).sum();
        let error =
            if samples.len() > 1 { (squares / (n * (n - 1.0))).sqrt() } else { f64::INFINITY };
        Self { value, error, freedom: (n - 1.0).max(1.0) }
    }
}

/// What the samples of one direction say.
struct Found {
    gradient: Mean,
    difference: Mean,
}

impl Found {
    /// What a relative error is relative to, beside the `largest` slope of all directions.
    fn scale(&self, largest: f64) -> f64 {
        self.gradient.value.abs().max(LEAST * largest).max(f64::MIN_POSITIVE)
    }

    fn off(&self) -> f64 {
        self.gradient.value - self.difference.value
    }

    /// Standard error of what both are off.
    fn error(&self) -> f64 {
        self.gradient.error.hypot(self.difference.error)
    }

    /// Degrees of freedom of that (Welch 1947; Satterthwaite 1946).
    fn freedom(&self) -> f64 {
        let share = |m: Mean| (m.error / self.error()).powi(4) / m.freedom;
        let sum = share(self.gradient) + share(self.difference);
        if sum.is_finite() && sum > 0.0 { sum.recip() } else { 1.0 }
    }

    /// What both are off, and three standard errors of it.
    fn disagreement(&self) -> (f64, f64) {
        (self.off().abs(), student(SEEN, self.freedom()) * self.error())
    }

    /// Whether gradient and difference agree to what `tolerated` may be off; `None` where more samples must tell.
    fn agrees(&self, tolerated: f64) -> Option<bool> {
        let (off, uncertainty) = self.disagreement();
        if uncertainty <= tolerated && off <= uncertainty.max(tolerated - uncertainty) {
            Some(true)
        } else {
            (off - uncertainty > tolerated).then_some(false)
        }
    }

    /// What speaks against it where `tolerated` may be off.
    fn verdict(&self, tolerated: f64) -> Option<String> {
        match self.agrees(tolerated) {
            Some(true) => None,
            Some(false) => {
                Some(format!("differs by {:.1} standard errors", self.off().abs() / self.error()))
            }
            None => {
                let (off, uncertainty) = self.disagreement();
                Some(format!(
                    "undecided: off by {:.1} +- {:.1} times the tolerance (3 standard errors); raise --samples",
                    off / tolerated,
                    uncertainty / tolerated
                ))
            }
        }
    }
}

fn largest(found: &[Found]) -> f64 {
    found.iter().map(|f| f.gradient.value.abs()).fold(0.0, f64::max)
}

/// All entries, and the number of pairs of points of the one that needed most.
pub(super) fn entries(
    objective: &dyn Objective,
    space: &Space,
    x: &[f64],
    directions: &[Direction],
    options: &GradcheckOptions,
    told: Told<'_>,
) -> Result<(Vec<Entry>, u32), TrialFailure> {
    let most = options.samples as usize;
    let around = |half: f64| Around::new(objective, space, x, directions, (half, options.seed));
    let (mut samples, mut open) =
        (Samples::of(best(&around)?), (0..directions.len()).collect::<Vec<_>>());
    let mut found = Vec::new();
    let mut wanted = (true, open.clone());
    while !open.is_empty() && (wanted.0 || !wanted.1.is_empty()) {
        samples.extend(wanted.0, &wanted.1, most)?;
        found = samples.found();
        let largest = largest(&found);
        open.retain(|d| found[*d].agrees(options.tolerance * found[*d].scale(largest)).is_none());
        told(u32::try_from(samples.count()).unwrap_or(u32::MAX), open.len());
        wanted = samples.uncertain(&found, &open, most);
    }
    let largest = largest(&found);
    let entry = |(direction, f): (&Direction, &Found)| {
        let scale = f.scale(largest);
        Entry {
            name: direction.name.clone(),
            gradient: f.gradient.value,
            finite_difference: f.difference.value,
            uncertainty: f.error(),
            relative_error: f.off().abs() / scale,
            taylor_slope: None,
            problem: f.verdict(options.tolerance * scale),
        }
    };
    let count = u32::try_from(samples.count()).unwrap_or(u32::MAX);
    Ok((directions.iter().zip(&found).map(entry).collect(), count))
}

/// The box in which the worst entry costs least: larger ones are tried while that helps.
fn best<'a>(around: &dyn Fn(f64) -> Around<'a>) -> Result<Around<'a>, TrialFailure> {
    let price = |place: Around<'a>| -> Result<(f64, Around<'a>), TrialFailure> {
        let mut samples = Samples::of(place);
        // apart from the samples that decide
        samples.purpose = "gradcheck box";
        let n = samples.place.directions.len();
        let some: Vec<usize> = (0..n).step_by(n.div_ceil(TRIED_ALONG)).collect();
        samples.extend_to(TRIED, true, &some)?;
        let found = samples.found();
        let largest = largest(&found);
        // the least price of a given error, where what is uncertain is sampled more
        let of = |d: &usize| {
            let f = &found[*d];
            let noise = f.gradient.error * GRADIENT_PRICE.sqrt()
                + f.difference.error * (4.0 * n as f64).sqrt();
            noise / f.scale(largest)
        };
        Ok((some.iter().map(of).fold(0.0, f64::max), samples.place))
    };
    let mut least = price(around(HALVES[0]))?;
    for half in &HALVES[1..] {
        match price(around(*half)) {
            Ok(next) if next.0 < least.0 => least = next,
            // a larger box may reach where there is no value
            Ok(_) | Err(_) => break,
        }
    }
    Ok(least.1)
}

/// Samples from one box.
struct Samples<'a> {
    place: Around<'a>,
    purpose: &'static str,
    /// Of each pair of points, the mean slope along every direction.
    gradients: Vec<Vec<f64>>,
    /// Of each direction, of each pair of points the mean difference quotient.
    differences: Vec<Vec<f64>>,
}

impl<'a> Samples<'a> {
    fn of(place: Around<'a>) -> Self {
        let differences = vec![Vec::new(); place.directions.len()];
        Self { place, purpose: "gradcheck", gradients: Vec::new(), differences }
    }

    /// The most pairs of any kind.
    fn count(&self) -> usize {
        self.differences.iter().map(Vec::len).fold(self.gradients.len(), usize::max)
    }

    /// Half as many again of gradients, where these are wanted, and of differences along these directions; not more than `most`.
    fn extend(
        &mut self,
        gradients: bool,
        along: &[usize],
        most: usize,
    ) -> Result<(), TrialFailure> {
        let more = |done: usize| most.min(done + FIRST.max(done / 2));
        let target = more(self.gradients.len());
        if gradients {
            self.extend_to(target, true, &[])?;
        }
        let mut counts: Vec<usize> = along.iter().map(|d| self.differences[*d].len()).collect();
        counts.sort_unstable();
        counts.dedup();
        for count in counts {
            let same: Vec<usize> =
                along.iter().filter(|d| self.differences[**d].len() == count).copied().collect();
            self.extend_to(more(count), false, &same)?;
        }
        Ok(())
    }

    /// Up to `count` pairs of points.
    fn extend_to(
        &mut self,
        count: usize,
        gradients: bool,
        along: &[usize],
    ) -> Result<(), TrialFailure> {
        let (place, purpose) = (&self.place, self.purpose);
        if gradients {
            let pairs = (self.gradients.len()..count).into_par_iter();
            let more: Vec<_> = pairs.map(|k| place.slopes(purpose, k)).collect();
            self.gradients.extend(more.into_iter().collect::<Result<Vec<_>, _>>()?);
        }
        let work: Vec<(usize, usize)> = along
            .iter()
            .flat_map(|d| (self.differences[*d].len()..count).map(move |k| (*d, k)))
            .collect();
        let more: Vec<_> =
            work.par_iter().map(|(d, k)| place.difference(purpose, *k, *d)).collect();
        for ((d, _), difference) in work.iter().zip(more) {
            self.differences[*d].push(difference?);
        }
        Ok(())
    }

    fn found(&self) -> Vec<Found> {
        let along = |d: usize| self.gradients.iter().map(|g| g[d]).collect::<Vec<f64>>();
        let one = |(d, differences): (usize, &Vec<f64>)| Found {
            gradient: Mean::of(&along(d)),
            difference: Mean::of(differences),
        };
        self.differences.iter().enumerate().map(one).collect()
    }

    /// Whether gradients are what leaves an open entry uncertain, and which of them differences do.
    fn uncertain(&self, found: &[Found], open: &[usize], most: usize) -> (bool, Vec<usize>) {
        let matters = |own: Mean, other: Mean| own.error >= MATTERS * other.error;
        let gradients = open.iter().any(|d| matters(found[*d].gradient, found[*d].difference));
        let differences = open.iter().copied().filter(|d| {
            self.differences[*d].len() < most && matters(found[*d].difference, found[*d].gradient)
        });
        (gradients && self.gradients.len() < most, differences.collect())
    }
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

/// The box in which samples are taken.
struct Around<'a> {
    objective: &'a dyn Objective,
    directions: &'a [Direction],
    /// Its middle, which is the point itself unless bounds are near.
    middle: Vec<f64>,
    /// Half its side along each direction.
    halves: Vec<f64>,
    seed: u64,
}

impl<'a> Around<'a> {
    /// The box around `x`; bounds move and shorten it.
    fn new(
        objective: &'a dyn Objective,
        space: &Space,
        x: &[f64],
        directions: &'a [Direction],
        (half, seed): (f64, u64),
    ) -> Self {
        let mut middle = x.to_vec();
        // the part of its full extent that each number may use
        let mut part = vec![1.0; x.len()];
        for (e, p) in space.entries().enumerate() {
            let full: f64 = directions.iter().map(|d| half * d.vector[e].abs()).sum();
            if full > 0.0 {
                let (below, above) = (full.min(x[e] - p.lower), full.min(p.upper - x[e]));
                middle[e] += 0.5 * (above - below);
                part[e] = 0.5 * (above + below) / full;
            }
        }
        let side = |d: &Direction| {
            let moved = d.vector.iter().zip(&part).filter(|(v, _)| **v != 0.0);
            half * moved.map(|(_, part)| *part).fold(1.0, f64::min)
        };
        let halves = directions.iter().map(side).collect();
        Self { objective, directions, middle, halves, seed }
    }

    /// Point `t` of the box.
    fn point(&self, t: &[f64]) -> Vec<f64> {
        let mut place = self.middle.clone();
        for ((direction, half), t) in self.directions.iter().zip(&self.halves).zip(t) {
            place = moved(&place, &direction.vector, t * half);
        }
        place
    }

    /// A random point, and the name of its draws.
    fn random(&self, name: SampleKey) -> Vec<f64> {
        let stream = Stream::new(&[name.0]);
        (0..self.directions.len()).map(|d| 2.0 * stream.uniform(d as u64) - 1.0).collect()
    }

    /// The slope along every direction, mean of a pair of points.
    fn slopes(&self, purpose: &str, k: usize) -> Result<Vec<f64>, TrialFailure> {
        let key = SampleKey(self.seed).child(purpose, 2 * k as u64);
        let t = self.random(key);
        let mut sum = vec![0.0; self.directions.len()];
        for (side, name) in [(1.0, 0), (-1.0, 1)] {
            let t: Vec<f64> = t.iter().map(|t| side * t).collect();
            let key = key.child("point", name);
            let found = evaluate(self.objective, &self.point(&t), Want::GRADIENT, key)?;
            let gradient = found.gradient.unwrap_or_default();
            for (sum, direction) in sum.iter_mut().zip(self.directions) {
                *sum += 0.5 * dot(&direction.vector, &gradient);
            }
        }
        Ok(sum)
    }

    /// The difference quotient along direction `d`, mean of a pair of points.
    fn difference(&self, purpose: &str, k: usize, d: usize) -> Result<f64, TrialFailure> {
        let key =
            SampleKey(self.seed).child(purpose, 2 * k as u64 + 1).child("direction", d as u64);
        let mut t = self.random(key);
        let mut sum = 0.0;
        for name in [0, 1] {
            t.iter_mut().for_each(|t| *t = -*t);
            let key = key.child("point", name);
            let mut end = |side: f64| {
                t[d] = side;
                self.value(&self.point(&t), key)
            };
            sum += 0.5 * (end(1.0)? - end(-1.0)?) / (2.0 * self.halves[d]);
        }
        Ok(sum)
    }

    /// An estimate of the value at `x`, but for a constant, without bias where it is a sum of squares.
    fn value(&self, x: &[f64], key: SampleKey) -> Result<f64, TrialFailure> {
        if self.objective.capabilities().residuals.is_none() {
            return Ok(evaluate(self.objective, x, Want::VALUE, key)?.value);
        }
        let draw = |name: u64| -> Result<Vec<f64>, TrialFailure> {
            let found = evaluate(self.objective, x, Want::RESIDUALS, key.child("draw", name))?;
            Ok(found.residuals.unwrap_or_default())
        };
        Ok(0.5 * dot(&draw(0)?, &draw(1)?))
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
    fn a_right_gradient_passes_and_one_that_is_three_percent_off_does_not() {
        let right = Noisy { noise: 0.05, cubic: 1.0, factor: 1.0 };
        assert!(check(&right, 256).passed);
        let found = check(&Noisy { factor: 1.03, ..right }, 1000);
        assert_eq!(problem(&found, 0), "none");
        assert!(problem(&found, 1).starts_with("differs by"), "{found:?}");
    }

    #[test]
    fn samples_go_where_they_are_needed() {
        let exact = check(&Noisy { noise: 0.0, cubic: 0.0, factor: 1.0 }, 1000);
        assert!(exact.passed && exact.samples as usize == super::FIRST, "{exact:?}");
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

    /// `r = x + noise (1 + 4 x)`: the mean of its square contains the noise, which the gradient of the mean's square does not.
    struct Spread;

    impl Objective for Spread {
        fn dim(&self) -> usize {
            1
        }
        fn capabilities(&self) -> Capabilities {
            let residuals = Some(1);
            Capabilities { gradient: true, residuals, stochastic: true, ..Capabilities::default() }
        }
        fn evaluate(
            &self,
            x: &[f64],
            _: Want,
            key: SampleKey,
            _: &mut Workspace,
        ) -> Result<Evaluation, TrialFailure> {
            let random = |purpose: u64| 0.2 * Stream::new(&[key.0, purpose]).normal(0);
            let residual = x[0] + random(0) * (1.0 + 4.0 * x[0]);
            let gradient = residual * (1.0 + 4.0 * random(1));
            Ok(Evaluation {
                value: 0.5 * residual * residual,
                gradient: Some(vec![gradient]),
                residuals: Some(vec![residual]),
                ..Evaluation::default()
            })
        }
    }

    #[test]
    fn the_noise_of_a_square_is_no_part_of_it() {
        let space = Space::new(vec![Parameter::vector("x", 1)]).unwrap();
        let options = GradcheckOptions { tolerance: 0.1, samples: 20_000, seed: 3, only: vec![] };
        let found = gradcheck(&Spread, &space, &[1.0], &options, &|_, _| ()).unwrap();
        // the mean of the square has the slope 1 + 0.04 * 5 * 4 = 1.8
        let entry = &found.parameters[0];
        assert!(found.passed && (entry.finite_difference - 1.0).abs() < 0.1, "{found:?}");
    }

    /// The mean slope over an interval is no more off than the difference between its ends, however bent the objective is.
    #[test]
    fn a_long_interval_is_no_error() {
        let curved = Noisy { noise: 0.02, cubic: 30.0, factor: 1.0 };
        assert!(check(&curved, 1000).passed);
        assert!(!check(&Noisy { factor: 1.04, ..curved }, 1000).passed);
    }
}
