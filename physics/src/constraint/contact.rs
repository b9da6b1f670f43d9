//! Contacts: for each pair of geoms that touch, the relative motion of the two surfaces in a frame of the normal and two tangents.

use cotangent_ad::{Dual, Num, Pose, Real, Vec3};

use super::adjoint::Pull;
use super::block::{Block, Blocks, ContactAt, Source};
use super::law::{LEAST_FRICTION, Law, MOST, Numbers};
use crate::collide::{Touches, bound, collide};
use crate::model::{Geom, Model, PairNumbers, Parameters, Softness, SurfaceNumbers, TouchPair};
use crate::scratch::{Scratch, lift_pose};
use crate::spatial::{Force, Motion};

/// The numbers of a pair: of two surfaces, mixed, or its own.
#[derive(Clone, Copy, Debug)]
struct Mixed<T> {
    friction: [T; 5],
    margin: T,
    softness: Softness<T>,
}

/// The share of the first of two surfaces of the same priority in their softness.
fn share<T: Real>(first: T, second: T) -> T {
    const LEAST: f64 = 1e-15;
    match (first >= LEAST, second >= LEAST) {
        (true, true) => first / (first + second),
        (false, false) => T::lit(0.5),
        (false, true) => T::lit(0.0),
        (true, false) => T::lit(1.0),
    }
}

/// The distance at which contact begins to act.
fn margin<T: Real>(pair: &TouchPair, parameters: &Parameters<T>) -> T {
    let constraints = &parameters.constraints;
    let of_surface = |g: usize| constraints.surfaces[g].margin;
    let [a, b] = pair.geoms;
    pair.listed.map_or_else(|| of_surface(a) + of_surface(b), |k| constraints.pairs[k].margin)
}

/// How the numbers of two surfaces become one (MuJoCo's `mj_contactParam`).
fn mixed<T: Real>(model: &Model, pair: &TouchPair, parameters: &Parameters<T>) -> Mixed<T> {
    let (constraints, margin) = (&parameters.constraints, margin(pair, parameters));
    if let Some(listed) = pair.listed {
        let PairNumbers { friction, softness, .. } = constraints.pairs[listed];
        return Mixed { friction, margin, softness };
    }
    let [a, b] = pair.geoms.map(|g| &constraints.surfaces[g]);
    let [first, second] = pair.geoms.map(|g| model.surfaces[g].priority);
    let unpack = |[slide, twist, roll]: [T; 3]| [slide, slide, twist, roll, roll];
    let own = |s: &SurfaceNumbers<T>| Mixed {
        friction: unpack(s.friction),
        margin,
        softness: s.softness,
    };
    if first != second {
        return own(if first > second { a } else { b });
    }
    let share = share(a.mix, b.mix);
    let blend = |x: T, y: T| share * x + (-share + 1.0) * y;
    let (ra, rb) = (a.softness.reference, b.softness.reference);
    let standard = ra[0] > 0.0 && rb[0] > 0.0;
    let reference =
        std::array::from_fn(|i| if standard { blend(ra[i], rb[i]) } else { ra[i].min(rb[i]) });
    let impedance =
        std::array::from_fn(|i| blend(a.softness.impedance[i], b.softness.impedance[i]));
    let friction = unpack(std::array::from_fn(|i| a.friction[i].max(b.friction[i])));
    Mixed { friction, margin, softness: Softness { reference, impedance } }
}

pub(super) fn geom_pose<T: Num>(model: &Model, geom: &Geom, s: &Scratch<T>) -> Pose<T> {
    let link = geom.body.and_then(|b| model.bodies[b].link);
    s.link_pose(link) * lift_pose(&geom.placement)
}

/// Where a geom is, and the sphere around it: what all pairs that it belongs to share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed<T> {
    pose: Pose<T>,
    center: Vec3<f64>,
    /// Of a plane there is none, but its normal.
    radius: Option<f64>,
    normal: Vec3<f64>,
}

