//! The hosts that commands may reach (`sandbox.network`): which names there are, and which one a request means.
//!
//! A name that two readers could read differently is refused, in the list and in requests: what is not plain ASCII,
//! a null byte, a final dot, a number that some resolver would take for an address (`0x7f.1`, `2130706433`, `010.0.0.1`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest name that DNS has.
const LONGEST: usize = 253;
const LONGEST_LABEL: usize = 63;
/// Ports that an entry without one opens.
const PORTS: [u16; 2] = [80, 443];

/// Why a name means nothing, in words for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no host that can be listed: {why}; write `name`, `*.name`, an address, or one of them with `:port`", .entry.escape_debug())]
pub struct InvalidHost {
    /// As it was written.
    entry: String,
    why: &'static str,
}

impl InvalidHost {
    /// The entry, as it was written.
    #[must_use]
    pub fn entry(&self) -> &str {
        &self.entry
    }
}

/// A host, read in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    /// In lower case.
    Name(String),
    Address(IpAddr),
}

impl Host {
    /// Reads a name or an address. Addresses of the sixth version stand in brackets.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let address: Ipv6Addr = inner.parse().map_err(|_| "it is no address of IPv6")?;
            return Ok(Self::Address(address.into()));
        }
        if !text.is_ascii() {
            return Err("it is not plain ASCII; write the name as DNS has it (`xn--...`)");
        }
        if text.is_empty() || text.len() > LONGEST {
            return Err("it is empty or too long");
        }
        let is_fine = |label: &str| {
            (1..=LONGEST_LABEL).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if !text.split('.').all(is_fine) {
            return Err("a part of it is empty or holds what names do not");
        }
        let is_number = |label: &str| {
            let digits = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
            digits.map_or(label.bytes().all(|byte| byte.is_ascii_digit()), |digits| {
                digits.bytes().all(|byte| byte.is_ascii_hexdigit())
            })
        };
        if text.rsplit('.').next().is_some_and(is_number) {
            let address: Ipv4Addr = text.parse().map_err(|_| "it is a number and no plain address")?;
            return Ok(Self::Address(address.into()));
        }
        Ok(Self::Name(text.to_ascii_lowercase()))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    Exactly(Host),
    /// Every name that ends with a dot and this.
    Below(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    pattern: Pattern,
    port: Option<u16>,
}

/// The list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HostList(Vec<Entry>);

impl HostList {
    pub(crate) fn parse(entries: &[String]) -> Result<Self, InvalidHost> {
        let read = |text: &String| entry(text).map_err(|why| InvalidHost { entry: text.clone(), why });
        Ok(Self(entries.iter().map(read).collect::<Result<_, _>>()?))
    }

    /// How a host at a port is listed; none where it is not.
    pub(crate) fn listed(&self, host: &Host, port: u16) -> Option<Listed> {
        let opens = |entry: &&Entry| entry.port.map_or(PORTS.contains(&port), |opened| opened == port);
        let mut opened = self.0.iter().filter(opens);
        let covers = |pattern: &Pattern| match (pattern, host) {
            (Pattern::Exactly(listed), host) => (listed == host).then_some(Listed::ByName),
            (Pattern::Below(parent), Host::Name(name)) => name
                .strip_suffix(parent.as_str())
                .filter(|rest| rest.ends_with('.'))
                .map(|_| Listed::ByParent),
            (Pattern::Below(_), Host::Address(_)) => None,
        };
        opened
            .clone()
            .find_map(|entry| covers(&entry.pattern).filter(|listed| *listed == Listed::ByName))
            .or_else(|| opened.find_map(|entry| covers(&entry.pattern)))
    }
}

/// How a host is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listed {
    ByName,
    /// Whoever owns the parent's zone chooses the address.
    ByParent,
}

impl Listed {
    /// Whether a host that is listed so may be at an address that its name has. This machine and its neighbours on the
    /// link (where clouds answer with credentials) are reached by nobody whose address is not listed itself.
    pub(crate) fn may_be_at(self, host: &Host, address: IpAddr) -> bool {
        match host {
            Host::Address(listed) => *listed == address,
            Host::Name(_) => match scope(address) {
                Scope::Near => false,
                Scope::Private => self == Self::ByName,
                Scope::Global => true,
            },
        }
    }
}

/// How far an address reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// This machine, its link, or nobody in particular.
    Near,
    /// A network of somebody's own.
    Private,
    Global,
}

fn scope(address: IpAddr) -> Scope {
    match address {
        IpAddr::V4(address) => scope_of_4(address),
        IpAddr::V6(address) => match address.to_ipv4() {
            // Written as one of the sixth version, it reaches the same place; `::1` is among them.
            Some(_) if address == Ipv6Addr::LOCALHOST || address == Ipv6Addr::UNSPECIFIED => Scope::Near,
            Some(inner) => scope_of_4(inner),
            None if address.is_multicast() || address.is_unicast_link_local() => Scope::Near,
            None if address.is_unique_local() => Scope::Private,
            None => Scope::Global,
        },
    }
}

fn scope_of_4(address: Ipv4Addr) -> Scope {
    let is_shared = matches!(address.octets(), [100, 64..=127, ..]);
    let is_of_this_network = matches!(address.octets(), [0, ..]);
    if address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || is_of_this_network
    {
        Scope::Near
    } else if address.is_private() || is_shared {
        Scope::Private
    } else {
        Scope::Global
    }
}

