//! The keys of a scenario, as a table: one source for parsing, checking, defaults, `schema` and documentation.

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A number in a unit, within bounds.
    Number {
        /// Unit of a bare number; empty for a pure number.
        unit: &'static str,
        /// Least value.
        min: f64,
        /// Greatest value.
        max: f64,
    },
    /// A list of numbers in a unit, within bounds.
    Numbers {
        /// Unit of bare numbers.
        unit: &'static str,
        /// Least value.
        min: f64,
        /// Greatest value.
        max: f64,
    },
    /// A whole number within bounds.
    Integer {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
    },
    /// A list of whole numbers within bounds.
    Integers {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
    },
    /// `true` or `false`.
    Flag,
    /// Any text.
    Text,
    /// A list of texts.
    Texts,
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// Path of a file that must exist, relative to the scenario; an empty text names none.
    File,
    /// As [`Kind::Quantity`], or the path of a file with the numbers, which must exist.
    Data,
    /// A number or a block of numbers in the unit of the simulation's quantity that it speaks of, which is known later; or a
    /// text that names a file or a rule.
    Quantity,
}

/// A list of tables, `[[name]]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct List {
    /// Its name.
    pub name: &'static str,
    /// Keys of each of its tables.
    pub keys: &'static [Key],
    /// Whether there must be one.
    pub required: bool,
    /// One line.
    pub doc: &'static str,
}

/// One key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key {
    /// Dotted path.
    pub path: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Default, as TOML; `None` where the key is required.
    pub default: Option<&'static str>,
    /// One line.
    pub doc: &'static str,
}

/// A key with a default.
pub(crate) const fn key(
    path: &'static str,
    kind: Kind,
    default: &'static str,
    doc: &'static str,
) -> Key {
    Key { path, kind, default: Some(default), doc }
}

/// A key that must be given.
pub(crate) const fn required(path: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key { path, kind, default: None, doc }
}

const INF: f64 = f64::INFINITY;
const POSITIVE: f64 = f64::MIN_POSITIVE;
const fn number(min: f64, max: f64) -> Kind {
    Kind::Number { unit: "", min, max }
}
const MOST: i64 = i64::MAX;

/// Keys of every scenario.
pub const COMMON: &[Key] = &[
    required("scenario.name", Kind::Text, "name of the run folder"),
    required("scenario.kind", Kind::Text, "what is simulated; `cotangent list` shows the kinds"),
    key("scenario.seed", Kind::Integer { min: 0, max: MOST }, "0", "perturbs the start"),
    key(
        "optimizer.method",
        Kind::Choice(&[
            "lbfgsb",
            "adam",
            "gauss-newton",
            "cma-es",
            "trust-region",
            "nelder-mead",
            "ddp",
        ]),
        "\"lbfgsb\"",
        "the optimizer",
    ),
    key(
        "optimizer.memory",
        Kind::Integer { min: 1, max: 1000 },
        "20",
        "lbfgsb: pairs that are remembered",
    ),
    key(
        "optimizer.learning_rate",
        number(POSITIVE, INF),
        "0.05",
        "adam: step in optimizer coordinates",
    ),
    key(
        "optimizer.schedule",
        Kind::Choice(&["constant", "cosine", "exponential"]),
        "\"constant\"",
        "adam: how the learning rate changes",
    ),
    key("optimizer.initial_damping", number(POSITIVE, INF), "1e-3", "gauss-newton: first damping"),
    key(
        "optimizer.sigma",
        number(POSITIVE, INF),
        "0.3",
        "cma-es: first standard deviation in optimizer coordinates",
    ),
    key(
        "optimizer.population",
        Kind::Integer { min: 0, max: 1_000_000 },
        "0",
        "cma-es: individuals; 0 for 4 + 3 ln n",
    ),
    key(
        "optimizer.radius",
        number(POSITIVE, INF),
        "0.1",
        "trust-region: first radius, relative to the size of the parameters",
    ),
    key(
        "optimizer.size",
        number(POSITIVE, INF),
        "0.1",
        "nelder-mead: first edges of the simplex, relative to the start",
    ),
    key(
        "optimizer.regularisation",
        number(0.0, INF),
        "1e-6",
        "ddp: first regularisation of the controls' curvatures, relative to the largest",
    ),
    key("stop.max_iterations", Kind::Integer { min: 1, max: MOST }, "500", "most iterations"),
    key(
        "stop.max_evaluations",
        Kind::Integer { min: 1, max: MOST },
        "100000",
        "most calls of the objective",
    ),
    key(
        "stop.gradient_tolerance",
        number(0.0, INF),
        "0.0",
        "converged at this projected gradient, optimizer coordinates; 0 leaves it to the other two",
    ),
    key(
        "stop.value_tolerance",
        number(0.0, INF),
        "1e-13",
        "converged when what is still to be gained is at most this share of the value",
    ),
    key(
        "stop.step_tolerance",
        number(0.0, INF),
        "1e-9",
        "converged when the step that is left is at most this share of every parameter",
    ),
];

/// Options that belong to one method only: `(key, method)`.
pub const METHOD_OPTIONS: &[(&str, &str)] = &[
    ("optimizer.memory", "lbfgsb"),
    ("optimizer.learning_rate", "adam"),
    ("optimizer.schedule", "adam"),
    ("optimizer.initial_damping", "gauss-newton"),
    ("optimizer.sigma", "cma-es"),
    ("optimizer.population", "cma-es"),
    ("optimizer.radius", "trust-region"),
    ("optimizer.size", "nelder-mead"),
    ("optimizer.regularisation", "ddp"),
];

impl Kind {
    /// What it holds, in words.
    pub fn describe(&self) -> String {
        let within = |min: f64, max: f64| match (min, max) {
            (f64::NEG_INFINITY, INF) => String::new(),
            (POSITIVE, INF) => ", positive".into(),
            (min, INF) => format!(", at least {min}"),
            (min, max) => format!(", from {min} to {max}"),
        };
        let whole = |min: i64, max: i64| {
            if max == MOST { format!(", at least {min}") } else { format!(", from {min} to {max}") }
        };
        let named =
            |unit: &str| if unit.is_empty() { String::new() } else { format!(" in {unit}") };
        match self {
            Self::Number { unit, min, max } => {
                format!("a number{}{}", named(unit), within(*min, *max))
            }
            Self::Numbers { unit, min, max } => {
                format!("a list of numbers{}{}", named(unit), within(*min, *max))
            }
            Self::Integer { min, max } => format!("a whole number{}", whole(*min, *max)),
            Self::Integers { min, max } => format!("a list of whole numbers{}", whole(*min, *max)),
            Self::Flag => "true or false".into(),
            Self::Text => "a text".into(),
            Self::Texts => "a list of texts".into(),
            Self::Choice(names) => format!(
                "one of {}",
                names.iter().map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(", ")
            ),
            Self::File => "the path of a file".into(),
            Self::Quantity => "a number or a list of numbers".into(),
            Self::Data => "a number, a list of numbers or the path of a file".into(),
        }
    }
}
