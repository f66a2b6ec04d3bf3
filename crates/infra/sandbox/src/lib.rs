//! Runs a command inside limits and always gets it back: the adapter of [`domain::ports::Processes`] and
//! [`domain::ports::Servers`].
//!
//! [`Sandbox`] starts a shell at one of the levels of the outer contract, collects its output in bounded space and
//! leaves none of its processes behind, whatever ends it. At `strict` it lives in namespaces of its own; at `kernel`
//! Landlock and seccomp hold it in the workspace, and protected files are compared before and after it; at `none`
//! nothing holds it but the environment, which carries no keys at any level. Where this program is killed with -9, its
//! [`Helper`] ends what is left, or else the next start does.
//!
//! It does not decide *whether* a command may run (permission does), does not read the process environment or the
//! clock of the wall, and holds no file tools.

#[cfg(target_os = "linux")]
mod child;
mod environment;
mod error;
#[cfg(target_os = "linux")]
mod filter;
mod folders;
#[cfg(target_os = "linux")]
mod grants;
mod group;
#[cfg(target_os = "linux")]
mod held;
mod helper;
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "only a network namespace has a way out to listed hosts")
)]
mod hosts;
#[cfg(target_os = "linux")]
mod kernel;
#[cfg(target_os = "linux")]
mod kin;
mod launcher;
#[cfg(target_os = "linux")]
mod leftover;
#[cfg(target_os = "linux")]
mod limits;
mod live;
#[cfg(target_os = "linux")]
mod mark;
mod memory;
#[cfg(target_os = "linux")]
mod network;
mod output;
#[cfg(target_os = "linux")]
mod protected;
#[cfg(target_os = "linux")]
mod proxy;
mod ready;
#[cfg(target_os = "linux")]
mod repositories;
mod run;
mod sandbox;
#[cfg(any(target_os = "macos", test))]
mod seatbelt;
mod servers;
mod settings;
mod settle;
mod spill;
#[cfg(target_os = "linux")]
mod start_up;
#[cfg(target_os = "linux")]
mod strict;
mod tap;

pub use error::SandboxError;
pub use helper::{Helper, run_helper_if_asked};
pub use hosts::InvalidHost;
pub use sandbox::Sandbox;
pub use settings::{AddedDir, NetworkAccess, Requested, SandboxSettings, Tidied};
