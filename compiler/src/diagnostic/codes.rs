//! The table of codes. A code is never used again for something else.

use super::Severity::{self, Error, Warning};

/// What is known of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeInfo {
    /// The code, such as `WL0201`.
    pub code: &'static str,
    /// Its name, such as `unknown-key`.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it means, in one line.
    pub summary: &'static str,
}

/// The entry of a code.
pub fn find(code: &str) -> Option<&'static CodeInfo> {
    CODES.iter().find(|info| info.code == code)
}

const fn code(code: &'static str, severity: Severity, name: &'static str, summary: &'static str) -> CodeInfo {
    CodeInfo { code, name, severity, summary }
}

/// All codes, in order.
pub const CODES: &[CodeInfo] = &[
    code("WL0101", Error, "syntax-error", "A line is not valid TOML."),
    code("WL0102", Error, "duplicate-key", "A key or a table is defined twice in one file."),
    code("WL0103", Error, "not-text", "A file is not UTF-8 text."),
    code("WL0104", Error, "file-too-large", "A file is larger than a spec may be."),
    code("WL0105", Error, "nested-too-deep", "Brackets or keys are nested too deep."),
    code("WL0201", Error, "unknown-key", "A table has no such key."),
    code("WL0202", Error, "wrong-type", "A value has the wrong type for its key."),
    code("WL0203", Error, "missing-key", "A key that must be there is missing."),
    code("WL0204", Error, "unknown-version", "The language has no such version."),
    code("WL0205", Error, "root-only-key", "A key belongs into the root file alone."),
    code("WL0206", Error, "no-pipeline", "A file has jobs and no pipeline."),
    code("WL0207", Error, "command-not-list", "A command is one text instead of a list of arguments."),
    code("WL0301", Error, "bad-name", "A name has characters or a length that names cannot have."),
    code("WL0302", Error, "bad-duration", "A text is no duration."),
    code("WL0303", Error, "bad-size", "A text is no size."),
    code("WL0304", Error, "bad-date", "A text is no date."),
    code("WL0305", Error, "bad-choice", "A text is none of the words that are possible."),
    code("WL0306", Error, "number-out-of-range", "A number is smaller or greater than its key allows."),
    code("WL0307", Error, "bad-range", "A text is no range of durations."),
    code("WL0308", Error, "empty-value", "A text or list that must have something in it is empty."),
    code("WL0309", Warning, "program-with-spaces", "The first word of a command has spaces in it."),
    code("WL0310", Error, "not-passable", "A text cannot be handed to a process."),
    code("WL0311", Error, "bad-pattern", "A pattern of `include` cannot be read."),
    code("WL0312", Error, "bad-store", "The address of a store cannot be read."),
    code("WL0401", Error, "unknown-reference", "A reference names nothing that exists."),
    code("WL0402", Error, "malformed-reference", "A reference is not closed, or empty."),
    code("WL0403", Error, "unknown-param", "A param is not declared."),
    code("WL0404", Error, "param-without-value", "A param has neither a default nor a value."),
    code("WL0405", Error, "param-out-of-bounds", "A value lies beyond the bounds of its param."),
    code("WL0406", Error, "param-type-mismatch", "A param has a type that does not fit where it is used."),
    code("WL0407", Error, "bad-variable", "A value from outside does not have its param's type."),
    code("WL0408", Error, "reference-not-allowed", "A reference stands where only a plain value may."),
    code("WL0409", Error, "bad-bounds", "The bounds of a param make no sense."),
    code("WL0410", Error, "unknown-cluster", "A cluster is not declared."),
    code("WL0411", Error, "no-cluster", "A job does not say on which cluster it runs."),
    code("WL0412", Error, "no-environment", "A reference names the environment where there is none."),
    code("WL0501", Error, "unknown-template", "A template is not declared."),
    code("WL0502", Error, "unknown-environment", "An environment is not declared in the root file."),
    code("WL0503", Error, "nothing-below", "An environment lays values over something that does not exist."),
    code("WL0504", Error, "template-cycle", "Templates use each other in a circle."),
    code("WL0505", Error, "not-appendable", "A key with a plus is no list."),
    code("WL0506", Error, "nothing-to-unset", "A layer unsets what no lower layer sets."),
    code("WL0507", Error, "fixed-key", "A layer sets a key that only a job may set."),
    code("WL0508", Warning, "unused-template", "No job uses a template."),
    code("WL0509", Warning, "unused-param", "Nothing refers to a param."),
    code("WL0601", Error, "unknown-job", "An edge names a job that does not exist."),
    code("WL0602", Error, "self-edge", "A job waits for itself."),
    code("WL0603", Error, "duplicate-edge", "A job waits twice for the same."),
    code("WL0604", Error, "impossible-edge", "An edge waits for what a stream never does."),
    code("WL0605", Error, "absent-upstream", "An edge names a job that this environment does not have."),
    code("WL0606", Error, "cycle", "Jobs wait for each other in a circle."),
    code("WL0607", Error, "contradicting-edges", "The edges of a job cannot all be met."),
    code("WL0608", Error, "duplicate-pipeline", "Two files hold pipelines of one name."),
    code("WL0609", Error, "declared-twice", "The same thing is declared in two files."),
    code("WL0701", Warning, "no-job", "A project or a pipeline has no job."),
    code("WL0702", Error, "wrong-recovery", "A stream has `retry`, or a batch has `restart`."),
    code("WL0703", Error, "inverted-backoff", "The longest pause is shorter than the first."),
    code("WL0704", Warning, "within-too-short", "A window is so short that its attempts never run out."),
    code("WL0705", Error, "timeout-before-ready", "A time-out is over before the job counts as running."),
    code("WL0706", Warning, "nowhere", "A job exists in no environment."),
    code("WL0707", Warning, "no-attempts", "A pause or window is set where no attempt follows a failure."),
    code("WL0708", Error, "zero-timeout", "A time-out leaves no time."),
    code("WL0801", Error, "missing-file", "A file that a job needs does not exist."),
    code("WL0802", Error, "unreadable-file", "A file cannot be read."),
    code("WL0803", Error, "outside-the-tree", "A path leaves the tree."),
    code("WL0804", Error, "no-root-file", "A folder has no `windlass.toml`."),
    code("WL0805", Warning, "nothing-included", "No file fits a pattern of `include`."),
    code("WL0806", Error, "unlisted-tree", "The files of a tree cannot be listed."),
    code("WL0901", Error, "key-not-supported-yet", "A key of the language that this version does not run."),
    code(
        "WL0902",
        Error,
        "value-not-supported-yet",
        "A value of the language that this version does not run.",
    ),
    code(
        "WL0903",
        Error,
        "reference-not-supported-yet",
        "A reference of the language that this version does not run.",
    ),
    code("WL1001", Error, "bad-lease-node", "A text is no address of a server of Redis."),
    code("WL1002", Error, "lease-node-count", "A lease has a number of nodes without a clear majority."),
    code("WL1003", Error, "same-lease-node", "A lease counts one node twice."),
    code("WL1004", Error, "lease-ttl", "The time to live of a lease is too short or too long."),
    code("WL1005", Error, "password-in-spec", "An address holds a password."),
    code("WL1006", Warning, "unused-lease", "A lease stands beside a store that brings its own."),
    code("WL1007", Error, "bad-acknowledge", "A text does not say who acknowledges a write."),
    code("WL1008", Error, "no-replicas", "Replicas are to acknowledge writes of a store that has none."),
];
