#[test]
fn the_schema_refuses_much_of_what_is_refused() {
    super::top_level_fields_have_ranges();
    super::entries_have_rules();
    super::delays_have_one_kind_and_ranges();
    super::aborts_have_one_ending_and_ranges();
    super::changes_and_rates_have_rules();
    super::pasted::forms_of_protobufs_json_are_refused_with_the_one_to_write();
    let refused = schema_check::refused::<crate::Config>();
    assert!(refused.by_schema >= 40, "{refused:?}");
}
