//! How servers differ that speak Chat Completions (`protocols/openai-chat.md`, section 4).

/// A server's own way of telling an answer. What is judged of a request is the same for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flavour {
    /// How calls are told.
    pub calls: Calls,
    /// Where thoughts stand.
    pub reasoning: Reasoning,
    /// Where the counts of tokens stand.
    pub usage: UsageForm,
    /// Whether `[DONE]` ends a stream.
    pub done: bool,
    /// Whether fields that are null are told.
    pub nulls: bool,
    /// Whether `finish_reason` is `stop` although there are calls.
    pub stops_with_calls: bool,
    /// Whether `finish_reason` comes with the last piece instead of in a chunk of its own.
    pub finishes_with_content: bool,
    /// Whether chunks are padded (`obfuscation`).
    pub padded: bool,
    /// Whether comments stand between the chunks.
    pub comments: bool,
    /// How a failure in the middle is told.
    pub failure: Failure,
    /// How `error.code` is told.
    pub codes: Codes,
}

/// How calls are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calls {
    /// Id and name first, then the arguments in pieces.
    Pieces,
    /// The same, and each piece repeats the type.
    PiecesWithType,
    /// The same, and each piece has an empty name, and no id ever comes.
    PiecesWithoutId,
    /// The same, and indexes begin at 1.
    PiecesFromOne,
    /// Each in one chunk.
    Whole,
    /// Each in one chunk, all with index 0.
    WholeAtZero,
    /// Each in one chunk, without an index, its arguments an object.
    WholeObjects,
    /// In pieces, and at last the arguments once more as a whole.
    Repeated,
}

/// Where thoughts stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reasoning {
    /// `reasoning_content`.
    ReasoningContent,
    /// `reasoning`.
    Reasoning,
    /// In both, the same.
    Both,
    /// Nowhere: they are kept from the client.
    Hidden,
}

/// Where the counts of tokens stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageForm {
    /// In a chunk of their own without choices, where the client asked for it.
    OwnChunk,
    /// The same, with one empty choice.
    OwnChunkWithChoice,
    /// In every chunk, growing, where the client asked for it.
    EveryChunk,
    /// In the chunk with `finish_reason`, asked for or not.
    LastChunk,
    /// Nowhere.
    Never,
}

/// How a failure in the middle is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// A chunk that is an error.
    Chunk,
    /// The same, and then `[DONE]`.
    ChunkAndDone,
    /// A chunk with an error beside an empty choice that ends with `error`.
    ChunkWithChoice,
    /// A field `error:` of the stream.
    Field,
    /// A chunk `{"object": "error", ...}`.
    Object,
    /// Not at all: the stream ends.
    Nothing,
}

/// How `error.code` is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codes {
    /// A word, or null.
    Words,
    /// The status, as a number.
    Numbers,
    /// The status, as a text.
    NumbersAsText,
}

impl Default for Flavour {
    fn default() -> Self {
        Self::OPENAI
    }
}

impl Flavour {
    /// The vendor's own service, except that it tells thoughts: a script's are to be seen.
    pub const OPENAI: Self = Self {
        calls: Calls::Pieces,
        reasoning: Reasoning::ReasoningContent,
        usage: UsageForm::OwnChunk,
        done: true,
        nulls: true,
        stops_with_calls: false,
        finishes_with_content: false,
        padded: true,
        comments: false,
        failure: Failure::Chunk,
        codes: Codes::Words,
    };
    /// Ollama.
    pub const OLLAMA: Self = Self {
        calls: Calls::WholeAtZero,
        reasoning: Reasoning::Reasoning,
        stops_with_calls: true,
        failure: Failure::Nothing,
        ..Self::LOCAL
    };
    /// vLLM.
    pub const VLLM: Self = Self {
        calls: Calls::Repeated,
        reasoning: Reasoning::Both,
        usage: UsageForm::EveryChunk,
        finishes_with_content: true,
        failure: Failure::ChunkAndDone,
        codes: Codes::Numbers,
        ..Self::LOCAL
    };
    /// An older vLLM.
    pub const OLD_VLLM: Self = Self { failure: Failure::Object, ..Self::VLLM };
    /// llama.cpp.
    pub const LLAMA_CPP: Self =
        Self { usage: UsageForm::LastChunk, failure: Failure::Field, codes: Codes::Numbers, ..Self::LOCAL };
    /// LM Studio.
    pub const LM_STUDIO: Self = Self { calls: Calls::PiecesWithoutId, ..Self::LOCAL };
    /// OpenRouter.
    pub const OPEN_ROUTER: Self = Self {
        reasoning: Reasoning::Reasoning,
        usage: UsageForm::LastChunk,
        comments: true,
        failure: Failure::ChunkWithChoice,
        codes: Codes::Numbers,
        ..Self::LOCAL
    };
    /// The proxy of litellm.
    pub const LITELLM: Self = Self {
        calls: Calls::PiecesWithType,
        usage: UsageForm::OwnChunkWithChoice,
        nulls: false,
        codes: Codes::NumbersAsText,
        ..Self::LOCAL
    };
    /// Gemini's compatible endpoint.
    pub const GEMINI: Self = Self { calls: Calls::Whole, stops_with_calls: true, ..Self::LOCAL };
    /// What no server of these does, and some bridge between them may.
    pub const ODD: Self = Self {
        calls: Calls::WholeObjects,
        reasoning: Reasoning::Hidden,
        usage: UsageForm::Never,
        done: false,
        nulls: false,
        ..Self::LOCAL
    };
    /// What another bridge may.
    pub const FROM_ONE: Self = Self { calls: Calls::PiecesFromOne, done: false, ..Self::LOCAL };

    /// What servers of one's own have in common.
    const LOCAL: Self = Self { padded: false, ..Self::OPENAI };

    /// Every one, with the name that the program `mock-messages` knows it by.
    pub const ALL: [(&str, Self); 11] = [
        ("openai", Self::OPENAI),
        ("ollama", Self::OLLAMA),
        ("vllm", Self::VLLM),
        ("old-vllm", Self::OLD_VLLM),
        ("llama-cpp", Self::LLAMA_CPP),
        ("lm-studio", Self::LM_STUDIO),
        ("open-router", Self::OPEN_ROUTER),
        ("litellm", Self::LITELLM),
        ("gemini", Self::GEMINI),
        ("odd", Self::ODD),
        ("from-one", Self::FROM_ONE),
    ];
}
