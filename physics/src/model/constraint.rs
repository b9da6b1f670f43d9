//! What constrains a model: stops, dry friction, couplings, ties, surfaces that touch.

use cotangent_ad::{Num, Pose};

use super::{Model, Shape};
use crate::routes::{Routes, add_bars};

/// How stiff, how damped and how soft a constraint is: MuJoCo's `solref` and `solimp`.
///
/// The reference is a time constant and a damping ratio or, where both are not positive, minus a stiffness and minus a damping. The
/// impedance grows from the first number at no violation to the second at a violation of the third, by a power (fifth) with
/// its middle at the fourth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Softness<T> {
    /// `solref`.
    pub reference: [T; 2],
    /// `solimp`.
    pub impedance: [T; 5],
}

impl Softness<f64> {
    /// MuJoCo's default.
    pub const DEFAULT: Self =
        Self { reference: [0.02, 1.0], impedance: [0.9, 0.95, 0.001, 0.5, 2.0] };
}

impl Default for Softness<f64> {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl<T: Copy> Softness<T> {
    pub(super) fn map<U>(&self, f: &mut impl FnMut(&T) -> U) -> Softness<U> {
        Softness {
            reference: self.reference.each_ref().map(&mut *f),
            impedance: self.impedance.each_ref().map(&mut *f),
        }
    }
}

/// The numbers of a stop: what keeps a joint or tendon in its range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StopNumbers<T> {
    /// Least and greatest coordinate or length; of a ball, 0 and the greatest angle.
    pub range: [T; 2],
    /// Distance from the end of the range at which the stop begins to act.
    pub margin: T,
    /// How soft it is.
    pub softness: Softness<T>,
}

/// The numbers of dry friction in a joint or tendon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrictionNumbers<T> {
    /// Greatest force, N m or N.
    pub loss: T,
    /// How soft it is.
    pub softness: Softness<T>,
}

/// The numbers of a coupling of two joints or tendons: `x = p0 + p1 y + p2 y^2 + p3 y^3 + p4 y^4`, displacements from the reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CouplingNumbers<T> {
    /// The polynomial's coefficients.
    pub polynomial: [T; 5],
    /// How soft it is.
    pub softness: Softness<T>,
}

/// The numbers of a tie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TieNumbers<T> {
    /// Weight of a turn against a shift, m: by how much the vector part of the quaternion between the two frames counts.
    pub torque_scale: T,
    /// How soft it is.
    pub softness: Softness<T>,
}

/// The numbers of a geom's surface.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SurfaceNumbers<T> {
    /// Sizes, m: radius; radius and half length; or half edges. They move the surface; masses have numbers of their own.
    pub size: [T; 3],
    /// Coefficients of sliding, torsional (m) and rolling (m) friction.
    pub friction: [T; 3],
    /// Distance at which contact begins to act, added to the other geom's, m.
    pub margin: T,
    /// Weight of its softness against the other geom's.
    pub mix: T,
    /// How soft it is.
    pub softness: Softness<T>,
}

/// The numbers of a pair of geoms that is listed by name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairNumbers<T> {
    /// Coefficients of friction: sliding along two axes, torsional, rolling about two axes.
    pub friction: [T; 5],
    /// Distance at which contact begins to act, m.
    pub margin: T,
    /// How soft it is.
    pub softness: Softness<T>,
}

/// Inverse inertias where the model was described, by which MuJoCo scales the softness of constraints (`invweight0`).
///
/// They are numbers of their own, as in a compiled MuJoCo model: other masses leave them as they are until
/// [`Model::weights_at_reference`](crate::Model::weights_at_reference) gives them anew.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights<T> {
    /// Of each body at its centre of mass: mean over directions of the acceleration under a unit force, 1/kg, and of the angular
    /// acceleration under a unit torque, 1/(kg m^2).
    pub bodies: Vec<[T; 2]>,
    /// Of each coordinate, mean over those of its joint. Entries: `nv`.
    pub coordinates: Vec<T>,
    /// Of each tendon.
    pub tendons: Vec<T>,
}

impl<T: Copy> Weights<T> {
    pub(super) fn map<U>(&self, f: &mut impl FnMut(&T) -> U) -> Weights<U> {
        Weights {
            bodies: self.bodies.iter().map(|x| x.each_ref().map(&mut *f)).collect(),
            coordinates: self.coordinates.iter().map(&mut *f).collect(),
            tendons: self.tendons.iter().map(&mut *f).collect(),
        }
    }
}

/// The numbers of all constraints of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ConstraintNumbers<T> {
    /// Of stops, in the order of [`Model::stops`](crate::Model::stops).
    pub stops: Vec<StopNumbers<T>>,
    /// Of dry friction, in the order of [`Model::dry_friction`](crate::Model::dry_friction).
    pub frictions: Vec<FrictionNumbers<T>>,
    /// Of couplings, in the order of [`Model::couplings`](crate::Model::couplings).
    pub couplings: Vec<CouplingNumbers<T>>,
    /// Of ties, in the order of [`Model::ties`](crate::Model::ties).
    pub ties: Vec<TieNumbers<T>>,
    /// Of the surface of each geom.
    pub surfaces: Vec<SurfaceNumbers<T>>,
    /// Of pairs listed by name.
    pub pairs: Vec<PairNumbers<T>>,
    /// Inverse inertias that scale softness.
    pub weights: Weights<T>,
}

