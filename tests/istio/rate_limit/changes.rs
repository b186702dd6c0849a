//! Changes of the WasmPlugin: another number, and another image.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use tests::repository;

use super::{
    FILTER,
    gateway::{REQUESTS, apply, check_admitted, request_of, send},
    statuses,
};
use crate::{
    mesh::{Image, Mesh},
    tools,
};

/// The tag of the other image.
const TAG: &str = "next";

/// A user who has used all requests is refused after every change. `alice` is such a user.
pub(super) fn keep_counts(mesh: &Mesh) -> Result<()> {
    let more = REQUESTS.saturating_add(2);
    apply(mesh, mesh.image(FILTER)?, more, 472)?;
    check_refused(mesh, "alice")?;
    // The new number is that of users without a count.
    check_admitted(mesh, &request_of(mesh, "carol")?, more)?;
    let other = push_other(mesh)?;
    let mark = mesh.log_mark();
    apply(mesh, &other, more, 473)?;
    mesh.wait_for_log(mark, &format!("with tag {TAG}"))?;
    for user in ["alice", "bob", "carol"] {
        check_refused(mesh, user)?;
    }
    check_admitted(mesh, &request_of(mesh, "dave")?, more)
}

/// Fails unless every worker refuses `user`.
fn check_refused(mesh: &Mesh, user: &str) -> Result<()> {
    let found = statuses(|request| send(mesh, request), &request_of(mesh, user)?, 6)?;
    ensure!(found == [429; 6], "a change of the plugin lost the count of {user}: {found:?}");
    Ok(())
}

/// Pushes the module with an additional custom section, for which Envoy starts new VMs.
fn push_other(mesh: &Mesh) -> Result<Image> {
    let folder = tempfile::tempdir()?;
    let mut module = fs::read(repository::module(FILTER)?)?;
    module.extend_from_slice(&[0, 5, 4, b't', b'e', b's', b't']);
    fs::write(folder.path().join("plugin.wasm"), module)?;
    let layer = folder.path().join("layer.tar");
    let mut tar = Command::new("tar");
    tar.arg("-cf").arg(&layer).arg("-C").arg::<&Path>(folder.path()).arg("plugin.wasm");
    tools::output(&mut tar)?;
    let url = &mesh.image(FILTER)?.url;
    let (name, _) = url.rsplit_once(':').context("the image has no tag")?;
    let url = format!("{name}:{TAG}");
    let reference = url.trim_start_matches("oci://");
    let crane = || Command::new(&mesh.tools().crane);
    let mut append = crane();
    append.args(["append", "--oci-empty-base", "--new_tag", reference, "--new_layer"]).arg(&layer);
    tools::output(&mut append)?;
    let digest = tools::output(crane().args(["digest", reference]))?;
    let sha256 = digest.trim().strip_prefix("sha256:").context("the digest is not SHA-256")?;
    Ok(Image { sha256: sha256.to_owned(), url })
}
