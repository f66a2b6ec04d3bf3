//! What the tests of this package share: where the project is, and which files it has.

pub mod machine;

use std::path::{Path, PathBuf};

/// The project's folder.
#[must_use]
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the package lies in the project").to_owned()
}

/// Every Rust file below `folder`, with its path relative to the project, sorted.
#[must_use]
pub fn rust_files(folder: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in
            std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        {
            let path = entry.expect("a folder's entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).expect("below the project").display().to_string();
                files.push((name, std::fs::read_to_string(&path).expect("a readable file")));
            }
        }
    }
    files.sort();
    files
}
