//! One environment: the values of its params, and all of its jobs as far as they have been read.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;

use crate::diagnostic::Diagnostic;
use crate::layer::Layers;
use crate::model::{self, Model};
use crate::name::Name;
use crate::param;
use crate::resolve::{Digests, Environment, Node, Resolver};
use crate::spec::{Pipeline, Spec};

use super::environments::Overlays;
use super::heads::Head;
use super::{Shared, edges, params};

/// One environment.
pub(super) struct Scene<'e, 's> {
    /// Its name; none for the spec without overlays.
    pub(super) name: Option<&'e str>,
    params: BTreeMap<&'e str, Option<param::Value>>,
    nodes: Vec<Node<'s>>,
    /// What is wrong here.
    pub(super) found: Vec<Diagnostic>,
}

impl<'e, 's> Scene<'e, 's> {
    /// An environment of no jobs yet.
    pub(super) fn new(name: Option<&'e str>, shared: &Shared<'e, 's>) -> Self {
        let mut found = Vec::new();
        let params = params::resolve(shared.spec, name, shared.asked.variables, &mut found);
        Self { name, params, nodes: Vec::new(), found }
    }

    /// Adds the jobs of one pipeline; `lines` are those of their keys.
    pub(super) fn pipeline(
        &mut self,
        shared: &Shared<'_, 's>,
        pipeline: &Pipeline<'s>,
        lines: &[u32],
        overlays: &Overlays<'_, 's>,
        digests: &mut Digests,
    ) {
        let Some(name) = &pipeline.name else { return };
        let environment = Environment {
            spec: shared.spec,
            sources: shared.sources,
            lineages: &shared.lineages,
            name: self.name,
            params: &self.params,
            world: shared.asked.world,
        };
        let mut layers = Layers::default();
        for (partial, line) in pipeline.jobs.iter().zip(lines) {
            let overlay = overlays.get(&(pipeline.file, partial.key.text.as_ref())).copied();
            let (place, job, found) = ((pipeline, name), (partial, overlay), &mut self.found);
            let resolver = Resolver::new(&environment, place, job, &mut layers, digests, found);
            let node = resolver.resolve(*line);
            self.nodes.push(if shared.asked.keep { node } else { Node { job: None, ..node } });
        }
    }

    /// Checks what its jobs wait for, now that all of them are known.
    pub(super) fn connect(&mut self, spec: &Spec<'_>, lost: &BTreeSet<Box<str>>) {
        edges::check(spec, lost, &mut self.nodes, &mut self.found);
    }

    /// Its model; nothing where a name in it is at fault.
    pub(super) fn model(&mut self, spec: &Spec<'_>, heads: &[Head<'_>]) -> Option<Model> {
        let name = |text: &str| text.parse::<Name>().ok();
        let clusters =
            spec.clusters.iter().map(|cluster| Some((name(&cluster.key.text)?, model::Cluster::Local)));
        let pipelines = heads.iter().map(|head| Some((name(&head.name.as_ref()?.text)?, head.described())));
        let nodes = std::mem::take(&mut self.nodes);
        let jobs = nodes.into_iter().filter_map(|node| node.job).map(|job| (job.id.clone(), *job));
        Some(Model {
            project: name(&spec.project.as_ref()?.text)?,
            environment: self.name.and_then(name),
            store: spec.store.as_deref().unwrap_or("file:.windlass").to_owned(),
            acknowledge: spec.acknowledge,
            lease: spec.lease.as_ref().map(|lease| model::Lease {
                nodes: lease.nodes.clone(),
                ttl: lease.ttl.unwrap_or(model::Lease::TTL),
            }),
            clusters: clusters.collect::<Option<IndexMap<_, _>>>()?,
            pipelines: pipelines.collect::<Option<IndexMap<_, _>>>()?,
            jobs: jobs.collect(),
        })
    }
}
