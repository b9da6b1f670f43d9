//! Writes the OBJ file of a block letter F, tapered to its back so that no two of its sides look alike.
//!
//! `cargo run -p cotangent-raytrace --example letter_f > letter-f.obj`

use std::io::{self, Write};

/// Outline, counter-clockwise.
const OUTLINE: [[f64; 2]; 10] = [
    [0.0, 0.0],
    [1.0, 0.0],
    [1.0, 2.0],
    [2.2, 2.0],
    [2.2, 3.0],
    [1.0, 3.0],
    [1.0, 4.0],
    [3.0, 4.0],
    [3.0, 5.0],
    [0.0, 5.0],
];
/// The outline's inside in triangles of its own corners.
const INSIDE: [[usize; 3]; 8] =
    [[0, 1, 2], [0, 2, 5], [0, 5, 6], [0, 6, 9], [9, 6, 7], [9, 7, 8], [2, 3, 4], [2, 4, 5]];

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "# A block letter F of height 1, tapered to its back: made by `letter_f`")?;
    writeln!(out, "o letter_f")?;
    for (z, shrink) in [(0.17, 1.0), (-0.17, 0.7)] {
        for [x, y] in OUTLINE {
            let (x, y) = ((x - 1.2) * shrink / 5.0, (y - 2.7) * shrink / 5.0);
            writeln!(out, "v {x:.6} {y:.6} {z:.6}")?;
        }
    }
    for [a, b, c] in INSIDE {
        writeln!(out, "f {} {} {}", a + 1, b + 1, c + 1)?;
    }
    for [a, b, c] in INSIDE {
        writeln!(out, "f {} {} {}", c + 11, b + 11, a + 11)?;
    }
    for k in 0..10 {
        let next = (k + 1) % 10;
        writeln!(out, "f {} {} {} {}", k + 1, k + 11, next + 11, next + 1)?;
    }
    Ok(())
}
