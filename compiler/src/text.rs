//! Reading values that are written as text, without a copy of the text.

use std::fmt::{self, Display};
use std::marker::PhantomData;

use serde::de::{Error, Visitor};

/// A visitor that reads a text by a function.
pub fn text<T, E: Display, F: FnOnce(&str) -> Result<T, E>>(read: F) -> Text<F, T, E> {
    Text { read, makes: PhantomData }
}

/// See [`text`].
#[derive(Debug)]
pub struct Text<F, T, E> {
    read: F,
    makes: PhantomData<fn() -> (T, E)>,
}

impl<T, E: Display, F: FnOnce(&str) -> Result<T, E>> Visitor<'_> for Text<F, T, E> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<X: Error>(self, text: &str) -> Result<T, X> {
        (self.read)(text).map_err(X::custom)
    }
}
