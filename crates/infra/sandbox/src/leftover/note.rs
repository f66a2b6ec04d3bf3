//! The note of one session in `state/run`: a small file, 0600, there whole or not at all.
//!
//! It is written like `/proc/<pid>/environ`: `name=value`, each ended by a zero byte, so that paths of any bytes fit.
//! It outlives our death, not that of the machine, which ends the processes anyway; so nothing waits for the disk.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
    str::FromStr,
};

use super::{Leftovers, Owner};

/// Ends the name of every note; the number of its owner begins it.
const ENDING: &str = ".commands";
/// Ends the name of one that is being written.
const UNFINISHED: &str = ".commands.new";
/// More than the longest note: two paths and some numbers.
const LONGEST: u64 = 64 * 1024;
/// What the fields mean; another meaning gets another number.
const VERSION: &str = "1";

/// A note that is on disk. It goes when this goes.
#[derive(Debug)]
pub(crate) struct Note {
    place: PathBuf,
}

impl Note {
    /// Writes it.
    pub(crate) fn write(run_folder: &Path, leftovers: &Leftovers) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(run_folder)?;
        let name = leftovers.stem();
        let unfinished = run_folder.join(format!("{name}{UNFINISHED}"));
        let place = run_folder.join(format!("{name}{ENDING}"));
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(&text(leftovers))?;
        fs::rename(&unfinished, &place)?;
        Ok(Self { place })
    }

    /// The file.
    pub(crate) fn place(&self) -> &Path {
        &self.place
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.place) {
            tracing::warn!(note = %self.place.display(), %error, "the note of an ended session stays behind");
        }
    }
}

/// Removes a note, whoever was quicker.
pub(super) fn remove(place: &Path) -> io::Result<()> {
    match fs::remove_file(place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The notes in a folder. Those that a killed program had not finished are removed: nothing had been started yet.
pub(super) fn all(run_folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(run_folder) else { return Vec::new() };
    let mut notes = Vec::new();
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if name.ends_with(ENDING) {
            notes.push(entry.path());
        } else if name.ends_with(UNFINISHED) && !has_a_living_writer(name) {
            remove(&entry.path()).unwrap_or_default();
        }
    }
    notes
}

/// Whether whoever writes a file of this name lives.
pub(super) fn has_a_living_writer(name: &str) -> bool {
    let writer = name.split_once('-').and_then(|(pid, _)| pid.parse::<u32>().ok());
    writer.is_some_and(|pid| Path::new("/proc").join(pid.to_string()).exists())
}

/// The fields of a small file, by name.
pub(super) type Fields<'a> = BTreeMap<&'a [u8], &'a [u8]>;

/// Appends fields.
pub(super) fn write_fields(text: &mut Vec<u8>, fields: &[(&str, OsString)]) {
    for (name, value) in fields {
        text.extend_from_slice(name.as_bytes());
        text.push(b'=');
        text.extend_from_slice(value.as_bytes());
        text.push(0);
    }
}

/// Reads fields.
pub(super) fn read_fields(text: &[u8]) -> Fields<'_> {
    text.split(|byte| *byte == 0)
        .filter_map(|field| {
            let middle = field.iter().position(|byte| *byte == b'=')?;
            Some((field.get(..middle)?, field.get(middle + 1..)?))
        })
        .collect()
}

/// The fields that say whose a file is.
pub(super) fn fields_of(owner: &Owner) -> impl Iterator<Item = (&'static str, OsString)> {
    [
        ("version", VERSION.into()),
        ("boot", owner.boot.clone().into()),
        ("namespace", owner.namespace.clone().into()),
        ("pid", owner.pid.to_string().into()),
        ("started", owner.started.to_string().into()),
    ]
    .into_iter()
}

/// Whose a file is; none where it is damaged or of another version.
pub(super) fn owner_of(fields: &Fields<'_>) -> Option<Owner> {
    let field = |name: &str| fields.get(name.as_bytes()).copied();
    if field("version")? != VERSION.as_bytes() {
        return None;
    }
    Some(Owner {
        boot: value(field("boot")?)?,
        namespace: value(field("namespace")?)?,
        pid: value(field("pid")?)?,
        started: value(field("started")?)?,
    })
}

