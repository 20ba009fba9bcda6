use ismart_http::{AddressPolicy, Failure, NotSent};

use crate::server::{Act, Server, client_with};

async fn refused(policy: AddressPolicy, url: &str) -> bool {
    let failure = client_with(policy).get(url).send().await.unwrap_err();
    matches!(failure, Failure::NotSent { reason: NotSent::AddressRefused(_), .. })
}

/// P1: no connection is opened to a forbidden address, however it is written.
#[tokio::test]
async fn p1_forbidden_addresses_are_not_connected_to() {
    let server = Server::start(Act::Send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")).await;
    let port = server.at.port();
    for host in
        ["127.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "017700000001", "[::ffff:127.0.0.1]", "localhost"]
    {
        let url = format!("http://{host}:{port}/");
        assert!(refused(AddressPolicy::PublicOnly, &url).await, "{host}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn p1_metadata_addresses_stay_closed_when_loopback_is_open() {
    for url in
        ["http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/", "http://100.100.100.200/"]
    {
        assert!(refused(AddressPolicy::AllowLoopback, url).await, "{url}");
    }
}

#[tokio::test]
async fn permitted_networks_are_reached_by_address_and_by_name() {
    let server = Server::start(Act::Send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")).await;
    let loopback = AddressPolicy::AllowPrivate(vec!["127.0.0.0/8".parse().unwrap()]);
    for policy in [AddressPolicy::AllowLoopback, loopback] {
        for host in ["127.0.0.1", "localhost"] {
            let url = format!("http://{host}:{}/", server.at.port());
            let response = client_with(policy.clone()).get(&url).send().await.unwrap();
            assert!(response.is_success(), "{host}");
        }
    }
}
