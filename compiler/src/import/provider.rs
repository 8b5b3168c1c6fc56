//! Providers by the names other gateways give them: where they are, what they
//! speak, and which variable holds their key. Base URLs and variables are those
//! that LiteLLM uses when a config names none, so that an import calls what the
//! config called.

/// How a provider is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// `<base>/chat/completions`.
    Openai,
    /// `<base>/responses`.
    Responses,
    /// `<base>/v1/messages`.
    Anthropic,
    /// A deployment in the path, the version in the query, the key in `api-key`.
    Azure,
    /// A server whose own API is at its root and the compatible one under `/v1`.
    Rooted,
    /// Not from here, for this reason.
    Uncallable(&'static str),
}

/// One provider.
#[derive(Debug)]
pub(super) struct Provider {
    /// Its names, the usual one first; `-` in a name is written `_`.
    pub(super) names: &'static [&'static str],
    /// How it is called.
    pub(super) shape: Shape,
    /// Its URL; empty where everybody has one of their own.
    pub(super) base: &'static str,
    /// The variable that holds the URL where `base` is empty.
    pub(super) base_variable: &'static str,
    /// The variable that holds the key.
    pub(super) key: &'static str,
    /// Whether it usually asks for no key.
    pub(super) is_keyless: bool,
}

impl Provider {
    /// The name that messages use.
    pub(super) fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }
}

const fn at(names: &'static [&'static str], base: &'static str, key: &'static str) -> Provider {
    Provider {
        names,
        shape: Shape::Openai,
        base,
        base_variable: "",
        key,
        is_keyless: false,
    }
}

/// A server that everybody runs at a URL of their own.
const fn own(
    names: &'static [&'static str],
    shape: Shape,
    base_variable: &'static str,
    key: &'static str,
) -> Provider {
    Provider {
        names,
        shape,
        base: "",
        base_variable,
        key,
        is_keyless: true,
    }
}

const fn local(
    names: &'static [&'static str],
    shape: Shape,
    base: &'static str,
    key: &'static str,
) -> Provider {
    Provider {
        names,
        shape,
        base,
        base_variable: "",
        key,
        is_keyless: true,
    }
}

const fn not(names: &'static [&'static str], why: &'static str) -> Provider {
    Provider {
        names,
        shape: Shape::Uncallable(why),
        base: "",
        base_variable: "",
        key: "",
        is_keyless: true,
    }
}

const SIGNED: &str = "its requests are signed with AWS credentials";
const TOKENS: &str = "it asks for access tokens that expire";
const SESSION: &str = "it is reached through a session of a user, not by a key";
const OWN_API: &str = "it has an API of its own";
const NOT_CHAT: &str = "it serves no chat";
const INSIDE: &str = "it runs inside LiteLLM";

