//! What was wrong with a configuration, what of it was left out, and where its values come from.

use better_llm::{
    ConfigError, Fault, Notice, Problem, Source, Spot, TrustChange, TrustChangeKind, VariableRule, Widening,
};

use super::{
    Language,
    particle::{Particle, with_particle},
};

impl Language {
    /// Everything that is wrong, a problem a line.
    pub(super) fn config_error(self, error: &ConfigError) -> String {
        let heading = self.pick("the configuration cannot be used", "설정을 사용할 수 없습니다");
        let lines = error.problems().iter().map(|problem| format!("\n  {}", self.problem(problem)));
        format!("{heading}{}", lines.collect::<String>())
    }

    /// One thing that is wrong, with its place.
    pub(super) fn problem(self, problem: &Problem) -> String {
        match self {
            Self::English => problem.to_string(),
            Self::Korean => format!("{}: {}", korean_spot(&problem.spot), korean_fault(&problem.fault)),
        }
    }

    /// What was left out of a configuration.
    pub(crate) fn config_notice(self, notice: &Notice) -> String {
        match (self, notice) {
            (Self::English, _) => notice.to_string(),
            (Self::Korean, Notice::NotTrusted { file, path, widening }) => {
                let file = file.display();
                format!(
                    "{file}: `{path}` 값을 무시했습니다. 이 폴더는 아직 신뢰되지 않았고, {}. 폴더의 설정을 살펴보고 \
                     신뢰하려면: better-llm-cli config trust, 이 파일만 그대로 쓰려면: --config '{file}'",
                    korean_widening(*widening)
                )
            }
            (Self::Korean, Notice::VariableIgnored { file, line, name, reason }) => {
                format!("{}:{line}: {name} 값을 무시했습니다. {}", file.display(), korean_rule(*reason))
            }
            (Self::Korean, Notice::NoSuchWorker { variable }) => {
                format!("환경 변수 {variable}: 팀에 그런 워커가 없어 아무 효과가 없습니다")
            }
            (Self::Korean, Notice::NotRead { file }) => format!(
                "{}: 일반 파일이 아니어서 읽지 않았습니다. 필요한 값은 환경 변수로 설정하세요",
                file.display()
            ),
            (Self::Korean, Notice::LeadsOut { file }) => format!(
                "{}: 작업 폴더 밖으로 이어지는 링크라서 읽지 않았습니다. 파일을 이 폴더로 복사하거나 값을 환경 변수로 설정하세요",
                file.display()
            ),
            (Self::Korean, Notice::TrustChanged { changes }) => {
                let changes: Vec<_> = changes.iter().map(korean_change).collect();
                format!(
                    "이 폴더의 설정이 신뢰한 내용과 다릅니다 ({}). 그래서 다시 좁히는 설정만 적용됩니다. 지금 내용을 \
                     살펴보고 신뢰하려면: better-llm-cli config trust",
                    changes.join(", ")
                )
            }
            (Self::Korean, Notice::RelativeRoot { variable }) => {
                format!("환경 변수 {variable}: 절대 경로가 아니어서 무시했습니다")
            }
        }
    }

    /// Where a value came from.
    pub(crate) fn source(self, source: &Source) -> String {
        match (self, source) {
            (_, Source::Default) => self.pick("default", "기본값").to_owned(),
            (Self::Korean, Source::Environment(name)) => format!("환경 변수 {name}"),
            (Self::English, Source::Environment(_))
            | (_, Source::Flag(_) | Source::DotEnv { .. } | Source::File(_)) => source.to_string(),
        }
    }
}

/// What became of a file since the folder was trusted.
pub(super) fn korean_change(change: &TrustChange) -> String {
    let became = match change.kind {
        TrustChangeKind::Added => "추가됨",
        TrustChangeKind::Changed => "변경됨",
        TrustChangeKind::Removed => "없어짐",
    };
    format!("{} {became}", change.path)
}

fn korean_spot(spot: &Spot) -> String {
    match spot {
        Spot::File { .. } | Spot::Flag(_) => spot.to_string(),
        Spot::Variable(name) => format!("환경 변수 {name}"),
        Spot::BuiltIn(name) => format!("내장 에이전트 `{name}`"),
    }
}

