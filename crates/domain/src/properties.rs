//! How often the properties of this crate are tried.

use proptest::test_runner::Config;

/// Ten thousand cases each, and more where the environment variable `PROPTEST_CASES` asks for more.
pub(crate) fn cases() -> Config {
    let asked = Config::default();
    Config { cases: asked.cases.max(10_000), ..asked }
}
