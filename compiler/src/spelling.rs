//! The words of the language for the values of its closed lists.

use crate::model::{Mode, OnLost, When};

/// `stream` or `batch`.
pub(crate) fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Stream => "stream",
        Mode::Batch => "batch",
    }
}

/// `met`, `succeeded`, and so on.
pub(crate) fn when(when: When) -> &'static str {
    match when {
        When::Met => "met",
        When::Succeeded => "succeeded",
        When::Failed => "failed",
        When::Finished => "finished",
        When::Running => "running",
    }
}

/// `hold` or `retry`.
pub(crate) fn on_lost(on_lost: OnLost) -> &'static str {
    match on_lost {
        OnLost::Hold => "hold",
        OnLost::Retry => "retry",
    }
}

/// The table that says what follows a failure: `restart` of a stream, `retry` of a batch.
pub(crate) fn retry(mode: Mode) -> &'static str {
    match mode {
        Mode::Stream => "restart",
        Mode::Batch => "retry",
    }
}
