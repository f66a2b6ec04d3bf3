//! Which files git ignores: `.gitignore` files, `info/exclude` and the person's excludes file, nearest first.
//!
//! Rules may change while work is watched, and whoever does the work may change them. So the rules of the first state
//! that was kept stay in force beside the present ones, and only what both ignore is ignored: new rules hide nothing.
//!
//! Outside of git, `.gitignore` files count all the same. Rules are compiled once and again only when their text
//! changes. Whether git *tracks* an ignored file is not this module's business.

use std::{
    collections::{HashMap, HashSet},
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

/// What is said of one path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Whether git ignores it.
    pub(crate) now: bool,
    /// Whether git ignored it, or would have, when the first state was kept.
    at_base: bool,
}

impl Verdict {
    /// Nobody looks at it.
    pub(crate) const fn is_ignored(self) -> bool {
        self.now && self.at_base
    }

    /// Git ignores it by now, and it is looked at all the same.
    pub(crate) const fn is_hidden(self) -> bool {
        self.now && !self.at_base
    }
}

/// Rules as they apply in one folder.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    now: Chain,
    at_base: Chain,
    /// What is said of the folder itself, and so of everything in it.
    folder: Verdict,
}

/// Rules of one time, nearest first.
#[derive(Debug, Clone, Default)]
struct Chain(Option<Arc<Layer>>);

#[derive(Debug)]
struct Layer {
    matcher: Arc<Gitignore>,
    /// How many bytes of a path, counted from the top of the work tree, lie above the folder of these rules.
    above: usize,
    outer: Option<Arc<Layer>>,
}

impl Chain {
    fn ignores(&self, path: &[u8], is_folder: bool) -> bool {
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

    fn address(&self) -> usize {
        self.0.as_ref().map_or(0, |layer| Arc::as_ptr(layer).addr())
    }
}

impl Rules {
    /// What the rules say of a path, counted from the top of the work tree.
    pub(crate) fn judge(&self, path: &[u8], is_folder: bool) -> Verdict {
        let now = self.folder.now || self.now.ignores(path, is_folder);
        let is_unchanged =
            self.now.address() == self.at_base.address() && self.folder.now == self.folder.at_base;
        let ignored_before = || self.folder.at_base || self.at_base.ignores(path, is_folder);
        Verdict { now, at_base: if is_unchanged { now } else { ignored_before() } }
    }

    /// The same rules in a folder of which `verdict` was said.
    pub(crate) fn below(&self, verdict: Verdict) -> Self {
        Self { folder: verdict, ..self.clone() }
    }

    /// Whether both are the very same rules. Rules that did not change between two walks stay the same.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let addresses = |rules: &Self| (rules.now.address(), rules.at_base.address());
        addresses(self) == addresses(other) && self.folder == other.folder
    }
}

/// The rules that counted when the first state was kept.
#[derive(Debug, Default)]
pub(crate) struct BaseRules {
    /// Of the files outside of the walked folders.
    outer: HashMap<PathBuf, Arc<Gitignore>>,
    /// By the path of the folder from the top of the work tree.
    folders: HashMap<Vec<u8>, Arc<Gitignore>>,
    /// Folders that were the tops of other repositories.
    nested: HashSet<Vec<u8>>,
    /// By their text, so that the same text gives the same rules later.
    compiled: HashMap<Vec<u8>, Arc<Gitignore>>,
}

/// A folder whose rules are asked for.
pub(crate) struct RuleFolder<'a> {
    /// From the top of the work tree, empty or with a slash at its end.
    pub(crate) path: &'a [u8],
    /// The folder, where it holds a `.gitignore`, or may.
    pub(crate) holder: Option<BorrowedFd<'a>>,
    /// Whether it is the top of another repository.
    pub(crate) is_nested: bool,
}

/// Compiled rules by the text they came from and by the place they count in, kept between walks.
#[derive(Debug, Default)]
struct Known {
    compiled: HashMap<Vec<u8>, Arc<Gitignore>>,
    /// By the addresses of matcher and outer rules, which the layer itself keeps alive.
    layers: HashMap<(usize, usize, usize), Chain>,
}

/// The rules of the last walk and of the one under way.
#[derive(Debug, Default)]
pub(crate) struct RuleBook {
    sources: RuleSources,
    /// None until the first state is kept; until then the present rules count alone.
    base: Option<Arc<BaseRules>>,
    before: Known,
    used: Known,
    /// What is to become `base`, of the last walk and of the one under way.
    seen_before: BaseRules,
    seen: BaseRules,
}

impl RuleBook {
    pub(crate) fn new(sources: RuleSources, base: Option<Arc<BaseRules>>) -> Self {
        let compiled = base.as_ref().map(|base| base.compiled.clone()).unwrap_or_default();
        Self { sources, base, before: Known { compiled, ..Known::default() }, ..Self::default() }
    }

