#!/usr/bin/env bash
# A real corpus: HTML pages of PostgreSQL's manual (PostgreSQL licence), from Debian's documentation package.
# Usage: corpus.sh FOLDER
set -euo pipefail

into=$1
[ -f "$into/.complete" ] && exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
find_package() { apt-cache depends postgresql-doc 2>/dev/null | sed -n 's/.*Depends: \(postgresql-doc-[0-9]*\).*/\1/p' | head -1; }
package=$(find_package)
if [ -z "$package" ]; then
  sudo=""
  [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update -qq
  package=$(find_package)
fi
[ -n "$package" ] || { echo "no package of PostgreSQL's manual was found" >&2; exit 1; }
echo "fetching PostgreSQL's manual ($package)"
(cd "$work" && apt-get download -qq "$package" >/dev/null && dpkg -x ./*.deb root)
rm -rf "$into"
mkdir -p "$into"
html=$(find "$work/root" -type d -name html | head -1)
for topic in sql ddl queries indexes textsearch app backup functions mvcc transaction explicit runtime monitoring \
  routine performance tutorial using populate logical; do
  find "$html" -maxdepth 1 -name "$topic*.html" -size -30k -exec cp {} "$into/" \;
done
touch "$into/.complete"
