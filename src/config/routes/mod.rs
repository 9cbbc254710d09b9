mod admittance;
mod ambiguous_paths;
mod basic;
mod cors;
mod host;
mod identity_headers;
mod matching;
mod mode;
pub(super) mod passed_by;
mod path;
mod people;
pub(super) mod public_url;
mod resource;
mod tokens;
pub(super) mod upstream;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::assertion;
use super::ghes::AppPreset;
use super::ghes::servers::Servers;
use super::reader::section::Section;
use super::reader::source::Node;
use crate::config::reader::kind::Shape;
use crate::config::reader::table::{Key, Table, keys};
use crate::hygiene::stripped_header::StrippedHeader;
use crate::scope::{Scope, Scopes};
use crate::upstream::{UpstreamHost, UpstreamTimeouts, UpstreamTls, UpstreamUrl};

pub use self::admittance::Admittance;
pub use self::ambiguous_paths::AmbiguousPaths;
pub use self::basic::RouteBasic;
pub use self::cors::{Cors, CorsAnswers};
pub use self::host::{InvalidRouteHost, RouteHost};
pub use self::identity_headers::{IdentityHeaders, UnknownIdentityHeaders};
pub use self::matching::{RouteMatch, RouteName};
pub use self::mode::RouteMode;
pub use self::path::{InvalidRoutePath, RoutePath};
pub use self::people::{Combination, PeopleConfig};
pub use self::resource::ResourceConfig;
pub use self::tokens::TokensConfig;

use self::basic::ONLY;
use self::matching::Taken;
use self::upstream::RouteTimeouts;

/// `[[routes]]`: which requests go to which upstream, and who may.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RouteConfig {
    /// What logs, metrics and `check token` call it. Absent: its first host and its path, with the
    /// methods and `exact` where it has them. No two are the same.
    pub name: RouteName,
    /// The requests that this route is for, from `path`, `exact`, `hosts` and `methods`.
    pub matches: RouteMatch,
    /// Where their requests go, from `upstream`: at least one address. Required, unless there are
    /// [decisions](crate::config::DecisionsConfig): then the route may be for those who ask alone.
    pub upstreams: Vec<UpstreamUrl>,
    /// `[routes.upstream_tls]`: how `https://` is spoken there. None if nowhere.
    pub upstream_tls: Option<UpstreamTls>,
    /// The host that the upstream is told. Absent: `client`.
    pub host: UpstreamHost,
    /// Whether responses that name the upstream, or leave out what `strip_prefix` cuts off, are made
    /// to name what the client asked for. Absent: yes.
    pub rewrite_redirects: bool,
    /// `[routes.timeouts]`: how long the upstream may take.
    pub timeouts: UpstreamTimeouts,
    /// Whose tokens are good here, from `ghes` and `apps`. None on anonymous routes.
    pub tokens: Option<TokensConfig>,
    /// The scopes a token needs, all of them. Absent: none, so every good token will do.
    pub scopes: Scopes,
    /// Scopes of which a token needs one. Absent: none. A client that has none of them is told to
    /// ask for the one that grants the least.
    pub scopes_any: Vec<Scope>,
    /// Whether tokens of GitHub Apps, which never have scopes, pass without those. Absent: no, so
    /// that a route with scopes is shut to them.
    pub exempt_github_apps: bool,
    /// The people that the route is for, from `users`, `user_ids`, `site_admins`, `orgs`, `teams`,
    /// `people` and `account_types`.
    pub people: PeopleConfig,
    /// The longest that a revoked token still works here. Absent: as long as everywhere.
    pub max_age: Option<Duration>,
    /// Whether requests pass without a token. Absent: no.
    pub anonymous: bool,
    /// What becomes of what the gate decides. Absent: `enforce`.
    pub mode: RouteMode,
    /// Whether a token may also be a Basic password. Absent: no.
    pub basic: RouteBasic,
    /// Whether the token of a WebSocket may stand among its subprotocols. Absent: no.
    pub websocket_protocol: bool,
    /// Whether browsers without a token are sent to log in. Absent: no.
    pub login: bool,
    /// Whether the upstream sees the token. Absent: no, for it could act as the user with it.
    pub forward_token: bool,
    /// How the upstream is told who is asking. Absent: `x-forwarded`.
    pub identity_headers: IdentityHeaders,
    /// Further headers that clients may not send to the upstream. Absent: none beyond those that
    /// are removed everywhere.
    pub strip_headers: Vec<StrippedHeader>,
    /// What the upstream is called in [assertions](crate::assertion). Absent: its address, if there
    /// is only one. None if nothing is signed for it.
    pub audience: Option<String>,
    /// Whether the upstream sees the path without the route's. Absent: no.
    pub strip_prefix: bool,
    /// What happens to paths whose readings cannot all be known. Absent: `refuse`.
    pub ambiguous_paths: AmbiguousPaths,
    /// What becomes of requests that web pages of other origins make. Absent: `gate`.
    pub cors: Cors,
    /// `[routes.resource]`: how the route describes itself. Absent: not at all.
    pub resource: Option<ResourceConfig>,
}

