//! Takes every request first: model calls go straight to the proxy, all else to
//! the routes of the admin API.
//!
//! A router costs a model call a tenth of what the proxy does with it (it is
//! cloned, boxed and searched for each request), so the few paths that carry all
//! the traffic are compared here.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;

use crate::proxy::{Call, Proxy};

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Front(Arc<(Proxy, TowerToHyperService<Router>)>);

impl Front {
    pub(super) fn new(proxy: Proxy, router: Router) -> Self {
        Self(Arc::new((proxy, TowerToHyperService::new(router))))
    }

    pub(super) async fn answer(self, request: Request<Incoming>) -> Result<Response, Infallible> {
        let (proxy, router) = &*self.0;
        match Call::of(&request) {
            Some(call) => Ok(proxy.serve(call, request.map(Body::new)).await),
            None => Box::pin(router.call(request)).await,
        }
    }
}
