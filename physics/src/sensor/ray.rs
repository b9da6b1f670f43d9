//! The first surface that a ray meets: the distance `t` along a unit direction `d` from `x`, by the roots that MuJoCo has (`mj_ray`).
//!
//! A surface `F(p) = 0` with the normal `n` at the point `p = x + t d` where it is met: as the ray and the surface move with what carries them,
//! by `r` and `s` at that point,
//!
//! ```text
//! dt = n . (s - r)/(n . d)
//! ```
//!
//! so that a cotangent of `t` is the force `n/(n . d)` at `p` on what carries the surface, and its opposite on what carries the ray. Which surface
//! is met first is decided by values: where another one comes into the way the distance jumps and has no derivative, as at an edge, and where two facets meet its derivative
//! jumps; along a surface
//! that the ray only touches the derivative is not finite.

use cotangent_ad::{Dual, Pose, Real, Vec3};

use super::Wrenches;
use crate::model::{Model, Mount, Parameters, Shape, Sight};
use crate::scratch::{Scratch, lift_pose};
use crate::spatial::Force;

/// Below it nothing is told from 0, as in MuJoCo.
const SMALL: f64 = 1e-15;

/// Where a ray meets a surface.
#[derive(Clone, Copy, Debug)]
struct Hit<T> {
    distance: T,
    /// Of any length.
    normal: Vec3<T>,
    /// Which of the geom's facets is met, 0 where it has none.
    facet: usize,
}

/// The nearest of the places ahead.
struct Nearest<T>(Option<Hit<T>>);

impl<T: Real> Nearest<T> {
    fn offer(&mut self, distance: T, normal: Vec3<T>) {
        if distance >= 0.0 && self.0.is_none_or(|hit| distance < hit.distance) {
            self.0 = Some(Hit { distance, normal, facet: 0 });
        }
    }
}

/// Both roots of `a t^2 + 2 b t + c`, the least first.
fn roots<T: Real>(a: T, b: T, c: T) -> Option<[T; 2]> {
    let square = b * b - a * c;
    if square < SMALL {
        return None;
    }
    let root = square.sqrt();
    Some([(-b - root) / a, (-b + root) / a])
}

/// Where the ray from `x` along `d` meets an ellipsoid's surface from any side: roots, and the normal at `t`.
fn ellipsoid<T: Real>(half: [T; 3], x: Vec3<T>, d: Vec3<T>) -> Option<[Hit<T>; 2]> {
    let scaled = |v: Vec3<T>| Vec3([0, 1, 2].map(|k| v[k] / (half[k] * half[k])));
    let (by_d, by_x) = (scaled(d), scaled(x));
    let found = roots(by_d.dot(d), by_d.dot(x), by_x.dot(x) - 1.0)?;
    Some(found.map(|distance| Hit { distance, normal: scaled(x + d * distance), facet: 0 }))
}

/// The first root that is ahead, MuJoCo's only one of a round side.
fn ahead<T: Real>([near, far]: [T; 2]) -> T {
    if near >= 0.0 { near } else { far }
}

/// The round side of a cylinder between its ends.
fn side<T: Real>(size: [T; 3], x: Vec3<T>, d: Vec3<T>, nearest: &mut Nearest<T>) {
    let flat = |v: Vec3<T>| Vec3([v[0], v[1], T::lit(0.0)]);
    let (across, from) = (flat(d), flat(x));
    let c = from.dot(from) - size[0] * size[0];
    if let Some(found) = roots(across.dot(across), across.dot(from), c) {
        let distance = ahead(found);
        let p = x + d * distance;
        if p[2].abs() <= size[1] {
            nearest.offer(distance, flat(p));
        }
    }
}

/// A flat side across axis `k` at `height`, where `inside` says that a point of it is one.
fn flat<T: Real>(
    (k, height): (usize, T),
    (x, d): (Vec3<T>, Vec3<T>),
    nearest: &mut Nearest<T>,
    inside: impl Fn(Vec3<T>) -> bool,
) {
    if d[k].concrete().abs() > SMALL {
        let distance = (height - x[k]) / d[k];
        if inside(x + d * distance) {
            nearest.offer(distance, Vec3::unit(k));
        }
    }
}

