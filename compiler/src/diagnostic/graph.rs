//! WL06xx: jobs that wait for each other in ways that cannot work.

use super::Report;
use super::draft::Draft;
use crate::source::Span;

/// Edges and names that do not work together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Graph {
    /// An edge from a job that does not exist.
    UnknownJob {
        /// Where it is named.
        span: Span,
        /// As it is written.
        name: Box<str>,
        /// The nearest job.
        near: Option<Box<str>>,
        /// The pipeline that is named, where there is none of this name.
        pipeline: Option<Box<str>>,
    },
    /// A job that waits for itself.
    SelfEdge {
        /// The edge.
        span: Span,
        /// The job.
        job: Box<str>,
    },
    /// Two edges that say the same.
    DuplicateEdge {
        /// The second.
        again: Span,
        /// The first.
        first: Span,
        /// The upstream.
        upstream: Box<str>,
    },
    /// An edge that waits for what a stream never does.
    NeverEnds {
        /// The edge.
        span: Span,
        /// The upstream.
        upstream: Box<str>,
        /// What the edge waits for.
        when: &'static str,
        /// Where the upstream is defined.
        defined: Span,
    },
    /// An edge from a job that this environment does not have.
    Absent {
        /// The edge.
        span: Span,
        /// The upstream.
        upstream: Box<str>,
        /// Where the upstream is switched off.
        switched: Span,
        /// The environments that have it.
        present: Vec<Box<str>>,
    },
    /// Jobs that wait for each other in a circle.
    Cycle {
        /// Each edge of the shortest circle: where it is written, the upstream, the job that waits for it.
        edges: Vec<(Span, Box<str>, Box<str>)>,
        /// How many jobs wait for each other in all.
        jobs: usize,
    },
    /// Edges from one upstream that cannot all be met.
    Contradiction {
        /// The edge that contradicts.
        span: Span,
        /// The edge that it contradicts.
        other: Span,
        /// The upstream.
        upstream: Box<str>,
        /// What both wait for.
        whens: (&'static str, &'static str),
    },
    /// Two pipelines of one name.
    DuplicatePipeline {
        /// The second.
        again: Span,
        /// The first.
        first: Span,
        /// The name.
        name: Box<str>,
    },
    /// The same thing declared in two files.
    DeclaredTwice {
        /// The second.
        again: Span,
        /// The first.
        first: Span,
        /// What it is: `cluster`.
        what: &'static str,
        /// The name.
        name: Box<str>,
    },
}

impl Graph {
    /// Says it.
    pub(super) fn report(&self) -> Report {
        match self {
            Self::UnknownJob { span, name, near, pipeline } => {
                let help = match pipeline {
                    Some(pipeline) => format!("there is no pipeline `{pipeline}` either"),
                    None if name.contains('.') => "its pipeline exists, and has no such job".to_owned(),
                    None => "a job of another pipeline is written `pipeline.job`".to_owned(),
                };
                Draft::new("WL0601", format!("there is no job `{name}`"))
                    .at(*span, "unknown job")
                    .help(help)
                    .did_you_mean(*span, name, near.as_deref())
                    .done()
            }
            Self::SelfEdge { span, job } => Draft::new("WL0602", format!("`{job}` waits for itself"))
                .at(*span, "this is the job itself")
                .help("remove it")
                .done(),
            Self::DuplicateEdge { again, first, upstream } => {
                Draft::new("WL0603", format!("`{upstream}` is waited for twice"))
                    .at(*again, "again here")
                    .at(*first, "first here")
                    .help("remove one of the two")
                    .done()
            }
            Self::NeverEnds { span, upstream, when, defined } => {
                Draft::new("WL0604", format!("`{upstream}` is a stream, and a stream is never `{when}`"))
                    .at(*span, format!("waits for `{when}`"))
                    .at(*defined, format!("`{upstream}` is a stream"))
                    .help("a stream can be waited for with `met` or `running`")
                    .done()
            }
            Self::Absent { span, upstream, switched, present } => {
                let draft = Draft::new("WL0605", absent(upstream, present))
                    .at(*span, "waits for a job that is not there")
                    .at(*switched, "switched off here");
                draft.help("switch it on, or leave this edge out in the same environments").done()
            }
            Self::Cycle { edges, jobs } => {
                let first = edges.first().map(|(.., job)| job.as_ref()).unwrap_or_default();
                let path: Vec<String> =
                    edges.iter().map(|(_, upstream, _)| format!("`{upstream}`")).collect();
                let path = path.join(", which waits for ");
                let more = match jobs.saturating_sub(edges.len()) {
                    0 => String::new(),
                    more => format!(" ({more} more are in the same knot)"),
                };
                let message = format!("`{first}` waits for {path}{more}");
                let draft =
                    edges.iter().fold(Draft::new("WL0606", message), |draft, (span, upstream, job)| {
                        draft.at(*span, format!("`{job}` waits for `{upstream}`"))
                    });
                draft.help("remove one of these edges").done()
            }
            Self::Contradiction { span, other, upstream, whens } => {
                Draft::new("WL0607", format!("`{upstream}` cannot be both `{}` and `{}`", whens.0, whens.1))
                    .at(*span, format!("waits for `{}`", whens.1))
                    .at(*other, format!("waits for `{}`", whens.0))
                    .help("all edges of a job must be met together; split the job in two")
                    .done()
            }
            Self::DuplicatePipeline { again, first, name } => {
                Draft::new("WL0608", format!("there are two pipelines `{name}`"))
                    .at(*again, "again here")
                    .at(*first, "first here")
                    .help("give one of them another name, or move its jobs to the other's file")
                    .done()
            }
            Self::DeclaredTwice { again, first, what, name } => {
                Draft::new("WL0609", format!("the {what} `{name}` is declared in two files"))
                    .at(*again, "again here")
                    .at(*first, "first here")
                    .help("keep one of the two")
                    .done()
            }
        }
    }
}

fn absent(upstream: &str, present: &[Box<str>]) -> String {
    match present {
        [] => format!("`{upstream}` exists, but it is switched off"),
        present => format!("`{upstream}` exists, but only in {}", present.join(", ")),
    }
}
