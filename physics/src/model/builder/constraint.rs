//! What constrains a model: surfaces, pairs, couplings; and which geoms may touch.

use std::collections::BTreeSet;

use cotangent_ad::Pose;

use super::{
    BuildError, CouplingSpec, JointSpec, Mobility, ModelBuilder, PairSpec, StopSpec, SurfaceSpec,
    TieSpec, finite, finite_pose, named, not_negative,
};
use crate::collide::{is_supported, rank};
use crate::kinematics::place_links;
use crate::model::{
    ConstraintOptions, Coupling, CouplingNumbers, FrictionNumbers, Line, Model, PairNumbers, Shape,
    Softness, Stop, StopNumbers, SurfaceNumbers, Tie, TieEnd, TieNumbers, TouchPair,
};
use crate::scratch::Scratch;

/// What is said of contacts before the model is whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Contacts {
    /// Bodies that do not touch each other.
    excluded: BTreeSet<[usize; 2]>,
    /// Pairs by name: geoms and directions.
    listed: Vec<([usize; 2], usize)>,
    /// Whether bodies that share a joint may touch.
    neighbours: bool,
}

fn ordered([a, b]: [usize; 2]) -> [usize; 2] {
    [a.min(b), a.max(b)]
}

fn check_softness(of: &str, softness: &Softness<f64>) -> Result<(), BuildError> {
    finite("solref", of, &softness.reference)?;
    finite("solimp", of, &softness.impedance)
}

impl ModelBuilder {
    /// What holds for all constraints.
    ///
    /// # Errors
    /// An impedance of friction that is not positive, a time constant that is negative.
    pub fn constraint_options(&mut self, options: ConstraintOptions) -> Result<(), BuildError> {
        let of = "the model";
        super::check("impratio", of, &[options.friction_impedance], "positive", |x| x > 0.0)?;
        not_negative("least time constant", of, &[options.least_time_constant])?;
        self.model.constraint_options = options;
        Ok(())
    }

    /// Bodies that are fixed to each other count as one where constraints are scaled by the inertia of what they hold, as MuJoCo
    /// counts those of a URDF file, which it fuses; else each body counts where its own centre of mass is.
    pub fn fuse_fixed_bodies(&mut self) {
        self.fused = true;
    }

    /// Whether bodies that share a joint may touch; they do not, unless this is asked for.
    pub fn neighbours_touch(&mut self, touch: bool) {
        self.contacts.neighbours = touch;
    }

    /// Gives a geom, by index, a surface that touches others. Without it a geom touches nothing.
    ///
    /// # Errors
    /// Numbers that are not finite or negative; directions other than 1, 3, 4 and 6.
    ///
    /// # Panics
    /// Where there is no such geom.
    pub fn surface(&mut self, geom: usize, spec: &SurfaceSpec) -> Result<(), BuildError> {
        let of = &named("geom", &self.model.geoms[geom].name);
        not_negative("friction", of, &spec.friction)?;
        finite("margin", of, &[spec.margin])?;
        not_negative("solmix", of, &[spec.mix])?;
        check_softness(of, &spec.softness)?;
        check_directions(of, spec.surface.directions)?;
        self.model.surfaces[geom] = spec.surface;
        let numbers = &mut self.model.parameters.constraints.surfaces[geom];
        let size = numbers.size;
        let (friction, margin, mix) = (spec.friction, spec.margin, spec.mix);
        *numbers = SurfaceNumbers { size, friction, margin, mix, softness: spec.softness };
        Ok(())
    }

    /// Two bodies that do not touch each other; `None` is the world.
    pub fn exclude(&mut self, first: Option<usize>, second: Option<usize>) {
        let index = |body: Option<usize>| body.map_or(0, |b| b + 1);
        self.contacts.excluded.insert(ordered([index(first), index(second)]));
    }

    /// Two geoms, by index, that touch with numbers of their own, whatever their surfaces say.
    ///
    /// # Errors
    /// Numbers that are not finite or negative; directions other than 1, 3, 4 and 6.
    ///
    /// # Panics
    /// Where there is no such geom.
    pub fn pair(&mut self, spec: &PairSpec) -> Result<(), BuildError> {
        let names = spec.geoms.map(|g| named("geom", &self.model.geoms[g].name));
        let of = &format!("the pair of {} and {}", names[0], names[1]);
        not_negative("friction", of, &spec.friction)?;
        finite("margin", of, &[spec.margin])?;
        check_softness(of, &spec.softness)?;
        check_directions(of, spec.directions)?;
        self.contacts.listed.push((spec.geoms, spec.directions));
        let (friction, margin, softness) = (spec.friction, spec.margin, spec.softness);
        self.model.parameters.constraints.pairs.push(PairNumbers { friction, margin, softness });
        Ok(())
    }

