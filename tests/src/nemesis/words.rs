//! A story in words.

use std::fmt::{self, Display, Formatter, Result};

use super::{Fault, Link, LinkFault, Loss, Part, Server, ServerFault, ServiceFault, Step, Story, Turn};
use crate::proxy::Way;

impl Display for Story {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let faults = self.steps.iter().filter(|step| step.turn == Turn::Breaks).count();
        writeln!(f, "seed {}: {faults} faults", self.seed)?;
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}

impl Display for Step {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let what = match self.turn {
            Turn::Breaks => self.fault.begins(),
            Turn::Worsens => "takes over as it is".to_owned(),
            Turn::Heals => self.fault.ends(),
        };
        write!(f, "{:>9.3} s {:>4}. {} {what}", self.at.as_secs_f64(), self.number + 1, Place(self.fault))
    }
}

impl Fault {
    fn begins(self) -> String {
        match self {
            Self::Service(_, ServiceFault::Kill) => "is killed".to_owned(),
            Self::Service(_, ServiceFault::Pause) => "is held up".to_owned(),
            Self::Server(_, fault) => fault.begins(),
            Self::Link(_, fault) => fault.begins(),
            Self::StaleFailOver { .. } => "falls behind".to_owned(),
        }
    }

    fn ends(self) -> String {
        match self {
            Self::Service(_, ServiceFault::Kill) => "starts again".to_owned(),
            Self::Service(_, ServiceFault::Pause) => "goes on".to_owned(),
            Self::Server(_, fault) => fault.ends(),
            Self::Link(..) => "is well".to_owned(),
            Self::StaleFailOver { .. } => "has the old primary for a replica".to_owned(),
        }
    }
}

impl ServerFault {
    fn begins(self) -> String {
        match self {
            Self::Kill(_) => "is killed".to_owned(),
            Self::Pause => "is held up".to_owned(),
            Self::Jump { forward: true, by } => format!("is {} s ahead", by.as_secs_f64()),
            Self::Jump { forward: false, by } => format!("is {} s behind", by.as_secs_f64()),
            Self::Full => "is full".to_owned(),
            Self::FlushScripts => "forgets its scripts".to_owned(),
        }
    }

    fn ends(self) -> String {
        match self {
            Self::Kill(Loss::Nothing) => "starts again".to_owned(),
            Self::Kill(Loss::Everything) => "starts again with nothing".to_owned(),
            Self::Kill(Loss::Tail(bytes)) => format!("starts again without its last {bytes} bytes"),
            Self::Kill(Loss::SinceCopy) => "starts again with an old copy".to_owned(),
            Self::Pause => "goes on".to_owned(),
            Self::Jump { .. } => "shows the true time".to_owned(),
            Self::Full => "has room".to_owned(),
            Self::FlushScripts => "is well".to_owned(),
        }
    }
}

impl LinkFault {
    fn begins(self) -> String {
        match self {
            Self::Delay(by) => format!("is {} ms late each way", by.as_millis()),
            Self::Hold(Way::There) => "lets no request through".to_owned(),
            Self::Hold(Way::Back) => "lets no answer through".to_owned(),
            Self::Cut => "lets nothing through".to_owned(),
            Self::HalfOpen => "is half open".to_owned(),
            Self::Refuse => "is refused".to_owned(),
            Self::Reset => "is reset".to_owned(),
            Self::Throttle(rate) => format!("carries {rate} bytes a second"),
        }
    }
}

struct Place(Fault);

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.0 {
            Fault::Service(number, _) => Part::Service(number).fmt(f),
            Fault::Server(server, _) => server.fmt(f),
            Fault::Link(link, _) => link.fmt(f),
            Fault::StaleFailOver { .. } => Server::Replica.fmt(f),
        }
    }
}

impl Display for Part {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Service(number) => write!(f, "service {}", number + 1),
            Self::Server(server) => server.fmt(f),
        }
    }
}

impl Display for Server {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::LeaseNode(number) => write!(f, "lease node {}", number + 1),
            Self::Primary => write!(f, "primary"),
            Self::Replica => write!(f, "replica"),
        }
    }
}

impl Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> Result {
        write!(f, "link from {} to {}", self.from, self.to)
    }
}
