//! The pinhole camera.
//!
//! `f` points to the target, `r` to the right, `u` up. The point `(x, y)` of the film, in pixels from the top left corner of a
//! film of `W x H`, sees along `f + (2x/W - 1) t r + (H - 2y)/W t u` with `t = tan(fov/2)`: the field of view is the full
//! horizontal angle.

use serde::{Deserialize, Serialize};

use crate::geometry::{V3, length, unit};

/// Where the camera stands and looks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CameraView {
    /// The pinhole.
    pub position: [f64; 3],
    /// A point in the middle of the image.
    pub target: [f64; 3],
    /// Up in the image.
    pub up: [f64; 3],
    /// Full horizontal angle, degrees.
    pub fov_deg: f64,
}

/// A camera: a frame, a field of view and a film.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    pub(crate) position: V3,
    pub(crate) forward: V3,
    pub(crate) right: V3,
    pub(crate) up: V3,
    /// Scene units on the plane at distance 1, per pixel.
    pub(crate) pixel: f64,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

/// A point on the film: `(column, row)` in pixels.
pub(crate) type FilmPoint = [f64; 2];

impl Camera {
    /// The camera of a view; `None` where target, up and position do not span a frame, the angle is not in
    /// `(0, 180)` degrees, or the film has no pixel.
    pub fn new(view: &CameraView, width: usize, height: usize) -> Option<Self> {
        let position = V3::from(view.position);
        let to = V3::from(view.target) - position;
        let side = to.cross(V3::from(view.up));
        let spans = length(side) > 1e-9 * length(to) * length(V3::from(view.up));
        let open = view.fov_deg > 0.0 && view.fov_deg < 180.0;
        if !(spans && open && width > 0 && height > 0 && length(to).is_finite()) {
            return None;
        }
        let (forward, right) = (unit(to), unit(side));
        let pixel = 2.0 * (0.5 * view.fov_deg.to_radians()).tan() / width as f64;
        Some(Self { position, forward, right, up: right.cross(forward), pixel, width, height })
    }

    /// Coordinates of `film` on the plane at distance 1.
    #[inline]
    fn on_plane(&self, film: FilmPoint) -> [f64; 2] {
        let (w, h) = (self.width as f64, self.height as f64);
        [(film[0] - 0.5 * w) * self.pixel, (0.5 * h - film[1]) * self.pixel]
    }

    /// Direction seen at `film`, not normalised: its component along the view is 1.
    #[inline]
    pub(crate) fn direction(&self, film: FilmPoint) -> V3 {
        let [x, y] = self.on_plane(film);
        self.forward + self.right * x + self.up * y
    }

    /// Distance of `q` from the camera along the view.
    #[inline]
    pub(crate) fn depth(&self, q: V3) -> f64 {
        (q - self.position).dot(self.forward)
    }

    /// The film point that sees `q`, which must have a positive depth.
    #[inline]
    pub(crate) fn project(&self, q: V3) -> FilmPoint {
        let c = q - self.position;
        let scale = 1.0 / (c.dot(self.forward) * self.pixel);
        [
            0.5 * self.width as f64 + c.dot(self.right) * scale,
            0.5 * self.height as f64 - c.dot(self.up) * scale,
        ]
    }

    /// `J^T n`: the cotangent of `q` for the cotangent `n` of its projection.
    #[inline]
    pub(crate) fn project_pullback(&self, q: V3, n: FilmPoint) -> V3 {
        let c = q - self.position;
        let (x, y, z) = (c.dot(self.right), c.dot(self.up), c.dot(self.forward));
        let scale = 1.0 / (z * self.pixel);
        let along = (n[0] * x - n[1] * y) / z;
        (self.right * n[0] - self.up * n[1] - self.forward * along) * scale
    }
}

#[cfg(test)]
mod tests {
    use super::{Camera, CameraView};
    use crate::geometry::V3;

    fn camera() -> Camera {
        let view = CameraView {
            position: [1.0, 2.0, 4.0],
            target: [0.3, 0.1, 0.0],
            up: [0.1, 1.0, 0.0],
            fov_deg: 50.0,
        };
        Camera::new(&view, 64, 48).unwrap()
    }

    #[test]
    fn projection_inverts_the_ray_and_its_pullback_is_the_derivative() {
        let camera = camera();
        let film = [13.3, 40.1];
        let q = camera.position + camera.direction(film) * 3.7;
        let back = camera.project(q);
        assert!((back[0] - film[0]).abs() < 1e-12 && (back[1] - film[1]).abs() < 1e-12);
        for n in [[1.0, 0.0], [0.0, 1.0]] {
            let pulled = camera.project_pullback(q, n);
            for k in 0..3 {
                let moved = |h: f64| {
                    let p = camera.project(q + V3::unit(k) * h);
                    n[0] * p[0] + n[1] * p[1]
                };
                let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                assert!((pulled[k] - difference).abs() < 1e-7, "{} {difference}", pulled[k]);
            }
        }
    }

    #[test]
    fn a_view_without_a_frame_is_refused() {
        let view = CameraView {
            position: [0.0; 3],
            target: [0.0, 1.0, 0.0],
            up: [0.0, 2.0, 0.0],
            fov_deg: 50.0,
        };
        assert!(Camera::new(&view, 4, 4).is_none());
        assert!(Camera::new(&CameraView { up: [1.0, 0.0, 0.0], ..view }, 4, 4).is_some());
        assert!(Camera::new(&CameraView { fov_deg: 180.0, ..view }, 4, 4).is_none());
    }
}
