//! Programs that no star in a rule goes with.

/// Programs whose plain words are programs or scripts: `*` never stands for them.
pub(super) const RUNS_ITS_WORDS: [&str; 48] = [
    "sh", "bash", "dash", "zsh", "fish", "ksh", "busybox", "env", "xargs", "sed", "awk", "gawk", "mawk",
    "perl", "ruby", "python", "python2", "python3", "node", "deno", "bun", "php", "lua", "tclsh", "sudo",
    "su", "doas", "nice", "nohup", "setsid", "timeout", "stdbuf", "watch", "time", "command", "builtin",
    "exec", "eval", "source", ".", "trap", "ssh", "parallel", "tar", "script", "chroot", "unshare", "ld.so",
];

/// Programs whose first word says what they do, and may say to run another program (`git bisect run`, `npm exec`): `*`
/// stands for further words of theirs, never for the first.
pub(super) const HAS_COMMANDS: [&str; 28] = [
    "git",
    "hg",
    "svn",
    "npm",
    "pnpm",
    "yarn",
    "npx",
    "cargo",
    "rustup",
    "go",
    "make",
    "just",
    "rake",
    "gradle",
    "mvn",
    "dotnet",
    "pip",
    "pip3",
    "uv",
    "poetry",
    "bundle",
    "docker",
    "podman",
    "kubectl",
    "systemctl",
    "apt",
    "apt-get",
    "brew",
];

/// Programs that take a script from where no rule can read it.
pub(super) const SHELLS: [&str; 9] = ["sh", "bash", "dash", "zsh", "fish", "ksh", "eval", "source", "."];
