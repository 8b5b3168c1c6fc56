//! Asking endpoints whether they answer at all: one `HEAD` each, without a key and
//! without a model, so that it costs nothing and proves little.
//!
//! A redirect is an answer like any other and is not followed: a URL in a
//! registration must not send the proxy elsewhere.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ctr_compiler::plan::{Endpoint, Plan};
use http::uri::{PathAndQuery, Uri};
use http::{Method, Request, StatusCode};
use http_body_util::Empty;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::Record;
use crate::activate::Live;
use crate::client::Client;

/// An endpoint that has not answered by then does not.
const PATIENCE: Duration = Duration::from_secs(5);

/// Probes that run at a time, however many are asked for.
const AT_A_TIME: usize = 8;

/// Which endpoints are asked; all enabled ones of all pools where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) model_id: Option<String>,
    pub(crate) endpoint_id: Option<String>,
}

impl Filter {
    fn takes(&self, model_id: &str, endpoint: &Endpoint) -> bool {
        let is =
            |wanted: &Option<String>, id: &str| wanted.as_deref().is_none_or(|wanted| wanted == id);
        endpoint.enabled && is(&self.model_id, model_id) && is(&self.endpoint_id, &endpoint.id)
    }
}

/// What came of one probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Probed {
    pub(crate) model_id: String,
    pub(crate) endpoint_id: String,
    /// The status, or why there is none.
    pub(crate) answer: Result<StatusCode, &'static str>,
    pub(crate) latency_ms: u64,
}

impl Probed {
    /// Whether the endpoint counts as reachable.
    pub(crate) fn is_ok(&self) -> bool {
        self.answer.is_ok_and(|status| !status.is_server_error())
    }
}

/// Sends probes. Clones share their limit and their connections.
#[derive(Clone)]
pub(crate) struct Prober {
    client: Client,
    places: Arc<Semaphore>,
}

impl Prober {
    pub(crate) fn new() -> Self {
        Self {
            client: Client::new(),
            places: Arc::new(Semaphore::new(AT_A_TIME)),
        }
    }

    /// Probes what the filter takes and notes it in the records. The results are in
    /// the order of the plan.
    pub(crate) async fn probe(&self, live: &Arc<Live>, filter: &Filter) -> Vec<Probed> {
        let mut running = JoinSet::new();
        for (at, (model_id, endpoint)) in targets(live.plan(), filter).enumerate() {
            let upstream = live.upstream(endpoint);
            let one = One {
                at,
                model_id: model_id.to_owned(),
                endpoint_id: endpoint.id.clone(),
                uri: without_query(&upstream.uri),
                record: Arc::clone(&upstream.record),
            };
            let (prober, live, terms) =
                (self.clone(), Arc::clone(live), Arc::clone(&upstream.terms));
            running.spawn(async move {
                let record = Arc::clone(&one.record);
                // The semaphore lives as long as the prober and is never closed.
                let _place = prober.places.acquire().await;
                let sent = live.clock().now_ms();
                let (at, probed) = prober.ask(one).await;
                let now = live.clock().now_ms();
                record.probed(&terms, now, sent, probed.is_ok());
                (at, probed)
            });
        }
        let mut results = running.join_all().await;
        results.sort_by_key(|(at, _)| *at);
        results.into_iter().map(|(_, probed)| probed).collect()
    }

    async fn ask(&self, one: One) -> (usize, Probed) {
        let mut request = Request::new(Empty::<Bytes>::new());
        *request.method_mut() = Method::HEAD;
        *request.uri_mut() = one.uri;
        let sent = Instant::now();
        let answer = match timeout(PATIENCE, self.client.request(request)).await {
            Ok(Ok(response)) => Ok(response.status),
            Ok(Err(error)) if error.is_connect() => Err("no connection"),
            Ok(Err(_)) => Err("the connection broke"),
            Err(_) => Err("no answer in 5 s"),
        };
        let probed = Probed {
            model_id: one.model_id,
            endpoint_id: one.endpoint_id,
            answer,
            latency_ms: u64::try_from(sent.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        (one.at, probed)
    }
}

/// One probe to be sent.
struct One {
    at: usize,
    model_id: String,
    endpoint_id: String,
    uri: Uri,
    record: Arc<Record>,
}

fn targets<'p>(
    plan: &'p Plan,
    filter: &Filter,
) -> impl Iterator<Item = (&'p String, &'p Endpoint)> {
    let pools = plan.pools.iter();
    let all = pools.flat_map(|(id, pool)| pool.endpoints.iter().map(move |it| (id, it)));
    all.filter(|(id, endpoint)| filter.takes(id, endpoint))
}

/// A query may hold a key, and a probe sends none.
fn without_query(uri: &Uri) -> Uri {
    let mut parts = uri.clone().into_parts();
    let path = parts.path_and_query.as_ref().map(PathAndQuery::path);
    parts.path_and_query = path.and_then(|path| path.parse().ok());
    Uri::from_parts(parts).expect("the path of a URI is one again")
}
