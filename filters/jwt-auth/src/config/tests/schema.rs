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
