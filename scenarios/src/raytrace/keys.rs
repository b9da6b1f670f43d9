//! The keys of `pose-from-picture`.

use crate::keys::{Key, Kind};

pub(super) const fn key(
    path: &'static str,
    kind: Kind,
    default: &'static str,
    doc: &'static str,
) -> Key {
    Key { path, kind, default: Some(default), doc }
}

pub(super) const fn required(path: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key { path, kind, default: None, doc }
}

pub(super) const INF: f64 = f64::INFINITY;
pub(super) const POINT: Kind = Kind::Numbers { unit: "", min: -INF, max: INF };
pub(super) const ANGLES: Kind = Kind::Numbers { unit: "rad", min: -INF, max: INF };
pub(super) const ALBEDO: Kind = Kind::Numbers { unit: "", min: 0.0, max: 1.0 };
pub(super) const RADIANCE: Kind = Kind::Numbers { unit: "", min: 0.0, max: INF };
const SHARE: Kind = Kind::Number { unit: "", min: 0.0, max: 1.0 };
pub(super) const fn number(unit: &'static str, min: f64, max: f64) -> Kind {
    Kind::Number { unit, min, max }
}

pub(super) const KEYS: &[Key] = &[
    required("picture.file", Kind::File, "the picture: linear radiance, OpenEXR"),
    required("object.mesh", Kind::File, "the object's triangles: Wavefront OBJ"),
    required("object.translation", POINT, "where the search starts: place of the mesh's origin"),
    required(
        "object.rotation",
        ANGLES,
        "where the search starts: rotation vector about that origin",
    ),
    required("object.albedo", ALBEDO, "where the search starts: reflected fraction, RGB"),
    required("light.radiance", RADIANCE, "where the search starts: radiance of the light, RGB"),
    key("light.centre", POINT, "[0.0, 3.0, 0.0]", "centre of the light, a parallelogram"),
    key("light.side_a", POINT, "[0.4, 0.0, 0.0]", "half of one side"),
    key("light.side_b", POINT, "[0.0, 0.0, 0.4]", "half of the other; it shines along a cross b"),
    key("floor.height", number("", -INF, INF), "0.0", "height (y) of the floor"),
    key("floor.half_width", number("", f64::MIN_POSITIVE, INF), "6.0", "half the floor's side"),
    key(
        "floor.albedo",
        ALBEDO,
        "[0.5, 0.5, 0.5]",
        "the floor's albedo, which must be known: it tells the light from the object's colour",
    ),
    required("camera.position", POINT, "the pinhole"),
    required("camera.target", POINT, "a point in the middle of the picture"),
    key("camera.up", POINT, "[0.0, 1.0, 0.0]", "up in the picture"),
    key("camera.fov", number("deg", 0.1, 179.0), "40.0", "full horizontal angle of view"),
    key("film.width", Kind::Integer { min: 1, max: 8192 }, "96", "columns of the picture"),
    key("film.height", Kind::Integer { min: 1, max: 8192 }, "72", "rows of the picture"),
    key("samples.paths", Kind::Integer { min: 1, max: 65_536 }, "64", "paths a pixel"),
    key(
        "samples.edges",
        Kind::Integer { min: 1, max: 65_536 },
        "64",
        "samples a pixel length of visible edges",
    ),
    key(
        "samples.shadow_points",
        Kind::Integer { min: 1, max: 65_536 },
        "8",
        "shading points a pixel for the borders of shadows",
    ),
    key(
        "samples.boundary",
        Kind::Flag,
        "true",
        "count moving edges in derivatives; without them these are wrong, which is there to be seen",
    ),
    key(
        "start.translation_spread",
        SHARE,
        "0.0",
        "the seed moves the start by up to this share of the object's size",
    ),
    key(
        "start.rotation_spread",
        number("rad", 0.0, 3.2),
        "0.0",
        "the seed turns the start by up to this, each entry",
    ),
    key(
        "start.colour_spread",
        SHARE,
        "0.0",
        "the seed changes starting colours by up to this share",
    ),
    key(
        "truth.translation",
        POINT,
        "[]",
        "hidden value that judges the answer; the search never sees it",
    ),
    key("truth.rotation", ANGLES, "[]", "hidden value that judges the answer"),
    key("truth.albedo", ALBEDO, "[]", "hidden value that judges the answer"),
    key("truth.radiance", RADIANCE, "[]", "hidden value that judges the answer"),
    key(
        "goal.rotation",
        number("deg", 0.0, 180.0),
        "0.2",
        "largest angle between answer and truth",
    ),
    key("goal.translation", SHARE, "0.005", "largest distance, as a share of the object's size"),
    key("goal.colour", SHARE, "0.01", "largest relative error of a channel of albedo or radiance"),
];
