//! Evaluation of expressions.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn constants_are_folded() {
    let text = |text: &str| Value::text(text);
    for (expression, expected) in [
        ("1 + 2 * 3", Value::Int(7)),
        ("-7 / 2", Value::Int(-3)),
        ("-7 % 3", Value::Int(-1)),
        ("1.5 * 2.0", Value::Double(3.0)),
        ("'a' + 'b'", text("ab")),
        ("duration('1s') + duration('-500ms')", Value::Duration(500_000_000)),
        ("duration('1h') > duration('59m')", Value::Bool(true)),
        ("1 == 1.0 && 2 > 1.5", Value::Bool(true)),
        ("'b' > 'a' && 'é' > 'z'", Value::Bool(true)),
        ("true ? 'yes' : 'no'", text("yes")),
        ("2 in [1, 2, 3]", Value::Bool(true)),
        ("'d' in ['a', 'b']", Value::Bool(false)),
        ("[1, 2] == [1, 2]", Value::Bool(true)),
        ("size('é') + 'ab'.size() + size([1, 2])", Value::Int(5)),
        ("string(1) + string(1.5) + string(true)", text("11.5true")),
        ("string(duration('90s'))", text("90s")),
        ("int('-12') + int(2.9) + int(-2.9)", Value::Int(-12)),
        ("double('1e3')", Value::Double(1000.0)),
        ("'abc'.startsWith('ab') && 'abc'.endsWith('bc')", Value::Bool(true)),
        ("'abc'.contains('b') && !'abc'.contains('x')", Value::Bool(true)),
        ("'a.b'.matches('a\\\\.') && matches('abc', '^a.c$')", Value::Bool(true)),
        ("'ÀB'.lowerAscii()", text("Àb")),
        ("!(1 < 2)", Value::Bool(false)),
        ("!(0.0 / 0.0 < 1.0) && 0.0 / 0.0 != 0.0 / 0.0", Value::Bool(true)),
    ] {
        let (expression, reads) = compile(expression);
        assert!(reads.iter().next().is_none());
        assert_eq!(expression.constant(), Some(&expected));
    }
}

#[test]
fn attributes_are_evaluated() {
    let values = [
        ("request.method", Value::text("GET")),
        ("request.headers['x-a']", Value::text("1")),
        ("response.code", Value::Int(503)),
        ("request.duration", Value::Duration(1_500_000_000)),
        ("request.auth.claims['plan']", Value::text("gold")),
        ("request.auth.claims['age']", Value::Int(20)),
        ("request.auth.claims['groups']", Value::List(vec![Value::text("a"), Value::text("b")])),
        ("request.auth.audiences", Value::List(vec![Value::text("me")])),
        ("xds.node.metadata.LABELS.app", Value::text("cart")),
        ("weir.operation", Value::text("getOrder")),
        ("baggage['tenant']", Value::text("acme")),
        ("connection.mtls", Value::Bool(true)),
    ];
    for (expression, expected) in [
        ("request.method == 'GET'", Value::Bool(true)),
        ("request.headers['X-A'] + request.headers['x-a']", Value::text("11")),
        ("response.code >= 400 || request.duration > duration('1s')", Value::Bool(true)),
        ("request.auth.claims.plan + '/' + request.auth.claims['plan']", Value::text("gold/gold")),
        ("request.auth.claims.age >= 18 && request.auth.claims['age'] < 20.5", Value::Bool(true)),
        ("'a' in request.auth.claims['groups']", Value::Bool(true)),
        ("'me' in request.auth.audiences", Value::Bool(true)),
        ("'groups' in request.auth.claims && !('x' in request.auth.claims)", Value::Bool(true)),
        ("'x-a' in request.headers", Value::Bool(true)),
        ("has(request.headers.host)", Value::Bool(false)),
        ("has(baggage.tenant) && 'tenant' in baggage", Value::Bool(true)),
        ("node.metadata['LABELS'].app", Value::text("cart")),
        ("weir.operation == 'getOrder' ? response.code : 0", Value::Int(503)),
        ("connection.mtls", Value::Bool(true)),
        ("size(request.auth.claims.groups)", Value::Int(2)),
    ] {
        assert_eq!(value(expression, &values), Ok(expected), "{expression}");
    }
}

#[test]
fn failed_operands_matter_only_if_needed() {
    let values = [("response.code", Value::Int(200)), ("request.path", Value::Text(vec![0xFF]))];
    for (expression, expected) in [
        ("request.method", Err(EvaluationError::Missing)),
        ("request.method == 'GET'", Err(EvaluationError::Missing)),
        ("request.method == 'GET' && response.code == 500", Ok(Value::Bool(false))),
        ("response.code == 500 && request.method == 'GET'", Ok(Value::Bool(false))),
        ("request.method == 'GET' || response.code == 200", Ok(Value::Bool(true))),
        ("request.method == 'GET' || response.code == 500", Err(EvaluationError::Missing)),
        ("request.method == 'GET' && response.code == 200", Err(EvaluationError::Missing)),
        ("response.code == 200 ? 'a' : request.method", Ok(Value::text("a"))),
        ("has(request.method) ? request.method : 'none'", Ok(Value::text("none"))),
        ("1 / (response.code - 200) > 0", Err(EvaluationError::DivisionByZero)),
        ("1 % (response.code - 200) > 0", Err(EvaluationError::DivisionByZero)),
        ("response.code + 9223372036854775807", Err(EvaluationError::Overflow)),
        ("int(string(response.code) + 'x')", Err(EvaluationError::Conversion)),
        ("int(double(response.code) * 1e18)", Err(EvaluationError::Overflow)),
        ("request.path.matches('.*')", Err(EvaluationError::Conversion)),
        ("size(request.path)", Err(EvaluationError::Conversion)),
        ("request.path == 'x' || request.path.startsWith('x')", Ok(Value::Bool(false))),
    ] {
        assert_eq!(value(expression, &values), expected, "{expression}");
    }
}

