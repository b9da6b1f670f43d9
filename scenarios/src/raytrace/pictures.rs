//! `pictures`: a scene of meshes, lights and cameras, and what is asked of the cameras' images.

use std::path::Path;
use std::sync::Arc;

use cotangent_problem::Simulation;
use cotangent_problem::name::segment;
use cotangent_raytrace::{
    CameraView, DerivativeOptions, Environment, LEAST_INDEX, LampKind, MOST_INDEX, Material,
    MeshFile, PictureSimulation, Rgb, Scene, SceneCamera, SceneLamp, SceneMesh, Shading, Texture,
    Transport, TriangleMesh, parse_obj, parse_ply, read_picture,
};

use super::super::document::{Grammar, Settings};
use super::super::general::{self, Draw, Model, Study, select};
use super::super::keys::{Key, Kind, List, key, required};
use super::super::{Domain, Scenario};
use super::cuts::cuts;
use super::derivatives::Derivatives;
use super::first;
use super::keys::{ALBEDO, ANGLES, INF, POINT, RADIANCE, number};
use super::{CONTRADICTION, three};
use crate::diagnostic::Diagnostic;

/// The kind.
pub(crate) struct Pictures;

const SAMPLES: Kind = Kind::Integer { min: 1, max: 65_536 };
const KEYS: &[Key] = &[
    key("samples.paths", SAMPLES, "16", "paths through each pixel"),
    key("samples.edges", SAMPLES, "16", "samples for each pixel length of visible edges"),
    key(
        "samples.shadow_points",
        SAMPLES,
        "4",
        "points in each pixel at which shadow borders are looked for",
    ),
    key(
        "transport.bounces",
        Kind::Integer { min: 1, max: 10_000 },
        "1",
        "the most reflections of light on its way to a camera; from the fourth on they end by chance",
    ),
    key(
        "environment.radiance",
        RADIANCE,
        "[]",
        "light from everywhere, RGB; factor of its picture",
    ),
    key(
        "environment.picture",
        Kind::File,
        "\"\"",
        "EXR or PNG around the scene: longitude, latitude",
    ),
    key("environment.rotation", ANGLES, "[0.0, 0.0, 0.0]", "rotation vector of the picture"),
];

const LAMP_KEYS: &[Key] = &[
    required("label", Kind::Text, "its name, as in light.LABEL.position"),
    key("position", POINT, "[]", "its place; without one light comes from far away"),
    key("direction", POINT, "[]", "the way of its light; with a position it is a spot"),
    key("inner", number("deg", 0.0, 180.0), "20.0", "of a spot: full light up to this angle"),
    key("outer", number("deg", 0.0, 180.0), "30.0", "of a spot: no light from this angle on"),
    required("intensity", RADIANCE, "power per solid angle; of a distant lamp irradiance; RGB"),
];

const MESH_KEYS: &[Key] = &[
    required("label", Kind::Text, "its name, as in mesh.LABEL.translation"),
    key(
        "file",
        Kind::File,
        "\"\"",
        "OBJ or PLY file; or a parallelogram by centre, side_a, side_b",
    ),
    key("centre", POINT, "[]", "centre of a parallelogram"),
    key("side_a", POINT, "[]", "half of one of its sides"),
    key("side_b", POINT, "[]", "half of the other; its front is along a cross b"),
    key("translation", POINT, "[0.0, 0.0, 0.0]", "place of its origin"),
    key("rotation", ANGLES, "[0.0, 0.0, 0.0]", "rotation vector about its origin"),
    key("scale", number("", f64::MIN_POSITIVE, INF), "1.0", "factor of its size"),
    key("albedo", ALBEDO, "[0.5, 0.5, 0.5]", "reflected fraction, RGB"),
    key("texture", Kind::File, "\"\"", "EXR or PNG over the file's texture coordinates: a factor"),
    key(
        "material",
        Kind::Choice(&["diffuse", "metal", "mirror", "glass"]),
        "\"diffuse\"",
        "how it reflects; a mesh with a roughness is a metal where nothing is said",
    ),
    key(
        "roughness",
        number("", 0.0, 1.0),
        "0.0",
        "of a metal or glass: alpha of GGX, at least 0.01; at 0 glass is clear",
    ),
    key(
        "index",
        number("", LEAST_INDEX, MOST_INDEX),
        "1.5",
        "of glass: its index of refraction; its faces have their fronts outside",
    ),
    key(
        "shading",
        Kind::Choice(&["flat", "smooth", "file"]),
        "\"flat\"",
        "normals of its faces, means of these at vertices, or those of the file",
    ),
    key("radiance", RADIANCE, "[]", "what it shines with, RGB; a mesh with it is a light"),
    key(
        "large_steps",
        number("", 0.0, INF),
        "0.0",
        "how far a step at a vertex reaches, say 20: mesh.LABEL.differential is free in place of vertices",
    ),
];

