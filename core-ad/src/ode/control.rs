//! The steps of a solution, chosen on plain numbers: control of the local error, and what happens at events.
//!
//! Hairer, Norsett & Wanner, "Solving Ordinary Differential Equations I" (1993), section II.4 (control of the step, its start).

use std::sync::Arc;

use super::crossing::Sight;
use super::event::{check_order, crosses, pass, rounding, value_and_slope};
use super::field::Plain;
use super::mass::correction;
use super::{Direction, Method, OdeError, Options, dop853, rodas5p, tsit5};
use crate::linalg::LinalgError;

/// Steps between two times at which something happens.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) end: f64,
    pub(super) taken: Arc<Taken>,
    /// The state after the last step, before what closes the segment.
    pub(super) reached: Vec<f64>,
    pub(super) closing: Closing,
}

/// The steps of a segment, as they were taken.
#[derive(Debug)]
pub(super) struct Taken {
    /// When they begin, and when the last one ends.
    pub(super) times: Vec<f64>,
    /// How long they are. A time is rounded, so that this is not quite the difference of two.
    pub(super) lengths: Vec<f64>,
    /// The states before them and after the last one, where a tape would make them again to keep them.
    pub(super) states: Vec<f64>,
}

impl Taken {
    fn none(start: f64) -> Self {
        Self { times: vec![start], lengths: Vec::new(), states: Vec::new() }
    }

    fn push(&mut self, end: f64, length: f64) {
        self.times.push(end);
        self.lengths.push(length);
    }

    /// How many.
    pub(super) fn count(&self) -> usize {
        self.lengths.len()
    }

    /// The share of the segment that is over when step `number` begins.
    pub(super) fn share(&self, number: usize) -> f64 {
        let (start, end) = (self.times[0], self.times[self.count()]);
        if number == self.count() { 1.0 } else { (self.times[number] - start) / (end - start) }
    }
}

/// What a segment ends with.
#[derive(Debug)]
pub(super) enum Closing {
    /// The time asked for.
    End,
    /// A time at which the state is saved.
    Saved,
    /// Events, in the order in which they are passed.
    Events(Vec<usize>),
}

/// All segments.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) segments: Vec<Segment>,
    pub(super) rejected: usize,
}

/// The integration as it goes on.
pub(super) struct Integration<'a> {
    pub(super) dynamics: &'a dyn Plain,
    pub(super) p: &'a [f64],
    pub(super) options: &'a Options,
    /// Whether the states of all steps are kept.
    keeps_states: bool,
    pub(super) t: f64,
    pub(super) y: Vec<f64>,
    /// The step to be tried next.
    h: f64,
    /// The rate at the state, where it is known: a step that is tried again begins with it, and one of a method whose last stage is the
    /// first of the next step.
    rate: Option<Vec<f64>>,
    /// The rate at the end of the step tried last, where the method has evaluated it.
    rate_at_end: Option<Vec<f64>>,
    /// The steps of the segment in progress.
    taken: Taken,
    /// The side of zero on which each event's function is.
    pub(super) sides: Vec<f64>,
    /// Rounding of each event's function while it stands at zero after its event.
    pub(super) resting: Vec<Option<f64>>,
    segments: Vec<Segment>,
    tried: usize,
    rejected: usize,
    happened: usize,
    /// How often the step at hand was halved because an event's function was not resolved by it.
    shortened: usize,
    /// Why the last step tried had no solution.
    failure: Option<LinalgError>,
}

/// Most halvings of a step for the functions of events.
const MOST_SHORTENED: usize = 16;

/// Chooses the steps from `t0` to `t1`.
///
/// # Errors
/// All of [`OdeError`] but those of derivatives.
pub(super) fn plan(
    dynamics: &dyn Plain,
    (t0, t1): (f64, f64),
    y: Vec<f64>,
    p: &[f64],
    saved: &[f64],
    options: &Options,
    keeps_states: bool,
) -> Result<Plan, OdeError> {
    check(dynamics, (t0, t1), &y, p, saved, options)?;
    let mut run = Integration {
        dynamics,
        p,
        options,
        keeps_states,
        t: t0,
        y,
        h: 0.0,
        rate: None,
        rate_at_end: None,
        taken: Taken::none(t0),
        sides: Vec::new(),
        resting: Vec::new(),
        segments: Vec::new(),
        tried: 0,
        rejected: 0,
        happened: 0,
        shortened: 0,
        failure: None,
    };
    if let Some(step) = correction(dynamics, options.method, t0, &run.y, p)? {
        let distance = run.size(&step, &run.y);
        if distance > 1.0 {
            return Err(OdeError::Inconsistent { distance });
        }
    }
    run.h = run.first_step(t1 - t0);
    run.resting = vec![None; dynamics.events()];
    run.sides = vec![0.0; dynamics.events()];
    let at_start = run.watch()?;
    if !at_start.is_empty() && run.close_by_events(&at_start)? {
        return Ok(Plan { segments: run.segments, rejected: run.rejected });
    }
    let stops = saved.iter().map(|s| (*s, true)).chain([(t1, false)]);
    for (stop, is_saved) in stops {
        if run.go_to(stop)? {
            break;
        }
        let reached = run.y.clone();
        run.close(if is_saved { Closing::Saved } else { Closing::End }, reached);
    }
    Ok(Plan { segments: run.segments, rejected: run.rejected })
}

