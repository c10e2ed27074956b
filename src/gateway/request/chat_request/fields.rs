//! The fields that a provider finds in a request.

use super::ChatRequest;
use crate::gateway::request::json_object::RawObject;

impl ChatRequest {
    /// Calls `each` with the name and the value of each field, also of those in `extra_body`, where some proxies take them.
    pub fn each_field(&self, mut each: impl FnMut(&str, &[u8])) {
        for part in &self.parts {
            let value = self.value(part);
            each(&part.name, value);
            if part.name == "extra_body"
                && let Ok(inner) = RawObject::parse(value)
            {
                inner.0.iter().for_each(|member| each(&member.name, member.value.bytes()));
            }
        }
    }
}
