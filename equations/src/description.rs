//! A model as it is written down.

use cotangent_problem::Quantity;

/// A model as it is written down: names, units and texts.
///
/// Units may be left out everywhere; then none is checked. Where a state or a parameter has one, a quantity without is a pure number.
#[derive(Clone, Debug, Default)]
pub struct Description {
    /// Words for what is counted, units of their own: `person`, `cell`.
    pub own_units: Vec<String>,
    /// Unit of the time `t`.
    pub time_unit: String,
    /// What does not change: name, unit, present value, bounds, scale, transform. All are scalars.
    pub parameters: Vec<Quantity>,
    /// What changes.
    pub states: Vec<State>,
    /// Names for expressions.
    pub definitions: Vec<Definition>,
    /// Rates of change of the states, in any order: name and expression.
    pub equations: Vec<(String, String)>,
    /// What happens at moments.
    pub events: Vec<Event>,
}

/// Something that changes over time.
#[derive(Clone, Debug)]
pub struct State {
    /// Name, unit, bounds, scale and transform; its present value is the start, where that is a number.
    pub quantity: Quantity,
    /// The start as an expression in parameters and in starts of other states, where it is one. Then it is no input.
    pub start: Option<String>,
}

/// A name for an expression. It may stand in equations, starts and events, and is an output.
#[derive(Clone, Debug, Default)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// What it is.
    pub expression: String,
    /// The unit that it is given in; that of the expression where there is none.
    pub unit: Option<String>,
    /// What it is, in a few words.
    pub summary: String,
}

/// What happens at a moment.
#[derive(Clone, Debug, Default)]
pub struct Event {
    /// Its name.
    pub label: String,
    /// A comparison: it happens whenever that becomes true, by the solution crossing over.
    pub when: Option<String>,
    /// Or the times at which it happens: numbers, quantities, or expressions in parameters.
    pub at: Vec<String>,
    /// What changes: `state = expression`, all of them by the values just before.
    pub set: Vec<String>,
    /// Whether it ends the integration.
    pub ends: bool,
}
