//! Where an event's function crosses zero within a step.
//!
//! A step is looked at in its quarters. A function that has changed its side is bisected. One that has not may have crossed twice:
//! where it comes closer at one end of a quarter and goes away at the other, its lowest point is sought by the sign of its slope,
//! until the tangents at both ends show that it stays clear. A step that is too long for the function to be known by its
//! values and slopes, as a fast oscillation that the state does not take part in, is to be made shorter.
//!
//! Shampine & Thompson, "Event location for ordinary differential equations", Comput. Math. Appl. 39 (2000) 43-54.

use super::control::Integration;
use super::event::{crosses, value_and_slope};
use super::{OdeError, one_step};

/// What is seen of events within a step.
pub(super) enum Sight {
    /// None happens.
    Nothing,
    /// The first happens after this part of the step, and is this one.
    Event(f64, usize),
    /// A function changes too fast to say.
    Unresolved,
}

/// An event's function within a step.
#[derive(Clone, Copy)]
struct Sample {
    /// Time from the start of the step.
    h: f64,
    value: f64,
    slope: f64,
}

impl Sample {
    fn new(h: f64, (value, slope): (f64, f64)) -> Self {
        Self { h, value, slope }
    }
}

/// How far a function may be from the cubic through its neighbours, as a fraction of its largest value.
const RESOLVED: f64 = 0.1;
/// Most bisections of a double or a single crossing.
const BISECTIONS: usize = 200;

