//! A crate depends on strictly lower ranks only; siblings never see each other.

use std::{collections::BTreeMap, process::Command};

use serde_json::Value;

/// The packages and their ranks; those above 4 ship with nothing. A new package needs a place here.
const RANKS: [(&str, u8); 15] = [
    ("better-llm-domain", 0),
    ("better-llm-application", 1),
    ("better-llm-config", 2),
    ("better-llm-llm", 2),
    ("better-llm-sandbox", 2),
    ("better-llm-socket", 2),
    ("better-llm-storage", 2),
    ("better-llm-tools", 2),
    ("better-llm-workspace", 2),
    ("better-llm", 3),
    ("better-llm-cli", 4),
    ("better-llm-testkit", 5),
    ("better-llm-benches", 6),
    ("better-llm-fuzz-targets", 6),
    ("better-llm-tests", 6),
];

/// What a package may never need to run, though its rank would allow it.
const NEVER: [(&str, &[&str]); 14] = [
    (
        "better-llm-domain",
        &["tokio", "tokio-util", "reqwest", "rusqlite", "rustix", "libc", "getrandom", "tracing"],
    ),
    ("better-llm-application", &["reqwest", "rusqlite", "rustix", "libc", "getrandom"]),
    ("better-llm-config", &["better-llm-application", "tokio", "reqwest"]),
    ("better-llm-llm", &["better-llm-application"]),
    ("better-llm-sandbox", &["better-llm-application", "reqwest"]),
    ("better-llm-socket", &["better-llm-application", "reqwest", "rusqlite"]),
    ("better-llm-storage", &["better-llm-application", "reqwest"]),
    ("better-llm-tools", &["better-llm-application", "reqwest"]),
    ("better-llm-workspace", &["better-llm-application", "reqwest"]),
    ("better-llm", &["clap", "lexopt", "ratatui"]),
    (
        "better-llm-cli",
        &["better-llm-application", "better-llm-config", "better-llm-llm", "better-llm-sandbox"],
    ),
    (
        "better-llm-cli",
        &[
            "better-llm-socket",
            "better-llm-storage",
            "better-llm-tools",
            "better-llm-workspace",
            "reqwest",
            "rusqlite",
        ],
    ),
    ("better-llm-testkit", &["better-llm-application", "better-llm"]),
    ("better-llm-tests", &["better-llm-testkit"]),
];

/// Each package with what it needs to run.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(better_llm_tests::root())
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let named = packages.iter().map(|package| {
        let needed = package["dependencies"].as_array().expect("dependencies").iter();
        let to_run = needed.filter(|dependency| dependency["kind"].is_null());
        let names = to_run.map(|dependency| dependency["name"].as_str().expect("a name").to_owned());
        (package["name"].as_str().expect("a name").to_owned(), names.collect())
    });
    named.collect()
}

#[test]
fn every_package_has_a_rank() {
    let mut ranked: Vec<&str> = RANKS.iter().map(|(name, _)| *name).collect();
    ranked.sort_unstable();
    assert_eq!(dependencies().keys().map(String::as_str).collect::<Vec<_>>(), ranked);
}

#[test]
fn dependencies_go_to_strictly_lower_ranks() {
    let rank = |name: &str| RANKS.iter().find(|(ranked, _)| *ranked == name).map(|(_, rank)| *rank);
    for (package, needed) in dependencies() {
        let own = rank(&package).expect("a rank");
        for dependency in needed {
            if let Some(theirs) = rank(&dependency) {
                assert!(theirs < own, "{package} (rank {own}) needs {dependency} (rank {theirs})");
            }
        }
    }
}

#[test]
fn layers_stay_free_of_what_is_not_theirs() {
    let dependencies = dependencies();
    for (package, never) in NEVER {
        for dependency in &dependencies[package] {
            assert!(!never.contains(&dependency.as_str()), "{package} needs {dependency}");
        }
    }
}

/// The heart of the program can be read in an afternoon because little is needed to understand it.
#[test]
fn the_domain_needs_a_handful_of_small_crates() {
    let allowed = [
        "async-trait",
        "futures-core",
        "humantime",
        "icu_normalizer",
        "icu_properties",
        "schemars",
        "serde",
        "serde_json",
        "strsim",
        "thiserror",
        "ulid",
        "unicode-security",
        "unicode-segmentation",
        "unicode-width",
    ];
    for dependency in &dependencies()["better-llm-domain"] {
        assert!(allowed.contains(&dependency.as_str()), "better-llm-domain needs {dependency}");
    }
}
