//! A request as a matcher sees it.

use std::{borrow::Cow, cell::OnceCell, collections::BTreeMap, net::IpAddr};

use serde_json::Value;

use crate::{Headers, PathNormalization, RequestPath, cookies};

/// What a host has read of a request, as a matcher's [`Needs`](crate::Needs) named it.
///
/// What was not read is absent, and fulfils no condition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// Headers, the pseudo-headers `:path`, `:method`, `:scheme` and `:authority` among them.
    pub headers: Headers,
    /// Attributes of the proxy by their dotted names, text as it is and numbers as decimals.
    pub attributes: BTreeMap<String, Vec<u8>>,
    /// Claims of a token that was verified.
    pub claims: Option<Value>,
    /// The client's address as the connection manager decided it.
    pub source_address: Option<IpAddr>,
    /// The identity of the client's certificate.
    pub source_principal: Option<Vec<u8>>,
}

/// A query parameter's name and value, decoded.
type Parameter<'r> = (Cow<'r, [u8]>, Cow<'r, [u8]>);

/// A request with its path, parameters and cookies, each split at first use.
#[derive(Debug)]
pub(super) struct View<'r> {
    pub(super) request: &'r Request,
    normalization: PathNormalization,
    path: OnceCell<Option<RequestPath<'r>>>,
    parameters: OnceCell<Vec<Parameter<'r>>>,
    cookies: OnceCell<Vec<(&'r [u8], &'r [u8])>>,
}

impl<'r> View<'r> {
    pub(super) const fn new(request: &'r Request, normalization: PathNormalization) -> Self {
        Self {
            request,
            normalization,
            path: OnceCell::new(),
            parameters: OnceCell::new(),
            cookies: OnceCell::new(),
        }
    }

    fn split(&self) -> Option<&RequestPath<'r>> {
        let split = self.path.get_or_init(|| {
            let target = self.request.headers.first(":path")?;
            Some(RequestPath::new(target, self.normalization))
        });
        split.as_ref()
    }

    pub(super) fn path(&self) -> Option<&[u8]> {
        self.split().map(RequestPath::path)
    }

    pub(super) fn parameters(&self) -> &[Parameter<'r>] {
        self.parameters.get_or_init(|| match self.split() {
            Some(split) => split.parameters().collect(),
            None => Vec::new(),
        })
    }

    pub(super) fn cookies(&self) -> &[(&'r [u8], &'r [u8])] {
        self.cookies.get_or_init(|| cookies(&self.request.headers).collect())
    }
}
