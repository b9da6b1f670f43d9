//! Inputs that are numbers of constraints: what may be free of stops, dry friction, couplings and surfaces.

use cotangent_problem::Quantity;
use cotangent_problem::name::element;

use super::input::InputKind;
use crate::model::{ConstraintNumbers, JointKind, Line, Model, Reading, Shape, Softness};

/// A number, or a few, of one constraint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ConstraintInput {
    of: Of,
    what: What,
}

/// What constrains, by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Stop(usize),
    DryFriction(usize),
    Coupling(usize),
    Tie(usize),
    Surface(usize),
    Pair(usize),
}

/// Which of its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Range,
    Margin,
    Loss,
    Polynomial,
    TorqueScale,
    Size(usize),
    Friction,
    Reference,
    Impedance,
}

impl ConstraintInput {
    /// Where they stand among a model's numbers.
    pub(super) fn of<T>(self, c: &mut ConstraintNumbers<T>) -> &mut [T] {
        match (self.of, self.what) {
            (Of::Stop(k), What::Range) => &mut c.stops[k].range,
            (Of::Stop(k), What::Margin) => std::slice::from_mut(&mut c.stops[k].margin),
            (Of::Stop(k), what) => softness(what, &mut c.stops[k].softness),
            (Of::DryFriction(k), What::Loss) => std::slice::from_mut(&mut c.frictions[k].loss),
            (Of::DryFriction(k), what) => softness(what, &mut c.frictions[k].softness),
            (Of::Coupling(k), What::Polynomial) => &mut c.couplings[k].polynomial,
            (Of::Coupling(k), what) => softness(what, &mut c.couplings[k].softness),
            (Of::Tie(k), What::TorqueScale) => std::slice::from_mut(&mut c.ties[k].torque_scale),
            (Of::Tie(k), what) => softness(what, &mut c.ties[k].softness),
            (Of::Surface(k), What::Size(n)) => &mut c.surfaces[k].size[..n],
            (Of::Surface(k), What::Friction) => &mut c.surfaces[k].friction,
            (Of::Surface(k), What::Margin) => std::slice::from_mut(&mut c.surfaces[k].margin),
            (Of::Surface(k), what) => softness(what, &mut c.surfaces[k].softness),
            (Of::Pair(k), What::Friction) => &mut c.pairs[k].friction,
            (Of::Pair(k), What::Margin) => std::slice::from_mut(&mut c.pairs[k].margin),
            (Of::Pair(k), what) => softness(what, &mut c.pairs[k].softness),
        }
    }
}

fn softness<T>(what: What, softness: &mut Softness<T>) -> &mut [T] {
    if what == What::Impedance { &mut softness.impedance } else { &mut softness.reference }
}

/// Name and unit of a joint or tendon, and whether it turns.
fn line(model: &Model, line: Line) -> (String, bool) {
    match line {
        Line::Joint(joint) => {
            let kind = model.links[model.joints[joint].link].joint;
            let turns = matches!(kind, JointKind::Hinge(_) | JointKind::Ball);
            (element("joint", &model.joints[joint].name, joint), turns)
        }
        Line::Tendon(tendon) => (element("tendon", &model.tendons[tendon].name, tendon), false),
    }
}

/// Adds a row: what it is of, which numbers, name, unit, summary.
type Row<'a> = &'a mut dyn FnMut(Of, What, &str, &str, &str);

fn soft_rows(row: Row<'_>, of: Of, name: &str, end: &str) {
    let about = "time constant and damping ratio, or minus stiffness and minus damping";
    row(of, What::Reference, &format!("{name}.solref{end}"), "", about);
    row(of, What::Impedance, &format!("{name}.solimp{end}"), "", "impedance");
}

/// The inputs of a model's constraints, in order.
pub(super) fn rows(model: &Model, rows: &mut Vec<(InputKind, Quantity)>) {
    let mut numbers = model.parameters.constraints.clone();
    let mut row = |of: Of, what: What, name: &str, unit: &str, summary: &str| {
        let input = ConstraintInput { of, what };
        let value = input.of(&mut numbers).to_vec();
        let size = value.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
        let shape: &[usize] = if value.len() == 1 { &[] } else { &[value.len()] };
        let quantity = Quantity::input(name.to_owned(), unit, shape, value)
            .scaled(if size > 0.0 { size } else { 1.0 })
            .about(summary);
        let positive =
            matches!(what, What::Loss | What::Friction | What::TorqueScale | What::Size(_));
        let quantity = if positive { quantity.within(0.0, f64::INFINITY) } else { quantity };
        rows.push((InputKind::Constraint(input), quantity));
    };
    line_rows(model, &mut row);
    surface_rows(model, &mut row);
}

