//! Which keys of a LiteLLM config are carried, and of what kind the others are.

use super::super::field::{Map, flag, says_nothing};
use super::super::kind::{self, Kind};
use super::super::losses::Losses;

/// Keys of the top level that something is made of.
pub(super) const TOP: &[&str] = &[
    "model_list",
    "litellm_settings",
    "router_settings",
    "general_settings",
    "credential_list",
    "environment_variables",
    "include",
];

/// Keys of an item of `model_list`.
pub(super) const ENTRY: &[&str] = &["model_name", "litellm_params", "model_info", "rpm", "tpm"];

/// Keys of `litellm_params`.
pub(super) const PARAMS: &[&str] = &[
    "model",
    "custom_llm_provider",
    "api_base",
    "base_url",
    "api_key",
    "api_version",
    "litellm_credential_name",
    "rpm",
    "tpm",
    "order",
    "input_cost_per_token",
    "output_cost_per_token",
    "max_input_tokens",
    "thinking",
    "reasoning_effort",
    "mock_response",
];

/// Keys of `model_info`.
pub(super) const INFO: &[&str] = &[
    "id",
    "mode",
    "display_name",
    "rpm",
    "tpm",
    "input_cost_per_token",
    "output_cost_per_token",
    "pricing",
    "max_input_tokens",
    "supports_vision",
    "supports_function_calling",
    "supports_reasoning",
];

/// Keys of `router_settings`.
pub(super) const ROUTER: &[&str] = &[
    "routing_strategy",
    "fallbacks",
    "default_fallbacks",
    "context_window_fallbacks",
    "content_policy_fallbacks",
    "model_group_alias",
    "timeout",
];

/// Keys of `litellm_settings`.
pub(super) const SETTINGS: &[&str] = &[
    "fallbacks",
    "default_fallbacks",
    "context_window_fallbacks",
    "content_policy_fallbacks",
    "request_timeout",
];

/// Keys of `general_settings`.
pub(super) const GENERAL: &[&str] = &["master_key"];

/// Reports the keys of a map that are not carried; `false` asks for nothing.
pub(super) fn leftovers(map: Map<'_, '_>, carried: &[&str], losses: &mut Losses) {
    for entry in map.entries {
        let key = entry.key.value.as_ref();
        let is_idle = says_nothing(&entry.value) || flag(&entry.value) == Some(false);
        if !carried.contains(&key) && !is_idle {
            losses.key(kind_of(key), key, entry.key.span);
        }
    }
}

fn kind_of(key: &str) -> &'static Kind {
    let known = KINDS.iter().find(|(_, keys)| keys.contains(&key));
    if let Some((kind, _)) = known {
        return kind;
    }
    let begins = |beginnings: &[&str]| beginnings.iter().any(|text| key.starts_with(text));
    if begins(&["aws_", "vertex_", "azure_ad_", "s3_", "gcs_", "watsonx_"]) {
        &kind::ACCOUNTS
    } else if begins(&["redis_", "cache_"]) {
        &kind::CACHING
    } else if begins(&["langfuse", "callback", "langsmith"]) {
        &kind::CALLBACKS
    } else if begins(&["proxy_budget", "max_internal_user", "default_internal_user"]) {
        &kind::BUDGETS
    } else if begins(&["health_check"]) {
        &kind::RETRIES
    } else if begins(&["input_cost_per", "output_cost_per"]) {
        &kind::COSTS
    } else {
        &kind::UNKNOWN
    }
}