const CAMERA_KEYS: &[Key] = &[
    required("label", Kind::Text, "its name, as in camera.LABEL.image"),
    required("position", POINT, "the pinhole"),
    required("target", POINT, "a point in the middle of the picture"),
    key("up", POINT, "[0.0, 1.0, 0.0]", "up in the picture"),
    key("fov", number("deg", 0.1, 179.0), "40.0", "full horizontal angle of view"),
    key(
        "extent",
        number("", 0.0, INF),
        "0.0",
        "of an orthographic camera: width of what it sees, scene units; at 0 it has an angle of view",
    ),
    key("width", Kind::Integer { min: 1, max: 8192 }, "96", "columns of the picture"),
    key("height", Kind::Integer { min: 1, max: 8192 }, "72", "rows of the picture"),
];

const LISTS: &[List] = &[
    List { name: "mesh", keys: MESH_KEYS, required: true, doc: "an object or a light" },
    List { name: "lamp", keys: LAMP_KEYS, required: false, doc: "a light without extent" },
    List { name: "camera", keys: CAMERA_KEYS, required: true, doc: "a view of the scene" },
    general::LISTS[0],
    general::LISTS[1],
    general::LISTS[2],
    general::LISTS[3],
    general::LISTS[4],
];

const TEMPLATE: &[(&str, &[u8])] = &[
    ("scenario.toml", include_bytes!("../../two-views.toml")),
    ("letter-f.obj", include_bytes!("../../letter-f.obj")),
    ("two-views-front.exr", include_bytes!("../../two-views-front.exr")),
    ("two-views-side.exr", include_bytes!("../../two-views-side.exr")),
];

impl Domain for Pictures {
    fn kind(&self) -> &'static str {
        "pictures"
    }
    fn summary(&self) -> &'static str {
        "pictures of a scene of meshes and lights: poses, colours, lights and cameras from images"
    }
    fn grammar(&self) -> Grammar {
        Grammar { keys: KEYS, lists: LISTS, open_tables: general::OPEN_TABLES }
    }
    fn template(&self) -> &'static [(&'static str, &'static [u8])] {
        TEMPLATE
    }
    fn simulation(&self, s: &Settings) -> Option<Result<Box<dyn Simulation>, Vec<Diagnostic>>> {
        Some(model(s).and_then(|m| Ok(m.fixed(s)?.simulation)))
    }
    fn scenario_for(&self, path: &Path, file: &str) -> Option<Result<String, Vec<Diagnostic>>> {
        path.extension().filter(|e| ["obj", "ply"].iter().any(|k| e.eq_ignore_ascii_case(k)))?;
        Some(first::scenario(path, file).map_err(|d| vec![d]))
    }
    fn load(&self, s: &Settings) -> Result<Box<dyn Scenario>, Vec<Diagnostic>> {
        Ok(Box::new(Study::new(model(s)?, s)?))
    }
}

