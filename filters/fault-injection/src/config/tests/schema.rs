#[test]
fn the_schema_refuses_most_invalid_documents() {
    super::checks_top_level_fields();
    super::checks_entries();
    super::checks_delays();
    super::checks_aborts();
    super::checks_changes_and_rates();
    super::pasted::suggests_the_field_for_protobuf_names();
    let refused = schema_check::refused::<crate::Config>();
    assert!(refused.by_schema >= 40, "{refused:?}");
}
