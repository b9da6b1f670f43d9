//! The slider of a slider-crank: a point moves along an axis at the end of a rod whose other end is a crank.
//!
//! With the crank's end `y` as seen from a frame on the slider's axis, which is its `z`, and the rod's length `r`, the slider is at
//!
//! ```text
//! l = y_z - sqrt(r^2 - y_x^2 - y_y^2)
//! ```
//!
//! and its derivative is `(y_x, y_y, d)/d`, `d` being the root. Where the crank is further from the axis than the rod is long, MuJoCo 3.17
//! (`mj_transmission`) has `l = y_z`, and so do we. From within, the derivative grows without bound as the rod comes to stand across the axis; at that place
//! itself it is that from outside, `(0, 0, 1)`.

use cotangent_ad::{Real, Vec3};

/// The slider's place along its axis, and its derivative by the crank's end.
pub(crate) fn slide<T: Real>(rod: f64, y: Vec3<T>) -> (T, Vec3<T>) {
    let [across, aside, along] = y.0;
    let square = T::lit(rod * rod) - across * across - aside * aside;
    if square > 0.0 {
        let reach = square.sqrt();
        (along - reach, Vec3([across / reach, aside / reach, T::lit(1.0)]))
    } else {
        (along, Vec3::unit(2))
    }
}
