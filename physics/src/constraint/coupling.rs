//! Couplings: `x = p(y)` for the displacements `x`, `y` of two joints or tendons from where the model was described.

use cotangent_ad::{Num, Real};

use super::adjoint::Pull;
use super::block::{Blocks, Source};
use super::law::{Law, Numbers};
use crate::force::Point;
use crate::model::{Line, Model, Weights};
use crate::routes::Routes;

/// The displacement of a line from the reference configuration.
fn displacement<T: Num>(model: &Model, line: Line, q: &[T], routes: &Routes<T>) -> T {
    let reference = match line {
        Line::Joint(joint) => model.q0[model.joints[joint].q.0],
        Line::Tendon(tendon) => model.tendons[tendon].reference,
    };
    line.length(model, q, routes) - reference
}

/// A polynomial's value, its slope and its second derivative.
fn polynomial<T: Num>([p0, p1, p2, p3, p4]: [T; 5], y: T) -> [T; 3] {
    [
        p0 + y * (p1 + y * (p2 + y * (p3 + y * p4))),
        p1 + y * (p2 * 2.0 + y * (p3 * 3.0 + y * p4 * 4.0)),
        p2 * 2.0 + y * (p3 * 6.0 + y * p4 * 12.0),
    ]
}

/// Sum of the inverse inertias of what is coupled.
fn weight<T: Num>(model: &Model, (first, second): (Line, Option<Line>), w: &Weights<T>) -> T {
    let own = first.weight(model, w);
    second.map_or(own, |second| own + second.weight(model, w))
}

/// Adds the couplings.
pub(super) fn add<T: Real>(p: &Point<'_, T>, blocks: &mut Blocks<T>) {
    let (model, constraints) = (p.model, &p.parameters.constraints);
    let displacement = |line| displacement(model, line, p.q, p.routes);
    for (k, (coupling, n)) in model.couplings.iter().zip(&constraints.couplings).enumerate() {
        let zero = T::lit(0.0);
        let second = coupling.second.map(|line| (line, displacement(line)));
        let [target, slope] = match second {
            Some((_, y)) => {
                let [value, slope, _] = polynomial(n.polynomial, y);
                [value, slope]
            }
            None => [n.polynomial[0], zero],
        };
        let numbers = Numbers {
            gap: displacement(coupling.first) - target,
            reference: n.softness.reference,
            impedance: n.softness.impedance,
            weight: [weight(model, (coupling.first, coupling.second), &constraints.weights), zero],
            friction: [zero; 5],
        };
        let first = blocks.dofs.len();
        let own = coupling.first.parts(model, p.routes);
        let source = Source::Coupling(k);
        blocks.push_line(Law::Equality, source, numbers, own);
        if let Some((line, _)) = second {
            for (dof, rate) in line.parts(model, p.routes) {
                blocks.insert(first, dof, -slope * rate);
            }
        }
    }
}

/// The part of the adjoint that is a coupling's own.
pub(super) fn pull(p: &mut Pull<'_>, coupling: usize) {
    let (model, bar) = (p.model, p.numbers_bar);
    let lines = &model.couplings[coupling];
    let numbers = &p.parameters.constraints.couplings[coupling];
    let first = lines.first.parts(model, p.routes);
    first.for_each(|(dof, rate)| p.q_bar[dof] += rate * bar.gap);
    let rates = p.rates();
    lines.first.add_bars(model, &mut *p.moments, |dof| rates.bar(dof, 0));
    let mut polynomial_bar = [0.0; 5];
    polynomial_bar[0] = -bar.gap;
    if let Some(second) = lines.second {
        let y = displacement(model, second, p.q, p.routes);
        let [_, slope, curvature] = polynomial(numbers.polynomial, y);
        // the Jacobian holds minus the slope
        let slope_bar: f64 =
            second.parts(model, p.routes).map(|(dof, rate)| -rate * rates.bar(dof, 0)).sum();
        let y_bar = slope_bar * curvature - bar.gap * slope;
        let parts = second.parts(model, p.routes);
        parts.for_each(|(dof, rate)| p.q_bar[dof] += rate * y_bar);
        second.add_bars(model, &mut *p.moments, |dof| -slope * rates.bar(dof, 0));
        for (i, by) in polynomial_bar.iter_mut().enumerate().skip(1) {
            let (i, degree) = (i32::try_from(i).unwrap_or(0), i as f64);
            *by = -bar.gap * y.powi(i) + slope_bar * degree * y.powi(i - 1);
        }
    }
    if let Some(parameters) = p.parameters_bar.as_deref_mut() {
        let to = &mut parameters.constraints.couplings[coupling];
        to.polynomial.iter_mut().zip(polynomial_bar).for_each(|(a, b)| *a += b);
        to.softness.add(&bar.reference, &bar.impedance);
        let weights = &mut parameters.constraints.weights;
        for line in [Some(lines.first), lines.second].into_iter().flatten() {
            *line.weight_mut(model, weights) += bar.weight[0];
        }
    }
}
