#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::{Request, parse_config};
use serde_json::Value;

use super::*;
use crate::{
    config::OneOrMany,
    export::{Protocol, QueueLimits},
    expression::{Attributes, Slot},
    stream::direction::Direction,
};

fn provider_of(name: &str) -> Provider {
    Provider {
        name: name.into(),
        cluster: filter_core::ClusterRef::from_parts(None, None, None, Some("otel"))
            .unwrap()
            .unwrap(),
        authority: "otel".to_owned(),
        protocol: Protocol::Grpc,
        headers: Vec::new(),
        timeout: std::time::Duration::from_secs(3),
        limits: QueueLimits::default(),
        max_tag_length: 256,
        resource: Vec::new(),
    }
}

type Compiled = Result<(Tracing, Vec<String>), String>;

fn compile_with(entries: Option<&Value>, providers: &[&str], rate: Option<f64>) -> Compiled {
    let entries = entries.map(|entries| {
        let parsed = parse_config::<OneOrMany<TracingConfig>>(entries.to_string().as_bytes());
        #[cfg(not(target_arch = "wasm32"))]
        schema_check::compare::<OneOrMany<TracingConfig>>(entries, parsed.is_ok());
        parsed.map(|OneOrMany(entries)| entries).map_err(|error| error.to_string())
    });
    let entries = entries.transpose()?;
    let names: Vec<_> = providers.iter().map(|name| (*name).to_owned()).collect();
    let providers: Vec<_> = providers.iter().map(|name| provider_of(name)).collect();
    let variable = |name: &str| (name == "REGION").then(|| "eu".to_owned());
    let context = CompileContext {
        providers: &providers,
        names: &names,
        has_endpoint: entries.is_none() && !providers.is_empty(),
        sample_rate: rate.map(|rate| serde_json::from_value(json!(rate)).unwrap()),
        variable: &variable,
    };
    let mut compiler = Compiler::default();
    let tracing = Tracing::compile(entries.as_deref(), &context, &mut compiler);
    let warnings = compiler.warnings.iter().map(ToString::to_string).collect();
    compiler.errors.finish((tracing, warnings)).map_err(|error| error.to_string())
}

fn compile(entry: &Value) -> Compiled {
    compile_with(Some(entry), &["otel", "other"], None)
}

fn tags_of(tags: &Value) -> Result<Vec<Tag>, String> {
    let (tracing, _) = compile(&json!({"randomSamplingPercentage": 1, "customTags": tags}))?;
    Ok(tracing.tracers()[0].tags.clone())
}

#[test]
fn tracing_is_off_by_default() {
    let (tracing, warnings) = compile_with(None, &[], None).unwrap();
    assert!(tracing.tracers().is_empty() && warnings.is_empty());
}

#[test]
fn the_short_form_samples_by_its_rate() {
    let (tracing, warnings) = compile_with(None, &["otel"], Some(0.1)).unwrap();
    let (_, tracer) = tracing.tracer(Direction::Unspecified).unwrap();
    assert_eq!(tracer.threshold, Threshold::from_millionths(100_000));
    assert_eq!((tracer.provider, tracer.has_spans), (Some(0), true));
    assert_eq!(warnings, [] as [&str; 0]);
    let (tracing, warnings) = compile_with(None, &["otel"], None).unwrap();
    assert!(tracing.tracers()[0].threshold.is_none());
    let text = "tracing[0]: samples no new trace: only callers decide which traces are sampled";
    assert_eq!(warnings, [text]);
}

#[test]
fn a_rate_requires_tracing_without_a_percentage() {
    let error = compile_with(None, &[], Some(0.1)).unwrap_err();
    assert_eq!(error, "sampleRate: must not be given without tracing or endpoint");
    let entry = json!({"randomSamplingPercentage": 1});
    let error = compile_with(Some(&entry), &["otel"], Some(0.1)).unwrap_err();
    assert_eq!(error, "sampleRate: must not be given together with randomSamplingPercentage");
    let entries = json!([{"match": {"mode": "SERVER"}}, {"match": {"mode": "CLIENT"}}]);
    let (tracing, _) = compile_with(Some(&entries), &["otel"], Some(0.1)).unwrap();
    let is_none = |index: usize| tracing.tracers()[index].threshold.is_none();
    assert!(!is_none(0) && is_none(1), "the first entry only");
}

#[test]
fn the_first_matching_entry_applies() {
    let entries = json!([
        {"match": {"mode": "CLIENT"}, "providers": [{"name": "other"}]},
        {"providers": [{"name": "otel"}]},
    ]);
    let (tracing, _) = compile(&entries).unwrap();
    for (direction, provider) in
        [(Direction::Outbound, 1), (Direction::Inbound, 0), (Direction::Unspecified, 1)]
    {
        let found = tracing.tracer(direction).unwrap().1.provider;
        assert_eq!(found, Some(provider), "{direction:?}");
    }
}

