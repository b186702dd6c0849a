//! Explanations of decisions for selected clients.

use std::time::SystemTime;

use filter_core::{Answer, ConfigErrors, Matcher, MatcherOptions, Needs, Request};

use super::{
    Decision, Policies, Policy, Reason, RuleId, Verdict,
    rule::{Context, Rule, Test},
};
use crate::config::{Action, Config};

/// The header that requests an explanation, and the one that contains it.
pub const EXPLAIN: &str = "x-weir-explain";
/// The maximum length of an explanation in bytes.
const MAX_LEN: usize = 1024;

/// The clients that may request explanations.
#[derive(Debug)]
pub(super) struct Explain {
    matcher: Matcher,
    /// The needs of the matcher and of a decision.
    pub(super) needs: Needs,
}

/// A field whose answer is not yes.
struct Failed<'r> {
    field: &'r str,
    is_unsure: bool,
}

impl Explain {
    /// Compiles `explain`; `None` if it is empty.
    pub(super) fn compile(config: &Config, errors: &mut ConfigErrors) -> Option<Self> {
        if config.explain.is_empty() {
            return None;
        }
        let normalization = config.path_normalization;
        let options = MatcherOptions { normalization, ..MatcherOptions::guarding("explain") };
        let compiled = Matcher::compile_list(&config.explain, &options);
        let matcher = compiled.map_err(|invalid| errors.extend(invalid)).ok()?;
        Some(Self { needs: matcher.needs().clone(), matcher })
    }
}

impl Policies {
    /// Returns the inputs that [`Policies::explain`] reads of a request; `None` if there are no
    /// explanations.
    #[must_use]
    pub fn explain_needs(&self) -> Option<&Needs> {
        self.explain.as_ref().map(|explain| &explain.needs)
    }

    /// Returns `true` if a request has the header that requests an explanation.
    #[must_use]
    pub fn is_explanation_requested(&self, request: &Request) -> bool {
        self.explain.is_some() && request.headers.first(EXPLAIN) == Some(b"1")
    }

    /// Returns the explanation of a decision, such as
    /// `decision=deny;by=no_allow;closest=users.rule-0;failed=principals,paths`; `None` if the client
    /// may not have it.
    ///
    /// It contains names of the document, never values. Takes time in proportion to the number of
    /// rules.
    #[must_use]
    pub fn explain(
        &self,
        decision: &Decision,
        request: &Request,
        now: SystemTime,
    ) -> Option<String> {
        self.explain.as_ref()?.matcher.sure_match(request)?;
        let context = Context { normalization: self.normalization, now };
        let Verdict { is_allowed, reason, .. } = decision.verdict;
        let mut text = format!("decision={};by={}", word(is_allowed), self.explained(reason));
        match reason {
            // An ALLOW rule that decides has no unsure fields.
            Reason::Rule(rule) if !is_allowed => {
                let failed = self.failed(rule, request, context).unwrap_or_default();
                if !failed.is_empty() {
                    text.extend([";unsure=", &names(&failed, false)]);
                }
            }
            Reason::NoPolicyAllows => {
                if let Some((rule, failed)) = self.closest(request, context) {
                    let rule = self.explained(Reason::Rule(rule));
                    text.extend([";closest=", &rule, ";failed=", &names(&failed, true)]);
                }
            }
            Reason::Rule(_) | Reason::NoPolicy | Reason::Unreadable => {}
        }
        if !is_allowed && !self.is_enforced(decision) {
            text.push_str(";enforced=false");
        }
        if let Some(dry_run) = decision.dry_run_difference() {
            let by = self.explained(dry_run.reason);
            text.extend([";dry_run=", word(dry_run.is_allowed), ";dry_run_by=", &by]);
        }
        text.truncate(MAX_LEN);
        Some(text)
    }

    /// Returns the enforced rule of an ALLOW policy with the fewest failed fields, and these.
    fn closest(&self, request: &Request, context: Context) -> Option<(RuleId, Vec<Failed<'_>>)> {
        let rules = self.actions.of(Action::Allow).rules.iter().copied();
        let enforced = rules.filter(|rule| self.is(*rule, |policy| !policy.is_dry_run));
        let failed = enforced.filter_map(|rule| Some((rule, self.failed(rule, request, context)?)));
        failed.min_by_key(|(_, failed)| distance(failed))
    }

    fn failed(&self, id: RuleId, request: &Request, context: Context) -> Option<Vec<Failed<'_>>> {
        let policy = self.policies.get(id.policy)?;
        Some(policy.failed(policy.rules.get(id.rule)?, request, context))
    }

    fn explained(&self, reason: Reason) -> String {
        match reason {
            Reason::Rule(rule) => {
                let (policy, rule) = self.names_of(rule);
                format!("{policy}.{rule}")
            }
            Reason::NoPolicyAllows => "no_allow".to_owned(),
            Reason::NoPolicy => "no_policy".to_owned(),
            Reason::Unreadable => "internal".to_owned(),
        }
    }
}

impl Policy {
    /// Returns the fields of a rule whose answer is not yes, each once, in the order of the document.
    fn failed<'r>(&self, rule: &'r Rule, request: &Request, context: Context) -> Vec<Failed<'r>> {
        let failed_of = |tests: &'r [Test]| {
            let answers = tests.iter().map(|test| (&*test.field, test.answer(request, context)));
            failed(answers)
        };
        let fewest = |alternatives: &'r [Vec<Test>]| {
            let failed = alternatives.iter().map(|tests| failed_of(tests));
            failed.min_by_key(distance).unwrap_or_default()
        };
        let is_active =
            self.schedule.is_active(context.now) && rule.schedule.is_active(context.now);
        let mut all = fewest(&rule.from);
        all.extend(fewest(&rule.to));
        all.extend(failed_of(&rule.when));
        all.extend(failed([
            ("match", rule.matched(request)),
            ("schedule", Answer::from(is_active)),
        ]));
        let mut unique: Vec<Failed<'r>> = Vec::new();
        for failed in all {
            match unique.iter_mut().find(|earlier| earlier.field == failed.field) {
                Some(earlier) => earlier.is_unsure &= failed.is_unsure,
                None => unique.push(failed),
            }
        }
        unique
    }
}

/// Returns the number of fields that surely failed, and that of all: the fewer, the closer.
fn distance(failed: &Vec<Failed<'_>>) -> (usize, usize) {
    (failed.iter().filter(|failed| !failed.is_unsure).count(), failed.len())
}

fn failed<'r>(answers: impl IntoIterator<Item = (&'r str, Answer)>) -> Vec<Failed<'r>> {
    let failed = answers.into_iter().filter(|(_, answer)| !answer.is_yes());
    failed.map(|(field, answer)| Failed { field, is_unsure: answer == Answer::Unsure }).collect()
}

/// Returns the names of fields, with a question mark after those that are unsure if `marks_unsure`.
fn names(fields: &[Failed<'_>], marks_unsure: bool) -> String {
    let name = |failed: &Failed<'_>| {
        let mark = if marks_unsure && failed.is_unsure { "?" } else { "" };
        let is_plain =
            |letter: &char| letter.is_ascii_graphic() && !matches!(letter, ';' | ',' | '=');
        let plain = failed.field.chars().map(|letter| if is_plain(&letter) { letter } else { '_' });
        plain.chain(mark.chars()).collect::<String>()
    };
    fields.iter().map(name).collect::<Vec<_>>().join(",")
}

const fn word(is_allowed: bool) -> &'static str {
    if is_allowed { "allow" } else { "deny" }
}
