//! Which model back end answers whom: flags, credentials, endpoints, agents, and who stands in (spec O-3, O-8; P61).

use domain::agent::AgentName;

use super::*;
use crate::{Fallback, Provider, ProviderError};

const LOCAL: &str = "http://127.0.0.1:11434/v1";

/// What a provider is, in short, with what shows where it is asked and whether with a key.
fn told(provider: &Provider) -> String {
    let at = |base_url: &Option<String>| base_url.as_deref().unwrap_or("the vendor").to_owned();
    match provider {
        Provider::Anthropic { base_url, .. } => format!("anthropic at {}", at(base_url)),
        Provider::OpenAi { key, base_url } => {
            format!("openai at {}{}", at(base_url), if key.is_some() { " with a key" } else { "" })
        }
        Provider::Offline => "offline".to_owned(),
        Provider::Script(file) => format!("script:{}", file.display()),
    }
}

/// The world of `--provider` and of variables, each with its value.
fn world(wanted: Option<&str>, variables: &[(&str, &str)]) -> World {
    let flags = Overrides { provider: wanted.map(str::to_owned), ..Overrides::default() };
    variables
        .iter()
        .fold(World::new().with_flags(flags), |world, (name, value)| world.with_variable(name, value))
}

#[track_caller]
fn check(wanted: Option<&str>, variables: &[(&str, &str)], expected: &str) {
    let provider = world(wanted, variables).settings().provider();
    let provider = provider.as_ref().map_or_else(|error| error.to_string(), told);
    assert!(provider.starts_with(expected), "{wanted:?} {variables:?}: {provider}");
}

const KEY: (&str, &str) = ("ANTHROPIC_API_KEY", "k");
const OPENAI_KEY: (&str, &str) = ("OPENAI_API_KEY", "k");
const OPENAI_URL: (&str, &str) = ("OPENAI_BASE_URL", LOCAL);

/// O-8, contract 1: the order of the defaults.
#[test]
fn the_provider_is_the_one_asked_for_else_the_first_with_credentials_o_8() {
    check(None, &[OPENAI_KEY, KEY], "anthropic at the vendor");
    check(None, &[OPENAI_KEY], "openai at the vendor with a key");
    check(None, &[OPENAI_KEY, ("CLAUDE_CODE_OAUTH_TOKEN", "k")], "openai at the vendor with a key");
    check(Some("openai"), &[OPENAI_KEY, KEY], "openai at the vendor with a key");
    check(Some("offline"), &[], "offline");
    check(Some("script:이야기.json"), &[], "script:이야기.json");
}

/// O-3: a server of one's own needs no key, and naming one is enough; the vendor's own needs one.
#[test]
fn an_endpoint_of_ones_own_stands_for_a_key_and_the_vendors_does_not_o_3() {
    check(None, &[OPENAI_URL], "openai at http://127.0.0.1:11434/v1");
    check(None, &[OPENAI_URL, KEY], "anthropic");
    check(Some("openai"), &[OPENAI_URL, KEY], "openai at http://127.0.0.1:11434/v1");
    check(Some("openai"), &[OPENAI_URL, OPENAI_KEY], "openai at http://127.0.0.1:11434/v1 with a key");
    check(None, &[("OPENAI_BASE_URL", "http://llm.internal:8000/")], "openai at http://llm.internal:8000");
    for url in ["https://api.openai.com/v1", "https://API.openai.com:443", "https://api.openai.com"] {
        check(None, &[("OPENAI_BASE_URL", url)], "no credentials");
        check(Some("openai"), &[("OPENAI_BASE_URL", url)], "provider `openai` needs OPENAI_API_KEY");
        check(None, &[("OPENAI_BASE_URL", url), OPENAI_KEY], "openai at https://");
    }
}

#[test]
fn without_credentials_the_ways_out_are_said_o_8() {
    for (wanted, variables, begins) in [
        (
            None,
            &[][..],
            "no credentials for a model are set. Set ANTHROPIC_API_KEY for provider `anthropic` or",
        ),
        (
            Some("anthropic"),
            &[OPENAI_KEY],
            "provider `anthropic` needs ANTHROPIC_API_KEY, which is not set. Set",
        ),
        (Some("openai"), &[KEY], "provider `openai` needs OPENAI_API_KEY, which is not set. Set"),
        (
            None,
            &[("CLAUDE_CODE_OAUTH_TOKEN", "k")],
            "CLAUDE_CODE_OAUTH_TOKEN is set, but provider `claude-code` comes",
        ),
    ] {
        let error = world(wanted, variables).settings().provider().unwrap_err();
        let text = error.to_string();
        assert!(error.is_credentials() && text.starts_with(begins), "{text}");
        for way in ["OPENAI_API_KEY", "OPENAI_BASE_URL", "--provider script:FILE", "better-llm-cli demo"] {
            assert!(text.contains(way), "{way}: {text}");
        }
    }
}

