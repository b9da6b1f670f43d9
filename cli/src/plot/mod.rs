//! Pictures: figures in, SVG out. No font is needed beyond the viewer's own, and no network.

mod curve;
mod heat;
mod panels;
mod svg;
mod theme;

pub use cotangent_answer::{Figure, Mark, Panel, Series, encode_png};
pub use heat::HeatMap;
pub use svg::{Scales, draw, draw_on};

/// Ratio of the largest number to the least from which an axis of positive numbers is better logarithmic.
pub(crate) const WIDE: f64 = 30.0;

/// Text within SVG and HTML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A number for people: six significant digits, powers of ten as such.
///
/// ```
/// use cotangent_cli::plot::number;
/// assert_eq!(number(0.25), "0.25");
/// assert_eq!(number(-1234.5678), "-1234.57");
/// assert_eq!(number(3.0e-7), "3×10⁻⁷");
/// ```
pub fn number(v: f64) -> String {
    if v == 0.0 {
        return "0".into();
    }
    if !v.is_finite() {
        return v.to_string();
    }
    // rounding first, so that 999999.9 is a million
    let scientific = format!("{v:.5e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        let places = usize::try_from(5 - exponent).unwrap_or(0);
        return trimmed(&format!("{v:.places$}"));
    }
    format!("{}×{}", trimmed(digits), power_of_ten(exponent))
}

pub(super) fn trimmed(digits: &str) -> String {
    if digits.contains('.') {
        digits.trim_end_matches('0').trim_end_matches('.').into()
    } else {
        digits.into()
    }
}

/// `10⁻³`.
pub(super) fn power_of_ten(exponent: i32) -> String {
    let raised = |c: char| match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => char::from_u32(0x2070 + digit.to_digit(10).unwrap_or(0)).unwrap_or(digit),
    };
    format!("10{}", exponent.to_string().chars().map(raised).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::{number, power_of_ten};

    #[test]
    fn numbers_are_written_as_people_write_them() {
        for (v, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (0.1 + 0.2, "0.3"),
            (999_999.9, "1×10⁶"),
            (123_456.0, "123456"),
            (1e-4, "0.0001"),
            (-2.5e-5, "-2.5×10⁻⁵"),
            (6.02214076e23, "6.02214×10²³"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(number(v), text);
        }
        assert_eq!(power_of_ten(-14), "10⁻¹⁴");
    }
}