/// Stops, dry friction, couplings and ties.
fn line_rows(model: &Model, row: Row<'_>) {
    for (k, stop) in model.stops.iter().enumerate() {
        let (name, turns) = line(model, stop.line);
        let unit = if turns { "rad" } else { "m" };
        row(Of::Stop(k), What::Range, &format!("{name}.range"), unit, "where its stops are");
        let about = "distance at which its stops begin to act";
        row(Of::Stop(k), What::Margin, &format!("{name}.margin"), unit, about);
        soft_rows(row, Of::Stop(k), &name, "limit");
    }
    for (k, friction) in model.dry_friction.iter().enumerate() {
        let (name, turns) = line(model, *friction);
        let (unit, of) = (if turns { "N m" } else { "N" }, Of::DryFriction(k));
        row(of, What::Loss, &format!("{name}.frictionloss"), unit, "greatest dry friction");
        soft_rows(row, of, &name, "friction");
    }
    for (k, coupling) in model.couplings.iter().enumerate() {
        let name = element("equality", &coupling.name, k);
        let about = "coefficients of the displacement";
        row(Of::Coupling(k), What::Polynomial, &format!("{name}.polycoef"), "", about);
        soft_rows(row, Of::Coupling(k), &name, "");
    }
    for (k, tie) in model.ties.iter().enumerate() {
        // nameless ones are counted after the couplings
        let name = element("equality", &tie.name, model.couplings.len() + k);
        if tie.welded {
            let about = "weight of a turn against a shift";
            row(Of::Tie(k), What::TorqueScale, &format!("{name}.torquescale"), "m", about);
        }
        soft_rows(row, Of::Tie(k), &name, "");
    }
}

/// Whether a rangefinder may meet a geom.
fn is_ranged(model: &Model, geom: usize) -> bool {
    let meets = |reading: &Reading| matches!(reading, Reading::Range { body, .. } if *body != model.geoms[geom].body);
    model.sights[geom].seen && model.sensors.iter().any(|sensor| meets(&sensor.reading))
}

/// Geoms that may touch or that rays may meet, and pairs listed by name.
fn surface_rows(model: &Model, row: Row<'_>) {
    let margin = "distance at which contact begins to act";
    for (k, geom) in model.geoms.iter().enumerate() {
        let touching = || model.touch_pairs.iter().filter(|p| p.geoms.contains(&k));
        if touching().next().is_none() && !is_ranged(model, k) {
            continue;
        }
        let (name, of) = (element("geom", &geom.name, k), Of::Surface(k));
        let sizes = match geom.shape {
            Shape::Plane | Shape::Solid { .. } | Shape::HeightField => 0,
            Shape::Sphere { .. } => 1,
            Shape::Capsule { .. } | Shape::Cylinder { .. } => 2,
            Shape::Box { .. } | Shape::Ellipsoid { .. } => 3,
        };
        if sizes > 0 {
            let about = "size of its surface; its mass is a number of its own";
            row(of, What::Size(sizes), &format!("{name}.size"), "m", about);
        }
        if touching().any(|p| p.listed.is_none()) {
            let about = "sliding, torsional (m) and rolling (m) friction";
            row(of, What::Friction, &format!("{name}.friction"), "", about);
            row(of, What::Margin, &format!("{name}.margin"), "m", margin);
            soft_rows(row, of, &name, "");
        }
    }
    for k in model.touch_pairs.iter().filter_map(|pair| pair.listed) {
        let (name, of) = (element("pair", "", k), Of::Pair(k));
        let about = "sliding along two axes, torsional (m) and rolling (m) friction about two";
        row(of, What::Friction, &format!("{name}.friction"), "", about);
        row(of, What::Margin, &format!("{name}.margin"), "m", margin);
        soft_rows(row, of, &name, "");
    }
}
