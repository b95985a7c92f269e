//! What somebody may try. Numbers name a loop, an outcome, a contract by its place, counted round.

use loop_core::{message::Kind, proof::ProofKind, task::transaction::Act};
use proptest::prelude::*;

/// Where releasing stands among the acts.
pub const RELEASE: usize = 0;

/// One attempt.
#[derive(Debug, Clone)]
pub enum Step {
    /// A message of any type, whether it fits or not.
    Say { by: usize, to: usize, kind: Kind, contract: usize, nonce: Option<u8>, sandbox: bool },
    /// A message that the contract takes now, from the side that may send it.
    Advance { contract: usize, pick: usize },
    /// A message by which a side of a contract acknowledges a proof.
    Ack { contract: usize, buyer: bool, proof: usize },
    /// An amount held for a seller.
    Hold { by: usize, seller: usize, real: bool, contract: Option<usize> },
    /// Releasing, refunding or disputing it; `None` is the administrator.
    Act { by: Option<usize>, act: usize, deal: usize },
    /// A task of one's own.
    Task { by: usize, sandbox: bool },
    /// A call of a tool that ends.
    Call { by: usize, tool: usize, capture: bool, fails: bool },
    /// A proof that a loop brings.
    Claim(Claim),
    /// Acknowledging a proof.
    Acknowledge { by: usize, proof: usize, sandbox: bool },
    /// Auditing it; `None` is the administrator.
    Audit { by: Option<usize>, proof: usize },
    /// Having its reference fetched.
    Fetch { proof: usize, ok: bool },
    /// A further loop, under one's own or beside it, for an owner that is named.
    Loop { by: usize, under: bool, other: bool },
    /// A signing key of one's own, registered on any loop.
    Register { by: usize, on: usize },
    /// The administrator takes back what an outcome paid.
    Reverse { of: usize },
    /// Time passes.
    Wait { days: u8 },
}

/// A proof that a loop brings.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Who brings it.
    pub by: usize,
    /// The outcome.
    pub of: usize,
    /// What it is said to be.
    pub kind: ProofKind,
    /// The transaction that it names.
    pub deal: Option<usize>,
    /// What it carries.
    pub evidence: Evidence,
    /// Whether the key is a sandbox key.
    pub sandbox: bool,
}

/// What a proof carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// Words, and a high claim.
    Words,
    /// A receipt under a secret that the claimant knows.
    OwnReceipt,
    /// A receipt that the tool's connector made.
    Receipt,
    /// A record signed by a loop that the claimant holds.
    OwnSignature,
    /// A record in another owner's name, signed by the claimant.
    ForgedSignature,
    /// A record that another owner signed.
    Signature,
}

impl Default for Claim {
    fn default() -> Self {
        Self { by: 0, of: 0, kind: ProofKind::PaymentReference, deal: None, evidence: Evidence::Words, sandbox: false }
    }
}

const KINDS: [ProofKind; 9] = [
    ProofKind::ExecutionTrace,
    ProofKind::ConnectorReceipt,
    ProofKind::MessageId,
    ProofKind::Source,
    ProofKind::PaymentReference,
    ProofKind::CounterpartyAck,
    ProofKind::SignedRecord,
    ProofKind::Audit,
    ProofKind::Summary,
];

fn seldom() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.08)
}

fn claims() -> impl Strategy<Value = Step> {
    use Evidence::{ForgedSignature, OwnReceipt, OwnSignature, Receipt, Signature, Words};
    // Evidence counts only under its own kind, so it mostly comes so.
    let fitting = prop_oneof![
        3 => (prop::sample::select(&KINDS[..]), Just(Words)),
        2 => (Just(ProofKind::ConnectorReceipt), prop::sample::select(&[OwnReceipt, OwnReceipt, Receipt][..])),
        3 => (
            Just(ProofKind::SignedRecord),
            prop::sample::select(&[OwnSignature, ForgedSignature, ForgedSignature, Signature][..]),
        ),
    ];
    let deal = prop::option::of(0..12_usize);
    (0..9_usize, 0..24_usize, fitting, deal, seldom()).prop_map(|(by, of, (kind, evidence), deal, sandbox)| {
        Step::Claim(Claim { by, of, kind, deal, evidence, sandbox })
    })
}

fn steps() -> impl Strategy<Value = Step> {
    let who = || 0..9_usize;
    let say = (who(), who(), prop::sample::select(&Kind::ALL[..]), 0..8_usize, prop::option::of(0..2_u8), seldom());
    let ack = (0..8_usize, any::<bool>(), 0..24_usize);
    prop_oneof![
        4 => ack.prop_map(|(contract, buyer, proof)| Step::Ack { contract, buyer, proof }),
        3 => say.prop_map(|(by, to, kind, contract, nonce, sandbox)| {
            Step::Say { by, to, kind, contract, nonce, sandbox }
        }),
        2 => (who(), who(), prop::option::of(0..2_u8)).prop_map(|(by, to, nonce)| {
            Step::Say { by, to, kind: Kind::TaskRequest, contract: 0, nonce, sandbox: false }
        }),
        24 => (0..8_usize, any::<usize>()).prop_map(|(contract, pick)| Step::Advance { contract, pick }),
        4 => (who(), who(), prop::bool::weighted(0.8), prop::option::weighted(0.3, 0..8_usize)).prop_map(
            |(by, seller, real, contract)| Step::Hold { by, seller, real, contract }
        ),
        6 => (prop::option::weighted(0.9, who()), 0..Act::ALL.len() + 3, 0..12_usize).prop_map(|(by, act, deal)| {
            // Mostly releases.
            Step::Act { by, act: if act < Act::ALL.len() { act } else { RELEASE }, deal }
        }),
        3 => (who(), seldom()).prop_map(|(by, sandbox)| Step::Task { by, sandbox }),
        3 => (who(), 0..2_usize, any::<bool>(), prop::bool::weighted(0.2)).prop_map(|(by, tool, capture, fails)| {
            Step::Call { by, tool, capture, fails }
        }),
        9 => claims(),
        4 => (who(), 0..24_usize, seldom()).prop_map(|(by, proof, sandbox)| Step::Acknowledge { by, proof, sandbox }),
        2 => (prop::option::weighted(0.8, who()), 0..24_usize).prop_map(|(by, proof)| Step::Audit { by, proof }),
        2 => (0..24_usize, any::<bool>()).prop_map(|(proof, ok)| Step::Fetch { proof, ok }),
        1 => (who(), any::<bool>(), any::<bool>()).prop_map(|(by, under, other)| Step::Loop { by, under, other }),
        1 => (who(), who()).prop_map(|(by, on)| Step::Register { by, on }),
        1 => (0..24_usize).prop_map(|of| Step::Reverse { of }),
        1 => (0..9_u8).prop_map(|days| Step::Wait { days }),
    ]
}

/// Sequences of steps.
pub fn histories() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(steps(), 20..120)
}
