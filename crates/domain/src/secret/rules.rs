//! The forms by which credentials are known, each with its source.
//!
//! Not here, because nothing in their form tells them from other texts: passwords, tokens without a vendor's prefix
//! (Azure, Discord, Telegram, most JSON API keys), anything encoded. Keys of vendors' documentation
//! (`AKIAIOSFODNN7EXAMPLE`) are known like real ones: their form is the same, and to take one for real costs little.

use super::{
    filter::Filter,
    pem, place,
    scan::{Finder, Has, Text, Verdict},
    token::{self, LOWER, Length, Token, UPPER, is_alnum, is_base64url, is_upper_or_digit, is_word},
};

/// What a credential is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecretKind {
    /// A value that the redactor was given.
    Known,
    /// `AKIA…`, `ASIA…`: docs.aws.amazon.com/IAM, "Unique identifiers".
    AwsAccessKeyId,
    /// 40 characters after a name like `aws_secret_access_key`: docs.aws.amazon.com/cli, "Configuration settings".
    AwsSecretKey,
    /// `ghp_ gho_ ghu_ ghs_ ghr_ github_pat_`: docs.github.com, "About authentication: token formats".
    GithubToken,
    /// `glpat-`: docs.gitlab.com, "Token overview: token prefixes".
    GitlabToken,
    /// `sk-ant-`: keys of platform.claude.com.
    AnthropicKey,
    /// `sk-`, `sk-proj-`, `sk-svcacct-`, `sk-admin-`: keys of platform.openai.com; `sk-or-v1-`: of openrouter.ai.
    OpenaiKey,
    /// `xoxa- xoxb- xoxe- xoxp- xoxr- xoxs-`, `xapp-`: docs.slack.dev, "Tokens".
    SlackToken,
    /// `sk_live_ rk_live_`: docs.stripe.com/keys.
    StripeKey,
    /// `AIza`: cloud.google.com, "API keys overview".
    GoogleApiKey,
    /// `npm_`: docs.npmjs.com, "About access tokens".
    NpmToken,
    /// `pypi-AgEIcHlwaS5vcmc`: docs.pypi.org, "API tokens" (a macaroon for `pypi.org`).
    PypiToken,
    /// `hf_`: huggingface.co/docs, "User access tokens".
    HuggingFaceToken,
    /// A signed JSON token: RFC 7519, compact form; header and payload are JSON objects.
    Jwt,
    /// A private key between its markers: RFC 7468, RFC 9580 section 6.2, OpenSSH's PROTOCOL.key.
    PrivateKey,
    /// The user and password of a URL: RFC 3986 section 3.2.1.
    UrlCredentials,
}

impl SecretKind {
    /// Its name: what stands in a redacted text, and in what people read of a find.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.placeholder().trim_start_matches("[redacted:").trim_end_matches(']')
    }

    /// What takes its place in a redacted text.
    #[must_use]
    pub const fn placeholder(self) -> &'static str {
        match self {
            Self::Known => "[redacted:secret]",
            Self::AwsAccessKeyId => "[redacted:aws-access-key-id]",
            Self::AwsSecretKey => "[redacted:aws-secret-key]",
            Self::GithubToken => "[redacted:github-token]",
            Self::GitlabToken => "[redacted:gitlab-token]",
            Self::AnthropicKey => "[redacted:anthropic-key]",
            Self::OpenaiKey => "[redacted:openai-key]",
            Self::SlackToken => "[redacted:slack-token]",
            Self::StripeKey => "[redacted:stripe-key]",
            Self::GoogleApiKey => "[redacted:google-api-key]",
            Self::NpmToken => "[redacted:npm-token]",
            Self::PypiToken => "[redacted:pypi-token]",
            Self::HuggingFaceToken => "[redacted:hugging-face-token]",
            Self::Jwt => "[redacted:jwt]",
            Self::PrivateKey => "[redacted:private-key]",
            Self::UrlCredentials => "[redacted:url-credentials]",
        }
    }

    /// Every kind.
    pub const ALL: [Self; 16] = [
        Self::Known,
        Self::AwsAccessKeyId,
        Self::AwsSecretKey,
        Self::GithubToken,
        Self::GitlabToken,
        Self::AnthropicKey,
        Self::OpenaiKey,
        Self::SlackToken,
        Self::StripeKey,
        Self::GoogleApiKey,
        Self::NpmToken,
        Self::PypiToken,
        Self::HuggingFaceToken,
        Self::Jwt,
        Self::PrivateKey,
        Self::UrlCredentials,
    ];
}

/// How what stands at a word is read.
enum Shape {
    Token(Token),
    Jwt,
    PrivateKey,
    AwsSecretKey,
    UrlCredentials,
}

const fn token(
    kind: SecretKind,
    prefix: &'static str,
    class: fn(u8) -> bool,
    length: Length,
    needs: u8,
) -> (&'static str, Shape) {
    (prefix, Shape::Token(Token { kind, prefix, class, length, needs }))
}

use Length::{AtLeast, Exactly};
use SecretKind as K;
use token::DIGIT;

