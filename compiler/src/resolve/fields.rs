//! The fields that every job has, whatever it runs.

use super::Resolver;
use crate::diagnostic::{Fault, Semantics, Values};
use crate::layer::Layer;
use crate::model::{self, Backoff, Engine, Mode, OnLost, Origin, Retry};
use crate::param;
use crate::parse::backoff;
use crate::reference::Filled;
use crate::source::Span;
use crate::spec::{Content, Field, Recovery, Value};
use crate::units::Duration;

impl<'e, 's> Resolver<'_, 'e, 's> {
    /// The whole job; nothing where a part of it is at fault.
    pub(super) fn job(&mut self, mode: Mode, cluster: Option<&str>, line: u32) -> Option<model::Job> {
        let process = self.process(mode);
        let retry = self.retry(mode);
        let timeout = self.timeout();
        if let (Some(timeout), Some(process)) = (timeout, &process) {
            self.check_ready(timeout, process.ready);
        }
        let protect = self.bool(&Field::Protect, false);
        let tags = self.texts(&Field::Tags);
        let description = self.layers.get(&Field::Description).and_then(|value| self.text_value(value));
        let origin = Origin { file: self.environment.sources.path(self.pipeline.file).to_owned(), line };
        Some(model::Job {
            id: self.id()?,
            mode,
            cluster: cluster?.parse().ok()?,
            engine: Engine::Process(process?),
            after: Vec::new(),
            retry,
            timeout,
            protect,
            tags,
            description,
            origin: Some(origin),
        })
    }

    fn timeout(&mut self) -> Option<Duration> {
        let timeout = self.duration(&Field::Timeout)?;
        if timeout == Duration::default() {
            let span = self.span(&Field::Timeout)?;
            self.report_field(&Field::Timeout, Fault::Semantics(Semantics::ZeroTimeout { span }));
            return None;
        }
        Some(timeout)
    }

    fn check_ready(&mut self, timeout: Duration, ready: Duration) {
        let (Some(span), ready_span) = (self.span(&Field::Timeout), self.span(&Field::Ready)) else { return };
        if timeout <= ready {
            let fault = Semantics::TimeoutBeforeReady { span, timeout, ready, ready_span };
            self.report_field(&Field::Timeout, Fault::Semantics(fault));
        }
    }

    fn retry(&mut self, mode: Mode) -> Retry {
        let of = Recovery::of(mode);
        self.check_recovery(mode, of);
        let stream = mode == Mode::Stream;
        let counted = self.count(&Field::Attempts(of));
        let attempts = counted.unwrap_or(if stream { 10 } else { 0 });
        let within = self.duration(&Field::Within(of));
        let backoff = self.backoff(&Field::Backoff(of));
        let on_lost = match self.layers.get(&Field::OnLost(of)).map(|value| &value.content) {
            Some(Content::OnLost(on_lost)) => *on_lost,
            _ if stream => OnLost::Retry,
            _ => OnLost::Hold,
        };
        let within = within.or(stream.then_some(Duration::from_secs(3600)));
        let retry = Retry { attempts, within, backoff, on_lost };
        // Nothing follows from a count that is at fault.
        if counted.is_some() || self.span(&Field::Attempts(of)).is_none() {
            self.check_window(of, retry);
        }
        retry
    }

    /// `retry` on a stream, or `restart` on a batch: wrong unless a template serves both.
    fn check_recovery(&mut self, mode: Mode, fitting: Recovery) {
        let wrong = |field: &Field<'_>| field.recovery().is_some_and(|of| of != fitting);
        let settings = self.layers.settings();
        let serves_both = |name: &str| {
            let right = |field: &Field<'_>| field.recovery() == Some(fitting);
            settings.iter().any(|(layer, setting)| *layer == Layer::Template(name) && right(&setting.field))
        };
        let found = settings.iter().find(|(layer, setting)| match layer {
            Layer::Template(name) => wrong(&setting.field) && !serves_both(name),
            _ => wrong(&setting.field),
        });
        let Some((_, setting)) = found else { return };
        let (mode, written) = match mode {
            Mode::Stream => ("a stream", Recovery::Retry),
            Mode::Batch => ("a batch", Recovery::Restart),
        };
        let fault = Semantics::WrongRecovery {
            span: self.recovery_key(setting.key, written),
            written: written.as_str(),
            fitting: fitting.as_str(),
            mode,
            mode_span: self.span(&Field::Mode),
        };
        self.report(Fault::Semantics(fault));
    }

    /// The word `retry` or `restart` in front of an inner key.
    fn recovery_key(&self, inner: Span, word: Recovery) -> Span {
        let text = self.environment.sources.text(inner.file);
        let before = text.get(..inner.start as usize).unwrap_or_default();
        match before.rfind(word.as_str()) {
            Some(at) if self.environment.sources.snippet(inner) != word.as_str() => {
                Span::new(inner.file, at..at + word.as_str().len())
            }
            _ => inner,
        }
    }

    fn check_window(&mut self, of: Recovery, retry: Retry) {
        if retry.attempts == 0 {
            return self.check_attempts(of);
        }
        let (Some(within), Some(span)) = (retry.within, self.span(&Field::Within(of))) else { return };
        let pauses = pauses(retry);
        if pauses >= within {
            let attempts = retry.attempts;
            let chain = self.layers.chain(&Field::Within(of));
            self.warn(Fault::Semantics(Semantics::WithinTooShort { span, within, pauses, attempts }), chain);
        }
    }

    /// Lower layers may leave the count to the job; the job itself has nobody to leave it to.
    fn check_attempts(&mut self, of: Recovery) {
        let idle = |field: &Field<'_>| match field {
            Field::Within(one) if *one == of => Some("within"),
            Field::Backoff(one) if *one == of => Some("backoff"),
            _ => None,
        };
        let own = self
            .layers
            .settings()
            .iter()
            .filter(|(layer, _)| matches!(layer, Layer::Job | Layer::Environment(_)));
        let mut idle = own.filter_map(|(_, setting)| Some((setting.key, idle(&setting.field)?)));
        if let Some((span, key)) = idle.next() {
            self.warn(Fault::Semantics(Semantics::NoAttempts { span, key }), Vec::new());
        }
    }

    /// Where the value of a field stands.
    pub(super) fn span(&self, field: &Field<'_>) -> Option<Span> {
        self.layers.get(field).map(|value| value.span)
    }

    /// A duration, if the field is set.
    pub(super) fn duration(&mut self, field: &Field<'_>) -> Option<Duration> {
        let value = self.layers.get(field)?;
        match &value.content {
            Content::Duration(duration) => Some(*duration),
            Content::Reference(text) => match self.fill(value.span, text)? {
                Filled::Whole(param::Value::Duration(duration)) => Some(*duration),
                Filled::Text(text) => self.typed(field, param::duration(value.span, &text)),
                Filled::Whole(_) => self.reported(),
            },
            _ => self.reported(),
        }
    }

    fn backoff(&mut self, field: &Field<'_>) -> Backoff {
        let default = Backoff { min: Duration::from_secs(1), max: Duration::from_secs(300) };
        let Some(value) = self.layers.get(field) else { return default };
        let read = match &value.content {
            Content::Backoff(backoff) => Some(*backoff),
            Content::Reference(_) => {
                let text = self.text_value(value);
                text.and_then(|text| self.typed(field, backoff(value.span, &text)))
            }
            _ => self.reported(),
        };
        if let Some(Backoff { min, max }) = read.filter(|read| read.min > read.max) {
            let turned = format!("{max}..{min}").into();
            let fault = Fault::Semantics(Semantics::BackoffInverted { span: value.span, turned });
            self.report_field(field, fault);
        }
        read.unwrap_or(default)
    }

    fn count(&mut self, field: &Field<'_>) -> Option<u32> {
        let value = self.layers.get(field)?;
        let number = match &value.content {
            Content::Int(number) => Some(*number),
            Content::Reference(text) => match self.fill(value.span, text)? {
                Filled::Whole(param::Value::Int(number)) => Some(*number),
                _ => self.reported(),
            },
            _ => self.reported(),
        }?;
        let count = u32::try_from(number).ok().filter(|count| *count <= 1_000_000);
        if count.is_none() {
            let fault = Values::Number { span: value.span, key: "attempts".into(), min: 0, max: 1_000_000 };
            self.report(Fault::Values(fault));
        }
        count
    }

    /// A boolean.
    pub(super) fn bool(&mut self, field: &Field<'_>, default: bool) -> bool {
        let Some(value) = self.layers.get(field) else { return default };
        let read = match &value.content {
            Content::Bool(value) => Some(*value),
            Content::Reference(text) => match self.fill(value.span, text) {
                Some(Filled::Whole(param::Value::Bool(value))) => Some(*value),
                _ => self.reported(),
            },
            _ => self.reported(),
        };
        read.unwrap_or(default)
    }

    /// A list of texts, with what is appended to it.
    pub(super) fn texts(&mut self, field: &Field<'_>) -> Vec<String> {
        let lists: Vec<&'e Value<'s>> = self.layers.all(field).collect();
        lists.into_iter().flat_map(|list| self.list(list)).map(|(_, text)| text).collect()
    }

    /// The elements of one list, each with its span.
    pub(super) fn list(&mut self, value: &'e Value<'s>) -> Vec<(Span, String)> {
        match &value.content {
            Content::List(items) => {
                let element = |item: &'e Value<'s>| Some((item.span, self.text_value(item)?));
                items.iter().filter_map(element).collect()
            }
            Content::Reference(text) => match self.fill(value.span, text) {
                Some(Filled::Whole(param::Value::List(items))) => {
                    items.iter().map(|item| (value.span, item.to_string())).collect()
                }
                _ => self.reported().unwrap_or_default(),
            },
            _ => self.reported().unwrap_or_default(),
        }
    }

    fn typed<T>(&mut self, field: &Field<'_>, read: Result<T, Fault>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(fault) => {
                self.report_field(field, fault);
                None
            }
        }
    }

    /// Nothing, for a reason that has been reported where the value was read.
    fn reported<T>(&mut self) -> Option<T> {
        self.broken = true;
        None
    }
}

/// How long the pauses between all attempts take.
fn pauses(retry: Retry) -> Duration {
    let Backoff { min, max } = retry.backoff;
    // From the 64th doubling on every pause is the longest.
    let doubled = (0..retry.attempts.min(64)).map(|attempt| min.doubled(attempt, max).as_millis());
    let rest = max.as_millis().saturating_mul(u64::from(retry.attempts.saturating_sub(64)));
    Duration::from_millis(doubled.fold(rest, u64::saturating_add))
}