impl Integration<'_> {
    /// The state after a part of a step.
    pub(super) fn partial(&self, h: f64) -> Result<Vec<f64>, OdeError> {
        one_step(self.dynamics, self.options.method, self.t, h, &self.y, self.p)
            .map_err(|source| OdeError::Stage { time: self.t, source })
    }

    fn sample(&self, which: usize, h: f64, state: &[f64]) -> Sample {
        Sample::new(h, value_and_slope(self.dynamics, which, self.t + h, state, self.p))
    }

    /// Looks for the first event within the step to `to`, at which the state is `end`; with `resolve`, only where the step is
    /// short enough to tell.
    pub(super) fn look_for_events(
        &mut self,
        to: f64,
        end: &[f64],
        resolve: bool,
    ) -> Result<Sight, OdeError> {
        if self.sides.is_empty() {
            return Ok(Sight::Nothing);
        }
        let h = to - self.t;
        // the rate of a state serves all events
        let samples = |h: f64, state: &[f64]| -> Vec<Sample> {
            let (d, t, p) = (self.dynamics, self.t + h, self.p);
            let rate = d.rate(t, state, p);
            let sample = |which| Sample::new(h, d.event_along(which, t, state, &rate, p));
            (0..self.sides.len()).map(sample).collect()
        };
        let mut seen = vec![samples(0.0, &self.y)];
        for quarter in 1..=4 {
            let at = if quarter == 4 { h } else { h * 0.25 * f64::from(quarter) };
            seen.push(if quarter == 4 { samples(h, end) } else { samples(at, &self.partial(at)?) });
        }
        let resolved = |which: usize| is_resolved(std::array::from_fn(|k| seen[k][which]));
        if resolve && !(0..self.sides.len()).all(resolved) {
            return Ok(Sight::Unresolved);
        }
        // a crossing that does not count changes the side as well
        let mut sides = self.sides.clone();
        for pair in seen.windows(2) {
            let mut earliest: Option<(f64, usize, f64)> = None;
            for which in 0..sides.len() {
                let samples = [pair[0][which], pair[1][which]];
                if let Some((h, side)) = self.crossing(which, sides[which], samples)?
                    && earliest.is_none_or(|(first, ..)| h < first)
                {
                    earliest = Some((h, which, side));
                }
            }
            if let Some((h, which, side)) = earliest {
                sides[which] = side;
                self.sides = sides;
                return Ok(Sight::Event(h, which));
            }
            for (which, side) in sides.iter_mut().enumerate() {
                let g = pair[1][which].value;
                if g != 0.0 && !self.stands(which, g) {
                    *side = self.dynamics.side(which, &self.y).unwrap_or(g.signum());
                }
            }
        }
        Ok(Sight::Nothing)
    }

    /// Whether a function is still at the zero of its own event.
    pub(super) fn stands(&self, which: usize, g: f64) -> bool {
        self.resting[which].is_some_and(|rounding| g.abs() <= rounding)
    }

    /// The first crossing that counts of a function between two samples, which is on `side` at the first of them; and from which
    /// side it crosses.
    fn crossing(
        &self,
        which: usize,
        side: f64,
        [mut low, mut high]: [Sample; 2],
    ) -> Result<Option<(f64, f64)>, OdeError> {
        let direction = self.dynamics.direction(which);
        if self.stands(which, high.value) || !high.value.is_finite() {
            return Ok(None);
        }
        if high.value * side <= 0.0 {
            let counts = crosses(direction, side, high.value);
            return if counts { self.located(which, side, [low.h, high.h]) } else { Ok(None) };
        }
        for _ in 0..BISECTIONS {
            let middle = 0.5 * (low.h + high.h);
            if !may_dip(side, low, high) || middle <= low.h || middle >= high.h {
                break;
            }
            let sample = self.sample(which, middle, &self.partial(middle)?);
            if sample.value * side <= 0.0 {
                // there and back: of the two crossings the first counts, or the second
                return if crosses(direction, side, -side) {
                    self.located(which, side, [low.h, middle])
                } else {
                    self.located(which, -side, [middle, high.h])
                };
            }
            if sample.slope * side < 0.0 {
                low = sample;
            } else {
                high = sample;
            }
        }
        Ok(None)
    }

    fn located(
        &self,
        which: usize,
        side: f64,
        between: [f64; 2],
    ) -> Result<Option<(f64, f64)>, OdeError> {
        Ok(Some((self.locate(which, side, between)?, side)))
    }

    /// The time from the start of the step at which an event's function leaves `side`, between `low` and `high`: bisection and
    /// false position in turn (Illinois), down to neighbouring numbers.
    fn locate(
        &self,
        which: usize,
        side: f64,
        [mut low, mut high]: [f64; 2],
    ) -> Result<f64, OdeError> {
        let g = |h: f64| -> Result<f64, OdeError> {
            let state = if h == 0.0 { self.y.clone() } else { self.partial(h)? };
            Ok(self.dynamics.event(which, self.t + h, &state, self.p))
        };
        let (mut below, mut above) = (g(low)?, g(high)?);
        if below * side <= 0.0 {
            // just after an event of its own the function is rounding
            below = side * f64::MIN_POSITIVE;
        }
        for round in 0..BISECTIONS {
            if high - low <= 2.0 * f64::EPSILON * self.t.abs().max(high) || above == 0.0 {
                break;
            }
            let straight = high - above * (high - low) / (above - below);
            let inside = straight > low && straight < high;
            let middle = if round % 3 == 2 || !inside { 0.5 * (low + high) } else { straight };
            if middle <= low || middle >= high {
                break;
            }
            let value = g(middle)?;
            if value * side <= 0.0 {
                (high, above) = (middle, value);
            } else {
                (low, below) = (middle, value);
            }
        }
        Ok(high)
    }
}

/// Whether a function on one side of zero at both ends comes closer in between and may reach it: the tangents at the ends meet
/// below it.
fn may_dip(side: f64, low: Sample, high: Sample) -> bool {
    let (falls, rises) = (low.slope * side, high.slope * side);
    if !(falls < 0.0 && rises > 0.0) {
        return false;
    }
    let (start, end) = (low.value * side, high.value * side);
    let meet = (end - start - rises * (high.h - low.h)) / (falls - rises);
    start + falls * meet <= 0.0
}

/// Whether the samples at the odd quarters are near the cubics through their neighbours.
fn is_resolved(samples: [Sample; 5]) -> bool {
    let largest = samples.iter().fold(0.0, |most: f64, s| most.max(s.value.abs()));
    let off = |k: usize| {
        let (left, right) = (samples[k - 1], samples[k + 1]);
        let bend = (right.h - left.h) * (left.slope - right.slope) / 8.0;
        (samples[k].value - 0.5 * (left.value + right.value) - bend).abs()
    };
    // a function without a value somewhere is not known better by shorter steps
    let furthest = off(1).max(off(3));
    furthest.is_nan() || furthest <= RESOLVED * largest
}
