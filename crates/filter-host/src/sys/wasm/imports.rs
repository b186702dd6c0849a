//! Thin wrappers for the imports of Proxy-Wasm ABI 0.2.1.
//!
//! The only module with `unsafe` code. All pointers passed to the proxy are from live slices, and
//! all buffers returned by it were allocated by `proxy_on_memory_allocate` of this module.
#![allow(unsafe_code)]

use std::{ptr, time::Duration};

use filter_core::Headers;

use crate::{
    host_error::{HostError, Result},
    sys::{Buffer, Direction, Map, MetricKind, pairs, wasm::responses},
};

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_log(level: u32, message: *const u8, size: usize) -> u32;
    fn proxy_get_log_level(level: *mut u32) -> u32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    fn proxy_get_buffer_bytes(
        buffer: u32,
        start: usize,
        max: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_buffer_bytes(
        buffer: u32,
        start: usize,
        size: usize,
        data: *const u8,
        data_size: usize,
    ) -> u32;
    fn proxy_http_call(
        cluster: *const u8,
        cluster_size: usize,
        headers: *const u8,
        headers_size: usize,
        body: *const u8,
        body_size: usize,
        trailers: *const u8,
        trailers_size: usize,
        timeout_millis: u32,
        call: *mut u32,
    ) -> u32;
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_get_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_replace_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        size: usize,
    ) -> u32;
    fn proxy_add_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        size: usize,
    ) -> u32;
    fn proxy_remove_header_map_value(map: u32, name: *const u8, name_size: usize) -> u32;
    fn proxy_get_property(
        path: *const u8,
        path_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_property(
        path: *const u8,
        path_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
        cas: *mut u32,
    ) -> u32;
    fn proxy_set_shared_data(
        key: *const u8,
        key_size: usize,
        value: *const u8,
        value_size: usize,
        cas: u32,
    ) -> u32;
    fn proxy_register_shared_queue(name: *const u8, name_size: usize, id: *mut u32) -> u32;
    fn proxy_enqueue_shared_queue(id: u32, message: *const u8, size: usize) -> u32;
    fn proxy_dequeue_shared_queue(id: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_continue_stream(direction: u32) -> u32;
    fn proxy_close_stream(direction: u32) -> u32;
    #[allow(clippy::too_many_arguments)]
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
    fn proxy_set_effective_context(context: u32) -> u32;
    fn proxy_call_foreign_function(
        name: *const u8,
        name_size: usize,
        argument: *const u8,
        argument_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, name_size: usize, id: *mut u32) -> u32;
    fn proxy_get_metric(id: u32, value: *mut u64) -> u32;
    fn proxy_record_metric(id: u32, value: u64) -> u32;
    fn proxy_increment_metric(id: u32, offset: i64) -> u32;
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn clock_time_get(clock: u32, precision: u64, time: *mut u64) -> u16;
}

/// A function that writes a header.
type HeaderWrite = unsafe extern "C" fn(u32, *const u8, usize, *const u8, usize) -> u32;

fn check(status: u32) -> Result<()> {
    if status == 0 { Ok(()) } else { Err(HostError::from_status(status)) }
}

/// Takes ownership of the buffer that the proxy returns through the two pointers.
fn take_buffer(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Result<Vec<u8>> {
    let (mut data, mut size) = (ptr::null_mut::<u8>(), 0usize);
    check(call(&mut data, &mut size))?;
    if data.is_null() || size == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: the proxy filled a block of exactly `size` bytes that `proxy_on_memory_allocate`
    // allocated as a boxed slice of that length, and keeps no reference to it.
    Ok(unsafe { Vec::from_raw_parts(data, size, size) })
}

pub(crate) fn log(level: u32, message: &[u8]) -> Result<()> {
    check(unsafe { proxy_log(level, message.as_ptr(), message.len()) })
}

pub(crate) fn log_level() -> Result<u32> {
    let mut level = 0;
    check(unsafe { proxy_get_log_level(&mut level) }).map(|()| level)
}

pub(crate) fn now() -> Result<Duration> {
    let mut time = 0;
    check(unsafe { proxy_get_current_time_nanoseconds(&mut time) })?;
    Ok(Duration::from_nanos(time))
}

pub(crate) fn monotonic() -> Result<Duration> {
    const MONOTONIC: u32 = 1;
    let mut time = 0;
    match unsafe { clock_time_get(MONOTONIC, 1, &mut time) } {
        0 => Ok(Duration::from_nanos(time)),
        errno => Err(HostError::Other(errno.into())),
    }
}

pub(crate) fn set_tick_period(period: Duration) -> Result<()> {
    let millis = u32::try_from(period.as_millis()).unwrap_or(u32::MAX);
    check(unsafe { proxy_set_tick_period_milliseconds(millis) })
}

pub(crate) fn configuration(size: usize) -> Result<Vec<u8>> {
    const PLUGIN_CONFIGURATION: u32 = 7;
    take_buffer(|data, len| unsafe {
        proxy_get_buffer_bytes(PLUGIN_CONFIGURATION, 0, size, data, len)
    })
}

/// Reads at most `max` bytes of a buffer, beginning at `start`.
pub(crate) fn buffer_range(buffer: Buffer, start: usize, max: usize) -> Result<Vec<u8>> {
    take_buffer(|data, size| unsafe {
        proxy_get_buffer_bytes(buffer as u32, start, max, data, size)
    })
}

/// Replaces `size` bytes of a buffer, beginning at `start`, with `data`.
pub(crate) fn replace_buffer_range(
    buffer: Buffer,
    start: usize,
    size: usize,
    data: &[u8],
) -> Result<()> {
    check(unsafe { proxy_set_buffer_bytes(buffer as u32, start, size, data.as_ptr(), data.len()) })
}

/// Reads the headers of a map whose names are `wanted`.
pub(crate) fn headers(map: Map, wanted: impl Fn(&[u8]) -> bool) -> Result<Headers> {
    let pairs =
        take_buffer(|data, size| unsafe { proxy_get_header_map_pairs(map as u32, data, size) })?;
    pairs::decode(pairs, wanted).ok_or(HostError::SerializationFailure)
}

pub(crate) fn header(map: Map, name: &str) -> Result<Vec<u8>> {
    take_buffer(|data, size| unsafe {
        proxy_get_header_map_value(map as u32, name.as_ptr(), name.len(), data, size)
    })
}

pub(crate) fn set_header(map: Map, name: &str, value: &[u8]) -> Result<()> {
    write_header(proxy_replace_header_map_value, map, name, value)
}

pub(crate) fn add_header(map: Map, name: &str, value: &[u8]) -> Result<()> {
    write_header(proxy_add_header_map_value, map, name, value)
}

fn write_header(write: HeaderWrite, map: Map, name: &str, value: &[u8]) -> Result<()> {
    check(unsafe { write(map as u32, name.as_ptr(), name.len(), value.as_ptr(), value.len()) })
}

pub(crate) fn remove_header(map: Map, name: &str) -> Result<()> {
    check(unsafe { proxy_remove_header_map_value(map as u32, name.as_ptr(), name.len()) })
}

pub(crate) fn property(path: &[u8]) -> Result<Vec<u8>> {
    take_buffer(|data, size| unsafe { proxy_get_property(path.as_ptr(), path.len(), data, size) })
}

pub(crate) fn set_property(path: &[u8], value: &[u8]) -> Result<()> {
    check(unsafe { proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) })
}

pub(crate) fn shared_data(key: &str) -> Result<(Vec<u8>, u32)> {
    let mut cas = 0;
    let value = take_buffer(|data, size| unsafe {
        proxy_get_shared_data(key.as_ptr(), key.len(), data, size, &mut cas)
    })?;
    Ok((value, cas))
}

/// Writes a shared value; `cas` 0 replaces any version.
pub(crate) fn set_shared_data(key: &str, value: &[u8], cas: u32) -> Result<()> {
    check(unsafe {
        proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), cas)
    })
}

