//! Builds filters into the modules that are shipped.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::digest::sha256;
use crate::report;
use crate::workspace::{Filter, ModuleSpec, Workspace};
use crate::{gate, tools};

mod compile;
mod optimize;
mod strip;

/// Builds the filters with these names; all if `names` is empty.
///
/// # Errors
/// Fails at the first filter that cannot be built or fails a check.
pub(crate) fn run(workspace: &Workspace, names: &[String]) -> Result<()> {
    tools::ensure(workspace, compile::TARGET)?;
    for filter in workspace.modules(names)? {
        for module in build(workspace, filter).with_context(|| filter.name().to_owned())? {
            let bytes = fs::read(&module)?;
            let name = module.file_name().map(Path::new).unwrap_or(&module).display();
            report::print(&format!("{name} {} bytes sha256:{}", bytes.len(), sha256(&bytes)))?;
        }
    }
    Ok(())
}

/// Builds and checks the modules of a filter.
fn build(workspace: &Workspace, filter: &Filter) -> Result<Vec<PathBuf>> {
    let spec = filter.spec()?;
    let compiled = fs::read(compile::module(workspace, filter)?)?;
    let mut modules = Vec::new();
    for (suffix, spec) in spec.variants() {
        let name = format!("{}{suffix}", filter.module());
        let output = workspace.wasm().join(name).with_extension("wasm");
        finish(workspace, &compiled, &spec, &output)?;
        let checked = gate::check(&fs::read(&output)?, &spec);
        if checked.is_err() {
            fs::remove_file(&output)?;
        }
        modules.push(checked.map(|()| output)?);
    }
    Ok(modules)
}

/// Strips and optimizes a module, unless the compiled code is unchanged.
fn finish(workspace: &Workspace, compiled: &[u8], spec: &ModuleSpec, output: &Path) -> Result<()> {
    let stamp = Stamp::new(compiled, spec);
    if stamp.matches(output) {
        return Ok(());
    }
    let stripped = strip::unused_exports(compiled, &gate::exports(spec))?;
    let wasm = optimize::run(workspace, &stripped)?;
    fs::create_dir_all(workspace.wasm())?;
    fs::write(output, &wasm)?;
    stamp.write(output, &wasm)
}

/// A stamp file next to a module: the digests of its inputs and of the module.
struct Stamp {
    inputs: String,
}

impl Stamp {
    fn new(compiled: &[u8], spec: &ModuleSpec) -> Self {
        let steps = format!("{:?} {}", spec.callbacks, optimize::command_line());
        Self { inputs: format!("{} {}", sha256(compiled), sha256(steps.as_bytes())) }
    }

    fn path(output: &Path) -> PathBuf {
        output.with_extension("stamp")
    }

    fn text(&self, wasm: &[u8]) -> String {
        format!("{} {}\n", self.inputs, sha256(wasm))
    }

    fn matches(&self, output: &Path) -> bool {
        let Ok(wasm) = fs::read(output) else { return false };
        fs::read_to_string(Self::path(output)).is_ok_and(|text| text == self.text(&wasm))
    }

    fn write(&self, output: &Path, wasm: &[u8]) -> Result<()> {
        Ok(fs::write(Self::path(output), self.text(wasm))?)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_stamp_matches_only_the_same_code_callbacks_and_module() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("a.wasm");
        let spec = |name: &str| ModuleSpec {
            callbacks: vec![name.to_owned()],
            max_size_kib: 1,
            variants: BTreeMap::new(),
        };
        let stamp = Stamp::new(b"compiled", &spec("log"));
        fs::write(&output, b"finished").unwrap();
        assert!(!stamp.matches(&output), "no stamp yet");
        stamp.write(&output, b"finished").unwrap();
        assert!(stamp.matches(&output));
        assert!(!Stamp::new(b"changed", &spec("log")).matches(&output));
        assert!(!Stamp::new(b"compiled", &spec("tick")).matches(&output));
        fs::write(&output, b"tampered").unwrap();
        assert!(!stamp.matches(&output));
    }
}
