//! The shortest way of a string around a ball or a cylinder.
//!
//! In the plane of the circle of radius `r` about the origin a string from `a` to `b` runs straight to where it touches, along an arc, and straight
//! on: `l = s_a + r phi + s_b`, `s = sqrt(|x|^2 - r^2)`. As a shortest way it does not get longer, to first order, as the points move at
//! which it touches; so its derivatives by its ends are unit vectors along its straight parts. Where it is led through the circle's inside
//! instead, it bends at one point `p` of the circle, by equal angles: with `sin psi` for the sine there, `A = r/|a|`, `B = r/|b|` and the angle `G`
//! between the ends as seen from the origin,
//!
//! ```text
//! asin(A sin psi) + asin(B sin psi) - 2 psi + G = 0
//! ```
//!
//! On a ball the plane is that of the ends and the centre. On a cylinder along z the unrolled way is straight: `l = sqrt(l_2^2 + dz^2)`, `l_2` being that
//! in the plane. Which of these ways it takes, on which side, and whether any, is decided by values as MuJoCo 3.17 decides it (`mju_wrap`);
//! at the switch between two of them the derivative is that of the one that is taken.

use std::f64::consts::{FRAC_PI_2, TAU};

use cotangent_ad::{Real, Vec3};

/// Lengths below which nothing is told apart, as in MuJoCo.
const SMALL: f64 = 1e-15;
/// By how much an arc may come out negative where it has no length, rad.
const ROUNDING: f64 = 1e-9;

/// What a string is wound around, in its frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spool {
    /// A ball about the origin.
    Ball {
        /// Radius, m.
        radius: f64,
    },
    /// A cylinder along z, without ends.
    Cylinder {
        /// Radius, m.
        radius: f64,
    },
}

/// A way in the plane: its length, and the derivatives by its two ends.
type PlaneWay<T> = (T, [[T; 2]; 2]);

/// How a string passes the circle.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// Around it; clockwise by 1, else by -1.
    Around(f64),
    /// By a point of it.
    Inside,
}

/// What a point says of the way: whether it is inside the ball or, of a cylinder too, inside the ball of its radius, and its direction in the plane.
#[derive(Clone, Copy, Debug)]
struct Side {
    inside: bool,
    direction: [f64; 2],
}

impl Side {
    /// Of a point, and what it is in the plane.
    fn new(radius: f64, point: Vec3<f64>, flat: [f64; 2]) -> Self {
        Self { inside: point.norm() < radius, direction: unit(flat) }
    }
}

/// A unit vector; along nothing MuJoCo's, which is the first axis.
fn unit(x: [f64; 2]) -> [f64; 2] {
    let length = dot(x, x).sqrt();
    if length < SMALL { [1.0, 0.0] } else { x.map(|x| x / length) }
}

fn dot<T: Real>(a: [T; 2], b: [T; 2]) -> T {
    a[0] * b[0] + a[1] * b[1]
}

fn cross<T: Real>(a: [T; 2], b: [T; 2]) -> T {
    a[0] * b[1] - a[1] * b[0]
}

/// The length of the string from `a` to `b` and its derivatives by both, in the spool's frame; `None` where it runs straight. `side` is a point
/// that says on which side it passes and, where it is inside, that the string does too.
pub(crate) fn wind<T: Real>(
    spool: Spool,
    [a, b]: [Vec3<T>; 2],
    side: Option<Vec3<f64>>,
) -> Option<(T, [Vec3<T>; 2])> {
    let small = |x: Vec3<T>| x.norm_squared().concrete() < SMALL * SMALL;
    if small(a) || small(b) {
        return None;
    }
    match spool {
        Spool::Ball { radius } => {
            let axes = plane_of(a, b);
            let flat = |x: Vec3<T>| axes.map(|axis| axis.dot(x));
            let concrete = axes.map(|axis| Vec3(axis.0.map(T::concrete)));
            let side = side.map(|x| Side::new(radius, x, concrete.map(|axis| axis.dot(x))));
            let (length, slopes) = in_plane(radius, [flat(a), flat(b)], side)?;
            Some((length, slopes.map(|[x, y]| axes[0] * x + axes[1] * y)))
        }
        Spool::Cylinder { radius } => {
            let ends = [a, b].map(|x| [x[0], x[1]]);
            let side = side.map(|x| Side::new(radius, x, [x[0], x[1]]));
            let (flat, slopes) = in_plane(radius, ends, side)?;
            let rise = b[2] - a[2];
            let length = (flat * flat + rise * rise).sqrt();
            let (along, up) = (flat / length, rise / length);
            let lift = |[x, y]: [T; 2], z: T| Vec3([x * along, y * along, z]);
            Some((length, [lift(slopes[0], -up), lift(slopes[1], up)]))
        }
    }
}

