//! Takes every request first: model calls go straight to the proxy, all else to
//! the routes of the admin API, which also turn away the calls of strangers.
//!
//! A router costs a model call a tenth of what the proxy does with it (it is
//! cloned, boxed and searched for each request), so the few paths that carry all
//! the traffic are compared here.

use std::hint::cold_path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use tower_service::Service as _;

use crate::access::Names;
use crate::activate::Live;
use crate::http1::{Request, Response};
use crate::proxy::{Call, Proxy};

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Front(Arc<Inner>);

struct Inner {
    proxy: Proxy,
    router: Router,
    live: Arc<ArcSwap<Live>>,
    names: Arc<Names>,
}

impl Front {
    pub(super) fn new(
        proxy: Proxy,
        router: Router,
        live: Arc<ArcSwap<Live>>,
        names: Arc<Names>,
    ) -> Self {
        Self(Arc::new(Inner {
            proxy,
            router,
            live,
            names,
        }))
    }

    pub(super) async fn answer(self, request: Box<Request<Body>>) -> Response<Body> {
        let inner = &*self.0;
        match Call::of(&request) {
            Some(call) if inner.takes(&request) => inner.proxy.serve(call, request).await,
            _ => {
                cold_path();
                let request = http::Request::from(*request);
                let Ok(response) = Box::pin(inner.router.clone().call(request)).await;
                Response::from(response)
            }
        }
    }
}

impl Inner {
    /// Whether a call is for the proxy, which asks for the key where there is one.
    fn takes(&self, request: &Request<Body>) -> bool {
        self.live.load().api_key.is_some()
            || self.names.check(&request.uri, &request.headers).is_ok()
    }
}
