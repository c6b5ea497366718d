"""Which file systems tell what changes on them."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from companion.vault.mounts import (
    find_mount_without_events,
    read_mount_output,
    read_mountinfo,
    select_mount_without_events,
)

MOUNTINFO = rb"""21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 21 0:40 / /home/me/Nas rw shared:2 master:1 - nfs4 nas:/me rw
41 21 0:41 / /home/me/My\040Share rw - cifs //nas/me rw
42 21 0:42 / /mnt/c rw - 9p C:\134 rw
43 21 0:43 / /home/me/ssh rw - fuse.sshfs host: rw
44 21 0:44 / /home/me/secret rw - fuse.gocryptfs /x rw
45 21 0:45 / /media/usb rw - fuseblk /dev/sdb1 rw
46 21 0:46 / /home/me/twice rw - nfs a: rw
47 21 8:2 / /home/me/twice rw - ext4 /dev/sdc rw
48 40 8:3 / /home/me/Nas/local rw - ext4 /dev/sdd rw
not a line of this kind
"""
SILENT = [
    pytest.param("/home/me/vault", None, id="local"),
    pytest.param("/home/me/Nas/vault", "nfs4", id="nfs"),
    pytest.param("/home/me/Nasty", None, id="a name that begins alike"),
    pytest.param("/home/me/My Share", "cifs", id="cifs, the drive itself, a blank"),
    pytest.param("/mnt/c/Users/me/vault", "9p", id="Windows' drive in WSL"),
    pytest.param("/home/me/ssh/a/b", "fuse.sshfs", id="sshfs"),
    pytest.param("/home/me/secret/a", None, id="FUSE that is local"),
    pytest.param("/media/usb/a", None, id="NTFS"),
    pytest.param("/home/me/twice/a", None, id="the later mount hides the earlier"),
    pytest.param("/home/me/Nas/local/a", None, id="local within nfs"),
    pytest.param("/home", "nfs4", id="a drive within the vault"),
]


@pytest.mark.parametrize(("root", "kind"), SILENT)
def test_reads_mountinfo(root: str, kind: str | None) -> None:
    found = select_mount_without_events(read_mountinfo(MOUNTINFO), Path(root))
    assert (found and found.kind) == kind


PRINTED = b"""/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
/dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled, nobrowse)
//me@nas._smb._tcp.local/notes on /Volumes/my notes (smbfs, nodev, nosuid, mounted by me)
map auto_home on /System/Volumes/Data/home (autofs, automounted, nobrowse)
nas:/x on /Volumes/on (2) (nfs)
"""


@pytest.mark.parametrize(
    ("root", "kind"),
    [
        pytest.param("/Users/me/vault", None, id="local"),
        pytest.param("/Volumes/my notes/vault", "smbfs", id="share"),
        pytest.param("/Volumes/on (2)/vault", "nfs", id="parentheses"),
    ],
)
def test_reads_what_mount_prints(root: str, kind: str | None) -> None:
    found = select_mount_without_events(read_mount_output(PRINTED), Path(root))
    assert (found and found.kind) == kind


def test_drives_that_cannot_be_asked_about(vault: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_mount_without_events(vault) is None

    def fail(*_: object) -> None:
        raise OSError(errno.EACCES, "not allowed")

    monkeypatch.setattr(Path, "read_bytes", fail)
    assert find_mount_without_events(vault) is None
