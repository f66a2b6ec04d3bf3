//! Every code of `notice`, `error` and `limit_reached`, and every denial, in both languages.

use domain::{
    permission::{Leave, PermissionMode, SandboxLevel, SandboxState, leave},
    tool::Access,
};

use super::{check_golden, is_korean};
use crate::words::{CodeWords, ErrorCode, Language, NoticeCode};

fn line(code: &str, words: CodeWords) -> String {
    let line = format!("{code}: {} → {}", words.what.unwrap_or_default(), words.next);
    format!("{}\n", line.trim_end())
}

#[test]
fn every_code_says_what_happened_and_what_to_do() {
    let said = |language: Language| {
        let notices = NoticeCode::ALL.into_iter();
        let notices = notices.map(|code| line(code.as_str(), language.notice_words(code)));
        let errors = ErrorCode::ALL.iter().map(|code| line(code.as_str(), language.error_words(code)));
        notices.chain(errors).collect::<String>()
    };
    check_golden(said, include_str!("../golden/codes.en.txt"), include_str!("../golden/codes.ko.txt"));
}

#[test]
fn codes_are_read_back_and_those_of_other_versions_are_none() {
    for code in NoticeCode::ALL {
        assert_eq!(NoticeCode::parse(code.as_str()), Some(code));
        assert_eq!(ErrorCode::parse(code.as_str()), None);
    }
    for code in ErrorCode::ALL {
        assert_eq!(ErrorCode::parse(code.as_str()), Some(code));
    }
    assert_eq!((NoticeCode::parse("fallback"), ErrorCode::parse("fallback")), (None, None));
}

#[test]
fn every_limit_of_this_version_says_what_sets_it() {
    let limits = [
        "max_turns",
        "max_worker_turns",
        "max_tokens",
        "max_cost_usd",
        "timeout_seconds",
        "max_review_iterations",
        "max_retry_cycles",
        "max_coder_retries",
    ];
    for limit in limits {
        let english = Language::English.limit_words(limit).unwrap();
        let korean = Language::Korean.limit_words(limit).unwrap();
        assert!(!is_korean(english) && is_korean(korean), "{english} {korean}");
        assert!(korean.contains('`') && english.contains('`'), "{limit} names what sets it");
    }
    assert_eq!(Language::Korean.limit_words("max_parallel_workers"), None);
}

/// Contract 6: each cell of the table that says no.
#[test]
fn every_denial_of_the_permission_table_is_said_in_both_languages() {
    let wall = |level, usable| SandboxState { level, reason: "no Landlock here".to_owned(), usable };
    let walls = [
        wall(SandboxLevel::Strict, true),
        wall(SandboxLevel::Kernel, true),
        wall(SandboxLevel::None, true),
        wall(SandboxLevel::None, false),
    ];
    let mut said: Vec<String> = Vec::new();
    for (wall, mode) in walls.iter().flat_map(|wall| PermissionMode::ALL.map(|mode| (wall, mode))) {
        for access in [Access::Edit, Access::Command] {
            // As the engine hands them to the model, for want of somebody to ask.
            let text = match leave(mode, access, wall) {
                Leave::Granted => continue,
                Leave::Denied(text) => format!("denied: {text}"),
                Leave::Ask(rule) => format!(
                    "denied: {rule}, and nobody is there to be asked. Do not try again; go on without it."
                ),
            };
            let english = Language::English.denial(&text, Some(wall));
            let korean = Language::Korean.denial(&text, Some(wall));
            assert!(english.contains("--permission-mode") && !is_korean(&english), "{english}");
            assert!(is_korean(&korean) && korean.contains("--permission-mode"), "{korean}");
            said.push(korean);
        }
    }
    said.sort_unstable();
    said.dedup();
    let unasked = |rule: &str| {
        format!(
            "{rule}. 물어볼 사람이 없어 거부했습니다. 터미널에서 실행하면 물어봅니다. 허용하려면 `--permission-mode full`로 \
             시작하거나 `permissions.rules`에 규칙을 추가하세요"
        )
    };
    let expected = [
        unasked("권한 모드 `ask`에서는 명령을 실행할 때마다 물어봅니다"),
        unasked("권한 모드 `ask`에서는 파일을 편집할 때마다 물어봅니다"),
        unasked(
            "권한 모드 `auto-edit`에서는 샌드박스 없이 명령을 실행할 때마다 물어봅니다. `--permission-mode full`을 쓰면 \
             묻지 않습니다",
        ),
        "권한 모드 `plan`은 보기만 합니다. 편집하거나 명령을 실행하려면 `--permission-mode auto-edit`로 시작하세요".to_owned(),
        "사용 가능한 샌드박스가 없어 명령을 실행하지 않았습니다 (no Landlock here). 샌드박스 없이 실행하려면 \
         `--sandbox none --permission-mode full`로 시작하세요"
            .to_owned(),
    ];
    assert_eq!(said, expected);
}

#[test]
fn a_denial_of_something_else_keeps_its_text() {
    let korean = Language::Korean.denial("`a` is protected", None);
    assert_eq!(korean, "권한이나 보호 규칙에 따라 허용되지 않았습니다: `a` is protected");
}
