//! The most that a session, a run or a call may do. It only shrinks on the way down (law 6).

use std::sync::Arc;

use super::{
    Leave, PermissionMode, SandboxState,
    rule::{CallFacts, Effect, Rule, Rules},
};
use crate::tool::Access;

/// What one level of the way down allows: a mode, and the rules that go before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Decides where no rule does.
    pub mode: PermissionMode,
    /// The rules.
    pub rules: Rules,
}

impl Policy {
    /// A mode without rules.
    #[must_use]
    pub fn of(mode: PermissionMode) -> Self {
        Self { mode, rules: Rules::default() }
    }

    /// Rules first, then the mode's row. A rule that allows lifts asking; what the mode or a missing sandbox forbids,
    /// it does not lift.
    fn decide(&self, call: CallFacts<'_>, access: Access, sandbox: &SandboxState) -> Ruling {
        let by_mode = super::leave(self.mode, access, sandbox);
        let mode = || format!("permission mode `{}`", self.mode.as_str());
        let Some(decided) = self.rules.decide(call) else { return Ruling { leave: by_mode, by: mode() } };
        let by = format!("the rule `{}`", decided.rule);
        let leave = match (decided.effect, by_mode) {
            (_, Leave::Denied(text)) => return Ruling { leave: Leave::Denied(text), by: mode() },
            (Effect::Deny, _) => Leave::Denied(format!(
                "{by} of the configuration forbids it. A person who wants it takes the rule out of \
                 `permissions.rules`; `better-llm-cli permissions explain` shows where it stands."
            )),
            (Effect::Ask, _) if !decided.is_sure => Leave::Ask(format!(
                "{by} may be about this command, and its text does not say for sure: it makes words that are not \
                 written in it"
            )),
            (Effect::Ask, _) => Leave::Ask(format!("{by} asks first")),
            (Effect::Allow, _) => Leave::Granted,
        };
        Ruling { leave, by }
    }
}

/// What was decided about a call, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// The decision.
    pub leave: Leave,
    /// The rule or the mode that decided, in words for people.
    pub by: String,
}

/// Every policy on the way from the session down to whoever calls. The narrowest of them decides.
///
/// There is no way to take one away: only a person's own leave lifts the topmost, and nothing else is ever lifted.
#[derive(Debug, Clone)]
pub struct Ceiling(Arc<[Arc<Policy>]>);

impl Ceiling {
    /// The session's own.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self([Arc::new(policy)].into())
    }

    /// The same, and one more rule of the person's at the top: what they agreed to since.
    #[must_use]
    pub fn with_leave(&self, rule: Rule) -> Self {
        let mut policies = self.0.iter().cloned();
        let top = policies.next().map(|top| {
            let mut top = Policy::clone(&top);
            top.rules.add(rule);
            Arc::new(top)
        });
        Self(top.into_iter().chain(policies).collect())
    }

    /// The same, and `policy` below it.
    #[must_use]
    pub fn lowered(&self, policy: Policy) -> Self {
        Self(self.0.iter().cloned().chain([Arc::new(policy)]).collect())
    }

    /// Whether a call may run: what the narrowest policy says, the one highest up where several say the same.
    #[must_use]
    pub fn decide(&self, call: CallFacts<'_>, access: Access, sandbox: &SandboxState) -> Ruling {
        let mut rulings = self.0.iter().map(|policy| policy.decide(call, access, sandbox));
        let nothing =
            || Ruling { leave: Leave::Denied("nothing is allowed".to_owned()), by: "no policy".to_owned() };
        let first = rulings.next().unwrap_or_else(nothing);
        rulings.fold(first, |narrowest, next| {
            if next.leave.narrowness() > narrowest.leave.narrowness() { next } else { narrowest }
        })
    }

    /// The rules that are about some calls of a tool by an agent, not about all of them.
    pub fn rules_with_arguments(&self, facts: CallFacts<'_>) -> impl Iterator<Item = &Rule> {
        self.rules().filter(move |rule| {
            rule.argument.is_some() && rule.is_about(facts.agent) && rule.names(facts.tool)
        })
    }

    /// Every rule on the way.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter().flat_map(|policy| policy.rules.as_slice())
    }
}

