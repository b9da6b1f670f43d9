//! `pictures`: a scene of meshes, lights and cameras, and what is asked of the cameras' images.

use std::path::Path;
use std::sync::Arc;

use cotangent_problem::Simulation;
use cotangent_raytrace::{
    CameraView, DerivativeOptions, Environment, LampKind, Material, PictureSimulation, Rgb, Scene,
    SceneCamera, SceneLamp, SceneMesh, ScenePortrait, Texture, Transport, TriangleMesh,
    read_picture,
};

use super::super::document::{Grammar, Settings};
use super::super::domain::{Domain, Makes};
use super::super::first;
use super::super::general::{
    self, COMBINATION, CONSTRAINT, GOAL, INPUT, Model, PARAMETER, TERM, select,
};
use super::super::keys::{AnyKey, File, Key, List, Named};
use super::keys::{self, CAMERA, LAMP, MESH, Surface};
use super::mesh_file::mesh_file;
use crate::diagnostic::{CONTRADICTION, Diagnostic};

const LISTS: &[List] = &[MESH, LAMP, CAMERA, PARAMETER, TERM, GOAL, CONSTRAINT, COMBINATION];

/// The kind.
pub(crate) const DOMAIN: Domain = Domain {
    kind: "pictures",
    summary: "pictures of a scene of meshes and lights: poses, colours, lights and cameras from images",
    grammar: Grammar { keys: keys::KEYS, lists: LISTS, open_tables: general::OPEN_TABLES },
    template: &[
        ("scenario.toml", include_bytes!("../../two-views.toml")),
        ("letter-f.obj", include_bytes!("../../letter-f.obj")),
        ("two-views-front.exr", include_bytes!("../../two-views-front.exr")),
        ("two-views-side.exr", include_bytes!("../../two-views-side.exr")),
    ],
    makes: Makes::Simulation(model),
    first: Some((&["obj", "ply"], first::pictures::scenario)),
};

/// The simulation of the file's scene.
fn model(s: &Settings) -> Result<Model, Vec<Diagnostic>> {
    let (mut problems, mut notes) = (Vec::new(), Vec::new());
    let meshes: Vec<SceneMesh> =
        s.list(MESH).iter().filter_map(|m| mesh(m, &mut notes, &mut problems)).collect();
    let cameras: Vec<SceneCamera> =
        s.list(CAMERA).iter().filter_map(|c| camera(c, &mut problems)).collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    let lamps: Vec<SceneLamp> =
        s.list(LAMP).iter().filter_map(|l| lamp(l, &mut problems)).collect();
    let environment = environment(s, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let transport = match s.get(keys::BOUNCES) {
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
            vec![s.problem(CONTRADICTION, MESH, e.to_string(), help)]
        })?;
    let samples = |key: Key<usize>| u32::try_from(s.get(key)).unwrap_or(u32::MAX);
    let options = DerivativeOptions {
        spp: samples(keys::PATHS),
        edge_samples: samples(keys::EDGES),
        shadow_spp: samples(keys::SHADOW_POINTS),
        ..DerivativeOptions::default()
    };
    let simulation = PictureSimulation::new(scene, options);
    let inputs = simulation.inputs();
    let named = |p: &Settings| select::matching(p.get(INPUT), inputs);
    let free: Vec<&str> =
        s.list(PARAMETER).iter().flat_map(named).map(|k| inputs[k].name.as_str()).collect();
    let portrait = ScenePortrait::new(simulation.clone(), options, &free);
    notes.extend(portrait.cuts());
    Ok(Model { notes, portrait: Some(Box::new(portrait)), ..Model::plain(simulation) })
}

