//! Paths side by side: those of some samples of a pixel make each step together, so that their rays are cast in bundles.
//!
//! At each vertex a path first looks at sources of light, then draws the direction in which it goes on. Random numbers are addressed,
//! and what a ray finds does not depend on its neighbours: a path is the same, to the bit, in whatever company it is traced.
#![expect(
    clippy::inline_always,
    reason = "what is built in place need not be copied: stores of parts and loads of the whole stall"
)]

use std::ops::Range;

use super::eye::{Eye, film_point};
use super::light::Connection;
use super::path::{Black, Bounce, PLANES, Path, Random, place};
use super::vertex::Vertex;
use crate::accel::{Bundle, Coherence, Hit, RAYS, Segment};
use crate::geometry::{V3, id};
use crate::material::{Lobe, Material, Surfel};
use crate::scene::World;
use crate::sensor::FilmPoint;

/// Paths that are traced together, and what that takes. It is used again and again, so that it does not allocate.
#[derive(Debug)]
#[expect(clippy::cast_possible_truncation, reason = "there are few planes")]
pub(crate) struct Wave {
    paths: Vec<Path>,
    /// Numbers of those that go on.
    alive: Vec<usize>,
    points: [Vec<[f64; 2]>; PLANES as usize],
    bundle: Bundle,
    segments: Vec<Segment>,
    hits: Vec<Option<Hit>>,
    hidden: Vec<bool>,
    /// Light that paths look for: numbers of path and connection.
    sights: Vec<(usize, usize)>,
    /// Directions in which paths go on, by path.
    ways: Vec<(usize, Way)>,
}

/// A direction that was drawn.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// Of a surface that spreads light, with its density.
    Spread { d: V3, density: f64 },
    /// Of a perfectly smooth one: the direction, one over chances, and which of its directions it is.
    Sent { d: V3, k: f64, lobe: Lobe },
}

/// A ray of the camera for which it is known what it meets, and the random numbers of the path that goes on from there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Glance<'a> {
    pub(crate) film: FilmPoint,
    pub(crate) w: V3,
    pub(crate) hit: Option<Hit>,
    pub(crate) random: &'a Random,
}

/// The random numbers of the paths of a wave.
#[derive(Clone, Copy)]
enum Numbers<'a> {
    /// Of samples of one pixel, one after the other from a first one on.
    Samples(&'a Random, u32),
    /// Of the first sample of its own, for each path.
    Glances(&'a [Glance<'a>]),
}

impl Numbers<'_> {
    /// Points of a plane for the paths of these numbers, out of so many.
    fn points(self, dimension: u64, chosen: &[usize], count: usize, points: &mut Vec<[f64; 2]>) {
        points.resize(count, [0.0; 2]);
        match self {
            Self::Samples(random, first) if chosen.len() == count => {
                random.points(dimension, first, points);
            }
            Self::Samples(random, first) => random.some_points(dimension, first, chosen, points),
            Self::Glances(glances) => {
                for path in chosen {
                    points[*path] = glances[*path].random.point(dimension, 0);
                }
            }
        }
    }
}

/// What holds of all paths of a wave.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) world: &'a World,
    /// Reflections that a path may make in all.
    pub(super) bounces: u32,
    pub(super) black: Black,
}

impl Wave {
    /// The most paths that are worth tracing together.
    #[expect(clippy::cast_possible_truncation, reason = "rays of a bundle are few")]
    const PATHS: u32 = RAYS as u32;

    pub(crate) fn new() -> Self {
        Self {
            paths: Vec::new(),
            alive: Vec::new(),
            points: Default::default(),
            bundle: Bundle::default(),
            segments: Vec::new(),
            hits: Vec::new(),
            hidden: Vec::new(),
            sights: Vec::new(),
            ways: Vec::new(),
        }
    }

    /// The paths that the camera sees in some samples of a pixel.
    pub(crate) fn trace(
        &mut self,
        eye: Eye,
        (pixel, random): (usize, &Random),
        samples: Range<u32>,
        black: Black,
    ) -> &[Path] {
        let numbers = Numbers::Samples(random, samples.start);
        self.look(eye, (pixel, random), samples);
        self.go(Rules { world: eye.world, bounces: eye.bounces(), black }, numbers);
        &self.paths
    }

