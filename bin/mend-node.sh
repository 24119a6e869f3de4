#!/bin/sh
# After npm has installed: can the Node 26 that it brought run here? It wants
# libatomic, which a small Debian does not have (Node 20 did not need it). Then
# the library is fetched with apt, without root and without touching the system,
# and node_modules/.bin/node becomes a script that knows where it lies.
#
# In sh, because at this moment there may be no Node that runs on npm's path.
set -eu
cd "$(dirname "$0")/.."

node=node_modules/.bin/node
[ -e "$node" ] || exit 0
if said=$("$node" --version 2>&1); then exit 0; fi

give_up() {
  echo "pforte: $1. $2" >&2
  exit 1
}
mend='Install it with apt-get install libatomic1, or Node 26 or later yourself, and start again.'
case $said in
  *libatomic.so.1*) ;;
  *) give_up "the Node 26 of npm does not run here: $said" 'Install Node 26 or later yourself, and start again.' ;;
esac
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || give_up 'Node 26 needs the library libatomic, which is missing' "$mend"

here=$PWD/node_modules/.libatomic
rm -rf "$here"
mkdir -p "$here/state/lists/partial" "$here/cache/archives/partial"
# Own state and cache, so that no right to the machine's is needed; its sources, keys and proxies are used.
apt() {
  apt-get -qq -o Dir::State="$here/state" -o Dir::State::status=/var/lib/dpkg/status -o Dir::Cache="$here/cache" \
    -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none "$@"
}
if ! { apt update && (cd "$here" && apt download libatomic1); } >"$here/log" 2>&1; then
  why=$(grep -m 1 '^E:' "$here/log" || tail -n 1 "$here/log")
  rm -rf "$here"
  give_up "Node 26 needs the library libatomic, which could not be fetched ($why)" "$mend"
fi
dpkg-deb -x "$here"/libatomic1_*.deb "$here"
library=$(find "$here/usr" "$here/lib" -name libatomic.so.1 2>/dev/null | head -n 1)
rm -rf "$here/state" "$here/cache" "$here/log" "$here"/libatomic1_*.deb
[ -n "$library" ] || give_up 'Debian keeps libatomic somewhere else than expected' "$mend"

program=$(readlink -f "$node")
rm "$node"
cat >"$node" <<END
#!/bin/sh
export LD_LIBRARY_PATH="$(dirname "$library")\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}"
exec "$program" "\$@"
END
chmod +x "$node"
"$node" --version >/dev/null || give_up 'Node 26 does not run even with libatomic' "$mend"
