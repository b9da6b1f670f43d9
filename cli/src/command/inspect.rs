//! `inspect`: what a model file holds.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::json;

use super::{Failure, Voice};
use crate::exit::Exit;
use cotangent_scenarios::{InspectedBody, Inspection, inspect as read};

/// Prints the tree of a model, what drives it, what can be differentiated, and what was not understood.
pub(super) fn inspect(path: &Path, voice: Voice) -> Result<Exit, Failure> {
    let found = read(path)?;
    voice.data(&table(&found), &data(&found))?;
    Ok(Exit::Done)
}

fn table(found: &Inspection) -> String {
    let mut text = found.format.to_owned();
    for (name, size) in found.sizes {
        let _ = write!(text, ", {name} {size}");
    }
    let _ = write!(text, ", {:.6} kg", found.mass);
    if let Some(step) = found.step {
        let _ = write!(text, ", a step of {step} s");
    }
    let _ = write!(
        text,
        "\n\n{:<32} {:<24} {:>12}  {:<44} shapes\n",
        "body", "on", "mass (kg)", "joints"
    );
    found.bodies.iter().for_each(|body| text.push_str(&body_line(body)));
    if !found.drives.is_empty() {
        let _ = write!(text, "\n{:<32} on\n", "actuators and tendons");
        for (name, on) in &found.drives {
            let _ = writeln!(text, "{name:<32} {on}");
        }
    }
    let _ = write!(text, "\n{:<32} {:<12} how many\n", "differentiable by", "unit");
    for (pattern, unit, count) in &found.inputs {
        let unit = if unit.is_empty() { "-" } else { unit };
        let _ = writeln!(text, "{pattern:<32} {unit:<12} {count}");
    }
    for (title, lines) in
        [("not simulated", &found.not_simulated), ("without effect", &found.notes)]
    {
        if !lines.is_empty() {
            let _ = write!(text, "\n{title}\n");
        }
        for line in lines {
            let _ = writeln!(text, "{line}");
        }
    }
    text
}

fn body_line(body: &InspectedBody) -> String {
    let name = format!("{}{}", "  ".repeat(body.depth), body.name);
    let fixed = if body.is_fixed { "fixed to " } else { "" };
    let on = format!("{fixed}{}", body.on.as_deref().unwrap_or("the world"));
    let mass = body.mass.map_or_else(|| "-".to_owned(), |m| format!("{m:.6}"));
    let joint = |(name, kind, range): &(String, &str, Option<[f64; 2]>)| {
        let range = range.map_or_else(String::new, |[l, u]| format!(" {l:.4} to {u:.4}"));
        format!("{name} ({kind}{range})")
    };
    let joints: Vec<String> = body.joints.iter().map(joint).collect();
    let (joints, shapes) = (joints.join(", "), body.shapes.join(", "));
    format!("{}\n", format!("{name:<32} {on:<24} {mass:>12}  {joints:<44} {shapes}").trim_end())
}

fn data(found: &Inspection) -> serde_json::Value {
    let body = |b: &InspectedBody| {
        let joint = |(name, kind, range): &(String, &str, Option<[f64; 2]>)| json!({ "name": name, "kind": kind, "range": range });
        json!({
            "name": b.name,
            "on": b.on,
            "fixed": b.is_fixed,
            "mass_kg": b.mass,
            "joints": b.joints.iter().map(joint).collect::<Vec<_>>(),
            "shapes": b.shapes,
        })
    };
    let sizes = found.sizes.iter().map(|(name, size)| ((*name).to_owned(), json!(size)));
    json!({
        "format": found.format,
        "sizes": sizes.collect::<serde_json::Map<_, _>>(),
        "mass_kg": found.mass,
        "step_s": found.step,
        "bodies": found.bodies.iter().map(body).collect::<Vec<_>>(),
        "drives": found.drives.iter().map(|(n, on)| json!({ "name": n, "on": on })).collect::<Vec<_>>(),
        "inputs": found
            .inputs
            .iter()
            .map(|(name, unit, count)| json!({ "name": name, "unit": unit, "count": count }))
            .collect::<Vec<_>>(),
        "not_simulated": found.not_simulated,
        "notes": found.notes,
    })
}
