//! What a command makes has no more rights than the command, also for who runs it on the host.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use domain::command::CommandStatus;

use crate::support::{Bench, WALLED, has_python, result};

/// The files below a folder that run with the rights of their owner or their group, and those that are devices.
fn dangerous(folder: &Path) -> Vec<String> {
    use std::os::unix::fs::FileTypeExt;

    let mut dangerous = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        let found = fs::symlink_metadata(entry.path()).expect("it is there");
        let kind = found.file_type();
        if kind.is_dir() {
            dangerous.extend(self::dangerous(&entry.path()));
        } else if found.mode() & 0o6000 != 0 || kind.is_char_device() || kind.is_block_device() {
            dangerous.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    dangerous
}

#[tokio::test]
async fn no_file_runs_with_the_rights_of_its_owner_and_no_device_is_made() {
    let mut commands = vec![
        "cp /bin/sh a && chmod 4755 a",
        "cp /bin/sh b && chmod u+s b",
        "cp /bin/sh c && chmod 6755 c",
        "cp /bin/sh d && chmod 2755 d",
        "install -m 4755 /bin/sh e",
        "mknod f c 1 3",
        "mknod g b 8 0",
    ];
    if has_python() {
        commands
            .push("python3 -c 'import os; os.umask(0); os.open(\"h\", os.O_CREAT | os.O_WRONLY, 0o4755)'");
        commands.push("python3 -c 'import os; os.mknod(\"i\", 0o104755)'");
    }
    for level in WALLED {
        let bench = Bench::new();
        let Some(sandbox) = bench.at(level).await else { continue };
        for command in &commands {
            let (status, said) = result(&sandbox, command).await;
            assert!(matches!(status, CommandStatus::Exited(1..)), "`{command}` at {level:?}: {said}");
            assert_eq!(dangerous(&bench.workspace), Vec::<String>::new(), "`{command}` at {level:?}");
        }
        for command in [
            "chmod 755 a && mkdir -m 1777 j && chmod 1777 j && mkfifo k && mkdir -p l/m && chmod -R go-rwx l",
            "cp -a a n && tar cf o.tar a l && mkdir p && tar xf o.tar -C p --no-same-owner",
            "git init -q q && git -C q -c user.name=a -c user.email=b commit -q --allow-empty -m x",
        ] {
            let (status, said) = result(&sandbox, command).await;
            assert_eq!(status, CommandStatus::Exited(0), "`{command}` at {level:?}: {said}");
        }
    }
}

/// `chmod 755` of such a folder keeps the bit, so it is asked for.
#[tokio::test]
async fn a_workspace_that_a_group_shares_stays_shared() {
    for level in WALLED {
        let bench = Bench::new();
        fs::set_permissions(&bench.workspace, fs::Permissions::from_mode(0o2775)).expect("our own folder");
        let Some(sandbox) = bench.at(level).await else { continue };
        let command =
            "mkdir -p a/b && chmod 755 a && chmod g+s a/b && git init -q --shared c && [ -g a -a -g c/.git ]";
        let (status, said) = result(&sandbox, command).await;
        assert_eq!(status, CommandStatus::Exited(0), "{level:?}: {said}");
        let (status, _) = result(&sandbox, "cp /bin/sh s && chmod 6755 s").await;
        assert_eq!(
            (status, dangerous(&bench.workspace)),
            (CommandStatus::Exited(1), Vec::new()),
            "{level:?}"
        );
    }
}
