//! What holds for any bytes.

use filter_core::Headers;
use proptest::prelude::*;
use serde_json::json;

use crate::{
    Reason,
    algorithm::Algorithm,
    testing::{bearer, claims, document, plain, request, tester, token, with},
};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_in_any_location_panic(
        header in prop::collection::vec(any::<u8>(), 0..200),
        path in prop::collection::vec(any::<u8>(), 0..200),
        cookie in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let fields = json!({
            "fromHeaders": [{"name": "authorization"}],
            "fromParams": ["a"],
            "fromCookies": ["b"],
        });
        let path = [b"/?a=".to_vec(), path].concat();
        let headers = Headers::from_iter([
            (":path", path), ("authorization", header), ("cookie", cookie),
        ]);
        tester(&document(fields)).send(&headers);
    }

    #[test]
    fn no_three_parts_of_base64url_are_admitted(
        parts in prop::array::uniform3("[A-Za-z0-9_-]{1,80}"),
    ) {
        let refused = tester(&document(json!({}))).bearer(&parts.join(".")).is_some();
        prop_assert!(refused);
    }

    #[test]
    fn a_token_with_another_byte_anywhere_is_refused(
        place in any::<prop::sample::Index>(),
        byte in "[A-Za-z0-9._-]",
        algorithm in prop::sample::select(vec![Algorithm::EdDsa, Algorithm::Hs256, Algorithm::Es256]),
    ) {
        let good = token(algorithm, &claims());
        let place = place.index(good.len());
        let changed = format!("{}{byte}{}", &good[..place], &good[place + 1..]);
        prop_assume!(changed != good);
        let refused = tester(&document(json!({}))).bearer(&changed).is_some();
        prop_assert!(refused);
    }

    #[test]
    fn no_other_byte_in_a_request_admits_without_a_good_token(
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        form in prop::sample::select(vec!["@", "Basic x, @", "@, Basic x", "@, @", "@,"]),
        spoilt in any::<prop::sample::Index>(),
    ) {
        let good = token(Algorithm::Hs256, &claims());
        let other = spoilt.index(good.len() - 1);
        let forged = format!("{}{}", &good[..other], &good[other + 1..]);
        let value = form.replace('@', &format!("Bearer {forged}"));
        let mut value = value.into_bytes();
        let place = place.index(value.len());
        value[place] = byte;
        let document = with(document(json!({})), "rules", json!([{}]));
        let holds = value.windows(good.len()).any(|part| part == good.as_bytes());
        let headers = request("/", [("authorization", value)]);
        let refused = tester(&document).send(&headers).0.reason().is_some();
        prop_assert!(refused || holds);
    }

    #[test]
    fn cutting_a_parameter_keeps_all_other_bytes(
        before in prop::collection::vec("[a-z0-9%=+]{0,8}", 0..4),
        after in prop::collection::vec("[a-z0-9%=+]{0,8}", 0..4),
    ) {
        let good = token(Algorithm::EdDsa, &claims());
        let join = |middle: &[String]| {
            let all: Vec<_> = before.iter().chain(middle).chain(&after).cloned().collect();
            all.join("&")
        };
        let path = format!("/x?{}", join(&[format!("access_token={good}")]));
        let (answer, _) = tester(&document(json!({}))).send(&plain(&path));
        let rest = join(&[]);
        let none = before.is_empty() && after.is_empty();
        let expected = if none { "/x".to_owned() } else { format!("/x?{rest}") };
        prop_assert_eq!(answer.admission().path, Some(expected.into_bytes()));
    }

    #[test]
    fn a_token_cut_anywhere_is_refused(length in any::<prop::sample::Index>()) {
        let good = token(Algorithm::EdDsa, &claims());
        let cut = &good[..length.index(good.len())];
        let expected = if cut.is_empty() { None } else { Some(()) };
        let found: Option<Reason> = tester(&document(json!({}))).send(&bearer(cut)).0.reason();
        prop_assert_eq!(found.map(|_| ()), expected);
    }
}