    /// Makes the rules of the last walk those that later ones are measured by.
    pub(crate) fn keep_as_base(&mut self) -> Arc<BaseRules> {
        let compiled = self.before.compiled.clone();
        let base = Arc::new(BaseRules { compiled, ..std::mem::take(&mut self.seen_before) });
        self.base = Some(Arc::clone(&base));
        base
    }

    /// The rules above everything; `above` bytes of a path lie above where they begin.
    fn outermost(&mut self, above: usize) -> (Chain, Chain) {
        let (mut now, mut at_base) = (Chain::default(), Chain::default());
        for source in self.sources.files.clone() {
            let matcher = self.read(&source);
            now = self.layer(&now, Arc::clone(&matcher), above);
            at_base = match self.base.clone() {
                None => now.clone(),
                Some(base) => self.layer_of(&at_base, base.outer.get(&source), above),
            };
            self.seen.outer.insert(source, matcher);
        }
        (now, at_base)
    }

    /// The rules at the workspace: the outermost ones and those of the folders from the work tree's top down to
    /// it, without its own. `prefix` is the workspace's path from the top, empty or with a slash at its end.
    pub(crate) fn at_workspace(&mut self, prefix: &[u8]) -> Rules {
        let (now, at_base) = self.outermost(0);
        let mut rules = Rules { now, at_base, folder: Verdict::default() };
        let Some(top) = self.sources.top.clone() else { return rules };
        let mut above = 0;
        for part in prefix.split_inclusive(|byte| *byte == b'/') {
            let path = prefix.get(..above).unwrap_or_default();
            let matcher = self.read(&top.join(OsStr::from_bytes(path)).join(".gitignore"));
            rules = self.add(&rules, path, matcher);
            above = above.saturating_add(part.len());
        }
        rules
    }

    /// The rules inside a folder.
    pub(crate) fn in_folder(&mut self, outer: &Rules, folder: &RuleFolder<'_>) -> Rules {
        let mut outer = outer.clone();
        let was_nested = match &self.base {
            Some(base) => base.nested.contains(folder.path),
            None => folder.is_nested,
        };
        if folder.is_nested || was_nested {
            let (now, at_base) = self.outermost(folder.path.len());
            outer.now = if folder.is_nested { now } else { outer.now };
            outer.at_base = if was_nested { at_base } else { outer.at_base };
        }
        if folder.is_nested {
            self.seen.nested.insert(folder.path.to_vec());
        }
        let text = folder.holder.and_then(rules_in).unwrap_or_default();
        let matcher = self.compile(text);
        self.add(&outer, folder.path, matcher)
    }

    /// Adds the rules of a folder to those around it: the present ones that are given, and those of the base.
    fn add(&mut self, outer: &Rules, path: &[u8], matcher: Arc<Gitignore>) -> Rules {
        let now = self.layer(&outer.now, Arc::clone(&matcher), path.len());
        let at_base = match self.base.clone() {
            None => now.clone(),
            Some(base) => self.layer_of(&outer.at_base, base.folders.get(path), path.len()),
        };
        if matcher.is_empty() {
            self.seen.folders.remove(path);
        } else {
            self.seen.folders.insert(path.to_vec(), matcher);
        }
        Rules { now, at_base, folder: outer.folder }
    }

    /// Forgets rules that the walk which just ended did not use.
    pub(crate) fn end_of_walk(&mut self) {
        self.before = std::mem::take(&mut self.used);
        self.seen_before = std::mem::take(&mut self.seen);
    }

    fn read(&mut self, path: &Path) -> Arc<Gitignore> {
        self.compile(file::read_regular(path, LONGEST).unwrap_or_default())
    }

    fn compile(&mut self, text: Vec<u8>) -> Arc<Gitignore> {
        let known = self.used.compiled.get(&text).or_else(|| self.before.compiled.get(&text)).cloned();
        let matcher = known.unwrap_or_else(|| Arc::new(compiled(&text)));
        self.used.compiled.insert(text, Arc::clone(&matcher));
        matcher
    }

    fn layer_of(&mut self, outer: &Chain, matcher: Option<&Arc<Gitignore>>, above: usize) -> Chain {
        matcher.map_or_else(|| outer.clone(), |matcher| self.layer(outer, Arc::clone(matcher), above))
    }

    fn layer(&mut self, outer: &Chain, matcher: Arc<Gitignore>, above: usize) -> Chain {
        if matcher.is_empty() {
            return outer.clone();
        }
        let key = (Arc::as_ptr(&matcher).addr(), above, outer.address());
        let known = self.used.layers.get(&key).or_else(|| self.before.layers.get(&key)).cloned();
        let new = || Chain(Some(Arc::new(Layer { matcher, above, outer: outer.0.clone() })));
        let chain = known.unwrap_or_else(new);
        self.used.layers.insert(key, chain.clone());
        chain
    }
}

/// The text of a folder's `.gitignore`; git follows no link there.
fn rules_in(folder: BorrowedFd<'_>) -> Option<Vec<u8>> {
    file::Stat::of(folder, b".gitignore").ok().filter(|stat| !stat.is_link())?;
    file::read_in(folder, b".gitignore", LONGEST).ok()
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
