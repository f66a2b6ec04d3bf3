//! Every failure, problem and notice of the library, in both languages.

use std::{io, path::PathBuf, sync::Arc};

use better_llm::{
    Fault, InvalidEndpoint, InvalidScript, LockError, Notice, OpenError, Problem, ProviderError,
    SandboxError, SessionError, Source, Spot, StartError, TrustChange, TrustChangeKind, UnpricedModel,
    VariableRule, Widening, WorktreeError,
};
use domain::{
    agent::AgentName,
    id::{SessionId, Ulid},
    ports::JournalError,
};

use super::check_golden;
use crate::{
    render::{
        start::{StartFailure, start_failure_text},
        style::Style,
    },
    words::{Language, NoticeCode},
};

const FILE: &str = "/작업/설정.json";

fn missing() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "no such file")
}

fn session(number: u128) -> SessionId {
    SessionId::new(Ulid::from_parts(1_700_000_000_000, number))
}

/// One of every variant. A variant that is missing here does not compile in [`crate::words::failures`].
fn start_errors() -> Vec<StartError> {
    let path = || PathBuf::from("/작업");
    let script = serde_json::from_str::<u32>("x").unwrap_err();
    let sandbox = |error| StartError::Sandbox(Arc::new(error));
    vec![
        StartError::Workspace { path: path(), source: missing() },
        ProviderError::NoCredentials.into(),
        ProviderError::KeyMissing { provider: "anthropic", variable: "ANTHROPIC_API_KEY" }.into(),
        ProviderError::LaterCredential { variable: "CLAUDE_CODE_OAUTH_TOKEN", provider: "claude-code" }
            .into(),
        ProviderError::Later("replay:FILE".to_owned()).into(),
        ProviderError::Unknown { name: "antropic".to_owned(), nearest: Some("anthropic".to_owned()) }.into(),
        InvalidEndpoint::BaseUrl {
            text: "ftp://x".to_owned(),
            problem: "`ftp` is not http or https".to_owned(),
            example: "https://api.example.com",
        }
        .into(),
        InvalidEndpoint::ApiKey { provider: "anthropic" }.into(),
        InvalidEndpoint::Proxy {
            variable: "HTTPS_PROXY",
            problem: "`socks5` is not http or https".to_owned(),
        }
        .into(),
        StartError::ScriptFile { path: FILE.into(), source: missing() },
        InvalidScript { name: FILE.to_owned(), path: "agents.coder".to_owned(), source: script }.into(),
        StartError::Unpriced {
            models: vec![
                UnpricedModel { model: "모델.1".to_owned(), agents: vec![AgentName::manager()] },
                UnpricedModel {
                    model: "gpt".to_owned(),
                    agents: ["coder", "tester"].map(|name| AgentName::parse(name).unwrap()).to_vec(),
                },
            ],
        },
        SessionError::Unknown { given: "01J9ZQ".to_owned() }.into(),
        SessionError::Ambiguous { given: "01J9ZQ".to_owned(), candidates: vec![session(2), session(1)] }
            .into(),
        SessionError::NoneHere { workspace: path() }.into(),
        SessionError::OtherWorkspace { session: session(1), cwd: "/집/가계부".to_owned() }.into(),
        SessionError::AtWork { session: session(1), pid: Some(4711) }.into(),
        SessionError::AtWork { session: session(1), pid: None }.into(),
        SessionError::Lock {
            session: session(1),
            source: LockError::File { doing: "make", place: path(), source: missing() },
        }
        .into(),
        SessionError::Journal(JournalError::Store {
            doing: "read",
            place: "/집/better-llm.db".to_owned(),
            source: "file is not a database".into(),
        })
        .into(),
        WorktreeError::NoRepository(path()).into(),
        WorktreeError::Bare(path()).into(),
        WorktreeError::Unusable("this repository takes objects from /x".to_owned()).into(),
        WorktreeError::NoCommit(path()).into(),
        WorktreeError::Inside(path()).into(),
        WorktreeError::NoGit.into(),
        WorktreeError::BranchInTheWay("better-llm/1".to_owned()).into(),
        WorktreeError::BranchTaken { branch: "better-llm/1".to_owned(), at: path() }.into(),
        WorktreeError::Subfolder(path()).into(),
        WorktreeError::Broken(path()).into(),
        WorktreeError::Git { doing: "make the worktree", source: "`git worktree` failed".into() }.into(),
        WorktreeError::File { doing: "write", place: path(), source: missing() }.into(),
        StartError::NoWorktree { session: session(1), cwd: "/작업".to_owned() },
        sandbox(SandboxError::NothingWorks {
            strict: "there is no `bwrap`".to_owned(),
            kernel: "this kernel has no Landlock".to_owned(),
        }),
        sandbox(SandboxError::Unavailable { level: "kernel", source: "this kernel has no Landlock".into() }),
        sandbox(SandboxError::Folder { path: path(), source: missing() }),
        sandbox(SandboxError::Note { path: path(), source: missing() }),
        sandbox(SandboxError::PassedCredential("OPENAI_API_KEY".into())),
        sandbox(SandboxError::HostsNeedStrict { why: String::new() }),
        sandbox(SandboxError::NoShell),
        OpenError { root: path(), source: missing() }.into(),
        StartError::Demo { path: path(), source: "git is not there".into() },
    ]
}

