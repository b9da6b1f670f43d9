//! The kinds of parameters: one row each of one table. Names, bounds, values, and what moves are all read from here.

use std::sync::Arc;

use cotangent_ad::{Mat3, Quat};

use super::assign::{set_normals, set_number, set_texture, set_three, set_two, set_vertices};
use super::owner::Owner;
use super::slot::{Layout, Leaf};
use super::texture::Texture;
use super::{Environment, LEAST_ROUGHNESS, LampKind, Scene, SceneError, Shading};
use crate::film::Image;
use crate::geometry::{Rgb, V3, id};
use crate::material::{LEAST_INDEX, MOST_INDEX};
use crate::shape::Corners;

/// What must be followed for a derivative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moves {
    /// The points of the owner.
    Points,
    /// The normals that the owner is shaded with.
    Normals,
    /// The rays of the owner, a camera.
    Rays,
    /// The place or direction of the owner, a lamp.
    Lamps,
    /// Where light goes through the owner, a transparent body: what is seen through it, where it is smooth.
    Refraction,
    /// Nothing moves.
    Nothing,
}

/// Hands on `(entry of the parameter, leaf, velocity of the leaf)` for every leaf that an entry of the owner's parameter moves.
type Spread = fn(&Scene, &Layout, usize, &mut dyn FnMut(usize, Leaf, V3));

/// Maps as many numbers of a part's parameter linearly.
type Chart = fn(&Scene, usize, &[f64]) -> Vec<f64>;

/// How a kind is differentiated.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Derivative {
    By(Moves, Spread),
    Not(&'static str),
}

/// A kind of parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) owner: Owner,
    /// Last part of the name.
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) bounds: [f64; 2],
    /// What a value outside the bounds must be.
    pub(crate) must: &'static str,
    pub(crate) shape: fn(&Scene, usize) -> Vec<usize>,
    pub(crate) get: fn(&Scene, usize) -> Vec<f64>,
    pub(crate) set: fn(&mut Scene, usize, &[f64]) -> Result<(), SceneError>,
    pub(crate) derivative: Derivative,
    /// A symmetric linear map of as many numbers, by which entries become those that the derivative is by; `None` is the identity.
    pub(crate) chart: Option<Chart>,
}

const FREE: [f64; 2] = [f64::NEG_INFINITY, f64::INFINITY];
const FINITE: &str = "it must be finite";
const POSITIVE: [f64; 2] = [f64::MIN_POSITIVE, f64::INFINITY];
const MUST_BE_POSITIVE: &str = "it must be positive and finite";
const NOT_NEGATIVE: [f64; 2] = [0.0, f64::INFINITY];
const MUST_NOT_BE_NEGATIVE: &str = "it must be finite and not negative";

/// The start of a row: a free vector of three.
const VECTOR: Kind = Kind {
    owner: Owner::Mesh,
    name: "",
    unit: "",
    bounds: FREE,
    must: FINITE,
    shape: |_, _| vec![3],
    get: |_, _| Vec::new(),
    set: |_, _, _| Ok(()),
    derivative: Derivative::Not("it has no derivative"),
    chart: None,
};

/// The start of a row of a mesh's corners, of which each moves a vertex.
const VERTICES: Kind = Kind {
    unit: "scene unit",
    shape: |s, m| vec![s.meshes[m].shape.vertices().len(), 3],
    derivative: Derivative::By(Moves::Points, |s, l, m, each| {
        let turn = Turn::new(s.meshes[m].rotation).matrix;
        let axes = [0, 1, 2].map(|k| turn.column(k) * s.meshes[m].scale);
        let mut entry = 0;
        points(s, l, m, |v, _| {
            (0..3).for_each(|k| each(entry + k, v, axes[k]));
            entry += 3;
        });
    }),
    ..VECTOR
};

/// The start of a row of a mesh's colour.
const COLOUR: Kind = Kind { bounds: NOT_NEGATIVE, must: MUST_NOT_BE_NEGATIVE, ..VECTOR };

/// The start of a camera's row.
const OF_CAMERA: Kind = Kind { owner: Owner::Camera, ..VECTOR };

