//! What entries of `metrics`, `tracing` and `accessLogging` have in common.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::stream::direction::Direction;

/// Which listeners an entry is for, as Istio's `match` means it.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct EntryMatch {
    /// The proxy's side.
    pub mode: Mode,
}

/// The side of a proxy that an entry is for.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Mode {
    /// Both.
    #[default]
    ClientAndServer,
    /// Outbound listeners and gateways.
    Client,
    /// Inbound listeners.
    Server,
}

/// A provider by its name.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct ProviderRef {
    /// The name.
    pub name: String,
}

impl Mode {
    /// Says whether an entry of this mode is for listeners of a direction; where Envoy does not say
    /// the direction, every entry is.
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
    fn a_mode_fits_its_side_and_listeners_that_do_not_say_theirs() {
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
