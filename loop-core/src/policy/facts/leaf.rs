//! The values of a document, one by one, with what their names say.

use std::cell::OnceCell;

use super::keys::{self, Roles};
use crate::base::json::{Kind, View};

/// One value with what its name says. Items of an array have the roles of the array.
#[derive(Debug, Clone, Copy)]
pub struct Leaf<'a, 's> {
    /// The name that gave the roles.
    pub key: &'a str,
    /// Its roles.
    pub roles: Roles,
    /// The value: scalars, and containers before what is in them.
    pub value: View<'a>,
    /// What stands beside the value in its object.
    pub beside: Option<&'s Beside<'a>>,
    /// The value is a member of that object itself, not an item of an array in it.
    pub member: bool,
    /// Its name, or one around it, says that it is a secret.
    pub secret: bool,
}

/// The members of an object that say more of the others; each is looked for once, when it is first needed.
#[derive(Debug)]
pub struct Beside<'a> {
    object: View<'a>,
    currency: OnceCell<Option<View<'a>>>,
    quantity: OnceCell<Option<View<'a>>>,
}

impl<'a> Beside<'a> {
    const fn new(object: View<'a>) -> Self {
        Self { object, currency: OnceCell::new(), quantity: OnceCell::new() }
    }

    fn find(&self, roles: Roles) -> Option<View<'a>> {
        self.object.members().find(|member| keys::roles(member.key()).any(roles))
    }

    pub(super) fn currency(&self) -> Option<View<'a>> {
        *self.currency.get_or_init(|| self.find(Roles::CURRENCY))
    }

    pub(super) fn quantity(&self) -> Option<View<'a>> {
        *self.quantity.get_or_init(|| self.find(Roles::QUANTITY))
    }
}

/// Calls `each` with every value.
#[inline]
pub fn leaves<'a, F: FnMut(Leaf<'a, '_>)>(view: View<'a>, each: &mut F) {
    leaves_of(view, |_, _| true, each);
}

/// Calls `each` with every value that is wanted by its roles and what it is.
#[inline]
pub(super) fn leaves_of<'a, W: Fn(Roles, View<'a>) -> bool + Copy, F: FnMut(Leaf<'a, '_>)>(
    view: View<'a>,
    wanted: W,
    each: &mut F,
) {
    let whole = Leaf { key: "", roles: Roles::default(), value: view, beside: None, member: false, secret: false };
    descend(whole, wanted, each);
}

// The reader bounds the depth of documents, and so of this.
fn descend<'a, W: Fn(Roles, View<'a>) -> bool + Copy, F: FnMut(Leaf<'a, '_>)>(
    leaf: Leaf<'a, '_>,
    wanted: W,
    each: &mut F,
) {
    if wanted(leaf.roles, leaf.value) {
        each(leaf);
    }
    match leaf.value.kind() {
        Kind::Object => {
            let beside = Beside::new(leaf.value);
            for member in leaf.value.members() {
                let key = member.key();
                let roles = keys::roles(key);
                let secret = leaf.secret || roles.any(Roles::NAMES_SECRET);
                let below = || Leaf { key, roles, value: member, beside: Some(&beside), member: true, secret };
                if member.is_container() {
                    descend(below(), wanted, each);
                } else if wanted(roles, member) {
                    each(below());
                }
            }
        }
        Kind::Array => {
            for item in leaf.value.items() {
                let below = || Leaf { value: item, member: false, ..leaf };
                if item.is_container() {
                    descend(below(), wanted, each);
                } else if wanted(leaf.roles, item) {
                    each(below());
                }
            }
        }
        _ => {}
    }
}

/// Calls `each` with the name and value of every argument and the object that it stands in, items of arrays under the
/// name of the array.
pub fn each_argument(document: View<'_>, each: &mut dyn FnMut(&str, View<'_>, Option<View<'_>>)) {
    leaves(document, &mut |leaf: Leaf<'_, '_>| {
        if !leaf.key.is_empty() {
            each(leaf.key, leaf.value, leaf.beside.map(|beside| beside.object));
        }
    });
}