/// Where the ray from `x` along `d` first meets a shape's surface, all in its frame.
fn meet<T: Real>(
    (shape, size, sight): (&Shape, [T; 3], &Sight),
    x: Vec3<T>,
    d: Vec3<T>,
) -> Option<Hit<T>> {
    let mut nearest = Nearest(None);
    match shape {
        Shape::Plane => {
            let extent = sight.extent;
            let within = |k: usize, p: Vec3<T>| extent[k] <= 0.0 || p[k].abs() <= extent[k];
            // from behind it is not seen
            if d[2] <= -SMALL {
                let inside = |p: Vec3<T>| within(0, p) && within(1, p);
                flat((2, T::lit(0.0)), (x, d), &mut nearest, inside);
            }
        }
        Shape::Sphere { .. } | Shape::Ellipsoid { .. } => {
            let half = if let Shape::Sphere { .. } = shape { [size[0]; 3] } else { size };
            let both = ellipsoid(half, x, d)?;
            both.iter().for_each(|hit| nearest.offer(hit.distance, hit.normal));
        }
        Shape::Capsule { .. } => {
            side(size, x, d, &mut nearest);
            for end in [1.0, -1.0] {
                let center = Vec3([T::lit(0.0), T::lit(0.0), size[1] * end]);
                let both = ellipsoid([size[0]; 3], x - center, d);
                for hit in both.into_iter().flatten() {
                    if (x[2] + d[2] * hit.distance) * end >= size[1] {
                        nearest.offer(hit.distance, hit.normal);
                    }
                }
            }
        }
        Shape::Cylinder { .. } => {
            for end in [-1.0, 1.0] {
                let inside = |p: Vec3<T>| p[0] * p[0] + p[1] * p[1] <= size[0] * size[0];
                flat((2, size[1] * end), (x, d), &mut nearest, inside);
            }
            side(size, x, d, &mut nearest);
        }
        Shape::Box { .. } => {
            for (k, end) in (0..3).flat_map(|k| [-1.0, 1.0].map(|end| (k, end))) {
                let inside = |p: Vec3<T>| (0..3).all(|i| i == k || p[i].abs() <= size[i]);
                flat((k, size[k] * end), (x, d), &mut nearest, inside);
            }
        }
        Shape::Solid { .. } | Shape::HeightField => {
            let (distance, normal, facet) = sight.facets.as_ref()?.meet(x, d)?;
            return Some(Hit { distance, normal, facet });
        }
    }
    nearest.0
}

/// A ray and what it meets first.
struct Met<T> {
    geom: usize,
    hit: Hit<T>,
    /// The geom's frame in the world.
    frame: Pose<T>,
    /// Start and direction of the ray, in the world.
    start: Vec3<T>,
    direction: Vec3<T>,
}

fn cast<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    (from, body): (&Mount, Option<usize>),
    s: &Scratch<T>,
) -> Option<Met<T>> {
    let ray = s.link_pose(from.link) * lift_pose(&from.placement);
    let (start, direction) = (ray.translation, ray.rotation.column(2));
    let mut first: Option<Met<T>> = None;
    for (index, (geom, sight)) in model.geoms.iter().zip(&model.sights).enumerate() {
        if geom.body == body || !sight.seen {
            continue;
        }
        let link = geom.body.and_then(|b| model.bodies[b].link);
        let frame = s.link_pose(link) * lift_pose(&geom.placement);
        let (x, d) = (frame.inverse_point(start), frame.rotation.transpose_mul(direction));
        let size = parameters.constraints.surfaces[index].size;
        let Some(hit) = meet((&geom.shape, size, sight), x, d) else { continue };
        if first.as_ref().is_none_or(|met| hit.distance < met.hit.distance) {
            first = Some(Met { geom: index, hit, frame, start, direction });
        }
    }
    first
}

/// The distance, and the geom that is met, with the index of its facet; -1 where there is none.
pub(crate) fn read<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    ray: (&Mount, Option<usize>),
    s: &Scratch<T>,
) -> (T, Option<[usize; 2]>) {
    let met = cast(model, parameters, ray, s);
    met.map_or((T::lit(-1.0), None), |met| (met.hit.distance, Some([met.geom, met.hit.facet])))
}

/// Adds what the cotangent of [`read`] gives: nothing where nothing is met.
pub(super) fn pull(
    model: &Model,
    parameters: &Parameters<f64>,
    (from, body): (&Mount, Option<usize>),
    y_bar: f64,
    (wrenches, parameters_bar): (&mut Wrenches, &mut Parameters<f64>),
    s: &Scratch,
) {
    let Some(met) = cast(model, parameters, (from, body), s) else { return };
    let normal = met.frame.rotation * met.hit.normal;
    let force = normal * (y_bar / normal.dot(met.direction));
    let place = met.start + met.direction * met.hit.distance;
    let carrier = model.geoms[met.geom].body.and_then(|b| model.bodies[b].link);
    for (link, force) in [(carrier, force), (from.link, -force)] {
        if let Some(link) = link {
            wrenches.place[link] += Force::at(place - s.origin(model, link), force);
        }
    }
    // of the sizes it is a function of three numbers, and its derivative by duals
    let numbers = &mut parameters_bar.constraints.surfaces[met.geom].size;
    let size = parameters.constraints.surfaces[met.geom].size;
    let size = [0, 1, 2].map(|k| Dual::<f64, 3>::seed(size[k], k));
    let x = Vec3::lit(met.frame.inverse_point(met.start).0);
    let d = Vec3::lit(met.frame.rotation.transpose_mul(met.direction).0);
    let shape = (&model.geoms[met.geom].shape, size, &model.sights[met.geom]);
    if let Some(hit) = meet(shape, x, d) {
        numbers.iter_mut().zip(hit.distance.eps).for_each(|(bar, by)| *bar += y_bar * by);
    }
}
