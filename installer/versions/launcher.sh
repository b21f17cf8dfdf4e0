#!/bin/sh
# Start Fettle: the version that this person went back to, else the current one, else the previous one.
self=$(readlink -f "$0") || self=$0
root=$(dirname "$self")
case "$(uname -s)" in
    Darwin) data="$HOME/Library/Application Support/fettle" ;;
    *) data="${XDG_DATA_HOME:-$HOME/.local/share}/fettle" ;;
esac
choice="${FETTLE_HOME:-$data}/program-version"
current= previous= chosen= instead_of=
[ -r "$root/pointer" ] && { read -r current; read -r previous; } < "$root/pointer"
[ -r "$choice" ] && { read -r chosen; read -r instead_of; } < "$choice"
[ "$instead_of" = "$current" ] || chosen=
for version in "$chosen" "$current" "$previous" $(ls "$root/versions" 2>/dev/null); do
    case "$version" in '' | .* | */*) continue ;; esac
    folder="$root/versions/$version"
    [ -f "$folder/payload.json" ] && [ -x "$folder/python/bin/python3" ] || continue
    unset PYTHONHOME PYTHONPATH PYTHONSTARTUP
    export FETTLE_ROOT="$root" FETTLE_VERSION="$version"
    exec "$folder/python/bin/python3" -sP -m app "$@"
done
echo "Fettle is not complete here: $root holds no version that can start. Install it again; your work is safe." >&2
exit 6
