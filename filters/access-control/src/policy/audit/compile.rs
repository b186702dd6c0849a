//! Compilation of the audit log.

use std::{borrow::Cow, collections::BTreeSet};

use filter_core::{
    ConfigErrors, Needs, Placeholder, PlaceholderKind, PlaceholderText, Redaction, Redactor,
    Request,
};

use super::{Audit, ENFORCED, Field};
use crate::config::{AuditConfig, AuditField, AuditMember, CustomField};

const MAX_PER_SECOND: u32 = 100;
const MAX_FIELDS: usize = 32;
const MAX_NAME: usize = 64;
/// Headers with credentials.
const CREDENTIALS: [&str; 5] =
    ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"];

/// A custom field.
#[derive(Clone, Debug)]
pub(super) struct Custom {
    pub(super) name: String,
    value: PlaceholderText,
    redaction: Option<Redaction>,
}

impl Audit {
    /// Compiles `audit`.
    pub(in crate::policy) fn compile(config: &AuditConfig, errors: &mut ConfigErrors) -> Self {
        let max = config.max_per_second.and_then(|max| u32::try_from(max.get()).ok());
        let fields = match &config.fields {
            Some(fields) => compiled(fields, errors),
            None => AuditField::ALL.map(Field::Standard).to_vec(),
        };
        Self {
            when: config.when,
            fields,
            redaction_key: config.redaction.as_ref().map(|redaction| redaction.key.clone()),
            level: config.level,
            max_per_second: max.unwrap_or(MAX_PER_SECOND),
        }
    }
}

impl Custom {
    pub(super) fn is_hashed(&self) -> bool {
        self.redaction == Some(Redaction::Hash)
    }

    pub(super) fn add_needs(&self, needs: &mut Needs) {
        self.value.placeholders().for_each(|placeholder| placeholder.add_needs(needs));
    }

    /// Returns the value for a request, redacted if configured; `None` if it is absent.
    pub(super) fn value<'r>(
        &self,
        request: &Request,
        redactor: impl Fn() -> &'r Redactor,
    ) -> Option<String> {
        let value = self.value.expand(|placeholder| match placeholder {
            // The first value alone could be a decoy of the client.
            Placeholder::Request(name) => request.headers.joined(name).map(Cow::Owned),
            placeholder => placeholder.of_request(request),
        })?;
        Some(match self.redaction {
            Some(redaction) => redactor().redact(redaction, &value),
            None => String::from_utf8_lossy(&value).into_owned(),
        })
    }
}

fn compiled(fields: &[AuditMember], errors: &mut ConfigErrors) -> Vec<Field> {
    let got = fields.len();
    if got == 0 {
        errors.add("audit.fields", "must have at least one field");
    }
    if got > MAX_FIELDS {
        errors
            .add("audit.fields", format_args!("must have at most {MAX_FIELDS} entries, got {got}"));
    }
    let mut names = BTreeSet::new();
    let mut compiled = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        let path = format!("audit.fields[{index}]");
        let (name, field) = match field {
            AuditMember::Standard(field) => (field.name(), Some(Field::Standard(*field))),
            AuditMember::Custom(field) => (field.name.as_str(), custom(field, &path, errors)),
        };
        if !names.insert(name) {
            errors.add(&path, format_args!("must be unique, got \"{name}\" twice"));
        }
        compiled.extend(field);
    }
    compiled
}

fn custom(config: &CustomField, path: &str, errors: &mut ConfigErrors) -> Option<Field> {
    let name = &config.name;
    let is_valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !(1..=MAX_NAME).contains(&name.len()) || !name.bytes().all(is_valid) {
        errors.add(
            format_args!("{path}.name"),
            format_args!("must be 1 to {MAX_NAME} characters a-z, 0-9 and '_', got \"{name}\""),
        );
    }
    if name == ENFORCED || AuditField::ALL.iter().any(|field| field.name() == name) {
        errors.add(
            format_args!("{path}.name"),
            format_args!("must not be the name of a standard field, got \"{name}\""),
        );
    }
    let path = format!("{path}.value");
    let allowed = [PlaceholderKind::Request, PlaceholderKind::Claim];
    let value = match PlaceholderText::parse(&config.value, &allowed) {
        Ok(value) => value,
        Err(error) => {
            errors.add(path, error);
            return None;
        }
    };
    if value.placeholders().next().is_none() {
        errors.add(&path, "must have a placeholder such as %REQ(name)%");
    }
    let is_credential = |placeholder: &Placeholder| match placeholder {
        Placeholder::Request(name) => CREDENTIALS.contains(&name.as_str()),
        _ => false,
    };
    if config.redact != Some(Redaction::Hash) && value.placeholders().any(is_credential) {
        errors.add(path, "must not show a credential, unless redact is HASH");
    }
    Some(Field::Custom(Custom { name: name.clone(), value, redaction: config.redact }))
}
