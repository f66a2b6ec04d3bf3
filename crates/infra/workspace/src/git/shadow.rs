//! A git directory of our own over the person's work tree.
//!
//! It reads the person's objects and writes none among them, sees no work tree but folders of ours (`stage`), has an index of its own, and knows only the settings
//! that say how content is stored. The repository's configuration is never read through it, so no filter, hook,
//! external diff, signing program or transport that a repository may name exists here; `.gitattributes` can ask
//! for a filter, but the driver it names is unknown and git then leaves content as it is.

use std::{
    ffi::OsStr,
    fs::{self, DirBuilder, File},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    file,
    git::{
        call::{Call, Git},
        repository::{Config, Repository, personal_file},
    },
    settings::WorkspaceSettings,
    store::{Scratch, Store},
};

/// Settings that are taken over: how content becomes an object. Their values are words or numbers.
const TAKEN_OVER: [&str; 7] = [
    "core.autocrlf",
    "core.eol",
    "core.filemode",
    "core.symlinks",
    "core.ignorecase",
    "core.precomposeunicode",
    "core.sharedrepository",
];

/// The longest attributes file that is taken over.
const LONGEST_ATTRIBUTES: u64 = 4 << 20;

/// Our own git directory.
#[derive(Debug, Clone)]
pub(crate) struct Shadow {
    pub(crate) git: Git,
    pub(crate) repository: Repository,
    folder: PathBuf,
    /// A work tree without files.
    bare: PathBuf,
    /// Settings under which no file has an encoding of its own.
    unencoded: PathBuf,
    /// Where our objects lie, which last.
    objects: PathBuf,
    /// The index that checkpoints are made with.
    pub(crate) index: PathBuf,
    pub(crate) scratch: Arc<Scratch>,
}

impl Shadow {
    /// Lays it out among what this opening of `store` needs for itself, its index a copy of the person's, for what that knows of unchanged files.
    pub(crate) fn lay_out(
        git: Git,
        repository: Repository,
        config: &Config,
        settings: &WorkspaceSettings,
        store: &Store,
    ) -> io::Result<Self> {
        let scratch = Arc::clone(store.scratch());
        let (folder, index) = (scratch.join("git"), scratch.join("index"));
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        let (unencoded, bare) = (scratch.join("git-unencoded"), scratch.join("no-files"));
        for folder in [&folder, &unencoded] {
            builder.create(folder.join("refs"))?;
            builder.create(folder.join("info"))?;
        }
        builder.create(&bare)?;
        fs::write(folder.join("HEAD"), "ref: refs/heads/none\n")?;
        let text = config_text(config, settings);
        fs::write(folder.join("config"), &text)?;
        fs::write(unencoded.join("config"), text)?;
        fs::write(unencoded.join("info/attributes"), "* !working-tree-encoding\n")?;
        let objects = store.objects();
        let theirs = repository.common_dir.join("objects");
        let elsewhere = std::iter::once(theirs).chain(store.objects_of_ancestors());
        let elsewhere: Vec<u8> = elsewhere.flat_map(|objects| quoted(&objects, b"\n")).collect();
        scratch.put(&elsewhere, &objects.join("info/alternates"))?;
        let attributes = repository.common_dir.join("info/attributes");
        if fs::metadata(&attributes).is_ok_and(|data| data.is_file() && data.len() <= LONGEST_ATTRIBUTES) {
            copy(&attributes, &folder.join("info/attributes"))?;
        }
        let shadow = Self { git, repository, folder, bare, unencoded, objects, index, scratch };
        shadow.copy_index(&shadow.index)?;
        Ok(shadow)
    }

    /// A call that sees our git directory, with the checkpoint index, and no file of anybody's.
    pub(crate) fn call(&self) -> Call {
        self.call_over(&self.bare)
    }

    /// As [`Shadow::call`], seeing the files in `tree`.
    pub(crate) fn call_over(&self, tree: &Path) -> Call {
        self.git
            .call(tree)
            .env("GIT_DIR", &self.folder)
            // Whatever is put beside them, settings are read here and objects there.
            .env("GIT_COMMON_DIR", &self.folder)
            .env("GIT_OBJECT_DIRECTORY", &self.objects)
            .env("GIT_WORK_TREE", tree)
            .env("GIT_INDEX_FILE", &self.index)
            .env("HOME", &self.folder)
            // What is kept of the person's files is readable by them alone, whatever the umask.
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", "core.sharedRepository")
            .env("GIT_CONFIG_VALUE_0", "0600")
    }

    /// As [`Shadow::call_over`], for files that are not in the encoding that an attribute claims: git refuses these.
    pub(crate) fn unencoded_over(&self, tree: &Path) -> Call {
        self.call_over(tree).env("GIT_COMMON_DIR", &self.unencoded)
    }

