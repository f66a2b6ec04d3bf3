//! What a child does to itself between fork and exec, at every level that walls commands in (design law 11): raw calls
//! on values that were made before the fork. Nothing here allocates or locks.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    net::{Ipv4Addr, SocketAddrV4},
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
};

use rustix::{
    io::FdFlags,
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, SocketType,
    },
    thread::{LinkNameSpaceType, move_into_link_name_space},
};

/// Connections that may wait to be accepted.
const WAITING: i32 = 128;

/// Descriptors that the host program left open would be doors in the wall.
pub(crate) fn close_everything_on_exec() -> io::Result<()> {
    #[expect(unsafe_code, reason = "no safe wrapper closes a range of descriptors on exec")]
    // SAFETY: the call only sets a flag of descriptors.
    checked(unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) })
}

/// Lets one descriptor pass all the same.
pub(crate) fn pass_on(descriptor: &OwnedFd) -> io::Result<()> {
    Ok(rustix::io::fcntl_setfd(descriptor, FdFlags::empty())?)
}

/// Applies a ready filter. No privileges may be gained any more.
pub(crate) fn apply_filter(filter: &[libc::sock_filter]) -> io::Result<()> {
    let length = u16::try_from(filter.len()).map_err(|_| io::Error::from_raw_os_error(libc::E2BIG))?;
    // The kernel reads the filter and leaves it as it is.
    let program = libc::sock_fprog { len: length, filter: filter.as_ptr().cast_mut() };
    #[expect(unsafe_code, reason = "no safe wrapper applies a ready filter without allocating")]
    // SAFETY: the filter outlives the call, which neither keeps nor changes it.
    checked(unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0_u32, std::ptr::from_ref(&program))
    })
}

/// Applies a ready Landlock ruleset.
pub(crate) fn apply_ruleset(ruleset: &OwnedFd) -> io::Result<()> {
    #[expect(unsafe_code, reason = "no safe wrapper applies a ready ruleset without allocating")]
    // SAFETY: the descriptor outlives the call, which does not keep it.
    checked(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0_u32) })
}

/// Enters a user namespace, and then a network namespace that belongs to it, if there is one.
pub(crate) fn enter(user: BorrowedFd<'_>, network: Option<BorrowedFd<'_>>) -> io::Result<()> {
    move_into_link_name_space(user, Some(LinkNameSpaceType::User))?;
    if let Some(network) = network {
        move_into_link_name_space(network, Some(LinkNameSpaceType::Network))?;
    }
    Ok(())
}

/// The number under which a descriptor passes.
pub(crate) fn number(descriptor: &OwnedFd) -> RawFd {
    descriptor.as_raw_fd()
}

/// Makes a socket that listens on the loopback of the network we are in, and sends it through `way`.
pub(crate) fn hand_over_a_listener(way: &OwnedFd, port: u16) -> io::Result<()> {
    let listener = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
    rustix::net::bind(&listener, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))?;
    rustix::net::listen(&listener, WAITING)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let passed = [listener.as_fd()];
    control.push(SendAncillaryMessage::ScmRights(&passed));
    rustix::net::sendmsg(way, &[IoSlice::new(b"x")], &mut control, SendFlags::empty())?;
    Ok(())
}

/// What [`hand_over_a_listener`] sent. Does not wait.
pub(crate) fn take_over(way: &OwnedFd) -> io::Result<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    rustix::net::recvmsg(way, &mut [IoSliceMut::new(&mut byte)], &mut control, flags)?;
    let mut passed = control.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(passed) => passed.collect::<Vec<_>>(),
        _ => Vec::new(),
    });
    passed.next().ok_or_else(|| io::Error::other("no socket was handed over"))
}

fn checked(result: libc::c_long) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
