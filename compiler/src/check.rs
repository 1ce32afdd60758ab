//! Spec → models: ordered passes, first those that hold everywhere, then those of each environment.
//!
//! What others build on is all there from the start. Files that hold only a pipeline are read one after the other
//! and forgotten: what is left of a job is a node of the graph, so that a large tree costs little more than its texts.

mod cycles;
mod declarations;
mod edges;
pub(crate) mod environments;
mod heads;
mod merge;
pub(crate) mod params;
mod references;
mod scene;
pub(crate) mod templates;

use std::collections::BTreeSet;

use crate::World;
use crate::diagnostic::{Diagnostic, Fault, Graph, Severity};
use crate::model::Model;
use crate::name::Name;
use crate::options::{Environments, Variable};
use crate::parse::parse;
use crate::resolve::Digests;
use crate::source::{FileId, SourceSet};
use crate::spec::{Partial, Pipeline, Spec};

use environments::Overlays;
use heads::Head;
use merge::merge;
use scene::Scene;
use templates::Lineages;

/// What the passes ask of the outside.
pub(crate) struct Asked<'a> {
    /// Where files come from.
    pub(crate) world: &'a dyn World,
    /// Values for params.
    pub(crate) variables: &'a [Variable],
    /// Which environments.
    pub(crate) environments: &'a Environments,
    /// Whether models are wanted.
    pub(crate) keep: bool,
}

/// A file of the tree.
#[derive(Debug, Clone, Copy)]
pub(crate) struct File {
    /// The file.
    pub(crate) id: FileId,
    /// Whether it holds only a pipeline, and has not been parsed.
    pub(crate) is_leaf: bool,
}

/// What the passes find.
#[derive(Debug)]
pub(crate) struct Checked {
    /// One model an environment; none where there is an error.
    pub(crate) models: Vec<Model>,
    /// The models instead, where every error is a circle of jobs.
    pub(crate) cyclic: Vec<Model>,
    /// What is wrong.
    pub(crate) found: Vec<Diagnostic>,
}

/// Checks a tree; `spec` is what the files say that are no leaves, `found` what was wrong with their texts.
pub(crate) fn check<'s>(
    spec: &Spec<'s>,
    sources: &'s SourceSet,
    files: &[File],
    found: Vec<Diagnostic>,
    asked: &Asked<'_>,
) -> Checked {
    let mut check = Check::new(spec, sources, found, asked);
    let whole = check.part(spec);
    let mut pipelines = spec.pipelines.iter().peekable();
    for File { id, is_leaf } in files {
        if *is_leaf {
            check.leaf(*id);
        }
        while let Some(pipeline) = pipelines.next_if(|pipeline| pipeline.file == *id) {
            check.pipeline(pipeline, &whole);
        }
    }
    check.finish()
}

/// What all parts of a tree share.
struct Shared<'e, 's> {
    spec: &'e Spec<'s>,
    sources: &'s SourceSet,
    asked: &'e Asked<'e>,
    lineages: Lineages,
}

/// The passes, as far as they have come.
struct Check<'e, 's> {
    shared: Shared<'e, 's>,
    scenes: Vec<Scene<'e, 's>>,
    heads: Vec<Head<'s>>,
    digests: Digests,
    used_templates: Vec<bool>,
    used_params: BTreeSet<&'e str>,
    /// The jobs of pipelines that have no usable name.
    lost: BTreeSet<Box<str>>,
    /// What is wrong with the texts.
    spelled: Vec<Diagnostic>,
    /// What is wrong with their meaning in every environment.
    found: Vec<Diagnostic>,
}

impl<'e, 's> Check<'e, 's> {
    fn new(
        spec: &'e Spec<'s>,
        sources: &'s SourceSet,
        spelled: Vec<Diagnostic>,
        asked: &'e Asked<'e>,
    ) -> Self {
        let mut found = Vec::new();
        let lineages = Lineages::of(spec, &mut found);
        let shared = Shared { spec, sources, asked, lineages };
        let names = environments::asked(spec, asked.environments, &mut found);
        params::check(spec, asked.variables, &mut found);
        Self {
            scenes: names.into_iter().map(|name| Scene::new(name, &shared)).collect(),
            shared,
            heads: Vec::new(),
            digests: Digests::new(),
            used_templates: vec![false; spec.templates.len()],
            used_params: BTreeSet::new(),
            lost: BTreeSet::new(),
            spelled,
            found,
        }
    }

