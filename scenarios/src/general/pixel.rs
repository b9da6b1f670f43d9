//! What a term may say of the pixels of an image: which count, how bright parts weigh, and over how many a misfit is a mean.

use std::path::Path;

use cotangent_problem::{Loss, Misfit, Quantity, Term};
use cotangent_raytrace::read_picture;

use super::super::document::Settings;
use super::super::keys::AnyKey;
use super::image::film;
use super::term_keys::{BLOCK, LOSS, MASK, RELATIVE, TARGET, TOLERANCE};
use crate::diagnostic::{CONTRADICTION, Diagnostic};

fn refuse<T>(s: &Settings, key: AnyKey, message: &str, help: &str) -> Result<T, Diagnostic> {
    Err(s.problem(CONTRADICTION, key, message.to_owned(), help))
}

/// The term of an image with what `mask`, `relative` and `block` say of it.
///
/// # Errors
/// One of these keys where it makes no sense, a mask that cannot be read or has another size.
pub(super) fn refined(
    mut term: Term,
    quantity: &Quantity,
    s: &Settings,
) -> Result<Term, Diagnostic> {
    if let Some(floor) = s.quantity(RELATIVE, &quantity.unit)?.filter(|_| s.is_given(RELATIVE)) {
        weigh_by_target(&mut term, floor, s)?;
    }
    let pixelwise = [MASK.any, BLOCK.any].into_iter().find(|key| s.is_given(*key));
    let Some(key) = pixelwise else { return Ok(term) };
    let Some((size, channels)) = film(quantity).filter(|_| term.entries.len() == quantity.len())
    else {
        let help = "it is of pixels: leave it out, or ask it of a whole image of a camera";
        return refuse(s, key, &format!("`{}` has no effect here", key.path), help);
    };
    if let Some(file) = s.get(MASK) {
        let mask = mask(s, Path::new(file), size)?;
        let first = term.entries[0];
        let group = term.group;
        for (g, weight) in term.weights.iter_mut().enumerate() {
            *weight *= mask[(term.entries[g * group] - first) / channels];
        }
    }
    match s.get(BLOCK) {
        0 | 1 => Ok(term),
        side => blocks(term, side, size, channels, s),
    }
}

/// Divides each misfit by the size of its target and `floor` more: the parts of an image that are dark weigh as much as the bright ones.
fn weigh_by_target(term: &mut Term, floor: f64, s: &Settings) -> Result<(), Diagnostic> {
    if !s.is_given(TARGET) {
        return refuse(s, RELATIVE.any, "`relative` has no effect here", "it needs a target");
    }
    if floor <= 0.0 || !floor.is_finite() {
        let help = "make it positive: a target of 0 would weigh without bound";
        return refuse(s, RELATIVE.any, &format!("`relative` = {floor} is out of range"), help);
    }
    let power = match s.get(LOSS) {
        Loss::Square => 2,
        Loss::Absolute => 1,
        _ => {
            let help = "take loss = \"square\" or \"absolute\"";
            return refuse(s, RELATIVE.any, "Huber's loss has a scale of its own", help);
        }
    };
    for (weight, target) in term.weights.iter_mut().zip(term.target.chunks(term.group)) {
        let size = target.iter().map(|t| t * t).sum::<f64>().sqrt();
        *weight /= (size + floor).powi(power);
    }
    Ok(())
}

/// How much each pixel counts: the red channel of a picture.
fn mask(s: &Settings, path: &Path, [width, height]: [usize; 2]) -> Result<Vec<f64>, Diagnostic> {
    let refuse = |message: String, help: &str| {
        Err(s.problem("cotangent::scenario::picture", MASK, message, help))
    };
    let image = match read_picture(path) {
        Ok(picture) => picture.image,
        Err(e) => return refuse(e.to_string(), "it must be an OpenEXR or PNG file"),
    };
    if [image.width, image.height] != [width, height] {
        let message = format!(
            "the mask has {} x {} pixels, the image {width} x {height}",
            image.width, image.height
        );
        return refuse(message, "give it the size of the image");
    }
    let mask: Vec<f64> = image.pixels.iter().map(|p| p.0[0]).collect();
    if let Some(bad) = mask.iter().find(|m| !(0.0..=1.0).contains(*m)) {
        return refuse(
            format!("the mask is {bad} at a pixel"),
            "it must lie between 0, which does not count, and 1",
        );
    }
    if mask.iter().all(|m| *m == 0.0) {
        return refuse("the mask hides all of the image".into(), "leave something of it");
    }
    Ok(mask)
}

