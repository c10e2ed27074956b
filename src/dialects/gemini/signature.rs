//! Gemini's signatures of calls, which a caller sends back with the call.
//!
//! A signature is valid only at the endpoint that made it: one of AI Studio is refused by Vertex AI. So callers get it with a mark
//! that says where it is from. Both are base64, and so is what they make together.

/// The beginning of every mark: the name of the gateway in base64.
pub const MARK: &str = "ZmFpbHNvZnQ6";

/// The endpoint that made a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signer {
    /// Google's AI Studio.
    Studio,
    /// Google's Vertex AI.
    Vertex,
}

impl Signer {
    /// Every endpoint with signatures of its own.
    const ALL: [Self; 2] = [Self::Studio, Self::Vertex];

    const fn word(self) -> &'static str {
        match self {
            Self::Studio => "c3R1ZGlv",
            Self::Vertex => "dmVydGV4",
        }
    }

    /// A signature of this endpoint with its mark.
    #[must_use]
    pub fn marked(self, signature: &str) -> String {
        [MARK, self.word(), signature].concat()
    }
}

/// The signature in a marked one, and the endpoint that made it. `None` if it has no mark.
#[must_use]
pub fn read(marked: &str) -> Option<(Signer, &str)> {
    let rest = marked.strip_prefix(MARK)?;
    Signer::ALL.into_iter().find_map(|signer| Some((signer, rest.strip_prefix(signer.word())?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_says_where_it_is_from() {
        for signer in Signer::ALL {
            assert_eq!(read(&signer.marked("c2ln")), Some((signer, "c2ln")));
        }
        for other in ["", "c2ln", MARK, "ZmFpbHNvZnQ=", "ZmFpbHNvZnQ6b3RoZXI="] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
