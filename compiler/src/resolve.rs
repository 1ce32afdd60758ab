//! One job in one environment: its layers merged, its references filled, its values typed.
//!
//! Knows nothing of other jobs: edges are resolved here as far as the names of their upstreams.

mod fields;
mod process;

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::check::templates::Lineages;
use crate::diagnostic::{Diagnostic, Fault, Layers as LayerFault, References, Semantics};
use crate::layer::{Layer, Layers};
use crate::model::{Mode, When};
use crate::name::JobId;
use crate::param;
use crate::reference::{Filled, Scope, Unfilled};
use crate::source::{SourceSet, Span};
use crate::spec::{Content, Field, Key, Partial, Pipeline, Spec, Value};
use crate::suggest::nearest;
use crate::world::Unreadable;
use crate::{World, model};

/// The digests of files, each read once a compilation.
pub(crate) type Digests = BTreeMap<String, Result<Box<str>, Unreadable>>;

/// What all jobs of one environment share.
pub(crate) struct Environment<'e, 's> {
    /// The spec.
    pub(crate) spec: &'e Spec<'s>,
    /// The texts, for the folders of files.
    pub(crate) sources: &'e SourceSet,
    /// What the templates stand on.
    pub(crate) lineages: &'e Lineages,
    /// The name of the environment, if there is one.
    pub(crate) name: Option<&'e str>,
    /// The params.
    pub(crate) params: &'e BTreeMap<&'e str, Option<param::Value>>,
    /// Where files come from.
    pub(crate) world: &'e dyn World,
}

/// A job as far as it can be known, right or wrong.
#[derive(Debug)]
pub(crate) struct Node<'s> {
    /// Its pipeline's name.
    pub(crate) pipeline: Cow<'s, str>,
    /// Its name.
    pub(crate) name: Cow<'s, str>,
    /// Its key.
    pub(crate) key: Span,
    /// What it aims at, unless that is at fault.
    pub(crate) mode: Option<Mode>,
    /// Where it is switched off in this environment, if it is.
    pub(crate) absent: Option<Span>,
    /// The environments that it is restricted to.
    pub(crate) only_in: Option<Box<[Box<str>]>>,
    /// What it waits for.
    pub(crate) edges: Box<[Edge<'s>]>,
    /// The whole job, unless something in it is at fault or it is absent.
    pub(crate) job: Option<Box<model::Job>>,
}

impl Node<'_> {
    /// Its name with its pipeline.
    pub(crate) fn address(&self) -> String {
        format!("{}.{}", self.pipeline, self.name)
    }
}

/// An edge with its upstream's name.
#[derive(Debug)]
pub(crate) struct Edge<'s> {
    /// The whole element of `after`.
    pub(crate) span: Span,
    /// Where the upstream is named.
    pub(crate) named: Span,
    /// The upstream, references filled.
    pub(crate) job: Cow<'s, str>,
    /// What must be true of the upstream.
    pub(crate) when: When,
    /// Where that stands.
    pub(crate) when_at: Span,
}

/// Resolves one job.
pub(crate) struct Resolver<'r, 'e, 's> {
    environment: &'r Environment<'e, 's>,
    pipeline: &'e Pipeline<'s>,
    name: &'e Key<'s>,
    partial: &'e Partial<'s>,
    layers: &'r mut Layers<'e, 's>,
    scope: Scope<'e>,
    digests: &'r mut Digests,
    found: &'r mut Vec<Diagnostic>,
    /// Whether a value is at fault, here or where it was read.
    broken: bool,
}

impl<'r, 'e, 's> Resolver<'r, 'e, 's> {
    /// A resolver for one job of `pipeline` that has a name, with the overlay of the environment.
    pub(crate) fn new(
        environment: &'r Environment<'e, 's>,
        (pipeline, name): (&'e Pipeline<'s>, &'e Key<'s>),
        (partial, overlay): (&'e Partial<'s>, Option<&'e Partial<'s>>),
        layers: &'r mut Layers<'e, 's>,
        digests: &'r mut Digests,
        found: &'r mut Vec<Diagnostic>,
    ) -> Self {
        stack(environment.spec, environment.lineages, environment.name, (partial, overlay), layers);
        let scope = Scope {
            params: environment.params,
            environment: environment.name,
            pipeline: &name.text,
            job: &partial.key.text,
            cluster: None,
        };
        Self { environment, pipeline, name, partial, layers, scope, digests, found, broken: false }
    }

