//! Energy and momentum.

use cotangent_ad::{Real, Vec3};

use crate::force::spring_energy;
use crate::kinematics::{move_links, place_links};
use crate::model::{Model, Parameters};
use crate::routes::lay;
use crate::scratch::Scratch;
use crate::state::State;

/// Potential energy of gravity (zero at the world's origin) and of the springs of joints and tendons, and kinetic energy, J. Gravity
/// counts whole, whatever compensates it.
///
/// `V = -sum m_i g . c_i + 1/2 sum k (q - rest)^2`, `T = 1/2 sum v_i . I_i v_i + 1/2 sum armature v^2`.
pub fn energy<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    state: &State<T>,
    s: &mut Scratch<T>,
) -> (T, T) {
    place_links(model, parameters, &state.q, s);
    move_links(model, &state.v, s);
    lay(model, &state.q, s);
    let (mut potential, mut kinetic) = (T::lit(0.0), T::lit(0.0));
    for i in 0..model.links().len() {
        let inertia = &s.inertia[i];
        let moment = inertia.moment + s.origin(model, i) * inertia.mass;
        potential -= parameters.gravity.dot(moment);
        kinetic += s.velocity[i].dot(inertia.apply(s.velocity[i])) * 0.5;
    }
    for d in 0..model.nv() {
        kinetic += parameters.armature[d] * state.v[d] * state.v[d] * 0.5;
    }
    potential += spring_energy(model, parameters, &state.q, &s.routes);
    (potential, kinetic)
}

/// Momentum of all links, and angular momentum about the world's origin: kg m/s, kg m^2/s.
pub fn momentum<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    state: &State<T>,
    s: &mut Scratch<T>,
) -> (Vec3<T>, Vec3<T>) {
    place_links(model, parameters, &state.q, s);
    move_links(model, &state.v, s);
    let (mut linear, mut angular) = (Vec3::zero(), Vec3::zero());
    for i in 0..model.links().len() {
        let own = s.inertia[i].apply(s.velocity[i]);
        linear += own.linear;
        angular += own.angular + s.origin(model, i).cross(own.linear);
    }
    (linear, angular)
}
