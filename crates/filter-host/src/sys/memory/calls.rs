//! The host calls.

use std::{collections::VecDeque, time::Duration};

use filter_core::Headers;

use super::{
    state::{HttpCall, Metric, PLUGIN, State, host_call, with},
    stream::LocalReply,
};
use crate::{
    host_error::{HostError, Result},
    shared_data::NO_VERSION,
    sys::{Buffer, Direction, Map, MetricKind},
};

pub(crate) fn log(level: u32, message: &[u8]) -> Result<()> {
    let line = String::from_utf8_lossy(message).into_owned();
    with(|state| state.log.push((level, line)));
    Ok(())
}

pub(crate) fn log_level() -> Result<u32> {
    Ok(with(|state| state.log_level))
}

pub(crate) fn now() -> Result<Duration> {
    host_call("clock", "", |state| Ok(state.wall))
}

pub(crate) fn monotonic() -> Result<Duration> {
    Ok(with(|state| state.monotonic))
}

pub(crate) fn random_bits() -> u64 {
    with(|state| state.random.bits())
}

pub(crate) fn variable(name: &str) -> Option<String> {
    with(|state| state.variables.get(name).cloned())
}

pub(crate) fn set_tick_period(period: Duration) -> Result<()> {
    host_call("set_tick_period", "", |state| {
        let due = state.monotonic.saturating_add(period);
        let machine = state.machine()?;
        (machine.period, machine.due) = (period, due);
        Ok(())
    })
}

pub(crate) fn buffer_range(buffer: Buffer, start: usize, max: usize) -> Result<Vec<u8>> {
    host_call("buffer", &format!("{buffer:?}"), |state| {
        let bytes = match buffer {
            Buffer::CallResponseBody => &state.answer.body,
            Buffer::RequestBody | Buffer::ResponseBody => &state.body,
        };
        let rest = bytes.get(start..).ok_or(HostError::BadArgument)?;
        Ok(rest.get(..max).unwrap_or(rest).to_vec())
    })
}

pub(crate) fn replace_buffer_range(
    buffer: Buffer,
    start: usize,
    size: usize,
    data: &[u8],
) -> Result<()> {
    host_call("replace_buffer", &format!("{buffer:?}"), |state| {
        let end = start.saturating_add(size).min(state.body.len());
        state.body.splice(start.min(end)..end, data.iter().copied());
        Ok(())
    })
}

pub(crate) fn headers(map: Map, wanted: impl Fn(&[u8]) -> bool) -> Result<Headers> {
    host_call("headers", &format!("{map:?}"), |state| Ok(state_map(state, map)?.only(wanted)))
}

pub(crate) fn header(map: Map, name: &str) -> Result<Vec<u8>> {
    host_call("header", name, |state| {
        let first = state_map(state, map)?.first(name).map(<[u8]>::to_vec);
        first.ok_or(HostError::NotFound)
    })
}

pub(crate) fn set_header(map: Map, name: &str, value: &[u8]) -> Result<()> {
    host_call("set_header", name, |state| {
        let map = state_map(state, map)?;
        map.remove(name);
        map.push(name, value);
        Ok(())
    })
}

pub(crate) fn add_header(map: Map, name: &str, value: &[u8]) -> Result<()> {
    host_call("add_header", name, |state| {
        let map = state_map(state, map)?;
        map.push(name, value);
        // Envoy has one value for each list header that it knows.
        if name == "authorization"
            && let Some(joined) = map.joined(name)
        {
            map.remove(name);
            map.push(name, joined);
        }
        Ok(())
    })
}

pub(crate) fn remove_header(map: Map, name: &str) -> Result<()> {
    host_call("remove_header", name, |state| {
        state_map(state, map)?.remove(name);
        Ok(())
    })
}

fn state_map(state: &mut State, map: Map) -> Result<&mut Headers> {
    match map {
        Map::CallResponseHeaders => Ok(&mut state.answer.headers),
        Map::CallResponseTrailers => Ok(&mut state.answer.trailers),
        Map::RequestHeaders
        | Map::RequestTrailers
        | Map::ResponseHeaders
        | Map::ResponseTrailers => state.stream()?.maps.get_mut(&map).ok_or(HostError::BadArgument),
    }
}

pub(crate) fn property(path: &[u8]) -> Result<Vec<u8>> {
    let path = dotted(path);
    host_call("property", &path, |state| {
        let found = state.stream().ok().and_then(|stream| stream.read_property(&path));
        found.or_else(|| state.properties.get(&path).cloned()).ok_or(HostError::NotFound)
    })
}

pub(crate) fn set_property(path: &[u8], value: &[u8]) -> Result<()> {
    let path = dotted(path);
    host_call("set_property", &path, |state| {
        state.stream()?.properties.insert(path.clone(), value.to_vec());
        Ok(())
    })
}

fn dotted(path: &[u8]) -> String {
    String::from_utf8_lossy(path).replace('\0', ".")
}

pub(crate) fn shared_data(key: &str) -> Result<(Vec<u8>, u32)> {
    host_call("shared_data", key, |state| state.shared.get(key).cloned().ok_or(HostError::NotFound))
}

pub(crate) fn set_shared_data(key: &str, value: &[u8], cas: u32) -> Result<()> {
    let name = match cas {
        0 => "set_shared_data",
        NO_VERSION => "seed_shared_data",
        _ => "replace_shared_data",
    };
    host_call(name, key, |state| {
        let version = state.shared.get(key).map(|(_, version)| *version);
        // As in Envoy, a missing value is written whatever the version.
        if cas != 0 && version.is_some_and(|version| version != cas) {
            return Err(HostError::CasMismatch);
        }
        let version = version.unwrap_or_default().saturating_add(1);
        state.shared.insert(key.to_owned(), (value.to_vec(), version));
        Ok(())
    })
}

