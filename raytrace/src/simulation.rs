//! Pictures as a simulation: every number of a scene is an input, every camera's image an output.
//!
//! The image and its derivatives are Monte Carlo estimates, each from random numbers of its own that the seed and the sample key
//! name: a residual made of the image is independent of the derivatives that it is multiplied with.

use std::sync::Arc;

use cotangent_problem::simulation::{check_picks, check_value};
use cotangent_problem::{
    Cost, Keep, Linearised, Map, MapError, Quantity, SampleKey, Simulation, Transform,
    TrialFailure, Values, Workspace, name,
};

use crate::derivative::{jvp, vjp};
use crate::edge::follows;
use crate::film::Image;
use crate::geometry::Rgb;
use crate::integrator::{Output, RenderOptions, View, render};
use crate::options::DerivativeOptions;
use crate::regularity::Regularity;
use crate::scene::{ParameterInfo, Scene, SceneError, Selection, World};

/// A scene whose inputs are its parameters. Its outputs are of each camera `camera.NAME.image`, `position` and `normal`, of shape
/// `rows x columns x 3`, and `alpha` and `depth`, of shape `rows x columns`; and of each mesh how uneven it is: `mesh.NAME.laplacian`, of
/// shape `vertices x 3`, and of its texture `texture_differences`, of shape `rows x columns x 2 x 3`.
#[derive(Clone, Debug)]
pub struct PictureSimulation {
    scene: Scene,
    options: DerivativeOptions,
    /// Names of the inputs as the scene has them.
    names: Vec<String>,
    inputs: Vec<Quantity>,
    outputs: Vec<Quantity>,
    /// What each output shows.
    shown: Vec<Shown>,
}

/// What an output shows.
#[derive(Clone, Copy, Debug)]
enum Shown {
    View(View),
    Regularity(Regularity),
}

/// What a camera records: last part of the output's name, unit, and what it is.
const RECORDED: [(Output, &str, &str, &str); 5] = [
    (
        Output::Radiance,
        "image",
        "radiance",
        "linear radiance, row 0 at the top, times exposure and white balance",
    ),
    (Output::Alpha, "alpha", "", "covered part of each pixel"),
    (Output::Depth, "depth", "scene unit", "distance along the view, 0 where nothing is seen"),
    (Output::Position, "position", "scene unit", "place of what is seen, 0 where nothing is"),
    (Output::Normal, "normal", "", "normal of what is seen, 0 where nothing is"),
];

/// Channels of an output.
fn channels(output: Output) -> usize {
    match output {
        Output::Alpha | Output::Depth => 1,
        Output::Radiance | Output::Position | Output::Normal => 3,
    }
}

/// How an input is optimised: its transform, and the typical size of a change under it.
fn manner(info: &ParameterInfo, value: &[f64], size: f64) -> (Transform, f64) {
    let largest = value.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    match info.unit {
        "rad" if info.name.ends_with("rotation") => (Transform::RotationVector, 0.2),
        "rad" => (Transform::Identity, 0.1),
        "scene unit" => (Transform::Identity, 0.05 * size),
        _ if info.bounds[0] > 0.0 => (Transform::Log, 0.1),
        "pixel" => (Transform::Identity, 0.01 * largest.max(1.0)),
        _ => (Transform::Identity, if largest > 0.0 { 0.2 * largest } else { 0.1 }),
    }
}

/// What a parameter is, by the last segment of its name.
fn summary(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "translation" => "moves it; zero leaves it where it was described",
        "rotation" => "rotation vector about its own origin",
        "scale" => "factor of its size",
        "vertices" => "its corners, in its own coordinates",
        "differential" => "its corners in coordinates in which steps are smooth",
        "albedo" => "fraction that it reflects, RGB",
        "radiance" => "what it shines with, RGB",
        "roughness" => "of its microfacets: alpha of GGX",
        "index" => "of refraction",
        "texture" => "factor of albedo and radiance at each texel, row 0 at the top",
        "normals" => "what it is shaded with, in its own coordinates",
        "intensity" => "power per solid angle; of a distant lamp irradiance",
        "position" => "its place",
        "direction" => "the way of its light; the length does not matter",
        "cone" => "angles to its axis: full light up to the first, none from the second",
        "texels" => "the picture around the scene, row 0 up",
        "tint" => "factor of albedo and radiance at each vertex",
        "focal" => "focal length",
        "principal_point" => "film point on the view's axis: column, row",
        "distortion" => "radial distortion, second and fourth order",
        "exposure" => "factor of the image",
        "white_balance" => "factor of each channel",
        _ => "",
    }
}

