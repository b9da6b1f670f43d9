//! The keys of `[[parameter]]`.

use cotangent_problem::Transform;

use super::super::keys::{
    AMOUNTS, Amounts, FLAG, TEXT, choice, counts, key, keys, number, one_of, required,
};

/// How an input is optimised; `None` is its own way.
type OwnTransform = Option<Transform>;

choice! { OwnTransform:
    "auto" => None,
    "identity" => Some(Transform::Identity),
    "log" => Some(Transform::Log),
    "logit" => Some(Transform::Logit),
}

keys! {
    pub(super) KEYS;
    NAME: str = required("name", TEXT, "an input, or a pattern of several with * within a segment");
    LABEL: str = key("label", TEXT, "\"\"", "its name in --set, reports and goals");
    START: Amounts = key("start", AMOUNTS, "0",
        "where it starts: in the input's unit, a name, an array (.npy) or a run's answer.json; the present value");
    SPREAD: f64 = key("spread", number("", 0.0, 1.0), "0.0",
        "how far the seed moves the start: a share of the range, or of twice the scale");
    LOWER: Amounts = key("lower", AMOUNTS, "0", "least value; the input's own bound");
    UPPER: Amounts = key("upper", AMOUNTS, "0", "greatest value; the input's own bound");
    SCALE: Amounts = key("scale", AMOUNTS, "0", "typical size of a change; the input's own");
    TRANSFORM: OwnTransform = key("transform", one_of(), "\"auto\"",
        "how it is optimised; auto is the input's own");
    HOLD: Amounts = key("hold", AMOUNTS, "0",
        "along its axis: one number for each interval this long");
    SHARED: bool = key("shared", FLAG, "false", "one value for everything that matches");
    ENTRIES: [usize] = key("entries", counts(0, 1 << 40), "[]", "entries that are free; all");
}
