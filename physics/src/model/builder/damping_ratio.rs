//! Damping of position servos that a file gives as a ratio.

use crate::aba::{factorize, solve};
use crate::force::{Point, moments};
use crate::kinematics::place_links;
use crate::model::Model;
use crate::routes::lay;
use crate::scratch::Scratch;

/// The model with servos `g = (k, 0, 0)`, `b = (b0, -k, r)`, `r > 0`, damped by `b2 = -2 r sqrt(k m)`, as MuJoCo reads them. `m` is the inertia that the
/// servo feels at the reference: `1/(J M^-1 J^T)` of its moments `J`, gear included.
pub(crate) fn with_damping_ratios(mut model: Model) -> Model {
    let ratio = |model: &Model, k: usize| {
        let ([stiffness, ..], [_, against, ratio]) =
            (model.parameters.gain[k], model.parameters.bias[k]);
        (stiffness.to_bits() == (-against).to_bits() && ratio > 0.0).then_some((stiffness, ratio))
    };
    if (0..model.nu()).all(|k| ratio(&model, k).is_none()) {
        return model;
    }
    let mut s = Scratch::new(&model);
    place_links(&model, &model.parameters, &model.q0, &mut s);
    lay(&model, &model.q0, &mut s);
    factorize(&model, &model.parameters, |_| None, &mut s);
    for k in 0..model.nu() {
        let Some((stiffness, ratio)) = ratio(&model, k) else { continue };
        let mut along = vec![0.0; model.nv()];
        let gear = model.parameters.gear[k];
        let (parameters, q) = (&model.parameters, &model.q0);
        let routes = &s.routes;
        let point = Point { model: &model, parameters, q, v: &[], drive: &[], routes };
        moments(&point, &model.actuators[k].transmission, |d, m| along[d] += gear * m);
        let mut moved = along.clone();
        solve(&model, &mut moved, &mut s);
        let inverse: f64 = along.iter().zip(&moved).map(|(j, x)| j * x).sum();
        let damping = if inverse > 0.0 { 2.0 * ratio * (stiffness / inverse).sqrt() } else { 0.0 };
        model.parameters.bias[k][2] = -damping;
    }
    model
}
