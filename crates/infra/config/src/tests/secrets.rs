//! What has to be hidden wherever it turns up, and the proxies of model calls.

use domain::secret::Secret;

use super::*;

fn secrets(settings: &Settings) -> Vec<&str> {
    settings.secrets().iter().map(Secret::reveal).collect()
}

#[test]
fn every_secret_that_was_read_is_known_whether_it_counts_or_not() {
    let mut world = World::new()
        .with_work(
            ".env",
            "ANTHROPIC_API_KEY=in-git\nDB_PASSWORD='비 밀'\nDATABASE_URL=postgres://me:p%21w@db/x\nA=b",
        )
        .with_own(".env", "OPENAI_API_KEY=sk-own")
        .with_variable("ANTHROPIC_API_KEY", "sk-real")
        .with_variable("github_token", "ghp_x")
        .with_variable("https_proxy", "http://me:hush@proxy:8080")
        .with_variable("GIT_AUTHOR_NAME", "me");
    world.tracked = true;
    let (settings, _) = world.noticed();
    let expected =
        ["sk-real", "ghp_x", "me:hush", "hush", "in-git", "비 밀", "me:p%21w", "p%21w", "p!w", "sk-own"];
    assert_eq!(secrets(&settings), expected);
    let everything = format!("{settings:?} {}", settings.to_json());
    assert_eq!(expected.iter().find(|secret| everything.contains(*secret)), None);
}

#[test]
fn proxies_come_from_the_environment_in_capitals_or_small_letters_and_from_no_file() {
    let world = World::new()
        .with_variable("http_proxy", "http://small:1")
        .with_variable("HTTPS_PROXY", "http://big:2")
        .with_variable("https_proxy", "http://small:2")
        .with_variable("no_proxy", "a.b, .c.d")
        .with_own(".env", "NO_PROXY=*");
    let (settings, notices) = world.noticed();
    let proxy = &settings.proxy;
    let [http, https] = [&proxy.http, &proxy.https].map(|address| address.as_ref().map(Secret::reveal));
    assert_eq!((http, https), (Some("http://small:1"), Some("http://big:2")));
    assert_eq!(proxy.exceptions.as_deref(), Some("a.b, .c.d"));
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert_eq!(source(&world, &settings, "HTTPS_PROXY"), "environment HTTPS_PROXY");
    assert_eq!(settings.to_json()["HTTPS_PROXY"]["value"], "set");
}
