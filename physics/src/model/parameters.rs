//! The numbers of a model that a derivative can be taken to.

use cotangent_ad::{Num, Vec3};
use thiserror::Error;

use super::{ConstraintNumbers, Model};
use crate::spatial::{SpatialInertia, Unphysical};

/// The numbers of a model that a derivative can be taken to. As a cotangent it holds the derivatives by them.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters<T> {
    /// Acceleration of gravity, m/s^2.
    pub gravity: Vec3<T>,
    /// Density, kg/m^3, and viscosity, Pa s, of the fluid around.
    pub fluid: [T; 2],
    /// Inertia of each link in its frame, about its origin.
    pub inertia: Vec<SpatialInertia<T>>,
    /// Share of each link's weight that is held. Entries: as `inertia`.
    pub gravity_compensation: Vec<T>,
    /// Damping of each coordinate, N m s/rad or N s/m: `tau = -damping v`. Entries: `nv`.
    pub damping: Vec<T>,
    /// Its further terms: `tau = -(p0 |v| v + p1 v^3)`. Entries: `nv`.
    pub damping_poly: Vec<[T; 2]>,
    /// Inertia added to the diagonal of the mass matrix, kg m^2 or kg. Entries: `nv`.
    pub armature: Vec<T>,
    /// Spring constant of each coordinate, N m/rad or N/m: `tau = -stiffness (q - rest)`; of a ball, along its rotation vector.
    /// Entries: `nv`.
    pub stiffness: Vec<T>,
    /// Its further terms, with the stretch `x = q - rest`: `tau = -(p0 x^2 + p1 x^3)`; not of balls. Entries: `nv`.
    pub stiffness_poly: Vec<[T; 2]>,
    /// Coordinate where a spring is at rest; a ball's is where it was described. Entries: `nv`.
    pub rest: Vec<T>,
    /// Gear of each actuator. Entries: `nu`.
    pub gear: Vec<T>,
    /// Gain of each actuator: constant, by length, by velocity. Entries: `nu`.
    pub gain: Vec<[T; 3]>,
    /// Bias of each actuator: constant, by length, by velocity. Entries: `nu`.
    pub bias: Vec<[T; 3]>,
    /// Time constant of each actuator's activation, s; 1 where it has none. Entries: `nu`.
    pub time_constant: Vec<T>,
    /// Spring constant of each tendon, N/m.
    pub tendon_stiffness: Vec<T>,
    /// Damping of each tendon, N s/m.
    pub tendon_damping: Vec<T>,
    /// Force, N, and torque, N m, on each link from outside, in world axes, at the centre of mass that the model was built with. Entries: as
    /// `inertia`, or none where nothing pushes.
    pub external: Vec<[T; 6]>,
    /// Numbers of stops, dry friction, couplings and surfaces.
    pub constraints: ConstraintNumbers<T>,
}

/// Why numbers cannot be those of a model.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ParameterError {
    /// Not as many as the model has.
    #[error("{found} numbers of {what}: the model has {expected}")]
    Count {
        /// Of which kind.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many must be.
        expected: usize,
    },
    /// Not finite, or negative where it may not be.
    #[error("{what} {index} is {value}: it must be finite{}", if *.signed { "" } else { " and not negative" })]
    Number {
        /// Of which kind.
        what: &'static str,
        /// Which.
        index: usize,
        /// Its value.
        value: f64,
        /// Whether it may be negative.
        signed: bool,
    },
    /// A time constant that is not positive.
    #[error("the time constant of actuator {actuator} is {value}: it must be finite and positive")]
    TimeConstant {
        /// The actuator.
        actuator: usize,
        /// Its value.
        value: f64,
    },
    /// No body has this inertia.
    #[error("the inertia of link {link} is not physical: {why}")]
    Inertia {
        /// The link.
        link: usize,
        /// Why.
        why: Unphysical,
    },
}

impl<T: Copy> Parameters<T> {
    /// Every number through `f`.
    pub fn map<U>(&self, mut f: impl FnMut(T) -> U) -> Parameters<U> {
        let mut f = |x: &T| f(*x);
        Parameters {
            gravity: Vec3(self.gravity.0.each_ref().map(&mut f)),
            fluid: self.fluid.each_ref().map(&mut f),
            inertia: self.inertia.iter().map(|i| map_inertia(i, &mut f)).collect(),
            gravity_compensation: self.gravity_compensation.iter().map(&mut f).collect(),
            damping: self.damping.iter().map(&mut f).collect(),
            damping_poly: self.damping_poly.iter().map(|x| x.each_ref().map(&mut f)).collect(),
            armature: self.armature.iter().map(&mut f).collect(),
            stiffness: self.stiffness.iter().map(&mut f).collect(),
            stiffness_poly: self.stiffness_poly.iter().map(|x| x.each_ref().map(&mut f)).collect(),
            rest: self.rest.iter().map(&mut f).collect(),
            gear: self.gear.iter().map(&mut f).collect(),
            gain: self.gain.iter().map(|x| x.each_ref().map(&mut f)).collect(),
            bias: self.bias.iter().map(|x| x.each_ref().map(&mut f)).collect(),
            time_constant: self.time_constant.iter().map(&mut f).collect(),
            tendon_stiffness: self.tendon_stiffness.iter().map(&mut f).collect(),
            tendon_damping: self.tendon_damping.iter().map(&mut f).collect(),
            external: self.external.iter().map(|x| x.each_ref().map(&mut f)).collect(),
            constraints: self.constraints.map(&mut f),
        }
    }

