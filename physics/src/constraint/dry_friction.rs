//! Dry friction in joints and tendons: a force against the motion, of bounded size.

use cotangent_ad::Real;

use super::adjoint::Pull;
use super::block::{Blocks, Source};
use super::law::{Law, Numbers};
use crate::force::Point;
use crate::model::Line;

/// Adds dry friction, which always acts.
pub(super) fn add<T: Real>(p: &Point<'_, T>, blocks: &mut Blocks<T>) {
    let (model, constraints) = (p.model, &p.parameters.constraints);
    for (k, (line, n)) in model.dry_friction.iter().zip(&constraints.frictions).enumerate() {
        let zero = T::lit(0.0);
        let numbers = |weight| Numbers {
            gap: zero,
            reference: n.softness.reference,
            impedance: n.softness.impedance,
            weight: [weight, zero],
            friction: [n.loss, zero, zero, zero, zero],
        };
        let law = Law::DryFriction;
        match *line {
            Line::Joint(joint) => {
                let (first, count) = model.joints[joint].v;
                for dof in first..first + count {
                    let source = Source::DryFriction { friction: k, dof: Some(dof) };
                    let own = numbers(constraints.weights.coordinates[dof]);
                    blocks.push_line(law, source, own, std::iter::once((dof, T::lit(1.0))));
                }
            }
            Line::Tendon(tendon) => {
                let along = line.parts(model, p.routes);
                let source = Source::DryFriction { friction: k, dof: None };
                let own = numbers(constraints.weights.tendons[tendon]);
                blocks.push_line(law, source, own, along);
            }
        }
    }
}

/// The part of the adjoint that is dry friction's own.
pub(super) fn pull(p: &mut Pull<'_>, (friction, dof): (usize, Option<usize>)) {
    let (model, bar) = (p.model, p.numbers_bar);
    let rates = p.rates();
    let by = |dof: usize| rates.bar(dof, 0);
    model.dry_friction[friction].add_bars(model, &mut *p.moments, by);
    let Some(parameters) = p.parameters_bar.as_deref_mut() else { return };
    let numbers = &mut parameters.constraints.frictions[friction];
    numbers.loss += bar.friction[0];
    numbers.softness.add(&bar.reference, &bar.impedance);
    let weights = &mut parameters.constraints.weights;
    match dof {
        Some(dof) => weights.coordinates[dof] += bar.weight[0],
        None => *model.dry_friction[friction].weight_mut(model, weights) += bar.weight[0],
    }
}
