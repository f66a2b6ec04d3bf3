//! What `session undo` says.

use better_llm::{
    UndoError,
    domain::{
        ports::Holder,
        workspace::{UndoError as Refusal, UndoKind, UndoRefusal},
    },
};

use super::Language;

impl Language {
    /// Which round is meant.
    pub(crate) fn undo_of(self, session: &str, round: u32) -> String {
        match self {
            Self::English => format!("round {round} of session {session}:"),
            Self::Korean => format!("세션 {session}의 라운드 {round}:"),
        }
    }

    /// The round came to no end.
    pub(crate) const fn round_cut_off(self) -> &'static str {
        self.pick(
            "the round was cut off: what you did to these files since cannot be told from its work",
            "라운드가 중간에 끊겨, 이후 직접 편집한 내용을 라운드의 변경과 구분할 수 없습니다",
        )
    }

    /// What becomes of a file.
    pub(crate) const fn undo_kind(self, kind: UndoKind) -> &'static str {
        match kind {
            UndoKind::Restore => self.pick("restore", "복원"),
            UndoKind::Recreate => self.pick("bring back", "되살림"),
            UndoKind::Remove => self.pick("remove", "삭제"),
        }
    }

    /// Why a file cannot be put back.
    pub(crate) const fn undo_refusal(self, why: UndoRefusal) -> &'static str {
        match why {
            UndoRefusal::EditedSince => self.pick("edited since", "이후 편집됨"),
            UndoRefusal::NotKept => {
                self.pick("what it held before was not kept", "이전 내용이 저장되지 않음")
            }
            UndoRefusal::NowUnreadable => {
                self.pick("what it holds now cannot be kept first", "현재 내용을 먼저 저장할 수 없음")
            }
            UndoRefusal::FolderGone => {
                self.pick("something else stands where its folder was", "폴더가 있던 자리에 다른 것이 있음")
            }
        }
    }

    /// Nothing is left to do.
    pub(crate) const fn undone_already(self) -> &'static str {
        self.pick("everything is as it was before the round already", "이미 모두 라운드 이전 상태입니다")
    }

    /// What undo never brings back.
    pub(crate) const fn not_covered_by_undo(self) -> &'static str {
        self.pick(
            "not covered: files that git ignores, and folders outside (`--add-dir`)",
            "포함되지 않음: git이 무시하는 파일과 작업 폴더 밖의 폴더(`--add-dir`)",
        )
    }

    /// Label of the commits of the round.
    pub(crate) const fn commits_stay(self) -> &'static str {
        self.pick("commits made since, which stay", "그 뒤의 커밋 (그대로 남음)")
    }

    /// The question.
    pub(crate) fn undo_question(self, files: usize, is_cut_off: bool) -> String {
        let warning = if is_cut_off { self.edits_may_be_lost() } else { "" };
        match (self, files) {
            (Self::English, 1) => format!("{warning}Put this file back? [y/N] "),
            (Self::English, files) => format!("{warning}Put these {files} files back? [y/N] "),
            (Self::Korean, files) => format!("{warning}파일 {files}개를 되돌릴까요? [y/N] "),
        }
    }

    /// Said before the question where the round came to no end.
    const fn edits_may_be_lost(self) -> &'static str {
        self.pick(
            "The round was cut off: whatever you did to these files since goes, too. ",
            "라운드가 중간에 끊겨 이후 직접 편집한 내용도 함께 사라집니다. ",
        )
    }

    /// The person said no.
    pub(crate) const fn not_undone(self) -> &'static str {
        self.pick("nothing was undone", "아무것도 되돌리지 않았습니다")
    }

    /// It is done.
    pub(crate) fn files_undone(self, files: usize) -> String {
        match (self, files) {
            (Self::English, 1) => "1 file is put back".to_owned(),
            (Self::English, files) => format!("{files} files are put back"),
            (Self::Korean, files) => format!("파일 {files}개를 되돌렸습니다"),
        }
    }

    /// Files stand in the way.
    pub(crate) fn undo_refused(self, files: &[String]) -> String {
        let files = files.join(", ");
        match self {
            Self::English => format!("nothing was undone, because of {files}"),
            Self::Korean => format!("다음 파일 때문에 아무것도 되돌리지 않았습니다: {files}"),
        }
    }

    /// Who is at work.
    fn holder(self, holder: &Holder) -> String {
        let Self::Korean = self else { return holder.to_string() };
        let session = holder.session.map_or("다른 세션".to_owned(), |session| format!("세션 {session}"));
        let pid = holder.pid.map(|pid| format!(" (프로세스 {pid})")).unwrap_or_default();
        format!("{session}{pid}")
    }

    /// Why a round is not taken back.
    pub(crate) fn undo_error(self, error: &UndoError) -> String {
        let Self::Korean = self else { return error.to_string() };
        match error {
            UndoError::NoSession { workspace } => {
                format!("{} 폴더에서 작업한 세션이 없습니다", workspace.display())
            }
            UndoError::OtherWorkspace { session, cwd } => {
                format!("세션 {session}: 다른 폴더({cwd})에서 작업했습니다")
            }
            UndoError::NoRound { session, round } => {
                format!("세션 {session}의 라운드 {round}: 변경한 파일이 없습니다")
            }
            UndoError::NothingChanged(session) => {
                format!(
                    "세션 {session}: 되돌릴 것이 없습니다. 파일을 변경한 라운드가 없거나 모두 되돌렸습니다"
                )
            }
            UndoError::Shared { session, round, of } => format!(
                "세션 {session}의 라운드 {round}: 이 세션이 갈라져 나온 세션 {of}의 라운드입니다. `session undo {of}`로 되돌리세요"
            ),
            UndoError::Session(error) => self.session_error(error),
            UndoError::Outside(path) => {
                format!("`{path}`: 작업 폴더 안의 경로가 아닙니다. 작업 폴더를 기준으로 지정하세요")
            }
            UndoError::Unchanged { session, round, paths } => {
                format!(
                    "세션 {session}의 라운드 {round}: 다음 경로에서 변경한 것이 없습니다: {}",
                    paths.join(", ")
                )
            }
            UndoError::CutOff { session, round } => {
                format!(
                    "세션 {session}의 라운드 {round}: 중간에 끊겨 이후 직접 편집한 내용과 구분할 수 없으므로 아무것도 \
                     되돌리지 않았습니다"
                )
            }
            UndoError::Open(session) => format!("세션 {session}: 다른 프로그램에서 열려 있습니다"),
            UndoError::AtWork { holder, folder } => {
                let folder = folder.as_deref().unwrap_or("이 작업 폴더");
                format!("{}: {folder}에서 작업 중입니다", self.holder(holder))
            }
            UndoError::Unlocked(_) => {
                "다른 세션이 이 작업 폴더에서 작업 중인지 확인할 수 없어 아무것도 되돌리지 않았습니다"
                    .to_owned()
            }
            UndoError::Gone(session) => {
                format!("세션 {session}: 이전 파일 상태가 더 이상 저장되어 있지 않습니다")
            }
            UndoError::Lost { session, .. } => {
                format!("세션 {session}: 이전 파일 내용을 더 이상 읽을 수 없어 아무것도 되돌리지 않았습니다")
            }
            UndoError::Journal(_) => "저널을 읽을 수 없습니다".to_owned(),
            UndoError::Workspace(_) | UndoError::Refused(Refusal::Workspace(_)) => {
                "작업 폴더를 확인할 수 없습니다".to_owned()
            }
            UndoError::Refused(Refusal::Nothing) => self.undone_already().to_owned(),
            UndoError::Refused(Refusal::Refused(files)) => {
                let names: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
                self.undo_refused(&names)
            }
            UndoError::Refused(Refusal::Outdated) => "확인하는 사이에 파일이 바뀌었습니다".to_owned(),
            UndoError::Refused(Refusal::Stopped { done, path, .. }) => {
                format!("{path}에서 멈췄습니다. 파일 {}개는 되돌렸고 나머지는 그대로입니다", done.len())
            }
            UndoError::Unrecorded { session, .. } => {
                format!("파일은 되돌렸지만 세션 {session}의 저널에 기록하지 못했습니다")
            }
        }
    }

    /// What to do about that; empty where the sentence says it.
    pub(crate) const fn undo_hint(self, error: &UndoError) -> &'static str {
        match error {
            UndoError::Refused(Refusal::Refused(_)) => self.pick(
                "name the files to put back without these: `session undo PATH...`",
                "이 파일들을 뺀 나머지를 지정하세요: `session undo PATH...`",
            ),
            UndoError::Unchanged { .. } => self.pick(
                "`session undo` without paths shows what the round changed; `--round N` means another round",
                "경로 없이 `session undo`를 실행하면 라운드가 변경한 파일을 볼 수 있고, 다른 라운드는 `--round N`으로 \
                 지정합니다",
            ),
            UndoError::CutOff { .. } => self.pick(
                "run it at a terminal, look at the files and agree, or name those that may go back: `session undo \
                 PATH...`",
                "터미널에서 실행해 파일을 보고 동의하거나, 되돌려도 되는 파일을 지정하세요: `session undo PATH...`",
            ),
            UndoError::Refused(Refusal::Outdated | Refusal::Stopped { .. }) => {
                self.pick("try again", "다시 시도하세요")
            }
            UndoError::Lost { .. } => self.pick(
                "put `.git` back as it was, from a backup or from a fresh clone, and try again",
                "백업이나 새로 복제한 저장소에서 `.git`을 원래대로 되돌린 뒤 다시 시도하세요",
            ),
            UndoError::NoSession { .. } | UndoError::OtherWorkspace { .. } => match self {
                Self::English => "",
                Self::Korean => "세션을 `session undo ID`로, 폴더를 `--cwd`로 지정하세요",
            },
            UndoError::Open(_) | UndoError::AtWork { .. } => match self {
                Self::English => "",
                Self::Korean => "라운드가 끝나기를 기다리거나 그 프로그램을 닫은 뒤 다시 시도하세요",
            },
            UndoError::NoRound { .. }
            | UndoError::NothingChanged(_)
            | UndoError::Shared { .. }
            | UndoError::Session(_)
            | UndoError::Outside(_)
            | UndoError::Gone(_)
            | UndoError::Unlocked(_)
            | UndoError::Journal(_)
            | UndoError::Workspace(_)
            | UndoError::Refused(Refusal::Nothing | Refusal::Workspace(_))
            | UndoError::Unrecorded { .. } => "",
        }
    }
}
