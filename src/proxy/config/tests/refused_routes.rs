use super::refused::assert_refused;

#[test]
fn every_key_of_a_route_is_refused_where_it_cannot_be_kept() {
    assert_refused(REFUSED);
}

/// What stands in [`GOOD`](super::GOOD), what is written instead, and what is said about it.
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
        "19: routes[0].scopes: expected an array, found a string",
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
        "19: routes[0].scopes: nobody is asked for a token; drop scopes or anonymous",
    ),
    (
        "anonymous = false",
        "max_age = \"0s\"",
        "20: routes[0].max_age: must be more than 0s and at most 1h",
    ),
    (
        "path = \"/\"\nupstream = \"http://127.0.0.1:3000\"\nscopes = [\"read:org\"]\nanonymous = false\n",
        "path = \"/a\"\nupstream = \"http://127.0.0.1:3000\"\nmax_age = \"1s\"\nanonymous = true\n",
        "19: routes[0].max_age: nobody is asked for a token; drop max_age or anonymous",
    ),
    (
        "anonymous = false\n",
        "anonymous = 1\n",
        "20: routes[0].anonymous: expected true or false, found an integer",
    ),
    (
        "scopes = [\"read:org\"]\nanonymous = false\nforward_token = false\n",
        "exact = true\nanonymous = true\nforward_token = true\n",
        "21: routes[0].forward_token: nobody is asked for a token; drop forward_token or anonymous",
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
        "18: routes[0].hosts: expected an array, found a string",
    ),
    (
        "path = \"/\"",
        "path = \"/\"\nhosts = []",
        "18: routes[0].hosts: is empty; leave it out to mean all hosts",
    ),
    (
        "path = \"/\"",
        "path = \"/\"\nhosts = [\"*.example.com\"]",
        "18: routes[0].hosts[0]: name each host; there are no wildcards",
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
        "18: routes[0].hosts: a.test is there twice; keep one",
    ),
    (
        "path = \"/\"",
        "path = \"/\"\nmethods = \"GET\"",
        "18: routes[0].methods: expected an array, found a string",
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
        "18: routes[0].methods: PUT is there twice; keep one",
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
        "19: routes[0].anonymous: opens whatever no other route is for; \
         name what is open, or set exact = true for the front page alone",
    ),
    (
        "forward_token",
        "forward_tokens",
        "21: routes[0].forward_tokens: unknown key; did you mean forward_token?",
    ),
    (
        "path = \"/\"",
        "path = \"/\"\nscopes_any = \"gist\"",
        "18: routes[0].scopes_any: expected an array, found a string",
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
        "20: routes[0].scopes_any: nobody is asked for a token; drop scopes_any or anonymous",
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
        "20: routes[0].identity_headers: nobody is asked for a token; \
         drop identity_headers or anonymous",
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
        "18: routes[0].strip_prefix: expected true or false, found a string",
    ),
];
