//! Trains a functional on H2 at two separations and prints its errors beside the LDA's.
//!
//! `cargo run --release -p cotangent-dft --example train_h2 -- SEED FILTERS FEATURES EVALUATIONS`
#![expect(clippy::print_stdout, reason = "an example talks")]

use std::error::Error;

use cotangent_dft::one_d::{
    Architecture, ExactOptions, Lda, Model, Molecule, Prepared, ScfOptions, System, Training,
    TrainingOptions, self_consistent_field, two_electrons,
};
use cotangent_optim::{Method, Problem, Run, StepResult, Stop};
use cotangent_problem::SampleKey;
use cotangent_problem::{Parameter, Space};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<usize> =
        std::env::args().skip(1).map(|a| a.parse()).collect::<Result<_, _>>()?;
    let argument = |k: usize, default| arguments.get(k).copied().unwrap_or(default);
    let (seed, filters, features, evaluations) =
        (argument(0, 0), argument(1, 16), argument(2, 15), argument(3, 200));
    let model = Model::default();
    let molecule = |separation: f64| -> Result<Molecule, Box<dyn Error>> {
        let system = System::chain(2, 1.0, separation)?.on_grid(&model.grid);
        let exact = two_electrons(&model, &system, &ExactOptions::default())?;
        Ok(Molecule::new(&model, &system, exact)?)
    };
    let architecture = Architecture {
        global_features: features,
        hidden: vec![filters; 2],
        ..Architecture::paper()
    };
    let x0 = architecture.initial_parameters(seed as u64);
    let train = vec![molecule(1.28)?, molecule(3.84)?];
    let training = Training::new(model, architecture, train, TrainingOptions::paper());
    let space = Space::new(vec![Parameter::vector("theta", x0.len())])?;
    let problem = Problem { objective: &training, space: &space };
    let stop = Stop { max_evaluations: evaluations as u64, ..Stop::default() };
    let validation: Vec<Molecule> =
        [2.0, 3.04].into_iter().map(molecule).collect::<Result<_, _>>()?;
    let error = |x: &[f64], m: &Molecule| -> Result<f64, Box<dyn Error>> {
        Ok(training.apply(x, m.prepared())?.energy_ha() - m.reference().energy_ha)
    };
    let method = Method::named("lbfgsb").ok_or("no such method")?;
    let mut run = Run::start(&problem, method, stop, &x0, SampleKey(0))?;
    let (mut chosen, mut least) = (x0.clone(), f64::INFINITY);
    while let StepResult::Continue(it) = run.step(&problem) {
        let mut score: f64 = 0.0;
        for m in &validation {
            score = score.max(error(&it.x, m)?.abs());
        }
        if score < least {
            (chosen, least) = (it.x.clone(), score);
        }
        if it.index % 10 == 0 {
            println!(
                "{:4} {:4} loss {:.3e} |g| {:.1e} validation {:.2} mHa",
                it.index,
                it.evaluations,
                it.value,
                it.gradient_norm.unwrap_or(0.0),
                1e3 * score
            );
        }
    }
    println!("best validation {:.2} mHa", 1e3 * least);
    for separation in [0.4, 0.72, 1.04, 1.52, 2.32, 2.64, 3.28, 3.6, 4.24, 4.88, 5.52, 6.0] {
        let system = System::chain(2, 1.0, separation)?.on_grid(&model.grid);
        let m = molecule(separation)?;
        let lda = self_consistent_field(
            &model,
            &Prepared::new(&model, &system)?,
            &Lda::default(),
            &ScfOptions::converged(),
        )?;
        let (trained, lda) =
            (1e3 * error(&chosen, &m)?, 1e3 * (lda.energy_ha() - m.reference().energy_ha));
        println!("R {separation:.2}: trained {trained:8.2} mHa   LDA {lda:8.2} mHa");
    }
    Ok(())
}