#[test]
fn every_failure_before_a_round_says_what_where_and_what_to_do() {
    let said = |language| {
        let errors = start_errors();
        let texts = errors.iter().map(|error| {
            let plain = Style { colour: false, columns: 80 };
            start_failure_text(&StartFailure::from(error), language, plain).as_str().to_owned()
        });
        texts.collect::<String>()
    };
    check_golden(said, include_str!("../golden/failures.en.txt"), include_str!("../golden/failures.ko.txt"));
    for error in start_errors() {
        assert_ne!(Language::English.start_error(&error), Language::Korean.start_error(&error));
        let korean = Language::Korean.start_hint(&error).unwrap_or_default();
        assert!(!korean.is_empty(), "{error}");
    }
}

fn problems() -> Vec<Problem> {
    let spot =
        |path: &str| Spot::File { file: FILE.into(), line: Some(3), column: Some(5), path: path.to_owned() };
    let at = |path, fault| Problem { spot: spot(path), fault };
    let meant = |name: &str| Some(name.to_owned());
    let whole = Spot::File { file: FILE.into(), line: None, column: None, path: String::new() };
    vec![
        Problem { spot: whole, fault: Fault::Missing },
        at("", Fault::Unreadable { source: Arc::new(missing()) }),
        at("", Fault::NoFile),
        at("", Fault::TooLarge { limit: 1024 }),
        Problem { spot: Spot::Variable("LOG_DIR".to_owned()), fault: Fault::NotText },
        at("", Fault::Syntax { what: "trailing comma".to_owned() }),
        at("verify", Fault::Repeated),
        at("max_turn", Fault::UnknownKey { nearest: meant("max_turns") }),
        at("없는 키", Fault::UnknownKey { nearest: None }),
        at("repl", Fault::Later { feature: "the REPL" }),
        at("agents[0]", Fault::MissingKey { key: "tools".to_owned(), expected: "a list".to_owned() }),
        Problem {
            spot: Spot::Flag("--max-turns"),
            fault: Fault::WrongValue {
                expected: "a whole number of at least 1".to_owned(),
                found: "0".to_owned(),
            },
        },
        at(
            "agents[0].tools[1]",
            Fault::UnknownName { what: "tool".to_owned(), name: "raed".to_owned(), nearest: meant("read") },
        ),
        Problem {
            spot: Spot::BuiltIn("coder".to_owned()),
            fault: Fault::Rule("is an empty prompt".to_owned()),
        },
    ]
}

#[test]
fn every_problem_of_a_configuration_is_said_in_both_languages() {
    let said = |language: Language| {
        problems().iter().map(|problem| format!("{}\n", language.problem(problem))).collect::<String>()
    };
    check_golden(said, include_str!("../golden/problems.en.txt"), include_str!("../golden/problems.ko.txt"));
    for problem in problems() {
        check_pair_of_lines(&problem);
    }
}

fn check_pair_of_lines(problem: &Problem) {
    let (english, korean) = (Language::English.problem(problem), Language::Korean.problem(problem));
    assert_ne!(english, korean);
    assert_eq!(problem.to_string(), english);
}

#[test]
fn every_notice_of_a_configuration_is_said_in_both_languages() {
    use Widening::*;
    let widenings = [
        Limit,
        PermissionMode,
        Sandbox,
        Commands,
        Endpoint,
        Taste,
        Tools,
        NewAgent,
        Model,
        Kind,
        PromptOutside,
        Rules,
        Network,
        Folders,
        PassEnv,
        Reviews,
        Retries,
        Prices,
    ];
    let rules = [VariableRule::NeedsTrust, VariableRule::Tracked, VariableRule::EnvironmentOnly];
    let mut notices: Vec<Notice> = vec![
        Notice::NoSuchWorker { variable: "WORKER_TIMEOUT_X".to_owned() },
        Notice::RelativeRoot { variable: "XDG_DATA_HOME" },
        Notice::NotRead { file: "/작업/.env".into() },
        Notice::LeadsOut { file: "/작업/.env".into() },
        Notice::TrustChanged {
            changes: [TrustChangeKind::Added, TrustChangeKind::Changed, TrustChangeKind::Removed]
                .map(|kind| TrustChange { path: "prompts/coder.txt".to_owned(), kind })
                .to_vec(),
        },
    ];
    notices.extend(rules.map(|reason| Notice::VariableIgnored {
        file: "/작업/.env".into(),
        line: 2,
        name: "OPENAI_BASE_URL".to_owned(),
        reason,
    }));
    notices.extend(widenings.map(|widening| Notice::NotTrusted {
        file: FILE.into(),
        path: "a.b".to_owned(),
        widening,
    }));
    assert!(notices.iter().all(|notice| NoticeCode::parse(notice.code()).is_some()));
    let said = |language: Language| {
        notices.iter().map(|notice| format!("{}\n", language.config_notice(notice))).collect::<String>()
    };
    check_golden(said, include_str!("../golden/notices.en.txt"), include_str!("../golden/notices.ko.txt"));
}

#[test]
fn every_source_of_a_value_is_said_in_both_languages() {
    let file = || PathBuf::from(FILE);
    let check = |source: Source, english: &str, korean: &str| {
        let found = Language::ALL.map(|language| language.source(&source));
        assert_eq!(found, [english, korean]);
    };
    check(Source::Default, "default", "기본값");
    check(Source::Flag("--lang"), "--lang", "--lang");
    check(Source::Environment("LANG".to_owned()), "environment LANG", "환경 변수 LANG");
    check(Source::File(file()), FILE, FILE);
    let dot_env = Source::DotEnv { file: file(), line: 3, name: "LOG_LEVEL".to_owned() };
    check(dot_env, "/작업/설정.json:3 LOG_LEVEL", "/작업/설정.json:3 LOG_LEVEL");
}