/// The table.
const PROVIDERS: &[Provider] = &[
    at(
        &["openai", "custom_openai", "openai_like"],
        "https://api.openai.com/v1",
        "OPENAI_API_KEY",
    ),
    Provider {
        names: &["anthropic"],
        shape: Shape::Anthropic,
        base: "https://api.anthropic.com",
        base_variable: "",
        key: "ANTHROPIC_API_KEY",
        is_keyless: false,
    },
    Provider {
        names: &["azure", "azure_openai"],
        shape: Shape::Azure,
        base: "",
        base_variable: "AZURE_API_BASE",
        key: "AZURE_API_KEY",
        is_keyless: false,
    },
    at(
        &["gemini", "google"],
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "GEMINI_API_KEY",
    ),
    at(&["groq"], "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    at(
        &["mistral", "mistral_ai"],
        "https://api.mistral.ai/v1",
        "MISTRAL_API_KEY",
    ),
    at(
        &["codestral"],
        "https://codestral.mistral.ai/v1",
        "CODESTRAL_API_KEY",
    ),
    at(
        &["deepseek"],
        "https://api.deepseek.com",
        "DEEPSEEK_API_KEY",
    ),
    at(&["xai", "x_ai"], "https://api.x.ai/v1", "XAI_API_KEY"),
    at(
        &["openrouter"],
        "https://openrouter.ai/api/v1",
        "OPENROUTER_API_KEY",
    ),
    at(
        &["together_ai", "together"],
        "https://api.together.xyz/v1",
        "TOGETHERAI_API_KEY",
    ),
    at(
        &["fireworks_ai", "fireworks"],
        "https://api.fireworks.ai/inference/v1",
        "FIREWORKS_API_KEY",
    ),
    at(
        &["perplexity", "perplexity_ai"],
        "https://api.perplexity.ai",
        "PERPLEXITYAI_API_KEY",
    ),
    at(
        &["cerebras"],
        "https://api.cerebras.ai/v1",
        "CEREBRAS_API_KEY",
    ),
    at(
        &["nvidia_nim"],
        "https://integrate.api.nvidia.com/v1",
        "NVIDIA_NIM_API_KEY",
    ),
    at(
        &["sambanova"],
        "https://api.sambanova.ai/v1",
        "SAMBANOVA_API_KEY",
    ),
    at(
        &["cohere", "cohere_chat"],
        "https://api.cohere.ai/compatibility/v1",
        "COHERE_API_KEY",
    ),
    at(
        &["moonshot"],
        "https://api.moonshot.ai/v1",
        "MOONSHOT_API_KEY",
    ),
    at(
        &["zai", "z_ai", "zhipu"],
        "https://api.z.ai/api/paas/v4",
        "ZAI_API_KEY",
    ),
    at(
        &["dashscope", "qwen"],
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        "DASHSCOPE_API_KEY",
    ),
    at(&["minimax"], "https://api.minimax.io/v1", "MINIMAX_API_KEY"),
    at(
        &["siliconflow"],
        "https://api.siliconflow.cn/v1",
        "SILICONFLOW_API_KEY",
    ),
    at(
        &["modelscope"],
        "https://api-inference.modelscope.cn/v1",
        "MODELSCOPE_API_KEY",
    ),
    at(
        &["volcengine"],
        "https://ark.cn-beijing.volces.com/api/v3",
        "VOLCENGINE_API_KEY",
    ),
    at(
        &["deepinfra"],
        "https://api.deepinfra.com/v1/openai",
        "DEEPINFRA_API_KEY",
    ),
    at(
        &["novita", "novita_ai"],
        "https://api.novita.ai/v3/openai",
        "NOVITA_API_KEY",
    ),
    at(
        &["hyperbolic"],
        "https://api.hyperbolic.xyz/v1",
        "HYPERBOLIC_API_KEY",
    ),
    at(
        &["nebius"],
        "https://api.studio.nebius.ai/v1",
        "NEBIUS_API_KEY",
    ),
    at(&["lambda_ai"], "https://api.lambda.ai/v1", "LAMBDA_API_KEY"),
    at(
        &["friendliai"],
        "https://api.friendli.ai/serverless/v1",
        "FRIENDLI_TOKEN",
    ),
    at(
        &["featherless_ai"],
        "https://api.featherless.ai/v1",
        "FEATHERLESS_AI_API_KEY",
    ),
    at(
        &["meta_llama"],
        "https://api.llama.com/compat/v1",
        "LLAMA_API_KEY",
    ),
    at(
        &["nscale"],
        "https://inference.api.nscale.com/v1",
        "NSCALE_API_KEY",
    ),
    at(
        &["ai21", "ai21_chat"],
        "https://api.ai21.com/studio/v1",
        "AI21_API_KEY",
    ),
    at(
        &["github"],
        "https://models.inference.ai.azure.com",
        "GITHUB_API_KEY",
    ),
    at(
        &["vercel_ai_gateway"],
        "https://ai-gateway.vercel.sh/v1",
        "VERCEL_AI_GATEWAY_API_KEY",
    ),
    local(
        &["ollama", "ollama_chat"],
        Shape::Rooted,
        "http://localhost:11434",
        "OLLAMA_API_KEY",
    ),
    local(
        &["lm_studio"],
        Shape::Openai,
        "http://localhost:1234/v1",
        "LM_STUDIO_API_KEY",
    ),
    local(
        &["llamafile"],
        Shape::Openai,
        "http://127.0.0.1:8080/v1",
        "LLAMAFILE_API_KEY",
    ),
    local(
        &["xinference"],
        Shape::Openai,
        "http://127.0.0.1:9997/v1",
        "XINFERENCE_API_KEY",
    ),
    own(
        &["hosted_vllm", "vllm_hosted"],
        Shape::Openai,
        "HOSTED_VLLM_API_BASE",
        "HOSTED_VLLM_API_KEY",
    ),
    own(
        &["litellm_proxy"],
        Shape::Openai,
        "LITELLM_PROXY_API_BASE",
        "LITELLM_PROXY_API_KEY",
    ),
    not(&["bedrock", "bedrock_converse"], SIGNED),
    not(&["sagemaker", "sagemaker_chat"], SIGNED),
    not(&["vertex_ai", "vertex_ai_beta"], TOKENS),
    not(&["watsonx", "watsonx_text"], TOKENS),
    not(&["snowflake"], TOKENS),
    not(&["databricks"], TOKENS),
    not(&["gigachat"], TOKENS),
    not(&["oci"], "its requests are signed with a key of an account"),
    not(&["github_copilot"], SESSION),
    not(&["chatgpt"], SESSION),
    not(&["azure_ai", "azure_text"], OWN_API),
    not(
        &[
            "huggingface",
            "replicate",
            "baseten",
            "predibase",
            "cloudflare",
        ],
        OWN_API,
    ),
    not(
        &[
            "palm",
            "nlp_cloud",
            "petals",
            "maritalk",
            "aleph_alpha",
            "triton",
        ],
        OWN_API,
    ),
    not(
        &[
            "clarifai",
            "bytez",
            "langgraph",
            "custom",
            "ragflow",
            "dify",
        ],
        OWN_API,
    ),
    not(
        &[
            "text_completion_openai",
            "text_completion_codestral",
            "anthropic_text",
        ],
        "it serves text completions only",
    ),
    not(
        &[
            "voyage", "jina_ai", "infinity", "topaz", "recraft", "milvus",
        ],
        NOT_CHAT,
    ),
    not(
        &["deepgram", "elevenlabs", "assemblyai", "stability_ai"],
        NOT_CHAT,
    ),
    not(&["vllm", "oobabooga", "auto_router"], INSIDE),
];

