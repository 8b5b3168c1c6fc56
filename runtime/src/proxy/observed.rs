//! What of a request is handed over to be looked at beside serving it.
//!
//! Nothing is read here: the body goes along as it came.

use std::sync::Arc;

use super::call::Call;
use super::{Asked, Proxy};
use crate::activate::Live;
use crate::observe::{Began, Observer, Seen};
use crate::protocol::Protocol;

/// A request that is looked at.
pub(super) struct Observed<'o> {
    observer: &'o Observer,
    protocol: Protocol,
    is_recorded: bool,
}

impl Proxy {
    /// Whether a request is looked at: one for an answer, where somebody wants to
    /// and it can leave a trace.
    pub(super) fn observed(
        &self,
        call: Call,
        live: &Live,
        request_id: &str,
    ) -> Option<Observed<'_>> {
        self.traces.as_ref()?;
        let observer = self.observer.as_ref()?;
        let Call::Answer(protocol) = call else {
            return None;
        };
        Some(Observed {
            is_recorded: observer.wants(live, request_id)?,
            observer,
            protocol,
        })
    }
}

impl Observed<'_> {
    /// Hands it over, once all is known that its decision looks at.
    pub(super) fn begins(
        &self,
        asked: &Asked,
        session: Option<&str>,
        live: &Arc<Live>,
    ) -> Option<Seen> {
        let mut began = Began::new(live, self.protocol, asked.body.clone());
        began.asked = asked.ask.name().map(str::to_owned);
        began.only = asked.only;
        began.session = asked.remembered(session, live);
        if let Some(smart) = &live.plan().smart_router {
            began.answers = asked.said.recorded(smart);
        }
        began.is_recorded = self.is_recorded;
        self.observer.begins(began)
    }
}
