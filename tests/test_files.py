"""Files and folders are there whole or not at all: two writers, a reader beside them, a killed owner, devices and links."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from spikegate.models.files import replace_folder, whole_file, working_folder, write_whole
from spikegate.models.network.network import Network
from spikegate.translator.brunel import preset, translate

SAVES = 1000
SAVE = """
import sys
from spikegate.models.network.network import Network
network = Network.load(sys.argv[1])
for _ in range(int(sys.argv[3])):
    network.save(sys.argv[2])
"""
OWNER = """
import sys, time
from spikegate.models.files import whole_file, working_folder
with working_folder(sys.argv[1]) as folder, whole_file(sys.argv[1] + "/file") as part:
    (folder / "held").write_text("x")
    part.write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def networks():
    return [translate(preset("ai", n_exc=8, n_inh=2, conn_prob=0.5, seed=seed), ms=10.0) for seed in (1, 2)]


def test_two_processes_that_save_to_one_path_see_no_error_and_a_reader_sees_whole_networks(tmp_path, networks):
    path, hashes = tmp_path / "net", {network.hash for network in networks}
    command = [sys.executable, "-c", SAVE]
    for number, network in enumerate(networks):
        network.save(tmp_path / f"{number}")
    networks[0].save(path)
    writers = [subprocess.Popen([*command, tmp_path / f"{number}", path, str(SAVES)], stderr=subprocess.PIPE, text=True) for number in range(2)]
    loaded, seen = 0, set()
    while any(writer.poll() is None for writer in writers):
        seen.add(Network.load(path).hash)
        loaded += 1
    assert [(writer.returncode, writer.stderr.read()) for writer in writers] == [(0, "")] * 2
    assert loaded > 100 and seen == hashes
    assert sorted(file.name for file in tmp_path.iterdir()) == ["0", "1", "net"]


def test_what_a_killed_process_has_left_goes_at_the_next_start_and_what_a_living_one_uses_stays(tmp_path):
    owners = [subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        assert [owner.stdout.readline() for owner in owners] == ["ready\n"] * 2
        assert len(list(tmp_path.iterdir())) == 4
        owners[0].send_signal(signal.SIGKILL)
        owners[0].wait()
        with working_folder(tmp_path):
            assert len(list(tmp_path.iterdir())) == 3
        left = list(tmp_path.iterdir())
        assert len(left) == 2 and sorted(file.name for folder in left for file in folder.iterdir()) == ["held", "part"]
    finally:
        for owner in owners:
            owner.kill()
            owner.wait()


def test_a_folder_that_somebody_else_has_made_stays(tmp_path):
    names = ["spikegate-results", "spikegate-0", "spikegate-results.run", "x-spikegate-abcdefgh.run"]
    for name in names:
        (tmp_path / name).mkdir()
    (tmp_path / "spikegate-abcdefgh.run").mkdir()
    with working_folder(tmp_path):
        pass
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(names)


def test_an_error_leaves_the_old_file(tmp_path):
    write_whole(tmp_path / "file", "old")
    with pytest.raises(KeyError), whole_file(tmp_path / "file") as part:
        part.write_text("new")
        raise KeyError
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("file", "old")]


def test_a_link_stays_a_link_a_pipe_a_pipe_and_a_new_file_has_the_mode_of_any_other(tmp_path, networks):
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "usual").touch()
    os.mkfifo(tmp_path / "pipe")  # not /dev/null: who gets this wrong as root replaces the machine's
    for _ in range(2):
        networks[0].save(tmp_path / "link")
    reader = subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE)
    try:
        networks[0].save(tmp_path / "pipe")
        assert (tmp_path / "pipe").is_fifo() and (tmp_path / "link").is_symlink()
        assert reader.communicate(timeout=60)[0] == (tmp_path / "file").read_bytes()
    finally:
        reader.kill()
        reader.wait()
    assert Network.load(tmp_path / "file").hash == networks[0].hash
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_two_threads_that_replace_one_folder_leave_one_of_them_whole(tmp_path):
    errors = []

    def replace(mark):
        try:
            for _ in range(100):
                with working_folder(tmp_path) as work:
                    (work / "new").mkdir()
                    for name in "ab":
                        (work / "new" / name).write_text(mark)
                    replace_folder(work / "new", tmp_path / "folder")
        except OSError as error:
            errors.append(error)

    threads = [threading.Thread(target=replace, args=(mark,)) for mark in "xy"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and [file.name for file in tmp_path.iterdir()] == ["folder"]
    assert {(tmp_path / "folder" / name).read_text() for name in "ab"} in ({"x"}, {"y"})