/// The same term over means of `side x side` pixels, channel by channel: one level of a pyramid.
fn blocks(
    term: Term,
    side: usize,
    [width, height]: [usize; 2],
    channels: usize,
    s: &Settings,
) -> Result<Term, Diagnostic> {
    if !s.is_given(TARGET) || s.is_given(TOLERANCE) {
        let help = "it needs a target, and no tolerance";
        return refuse(s, BLOCK.any, "`block` has no effect here", help);
    }
    if let Some(key) = [MASK.any, RELATIVE.any].into_iter().find(|key| s.is_given(*key)) {
        let message = format!("`block` and `{}` exclude each other", key.path);
        return refuse(s, key, &message, "pixels count alike within a block: leave one out");
    }
    if width % side != 0 || height % side != 0 {
        let message = format!("{width} x {height} pixels are no whole blocks of {side} x {side}");
        return refuse(s, BLOCK.any, &message, "take a divisor of the image's width and height");
    }
    let pixels = |row: usize, column: usize| {
        let within = move |k: usize| (row * side + k / side) * width + column * side + k % side;
        (0..side * side).map(within)
    };
    let mut order = Vec::with_capacity(term.entries.len());
    for row in 0..height / side {
        for column in 0..width / side {
            for channel in 0..channels {
                order.extend(pixels(row, column).map(|p| p * channels + channel));
            }
        }
    }
    let group = side * side;
    Ok(Term {
        entries: order.iter().map(|k| term.entries[*k]).collect(),
        target: order.iter().map(|k| term.target[*k]).collect(),
        weights: vec![1.0; order.len() / group],
        group,
        // a difference of a group is that of the sums; a misfit is one of means
        misfit: Misfit::Difference,
        scale: term.scale * group as f64,
        ..term
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use cotangent_problem::Term;

    use crate::load;

    /// The first term of a scenario of this folder with these changes, or what is wrong with it.
    fn term(scenario: &str, changes: &[&str]) -> Result<Term, String> {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(scenario);
        let changes: Vec<String> = changes.iter().map(|c| (*c).to_owned()).collect();
        match load(&path, &changes) {
            Ok(loaded) => Ok(loaded.scenario.asked().expect("a general kind").terms()[0].clone()),
            Err(problems) => Err(format!("{problems:?}")),
        }
    }

    /// Some image of the size of the target, off by what depends on the place.
    fn image(plain: &Term) -> Vec<f64> {
        let off = |k: usize| 0.1 * (0.7 * k as f64).sin();
        plain.target.iter().enumerate().map(|(k, t)| t + off(k)).collect()
    }

    #[test]
    fn a_block_is_judged_by_its_mean() {
        let plain = term("camera-pose.toml", &[]).unwrap();
        let level = term("camera-pose.toml", &["term.0.block=4"]).unwrap();
        assert_eq!((plain.groups(), level.groups()), (64 * 48 * 3, 16 * 12 * 3));
        let y = image(&plain);
        let mut expected = 0.0;
        for (row, column, channel) in (0..12 * 16 * 3).map(|k| (k / 48, k / 3 % 16, k % 3)) {
            let place = |k: usize| ((4 * row + k / 4) * 64 + 4 * column + k % 4) * 3 + channel;
            let mean = (0..16).map(|k| y[place(k)] - plain.target[place(k)]).sum::<f64>() / 16.0;
            expected += 0.5 * mean * mean;
        }
        assert!((level.value(&y) - expected).abs() < 1e-12 * expected);
        let mut slopes = vec![0.0; y.len()];
        level.pull(&y, &mut slopes);
        for k in [0, 1000, 9215] {
            let (mut above, mut below) = (y.clone(), y.clone());
            (above[k], below[k]) = (y[k] + 1e-4, y[k] - 1e-4);
            let difference = (level.value(&above) - level.value(&below)) / 2e-4;
            assert!((slopes[k] - difference).abs() < 1e-9, "{k}: {} {difference}", slopes[k]);
        }
    }

    #[test]
    fn masks_and_sizes_of_targets_weigh_pixels() {
        let plain = term("shape-from-silhouettes.toml", &[]).unwrap();
        let masked = ["term.0.mask=silhouette-side.exr"];
        let masked = term("shape-from-silhouettes.toml", &masked).unwrap();
        let side = term("shape-from-silhouettes.toml", &["term.0.target=silhouette-side.exr"]);
        assert_eq!(masked.weights, side.unwrap().target);
        assert!(masked.weights.contains(&0.0) && masked.weights.contains(&1.0));
        let relative = term("shape-from-silhouettes.toml", &["term.0.relative=0.25"]).unwrap();
        for (weight, target) in relative.weights.iter().zip(&plain.target) {
            assert!((weight - (target.abs() + 0.25).powi(-2)).abs() < 1e-12);
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_key() {
        let camera = "camera-pose.toml";
        for (scenario, changes, said) in [
            (camera, vec!["term.0.block=5"], "no whole blocks"),
            ("texture-and-roughness.toml", vec!["term.0.mask=tiles-front.exr"], "at a pixel"),
            (camera, vec!["term.0.mask=silhouette-front.exr"], "40 x 40 pixels"),
            (camera, vec!["term.0.relative=0.0"], "out of range"),
            (camera, vec!["term.0.block=4", "term.0.relative=0.1"], "exclude each other"),
            (camera, vec!["term.0.loss=huber", "term.0.relative=0.1"], "Huber"),
            ("water.toml", vec!["term.0.block=2"], "no effect"),
        ] {
            let found = term(scenario, &changes).unwrap_err();
            assert!(found.contains(said), "{changes:?}: {found}");
        }
    }
}
