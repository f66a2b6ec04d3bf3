//! Tests that need what not every machine has: they say so where they cannot run, and fail where everything is
//! required.
//!
//! `scripts/run_tests.sh` lets them be skipped, `scripts/full.sh` does not. Whether the machine has what a test needs
//! is for the test to find out; here is only how it says so.

use std::{fmt, io::Write};

/// The environment variable that turns every skip into a failure where it is `1`.
pub const REQUIRE_ALL: &str = "BETTER_LLM_REQUIRE_ALL";

/// Says on standard error that the running test cannot do its work because of `missing`; the test then returns.
///
/// # Panics
/// Where [`REQUIRE_ALL`] is `1`.
#[track_caller]
pub fn skip(missing: impl fmt::Display) {
    let required = std::env::var_os(REQUIRE_ALL).is_some_and(|value| value == "1");
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let line = said(required, &test, &missing).unwrap_or_else(|failure| panic!("{failure}"));
    // Past the harness, which hides what passing tests print; where standard error is closed nobody is told.
    std::io::stderr().write_all(line.as_bytes()).unwrap_or_default();
}

/// The line of a skip, or the words of the failure it is.
fn said(required: bool, test: &str, missing: &dyn fmt::Display) -> Result<String, String> {
    if required {
        return Err(format!("{test} cannot run here, and {REQUIRE_ALL} is set: {missing}"));
    }
    Ok(format!("SKIPPED {test}: {missing}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_is_said_and_fails_where_everything_is_required() {
        assert_eq!(said(false, "a_disk", &"root"), Ok("SKIPPED a_disk: root\n".to_owned()));
        let failure = "a_disk cannot run here, and BETTER_LLM_REQUIRE_ALL is set: root".to_owned();
        assert_eq!(said(true, "a_disk", &"root"), Err(failure));
    }
}
