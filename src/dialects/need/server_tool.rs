//! The tools that providers run or define themselves.

/// A tool that a provider runs or defines itself, or content that only its servers know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerTool {
    /// A search of the web.
    WebSearch,
    /// The same, as chat completions ask for it.
    SearchOptions,
    /// The reading of pages of the web.
    WebFetch,
    /// A search of files that the provider stores.
    FileSearch,
    /// Code that the provider runs.
    CodeExecution,
    /// The use of a computer by its screen.
    ComputerUse,
    /// Images that the provider makes.
    ImageGeneration,
    /// Servers of tools that the provider calls.
    Mcp,
    /// A shell as the provider defines it.
    Shell,
    /// An editor of files as the provider defines it.
    Editor,
    /// A memory as the provider defines it.
    Memory,
    /// A type of tool that is not known here.
    Unknown,
    /// Content in place of a tool.
    Content,
}

/// The beginnings of the types of tools, which have dates and further words.
const TYPES: [(&str, ServerTool); 15] = [
    ("apply_patch", ServerTool::Editor),
    ("bash", ServerTool::Shell),
    ("code_execution", ServerTool::CodeExecution),
    ("code_interpreter", ServerTool::CodeExecution),
    ("computer", ServerTool::ComputerUse),
    ("file_search", ServerTool::FileSearch),
    ("image_generation", ServerTool::ImageGeneration),
    ("local_shell", ServerTool::Shell),
    ("mcp", ServerTool::Mcp),
    ("memory", ServerTool::Memory),
    ("shell", ServerTool::Shell),
    ("str_replace", ServerTool::Editor),
    ("text_editor", ServerTool::Editor),
    ("web_fetch", ServerTool::WebFetch),
    ("web_search", ServerTool::WebSearch),
];

impl ServerTool {
    /// The tool of this type, or of a call of it.
    #[must_use]
    pub fn of(kind: &str) -> Self {
        TYPES
            .iter()
            .find(|(beginning, _)| kind.starts_with(beginning))
            .map_or(Self::Unknown, |(_, tool)| *tool)
    }

    /// What a provider lacks that does not have it.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::WebSearch => "no web search of its own",
            Self::SearchOptions => "no web search of its own ('web_search_options')",
            Self::WebFetch => "no tool of its own that reads web pages",
            Self::FileSearch => "no file search of its own",
            Self::CodeExecution => "no code execution of its own",
            Self::ComputerUse => "no computer use of its own",
            Self::ImageGeneration => "no image generation of its own",
            Self::Mcp => "no MCP servers that it calls",
            Self::Shell => "no shell of its own",
            Self::Editor => "no editor of its own",
            Self::Memory => "no memory of its own",
            Self::Unknown => "no tool of this type",
            Self::Content => "no content of this type",
        }
    }

    /// The field of a request that asks for it.
    pub(super) const fn param(self) -> &'static str {
        match self {
            Self::SearchOptions => "web_search_options",
            Self::Content => "model",
            Self::WebSearch
            | Self::WebFetch
            | Self::FileSearch
            | Self::CodeExecution
            | Self::ComputerUse
            | Self::ImageGeneration
            | Self::Mcp
            | Self::Shell
            | Self::Editor
            | Self::Memory
            | Self::Unknown => "tools",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_of_providers_are_known_by_their_types() {
        assert!(TYPES.is_sorted_by_key(|(beginning, _)| *beginning));
        for (kind, tool) in [
            ("web_search", ServerTool::WebSearch),
            ("web_search_20250305", ServerTool::WebSearch),
            ("web_search_preview", ServerTool::WebSearch),
            ("web_fetch_20250910", ServerTool::WebFetch),
            ("file_search_call", ServerTool::FileSearch),
            ("code_interpreter", ServerTool::CodeExecution),
            ("code_execution_20250825", ServerTool::CodeExecution),
            ("computer_use_preview", ServerTool::ComputerUse),
            ("image_generation", ServerTool::ImageGeneration),
            ("mcp_toolset", ServerTool::Mcp),
            ("bash_20250124", ServerTool::Shell),
            ("local_shell_call", ServerTool::Shell),
            ("text_editor_20250728", ServerTool::Editor),
            ("memory_20250818", ServerTool::Memory),
            ("of_next_year", ServerTool::Unknown),
        ] {
            assert_eq!(ServerTool::of(kind), tool, "{kind}");
        }
    }
}
