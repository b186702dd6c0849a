//! One fetch, from the lease to the new document.

use std::{rc::Rc, time::Duration};

use filter_core::Headers;

use super::{
    Answer, Call, Content, Control, Document, Effect, Flight, Kind, Origin, Source, Stage, Trouble,
    content, freshness, schedule,
};
use crate::{endpoint::Endpoint, metrics::Metric};

/// After so many failures a discovered place is asked for again.
const FAILURES_UNTIL_REDISCOVERY: u64 = 3;
/// A longer entity tag is not sent back.
const MAX_ETAG_BYTES: usize = 1024;
/// Of so many keys that are left out it is told why; the others are only counted.
const MAX_TOLD: usize = 10;

impl Source {
    /// Sends the first call of a fetch that this worker holds the lease for.
    pub(super) fn depart(&mut self, control: Control, now: Duration) -> Vec<Effect> {
        let extra = control.extra != self.view.extra;
        self.view = control;
        let mut effects = Vec::new();
        if extra {
            effects.push(Effect::Count(Metric::JwksRefetchUnknownKid));
        }
        let (stage, call) = match &self.spec.origin {
            Origin::Url(endpoint) => {
                let call = self.call(endpoint, Rc::clone(&self.spec.cluster), self.etag());
                (Stage::Document { uri: String::new() }, call)
            }
            Origin::Discovered { document, .. } => match self.discovered() {
                Some((uri, call)) => (Stage::Document { uri }, call),
                None => {
                    let call = self.call(document, Rc::clone(&self.spec.cluster), None);
                    (Stage::Discovery, call)
                }
            },
        };
        self.flight = Some(Flight { holder: control.holder, began: now, stage });
        effects.push(Effect::Call(call));
        effects
    }

    /// Takes the answer to the call under way.
    pub(super) fn arrive(&mut self, answer: &Answer, now: Duration, random: u128) -> Vec<Effect> {
        let Some(flight) = self.flight.take() else { return Vec::new() };
        let mut effects = vec![Effect::Took(now.saturating_sub(flight.began))];
        let outcome = match flight.stage {
            Stage::Discovery => self.discover(answer, flight.holder, now),
            Stage::Document { uri } => self.receive(answer, uri, flight.holder, now, random),
        };
        effects.extend(match outcome {
            Ok(more) => more,
            Err(trouble) => self.fail_as(flight.holder, trouble, now, random),
        });
        effects
    }

    /// Notes that the proxy refused the call.
    pub(super) fn fail(&mut self, trouble: Trouble, now: Duration, random: u128) -> Vec<Effect> {
        let flight = self.flight.take();
        flight.map_or_else(Vec::new, |flight| self.fail_as(flight.holder, trouble, now, random))
    }

    fn discover(
        &mut self,
        answer: &Answer,
        holder: u128,
        now: Duration,
    ) -> Result<Vec<Effect>, Trouble> {
        let Origin::Discovered { issuer, .. } = &self.spec.origin else { return Ok(Vec::new()) };
        let body = good_body(answer)?;
        let uri = content::discovered(body, issuer)?;
        let call = self.call_discovered(&uri, None).ok_or(Trouble::WrongJwksUri)?;
        let until = now.saturating_add(self.spec.timeout).saturating_add(Duration::from_secs(1));
        self.view.leased_until = until;
        self.flight = Some(Flight { holder, began: now, stage: Stage::Document { uri } });
        let lease = Effect::Write { holder, document: None, control: self.view };
        Ok(vec![lease, Effect::Call(call)])
    }

    fn receive(
        &mut self,
        answer: &Answer,
        uri: String,
        holder: u128,
        now: Duration,
        random: u128,
    ) -> Result<Vec<Effect>, Trouble> {
        if status(&answer.headers) == Some(304) && self.loaded.is_some() {
            let mut effects = self.renew(None, &answer.headers, holder, now, random);
            effects.extend(self.count_of_keys(Metric::JwksFetchNotModified));
            return Ok(effects);
        }
        let body = good_body(answer)?;
        let (content, ignored) = Content::parse(self.spec.kind, body, &self.crypto)?;
        let known = self.loaded.as_ref().map(|loaded| loaded.document.body.as_slice());
        let changed = known != Some(body);
        let generation = self.view.generation.max(self.loaded_generation());
        let document = Document {
            generation: generation.saturating_add(1),
            etag: etag(&answer.headers),
            uri,
            body: body.to_vec(),
        };
        let mut effects = Vec::new();
        if changed {
            effects.extend(ignored.iter().map(|_| Effect::Count(Metric::JwksKeysIgnored)));
            let what = self.name();
            let more = ignored.len().saturating_sub(MAX_TOLD);
            let told = ignored.into_iter().take(MAX_TOLD);
            effects.extend(told.map(|why| Effect::Warn(format!("{what}: {why}"))));
            if more > 0 {
                effects.push(Effect::Warn(format!("{what}: {more} more keys are left out")));
            }
            effects.push(Effect::Inform(format!("{what}: fetched, and its content is new")));
            effects.extend(self.replace(document.clone(), content));
        } else if let Some(loaded) = &mut self.loaded {
            loaded.document = document.clone();
        }
        effects.extend(self.renew(Some(document), &answer.headers, holder, now, random));
        effects.extend(self.count_of_keys(Metric::JwksFetchSuccess));
        Ok(effects)
    }

