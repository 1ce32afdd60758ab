//! Any bytes give diagnostics or a model.
