"""Find file systems without change events, where the system does not tell what others change."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

# Linux' names first; those of FUSE follow `fuse.`. Local ones (ext4, fuseblk, gocryptfs, ...) are
# left out: the kernel reports what goes through it.
_KINDS_WITHOUT_EVENTS = re.compile(
    "9p|afs|beegfs|ceph|cifs|coda|davfs|gpfs|lustre|ncpfs|nfs4?|prl_fs|smb3|smbfs|vboxsf|virtiofs"
    "|vmhgfs"
    r"|fuse\.(?:sshfs|davfs.*|rclone|s3fs|gcsfuse|goofys|mount-s3|blobfuse.*|google-drive.*"
    "|onedrive.*|glusterfs|ceph.*|gvfsd-fuse|kio-fuse|curlftpfs|smbnetfs|vmhgfs.*|prl_fsd"
    "|grpcfuse|osxfs|juicefs|seaweedfs|httpfs.*)"
    "|afpfs|ftp|webdav|(?:macfuse|osxfuse)_.*"  # macOS' names
)
_PRINTED = re.compile(r"(?:.*?) on (?P<folder>/.*) \((?P<kind>[^,)]+)[^()]*\)")
_OCTAL = re.compile(r"\\([0-7]{3})")
_DRIVE_REMOTE = 4  # Windows' GetDriveTypeW


class Mount(NamedTuple):
    """A mounted file system. folder: an absolute path. kind: as the system names it, `nfs4`."""

    folder: str
    kind: str


def find_mount_without_events(root: Path) -> Mount | None:
    """Return the mount that root lies on, or one within root, without change events; else None.

    If the mounts cannot be listed, None is returned: rescans find what no event reports.
    """
    try:
        if sys.platform == "linux":
            return select_mount_without_events(
                read_mountinfo(Path("/proc/self/mountinfo").read_bytes()), root
            )
        if sys.platform == "darwin":
            ran = subprocess.run(["/sbin/mount"], capture_output=True, timeout=5, check=True)
            return select_mount_without_events(read_mount_output(ran.stdout), root)
    except (OSError, subprocess.SubprocessError):
        return None
    if sys.platform == "win32":
        import ctypes

        # a share, or a letter for one
        if ctypes.windll.kernel32.GetDriveTypeW(root.anchor) == _DRIVE_REMOTE:
            return Mount(root.anchor, "network drive")
    return None


def select_mount_without_events(mounts: Iterable[Mount], root: Path) -> Mount | None:
    """Return the mount that root lies on, or one within root, if it has no change events.

    mounts: in the order in which they were made, as a later one on the same folder hides others.
    """
    visible = {mount.folder: mount for mount in mounts}
    folders = (str(folder) for folder in (root, *root.parents))
    outer = next((visible[folder] for folder in folders if folder in visible), None)
    inner = [mount for mount in visible.values() if Path(mount.folder).is_relative_to(root)]
    candidates = [outer, *inner] if outer else inner
    return next((mt for mt in candidates if _KINDS_WITHOUT_EVENTS.fullmatch(mt.kind)), None)


def read_mountinfo(text: bytes) -> Iterator[Mount]:
    """Yield the mounts in Linux' mountinfo (proc_pid_mountinfo(5)); skip lines of another form.

    The fifth field is the folder, with octal escapes for blanks; the kind follows a single `-`.
    """
    for line in os.fsdecode(text).split("\n"):
        front, dash, back = line.partition(" - ")
        fields = front.split(" ")
        if dash and len(fields) >= 6:
            folder = _OCTAL.sub(lambda found: chr(int(found[1], 8)), fields[4])
            yield Mount(folder, back.split(" ")[0])


def read_mount_output(text: bytes) -> Iterator[Mount]:
    """Yield the mounts in the output of macOS' mount(8).

    A line is `//me@nas/notes on /Volumes/notes (smbfs, nodev)`; others are skipped.
    """
    for line in os.fsdecode(text).split("\n"):
        if found := _PRINTED.fullmatch(line):
            yield Mount(found["folder"], found["kind"])
