//! More of what vendors send, each row with the public page on which the vendor documents it or a user quotes it.
//! Names, numbers and ids are made up.

use super::payloads::Payload;
use crate::domain::error_class::ErrorClass;
use crate::domain::error_class::ErrorClass::*;

/// (who and where, status, body, class, rule)
#[rustfmt::skip]
pub(super) const DOCUMENTED: &[Payload] = &[
    ("SGLang, github.com/QwenLM/Qwen3/issues/1321", 400, r#"{"object":"error","message":"The input (61709 tokens) is longer than the model's context length (40960 tokens).","type":"BadRequestError","param":null,"code":400}"#, ContextWindowExceeded, "phrase:together_model_context_length"),
    ("DeepSeek, github.com/evalstate/fast-agent/issues/621", 400, r#"{"error":{"message":"This model's maximum context length is 131072 tokens. However, you requested 131134 tokens (122942 in the messages, 8192 in the completion). Please reduce the length of the messages or completion.","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}"#, ContextWindowExceeded, "phrase:groq_reduce_the_length"),
    ("Zhipu, github.com/zeroclaw-labs/zeroclaw/issues/4124", 400, r#"{"error":{"code":"1261","message":"Prompt exceeds max length"}}"#, ContextWindowExceeded, "phrase:zhipu_max_length"),
    ("Volcano Ark, github.com/langgenius/dify/issues/32221", 400, r#"{"error":{"code":"InvalidParameter","message":"Input length 203743 exceeds the maximum length 202752"}}"#, ContextWindowExceeded, "phrase:ark_maximum_length"),
    ("Dashscope, github.com/agentscope-ai/QwenPaw/issues/6255", 400, r#"{"error":{"code":"invalid_parameter_error","message":"<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 983616]","param":null,"type":"invalid_request_error"},"request_id":"x"}"#, ContextWindowExceeded, "phrase:dashscope_input_range"),
    ("Moonshot, github.com/MoonshotAI/kimi-cli/issues/2011", 400, r#"{"error":{"message":"Invalid request: Your request exceeded model token limit: 262144 (requested: 269030)","type":"invalid_request_error"}}"#, ContextWindowExceeded, "phrase:moonshot_token_limit"),
    ("LM Studio, github.com/Gitlawb/openclaude/issues/353", 400, r#"{"error":"The number of tokens to keep from the initial prompt is greater than the context length (n_keep: 13055>= n_ctx: 4096). Try to load the model with a larger context length, or provide a shorter input."}"#, ContextWindowExceeded, "phrase:lmstudio_context_length"),
    ("llama.cpp, github.com/ggml-org/llama.cpp/pull/15780", 500, r#"{"error":{"code":500,"message":"the request exceeds the available context size. try increasing the context size or enable context shift","type":"exceed_context_size_error","n_prompt_tokens":1407,"n_ctx":256}}"#, ContextWindowExceeded, "type:exceed_context_size_error"),
    ("Text Generation Inference, huggingface.co/spaces/agents-course/Unit_3_Agentic_RAG/discussions/2", 422, r#"{"error":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 32768. Given: 71508 `inputs` tokens and 0 `max_new_tokens`","error_type":"validation"}"#, ContextWindowExceeded, "phrase:together_inputs_and_new_tokens"),
    ("Text Generation Inference, huggingface.co/google/flan-t5-xxl/discussions/64", 422, r#"{"error":"Input validation error: `inputs` must have less than 1024 tokens. Given: 1699","error_type":"validation"}"#, ContextWindowExceeded, "phrase:huggingface_inputs_must_have"),
    ("GitHub Models, github.com/eslint/tsc-meetings/pull/593", 413, r#"{"error":{"code":"tokens_limit_reached","message":"Request body too large for gpt-4o model. Max size: 8000 tokens.","details":"Request body too large for gpt-4o model. Max size: 8000 tokens."}}"#, ContextWindowExceeded, "code:tokens_limit_reached"),
    ("Cohere, docs.cohere.com/errors-reference", 400, r#"{"message":"too many tokens: size limit exceeded by 11326 tokens. Try using shorter or fewer inputs, or setting prompt_truncation='AUTO'."}"#, ContextWindowExceeded, "phrase:cohere_size_limit"),

    ("DeepSeek, github.com/666ghj/BettaFish/issues/108", 400, r#"{"error":{"message":"Content Exists Risk","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}"#, ContentPolicy, "phrase:deepseek_content_risk"),
    ("Zhipu, github.com/langchain4j/langchain4j/issues/1079", 400, r#"{"error":{"code":"1301","message":"系统检测到输入或生成内容可能包含不安全或敏感内容，请您避免输入易产生敏感内容的提示语，感谢您的配合。"}}"#, ContentPolicy, "code:1301"),
    ("Azure, github.com/browser-use/browser-use/issues/262", 400, r#"{"error":{"inner_error":{"code":"ResponsibleAIPolicyViolation","content_filter_results":{"jailbreak":{"filtered":true,"detected":true}}},"code":"content_filter","message":"The response was filtered","param":"prompt","type":null}}"#, ContentPolicy, "inner_code:responsible_ai_policy_violation"),
    ("xAI, github.com/UKGovernmentBEIS/inspect_ai/pull/2267", 403, r#"{"code":"The caller does not have permission to execute the specified operation","error":"Content violates usage guidelines. Team: t, API key ID: k, Model: m, Failed check: SAFETY_CHECK_TYPE_BIO"}"#, ContentPolicy, "moderation:reported"),
    ("new-api, github.com/openai/openai-cookbook/issues/1224", 400, r#"{"error":{"message":"input contains sensitive words: [test]","type":"new_api_error","param":"","code":"sensitive_words_detected"}}"#, ContentPolicy, "code:sensitive_words_detected"),

    ("Zhipu, github.com/zai-org/GLM-5/issues/148", 429, r#"{"error":{"code":"1113","message":"Insufficient balance or no resource package. Please recharge."}}"#, QuotaExhausted, "code:1113"),
    ("OpenAI, developers.openai.com/api/docs/guides/spend-limits.md", 429, r#"{"error":{"message":"The organization has reached its spend limit.","type":"insufficient_quota","param":null,"code":"organization_spend_limit_exceeded"}}"#, QuotaExhausted, "code:organization_spend_limit_exceeded"),
    ("Anthropic, github.com/anthropics/claude-code/issues/38035", 400, r#"{"type":"error","error":{"type":"invalid_request_error","message":"You have reached your specified API usage limits. You will regain access on 2026-04-01 at 00:00 UTC."},"request_id":"req_x"}"#, QuotaExhausted, "phrase:anthropic_spend_limit"),
    ("Anthropic, developersdigest.tech/errors/api/anthropic-api/429-enforced-spend-limit-reached", 429, r#"{"type":"error","error":{"type":"rate_limit_error","message":"The monthly limit is reached.","details":{"error_code":"enforced_spend_limit_reached"}}}"#, QuotaExhausted, "inner_code:enforced_spend_limit_reached"),
    ("Fireworks, github.com/pollinations/pollinations/issues/12136", 412, r#"{"error":{"message":"Account x is suspended, possibly due to reaching the monthly spending limit or failure to pay past invoices.","param":null,"code":"PRECONDITION_FAILED","type":"error"},"request_id":"x"}"#, QuotaExhausted, "code:precondition_failed"),
    ("Dashscope, help.aliyun.com/en/model-studio/error-code", 400, r#"{"error":{"code":"Arrearage","param":null,"message":"Access denied, please make sure your account is in good standing.","type":"Arrearage"}}"#, QuotaExhausted, "code:arrearage"),
    ("MiniMax through ModelScope, github.com/modelscope/modelscope/issues/1691", 429, r#"{"error":{"http_code":"429","message":"insufficient balance (1008)","type":"insufficient_balance_error"},"request_id":"x"}"#, QuotaExhausted, "type:insufficient_balance_error"),
    ("xAI, github.com/NousResearch/hermes-agent/issues/26847", 403, r#"{"code":"personal-team-blocked:spending-limit","error":"You have run out of credits or need a Grok subscription."}"#, QuotaExhausted, "code:personal_team_blocked:spending_limit"),

    ("Mistral, github.com/raycast/extensions/issues/31107", 429, r#"{"object":"error","message":"Rate limit exceeded","type":"rate_limited","param":null,"code":"1300","raw_status_code":429}"#, RateLimited, "type:rate_limited"),
    ("Mistral, github.com/continuedev/continue/issues/6185", 429, r#"{"object":"error","message":"Service tier capacity exceeded for this model.","type":"invalid_request_error","param":null,"code":null}"#, RateLimited, "status:429"),
    ("Cerebras, github.com/nminaya/grammar-nazi-bot/issues/958", 429, r#"{"message":"Requests per minute limit exceeded - too many requests sent.","type":"too_many_requests_error","param":"quota","code":"request_quota_exceeded"}"#, RateLimited, "type:too_many_requests_error"),
    ("Together, whose type sounds like money, github.com/togethercomputer/MoA/issues/27", 429, r#"{"error":{"message":"You have been rate limited. Your rate limit is 60 queries per minute.","type":"credit_limit","param":null,"code":null}}"#, RateLimited, "status:429"),
    ("OpenRouter, github.com/digiogithub/pando/issues/8", 429, r#"{"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"x/y:free is temporarily rate-limited upstream. Please retry shortly.","provider_name":"X","error_type":"rate_limit_exceeded"}}}"#, RateLimited, "inner_code:rate_limit_exceeded"),
    ("Bedrock, docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html", 400, r#"{"__type":"ServiceQuotaExceededException","message":"Your request exceeds the service quota for your account."}"#, RateLimited, "code:service_quota_exceeded_exception"),
    ("Ollama's cloud, github.com/continuedev/continue/issues/11444", 429, r#"{"error":"you (x) have reached your session usage limit, upgrade for higher limits: https://ollama.com/upgrade"}"#, RateLimited, "status:429"),
    ("Gemini without capacity, github.com/google-gemini/gemini-cli/issues/27548", 429, r#"[{"error":{"code":429,"message":"No capacity available for model gemini-x on the server","errors":[{"message":"No capacity available","domain":"global","reason":"rateLimitExceeded"}],"status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"MODEL_CAPACITY_EXHAUSTED"}]}}]"#, RateLimited, "type:resource_exhausted"),

    ("Gemini without capacity, github.com/google-gemini/gemini-cli/issues/23520", 503, r#"{"error":{"code":503,"details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","domain":"x","reason":"MODEL_CAPACITY_EXHAUSTED"}],"message":"No capacity available for model on the server","status":"UNAVAILABLE"}}"#, Overloaded, "status:503"),
    ("Moonshot, github.com/666ghj/BettaFish/issues/292", 429, r#"{"error":{"message":"The engine is currently overloaded, please try again later","type":"engine_overloaded_error"}}"#, Overloaded, "type:engine_overloaded_error"),
    ("Groq, console.groq.com/docs/flex-processing", 498, r#"{"error":{"message":"The flex tier is at capacity.","type":"invalid_request_error","code":"capacity_exceeded"}}"#, Overloaded, "code:capacity_exceeded"),
    ("Ollama, github.com/ollama/ollama/pull/4144", 503, r#"{"error":"server busy, please try again.  maximum pending requests exceeded"}"#, Overloaded, "status:503"),
    ("MiniMax, whose 500 is about money, github.com/MiniMax-AI/MiniMax-M2/issues/62", 500, r#"{"type":"error","error":{"type":"api_error","message":"insufficient balance (1008)"},"request_id":"x"}"#, Unavailable, "status:500"),
    ("Text Generation Inference, a failed generation", 424, r#"{"error":"Request failed during generation: Server error: CUDA out of memory","error_type":"generation"}"#, Unavailable, "type:generation"),
    ("Bedrock, docs.rs/aws-sdk-bedrockruntime", 424, r#"{"__type":"ModelErrorException","message":"The request failed due to an error while processing the model."}"#, Unavailable, "code:model_error_exception"),
    ("Bedrock, docs.rs/aws-sdk-bedrockruntime", 408, r#"{"__type":"ModelTimeoutException","message":"Processing time exceeded the model timeout length."}"#, Timeout, "status:408"),

    ("Perplexity, github.com/BerriAI/litellm/issues/2584", 401, "<html>\n<head><title>401 Authorization Required</title></head>\n<body>\n<center><h1>401 Authorization Required</h1></center>\n<hr><center>openresty</center>\n</body>\n</html>", Authentication, "status:401"),
    ("xAI without credits, github.com/griptape-ai/griptape-nodes-engine/issues/1079", 403, r#"{"code":"The caller does not have permission to execute the specified operation","error":"Your newly created teams doesn't have any credits yet."}"#, Authentication, "status:403"),
    ("xAI, github.com/decolua/9router/issues/2559", 403, r#"{"code":"permission-denied","error":"Access to the chat endpoint is denied."}"#, Authentication, "code:permission_denied"),
    ("Perplexity, github.com/FerroxLabs/wayland/issues/603", 400, r#"{"error":{"message":"Invalid model 'x'. Permitted models can be found in the documentation.","type":"invalid_model","code":400}}"#, ModelNotFound, "type:invalid_model"),
    ("OpenRouter, github.com/evalstate/fast-agent/issues/122", 404, r#"{"error":{"message":"No endpoints found that support tool use.","code":404}}"#, ModelNotFound, "status:404"),

    ("Cohere, an answer too long, docs.cohere.com/errors-reference", 400, r#"{"message":"too many tokens: max tokens must be less than or equal to 4096, the maximum output for this model - received 8192."}"#, InvalidRequest, "status:400"),
    ("Gemini, a forbidden country, github.com/FoundationAgents/OpenManus/issues/803", 400, r#"[{"error":{"code":400,"message":"User location is not supported for the API use.","status":"FAILED_PRECONDITION"}}]"#, InvalidRequest, "status:400"),
    ("MiniMax, github.com/BigPizzaV3/CodexPlusPlus/issues/267", 400, r#"{"type":"error","error":{"type":"bad_request_error","message":"invalid params, invalid chat setting (2013)","http_code":"400"},"request_id":"x"}"#, InvalidRequest, "status:400"),
    ("DeepSeek, github.com/cline/cline/issues/230", 422, "Failed to deserialize the JSON body into the target type: messages[1]: invalid type: sequence, expected a string at line 17 column 3", InvalidRequest, "status:422"),
    ("Mistral, github.com/Gitlawb/openclaude/issues/739", 422, r#"{"detail":[{"type":"extra_forbidden","loc":["body","store"],"msg":"Extra inputs are not permitted","input":false},{"type":"extra_forbidden","loc":["body","max_completion_tokens"],"msg":"Extra inputs are not permitted","input":8192}]}"#, InvalidRequest, "type:extra_forbidden"),
    ("Groq, github.com/groq/groq-typescript/issues/28", 400, r#"{"error":{"message":"Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.","type":"invalid_request_error","code":"tool_use_failed","failed_generation":"{}"}}"#, InvalidRequest, "code:tool_use_failed"),
];

/// What arrives as the value of `error` in an answer with a success status: (who and where, value, class, rule,
/// status).
#[rustfmt::skip]
pub(super) const IN_ANSWER: &[(&str, &str, ErrorClass, &str, u16)] = &[
    ("llama.cpp, github.com/oobabooga/textgen/issues/7257", r#"{"code":400,"message":"the request exceeds the available context size. try increasing the context size or enable context shift","type":"exceed_context_size_error","n_prompt_tokens":14429,"n_ctx":8192}"#, ContextWindowExceeded, "type:exceed_context_size_error", 400),
    ("Groq, github.com/anomalyco/opencode/issues/1018", r#"{"message":"Failed to call a function. Please adjust your prompt.","type":"invalid_request_error","code":"tool_use_failed","failed_generation":"x","status_code":400}"#, InvalidRequest, "code:tool_use_failed", 400),
    ("OpenRouter, openrouter.ai/docs/api-reference/errors", r#"{"code":"server_error","message":"Provider disconnected unexpectedly"}"#, Unavailable, "code:server_error", 200),
    ("vLLM, an engine that died", r#"{"message":"EngineCore encountered an issue","type":"InternalServerError","param":null,"code":500}"#, Unavailable, "status:500", 500),
    ("LM Studio, github.com/lmstudio-ai/lmstudio-bug-tracker/issues/2322", r#"{"message":"The number of tokens to keep from the initial prompt is greater than the context length.","type":"invalid_request_error"}"#, ContextWindowExceeded, "phrase:lmstudio_context_length", 200),
];

/// (who and where, status, headers, body, class, rule, milliseconds to wait)
type Waits =
    (&'static str, u16, &'static [(&'static str, &'static str)], &'static str, ErrorClass, &'static str, u64);

/// What says in its headers how long to wait, or what it is.
#[rustfmt::skip]
pub(super) const WITH_HEADERS: &[Waits] = &[
    ("Azure, github.com/jasonacox/TinyLLM/issues/17", 429, &[("retry-after", "86400"), ("retry-after-ms", "86400000"), ("x-ratelimit-reset-tokens", "86400")], r#"{"error":{"code":"429","message":"Requests to the ChatCompletions_Create Operation under Azure OpenAI API version x have exceeded token rate limit of your current AIServices S0 pricing tier. Please retry after 86400 seconds."}}"#, RateLimited, "status:429", 86_400_000),
    ("OpenAI, whose milliseconds are finer", 429, &[("retry-after", "1"), ("retry-after-ms", "412")], r#"{"error":{"message":"Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested 30601.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#, RateLimited, "code:rate_limit_exceeded", 412),
    ("Anthropic, docs.claude.com/en/api/rate-limits", 429, &[("retry-after", "17"), ("anthropic-ratelimit-requests-remaining", "0")], r#"{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed the rate limit for your organization of 30,000 input tokens per minute. Please reduce the prompt length or the maximum tokens requested, or try again later."}}"#, RateLimited, "type:rate_limit_error", 17_000),
    ("Bedrock, the exception in a header", 429, &[("x-amzn-errortype", "ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/"), ("retry-after", "2")], r#"{"message":"Too many tokens, please wait before trying again."}"#, RateLimited, "code:throttling_exception", 2_000),
    ("a gateway in front of Groq's capacity", 503, &[("retry-after", "30")], r#"{"error":{"message":"x is currently over capacity.","type":"internal_server_error"}}"#, Overloaded, "status:503", 30_000),
];