impl PictureSimulation {
    /// The simulation of a scene, with `options.spp` paths a pixel for the images as well.
    ///
    /// # Panics
    /// Never: the names are the scene's own.
    pub fn new(scene: Scene, options: DerivativeOptions) -> Self {
        let size = scene.meshes().iter().map(|m| m.scale * m.shape.size()).fold(0.0, f64::max);
        let (mut names, mut inputs) = (Vec::new(), Vec::new());
        for info in scene.parameters() {
            if info.not_differentiable.is_some() {
                continue; // a list of indices is no quantity
            }
            let selection = Selection::new(&scene, &[&info.name]).expect("a name of the scene");
            let value = selection.get(&scene);
            let (transform, scale) = manner(&info, &value, size);
            let [lower, upper] = info.bounds;
            let quantity = Quantity::input(info.name.clone(), info.unit, &info.shape, value)
                .within(lower, upper)
                .through(transform)
                .scaled(scale)
                .about(summary(&info.name));
            names.push(info.name);
            inputs.push(quantity);
        }
        let (mut outputs, mut shown) = (Vec::new(), Vec::new());
        for (k, camera) in scene.cameras().iter().enumerate() {
            let [width, height] = scene.film(k);
            for (output, last, unit, about) in RECORDED {
                let name = format!("camera.{}.{last}", name::segment(&camera.name));
                let shape = [height, width, channels(output)];
                let shape = if channels(output) == 1 { &shape[..2] } else { &shape };
                outputs.push(Quantity::output(name, unit, shape).about(about));
                shown.push(Shown::View(View { camera: k, output }));
            }
        }
        for (k, mesh) in scene.meshes().iter().enumerate() {
            for regularity in Regularity::of_mesh(&scene, k) {
                let ([_, last], [unit, about]) = (regularity.names(&scene), regularity.about());
                let name = format!("mesh.{}.{last}", name::segment(&mesh.name));
                let shape = regularity.shape(&scene);
                outputs.push(Quantity::output(name, unit, &shape).about(about));
                shown.push(Shown::Regularity(regularity));
            }
        }
        Self { scene, options, names, inputs, outputs, shown }
    }

    /// The scene with its present values.
    pub fn scene(&self) -> &Scene {
        &self.scene
    }
}

fn refused(error: &SceneError) -> TrialFailure {
    TrialFailure::OutOfDomain { why: error.to_string() }
}

impl Simulation for PictureSimulation {
    fn inputs(&self) -> &[Quantity] {
        &self.inputs
    }

    fn outputs(&self) -> &[Quantity] {
        &self.outputs
    }

    fn fix(&mut self, input: usize, value: &[f64]) -> Result<(), MapError> {
        let count = self.inputs.len();
        let quantity = self.inputs.get_mut(input).ok_or(MapError::Index {
            role: "input",
            index: input,
            count,
        })?;
        check_value(quantity, value)?;
        let name = &self.names[input];
        let set = |scene: &mut Scene| Selection::new(scene, &[name])?.set(scene, value);
        set(&mut self.scene)
            .map_err(|e| MapError::Value { name: name.clone(), why: e.to_string() })?;
        quantity.value = value.to_vec();
        Ok(())
    }

    fn map(
        self: Arc<Self>,
        inputs: &[usize],
        outputs: &[usize],
        differentiated: bool,
    ) -> Result<Box<dyn Map>, MapError> {
        check_picks(self.as_ref(), inputs, outputs, differentiated)?;
        let names: Vec<&String> = inputs.iter().map(|k| &self.names[*k]).collect();
        let selection = Selection::new(&self.scene, &names)
            .map_err(|e| MapError::Value { name: "inputs".into(), why: e.to_string() })?;
        let map = PictureMap { selection, outputs: outputs.to_vec(), simulation: self };
        if differentiated && map.simulation.scene.meshes().iter().any(|m| m.material.is_specular())
        {
            map.follows(&World::new(&map.simulation.scene))
                .map_err(|e| MapError::Value { name: "inputs".into(), why: e.to_string() })?;
        }
        Ok(Box::new(map))
    }
}

