//! Everything once more as a plain user, where the tests run as root: root and others meet different checks.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use crate::support::copy_program;

/// Somebody without a name, a home or a file.
const NOBODY: u32 = 65_432;

#[test]
fn every_wall_holds_for_a_plain_user_as_for_root() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    if Command::new("setpriv").arg("--version").output().is_err() {
        return testkit::requirement::skip("no `setpriv` to become a plain user with");
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("our own folder");
    let temporary = folder.path().join("tmp");
    fs::create_dir(&temporary).expect("a folder");
    fs::set_permissions(&temporary, fs::Permissions::from_mode(0o777)).expect("our own folder");
    let program = folder.path().join("tests");
    copy_program(&fs::read_link("/proc/self/exe").expect("our own program"), &program);
    let user = NOBODY.to_string();
    let output = Command::new("setpriv")
        .args(["--reuid", &user, "--regid", &user, "--clear-groups", "--"])
        .arg(&program)
        .args([
            "wall::",
            "shield::",
            "inside::",
            "network::",
            "modes::",
            "limits::",
            "folders::",
            "together::",
            "others::",
            "stubborn::",
            "--test-threads",
            "2",
        ])
        .env_clear()
        .envs([("PATH", "/usr/local/bin:/usr/bin:/bin"), ("LANG", "C.UTF-8")])
        .env("TMPDIR", &temporary)
        .envs(
            std::env::var_os(testkit::requirement::REQUIRE_ALL)
                .map(|all| (testkit::requirement::REQUIRE_ALL, all)),
        )
        .current_dir(&temporary)
        .output()
        .expect("setpriv");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("test result: ok.") && !said.contains(" 0 passed"), "{said}");
}
