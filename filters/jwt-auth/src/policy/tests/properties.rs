//! Properties of arbitrary bytes.

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
    fn does_not_panic_on_any_bytes(
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
    fn refuses_random_base64url(
        parts in prop::array::uniform3("[A-Za-z0-9_-]{1,80}"),
    ) {
        let refused = tester(&document(json!({}))).bearer(&parts.join(".")).is_some();
        prop_assert!(refused);
    }

    #[test]
    fn refuses_tokens_with_a_changed_byte(
        position in any::<prop::sample::Index>(),
        byte in "[A-Za-z0-9._-]",
        algorithm in prop::sample::select(vec![Algorithm::EdDsa, Algorithm::Hs256, Algorithm::Es256]),
    ) {
        let good = token(algorithm, &claims());
        let position = position.index(good.len());
        let changed = format!("{}{byte}{}", &good[..position], &good[position + 1..]);
        prop_assume!(changed != good);
        let refused = tester(&document(json!({}))).bearer(&changed).is_some();
        prop_assert!(refused);
    }

    #[test]
    fn changed_bytes_do_not_admit_without_a_valid_token(
        position in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        form in prop::sample::select(vec!["@", "Basic x, @", "@, Basic x", "@, @", "@,"]),
        removed in any::<prop::sample::Index>(),
    ) {
        let good = token(Algorithm::Hs256, &claims());
        let removed = removed.index(good.len() - 1);
        let forged = format!("{}{}", &good[..removed], &good[removed + 1..]);
        let value = form.replace('@', &format!("Bearer {forged}"));
        let mut value = value.into_bytes();
        let position = position.index(value.len());
        value[position] = byte;
        let document = with(document(json!({})), "rules", json!([{}]));
        let holds = value.windows(good.len()).any(|part| part == good.as_bytes());
        let headers = request("/", [("authorization", value)]);
        let refused = tester(&document).send(&headers).0.reason().is_some();
        prop_assert!(refused || holds);
    }

    #[test]
    fn removing_a_parameter_keeps_all_other_bytes(
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
    fn refuses_truncated_tokens(length in any::<prop::sample::Index>()) {
        let good = token(Algorithm::EdDsa, &claims());
        let cut = &good[..length.index(good.len())];
        let expected = if cut.is_empty() { None } else { Some(()) };
        let found: Option<Reason> = tester(&document(json!({}))).send(&bearer(cut)).0.reason();
        prop_assert_eq!(found.map(|_| ()), expected);
    }
}