    /// Checks the names in a part of the tree; answers with its overlays in each environment.
    fn part<'p>(&mut self, part: &'p Spec<'s>) -> Vec<Overlays<'p, 's>> {
        let spec = self.shared.spec;
        declarations::check(spec, part, &mut self.found);
        templates::check(spec, part, &mut self.used_templates, &mut self.found);
        references::check(spec, part, self.shared.sources, &mut self.used_params, &mut self.found);
        environments::check(spec, part, &mut self.found);
        self.scenes.iter().map(|scene| environments::overlays(part, scene.name)).collect()
    }

    fn leaf(&mut self, file: FileId) {
        let start = self.shared.spec.start;
        let mut leaf = Spec::new(start);
        parse(self.shared.sources, file, start.file, &mut leaf, &mut self.spelled);
        let overlays = self.part(&leaf);
        for pipeline in &leaf.pipelines {
            self.pipeline(pipeline, &overlays);
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline<'s>, overlays: &[Overlays<'_, 's>]) {
        let lines = lines(pipeline, self.shared.sources);
        for (scene, overlays) in self.scenes.iter_mut().zip(overlays) {
            scene.pipeline(&self.shared, pipeline, &lines, overlays, &mut self.digests);
        }
        if pipeline.name.as_ref().is_none_or(|name| name.text.parse::<Name>().is_err()) {
            self.lost.extend(pipeline.jobs.iter().map(|job| job.key.text.as_ref().into()));
        }
        self.heads.push(Head::of(pipeline));
    }

    fn finish(mut self) -> Checked {
        let spec = self.shared.spec;
        declarations::whole(spec, &self.heads, &self.spelled, &mut self.found);
        templates::unused(spec, &self.used_templates, &mut self.found);
        references::unused(spec, &self.used_params, &mut self.found);
        for scene in &mut self.scenes {
            scene.connect(spec, &self.lost);
        }
        let everywhere = self.spelled.iter().chain(&self.found);
        let all = everywhere.chain(self.scenes.iter().flat_map(|scene| &scene.found));
        let errors: Vec<&Diagnostic> = all.filter(|one| !is_warning(one)).collect();
        let (valid, drawable) = (errors.is_empty(), errors.into_iter().all(is_circle));
        let scenes = self.scenes.iter_mut().filter(|_| self.shared.asked.keep && drawable);
        let models: Vec<Model> = scenes.filter_map(|scene| scene.model(spec, &self.heads)).collect();
        let (models, cyclic) = if valid { (models, Vec::new()) } else { (Vec::new(), models) };
        self.spelled.append(&mut self.found);
        let scenes = self.scenes.into_iter().map(|scene| (scene.name, scene.found));
        Checked { models, cyclic, found: merge(self.spelled, scenes.collect()) }
    }
}

fn is_warning(one: &Diagnostic) -> bool {
    one.fault.severity() == Severity::Warning
}

/// Whether it says that jobs wait for each other, of which each is whole.
fn is_circle(one: &Diagnostic) -> bool {
    matches!(one.fault, Fault::Graph(Graph::Cycle { .. }))
}

/// The line of each job's key.
fn lines(pipeline: &Pipeline<'_>, sources: &SourceSet) -> Vec<u32> {
    let (text, mut at, mut line) = (sources.text(pipeline.file), 0, 1);
    let mut count = |job: &Partial<'_>| {
        let start = (job.key.span.start as usize).min(text.len());
        if start < at {
            (at, line) = (0, 1);
        }
        line += u32::try_from(text.as_bytes()[at..start].iter().filter(|byte| **byte == b'\n').count())
            .unwrap_or(0);
        at = start;
        line
    };
    pipeline.jobs.iter().map(&mut count).collect()
}