    /// Couples two joints or two tendons, or holds one.
    ///
    /// # Errors
    /// A name that exists, numbers that are not finite, a joint of more than one coordinate, one that is coupled to itself.
    ///
    /// # Panics
    /// Where there is no such joint or tendon.
    pub fn couple(&mut self, spec: &CouplingSpec) -> Result<(), BuildError> {
        self.unique("equalities", &spec.name)?;
        let of = &named("coupling", &spec.name);
        finite("polynomial", of, &spec.polynomial)?;
        check_softness(of, &spec.softness)?;
        for line in [Some(spec.first), spec.second].into_iter().flatten() {
            match line {
                Line::Joint(joint) => {
                    let joint = &self.model.joints[joint];
                    if joint.v.1 != 1 {
                        let (what, joint, nv) = ("a coupling", joint.name.clone(), joint.v.1);
                        return Err(BuildError::NotScalar { what, joint, nv });
                    }
                }
                Line::Tendon(tendon) => {
                    assert!(tendon < self.model.tendons.len(), "no tendon {tendon}");
                }
            }
        }
        if spec.second == Some(spec.first) {
            return Err(BuildError::CoupledToItself(spec.name.clone()));
        }
        let (name, first, second) = (spec.name.clone(), spec.first, spec.second);
        self.model.couplings.push(Coupling { name, first, second });
        let (polynomial, softness) = (spec.polynomial, spec.softness);
        let numbers = CouplingNumbers { polynomial, softness };
        self.model.parameters.constraints.couplings.push(numbers);
        Ok(())
    }

    /// Where a body stands at the reference configuration; `None` is the world.
    pub(crate) fn reference_pose(&self, body: Option<usize>) -> Pose<f64> {
        let model = &self.model;
        let Some(body) = body.map(|b| &model.bodies[b]) else { return Pose::identity() };
        let mut s = Scratch::new(model);
        place_links(model, &model.parameters, &model.q0, &mut s);
        s.link_pose(body.link) * body.placement
    }

    /// Ties two bodies.
    ///
    /// # Errors
    /// A name that exists, numbers that are not finite, bodies that are fixed to each other.
    ///
    /// # Panics
    /// Where there is no such body.
    pub fn tie(&mut self, spec: &TieSpec) -> Result<(), BuildError> {
        self.unique("equalities", &spec.name)?;
        let of = &named("tie", &spec.name);
        not_negative("torque scale", of, &[spec.torque_scale])?;
        check_softness(of, &spec.softness)?;
        let mut ends = vec![];
        for (body, placement) in &spec.ends {
            finite_pose(of, placement)?;
            let (link, around) = match body.map(|b| &self.model.bodies[b]) {
                None => (None, Pose::identity()),
                Some(body) => (body.link, body.placement),
            };
            ends.push(TieEnd { body: *body, link, placement: around * *placement });
        }
        let ends = [ends[0], ends[1]];
        if ends[0].link == ends[1].link {
            return Err(BuildError::TiedToItself(spec.name.clone()));
        }
        self.model.ties.push(Tie { name: spec.name.clone(), ends, welded: spec.welded });
        let (torque_scale, softness) = (spec.torque_scale, spec.softness);
        self.model.parameters.constraints.ties.push(TieNumbers { torque_scale, softness });
        Ok(())
    }

    /// A stop and dry friction of a joint or tendon.
    pub(super) fn constrain_line(
        &mut self,
        line: Line,
        (range, stop): (Option<[f64; 2]>, Option<StopSpec>),
        (loss, softness): (f64, Softness<f64>),
    ) {
        let constraints = &mut self.model.parameters.constraints;
        if let (Some(range), Some(StopSpec { margin, softness })) = (range, stop) {
            self.model.stops.push(Stop { line });
            constraints.stops.push(StopNumbers { range, margin, softness });
        }
        if loss > 0.0 {
            self.model.dry_friction.push(line);
            constraints.frictions.push(FrictionNumbers { loss, softness });
        }
    }
}

fn check_directions(of: &str, directions: usize) -> Result<(), BuildError> {
    let value = directions as f64;
    super::check("condim", of, &[value], "1, 3, 4 or 6", |_| [1, 3, 4, 6].contains(&directions))
}

