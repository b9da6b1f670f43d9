//! Parts of a step whose lengths an error estimate chooses and which end where something begins or ends to act.
//!
//! A part is a step of Bogacki's and Shampine's method of order 3, whose fourth stage stands at its end: it gives the error estimate, the first
//! stage of the next part, and what acts there. Where that is other than at the start, the part is shortened to the first such switch. Switches at which the
//! forces bend need only be near the end of a part. At the onset of contact or of a stop they jump by the least impedance, and there the moment `t` counts: it is a
//! root of the gap `g`, and so has the derivative
//!
//! ```text
//! dt = -dg/g'        of the part that ends at t, and -dt of the last part of the step
//! ```
//!
//! All other lengths are constants to the derivative. What comes to the end of its gap at once has the mean of these moments.

use cotangent_ad::Real;

use super::runge_kutta::{THIRD_ORDER, begin, evaluate, stages};
use crate::activation::follow_part;
use crate::constraint::Source;
use crate::model::{Model, Parameters};
use crate::scratch::Scratch;
use crate::state::{State, displace};

/// Weights of the stages, and of the one at the end, in the error estimate.
const ERROR: [f64; 4] = [-5.0 / 72.0, 1.0 / 12.0, 1.0 / 9.0, -1.0 / 8.0];
/// Of a part's next length: the share of what the estimate allows, and the greatest changes.
const SAFETY: f64 = 0.9;
const CHANGES: [f64; 2] = [0.2, 5.0];
/// No part is shorter than this share of a step by an estimate.
const LEAST: f64 = 1e-12;
/// Most parts that are tried in a step.
pub(crate) const MOST_PARTS: usize = 100_000;
/// A switch is known to this power of 2 of the part that was tried: what is beyond a bend in the forces errs in the derivative by that share.
const HALVINGS: usize = 20;
/// Most steps of Newton's method from there to the root of a gap.
const NEWTON: usize = 50;
/// Moments that are nearer to each other, as shares of a part, are one.
const AT_ONCE: f64 = 1e-9;
/// How far beyond its switch a gap ends, as a share of 1 m and of the place.
const BEYOND: f64 = 1e-14;

/// What acts, and by which piece of its law; of contacts, the pair.
type Acting = (Source, u16);

/// Memory of the parts of a step.
#[derive(Clone, Debug)]
pub(crate) struct Adaptive<T> {
    /// The end of the part that was tried last.
    pub(crate) end: State<T>,
    /// What acts at the start of a part, at its end, and beyond a switch.
    start: Vec<Acting>,
    there: Vec<Acting>,
    beyond: Vec<Acting>,
    /// The blocks whose gaps end.
    crossing: Vec<usize>,
}

impl<T> Default for Adaptive<T> {
    fn default() -> Self {
        let end = State { q: vec![], v: vec![], act: vec![] };
        Self { end, start: vec![], there: vec![], beyond: vec![], crossing: vec![] }
    }
}

/// A part of a step as it was taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) length: f64,
    /// Where gaps end: the length to a state at which they are seen, and the blocks there that have them.
    pub(crate) onset: Option<(f64, &'a [usize])>,
}

/// The end of a part at a switch.
struct Switch<T> {
    length: T,
    /// Where gaps end, the length to a state at which they are seen.
    inside: Option<f64>,
    /// Estimated just before it.
    error: f64,
}

/// What all parts of a step share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<'a, T> {
    pub(crate) model: &'a Model,
    pub(crate) parameters: &'a Parameters<T>,
    pub(crate) u: &'a [T],
    pub(crate) dt: f64,
    pub(crate) tolerance: f64,
}

pub(super) fn step<T: Real>(
    (model, parameters): (&Model, &Parameters<T>),
    (dt, tolerance): (f64, f64),
    state: &mut State<T>,
    u: &[T],
    s: &mut Scratch<T>,
) {
    Parts { model, parameters, u, dt, tolerance }.take(state, s, |_, _| {});
}

