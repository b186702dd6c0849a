#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn answered(status: u16) -> Record {
    Record { status: Some(status), ..Record::default() }
}

#[test]
fn server_errors_are_failures() {
    let grpc = |code| Record { grpc_status: Some(code), ..answered(200) };
    let ended = |ending, record| Record { ending, ..record };
    let connect = Record { method: Method::Connect, ..answered(200) };
    for (record, is_failed) in [
        (answered(200), false),
        (answered(404), false),
        (answered(499), false),
        (answered(500), true),
        (answered(599), true),
        (Record::default(), true),
        (grpc(0), false),
        (grpc(1), false),
        (grpc(2), true),
        (grpc(4), true),
        (grpc(5), false),
        (grpc(12), true),
        (grpc(13), true),
        (grpc(14), true),
        (grpc(15), true),
        (grpc(16), false),
        (grpc(4_000_000_000), false),
        (ended(Ending::Incomplete, answered(200)), true),
        (ended(Ending::Incomplete, answered(101)), false),
        (ended(Ending::Incomplete, connect), false),
        (ended(Ending::ClientAborted, answered(200)), false),
        (ended(Ending::ClientAborted, answered(503)), false),
        (ended(Ending::ClientAborted, Record::default()), false),
    ] {
        assert_eq!(record.is_failed(), is_failed, "{record:?}");
    }
}

#[test]
fn detects_tunnels() {
    let connect = |status| Record { method: Method::Connect, ..answered(status) };
    for (record, is_tunnel) in
        [(answered(101), true), (answered(200), false), (connect(200), true), (connect(403), false)]
    {
        assert_eq!(record.is_tunnel(), is_tunnel, "{record:?}");
    }
    // A closed tunnel is neither abandoned nor failed.
    let left = Record { ending: Ending::ClientAborted, ..answered(101) };
    assert!(!left.is_abandoned() && !left.is_failed());
}

#[test]
fn unknown_methods_are_other() {
    for method in Method::ALL {
        assert_eq!(Method::from_bytes(method.as_str().as_bytes()), method);
    }
    for odd in ["", "get", "PROPFIND", "GET ", "\u{fffd}"] {
        assert_eq!(Method::from_bytes(odd.as_bytes()), Method::Other);
    }
    assert_eq!(Method::from_bytes(b"G\xff"), Method::Other);
}
