use crate::admission::MOST_GROUPS;
use crate::config::reader::kind::Shape;
use crate::config::reader::section::Section;
use crate::config::reader::source::Node;
use crate::config::reader::table::{Key, keys};
use crate::membership::{Group, InvalidGroup};

/// `[decisions.token_review]`: what Kubernetes is told about people.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TokenReviewConfig {
    /// The organizations and teams that Kubernetes learns about. Absent: none.
    pub groups: Vec<Group>,
    /// What stands before a login. Absent: nothing.
    pub username_prefix: String,
    /// What stands before a group, which is written `octo-org` or `octo-org:platform`. Absent:
    /// nothing.
    pub groups_prefix: String,
}

impl TokenReviewConfig {
    /// The keys of `[decisions.token_review]`.
    pub(in crate::config) const KEYS: &'static [Key] = keys! {
        /// what Kubernetes learns of a person's; as octo-org and octo-org:platform
        groups: Shape::List(&Shape::Text), shown ["octo-org", "octo-org/platform"];
        /// before each login, so that none is that of another user of the cluster
        username_prefix: Shape::Text, default "";
        /// before each group, for the same reason
        groups_prefix: Shape::Text, default "";
    };

    pub(super) fn read(review: &mut Section<'_>) -> Option<Self> {
        let groups = review.list("groups", few, group).unwrap_or_default();
        let mut prefix = |key| review.optional(key, prefix).unwrap_or_default();
        let read = Self {
            username_prefix: prefix("username_prefix"),
            groups_prefix: prefix("groups_prefix"),
            groups,
        };
        if let Some(group) = read
            .groups
            .iter()
            .find(|group| read.is_of_kubernetes(group))
        {
            let message = format!("{group} would be a group of Kubernetes itself; {SET_A_PREFIX}");
            review.refuse("groups", message);
        }
        Some(read)
    }

    /// Writes the name of a group as Kubernetes is told it.
    pub(crate) fn name_of(&self, group: &Group) -> String {
        format!("{}{}", self.groups_prefix, group.with_colon())
    }

    /// `system:masters` may do everything.
    fn is_of_kubernetes(&self, group: &Group) -> bool {
        self.name_of(group).starts_with(RESERVED)
    }
}

/// What the names begin with that Kubernetes gives to itself.
pub(crate) const RESERVED: &str = "system:";

fn few(node: Node) -> Result<Vec<Node>, String> {
    match node.items()? {
        items if items.len() > MOST_TOLD => Err(format!(
            "has more than {MOST_TOLD} groups, and GHES is asked about each for each person; \
             name fewer"
        )),
        items => Ok(items),
    }
}

/// Half of what one decision may ask about: the rest is for the caller's own.
const MOST_TOLD: usize = MOST_GROUPS / 2;

fn group(node: Node) -> Result<Group, String> {
    let name = node.text()?;
    name.parse()
        .map_err(|error: InvalidGroup| error.to_string())
}

fn prefix(node: Node) -> Result<String, String> {
    let prefix = node.text()?;
    if prefix.starts_with(RESERVED) {
        return Err(format!("begins names of Kubernetes itself; {SET_A_PREFIX}"));
    }
    match prefix.bytes().all(|b| b.is_ascii_graphic()) {
        true => Ok(prefix),
        false => Err("holds more than visible ASCII; write it like \"ghes:\"".to_owned()),
    }
}

const SET_A_PREFIX: &str = "use a prefix like \"ghes:\"";
