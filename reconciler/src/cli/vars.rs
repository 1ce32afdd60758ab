//! Values for params from outside of the spec: `--var` before `--var-file` before `WINDLASS_VAR_<name>`.
//!
//! Values are texts here; what a text means is decided by its param's type.

use std::path::Path;
use std::str::FromStr;

use toml::Value;
use windlass_compiler::Variable;

use super::args::SpecArgs;
use super::failure::Failure;

/// The start of the names of environment variables.
const PREFIX: &str = "WINDLASS_VAR_";

/// `name=value`, as `--var` takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    name: String,
    value: String,
}

impl FromStr for Assignment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                Ok(Self { name: name.to_owned(), value: value.to_owned() })
            }
            _ => Err("it looks like `name=value`"),
        }
    }
}

/// The values of params, the weakest first.
pub fn gather(args: &SpecArgs) -> Result<Vec<Variable>, Failure> {
    let mut variables = of_environment(std::env::vars_os().filter_map(as_texts));
    for file in &args.var_file {
        variables.extend(of_file(file)?);
    }
    variables.extend(args.var.iter().map(|var| variable(&var.name, &var.value, "--var")));
    Ok(variables)
}

fn variable(name: &str, value: &str, origin: &str) -> Variable {
    Variable { name: name.to_owned(), value: value.to_owned(), origin: origin.to_owned() }
}

fn as_texts((name, value): (std::ffi::OsString, std::ffi::OsString)) -> Option<(String, String)> {
    Some((name.into_string().ok()?, value.into_string().ok()?))
}

/// Names of params have hyphens and no underscores; names of environment variables have it the other way round.
fn of_environment(variables: impl Iterator<Item = (String, String)>) -> Vec<Variable> {
    let one = |(name, value): (String, String)| {
        let param = name.strip_prefix(PREFIX)?.replace('_', "-");
        Some(variable(&param, &value, &name))
    };
    let mut variables: Vec<Variable> = variables.filter_map(one).collect();
    // The environment has no order, and what is said about it should have one.
    variables.sort_by(|one, other| one.origin.cmp(&other.origin));
    variables
}

fn of_file(path: &Path) -> Result<Vec<Variable>, Failure> {
    let shown = path.display().to_string();
    let failed = || Failure::error(format!("the values in `{shown}` cannot be read"));
    let text = std::fs::read_to_string(path).map_err(|error| failed().because(&error))?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| failed().because(&error))?;
    let one = |(name, value): (String, Value)| match as_text(&value) {
        Some(value) => Ok(variable(&name, &value, &shown)),
        None => {
            Err(failed().hint(format!("`{name}` must be a text, number, boolean, date or list of texts")))
        }
    };
    table.into_iter().map(one).collect()
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(value) => Some(value.to_string()),
        Value::Datetime(time) => Some(time.to_string()),
        // A list reads as `a,b`, so a comma within an item would tear it apart.
        Value::Array(items) => {
            let item = |item: &Value| item.as_str().filter(|text| !text.contains(',')).map(str::to_owned);
            items.iter().map(item).collect::<Option<Vec<_>>>().map(|items| items.join(","))
        }
        Value::Table(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<String> {
        let table: toml::Table = format!("x = {text}").parse().unwrap();
        as_text(&table["x"])
    }

    #[test]
    fn values_of_a_file_read_as_the_command_line_would() {
        for (toml, text) in [
            ("'a'", Some("a")),
            ("4", Some("4")),
            ("true", Some("true")),
            ("2026-11-22", Some("2026-11-22")),
            ("['a', 'b']", Some("a,b")),
            ("['a,b']", None),
            ("{ a = 1 }", None),
        ] {
            assert_eq!(value(toml).as_deref(), text, "{toml}");
        }
    }

    #[test]
    fn environment_variables_name_params_with_underscores() {
        let variables = [("WINDLASS_VAR_max_lag", "5"), ("HOME", "/"), ("WINDLASS_ENV", "prod")];
        let given = of_environment(variables.map(|(name, value)| (name.into(), value.into())).into_iter());
        assert_eq!(given, [variable("max-lag", "5", "WINDLASS_VAR_max_lag")]);
    }

    #[test]
    fn an_assignment_has_a_name_and_may_have_an_empty_value() {
        assert!("a=b=c".parse::<Assignment>().is_ok_and(|var| var.value == "b=c"));
        assert!("a=".parse::<Assignment>().is_ok());
        assert!("a".parse::<Assignment>().is_err());
        assert!("=a".parse::<Assignment>().is_err());
    }
}
