//! The fields that a provider finds in a request.

use super::ChatRequest;
use crate::gateway::request::json_object::RawObject;

impl ChatRequest {
    /// Calls `each` with the name and the value of each field, also of those in `extra_body`, where some proxies take them.
    pub fn each_field(&self, mut each: impl FnMut(&str, &[u8])) {
        self.parts.iter().for_each(|part| each_in(&part.name, self.value(part), &mut each));
    }
}

/// Calls `each` with a field of a body, and with those in it if it is `extra_body`.
pub fn each_in(name: &str, value: &[u8], each: &mut impl FnMut(&str, &[u8])) {
    each(name, value);
    if name == "extra_body"
        && let Ok(inner) = RawObject::parse(value)
    {
        inner.0.iter().for_each(|member| each(&member.name, member.value.bytes()));
    }
}
