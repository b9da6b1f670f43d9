//! Walks along paths and hands on, at each of their points, the derivative through what moves before it: borders of shadows on
//! light faces ([`super::shadow`]), edges before the sky and before what reflects light itself ([`super::sphere`]), and borders of lamps'
//! shadows ([`super::lamp`]).

use super::hierarchy::EdgeTree;
use super::lamp::LampBorders;
use super::mirror::Mirrors;
use super::moves;
use super::shadow::ShadowBorders;
use super::sphere::SphereEdges;
use crate::derivative::{DerivativeOptions, Seeds, Sink};
use crate::geometry::{Rgb, id};
use crate::integrator::{Black, Eye, Path, Random, Vertex, Wave, waves};
use crate::sampler::Purpose;
use crate::scene::Wanted;

/// Planes of random numbers beyond those of paths: for the points that a vertex draws.
const BEYOND_PATHS: u64 = 1 << 32;

/// The edges of a world that may throw borders: those that move, and the others.
#[derive(Debug)]
pub(crate) struct EdgeTrees {
    pub(super) moving: EdgeTree,
    pub(super) still: EdgeTree,
}

impl EdgeTrees {
    pub(crate) fn new(eye: Eye, wanted: &Wanted) -> Self {
        let world = eye.world;
        let moving = |e: &u32| moves(world, wanted, &world.edges().all[*e as usize]);
        let (moving, still): (Vec<u32>, Vec<u32>) =
            (0..id(world.edges().all.len())).partition(moving);
        let tree = |edges: Vec<u32>| EdgeTree::new(world, edges.into_iter());
        Self { moving: tree(moving), still: tree(still) }
    }
}

/// A point of a path that reflects light to a pixel.
pub(super) struct Seen<'a> {
    pub(super) path: &'a Path,
    /// Number of the vertex.
    pub(super) k: usize,
    pub(super) pixel: usize,
    /// What the camera records of light that leaves it.
    pub(super) throughput: Rgb,
    pub(super) seeds: Seeds,
}

impl Seen<'_> {
    #[inline]
    pub(super) fn vertex(&self) -> &Vertex {
        &self.path.links[self.k].vertex
    }

    /// Whether the point may move.
    #[inline]
    pub(super) fn moves(&self, eye: Eye, wanted: &Wanted) -> bool {
        let mesh = |l: &crate::integrator::Link| wanted.moving[l.vertex.mesh(eye.world)];
        wanted.camera || self.path.links[..=self.k].iter().any(mesh)
    }
}

/// Samples what moves before the points of paths, pixel by pixel.
#[derive(Debug)]
pub(crate) struct Borders<'a> {
    wave: Wave,
    before: Before<'a>,
}

/// What may move before a point.
#[derive(Debug)]
struct Before<'a> {
    eye: Eye<'a>,
    options: &'a DerivativeOptions,
    shadows: ShadowBorders<'a>,
    sphere: SphereEdges<'a>,
    lamps: Vec<LampBorders<'a>>,
}

impl<'a> Borders<'a> {
    pub(crate) fn new(
        eye: Eye<'a>,
        wanted: &'a Wanted,
        (trees, mirrors): (&'a EdgeTrees, &'a Mirrors),
        options: &'a DerivativeOptions,
    ) -> Self {
        // light of a lamp reaches a point by way of another one
        let lamps = if eye.bounces() > 1 && options.terms.indirect {
            (0..eye.world.scene.lamps.len()).map(|k| LampBorders::new(eye, wanted, k)).collect()
        } else {
            Vec::new()
        };
        let before = Before {
            eye,
            options,
            shadows: ShadowBorders::new(eye, wanted, trees, options),
            sphere: SphereEdges::new(eye, wanted, (trees, mirrors), options),
            lamps,
        };
        Self { wave: Wave::new(), before }
    }

    /// Hands on the derivative of one pixel.
    pub(crate) fn pixel(&mut self, pixel: usize, sink: &mut impl Sink) {
        let Before { eye, options, .. } = self.before;
        let draw = options.draw(eye.index);
        let random = Random::new(draw, Purpose::ShadowEdge, pixel, eye.bounces());
        for samples in waves(options.shadow_spp) {
            let rays = (pixel, &random);
            let paths = if eye.bounces() > 1 {
                self.wave.trace(eye, rays, samples.clone(), Black::Skipped)
            } else {
                self.wave.look(eye, rays, samples.clone())
            };
            for (sample, path) in samples.zip(paths) {
                self.before.path(path, (pixel, &random), sample, sink);
            }
        }
    }
}

impl Before<'_> {
    /// Hands on what moves before the points of a path.
    fn path(
        &mut self,
        path: &Path,
        (pixel, random): (usize, &Random),
        sample: u32,
        sink: &mut impl Sink,
    ) {
        let (eye, terms, seeds) = (self.eye, self.options.terms, sink.seeds(pixel));
        let first = if eye.bounces() > 1 { BEYOND_PATHS } else { 1 };
        let mut throughput = eye.camera.gain;
        for (k, link) in path.links.iter().enumerate() {
            let surfel = link.vertex.surfel;
            if throughput.is_black() || surfel.material.is_dark(surfel.albedo) {
                break;
            }
            let u = |d: u64| random.point(first + 4 * k as u64 + d, sample);
            let seen = Seen { path, k, pixel, throughput, seeds };
            let spread = !surfel.material.is_specular();
            if terms.shadows && spread {
                self.shadows.at(&seen, u(0)[0], sink);
            }
            if terms.indirect && spread {
                self.sphere.at(&seen, random, sample, [u(1), u(2)], sink);
                for lamp in &self.lamps {
                    lamp.at(&seen, u(3), self.options, sink);
                }
            }
            let Some(bounce) = link.bounce else { break };
            throughput = throughput * bounce.factor(&surfel);
        }
    }
}