/// The map of picked inputs to picked outputs.
struct PictureMap {
    simulation: Arc<PictureSimulation>,
    selection: Selection,
    outputs: Vec<usize>,
}

impl PictureMap {
    /// What the picked outputs show.
    fn shown(&self) -> impl Iterator<Item = Shown> + '_ {
        self.outputs.iter().map(|k| self.simulation.shown[*k])
    }

    /// Views of the picked outputs.
    fn views(&self) -> impl Iterator<Item = View> + '_ {
        self.shown().filter_map(|shown| match shown {
            Shown::View(view) => Some(view),
            Shown::Regularity(_) => None,
        })
    }

    /// The parameter of which a regularity is a function, and its entries in the selection.
    fn entries(&self, regularity: Regularity) -> Option<(String, std::ops::Range<usize>)> {
        let scene = &self.simulation.scene;
        let mesh = name::segment(&scene.meshes()[regularity.mesh()].name);
        let name = format!("mesh.{mesh}.{}", regularity.names(scene)[0]);
        let at = self.selection.entries(scene, &name)?;
        Some((name, at))
    }

    fn options(&self, key: SampleKey) -> DerivativeOptions {
        DerivativeOptions { key: key.0, ..self.simulation.options }
    }

    /// Whether derivatives are followed in all views of a world.
    fn follows(&self, world: &World) -> Result<(), SceneError> {
        self.views().try_for_each(|view| follows(world, view, &self.selection))
    }
}

impl Map for PictureMap {
    fn input_len(&self) -> usize {
        self.selection.dim()
    }

    fn output_len(&self) -> usize {
        self.outputs.iter().map(|k| self.simulation.outputs[*k].len()).sum()
    }

    fn plan(&self, keep: Keep) -> Cost {
        let options = &self.simulation.options;
        let film = |v: View| self.simulation.scene.film(v.camera).iter().product::<usize>() as f64;
        let pixels: f64 = self.views().map(film).sum();
        let images = match self.views().count() {
            1 => String::new(),
            n => format!(" in {n} images"),
        };
        let derivatives = match keep {
            Keep::Values => String::new(),
            Keep::Linearisation => format!(
                "; for each derivative as many again, {:.0} thousand points that shadows fall on, and {} samples a pixel length of \
                 visible edges",
                pixels * f64::from(options.shadow_spp) / 1e3,
                options.edge_samples
            ),
        };
        let paths = pixels * f64::from(options.spp) / 1e3;
        Cost {
            work: format!("{pixels:.0} pixels{images}, {paths:.0} thousand paths{derivatives}"),
            bytes: 8 * self.output_len() as u64,
        }
    }

    fn is_stochastic(&self) -> bool {
        true
    }

    fn run<'a>(
        &'a self,
        x: &[f64],
        _: Keep,
        key: SampleKey,
        ws: &mut Workspace,
    ) -> Result<Box<dyn Linearised + 'a>, TrialFailure> {
        let mut scene = self.simulation.scene.clone();
        self.selection.set(&mut scene, x).map_err(|e| refused(&e))?;
        // the last world's tree keeps its shape, where nobody else holds it
        let kept = ws.get_or_insert_with(|| None::<Arc<World>>);
        let world = match kept.take().and_then(|last| Arc::try_unwrap(last).ok()) {
            Some(last) => last.moved(&scene),
            None => World::new(&scene),
        };
        let world = Arc::new(world);
        *kept = Some(Arc::clone(&world));
        let options = self.options(key);
        let DerivativeOptions { spp, seed, key, .. } = options;
        let value = |shown: Shown| match shown {
            Shown::Regularity(regularity) => regularity.value(&scene),
            Shown::View(view) => {
                let image = render(&world, view, RenderOptions { spp, seed, key });
                flattened(&image, channels(view.output)).collect::<Vec<f64>>()
            }
        };
        let entries = self.shown().flat_map(value).collect();
        let values = Values { entries, ..Values::default() };
        Ok(Box::new(PictureRun { map: self, world, values, options }))
    }
}

