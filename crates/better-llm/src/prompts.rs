//! The built-in prompts: the files of `prompts/`, used where no file is found (spec O-13).

/// Each agent with its prompt.
pub(crate) const EMBEDDED: [(&str, &str); 7] = [
    ("manager", include_str!("../../../prompts/manager.txt")),
    ("planner", include_str!("../../../prompts/planner.txt")),
    ("coder", include_str!("../../../prompts/coder.txt")),
    ("reviewer", include_str!("../../../prompts/reviewer.txt")),
    ("tester", include_str!("../../../prompts/tester.txt")),
    ("committer", include_str!("../../../prompts/committer.txt")),
    ("devops", include_str!("../../../prompts/devops.txt")),
];
