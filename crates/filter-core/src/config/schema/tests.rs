#[cfg(not(target_arch = "wasm32"))]
mod agreement;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::{Percentage, StringMatch};

/// A document.
///
/// - One thing
///   of it.
/// - Another.
///
/// ```
/// let code = 1;
/// ```
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, default, transform = alias("share", "percent"))]
#[derive(Default)]
struct Document {
    /// How
    /// much.
    share: Option<Percentage>,
    count: u16,
    #[schemars(schema_with = "one_or_many::<u16>")]
    ports: Vec<u16>,
    selector: (),
}

#[test]
fn describes_the_document_and_not_the_rust_types() {
    let schema = of::<Document>();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["description"], "A document.\n\n- One thing of it.\n- Another.");
    assert_eq!(schema["properties"]["share"]["description"], "How much.");
    assert_eq!(schema["properties"]["share"], schema["properties"]["percent"]);
    assert_eq!(schema["properties"]["count"]["default"], 0);
    assert_eq!(schema["additionalProperties"], false);
    let ports = &schema["properties"]["ports"]["anyOf"];
    assert_eq!((&ports[1]["type"], &ports[1]["items"]), (&json!("array"), &ports[0]));
    for absent in ["/properties/selector", "/properties/count/format", "/properties/share/default"]
    {
        assert_eq!(schema.pointer(absent), None, "{absent}");
    }
}

#[test]
fn a_required_field_can_have_its_second_name() {
    #[derive(JsonSchema)]
    #[schemars(transform = alias("low", "min"), transform = alias("high", "max"))]
    struct Pair {
        #[expect(dead_code, reason = "only its schema is used")]
        low: u16,
        #[expect(dead_code, reason = "only its schema is used")]
        high: u16,
        #[expect(dead_code, reason = "only its schema is used")]
        name: String,
    }
    let schema = of::<Pair>();
    assert_eq!(schema["required"], json!(["name"]));
    let either = |names: [&str; 2]| json!({"oneOf": names.map(|name| json!({"required": [name]}))});
    assert_eq!(schema["allOf"], json!([either(["low", "min"]), either(["high", "max"])]));
}

#[test]
fn requires_exactly_one_operator() {
    let one = of::<StringMatch>()["oneOf"].clone();
    assert_eq!(one.as_array().map(Vec::len), Some(10));
    assert_eq!(one[1], json!({"required": ["prefix"]}));
}
