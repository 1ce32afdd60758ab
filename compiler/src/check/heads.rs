//! What is left of a pipeline once its jobs have been read.

use std::borrow::Cow;

use crate::model;
use crate::spec::{Key, Pipeline};

/// A pipeline without its jobs.
pub(super) struct Head<'s> {
    /// Its name; without one its jobs cannot be addressed.
    pub(super) name: Option<Key<'s>>,
    owner: Option<Cow<'s, str>>,
    description: Option<Cow<'s, str>>,
}

impl<'s> Head<'s> {
    /// The head of a pipeline.
    pub(super) fn of(pipeline: &Pipeline<'s>) -> Self {
        let Pipeline { name, owner, description, .. } = pipeline;
        Self { name: name.clone(), owner: owner.clone(), description: description.clone() }
    }

    /// What it says for all of its jobs.
    pub(super) fn described(&self) -> model::Pipeline {
        let owned = |text: &Option<Cow<'_, str>>| text.as_deref().map(str::to_owned);
        model::Pipeline { owner: owned(&self.owner), description: owned(&self.description) }
    }
}
