//! The socket beside the port.

use std::os::unix::fs::PermissionsExt as _;

use super::{Doors, event};

#[tokio::test]
async fn the_socket_is_private_and_goes_with_the_server() {
    let doors = Doors::open().await;
    let mode = std::fs::metadata(&doors.socket).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let [tcp, unix, _] = doors.ways();
    for way in [tcp, unix] {
        assert!(doors.hook(&way, &[], event("Read", "{}")).await.silent(), "{way:?}");
    }
    let Doors { fixture, socket, .. } = doors;
    fixture.server.shutdown().await;
    assert!(!socket.exists());
}
