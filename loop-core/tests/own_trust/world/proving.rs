//! Proving: what is claimed of an outcome, and who says of a proof that it shows it.

use ed25519_dalek::Signer;
use loop_core::{
    access::Ctx,
    base::{
        json::{Doc, canonical},
        secret::hex,
    },
    invoke::{self, CallError},
    proof::{Level, Method, Proof, ProofKind, receipt_mac},
    store::Tx,
};
use serde_json::{Map, Value as Json, json};

use super::{Member, Outcome, World, connector_secret, other, owner, signing_key};
use crate::{
    step::{Claim, Evidence},
    vouched::Hand,
};

/// Acknowledging or auditing a proof, by its id.
pub(super) type Say = fn(&mut dyn Tx, &Ctx, &str) -> Result<(Proof, bool), CallError>;

impl World {
    pub(super) fn claim(&mut self, claim: &Claim) {
        let Some(at) = Self::at(claim.of, self.outcomes.len()) else { return };
        let outcome = self.outcomes[at].clone();
        let Member { id: of, hand } = self.members[outcome.of];
        let deal = claim.deal.and_then(|deal| Self::at(deal, self.deals.len()));
        let (is_task, named) = (outcome.tool.is_none(), Some(outcome.subject.clone()));
        let new = invoke::Claim {
            task: named.clone().filter(|_| is_task),
            invocation: named.filter(|_| !is_task),
            transaction: deal.map(|deal| self.deals[deal].id.to_string()),
            kind: claim.kind,
            simulated: false,
            data: self.evidence(claim.evidence, &outcome, hand),
            claimed_level: Some(Level::V5),
        };
        let (by, kind) = (self.who(claim.by), claim.kind);
        let cx = self.cx(Some(by), claim.sandbox);
        let made = self.run(cx, move |tx, cx| invoke::attach(tx, cx, new.clone(), &connector_secret));
        let Ok(proof) = made else { return };
        let counts = !proof.simulated && kind != ProofKind::Summary;
        let level = match claim.evidence {
            Evidence::Receipt if outcome.tool.is_some_and(|tool| tool.hand != hand) => Level::V3,
            Evidence::Signature => Level::V5,
            _ => Level::V0,
        };
        if counts {
            self.vouched.raise(&outcome.subject, of, level);
            if let Some(deal) = deal.filter(|deal| self.deals[*deal].seller == of) {
                self.vouched.outcome(&outcome.subject, of).deals.insert(deal);
            }
        }
        match (claim.evidence, kind) {
            (Evidence::OwnReceipt, ProofKind::ConnectorReceipt) => self.reach("forged receipt"),
            (Evidence::ForgedSignature, ProofKind::SignedRecord) => self.reach("forged signature"),
            _ => {}
        }
        self.proofs.push(proof);
    }

    fn evidence(&self, evidence: Evidence, outcome: &Outcome, own: Hand) -> Map<String, Json> {
        let signed = |signer: Hand, key: Hand| {
            let record = json!({"done": true});
            let message = json!({"record": record, "subject": outcome.subject});
            let message = canonical(Doc::from_value(&message).root());
            let signer = self.members.iter().rfind(|member| member.hand == signer).unwrap().id;
            let signature = hex(&signing_key(key).sign(message.as_bytes()).to_bytes());
            json!({"record": record, "signer": signer, "signature": signature})
        };
        let received = |secret: Hand| {
            let receipt = json!({"id": 1});
            let secret = connector_secret(owner(secret)).unwrap();
            let mac = receipt_mac(&secret, &outcome.subject, Doc::from_value(&receipt).root());
            json!({"receipt": receipt, "hmac": mac})
        };
        let data = match evidence {
            Evidence::Words => json!({"source_url": "https://x.example", "message_id": "m-2"}),
            Evidence::OwnReceipt => received(own),
            Evidence::Receipt => received(outcome.tool.map_or(own, |tool| tool.hand)),
            Evidence::OwnSignature => signed(own, own),
            Evidence::ForgedSignature => signed(other(own), own),
            Evidence::Signature => signed(other(own), other(own)),
        };
        data.as_object().cloned().unwrap()
    }

    /// Acknowledges or audits a proof, as a loop or as the administrator.
    pub(super) fn say_of(
        &mut self,
        by: Option<usize>,
        proof: usize,
        sandbox: bool,
        shows: Level,
        refused: &str,
        say: Say,
    ) {
        let Some(at) = Self::at(proof, self.proofs.len()) else { return };
        let (cx, id) = (self.cx(by, sandbox), self.proofs[at].id.to_string());
        let Ok((proof, ok)) = self.run(cx, move |tx, cx| say(tx, cx, &id)) else { return };
        if !ok {
            self.reach(refused);
        }
        self.vouch(by, &proof, sandbox, shows);
        self.proofs[at] = proof;
    }

    /// Somebody has said of a proof what shows this level: it counts from another hand, and from the administrator.
    pub(super) fn vouch(&mut self, by: Option<usize>, proof: &Proof, sandbox: bool, shows: Level) {
        let apart = by.is_none_or(|by| self.members[by].hand != self.hand(proof.loop_id));
        if apart && !sandbox && !proof.simulated && proof.kind != ProofKind::Summary {
            self.vouched.raise(&proof.subject.to_string(), proof.loop_id, shows);
        }
    }

    pub(super) fn fetch(&mut self, proof: usize, ok: bool) {
        let Some(at) = Self::at(proof, self.proofs.len()) else { return };
        let (cx, id) = (self.cx(None, false), self.proofs[at].id.to_string());
        let fetched = self.run(cx, move |tx, cx| invoke::fetched(tx, cx, &id, ok, Map::new()));
        let proof = fetched.unwrap();
        if ok && proof.verifications.iter().any(|one| one.ok && one.method == Method::Capture) {
            self.vouched.raise(&proof.subject.to_string(), proof.loop_id, Level::V3);
        }
        self.proofs[at] = proof;
    }
}
