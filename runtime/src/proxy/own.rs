//! Requests of the proxy's own, made on behalf of a client's: a model of the plan
//! is asked by the name it has there, so that a pool behind it does all it does
//! for clients.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use serde_json::Value;
use tokio::time::timeout;

use super::account::Account;
use super::relay::Relay;
use super::request_id::request_id;
use super::traced::{Told, Traced};
use super::walk::{self, Committed};
use super::{Asked, Proxy};
use crate::activate::Live;
use crate::protocol::Protocol;
use crate::trace::Consulted;

/// Bytes of an answer that are read.
const ANSWER: usize = 1 << 20;

/// What one model is asked.
pub(super) struct Own<'o> {
    /// What for, as the trace says it.
    pub(super) role: &'static str,
    /// The model's name in the plan.
    pub(super) model: &'o str,
    /// A Messages request without its model.
    pub(super) body: Value,
    /// Longest wait for the whole answer.
    pub(super) patience: Duration,
}

impl Proxy {
    /// What `read` makes of the answer, Anthropic's message; none where the model
    /// gives none in time, or none of use. And what there is to remember of it.
    pub(super) async fn ask_own<T>(
        &self,
        live: &Arc<Live>,
        own: Own<'_>,
        read: impl FnOnce(&[u8]) -> Option<T>,
    ) -> (Option<T>, Consulted) {
        let Own {
            role,
            model,
            mut body,
            patience,
        } = own;
        body["model"] = model.into();
        let told = Told::default();
        let mut consulted = Consulted {
            role: role.to_owned(),
            model: model.to_owned(),
            ..Consulted::default()
        };
        let asking = async {
            let asked = Asked::own(body.to_string().into())?;
            self.answered(&asked, live, model, &told).await
        };
        let (outcome, said) = match timeout(patience, asking).await {
            Err(_) => ("timeout", None),
            Ok(None) => ("failed", None),
            Ok(Some(answer)) => match read(&answer) {
                None => ("unusable", None),
                Some(said) => ("answered", Some(said)),
            },
        };
        outcome.clone_into(&mut consulted.outcome);
        if let Some(trace) = told.take() {
            let tried = trace.attempts.into_iter().next_back();
            consulted.endpoint = trace.endpoint.or(tried.map(|attempt| attempt.endpoint));
            consulted.ms = trace.latency_ms.unwrap_or_default();
            consulted.tokens = trace.tokens;
            consulted.estimated_cost = trace.estimated_cost;
            consulted.currency = trace.currency;
        }
        (said, consulted)
    }

    /// The whole answer, where it is a success.
    async fn answered(
        &self,
        asked: &Asked,
        live: &Arc<Live>,
        model: &str,
        told: &Told,
    ) -> Option<Bytes> {
        let mut account = Account::open(request_id(), &self.cut);
        account.asks(model);
        account.traced = Some(Box::new(Traced::own(told)));
        let walked = walk::walk(&self.client, &self.kept, asked, live, &mut account).await;
        let Committed {
            mut answer, mark, ..
        } = match walked {
            Ok(committed) => committed,
            Err(error) => {
                account.refused(&error);
                return None;
            }
        };
        account.answered(&mut answer, mark.as_ref());
        let is_success = answer.head.status.is_success();
        let relay = Relay::new(answer, Protocol::Messages, account, mark, Arc::clone(live));
        let body = axum::body::to_bytes(Body::new(relay), ANSWER).await.ok()?;
        is_success.then_some(body)
    }
}
