//! The interior derivative: each path is traced again and its own derivative handed on, so memory does not grow with samples.
//!
//! The film point and the light point's barycentric coordinates are held fixed: the shading point slides along its ray when the
//! face moves, `dx = w (n . sum b_i dv_i) / (n . w) + (1 - w n^T / (n . w)) (do + t dw)` for the ray `o + t w`, and the light
//! point moves with its face. What this leaves out, moving discontinuities, is in [`crate::edge`].

use std::f64::consts::FRAC_1_PI;

use super::direct::Path;
use crate::derivative::Sink;
use crate::geometry::{Rgb, V3, length};
use crate::scene::{Wanted, World};

/// Hands on the derivative of `scale` times the radiance of `path` to `pixel`.
pub(crate) fn replay(
    world: &World,
    wanted: &Wanted,
    path: &Path,
    pixel: usize,
    scale: f64,
    sink: &mut impl Sink,
) {
    let mesh = world.faces[path.hit.face as usize].mesh as usize;
    if !path.emitted.is_black() {
        sink.radiance(pixel, mesh, Rgb([scale; 3]));
    }
    let Some(c) = &path.connection else { return };
    let light_face = &world.faces[c.light.light.face as usize];
    let light = light_face.mesh as usize;
    let (albedo, emission) = (world.surfaces[mesh].albedo, world.surfaces[light].emission);
    let form = Rgb([scale * FRAC_1_PI * c.form; 3]);
    sink.albedo(pixel, mesh, emission * form);
    sink.radiance(pixel, light, albedo * form);
    if !(wanted.moving[mesh] || wanted.moving[light] || wanted.camera) {
        return;
    }
    let rgb = albedo * emission * (scale * FRAC_1_PI);
    // form = -(n.d) (m.d) k / r^4
    let (n, m, d) = (path.n, light_face.normal, c.d);
    let r2 = d.norm_squared();
    let k = 1.0 / (2.0 * c.light.light.probability * r2 * r2);
    let (nd, md) = (n.dot(d), m.dot(d));
    let d_bar = (n * md + m * nd) * -k + d * (4.0 * nd * md * k / r2);
    if wanted.moving[light] {
        let b = c.light.barycentric;
        let by_normal = normal_pullback(world.corners(c.light.light.face), d * (-nd * k));
        for i in 0..3 {
            sink.vertex(pixel, rgb, light_face.corners[i], d_bar * b[i] + by_normal[i]);
        }
    }
    if wanted.moving[mesh] {
        let normal = world.faces[path.hit.face as usize].normal;
        let n_bar = d * (-md * k);
        let side = if normal.dot(n) > 0.0 { 1.0 } else { -1.0 };
        let cross_bar = (n_bar - n * n.dot(n_bar)) * (side / length(normal));
        let by_normal = normal_pullback(world.corners(path.hit.face), cross_bar);
        for i in 0..3 {
            sink.vertex(pixel, rgb, world.faces[path.hit.face as usize].corners[i], by_normal[i]);
        }
    }
    point_pullback(world, wanted, path, -d_bar, pixel, rgb, sink);
}

/// Corner cotangents of a face for the cotangent of `(b - a) x (c - a)`.
fn normal_pullback([a, b, c]: [V3; 3], bar: V3) -> [V3; 3] {
    let (by_b, by_c) = ((c - a).cross(bar), bar.cross(b - a));
    [-(by_b + by_c), by_b, by_c]
}

/// Hands on the cotangent of the shading point to its face and to the camera.
pub(crate) fn point_pullback(
    world: &World,
    wanted: &Wanted,
    path: &Path,
    x_bar: V3,
    pixel: usize,
    rgb: Rgb,
    sink: &mut impl Sink,
) {
    let face = &world.faces[path.hit.face as usize];
    let along = path.n * (path.direction.dot(x_bar) / path.n.dot(path.direction));
    if wanted.moving[face.mesh as usize] {
        let b = path.hit.barycentric();
        for i in 0..3 {
            sink.vertex(pixel, rgb, face.corners[i], along * b[i]);
        }
    }
    if wanted.camera {
        let ray_bar = x_bar - along;
        sink.camera(pixel, rgb, ray_bar, (path.direction * path.hit.t).cross(ray_bar));
    }
}

#[cfg(test)]
mod tests {
    use cotangent_ad::{Dual, Real, Vec3};

    use super::replay;
    use crate::derivative::Sink;
    use crate::geometry::{Rgb, V3};
    use crate::integrator::Path;
    use crate::reference::oblique;
    use crate::scene::{Wanted, World};

    /// Everything that is handed on, as it is.
    #[derive(Default)]
    struct Recorder {
        vertices: Vec<(u32, V3)>,
        camera: Option<(V3, V3)>,
        albedo: Vec<(usize, Rgb)>,
        radiance: Vec<(usize, Rgb)>,
    }

