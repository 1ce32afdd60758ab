//! The types of params, and their values.

use std::cmp::Ordering;
use std::fmt;

use crate::diagnostic::{Fault, Shape, Values};
use crate::parse::tree::{self, Kind};
use crate::source::Span;
use crate::units::Duration;

/// What a param can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    /// A text.
    String,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// A boolean.
    Bool,
    /// A duration.
    Duration,
    /// A number of bytes.
    Size,
    /// A day.
    Date,
    /// A list of texts.
    List,
}

/// The names of the types.
pub(crate) const TYPES: &[&str] = &["string", "int", "float", "bool", "duration", "size", "date", "list"];

impl Type {
    /// The type of a name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Self::String,
            "int" => Self::Int,
            "float" => Self::Float,
            "bool" => Self::Bool,
            "duration" => Self::Duration,
            "size" => Self::Size,
            "date" => Self::Date,
            "list" => Self::List,
            _ => return None,
        })
    }

    /// Its name.
    pub(crate) fn as_str(self) -> &'static str {
        TYPES[self as usize]
    }

    /// What it is called, with an article.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Int => "a whole number",
            Self::Float => "a number",
            Self::Bool => "a boolean",
            Self::Duration => "a duration",
            Self::Size => "a size",
            Self::Date => "a date",
            Self::List => "a list of strings",
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::String => "default = \"eu-west-1\"",
            Self::Int => "default = 4",
            Self::Float => "default = 0.5",
            Self::Bool => "default = true",
            Self::Duration => "default = \"10m\"",
            Self::Size => "default = \"512MiB\"",
            Self::Date => "default = \"2026-11-22\"",
            Self::List => "default = [\"a\", \"b\"]",
        }
    }

    /// Whether its values have an order that bounds could be about.
    pub(crate) fn has_order(self) -> bool {
        !matches!(self, Self::String | Self::Bool | Self::List)
    }
}

/// A value of a param.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// A text.
    String(Box<str>),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A boolean.
    Bool(bool),
    /// A duration.
    Duration(Duration),
    /// Bytes.
    Size(u64),
    /// A day.
    Date(Box<str>),
    /// A list of texts.
    List(Vec<Box<str>>),
}

/// What a value must keep to.
#[derive(Debug, Default)]
pub(crate) struct Bounds {
    /// The least value.
    pub(crate) min: Option<(Span, Value)>,
    /// The greatest value.
    pub(crate) max: Option<(Span, Value)>,
    /// The only values.
    pub(crate) choices: Option<(Span, Vec<Value>)>,
}

impl Bounds {
    /// The bound that a value breaks, in words, and where it stands.
    pub(crate) fn broken_by(&self, value: &Value) -> Option<(Box<str>, Span)> {
        let below = |bound: &Value| value.compare(bound) == Some(Ordering::Less);
        let above = |bound: &Value| value.compare(bound) == Some(Ordering::Greater);
        if let Some((span, min)) = self.min.as_ref().filter(|(_, min)| below(min)) {
            return Some((format!("at least {min}").into(), *span));
        }
        if let Some((span, max)) = self.max.as_ref().filter(|(_, max)| above(max)) {
            return Some((format!("at most {max}").into(), *span));
        }
        let (span, choices) = self.choices.as_ref().filter(|(_, choices)| !choices.contains(value))?;
        let choices: Vec<String> = choices.iter().map(|choice| format!("`{choice}`")).collect();
        Some((format!("one of {}", choices.join(", ")).into(), *span))
    }
}

