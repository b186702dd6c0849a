//! Fetches, from the lease to the new document.

use std::{rc::Rc, time::Duration};

use super::{
    Answer, BodyHash, Call, Control, Document, DocumentSpec, Effect, Endpoint, Fetch, FetchError,
    FetchEvent, Origin, Source, Stage, Version, freshness, schedule,
};
use crate::Headers;

/// The number of consecutive failures after which the discovery document is fetched again.
const FAILURES_UNTIL_REDISCOVERY: u64 = 3;
/// The maximum length of an entity tag; a longer one is ignored.
const MAX_ETAG_BYTES: usize = 1024;
/// The maximum number of ignored entries that are logged individually; the rest are only counted.
const MAX_LOGGED_ENTRIES: usize = 10;

impl<S: DocumentSpec> Source<S> {
    /// Starts the fetch for which this worker holds the lease.
    pub(super) fn start_fetch(
        &mut self,
        control: Control,
        now: Duration,
    ) -> Vec<Effect<S::Metric>> {
        let is_refetch = control.last_refetch != self.control.last_refetch;
        self.set_control(control, now);
        self.is_refetch_requested = false;
        let early = if is_refetch { self.count(FetchEvent::EarlyFetch) } else { None };
        let mut effects: Vec<_> = early.into_iter().collect();
        let (stage, call) = match &self.spec.fetch().origin {
            Origin::Url(endpoint) => {
                let call = self.call(endpoint, Rc::clone(&self.spec.fetch().cluster), self.etag());
                (Stage::Document { uri: String::new() }, call)
            }
            Origin::Discovered { document, .. } => match self.discovered_call() {
                Some((uri, call)) => (Stage::Document { uri }, call),
                None => {
                    let call = self.call(document, Rc::clone(&self.spec.fetch().cluster), None);
                    (Stage::Discovery, call)
                }
            },
        };
        self.fetch = Some(Fetch { holder: control.holder, started: now, stage });
        effects.push(Effect::Call(call));
        effects
    }

    /// Handles the answer to the current call.
    pub(super) fn handle_answer(
        &mut self,
        answer: &Answer,
        now: Duration,
        random: u128,
    ) -> Vec<Effect<S::Metric>> {
        let Some(fetch) = self.fetch.take() else { return Vec::new() };
        let mut effects = vec![Effect::FetchTime(now.saturating_sub(fetch.started))];
        let outcome = match fetch.stage {
            Stage::Discovery => self.handle_discovery(answer, fetch.holder, now),
            Stage::Document { uri } => self.handle_document(answer, uri, fetch.holder, now, random),
        };
        effects.extend(match outcome {
            Ok(more) => more,
            Err(error) => self.record_failure(fetch.holder, &error, now, random),
        });
        effects
    }

    /// Ends the current fetch with an error.
    pub(super) fn abort_fetch(
        &mut self,
        error: FetchError,
        now: Duration,
        random: u128,
    ) -> Vec<Effect<S::Metric>> {
        let fetch = self.fetch.take();
        fetch.map_or_else(Vec::new, |fetch| self.record_failure(fetch.holder, &error, now, random))
    }

    fn handle_discovery(
        &mut self,
        answer: &Answer,
        holder: u128,
        now: Duration,
    ) -> Result<Vec<Effect<S::Metric>>, FetchError> {
        let Origin::Discovered { issuer, .. } = &self.spec.fetch().origin else {
            return Ok(Vec::new());
        };
        let body = body_of(answer)?;
        let uri = self.spec.discover(body, issuer)?;
        let call = self.call_discovered(&uri, None).ok_or(S::UNUSABLE_URI)?;
        let until = now.saturating_add(self.spec.fetch().lease());
        self.control.leased_until = until;
        self.fetch = Some(Fetch { holder, started: now, stage: Stage::Document { uri } });
        let lease = Effect::Write { holder, document: None, control: self.control };
        Ok(vec![lease, Effect::Call(call)])
    }

