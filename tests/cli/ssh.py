#!/usr/bin/env python3
"""sync through ssh://, with a program called ssh that runs the command on this machine: both ways,
beside a node that serves there, and with all that can go wrong on the way."""
import os
import pathlib
import pty
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402

# Notes its words and runs the command as the shell over there would. FAULT breaks it.
SSH = """#!/bin/sh
printf '%s\\n' "$@" >"$SSH_WORDS"
case ${FAULT-} in
  refused) echo 'ssh: connect to host there port 22: Connection refused' >&2; exit 255 ;;
  noise) echo 'Welcome to this machine!'; ;;
  silent) exec sleep 600 ;;
esac
while [ "$1" != -- ]; do shift; done
shift 2
case ${FAULT-} in
  cut) sh -c "$1" | head -c 3000 ;;
  *) exec sh -c "$1" ;;
esac
"""


def with_ssh(place, *all_stores):
    """Puts that ssh and the tested program before all others on PATH."""
    programs = place / "programs"
    programs.mkdir()
    (programs / "ssh").write_text(SSH)
    (programs / "ssh").chmod(0o755)
    shutil.copy(stores.PROGRAM, programs / "bmsg")
    for store in all_stores:
        store.environment |= {"PATH": f"{programs}:{os.environ['PATH']}",
                              "SSH_WORDS": str(place / "words")}


def url_of(store, user=""):
    return f"ssh://{user}there{store.directory}"


def ssh_words(place):
    return (place / "words").read_text().splitlines()


def check_both_ways(place, ana, ben):
    ana.run("contact", "add", "ben", ben.text("id"))
    ben.run("sync", url_of(ana))
    assert ssh_words(place)[:2] == ["--", "there"], ssh_words(place)
    assert ssh_words(place)[2] == f"bmsg -C '{ana.directory}' serve --stdio"
    ben.run("mine", "--no-relay")
    ben.run("sync", "--push", url_of(ana, "carol@").replace("there/", "there:2222/"))
    assert ssh_words(place)[:4] == ["-p", "2222", "--", "carol@there"], ssh_words(place)
    assert ana.objects("status")[0]["tip"] == ben.objects("status")[0]["tip"]
    sent = ana.text("send", "-m", "over a pipe", "ben")
    ana.run("mine", "--no-relay")
    ben.run("sync", url_of(ana))
    assert ben.objects("read", sent)[0]["body"] == "over a pipe"


def check_beside_a_node(ana, ben):
    """The node that serves there has the lock; the caller reaches it all the same."""
    with ana.served():
        ben.run("mine", "--allow-empty", "--no-relay")
        ben.run("sync", url_of(ana))
        assert ana.objects("status")[0]["tip"] == ben.objects("status")[0]["tip"]
    # And a caller that does nothing keeps nobody there from writing.
    idle = ana.start("serve", "--stdio", stdin=subprocess.PIPE)
    idle.stdin.write(b"GET /bmsg/1/info HTTP/1.1\r\nHost: localhost\r\n\r\n")
    idle.stdin.flush()
    assert b"200" in idle.stdout.readline()
    ana.run("mine", "--allow-empty", "--no-relay")
    idle.stdin.close()
    assert idle.wait(20) == 0, idle.stderr.read()


def fails(store, fault, code, *words):
    done = subprocess.run(store.words(*words), capture_output=True, timeout=60, check=False,
                          env=store.environment | {"FAULT": fault})
    assert done.returncode in (code if isinstance(code, tuple) else (code,)), (fault, done)
    return done.stderr.decode()


def check_faults(ana, ben):
    said = fails(ben, "refused", 69, "sync", url_of(ana))
    assert "Connection refused" in said, said
    fails(ben, "noise", 76, "sync", url_of(ana))
    said = fails(ben, "silent", 75, "sync", "--timeout", "1", url_of(ana))
    assert "time ran out" in said, said
    tip = ben.objects("status")[0]["tip"]
    assert ana.objects("status")[0]["tip"] != tip, "nothing to fetch: the cut cuts nothing"
    # Where it was cut decides whether the end is seen or waited for.
    fails(ben, "cut", (69, 75), "sync", "--timeout", "2", url_of(ana))
    assert ben.run("verify", "--full")
    ben.run("sync", url_of(ana))
    assert ana.objects("status")[0]["tip"] == ben.objects("status")[0]["tip"]
    fails(ben, "", 69, "sync", f"ssh://there{ana.directory}/nowhere")
    # A proxy is set so that nothing goes another way.
    said = fails(ben, "", 69, "-c", "sync.proxy=socks5h://127.0.0.1:9", "sync", url_of(ana))
    assert "ssh does not go through" in said, said


