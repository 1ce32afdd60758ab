//! Defaults < template < job < environment: which setting wins, and which it covers.
//!
//! A setting replaces what lies below it, is appended to it, or removes it. Tables are flat here, so they merge by
//! key. Knows nothing of what the fields mean.

use indexmap::IndexMap;

use crate::diagnostic::Link;
use crate::model::Mode;
use crate::source::Span;
use crate::spec::{Act, Field, Partial, Setting, Value};

/// The layer that a setting belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layer<'a> {
    /// `defaults.<mode>`.
    Defaults(Mode),
    /// `template.<name>`.
    Template(&'a str),
    /// The job itself.
    Job,
    /// `environment.<name>`.
    Environment(&'a str),
}

impl std::fmt::Display for Layer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Defaults(Mode::Stream) => f.write_str("`defaults.stream`"),
            Self::Defaults(Mode::Batch) => f.write_str("`defaults.batch`"),
            Self::Template(name) => write!(f, "template `{name}`"),
            Self::Job => f.write_str("the job"),
            Self::Environment(name) => write!(f, "environment `{name}`"),
        }
    }
}

/// All settings that a job has in one environment, lowest layer first.
#[derive(Debug, Default)]
pub(crate) struct Layers<'a, 's> {
    settings: Vec<(Layer<'a>, &'a Setting<'s>)>,
}

impl<'a, 's> Layers<'a, 's> {
    /// Forgets everything, to be filled again.
    pub(crate) fn clear(&mut self) {
        self.settings.clear();
    }

    /// Puts a layer on top.
    pub(crate) fn push(&mut self, layer: Layer<'a>, partial: &'a Partial<'s>) {
        self.settings.extend(partial.settings.iter().map(|setting| (layer, setting)));
    }

    /// The settings that touch a field, lowest first, from the last that covers all below it.
    fn effective(&self, field: &Field<'_>) -> impl Iterator<Item = &(Layer<'a>, &'a Setting<'s>)> {
        let replaces = |(_, setting): &(Layer<'_>, &Setting<'_>)| match setting.act {
            Act::Set(_) => setting.field == *field,
            Act::Unset => setting.field.covers(field),
            Act::Append(_) => false,
        };
        let from = self.settings.iter().rposition(replaces).unwrap_or(0);
        self.settings[from..]
            .iter()
            .filter(|(_, setting)| setting.field == *field && !matches!(setting.act, Act::Unset))
    }

    /// The value of a field that cannot be appended to.
    pub(crate) fn get(&self, field: &Field<'_>) -> Option<&'a Value<'s>> {
        self.effective(field).last().and_then(|(_, setting)| setting.act.value())
    }

    /// The values of a list, in the order in which they are appended.
    pub(crate) fn all(&self, field: &Field<'_>) -> impl Iterator<Item = &'a Value<'s>> {
        self.effective(field).filter_map(|(_, setting)| setting.act.value())
    }

    /// The environment variables that are set, with their values, in the order in which they first appear.
    pub(crate) fn variables(&self) -> IndexMap<&'a str, &'a Value<'s>> {
        let mut variables = IndexMap::new();
        for (_, setting) in &self.settings {
            match (&setting.field, setting.act.value()) {
                (Field::Variable(name), Some(value)) => drop(variables.insert(name.as_ref(), value)),
                (Field::Variable(name), None) => drop(variables.shift_remove(name.as_ref())),
                (Field::Environment | Field::Process, None) => variables.clear(),
                _ => {}
            }
        }
        variables
    }

    /// The places that a field's value came through, lowest layer first.
    pub(crate) fn chain(&self, field: &Field<'_>) -> Vec<Link> {
        let touching = self.settings.iter().filter(|(_, setting)| setting.field.covers(field));
        let link = |(layer, setting): &(Layer<'_>, &Setting<'_>)| Link {
            layer: layer.to_string().into(),
            span: setting.act.value().map_or(setting.key, |value| value.span),
        };
        touching.map(link).collect()
    }

    /// The settings of a recovery table, with the layers that they come from.
    pub(crate) fn settings(&self) -> &[(Layer<'a>, &'a Setting<'s>)] {
        &self.settings
    }

    /// The keys that unset what nothing below them sets, in the job or above it.
    pub(crate) fn idle_unsets(&self) -> impl Iterator<Item = Span> {
        let own = self.settings.iter().enumerate();
        let own = own.filter(|(_, (layer, _))| matches!(layer, Layer::Job | Layer::Environment(_)));
        let unsets = own.filter(|(_, (_, setting))| matches!(setting.act, Act::Unset));
        let idle = unsets.filter(|(at, (_, unset))| {
            self.settings[..*at].iter().all(|(_, below)| !unset.field.covers(&below.field))
        });
        idle.map(|(_, (_, setting))| setting.key)
    }
}

impl<'s> Act<'s> {
    /// The value that it brings.
    pub(crate) fn value(&self) -> Option<&Value<'s>> {
        match self {
            Self::Set(value) | Self::Append(value) => Some(value),
            Self::Unset => None,
        }
    }
}