#[test]
fn a_provider_that_is_nobody_is_told_from_one_that_comes_later() {
    let texts = ["claude-code", "replay:x", "antropic", "opnai"].map(|wanted| {
        let error = world(Some(wanted), &[KEY]).settings().provider().unwrap_err();
        assert!(!error.is_credentials());
        error.to_string()
    });
    let rest = "there are `anthropic`, `openai`, `offline` and `script:FILE`";
    assert_eq!(
        texts,
        [
            format!("provider `claude-code` comes with a later version; now {rest}"),
            format!("provider `replay:FILE` comes with a later version; now {rest}"),
            format!("`antropic` is no provider (did you mean `anthropic`?); {rest}"),
            format!("`opnai` is no provider (did you mean `openai`?); {rest}"),
        ]
    );
}

const TEAM: &str = r#"{"agents": [
    {"name": "planner", "role": "r", "tools": [], "provider": "anthropic"},
    {"name": "coder", "role": "r", "tools": []},
    {"name": "tester", "role": "r", "tools": [], "provider": "openai", "model": "qwen3"},
    {"name": "reviewer", "role": "r", "tools": [], "provider": "script:a.json"}]}"#;

fn of(settings: &Settings, agent: &str) -> Result<String, ProviderError> {
    let name = AgentName::try_from(agent.to_owned()).unwrap();
    settings.provider_of(&name).as_ref().map(told).map_err(Clone::clone)
}

/// O-3: mixed in one team.
#[test]
fn an_agent_has_the_provider_that_its_entry_names_and_the_flag_stands_above_all_o_3() {
    let all = ["manager", "planner", "coder", "tester", "reviewer"];
    let told = |flag: Option<&str>, variables: &[(&str, &str)]| {
        let world = world(flag, variables).with_given("agent_config.json", TEAM);
        let settings = world.settings();
        all.map(|agent| of(&settings, agent).unwrap_or_else(|error| error.to_string()))
    };
    let (anthropic, local) = ("anthropic at the vendor", "openai at http://127.0.0.1:11434/v1");
    assert_eq!(told(None, &[KEY, OPENAI_URL]), [anthropic, anthropic, anthropic, local, "script:a.json"]);
    assert_eq!(told(Some("openai"), &[KEY, OPENAI_URL]), [local; 5]);
    assert_eq!(told(Some("offline"), &[]), ["offline"; 5]);
    let [manager, planner, coder, tester, _] = told(None, &[OPENAI_URL]);
    assert_eq!([manager, coder, tester], [local; 3]);
    assert!(planner.starts_with("provider `anthropic` needs ANTHROPIC_API_KEY"), "{planner}");
    let settings = world(None, &[KEY]).with_given("agent_config.json", TEAM).settings();
    assert_eq!(settings.to_json()["agents.tester.provider"]["value"], "openai");
    assert_eq!(settings.to_json()["agents.coder.provider"]["value"], serde_json::Value::Null);
}

#[test]
fn an_agents_provider_that_is_none_is_a_problem_in_its_place() {
    let content = r#"{"agents": [
        {"name": "coder", "role": "r", "tools": [], "provider": "opnai"},
        {"name": "tester", "role": "r", "tools": [], "provider": "claude-code"}]}"#;
    let problems = World::new().with_given("agent_config.json", content).problems();
    assert_eq!(
        problems,
        [
            "작업/config/agent_config.json:3: `agents[1].provider`: belongs to the provider claude-code, which this \
          version does not have yet: remove it"
        ]
    );
    let problems =
        World::new().with_given("agent_config.json", &content.replace("claude-code", "script:")).problems();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(
        problems[0].starts_with(
            "작업/config/agent_config.json:2: `agents[0].provider`: `opnai` is no provider (did you mean `openai`?)"
        ),
        "{problems:?}"
    );
}