    /// Writes that the document is current, a new one along with it.
    fn renew(
        &mut self,
        document: Option<Document>,
        headers: &Headers,
        holder: u128,
        now: Duration,
        random: u128,
    ) -> Vec<Effect> {
        let limits = self.spec.freshness;
        let said = freshness::of(headers, now).unwrap_or(limits.default);
        let fresh = said.clamp(limits.shortest, limits.longest);
        let failed = self.view.failures > 0;
        self.view = Control {
            generation: document.as_ref().map_or(self.view.generation, |d| d.generation),
            fetched: now,
            fresh_until: now.saturating_add(fresh),
            next: now.saturating_add(schedule::renewal(fresh, jitter(random))),
            attempted: now,
            failures: 0,
            trouble: 0,
            holder: 0,
            leased_until: Duration::ZERO,
            ..self.view
        };
        let mut effects = vec![Effect::Write { holder, document, control: self.view }];
        if failed {
            effects.push(Effect::Inform(format!("{}: fetched again", self.name())));
        }
        effects
    }

    fn fail_as(
        &mut self,
        holder: u128,
        trouble: Trouble,
        now: Duration,
        random: u128,
    ) -> Vec<Effect> {
        let before = self.view;
        let failures = before.failures.saturating_add(1);
        self.view = Control {
            next: now.saturating_add(schedule::back_off(failures, jitter(random))),
            attempted: now,
            failures,
            trouble: trouble.code(),
            holder: 0,
            leased_until: Duration::ZERO,
            ..before
        };
        let counter = match self.spec.kind {
            Kind::Keys => Metric::JwksFetchFailed,
            Kind::DenyList => Metric::RevocationFetchFailed,
        };
        let mut effects = vec![
            Effect::Write { holder, document: None, control: self.view },
            Effect::Count(counter),
        ];
        let passed = |moment: Duration| before.attempted < moment && moment <= now;
        let consequence = match &self.loaded {
            None => "there is none yet",
            Some(_) if passed(self.dropped_at()) => "the last good one is dropped",
            Some(_) if passed(before.fresh_until) => "the last good one serves although it is old",
            Some(_) if now >= self.dropped_at() => "the last good one was dropped",
            Some(_) => "the last good one serves",
        };
        let news =
            self.loaded.is_some() && (passed(self.dropped_at()) || passed(before.fresh_until));
        if news || before.trouble != trouble.code() {
            let (name, cluster) = (self.name(), &self.spec.cluster);
            let line =
                format!("{name}: not fetched through cluster {cluster}: {trouble}; {consequence}");
            effects.push(Effect::Warn(line));
        }
        effects
    }

    /// Counts what is counted of key sets only.
    fn count_of_keys(&self, metric: Metric) -> Option<Effect> {
        (self.spec.kind == Kind::Keys).then_some(Effect::Count(metric))
    }

    fn name(&self) -> String {
        let what = match self.spec.kind {
            Kind::Keys => "key set",
            Kind::DenyList => "deny list",
        };
        format!("{what} of provider {}", self.spec.provider)
    }

    fn etag(&self) -> Option<String> {
        let etag = self.loaded.as_ref().map(|loaded| loaded.document.etag.clone());
        etag.filter(|etag| !etag.is_empty())
    }

    /// Returns the place that was discovered, unless it seems to have moved.
    fn discovered(&self) -> Option<(String, Call)> {
        let uri = self.loaded.as_ref().map(|loaded| loaded.document.uri.clone())?;
        let reliable = self.view.failures < FAILURES_UNTIL_REDISCOVERY && !uri.is_empty();
        let call = reliable.then(|| self.call_discovered(&uri, self.etag())).flatten()?;
        Some((uri, call))
    }

    fn call_discovered(&self, uri: &str, etag: Option<String>) -> Option<Call> {
        let Origin::Discovered { document, .. } = &self.spec.origin else { return None };
        let endpoint = Endpoint::parse(uri)?;
        if document.is_secure() && !endpoint.is_secure() {
            return None;
        }
        let cluster = if endpoint.is_beside(document) {
            Rc::clone(&self.spec.cluster)
        } else {
            endpoint.cluster().ok()?.as_str().into()
        };
        Some(self.call(&endpoint, cluster, etag))
    }

    fn call(&self, endpoint: &Endpoint, cluster: Rc<str>, etag: Option<String>) -> Call {
        let configured = match &self.spec.origin {
            Origin::Url(endpoint) | Origin::Discovered { document: endpoint, .. } => endpoint,
        };
        // A discovery document must not choose another recipient of the operator's headers.
        let headers = Some(&self.spec.headers).filter(|_| endpoint.is_beside(configured));
        Call {
            more: headers.cloned().unwrap_or_default(),
            cluster,
            scheme: if endpoint.is_secure() { "https" } else { "http" },
            authority: endpoint.authority().to_owned(),
            path: endpoint.path().to_owned(),
            etag,
            timeout: self.spec.timeout,
        }
    }
}

fn good_body(answer: &Answer) -> Result<&[u8], Trouble> {
    match status(&answer.headers) {
        None => Err(Trouble::NoAnswer),
        Some(200) => answer.body.as_deref().ok_or(Trouble::TooLarge),
        Some(other) => Err(Trouble::Status(other)),
    }
}

fn status(headers: &Headers) -> Option<u16> {
    headers.number(":status")?.try_into().ok()
}

fn etag(headers: &Headers) -> String {
    let value = headers.first("etag").filter(|value| value.len() <= MAX_ETAG_BYTES);
    let legal = |byte: &u8| matches!(byte, 0x20..=0x7e);
    let value = value.filter(|value| value.iter().all(legal)).unwrap_or_default();
    String::from_utf8_lossy(value).into_owned()
}

#[expect(clippy::cast_possible_truncation, reason = "64 of the random bits are enough")]
const fn jitter(random: u128) -> u64 {
    random as u64
}