pub(crate) fn register_shared_queue(name: &str) -> Result<u32> {
    host_call("register_shared_queue", name, |state| {
        let found = state.queues.iter().position(|(found, _)| found == name);
        let index = found.unwrap_or_else(|| {
            state.queues.push((name.to_owned(), VecDeque::new()));
            state.queues.len() - 1
        });
        u32::try_from(index).map_err(|_| HostError::InternalFailure)
    })
}

pub(crate) fn enqueue(queue: u32, message: &[u8]) -> Result<()> {
    host_call("enqueue", "", |state| {
        queue_of(state, queue)?.push_back(message.to_vec());
        Ok(())
    })
}

pub(crate) fn dequeue(queue: u32) -> Result<Vec<u8>> {
    host_call("dequeue", "", |state| queue_of(state, queue)?.pop_front().ok_or(HostError::Empty))
}

fn queue_of(state: &mut State, queue: u32) -> Result<&mut VecDeque<Vec<u8>>> {
    let index = usize::try_from(queue).map_err(|_| HostError::NotFound)?;
    state.queues.get_mut(index).map(|(_, messages)| messages).ok_or(HostError::NotFound)
}

pub(crate) fn resume(direction: Direction) -> Result<()> {
    host_call("resume", &format!("{direction:?}"), |state| {
        let stream = state.stream()?;
        *stream.paused(direction) = false;
        stream.resumptions[direction as usize] += 1;
        Ok(())
    })
}

pub(crate) fn reset(direction: Direction) -> Result<()> {
    host_call("reset", &format!("{direction:?}"), |state| {
        state.stream()?.reset = Some(direction);
        Ok(())
    })
}

pub(crate) fn send_local_response(
    status: u16,
    details: &[u8],
    headers: &[(&[u8], &[u8])],
    body: &[u8],
    grpc_status: i32,
) -> Result<()> {
    let details = String::from_utf8_lossy(details).into_owned();
    host_call("send_local_response", &details, |state| {
        let stream = state.stream()?;
        if stream.reply.is_some() {
            return Err(HostError::BadArgument);
        }
        // As in Envoy, a reply that replaces a response passes no filter.
        let headers = headers.iter().copied().collect();
        let (details, body) = (details.clone(), body.to_vec());
        stream.reply = Some(LocalReply { status, details, headers, body, grpc_status });
        Ok(())
    })
}

pub(crate) fn set_effective_context(context: u32) -> Result<()> {
    host_call("set_effective_context", "", |state| {
        if context != PLUGIN && !state.machine()?.streams.contains_key(&context) {
            return Err(HostError::BadArgument);
        }
        state.current.context = context;
        Ok(())
    })
}

pub(crate) fn call_foreign_function(name: &str, argument: &[u8]) -> Result<Vec<u8>> {
    host_call("foreign_function", name, |state| {
        let function = state.functions.get(name).ok_or(HostError::NotFound)?;
        function(argument).ok_or(HostError::BadArgument)
    })
}

pub(crate) fn define_metric(kind: MetricKind, name: &str) -> Result<u32> {
    host_call("define_metric", name, |state| {
        let found = state.metrics.iter().position(|metric| metric.name == name);
        let index = found.unwrap_or_else(|| {
            let name = name.to_owned();
            state.metrics.push(Metric { kind, name, value: 0, recorded: Vec::new() });
            state.metrics.len() - 1
        });
        u32::try_from(index).map_err(|_| HostError::InternalFailure)
    })
}

pub(crate) fn metric(id: u32) -> Result<u64> {
    let name = metric_name(id);
    host_call("metric", &name, |state| match state.metric(id)? {
        Metric { kind: MetricKind::Histogram, .. } => Err(HostError::BadArgument),
        metric => Ok(metric.value),
    })
}

pub(crate) fn record_metric(id: u32, value: u64) -> Result<()> {
    let name = metric_name(id);
    host_call("record_metric", &name, |state| {
        if state.rejected_metrics.contains(&name) {
            return Ok(());
        }
        let metric = state.metric(id)?;
        match metric.kind {
            MetricKind::Histogram => metric.recorded.push(value),
            MetricKind::Counter | MetricKind::Gauge => metric.value = value,
        }
        Ok(())
    })
}

pub(crate) fn increment_metric(id: u32, offset: i64) -> Result<()> {
    let name = metric_name(id);
    host_call("increment_metric", &name, |state| {
        if state.rejected_metrics.contains(&name) {
            return Ok(());
        }
        let metric = state.metric(id)?;
        if metric.kind == MetricKind::Histogram
            || (metric.kind == MetricKind::Counter && offset < 0)
        {
            return Err(HostError::BadArgument);
        }
        metric.value = metric.value.wrapping_add_signed(offset);
        Ok(())
    })
}

fn metric_name(id: u32) -> String {
    with(|state| state.metric(id).map(|metric| metric.name.clone()).unwrap_or_default())
}

pub(crate) fn http_call(
    cluster: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    timeout: Duration,
) -> Result<u32> {
    host_call("http_call", cluster, |state| {
        if !state.clusters.contains(cluster) {
            return Err(HostError::BadArgument);
        }
        let id = state.next_call;
        state.next_call += 1;
        let (worker, context) = (state.current.worker, state.current.context);
        let headers = headers.iter().copied().collect();
        let (cluster, body) = (cluster.to_owned(), body.to_vec());
        state.calls.insert(id, HttpCall { cluster, headers, body, timeout, worker, context });
        Ok(id)
    })
}
