//! Why the library could not begin, and what to do about it.
//!
//! In English the library's own sentence is the best one and is said as it is; here stands the Korean, variant by
//! variant, and the ways out in both languages. What was wrong with a configuration stands in
//! [`super::configuration`].

use better_llm::{InvalidEndpoint, ProviderError, SandboxError, StartError};

use super::Language;

impl Language {
    /// What was wrong, and where. Says the ways out only where the library's sentence holds them.
    pub(crate) fn start_error(self, error: &StartError) -> String {
        match (self, error) {
            (_, StartError::Provider(error)) => self.provider_error(error),
            (_, StartError::Config(error)) => self.config_error(error),
            (_, StartError::Session(error)) => self.session_error(error),
            (Self::English, _) => error.to_string(),
            (Self::Korean, StartError::Workspace { path, .. }) => {
                format!("{}: 작업 폴더로 쓸 수 없습니다", path.display())
            }
            (Self::Korean, StartError::Endpoint(error)) => korean_endpoint(error),
            (Self::Korean, StartError::ScriptFile { path, .. }) => {
                format!("{}: 스크립트를 읽을 수 없습니다", path.display())
            }
            (Self::Korean, StartError::Script(error)) => {
                format!("{}: 스크립트의 `{}` 부분이 올바르지 않습니다", error.name, error.path)
            }
            (Self::Korean, StartError::Unpriced { models }) => {
                let models: Vec<_> = models.iter().map(ToString::to_string).collect();
                format!(
                    "비용 한도를 지키려면 모든 모델의 가격이 필요한데, 가격을 모르는 모델이 있습니다: {}",
                    models.join(", ")
                )
            }
            (Self::Korean, StartError::Worktree(error)) => Self::korean_worktree_error(error),
            (Self::Korean, StartError::NoWorktree { session, cwd }) => {
                format!("세션 {session}: 워크트리 없이 {cwd}에서 작업합니다")
            }
            (Self::Korean, StartError::Sandbox(error)) => korean_sandbox(error),
            (Self::Korean, StartError::Tools(error)) => {
                format!("{}: 작업 폴더를 열 수 없습니다", error.root.display())
            }
            (Self::Korean, StartError::Demo { path, .. }) => {
                format!("{}: 이 폴더에 데모를 준비할 수 없습니다", path.display())
            }
        }
    }

    /// What to do; none where the sentence itself says it.
    pub(crate) fn start_hint(self, error: &StartError) -> Option<String> {
        let hint = match error {
            StartError::Provider(error) => return self.provider_hint(error),
            StartError::Session(error) => {
                return Some(self.session_hint(error)).filter(|hint| !hint.is_empty());
            }
            StartError::Config(_) => self.pick(
                "`better-llm-cli config check` checks every file, `config paths` says where they lie",
                "`better-llm-cli config check`로 모든 설정 파일을 검사하고, `config paths`로 위치를 볼 수 있습니다",
            ),
            StartError::Script(_) => self.pick(
                "mend the script at the line that the cause names",
                "원인에 나온 줄을 고친 뒤 다시 실행하세요",
            ),
            StartError::ScriptFile { .. } => self.pick(
                "check the path after `script:`; it is relative to the workspace",
                "`script:` 뒤의 경로를 확인하세요. 작업 폴더를 기준으로 합니다",
            ),
            StartError::Demo { .. } => self.pick(
                "check that git is installed, and that the folder for temporary files can be written",
                "git이 설치되어 있는지, 임시 폴더에 쓸 수 있는지 확인하세요",
            ),
            StartError::Unpriced { .. } => {
                let hint = self.korean(
                    "system_config.json의 `prices`에 백만 토큰당 미국 달러 가격을 적거나, 한도(`--max-cost-usd`, \
                     `workflow_limits.max_cost_usd`)를 빼세요. 예",
                )?;
                return Some(format!("{hint}: {}", error.price_example().unwrap_or_default()));
            }
            StartError::Sandbox(error) => return self.sandbox_hint(error),
            StartError::Worktree(error) => self.worktree_hint(error)?,
            StartError::NoWorktree { .. } => {
                self.korean("`--worktree` 없이 이어가거나, 새 세션을 시작하세요")?
            }
            StartError::Workspace { .. } => self.korean("`--cwd`로 실제로 있는 폴더를 지정하세요")?,
            StartError::Endpoint(InvalidEndpoint::BaseUrl { example, .. }) => {
                let hint = self.korean("ANTHROPIC_BASE_URL, OPENAI_BASE_URL이나 설정의 `providers.*.base_url`에 쓸 주소의 예")?;
                return Some(format!("{hint}: `{example}`"));
            }
            StartError::Endpoint(InvalidEndpoint::ApiKey { .. }) => {
                self.korean("줄바꿈이 섞였거나 잘못 붙여 넣지 않았는지 확인하세요")?
            }
            StartError::Endpoint(InvalidEndpoint::Proxy { .. }) => {
                self.korean("`http://proxy:8080` 같은 주소로 바꾸거나, 프록시가 필요 없으면 변수를 없애세요")?
            }
            StartError::Tools(_) => self.korean("읽을 수 있는 폴더를 `--cwd`로 지정하세요")?,
        };
        Some(hint.to_owned())
    }

