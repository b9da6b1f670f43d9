//! The keys of `[[term]]`.

use cotangent_problem::Loss;

use super::super::keys::{
    AMOUNTS, Amounts, DATA, File, INF, OPTIONAL_FILE, TEXT, TEXTS, choice, count, counts, key,
    keys, number, one_of, required,
};

choice! { Loss: "square" => Self::Square, "absolute" => Self::Absolute, "huber" => Self::Huber }

/// What an output that is to be small costs.
#[derive(Clone, Copy)]
pub(crate) struct Small(pub(super) Option<Loss>);

choice! { Small:
    "" => Self(None),
    "value" => Self(Some(Loss::Value)),
    "square" => Self(Some(Loss::Square)),
    "absolute" => Self(Some(Loss::Absolute)),
}

/// What an output that is to be large costs.
#[derive(Clone, Copy)]
pub(crate) struct Large(pub(super) Option<Loss>);

choice! { Large: "" => Self(None), "value" => Self(Some(Loss::Negative)) }

/// How entries are put together.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Reduce {
    Auto,
    Sum,
    Mean,
    Integral,
}

choice! { Reduce:
    "auto" => Self::Auto,
    "sum" => Self::Sum,
    "mean" => Self::Mean,
    "integral" => Self::Integral,
}

keys! {
    pub(super) KEYS;
    OUTPUT: str = required("output", TEXT,
        "an output, or a pattern of several with * within a segment");
    LABEL: str = key("label", TEXT, "\"\"", "its name in --set, histories, reports and goals");
    AT: Amounts = key("at", AMOUNTS, "[]", "times (coordinates) at which it counts; all");
    ENTRIES: [usize] = key("entries", counts(0, 1 << 40), "[]", "entries of a row that count; all");
    TARGET: Amounts = key("target", DATA, "0", "what it should be: numbers, or a CSV file");
    COLUMNS: [String] = key("columns", TEXTS, "[]",
        "columns of the file; those of the output's name, or all but the times");
    TIME_COLUMN: str = key("time_column", TEXT, "\"\"",
        "column of the times; \"time\" where there is one");
    UNIT: str = key("unit", TEXT, "\"\"", "unit of the file's numbers; the output's own");
    SCALE: Amounts = key("scale", AMOUNTS, "1",
        "size of a misfit that matters; of noise, its deviation");
    TOLERANCE: Amounts = key("tolerance", AMOUNTS, "0",
        "distance from the target that costs nothing");
    BEYOND: Amounts = key("beyond", AMOUNTS, "[]",
        "\"range\" or [least, greatest]: what is beyond costs");
    MARGIN: Amounts = key("margin", AMOUNTS, "0",
        "how far before the ends of `beyond` the cost starts");
    LOSS: Loss = key("loss", one_of(), "\"square\"", "what a misfit costs");
    MINIMISE: Small = key("minimise", one_of(), "\"\"", "make it small");
    MAXIMISE: Large = key("maximise", one_of(), "\"\"", "make it large");
    RELATIVE: Amounts = key("relative", AMOUNTS, "0",
        "divides each misfit by the size of its target and this more, so that dark parts weigh as bright ones");
    MASK: Option<File> = key("mask", OPTIONAL_FILE, "\"\"",
        "of an image: a picture, 1 where a pixel counts and 0 where not");
    BLOCK: usize = key("block", count(1, 8192), "1",
        "of an image: misfits are of means over so many by so many pixels; a pyramid is a term for each");
    REDUCE: Reduce = key("reduce", one_of(), "\"auto\"",
        "over entries; auto is the integral along a whole axis without target, else the sum");
    WEIGHT: f64 = key("weight", number("", 0.0, INF), "1.0", "its weight");
}
