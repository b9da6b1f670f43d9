//! Images: samples of neighbouring pixels side by side, of whose paths nothing is kept but the light that they have brought so far. They are, to
//! the bit, those of [`super::wave`], whose paths a derivative follows back.
#![expect(
    clippy::inline_always,
    reason = "what is built in place need not be copied: stores of parts and loads of the whole stall"
)]

use std::ops::Range;

use pulp::{Arch, NullaryFnOnce};

use super::diffuse::{Diffuse, Way};
use super::eye::{Eye, film_point};
use super::light::Connection;
use super::path::{Black, PLANES, Random, Roulette};
use super::vertex::Vertex;
use super::wave::{Rules, by_area, drawn, far_sights, sights};
use crate::accel::{Bundle, Coherence, Hit, RAYS, Segment};
use crate::geometry::{Rgb, V3, ZERO, id, unit};
use crate::material::Material;
use crate::scene::World;

/// Samples that are traced together: few, so that all stays in the nearest cache, but where paths go on, whose rays have little in common
/// and are bundled by their main axis.
pub(super) fn samples(eye: Eye) -> usize {
    if eye.bounces() > 1 { 256 } else { RAYS }
}

/// So many points are not worth being drawn side by side.
const FEW: usize = 4;

/// Consecutive samples of one pixel.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) pixel: usize,
    pub(super) random: Random,
    /// Number of its first sample.
    pub(super) first: u32,
    pub(super) count: usize,
}

/// What it takes to trace them. It is used again and again, so that it does not allocate.
#[derive(Debug, Default)]
#[expect(clippy::cast_possible_truncation, reason = "there are few planes")]
pub(super) struct Flow {
    /// What the first vertex of each sample emits, and what it reflects.
    leaving: Vec<[Rgb; 2]>,
    /// Paths that go on, those that will, and the numbers of their samples from the least to the greatest.
    lanes: Vec<Lane>,
    next: Vec<Lane>,
    alive: Vec<usize>,
    points: [Vec<[f64; 2]>; PLANES as usize],
    bundle: Bundle,
    segments: Vec<Segment>,
    hits: Vec<Option<Hit>>,
    hidden: Vec<bool>,
    /// Light that may arrive at the film, by sample.
    sights: Vec<(usize, Rgb)>,
    /// Directions in which paths go on, and their rays.
    ways: Vec<Way>,
    onward: Vec<Segment>,
    diffuse: Box<Diffuse>,
}

/// A path that goes on, and where it is.
#[derive(Clone, Copy, Debug)]
struct Lane {
    /// Number of its sample.
    number: usize,
    /// What was met last, along `w`.
    hit: Hit,
    w: V3,
    /// Part of the light from there on that arrives at the film.
    throughput: Rgb,
    roulette: Roulette,
}

impl Lane {
    /// Of a path that begins.
    const START: Self = Self {
        number: 0,
        hit: Hit { face: 0, t: 0.0, uv: [0.0; 2] },
        w: ZERO,
        throughput: Rgb::WHITE,
        roulette: Roulette::START,
    };

    #[inline(always)]
    fn vertex(&self, world: &World) -> Vertex {
        Vertex::new(world, self.w, self.hit)
    }
}

/// A step of all paths that go on, at their vertices `k`.
struct Step<'a> {
    flow: &'a mut Flow,
    rules: Rules<'a>,
    k: usize,
}

impl NullaryFnOnce for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.flow.leave(self.rules, self.k);
    }
}

impl Flow {
    /// Adds the radiance that the camera records of runs to the sums of their pixels, one sample after the other. The sums stand in a row from
    /// the pixel `first` on.
    pub(super) fn record(&mut self, eye: Eye, runs: &[Run], first: usize, sums: &mut [Rgb]) {
        let (world, bounces) = (eye.world, eye.bounces());
        let rules = Rules { world, bounces, black: Black::Skipped };
        self.look(eye, runs);
        for k in 0..bounces {
            if self.alive.is_empty() {
                break;
            }
            self.draw(rules, runs, k);
            Arch::new().dispatch(Step { flow: self, rules, k: k as usize });
            self.bundle.occluded(&world.bvh, &self.segments, &mut self.hidden);
            for ((number, light), hidden) in self.sights.iter().zip(&self.hidden) {
                if !hidden {
                    self.leaving[*number][1] += *light;
                }
            }
            self.arrive(rules, k);
        }
        let mut leaving = &self.leaving[..];
        for run in runs {
            let (own, others) = leaving.split_at(run.count);
            leaving = others;
            let add = |sum, [emitted, reflected]: &[Rgb; 2]| {
                sum + (*emitted + *reflected) * eye.camera.gain
            };
            let sum = &mut sums[run.pixel - first];
            *sum = own.iter().fold(*sum, add);
        }
    }

