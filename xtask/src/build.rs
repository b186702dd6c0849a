//! Building the modules that ship.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::digest::sha256;
use crate::report;
use crate::workspace::{Filter, Recipe, Workspace};
use crate::{gate, tools};

mod compile;
mod optimise;
mod strip;

/// Builds the filters with these names, or all of them.
///
/// # Errors
/// Returns the first error of a build or of the gate.
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

/// Builds the modules of one filter and checks them.
fn build(workspace: &Workspace, filter: &Filter) -> Result<Vec<PathBuf>> {
    let recipe = filter.recipe()?;
    let compiled = fs::read(compile::module(workspace, filter)?)?;
    let mut modules = Vec::new();
    for (suffix, recipe) in recipe.variants() {
        let name = format!("{}{suffix}", filter.module());
        let output = workspace.wasm().join(name).with_extension("wasm");
        finish(workspace, &compiled, &recipe, &output)?;
        let checked = gate::check(&fs::read(&output)?, &recipe);
        if checked.is_err() {
            fs::remove_file(&output)?;
        }
        modules.push(checked.map(|()| output)?);
    }
    Ok(modules)
}

/// Strips and optimizes, unless the compiled code is unchanged.
fn finish(workspace: &Workspace, compiled: &[u8], recipe: &Recipe, output: &Path) -> Result<()> {
    let stamp = Stamp::new(compiled, recipe);
    if stamp.vouches_for(output) {
        return Ok(());
    }
    let stripped = strip::unused_exports(compiled, &gate::exports(recipe))?;
    let wasm = optimise::run(workspace, &stripped)?;
    fs::create_dir_all(workspace.wasm())?;
    fs::write(output, &wasm)?;
    stamp.sign(output, &wasm)
}

/// A file next to a finished module with the digests of its inputs.
struct Stamp {
    inputs: String,
}

impl Stamp {
    fn new(compiled: &[u8], recipe: &Recipe) -> Self {
        let steps = format!("{:?} {}", recipe.callbacks, optimise::recipe());
        Self { inputs: format!("{} {}", sha256(compiled), sha256(steps.as_bytes())) }
    }

    fn path(output: &Path) -> PathBuf {
        output.with_extension("stamp")
    }

    fn text(&self, wasm: &[u8]) -> String {
        format!("{} {}\n", self.inputs, sha256(wasm))
    }

    fn vouches_for(&self, output: &Path) -> bool {
        let Ok(wasm) = fs::read(output) else { return false };
        fs::read_to_string(Self::path(output)).is_ok_and(|text| text == self.text(&wasm))
    }

    fn sign(&self, output: &Path, wasm: &[u8]) -> Result<()> {
        Ok(fs::write(Self::path(output), self.text(wasm))?)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_stamp_vouches_only_for_the_same_source_recipe_and_module() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("a.wasm");
        let recipe = |name: &str| Recipe {
            callbacks: vec![name.to_owned()],
            max_size_kib: 1,
            variants: BTreeMap::new(),
        };
        let stamp = Stamp::new(b"compiled", &recipe("log"));
        fs::write(&output, b"finished").unwrap();
        assert!(!stamp.vouches_for(&output), "no stamp yet");
        stamp.sign(&output, b"finished").unwrap();
        assert!(stamp.vouches_for(&output));
        assert!(!Stamp::new(b"changed", &recipe("log")).vouches_for(&output));
        assert!(!Stamp::new(b"compiled", &recipe("tick")).vouches_for(&output));
        fs::write(&output, b"tampered").unwrap();
        assert!(!stamp.vouches_for(&output));
    }
}