impl ConstraintNumbers<f64> {
    pub(super) fn empty() -> Self {
        let weights = Weights { bodies: vec![], coordinates: vec![], tendons: vec![] };
        let (stops, frictions, couplings) = (vec![], vec![], vec![]);
        let (ties, surfaces, pairs) = (vec![], vec![], vec![]);
        Self { stops, frictions, couplings, ties, surfaces, pairs, weights }
    }

    /// How many numbers there are of each kind.
    pub(super) fn counts(&self) -> [(&'static str, usize); 9] {
        [
            ("stops", self.stops.len()),
            ("dry friction", self.frictions.len()),
            ("couplings", self.couplings.len()),
            ("ties", self.ties.len()),
            ("surfaces", self.surfaces.len()),
            ("pairs", self.pairs.len()),
            ("body weights", self.weights.bodies.len()),
            ("coordinate weights", self.weights.coordinates.len()),
            ("tendon weights", self.weights.tendons.len()),
        ]
    }

    /// Numbers that may not be negative.
    pub(super) fn unsigned(&self) -> Vec<(&'static str, Vec<f64>)> {
        let surfaces = &self.surfaces;
        vec![
            ("dry friction", self.frictions.iter().map(|f| f.loss).collect()),
            ("torque scale of a tie", self.ties.iter().map(|t| t.torque_scale).collect()),
            ("size of a surface", surfaces.iter().flat_map(|s| s.size).collect()),
            ("friction of a surface", surfaces.iter().flat_map(|s| s.friction).collect()),
            ("mix of a surface", surfaces.iter().map(|s| s.mix).collect()),
            ("friction of a pair", self.pairs.iter().flat_map(|p| p.friction).collect()),
            ("body weight", self.weights.bodies.concat()),
            ("coordinate weight", self.weights.coordinates.clone()),
            ("tendon weight", self.weights.tendons.clone()),
        ]
    }
}

impl<T: Copy> ConstraintNumbers<T> {
    /// Every number through `f`.
    pub(super) fn map<U>(&self, f: &mut impl FnMut(&T) -> U) -> ConstraintNumbers<U> {
        let mut stops = Vec::with_capacity(self.stops.len());
        for s in &self.stops {
            let (range, margin) = (s.range.each_ref().map(&mut *f), f(&s.margin));
            stops.push(StopNumbers { range, margin, softness: s.softness.map(f) });
        }
        let mut frictions = Vec::with_capacity(self.frictions.len());
        for n in &self.frictions {
            frictions.push(FrictionNumbers { loss: f(&n.loss), softness: n.softness.map(f) });
        }
        let mut couplings = Vec::with_capacity(self.couplings.len());
        for c in &self.couplings {
            let polynomial = c.polynomial.each_ref().map(&mut *f);
            couplings.push(CouplingNumbers { polynomial, softness: c.softness.map(f) });
        }
        let mut ties = Vec::with_capacity(self.ties.len());
        for t in &self.ties {
            ties.push(TieNumbers { torque_scale: f(&t.torque_scale), softness: t.softness.map(f) });
        }
        let mut surfaces = Vec::with_capacity(self.surfaces.len());
        for s in &self.surfaces {
            let (size, friction) =
                (s.size.each_ref().map(&mut *f), s.friction.each_ref().map(&mut *f));
            let (margin, mix) = (f(&s.margin), f(&s.mix));
            surfaces.push(SurfaceNumbers {
                size,
                friction,
                margin,
                mix,
                softness: s.softness.map(f),
            });
        }
        let mut pairs = Vec::with_capacity(self.pairs.len());
        for p in &self.pairs {
            let (friction, margin) = (p.friction.each_ref().map(&mut *f), f(&p.margin));
            pairs.push(PairNumbers { friction, margin, softness: p.softness.map(f) });
        }
        let weights = self.weights.map(f);
        ConstraintNumbers { stops, frictions, couplings, ties, surfaces, pairs, weights }
    }
}

impl Softness<f64> {
    /// Adds to a cotangent.
    pub(crate) fn add(&mut self, reference: &[f64; 2], impedance: &[f64; 5]) {
        self.reference.iter_mut().zip(reference).for_each(|(a, b)| *a += b);
        self.impedance.iter_mut().zip(impedance).for_each(|(a, b)| *a += b);
    }
}

/// What moves along one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// A joint, by index; a hinge or slide where a length is meant.
    Joint(usize),
    /// A tendon, by index.
    Tendon(usize),
}

impl Line {
    /// Its coordinate or length.
    pub(crate) fn length<T: Num>(self, model: &Model, q: &[T], routes: &Routes<T>) -> T {
        match self {
            Self::Joint(joint) => q[model.joints[joint].q.0],
            Self::Tendon(tendon) => routes.length[tendon],
        }
    }

