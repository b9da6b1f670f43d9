//! Paths of light, from the camera on: at each vertex light arrives from sources, and from the next vertex.
//!
//! The radiance that leaves vertex `k` against the path is `R_k = sum of connections + response(d_k)/(p_k q_k) R_{k+1}`, with `p_k` the
//! density of the direction `d_k` to the next vertex and `q_k` the probability that the path goes on (Russian roulette). What the
//! next vertex emits itself is left out: connections have it. A perfectly smooth surface has no connections: it sends the part `a_k` of what
//! comes from one direction, drawn with the chance `p_k`, and `R_k = a_k/(p_k q_k) (R_{k+1} + what k + 1 emits, or the sky)`.
#![expect(
    clippy::inline_always,
    reason = "what is built in place need not be copied: stores of parts and loads of the whole stall"
)]

use super::light::Connection;
use super::vertex::Vertex;
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
pub(super) const PLANES: u64 = 4;

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
        let ready = match bounces {
            0 => 1,
            1 => 2,
            _ => 1 + PLANES,
        };
        let planes = (0..ready).map(|d| Plane::new(draw, purpose, pixel, d)).collect();
        Self { draw, purpose, pixel, planes }
    }

    fn plane(&self, dimension: u64) -> Plane {
        let ready = usize::try_from(dimension).ok().and_then(|d| self.planes.get(d)).copied();
        ready.unwrap_or_else(|| Plane::new(self.draw, self.purpose, self.pixel, dimension))
    }

    /// Point `sample` of a plane.
    #[inline]
    pub(crate) fn point(&self, dimension: u64, sample: u32) -> [f64; 2] {
        self.plane(dimension).point(sample)
    }

    /// Points from `first` on of a plane.
    pub(super) fn points(&self, dimension: u64, first: u32, points: &mut [[f64; 2]]) {
        self.plane(dimension).points(first, points);
    }

    /// Of the points of a plane from `first` on those whose places are `chosen`.
    pub(super) fn some_points(
        &self,
        dimension: u64,
        first: u32,
        chosen: &[usize],
        points: &mut [[f64; 2]],
    ) {
        self.plane(dimension).some_points(first, chosen, points);
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

/// Whether a path goes on (Russian roulette).
#[derive(Clone, Copy, Debug)]
pub(super) struct Roulette {
    /// What part of its light the path has left, over the chances to come so far.
    carried: f64,
}

impl Roulette {
    /// Of a path that begins.
    pub(super) const START: Self = Self { carried: 1.0 };

    /// Whether chance decides at vertex `k`.
    #[inline]
    pub(super) fn starts(k: usize) -> bool {
        k + 1 >= ROULETTE
    }

    /// One over the chance to go on from vertex `k`, where the path does; `kept` is what the surface keeps of the light.
    #[inline]
    pub(super) fn survives(&mut self, k: usize, kept: f64, u: f64, black: Black) -> Option<f64> {
        self.carried *= if black == Black::Lit { kept.max(LEAST_CARRIED) } else { kept };
        if !Self::starts(k) {
            return Some(1.0);
        }
        let chance = self.carried.clamp(CHANCE[0], CHANCE[1]);
        if u >= chance {
            return None;
        }
        self.carried /= chance;
        Some(chance.recip())
    }
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

impl Link {
    const EMPTY: Self =
        Self { vertex: Vertex::EMPTY, connections: [0; 2], bounce: None, emits: false };
}

/// A new last place of a list, to be written to: what is pushed is written elsewhere first, and read from there before it has arrived.
#[inline(always)]
pub(super) fn place<T: Copy>(list: &mut Vec<T>, empty: T) -> &mut T {
    list.push(empty);
    let last = list.len() - 1;
    &mut list[last]
}

/// A path. It is used again and again, so that it does not allocate.
#[derive(Debug)]
pub(crate) struct Path {
    pub(crate) film: FilmPoint,
    /// Of the camera's ray.
    pub(crate) w: V3,
    pub(crate) links: Vec<Link>,
    connections: Vec<Connection>,
    roulette: Roulette,
}

impl Path {
    /// Nothing is seen.
    pub(super) fn new() -> Self {
        Self {
            film: [0.0; 2],
            w: ZERO,
            links: Vec::new(),
            connections: Vec::new(),
            roulette: Roulette::START,
        }
    }

    /// Makes it a path that sees nothing through a film point.
    pub(super) fn clear(&mut self, film: FilmPoint, w: V3) {
        (self.film, self.w, self.roulette) = (film, w, Roulette::START);
        self.links.clear();
        self.connections.clear();
    }

    /// Appends a vertex; `emits` says that what it emits is counted here.
    #[inline(always)]
    pub(super) fn push(&mut self, vertex: Vertex, emits: bool) {
        let connections = [self.connections.len(); 2];
        *place(&mut self.links, Link::EMPTY) = Link { vertex, connections, bounce: None, emits };
    }

    /// The vertex from which it goes on.
    #[inline]
    pub(super) fn end(&self) -> &Vertex {
        &self.links[self.links.len() - 1].vertex
    }

    /// Appends a connection of the last vertex.
    pub(super) fn connect(&mut self, connection: Connection) {
        let (_, range, connections) = self.parts();
        connections.push(connection);
        range[1] = connections.len();
    }

    /// The last vertex, which of the connections are its own, and all of them.
    #[inline(always)]
    pub(super) fn parts(&mut self) -> (&Vertex, &mut [usize; 2], &mut Vec<Connection>) {
        let last = self.links.len() - 1;
        let Link { vertex, connections, .. } = &mut self.links[last];
        (vertex, connections, &mut self.connections)
    }

    /// Takes a connection of the last vertex away.
    pub(super) fn disconnect(&mut self, number: usize) {
        let (_, range, connections) = self.parts();
        connections.remove(number);
        range[1] = connections.len();
    }

    /// Lets it go on from its last vertex: to the sky, where nothing is pushed afterwards.
    #[inline]
    pub(super) fn bounce(&mut self, bounce: Bounce) {
        let last = self.links.len() - 1;
        self.links[last].bounce = Some(bounce);
    }

    /// One over the chance to go on from its last vertex, where it does; `kept` is what the surface keeps of the light.
    pub(super) fn survives(&mut self, kept: f64, u: f64, black: Black) -> Option<f64> {
        self.roulette.survives(self.links.len() - 1, kept, u, black)
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