fn check(
    dynamics: &dyn Plain,
    (t0, t1): (f64, f64),
    y: &[f64],
    p: &[f64],
    saved: &[f64],
    options: &Options,
) -> Result<(), OdeError> {
    if y.is_empty() {
        return Err(OdeError::EmptyState);
    }
    let mut last = t0;
    let named = saved.iter().map(|t| ("a saved time", *t)).chain([("the end", t1)]);
    for (what, value) in [("the start", t0)].into_iter().chain(named) {
        if !value.is_finite() || value < last {
            return Err(OdeError::Time { what, value });
        }
        last = value;
    }
    for value in [options.relative, options.absolute] {
        let both_zero = options.relative == 0.0 && options.absolute == 0.0;
        if value.is_nan() || value < 0.0 || both_zero {
            return Err(OdeError::Tolerance { value });
        }
    }
    let rate = dynamics.rate(t0, y, p);
    if rate.len() != y.len() {
        let (expected, found) = (y.len(), rate.len());
        return Err(OdeError::Shape { what: "the rate", expected, found });
    }
    if !y.iter().chain(&rate).all(|v| v.is_finite()) {
        return Err(OdeError::NonFinite { what: "the initial state or its rate", time: t0 });
    }
    Ok(())
}

impl Integration<'_> {
    /// The root mean square of `x` in units of the tolerance at `y`.
    fn size(&self, x: &[f64], y: &[f64]) -> f64 {
        let unit = |y: &f64| self.options.absolute + self.options.relative * y.abs();
        let sum: f64 =
            x.iter().zip(y).map(|(x, y)| (x / unit(y).max(f64::MIN_POSITIVE)).powi(2)).sum();
        (sum / x.len() as f64).sqrt()
    }

    /// A first step whose explicit Euler step moves the state by a hundredth of itself.
    fn first_step(&self, length: f64) -> f64 {
        let rate = self.dynamics.rate(self.t, &self.y, self.p);
        let (state, slope) = (self.size(&self.y, &self.y), self.size(&rate, &self.y));
        let h = if state < 1e-5 || slope < 1e-5 { 1e-6 * length } else { 0.01 * state / slope };
        h.min(length)
    }

    /// Steps until `stop`; whether an event ended the integration before.
    fn go_to(&mut self, stop: f64) -> Result<bool, OdeError> {
        while self.t < stop {
            // a last step that is hardly shorter than the rest goes to the end; none is left over
            let rest = stop - self.t;
            let (h, lands) = if self.h >= 0.99 * rest { (rest, true) } else { (self.h, false) };
            let Some(end) = self.try_step(h)? else { continue };
            let to = if lands { stop } else { self.t + h };
            // a kink at zero is resolved by no step
            let resolve = self.shortened < MOST_SHORTENED;
            match self.look_for_events(to, &end, resolve)? {
                Sight::Unresolved => {
                    self.shortened += 1;
                    self.rejected += 1;
                    self.h = 0.5 * h;
                    continue;
                }
                Sight::Event(h, which) => {
                    if self.step_to_event(h, which)? {
                        return Ok(true);
                    }
                }
                Sight::Nothing => self.accept(h, to, end)?,
            }
            if std::mem::take(&mut self.shortened) > 0 {
                self.h = self.h.min(2.0 * h);
            }
        }
        Ok(false)
    }

    /// Tries a step and sets the next; the state after it, unless its error is too large.
    fn try_step(&mut self, h: f64) -> Result<Option<Vec<f64>>, OdeError> {
        if self.tried == self.options.max_steps {
            return Err(OdeError::TooManySteps { steps: self.tried, time: self.t });
        }
        self.tried += 1;
        if h < 4.0 * f64::EPSILON * self.t.abs() || h < f64::MIN_POSITIVE {
            return Err(match self.failure.take() {
                Some(source) => OdeError::Stage { time: self.t, source },
                None => OdeError::StepUnderflow { time: self.t, step: h },
            });
        }
        let (end, error) = match self.step_with_error(h) {
            Ok((end, error)) if end.iter().all(|v| v.is_finite()) && error.is_finite() => {
                (end, error)
            }
            // outside of where the rate has a value, or a singular system: shorter
            failed => {
                self.failure = failed.err();
                self.rejected += 1;
                self.h = h * 0.25;
                return Ok(None);
            }
        };
        self.failure = None;
        let order = match self.options.method {
            Method::Tsit5 | Method::Rodas5p => 5.0,
            Method::Dop853 => 8.0,
        };
        let factor = 0.9 * error.max(1e-10).powf(-1.0 / order);
        if error <= 1.0 {
            self.h = h * factor.clamp(0.2, 5.0);
            return Ok(Some(end));
        }
        self.rejected += 1;
        self.h = h * factor.clamp(0.1, 0.9);
        Ok(None)
    }

    /// The state after a step, and its error in units of the tolerance.
    fn step_with_error(&mut self, h: f64) -> Result<(Vec<f64>, f64), LinalgError> {
        let (d, t, y, p) = (self.dynamics, self.t, &self.y, self.p);
        let mut first = || self.rate.take().unwrap_or_else(|| d.rate(t, y, p));
        let larger = |end: &[f64]| -> Vec<f64> {
            y.iter().zip(end).map(|(a, b)| a.abs().max(b.abs())).collect()
        };
        let (end, error) = match self.options.method {
            Method::Tsit5 => {
                let (end, error, [first, last]) = tsit5::step_with_error(d, t, h, y, p, first());
                (self.rate, self.rate_at_end) = (Some(first), Some(last));
                (end, error)
            }
            Method::Rodas5p => rodas5p::step_with_error(d, t, h, y, p)?,
            Method::Dop853 => {
                let (end, errors, first) = dop853::step_with_errors(d, t, h, y, p, first());
                self.rate = Some(first);
                let at = larger(&end);
                let [fifth, third] = errors.map(|e| self.size(&e, &at));
                // Hairer, Norsett & Wanner, equation II.10.17
                let scale = fifth.hypot(0.1 * third);
                return Ok((end, if scale == 0.0 { 0.0 } else { fifth * (fifth / scale) }));
            }
        };
        let size = self.size(&error, &larger(&end));
        Ok((end, size))
    }

    fn accept(&mut self, h: f64, to: f64, end: Vec<f64>) -> Result<(), OdeError> {
        // a step that lands on a given time may end rounding away from where its last stage was
        self.rate = self.rate_at_end.take().filter(|_| to.to_bits() == (self.t + h).to_bits());
        self.take(h, to, end);
        for which in 0..self.sides.len() {
            let g = self.dynamics.event(which, self.t, &self.y, self.p);
            if !g.is_finite() {
                return Err(OdeError::NonFinite { what: "an event's function", time: self.t });
            }
            self.note_side(which, g);
        }
        Ok(())
    }

    /// Goes on to the state after a step.
    fn take(&mut self, h: f64, to: f64, end: Vec<f64>) {
        if self.keeps_states {
            self.taken.states.extend(&self.y);
        }
        (self.t, self.y) = (to, end);
        self.taken.push(to, h);
    }

    /// Notes the side on which an event's function is, unless it still stands at zero.
    fn note_side(&mut self, which: usize, g: f64) {
        if self.stands(which, g) {
            return;
        }
        self.resting[which] = None;
        match self.dynamics.side(which, &self.y) {
            Some(side) => self.sides[which] = side,
            None if g != 0.0 => self.sides[which] = g.signum(),
            None => {}
        }
    }

    /// Steps to event `seen`; whether it, or another at the same time, ends the integration.
    fn step_to_event(&mut self, h: f64, seen: usize) -> Result<bool, OdeError> {
        let state = self.partial(h)?;
        let (to, slope_tolerance) = (self.t + h, 8.0 * f64::EPSILON * (self.t.abs() + h));
        let mut events = Vec::new();
        for which in 0..self.sides.len() {
            let (g, slope) = value_and_slope(self.dynamics, which, to, &state, self.p);
            let stands = self.stands(which, g);
            let crossed = !stands && crosses(self.dynamics.direction(which), self.sides[which], g);
            // an event that another one is rounding away from happens with it
            let together = !stands
                && g.abs() <= slope.abs() * slope_tolerance
                && crosses(self.dynamics.direction(which), self.sides[which], -self.sides[which])
                && slope * self.sides[which] < 0.0;
            if which == seen || crossed || together {
                events.push(which);
            }
        }
        if h > 0.0 {
            self.take(h, to, state);
        } else {
            (self.t, self.y) = (to, state);
        }
        self.close_by_events(&events)
    }

    /// Passes events at the time at hand; whether one ends the integration.
    fn close_by_events(&mut self, events: &[usize]) -> Result<bool, OdeError> {
        self.happened += events.len();
        if let (true, Some(&which)) = (self.happened > self.options.max_events, events.last()) {
            let events = self.options.max_events;
            return Err(OdeError::TooManyEvents { events, which, time: self.t });
        }
        check_order(self.dynamics, events, self.t, &self.y, self.p)?;
        let mut ends = false;
        let reached = self.y.clone();
        self.rate = None;
        // the last event's own time, which differs from the located one by rounding, and the state just after it
        let mut after = (self.t, self.y.clone());
        for which in events {
            let passed = pass(self.dynamics, *which, self.t, &self.y, self.p)?;
            after = (passed.happened.time, passed.after);
            self.y = passed.state;
            ends |= passed.ends;
        }
        if !self.y.iter().all(|y| y.is_finite()) {
            return Err(OdeError::NonFinite { what: "the state after an event", time: self.t });
        }
        self.close(Closing::Events(events.to_vec()), reached);
        if !ends {
            // the dynamics may be others now
            let before = self.sides.clone();
            self.watch()?;
            for which in events {
                self.leave(*which, after.0, &after.1, before[*which])?;
            }
        }
        Ok(ends)
    }

    /// Notes on which side of zero the events' functions are; at zero it is the side that the solution goes to. The events that
    /// happen at this time.
    fn watch(&mut self) -> Result<Vec<usize>, OdeError> {
        let d = self.dynamics;
        let mut at_once = Vec::new();
        for which in 0..self.sides.len() {
            let (g, slope) = self.finite_event(which, self.t, &self.y)?;
            if g == 0.0 && self.resting[which].is_none() {
                self.sides[which] = if slope == 0.0 { 0.0 } else { slope.signum() };
            }
            self.note_side(which, g);
            let falls = slope < 0.0 && d.direction(which) != Direction::Rising;
            let rises = slope > 0.0 && d.direction(which) != Direction::Falling;
            let is_left = d.side(which, &self.y).is_none_or(|side| side * slope < 0.0);
            if g == 0.0 && (falls || rises) && is_left {
                at_once.push(which);
            }
        }
        Ok(at_once)
    }

    /// Notes the side of an event that has just happened, coming from the side `before`. Where the jump has moved its function
    /// away from zero, it is the side on which that is; else the side that the solution goes to, or, where it stands, that it
    /// came from. At the event's own time, for at the located one a flight shorter than rounding is over.
    fn leave(
        &mut self,
        which: usize,
        time: f64,
        after: &[f64],
        before: f64,
    ) -> Result<(), OdeError> {
        let (g, slope) = self.finite_event(which, time, after)?;
        let rounding = rounding(self.dynamics, which, time, after, self.p);
        let (moved, stands) = (g.abs() > rounding, slope == 0.0);
        self.resting[which] = (!moved && stands).then_some(rounding);
        let said = self.dynamics.side(which, after);
        if !moved && said.is_some_and(|side| side * slope < 0.0) {
            return Err(OdeError::Sliding { which, time });
        }
        self.sides[which] = match (said, moved, stands) {
            (Some(side), _, _) => side,
            (None, true, _) => g.signum(),
            (None, false, true) => before,
            (None, false, false) => slope.signum(),
        };
        Ok(())
    }

    fn finite_event(&self, which: usize, t: f64, y: &[f64]) -> Result<(f64, f64), OdeError> {
        let (g, slope) = value_and_slope(self.dynamics, which, t, y, self.p);
        if g.is_finite() && slope.is_finite() {
            return Ok((g, slope));
        }
        Err(OdeError::NonFinite { what: "an event's function", time: t })
    }

    /// Ends the segment in progress at the time at hand and begins the next.
    fn close(&mut self, closing: Closing, reached: Vec<f64>) {
        let end = self.t;
        if self.keeps_states {
            self.taken.states.extend(&reached);
        }
        let taken = Arc::new(std::mem::replace(&mut self.taken, Taken::none(end)));
        self.segments.push(Segment { end, taken, reached, closing });
    }
}
