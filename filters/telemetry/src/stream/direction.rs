//! Where a listener stands: before a server, or behind a client.

/// Envoy's traffic direction of a listener (`xds.listener_direction`).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Direction {
    /// A plain Envoy, which says nothing.
    #[default]
    Unspecified,
    /// Requests to the workload beside the proxy.
    Inbound,
    /// Requests of the workload beside the proxy, or through a gateway.
    Outbound,
}

impl Direction {
    /// Every direction, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Unspecified, Self::Inbound, Self::Outbound];

    /// Reads Envoy's number; an unknown one is [`Direction::Unspecified`].
    #[must_use]
    pub fn from_number(number: u64) -> Self {
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        Self::ALL.get(place).copied().unwrap_or_default()
    }

    /// Returns what Istio calls the proxy's side: `source`, `destination` or `unknown`.
    #[must_use]
    pub const fn reporter(self) -> &'static str {
        match self {
            Self::Unspecified => "unknown",
            Self::Inbound => "destination",
            Self::Outbound => "source",
        }
    }
}
