//! What is measured of a frame.

use cotangent_ad::{Dual, Mat3, Real, Vec3};

use crate::model::{FrameReading, Model, Mount, Parameters};
use crate::rnea::world_acceleration;
use crate::scratch::{Scratch, lift_pose};
use crate::spatial::Motion;

/// A frame, and its motion about its origin in its own axes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<T> {
    pub(super) rotation: Mat3<T>,
    pub(super) origin: Vec3<T>,
    velocity: Motion<T>,
    /// Spatial, gravity as an acceleration of the world.
    acceleration: Motion<T>,
}

/// The cotangents of a frame: of a small turn and shift in world axes, and of its motion as [`Seen`] has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bars {
    pub(super) turn: Vec3<f64>,
    pub(super) shift: Vec3<f64>,
    pub(super) velocity: Motion<f64>,
    pub(super) acceleration: Motion<f64>,
}

pub(super) fn see<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    mount: &Mount,
    s: &Scratch<T>,
) -> Seen<T> {
    let pose = s.link_pose(mount.link) * lift_pose(&mount.placement);
    let (rotation, origin) = (pose.rotation, pose.translation);
    let (velocity, acceleration, from) = match mount.link {
        Some(link) => (s.velocity[link], s.acceleration[link], origin - s.origin(model, link)),
        None => (Motion::zero(), world_acceleration(parameters), Vec3::zero()),
    };
    let inside = |m: Motion<T>| Motion {
        angular: rotation.transpose_mul(m.angular),
        linear: rotation.transpose_mul(m.at(from)),
    };
    Seen { rotation, origin, velocity: inside(velocity), acceleration: inside(acceleration) }
}

/// The three numbers, seen from the world or from a second frame.
pub(super) fn measure<T: Real>(
    what: FrameReading,
    of: &Seen<T>,
    from: Option<&Seen<T>>,
) -> Vec3<T> {
    let (spin, drift) = (of.velocity.angular, of.velocity.linear);
    // that of a point is not that of the spatial acceleration, which stands still in space
    let proper = || of.acceleration.linear + spin.cross(drift);
    let seen = |v: Vec3<T>| from.map_or(v, |from| from.rotation.transpose_mul(v));
    match what {
        FrameReading::Position => seen(from.map_or(of.origin, |from| of.origin - from.origin)),
        FrameReading::Axis(k) => seen(of.rotation.column(k)),
        FrameReading::AngularVelocity => {
            let turning = of.rotation * spin;
            seen(from.map_or(turning, |from| turning - from.rotation * from.velocity.angular))
        }
        FrameReading::LinearVelocity => {
            let moving = of.rotation * drift;
            seen(from.map_or(moving, |from| {
                let carried = from.rotation * from.velocity.angular;
                let apart = of.origin - from.origin;
                moving - from.rotation * from.velocity.linear - carried.cross(apart)
            }))
        }
        FrameReading::Velocimeter => drift,
        FrameReading::Gyro => spin,
        FrameReading::LinearAcceleration => of.rotation * proper(),
        FrameReading::AngularAcceleration => of.rotation * of.acceleration.angular,
        FrameReading::Accelerometer => proper(),
    }
}

/// Numbers of a frame: turn, shift, velocity, acceleration.
const NUMBERS: usize = 18;

type Moved = Dual<f64, NUMBERS>;

fn constant(seen: &Seen<f64>) -> Seen<Moved> {
    let motion =
        |m: Motion<f64>| Motion { angular: Vec3::lit(m.angular.0), linear: Vec3::lit(m.linear.0) };
    Seen {
        rotation: Mat3::lit(seen.rotation.0),
        origin: Vec3::lit(seen.origin.0),
        velocity: motion(seen.velocity),
        acceleration: motion(seen.acceleration),
    }
}

/// The frame with a lane for each of its numbers.
fn moved(seen: &Seen<f64>) -> Seen<Moved> {
    let along = |x: [f64; 3], lane: usize| Vec3([0, 1, 2].map(|k| Moved::seed(x[k], lane + k)));
    let turn = along([0.0; 3], 0);
    let fixed = constant(seen);
    let columns = [0, 1, 2].map(|k| {
        let column = fixed.rotation.column(k);
        (column + turn.cross(column)).0
    });
    let motion = |m: Motion<f64>, lane: usize| Motion {
        angular: along(m.angular.0, lane),
        linear: along(m.linear.0, lane + 3),
    };
    Seen {
        rotation: Mat3(columns).transpose(),
        origin: along(seen.origin.0, 3),
        velocity: motion(seen.velocity, 6),
        acceleration: motion(seen.acceleration, 12),
    }
}

/// The cotangents of a frame and of the one that it is seen from. The function is of 18 numbers each, and its derivative by duals.
pub(super) fn pull(
    what: FrameReading,
    (of, from): (&Seen<f64>, Option<&Seen<f64>>),
    y_bar: Vec3<f64>,
) -> [Bars; 2] {
    let contract = |y: Vec3<Moved>| {
        let lane = |k: usize| (0..3).map(|row| y_bar[row] * y.0[row].eps[k]).sum();
        let three = |first: usize| Vec3([lane(first), lane(first + 1), lane(first + 2)]);
        let motion = |first: usize| Motion { angular: three(first), linear: three(first + 3) };
        Bars { turn: three(0), shift: three(3), velocity: motion(6), acceleration: motion(12) }
    };
    let fixed = from.map(constant);
    let by_frame = contract(measure(what, &moved(of), fixed.as_ref()));
    let by_origin = from.map(|from| contract(measure(what, &constant(of), Some(&moved(from)))));
    [by_frame, by_origin.unwrap_or(by_frame)]
}
