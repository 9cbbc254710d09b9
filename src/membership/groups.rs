use super::Group;

/// The groups that the person behind a request was found to belong to.
///
/// Not all that there are: only those that the policy looked at before it let the request in. In the
/// request's extensions, where
/// [`with_groups_extension`](crate::GatekeeperLayer::with_groups_extension) asks for it and there is
/// one.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Groups(Vec<Group>);

impl Groups {
    /// Returns the groups, in the order in which they were looked at.
    pub fn iter(&self) -> impl Iterator<Item = &Group> {
        self.0.iter()
    }

    /// Tells whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn add(&mut self, group: &Group) {
        if !self.0.contains(group) {
            self.0.push(group.clone());
        }
    }
}

impl FromIterator<Group> for Groups {
    fn from_iter<I: IntoIterator<Item = Group>>(groups: I) -> Self {
        Self(groups.into_iter().collect())
    }
}
