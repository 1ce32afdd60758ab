//! From a URL to the servers of a store. Knows no connection. What a person is shown of an address never holds its
//! user or its password.

use std::fmt;
use std::path::PathBuf;

/// The environment variable with the password, for URLs that stand in a spec.
pub(crate) const PASSWORD: &str = "WINDLASS_STORE_PASSWORD";

/// The environment variable with the file of the certificate authority.
pub(crate) const AUTHORITY: &str = "WINDLASS_STORE_CA";

/// Where the keys of a store are kept apart from those of others on the same server.
const PREFIX: &str = "windlass";

/// A URL with the acknowledgement that a spec asks for, unless it has its own or is none of ours.
pub fn acknowledged(url: &str, replicas: Option<u8>) -> String {
    let Some(replicas) = replicas.filter(|_| url.starts_with("redis") && !url.contains("acknowledge="))
    else {
        return url.to_owned();
    };
    let between = if url.contains('?') { '&' } else { '?' };
    format!("{url}{between}acknowledge=replicas:{replicas}")
}

/// A URL without its password, for files that others read.
pub fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://").filter(|(scheme, _)| scheme.starts_with("redis")) else {
        return url.to_owned();
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    match rest[..end].rsplit_once('@') {
        None => url.to_owned(),
        Some((login, hosts)) => {
            let user = login.split(':').next().unwrap_or_default();
            let login = if user.is_empty() { String::new() } else { format!("{user}@") };
            format!("{scheme}://{login}{hosts}{}", &rest[end..])
        }
    }
}

/// A text as it may stand in a URL.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// A host and its port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    /// A name or an address, IPv6 without brackets.
    pub(crate) host: String,
    /// The port.
    pub(crate) port: u16,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// How the server that may be written is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Topology {
    /// It is the one that was named.
    Single,
    /// Sentinels know it under this name.
    Sentinel(String),
    /// It is the node of a Redis Cluster that serves the slot of our keys.
    Cluster,
}

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// The text, for a connection.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// The servers of a store, and how they are spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// How the right one is found.
    pub(crate) topology: Topology,
    /// The servers that were named, at least one.
    pub(crate) servers: Vec<Server>,
    /// Whether TLS is spoken.
    pub(crate) encrypted: bool,
    /// The file of the certificate authority, instead of those of the system.
    pub(crate) authority: Option<PathBuf>,
    /// The user; the server's default one if there is none.
    pub(crate) user: Option<Secret>,
    /// The password.
    pub(crate) password: Option<Secret>,
    /// The number of the database.
    pub(crate) database: u32,
    /// What all keys begin with, in braces.
    pub(crate) prefix: String,
    /// How many replicas acknowledge a commit; the primary alone if there is no number.
    pub(crate) acknowledge: Option<u8>,
}

