//! What is said of a session's worktree: why there is none, and what became of it.

use better_llm::{Cleared, Unsaved, WorktreeError, domain::id::SessionId};

use super::Language;

impl Language {
    /// Why a session cannot work in a worktree, in Korean; in English the library's own sentence says it.
    pub(super) fn korean_worktree_error(error: &WorktreeError) -> String {
        match error {
            WorktreeError::NoRepository(path) => format!("{}: git 저장소가 아닙니다", path.display()),
            WorktreeError::Bare(path) => {
                format!("{}: git 내부 폴더이거나 파일이 없는 저장소입니다", path.display())
            }
            WorktreeError::Unusable(why) => format!("여기서는 워크트리를 만들 수 없습니다: {why}"),
            WorktreeError::NoCommit(path) => format!("{}: 저장소에 아직 커밋이 없습니다", path.display()),
            WorktreeError::Inside(path) => format!("{}: 이미 세션의 워크트리입니다", path.display()),
            WorktreeError::NoGit => "`--worktree`에는 git이 필요한데 PATH에 없습니다".to_owned(),
            WorktreeError::BranchInTheWay(branch) => {
                format!("이름이 `better-llm`인 브랜치가 있어 `{branch}` 브랜치를 만들 수 없습니다")
            }
            WorktreeError::BranchTaken { branch, at } => {
                format!("{branch} 브랜치를 {}에서 쓰고 있습니다", at.display())
            }
            WorktreeError::Subfolder(path) => {
                format!("{}: 마지막 커밋의 같은 자리에 폴더가 아닌 것이 있습니다", path.display())
            }
            WorktreeError::Broken(path) => {
                format!("{}: 더 이상 이 저장소의 워크트리가 아닙니다", path.display())
            }
            WorktreeError::Git { doing, .. } => format!("git이 워크트리 작업에 실패했습니다 ({doing})"),
            WorktreeError::File { place, .. } => {
                format!("{}: 만들거나 읽거나 쓸 수 없습니다", place.display())
            }
        }
    }

    /// What to do about that; none where the sentence says it.
    pub(super) const fn worktree_hint(self, error: &WorktreeError) -> Option<&'static str> {
        let korean = match error {
            WorktreeError::Git { .. } | WorktreeError::File { .. } => {
                return Some(self.pick(
                    "the cause says what stood in the way; nothing of the worktree is left",
                    "원인을 확인하세요. 만들다 만 워크트리는 남아 있지 않습니다",
                ));
            }
            WorktreeError::NoRepository(_) => "`git init` 후 커밋하거나 `--worktree` 없이 실행하세요",
            WorktreeError::Bare(_) => "저장소의 작업 폴더에서 시작하거나 `--worktree` 없이 실행하세요",
            WorktreeError::Unusable(_) => "원인을 고치거나 `--worktree` 없이 실행하세요",
            WorktreeError::NoCommit(_) => "첫 커밋을 만들거나 `--worktree` 없이 실행하세요",
            WorktreeError::Inside(_) => "`--worktree` 없이 실행하거나 원래 저장소에서 시작하세요",
            WorktreeError::NoGit => "git을 설치하거나 `--worktree` 없이 실행하세요",
            WorktreeError::BranchInTheWay(_) => "브랜치 이름을 바꾸세요: `git branch -m better-llm 새이름`",
            WorktreeError::BranchTaken { .. } => "그곳에서 다른 브랜치로 바꾸세요: `git switch`",
            WorktreeError::Subfolder(_) => "폴더를 커밋하거나 저장소의 최상위 폴더에서 시작하세요",
            WorktreeError::Broken(_) => "내용을 확인한 뒤 폴더를 지우세요",
        };
        match self {
            Self::English => None,
            Self::Korean => Some(korean),
        }
    }

    /// What became of the worktree of a session that has ended, and how to take what is in it.
    pub(crate) fn cleared(self, session: SessionId, cleared: &Cleared) -> String {
        match (self, cleared) {
            (Self::English, Cleared::Removed) => {
                "the worktree and its branch are removed: nothing was changed in it".to_owned()
            }
            (Self::Korean, Cleared::Removed) => "변경한 것이 없어 워크트리와 브랜치를 지웠습니다".to_owned(),
            (Self::English, Cleared::BranchKept { branch, commits: 0 }) => format!(
                "the worktree is removed; the branch {branch} stays, because only it or its reflog leads to commits of the \
                 session\n  → look: `git reflog {branch}`; throw away: `git branch -D {branch}`"
            ),
            (Self::Korean, Cleared::BranchKept { branch, commits: 0 }) => format!(
                "워크트리는 지웠습니다. {branch} 브랜치에만 기록된 커밋이 있어 브랜치는 남겼습니다\n  → 보기: `git reflog \
                 {branch}`, 버리기: `git branch -D {branch}`"
            ),
            (Self::English, Cleared::BranchKept { branch, commits }) => {
                let commits = if *commits == 1 {
                    "its commit is".to_owned()
                } else {
                    format!("its {commits} commits are")
                };
                format!(
                    "the worktree is removed; {commits} on the branch {branch}\n  → take: `git merge {branch}`; throw away: \
                     `git branch -D {branch}`"
                )
            }
            (Self::Korean, Cleared::BranchKept { branch, commits }) => format!(
                "워크트리는 지웠습니다. 커밋 {commits}개가 {branch} 브랜치에 있습니다\n  → 가져오기: `git merge {branch}`, \
                 버리기: `git branch -D {branch}`"
            ),
            (_, Cleared::Kept { branch, folder, unsaved }) => {
                let folder = folder.display();
                match self {
                    Self::English => format!(
                        "the worktree stays in {folder}, on the branch {branch}: {unsaved}\n  → go on: `better-llm-cli --resume \
                         {session} TASK`; throw away: `git worktree remove --force {folder} && git branch -D {branch}`"
                    ),
                    Self::Korean => format!(
                        "워크트리를 {folder} 폴더에 남겼습니다 ({branch} 브랜치): {}\n  → 이어가기: `better-llm-cli --resume \
                         {session} 할일`, 버리기: `git worktree remove --force {folder} && git branch -D {branch}`",
                        korean_unsaved(unsaved)
                    ),
                }
            }
        }
    }

    /// It could not be cleared up.
    pub(crate) fn not_cleared(self, why: &str) -> String {
        match self {
            Self::English => format!(
                "the session's worktree was not cleared up: {why}\n  → `git worktree list` shows it; nothing of it is lost"
            ),
            Self::Korean => format!(
                "세션의 워크트리를 정리하지 못했습니다: {why}\n  → `git worktree list`로 볼 수 있고, 내용은 그대로 있습니다"
            ),
        }
    }
}

