//! A program at a terminal: what it writes there, byte by byte, and what a person types.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, Signal, kill_process},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize},
};
use testkit::wait;
use tokio::{
    process::{Child, Command},
    sync::watch,
};

/// A program whose three streams are a terminal of its own.
pub(crate) struct AtTerminal {
    child: Child,
    keyboard: File,
    screen: watch::Receiver<Vec<u8>>,
    /// Ends with the last holder of the other side, or when the terminal goes away.
    reader: thread::JoinHandle<()>,
    is_gone: Arc<AtomicBool>,
}

impl AtTerminal {
    /// Starts what `command` describes at a terminal, whose interrupt key reaches it.
    pub(super) fn start(command: &Command) -> Self {
        let keyboard =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
        grantpt(&keyboard).and_then(|()| unlockpt(&keyboard)).expect("its other side");
        let size = Winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&keyboard, size).expect("a size");
        let name = ptsname(&keyboard, Vec::new()).expect("its name");
        let name = name.to_str().expect("text");
        let terminal = || OpenOptions::new().read(true).write(true).open(name).expect("the other side");

        let described = command.as_std();
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(described.get_program()).args(described.get_args()).env_clear();
        let variables = described.get_envs().filter_map(|(name, value)| Some((name, value?)));
        command.envs(variables).env("TERM", "xterm-256color").kill_on_drop(true);
        command.current_dir(described.get_current_dir().expect("a folder"));
        command.stdin(terminal()).stdout(terminal()).stderr(terminal());
        let child = command.spawn().expect("setsid is there");
        drop(command);

        let keyboard = File::from(keyboard);
        let mut output = keyboard.try_clone().expect("another handle");
        let (shown, screen) = watch::channel(Vec::new());
        let is_gone = Arc::new(AtomicBool::new(false));
        let gone = Arc::clone(&is_gone);
        let reader = thread::spawn(move || {
            let mut bytes = [0; 4096];
            let soon = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
            while !gone.load(Ordering::Relaxed) {
                match poll(&mut [PollFd::new(&output, PollFlags::IN)], Some(&soon)) {
                    Ok(0) => {}
                    // Where nobody holds the other side any more, reading fails.
                    _ => match output.read(&mut bytes) {
                        Ok(length @ 1..) => {
                            shown.send_modify(|screen| screen.extend_from_slice(&bytes[..length]));
                        }
                        _ => return,
                    },
                }
            }
        });
        Self { child, keyboard, screen, reader, is_gone }
    }

    /// Whether the terminal hands over lines and shows what is typed, as it does where nobody asked for something else.
    pub(crate) fn edits_lines(&self) -> bool {
        let modes = tcgetattr(&self.keyboard).expect("a terminal has modes").local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
    }

    /// Sends a signal to the program alone.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = self.child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())).expect("it runs");
        kill_process(pid, signal).expect("it takes signals");
    }

    /// Sends a signal to the program alone that a shell has named: `job PID`.
    pub(crate) fn signal_job(&self, signal: Signal) {
        let shown = self.shown();
        let named = shown.lines().find_map(|line| line.strip_prefix("job ")).expect("a job");
        let pid = named.trim().parse().ok().and_then(Pid::from_raw).expect("a number");
        kill_process(pid, signal).expect("it takes signals");
    }

    /// The terminal goes away, as when a window is closed. Waits for the program's end: its exit code.
    pub(crate) async fn go_away(mut self) -> Option<i32> {
        self.is_gone.store(true, Ordering::Relaxed);
        self.reader.join().expect("the reader ends");
        drop(self.keyboard);
        wait::bounded("the program's end", self.child.wait()).await.expect("it was started").code()
    }

    /// Waits until these words have been shown, `times` in all.
    pub(crate) async fn until(&mut self, words: &str, times: usize) {
        let is_there = |screen: &Vec<u8>| String::from_utf8_lossy(screen).matches(words).count() >= times;
        let waited = wait::bounded(words, self.screen.wait_for(is_there)).await.is_ok();
        assert!(waited, "it ended before `{words}`:\n{}", self.shown());
    }

    /// Types.
    pub(crate) fn type_in(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("a terminal takes keys");
    }

    /// What has been shown so far.
    pub(crate) fn shown(&self) -> String {
        String::from_utf8_lossy(&self.screen.borrow()).into_owned()
    }

    /// Waits for the end: the exit code, and everything that was shown.
    pub(crate) async fn end(mut self) -> (Option<i32>, Vec<u8>) {
        let status = wait::bounded("the program's end", self.child.wait()).await.expect("it was started");
        assert!(self.edits_lines(), "the terminal is as it was before");
        drop(self.keyboard);
        // The thread ends with the last holder of the other side.
        wait::bounded("the end of the output", async { while self.screen.changed().await.is_ok() {} }).await;
        (status.code(), self.screen.borrow().clone())
    }
}
