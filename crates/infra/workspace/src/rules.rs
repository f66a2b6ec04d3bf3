//! Which files git ignores: `.gitignore` files, `info/exclude` and the person's excludes file, nearest first.
//!
//! Outside of git, `.gitignore` files count all the same. Rules are compiled once and again only when their text
//! changes. Whether git *tracks* an ignored file is not this module's business.

use std::{
    collections::HashMap,
    ffi::OsStr,
    os::{fd::BorrowedFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use ignore::{
    Match,
    gitignore::{Gitignore, GitignoreBuilder},
};

use crate::file;

/// Longer rule files are read as if they were empty; nothing is ignored that git does not ignore.
const LONGEST: u64 = 1 << 20;

/// Where the rules that lie outside of the walked folders come from.
#[derive(Debug, Clone, Default)]
pub(crate) struct RuleSources {
    /// The person's excludes file, then `info/exclude`: later ones win.
    pub(crate) files: Vec<PathBuf>,
    /// The top of git's work tree.
    pub(crate) top: Option<PathBuf>,
}

/// Rules as they apply in one folder.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules(Option<Arc<Layer>>);

#[derive(Debug)]
struct Layer {
    matcher: Arc<Gitignore>,
    /// How many bytes of a path, counted from the top of the work tree, lie above the folder of these rules.
    above: usize,
    outer: Option<Arc<Layer>>,
}

impl Rules {
    /// Whether a path, counted from the top of the work tree, is ignored.
    pub(crate) fn ignore(&self, path: &[u8], is_folder: bool) -> bool {
        let mut layer = self.0.as_ref();
        while let Some(here) = layer {
            let inner = Path::new(OsStr::from_bytes(path.get(here.above..).unwrap_or_default()));
            match here.matcher.matched(inner, is_folder) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => layer = here.outer.as_ref(),
            }
        }
        false
    }

    /// Whether both are the very same rules. Rules that did not change between two walks stay the same.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.address() == other.address()
    }

    fn address(&self) -> usize {
        self.0.as_ref().map_or(0, |layer| Arc::as_ptr(layer).addr())
    }
}

/// Compiled rules by the text they came from and by the place they count in, kept between walks.
#[derive(Debug, Default)]
struct Known {
    compiled: HashMap<Vec<u8>, Arc<Gitignore>>,
    /// By the addresses of matcher and outer rules, which the layer itself keeps alive.
    layers: HashMap<(usize, usize, usize), Rules>,
}

/// The rules of the last walk and of the one under way.
#[derive(Debug, Default)]
pub(crate) struct RuleBook {
    sources: RuleSources,
    before: Known,
    used: Known,
}

impl RuleBook {
    pub(crate) fn new(sources: RuleSources) -> Self {
        Self { sources, ..Self::default() }
    }

    /// The rules above everything; `above` bytes of a path lie above where they begin.
    pub(crate) fn outermost(&mut self, above: usize) -> Rules {
        let mut rules = Rules::default();
        for source in self.sources.files.clone() {
            let matcher = self.read(&source);
            rules = self.layer(&rules, matcher, above);
        }
        rules
    }

    /// The rules at the workspace: the outermost ones and those of the folders from the work tree's top down to
    /// it, without its own. `prefix` is the workspace's path from the top, empty or with a slash at its end.
    pub(crate) fn at_workspace(&mut self, prefix: &[u8]) -> Rules {
        let mut rules = self.outermost(0);
        let Some(top) = self.sources.top.clone() else { return rules };
        let mut above = 0;
        for part in prefix.split_inclusive(|byte| *byte == b'/') {
            let folder = prefix.get(..above).unwrap_or_default();
            let matcher = self.read(&top.join(OsStr::from_bytes(folder)).join(".gitignore"));
            rules = self.layer(&rules, matcher, above);
            above = above.saturating_add(part.len());
        }
        rules
    }

    /// The rules inside a folder that holds a `.gitignore`.
    pub(crate) fn in_folder(&mut self, outer: &Rules, folder: BorrowedFd<'_>, above: usize) -> Rules {
        let text = file::Stat::of(folder, b".gitignore")
            .ok()
            .filter(|stat| !stat.is_link())
            .and_then(|_| file::read_in(folder, b".gitignore", LONGEST).ok());
        let matcher = self.compile(text.unwrap_or_default());
        self.layer(outer, matcher, above)
    }

    /// Forgets rules that the walk which just ended did not use.
    pub(crate) fn end_of_walk(&mut self) {
        self.before = std::mem::take(&mut self.used);
    }

    fn read(&mut self, path: &Path) -> Arc<Gitignore> {
        let is_small = std::fs::metadata(path).is_ok_and(|data| data.is_file() && data.len() <= LONGEST);
        let text = if is_small { std::fs::read(path).unwrap_or_default() } else { Vec::new() };
        self.compile(text)
    }

    fn compile(&mut self, text: Vec<u8>) -> Arc<Gitignore> {
        let known = self.used.compiled.get(&text).or_else(|| self.before.compiled.get(&text)).cloned();
        let matcher = known.unwrap_or_else(|| Arc::new(compiled(&text)));
        self.used.compiled.insert(text, Arc::clone(&matcher));
        matcher
    }

    fn layer(&mut self, outer: &Rules, matcher: Arc<Gitignore>, above: usize) -> Rules {
        if matcher.is_empty() {
            return outer.clone();
        }
        let key = (Arc::as_ptr(&matcher).addr(), above, outer.address());
        let known = self.used.layers.get(&key).or_else(|| self.before.layers.get(&key)).cloned();
        let new = || Rules(Some(Arc::new(Layer { matcher, above, outer: outer.0.clone() })));
        let rules = known.unwrap_or_else(new);
        self.used.layers.insert(key, rules.clone());
        rules
    }
}

fn compiled(text: &[u8]) -> Gitignore {
    // Paths are always given relative to the folder of the rules, so the builder must strip nothing.
    let mut builder = GitignoreBuilder::new(".");
    let text = String::from_utf8_lossy(text);
    for line in text.trim_start_matches('\u{feff}').split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if let Err(error) = builder.add_line(None, line) {
            tracing::debug!(line, %error, "a line of an ignore file is no pattern and ignores nothing");
        }
    }
    builder.build().unwrap_or_else(|error| {
        tracing::warn!(%error, "an ignore file could not be used; nothing is ignored by it");
        Gitignore::empty()
    })
}
