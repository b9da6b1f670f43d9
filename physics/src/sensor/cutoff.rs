//! What a sensor reads at most: `max(-c, min(x, c))`. Beyond it the derivative is 0; at the edge it is that from within.

use cotangent_ad::Real;

use crate::model::Sensor;

/// Whether a number is within the cutoff.
fn passes(sensor: &Sensor, x: f64) -> bool {
    sensor.cutoff.is_none_or(|c| x.abs() <= c)
}

/// The numbers of a sensor within its cutoff.
pub(crate) fn clamp<T: Real>(sensor: &Sensor, numbers: &mut [T]) {
    let Some(cutoff) = sensor.cutoff else { return };
    for x in numbers {
        // a number that is none stays so
        if x.concrete() > cutoff {
            *x = T::lit(cutoff);
        } else if x.concrete() < -cutoff {
            *x = T::lit(-cutoff);
        }
    }
}

/// Takes from the cotangents of a sensor's numbers those that are beyond the cutoff.
pub(crate) fn mask(sensor: &Sensor, numbers: &[f64], bars: &mut [f64]) {
    for (bar, x) in bars.iter_mut().zip(numbers) {
        if !passes(sensor, *x) {
            *bar = 0.0;
        }
    }
}