/// All kinds.
pub(crate) const KINDS: &[Kind] = &[
    Kind {
        name: "translation",
        unit: "scene unit",
        get: |s, m| s.meshes[m].translation.to_vec(),
        set: |s, m, v| set_three(&mut s.meshes[m].translation, v),
        derivative: Derivative::By(Moves::Points, |s, l, m, each| {
            points(s, l, m, |v, _| (0..3).for_each(|k| each(k, v, V3::unit(k))));
        }),
        ..VECTOR
    },
    Kind {
        name: "rotation",
        unit: "rad",
        get: |s, m| s.meshes[m].rotation.to_vec(),
        set: |s, m, v| set_three(&mut s.meshes[m].rotation, v),
        derivative: Derivative::By(Moves::Points, |s, l, m, each| {
            let turn = Turn::new(s.meshes[m].rotation);
            let spins = [0, 1, 2].map(|k| turn.jacobian.column(k));
            let mut turned = |v, x| {
                (0..3).for_each(|k| each(k, v, turn.matrix * spins[k].cross(x)));
            };
            points(s, l, m, |v, x| turned(v, x * s.meshes[m].scale));
            normals(s, l, m, turned);
        }),
        ..VECTOR
    },
    Kind {
        name: "scale",
        bounds: POSITIVE,
        must: MUST_BE_POSITIVE,
        shape: |_, _| Vec::new(),
        get: |s, m| vec![s.meshes[m].scale],
        set: |s, m, v| set_number(&mut s.meshes[m].scale, v),
        derivative: Derivative::By(Moves::Points, |s, l, m, each| {
            let turn = Turn::new(s.meshes[m].rotation).matrix;
            points(s, l, m, |v, x| each(0, v, turn * x));
        }),
        ..VECTOR
    },
    Kind { owner: Owner::Plain, name: "vertices", get: vertices, set: set_vertices, ..VERTICES },
    Kind {
        owner: Owner::Smoothed,
        name: "differential",
        get: |s, m| {
            let smoothing = s.meshes[m].smoothing();
            smoothing.map_or(Vec::new(), |smoothing| smoothing.coordinates(&vertices(s, m)))
        },
        set: |s, m, u| match s.meshes[m].smoothing() {
            Some(smoothing) => set_vertices(s, m, &smoothing.smoothed(u)),
            None => Ok(()),
        },
        chart: Some(|s, m, bar| {
            s.meshes[m].smoothing().map_or_else(|| bar.to_vec(), |map| map.smoothed(bar))
        }),
        ..VERTICES
    },
    Kind {
        name: "faces",
        shape: |s, m| vec![s.meshes[m].shape.faces().len(), 3],
        derivative: Derivative::Not("it is a list of indices"),
        ..VECTOR
    },
    Kind {
        name: "albedo",
        bounds: [0.0, 1.0],
        must: "it must lie in [0, 1]",
        get: |s, m| s.meshes[m].albedo.0.to_vec(),
        set: |s, m, v| set_three(&mut s.meshes[m].albedo.0, v),
        derivative: Derivative::By(Moves::Nothing, |_, l, m, each| {
            axes(each, Leaf::Slot(l.albedo(m)));
        }),
        ..COLOUR
    },
    Kind {
        owner: Owner::Emitter,
        name: "radiance",
        unit: "radiance",
        get: |s, m| s.meshes[m].emission.unwrap_or(Rgb::BLACK).0.to_vec(),
        set: |s, m, v| set_three(&mut s.meshes[m].emission.get_or_insert(Rgb::BLACK).0, v),
        derivative: Derivative::By(Moves::Nothing, |_, l, m, each| {
            axes(each, Leaf::Slot(l.radiance(m)));
        }),
        ..COLOUR
    },
    Kind {
        owner: Owner::Tinted,
        name: "tint",
        shape: |s, m| vec![s.meshes[m].shape.vertices().len(), 3],
        get: |s, m| s.meshes[m].tint.iter().flat_map(|t| t.iter().flat_map(|c| c.0)).collect(),
        set: |s, m, v| {
            let colours = v.chunks_exact(3).map(|c| Rgb([c[0], c[1], c[2]])).collect();
            s.meshes[m].tint = Some(Arc::new(colours));
            Ok(())
        },
        derivative: Derivative::By(Moves::Nothing, |_, l, m, each| {
            let first = l.first_vertex[m];
            for v in 0..l.first_vertex[m + 1] - first {
                let leaf = Leaf::Slot(l.tint(id(first + v)));
                (0..3).for_each(|k| each(3 * v + k, leaf, V3::unit(k)));
            }
        }),
        ..COLOUR
    },
    Kind {
        owner: Owner::Glossy,
        name: "roughness",
        bounds: [LEAST_ROUGHNESS, 1.0],
        must: "it must lie in [0.01, 1]: smoother surfaces show edges whose motion is not followed",
        shape: |_, _| Vec::new(),
        get: |s, m| s.meshes[m].material.roughness().into_iter().collect(),
        set: |s, m, v| {
            s.meshes[m].material = s.meshes[m].material.with_roughness(v[0]);
            Ok(())
        },
        derivative: Derivative::By(Moves::Nothing, |_, l, m, each| {
            each(0, Leaf::Slot(l.microfacets(m)), V3::unit(0));
        }),
        ..VECTOR
    },
    Kind {
        owner: Owner::Transparent,
        name: "index",
        bounds: [LEAST_INDEX, MOST_INDEX],
        must: "it must lie in [1.01, 10]",
        shape: |_, _| Vec::new(),
        get: |s, m| s.meshes[m].material.index().into_iter().collect(),
        set: |s, m, v| {
            s.meshes[m].material = s.meshes[m].material.with_index(v[0]);
            Ok(())
        },
        derivative: Derivative::By(Moves::Refraction, |_, l, m, each| {
            each(0, Leaf::Slot(l.microfacets(m)), V3::unit(1));
        }),
        ..VECTOR
    },
    Kind {
        owner: Owner::Textured,
        name: "texture",
        shape: |s, m| {
            let size = |t: &Arc<Texture>| vec![t.image().height, t.image().width, 3];
            s.meshes[m].texture.as_ref().map_or(Vec::new(), size)
        },
        get: |s, m| {
            let texels = s.meshes[m].texture.iter().flat_map(|t| &t.image().pixels);
            texels.flat_map(|c| c.0).collect()
        },
        set: set_texture,
        derivative: Derivative::By(Moves::Nothing, |s, l, m, each| {
            let texels = s.meshes[m].texture.as_ref().map_or(0, |t| t.image().pixels.len());
            for texel in 0..texels {
                let leaf = Leaf::Slot(l.texel(m, texel));
                (0..3).for_each(|k| each(3 * texel + k, leaf, V3::unit(k)));
            }
        }),
        ..COLOUR
    },
    Kind {
        owner: Owner::Shaded,
        name: "normals",
        shape: |s, m| vec![s.meshes[m].normal_count(), 3],
        get: |s, m| {
            let own = s.meshes[m].shape.normals().map_or(&[][..], Corners::values);
            own.iter().flat_map(|n| n.0).collect()
        },
        set: set_normals,
        derivative: Derivative::By(Moves::Normals, |s, l, m, each| {
            let turn = Turn::new(s.meshes[m].rotation).matrix;
            let mut entry = 0;
            normals(s, l, m, |n, _| {
                (0..3).for_each(|k| each(entry + k, n, turn.column(k)));
                entry += 3;
            });
        }),
        ..VECTOR
    },
    Kind {
        owner: Owner::Lamp,
        name: "intensity",
        unit: "intensity",
        get: |s, k| s.lamps[k].intensity.0.to_vec(),
        set: |s, k, v| set_three(&mut s.lamps[k].intensity.0, v),
        derivative: Derivative::By(Moves::Nothing, |_, l, k, each| {
            axes(each, Leaf::Slot(l.lamp(k).intensity));
        }),
        ..COLOUR
    },
    Kind {
        owner: Owner::Placed,
        name: "position",
        unit: "scene unit",
        get: |s, k| s.lamps[k].kind.position().map_or(Vec::new(), |p| p.to_vec()),
        set: |s, k, v| match &mut s.lamps[k].kind {
            LampKind::Point { position } | LampKind::Spot { position, .. } => {
                set_three(position, v)
            }
            LampKind::Distant { .. } => Ok(()),
        },
        derivative: Derivative::By(Moves::Lamps, |_, l, k, each| {
            axes(each, Leaf::Slot(l.lamp(k).position));
        }),
        ..VECTOR
    },
    Kind {
        owner: Owner::Aimed,
        name: "direction",
        get: |s, k| s.lamps[k].kind.direction().map_or(Vec::new(), |p| p.to_vec()),
        set: |s, k, v| match &mut s.lamps[k].kind {
            LampKind::Spot { direction, .. } | LampKind::Distant { direction } => {
                set_three(direction, v)
            }
            LampKind::Point { .. } => Ok(()),
        },
        derivative: Derivative::By(Moves::Lamps, |_, l, k, each| {
            axes(each, Leaf::Slot(l.lamp(k).direction));
        }),
        ..VECTOR
    },
    Kind {
        owner: Owner::Spot,
        name: "cone",
        unit: "rad",
        bounds: [0.0, std::f64::consts::PI],
        must: "it must lie between 0 and 180 degrees",
        shape: |_, _| vec![2],
        get: |s, k| match s.lamps[k].kind {
            LampKind::Spot { cone, .. } => cone.to_vec(),
            _ => Vec::new(),
        },
        set: |s, k, v| match &mut s.lamps[k].kind {
            LampKind::Spot { cone, .. } => set_two(cone, v),
            _ => Ok(()),
        },
        derivative: Derivative::By(Moves::Nothing, |_, l, k, each| {
            (0..2).for_each(|e| each(e, Leaf::Slot(l.lamp(k).cone), V3::unit(e)));
        }),
        chart: None,
    },
    Kind {
        owner: Owner::Environment,
        name: "radiance",
        unit: "radiance",
        get: |s, _| s.environment.iter().flat_map(|e| e.radiance.0).collect(),
        set: |s, _, v| match &mut s.environment {
            Some(e) => set_three(&mut e.radiance.0, v),
            None => Ok(()),
        },
        derivative: Derivative::By(Moves::Nothing, |_, l, _, each| {
            axes(each, Leaf::Slot(l.sky_radiance()));
        }),
        ..COLOUR
    },
    Kind {
        owner: Owner::Environment,
        name: "rotation",
        unit: "rad",
        get: |s, _| s.environment.iter().flat_map(|e| e.rotation).collect(),
        set: |s, _, v| match &mut s.environment {
            Some(e) => set_three(&mut e.rotation, v),
            None => Ok(()),
        },
        derivative: Derivative::By(Moves::Nothing, |s, l, _, each| {
            let turn = Turn::new(s.environment.as_ref().map_or([0.0; 3], |e| e.rotation));
            let spin = |k| turn.matrix * turn.jacobian.column(k);
            (0..3).for_each(|k| each(k, Leaf::Slot(l.sky_spin()), spin(k)));
        }),
        ..VECTOR
    },
    Kind {
        owner: Owner::Environment,
        name: "texels",
        shape: |s, _| {
            let size = |e: &Environment| {
                let image = e.picture.image();
                vec![image.height, image.width, 3]
            };
            s.environment.as_ref().map_or(Vec::new(), size)
        },
        get: |s, _| {
            let texels = s.environment.iter().flat_map(|e| &e.picture.image().pixels);
            texels.flat_map(|c| c.0).collect()
        },
        set: |s, _, v| {
            if let Some(e) = &mut s.environment {
                let pixels = v.chunks_exact(3).map(|c| Rgb([c[0], c[1], c[2]])).collect();
                e.picture = Arc::new(Texture::new(Image { pixels, ..*e.picture.image() })?);
            }
            Ok(())
        },
        derivative: Derivative::By(Moves::Nothing, |s, l, _, each| {
            let count = s.environment.as_ref().map_or(0, |e| e.picture.image().pixels.len());
            for texel in 0..count {
                let leaf = Leaf::Slot(l.sky_texel(texel));
                (0..3).for_each(|k| each(3 * texel + k, leaf, V3::unit(k)));
            }
        }),
        ..COLOUR
    },
    Kind {
        name: "translation",
        unit: "scene unit",
        get: |s, c| s.cameras[c].translation.to_vec(),
        set: |s, c, v| set_three(&mut s.cameras[c].translation, v),
        derivative: Derivative::By(Moves::Rays, |_, l, c, each| {
            axes(each, Leaf::Slot(l.pinhole(c)));
        }),
        ..OF_CAMERA
    },
    Kind {
        name: "rotation",
        unit: "rad",
        get: |s, c| s.cameras[c].rotation.to_vec(),
        set: |s, c, v| set_three(&mut s.cameras[c].rotation, v),
        derivative: Derivative::By(Moves::Rays, |s, l, c, each| {
            let turn = Turn::new(s.cameras[c].rotation);
            let spin = |k| turn.matrix * turn.jacobian.column(k);
            (0..3).for_each(|k| each(k, Leaf::Slot(l.spin(c)), spin(k)));
        }),
        ..OF_CAMERA
    },
    Kind {
        name: "focal",
        unit: "pixel",
        bounds: POSITIVE,
        must: MUST_BE_POSITIVE,
        shape: |_, _| Vec::new(),
        get: |s, c| vec![s.cameras[c].focal],
        set: |s, c, v| set_number(&mut s.cameras[c].focal, v),
        derivative: Derivative::By(Moves::Rays, |_, l, c, each| {
            each(0, Leaf::Slot(l.lens(c)), V3::unit(0));
        }),
        ..OF_CAMERA
    },
    Kind {
        name: "principal_point",
        unit: "pixel",
        shape: |_, _| vec![2],
        get: |s, c| s.cameras[c].principal_point.to_vec(),
        set: |s, c, v| set_two(&mut s.cameras[c].principal_point, v),
        derivative: Derivative::By(Moves::Rays, |_, l, c, each| {
            (0..2).for_each(|k| each(k, Leaf::Slot(l.lens(c)), V3::unit(k + 1)));
        }),
        ..OF_CAMERA
    },
    Kind {
        name: "distortion",
        shape: |_, _| vec![2],
        get: |s, c| s.cameras[c].distortion.to_vec(),
        set: |s, c, v| set_two(&mut s.cameras[c].distortion, v),
        derivative: Derivative::By(Moves::Rays, |_, l, c, each| {
            (0..2).for_each(|k| each(k, Leaf::Slot(l.distortion(c)), V3::unit(k)));
        }),
        ..OF_CAMERA
    },
    Kind {
        name: "exposure",
        bounds: POSITIVE,
        must: MUST_BE_POSITIVE,
        shape: |_, _| Vec::new(),
        get: |s, c| vec![s.cameras[c].exposure],
        set: |s, c, v| set_number(&mut s.cameras[c].exposure, v),
        derivative: Derivative::By(Moves::Nothing, |s, l, c, each| {
            each(0, Leaf::Slot(l.gain(c)), V3::from(s.cameras[c].white_balance.0));
        }),
        ..OF_CAMERA
    },
    Kind {
        name: "white_balance",
        bounds: NOT_NEGATIVE,
        must: MUST_NOT_BE_NEGATIVE,
        get: |s, c| s.cameras[c].white_balance.0.to_vec(),
        set: |s, c, v| set_three(&mut s.cameras[c].white_balance.0, v),
        derivative: Derivative::By(Moves::Nothing, |s, l, c, each| {
            let exposure = s.cameras[c].exposure;
            (0..3).for_each(|k| each(k, Leaf::Slot(l.gain(c)), V3::unit(k) * exposure));
        }),
        ..OF_CAMERA
    },
];

