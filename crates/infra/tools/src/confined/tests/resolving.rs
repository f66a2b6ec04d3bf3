//! Any path at all: refused, or inside.

use proptest::prelude::*;

use super::*;
use crate::fuzzing;

/// A tree with links of every kind; what they lead to outside holds [`SECRET`].
fn tree() -> Workspace {
    let workspace = Workspace::new();
    workspace.put("a/b/file", "inside");
    workspace.put("한/글", "inside");
    for (path, target) in [
        ("link", "a"),
        ("a/up", ".."),
        ("a/b/far", "../../한"),
        ("out", "../outside"),
        ("a/out", "../../outside/secret.txt"),
        ("a/b/evil", "../../../repo-evil"),
        ("root", "/"),
        ("proc", "/proc/self/root"),
        ("loop", "loop"),
        ("ping", "pong"),
        ("pong", "ping"),
        ("through", "link/up/../repo/a"),
        ("a/around", "../../repo/a/b"),
        ("dangling", "nothing/here"),
    ] {
        workspace.link(path, target);
    }
    workspace.link("absolute", workspace.outside("outside"));
    workspace.link("home", workspace.path("a"));
    workspace
}

const NAMES: &str = "(/|[.][.]|[.]|a|b|file|up|link|out|far|evil|root|proc|loop|ping|through|around|absolute|home|\
                     한|글|secret[.]txt|etc|passwd|outside|repo|repo-evil|\u{1112}\u{1161}\u{11ab}|\0|~| |dangling)";

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// P01, P03, P04: whatever path is written, what is opened lies in the workspace, and both ways of resolving find
    /// the same file.
    #[test]
    fn a_path_is_refused_or_leads_inside(names in prop::collection::vec(NAMES, 0..12), starts_at in 0_usize..3) {
        thread_local! {
            static TREE: (Workspace, fuzzing::Resolver) = {
                let workspace = tree();
                let resolver = fuzzing::Resolver::open(workspace.root()).expect("a folder");
                (workspace, resolver)
            };
        }
        TREE.with(|(workspace, resolver)| {
            let root = std::fs::canonicalize(workspace.root()).expect("a folder");
            let beginning = ["", "/", root.to_str().expect("UTF-8")][starts_at];
            let path = format!("{beginning}/{}", names.join("/"));
            let path = if starts_at == 0 { path.trim_start_matches('/') } else { &path };
            let resolved = resolver.resolve(path).map_err(TestCaseError::fail)?;
            if let Some(resolved) = resolved {
                prop_assert!(resolved.real.starts_with(&root), "{path:?} {resolved:?}");
                prop_assert!(resolved.beginning.is_none_or(|bytes| bytes == b"inside"), "{path:?}");
            }
            if resolver.would_write(path) {
                let relative = path.strip_prefix(root.to_str().expect("UTF-8")).unwrap_or(path);
                let mut at = root.clone();
                for name in relative.split('/').filter(|name| !matches!(*name, "" | ".")) {
                    if name == ".." {
                        at.pop();
                    } else {
                        at.push(name);
                    }
                }
                prop_assert!(at.starts_with(&root), "{path:?}");
                let is_link = |path: &Path| path.is_symlink() && path != root;
                prop_assert!(!at.ancestors().take_while(|path| path.starts_with(&root)).any(is_link), "{path:?}");
            }
            Ok(())
        })?;
    }
}

#[test]
fn what_leads_inside_is_found_and_what_leads_out_is_not() {
    let workspace = tree();
    let root = std::fs::canonicalize(workspace.root()).expect("a folder");
    for (path, expected) in [
        ("a/b/file", Some("a/b/file")),
        ("link/b/file", Some("a/b/file")),
        ("a/up/link/b/far/글", Some("한/글")),
        ("a/../link/b", Some("a/b")),
        ("", Some("")),
        ("through", None),
        ("a/around", None),
        ("out/secret.txt", None),
        ("a/out", None),
        ("root/etc/passwd", None),
        ("proc/etc/passwd", None),
        ("absolute", None),
        ("home/b/file", None),
        ("loop", None),
        ("ping", None),
        ("dangling", None),
    ] {
        let resolved = fuzzing::resolve(workspace.root(), path).expect("both agree");
        let expected: Option<PathBuf> =
            expected.map(|path| root.iter().chain(Path::new(path).iter()).collect());
        assert_eq!(resolved, expected, "{path}");
    }
}
