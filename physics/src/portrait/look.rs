//! What there is to see of motions: the shapes of a model, its sites, and balls.

use std::collections::BTreeMap;
use std::sync::Arc;

use cotangent_ad::{Mat3, Pose, Vec3};
use cotangent_answer::{Body, Look, Surface};
use cotangent_problem::name::{element, segment};
use cotangent_problem::{Simulation, output_values, with_inputs};

use crate::model::{Facets, Shape};
use crate::simulation::MotionSimulation;

const GREY: [f64; 3] = [0.6, 0.62, 0.66];
const FLOOR: [f64; 3] = [0.85, 0.85, 0.83];
const MARKED: [f64; 3] = [0.8, 0.3, 0.1];

/// What is seen of each motion of a model.
///
/// # Errors
/// A motion that has no value with these inputs.
pub(super) fn motions(
    simulation: &MotionSimulation,
    inputs: &[Vec<f64>],
) -> Result<Vec<Look>, String> {
    let simulation = with_inputs(simulation, inputs);
    let simulation = Arc::new(simulation.map_err(|_| "the motion has no value at the answer")?);
    let parts = simulation.parts().to_vec();
    let mut looks = Vec::new();
    for part in &parts {
        let own = match part.label.as_str() {
            "" => String::new(),
            label => format!("motion.{}.", segment(label)),
        };
        let frames = frames(&simulation, &own)?;
        let times = (0..=part.steps).map(|k| k as f64 * simulation.options().dt).collect();
        let name = if part.label.is_empty() { "motion".into() } else { own.replace('"', "") };
        let bodies = bodies(&simulation, &frames, part.steps + 1);
        let name = name.trim_end_matches('.').to_owned();
        looks.push(Look { name, unit: "m", up: 2, times, bodies });
    }
    Ok(looks)
}

/// Poses over time by the name of a body or a site.
type Frames = BTreeMap<String, Vec<Pose<f64>>>;

/// Where every body and site of a motion is over time.
fn frames(simulation: &Arc<MotionSimulation>, own: &str) -> Result<Frames, String> {
    let outputs = simulation.outputs();
    let frame_of = |name: &str, last: &str| -> Option<String> {
        let name = name.strip_prefix(own)?.strip_suffix(last)?;
        let is_frame = ["site.", "site[", "body.", "body["].iter().any(|k| name.starts_with(k));
        is_frame.then(|| name.to_owned())
    };
    let picked: Vec<usize> = (0..outputs.len())
        .filter(|k| {
            let name = &outputs[*k].name;
            frame_of(name, ".position").or_else(|| frame_of(name, ".orientation")).is_some()
        })
        .collect();
    let mut frames = Frames::new();
    for (entries, k) in output_values(simulation, &picked)?.iter().zip(&picked) {
        let quantity = &outputs[*k];
        let steps = quantity.shape[0];
        let mut put = |name: String, set: &mut dyn FnMut(usize, &mut Pose<f64>)| {
            let poses = frames.entry(name).or_insert_with(|| vec![Pose::identity(); steps]);
            poses.iter_mut().enumerate().for_each(|(t, pose)| set(t, pose));
        };
        if let Some(name) = frame_of(&quantity.name, ".position") {
            put(name, &mut |t, pose| {
                pose.translation = Vec3([0, 1, 2].map(|c| entries[3 * t + c]));
            });
        } else if let Some(name) = frame_of(&quantity.name, ".orientation") {
            put(name, &mut |t, pose| {
                pose.rotation =
                    Mat3([0, 1, 2].map(|r| [0, 1, 2].map(|c| entries[9 * t + 3 * r + c])));
            });
        }
    }
    Ok(frames)
}

