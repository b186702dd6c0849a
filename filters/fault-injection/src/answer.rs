//! What an answer says of its server.

use filter_core::{GrpcStatus, Headers, is_server_error};

/// Says whether an answer with these headers is the server's error; `None` where there was none.
///
/// `trailing` tells the gRPC status of an answer that has it in its trailers. It is not asked about
/// other answers, for which Envoy makes one up: UNKNOWN of a 200.
pub fn is_error(headers: &Headers, trailing: impl FnOnce() -> Option<u64>) -> Option<bool> {
    let number = |name: &str| std::str::from_utf8(headers.first(name)?).ok()?.parse::<u64>().ok();
    let status = u16::try_from(number(":status")?).ok()?;
    let content_type = headers.first("content-type").unwrap_or_default();
    let grpc = if content_type.starts_with(b"application/grpc") {
        number("grpc-status").or_else(trailing).and_then(GrpcStatus::from_code)
    } else {
        None
    };
    Some(is_server_error(status, grpc))
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn errors_are_the_servers_and_grpc_has_its_own() {
        let (grpc, web) =
            (("content-type", "application/grpc+proto"), ("content-type", "text/html"));
        for (headers, trailing, expected) in [
            (&[][..], None, None),
            (&[(":status", "x")], None, None),
            (&[(":status", "200")], None, Some(false)),
            (&[(":status", "200"), web], Some(2), Some(false)),
            (&[(":status", "404"), web], None, Some(false)),
            (&[(":status", "500"), web], None, Some(true)),
            (&[(":status", "503")], None, Some(true)),
            (&[(":status", "200"), grpc], Some(0), Some(false)),
            (&[(":status", "200"), grpc], Some(5), Some(false)),
            (&[(":status", "200"), grpc], Some(14), Some(true)),
            (&[(":status", "200"), grpc], Some(99), Some(false)),
            (&[(":status", "200"), grpc], None, Some(false)),
            (&[(":status", "200"), grpc, ("grpc-status", "13")], Some(0), Some(true)),
            (&[(":status", "200"), grpc, ("grpc-status", "0")], Some(14), Some(false)),
        ] {
            let map: Headers = headers.iter().copied().collect();
            assert_eq!(is_error(&map, || trailing), expected, "{headers:?} {trailing:?}");
        }
    }
}
