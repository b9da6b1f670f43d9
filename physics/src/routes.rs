//! Tendons, thrusts ([`crate::thrust`]) and slider-cranks ([`crate::crank`]): their lengths, and how these move with the coordinates.
//!
//! The length of a fixed tendon is `l = sum c_j q_j`. A spatial one is straight between the points that it joins: over its pieces from
//! `x_a` to `x_b`, with the unit vectors `u` along them and the divisors `p` of its pulleys,
//!
//! ```text
//! l = sum |x_b - x_a|/p,     l' = sum u . (x_b' - x_a')/p = m . v
//! ```
//!
//! A piece that winds around something has a length that depends on where its ends are as seen from there ([`crate::wrap`]): with the derivatives
//! `g_a`, `g_b` by these, `l' = g_a . (x_a' - x_a'') + g_b . (x_b' - x_b'')`, `x''` being the velocity of the point of what it winds around that is there.
//!
//! So does a slider-crank, with one end, which its slider's frame sees.
//!
//! The moments `m` of a spatial tendon or a slider-crank move with the configuration. Whatever depends on them leaves a cotangent `m_bar`; that of the
//! configuration is the derivative of `l'` under the velocities `m_bar`, which [`pull`] gives. Where two points meet, their piece pulls
//! nowhere.

use cotangent_ad::{Dual, Num, Pose, Real, Vec3};

use crate::crank::slide;
use crate::model::{Crank, Model, Piece, PieceEnd, Winding};
use crate::scratch::{Scratch, lift_pose};
use crate::spatial::{Force, Motion};
use crate::thrust;
use crate::wrap::wind;

/// The tendons of a model at a configuration.
#[derive(Clone, Debug)]
pub(crate) struct Routes<T> {
    /// Length of each: of the tendons, then of the thrusts, then of the slider-cranks.
    pub(crate) length: Vec<T>,
    /// Moments of each along the coordinates that move it, one after the other.
    pub(crate) moments: Vec<T>,
    /// Derivatives of the lengths of the thrusts by the same coordinates; those of all others are the moments.
    pub(crate) slopes: Vec<T>,
}

impl<T> Default for Routes<T> {
    fn default() -> Self {
        Self { length: vec![], moments: vec![], slopes: vec![] }
    }
}

impl<T: Num> Routes<T> {
    /// The coordinates of a tendon, thrust or slider-crank, ascending, and its moments there.
    pub(crate) fn parts<'a>(
        &'a self,
        model: &'a Model,
        course: usize,
    ) -> impl Iterator<Item = (usize, T)> + 'a {
        let (dofs, at) = moving(model, course);
        let moments = &self.moments[at..][..dofs.len()];
        dofs.iter().copied().zip(moments.iter().copied())
    }

    /// The coordinates of a thrust, and the derivatives of its length by them.
    pub(crate) fn slopes<'a>(
        &'a self,
        model: &'a Model,
        thrust: usize,
    ) -> impl Iterator<Item = (usize, T)> + 'a {
        let (thrust, first) = (&model.thrusts[thrust], model.thrusts[0].at);
        let slopes = &self.slopes[thrust.at - first..][..thrust.dofs.len()];
        thrust.dofs.iter().copied().zip(slopes.iter().copied())
    }

    /// How fast its length grows.
    pub(crate) fn rate(&self, model: &Model, tendon: usize, v: &[T]) -> T {
        self.parts(model, tendon).fold(T::lit(0.0), |sum, (d, m)| sum + v[d] * m)
    }
}

/// The coordinates that move a tendon or, counted after those, a thrust or, after those, a slider-crank, and the place of its moments.
fn moving(model: &Model, course: usize) -> (&[usize], usize) {
    if let Some(tendon) = model.tendons.get(course) {
        return (&tendon.dofs, tendon.at);
    }
    let course = course - model.tendons.len();
    if let Some(thrust) = model.thrusts.get(course) {
        return (&thrust.dofs, thrust.at);
    }
    let crank = &model.cranks[course - model.thrusts.len()];
    (&crank.dofs, crank.at)
}

/// Adds to the cotangents of the moments of a tendon, thrust or slider-crank, one after the other.
pub(crate) fn add_bars(model: &Model, course: usize, bars: &mut [f64], by: impl Fn(usize) -> f64) {
    let (dofs, at) = moving(model, course);
    let bars = &mut bars[at..][..dofs.len()];
    bars.iter_mut().zip(dofs).for_each(|(bar, d)| *bar += by(*d));
}

