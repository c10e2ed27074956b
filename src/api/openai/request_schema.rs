//! The fields by which every request of OpenAI's form chooses its models, declared once for all schemas.

/// Declares the schema of a request: its name, the models of its example, and the fields of its own, each with a comma.
macro_rules! request_schema {
    ($(#[$attribute:meta])* $name:ident, $model:tt, $spare:tt, { $($own:tt)* }) => {
        $(#[$attribute])*
        #[derive(ToSchema)]
        pub(in crate::api) struct $name {
            /// The model to try first. Without `models` or `fallbacks` its stored fallbacks follow.
            #[schema(required = false, example = $model)]
            model: String,
            /// The models to try after `model`, strictly in order, instead of the stored fallbacks. Without `model` the
            /// first of them is tried first. In a form, a field for each, or a JSON list.
            #[schema(required = false, example = json!([$spare]), max_items = 32, min_items = 1)]
            models: Vec<String>,
            $($own)*
            /// LiteLLM's name for `models`; send one of the two.
            #[schema(required = false, max_items = 32, min_items = 1)]
            fallbacks: Vec<String>,
            /// Calls only `model`, without fallbacks.
            #[schema(required = false)]
            disable_fallbacks: bool,
            /// Lowers the organization's limit on the number of stored fallbacks that are called.
            #[schema(required = false)]
            max_fallbacks: u32,
            /// How often a model is retried after a transient failure before the next one is called.
            #[schema(required = false, maximum = 5)]
            num_retries: u32,
            /// The session in the request log: a UUID or a text of up to 256 characters. Also accepted as
            /// `metadata.session_id` or as the header `x-session-id`.
            #[schema(required = false, max_length = 256)]
            session_id: String,
            /// Every other field that the provider accepts, passed on unchanged.
            #[serde(flatten)]
            others: BTreeMap<String, Value>,
        }
    };
}
pub(in crate::api::openai) use request_schema;
