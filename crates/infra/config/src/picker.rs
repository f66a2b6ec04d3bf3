//! One value at a time: default, file, what an untrusted workspace may narrow, environment or flag.

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    files::Document,
    notice::Notice,
    source::{Shown, Source},
    system_file::{SystemFile, WorkflowLimits},
    trust::{Widening, is_smaller},
};

/// A setting of the system configuration.
pub(crate) struct Key<'k, T> {
    /// Its path in the file.
    pub(crate) path: &'k str,
    /// Its value in a file.
    pub(crate) get: &'k dyn Fn(&SystemFile) -> Option<T>,
    /// Its value where nobody says anything.
    pub(crate) default: T,
    /// Whether an untrusted workspace may set the first value where the second is in force.
    pub(crate) narrows: fn(&T, &T) -> bool,
    /// What such a workspace asks for otherwise.
    pub(crate) widening: Widening,
    /// What stands above every file: a flag, else the environment.
    pub(crate) above: Option<(T, Source)>,
}

/// A system configuration that has been read.
pub(crate) struct SystemLayer<'d> {
    pub(crate) document: &'d Document,
    pub(crate) file: SystemFile,
}

/// Picks values and remembers where each came from.
pub(crate) struct Picker<'p> {
    /// Counts in full.
    pub(crate) base: Option<SystemLayer<'p>>,
    /// May only narrow.
    pub(crate) workspace: Option<SystemLayer<'p>>,
    /// The person's own file where a trusted one has taken its place; counts by what it denies and asks about.
    pub(crate) replaced: Option<SystemLayer<'p>>,
    pub(crate) notices: &'p mut Vec<Notice>,
    pub(crate) shown: Vec<Shown>,
}

impl Picker<'_> {
    /// The value that is in force.
    pub(crate) fn pick<T: Clone + PartialEq + Serialize>(&mut self, key: Key<'_, T>) -> T {
        let mut value = key.default;
        let mut source = Source::Default;
        if let Some(layer) = &self.base
            && let Some(set) = (key.get)(&layer.file)
        {
            value = set;
            source = Source::File(layer.document.file.clone());
        }
        if let Some(layer) = &self.workspace
            && let Some(wanted) = (key.get)(&layer.file)
            && wanted != value
        {
            let file = layer.document.file.clone();
            if (key.narrows)(&wanted, &value) {
                value = wanted;
                source = Source::File(file);
            } else {
                let path = key.path.to_owned();
                self.notices.push(Notice::NotTrusted { file, path, widening: key.widening });
            }
        }
        if let Some((above, from)) = key.above {
            value = above;
            source = from;
        }
        self.shown.push(Shown { key: key.path.to_owned(), value: json!(value), source });
        value
    }

    /// Remembers a value that was found elsewhere.
    pub(crate) fn show(&mut self, key: &str, value: Value, source: Source) {
        self.shown.push(Shown { key: key.to_owned(), value, source });
    }

    /// A limit of `workflow_limits` that counts something.
    pub(crate) fn count(
        &mut self,
        name: &str,
        get: fn(&WorkflowLimits) -> Option<u32>,
        default: u32,
        above: Option<(u32, Source)>,
    ) -> u32 {
        self.pick(Key {
            path: &format!("workflow_limits.{name}"),
            get: &|file| get(&file.workflow_limits),
            default,
            narrows: is_smaller,
            widening: Widening::Limit,
            above,
        })
    }
}