impl<T: Real> Parts<'_, T> {
    /// Takes `state` through the step and calls `visit` with each part and the state at its start.
    pub(crate) fn take(
        &self,
        state: &mut State<T>,
        s: &mut Scratch<T>,
        mut visit: impl FnMut(&State<T>, Part<'_>),
    ) {
        let mut m = std::mem::take(&mut s.adaptive);
        m.end.q.clone_from(&state.q);
        m.end.v.clone_from(&state.v);
        m.end.act.clone_from(&state.act);
        let (mut left, mut trial) = (T::lit(self.dt), self.dt);
        let least = LEAST * self.dt;
        self.begin(state, s);
        acting(s, &mut m.start);
        for _ in 0..MOST_PARTS {
            let whole = trial >= left.concrete() - least;
            let mut length = if whole { left } else { T::lit(trial) };
            self.advance(length, state, &mut m, s);
            let (mut onset, mut is_last) = (None, whole);
            let mut error = self.error(length.concrete(), &m.end, s);
            if m.there != m.start && length.concrete() > least {
                let switch = self.locate(length.concrete(), state, &mut m, s);
                (length, onset, error) = (switch.length, switch.inside, switch.error);
                is_last = left.concrete() - length.concrete() <= least;
                if is_last {
                    (length, onset) = (left, None);
                    self.advance(length, state, &mut m, s);
                }
            }
            let taken = length.concrete();
            let change = (SAFETY * error.powf(-1.0 / 3.0)).clamp(CHANGES[0], CHANGES[1]);
            if error > 1.0 && taken > least {
                trial = taken * change;
                continue;
            }
            if error.is_infinite() {
                break;
            }
            // what is beyond a switch may have the length that was tried before it
            trial = if m.there == m.start { taken * change } else { trial.max(taken * change) };
            visit(state, Part { length: taken, onset: onset.map(|h| (h, m.crossing.as_slice())) });
            std::mem::swap(state, &mut m.end);
            std::mem::swap(&mut m.start, &mut m.there);
            if is_last {
                s.adaptive = m;
                return;
            }
            left -= length;
            s.stages.swap(0, 3);
            begin(&mut s.stages[0], (&state.q, &state.v));
            let stage = &mut s.stages[0];
            stage.rate.copy_from_slice(&stage.v);
        }
        state.q.iter_mut().chain(&mut state.v).for_each(|x| *x = T::lit(f64::NAN));
        s.adaptive = m;
    }

    /// Evaluates the state at which gaps end, `inside` from the start of a part.
    pub(crate) fn see_gaps(
        &self,
        inside: f64,
        state: &State<T>,
        gaps: &[usize],
        s: &mut Scratch<T>,
    ) {
        let mut m = std::mem::take(&mut s.adaptive);
        self.begin(state, s);
        self.advance(T::lit(inside), state, &mut m, s);
        m.crossing.clear();
        m.crossing.extend(gaps);
        s.adaptive = m;
    }

    /// The first stage.
    fn begin(&self, state: &State<T>, s: &mut Scratch<T>) {
        let part = (&THIRD_ORDER, T::lit(self.dt));
        follow_part(self.model, self.parameters, part, (&state.act, self.u), s);
        begin(&mut s.stages[0], (&state.q, &state.v));
        evaluate(self.model, self.parameters, 0, s);
    }

    /// A part of length `h` from `state`, whose first stage is known: to the end, and what is there.
    fn advance(&self, h: T, state: &State<T>, m: &mut Adaptive<T>, s: &mut Scratch<T>) {
        let (model, tableau) = (self.model, &THIRD_ORDER);
        follow_part(model, self.parameters, (tableau, h), (&state.act, self.u), s);
        stages((model, self.parameters), (tableau, h, 1), (&state.q, &state.v), s);
        let (inner, end) = s.stages.split_at_mut(tableau.nodes.len());
        let end = &mut end[0];
        for d in 0..model.nv() {
            (end.displacement[d], end.v[d]) = (T::lit(0.0), state.v[d]);
            for (stage, weight) in inner.iter().zip(tableau.weights) {
                end.displacement[d] += stage.rate[d] * (h * *weight);
                end.v[d] += stage.a[d] * (h * *weight);
            }
        }
        displace(model, &state.q, &end.displacement, &mut end.q);
        m.end.q.copy_from_slice(&end.q);
        m.end.v.copy_from_slice(&end.v);
        m.end.act.copy_from_slice(&s.activation);
        evaluate(model, self.parameters, tableau.nodes.len(), s);
        acting(s, &mut m.there);
    }

    /// The error estimate of a part, in tolerances; infinite where something is not finite.
    fn error(&self, h: f64, end: &State<T>, s: &Scratch<T>) -> f64 {
        let mut greatest = 0.0_f64;
        for d in 0..self.model.nv() {
            let (mut place, mut speed) = (0.0, 0.0);
            for (stage, weight) in s.stages.iter().zip(ERROR) {
                place += stage.rate[d].concrete() * (weight * h);
                speed += stage.a[d].concrete() * (weight * h);
            }
            let share = speed / end.v[d].concrete().abs().max(1.0);
            if !(place + share).is_finite() {
                return f64::INFINITY;
            }
            greatest = greatest.max(place.abs()).max(share.abs());
        }
        greatest / self.tolerance
    }

    /// Shortens a part of the length `tried`, at whose end acts what does not at its start, to the first switch. `m` has its end then.
    fn locate(
        &self,
        tried: f64,
        state: &State<T>,
        m: &mut Adaptive<T>,
        s: &mut Scratch<T>,
    ) -> Switch<T> {
        let (mut low, mut high) = (0.0, tried);
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(low, high);
            self.advance(T::lit(middle), state, m, s);
            *(if m.there == m.start { &mut low } else { &mut high }) = middle;
        }
        // beyond the switch the last stage has what the part has not
        self.advance(T::lit(low), state, m, s);
        let error = self.error(low, &m.end, s);
        self.advance(T::lit(high), state, m, s);
        m.beyond.clone_from(&m.there);
        // what begins is seen beyond the switch, what ends before it
        for begins in [true, false] {
            let seen = if begins { high } else { low };
            self.advance(T::lit(seen), state, m, s);
            let near = (seen, tried, begins);
            if let Some((length, inside)) = self.settle(near, high - low, state, m, s) {
                return Switch { length, inside: Some(inside), error };
            }
        }
        self.advance(T::lit(high), state, m, s);
        Switch { length: T::lit(high), inside: None, error }
    }

    /// From a length near the root of gaps to one that ends just beyond it, by Newton's method. `None` where no gap ends.
    fn settle(
        &self,
        (seen, tried, begins): (f64, f64, bool),
        width: f64,
        state: &State<T>,
        m: &mut Adaptive<T>,
        s: &mut Scratch<T>,
    ) -> Option<(T, f64)> {
        let (mut inside, mut steps) = (seen, 0);
        loop {
            find_crossing((begins, inside - seen), (width, AT_ONCE * tried), m, s);
            let (gap, rate) = m.mean_gap(s)?;
            let beyond = BEYOND * (1.0 + largest(&m.end.q));
            let (miss, rate) = (gap.concrete() + beyond, rate.concrete());
            if miss.abs() <= 0.5 * beyond {
                break;
            }
            let next = inside - miss / rate;
            let stays = next > 0.0 && (next - seen).abs() <= 2.0 * width && steps < NEWTON;
            // no smaller step than rounding
            if !stays || (next - inside).abs() <= f64::EPSILON * inside {
                return None;
            }
            (inside, steps) = (next, steps + 1);
            self.advance(T::lit(inside), state, m, s);
        }
        let mut length = T::lit(inside);
        for _ in 0..T::ORDER {
            let (gap, rate) = m.mean_gap(s)?;
            length -= (gap - gap.concrete()) / rate;
            self.advance(length, state, m, s);
        }
        if !begins {
            let (_, rate) = m.mean_gap(s)?;
            let through = 2.0 * BEYOND * (1.0 + largest(&m.end.q)) / rate.concrete();
            length += T::lit(through);
            self.advance(length, state, m, s);
        }
        Some((length, inside))
    }
}

