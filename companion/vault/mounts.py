"""Find file systems without change events, where the system does not tell what others change."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

# Linux' names first; those of FUSE come after `fuse.`. Local ones (ext4, fuseblk, gocryptfs, ...)
# are not here: what goes through this machine's kernel is told.
_KINDS = re.compile(
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
    """A drive that is mounted on a folder (an absolute path), and the kind of its file system."""

    folder: str
    kind: str


def find_mount_without_events(root: Path) -> Mount | None:
    """Return the drive of root, or one within it, on which events are silent; None: there is none.

    A drive that cannot be asked about counts as one that speaks: rescans find what it kept back.
    """
    try:
        if sys.platform == "linux":
            return select_mount_without_events(
                read_mountinfo(Path("/proc/self/mountinfo").read_bytes()), root
            )
        if sys.platform == "darwin":
            told = subprocess.run(["/sbin/mount"], capture_output=True, timeout=5, check=True)
            return select_mount_without_events(read_mount_output(told.stdout), root)
    except (OSError, subprocess.SubprocessError):
        return None
    return _remote_drive(root)


def select_mount_without_events(mounts: Iterable[Mount], root: Path) -> Mount | None:
    """Return the mount that root lies on, or one within root, if events are silent there.

    mounts: in the order they were made, as the later one of two on a folder hides the other.
    """
    shown = {mount.folder: mount for mount in mounts}
    holds = next((shown[str(f)] for f in (root, *root.parents) if str(f) in shown), None)
    within = [mount for mount in shown.values() if Path(mount.folder).is_relative_to(root)]
    candidates = [holds, *within] if holds else within
    return next((mount for mount in candidates if _KINDS.fullmatch(mount.kind)), None)


def read_mountinfo(text: bytes) -> Iterator[Mount]:
    """Yield what Linux' mountinfo says (proc_pid_mountinfo(5)); lines of another form are passed.

    The fifth field is the folder, in octal where it has blanks; the kind follows a lone `-`.
    """
    for line in os.fsdecode(text).split("\n"):
        front, dash, back = line.partition(" - ")
        fields = front.split(" ")
        if dash and len(fields) >= 6:
            folder = _OCTAL.sub(lambda found: chr(int(found[1], 8)), fields[4])
            yield Mount(folder, back.split(" ")[0])


def read_mount_output(text: bytes) -> Iterator[Mount]:
    """Yield what macOS' mount(8) prints: `//me@nas/notes on /Volumes/notes (smbfs, nodev)`."""
    for line in os.fsdecode(text).split("\n"):
        if found := _PRINTED.fullmatch(line):
            yield Mount(found["folder"], found["kind"])


def _remote_drive(root: Path) -> Mount | None:
    """Return Windows' drive of root when it lies on another machine (share, mapped letter)."""
    if sys.platform != "win32":
        return None
    import ctypes

    remote = ctypes.windll.kernel32.GetDriveTypeW(root.anchor) == _DRIVE_REMOTE
    return Mount(root.anchor, "network drive") if remote else None