/// The simulation of the file's scene.
fn model(s: &Settings) -> Result<Model, Vec<Diagnostic>> {
    let (mut problems, mut notes) = (Vec::new(), Vec::new());
    let meshes: Vec<SceneMesh> =
        s.list("mesh").iter().filter_map(|m| mesh(m, &mut notes, &mut problems)).collect();
    let cameras: Vec<SceneCamera> =
        s.list("camera").iter().filter_map(|c| camera(c, &mut problems)).collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    let lamps: Vec<SceneLamp> =
        s.list("lamp").iter().filter_map(|l| lamp(l, &mut problems)).collect();
    let environment = environment(s, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let transport = match s.count("transport.bounces") {
        0 | 1 => Transport::Direct,
        more => Transport::Paths { bounces: u32::try_from(more).unwrap_or(u32::MAX) },
    };
    let scene = Scene::with_cameras(cameras, transport, meshes)
        .and_then(|scene| scene.with_lamps(lamps))
        .and_then(|scene| match environment {
            Some(environment) => scene.with_environment(environment),
            None => Ok(scene),
        })
        .map_err(|e| {
            let help = "see the keys of its meshes, lamps and cameras";
            vec![s.problem(CONTRADICTION, "mesh", e.to_string(), help)]
        })?;
    let count = |path| u32::try_from(s.count(path)).unwrap_or(u32::MAX);
    let options = DerivativeOptions {
        spp: count("samples.paths"),
        edge_samples: count("samples.edges"),
        shadow_spp: count("samples.shadow_points"),
        ..DerivativeOptions::default()
    };
    let simulation = PictureSimulation::new(scene, options);
    let moving = moving(&simulation, s);
    notes.extend(cuts(simulation.scene(), &moving));
    let draw: Option<Box<dyn Draw>> =
        Some(Box::new(Derivatives::new(simulation.clone(), options, moving)));
    Ok(Model { simulation: Box::new(simulation), notes, draw })
}

fn mesh(
    m: &Settings,
    notes: &mut Vec<String>,
    problems: &mut Vec<Diagnostic>,
) -> Option<SceneMesh> {
    let shape = if m.text("file").is_empty() {
        let [centre, a, b] = ["centre", "side_a", "side_b"].map(|p| three(m, p, problems));
        TriangleMesh::parallelogram(centre, a, b).map_err(|e| {
            m.problem(CONTRADICTION, "side_a", e.to_string(), "half sides that span an area")
        })
    } else {
        read(m, notes)
    };
    let shape = shape.map_err(|e| problems.push(e)).ok()?;
    let emission = (!m.numbers("radiance").is_empty()).then(|| Rgb(three(m, "radiance", problems)));
    let material = material(m).map_err(|e| problems.push(e)).ok()?;
    let albedo = match (emission, material) {
        _ if m.is_given("albedo") => three(m, "albedo", problems),
        (Some(_), _) => [0.0; 3],
        (None, Material::Dielectric { .. }) => [1.0; 3],
        (None, _) => three(m, "albedo", problems),
    };
    let texture = match texture(m, "texture") {
        Ok(texture) => texture.map(Arc::new),
        Err(problem) => {
            problems.push(problem);
            return None;
        }
    };
    let shading = match m.text("shading") {
        "smooth" => Shading::Smooth,
        "file" => Shading::Given,
        _ => Shading::Flat,
    };
    Some(SceneMesh {
        texture,
        shading,
        material,
        translation: three(m, "translation", problems),
        rotation: three(m, "rotation", problems),
        scale: m.number("scale"),
        albedo: Rgb(albedo),
        emission,
        large_steps: Some(m.number("large_steps")).filter(|l| *l > 0.0),
        ..SceneMesh::new(m.text("label"), shape)
    })
}

/// How a mesh reflects.
fn material(m: &Settings) -> Result<Material, Diagnostic> {
    let roughness = Some(m.number("roughness")).filter(|a| *a > 0.0);
    let name = match (m.text("material"), roughness) {
        ("diffuse", Some(_)) if !m.is_given("material") => "metal",
        (name, _) => name,
    };
    let wrong = |key: &str, message: &str, help: &str| {
        Err(m.problem(CONTRADICTION, key, message.to_owned(), help))
    };
    if name != "glass" && m.is_given("index") {
        return wrong("index", "`index` has no effect here", "only glass refracts");
    }
    match (name, roughness) {
        ("diffuse" | "mirror", Some(_)) => {
            let help = "a mirror with roughness is a metal: material = \"metal\"";
            wrong("roughness", "`roughness` has no effect here", help)
        }
        ("metal", None) => {
            let help = "give it a roughness of at least 0.01; without one it is a mirror";
            wrong("material", "a metal needs a roughness", help)
        }
        ("metal", Some(roughness)) => Ok(Material::Conductor { roughness }),
        ("mirror", None) => Ok(Material::Mirror),
        ("glass", roughness) => Ok(Material::Dielectric { index: m.number("index"), roughness }),
        _ => Ok(Material::Diffuse),
    }
}

/// Names of the meshes that a free parameter moves.
fn moving(simulation: &PictureSimulation, s: &Settings) -> Vec<String> {
    let (scene, inputs) = (simulation.scene(), simulation.inputs());
    let named = |p: &Settings| select::matching(p.text("name"), inputs);
    let free: Vec<&str> =
        s.list("parameter").iter().flat_map(named).map(|k| inputs[k].name.as_str()).collect();
    let moves = |mesh: &str| {
        ["translation", "rotation", "scale", "vertices", "differential"]
            .iter()
            .any(|kind| free.contains(&format!("mesh.{}.{kind}", segment(mesh)).as_str()))
    };
    let names = scene.meshes().iter().map(|m| &m.name);
    names.filter(|name| moves(name)).cloned().collect()
}

/// The picture of a key as a texture; `None` where it names none.
fn texture(s: &Settings, path: &str) -> Result<Option<Texture>, Diagnostic> {
    let Some(name) = s.file(path) else { return Ok(None) };
    let refuse = |why: String| {
        let help = "it must be an OpenEXR or PNG file with colours that are not negative";
        s.problem("cotangent::scenario::picture", path, why, help)
    };
    let picture = read_picture(Path::new(name)).map_err(|e| refuse(e.to_string()))?;
    Texture::new(picture.image).map(Some).map_err(|e| refuse(e.to_string()))
}

fn lamp(l: &Settings, problems: &mut Vec<Diagnostic>) -> Option<SceneLamp> {
    let given = |path: &str| l.is_given(path);
    let kind = match (given("position"), given("direction")) {
        (true, false) => LampKind::Point { position: three(l, "position", problems) },
        (true, true) => LampKind::Spot {
            position: three(l, "position", problems),
            direction: three(l, "direction", problems),
            cone: ["inner", "outer"].map(|k| l.number(k).to_radians()),
        },
        (false, true) => LampKind::Distant { direction: three(l, "direction", problems) },
        (false, false) => {
            let message = "the lamp has neither a position nor a direction".to_owned();
            let help = "give it a position, a direction, or both for a spot";
            problems.push(l.problem(CONTRADICTION, "position", message, help));
            return None;
        }
    };
    if !matches!(kind, LampKind::Spot { .. })
        && let Some(idle) = ["inner", "outer"].into_iter().find(|k| given(k))
    {
        let message = format!("`{idle}` has no effect here");
        let help = "a spot has a position and a direction";
        problems.push(l.problem(CONTRADICTION, idle, message, help));
    }
    let intensity = Rgb(three(l, "intensity", problems));
    Some(SceneLamp { name: l.text("label").into(), kind, intensity })
}

/// Light from all around, where the file has any.
fn environment(s: &Settings, problems: &mut Vec<Diagnostic>) -> Option<Environment> {
    let picture = texture(s, "environment.picture").map_err(|e| problems.push(e)).ok()?;
    let factor = !s.numbers("environment.radiance").is_empty();
    let radiance = factor.then(|| Rgb(three(s, "environment.radiance", problems)));
    let mut environment = match (picture, radiance) {
        (None, None) => return None,
        (Some(picture), None) => Environment::new(picture),
        (None, Some(radiance)) => Environment::constant(radiance),
        (Some(picture), Some(radiance)) => Environment { radiance, ..Environment::new(picture) },
    };
    environment.rotation = three(s, "environment.rotation", problems);
    Some(environment)
}

/// The triangles of a file.
pub(super) fn mesh_file(path: &Path) -> Result<MeshFile, String> {
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    let is_ply = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("ply"));
    if is_ply { parse_ply(&bytes) } else { parse_obj(&String::from_utf8_lossy(&bytes)) }
        .map_err(|e| e.to_string())
}