/// Splits `host:port`. A host in brackets may hold colons.
pub(crate) fn authority(text: &str) -> Result<(Host, Option<u16>), &'static str> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !text.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let number = |port: &str| {
        let is_plain = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        port.parse().ok().filter(|number| is_plain && *number != 0).ok_or("its port is no number")
    };
    Ok((Host::parse(host)?, port.map(number).transpose()?))
}

fn entry(text: &str) -> Result<Entry, &'static str> {
    let Some(rest) = text.strip_prefix("*.") else {
        let (host, port) = authority(text)?;
        return Ok(Entry { pattern: Pattern::Exactly(host), port });
    };
    match authority(rest)? {
        (Host::Name(parent), port) if parent.contains('.') => {
            Ok(Entry { pattern: Pattern::Below(parent), port })
        }
        (Host::Name(_), _) => Err("below a single word there is half of the internet"),
        (Host::Address(_), _) => Err("an address has nothing below it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[&str]) -> Result<HostList, InvalidHost> {
        HostList::parse(&entries.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    fn check(entries: &[&str], asked: &str, expected: Option<Listed>) {
        let list = list(entries).expect("a list");
        let found = authority(asked).ok().and_then(|(host, port)| list.listed(&host, port.unwrap_or(443)));
        assert_eq!(found, expected, "{asked:?} in {entries:?}");
    }

    #[test]
    fn a_host_is_reached_by_its_name_or_below_a_listed_one() {
        let (by_name, by_parent) = (Some(Listed::ByName), Some(Listed::ByParent));
        let entries = [
            "crates.io",
            "*.crates.io",
            "Registry.NPMJS.org:8443",
            "xn--3e0b707e.example",
            "192.0.2.7",
            "[2001:db8::1]",
        ];
        for (asked, expected) in [
            ("crates.io", by_name),
            ("CRATES.io:80", by_name),
            ("crates.io:22", None),
            ("static.crates.io", by_parent),
            ("a.b.crates.io", by_parent),
            ("evilcrates.io", None),
            ("crates.io.evil.example", None),
            ("registry.npmjs.org:8443", by_name),
            ("registry.npmjs.org", None),
            ("xn--3e0b707e.example", by_name),
            ("192.0.2.7", by_name),
            ("192.0.2.8", None),
            ("[2001:db8::1]", by_name),
            ("[2001:db8:0:0:0:0:0:1]:443", by_name),
        ] {
            check(&entries, asked, expected);
        }
    }

    /// What a proxy read as one host and a resolver as another.
    #[test]
    fn a_name_with_two_meanings_is_refused() {
        for name in [
            "evil\\0.allowed.example",
            "evil\0.allowed.example",
            "allowed.example.",
            ".allowed.example",
            "a..allowed.example",
            "allowed.example:",
            "allowed.example:0",
            "allowed.example:+443",
            "allowed.example:99999",
            "allowed.example:443:443",
            "user@allowed.example",
            "allowed.example/path",
            "allowed.example%00",
            "allowed.example\r\n",
            " allowed.example",
            "허용.example",
            "аllowed.example",
            "allowed。example",
            "0x7f.0.0.1",
            "0x7f000001",
            "2130706433",
            "127.1",
            "0177.0.0.1",
            "127.0.0.01",
            "[::1",
            "[127.0.0.1]",
            "::1",
            "-allowed.example",
            "",
        ] {
            assert!(authority(name).is_err(), "{name:?}");
            assert!(list(&[name]).is_err(), "{name:?}");
        }
        for entry in ["*", "*.com", "*.192.0.2.1", "a.*.example", "**.example.org"] {
            assert!(list(&[entry]).is_err(), "{entry:?}");
        }
        let said = list(&["a\0b"]).expect_err("it is refused").to_string();
        assert!(said.contains("`a\\0b`") && said.contains("write `name`"), "{said}");
    }

    #[test]
    fn no_name_leads_to_this_machine_and_none_of_a_zone_to_a_private_network() {
        let name = Host::Name("a.example.org".to_owned());
        for (address, by_name, by_parent) in [
            ("93.184.215.14", true, true),
            ("2606:4700::1", true, true),
            ("10.1.2.3", true, false),
            ("192.168.0.1", true, false),
            ("100.64.0.1", true, false),
            ("fd00::1", true, false),
            ("::ffff:10.0.0.1", true, false),
            ("127.0.0.1", false, false),
            ("127.8.8.8", false, false),
            ("0.0.0.0", false, false),
            ("169.254.169.254", false, false),
            ("255.255.255.255", false, false),
            ("224.0.0.1", false, false),
            ("::", false, false),
            ("::1", false, false),
            ("::ffff:127.0.0.1", false, false),
            ("fe80::1", false, false),
            ("ff02::1", false, false),
        ] {
            let address: IpAddr = address.parse().expect("an address");
            let found = [Listed::ByName, Listed::ByParent].map(|listed| listed.may_be_at(&name, address));
            assert_eq!(found, [by_name, by_parent], "{address}");
        }
        let own: IpAddr = "127.0.0.1".parse().expect("an address");
        assert!(Listed::ByName.may_be_at(&Host::Address(own), own));
    }
}
