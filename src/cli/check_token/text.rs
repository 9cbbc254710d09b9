//! A trace as people read it: a label and a line for each step.

use std::time::SystemTime;

use ghes_gatekeeper::identity::Identity;
use ghes_gatekeeper::proxy::explain::{
    AppOutcome, AppTrace, Decision, Forwarded, MembershipTrace, Rejected, RouteTrace, RuleOutcome,
    RuleTrace, TokenTrace, Trace,
};
use jiff::Timestamp;

use crate::cli::answer::Row;

/// Returns the lines in the order in which the gate decides.
pub(super) fn rows(trace: &Trace) -> Vec<Row> {
    let request = &trace.request;
    let target = format!("{} {}{}", request.method, request.host, request.path);
    let mut rows = vec![Row::new("request", target)];
    rows.extend(token(&trace.token));
    rows.extend(route(trace.route.as_ref()));
    rows.extend(apps(trace));
    rows.extend(rules(trace));
    rows.extend(memberships(&trace.memberships));
    rows.extend(match &trace.decision {
        Decision::Forwarded(forwarded) => upstream(forwarded),
        Decision::Rejected(rejected) => refusal(rejected),
        Decision::Answered { status } => vec![Row::new(
            "decision",
            format!("the gate itself answers {status} to every client"),
        )],
        _ => Vec::new(),
    });
    if let Some(rejected) = &trace.observed {
        let Rejected { status, reason, .. } = rejected;
        rows.push(Row::new(
            "observed",
            format!("would be not allowed: {status} {reason}"),
        ));
        rows.push(Row::below("detail", &rejected.detail));
    }
    rows
}

fn token(token: &TokenTrace) -> Vec<Row> {
    let kind = match token.kind {
        "oauth_app" => "gho_: of an OAuth app",
        "github_app_user" => "ghu_: of a GitHub App on behalf of a user",
        "personal_access" => "a personal access token, which is not of an app",
        "refresh" => "ghr_: a refresh token, which is not for requests",
        "installation" => "ghs_: an installation token, which has no user",
        _ => "without a prefix, as on older servers",
    };
    vec![
        Row::new("token", kind),
        Row::below("SHA-256", &token.hashed_token),
        Row::below("in base64", &token.hashed_token_base64),
    ]
}

fn route(route: Option<&RouteTrace>) -> Vec<Row> {
    let Some(route) = route else {
        return vec![Row::new("route", "none, so GHES is not asked")];
    };
    let below = if route.exact { "alone" } else { "and below" };
    let listed = |items: &[String], all: &str| match items {
        [] => all.to_owned(),
        items => items.join(", "),
    };
    let mut rows = vec![
        Row::new("route", format!("routes[{}]", route.index)),
        Row::below("name", &route.name),
        Row::below("path", format!("{} {below}", route.path)),
        Row::below("hosts", listed(&route.hosts, "all")),
        Row::below("methods", listed(&route.methods, "all")),
        Row::below("upstream", listed(&route.upstreams, ONLY_ASKED)),
    ];
    if route.anonymous {
        rows.push(Row::below("anonymous", "yes, so the token is not checked"));
    }
    if route.mode == "observe" {
        rows.push(Row::below("mode", "observe, so every request passes"));
    }
    if let Some(ghes) = &route.ghes {
        let apps = route.apps.join(", ");
        rows.push(Row::below("tokens of", format!("{apps} on {ghes}")));
    }
    rows
}

fn apps(trace: &Trace) -> Vec<Row> {
    let is_gated = trace.route.as_ref().is_some_and(|route| !route.anonymous);
    match (trace.apps.as_slice(), is_gated) {
        ([], false) => Vec::new(),
        ([], true) if !trace.token.may_be_checked => {
            let text = "not asked: no app can have such a token on behalf of a user";
            vec![Row::new("GHES", text)]
        }
        ([], true) => vec![Row::new("GHES", "not asked")],
        (apps, _) => apps.iter().flat_map(app).collect(),
    }
}

fn app(app: &AppTrace) -> Vec<Row> {
    let took = match app.took_ms {
        Some(took) => format!("{took} ms"),
        None => "remembered".to_owned(),
    };
    let reason = app.reason.unwrap_or_default();
    let said = match app.outcome {
        AppOutcome::Active => "active".to_owned(),
        AppOutcome::Inactive => format!("not valid: {}", inactive(reason)),
        _ => format!("could not be asked: {reason}"),
    };
    let mut rows = vec![
        Row::new("GHES", format!("{said} ({took})")),
        Row::below("app", format!("{} on {}", app.client_id, app.ghes)),
    ];
    if let Some(detail) = &app.detail {
        rows.push(Row::below("why", detail));
    }
    if let Some(identity) = &app.identity {
        rows.extend(person(identity));
    }
    rows
}

fn inactive(reason: &str) -> &str {
    match reason {
        "expired" => "expired",
        "invalid" => "wrong, revoked, or another app's",
        "no_user" => "it has no user",
        "unprocessable" => "refused as input",
        other => other,
    }
}

