//! jwt-auth compared with Envoy's own `jwt_authn`: the same requests have the same outcome, except
//! for the intended differences.

mod corpus;
mod flaws;
mod known_differences;
mod locations;
mod outcome;
mod paths;
mod settings;
mod token_builder;

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
};

use anyhow::{Context, Result, anyhow};
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    client::Client,
    envoy::Envoy,
    keys::Keys,
    process::read_text,
    repository::root,
    upstream::Upstream,
};

use self::{
    corpus::Case, known_differences::KNOWN_DIFFERENCES, outcome::Outcome, settings::Setting,
};

/// Maximum number of unexpected differences that are printed.
const MAX_SHOWN: usize = 40;

/// The results of all requests.
#[derive(Debug, Default)]
struct Summary {
    requests: usize,
    same: usize,
    admitted: usize,
    known_differences: BTreeMap<&'static str, usize>,
    unexplained: Vec<String>,
}

#[test]
fn differs_from_native_only_as_intended() -> Result<()> {
    let keys = Keys::shared()?;
    let app = Upstream::start()?;
    let start = |filter: Filter| Envoy::start(EnvoyOptions::new(app.address(), vec![filter]));
    let mut summary = Summary::default();
    for (index, setting) in settings::all(keys).iter().enumerate() {
        let cases = corpus::cases(index, setting.name == "secret", keys)?;
        let (ours, native) = (start(setting.ours())?, start(setting.native())?);
        let (ours, native) = both(&cases, ours.http1(), native.http1())?;
        for ((case, ours), native) in cases.iter().zip(&ours).zip(&native) {
            summary.count(setting, case, ours, native);
        }
    }
    summary.print();
    assert!(summary.unexplained.is_empty(), "{} unexpected differences", summary.unexplained.len());
    for known in KNOWN_DIFFERENCES {
        let seen = summary.known_differences.contains_key(known.name);
        assert!(seen, "no difference of the kind {:?}: remove it from the list", known.name);
    }
    Ok(())
}

#[test]
fn readme_lists_exactly_the_known_differences() -> Result<()> {
    let readme = read_text(&root().join("filters/jwt-auth/README.md"))?;
    let (_, section) = readme
        .split_once("## Differences from")
        .context("README.md has no section on differences")?;
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    let listed: BTreeSet<&str> = rows.filter(|row| *row != "difference").collect();
    let known = KNOWN_DIFFERENCES.iter().map(|known| known.name).chain(paths::KNOWN_DIFFERENCES);
    assert_eq!(listed, known.collect());
    Ok(())
}

/// Sends all requests to both proxies in parallel.
fn both(cases: &[Case], ours: Client, native: Client) -> Result<(Vec<Outcome>, Vec<Outcome>)> {
    thread::scope(|scope| {
        let ours = scope.spawn(|| outcomes(cases, ours));
        let native = outcomes(cases, native);
        let ours = ours.join().map_err(|_| anyhow!("the client of jwt-auth panicked"))?;
        Ok((ours?, native?))
    })
}

fn outcomes(cases: &[Case], client: Client) -> Result<Vec<Outcome>> {
    let send =
        |case: &Case| Outcome::read(&client.send(case.request.clone())?, case.has(&["head"]));
    cases.iter().map(send).collect()
}

impl Summary {
    fn count(&mut self, setting: &Setting, case: &Case, ours: &Outcome, native: &Outcome) {
        self.requests = self.requests.saturating_add(1);
        if let Outcome::Admitted(_) = ours {
            self.admitted = self.admitted.saturating_add(1);
        }
        let differences = ours.differences(native);
        if differences.is_empty() {
            self.same = self.same.saturating_add(1);
        }
        for difference in differences {
            let known = KNOWN_DIFFERENCES
                .iter()
                .find(|known| known.explains(case, ours, native, &difference));
            if let Some(known) = known {
                let count = self.known_differences.entry(known.name).or_default();
                *count = count.saturating_add(1);
            } else {
                let [ours, native] = [ours, native].map(|outcome| outcome.show(&difference));
                let setting = setting.name;
                self.unexplained.push(format!(
                    "{difference:?} in {setting:?}: {:?}\n  ours   {ours}\n  native {native}",
                    case.traits
                ));
            }
        }
    }

    fn print(&self) {
        eprintln!(
            "{} requests, {} without difference, {} admitted",
            self.requests, self.same, self.admitted
        );
        for (known, count) in &self.known_differences {
            eprintln!("{count:6} {known}");
        }
        eprintln!("{:6} unexpected", self.unexplained.len());
        for line in self.unexplained.iter().take(MAX_SHOWN) {
            eprintln!("{line}");
        }
    }
}
