//! A ball that is to land on a target after it has bounced (Degrave et al., Front. Neurorobot. 13:6, 2019, section 3.1).

use cotangent_ad::Vec3;
use cotangent_problem::{
    Capabilities, Evaluation, Objective, SampleKey, TermValue, TrialFailure, Want, Workspace,
};

use crate::impact::{Arena, Ball, Balls, Flight, FlightError, Until, Wall};

/// A throw from a fixed place onto the plane `z = 0`; the parameters are the initial velocity, m/s.
///
/// `value = 1/2 |(x, y) - target|^2 / m^2`, `(x, y)` where the ball touches the plane after `bounces` bounces.
#[derive(Clone, Debug, PartialEq)]
pub struct Throw {
    arena: Arena,
    position: Vec3<f64>,
    restitution: f64,
    bounces: usize,
    target: [f64; 2],
}

impl Throw {
    /// A ball of `radius` thrown from `position` (its centre, m).
    pub fn new(
        radius: f64,
        position: [f64; 3],
        gravity: f64,
        restitution: f64,
        bounces: usize,
        target: [f64; 2],
    ) -> Self {
        let arena = Arena {
            balls: vec![Ball { radius, mass: 1.0 }],
            walls: vec![Wall { normal: Vec3::unit(2), offset: 0.0 }],
            gravity: Vec3([0.0, 0.0, -gravity]),
        };
        Self { arena, position: Vec3(position), restitution, bounces, target }
    }

    /// The motion under an initial velocity, up to the landing.
    ///
    /// # Errors
    /// A ball inside the ground, or that never comes down.
    pub fn flight(&self, velocity: &[f64]) -> Result<Flight, FlightError> {
        let v = Vec3([velocity[0], velocity[1], velocity[2]]);
        let start = Balls { x: vec![self.position], v: vec![v] };
        self.arena.fly(&start, self.restitution, Until::Impact(self.bounces + 1))
    }

    /// The surroundings.
    pub fn arena(&self) -> &Arena {
        &self.arena
    }

    /// Where to land, m.
    pub fn target(&self) -> [f64; 2] {
        self.target
    }

    /// Landing point less target, m.
    pub fn miss(&self, flight: &Flight) -> [f64; 2] {
        let x = flight.end().x[0];
        [x[0] - self.target[0], x[1] - self.target[1]]
    }
}

impl Objective for Throw {
    fn dim(&self) -> usize {
        3
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { gradient: true, residuals: Some(2), ..Capabilities::default() }
    }

    fn evaluate(
        &self,
        x: &[f64],
        want: Want,
        _: SampleKey,
        _: &mut Workspace,
    ) -> Result<Evaluation, TrialFailure> {
        if x.len() != 3 {
            return Err(TrialFailure::Contract(format!(
                "a velocity has 3 parts, found {}",
                x.len()
            )));
        }
        if x.iter().any(|v| !v.is_finite()) {
            return Err(TrialFailure::NonFinite { what: "the initial velocity".into() });
        }
        let flight =
            self.flight(x).map_err(|e| TrialFailure::OutOfDomain { why: e.to_string() })?;
        let miss = self.miss(&flight);
        let pull = |x_bar: Vec3<f64>| {
            let bar = Balls { x: vec![x_bar], v: vec![Vec3::zero()] };
            flight.pull(&self.arena, &bar).start.v[0].0.to_vec()
        };
        let rows = || [Vec3::unit(0), Vec3::unit(1)].map(pull).concat();
        Ok(Evaluation {
            value: 0.5 * (miss[0] * miss[0] + miss[1] * miss[1]),
            gradient: want.gradient.then(|| pull(Vec3([miss[0], miss[1], 0.0]))),
            residuals: want.residuals.then(|| miss.to_vec()),
            jacobian: want.jacobian.then(rows),
            terms: vec![TermValue { name: "miss_m".into(), value: miss[0].hypot(miss[1]) }],
            ..Evaluation::default()
        })
    }
}
