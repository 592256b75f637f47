# What the two packages have in common. Read by deb.sh and rpm.sh, in the folder above this one.
set -eu
# The version of the app, and the ABI the module was built for: a server of another one does not load it.
VERSION=${VERSION:-$(sed -n 's/^version = "\(.*\)"/\1/p' ../Cargo.toml 2>/dev/null | head -n 1)}
VERSION=${VERSION:-0.1.0}
EXTENSION_ABI=$(pkg-config --variable=abi_extension xorg-server)
VIDEO_ABI=$(pkg-config --variable=abi_videodrv xorg-server)
SERVER=$(pkg-config --modversion xorg-server | cut -d. -f1,2)
NEXT_SERVER=${SERVER%.*}.$((${SERVER##*.} + 1))
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
# Files of everybody's to read, whoever builds.
umask 022

# lay ROOT MODULES: puts the files of the package into a tree.
lay() {
    install -D -s -m 644 build/libshojishield.so "$1$2/extensions/libshojishield.so"
    install -D -m 644 packaging/60-shoji-shield.conf "$1/usr/share/X11/xorg.conf.d/60-shoji-shield.conf"
    install -D -m 644 packaging/compositors.conf "$1/usr/share/shoji-xorg-shield/compositors.conf"
    install -D -m 644 README.md "$1/usr/share/doc/shoji-xorg-shield/README.md"
    find "$1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}
