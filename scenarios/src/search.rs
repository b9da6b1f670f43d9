//! The search that a file asks for: the optimizer, when it stops, and from where else it begins.

use cotangent_harness::{Restarts, Start};
use cotangent_optim::{
    AdamOptions, CmaEsOptions, DdpOptions, GaussNewtonOptions, LbfgsbOptions, Method,
    NelderMeadOptions, Stop, TrustRegionOptions,
};
use cotangent_problem::SampleKey;

use crate::common::{
    CLIP, GRADIENT_TOLERANCE, INITIAL_DAMPING, LEARNING_RATE, MAX_EVALUATIONS, MAX_ITERATIONS,
    MEMORY, METHOD, Optimizer, POPULATION, RADIUS, REGULARISATION, RESTARTS, RESTARTS_UNTIL,
    SCHEDULE, SEED, SIGMA, SIZE, STEP_TOLERANCE, VALUE_TOLERANCE,
};
use crate::document::Settings;

/// The optimizer that a file chooses, with its options.
pub(crate) fn method(s: &Settings) -> Method {
    match s.get(METHOD) {
        Optimizer::Lbfgsb => Method::Lbfgsb(LbfgsbOptions { memory: s.get(MEMORY) }),
        Optimizer::Adam => Method::Adam(AdamOptions {
            learning_rate: s.get(LEARNING_RATE),
            schedule: s.get(SCHEDULE),
            clip: s.get(CLIP),
            ..AdamOptions::default()
        }),
        Optimizer::GaussNewton => {
            Method::GaussNewton(GaussNewtonOptions { initial_damping: s.get(INITIAL_DAMPING) })
        }
        Optimizer::CmaEs => Method::CmaEs(CmaEsOptions {
            sigma: s.get(SIGMA),
            population: s.get(POPULATION),
            ..CmaEsOptions::default()
        }),
        Optimizer::TrustRegion => Method::TrustRegion(TrustRegionOptions {
            radius: s.get(RADIUS),
            ..TrustRegionOptions::default()
        }),
        Optimizer::NelderMead => Method::NelderMead(NelderMeadOptions {
            size: s.get(SIZE),
            ..NelderMeadOptions::default()
        }),
        Optimizer::Ddp => Method::Ddp(DdpOptions { regularisation: s.get(REGULARISATION) }),
    }
}

/// Further searches, whose seeds are a stream that the scenario's seed names and whose starts are `start`'s.
pub(crate) fn restarts(s: &Settings, start: impl Fn(u64) -> Vec<f64>) -> Restarts {
    let key = SampleKey(s.get(SEED) as u64);
    let begin = |k: usize| {
        let seed = key.child("restart", k as u64).0;
        Start { seed, x: start(seed) }
    };
    Restarts { until: s.get(RESTARTS_UNTIL), starts: (1..=s.get(RESTARTS)).map(begin).collect() }
}

/// When the optimizer stops.
pub(crate) fn stop(s: &Settings) -> Stop {
    Stop {
        max_iterations: s.get(MAX_ITERATIONS),
        max_evaluations: s.get(MAX_EVALUATIONS) as u64,
        gradient_tolerance: s.get(GRADIENT_TOLERANCE),
        value_tolerance: s.get(VALUE_TOLERANCE),
        step_tolerance: s.get(STEP_TOLERANCE),
        target_value: None,
    }
}
