//! Whether what is at an address is the store that was used from here: the only way to open one.

use std::hash::{BuildHasher, RandomState};
use std::path::Path;

use redis::Pipeline;

use super::keys::Keys;
use super::link::Link;
use super::marker::Marker;
use super::place::Place;
use super::reply::{self, Reply};
use super::script::{self, Call, INITIALISE};
use super::{Open, PATIENCE};
use crate::store::Error;

/// The format that is written. A store of another one is refused: what it remembers of operations is not found.
const FORMAT: u64 = 2;

/// Lets a store in and returns its lineage, or says why not.
pub(super) async fn admit(
    link: &Link,
    place: &Place,
    keys: &Keys,
    marks: &Path,
    mode: Open,
) -> Result<String, Error> {
    let marker = Marker::new(marks, place);
    let marked = marker.read(place)?;
    let found = match (look(link, place, keys).await?, &marked) {
        (None, None) if mode == Open::Create => initialise(link, place, keys).await?,
        (None, None) => {
            return Err(place.refused("there is no store yet: the first `windlass apply` makes it"));
        }
        (None, Some(marked)) => return Err(emptied(place, marked, &marker)),
        (Some(found), _) => found,
    };
    let (lineage, format) = found;
    if format != FORMAT {
        let advice = if format > FORMAT { "use a newer windlass" } else { "apply the specs to a new store" };
        return Err(
            place.refused(format!("it has format {format}, this windlass knows format {FORMAT}: {advice}"))
        );
    }
    match marked {
        Some(marked) if marked != lineage => Err(swapped(place, &lineage, &marked, &marker)),
        Some(_) => Ok(lineage),
        None => {
            marker.write(place, &lineage);
            Ok(lineage)
        }
    }
}

/// Whether a store is there, or was used from here.
pub(super) async fn exists(link: &Link, place: &Place, keys: &Keys, marks: &Path) -> Result<bool, Error> {
    let marked = Marker::new(marks, place).read(place)?.is_some();
    Ok(marked || look(link, place, keys).await?.is_some())
}

/// The lineage and the format of what is there, if anything is.
async fn look(link: &Link, place: &Place, keys: &Keys) -> Result<Option<(String, u64)>, Error> {
    let mut question = Pipeline::new();
    question.cmd("HMGET").arg(&keys.meta).arg("lineage").arg("format");
    let mut answers = link.ask(&question, PATIENCE).await.map_err(|trouble| place.failed(&trouble))?;
    let read = || {
        let mut reply = Reply::list(answers.pop().unwrap_or_default())?;
        let Some(lineage) = reply.optional()? else {
            return Ok(None);
        };
        Ok(Some((lineage, reply::parsed(&reply.text()?)?)))
    };
    let mut read = read;
    read().map_err(|what: String| place.damaged(what))
}

async fn initialise(link: &Link, place: &Place, keys: &Keys) -> Result<(String, u64), Error> {
    let mut call = Call::new(&INITIALISE, keys.all());
    call.arg(&drawn()).shown(FORMAT);
    let value = script::run(link, &call, PATIENCE).await.map_err(|trouble| place.failed(&trouble))?;
    let (word, mut reply) = script::answer(value).map_err(|what| place.damaged(what))?;
    let first = reply.text().map_err(|what| place.damaged(what))?;
    match word.as_str() {
        "store" => Ok((first, reply.number().map_err(|what| place.damaged(what))?)),
        _ => Err(place.refused(format!(
            "the key {first} is there, but no store: it was damaged, or somebody else uses these names; choose \
             another `?prefix=`"
        ))),
    }
}

/// A lineage: drawn once, when a store is made.
fn drawn() -> String {
    let half = |salt: u8| format!("{:016x}", RandomState::new().hash_one(salt));
    half(0) + &half(1)
}

fn emptied(place: &Place, marked: &str, marker: &Marker) -> Error {
    place.refused(format!(
        "there is none, although the store {marked} was used from here: it was emptied, or this is another server. \
         Restore it, or remove {} to begin anew: whatever runs on the clusters is then unknown here, so stop it first",
        marker.file().display()
    ))
}

fn swapped(place: &Place, found: &str, marked: &str, marker: &Marker) -> Error {
    place.refused(format!(
        "it is another store ({found}) than the one that was used from here ({marked}): name the right server, or \
         remove {} to accept this one",
        marker.file().display()
    ))
}