/// The shapes of a model, and a mark for each site and each body without a shape.
fn bodies(simulation: &MotionSimulation, frames: &Frames, steps: usize) -> Vec<Body> {
    let model = simulation.model();
    let size = extent(frames);
    let still = || vec![Pose::identity(); steps];
    let body_name = |k: usize| element("body", &model.bodies()[k].name, k);
    let mut bodies = Vec::new();
    for (k, geom) in model.geoms().iter().enumerate() {
        let name = element("geom", &geom.name, k);
        let given = simulation.inputs().iter().find(|q| q.name == format!("{name}.size"));
        let shape = given.map_or(geom.shape, |q| resized(geom.shape, &q.value));
        let facets = model.sights()[k].facets.as_deref();
        let Some(surface) = surface(shape, facets, 2.0 * size) else { continue };
        // a shape stands in its link's frame, and so does the body whose pose is known
        let within = |body: usize| model.bodies()[body].placement.inverse() * geom.placement;
        let poses = match geom.body {
            Some(body) => {
                let Some(poses) = frames.get(&body_name(body)) else { continue };
                poses.iter().map(|pose| *pose * within(body)).collect()
            }
            None => still().into_iter().map(|pose| pose * geom.placement).collect(),
        };
        let colour = if shape == Shape::Plane { FLOOR } else { GREY };
        bodies.push(body(name, surface, colour, poses));
    }
    for (name, poses) in frames {
        let has_shape = |k: usize| model.geoms().iter().any(|g| g.body == Some(k));
        let shaped = (0..model.bodies().len()).any(|k| body_name(k) == *name && has_shape(k));
        if !shaped {
            let mark = Surface::ellipsoid([0.02 * size; 3]);
            bodies.push(body(name.clone(), mark, MARKED, poses.clone()));
        }
    }
    bodies
}

fn body(name: String, surface: Surface, colour: [f64; 3], poses: Vec<Pose<f64>>) -> Body {
    let Surface { corners, faces } = surface;
    Body { name, corners, faces, colour, glow: [0.0; 3], poses }
}

/// Half the diagonal of the box around everything that moves, at least 0.1 m.
fn extent(frames: &Frames) -> f64 {
    let places = || frames.values().flatten().map(|pose| pose.translation.0);
    let side = |c: usize| {
        let start = (f64::INFINITY, f64::NEG_INFINITY);
        let (low, high) = places().fold(start, |(l, h), x| (l.min(x[c]), h.max(x[c])));
        (high - low).max(0.0)
    };
    let sides = [0, 1, 2].map(side);
    (0.5 * sides.iter().map(|s| s * s).sum::<f64>().sqrt()).max(0.1)
}

/// A shape with the sizes that its surface has now.
fn resized(shape: Shape, size: &[f64]) -> Shape {
    match (shape, size) {
        (Shape::Sphere { .. }, [radius]) => Shape::Sphere { radius: *radius },
        (Shape::Capsule { .. }, [radius, half]) => {
            Shape::Capsule { radius: *radius, half_length: *half }
        }
        (Shape::Cylinder { .. }, [radius, half]) => {
            Shape::Cylinder { radius: *radius, half_length: *half }
        }
        (Shape::Box { .. }, [x, y, z]) => Shape::Box { half: [*x, *y, *z] },
        (Shape::Ellipsoid { .. }, [x, y, z]) => Shape::Ellipsoid { half: [*x, *y, *z] },
        (shape, _) => shape,
    }
}

/// The triangles of a shape; of a half-space a square of half edge `reach`. Of a solid of any form its facets, where rays needed them.
fn surface(shape: Shape, facets: Option<&Facets>, reach: f64) -> Option<Surface> {
    Some(match shape {
        Shape::Sphere { radius } => Surface::ellipsoid([radius; 3]),
        Shape::Ellipsoid { half } => Surface::ellipsoid(half),
        Shape::Capsule { radius, half_length } => Surface::capsule(radius, half_length),
        Shape::Cylinder { radius, half_length } => Surface::cylinder(radius, half_length),
        Shape::Box { half } => Surface::cuboid(half),
        Shape::Plane => Surface::square(reach),
        Shape::Solid { .. } | Shape::HeightField => {
            let triangles = facets?.triangles();
            let count = u32::try_from(triangles.len()).ok()?.checked_mul(3)?;
            let corners = triangles.iter().flatten().map(|corner| corner.0).collect();
            let faces = (0..count).step_by(3).map(|k| [k, k + 1, k + 2]).collect();
            Surface { corners, faces }
        }
    })
}

/// Balls of these names and radii, with their centres at each time.
pub(super) fn balls(
    names: &[String],
    radii: &[f64],
    times: Vec<f64>,
    centres: impl Fn(usize, usize) -> Vec3<f64>,
) -> Look {
    let ball = |(i, (name, radius)): (usize, (&String, &f64))| {
        let pose = |t: usize| Pose { translation: centres(t, i), ..Pose::identity() };
        let poses = (0..times.len()).map(pose).collect();
        body(name.clone(), Surface::ellipsoid([*radius; 3]), GREY, poses)
    };
    let bodies = names.iter().zip(radii).enumerate().map(ball).collect();
    Look { name: "motion".into(), unit: "m", up: 2, times, bodies }
}