    /// What the camera sees.
    fn look(&mut self, eye: Eye, runs: &[Run]) {
        let world = eye.world;
        self.alive.clear();
        self.draw_plane(runs, 0, 0);
        self.segments.clear();
        let mut points = &self.points[0][..];
        for run in runs {
            let (own, others) = points.split_at(run.count);
            points = others;
            self.segments.extend(own.iter().map(|u| {
                let [origin, w] = eye.camera.ray(film_point(eye.camera.width, run.pixel, *u));
                Segment::ray(origin, w, u32::MAX)
            }));
        }
        self.bundle.closest(&world.bvh, &self.segments, Coherence::Close, &mut self.hits);
        let seen = self.segments.iter().map(|s| s.direction).zip(&self.hits);
        self.leaving.clear();
        self.leaving.extend(seen.map(|(w, hit)| match (hit, &world.sky) {
            (Some(hit), _) => [emitted(world, w, *hit), Rgb::BLACK],
            (None, Some(sky)) => [sky.light(unit(w)), Rgb::BLACK],
            (None, None) => [Rgb::BLACK; 2],
        }));
        if eye.bounces() == 0 {
            return;
        }
        self.lanes.clear();
        for (number, hit) in self.hits.iter().enumerate() {
            if let Some(hit) = *hit {
                self.alive.push(number);
                let w = self.segments[number].direction;
                self.lanes.push(Lane { number, hit, w, ..Lane::START });
            }
        }
    }

    /// The random numbers of all paths that go on, at their vertices `k`.
    fn draw(&mut self, rules: Rules, runs: &[Run], k: u32) {
        let world = rules.world;
        let glossy = world.is_glossy();
        let reflects = rules.bounces > 1 || world.sky.is_some() || glossy;
        let by_chance = glossy || Roulette::starts(k as usize);
        let wanted = [!world.lights.faces.is_empty(), world.sky.is_some(), reflects, by_chance];
        self.points[3].resize(self.leaving.len(), [0.0; 2]);
        for (d, wanted) in wanted.into_iter().enumerate() {
            if wanted {
                self.draw_plane(runs, d, 1 + PLANES * u64::from(k) + d as u64);
            }
        }
    }

    /// The points of a dimension, into one of the lists: of all samples for the camera, then of paths that go on.
    fn draw_plane(&mut self, runs: &[Run], list: usize, dimension: u64) {
        let points = &mut self.points[list];
        points.resize(runs.iter().map(|r| r.count).sum(), [0.0; 2]);
        let (mut start, mut alive) = (0, &self.alive[..]);
        for run in runs {
            let range = start..start + run.count;
            start = range.end;
            let chosen = split(&mut alive, &range);
            if dimension == 0 || 2 * chosen.len() > run.count {
                run.random.points(dimension, run.first, &mut points[range]);
            } else if chosen.len() < FEW {
                for number in chosen {
                    let sample = run.first + id(*number - range.start);
                    points[*number] = run.random.point(dimension, sample);
                }
            } else {
                let first = run.first.wrapping_sub(id(range.start));
                run.random.some_points(dimension, first, chosen, points);
            }
        }
    }

    /// What light leaves the vertices for the film if nothing is in its way, and where paths go on.
    #[inline(always)]
    fn leave(&mut self, rules: Rules, k: usize) {
        self.segments.clear();
        self.sights.clear();
        self.onward.clear();
        self.ways.clear();
        for place in 0..self.lanes.len() {
            let lane = &self.lanes[place];
            if rules.world.surface(lane.hit.face).material != Material::Diffuse {
                self.leave_other(rules, (place, k));
                continue;
            }
            // made here, so that what a diffuse surface does not need is not calculated
            let vertex = lane.vertex(rules.world);
            if !vertex.surfel.albedo.is_black() {
                self.diffuse.push([lane.number, place], &vertex, lane.throughput);
                if self.diffuse.is_full() {
                    self.leave_diffuse(rules);
                }
            }
        }
        self.leave_diffuse(rules);
        if rules.world.sky.is_some() || !rules.world.scene.lamps.is_empty() {
            self.look_far(rules);
        }
    }

    /// Of diffuse surfaces.
    #[inline(always)]
    fn leave_diffuse(&mut self, rules: Rules) {
        let by_area = by_area(rules, Material::Diffuse);
        let [lights, _, directions, _] = &self.points;
        if !rules.world.lights.faces.is_empty() {
            self.diffuse.shine(rules.world, lights, !by_area);
            self.diffuse.choose(true);
            for (number, light) in self.diffuse.light() {
                self.leaving[number][1] += light;
            }
            self.diffuse.choose(false);
            self.sights.extend(self.diffuse.light());
            self.segments.extend(self.diffuse.segments());
        }
        if !by_area {
            self.diffuse.spread(rules.world, directions);
            self.diffuse.choose(false);
            self.ways.extend(self.diffuse.ways());
            self.onward.extend(self.diffuse.rays());
        }
        self.diffuse.clear();
    }

    /// Light of the sky and of lamps that leaves diffuse surfaces: after that of faces, as paths have it.
    fn look_far(&mut self, rules: Rules) {
        for lane in &self.lanes {
            let vertex = lane.vertex(rules.world);
            let surfel = &vertex.surfel;
            if surfel.material != Material::Diffuse || surfel.material.is_dark(surfel.albedo) {
                continue;
            }
            let chosen = |d: usize| self.points[d][lane.number];
            far_sights(rules, &vertex, chosen, |connection, segment| {
                let response = lane.throughput * surfel.response(connection.d);
                self.sights.push((lane.number, response * connection.arriving(rules.world)));
                self.segments.push(segment);
            });
        }
    }