/// Two axes of the plane through the origin and both points, the first along `a`.
fn plane_of<T: Real>(a: Vec3<T>, b: Vec3<T>) -> [Vec3<T>; 2] {
    let first = a.normalized();
    let mut normal = a.cross(b);
    if normal.norm_squared().concrete() < SMALL * SMALL {
        // any plane through both: across the axis that `a` is least across
        let size = |k: usize| first[k].concrete().abs();
        let largest = (0..3).fold(0, |best, k| if size(k) > size(best) { k } else { best });
        let other = Vec3([0, 1, 2].map(|k| T::lit(if k == largest { 0.0 } else { 1.0 })));
        normal = first.cross(other);
    }
    [first, normal.normalized().cross(first)]
}

fn in_plane<T: Real>(radius: f64, ends: [[T; 2]; 2], side: Option<Side>) -> Option<PlaneWay<T>> {
    match way(radius, ends.map(|x| x.map(T::concrete)), side)? {
        Way::Around(turn) => Some(around(radius, ends, turn)),
        Way::Inside => Some(inside(radius, ends)),
    }
}

/// Which way the string takes; `None` where it is straight.
fn way(radius: f64, [a, b]: [[f64; 2]; 2], side: Option<Side>) -> Option<Way> {
    let apart = [b[0] - a[0], b[1] - a[1]];
    let square = dot(apart, apart);
    if side.is_some_and(|side| side.inside) {
        let place = -dot(apart, a) / square;
        let nearest = [a[0] + place * apart[0], a[1] + place * apart[1]];
        let crosses = square > SMALL && place > 0.0 && place < 1.0;
        let crosses = crosses && dot(nearest, nearest) <= radius * radius;
        let outside = [a, b].iter().all(|x| dot(*x, *x) > radius * radius);
        let opposite = dot(a, b) < (SMALL - 1.0) * (dot(a, a) * dot(b, b)).sqrt();
        return (outside && !crosses && !opposite).then_some(Way::Inside);
    }
    if dot(a, a) < radius * radius || dot(b, b) < radius * radius || square < SMALL {
        return None;
    }
    let place = (-dot(apart, a) / square).clamp(0.0, 1.0);
    let nearest = [a[0] + place * apart[0], a[1] + place * apart[1]];
    let clear = dot(nearest, nearest) > radius * radius;
    if clear && side.is_none_or(|side| dot(side.direction, nearest) >= 0.0) {
        return None;
    }
    let goodness = |turn: f64| {
        let [p, q] = touching(radius, [a, b], turn);
        if intersect([a, p], [b, q]) {
            return -10_000.0;
        }
        match side {
            Some(side) => dot(unit([p[0] + q[0], p[1] + q[1]]), side.direction),
            None => -[p[0] - q[0], p[1] - q[1]].iter().map(|x| x * x).sum::<f64>(),
        }
    };
    let turn = if goodness(1.0) > goodness(-1.0) { 1.0 } else { -1.0 };
    let [p, q] = touching(radius, [a, b], turn);
    (!intersect([a, p], [b, q])).then_some(Way::Around(turn))
}

/// Whether two segments have a point in common.
fn intersect([a, p]: [[f64; 2]; 2], [b, q]: [[f64; 2]; 2]) -> bool {
    let (first, second) = ([p[0] - a[0], p[1] - a[1]], [q[0] - b[0], q[1] - b[1]]);
    let (apart, determinant) = ([a[0] - b[0], a[1] - b[1]], cross(first, second));
    if determinant.abs() < SMALL {
        return false;
    }
    let within = |x: f64| (0.0..=1.0).contains(&x);
    within(cross(second, apart) / determinant) && within(cross(first, apart) / determinant)
}

/// Length of the straight part from `x` to the circle and the unit vector along it, `sense` being that in which the circle turns away.
fn tangent<T: Real>(radius: f64, x: [T; 2], sense: f64) -> (T, [T; 2]) {
    let square = dot(x, x);
    let length = (square - radius * radius).max(T::lit(0.0)).sqrt();
    let across = [x[1], -x[0]].map(|y| y * (sense * radius));
    (length, [0, 1].map(|k| (across[k] - x[k] * length) / square))
}

/// Where the straight parts touch the circle.
fn touching(radius: f64, [a, b]: [[f64; 2]; 2], turn: f64) -> [[f64; 2]; 2] {
    let touch = |x: [f64; 2], sense: f64| {
        let (length, along) = tangent(radius, x, sense);
        [x[0] + length * along[0], x[1] + length * along[1]]
    };
    [touch(a, turn), touch(b, -turn)]
}

