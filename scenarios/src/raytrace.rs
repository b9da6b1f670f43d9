//! `pose-from-picture`: find where an object is, how it is turned, and its colours, from one picture of it.

mod conclude;
mod keys;
mod pictures;

pub(super) use pictures::Pictures;

use std::path::Path;

use cotangent_ad::random::Stream;
use cotangent_problem::{Capabilities, Objective};
use cotangent_problem::{Parameter, Space, Transform};
use cotangent_raytrace::{
    CameraView, DerivativeOptions, Image, ImageMatch, RenderOptions, Rgb, Scene, SceneMesh,
    Selection, Shot, Terms, Transport, TriangleMesh, World, parse_obj, read_picture, render,
};

use super::document::{Document, Grammar, Settings};
use super::{Domain, Prepared, Scenario};
use crate::diagnostic::{Diagnostic, Source};

/// The domain.
pub(super) struct PoseFromPicture;

const TEMPLATE: &[(&str, &[u8])] = &[
    ("scenario.toml", include_bytes!("../pose-from-picture.toml")),
    ("letter-f.obj", include_bytes!("../letter-f.obj")),
    ("letter-f.exr", include_bytes!("../letter-f.exr")),
];

/// Selected parameters, in this order.
const NAMES: [&str; 4] = [
    "mesh.object.translation",
    "mesh.object.rotation",
    "mesh.object.albedo",
    "light.light.radiance",
];
const CONTRADICTION: &str = "cotangent::scenario::contradiction";

impl Domain for PoseFromPicture {
    fn kind(&self) -> &'static str {
        "pose-from-picture"
    }
    fn summary(&self) -> &'static str {
        "find an object's pose, its albedo and the light's radiance from one picture, shadow included"
    }
    fn grammar(&self) -> Grammar {
        Grammar::of_keys(keys::KEYS)
    }
    fn template(&self) -> &'static [(&'static str, &'static [u8])] {
        TEMPLATE
    }
    fn load(&self, s: &Settings) -> Result<Box<dyn Scenario>, Vec<Diagnostic>> {
        let scene = stage(s)?;
        let picture = read_picture(Path::new(s.text("picture.file"))).map_err(|e| {
            let help = "it must be an OpenEXR or PNG file";
            vec![s.problem("cotangent::scenario::picture", "picture.file", e.to_string(), help)]
        })?;
        let picture = picture.image;
        let [width, height] = scene.film(0);
        if [picture.width, picture.height] != [width, height] {
            let message = format!(
                "the picture has {} x {} pixels, the film {width} x {height}",
                picture.width, picture.height
            );
            let help = "set film.width and film.height to the picture's";
            return Err(vec![s.problem(CONTRADICTION, "picture.file", message, help)]);
        }
        Ok(Box::new(Study::new(s, scene, picture)?))
    }
}

/// Renders the picture that a scenario's `truth` gives, with `spp` samples a pixel.
///
/// # Errors
/// Everything that is wrong with the scenario.
pub fn take_picture(path: &Path, spp: u32) -> Result<Image, Vec<Diagnostic>> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        let message = format!("cannot read {}: {e}", path.display());
        vec![Diagnostic::plain("cotangent::scenario::unreadable", message, "name a scenario file")]
    })?;
    // the picture is what is being made: any file that exists stands for it
    let own = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let settings = Document::parse(path, &text, &[format!("picture.file = {own:?}")])?
        .check(&Grammar::of_keys(keys::KEYS))?;
    let mut scene = stage(&settings)?;
    let truth = Truth::read(&settings)?.ok_or_else(|| {
        let message = "there is no `truth` to render";
        vec![settings.problem(CONTRADICTION, "truth.translation", message, "set all of [truth]")]
    })?;
    let refused = |e: cotangent_raytrace::SceneError| {
        vec![settings.problem(CONTRADICTION, "truth.albedo", e.to_string(), "choose another value")]
    };
    let selection = Selection::new(&scene, &NAMES).map_err(refused)?;
    selection.set(&mut scene, &truth.x()).map_err(refused)?;
    Ok(render(&World::new(&scene), 0, RenderOptions { spp, seed: 0x7075_7265, key: 0 }))
}

/// Three numbers of a key, or what is wrong with them.
fn three(s: &Settings, path: &str, problems: &mut Vec<Diagnostic>) -> [f64; 3] {
    let found = s.numbers(path);
    if let Ok(three) = found.try_into() {
        return three;
    }
    let message = format!("`{path}` needs three numbers (found {})", found.len());
    problems.push(s.problem(CONTRADICTION, path, message, "write [x, y, z]"));
    [0.0; 3]
}

