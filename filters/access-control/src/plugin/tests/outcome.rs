//! The visible effects of a scenario, as text.

use std::{collections::BTreeMap, fmt};

use filter_host::memory::{Failures, Proxy, StreamState, difference};

/// The end of a request.
pub(super) struct Fate {
    /// `true` if the upstream got the request.
    pub(super) is_forwarded: bool,
    /// `true` if the request was neither forwarded, answered nor reset.
    pub(super) hangs: bool,
    text: String,
}

impl Fate {
    pub(super) fn new(stream: StreamState) -> Self {
        let text = match (&stream.reply, &stream.reset) {
            (Some(reply), _) => format!("{} {}", reply.status, reply.details),
            (None, Some(_)) => "reset".to_owned(),
            (None, None) if stream.is_forwarded() => "forwarded".to_owned(),
            (None, None) => "hangs".to_owned(),
        };
        let reply = stream.reply.as_ref().map(|reply| reply.headers.clone());
        let headers = reply.unwrap_or_else(|| stream.response());
        let explanation = headers.first("x-weir-explain").map(String::from_utf8_lossy);
        let explanation = explanation.map(|text| format!(" [{text}]")).unwrap_or_default();
        let state = stream.property("weir.access").map(String::from_utf8_lossy);
        let state = state.map(|state| format!(" ({state})")).unwrap_or_default();
        Self {
            is_forwarded: stream.is_forwarded(),
            hangs: text == "hangs",
            text: format!("{text}{state}{explanation}"),
        }
    }
}

/// The visible effects of a scenario.
pub(super) struct Outcome {
    pub(super) fates: Vec<(&'static str, Fate)>,
    metrics: BTreeMap<String, u64>,
    /// Lines of at least the level `warn`.
    log: Vec<String>,
}

impl Outcome {
    /// Describes the proxy after all workers have ended.
    pub(super) fn new(proxy: &Proxy, fates: Vec<(&'static str, Fate)>) -> Self {
        let metrics = proxy.metrics().into_iter().filter(|(_, value)| *value > 0);
        let metrics = metrics.map(|(name, value)| {
            (name.trim_start_matches("weir_access_control_").to_owned(), value)
        });
        Self { fates, metrics: metrics.collect(), log: proxy.log(3) }
    }

    pub(super) fn metric(&self, name: &str) -> u64 {
        self.metrics.get(name).copied().unwrap_or_default()
    }

    fn facts(&self) -> BTreeMap<String, String> {
        let fates = self.fates.iter().map(|(name, fate)| ((*name).to_owned(), fate.text.clone()));
        let metrics = self.metrics.iter().map(|(name, value)| (name.clone(), value.to_string()));
        let log = ("log".to_owned(), self.log.join("; "));
        fates.chain(metrics).chain([log]).filter(|(_, text)| !text.is_empty()).collect()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.facts().iter().try_for_each(|(name, text)| write!(f, "\n- {name}: {text}"))
    }
}

/// Returns the table of failures with the differences from the outcome without one.
pub(super) fn table(failures: &Failures<Outcome>) -> Failures<String> {
    failures.distinct_differences(str::to_owned, |outcome, expected| {
        difference(&outcome.facts(), &expected.facts(), |name, text| format!("{name}: {text}"))
    })
}
