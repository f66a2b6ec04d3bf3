//! `always`: what a person allowed in a workspace is there the next time (contract 5, `permission_answered`).

use domain::{
    permission::{Effect, Rule},
    ports::GrantPort,
};

use super::*;

fn allow(argument: String) -> Rule {
    Rule { effect: Effect::Allow, tool: "bash".to_owned(), argument: Some(argument), agent: None }
}

#[test]
fn what_was_allowed_for_good_comes_back_with_its_place() {
    let world = World::new();
    let rule = allow("npm test 한글".to_owned());
    let grants = world.settings().grants();
    grants.keep(&rule).unwrap();
    grants.keep(&rule).unwrap();
    let settings = world.settings();
    let file = world.shortened(&settings.trust().kept_in().display().to_string());
    assert_eq!(settings.rules.iter().map(|sourced| &sourced.rule).collect::<Vec<_>>(), [&rule]);
    assert_eq!(source(&world, &settings, "permissions.rules[0]"), file);

    // In another workspace nothing was allowed.
    let home = world.own("").parent().unwrap().parent().unwrap().to_owned();
    let other = World::new().with_variable("XDG_CONFIG_HOME", home.join(".config").to_str().unwrap());
    assert_eq!(other.settings().rules, []);
}

#[test]
fn sessions_side_by_side_lose_no_grant_and_no_trust() {
    let world = World::new().with_work(".better-llm/system_config.json", "{}");
    std::thread::scope(|scope| {
        for session in 0..4 {
            let world = &world;
            scope.spawn(move || {
                for number in 0..8 {
                    let settings = world.load().unwrap().settings;
                    settings.grants().keep(&allow(format!("{session} {number}"))).unwrap();
                    if session == 0 {
                        settings.trust().grant().unwrap();
                    }
                }
            });
        }
    });
    let settings = world.settings();
    assert_eq!((settings.rules.len(), settings.trust().state()), (32, &crate::trust::TrustState::Trusted));
    let folder = fs::read_dir(world.own("workspaces")).unwrap();
    assert_eq!(folder.count(), 2, "the file and its lock");
}

#[test]
fn a_rule_that_says_nothing_or_does_not_fit_is_not_kept() {
    let world = World::new();
    let grants = world.settings().grants();
    let error = grants.keep(&allow(" ".to_owned())).unwrap_err();
    assert!(error.place.contains("/workspaces/"), "{error}");
    let error = grants.keep(&allow("x".repeat(300_000))).unwrap_err();
    assert!(error.source.to_string().contains("is full"), "{}", error.source);
    assert_eq!(world.settings().rules, []);
}

#[test]
fn an_agent_that_is_gone_makes_no_kept_rule_an_error() {
    let world = World::new();
    let agent = domain::agent::AgentName::parse("front-end").unwrap();
    let rule = Rule { agent: Some(agent), ..allow("npm test".to_owned()) };
    world.settings().grants().keep(&rule).unwrap();
    assert_eq!(world.settings().rules.len(), 1);
}
