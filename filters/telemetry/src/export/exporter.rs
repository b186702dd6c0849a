//! The pipelines of one worker.

use std::time::{Duration, SystemTime};

use super::{
    Dropped, ExportOutcome, Failure, HandoffBatch, Metric, Protocol, Provider, Response,
    delivery_stats::DeliveryStats, pipeline::Pipeline,
};
use crate::export::otlp::{Item, Signal};

/// Minimum time between two warnings of the same kind.
const WARNING_INTERVAL: Duration = Duration::from_mins(1);

/// The id of a pipeline of an [`Exporter`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PipelineId(usize);

/// The id of a request in flight.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct RequestId(pub(super) u64);

/// The export pipelines of one worker. Does not implement `Debug`: it holds secrets.
#[derive(Default)]
pub struct Exporter {
    pipelines: Vec<ProviderPipeline>,
    next_id: u64,
    unclaimed: Vec<Unclaimed>,
}

/// A request to send now. Does not implement `Debug`: it holds secrets.
#[derive(Clone, Copy)]
pub struct OutgoingRequest<'a> {
    /// The id to pass to [`Exporter::on_response`].
    pub id: RequestId,
    /// The cluster to call.
    pub cluster: &'a str,
    /// The headers, which can hold secrets.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: &'a [u8],
    /// How long to wait for the response.
    pub timeout: Duration,
}

/// A batch whose provider is no longer configured, or that could not be handed over.
struct Unclaimed {
    signal: Signal,
    items: u64,
    bytes: usize,
}

/// A pipeline, and how to call its provider.
struct ProviderPipeline {
    provider: Box<str>,
    cluster: Box<str>,
    signal: Signal,
    protocol: Protocol,
    headers: Vec<(String, String)>,
    timeout: Duration,
    pipeline: Pipeline,
    /// The statistics that [`Exporter::take_stats`] returned last.
    reported_stats: DeliveryStats,
    reported_bytes: i64,
    /// When each kind of warning was last returned.
    warned_at: [Option<Duration>; 3],
}

impl Exporter {
    /// Opens a pipeline to a provider; `detected` are resource attributes detected at the proxy.
    pub fn open(
        &mut self,
        provider: &Provider,
        signal: Signal,
        detected: &[(String, String)],
    ) -> PipelineId {
        let id = PipelineId(self.pipelines.len());
        self.pipelines.push(ProviderPipeline {
            provider: provider.name.clone(),
            cluster: provider.cluster.as_str().into(),
            signal,
            protocol: provider.protocol.clone(),
            headers: provider.headers(signal),
            timeout: provider.timeout,
            pipeline: Pipeline::new(provider.limits, provider.envelope(detected)),
            reported_stats: DeliveryStats::default(),
            reported_bytes: 0,
            warned_at: [None; 3],
        });
        id
    }