    /// Coordinates of `v` that move it, ascending, and the rate of each.
    pub(crate) fn parts<'a, T: Num>(
        self,
        model: &'a Model,
        routes: &'a Routes<T>,
    ) -> impl Iterator<Item = (usize, T)> + 'a {
        let (joint, tendon) = match self {
            Self::Joint(joint) => (Some((model.joints[joint].v.0, T::lit(1.0))), None),
            Self::Tendon(tendon) => (None, Some(routes.parts(model, tendon))),
        };
        joint.into_iter().chain(tendon.into_iter().flatten())
    }

    /// Adds to the cotangents of the rates of a tendon.
    pub(crate) fn add_bars(self, model: &Model, bars: &mut [f64], by: impl Fn(usize) -> f64) {
        if let Self::Tendon(tendon) = self {
            add_bars(model, tendon, bars, by);
        }
    }

    /// Its inverse inertia.
    pub(crate) fn weight<T: Copy>(self, model: &Model, weights: &Weights<T>) -> T {
        match self {
            Self::Joint(joint) => weights.coordinates[model.joints[joint].v.0],
            Self::Tendon(tendon) => weights.tendons[tendon],
        }
    }

    /// The same, to add to.
    pub(crate) fn weight_mut<'w>(
        self,
        model: &Model,
        weights: &'w mut Weights<f64>,
    ) -> &'w mut f64 {
        match self {
            Self::Joint(joint) => &mut weights.coordinates[model.joints[joint].v.0],
            Self::Tendon(tendon) => &mut weights.tendons[tendon],
        }
    }
}

/// What keeps a joint or tendon in its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// What it stops.
    pub line: Line,
}

/// Two joints or two tendons that a polynomial couples, or one that is held.
#[derive(Clone, Debug, PartialEq)]
pub struct Coupling {
    /// Its name; may be empty.
    pub name: String,
    /// What is coupled.
    pub first: Line,
    /// What it is coupled to; where there is nothing, the first is held at the constant of its polynomial.
    pub second: Option<Line>,
}

/// One end of a tie: a frame that is fixed to a body.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TieEnd {
    /// The body; `None` is the world.
    pub body: Option<usize>,
    /// The link that it is fixed to; `None` is the world.
    pub link: Option<usize>,
    /// The frame in the link's.
    pub placement: Pose<f64>,
}

/// Two bodies whose points, or whose frames, are held together.
#[derive(Clone, Debug, PartialEq)]
pub struct Tie {
    /// Its name; may be empty.
    pub name: String,
    /// What is held together.
    pub ends: [TieEnd; 2],
    /// Whether the frames may not turn against each other either.
    pub welded: bool,
}

/// What a geom's surface may touch, and how many directions of friction it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surface {
    /// Bits of what it is.
    pub kind: u32,
    /// Bits of what it touches: two geoms may touch where the kind of one meets this of the other.
    pub touches: u32,
    /// Directions in which contact has force: 1 along the normal, 3 with sliding, 4 with torsional, 6 with rolling friction.
    pub directions: usize,
    /// Of two geoms of different priority, the higher one's numbers hold.
    pub priority: i64,
}

impl Surface {
    /// A surface that touches nothing.
    pub const NONE: Self = Self { kind: 0, touches: 0, directions: 3, priority: 0 };
}

/// Two geoms that may touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TouchPair {
    /// The geoms, in the order of their shapes: plane, sphere, capsule, ellipsoid, cylinder, box.
    pub geoms: [usize; 2],
    /// Its own numbers, where it is listed by name.
    pub listed: Option<usize>,
    /// Directions in which contact has force.
    pub directions: usize,
}

/// The shape of the set of forces that friction allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cone {
    /// A pyramid: each direction of friction has edges of its own.
    #[default]
    Pyramidal,
    /// A cone with an elliptic base.
    Elliptic,
}

/// What holds for all contacts and constraints of a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConstraintOptions {
    /// The friction cone.
    pub cone: Cone,
    /// How much harder friction is than the normal force (`impratio`).
    pub friction_impedance: f64,
    /// Least time constant of a constraint, s: twice the step where MuJoCo's `refsafe` is on, else 0.
    pub least_time_constant: f64,
}

impl Default for ConstraintOptions {
    fn default() -> Self {
        Self { cone: Cone::Pyramidal, friction_impedance: 1.0, least_time_constant: 0.0 }
    }
}

/// The sizes of a shape as three numbers.
pub(super) fn sizes(shape: &Shape) -> [f64; 3] {
    match *shape {
        Shape::Sphere { radius } => [radius, 0.0, 0.0],
        Shape::Capsule { radius, half_length } | Shape::Cylinder { radius, half_length } => {
            [radius, half_length, 0.0]
        }
        Shape::Box { half } | Shape::Ellipsoid { half } => half,
        Shape::Solid { .. } | Shape::Plane | Shape::HeightField => [0.0; 3],
    }
}
