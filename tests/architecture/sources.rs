//! What the text of a layer never contains.

use better_llm_tests::rust_files;

fn check(folder: &str, never: &[&str]) {
    let mut found = Vec::new();
    for (name, text) in rust_files(folder) {
        if is_test(&name) {
            continue;
        }
        for (number, line) in product_lines(&text) {
            for word in never {
                if line.contains(word) {
                    found.push(format!("{name}:{number}: {word}"));
                }
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

fn is_test(name: &str) -> bool {
    name.contains("/tests/")
        || name.ends_with("/tests.rs")
        || name.contains("/benches/")
        || name.contains("/examples/")
}

/// The lines before a file's test module, without comments.
fn product_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    let product = lines
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]\nmod tests {") && *line != "mod tests {");
    product.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

#[test]
fn the_domain_touches_nothing() {
    check(
        "crates/domain/src",
        &[
            "std::fs",
            "std::env",
            "std::net",
            "std::process",
            "std::thread",
            "SystemTime::now",
            "Instant::now",
            "println!",
        ],
    );
}

#[test]
fn the_application_reads_no_file_clock_or_environment() {
    check(
        "crates/application/src",
        &["std::fs", "std::env", "std::net", "std::process", "SystemTime", "std::time::Instant", "println!"],
    );
}

/// Law 11: no process-wide state.
#[test]
fn nothing_keeps_state_in_statics() {
    for folder in [
        "crates/domain/src",
        "crates/application/src",
        "crates/infra",
        "crates/better-llm/src",
        "crates/cli/src",
    ] {
        check(
            folder,
            &[
                "static mut",
                "LazyLock<",
                "lazy_static",
                "thread_local!",
                "static CELL",
                "set_default_provider",
                "install_default",
            ],
        );
    }
}

/// Law 11: the environment is handed in at the front end, nowhere else.
#[test]
fn only_front_ends_read_the_environment() {
    for folder in ["crates/infra", "crates/better-llm/src"] {
        check(folder, &["env::var", "env::vars", "env::current_dir", "env::home_dir", "env::temp_dir"]);
    }
}

#[test]
fn lints_yield_only_with_a_reason() {
    check("crates", &["#[allow(", "#![allow("]);
}

/// Reliability decision 9: what is said goes through the printer, which takes sanitized text only.
#[test]
fn only_the_printer_writes_to_a_terminal() {
    // What hands the streams over, the net, the printer and the writer, where colours are made, and who only asks a terminal.
    let writers = [
        "src/main.rs",
        "src/net.rs",
        "src/net.rs",
        "src/output.rs",
        "src/panic.rs",
        "src/render/style.rs",
        "src/render/fixtures.rs",
        "src/surroundings.rs",
        "src/work.rs",
        "src/writer.rs",
    ];
    let never = ["stdout()", "stderr()", "write_all(", "print!(", "println!(", "eprint", "\\u{1b}"];
    let mut found = Vec::new();
    for (name, text) in rust_files("crates/cli/src") {
        if is_test(&name) || writers.iter().any(|writer| name.ends_with(writer)) {
            continue;
        }
        for (number, line) in product_lines(&text) {
            if never.iter().any(|word| line.contains(word)) {
                found.push(format!("{name}:{number}: {line}"));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}