fn mesh(
    m: &Settings,
    notes: &mut Vec<String>,
    problems: &mut Vec<Diagnostic>,
) -> Option<SceneMesh> {
    let shape = match m.get(keys::MESH_FILE) {
        Some(file) => read(m, file, notes).map_err(|e| problems.push(e)),
        None => parallelogram(m).map_err(|e| problems.extend(e)),
    };
    let shape = shape.ok()?;
    let emission = m.get(keys::RADIANCE).map(Rgb);
    let material = material(m).map_err(|e| problems.push(e)).ok()?;
    let albedo = match (emission, material) {
        _ if m.is_given(keys::ALBEDO) => m.get(keys::ALBEDO),
        (Some(_), _) => [0.0; 3],
        (None, Material::Dielectric { .. }) => [1.0; 3],
        (None, _) => m.get(keys::ALBEDO),
    };
    let texture = texture(m, keys::TEXTURE).map_err(|e| problems.push(e)).ok()?;
    Some(SceneMesh {
        texture: texture.map(Arc::new),
        shading: m.get(keys::SHADING),
        material,
        translation: m.get(keys::TRANSLATION),
        rotation: m.get(keys::ROTATION),
        scale: m.get(keys::SCALE),
        albedo: Rgb(albedo),
        emission,
        large_steps: Some(m.get(keys::LARGE_STEPS)).filter(|l| *l > 0.0),
        ..SceneMesh::new(m.get(keys::MESH_LABEL), shape)
    })
}

/// The mesh of its centre and two half sides.
fn parallelogram(m: &Settings) -> Result<TriangleMesh, Vec<Diagnostic>> {
    let sides = [keys::CENTRE, keys::SIDE_A, keys::SIDE_B];
    let [Some(centre), Some(a), Some(b)] = sides.map(|key| m.get(key)) else {
        let absent = sides.into_iter().filter(|key| m.get(*key).is_none());
        return Err(absent.map(|key| no_numbers(m, key)).collect());
    };
    TriangleMesh::parallelogram(centre, a, b).map_err(|e| {
        let help = "half sides that span an area";
        vec![m.problem(CONTRADICTION, keys::SIDE_A, e.to_string(), help)]
    })
}

/// Refuses a point without coordinates where there must be one.
fn no_numbers(s: &Settings, key: Key<Option<[f64; 3]>>) -> Diagnostic {
    let (message, help) =
        (format!("`{}` has 0 numbers", key.path()), "write three numbers: [x, y, z]");
    s.problem("cotangent::scenario::length", key, message, help)
}

/// How a mesh reflects.
fn material(m: &Settings) -> Result<Material, Diagnostic> {
    let roughness = Some(m.get(keys::ROUGHNESS)).filter(|a| *a > 0.0);
    let surface = match m.get(keys::MATERIAL) {
        _ if roughness.is_some() && !m.is_given(keys::MATERIAL) => Surface::Metal,
        surface => surface,
    };
    let wrong = |key: AnyKey, message: &str, help: &str| {
        Err(m.problem(CONTRADICTION, key, message.to_owned(), help))
    };
    if surface != Surface::Glass && m.is_given(keys::INDEX) {
        return wrong(keys::INDEX.any, "`index` has no effect here", "only glass refracts");
    }
    match (surface, roughness) {
        (Surface::Diffuse | Surface::Mirror, Some(_)) => {
            let help = "a mirror with roughness is a metal: material = \"metal\"";
            wrong(keys::ROUGHNESS.any, "`roughness` has no effect here", help)
        }
        (Surface::Metal, None) => {
            let help = "give it a roughness of at least 0.01; without one it is a mirror";
            wrong(keys::MATERIAL.any, "a metal needs a roughness", help)
        }
        (Surface::Metal, Some(roughness)) => Ok(Material::Conductor { roughness }),
        (Surface::Mirror, None) => Ok(Material::Mirror),
        (Surface::Glass, roughness) => {
            Ok(Material::Dielectric { index: m.get(keys::INDEX), roughness })
        }
        (Surface::Diffuse, None) => Ok(Material::Diffuse),
    }
}

/// The picture of a key as a texture; `None` where it names none.
fn texture(s: &Settings, key: Key<Option<File>>) -> Result<Option<Texture>, Diagnostic> {
    let Some(name) = s.get(key) else { return Ok(None) };
    let refuse = |why: String| {
        let help = "it must be an OpenEXR or PNG file with colours that are not negative";
        s.problem("cotangent::scenario::picture", key, why, help)
    };
    let picture = read_picture(Path::new(name)).map_err(|e| refuse(e.to_string()))?;
    Texture::new(picture.image).map(Some).map_err(|e| refuse(e.to_string()))
}