    /// A Korean sentence beside an English one that the library says itself.
    const fn korean(self, sentence: &'static str) -> Option<&'static str> {
        match self {
            Self::English => None,
            Self::Korean => Some(sentence),
        }
    }

    fn provider_error(self, error: &ProviderError) -> String {
        match (self, error) {
            (_, ProviderError::NoCredentials) => self
                .pick("no credentials for a model are set", "모델을 쓸 인증 정보가 설정되어 있지 않습니다")
                .to_owned(),
            (Self::English, ProviderError::KeyMissing { provider, variable }) => {
                format!("provider `{provider}` needs {variable}, which is not set")
            }
            (Self::Korean, ProviderError::KeyMissing { provider, variable }) => {
                format!("`{provider}` 제공자에는 {variable} 값이 필요한데 설정되어 있지 않습니다")
            }
            (Self::English, ProviderError::LaterCredential { variable, provider }) => {
                format!("{variable} is set, but provider `{provider}` comes with a later version")
            }
            (Self::Korean, ProviderError::LaterCredential { variable, provider }) => {
                format!("{variable} 값은 있지만 `{provider}` 제공자는 이후 버전에서 제공됩니다")
            }
            (Self::English, ProviderError::Later(name)) => {
                format!("provider `{name}` comes with a later version")
            }
            (Self::Korean, ProviderError::Later(name)) => {
                format!("`{name}` 제공자는 이후 버전에서 제공됩니다")
            }
            (Self::English, ProviderError::Unknown { name, .. }) => format!("`{name}` is no provider"),
            (Self::Korean, ProviderError::Unknown { name, .. }) => format!("`{name}` 제공자는 없습니다"),
        }
    }

    fn provider_hint(self, error: &ProviderError) -> Option<String> {
        let nearest = match error {
            ProviderError::NoCredentials
            | ProviderError::KeyMissing { .. }
            | ProviderError::LaterCredential { .. } => return Some(self.ways_to_a_model().to_owned()),
            ProviderError::Later(_) => None,
            ProviderError::Unknown { nearest, .. } => nearest.as_deref(),
        };
        Some(self.one_of(&["anthropic", "openai", "offline", "script:FILE"], nearest))
    }

    /// The ways out where no model can be asked.
    const fn ways_to_a_model(self) -> &'static str {
        self.pick(
            "set ANTHROPIC_API_KEY or OPENAI_API_KEY in the environment or in `.env`, name a model server of your own with \
             OPENAI_BASE_URL (Ollama: http://127.0.0.1:11434/v1), play a script of answers with `--provider script:FILE`, \
             or try `better-llm-cli demo`, which needs no key",
            "환경 변수나 `.env`에 ANTHROPIC_API_KEY 또는 OPENAI_API_KEY를 설정하거나, OPENAI_BASE_URL로 직접 실행하는 모델 \
             서버를 지정하거나(Ollama: http://127.0.0.1:11434/v1), `--provider script:FILE`로 답변 스크립트를 재생하거나, \
             키가 필요 없는 `better-llm-cli demo`를 실행해 보세요",
        )
    }