impl<T: Real> Placed<T> {
    fn of(model: &Model, k: usize, size: [T; 3], s: &Scratch<T>) -> Self {
        let geom = &model.geoms[k];
        let pose = geom_pose(model, geom, s);
        let concrete = |v: Vec3<T>| Vec3(v.0.map(Real::concrete));
        let radius = bound(&geom.shape, size.map(Real::concrete));
        let normal = concrete(pose.rotation.column(2));
        Self { pose, center: concrete(pose.translation), radius, normal }
    }

    /// Whether two geoms are farther apart than they could touch.
    fn is_apart(&self, other: &Self, margin: T) -> bool {
        let between = other.center - self.center;
        let reach = other.radius.unwrap_or(0.0) + margin.concrete();
        match self.radius {
            None => self.normal.dot(between) > reach,
            Some(own) => between.norm_squared() > (own + reach) * (own + reach),
        }
    }
}

/// Adds the contacts of all pairs that touch, after kinematics.
pub(super) fn add<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    s: &Scratch<T>,
    blocks: &mut Blocks<T>,
) {
    let constraints = &parameters.constraints;
    let mut touches = Touches::new();
    let mut places = std::mem::take(&mut blocks.places);
    places.clear();
    let place = |(k, surface): (usize, &SurfaceNumbers<T>)| Placed::of(model, k, surface.size, s);
    if !model.touch_pairs.is_empty() {
        places.extend(constraints.surfaces.iter().enumerate().map(place));
    }
    for (index, pair) in model.touch_pairs.iter().enumerate() {
        let [first, second] = pair.geoms.map(|g| &places[g]);
        if first.is_apart(second, margin(pair, parameters)) {
            continue;
        }
        let geoms = pair.geoms.map(|g| &model.geoms[g]);
        let sizes = pair.geoms.map(|g| constraints.surfaces[g].size);
        let (mixed, [at_a, at_b]) = (mixed(model, pair, parameters), [first.pose, second.pose]);
        let shapes = geoms.map(|g| &g.shape);
        collide(shapes, sizes, [&at_a, &at_b], mixed.margin, &mut touches);
        for (k, touch) in touches.all().iter().enumerate() {
            let gap = touch.distance - mixed.margin;
            // MuJoCo leaves out what touches by no more than its margin
            if gap < 0.0 {
                let links = geoms.map(|g| g.body.and_then(|b| model.bodies[b].link));
                let numbers = numbers(geoms, &mixed, gap, parameters);
                let at = ContactAt {
                    pair: index,
                    index: k,
                    position: touch.position,
                    frame: touch.frame,
                };
                push(model, (pair, links), numbers, at, s, blocks);
            }
        }
    }
    blocks.places = places;
}

fn numbers<T: Real>(
    geoms: [&Geom; 2],
    mixed: &Mixed<T>,
    gap: T,
    parameters: &Parameters<T>,
) -> Numbers<T> {
    let mut weight = [T::lit(0.0); 2];
    for body in geoms.iter().filter_map(|g| g.body) {
        let own = parameters.constraints.weights.bodies[body];
        (0..2).for_each(|i| weight[i] += own[i]);
    }
    Numbers {
        gap,
        reference: mixed.softness.reference,
        impedance: mixed.softness.impedance,
        weight,
        friction: mixed.friction.map(|mu| mu.max(T::lit(LEAST_FRICTION))),
    }
}

