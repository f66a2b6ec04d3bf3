//! Which file systems other computers write in, too. Nothing here looks at one.

/// The name of a network file system by its magic number (statfs(2), linux/magic.h); none for all others.
#[must_use]
pub const fn network_by_magic(magic: u32) -> Option<&'static str> {
    match magic {
        0x6969 => Some("nfs"),
        0x517b => Some("smb"),
        0xfe53_4d42 => Some("smb2"),
        0xff53_4d42 => Some("cifs"),
        0x0102_1997 => Some("9p"),
        0x5346_414f | 0x6b41_4653 => Some("afs"),
        0x00c3_6400 => Some("ceph"),
        0x0bd0_0bd0 => Some("lustre"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_known_and_local_ones_pass() {
        assert_eq!([0x6969, 0xef53, 0x0102_1994].map(network_by_magic), [Some("nfs"), None, None]);
    }
}