    /// What the camera sees in some samples of a pixel, without light.
    pub(crate) fn look(
        &mut self,
        eye: Eye,
        (pixel, random): (usize, &Random),
        samples: Range<u32>,
    ) -> &[Path] {
        self.start(samples.len());
        draw(random, 0, samples.start, samples.len(), &mut self.points[0]);
        self.segments.clear();
        for (path, u) in self.paths.iter_mut().zip(&self.points[0]) {
            let film = film_point(eye.camera.width, pixel, *u);
            let [origin, w] = eye.camera.ray(film);
            path.clear(film, w);
            *place(&mut self.segments, Segment::EMPTY) = Segment::ray(origin, w, u32::MAX);
        }
        self.bundle.closest(&eye.world.bvh, &self.segments, Coherence::Close, &mut self.hits);
        for (number, (path, hit)) in self.paths.iter_mut().zip(&self.hits).enumerate() {
            if let Some(hit) = hit {
                path.push(Vertex::new(eye.world, path.w, *hit), true);
                self.alive.push(number);
            }
        }
        &self.paths
    }

    /// The paths that the camera sees by rays for which it is known what they meet.
    pub(crate) fn see(&mut self, eye: Eye, glances: &[Glance], black: Black) -> &[Path] {
        self.start(glances.len());
        for (number, (path, glance)) in self.paths.iter_mut().zip(glances).enumerate() {
            path.clear(glance.film, glance.w);
            if let Some(hit) = glance.hit {
                path.push(Vertex::new(eye.world, glance.w, hit), true);
                self.alive.push(number);
            }
        }
        let numbers = Numbers::Glances(glances);
        self.go(Rules { world: eye.world, bounces: eye.bounces(), black }, numbers);
        &self.paths
    }

    /// The path that starts at a vertex, over at most so many reflections.
    pub(crate) fn extend(
        &mut self,
        world: &World,
        vertex: Vertex,
        bounces: u32,
        (random, sample): (&Random, u32),
        black: Black,
    ) -> &Path {
        self.start(1);
        self.paths[0].clear([0.0; 2], vertex.w);
        self.paths[0].push(vertex, true);
        self.alive.push(0);
        let numbers = Numbers::Samples(random, sample);
        self.go(Rules { world, bounces, black }, numbers);
        &self.paths[0]
    }

    /// So many paths that nothing is known of, none of which goes on.
    fn start(&mut self, count: usize) {
        self.paths.resize_with(count, Path::new);
        self.alive.clear();
    }

    /// Lets all paths that go on do so.
    fn go(&mut self, rules: Rules, numbers: Numbers) {
        for k in 0..rules.bounces {
            let paths = &self.paths;
            self.alive.retain(|p| {
                let Surfel { material, albedo, .. } = paths[*p].end().surfel;
                rules.black == Black::Lit || !material.is_dark(albedo)
            });
            if self.alive.is_empty() {
                return;
            }
            self.draw(rules, numbers, k);
            self.look_for_light(rules);
            self.take_ways(rules);
            self.arrive(rules, rules.bounces - k);
        }
    }

    /// The random numbers of all paths that go on, at their vertices `k`.
    fn draw(&mut self, rules: Rules, numbers: Numbers, k: u32) {
        let world = rules.world;
        let glossy = |p: &usize| self.paths[*p].end().surfel.is_glossy();
        let reflects = rules.bounces > 1 || world.sky.is_some() || self.alive.iter().any(glossy);
        let wanted = [!world.lights.faces.is_empty(), world.sky.is_some(), reflects, reflects];
        let dimension = 1 + PLANES * u64::from(k);
        for ((d, points), wanted) in (0..).zip(&mut self.points).zip(wanted) {
            if wanted {
                numbers.points(dimension + d, &self.alive, self.paths.len(), points);
            }
        }
    }

