//! The objectives of ADBench (Srajer, Kukelova & Fitzgibbon, Optim. Methods Softw. 33, 889 (2018)), with the corrections of
//! GradBench: each is defined once, generic over `Real`, and differentiated by the library. A hand-written adjoint stands
//! beside each as the limit.
//!
//! Inputs of the original shapes are generated; where the original files are at hand (`../shared/data/adbench`), they
//! are used, and compared with golden numbers of GradBench's hand-written C++.

pub(crate) mod ba;
pub(crate) mod gmm;
pub(crate) mod hand;
pub(crate) mod lstm;

use std::fs;
use std::path::{Path, PathBuf};

/// Path of one of the original files, where it is at hand.
pub(crate) fn original(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/adbench").join(name);
    path.is_file().then_some(path)
}

/// All numbers of a file, in order.
pub(crate) fn numbers(path: &Path) -> Option<Vec<f64>> {
    let text = fs::read_to_string(path).ok()?;
    text.split_whitespace().map(|word| word.parse().ok()).collect()
}

/// The sizes that a file starts with.
pub(crate) fn sizes(numbers: &[f64]) -> [usize; 3] {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "small whole numbers, written as such"
    )]
    [numbers[0], numbers[1], numbers[2]].map(|v| v as usize)
}

/// The largest difference, relative to the largest entry of the reference.
pub(crate) fn difference(found: &[f64], reference: &[f64]) -> f64 {
    assert_eq!(found.len(), reference.len(), "the same numbers are compared");
    let size = reference.iter().fold(0.0_f64, |s, r| s.max(r.abs()));
    found.iter().zip(reference).fold(0.0_f64, |d, (f, r)| d.max((f - r).abs())) / size
}

/// Euclidean norm.
pub(crate) fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}
