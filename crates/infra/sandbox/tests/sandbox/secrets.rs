//! Spec O-8, law 10: what commands say comes back without secrets, however it comes in pieces and wherever it is cut.

use std::sync::Arc;

use better_llm_sandbox::Requested;
use domain::{
    command::{BoundedOutput, CommandRequest},
    permission::SandboxLevel,
    ports::{Processes, never_cancelled},
    secret::{Redactor, Secret},
};

use crate::support::{Bench, Sink, within};

async fn run(command: &str) -> (BoundedOutput, String) {
    let bench = Bench::new();
    let mut settings = bench.settings(Requested::Level(SandboxLevel::None));
    settings.redactor = Arc::new(Redactor::new(Secret::new("hush-hush-비밀").into_iter().collect()));
    let sandbox = bench.with(settings).await.expect("`none` works everywhere");
    let sink = Arc::new(Sink::default());
    let request = CommandRequest::new(command);
    let running = sandbox.run(request, Arc::clone(&sink) as _, never_cancelled());
    let end = within(running).await.expect("it runs");
    (end.output, sink.shown())
}

#[tokio::test]
async fn a_secret_in_two_pieces_does_not_pass() {
    let (output, shown) =
        run("printf 'a=hush-'; printf 'hush-비'; printf '밀\\nAKIAQ3EGRY6'; printf 'JQ7C2XQ4N end'").await;
    assert_eq!(output.head, "a=[redacted:secret]\n[redacted:aws-access-key-id] end");
    assert_eq!(shown, output.head);
}

/// The head of a long output ends, and its tail begins, in the middle of a secret.
#[tokio::test]
async fn no_half_of_a_secret_is_left_where_an_output_is_cut() {
    for filling in (BoundedOutput::SIDE - 20..BoundedOutput::SIDE).step_by(3) {
        let (output, _) = run(&format!(
            "x() {{ head -c $1 /dev/zero | tr '\\0' x; }}; x {filling}; printf hush-hush-비밀; x 200000; \
             printf hush-hush-비밀; x {filling}"
        ))
        .await;
        for side in [&output.head, &output.tail] {
            assert!(!side.contains("hush") && !side.contains('비') && !side.contains('밀'), "{filling}");
        }
        assert!(output.omitted_bytes > 0);
    }
}