    /// Sources of light that the last vertices see.
    fn look_for_light(&mut self, rules: Rules) {
        let world = rules.world;
        self.segments.clear();
        self.sights.clear();
        for p in &self.alive {
            let (vertex, range, connections) = self.paths[*p].parts();
            if vertex.surfel.material.is_specular() {
                continue;
            }
            sights(
                rules,
                vertex,
                #[inline(always)]
                |d| self.points[d][*p],
                #[inline(always)]
                |connection, segment| {
                    *place(connections, Connection::EMPTY) = connection;
                    range[1] = connections.len();
                    self.sights.push((*p, range[1] - 1));
                    *place(&mut self.segments, Segment::EMPTY) = segment;
                },
            );
        }
        self.bundle.occluded(&world.bvh, &self.segments, &mut self.hidden);
        // from the last to the first, so that the numbers of those before stay what they are
        for ((p, connection), hidden) in self.sights.iter().zip(&self.hidden).rev() {
            if *hidden {
                self.paths[*p].disconnect(*connection);
            }
        }
    }

    /// Directions in which the paths go on. Light that is made where the direction leads is a connection. Where no light is reflected
    /// twice, diffuse surfaces find lights by their area alone.
    fn take_ways(&mut self, rules: Rules) {
        self.segments.clear();
        self.ways.clear();
        for p in &self.alive {
            let path = &mut self.paths[*p];
            let material = path.end().surfel.material;
            if by_area(rules, material) {
                continue;
            }
            let Vertex { x, surfel, hit, .. } = *path.end();
            let way = if material.is_specular() {
                let [by_chance, lobe] = self.points[3][*p];
                surfel.send(lobe).and_then(|sent| {
                    let kept = sent.part.max_channel() / sent.chance;
                    let k = sent.chance.recip() * path.survives(kept, by_chance, rules.black)?;
                    Some((sent.d, Way::Sent { d: sent.d, k, lobe: sent.lobe }))
                })
            } else {
                let way = drawn(&surfel, [self.points[2][*p], self.points[3][*p]]);
                way.map(|(d, density)| (d, Way::Spread { d, density }))
            };
            if let Some((d, way)) = way {
                self.ways.push((*p, way));
                *place(&mut self.segments, Segment::EMPTY) = Segment::ray(x, d, hit.face);
            }
        }
        self.alive.clear();
        self.bundle.closest(&rules.world.bvh, &self.segments, Coherence::None, &mut self.hits);
    }

    /// Next vertices, of paths that may make `left` more reflections, that of the last vertex included.
    fn arrive(&mut self, rules: Rules, left: u32) {
        let world = rules.world;
        for ((p, way), hit) in self.ways.iter().zip(&self.hits) {
            let path = &mut self.paths[*p];
            match (*way, *hit) {
                (Way::Sent { d, k, lobe }, hit) => {
                    path.bounce(Bounce { d, k, sent: Some(lobe) });
                    if let Some(hit) = hit {
                        path.push(Vertex::new(world, d, hit), true);
                        self.alive.push(*p);
                    }
                }
                (Way::Spread { d, .. }, None) => {
                    if let Some(sky) = Connection::from_sky(world, path.end(), d) {
                        path.connect(sky);
                    }
                }
                (Way::Spread { d, density }, Some(hit)) => {
                    let next = Vertex::new(world, d, hit);
                    if let Some(light) = Connection::met(world, path.end(), &next) {
                        path.connect(light);
                    }
                    if left < 2 {
                        continue;
                    }
                    let kept = path.end().surfel.response(d).max_channel() / density;
                    let by_chance = self.points[3][*p][0];
                    let Some(chance) = path.survives(kept, by_chance, rules.black) else {
                        continue;
                    };
                    path.bounce(Bounce { d, k: density.recip() * chance, sent: None });
                    path.push(next, false);
                    self.alive.push(*p);
                }
            }
        }
    }
}

/// Samples of a pixel in waves.
pub(crate) fn waves(samples: u32) -> impl Iterator<Item = Range<u32>> {
    let first = (0..samples.div_ceil(Wave::PATHS)).map(|wave| wave * Wave::PATHS);
    first.map(move |first| first..samples.min(first + Wave::PATHS))
}

/// Whether light is found by the area of its sources alone, which needs no direction.
pub(super) fn by_area(rules: Rules, material: Material) -> bool {
    rules.bounces < 2 && material == Material::Diffuse
}