    /// Returns `true` if no pipeline was opened.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.pipelines.is_empty()
    }

    /// Adds an item to the queue of a pipeline.
    pub fn enqueue(&mut self, id: PipelineId, item: Item, now: Duration) {
        if let Some(entry) = self.pipelines.get_mut(id.0) {
            entry.pipeline.enqueue(item, now);
        }
    }

    /// Returns the next request to send. Call it until it returns `None`.
    pub fn next_request(&mut self, now: Duration) -> Option<OutgoingRequest<'_>> {
        let id = RequestId(self.next_id);
        for entry in &mut self.pipelines {
            let ProviderPipeline { cluster, headers, timeout, pipeline, .. } = entry;
            if let Some(body) = pipeline.next_request(id, now) {
                self.next_id = self.next_id.wrapping_add(1);
                return Some(OutgoingRequest { id, cluster, headers, body, timeout: *timeout });
            }
        }
        None
    }

    /// Handles the response to a request; `None` if the proxy does not know the cluster.
    ///
    /// `wall` is the wall-clock time; `random` jitters the backoff.
    pub fn on_response(
        &mut self,
        id: RequestId,
        response: Option<&Response>,
        now: Duration,
        wall: SystemTime,
        random: u64,
    ) -> ExportResult {
        for entry in &mut self.pipelines {
            let Some(elapsed) = entry.pipeline.elapsed(id, now) else { continue };
            let outcome = entry.outcome(response, elapsed, wall);
            entry.pipeline.complete(id, &outcome, now, random);
            let warning = entry.warning(&outcome, now);
            return ExportResult { elapsed: response.map(|_| elapsed), warning };
        }
        ExportResult::default()
    }

    /// Returns `true` if every pipeline can take over a batch of the previous configuration.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.pipelines.iter().all(|entry| entry.pipeline.has_room())
    }

    /// Takes over a batch of the previous configuration. The gauge already includes its bytes.
    pub fn take_over(&mut self, batch: &HandoffBatch) {
        let (items, bytes) = (u64::from(batch.items), batch.body.len());
        let claims = |entry: &&mut ProviderPipeline| {
            *entry.provider == *batch.provider && entry.signal == batch.signal
        };
        match self.pipelines.iter_mut().find(claims) {
            Some(entry) => {
                entry.reported_bytes = entry.reported_bytes.saturating_add(signed(bytes));
                entry.pipeline.take_over(items, &batch.body);
            }
            None => self.lose(batch),
        }
    }

    /// Removes everything for the next configuration.
    pub fn hand_over(&mut self) -> Vec<HandoffBatch> {
        let mut batches = Vec::new();
        for entry in &mut self.pipelines {
            for (items, body) in entry.pipeline.hand_over() {
                // The bytes stay in the gauge until the next configuration has sent them.
                entry.reported_bytes = entry.reported_bytes.saturating_sub(signed(body.len()));
                batches.push(HandoffBatch {
                    provider: entry.provider.to_string(),
                    signal: entry.signal,
                    items: u32::try_from(items).unwrap_or(u32::MAX),
                    body,
                });
            }
        }
        batches
    }

    /// Counts a batch that could not be handed over.
    pub fn lose(&mut self, batch: &HandoffBatch) {
        let (items, bytes) = (u64::from(batch.items), batch.body.len());
        self.unclaimed.push(Unclaimed { signal: batch.signal, items, bytes });
    }

    /// Returns the change of the statistics since the last call.
    pub fn take_stats(&mut self) -> StatsDelta {
        let mut delta = StatsDelta::default();
        for entry in &mut self.pipelines {
            let stats = *entry.pipeline.stats();
            let growth = stats.since(&entry.reported_stats);
            delta.counts.extend(growth.map(|(metric, count)| (entry.signal, metric, count)));
            entry.reported_stats = stats;
            let bytes = signed(entry.pipeline.bytes());
            delta.bytes = delta.bytes.saturating_add(bytes.saturating_sub(entry.reported_bytes));
            entry.reported_bytes = bytes;
        }
        let reconfigured = Metric::Dropped(Dropped::Reconfigured);
        for batch in self.unclaimed.drain(..) {
            delta.counts.push((batch.signal, reconfigured, batch.items));
            delta.bytes = delta.bytes.saturating_sub(signed(batch.bytes));
        }
        delta
    }
}

/// A change of the export statistics.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct StatsDelta {
    /// Increments of the counters, by signal.
    pub counts: Vec<(Signal, Metric, u64)>,
    /// Change of the queues' size, in bytes.
    pub bytes: i64,
}

/// The result of an export request.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ExportResult {
    /// Time from the request to the response; `None` if nothing was sent.
    pub elapsed: Option<Duration>,
    /// A warning to log, at most one a minute of each kind.
    pub warning: Option<String>,
}

impl ProviderPipeline {
    fn outcome(
        &self,
        response: Option<&Response>,
        elapsed: Duration,
        wall: SystemTime,
    ) -> ExportOutcome {
        let Some(response) = response else {
            return ExportOutcome::Retry(Failure::UnknownCluster, None);
        };
        match ExportOutcome::from_response(response, &self.protocol, wall) {
            // For gRPC, the proxy reports a timeout as UNAVAILABLE.
            ExportOutcome::Retry(Failure::Unavailable, retry_after) if elapsed >= self.timeout => {
                ExportOutcome::Retry(Failure::Timeout, retry_after)
            }
            outcome => outcome,
        }
    }

    fn warning(&mut self, outcome: &ExportOutcome, now: Duration) -> Option<String> {
        let (kind, text) = match outcome {
            ExportOutcome::Accepted(None) => return None,
            ExportOutcome::Accepted(Some(partial)) => {
                (0, format!("{} rejected: {}", partial.rejected_items, partial.message))
            }
            ExportOutcome::Refused(reason) => (1, format!("dropped: {reason}")),
            ExportOutcome::Retry(Failure::UnknownCluster, _) => (2, UNKNOWN_CLUSTER.to_owned()),
            ExportOutcome::Retry(failure, _) => (2, format!("will be retried: {failure}")),
        };
        let last = self.warned_at.get_mut(kind)?;
        if last.is_some_and(|last| now.saturating_sub(last) < WARNING_INTERVAL) {
            return None;
        }
        *last = Some(now);
        let items = match self.signal {
            Signal::Traces => "spans",
            Signal::Logs => "log records",
        };
        Some(format!("{items} to {} through cluster {}: {text}", self.provider, self.cluster))
    }
}

const UNKNOWN_CLUSTER: &str = "this proxy has no such cluster: is there a ServiceEntry, does the \
                               Sidecar's egress name it, is the port right?";

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