/// The place of an end in the world.
fn place<T: Real>(end: &PieceEnd, s: &Scratch<T>) -> Vec3<T> {
    s.link_pose(end.link).point(Vec3::lit(end.point.0))
}

/// The ends of a piece in the world.
fn ends<T: Real>(piece: &Piece, s: &Scratch<T>) -> [Vec3<T>; 2] {
    [place(&piece.ends[0], s), place(&piece.ends[1], s)]
}

/// The frame of what a piece winds around, in the world, and the point in it on whose side it passes.
fn frame<T: Real>(winding: &Winding, s: &Scratch<T>) -> (Pose<T>, Option<Vec3<f64>>) {
    let frame = s.link_pose(winding.link) * lift_pose(&winding.placement);
    let seen = |end: PieceEnd| Vec3(frame.inverse_point(place(&end, s)).0.map(T::concrete));
    (frame, winding.side.map(seen))
}

/// Length of a piece, its derivatives by its ends as seen from what it winds around, in world axes, and what that is, if it does.
fn length_of<'a, T: Real>(
    piece: &'a Piece,
    points: [Vec3<T>; 2],
    s: &Scratch<T>,
) -> (T, [Vec3<T>; 2], Option<&'a Winding>) {
    if let Some(winding) = &piece.winding {
        let (frame, side) = frame(winding, s);
        let seen = points.map(|x| frame.inverse_point(x));
        if let Some((length, slopes)) = wind(winding.spool, seen, side) {
            return (length, slopes.map(|g| frame.direction(g)), Some(winding));
        }
    }
    let (length, along) = direction(points[1] - points[0]);
    (length, [-along, along], None)
}

/// Adds `S_d . W` of the wrench of `force` at `x` to the moments of the coordinates that move `link`.
fn add_moments<T: Real>(
    model: &Model,
    (link, x, force): (Option<usize>, Vec3<T>, Vec3<T>),
    (dofs, moments): (&[usize], &mut [T]),
    s: &Scratch<T>,
) {
    let Some(link) = link else { return };
    let wrench = Force::at(x - s.origin(model, link), force);
    let mut dof = model.last_dof(Some(link));
    while let Some(d) = dof {
        let at = dofs.partition_point(|other| *other < d);
        moments[at] += s.axis[d].dot(wrench);
        dof = model.dof_parent[d];
    }
}

/// Length of a vector, and its direction; none where it is 0.
fn direction<T: Real>(d: Vec3<T>) -> (T, Vec3<T>) {
    let square = d.dot(d);
    if square > 0.0 {
        let length = square.sqrt();
        (length, d * length.recip())
    } else {
        (T::lit(0.0), Vec3::zero())
    }
}

/// Lays the tendons into `s.routes`, after kinematics.
pub(crate) fn lay<T: Real>(model: &Model, q: &[T], s: &mut Scratch<T>) {
    let mut routes = std::mem::take(&mut s.routes);
    routes.length.clear();
    routes.moments.clear();
    routes.slopes.clear();
    for tendon in &model.tendons {
        let first = routes.moments.len();
        let mut length = T::lit(0.0);
        for part in &tendon.parts {
            length += q[part.q_at] * part.coefficient;
            routes.moments.push(T::lit(part.coefficient));
        }
        routes.moments.resize(first + tendon.dofs.len(), T::lit(0.0));
        let moments = &mut routes.moments[first..];
        for piece in &tendon.pieces {
            let points = ends(piece, s);
            let (distance, slopes, winding) = length_of(piece, points, s);
            length += distance / piece.divisor;
            for side in 0..2 {
                let (x, force) = (points[side], slopes[side] * T::lit(1.0 / piece.divisor));
                let to = (tendon.dofs.as_slice(), &mut *moments);
                add_moments(model, (piece.ends[side].link, x, force), to, s);
                if let Some(winding) = winding {
                    let to = (tendon.dofs.as_slice(), &mut *moments);
                    add_moments(model, (winding.link, x, -force), to, s);
                }
            }
        }
        routes.length.push(length);
    }
    for thrust in &model.thrusts {
        let lists = (&mut routes.moments, &mut routes.slopes);
        routes.length.push(thrust::lay(model, thrust, lists, s));
    }
    for crank in &model.cranks {
        let (x, length, force) = slider(crank, s);
        let first = routes.moments.len();
        routes.moments.resize(first + crank.dofs.len(), T::lit(0.0));
        for (link, force) in [(crank.end.link, force), (crank.mount.link, -force)] {
            let to = (crank.dofs.as_slice(), &mut routes.moments[first..]);
            add_moments(model, (link, x, force), to, s);
        }
        routes.length.push(length);
    }
    s.routes = routes;
}