/// Adds a contact's block, unless both sides move together.
fn push<T: Real>(
    model: &Model,
    (pair, links): (&TouchPair, [Option<usize>; 2]),
    numbers: Numbers<T>,
    at: ContactAt<T>,
    s: &Scratch<T>,
    blocks: &mut Blocks<T>,
) {
    let first = blocks.dofs.len();
    let [mut a, mut b] = links.map(|l| model.last_dof(l));
    // coordinates on the way to the world of one side and not of the other, the greatest first
    while a != b {
        let (side, other) = if a > b { (&mut a, false) } else { (&mut b, true) };
        if let Some(dof) = *side {
            blocks.dofs.push(2 * dof + usize::from(other));
            *side = model.dof_parent[dof];
        }
    }
    let n = blocks.dofs.len() - first;
    if n == 0 {
        return;
    }
    blocks.dofs[first..].reverse();
    let (directions, jacobian) = (pair.directions, blocks.jacobian.len());
    blocks.jacobian.resize(jacobian + directions * n, T::lit(0.0));
    for c in 0..n {
        let (dof, second) = (blocks.dofs[first + c] / 2, blocks.dofs[first + c] % 2 == 1);
        blocks.dofs[first + c] = dof;
        let axis = s.axis[dof];
        let from_origin = at.position - s.origin(model, model.dof_link[dof]);
        let (linear, angular) = (axis.at(from_origin), axis.angular);
        for k in 0..directions {
            let rate = at.frame[k % 3].dot(if k < 3 { linear } else { angular });
            blocks.jacobian[jacobian + k * n + c] = if second { rate } else { -rate };
        }
    }
    let law = Law::of_contact(model.constraint_options.cone, directions);
    let source = Source::Contact(blocks.contacts.len());
    blocks.contacts.push(at);
    let dofs = first..first + n;
    blocks.list.push(Block { law, source, directions, dofs, jacobian, numbers });
}

/// Lanes of a pair's geometry: the second geom's displacement, its turn, the first geom's turn, and both geoms' sizes. A displacement of
/// both moves the contact along; a turn of both does not, as its tangents are chosen by the world's axes.
const LANES: usize = 15;
/// Those without the sizes.
const LANES_OF_STATE: usize = 9;

/// A pose that turns about its origin along three lanes.
fn turning<const N: usize>(pose: &Pose<f64>, lane: usize) -> Pose<Dual<f64, N>> {
    let mut lifted = lift_pose::<Dual<f64, N>>(pose);
    for column in 0..3 {
        let axis = pose.rotation.column(column);
        for k in 0..3 {
            let turned = Vec3::unit(k).cross(axis);
            (0..3).for_each(|row| lifted.rotation.0[row][column].eps[lane + k] = turned[row]);
        }
    }
    lifted
}

/// How a contact moves with its geoms and their sizes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slopes {
    /// Derivatives of distance, position and frame, by lanes.
    distance: [f64; LANES],
    position: [[f64; LANES]; 3],
    frame: [[[f64; LANES]; 3]; 3],
    mixed: Mixed<f64>,
}

/// How a contact moves with a motion of its geoms.
pub(super) struct Displaced {
    pub(super) distance: f64,
    /// Less what the first geom's own displacement carries along.
    pub(super) position: Vec3<f64>,
    pub(super) frame: [Vec3<f64>; 3],
}

impl Slopes {
    /// Under a displacement of the second geom against the first, and turns of the second and the first.
    pub(super) fn along(
        &self,
        (shift, second, first): (Vec3<f64>, Vec3<f64>, Vec3<f64>),
    ) -> Displaced {
        let along = |slopes: &[f64; LANES]| {
            (0..3).fold(0.0, |sum, k| {
                sum + slopes[k] * shift[k] + slopes[3 + k] * second[k] + slopes[6 + k] * first[k]
            })
        };
        Displaced {
            distance: along(&self.distance),
            position: Vec3([0, 1, 2].map(|k| along(&self.position[k]))),
            frame: [0, 1, 2].map(|j| Vec3([0, 1, 2].map(|k| along(&self.frame[j][k])))),
        }
    }
}

/// How every contact moves; those of one pair stand together. By the sizes too, unless `by_state_alone`.
pub(super) fn differentiate(
    model: &Model,
    parameters: &Parameters<f64>,
    (contacts, by_state_alone): (&[ContactAt<f64>], bool),
    s: &Scratch,
    slopes: &mut Vec<Slopes>,
) {
    slopes.clear();
    if by_state_alone {
        slopes_by::<LANES_OF_STATE>(model, parameters, contacts, s, slopes);
    } else {
        slopes_by::<LANES>(model, parameters, contacts, s, slopes);
    }
}

