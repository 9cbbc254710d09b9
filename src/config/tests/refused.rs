use super::*;

#[test]
fn every_key_is_refused_where_it_cannot_be_kept() {
    assert!(Config::parse(GOOD, []).is_ok());
    assert_refused(REFUSED);
}

pub(super) fn assert_refused(table: &[(&str, &str, &str)]) {
    for (from, to, error) in table {
        assert_eq!(
            errors(&edited(from, to), &[]),
            format!("configuration:{error}")
        );
    }
}

/// What stands in [`GOOD`], what is written instead, and what is said about it.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        "[\"127.0.0.1:8080\"]",
        "\"localhost\"",
        "2: server.listen[0]: not an IP address with a port; write it like 127.0.0.1:8080 \
         or unix:/run/ghes-gatekeeper/gate.sock",
    ),
    (
        "[\"127.0.0.1:8080\"]",
        "[\"127.0.0.1:1\",\n\"127.0.0.1\"]",
        "3: server.listen[1]: not an IP address with a port; write it like 127.0.0.1:8080 \
         or unix:/run/ghes-gatekeeper/gate.sock",
    ),
    (
        "[\"127.0.0.1:8080\"]",
        "\"unix:gate.sock\"",
        "2: server.listen[0]: not an absolute path; write it like unix:/run/ghes-gatekeeper/gate.sock",
    ),
    (
        "realm = ",
        "workers = 0\nrealm = ",
        "3: server.workers: must be from 1 to 1024; leave it out for one per processor",
    ),
    (
        "realm = ",
        "unix_mode = \"0o660\"\nrealm = ",
        "3: server.unix_mode: not the mode of a file; write it as for chmod, like \"660\"",
    ),
    (
        "realm = ",
        "unix_mode = \"1777\"\nrealm = ",
        "3: server.unix_mode: not the mode of a file; write it as for chmod, like \"660\"",
    ),
    (
        "realm = ",
        "limits.connections = 0\nrealm = ",
        "3: server.limits.connections: must be from 1 to 100000",
    ),
    (
        "realm = ",
        "limits.connections_per_client = 100001\nrealm = ",
        "3: server.limits.connections_per_client: must be from 1 to 100000",
    ),
    (
        "realm = ",
        "limits.requests_per_client = 0\nrealm = ",
        "3: server.limits.requests_per_client: must be from 1 to 100000",
    ),
    (
        "realm = ",
        "limits.upstream_connections = 0\nrealm = ",
        "3: server.limits.upstream_connections: must be from 1 to 100000",
    ),
    (
        "realm = ",
        "limits.upstream_connections = 100001\nrealm = ",
        "3: server.limits.upstream_connections: must be from 1 to 100000",
    ),
    (
        "realm = ",
        "timeouts.head = \"0s\"\nrealm = ",
        "3: server.timeouts.head: must be more than 0s and at most 1h",
    ),
    (
        "realm = ",
        "timeouts.keep_alive = \"2h\"\nrealm = ",
        "3: server.timeouts.keep_alive: must be more than 0s and at most 1h",
    ),
    (
        "realm = ",
        "limits.head_fields = 19\nrealm = ",
        "3: server.limits.head_fields: must be from 20 to 1000",
    ),
    (
        "realm = ",
        "limits.head_bytes = 8191\nrealm = ",
        "3: server.limits.head_bytes: must be from 8192 to 262144",
    ),
    (
        "realm = ",
        "limits.h2_head_bytes = 262145\nrealm = ",
        "3: server.limits.h2_head_bytes: must be from 8192 to 262144",
    ),
    (
        "realm = ",
        "limits.target_bytes = 1023\nrealm = ",
        "3: server.limits.target_bytes: must be from 1024 to 65534",
    ),
    (
        "realm = ",
        "limits.target_bytes = 32769\nrealm = ",
        "3: server.limits.target_bytes: is more than head_bytes, which includes the target; raise \
         that, too",
    ),
    (
        "realm = ",
        "limits.token_bytes = 254\nrealm = ",
        "3: server.limits.token_bytes: must be from 255 to 65536",
    ),
    (
        "realm = ",
        "timeouts.body_total = \"25h\"\nrealm = ",
        "3: server.timeouts.body_total: must be at least 0s, which is no limit, and at most 1d",
    ),
    (
        "realm = ",
        "timeouts.body = 30\nrealm = ",
        "3: server.timeouts.body: expected a string, found an integer; \
         a duration is a string with units, like \"60s\" or \"1m 30s\"",
    ),
    (
        "[\"127.0.0.1:8080\"]",
        "[]",
        "2: server.listen: names no address; write [\"127.0.0.1:8080\"], or leave it out",
    ),
    (
        "[\"127.0.0.1:8080\"]",
        "8080",
        "2: server.listen: expected a string or an array of strings, found an integer",
    ),
    (
        "realm = ",
        "admin_listen = \"localhost:9901\"\nrealm = ",
        "3: server.admin_listen: not an IP address with a port; write it like 127.0.0.1:8080",
    ),
    (
        "realm = ",
        "admin_listen = [\"127.0.0.1:9901\"]\nrealm = ",
        "3: server.admin_listen: expected a string, found an array",
    ),
    (
        "realm = ",
        "admin_listen = \"0.0.0.0:9901\"\nrealm = ",
        "3: server.admin_listen: every client that can connect may purge, without a login; use \
         127.0.0.1, or set server.admin_allow_remote = true if only operators can reach it",
    ),
    (
        "realm = ",
        "admin_listen = \"[::]:9901\"\nadmin_allow_remote = \"yes\"\nrealm = ",
        "3: server.admin_listen: every client that can connect may purge, without a login; use \
         127.0.0.1, or set server.admin_allow_remote = true if only operators can reach it\n\
         configuration:4: server.admin_allow_remote: expected true or false, found a string",
    ),
    (
        "\"tools\"",
        "'\"tools'",
        "3: server.realm: a realm is visible ASCII and spaces without quote or backslash",
    ),
    (
        "\"https://ghes.example.com\"",
        "\"ghes.example.com\"",
        "5: ghes.url: not a URL; write it like https://ghes.example.com",
    ),
    (
        "\"https://ghes.example.com\"",
        "\"http://ghes.example.com\"",
        "5: ghes.url: http:// would show every token and the app's secret to the network; \
         use https://, or set ghes.allow_insecure_http = true for a test",
    ),
    (
        "url = \"https://ghes.example.com\"",
        "",
        "4: ghes.url: missing; write url = \"https://ghes.example.com\", \
         or set GHES_GATEKEEPER_GHES__URL",
    ),
    (
        "allow_insecure_http = false",
        "allow_insecure_http = \"no\"",
        "6: ghes.allow_insecure_http: expected true or false, found a string",
    ),
    (
        "2022-11-28",
        "v3",
        "7: ghes.api_version: not a version; write it as a date, like 2022-11-28",
    ),
    (
        "\"2022-11-28\"",
        "2022-11-28",
        "7: ghes.api_version: expected a string, found a date or time",
    ),
    (
        "[[ghes.apps]]",
        "[ghes.apps]",
        "8: ghes.apps: expected an array, found a table",
    ),
    (
        "client_id = \"Iv1.8a61f9b3a7aba766\"\n",
        "",
        "8: ghes.apps[0].client_id: missing; write client_id = \"Iv1.8a61f9b3a7aba766\", \
         or set GHES_GATEKEEPER_GHES__APPS__0__CLIENT_ID",
    ),
    (
        "Iv1.8a61f9b3a7aba766",
        "Iv1@8a61f9b3a7aba766",
        "9: ghes.apps[0].client_id: not a client id; copy it from the app's settings page on GHES",
    ),
    (
        "Iv1.8a61f9b3a7aba766",
        "Iv1:8a61f9b3a7aba766",
        "9: ghes.apps[0].client_id: not a client id; copy it from the app's settings page on GHES",
    ),
    (
        "Iv1.8a61f9b3a7aba766",
        "",
        "9: ghes.apps[0].client_id: not a client id; copy it from the app's settings page on GHES",
    ),
    (
        "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f",
        "",
        "10: ghes.apps[0].client_secret: is empty; put the secret there",
    ),
    (
        "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f",
        "[redacted]",
        "10: ghes.apps[0].client_secret: is the placeholder of a printed configuration; put the \
         secret there",
    ),
    (
        "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f",
        "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f ",
        "10: ghes.apps[0].client_secret: holds more than visible ASCII; put the secret alone there",
    ),
    (
        "\"3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f\"",
        "12345678",
        "10: ghes.apps[0].client_secret: expected a string, found an integer",
    ),
    (
        "client_id = \"Iv1.8a61f9b3a7aba766\"\n",
        "preset = \"gh-cli\"\n",
        "9: ghes.apps[0].preset: names the app and its secret; drop client_secret, or preset",
    ),
    (
        "[[ghes.apps]]\n",
        "[[ghes.apps]]\npreset = \"gh-cli\"\n",
        "9: ghes.apps[0].preset: names the app and its secret; drop client_id and client_secret, \
         or preset",
    ),
    (
        "client_id = \"Iv1.8a61f9b3a7aba766\"\n\
         client_secret = \"3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f\"\n",
        "preset = \"gh\"\n",
        "9: ghes.apps[0].preset: not known; there is \"gh-cli\"",
    ),
    (
        "client_secret = \"3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f\"\n",
        "",
        "8: ghes.apps[0].client_secret_file: missing; write client_secret_file = \
         \"/run/secrets/...\", or set GHES_GATEKEEPER_GHES__APPS__0__CLIENT_SECRET_FILE",
    ),
    (
        "[cache]",
        "client_secret_file = \"/nowhere\"\n[cache]",
        "11: ghes.apps[0].client_secret_file: ghes.apps[0].client_secret is given too \
         (configuration:10); keep one of them",
    ),
    (
        "[cache]",
        "[[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\nclient_secret = \"b\"\n[cache]",
        "12: ghes.apps[1].client_id: is that of apps[0] too; keep one of them",
    ),
    (
        "[cache]",
        "client_secret_next = \"\"\n[cache]",
        "11: ghes.apps[0].client_secret_next: is empty; put the secret there",
    ),
    (
        "[cache]",
        "client_secret_next = \"3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f\"\n[cache]",
        "8: ghes.apps[0]: both client secrets are the same; leave out client_secret_next",
    ),
    (
        "concurrency = 64",
        "concurrency = 0",
        "23: ghes.limits.concurrency: must be from 1 to 100000",
    ),
    (
        "rate = 200",
        "rate = \"200/s\"",
        "24: ghes.limits.rate: expected an integer, found a string",
    ),
    (
        "burst = 250",
        "burst = 100001",
        "25: ghes.limits.burst: must be from 1 to 100000",
    ),
    (
        "queue = 1024",
        "queue = -1",
        "26: ghes.limits.queue: must be from 0 to 100000",
    ),
    (
        "\"60s\"",
        "60",
        "12: cache.active_max_age: expected a string, found an integer; \
         a duration is a string with units, like \"60s\" or \"1m 30s\"",
    ),
    (
        "\"60s\"",
        "\"60\"",
        "12: cache.active_max_age: not a duration; \
         a duration is a string with units, like \"60s\" or \"1m 30s\"",
    ),
    (
        "\"60s\"",
        "\"0s\"",
        "12: cache.active_max_age: must be more than 0s and at most 1h",
    ),
    (
        "\"10s\"",
        "\"1h 1s\"",
        "13: cache.inactive_max_age: must be more than 0s and at most 1h",
    ),
    (
        "\"10s\"",
        "\"-5s\"",
        "13: cache.inactive_max_age: must be more than 0s and at most 1h",
    ),
    (
        "active_capacity = 100000",
        "active_capacity = 0",
        "14: cache.active_capacity: must be at least 1",
    ),
    (
        "inactive_capacity = 100000",
        "inactive_capacity = -1",
        "15: cache.inactive_capacity: must be at least 1",
    ),
    (
        "inactive_capacity = 100000",
        "inactive_capacity = 1e5",
        "15: cache.inactive_capacity: expected an integer, found a fraction",
    ),
    (
        "[ghes]",
        "trusted_proxies = ['proxy']\n[ghes]",
        "4: server.trusted_proxies[0]: not an address or network; write it like 192.0.2.1 or 10.0.0.0/8",
    ),
    (
        "[ghes]",
        "trusted_proxies = ['0.0.0.0/0']\n[ghes]",
        "4: server.trusted_proxies[0]: would trust every client; name the proxies",
    ),
    (
        "[ghes]",
        "trusted_proxies = ['10.1.2.3/8']\n[ghes]",
        "4: server.trusted_proxies[0]: has bits beyond its prefix; write 10.0.0.0/8",
    ),
    (
        "[ghes]",
        "trusted_proxies = ['::ffff:192.0.2.1']\n[ghes]",
        "4: server.trusted_proxies[0]: write an IPv4 address as one, like 192.0.2.1",
    ),
    (
        "[ghes]",
        "trusted_proxies = ['10.0.0.0/8']\nforwarded_host_from = ['10.0.0.1', '192.0.2.1']\n[ghes]",
        "5: server.forwarded_host_from: 192.0.2.1/32 is not in server.trusted_proxies; add it \
         there, or drop it",
    ),
    (
        "[ghes]",
        "trusted_proxies = ['10.0.0.0/16']\nforwarded_host_from = ['10.0.0.0/8']\n[ghes]",
        "5: server.forwarded_host_from: 10.0.0.0/8 is not in server.trusted_proxies; add it \
         there, or drop it",
    ),
    (
        "[ghes]",
        "forwarded_host_from = ['proxy']\n[ghes]",
        "4: server.forwarded_host_from[0]: not an address or network; write it like 192.0.2.1 or \
         10.0.0.0/8",
    ),
    (
        "[ghes]",
        "probe_listen = '9902'\n[ghes]",
        "4: server.probe_listen: not an IP address with a port; write it like 127.0.0.1:8080",
    ),
    (
        "[ghes]",
        "probe_listen = '127.0.0.1:8080'\n[ghes]",
        "4: server.probe_listen: is in listen too; give it another port",
    ),
    (
        "[ghes]",
        "admin_listen = '127.0.0.1:9901'\nprobe_listen = '127.0.0.1:9901'\n[ghes]",
        "5: server.probe_listen: is admin_listen too; give it another port",
    ),
    (
        "[ghes]",
        "shutdown_delay = '11m'\n[ghes]",
        "4: server.shutdown_delay: must be at least 0s and at most 10m",
    ),
    (
        "[ghes]",
        "shutdown_delay = '-1s'\n[ghes]",
        "4: server.shutdown_delay: must be at least 0s and at most 10m",
    ),
    (
        "[ghes]",
        "shutdown_delay = 5\n[ghes]",
        "4: server.shutdown_delay: expected a string, found an integer; \
         a duration is a string with units, like \"60s\" or \"1m 30s\"",
    ),
    (
        "[ghes]",
        "allowed_hosts = ['a', 'http://b']\n[ghes]",
        "4: server.allowed_hosts[1]: not a host; write it without scheme and port, \
         like tools.example.com or [::1]",
    ),
    (
        "[ghes]",
        "allowed_hosts = []\n[ghes]",
        "4: server.allowed_hosts: names no host; leave it out to allow any",
    ),
    (
        "[ghes]",
        "[server.limits]\nunknown_tokens_per_second = 0\n[ghes]",
        "5: server.limits.unknown_tokens_per_second: must be from 1 to 100000",
    ),
    (
        "[ghes]",
        "[server.limits]\nunknown_tokens_burst = 100001\n[ghes]",
        "5: server.limits.unknown_tokens_burst: must be from 1 to 100000",
    ),
    (
        "[cache]",
        "[cache]\nstale_if_error = \"16m\"",
        "12: cache.stale_if_error: must be at least 0s and at most 15m",
    ),
    (
        "[cache]",
        "[cache]\nstale_if_error = \"-1s\"",
        "12: cache.stale_if_error: must be at least 0s and at most 15m",
    ),
    (
        "url = ",
        "stale = \"0s\"\nurl = ",
        "5: ghes.stale: unknown key",
    ),
    (
        "realm = ",
        "relam = ",
        "3: server.relam: unknown key; did you mean realm?",
    ),
    (
        "client_id = ",
        "url = 1\nclient_id = ",
        "9: ghes.apps[0].url: unknown key here; it belongs to [ghes]",
    ),
    ("[cache]", "[cache]\nttl = 1", "12: cache.ttl: unknown key"),
    (
        "[server]",
        "[sever]",
        "1: sever: unknown key; did you mean server?",
    ),
    (
        "[[routes]]",
        "[webhook]\nsecret = \"s\"\n[[routes]]",
        "16: webhook.listen: missing; write listen = \"0.0.0.0:8082\", \
         or set GHES_GATEKEEPER_WEBHOOK__LISTEN",
    ),
    (
        "[[routes]]",
        "[webhook]\nlisten = \"8082\"\nsecret = \"s\"\n[[routes]]",
        "17: webhook.listen: not an IP address with a port; write it like 127.0.0.1:8080",
    ),
    (
        "[[routes]]",
        "[webhook]\nlisten = \"127.0.0.1:8082\"\n[[routes]]",
        "16: webhook.secret_file: missing; write secret_file = \"/run/secrets/...\", \
         or set GHES_GATEKEEPER_WEBHOOK__SECRET_FILE",
    ),
    (
        "[[routes]]",
        "[webhook]\nlisten = \"127.0.0.1:8082\"\nsecret = \"\"\n[[routes]]",
        "18: webhook.secret: is empty; put the secret there",
    ),
    (
        "[[routes]]",
        "[webhook]\nlisten = \"127.0.0.1:8082\"\nsecret = \"s\"\nsecret_file = \"f\"\n[[routes]]",
        "19: webhook.secret_file: webhook.secret is given too (configuration:18); \
         keep one of them",
    ),
    (
        "[[routes]]",
        "[webhook]\nlisten = \"127.0.0.1:8082\"\nsecret = \"s\"\npath = \"/\"\n[[routes]]",
        "19: webhook.path: unknown key here; it belongs to [[routes]]",
    ),
    (
        "[server]",
        "webhook = 1\n[server]",
        "1: webhook: expected a table, found an integer",
    ),
    ("[cache]", "[cache", "11: unclosed table, expected `]`"),
    (
        "[cache]",
        "client_id = \"twice\"",
        "11: duplicate key; the same table has it above; keep one",
    ),
];
