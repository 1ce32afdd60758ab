//! Renewals of many tenures at once, and what is healed after them.

use std::sync::Arc;

use windlass_core::lease::Tenure;
use windlass_core::lease::acquisition::Answers;
use windlass_core::lease::renewal::{self, Extension, Renewed};

use super::node::{Claim, Failure};
use super::{Received, Redlock};

/// What came of a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// Its end has moved.
    Renewed,
    /// No majority renewed it: it ends when it would have ended, unless a later renewal succeeds.
    Kept(Answers),
    /// It is over, and was given back.
    Ended,
}

/// Renews.
pub(super) async fn renew(redlock: &Redlock, tenures: &mut [Tenure]) -> Vec<Renewal> {
    let asked = redlock.clock.now();
    let begin = |tenure: &Tenure| renewal::Renewal::begin(redlock.terms, tenure, asked);
    let mut under_way = UnderWay {
        redlock: redlock.clone(),
        renewals: tenures.iter().map(begin).collect(),
        tenures: tenures.to_vec(),
    };
    let mut answers = under_way.ask();
    while under_way.renewals.iter().any(|renewal| renewal.decided().is_none()) {
        match answers.recv().await {
            Some((node, answer)) => under_way.hear(node, &answer),
            None => break,
        }
    }
    let outcomes = under_way.outcomes(tenures);
    tokio::spawn(under_way.heal(answers));
    outcomes
}

struct UnderWay {
    redlock: Redlock,
    renewals: Vec<renewal::Renewal>,
    tenures: Vec<Tenure>,
}

impl UnderWay {
    fn ask(&self) -> Received<Vec<Extension>> {
        let claims: Arc<[Claim]> = self.tenures.iter().map(|tenure| claim(&self.redlock, tenure)).collect();
        self.redlock.ask(move |node| {
            let claims = Arc::clone(&claims);
            async move { if claims.is_empty() { Ok(Vec::new()) } else { node.extend(&claims).await } }
        })
    }

    fn hear(&mut self, node: usize, answer: &Result<Vec<Extension>, Failure>) {
        let now = self.redlock.clock.now();
        for (index, renewal) in self.renewals.iter_mut().enumerate() {
            let extension = answer.as_ref().ok().and_then(|extensions| extensions.get(index)).copied();
            renewal.answered(node, extension.unwrap_or(Extension::Silent), now);
        }
    }

    fn outcomes(&self, tenures: &mut [Tenure]) -> Vec<Renewal> {
        let mut ended = Vec::new();
        let mut outcome = |(tenure, renewal): (&mut Tenure, &renewal::Renewal)| match renewal.decided() {
            Some(Renewed::Until(until)) => {
                tenure.until = until;
                Renewal::Renewed
            }
            Some(Renewed::Kept(answers)) => Renewal::Kept(answers),
            Some(Renewed::Ended) => {
                ended.push(claim(&self.redlock, tenure));
                Renewal::Ended
            }
            None => Renewal::Kept(Answers::default()),
        };
        let outcomes = tenures.iter_mut().zip(&self.renewals).map(&mut outcome).collect();
        if !ended.is_empty() {
            drop(self.redlock.give_back(ended));
        }
        outcomes
    }

    /// Hears the rest, and gives nodes the locks again that they lost.
    async fn heal(mut self, mut answers: Received<Vec<Extension>>) {
        while let Some((node, answer)) = answers.recv().await {
            self.hear(node, &answer);
        }
        for node in 0..self.redlock.nodes.len() {
            let missing = |(_, renewal): &(&Tenure, &renewal::Renewal)| renewal.to_heal().contains(&node);
            let to_heal = self.tenures.iter().zip(&self.renewals).filter(missing);
            let tenures: Vec<Tenure> = to_heal.map(|(tenure, _)| tenure.clone()).collect();
            if !tenures.is_empty() {
                self.heal_node(node, tenures).await;
            }
        }
    }

    async fn heal_node(&self, node: usize, mut tenures: Vec<Tenure>) {
        // What was given back in the meantime must stay free.
        tenures.retain(|tenure| self.redlock.is_live(tenure.nonce));
        let claims: Vec<Claim> = tenures.iter().map(|tenure| claim(&self.redlock, tenure)).collect();
        let seals: Vec<_> =
            tenures.iter().map(|tenure| (claim(&self.redlock, tenure), tenure.token)).collect();
        let healing = async {
            let node = &self.redlock.nodes[node];
            node.heal(&claims).await?;
            node.seal(&seals).await
        };
        let healed = tokio::time::timeout(self.redlock.terms.patience() * 2, healing).await;
        tracing::debug!(
            node = self.redlock.nodes[node].name(),
            locks = claims.len(),
            ?healed,
            "healed a lease node"
        );
        let given_back = claims.into_iter().filter(|claim| !self.redlock.is_live(claim.nonce));
        let given_back: Vec<Claim> = given_back.collect();
        if !given_back.is_empty() {
            drop(self.redlock.give_back(given_back));
        }
    }
}

fn claim(redlock: &Redlock, tenure: &Tenure) -> Claim {
    Claim { resource: tenure.resource.clone(), nonce: tenure.nonce, holder: Arc::clone(&redlock.holder) }
}
