//! Which traces are asked for.

use percent_encoding::percent_decode_str;

use super::Trace;

/// Traces that are told where no number is asked for.
const LIMIT: usize = 100;

/// The most that one answer tells.
const LARGEST_LIMIT: usize = 1_000;

/// What the traces that are told have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The one with this id.
    pub request_id: Option<String>,
    /// Those of this session.
    pub session_key: Option<String>,
    /// Those with exactly this reason among theirs.
    pub route_reason: Option<String>,
    /// Those where a second model was asked, or was not.
    pub cascade_triggered: Option<bool>,
    /// Those whose answer was checked, or was not.
    pub shadow_checked: Option<bool>,
    /// How many, newest first.
    pub limit: usize,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            request_id: None,
            session_key: None,
            route_reason: None,
            cascade_triggered: None,
            shadow_checked: None,
            limit: LIMIT,
        }
    }
}

impl Filter {
    /// Reads the query of a request. Names that it does not know are left aside,
    /// an empty value asks for nothing.
    ///
    /// # Errors
    /// What is wrong with a value, in words.
    pub fn read(query: &str) -> Result<Self, &'static str> {
        let mut filter = Self::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = value.replace('+', " ");
            let value = percent_decode_str(&value).decode_utf8_lossy().into_owned();
            if value.is_empty() {
                continue;
            }
            match name {
                "requestId" => filter.request_id = Some(value),
                "sessionKey" => filter.session_key = Some(value),
                "routeReason" => filter.route_reason = Some(value),
                "cascadeTriggered" => {
                    let told = truth(&value).ok_or("`cascadeTriggered` is not true or false")?;
                    filter.cascade_triggered = Some(told);
                }
                "shadowChecked" => {
                    let told = truth(&value).ok_or("`shadowChecked` is not true or false")?;
                    filter.shadow_checked = Some(told);
                }
                "limit" => {
                    let limit = value.parse().ok();
                    let limit = limit.filter(|limit| (1..=LARGEST_LIMIT).contains(limit));
                    filter.limit = limit.ok_or("`limit` is no number from 1 to 1000")?;
                }
                _ => {}
            }
        }
        Ok(filter)
    }

    /// Whether a trace has the reason that is asked for; the store sees to the rest.
    pub(super) fn has_reason(&self, trace: &Trace) -> bool {
        let Some(reason) = &self.route_reason else {
            return true;
        };
        trace.route_reason.contains(reason)
    }
}

fn truth(value: &str) -> Option<bool> {
    match value {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read() {
        let read = Filter::read(
            "routeReason=model_pool%3Am:a&cascadeTriggered=true&shadowChecked=false&limit=7&sessionKey=&x=1",
        );
        let filter = read.expect("a filter");
        assert_eq!(filter.route_reason.as_deref(), Some("model_pool:m:a"));
        assert_eq!(
            (filter.cascade_triggered, filter.shadow_checked),
            (Some(true), Some(false))
        );
        assert_eq!((filter.limit, filter.session_key), (7, None));
        assert_eq!(Filter::read(""), Ok(Filter::default()));
    }

    #[test]
    fn what_is_no_value_is_told() {
        for (query, named) in [
            ("limit=0", "limit"),
            ("limit=1001", "limit"),
            ("limit=-1", "limit"),
            ("limit=x", "limit"),
            ("cascadeTriggered=maybe", "cascadeTriggered"),
            ("shadowChecked=2", "shadowChecked"),
        ] {
            let told = Filter::read(query).expect_err(query);
            assert!(told.contains(named), "{told}");
        }
    }
}