/// The word that a secret begins with, or that introduces it, and how to read on.
static RULES: [(&str, Shape); 39] = [
    token(K::AwsAccessKeyId, "AKIA", is_upper_or_digit, Exactly(16), 0),
    token(K::AwsAccessKeyId, "ASIA", is_upper_or_digit, Exactly(16), 0),
    token(K::GithubToken, "ghp_", is_word, AtLeast(36), 0),
    token(K::GithubToken, "gho_", is_word, AtLeast(36), 0),
    token(K::GithubToken, "ghu_", is_word, AtLeast(36), 0),
    token(K::GithubToken, "ghs_", is_word, AtLeast(36), 0),
    token(K::GithubToken, "ghr_", is_word, AtLeast(36), 0),
    token(K::GithubToken, "github_pat_", is_word, AtLeast(36), 0),
    token(K::GitlabToken, "glpat-", is_base64url, AtLeast(20), 0),
    token(K::AnthropicKey, "sk-ant-", is_base64url, AtLeast(20), DIGIT),
    token(K::OpenaiKey, "sk-proj-", is_base64url, AtLeast(20), DIGIT),
    token(K::OpenaiKey, "sk-svcacct-", is_base64url, AtLeast(20), DIGIT),
    token(K::OpenaiKey, "sk-admin-", is_base64url, AtLeast(20), DIGIT),
    token(K::OpenaiKey, "sk-or-v1-", is_base64url, AtLeast(20), DIGIT),
    // Older keys have no more than three letters before; names of files with a hash have no capitals in it.
    token(K::OpenaiKey, "sk-", is_alnum, AtLeast(20), UPPER | LOWER | DIGIT),
    token(K::SlackToken, "xoxa-", is_base64url, AtLeast(10), DIGIT),
    token(K::SlackToken, "xoxb-", is_base64url, AtLeast(10), DIGIT),
    token(K::SlackToken, "xoxe-", is_base64url, AtLeast(10), DIGIT),
    token(K::SlackToken, "xoxp-", is_base64url, AtLeast(10), DIGIT),
    token(K::SlackToken, "xoxr-", is_base64url, AtLeast(10), DIGIT),
    token(K::SlackToken, "xoxs-", is_base64url, AtLeast(10), DIGIT),
    token(K::SlackToken, "xapp-", is_base64url, AtLeast(20), DIGIT),
    token(K::StripeKey, "sk_live_", is_alnum, AtLeast(16), 0),
    token(K::StripeKey, "rk_live_", is_alnum, AtLeast(16), 0),
    token(K::GoogleApiKey, "AIza", is_base64url, Exactly(35), 0),
    token(K::NpmToken, "npm_", is_alnum, AtLeast(36), 0),
    token(K::PypiToken, "pypi-AgEIcHlwaS5vcmc", is_base64url, AtLeast(32), 0),
    token(K::HuggingFaceToken, "hf_", is_alnum, AtLeast(34), UPPER | LOWER),
    ("eyJ", Shape::Jwt),
    ("-----BEGIN ", Shape::PrivateKey),
    ("secret_access_key", Shape::AwsSecretKey),
    ("SECRET_ACCESS_KEY", Shape::AwsSecretKey),
    ("secretAccessKey", Shape::AwsSecretKey),
    ("SecretAccessKey", Shape::AwsSecretKey),
    ("aws_secret_key", Shape::AwsSecretKey),
    ("AWS_SECRET_KEY", Shape::AwsSecretKey),
    ("awsSecretKey", Shape::AwsSecretKey),
    ("AwsSecretKey", Shape::AwsSecretKey),
    ("://", Shape::UrlCredentials),
];

static FILTER: Filter = filter();

const fn filter() -> Filter {
    let mut filter = Filter::new();
    let mut rules: &[(&str, Shape)] = &RULES;
    while let [(word, _), rest @ ..] = rules {
        filter.add(word.as_bytes());
        rules = rest;
    }
    filter
}

/// All of the rules.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules;

impl Finder for Rules {
    fn filter(&self) -> &Filter {
        &FILTER
    }

    fn at(&self, text: Text<'_>, at: usize, before: &[u8]) -> Verdict {
        let first = text.from(at).first();
        let mut best = Verdict::Nothing;
        for (word, shape) in RULES.iter().filter(|(word, _)| word.as_bytes().first() == first) {
            let verdict = match text.has(at, word.as_bytes()) {
                Has::No => continue,
                Has::Open => Verdict::Open,
                Has::Yes => shape.read(text, at, word.len(), before),
            };
            best = match (best, verdict) {
                (Verdict::Open, _) | (_, Verdict::Open) => return Verdict::Open,
                (Verdict::Secret(one), Verdict::Secret(other)) if other.range.end <= one.range.end => {
                    Verdict::Secret(one)
                }
                (_, Verdict::Secret(find)) => Verdict::Secret(find),
                (best, Verdict::Nothing) => best,
            };
        }
        best
    }
}

impl Shape {
    /// What follows a word of `length` bytes at `at`.
    fn read(&self, text: Text<'_>, at: usize, length: usize, before: &[u8]) -> Verdict {
        match self {
            Self::Token(token) => token.read(text, at, before),
            Self::Jwt => token::read_jwt(text, at, before),
            Self::PrivateKey => pem::read(text, at),
            Self::AwsSecretKey => place::read_aws_secret_key(text, at + length),
            Self::UrlCredentials => place::read_url_credentials(text, at + length),
        }
    }
}