impl Address {
    /// Reads a URL; `variable` looks into the environment. What is wrong is said without quoting the URL.
    pub(crate) fn parse(url: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, &'static str> {
        let (scheme, rest) = url.split_once("://").ok_or("has no `//` behind its scheme")?;
        let (encrypted, kind) = match scheme.split_once('+').unwrap_or((scheme, "")) {
            ("redis", kind) => (false, kind),
            ("rediss", kind) => (true, kind),
            _ => return Err("has a scheme that is not known"),
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (topology, port, database) = topology(kind, path)?;
        let servers = hosts.split(',').map(|host| server(host, port)).collect::<Result<Vec<_>, _>>()?;
        if topology == Topology::Single && servers.len() > 1 {
            return Err("names several servers: that takes `redis+sentinel:` or `redis+cluster:`");
        }
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let password = secret(password)?.or_else(|| variable(PASSWORD).map(Secret));
        let authority = variable(AUTHORITY).map(PathBuf::from);
        let prefix = PREFIX.to_owned();
        let user = secret(user)?;
        let acknowledge = None;
        let address =
            Self { topology, servers, encrypted, authority, user, password, database, prefix, acknowledge };
        address.with(query)
    }

    /// The URL of the one server, for who needs another connection to it; none where there are several. It holds
    /// the password.
    pub(crate) fn node(&self) -> Option<String> {
        let [server] = self.servers.as_slice() else { return None };
        let scheme = if self.encrypted { "rediss" } else { "redis" };
        let text = |secret: &Option<Secret>| secret.as_ref().map(|secret| encoded(secret.expose()));
        let (user, password) = (text(&self.user).unwrap_or_default(), text(&self.password));
        let login = match (user.as_str(), password) {
            ("", None) => String::new(),
            (user, None) => format!("{user}@"),
            (user, Some(password)) => format!("{user}:{password}@"),
        };
        let single = self.topology == Topology::Single;
        single.then(|| format!("{scheme}://{login}{server}/{}", self.database))
    }

    fn with(mut self, query: &str) -> Result<Self, &'static str> {
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decoded(value)?;
            match name {
                "prefix" if good_prefix(&value) => self.prefix = value,
                "prefix" => return Err("has a bad `prefix`: up to 64 of a–z, 0–9, `-`, `_` and `.`"),
                "ca" if self.encrypted => self.authority = Some(PathBuf::from(value)),
                "ca" => return Err("has a `ca`, which takes `rediss:`"),
                "acknowledge" => self.acknowledge = Some(replicas(&value)?),
                _ => {
                    return Err(
                        "asks for something unknown: behind `?` stand `prefix`, `ca` and `acknowledge`",
                    );
                }
            }
        }
        Ok(self)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.encrypted { "rediss" } else { "redis" };
        let (kind, name) = match &self.topology {
            Topology::Single => ("", String::new()),
            Topology::Sentinel(name) => ("+sentinel", format!("/{name}")),
            Topology::Cluster => ("+cluster", String::new()),
        };
        let servers: Vec<String> = self.servers.iter().map(Server::to_string).collect();
        write!(f, "{scheme}{kind}://{}{name}/{}", servers.join(","), self.database)?;
        match self.prefix.as_str() {
            PREFIX => Ok(()),
            prefix => write!(f, "?prefix={prefix}"),
        }
    }
}

/// How the server is found, the port where none is named, and the database.
fn topology(kind: &str, path: &str) -> Result<(Topology, u16, u32), &'static str> {
    match kind {
        "" => Ok((Topology::Single, 6379, database(path)?)),
        "cluster" if database(path)? == 0 => Ok((Topology::Cluster, 6379, 0)),
        "cluster" => Err("names a database: a Redis Cluster has only 0"),
        "sentinel" => match path.split_once('/').unwrap_or((path, "")) {
            ("", _) => Err("names no primary: `redis+sentinel://HOST,HOST,HOST/NAME/0`"),
            (name, path) => Ok((Topology::Sentinel(decoded(name)?), 26379, database(path)?)),
        },
        _ => Err("has a scheme that is not known"),
    }
}

fn database(path: &str) -> Result<u32, &'static str> {
    match path {
        "" => Ok(0),
        number => number.parse().map_err(|_| "has a database that is no number"),
    }
}

fn server(text: &str, default: u16) -> Result<Server, &'static str> {
    let (host, port) = match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, port)) => (host, Some(port.strip_prefix(':').ok_or("has a bad host")?)),
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() {
        return Err("names no host");
    }
    let port = port.map_or(Ok(default), |port| port.parse().map_err(|_| "has a port that is no number"))?;
    Ok(Server { host: host.to_owned(), port })
}

fn replicas(text: &str) -> Result<u8, &'static str> {
    let number = text.strip_prefix("replicas:").and_then(|number| number.parse().ok());
    number
        .filter(|number| (1..=9).contains(number))
        .ok_or("has a bad `acknowledge`: `replicas:` and a number up to 9")
}

fn good_prefix(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(good)
}

fn secret(text: &str) -> Result<Option<Secret>, &'static str> {
    match text {
        "" => Ok(None),
        text => decoded(text).map(Secret).map(Some),
    }
}

