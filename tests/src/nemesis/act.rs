//! What a fault does to a real server and to a real link.

use crate::proxy::{Proxy, Way};
use crate::redis::{Data, Saved, Server};

use super::{LinkFault, Loss, ServerFault, Turn};

/// Does a turn of a fault to a server. `copy`: what it had a while ago.
pub fn on_server(fault: ServerFault, turn: Turn, server: &mut Server, copy: &Saved) {
    match turn {
        Turn::Breaks => break_server(fault, server),
        Turn::Worsens => {}
        Turn::Heals => heal_server(fault, server, copy),
    }
}

/// Does a turn of a fault to a link.
pub fn on_link(fault: LinkFault, turn: Turn, proxy: &mut Proxy) {
    match turn {
        Turn::Breaks => break_link(fault, proxy),
        Turn::Worsens => {}
        Turn::Heals => proxy.heal(),
    }
}

fn break_server(fault: ServerFault, server: &mut Server) {
    match fault {
        ServerFault::Kill(_) => server.kill(),
        ServerFault::Pause => server.pause(),
        ServerFault::Jump { forward: true, by } => server.clock().forward(by),
        ServerFault::Jump { forward: false, by } => server.clock().back(by),
        ServerFault::Full => server.set("maxmemory", "1"),
        ServerFault::FlushScripts => server.flush_scripts(),
    }
}

fn heal_server(fault: ServerFault, server: &mut Server, copy: &Saved) {
    match fault {
        ServerFault::Kill(loss) => server.restart(left(loss, copy)),
        ServerFault::Pause => server.resume(),
        ServerFault::Jump { .. } => server.clock().show_true_time(),
        ServerFault::Full => server.set("maxmemory", "0"),
        ServerFault::FlushScripts => {}
    }
}

fn break_link(fault: LinkFault, proxy: &mut Proxy) {
    match fault {
        LinkFault::Delay(by) => Way::BOTH.into_iter().for_each(|way| proxy.delay(way, by)),
        LinkFault::Hold(way) => proxy.hold(way),
        LinkFault::Cut => proxy.cut(),
        LinkFault::HalfOpen => proxy.half_open(),
        LinkFault::Refuse => proxy.refuse(),
        LinkFault::Reset => proxy.reset(),
        LinkFault::Throttle(rate) => Way::BOTH.into_iter().for_each(|way| proxy.throttle(way, rate)),
    }
}

fn left(loss: Loss, copy: &Saved) -> Data<'_> {
    match loss {
        Loss::Nothing => Data::Kept,
        Loss::Everything => Data::None,
        Loss::Tail(bytes) => Data::Cut(bytes),
        Loss::SinceCopy => Data::Saved(copy),
    }
}
