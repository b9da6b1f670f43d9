//! Tesseract's endpoints, as `Tesseract.from_url` and its bridges to JAX and torch ask them.
//!
//! `/apply` is `f(x)`; `/jacobian`, `/jacobian_vector_product` and `/vector_jacobian_product` differentiate between named inputs
//! and outputs; `/abstract_eval` says shapes. An input that is not given has its present value. Source: the client and the runtime
//! of tesseract-core 1.15, and tesseract-jax.

mod array;
mod schema;

use cotangent_problem::{CallError, CheckedMap, Quantity};
use serde_json::{Map as Object, Value, json};

use crate::model::{Blame, Model, blame};
use crate::protocol::{Answer, Protocol, Refusal, Request};
use array::{Encoding, decode, encode};

/// Speaks Tesseract, of one model.
#[derive(Debug)]
pub struct Tesseract {
    model: Model,
    about: String,
}

type Fields = Object<String, Value>;

/// What is wrong with a request, where in its body.
struct Problem {
    status: u16,
    at: Vec<String>,
    message: String,
    /// The method that would have been right.
    allow: Option<&'static str>,
}

impl Problem {
    fn at(at: &[&str], message: impl Into<String>) -> Self {
        let at = at.iter().map(|s| (*s).to_owned()).collect();
        Self { status: 422, at, message: message.into(), allow: None }
    }

    /// About the request as a whole.
    fn of(status: u16, message: String) -> Self {
        Self { status, at: Vec::new(), message, allow: None }
    }

    fn answer(self) -> Answer {
        let Self { status, at, message, allow } = self;
        let body = if status == 422 {
            let place: Vec<String> = std::iter::once("body".to_owned()).chain(at).collect();
            json!({ "detail": [{ "type": "value_error", "loc": place, "msg": message, "input": null, "ctx": {} }] })
        } else {
            json!({ "detail": message })
        };
        Answer { status, body, allow }
    }
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        let status = if blame(&error) == Blame::Output { 500 } else { 422 };
        Self { at: vec!["inputs".into()], ..Self::of(status, error.to_string()) }
    }
}

impl Tesseract {
    /// This model; `about` says in a sentence what it is.
    pub fn new(model: Model, about: &str) -> Self {
        Self { model, about: about.into() }
    }