#[test]
fn dynamic_values_of_the_wrong_kind_fail() {
    let claim = "request.auth.claims['c']";
    for (expression, claimed, expected) in [
        ("request.auth.claims.c > 1", Value::text("x"), Err(EvaluationError::Kind)),
        ("request.auth.claims.c == 1", Value::text("1"), Ok(Value::Bool(false))),
        ("request.auth.claims.c && true", Value::Int(1), Err(EvaluationError::Kind)),
        ("!request.auth.claims.c", Value::Bool(true), Ok(Value::Bool(false))),
        ("request.auth.claims.c + 1", Value::Double(1.0), Err(EvaluationError::Kind)),
        ("request.auth.claims.c.startsWith('a')", Value::Int(1), Err(EvaluationError::Kind)),
        ("int(request.auth.claims.c)", Value::List(vec![]), Err(EvaluationError::Kind)),
        ("'a' in request.auth.claims.c", Value::Int(1), Err(EvaluationError::Kind)),
        ("string(request.auth.claims.c)", Value::Double(1.0), Ok(Value::text("1"))),
    ] {
        assert_eq!(value(expression, &[(claim, claimed)]), expected, "{expression}");
    }
}

#[test]
fn concatenated_texts_are_limited() {
    let values = [("request.path", Value::Text(vec![b'x'; 40_000]))];
    assert_eq!(value("request.path + request.path", &values), Err(EvaluationError::TooLong));
}

#[test]
fn bytes_are_decoded_by_the_encoding() {
    let attribute = |encoding| Attribute::property(&["a"], encoding, Phase::Request);
    for (encoding, bytes, expected) in [
        (Encoding::Text, vec![0xFF], Some(Value::Text(vec![0xFF]))),
        (Encoding::Int, 503_i64.to_le_bytes().to_vec(), Some(Value::Int(503))),
        (Encoding::Int, vec![1], None),
        (Encoding::Bool, vec![1], Some(Value::Bool(true))),
        (Encoding::Bool, vec![], None),
        (Encoding::Duration, 7_i64.to_le_bytes().to_vec(), Some(Value::Duration(7))),
        (Encoding::Timestamp, 7_i64.to_le_bytes().to_vec(), Some(Value::Timestamp(7))),
        (Encoding::Dynamic, b"cart".to_vec(), Some(Value::text("cart"))),
        (Encoding::Dynamic, b"v1.2.3-a".to_vec(), Some(Value::text("v1.2.3-a"))),
        (Encoding::Dynamic, 20.0_f64.to_le_bytes().to_vec(), Some(Value::Double(20.0))),
        (Encoding::Dynamic, 0.1_f64.to_le_bytes().to_vec(), Some(Value::Double(0.1))),
        (Encoding::Dynamic, vec![1], Some(Value::Bool(true))),
        (Encoding::Dynamic, b"1".to_vec(), Some(Value::text("1"))),
        (Encoding::Dynamic, vec![], Some(Value::text(""))),
        (Encoding::Dynamic, vec![0; 4], Some(Value::List(vec![]))),
        (
            Encoding::Dynamic,
            b"\x02\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0a\0\0bc\0\0".to_vec(),
            Some(Value::List(vec![Value::text("a"), Value::text("bc")])),
        ),
        (
            Encoding::Dynamic,
            b"\x01\0\0\0\x01\0\0\0\x01\0\0\0k\0v\0".to_vec(),
            Some(Value::Map(BTreeMap::from([(b"k".to_vec(), Value::text("v"))]))),
        ),
        (
            Encoding::Dynamic,
            b"\xff\xff\xff\xffxxx".to_vec(),
            Some(Value::Text(b"\xff\xff\xff\xffxxx".to_vec())),
        ),
    ] {
        assert_eq!(attribute(encoding).decode(bytes.clone()), expected, "{encoding:?} {bytes:?}");
    }
}

#[test]
fn json_is_converted_without_nulls() {
    let json = serde_json::json!({"a": [1, 1.5, "x", true, null], "n": null});
    let list = [Value::Int(1), Value::Double(1.5), Value::text("x"), Value::Bool(true)];
    let expected = BTreeMap::from([(b"a".to_vec(), Value::List(list.to_vec()))]);
    assert_eq!(Value::from_json(&json), Some(Value::Map(expected)));
}