/// One forward run.
struct PictureRun<'a> {
    map: &'a PictureMap,
    world: Arc<World>,
    values: Values,
    options: DerivativeOptions,
}

impl Linearised for PictureRun<'_> {
    fn values(&self) -> &Values {
        &self.values
    }

    fn pullback(&self, cotangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        cotangents.iter().map(|y_bar| self.pulled(y_bar)).collect()
    }

    fn pushforward(&self, tangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        let n = self.map.selection.dim();
        if let Some(wrong) = tangents.iter().find(|t| t.len() != n) {
            let why = format!("a tangent has {} entries, the inputs {n}", wrong.len());
            return Err(TrialFailure::Contract(why));
        }
        self.map.follows(&self.world).map_err(|e| refused(&e))?;
        let mut columns = vec![Vec::new(); tangents.len()];
        for shown in self.map.shown() {
            let view = match shown {
                Shown::View(view) => view,
                Shown::Regularity(regularity) => {
                    for (column, tangent) in columns.iter_mut().zip(tangents) {
                        column.extend(self.pushed(regularity, tangent));
                    }
                    continue;
                }
            };
            let images = jvp(&self.world, view, &self.map.selection, tangents, &self.options);
            let count = channels(view.output);
            columns.iter_mut().zip(&images).for_each(|(c, i)| c.extend(flattened(i, count)));
        }
        Ok(columns)
    }
}

impl PictureRun<'_> {
    /// A regularity's change along a tangent.
    fn pushed(&self, regularity: Regularity, tangent: &[f64]) -> Vec<f64> {
        let scene = self.world.scene();
        let Some((name, at)) = self.map.entries(regularity) else {
            return vec![0.0; regularity.shape(scene).iter().product()];
        };
        // a chart is its own transpose
        let tangent = Selection::pull_entries(scene, &name, &tangent[at]);
        regularity.apply(scene, &tangent)
    }

    fn pulled(&self, y_bar: &[f64]) -> Result<Vec<f64>, TrialFailure> {
        let map = self.map;
        if y_bar.len() != map.output_len() {
            let why = format!(
                "a cotangent has {} entries, the outputs {}",
                y_bar.len(),
                map.output_len()
            );
            return Err(TrialFailure::Contract(why));
        }
        map.follows(&self.world).map_err(|e| refused(&e))?;
        let mut sum = vec![0.0; map.selection.dim()];
        let mut rest = y_bar;
        for shown in map.shown() {
            let view = match shown {
                Shown::View(view) => view,
                Shown::Regularity(regularity) => {
                    let scene = self.world.scene();
                    let (own, others) = rest.split_at(regularity.shape(scene).iter().product());
                    rest = others;
                    if let Some((name, at)) = map.entries(regularity) {
                        let mut bar = vec![0.0; at.len()];
                        regularity.pullback(scene, own, &mut bar);
                        let bar = Selection::pull_entries(scene, &name, &bar);
                        sum[at].iter_mut().zip(bar).for_each(|(s, b)| *s += b);
                    }
                    continue;
                }
            };
            let [width, height] = map.simulation.scene.film(view.camera);
            let channels = channels(view.output);
            let (own, others) = rest.split_at(width * height * channels);
            rest = others;
            // of an output of one number a pixel, the first channel is that number
            let colour = |c: &[f64]| Rgb([0, 1, 2].map(|k| c.get(k).copied().unwrap_or(0.0)));
            let pixels = own.chunks_exact(channels).map(colour).collect();
            let adjoint = Image { width, height, pixels };
            let gradient = vjp(&self.world, view, &map.selection, &adjoint, &self.options);
            sum.iter_mut().zip(gradient).for_each(|(s, g)| *s += g);
        }
        Ok(sum)
    }
}

