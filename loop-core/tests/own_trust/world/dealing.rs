//! Dealing: messages, contracts, and amounts held for a seller.

use loop_core::{
    base::json::Doc,
    message::{Draft, Kind},
    task::{
        TaskError,
        contract::Party,
        exchange::{self, Sent},
        transaction::{self, Act, Deal, DisputeReason, NewTransaction, TransactionStatus},
    },
};
use serde_json::{Value as Json, json};

use super::World;

/// The messages that lead to a payment.
const ONWARD: [Kind; 6] = [
    Kind::TaskOffer,
    Kind::TaskAccept,
    Kind::TaskExecute,
    Kind::TaskComplete,
    Kind::PaymentRequest,
    Kind::PaymentConfirm,
];

impl World {
    /// Sends a message; whether it arrived.
    pub(super) fn send(&mut self, by: usize, sandbox: bool, body: &Json) -> bool {
        let Ok(draft) = Draft::read(Doc::from_value(body).root()) else { return false };
        let cx = self.cx(Some(by), sandbox);
        match self.run(cx, move |tx, cx| exchange::send(tx, cx, &draft)) {
            Ok(Sent::Now(_, contract)) => {
                let between = self.between(contract.buyer, contract.seller);
                self.reach(format!("contract {between} {}", contract.state.as_str()));
                match self.contracts.iter_mut().find(|known| known.id == contract.id) {
                    Some(known) => *known = *contract,
                    None => self.contracts.push(*contract),
                }
                return true;
            }
            Ok(Sent::Replayed) => self.reach("replayed"),
            Ok(Sent::NotAnother) => self.reach("refused acknowledge by message"),
            Ok(Sent::Before(..) | Sent::Forged) | Err(_) => {}
        }
        false
    }

    pub(super) fn advance(&mut self, contract: usize, pick: usize) {
        let Some(at) = Self::at(contract, self.contracts.len()) else { return };
        let contract = &self.contracts[at];
        let sides = [Party::Buyer, Party::Seller];
        let fits: Vec<(Kind, Party)> = Kind::ALL
            .into_iter()
            .filter(|kind| *kind != Kind::Ack && (pick.is_multiple_of(6) || ONWARD.contains(kind)))
            .flat_map(|kind| sides.map(|side| (kind, side)))
            .filter(|(kind, side)| contract.state.after(*kind, *side).is_ok())
            .collect();
        let Some(choice) = Self::at(pick / 6, fits.len()) else { return };
        let (kind, side) = fits[choice];
        let (from, to) = match side {
            Party::Buyer => (contract.buyer, contract.seller),
            Party::Seller => (contract.seller, contract.buyer),
        };
        let body = json!({"type": kind, "to": to, "contractId": contract.id, "amountCents": 9000, "currency": "USD"});
        let by = self.place(from);
        self.send(by, false, &body);
    }

    pub(super) fn hold(&mut self, by: usize, seller: usize, real: bool, contract: Option<usize>) {
        let (by, seller) = (self.who(by), self.members[self.who(seller)].id);
        let contract = contract.and_then(|at| Self::at(at, self.contracts.len()));
        let new = NewTransaction {
            buyer: None,
            seller: seller.to_string(),
            amount_cents: 9000,
            currency: "USD".into(),
            kind: if real { Deal::Real } else { Deal::Sandbox },
            contract: contract.map(|at| self.contracts[at].id.to_string()),
        };
        let cx = self.cx(Some(by), false);
        self.deals.extend(self.run(cx, move |tx, cx| transaction::create(tx, cx, &new)));
    }

    pub(super) fn act(&mut self, by: Option<usize>, act: usize, deal: usize) {
        let Some(at) = Self::at(deal, self.deals.len()) else { return };
        let by = by.map(|by| self.who(by));
        let act = Act::ALL[act % Act::ALL.len()];
        let (cx, id) = (self.cx(by, false), self.deals[at].id.to_string());
        let reason = (act == Act::Dispute).then_some((DisputeReason::Other, None));
        match self.run(cx, move |tx, cx| transaction::act(tx, cx, &id, act, reason.clone())) {
            Ok((deal, _)) => {
                let between = self.between(deal.buyer, deal.seller);
                if deal.status == TransactionStatus::Completed {
                    self.reach(format!("deal {between} completed"));
                    if deal.kind == Deal::Real && between == "across" {
                        self.vouched.release(at);
                    }
                }
                self.deals[at] = deal;
            }
            Err(TaskError::Party(Party::Buyer)) => self.reach("refused release"),
            Err(_) => {}
        }
    }
}
