use cotangent_ad::random::Stream;
use pulp::Arch;

use super::{Bundle, Coherence, Segment};
use crate::accel::Bvh;
use crate::geometry::V3;

fn point(stream: &Stream, k: u64) -> V3 {
    V3::from([0, 1, 2].map(|c| 2.0 * stream.uniform(3 * k + c) - 1.0))
}

/// Small triangles; every third lies in a plane of the axes, where boxes have no thickness.
fn soup(n: u64, size: f64) -> Vec<[V3; 3]> {
    let stream = Stream::new(&[17, n]);
    let triangle = |k: u64| {
        let centre = point(&stream, 4 * k);
        let mut corners = [1, 2, 3].map(|c| centre + point(&stream, 4 * k + c) * size);
        if k.is_multiple_of(3) {
            corners.iter_mut().for_each(|c| c[(k % 9 / 3) as usize] = 0.25);
        }
        corners
    };
    (0..n).map(triangle).collect()
}

/// Bundles of rays that differ by `spread`: some run along slabs, some within the planes of triangles, some skip what they
/// would meet, and no two bundles are as large.
fn bundles(bvh: &Bvh, spread: f64) -> Vec<Vec<Segment>> {
    let stream = Stream::new(&[23]);
    let bundle = |b: u64| {
        let (from, to) = (point(&stream, 2 * b) * 1.5, point(&stream, 2 * b + 1));
        let ray = |k: u64| {
            let off = |part: u64| point(&stream, 100_000 + 1000 * b + 2 * k + part) * spread;
            let (mut origin, mut direction) = (from + off(0), to - from + off(1));
            let axis = (k % 3) as usize;
            match k % 7 {
                0 => direction[axis] = 0.0,
                1 => (origin[axis], direction[axis]) = (0.25, -0.0),
                _ => {}
            }
            let met = bvh.closest(origin, direction, f64::INFINITY).map_or(0, |h| h.face);
            let skip = if k.is_multiple_of(4) { met } else { u32::MAX };
            Segment::ray(origin, direction, skip)
        };
        (0..=b * 3).map(ray).collect()
    };
    (0..40).map(bundle).collect()
}

#[test]
fn rays_side_by_side_find_what_they_find_alone() {
    let (mut hits, mut hidden, mut met) = (Vec::new(), Vec::new(), 0);
    let mut bundle = Bundle::default();
    for (n, size) in [(6, 1.0), (500, 0.2), (3000, 0.1)] {
        let bvh = Bvh::new(&soup(n, size));
        for (spread, part) in [(0.0, 1.2), (0.01, 0.9), (0.3, 1.0), (2.0, 1.0)] {
            for segments in bundles(&bvh, spread) {
                bundle.closest(&bvh, &segments, Coherence::Close, &mut hits);
                let alone: Vec<_> = segments.iter().map(|s| bvh.first_on(s)).collect();
                assert_eq!(hits, alone, "{n} triangles, spread {spread}");
                // up to beyond, before and exactly at what is met
                let far = |h: &Option<crate::accel::Hit>| h.map_or(1.0, |h| h.t * part);
                let near = 1e-9;
                let beyond = |h: &Option<crate::accel::Hit>| h.map_or(u32::MAX, |h| h.face);
                let shorter: Vec<_> = segments
                    .iter()
                    .zip(&hits)
                    .enumerate()
                    .map(|(k, (s, h))| {
                        let other = if k % 5 == 2 { beyond(h) } else { u32::MAX };
                        Segment { near, far: far(h), skip: [s.skip[0], other], ..*s }
                    })
                    .collect();
                bundle.occluded(&bvh, &shorter, &mut hidden);
                let alone: Vec<_> = shorter.iter().map(|s| bvh.occluded_on(s)).collect();
                assert_eq!(hidden, alone, "{n} triangles, spread {spread}");
                met += hidden.iter().filter(|h| **h).count();
            }
        }
    }
    assert!(met > 2000, "{met} segments are cut");
}

#[test]
fn what_is_found_does_not_depend_on_the_instruction_set() {
    let mut bundle = Bundle::default();
    let mut met = 0;
    for (n, size) in [(6, 1.0), (500, 0.2)] {
        let bvh = Bvh::new(&soup(n, size));
        for spread in [0.0, 0.01, 0.3, 2.0] {
            for segments in bundles(&bvh, spread) {
                let [widest, none] = [Arch::new(), Arch::Scalar].map(|arch| {
                    let mut hits = vec![None; segments.len()];
                    bundle.lanes().trace::<false>(arch, &bvh, &segments, |number, hit| {
                        hits[number] = Some((hit.face, hit.t.to_bits(), hit.uv.map(f64::to_bits)));
                    });
                    hits
                });
                met += widest.iter().flatten().count();
                assert_eq!(widest, none, "{n} triangles, spread {spread}");
            }
        }
    }
    assert!(met > 2000, "{met} hits");
}

#[test]
fn no_ray_of_a_bundle_leaks_through_an_edge_or_a_vertex_of_a_closed_mesh() {
    let mesh = crate::reference::icosphere([0.3, -0.2, 0.7], 1.3, 3);
    let stream = Stream::new(&[29]);
    let (mut bundle, mut hits) = (Bundle::default(), Vec::new());
    // far from the origin a single number of single precision is coarse beside the boxes
    for away in [0.0, 20_000.0] {
        let offset = V3::from([away, -away, 0.5 * away]);
        let corner = |v: u32| mesh.vertices()[v as usize] + offset;
        let corners: Vec<[V3; 3]> = mesh.faces().iter().map(|f| f.map(corner)).collect();
        let bvh = Bvh::new(&corners);
        for (b, rays) in corners.chunks(64).cycle().take(400).enumerate() {
            let from = V3::from([0.3, -0.2, 0.7]) + point(&stream, b as u64) * 0.6 + offset;
            let to = |(k, [a, b, _]): (usize, &[V3; 3])| {
                let part = if k % 3 == 0 { 0.0 } else { stream.uniform(1_000_000 + k as u64) };
                Segment::ray(from, *a + (*b - *a) * part - from, u32::MAX)
            };
            let segments: Vec<Segment> = rays.iter().enumerate().map(to).collect();
            bundle.closest(&bvh, &segments, Coherence::Close, &mut hits);
            assert!(hits.iter().all(Option::is_some));
        }
    }
}
