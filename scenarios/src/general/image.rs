//! Images as pictures for people: target, start, result and their difference side by side.

use cotangent_answer::{Figure, Panel};
use cotangent_problem::Quantity;

/// Width, height and numbers a pixel of an output that is an image: `rows x columns x 3`, or of a camera `rows x columns`.
pub fn film(quantity: &Quantity) -> Option<([usize; 2], usize)> {
    match quantity.shape[..] {
        [height, width, 3] => Some(([width, height], 3)),
        [height, width] if quantity.name.starts_with("camera.") => Some(([width, height], 1)),
        _ => None,
    }
}

/// Target, start, result and result less target, of `width x height` pixels of linear radiance or of one number each; `None` where a
/// panel cannot be made.
pub(super) fn panels(
    name: &str,
    label: &str,
    [width, height]: [usize; 2],
    [target, start, answer]: [&[f64]; 3],
) -> Option<Figure> {
    // one number a pixel is shown as grey
    let colours = if target.len() == width * height { 1 } else { 3 };
    let at = |p: &[f64], c: usize| p[c % colours];
    let white = target.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let size = [u32::try_from(width).ok()?, u32::try_from(height).ok()?];
    let panel = |label: &str, image: &[f64]| {
        let pixels: Vec<[u8; 3]> = image
            .chunks_exact(colours)
            .map(|p| [0, 1, 2].map(|c| level(srgb(at(p, c) / white))))
            .collect();
        Panel::new(label, size, &pixels).ok()
    };
    let difference: Vec<f64> = answer.iter().zip(target).map(|(a, t)| a - t).collect();
    let most = difference.iter().fold(f64::MIN_POSITIVE, |m, d| m.max(d.abs()));
    // grey is no difference
    let pixels: Vec<[u8; 3]> = difference
        .chunks_exact(colours)
        .map(|p| [0, 1, 2].map(|c| level(0.5 + 0.5 * at(p, c) / most)))
        .collect();
    let difference =
        Panel::new(&format!("result - target, at most {most:.2e}"), size, &pixels).ok()?;
    let panels = vec![
        panel("target", target)?,
        panel("start", start)?,
        panel("result", answer)?,
        difference,
    ];
    Some(Figure { panels, ..Figure::lines(name, label, ["", ""], Vec::new()) })
}

/// A share of white as sRGB encodes it (IEC 61966-2-1).
fn srgb(linear: f64) -> f64 {
    if linear <= 0.003_130_8 { 12.92 * linear } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
fn level(share: f64) -> u8 {
    (255.0 * share.clamp(0.0, 1.0)).round() as u8
}
