//! The reply of an aborted stream.

use filter_core::Reply;

use super::{Abort, Ending, Plan, Policy};

impl Policy {
    /// Returns the reply of a plan that aborts; `None` when the stream is reset instead.
    pub fn reply(&self, plan: &Plan) -> Option<Reply> {
        let entry = self.entry(plan)?;
        let abort = entry.fault.as_ref()?.abort.as_ref()?;
        let (status, grpc_status) = match plan.abort? {
            Ending::Http(status) => (status, None),
            // As Envoy's: the HTTP status is 200 whoever asks.
            Ending::Grpc(status) => (200, Some(status)),
            Ending::Reset => return None,
        };
        let mut headers = abort.headers.clone();
        if let Some(mark) = &self.mark {
            headers.push((mark.clone(), self.trace(plan).into_bytes()));
        }
        Some(Reply {
            status,
            grpc_status,
            headers,
            body: abort.text(plan.is_grpc).to_vec(),
            // Envoy does not accept blanks in details.
            details: format!("weir_fault_injection_abort{{{}}}", entry.name.replace(' ', "_")),
        })
    }
}

impl Abort {
    fn text(&self, is_grpc: bool) -> &[u8] {
        match &self.grpc_message {
            Some(message) if is_grpc => message,
            _ => &self.body,
        }
    }
}