/// Undoes `%20` and the like.
fn decoded(text: &str) -> Result<String, &'static str> {
    let bad = "has a `%` that two hexadecimal digits do not follow, or that is no UTF-8";
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2).ok_or(bad)?;
        bytes.push(u8::from_str_radix(code, 16).map_err(|_| bad)?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).map_err(|_| bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Address, &'static str> {
        Address::parse(url, |_| None)
    }

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        for (url, shown) in [
            ("redis://host", "redis://host:6379/0"),
            ("redis://marvin:hunter2@host:1/3?prefix=commerce", "redis://host:1/3?prefix=commerce"),
            ("redis://:hunter2@[::1]", "redis://[::1]:6379/0"),
            ("rediss://host/0?ca=/etc/ca.pem", "rediss://host:6379/0"),
            ("redis+sentinel://marvin:hunter2@a,b:1,c/main/2", "redis+sentinel://a:26379,b:1,c:26379/main/2"),
            ("rediss+cluster://marvin:hunter2@a:7000,b", "rediss+cluster://a:7000,b:6379/0"),
        ] {
            let address = parse(url).unwrap();
            assert_eq!(address.to_string(), shown);
            assert!(!format!("{address:?}").contains("hunter2"), "{address:?}");
            assert!(!format!("{address:?}").contains("marvin"), "{address:?}");
        }
    }

    #[test]
    fn a_password_may_hold_anything() {
        let address = parse("redis://a%40b:p%2f%3aw%25@d@host").unwrap();
        assert_eq!(address.user.unwrap().expose(), "a@b");
        assert_eq!(address.password.unwrap().expose(), "p/:w%@d");
    }

    #[test]
    fn the_environment_completes_a_url() {
        let variable = |name: &str| Some(name.to_lowercase());
        let address = Address::parse("rediss://me@host", variable).unwrap();
        assert_eq!(address.password.unwrap().expose(), "windlass_store_password");
        assert_eq!(address.authority, Some(PathBuf::from("windlass_store_ca")));
        let named = Address::parse("rediss://me:own@host?ca=own", variable).unwrap();
        assert_eq!(named.password.unwrap().expose(), "own");
        assert_eq!(named.authority, Some(PathBuf::from("own")));
    }

    #[test]
    fn a_url_for_others_has_no_password() {
        for (url, shown) in [
            ("redis://me:hunter2@host/0?prefix=x", "redis://me@host/0?prefix=x"),
            ("rediss://:hunter2@host", "rediss://host"),
            ("redis+cluster://a:h@b:1,c", "redis+cluster://a@b:1,c"),
            ("redis://host", "redis://host"),
            ("file:a:b@c", "file:a:b@c"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }

    #[test]
    fn a_spec_asks_for_acknowledgements_where_the_url_does_not() {
        for (url, expected) in [
            ("redis://host", "redis://host?acknowledge=replicas:2"),
            ("redis://host?prefix=x", "redis://host?prefix=x&acknowledge=replicas:2"),
            ("redis://host?acknowledge=replicas:1", "redis://host?acknowledge=replicas:1"),
            ("file:x", "file:x"),
        ] {
            assert_eq!(acknowledged(url, Some(2)), expected);
            assert_eq!(acknowledged(url, None), url);
        }
        assert_eq!(parse("redis://host?acknowledge=replicas:2").unwrap().acknowledge, Some(2));
    }

    #[test]
    fn a_bad_address_says_what_is_wrong() {
        for (url, problem) in [
            ("redis:host", "has no `//`"),
            ("redis+quorum://host", "a scheme that is not known"),
            ("redis://", "names no host"),
            ("redis://:6379", "names no host"),
            ("redis://a,b", "names several servers"),
            ("redis://host:port", "a port that is no number"),
            ("redis://host/zero", "a database that is no number"),
            ("redis+cluster://a,b/1", "has only 0"),
            ("redis+sentinel://a,b", "names no primary"),
            ("redis://host?prefix=A{}", "a bad `prefix`"),
            ("redis://host?ca=x", "takes `rediss:`"),
            ("redis://host?timeout=1", "something unknown"),
            ("redis://host?acknowledge=all", "a bad `acknowledge`"),
            ("redis://host?acknowledge=replicas:0", "a bad `acknowledge`"),
            ("redis://a:%zz@host", "hexadecimal"),
        ] {
            let found = parse(url).unwrap_err();
            assert!(found.contains(problem), "{url}: {found}");
        }
    }
}