#[test]
fn without_a_provider_no_spans_are_built() {
    let entry = json!({"randomSamplingPercentage": 1});
    let (tracing, warnings) = compile_with(Some(&entry), &[], None).unwrap();
    let tracer = &tracing.tracers()[0];
    assert!(!tracer.has_spans && !tracer.threshold.is_none());
    assert_eq!(warnings, ["tracing[0]: no provider accepts spans, so none are created"]);
}

#[test]
fn the_first_matching_sampling_filter_applies() {
    struct NoAttributes;
    impl Attributes for NoAttributes {
        fn value(&self, _slot: Slot) -> Option<&crate::expression::Value> {
            None
        }
    }

    let entry = json!({
        "randomSamplingPercentage": 1,
        "sampling": [
            {"filter": {"expression": "request.headers['x-absent'] == 'a'"}, "percentage": {"value": 50}},
            {"filter": {"match": [{"headers": {"x-debug": {"exact": "true"}}}]}, "percentage": {"value": 100}},
        ],
    });
    let (tracing, _) = compile(&entry).unwrap();
    let tracer = &tracing.tracers()[0];
    let mut request = Request::default();
    let failed = std::cell::Cell::new(0);
    let threshold = |request: &Request| {
        tracer.sampling_threshold(&NoAttributes, request, || failed.set(failed.get() + 1))
    };
    assert_eq!(threshold(&request), Threshold::from_millionths(10_000));
    request.headers.push("x-debug", "true");
    assert_eq!(threshold(&request), Threshold::from_millionths(1_000_000));
    assert_eq!(failed.get(), 2, "each failure is counted");
}

#[test]
fn environment_tags_are_resolved_at_compilation() {
    let tags = tags_of(&json!({
        "region": {"environment": {"name": "REGION"}},
        "zone": {"environment": {"name": "ZONE", "defaultValue": "a"}},
        "absent": {"environment": {"name": "ABSENT"}},
    }));
    let literal = |tag: &Tag| match &tag.action {
        TagAction::Put(TagSource::Literal(text), None) => format!("{}={text}", tag.key),
        other => panic!("{other:?}"),
    };
    let tags: Vec<_> = tags.unwrap().iter().map(literal).collect();
    assert_eq!(tags, ["region=eu", "zone=a"]);
}

#[test]
fn sensitive_tags_must_be_hashed() {
    for (tag, path) in [
        (json!({"header": {"name": "Authorization"}}), "a"),
        (json!({"header": {"name": "cookie"}, "redact": "MASK"}), "a"),
        (json!({"expression": {"value": "request.headers['x-api-key']"}}), "a.expression.value"),
    ] {
        let error = tags_of(&json!({"a": tag})).unwrap_err();
        assert_eq!(error, format!("tracing[0].customTags.{path}: {SENSITIVE}"));
    }
    tags_of(&json!({"a": {"header": {"name": "authorization"}, "redact": "HASH"}})).unwrap();
}

#[test]
fn built_in_attributes_can_be_removed_or_redacted() {
    let tags = tags_of(&json!({
        "client.address": {"redact": "TRUNCATE_IP"}, "url.path": {"operation": "REMOVE"},
    }));
    let tags = tags.unwrap();
    assert!(matches!(tags[0].action, TagAction::Redact(Redaction::TruncateIp)));
    assert!(matches!(tags[1].action, TagAction::Remove));
    let error = tags_of(&json!({"mine": {"operation": "REMOVE"}})).unwrap_err();
    let rule = "must have a value: it is not a built-in attribute";
    assert_eq!(error, format!("tracing[0].customTags.mine: {rule}"));
}

#[test]
fn invalid_entries_are_rejected() {
    let covered = "tracing[1]: can never apply: earlier entries match all its listeners";
    let one = "must have exactly one of literal, environment, header, expression";
    for (entries, message) in [
        (json!([]), "tracing: must have 1 to 4 entries".to_owned()),
        (json!([{}, {}]), covered.to_owned()),
        (json!([{}, {"match": {"mode": "CLIENT"}}]), covered.to_owned()),
        (
            json!({"providers": [{"name": "envoy"}]}),
            r#"tracing[0].providers[0].name: must be one of extensionProviders, got "envoy""#
                .to_owned(),
        ),
        (
            json!({"providers": [{"name": "otel"}, {"name": "other"}]}),
            "tracing[0].providers: must have at most 1 entry".to_owned(),
        ),
        (json!({"customTags": {"a": {}}}), format!("tracing[0].customTags.a: {one}")),
        (
            json!({"customTags": {"a": {"literal": {"value": "x"}, "header": {"name": "x"}}}}),
            format!("tracing[0].customTags.a: {one}"),
        ),
    ] {
        assert_eq!(compile(&entries).unwrap_err(), message);
    }
    let late = json!({"sampling": [
        {"filter": {"expression": "response.code == 500"}, "percentage": {"value": 1}},
    ]});
    let error = compile(&late).unwrap_err();
    assert!(
        error.starts_with("tracing[0].sampling[0].filter.expression: response.code"),
        "{error}"
    );
}
