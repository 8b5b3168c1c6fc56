//! `GET /v1/models` and `/v1/models/{id}`: what a client may ask for, as its
//! protocol lists it.

use axum::extract::{Extension, Path, State};
use axum::response::Response;
use ctr_compiler::plan::{Plan, Target};
use http::{HeaderMap, StatusCode, Uri};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::answer::{self, Id, Shape};
use super::{App, access};
use crate::http1::Headers;
use crate::protocol::error::{ProxyError, shown};
use crate::proxy::Listing;

/// Models of one page of Anthropic's list, unless the client says another number.
const PAGE: usize = 20;
/// Most that it may say.
const LARGEST_PAGE: usize = 1000;

pub(super) async fn list(
    State(app): State<App>,
    Extension(asked): Extension<Id>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let live = app.live.load_full();
    let shape = Shape::of_shared(&headers);
    let headers = Headers::from(&headers);
    if let Err(denied) = access::check(live.api_key.as_deref(), &headers) {
        return shape.refusal(StatusCode::UNAUTHORIZED, &denied.to_string(), &asked);
    }
    let plan = live.plan();
    let ids: Vec<&str> = plan.logical_ids().collect();
    let page = match shape {
        Shape::Anthropic => match Page::asked(uri.query().unwrap_or_default()) {
            Ok(page) => page,
            Err(message) => return shape.refusal(StatusCode::BAD_REQUEST, message, &asked),
        },
        _ => Page::all(),
    };
    let listing = Listing {
        interface: shape.interface(),
        query: uri.query(),
        headers: &headers,
    };
    let (shown, has_more) = page.of(&ids);
    let told = app.proxy.told_of(&live, shown, listing).await;
    let models = shown
        .iter()
        .map(|id| model(id, plan, shape, told.get(*id).cloned()));
    let models: Vec<Value> = models.collect();
    let body = match shape {
        Shape::Anthropic => json!({
            "data": models,
            "has_more": has_more,
            "first_id": shown.first(),
            "last_id": shown.last(),
        }),
        _ => json!({ "object": "list", "data": models }),
    };
    answer::json(StatusCode::OK, &body)
}

/// One model. Ids may have slashes in them.
pub(super) async fn one(
    State(app): State<App>,
    Extension(asked): Extension<Id>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let live = app.live.load_full();
    let shape = Shape::of_shared(&headers);
    let headers = Headers::from(&headers);
    if let Err(denied) = access::check(live.api_key.as_deref(), &headers) {
        return shape.refusal(StatusCode::UNAUTHORIZED, &denied.to_string(), &asked);
    }
    let plan = live.plan();
    if plan.resolve(&id).is_none() {
        let unknown = ProxyError::UnknownModel {
            asked: Some(shown(&id)),
            nearest: plan.nearest_id(&id).map(str::to_owned),
        };
        return unknown.respond(shape.interface(), asked.as_str()).into();
    }
    let listing = Listing {
        interface: shape.interface(),
        query: uri.query(),
        headers: &headers,
    };
    let told = app.proxy.told_of_one(&live, &id, listing).await;
    answer::json(StatusCode::OK, &model(&id, plan, shape, told))
}

/// A model as its upstream tells of it, under its id here; else as the plan knows it.
fn model(id: &str, plan: &Plan, shape: Shape, told: Option<Value>) -> Value {
    match (told, shape) {
        (Some(mut told), _) => {
            told["id"] = id.into();
            told
        }
        (None, Shape::Anthropic) => anthropic(id, plan),
        (None, _) => openai(id),
    }
}

fn openai(id: &str) -> Value {
    // A registration tells no date of creation, and clients want a number.
    json!({ "id": id, "object": "model", "created": 0, "owned_by": "ctr" })
}

fn anthropic(id: &str, plan: &Plan) -> Value {
    let mut model = json!({
        "type": "model",
        "id": id,
        "display_name": id,
        "created_at": "1970-01-01T00:00:00Z",
    });
    if let Some(tokens) = window(id, plan) {
        model["max_input_tokens"] = tokens.into();
    }
    model
}

/// The smallest declared window of what stands behind an id.
fn window(id: &str, plan: &Plan) -> Option<u64> {
    let endpoints = match plan.resolve(id)? {
        Target::Model(_, endpoint) | Target::Endpoint(endpoint) => std::slice::from_ref(endpoint),
        Target::Pool(_, pool) => &pool.endpoints,
    };
    let windows = endpoints.iter().filter(|endpoint| endpoint.enabled);
    let windows = windows.map(|endpoint| endpoint.capabilities.context_window_tokens);
    windows.min_by_key(|window| window.unwrap_or(u64::MAX))?
}

/// The part of the list that was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Page {
    limit: usize,
    after: Option<String>,
    before: Option<String>,
}

impl Page {
    /// # Errors
    /// When a number is none, or too large.
    fn asked(query: &str) -> Result<Self, &'static str> {
        let mut page = Self {
            limit: PAGE,
            ..Self::default()
        };
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
            match name {
                "limit" => {
                    let limit = value
                        .parse()
                        .ok()
                        .filter(|limit| (1..=LARGEST_PAGE).contains(limit));
                    page.limit = limit.ok_or("`limit` is no number from 1 to 1000")?;
                }
                "after_id" => page.after = Some(value),
                "before_id" => page.before = Some(value),
                _ => {}
            }
        }
        Ok(page)
    }

    /// Of a protocol that has no pages.
    fn all() -> Self {
        Self {
            limit: usize::MAX,
            ..Self::default()
        }
    }

    /// The ids that are shown, and whether there are more.
    fn of<'i, 'p>(&self, ids: &'i [&'p str]) -> (&'i [&'p str], bool) {
        let place = |id: &Option<String>| {
            let id = id.as_ref()?;
            ids.iter().position(|known| known == id)
        };
        let start = place(&self.after).map_or(0, |at| at + 1);
        let rest = &ids[start..];
        match place(&self.before) {
            // A page that ends before an id is the one nearest to it.
            Some(end) => {
                let from = end.saturating_sub(self.limit);
                (&ids[from..end], from > 0)
            }
            None => (&rest[..rest.len().min(self.limit)], rest.len() > self.limit),
        }
    }
}
