//! The cache of tools outside `target`, whose folders appear only when they are complete.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Returns `${XDG_CACHE_HOME:-$HOME/.cache}/weir`.
pub(super) fn home() -> Result<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let cache = cache.or_else(|| set("HOME").map(|home| home.join(".cache")));
    Ok(cache.context("neither XDG_CACHE_HOME nor HOME says where the cache is")?.join("weir"))
}

/// Fills a folder of the cache.
pub(super) fn fill(name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    fill_in(&home()?, name, make)
}

/// Fills a temporary folder and moves it into place.
///
/// A folder that another process has filled is kept.
fn fill_in(home: &Path, name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    fs::create_dir_all(home)?;
    let scratch = tempfile::Builder::new().prefix(".installing-").tempdir_in(home)?;
    let made = scratch.path().join(name);
    fs::create_dir(&made)?;
    make(&made)?;
    let place = home.join(name);
    match fs::rename(&made, &place) {
        Err(_) if place.is_dir() => Ok(()),
        moved => moved.with_context(|| place.display().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filled_folder_appears_whole_and_nothing_else_is_left() {
        let home = tempfile::tempdir().unwrap();
        let make = |to: &Path| Ok(fs::write(to.join("tool"), "1")?);
        fill_in(home.path(), "tool-1", make).unwrap();
        let entries: Vec<_> = fs::read_dir(home.path()).unwrap().map(Result::unwrap).collect();
        assert_eq!(entries.len(), 1);
        assert_eq!(fs::read_to_string(home.path().join("tool-1/tool")).unwrap(), "1");
    }

    #[test]
    fn a_failure_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        let make = |to: &Path| {
            fs::write(to.join("half"), "1")?;
            anyhow::bail!("no network")
        };
        assert!(fill_in(home.path(), "tool-1", make).is_err());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_first_of_two_processes_wins() {
        let home = tempfile::tempdir().unwrap();
        for content in ["first", "second"] {
            fill_in(home.path(), "tool-1", |to| Ok(fs::write(to.join("tool"), content)?)).unwrap();
        }
        assert_eq!(fs::read_to_string(home.path().join("tool-1/tool")).unwrap(), "first");
    }
}
