//! Messages at an address of their model, as Google's Vertex AI serves them.
//!
//! The body has no `model`, and the version of the API is a field of it instead of a header. The platform refuses names of
//! beta features that it does not know (HTTP 400 "Unexpected value(s) `x` for the `anthropic-beta` header"), so only those
//! pass that it is known to accept.

/// How a platform serves messages at addresses of their models.
#[derive(Debug, PartialEq, Eq)]
pub struct RawPredict {
    /// The end of the address that counts tokens. The body of a count names the model.
    pub count: &'static str,
    /// The name and the value of the field that says the version of the API.
    pub version: (&'static str, &'static str),
    /// Fields of beta features that the platform lacks. They are left out with the name of their feature.
    pub lacks: &'static [&'static str],
    /// The known beta features.
    betas: &'static [Beta],
}

/// A beta feature that a platform has.
#[derive(Debug, PartialEq, Eq)]
struct Beta {
    /// Anthropic's name of the feature.
    name: &'static str,
    /// The platform's own name.
    own: &'static str,
    /// Whether a count of tokens accepts it, too.
    counts: bool,
}

const fn beta(name: &'static str) -> Beta {
    Beta { name, own: name, counts: false }
}

/// Vertex AI. What it accepts and refuses is from reports of agents and gateways: R anthropics/claude-code#10446, #11154,
/// #12429, #21625, #34802, anthropics/claude-agent-sdk-typescript#307, vercel/ai#10981, Wei-Shaw/sub2api#3358, and
/// BerriAI/litellm#31607 (`context-1m-2025-08-07`). The others are those that litellm passes on.
pub static VERTEX: RawPredict = RawPredict {
    count: "count-tokens:rawPredict",
    version: ("anthropic_version", "vertex-2023-10-16"),
    lacks: &["diagnostics", "fallback_credit_token", "speed"],
    betas: &[
        Beta { name: "advanced-tool-use-2025-11-20", own: "tool-search-tool-2025-10-19", counts: false },
        Beta { counts: true, ..beta("claude-code-20250219") },
        beta("compact-2026-01-12"),
        beta("compact-2026-09-04"),
        beta("computer-use-2025-01-24"),
        beta("computer-use-2025-11-24"),
        Beta { counts: true, ..beta("context-management-2025-06-27") },
        beta("dangerous-tool-use-2026-09-03"),
        Beta { counts: true, ..beta("interleaved-thinking-2025-05-14") },
        beta("per-turn-control-2026-07-01"),
        beta("thinking-binding-controls-2026-08-01"),
        beta("thinking-display-updates-2026-08-18"),
        beta("tool-search-tool-2025-10-19"),
        beta("web-search-2025-03-05"),
    ],
};

/// The beta features of one call.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Betas {
    /// The platform's names, separated by commas. Empty if no feature is left.
    pub kept: String,
    /// Whether a feature was left out.
    pub left_out: bool,
    /// Whether a feature has another name.
    pub renamed: bool,
}

impl RawPredict {
    /// Which of the features in the value of `anthropic-beta` are sent. `counts` says that tokens are to be counted.
    #[must_use]
    pub fn betas(&self, asked: &str, counts: bool) -> Betas {
        let mut betas = Betas::default();
        for name in asked.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let known = self.betas.iter().find(|beta| beta.name == name && (beta.counts || !counts));
            let Some(Beta { own, .. }) = known else {
                betas.left_out = true;
                continue;
            };
            betas.renamed |= *own != name;
            if betas.kept.split(',').any(|kept| kept == *own) {
                continue;
            }
            if !betas.kept.is_empty() {
                betas.kept.push(',');
            }
            betas.kept.push_str(own);
        }
        betas
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_features_pass_each_once() {
        let betas = |asked: &str, counts| {
            let Betas { kept, left_out, renamed } = VERTEX.betas(asked, counts);
            (kept, left_out, renamed)
        };
        let code = "claude-code-20250219";
        assert_eq!(betas("", false), (String::new(), false, false));
        assert_eq!(betas(code, false), (code.to_owned(), false, false));
        assert_eq!(betas(&format!("{code}, effort-2025-11-24"), false), (code.to_owned(), true, false));
        assert_eq!(betas("of-next-year", false), (String::new(), true, false));
        let tools = "tool-search-tool-2025-10-19".to_owned();
        assert_eq!(betas("advanced-tool-use-2025-11-20", false), (tools.clone(), false, true));
        assert_eq!(betas(&format!("{tools},advanced-tool-use-2025-11-20"), false), (tools, false, true));
        assert_eq!(betas(&format!("web-search-2025-03-05,{code}"), true), (code.to_owned(), true, false));
    }
}
