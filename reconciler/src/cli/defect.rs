//! What a panic looks like to a user, and how it ends.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::Write as _;
use std::panic::{self, PanicHookInfo};

use windlass_compiler::escape::visible_lines;

use super::exit::Exit;

/// From now on a panic in any thread ends the process with exit code 70. Nothing durable suffers from a sudden
/// end, whereas going on after a broken invariant might do anything.
pub fn catch() {
    panic::set_hook(Box::new(|info| {
        let text = text(info, &Backtrace::capture());
        drop(std::io::stderr().lock().write_all(text.as_bytes()));
        std::process::exit(i32::from(Exit::Internal.code()));
    }));
}

fn text(info: &PanicHookInfo<'_>, backtrace: &Backtrace) -> String {
    let place = info.location().map(|at| format!(" ({}:{})", at.file(), at.line())).unwrap_or_default();
    let version = env!("CARGO_PKG_VERSION");
    let trace = match backtrace.status() {
        BacktraceStatus::Captured => format!("{backtrace}\n"),
        _ => "hint: RUST_BACKTRACE=1 shows where\n".to_owned(),
    };
    format!(
        "error: a defect of windlass {version}: {}{place}\n{trace}hint: please report it, with the command and \
         this text; whatever was recorded before it is safe\n",
        visible_lines(message(info))
    )
}

/// What `panic!` and `expect` were given: a literal or a formatted text.
fn message<'a>(info: &'a PanicHookInfo<'_>) -> &'a str {
    let payload = info.payload();
    let formatted = payload.downcast_ref::<String>().map(String::as_str);
    formatted.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message")
}