/// Adds how every contact moves by the first `N` lanes.
fn slopes_by<const N: usize>(
    model: &Model,
    parameters: &Parameters<f64>,
    contacts: &[ContactAt<f64>],
    s: &Scratch,
    slopes: &mut Vec<Slopes>,
) {
    let mut touches = Touches::<Dual<f64, N>>::new();
    let all = |x: Dual<f64, N>| std::array::from_fn(|k| if k < N { x.eps[k] } else { 0.0 });
    for of_pair in contacts.chunk_by(|a, b| a.pair == b.pair) {
        let pair = &model.touch_pairs[of_pair[0].pair];
        let mixed = mixed(model, pair, parameters);
        touches_of(model, parameters, pair, mixed.margin, s, &mut touches);
        for contact in of_pair {
            let touch = &touches.all()[contact.index];
            let position = touch.position.0.map(all);
            let frame = touch.frame.map(|axis| axis.0.map(all));
            slopes.push(Slopes { distance: all(touch.distance), position, frame, mixed });
        }
    }
}

/// The contacts of a pair, with their derivatives by the first `N` lanes.
fn touches_of<const N: usize>(
    model: &Model,
    parameters: &Parameters<f64>,
    pair: &TouchPair,
    margin: f64,
    s: &Scratch,
    touches: &mut Touches<Dual<f64, N>>,
) {
    let geoms = pair.geoms.map(|g| &model.geoms[g]);
    let [first, second] = geoms.map(|g| geom_pose(model, g, s));
    let seed = |g: usize, from: usize| {
        let size = parameters.constraints.surfaces[g].size;
        std::array::from_fn(|k| {
            if from + k < N { Dual::seed(size[k], from + k) } else { Dual::konst(size[k]) }
        })
    };
    let sizes = [seed(pair.geoms[0], LANES_OF_STATE), seed(pair.geoms[1], LANES_OF_STATE + 3)];
    let (first, mut second) = (turning(&first, 6), turning(&second, 3));
    (0..3).for_each(|k| second.translation[k].eps[k] = 1.0);
    collide(geoms.map(|g| &g.shape), sizes, [&first, &second], Dual::konst(margin), touches);
}

/// The part of the adjoint that is a contact's own.
pub(super) fn pull(
    p: &mut Pull<'_>,
    (contact, slopes): (&ContactAt<f64>, &Slopes),
    directions: usize,
    s: &Scratch,
) {
    let model = p.model;
    let pair = &model.touch_pairs[contact.pair];
    let geoms = pair.geoms.map(|g| &model.geoms[g]);
    let links = geoms.map(|g| g.body.and_then(|b| model.bodies[b].link));
    let (position_bar, frame_bar) = pull_directions(p, contact, directions, links, s);
    let bars = (p.numbers_bar.gap, position_bar, frame_bar);
    let lanes = displace(model, (pair, slopes), bars, &mut p.links.geometry, s);
    pull_numbers(p, pair, &slopes.mixed, &lanes);
}

