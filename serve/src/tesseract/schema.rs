//! The description of the endpoints that clients read: an OpenAPI document with the entries that tesseract-jax needs.

use cotangent_problem::{CheckedMap, Quantity};
use serde_json::{Map as Object, Value, json};

/// The endpoints and their methods; those of derivatives where there are any.
pub(super) fn endpoints(map: &CheckedMap<'_>) -> Vec<(&'static str, &'static str)> {
    let mut all = vec![("/apply", "POST"), ("/abstract_eval", "POST"), ("/health", "GET")];
    if map.no_derivative().is_none() {
        let derivatives = ["/jacobian", "/jacobian_vector_product", "/vector_jacobian_product"];
        all.extend(derivatives.map(|path| (path, "POST")));
    }
    all
}

/// `openapi.json`.
pub(super) fn document(name: &str, about: &str, map: &CheckedMap<'_>) -> Value {
    let path = |(path, method): &(&str, &str)| {
        let method = method.to_ascii_lowercase();
        let answer = json!({ "200": { "description": "the answer, in JSON" } });
        ((*path).to_owned(), json!({ method: { "summary": path, "responses": answer } }))
    };
    let paths: Object<String, Value> = endpoints(map).iter().map(path).collect();
    let differentiable = |quantities: &[Quantity]| -> Value {
        let none = &[][..];
        let all = if map.no_derivative().is_none() { quantities } else { none };
        let each =
            all.iter().map(|q| (q.name.clone(), json!({ "shape": q.shape, "dtype": "float64" })));
        Value::Object(each.collect())
    };
    let whole = |properties: Value, quantities: &[Quantity]| json!({ "type": "object", "properties": properties, "differentiable_arrays": differentiable(quantities) });
    let reference = json!({ "inputs": { "$ref": "#/components/schemas/Apply_InputSchema" } });
    json!({
        "openapi": "3.1.0",
        "info": { "title": name, "description": about, "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
        "components": { "schemas": {
            "Apply_InputSchema": { "type": "object", "properties": properties(map.inputs()) },
            "Apply_OutputSchema": { "type": "object", "properties": properties(map.outputs()) },
            "ApplyInputSchema": whole(reference, map.inputs()),
            "ApplyOutputSchema": whole(properties(map.outputs()), map.outputs()),
        } },
    })
}

fn properties(quantities: &[Quantity]) -> Value {
    let each = quantities.iter().map(|q| {
        let unit = if q.unit.is_empty() { String::new() } else { format!(" ({})", q.unit) };
        let property = json!({
            "title": q.name,
            "description": format!("{}{unit}", q.summary),
            "type": "object",
            "array_flags": [],
            "shape": q.shape,
            "dtype": "float64",
        });
        (q.name.clone(), property)
    });
    Value::Object(each.collect())
}
