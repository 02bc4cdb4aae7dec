"""The README on a bare machine: Debian 12 from debootstrap, its `apt install` line, `git clone`, its commands, in a chroot: `make newcomer`.

Ends with 0 only if every command did. The machine's own settings of apt, pip, proxies and certificates are taken over, and nothing else of it.
"""

import argparse
import configparser
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

__all__ = ["main", "settings", "walk"]

REPOSITORY = Path(__file__).resolve().parent.parent
RELEASE, ORIGIN = "bookworm", "Debian"
NEEDED = {"debootstrap": "debootstrap", "unshare": "util-linux", "chroot": "coreutils", "git": "git"}
#: What of the environment says how to reach package registries.
REACH = re.compile(r"PIP_(?!NO_INPUT).+|(https?|ftp|all|no)_proxy|SSL_CERT_FILE|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE", re.IGNORECASE)
HOME, CLONE, HOST = "/root", "/root/spikegate", "host"
INSIDE = "SPIKEGATE_NEWCOMER"


class Refused(Exception):
    """What is in the way, in one line."""


def walk(readme: str) -> tuple[str, list[str]]:
    """The README's `apt install` line, and the commands below it in the same block."""
    found = re.search(r"^ {4}(apt install .+)\n((?: {4}make .+\n)+)", readme, re.MULTILINE)
    if not found:
        raise Refused("README.md has no indented `apt install` line with `make` commands below it")
    return found[1].strip(), [line.partition("#")[0].strip() for line in found[2].splitlines()]


def settings(root: Path) -> dict[str, str]:
    """Write apt's and pip's settings into ``root``; the environment in which both reach what they reach here."""
    def taken(value: str) -> str:
        # An index on this machine's disk only holds what the registry has too.
        return " ".join(_brought(word, root) for word in value.split() if not word.startswith("file:"))

    sites = _said("apt-get", "indextargets", "--format", "deb $(REPO_URI) $(CODENAME) $(COMPONENT) $(ORIGIN)", "Created-By: Packages").splitlines()
    sources = [site.rpartition(" ")[0] for site in sites if site.split()[2].startswith(RELEASE) and site.split()[-1] == ORIGIN]
    (root / "etc/apt/sources.list").write_text("\n".join(sources) + "\n")
    options = re.findall(r"^(Acquire::(?:http|https|ftp|Check|Retries)\S*) \"(.*)\";$", _said("apt-config", "dump"), re.MULTILINE)
    (root / "etc/apt/apt.conf.d/99host").write_text("".join(
        f'{name} "{taken(value)}";\n' for name, value in [*options, ("APT::Get::Assume-Yes", "true")] if value))
    listed = re.findall(r"^(global|install)\.([\w-]+)='(.*)'$", _said(sys.executable, "-m", "pip", "config", "list"), re.MULTILINE)
    pip = configparser.ConfigParser(interpolation=None)
    for section, name, value in listed:
        if kept := taken(value):
            pip.read_dict({section: {name: kept}})
    with open(root / "etc/pip.conf", "w") as file:
        pip.write(file)
    for name in ("resolv.conf", "hosts"):
        shutil.copy(f"/etc/{name}", root / "etc" / name)
    here = {name: taken(value) for name, value in os.environ.items() if REACH.fullmatch(name)}
    return here | {"HOME": HOME, "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM": os.environ.get("TERM", "dumb"),
                   "DEBIAN_FRONTEND": "noninteractive"}


def _brought(word, root):
    # A file or folder of this machine is there as well, below a folder of its own.
    path = Path(word)
    if not path.is_absolute() or not path.exists():
        return word
    there = root / HOST / path.relative_to("/")
    there.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        there.mkdir(exist_ok=True)
        _do("mount", "--bind", "-o", "ro", path, there)
    else:
        shutil.copy(path, there)
    return f"/{HOST}{path}"


def _said(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _do(*command: object, log: Path | None = None, **options: object) -> int:
    """Run to the end, as the first process of a machine would: what others leave behind is buried too."""
    with open(log or os.devnull, "wb") as file:
        process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, **({"stdout": file, "stderr": file} if log else {}), **options)
        while (ended := os.wait())[0] != process.pid:
            pass
    code = os.waitstatus_to_exitcode(ended[1])
    process.returncode = code
    if code and log:
        print(*log.read_text(errors="replace").splitlines()[-20:], sep="\n")
    return code