fn around<T: Real>(radius: f64, [a, b]: [[T; 2]; 2], turn: f64) -> PlaneWay<T> {
    let ((from, u), (to, w)) = (tangent(radius, a, turn), tangent(radius, b, -turn));
    // the normals of the circle where it is touched are across the straight parts
    let mut arc = (cross(u, w) * turn).atan2(-dot(u, w));
    if arc.concrete() < -ROUNDING {
        arc += T::lit(TAU);
    }
    (from + arc * radius + to, [u.map(|x| -x), w.map(|x| -x)])
}

fn inside<T: Real>(radius: f64, [a, b]: [[T; 2]; 2]) -> PlaneWay<T> {
    let norm = |x: [T; 2]| dot(x, x).sqrt();
    let (own, other) = (norm(a).recip() * radius, norm(b).recip() * radius);
    // turned from `a` towards `b`
    let turn = if cross(a, b).concrete() > 0.0 { 1.0 } else { -1.0 };
    let between = (cross(a, b) * turn).atan2(dot(a, b));
    let start = bend([own.concrete(), other.concrete(), between.concrete()]);
    // twice Newton's step in any scalar: the root has its first and second derivatives
    let psi = (0..2).fold(T::lit(start), |psi, _| {
        let (value, slope) = bending([own, other, between], psi);
        psi - value / slope
    });
    let (sine, cosine) = ((psi - (psi.sin() * own).asin()) * turn).sin_cos();
    let p = [a[0] * cosine - a[1] * sine, a[0] * sine + a[1] * cosine].map(|x| x * own);
    let part = |x: [T; 2]| {
        let d = [x[0] - p[0], x[1] - p[1]];
        (norm(d), d.map(|y| y / norm(d)))
    };
    let ((first, by_a), (second, by_b)) = (part(a), part(b));
    (first + second, [by_a, by_b])
}

/// `asin(A sin psi) + asin(B sin psi) - 2 psi + G`, and its derivative by `psi`.
fn bending<T: Real>([a, b, between]: [T; 3], psi: T) -> (T, T) {
    let (sine, cosine) = psi.sin_cos();
    let root = |x: T| (-(x * sine * (x * sine)) + 1.0).sqrt();
    let value = (a * sine).asin() + (b * sine).asin() - psi * 2.0 + between;
    (value, a * cosine / root(a) + b * cosine / root(b) - 2.0)
}

/// The root of [`bending`], which falls: between 0, where it is `G`, and a right angle.
fn bend(numbers: [f64; 3]) -> f64 {
    let (mut low, mut high) = (0.0, FRAC_PI_2);
    let mut psi = 0.5 * numbers[2];
    for _ in 0..60 {
        let (value, slope) = bending(numbers, psi);
        *(if value > 0.0 { &mut low } else { &mut high }) = psi;
        let newton = psi - value / slope;
        let next = if newton > low && newton < high { newton } else { 0.5 * (low + high) };
        if (next - psi).abs() <= f64::EPSILON {
            return next;
        }
        psi = next;
    }
    psi
}

#[cfg(test)]
mod tests {
    use super::{Spool, bend, bending, wind};
    use cotangent_ad::{Dual, Vec3};

    /// Numbers in -1 to 1.
    fn random(seed: u32) -> f64 {
        let mixed = seed.wrapping_mul(2_654_435_761);
        let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(2_246_822_519);
        2.0 * f64::from(mixed ^ (mixed >> 13)) / f64::from(u32::MAX) - 1.0
    }

    fn point(seed: u32, size: f64) -> Vec3<f64> {
        Vec3([0, 1, 2].map(|k| size * random(3 * seed + k)))
    }

    /// The slopes against differences of the length, and the length against a string in many straight pieces: no way is shorter than straight.
    #[test]
    fn slopes_are_those_of_the_length_for_every_way() {
        let spools = [Spool::Ball { radius: 0.4 }, Spool::Cylinder { radius: 0.3 }];
        for (spool, size) in spools.into_iter().flat_map(|s| [0.0, 0.2, 2.0].map(|size| (s, size)))
        {
            let mut wound = 0;
            for seed in 0..200 {
                let ends = [point(2 * seed, 1.2), point(2 * seed + 1, 1.2)];
                let side = (size > 0.0).then(|| point(7000 + seed, size));
                let length = |ends| wind(spool, ends, side).map(|(length, _)| length);
                let Some((here, slopes)) = wind(spool, ends, side) else { continue };
                assert!(here >= (ends[1] - ends[0]).norm() - 1e-12, "{spool:?} {seed}: {here}");
                for k in 0..6 {
                    let moved = |h: f64| {
                        let mut ends = ends;
                        ends[k / 3][k % 3] += h;
                        length(ends)
                    };
                    let (Some(above), Some(below)) = (moved(1e-6), moved(-1e-6)) else { continue };
                    let (found, slope) = ((above - below) / 2e-6, slopes[k / 3][k % 3]);
                    // steps over a switch between ways say nothing
                    if (above - below).abs() < 1e-3 {
                        assert!(
                            (found - slope).abs() < 1e-6,
                            "{spool:?} {seed} {k}: {found} {slope}"
                        );
                    }
                }
                wound += 1;
            }
            assert!(wound > 20, "{spool:?} {size}: {wound}");
        }
    }

