#!/bin/sh
# Makes build/shoji-xorg-shield_VERSION_ARCH.deb from the module that was built. Run by `make deb`. Installs nothing.
. packaging/common.sh

ARCH=$(dpkg --print-architecture)
TREE=build/deb
# The newest symbols of the C library that the module uses are what it depends on.
LIBC=$(objdump -T build/libshojishield.so | sed -n 's/.*GLIBC_\([0-9.]*\).*/\1/p' | sort -V | tail -n 1)

rm -rf $TREE
lay $TREE "$(pkg-config --variable=moduledir xorg-server)"
mkdir $TREE/DEBIAN
cat >$TREE/DEBIAN/control <<END
Package: shoji-xorg-shield
Version: $VERSION+abi$EXTENSION_ABI
Architecture: $ARCH
Maintainer: Shoji
Section: x11
Priority: optional
Depends: libc6 (>= $LIBC), xserver-xorg-core (>= 2:$SERVER), xserver-xorg-core (<< 2:$NEXT_SERVER), xorg-video-abi-${VIDEO_ABI%.*}
Description: screenshot shield for Shoji's meeting windows on Xorg
 A module for the Xorg server (extension ABI $EXTENSION_ABI) that makes windows black for
 every program but their own when their program asks for it.
 .
 It is loaded when the X server starts next. Removing the package and starting
 the server anew leaves nothing behind.
END
(cd $TREE && find usr -type f | sort | xargs md5sum) >$TREE/DEBIAN/md5sums
touch -d "@$SOURCE_DATE_EPOCH" $TREE/DEBIAN $TREE/DEBIAN/*
dpkg-deb --root-owner-group --build $TREE "build/shoji-xorg-shield_$VERSION+abi${EXTENSION_ABI}_$ARCH.deb"