/// Checks the softness of a joint's or tendon's constraints.
pub(super) fn check_line(
    of: &str,
    stop: Option<StopSpec>,
    friction: &Softness<f64>,
) -> Result<(), BuildError> {
    check_softness(of, friction)?;
    let Some(StopSpec { margin, softness }) = stop else { return Ok(()) };
    finite("margin", of, &[margin])?;
    check_softness(of, &softness)
}

/// Most pairs of geoms that may touch: every step looks at each.
pub(crate) const MOST_PAIRS: usize = 200_000;

/// Which geoms may touch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touching {
    /// In order.
    pub(super) pairs: Vec<TouchPair>,
    /// Pairs whose contact is not known.
    pub(crate) unsupported: Vec<[usize; 2]>,
    /// Whether there are more than [`MOST_PAIRS`]; then there are none.
    pub(crate) too_many: bool,
}

impl Touching {
    fn add(&mut self, model: &Model, geoms: [usize; 2], listed: Option<usize>, directions: usize) {
        let shape = |g: usize| &model.geoms[g].shape;
        let mut geoms = ordered(geoms);
        geoms.sort_by_key(|g| rank(shape(*g)).unwrap_or(usize::MAX));
        let [a, b] = geoms.map(shape);
        if is_supported(a, b) {
            self.pairs.push(TouchPair { geoms, listed, directions });
        } else if !matches!((a, b), (Shape::Plane, Shape::Plane)) {
            self.unsupported.push(geoms);
        }
    }

    /// Those of a model.
    pub(super) fn of(model: &Model, contacts: &Contacts) -> Self {
        let mut touching = Self::default();
        let link = |g: usize| model.geoms[g].body.and_then(|b| model.bodies[b].link);
        let mut named = BTreeSet::new();
        for (k, (geoms, directions)) in contacts.listed.iter().enumerate() {
            named.insert(ordered(*geoms));
            if link(geoms[0]) != link(geoms[1]) {
                touching.add(model, *geoms, Some(k), *directions);
            }
        }
        let surfaces = &model.surfaces;
        let bare = |g: &usize| surfaces[*g].kind == 0 && surfaces[*g].touches == 0;
        let able: Vec<usize> = (0..model.geoms.len()).filter(|g| !bare(g)).collect();
        for (k, &b) in able.iter().enumerate() {
            for &a in &able[..k] {
                let (first, second) = (&surfaces[a], &surfaces[b]);
                let meet = first.kind & second.touches != 0 || second.kind & first.touches != 0;
                if !meet || named.contains(&[a, b]) || held(model, contacts, [a, b]) {
                    continue;
                }
                let directions = match first.priority.cmp(&second.priority) {
                    std::cmp::Ordering::Greater => first.directions,
                    std::cmp::Ordering::Less => second.directions,
                    std::cmp::Ordering::Equal => first.directions.max(second.directions),
                };
                touching.add(model, [a, b], None, directions);
                if touching.pairs.len() + touching.unsupported.len() > MOST_PAIRS {
                    return Self { too_many: true, ..Self::default() };
                }
            }
        }
        touching
    }
}

/// Whether two geoms move together, share a joint, or are excluded.
fn held(model: &Model, contacts: &Contacts, geoms: [usize; 2]) -> bool {
    let bodies = geoms.map(|g| model.geoms[g].body);
    let [a, b] = bodies.map(|body| body.and_then(|b| model.bodies[b].link));
    let index = bodies.map(|body| body.map_or(0, |b| b + 1));
    are_held(model, contacts.neighbours, [a, b]) || contacts.excluded.contains(&ordered(index))
}

/// Whether what is fixed to two links, `None` being the world, never touches.
pub(crate) fn are_held(model: &Model, neighbours: bool, [a, b]: [Option<usize>; 2]) -> bool {
    let around = |link: Option<usize>| link.and_then(|l| model.links[l].around);
    let shared = a.is_some() && b.is_some() && (around(a) == b || around(b) == a);
    a == b || (shared && !neighbours)
}

/// Whether a joint is a slide along one of the body's axes, at its origin.
pub(super) fn is_aligned_slide(joint: &JointSpec) -> bool {
    let zero = |x: &f64| x.abs() < 1e-14;
    let Mobility::Slide(axis) = joint.mobility else { return false };
    joint.anchor.iter().all(zero) && axis.iter().filter(|x| zero(x)).count() == 2
}