def check_names(place, ana, ben):
    for bad in ("ssh://-oProxyCommand=x/dir", "ssh://there", "ssh://there/", "ssh://-l@there/dir",
                "ssh://there:0/dir", "ssh://there:x/dir"):
        assert fails(ben, "", 64, "peers", "add", bad)
    # A directory with all that a shell minds.
    odd = place / "o'dd $(touch oops) dir"
    shutil.copytree(ana.directory, odd, ignore=shutil.ignore_patterns("run"))
    ben.run("sync", f"ssh://there{odd}")
    assert not list(pathlib.Path().glob("oops")) and not (place / "oops").exists()
    # Below the home directory.
    ben.environment |= {"HOME": str(place)}
    here = os.getcwd()
    os.chdir(place)
    ben.run("sync", "ssh://there/~/ana")
    os.chdir(here)


def check_restricted(ana):
    """Over the pipe there are the paths of peers and nothing else."""
    asked = (b"POST /local/1/take_outbox HTTP/1.1\r\nHost: localhost\r\nX-Bmsg-Local: 1\r\n"
             b"Content-Length: 0\r\nConnection: close\r\n\r\n")
    done = subprocess.run(ana.words("serve", "--stdio"), input=asked, capture_output=True,
                          env=ana.environment, timeout=60, check=False)
    assert done.returncode == 0 and done.stdout.startswith(b"HTTP/1.1 404"), done
    main, side = pty.openpty()
    done = subprocess.run(ana.words("serve", "--stdio"), stdin=side, capture_output=True,
                          env=ana.environment, timeout=60, check=False)
    os.close(main)
    os.close(side)
    assert done.returncode == 64 and b"not to a terminal" in done.stderr, done


def check_read_only(place, ana, ben):
    """A node that takes nothing says so: sync fetches and does not fail."""
    ben.run("mine", "--allow-empty", "--no-relay")
    tip = ana.objects("status")[0]["tip"]
    put = (b"POST /bmsg/1/put HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
           b"Connection: close\r\n\r\nbmP1")
    done = subprocess.run(ana.words("serve", "--stdio", "--read-only"), input=put, timeout=60,
                          capture_output=True, env=ana.environment, check=False)
    assert done.stdout.startswith(b"HTTP/1.1 403"), done
    script = place / "programs" / "ssh"
    script.write_text(SSH.replace('exec sh -c "$1"', 'exec sh -c "$1 --read-only"'))
    ben.run("sync", url_of(ana))
    assert "takes nothing" in fails(ben, "", 69, "sync", "--push", url_of(ana))
    with ana.served("--read-only") as url:
        ben.run("sync", url)
        assert "takes nothing" in fails(ben, "", 69, "sync", "--push", url)
        ana.run("send", "--public", "-m", "own messages are taken as ever")
        ana.run("mine", "--no-relay")
    assert ana.objects("log", "-n", "2")[1]["hash"] == tip, "something was taken"
    script.write_text(SSH)


def check_clone(place, ana):
    cleo = stores.Store(place / "cleo")
    cleo.environment |= {name: ana.environment[name] for name in ("PATH", "SSH_WORDS")}
    words = [stores.PROGRAM, "clone", url_of(ana), str(cleo.directory), "--no-passphrase"]
    done = subprocess.run(words, capture_output=True, env=cleo.environment, timeout=60, check=False)
    assert done.returncode == 0, done
    assert cleo.objects("status")[0]["tip"] == ana.objects("status")[0]["tip"]


def main():
    with stores.workplace() as place:
        ana = stores.new_chain(place / "ana", "ana")
        ana.run("mine", "--no-relay")
        ben = stores.joined(place / "ben", "ben", place / "ana" / "genesis")
        with_ssh(place, ana, ben)
        check_both_ways(place, ana, ben)
        check_beside_a_node(ana, ben)
        check_faults(ana, ben)
        check_names(place, ana, ben)
        check_restricted(ana)
        check_read_only(place, ana, ben)
        check_clone(place, ana)


main()