/// From the cotangents of distance, position and frame of a contact of this pair to wrenches on the links that carry its geoms; returned are
/// those of all lanes.
fn displace(
    model: &Model,
    (pair, slopes): (&TouchPair, &Slopes),
    (distance_bar, position_bar, frame_bar): (f64, Vec3<f64>, [Vec3<f64>; 3]),
    place: &mut [Force<f64>],
    s: &Scratch,
) -> [f64; LANES] {
    let geoms = pair.geoms.map(|g| &model.geoms[g]);
    let links = geoms.map(|g| g.body.and_then(|b| model.bodies[b].link));
    let [at_a, at_b] = geoms.map(|g| geom_pose(model, g, s));
    let mut lanes = slopes.distance.map(|e| e * distance_bar);
    let mut add = |slopes: &[f64; LANES], bar: f64| {
        lanes.iter_mut().zip(slopes).for_each(|(sum, slope)| *sum += slope * bar);
    };
    for k in 0..3 {
        add(&slopes.position[k], position_bar[k]);
        slopes.frame.iter().zip(&frame_bar).for_each(|(axis, bar)| add(&axis[k], bar[k]));
    }
    // the wrenches of the geoms about the world's origin
    let lane = |k: usize| Vec3([lanes[k], lanes[k + 1], lanes[k + 2]]);
    let (force, other) = (lane(0), position_bar - lane(0));
    let second = Force { angular: lane(3) + at_b.translation.cross(force), linear: force };
    let first = Force { angular: lane(6) + at_a.translation.cross(other), linear: other };
    for (link, wrench) in links.into_iter().zip([first, second]) {
        let Some(link) = link else { continue };
        let about = s.origin(model, link);
        let angular = wrench.angular - about.cross(wrench.linear);
        place[link] += Force { angular, linear: wrench.linear };
    }
    lanes
}

/// Adds what the cotangents of a contact's position and frame give, to wrenches on the links and to the sizes of the surfaces.
pub(crate) fn pull_point(
    model: &Model,
    (parameters, parameters_bar): (&Parameters<f64>, &mut Parameters<f64>),
    contact: &ContactAt<f64>,
    (position_bar, frame_bar): (Vec3<f64>, [Vec3<f64>; 3]),
    place: &mut [Force<f64>],
    s: &Scratch,
) {
    let (pair, mut slopes) = (&model.touch_pairs[contact.pair], vec![]);
    differentiate(model, parameters, (std::slice::from_ref(contact), false), s, &mut slopes);
    let lanes = displace(model, (pair, &slopes[0]), (0.0, position_bar, frame_bar), place, s);
    for (side, geom) in pair.geoms.into_iter().enumerate() {
        let size = &mut parameters_bar.constraints.surfaces[geom].size;
        (0..3).for_each(|k| size[k] += lanes[9 + 3 * side + k]);
    }
}

/// The derivative by the axes of the coordinates goes into `p`; returned are those by position and frame.
fn pull_directions(
    p: &mut Pull<'_>,
    contact: &ContactAt<f64>,
    directions: usize,
    links: [Option<usize>; 2],
    s: &Scratch,
) -> (Vec3<f64>, [Vec3<f64>; 3]) {
    let mut position_bar = Vec3::zero();
    let mut frame_bar = [Vec3::zero(); 3];
    for field in 0..3 {
        let along: [f64; MOST] = p.along[field];
        let (mut force, mut torque) = (Vec3::zero(), Vec3::zero());
        for k in 0..directions {
            let to = if k < 3 { &mut force } else { &mut torque };
            *to += contact.frame[k % 3] * along[k];
        }
        let mut relative = Motion::zero();
        for (link, sign) in links.into_iter().zip([-1.0, 1.0]) {
            let Some(link) = link else { continue };
            let from_origin = contact.position - s.origin(p.model, link);
            let velocity = p.links.fields[field][link];
            let at = Motion { angular: velocity.angular, linear: velocity.at(from_origin) };
            relative += at * sign;
            let wrench =
                Force { angular: (from_origin.cross(force) + torque) * sign, linear: force * sign };
            p.links.wrenches[field][link] += wrench;
            p.links.gyration[link] += velocity.cross_force(wrench);
        }
        position_bar += force.cross(relative.angular);
        for k in 0..directions {
            let by = if k < 3 { relative.linear } else { relative.angular };
            frame_bar[k % 3] += by * along[k];
        }
    }
    (position_bar, frame_bar)
}

