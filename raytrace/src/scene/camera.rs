//! A camera among the parts of a scene.

use cotangent_ad::{Quat, Vec3};

use super::SceneError;
use crate::geometry::{Rgb, V3};
use crate::sensor::{Camera, CameraView};

/// A camera in the scene: a view that is moved, a film, a lens and what becomes of its light.
#[derive(Clone, Debug, PartialEq)]
pub struct SceneCamera {
    /// Name, the middle part of `camera.NAME.translation`.
    pub name: String,
    view: CameraView,
    /// It sees along parallel rays.
    orthographic: bool,
    /// Columns and rows, pixels.
    pub(super) film: [usize; 2],
    /// Moves the pinhole; the frame keeps its directions.
    pub translation: [f64; 3],
    /// Turns the frame about the pinhole: rotation vector in world axes, radians.
    pub rotation: [f64; 3],
    /// Focal length, pixels; of an orthographic camera pixels for a scene unit.
    pub focal: f64,
    /// The point of the film that sees along the view: column and row, pixels.
    pub principal_point: [f64; 2],
    /// Coefficients `k_1`, `k_2` of the radial distortion; see [`CameraView`]'s module for the formula.
    pub distortion: [f64; 2],
    /// Factor of every channel of the image, positive.
    pub exposure: f64,
    /// Factor of each channel of the image.
    pub white_balance: Rgb,
}

impl SceneCamera {
    /// A camera with this view and a film of `[width, height]` pixels, the principal point in its middle, without distortion,
    /// whose image is the radiance itself.
    ///
    /// # Errors
    /// [`SceneError::Camera`] where it does not see.
    pub fn new(name: &str, view: &CameraView, film: [usize; 2]) -> Result<Self, SceneError> {
        let focal = view.focal(film[0]).filter(|_| film[0] > 0 && film[1] > 0);
        let (Some(focal), Some(_)) = (focal, view.frame()) else {
            return Err(SceneError::Camera(name.into()));
        };
        Ok(Self {
            name: name.into(),
            view: *view,
            orthographic: false,
            film,
            translation: [0.0; 3],
            rotation: [0.0; 3],
            focal,
            principal_point: film.map(|n| 0.5 * n as f64),
            distortion: [0.0; 2],
            exposure: 1.0,
            white_balance: Rgb::WHITE,
        })
    }

    /// An orthographic camera with the position, target and up of this view: its film's columns span `extent` scene units. It sees all
    /// along its parallel rays, also what lies behind its position.
    ///
    /// # Errors
    /// [`SceneError::Camera`] where it does not see.
    pub fn orthographic(
        name: &str,
        view: &CameraView,
        film: [usize; 2],
        extent: f64,
    ) -> Result<Self, SceneError> {
        let spans = extent > 0.0 && extent.is_finite();
        let view = CameraView { fov_deg: 90.0, ..*view };
        let camera = Self::new(name, &view, film)?;
        if !spans {
            return Err(SceneError::Camera(name.into()));
        }
        Ok(Self { orthographic: true, focal: film[0] as f64 / extent, ..camera })
    }

    /// Where it stands and looks before it is moved.
    pub fn view(&self) -> &CameraView {
        &self.view
    }

    /// The camera at its parameters.
    pub(super) fn placed(&self) -> Result<Camera, SceneError> {
        let lost = || SceneError::Camera(self.name.clone());
        let turn = Quat::exp(Vec3(self.rotation)).to_mat();
        let camera = Camera {
            position: V3::from(self.view.position) + V3::from(self.translation),
            frame: self.view.frame().ok_or_else(lost)?.map(|v| turn * v),
            focal: self.focal,
            centre: self.principal_point,
            distortion: self.distortion,
            gain: self.white_balance * self.exposure,
            parallel: self.orthographic.then_some(0.0),
            width: self.film[0],
            height: self.film[1],
        };
        if camera.folds() { Err(lost()) } else { Ok(camera) }
    }
}