/// A rotation vector's matrix `R`, and `J` with `dR = R [J dv]`.
struct Turn {
    matrix: Mat3<f64>,
    jacobian: Mat3<f64>,
}

impl Turn {
    fn new(v: [f64; 3]) -> Self {
        let v = V3::from(v);
        Self { matrix: Quat::exp(v).to_mat(), jacobian: Quat::exp_right_jacobian(v) }
    }
}

/// Visits the vertices of a mesh: its leaf, and its place in the mesh's own coordinates.
fn points(scene: &Scene, layout: &Layout, mesh: usize, mut each: impl FnMut(Leaf, V3)) {
    let first = layout.first_vertex[mesh];
    for (k, x) in scene.meshes[mesh].shape.vertices().iter().enumerate() {
        each(Leaf::Point(id(first + k)), *x);
    }
}

/// Visits the normals that the shape of a mesh has of its own and is shaded with: their leaves, and what they are in the mesh's own
/// coordinates.
fn normals(scene: &Scene, layout: &Layout, mesh: usize, mut each: impl FnMut(Leaf, V3)) {
    let m = &scene.meshes[mesh];
    if let (Shading::Given, Some(own)) = (m.shading, m.shape.normals()) {
        for (k, n) in own.values().iter().enumerate() {
            each(Leaf::Normal(id(layout.first_normal[mesh] + k)), *n);
        }
    }
}

/// The vertices of a mesh in its own coordinates.
fn vertices(scene: &Scene, mesh: usize) -> Vec<f64> {
    scene.meshes[mesh].shape.vertices().iter().flat_map(|v| v.0).collect()
}

/// Three entries that are the three numbers of a leaf.
fn axes(each: &mut dyn FnMut(usize, Leaf, V3), leaf: Leaf) {
    (0..3).for_each(|k| each(k, leaf, V3::unit(k)));
}
