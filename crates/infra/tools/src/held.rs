//! What a model is told whose commands are held to the paths that its task may write.
//!
//! The wall says no more than an error number, which programs put into words of their own: those words are looked for.

/// As programs and languages write `EROFS` and `EACCES`, in lower case.
const REFUSED: [&str; 10] = [
    "read-only file system",
    "permission denied",
    "operation not permitted",
    "os error 30",
    "os error 13",
    "errno 30",
    "errno 13",
    "erofs",
    "읽기 전용 파일",
    "허가 거부",
];

/// Whether a command complains of a file that it may not write, as far as that can be seen.
pub(crate) fn complains(output: [&str; 2]) -> bool {
    let lines = output.iter().flat_map(|text| text.lines());
    lines.map(str::to_lowercase).any(|line| REFUSED.iter().any(|refused| line.contains(refused)))
}

/// The line that says why.
pub(crate) fn told(writes: &[String]) -> String {
    let granted =
        if writes.is_empty() { "nothing".to_owned() } else { format!("only `{}`", writes.join("`, `")) };
    format!(
        "commands of this task may write {granted} of the workspace, and temporary files, which may be why it failed; \
         what else has to be written, build output included, say when you hand in your work"
    )
}