/// P61: what a repository brings does not decide where the code is sent.
#[test]
fn an_untrusted_workspace_chooses_no_provider_endpoint_or_stand_in_p61() {
    let system = r#"{"providers": {
        "anthropic": {"fallback": ["openai"]}, "openai": {"base_url": "http://evil", "fallback": ["anthropic"]}}}"#;
    let world = world(None, &[KEY])
        .with_work(".env", "OPENAI_BASE_URL=http://evil\n")
        .with_work(".better-llm/system_config.json", system)
        .with_work(
            ".better-llm/agent_config.json",
            r#"{"agents": [{"name": "coder", "role": "r", "tools": [], "provider": "openai"}]}"#,
        );
    let (settings, notices) = world.noticed();
    let provider = settings.provider().unwrap();
    assert_eq!(told(&provider), "anthropic at the vendor");
    assert_eq!(
        (of(&settings, "coder"), settings.fallbacks_of(&provider)),
        (Ok(told(&provider)), Ok(Vec::new()))
    );
    for ignored in [
        "작업/.env:1: OPENAI_BASE_URL was ignored",
        "작업/.better-llm/agent_config.json: `agents[0].provider` was ignored, because this folder is not trusted and \
         its files may not decide where model calls go",
        "`providers.openai.base_url` was ignored",
        "`providers.anthropic.fallback` was ignored",
        "`providers.openai.fallback` was ignored",
    ] {
        assert!(notices.iter().any(|notice| notice.contains(ignored)), "{ignored}: {notices:#?}");
    }
}

/// What a configuration's fallbacks of the manager's provider are.
fn fallbacks(content: &str, variables: &[(&str, &str)]) -> Result<Vec<Fallback>, ProviderError> {
    let settings = world(None, variables).with_given("system_config.json", content).settings();
    settings.fallbacks_of(&settings.provider().unwrap())
}

#[test]
fn those_who_stand_in_are_made_ready_in_their_order_or_the_session_does_not_begin() {
    let content = r#"{"providers": {"anthropic": {"fallback": ["anthropic/fast", "openai/org/qwen3", "openai"]},
        "openai": {"base_url": "http://127.0.0.1:11434/v1"}}}"#;
    let made = fallbacks(content, &[KEY]).unwrap();
    let made: Vec<_> = made.iter().map(|made| (told(&made.provider), made.model.as_deref())).collect();
    let local = format!("openai at {LOCAL}");
    assert_eq!(
        made,
        [
            ("anthropic at the vendor".to_owned(), Some("fast")),
            (local.clone(), Some("org/qwen3")),
            (local, None)
        ]
    );
    // Of a provider that nobody uses nothing is needed.
    assert_eq!(fallbacks(content, &[OPENAI_KEY]), Ok(Vec::new()));
    let missing = fallbacks(r#"{"providers": {"anthropic": {"fallback": ["openai"]}}}"#, &[KEY]).unwrap_err();
    assert!(missing.is_credentials(), "{missing}");
}

#[test]
fn a_stand_in_that_can_be_none_is_a_problem_in_its_place() {
    let content = r#"{"providers": {"anthropic": {"fallback":
        ["openai", "openai", "opnai", "anthropic", "openai/", "offline", "claude-code", "replay:x"]}}}"#;
    let problems = World::new().with_given("system_config.json", content).problems();
    let problems: Vec<&str> = problems
        .iter()
        .map(|problem| problem.split_once("`providers.anthropic.fallback").unwrap().1)
        .collect();
    let no_help =
        |name: &str| format!("`{name}` cannot answer instead of a provider; `anthropic` and `openai` can");
    assert_eq!(
        problems,
        [
            "[1]`: stands twice; keep one of them".to_owned(),
            "[2]`: `opnai` is no provider; did you mean `openai`?".to_owned(),
            "[3]`: `anthropic` is the provider itself; name another one, or another model of it, as in `anthropic/fast`"
                .to_owned(),
            "[4]`: `openai/` names no model after the `/`".to_owned(),
            format!("[5]`: {}", no_help("offline")),
            format!("[6]`: {}", no_help("claude-code")),
            format!("[7]`: {}", no_help("replay:x")),
        ]
    );
}

#[test]
fn an_endpoint_that_is_none_is_a_problem_and_not_repeated() {
    for (url, what) in [
        ("api.example.com/v1", "should begin with https:// or http://"),
        ("https://me:hush@host/v1", "should hold no user or password; the key belongs into OPENAI_API_KEY"),
        ("https:///v1", "should name a host, as in https://api.example.com"),
    ] {
        let problems = World::new().with_variable("OPENAI_BASE_URL", url).problems();
        assert_eq!(problems, [format!("environment variable OPENAI_BASE_URL: {what}")]);
    }
}

/// O-8: no value of a key is shown anywhere.
#[test]
fn no_key_is_printed_o_8() {
    let world = world(None, &[("OPENAI_API_KEY", "sk-비밀-하나")]);
    let settings = world.settings();
    assert_eq!(settings.openai_key().unwrap().secret.reveal(), "sk-비밀-하나");
    let everything = format!("{} {settings:?} {:?}", settings.to_json(), settings.provider());
    assert!(!everything.contains("비밀"), "{everything}");
    assert_eq!(settings.to_json()["OPENAI_API_KEY"]["value"], "set");
}
