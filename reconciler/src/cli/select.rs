//! Which jobs a command is about: selection expressions over a list of jobs and their edges.
//!
//! Pure: the list comes from a plan or from a store, and the answer is a part of it in its order.

mod expression;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;
use windlass_compiler::model::Job;
use windlass_compiler::name::{JobId, Name};
use windlass_compiler::plan::Plan;
use windlass_core::id::Instance;

pub use expression::Expression;
use expression::Property;

use super::args::SelectArgs;
use super::exit::Exit;
use super::failure::Failure;
use super::nearest::nearest;

/// Something that can be selected: a job, or one instance of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The instance; without a run it stands for the job.
    pub instance: Instance,
    /// The cluster that it runs on.
    pub cluster: Name,
    /// The file that defines it.
    pub file: Option<String>,
    /// Its labels.
    pub tags: Vec<String>,
}

impl Subject {
    /// A job of a plan, or on record.
    pub fn of_job(job: &Job) -> Self {
        Self {
            instance: Instance::stream(job.id.clone()),
            cluster: job.cluster.clone(),
            file: job.origin.as_ref().map(|origin| origin.file.clone()),
            tags: job.tags.clone(),
        }
    }
}

/// Everything that could be selected.
#[derive(Debug, Clone, Default)]
pub struct Universe {
    subjects: Vec<Subject>,
    upstreams: BTreeMap<JobId, Vec<JobId>>,
    downstreams: BTreeMap<JobId, Vec<JobId>>,
}

/// An expression that no subject fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoMatch {
    /// The expression.
    pub expression: String,
    /// What was probably meant.
    pub near: Option<String>,
}

impl Universe {
    /// Subjects in the order in which they are answered, and edges as (upstream, downstream).
    pub fn new(subjects: Vec<Subject>, edges: impl IntoIterator<Item = (JobId, JobId)>) -> Self {
        let mut universe = Self { subjects, ..Self::default() };
        for (upstream, downstream) in edges {
            universe.upstreams.entry(downstream.clone()).or_default().push(upstream.clone());
            universe.downstreams.entry(upstream).or_default().push(downstream);
        }
        universe
    }

    /// The jobs of a plan.
    pub fn of_plan(plan: &Plan) -> Self {
        let subjects = plan.jobs().map(Subject::of_job);
        let graph = plan.graph();
        let id = |node: NodeIndex| graph[node].id.clone();
        let edges = graph.edge_references().map(|edge| (id(edge.source()), id(edge.target())));
        Self::new(subjects.collect(), edges)
    }

