#!/bin/sh
# Start the version that the pointer names, else the previous one, else any that is complete.
root=$(dirname "$(readlink -f "$0")")
current= previous=
[ -r "$root/pointer" ] && { read -r current; read -r previous; } < "$root/pointer"
for version in "$current" "$previous" $(ls "$root/versions" 2>/dev/null); do
    folder="$root/versions/$version"
    [ -n "$version" ] && [ -f "$folder/payload.json" ] && [ -x "$folder/python/bin/python3" ] || continue
    unset PYTHONHOME PYTHONPATH PYTHONSTARTUP
    export FETTLE_ROOT="$root" FETTLE_VERSION="$version"
    exec "$folder/python/bin/python3" -sP -m app "$@"
done
echo "Fettle is not complete here: $root holds no version that can start. Install it again; your work is safe." >&2
exit 6