/// A quad with a centre and half sides `a` and `b`.
fn quad(c: [f64; 3], a: [f64; 3], b: [f64; 3]) -> Result<TriangleMesh, String> {
    let corner = |u: f64, v: f64| [0, 1, 2].map(|k| c[k] + u * a[k] + v * b[k]);
    let corners = [corner(-1.0, -1.0), corner(1.0, -1.0), corner(1.0, 1.0), corner(-1.0, 1.0)];
    TriangleMesh::new(&corners, &[[0, 1, 2], [0, 2, 3]]).map_err(|e| e.to_string())
}

/// The object's mesh; a diagnostic points into its file.
fn object(s: &Settings) -> Result<TriangleMesh, Diagnostic> {
    let path = s.text("object.mesh");
    let code = "cotangent::scenario::mesh";
    let text = std::fs::read_to_string(path).map_err(|e| {
        s.problem(code, "object.mesh", format!("{path}: {e}"), "it must be a readable OBJ file")
    })?;
    parse_obj(&text).map(|file| file.merged()).map_err(|e| {
        let help = "a mesh needs finite vertices and faces with area";
        let Some(line) = e.line() else {
            return s.problem(code, "object.mesh", format!("{path}: {e}"), help);
        };
        let before = text.split_inclusive('\n').take(line - 1).map(str::len).sum::<usize>();
        let length = text[before..].lines().next().map_or(0, str::len);
        let source = Source { name: path.into(), text: text.as_str().into() };
        Diagnostic::at(code, e.to_string(), &source, before..before + length, "here", help)
    })
}

/// Floor, light and object at the start, before a camera.
fn stage(s: &Settings) -> Result<Scene, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut get = |path: &str| three(s, path, &mut problems);
    let [position, target, up] = ["camera.position", "camera.target", "camera.up"].map(&mut get);
    let [centre, side_a, side_b] = ["light.centre", "light.side_a", "light.side_b"].map(&mut get);
    let [translation, rotation] = ["object.translation", "object.rotation"].map(&mut get);
    let [albedo, floor_albedo, radiance] =
        ["object.albedo", "floor.albedo", "light.radiance"].map(&mut get);
    let (h, w) = (s.number("floor.height"), s.number("floor.half_width"));
    let floor = quad([0.0, h, 0.0], [0.0, 0.0, w], [w, 0.0, 0.0]);
    let light = quad(centre, side_a, side_b).map_err(|_| {
        let message = "the light has no area";
        let help = "side_a and side_b are half its sides and must not be parallel";
        problems.push(s.problem(CONTRADICTION, "light.side_a", message, help));
    });
    let shape = object(s).map_err(|d| problems.push(d));
    let (Ok(floor), Ok(light), Ok(shape), true) = (floor, light, shape, problems.is_empty()) else {
        return Err(problems);
    };
    let meshes = vec![
        SceneMesh { albedo: Rgb(floor_albedo), ..SceneMesh::new("floor", floor) },
        SceneMesh {
            albedo: Rgb::BLACK,
            emission: Some(Rgb(radiance)),
            ..SceneMesh::new("light", light)
        },
        SceneMesh { translation, rotation, albedo: Rgb(albedo), ..SceneMesh::new("object", shape) },
    ];
    let view = CameraView { position, target, up, fov_deg: s.number("camera.fov") };
    let film = [s.count("film.width"), s.count("film.height")];
    Scene::new(&view, film, Transport::Direct, meshes).map_err(|e| {
        let help = "see the camera's and the colours' keys";
        vec![s.problem(CONTRADICTION, "camera.target", e.to_string(), help)]
    })
}

/// The hidden values, where they are known: they judge the answer, and the search never sees them.
#[derive(Clone, Copy, Debug)]
struct Truth {
    translation: [f64; 3],
    rotation: [f64; 3],
    albedo: [f64; 3],
    radiance: [f64; 3],
}

impl Truth {
    fn read(s: &Settings) -> Result<Option<Self>, Vec<Diagnostic>> {
        let paths = ["truth.translation", "truth.rotation", "truth.albedo", "truth.radiance"];
        if paths.iter().all(|p| s.numbers(p).is_empty()) {
            return Ok(None);
        }
        let mut problems = Vec::new();
        let [translation, rotation, albedo, radiance] = paths.map(|p| three(s, p, &mut problems));
        let truth = Self { translation, rotation, albedo, radiance };
        if problems.is_empty() { Ok(Some(truth)) } else { Err(problems) }
    }