/// What else there is that routes depend on.
#[derive(Clone, Copy)]
struct Doors {
    signs: bool,
    decides: bool,
    logs_in: bool,
}

/// Reads all routes and holds them against each other.
pub(super) fn read(root: &mut Section<'_>, servers: Servers<'_>) -> Vec<RouteConfig> {
    let mut taken = Taken::default();
    let doors = Doors {
        signs: root.has("assertion"),
        decides: root.has("decisions"),
        logs_in: root.has("session"),
    };
    root.sections("routes", "path", |route| {
        RouteConfig::read(route, &mut taken, servers, doors)
    })
}

impl RouteConfig {
    /// The keys of `[[routes]]` before those of [`Admittance`].
    pub(in crate::config) const KEYS: &'static [Key] = keys! {
        /// in logs, metrics and check token; absent: made of host and path
        name: Shape::Text, shown "tool";
        /// and all paths below it; the longest wins; no patterns; case matters
        path: Shape::Text, shown "/";
        /// true: this path alone
        exact: Shape::Boolean, default false;
        /// case does not matter, any port; absent: all
        hosts: Shape::List(&Shape::Text), shown ["tools.example.com"];
        /// GET includes HEAD; others get 405; absent: all
        methods: Shape::List(&Shape::Text), shown ["GET", "POST"];
        /// or https://, h2c://, unix:/run/tool.sock; or several: ["http://a", "http://b"];
        /// may be absent where [decisions] is on: a route for those who ask
        upstream: Shape::OneOrMany(&Shape::Text), shown "http://127.0.0.1:3000";
        /// the Host that the tool gets; "upstream": the one of upstream
        host: Shape::Words(&["client", "upstream"]), default "client";
        /// Location, Refresh and cookies that name the upstream itself, or lack the
        /// prefix that strip_prefix removes, are rewritten for the client
        rewrite_redirects: Shape::Boolean, default true;
    };

    /// The keys behind those.
    pub(in crate::config) const FURTHER_KEYS: &'static [Key] = keys! {
        /// true: everybody may enter, without a token
        anonymous: Shape::Boolean, default false;
        /// "observe": what the gate would reject is logged and counted, and passes without an
        /// identity
        mode: Shape::Words(&["enforce", "observe"]), default "enforce";
        /// true: a token may also be a Basic password, with any user name, as git, pip, npm
        /// and Maven send it; "only": challenges name Basic alone, as docker needs it
        basic: Shape::BooleanOr(ONLY), default false;
        /// true: the token of a WebSocket may stand in Sec-WebSocket-Protocol, as "bearer, TOKEN"
        /// or Kubernetes' base64url.bearer.authorization.k8s.io.TOKEN; browsers can send no other
        websocket_protocol: Shape::Boolean, default false;
        /// true: browsers are sent to log in, and come with a cookie; needs [session]
        login: Shape::Boolean, default false;
        /// true: the upstream sees the token
        forward_token: Shape::Boolean, default false;
        /// or x-auth-request, remote-user, x-webauth: the header with the login
        identity_headers: Shape::Words(&["x-forwarded", "x-auth-request", "remote-user", "x-webauth"]), default "x-forwarded";
        /// like ["X-Role", "X-Tenant-*"]: more headers that clients may not send to this tool
        strip_headers: Shape::List(&Shape::Text), default [];
        /// the name of the upstream in assertions; absent: its address
        audience: Shape::Text, aside "https://tool.example.com";
        /// true forwards /tool/x as /x where path is /tool
        strip_prefix: Shape::Boolean, default false;
        /// a path that can be read in two ways and leads to two routes gets 400; "forward":
        /// %FF and %zz, too, pass if all known readings lead to this route
        ambiguous_paths: Shape::Words(&["refuse", "forward"]), default "refuse";
        /// a preflight request, which has no token, gets 401;
        /// "upstream": the tool answers it; or [routes.cors]
        cors: Shape::Words(&["gate", "upstream"]), default "gate";
    };

    fn read(
        route: &mut Section<'_>,
        taken: &mut Taken,
        servers: Servers<'_>,
        doors: Doors,
    ) -> Option<Self> {
        let matches = RouteMatch::read(route, taken);
        let name = matches.as_ref().map(|matches| taken.name(route, matches));
        let upstreams = upstream::read(route, doors.decides);
        let upstream_tls = upstream::tls(route, upstreams.as_deref());
        let host = route.optional("host", parsed::<UpstreamHost>);
        let rewrite_redirects = route.optional("rewrite_redirects", Node::boolean);
        let timeouts = route.section("timeouts", RouteTimeouts::read);
        let anonymous = route.flag("anonymous");
        let mode = route.optional("mode", parsed::<RouteMode>);
        let admittance = Admittance::read(route, servers, anonymous);
        let basic = route.optional("basic", RouteBasic::read);
        let websocket_protocol = route.flag("websocket_protocol");
        let login = route.flag("login");
        if login && !doors.logs_in {
            route.refuse("login", NO_SESSION);
        }
        let forward_token = route.flag("forward_token");
        let identity_headers = route.optional("identity_headers", parsed::<IdentityHeaders>);
        let strip_headers = route.list("strip_headers", Node::items, parsed::<StrippedHeader>);
        let audience = assertion::audience(route, upstreams.as_deref(), doors.signs, anonymous);
        let strip_prefix = route
            .optional("strip_prefix", strip_prefix)
            .unwrap_or_default();
        let ambiguous_paths = route.optional("ambiguous_paths", parsed::<AmbiguousPaths>);
        let cors = Cors::read(route);
        let resource = route.optional_section("resource", ResourceConfig::read);
        taken.describe(route, resource.as_ref());
        let read = Self {
            name: name?,
            matches: matches?,
            upstreams: upstreams?,
            upstream_tls: upstream_tls?,
            host: host.unwrap_or_default(),
            rewrite_redirects: rewrite_redirects.unwrap_or(true),
            timeouts: timeouts?,
            tokens: admittance.tokens,
            scopes: admittance.scopes,
            scopes_any: admittance.scopes_any,
            exempt_github_apps: admittance.exempt_github_apps,
            people: admittance.people,
            max_age: admittance.max_age,
            anonymous,
            mode: mode.unwrap_or_default(),
            basic: basic.unwrap_or_default(),
            websocket_protocol,
            login,
            forward_token,
            identity_headers: identity_headers.unwrap_or_default(),
            strip_headers: strip_headers.unwrap_or_default(),
            audience,
            strip_prefix,
            ambiguous_paths: ambiguous_paths.unwrap_or_default(),
            cors: cors.unwrap_or_default(),
            resource,
        };
        read.refuse_contradictions(route);
        Some(read)
    }

    fn refuse_contradictions(&self, route: &Section<'_>) {
        if self.anonymous {
            self.refuse_questions(route);
            if is_everything(&self.matches) {
                route.refuse("anonymous", OPENS_EVERYTHING);
            }
        }
        let is_of_gh = |id: &String| id == AppPreset::GhCli.client_id();
        let apps = self.tokens.as_ref().map(|tokens| &tokens.apps);
        if self.forward_token && apps.is_some_and(|apps| apps.iter().any(is_of_gh)) {
            route.refuse("forward_token", WIDE_TOKENS);
        }
        if self.strip_prefix && (self.matches.exact || self.matches.path.as_str() == "/") {
            route.refuse("strip_prefix", NOTHING_TO_STRIP);
        }
    }

    /// Refuses what is asked of a token where no token is asked for.
    fn refuse_questions(&self, route: &Section<'_>) {
        let questions = [
            ("mode", self.mode != RouteMode::default()),
            ("basic", self.basic != RouteBasic::Refuse),
            ("websocket_protocol", self.websocket_protocol),
            ("login", self.login),
            ("forward_token", self.forward_token),
            (
                "identity_headers",
                self.identity_headers != IdentityHeaders::default(),
            ),
            ("resource", self.resource.is_some()),
        ];
        for (key, _) in questions.iter().filter(|(_, is_given)| *is_given) {
            refuse_question(route, key);
        }
    }
}

