use proptest::{prop_oneof, proptest};
use schema_check::compare;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::config::{
    Buckets, ExpressionText, Extract, FieldName, HostPattern, LabelName, MethodName, MetricName,
    Objective, OperationName, RedactionKey, ShortName,
    providers::{Endpoint, ProviderName, ResourceValue, SecretText, UrlPath},
    tracing::{SampleRate, SamplingPercentage},
};

fn agree<T: DeserializeOwned + JsonSchema + 'static>(document: &Value) {
    compare::<T>(document, T::deserialize(document).is_ok());
}

proptest! {
    #[test]
    fn schema_accepts_every_valid_text(text in prop_oneof![
        "[a-z][a-z0-9_]{0,64}",
        "[A-Z-]{1,33}",
        "(\\*\\.)?[A-Za-z0-9.\\[\\]_:-]{1,20}",
        "[A-Za-z0-9._/{}:-]{1,65}",
        "[a-z0-9_-]{1,4}(\\.[a-zA-Z]{1,3}){0,2}:[0-9]{1,5}",
        "/[!-~]{0,20}",
        "[a-z(\\[\\])]{1,8}",
        "[ -~]{0,300}",
        "\\PC{0,20}",
    ]) {
        let document = json!(text);
        agree::<Endpoint>(&document);
        agree::<Extract>(&document);
        agree::<FieldName>(&document);
        agree::<HostPattern>(&document);
        agree::<MethodName>(&document);
        agree::<MetricName>(&document);
        agree::<OperationName>(&document);
        agree::<ProviderName>(&document);
        agree::<RedactionKey>(&document);
        agree::<ResourceValue>(&document);
        agree::<SecretText>(&document);
        agree::<LabelName>(&document);
        agree::<ShortName>(&document);
        agree::<ExpressionText>(&document);
        agree::<UrlPath>(&document);
    }

    #[test]
    fn schema_accepts_every_valid_number(number in -1.0..101.0, rate in -0.5..1.5) {
        for number in [json!(number), json!(f64::round(number)), json!(rate)] {
            agree::<Buckets>(&json!([number, 50]));
            agree::<Objective>(&number);
            agree::<SampleRate>(&number);
            agree::<SamplingPercentage>(&number);
        }
    }
}