    /// All numbers, in the order in which [`Parameters::map`] visits them.
    pub fn numbers(&self) -> Vec<T> {
        let mut all = vec![];
        self.map(|x| all.push(x));
        all
    }
}

fn map_inertia<T: Copy, U>(
    i: &SpatialInertia<T>,
    f: &mut impl FnMut(&T) -> U,
) -> SpatialInertia<U> {
    SpatialInertia {
        mass: f(&i.mass),
        moment: Vec3(i.moment.0.each_ref().map(&mut *f)),
        rotational: i.rotational.each_ref().map(&mut *f),
    }
}

impl Parameters<f64> {
    /// Of an empty model under `gravity`.
    pub(super) fn empty(gravity: [f64; 3]) -> Self {
        Self {
            gravity: Vec3(gravity),
            fluid: [0.0; 2],
            inertia: vec![],
            gravity_compensation: vec![],
            damping: vec![],
            damping_poly: vec![],
            armature: vec![],
            stiffness: vec![],
            stiffness_poly: vec![],
            rest: vec![],
            gear: vec![],
            gain: vec![],
            bias: vec![],
            time_constant: vec![],
            tendon_stiffness: vec![],
            tendon_damping: vec![],
            external: vec![],
            constraints: ConstraintNumbers::empty(),
        }
    }

    /// The constants in another scalar.
    pub fn lift<T: Num>(&self) -> Parameters<T> {
        self.map(T::lit)
    }

    /// All zero, of the same sizes: where a cotangent starts.
    pub fn zero_like(&self) -> Self {
        self.map(|_| 0.0)
    }

    /// Whether these can be the numbers of `model`: as many, finite, what may not be negative is not, and every inertia is one that
    /// a body can have.
    ///
    /// # Errors
    /// [`ParameterError`].
    pub fn check(&self, model: &Model) -> Result<(), ParameterError> {
        let old = &model.parameters;
        let counts = |p: &Self| {
            [
                ("inertia", p.inertia.len()),
                ("gravity compensation", p.gravity_compensation.len()),
                ("damping", p.damping.len()),
                ("polynomial damping", p.damping_poly.len()),
                ("armature", p.armature.len()),
                ("stiffness", p.stiffness.len()),
                ("polynomial stiffness", p.stiffness_poly.len()),
                ("rest", p.rest.len()),
                ("gear", p.gear.len()),
                ("gain", p.gain.len()),
                ("bias", p.bias.len()),
                ("time constant", p.time_constant.len()),
                ("tendon stiffness", p.tendon_stiffness.len()),
                ("tendon damping", p.tendon_damping.len()),
            ]
        };
        for ((what, found), (_, expected)) in counts(self).into_iter().zip(counts(old)) {
            if found != expected {
                return Err(ParameterError::Count { what, found, expected });
            }
        }
        for ((what, found), (_, expected)) in
            self.constraints.counts().into_iter().zip(old.constraints.counts())
        {
            if found != expected {
                return Err(ParameterError::Count { what, found, expected });
            }
        }
        for (link, inertia) in self.inertia.iter().enumerate() {
            inertia.check().map_err(|why| ParameterError::Inertia { link, why })?;
        }
        if let Some(actuator) = self.time_constant.iter().position(|x| !(x.is_finite() && *x > 0.0))
        {
            let value = self.time_constant[actuator];
            return Err(ParameterError::TimeConstant { actuator, value });
        }
        let signed: [(&'static str, &[f64]); 9] = [
            ("gravity", &self.gravity.0),
            ("gravity compensation", &self.gravity_compensation),
            ("polynomial damping", self.damping_poly.as_flattened()),
            ("polynomial stiffness", self.stiffness_poly.as_flattened()),
            ("rest", &self.rest),
            ("gear", &self.gear),
            ("gain", self.gain.as_flattened()),
            ("bias", self.bias.as_flattened()),
            ("external force", self.external.as_flattened()),
        ];
        let unsigned: [(&'static str, &[f64]); 6] = [
            ("fluid", &self.fluid),
            ("damping", &self.damping),
            ("armature", &self.armature),
            ("stiffness", &self.stiffness),
            ("tendon stiffness", &self.tendon_stiffness),
            ("tendon damping", &self.tendon_damping),
        ];
        let all = signed.map(|x| (x, true)).into_iter().chain(unsigned.map(|x| (x, false)));
        for ((what, numbers), signed) in all {
            for (index, value) in numbers.iter().copied().enumerate() {
                if !value.is_finite() || (!signed && value < 0.0) {
                    return Err(ParameterError::Number { what, index, value, signed });
                }
            }
        }
        self.check_optional()
    }

    /// What a model may have none of.
    fn check_optional(&self) -> Result<(), ParameterError> {
        if ![0, self.inertia.len()].contains(&self.external.len()) {
            let (what, found) = ("external force", self.external.len());
            return Err(ParameterError::Count { what, found, expected: self.inertia.len() });
        }
        let what = "constraint number";
        let mut numbers = vec![];
        self.constraints.map(&mut |x: &f64| numbers.push(*x));
        if let Some(index) = numbers.iter().position(|x| !x.is_finite()) {
            let value = numbers[index];
            return Err(ParameterError::Number { what, index, value, signed: true });
        }
        for (what, numbers) in self.constraints.unsigned() {
            if let Some(index) = numbers.iter().position(|x| *x < 0.0) {
                let value = numbers[index];
                return Err(ParameterError::Number { what, index, value, signed: false });
            }
        }
        Ok(())
    }
}