/// What would be lost.
fn korean_unsaved(unsaved: &Unsaved) -> String {
    match unsaved {
        Unsaved::Changes(files) => format!("커밋하지 않은 파일 {files}개"),
        Unsaved::Ignored(paths) => format!("git이 무시하지만 직접 쓴 파일: {}", paths.join(", ")),
        Unsaved::Submodule(path) => format!("내용이 채워진 서브모듈 {path}"),
        Unsaved::Unfinished => "끝나지 않은 git 작업이 있거나 다른 브랜치로 옮겨져 있음".to_owned(),
        Unsaved::Commits => "어느 브랜치에도 없는 커밋이 있음".to_owned(),
        Unsaved::Unknown(why) => why.clone(),
    }
}

#[cfg(test)]
mod tests {
    use better_llm::domain::id::Ulid;

    use super::*;

    /// Whatever became of it, both languages say how to take it or throw it away.
    #[test]
    fn every_end_of_a_worktree_is_said_in_both_languages() {
        let session = SessionId::new(Ulid(1));
        let branch = || format!("better-llm/{session}");
        let kept =
            |unsaved| Cleared::Kept { branch: branch(), folder: "/데이터/worktrees/1".into(), unsaved };
        let all = [
            Cleared::Removed,
            Cleared::BranchKept { branch: branch(), commits: 0 },
            Cleared::BranchKept { branch: branch(), commits: 1 },
            Cleared::BranchKept { branch: branch(), commits: 3 },
            kept(Unsaved::Changes(2)),
            kept(Unsaved::Ignored(vec!["local.env".to_owned()])),
            kept(Unsaved::Submodule("lib".to_owned())),
            kept(Unsaved::Unfinished),
            kept(Unsaved::Commits),
            kept(Unsaved::Unknown("git".to_owned())),
        ];
        for cleared in all {
            let [english, korean] = Language::ALL.map(|language| language.cleared(session, &cleared));
            assert_ne!(english, korean);
            let names_branch = cleared != Cleared::Removed;
            for said in [&english, &korean] {
                assert_eq!(
                    said.contains(&format!("`git branch -D {}`", branch()))
                        || said.contains(&format!("git branch -D {}", branch())),
                    names_branch,
                    "{said}"
                );
            }
            let is_korean = |text: &str| text.chars().any(|character| ('가'..='힣').contains(&character));
            assert!(is_korean(&korean), "{korean}");
        }
    }
}