/// The triangles of a mesh's file.
fn read(m: &Settings, notes: &mut Vec<String>) -> Result<TriangleMesh, Diagnostic> {
    let path = m.text("file");
    let refuse = |why: String| {
        let help = "a mesh needs finite vertices and faces with area";
        m.problem("cotangent::scenario::mesh", "file", format!("{path}: {why}"), help)
    };
    let file = mesh_file(Path::new(path)).map_err(refuse)?;
    notes.extend(file.notes.iter().map(|note| match note.line {
        Some(line) => format!("{path}, line {line}: {}", note.text),
        None => format!("{path}: {}", note.text),
    }));
    Ok(file.merged())
}

fn camera(c: &Settings, problems: &mut Vec<Diagnostic>) -> Option<SceneCamera> {
    let [position, target, up] = ["position", "target", "up"].map(|p| three(c, p, problems));
    let view = CameraView { position, target, up, fov_deg: c.number("fov") };
    let film = [c.count("width"), c.count("height")];
    let help = "its position, target and up must span a view";
    let (name, extent) = (c.text("label"), c.number("extent"));
    if extent > 0.0 && c.is_given("fov") {
        let message = "`fov` has no effect on an orthographic camera".to_owned();
        let help = "leave out `fov`, or `extent`";
        problems.push(c.problem(CONTRADICTION, "fov", message, help));
    }
    let camera = if extent > 0.0 {
        SceneCamera::orthographic(name, &view, film, extent)
    } else {
        SceneCamera::new(name, &view, film)
    };
    camera.map_err(|e| problems.push(c.problem(CONTRADICTION, "target", e.to_string(), help))).ok()
}
