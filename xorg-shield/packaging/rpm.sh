#!/bin/sh
# Makes build/shoji-xorg-shield-VERSION.ARCH.rpm from the module that was built. Run by `make rpm`. Installs nothing.
# The module inside is for servers of the ABI it was built against; build on the distribution it is meant for. MODULES
# is where that one keeps the server's modules.
. packaging/common.sh

MODULES=${MODULES:-/usr/lib64/xorg/modules}
TREE=$PWD/build/rpm-tree
TOP=$PWD/build/rpm

rm -rf "$TREE" "$TOP"
lay "$TREE" "$MODULES"
mkdir -p "$TOP"
cat >"$TOP/shoji-xorg-shield.spec" <<END
Name: shoji-xorg-shield
Version: $VERSION
Release: 1.abi$EXTENSION_ABI
Summary: Screenshot shield for Shoji's meeting windows on Xorg
License: MIT OR Apache-2.0
Requires: xserver-abi(extension-${EXTENSION_ABI%.*}), xserver-abi(videodrv-${VIDEO_ABI%.*})
AutoReqProv: yes

%description
A module for the Xorg server (extension ABI $EXTENSION_ABI) that makes windows black for
every program but their own when their program asks for it. It is loaded when the
X server starts next. Removing the package and starting the server anew leaves
nothing behind.

# The files are laid already: there is nothing to build, and the module is stripped.
%install
cp -a $TREE/. %{buildroot}/

%files
$MODULES/extensions/libshojishield.so
/usr/share/X11/xorg.conf.d/60-shoji-shield.conf
%dir /usr/share/shoji-xorg-shield
/usr/share/shoji-xorg-shield/compositors.conf
%dir /usr/share/doc/shoji-xorg-shield
%doc /usr/share/doc/shoji-xorg-shield/README.md
END
rpmbuild -bb --quiet --define "_topdir $TOP" --define "_build_id_links none" --define "__os_install_post %{nil}" \
    --define "debug_package %{nil}" --define "_buildhost localhost" --define "use_source_date_epoch_as_buildtime 1" \
    "$TOP/shoji-xorg-shield.spec"
mv "$TOP"/RPMS/*/*.rpm build/
