//! Inbound tags, and the trust in their sender.

use std::borrow::Cow;

use filter_core::{HeaderEdits, HeaderName, Headers, Matcher, Request};

use super::{Policy, decide::HeaderTag, output::baggage_edits};
use crate::{baggage::Baggage, metrics::Metric, tag::Tag};

/// A request without untrusted tags, and its trusted tags.
pub(super) struct InboundTags<'r> {
    pub(super) request: Cow<'r, Request>,
    /// Trusted tags, in the order of [`Policy::tag_headers`].
    pub(super) tags: Vec<HeaderTag>,
    /// `true` for each tag header that is present in the request, in the same order.
    pub(super) present: Vec<bool>,
    /// `true` if the client is trusted.
    pub(super) is_trusted: bool,
    /// `true` if the baggage has the member that carries the tag.
    pub(super) has_member: bool,
}

impl Policy {
    /// Returns the inbound tags of a request.
    pub(super) fn inbound_tags<'r>(
        &self,
        request: &'r Request,
        metrics: &mut Vec<Metric>,
    ) -> InboundTags<'r> {
        let is_present = |name: &HeaderName| request.headers.first(name.as_str()).is_some();
        let present: Vec<bool> = self.tag_headers.iter().map(is_present).collect();
        let members = self.members(&request.headers);
        let mut inbound = InboundTags {
            tags: vec![HeaderTag::Undecided; self.tag_headers.len()],
            is_trusted: false,
            has_member: !members.is_empty(),
            request: self.without_tags(request, &present),
            present,
        };
        if !inbound.has_member && !inbound.present.contains(&true) {
            return inbound;
        }
        // `trustInbound` matches the request without its tags: a tag cannot make it trusted.
        let matches = |matcher: &Matcher| matcher.sure_match(&inbound.request).is_some();
        inbound.is_trusted = self.trust.as_ref().is_some_and(matches);
        if !inbound.is_trusted {
            metrics.extend(inbound.has_member.then_some(Metric::InboundStripped));
            return inbound;
        }
        self.keep_tags(&mut inbound, request, &members, metrics);
        inbound
    }

    /// Returns `true` if [`Policy::strip_edits`] depends on the headers.
    #[must_use]
    pub const fn strips_baggage(&self) -> bool {
        self.baggage_key.is_some() && !self.mode.is_dry_run()
    }

    /// Returns the edits that remove tags and the member of `baggage` that carries one from request
    /// trailers, or from request headers after a failed host call. Trusted clients lose theirs too:
    /// tags are only read from headers.
    ///
    /// `headers` has the values of `baggage`, which is removed as a whole if they are unreadable
    /// (`None`). The edits are independent of each other.
    #[must_use]
    pub fn strip_edits(&self, headers: Option<&Headers>) -> Vec<HeaderEdits> {
        if self.mode.is_dry_run() {
            return Vec::new();
        }
        let remove = |name| HeaderEdits { remove: vec![name], ..HeaderEdits::default() };
        let tags = self.tag_headers.iter().cloned().map(remove);
        let baggage = self.baggage_key.as_deref().and_then(|key| {
            let Some(headers) = headers else { return Some(baggage_edits(&[])) };
            let baggage = Baggage::new(headers, key);
            (!baggage.values().is_empty()).then(|| baggage_edits(&baggage.without()))
        });
        tags.chain(baggage).collect()
    }

    /// Returns the values of the baggage member that carries the tag.
    fn members<'r>(&'r self, headers: &'r Headers) -> Vec<&'r [u8]> {
        let key = self.baggage_key.as_deref();
        key.map(|key| Baggage::new(headers, key).values()).unwrap_or_default()
    }

    fn without_tags<'r>(&self, request: &'r Request, present: &[bool]) -> Cow<'r, Request> {
        if !present.contains(&true) {
            return Cow::Borrowed(request);
        }
        let mut request = request.clone();
        for name in &self.tag_headers {
            request.headers.remove(name.as_str());
        }
        Cow::Owned(request)
    }

    /// Keeps the valid tags of a trusted client.
    fn keep_tags(
        &self,
        inbound: &mut InboundTags<'_>,
        request: &Request,
        members: &[&[u8]],
        metrics: &mut Vec<Metric>,
    ) {
        for (index, name) in self.tag_headers.iter().enumerate() {
            let values: Vec<&[u8]> = request.headers.all(name.as_str()).collect();
            let from_baggage = values.is_empty() && index == 0;
            let values = if from_baggage { members } else { &values };
            if values.is_empty() {
                continue;
            }
            let tag = single(values);
            metrics.push(if tag.is_some() {
                Metric::InboundTrusted
            } else {
                Metric::InboundInvalid
            });
            let Some(tag) = tag else { continue };
            inbound.request.to_mut().headers.push(name.as_str(), tag.as_str());
            if let Some(kept) = inbound.tags.get_mut(index) {
                *kept = HeaderTag::Kept { tag, from_baggage };
            }
        }
    }
}

/// Returns the tag if there is exactly one value and it is valid.
fn single(values: &[&[u8]]) -> Option<Tag> {
    match values {
        [value] => Tag::from_bytes(value),
        [] | [_, _, ..] => None,
    }
}