/// The crank's end, the place of the slider, and its derivative by the crank's end as seen from the slider, in world axes.
fn slider<T: Real>(crank: &Crank, s: &Scratch<T>) -> (Vec3<T>, T, Vec3<T>) {
    let frame = s.link_pose(crank.mount.link) * lift_pose(&crank.mount.placement);
    let x = place(&crank.end, s);
    let (length, slope) = slide(crank.rod, frame.inverse_point(x));
    (x, length, frame.direction(slope))
}

/// Adds the derivative by the configuration of `sum m_bar . m` over the spatial tendons, thrusts and slider-cranks; kinematics are those of the
/// point.
pub(crate) fn pull(model: &Model, moment_bars: &[f64], q_bar: &mut [f64], s: &Scratch) {
    let own = |at: usize, dofs: &[usize]| {
        let bars = &moment_bars[at..][..dofs.len()];
        bars.iter().any(|bar| *bar != 0.0).then_some(bars)
    };
    let spread = |dofs: &[usize], bars: &[f64]| {
        let mut w = vec![0.0; model.nv()];
        dofs.iter().zip(bars).for_each(|(d, bar)| w[*d] = *bar);
        w
    };
    for tendon in model.tendons.iter().filter(|t| !t.pieces.is_empty()) {
        let Some(bars) = own(tendon.at, &tendon.dofs) else { continue };
        pull_slopes(model, &spread(&tendon.dofs, bars), q_bar, s, |pull| {
            tendon.pieces.iter().for_each(|piece| pull.piece(model, piece, s));
        });
    }
    for thrust in &model.thrusts {
        let Some(bars) = own(thrust.at, &thrust.dofs) else { continue };
        thrust::pull(model, thrust, bars, q_bar, s);
    }
    for crank in &model.cranks {
        let Some(bars) = own(crank.at, &crank.dofs) else { continue };
        pull_slopes(model, &spread(&crank.dofs, bars), q_bar, s, |pull| {
            pull.crank(model, crank, s);
        });
    }
}

/// The derivative of a rate of length under the velocities `w`, the axes and points being those of a configuration; `add` adds the parts of the length.
///
/// With the velocity `V` of a link and a wrench `W` on it, turning what is above joint `j` changes `W . V` by `S_j . (V x* W - V_p x* W)`, as in
/// inverse dynamics; moving the points changes the directions, and what turning links give to the points' velocities.
fn pull_slopes(
    model: &Model,
    w: &[f64],
    q_bar: &mut [f64],
    s: &Scratch,
    add: impl FnOnce(&mut Pull<'_>),
) {
    let links = model.links();
    let mut field: Vec<Motion<f64>> = Vec::with_capacity(links.len());
    for link in links {
        let around = link.parent.map_or_else(Motion::zero, |p| field[p]);
        let dofs = link.v_at..link.v_at + link.joint.nv();
        field.push(dofs.fold(around, |sum, d| sum + s.axis[d] * w[d]));
    }
    let mut wrench = vec![Force::zero(); links.len()];
    let mut turned = wrench.clone();
    add(&mut Pull { field: &field, wrench: &mut wrench, turned: &mut turned });
    for (i, link) in links.iter().enumerate().rev() {
        let mut sum = turned[i];
        if let Some(p) = link.parent {
            sum = sum - field[p].cross_force(wrench[i]);
            let below = (wrench[i], turned[i]);
            wrench[p] += below.0;
            turned[p] += below.1;
        }
        for d in link.v_at..link.v_at + link.joint.nv() {
            q_bar[d] += s.axis[d].dot(sum);
        }
    }
}

/// What parts of a length leave on the links under a field of velocities.
struct Pull<'a> {
    field: &'a [Motion<f64>],
    /// Wrenches `W` on each link.
    wrench: &'a mut [Force<f64>],
    /// `V x* W`, and what moving its points gives.
    turned: &'a mut [Force<f64>],
}

/// An end of a part of a length: a point on a link, which another link sees.
#[derive(Clone, Copy)]
struct End {
    link: Option<usize>,
    seen_from: Option<usize>,
    x: Vec3<f64>,
}