    /// Some jobs with their edges, which may lead in a circle.
    pub fn of_jobs<'a>(jobs: impl Iterator<Item = &'a Job> + Clone) -> Self {
        let after = |job: &'a Job| job.after.iter().map(|edge| (edge.job.clone(), job.id.clone()));
        Self::new(jobs.clone().map(Subject::of_job).collect(), jobs.flat_map(after))
    }

    /// These jobs besides, without their edges.
    #[must_use]
    pub fn with(mut self, jobs: impl Iterator<Item = Job>) -> Self {
        self.subjects.extend(jobs.map(|job| Subject::of_job(&job)));
        self
    }

    /// What fits one of `-s`, or everything without one, and none of `-x`.
    pub fn select(&self, args: &SelectArgs) -> Result<Vec<&Subject>, NoMatch> {
        let excluded = self.any_of(&args.exclude)?;
        let included = match args.select.as_slice() {
            [] => (0..self.subjects.len()).collect(),
            expressions => self.any_of(expressions)?,
        };
        Ok(included.difference(&excluded).map(|at| &self.subjects[*at]).collect())
    }

    fn any_of(&self, expressions: &[Expression]) -> Result<BTreeSet<usize>, NoMatch> {
        let mut found = BTreeSet::new();
        for expression in expressions {
            found.extend(self.all_of(expression)?);
        }
        Ok(found)
    }

    fn all_of(&self, expression: &Expression) -> Result<BTreeSet<usize>, NoMatch> {
        let fits = |at: &usize| fits(&self.subjects[*at], expression);
        let seeds: BTreeSet<usize> = (0..self.subjects.len()).filter(fits).collect();
        if seeds.is_empty() {
            return Err(self.no_match(expression));
        }
        Ok(self.widened(expression, seeds))
    }

    /// The seeds, with their upstreams and downstreams if the expression asks for them. Of what stands in
    /// another run than an instance that was named, nothing is meant.
    fn widened(&self, expression: &Expression, seeds: BTreeSet<usize>) -> BTreeSet<usize> {
        let jobs = seeds.iter().map(|at| &self.subjects[*at].instance.job);
        let mut meant = BTreeSet::new();
        if expression.upstreams {
            meant.extend(reachable(&self.upstreams, jobs.clone()));
        }
        if expression.downstreams {
            meant.extend(reachable(&self.downstreams, jobs));
        }
        let runs: BTreeSet<_> = seeds.iter().filter_map(|at| self.subjects[*at].instance.run).collect();
        let in_run = |instance: &Instance| match (expression.property, instance.run) {
            (Property::Instance, Some(run)) => runs.contains(&run),
            _ => true,
        };
        let more = self.subjects.iter().enumerate().filter_map(|(at, subject)| {
            (meant.contains(&subject.instance.job) && in_run(&subject.instance)).then_some(at)
        });
        more.chain(seeds.iter().copied()).collect()
    }

    fn no_match(&self, expression: &Expression) -> NoMatch {
        let wanted = &expression.pattern.text;
        let near = match expression.property {
            Property::Tag => nearest(wanted, self.subjects.iter().flat_map(|subject| &subject.tags)),
            Property::Cluster => {
                nearest(wanted, self.subjects.iter().map(|subject| subject.cluster.as_str()))
            }
            Property::File => nearest(wanted, self.subjects.iter().filter_map(|s| s.file.as_ref())),
            Property::Instance => nearest(wanted, self.subjects.iter().map(|s| s.instance.to_string())),
            Property::Job => nearest(wanted, self.subjects.iter().map(|s| s.instance.job.to_string())),
            Property::Pipeline => self.near_pipeline(wanted),
        };
        NoMatch { expression: expression.to_string(), near }
    }

    /// A word without a dot may have been meant for a job.
    fn near_pipeline(&self, wanted: &str) -> Option<String> {
        let mut jobs = self.subjects.iter().map(|subject| &subject.instance.job);
        let job = jobs.clone().find(|job| job.job.as_str() == wanted).map(ToString::to_string);
        job.or_else(|| nearest(wanted, jobs.by_ref().map(|job| job.pipeline.as_str())))
    }
}

fn fits(subject: &Subject, expression: &Expression) -> bool {
    let pattern = &expression.pattern;
    match expression.property {
        Property::Pipeline => pattern.matches(subject.instance.job.pipeline.as_str()),
        Property::Job => pattern.matches(&subject.instance.job.to_string()),
        Property::Instance => pattern.matches(&subject.instance.to_string()),
        Property::Tag => subject.tags.iter().any(|tag| pattern.matches(tag)),
        Property::Cluster => pattern.matches(subject.cluster.as_str()),
        Property::File => subject.file.as_ref().is_some_and(|file| pattern.matches(file)),
    }
}

/// Every job that can be reached, with those it starts from.
fn reachable<'a>(
    edges: &'a BTreeMap<JobId, Vec<JobId>>,
    from: impl Iterator<Item = &'a JobId>,
) -> BTreeSet<&'a JobId> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<&JobId> = from.collect();
    while let Some(job) = open.pop() {
        if seen.insert(job) {
            open.extend(edges.get(job).into_iter().flatten());
        }
    }
    seen
}

impl fmt::Display for NoMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no job fits `{}`", self.expression)
    }
}

impl std::error::Error for NoMatch {}

impl From<NoMatch> for Failure {
    fn from(no_match: NoMatch) -> Self {
        let failure = Self::new(Exit::Error, &no_match);
        match &no_match.near {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure,
        }
    }
}

#[cfg(test)]
mod tests;
