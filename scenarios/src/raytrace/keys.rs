//! The keys of a scene.

use cotangent_raytrace::{LEAST_INDEX, MOST_INDEX, Shading};

use crate::keys::{
    File, INF, Kind, List, OPTIONAL_FILE, POSITIVE, TEXT, choice, count, key, keys, list, number,
    one_of, optional_vector, required, vector,
};

type Three = [f64; 3];
type Maybe = Option<[f64; 3]>;

const POINT: Kind<Three> = vector("", -INF, INF);
const SOME_POINT: Kind<Maybe> = optional_vector("", -INF, INF);
const ANGLES: Kind<Three> = vector("rad", -INF, INF);
const POWER: Kind<Three> = vector("", 0.0, INF);
const SOME_POWER: Kind<Maybe> = optional_vector("", 0.0, INF);
const SAMPLES: Kind<usize> = count(1, 65_536);
const PIXELS: Kind<usize> = count(1, 8192);

keys! {
    pub(super) KEYS;
    PATHS: usize = key("samples.paths", SAMPLES, "16", "paths through each pixel");
    EDGES: usize = key("samples.edges", SAMPLES, "16",
        "samples for each pixel length of visible edges");
    SHADOW_POINTS: usize = key("samples.shadow_points", SAMPLES, "4",
        "points in each pixel at which shadow borders are looked for");
    BOUNCES: usize = key("transport.bounces", count(1, 10_000), "1",
        "the most reflections of light on its way to a camera; from the fourth on they end by chance");
    SKY_RADIANCE: Maybe = key("environment.radiance", SOME_POWER, "[]",
        "light from everywhere, RGB; factor of its picture");
    SKY_PICTURE: Option<File> = key("environment.picture", OPTIONAL_FILE, "\"\"",
        "EXR or PNG around the scene: longitude, latitude");
    SKY_ROTATION: Three = key("environment.rotation", ANGLES, "[0.0, 0.0, 0.0]",
        "rotation vector of the picture");
}

/// How a mesh reflects, by its name in a file.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Surface {
    Diffuse,
    Metal,
    Mirror,
    Glass,
}

choice! { Surface:
    "diffuse" => Self::Diffuse,
    "metal" => Self::Metal,
    "mirror" => Self::Mirror,
    "glass" => Self::Glass,
}

choice! { Shading: "flat" => Self::Flat, "smooth" => Self::Smooth, "file" => Self::Given }

keys! {
    MESH_KEYS;
    MESH_LABEL: str = required("label", TEXT, "its name, as in mesh.LABEL.translation");
    MESH_FILE: Option<File> = key("file", OPTIONAL_FILE, "\"\"",
        "OBJ or PLY file; or a parallelogram by centre, side_a, side_b");
    CENTRE: Maybe = key("centre", SOME_POINT, "[]", "centre of a parallelogram");
    SIDE_A: Maybe = key("side_a", SOME_POINT, "[]", "half of one of its sides");
    SIDE_B: Maybe = key("side_b", SOME_POINT, "[]",
        "half of the other; its front is along a cross b");
    TRANSLATION: Three = key("translation", POINT, "[0.0, 0.0, 0.0]", "place of its origin");
    ROTATION: Three = key("rotation", ANGLES, "[0.0, 0.0, 0.0]",
        "rotation vector about its origin");
    SCALE: f64 = key("scale", number("", POSITIVE, INF), "1.0", "factor of its size");
    ALBEDO: Three = key("albedo", vector("", 0.0, 1.0), "[0.5, 0.5, 0.5]",
        "reflected fraction, RGB");
    TEXTURE: Option<File> = key("texture", OPTIONAL_FILE, "\"\"",
        "EXR or PNG over the file's texture coordinates: a factor");
    MATERIAL: Surface = key("material", one_of(), "\"diffuse\"",
        "how it reflects; a mesh with a roughness is a metal where nothing is said");
    ROUGHNESS: f64 = key("roughness", number("", 0.0, 1.0), "0.0",
        "of a metal or glass: alpha of GGX, at least 0.01; at 0 glass is clear");
    INDEX: f64 = key("index", number("", LEAST_INDEX, MOST_INDEX), "1.5",
        "of glass: its index of refraction; its faces have their fronts outside");
    SHADING: Shading = key("shading", one_of(), "\"flat\"",
        "normals of its faces, means of these at vertices, or those of the file");
    RADIANCE: Maybe = key("radiance", SOME_POWER, "[]",
        "what it shines with, RGB; a mesh with it is a light");
    LARGE_STEPS: f64 = key("large_steps", number("", 0.0, INF), "0.0",
        "how far a step at a vertex reaches, say 20: mesh.LABEL.differential is free in place of vertices");
}

keys! {
    LAMP_KEYS;
    LAMP_LABEL: str = required("label", TEXT, "its name, as in light.LABEL.position");
    LAMP_POSITION: Maybe = key("position", SOME_POINT, "[]",
        "its place; without one light comes from far away");
    DIRECTION: Maybe = key("direction", SOME_POINT, "[]",
        "the way of its light; with a position it is a spot");
    INNER: f64 = key("inner", number("deg", 0.0, 180.0), "20.0",
        "of a spot: full light up to this angle");
    OUTER: f64 = key("outer", number("deg", 0.0, 180.0), "30.0",
        "of a spot: no light from this angle on");
    INTENSITY: Three = required("intensity", POWER,
        "power per solid angle; of a distant lamp irradiance; RGB");
}

keys! {
    CAMERA_KEYS;
    CAMERA_LABEL: str = required("label", TEXT, "its name, as in camera.LABEL.image");
    POSITION: Three = required("position", POINT, "the pinhole");
    TARGET: Three = required("target", POINT, "a point in the middle of the picture");
    UP: Three = key("up", POINT, "[0.0, 1.0, 0.0]", "up in the picture");
    FOV: f64 = key("fov", number("deg", 0.1, 179.0), "40.0", "full horizontal angle of view");
    EXTENT: f64 = key("extent", number("", 0.0, INF), "0.0",
        "of an orthographic camera: width of what it sees, scene units; at 0 it has an angle of view");
    WIDTH: usize = key("width", PIXELS, "96", "columns of the picture");
    HEIGHT: usize = key("height", PIXELS, "72", "rows of the picture");
}

pub(super) const MESH: List = list("mesh", MESH_KEYS, "an object or a light").needed();
pub(super) const LAMP: List = list("lamp", LAMP_KEYS, "a light without extent");
pub(super) const CAMERA: List = list("camera", CAMERA_KEYS, "a view of the scene").needed();
