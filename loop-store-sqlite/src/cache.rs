//! What a transaction need not ask SQLite twice: policy epochs, journal heads, balances, queues without leases.
//!
//! Everything in here is true within one write transaction, in which nobody else can write. It is emptied when a
//! transaction begins and whenever something is undone. Balances are written back before COMMIT and before
//! anything else reads their table.

use hashbrown::{Equivalent, HashMap};
use loop_core::{
    base::TenantId,
    store::{Balance, Head},
};

/// The cache of one transaction.
#[derive(Default)]
pub(crate) struct Cache {
    pub(crate) epochs: HashMap<TenantId, u64>,
    pub(crate) streams: HashMap<Place, Stream>,
    pub(crate) balances: HashMap<Place, Account>,
    /// How many balances differ from the file.
    pub(crate) unwritten: usize,
    /// Whether a queue has leases, of any tenant.
    pub(crate) leased: HashMap<&'static str, bool>,
}

/// A stream of a journal.
pub(crate) struct Stream {
    /// Its number, which leads the keys of its rows.
    pub(crate) no: i64,
    pub(crate) head: Option<Head>,
}

/// A balance and whether the file has it.
pub(crate) struct Account {
    pub(crate) balance: Balance,
    pub(crate) written: bool,
}

/// A stream of a journal or an account of a ledger.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) table: &'static str,
    pub(crate) tenant: TenantId,
    pub(crate) name: String,
}

/// A [`Place`] to look up. Fields and their order are those of `Place`, so that the two hash alike.
#[derive(Hash)]
pub(crate) struct At<'a> {
    pub(crate) table: &'static str,
    pub(crate) tenant: &'a TenantId,
    pub(crate) name: &'a str,
}

impl Equivalent<Place> for At<'_> {
    fn equivalent(&self, place: &Place) -> bool {
        self.table == place.table && *self.tenant == place.tenant && self.name == place.name
    }
}

impl At<'_> {
    pub(crate) fn to_place(&self) -> Place {
        Place { table: self.table, tenant: self.tenant.clone(), name: self.name.to_owned() }
    }
}

impl Cache {
    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.epochs.clear();
        self.streams.clear();
        self.balances.clear();
        self.unwritten = 0;
        self.leased.clear();
    }

    /// Remembers a stream.
    pub(crate) fn set_stream(&mut self, at: &At<'_>, stream: Stream) {
        match self.streams.get_mut(at) {
            Some(known) => *known = stream,
            None => {
                self.streams.insert(at.to_place(), stream);
            }
        }
    }

    /// Remembers a balance; one that is not `written` has to reach the file.
    pub(crate) fn set_balance(&mut self, at: &At<'_>, balance: Balance, written: bool) {
        let account = Account { balance, written };
        let before = match self.balances.get_mut(at) {
            Some(known) => Some(std::mem::replace(known, account)),
            None => self.balances.insert(at.to_place(), account),
        };
        let was_unwritten = before.is_some_and(|before| !before.written);
        self.unwritten = self.unwritten.saturating_sub(usize::from(was_unwritten)) + usize::from(!written);
    }
}