impl Value {
    /// Compares values that have an order.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(one), Self::Int(other)) => Some(one.cmp(other)),
            (Self::Float(one), Self::Float(other)) => one.partial_cmp(other),
            (Self::Duration(one), Self::Duration(other)) => Some(one.cmp(other)),
            (Self::Size(one), Self::Size(other)) => Some(one.cmp(other)),
            (Self::Date(one), Self::Date(other)) => Some(one.cmp(other)),
            _ => None,
        }
    }

    /// Reads a value as it stands in a file. `None`: it has been reported already.
    pub(crate) fn from_tree(kind: Type, key: &str, value: &tree::Value<'_>) -> Result<Option<Self>, Fault> {
        Ok(Some(match (kind, &value.kind) {
            (_, Kind::Poisoned) => return Ok(None),
            (Type::Int, Kind::Int(number)) => Self::Int(*number),
            (Type::Float, Kind::Float(number)) => Self::Float(*number),
            #[expect(
                clippy::cast_precision_loss,
                reason = "a person wrote the number, and asked for a float"
            )]
            (Type::Float, Kind::Int(number)) => Self::Float(*number as f64),
            (Type::Bool, Kind::Bool(value)) => Self::Bool(*value),
            (Type::Date, Kind::Date(text)) => Self::date(text).ok_or_else(|| bad_date(value.span, text))?,
            (Type::List, Kind::Array(items)) => Self::List(texts(key, items)?),
            (Type::String, Kind::Text(text)) => Self::String(text.as_ref().into()),
            (Type::Duration, Kind::Text(text)) => Self::Duration(duration(value.span, text)?),
            (Type::Size, Kind::Text(text)) => Self::Size(size(value.span, text)?),
            (Type::Date, Kind::Text(text)) => Self::date(text).ok_or_else(|| bad_date(value.span, text))?,
            (kind, found) => {
                let (expected, example) = (kind.noun(), kind.example());
                let key = key.into();
                return Err(Fault::Shape(Shape::WrongType {
                    span: value.span,
                    key,
                    expected,
                    found: found.noun(),
                    example,
                }));
            }
        }))
    }

    /// Reads a value as it is given on a command line; a list is written `a,b`.
    pub(crate) fn from_text(kind: Type, text: &str) -> Option<Self> {
        match kind {
            Type::String => Some(Self::String(text.into())),
            Type::Int => text.parse().ok().map(Self::Int),
            Type::Float => text.parse().ok().map(Self::Float),
            Type::Bool => text.parse().ok().map(Self::Bool),
            Type::Duration => text.parse().ok().map(Self::Duration),
            Type::Size => parse_size(text).map(Self::Size),
            Type::Date => Self::date(text),
            Type::List if text.is_empty() => Some(Self::List(Vec::new())),
            Type::List => Some(Self::List(text.split(',').map(|item| item.trim().into()).collect())),
        }
    }

    fn date(text: &str) -> Option<Self> {
        let date: jiff::civil::Date = text.parse().ok().filter(|_| text.len() == "2026-11-22".len())?;
        Some(Self::Date(date.to_string().into()))
    }
}

fn bad_date(span: Span, text: &str) -> Fault {
    Fault::Values(Values::Date { span, text: text.into() })
}

fn texts(key: &str, items: &[tree::Value<'_>]) -> Result<Vec<Box<str>>, Fault> {
    let text = |item: &tree::Value<'_>| match &item.kind {
        Kind::Text(text) => Ok(text.as_ref().into()),
        Kind::Poisoned => Ok("".into()),
        found => Err(Fault::Shape(Shape::WrongType {
            span: item.span,
            key: key.into(),
            expected: "a list of strings",
            found: found.noun(),
            example: Type::List.example(),
        })),
    };
    items.iter().map(text).collect()
}

/// Reads a duration.
pub(crate) fn duration(span: Span, text: &str) -> Result<Duration, Fault> {
    text.parse().map_err(|bad: crate::units::BadDuration| {
        Fault::Values(Values::Duration { span, text: text.into(), near: bad.suggestion.map(Into::into) })
    })
}

/// The units of a size, largest first.
const SIZES: [(&str, u64); 5] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

fn size(span: Span, text: &str) -> Result<u64, Fault> {
    parse_size(text)
        .ok_or_else(|| Fault::Values(Values::Size { span, text: text.into(), near: near_size(text) }))
}

fn parse_size(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = SIZES.into_iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(factor)
}

fn near_size(text: &str) -> Option<Box<str>> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let first = unit.trim().chars().next()?.to_ascii_uppercase();
    let (name, _) = SIZES.into_iter().find(|(name, _)| name.starts_with(first))?;
    (!number.is_empty()).then(|| format!("{number}{name}").into())
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) | Self::Date(text) => f.write_str(text),
            Self::Int(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number}"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Duration(duration) => write!(f, "{duration}"),
            Self::Size(bytes) => {
                let fits = |(_, size): &(&str, u64)| bytes % size == 0 && *bytes >= *size;
                let (unit, size) = SIZES.into_iter().find(fits).unwrap_or(("B", 1));
                write!(f, "{}{unit}", bytes / size)
            }
            Self::List(items) => f.write_str(&items.join(",")),
        }
    }
}