impl Pull<'_> {
    /// The velocity of a link's point.
    fn velocity(&self, model: &Model, link: Option<usize>, x: Vec3<f64>, s: &Scratch) -> Vec3<f64> {
        link.map_or_else(Vec3::zero, |l| self.field[l].at(x - s.origin(model, l)))
    }

    /// The velocity of an end as seen from the other link.
    fn seen(&self, model: &Model, end: End, s: &Scratch) -> Vec3<f64> {
        self.velocity(model, end.link, end.x, s) - self.velocity(model, end.seen_from, end.x, s)
    }

    /// Adds a piece. With the velocities `y` of its ends as seen from what it winds around and the second derivatives `H` of its length by its
    /// ends, the slopes change by `H` times how the ends move there, and turn with it.
    fn piece(&mut self, model: &Model, piece: &Piece, s: &Scratch) {
        let points = ends(piece, s);
        let (length, slopes, winding) = length_of(piece, points, s);
        if length == 0.0 {
            return;
        }
        let seen_from = winding.and_then(|winding| winding.link);
        let ends = [0, 1].map(|k| End { link: piece.ends[k].link, seen_from, x: points[k] });
        let seen = ends.map(|end| self.seen(model, end, s));
        let bent = if let Some(winding) = winding {
            bent_around(winding, points, seen, s)
        } else {
            let (along, apart) = (slopes[1], seen[1] - seen[0]);
            let across = (apart - along * along.dot(apart)) * length.recip();
            [-across, across]
        };
        for side in 0..2 {
            let slopes = [slopes[side], bent[side]].map(|v| v * piece.divisor.recip());
            self.end(model, ends[side], (slopes, seen[side]), s);
        }
    }

    /// Adds a slider-crank, whose end the slider sees.
    fn crank(&mut self, model: &Model, crank: &Crank, s: &Scratch) {
        let frame = s.link_pose(crank.mount.link) * crank.mount.placement;
        let (x, _, slope) = slider(crank, s);
        let end = End { link: crank.end.link, seen_from: crank.mount.link, x };
        let seen = self.seen(model, end, s);
        let (y, rate) = (frame.inverse_point(x), frame.rotation.transpose_mul(seen));
        let (_, moving) = slide(crank.rod, along(y, rate));
        let bent = frame.direction(Vec3(moving.0.map(|x| x.eps[0])));
        self.end(model, end, ([slope, bent], seen), s);
    }

    /// Adds an end by the slope of the length there and how that slope changes, with the end's velocity as seen from the other link.
    fn end(
        &mut self,
        model: &Model,
        end: End,
        ([force, by_point], seen): ([Vec3<f64>; 2], Vec3<f64>),
        s: &Scratch,
    ) {
        let turning = |link: Option<usize>| link.map_or_else(Vec3::zero, |l| self.field[l].angular);
        let turning = turning(end.link) - turning(end.seen_from);
        if let Some(link) = end.link {
            let x = end.x - s.origin(model, link);
            self.add(link, Force::at(x, force));
            self.turned[link] += Force::at(x, by_point + force.cross(turning));
        }
        if let Some(link) = end.seen_from {
            let x = end.x - s.origin(model, link);
            self.add(link, Force::at(x, -force));
            self.turned[link] += Force::at(x, -by_point);
            self.turned[link] += Force { angular: force.cross(seen), linear: Vec3::zero() };
        }
    }

    fn add(&mut self, link: usize, wrench: Force<f64>) {
        self.wrench[link] += wrench;
        self.turned[link] += self.field[link].cross_force(wrench);
    }
}

/// A point with a lane for its motion.
fn along(x: Vec3<f64>, rate: Vec3<f64>) -> Vec3<Dual<f64, 1>> {
    Vec3([0, 1, 2].map(|i| Dual { re: x[i], eps: [rate[i]] }))
}

/// The second derivatives of a wound length by its ends, times velocities of these. They are those of its slopes, by duals.
fn bent_around(
    winding: &Winding,
    points: [Vec3<f64>; 2],
    seen: [Vec3<f64>; 2],
    s: &Scratch,
) -> [Vec3<f64>; 2] {
    let (frame, side) = frame(winding, s);
    let inside = |v: Vec3<f64>| frame.rotation.transpose_mul(v);
    let moving = [0, 1].map(|k| along(frame.inverse_point(points[k]), inside(seen[k])));
    let none = [Vec3::zero(); 2];
    wind(winding.spool, moving, side).map_or(none, |(_, slopes)| {
        // H is symmetric: what it does to the velocities is how the slopes change along them
        slopes.map(|g| frame.direction(Vec3(g.0.map(|x| x.eps[0]))))
    })
}
