//! `schema`: JSON Schema draft-07 of scenario files, made of the tables of keys.

use serde_json::{Map, Value, json};

use cotangent_scenarios::DOMAINS;
use cotangent_scenarios::common::COMMON;
use cotangent_scenarios::document::Grammar;
use cotangent_scenarios::keys::{AnyKey, AnyKind, Length};

/// The schema of all kinds.
pub fn schema() -> Value {
    let kinds: Vec<_> = DOMAINS.iter().map(|d| d.kind).collect();
    let of_kind = |kind: &str, grammar: &Grammar| {
        json!({
            "if": { "properties": { "scenario": { "properties": { "kind": { "const": kind } } } } },
            "then": of_grammar(grammar),
        })
    };
    let each: Vec<_> = DOMAINS.iter().map(|d| of_kind(d.kind, &d.grammar)).collect();
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Cotangent scenario",
        "type": "object",
        "required": ["scenario"],
        "properties": { "scenario": { "properties": { "kind": { "enum": kinds } } } },
        "allOf": each,
    })
}

/// Keys, lists of tables and open tables of a kind.
fn of_grammar(grammar: &Grammar) -> Value {
    let mut root = object(COMMON.iter().chain(grammar.keys));
    for list in grammar.lists {
        let mut tables = json!({ "type": "array", "description": list.doc });
        tables["items"] = object(list.keys.iter());
        root["properties"][list.name] = tables;
        if list.required {
            require(&mut root, list.name);
        }
    }
    for table in grammar.open_tables {
        root["properties"][*table] = json!({ "type": "object" });
    }
    root
}

/// Tables as nested objects; no other key is allowed.
fn object<'a>(keys: impl Iterator<Item = &'a AnyKey>) -> Value {
    let mut root = json!({ "type": "object", "additionalProperties": false, "properties": {} });
    for key in keys {
        let mut table = &mut root;
        let mut names = key.path.split('.').peekable();
        while let Some(name) = names.next() {
            if key.default.is_none() {
                require(table, name);
            }
            let properties = &mut table["properties"];
            if names.peek().is_none() {
                properties[name] = property(key);
            } else {
                if properties.get(name).is_none() {
                    properties[name] = json!({ "type": "object", "additionalProperties": false, "properties": {} });
                }
                table = &mut table["properties"][name];
            }
        }
    }
    root
}

fn require(table: &mut Value, name: &str) {
    if !table["required"].is_array() {
        table["required"] = json!([]);
    }
    if let Some(names) = table["required"].as_array_mut()
        && !names.iter().any(|n| n == name)
    {
        names.push(name.into());
    }
}

fn property(key: &AnyKey) -> Value {
    let mut schema = of_kind(&key.kind);
    let unit = match key.kind {
        AnyKind::Number { unit, .. } | AnyKind::Numbers { unit, .. } if !unit.is_empty() => {
            format!("; a bare number is in {unit}")
        }
        _ => String::new(),
    };
    schema.insert("description".into(), format!("{}{unit}", key.doc).into());
    // a quantity's default is the simulation's own, which no schema knows
    let default = key.default.filter(|_| !matches!(key.kind, AnyKind::Amounts | AnyKind::Data));
    if let Some(default) = default.and_then(toml_value) {
        schema.insert("default".into(), default);
    }
    Value::Object(schema)
}

/// A default of the tables as JSON.
fn toml_value(text: &str) -> Option<Value> {
    let table: toml::Table = format!("v = {text}").parse().ok()?;
    serde_json::to_value(table.get("v")?).ok()
}

fn of_kind(kind: &AnyKind) -> Map<String, Value> {
    let bounded = |kind: &str, min: Option<Value>, max: Option<Value>| {
        let mut schema = Map::from_iter([("type".to_owned(), json!(kind))]);
        schema.extend(min.map(|m| ("minimum".to_owned(), m)));
        schema.extend(max.map(|m| ("maximum".to_owned(), m)));
        schema
    };
    let number = |unit: &str, min: f64, max: f64| {
        let finite = |v: f64| v.is_finite().then(|| json!(v));
        let bare = bounded("number", finite(min), finite(max));
        if unit.is_empty() {
            return bare;
        }
        let with_unit = json!({ "type": "string", "pattern": "^\\s*[-+0-9.eE]+\\s+\\S+\\s*$" });
        Map::from_iter([("anyOf".to_owned(), json!([bare, with_unit]))])
    };
    let integer = |min: i64, max: i64| {
        bounded("integer", Some(json!(min)), (max != i64::MAX).then(|| json!(max)))
    };
    let list = |items: Map<String, Value>| {
        Map::from_iter([("type".to_owned(), json!("array")), ("items".to_owned(), items.into())])
    };
    match kind {
        AnyKind::Number { unit, min, max } => number(unit, *min, *max),
        AnyKind::Numbers { unit, min, max, length } => {
            let mut schema = list(number(unit, *min, *max));
            let (least, most) = match length {
                Length::Any => (None, None),
                Length::Exactly(n) => (Some(n), Some(n)),
                Length::NoneOr(n) => (None, Some(n)),
            };
            schema.extend(least.map(|n| ("minItems".to_owned(), json!(n))));
            schema.extend(most.map(|n| ("maxItems".to_owned(), json!(n))));
            schema
        }
        AnyKind::Integer { min, max } => integer(*min, *max),
        AnyKind::Counts { min, max } => list(integer(*min, *max)),
        AnyKind::Flag => bounded("boolean", None, None),
        AnyKind::Text | AnyKind::File => bounded("string", None, None),
        AnyKind::Amounts | AnyKind::Data => {
            let kinds = json!(["number", "string", "array"]);
            Map::from_iter([("type".to_owned(), kinds)])
        }
        AnyKind::Texts => list(bounded("string", None, None)),
        AnyKind::Choice(names) => Map::from_iter([("enum".to_owned(), json!(names))]),
    }
}
