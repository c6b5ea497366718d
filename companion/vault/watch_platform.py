"""Which drives keep silent: on them the system does not tell what another machine changed."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from watchdog.observers.api import BaseObserver
from watchdog.observers.inotify import InotifyEmitter
from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyEvent,
    InotifyFD,
    Mask,
    WatchCallback,
    WatchDescriptor,
)

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


Wanted = Callable[[str], bool]
Overflowed = Callable[[], None]
_LIMITS = (errno.ENOSPC, errno.EMFILE, errno.ENOMEM)


class InotifyObserver(BaseObserver):
    """Watches the folders that wanted(absolute path) names; says when events were lost.

    start() raises OSError when one of them cannot be watched for want of resources.
    """

    def __init__(self, wanted: Wanted, overflowed: Overflowed) -> None:
        """Take an inotify instance. Raises OSError (EMFILE) when there is none left."""
        # of each folder made within another new one, though the second call is watchdog's own
        warnings.filterwarnings("ignore", "Callback with id .* already exists", RuntimeWarning)
        self._inotify = _Inotify(wanted, overflowed)
        self._inotify.start()
        super().__init__(InotifyEmitter, inotify_fd=self._inotify)

    @property
    def is_complete(self) -> bool:
        """Whether events are read, and every folder has its watch, those made since included."""
        return self._inotify.is_alive() and self._inotify.limit is None

    def on_thread_start(self) -> None:
        """Set the watches."""
        super().on_thread_start()
        if self._inotify.limit:
            raise self._inotify.limit

    def on_thread_stop(self) -> None:
        """Give the instance back."""
        super().on_thread_stop()
        self._inotify.stop()
        self._inotify.join()


class _Inotify(InotifyFD):
    def __init__(self, wanted: Wanted, overflowed: Overflowed) -> None:
        super().__init__()
        self.limit: OSError | None = None
        self._wanted = wanted
        self._overflowed = overflowed

    def add_callback(
        self, path: bytes, mask: Mask, callback: WatchCallback, id_: CallbackId
    ) -> WatchDescriptor:
        """Watch one folder. watchdog leaves a subfolder out for which this raises OSError."""
        if not self._wanted(os.fsdecode(path)):
            raise OSError(errno.EPERM, "not to be watched")
        if not os.access(path, os.R_OK):  # else watchdog takes the failure's -1 for a watch
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        try:
            return super().add_callback(path, mask, callback, id_)
        except OSError as error:
            if error.errno in _LIMITS:
                self.limit = error
            raise

    def handle_event(self, event: InotifyEvent) -> None:
        super().handle_event(event)
        if event.is_queue_overflow:  # once the watches are set anew, so that nothing slips through
            self._overflowed()