fn refuse_question(route: &Section<'_>, key: &str) {
    let cure = format!("drop {key} or anonymous");
    route.refuse(key, format!("has no effect on an anonymous route; {cure}"));
}

/// Such a route would be the answer to every path that was forgotten.
fn is_everything(matches: &RouteMatch) -> bool {
    matches.path.as_str() == "/" && !matches.exact && matches.hosts.is_empty()
}

const OPENS_EVERYTHING: &str = "opens every path without another route; name the open paths, or \
 set exact = true for the front page alone";

const NO_SESSION: &str = "has no effect without [session]; add it, or drop login";

/// The gh command asks for `repo`, `read:org` and `gist` at least.
const WIDE_TOKENS: &str = "would hand this tool tokens of the gh command, which may write to all \
 repositories of their users; drop it, or name other apps in apps";

const NOTHING_TO_STRIP: &str = "the path is / or exact, so nothing would be left; drop it";

/// Others cut off what is named; there are patterns in it.
fn strip_prefix(node: Node) -> Result<bool, String> {
    let flag = node.boolean();
    flag.map_err(|error| format!("{error}; true cuts off the path of the route"))
}

pub(in crate::config) fn parsed<T: FromStr<Err: fmt::Display>>(node: Node) -> Result<T, String> {
    node.text()?
        .parse()
        .map_err(|error: T::Err| error.to_string())
}
