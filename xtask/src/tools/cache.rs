//! The cache of installed tools. A tool appears in it in one step, so it is always complete.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Returns `${XDG_CACHE_HOME:-$HOME/.cache}/weir`.
pub(super) fn home() -> Result<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let cache = cache.or_else(|| set("HOME").map(|home| home.join(".cache")));
    Ok(cache.context("cannot find the cache folder: set HOME or XDG_CACHE_HOME")?.join("weir"))
}

/// Fills a folder of the cache.
pub(super) fn fill(name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    fill_in(&home()?, name, make)
}

/// Fills a temporary folder, then moves it to its path.
///
/// If another process has filled the folder first, its files are kept.
fn fill_in(home: &Path, name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    fs::create_dir_all(home)?;
    let scratch = tempfile::Builder::new().prefix(".installing-").tempdir_in(home)?;
    let filled = scratch.path().join(name);
    fs::create_dir(&filled)?;
    make(&filled)?;
    let folder = home.join(name);
    match fs::rename(&filled, &folder) {
        Err(_) if folder.is_dir() => Ok(()),
        moved => moved.with_context(|| folder.display().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_only_the_filled_folder() {
        let home = tempfile::tempdir().unwrap();
        let make = |to: &Path| Ok(fs::write(to.join("tool"), "1")?);
        fill_in(home.path(), "tool-1", make).unwrap();
        let entries: Vec<_> = fs::read_dir(home.path()).unwrap().map(Result::unwrap).collect();
        assert_eq!(entries.len(), 1);
        assert_eq!(fs::read_to_string(home.path().join("tool-1/tool")).unwrap(), "1");
    }

    #[test]
    fn leaves_nothing_after_a_failure() {
        let home = tempfile::tempdir().unwrap();
        let make = |to: &Path| {
            fs::write(to.join("half"), "1")?;
            anyhow::bail!("no network")
        };
        assert!(fill_in(home.path(), "tool-1", make).is_err());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }

    #[test]
    fn keeps_the_folder_of_the_first_process() {
        let home = tempfile::tempdir().unwrap();
        for content in ["first", "second"] {
            fill_in(home.path(), "tool-1", |to| Ok(fs::write(to.join("tool"), content)?)).unwrap();
        }
        assert_eq!(fs::read_to_string(home.path().join("tool-1/tool")).unwrap(), "first");
    }
}