fn person(identity: &Identity) -> Vec<Row> {
    let user = identity.user();
    let admin = if user.site_admin() {
        ", site admin"
    } else {
        ""
    };
    let (login, id, kind) = (user.login(), user.id(), user.kind());
    let authorization = identity.authorization_id();
    let shown = format!("{login} (id {id}, {kind}{admin}), authorization {authorization}");
    let scopes = match identity.scopes() {
        scopes if scopes.is_empty() => "none".to_owned(),
        scopes => scopes.join(", "),
    };
    vec![
        Row::below("user", shown),
        Row::below("scopes", scopes),
        Row::below("expires", expiry(identity.expires_at())),
    ]
}

fn expiry(at: Option<SystemTime>) -> String {
    let Some(at) = at else {
        return "never".to_owned();
    };
    let time = Timestamp::try_from(at).map(|time| time.to_string());
    let time = time.unwrap_or_else(|_| "beyond all calendars".to_owned());
    match at <= SystemTime::now() {
        true => format!("{time}, which is past"),
        false => time,
    }
}

fn rules(trace: &Trace) -> Vec<Row> {
    if trace.route.as_ref().is_none_or(|route| route.anonymous) {
        return Vec::new();
    }
    let how = match (trace.rules.is_empty(), trace.people) {
        (true, _) => "none: every good token will do",
        (false, Some("any")) => "all are needed, but of those about people one is enough",
        (false, _) => "all are needed",
    };
    let mut rows = vec![Row::new("rules", how)];
    rows.extend(trace.rules.iter().map(rule));
    rows
}

fn rule(rule: &RuleTrace) -> Row {
    let outcome = match rule.outcome {
        RuleOutcome::Passed => "passed",
        RuleOutcome::Failed => "failed",
        RuleOutcome::NotVisible => "not visible",
        _ => "unknown",
    };
    let wanted = rule.wanted.join(", ");
    let wanted = match (rule.rule, rule.wanted.as_slice()) {
        (_, []) => String::new(),
        (_, [_]) => format!(": {wanted}"),
        ("scopes", _) => format!(": all of {wanted}"),
        _ => format!(": one of {wanted}"),
    };
    let exempt = match rule.exempts_github_apps {
        true => ", or a token of a GitHub App",
        false => "",
    };
    let missing = match rule.missing_scopes.as_slice() {
        [] => String::new(),
        missing => format!("; missing scope {}", missing.join(", ")),
    };
    let needed = match rule.needed {
        true => "",
        false => " (the gate does not ask)",
    };
    Row::below(
        rule.rule,
        format!("{outcome}{wanted}{exempt}{missing}{needed}"),
    )
}

fn memberships(memberships: &[MembershipTrace]) -> Vec<Row> {
    let mut rows = Vec::new();
    if !memberships.is_empty() {
        rows.push(Row::new("memberships", "as this token may see them"));
    }
    rows.extend(memberships.iter().map(membership));
    rows
}

fn membership(asked: &MembershipTrace) -> Row {
    let said = match (asked.membership, &asked.detail) {
        (Some("member"), _) => "member".to_owned(),
        (Some("not_member"), _) => "not a member".to_owned(),
        (Some("token_refused"), _) => "GHES refused the token".to_owned(),
        (Some(_), _) => match asked.accepted_scopes.as_slice() {
            [] => "not visible to this app".to_owned(),
            scopes => format!("not visible without one of {}", scopes.join(", ")),
        },
        (None, Some(detail)) => format!("could not be asked: {detail}"),
        (None, None) => "could not be asked".to_owned(),
    };
    let needed = match asked.needed {
        true => "",
        false => "; the gate does not ask",
    };
    let MembershipTrace { group, took_ms, .. } = asked;
    Row::below("asked", format!("{group}: {said} ({took_ms} ms{needed})"))
}

fn upstream(forwarded: &Forwarded) -> Vec<Row> {
    let mut rows = vec![
        Row::new("decision", "allowed; the upstream sees"),
        Row::below("path", &forwarded.path),
    ];
    rows.extend(forwarded.set.iter().map(|header| {
        let value = header.value.as_deref().unwrap_or("(of each request)");
        Row::below("sets", format!("{}: {value}", header.name))
    }));
    if let Some(claims) = &forwarded.assertion {
        let signed = serde_json::to_string(claims).unwrap_or_default();
        rows.push(Row::below("signs", signed));
    }
    if !forwarded.removed.is_empty() {
        rows.push(Row::below("removes", forwarded.removed.join(", ")));
    }
    if forwarded.forwards_token {
        rows.push(Row::below("forwards", "the token, by forward_token"));
    }
    rows
}

fn refusal(rejected: &Rejected) -> Vec<Row> {
    let Rejected { status, reason, .. } = rejected;
    let mut rows = vec![
        Row::new("decision", format!("not allowed: {status} {reason}")),
        Row::below("detail", &rejected.detail),
    ];
    let seconds = rejected.retry_after.map(|seconds| seconds.to_string());
    for (name, value) in [
        ("challenge", &rejected.challenge),
        ("retry after", &seconds),
        ("allow", &rejected.allow),
    ] {
        rows.extend(value.as_ref().map(|value| Row::below(name, value)));
    }
    if *status == http::StatusCode::MISDIRECTED_REQUEST.as_u16() {
        let cure = "give one of server.allowed_hosts by --host";
        rows.push(Row::below("cure", cure));
    }
    rows
}

/// What stands in the place of upstreams where there are none.
const ONLY_ASKED: &str = "none: for proxies that ask at [decisions]; clients get 404";