    impl Sink for Recorder {
        fn vertex(&mut self, _: usize, rgb: Rgb, vertex: u32, bar: V3) {
            self.vertices.push((vertex, bar * rgb.0[0]));
        }
        fn camera(&mut self, _: usize, rgb: Rgb, position: V3, rotation: V3) {
            self.camera = Some((position * rgb.0[0], rotation * rgb.0[0]));
        }
        fn albedo(&mut self, _: usize, mesh: usize, rgb: Rgb) {
            self.albedo.push((mesh, rgb));
        }
        fn radiance(&mut self, _: usize, mesh: usize, rgb: Rgb) {
            self.radiance.push((mesh, rgb));
        }
    }

    /// One path's radiance in the red channel, written once more over any scalar, from the definition: the ray meets the
    /// plane of its face, the light point has fixed barycentric coordinates.
    fn red<R: Real>(
        face: [Vec3<R>; 3],
        light: [Vec3<R>; 3],
        [o, w]: [Vec3<R>; 2],
        barycentric: [f64; 3],
        probability: f64,
        albedo: R,
        emission: R,
    ) -> R {
        let normal = (face[1] - face[0]).cross(face[2] - face[0]);
        let t = normal.dot(face[0] - o) / normal.dot(w);
        let x = o + w * t;
        let [a, b, c] = [0, 1, 2].map(|i| light[i] * R::lit(barycentric[i]));
        let d = a + b + c - x;
        let m = (light[1] - light[0]).cross(light[2] - light[0]);
        let area = m.norm_squared().sqrt() * 0.5;
        let r = d.norm_squared().sqrt();
        let cos = (normal.normalized().dot(d) / r).abs();
        let cos_light = (m.normalized().dot(d) / r).abs();
        let form = cos * cos_light * area / (r * r * probability);
        albedo * emission * form / std::f64::consts::PI
    }

    #[test]
    fn each_path_has_the_derivative_that_duals_give() {
        let world = World::new(&oblique());
        let wanted = Wanted { moving: vec![true; world.surfaces.len()], camera: true };
        let mut checked = 0;
        for k in 0..64_u32 {
            let u = [f64::from(k % 8) / 8.0 + 0.03, f64::from(k / 8) / 8.0 + 0.05];
            let film = [u[1] * 32.0, u[0] * 24.0];
            let Some(path) = Path::trace(&world, film, u) else { continue };
            let Some(c) = &path.connection else { continue };
            let mut found = Recorder::default();
            replay(&world, &wanted, &path, 0, 1.0, &mut found);
            compare(&world, &path, c.light.light.face, c.light.barycentric, &found);
            checked += 1;
        }
        assert!(checked > 30, "{checked} paths reach the light");
    }

    fn compare(world: &World, path: &Path, light: u32, barycentric: [f64; 3], found: &Recorder) {
        type D = Dual<f64, 26>;
        let mut lane = 0;
        let mut seed = |v: f64| {
            lane += 1;
            D::seed(v, lane - 1)
        };
        let mut seeded = |v: V3| Vec3(v.0.map(&mut seed));
        let face = world.corners(path.hit.face).map(&mut seeded);
        let light_corners = world.corners(light).map(&mut seeded);
        let o = seeded(world.camera.position);
        // lanes 21..24: the direction turns, dw = omega x w
        let w = path.direction;
        let mut direction = Vec3(w.0.map(D::konst));
        for k in 0..3 {
            let turned = V3::unit(k).cross(w);
            for c in 0..3 {
                direction.0[c].eps[21 + k] = turned[c];
            }
        }
        let albedo = D::seed(world.surface(path.hit.face).albedo.0[0], 24);
        let emission = D::seed(world.surface(light).emission.0[0], 25);
        let p = path.connection.unwrap().light.light.probability;
        let y = red(face, light_corners, [o, direction], barycentric, p, albedo, emission);
        let value = path.radiance(world).0[0] - path.emitted.0[0];
        assert!((y.re - value).abs() < 1e-12 * value);
        let scale = y.eps.iter().fold(0.0_f64, |s, e| s.max(e.abs()));
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-11 * scale, "{a} {b}");
        for (corners, first) in [
            (world.faces[path.hit.face as usize].corners, 0),
            (world.faces[light as usize].corners, 9),
        ] {
            for i in 0..3 {
                let of_corner = found.vertices.iter().filter(|v| v.0 == corners[i]);
                let sum = of_corner.fold(V3::zero(), |s, v| s + v.1);
                for k in 0..3 {
                    close(sum[k], y.eps[first + 3 * i + k]);
                }
            }
        }
        let (position, rotation) = found.camera.unwrap();
        for k in 0..3 {
            close(position[k], y.eps[18 + k]);
            close(rotation[k], y.eps[21 + k]);
        }
        close(found.albedo[0].1.0[0], y.eps[24]);
        close(found.radiance.last().unwrap().1.0[0], y.eps[25]);
    }
}
