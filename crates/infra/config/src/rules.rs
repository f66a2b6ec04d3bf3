//! `permissions.rules`: what a person allows, wants to be asked about, or denies (contract 3; docs/adr/0010).
//!
//! Rules of several files add up. What a rule covers, and which one decides, is [`domain::permission`]'s business.

use domain::{
    agent::AgentName,
    permission::{Effect, Rule},
};
use serde_json::json;

use crate::{
    files::Document,
    json::Node,
    notice::Notice,
    picker::{Picker, SystemLayer},
    problem::{Fault, Problems, nearest},
    source::{Shown, Source},
    system_file::RuleEntry,
    trust::Widening,
};

/// Tools that need no permission (contract 6), so that no rule is about them.
const FREE_TOOLS: [&str; 3] = ["report", "finish", "ask_user"];

/// A rule and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcedRule {
    /// The rule.
    pub rule: Rule,
    /// Where it came from.
    pub source: Source,
}

/// The names that a rule may use.
pub(crate) struct RuleNames<'n> {
    pub(crate) tools: &'n [&'n str],
    /// None where the team is wrong itself: then no name can be held against it.
    pub(crate) agents: Option<&'n [AgentName]>,
}

impl RuleNames<'_> {
    /// The rules of a file; what is wrong with them goes to `problems`. Gives each with its place in the list.
    pub(crate) fn read(&self, layer: &SystemLayer<'_>, problems: &mut Problems) -> Vec<(usize, Rule)> {
        let entries = layer.file.permissions.rules.as_deref().unwrap_or_default();
        let list = layer.document.root.get("permissions").and_then(|permissions| permissions.get("rules"));
        let nodes = list.map_or(&[][..], Node::items);
        let read = |(index, (entry, node)): (usize, (&RuleEntry, &Node))| {
            let mut reader = RuleReader { names: self, document: layer.document, node, index, problems };
            reader.read(entry).map(|rule| (index, rule))
        };
        entries.iter().zip(nodes).enumerate().filter_map(read).collect()
    }
}

struct RuleReader<'r> {
    names: &'r RuleNames<'r>,
    document: &'r Document,
    node: &'r Node,
    index: usize,
    problems: &'r mut Problems,
}

impl RuleReader<'_> {
    fn read(&mut self, entry: &RuleEntry) -> Option<Rule> {
        let before = self.problems.count();
        self.check_tool(&entry.tool);
        let agent = entry.agent.as_deref().and_then(|name| self.agent(name));
        let rule =
            Rule { effect: entry.effect, tool: entry.tool.clone(), argument: entry.argument.clone(), agent };
        if let Err(error) = rule.check() {
            let path = format!("permissions.rules[{}]", self.index);
            self.problems.add(self.document.spot(self.node, &path), Fault::Rule(error.to_string()));
        }
        (self.problems.count() == before).then_some(rule)
    }

    fn add(&mut self, key: &str, fault: Fault) {
        let node = self.node.get(key).unwrap_or(self.node);
        let path = format!("permissions.rules[{}].{key}", self.index);
        self.problems.add(self.document.spot(node, &path), fault);
    }

    fn check_tool(&mut self, name: &str) {
        if name == "*" || self.names.tools.contains(&name) {
            return;
        }
        self.add(
            "tool",
            if FREE_TOOLS.contains(&name) || name.starts_with("execute_") && name.ends_with("_task") {
                Fault::Rule(format!("`{name}` needs no permission: a rule about it would have no effect"))
            } else {
                let nearest = nearest(name, self.names.tools.iter().copied());
                Fault::UnknownName { what: "tool".to_owned(), name: name.to_owned(), nearest }
            },
        );
    }

    fn agent(&mut self, name: &str) -> Option<AgentName> {
        let agents = self.names.agents?;
        let known = agents.iter().find(|known| known.as_str() == name);
        if known.is_none() {
            let nearest = nearest(name, agents.iter().map(AgentName::as_str));
            self.add(
                "agent",
                Fault::UnknownName { what: "agent".to_owned(), name: name.to_owned(), nearest },
            );
        }
        known.cloned()
    }
}

impl Picker<'_> {
    /// Every rule that counts. A file of an untrusted workspace may deny and ask; it allows nothing. What the person
    /// denies in their own file holds even where a trusted file has taken its place.
    pub(crate) fn rules(
        &mut self,
        names: &RuleNames<'_>,
        kept: Vec<SourcedRule>,
        problems: &mut Problems,
    ) -> Vec<SourcedRule> {
        let mut rules = Vec::new();
        if let Some(layer) = &self.base {
            let source = Source::File(layer.document.file.clone());
            let sourced = |(_, rule)| SourcedRule { rule, source: source.clone() };
            rules.extend(names.read(layer, problems).into_iter().map(sourced));
        }
        if let Some(layer) = &self.replaced {
            let source = Source::File(layer.document.file.clone());
            let narrow =
                names.read(layer, problems).into_iter().filter(|(_, rule)| rule.effect != Effect::Allow);
            rules.extend(narrow.map(|(_, rule)| SourcedRule { rule, source: source.clone() }));
        }
        if let Some(layer) = &self.workspace {
            let file = &layer.document.file;
            for (index, rule) in names.read(layer, problems) {
                if rule.effect == Effect::Allow {
                    let path = format!("permissions.rules[{index}]");
                    let (file, widening) = (file.clone(), Widening::Rules);
                    self.notices.push(Notice::NotTrusted { file, path, widening });
                } else {
                    rules.push(SourcedRule { rule, source: Source::File(file.clone()) });
                }
            }
        }
        rules.extend(kept);
        self.show_rules(&rules);
        rules
    }

    fn show_rules(&mut self, rules: &[SourcedRule]) {
        if rules.is_empty() {
            self.show("permissions.rules", json!([]), Source::Default);
        }
        for (index, SourcedRule { rule, source }) in rules.iter().enumerate() {
            let (key, value) = (format!("permissions.rules[{index}]"), json!(rule));
            self.shown.push(Shown { key, value, source: source.clone() });
        }
    }
}
