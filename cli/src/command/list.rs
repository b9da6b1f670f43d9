//! `list`: what there is.

use std::fmt::Write as _;
use std::path::Path;

use cotangent_optim::METHODS;
use cotangent_problem::Quantity;
use serde_json::json;

use super::{Failure, Voice};
use crate::args::Changes;
use crate::exit::Exit;
use cotangent_scenarios::{self as scenario, DOMAINS};

/// Kinds and optimizers.
pub(super) fn everything(voice: Voice) -> Result<Exit, Failure> {
    let mut text = String::from("kinds of scenarios (`cotangent init KIND` writes one):\n");
    for domain in DOMAINS {
        let _ = writeln!(text, "  {:<16} {}", domain.kind, domain.summary);
    }
    text.push_str("\noptimizers (`optimizer.method`):\n");
    for method in METHODS {
        let needs = match (method.needs_gradient, method.needs_residuals) {
            _ if method.needs_stages => "; needs the controls of one motion",
            (_, true) => "; needs residuals",
            (true, _) => "; needs gradients",
            _ => "",
        };
        let _ = writeln!(text, "  {:<16} {}{needs}", method.name, method.summary);
    }
    text.push_str(
        "\n`cotangent list SCENARIO` lists what of a scenario has a name: inputs and outputs.\n",
    );
    let kinds: Vec<_> =
        DOMAINS.iter().map(|d| json!({ "kind": d.kind, "summary": d.summary })).collect();
    let methods: Vec<_> = METHODS
        .iter()
        .map(|m| {
            json!({
                "method": m.name,
                "summary": m.summary,
                "needs_gradient": m.needs_gradient,
                "needs_residuals": m.needs_residuals,
                "needs_stages": m.needs_stages,
                "accepts_stochastic": m.accepts_stochastic,
            })
        })
        .collect();
    voice.data(&text, &json!({ "kinds": kinds, "optimizers": methods }))?;
    Ok(Exit::Done)
}

/// What of a scenario has a name: inputs and outputs of its simulation, or its parameters where it has none.
pub(super) fn names(path: &Path, changes: &Changes, voice: Voice) -> Result<Exit, Failure> {
    let Some(simulation) = scenario::simulation(path, &changes.overrides())? else {
        return parameters(path, changes, voice);
    };
    let (inputs, outputs) = (simulation.inputs(), simulation.outputs());
    let mut text = format!("{}\n", heading("input"));
    inputs.iter().for_each(|q| text.push_str(&line(q)));
    let _ = writeln!(text, "\n{}", heading("output"));
    outputs.iter().for_each(|q| text.push_str(&line(q)));
    let json = |quantities: &[Quantity]| quantities.iter().map(described).collect::<Vec<_>>();
    voice.data(&text, &json!({ "inputs": json(inputs), "outputs": json(outputs) }))?;
    Ok(Exit::Done)
}

fn heading(role: &str) -> String {
    format!(
        "{role:<36} {:<12} {:<9} {:<20} {:<18} {:<14} what it is",
        "unit", "shape", "value", "range", "differentiable"
    )
}

/// One quantity in a line.
fn line(q: &Quantity) -> String {
    let unit = if q.unit.is_empty() { "-" } else { &q.unit };
    let value = match q.value.as_slice() {
        [] => "-".to_owned(),
        [first, rest @ ..] if rest.iter().all(|v| v.to_bits() == first.to_bits()) => short(*first),
        several if several.len() <= 3 => {
            several.iter().map(|v| short(*v)).collect::<Vec<_>>().join(" ")
        }
        [first, ..] => format!("{} ...", short(*first)),
    };
    let (lower, upper) = (least(&q.lower), greatest(&q.upper));
    let range = match (lower.is_finite(), upper.is_finite()) {
        (false, false) => "any".to_owned(),
        (true, false) if lower <= f64::MIN_POSITIVE && lower > 0.0 => "> 0".to_owned(),
        (true, false) => format!(">= {}", short(lower)),
        (false, true) => format!("<= {}", short(upper)),
        (true, true) => format!("{} to {}", short(lower), short(upper)),
    };
    let why_not = q.not_differentiable.as_ref();
    let differentiable = why_not.map_or("yes".into(), |why| format!("no: {why}"));
    format!(
        "{:<36} {unit:<12} {:<9} {value:<20} {range:<18} {differentiable:<14} {}\n",
        q.name,
        extent(&q.shape),
        q.summary
    )
}

/// A number in few digits.
fn short(value: f64) -> String {
    let plain = format!("{value}");
    if plain.len() <= 9 {
        return plain;
    }
    if (1e-3..1e6).contains(&value.abs()) {
        let digits = (4.0 - value.abs().log10().floor()).clamp(0.0, 7.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 7")]
        return format!("{value:.*}", digits as usize);
    }
    format!("{value:.4e}")
}

fn described(q: &Quantity) -> serde_json::Value {
    let bound = |v: f64| v.is_finite().then_some(v);
    json!({
        "name": q.name,
        "unit": q.unit,
        "shape": q.shape,
        "value": q.value,
        "lower": bound(least(&q.lower)),
        "upper": bound(greatest(&q.upper)),
        "scale": q.scale,
        "axis": q.axis.as_ref().map(|a| a.name.clone()),
        "differentiable": q.not_differentiable.is_none(),
        "why_not": q.not_differentiable,
        "summary": q.summary,
    })
}

/// Parameters of a scenario without a simulation.
fn parameters(path: &Path, changes: &Changes, voice: Voice) -> Result<Exit, Failure> {
    let loaded = scenario::load(path, &changes.overrides())?;
    let refused = loaded.scenario.not_differentiable();
    let space = loaded.scenario.space();
    let mut text = format!(
        "{:<28} {:<8} {:<10} {:<24} {:<10} {:<10} differentiable\n",
        "parameter", "unit", "shape", "bounds", "scale", "transform"
    );
    let mut found = Vec::new();
    for p in space.parameters() {
        let why = refused.iter().find(|(name, _)| *name == p.name).map(|(_, why)| why.as_str());
        let transform = serde_json::to_value(p.transform).unwrap_or_default();
        let _ = writeln!(
            text,
            "{:<28} {:<8} {:<10} {:<24} {:<10} {:<10} {}",
            p.name,
            if p.unit.is_empty() { "-" } else { &p.unit },
            extent(&p.shape),
            format!("[{}, {}]", least(&p.lower), greatest(&p.upper)),
            p.scale,
            transform.as_str().unwrap_or(""),
            why.map_or("yes".to_owned(), |w| format!("no: {w}"))
        );
        let bound = |v: f64| v.is_finite().then_some(v);
        found.push(json!({
            "name": p.name,
            "unit": p.unit,
            "shape": p.shape,
            "lower": bound(least(&p.lower)),
            "upper": bound(greatest(&p.upper)),
            "scale": p.scale,
            "transform": transform,
            "differentiable": why.is_none(),
            "why_not": why,
        }));
    }
    voice.data(&text, &json!({ "parameters": found }))?;
    Ok(Exit::Done)
}

fn least(bounds: &[f64]) -> f64 {
    bounds.iter().copied().fold(f64::INFINITY, f64::min)
}

fn greatest(bounds: &[f64]) -> f64 {
    bounds.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

fn extent(shape: &[usize]) -> String {
    if shape.is_empty() {
        return "scalar".into();
    }
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
}