/// Sources of light that a vertex may see, for points of its planes.
#[inline(always)]
pub(super) fn sights(
    rules: Rules,
    vertex: &Vertex,
    u: impl Fn(usize) -> [f64; 2],
    mut each: impl FnMut(Connection, Segment),
) {
    let world = rules.world;
    if !world.lights.faces.is_empty()
        && let Some((connection, segment)) =
            Connection::face(world, vertex, u(0), !by_area(rules, vertex.surfel.material))
    {
        each(connection, segment);
    }
    far_sights(rules, vertex, u, each);
}

/// Those of them that are no faces: the sky, and lamps.
#[inline(always)]
pub(super) fn far_sights(
    rules: Rules,
    vertex: &Vertex,
    u: impl Fn(usize) -> [f64; 2],
    mut each: impl FnMut(Connection, Segment),
) {
    let world = rules.world;
    if world.sky.is_some()
        && let Some((connection, segment)) = Connection::sky(world, vertex, u(1))
    {
        each(connection, segment);
    }
    for lamp in 0..world.scene.lamps.len() {
        if let Some((connection, segment)) = Connection::lamp(world, vertex, id(lamp)) {
            each(connection, segment);
        }
    }
    if by_area(rules, vertex.surfel.material)
        && world.sky.is_some()
        && let Some((d, _)) = drawn(&vertex.surfel, [u(2), u(3)])
        && let Some(connection) = Connection::from_sky(world, vertex, d)
    {
        each(connection, vertex.segment(d, [0.0, f64::INFINITY], u32::MAX));
    }
}

/// A direction of a surface that spreads light, and its density, for points of the planes of directions and chances.
#[inline]
pub(super) fn drawn(surfel: &Surfel, [u, v]: [[f64; 2]; 2]) -> Option<(V3, f64)> {
    let d = surfel.sample(u, v[1])?;
    let density = surfel.density(d);
    (density > 0.0 && surfel.receives(d)).then_some((d, density))
}

/// Points of a plane for so many samples.
fn draw(random: &Random, dimension: u64, first: u32, count: usize, points: &mut Vec<[f64; 2]>) {
    points.resize(count, [0.0; 2]);
    random.points(dimension, first, points);
}

#[cfg(test)]
mod tests {
    use super::{Glance, Wave};
    use crate::geometry::Rgb;
    use crate::integrator::eye::Eye;
    use crate::integrator::flow::{Flow, Run};
    use crate::integrator::path::{Black, Random};
    use crate::material::Material;
    use crate::reference::{icosphere_shadow, oblique};
    use crate::sampler::{Draw, Purpose};
    use crate::scene::{Environment, LampKind, Scene, SceneLamp, Shading, Transport, World};

    const DRAW: Draw = Draw { seed: 3, key: 1, camera: 0 };

    /// The sphere of that material under a lamp, over a floor, with a sky or without.
    fn sphere(material: Material, transport: Transport, sky: bool) -> World {
        let scene = icosphere_shadow().scene;
        let mut meshes = scene.meshes().to_vec();
        (meshes[2].material, meshes[2].shading) = (material, Shading::Smooth);
        let kind = LampKind::Point { position: [-1.0, 2.0, 1.0] };
        let lamp = SceneLamp { name: "lamp".into(), kind, intensity: Rgb([3.0, 2.0, 1.0]) };
        let cameras = scene.cameras().to_vec();
        let scene = Scene::with_cameras(cameras, transport, meshes).and_then(|scene| {
            // no path finds a lamp through clear glass
            let lamps = if material.is_specular() { vec![] } else { vec![lamp] };
            let scene = scene.with_lamps(lamps)?;
            let even = Environment::constant(Rgb([0.2, 0.3, 0.4]));
            if sky { scene.with_environment(even) } else { Ok(scene) }
        });
        World::new(&scene.expect("a valid scene"))
    }