/// The first channels of each pixel.
fn flattened(image: &Image, channels: usize) -> impl Iterator<Item = f64> + '_ {
    image.pixels.iter().flat_map(move |p| p.0.into_iter().take(channels))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cotangent_problem::{Keep, MapError, SampleKey, Simulation, Workspace};

    use super::PictureSimulation;
    use crate::reference::oblique;
    use crate::{CameraView, DerivativeOptions, Scene, SceneCamera};

    /// The oblique scene with a second camera.
    fn simulation() -> PictureSimulation {
        let scene = oblique();
        let view = CameraView { position: [-1.5, 1.8, 2.5], ..*scene.cameras()[0].view() };
        let side = SceneCamera::new("side view", &view, [12, 10]).unwrap();
        let cameras = vec![scene.cameras()[0].clone(), side];
        let mut meshes = scene.meshes().to_vec();
        for mesh in meshes.iter_mut().filter(|m| m.name == "solid") {
            mesh.large_steps = Some(3.0);
        }
        let scene = Scene::with_cameras(cameras, scene.transport, meshes).unwrap();
        let options = DerivativeOptions {
            spp: 2,
            shadow_spp: 2,
            edge_samples: 4,
            ..DerivativeOptions::default()
        };
        PictureSimulation::new(scene, options)
    }

    fn input(s: &PictureSimulation, name: &str) -> usize {
        s.inputs().iter().position(|q| q.name == name).unwrap()
    }

    #[test]
    fn pushforward_and_pullback_are_one_matrix_over_all_cameras() {
        let s = Arc::new(simulation());
        let names: Vec<&str> = s.outputs().iter().map(|q| q.name.as_str()).collect();
        let of = |k: usize| (names[k], s.outputs()[k].shape.as_slice());
        assert_eq!(names.len(), 10 + s.scene().meshes().len());
        assert_eq!(of(0), ("camera.main.image", &[24, 32, 3][..]));
        assert_eq!(of(6), ("camera.\"side view\".alpha", &[10, 12][..]));
        let all: Vec<usize> = (0..s.inputs().len()).collect();
        let x: Vec<f64> = s.inputs().iter().flat_map(|q| q.value.clone()).collect();
        // an image, depth and normal of the other camera, and how uneven a mesh is
        let solid = names.iter().position(|n| *n == "mesh.solid.laplacian").unwrap();
        let map = Arc::clone(&s).map(&all, &[0, 7, 9, solid], true).unwrap();
        let len = 3 * 32 * 24 + 4 * 12 * 10 + s.outputs()[solid].len();
        assert_eq!((map.input_len(), map.output_len()), (x.len(), len));
        let mut ws = Workspace::new();
        let wave = |n: usize, f: f64| (0..n).map(|k| (f * k as f64).sin()).collect::<Vec<f64>>();
        for key in [SampleKey(1), SampleKey(2)] {
            let run = map.run(&x, Keep::Linearisation, key, &mut ws).unwrap();
            let (v, w) = (wave(x.len(), 1.3), wave(map.output_len(), 0.7));
            let jv = run.pushforward(&[&v]).unwrap().remove(0);
            let jtw = run.pullback(&[&w]).unwrap().remove(0);
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let (left, right) = (dot(&jv, &w), dot(&v, &jtw));
            let size = dot(&jtw, &jtw).sqrt() * dot(&v, &v).sqrt();
            assert!((left - right).abs() < 1e-10 * size, "{left} {right}");
        }
    }

    #[test]
    fn what_is_fixed_stays_and_what_is_refused_changes_nothing() {
        let mut s = simulation();
        let scale = input(&s, "mesh.solid.scale");
        s.fix(scale, &[1.25]).unwrap();
        assert_eq!(s.inputs()[scale].value, [1.25]);
        assert!(matches!(s.fix(scale, &[-1.0]), Err(MapError::Value { .. })));
        assert!(matches!(s.fix(999, &[1.0]), Err(MapError::Index { .. })));
        assert_eq!(s.scene().mesh("solid").unwrap().scale, 1.25);
        let albedo = input(&s, "mesh.solid.albedo");
        let map = Arc::new(s).map(&[albedo], &[0], true).unwrap();
        let run = map.run(&[0.5; 2], Keep::Values, SampleKey(0), &mut Workspace::new());
        assert!(run.is_err());
    }
}