    fn map(&self) -> &CheckedMap<'static> {
        self.model.map()
    }

    fn respond(&self, request: &Request<'_>) -> Result<Value, Problem> {
        let endpoints = schema::endpoints(self.map());
        let found = endpoints.iter().find(|(path, _)| *path == request.path);
        let wanted = match (request.path, found) {
            ("/openapi.json", _) => "GET",
            (_, Some((_, method))) => method,
            _ => {
                let known: Vec<&str> = endpoints.iter().map(|(path, _)| *path).collect();
                let message = format!("there is nothing here; there are {}", known.join(" "));
                return Err(Problem::of(404, message));
            }
        };
        if !request.method.eq_ignore_ascii_case(wanted) {
            let message = format!("{} is asked by {wanted}", request.path);
            return Err(Problem { allow: Some(wanted), ..Problem::of(405, message) });
        }
        let encoding = Encoding::of_accept(request.accept);
        match request.path {
            "/openapi.json" => Ok(schema::document(self.model.name(), &self.about, self.map())),
            "/health" => Ok(json!({ "status": "ok" })),
            "/apply" => self.apply(&parse(request.body, &[])?, encoding),
            "/abstract_eval" => self.abstract_eval(&parse(request.body, &[])?),
            "/jacobian" => {
                self.jacobian(&parse(request.body, &["jac_inputs", "jac_outputs"])?, encoding)
            }
            "/jacobian_vector_product" => {
                let fields = ["jvp_inputs", "jvp_outputs", "tangent_vector"];
                self.jvp(&parse(request.body, &fields)?, encoding)
            }
            _ => {
                let fields = ["vjp_inputs", "vjp_outputs", "cotangent_vector"];
                self.vjp(&parse(request.body, &fields)?, encoding)
            }
        }
    }

    fn apply(&self, fields: &Fields, encoding: Encoding) -> Result<Value, Problem> {
        let y = self.model.values(&self.point(fields)?)?;
        let map = self.map();
        let each =
            map.outputs().iter().enumerate().map(|(k, q)| {
                (q.name.clone(), encode(&y[map.output_entries(k)], &q.shape, encoding))
            });
        Ok(Value::Object(each.collect()))
    }

    /// Shapes of the outputs, after those of the inputs were checked.
    fn abstract_eval(&self, fields: &Fields) -> Result<Value, Problem> {
        for (name, value) in given(fields)? {
            let k = named(&name, self.map().inputs(), &["inputs"], "input")?;
            let wanted = &self.map().inputs()[k].shape;
            let shape = array::shape_of(&value).map_err(|e| Problem::at(&["inputs", &name], e))?;
            array::check_dtype(&value).map_err(|e| Problem::at(&["inputs", &name], e))?;
            if shape != *wanted {
                let message = format!("its shape is {shape:?}, {wanted:?} is needed");
                return Err(Problem::at(&["inputs", &name], message));
            }
        }
        let each = self
            .map()
            .outputs()
            .iter()
            .map(|q| (q.name.clone(), json!({ "shape": q.shape, "dtype": "float64" })));
        Ok(Value::Object(each.collect()))
    }

    fn jacobian(&self, fields: &Fields, encoding: Encoding) -> Result<Value, Problem> {
        let (x, map) = (self.point(fields)?, self.map());
        let inputs = names(fields, "jac_inputs", map.inputs(), "input")?;
        let outputs = names(fields, "jac_outputs", map.outputs(), "output")?;
        let rows: Vec<usize> = outputs.iter().flat_map(|k| map.output_entries(*k)).collect();
        let columns: Vec<usize> = inputs.iter().flat_map(|k| map.input_entries(*k)).collect();
        let jacobian = self.model.linearised(&x, |run| run.jacobian(&rows, &columns))?;
        let (mut by_output, mut top) = (Fields::new(), 0);
        for &k in &outputs {
            let (mut by_input, mut left) = (Fields::new(), 0);
            let height = map.outputs()[k].len();
            for &j in &inputs {
                let (quantity, width) = (&map.inputs()[j], map.inputs()[j].len());
                let row = |r: usize| &jacobian[r * columns.len() + left..][..width];
                let block: Vec<f64> = (top..top + height).flat_map(|r| row(r).to_vec()).collect();
                let shape = [map.outputs()[k].shape.as_slice(), &quantity.shape].concat();
                by_input.insert(quantity.name.clone(), encode(&block, &shape, encoding));
                left += width;
            }
            by_output.insert(map.outputs()[k].name.clone(), Value::Object(by_input));
            top += height;
        }
        Ok(Value::Object(by_output))
    }

    fn jvp(&self, fields: &Fields, encoding: Encoding) -> Result<Value, Problem> {
        let (x, map) = (self.point(fields)?, self.map());
        let inputs = names(fields, "jvp_inputs", map.inputs(), "input")?;
        let outputs = names(fields, "jvp_outputs", map.outputs(), "output")?;
        let given = directions(fields, "tangent_vector", map.inputs(), &inputs)?;
        let mut x_dot = vec![0.0; map.input_len()];
        given.into_iter().for_each(|(k, v)| x_dot[map.input_entries(k)].copy_from_slice(&v));
        let y_dot = self.model.linearised(&x, |run| run.pushforward(&x_dot))?;
        let part = |k: &usize| {
            let q = &map.outputs()[*k];
            (q.name.clone(), encode(&y_dot[map.output_entries(*k)], &q.shape, encoding))
        };
        Ok(Value::Object(outputs.iter().map(part).collect()))
    }

    fn vjp(&self, fields: &Fields, encoding: Encoding) -> Result<Value, Problem> {
        let (x, map) = (self.point(fields)?, self.map());
        let inputs = names(fields, "vjp_inputs", map.inputs(), "input")?;
        let outputs = names(fields, "vjp_outputs", map.outputs(), "output")?;
        let given = directions(fields, "cotangent_vector", map.outputs(), &outputs)?;
        let mut y_bar = vec![0.0; map.output_len()];
        given.into_iter().for_each(|(k, v)| y_bar[map.output_entries(k)].copy_from_slice(&v));
        let x_bar = self.model.linearised(&x, |run| run.pullback(&y_bar))?;
        let part = |k: &usize| {
            let q = &map.inputs()[*k];
            (q.name.clone(), encode(&x_bar[map.input_entries(*k)], &q.shape, encoding))
        };
        Ok(Value::Object(inputs.iter().map(part).collect()))
    }

    /// All inputs, entry after entry: those that are given, and the present values of the others.
    fn point(&self, fields: &Fields) -> Result<Vec<f64>, Problem> {
        let (mut x, map) = (self.map().present(), self.map());
        let mut seen = vec![false; map.inputs().len()];
        for (name, value) in given(fields)? {
            let k = named(&name, map.inputs(), &["inputs"], "input")?;
            if std::mem::replace(&mut seen[k], true) {
                return Err(Problem::at(&["inputs", &name], "it is given twice"));
            }
            let entries = decode(&value, &map.inputs()[k].shape)
                .map_err(|e| Problem::at(&["inputs", &name], e))?;
            x[map.input_entries(k)].copy_from_slice(&entries);
        }
        Ok(x)
    }
}