    #[test]
    fn a_path_is_the_same_in_whatever_company_it_is_traced() {
        let glass = Material::Dielectric { index: 1.5, roughness: None };
        let metal = Material::Conductor { roughness: 0.2 };
        let mut lit = 0;
        for (material, bounces) in [(Material::Diffuse, 6), (metal, 1), (metal, 3), (glass, 8)] {
            let transport = Transport::Paths { bounces };
            let world = sphere(material, transport, bounces != 3);
            let eye = Eye::new(&world, 0.into());
            let (mut many, mut one) = (Wave::new(), Wave::new());
            for pixel in (0..64 * 64).step_by(71) {
                let random = Random::new(DRAW, Purpose::Path, pixel, bounces);
                let together = many.trace(eye, (pixel, &random), 7..50, Black::Lit);
                for (sample, path) in (7..50).zip(together) {
                    let alone =
                        &one.trace(eye, (pixel, &random), sample..sample + 1, Black::Lit)[0];
                    assert_eq!(path.links.len(), alone.links.len());
                    assert_eq!(path.radiance(&world), alone.radiance(&world));
                    lit += usize::from(path.links.len() > 2);
                }
            }
        }
        assert!(lit > 500, "{lit} paths are longer than two vertices");
    }

    #[test]
    fn a_path_of_a_known_ray_is_the_same_in_whatever_company_it_is_traced() {
        let world = sphere(Material::Diffuse, Transport::Paths { bounces: 4 }, true);
        let eye = Eye::new(&world, 0.into());
        let randoms: Vec<Random> =
            (0..50).map(|k| Random::new(DRAW, Purpose::PrimaryEdge, k, 4)).collect();
        let mut glances = Vec::new();
        for (k, random) in randoms.iter().enumerate() {
            let film = [1.3 * k as f64, 20.0 + 0.4 * k as f64];
            let [origin, w] = eye.camera.ray(film);
            let hit = world.bvh.closest(origin, w, f64::INFINITY);
            glances.push(Glance { film, w, hit, random });
        }
        let (mut many, mut one, mut lit) = (Wave::new(), Wave::new(), 0);
        for (path, glance) in many.see(eye, &glances, Black::Lit).iter().zip(&glances) {
            let alone = &one.see(eye, std::slice::from_ref(glance), Black::Lit)[0];
            assert_eq!(path.radiance(&world), alone.radiance(&world));
            lit += usize::from(!path.radiance(&world).is_black());
        }
        assert!(lit > 20, "{lit} paths see light");
    }

    #[test]
    fn images_have_the_light_of_paths() {
        let glass = Material::Dielectric { index: 1.5, roughness: None };
        let rough = Material::Dielectric { index: 1.4, roughness: Some(0.3) };
        let metal = Material::Conductor { roughness: 0.3 };
        let mut worlds = vec![World::new(&oblique()), World::new(&icosphere_shadow().scene)];
        for (material, sky) in
            [(Material::Diffuse, false), (metal, false), (Material::Diffuse, true)]
        {
            worlds.push(sphere(material, Transport::Direct, sky));
        }
        for (material, sky) in [
            (Material::Diffuse, false),
            (metal, true),
            (glass, true),
            (rough, false),
            (Material::Mirror, true),
        ] {
            worlds.push(sphere(material, Transport::Paths { bounces: 7 }, sky));
        }
        let (mut flow, mut wave) = (Flow::default(), Wave::new());
        let (mut longest, mut lit) = (0, 0);
        for world in worlds {
            let eye = Eye::new(&world, 0.into());
            let pixels = eye.camera.width * eye.camera.height;
            // pixels that are far from each other, in runs of several lengths
            for pixel in (0..pixels - 301).step_by(97) {
                let runs: Vec<Run> = [(0, 41), (17, 3), (300, 64), (301, 30)]
                    .map(|(further, count)| {
                        let pixel = pixel + further;
                        let random = Random::new(DRAW, Purpose::Path, pixel, eye.bounces());
                        Run { pixel, random, first: 5, count }
                    })
                    .into();
                let mut recorded = vec![Rgb([0.5; 3]); 302];
                let mut expected = recorded.clone();
                flow.record(eye, &runs, pixel, &mut recorded);
                for run in &runs {
                    let samples = run.first..run.first + u32::try_from(run.count).unwrap();
                    let rays = (run.pixel, &run.random);
                    for path in wave.trace(eye, rays, samples, Black::Skipped) {
                        expected[run.pixel - pixel] += eye.records(path);
                        longest = longest.max(path.links.len());
                    }
                }
                lit += usize::from(recorded[0] != Rgb([0.5; 3]));
                assert!(recorded == expected, "pixels from {pixel} on");
            }
        }
        assert!(longest == 8 && lit > 200, "{longest} vertices, {lit} pixels");
    }
}
