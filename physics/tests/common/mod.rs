//! A model with every kind of joint, and numbers to move it.

#![allow(dead_code, clippy::float_cmp, reason = "each test takes what it needs")]

use cotangent_ad::{Mat3, Pose, Quat, Vec3};
use cotangent_physics::{
    ActivationLaw, ActivationSpec, ActuatorSpec, Drive, JointSpec, Mobility, Model, ModelBuilder,
    Parameters, Shape, SpatialInertia, State, TendonSpec, Weight, displace,
};

/// Uniform in [-1, 1), from a counter.
pub(crate) fn random(key: u64, k: usize) -> f64 {
    let mut x =
        key.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (k as u64).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

pub(crate) fn randoms(key: u64, n: usize) -> Vec<f64> {
    (0..n).map(|k| random(key, k)).collect()
}

pub(crate) fn pose(key: u64) -> Pose<f64> {
    let x = randoms(key, 6);
    Pose {
        rotation: Quat::exp(Vec3([x[0], x[1], x[2]])).to_mat(),
        translation: Vec3([x[3], x[4], x[5]]) * 0.5,
    }
}

fn joint(name: &str, mobility: Mobility, key: u64) -> JointSpec {
    let x = randoms(key, 8);
    JointSpec {
        anchor: [0.2 * x[0], 0.2 * x[1], 0.2 * x[2]],
        reference: 0.3 * x[3],
        damping: 0.2 + 0.1 * x[4],
        armature: 0.05 + 0.04 * x[5],
        stiffness: 1.0 + x[6],
        rest: 0.5 * x[7],
        // narrow enough that a motor reaches it
        force_range: (name == "hip").then_some([-0.3, 0.4]),
        ..JointSpec::new(name, mobility)
    }
}

/// Two trees: a free body with a ball, a hinge and a two-joint body on it; a slide on the world with a hinge and a fixed body.
pub(crate) fn zoo() -> Model {
    zoo_builder().build().unwrap()
}

/// The same in a fluid, with every element of force: servos, limits of force, motors on a ball and a free joint, tendons of which
/// one is slack within a range, polynomial damping and springs, weight that is held in part.
pub(crate) fn forced_zoo() -> Model {
    let mut b = zoo_builder();
    b.fluid(40.0, 0.3).unwrap();
    for body in 0..b.so_far().bodies().len() {
        // the shoe is fixed to the leg
        let share = if body >= 3 { 0.4 } else { -0.3 };
        b.gravity_compensation(body, share).unwrap();
    }
    let joint = |b: &ModelBuilder, name: &str| b.so_far().joint(name).unwrap();
    let (elbow, hip, twist, pole) =
        (joint(&b, "elbow"), joint(&b, "hip"), joint(&b, "twist"), joint(&b, "pole"));
    let rest = Some([-0.01, 0.01]);
    let taut = TendonSpec {
        stiffness: 3.0,
        damping: 0.4,
        ..TendonSpec::new("taut", vec![(elbow, 0.7), (hip, -1.3)])
    };
    let slack = TendonSpec {
        stiffness: 2.0,
        rest,
        ..TendonSpec::new("slack", vec![(twist, 0.8), (pole, 0.5)])
    };
    let taut = b.tendon(&taut).unwrap();
    b.tendon(&slack).unwrap();
    let gear = [0.4, -0.3, 0.8, 0.2, 0.5, -0.6];
    let specs = [
        ActuatorSpec::position("servo", Drive::Joint(twist), 4.0, 0.3),
        ActuatorSpec {
            force_range: Some([-0.02, 0.03]),
            ..ActuatorSpec::position("weak", Drive::Joint(pole), 5.0, 0.2)
        },
        ActuatorSpec { gear, ..ActuatorSpec::velocity("speed", Drive::Tendon(taut), 2.0) },
        ActuatorSpec {
            gear,
            ..ActuatorSpec::position("turn", Drive::Joint(joint(&b, "shoulder")), 3.0, 0.4)
        },
        ActuatorSpec { gear, ..ActuatorSpec::motor("jet", Drive::Joint(joint(&b, "root"))) },
        ActuatorSpec {
            gain: [0.3, 0.2, -0.5],
            ..ActuatorSpec::motor("general", Drive::Joint(joint(&b, "wrist")))
        },
    ];
    for spec in specs.iter().chain(&activated(&b, taut)) {
        b.actuator(spec).unwrap();
    }
    let model = b.build().unwrap();
    let mut p = model.parameters().clone();
    for (d, poly) in p.damping_poly.iter_mut().enumerate() {
        *poly = [0.3 + 0.1 * random(5, d), 0.2 + 0.1 * random(6, d)];
    }
    for (d, poly) in p.stiffness_poly.iter_mut().enumerate() {
        // balls have none
        let link = model.links().iter().find(|l| (l.v_at..l.v_at + l.joint.nv()).contains(&d));
        let scalar = link.is_some_and(|l| l.joint.nv() == 1);
        *poly = if scalar { [0.5 * random(7, d), 0.4] } else { [0.0; 2] };
    }
    model.with_parameters(p).unwrap()
}

/// Actuators with every law of activation, in and beyond their ranges.
fn activated(b: &ModelBuilder, tendon: usize) -> [ActuatorSpec; 4] {
    let joint = |name: &str| Drive::Joint(b.so_far().joint(name).unwrap());
    [
        ActuatorSpec {
            gain: [1.3, 0.2, -0.4],
            bias: [0.1, -0.6, -0.2],
            activation: Some(ActivationSpec {
                range: Some([-0.4, 0.9]),
                early: true,
                ..ActivationSpec::new(ActivationLaw::Filter, 0.11)
            }),
            ..ActuatorSpec::motor("filter", joint("hip"))
        },
        ActuatorSpec {
            activation: Some(ActivationSpec::new(ActivationLaw::Integrator, 1.0)),
            ..ActuatorSpec::position("integrator", joint("elbow"), 2.0, 0.3)
        },
        ActuatorSpec {
            range: Some([-0.6, 0.6]),
            activation: Some(ActivationSpec {
                range: Some([-0.9, 0.95]),
                ..ActivationSpec::new(ActivationLaw::ExactFilter, 0.07)
            }),
            ..ActuatorSpec::motor("exact", Drive::Tendon(tendon))
        },
        ActuatorSpec {
            gear: [0.4, -0.3, 0.8, 0.2, 0.5, -0.6],
            gain: [0.5, 0.2, -0.3],
            activation: Some(ActivationSpec {
                early: true,
                ..ActivationSpec::new(ActivationLaw::ExactFilter, 0.2)
            }),
            ..ActuatorSpec::motor("early", joint("wrist"))
        },
    ]
}

fn zoo_builder() -> ModelBuilder {
    let mut b = ModelBuilder::new();
    b.gravity([0.7, -0.4, -9.6]).unwrap();
    let mut body = |name: &str, parent, key: u64, joints: &[JointSpec]| {
        let index = b.body(name, parent, pose(key), joints).unwrap();
        let half = [0.2, 0.1, 0.05 + 0.02 * key as f64];
        b.geom("", Some(index), Shape::Box { half }, pose(key + 50), Weight::Density(700.0))
            .unwrap();
        b.site(&format!("{name}_tip"), Some(index), pose(key + 80)).unwrap();
        index
    };
    let mut root = joint("root", Mobility::Free, 1);
    root.anchor = [0.0; 3];
    let torso = body("torso", None, 1, &[root]);
    let upper = body("upper", Some(torso), 2, &[joint("shoulder", Mobility::Ball, 2)]);
    body("lower", Some(upper), 3, &[joint("elbow", Mobility::Hinge([1.0, 2.0, -1.0]), 3)]);
    let two = [
        joint("hip", Mobility::Hinge([0.0, 1.0, 0.3]), 4),
        joint("rail", Mobility::Slide([1.0, 0.2, 0.0]), 5),
        joint("twist", Mobility::Hinge([0.0, 0.1, 1.0]), 6),
    ];
    let leg = body("leg", Some(torso), 4, &two);
    body("shoe", Some(leg), 5, &[]);
    let cart = body("cart", None, 6, &[joint("cart", Mobility::Slide([1.0, 0.0, 0.0]), 7)]);
    let pole = body("pole", Some(cart), 7, &[joint("pole", Mobility::Hinge([0.0, 1.0, 0.0]), 8)]);
    body("wrist", Some(pole), 8, &[joint("wrist", Mobility::Ball, 9)]);
    for (k, name) in ["elbow", "hip", "rail", "cart"].iter().enumerate() {
        let index = b.so_far().joint(name).unwrap();
        let range = (k % 2 == 0).then_some([-0.8, 0.7]);
        b.motor(name, index, 2.0 + k as f64, range).unwrap();
    }
    b
}

pub(crate) fn state(model: &Model, key: u64) -> State {
    let mut q = model.reference_configuration().to_vec();
    displace(model, &q.clone(), &randoms(key, model.nv()), &mut q);
    let act = randoms(key + 2, model.na());
    State { q, v: randoms(key + 1, model.nv()), act }
}

/// Any parameters, entry by entry, in a fixed order.
pub(crate) fn flatten<T: cotangent_ad::Num>(p: &Parameters<T>) -> Vec<T> {
    p.numbers()
}

/// The whole of a mass matrix of which the lower triangle is filled.
pub(crate) fn whole(lower: &[f64], n: usize) -> Vec<f64> {
    (0..n * n).map(|k| lower[(k / n).max(k % n) * n + (k / n).min(k % n)]).collect()
}

pub(crate) fn close(a: &[f64], b: &[f64], tolerance: f64) {
    assert_eq!(a.len(), b.len());
    let scale = a.iter().chain(b).fold(1.0_f64, |m, x| m.max(x.abs()));
    for (k, (x, y)) in a.iter().zip(b).enumerate() {
        let error = (x - y).abs() / scale;
        assert!(error <= tolerance, "entry {k}: {x} against {y}, {error:.2e} of the largest");
    }
}

pub(crate) fn inertia(
    mass: f64,
    center: [f64; 3],
    at_center: [[f64; 3]; 3],
) -> SpatialInertia<f64> {
    SpatialInertia::from_center(mass, Vec3(center), Mat3(at_center))
}