impl Leave {
    /// Yes, ask, no: the higher, the narrower.
    const fn narrowness(&self) -> u8 {
        match self {
            Self::Granted => 0,
            Self::Ask(_) => 1,
            Self::Denied(_) => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{agent::AgentName, permission::SandboxLevel, tool::CallTarget};

    fn wall() -> SandboxState {
        SandboxState { level: SandboxLevel::Kernel, reason: "a test".to_owned(), usable: true }
    }

    fn rule(effect: Effect, tool: &str, argument: Option<&str>) -> Rule {
        Rule { effect, tool: tool.to_owned(), argument: argument.map(str::to_owned), agent: None }
    }

    fn bash(ceiling: &Ceiling, command: &str) -> Ruling {
        let agent = AgentName::parse("coder").expect("a name");
        let target = CallTarget::Command(command.to_owned());
        ceiling.decide(CallFacts { agent: &agent, tool: "bash", target: &target }, Access::Command, &wall())
    }

    #[test]
    fn deny_beats_ask_and_ask_beats_allow_in_any_order() {
        let mut rules = [
            rule(Effect::Allow, "bash", Some("git status *")),
            rule(Effect::Deny, "bash", Some("git push *")),
            rule(Effect::Ask, "bash", Some("git commit *")),
        ];
        for _ in 0..rules.len() {
            rules.rotate_left(1);
            let ceiling =
                Ceiling::new(Policy { mode: PermissionMode::Ask, rules: Rules::new(rules.to_vec()) });
            assert!(matches!(bash(&ceiling, "git push origin").leave, Leave::Denied(_)));
            assert!(matches!(bash(&ceiling, "git commit").leave, Leave::Ask(_)));
            assert_eq!(bash(&ceiling, "git status").leave, Leave::Granted);
            assert_eq!(bash(&ceiling, "git status").by, "the rule `allow bash `git status *``");
            assert_eq!(bash(&ceiling, "ls").by, "permission mode `ask`");
        }
    }

    /// What the mode forbids, no rule lifts.
    #[test]
    fn a_rule_that_allows_lifts_asking_and_nothing_else() {
        let allowed = vec![rule(Effect::Allow, "bash", Some("ls"))];
        let plan = Ceiling::new(Policy { mode: PermissionMode::Plan, rules: Rules::new(allowed) });
        assert!(matches!(bash(&plan, "ls").leave, Leave::Denied(_)));
    }

    #[test]
    fn a_denial_names_its_rule_and_the_way_out() {
        let denied = Rules::new(vec![rule(Effect::Deny, "bash", Some("rm *"))]);
        let ruling =
            bash(&Ceiling::new(Policy { mode: PermissionMode::Full, rules: denied }), "xargs rm -rf x");
        let Leave::Denied(text) = ruling.leave else { panic!("it was allowed") };
        assert!(text.contains("`deny bash `rm *``") && text.contains("permissions explain"), "{text}");
    }

    fn policies() -> impl Strategy<Value = Policy> {
        let words = prop::sample::select(vec!["*", "bash", "write", "read", "edit"]);
        let arguments =
            prop::sample::select(vec!["git *", "git push *", "ls", "src/**", "**", "a", "rm -rf *"]);
        let rule = (prop::sample::select(Effect::ALL.to_vec()), words, prop::option::of(arguments))
            .prop_map(|(effect, tool, argument)| rule(effect, tool, argument));
        (prop::sample::select(PermissionMode::ALL.to_vec()), prop::collection::vec(rule, 0..6))
            .prop_map(|(mode, rules)| Policy { mode, rules: Rules::new(rules) })
    }

    fn calls() -> impl Strategy<Value = (&'static str, Access, CallTarget)> {
        let commands =
            prop::sample::select(vec!["git push x", "ls", "$x push", "rm -r -f a", "true && git push"]);
        let paths = prop::sample::select(vec!["a", "src/b/c", "./a", "../x", "문서/a"]);
        prop_oneof![
            commands.prop_map(|text| ("bash", Access::Command, CallTarget::Command(text.to_owned()))),
            (prop::sample::select(vec!["write", "edit"]), paths.clone()).prop_map(|(tool, path)| (
                tool,
                Access::Edit,
                CallTarget::Path(path.to_owned())
            )),
            paths.prop_map(|path| ("read", Access::Read, CallTarget::Path(path.to_owned()))),
        ]
    }

    proptest! {
        #![proptest_config(crate::properties::cases())]

        /// Law 6, O-2: whatever a level further down says, nobody below gets what somebody above may not have.
        #[test]
        fn no_child_ever_gets_what_an_ancestors_ceiling_forbids(
            way in prop::collection::vec(policies(), 1..5),
            (tool, access, target) in calls(),
            usable in any::<bool>(),
        ) {
            let agent = AgentName::parse("coder").expect("a name");
            let wall = SandboxState { usable, ..wall() };
            let call = CallFacts { agent: &agent, tool, target: &target };
            let mut policies = way.into_iter();
            let mut ceiling = Ceiling::new(policies.next().expect("at least one"));
            let mut above = ceiling.decide(call, access, &wall).leave.narrowness();
            for policy in policies {
                let alone = policy.decide(call, access, &wall).leave.narrowness();
                ceiling = ceiling.lowered(policy);
                let below = ceiling.decide(call, access, &wall).leave.narrowness();
                prop_assert_eq!(below, above.max(alone));
                above = below;
            }
        }
    }
}
