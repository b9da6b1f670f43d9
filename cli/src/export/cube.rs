//! Gaussian's cube files: two lines of text, the lattice, the nuclei, and the numbers with `z` fastest, in atomic units.
//!
//! The layout is that of the program `cubegen` of Gaussian: counts in five columns, numbers with six decimals, values as `6E13.5`, a new line
//! after the last of each row along `z`.

use std::fmt::Write as _;

use cotangent_answer::{Volume, VolumeField};

/// Values in a line.
const IN_A_LINE: usize = 6;

/// Each field as a file of its own, `NAME.cube`.
pub(super) fn files(volume: &Volume) -> Vec<(String, Vec<u8>)> {
    let of_field =
        |field: &VolumeField| (format!("{}.cube", field.name), text(volume, field).into_bytes());
    volume.fields.iter().map(of_field).collect()
}

fn text(volume: &Volume, field: &VolumeField) -> String {
    let mut text =
        format!("{}, {}\nby cotangent; lengths in {}\n", field.about, field.unit, volume.unit);
    let head = |count: usize, [x, y, z]: [f64; 3]| format!("{count:5}{x:12.6}{y:12.6}{z:12.6}\n");
    text.push_str(&head(volume.nuclei.len(), volume.origin));
    for axis in 0..3 {
        let mut step = [0.0; 3];
        step[axis] = volume.spacing;
        text.push_str(&head(volume.counts[axis], step));
    }
    for (number, charge, [x, y, z]) in &volume.nuclei {
        let _ = writeln!(text, "{number:5}{charge:12.6}{x:12.6}{y:12.6}{z:12.6}");
    }
    for row in field.values.chunks(volume.counts[2].max(1)) {
        for line in row.chunks(IN_A_LINE) {
            line.iter().for_each(|value| text.push_str(&scientific(*value)));
            text.push('\n');
        }
    }
    text
}

/// A number as Fortran's `E13.5` has it, but with one digit before the point: `  1.23450E-03`.
fn scientific(value: f64) -> String {
    let plain = format!("{value:.5e}");
    let (digits, exponent) = plain.split_once('e').unwrap_or((&plain, "0"));
    let (sign, size) = exponent.strip_prefix('-').map_or(('+', exponent), |size| ('-', size));
    format!("{:>13}", format!("{digits}E{sign}{size:0>2}"))
}

#[cfg(test)]
mod tests {
    use super::scientific;

    #[test]
    fn numbers_stand_in_columns_of_thirteen() {
        for (value, text) in [
            (0.0, "  0.00000E+00"),
            (-0.001_234_5, " -1.23450E-03"),
            (123_456.7, "  1.23457E+05"),
            (-2e-123, "-2.00000E-123"),
        ] {
            assert_eq!(scientific(value), text);
        }
    }
}
