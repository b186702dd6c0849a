//! Fields of Istio that have no meaning here, refused with the place where they belong.

use filter_core::misplaced::refuse;
use serde::Deserializer;

pub(super) fn custom<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(
        deserializer,
        "must not be given: CUSTOM stays in an AuthorizationPolicy, which Istio runs before every plugin",
    )
}