pub(crate) fn register_shared_queue(name: &str) -> Result<u32> {
    let mut id = 0;
    check(unsafe { proxy_register_shared_queue(name.as_ptr(), name.len(), &mut id) })?;
    Ok(id)
}

pub(crate) fn enqueue(queue: u32, message: &[u8]) -> Result<()> {
    check(unsafe { proxy_enqueue_shared_queue(queue, message.as_ptr(), message.len()) })
}

pub(crate) fn dequeue(queue: u32) -> Result<Vec<u8>> {
    take_buffer(|data, size| unsafe { proxy_dequeue_shared_queue(queue, data, size) })
}

pub(crate) fn resume(direction: Direction) -> Result<()> {
    check(unsafe { proxy_continue_stream(direction as u32) })
}

pub(crate) fn reset(direction: Direction) -> Result<()> {
    check(unsafe { proxy_close_stream(direction as u32) })
}

/// Sends a local reply; with `grpc_status` -1, the proxy derives it from the HTTP status.
pub(crate) fn send_local_response(
    status: u16,
    details: &[u8],
    headers: &[(&[u8], &[u8])],
    body: &[u8],
    grpc_status: i32,
) -> Result<()> {
    let headers = pairs::encode(headers);
    check(unsafe {
        proxy_send_local_response(
            u32::from(status),
            details.as_ptr(),
            details.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            grpc_status,
        )
    })
}

