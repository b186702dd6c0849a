//! Values that cannot be read.

use super::*;

#[cfg(not(target_arch = "wasm32"))]
proptest::proptest! {
    /// Hiding the peer's address, or repeating a header, never turns a denial into a pass.
    #[test]
    fn an_unreadable_value_never_opens_a_door(
        deny in proptest::collection::vec(rule(), 0..3),
        allow in proptest::collection::vec(rule(), 0..3),
        address in 0u8..4,
        user in "[ab]",
        hide_address: bool,
        repeat_header: bool,
    ) {
        let mut documents = vec![policy("DENY", Value::Array(deny))];
        if !allow.is_empty() {
            documents.push(policy("ALLOW", Value::Array(allow)));
        }
        let document = json!({"policies": documents});
        let mut readable = request(&[("x-user", &user)]);
        readable
            .attributes
            .insert("source.address".to_owned(), format!("10.0.0.{address}:1").into_bytes());
        let mut hidden = readable.clone();
        if hide_address {
            hidden.attributes.insert("source.address".to_owned(), b"10.0.0.1:0".to_vec());
        }
        if repeat_header {
            let headers = readable.headers.iter().chain([(&b"x-user"[..], &b"c"[..])]);
            hidden.headers = headers.collect();
        }
        let (open, closed) = (allows(&document, &readable), allows(&document, &hidden));
        proptest::prop_assert!(open || !closed || !(hide_address || repeat_header));
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn rule() -> impl proptest::strategy::Strategy<Value = Value> {
    use proptest::{
        prelude::{Just, prop_oneof},
        strategy::Strategy,
    };
    let address = (0u8..4, proptest::bool::ANY).prop_map(|(last, is_negated)| {
        let field = if is_negated { "notIpBlocks" } else { "ipBlocks" };
        json!({"from": [{"source": {field: [format!("10.0.0.{last}")]}}]})
    });
    let header = ("[ab]", proptest::bool::ANY).prop_map(|(user, is_negated)| {
        let field = if is_negated { "notValues" } else { "values" };
        json!({"when": [{"key": "request.headers[x-user]", field: [user]}]})
    });
    let both = (address.clone(), header.clone()).prop_map(|(mut address, header)| {
        address["when"] = header["when"].clone();
        address
    });
    prop_oneof![address, header, both, Just(json!({}))]
}
