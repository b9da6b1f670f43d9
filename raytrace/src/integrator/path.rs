//! Paths of light, from the camera on: at each vertex light arrives from sources, and from the next vertex.
//!
//! The radiance that leaves vertex `k` against the path is `R_k = sum of connections + response(d_k)/(p_k q_k) R_{k+1}`, with `p_k` the
//! density of the direction `d_k` to the next vertex and `q_k` the probability that the path goes on (Russian roulette). What the
//! next vertex emits itself is left out: connections have it. A perfectly smooth surface has no connections: it sends the part `a_k` of what
//! comes from one direction, drawn with the chance `p_k`, and `R_k = a_k/(p_k q_k) (R_{k+1} + what k + 1 emits, or the sky)`.

use super::light::{Connection, hidden_sky};
use super::render::Eye;
use super::vertex::Vertex;
use crate::accel::Hit;
use crate::geometry::{Rgb, V3, ZERO};
use crate::material::{Lobe, ResponseBar, Surfel};
use crate::sampler::{Draw, Plane, Purpose};
use crate::scene::World;
use crate::sensor::FilmPoint;

/// From this vertex on a path goes on by chance.
const ROULETTE: usize = 4;
/// The greatest chance to go on, and the least.
const CHANCE: [f64; 2] = [0.05, 0.95];
/// Light that a black surface is taken to carry on, where its derivative by the albedo is wanted.
const LEAST_CARRIED: f64 = 0.25;
/// Planes of random numbers that a vertex uses: for lights, the sky, the next direction, whether to go on.
const PLANES: u64 = 4;

/// Planes of random numbers by dimension.
#[derive(Debug)]
pub(crate) struct Random {
    draw: Draw,
    purpose: Purpose,
    pixel: usize,
    planes: Vec<Plane>,
}

impl Random {
    /// The random numbers of a pixel, for paths of so many bounces.
    pub(crate) fn new(draw: Draw, purpose: Purpose, pixel: usize, bounces: u32) -> Self {
        // what nearly every path needs is made once, the rest when it is needed
        let ready = 1 + if bounces == 1 { 1 } else { PLANES * u64::from(bounces.min(4)) };
        let planes = (0..ready).map(|d| Plane::new(draw, purpose, pixel, d)).collect();
        Self { draw, purpose, pixel, planes }
    }

    /// Point `sample` of a plane.
    #[inline]
    pub(crate) fn point(&self, dimension: u64, sample: u32) -> [f64; 2] {
        let ready = usize::try_from(dimension).ok().and_then(|d| self.planes.get(d));
        match ready {
            Some(plane) => plane.point(sample),
            None => Plane::new(self.draw, self.purpose, self.pixel, dimension).point(sample),
        }
    }
}

/// Whether light is looked for where nothing is reflected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Black {
    /// No: the radiance does not need it.
    Skipped,
    /// Yes: the derivative by the albedo does.
    Lit,
}

/// The way to the next vertex, or to the sky.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounce {
    /// Unit vector.
    pub(crate) d: V3,
    /// One over density and chance.
    pub(crate) k: f64,
    /// Of a perfectly smooth surface: which of its directions it is. The direction is then the vertex's own and turns with it, and
    /// what is met there is counted with all that it emits.
    pub(crate) sent: Option<Lobe>,
}

impl Bounce {
    /// Part of the radiance from the direction that the vertex reflects, over density and chance.
    #[inline]
    pub(crate) fn factor(&self, surfel: &Surfel) -> Rgb {
        match self.sent {
            None => surfel.response(self.d) * self.k,
            Some(lobe) => surfel.part(lobe) * self.k,
        }
    }

    /// Cotangents for that of the factor, and, where the direction turns with the vertex, for that of the direction.
    pub(super) fn pullback(&self, surfel: &Surfel, factor: Rgb, d: V3) -> ResponseBar {
        match self.sent {
            None => surfel.pullback(self.d, factor * self.k),
            Some(lobe) => surfel.send_pullback(lobe, factor * self.k, d),
        }
    }

    /// Cotangents of the vertex for that of the direction alone.
    pub(super) fn turned(&self, surfel: &Surfel, d: V3) -> Option<ResponseBar> {
        Some(surfel.send_pullback(self.sent?, Rgb::BLACK, d))
    }
}

/// A vertex of a path with what arrives there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) vertex: Vertex,
    /// First and last of the path's connections.
    connections: [usize; 2],
    /// To the next link; where there is none, to the sky.
    pub(crate) bounce: Option<Bounce>,
    /// What the vertex emits is counted here: no connection has it.
    pub(crate) emits: bool,
}