    /// Against the lengths of MuJoCo 3.17.0 (`data/wraps.json` by `peers/golden_wraps.py`): whether there is a way around, which, and on which side.
    #[test]
    fn lengths_are_mujoco_s_for_every_way() {
        let text = include_str!("../tests/data/wraps.json");
        let golden: serde_json::Value = serde_json::from_str(text).unwrap();
        let mut wrong = vec![];
        for row in golden["rows"].as_array().unwrap() {
            let x: Vec<f64> = row.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
            let three = |first: usize| Vec3([x[first], x[first + 1], x[first + 2]]);
            let radius = x[1];
            let spool =
                if x[0] > 0.0 { Spool::Cylinder { radius } } else { Spool::Ball { radius } };
            let (a, b, side) = (three(2), three(5), (x.len() > 9).then(|| three(9)));
            let length = wind(spool, [a, b], side).map_or((b - a).norm(), |(length, _)| length);
            let error = (length - x[8]).abs();
            if error.is_nan() || error > 1e-10 {
                wrong.push((row.to_string(), length));
            }
        }
        assert!(wrong.is_empty(), "{}: {wrong:#?}", wrong.len());
    }

    /// Of a way through the inside, whose bend is a root, by nested duals: second derivatives of the length are first ones of the slopes, and second
    /// ones of the slopes are by differences of those.
    #[test]
    fn higher_derivatives_are_those_of_the_slopes() {
        type Moving = Dual<Dual<f64, 1>, 1>;
        let (spool, side) = (Spool::Ball { radius: 0.4 }, Some(Vec3([0.1, 0.0, 0.2])));
        let ends = [[0.5, 0.3, 0.2], [-0.1, 0.7, 0.3]];
        let along = [[0.3, -0.5, 0.2], [0.7, 0.1, 0.4]];
        // twice along the direction: of the length, and once and twice of its slopes
        let derivatives = |h: f64| {
            let moved = [0, 1].map(|end| {
                Vec3([0, 1, 2].map(|k| {
                    let (re, by) = (ends[end][k] + h * along[end][k], along[end][k]);
                    Moving { re: Dual { re, eps: [by] }, eps: [Dual { re: by, eps: [0.0] }] }
                }))
            });
            let (length, slopes) = wind(spool, moved, side).unwrap();
            let sum = |of: &dyn Fn(Moving) -> f64| -> f64 {
                let each = |end: usize| (0..3).map(move |k| (end, k));
                [0, 1].into_iter().flat_map(each).map(|(e, k)| along[e][k] * of(slopes[e][k])).sum()
            };
            [length.eps[0].eps[0], sum(&|g| g.re.eps[0]), sum(&|g| g.eps[0].eps[0])]
        };
        let [length, once, twice] = derivatives(0.0);
        assert!(length.abs() > 0.1 && twice.abs() > 0.1, "{length} {twice}");
        assert!((length - once).abs() < 1e-12, "{length} {once}");
        let by_differences = (derivatives(1e-5)[1] - derivatives(-1e-5)[1]) / 2e-5;
        assert!((twice - by_differences).abs() < 1e-7, "{twice} {by_differences}");
    }

    /// Ends as seen from the frame of a quarter turn about the axis: by hand.
    #[test]
    fn a_quarter_around_a_cylinder_that_rises_is_a_helix() {
        let ends = [Vec3([1.0, -1.0, 0.0]), Vec3([-1.0, 1.0, 0.5])];
        let (length, _) =
            wind(Spool::Cylinder { radius: 1.0 }, ends, Some(Vec3([3.0, 3.0, 0.0]))).unwrap();
        let flat = 2.0 + std::f64::consts::FRAC_PI_2;
        assert!((length - flat.hypot(0.5)).abs() < 1e-14, "{length}");
    }

    #[test]
    fn the_bend_is_found_to_rounding() {
        for seed in 0..100 {
            let [a, b, share] = [0, 1, 2].map(|k| 0.5 + 0.499_999 * random(9000 + 3 * seed + k));
            // less than where the string touches the circle without a bend
            let numbers = [a, b, share * (std::f64::consts::PI - a.asin() - b.asin())];
            let (left, slope) = bending(numbers, bend(numbers));
            assert!((left / slope).abs() < 1e-14, "{numbers:?}: {left:e}");
        }
    }
}
