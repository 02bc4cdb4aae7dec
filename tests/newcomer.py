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
NEEDED = {"debootstrap": "debootstrap", "unshare": "util-linux", "setpriv": "util-linux", "chroot": "coreutils", "git": "git"}
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


def _brought(word: str, root: Path) -> str:
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


def _said(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _do(*command: object, log: Path | None = None, cwd: Path | None = None, env: dict[str, str] | None = None) -> int:
    """Run to the end, as the first process of a machine would: what others leave behind is buried too."""
    with open(log or os.devnull, "ab") as file:
        out = file if log else None
        process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=cwd, env=env)
        while (ended := os.wait())[0] != process.pid:
            pass
    process.returncode = os.waitstatus_to_exitcode(ended[1])
    if process.returncode and log:
        print(*log.read_text(errors="replace").splitlines()[-20:], sep="\n")
    return process.returncode


def _base(folder: Path) -> Path:
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


def visit(folder: Path, packages: str, commands: Sequence[str], keep: bool) -> bool:
    """Install the packages in ``folder/root``, clone, and run the commands; whether each ended with 0."""
    start, times, root, log = time.monotonic(), {}, folder / "root", folder / "set-up.log"
    log.unlink(missing_ok=True)
    if not (keep and root.exists()):
        shutil.rmtree(root, ignore_errors=True)
        _do("cp", "-a", _base(folder), root)
    times["Debian"] = time.monotonic() - start
    for kind, where in (("proc", "proc"), ("sysfs", "sys")):
        _do("mount", "-t", kind, kind, root / where)
    _do("mount", "--rbind", "/dev", root / "dev")
    environment = settings(root)
    _do("git", "bundle", "create", "--quiet", root / "spikegate.bundle", "HEAD", cwd=REPOSITORY)
    clone = f"git clone /spikegate.bundle {CLONE}"
    if (root / CLONE[1:]).exists():
        clone = f"cd {CLONE} && git fetch /spikegate.bundle HEAD && git reset --hard FETCH_HEAD"
    print(f"newcomer: commit {_said('git', '-C', str(REPOSITORY), 'log', '-1', '--format=%h %s').strip()}", flush=True)
    for command in ("apt-get update", packages, clone, *commands):
        print(f"newcomer: {command}", flush=True)
        start, own = time.monotonic(), command in commands
        code = _do("chroot", root, "sh", "-c", f"cd {CLONE} && {command}" if own else command, env=environment, log=None if own else log)
        times["git clone" if command == clone else command] = time.monotonic() - start
        if code:
            print(f"newcomer: {command} ended with {code}")
            break
    set_up = sum(times.get(name, 0) for name in ("apt-get update", packages, "git clone"))
    width = max(map(len, times))
    print("\n".join(f"newcomer: {name:<{width}} {seconds:6.0f} s" for name, seconds in {**times, "(apt and git together)": set_up}.items()))
    return code == 0


def main() -> int:
    """Exit code 0, 1 if a command failed, 2 for a wrong option, 3 if this machine cannot make another."""
    parser = argparse.ArgumentParser(description="Walk the README on a bare Debian 12 in a chroot.")
    parser.add_argument("commands", nargs="*", metavar="COMMAND", help="of the README, such as 'make sim'; default all")
    parser.add_argument("--dir", type=Path, default=Path("/var/tmp/spikegate-newcomer"), help="where the machine is made (default %(default)s)")
    parser.add_argument("--keep", action="store_true", help="begin with the machine that the last run left, where packages are installed already")
    args = parser.parse_args()
    try:
        packages, commands = walk((REPOSITORY / "README.md").read_text())
        if unknown := set(args.commands) - set(commands):
            parser.error(f"the README does not show {', '.join(sorted(unknown))}; it shows {', '.join(commands)}")
        if os.geteuid():
            raise Refused("making a bare machine needs root (mounts and chroot); run it as root")
        if missing := [package for program, package in NEEDED.items() if shutil.which(program) is None]:
            raise Refused(f"{', '.join(missing)} needed; install with: apt install {' '.join(missing)}")
        if INSIDE not in os.environ:
            # Mounts and processes are those of a namespace, and end with it and with this process, however that ends.
            flags = ["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"]
            command = ["setpriv", "--pdeathsig", "KILL", "unshare", *flags, sys.executable, *sys.argv]
            return subprocess.run(command, env={**os.environ, INSIDE: "1"}, check=False).returncode
        args.dir.mkdir(parents=True, exist_ok=True)
        ok = visit(args.dir.resolve(), packages, [each for each in commands if not args.commands or each in args.commands], args.keep)
        print(f"newcomer: what was made is in {args.dir}/root")
    except Refused as error:
        print(f"newcomer: {error}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
