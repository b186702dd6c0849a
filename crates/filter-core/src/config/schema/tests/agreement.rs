//! Schemas and parsers accept the same values.

use proptest::{prop_oneof, proptest, strategy::Strategy};
use schemars::JsonSchema;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

use crate::{
    ClaimPath, ConsistentHash, CookieAttribute, DurationWithin, EditableHeaderName, EntryName,
    HashCookie, HeaderChanges, HeaderName, HeaderOperations, HeaderText, HttpMatch, IntegerWithin,
    IpRange, PathTemplate, Percentage, Salt, Schedule, SourceMatch, StringMatch, SuccessCriteria,
    TimeOfDay, Timestamp, UtcOffset, Window, matching::string_match::ValueMatch, schema,
};

fn check_examples<T: DeserializeOwned + JsonSchema + 'static>() {
    let schema = schema::of::<T>();
    let examples = schema["examples"].as_array().unwrap();
    assert!(!examples.is_empty());
    for example in examples {
        assert!(T::deserialize(example).is_ok(), "{example}");
        schema_check::compare::<T>(example, true);
    }
}

#[test]
fn accepts_the_examples_of_every_type() {
    check_examples::<ClaimPath>();
    check_examples::<ConsistentHash>();
    check_examples::<CookieAttribute>();
    check_examples::<DurationWithin<0, 0>>();
    check_examples::<DurationWithin<1, 1_000>>();
    check_examples::<DurationWithin<100, 60_000>>();
    check_examples::<DurationWithin<3_600_000, { u64::MAX }>>();
    check_examples::<EditableHeaderName>();
    check_examples::<EntryName>();
    check_examples::<HashCookie>();
    check_examples::<HeaderChanges>();
    check_examples::<HeaderName>();
    check_examples::<HeaderOperations>();
    check_examples::<HttpMatch>();
    check_examples::<IpRange>();
    check_examples::<PathTemplate>();
    check_examples::<Percentage>();
    check_examples::<Salt>();
    check_examples::<Schedule>();
    check_examples::<SourceMatch>();
    check_examples::<StringMatch>();
    check_examples::<SuccessCriteria>();
    check_examples::<TimeOfDay>();
    check_examples::<Timestamp>();
    check_examples::<UtcOffset>();
    check_examples::<ValueMatch>();
    check_examples::<Window>();
}

#[test]
fn accepts_the_examples_of_every_operator() {
    let schema = schema::of::<StringMatch>();
    for (operator, property) in schema["properties"].as_object().unwrap() {
        for example in property["examples"].as_array().into_iter().flatten() {
            let condition = json!({operator: example});
            assert!(StringMatch::deserialize(&condition).is_ok(), "{condition}");
        }
    }
}

fn agree<T: DeserializeOwned + JsonSchema + 'static>(document: &serde_json::Value) {
    schema_check::compare::<T>(document, T::deserialize(document).is_ok());
}

/// Texts that are often valid for one of the types.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "([0-9]{0,3}\\.?[0-9]{0,2}(ns|us|µs|μs|ms|s|m|h)){1,3}",
        "[a-c.\\[\\]]{1,12}",
        "[0-9]{1,3}\\.[0-9]\\.[0-9]\\.[0-9](/[0-9]{1,3})?",
        "([0-9a-fA-F]{1,4}:){1,7}(:|[0-9a-f]{1,4})(/[0-9]{1,4})?",
        "[+-]?[0-2][0-9]:[0-6][0-9]",
        "20[0-9]{2}-[01][0-9]-[0-2][0-9][Tt _][0-2][0-9]:[0-5][0-9]:[0-6][0-9](\\.[0-9]{1,9})?(Z|z|[+-]0[0-9]:[0-5][0-9])",
        "/(([a-zé%]{0,3}|\\{[a-c*]{1,2}(=\\*\\*?)?\\})/){0,3}",
        "[!-~]{1,8}",
        "\\PC{0,20}",
        "[ -~\t]{0,140}",
    ]
}

proptest! {
    #[test]
    fn on_texts(text in text()) {
        let document = json!(text);
        agree::<ClaimPath>(&document);
        agree::<DurationWithin<0, 3_600_000>>(&document);
        agree::<EditableHeaderName>(&document);
        agree::<EntryName>(&document);
        agree::<HeaderName>(&document);
        agree::<HeaderText>(&document);
        agree::<IpRange>(&document);
        agree::<PathTemplate>(&document);
        agree::<Salt>(&document);
        agree::<TimeOfDay>(&document);
        agree::<Timestamp>(&document);
        agree::<UtcOffset>(&document);
    }

    #[test]
    fn on_names_of_members(name in text(), regex in "[a-z().*+?\\[\\]]{0,8}") {
        let value = json!({"regex": regex});
        agree::<HttpMatch>(&json!({"headers": {(&name): {}}, "cookies": {(&name): value}}));
        agree::<HttpMatch>(&json!({"claims": {(&name): value}, "source": {"ip": name}}));
    }

    #[test]
    fn on_numbers(number in prop_oneof![-2.0..102.0, 0.0..0.001], whole in -5_i64..20) {
        for number in [json!(number), json!(f64::trunc(number)), json!(whole)] {
            agree::<IntegerWithin<1, 10>>(&number);
            agree::<Percentage>(&json!({"value": number}));
        }
    }
}