/// Sends an HTTP request; unlike with the SDK, its response is never lost with a stream.
pub(crate) fn http_call(
    cluster: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    timeout: Duration,
) -> Result<u32> {
    let headers = headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    let headers = pairs::encode(&headers.collect::<Vec<_>>());
    let trailers = pairs::encode(&[]);
    let millis = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
    let mut call = 0;
    check(unsafe {
        proxy_http_call(
            cluster.as_ptr(),
            cluster.len(),
            headers.as_ptr(),
            headers.len(),
            body.as_ptr(),
            body.len(),
            trailers.as_ptr(),
            trailers.len(),
            millis,
            &raw mut call,
        )
    })?;
    Ok(call)
}

pub(crate) fn set_effective_context(context: u32) -> Result<()> {
    check(unsafe { proxy_set_effective_context(context) })
}

pub(crate) fn call_foreign_function(name: &str, argument: &[u8]) -> Result<Vec<u8>> {
    take_buffer(|data, size| unsafe {
        proxy_call_foreign_function(
            name.as_ptr(),
            name.len(),
            argument.as_ptr(),
            argument.len(),
            data,
            size,
        )
    })
}

pub(crate) fn define_metric(kind: MetricKind, name: &str) -> Result<u32> {
    let mut id = 0;
    check(unsafe { proxy_define_metric(kind as u32, name.as_ptr(), name.len(), &mut id) })?;
    Ok(id)
}

pub(crate) fn metric(id: u32) -> Result<u64> {
    let mut value = 0;
    check(unsafe { proxy_get_metric(id, &mut value) }).map(|()| value)
}

pub(crate) fn record_metric(id: u32, value: u64) -> Result<()> {
    check(unsafe { proxy_record_metric(id, value) })
}

pub(crate) fn increment_metric(id: u32, offset: i64) -> Result<()> {
    check(unsafe { proxy_increment_metric(id, offset) })
}

unsafe extern "C" {
    /// The callback of the SDK, which returns 1 to pause the stream.
    fn proxy_on_response_body(context: u32, size: usize, end_of_stream: bool) -> u32;
}

/// Replaces the callback of the SDK in filters built with `response_body`.
///
/// A paused body is not buffered up to the buffer limit, which would fail the response. Instead,
/// the upstream is paused: "stop and watermark" instead of "stop and buffer".
#[unsafe(no_mangle)]
extern "C" fn weir_on_response_body(context: u32, size: usize, end_of_stream: bool) -> u32 {
    const PAUSE: u32 = 1;
    const STOP_AND_WATERMARK: u32 = 2;
    match unsafe { proxy_on_response_body(context, size, end_of_stream) } {
        PAUSE => STOP_AND_WATERMARK,
        action => action,
    }
}

/// Replaces the callback of the SDK in filters built with `http_call_response`.
///
/// The response belongs to the context that was entered when the request was sent, whichever
/// callback sent it.
#[unsafe(no_mangle)]
extern "C" fn weir_on_http_call_response(
    context: u32,
    call: u32,
    _headers: usize,
    body_size: usize,
    _trailers: usize,
) {
    responses::deliver(context, call, body_size);
}
