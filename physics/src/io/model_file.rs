//! A model as a file describes it, whatever the file's format.

use crate::integrate::StepOptions;
use crate::model::Model;
use crate::state::State;

/// A model as a file describes it, and what of the file it does not hold.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFile {
    /// Its name, where it has one.
    pub name: Option<String>,
    /// The model.
    pub model: Model,
    /// Step length and method that the file asks for.
    pub options: StepOptions,
    /// States that the file names, whole or in part.
    pub keyframes: Vec<Keyframe>,
    /// What the file enables and the dynamics do not have, or have in part, in the order of [`Effect`].
    pub unsimulated: Vec<Unsimulated>,
    /// What in the file has no effect here.
    pub notes: Vec<Note>,
}

impl ModelFile {
    /// Whether the file enables an effect, simulated or not.
    pub fn enables(&self, effect: Effect) -> bool {
        let model = &self.model;
        self.unsimulated.iter().any(|u| u.what == effect)
            || match effect {
                Effect::Limits => !model.stops().is_empty(),
                Effect::FrictionLoss => !model.dry_friction().is_empty(),
                Effect::Contact => !model.touch_pairs().is_empty(),
                Effect::Equality => !(model.couplings().is_empty() && model.ties().is_empty()),
            }
    }

    /// The model without an effect, as if the file turned it off.
    pub fn without(mut self, effect: Effect) -> Self {
        self.unsimulated.retain(|u| u.what != effect);
        self.model = match effect {
            Effect::Limits => self.model.without_stops(),
            Effect::FrictionLoss => self.model.without_dry_friction(),
            Effect::Contact => self.model.without_contact(),
            Effect::Equality => self.model.without_equalities(),
        };
        self
    }
}

/// A state with a name, quaternions of length 1; where the file says nothing, the reference at rest and controls of 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Keyframe {
    /// Its name; may be empty.
    pub name: String,
    /// Time, s.
    pub time: f64,
    /// Configuration, velocity and activations.
    pub state: State,
    /// Controls, `nu` entries.
    pub controls: Vec<f64>,
}

/// Something in the file that has no effect here, and that a user may want to know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What.
    pub message: String,
    /// The included file; `None` is the model's own.
    pub file: Option<String>,
    /// Line, from 1.
    pub line: u32,
}

/// Something that the file enables and the dynamics do not have: the motion is another than MuJoCo's wherever it acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsimulated {
    /// What.
    pub what: Effect,
    /// Which kind of it, or between what, where not all of it is meant.
    pub which: Option<String>,
    /// The included file; `None` is the model's own.
    pub file: Option<String>,
    /// Line of the first element that enables it, from 1.
    pub line: u32,
}

/// An effect of constraints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Limits of joints and tendons.
    Limits,
    /// Dry friction in joints and tendons.
    FrictionLoss,
    /// Contact of geoms.
    Contact,
    /// Equality constraints.
    Equality,
}

impl Effect {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Limits, Self::FrictionLoss, Self::Contact, Self::Equality];

    /// The word by which a scenario turns it off; MuJoCo's flag of the same name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Limits => "limit",
            Self::FrictionLoss => "frictionloss",
            Self::Contact => "contact",
            Self::Equality => "equality",
        }
    }
}
