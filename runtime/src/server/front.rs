//! Takes every request first: model calls go straight to the proxy, all else to
//! the routes of the admin API.
//!
//! A router costs a model call a tenth of what the proxy does with it (it is
//! cloned, boxed and searched for each request), so the few paths that carry all
//! the traffic are compared here.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use tower_service::Service as _;

use crate::http1::{Request, Response};
use crate::proxy::{Call, Proxy};

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Front(Arc<(Proxy, Router)>);

impl Front {
    pub(super) fn new(proxy: Proxy, router: Router) -> Self {
        Self(Arc::new((proxy, router)))
    }

    pub(super) async fn answer(self, request: Box<Request<Body>>) -> Response<Body> {
        let (proxy, router) = &*self.0;
        match Call::of(&request) {
            Some(call) => proxy.serve(call, request).await,
            None => {
                let request = http::Request::from(*request);
                let Ok(response) = Box::pin(router.clone().call(request)).await;
                Response::from(response)
            }
        }
    }
}