    /// Of one vertex that is not diffuse.
    fn leave_other(&mut self, rules: Rules, (place, k): (usize, usize)) {
        let lane = &mut self.lanes[place];
        let vertex = &lane.vertex(rules.world);
        let surfel = &vertex.surfel;
        if surfel.material.is_dark(surfel.albedo) {
            return;
        }
        let chosen = |d: usize| self.points[d][lane.number];
        let mut go = |d: V3, density: Option<f64>, response: Rgb| {
            self.ways.push(Way { lane: place, d, density, response });
            self.onward.push(Segment::ray(vertex.x, d, vertex.hit.face));
        };
        if surfel.material.is_specular() {
            let [by_chance, lobe] = chosen(3);
            if let Some(sent) = surfel.send(lobe) {
                let kept = sent.part.max_channel() / sent.chance;
                if let Some(chance) = lane.roulette.survives(k, kept, by_chance, rules.black) {
                    let response = surfel.part(sent.lobe) * (sent.chance.recip() * chance);
                    go(sent.d, None, response);
                }
            }
            return;
        }
        sights(rules, vertex, chosen, |connection, segment| {
            let response = lane.throughput * surfel.response(connection.d);
            self.sights.push((lane.number, response * connection.arriving(rules.world)));
            self.segments.push(segment);
        });
        if let Some((d, density)) = drawn(surfel, [chosen(2), chosen(3)]) {
            go(d, Some(density), surfel.response(d));
        }
    }

    /// Light that is made where paths go, and their next vertices.
    fn arrive(&mut self, rules: Rules, k: u32) {
        self.bundle.closest(&rules.world.bvh, &self.onward, Coherence::None, &mut self.hits);
        self.alive.clear();
        self.next.clear();
        for (way, hit) in self.ways.iter().zip(&self.hits) {
            let lane = &self.lanes[way.lane];
            let light = &mut self.leaving[lane.number][1];
            let by_chance = self.points[3][lane.number][0];
            if let Some(lane) = lane.arrive(rules, k, (way, *hit, by_chance), light) {
                self.alive.push(lane.number);
                self.next.push(lane);
            }
        }
        // directions of diffuse surfaces come after those of others
        self.alive.sort_unstable();
        std::mem::swap(&mut self.lanes, &mut self.next);
    }
}

impl Lane {
    /// The path at its next vertex, if it goes on from there; adds the light that it brings.
    fn arrive(
        &self,
        rules: Rules,
        k: u32,
        (way, hit, by_chance): (&Way, Option<Hit>, f64),
        light: &mut Rgb,
    ) -> Option<Self> {
        let (world, d) = (rules.world, way.d);
        let Some(density) = way.density else {
            let throughput = self.throughput * way.response;
            let sky = || world.sky.as_ref().map_or(Rgb::BLACK, |sky| sky.light(d));
            *light += throughput * hit.map_or_else(sky, |hit| emitted(world, d, hit));
            return Some(Self { hit: hit?, w: d, throughput, ..*self });
        };
        let Some(hit) = hit else {
            if world.sky.is_some() {
                let vertex = self.vertex(world);
                *light += self.brought(world, &vertex, Connection::from_sky(world, &vertex, d));
            }
            return None;
        };
        if world.lights.of_face(hit.face).is_some() {
            let vertex = self.vertex(world);
            let met = Connection::met(world, &vertex, &Vertex::new(world, d, hit));
            *light += self.brought(world, &vertex, met);
        }
        if rules.bounces - k < 2 {
            return None;
        }
        let mut roulette = self.roulette;
        let kept = way.response.max_channel() / density;
        let chance = roulette.survives(k as usize, kept, by_chance, rules.black)?;
        let throughput = self.throughput * (way.response * (density.recip() * chance));
        Some(Self { hit, w: d, throughput, roulette, ..*self })
    }

    /// What arrives at the film of light that arrives at its vertex.
    fn brought(&self, world: &World, vertex: &Vertex, light: Option<Connection>) -> Rgb {
        light.map_or(Rgb::BLACK, |c| {
            self.throughput * vertex.surfel.response(c.d) * c.arriving(world)
        })
    }
}

/// Radiance that a face emits against the ray that met it.
#[inline(always)]
fn emitted(world: &World, w: V3, hit: Hit) -> Rgb {
    let front = world.faces[hit.face as usize].normal.dot(w) < 0.0;
    if front { world.emission(hit.face, hit.barycentric()) } else { Rgb::BLACK }
}

/// Cuts off what lies within a range.
fn split<'a>(sorted: &mut &'a [usize], range: &Range<usize>) -> &'a [usize] {
    let count = sorted.partition_point(|k| *k < range.end);
    let (within, rest) = sorted.split_at(count);
    *sorted = rest;
    within
}
