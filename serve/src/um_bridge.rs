//! UM-Bridge, protocol 1.0: a model's inputs and outputs are lists of vectors.
//!
//! `Evaluate` is `f(x)`, `Gradient` the part of `J^T sens` that belongs to one output and one input, `ApplyJacobian` that of
//! `J vec`, `ApplyHessian` that of the second derivative of `<sens, f>` along `vec`. Source: the protocol's documentation
//! (um-bridge-benchmarks.readthedocs.io) and its conformance suite.

use cotangent_problem::{CallError, Quantity};
use serde_json::{Map as Object, Value, json};

use crate::model::{Blame, Model, blame};
use crate::protocol::{Answer, Protocol, Refusal, Request};

/// Speaks UM-Bridge.
#[derive(Debug)]
pub struct UmBridge {
    models: Vec<Model>,
}

/// An error of the protocol: its type and a message.
struct Problem {
    status: u16,
    kind: &'static str,
    message: String,
    /// The method that would have been right.
    allow: Option<&'static str>,
}

impl Problem {
    fn of(status: u16, kind: &'static str, message: String) -> Self {
        Self { status, kind, message, allow: None }
    }

    fn input(message: impl Into<String>) -> Self {
        Self::of(400, "InvalidInput", message.into())
    }

    fn answer(self) -> Answer {
        let body = json!({ "error": { "type": self.kind, "message": self.message } });
        Answer { status: self.status, body, allow: self.allow }
    }
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        let (status, kind) = match blame(&error) {
            Blame::Input => (400, "InvalidInput"),
            Blame::Feature => (400, "UnsupportedFeature"),
            Blame::Output => (500, "InvalidOutput"),
        };
        Self::of(status, kind, error.to_string())
    }
}

type Fields = Object<String, Value>;

impl UmBridge {
    /// These models, the first of which a client takes that does not name one.
    pub fn new(models: Vec<Model>) -> Self {
        Self { models }
    }

    fn model(&self, fields: &Fields) -> Result<&Model, Problem> {
        let names = || self.models.iter().map(Model::name).collect::<Vec<_>>().join(", ");
        let refuse = |said: String| Problem::of(400, "ModelNotFound", said);
        let Some(Value::String(name)) = fields.get("name") else {
            return Err(refuse(format!("`name` must name a model; there are: {}", names())));
        };
        let found = self.models.iter().find(|m| m.name() == name);
        found.ok_or_else(|| refuse(format!("there is no model {name:?}; there are: {}", names())))
    }

    fn respond(&self, request: &Request<'_>) -> Result<Value, Problem> {
        let known = ["/Info", "/ModelInfo", "/InputSizes", "/OutputSizes"].into_iter().chain([
            "/Evaluate",
            "/Gradient",
            "/ApplyJacobian",
            "/ApplyHessian",
        ]);
        let wanted = if request.path == "/Info" { "GET" } else { "POST" };
        if !known.clone().any(|path| path == request.path) {
            let message =
                format!("there is nothing here; there are {}", known.collect::<Vec<_>>().join(" "));
            return Err(Problem::of(404, "InvalidInput", message));
        }
        if request.method != wanted {
            let message = format!("{} is asked by {wanted}", request.path);
            return Err(Problem {
                allow: Some(wanted),
                ..Problem::of(405, "InvalidInput", message)
            });
        }
        if request.path == "/Info" {
            let names: Vec<&str> = self.models.iter().map(Model::name).collect();
            return Ok(json!({ "protocolVersion": 1.0, "models": names }));
        }
        let fields = parse(request.body)?;
        let model = self.model(&fields)?;
        check_config(&fields)?;
        let map = model.map();
        match request.path {
            "/ModelInfo" => {
                let (first, second) = (map.no_derivative().is_none(), map.has_second());
                let support = json!({ "Evaluate": true, "Gradient": first, "ApplyJacobian": first, "ApplyHessian": second });
                Ok(json!({ "support": support }))
            }
            "/InputSizes" => Ok(json!({ "inputSizes": sizes(map.inputs()) })),
            "/OutputSizes" => Ok(json!({ "outputSizes": sizes(map.outputs()) })),
            "/Evaluate" => evaluate(model, &fields),
            "/Gradient" => gradient(model, &fields),
            "/ApplyJacobian" => apply_jacobian(model, &fields),
            _ => apply_hessian(model, &fields),
        }
    }
}

impl Protocol for UmBridge {
    fn answer(&self, request: &Request<'_>) -> Answer {
        self.respond(request).map_or_else(Problem::answer, Answer::ok)
    }

    fn refuse(&self, refusal: &Refusal) -> Answer {
        let (status, message) = (refusal.status(), refusal.message());
        let kind = if status < 500 { "InvalidInput" } else { "InvalidOutput" };
        Problem::of(status, kind, message).answer()
    }
}

fn sizes(quantities: &[Quantity]) -> Vec<usize> {
    quantities.iter().map(Quantity::len).collect()
}

fn parse(body: &[u8]) -> Result<Fields, Problem> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(Problem::input("the body must be a JSON object")),
        Err(e) => Err(Problem::input(format!("the body is no JSON: {e}"))),
    }
}

/// The settings stand in the scenario file: none may be given with a request, so that none is ignored.
fn check_config(fields: &Fields) -> Result<(), Problem> {
    match fields.get("config") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Object(config)) if config.is_empty() => Ok(()),
        Some(_) => Err(Problem::input(
            "`config` must be empty: start another server, with --set, for other settings",
        )),
    }
}

