use super::*;
use crate::TOKEN;
use crate::support::{Gate, body, status};

over!(every protocol with bodies:
    the_host_that_a_client_asked_for_is_the_tools,
    a_route_may_tell_its_tool_the_tools_own_host,
);

async fn the_host_that_a_client_asked_for_is_the_tools(on: Carrier) {
    for way in WAYS {
        let tool = Tool::start(way, |_| HeaderMap::new()).await;
        let front = tool.front(on, "/", "").await;
        for host in [
            "tools.example.com",
            "Tools.example.com:8443",
            "[2001:db8::1]:8080",
        ] {
            // The second comes over a connection that there is.
            for _ in 0..2 {
                let seen = seen(&front, &Ask::known("/p").host(host)).await;
                assert_eq!(seen, format!("{host} none none"), "{way:?}");
            }
        }
    }
}

async fn a_route_may_tell_its_tool_the_tools_own_host(on: Carrier) {
    for way in WAYS {
        let tool = Tool::start(way, |seen| {
            let told = seen.headers["x-forwarded-host"].clone();
            HeaderMap::from_iter([("x-told".parse().expect("a name"), told)])
        })
        .await;
        let front = tool.front(on, "/", "host = \"upstream\"").await;
        for host in ["tools.example.com", "tools.example.com:8443"] {
            let answer = front.answer(&Ask::known("/p").host(host)).await;
            assert_eq!(answer.all("x-told"), [host]);
            let expected = format!("{} none none", tool.own);
            assert_eq!(answer.body, expected.as_bytes(), "{way:?}");
        }
    }
}

/// The host of the client, as far as those in between are believed.
#[tokio::test]
async fn behind_a_trusted_proxy_the_host_is_the_one_that_it_tells() {
    for (trusted, host) in [("127.0.0.1", "tools.example.com"), ("192.0.2.1", "gate")] {
        for way in WAYS {
            let tool = Tool::start(way, |_| HeaderMap::new()).await;
            let server = format!("[server]\ntrusted_proxies = [\"{trusted}\"]\n");
            let gate = Gate::start(&format!("{server}{}", tool.route("/", ""))).await;
            let request = format!(
                "GET / HTTP/1.1\r\nHost: gate\r\nX-Forwarded-Host: tools.example.com\r\n\
                 Authorization: Bearer {TOKEN}\r\n\r\n"
            );
            let response = gate.connect().await.exchange(&request).await;
            assert_eq!(status(&response), 200);
            assert_eq!(body(&response), format!("{host} none none"), "{way:?}");
        }
    }
}

/// Which of them gets a request makes no difference.
#[tokio::test]
async fn several_addresses_are_told_the_same_host_or_each_its_own() {
    let one = Tool::start(Way::Http, |_| HeaderMap::new()).await;
    let other = Tool::start(Way::H2c, |_| HeaderMap::new()).await;
    for (more, is_own) in [("", false), ("host = \"upstream\"", true)] {
        let (first, second) = (&one.upstream, &other.upstream);
        let routes =
            format!("[[routes]]\npath = \"/\"\nupstream = [\"{first}\", \"{second}\"]\n{more}\n");
        let gate = Gate::start(&routes).await;
        let mut hosts = std::collections::BTreeSet::new();
        for _ in 0..64 {
            let request =
                format!("GET / HTTP/1.1\r\nHost: gate\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
            let response = gate.connect().await.exchange(&request).await;
            let host = body(&response).split(' ').next().expect("a host");
            hosts.insert(host.to_owned());
        }
        let expected = match is_own {
            true => [one.own.clone(), other.own.clone()].into(),
            false => ["gate".to_owned()].into(),
        };
        assert_eq!(hosts, expected);
    }
}