    /// Resolves it; `line` is the line of its key.
    pub(crate) fn resolve(mut self, line: u32) -> Node<'s> {
        for key in self.layers.idle_unsets().collect::<Vec<_>>() {
            let text = self.environment.sources.snippet(key).into();
            self.report(Fault::Layers(LayerFault::NothingToUnset { span: key, key: text }));
        }
        let only_in = self.only_in();
        let mut node = Node {
            pipeline: self.name.text.clone(),
            name: self.partial.key.text.clone(),
            key: self.partial.key.span,
            mode: self.mode(),
            absent: self.absent(only_in.as_deref()),
            only_in,
            edges: Box::default(),
            job: None,
        };
        let cluster = self.cluster();
        self.scope.cluster = cluster;
        node.edges = self.edges();
        let whole = node.mode.map(|mode| self.job(mode, cluster, line));
        let present = node.absent.is_none() && !self.broken;
        node.job = whole.flatten().filter(|_| present).map(Box::new);
        node
    }

    fn report(&mut self, fault: Fault) {
        self.broken = true;
        self.warn(fault, Vec::new());
    }

    /// Reports a fault that leaves the job usable, with the places that its value came through.
    fn warn(&mut self, fault: Fault, chain: Vec<crate::diagnostic::Link>) {
        let address = format!("{}.{}", self.scope.pipeline, self.scope.job);
        // A value that the job itself sets, and nothing else, needs no explanation.
        let own = matches!(chain.as_slice(), [only] if *only.layer == *Layer::Job.to_string());
        let chain = if own { Vec::new() } else { chain };
        self.found.push(Diagnostic { fault, address: Some(address.into()), chain, environments: Vec::new() });
    }

    fn report_field(&mut self, field: &Field<'_>, fault: Fault) {
        self.broken = true;
        let chain = self.layers.chain(field);
        self.warn(fault, chain);
    }

    fn mode(&mut self) -> Option<Mode> {
        match self.layers.get(&Field::Mode) {
            Some(Value { content: Content::Mode(mode), .. }) => Some(*mode),
            Some(_) => {
                self.broken = true;
                None
            }
            None => {
                let table = format!("job `{}`", self.scope.job).into();
                let (key, example) = ("mode", "mode = \"batch\"");
                let span = self.partial.key.span;
                self.report(Fault::Shape(crate::diagnostic::Shape::MissingKey { span, table, key, example }));
                None
            }
        }
    }

    fn only_in(&mut self) -> Option<Box<[Box<str>]>> {
        let value = self.layers.get(&Field::OnlyIn)?;
        let Content::List(items) = &value.content else { return None };
        if items.is_empty() {
            let job = self.scope.job.into();
            self.warn(Fault::Semantics(Semantics::Nowhere { span: value.span, job }), Vec::new());
        }
        Some(items.iter().filter_map(|item| item.content.text().map(Into::into)).collect())
    }

    /// Where the job is switched off.
    fn absent(&mut self, only_in: Option<&[Box<str>]>) -> Option<Span> {
        let enabled = self.bool(&Field::Enabled, true);
        if !enabled {
            return Some(self.layers.get(&Field::Enabled).map_or(self.partial.key.span, |value| value.span));
        }
        let here = only_in?.iter().any(|name| Some(name.as_ref()) == self.environment.name);
        let span = self.layers.get(&Field::OnlyIn).map_or(self.partial.key.span, |value| value.span);
        (!here).then_some(span)
    }

    fn cluster(&mut self) -> Option<&'e str> {
        let known = &self.environment.spec.clusters;
        let names = || known.iter().map(|cluster| cluster.key.text.as_ref().into()).collect();
        let Some(value) = self.layers.get(&Field::Cluster) else {
            if let [only] = known.as_slice() {
                return Some(&only.key.text);
            }
            let span = self.partial.key.span;
            self.report(Fault::References(References::NoCluster { span, known: names() }));
            return None;
        };
        let written = self.text_value(value)?;
        let found = known.iter().find(|cluster| cluster.key.text == written);
        if found.is_none() {
            let near =
                nearest(&written, known.iter().map(|cluster| cluster.key.text.as_ref())).map(Into::into);
            let fault =
                References::UnknownCluster { span: value.span, name: written.into(), near, known: names() };
            self.report_field(&Field::Cluster, Fault::References(fault));
        }
        found.map(|cluster| cluster.key.text.as_ref())
    }

    fn edges(&mut self) -> Box<[Edge<'s>]> {
        let lists: Vec<&'e Value<'s>> = self.layers.all(&Field::After).collect();
        let length =
            |list: &&Value<'_>| if let Content::Edges(edges) = &list.content { edges.len() } else { 0 };
        let mut edges = Vec::with_capacity(lists.iter().map(length).sum());
        for value in lists {
            match &value.content {
                Content::Edges(elements) => edges.extend(elements.iter().filter_map(|edge| {
                    let job = self.text(&edge.job)?;
                    let (when, when_at) = edge.when;
                    Some(Edge { span: edge.span, named: edge.job.span, job, when, when_at })
                })),
                _ => self.broken = true,
            }
        }
        edges.into_boxed_slice()
    }

    /// A text, its references filled.
    fn text(&mut self, value: &'e Value<'s>) -> Option<Cow<'s, str>> {
        match &value.content {
            Content::Text(text) => Some(Cow::Borrowed(text)),
            Content::Escaped(text) => Some(Cow::Owned(text.to_string())),
            Content::Reference(text) => match self.fill(value.span, text)? {
                Filled::Whole(value) => Some(Cow::Owned(value.to_string())),
                Filled::Text(text) => Some(Cow::Owned(text)),
            },
            _ => {
                self.broken = true;
                None
            }
        }
    }

    fn text_value(&mut self, value: &'e Value<'s>) -> Option<String> {
        self.text(value).map(Cow::into_owned)
    }

    fn fill(&mut self, span: Span, text: &str) -> Option<Filled<'e>> {
        match self.scope.fill(text) {
            Ok(filled) => Some(filled),
            Err(Unfilled::Reported) => {
                self.broken = true;
                None
            }
            Err(Unfilled::NoEnvironment) => {
                self.report(Fault::References(References::NoEnvironment { span }));
                None
            }
        }
    }

    fn id(&self) -> Option<JobId> {
        Some(JobId::new(self.scope.pipeline.parse().ok()?, self.scope.job.parse().ok()?))
    }
}

