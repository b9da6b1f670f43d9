//! Distances of points from a hand, and their Jacobian by a program with the pattern of its entries.

use serde_json::Value;

use super::{Compute, unknown};
use crate::adbench::hand::{Hand, POSE, Skeleton};
use crate::input::{counts, list, rows};
use crate::output::Output;

/// A hand of the message, with its parameters.
fn hand(input: &Value) -> Result<(Hand, Vec<f64>), String> {
    let (data, model) = (&input["data"], &input["data"]["model"]);
    if model["is_mirrored"].as_bool() == Some(true) {
        return Err("mirrored hands are not computed".into());
    }
    let parents = model["parents"].as_array().ok_or("the model has no parents")?;
    let parents = parents.iter().map(|p| p.as_u64().and_then(|k| usize::try_from(k).ok()));
    let matrices = |key: &str| -> Result<Vec<Vec<f64>>, String> {
        let all: Vec<Vec<Vec<f64>>> = serde_json::from_value(model[key].clone())
            .map_err(|e| format!("the model has no matrices {key:?}: {e}"))?;
        Ok(all.iter().map(|rows| rows.concat()).collect())
    };
    let skeleton = Skeleton {
        parents: parents.collect(),
        relatives: matrices("base_relatives")?,
        inverses: matrices("inverse_base_absolutes")?,
    };
    let (mut positions, weights) = (rows(model, "base_positions")?, rows(model, "weights")?);
    // homogeneous coordinates end in 1
    positions
        .iter_mut()
        .filter(|p| p.len() == 4 && p[3].to_bits() == 1.0_f64.to_bits())
        .for_each(|p| p.truncate(3));
    let correspondences = counts(data, "correspondences")?;
    let us = rows(input, "us").unwrap_or_default();
    let on = if us.is_empty() {
        correspondences.iter().map(|k| vec![*k]).collect()
    } else {
        let triangles: Vec<Vec<usize>> = serde_json::from_value(model["triangles"].clone())
            .map_err(|e| format!("the model has no triangles: {e}"))?;
        let of = |k: &usize| triangles.get(*k).cloned().ok_or("a point is on no triangle");
        correspondences.iter().map(of).collect::<Result<Vec<_>, _>>()?
    };
    let theta = list(input, "theta")?;
    if theta.len() != POSE {
        return Err(format!("a hand has {POSE} parameters of its pose, not {}", theta.len()));
    }
    let hand = Hand::new(&skeleton, &positions, &weights, on, &rows(data, "points")?)?;
    Ok((hand, [theta, us.concat()].concat()))
}

pub(super) fn prepare(function: &str, input: &Value) -> Result<Compute, String> {
    let (hand, p) = hand(input)?;
    Ok(match function {
        "objective" => Box::new(move || Ok(Output::List(hand.distances(&p)))),
        "jacobian" => {
            let program = hand.record(&p);
            Box::new(move || {
                let jacobian = hand.jacobian(&program, &p).map_err(|e| e.to_string())?;
                Ok(Output::Rows(jacobian, hand.columns()))
            })
        }
        _ => return unknown(function),
    })
}
