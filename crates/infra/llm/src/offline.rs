//! The back end `offline`: answers every request with one text that says no model is connected, and what would connect
//! one. It plays no script; the demo does.

use async_trait::async_trait;
use domain::{
    message::{Message, Part, Role, StopReason, Usage},
    model::{ModelAnswer, ModelError, ModelItem, ModelRequest, ModelStream},
    ports::ModelPort,
};
use futures_util::stream;

/// The language of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfflineLanguage {
    /// English.
    English,
    /// 한국어.
    Korean,
}

impl OfflineLanguage {
    const fn text(self) -> &'static str {
        match self {
            Self::English => {
                "No model is connected, so nothing was done. Ways out:\n\
                 - set ANTHROPIC_API_KEY or OPENAI_API_KEY, in the environment or in a .env file, and start again;\n\
                 - name a model server of your own: OPENAI_BASE_URL (Ollama: http://127.0.0.1:11434/v1);\n\
                 - play a script of answers: --provider script:FILE;\n\
                 - see the whole team at work without a key: better-llm-cli demo"
            }
            Self::Korean => {
                "연결된 모델이 없어 아무 작업도 하지 않았습니다. 해결 방법:\n\
                 - 환경 변수나 .env 파일에 ANTHROPIC_API_KEY 또는 OPENAI_API_KEY를 설정하고 다시 시작하세요.\n\
                 - 직접 실행하는 모델 서버를 지정하세요: OPENAI_BASE_URL (Ollama: http://127.0.0.1:11434/v1)\n\
                 - 답변 스크립트를 재생하세요: --provider script:FILE\n\
                 - 키 없이 팀 전체가 일하는 모습을 보세요: better-llm-cli demo"
            }
        }
    }
}

/// No model at all.
#[derive(Debug)]
pub struct OfflineModel {
    language: OfflineLanguage,
}

const PROVIDER: &str = "offline";

impl OfflineModel {
    /// Answers in this language.
    #[must_use]
    pub const fn new(language: OfflineLanguage) -> Self {
        Self { language }
    }
}

#[async_trait]
impl ModelPort for OfflineModel {
    fn provider(&self) -> &str {
        PROVIDER
    }

    /// Whatever is wanted, nothing else is there.
    fn resolve(&self, _wanted: Option<&str>) -> String {
        PROVIDER.to_owned()
    }

    async fn stream(&self, _request: ModelRequest) -> Result<ModelStream, ModelError> {
        let text = self.language.text().to_owned();
        let answer = ModelAnswer {
            message: Message { role: Role::Assistant, parts: vec![Part::Text { text: text.clone() }] },
            stop_reason: StopReason::EndTurn,
            usage: Usage::default(),
            model: PROVIDER.to_owned(),
            invalid_inputs: Vec::new(),
        };
        let delta = ModelItem::TextDelta { index: 0, text };
        Ok(Box::pin(stream::iter([Ok(delta), Ok(ModelItem::Answer(answer))])))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;
    use crate::test_support::request;

    #[tokio::test]
    async fn offline_answers_every_request_with_the_ways_out_in_the_persons_language() {
        for (language, word) in
            [(OfflineLanguage::English, "No model"), (OfflineLanguage::Korean, "연결된 모델")]
        {
            let model = OfflineModel::new(language);
            for agent in ["manager", "coder"] {
                let items: Vec<_> = model.stream(request(agent, &[])).await.unwrap().collect().await;
                let Some(Ok(ModelItem::Answer(answer))) = items.last() else { panic!("{items:?}") };
                let text = answer.message.text();
                let says = |what: &str| text.contains(what);
                assert!(
                    says(word) && says("OPENAI_API_KEY") && says("OPENAI_BASE_URL") && says("script:FILE"),
                    "{text}"
                );
                assert_eq!(answer.stop_reason, StopReason::EndTurn);
            }
        }
    }
}
