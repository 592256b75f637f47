#!/bin/sh
# Installs each package into an empty tree, removes it, and fails if anything is left or its server would not be asked for.
# Run as root after `make deb rpm`. Touches nothing outside of build/.
set -eu
cd "$(dirname "$0")/.."
ROOT=$PWD/build/check

left() {
    find "$ROOT" -type f -o -type l | grep -v -e /var/lib/dpkg/ -e /var/lib/rpm/ -e /.rpmdb/ -e /var/log/ | sort
}

rm -rf "$ROOT"
mkdir -p "$ROOT/var/lib/dpkg/updates" "$ROOT/var/lib/dpkg/info"
: >"$ROOT/var/lib/dpkg/status"
dpkg --root="$ROOT" --force-depends --log=/dev/null -i build/shoji-xorg-shield_*.deb >/dev/null 2>&1
[ "$(left | wc -l)" = 4 ] || { echo "deb: expected 4 files:"; left; exit 1; }
dpkg --root="$ROOT" --log=/dev/null -r shoji-xorg-shield >/dev/null
[ -z "$(left)" ] || { echo "deb: left behind:"; left; exit 1; }
[ ! -e "$ROOT/usr" ] || { echo "deb: left folders behind:"; find "$ROOT/usr"; exit 1; }
! dpkg --root="$ROOT" -s shoji-xorg-shield >/dev/null 2>&1 || { echo "deb: settings are left behind"; exit 1; }
dpkg-deb -f build/shoji-xorg-shield_*.deb Depends | grep -q xorg-video-abi-

rm -rf "$ROOT"
mkdir -p "$ROOT"
rpm --root "$ROOT" --initdb
rpm --root "$ROOT" --nodeps -i build/shoji-xorg-shield-*.rpm
[ "$(left | wc -l)" = 4 ] || { echo "rpm: expected 4 files:"; left; exit 1; }
rpm --root "$ROOT" -e shoji-xorg-shield
[ -z "$(left)" ] || { echo "rpm: left behind:"; left; exit 1; }
[ ! -e "$ROOT/usr/share/shoji-xorg-shield" ] || { echo "rpm: left folders behind"; exit 1; }
rpm -qp --requires build/shoji-xorg-shield-*.rpm | grep -q 'xserver-abi(extension-'
rm -rf "$ROOT"
echo "deb and rpm: installed, removed, nothing left"