/// The provider of a name, however it writes its dashes and case.
pub(super) fn find(name: &str) -> Option<&'static Provider> {
    let folded = name.trim().to_ascii_lowercase().replace('-', "_");
    PROVIDERS
        .iter()
        .find(|provider| provider.names.contains(&folded.as_str()))
}

/// The provider of a model that is named without one, as LiteLLM's list of
/// models has it; none where the name tells nothing.
pub(super) fn of_bare_model(model: &str) -> Option<&'static Provider> {
    const BEGINNINGS: &[(&str, &str)] = &[
        ("gpt-", "openai"),
        ("chatgpt-", "openai"),
        ("o1", "openai"),
        ("o3", "openai"),
        ("o4", "openai"),
        ("ft:gpt-", "openai"),
        ("text-embedding-", "openai"),
        ("dall-e-", "openai"),
        ("whisper-", "openai"),
        ("tts-", "openai"),
        ("*", "openai"),
        ("claude-", "anthropic"),
        ("gemini-", "vertex_ai"),
        ("command-", "cohere"),
        ("amazon.", "bedrock"),
        ("anthropic.", "bedrock"),
        ("meta.", "bedrock"),
        ("mistral.", "bedrock"),
        ("cohere.", "bedrock"),
        ("ai21.", "bedrock"),
        ("us.", "bedrock"),
        ("eu.", "bedrock"),
    ];
    let known = BEGINNINGS
        .iter()
        .find(|(beginning, _)| model.starts_with(beginning));
    known.and_then(|(_, name)| find(name))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_table_is_sound() {
        let mut names = HashSet::new();
        for provider in PROVIDERS {
            for name in provider.names {
                assert!(names.insert(*name), "`{name}` twice");
                assert_eq!(find(name).map(Provider::name), Some(provider.name()));
            }
            let callable = !matches!(provider.shape, Shape::Uncallable(_));
            assert_eq!(callable, !provider.key.is_empty(), "{provider:?}");
            assert_eq!(
                callable,
                provider.base.is_empty() != provider.base_variable.is_empty(),
                "{provider:?}"
            );
            assert!(!provider.base.ends_with('/'), "{provider:?}");
        }
        assert_eq!(find("Together-AI").map(Provider::name), Some("together_ai"));
        assert!(find("nobody").is_none());
    }

    #[test]
    fn the_page_lists_what_is_called() {
        let page = include_str!("../../../docs/import.md");
        let (_, table) = page.split_once("## Providers").unwrap();
        for provider in PROVIDERS {
            let listed = table.contains(&format!("`{}`", provider.name()));
            let is_called = !matches!(provider.shape, Shape::Uncallable(_));
            assert!(listed || !is_called, "{}", provider.name());
        }
    }

    #[test]
    fn bare_models_have_their_maker() {
        for (model, wanted) in [
            ("gpt-4o", Some("openai")),
            ("claude-opus-4-6", Some("anthropic")),
            ("gemini-1.5-flash", Some("vertex_ai")),
            ("amazon.titan-embed-text-v1", Some("bedrock")),
            ("llama3", None),
        ] {
            assert_eq!(of_bare_model(model).map(Provider::name), wanted);
        }
    }
}