/// A path. It is used again and again, so that it does not allocate.
#[derive(Debug)]
pub(crate) struct Path {
    pub(crate) film: FilmPoint,
    /// Of the camera's ray.
    pub(crate) w: V3,
    pub(crate) links: Vec<Link>,
    connections: Vec<Connection>,
}

impl Path {
    /// Nothing is seen.
    pub(crate) fn new() -> Self {
        Self { film: [0.0; 2], w: ZERO, links: Vec::new(), connections: Vec::new() }
    }

    /// Makes it the path that is seen at `film`, of sample `sample` of the random numbers.
    pub(crate) fn trace(
        &mut self,
        eye: Eye,
        film: FilmPoint,
        random: &Random,
        sample: u32,
        black: Black,
    ) {
        let (w, hit) = eye.look(film);
        self.see(eye, film, (w, hit), random, sample, black);
    }

    /// The same where it is known what the camera's ray meets.
    pub(crate) fn see(
        &mut self,
        eye: Eye,
        film: FilmPoint,
        (w, hit): (V3, Option<Hit>),
        random: &Random,
        sample: u32,
        black: Black,
    ) {
        (self.film, self.w) = (film, w);
        self.clear();
        if let Some(hit) = hit {
            let first = Vertex::new(eye.world, w, hit);
            self.extend(eye.world, first, eye.bounces(), (random, sample), black);
        }
    }

    /// Makes it what the camera's ray through `film` meets, without light.
    pub(crate) fn first(&mut self, eye: Eye, film: FilmPoint) {
        let (w, hit) = eye.look(film);
        (self.film, self.w) = (film, w);
        self.clear();
        if let Some(hit) = hit {
            let vertex = Vertex::new(eye.world, w, hit);
            self.links.push(Link { vertex, connections: [0; 2], bounce: None, emits: true });
        }
    }

    fn clear(&mut self) {
        self.links.clear();
        self.connections.clear();
    }

    /// Makes it the path that starts at a vertex, over at most so many reflections.
    pub(crate) fn extend(
        &mut self,
        world: &World,
        mut vertex: Vertex,
        bounces: u32,
        (random, sample): (&Random, u32),
        black: Black,
    ) {
        self.clear();
        let (mut carried, mut emits) = (1.0, true);
        loop {
            let k = self.links.len();
            let first = self.connections.len();
            let left = bounces.saturating_sub(crate::geometry::id(k));
            let Surfel { material, albedo, .. } = vertex.surfel;
            let dark = left == 0 || (black == Black::Skipped && material.is_dark(albedo));
            let dimension = 1 + PLANES * k as u64;
            let mut next = None;
            if !dark {
                let u = |d| random.point(dimension + d, sample);
                if material.is_specular() {
                    next = self.send_on(world, &vertex, &mut carried, (u, black));
                } else {
                    let and_surface = bounces > 1 || vertex.surfel.is_glossy();
                    self.connect(world, &vertex, and_surface, u);
                    let on = self.go_on(world, &vertex, [left, bounces], &mut carried, (u, black));
                    next = on.map(|(bounce, met)| (bounce, Some(met)));
                }
            }
            let connections = [first, self.connections.len()];
            let bounce = next.map(|(bounce, _)| bounce);
            self.links.push(Link { vertex, connections, bounce, emits });
            match next {
                Some((bounce, Some(met))) => (vertex, emits) = (met, bounce.sent.is_some()),
                _ => return,
            }
        }
    }

    /// Light that arrives at a vertex from where it is made; `and_surface` where it also follows a direction of its own.
    fn connect(
        &mut self,
        world: &World,
        vertex: &Vertex,
        and_surface: bool,
        u: impl Fn(u64) -> [f64; 2],
    ) {
        if !world.lights.faces.is_empty() {
            self.connections.extend(Connection::face(world, vertex, u(0), and_surface));
        }
        if world.sky.is_some() {
            self.connections.extend(Connection::sky(world, vertex, u(1)));
        }
        for lamp in 0..world.scene.lamps.len() {
            self.connections.extend(Connection::lamp(world, vertex, crate::geometry::id(lamp)));
        }
    }

