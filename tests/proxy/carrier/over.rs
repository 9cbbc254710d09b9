/// Makes one test of each function named, over each protocol that its request can travel on. The
/// function takes the [`Carrier`](super::Carrier), and the test is called `function::carrier`.
macro_rules! over {
    (every protocol: $($row:ident),+ $(,)?) => {
        $(over!(@ $row
            http1 Http1, http1_tls Http1Tls, http1_unix Http1Unix, websocket WebSocket,
            h2c H2c, h2_tls H2Tls);)+
    };
    // A WebSocket begins with a GET that has none.
    (every protocol with bodies: $($row:ident),+ $(,)?) => {
        $(over!(@ $row
            http1 Http1, http1_tls Http1Tls, http1_unix Http1Unix, h2c H2c, h2_tls H2Tls);)+
    };
    (every tls: $($row:ident),+ $(,)?) => {
        $(over!(@ $row http1_tls Http1Tls, h2_tls H2Tls);)+
    };
    (every http1: $($row:ident),+ $(,)?) => {
        $(over!(@ $row http1 Http1, http1_tls Http1Tls, http1_unix Http1Unix);)+
    };
    (every http2: $($row:ident),+ $(,)?) => {
        $(over!(@ $row h2c H2c, h2_tls H2Tls);)+
    };
    (@ $row:ident $($test:ident $carrier:ident),+) => {
        mod $row {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$row(crate::carrier::Carrier::$carrier).await;
                }
            )+
        }
    };
}