    /// As [`Shadow::call`], with another index and writing new objects to the person's own store: for commits.
    pub(crate) fn committing(&self, index: &Path) -> Call {
        self.committing_over(&self.bare, index)
    }

    /// As [`Shadow::committing`], seeing the person's files, to note in `index` which of them it holds. Nothing that is
    /// read so is kept.
    pub(crate) fn refreshing(&self, index: &Path) -> Call {
        self.committing_over(&self.repository.top, index).args(["update-index", "-q", "--refresh"])
    }

    fn committing_over(&self, tree: &Path, index: &Path) -> Call {
        self.call_over(tree)
            .env("GIT_INDEX_FILE", index)
            .env("GIT_OBJECT_DIRECTORY", self.repository.common_dir.join("objects"))
            .env("GIT_CONFIG_COUNT", "0")
    }

    /// Copies the person's index to `target`, which has the original's time: git compares it with the times of
    /// files to know which entries it cannot trust.
    /// False where the person has no index.
    pub(crate) fn copy_index(&self, target: &Path) -> io::Result<bool> {
        let git_dir = &self.repository.git_dir;
        let source = git_dir.join("index");
        if !source.is_file() {
            return Ok(false);
        }
        let modified = fs::metadata(&source)?.modified()?;
        copy(&source, target)?.set_modified(modified)?;
        for entry in fs::read_dir(git_dir)? {
            let entry = entry?;
            // A split index keeps its larger part in a file of its own.
            if entry.file_name().as_bytes().starts_with(b"sharedindex.") {
                copy(&entry.path(), &self.folder.join(entry.file_name()))?;
            }
        }
        Ok(true)
    }

    /// Whether attributes outside of the work tree exist.
    pub(crate) fn has_attributes(&self, config: &Config, settings: &WorkspaceSettings) -> bool {
        let theirs =
            config.path("core.attributesfile", settings).or_else(|| personal_file("attributes", settings));
        self.folder.join("info/attributes").exists() || theirs.is_some_and(|file| file.exists())
    }
}

/// Copies what a file holds and not its mode: a repository that its owner may only read gives copies that we may
/// write.
fn copy(source: &Path, target: &Path) -> io::Result<File> {
    match fs::remove_file(target) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut copy = File::options().write(true).create_new(true).mode(0o600).open(target)?;
    io::copy(&mut file::open_regular(source)?, &mut copy)?;
    Ok(copy)
}

fn config_text(config: &Config, settings: &WorkspaceSettings) -> Vec<u8> {
    let mut text = b"[core]\n\trepositoryFormatVersion = 1\n\tbare = false\n\tprotectNTFS = false\n\
        \tprotectHFS = false\n\tsplitIndex = false\n\tuntrackedCache = keep\n\tsafecrlf = false\n"
        .to_vec();
    for key in TAKEN_OVER {
        if let Some(value) = config.get(key).filter(|value| is_word(value)) {
            let name = key.strip_prefix("core.").unwrap_or(key);
            text.extend_from_slice(format!("\t{name} = ").as_bytes());
            text.extend_from_slice(value.as_bytes());
            text.push(b'\n');
        }
    }
    let attributes = config.path("core.attributesfile", settings);
    // Git would wait for a pipe.
    let attributes = attributes.or_else(|| personal_file("attributes", settings));
    if let Some(file) = attributes.filter(|file| file.is_file()) {
        text.extend_from_slice(b"\tattributesFile = ");
        text.extend(quoted(&file, b"\n"));
    }
    if let Some(format) = config.get("extensions.objectformat").filter(|value| is_word(value)) {
        text.extend_from_slice(b"[extensions]\n\tobjectFormat = ");
        text.extend_from_slice(format.as_bytes());
        text.push(b'\n');
    }
    text
}

fn is_word(value: &OsStr) -> bool {
    value.as_bytes().iter().all(u8::is_ascii_alphanumeric)
}

/// A path in quotes, as git reads it in settings and in `alternates`.
fn quoted(path: &Path, end: &[u8]) -> Vec<u8> {
    let mut text = vec![b'"'];
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'"' | b'\\' => text.extend([b'\\', *byte]),
            b'\n' => text.extend(b"\\n"),
            _ => text.push(*byte),
        }
    }
    text.push(b'"');
    text.extend_from_slice(end);
    text
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_copy_of_what_may_only_be_read_can_be_written_and_made_again() {
        let dir = tempfile::TempDir::new().unwrap();
        let (source, target) = (dir.path().join("source"), dir.path().join("target"));
        for content in ["one", "two"] {
            fs::write(&source, content).unwrap();
            fs::set_permissions(&source, fs::Permissions::from_mode(0o444)).unwrap();
            copy(&source, &target).unwrap();
            assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(fs::read_to_string(&target).unwrap(), content);
            fs::remove_file(&source).unwrap();
        }
    }
}
