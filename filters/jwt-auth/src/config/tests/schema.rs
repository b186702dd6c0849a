use proptest::{prop_oneof, proptest};
use schema_check::compare;
use serde::Deserialize;
use serde_json::json;

use crate::config::{FetchUrl, NonEmpty, Realm, RuleName, Url};

#[test]
fn the_schema_refuses_much_of_what_is_refused() {
    super::the_document_itself();
    super::an_entry_of_jwt_rules();
    super::an_entry_of_keys();
    super::an_entry_of_rules();
    super::fetching::keys_that_are_fetched();
    super::fetching::how_keys_are_fetched();
    super::fetching::deny_lists_that_are_fetched();
    let refused = schema_check::refused::<crate::Config>();
    assert!(refused.by_schema >= 19, "{refused:?}");
}

proptest! {
    #[test]
    fn no_text_that_is_accepted_is_refused_by_the_schema(text in prop_oneof![
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