    fn handle_document(
        &mut self,
        answer: &Answer,
        uri: String,
        holder: u128,
        now: Duration,
        random: u128,
    ) -> Result<Vec<Effect<S::Metric>>, FetchError> {
        if status(&answer.headers) == Some(304) && self.loaded.is_some() {
            let mut effects = self.record_success(None, &answer.headers, holder, now, random);
            effects.extend(self.count(FetchEvent::NotModified));
            return Ok(effects);
        }
        let body = body_of(answer)?;
        let parsed = self.spec.parse(body, &self.parser)?;
        let known = self.loaded.as_ref().map(|loaded| loaded.version.body);
        let is_changed = known != Some(BodyHash::new(body));
        let generation = self.control.generation.max(self.loaded_generation());
        let document = Document {
            generation: generation.saturating_add(1),
            etag: etag(&answer.headers),
            uri,
            body: body.to_vec(),
        };
        let version = Version::new(&document);
        let mut effects = Vec::new();
        if is_changed {
            let ignored = parsed.ignored;
            effects.extend(ignored.iter().filter_map(|_| self.count(FetchEvent::EntryIgnored)));
            let label = self.spec.label();
            let unlogged = ignored.len().saturating_sub(MAX_LOGGED_ENTRIES);
            let logged = ignored.into_iter().take(MAX_LOGGED_ENTRIES);
            effects.extend(logged.map(|text| Effect::LogWarning(format!("{label}: {text}"))));
            if unlogged > 0 {
                let line = format!("{label}: {unlogged} more {} are ignored", S::ENTRIES);
                effects.push(Effect::LogWarning(line));
            }
            effects.push(Effect::LogInfo(format!("{label}: fetched a new version")));
            effects.extend(self.replace(version, parsed.content));
        } else {
            self.confirm(version);
        }
        effects.extend(self.record_success(Some(document), &answer.headers, holder, now, random));
        effects.extend(self.count(FetchEvent::Fetched));
        Ok(effects)
    }

    /// Records that the document is current, and writes a new one.
    fn record_success(
        &mut self,
        document: Option<Document>,
        headers: &Headers,
        holder: u128,
        now: Duration,
        random: u128,
    ) -> Vec<Effect<S::Metric>> {
        let limits = self.spec.fetch().freshness;
        let freshness = freshness::from_headers(headers, now).unwrap_or(limits.default);
        let freshness = freshness.clamp(limits.min, limits.max);
        let is_recovered = self.control.failures > 0;
        let control = Control {
            generation: document.as_ref().map_or(self.control.generation, |d| d.generation),
            fetched: now,
            fresh_until: now.saturating_add(freshness),
            next_fetch: now.saturating_add(schedule::renewal(freshness, jitter(random))),
            last_attempt: now,
            failures: 0,
            last_error: 0,
            holder: 0,
            leased_until: Duration::ZERO,
            ..self.control
        };
        self.set_control(control, now);
        let mut effects = vec![Effect::Write { holder, document, control }];
        if is_recovered {
            effects.push(Effect::LogInfo(format!("{}: fetched again", self.spec.label())));
        }
        effects
    }

    fn record_failure(
        &mut self,
        holder: u128,
        error: &FetchError,
        now: Duration,
        random: u128,
    ) -> Vec<Effect<S::Metric>> {
        let before = self.control;
        let failures = before.failures.saturating_add(1);
        let control = Control {
            next_fetch: now.saturating_add(schedule::backoff(failures, jitter(random))),
            last_attempt: now,
            failures,
            last_error: error.code(),
            holder: 0,
            leased_until: Duration::ZERO,
            ..before
        };
        self.set_control(control, now);
        let mut effects = vec![Effect::Write { holder, document: None, control }];
        effects.extend(self.count(FetchEvent::Failed));
        let has_just_passed = |time: Duration| before.last_attempt < time && time <= now;
        let (is_news, consequence) = match &self.loaded {
            None => (false, "none was fetched before"),
            Some(loaded) if has_just_passed(self.expiry(loaded)) => {
                (true, "the last good one has expired now")
            }
            Some(loaded) if has_just_passed(loaded.fresh_until) => {
                (true, "the last good one is used, although it is stale")
            }
            Some(loaded) if now >= self.expiry(loaded) => (false, "the last good one has expired"),
            Some(_) => (false, "the last good one is used"),
        };
        if is_news || before.last_error != error.code() {
            let (label, cluster) = (self.spec.label(), &self.spec.fetch().cluster);
            let line =
                format!("{label}: not fetched through cluster {cluster}: {error}; {consequence}");
            effects.push(Effect::LogWarning(line));
        }
        effects
    }