fn lamp(l: &Settings, problems: &mut Vec<Diagnostic>) -> Option<SceneLamp> {
    // a key that is there means that there is a point
    let places = [keys::LAMP_POSITION, keys::DIRECTION].into_iter();
    problems
        .extend(places.filter(|k| l.is_given(*k) && l.get(*k).is_none()).map(|k| no_numbers(l, k)));
    let kind = match (l.get(keys::LAMP_POSITION), l.get(keys::DIRECTION)) {
        (Some(position), None) => LampKind::Point { position },
        (Some(position), Some(direction)) => LampKind::Spot {
            position,
            direction,
            cone: [keys::INNER, keys::OUTER].map(|k| l.get(k).to_radians()),
        },
        (None, Some(direction)) => LampKind::Distant { direction },
        (None, None) => {
            let message = "the lamp has neither a position nor a direction".to_owned();
            let help = "give it a position, a direction, or both for a spot";
            problems.push(l.problem(CONTRADICTION, keys::LAMP_POSITION, message, help));
            return None;
        }
    };
    if !matches!(kind, LampKind::Spot { .. })
        && let Some(idle) = [keys::INNER, keys::OUTER].into_iter().find(|k| l.is_given(*k))
    {
        let message = format!("`{}` has no effect here", idle.path());
        let help = "a spot has a position and a direction";
        problems.push(l.problem(CONTRADICTION, idle, message, help));
    }
    let intensity = Rgb(l.get(keys::INTENSITY));
    Some(SceneLamp { name: l.get(keys::LAMP_LABEL).into(), kind, intensity })
}

/// Light from all around, where the file has any.
fn environment(s: &Settings, problems: &mut Vec<Diagnostic>) -> Option<Environment> {
    let picture = texture(s, keys::SKY_PICTURE).map_err(|e| problems.push(e)).ok()?;
    let environment = match (picture, s.get(keys::SKY_RADIANCE).map(Rgb)) {
        (None, None) => return None,
        (Some(picture), None) => Environment::new(picture),
        (None, Some(radiance)) => Environment::constant(radiance),
        (Some(picture), Some(radiance)) => Environment { radiance, ..Environment::new(picture) },
    };
    Some(Environment { rotation: s.get(keys::SKY_ROTATION), ..environment })
}

/// The triangles of a mesh's file.
fn read(m: &Settings, path: &str, notes: &mut Vec<String>) -> Result<TriangleMesh, Diagnostic> {
    let refuse = |why: String| {
        let help = "a mesh needs finite vertices and faces with area";
        m.problem("cotangent::scenario::mesh", keys::MESH_FILE, format!("{path}: {why}"), help)
    };
    let file = mesh_file(Path::new(path)).map_err(refuse)?;
    notes.extend(file.notes.iter().map(|note| match note.line {
        Some(line) => format!("{path}, line {line}: {}", note.text),
        None => format!("{path}: {}", note.text),
    }));
    Ok(file.merged())
}

fn camera(c: &Settings, problems: &mut Vec<Diagnostic>) -> Option<SceneCamera> {
    let [position, target, up] = [keys::POSITION, keys::TARGET, keys::UP].map(|k| c.get(k));
    let view = CameraView { position, target, up, fov_deg: c.get(keys::FOV) };
    let film = [c.get(keys::WIDTH), c.get(keys::HEIGHT)];
    let help = "its position, target and up must span a view";
    let (name, extent) = (c.get(keys::CAMERA_LABEL), c.get(keys::EXTENT));
    if extent > 0.0 && c.is_given(keys::FOV) {
        let message = "`fov` has no effect on an orthographic camera".to_owned();
        let help = "leave out `fov`, or `extent`";
        problems.push(c.problem(CONTRADICTION, keys::FOV, message, help));
    }
    let camera = if extent > 0.0 {
        SceneCamera::orthographic(name, &view, film, extent)
    } else {
        SceneCamera::new(name, &view, film)
    };
    camera
        .map_err(|e| problems.push(c.problem(CONTRADICTION, keys::TARGET, e.to_string(), help)))
        .ok()
}
