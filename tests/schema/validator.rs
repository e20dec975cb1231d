//! As much of JSON Schema (draft 2020-12) as the manifest's schema uses.
//!
//! A keyword that is not read here would make every check pass: [`unknown_keywords`] finds them.

use std::collections::BTreeSet;

use serde_json::Value;

const CHECKED: [&str; 12] = [
    "$ref",
    "additionalProperties",
    "anyOf",
    "enum",
    "items",
    "minItems",
    "pattern",
    "properties",
    "propertyNames",
    "required",
    "type",
    "format",
];
const ANNOTATIONS: [&str; 5] = ["$defs", "$schema", "description", "examples", "title"];

/// Keywords of a schema that are not checked here.
pub(crate) fn unknown_keywords(schema: &Value) -> BTreeSet<String> {
    let mut unknown = BTreeSet::new();
    let Some(map) = schema.as_object() else {
        return unknown;
    };
    for (keyword, value) in map {
        match keyword.as_str() {
            "properties" | "$defs" => {
                let inner = value.as_object().expect("an object").values();
                unknown.extend(inner.flat_map(unknown_keywords));
            }
            "anyOf" => unknown.extend(
                value
                    .as_array()
                    .expect("a list")
                    .iter()
                    .flat_map(unknown_keywords),
            ),
            "additionalProperties" | "items" | "propertyNames" => {
                unknown.extend(unknown_keywords(value));
            }
            known if CHECKED.contains(&known) || ANNOTATIONS.contains(&known) => {}
            other => drop(unknown.insert(other.to_owned())),
        }
    }
    unknown
}

/// Where a value breaks a schema, with the path to it.
pub(crate) fn violations(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, schema, value, "", &mut found);
    found
}

fn check(root: &Value, schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference
            .strip_prefix('#')
            .expect("a reference into the schema");
        let target = root.pointer(pointer).expect("its target");
        check(root, target, value, path, found);
    }
    let mut broken = |keyword: &str| found.push(format!("{path}: {keyword}"));
    if !schema["type"].is_null() && !has_type(&schema["type"], value) {
        broken("type");
        return;
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        broken("enum");
    }
    if let (Some(pattern), Some(text)) = (schema["pattern"].as_str(), value.as_str())
        && !matches(pattern, text)
    {
        broken("pattern");
    }
    if let (Some("date"), Some(text)) = (schema["format"].as_str(), value.as_str())
        && text.parse::<jiff::civil::Date>().is_err()
    {
        broken("format");
    }
    if let Some(alternatives) = schema["anyOf"].as_array() {
        let fits = |one: &Value| {
            let mut inner = Vec::new();
            check(root, one, value, path, &mut inner);
            inner.is_empty()
        };
        if !alternatives.iter().any(fits) {
            broken("anyOf");
        }
    }
    check_items(root, schema, value, path, found);
    check_properties(root, schema, value, path, found);
}

fn check_items(root: &Value, schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    let Some(items) = value.as_array() else {
        return;
    };
    let least = schema["minItems"].as_u64().unwrap_or(0);
    if u64::try_from(items.len()).expect("a short list") < least {
        found.push(format!("{path}: minItems"));
    }
    for (index, item) in items.iter().enumerate() {
        check(
            root,
            &schema["items"],
            item,
            &format!("{path}/{index}"),
            found,
        );
    }
}

fn check_properties(
    root: &Value,
    schema: &Value,
    value: &Value,
    path: &str,
    found: &mut Vec<String>,
) {
    let Some(map) = value.as_object() else {
        return;
    };
    for name in schema["required"].as_array().into_iter().flatten() {
        if !map.contains_key(name.as_str().expect("a text")) {
            found.push(format!("{path}: required {name}"));
        }
    }
    for (name, inner) in map {
        let path = format!("{path}/{name}");
        check(
            root,
            &schema["propertyNames"],
            &Value::from(name.as_str()),
            &path,
            found,
        );
        match (&schema["properties"][name], &schema["additionalProperties"]) {
            (Value::Null, Value::Bool(false)) => found.push(format!("{path}: unknown key")),
            (Value::Null, others) => check(root, others, inner, &path, found),
            (known, _) => check(root, known, inner, &path, found),
        }
    }
}

fn has_type(wanted: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "object" => value.is_object(),
        "string" => value.is_string(),
        other => panic!("the type `{other}`"),
    };
    match wanted {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().any(|name| is(name.as_str().expect("a text"))),
        other => panic!("the type {other}"),
    }
}

/// The two patterns of the schema; another one has to be written here.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern {
        "^[A-Za-z_][A-Za-z0-9_]*$" => endow::manifest::is_name(text),
        "^[a-z][a-z0-9_-]*://" => text
            .split_once("://")
            .is_some_and(|(scheme, _)| endow::manifest::reference::is_scheme(scheme)),
        other => panic!("the pattern `{other}`"),
    }
}
