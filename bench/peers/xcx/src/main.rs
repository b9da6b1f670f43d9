//! Energies and potentials of xcx at many points: prints `name cpu_seconds e v...` for each functional.
//!
//! Points, names and the order of values are those of `functionals_libxc.py`.

use cpu_time::ProcessTime;
use xcx::{Functional, FunctionalId, Spin, XcInput, XcResult};

/// The point whose values are printed.
const PRINTED: usize = 7;

/// Densities, `|grad n|^2` and kinetic energies.
struct Points {
    n: Vec<f64>,
    sigma: Vec<f64>,
    tau: Vec<f64>,
}

fn points(count: u32) -> Points {
    let mut points = Points { n: Vec::new(), sigma: Vec::new(), tau: Vec::new() };
    for k in 1..=count {
        let fraction = |rate: f64| (rate * f64::from(k)).fract();
        let n = 10_f64.powf(7.0 * fraction(0.6180339887498949) - 6.0);
        let slope = n.powf(4.0 / 3.0) * 6.0 * fraction(0.7548776662466927);
        let uniform = 2.871234000188191 * n.powf(5.0 / 3.0);
        points.n.push(n);
        points.sigma.push(slope * slope);
        points.tau.push(slope * slope / (8.0 * n) + uniform * 3.0 * fraction(0.5698402909980532));
    }
    points
}

/// Every entry times each factor, point by point.
fn split(entries: &[f64], factors: &[f64]) -> Vec<f64> {
    entries.iter().flat_map(|x| factors.iter().map(move |f| f * x)).collect()
}

fn functional(name: &str, spin: Spin) -> Functional {
    use FunctionalId::{GgaCPbe, GgaXPbe, HybGgaXcB3lyp, LdaCVwn, LdaX, MggaCR2scan, MggaXR2scan};
    let parts = match name {
        "lda" => vec![LdaX, LdaCVwn],
        "pbe" => vec![GgaXPbe, GgaCPbe],
        "b3lyp" => return Functional::new(HybGgaXcB3lyp, spin).expect("a functional of xcx"),
        _ => vec![MggaXR2scan, MggaCR2scan],
    };
    let part = |id| (1.0, Functional::new(id, spin).expect("a functional of xcx"));
    Functional::mix(parts.into_iter().map(part).collect()).expect("parts of one spin")
}

fn main() {
    let count: u32 = std::env::args().nth(1).expect("POINTS").parse().expect("a number");
    let points = points(count);
    for (kind, spin) in [("closed", Spin::Unpolarized), ("open", Spin::Polarized)] {
        let [density, slopes] = match kind {
            "closed" => [vec![1.0], vec![1.0]],
            _ => [vec![0.6, 0.4], vec![0.36, 0.24, 0.16]],
        };
        let (n, sigma) = (split(&points.n, &density), split(&points.sigma, &slopes));
        let tau = split(&points.tau, &density);
        for name in ["lda", "pbe", "b3lyp", "r2scan"] {
            let functional = functional(name, spin);
            let input = match name {
                "lda" => XcInput::lda(&n),
                "pbe" | "b3lyp" => XcInput::gga(&n, &sigma),
                _ => XcInput::gga(&n, &sigma).with_tau(&tau),
            };
            let evaluate = || functional.eval(points.n.len(), &input).expect("a value");
            let (mut seconds, mut values) = (f64::INFINITY, XcResult::default());
            for _ in 0..3 {
                let start = ProcessTime::now();
                values = evaluate();
                seconds = seconds.min(start.elapsed().as_secs_f64());
            }
            print!("{name}-{kind} {seconds} {}", values.exc[PRINTED] * points.n[PRINTED]);
            for v in [&values.vrho, &values.vsigma, &values.vtau] {
                let width = v.len() / points.n.len();
                v[PRINTED * width..][..width].iter().for_each(|v| print!(" {v}"));
            }
            println!();
        }
    }
}
