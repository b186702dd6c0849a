//! Types shared by the entries of `metrics`, `tracing` and `accessLogging`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::stream::direction::Direction;

/// Selects listeners, as Istio's `match` does.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct EntryMatch {
    /// Direction of the listeners. Default: `CLIENT_AND_SERVER`.
    pub mode: Mode,
}

/// The direction of listeners, relative to the proxy's workload.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Mode {
    /// All listeners.
    #[default]
    ClientAndServer,
    /// Outbound listeners and gateways.
    Client,
    /// Inbound listeners.
    Server,
}

/// A reference to a provider.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct ProviderRef {
    /// Name of the provider.
    pub name: String,
}

impl Mode {
    /// Returns `true` if an entry of this mode applies to listeners of a direction. Listeners
    /// without a direction match every mode.
    #[must_use]
    pub const fn fits(self, direction: Direction) -> bool {
        match (self, direction) {
            (Self::ClientAndServer, _) | (_, Direction::Unspecified) => true,
            (Self::Client, direction) => matches!(direction, Direction::Outbound),
            (Self::Server, direction) => matches!(direction, Direction::Inbound),
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn modes_match_their_direction_and_unspecified_listeners() {
        use Direction::{Inbound, Outbound, Unspecified};
        use Mode::{Client, ClientAndServer, Server};
        for (mode, fitting) in [
            (ClientAndServer, &[Unspecified, Inbound, Outbound][..]),
            (Client, &[Unspecified, Outbound]),
            (Server, &[Unspecified, Inbound]),
        ] {
            for direction in Direction::ALL {
                assert_eq!(mode.fits(direction), fitting.contains(&direction), "{mode:?}");
            }
        }
    }
}
