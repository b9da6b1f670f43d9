//! The 27 problems of nonlinear regression of NIST's Statistical Reference Datasets, with certified parameters.
//!
//! `problems.txt` holds starts, certified values and observations; the models are written here, as NIST's pages state them.

#![allow(clippy::unwrap_used, reason = "the file that is parsed is part of the source")]

use std::f64::consts::{PI, TAU};

use cotangent_ad::{Real, VectorFn};

/// A problem of the collection.
#[derive(Clone, Debug)]
pub(crate) struct Nist {
    /// NIST's name.
    pub name: String,
    /// Difficulty: 1 lower, 2 average, 3 higher.
    pub level: u32,
    /// Both starts.
    pub starts: [Vec<f64>; 2],
    /// Certified parameters.
    pub certified: Vec<f64>,
    /// Their certified standard deviations.
    pub errors: Vec<f64>,
    /// Certified sum of squares.
    pub squares: f64,
    /// Response and predictors of each observation.
    rows: Vec<Vec<f64>>,
}

/// All problems, in the order of their names.
pub(crate) fn problems() -> Vec<Nist> {
    let text = include_str!("problems.txt");
    let body: String =
        text.lines().filter(|l| !l.starts_with('#')).map(|l| format!("{l}\n")).collect();
    body.split("problem ").skip(1).map(parse).collect()
}

fn parse(text: &str) -> Nist {
    let number = |word: &str| word.parse::<f64>().expect("a number");
    let words: Vec<&str> = text.split_whitespace().collect();
    let at = |word: &str| words.iter().position(|w| *w == word).expect("a heading of each problem");
    let (squares, observations) = (at("squares"), at("observations"));
    let parameters: Vec<Vec<f64>> =
        words[3..squares].chunks(4).map(|row| row.iter().map(|w| number(w)).collect()).collect();
    let column = |k: usize| parameters.iter().map(|row| row[k]).collect::<Vec<f64>>();
    let width: usize = words[observations + 3].parse().expect("a width");
    let values: Vec<f64> = words[observations + 4..].iter().map(|w| number(w)).collect();
    let rows: Vec<Vec<f64>> = values.chunks(width).map(<[f64]>::to_vec).collect();
    assert_eq!(rows.len(), words[observations + 1].parse::<usize>().expect("a count"));
    Nist {
        name: words[0].into(),
        level: words[2].parse().expect("a level"),
        starts: [column(0), column(1)],
        certified: column(2),
        errors: column(3),
        squares: number(words[squares + 1]),
        rows,
    }
}

impl Nist {
    /// The parameters with the terms of a sum of exponentials in the certified order: their exchange changes nothing.
    pub(crate) fn ordered(&self, b: &[f64]) -> Vec<f64> {
        let mut b = b.to_vec();
        if self.name.starts_with("Lanczos") {
            let mut terms: Vec<[f64; 2]> = b.chunks(2).map(|t| [t[0], t[1]]).collect();
            terms.sort_by(|s, t| s[1].total_cmp(&t[1]));
            b = terms.concat();
        }
        if self.name == "MGH17" && b[3] > b[4] {
            b.swap(1, 2);
            b.swap(3, 4);
        }
        b
    }
}

impl VectorFn for Nist {
    /// Model less response.
    fn call<R: Real>(&self, b: &[R]) -> Vec<R> {
        let residual = |row: &Vec<f64>| match self.name.as_str() {
            "Nelson" => b[0] - b[1] * row[1] * (-b[2] * row[2]).exp() - row[0].ln(),
            name => model(name, b, row[1]) - row[0],
        };
        self.rows.iter().map(residual).collect()
    }
}

/// The model of one predictor.
fn model<R: Real>(name: &str, b: &[R], x: f64) -> R {
    let square = |x: R| x * x;
    match name {
        "Bennett5" => b[0] * (b[1] + x).powf(-b[2].recip()),
        "BoxBOD" | "Misra1a" => b[0] * (-(-b[1] * x).exp() + 1.0),
        "Misra1b" => b[0] * (-square((b[1] * (0.5 * x) + 1.0).recip()) + 1.0),
        "Misra1c" => b[0] * (-(b[1] * (2.0 * x) + 1.0).sqrt().recip() + 1.0),
        "Misra1d" => b[0] * b[1] * x / (b[1] * x + 1.0),
        "Chwirut1" | "Chwirut2" => (-b[0] * x).exp() / (b[1] + b[2] * x),
        "DanWood" => b[0] * (b[1] * x.ln()).exp(),
        "Eckerle4" => b[0] / b[1] * (square((-b[2] + x) / b[1]) * -0.5).exp(),
        "ENSO" => {
            let wave = |angle: R, c: R, s: R| c * angle.cos() + s * angle.sin();
            let free = |k: usize| wave(b[k].recip() * (TAU * x), b[k + 1], b[k + 2]);
            b[0] + wave(R::lit(TAU * x / 12.0), b[1], b[2]) + free(3) + free(6)
        }
        "Gauss1" | "Gauss2" | "Gauss3" => {
            let peak = |k: usize| b[k] * (-square((-b[k + 1] + x) / b[k + 2])).exp();
            b[0] * (-b[1] * x).exp() + peak(2) + peak(5)
        }
        "Hahn1" | "Thurber" => {
            (b[0] + (b[1] + (b[2] + b[3] * x) * x) * x) / ((b[4] + (b[5] + b[6] * x) * x) * x + 1.0)
        }
        "Kirby2" => (b[0] + (b[1] + b[2] * x) * x) / ((b[3] + b[4] * x) * x + 1.0),
        "Lanczos1" | "Lanczos2" | "Lanczos3" => {
            let decay = |k: usize| b[k] * (-b[k + 1] * x).exp();
            decay(0) + decay(2) + decay(4)
        }
        "MGH09" => b[0] * (b[1] + x) * x / ((b[2] + x) * x + b[3]),
        "MGH10" => b[0] * (b[1] / (b[2] + x)).exp(),
        "MGH17" => b[0] + b[1] * (-b[3] * x).exp() + b[2] * (-b[4] * x).exp(),
        "Rat42" => b[0] / ((b[1] - b[2] * x).exp() + 1.0),
        "Rat43" => b[0] / ((b[1] - b[2] * x).exp() + 1.0).powf(b[3].recip()),
        "Roszman1" => b[0] - b[1] * x - (b[2] / (-b[3] + x)).atan() / PI,
        other => unreachable!("no model {other}"),
    }
}
