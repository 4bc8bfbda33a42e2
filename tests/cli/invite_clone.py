#!/usr/bin/env python3
"""An invite brings somebody to a chain, and to no other: what it names must prove itself before a
store is there, a clone is whole or not at all, and a killed one does not stand in the way."""
import base64
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import stores
import terminal
import web

URI = re.compile(r"bmsg://([^/]+)/([\w-]{86})\?node=([\w-]{43})&cp=(\d+)\.([\w-]{43})"
                 r"(?:#card=([\w-]+))?")
KILLS = 8


def as_bytes(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def as_text(value):
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def host_of(url):
    return url.partition("://")[2]


def clone(place, *words, exits=0, **options):
    """Runs clone in `place`, beside no store; what it says on standard error."""
    done = subprocess.run([stores.PROGRAM, "clone", *map(str, words), "--no-passphrase"], cwd=place,
                          env=stores.environment(place), capture_output=True, check=False,
                          timeout=60, **options)
    assert done.returncode == exits, f"{words}: {done.returncode}, {done.stderr.decode()}"
    return done.stderr.decode()


def refused(place, code, says, *words):
    """Nothing is there afterwards that was not there before."""
    def named():
        return [path.name for path in place.iterdir() if "fresh" in path.name]

    assert named() == []
    said = clone(place, *words, exits=code)
    assert says in said, f"{words}: {said!r} does not say {says!r}"
    assert named() == [], f"{words} left {named()}"


def check_invite(ana, heights):
    """Which block it vouches for, and that all of it is true."""
    for height, wanted in heights:
        tip = ana.objects("log", "-n", 1)[0]["height"]
        if height > tip:
            ana.run("mine", "--allow-empty", "--no-relay", "-n", height - tip)
        uri = ana.text("invite", "--host", "node.example")
        host, chain, node, cp, tail, card = URI.fullmatch(uri).groups()
        told = ana.objects("invite", "--host", "NODE.example:5512")[0]
        assert told["uri"] == uri and told["card"] is False and card is None, told
        assert told["host"] == host == "node.example:5512", told
        assert int(cp) == wanted == told["checkpoint"]["height"], (height, cp)
        block = ana.text("rev-parse", str(wanted))
        assert block == told["checkpoint"]["hash"] and as_bytes(tail).hex() == block[64:]
        assert as_bytes(chain).hex() == told["chain"] == ana.objects("status")[0]["chain_id"]
        assert as_bytes(node).hex() == told["node"]


def check_hosts(ana):
    """Without --host only a place that others can reach is named."""
    for listen, host in (("11.5.0.5:7", "11.5.0.5:7"), ("https://a.example:7", "a.example:7"),
                         ("[2a00::1]:7", "[2a00::1]:7")):
        assert host_of(ana.text("-c", f"serve.listen={listen}", "invite")).startswith(host + "/")
    for listen in ("127.0.0.1:5512", "0.0.0.0:5512", "[::]:7", "192.168.0.1:7", "localhost:7",
                   "unix:socket", "http://a.example:7", "11.5.0.5:0"):
        ana.run("-c", f"serve.listen={listen}", "invite", exits=(69,))
    for host in ("a:0", "a:65536", "https://a:1", "a/b", "u@a", "::1"):
        ana.run("invite", "--host", host, exits=(64,))


def check_card(place, ana):
    """The card stands behind the '#' alone; only it needs a key of ours."""
    uri = ana.text("invite", "--host", "a.example", "--card")
    card = ana.text("id", "--card").removeprefix("bmsg-card ")
    assert uri.partition("#")[2] == f"card={card}" and card not in uri.partition("#")[0]
    assert uri.partition("#")[0] == ana.text("invite", "--host", "a.example")
    locked = stores.Store(place / "locked")
    (place / "secret").write_text("secret\n")
    locked.run("init", locked.directory, "--genesis", ana.directory / "genesis",
               "--passphrase-file", place / "secret")
    locked.run("invite", "--host", "a.example")
    locked.run("invite", "--host", "a.example", "--card", exits=(77,))
    locked.run("invite", "--host", "a.example", "--card", "--passphrase-file", place / "secret")
    bare = ana.copy_to(place / "bare")
    for file in (bare.directory / "cards").iterdir():
        file.unlink()
    bare.run("invite", "--host", "a.example", "--card", exits=(67,))
    (bare.directory / "keys" / "keyring").unlink()
    bare.run("invite", "--host", "a.example", "--card", exits=(66,))
    bare.run("invite", "--host", "a.example")


def check_code(ana):
    """At a terminal the code is drawn, and one that does not fit is not passed over in silence."""
    words = ana.words("invite", "--host", "a.example", "--qr")
    for more, columns, fits in (([], 80, True), (["--card"], 80, False), (["--card"], 200, True)):
        told = terminal.at_terminal(words + more, ana.environment, ana.directory.parent,
                                    size=(24, columns)).decode()
        drawn = [line for line in told.splitlines() if line and set(line) <= set("█▀▄ ")]
        assert len(drawn) > 20 and {len(line) for line in drawn} == {len(drawn[0])}, told[:300]
        assert ("columns wide" in told) == (not fits), told[-300:]
        assert "bmsg://" not in told
    assert ana.objects("invite", "--host", "a.example", "--qr")[0]["type"] == "invite"


def check_conversation(place, ana):
    """From the invite to a letter and its answer, over http and over https."""
    for listen in ("http://127.0.0.1:0", "https://127.0.0.1:0"):
        home = place / listen.partition(":")[0]
        home.mkdir()
        with ana.served(listen=listen) as url:
            uri = ana.text("invite", "--host", host_of(url), "--card")
            said = clone(home, uri, "--name", "ben")
            assert said == "", said
            ben = stores.Store(home / "ops")  # The chain's name.
            assert sorted(path.name for path in home.iterdir()) == ["ops"]
            peer = ben.objects("peers")[0]
            told = ana.objects("invite", "--host", "a")[0]
            known = peer["url"], peer["source"], peer["node"]
            # Over http nothing shows the key that the invite names, so none is noted.
            shown = told["node"] if listen.startswith("https") else None
            assert known == (url, "invite", shown), peer
            contact = ben.objects("contact", "list")[0]
            assert (contact["name"], contact["card"], contact["trust"]) == ("ana", "ok", "known")
            assert contact["address"] == ana.text("id")
            assert ben.text("rev-parse", "tip") == ana.text("rev-parse", "tip")
            ben.run("verify", "--full")
            sent = ben.text("send", "-m", "I am here.", "ana")
            ben.run("sync")
            assert ana.text("ls-pool").count(sent) == 1
            # The clone gave its card, so the answer can be sealed.
            ana.run("contact", "add", f"ben-{home.name}", ben.text("id"))
            ana.run("send", "-m", "Welcome.", f"ben-{home.name}")
            ana.run("mine", "--no-relay")
            assert "I am here." in ana.text("read", sent)
            ben.run("sync")
            assert "Welcome." in ben.text("read", "@")


def check_unlisted(store, url, key):
    """Whoever is called only once is not remembered, and nothing else is said."""
    store.run("peers", "rm", url)
    done = subprocess.run(store.words("sync", url), env=store.environment, capture_output=True,
                          check=True)
    said = done.stderr.decode()
    assert f"its key is {key}" in said and "is pinned" not in said, said
    assert store.objects("peers") == []
    store.run("peers", "add", "--no-probe", "--node", key, url)


def check_url(place, ana):
    """A node's address alone: the key it shows is pinned, and told."""
    with ana.served(listen="https://127.0.0.1:0") as url:
        said = clone(place, url, "fresh")
        key = ana.objects("invite", "--host", "a")[0]["node"]
        assert f"its key {key} is pinned" in said, said
        peer = stores.Store(place / "fresh").objects("peers")[0]
        assert (peer["node"], peer["source"]) == (key, "config"), peer
        check_unlisted(stores.Store(place / "fresh"), url, key)
    shutil.rmtree(place / "fresh")
    with ana.served() as url:
        (place / "fresh").mkdir()  # An empty directory is as good as none.
        done = subprocess.run([stores.PROGRAM, "clone", url, "fresh/", "--no-identity", "--json",
                               "--no-passphrase"], cwd=place, env=stores.environment(place),
                              capture_output=True, check=True)
        told = json.loads(done.stdout)
        assert told["type"] == "store" and told["address"] is None and told["height"] > 0, told
        assert told["path"] == str(place / "fresh"), told
        shutil.rmtree(place / "fresh")


def check_refusals(place, ana):
    """One thing is wrong at a time, and nothing is kept."""
    with ana.served() as url:
        host = host_of(url)
        good = ana.text("invite", "--host", host, "--card")
        whole, _, chain, node, cp, tail, card = URI.fullmatch(good).group(*range(7))
        other_chain = as_text(bytes([as_bytes(chain)[0] ^ 1]) + as_bytes(chain)[1:])
        refused(place, 65, "the invite is to", whole.partition("#")[0].replace(chain, other_chain),
                "fresh")
        other_tail = as_text(as_bytes(tail)[:-1] + bytes([as_bytes(tail)[-1] ^ 1]))
        refused(place, 65, "has another one there", whole.replace(tail, other_tail), "fresh")
        refused(place, 65, "ends at", whole.replace(f"cp={cp}.", "cp=4000000000."), "fresh")
        other_card = as_text(as_bytes(card)[:-1] + bytes([as_bytes(card)[-1] ^ 1]))
        refused(place, 65, "the card in the invite", whole.replace(card, other_card), "fresh")
        refused(place, 69, "proxy socks5h://127.0.0.1:1", whole, "fresh", "-c",
                "sync.proxy=socks5h://127.0.0.1:1")
        refused(place, 69, "needs a proxy", whole.replace(host, "x.onion"), "fresh")
        refused(place, 65, "malformed: node", whole.replace(node, node[1:]), "fresh")
        false_node = as_text(bytes([as_bytes(node)[0] ^ 1]) + as_bytes(node)[1:])
        clone(place, whole.replace(node, false_node), "fresh")
        assert stores.Store(place / "fresh").objects("peers")[0]["node"] is None
        shutil.rmtree(place / "fresh")
        (place / "full").mkdir()
        (place / "full" / "file").write_text("")
        for words in ((whole, "full"), (whole.replace(host, "127.0.0.1:1"), "full"),
                      (whole, "full/file")):
            assert "is there already" in clone(place, *words, exits=73)
        assert [path.name for path in (place / "full").iterdir()] == ["file"]
    refused(place, 69, "nothing was kept", whole, "fresh")
    refused(place, 69, "nothing was kept", url, "fresh/in/fresh")
    refused(place, 69, "nothing was kept", "https://127.0.0.1:1", "fresh")
    refused(place, 66, "no file", "no-such-file", "fresh")
    with web.liar() as liars:
        refused(place, 76, "gives no rules text", whole.replace(host, host_of(liars)), "fresh")
    with ana.served(listen="https://127.0.0.1:0") as url:
        good = ana.text("invite", "--host", host_of(url))
        other_node = as_text(bytes([as_bytes(node)[0] ^ 1]) + as_bytes(node)[1:])
        refused(place, 77, "it has the node key", good.replace(node, other_node), "fresh")
        clone(place, good, "fresh")
    shutil.rmtree(place / "fresh")


def check_forks(place, ana):
    """A node on another branch is refused, and the clone follows none without its checkpoint."""
    genesis = ana.directory / "genesis"
    fork = stores.joined(place / "fork", "fork", genesis)
    short = stores.joined(place / "short", "short", genesis)
    control = stores.joined(place / "control", "control", genesis)
    tip = ana.objects("log", "-n", 1)[0]["height"]
    fork.run("mine", "--allow-empty", "--no-relay", "-n", tip + 4)
    short.run("mine", "--allow-empty", "--no-relay", "-n", 1)
    with ana.served() as url:
        good = ana.text("invite", "--host", host_of(url))
        cp = good.partition("&cp=")[2]
        assert not cp.startswith("0."), "the genesis block tells nothing"
        clone(place, good, "fresh")
        control.run("sync", "--pull", url)
    for store, says in ((fork, "has another one there"), (short, "ends at 1")):
        with store.served() as url:
            theirs = store.text("invite", "--host", host_of(url)).partition("&cp=")[0]
            shutil.move(place / "fresh", place / "kept")
            refused(place, 65, says, f"{theirs}&cp={cp}", "fresh")
            shutil.move(place / "kept", place / "fresh")
    with fork.served() as url:
        new = stores.Store(place / "fresh")
        best = new.text("rev-parse", "tip")
        new.run("sync", "--pull", url, exits=(3,))
        assert new.text("rev-parse", "tip") == best
        control.run("sync", "--pull", url)
        assert control.text("rev-parse", "tip") == fork.text("rev-parse", "tip") != best
    shutil.rmtree(place / "fresh")


def check_names(place):
    """Names that strangers chose: a chain's is no path, and a card's may be none."""
    odd = stores.Store(place / "odd")
    odd.run("init", odd.directory, "--floor", 8, "--chain-name", "..", "--no-passphrase")
    with odd.served() as url:
        uri = odd.text("invite", "--host", host_of(url), "--card")
        assert "give DIR" in clone(place, uri, exits=64)
        said = clone(place, uri, "fresh")
        assert f"bmsg contact add NAME {odd.text('id')}" in said, said
        new = stores.Store(place / "fresh")
        assert new.objects("contact", "list") == []
        new.run("contact", "add", "odd", odd.text("id"))
        assert new.objects("contact", "show", "odd")[0]["card"] == "ok", "the card was dropped"
    shutil.rmtree(place / "fresh")


def check_bundle(place, ana):
    """By file, from a store that serves nobody."""
    bundle = place / "chain.bundle"
    ana.run("bundle", "create", bundle)
    clone(place, bundle, "fresh")
    new = stores.Store(place / "fresh")
    assert new.text("rev-parse", "tip") == ana.text("rev-parse", "tip")
    assert new.objects("peers") == []
    new.run("verify", "--full")
    shutil.rmtree(place / "fresh")
    whole = bundle.read_bytes()
    for at in (3, 40, len(whole) // 2, len(whole) - 1):
        bundle.write_bytes(whole[:at])
        refused(place, 65, f"'{bundle}': ", bundle, "fresh")
        bundle.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
        refused(place, 65, f"'{bundle}': ", bundle, "fresh")
    bundle.unlink()
    ana.run("bundle", "create", "--since", 3, bundle)
    refused(place, 65, f"'{bundle}': ", bundle, "fresh")
    with open(bundle, "rb") as pipe:
        piped = subprocess.run([stores.PROGRAM, "clone", "/dev/stdin", "fresh"], cwd=place,
                               env=stores.environment(place), input=pipe.read(),
                               capture_output=True, check=False)
    assert piped.returncode == 64, piped


def check_kills(place, ana):
    """Killed at any moment: nothing that is half, and the next one makes it whole and tidies up."""
    chance = stores.seeded_random()
    hits = begun = 0
    with ana.served() as url:
        uri = ana.text("invite", "--host", host_of(url), "--card")
        words = [stores.PROGRAM, "clone", uri, "fresh", "--no-passphrase"]
        options = {"cwd": place, "env": stores.environment(place)}
        began = time.monotonic()
        subprocess.run(words, check=True, capture_output=True, **options)
        took = time.monotonic() - began
        shutil.rmtree(place / "fresh")
        for _ in range(20 * KILLS):
            with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  **options) as process:
                time.sleep(chance.uniform(0, took))
                process.kill()
            if process.returncode != -signal.SIGKILL:
                shutil.rmtree(place / "fresh")  # It was done before.
                continue
            hits += 1
            if (place / "fresh").exists():  # Killed after it took its place: it is whole.
                stores.Store(place / "fresh").run("verify", "--full")
                shutil.rmtree(place / "fresh")
            begun += bool(list(place.glob(".fresh.*")))
            if begun == KILLS:
                break
        print(f"{hits} clones killed, {begun} of them had begun to write", flush=True)
        assert begun == KILLS, "the kills did not hit"
        assert list(place.glob(".fresh.*")), "nothing was left to tidy"
        strange = place / ".fresh.abcdef"  # Looks like ours, and is not.
        strange.mkdir()
        (strange / "file").write_text("")
        clone(place, uri, "fresh")
        assert list(place.glob(".fresh.*")) == [strange]
        shutil.rmtree(strange)
        new = stores.Store(place / "fresh")
        new.run("verify", "--full")
        assert new.text("rev-parse", "tip") == ana.text("rev-parse", "tip")
        assert [one["name"] for one in new.objects("contact", "list")] == ["ana"]
    shutil.rmtree(place / "fresh")


def main():
    with stores.workplace() as place:
        ana = stores.new_chain(place / "ana", "ana", "--chain-name", "ops")
        (place / "at").mkdir()
        checks = [
            (check_invite, ana, [(0, 0), (5, 0), (6, 0), (7, 1)]), (check_hosts, ana),
            (check_card, place, ana), (check_code, ana), (check_conversation, place / "at", ana),
            (check_url, place, ana), (check_refusals, place, ana), (check_forks, place, ana),
            (check_names, place), (check_bundle, place, ana), (check_kills, place, ana),
            (check_invite, ana, [(71, 65), (72, 0), (73, 1)]),
        ]
        for check, *arguments in checks:
            began = time.monotonic()
            check(*arguments)
            print(f"{check.__name__} {time.monotonic() - began:.1f} s", flush=True)


main()
