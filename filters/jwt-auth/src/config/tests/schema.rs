use filter_core::remote::FetchUrl;
use proptest::{prop_oneof, proptest};
use schema_check::compare;
use serde::Deserialize;
use serde_json::json;

use crate::config::{NonEmpty, Realm, RuleName, Url};

#[test]
fn the_schema_refuses_most_invalid_documents() {
    super::refuses_invalid_documents();
    super::refuses_invalid_jwt_rules();
    super::refuses_invalid_keys();
    super::refuses_invalid_rules();
    super::fetching::refuses_invalid_sources_of_keys();
    super::fetching::refuses_invalid_fetches_of_keys();
    super::fetching::refuses_invalid_deny_lists();
    let refused = schema_check::refused::<crate::Config>();
    assert!(refused.by_schema >= 19, "{refused:?}");
}

proptest! {
    #[test]
    fn the_schema_accepts_every_accepted_text(text in prop_oneof![
        "https?://[a-z.:@\\[\\]0-9]{1,12}(:[0-9]{1,5})?(/[!-~]{0,5})?(\\?[!-~]{0,5})?",
        "[a-z0-9-]{0,64}",
        "[ -~]{0,260}",
        "\\PC{0,4}",
    ]) {
        let document = json!(text);
        compare::<FetchUrl>(&document, FetchUrl::deserialize(&document).is_ok());
        compare::<NonEmpty>(&document, NonEmpty::deserialize(&document).is_ok());
        compare::<Realm>(&document, Realm::deserialize(&document).is_ok());
        compare::<RuleName>(&document, RuleName::deserialize(&document).is_ok());
        compare::<Url>(&document, Url::deserialize(&document).is_ok());
    }
}