pub(super) fn korean_fault(fault: &Fault) -> String {
    let detail = |text| Language::Korean.configuration_detail(text);
    let meant = |nearest: &Option<String>| match nearest {
        Some(nearest) => format!(". {}", Language::Korean.did_you_mean(nearest)),
        None => String::new(),
    };
    match fault {
        Fault::Missing => "파일이 없습니다".to_owned(),
        Fault::Unreadable { source } => format!("읽을 수 없습니다 ({source})"),
        Fault::NoFile => "일반 파일이 아닙니다".to_owned(),
        Fault::TooLarge { limit } => format!("{limit}바이트보다 큽니다"),
        Fault::NotText => "UTF-8 텍스트가 아닙니다. UTF-8로 저장하세요".to_owned(),
        Fault::Syntax { what } => format!("올바른 JSON이 아닙니다 ({what})"),
        Fault::Repeated => "두 번 나옵니다. 하나만 남기세요".to_owned(),
        Fault::UnknownKey { nearest } => format!("알 수 없는 키입니다{}", meant(nearest)),
        Fault::Later { feature } => {
            format!("이 버전에 아직 없는 기능({})의 설정입니다. 삭제하세요", detail(feature))
        }
        Fault::MissingKey { key, expected } => {
            format!("`{key}` 키가 없습니다 (필요한 값: {})", detail(expected))
        }
        Fault::WrongValue { expected, found } => {
            format!("값이 올바르지 않습니다 (필요한 값: {}, 현재 값: {})", detail(expected), detail(found))
        }
        Fault::UnknownName { what, name, nearest } => {
            let name = with_particle(&format!("`{name}`"), Particle::Topic);
            format!("{name} {} 이름이 아닙니다{}", detail(what), meant(nearest))
        }
        Fault::Rule(rule) => detail(rule).into_owned(),
    }
}

const fn korean_widening(widening: Widening) -> &'static str {
    match widening {
        Widening::Limit => "그런 폴더의 파일은 한도를 줄이기만 할 수 있습니다",
        Widening::PermissionMode => "그런 폴더의 파일은 권한 모드를 좁히기만 할 수 있습니다",
        Widening::Sandbox => "그런 폴더의 파일은 샌드박스를 더 강하게만 할 수 있습니다",
        Widening::Commands => "그런 폴더의 파일은 실행할 명령을 정할 수 없습니다",
        Widening::Endpoint => "그런 폴더의 파일은 모델 호출을 보낼 곳을 정할 수 없습니다",
        Widening::Taste => "그런 폴더의 파일은 개인 설정을 바꿀 수 없습니다",
        Widening::Tools => "그런 폴더의 파일은 에이전트에게 도구를 줄 수 없습니다",
        Widening::NewAgent => "그런 폴더의 파일은 에이전트를 추가할 수 없습니다",
        Widening::Model => "그런 폴더의 파일은 모델을 고를 수 없습니다",
        Widening::Kind => "그런 폴더의 파일은 에이전트의 종류를 바꿀 수 없습니다",
        Widening::PromptOutside => "프롬프트 파일은 그 폴더 안에 있어야 합니다",
        Widening::Rules => "그런 폴더의 규칙은 거부하거나 묻게만 할 수 있습니다",
        Widening::Network => "그런 폴더의 파일은 명령이 접속할 호스트를 정할 수 없습니다",
        Widening::Folders => "그런 폴더의 파일은 폴더를 추가할 수 없습니다",
        Widening::PassEnv => "그런 폴더의 파일은 명령에 환경 변수를 넘길 수 없습니다",
        Widening::Reviews => "그런 폴더의 파일은 리뷰를 더 엄격하게만 할 수 있습니다",
        Widening::Retries => "그런 폴더의 파일은 재시도를 줄이기만 할 수 있습니다",
        Widening::Prices => "그런 폴더의 파일은 토큰 가격을 정할 수 없습니다",
    }
}

const fn korean_rule(rule: VariableRule) -> &'static str {
    match rule {
        VariableRule::NeedsTrust => {
            "작업 폴더의 .env 값은 그 폴더를 신뢰할 때만 적용됩니다. 폴더의 설정을 살펴보고 신뢰하려면: better-llm-cli \
             config trust, 아니면 환경 변수로 설정하세요"
        }
        VariableRule::Tracked => {
            "git이 추적하는 파일이며, 인증 정보는 저장소에 두면 안 됩니다. 파일을 git에서 빼거나 환경 변수로 설정하세요"
        }
        VariableRule::EnvironmentOnly => ".env로는 설정할 수 없습니다. 환경 변수로 설정하세요",
    }
}
