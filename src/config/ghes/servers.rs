//! The servers that are asked about tokens: `[ghes]`, or several `[[ghes]]`.

use super::GhesConfig;
use crate::config::reader::section::{Section, closest};
use crate::config::reader::source::Node;
use crate::ghes::GhesUrl;

/// Reads all servers with `read`, and holds them against each other; none if one of them cannot be
/// read.
pub(in crate::config) fn read(
    root: &mut Section<'_>,
    read: impl Fn(&mut Section<'_>) -> Option<GhesConfig>,
) -> Option<Vec<GhesConfig>> {
    if !root.has_array(SECTION) {
        return root.section(SECTION, read).map(|only| vec![only]);
    }
    let mut taken = Vec::new();
    let servers = root.sections(SECTION, "url", |ghes| {
        let server = read(ghes).filter(|server| is_new(ghes, server, &taken));
        taken.push(server.as_ref().map(Taken::by));
        server
    });
    let is_whole = !taken.is_empty() && servers.len() == taken.len();
    is_whole.then_some(servers)
}

/// What no other server may have.
struct Taken {
    name: String,
    url: GhesUrl,
}

impl Taken {
    fn by(server: &GhesConfig) -> Self {
        Self {
            name: server.name.clone(),
            url: server.url.clone(),
        }
    }
}

/// Tells whether no other table is for the server: each would have limits of its own, and together
/// they would ask twice as much.
fn is_new(ghes: &Section<'_>, server: &GhesConfig, taken: &[Option<Taken>]) -> bool {
    let twin = |is_twin: &dyn Fn(&Taken) -> bool| {
        let mut taken = taken.iter();
        taken.position(|other| other.as_ref().is_some_and(is_twin))
    };
    if let Some(at) = twin(&|other| other.url.is_equivalent(&server.url)) {
        let message = format!("is that of ghes[{at}] too; put all its apps there");
        ghes.refuse("url", message);
        return false;
    }
    if let Some(at) = twin(&|other| other.name == server.name) {
        let name = &server.name;
        let message = format!("{name} is the name of ghes[{at}] too; give one of them another");
        ghes.refuse("name", message);
        return false;
    }
    true
}

/// The servers that a `ghes` key elsewhere may name.
///
/// Where they could not be read, nothing is held against them: what is wrong with them is told.
#[derive(Clone, Copy)]
pub(in crate::config) struct Servers<'s>(Option<&'s [GhesConfig]>);

impl<'s> Servers<'s> {
    pub(in crate::config) fn new(servers: Option<&'s Vec<GhesConfig>>) -> Self {
        Self(servers.map(Vec::as_slice))
    }

    /// Reads the key `ghes`: the name of a server, which may be left out where there is only one.
    pub(in crate::config) fn pick(
        self,
        section: &mut Section<'_>,
        why: &str,
    ) -> Option<&'s GhesConfig> {
        let is_absent = !section.has("ghes");
        let picked = section.optional("ghes", |node| self.named(node));
        match self.0? {
            [only] if is_absent => Some(only),
            [first, ..] if is_absent => {
                let (example, names) = (&first.name, self.names());
                let cure = format!("write ghes = \"{example}\"; there are {names}");
                section.refuse("ghes", format!("missing; {why}: {cure}"));
                None
            }
            _ => picked?,
        }
    }

    fn named(self, node: Node) -> Result<Option<&'s GhesConfig>, String> {
        let name = node.text()?;
        let Some(servers) = self.0 else {
            return Ok(None);
        };
        let mut all = servers.iter();
        if let Some(server) = all.find(|server| server.name == name) {
            return Ok(Some(server));
        }
        let names = servers.iter().map(|server| &*server.name);
        // One slip turns a short name into any other, and a guess could name the wrong server.
        let meant = closest(&name, names).filter(|meant| meant.len() > 4);
        Err(match meant {
            Some(meant) => format!("no server has this name; did you mean {meant}?"),
            None => format!("no server has this name; there are {}", self.names()),
        })
    }

    fn names(self) -> String {
        let names = self.0.into_iter().flatten().map(|server| &*server.name);
        names.collect::<Vec<_>>().join(", ")
    }
}

pub(in crate::config) const SECTION: &str = "ghes";
