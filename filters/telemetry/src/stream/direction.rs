//! The traffic direction of a listener.

/// The traffic direction of a listener (`xds.listener_direction`).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Direction {
    /// Not set, as in a plain Envoy.
    #[default]
    Unspecified,
    /// Requests to the sidecar's workload.
    Inbound,
    /// Requests from the sidecar's workload, or through a gateway.
    Outbound,
}

impl Direction {
    /// Every direction, in the order of Envoy's numbers.
    pub const ALL: [Self; 3] = [Self::Unspecified, Self::Inbound, Self::Outbound];

    /// Converts Envoy's number; [`Direction::Unspecified`] if it is unknown.
    #[must_use]
    pub fn from_number(number: u64) -> Self {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        Self::ALL.get(index).copied().unwrap_or_default()
    }

    /// Returns Istio's `reporter`: `source`, `destination` or `unknown`.
    #[must_use]
    pub const fn reporter(self) -> &'static str {
        match self {
            Self::Unspecified => "unknown",
            Self::Inbound => "destination",
            Self::Outbound => "source",
        }
    }
}
