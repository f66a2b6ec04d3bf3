//! Who reaches whom: the commands and servers of one run each other, and nobody else anybody.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use better_llm_sandbox::{NetworkAccess, Requested, Sandbox};
use domain::{
    command::{CommandRequest, CommandStatus},
    id::RunId,
    permission::SandboxLevel,
    ports::{Processes, Servers, never_cancelled},
};

use crate::support::{Bench, Sink, WALLED, cancel, has_python, request, result, within};

const PORT: u16 = 47_113;

fn run_of(letter: char) -> RunId {
    format!("01ARZ3NDEKTSV4RRFFQ69G5FA{letter}").parse().expect("a run id")
}

/// Whether a command of `run` reaches the port that the server listens on.
async fn is_reached(sandbox: &Sandbox, run: Option<RunId>) -> bool {
    let command = format!("exec bash -c 'read -r line < /dev/tcp/127.0.0.1/{PORT} && [ \"$line\" = hello ]'");
    let request = CommandRequest { run, ..request(&command) };
    let end = within(sandbox.run(request, Arc::new(Sink::default()), never_cancelled())).await;
    match end.expect("it runs").status {
        CommandStatus::Exited(0) => true,
        CommandStatus::Exited(1) => false,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_commands_of_one_run_share_a_loopback_that_nobody_else_reaches() {
    let bench = Bench::new();
    let Some(sandbox) = bench.at(SandboxLevel::Strict).await else { return };
    if !has_python() {
        return;
    }
    let sink = Arc::new(Sink::default());
    let serve = "exec python3 -uc 'import socket\n\
        server = socket.create_server((\"127.0.0.1\", PORT))\n\
        print(\"ready\")\n\
        while True: server.accept()[0].sendall(b\"hello\\n\")'";
    let serving =
        CommandRequest { run: Some(run_of('A')), ..request(&serve.replace("PORT", &PORT.to_string())) };
    let (now, cancelled) = cancel();
    let server = sandbox.run(serving, Arc::clone(&sink) as _, cancelled);
    let others = async {
        sink.ready().await;
        let reached = [
            is_reached(&sandbox, Some(run_of('A'))).await,
            is_reached(&sandbox, Some(run_of('B'))).await,
            is_reached(&sandbox, None).await,
            TcpStream::connect(("127.0.0.1", PORT)).is_ok(),
        ];
        sandbox.end_run(run_of('A')).await;
        // The run has another network now, if it goes on at all.
        let after = is_reached(&sandbox, Some(run_of('A'))).await;
        now.send(()).expect("the server runs");
        (reached, after)
    };
    let (end, (reached, after)) = within(async { tokio::join!(server, others) }).await;
    assert_eq!(end.expect("it runs").status, CommandStatus::Cancelled);
    assert_eq!((reached, after), ([true, false, false, false], false));
}

/// Answers every connection with one word, and counts them.
fn answering(word: &'static str) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let port = listener.local_addr().expect("its address").port();
    let count = Arc::new(AtomicUsize::new(0));
    std::thread::spawn({
        let count = Arc::clone(&count);
        move || {
            for client in listener.incoming() {
                let mut client = client.expect("a client");
                count.fetch_add(1, Ordering::SeqCst);
                let mut head = [0; 1024];
                drop(client.read(&mut head));
                drop(client.write_all(format!("HTTP/1.1 200 OK\r\n\r\n{word}\n").as_bytes()));
            }
        }
    });
    (port, count)
}

#[tokio::test]
async fn an_open_network_is_the_hosts_and_local_sockets_stay_closed() {
    let (port, _) = answering("here");
    for level in WALLED {
        let bench = Bench::new();
        let mut settings = bench.settings(Requested::Level(level));
        settings.network = NetworkAccess::Open;
        let Some(sandbox) = bench.with(settings).await else { continue };
        assert!(sandbox.check().await.expect("it works").reason.contains("`--allow-network`"));
        let ask = format!("exec 3<>/dev/tcp/127.0.0.1/{port}; printf 'x\\r\\n' >&3; cat <&3");
        let (status, output) = result(&sandbox, &format!("exec bash -c '{ask}'")).await;
        assert_eq!(
            (status, output.ends_with("here\n")),
            (CommandStatus::Exited(0), true),
            "{level:?}: {output}"
        );
        if has_python() {
            let local = "python3 -c 'import socket; socket.socket(socket.AF_UNIX)' 2>&1 | tail -1";
            assert_eq!(
                result(&sandbox, local).await.1,
                "PermissionError: [Errno 1] Operation not permitted\n"
            );
        }
    }
}

/// Speaks to the proxy as the environment names it.
fn through_the_proxy(request: &str) -> String {
    format!(
        "exec bash -c 'at=${{http_proxy#http://}}; exec 3<>/dev/tcp/${{at%:*}}/${{at##*:}}; printf \"{request}\" >&3; cat <&3'"
    )
}

#[tokio::test]
async fn a_listed_host_is_reached_over_the_proxy_and_no_other() {
    let ((listed, listed_count), (other, other_count)) = (answering("listed"), answering("other"));
    let bench = Bench::new();
    let mut settings = bench.settings(Requested::Level(SandboxLevel::Strict));
    settings.network =
        NetworkAccess::Hosts(vec![format!("127.0.0.1:{listed}"), format!("localhost:{other}")]);
    let Some(sandbox) = bench.with(settings).await else { return };
    assert!(sandbox.check().await.expect("it works").reason.contains("a proxy leads to 127.0.0.1:"));
    let reached = [
        format!("GET http://127.0.0.1:{listed}/ HTTP/1.1\\r\\n\\r\\n"),
        format!("CONNECT 127.0.0.1:{listed} HTTP/1.1\\r\\n\\r\\nGET / HTTP/1.1\\r\\n\\r\\n"),
    ];
    for run in [Some(run_of('A')), Some(run_of('B')), None] {
        for request in &reached {
            let command = CommandRequest { run, ..crate::support::request(&through_the_proxy(request)) };
            let end = within(sandbox.run(command, Arc::new(Sink::default()), never_cancelled())).await;
            let said = end.expect("it runs").output.head;
            assert!(said.ends_with("listed\n"), "{said}");
        }
    }
    for (request, status) in [
        (format!("CONNECT 127.0.0.1:{other} HTTP/1.1"), "403 "),
        // Listed by a name that leads to this machine.
        (format!("CONNECT localhost:{other} HTTP/1.1"), "403 "),
        ("CONNECT example.org:443 HTTP/1.1".to_owned(), "403 "),
        (format!("CONNECT 127.1:{listed} HTTP/1.1"), "400 "),
        (format!("CONNECT 127.0.0.1.:{listed} HTTP/1.1"), "400 "),
        (format!("GET http://127.0.0.1:{other}/ HTTP/1.1\\r\\nHost: 127.0.0.1:{listed}"), "403 "),
    ] {
        let (_, said) = result(&sandbox, &through_the_proxy(&format!("{request}\\r\\n\\r\\n"))).await;
        assert!(said.starts_with(&format!("HTTP/1.1 {status}")), "`{request}`: {said}");
    }
    // Past the proxy there is nothing.
    let past = format!("exec bash -c 'echo x > /dev/tcp/127.0.0.1/{listed}'");
    assert_eq!(result(&sandbox, &past).await.0, CommandStatus::Exited(1));
    assert_eq!((listed_count.load(Ordering::SeqCst), other_count.load(Ordering::SeqCst)), (6, 0));
}

#[tokio::test]
async fn a_list_of_hosts_below_strict_and_a_host_that_is_none_are_errors_at_the_start() {
    let bench = Bench::new();
    for (requested, host, expected) in [
        (Requested::Level(SandboxLevel::Kernel), "crates.io", "needs sandbox level `strict`"),
        (Requested::Level(SandboxLevel::None), "crates.io", "needs sandbox level `strict`"),
        (Requested::Level(SandboxLevel::Strict), "evil\0.crates.io", "is no host that can be listed"),
        (Requested::Auto, "crates.io.", "is no host that can be listed"),
    ] {
        let mut settings = bench.settings(requested);
        settings.network = NetworkAccess::Hosts(vec![host.to_owned()]);
        let error = Sandbox::new(settings).check().await.expect_err("it is refused").to_string();
        assert!(error.contains(expected), "{error}");
    }
    // Where `auto` cannot have `strict`, either.
    let mut settings = bench.settings(Requested::Auto);
    settings.environment.retain(|(name, _)| name != "PATH");
    settings.environment.push(("PATH".into(), bench.programs_without("bwrap").into()));
    settings.network = NetworkAccess::Hosts(vec!["crates.io".to_owned()]);
    let error = Sandbox::new(settings).check().await.expect_err("it is refused").to_string();
    assert!(
        error.contains("needs sandbox level `strict`, and") && error.contains("--allow-network"),
        "{error}"
    );
}
