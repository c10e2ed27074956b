//! The names of AWS's exceptions, which are in a header or in the member `__type` of a body.

use http::HeaderMap;

/// The name of an exception, without the namespace that may come before it and the URL that may follow it.
pub(super) fn exception(text: &str) -> &str {
    let name = text.split_once(':').map_or(text, |(name, _)| name);
    name.rsplit_once('#').map_or(name, |(_, name)| name)
}

/// The name of the exception in the headers of a response.
pub(super) fn error_type(headers: &HeaderMap) -> Option<&str> {
    Some(exception(headers.get("x-amzn-errortype")?.to_str().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_and_a_url_are_no_part_of_a_name() {
        for text in [
            "ThrottlingException",
            "com.amazon.coral.availability#ThrottlingException",
            "ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/#x",
            "com.amazon.bedrock#ThrottlingException:http://internal.amazon.com/",
        ] {
            assert_eq!(exception(text), "ThrottlingException", "{text}");
        }
    }
}
