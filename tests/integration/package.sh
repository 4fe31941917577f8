#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# What `meson install` installs, and the Debian package made of it. Of this build, so neither optimised nor for sale: ./run package
# makes that one, by the same script.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
own_net "$@"
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"

# --- meson install -------------------------------------------------------------------------------------------------

stage=$tmp/stage
DESTDIR=$stage meson install -C "$XORD_BUILD" --no-rebuild --quiet >"$tmp/install.log" 2>&1 || fail 'meson install'
prefix=$(meson introspect --buildoptions "$XORD_BUILD" | python3 -c '
import json, sys
print(next(option["value"] for option in json.load(sys.stdin) if option["name"] == "prefix"))')
(cd "$stage$prefix" && find . -type f | sed 's,^\./,,' | sort) >"$tmp/have"
grep -v '^#' "$XORD_SRC/tests/integration/installed.txt" >"$tmp/patterns"
while read -r pattern; do
  regex=$(printf '%s\n' "$pattern" | sed 's,[.],\\.,g; s,[*],[^/]*,g')
  grep -x "$regex" "$tmp/have" >>"$tmp/listed" || fail "nothing installed is $pattern of installed.txt"
done <"$tmp/patterns"
sort -u "$tmp/listed" | comm -13 - "$tmp/have" >"$tmp/more"
[ ! -s "$tmp/more" ] || fail "installed, but not in installed.txt: $(tr '\n' ' ' <"$tmp/more")"
ok "$(wc -l <"$tmp/have") files are installed, all listed"
(cd "$stage" && find . -path ".$prefix" -prune -o -type f -print) >"$tmp/outside"
[ ! -s "$tmp/outside" ] || fail "outside of the prefix: $(cat "$tmp/outside")"
assert_match 'the service runs this binary' "$(cat "$stage$prefix/lib/systemd/system/xord.service")" "^ExecStart=$prefix/bin/xord bootnode "
assert_match 'the installed binary runs' "$("$stage$prefix/bin/xord" --version)" '^xord [0-9.]+$'
[ ! -d "$stage$prefix/share/man" ] || assert_eq 'the manual has no gaps' "$(grep -rlE '@[A-Z]+@|;include' "$stage$prefix/share/man")" ''

# --- the package ---------------------------------------------------------------------------------------------------

# Where ./run package has it from the start.
if [ "$prefix" != /usr ]; then
  mkdir -p "$stage/usr"
  cp -a "$stage$prefix/." "$tmp/usr"
  rm -rf "${stage:?}/${prefix#/}"
  cp -a "$tmp/usr/." "$stage/usr"
  sed -i "s,$prefix/,/usr/,g" "$stage/usr/lib/systemd/system/xord.service"
fi
export SOURCE_DATE_EPOCH=1700000000
sh "$XORD_SRC/packaging/deb.sh" "$stage" "$tmp/one" >"$tmp/package" || fail 'packaging/deb.sh'
sh "$XORD_SRC/packaging/deb.sh" "$stage" "$tmp/two" >/dev/null
deb=$(cat "$tmp/package")
cmp "$deb" "$tmp/two/${deb##*/}" || fail 'the same stage gave two packages'
ok 'the package is the same each time'
version=$("$stage/usr/bin/xord" --version)
assert_eq 'name of the package' "${deb##*/}" "xord_${version#xord }_$(dpkg --print-architecture).deb"

field() { dpkg-deb --field "$deb" "$1"; }
assert_match 'libraries are among the dependencies' "$(field Depends)" 'libc6 .*librte-ethdev[0-9]+ '
assert_match 'and what DPDK loads for itself' "$(field Depends)" 'librte-bus-vdev[0-9]+.*librte-mempool-ring[0-9]+'
assert_match 'network cards are recommended' "$(field Recommends)" 'librte-net-af-packet[0-9]+.*librte-net-mlx5-[0-9]+'
for nic in "$stage"/usr/share/xord/nics/*.yaml; do
  [ -f "$nic" ] || continue
  library=$(sed -n 's/^library: *librte_//p' "$nic")
  assert_match "the driver of ${nic##*/}" "$(field Recommends)," "librte-$(echo "$library" | tr _ -)-?[0-9]+,"
done

dpkg-deb --contents "$deb" >"$tmp/contents"
assert_eq 'all belongs to root' "$(awk '$2 != "root/root"' "$tmp/contents")" ''
assert_eq 'nothing can be written to by others' "$(awk '$1 !~ /^l/ && $1 ~ /^.....w|^........w/' "$tmp/contents")" ''
for file in bin/xord share/doc/xord/copyright share/doc/xord/changelog.gz share/doc/xord/docs/operations.md; do
  grep -q " \./usr/$file\$" "$tmp/contents" || fail "the package has no $file"
done
[ ! -d "$stage/usr/share/man" ] || grep -q ' \./usr/share/man/man1/xord\.1\.gz$' "$tmp/contents" || fail 'the package has no manual'
dpkg-deb --control "$deb" "$tmp/control"
assert_eq 'conffiles' "$(cat "$tmp/control/conffiles")" /etc/xord/bootnode.yaml
grep -q ' \./etc/xord/bootnode\.yaml$' "$tmp/contents" || fail 'the package has no configuration'
for script in postinst prerm postrm; do
  sh -n "$tmp/control/$script" || fail "$script"
  assert_eq "mode of $script" "$(stat -c %a "$tmp/control/$script")" 755
done
dpkg-deb --extract "$deb" "$tmp/unpacked"
(cd "$tmp/unpacked" && md5sum --quiet -c "$tmp/control/md5sums") || fail 'md5sums'
assert_eq 'the packaged binary runs' "$("$tmp/unpacked/usr/bin/xord" --version)" "$version"