/// Stacks the layers of a job in an environment, given its overlay there.
pub(crate) fn stack<'e, 's>(
    spec: &'e Spec<'s>,
    lineages: &Lineages,
    environment: Option<&'e str>,
    (partial, overlay): (&'e Partial<'s>, Option<&'e Partial<'s>>),
    layers: &mut Layers<'e, 's>,
) {
    let used = template(spec, partial).map(|at| lineages.line(at)).unwrap_or_default();
    let templates = || used.iter().map(|at| &spec.templates[*at]);
    let above = overlay.into_iter().chain([partial]).chain(templates().rev());
    let mode = above.filter_map(own_mode).next();
    layers.clear();
    if let Some((mode, defaults)) =
        mode.and_then(|mode| spec.defaults.iter().find(|(other, _)| *other == mode))
    {
        layers.push(Layer::Defaults(*mode), defaults);
    }
    for template in templates() {
        layers.push(Layer::Template(&template.key.text), template);
    }
    layers.push(Layer::Job, partial);
    if let (Some(overlay), Some(name)) = (overlay, environment) {
        layers.push(Layer::Environment(name), overlay);
    }
}

fn own_mode(partial: &Partial<'_>) -> Option<Mode> {
    partial.settings.iter().find_map(|setting| match setting.act.value()?.content {
        Content::Mode(mode) => Some(mode),
        _ => None,
    })
}

/// The template that a part of a job uses, if it exists.
pub(crate) fn template(spec: &Spec<'_>, partial: &Partial<'_>) -> Option<usize> {
    let (_, name) = used(partial)?;
    spec.templates.iter().position(|template| template.key.text == name)
}

/// The name that a part of a job uses, and its span.
pub(crate) fn used<'p>(partial: &'p Partial<'_>) -> Option<(Span, &'p str)> {
    let mut uses = partial.settings.iter().filter(|setting| setting.field == Field::Use);
    let value = uses.next()?.act.value()?;
    Some((value.span, value.content.text()?))
}