    /// Returns the entity tag of the document if all workers share it; `None` without one.
    fn etag(&self) -> Option<String> {
        let version = self.loaded.as_ref().map(|loaded| &loaded.version);
        let shared = version.filter(|version| version.is_of(&self.control));
        shared.filter(|version| !version.etag.is_empty()).map(|version| version.etag.clone())
    }

    /// Returns the discovered URL and the call to it; `None` after too many failures.
    fn discovered_call(&self) -> Option<(String, Call)> {
        let uri = self.loaded.as_ref().map(|loaded| loaded.version.uri.clone())?;
        let is_reliable = self.control.failures < FAILURES_UNTIL_REDISCOVERY && !uri.is_empty();
        let call = is_reliable.then(|| self.call_discovered(&uri, self.etag())).flatten()?;
        Some((uri, call))
    }

    fn call_discovered(&self, uri: &str, etag: Option<String>) -> Option<Call> {
        let Origin::Discovered { document, .. } = &self.spec.fetch().origin else { return None };
        let endpoint = Endpoint::parse(uri)?;
        if document.is_secure() && !endpoint.is_secure() {
            return None;
        }
        let cluster = if endpoint.is_same_host(document) {
            Rc::clone(&self.spec.fetch().cluster)
        } else {
            endpoint.cluster().ok()?.as_str().into()
        };
        Some(self.call(&endpoint, cluster, etag))
    }

    fn call(&self, endpoint: &Endpoint, cluster: Rc<str>, etag: Option<String>) -> Call {
        let configured = match &self.spec.fetch().origin {
            Origin::Url(endpoint) | Origin::Discovered { document: endpoint, .. } => endpoint,
        };
        // A discovery document must not redirect the operator's headers to another host.
        let headers =
            Some(&self.spec.fetch().headers).filter(|_| endpoint.is_same_host(configured));
        Call {
            accept: S::ACCEPT,
            user_agent: S::USER_AGENT,
            more: headers.cloned().unwrap_or_default(),
            cluster,
            scheme: if endpoint.is_secure() { "https" } else { "http" },
            authority: endpoint.authority().to_owned(),
            path: endpoint.path().to_owned(),
            etag,
            timeout: self.spec.fetch().timeout,
        }
    }
}

fn body_of(answer: &Answer) -> Result<&[u8], FetchError> {
    match status(&answer.headers) {
        None => Err(FetchError::NoAnswer),
        Some(200) => answer.body.as_deref().ok_or(FetchError::TooLarge),
        Some(other) => Err(FetchError::Status(other)),
    }
}

fn status(headers: &Headers) -> Option<u16> {
    headers.number(":status")?.try_into().ok()
}

fn etag(headers: &Headers) -> String {
    let value = headers.first("etag").filter(|value| value.len() <= MAX_ETAG_BYTES);
    let is_legal = |byte: &u8| matches!(byte, 0x20..=0x7e);
    let value = value.filter(|value| value.iter().all(is_legal)).unwrap_or_default();
    String::from_utf8_lossy(value).into_owned()
}

#[expect(clippy::cast_possible_truncation, reason = "64 of the random bits are enough")]
const fn jitter(random: u128) -> u64 {
    random as u64
}
