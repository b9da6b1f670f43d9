//! `list`: what there is.

use std::fmt::Write as _;
use std::path::Path;

use cotangent_optim::METHODS;
use cotangent_problem::Parameter;
use serde_json::json;

use super::{Failure, Voice};
use crate::args::Changes;
use crate::exit::Exit;
use crate::scenario::{self, DOMAINS};

/// Kinds and optimizers.
pub(super) fn everything(voice: Voice) -> Result<Exit, Failure> {
    let mut text = String::from("kinds of scenarios (`cotangent init KIND` writes one):\n");
    for domain in DOMAINS {
        let _ = writeln!(text, "  {:<16} {}", domain.kind(), domain.summary());
    }
    text.push_str("\noptimizers (`optimizer.method`):\n");
    for method in METHODS {
        let needs = match (method.needs_gradient, method.needs_residuals) {
            (_, true) => "; needs residuals",
            (true, _) => "; needs gradients",
            _ => "",
        };
        let _ = writeln!(text, "  {:<16} {}{needs}", method.name, method.summary);
    }
    text.push_str("\n`cotangent list SCENARIO` lists the parameters of a scenario.\n");
    let kinds: Vec<_> =
        DOMAINS.iter().map(|d| json!({ "kind": d.kind(), "summary": d.summary() })).collect();
    let methods: Vec<_> = METHODS
        .iter()
        .map(|m| {
            json!({
                "method": m.name,
                "summary": m.summary,
                "needs_gradient": m.needs_gradient,
                "needs_residuals": m.needs_residuals,
                "accepts_stochastic": m.accepts_stochastic,
            })
        })
        .collect();
    voice.data(&text, &json!({ "kinds": kinds, "optimizers": methods }))?;
    Ok(Exit::Done)
}

/// Parameters of one scenario.
pub(super) fn parameters(path: &Path, changes: &Changes, voice: Voice) -> Result<Exit, Failure> {
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
            shape(p),
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

fn shape(p: &Parameter) -> String {
    if p.shape.is_empty() {
        return "scalar".into();
    }
    p.shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
}
