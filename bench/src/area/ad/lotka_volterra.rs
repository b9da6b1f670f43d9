//! Twenty years of predators and prey beside diffrax: value and gradient of a fit, through a solution with chosen steps.
//!
//! `h' = b h - c h l, l' = g h l - d l`, and `1/2 sum (log y - log data)^2` over the data of hare and lynx, 1900 to 1920, with respect to
//! four rates and two starts; Tsit5 at a relative tolerance of 1e-6 on both sides. Both solvers choose their own steps, so the
//! numbers agree to the tolerance only.

use std::process::Command;
use std::sync::Arc;

use cotangent_ad::ode::Options;
use cotangent_equations::{Definition, Description, EquationsSimulation, Experiment, Model, State};
use cotangent_problem::{
    Asked, Choice, Free, Objective, Quantity, SampleKey, Simulation, Term, Want, Workspace,
};

use crate::clock;
use crate::peer::{self, PeerError, Peers};
use crate::report::{Item, Row};

const REPEATS: usize = 100;
const ROUNDS: usize = 5;
const WORK: &str = "Lotka-Volterra written as text, 21 data, value and gradient by 6 numbers";
const HARE: [f64; 21] = [
    30.0, 47.2, 70.2, 77.4, 36.3, 20.6, 18.1, 21.4, 22.0, 25.4, 27.1, 40.3, 57.0, 76.6, 52.3, 19.5,
    11.2, 7.6, 14.6, 16.2, 24.7,
];
const LYNX: [f64; 21] = [
    4.0, 6.1, 9.8, 35.2, 59.4, 41.7, 19.0, 13.0, 8.3, 9.1, 7.4, 8.0, 12.3, 19.5, 45.7, 51.1, 29.7,
    15.8, 9.7, 10.1, 8.6,
];
const AT: [f64; 6] = [0.55, 0.028, 0.84, 0.026, 30.0, 4.0];

/// The fit, as a user of the library states it.
fn fit() -> Asked {
    let parameter = |name: &str| Quantity::scalar(name, "", 1.0);
    let state = |name: &str| State { quantity: parameter(name), start: None };
    let logarithm = |name: &str| Definition {
        name: format!("log_{name}"),
        expression: format!("log({name})"),
        ..Definition::default()
    };
    let description = Description {
        parameters: ["birth", "hunting", "death", "growth"].map(parameter).into(),
        states: ["hare", "lynx"].map(state).into(),
        definitions: ["hare", "lynx"].map(logarithm).into(),
        equations: vec![
            ("hare".into(), "birth * hare - hunting * hare * lynx".into()),
            ("lynx".into(), "growth * hare * lynx - death * lynx".into()),
        ],
        ..Description::default()
    };
    let model = Model::new(&description).expect("the model is right");
    let times = (0..21).map(f64::from).collect();
    let options = Options { relative: 1e-6, absolute: 1e-8, ..Options::default() };
    let course = Experiment { times, ..Experiment::default() };
    let simulation = EquationsSimulation::new(model, vec![course], options).expect("it is right");
    let simulation: Arc<dyn Simulation> = Arc::new(simulation);
    let free = (0..6).map(|k| Free::whole(k, &simulation.inputs()[k])).collect();
    let choice = Choice::new(simulation.as_ref(), free).expect("six inputs");
    let logarithms = |data: &[f64]| data.iter().map(|v| v.ln()).collect::<Vec<f64>>();
    let terms = vec![
        Term::difference("hare", (0..21).collect(), logarithms(&HARE), 1.0),
        Term::difference("lynx", (21..42).collect(), logarithms(&LYNX), 1.0),
    ];
    Asked::new(simulation, choice, &[2, 3], terms, true).expect("what is asked is there")
}

pub(super) fn rows(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let fit = fit();
    let mut ws = Workspace::new();
    let mut gradient = || {
        let at = std::hint::black_box(AT);
        let found = fit.evaluate(&at, Want::GRADIENT, SampleKey(0), &mut ws).expect("a value");
        [vec![found.value], found.gradient.unwrap_or_default()].concat()
    };
    let mut best = clock::best(REPEATS, &mut gradient);
    let python = match peers.python("diffrax") {
        Ok(python) => python,
        Err(why) => return Ok(vec![Row::skipped(WORK, best, "diffrax", &why)]),
    };
    let mut diffrax = f64::INFINITY;
    for _ in 0..ROUNDS {
        let script = peer::script("lotka_volterra_diffrax.py");
        let found = peer::run(Command::new(python).arg(script).arg(REPEATS.to_string()))?;
        // the better of its two modes
        diffrax = diffrax.min(found["reverse"].cpu_s.min(found["forward"].cpu_s));
        best = best.min(clock::best(REPEATS, &mut gradient));
        for (ours, theirs) in gradient().iter().zip(&found["reverse"].values) {
            let far = (ours - theirs).abs() > 1e-4 * theirs.abs().max(1.0);
            assert!(!far, "{WORK}: {ours} differs from the peer's {theirs}");
        }
    }
    let peer = ("diffrax, jit, the better of its modes", diffrax);
    Ok(vec![Row::cpu_us(WORK, best, peer, Some(0.2))])
}