    /// Where the path goes from a vertex with `left` reflections left of `bounces`, its own included. Light that is made where the
    /// direction leads is a connection. Where no light is reflected twice, diffuse surfaces find lights by their area alone.
    fn go_on(
        &mut self,
        world: &World,
        vertex: &Vertex,
        [left, bounces]: [u32; 2],
        carried: &mut f64,
        (u, black): (impl Fn(u64) -> [f64; 2], Black),
    ) -> Option<(Bounce, Vertex)> {
        let by_area = bounces < 2 && !vertex.surfel.is_glossy();
        if by_area && world.sky.is_none() {
            return None;
        }
        let d = vertex.surfel.sample(u(2), u(3)[1])?;
        let density = vertex.surfel.density(d);
        if !(density > 0.0 && vertex.surfel.receives(d)) {
            return None;
        }
        if by_area {
            if !hidden_sky(world, vertex, d) {
                self.connections.extend(Connection::from_sky(world, vertex, d));
            }
            return None;
        }
        let Some(hit) = world.bvh.closest_but(vertex.x, d, vertex.hit.face) else {
            self.connections.extend(Connection::from_sky(world, vertex, d));
            return None;
        };
        let next = Vertex::new(world, d, hit);
        self.connections.extend(Connection::met(world, vertex, &next));
        if left < 2 {
            return None;
        }
        let kept = vertex.surfel.response(d).max_channel() / density;
        let k = density.recip() * self.survives(kept, carried, u(3)[0], black)?;
        Some((Bounce { d, k, sent: None }, next))
    }

    /// Where the path goes from a perfectly smooth surface; no vertex where that is the sky.
    fn send_on(
        &mut self,
        world: &World,
        vertex: &Vertex,
        carried: &mut f64,
        (u, black): (impl Fn(u64) -> [f64; 2], Black),
    ) -> Option<(Bounce, Option<Vertex>)> {
        let [by_chance, lobe] = u(3);
        let sent = vertex.surfel.send(lobe)?;
        let kept = sent.part.max_channel() / sent.chance;
        let k = sent.chance.recip() * self.survives(kept, carried, by_chance, black)?;
        let hit = world.bvh.closest_but(vertex.x, sent.d, vertex.hit.face);
        let next = hit.map(|hit| Vertex::new(world, sent.d, hit));
        Some((Bounce { d: sent.d, k, sent: Some(sent.lobe) }, next))
    }

    /// One over the chance to go on, where the path does (Russian roulette); `kept` is what the surface keeps of the light.
    fn survives(&self, kept: f64, carried: &mut f64, u: f64, black: Black) -> Option<f64> {
        *carried *= if black == Black::Lit { kept.max(LEAST_CARRIED) } else { kept };
        if self.links.len() + 1 < ROULETTE {
            return Some(1.0);
        }
        let chance = carried.clamp(CHANCE[0], CHANCE[1]);
        if u >= chance {
            return None;
        }
        *carried /= chance;
        Some(chance.recip())
    }

    /// Connections of a link.
    pub(super) fn connections(&self, link: &Link) -> &[Connection] {
        &self.connections[link.connections[0]..link.connections[1]]
    }

    /// Radiance that arrives along the bounce of link `k` without connections: what the next vertex emits, where that is counted
    /// there, or the sky.
    pub(super) fn met(&self, world: &World, k: usize) -> Rgb {
        match (self.links.get(k + 1), self.links[k].bounce, &world.sky) {
            (Some(next), ..) if next.emits => next.vertex.emitted(world),
            (None, Some(bounce), Some(sky)) => sky.light(bounce.d),
            _ => Rgb::BLACK,
        }
    }

    /// Radiance that leaves the first vertex by reflection.
    pub(crate) fn reflected(&self, world: &World) -> Rgb {
        let mut sum = Rgb::BLACK;
        let mut throughput = Rgb::WHITE;
        for (k, link) in self.links.iter().enumerate() {
            for c in self.connections(link) {
                sum += throughput * link.vertex.surfel.response(c.d) * c.arriving(world);
            }
            if let Some(bounce) = link.bounce {
                throughput = throughput * bounce.factor(&link.vertex.surfel);
                sum += throughput * self.met(world, k);
            }
        }
        sum
    }

    /// Radiance towards the camera.
    pub(crate) fn radiance(&self, world: &World) -> Rgb {
        match (self.links.first(), &world.sky) {
            (Some(first), _) => first.vertex.emitted(world) + self.reflected(world),
            (None, Some(sky)) => sky.light(crate::geometry::unit(self.w)),
            (None, None) => Rgb::BLACK,
        }
    }
}