impl Protocol for Tesseract {
    fn answer(&self, request: &Request<'_>) -> Answer {
        self.respond(request).map_or_else(Problem::answer, Answer::ok)
    }

    fn refuse(&self, refusal: &Refusal) -> Answer {
        let (status, message) = (refusal.status(), refusal.message());
        Problem::of(status, message).answer()
    }
}

/// The fields of a body: `inputs`, and none but those of the endpoint beside it, so that none is ignored.
fn parse(body: &[u8], further: &[&str]) -> Result<Fields, Problem> {
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(fields)) => {
            let is_known = |name: &str| name == "inputs" || further.contains(&name);
            if let Some(stray) = fields.keys().find(|name| !is_known(name)) {
                let known = [&["inputs"], further].concat().join(", ");
                return Err(Problem::at(
                    &[stray],
                    format!("there is no such field; there are: {known}"),
                ));
            }
            Ok(fields)
        }
        Ok(_) => Err(Problem::at(&[], "the body must be a JSON object")),
        Err(e) => Err(Problem::at(&[], format!("the body is no JSON: {e}"))),
    }
}

/// The given inputs by name; objects within objects are names with dots.
fn given(fields: &Fields) -> Result<Vec<(String, Value)>, Problem> {
    let Some(Value::Object(inputs)) = fields.get("inputs") else {
        return Err(Problem::at(&["inputs"], "it must be an object of arrays by name"));
    };
    let mut flat = Vec::new();
    flatten("", inputs, &mut flat);
    Ok(flat)
}

fn flatten(prefix: &str, object: &Fields, flat: &mut Vec<(String, Value)>) {
    for (key, value) in object {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Value::Object(inner) if !inner.contains_key("shape") => flatten(&name, inner, flat),
            _ => flat.push((name, value.clone())),
        }
    }
}

/// Position of the quantity of this name.
fn named(name: &str, all: &[Quantity], at: &[&str], role: &str) -> Result<usize, Problem> {
    all.iter().position(|q| q.name == name).ok_or_else(|| {
        let known: Vec<&str> = all.iter().take(8).map(|q| q.name.as_str()).collect();
        let more = if all.len() > known.len() { ", ..." } else { "" };
        let message = format!("there is no {role} `{name}`; there are: {}{more}", known.join(", "));
        Problem::at(at, message)
    })
}

/// Positions of the quantities that a list of the request names, each at most once.
fn names(fields: &Fields, list: &str, all: &[Quantity], role: &str) -> Result<Vec<usize>, Problem> {
    let refuse = |message: &str| Problem::at(&[list], message);
    let Some(Value::Array(given)) = fields.get(list) else {
        return Err(refuse("it must be a list of names"));
    };
    let mut picked = Vec::with_capacity(given.len());
    for name in given {
        let name = name.as_str().ok_or_else(|| refuse("it must be a list of names"))?;
        let k = named(name, all, &[list], role)?;
        if picked.contains(&k) {
            return Err(refuse("it names one of them twice"));
        }
        picked.push(k);
    }
    if picked.is_empty() { Err(refuse("it must name something")) } else { Ok(picked) }
}

/// The entries of a tangent or cotangent, an array for each of the named quantities and no other.
fn directions(
    fields: &Fields,
    field: &str,
    all: &[Quantity],
    wanted: &[usize],
) -> Result<Vec<(usize, Vec<f64>)>, Problem> {
    let Some(Value::Object(given)) = fields.get(field) else {
        return Err(Problem::at(&[field], "it must be an object of arrays by name"));
    };
    if let Some(stray) = given.keys().find(|n| !wanted.iter().any(|k| all[*k].name == **n)) {
        let message = format!("`{stray}` is not among those that the request names");
        return Err(Problem::at(&[field], message));
    }
    let part = |k: &usize| {
        let quantity = &all[*k];
        let missing = || Problem::at(&[field], format!("`{}` is missing", quantity.name));
        let value = given.get(&quantity.name).ok_or_else(missing)?;
        let entries =
            decode(value, &quantity.shape).map_err(|e| Problem::at(&[field, &quantity.name], e))?;
        Ok((*k, entries))
    };
    wanted.iter().map(part).collect()
}
