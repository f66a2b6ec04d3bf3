//! Why a call was not allowed.
//!
//! What the model reads is the domain's sentence ([`leave`]); a person reads the same in their language. The sentence
//! is recognised by asking the domain again, so the two cannot drift apart.

use domain::{
    permission::{Leave, PermissionMode, SandboxState, leave},
    tool::Access,
};

use super::Language;

impl Language {
    /// Why a call was denied, as `output` tells the model; `sandbox` is the one in force.
    pub(crate) fn denial(self, output: &str, sandbox: Option<&SandboxState>) -> String {
        match self {
            Self::English => output.to_owned(),
            Self::Korean => sandbox.and_then(|sandbox| by_permission(output, sandbox)).unwrap_or_else(|| {
                self.known_detail(output)
                    .unwrap_or_else(|| format!("권한이나 보호 규칙에 따라 허용되지 않았습니다: {output}"))
            }),
        }
    }
}

/// The denial that the permission table gave, where it is one.
fn by_permission(output: &str, sandbox: &SandboxState) -> Option<String> {
    let cells = PermissionMode::ALL.into_iter().flat_map(|mode| {
        [Access::Read, Access::Edit, Access::Command, Access::Coordinate].map(|access| (mode, access))
    });
    for (mode, access) in cells {
        match leave(mode, access, sandbox) {
            Leave::Denied(text) if output.contains(&text) => return Some(denied(mode, sandbox)),
            Leave::Ask(rule) if output.contains(&rule) => return Some(unasked(access, mode)),
            Leave::Granted | Leave::Denied(_) | Leave::Ask(_) => {}
        }
    }
    None
}

fn denied(mode: PermissionMode, sandbox: &SandboxState) -> String {
    match mode {
        PermissionMode::Plan => {
            "권한 모드 `plan`은 보기만 합니다. 편집하거나 명령을 실행하려면 `--permission-mode \
                                 auto-edit`로 시작하세요"
                .to_owned()
        }
        PermissionMode::Ask | PermissionMode::AutoEdit | PermissionMode::Full => format!(
            "사용 가능한 샌드박스가 없어 명령을 실행하지 않았습니다 ({}). 샌드박스 없이 실행하려면 `--sandbox none \
             --permission-mode full`로 시작하세요",
            Language::Korean.detail(&sandbox.reason)
        ),
    }
}

/// Nobody was there to ask.
fn unasked(access: Access, mode: PermissionMode) -> String {
    let rule = match (access, mode) {
        (Access::Edit, PermissionMode::Ask) => "권한 모드 `ask`에서는 파일을 편집할 때마다 물어봅니다",
        (_, PermissionMode::AutoEdit) => {
            "권한 모드 `auto-edit`에서는 샌드박스 없이 명령을 실행할 때마다 물어봅니다"
        }
        (
            Access::Read | Access::Edit | Access::Command | Access::Coordinate,
            PermissionMode::Plan | PermissionMode::Ask | PermissionMode::Full,
        ) => "권한 모드 `ask`에서는 명령을 실행할 때마다 물어봅니다",
    };
    format!("{rule}. 물어볼 사람이 없어 거부했습니다. 허용하려면 `--permission-mode full`로 시작하세요")
}
