//! Logging to the proxy's log.

use filter_core::{OneLine, is_printable};
use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::sys;

struct ProxyLog;

static LOGGER: ProxyLog = ProxyLog;

/// Installs a logger and a panic hook that write to the proxy's log.
///
/// The log level is read from the proxy for each record, so changes at run time apply immediately.
/// A disabled record costs one host call and no formatting.
pub fn install() {
    if log::set_logger(&LOGGER).is_ok() {
        log::set_max_level(LevelFilter::Trace);
        #[cfg(target_os = "wasi")]
        std::panic::set_hook(Box::new(|panic| {
            write(CRITICAL, &panic.to_string());
        }));
    }
}

#[cfg(target_os = "wasi")]
const CRITICAL: u32 = 5;

fn number(level: Level) -> u32 {
    match level {
        Level::Trace => 0,
        Level::Debug => 1,
        Level::Info => 2,
        Level::Warn => 3,
        Level::Error => 4,
    }
}

/// Writes a line with line breaks and invisible characters escaped.
fn write(level: u32, line: &str) {
    let _ = if is_printable(line) {
        sys::log(level, line.as_bytes())
    } else {
        sys::log(level, OneLine(line).to_string().as_bytes())
    };
}

impl Log for ProxyLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        sys::log_level().is_ok_and(|min| number(metadata.level()) >= min)
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            write(number(record.level()), &record.args().to_string());
        }
    }

    fn flush(&self) {}
}
