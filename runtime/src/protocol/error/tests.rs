//! Status and body of every answer the proxy makes itself.

use super::*;

fn every() -> Vec<ProxyError> {
    let model = || "m".to_owned();
    vec![
        ProxyError::Denied(Denied::Missing),
        ProxyError::Denied(Denied::Invalid),
        ProxyError::NoSuchPath,
        ProxyError::WrongMethod,
        ProxyError::TooLarge { limit: 32 << 20 },
        ProxyError::LongQuery,
        ProxyError::Compressed,
        ProxyError::Interrupted,
        ProxyError::Body(AskError::Truncated),
        ProxyError::Body(AskError::DuplicateModel),
        ProxyError::NotJson("multipart/form-data".to_owned()),
        ProxyError::UnknownModel {
            asked: Some(model()),
            nearest: Some("mm".to_owned()),
        },
        ProxyError::UnknownModel {
            asked: None,
            nearest: None,
        },
        ProxyError::WrongProtocol {
            model: model(),
            speaks: Interface::Openai,
        },
        ProxyError::Untold("why".into()),
        ProxyError::NotKept,
        ProxyError::NothingEnabled { model: model() },
        ProxyError::AllOut {
            model: model(),
            retry_after_s: 7,
        },
        ProxyError::Limited {
            model: model(),
            retry_after_s: 7,
        },
        ProxyError::Stopped,
        ProxyError::Unreachable { model: model() },
        ProxyError::Timeout { model: model() },
    ]
}

async fn body(error: &ProxyError, interface: Interface) -> Value {
    let response = error.respond(interface, "req_1");
    assert_eq!(response.status, error.status());
    assert_eq!(
        response.headers.text(CONTENT_TYPE),
        Some("application/json")
    );
    assert_eq!(response.headers.text(REQUEST_ID), Some("req_1"));
    let bytes = axum::body::to_bytes(response.body, 1 << 16)
        .await
        .expect("a body in memory");
    serde_json::from_slice(&bytes).expect("JSON")
}

#[tokio::test]
async fn each_has_the_shape_of_the_protocol() {
    for error in every() {
        let anthropic = body(&error, Interface::Anthropic).await;
        assert_eq!(anthropic["type"], "error");
        assert_eq!(anthropic["request_id"], "req_1");
        assert_eq!(anthropic["error"]["message"], error.outer());
        let openai = body(&error, Interface::Openai).await;
        assert_eq!(openai["error"]["message"], error.outer());
        assert!(openai["error"]["type"].is_string());
        let members = openai["error"].as_object().expect("an object");
        assert!(members.contains_key("param") && members.contains_key("code"));
    }
}

#[test]
fn the_table_of_statuses_and_types() {
    let rows: Vec<String> = every()
        .iter()
        .map(|error| {
            let (code, param) = error.openai_code();
            format!(
                "{} {} | {} {} {}",
                error.status().as_u16(),
                error.anthropic_type(),
                error.openai_type(),
                code.unwrap_or("-"),
                param.unwrap_or("-")
            )
        })
        .collect();
    let expected = [
        "401 authentication_error | invalid_request_error invalid_api_key -",
        "401 authentication_error | invalid_request_error invalid_api_key -",
        "404 not_found_error | invalid_request_error - -",
        "405 invalid_request_error | invalid_request_error - -",
        "413 request_too_large | invalid_request_error - -",
        "414 invalid_request_error | invalid_request_error - -",
        "415 invalid_request_error | invalid_request_error - -",
        "400 invalid_request_error | invalid_request_error - -",
        "400 invalid_request_error | invalid_request_error - -",
        "400 invalid_request_error | invalid_request_error - model",
        "415 invalid_request_error | invalid_request_error - -",
        "404 not_found_error | invalid_request_error model_not_found model",
        "400 invalid_request_error | invalid_request_error - model",
        "400 invalid_request_error | invalid_request_error - model",
        "400 invalid_request_error | invalid_request_error - -",
        "404 not_found_error | invalid_request_error - -",
        "503 api_error | server_error - -",
        "503 overloaded_error | server_error - -",
        "429 rate_limit_error | rate_limit_error rate_limit_exceeded -",
        "503 api_error | server_error - -",
        "502 api_error | server_error - -",
        "504 timeout_error | server_error - -",
    ];
    assert_eq!(rows, expected);
}

#[test]
fn a_shown_word_is_short_and_plain() {
    assert_eq!(shown("claude-opus\n\u{202e}x y"), "claude-opus__x_y");
    assert_eq!(shown(&"x".repeat(100)).len(), 64);
}

#[test]
fn the_client_is_told_when_to_come_back() {
    for error in every() {
        let response = error.respond(Interface::Anthropic, "req_1");
        let told = response.headers.text(RETRY_AFTER);
        let is_out = matches!(
            error,
            ProxyError::AllOut { .. } | ProxyError::Limited { .. }
        );
        assert_eq!(told.is_some(), is_out, "{error:?}");
        assert!(told.is_none_or(|told| told == "7"));
    }
}