/// From the cotangents of a contact's numbers and sizes to those of the surfaces.
fn pull_numbers(p: &mut Pull<'_>, pair: &TouchPair, mixed: &Mixed<f64>, lanes: &[f64; LANES]) {
    let (model, bar) = (p.model, p.numbers_bar);
    let Some(parameters) = p.parameters_bar.as_deref_mut() else { return };
    let to = &mut parameters.constraints;
    for (side, geom) in pair.geoms.into_iter().enumerate() {
        (0..3).for_each(|k| to.surfaces[geom].size[k] += lanes[9 + 3 * side + k]);
        if let Some(body) = model.geoms[geom].body {
            (0..2).for_each(|k| to.weights.bodies[body][k] += bar.weight[k]);
        }
    }
    let mut friction_bar = bar.friction;
    for (by, mu) in friction_bar.iter_mut().zip(mixed.friction) {
        *by = if mu < LEAST_FRICTION { 0.0 } else { *by };
    }
    if let Some(listed) = pair.listed {
        let numbers = &mut to.pairs[listed];
        numbers.friction.iter_mut().zip(friction_bar).for_each(|(a, b)| *a += b);
        numbers.margin -= bar.gap;
        numbers.softness.add(&bar.reference, &bar.impedance);
        return;
    }
    let [f1, f2, f3, f4, f5] = friction_bar;
    unmix(model, pair, p.parameters, &mut to.surfaces, (bar, [f1 + f2, f3, f4 + f5]));
}

/// The derivative of the greatest of two numbers by the first; where they tie, the mean of both sides, as everywhere.
fn share_of_greatest(first: f64, second: f64) -> f64 {
    match first.total_cmp(&second) {
        std::cmp::Ordering::Greater => 1.0,
        std::cmp::Ordering::Equal => 0.5,
        std::cmp::Ordering::Less => 0.0,
    }
}

/// The adjoint of [`mixed`].
fn unmix(
    model: &Model,
    pair: &TouchPair,
    parameters: &Parameters<f64>,
    to: &mut [SurfaceNumbers<f64>],
    (bar, friction_bar): (Numbers<f64>, [f64; 3]),
) {
    let [i, j] = pair.geoms;
    let (a, b) = (&parameters.constraints.surfaces[i], &parameters.constraints.surfaces[j]);
    for geom in [i, j] {
        to[geom].margin -= bar.gap;
    }
    let (first, second) = (model.surfaces[i].priority, model.surfaces[j].priority);
    if first != second {
        let own = &mut to[if first > second { i } else { j }];
        own.friction.iter_mut().zip(friction_bar).for_each(|(x, by)| *x += by);
        own.softness.add(&bar.reference, &bar.impedance);
        return;
    }
    for k in 0..3 {
        let by_first = share_of_greatest(a.friction[k], b.friction[k]);
        to[i].friction[k] += by_first * friction_bar[k];
        to[j].friction[k] += (1.0 - by_first) * friction_bar[k];
    }
    let share = share(a.mix, b.mix);
    let mut share_bar = 0.0;
    let (ra, rb) = (a.softness.reference, b.softness.reference);
    let standard = ra[0] > 0.0 && rb[0] > 0.0;
    for k in 0..2 {
        if standard {
            share_bar += bar.reference[k] * (ra[k] - rb[k]);
            to[i].softness.reference[k] += share * bar.reference[k];
            to[j].softness.reference[k] += (1.0 - share) * bar.reference[k];
        } else {
            let by_first = share_of_greatest(-ra[k], -rb[k]);
            to[i].softness.reference[k] += by_first * bar.reference[k];
            to[j].softness.reference[k] += (1.0 - by_first) * bar.reference[k];
        }
    }
    for k in 0..5 {
        share_bar += bar.impedance[k] * (a.softness.impedance[k] - b.softness.impedance[k]);
        to[i].softness.impedance[k] += share * bar.impedance[k];
        to[j].softness.impedance[k] += (1.0 - share) * bar.impedance[k];
    }
    if share > 0.0 && share < 1.0 && a.mix > 0.0 && b.mix > 0.0 {
        let sum = a.mix + b.mix;
        to[i].mix += share_bar * b.mix / (sum * sum);
        to[j].mix -= share_bar * a.mix / (sum * sum);
    }
}