fn evaluate(model: &Model, fields: &Fields) -> Result<Value, Problem> {
    let x = input(model, fields)?;
    let y = model.values(&x)?;
    let map = model.map();
    let parts = (0..map.outputs().len()).map(|k| &y[map.output_entries(k)]);
    Ok(json!({ "output": parts.collect::<Vec<_>>() }))
}

fn gradient(model: &Model, fields: &Fields) -> Result<Value, Problem> {
    supports_first(model)?;
    let x = input(model, fields)?;
    let (output, wrt) = (output_index(model, fields)?, input_index(model, fields, "inWrt")?);
    let y_bar = cotangent(model, fields, output)?;
    let x_bar = model.linearised(&x, |run| run.pullback(&y_bar))?;
    Ok(json!({ "output": x_bar[model.map().input_entries(wrt)] }))
}

fn apply_jacobian(model: &Model, fields: &Fields) -> Result<Value, Problem> {
    supports_first(model)?;
    let x = input(model, fields)?;
    let (output, wrt) = (output_index(model, fields)?, input_index(model, fields, "inWrt")?);
    let x_dot = tangent(model, fields, wrt)?;
    let y_dot = model.linearised(&x, |run| run.pushforward(&x_dot))?;
    Ok(json!({ "output": y_dot[model.map().output_entries(output)] }))
}

fn apply_hessian(model: &Model, fields: &Fields) -> Result<Value, Problem> {
    supports_first(model)?;
    if !model.map().has_second() {
        return Err(unsupported(model, "it has no second derivatives"));
    }
    let x = input(model, fields)?;
    let output = output_index(model, fields)?;
    let (first, second) =
        (input_index(model, fields, "inWrt1")?, input_index(model, fields, "inWrt2")?);
    let (y_bar, x_dot) = (cotangent(model, fields, output)?, tangent(model, fields, second)?);
    let product = model.linearised(&x, |run| run.second(&y_bar, &x_dot))?;
    Ok(json!({ "output": product[model.map().input_entries(first)] }))
}

fn unsupported(model: &Model, why: &str) -> Problem {
    let message = format!("the model {:?} does not support this: {why}", model.name());
    Problem::of(400, "UnsupportedFeature", message)
}

fn supports_first(model: &Model) -> Result<(), Problem> {
    model.map().no_derivative().map_or(Ok(()), |why| Err(unsupported(model, why)))
}

/// All inputs, entry after entry.
fn input(model: &Model, fields: &Fields) -> Result<Vec<f64>, Problem> {
    let inputs = model.map().inputs();
    let Some(Value::Array(vectors)) = fields.get("input") else {
        return Err(Problem::input("`input` must be a list of vectors"));
    };
    if vectors.len() != inputs.len() {
        let (given, wanted) = (vectors.len(), inputs.len());
        return Err(Problem::input(format!("`input` has {given} vectors, {wanted} are needed")));
    }
    let mut x = Vec::with_capacity(model.map().input_len());
    for (k, (vector, quantity)) in vectors.iter().zip(inputs).enumerate() {
        let what = format!("`input[{k}]`, {},", quantity.name);
        x.extend(numbers(&what, vector, quantity.len())?);
    }
    Ok(x)
}

/// `len` numbers, which `what` is.
fn numbers(what: &str, value: &Value, len: usize) -> Result<Vec<f64>, Problem> {
    let Value::Array(values) = value else {
        return Err(Problem::input(format!("{what} must be a list of {len} numbers")));
    };
    if values.len() != len {
        let given = values.len();
        return Err(Problem::input(format!("{what} has {given} entries, {len} are needed")));
    }
    let number = |(k, value): (usize, &Value)| {
        value.as_f64().ok_or_else(|| Problem::input(format!("{what} entry {k} is no number")))
    };
    values.iter().enumerate().map(number).collect()
}

fn index(fields: &Fields, field: &str, count: usize, role: &str) -> Result<usize, Problem> {
    let refuse = |given: String| {
        let message = format!("`{field}` is {given}; {role}s are counted from 0 to {}", count - 1);
        Problem::input(message)
    };
    let given = fields.get(field).ok_or_else(|| refuse("missing".into()))?;
    let index = given.as_u64().and_then(|k| usize::try_from(k).ok()).filter(|k| *k < count);
    index.ok_or_else(|| refuse(given.to_string()))
}

fn input_index(model: &Model, fields: &Fields, field: &str) -> Result<usize, Problem> {
    index(fields, field, model.map().inputs().len(), "input")
}

fn output_index(model: &Model, fields: &Fields) -> Result<usize, Problem> {
    index(fields, "outWrt", model.map().outputs().len(), "output")
}

/// `sens` of one output, zero for the others.
fn cotangent(model: &Model, fields: &Fields, output: usize) -> Result<Vec<f64>, Problem> {
    let entries = model.map().output_entries(output);
    let given = numbers("`sens`", fields.get("sens").unwrap_or(&Value::Null), entries.len())?;
    let mut y_bar = vec![0.0; model.map().output_len()];
    y_bar[entries].copy_from_slice(&given);
    Ok(y_bar)
}

/// `vec` of one input, zero for the others.
fn tangent(model: &Model, fields: &Fields, input: usize) -> Result<Vec<f64>, Problem> {
    let entries = model.map().input_entries(input);
    let given = numbers("`vec`", fields.get("vec").unwrap_or(&Value::Null), entries.len())?;
    let mut x_dot = vec![0.0; model.map().input_len()];
    x_dot[entries].copy_from_slice(&given);
    Ok(x_dot)
}
