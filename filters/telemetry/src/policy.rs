//! The document made ready.

use filter_core::InvalidConfig;

use crate::Config;

/// A compiled document.
#[derive(Debug)]
pub struct Policy {
    is_dry_run: bool,
}

impl Policy {
    /// Compiles a document.
    ///
    /// # Errors
    ///
    /// Everything that is wrong between its fields.
    pub const fn new(config: &Config) -> Result<Self, InvalidConfig> {
        Ok(Self { is_dry_run: config.dry_run })
    }

    /// Says whether no header may be written.
    #[must_use]
    pub const fn is_dry_run(&self) -> bool {
        self.is_dry_run
    }
}
