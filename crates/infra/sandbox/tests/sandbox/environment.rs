//! The environment of commands.

use std::collections::BTreeMap;

use better_llm_sandbox::Requested;
use domain::permission::SandboxLevel;

use crate::support::{ALL, Bench, KEY, SESSION, WALLED, result};

/// The variables a command sees, of the shell's own making left out.
async fn seen(bench: &Bench, level: SandboxLevel) -> Option<BTreeMap<String, String>> {
    let sandbox = bench.at(level).await?;
    let (_, environment) = result(&sandbox, "exec env").await;
    let (_, of_process) = result(&sandbox, "tr '\\0' '\\n' < /proc/$$/environ").await;
    assert!(!environment.contains(KEY) && !of_process.contains(KEY));
    let seen = environment.lines().filter_map(|line| line.split_once('='));
    let shells_own = ["PWD", "OLDPWD", "SHLVL", "_"];
    Some(
        seen.filter(|(name, _)| !shells_own.contains(name))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    )
}

fn expected(bench: &Bench, own: &[(&str, String)]) -> BTreeMap<String, String> {
    let shared = [
        ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
        ("LANG", "C.UTF-8".to_owned()),
        ("LC_TIME", "ko_KR.UTF-8".to_owned()),
        ("TERM", "dumb".to_owned()),
        ("GIT_OPTIONAL_LOCKS", "0".to_owned()),
        ("TMPDIR", format!("{}/tmp/{SESSION}", toolchains(bench))),
    ];
    shared.iter().chain(own).map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn toolchains(bench: &Bench) -> String {
    let mut folders = std::fs::read_dir(bench.home.join("cache/toolchains")).expect("the folder");
    folders.next().expect("a workspace").expect("its name").path().display().to_string()
}

/// P23
#[tokio::test]
async fn a_walled_in_command_sees_the_allow_list_and_its_own_caches() {
    for level in WALLED {
        let bench = Bench::new();
        let Some(seen) = seen(&bench, level).await else { continue };
        let at = |place: &str| format!("{}/{place}", toolchains(&bench));
        let own = [
            ("HOME", at("home")),
            ("CARGO_HOME", at("caches/cargo")),
            ("npm_config_cache", at("caches/npm")),
            ("PIP_CACHE_DIR", at("caches/pip")),
            ("GOPATH", at("caches/go")),
            ("GOMODCACHE", at("caches/go/pkg/mod")),
            ("GOCACHE", at("caches/go-build")),
            ("MAVEN_OPTS", format!("-Dmaven.repo.local={}", at("caches/maven"))),
            ("TAR_OPTIONS", "--no-same-owner".to_owned()),
        ];
        let across = ("GIT_DISCOVERY_ACROSS_FILESYSTEM", "1".to_owned());
        let own: Vec<_> = own.into_iter().chain((level == SandboxLevel::Strict).then_some(across)).collect();
        assert_eq!(seen, expected(&bench, &own), "{level:?}");
    }
}

/// P23: what a person passes, and nothing that the sandbox decides itself.
#[tokio::test]
async fn a_named_variable_passes_at_every_level_and_moves_no_folder() {
    for level in ALL {
        let bench = Bench::new();
        let mut settings = bench.settings(Requested::Level(level));
        settings
            .environment
            .extend([("DATABASE_URL", "db:가"), ("UNNAMED", "x")].map(|(a, b)| (a.into(), b.into())));
        settings.environment.push(("TMPDIR".into(), "/nowhere".into()));
        settings.pass_env = ["DATABASE_URL", "TMPDIR", "NOT_SET", ""].map(Into::into).to_vec();
        let Some(sandbox) = bench.with(settings).await else { continue };
        let command = "echo \"$DATABASE_URL|$UNNAMED|${NOT_SET-unset}|${TMPDIR##*/}\"";
        assert_eq!(result(&sandbox, command).await.1, format!("db:가||unset|{SESSION}\n"), "{level:?}");
    }
}

#[tokio::test]
async fn no_credential_of_ours_passes_whoever_asks() {
    for requested in [Requested::Auto].into_iter().chain(ALL.map(Requested::Level)) {
        for name in ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN"] {
            let bench = Bench::new();
            let mut settings = bench.settings(requested);
            settings.pass_env = vec![name.into()];
            let sandbox = better_llm_sandbox::Sandbox::new(settings);
            let error = sandbox.check().await.expect_err("it is refused").to_string();
            assert!(error.starts_with(name) && error.contains("--pass-env"), "{error}");
        }
    }
}

/// P23
#[tokio::test]
async fn a_command_without_a_sandbox_sees_the_allow_list_and_the_home() {
    let bench = Bench::new();
    let Some(seen) = seen(&bench, SandboxLevel::None).await else { return };
    assert_eq!(seen, expected(&bench, &[("HOME", bench.home.display().to_string())]));
}

#[tokio::test]
async fn installed_tool_chains_are_found_from_the_other_home() {
    for level in WALLED {
        let bench = Bench::new();
        let rustup = bench.home.join(".rustup");
        std::fs::create_dir(&rustup).expect("a tool chain");
        std::fs::write(rustup.join("settings"), "stable").expect("its settings");
        let programs = bench.home.join(".cargo/bin");
        std::fs::create_dir_all(&programs).expect("its programs");
        std::fs::write(programs.join("proxy"), "").expect("a program");
        std::fs::write(bench.home.join(".cargo/credentials.toml"), KEY).expect("a key");
        let Some(sandbox) = bench.at(level).await else { continue };
        let (_, output) = result(&sandbox, "cat \"$RUSTUP_HOME/settings\"").await;
        assert_eq!(output, "stable");
        let cargo = crate::support::quoted(&bench.home.join(".cargo"));
        let (_, output) =
            result(&sandbox, &format!("ls {cargo}/bin; cat {cargo}/credentials.toml || echo refused")).await;
        assert!(output.starts_with("proxy\n") && output.ends_with("refused\n"), "{output}");
    }
}
