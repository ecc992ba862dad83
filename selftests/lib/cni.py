#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Runs CNI plugins as a container runtime does, in the network namespace that
this runs in (the host's):

  cni.py add|del NETNS CONFLIST [RUNTIMECONFIG]

CONFLIST and RUNTIMECONFIG (for plugins with that capability) are files of JSON,
or JSON. Each plugin gets its part with the list's name and version, and what
the one before it has made; "del" goes backwards. Prints the result."""
import json
import os
import subprocess
import sys

PLUGINS = os.environ.get("CNI_PATH", "/usr/lib/cni")
IFNAME = "eth0"


def load(text):
    if not text.lstrip().startswith("{"):
        with open(text, encoding="utf-8") as f:
            text = f.read()
    return json.loads(text)


def run(command, netns, conf, ifname=IFNAME):
    env = dict(os.environ, CNI_COMMAND=command, CNI_CONTAINERID=netns, CNI_IFNAME=ifname,
               CNI_NETNS="/run/netns/" + netns, CNI_PATH=PLUGINS)
    plugin = subprocess.run([os.path.join(PLUGINS, conf["type"])], env=env, text=True,
                            input=json.dumps(conf), capture_output=True, check=False)
    if plugin.returncode:
        sys.exit(f"{conf['type']} {command}: {plugin.stdout}{plugin.stderr}")
    return json.loads(plugin.stdout) if plugin.stdout.strip() else None


def main():
    command, netns, conflist = sys.argv[1].upper(), sys.argv[2], load(sys.argv[3])
    runtime = load(sys.argv[4]) if len(sys.argv) > 4 else {}
    kept = f"/run/cni-result-{netns}.json"
    head = {k: conflist[k] for k in ("name", "cniVersion")}
    result = None
    if command == "ADD":
        run("ADD", netns, dict(head, type="loopback"), "lo")
    elif os.path.exists(kept):
        result = load(kept)
    plugins = conflist["plugins"] if command == "ADD" else conflist["plugins"][::-1]
    for plugin in plugins:
        conf = dict(plugin, **head)
        mine = {k: v for k, v in runtime.items() if plugin.get("capabilities", {}).get(k)}
        if mine:
            conf["runtimeConfig"] = mine
        if result:
            conf["prevResult"] = result
        made = run(command, netns, conf)
        if command == "ADD":
            result = made
    if command == "ADD":
        with open(kept, "w", encoding="utf-8") as f:
            json.dump(result, f)
        print(json.dumps(result))


main()
