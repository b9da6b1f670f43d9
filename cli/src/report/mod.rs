//! A run as its owner shows it around: `plots/*.svg`, and one HTML page that needs no network.

mod comparison;
mod page;
mod sweep;
mod view;

use std::path::Path;

use cotangent_harness::history;

pub use comparison::{Compared, Comparison};
pub use sweep::{Picture, Survey};

use crate::export;
use crate::plot::{Figure, draw};
use crate::run::{HarnessError, Record};

/// Draws `plots/*.svg` and writes `report.html` into the run folder.
///
/// # Errors
/// A file that cannot be written.
pub fn write(record: &Record, folder: &Path) -> Result<(), HarnessError> {
    let mut files = plots(&record.figures);
    // a report without a view is one: what it would show may have no value, or its files may be gone
    let looks = export::looks(folder, record).unwrap_or_default();
    let (_, iterations) = history::read(folder)?;
    files.push(("report.html".into(), page::page(record, &iterations, &looks).into_bytes()));
    Record::add_files(folder, &files)
}

/// The pictures of a run as files of its folder.
pub fn plots(figures: &[Figure]) -> Vec<(String, Vec<u8>)> {
    let file = |f: &Figure| (format!("plots/{}.svg", f.name), draw(f).into_bytes());
    figures.iter().map(file).collect()
}