    fn x(&self) -> Vec<f64> {
        [self.translation, self.rotation, self.albedo, self.radiance].concat()
    }
}

/// A loaded scenario.
struct Study {
    matching: ImageMatch,
    start: Vec<f64>,
    spread: [f64; 3],
    truth: Option<Truth>,
    /// Diagonal of the object's bounding box.
    size: f64,
    goal: [f64; 3],
}

impl Study {
    fn new(s: &Settings, scene: Scene, picture: Image) -> Result<Self, Vec<Diagnostic>> {
        let refused = |e: cotangent_raytrace::SceneError| {
            let help = "`cotangent list` shows the parameters";
            vec![s.problem(CONTRADICTION, "object.mesh", e.to_string(), help)]
        };
        let selection = Selection::new(&scene, &NAMES).map_err(refused)?;
        let count = |path| u32::try_from(s.count(path)).unwrap_or(u32::MAX);
        let options = DerivativeOptions {
            spp: count("samples.paths"),
            seed: Stream::new(&[s.count("scenario.seed") as u64]).bits(0),
            edge_samples: count("samples.edges"),
            shadow_spp: count("samples.shadow_points"),
            terms: if s.flag("samples.boundary") { Terms::ALL } else { Terms::INTERIOR },
            ..DerivativeOptions::default()
        };
        Ok(Self {
            start: selection.get(&scene),
            spread: ["start.translation_spread", "start.rotation_spread", "start.colour_spread"]
                .map(|p| s.number(p)),
            truth: Truth::read(s)?,
            size: scene.mesh("object").map_or(1.0, |m| m.shape.size()),
            goal: ["goal.rotation", "goal.translation", "goal.colour"].map(|p| s.number(p)),
            matching: ImageMatch::new(scene, selection, vec![Shot::new(picture)], options)
                .map_err(refused)?,
        })
    }
}

impl Scenario for Study {
    fn space(&self) -> Space {
        let radiance = self.start[9..].iter().fold(f64::MIN_POSITIVE, |m, r| m.max(*r));
        let parameter =
            |name: &str, unit: &str, scale| Parameter::vector(name, 3).unit(unit).scaled(scale);
        Space::new(vec![
            parameter("object.translation", "scene unit", 0.1 * self.size),
            parameter("object.rotation", "rad", 0.2).through(Transform::RotationVector),
            parameter("object.albedo", "", 0.1).within(0.0, 1.0),
            parameter("light.radiance", "radiance", 0.2 * radiance).within(0.0, f64::INFINITY),
        ])
        .unwrap_or_else(|e| unreachable!("four parameters with constant bounds: {e}"))
    }

    fn start(&self, seed: u64) -> Vec<f64> {
        let stream = Stream::new(&[seed, 0x0073_7461_7274]);
        let [translation, rotation, colour] = self.spread;
        let moved = |(k, x): (usize, &f64)| {
            let u = 2.0 * stream.uniform(k as u64) - 1.0;
            match k / 3 {
                0 => x + translation * self.size * u,
                1 => x + rotation * u,
                2 => (x * (1.0 + colour * u)).clamp(0.0, 1.0),
                _ => x * (1.0 + colour * u),
            }
        };
        self.start.iter().enumerate().map(moved).collect()
    }

    fn capabilities(&self) -> Capabilities {
        self.matching.capabilities()
    }

    fn cost(&self) -> String {
        let pixels = self.matching.shots()[0].target.pixels.len();
        let o = self.matching.options(cotangent_problem::SampleKey(0));
        format!(
            "12 parameters; {pixels} pixels, {:.0} thousand paths an image; with gradient as many again, {:.0} thousand shading \
             points for shadow borders, and {} samples a pixel length of visible edges",
            pixels as f64 * f64::from(o.spp) / 1e3,
            pixels as f64 * f64::from(o.shadow_spp) / 1e3,
            o.edge_samples
        )
    }

    fn prepare(&self) -> Result<Box<dyn Prepared + '_>, String> {
        Ok(Box::new(Ready { study: self }))
    }
}

/// A study is ready as it is.
struct Ready<'a> {
    study: &'a Study,
}

impl Prepared for Ready<'_> {
    fn objective(&self) -> &dyn Objective {
        &self.study.matching
    }
}