const KINDS: &[(&Kind, &[&str])] = &[
    (
        &kind::RETRIES,
        &[
            "num_retries",
            "max_retries",
            "retry_after",
            "retry_policy",
            "model_group_retry_policy",
            "allowed_fails",
            "allowed_fails_policy",
            "cooldown_time",
            "disable_cooldowns",
            "enable_pre_call_checks",
            "optional_pre_call_checks",
            "background_health_checks",
            "fallback_immediately_on_429",
            "fallback_immediately_on_503",
            "max_fallbacks",
        ],
    ),
    (&kind::TIMEOUTS, &["timeout", "stream_timeout"]),
    (
        &kind::PARAMETERS,
        &[
            "drop_params",
            "modify_params",
            "additional_drop_params",
            "allowed_openai_params",
            "max_tokens",
            "max_completion_tokens",
            "temperature",
            "top_p",
            "top_k",
            "stop",
            "seed",
            "n",
            "stream",
            "presence_penalty",
            "frequency_penalty",
            "response_format",
            "tool_choice",
            "parallel_tool_calls",
            "merge_reasoning_content_in_choices",
            "cache_control_injection_points",
            "always_include_stream_usage",
            "supports_system_message",
            "mock_timeout",
            "use_in_pass_through",
            "use_litellm_proxy",
        ],
    ),
    (
        &kind::HEADERS,
        &[
            "extra_headers",
            "headers",
            "extra_body",
            "default_headers",
            "organization",
        ],
    ),
    (
        &kind::CACHING,
        &[
            "cache",
            "cache_params",
            "cache_config",
            "cache_type",
            "cache_responses",
            "caching_groups",
        ],
    ),
    (
        &kind::CALLBACKS,
        &[
            "callbacks",
            "success_callback",
            "failure_callback",
            "service_callback",
            "audit_log_callbacks",
            "set_verbose",
            "json_logs",
            "telemetry",
            "turn_off_message_logging",
            "redact_user_api_key_info",
            "global_disable_no_log_param",
            "log_verbose",
            "log_level",
            "alerting",
            "alerting_args",
            "alert_types",
            "disable_error_logs",
            "disable_spend_logs",
            "extra_spend_tag_headers",
            "return_response_headers",
            "use_langfuse",
            "enable_metrics",
            "enable_end_user_cost_tracking_prometheus_only",
            "prometheus_initialize_budget_metrics",
        ],
    ),
    (
        &kind::BUDGETS,
        &[
            "max_budget",
            "budget_duration",
            "max_end_user_budget",
            "default_end_user_params",
            "default_internal_user_params",
            "default_team_settings",
            "default_team_params",
            "default_key_generate_params",
            "upperbound_key_generate_params",
            "key_generation_settings",
            "internal_user_budget_duration",
            "max_parallel_requests",
            "global_max_parallel_requests",
            "custom_auth",
            "allowed_ips",
            "allowed_routes",
            "allow_user_auth",
            "user_header_name",
            "disable_end_user_cost_tracking",
            "disable_master_key_hashing",
            "enforced_params",
            "team_alias",
            "access_groups",
        ],
    ),
    (
        &kind::STORAGE,
        &[
            "database_url",
            "database_type",
            "database_args",
            "database_connection_pool_limit",
            "database_connection_timeout",
            "store_model_in_db",
            "store_prompts_in_spend_logs",
            "allow_requests_on_db_unavailable",
            "proxy_batch_write_at",
            "maximum_spend_logs_retention_period",
            "maximum_spend_logs_retention_interval",
            "use_redis_transaction_buffer",
            "enable_redis_auth_cache",
            "key_management_system",
            "key_management_settings",
            "salt_key",
        ],
    ),
    (
        &kind::ACCOUNTS,
        &[
            "region_name",
            "project",
            "tenant_id",
            "client_id",
            "client_secret",
            "ft_model",
        ],
    ),
    (
        &kind::TAGS,
        &[
            "tags",
            "weight",
            "enable_tag_filtering",
            "routing_strategy_args",
            "model_group_affinity_config",
            "complexity_router_config",
            "auto_router_config",
            "auto_router_default_model",
            "allowed_model_region",
        ],
    ),
    (
        &kind::OTHER_APIS,
        &[
            "pass_through_endpoints",
            "finetune_settings",
            "files_settings",
            "mcp_servers",
            "mcp_aliases",
            "vector_store_registry",
            "search_tools",
            "assistants_config",
        ],
    ),
    (
        &kind::GUARDS,
        &[
            "guardrails",
            "prompts",
            "default_guardrails",
            "guardrail_settings",
        ],
    ),
    (
        &kind::DESCRIPTIONS,
        &[
            "description",
            "base_model",
            "max_output_tokens",
            "supports_parallel_function_calling",
            "supports_response_schema",
            "supports_prompt_caching",
            "supports_audio_input",
            "supports_audio_output",
            "supports_pdf_input",
            "supports_web_search",
            "supports_computer_use",
            "litellm_provider",
            "timezone",
        ],
    ),
    (
        &kind::PROCESS,
        &[
            "proxy_base_url",
            "ui_access_mode",
            "enable_cors",
            "cors_allow_origins",
            "infer_model_from_keys",
            "disable_request_timeout",
            "max_request_size_mb",
            "max_response_size_mb",
            "use_client_credentials_pass_through_routes",
        ],
    ),
];