/// The path in a field.
pub(super) fn path_of(fields: &Fields<'_>, name: &str) -> Option<PathBuf> {
    fields.get(name.as_bytes()).map(|bytes| PathBuf::from(OsStr::from_bytes(bytes)))
}

fn text(leftovers: &Leftovers) -> Vec<u8> {
    let Leftovers { owner, mark, session, workspace, cache } = leftovers;
    let mut fields: Vec<(&str, OsString)> = fields_of(owner).collect();
    fields.extend(mark.map(|mark| ("mark", mark.to_string().into())));
    fields.push(("session", session.to_string().into()));
    fields.push(("workspace", workspace.into()));
    fields.push(("cache", cache.into()));
    let mut text = Vec::new();
    write_fields(&mut text, &fields);
    text
}

/// Reads a note. One that is damaged is an error of kind [`io::ErrorKind::InvalidData`].
pub(super) fn read(place: &Path) -> io::Result<Leftovers> {
    let mut text = Vec::new();
    File::open(place)?.take(LONGEST).read_to_end(&mut text)?;
    parse(&text).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidData, "the note is damaged or of another version")
    })
}

fn parse(text: &[u8]) -> Option<Leftovers> {
    let fields = read_fields(text);
    Some(Leftovers {
        owner: owner_of(&fields)?,
        mark: match fields.get("mark".as_bytes()) {
            Some(mark) => Some(value(mark)?),
            None => None,
        },
        session: value(fields.get("session".as_bytes())?)?,
        workspace: path_of(&fields, "workspace")?,
        cache: path_of(&fields, "cache")?,
    })
}

fn value<T: FromStr>(bytes: &[u8]) -> Option<T> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mark::Marks;

    fn leftovers(workspace: &OsStr, mark: bool) -> Leftovers {
        Leftovers {
            owner: Owner { boot: "b".to_owned(), namespace: "pid:[1]".to_owned(), pid: 7, started: 99 },
            mark: Marks::new().filter(|_| mark).map(|marks| marks.of_session()),
            session: "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().expect("a session id"),
            workspace: PathBuf::from(workspace),
            cache: PathBuf::from("/캐시/a=b"),
        }
    }

    fn check(note: &Leftovers) {
        let text = text(note);
        assert_eq!(format!("{:?}", parse(&text)), format!("{:?}", Some(note)));
        // Cut anywhere it is damaged, never another note.
        for end in 0..text.len() - 1 {
            let cut = parse(text.get(..end).expect("shorter"));
            assert!(cut.is_none_or(|cut| cut.cache != note.cache), "cut at {end}");
        }
    }

    #[test]
    fn a_note_says_again_what_was_written() {
        check(&leftovers("/작업 공간\n=".as_ref(), true));
        check(&leftovers(OsStr::from_bytes(b"/\xFF\xFE"), false));
    }

    #[test]
    fn a_note_is_private_goes_with_its_owner_and_leaves_nothing_half_written() {
        use std::os::unix::fs::PermissionsExt;

        let root = tempfile::tempdir().expect("a folder");
        let run = root.path().join("state/run");
        let note = Note::write(&run, &leftovers("/w".as_ref(), true)).expect("it is written");
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(&run), mode(note.place())), (0o700, 0o600));
        assert_eq!(all(&run), [note.place()]);
        drop(note);
        assert_eq!(fs::read_dir(&run).expect("a folder").count(), 0);
    }

    #[test]
    fn what_a_dead_writer_had_not_finished_is_removed() {
        let run = tempfile::tempdir().expect("a folder");
        let own = run.path().join(format!("{}-X{UNFINISHED}", std::process::id()));
        let dead = run.path().join(format!("{}-X{UNFINISHED}", u32::MAX));
        for place in [&own, &dead] {
            fs::write(place, "version=1").expect("a file");
        }
        assert!(all(run.path()).is_empty());
        assert_eq!((own.exists(), dead.exists()), (true, false));
    }
}
