//! The reply of an aborted stream.

use filter_core::Reply;

use super::{Abort, AbortKind, Plan, Policy};

impl Policy {
    /// Returns the reply of an abort, `None` if the plan resets the stream or does not abort it.
    pub fn reply(&self, plan: &Plan) -> Option<Reply> {
        let entry = self.entry(plan)?;
        let abort = entry.fault.as_ref()?.abort.as_ref()?;
        let (status, grpc_status) = match plan.abort? {
            AbortKind::Http(status) => (status, None),
            // As in Envoy, the HTTP status is 200 for every client.
            AbortKind::Grpc(status) => (200, Some(status)),
            AbortKind::Reset => return None,
        };
        let mut headers = abort.headers.clone();
        if let Some(name) = &self.mark_header {
            headers.push((name.clone(), self.summary(plan).into_bytes()));
        }
        Some(Reply {
            status,
            grpc_status,
            headers,
            body: abort.text(plan.is_grpc).to_vec(),
            // Envoy does not accept spaces in response code details.
            details: format!("weir_fault_injection_abort{{{}}}", entry.name.replace(' ', "_")),
        })
    }
}

impl Abort {
    fn text(&self, is_grpc: bool) -> &[u8] {
        match &self.grpc_message {
            Some(message) if is_grpc => message,
            Some(_) | None => &self.body,
        }
    }
}