    fn sandbox_hint(self, error: &SandboxError) -> Option<String> {
        let hint = match error {
            SandboxError::NothingWorks { .. } | SandboxError::Unavailable { .. } => self.korean(
                "`--sandbox auto`를 쓰거나, 명령을 사용자의 모든 권한으로 실행해도 된다면 `--sandbox none \
                 --permission-mode full`을 쓰세요",
            )?,
            SandboxError::Folder { .. } | SandboxError::Note { .. } => self.pick(
                "check who may write there, or set BETTER_LLM_HOME to another folder",
                "쓰기 권한을 확인하거나 BETTER_LLM_HOME을 다른 폴더로 지정하세요",
            ),
            SandboxError::PassedCredential(_) => self.korean("`--pass-env`에서 빼세요")?,
            SandboxError::Host(_) => {
                self.korean("`이름`, `*.이름`, 주소, 또는 그 뒤에 `:포트`를 붙인 형식으로 쓰세요")?
            }
            SandboxError::HostsNeedStrict { .. } => self.korean(
                "`strict`가 작동하게 하거나, 목록을 비우거나, `--allow-network`로 네트워크 전체를 여세요",
            )?,
            SandboxError::NoShell => self.korean("`bash`나 `sh`가 있는 폴더를 PATH에 추가하세요")?,
        };
        Some(hint.to_owned())
    }
}

fn korean_endpoint(error: &InvalidEndpoint) -> String {
    match error {
        InvalidEndpoint::BaseUrl { text, problem, .. } => {
            let problem = Language::Korean.configuration_detail(problem);
            format!("`{text}`: 모델 서버의 기본 주소로 쓸 수 없습니다 ({problem})")
        }
        InvalidEndpoint::ApiKey { provider } => {
            format!("`{provider}` API 키에 사용할 수 없는 문자가 들어 있습니다")
        }
        InvalidEndpoint::Proxy { variable, problem } => {
            let problem = Language::Korean.configuration_detail(problem);
            format!("{variable}: 프록시로 쓸 수 없습니다 ({problem})")
        }
    }
}

fn korean_sandbox(error: &SandboxError) -> String {
    match error {
        SandboxError::NothingWorks { .. } => {
            "명령을 가둘 수 있는 샌드박스 수준이 이 환경에 없습니다".to_owned()
        }
        SandboxError::Unavailable { level, .. } => {
            format!("`{level}` 수준의 샌드박스가 이 환경에서 작동하지 않습니다")
        }
        SandboxError::Folder { path, .. } => format!("{}: 폴더를 만들 수 없습니다", path.display()),
        SandboxError::Note { path, .. } => {
            format!("{}: 실행 중인 명령을 기록할 수 없습니다", path.display())
        }
        SandboxError::PassedCredential(name) => {
            format!("{}: better-llm의 자격 증명은 어떤 명령에도 넘기지 않습니다", name.display())
        }
        SandboxError::Host(host) => {
            format!("`{}`: 호스트 목록(`sandbox.network`)에 쓸 수 없습니다", host.entry().escape_debug())
        }
        SandboxError::HostsNeedStrict { .. } => {
            "호스트 목록(`sandbox.network`)은 `strict` 수준의 샌드박스에서만 쓸 수 있습니다".to_owned()
        }
        SandboxError::NoShell => "셸을 찾을 수 없습니다. PATH에 `bash`도 `sh`도 없습니다".to_owned(),
    }
}