fn largest<T: Real>(x: &[T]) -> f64 {
    x.iter().fold(0.0, |most, x| most.max(x.concrete().abs()))
}

/// What acts at the point that was evaluated last.
fn acting<T: Real>(s: &Scratch<T>, to: &mut Vec<Acting>) {
    to.clear();
    let c = &s.constraints;
    if c.failure.is_some() {
        return;
    }
    for (b, block) in c.blocks.list.iter().enumerate() {
        to.push((c.blocks.surface(block), c.newton.piece(b, block)));
    }
}

/// The blocks whose gaps end first, of those that act on one side of a switch alone: those whose moments are within `width` and no more than `at_once` apart.
/// `moved` is how far the end has been taken already.
fn find_crossing<T: Real>(
    (begins, moved): (bool, f64),
    (width, at_once): (f64, f64),
    m: &mut Adaptive<T>,
    s: &Scratch<T>,
) {
    let Adaptive { end, start, beyond, crossing, .. } = m;
    crossing.clear();
    let blocks = &s.constraints.blocks;
    let other = if begins { &*start } else { &*beyond };
    let moment = |b: usize| {
        let block = &blocks.list[b];
        let (gap, rate) = (block.numbers.gap, blocks.along(block, &end.v)[0]);
        -gap.concrete() / rate.concrete()
    };
    let is_new = |b: usize| {
        let surface = blocks.surface(&blocks.list[b]);
        if !matches!(surface, Source::Contact(_) | Source::Stop { .. }) {
            return false;
        }
        let here = blocks.list.iter().filter(|block| blocks.surface(block) == surface).count();
        here > other.iter().filter(|(of, _)| *of == surface).count()
            && (moment(b) + moved).abs() <= 2.0 * width
    };
    crossing.extend((0..blocks.list.len()).filter(|b| is_new(*b)));
    let first = crossing.iter().map(|b| moment(*b)).fold(f64::INFINITY, f64::min);
    crossing.retain(|b| moment(*b) - first <= at_once);
}

impl<T: Real> Adaptive<T> {
    /// Mean of the gaps that end, and of their rates. `None` without any.
    pub(crate) fn mean_gap(&self, s: &Scratch<T>) -> Option<(T, T)> {
        let blocks = &s.constraints.blocks;
        let (mut gap, mut rate) = (T::lit(0.0), T::lit(0.0));
        for block in self.crossing.iter().map(|b| blocks.list.get(*b)) {
            gap += block?.numbers.gap;
            rate += blocks.along(block?, &self.end.v)[0];
        }
        let count = self.crossing.len() as f64;
        (count > 0.0).then(|| (gap / count, rate / count))
    }
}
