//! What every scenario says: its name, kind and seed, the optimizer, and when that stops.

use cotangent_optim::adam::Schedule;

use crate::keys::{
    AnyKey, INF, MOST, POSITIVE, TEXT, choice, count, key, keys, number, one_of, required,
};

/// The optimizers, by their names in a file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Optimizer {
    Lbfgsb,
    Adam,
    GaussNewton,
    CmaEs,
    TrustRegion,
    NelderMead,
    Ddp,
}

choice! { Optimizer:
    "lbfgsb" => Self::Lbfgsb,
    "adam" => Self::Adam,
    "gauss-newton" => Self::GaussNewton,
    "cma-es" => Self::CmaEs,
    "trust-region" => Self::TrustRegion,
    "nelder-mead" => Self::NelderMead,
    "ddp" => Self::Ddp,
}

choice! { Schedule:
    "constant" => Self::Constant,
    "cosine" => Self::Cosine,
    "exponential" => Self::Exponential,
}

keys! {
    /// Keys of every scenario.
    pub COMMON;
    NAME: str = required("scenario.name", TEXT, "name of the run folder");
    KIND: str = required("scenario.kind", TEXT,
        "what is simulated; `cotangent list` shows the kinds");
    SEED: usize = key("scenario.seed", count(0, MOST), "0", "perturbs the start");
    METHOD: Optimizer = key("optimizer.method", one_of(), "\"lbfgsb\"", "the optimizer");
    MEMORY: usize = key("optimizer.memory", count(1, 1000), "20",
        "lbfgsb: pairs that are remembered");
    LEARNING_RATE: f64 = key("optimizer.learning_rate", number("", POSITIVE, INF), "0.05",
        "adam: step in optimizer coordinates");
    SCHEDULE: Schedule = key("optimizer.schedule", one_of(), "\"constant\"",
        "adam: how the learning rate changes");
    CLIP: f64 = key("optimizer.clip", number("", 0.0, INF), "0.0",
        "adam: longer gradients, in optimizer coordinates, are shortened to this length; 0 is none");
    INITIAL_DAMPING: f64 = key("optimizer.initial_damping", number("", POSITIVE, INF), "1e-3",
        "gauss-newton: first damping");
    SIGMA: f64 = key("optimizer.sigma", number("", POSITIVE, INF), "0.3",
        "cma-es: first standard deviation in optimizer coordinates");
    POPULATION: usize = key("optimizer.population", count(0, 1_000_000), "0",
        "cma-es: individuals; 0 for 4 + 3 ln n");
    RADIUS: f64 = key("optimizer.radius", number("", POSITIVE, INF), "0.1",
        "trust-region: first radius, relative to the size of the parameters");
    SIZE: f64 = key("optimizer.size", number("", POSITIVE, INF), "0.1",
        "nelder-mead: first edges of the simplex, relative to the start");
    REGULARISATION: f64 = key("optimizer.regularisation", number("", 0.0, INF), "1e-6",
        "ddp: first regularisation of the controls' curvatures, relative to the largest");
    MAX_ITERATIONS: usize = key("stop.max_iterations", count(1, MOST), "500", "most iterations");
    MAX_EVALUATIONS: usize = key("stop.max_evaluations", count(1, MOST), "100000",
        "most calls of the objective");
    GRADIENT_TOLERANCE: f64 = key("stop.gradient_tolerance", number("", 0.0, INF), "0.0",
        "converged at this projected gradient, optimizer coordinates; 0 leaves it to the other two");
    VALUE_TOLERANCE: f64 = key("stop.value_tolerance", number("", 0.0, INF), "1e-13",
        "converged when what is still to be gained is at most this share of the value");
    STEP_TOLERANCE: f64 = key("stop.step_tolerance", number("", 0.0, INF), "1e-9",
        "converged when the step that is left is at most this share of every parameter");
    RESTARTS: usize = key("restarts.most", count(0, 1000), "0",
        "most further searches, each from the start of another seed");
    RESTARTS_UNTIL: f64 = key("restarts.until", number("", -INF, INF), "0.0",
        "no further search begins once the answer has this score or less, or this objective where its kind has no score");
}

/// Options that belong to one method only, with the method's name.
pub(crate) const METHOD_OPTIONS: &[(AnyKey, &str)] = &[
    (MEMORY.any, "lbfgsb"),
    (LEARNING_RATE.any, "adam"),
    (SCHEDULE.any, "adam"),
    (CLIP.any, "adam"),
    (INITIAL_DAMPING.any, "gauss-newton"),
    (SIGMA.any, "cma-es"),
    (POPULATION.any, "cma-es"),
    (RADIUS.any, "trust-region"),
    (SIZE.any, "nelder-mead"),
    (REGULARISATION.any, "ddp"),
];
