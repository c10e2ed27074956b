//! What vendors send, one payload a row: the shapes and words are those of the vendors'
//! documentation and of threads in which their users quote them, the values are made up.

use super::ErrorClass::{self, *};

/// (who and what, status, body, class, rule)
pub(super) type Payload = (&'static str, u16, &'static str, ErrorClass, &'static str);

#[rustfmt::skip]
pub(super) const CONTEXT: &[Payload] = &[
    ("OpenAI, code", 400, r#"{"error":{"message":"Your input exceeds the context window of this model. Please adjust your input and try again.","type":"invalid_request_error","param":"input","code":"context_length_exceeded"}}"#, ContextWindowExceeded, "code:context_length_exceeded"),
    ("OpenAI, sentence alone", 400, r#"{"error":{"message":"Your input exceeds the context window of this model.","type":"invalid_request_error","param":null,"code":null}}"#, ContextWindowExceeded, "phrase:openai_exceeds_context_window"),
    ("OpenAI, classic", 400, r#"{"error":{"message":"This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.","type":"invalid_request_error","param":"messages","code":null}}"#, ContextWindowExceeded, "phrase:openai_maximum_context_length"),
    ("Anthropic", 400, r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 213462 tokens > 200000 maximum"}}"#, ContextWindowExceeded, "phrase:anthropic_prompt_too_long"),
    ("Anthropic, prompt and answer", 400, r#"{"type":"error","error":{"type":"invalid_request_error","message":"input length and `max_tokens` exceed context limit: 154996 + 64000 > 200000, decrease input length or `max_tokens` and try again"}}"#, ContextWindowExceeded, "phrase:anthropic_input_and_output"),
    ("Mistral", 400, r#"{"object":"error","message":"Prompt contains 140000 tokens and 0 draft tokens, too large for model with 131072 maximum context length","type":"invalid_request_error","param":null,"code":"3051"}"#, ContextWindowExceeded, "phrase:mistral_prompt_too_large"),
    ("Groq, code", 400, r#"{"error":{"message":"Please reduce the length of the messages or completion.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#, ContextWindowExceeded, "code:context_length_exceeded"),
    ("Groq, sentence alone", 400, r#"{"error":{"message":"Please reduce the length of the messages or completion."}}"#, ContextWindowExceeded, "phrase:groq_reduce_the_length"),
    ("xAI", 400, r#"{"code":"Client specified an invalid argument","error":"This model's maximum prompt length is 131072 but the request contains 537812 tokens."}"#, ContextWindowExceeded, "phrase:xai_maximum_prompt_length"),
    ("Fireworks", 400, r#"{"error":{"object":"error","type":"invalid_request_error","code":"invalid_request_error","message":"The prompt is too long: 300000, model maximum context length: 131071"}}"#, ContextWindowExceeded, "phrase:fireworks_prompt_too_long"),
    ("Fireworks, sentence alone", 400, r#"{"error":{"message":"The prompt is too long: 300000"}}"#, ContextWindowExceeded, "phrase:fireworks_prompt_too_long"),
    ("vLLM", 400, r#"{"object":"error","message":"The decoder prompt (length 15983) is longer than the maximum model length of 8192. Make sure that `max_model_len` is no smaller than the number of text tokens.","type":"BadRequestError","param":null,"code":400}"#, ContextWindowExceeded, "phrase:vllm_maximum_model_length"),
    ("SGLang", 400, r#"{"object":"error","message":"Input length (5000 tokens) exceeds the maximum allowed length (4095 tokens). Use a shorter input or enable --allow-auto-truncate.","type":"BadRequestError","param":null,"code":400}"#, ContextWindowExceeded, "phrase:sglang_input_length"),
    ("TensorRT-LLM", 400, r#"{"object":"error","message":"Prompt length (9000) exceeds maximum input length (8192)","type":"BadRequestError","param":null,"code":400}"#, ContextWindowExceeded, "phrase:tensorrt_input_length"),
    ("Ollama", 400, r#"{"error":"input length exceeds maximum context length"}"#, ContextWindowExceeded, "phrase:ollama_input_length"),
    ("Ollama, chat", 400, r#"{"error":{"message":"prompt too long; exceeded max context length by 4096 tokens"}}"#, ContextWindowExceeded, "phrase:ollama_prompt_too_long"),
    ("OpenRouter", 400, r#"{"error":{"code":400,"message":"This endpoint's maximum context length is 131072 tokens. However, you requested about 200000 tokens (199000 of text input, 1000 in the output)."}}"#, ContextWindowExceeded, "phrase:openai_maximum_context_length"),
    ("OpenRouter, its own type", 400, r#"{"error":{"code":400,"message":"too much","metadata":{"error_type":"context_length_exceeded"}}}"#, ContextWindowExceeded, "inner_code:context_length_exceeded"),
    ("OpenRouter, the vendor's error within", 400, r#"{"error":{"code":400,"message":"Provider returned error","metadata":{"provider_name":"X","raw":"{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"prompt is too long: 5 tokens > 4 maximum\"}}"}}}"#, ContextWindowExceeded, "phrase:anthropic_prompt_too_long"),
    ("Bedrock", 400, r#"{"__type":"ValidationException","message":"Input is too long for requested model."}"#, ContextWindowExceeded, "phrase:bedrock_input_too_long"),
    ("Gemini", 400, r#"[{"error":{"code":400,"message":"The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).","status":"INVALID_ARGUMENT"}}]"#, ContextWindowExceeded, "phrase:gemini_input_token_count"),
    ("Together", 422, r#"{"error":{"message":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097. Given: 5000 `inputs` tokens and 512 `max_new_tokens`","type":"invalid_request_error","param":"max_tokens","code":null}}"#, ContextWindowExceeded, "phrase:together_inputs_and_new_tokens"),
    ("Together, curly apostrophe", 400, "{\"error\":{\"message\":\"The input (265330 tokens) is longer than the model\u{2019}s context length (262144 tokens).\"}}", ContextWindowExceeded, "phrase:together_model_context_length"),
    ("Cerebras", 400, r#"{"message":"Please reduce the length. Current length is 9000 while limit is 8192","type":"invalid_request_error","param":"messages","code":"wrong_api_format"}"#, ContextWindowExceeded, "phrase:cerebras_current_length"),
    ("Cohere", 400, r#"{"message":"too many tokens: total number of tokens in the prompt cannot exceed 4081"}"#, ContextWindowExceeded, "phrase:cohere_too_many_tokens"),
    ("llama.cpp", 400, r#"{"error":{"code":400,"message":"the request exceeds the available context size, try increasing it","type":"exceed_context_size_error","n_prompt_tokens":9,"n_ctx":8}}"#, ContextWindowExceeded, "type:exceed_context_size_error"),
    ("vLLM since 0.16", 400, r#"{"error":{"message":"You passed 1015 input tokens and requested 64 output tokens. However, the model's context length is only 1024 tokens, resulting in a maximum input length of 960 tokens. Please reduce the length of the input prompt. (parameter=input_tokens, value=1015)","type":"BadRequestError","param":"input_tokens","code":400}}"#, ContextWindowExceeded, "phrase:vllm_context_length_is_only"),
    ("vLLM since 0.16, shortened", 400, r#"{"error":{"message":"You passed 1015 input tokens, with a maximum input length of 960 tokens","type":"BadRequestError","param":"input_tokens","code":400}}"#, ContextWindowExceeded, "phrase:vllm_passed_input_tokens"),
    ("LiteLLM's proxy", 400, r#"{"error":{"message":"litellm.ContextWindowExceededError: litellm.BadRequestError: No models have context window large enough for this call. Received Model Group=x","type":null,"param":null,"code":"400"}}"#, ContextWindowExceeded, "phrase:litellm_context_window"),
    ("OpenAI, the model's window", 400, r#"{"error":{"message":"Your input exceeds the model's context window."}}"#, ContextWindowExceeded, "phrase:openai_exceeds_models_context_window"),
    ("LM Studio", 400, r#"{"error":"Context size has been exceeded."}"#, ContextWindowExceeded, "phrase:lmstudio_context_size"),
    ("ds4-server", 400, r#"{"error":{"message":"Prompt has 256468 tokens, but the configured context size is 256000 tokens"}}"#, ContextWindowExceeded, "phrase:ds4_context_size"),
    ("oMLX", 400, r#"{"error":{"message":"Prompt too long: 129,566 tokens exceeds max context window of 128,000"}}"#, ContextWindowExceeded, "phrase:omlx_context_window"),
    ("Zhipu, tokens in request", 400, r#"{"error":{"code":"1210","message":"tokens in request more than max tokens allowed"}}"#, ContextWindowExceeded, "phrase:zhipu_tokens_in_request"),
    ("a 413", 413, r#"{"error":{"message":"prompt is too long"}}"#, ContextWindowExceeded, "phrase:anthropic_prompt_too_long"),
];

#[rustfmt::skip]
pub(super) const CONTENT: &[Payload] = &[
    ("OpenAI, code", 400, r#"{"error":{"message":"Your request was rejected as a result of our safety system.","type":"invalid_request_error","param":null,"code":"content_policy_violation"}}"#, ContentPolicy, "code:content_policy_violation"),
    ("OpenAI, sentence alone", 400, r#"{"error":{"message":"Your request was rejected as a result of our safety system."}}"#, ContentPolicy, "phrase:openai_safety_system"),
    ("LiteLLM's proxy", 400, r#"{"error":{"message":"litellm.ContentPolicyViolationError: AzureException - flagged","type":null,"param":null,"code":"400"}}"#, ContentPolicy, "phrase:litellm_content_policy"),
    ("OpenAI, usage policy", 400, r#"{"error":{"message":"Invalid prompt: your prompt was flagged as potentially violating our usage policy.","type":"invalid_request_error","code":"invalid_prompt"}}"#, ContentPolicy, "phrase:openai_usage_policy"),
    ("Azure, code and a curly apostrophe", 400, "{\"error\":{\"message\":\"The response was filtered due to the prompt triggering Azure OpenAI\u{2019}s content management policy.\",\"type\":null,\"param\":\"prompt\",\"code\":\"content_filter\",\"status\":400}}", ContentPolicy, "code:content_filter"),
    ("Azure, sentence with a curly apostrophe", 400, "{\"error\":{\"message\":\"The response was filtered due to the prompt triggering Azure OpenAI\u{2019}s content management policy.\"}}", ContentPolicy, "phrase:azure_content_management"),
    ("Azure, inner code alone", 400, r#"{"error":{"message":"no","type":null,"param":"prompt","code":"BadRequest","innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{}}}}"#, ContentPolicy, "inner_code:responsible_ai_policy_violation"),
    ("Anthropic", 400, r#"{"type":"error","error":{"type":"invalid_request_error","message":"Output blocked by content filtering policy"}}"#, ContentPolicy, "phrase:anthropic_content_filtering"),
    ("OpenRouter, moderation", 403, r#"{"error":{"code":403,"message":"anthropic/claude requires moderation. Your input was flagged for \"violence\".","metadata":{"reasons":["violence"],"flagged_input":"...","provider_name":"X","model_slug":"y"}}}"#, ContentPolicy, "moderation:reported"),
    ("Dashscope", 400, r#"{"code":"DataInspectionFailed","message":"Input data may contain inappropriate content.","request_id":"x"}"#, ContentPolicy, "code:data_inspection_failed"),
    ("Dashscope, compatible", 400, r#"{"error":{"code":"data_inspection_failed","param":null,"message":"Input data may contain inappropriate content.","type":"data_inspection_failed"}}"#, ContentPolicy, "code:data_inspection_failed"),
    ("Moonshot", 400, r#"{"error":{"message":"The request was rejected because it was considered high risk","type":"content_filter"}}"#, ContentPolicy, "type:content_filter"),
];

#[rustfmt::skip]
pub(super) const QUOTA: &[Payload] = &[
    ("OpenAI", 429, r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#, QuotaExhausted, "code:insufficient_quota"),
    ("Anthropic", 400, r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."}}"#, QuotaExhausted, "phrase:anthropic_credit_balance"),
    ("OpenRouter", 402, r#"{"error":{"code":402,"message":"This request requires more credits, or fewer max_tokens."}}"#, QuotaExhausted, "status:402"),
    ("DeepSeek", 402, r#"{"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":"invalid_request_error"}}"#, QuotaExhausted, "status:402"),
    ("Moonshot", 429, r#"{"error":{"message":"Your account is suspended","type":"exceeded_current_quota_error"}}"#, QuotaExhausted, "type:exceeded_current_quota_error"),
];

#[rustfmt::skip]
pub(super) const RATE: &[Payload] = &[
    ("OpenAI", 429, r#"{"error":{"message":"Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM)","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#, RateLimited, "code:rate_limit_exceeded"),
    ("Groq, a 413 on tokens per minute", 413, r#"{"error":{"message":"Request too large for model `x` in organization `org_y` service tier `on_demand` on tokens per minute (TPM): Limit 6000, Requested 7000","type":"tokens","code":"rate_limit_exceeded"}}"#, RateLimited, "code:rate_limit_exceeded"),
    ("Groq, the same without a code", 413, r#"{"error":{"message":"Request too large for model `x` on tokens per minute (TPM): Limit 6000, Requested 7000, please reduce your message size"}}"#, RateLimited, "phrase:groq_tokens_per_minute"),
    ("Gemini", 429, r#"[{"error":{"code":429,"message":"Quota exceeded for quota metric","status":"RESOURCE_EXHAUSTED"}}]"#, RateLimited, "type:resource_exhausted"),
    ("Gemini, wrapped in a 500", 500, r#"{"error":{"code":429,"message":"Resource exhausted"}}"#, RateLimited, "code:429"),
    ("Bedrock, that sounds like a context error", 429, r#"{"message":"Too many tokens, please wait before trying again."}"#, RateLimited, "status:429"),
    ("Bedrock, throttling", 400, r#"{"__type":"ThrottlingException","message":"Too many tokens, please wait before trying again."}"#, RateLimited, "code:throttling_exception"),
    ("a context sentence on a 429", 429, r#"{"error":{"message":"maximum context length is 8 tokens"}}"#, RateLimited, "status:429"),
    ("Anthropic", 429, r#"{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your organization's rate limit"}}"#, RateLimited, "type:rate_limit_error"),
];

#[rustfmt::skip]
pub(super) const SERVER: &[Payload] = &[
    ("Anthropic", 529, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, Overloaded, "type:overloaded_error"),
    ("a bare 529", 529, "", Overloaded, "status:529"),
    ("OpenAI, 503", 503, r#"{"error":{"message":"The engine is currently overloaded","type":"server_error","code":null}}"#, Overloaded, "status:503"),
    ("Gemini, 503", 503, r#"[{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}]"#, Overloaded, "status:503"),
    ("OpenAI, 500", 500, r#"{"error":{"message":"The server had an error processing your request","type":"server_error"}}"#, Unavailable, "status:500"),
    ("a context sentence on a 500", 500, r#"{"error":{"message":"prompt is too long"}}"#, Unavailable, "status:500"),
    ("nginx", 502, "<html><head><title>502 Bad Gateway</title></head></html>", Unavailable, "status:502"),
    ("a gateway's timeout", 504, "upstream request timeout", Unavailable, "status:504"),
    ("Cloudflare", 522, "error code: 522", Unavailable, "status:52x"),
    ("the last of Cloudflare's", 524, "", Unavailable, "status:52x"),
    ("another 5xx", 507, "", Unavailable, "status:5xx"),
    ("an upstream 408", 408, r#"{"error":{"message":"Request timed out"}}"#, Timeout, "status:408"),
];

#[rustfmt::skip]
pub(super) const OURS_TO_MEND: &[Payload] = &[
    ("OpenAI, key", 401, r#"{"error":{"message":"Incorrect API key provided: sk-abcdefgh1234.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#, Authentication, "code:invalid_api_key"),
    ("a bare 401", 401, "", Authentication, "status:401"),
    ("a bare 403", 403, "", Authentication, "status:403"),
    ("Gemini, permission", 403, r#"[{"error":{"code":403,"message":"Permission denied","status":"PERMISSION_DENIED"}}]"#, Authentication, "type:permission_denied"),
    ("Gemini, key", 400, r#"[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}]"#, Authentication, "inner_code:api_key_invalid"),
    ("Gemini, key, without details", 400, r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}"#, Authentication, "phrase:gemini_api_key_invalid"),
    ("xAI, key", 400, r#"{"code":"Client specified an invalid argument","error":"Incorrect API key provided: ab***cd."}"#, Authentication, "phrase:xai_incorrect_api_key"),
    ("OpenAI, model", 404, r#"{"error":{"message":"The model `x` does not exist or you do not have access to it.","type":"invalid_request_error","param":null,"code":"model_not_found"}}"#, ModelNotFound, "code:model_not_found"),
    ("OpenAI, model, as a 403", 403, r#"{"error":{"message":"Project `p` does not have access to model `x`","type":"invalid_request_error","code":"model_not_found"}}"#, ModelNotFound, "code:model_not_found"),
    ("Azure, deployment", 404, r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}"#, ModelNotFound, "code:deployment_not_found"),
    ("Anthropic, model", 404, r#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-x"}}"#, ModelNotFound, "status:404"),
    ("Mistral, model", 400, r#"{"object":"error","message":"Invalid model: x","type":"invalid_model","param":null,"code":"1500"}"#, ModelNotFound, "type:invalid_model"),
    ("Groq, retired model", 400, r#"{"error":{"message":"The model `x` has been decommissioned","type":"invalid_request_error","code":"model_decommissioned"}}"#, ModelNotFound, "code:model_decommissioned"),
    ("OpenRouter, model", 400, r#"{"error":{"message":"x/y is not a valid model ID","code":400}}"#, ModelNotFound, "phrase:openrouter_model_id"),
];

#[rustfmt::skip]
pub(super) const REQUEST: &[Payload] = &[
    ("OpenAI, a function whose name sounds like a rate limit", 400, r#"{"error":{"message":"Invalid schema for function 'set_rate_limit': schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'.","type":"invalid_request_error","param":"tools[0].function.parameters","code":"invalid_function_parameters"}}"#, InvalidRequest, "code:invalid_function_parameters"),
    ("the same without a code", 400, r#"{"error":{"message":"Invalid schema for function 'set_rate_limit'","type":"invalid_request_error"}}"#, InvalidRequest, "status:400"),
    ("o1 and its parameters", 400, r#"{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}"#, InvalidRequest, "code:unsupported_parameter"),
    ("Mistral, an unknown field", 422, r#"{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs are not permitted","input":{}}]}"#, InvalidRequest, "type:extra_forbidden"),
    ("a quotation that sounds like a context error", 400, r#"{"error":{"message":"Invalid type for 'x': 'prompt is too long'","type":"invalid_request_error","code":"invalid_type"}}"#, InvalidRequest, "code:invalid_type"),
    ("Anthropic, too many bytes", 413, r#"{"error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}"#, InvalidRequest, "status:413"),
    ("a 422", 422, r#"{"detail":"no"}"#, InvalidRequest, "status:422"),
    ("LiteLLM's proxy, a rate limit named only in the sentence of a 400", 400, r#"{"error":{"message":"litellm.RateLimitError: slow down","type":null,"param":null,"code":"400"}}"#, InvalidRequest, "status:400"),
    ("a 409", 409, "", InvalidRequest, "status:4xx"),
    ("a 400 that speaks of a rate limit", 400, r#"{"error":{"message":"rate limit must be a number; too many requests"}}"#, InvalidRequest, "status:400"),
    ("a redirect", 302, "", InvalidResponse, "status:3xx"),
];
