//! Ranges and ticks of an axis.

use super::{number, power_of_ten};

/// An axis over the values of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    /// Its ends; their decadic logarithms on a logarithmic axis.
    low: f64,
    high: f64,
    logarithmic: bool,
}

/// A tick: where it stands as a share of the axis, and what it says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) share: f64,
    pub(super) label: String,
}

impl Axis {
    /// The axis that holds all values, which are finite (and positive on a logarithmic axis), with a margin at both ends.
    pub(super) fn fit(values: impl Iterator<Item = f64>, logarithmic: bool, margin: f64) -> Self {
        let scaled = values.map(|v| if logarithmic { v.log10() } else { v });
        let (low, high) =
            scaled.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        if low > high {
            return Self { low: 0.0, high: 1.0, logarithmic };
        }
        // one value, or several that only rounding tells apart, in the middle of something that can be read
        let least = if logarithmic { 0.1 } else { 1e-9 * high.abs().max(low.abs()) };
        let pad = if high - low > least {
            margin * (high - low)
        } else if logarithmic {
            0.5
        } else {
            0.5 * if high == 0.0 { 1.0 } else { high.abs().max(1e-300) }
        };
        Self { low: low - pad, high: high + pad, logarithmic }
    }

    /// Where a value stands, as a share of the axis.
    pub(super) fn share(&self, v: f64) -> f64 {
        let v = if self.logarithmic { v.log10() } else { v };
        (v - self.low) / (self.high - self.low)
    }

    /// About `count` ticks at round numbers.
    pub(super) fn ticks(&self, count: usize) -> Vec<Tick> {
        if self.logarithmic { self.log_ticks(count) } else { self.linear_ticks(count) }
    }

    /// Multiples of 1, 2 or 5 times a power of ten.
    fn linear_ticks(&self, count: usize) -> Vec<Tick> {
        let width = self.high - self.low;
        let raw = width / count.max(1) as f64;
        let power = 10f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|s| *s >= raw);
        let step = step.unwrap_or(10.0 * power);
        // an end that is a round number has its tick, whatever rounding did to it
        let (first, last) = ((self.low / step - 1e-6).ceil(), (self.high / step + 1e-6).floor());
        let mut ticks = Vec::new();
        let mut k = first;
        while k <= last && ticks.len() <= 4 * count {
            // 0 and not -0, nor what rounding leaves of it
            let v = if k == 0.0 { 0.0 } else { k * step };
            let share = ((v - self.low) / width).clamp(0.0, 1.0);
            ticks.push(Tick { share, label: label(v, step) });
            k += 1.0;
        }
        ticks
    }

    /// Powers of ten; where these are fewer than three, 2 and 5 times them as well.
    fn log_ticks(&self, count: usize) -> Vec<Tick> {
        let (first, last) = (self.low.floor(), self.high.ceil());
        let every = ((self.high - self.low) / count.max(1) as f64).ceil().max(1.0);
        let between = self.high - self.low < 2.5;
        if self.high - self.low < 0.5 {
            // less than half a decade: round numbers are found as on a linear axis
            let linear =
                Self { low: 10f64.powf(self.low), high: 10f64.powf(self.high), logarithmic: false };
            let ticks = linear.linear_ticks(count).into_iter();
            return ticks
                .map(|t| {
                    let v = linear.low + t.share * (linear.high - linear.low);
                    Tick { share: self.share(v), label: t.label }
                })
                .collect();
        }
        // one way of writing for the whole axis
        let plain = self.low >= -2.3 && self.high < 4.0;
        let mut ticks = Vec::new();
        let mut decade = (first / every).floor() * every;
        while decade <= last {
            for multiple in [1.0, 2.0, 5.0] {
                let at = decade + f64::log10(multiple);
                let wanted = multiple < 1.5 || between;
                if wanted && at >= self.low && at <= self.high {
                    let share = (at - self.low) / (self.high - self.low);
                    ticks.push(Tick { share, label: log_label(decade, multiple, plain) });
                }
            }
            decade += every;
        }
        ticks
    }
}

/// A multiple of `step`, with as many digits as tell it from its neighbours.
fn label(v: f64, step: f64) -> String {
    let largest = v.abs();
    if v == 0.0 || (1e-3..1e5).contains(&largest) || (step >= 1e-3 && largest < 1e5) {
        let places = (-step.log10().floor()).clamp(0.0, 12.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 12")]
        let places = places as usize;
        return format!("{v:.places$}");
    }
    number(v)
}

fn log_label(decade: f64, multiple: f64, plain: bool) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "an exponent of a double")]
    let exponent = decade as i32;
    if plain {
        number(multiple * 10f64.powi(exponent))
    } else if exponent == 0 {
        multiple.to_string()
    } else if multiple > 1.0 {
        format!("{multiple}×{}", power_of_ten(exponent))
    } else {
        power_of_ten(exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::Axis;

    fn labels(values: [f64; 2], logarithmic: bool) -> Vec<String> {
        let axis = Axis::fit(values.into_iter(), logarithmic, 0.0);
        axis.ticks(5).into_iter().map(|t| t.label).collect()
    }

    #[test]
    fn ticks_stand_at_round_numbers() {
        assert_eq!(labels([0.0, 1.0], false), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels([-1.0, 9.0], false), ["0", "2", "4", "6", "8"]);
        assert_eq!(labels([0.0, 24.0], false), ["0", "5", "10", "15", "20"]);
        assert_eq!(labels([1.5, 1.5003], false).len(), 4);
        assert_eq!(labels([0.0, 2e-6], false)[1], "5×10⁻⁷");
        assert_eq!(labels([1.0, 100.0], true), ["1", "2", "5", "10", "20", "50", "100"]);
        assert_eq!(labels([1e-9, 1.0], true), ["10⁻⁸", "10⁻⁶", "10⁻⁴", "10⁻²", "1"]);
        assert_eq!(labels([3.0, 4.0], true), ["3.0", "3.2", "3.4", "3.6", "3.8", "4.0"]);
    }

    #[test]
    fn ticks_stand_where_their_numbers_are() {
        for logarithmic in [false, true] {
            let axis = Axis::fit([0.5, 40.0].into_iter(), logarithmic, 0.05);
            for tick in axis.ticks(6) {
                let v: f64 = tick.label.parse().unwrap();
                assert!((axis.share(v) - tick.share).abs() < 1e-12, "{tick:?}");
                assert!((0.0..=1.0).contains(&tick.share));
            }
        }
    }

    #[test]
    fn one_value_and_none_have_an_axis_too() {
        for values in [vec![], vec![0.0], vec![-3.0], vec![1e300], vec![5e-324]] {
            let axis = Axis::fit(values.iter().copied(), false, 0.05);
            assert!(values.iter().all(|v| (0.0..=1.0).contains(&axis.share(*v))), "{values:?}");
        }
    }
}
