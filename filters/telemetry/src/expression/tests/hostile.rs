//! Hostile text and bytes.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn is_rejected(text: &str) -> bool {
    Expression::compile(text, Phase::End, ResultKind::Any, &mut AttributeTable::default()).is_err()
}

#[test]
fn nesting_is_limited() {
    let nested = |depth: usize| format!("{}1{}", "(1 + ".repeat(depth), ")".repeat(depth));
    assert!(!is_rejected(&nested(15)));
    for text in [
        nested(100),
        format!("{}1", "1 + ".repeat(60)),
        format!("{}true", "true ? true : ".repeat(60)),
        format!("{}1{}", "[".repeat(500), "]".repeat(500)),
        format!("request{}", ".a".repeat(500)),
        format!("'a'{}", ".f()".repeat(250)),
        format!("{}'a'{}", "f(".repeat(300), ")".repeat(300)),
    ] {
        assert!(is_rejected(&text), "{text}");
    }
    assert!(!is_rejected(&format!("{}true", "!".repeat(1000))));
    assert!(!is_rejected(&format!("{}true", "true && ".repeat(120))));
}

#[test]
fn long_text_is_rejected() {
    assert!(is_rejected(&"1 ".repeat(600)));
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use proptest::prelude::*;

    use super::*;

    /// Fragments that make random text similar to expressions.
    const FRAGMENTS: [&str; 40] = [
        "request.path",
        "response.code",
        "request.headers['x']",
        "request.auth.claims",
        ".a",
        "1",
        "-2",
        "1.5",
        "'a'",
        "\"é\"",
        "duration('1s')",
        "true",
        "false",
        "null",
        "has(",
        "size(",
        "int(",
        "string(",
        "double(",
        ".matches('a+')",
        ".startsWith('a')",
        ".contains(",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        "?",
        ":",
        "==",
        "!=",
        "<=",
        ">",
        " in ",
        "&&",
        "||",
        "!",
        "+",
    ];

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,80}") {
            let _ = is_rejected(&text);
        }

        #[test]
        fn no_sequence_of_fragments_panics(
            fragments in prop::collection::vec(prop::sample::select(&FRAGMENTS[..]), 0..30),
            bytes in prop::collection::vec(any::<u8>(), 0..20),
            number in any::<i64>(),
        ) {
            let text = fragments.concat();
            let mut reads = AttributeTable::default();
            let compiled = Expression::compile(&text, Phase::End, ResultKind::Any, &mut reads);
            if let Ok(expression) = compiled {
                let stream = stream(&reads, &[
                    ("request.path", Value::Text(bytes.clone())),
                    ("response.code", Value::Int(number)),
                    ("request.headers['x']", Value::Text(bytes)),
                ]);
                let _ = expression.evaluate(&stream);
            }
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
            for encoding in [Encoding::Text, Encoding::Int, Encoding::Bool, Encoding::Duration, Encoding::Timestamp, Encoding::Dynamic] {
                let _ = Attribute::property(&["a"], encoding, Phase::End).decode(bytes.clone());
            }
        }
    }
}