def _base(folder):
    base, part = folder / "base", folder / "base.part"
    if not base.exists():
        shutil.rmtree(part, ignore_errors=True)
        sites = _said("apt-get", "indextargets", "--format", "$(CODENAME) $(ORIGIN) $(REPO_URI)", "Created-By: Packages").splitlines()
        mirror = next((site.split()[2] for site in sites if site.split()[:2] == [RELEASE, ORIGIN]), None)
        if mirror is None:
            raise Refused(f"apt's sources here have no {ORIGIN} {RELEASE}; add them, and run apt-get update")
        if _do("debootstrap", "--variant=minbase", RELEASE, part, mirror, log=folder / "base.log"):
            raise Refused(f"debootstrap failed; see {folder / 'base.log'}")
        part.rename(base)
    return base


def visit(folder: Path, wanted: Sequence[str], keep: bool) -> bool:
    """Walk the README in ``folder/root``; whether every command ended with 0."""
    packages, commands = walk((REPOSITORY / "README.md").read_text())
    chosen = [command for command in commands if not wanted or command in wanted]
    if unknown := set(wanted) - set(commands):
        raise Refused(f"The README does not show {', '.join(sorted(unknown))}; it shows {', '.join(commands)}")
    start, times, root = time.monotonic(), {}, folder / "root"
    if not (keep and root.exists()):
        shutil.rmtree(root, ignore_errors=True)
        _do("cp", "-a", _base(folder), root)
    times["Debian"] = time.monotonic() - start
    for kind, where in (("proc", "proc"), ("sysfs", "sys")):
        _do("mount", "-t", kind, kind, root / where)
    _do("mount", "--rbind", "/dev", root / "dev")
    environment = settings(root)
    _do("git", "bundle", "create", "--quiet", root / "spikegate.bundle", "HEAD", cwd=REPOSITORY)
    clone = f"git clone --quiet /spikegate.bundle {CLONE}"
    if (root / CLONE[1:]).exists():
        clone = f"cd {CLONE} && git fetch --quiet /spikegate.bundle HEAD && git reset --quiet --hard FETCH_HEAD"
    shown = _said("git", "-C", str(REPOSITORY), "log", "-1", "--format=%h %s").strip()
    print(f"newcomer: commit {shown}", flush=True)
    for command in ("apt-get update", packages, clone, *chosen):
        print(f"newcomer: {command}", flush=True)
        start, own = time.monotonic(), command in chosen
        code = _do("chroot", root, "sh", "-c", f"cd {CLONE} && {command}" if own else command, env=environment,
                   log=None if own else folder / "set-up.log")
        times["git clone" if command == clone else command] = time.monotonic() - start
        if code:
            print(f"newcomer: {command} ended with {code}")
            break
    width = max(map(len, times))
    print("\n".join(f"newcomer: {name:<{width}} {seconds:7.0f} s" for name, seconds in times.items()))
    return code == 0


def main() -> int:
    """Exit code 0, 1 if a command failed, 2 for a wrong option, 3 if this machine cannot make another."""
    parser = argparse.ArgumentParser(description="Walk the README on a bare Debian 12 in a chroot.")
    parser.add_argument("commands", nargs="*", metavar="COMMAND", help="of the README, such as 'make sim'; default all")
    parser.add_argument("--dir", type=Path, default=Path("/var/tmp/spikegate-newcomer"), help="where the machine is made (default %(default)s)")
    parser.add_argument("--keep", action="store_true", help="leave the machine, and begin with the one that was left")
    args = parser.parse_args()
    try:
        if os.geteuid():
            raise Refused("making a bare machine needs root (mounts and chroot); run it as root")
        if missing := [package for program, package in NEEDED.items() if shutil.which(program) is None]:
            raise Refused(f"{', '.join(missing)} needed; install with: apt install {' '.join(missing)}")
        if INSIDE not in os.environ:
            # Mounts and processes are those of a namespace, and end with it however it ends.
            flags = ["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"]
            return subprocess.run(["unshare", *flags, sys.executable, *sys.argv], env={**os.environ, INSIDE: "1"}, check=False).returncode
        args.dir.mkdir(parents=True, exist_ok=True)
        ok = visit(args.dir.resolve(), args.commands, args.keep)
    except Refused as error:
        print(f"newcomer: {error}", file=sys.stderr)
        return 3
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
