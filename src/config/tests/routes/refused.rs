use super::{Config, edited, errors};
use crate::config::tests::refused::assert_refused;

#[test]
fn every_key_of_a_route_is_refused_where_it_cannot_be_kept() {
    assert_refused(REFUSED);
}

/// What stands in [`GOOD`](crate::config::tests::GOOD), what is written instead, and what is said about it.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        "path = \"/\"\n",
        "",
        "16: routes[0].path: missing; write path = \"/\", or set GHES_GATEKEEPER_ROUTES__0__PATH",
    ),
    (
        "path = \"/\"",
        "path = \"api\"",
        "17: routes[0].path: must start with a slash",
    ),
    (
        "path = \"/\"",
        "path = \"/a/../b\"",
        "17: routes[0].path: leave out empty and dot segments",
    ),
    (
        "upstream = \"http://127.0.0.1:3000\"\n",
        "",
        "16: routes[0].upstream: missing; write upstream = \"http://127.0.0.1:3000\", \
         or set GHES_GATEKEEPER_ROUTES__0__UPSTREAM",
    ),
    (
        "http://127.0.0.1:3000",
        "h2://127.0.0.1:3000",
        "18: routes[0].upstream: not an address; write it like http://127.0.0.1:3000, https://, \
         h2c:// or unix:/run/tool.sock",
    ),
    (
        "[\"read:org\"]",
        "\"read:org\"",
        "19: routes[0].scopes: expected an array, found a string; put it in brackets",
    ),
    (
        "[\"read:org\"]",
        "[\"repo\",\n\"read org\"]",
        "20: routes[0].scopes[1]: a scope is 1 to 64 visible ASCII characters \
         without comma, quote or backslash",
    ),
    (
        "anonymous = false",
        "anonymous = true\nexact = true",
        "19: routes[0].scopes: has no effect on an anonymous route; drop scopes or anonymous",
    ),
    (
        "anonymous = false",
        "max_age = \"0s\"",
        "20: routes[0].max_age: must be more than 0s and at most 1h",
    ),
    (
        "anonymous = false",
        "strip_headers = [\"X-Role\", \"X-*-Role\", \"Authorization\", \"host\"]",
        "20: routes[0].strip_headers[1]: not a header; write a name like X-Role, or X-Role-* for \
         all that begin so\n\
         configuration:20: routes[0].strip_headers[2]: the gate reads it, and keeps it from the \
         tool unless forward_token is true; drop it\n\
         configuration:20: routes[0].strip_headers[3]: the gate always sets it itself; drop it",
    ),
    (
        "anonymous = false",
        "strip_headers = \"X-Role\"",
        "20: routes[0].strip_headers: expected an array, found a string; put it in brackets",
    ),
    (
        "path = \"/\"\nupstream = \"http://127.0.0.1:3000\"\nscopes = [\"read:org\"]\nanonymous = false\n",
        "path = \"/a\"\nupstream = \"http://127.0.0.1:3000\"\nmax_age = \"1s\"\nanonymous = true\n",
        "19: routes[0].max_age: has no effect on an anonymous route; drop max_age or anonymous",
    ),
    (
        "anonymous = false\n",
        "anonymous = 1\n",
        "20: routes[0].anonymous: expected true or false, found an integer",
    ),
    (
        "scopes = [\"read:org\"]\nanonymous = false\nforward_token = false\n",
        "exact = true\nanonymous = true\nforward_token = true\n",
        "21: routes[0].forward_token: has no effect on an anonymous route; drop forward_token or \
         anonymous",
    ),
    (
        "scopes = [\"read:org\"]\nanonymous = false\n",
        "exact = true\nanonymous = true\nbasic = true\n",
        "21: routes[0].basic: has no effect on an anonymous route; drop basic or anonymous",
    ),
    (
        "scopes = [\"read:org\"]\nanonymous = false\n",
        "exact = true\nanonymous = true\nwebsocket_protocol = true\n",
        "21: routes[0].websocket_protocol: has no effect on an anonymous route; drop \
         websocket_protocol or anonymous",
    ),
    (
        "scopes = [\"read:org\"]\nanonymous = false\n",
        "exact = true\nanonymous = true\nlogin = true\n",
        "21: routes[0].login: has no effect without [session]; add it, or drop login\n\
         configuration:21: routes[0].login: has no effect on an anonymous route; drop login or \
         anonymous",
    ),
    (
        "forward_token = false\n",
        "websocket_protocol = \"bearer\"\n",
        "21: routes[0].websocket_protocol: expected true or false, found a string",
    ),
    (
        "scopes = [\"read:org\"]\nanonymous = false\n",
        "exact = true\nanonymous = true\nmode = \"observe\"\n",
        "21: routes[0].mode: has no effect on an anonymous route; drop mode or anonymous",
    ),
    (
        "forward_token = false\n",
        "mode = \"report\"\n",
        "21: routes[0].mode: not known; write \"enforce\" or \"observe\"",
    ),
    (
        "forward_token = false\n",
        "basic = \"yes\"\n",
        "21: routes[0].basic: expected true, false or \"only\", found a string",
    ),
    (
        "forward_token = false\n",
        "basic = \"Only\"\n",
        "21: routes[0].basic: expected true, false or \"only\", found a string",
    ),
    (
        "forward_token = false\n",
        "basic = 1\n",
        "21: routes[0].basic: expected true, false or \"only\", found an integer",
    ),
    (
        "scopes = [\"read:org\"]\nanonymous = false\n",
        "exact = true\nanonymous = true\nbasic = \"only\"\n",
        "21: routes[0].basic: has no effect on an anonymous route; drop basic or anonymous",
    ),
    (
        "forward_token = false\n",
        "forward_token = \"yes\"\n",
        "21: routes[0].forward_token: expected true or false, found a string",
    ),
    (
        "[[routes]]",
        "[[routes]]\npath = \"/a/\"\nupstream = \"http://b\"\n[[routes]]\n\
         path = \"/a\"\nupstream = \"http://b\"\n[[routes]]",
        "20: routes[1].path: the route at configuration:17 is for the same requests; \
         keep one, or tell them apart by hosts or methods",
    ),
    (
        "path = \"/\"",
        "path = \"/\"\nexact = \"yes\"",
        "18: routes[0].exact: expected true or false, found a string",
    ),
    (
        "path = \"/\"",
        "path = \"/\"\nhosts = \"tools.example.com\"",
        "18: routes[0].hosts: expected an array, found a string; put it in brackets",
    ),
    (
        "path = \"/\"",
        "path = \"/\"\nhosts = []",
        "18: routes[0].hosts: is empty; leave it out to mean all hosts",
    ),
    (
        "path = \"/\"",
        "path = \"/\"\nhosts = [\"*.example.com\"]",
        "18: routes[0].hosts[0]: name each host; there are no wildcards and no patterns",
    ),
    (
        "path = \"/\"",
        "path = \"/\"\nhosts = [\"a\",\n\"b:80\"]",
        "19: routes[0].hosts[1]: leave out the port; every port matches",
    ),
    (
        "path = \"/\"",
        "path = \"/\"\nhosts = [\"https://tools.example.com\"]",
        "18: routes[0].hosts[0]: not a host; write the name alone, like tools.example.com",
    ),
    (
        "path = \"/\"",
        "path = \"/\"\nhosts = [\"a.test\", \"A.TEST.\"]",
        "18: routes[0].hosts: a.test is listed twice; keep one",
    ),
    (
        "path = \"/\"",
        "path = \"/\"\nmethods = \"GET\"",
        "18: routes[0].methods: expected an array, found a string; put it in brackets",
    ),
    (
        "path = \"/\"",
        "path = \"/\"\nmethods = []",
        "18: routes[0].methods: is empty; leave it out to mean all methods",
    ),
    (
        "path = \"/\"",
        "path = \"/\"\nmethods = [\"get\"]",
        "18: routes[0].methods[0]: not a method; write it in capitals, like GET",
    ),
    (
        "path = \"/\"",
        "path = \"/\"\nmethods = [\"CONNECT\"]",
        "18: routes[0].methods[0]: is never forwarded; drop it",
    ),
    (
        "path = \"/\"",
        "path = \"/\"\nmethods = [\"PUT\", \"PUT\"]",
        "18: routes[0].methods: PUT is listed twice; keep one",
    ),
    (
        "[[routes]]",
        "[[routes]]\npath = \"/\"\nupstream = \"http://b\"\nhosts = [\"a\", \"b\"]\n[[routes]]\n\
         path = \"/\"\nupstream = \"http://b\"\nhosts = [\"c\", \"B\"]\n[[routes]]",
        "21: routes[1].path: the route at configuration:17 is for the same requests; \
         keep one, or tell them apart by hosts or methods",
    ),
    (
        "[[routes]]",
        "[[routes]]\npath = \"/\"\nupstream = \"http://b\"\nmethods = [\"GET\"]\n[[routes]]\n\
         path = \"/\"\nupstream = \"http://b\"\nmethods = [\"HEAD\", \"PUT\"]\n[[routes]]",
        "21: routes[1].path: the route at configuration:17 is for the same requests; \
         keep one, or tell them apart by hosts or methods",
    ),
    (
        "scopes = [\"read:org\"]\nanonymous = false\n",
        "anonymous = true\n",
        "19: routes[0].anonymous: opens every path without another route; name the open paths, or \
         set exact = true for the front page alone",
    ),
    (
        "forward_token",
        "forward_tokens",
        "21: routes[0].forward_tokens: unknown key; did you mean forward_token?",
    ),
    (
        "path = \"/\"",
        "path = \"/\"\nscopes_any = \"gist\"",
        "18: routes[0].scopes_any: expected an array, found a string; put it in brackets",
    ),
    (
        "path = \"/\"",
        "path = \"/\"\nscopes_any = [\"a b\"]",
        "18: routes[0].scopes_any[0]: a scope is 1 to 64 visible ASCII characters \
         without comma, quote or backslash",
    ),
    (
        "scopes = [\"read:org\"]\nanonymous = false\n",
        "exact = true\nscopes_any = [\"gist\"]\nanonymous = true\n",
        "20: routes[0].scopes_any: has no effect on an anonymous route; drop scopes_any or \
         anonymous",
    ),
    (
        "path = \"/\"",
        "path = \"/\"\nidentity_headers = \"X-Forwarded-User\"",
        "18: routes[0].identity_headers: not known; \
         there are x-forwarded, x-auth-request, remote-user, x-webauth",
    ),
    (
        "scopes = [\"read:org\"]\nanonymous = false\n",
        "exact = true\nidentity_headers = \"remote-user\"\nanonymous = true\n",
        "20: routes[0].identity_headers: has no effect on an anonymous route; drop \
         identity_headers or anonymous",
    ),
    (
        "path = \"/\"",
        "path = \"/\"\nstrip_prefix = true",
        "18: routes[0].strip_prefix: the path is / or exact, so nothing would be left; drop it",
    ),
    (
        "path = \"/\"",
        "path = \"/a\"\nexact = true\nstrip_prefix = true",
        "19: routes[0].strip_prefix: the path is / or exact, so nothing would be left; drop it",
    ),
    (
        "path = \"/\"",
        "path = \"/a\"\nstrip_prefix = \"/a\"",
        "18: routes[0].strip_prefix: expected true or false, found a string; true cuts off the path of the route",
    ),
    (
        "[ghes.limits]",
        "cors = true\n[ghes.limits]",
        "22: routes[0].cors: expected a string, found a boolean",
    ),
    (
        "[ghes.limits]",
        "cors = \"pass\"\n[ghes.limits]",
        "22: routes[0].cors: not known; write \"gate\", \"upstream\" or a table [routes.cors]",
    ),
    (
        "[ghes.limits]",
        "[routes.cors]\nmax_age = \"1m\"\n[ghes.limits]",
        "22: routes[0].cors.allow_origins: missing; write allow_origins = [\"https://app.example.com\"], or set GHES_GATEKEEPER_ROUTES__0__CORS__ALLOW_ORIGINS",
    ),
    (
        "[ghes.limits]",
        "[routes.cors]\nallow_origins = []\n[ghes.limits]",
        "23: routes[0].cors.allow_origins: names no origin; write allow_origins = [\"https://app.example.com\"]",
    ),
    (
        "[ghes.limits]",
        "[routes.cors]\nallow_origins = \"*\"\n[ghes.limits]",
        "23: routes[0].cors.allow_origins: expected an array, found a string; put it in brackets",
    ),
    (
        "[ghes.limits]",
        "[routes.cors]\nallow_origins = [\"null\"]\n[ghes.limits]",
        "23: routes[0].cors.allow_origins[0]: is the origin of every sandboxed page; name the \
         origins",
    ),
    (
        "[ghes.limits]",
        "[routes.cors]\nallow_origins = [\"*\", \"https://a.test\"]\n[ghes.limits]",
        "23: routes[0].cors.allow_origins: * is every origin; drop it or the others",
    ),
    (
        "[ghes.limits]",
        "[routes.cors]\nallow_origins = [\"*\"]\nallow_credentials = true\n[ghes.limits]",
        "24: routes[0].cors.allow_credentials: would let every web page use the cookies of its \
         visitor; name the origins, or drop it",
    ),
    (
        "[ghes.limits]",
        "[routes.cors]\nallow_origins = [\"https://a.test\"]\nallow_credentials = 1\n[ghes.limits]",
        "24: routes[0].cors.allow_credentials: expected true or false, found an integer",
    ),
    (
        "[ghes.limits]",
        "[routes.cors]\nallow_origins = [\"https://a.test\"]\nallow_headers = [\"*\"]\n[ghes.limits]",
        "24: routes[0].cors.allow_headers[0]: name each header; browsers do not take * for all",
    ),
    (
        "[ghes.limits]",
        "[routes.cors]\nallow_origins = [\"https://a.test\"]\nexpose_headers = [\"a b\"]\n[ghes.limits]",
        "24: routes[0].cors.expose_headers[0]: not the name of a header",
    ),
    (
        "[ghes.limits]",
        "[routes.cors]\nallow_origins = [\"https://a.test\"]\nmax_age = \"25h\"\n[ghes.limits]",
        "24: routes[0].cors.max_age: must be at least 0s and at most 24h",
    ),
    (
        "[ghes.limits]",
        "[routes.cors]\nallow_origins = [\"https://a.test\"]\nmaxage = \"1m\"\n[ghes.limits]",
        "24: routes[0].cors.maxage: unknown key; did you mean max_age?",
    ),
    (
        "[ghes.limits]",
        "resource = \"https://a.test\"\n[ghes.limits]",
        "22: routes[0].resource: expected a table, found a string",
    ),
    (
        "[ghes.limits]",
        "[routes.resource]\nname = \"a\"\n[ghes.limits]",
        "22: routes[0].resource.url: missing; write url = \"https://tools.example.com/mcp\", or set GHES_GATEKEEPER_ROUTES__0__RESOURCE__URL",
    ),
    (
        "[ghes.limits]",
        "[routes.resource]\nurl = \"/mcp\"\n[ghes.limits]",
        "23: routes[0].resource.url: not a URL; write it like https://tools.example.com/mcp",
    ),
    (
        "[ghes.limits]",
        "[routes.resource]\nurl = \"http://a.test/mcp\"\n[ghes.limits]",
        "23: routes[0].resource.url: must be https://; clients send tokens there, and others could \
         read them",
    ),
    (
        "[ghes.limits]",
        "[routes.resource]\nurl = \"https://a.test/mcp?a\"\n[ghes.limits]",
        "23: routes[0].resource.url: leave out credentials, query, fragment and quotes",
    ),
    (
        "[ghes.limits]",
        "[routes.resource]\nurl = \"https://a.test/a/../b\"\n[ghes.limits]",
        "23: routes[0].resource.url: its path could be read in two ways; leave out escapes, parameters, dot segments and patterns",
    ),
    (
        "[ghes.limits]",
        "[routes.resource]\nurl = \"https://a.test/mcp\"\nname = 1\n[ghes.limits]",
        "24: routes[0].resource.name: expected a string, found an integer",
    ),
    (
        "[ghes.limits]",
        "[routes.resource]\nurl = \"https://a.test/mcp\"\nauthorization_servers = [\"ghes\"]\n[ghes.limits]",
        "24: routes[0].resource.authorization_servers[0]: not a URL; write it like https://tools.example.com/mcp",
    ),
    (
        "[ghes.limits]",
        "[routes.resource]\nurl = \"https://a.test/mcp\"\nscopes_supported = [\"a b\"]\n[ghes.limits]",
        "24: routes[0].resource.scopes_supported[0]: a scope is 1 to 64 visible ASCII characters without comma, quote or backslash",
    ),
    (
        "[ghes.limits]",
        "[routes.resource]\nurl = \"https://a.test/mcp\"\nscope_supported = []\n[ghes.limits]",
        "24: routes[0].resource.scope_supported: unknown key; did you mean scopes_supported?",
    ),
    (
        "[ghes.limits]",
        "[routes.resource]\nurl = \"https://a.test/mcp\"\n[[routes]]\npath = \"/b\"\nupstream = \"http://b\"\nresource.url = \"https://A.test:8443/mcp/\"\n[ghes.limits]",
        "27: routes[1].resource: the route at configuration:17 is described at this address already; keep one",
    ),
    (
        "[ghes.limits]",
        "[authorization_server]\npkce = true\n[ghes.limits]",
        "22: authorization_server.issuer: missing; write issuer = \"https://tools.example.com\", or set GHES_GATEKEEPER_AUTHORIZATION_SERVER__ISSUER",
    ),
    (
        "[ghes.limits]",
        "[authorization_server]\nissuer = \"a.test\"\n[ghes.limits]",
        "23: authorization_server.issuer: not a URL; write it like https://tools.example.com/mcp",
    ),
    (
        "[ghes.limits]",
        "[authorization_server]\nissuer = \"https://a.test\"\nscopes_supported = \"gist\"\n[ghes.limits]",
        "24: authorization_server.scopes_supported: expected an array, found a string; put it in brackets",
    ),
    (
        "[ghes.limits]",
        "[authorization_server]\nissuer = \"https://a.test\"\npkce = \"S256\"\n[ghes.limits]",
        "24: authorization_server.pkce: expected true or false, found a string",
    ),
    (
        "[ghes.limits]",
        "[authorization_server]\nissuer = \"https://a.test\"\nurl = \"https://a.test\"\n[ghes.limits]",
        "24: authorization_server.url: unknown key here; it belongs to [ghes]",
    ),
    (
        "scopes = [\"read:org\"]\nanonymous = false\n",
        "exact = true\nanonymous = true\nresource.url = \"https://a.test\"\n",
        "21: routes[0].resource: has no effect on an anonymous route; drop resource or anonymous",
    ),
];

/// An origin that no browser sends in this form would never be allowed.
#[test]
fn an_origin_is_written_as_browsers_write_it() {
    for origin in [
        "app.example.com",
        "https://app.example.com/",
        "https://app.example.com/a",
        "https://App.example.com",
        "HTTPS://app.example.com",
        "https://app.example.com:443",
        "http://app.example.com:80",
        "https://",
        "://a",
        "https://u@a",
        "",
    ] {
        let cors = format!("[routes.cors]\nallow_origins = [\"{origin}\"]\n[ghes.limits]");
        let errors = errors(&edited("[ghes.limits]", &cors), &[]);
        let start = "configuration:23: routes[0].cors.allow_origins[0]: not an origin; ";
        assert!(errors.starts_with(start), "{origin}: {errors}");
    }
    for origin in [
        "http://localhost:3000",
        "https://[::1]:8443",
        "vscode-webview://id",
    ] {
        let cors = format!("[routes.cors]\nallow_origins = [\"{origin}\"]\n[ghes.limits]");
        assert!(
            Config::parse(&edited("[ghes.limits]", &cors), []).is_ok(),
            "{origin}"
        );
    }
}
