#[test]
fn the_schema_refuses_most_invalid_documents() {
    super::fields::checks_top_level_fields();
    super::numbers::checks_numbers_and_durations();
    super::fields::checks_other_fields();
    super::keys::checks_keys();
    super::pasted::suggests_the_field_for_protobuf_names();
    super::pasted::suggests_the_fields_of_this_filter();
    super::values::refuses_null_everywhere();
    let refused = schema_check::refused::<crate::Config>();
    assert!(refused.by_schema >= 70, "{refused:?}");
}
